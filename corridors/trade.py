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

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from corridors.assignment import Choice, Routes, Search, next_best, sea_routes
from corridors.demand import members_of
from corridors.gateways import GatewayBook
from corridors.network import Arrays, Chains, Floats, Ints, Network, Remember, Tariff
from corridors.sailings import Lines, Progress, choice_of, legs_of, line_costs, on_land, sailings
from corridors.tariff import ship_tariffs
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

LOADED, AT_SEA, LANDED = 0, 100, 200  # where the three parts of a journey start counting


@dataclass(frozen=True, eq=False)
class Basis:
    """What every question about a world starts from: made once, used for many.

    Attributes
    ----------
    tariffs
        What every ship class pays.
    book
        Recorded gateways.
    calm
        Chains of each ship class with nothing shut, filled as they are needed.
    """

    network: Network
    tariffs: dict[str, Tariff]
    book: GatewayBook
    calm: dict[str, Chains] = field(default_factory=dict)


def basis_of(world: World, network: Network, *, building: Iterable[str] = ()) -> Basis:
    """The basis of a world."""
    book = GatewayBook(world, network, building=building)
    return Basis(network, ship_tariffs(world, network), book)


def trade_dataset(
    world: World,
    basis: Basis,
    flows: pd.DataFrame,
    *,
    closed: np.uint64 | int = 0,
    named_corridors: bool = True,
    progress: Progress = lambda things, _: things,
) -> xr.Dataset:
    """The trade dataset of some flows.

    Parameters
    ----------
    flows
        From ``corridors.demand.select_flows``.
    closed
        Word of passages shut besides those shut by default.
    named_corridors
        Whether to find which named corridors the routes follow.
    progress
        Shows how far the work is, one step a commodity.
    """
    if flows.empty:
        return _dataset(flows, _nothing(ROUTE, "flow", "quantity_t"), _nothing(PASSING))
    legs = legs_of(basis.book, flows)
    choice, lines = choice_of(world), line_costs(world)
    routes, passing, kept, first = [], [], [], 0
    sailed = sailings(
        world,
        basis.network,
        basis.tariffs,
        legs,
        closed=closed,
        calm=basis.calm,
        progress=progress,
    )
    for sailing in sailed:
        kept.append(sailing.legs)
        ways, passed = _sea_ways(sailing.search, sailing.pairs, choice)
        table = _routes(lines, sailing.legs, ways)
        table["route"] = np.arange(first, first + len(table))
        first += len(table)
        routes.append(table)
        passing.append(_passed_at_sea(table, passed))
    table = pd.concat(routes, ignore_index=True)
    legs = pd.concat(kept, ignore_index=True)
    table["leg"] = table["leg"].map(dict(zip(legs["leg"], legs.index, strict=True)))
    legs["leg"] = legs.index
    passing += [_passed_on_land(legs, table), _passed_origins(flows, table)]
    passed = pd.concat(passing, ignore_index=True)
    if named_corridors:
        followed = _passed_corridors(world, flows, table, passed)
        passed = pd.concat([passed, followed], ignore_index=True)
    return _dataset(flows, table, passed)


def remembered_trade(
    world: World, asked: str, make: Callable[[], xr.Dataset], remember: Remember
) -> xr.Dataset:
    """The dataset of a question asked before, or made now and kept.

    Parameters
    ----------
    asked
        The whole question as text.
    """
    key = hashlib.blake2b(f"{world.content} {asked}".encode(), digest_size=16).hexdigest()
    kept = remember(f"trade-{key}", lambda: _arrays(make()))
    variables = {n.partition("|") for n in kept}
    data = {name: (dim, _thawed(kept[f"{name}|{dim}"])) for name, _, dim in variables}
    element = data.pop("element")[1]
    return xr.Dataset(data, coords={"element": element})


def _arrays(trade: xr.Dataset) -> Arrays:
    """Every variable under its name and dim; text at a fixed width, which can be kept safely."""
    return {
        f"{name}|{variable.dims[0]}": variable.to_numpy().astype(
            "U" if variable.dtype == object else variable.dtype
        )
        for name, variable in trade.variables.items()
    }


def _thawed(array: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    return array.astype(object) if array.dtype.kind == "U" else array


def _nothing(names: Iterable[str], *more: str) -> pd.DataFrame:
    """A table without rows: that nothing is traded is an answer too."""
    kinds = {"outcome": "object", "ship_class": "object", "load": "object", "land": "object"}
    kinds |= dict.fromkeys(("leg", "flow", "route", "step"), "int64")
    kinds |= dict.fromkeys(("leg_quality", "element"), "object")
    return pd.DataFrame({n: pd.Series(dtype=kinds.get(n, "float64")) for n in (*names, *more)})


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


def _routes(lines: Lines, legs: pd.DataFrame, ways: pd.DataFrame) -> pd.DataFrame:
    """One row a route: a leg and a sea alternative, or a leg that needs none."""
    legs = legs.assign(**on_land(lines, legs["out"] + legs["into"]))
    sea = (legs["outcome"] == "sea").to_numpy()
    sailed = legs[sea].merge(ways, on=["load", "land"], how="left")
    sailed["outcome"] = sailed["outcome"].where(sailed["way"].notna(), "infeasible")
    table = pd.concat([sailed, legs[~sea]], ignore_index=True)
    table = table.reindex(columns=[*legs.columns, *(c for c in ways if c not in legs)])
    known = table["way"].notna() | ((table["outcome"] == "land") & (table["land_km"] > 0))
    for column in ("km", "cost_usd_t", "days"):
        both = table[column].fillna(0.0) + table[f"land_{column}"]
        table[column] = both.where(known)
    for column in ("share", "share_low", "share_high"):
        table[column] = table[column].fillna(1.0)
    table["ship_class"] = table["ship_class"].fillna("")
    table["way"] = table["way"].fillna(-1).astype(np.int64)
    return table


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
    goes = routes["outcome"].isin(("sea", "land"))  # what can't sail passes no port
    return routes.loc[goes, ["route", "leg"]].merge(passed, on="leg").drop(columns="leg")


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
    goes = routes[routes["outcome"].isin(("sea", "land"))]
    best = goes.sort_values("cost_usd_t").drop_duplicates("leg").set_index("leg")
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


def _dataset(flows: pd.DataFrame, routes: pd.DataFrame, passed: pd.DataFrame) -> xr.Dataset:
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
PASSING = ["route", "element", "step", "added_usd_t", "added_d"]
