"""Markdown (CommonMark): headings, lists, and every character of others made harmless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from corridors.risk.alert import Alert
from corridors.risk.bulletin import PIPS, Bulletin
from corridors.risk.bulletin.briefing import Row, Section
from corridors.risk.bulletin.formats.publisher import Publisher
from corridors.risk.bulletin.words import word

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["to_markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]|~$^]|^[#+\-=]|^\d+(?=[.)])|://|@)")


def to_markdown(
    bulletins: Sequence[Bulletin], alert: Alert, world: World, publisher: Publisher | None = None
) -> bytes:
    """The bulletins one after another, in UTF-8."""
    return "\n---\n\n".join(_page(bulletin) for bulletin in bulletins).encode()


def _page(bulletin: Bulletin) -> str:
    top = [
        f"# {_plain(bulletin.headline)}",
        f"**{PIPS[bulletin.level]} {_plain(bulletin.grade)}**  \n{_plain(bulletin.reference)}",
        *(f"> **{_plain(note)}**" for note in bulletin.notes),
        _plain(word("for", bulletin.lang, reader=bulletin.reader_name)),
    ]
    body = [line for section in bulletin.sections for line in _section(section, bulletin.lang, 2)]
    end = _plain(bulletin.reference)
    if bulletin.mark:
        end = f"**{_plain(bulletin.mark)}** · {end}"
    return "\n\n".join([*top, *body, end]) + "\n"


def _section(section: Section, lang: str, depth: int) -> Iterable[str]:
    yield f"{'#' * depth} {_plain(section.heading)}"
    if section.rows:
        yield "\n".join(f"- {_row(row, lang)}" for row in section.rows)
    for part in section.parts:
        yield from _section(part, lang, depth + 1)


def _row(row: Row, lang: str) -> str:
    if not row.name:
        return _plain(row.text)
    return word("named", lang, name=f"**{_plain(row.name)}**", text=_plain(row.text))


def _plain(text: str) -> str:
    """The text as itself: what Markdown or HTML would act on is escaped."""
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(_escaped, safe)


def _escaped(found: re.Match[str]) -> str:
    """A backslash before a mark; an address or mail that would become a link is broken up."""
    text = found[0]
    if text == "://":
        return ":&#47;/"
    if text == "@":
        return "&#64;"
    return text + "\\" if text[0].isdigit() else "\\" + text
