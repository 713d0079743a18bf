"""The gate graph says what a search of the whole graph says, only sooner."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from corridors.network import Network, Tariff, chains, least_cost, members, reach
from corridors.tariff import fits, passage_limits
from layers.errors import DataError, UnknownIdError
from layers.geo import arcs_cross, unit
from layers.sea import SeaGraph
from layers.world import World

SHUT = ("chokepoint:northern_sea_route", "chokepoint:northwest_passage")
CLOSE = 1e-9
MULTIPLE = 200


@pytest.fixture(scope="session")
def sample(network: Network) -> np.ndarray:
    """Return rows of sixty ports: some in every corner of the sea, the rest by lot."""
    corners = [
        *("SARTA", "QARLF", "KWMAA", "AEFJR", "SAYNB", "RUNVS", "RUPRI", "CNNGB", "CNTAO"),
        *("JPCHB", "KRULS", "SGSIN", "USHOU", "CLVAP", "BRTUB", "AUPHE", "ZARCB", "NLRTM"),
        *("ITTRS", "TRCEY", "INSIK", "NGBON"),
    ]
    known = [p for p in corners if network.on_sea(p)]
    others = sorted(set(network.ports) - set(known))
    lot = np.random.default_rng(20).choice(others, 60 - len(known), replace=False)
    return network.rows([*known, *lot.tolist()])


@pytest.fixture(scope="session")
def fares(network: Network, tariffs: dict[str, Tariff]) -> list[Tariff]:
    """Return tariffs to try: every ship class, no tolls at all, and tolls and limits by lot."""
    lot = np.random.default_rng(21)
    count = len(network.passages)
    nothing = Tariff(1.0, np.zeros(count), np.zeros(count), np.ones(count, dtype=np.bool_), 600.0)
    wild = [
        Tariff(
            float(lot.uniform(5e-4, 5e-3)),
            lot.uniform(0, 20, count) * (lot.random(count) < 0.5),
            lot.uniform(0, 2, count),
            lot.random(count) < 0.8,
            float(lot.uniform(400, 700)),
        )
        for _ in range(4)
    ]
    return [nothing, *tariffs.values(), *wild]


def whole_graph(network: Network, tariff: Tariff, closed: np.uint64) -> csr_array:
    """Return every link that is left, free or crossing, with what it costs; parallel ones once."""
    too_big = [p for p, may in zip(network.passages, tariff.fits, strict=True) if not may]
    shut = {*network.elements(closed), *too_big, *SHUT}
    charge = dict(zip(network.passages, tariff.passage_usd_t.tolist(), strict=True))
    free = network.free.matrix.tocoo()
    cost = dict(
        zip(
            zip(free.coords[0].tolist(), free.coords[1].tolist(), strict=True),
            (free.data * tariff.usd_t_km).tolist(),
            strict=True,
        )
    )
    for crossing, word in enumerate(network.bits.tolist()):
        crossed = network.elements(word)
        if shut.isdisjoint(crossed):
            ends = network.row_node[[network.entry[crossing], network.exit[crossing]]]
            here = float(network.km[crossing]) * tariff.usd_t_km + sum(charge[p] for p in crossed)
            pair = (int(ends[0]), int(ends[1]))
            cost[pair] = min(cost.get(pair, np.inf), max(here, 1e-300))
    ends = np.array(list(cost))
    values = np.fromiter(cost.values(), np.float64, len(cost))
    return coo_array((values, (ends[:, 0], ends[:, 1])), shape=network.free.matrix.shape).tocsr()


class WholeGraph:
    """The same graph built once for a tariff; a closure only takes links out."""

    def __init__(self, network: Network, tariff: Tariff) -> None:
        self.network = network
        keep = network.open[None, :] | ~members(network.bits, len(network.passages))
        fitting = tariff.fits[None, :] | ~members(network.bits, len(network.passages))
        self.usable = keep.all(axis=1) & fitting.all(axis=1)
        free = network.free.matrix.tocoo()
        self.u, self.v = free.coords[0], free.coords[1]
        self.cost = free.data * tariff.usd_t_km
        crossed = members(network.bits, len(network.passages)).astype(np.float64)
        self.crossing = network.km * tariff.usd_t_km + crossed @ tariff.passage_usd_t
        self.start = network.row_node[network.entry]
        self.end = network.row_node[network.exit]

    def search(self, origins: np.ndarray, ends: np.ndarray, closed: np.uint64) -> np.ndarray:
        left = self.usable & ((self.network.bits & closed) == 0)
        u = np.append(self.u, self.start[left])
        v = np.append(self.v, self.end[left])
        cost = np.append(self.cost, np.maximum(self.crossing[left], 1e-300))
        order = np.lexsort((cost, v, u))
        u, v, cost = u[order], v[order], cost[order]
        first = np.append(True, (np.diff(u) != 0) | (np.diff(v) != 0))
        graph = coo_array((cost[first], (u[first], v[first])), shape=self.network.free.matrix.shape)
        nodes = self.network.row_node
        return np.asarray(dijkstra(graph.tocsr(), indices=nodes[origins])[:, nodes[ends]])


def same(found: np.ndarray, wanted: np.ndarray) -> None:
    assert (np.isfinite(found) == np.isfinite(wanted)).all()
    reached = np.isfinite(wanted)
    np.testing.assert_allclose(found[reached], wanted[reached], rtol=CLOSE, atol=1e-12)


def closures(network: Network) -> Iterator[np.uint64]:
    """Yield no closure, every single one, and two hundred of two to eight passages by lot."""
    yield np.uint64(0)
    for passage in network.passages:
        yield network.bit(passage)
    lot = np.random.default_rng(22)
    for _ in range(MULTIPLE):
        many = int(lot.integers(2, 9))
        yield network.word(lot.choice(network.passages, many, replace=False).tolist())


def test_the_two_ways_to_build_the_whole_graph_agree(
    network: Network, fares: list[Tariff], sample: np.ndarray
) -> None:
    # The fast builder serves the hundreds of searches below; this is the slow one, link by link.
    closed = network.word(["chokepoint:suez", "chokepoint:malacca"])
    slow = whole_graph(network, fares[1], closed)
    nodes = network.row_node
    wanted = dijkstra(slow, indices=nodes[sample[:3]])[:, nodes[sample]]
    same(WholeGraph(network, fares[1]).search(sample[:3], sample, closed), np.asarray(wanted))


def test_gate_graph_equals_a_search_of_the_whole_graph(
    network: Network, fares: list[Tariff], sample: np.ndarray
) -> None:
    # Every closure with one tariff and three ports of loading; both change from one to the next.
    lot = np.random.default_rng(23)
    whole = [WholeGraph(network, fare) for fare in fares]
    for turn, closed in enumerate(closures(network)):
        which = turn % len(fares)
        origins = lot.choice(sample, 3, replace=False)
        found = least_cost(network, fares[which], origins, sample, closed)
        same(found, whole[which].search(origins, sample, closed))


def test_every_tariff_equals_a_search_of_the_whole_graph(
    network: Network, fares: list[Tariff], sample: np.ndarray
) -> None:
    for fare in fares:
        found = least_cost(network, fare, sample[::6], sample)
        same(found, WholeGraph(network, fare).search(sample[::6], sample, np.uint64(0)))


def test_the_passages_reported_are_the_passages_used(
    network: Network, fares: list[Tariff], sample: np.ndarray
) -> None:
    everything = network.word(network.passages)
    for fare in fares[:4] + fares[-2:]:
        found = reach(network, fare, chains(network, fare), sample, sample)
        same(found.cost, least_cost(network, fare, sample, sample))
        for word in np.unique(found.bits[np.isfinite(found.cost)]):
            # With all other passages shut the same cost is left: the set reported is enough.
            alone = least_cost(network, fare, sample, sample, everything & ~word)
            mine = (found.bits == word) & np.isfinite(found.cost)
            np.testing.assert_allclose(alone[mine], found.cost[mine], rtol=CLOSE)


def test_cost_through_a_crossing_joins_both_halves(
    network: Network, tariffs: dict[str, Tariff], sample: np.ndarray
) -> None:
    fare = tariffs["aframax"]
    found = reach(network, fare, chains(network, fare), sample, sample)
    direct = network.leg_km[np.ix_(sample, sample)] * fare.usd_t_km
    through = (found.to[:, :, None] + found.on[None, :, :]).min(axis=1)
    same(np.minimum(direct, through), found.cost)
    # Straight to a crossing and over it is one way to be beyond it: the best is no dearer.
    straight = network.leg_km[sample[0], network.entry[found.live]] + network.km[found.live]
    toll = members(network.bits[found.live], len(network.passages)) @ fare.passage_usd_t
    assert (found.to[0] <= straight * fare.usd_t_km + toll + 1e-12).all()


@pytest.mark.parametrize("closed", [[], ["chokepoint:suez"], ["chokepoint:bosporus"]])
def test_seasonal_passages_are_never_used_unasked(
    network: Network, fares: list[Tariff], sample: np.ndarray, closed: list[str]
) -> None:
    seasonal = network.word(SHUT)
    for fare in fares:
        found = reach(network, fare, chains(network, fare, network.word(closed)), sample, sample)
        for bits in (found.bits, found.to_bits, found.on_bits):
            assert not (bits & seasonal).any()


def test_closing_never_lowers_a_cost(
    network: Network, tariffs: dict[str, Tariff], sample: np.ndarray
) -> None:
    for fare in list(tariffs.values())[:3]:
        before = least_cost(network, fare, sample, sample)
        for passage in network.passages:
            after = least_cost(network, fare, sample, sample, network.bit(passage))
            assert (after >= before * (1 - CLOSE)).all(), passage


def test_no_free_link_crosses_a_gate(network: Network, sea: SeaGraph, world: World) -> None:
    free = network.free.matrix.tocoo()
    once = (free.coords[0] < free.coords[1]) & (free.coords[1] < len(sea.lon))
    u, v = free.coords[0][once], free.coords[1][once]
    point = unit(network.lon, network.lat)
    for gate in world.chokepoints.itertuples():
        a, b = unit(gate.lon1, gate.lat1), unit(gate.lon2, gate.lat2)
        assert not arcs_cross(point[u], point[v], a, b).any(), gate.chokepoint


def test_no_gate_leaks(network: Network) -> None:
    # A gate too short leaves a way past its end that is hardly longer than the way through. The
    # nearest honest ways round, past Mindoro and the Ombai strait, are more than twice as long.
    round_it = network.leg_km[network.entry, network.exit]
    sails = network.km > 0
    leaks = np.flatnonzero((round_it < 2 * network.km) & sails)
    assert not {network.elements(network.bits[i]) for i in leaks}


def test_no_lane_is_lost(network: Network, sea: SeaGraph) -> None:
    # Free links among sea nodes and crossings together are the sea graph without the shortcuts
    # that cross a gate; a crossing is a link in both directions.
    nodes = len(sea.lon)
    free = network.free.matrix.tocoo()
    at_sea = (free.coords[0] < free.coords[1]) & (free.coords[1] < nodes)
    found = {
        (int(u), int(v)): km
        for u, v, km in zip(
            free.coords[0][at_sea], free.coords[1][at_sea], free.data[at_sea], strict=True
        )
    }
    start, end = network.row_node[network.entry], network.row_node[network.exit]
    bridge = (start >= nodes) | (end >= nodes)
    for u, v, km in zip(start[~bridge], end[~bridge], network.km[~bridge], strict=True):
        found[min(int(u), int(v)), max(int(u), int(v))] = km
    lanes = {
        (min(int(u), int(v)), max(int(u), int(v))): km
        for u, v, km in zip(
            sea.u[~sea.shortcut], sea.v[~sea.shortcut], sea.km[~sea.shortcut], strict=True
        )
    }
    assert lanes.items() <= found.items()


def test_land_bridges_cost_their_tariff_and_run_one_way(
    network: Network, tariffs: dict[str, Tariff]
) -> None:
    bridge = np.flatnonzero((network.bits & network.bit("pipeline:sumed")) != 0)
    assert len(bridge) == 1  # Ain Sukhna to Sidi Kerir and never back
    assert not tariffs["lng_carrier"].fits[network.passages.index("pipeline:sumed")]
    assert tariffs["vlcc"].fits[network.passages.index("pipeline:sumed")]


# Sizes: what a class of ship can't pass it does not pass, whatever the way round costs.


def may_pass(world: World, ship_class: str, passage: str) -> bool:
    ship = world.ship_classes.set_index("ship_class").loc[ship_class]
    size = {"beam_m": float(ship["beam_m"]), "draft_m": float(ship["draft_m"])}
    return fits(passage_limits(world), passage, **size)


@pytest.mark.parametrize(
    ("ship_class", "passage", "may"),
    [
        ("vlcc", "chokepoint:suez", False),
        ("vlcc", "chokepoint:panama", False),
        ("vlcc", "chokepoint:great_belt", False),
        ("vlcc", "chokepoint:malacca", True),
        ("vlcc", "chokepoint:hormuz", True),
        ("vlcc", "chokepoint:cape_good_hope", True),
        ("suezmax", "chokepoint:suez", True),
        ("suezmax", "chokepoint:bosporus", True),
        ("suezmax", "chokepoint:panama", False),
        ("lng_carrier", "chokepoint:panama", True),
        ("panamax_bulk", "chokepoint:panama", True),
    ],
)
def test_size_decides_who_passes(
    world: World,
    network: Network,
    tariffs: dict[str, Tariff],
    ship_class: str,
    passage: str,
    may: bool,
) -> None:
    assert may_pass(world, ship_class, passage) is may
    assert bool(tariffs[ship_class].fits[network.passages.index(passage)]) is may


def passes(
    network: Network, fare: Tariff, load: str, land: str, closed: list[str] | None = None
) -> set[str]:
    word = network.word(closed or [])
    ends = network.rows([load]), network.rows([land])
    found = reach(network, fare, chains(network, fare, word), *ends)
    assert np.isfinite(found.cost[0, 0])
    return set(network.elements(found.bits[0, 0]))


def test_a_supertanker_with_suez_shut_goes_round_the_cape(
    network: Network, tariffs: dict[str, Tariff]
) -> None:
    # With Suez shut the *shortest* Rotterdam-Shanghai leads through Panama; size forbids it.
    port = next(p for p in ("CNSHA", "CNYSN", "CNNGB") if network.on_sea(p))
    way = passes(network, tariffs["vlcc"], "NLRTM", port, ["chokepoint:suez"])
    assert "chokepoint:cape_good_hope" in way
    assert not way & {"chokepoint:panama", "chokepoint:suez"}


def test_without_limits_the_same_voyage_is_shortest_through_panama(
    network: Network, fares: list[Tariff]
) -> None:
    port = next(p for p in ("CNSHA", "CNYSN", "CNNGB") if network.on_sea(p))
    bridges = [p for p in network.passages if p.startswith("pipeline:")]
    way = passes(network, fares[0], "NLRTM", port, ["chokepoint:suez", *bridges])
    assert "chokepoint:panama" in way


def test_the_gulf_has_one_way_out(network: Network, tariffs: dict[str, Tariff]) -> None:
    ends = network.rows(["SARTA"]), network.rows(["CNNGB"])
    shut = network.bit("chokepoint:hormuz")
    for fare in tariffs.values():
        assert np.isinf(least_cost(network, fare, *ends, shut)).all()
        assert np.isfinite(least_cost(network, fare, *ends)).all()


@pytest.mark.parametrize(
    ("load", "land", "wanted"),
    [
        ("SARTA", "CNNGB", {"chokepoint:hormuz", "chokepoint:malacca"}),
        ("RUNVS", "CNNGB", {"chokepoint:bosporus", "chokepoint:suez", "chokepoint:bab_el_mandeb"}),
        ("QARLF", "NLRTM", {"chokepoint:hormuz", "chokepoint:suez", "chokepoint:gibraltar"}),
    ],
)
def test_known_ways(
    network: Network, tariffs: dict[str, Tariff], load: str, land: str, wanted: set[str]
) -> None:
    assert wanted <= passes(network, tariffs["suezmax"], load, land)


# Ids.


def test_unknown_ids_offer_the_nearest(network: Network) -> None:
    with pytest.raises(UnknownIdError, match="did you mean chokepoint:malacca"):
        network.word(["chokepoint:malaca"])
    with pytest.raises(UnknownIdError, match="did you mean"):
        network.rows(["SARTAA"])


def test_words_and_elements_are_inverse(network: Network) -> None:
    lot = np.random.default_rng(24)
    for _ in range(20):
        chosen = set(lot.choice(network.passages, int(lot.integers(0, 9)), replace=False).tolist())
        assert set(network.elements(network.word(chosen))) == chosen


def test_a_gate_across_dry_land_is_a_fault(world: World, sea: SeaGraph) -> None:
    from dataclasses import replace

    from corridors.gates import build_network

    gates = world.chokepoints.copy()
    gates.loc[0, ["lon1", "lat1", "lon2", "lat2"]] = [20.0, 25.0, 21.0, 25.0]  # in the Sahara
    with pytest.raises(DataError, match="crosses no sea link"):
        build_network(replace(world, chokepoints=gates), sea)
