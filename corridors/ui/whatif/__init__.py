"""What-if page: a disruption built, answered and drawn; ``model`` asks, others draw."""
