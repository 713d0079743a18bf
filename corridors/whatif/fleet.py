"""What detours ask of the fleet: tonne-miles by ship class, against what it can lift.

    use    = Σ t · km in the scenario / Σ t · km in calm times
    most   = speed-up cap / share of the fleet busy in calm times
    hire   rises by elasticity · (min(use, most) − 1), and never falls

Ships of one trade stand in for each other: the classes that may carry the same commodity make one
fleet, coasters apart. A fleet asked for more than its most lifts no more: cargo that was rerouted
stays behind, the longest voyages first, which leaves the fewest tonnes behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from corridors.whatif.allocation import Case
from corridors.whatif.engine import Engine

__all__ = ["Fleet", "fleet_after"]


@dataclass(frozen=True, eq=False)
class Fleet:
    """Use of the fleet, one row a ship class.

    Attributes
    ----------
    table
        ``fleet, ship_class, calm_t_km, asked_t_km, fleet_use, most, hire_rise_usd_t,
        left_behind_t``: use and most over the calm tonne-miles of the whole fleet, USD/t on a mean
        voyage of the class, t/yr the fleet leaves behind.
    """

    table: pd.DataFrame


def fleet_after(
    engine: Engine, cases: Mapping[str, Case], elsewhere: pd.DataFrame, *, full: bool = True
) -> tuple[Fleet, dict[str, Case]]:
    """The use of the fleet, and the cases with what it could not lift left behind as unmet.

    Parameters
    ----------
    full
        Whether a fleet can be: if not, all is lifted.
    """
    calm, asked, voyages = _tonne_km(engine, cases, elsewhere)
    world = engine.world
    most = world.assumption("speed_up_cap") / world.assumption("fleet_use")
    after, rows = dict(cases), []
    for classes in fleets(engine):
        usual, now = (sum(t_km[ship] for ship in classes) for t_km in (calm, asked))
        use = now / usual if usual > 0 else np.nan
        behind = 0.0
        if full and use > most:
            after, behind = _leave_behind(after, classes, now - most * usual)
        rows += [
            {
                "fleet": classes[0],
                "ship_class": ship,
                "calm_t_km": calm[ship],
                "asked_t_km": asked[ship],
                "fleet_use": use,
                "most": most,
                "hire_rise_usd_t": _hire_rise(engine, ship, min(use, most), voyages[ship]),
                "left_behind_t": behind,
            }
            for ship in classes
        ]
    return Fleet(pd.DataFrame(rows)), after


COASTER_T = 10_000.0  # cargo under which a ship sails where nothing larger fits


def fleets(engine: Engine) -> list[tuple[str, ...]]:
    """Ship classes that stand in for each other, largest fleet of a trade first in the data."""
    found: list[tuple[str, ...]] = []
    trades = [str(c).split(";") for c in engine.world.commodities["ship_classes"] if c]
    for ship in engine.tariffs:
        if any(ship in fleet for fleet in found):
            continue
        fleet = {ship}
        if engine.cargo_t[ship] >= COASTER_T:
            grown = True
            while grown:
                near = {s for t in trades if fleet & set(t) for s in t if s in engine.cargo_t}
                wider = fleet | {s for s in near if engine.cargo_t[s] >= COASTER_T}
                grown, fleet = wider != fleet, wider
        found.append(tuple(s for s in engine.tariffs if s in fleet))
    return found


def _hire_rise(engine: Engine, ship: str, use: float, voyage_d: float) -> float:
    if np.isnan(use):
        return float("nan")
    rise = max(0.0, engine.world.assumption("hire_elasticity") * (use - 1.0))
    return engine.rates[ship].hire * rise * voyage_d


def _tonne_km(
    engine: Engine, cases: Mapping[str, Case], elsewhere: pd.DataFrame
) -> tuple[dict[str, float], dict[str, float], dict[str, float]]:
    """Tonne-km of each class in calm times and now, and days of its mean voyage."""
    calm = dict.fromkeys(engine.tariffs, 0.0)
    asked, days, tonnes = dict(calm), dict(calm), dict(calm)
    for case in cases.values():
        s, market = case.spread, case.calm
        before, now = market.pair_tonnes[s.pair], case.pair_tonnes[s.pair]
        for i, ship in enumerate(market.ships):
            mine = s.ship == i
            calm[ship] += float(np.sum((before * s.calm * s.km)[mine]))
            asked[ship] += float(np.sum((now * s.now * s.km)[mine]))
            days[ship] += float(np.sum((before * s.calm * s.days)[mine]))
            tonnes[ship] += float(np.sum((before * s.calm)[mine]))
    lifted = (elsewhere["quantity_t"] * elsewhere["sea_km"]).to_numpy(dtype=np.float64)
    for ship, t_km in zip(elsewhere["ship_class"], lifted, strict=True):
        if ship:
            asked[str(ship)] += float(t_km)
    voyage = {s: days[s] / tonnes[s] if tonnes[s] > 0 else 0.0 for s in calm}
    return calm, asked, voyage


def _leave_behind(
    cases: Mapping[str, Case], classes: tuple[str, ...], over: float
) -> tuple[dict[str, Case], float]:
    """Cut rerouted cargo of a fleet by its longest voyages until it fits."""
    rows = []
    for name, case in cases.items():
        s = case.spread
        mine = np.isin(np.array([*case.calm.ships, ""])[s.ship], classes)
        gained = (s.now - s.calm) * case.pair_tonnes[s.pair]
        at = np.flatnonzero(mine & (gained > 0) & (s.km > 0))
        rows += [(s.km[i], gained[i], name, i) for i in at.tolist()]
    rows.sort(key=lambda r: (-r[0], r[2], r[3]))
    cut: dict[str, dict[int, float]] = {}
    behind = 0.0
    for km, tonnes, name, way in rows:
        if over <= 0:
            break
        part = min(tonnes, over / km)
        cut.setdefault(name, {})[way] = part
        over -= part * km
        behind += part
    return {n: _without(case, cut.get(n, {})) for n, case in cases.items()}, behind


def _without(case: Case, ways: Mapping[int, float]) -> Case:
    """The case with some tonnes on some ways unmet."""
    if not ways:
        return case
    s, tonnes = case.spread, case.pair_tonnes
    now, unmet = s.now.copy(), s.unmet.copy()
    for way, part in ways.items():
        share = part / tonnes[s.pair[way]]
        now[way] = max(now[way] - share, s.calm[way])  # rounding is no cargo
        unmet[s.pair[way]] += share
    return replace(case, spread=replace(s, now=now, unmet=unmet))
