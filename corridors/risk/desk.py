"""The duty desk: the monitor on what the store holds, its entries written into the warning log.

Reads the store, runs ``corridors.risk.monitor`` and appends what it says and how it stands, in one
transaction; answers who asks for entries, current or past, and for what lies behind one; writes
down what readers and reviewers say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from corridors.risk import live
from corridors.risk.alert import Alert, from_record, to_record
from corridors.risk.bulletin.briefing import Context, Incident, Way, surrounded
from corridors.risk.impact import break_of, context, remembered
from corridors.risk.levels import Standing, Subject, standing_of, standing_record
from corridors.risk.monitor import Feeds, Impacts, Told, judged_to, run, sights
from corridors.risk.outlook import traffic_outlook
from corridors.risk.probability import BELOW
from corridors.risk.series import Series
from corridors.risk.transits import WEEK_D
from corridors.whatif.answer import disturb
from layers.errors import CorridorsError, UnknownIdError
from layers.world import records

if TYPE_CHECKING:
    from corridors.network import Remember
    from corridors.whatif.engine import Engine
    from layers.store import Store
    from layers.world import World

__all__ = [
    "Known",
    "LastRun",
    "acknowledge",
    "alert_of",
    "alerts_of",
    "around",
    "happened",
    "impacts_of",
    "judge",
    "known",
    "last_run",
    "rebased",
    "review",
    "warn",
]

TRAFFIC = "portwatch_chokepoints"


@dataclass(frozen=True)
class Known:
    """What the store holds that the monitor looks at.

    Attributes
    ----------
    days, series
        Traffic (``corridors.risk.outlook.traffic_outlook``).
    feeds, events
        Threat with its reports; every event in its newest version.
    """

    days: pd.DataFrame
    series: Series
    feeds: Feeds
    events: pd.DataFrame


def known(world: World, store: Store, *, now: datetime) -> Known:
    """What is known now: traffic, threat and events of the store."""
    observations = store.observations(feeds=[TRAFFIC], every_vintage=True)
    days, series = traffic_outlook(world, observations, now=now, rebased=rebased(store))
    events = live.known_events(world, store)
    found = live.threat_now(world, store, events, now=now)
    seen = events[["event_uid", "visibility"]].drop_duplicates("event_uid")
    reports = found.contributions.merge(seen, on="event_uid", how="left")
    reports["visibility"] = reports["visibility"].fillna("private")
    return Known(days, series, Feeds(found.elements, reports), events)


def rebased(store: Store) -> dict[str, pd.Timestamp]:
    """Elements whose baseline a person started anew, and from which day (the newest decision)."""
    table = store.log(["review"])
    return {
        str(r["element"]): pd.Timestamp(r["day"])
        for r in table["record"]
        if r["decision"] == "rebase"
    }


def alerts_of(store: Store) -> list[Alert]:
    """Every entry of the warning log, oldest first."""
    return [from_record(record) for record in store.log(["alert"])["record"]]


def alert_of(store: Store, id: str) -> Alert:
    """One entry.

    Raises
    ------
    UnknownIdError
        For an id that the log does not have.
    """
    found = {alert.id: alert for alert in alerts_of(store)}
    if id not in found:
        raise UnknownIdError("warning", id, list(found))
    return found[id]


def impacts_of(world: World, engine: Callable[[], Engine], remember: Remember) -> Impacts:
    """What importers would lose if an element lost traffic, kept on disk between runs.

    It survives pickling when ``engine`` and ``remember`` do; the engine is made where it is asked.
    """
    return _Impacts(world, engine, remember)


class _Impacts:
    """See `impacts_of`."""

    def __init__(self, world: World, engine: Callable[[], Engine], remember: Remember) -> None:
        self._world, self._make, self._remember = world, engine, remember
        self._engine: Engine | None = None
        self._found: dict[tuple[str, float], pd.DataFrame] = {}

    def __call__(self, element: str, lost: float) -> pd.DataFrame:
        if (element, lost) not in self._found:
            self._found[element, lost] = remembered(
                self._world, element, lost=lost, engine=self._made, remember=self._remember
            )
        return self._found[element, lost]

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_engine": None}

    def _made(self) -> Engine:
        self._engine = self._engine or self._make()
        return self._engine


def warn(
    world: World,
    store: Store,
    impacts: Impacts,
    importers: Sequence[str],
    *,
    now: datetime,
    commodities: Sequence[str] | None = None,
) -> Told:
    """What there is to say now, written into the log.

    Raises
    ------
    UsageError
        When the newest entry was sent after now.
    CorridorsError
        When the log cannot be written; then nothing was said.
    """
    seen = known(world, store, now=now)
    last = last_run(store)
    standings, judged = dict(last.standings), dict(last.judged)
    log, new, old = alerts_of(store), list[Alert](), set[str]()
    for some, before in _alike(importers, last):
        since = _week_before(seen.days) if before is None else before
        looks = sights(world, seen.days, seen.feeds, seen.events, now=now, since=since)
        told = run(world, looks, impacts, some, log, standings, now=now, commodities=commodities)
        new, standings = new + told.alerts, told.standings
        old |= set(told.old)
        after = judged_to(looks, before or {})
        judged |= dict.fromkeys(some, after)
    entries = [("alert", alert.sent, to_record(alert)) for alert in new]
    whole = LastRun(standings, judged)
    store.append([*entries, ("run", now, _record(whole, len(new), now))])
    return Told(sorted(new, key=lambda a: -a.level), standings, tuple(sorted(old)))


@dataclass(frozen=True)
class LastRun:
    """What the last run left.

    Attributes
    ----------
    standings
        Of every subject that is not calm.
    judged
        By importer: the last day of traffic that was judged for it, by element.
    at
        When it was; None when there was none.
    since
        When the first run of all was; None when there was none.
    """

    standings: Mapping[Subject, Standing]
    judged: Mapping[str, Mapping[str, pd.Timestamp]]
    at: datetime | None = None
    since: datetime | None = None


def _alike(
    importers: Sequence[str], last: LastRun
) -> Iterator[tuple[list[str], Mapping[str, pd.Timestamp] | None]]:
    """Importers for whom the same days are new, and what was judged for them; None: nothing yet."""
    groups: dict[tuple[tuple[str, pd.Timestamp], ...] | None, list[str]] = {}
    for importer in importers:
        known = last.judged.get(importer)
        key = None if known is None else tuple(sorted(known.items()))
        groups.setdefault(key, []).append(importer)
    for key, some in groups.items():
        yield some, None if key is None else dict(key)


def _week_before(days: pd.DataFrame) -> dict[str, pd.Timestamp]:
    """The day a week before the newest of each element: who is new is told of the last week."""
    newest = days.groupby("element")["day"].max() if len(days) else pd.Series(dtype=object)
    return {str(e): day - pd.Timedelta(days=WEEK_D) for e, day in newest.items()}


def last_run(store: Store) -> LastRun:
    """What the last run of the monitor left; nothing where there was none.

    Raises
    ------
    CorridorsError
        When its record can't be read.
    """
    runs = store.log(["run"], newest=1)  # each holds how all stands: years of them are gigabytes
    if runs.empty:
        return LastRun({}, {})
    record = runs["record"].iloc[-1]
    try:
        standings = {
            Subject(**row["subject"]): standing_of(row["standing"]) for row in record["standings"]
        }
        judged = {
            str(importer): {str(e): pd.Timestamp(day) for e, day in group["days"].items()}
            for group in record["judged"]
            for importer in group["importers"]
        }
        at = datetime.fromisoformat(record["at"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorridorsError(f"the last run in the warning log can't be read: {error}") from error
    return LastRun(standings, judged, at, store.log_began("run"))


def _record(after: LastRun, alerts: int, now: datetime) -> dict[str, Any]:
    days = [day for own in after.judged.values() for day in own.values()]
    return {
        "at": now.isoformat(),
        "vintage": f"traffic {max(days):%Y-%m-%d}" if days else "",
        "counts": {"alerts": alerts, "standing": len(after.standings)},
        "judged": [
            {"importers": some, "days": {e: f"{day:%Y-%m-%d}" for e, day in (own or {}).items()}}
            for some, own in _alike(list(after.judged), after)
        ],
        "standings": [
            {"subject": asdict(subject), "standing": standing_record(standing)}
            for subject, standing in after.standings.items()
        ],
    }


def acknowledge(
    store: Store, alert: Alert, reader: str, *, now: datetime, who: str = "", note: str = ""
) -> None:
    """A reader has seen an entry: written into the log.

    Raises
    ------
    CorridorsError
        When the log cannot be written.
    """
    said = {"alert": alert.id, "reader": reader, "who": who, "note": note, "at": now.isoformat()}
    store.append([("acknowledgement", now, said)])


def judge(
    store: Store,
    alert: Alert,
    reader: str,
    verdict: str,
    *,
    now: datetime,
    who: str = "",
    note: str = "",
) -> None:
    """What an entry turned out to be, in the words of ``corridors.risk.scorecard.VERDICTS``.

    Raises
    ------
    CorridorsError
        When the log cannot be written.
    """
    said = {"alert": alert.id, "reader": reader, "verdict": verdict, "who": who, "note": note}
    store.append([("feedback", now, said)])


def review(
    store: Store,
    element: str,
    decision: str,
    day: date,
    *,
    now: datetime,
    who: str = "",
    note: str = "",
) -> None:
    """What a person decides of an old alarm: ``confirm`` it, or ``rebase`` the series from a day.

    Raises
    ------
    CorridorsError
        When the log cannot be written.
    """
    said = {"element": element, "decision": decision, "day": f"{day}", "who": who, "note": note}
    store.append([("review", now, said)])


def happened(days: pd.DataFrame) -> pd.DataFrame:
    """Whether traffic was below 75 % of its season: ``element, day, below``; missing: not known."""
    if days.empty:
        return pd.DataFrame({"element": [], "day": [], "below": []})
    below = (days["ratio"] < BELOW).astype(object).where(days["ratio"].notna(), None)
    return pd.DataFrame({"element": days["element"], "day": days["day"], "below": below})


def around(
    engine: Engine, alert: Alert, feeds: Feeds | None = None, *, contact: str = ""
) -> Context:
    """What bulletins tell besides the alert: landings, the next best way, neighbours, reports."""
    world = engine.world
    answer = disturb(engine, break_of(world, alert.element, alert.impact.lost))
    touched = context(answer, alert.element, alert.importer, alert.commodity)
    ways: tuple[Way, ...] = ()
    if touched.way_t_y > 0:
        ways = (Way(tuple(touched.way.split()), touched.added_days, touched.added_usd_t),)
    return surrounded(
        alert.element,
        world,
        landings=touched.landings,
        next_best=ways,
        incidents=_incidents(alert, feeds),
        contact=contact,
    )


def _incidents(alert: Alert, feeds: Feeds | None) -> tuple[Incident, ...]:
    if feeds is None:
        return ()
    own = feeds.reports
    own = own[(own["element"] == alert.element) & ~own["embedded"].astype(bool)]
    return tuple(
        Incident(
            str(row["title"]),
            str(row["sources"]),
            None if pd.isna(row["happened_at"]) else row["happened_at"].to_pydatetime(),
            "",
            str(row["visibility"]),
        )
        for row in records(own.head(5))
    )
