"""Lay the gates across the sea, tie the ports to it, and measure what lies between.

A chokepoint is the set of sea links that cross its gate line, found by geometry: two great-circle
arcs cross or they don't, with no densified line in between that could slip past. A land bridge is a
running pipeline with a port at both ends.

SciPy is imported where it is used: a start with a remembered network does without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corridors.network import Arrays, Bits, Bools, Floats, Ints, Links, Network, Remember
from layers.errors import DataError, Fault
from layers.geo import arcs_cross, unit
from layers.world import records

if TYPE_CHECKING:
    import pandas as pd

    from layers.sea import SeaGraph
    from layers.world import World

RUNNING = ("operating",)
MAX_PASSAGES = 64  # a set of passages is one 64-bit word


def build_network(
    world: World, sea: SeaGraph | None = None, *, remember: Remember | None = None
) -> Network:
    """The gate graph of a world.

    Parameters
    ----------
    world
        Checked tables; chokepoints, ports and pipelines are used.
    sea
        Another sea graph than the world's own.
    remember
        Keeps what was measured between runs, by the hash of the world's files.

    Raises
    ------
    DataError
        For a gate that crosses no link, and for more than 64 passages.
    """
    if remember is None or sea is not None:
        return _assembled(world, _survey(world, sea or world.sea))
    kept = remember(f"network-{world.content}", lambda: _survey(world, world.sea))
    return _assembled(world, kept)


def _survey(world: World, sea: SeaGraph) -> Arrays:
    """What is measured, as arrays under the names of ``Network``; ``at_sea`` are rows of ports."""
    from scipy.sparse.csgraph import connected_components

    ties = _port_ties(world, sea)
    at_sea = np.unique(ties[0])
    crossed = _crossed_gates(sea, world.chokepoints)
    free = _free_graph(sea, crossed == 0, ties)
    lanes = _free_graph(sea, (crossed == 0) & ~sea.shortcut, ties)
    port_node = len(sea.lon) + np.arange(len(at_sea))
    start, end, km, bits = _crossings(world, sea, crossed, at_sea)
    row_node = np.unique(np.concatenate([start, end, port_node]))
    _, pieces = connected_components(free.matrix, directed=False)
    return {
        "entry": np.searchsorted(row_node, start),
        "exit": np.searchsorted(row_node, end),
        "km": km,
        "bits": bits,
        "at_sea": at_sea,
        "port_row": np.searchsorted(row_node, port_node),
        "leg_km": _leg_km(free, row_node),
        "row_node": row_node,
        "region": np.unique(pieces[row_node], return_inverse=True)[1],
        "lon": np.append(sea.lon, world.ports["lon"].to_numpy()[at_sea]),
        "lat": np.append(sea.lat, world.ports["lat"].to_numpy()[at_sea]),
        **_flat("free", free),
        **_flat("lanes", lanes),
    }


def _assembled(world: World, kept: Arrays) -> Network:
    passages = _passages(world)
    shut = {
        f"chokepoint:{r['chokepoint']}" for r in records(world.chokepoints) if r["open"] != "yes"
    }
    ports = world.ports["port"].to_numpy()[kept["at_sea"]].tolist()

    def whole(name: str) -> Ints:
        return kept[name].astype(np.int64)

    def real(name: str) -> Floats:
        return kept[name].astype(np.float64)

    def links(name: str) -> Links:
        return Links(real(f"{name}_km"), whole(f"{name}_indices"), whole(f"{name}_indptr"))

    return Network(
        passages=passages,
        open=np.array([p not in shut for p in passages]),
        entry=whole("entry"),
        exit=whole("exit"),
        km=real("km"),
        bits=kept["bits"].astype(np.uint64),
        ports=tuple(ports),
        port_row=whole("port_row"),
        leg_km=real("leg_km"),
        row_node=whole("row_node"),
        region=whole("region"),
        lon=real("lon"),
        lat=real("lat"),
        free=links("free"),
        lanes=links("lanes"),
        row_of_port=dict(zip(ports, whole("port_row").tolist(), strict=True)),
    )


def _passages(world: World) -> tuple[str, ...]:
    """Element ids of all passages, in the order of their bits."""
    bridges = sorted({element for element, _, _ in land_bridges(world)})
    passages = [*(f"chokepoint:{c}" for c in world.chokepoints["chokepoint"]), *bridges]
    if len(passages) > MAX_PASSAGES:
        many = f"{len(passages)} passages; at most {MAX_PASSAGES}"
        raise DataError([Fault("data/chokepoints.csv", 0, "chokepoint", many)])
    return tuple(passages)


def _crossings(
    world: World, sea: SeaGraph, crossed: Bits, at_sea: Ints
) -> tuple[Ints, Ints, Floats, Bits]:
    """Start node, end node, km and passages of every directed crossing: links, then land bridges.

    A shortcut over a gate is no crossing: the lanes beside it are, and shortcuts lead up to them.
    """
    links = np.flatnonzero((crossed != 0) & ~sea.shortcut)
    node = {p: len(sea.lon) + i for i, p in enumerate(world.ports["port"].to_numpy()[at_sea])}
    bridges = [b for b in land_bridges(world) if b[1] in node and b[2] in node]
    place = {p: i for i, p in enumerate(_passages(world))}
    over = np.array([1 << place[element] for element, _, _ in bridges], dtype=np.uint64)
    start = np.array([node[a] for _, a, _ in bridges], dtype=np.int64)
    end = np.array([node[b] for _, _, b in bridges], dtype=np.int64)
    return (
        np.concatenate([sea.u[links], sea.v[links], start]),
        np.concatenate([sea.v[links], sea.u[links], end]),
        np.concatenate([sea.km[links], sea.km[links], np.zeros(len(bridges))]),
        np.concatenate([crossed[links], crossed[links], over]),
    )


def _crossed_gates(sea: SeaGraph, gates: pd.DataFrame) -> Bits:
    """(links,) the gates each link crosses, one bit a gate."""
    crossed = np.zeros(len(sea.u), dtype=np.uint64)
    faults = []
    links = crossed_links(sea, gates)
    for i, (name, hit) in enumerate(zip(gates["chokepoint"], links, strict=True)):
        crossed[hit] |= np.uint64(1) << np.uint64(i)
        if sea.shortcut[hit].all():
            why = f"the gate of {name!r} crosses no sea link"
            faults.append(Fault("data/chokepoints.csv", i + 2, "lon1", why))
    if faults:
        raise DataError(faults)
    return crossed


def crossed_links(sea: SeaGraph, gates: pd.DataFrame) -> list[Ints]:
    """Sea links that each gate line lies across, shortcuts among them."""
    point = unit(sea.lon, sea.lat)
    start = unit(gates["lon1"].to_numpy(), gates["lat1"].to_numpy())
    end = unit(gates["lon2"].to_numpy(), gates["lat2"].to_numpy())
    found = []
    for a, b in zip(start, end, strict=True):
        height = point @ np.cross(a, b)
        near = np.flatnonzero(height[sea.u] * height[sea.v] <= 0)
        found.append(near[arcs_cross(point[sea.u[near]], point[sea.v[near]], a, b)])
    return found


def land_bridges(world: World) -> list[tuple[str, str, str]]:
    """(element, port in, port out) of every line that runs from sea to sea, each way it may run."""
    bridges = []
    ends = ["pipeline", "from_port", "to_port", "status", "direction"]
    for row in records(world.pipelines[ends]):
        if row["from_port"] and row["to_port"] and row["status"] in RUNNING:
            element = f"pipeline:{row['pipeline']}"
            bridges.append((element, row["from_port"], row["to_port"]))
            if row["direction"] == "reversible":
                bridges.append((element, row["to_port"], row["from_port"]))
    return bridges


def _port_ties(world: World, sea: SeaGraph) -> tuple[Ints, Ints, Floats]:
    """Port, sea node and km of every tie of a port to the sea; a border station has none."""
    from layers.sea import port_links

    gates = world.chokepoints
    arcs = (
        unit(gates["lon1"].to_numpy(), gates["lat1"].to_numpy()),
        unit(gates["lon2"].to_numpy(), gates["lat2"].to_numpy()),
    )
    coastal = np.flatnonzero(["border" not in roles.split(";") for roles in world.ports["roles"]])
    lon, lat = (world.ports[c].to_numpy()[coastal] for c in ("lon", "lat"))
    most_km = world.assumption("connector_max_km")
    port, node, km = port_links(sea, lon, lat, gates=arcs, most_km=most_km)
    return coastal[port], node, km


def _free_graph(sea: SeaGraph, keep: Bools, ties: tuple[Ints, Ints, Floats]) -> Links:
    """The graph of some links and the ports tied to it; ports follow the nodes of the sea."""
    at_sea, place = np.unique(ties[0], return_inverse=True)
    return _least_links(
        np.concatenate([sea.u[keep], len(sea.lon) + place]),
        np.concatenate([sea.v[keep], ties[1]]),
        np.concatenate([sea.km[keep], ties[2]]),
        len(sea.lon) + len(at_sea),
    )


def _least_links(u: Ints, v: Ints, km: Floats, nodes: int) -> Links:
    """Both directions of every link, the shortest where two nodes are linked twice."""
    from scipy.sparse import coo_array

    low, high = np.minimum(u, v), np.maximum(u, v)
    order = np.lexsort((km, high, low))
    low, high, km = low[order], high[order], km[order]
    first = np.append(True, (np.diff(low) != 0) | (np.diff(high) != 0))
    low, high, km = low[first], high[first], km[first]
    pair = (np.append(low, high), np.append(high, low))
    both = coo_array((np.append(km, km), pair), shape=(nodes, nodes)).tocsr()
    return Links(both.data, both.indices.astype(np.int64), both.indptr.astype(np.int64))


def _leg_km(free: Links, row_node: Ints, *, chunk: int = 64) -> Floats:
    """(rows, rows) shortest gate-free distances, km."""
    from scipy.sparse.csgraph import dijkstra

    parts = [
        dijkstra(free.matrix, indices=row_node[i : i + chunk])[:, row_node]
        for i in range(0, len(row_node), chunk)
    ]
    return np.vstack(parts)


def _flat(name: str, links: Links) -> Arrays:
    return {
        f"{name}_km": links.km,
        f"{name}_indices": links.indices,
        f"{name}_indptr": links.indptr,
    }
