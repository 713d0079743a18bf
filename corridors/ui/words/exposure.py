"""Words of the exposure page."""

from __future__ import annotations

EXPOSURE: dict[str, tuple[str, str]] = {}
