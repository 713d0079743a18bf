"""An answer day by day: which cargo was past the break, who waits, what stocks make up for.

A break lies somewhere on the way. What has passed the last one still arrives; ships wait for a
reopening that is nearer than the detour is long, and laden cargo without a way waits as long as
ships and tanks hold it (assumption ``wait_most_d``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from corridors.network import Floats
from corridors.whatif.answer import OUTCOMES, Answer, Fate
from corridors.whatif.stocks import (
    DELIVERED,
    REROUTED,
    UNMET,
    Closure,
    Parts,
    Stock,
    harvest_t_d,
    timelines,
    usable_t,
)
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["Group", "closure_of", "stock_of", "supply"]

YEAR_D = 365.0


@dataclass(frozen=True)
class Group:
    """Whose supply of what: countries counted as one under a name."""

    name: str
    countries: frozenset[str]
    commodity: str


def closure_of(world: World, answer: Answer) -> Closure:
    """How long the scenario's rules are in force, and how fast a queue clears."""
    scenario = answer.scenario
    return Closure(scenario.duration_d, scenario.recovery_d, world.assumption("queue_ratio"))


def supply(answer: Answer, groups: Sequence[Group], *, horizon_d: int) -> xr.Dataset:
    """Arrivals, stocks and shortage of some groups: dims ``group, day``.

    See ``corridors.whatif.stocks.timelines`` for the variables. A stock that is not known leaves
    its figures empty.
    """
    world = answer.engine.world
    closure = closure_of(world, answer)
    start = answer.scenario.start
    stocks = [stock_of(world, group, start, horizon_d) for group in groups]
    return timelines(_parts(answer, groups, closure), stocks, closure, horizon_d=horizon_d)


def _parts(answer: Answer, groups: Sequence[Group], closure: Closure) -> Parts:
    past = {name: beyond_days(answer, fate) for name, fate in answer.fates.items()}
    most = answer.engine.world.assumption("wait_most_d")
    columns: list[tuple[np.ndarray, ...]] = []
    for i, group in enumerate(groups):
        fate = answer.fates.get(group.commodity)
        if fate is None:
            continue
        legs = np.flatnonzero(answer.engine.imported_by(fate.case.calm, group.countries))
        beyond = past[group.commodity][legs]
        tonnes = np.column_stack([fate.outcome[legs], fate.lost_supply[legs]]) / YEAR_D
        tonnes[:, UNMET] -= tonnes[:, -1]
        added = np.divide(
            fate.added_t_d[legs],
            fate.outcome[legs, 1],
            out=np.zeros(len(legs)),
            where=fate.outcome[legs, 1] > 0,
        )
        late = np.divide(
            fate.late_t_d[legs],
            fate.outcome[legs, 0],
            out=np.zeros(len(legs)),
            where=fate.outcome[legs, 0] > 0,
        )
        # Last what was never supplied: it is unmet, and nothing of it waits.
        for column, k in enumerate((*range(len(OUTCOMES)), UNMET)):
            some = np.flatnonzero(tonnes[:, column] > 0)
            shorter = closure.duration_d < added[some]
            waits = shorter if k == REROUTED else np.full(len(some), closure.duration_d <= most)
            if column == len(OUTCOMES):
                waits[:] = False
            delay = (late, added)[k][some] if k <= REROUTED else np.zeros(len(some))
            kind = np.where((k == DELIVERED) & (delay > 0), REROUTED, k)  # as before, but later
            columns.append(
                (
                    tonnes[some, column],
                    kind,
                    beyond[some],
                    delay,
                    waits & (k != DELIVERED),
                    np.full(len(some), i),
                )
            )
    joined = [np.concatenate([c[j] for c in columns] or [np.zeros(0)]) for j in range(6)]
    return Parts(
        joined[0],
        joined[1].astype(np.int64),
        joined[2],
        joined[3],
        joined[4].astype(np.bool_),
        joined[5].astype(np.int64),
    )


def beyond_days(answer: Answer, fate: Fate) -> Floats:
    """(legs,) days from the last break on a leg's way to the importer.

    The whole voyage where it breaks before the sea, none where it breaks at the landing.
    """
    market, lost = fate.case.calm, fate.case.losses
    _, voyage = answer.engine.calm[market.commodity]
    found = np.append(_beyond_at_sea(fate), np.inf)[market.pair]
    found = np.where(np.isfinite(found), np.minimum(found, voyage), voyage)
    into = market.sailing.legs["into"].to_numpy(dtype=object)
    landing: Mapping[str, set[int]] = {"into": set(), "out": set()}
    for element in lost.land:
        for leg in market.passing.get(element, np.empty(0, np.int64)).tolist():
            side = "into" if element in into[leg] else "out"
            landing[side].add(leg)
    found[list(landing["out"])] = voyage[list(landing["out"])]
    on_land = [leg for leg in landing["out"] if market.pair[leg] < 0]
    found[on_land] = 0.0
    found[list(landing["into"])] = 0.0
    return np.asarray(found)


def _beyond_at_sea(fate: Fate) -> Floats:
    """(pairs,) days from the last passage that loses traffic to the port of landing; inf: none."""
    market, lost = fate.case.calm, fate.case.losses
    found, network = market.sailing.search, market.sailing.search.network
    days = np.full(market.pairs, np.inf)
    r = market.routes
    for i, (tariff, reach) in enumerate(zip(found.tariffs, found.reaches, strict=True)):
        for passage in np.flatnonzero(lost.passage[i] > 0):
            bit = np.uint64(1) << np.uint64(passage)
            pairs = np.unique(r.pair[((r.bits & bit) != 0) & (r.ship == i)])
            cross = np.flatnonzero((network.bits[reach.live] & bit) != 0)
            if not len(pairs) or not len(cross):
                continue
            o, d = found.o[pairs], found.d[pairs]
            on = reach.on[cross][:, d]
            through = reach.to[o][:, cross].T + on
            best = np.argmin(through, axis=0)
            left = on[best, np.arange(len(pairs))] / (tariff.usd_t_km * tariff.km_d)
            days[pairs] = np.minimum(days[pairs], left)
    return days


def stock_of(world: World, group: Group, start: date | None, horizon_d: int) -> Stock:
    """The stock of a group: its own row, or the sum of its countries' where each has one."""
    table = world.stocks
    table = table[(table["commodity"] == group.commodity).to_numpy()]
    rows = {str(r["country"]): r for r in records(table)}
    if group.name in rows:
        mine = [rows[group.name]]
    elif all(country in rows for country in group.countries):
        mine = [rows[country] for country in sorted(group.countries)]
    else:
        return Stock()
    grain = set(world.commodities.loc[world.commodities["group"] == "grain", "commodity"])
    share = 1.0 if group.commodity in grain else world.assumption("stock_usable_share")
    usable = sum(
        usable_t(r["stock_t"], share=share, working_t=np.nan_to_num(r["working_t"])) for r in mine
    )
    draw = sum(r["draw_t_d"] for r in mine)
    harvests = [r for r in mine if r["harvest_t_y"] > 0 and r["use_t_y"] > 0]
    if len(harvests) < len(mine) or start is None:
        return Stock(usable_t=usable, draw_t_d=draw)
    harvest = np.sum(
        [
            harvest_t_d(
                r["harvest_t_y"], int(r["harvest_from"]), int(r["harvest_to"]), start, horizon_d
            )
            for r in harvests
        ],
        axis=0,
    )
    return Stock(usable, draw, harvest, sum(r["use_t_y"] for r in mine) / YEAR_D)
