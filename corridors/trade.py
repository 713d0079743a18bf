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
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from corridors.assignment import Choice, Routes, Search, next_best, sea_routes, search
from corridors.demand import members_of
from corridors.gateways import GatewayBook, Leg
from corridors.network import Arrays, Chains, Floats, Ints, Network, Remember, Tariff, chains
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

Progress = Callable[[Sequence[str], str], Iterable[str]]
"""Wraps a list of things to do so that a person sees how far it is."""

Lines = dict[str, tuple[float, float, float]]
"""Length, km, cost, USD/t, and time, days, of lines by element id."""

LOADED, AT_SEA, LANDED = 0, 100, 200  # where the three parts of a journey start counting


def trade_dataset(
    world: World,
    network: Network,
    tariffs: dict[str, Tariff],
    flows: pd.DataFrame,
    *,
    closed: np.uint64 | int = 0,
    building: Iterable[str] = (),
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
    building
        Element ids of lines under construction that may be used.
    named_corridors
        Whether to find which named corridors the routes follow.
    progress
        Shows how far the work is, one step a commodity.
    """
    if flows.empty:
        return _dataset(flows, _nothing(ROUTE, "flow", "quantity_t"), _nothing(PASSING))
    legs = _legs(GatewayBook(world, network, building=building), flows)
    choice, closures = _choice(world), dict[str, Chains]()
    calm = closures if not closed else dict[str, Chains]()
    lines = _lines(world)
    routes, passing, kept, first = [], [], [], 0
    for commodity in progress(sorted(set(flows["commodity"])), "routes"):
        mine = legs[legs["commodity"] == commodity]
        ships = _ships(world, commodity)
        for ship in ships:
            for known, shut in ((calm, 0), (closures, closed)):
                if ship not in known:
                    known[ship] = chains(network, tariffs[ship], shut)
        pairs = _port_pairs(mine)
        sailed = list(pairs.itertuples(index=False, name=None))
        usual = search(network, tariffs, calm, sailed, ships)
        mine = _sensible(mine, pairs, usual, world.assumption("pair_detour_usd_t"))
        kept.append(mine)
        if closed:
            pairs = _port_pairs(mine)
            sailed = list(pairs.itertuples(index=False, name=None))
            usual = search(network, tariffs, closures, sailed, ships, closed=closed)
        ways, passed = _sea_ways(usual, pairs, choice)
        table = _routes(lines, mine, ways)
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
            "named_land": [f[3].named_land for f in found],
            "leg": range(len(found)),
        }
    )


def _port_pairs(legs: pd.DataFrame) -> pd.DataFrame:
    return legs.loc[legs["outcome"] == "sea", ["load", "land"]].drop_duplicates()


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
    legs = legs.assign(**_on_land(lines, legs["out"] + legs["into"]))
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


def _on_land(lines: Lines, chains: pd.Series) -> dict[str, Floats]:
    """Length, km, cost, USD/t, and time, days, of the lines in each chain; 0 without lines."""
    sums = {(): np.zeros(3)}
    for chain in set(chains) - {()}:
        sums[chain] = sum((np.array(lines[e]) for e in chain if e in lines), np.zeros(3))
    table = np.array([sums[chain] for chain in chains]).reshape(-1, 3)
    return {"land_km": table[:, 0], "land_cost_usd_t": table[:, 1], "land_days": table[:, 2]}


def _lines(world: World) -> Lines:
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
