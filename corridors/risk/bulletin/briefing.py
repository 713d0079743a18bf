"""What a bulletin is written from: the alert, who reads it in which language, what is known around.

A `Briefing` turns numbers, names and moments into words of its language; the modules beside it
turn those into the parts of a bulletin.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite, nan
from typing import TYPE_CHECKING

from corridors.risk.alert import Alert, Evidence, Message, Status
from corridors.risk.bulletin.surroundings import Nearby, countries_near, neighbours
from corridors.risk.bulletin.words import authority, day, figure, told, word
from corridors.wording import cargo, in_sentence, percent, tonnes
from layers.events import may_see
from layers.tables import DECLARED

if TYPE_CHECKING:
    from layers.world import World

__all__ = [
    "SHOWN",
    "Briefing",
    "Context",
    "Incident",
    "Row",
    "Section",
    "Way",
    "lines",
    "spoken",
    "surrounded",
]

SHOWN = 8
"""Ports, neighbours and events that are listed by name."""

FACTS = ("meaning", "validity", "sources")
"""Sections of names and figures."""


@dataclass(frozen=True)
class Way:
    """Another way for the cargo.

    Attributes
    ----------
    passages
        Ids of the elements it passes, in order; none: open sea.
    days, usd_t
        How much longer and dearer than the usual way; NaN when not known.
    """

    passages: tuple[str, ...]
    days: float = nan
    usd_t: float = nan


@dataclass(frozen=True)
class Incident:
    """An event near the element, in the words of who reported it."""

    title: str
    source: str
    at: datetime | None = None
    place: str = ""
    visibility: str = "public"


@dataclass(frozen=True)
class Context:
    """What is known around an alert; all of it may be missing, and is then called not known.

    Attributes
    ----------
    landings
        Tonnes a year of this cargo that come through the element, by id of the port of landing.
    firms
        Firms that land it, by id of the port; the operator of the port when not given.
    next_best
        Other ways, the best first.
    nearby, countries
        Elements around and countries there (`surrounded` fills both from the world).
    incidents
        Recent events around, the newest first.
    nationals
        How many nationals of the importer are there.
    war_risk_pct
        War risk premium, % of hull value.
    contact
        Whom to call; a placeholder when not given.
    """

    landings: Mapping[str, float] = field(default_factory=dict)
    firms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    next_best: tuple[Way, ...] = ()
    nearby: tuple[Nearby, ...] = ()
    countries: tuple[str, ...] = ()
    incidents: tuple[Incident, ...] = ()
    nationals: float = nan
    war_risk_pct: float = nan
    contact: str = ""


@dataclass(frozen=True)
class Row:
    """One line of a bulletin; ``lang`` where the text is in another language than the bulletin."""

    text: str
    name: str = ""
    lang: str = ""


@dataclass(frozen=True)
class Section:
    """A part of a bulletin: its heading, its lines, and parts of its own.

    ``facts`` where every line is a short name with its figure, fit for two columns.
    """

    key: str
    heading: str
    rows: tuple[Row, ...] = ()
    parts: tuple[Section, ...] = ()
    facts: bool = False


def surrounded(element: str, world: World, **known: object) -> Context:
    """The context of an element with its neighbours and countries from the world.

    Parameters
    ----------
    known
        Further fields of `Context`, or these two when they are known better.
    """
    nearby, countries = neighbours(element, world)[:SHOWN], countries_near(element, world)
    return Context(**{"nearby": nearby, "countries": countries, **known})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Briefing:
    """One alert on its way to one reader, at one moment."""

    alert: Alert
    reader: str
    lang: str
    world: World
    context: Context
    now: datetime
    audience: str

    @property
    def clear(self) -> bool:
        """Whether it is the all-clear."""
        return self.alert.message is Message.cancel

    @property
    def names(self) -> dict[str, str]:
        """Names of what the alert is about, as they stand in a sentence."""
        alert = self.alert
        article = "" if self.lang != "en" or alert.element.startswith("port:") else "the "
        return {
            "element": article + self.name(alert.element),
            "commodity": cargo(self.world, alert.commodity, self.lang),
            "importer": in_sentence(self.world, alert.importer, self.lang),
        }

    @property
    def ways(self) -> tuple[Way, ...]:
        """Other ways: one that passes the element itself is none."""
        return tuple(w for w in self.context.next_best if self.alert.element not in w.passages)

    def say(self, key: str, **parts: str) -> str:
        """A word or sentence of the table."""
        return word(key, self.lang, **parts)

    def name(self, id: str) -> str:
        """Name of an id."""
        return self.world.name(id, self.lang)

    def part(self, key: str, rows: Iterable[Row], *parts: Section) -> Section:
        """A section with its heading."""
        return Section(key, self.say(key), tuple(rows), parts, key in FACTS)

    def status(self) -> str:
        """What is declared and what is seen, in one sentence."""
        status = self.alert.status
        data = (
            self.say("data_to", day=self.day(status.data_to))
            if status.data_to
            else self.say("data_to_none")
        )
        first = self.declared(status)
        declared = first[0].upper() + first[1:]
        return self.say("status", declared=declared, observed=self.observed(status), data=data)

    def declared(self, status: Status) -> str:
        """What is declared of the passage, by whom and when."""
        if not status.declared:
            return self.say("declared_none")
        known = status.declared in DECLARED
        state = self.say(status.declared) if known else told(status.declared, most=60)
        when = [self.day(status.declared_at)] if status.declared_at else []
        who = self.say("comma").join(
            [*filter(None, [authority(status.declared_by, self.lang)]), *when]
        )
        return self.say("declared_who" if who else "declared", status=state, who=who)

    def observed(self, status: Status) -> str:
        """What is seen there."""
        if not isfinite(status.observed_d):
            return self.say("observed_none")
        key = "observed" if isfinite(status.usual_d) else "observed_now"
        return self.say(key, now=self.figure(status.observed_d), usual=self.figure(status.usual_d))

    def fact(self, key: str, text: str, known: float) -> Row:
        """A named figure; not known when the number behind it is not."""
        return Row(text if isfinite(known) else self.say("unknown"), self.say(key))

    def quoted(self, text: str, name: str) -> Row:
        """Words of others, which stay as they are and say so where they are in English."""
        if self.lang == "en" or not _is_english(text):
            return Row(text or self.say("unknown"), name)
        return Row(self.say("quoted", text=text), name, "en")

    def passages(self, way: Way) -> str:
        """Names of what a way passes."""
        names = [self.name(id) for id in way.passages]
        return self.say("and").join(names) or self.say("way_open")

    def more(self, days: float, usd_t: float) -> str:
        """How much longer and dearer."""
        if not isfinite(days) and not isfinite(usd_t):
            return self.say("more_none")
        return self.say("more", days=self.figure(days), usd=self.figure(usd_t))

    def seen(self) -> list[Evidence]:
        """Evidence that the audience may see."""
        return [e for e in self.alert.evidence if may_see(self.audience, e.visibility)]

    def share(self, value: float) -> str:
        """A share in words."""
        return percent(value, self.lang) if isfinite(value) else self.say("unknown")

    def tonnes(self, value: float) -> str:
        """A quantity in words."""
        return tonnes(value, self.lang) if isfinite(value) else self.say("unknown")

    def yearly(self, value: float) -> str:
        """A quantity a year in words."""
        return self.say("a_year", tonnes=self.tonnes(value))

    def figure(self, value: float) -> str:
        """A number in words."""
        return figure(value, self.lang)

    def day(self, at: datetime) -> str:
        """A day in words."""
        return day(at, self.lang)


def _is_english(text: str) -> bool:
    """Whether there are words of Latin letters in it and none of Chinese."""
    latin = any(c.isalpha() and c.isascii() for c in text)
    return latin and not any("一" <= c <= "鿿" for c in text)


def lines(sections: Sequence[Section], lang: str) -> list[str]:
    """Every line of some sections as plain text: for formats that hold nothing else."""
    found = []
    for section in sections:
        found += [spoken(row, lang) for row in section.rows]
        for part in section.parts:
            found += [word("named", lang, name=part.heading, text=row.text) for row in part.rows]
    return found


def spoken(row: Row, lang: str) -> str:
    """A row as one line of plain text."""
    return word("named", lang, name=row.name, text=row.text) if row.name else row.text
