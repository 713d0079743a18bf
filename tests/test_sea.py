"""The sea network: whole, open where water is, shut where a gate is, and right in its lengths."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from layers import geo, sea, shortcuts
from layers.errors import DataError
from layers.static import data_dir

Gates = tuple[geo.Floats, geo.Floats]

SARTA = (50.1667, 26.6333)  # Ras Tanura
AEFJR = (56.36, 25.17)  # Fujairah
NLRTM = (4.05, 51.97)  # Rotterdam
CNSHA = (121.9, 31.0)  # Shanghai, off the Yangtze
UAODS = (30.75, 46.48)  # Odesa
EGPSD = (32.31, 31.27)  # Port Said
GRPIR = (23.6, 37.93)  # Piraeus


@pytest.fixture(scope="module")
def gate_table() -> pd.DataFrame:
    return pd.read_csv(data_dir() / "chokepoints.csv").set_index("chokepoint")


@pytest.fixture(scope="module")
def graph() -> sea.SeaGraph:
    return sea.load_sea_graph(pd.read_csv(data_dir() / "sea_links.csv"))


@pytest.fixture(scope="module")
def lanes() -> sea.SeaGraph:
    return sea.load_lanes()


def lines(table: pd.DataFrame) -> Gates:
    return geo.unit(table["lon1"], table["lat1"]), geo.unit(table["lon2"], table["lat2"])


def over_gates(graph: sea.SeaGraph, gates: Gates) -> geo.Bools:
    xyz = geo.unit(graph.lon, graph.lat)
    a, b = xyz[graph.u, None], xyz[graph.v, None]
    return np.asarray(geo.arcs_cross(a, b, *gates).any(axis=1), bool)


def part(graph: sea.SeaGraph, keep: geo.Bools) -> sea.SeaGraph:
    links = {name: getattr(graph, name)[keep] for name in ("u", "v", "km", "shortcut")}
    return replace(graph, **links)


def matrix(graph: sea.SeaGraph) -> csr_array:
    size = len(graph.lon)
    return csr_array((graph.km, (graph.u, graph.v)), shape=(size, size))


def sailed_nm(
    graph: sea.SeaGraph, start: geo.Floats, end: geo.Floats, shut: Gates | None = None
) -> geo.Floats:
    """Way from each start to each end, nautical miles, with the gates given shut."""
    if shut is not None:
        graph = part(graph, ~over_gates(graph, shut))
    size, ports = len(graph.lon), len(start)
    lon, lat = np.concatenate([start, end]).T
    port, node, km = sea.port_links(graph, lon, lat, gates=shut)
    # Ports are entered or left, never passed through: starts lead in, ends lead out.
    out = port < ports
    row = np.concatenate([graph.u, graph.v, size + port[out], node[~out]])
    column = np.concatenate([graph.v, graph.u, node[out], size + port[~out]])
    links = csr_array(
        (np.concatenate([graph.km, graph.km, km]), (row, column)), shape=(size + 2 * ports,) * 2
    )
    way = dijkstra(links, indices=size + np.arange(ports))
    return np.asarray(way[np.arange(ports), size + ports + np.arange(ports)] / 1.852, float)


def one_way_nm(
    graph: sea.SeaGraph,
    start: tuple[float, float],
    end: tuple[float, float],
    shut: Gates | None = None,
) -> float:
    return float(sailed_nm(graph, np.array([start]), np.array([end]), shut)[0])


def test_the_lanes_are_the_ones_of_the_package(lanes: sea.SeaGraph) -> None:
    # 9,708 nodes and 15,970 links in the package; 17 places are written twice, 20 links are joins
    # of such places or become one, and the link over Alaska goes with its inland node.
    assert (len(lanes.lon), len(lanes.km)) == (9690, 15949)
    assert not lanes.shortcut.any()


def test_the_network_is_one_sound_piece(graph: sea.SeaGraph) -> None:
    assert connected_components(matrix(graph), directed=False)[0] == 1
    for values in (graph.lon, graph.lat, graph.km):
        assert np.isfinite(values).all()
    assert (graph.km > 0).all()
    assert (graph.lon >= -180).all()
    assert (graph.lon < 180).all()
    pairs = np.sort(np.column_stack([graph.u, graph.v]), axis=1)
    assert len(np.unique(pairs, axis=0)) == len(pairs)
    assert (pairs[:, 0] < pairs[:, 1]).all()


def test_nodes_come_in_one_order(lanes: sea.SeaGraph) -> None:
    order = np.lexsort((lanes.lat, lanes.lon))
    assert (order == np.arange(len(order))).all()
    again = sea.load_lanes()
    assert sea.fingerprint(again) == sea.fingerprint(lanes)


def test_no_link_runs_over_alaska(graph: sea.SeaGraph) -> None:
    inland = geo.distance_km(graph.lon, graph.lat, -155.6, 63.0)
    assert inland.min() > 150


def test_shortcuts_only_shorten(graph: sea.SeaGraph, lanes: sea.SeaGraph) -> None:
    assert 20_000 < graph.shortcut.sum() < 100_000
    some = np.flatnonzero(graph.shortcut)[::997]
    before = dijkstra(matrix(lanes), directed=False, indices=graph.u[some])
    before = before[np.arange(len(some)), graph.v[some]]
    assert (before > graph.km[some]).all()
    assert (before <= shortcuts.DETOUR * graph.km[some]).all()


def test_shortcuts_meet_no_land(graph: sea.SeaGraph) -> None:
    some = np.flatnonzero(graph.shortcut)[::97]
    pairs = np.column_stack([graph.u[some], graph.v[some]])
    assert not shortcuts.over_land(graph, pairs, shortcuts.read_land()).any()


def test_shortcuts_cross_no_gate(graph: sea.SeaGraph, gate_table: pd.DataFrame) -> None:
    over = over_gates(graph, lines(gate_table))
    assert not (over & graph.shortcut).any()
    assert 80 < over.sum() < 200


@pytest.mark.parametrize(
    ("lon", "lat", "dry"),
    [
        (5, 67, False),  # Norwegian Sea
        (180, 0, False),
        (-180, 0, False),
        (-85, 60, False),  # Hudson Bay
        (51, 42, False),  # Caspian Sea
        (10, 23, True),  # Sahara
        (100, 62, True),  # Siberia
        (-175, 66.9, True),  # Chukotka, beyond 180
        (178, -17.8, True),  # Fiji
        (0, -80, True),
        (179.9, -85, True),
    ],
)
def test_land_is_land(lon: float, lat: float, dry: bool) -> None:
    shapely = pytest.importorskip("shapely")
    land = shortcuts.read_land()
    assert land.is_valid
    assert bool(shapely.contains_xy(land, lon, lat)) is dry


def test_shortcuts_of_other_lanes_are_refused(tmp_path: Path, lanes: sea.SeaGraph) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "sea_shortcuts.parquet"
    pairs = np.array([[0, 1]], np.int32)
    shortcuts.write_shortcuts(pairs, path)
    with_one = sea.load_sea_graph(shortcuts=path)
    assert len(with_one.km) <= len(lanes.km) + 1
    marks = pq.read_schema(path).metadata
    assert b"EUPL-1.2" in marks[b"notice"]
    table = pa.table({"u": [0], "v": [1]}).replace_schema_metadata({"lanes": "others"})
    pq.write_table(table, path)
    with pytest.raises(DataError, match=r"searoute==1\.6\.0"):
        sea.load_sea_graph(shortcuts=path)


def test_without_the_file_there_are_no_shortcuts(tmp_path: Path, lanes: sea.SeaGraph) -> None:
    bare = sea.load_sea_graph(shortcuts=tmp_path / "none.parquet")
    assert len(bare.km) == len(lanes.km)


def test_an_extra_link_joins_near_nodes_and_ties_new_ones(lanes: sea.SeaGraph) -> None:
    near = float(lanes.lon[100]), float(lanes.lat[100]) + 0.01
    table = pd.DataFrame(
        {"lon1": [near[0]], "lat1": [near[1]], "lon2": [10.15], "lat2": [54.37],
         "length_km": [np.nan]}
    )  # fmt: skip
    more = sea.add_links(lanes, table)
    assert len(more.lon) == len(lanes.lon) + 1
    new = len(lanes.lon)
    touching = (more.u == new) | (more.v == new)
    assert touching.sum() == 2  # the link itself, and the tie to the nearest node
    assert 100 in np.concatenate([more.u[touching], more.v[touching]])
    longer = sea.add_links(lanes, table.assign(length_km=12345.0))
    assert longer.km.max() == 12345.0


def test_every_port_is_tied_to_both_ends_of_its_lane(lanes: sea.SeaGraph) -> None:
    a, b = (geo.unit(lanes.lon, lanes.lat)[end[7000]] for end in (lanes.u, lanes.v))
    lon, lat = geo.lonlat(geo.interpolate(a, b, 0.25))
    port, node, km = sea.port_links(lanes, [float(lon)], [float(lat)])
    assert (port == 0).all()
    whole = lanes.km[7000]
    for end, way in ((lanes.u[7000], 0.25 * whole), (lanes.v[7000], 0.75 * whole)):
        assert km[node == end] == pytest.approx([way], abs=1e-3)


def test_ties_of_a_port_do_not_depend_on_other_ports(graph: sea.SeaGraph) -> None:
    places = np.array([SARTA, NLRTM, CNSHA, UAODS])
    port, node, km = sea.port_links(graph, *places.T)
    for number, place in enumerate(places):
        _, alone, way = sea.port_links(graph, [place[0]], [place[1]])
        assert (node[port == number] == alone).all()
        assert km[port == number] == pytest.approx(way)
    assert sorted(set(port.tolist())) == [0, 1, 2, 3]
    pairs = np.column_stack([port, node])
    assert len(np.unique(pairs, axis=0)) == len(pairs)


@pytest.mark.parametrize(
    ("gate", "inside", "outside"),
    [
        ("hormuz", SARTA, AEFJR),
        ("bosporus", UAODS, GRPIR),
        ("dardanelles", UAODS, EGPSD),
        ("kerch", (38.5, 46.9), UAODS),
    ],
)
def test_a_sealed_sea_stays_sealed(
    graph: sea.SeaGraph,
    gate_table: pd.DataFrame,
    gate: str,
    inside: tuple[float, float],
    outside: tuple[float, float],
) -> None:
    # The lanes hold the Volga-Don canal, which leads nowhere but to the Caspian Sea.
    assert np.isfinite(one_way_nm(graph, inside, outside))
    assert one_way_nm(graph, inside, outside, lines(gate_table.loc[[gate]])) == np.inf


@pytest.mark.parametrize(
    ("start", "end", "shut", "published_nm"),
    [
        # NGA Pub. 151, sums of legs over junction points.
        (SARTA, NLRTM, [], 6467),
        (SARTA, NLRTM, ["suez"], 11170),
        (NLRTM, CNSHA, [], 10547),
        (NLRTM, CNSHA, ["suez", "panama"], 13976),
        (UAODS, EGPSD, [], 1152),
    ],
)
def test_great_routes(
    graph: sea.SeaGraph,
    gate_table: pd.DataFrame,
    start: tuple[float, float],
    end: tuple[float, float],
    shut: list[str],
    published_nm: float,
) -> None:
    arctic = gate_table.index[gate_table["open"] == "no"].tolist()
    way = one_way_nm(graph, start, end, lines(gate_table.loc[arctic + shut]))
    assert way == pytest.approx(published_nm, rel=0.02)


def test_closing_a_gate_never_shortens(graph: sea.SeaGraph, gate_table: pd.DataFrame) -> None:
    open_way = one_way_nm(graph, SARTA, CNSHA)
    for gate in ("malacca", "suez", "taiwan_strait"):
        shut = one_way_nm(graph, SARTA, CNSHA, lines(gate_table.loc[[gate]]))
        assert shut >= open_way - 1e-6


def test_published_distances(graph: sea.SeaGraph, gate_table: pd.DataFrame) -> None:
    legs = pd.read_csv(data_dir() / "distances.csv")
    start = legs[["from_lon", "from_lat"]].to_numpy(float)
    end = legs[["to_lon", "to_lat"]].to_numpy(float)
    way = sailed_nm(graph, start, end, lines(gate_table[gate_table["open"] == "no"]))
    error = np.abs(way / legs["distance_nm"].to_numpy(float) - 1)
    assert np.isfinite(way).all()
    assert np.median(error) <= 0.015
    assert np.median(error[legs["distance_nm"] > 3000]) <= 0.008
    great_circle = geo.distance_km(*start.T, *end.T) / 1.852
    assert (way >= great_circle * (1 - 1e-9)).all()
