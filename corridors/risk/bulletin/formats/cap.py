"""CAP 1.2 (OASIS, 1 July 2010): one alert, with one block of information a bulletin.

Status is ``Exercise`` for an exercise, ``Actual`` where a sender is configured, else ``Draft``:
what nobody has put their name to must not pass for real. ``Update`` and ``Cancel`` name every
earlier message of the thread still in effect. The message of a single reader has the reader in
its identifier, and in those it refers to, since each reader's message has words of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from corridors.risk.alert import Alert, Level, Message
from corridors.risk.bulletin import Bulletin
from corridors.risk.bulletin.briefing import lines
from corridors.risk.bulletin.formats.geometry import pairs
from corridors.risk.bulletin.formats.markup import add, document, stamp
from corridors.risk.bulletin.formats.publisher import Publisher, identifier
from corridors.risk.bulletin.surroundings import site
from corridors.risk.bulletin.words import told
from layers.errors import UsageError
from layers.events import VISIBILITY

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["LANGUAGE", "NAMESPACE", "SEVERITY", "certainty", "to_cap", "urgency"]

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
LANGUAGE = {"en": "en-US", "zh": "zh-CN"}
SEVERITY = {
    Level.none: "Minor",
    Level.blue: "Minor",
    Level.yellow: "Moderate",
    Level.orange: "Severe",
    Level.red: "Extreme",
}
RESPONSE = {
    Level.none: ("AllClear",),
    Level.blue: ("Monitor",),
    Level.yellow: ("Monitor", "Prepare"),
    Level.orange: ("Prepare",),
    Level.red: ("Prepare",),
}
CATEGORY = {
    "strait": ("Transport", "Security"),
    "canal": ("Transport", "Infra"),
    "port": ("Transport", "Infra"),
    "railway": ("Transport", "Infra"),
    "pipeline": ("Infra",),
}
EVENT = {"en": "Risk to passage", "zh": "通行受阻风险"}
SCOPE = {"public": "Public", "organisation": "Restricted", "private": "Private"}
FALLEN = 0.75  # of the season: below it, the traffic has fallen


def to_cap(
    bulletins: Sequence[Bulletin], alert: Alert, world: World, publisher: Publisher | None = None
) -> bytes:
    """The message, in UTF-8.

    Raises
    ------
    UsageError
        Without bulletins, for bulletins of another alert, and for an update or a cancellation
        that refers to nothing.
    """
    publisher = publisher or Publisher()
    if not bulletins or {b.alert for b in bulletins} != {alert.id}:
        raise UsageError(f"a CAP message of {alert.id} needs bulletins of it, and of no other")
    if alert.message is not Message.alert and not alert.references:
        raise UsageError(f"{alert.id} is an {alert.message}, yet refers to no earlier message")
    root = Element("alert", xmlns=NAMESPACE)
    _head(root, bulletins, alert, publisher)
    for bulletin in bulletins:
        _info(SubElement(root, "info"), bulletin, alert, world, publisher)
    return document(root)


def urgency(alert: Alert) -> str:
    """``Expected`` means within the hour in CAP, so only where the traffic has fallen already."""
    if alert.message is Message.cancel or alert.level is Level.none:
        return "Past"
    if alert.level is Level.red:
        return "Immediate"
    return "Expected" if alert.level is Level.orange and _fallen(alert) else "Future"


def certainty(alert: Alert) -> str:
    """By what is seen and how probable it is (METHODS of levels: ``Observed`` at red only)."""
    chance = alert.probability_14d
    if alert.message is Message.cancel or alert.level is Level.none:
        return "Unlikely" if isfinite(chance) else "Unknown"
    if alert.level is Level.red and _fallen(alert):
        return "Observed"
    if alert.level >= Level.orange and chance >= 0.5:
        return "Likely"
    return "Unlikely" if alert.level is Level.blue and chance < 0.1 else "Possible"


def _fallen(alert: Alert) -> bool:
    return alert.status.alarm == "fall" or alert.status.ratio < FALLEN


def _head(root: Element, bulletins: Sequence[Bulletin], alert: Alert, publisher: Publisher) -> None:
    readers = {b.reader for b in bulletins}
    reader = f".{readers.pop()}" if len(readers) == 1 else ""
    scope = max((b.audience for b in bulletins), key=VISIBILITY.index)
    status = "Exercise" if alert.exercise else "Draft" if publisher.draft else "Actual"
    add(root, "identifier", identifier(alert.id) + reader)
    add(root, "sender", publisher.sender)
    add(root, "sent", stamp(alert.sent))
    add(root, "status", status)
    add(root, "msgType", str(alert.message))
    add(root, "scope", SCOPE[scope])
    if scope == "organisation":
        add(root, "restriction", " / ".join(dict.fromkeys(b.handling for b in bulletins)))
    if scope == "private":
        add(root, "addresses", publisher.sender)
    add(root, "note", _note(bulletins, alert))
    if alert.message is not Message.alert:
        earlier = [
            f"{publisher.sender},{identifier(id)}{reader},{stamp(at)}"
            for id, at in alert.references
        ]
        add(root, "references", " ".join(earlier))
    add(root, "incidents", identifier(alert.thread))


def _note(bulletins: Sequence[Bulletin], alert: Alert) -> str:
    """That it is no official warning, and what it is an exercise of."""
    said = [b.notes[0] for b in bulletins if alert.exercise]
    scenario = [told(alert.scenario, most=120)] if alert.exercise and alert.scenario else []
    return " / ".join(dict.fromkeys([*said, *scenario, *(b.reference for b in bulletins)]))


def _info(
    info: Element, bulletin: Bulletin, alert: Alert, world: World, publisher: Publisher
) -> None:
    """One block, its elements in the order the schema sets."""
    clear = alert.message is Message.cancel
    add(info, "language", LANGUAGE[bulletin.lang])
    _all(info, "category", CATEGORY[site(alert.element, world)])
    add(info, "event", EVENT[bulletin.lang])
    _all(info, "responseType", RESPONSE[Level.none] if clear else _response(bulletin))
    add(info, "urgency", urgency(alert))
    add(info, "severity", SEVERITY[alert.level])
    add(info, "certainty", certainty(alert))
    add(info, "audience", bulletin.reader_name)
    add(info, "effective", stamp(alert.sent))
    add(info, "expires", stamp(alert.expires))
    add(info, "senderName", publisher.name or bulletin.title)
    add(info, "headline", bulletin.headline)
    add(info, "description", _description(bulletin))
    add(info, "instruction", "\n".join(lines([bulletin.section("actions")], bulletin.lang)))
    if publisher.link:
        add(info, "web", publisher.link)
    add(info, "contact", bulletin.contact)
    for name, value in _parameters(bulletin, alert):
        _pair(info, "parameter", name, value)
    _area(SubElement(info, "area"), bulletin, alert, world)


def _response(bulletin: Bulletin) -> tuple[str, ...]:
    """To avoid the place is advised only where there is another way."""
    avoid = bulletin.level is Level.red and bulletin.ways
    return (*RESPONSE[bulletin.level], *(("Avoid",) if avoid else ()))


def _description(bulletin: Bulletin) -> str:
    said = [s for s in bulletin.sections if s.key not in ("actions", "validity")]
    parts = [bulletin.grade, *bulletin.notes]
    for section in said:
        parts += ["", section.heading, *lines([section], bulletin.lang)]
    return "\n".join([*parts, "", bulletin.reference])


def _parameters(bulletin: Bulletin, alert: Alert) -> list[tuple[str, str]]:
    """What a machine wants to know; a probability that is not known is left out."""
    known = {
        "probability14d": alert.probability_14d,
        "probability30d": alert.probability_30d,
        "shortShare30d" if alert.impact.days == 30 else "shortShare": alert.impact.short_share,
        "observedShare": alert.status.ratio,
    }
    return [
        ("level", alert.level.name),
        ("levelName", bulletin.colour),
        *((name, f"{value:.4g}") for name, value in known.items() if isfinite(value)),
        ("importer", alert.importer),
        ("commodity", alert.commodity),
        ("declared", told(alert.status.declared, most=60) or "unknown"),
        ("held", str(alert.held).lower()),
        ("ruleVersion", told(alert.rules, most=60)),
        ("dataVintage", told(alert.vintage, most=200)),
    ]


def _area(area: Element, bulletin: Bulletin, alert: Alert, world: World) -> None:
    add(area, "areaDesc", world.name(alert.element, bulletin.lang))
    ring = " ".join(f"{lat:.5f},{lon:.5f}" for lat, lon in pairs(alert.element, world))
    add(area, "polygon", ring)
    _pair(area, "geocode", "corridors:element", alert.element)


def _all(parent: Element, name: str, texts: Iterable[str]) -> None:
    for text in texts:
        add(parent, name, text)


def _pair(parent: Element, name: str, key: str, value: str) -> None:
    pair = SubElement(parent, name)
    add(pair, "valueName", key)
    add(pair, "value", value)
