"""Words of the page of feeds and data."""

from __future__ import annotations

DATA: dict[str, tuple[str, str]] = {}
