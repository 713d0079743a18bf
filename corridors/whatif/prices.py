"""The scenario's prices: premiums on hulls, tolls, delays, light loading, passages opened.

    premium  = war_risk_pct / 100 · hull value / cargo                      USD/t a transit
    delay    = delay_d · (hire + cargo capital) a day
    light    = (1/κ − 1) · usual cost of a voyage through the passage,
               κ = 1 − slope · (draft − max draft) / draft                  cargo still carried

The premium is on the hull, never on the cargo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from corridors.gateways import GatewayBook
from corridors.network import Floats, Tariff
from corridors.whatif.drawn import passages_of
from corridors.whatif.engine import Engine, Market, Prices
from corridors.whatif.scenario import Rule, Scenario
from layers.world import records

__all__ = ["priced"]

LEAST_CARGO = 0.5  # of the usual; under it the ship does not sail


def priced(engine: Engine, scenario: Scenario) -> Engine:
    """The engine at the scenario's prices, and with what it opens; the same one if it opens none.

    Lines opened are offered to cargo that is cut off from its own (``Engine.book``).
    """
    dear = [r for r in scenario.rules if _changes_price(r)]
    passages = set(engine.network.passages)
    opened = [e for e in scenario.opened if e in passages]
    lines = [e for e in scenario.opened if e not in passages]
    if lines:
        book = GatewayBook(engine.world, engine.network, building=lines)
        engine = replace(engine, book=book)
    if not dear and not opened:
        return engine
    network = engine.network
    if opened:
        is_open = network.open | np.isin(np.array(network.passages), opened)
        network = replace(network, open=is_open)
    made = {}
    for name, market in engine.markets.items():
        rules = [r for r in dear if not r.commodities or name in r.commodities]
        if rules and market.ships:
            made[name] = _prices(engine, market, rules)
    return engine.repriced(made, network if opened else None)


def _prices(engine: Engine, market: Market, rules: Sequence[Rule]) -> Prices:
    ships = {str(r["ship_class"]): r for r in records(engine.world.ship_classes)}
    raised = [
        _raised(engine, (name, ships[name], market.tariffs[i], market.premium[i]), rules)
        for i, name in enumerate(market.ships)
    ]
    return tuple(t for t, _ in raised), tuple(p for _, p in raised)


def _changes_price(rule: Rule) -> bool:
    return bool(
        rule.delay_d or rule.toll_usd_t or rule.war_risk_pct or rule.max_draft_m is not None
    )


def _raised(
    engine: Engine, ship_class: tuple[str, dict[str, float], Tariff, Floats], rules: Sequence[Rule]
) -> tuple[Tariff, Floats]:
    """The tariff and the premiums of a ship class under the rules that name it."""
    name, ship, tariff, usual = ship_class
    rates = engine.rates[name]
    charge, delay = tariff.passage_usd_t.copy(), tariff.passage_d.copy()
    premium, fits = usual.copy(), tariff.fits.copy()
    for i, mine in _by_passage(engine, name, rules).items():
        pct, longer = (max(getattr(r, n) for r in mine) for n in ("war_risk_pct", "delay_d"))
        hull = pct / 100 * float(ship["hull_value_usd"]) / float(ship["cargo_t"])
        premium[i] += hull
        delay[i] += longer
        toll = max(r.toll_usd_t for r in mine)
        charge[i] += hull + toll + longer * (rates.hire + rates.capital)
        draft = min((r.max_draft_m for r in mine if r.max_draft_m is not None), default=np.inf)
        if float(ship["draft_m"]) > draft:
            carried = _cargo_left(engine, float(ship["draft_m"]), draft)
            fits[i] &= carried >= LEAST_CARGO
            if carried >= LEAST_CARGO:
                charge[i] += (1 / carried - 1) * _usual_cost(engine, name, i)
    return replace(tariff, passage_usd_t=charge, passage_d=delay, fits=fits), premium


def _by_passage(engine: Engine, ship: str, rules: Sequence[Rule]) -> dict[int, list[Rule]]:
    """Rules that hold for a ship class, by passage; of rules for one passage the greater holds."""
    found: dict[int, list[Rule]] = {}
    for rule in rules:
        if not rule.ships or ship in rule.ships:
            for i in passages_of(engine.network, rule.element):
                found.setdefault(i, []).append(rule)
    return found


def _cargo_left(engine: Engine, draft_m: float, max_draft_m: float) -> float:
    cut = (draft_m - max_draft_m) / draft_m
    return 1.0 - engine.world.assumption("light_load_slope") * cut


def _usual_cost(engine: Engine, ship: str, passage: int) -> float:
    """Mean cost of the voyages of a ship class through a passage in calm times, USD/t."""
    bit = np.uint64(1) << np.uint64(passage)
    tonnes, cost = 0.0, 0.0
    for market in engine.markets.values():
        if ship in market.ships:
            r = market.routes
            here = np.flatnonzero(((r.bits & bit) != 0) & (r.ship == market.ships.index(ship)))
            weight = r.share[here] * market.pair_tonnes[r.pair[here]]
            tonnes += float(weight.sum())
            cost += float(weight @ r.cost_usd_t[here])
    return cost / tonnes if tonnes > 0 else 0.0
