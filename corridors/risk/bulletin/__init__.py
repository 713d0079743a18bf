"""A warning in the words of one reader: what happened, how likely, what it means, what to do.

The levels are an analytical reference and no official warning, and every bulletin says so; one of
an exercise says that too. What is not known is called that and is never a zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING

from corridors.risk.alert import Alert, Evidence, Level
from corridors.risk.bulletin.briefing import (
    Briefing,
    Context,
    Incident,
    Row,
    Section,
    Way,
    surrounded,
)
from corridors.risk.bulletin.measures import actions, bases, fitting
from corridors.risk.bulletin.readers import meaning
from corridors.risk.bulletin.words import LANGUAGES, age_days, moment, told
from corridors.risk.levels import Reason
from corridors.wording import percent
from layers.errors import UnknownIdError, UsageError
from layers.events import VISIBILITY, may_see
from layers.tables import READERS

if TYPE_CHECKING:
    from layers.world import World

__all__ = [
    "PIPS",
    "READERS",
    "Bulletin",
    "Context",
    "Incident",
    "Row",
    "Section",
    "Way",
    "bulletin",
    "surrounded",
]

PIPS = {level: "●" * level + "○" * (4 - level) for level in Level}
"""A level without colour: as many full dots as it has steps."""

LIKELY = (0.01, 0.10, 0.30, 0.60, 0.90)
"""Where each word for a probability begins; the first four are the columns of the level matrix."""


@dataclass(frozen=True)
class Bulletin:
    """A warning for one reader in one language.

    Attributes
    ----------
    id, alert
        Its own id, and that of the alert it is of.
    level, colour
        The level, and its name in the language.
    grade
        The level in a line, with its step of four.
    headline, reference, notes
        The matter in a line; that it is no official warning; what else must be seen first: an
        exercise, an all-clear, a level only held, an expiry.
    sections
        What happened, how likely, what it means, what to do, validity, evidence, sources.
    mark
        The word that marks an exercise; empty for what is real.
    handling
        Who may see it, in a word of the language; ``audience`` the same as an id.
    ways
        Whether another way is known.
    sources
        Who the evidence and the measures are from.
    """

    id: str
    alert: str
    reader: str
    reader_name: str
    lang: str
    audience: str
    handling: str
    level: Level
    colour: str
    grade: str
    title: str
    headline: str
    reference: str
    notes: tuple[str, ...]
    sections: tuple[Section, ...]
    contact: str
    sent: datetime
    expires: datetime
    current: bool
    ways: bool
    sources: tuple[str, ...]
    mark: str = ""

    def section(self, key: str) -> Section:
        """The section of that key.

        Raises
        ------
        UnknownIdError
            When the bulletin has no such section.
        """
        found = {section.key: section for section in self.sections}
        if key not in found:
            raise UnknownIdError("section", key, list(found))
        return found[key]


def bulletin(
    alert: Alert,
    reader: str,
    lang: str,
    world: World,
    *,
    context: Context,
    now: datetime,
    audience: str = "public",
) -> Bulletin:
    """The alert for one reader in one language.

    Parameters
    ----------
    reader
        One of ``layers.tables.READERS``.
    audience
        Who will see it: evidence and events that are not for them are left out.

    Raises
    ------
    UnknownIdError
        For a reader, language, audience, element, importer or commodity that is not known.
    UsageError
        When the alert itself is not for that audience.
    """
    for what, value, known in (
        ("reader", reader, READERS),
        ("language", lang, LANGUAGES),
        ("audience", audience, VISIBILITY),
        ("element", alert.element, world.elements()),
        ("commodity", alert.commodity, world.commodities["commodity"]),
    ):
        if value not in list(known):
            raise UnknownIdError(what, value, list(known))
    if not may_see(audience, alert.visibility):
        raise UsageError(f"warning {alert.id} is {alert.visibility}: it is not for {audience} use")
    briefing = Briefing(alert, reader, lang, world, context, now, audience)
    return _written(briefing)


def _written(this: Briefing) -> Bulletin:
    alert, measures = this.alert, fitting(this)
    after = bases(this, measures)
    return Bulletin(
        id=f"{alert.id}-{this.reader}-{this.lang}",
        alert=alert.id,
        reader=this.reader,
        reader_name=this.say(this.reader),
        lang=this.lang,
        audience=this.audience,
        handling=this.say(this.audience),
        level=alert.level,
        colour=this.say(alert.level.name),
        grade=_grade(this),
        title=this.say("title"),
        headline=_headline(this),
        reference=this.say("reference"),
        notes=_notes(this),
        sections=_sections(this, actions(this, measures), after),
        contact=_contact(this),
        sent=alert.sent,
        expires=alert.expires,
        current=alert.current(this.now),
        ways=bool(this.ways),
        sources=_source_names(this, after),
        mark=this.say("exercise") if alert.exercise else "",
    )


def _grade(this: Briefing) -> str:
    level = this.alert.level
    if level is Level.none:
        return this.say("level_none")
    return this.say("level", level=this.say(level.name), step=str(int(level)))


def _headline(this: Briefing) -> str:
    alert = this.alert
    names = {**this.names, "element": this.name(alert.element)}
    if this.clear:
        text = this.say("headline_cancel", **names)
    else:
        level = this.say(alert.level.name)
        text = this.say("headline", **names, level=level, change=_change(this))
    mark = this.say("exercise")
    return this.say("marked", mark=mark, text=text) if alert.exercise else text


def _change(this: Briefing) -> str:
    """What the level has done, as it stands at the end of a headline."""
    level, before = this.alert.level, this.alert.previous
    if before is Level.none and level > before:
        return this.say("raised_none")
    key = "raised" if level > before else "lowered" if level < before else "kept"
    return this.say(key, before=this.say(before.name))


def _notes(this: Briefing) -> tuple[str, ...]:
    alert = this.alert
    found = {
        "exercise_note": alert.exercise,
        "all_clear": this.clear,
        "downgrade": not this.clear and alert.level < alert.previous,
        "held": alert.held,
    }
    notes = [this.say(key) for key, so in found.items() if so]
    if this.now >= alert.expires:
        notes.append(this.say("expired", until=moment(alert.expires, this.lang)))
    return tuple(notes)


def _sections(this: Briefing, measures: Section, after: Sequence[str]) -> tuple[Section, ...]:
    found = [
        this.part("what", _what(this)),
        this.part("probability", [Row(_chance(this))]),
        measures,
        this.part("validity", _validity(this)),
        this.part("evidence", _evidence(this)),
        this.part("sources", _sources(this, after)),
    ]
    if not this.clear:
        found.insert(2, this.part("meaning", meaning(this)))
    return tuple(found)


def _what(this: Briefing) -> list[Row]:
    status = this.alert.status
    rows = [Row(this.status())]
    if isfinite(status.ratio):
        rows.append(Row(this.say("tonnage", ratio=percent(status.ratio, this.lang))))
    if status.alarm in ("fall", "rise"):
        since = this.say("since", day=this.day(status.since)) if status.since else ""
        rows.append(Row(this.say(f"alarm_{status.alarm}", since=since)))
    if status.review_due:
        rows.append(Row(this.say("review")))
    return rows + _reason(this)


def _reason(this: Briefing) -> list[Row]:
    text = told(this.alert.reason)
    known = next((r.name for r in Reason if r.value == text), "")
    if known:
        return [Row(this.say(f"reason_{known}"), this.say("reason"))]
    return [this.quoted(text, this.say("reason"))] if text else []


def _chance(this: Briefing) -> str:
    """The probability in words and in figures."""
    first, second = this.alert.probability_14d, this.alert.probability_30d
    judged = first if isfinite(first) else second
    if not isfinite(judged):
        return this.say("chance_none")
    step = sum(judged >= bound for bound in LIKELY)
    parts = {k: this.share(v) for k, v in (("p14", first), ("p30", second))}
    return this.say("chance", word=this.say(f"p{step}"), **parts)


def _validity(this: Briefing) -> list[Row]:
    alert = this.alert
    return [
        Row(moment(alert.sent, this.lang), this.say("sent")),
        Row(moment(alert.expires, this.lang), this.say("until")),
        Row(this.say(this.audience), this.say("handling")),
        Row(_contact(this), this.say("contact")),
    ]


def _contact(this: Briefing) -> str:
    return told(this.context.contact) or this.say(f"contact_{this.reader}")


def _evidence(this: Briefing) -> list[Row]:
    rows = [this.quoted(told(e.text), _evidence_name(this, e)) for e in this.seen()]
    return rows or [Row(this.say("evidence_none"))]


def _evidence_name(this: Briefing, found: Evidence) -> str:
    own = {"declared": "declaration", "exercise": "drill"}
    key = own.get(found.domain, found.domain)
    key = key if key in ("traffic", "feeds", "declaration", "structural", "drill") else "other"
    parts = {"domain": this.say(key), "source": told(found.source, most=120)}
    if found.at is None:
        return this.say("evidence_name_undated", **parts)
    return this.say("evidence_name", **parts, day=this.day(found.at))


def _sources(this: Briefing, after: Sequence[str]) -> list[Row]:
    alert, data_to = this.alert, this.alert.status.data_to
    age = this.say("unknown")
    if data_to:
        days = this.figure(age_days(data_to, this.now))
        age = this.say("age_text", day=this.day(data_to), days=days)
    return [
        Row(age, this.say("age")),
        this.quoted(told(alert.vintage, most=120), this.say("vintage")),
        Row(told(alert.rules, most=40), this.say("rules")),
        Row(told(alert.id), this.say("number")),
        Row(this.say("then").join(after) or this.say("unknown"), this.say("basis")),
    ]


def _source_names(this: Briefing, after: Sequence[str]) -> tuple[str, ...]:
    heard = [told(e.source, most=120) for e in this.seen()]
    return tuple(dict.fromkeys([*filter(None, heard), *after]))
