"""What it costs a ship class to carry a tonne: hire, fuel, tolls, waiting and the cargo's capital.

    usd_t_km   = ((hire + fuel·bunker) / cargo + price·value_of_time) / km_d
    passage    = toll / cargo + delay · ((hire / cargo) + price·value_of_time)

METHODS of the field: Verschuur, Koks & Hall 2022 (generalised cost); detour arithmetic as in the
shipping press, hire and fuel a day over the cargo carried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from corridors.network import Floats, Network, Tariff
from layers.units import km_day
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World


Limits = Mapping[str, Sequence[tuple[float, float]]]
"""Largest beam and draft, m, in each row of limits of a passage."""


@dataclass(frozen=True)
class DayRates:
    """What a day costs a ship class, USD per tonne carried: hire, fuel at sea, cargo capital."""

    hire: float
    fuel: float
    capital: float


def day_rates(world: World, ship: Mapping[str, Any]) -> DayRates:
    """Day rates of a row of ship classes."""
    cargo = float(ship["cargo_t"])
    return DayRates(
        hire=float(ship["hire_usd_d"]) / cargo,
        fuel=float(ship["fuel_t_d"]) * world.assumption("bunker_usd_t") / cargo,
        capital=_capital_usd_t_d(world, str(ship["ship_class"])),
    )


def ship_tariffs(world: World, network: Network) -> dict[str, Tariff]:
    """A tariff for every ship class, for the commodities it carries."""
    limits = passage_limits(world)
    return {
        str(ship["ship_class"]): _tariff(world, network, limits, ship)
        for ship in records(world.ship_classes)
    }


def passage_limits(world: World) -> Limits:
    """Limits of every passage that has any; an empty cell limits nothing."""
    limits: dict[str, list[tuple[float, float]]] = {}
    for row in records(world.passage_limits.fillna(np.inf)):
        limits.setdefault(row["passage"], []).append((row["max_beam_m"], row["max_draft_m"]))
    return limits


def fits(limits: Limits, passage: str, *, beam_m: float, draft_m: float) -> bool:
    """Whether a ship of this beam and draft may pass.

    A passage may have several rows of limits (Suez allows less draft to a wider ship); one that
    holds is enough, and a passage without rows has no limit.
    """
    rows = limits.get(passage)
    return rows is None or any(beam_m <= beam and draft_m <= draft for beam, draft in rows)


def _tariff(world: World, network: Network, limits: Limits, ship: Mapping[str, Any]) -> Tariff:
    name = str(ship["ship_class"])
    cargo, km_d = float(ship["cargo_t"]), km_day(float(ship["speed_kn"]))
    rates = day_rates(world, ship)
    toll, delay = _charges(world, ship, network)
    size = {"beam_m": float(ship["beam_m"]), "draft_m": float(ship["draft_m"])}
    may = [fits(limits, p, **size) and _carries(world, name, p) for p in network.passages]
    return Tariff(
        usd_t_km=(rates.hire + rates.fuel + rates.capital) / km_d,
        passage_usd_t=toll / cargo + delay * (rates.hire + rates.capital),
        passage_d=delay,
        fits=np.array(may),
        km_d=km_d,
    )


_BULK = {"energy": "energy", "grain": "grain", "fertiliser": "grain"}  # fertiliser sails as grain


def _capital_usd_t_d(world: World, ship_class: str) -> float:
    """Capital cost of the cargo, USD/t a day: the mean over the commodities the class carries."""
    carried = world.commodities[
        [ship_class in classes.split(";") for classes in world.commodities["ship_classes"]]
    ]
    costs = [
        row["price_usd_t"] * world.assumption(f"value_of_time_pct_day_{_BULK[row['group']]}") / 100
        for row in records(carried)
        if not np.isnan(row["price_usd_t"])
    ]
    return float(np.mean(costs)) if costs else 0.0


def _carries(world: World, ship_class: str, passage: str) -> bool:
    """Whether a land bridge takes the cargo of the class: a crude pipeline takes crude ships.

    A class that carries other things too has no tariff of its own for each, so it is left out.
    """
    kind, _, name = passage.partition(":")
    if kind != "pipeline":
        return True
    line = world.pipelines.loc[world.pipelines["pipeline"] == name, "commodity"].iloc[0]
    table = world.commodities
    carried = {
        str(commodity)
        for commodity, classes in zip(table["commodity"], table["ship_classes"], strict=True)
        if ship_class in str(classes).split(";")
    }
    return carried == {line}


def _charges(world: World, ship: Mapping[str, Any], network: Network) -> tuple[Floats, Floats]:
    """(passages,) cost of a laden transit, USD, and delay, days.

    A chokepoint of which nothing is recorded charges nothing; a land bridge charges the tariff of
    a pipeline of its length.
    """
    place = {p: i for i, p in enumerate(network.passages)}
    toll, delay = np.zeros(len(place)), np.zeros(len(place))
    for line in records(world.pipelines[["pipeline", "length_km"]]):
        i = place.get(f"pipeline:{line['pipeline']}")
        if i is not None:
            toll[i] = line["length_km"] * world.assumption("pipeline_usd_t_km") * ship["cargo_t"]
            delay[i] = line["length_km"] / world.assumption("pipeline_km_d")
    for row in records(world.passage_costs[["passage", "ship_class", "toll_usd", "delay_d"]]):
        if row["passage"] in place and row["ship_class"] == ship["ship_class"]:
            i = place[row["passage"]]
            toll[i], delay[i] = row["toll_usd"], np.nan_to_num(row["delay_d"])
    return toll, delay
