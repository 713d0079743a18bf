"""Great-circle shortcuts for the sea lanes: ``python -m layers.shortcuts`` builds them anew.

The lanes zig-zag, so distances over them run some 3 % long on long hauls. A shortcut is a straight
way over open water between two nodes of the lanes. Building takes about a minute:

1. From each node, the farthest node in each 7.5° sector of the compass within each ring of
   150-350, 350-700, 700-1200 and 1200-1800 km is a candidate.
2. A candidate stays when the way over the lanes is longer, but no more than twice as long; when
   its great circle meets no land (Natural Earth 1:50 million, ``data/land.geojson``); and when it
   crosses no gate of ``data/chokepoints.csv``. Routes pass a chokepoint on the lanes themselves,
   which costs a few hundredths of a percent and keeps the links over the gates to about a hundred.
3. Going from short to long, a candidate stays when the network so far offers no way at most 0.2 %
   longer (a greedy spanner). No distance therefore grows by more than that for want of a candidate
   dropped here, save for candidates of about one length judged at the same time.
4. What stays must lie on some shortest way between ports of the searoute package and ends of
   links over gates, with every gate shut. Any route under any closure is a chain of such ways.

``--atlas land-50m.json`` makes ``data/land.geojson`` first, from that file of the npm package
world-atlas 2.0.2.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.affinity import translate
from tqdm import tqdm

from layers import geo, sea
from layers.errors import CorridorsError, DataError, Fault
from layers.static import data_dir, read_table, shown

Pairs = NDArray[np.int32]

RINGS_KM = (150.0, 350.0, 700.0, 1200.0, 1800.0)
SECTOR_DEG = 7.5
DETOUR = 2.0
"""The way over the lanes may be this many times a shortcut's length."""
STRETCH = 0.002
"""A shortcut that saves a smaller share of the way is not worth a link."""

NOTICE = (
    "Derived from the maritime network of the searoute package 1.6.0 (Apache-2.0), which builds on"
    " Eurostat marnet (EUPL-1.2) and the Oak Ridge National Laboratory CTA network, and from"
    " Natural Earth land (public domain). Distributed under the EUPL-1.2."
)


def build(land: shapely.MultiPolygon, gates: tuple[geo.Floats, geo.Floats]) -> Pairs:
    """Node pairs, shape (k, 2), of the shortcuts worth having, sorted.

    Parameters
    ----------
    land
        Land in degrees within [-180, 180].
    gates
        Both ends of each gate, unit vectors of shape (g, 3).
    """
    lanes = sea.load_lanes()
    pairs = candidates(lanes)
    pairs = pairs[_worth_the_way(lanes, pairs)]
    pairs = pairs[~_over_gates(lanes, pairs, gates)]
    pairs = pairs[~over_land(lanes, pairs, land)]
    pairs = spanner(lanes, pairs)
    return _on_shortest_ways(lanes, pairs, gates)


def candidates(lanes: sea.SeaGraph) -> Pairs:
    """Pairs of each node and the farthest node in each sector of each ring around it."""
    xyz = geo.unit(lanes.lon, lanes.lat)
    sectors = round(360 / SECTOR_DEG)
    found = []
    for node in tqdm(range(len(xyz)), "candidates", unit="node"):
        away = geo.EARTH_RADIUS_KM * np.arccos(np.clip(xyz @ xyz[node], -1.0, 1.0))
        other = np.flatnonzero((away >= RINGS_KM[0]) & (away < RINGS_KM[-1]))
        course = geo.bearing_deg(
            lanes.lon[node], lanes.lat[node], lanes.lon[other], lanes.lat[other]
        )
        ring = np.searchsorted(RINGS_KM, away[other], side="right") - 1
        cell = ring * sectors + (course // SECTOR_DEG).astype(int)
        order = np.lexsort((-away[other], cell))
        first = np.ones(len(order), bool)
        first[1:] = np.diff(cell[order]) != 0
        farthest = other[order[first]]
        found.append(np.column_stack([np.full(len(farthest), node), farthest]))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0).astype(np.int32)


def over_land(lanes: sea.SeaGraph, pairs: Pairs, land: shapely.MultiPolygon) -> geo.Bools:
    """Which great circles between node pairs meet land (points every 25 km, straight between)."""
    # Lines run on over 180°, so there is land on the far side too.
    around = shapely.union_all([translate(land, turn) for turn in (-360.0, 0.0, 360.0)])
    shapely.prepare(around)
    xyz = geo.unit(lanes.lon, lanes.lat)
    meets = np.zeros(len(pairs), bool)
    for part in tqdm(_slices(len(pairs), 5000), "land", unit="batch"):
        ends = pairs[part]
        km = geo.angle(xyz[ends[:, 0]], xyz[ends[:, 1]]) * geo.EARTH_RADIUS_KM
        points = np.ceil(km / 25.0).astype(int) + 1
        line = np.repeat(np.arange(len(ends)), points)
        number = np.arange(points.sum()) - np.repeat(np.cumsum(points) - points, points)
        on = geo.interpolate(xyz[ends[line, 0]], xyz[ends[line, 1]], number / (points[line] - 1))
        lon, lat = geo.lonlat(on)
        start = np.repeat(lon[number == 0], points)
        # No line is long enough to be more than half a turn from its start, save over the pole.
        lon = start + (lon - start + 180.0) % 360.0 - 180.0
        lines = shapely.linestrings(np.column_stack([lon, lat]), indices=line)
        meets[part] = shapely.intersects(around, lines)
    return meets


def spanner(lanes: sea.SeaGraph, pairs: Pairs, stretch: float = STRETCH) -> Pairs:
    """The pairs whose way over the lanes and the shorter pairs kept is over 1 + stretch as long."""
    km = _pair_km(lanes, pairs)
    # Links of one batch cannot see each other; two draws a step keep twins apart well enough.
    step = np.floor(np.log(km / RINGS_KM[0]) / np.log(1.3)).astype(int)
    batch = 2 * step + np.random.default_rng(0).integers(0, 2, len(pairs))
    graph = lanes
    kept = []
    for number in tqdm(np.unique(batch), "spanner", unit="batch"):
        mine = np.flatnonzero(batch == number)
        limit = float(km[mine].max()) * (1 + stretch) + 1.0
        way = _ways(sea.matrix(graph), pairs[mine], limit)
        good = pairs[mine[way > (1 + stretch) * km[mine]]]
        graph = sea.add_shortcuts(graph, good)
        kept.append(good)
    return np.concatenate(kept) if kept else pairs


def _worth_the_way(lanes: sea.SeaGraph, pairs: Pairs) -> geo.Bools:
    """Which pairs are shorter than the way over the lanes, by half of it at most."""
    km = _pair_km(lanes, pairs)
    way = _ways(sea.matrix(lanes), pairs, DETOUR * RINGS_KM[-1] + 1.0)
    return np.asarray((way > (1 + STRETCH) * km) & (way <= DETOUR * km), bool)


def _over_gates(
    lanes: sea.SeaGraph, pairs: Pairs, gates: tuple[geo.Floats, geo.Floats]
) -> geo.Bools:
    """Which great circles between node pairs cross a gate."""
    xyz = geo.unit(lanes.lon, lanes.lat)
    a, b = xyz[pairs[:, 0]], xyz[pairs[:, 1]]
    over = np.zeros(len(pairs), bool)
    for first, last in zip(*gates, strict=True):
        over |= geo.arcs_cross(a, b, first, last)
    return over


def _on_shortest_ways(
    lanes: sea.SeaGraph, pairs: Pairs, gates: tuple[geo.Floats, geo.Floats]
) -> Pairs:
    """The pairs on some shortest way, all gates shut, between ports and ends of gate links."""
    over = _over_gates(lanes, np.column_stack([lanes.u, lanes.v]), gates)
    shut = replace(
        lanes,
        **{name: getattr(lanes, name)[~over] for name in ("u", "v", "km", "shortcut")},
    )
    links = sea.matrix(sea.add_shortcuts(shut, pairs))
    _, port_node, _ = sea.port_links(lanes, *_package_ports())
    ends = np.unique(np.concatenate([port_node, lanes.u[over], lanes.v[over]]))
    size = len(lanes.lon)
    used = np.zeros(0, np.int64)
    for part in tqdm(_slices(len(ends), 100), "ways", unit="batch"):
        _, before = dijkstra(links, indices=ends[part], return_predecessors=True)
        met = [_tree_links(row, ends, size) for row in before]
        used = np.unique(np.concatenate([used, *met]))
    return pairs[np.isin(pairs[:, 0].astype(np.int64) * size + pairs[:, 1], used)]


def _tree_links(before: NDArray[np.int32], ends: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Links, as low * size + high, on the ways of one shortest-path tree to the ends."""
    marked = np.zeros(size, bool)
    front = ends[before[ends] >= 0]
    while len(front):
        marked[front] = True
        front = np.unique(before[front]).astype(np.int64)
        front = front[(before[front] >= 0) & ~marked[front]]
    node = np.flatnonzero(marked)
    other = before[node].astype(np.int64)
    return np.minimum(node, other) * size + np.maximum(node, other)


def _package_ports() -> tuple[geo.Floats, geo.Floats]:
    """Longitude and latitude of the ports of the searoute package."""
    spec = importlib.util.find_spec("searoute")
    if spec is None or not spec.submodule_search_locations:
        raise DataError([Fault("searoute", 0, "", "the package is not installed")])
    path = Path(spec.submodule_search_locations[0]) / "data" / "ports.geojson"
    features = json.loads(path.read_bytes())["features"]
    place = np.array([feature["geometry"]["coordinates"][:2] for feature in features], float)
    return place[:, 0], place[:, 1]


def _pair_km(lanes: sea.SeaGraph, pairs: Pairs) -> geo.Floats:
    u, v = pairs[:, 0], pairs[:, 1]
    return geo.distance_km(lanes.lon[u], lanes.lat[u], lanes.lon[v], lanes.lat[v])


def _ways(matrix: csr_array, pairs: Pairs, limit_km: float) -> geo.Floats:
    """Shortest way, km, between each pair of nodes; inf beyond the limit."""
    way = np.full(len(pairs), np.inf)
    source, place = np.unique(pairs[:, 0], return_inverse=True)
    order = np.argsort(place, kind="stable")
    bound = np.searchsorted(place[order], np.arange(0, len(source) + 500, 500))
    for number, (low, high) in enumerate(pairwise(bound)):
        mine = order[low:high]
        reach = dijkstra(matrix, indices=source[number * 500 :][:500], limit=limit_km)
        way[mine] = reach[place[mine] - number * 500, pairs[mine, 1]]
    return way


def _slices(total: int, size: int) -> list[slice]:
    return [slice(start, start + size) for start in range(0, total, size)]


def read_land(path: Path | None = None) -> shapely.MultiPolygon:
    """Land of the globe in degrees within [-180, 180] (``data/land.geojson`` by default).

    Lakes count as land, the Caspian Sea does not.
    """
    path = path or data_dir() / "land.geojson"
    if not path.is_file():
        raise DataError([Fault(shown(path), 0, "", "the file is missing")])
    shape = json.loads(path.read_bytes())["features"][0]["geometry"]
    return shapely.from_geojson(json.dumps(shape))


def land_from_atlas(path: Path) -> shapely.MultiPolygon:
    """Land of a TopoJSON file of the npm package world-atlas, made planar and cut at 180°.

    Its polygons are stitched over the 180° meridian: read as they stand, rings jump a whole turn
    and the Norwegian Sea turns into land. Here longitudes are unwrapped along each ring, a ring
    that goes once round the globe is closed over its pole, and what lies beyond ±180 is cut off
    and moved back.
    """
    topology = json.loads(path.read_bytes())
    scale, offset = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + offset for arc in topology["arcs"]]
    parts: list[shapely.Geometry] = []
    for geometry in topology["objects"]["land"]["geometries"]:
        for rings in geometry["arcs"]:
            shell, *holes = [_ring(arcs, ring) for ring in rings]
            inner = [_beside(hole, shell) for hole in holes if hole[:, 1].max() > -89.9]
            parts += _cut(shapely.make_valid(shapely.Polygon(shell, inner)))
    whole = shapely.set_precision(shapely.union_all(parts), 0.01)
    return shapely.MultiPolygon([p for p in shapely.get_parts(whole) if p.geom_type == "Polygon"])


def _ring(arcs: list[geo.Floats], numbers: list[int]) -> geo.Floats:
    """One ring of a topology, unwrapped; closed over the pole when it goes round the globe."""
    lines = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in numbers]
    ring = np.concatenate([lines[0], *(line[1:] for line in lines[1:])])
    lon, lat = geo.unwrap(ring[:, 0]), ring[:, 1]
    if abs(lon[-1] - lon[0]) > 180.0:
        pole = np.copysign(90.0, lat.mean())
        lon, lat = np.append(lon, [lon[-1], lon[0], lon[0]]), np.append(lat, [pole, pole, lat[0]])
    return np.column_stack([lon, lat])


def _beside(hole: geo.Floats, shell: geo.Floats) -> geo.Floats:
    """The hole moved by whole turns to where its shell is."""
    turns = np.round((shell[:, 0].mean() - hole[:, 0].mean()) / 360.0)
    return np.column_stack([hole[:, 0] + 360.0 * turns, hole[:, 1]])


def _cut(shape: shapely.Geometry) -> Iterator[shapely.Geometry]:
    """The parts of a shape in each turn of the globe, moved back into [-180, 180]."""
    low, _, high, _ = shape.bounds
    for turn in range(int((low + 180.0) // 360.0), int((high + 180.0) // 360.0) + 1):
        window = shapely.box(360.0 * turn - 180.0, -90.0, 360.0 * turn + 180.0, 90.0)
        yield translate(shapely.intersection(shape, window), -360.0 * turn)


def write_land(land: shapely.MultiPolygon, path: Path) -> None:
    """Write land as GeoJSON, one feature, degrees to two decimals (about a kilometre)."""
    polygons = [
        [
            [[round(x, 2), round(y, 2)] for x, y in ring.coords]
            for ring in (p.exterior, *p.interiors)
        ]
        for p in land.geoms
    ]
    feature = {
        "type": "Feature",
        "properties": {"name": "land", "source": "Natural Earth 1:50 million, public domain"},
        "geometry": {"type": "MultiPolygon", "coordinates": polygons},
    }
    collection = {"type": "FeatureCollection", "features": [feature]}
    path.write_text(json.dumps(collection, separators=(",", ":")) + "\n", encoding="utf-8")


def write_shortcuts(pairs: Pairs, path: Path) -> None:
    """Write the node pairs with the notice they owe and the mark of the lanes they number."""
    table = pa.table(
        {"u": pa.array(pairs[:, 0], pa.int32()), "v": pa.array(pairs[:, 1], pa.int32())}
    )
    marks = {"lanes": sea.fingerprint(sea.load_lanes()), "notice": NOTICE, "licence": "EUPL-1.2"}
    pq.write_table(
        table.replace_schema_metadata(marks),
        path,
        compression="zstd",
        use_dictionary=False,
        column_encoding="DELTA_BINARY_PACKED",
        write_statistics=False,
    )


def main(arguments: list[str] | None = None) -> int:
    """Build ``data/sea_shortcuts.parquet``, and the land before it when asked."""
    parser = argparse.ArgumentParser(prog="python -m layers.shortcuts", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--atlas", type=Path, help="land-50m.json of world-atlas 2.0.2")
    options = parser.parse_args(arguments)
    try:
        if options.atlas:
            write_land(land_from_atlas(options.atlas), data_dir() / "land.geojson")
        gate = read_table("chokepoints")
        gates = geo.unit(gate["lon1"], gate["lat1"]), geo.unit(gate["lon2"], gate["lat2"])
        pairs = build(read_land(), gates)
        write_shortcuts(pairs, data_dir() / "sea_shortcuts.parquet")
    except CorridorsError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(pairs)} shortcuts")
    return 0


if __name__ == "__main__":
    sys.exit(main())
