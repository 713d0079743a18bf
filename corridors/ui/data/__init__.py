"""Page of feeds and data: states, reports, sources, assumptions; ``model`` asks, others draw."""
