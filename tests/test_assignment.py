"""Routes and their shares: formulas by hand, and the pruned search against the full one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridors.assignment import (
    Choice,
    Routes,
    Search,
    logit,
    next_best,
    path_size,
    sea_routes,
    search,
)
from corridors.network import Network, Tariff, chains, least_cost

ALONE = np.zeros(3, dtype=np.int64)
CRUDE = ("vlcc", "suezmax", "aframax")


# Formulas, by hand.


def test_logit_by_hand() -> None:
    # exp(-10), exp(-11), exp(-13) over their sum.
    share = logit(np.array([100.0, 110.0, 130.0]), np.ones(3), ALONE, theta=0.1)
    assert share == pytest.approx([0.705385, 0.259496, 0.035119], abs=5e-7)


def test_path_size_by_hand() -> None:
    # Three routes of length 10; the second and third share 8: PS = 2/10 + 8/10/2 = 0.6.
    stretch = np.array([0, 1, 2, 1, 3])
    km = np.array([10.0, 8.0, 2.0, 8.0, 2.0])
    route = np.array([0, 1, 1, 2, 2])
    size = path_size(stretch, km, route, np.zeros(5, dtype=np.int64), 3)
    assert size == pytest.approx([1.0, 0.6, 0.6])
    share = logit(np.full(3, 100.0), size, ALONE, theta=0.1)
    assert share == pytest.approx([0.454545, 0.272727, 0.272727], abs=5e-7)


def test_path_size_counts_only_rivals() -> None:
    # The same stretch in another group is no overlap.
    size = path_size(np.array([7, 7]), np.array([5.0, 5.0]), np.arange(2), np.arange(2), 2)
    assert size == pytest.approx([1.0, 1.0])


def test_path_size_of_nothing_is_one() -> None:
    assert path_size(np.array([0]), np.array([0.0]), np.array([0]), np.array([0]), 1) == 1.0


def test_shares_are_taken_within_groups() -> None:
    share = logit(
        np.array([100.0, 5.0, 110.0, 5.0]), np.ones(4), np.array([4, -2, 4, -2]), theta=0.1
    )
    odds = np.exp(1.0)
    assert share == pytest.approx([odds / (1 + odds), 0.5, 1 / (1 + odds), 0.5])


def test_logit_bears_any_cost() -> None:
    share = logit(np.array([1e6, 1e6 + 1, 0.0]), np.ones(3), np.array([0, 0, 1]), theta=6.0)
    assert np.isfinite(share).all()
    assert share[:2].sum() == pytest.approx(1.0)
    assert share[2] == 1.0


@given(
    cost=st.lists(st.floats(0, 1e5), min_size=1, max_size=20),
    theta=st.floats(0.01, 10),
    data=st.data(),
)
def test_shares_of_each_group_sum_to_one(
    cost: list[float], theta: float, data: st.DataObject
) -> None:
    count = len(cost)
    group = np.array(data.draw(st.lists(st.integers(-3, 3), min_size=count, max_size=count)))
    size = np.array(data.draw(st.lists(st.floats(0.05, 1), min_size=count, max_size=count)))
    share = logit(np.array(cost), size, group, theta=theta)
    assert ((share >= 0) & (share <= 1 + 1e-12)).all()
    for one in np.unique(group):
        assert share[group == one].sum() == pytest.approx(1.0)


# The real world: what the search keeps, and what it throws away.


@pytest.fixture(scope="module")
def pairs(network: Network) -> list[tuple[str, str]]:
    """Return pairs of ports on known hauls, and others by lot."""
    known = [
        ("SARTA", "CNNGB"), ("SARTA", "NLRTM"), ("RUNVS", "CNNGB"), ("NGBON", "CNNGB"),
        ("RUPRI", "INSIK"), ("SAYNB", "CNNGB"), ("AEFJR", "JPCHB"), ("USHOU", "CNNGB"),
        ("BRTUB", "CNTAO"), ("RUNVS", "NLRTM"), ("RUNVS", "INSIK"), ("ITTRS", "CNNGB"),
    ]  # fmt: skip
    lot = np.random.default_rng(30)
    some = lot.choice(network.ports, (60, 2))
    return [p for p in known if all(map(network.on_sea, p))] + [
        (str(a), str(b)) for a, b in some if a != b
    ]


@pytest.fixture(scope="module")
def choice() -> Choice:
    """Return a choice that keeps many alternatives, so that there is something to look at."""
    return Choice(theta=0.6, theta_low=0.25, theta_high=2.0, beta=1.0)


def searched(
    network: Network,
    tariffs: dict[str, Tariff],
    pairs: Sequence[tuple[str, str]],
    ships: Sequence[str],
    closed: Sequence[str] = (),
) -> Search:
    word = network.word(closed)
    through = {s: chains(network, tariffs[s], word) for s in ships}
    return search(network, tariffs, through, pairs, ships, closed=word)


CLOSED = [(), ("chokepoint:suez",), ("chokepoint:malacca", "chokepoint:bab_el_mandeb")]


@pytest.mark.parametrize("closed", CLOSED)
def test_next_best_equals_the_least_cost_with_that_passage_shut(
    network: Network,
    tariffs: dict[str, Tariff],
    pairs: list[tuple[str, str]],
    choice: Choice,
    closed: tuple[str, ...],
) -> None:
    # The pruning of crossings must lose nothing: the full search of the gate graph agrees.
    for ships in (CRUDE, ("lng_carrier",), ("capesize", "panamax_bulk", "supramax")):
        found = searched(network, tariffs, pairs, ships, closed)
        routes = sea_routes(found, choice)
        cost, days = next_best(found, routes)
        used = np.zeros(cost.shape, dtype=np.bool_)
        for pair, word in zip(routes.pair, routes.bits, strict=True):
            for element in network.elements(word):
                used[pair, network.passages.index(element)] = True
        assert (np.isnan(cost) == ~used).all()
        for passage in np.flatnonzero(used.any(axis=0)):
            shut = network.word([*closed, network.passages[passage]])
            full = np.min(
                [
                    least_cost(network, tariffs[s], found.origins, found.destinations, shut)
                    for s in ships
                ],
                axis=0,
            )[found.o, found.d]
            mine = used[:, passage]
            reached = np.isfinite(full) & mine
            assert (np.isfinite(cost[mine, passage]) == np.isfinite(full[mine])).all()
            np.testing.assert_allclose(cost[reached, passage], full[reached], rtol=1e-9)
            assert (days[reached, passage] > 0).all()
            assert np.isinf(days[mine & ~np.isfinite(full), passage]).all()


def cost_in_order(
    network: Network, fare: Tariff, ends: tuple[int, int], order: Sequence[int]
) -> float:
    """Return the least cost, USD/t, of passing just these passages, in this order, gate-free else.

    A crossing of two gates at once takes two places of the order.
    """
    start, end = ends
    best: list[dict[int, float]] = [{} for _ in range(len(order) + 1)]
    best[0][start] = 0.0
    for place in range(len(order)):
        for many in (1, 2, 3):
            word = np.uint64(0)
            for passage in order[place : place + many]:
                word |= np.uint64(1) << np.uint64(passage)
            if place + many > len(order):
                continue
            for crossing in np.flatnonzero(network.bits == word):
                entry, leave = int(network.entry[crossing]), int(network.exit[crossing])
                toll = sum(float(fare.passage_usd_t[p]) for p in order[place : place + many])
                over = float(network.km[crossing]) * fare.usd_t_km + toll
                for row, so_far in best[place].items():
                    here = so_far + float(network.leg_km[row, entry]) * fare.usd_t_km + over
                    ahead = best[place + many]
                    ahead[leave] = min(ahead.get(leave, np.inf), here)
    return min(
        (c + float(network.leg_km[row, end]) * fare.usd_t_km for row, c in best[-1].items()),
        default=np.inf,
    )


def kept(routes: Routes, route: int) -> list[int]:
    return [int(p) for p in routes.order[route] if p >= 0]


@pytest.mark.parametrize("closed", CLOSED[:2])
def test_passages_come_in_the_order_of_travel(
    network: Network,
    tariffs: dict[str, Tariff],
    pairs: list[tuple[str, str]],
    choice: Choice,
    closed: tuple[str, ...],
) -> None:
    # Sailing the passages in the order told, gate-free in between, costs no more than the route:
    # a wrong order does, and so does a set that takes crossing one passage twice.
    found = searched(network, tariffs, pairs, CRUDE, closed)
    routes = sea_routes(found, choice)
    wrong = []
    for route, (pair, ship) in enumerate(zip(routes.pair, routes.ship, strict=True)):
        ends = int(found.origins[found.o[pair]]), int(found.destinations[found.d[pair]])
        cost = cost_in_order(network, found.tariffs[ship], ends, kept(routes, route))
        if not cost <= routes.cost_usd_t[route] * (1 + 1e-9):
            names = [network.passages[p] for p in kept(routes, route)]
            wrong.append((pairs[pair], found.ships[ship], names, cost, routes.cost_usd_t[route]))
    assert not wrong, f"{len(wrong)} of {len(routes.pair)}, such as {wrong[:3]}"


def test_no_ship_turns_round_in_a_strait(
    network: Network, tariffs: dict[str, Tariff], pairs: list[tuple[str, str]], choice: Choice
) -> None:
    # The cheapest way *through* Malacca from the Gulf to Rotterdam goes in and out again (in 2024
    # prices 19.2 USD/t): that is no route. A way on past Bali and round the Cape is one.
    routes = sea_routes(searched(network, tariffs, pairs, CRUDE), choice)
    for route in range(len(routes.pair)):
        passed = kept(routes, route)
        assert len(set(passed)) == len(passed), [network.passages[p] for p in passed]


def test_the_cape_comes_before_the_straits_of_asia_on_the_way_east(
    network: Network, tariffs: dict[str, Tariff]
) -> None:
    # The straits lie nearer to the Black Sea than the Cape does, but by Suez, not by this way.
    keen = Choice(theta=0.3, theta_low=0.25, theta_high=0.35, beta=1.0)
    found = searched(network, tariffs, [("RUNVS", "CNNGB")], ("suezmax",))
    routes = sea_routes(found, keen)
    straits = {f"chokepoint:{name}" for name in ("malacca", "sunda", "lombok", "ombai_wetar")}
    ways = [[network.passages[p] for p in kept(routes, r)] for r in range(len(routes.pair))]
    east = [w for w in ways if "chokepoint:cape_good_hope" in w and straits & set(w)]
    assert east
    for way in east:
        first = min(way.index(strait) for strait in straits & set(way))
        assert way.index("chokepoint:cape_good_hope") < first


def test_routes_keep_their_promises(
    network: Network, tariffs: dict[str, Tariff], pairs: list[tuple[str, str]], choice: Choice
) -> None:
    found = searched(network, tariffs, pairs, CRUDE)
    routes = sea_routes(found, choice)
    best = np.min([r.cost[found.o, found.d] for r in found.reaches], axis=0)
    assert set(routes.pair.tolist()) == set(np.flatnonzero(np.isfinite(best)).tolist())
    for share in (routes.share, routes.share_low, routes.share_high):
        assert np.bincount(routes.pair, share)[np.isfinite(best)] == pytest.approx(1.0)
        assert (share >= 0).all()
    cheapest = np.full(len(pairs), np.inf)
    np.minimum.at(cheapest, routes.pair, routes.cost_usd_t)
    assert cheapest[np.isfinite(best)] == pytest.approx(best[np.isfinite(best)])
    for route, ship in enumerate(routes.ship):
        passed = kept(routes, route)
        assert set(passed) == {
            network.passages.index(e) for e in network.elements(routes.bits[route])
        }
        assert found.tariffs[ship].fits[passed].all()
    assert (routes.km > 0).all()
    assert (routes.days > 0).all()
    # Charges out of the cost, the rest is distance: never less than the straight line.
    charge = [
        found.tariffs[s].passage_usd_t[kept(routes, r)].sum() for r, s in enumerate(routes.ship)
    ]
    rate = np.array([found.tariffs[s].usd_t_km for s in routes.ship])
    assert routes.km == pytest.approx((routes.cost_usd_t - np.array(charge)) / rate)


def test_no_pairs_no_routes(network: Network, tariffs: dict[str, Tariff], choice: Choice) -> None:
    found = searched(network, tariffs, [], CRUDE)
    assert len(sea_routes(found, choice).pair) == 0


def test_a_pair_without_a_way_has_no_route(
    network: Network, tariffs: dict[str, Tariff], choice: Choice
) -> None:
    found = searched(network, tariffs, [("SARTA", "CNNGB")], CRUDE, ["chokepoint:hormuz"])
    routes = sea_routes(found, choice)
    assert len(routes.pair) == 0
    cost, _ = next_best(found, routes)
    assert np.isnan(cost).all()


def test_a_dearer_way_is_never_the_larger(
    network: Network, tariffs: dict[str, Tariff], pairs: list[tuple[str, str]]
) -> None:
    # Without the path-size term only cost decides.
    plain = Choice(theta=0.6, theta_low=0.25, theta_high=2.0, beta=0.0)
    routes = sea_routes(searched(network, tariffs, pairs, CRUDE), plain)
    for pair in np.unique(routes.pair):
        mine = routes.pair == pair
        by_cost = routes.share[mine][np.argsort(routes.cost_usd_t[mine], kind="stable")]
        assert (np.diff(by_cost) <= 1e-12).all()
