"""Flows onto routes: distinct alternatives from the gate graph, shares by path-size logit.

For a pair of ports the alternatives are the best routes *through each crossing*: cost to the
crossing plus cost on from it (single-via paths: Abraham, Delling, Goldberg & Werneck 2013). Out
of them go those that pass a passage twice, those that pass all that the best one passes and more,
and those so dear that the logit gives them under one in a thousand. Every ship class of the
commodity brings its own; a class that does not fit a passage never appears on it.

    P_r = exp(−θ·C_r + β·ln PS_r) / Σ_s exp(−θ·C_s + β·ln PS_s)
    PS_r = Σ_a (l_a / L_r) / N_a

with a the stretches between successive passages and N_a the alternatives that use the stretch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corridors.network import (
    Bits,
    Chains,
    Floats,
    Ints,
    Network,
    Reach,
    Tariff,
    crossing_usd_t,
    members,
    min_plus_by,
    pair_bits,
    pair_cost,
    reach,
    reachable,
)

NEGLIGIBLE = 1e-3  # a logit share under this is not worth a route


@dataclass(frozen=True)
class Choice:
    """Sensitivity of the route choice.

    Attributes
    ----------
    theta
        Central value, 1/(USD/t).
    theta_low, theta_high
        The range the share band is taken over.
    beta
        Weight of the path-size term.
    """

    theta: float
    theta_low: float
    theta_high: float
    beta: float


@dataclass(frozen=True)
class Routes:
    """Alternatives of pairs of ports; one position a route.

    Attributes
    ----------
    pair
        The pair a route belongs to.
    ship
        Position of its ship class in ``ships``.
    cost_usd_t, km, days
        Of the voyage, tolls and waiting included.
    bits
        Passages it crosses.
    order
        (routes, longest) passages in order of travel, −1 beyond the end.
    share, share_low, share_high
        Of the pair, at the central and at both ends of θ (which end gives less differs by route).
    """

    ships: tuple[str, ...]
    pair: Ints
    ship: Ints
    cost_usd_t: Floats
    km: Floats
    days: Floats
    bits: Bits
    order: Ints
    share: Floats
    share_low: Floats
    share_high: Floats


def logit(
    cost: Floats, path_size: Floats, group: Ints, *, theta: float, beta: float = 1.0
) -> Floats:
    """Shares of alternatives within their group; each group sums to 1.

    Parameters
    ----------
    cost
        USD/t.
    path_size
        In (0, 1]; 1 for an alternative that shares nothing.
    group
        Which alternatives compete; any integers.
    theta
        1/(USD/t).
    """
    _, place = np.unique(group, return_inverse=True)
    utility = -theta * cost + beta * np.log(path_size)
    best = np.full(place.max(initial=-1) + 1, -np.inf)
    np.maximum.at(best, place, utility)
    weight = np.exp(utility - best[place])
    return np.asarray(weight / np.bincount(place, weight)[place])


def path_size(stretch: Ints, km: Floats, route: Ints, group: Ints, routes: int) -> Floats:
    """(routes,) path size of each route.

    Parameters
    ----------
    stretch, km, route, group
        One position for each stretch of each route: what it is, its length, the route and the
        group the route competes in.
    routes
        How many routes there are.
    """
    key = group * (stretch.max(initial=0) + 1) + stretch
    _, place, users = np.unique(key, return_inverse=True, return_counts=True)
    length = np.bincount(route, km, minlength=routes)
    shared = np.bincount(route, km / users[place], minlength=routes)
    return np.asarray(np.where(length > 0, shared / np.where(length > 0, length, 1.0), 1.0))


@dataclass(frozen=True)
class Search:
    """Least costs between some pairs of ports, by each ship class that may carry the cargo.

    Attributes
    ----------
    tariffs, reaches
        One a ship class.
    origins, destinations
        Rows of the distinct ports.
    o, d
        (pairs,) positions in them.
    closed
        Word of passages shut besides those shut by default.
    """

    network: Network
    ships: tuple[str, ...]
    tariffs: tuple[Tariff, ...]
    reaches: tuple[Reach, ...]
    origins: Ints
    destinations: Ints
    o: Ints
    d: Ints
    closed: np.uint64


def search(
    network: Network,
    tariffs: Mapping[str, Tariff],
    closures: Mapping[str, Chains],
    pairs: Sequence[tuple[str, str]],
    ships: Sequence[str],
    *,
    closed: np.uint64 | int = 0,
) -> Search:
    """Least costs between pairs of ports (port of loading, port of landing).

    Parameters
    ----------
    tariffs, closures
        Of each ship class; the closures with the same passages shut.
    """
    origins, o = _places(network, [p[0] for p in pairs])
    destinations, d = _places(network, [p[1] for p in pairs])
    chosen = tuple(tariffs[s] for s in ships)
    reaches = tuple(reach(network, tariffs[s], closures[s], origins, destinations) for s in ships)
    return Search(
        network, tuple(ships), chosen, reaches, origins, destinations, o, d, np.uint64(closed)
    )


def sea_routes(found: Search, choice: Choice) -> Routes:
    """Alternatives of every pair and the share of each.

    A pair with no route at any cost has no position in the answer.
    """
    network, o, d = found.network, found.o, found.d
    if not len(o) or not found.ships:
        return _no_routes(found.ships)
    best = np.min([r.cost[o, d] for r in found.reaches], axis=0)
    limit = best - np.log(NEGLIGIBLE) / choice.theta
    parts = [_candidates(found, i, limit) for i in range(len(found.ships))]
    pair, bits, cost, order = _stacked(parts)
    ship = np.repeat(np.arange(len(parts)), [len(p.pair) for p in parts])
    km, days = voyage(network, found.tariffs, ship, bits, cost)
    start, end = found.origins[o[pair]], found.destinations[d[pair]]
    sizes = _path_sizes(network, order, start, end, pair)
    shares = [
        logit(cost, sizes, pair, theta=t, beta=choice.beta)
        for t in (choice.theta, choice.theta_low, choice.theta_high)
    ]
    return Routes(found.ships, pair, ship, cost, km, days, bits, order, *shares)


def joined(some: Routes, keep: npt.NDArray[np.bool_], more: Routes) -> Routes:
    """Some routes and more of the same ship classes."""

    def both(name: str) -> npt.NDArray[Any]:
        return np.concatenate([getattr(some, name)[keep], getattr(more, name)])

    return Routes(
        ships=some.ships,
        pair=both("pair"),
        ship=both("ship"),
        cost_usd_t=both("cost_usd_t"),
        km=both("km"),
        days=both("days"),
        bits=both("bits"),
        order=_one_width([some.order[keep], more.order]),
        share=both("share"),
        share_low=both("share_low"),
        share_high=both("share_high"),
    )


def next_best(found: Search, routes: Routes) -> tuple[Floats, Floats]:
    """(pairs, passages) least cost, USD/t, and days of each pair with one passage shut.

    inf where no ship of the cargo has a way left; NaN for a passage the pair does not use.
    """
    count = len(found.network.passages)
    uses = np.zeros((len(found.o), count), dtype=np.bool_)
    np.logical_or.at(uses, routes.pair, members(routes.bits, count))
    cost = np.where(uses, np.inf, np.nan)
    days = cost.copy()
    for ship in range(len(found.ships)):
        # Shutting a passage lowers no cost: a class dearer today than a detour found stays dearer.
        today = found.reaches[ship].cost[found.o, found.d]
        for passage in np.flatnonzero(uses.any(axis=0)):
            mine = np.flatnonzero(uses[:, passage] & (today < cost[:, passage]))
            if not len(mine):
                continue
            shut = np.uint64(1) << np.uint64(passage)
            usd_t, bits = without(found, ship, mine, found.closed | shut)
            better = np.flatnonzero(usd_t < cost[mine, passage])
            usd_t, bits, mine = usd_t[better], bits[better], mine[better]
            cost[mine, passage] = usd_t
            days[mine, passage] = voyage(
                found.network, [found.tariffs[ship]], np.zeros(len(mine), np.int64), bits, usd_t
            )[1]
    return cost, days


def without(found: Search, ship: int, pairs: Ints, shut: np.uint64) -> tuple[Floats, Bits]:
    """(pairs,) least cost, USD/t, of some pairs of one ship class with passages shut; its passages.

    inf where no way is left. ``shut`` holds the passages shut in ``found`` too.

    Exact, and cheap: a crossing can lie on the new best route only if the old least cost to it
    and on from it is no more than a detour already known, so most crossings drop out first, and
    most detours known already prove to be the best.
    """
    network, tariff, old = found.network, found.tariffs[ship], found.reaches[ship]
    o, d = found.o[pairs], found.d[pairs]
    start, end = found.origins[o], found.destinations[d]
    cost, bits = np.full(len(o), np.inf), np.zeros(len(o), dtype=np.uint64)
    left = np.flatnonzero(reachable(network, tariff, start, end, shut))
    if len(left):
        o, d, start, end = o[left], d[left], start[left], end[left]
        through = old.to[o] + old.on[:, d].T
        passed = old.to_bits[o] | old.on_bits[:, d].T
        known = np.where((passed & shut) == 0, through, np.inf)
        best = np.argmin(known, axis=1)
        rank = np.arange(len(o))
        direct = network.leg_km[start, end] * tariff.usd_t_km
        detour = np.minimum(known[rank, best], direct)
        detour_bits = np.where(known[rank, best] <= direct, passed[rank, best], np.uint64(0))
        may = (through <= detour[:, None] * (1 + 1e-12)).any(axis=0)
        exact = pair_cost(network, tariff, start, end, shut, old.live[may])
        cost[left], bits[left] = exact, detour_bits
        shorter = np.flatnonzero(exact < detour * (1 - 1e-9))
        if len(shorter):
            on_way = (through[shorter] <= exact[shorter, None] * (1 + 1e-12)).any(axis=0)
            ends = (start[shorter], end[shorter])
            bits[left[shorter]] = pair_bits(network, tariff, *ends, shut, old.live[on_way])
    return cost, bits


def _no_routes(ships: tuple[str, ...]) -> Routes:
    whole, real = np.empty(0, dtype=np.int64), np.empty(0)
    bits, order = np.empty(0, dtype=np.uint64), np.empty((0, 0), dtype=np.int64)
    return Routes(ships, whole, whole, real, real, real, bits, order, real, real, real)


def _places(network: Network, ports: Sequence[str]) -> tuple[Ints, Ints]:
    """Rows of the distinct ports, and where each given port stands among them."""
    names = {name: i for i, name in enumerate(sorted(set(ports)))}
    return network.rows(names), np.array([names[p] for p in ports], dtype=np.int64)


@dataclass(frozen=True)
class _Ways:
    """Routes of one ship class: pair, passages, cost, and passages in order of travel."""

    pair: Ints
    bits: Bits
    cost: Floats
    order: Ints


def _stacked(parts: Sequence[_Ways]) -> tuple[Ints, Bits, Floats, Ints]:
    return (
        np.concatenate([p.pair for p in parts]),
        np.concatenate([p.bits for p in parts]),
        np.concatenate([p.cost for p in parts]),
        _one_width([p.order for p in parts]),
    )


def _one_width(orders: Sequence[Ints]) -> Ints:
    """Orders of travel one under the other, −1 beyond the end of each."""
    longest = max((order.shape[1] for order in orders), default=0)
    return np.concatenate(
        [
            np.pad(order, ((0, 0), (0, longest - order.shape[1])), constant_values=-1)
            for order in orders
        ]
    )


def _candidates(found: Search, ship: int, limit: Floats) -> _Ways:
    """Routes of one ship class worth keeping: gate-free, or the best through each crossing."""
    by, o, d = found.reaches[ship], found.o, found.d
    direct = found.network.leg_km[found.origins[o], found.destinations[d]]
    cost = np.column_stack([direct * found.tariffs[ship].usd_t_km, by.to[o] + by.on[:, d].T])
    none = np.zeros((len(o), 1), dtype=np.uint64)
    before = np.column_stack([none, by.to_bits[o]])
    beyond = np.column_stack([none, by.on_bits[:, d].T])
    keep = (cost <= limit[:, None]) & np.isfinite(cost) & ((before & beyond) == 0)
    pair, column = np.nonzero(keep)
    bits, cost = np.bitwise_or(before, beyond)[pair, column], cost[pair, column]
    chosen = _distinct(pair, bits, cost)
    chosen = chosen[_undominated(pair[chosen], bits[chosen], cost[chosen])]
    order = _in_order(found, ship, pair[chosen], column[chosen] - 1)
    best = by.cost[o, d][pair[chosen]]
    sails = ~_turns_round(order) | (cost[chosen] <= best * (1 + 1e-12))
    chosen, order = chosen[sails], order[sails]
    return _Ways(pair[chosen], bits[chosen], cost[chosen], order)


def _distinct(pair: Ints, bits: Bits, cost: Floats) -> Ints:
    """Positions of the cheapest route of each pair and set of passages."""
    rank = np.lexsort((cost, bits, pair))
    new = (np.diff(pair[rank]) != 0) | (bits[rank][1:] != bits[rank][:-1])
    return np.asarray(rank[np.append(True, new)[: len(rank)]])


def _undominated(pair: Ints, bits: Bits, cost: Floats) -> Ints:
    """Positions of the routes that do not pass all that a cheaper one passes, and more."""
    rank = np.lexsort((cost, pair))
    first = np.searchsorted(pair[rank], pair[rank])
    place = np.arange(len(rank)) - first
    longest = int(place.max(initial=-1)) + 1
    table = np.zeros((int(pair.max(initial=-1)) + 1, longest), dtype=np.uint64)
    good = np.zeros(table.shape, dtype=np.bool_)
    table[pair[rank], place], good[pair[rank], place] = bits[rank], True
    for later in range(1, longest):
        for sooner in range(later):
            within = (table[:, later] & table[:, sooner]) == table[:, sooner]
            good[:, later] &= ~(within & good[:, sooner])
    return np.asarray(rank[good[pair[rank], place]])


def _in_order(found: Search, ship: int, pair: Ints, via: Ints) -> Ints:
    """(routes, longest) passages of each route in order of travel, −1 beyond the end.

    From the crossing a route goes through, its best way back to the start and its best way on to
    the end are followed one crossing at a time.
    """
    network, tariff, by = found.network, found.tariffs[ship], found.reaches[ship]
    back, ahead = _neighbours(network, tariff, by, found.origins, found.destinations)
    o, d = found.o[pair], found.d[pair]
    before, after = [], []
    here = via.copy()
    while (here >= 0).any():
        before.append(here)
        here = np.where(here >= 0, back[o, here], -1)
    here = np.where(via >= 0, ahead[via, d], -1)
    while (here >= 0).any():
        after.append(here)
        here = np.where(here >= 0, ahead[here, d], -1)
    chain = np.column_stack([*before[::-1], *after]) if before else np.empty((len(pair), 0), int)
    return _passages_of(network, by.live, chain)


def _turns_round(order: Ints) -> npt.NDArray[np.bool_]:
    """Whether each route passes a passage twice: in, and out again."""
    ranked = np.sort(order, axis=1)
    return np.asarray(((ranked[:, 1:] == ranked[:, :-1]) & (ranked[:, 1:] >= 0)).any(axis=1))


def _neighbours(
    network: Network, tariff: Tariff, by: Reach, origins: Ints, destinations: Ints
) -> tuple[Ints, Ints]:
    """The crossing before each on the way from an origin, and after each on the way to an end.

    (origins, live) and (live, destinations), positions in ``live``; −1 for none.
    """
    entry, exit_ = network.entry[by.live], network.exit[by.live]
    cross = crossing_usd_t(network, tariff, by.live)
    hop = network.leg_km[np.ix_(exit_, entry)] * tariff.usd_t_km
    through, back = min_plus_by(by.to, hop)
    first = network.leg_km[np.ix_(origins, entry)] * tariff.usd_t_km
    onward, ahead = min_plus_by(hop + cross, by.on)
    last = network.leg_km[np.ix_(exit_, destinations)] * tariff.usd_t_km
    return np.where(through < first, back, -1), np.where(onward < last, ahead, -1)


def _passages_of(network: Network, live: Ints, chain: Ints) -> Ints:
    """Passages of chains of crossings; a crossing of two passages gives both."""
    count = len(network.passages)
    rows, columns = np.nonzero(chain >= 0)
    crossed = members(network.bits[live[chain[rows, columns]]], count)
    which, passage = np.nonzero(crossed)
    row = rows[which]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    order = np.full((len(chain), int(place.max(initial=-1)) + 1), -1)
    order[row, place] = passage
    return order


def voyage(
    network: Network, tariffs: Sequence[Tariff], ship: Ints, bits: Bits, cost: Floats
) -> tuple[Floats, Floats]:
    """Distance, km, and duration, days, of routes whose cost and passages are known."""
    charge, wait = crossed(network, tariffs, ship, bits)
    rate = np.ones(len(bits))
    for i, tariff in enumerate(tariffs):
        rate[ship == i] = tariff.usd_t_km
    km = (cost - charge) / rate
    return km, km / _pace(tariffs, ship) + wait


def voyage_days(
    network: Network, tariffs: Sequence[Tariff], ship: Ints, bits: Bits, km: Floats
) -> Floats:
    """(ways,) days at sea and of waiting, of routes whose distance and passages are known."""
    return np.asarray(km / _pace(tariffs, ship) + crossed(network, tariffs, ship, bits)[1])


def crossed(
    network: Network, tariffs: Sequence[Tariff], ship: Ints, bits: Bits
) -> tuple[Floats, Floats]:
    """What the passages of routes charge, USD/t, and the days they take."""
    passed = members(bits, len(network.passages))
    charge, wait = np.zeros(len(bits)), np.zeros(len(bits))
    for i, tariff in enumerate(tariffs):
        mine = ship == i
        charge[mine] = passed[mine] @ tariff.passage_usd_t
        wait[mine] = passed[mine] @ tariff.passage_d
    return charge, wait


def _pace(tariffs: Sequence[Tariff], ship: Ints) -> Floats:
    """(ways,) km a day."""
    pace = np.ones(len(ship))
    for i, tariff in enumerate(tariffs):
        pace[ship == i] = tariff.km_d
    return pace


def _path_sizes(network: Network, order: Ints, start: Ints, end: Ints, pair: Ints) -> Floats:
    """(routes,) path size from the stretches between successive passages."""
    routes, longest = order.shape
    count = len(network.passages)
    between, ahead, behind = _stretch_km(network)
    stops = np.column_stack([np.full(routes, -1), order, np.full(routes, -1)])
    stretch, km, route = [], [], []
    for i in range(longest + 1):
        a, b = stops[:, i], stops[:, i + 1]
        here = np.flatnonzero((a >= 0) | (i == 0))
        a, b = a[here], b[here]
        span = np.where(
            a < 0,
            np.where(b < 0, network.leg_km[start[here], end[here]], ahead[start[here], b]),
            np.where(b < 0, behind[a, end[here]], between[a, b]),
        )
        stretch.append((a + 1) * (count + 1) + b + 1)
        km.append(np.where(np.isfinite(span), span, 0.0))
        route.append(here)
    where = np.concatenate(route) if route else np.empty(0, dtype=np.int64)
    return path_size(np.concatenate(stretch), np.concatenate(km), where, pair[where], routes)


def _stretch_km(network: Network) -> tuple[Floats, Floats, Floats]:
    """Shortest stretches passage → passage, row → passage and passage → row, km."""
    crosses = members(network.bits, len(network.passages)).T
    ahead = np.stack([_least(network.leg_km[:, network.entry[c]], 1) for c in crosses], axis=1)
    behind = np.stack([_least(network.leg_km[network.exit[c]], 0) for c in crosses])
    between = np.stack([_least(behind[:, network.entry[c]], 1) for c in crosses], axis=1)
    return between, ahead, behind


def _least(km: Floats, axis: int) -> Floats:
    return np.asarray(np.min(km, axis=axis, initial=np.inf))
