"""Bulletins as bytes, ready to save or send: one function a format, all of the same form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from corridors.risk.bulletin.formats.atom import to_atom
from corridors.risk.bulletin.formats.cap import to_cap
from corridors.risk.bulletin.formats.geojson import to_geojson
from corridors.risk.bulletin.formats.html import to_html
from corridors.risk.bulletin.formats.markdown import to_markdown
from corridors.risk.bulletin.formats.pdf import to_pdf
from corridors.risk.bulletin.formats.publisher import DRAFT, Publisher

if TYPE_CHECKING:
    from corridors.risk.alert import Alert
    from corridors.risk.bulletin import Bulletin
    from layers.world import World

__all__ = [
    "DRAFT",
    "FORMATS",
    "MEDIA",
    "Format",
    "Publisher",
    "to_atom",
    "to_cap",
    "to_geojson",
    "to_html",
    "to_markdown",
    "to_pdf",
]


class Format(Protocol):
    """Bulletins of one alert, in one or more languages, and the alert itself, as a file."""

    def __call__(
        self,
        bulletins: Sequence[Bulletin],
        alert: Alert,
        world: World,
        publisher: Publisher | None = None,
    ) -> bytes:
        """The bytes of the file."""
        ...


FORMATS: Mapping[str, Format] = {
    "cap": to_cap,
    "atom": to_atom,
    "geojson": to_geojson,
    "md": to_markdown,
    "html": to_html,
    "pdf": to_pdf,
}
"""By the name asked for on the command line."""

MEDIA: Mapping[str, str] = {
    "cap": "application/cap+xml",
    "atom": "application/atom+xml",
    "geojson": "application/geo+json",
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
}
"""Media type of each format."""
