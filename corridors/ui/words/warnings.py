"""Words of the warnings page."""

from __future__ import annotations

WARNINGS: dict[str, tuple[str, str]] = {}
