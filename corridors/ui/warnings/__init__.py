"""Warnings page: the log, its levels and what was done; ``model`` asks, others draw."""
