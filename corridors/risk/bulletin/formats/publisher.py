"""Who sends a bulletin out, and what the formats need to be told for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from layers.errors import UsageError

__all__ = ["DRAFT", "Publisher", "identifier"]

DRAFT = "corridors.local"
"""The sender of those who have configured none: what it sends is a draft."""

_ILLEGAL = re.compile(r"[\s,<&]")  # of CAP, in identifiers and senders


@dataclass(frozen=True)
class Publisher:
    """Who sends, under which name.

    Attributes
    ----------
    sender
        Whose message it is, by convention a host name or an address of mail: without space,
        comma, ``<`` and ``&``. Only with one of one's own does a message claim to be actual.
    name
        The sender's name for people; empty: that of this project.
    link
        Where bulletins are published, an address of http or https; empty: nowhere, and then no
        format holds a link.
    font
        File of a font with Chinese letters, for PDF in Chinese
        (`corridors.risk.bulletin.formats.fonts.chinese_font` finds one).

    Raises
    ------
    UsageError
        For a sender or link that can't be one.
    """

    sender: str = DRAFT
    name: str = ""
    link: str = ""
    font: str | None = None

    def __post_init__(self) -> None:
        if not self.sender or _ILLEGAL.search(self.sender) or not self.sender.isprintable():
            raise UsageError(f"the sender {self.sender!r} may hold no space, comma, < or &")
        if self.link and not re.fullmatch(r"https?://[^\s<>\"]+", self.link):
            raise UsageError(f"{self.link!r} is no address of http or https")

    @property
    def draft(self) -> bool:
        """Whether nobody has put their name to what is sent."""
        return self.sender == DRAFT


def identifier(id: str) -> str:
    """The id with what CAP forbids in identifiers replaced by ``_``."""
    return "".join(c if c.isprintable() else "_" for c in _ILLEGAL.sub("_", id))
