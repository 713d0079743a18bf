"""One entry of the warning log: who is warned of what, how sure, why, and until when.

A thread is all that was said of one element for one importer and commodity from the first alert
to the all-clear. An alert opens it, updates raise, lower or renew it, a cancel is its all-clear.
Levels are an analytical reference and no official warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import IntEnum, StrEnum
from math import isnan
from typing import Any

from layers.errors import CorridorsError

RULES = "2026-11"
"""Version of thresholds, matrix and delays; written into every entry."""


class Level(IntEnum):
    """How grave: none, then blue to red (GB/T practice: four is least, one is most)."""

    none = 0
    blue = 1
    yellow = 2
    orange = 3
    red = 4


class Message(StrEnum):
    """What an entry is to its thread, in the words of CAP 1.2."""

    alert = "Alert"
    update = "Update"
    cancel = "Cancel"


@dataclass(frozen=True)
class Evidence:
    """One thing that speaks for or against a level.

    Attributes
    ----------
    domain
        ``traffic``, ``feeds``, ``declared``, ``structural`` or ``exercise``.
    text
        In English, in a sentence; figures inside.
    source
        Publisher, or id of the feed.
    at
        When it was so; None when not known.
    visibility
        ``public``, ``organisation`` or ``private``: who may see it.
    """

    domain: str
    text: str
    source: str
    at: datetime | None = None
    visibility: str = "public"


@dataclass(frozen=True)
class Status:
    """What is declared of a passage and what is seen there: two things, never one.

    Attributes
    ----------
    declared
        ``open``, ``restricted``, ``closed``, or empty when nobody has declared anything.
    declared_by, declared_at
        Who and when.
    observed_d, usual_d
        Ships a day in the last seven days of data and in the season; NaN when not known.
    ratio
        Deadweight of the last seven days over its season; NaN when not known.
    data_to
        Last day of data.
    alarm
        ``fall``, ``rise`` or empty; ``since`` its first day.
    """

    declared: str = ""
    declared_by: str = ""
    declared_at: datetime | None = None
    observed_d: float = float("nan")
    usual_d: float = float("nan")
    ratio: float = float("nan")
    data_to: datetime | None = None
    alarm: str = ""
    since: datetime | None = None
    review_due: bool = False


@dataclass(frozen=True)
class Impact:
    """What the importer would lose of a commodity, after reroute and stocks.

    Attributes
    ----------
    lost
        Share of the element's traffic taken away.
    days
        Days from the break that are counted.
    short_t, short_share
        Tonnes that neither arrive nor can be drawn in these days, and their share of what is used
        at home in them; ``gap_share`` the same before stocks are drawn.
    used_t_y, imports_t_y
        Home use (NaN: not known, then shares are of imports) and imports, t/yr.
    through_t_y
        Imports that pass the element in calm times, t/yr.
    rerouted_t_y, unmet_t_y, infeasible_t_y
        Outcomes while it lasts, t/yr.
    added_days, added_usd_t
        Of the rerouted; NaN when nothing is.
    cover_days
        Usable stock over imports; NaN when not known.
    tier
        0 not known or nothing, 1 below 5 %, 2 to 15 %, 3 to 30 %, 4 more.
    """

    lost: float
    days: float
    short_t: float
    short_share: float
    gap_share: float
    used_t_y: float
    imports_t_y: float
    through_t_y: float
    rerouted_t_y: float
    unmet_t_y: float
    infeasible_t_y: float
    added_days: float
    added_usd_t: float
    cover_days: float
    tier: int


@dataclass(frozen=True)
class Alert:
    """An entry of the warning log.

    Attributes
    ----------
    id
        Unique, of letters, digits, ``.``, ``_`` and ``-``.
    thread
        Id of the alert that opened it; its own for that one.
    message, level, previous
        What it is to the thread, its level and the one before.
    probability_14d, probability_30d
        That tonnage of seven days falls below 75 % of its season within so many days; NaN: not
        known.
    sent, expires
        Moments, UTC; after ``expires`` it is not current.
    references
        ``id`` and ``sent`` of the earlier entries of the thread that it replaces.
    vintage
        Which data it rests on: last day of traffic and newest moment of the feeds.
    held
        Whether the level is only held, for want of fresh data.
    exercise
        Never to be taken for real.
    recent, under, under_since
        What the next judgement has to remember: levels that the newest data judged, oldest first;
        how many vintages have let the level ease, and since when (`corridors.risk.levels`).
    """

    id: str
    thread: str
    message: Message
    level: Level
    previous: Level
    importer: str
    commodity: str
    element: str
    probability_14d: float
    probability_30d: float
    impact: Impact
    status: Status
    sent: datetime
    expires: datetime
    references: tuple[tuple[str, datetime], ...] = ()
    evidence: tuple[Evidence, ...] = ()
    vintage: str = ""
    rules: str = RULES
    held: bool = False
    exercise: bool = False
    scenario: str = ""
    visibility: str = "public"
    reason: str = field(default="")
    recent: tuple[Level, ...] = ()
    under: int = 0
    under_since: datetime | None = None

    def current(self, now: datetime) -> bool:
        """Whether it still holds: not expired, and no all-clear."""
        return self.sent <= now < self.expires and self.message is not Message.cancel


def to_record(alert: Alert) -> dict[str, Any]:
    """The alert as JSON values: moments in ISO 8601, what is not known null."""
    found: dict[str, Any] = _plain(asdict(alert))
    return found


def from_record(record: Mapping[str, Any]) -> Alert:
    """The alert of a record that `to_record` made.

    Raises
    ------
    CorridorsError
        When a field is missing, or is none of an alert's.
    """
    try:
        held = dict(record)
        held["message"] = Message(held["message"])
        held["level"], held["previous"] = Level(held["level"]), Level(held["previous"])
        held["impact"] = Impact(**_numbers(held["impact"], Impact))
        held["status"] = Status(**_moments(_numbers(held["status"], Status)))
        held["evidence"] = tuple(Evidence(**_moments(e)) for e in held["evidence"])
        held["recent"] = tuple(Level(level) for level in held["recent"])
        held["references"] = tuple((i, datetime.fromisoformat(at)) for i, at in held["references"])
        return Alert(**_moments(_numbers(held, Alert)))
    except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
        raise CorridorsError(f"no entry of the warning log: {error}") from error


_MOMENTS = ("sent", "expires", "at", "declared_at", "data_to", "since", "under_since")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, IntEnum):
        return int(value)
    if isinstance(value, StrEnum):
        return str(value)
    return None if isinstance(value, float) and isnan(value) else value


def _numbers(record: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """The record with null for a number read back as NaN."""
    floats = {f.name for f in fields(kind) if f.type == "float"}
    return {n: float("nan") if v is None and n in floats else v for n, v in record.items()}


def _moments(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        n: datetime.fromisoformat(v) if n in _MOMENTS and isinstance(v, str) else v
        for n, v in record.items()
    }
