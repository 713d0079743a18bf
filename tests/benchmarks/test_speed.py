"""How fast, beside what others offer for the same question, in one run on one machine.

Nothing is asserted about time: a busy machine is no fault of the code. Of several rounds the
quickest counts, on both sides. Each benchmark says what it was measured against in ``extra_info``
and in the table at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from corridors.network import Network, Tariff, chains, least_cost, reach
from layers.world import World

ROOT = Path(__file__).resolve().parents[2]
OTHERS = 60  # pairs asked of a router that answers one at a time
CLOSURES = 35
GATEWAYS = 196
RUNS = 3  # of a process of its own; the quickest counts


@pytest.fixture(scope="module")
def ports(world: World, network: Network) -> list[str]:
    """Return 196 ports: the largest of every country on the sea, then the next largest of all."""
    table = world.ports[[network.on_sea(p) for p in world.ports["port"]]]
    table = table.sort_values("annual_t", ascending=False, kind="stable")
    first = table.drop_duplicates("country")["port"].tolist()
    others = [p for p in table["port"] if p not in set(first)]
    return (first + others)[:GATEWAYS]


@pytest.fixture(scope="module")
def plain(network: Network) -> Tariff:
    """Return a tariff of 1 USD a tonne and km, so that costs are km; land bridges are no sea."""
    count = len(network.passages)
    at_sea = np.array([p.startswith("chokepoint:") for p in network.passages])
    return Tariff(1.0, np.zeros(count), np.zeros(count), at_sea, 500.0)


@pytest.fixture(scope="module")
def pairs(ports: list[str]) -> list[tuple[str, str]]:
    """Return pairs of ports by lot."""
    lot = np.random.default_rng(60)
    drawn = (lot.choice(ports, 2, replace=False) for _ in range(OTHERS))
    return [(str(a), str(b)) for a, b in drawn]


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def test_all_pairs_with_passages_beside_searoute(
    benchmark: Any,
    measured: Any,
    world: World,
    network: Network,
    plain: Tariff,
    ports: list[str],
    pairs: list[tuple[str, str]],
) -> None:
    import searoute

    rows = network.rows(ports)
    found = benchmark(lambda: reach(network, plain, chains(network, plain), rows, rows))
    cost, bits = found.cost, found.bits
    assert np.isfinite(cost).mean() > 0.5
    assert (bits != 0).mean() > 0.5
    ours = benchmark.stats.stats.min / len(ports) ** 2

    place = world.ports.set_index("port")[["lon", "lat"]]

    def ask() -> None:
        for a, b in pairs:
            searoute.searoute(place.loc[a].tolist(), place.loc[b].tolist(), return_passages=True)

    searoute.searoute([0, 0], [1, 1])  # its network is read on the first call
    ask()  # and its own caches are warm
    theirs = min(seconds(ask) for _ in range(2)) / len(pairs)
    _note(benchmark, measured, "a route with passages, beside searoute", "10,000", theirs, ours)


def test_all_pairs_beside_scgraph(
    benchmark: Any,
    measured: Any,
    network: Network,
    plain: Tariff,
    ports: list[str],
) -> None:
    """scgraph 3 comes without a sea network, so it is given ours, every link and crossing."""
    import scgraph

    rows = network.rows(ports)
    whole = _whole(network, plain)
    nodes: list[dict[int, float]] = [{} for _ in range(whole.shape[0])]
    links = whole.tocoo()
    for u, v, km in zip(
        links.coords[0].tolist(), links.coords[1].tolist(), links.data.tolist(), strict=True
    ):
        nodes[u][v] = km
    graph = scgraph.Graph(nodes)
    starts = network.row_node[rows].tolist()
    found = benchmark(lambda: least_cost(network, plain, rows, rows))
    ours = benchmark.stats.stats.min

    some = starts[:: max(1, len(starts) // 12)]

    def trees() -> list[dict[str, Any]]:
        return [graph.get_shortest_path_tree(start) for start in some]

    theirs = seconds(trees) / len(some) * len(starts)
    same = [
        (found[starts.index(start), i], tree["distance_matrix"][end])
        for start, tree in zip(some, trees(), strict=True)
        for i, end in enumerate(starts)
        if np.isfinite(found[starts.index(start), i])
    ]
    ours_km, theirs_km = np.array(same).T
    np.testing.assert_allclose(ours_km, theirs_km, rtol=1e-6, atol=1e-3)
    _note(benchmark, measured, "distances of all pairs, beside scgraph", "–", theirs, ours)


def test_one_closure_beside_a_search_of_the_whole_graph(
    benchmark: Any, measured: Any, network: Network, plain: Tariff, ports: list[str]
) -> None:
    rows = network.rows(ports)
    nodes = network.row_node[rows]
    shut = [p for p in network.passages if p.startswith("chokepoint:")][:CLOSURES]
    words = [network.bit(p) for p in shut]
    graphs = [_whole(network, plain, word) for word in words]

    def ours() -> list[np.ndarray]:
        return [least_cost(network, plain, rows, rows, word) for word in words]

    found = benchmark.pedantic(ours, rounds=3, warmup_rounds=1)
    each = benchmark.stats.stats.min / len(words)
    wanted: list[np.ndarray] = []
    theirs = seconds(
        lambda: wanted.extend(dijkstra(graph, indices=nodes)[:, nodes] for graph in graphs)
    ) / len(words)
    for mine, full in zip(found, wanted, strict=True):
        assert (np.isfinite(mine) == np.isfinite(full)).all()
        reached = np.isfinite(full)
        np.testing.assert_allclose(mine[reached], full[reached], rtol=1e-9, atol=1e-9)
    _note(benchmark, measured, "one closure, beside a full search", "20", theirs, each)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a folder for what is remembered between runs."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.mark.parametrize(
    "arguments", [[], ["-c", "crude_oil"]], ids=["every commodity", "crude oil"]
)
def test_a_cold_start_beside_the_bare_imports(
    benchmark: Any, measured: Any, cache: str, arguments: list[str]
) -> None:
    question = ["-m", "corridors", "exposure", "--importer", "CHN", "-f", "csv", *arguments]
    _run(["-m", "corridors", "routes", "--origin", "FJI", "-c", "rice"], cache)  # the network
    never_asked = seconds(lambda: _run(question, cache))
    benchmark.pedantic(lambda: _run(question, cache), rounds=RUNS)
    ours = benchmark.stats.stats.min
    memory = _peak_mb(question, cache)
    bare = ["-c", "import geopandas, xarray"]
    _run(bare, cache)
    theirs = min(seconds(lambda: _run(bare, cache)) for _ in range(RUNS))
    what = f"corridors exposure --importer CHN {' '.join(arguments)}".strip()
    benchmark.extra_info["ratio"] = round(ours / theirs, 2)
    benchmark.extra_info["peak_mb"] = round(memory)
    found = f"{ours:.2f} s is {ours / theirs:.2f} × the bare imports ({theirs:.2f} s)"
    measured.say(what, "≤ 2 ×", found)
    first = f"{never_asked:.2f} s is {never_asked / theirs:.2f} × the bare imports"
    measured.say(f"{what}, never asked before", "–", first)
    bare_mb = _peak_mb(bare, cache)
    measured.say(f"{what}, memory", "< 500 MB", f"{memory:.0f} MB (bare imports {bare_mb:.0f} MB)")


def _note(benchmark: Any, measured: Any, what: str, aim: str, theirs: float, ours: float) -> None:
    ratio = theirs / ours
    benchmark.extra_info.update({"ratio": round(ratio, 1), "theirs_s": theirs, "ours_s": ours})
    found = f"{ratio:,.0f} × ({_time(theirs)} against {_time(ours)})"
    measured.say(what, f"≥ {aim} ×" if aim != "–" else aim, found)


def _time(s: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if s >= size:
            return f"{s / size:.3g} {unit}"
    return f"{s * 1e9:.3g} ns"


def _whole(network: Network, fare: Tariff, closed: np.uint64 | int = 0) -> csr_array:
    """Return the graph of every link and crossing left, with what it costs."""
    too_big = [p for p, may in zip(network.passages, fare.fits, strict=True) if not may]
    shut = [p for p, may in zip(network.passages, network.open, strict=True) if not may]
    word = network.word([*too_big, *shut]) | np.uint64(closed)
    left = (network.bits & word) == 0
    free = network.free.matrix.tocoo()
    u = np.append(free.coords[0], network.row_node[network.entry[left]])
    v = np.append(free.coords[1], network.row_node[network.exit[left]])
    cost = np.append(free.data, network.km[left]) * fare.usd_t_km
    order = np.lexsort((cost, v, u))
    u, v, cost = u[order], v[order], cost[order]
    first = np.append(True, (np.diff(u) != 0) | (np.diff(v) != 0))
    shape = network.free.matrix.shape
    return coo_array((cost[first], (u[first], v[first])), shape=shape).tocsr()


def _run(arguments: list[str], cache: str) -> None:
    environment = {**os.environ, "CORRIDORS_CACHE": cache}
    subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, check=True, capture_output=True
    )


def _peak_mb(arguments: list[str], cache: str) -> float:
    """Return the greatest memory a process of its own took, MB."""
    watch = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL,"
        " stderr=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    environment = {**os.environ, "CORRIDORS_CACHE": cache}
    done = subprocess.run(
        [sys.executable, "-c", watch, sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    kb = float(done.stdout)
    return kb / 1024 if sys.platform != "darwin" else kb / 1024**2
