"""Where on the globe cargo sails: the lanes under the routes of a trade dataset.

Routes are drawn along the lanes of the network without its shortcuts, so that ways that run side
by side share a line; distances and costs come from the whole network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from scipy.sparse.csgraph import dijkstra

from corridors.network import Ints, Links, Network

ROUNDABOUT = 1.05  # lanes that much longer than the way really sailed are not drawn


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


def lane_loads(network: Network, trade: xr.Dataset, *, least_share: float = 0.0) -> pd.DataFrame:
    """Tonnes a year on each link of the lanes, both ways: ``lon1 … lat2, quantity_t``.

    Parameters
    ----------
    least_share
        Ways that carry less than this part of all that sails are left out, to draw faster.
    """
    loads = _stretch_loads(network, trade, least_share)
    links: dict[tuple[int, int], float] = {}
    for link, tonnes in _links_under(network, loads):
        key = (min(link), max(link))
        links[key] = links.get(key, 0.0) + tonnes
    ends = np.array(list(links), dtype=np.int64).reshape(-1, 2)
    lon, lat = network.lon[ends], network.lat[ends]
    return pd.DataFrame(
        {
            "lon1": lon[:, 0],
            "lat1": lat[:, 0],
            "lon2": lon[:, 1],
            "lat2": lat[:, 1],
            "quantity_t": np.fromiter(links.values(), dtype=np.float64, count=len(links)),
        }
    )


def _links_under(
    network: Network, loads: dict[tuple[int, int], float]
) -> Iterator[tuple[tuple[int, int], float]]:
    """Links under each stretch with its tonnes.

    Along the lanes, unless they lead far round (over the open south, say): then along shortcuts.
    """
    crossed = set(zip(network.entry.tolist(), network.exit.tolist(), strict=True))
    for a, b in set(loads) & crossed:
        yield (int(network.row_node[a]), int(network.row_node[b])), loads[a, b]
    sailed = sorted(set(loads) - crossed)
    _look_up(network, [stretch for stretch in sailed if stretch not in network.paths])
    for stretch in sailed:
        for a, b in network.paths[stretch].tolist():
            yield (a, b), loads[stretch]


def _look_up(network: Network, new: Sequence[tuple[int, int]]) -> None:
    """Find and keep the links under stretches that no one asked about before."""
    far = []
    for stretch, km, links in _paths(network, network.lanes, new):
        if km > ROUNDABOUT * network.leg_km[stretch]:
            far.append(stretch)
        else:
            network.paths[stretch] = np.array(links, dtype=np.int64).reshape(-1, 2)
    for stretch, _, links in _paths(network, network.free, far):
        network.paths[stretch] = np.array(links, dtype=np.int64).reshape(-1, 2)


def _paths(
    network: Network, graph: Links, stretches: Sequence[tuple[int, int]]
) -> Iterator[tuple[tuple[int, int], float, list[tuple[int, int]]]]:
    """Length, km, and links of the shortest path of each stretch; inf and none without one."""
    sources = sorted({a for a, _ in stretches})
    if not sources:
        return
    nodes = network.row_node[sources]
    km, before = dijkstra(graph.matrix, indices=nodes, return_predecessors=True)
    rank = {a: i for i, a in enumerate(sources)}
    for a, b in stretches:
        start, end = int(network.row_node[a]), int(network.row_node[b])
        yield (a, b), float(km[rank[a], end]), _steps(before[rank[a]], start, end)


def _stretch_loads(
    network: Network, trade: xr.Dataset, least_share: float
) -> dict[tuple[int, int], float]:
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
    ways = sails.groupby(["load", "land", "order"])["quantity_t"].sum()
    for (load, land, way), tonnes in ways[ways >= least_share * ways.sum()].items():
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
