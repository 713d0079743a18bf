"""What formats of marked-up text share: elements with text, whole documents, moments."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

__all__ = ["add", "document", "stamp"]

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def add(parent: Element, name: str, text: str, **attributes: str) -> Element:
    """A new last child that holds the text; what XML can't hold at all is left out of it."""
    child = SubElement(parent, name, attributes)
    child.text = _NO_XML.sub("", text)
    return child


def document(root: Element) -> bytes:
    """The whole XML document in UTF-8."""
    indent(root, space=" ")
    written: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def stamp(at: datetime) -> str:
    """The moment in UTC with a numeric offset, ``2026-04-23T06:00:00+00:00``: CAP allows no Z."""
    return at.astimezone(UTC).isoformat(timespec="seconds")
