"""One run of the monitor: what is known now, weighed for each importer and commodity, written down.

    sights      what is known of each element on each new day of data: traffic, feeds, declarations
    subjects    importer × commodity × element, with what the importer would lose there
    step        each sight moves what stands of each subject (``corridors.risk.levels``)
    alerts      one entry a subject and run at most: where it stood before, and where it stands now

Days of data are judged one after another, however many came at once, so that a week published on
one Tuesday is seven updates. Of a run only the last word is told, and never a fall of two levels.
What feeds and authorities say counts for the newest day. Old traffic judges nothing; old news of
feeds adds nothing to what raises a level, and lowers none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import isnan, nan
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corridors.risk.alert import Alert, Evidence, Level, Message, Status
from corridors.risk.impact import TIERS, impact_of, lost_share
from corridors.risk.levels import (
    CALM,
    Change,
    Reading,
    Reason,
    Rules,
    Standing,
    Subject,
    entry,
    judged,
    rules_of,
    standing_from,
    step,
    subject_of,
)
from corridors.risk.probability import HORIZONS, POOLED, long_run, with_feeds
from corridors.risk.status import status
from corridors.risk.transits import FALL, RISE
from layers.errors import UsageError
from layers.events import VISIBILITY
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["Feeds", "Sight", "Told", "judged_to", "run", "sights", "urgency"]

OLD_TRAFFIC = timedelta(days=12)
"""Traffic is published on Tuesdays up to the Sunday before; one week may be missed."""

SHOWN = 3
"""Reports told as evidence, the heaviest first."""

Impacts = Callable[[str, float], pd.DataFrame]
"""What importers would lose if an element (id) lost a share of its traffic: a row an importer and
commodity, as ``corridors.risk.impact.impacts`` gives them."""


@dataclass(frozen=True)
class Feeds:
    """What feeds say of elements at a moment.

    Attributes
    ----------
    threat
        ``corridors.risk.threat.Threat.elements``: ``element, threat, threat_state, threat_as_of``.
    reports
        Its contributions, with ``visibility``: what to show as evidence.
    """

    threat: pd.DataFrame
    reports: pd.DataFrame


@dataclass(frozen=True)
class Sight:
    """What is known of an element from one day of data.

    Attributes
    ----------
    vintage
        Day of traffic and day of feeds it rests on; empty when nothing is known.
    fresh
        Whether traffic is (feeds where no traffic is counted).
    feeds_old
        Whether feeds look there and none of them is current: then nothing may be lowered.
    p
        By horizon; NaN not known.
    domains
        Which kinds of evidence speak for danger.
    """

    element: str
    vintage: str
    fresh: bool
    feeds_old: bool
    p: Mapping[int, float]
    domains: frozenset[str]
    status: Status
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Told:
    """What a run has to say.

    Attributes
    ----------
    alerts
        New entries of the warning log, the gravest first.
    standings
        What stands of every subject that is not calm, or has evidence gathering: to go on from.
    old
        Elements whose traffic, or whose feeds where none is counted, are too old to judge.
    """

    alerts: list[Alert]
    standings: dict[Subject, Standing]
    old: tuple[str, ...] = ()


def sights(
    world: World,
    days: pd.DataFrame,
    feeds: Feeds | None,
    events: pd.DataFrame,
    *,
    now: datetime,
    since: Mapping[str, pd.Timestamp] | None = None,
    among: Collection[str] | None = None,
    usual: Mapping[int, Mapping[str, float]] | None = None,
) -> dict[str, list[Sight]]:
    """What is known of each element, a sight a day of data that was not judged yet, oldest first.

    Parameters
    ----------
    days
        From ``corridors.risk.outlook.traffic_days``, of what is published by now.
    feeds
        None where none was asked.
    events
        For declarations (``corridors.risk.status``).
    since
        By element: the last day of traffic that was judged. Without it, and where no new day
        came, the newest day alone.
    among
        Elements to look at; all when not given. What is known of one depends on no other.
    usual
        How often an element is hit by the long record, by horizon (`long_run`), when the caller
        has it already.
    """
    traffic = {str(e): own for e, own in days.groupby("element", sort=False)} if len(days) else {}
    said = {} if feeds is None else {str(r["element"]): r for r in records(feeds.threat)}
    told = {e for e, r in said.items() if r["threat_state"] in ("active", "stale")}
    # What is declared is told to all, so only what all may see counts as declared.
    policy = events[(events["kind"] == "policy") & (events["visibility"] == "public")]
    listed = set(world.declarations["element"]) | {
        e.strip() for cell in policy["assets"] for e in cell.split(";")
    }
    some = world.elements() if among is None else [e for e in world.elements() if e in among]
    elements = [e for e in some if e in traffic or e in listed or e in told]
    rates = usual or {h: long_run(world, elements, h) for h in HORIZONS}
    news = None if feeds is None else _news(feeds.reports)
    found = {}
    for element in elements:
        base = {h: rates[h].get(element, nan) for h in HORIZONS}
        before = (since or {}).get(element)
        new = _new_days(traffic.get(element), before)
        rows = [*(records(new) if new is not None else [None])]
        if _loud(world, said.get(element)):
            # Of days before today it is not known what feeds said: a calm one speaks for nothing.
            rows = [*(row for row in rows[:-1] if row is not None and row["speaks"]), rows[-1]]
        reports = None if news is None else news.get(element, news[""])
        found[element] = [
            _sight(world, element, row, base, said.get(element), reports, policy, now, last)
            for row, last in zip(rows, [False] * (len(rows) - 1) + [True], strict=True)
        ]
        if new is not None and before is not None and new["day"].iloc[-1] < before:
            # Less is published than there was: nothing new, whatever its date says.
            found[element] = [replace(sight, fresh=False) for sight in found[element]]
    return found


def judged_to(
    seen: Mapping[str, Sequence[Sight]], before: Mapping[str, pd.Timestamp]
) -> dict[str, pd.Timestamp]:
    """The last day of traffic of each element that was judged by now, for the next `sights`.

    Parameters
    ----------
    before
        The same of the run before: when less is published than there was, no day is unjudged.
    """
    found = dict(before)
    for element, own in seen.items():
        if own and own[-1].status.data_to is not None:
            day = pd.Timestamp(own[-1].status.data_to).tz_localize(None)
            found[element] = max(day, found.get(element, day))
    return found


def _new_days(own: pd.DataFrame | None, since: pd.Timestamp | None) -> pd.DataFrame | None:
    """Judged days after a day, or the newest one; None without any."""
    known = own[own["judged"].to_numpy(bool)] if own is not None else None
    if known is None or known.empty:
        return None
    new = known[known["day"] > since] if since is not None else known.iloc[:0]
    return new if len(new) else known.iloc[-1:]


def _sight(
    world: World,
    element: str,
    row: Mapping[str, object] | None,
    base: Mapping[int, float],
    threat: Mapping[str, object] | None,
    reports: pd.DataFrame | None,
    events: pd.DataFrame,
    now: datetime,
    last: bool,
) -> Sight:
    at = now if last or row is None else min(now, _moment(row["day"]) + timedelta(days=1))
    review = timedelta(days=world.assumption("transit_review_d"))
    seen = status(world, element, events, _seen(row, now, review), now=at)
    state = str(threat["threat_state"]) if threat is not None else "not_covered"
    old_feeds = state == "stale"
    heard = threat is not None and last and not old_feeds
    number = float(threat["threat"]) if heard else nan  # type: ignore[index, arg-type]
    p = {h: float(row[f"p_{h}"]) if row is not None else base[h] for h in HORIZONS}  # type: ignore[arg-type]
    if row is None and isnan(p[HORIZONS[0]]) and (seen.declared or state == "active"):
        p = {h: POOLED[h] for h in HORIZONS}
    domains = _domains(world, row, number, seen)
    p = {
        h: float(with_feeds(np.array([v]), np.array([number]), [seen.declared], world)[0])
        for h, v in p.items()
    }
    # Quiet feeds are no news beside traffic: else one day of it, read again daily, were many.
    news = last and (row is None or "feeds" in domains)
    of_feeds = threat["threat_as_of"] if threat is not None and news else None
    fresh = now - _moment(row["day"]) <= OLD_TRAFFIC if row is not None else not old_feeds
    own = reports if last else None
    return Sight(
        element=element,
        vintage=_vintage(row, of_feeds, own if news else None, seen),
        fresh=fresh,
        feeds_old=old_feeds,
        p=p,
        domains=domains,
        status=seen,
        evidence=tuple(_evidence(row, seen, own)),
    )


def _news(reports: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What feeds report of each element, and nothing under ``""``.

    What came with the project is no news.
    """
    told = reports[~reports["embedded"].astype(bool)]
    return {"": told.iloc[:0]} | {str(e): own for e, own in told.groupby("element", sort=False)}


def _loud(world: World, threat: Mapping[str, object] | None) -> bool:
    """Whether feeds speak for danger now, and are no old news."""
    if threat is None or threat["threat_state"] == "stale":
        return False
    return float(threat["threat"]) >= world.assumption("warning_threat_speaks")  # type: ignore[arg-type]


def _seen(
    row: Mapping[str, object] | None, now: datetime, review: timedelta
) -> dict[str, object] | None:
    if row is None:
        return None
    alarm = {FALL: "fall", RISE: "rise"}.get(int(row["alarm"]), "")  # type: ignore[call-overload]
    began = row["onset"]
    since = None if pd.isna(began) else _moment(began)  # type: ignore[call-overload]
    return {
        "observed_d": row["observed_d"],
        "usual_d": row["usual_d"],
        "ratio": row["ratio"],
        "data_to": _moment(row["day"]),
        "alarm": alarm,
        "since": since,
        "review_due": alarm == "fall" and since is not None and now - since >= review,
    }


def _domains(
    world: World,
    row: Mapping[str, object] | None,
    threat: float,
    seen: Status,
) -> frozenset[str]:
    """Which kinds of evidence speak for danger now."""
    found = set()
    if row is not None and bool(row["speaks"]):
        found.add("traffic")
    if threat >= world.assumption("warning_threat_speaks"):
        found.add("feeds")
    if seen.declared in ("closed", "restricted"):
        found.add("declared")
    return frozenset(found)


def _vintage(
    row: Mapping[str, object] | None, of_feeds: object, own: pd.DataFrame | None, seen: Status
) -> str:
    """Days of traffic, feeds and declaration: two runs a day on the same data are one update."""
    parts = [f"traffic {_moment(row['day']):%Y-%m-%d}"] if row is not None else []
    told = pd.to_datetime(pd.Series([None if own is None else own["happened_at"].max(), of_feeds]))
    if told.notna().any():
        parts.append(f"feeds {told.max():%Y-%m-%d}")
    if seen.declared and seen.declared_at is not None:
        parts.append(f"declared {seen.declared} {seen.declared_at:%Y-%m-%d}")
    return "; ".join(parts)


def _evidence(
    row: Mapping[str, object] | None, seen: Status, own: pd.DataFrame | None
) -> Iterable[Evidence]:
    if row is not None:
        falling = [c for c in str(row["classes"]).split(";") if c]
        classes = f"; falling: {', '.join(falling).replace('_', ' ')}" if falling else ""
        text = (
            f"{seen.observed_d:.1f} ships a day in the week, {seen.usual_d:.1f} usual; "
            f"{row['of']} {seen.ratio:.0%} of its season{classes}"
        )
        yield Evidence("traffic", text, "IMF PortWatch", seen.data_to)
    if seen.declared:
        yield Evidence("declared", f"declared {seen.declared}", seen.declared_by, seen.declared_at)
    if own is not None and len(own):
        for report in records(own.head(SHOWN)):
            at = report["happened_at"]
            yield Evidence(
                "feeds",
                str(report["title"]),
                str(report["sources"]),
                None if pd.isna(at) else _moment(at),
                str(report.get("visibility") or "private"),
            )


def run(
    world: World,
    seen: Mapping[str, Sequence[Sight]],
    impacts: Impacts,
    importers: Sequence[str],
    log: Sequence[Alert],
    standings: Mapping[Subject, Standing],
    *,
    now: datetime,
    commodities: Sequence[str] | None = None,
    exercise: str = "",
) -> Told:
    """What a run has to say to each importer about each commodity and element.

    Parameters
    ----------
    seen
        From `sights`.
    impacts
        What would be lost; asked only where a level is possible.
    importers, commodities
        Whom and what to weigh; all commodities when not given.
    log
        Alerts so far, oldest first.
    standings
        Of the last run; a subject without one stands as its last alert left it.
    exercise
        Scenario of a drill; empty: in earnest.

    Raises
    ------
    UsageError
        When the newest alert was sent after now: the clock was set back, or a run was made with
        a day to come.
    """
    newest = max((a.sent for a in log if a.exercise == bool(exercise)), default=None)
    if newest is not None and newest > now:
        raise UsageError(
            f"the log has an alert of {newest:%Y-%m-%d %H:%MZ}, after {now:%Y-%m-%d %H:%MZ}"
        )
    rules = rules_of(world)
    earlier: dict[Subject, list[Alert]] = {}
    for alert in log:
        earlier.setdefault(subject_of(alert), []).append(alert)
    left = {s: standing_from(a) for s, a in earlier.items() if s not in standings} | {**standings}
    stands: dict[str, set[Subject]] = {}
    for subject, standing in left.items():
        # What was judged of a calm subject goes on being counted, or days far apart made a row.
        same = (subject.exercise, subject.scenario) == (bool(exercise), exercise)
        if same and (standing.level or any(standing.recent)):
            stands.setdefault(subject.element, set()).add(subject)
    alerts: list[Alert] = []
    kept: dict[Subject, Standing] = {}
    for element, own in seen.items():
        for subject, row in _subjects(
            world, element, own, impacts, importers, commodities, stands, exercise
        ):
            before = left.get(subject, CALM)
            standing, told = _told(before, own, row, subject, earlier.get(subject, []), rules, now)
            if told is not None:
                alerts.append(told)
            if standing != CALM:
                kept[subject] = standing
    order = sorted(alerts, key=urgency)
    old = tuple(element for element, own in seen.items() if not own[-1].fresh)
    return Told(order, {**{s: v for s, v in left.items() if s not in kept}, **kept}, old)


def urgency(alert: Alert) -> tuple[int, str, str, str]:
    """Where an entry stands among those of its run: the gravest first."""
    return -alert.level, alert.importer, alert.element, alert.commodity


def _subjects(
    world: World,
    element: str,
    own: Sequence[Sight],
    impacts: Impacts,
    importers: Sequence[str],
    commodities: Sequence[str] | None,
    stands: Mapping[str, set[Subject]],
    exercise: str,
) -> Iterable[tuple[Subject, Mapping[str, object]]]:
    """Whom an element concerns, with what would be lost; none where nothing speaks or stands."""
    known = stands.get(element, set())
    if not known and not any(sight.domains for sight in own):
        return
    table = impacts(element, max(lost_share(sight.status, world) for sight in own))
    table = table[table["importer"].isin(list(importers))]
    if commodities is not None:
        table = table[table["commodity"].isin(list(commodities))]
    least = world.assumption("warning_least_share")
    for row in records(table):
        subject = Subject(row["importer"], row["commodity"], element, bool(exercise), exercise)
        concerned = row["tier"] > 0 and row["through_t_y"] >= least * row["imports_t_y"]
        if concerned or subject in known:
            yield subject, row if concerned else {**row, "tier": 0}


def _told(
    before: Standing,
    own: Sequence[Sight],
    row: Mapping[str, object],
    subject: Subject,
    earlier: Sequence[Alert],
    rules: Rules,
    now: datetime,
) -> tuple[Standing, Alert | None]:
    """Where a subject stands after all new days, and the one entry that says so."""
    forgotten = before.expires is not None and before.expires + rules.memory <= now
    last = None if forgotten or not earlier else earlier[-1]
    tier = steady(int(row["tier"]), float(row["short_share"]), last)  # type: ignore[arg-type, call-overload]
    row = {**row, "tier": tier}
    standing, said = before, list[Change]()
    sight, reading = own[-1], _reading(own[-1], tier, now, row)
    for one in own:
        standing, change = _eased_by_no_old_news(
            standing, one, _reading(one, tier, now, row), rules
        )
        said += [change] if change else []
    began = Level.none if forgotten else before.level
    floor, supported = Level(max(began - 1, 0)), _supported(reading, rules)
    if standing.level > max(began, supported):
        standing = _capped(max(began, supported), before, standing, rules, now)
    if standing.level < floor:
        standing = _held_at(floor, before, standing, rules, now)
    change = _in_all(said, began, standing, now)
    if change is None:
        return standing, None
    alert = entry(
        change,
        standing,
        reading,
        subject,
        earlier,
        impact=impact_of(row),
        status=sight.status,
        evidence=sight.evidence,
        visibility=_visibility(sight),
    )
    return standing, alert


def _visibility(sight: Sight) -> str:
    """Who may see an entry: all, unless nothing but reports for a smaller circle speak for it."""
    told = {e.visibility for e in sight.evidence if e.domain == "feeds"}
    if sight.domains != {"feeds"} or not told or "public" in told:
        return "public"
    return next(circle for circle in VISIBILITY if circle in told)


def _supported(reading: Reading, rules: Rules) -> Level:
    """The level that the newest day alone is worth."""
    p = reading.probability(rules.horizon_d)
    return judged(p, reading.tier) if reading.domains and not isnan(p) else Level.none


def _capped(
    level: Level, before: Standing, standing: Standing, rules: Rules, now: datetime
) -> Standing:
    """The standing raised no further than the newest day supports: a storm that is over is old."""
    if not level:
        return replace(standing, level=level, since=None, opened=None, expires=None)
    since = before.since if level == before.level else now
    return replace(standing, level=level, since=since, expires=now + rules.life[level])


def steady(tier: int, short_share: float, last: Alert | None) -> int:
    """The tier of impact, kept while the share lost is within a tenth of the last tier's bound.

    What is seen to be lost changes by the week: about a bound levels would else flap.
    """
    if last is None or last.message is Message.cancel or not 0 < tier < last.impact.tier:
        return tier
    return last.impact.tier if short_share >= 0.9 * TIERS[last.impact.tier - 2] else tier


def _reading(sight: Sight, tier: int, now: datetime, row: Mapping[str, object]) -> Reading:
    known = not isnan(float(row["short_share"]))  # type: ignore[arg-type]
    return Reading(
        now, sight.vintage, sight.fresh and known, sight.p[14], sight.p[30], tier, sight.domains
    )


def _eased_by_no_old_news(
    standing: Standing, sight: Sight, reading: Reading, rules: Rules
) -> tuple[Standing, Change | None]:
    """A step that eases nothing while the feeds that look there are old."""
    found, change = step(standing, reading, rules)
    if sight.feeds_old and (found.level < standing.level or found.under > standing.under):
        return step(standing, replace(reading, fresh=False), rules)
    return found, change


def _held_at(
    floor: Level, before: Standing, standing: Standing, rules: Rules, now: datetime
) -> Standing:
    """The standing one level under where the run began: no run lowers by two."""
    return replace(
        standing,
        level=floor,
        since=now,
        opened=before.opened,
        expires=now + rules.life[floor],
    )


def _in_all(said: Sequence[Change], began: Level, after: Standing, now: datetime) -> Change | None:
    """What the run changed in all; None when that is nothing, or it raised and lowered in one."""
    if not said or not (began or after.level):
        return None
    same_way = [c for c in said if _sign(c.level - c.previous) == _sign(after.level - began)]
    told = same_way[-1] if same_way else replace(said[-1], reason=Reason.renewed)
    message = Message.update if began and after.level else Message.alert
    if not after.level:
        message = Message.cancel
    expires = after.expires or told.expires
    return replace(
        told, message=message, level=after.level, previous=began, at=now, expires=expires
    )


def _sign(steps: int) -> int:
    return (steps > 0) - (steps < 0)


def _moment(value: object) -> datetime:
    moment = pd.Timestamp(value).to_pydatetime()  # type: ignore[arg-type]
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
