"""The sea network: where ships can sail, as nodes and links in one frozen bundle of arrays.

The lanes are the data of the installed ``searoute`` package (Eurostat marnet and Oak Ridge
National Laboratory); its router is not used. Two tables of ``data/`` complete them: the extra
links of ``sea_links.csv`` and the great-circle shortcuts of ``sea_shortcuts.parquet``.
"""

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers import geo
from layers.errors import DataError, Fault

Ints = NDArray[np.int32]

JOIN_KM = 5.0
"""An end of an extra link this near to a node is that node."""

TIES = 3
"""A port is tied to at most this many lanes."""

# Links of the lanes that no ship can sail: (lon, lat) of both ends, and why it goes.
_OVER_LAND = {
    # 403 km straight over Alaska from the sea to an inland place that nothing else reaches.
    ((-161.7, 60.8), (-155.6, 63.0)),
}


@dataclass(frozen=True, eq=False)
class SeaGraph:
    """Nodes and undirected links of the sea network; a pair of nodes has at most one link.

    The nodes of the lanes come first, sorted by longitude, then latitude; nodes added for extra
    links follow. Every link is the great circle between its ends, except an extra link, whose
    ``km`` is its recorded length.
    """

    lon: geo.Floats
    """(n,) degrees in [-180, 180)."""
    lat: geo.Floats
    """(n,) degrees."""
    u: Ints
    """(m,) one end of each link, a node."""
    v: Ints
    """(m,) the other end."""
    km: geo.Floats
    """(m,) length, above 0."""
    shortcut: geo.Bools
    """(m,) True where the link is an added great circle over open water."""


def load_sea_graph(
    extra_links: pd.DataFrame | None = None, *, shortcuts: Path | None = None
) -> SeaGraph:
    """The sea network: lanes, shortcuts, and extra links where given.

    Parameters
    ----------
    extra_links
        Rows of ``sea_links.csv``: lon1, lat1, lon2, lat2 and length_km (empty: great circle).
        An end joins the nearest node within 5 km, or becomes a node and is tied to the nearest
        node of the lanes by a great-circle link, so that no extra link is a dead end.
    shortcuts
        A ``sea_shortcuts.parquet``; by default the one of the data folder. Without the file the
        network has no shortcuts and long hauls come out some 3 % too long.

    Raises
    ------
    DataError
        The searoute package or its data is missing, or the shortcuts were built on other lanes.
    """
    lanes = load_lanes()
    path = shortcuts or _shortcut_file()
    if path.exists():
        lanes = add_shortcuts(lanes, _read_shortcuts(path, lanes))
    return lanes if extra_links is None else add_links(lanes, extra_links)


def load_lanes() -> SeaGraph:
    """The lanes of the searoute package alone, without shortcuts or extra links.

    Its GeoJSON files hold the network of its router to six decimals and load in a twentieth of
    the time of its Python module, without importing the package. Places written twice, at 180
    and -180 or a turn apart, become one node here and the joins of no length between them go;
    so does one link over land, with the inland node that only it reached. Of 9,708 nodes and
    15,970 links 9,690 and 15,949 remain.

    Raises
    ------
    DataError
        The searoute package or its data is missing.
    """
    ends = np.array(list(_lane_ends()), float)
    ends[..., 0] = geo.wrap(ends[..., 0])
    ends = np.round(ends, 6) + 0.0
    ends = ends[(ends[:, 0] != ends[:, 1]).any(axis=1) & ~_over_land(ends)]
    nodes, at = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
    pairs = np.unique(np.sort(at.reshape(-1, 2), axis=1), axis=0)
    return _graph(nodes[:, 0], nodes[:, 1], pairs)


def fingerprint(lanes: SeaGraph) -> str:
    """Hash of the node positions of the lanes to 1e-5 degrees: node numbers mean this network."""
    places = np.round(np.stack([lanes.lon, lanes.lat]) * 1e5).astype("<i4")
    return hashlib.sha256(places.tobytes()).hexdigest()[:16]


def add_shortcuts(graph: SeaGraph, pairs: NDArray[np.int32]) -> SeaGraph:
    """The network with great-circle links between node ``pairs``, shape (k, 2), as shortcuts."""
    return _joined(graph, _graph(graph.lon, graph.lat, pairs, shortcut=True))


def add_links(graph: SeaGraph, table: pd.DataFrame) -> SeaGraph:
    """The network with the extra links of ``table`` added (see ``load_sea_graph``)."""
    known = len(graph.lon)
    ends = table[["lon1", "lat1", "lon2", "lat2"]].to_numpy(float).reshape(-1, 2)
    lon, lat = list(graph.lon), list(graph.lat)
    node = []
    for x, y in ends:
        away = geo.distance_km(x, y, np.array(lon), np.array(lat))
        nearest = int(away.argmin())
        if away[nearest] > JOIN_KM:
            nearest = len(lon)
            lon.append(float(geo.wrap(x)))
            lat.append(float(y))
        node.append(nearest)
    pairs = np.array(node, int).reshape(-1, 2)
    recorded = table["length_km"].to_numpy(float, na_value=np.nan)
    links = _graph(np.array(lon), np.array(lat), pairs)
    links = replace(links, km=np.where(np.isnan(recorded), links.km, recorded))
    ties = [
        [n, int(geo.distance_km(lon[n], lat[n], graph.lon, graph.lat).argmin())]
        for n in range(known, len(lon))
    ]
    tied = _graph(links.lon, links.lat, np.array(ties, int).reshape(-1, 2))
    return _joined(_joined(graph, links), tied)


def _lane_ends() -> Iterator[tuple[list[float], list[float]]]:
    """Both ends, [lon, lat], of every link of the searoute package's network."""
    spec = importlib.util.find_spec("searoute")
    if spec is None or not spec.submodule_search_locations:
        raise DataError([Fault("searoute", 0, "", "the package is not installed")])
    for name in ("marnet_searoute.geojson", "segment.geojson"):
        path = Path(spec.submodule_search_locations[0]) / "data" / name
        try:
            features = json.loads(path.read_bytes())["features"]
        except (OSError, ValueError, KeyError) as error:
            fault = Fault(f"searoute/data/{name}", 0, "", f"the file cannot be read: {error}")
            raise DataError([fault]) from error
        for feature in features:
            shape = feature["geometry"]
            lines = shape["coordinates"]
            for line in [lines] if shape["type"] == "LineString" else lines:
                yield from pairwise(line)


def _over_land(ends: geo.Floats) -> geo.Bools:
    """Which links, shape (m, 2, 2), are among those no ship can sail."""
    near = np.round(ends, 1).tolist()
    return np.array([tuple(sorted((tuple(a), tuple(b)))) in _OVER_LAND for a, b in near])


def _graph(
    lon: geo.Floats, lat: geo.Floats, pairs: NDArray[np.integer], *, shortcut: bool = False
) -> SeaGraph:
    """The nodes with great-circle links between the pairs, shape (m, 2)."""
    u, v = pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32)
    km = geo.distance_km(lon[u], lat[u], lon[v], lat[v])
    return SeaGraph(lon, lat, u, v, km, np.full(len(u), shortcut))


def _joined(first: SeaGraph, then: SeaGraph) -> SeaGraph:
    """The links of both on the nodes of ``then``; of two links of one pair the later stays."""
    u, v = np.concatenate([first.u, then.u]), np.concatenate([first.v, then.v])
    pair = np.minimum(u, v).astype(np.int64) * len(then.lon) + np.maximum(u, v)
    _, last = np.unique(pair[::-1], return_index=True)
    keep = np.sort(len(pair) - 1 - last)
    km = np.concatenate([first.km, then.km])[keep]
    shortcut = np.concatenate([first.shortcut, then.shortcut])[keep]
    return SeaGraph(then.lon, then.lat, u[keep], v[keep], km, shortcut)


def _shortcut_file() -> Path:
    from layers.static import data_dir

    return data_dir() / "sea_shortcuts.parquet"


def _read_shortcuts(path: Path, lanes: SeaGraph) -> NDArray[np.int32]:
    """The node pairs, shape (k, 2), of a shortcut file built on these very lanes."""
    import pyarrow.parquet as pq  # here, so that a start without it stays quick

    from layers.static import shown

    table = pq.read_table(path)
    built_on = (table.schema.metadata or {}).get(b"lanes", b"").decode()
    if built_on != fingerprint(lanes):
        message = (
            "built on other sea lanes than the installed searoute package has: install"
            " searoute==1.6.0, or build it again with python -m layers.shortcuts"
        )
        raise DataError([Fault(shown(path), 0, "", message)])
    return np.column_stack([table["u"].to_numpy(), table["v"].to_numpy()]).astype(np.int32)


def port_links(
    graph: SeaGraph,
    lon: ArrayLike,
    lat: ArrayLike,
    *,
    gates: tuple[geo.Floats, geo.Floats] | None = None,
    most_km: float = np.inf,
) -> tuple[NDArray[np.int64], NDArray[np.int64], geo.Floats]:
    """Ties of ports to the network: port number, node, km; three arrays of one length.

    1. A port is tied to the nearest point, the foot, of the nearest lane (shortcuts are no lanes).
    2. It is also tied to the feet on the second and third nearest lane, when these are no farther
       than 1.5 times the first and 20 km more, and the network leads from the first foot to the
       other on a way at most 1.2 times the one through the port and 10 km more. Otherwise land
       may lie between them, and the port would be a passage through it.
    3. From a foot the way goes along the lane to both its ends, and straight to every node that
       is linked with both ends: inside such a triangle of links the water is open, save for
       small islands.

    Straight connectors from port to foot are counted in full, whether or not they cross land.

    Parameters
    ----------
    lon, lat
        (p,) degrees, the ports.
    gates
        First and last ends, unit vectors of shape (g, 3), of lines no tie may cross. A lane whose
        connector crosses a gate, or both of whose ends lie behind one, is passed over for the
        next nearest; a node behind a gate is left out.
    most_km
        A connector may not be longer; what is farther inland has no tie.

    Returns
    -------
    port, node, km
        Sorted by port, then node; one row a pair, with the shortest way. A port whose eight
        nearest lanes all lie behind gates has no row.
    """
    port = geo.unit(lon, lat)
    lane, connector, fraction = _nearby_lanes(graph, port)
    xyz = geo.unit(graph.lon, graph.lat)
    a, b = xyz[graph.u[lane]], xyz[graph.v[lane]]
    foot = geo.interpolate(a, b, fraction)
    usable = ~_barred(port[:, None, :], foot, gates) & (connector <= most_km)
    usable &= ~(_barred(foot, a, gates) & _barred(foot, b, gates))
    row, column = np.nonzero(_kept_lanes(graph, lane, connector, fraction, usable))
    feet = _Feet(lane[row, column], foot[row, column], fraction[row, column])
    tie, node, onward = _ways_from(graph, feet, gates)
    km = connector[row, column][tie] + onward
    order = np.lexsort((km, node, row[tie]))
    found = np.stack([row[tie], node])[:, order]
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(found) != 0).any(axis=0)
    return found[0][first], found[1][first], km[order][first]


@dataclass(frozen=True, eq=False)
class _Feet:
    """Points on lanes: the lane, the unit vector, and the share of the lane before it."""

    lane: NDArray[np.int64]
    xyz: geo.Floats
    fraction: geo.Floats


def _nearby_lanes(
    graph: SeaGraph, port: geo.Floats, count: int = 8, step_km: float = 40.0
) -> tuple[NDArray[np.int64], geo.Floats, geo.Floats]:
    """The lanes nearest to each port, nearest first: number, distance km, fraction, each (p, c)."""
    from scipy.spatial import KDTree  # here, so that a start without it stays quick

    lanes = np.flatnonzero(~graph.shortcut)
    xyz = geo.unit(graph.lon, graph.lat)
    a, b = xyz[graph.u[lanes]], xyz[graph.v[lanes]]
    # A tree of points along the lanes proposes, the exact distance to the arcs disposes.
    pieces = np.ceil(graph.km[lanes] / step_km).astype(int) + 1
    of = np.repeat(np.arange(len(lanes)), pieces)
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    sample = geo.interpolate(a[of], b[of], number / (pieces[of] - 1))
    _, hit = KDTree(sample).query(port, k=min(6 * count, len(sample)))
    near = np.sort(of[hit], axis=1)
    distance, fraction = geo.nearest_on_arcs(port[:, None, :], a[near], b[near])
    distance[:, 1:][near[:, 1:] == near[:, :-1]] = np.inf
    order = np.argsort(distance, axis=1, kind="stable")[:, :count]
    near, distance, fraction = (
        np.take_along_axis(part, order, axis=1) for part in (near, distance, fraction)
    )
    return lanes[near], distance, fraction


def _kept_lanes(
    graph: SeaGraph,
    lane: NDArray[np.int64],
    connector: geo.Floats,
    fraction: geo.Floats,
    usable: geo.Bools,
) -> geo.Bools:
    """Which of the nearby lanes, shape (p, c), each port is tied to: rules 1 and 2."""
    usable = usable & np.isfinite(connector)
    rank = np.cumsum(usable, axis=1)
    first = np.argmax(usable, axis=1)[:, None]
    nearest = np.take_along_axis(connector, first, axis=1)
    near = usable & (rank > 1) & (rank <= TIES) & (connector <= 1.5 * nearest + 20.0)
    row, column = np.nonzero(near)
    start = lane[row, first[row, 0]], fraction[row, first[row, 0]]
    end = lane[row, column], fraction[row, column]
    through = nearest[row, 0] + connector[row, column]
    near[row, column] = _way_between(graph, start, end) <= 1.2 * through + 10.0
    return np.asarray(near | (usable & (rank == 1)), bool)


_OnLane = tuple[NDArray[np.int64], geo.Floats]


def _way_between(
    graph: SeaGraph, start: _OnLane, end: _OnLane, limit_km: float = 400.0
) -> geo.Floats:
    """Way over the network, km, between points on lanes (lane, fraction); inf over the limit."""
    source, place = np.unique(
        np.concatenate([graph.u[start[0]], graph.v[start[0]]]), return_inverse=True
    )
    reach = dijkstra(matrix(graph), indices=source, limit=limit_km)
    before = place.reshape(2, -1)
    ways = [
        start_km + reach[at, to] + end_km
        for at, start_km in zip(before, _to_ends(graph, start), strict=True)
        for to, end_km in zip((graph.u[end[0]], graph.v[end[0]]), _to_ends(graph, end), strict=True)
    ]
    return np.asarray(np.min(ways, axis=0), float)


def _to_ends(graph: SeaGraph, at: _OnLane) -> tuple[geo.Floats, geo.Floats]:
    """Way along the lane, km, from points (lane, fraction) to its ends u and v."""
    lane, fraction = at
    return fraction * graph.km[lane], (1.0 - fraction) * graph.km[lane]


def _ways_from(
    graph: SeaGraph, feet: _Feet, gates: tuple[geo.Floats, geo.Floats] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], geo.Floats]:
    """Nodes reached straight from each foot: its number, node, km (rule 3, gates kept)."""
    u, v = graph.u[feet.lane], graph.v[feet.lane]
    linked = matrix(graph)
    linked.data[:] = 1.0
    corner, apex = linked[u].multiply(linked[v]).nonzero()
    xyz = geo.unit(graph.lon, graph.lat)
    straight = geo.angle(feet.xyz[corner], xyz[apex]) * geo.EARTH_RADIUS_KM
    every = np.arange(len(u))
    foot = np.concatenate([every, every, corner]).astype(np.int64)
    node = np.concatenate([u, v, apex]).astype(np.int64)
    km = np.concatenate([*_to_ends(graph, (feet.lane, feet.fraction)), straight])
    open_ = ~_barred(feet.xyz[foot], xyz[node], gates)
    return foot[open_], node[open_], km[open_]


def matrix(graph: SeaGraph) -> csr_array:
    """The links both ways as a sparse matrix of km."""
    row, column = np.concatenate([graph.u, graph.v]), np.concatenate([graph.v, graph.u])
    size = len(graph.lon)
    return csr_array((np.tile(graph.km, 2), (row, column)), shape=(size, size))


def _barred(a: geo.Floats, b: geo.Floats, gates: tuple[geo.Floats, geo.Floats] | None) -> geo.Bools:
    """Whether each arc a-b, broadcast shape (..., 3), crosses any of the gates."""
    barred = np.zeros(np.broadcast_shapes(a.shape, b.shape)[:-1], bool)
    if gates is not None:
        for first, last in zip(*gates, strict=True):
            barred |= geo.arcs_cross(a, b, first, last)
    return barred
