"""A drill: a scenario played through the whole chain, day by day, with injects for those who train.

Nothing is asked of the world outside. Three usual years of traffic are drawn for each passage the
scenario strikes (negative binomial about the mean ships a day that come with the project), then its
days with what the scenario takes away. They are published as real ones are, on Tuesdays up to the
Sunday before; a report comes in six hours after the break, a declaration a day later, and another
when the scenario ends. Declarations of the real world do not count. From there on everything is the
monitor itself. All of it is an exercise, and every entry and bulletin says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corridors.risk.alert import Alert
from corridors.risk.impact import measured
from corridors.risk.levels import Standing, Subject
from corridors.risk.monitor import Feeds, judged_to, run, sights
from corridors.risk.outlook import traffic_outlook
from corridors.risk.replay import published_to
from corridors.risk.threat import threat
from corridors.whatif.answer import Answer
from corridors.whatif.scenario import Rule, Scenario
from layers.errors import UsageError
from layers.events import event_frame, observation_frame
from layers.tables import READERS
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["COLUMNS", "Drill", "drill"]

BEFORE_D = 3 * 365
AFTER_D = 21
LONGEST_D = 60
SIZE = 60.0  # of the negative binomial: about that of the passages on record
REPORTED, DECLARED = timedelta(hours=6), timedelta(days=1)
ASKED_AT = timedelta(hours=18)

COLUMNS = [
    *("at", "day", "inject", "element", "importer", "commodity", "level"),
    *("text_en", "text_zh", "readers"),
]


@dataclass(frozen=True)
class Drill:
    """A drill as played.

    Attributes
    ----------
    timeline
        ``COLUMNS``: a row an inject, by time: ``report``, ``declaration``, ``traffic`` (published)
        or ``level``; ``day`` from 1; whom it is for.
    alerts
        Entries, all exercises, oldest first.
    """

    timeline: pd.DataFrame
    alerts: list[Alert]


def drill(
    answer: Answer,
    importers: Sequence[str],
    *,
    start: datetime,
    seed: int = 1,
    commodities: Sequence[str] | None = None,
    progress: Callable[[Sequence[str], str], Iterable[str]] | None = None,
) -> Drill:
    """A scenario played from its first day until three weeks after its last, sixty days at most.

    Parameters
    ----------
    answer
        Of the scenario, from ``corridors.whatif.answer.disturb``: what would be lost.
    start
        The break, UTC.
    seed
        Of the traffic drawn.

    Raises
    ------
    UsageError
        For a scenario that closes or limits no element of the map.
    """
    scenario, world = answer.scenario, answer.engine.world
    world = replace(world, declarations=world.declarations.iloc[:0])
    struck = {r.element: r for r in scenario.rules if r.lost > 0 and r.element in world.elements()}
    if not struck:
        raise UsageError(f"{scenario.name} closes or limits no element: there is nothing to drill")
    lasts = min(scenario.duration_d, LONGEST_D)
    events = event_frame(list(_injects(world, scenario, struck, start, lasts)))
    traffic = observation_frame(_traffic(world, struck, start, lasts, seed))
    tables = {e: measured(answer, e, lost=r.lost, importers=importers) for e, r in struck.items()}
    log: list[Alert] = []
    standings: dict[Subject, Standing] = {}
    judged: dict[str, pd.Timestamp] = {}
    rows = [_told(world, row, start) for row in records(events)]
    known, _ = traffic_outlook(world, traffic, now=start + timedelta(days=400))
    length = int(min(lasts + AFTER_D, LONGEST_D))
    days = [str(n) for n in range(length)]
    for text in progress(days, "drill") if progress else days:
        now = _midnight(start) + timedelta(days=int(text)) + ASKED_AT
        if now < start + REPORTED:
            continue
        published = pd.Timestamp(published_to(now))
        here = known[known["day"] <= published] if len(known) else known
        so_far = events[events["published_at"] <= now].reset_index(drop=True)
        seen = sights(world, here, _feeds(world, so_far, now), so_far, now=now, since=judged)
        seen = {e: own for e, own in seen.items() if e in struck}
        told = run(
            world,
            seen,
            lambda element, _: tables[element],
            importers,
            log,
            standings,
            now=now,
            commodities=commodities,
            exercise=scenario.name,
        )
        rows += _traffic_rows(world, seen, judged, now, start)
        rows += [_level_row(world, alert, start) for alert in told.alerts if _is_news(alert)]
        log += told.alerts
        standings = told.standings
        judged = judged_to(seen, judged)
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values("at", kind="stable")
    return Drill(table.reset_index(drop=True), log)


def _midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _injects(
    world: World, scenario: Scenario, struck: dict[str, Rule], start: datetime, lasts: float
) -> Iterator[dict[str, Any]]:
    """What is reported and declared of each element, as events."""
    for element, rule in struck.items():
        word = "closed" if rule.lost >= 1 else "restricted"
        name = world.name(element)
        said = [
            (
                "security_incident",
                f"{name}: traffic stops" if rule.lost >= 1 else f"{name}: slow",
                start + REPORTED,
                "embassy",
            ),
            ("policy", f"declared {word}", start + DECLARED, "central_agency"),
        ]
        if lasts < LONGEST_D:
            said.append(
                ("policy", "declared open", start + timedelta(days=lasts), "central_agency")
            )
        for number, (kind, title, at, reporter) in enumerate(said):
            yield {
                "event_uid": f"drill:{scenario.name}:{element}:{number}",
                "source": "drill",
                "source_id": f"{element}:{number}",
                "kind": kind,
                "subtype": reporter,
                "reporter_type": reporter,
                "title": title,
                "status": "active",
                "severity": (4 if rule.lost >= 0.75 else 3) if kind != "policy" else 0,
                "certainty": "observed",
                "confidence": 0.9,
                "onset_at": at,
                "published_at": at,
                "retrieved_at": at,
                "content_as_of": at,
                "assets": element,
                "asset_match": "native",
                "quality_flags": "exercise",
            }


def _traffic(
    world: World, struck: dict[str, Rule], start: datetime, lasts: float, seed: int
) -> Iterator[dict[str, Any]]:
    """Ships and tonnes a day of each passage that is counted, as observations."""
    whole = world.transits[(world.transits["days"] >= 365).to_numpy()]
    newest = whole.sort_values("period", kind="stable").drop_duplicates("chokepoint", keep="last")
    usual = {f"chokepoint:{r['chokepoint']}": r for r in records(newest)}
    random = np.random.default_rng(seed)
    first = _midnight(start) - timedelta(days=BEFORE_D)
    count = BEFORE_D + LONGEST_D
    for element, rule in struck.items():
        if element not in usual:
            continue
        day = np.arange(count) - BEFORE_D
        left = np.where((day >= 0) & (day < lasts), 1.0 - rule.lost, 1.0)
        mean = float(usual[element]["transits_d"]) * left
        ships = np.where(mean > 0, random.negative_binomial(SIZE, SIZE / (SIZE + mean)), 0)
        tonnes = float(usual[element]["capacity_t_d"]) / float(usual[element]["transits_d"])
        for n, value in zip(range(count), ships.tolist(), strict=True):
            # A strait that is shut is not without data: a ship or two still pass.
            for metric, unit, size in (("n_total", "calls/d", 1.0), ("capacity", "t", tonnes)):
                yield {
                    "series": f"drill:{element}",
                    "element": element,
                    "metric": metric,
                    "unit": unit,
                    "observed_at": first + timedelta(days=n),
                    "value": max(1.0, float(value)) * size,
                    "source": "drill",
                    "retrieved_at": start,
                    "quality_flags": "exercise",
                }


def _feeds(world: World, events: pd.DataFrame, now: datetime) -> Feeds:
    """What the injects so far are worth as threat; the reports are from no feed, and so are new."""
    states = pd.DataFrame({"feed": ["drill"], "state": ["live"], "content_as_of": [now]})
    found = threat(events[events["kind"] != "policy"], world, now=now, states=states)
    return Feeds(found.elements, found.contributions.assign(visibility="public"))


def _told(world: World, event: dict[str, Any], start: datetime) -> dict[str, Any]:
    policy = event["kind"] == "policy"
    name_en, name_zh = (world.name(event["assets"], lang) for lang in ("en", "zh"))
    said = str(event["title"])
    zh = {"declared closed": "宣布关闭", "declared open": "宣布开放"}.get(said, "宣布限航")
    return {
        "at": event["published_at"],
        "day": _day(event["published_at"], start),
        "inject": "declaration" if policy else "report",
        "element": event["assets"],
        "text_en": f"{name_en}: {said}" if policy else said,
        "text_zh": f"{name_zh}{zh}" if policy else f"驻外使领馆报告：{name_zh}通航受阻",
        "readers": ";".join(READERS),
    }


def _traffic_rows(
    world: World,
    seen: dict[str, Any],
    judged: dict[str, pd.Timestamp],
    now: datetime,
    start: datetime,
) -> Iterator[dict[str, Any]]:
    """A row for each element whose traffic was published anew."""
    for element, own in seen.items():
        status = own[-1].status
        if status.data_to is None:
            continue
        newest = pd.Timestamp(status.data_to).tz_localize(None)
        if element in judged and newest <= judged[element]:
            continue
        figures = f"{status.observed_d:.1f} / {status.usual_d:.1f}"
        yield {
            "at": now,
            "day": _day(now, start),
            "inject": "traffic",
            "element": element,
            "text_en": f"{world.name(element)}: {figures} ships a day, to {newest:%Y-%m-%d}",
            "text_zh": f"{world.name(element, 'zh')}：日均{figures}艘（数据至{newest:%Y-%m-%d}）",
            "readers": "central_agency;security_company",
        }


def _is_news(alert: Alert) -> bool:
    return alert.level is not alert.previous


def _level_row(world: World, alert: Alert, start: datetime) -> dict[str, Any]:
    levels = {"none": "无", "blue": "蓝色", "yellow": "黄色", "orange": "橙色", "red": "红色"}
    element = alert.element
    change = f"{alert.previous.name} → {alert.level.name}"
    zh = f"{levels[alert.previous.name]} → {levels[alert.level.name]}"
    return {
        "at": alert.sent,
        "day": _day(alert.sent, start),
        "inject": "level",
        "element": element,
        "importer": alert.importer,
        "commodity": alert.commodity,
        "level": alert.level.name,
        "text_en": f"{world.name(element)}: {change} ({alert.reason})",
        "text_zh": f"{world.name(element, 'zh')}：{zh}（参考等级，演习）",
        "readers": ";".join(READERS),
    }


def _day(moment: datetime, start: datetime) -> int:
    return (_midnight(moment) - _midnight(start)).days + 1
