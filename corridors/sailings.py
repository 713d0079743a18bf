"""What sails: the legs of flows, and of each commodity the pairs of ports and the least costs.

Both the trade dataset and a what-if start here; neither chooses routes here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corridors.assignment import Choice, Search, search
from corridors.gateways import GatewayBook, Leg
from corridors.network import Chains, Floats, Network, Tariff, chains
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

Progress = Callable[[Sequence[str], str], Iterable[str]]
"""Wraps a list of things to do so that a person sees how far it is."""

Lines = dict[str, tuple[float, float, float]]
"""Length, km, cost, USD/t, and time, days, of lines by element id."""


@dataclass(frozen=True)
class Sailing:
    """What one commodity sails.

    Attributes
    ----------
    legs
        Legs of the commodity, those on land too: ``flow, commodity, quantity_t`` and the fields
        of ``Leg``.
    pairs
        ``load, land`` of the legs at sea, each pair once, in the order of ``search``.
    search
        Least costs between the pairs by every ship class of the commodity.
    """

    commodity: str
    legs: pd.DataFrame
    pairs: pd.DataFrame
    search: Search


def sailings(
    world: World,
    network: Network,
    tariffs: dict[str, Tariff],
    legs: pd.DataFrame,
    *,
    closed: np.uint64 | int = 0,
    calm: dict[str, Chains] | None = None,
    progress: Progress = lambda things, _: things,
) -> Iterator[Sailing]:
    """What each commodity of some legs sails, one commodity after another.

    Which ports a shipper joins is judged in calm times, whatever is shut.

    Parameters
    ----------
    legs
        From ``legs_of``.
    closed
        Word of passages shut besides those shut by default.
    calm
        Chains of the ship classes with nothing more shut, as far as they were found before; the
        rest is added.
    """
    calm = {} if calm is None else calm
    closures = calm if not closed else dict[str, Chains]()
    for commodity in progress(sorted(set(legs["commodity"])), "routes"):
        mine = legs[legs["commodity"] == commodity]
        ships = ships_of(world, commodity)
        for ship in ships:
            for known, shut in ((calm, 0), (closures, closed)):
                if ship not in known:
                    known[ship] = chains(network, tariffs[ship], shut)
        pairs, usual = _searched(network, tariffs, calm, mine, ships)
        mine = _sensible(mine, pairs, usual, world.assumption("pair_detour_usd_t"))
        if closed:
            pairs, usual = _searched(network, tariffs, closures, mine, ships, closed)
        yield Sailing(commodity, mine, pairs, usual)


def _searched(
    network: Network,
    tariffs: dict[str, Tariff],
    closures: dict[str, Chains],
    legs: pd.DataFrame,
    ships: Sequence[str],
    closed: np.uint64 | int = 0,
) -> tuple[pd.DataFrame, Search]:
    pairs = legs.loc[legs["outcome"] == "sea", ["load", "land"]].drop_duplicates()
    sailed = list(pairs.itertuples(index=False, name=None))
    return pairs, search(network, tariffs, closures, sailed, ships, closed=closed)


def legs_of(book: GatewayBook, flows: pd.DataFrame) -> pd.DataFrame:
    """Every leg of every flow: ``flow, commodity, quantity_t`` and the fields of ``Leg``."""
    found: list[tuple[int, str, float, Leg]] = []
    keys = zip(
        flows["origin"], flows["importer"], flows["commodity"], flows["quantity_t"], strict=True
    )
    for i, (origin, importer, commodity, tonnes) in enumerate(keys):
        found += [(i, commodity, tonnes, leg) for leg in book.legs(origin, importer, commodity)]
    return pd.DataFrame(
        {
            "flow": [f[0] for f in found],
            "commodity": [f[1] for f in found],
            "leg_share": [f[3].share for f in found],
            "quantity_t": [f[2] * f[3].share for f in found],
            "outcome": [f[3].outcome for f in found],
            "out": [f[3].out for f in found],
            "into": [f[3].into for f in found],
            "load": [f[3].load for f in found],
            "land": [f[3].land for f in found],
            "leg_quality": [f[3].quality for f in found],
            "named_land": [f[3].named_land for f in found],
            "leg": range(len(found)),
        }
    )


def choice_of(world: World) -> Choice:
    """Sensitivity of the route choice, with its range."""
    low, high = world.assumption_range("logit_theta")
    central = world.assumption("logit_theta")
    return Choice(central, low, high, world.assumption("path_size_beta"))


def ships_of(world: World, commodity: str) -> list[str]:
    """Ship classes that carry a commodity; none for one that does not sail."""
    cell = world.commodities.set_index("commodity").at[commodity, "ship_classes"]
    return [s for s in str(cell).split(";") if s]


def _sensible(
    legs: pd.DataFrame, pairs: pd.DataFrame, usual: Search, most_usd_t: float
) -> pd.DataFrame:
    """Legs without the pairs of ports no shipper would join; the others take their cargo.

    Where an importer's shares are of all its trade and not of this origin, cargo does not land at
    a port that makes the voyage ``most_usd_t`` dearer, in calm times, than another would: wheat
    from the Caspian does not go round to the Gulf. Where it loads is never touched: oil fields and
    farms lie where they lie.
    """
    if not len(pairs) or not usual.reaches:
        return legs
    cost = np.min([r.cost[usual.o, usual.d] for r in usual.reaches], axis=0)
    table = legs.merge(pairs.assign(pair_usd_t=cost), on=["load", "land"], how="left")
    least = table.groupby(["flow", "load"])["pair_usd_t"].transform("min")
    dear = (~table["named_land"] & (table["pair_usd_t"] > least + most_usd_t)).to_numpy()
    sea = (table["outcome"] == "sea").to_numpy()
    before = table["leg_share"].where(sea).groupby(table["flow"]).transform("sum")
    after = table["leg_share"].where(sea & ~dear).groupby(table["flow"]).transform("sum")
    scale = (before / after.where(after > 0)).where(sea & (after > 0), 1.0)
    for column in ("leg_share", "quantity_t"):
        table[column] *= scale
    return table[~dear].drop(columns="pair_usd_t")


def on_land(lines: Lines, chains: pd.Series) -> dict[str, Floats]:
    """Length, km, cost, USD/t, and time, days, of the lines in each chain; 0 without lines."""
    sums = {(): np.zeros(3)}
    for chain in set(chains) - {()}:
        sums[chain] = sum((np.array(lines[e]) for e in chain if e in lines), np.zeros(3))
    table = np.array([sums[chain] for chain in chains]).reshape(-1, 3)
    return {"land_km": table[:, 0], "land_cost_usd_t": table[:, 1], "land_days": table[:, 2]}


def line_costs(world: World) -> Lines:
    """Length, km, cost, USD/t, and time, days, of every line, borders and gauge breaks included."""
    found = {}
    for kind, table in (("pipeline", world.pipelines), ("railway", world.railways)):
        usd_t_km, km_d = world.assumption(f"{kind}_usd_t_km"), world.assumption(f"{kind}_km_d")
        for line in records(table.drop(columns=["wkt", "source", "note"])):
            length = line["length_km"]
            cost, days = length * usd_t_km, length / km_d
            if kind == "railway":
                borders = line["countries"].count(";")
                breaks = _gauge_breaks(line["gauge_breaks"])
                cost += borders * world.assumption("border_usd_t")
                cost += breaks * world.assumption("gauge_break_usd_t")
                days += borders * world.assumption("border_delay_d")
                days += breaks * world.assumption("gauge_break_delay_d")
            found[f"{kind}:{line[kind]}"] = (length, cost, days)
    return found


def _gauge_breaks(cell: str) -> int:
    """How many times the gauge changes along a railway, from the list in its row."""
    named = (part.strip() for part in cell.split(";"))
    return sum(1 for part in named if part and not part.startswith("none"))
