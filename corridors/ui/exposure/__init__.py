"""Exposure page: what rides on what, in tables and drawings; ``model`` asks, others draw."""
