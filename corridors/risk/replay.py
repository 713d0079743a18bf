"""What the monitor would have said on each day of the past, with what was published by then.

PortWatch publishes on Tuesdays at about 14:00 UTC up to the Sunday before, so that on a Monday the
newest day is eight days old. Where the store holds vintages fetched by a day, the newest of them is
used; for days before the first one, that one stands in, cut off at what would have been published,
and the table says so (``revised``): later revisions are in it, by 2 to 6 % of the newest days.
Declarations count from the end of their day. Feeds are replayed as far as their reports were
fetched by then, which before the store was first filled is not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from corridors.risk.alert import Alert, Level
from corridors.risk.levels import Standing, Subject, subject_of
from corridors.risk.monitor import Impacts, Sight, judged_to, run, sights
from corridors.risk.outlook import traffic_outlook
from corridors.risk.series import METRICS

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["COLUMNS", "Replay", "published_to", "replay"]

TUESDAY, PUBLISHED_AT = 1, time(14, tzinfo=UTC)
SUNDAY_BEFORE = timedelta(days=2)
ASKED_AT = time(18, tzinfo=UTC)
"""Hour of the run of each day."""

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
    progress: Callable[[Sequence[str], str], Iterable[str]] | None = None,
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
    """
    outlooks = _Outlooks(world, observations)
    log: list[Alert] = []
    standings: dict[Subject, Standing] = {}
    short: dict[Subject, float] = {}
    judged: dict[str, pd.Timestamp] = {}
    rows: list[dict[str, object]] = []
    days = [f"{d:%Y-%m-%d}" for d in pd.date_range(first, last)]
    for text in progress(days, "replaying") if progress else days:
        now = datetime.combine(date.fromisoformat(text), ASKED_AT)
        known, revised = outlooks.at(now)
        seen = sights(world, known, None, events, now=now, since=judged)
        told = run(
            world, seen, impacts, importers, log, standings, now=now, commodities=commodities
        )
        log += told.alerts
        standings = told.standings
        short |= {subject_of(alert): alert.impact.short_share for alert in told.alerts}
        judged = judged_to(seen, judged)
        rows += _rows(now, seen, standings, told.alerts, short, revised)
    return Replay(pd.DataFrame(rows, columns=COLUMNS), log)


class _Outlooks:
    """Days of elements as they were known at moments one after another, a vintage judged once."""

    def __init__(self, world: World, observations: pd.DataFrame) -> None:
        self._world = world
        self._observations = observations[observations["metric"].isin(list(METRICS))]
        self._vintages = sorted(self._observations["retrieved_at"].unique())
        self._of: pd.Timestamp | None = None
        self._days = pd.DataFrame()

    def at(self, now: datetime) -> tuple[pd.DataFrame, bool]:
        """What was published by a moment, and whether a later vintage stands in for it."""
        if not len(self._vintages):
            return pd.DataFrame({"element": [], "day": []}), False
        fetched = [v for v in self._vintages if v <= pd.Timestamp(now)]
        vintage = fetched[-1] if fetched else self._vintages[0]
        if vintage != self._of:
            moment = pd.Timestamp(vintage).to_pydatetime()
            self._days, _ = traffic_outlook(self._world, self._observations, now=moment)
            self._of = vintage
        days = self._days
        if fetched or days.empty:
            return days, False
        return days[days["day"] <= pd.Timestamp(published_to(now))], True


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
