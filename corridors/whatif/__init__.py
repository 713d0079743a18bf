"""What if it breaks: a scenario in, what is delivered, rerouted, unmet and infeasible out."""
