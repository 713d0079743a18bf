"""Words of the what-if page."""

from __future__ import annotations

WHATIF: dict[str, tuple[str, str]] = {}
