"""Where on the globe cargo sails: the lanes under the routes of a trade dataset.

Routes are drawn along the lanes of the network without its shortcuts, so that ways that run side
by side share a line; distances and costs come from the whole network.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse.csgraph import dijkstra

from corridors.network import Ints, Network


def stretches(
    network: Network, start: int, end: int, order: Sequence[str]
) -> list[tuple[int, int]]:
    """Gate-free stretches and crossings, as pairs of rows, of the shortest way in a given order.

    Parameters
    ----------
    start, end
        Rows of ``Network.leg_km``.
    order
        Passages to cross, in order.
    """
    places: list[tuple[Ints, np.ndarray, np.ndarray]] = []
    exits, cost = np.array([start]), np.zeros(1)
    for passage in order:
        crossing = np.flatnonzero((network.bits & network.bit(passage)) != 0)
        step = cost[:, None] + network.leg_km[np.ix_(exits, network.entry[crossing])]
        back = np.argmin(step, axis=0)
        cost = step[back, np.arange(len(crossing))] + network.km[crossing]
        exits = network.exit[crossing]
        places.append((crossing, back, cost))
    at = int(np.argmin(cost + network.leg_km[exits, end]))
    found, after = [], end
    for crossing, back, _ in reversed(places):
        chosen = crossing[at]
        found.append((int(network.exit[chosen]), after))
        found.append((int(network.entry[chosen]), int(network.exit[chosen])))
        after, at = int(network.entry[chosen]), int(back[at])
    found.append((start, after))
    return found[::-1]


def lane_loads(network: Network, trade: xr.Dataset) -> pd.DataFrame:
    """Tonnes a year on each link of the lanes, both ways: ``lon1 … lat2, quantity_t``."""
    loads = _stretch_loads(network, trade)
    crossed = {(int(a), int(b)) for a, b in zip(network.entry, network.exit, strict=True)}
    links: dict[tuple[int, int], float] = {}
    sources = sorted({a for a, b in loads if (a, b) not in crossed})
    _, before = (
        dijkstra(network.lanes.matrix, indices=network.row_node[sources], return_predecessors=True)
        if sources
        else (None, np.empty((0, 0)))
    )
    rank = {a: i for i, a in enumerate(sources)}
    for (a, b), tonnes in loads.items():
        ends = (int(network.row_node[a]), int(network.row_node[b]))
        steps = [ends] if (a, b) in crossed else _steps(before[rank[a]], *ends)
        for u, v in steps:
            key = (min(u, v), max(u, v))
            links[key] = links.get(key, 0.0) + tonnes
    ends_of = np.array(list(links), dtype=np.int64).reshape(-1, 2)
    lon, lat = network.lon[ends_of], network.lat[ends_of]
    return pd.DataFrame(
        {
            "lon1": lon[:, 0],
            "lat1": lat[:, 0],
            "lon2": lon[:, 1],
            "lat2": lat[:, 1],
            "quantity_t": np.fromiter(links.values(), dtype=np.float64, count=len(links)),
        }
    )


def _stretch_loads(network: Network, trade: xr.Dataset) -> dict[tuple[int, int], float]:
    """Tonnes on each stretch and crossing, by its rows."""
    passing = pd.DataFrame(
        {
            "route": trade["passing_route"].to_numpy(),
            "step": trade["passing_step"].to_numpy(),
            "element": trade["element"].to_numpy()[trade["passing_element"].to_numpy()],
        }
    )
    at_sea = passing[passing["element"].isin(network.passages) & (passing["step"] >= 0)]
    order = at_sea.sort_values(["route", "step"]).groupby("route")["element"].agg(tuple)
    sails = pd.DataFrame(
        {
            "load": trade["route_load"].to_numpy(),
            "land": trade["route_land"].to_numpy(),
            "quantity_t": trade["quantity_t"].to_numpy(),
        }
    )[trade["route_outcome"].to_numpy() == "sea"]
    sails["order"] = order.reindex(sails.index).map(lambda o: o if isinstance(o, tuple) else ())
    loads: dict[tuple[int, int], float] = {}
    for (load, land, way), tonnes in (
        sails.groupby(["load", "land", "order"])["quantity_t"].sum().items()
    ):
        start, end = network.rows([load, land]).tolist()
        for stretch in stretches(network, start, end, way):
            loads[stretch] = loads.get(stretch, 0.0) + tonnes
    return loads


def _steps(before: np.ndarray, start: int, end: int) -> list[tuple[int, int]]:
    """Links of the tree path from start to end; none when there is no path."""
    found = []
    while end != start:
        previous = int(before[end])
        if previous < 0:
            return []
        found.append((previous, end))
        end = previous
    return found
