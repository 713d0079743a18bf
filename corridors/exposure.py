"""Routes × flows → the trade dataset: every tonne on its way, and what it passes.

The dataset keeps factors and never the product. ``route`` is long (one position a leg and sea
alternative); what routes pass is a list of (route, element) pairs on the dim ``passing``:

    flow      what was traded: importer, commodity, origin, quantity_t, quality, source
    leg       part of a flow between two gateways: its share of the flow, how it travels
    route     one way of a leg: its share of the leg, ship class, USD/t, km, days
    passing   a route and an element it passes, and what the next best way round would add
    element   ids, ``chokepoint:…``, ``port:…``, ``pipeline:…``, ``railway:…``, ``origin:…``,
              ``corridor:…``
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from corridors.assignment import Choice, Routes, Search, next_best, sea_routes, search
from corridors.demand import members_of
from corridors.gateways import GatewayBook, Leg
from corridors.network import Chains, Floats, Ints, Network, Tariff, chains
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

Progress = Callable[[Sequence[str], str], Iterable[str]]
"""Wraps a list of things to do so that a person sees how far it is."""

LOADED, AT_SEA, LANDED = 0, 100, 200  # where the three parts of a journey start counting


def trade_dataset(
    world: World,
    network: Network,
    tariffs: dict[str, Tariff],
    flows: pd.DataFrame,
    *,
    closed: np.uint64 | int = 0,
    building: Iterable[str] = (),
    progress: Progress = lambda things, _: things,
) -> xr.Dataset:
    """The trade dataset of some flows.

    Parameters
    ----------
    flows
        From ``corridors.demand.select_flows``.
    closed
        Word of passages shut besides those shut by default.
    building
        Element ids of lines under construction that may be used.
    progress
        Shows how far the work is, one step a commodity.
    """
    legs = _legs(GatewayBook(world, network, building=building), flows)
    choice, closures = _choice(world), dict[str, Chains]()
    routes, passing, first = [], [], 0
    for commodity in progress(sorted(set(flows["commodity"])), "routes"):
        mine = legs[legs["commodity"] == commodity]
        ships = _ships(world, commodity)
        for ship in ships:
            if ship not in closures:
                closures[ship] = chains(network, tariffs[ship], closed)
        pairs = mine.loc[mine["outcome"] == "sea", ["load", "land"]].drop_duplicates()
        sailed = list(pairs.itertuples(index=False, name=None))
        found = search(network, tariffs, closures, sailed, ships, closed=closed)
        ways, passed = _sea_ways(found, pairs, choice)
        table = _routes(world, mine, ways)
        table["route"] = np.arange(first, first + len(table))
        first += len(table)
        routes.append(table)
        passing.append(_passed_at_sea(table, passed))
    table = pd.concat(routes, ignore_index=True)
    passing += [_passed_on_land(legs, table), _passed_origins(flows, table)]
    passed = pd.concat(passing, ignore_index=True)
    passed = pd.concat([passed, _passed_corridors(world, flows, table, passed)], ignore_index=True)
    return _dataset(flows, legs, table, passed)


def _choice(world: World) -> Choice:
    low, high = world.assumption_range("logit_theta")
    central = world.assumption("logit_theta")
    return Choice(central, low, high, world.assumption("path_size_beta"))


def _ships(world: World, commodity: str) -> list[str]:
    cell = world.commodities.set_index("commodity").at[commodity, "ship_classes"]
    return [s for s in str(cell).split(";") if s]


def _legs(book: GatewayBook, flows: pd.DataFrame) -> pd.DataFrame:
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
            "leg": range(len(found)),
        }
    )


def _sea_ways(
    found: Search, pairs: pd.DataFrame, choice: Choice
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Sea alternatives of the port pairs of one commodity, and the passages each crosses."""
    at = sea_routes(found, choice)
    ways = pd.DataFrame(
        {
            "load": pairs["load"].to_numpy()[at.pair],
            "land": pairs["land"].to_numpy()[at.pair],
            "ship_class": np.array(found.ships, dtype=object)[at.ship],
            "cost_usd_t": at.cost_usd_t,
            "km": at.km,
            "days": at.days,
            "share": at.share,
            "share_low": at.share_low,
            "share_high": at.share_high,
            "way": range(len(at.pair)),
        }
    )
    return ways, _passages(found, at)


def _passages(found: Search, routes: Routes) -> pd.DataFrame:
    """``way, element, step, added_usd_t, added_d``: passages of each way, and the next best."""
    way, step = np.nonzero(routes.order >= 0)
    passage, pair = routes.order[way, step], routes.pair[way]
    cost, days = next_best(found, routes)
    with np.errstate(invalid="ignore"):
        added = np.maximum(cost[pair, passage] - routes.cost_usd_t[way], 0.0)
        longer = np.maximum(days[pair, passage] - routes.days[way], 0.0)
    return pd.DataFrame(
        {
            "way": way,
            "element": np.array(found.network.passages, dtype=object)[passage],
            "step": AT_SEA + step,
            "added_usd_t": added,
            "added_d": longer,
        }
    )


def _routes(world: World, legs: pd.DataFrame, ways: pd.DataFrame) -> pd.DataFrame:
    """One row a route: a leg and a sea alternative, or a leg that needs none."""
    sea = legs["outcome"] == "sea"
    sailed = legs[sea].merge(ways, on=["load", "land"], how="left")
    sailed["outcome"] = sailed["outcome"].where(sailed["way"].notna(), "infeasible")
    other = legs[~sea].copy()
    km, cost, days = _land_journeys(world, other["out"])
    other = other.assign(km=km, cost_usd_t=cost, days=days, way=np.nan, ship_class="")
    table = pd.concat([sailed, other], ignore_index=True)
    for column in ("share", "share_low", "share_high"):
        table[column] = table[column].fillna(1.0) if column in table else 1.0
    table["ship_class"] = table["ship_class"].fillna("")
    table["way"] = table["way"].fillna(-1).astype(np.int64)
    return table


def _land_journeys(world: World, elements: pd.Series) -> tuple[Floats, Floats, Floats]:
    """Length, km, cost, USD/t, and time, days, of what is passed on land; NaN where not known."""
    length_of = _line_lengths(world)
    length, cost, days = (np.full(len(elements), np.nan) for _ in range(3))
    for i, chain in enumerate(elements):
        lines = [e for e in chain if e in length_of]
        if lines:
            length[i] = sum(length_of[e] for e in lines)
            cost[i] = sum(length_of[e] * world.assumption(f"{_kind(e)}_usd_t_km") for e in lines)
            days[i] = sum(length_of[e] / world.assumption(f"{_kind(e)}_km_d") for e in lines)
    return length, cost, days


def _kind(element: str) -> str:
    return element.partition(":")[0]


def _line_lengths(world: World) -> dict[str, float]:
    """Length of every railway and pipeline, km; NaN where not known."""
    lines = (("pipeline", world.pipelines), ("railway", world.railways))
    return {
        f"{kind}:{name}": length
        for kind, table in lines
        for name, length in zip(table[kind], table["length_km"], strict=True)
    }


def _passed_at_sea(routes: pd.DataFrame, passed: pd.DataFrame) -> pd.DataFrame:
    """Passages of each route, from the passages of its sea alternative."""
    on_way = routes.loc[routes["way"] >= 0, ["route", "way"]]
    return on_way.merge(passed, on="way")[["route", "element", "step", "added_usd_t", "added_d"]]


def _passed_on_land(legs: pd.DataFrame, routes: pd.DataFrame) -> pd.DataFrame:
    """Ports, lines and origin country of each route, and the flow's next best gateways."""
    parts = []
    for side, step in (("out", LOADED), ("into", LANDED)):
        count = legs[side].map(len).to_numpy()
        parts.append(
            pd.DataFrame(
                {
                    "leg": np.repeat(legs["leg"].to_numpy(), count),
                    "element": [e for chain in legs[side] for e in chain],
                    "step": [step + i for chain in legs[side] for i in range(len(chain))],
                }
            )
        )
    passed = pd.concat(parts, ignore_index=True).drop_duplicates(["leg", "element"])
    passed = passed.assign(**_other_gateways(legs, routes, passed))
    return routes[["route", "leg"]].merge(passed, on="leg").drop(columns="leg")


def _passed_origins(flows: pd.DataFrame, routes: pd.DataFrame) -> pd.DataFrame:
    """The country of origin of each route; that it could be another is no question of routes."""
    origin = np.array([f"origin:{o}" for o in flows["origin"]], dtype=object)
    return pd.DataFrame(
        {
            "route": routes["route"],
            "element": origin[routes["flow"].to_numpy()],
            "step": -1,
            "added_usd_t": np.nan,
            "added_d": np.nan,
        }
    )


def _other_gateways(
    legs: pd.DataFrame, routes: pd.DataFrame, passed: pd.DataFrame
) -> dict[str, Floats]:
    """What the cheapest leg of the same flow without the element would add; inf where none is."""
    best = (
        routes[routes["outcome"].isin(("sea", "land"))].groupby("leg")[["cost_usd_t", "days"]].min()
    )
    cost = legs["leg"].map(best["cost_usd_t"]).to_numpy(dtype=np.float64)
    days = legs["leg"].map(best["days"]).to_numpy(dtype=np.float64)
    usable = legs["leg"].isin(best.index).to_numpy()
    flow = legs["flow"].to_numpy()
    rank = np.lexsort((np.nan_to_num(cost, nan=np.inf), ~usable, flow))
    begin = np.searchsorted(flow[rank], np.arange(flow.max(initial=-1) + 2))
    cheapest = rank[begin[:-1]][flow]
    at = passed["leg"].to_numpy()
    other = cheapest[at]
    through_it = set(zip(at.tolist(), passed["element"], strict=True))
    for row, (leg, element) in enumerate(zip(other.tolist(), passed["element"], strict=True)):
        if (leg, element) in through_it:
            span = rank[begin[flow[leg]] : begin[flow[leg] + 1]].tolist()
            other[row] = next((n for n in span if (n, element) not in through_it), -1)
    found = (other >= 0) & usable[other]
    added = np.where(found, np.fmax(cost[other] - cost[at], 0.0), np.inf)
    longer = np.where(found, np.fmax(days[other] - days[at], 0.0), np.inf)
    return {"added_usd_t": added, "added_d": longer}


def _passed_corridors(
    world: World, flows: pd.DataFrame, routes: pd.DataFrame, passed: pd.DataFrame
) -> pd.DataFrame:
    """Named corridors each route follows: it passes every element of the chain, in order.

    A corridor is as replaceable as its least replaceable element.
    """
    columns = ["route", "step", "added_usd_t", "added_d"]
    by_element = {str(e): rows for e, rows in passed.groupby("element")[columns]}
    flow = routes["flow"].to_numpy()
    found = [passed.head(0)]
    for corridor in records(world.corridors):
        may = _may_follow(world, flows, corridor)[flow]
        if not may.any():
            continue
        last, added, longer = np.full(len(routes), -1), np.zeros(len(routes)), np.zeros(len(routes))
        for link in corridor["via"].split(";"):
            step, cost, days = _place_on_routes(by_element, link.split("|"), len(routes))
            may &= step > last
            last = np.maximum(last, step)
            added, longer = np.fmax(added, cost), np.fmax(longer, days)
        follow = np.flatnonzero(may)
        found.append(
            pd.DataFrame(
                {
                    "route": follow,
                    "element": f"corridor:{corridor['corridor']}",
                    "step": -1,
                    "added_usd_t": added[follow],
                    "added_d": longer[follow],
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def _place_on_routes(
    by_element: dict[str, pd.DataFrame], either: Sequence[str], routes: int
) -> tuple[Ints, Floats, Floats]:
    """Where on each route any of some elements lies (−1: nowhere), and what its loss would add."""
    step, added, longer = np.full(routes, -1), np.full(routes, np.nan), np.full(routes, np.nan)
    for element in either:
        if element in by_element:
            rows = by_element[element]
            at = rows["route"].to_numpy()
            step[at] = rows["step"]
            added[at], longer[at] = rows["added_usd_t"], rows["added_d"]
    return step, added, longer


def _may_follow(world: World, flows: pd.DataFrame, corridor: dict[str, str]) -> np.ndarray:
    """(flows,) whether the corridor is meant for the flow's commodity, origin and importer."""
    may = np.ones(len(flows), dtype=np.bool_)
    if corridor["commodities"]:
        may &= flows["commodity"].isin(corridor["commodities"].split(";")).to_numpy()
    if not may.any():
        return may
    for column, cell in (("origin", "origins"), ("importer", "destinations")):
        if corridor[cell]:
            named = frozenset().union(*(members_of(world, c) for c in corridor[cell].split(";")))
            may &= flows[column].isin(named).to_numpy()
    return may


def _dataset(
    flows: pd.DataFrame, legs: pd.DataFrame, routes: pd.DataFrame, passed: pd.DataFrame
) -> xr.Dataset:
    """Frames to the labelled dataset, with units and long names."""
    element, names = pd.factorize(passed["element"], sort=True)
    flow = routes["flow"].to_numpy()
    return xr.Dataset(
        {
            **{c: ("flow", flows[c].to_numpy()) for c in FLOW},
            "flow_t": ("flow", flows["quantity_t"].to_numpy()),
            **{f"route_{c}": ("route", routes[c].to_numpy()) for c in ROUTE},
            "route_flow": ("route", flow),
            "quantity_t": ("route", (routes["quantity_t"] * routes["share"]).to_numpy()),
            "passing_route": ("passing", passed["route"].to_numpy()),
            "passing_element": ("passing", element),
            "passing_step": ("passing", passed["step"].to_numpy()),
            "added_usd_t": ("passing", passed["added_usd_t"].to_numpy()),
            "added_d": ("passing", passed["added_d"].to_numpy()),
        },
        coords={"element": np.asarray(names, dtype=object)},
    )


FLOW = [
    "importer",
    "commodity",
    "year",
    "data_year",
    "label",
    "origin",
    "value_usd",
    "quality",
    "source",
    "row",
]
ROUTE = [
    "leg",
    "outcome",
    "ship_class",
    "load",
    "land",
    "cost_usd_t",
    "km",
    "days",
    "share",
    "share_low",
    "share_high",
    "leg_share",
    "leg_quality",
]
