"""A scenario's answer: every tonne delivered as before, rerouted, unmet or infeasible.

The page to read first. In order: the scenario's prices, what each market loses, where its cargo
goes at sea, what scarce capacity leaves it, what the fleet can lift; then the sums. The four
outcomes of a flow add up to the flow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from corridors.assignment import voyage_days
from corridors.network import Floats, Ints
from corridors.whatif.allocation import Allocation, Case, allocate
from corridors.whatif.capacity import Plan
from corridors.whatif.engine import PARTS, Engine, Market
from corridors.whatif.fleet import Fleet, fleet_after
from corridors.whatif.losses import losses
from corridors.whatif.prices import priced
from corridors.whatif.reroute import spread
from corridors.whatif.scenario import Scenario

__all__ = ["OUTCOMES", "Answer", "Fate", "disturb"]

OUTCOMES = ("delivered", "rerouted", "unmet", "infeasible")


@dataclass(frozen=True, eq=False)
class Fate:
    """What became of one commodity; one position a leg, t/yr or USD/yr while the scenario lasts.

    Attributes
    ----------
    outcome
        (legs, ``OUTCOMES``) t/yr.
    lost_supply
        (legs,) t/yr of the unmet that the origin could not supply.
    added_usd
        (legs, 2, ``PARTS``) USD/yr more than usual for the delivered and the rerouted.
    added_t_d, late_t_d
        (legs,) tonnes × days more for the rerouted, and for the delivered where a passage takes
        longer, a year.
    """

    case: Case
    outcome: Floats
    lost_supply: Floats
    added_usd: Floats
    added_t_d: Floats
    late_t_d: Floats


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer to a scenario, for all importers of the engine's commodities.

    Attributes
    ----------
    engine
        In calm times.
    fates
        By commodity.
    elsewhere, bindings, plan
        See ``corridors.whatif.allocation.Allocation``.
    fleet
        Use of every ship class.
    """

    engine: Engine
    scenario: Scenario
    fates: Mapping[str, Fate]
    elsewhere: pd.DataFrame
    bindings: pd.DataFrame
    plan: Plan | None
    fleet: Fleet


def disturb(engine: Engine, scenario: Scenario, *, slots: bool = True) -> Answer:
    """What a scenario does to the calm world.

    Parameters
    ----------
    engine
        From ``corridors.whatif.engine.prepare``; kept and used again for the next scenario.
    slots
        Whether canals, land bridges and the fleet can be full.
    """
    dear = priced(engine, scenario)
    cases = {
        name: _case(engine, market, dear.markets[name], scenario)
        for name, market in engine.markets.items()
    }
    shared = allocate(dear, cases, slots=slots)
    fleet, lifted = fleet_after(engine, shared.cases, shared.elsewhere, full=slots)
    fates = {name: _fate(engine, dear, case, shared) for name, case in lifted.items()}
    return Answer(engine, scenario, fates, shared.elsewhere, shared.bindings, shared.plan, fleet)


def _case(engine: Engine, calm: Market, dear: Market, scenario: Scenario) -> Case:
    lost = losses(engine.network, calm.commodity, calm.ships, scenario.rules)
    supplied = calm.tonnes.copy()
    if lost.supply:
        origins = engine.sides["origin"][calm.flow]
        supplied *= 1.0 - np.array([lost.supply.get(o, 0.0) for o in origins])
    share = np.zeros(len(supplied))
    for element, part in lost.land.items():
        legs = calm.passing.get(element, np.empty(0, dtype=np.int64))
        share[legs] = np.maximum(share[legs], part)
    return Case(
        calm=calm,
        priced=dear,
        losses=lost,
        spread=spread(calm, dear, lost, engine.choice.theta),
        at_sea=supplied * (1.0 - share),
        cut=supplied * share,
    )


def _fate(engine: Engine, dear: Engine, case: Case, shared: Allocation) -> Fate:
    market, s = case.calm, case.spread
    name, pairs = market.commodity, market.pairs
    stays = np.bincount(s.pair, np.minimum(s.calm, s.now), minlength=pairs)
    goes = np.bincount(s.pair, s.now, minlength=pairs)
    has_way = np.bincount(s.pair, s.calm, minlength=pairs) > 0
    stays, goes = np.where(has_way, stays, 1.0), np.where(has_way, goes, 1.0)
    stays, goes = np.append(stays, 1.0)[market.pair], np.append(goes, 1.0)[market.pair]
    full = np.append(s.unmet, 0.0)[market.pair]
    stranded = case.stranded
    found = stranded * shared.carried[name]
    left = stranded - found
    supply = np.maximum(market.tonnes - case.at_sea - case.cut, 0.0)  # rounding is no cargo
    has_path = shared.has_path[name].astype(np.bool_)
    outcome = np.column_stack(
        [
            case.at_sea * stays,
            np.maximum(case.at_sea * (goes - stays), 0.0) + found,
            case.at_sea * full + np.where(has_path, left, 0.0) + supply,
            np.where(has_path, 0.0, left),
        ]
    )
    added, days, late = _added_at_sea(engine, dear, case)
    more, longer = _added_elsewhere(engine, case, shared)
    usd = np.stack([case.at_sea[:, None] * added[0], case.at_sea[:, None] * added[1] + more], 1)
    return Fate(case, outcome, supply, usd, case.at_sea * days + longer, case.at_sea * late)


def _added_at_sea(
    engine: Engine, dear: Engine, case: Case
) -> tuple[tuple[Floats, Floats], Floats, Floats]:
    """(legs, parts) USD/t of a leg added for the delivered and the rerouted, and their days.

    The days of the rerouted come first.
    """
    s, market = case.spread, case.calm
    legs = len(market.pair)
    moved = np.flatnonzero((s.calm != s.now) | (case.priced is not market))
    none = np.zeros((legs, len(PARTS)))
    if not len(moved):
        return (none, none), np.zeros(legs), np.zeros(legs)
    calm, now = s.calm[moved], s.now[moved]
    pair, ship, bits, km = s.pair[moved], s.ship[moved], s.bits[moved], s.km[moved]
    before = engine.parts(market, ship, bits, km)
    after = before if dear is engine else dear.parts(case.priced, ship, bits, km)
    same = np.minimum(calm, now)[:, None]
    stays = _sum(pair, same * (after - before), market.pairs)
    # What is stranded, or full, pays nothing: its calm cost is not saved by the others.
    lost = (s.stranded + s.unmet)[pair]
    left = _sum(pair, np.maximum(calm - now, 0.0)[:, None], market.pairs)[:, 0]
    gone = np.divide(lost, left[pair], out=np.zeros(len(pair)), where=left[pair] > 0)
    routed = calm - np.maximum(calm - now, 0.0) * np.minimum(gone, 1.0)
    total = _sum(pair, now[:, None] * after - routed[:, None] * before, market.pairs)
    shifts = total - stays
    usual_d = voyage_days(engine.network, market.tariffs, ship, bits, km)
    now_d = usual_d
    if dear is not engine:
        now_d = voyage_days(dear.network, case.priced.tariffs, ship, bits, km)
    late = _sum(pair, same * (now_d - usual_d)[:, None], market.pairs)[:, 0]
    days = _sum(pair, (now * now_d - routed * usual_d)[:, None], market.pairs)[:, 0] - late
    if dear.network is engine.network:  # a passage opened may save, a closure never does
        shifts[shifts.sum(axis=1) < 0] = 0.0
    at = np.append(np.arange(market.pairs), market.pairs)[market.pair]
    pad = np.zeros((1, len(PARTS)))
    by_leg = (np.vstack([stays, pad])[at], np.vstack([shifts, pad])[at])
    longer = np.append(_not_less(days, dear.network is engine.network), 0.0)[at]
    return by_leg, longer, np.append(late, 0.0)[at]


def _not_less(days: Floats, closures: bool) -> Floats:
    return np.asarray(np.maximum(days, 0.0)) if closures else days


def _sum(pair: Ints, values: Floats, pairs: int) -> Floats:
    """(pairs, columns) sums of rows by pair."""
    return np.column_stack(
        [np.bincount(pair, values[:, i], minlength=pairs) for i in range(values.shape[1])]
    )


def _added_elsewhere(engine: Engine, case: Case, shared: Allocation) -> tuple[Floats, Floats]:
    """(legs, parts) USD/yr and (legs,) tonnes × days added on other gateways."""
    name = case.calm.commodity
    usual, usual_days = engine.calm[name]
    group = shared.groups[name]
    found = np.flatnonzero((group >= 0) & (shared.carried[name] > 0))
    part = np.zeros(len(group))
    part[found] = case.stranded[found] * shared.carried[name][found]
    usd = np.zeros((len(group), len(PARTS)))
    days = np.zeros(len(group))
    at = group[found]
    usd[found] = part[found, None] * (shared.group_usd_t[at] - usual[found])
    days[found] = np.maximum(part[found] * (shared.group_days[at] - usual_days[found]), 0.0)
    usd[usd.sum(axis=1) < 0] = 0.0
    return usd, days
