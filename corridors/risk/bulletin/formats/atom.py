"""An Atom feed (RFC 4287) with GeoRSS-Simple places: an entry a bulletin, the newest first.

Ids are tag URIs (RFC 4151). The severity and expiry of CAP stand in each entry under their own
names, so that a reader need not guess them from the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from corridors.risk.alert import Alert
from corridors.risk.bulletin import Bulletin
from corridors.risk.bulletin.briefing import lines
from corridors.risk.bulletin.formats.cap import LANGUAGE, NAMESPACE, SEVERITY, certainty, urgency
from corridors.risk.bulletin.formats.geometry import pairs, point
from corridors.risk.bulletin.formats.markup import add, document, stamp
from corridors.risk.bulletin.formats.publisher import Publisher
from corridors.risk.bulletin.words import word
from layers.errors import UsageError

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["feed", "to_atom"]

_NOT_IN_URI = re.compile(r"[^A-Za-z0-9._~-]")
FIRST_DAY = "2026-01-01"  # a tag names a day on which its owner held the name


def to_atom(
    bulletins: Sequence[Bulletin], alert: Alert, world: World, publisher: Publisher | None = None
) -> bytes:
    """The feed of one alert, in UTF-8."""
    return feed([(bulletin, alert) for bulletin in bulletins], world, publisher)


def feed(
    written: Iterable[tuple[Bulletin, Alert]], world: World, publisher: Publisher | None = None
) -> bytes:
    """The feed of many bulletins, each with the alert it is of.

    Raises
    ------
    UsageError
        Without any: a feed has to say when it was last changed.
    """
    publisher = publisher or Publisher()
    entries = sorted(written, key=lambda pair: pair[1].sent, reverse=True)
    if not entries:
        raise UsageError("a feed needs at least one bulletin")
    first = entries[0][0]
    root = Element("feed", {"xmlns": "http://www.w3.org/2005/Atom"})
    root.set("xmlns:georss", "http://www.georss.org/georss")
    root.set("xmlns:cap", NAMESPACE)
    add(root, "id", _tag(publisher, "bulletins"))
    add(root, "title", word("named", first.lang, name=first.title, text=first.reference))
    add(root, "updated", stamp(entries[0][1].sent))
    add(SubElement(root, "author"), "name", publisher.name or word("publisher", first.lang))
    add(root, "rights", first.reference)
    if publisher.link:
        SubElement(root, "link", rel="alternate", href=publisher.link)
    for bulletin, alert in entries:
        _entry(SubElement(root, "entry"), bulletin, alert, world, publisher)
    return document(root)


def _entry(
    entry: Element, bulletin: Bulletin, alert: Alert, world: World, publisher: Publisher
) -> None:
    entry.set("xml:lang", LANGUAGE[bulletin.lang])
    add(entry, "id", _tag(publisher, bulletin.id))
    add(entry, "title", bulletin.headline)
    add(entry, "updated", stamp(alert.sent))
    add(entry, "published", stamp(alert.sent))
    if publisher.link:
        SubElement(entry, "link", rel="alternate", href=publisher.link)
    SubElement(entry, "category", term=alert.level.name, label=bulletin.grade)
    add(entry, "summary", " ".join([bulletin.grade, *bulletin.notes, bulletin.reference]))
    add(entry, "content", "\n".join(lines(bulletin.sections, bulletin.lang)))
    add(entry, "cap:severity", SEVERITY[alert.level])
    add(entry, "cap:urgency", urgency(alert))
    add(entry, "cap:certainty", certainty(alert))
    add(entry, "cap:expires", stamp(alert.expires))
    add(entry, "georss:point", "{} {}".format(*point(alert.element, world)))
    ring = " ".join(f"{lat} {lon}" for lat, lon in pairs(alert.element, world))
    add(entry, "georss:polygon", ring)


def _tag(publisher: Publisher, id: str) -> str:
    owner = publisher.sender.rpartition("@")[2]
    return f"tag:{_NOT_IN_URI.sub('-', owner)},{FIRST_DAY}:{_NOT_IN_URI.sub('_', id)}"
