"""What it costs a ship class to carry a tonne: hire, fuel, tolls, waiting and the cargo's capital.

    usd_t_km   = ((hire + fuel·bunker) / cargo + price·value_of_time) / km_d
    passage    = toll / cargo + delay · ((hire / cargo) + price·value_of_time)

METHODS of the field: Verschuur, Koks & Hall 2022 (generalised cost); detour arithmetic as in the
shipping press, hire and fuel a day over the cargo carried.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from corridors.network import Network, Tariff
from layers.errors import UnknownIdError
from layers.units import km_day
from layers.world import records

if TYPE_CHECKING:
    import pandas as pd

    from layers.world import World


def ship_tariffs(world: World, network: Network) -> dict[str, Tariff]:
    """A tariff for every ship class, for the commodities it carries."""
    return {
        str(ship["ship_class"]): _tariff(world, network, ship)
        for ship in records(world.ship_classes)
    }


def fits(world: World, passage: str, *, beam_m: float, draft_m: float) -> bool:
    """Whether a ship of this beam and draft may pass.

    A passage may have several rows of limits (Suez allows less draft to a wider ship); one that
    holds is enough, and a passage without rows has no limit. An empty cell limits nothing.

    Raises
    ------
    UnknownIdError
        For a passage that is neither a chokepoint nor a pipeline of the world.
    """
    rows = world.passage_limits[(world.passage_limits["passage"] == passage).to_numpy()]
    if rows.empty:
        if passage not in world.elements():
            raise UnknownIdError("passage", passage, world.elements())
        return True
    beam = rows["max_beam_m"].fillna(np.inf) >= beam_m
    draft = rows["max_draft_m"].fillna(np.inf) >= draft_m
    return bool((beam & draft).any())


def _tariff(world: World, network: Network, ship: Mapping[str, Any]) -> Tariff:
    cargo, km_d = float(ship["cargo_t"]), km_day(float(ship["speed_kn"]))
    bunker = world.assumption("bunker_usd_t")
    capital = _capital_usd_t_d(world, str(ship["ship_class"]))
    hire = float(ship["hire_usd_d"]) / cargo
    sailing = hire + float(ship["fuel_t_d"]) * bunker / cargo + capital
    toll, delay = _charges(world.passage_costs, str(ship["ship_class"]), network)
    size = {"beam_m": float(ship["beam_m"]), "draft_m": float(ship["draft_m"])}
    limited = set(world.passage_limits["passage"])
    may = [
        (p not in limited or fits(world, p, **size)) and _carries(world, str(ship["ship_class"]), p)
        for p in network.passages
    ]
    return Tariff(
        usd_t_km=sailing / km_d,
        passage_usd_t=toll / cargo + delay * (hire + capital),
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
    """Whether a land bridge takes the cargo of the class: a crude pipeline takes crude ships."""
    kind, _, name = passage.partition(":")
    if kind != "pipeline":
        return True
    line = world.pipelines.loc[world.pipelines["pipeline"] == name, "commodity"].iloc[0]
    carried = world.commodities.loc[world.commodities["commodity"] == line, "ship_classes"].iloc[0]
    return ship_class in carried.split(";")


def _charges(
    costs: pd.DataFrame, ship_class: str, network: Network
) -> tuple[np.ndarray, np.ndarray]:
    """(passages,) toll of a laden transit, USD, and delay, days; nothing known counts as none."""
    toll, delay = np.zeros(len(network.passages)), np.zeros(len(network.passages))
    mine = costs[costs["ship_class"].isin([ship_class, ""])]
    for row in records(mine):
        if row["passage"] in network.passages:
            i = network.passages.index(row["passage"])
            toll[i] = 0.0 if np.isnan(row["toll_usd"]) else row["toll_usd"]
            delay[i] = 0.0 if np.isnan(row["delay_d"]) else row["delay_d"]
    return toll, delay
