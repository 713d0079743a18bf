"""What the monitor would have said on each day of the past, with what was published by then.

PortWatch publishes on Tuesdays at about 14:00 UTC up to the Sunday before, so that on a Monday the
newest day is eight days old. Where the store holds vintages fetched by a day, the newest of them is
used; for days before the first one, that one stands in, cut off at what would have been published,
and the table says so (``revised``): later revisions are in it, by 2 to 6 % of the newest days.
Declarations count from the end of their day. Feeds are replayed as far as their reports were
fetched by then, which before the store was first filled is not at all.

What stands of a subject rests on its own element and on nothing else, so elements can be replayed
apart, and days of one element cannot; what is kept on disk of impacts is asked by one alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from corridors.risk.alert import Alert, Level
from corridors.risk.levels import Standing, Subject, subject_of
from corridors.risk.monitor import Impacts, Sight, judged_to, run, sights, urgency
from corridors.risk.outlook import traffic_outlook
from corridors.risk.probability import HORIZONS, long_run
from corridors.risk.series import METRICS
from corridors.whatif.scale import Alone, Crew, parts

if TYPE_CHECKING:
    from corridors.sailings import Progress
    from layers.world import World

__all__ = ["COLUMNS", "Replay", "published_to", "replay"]

TUESDAY, PUBLISHED_AT = 1, time(14, tzinfo=UTC)
SUNDAY_BEFORE = timedelta(days=2)
ASKED_AT = time(18, tzinfo=UTC)
"""Hour of the run of each day."""
BLOCKS = 4
"""Blocks of elements for each process."""

COLUMNS = [
    *("day", "element", "data_to", "declared", "observed_d", "usual_d", "ratio", "alarm"),
    *("p_14", "p_30", "importer", "commodity", "level", "short_share", "message", "revised"),
]


@dataclass(frozen=True)
class Replay:
    """What would have been said.

    Attributes
    ----------
    days
        ``COLUMNS``: a row a day, element and commodity with a level; without one, a row a day and
        element where traffic is in alarm or something is declared, ``commodity`` and ``level``
        empty.
    alerts
        All entries, oldest first.
    """

    days: pd.DataFrame
    alerts: list[Alert]


def published_to(now: datetime) -> date:
    """The last day of traffic that was published by a moment."""
    back = (now.weekday() - TUESDAY) % 7
    release = datetime.combine(now.date() - timedelta(days=back), PUBLISHED_AT)
    if release > now:
        release -= timedelta(days=7)
    return release.date() - SUNDAY_BEFORE


def replay(
    world: World,
    observations: pd.DataFrame,
    events: pd.DataFrame,
    impacts: Impacts,
    importers: Sequence[str],
    *,
    first: date,
    last: date,
    commodities: Sequence[str] | None = None,
    hands: Crew | None = None,
    progress: Progress = lambda things, _: things,
) -> Replay:
    """What would have been said from one day to another, both counted in.

    Parameters
    ----------
    observations
        Every vintage that is held.
    events
        For declarations; by when each was known.
    impacts
        As the monitor takes them: by today's trade, the only one there is.
    hands
        Who replays elements, some together; what is said is the same whoever does. None: this
        process.
    """
    hands = hands or Alone()
    moments = [datetime.combine(d.date(), ASKED_AT) for d in pd.date_range(first, last)]
    held = observations[observations["metric"].isin(list(METRICS))]
    known = _known(world, held, moments, hands, progress)
    course = _Course(
        known, events[events["kind"] == "policy"], tuple(importers), commodities, tuple(moments)
    )
    elements = world.elements()
    blocks = parts(elements, 1 if hands.size == 1 else BLOCKS * hands.size)
    played = hands.map(
        partial(_played, progress=progress) if hands.size == 1 else _played,
        blocks,
        shared=(world, impacts, course),
        names=[f"{block[0]} and {len(block) - 1} more elements" for block in blocks],
        progress=(lambda names, _: names) if hands.size == 1 else progress,
    )
    days = [_together(told, elements) for told in zip(*played, strict=True)]
    rows = [row for day in days for row in day.rows]
    return Replay(pd.DataFrame(rows, columns=COLUMNS), [a for day in days for a in day.alerts])


@dataclass(frozen=True)
class _Course:
    """What a replay goes through.

    Attributes
    ----------
    known
        By vintage: days of elements as they were known with it, and from when it was held.
    events
        Those that declare something.
    """

    known: _Vintages
    events: pd.DataFrame
    importers: tuple[str, ...]
    commodities: Sequence[str] | None
    moments: tuple[datetime, ...]


@dataclass(frozen=True)
class _Day:
    """What was said on a day: alerts, and rows by element."""

    alerts: list[Alert]
    rows: list[dict[str, object]]


def _played(
    world: World,
    impacts: Impacts,
    course: _Course,
    elements: Sequence[str],
    progress: Progress = lambda things, _: things,
) -> list[_Day]:
    """What was said of some elements, day by day."""
    log: list[Alert] = []
    standings: dict[Subject, Standing] = {}
    short: dict[Subject, float] = {}
    judged: dict[str, pd.Timestamp] = {}
    found = []
    known = course.known.of(elements)
    among, usual = frozenset(elements), {h: long_run(world, elements, h) for h in HORIZONS}
    names = [f"{now:%Y-%m-%d}" for now in course.moments]
    for now, _ in zip(course.moments, progress(names, "replaying"), strict=True):
        days, revised = known.at(now)
        seen = sights(
            world, days, None, course.events, now=now, since=judged, among=among, usual=usual
        )
        told = run(
            world,
            seen,
            impacts,
            course.importers,
            log,
            standings,
            now=now,
            commodities=course.commodities,
        )
        log += told.alerts
        standings = told.standings
        short |= {subject_of(alert): alert.impact.short_share for alert in told.alerts}
        judged = judged_to(seen, judged)
        rows = list(_rows(now, seen, standings, told.alerts, short, revised))
        found.append(_Day(told.alerts, rows))
    return found


def _together(told: Sequence[_Day], elements: Sequence[str]) -> _Day:
    """What was said of all elements on one day, in the order one process says it."""
    place = {element: i for i, element in enumerate(elements)}
    alerts = [alert for day in told for alert in day.alerts]
    rows = [row for day in told for row in day.rows]
    return _Day(
        sorted(alerts, key=urgency), sorted(rows, key=lambda row: place[str(row["element"])])
    )


@dataclass(frozen=True)
class _Vintages:
    """Days of elements as they were known, by when each vintage was held, oldest first."""

    held: tuple[tuple[pd.Timestamp, pd.DataFrame], ...]

    def of(self, elements: Collection[str]) -> _Vintages:
        """Of some elements alone."""
        mine = ((at, _among(days, elements)) for at, days in self.held)
        return _Vintages(tuple(mine))

    def at(self, now: datetime) -> tuple[pd.DataFrame, bool]:
        """What was published by a moment, and whether a later vintage stands in for it."""
        if not self.held:
            return pd.DataFrame({"element": [], "day": []}), False
        fetched = [days for at, days in self.held if at <= pd.Timestamp(now)]
        days = fetched[-1] if fetched else self.held[0][1]
        if fetched or days.empty:
            return days, False
        return days[days["day"] <= pd.Timestamp(published_to(now))], True


def _among(days: pd.DataFrame, elements: Collection[str]) -> pd.DataFrame:
    return days[days["element"].isin(list(elements))] if len(days) else days


def _known(
    world: World,
    observations: pd.DataFrame,
    moments: Sequence[datetime],
    hands: Crew,
    progress: Progress,
) -> _Vintages:
    """The vintages that some moments look at, each judged by itself."""
    every = sorted(observations["retrieved_at"].unique())
    newest = {max((v for v in every if v <= pd.Timestamp(now)), default=None) for now in moments}
    wanted = [v for v in every if v in newest or (None in newest and v == every[0])]
    judged = hands.map(
        _judged,
        wanted,
        shared=(world, observations),
        names=[f"{vintage:%Y-%m-%d}" for vintage in wanted],
        progress=lambda names, _: progress(names, "vintages"),
    )
    return _Vintages(tuple(zip(wanted, judged, strict=True)))


def _judged(world: World, observations: pd.DataFrame, vintage: pd.Timestamp) -> pd.DataFrame:
    moment = pd.Timestamp(vintage).to_pydatetime()
    return traffic_outlook(world, observations, now=moment)[0]


def _rows(
    now: datetime,
    seen: dict[str, list[Sight]],
    standings: dict[Subject, Standing],
    alerts: Sequence[Alert],
    short: Mapping[Subject, float],
    revised: bool,
) -> Iterator[dict[str, object]]:
    said = {subject_of(a): str(a.message) for a in alerts}
    for element, own in seen.items():
        sight = own[-1]
        standing = {s: v for s, v in standings.items() if s.element == element and v.level}
        ended = [a for a in alerts if a.element == element and not a.level]
        if not (standing or ended or sight.status.alarm or sight.domains):
            continue
        base = {"day": now.date(), "element": element, "revised": revised, **_status(sight)}
        levels = {s: v.level.name for s, v in standing.items()}
        levels |= {subject_of(a): Level.none.name for a in ended}
        for subject, level in (levels or {Subject("", "", element): ""}).items():
            yield {
                **base,
                "importer": subject.importer,
                "commodity": subject.commodity,
                "level": level,
                "short_share": short.get(subject, float("nan")),
                "message": said.get(subject, ""),
            }


def _status(sight: Sight) -> dict[str, object]:
    seen = sight.status
    return {
        "data_to": seen.data_to.date() if seen.data_to else None,
        "declared": seen.declared,
        "observed_d": seen.observed_d,
        "usual_d": seen.usual_d,
        "ratio": seen.ratio,
        "alarm": seen.alarm,
        "p_14": sight.p[14],
        "p_30": sight.p[30],
    }
