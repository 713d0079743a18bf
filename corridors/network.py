"""The sea as a gate graph: any route is a chain of gate-free stretches and passages.

A *passage* is what a route crosses and a scenario can shut: a chokepoint, found where a sea link
crosses the chokepoint's gate line, or a land bridge, a pipeline between two ports such as SUMED.
Take every passage out of the graph once, measure what is left once, and every later question
("and with Malacca shut?") is a small min-plus problem over a few hundred crossings instead of a
search over two hundred thousand links.

    T  crossing → crossing      closure of  leg(exit x, entry y) + cost(y)      Floyd–Warshall
    F  port → crossing          leg(port, entry x) + cost(x) + T(x, y)
    B  crossing → port          T(y, z) + leg(exit z, port)
    best(o, d) = min( leg(o, d),  min_y F(o, y) + leg(exit y, d) )

The answer equals a search of the whole graph to rounding (``tests/test_network.py`` proves it for
every single closure and 200 random multiple ones).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from layers.errors import UnknownIdError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
Arrays = dict[str, npt.NDArray[np.generic]]
SMALL = 300_000  # sums a (min, +) product makes at once rather than one row at a time

Remember = Callable[[str, Callable[[], Arrays]], Arrays]
"""Give back the arrays kept under a key, or make and keep them."""


@dataclass(frozen=True)
class Links:
    """Links of a graph in compressed rows: of node i, ``indices[indptr[i]:indptr[i+1]]``, km."""

    km: Floats
    indices: Ints
    indptr: Ints

    @cached_property
    def matrix(self) -> csr_array:
        """(nodes, nodes) as SciPy takes it."""
        from scipy.sparse import csr_array  # here, so that a start without it stays quick

        nodes = len(self.indptr) - 1
        return csr_array((self.km, self.indices, self.indptr), shape=(nodes, nodes))


@dataclass(frozen=True)
class Network:
    """The gate graph and the sea graph under it.

    Attributes
    ----------
    passages
        Element id of every passage; its position is its bit.
    open
        (passages,) whether the passage may be used when no scenario says otherwise.
    entry, exit, km, bits
        (crossings,) rows of ``leg_km`` where a directed crossing starts and ends, its own length,
        and the passages it crosses (one bit each; two when one link crosses two gates).
    ports
        Port ids on the sea, in the order of ``port_row``; a port with no way to the sea is absent.
    leg_km
        (rows, rows) shortest gate-free distance, km; inf where there is none.
    row_node
        (rows,) node of each row in ``lon``, ``lat``, ``free`` and ``lanes``.
    region
        (rows,) the gate-free piece of sea each row lies in.
    free, lanes
        The graph without its passages: all of it, and without the shortcuts (to draw).
    """

    passages: tuple[str, ...]
    open: Bools
    entry: Ints
    exit: Ints
    km: Floats
    bits: Bits
    ports: tuple[str, ...]
    port_row: Ints
    leg_km: Floats
    row_node: Ints
    region: Ints
    lon: Floats
    lat: Floats
    free: Links
    lanes: Links
    row_of_port: Mapping[str, int] = field(repr=False)

    def rows(self, ports: Iterable[str]) -> Ints:
        """Rows of ``leg_km`` of some ports.

        Raises
        ------
        UnknownIdError
            For a port that is not on the sea network.
        """
        try:
            return np.array([self.row_of_port[p] for p in ports], dtype=np.int64)
        except KeyError as missing:
            raise UnknownIdError("port", str(missing.args[0]), self.ports) from None

    def on_sea(self, port: str) -> bool:
        """Whether a port has a way to the sea."""
        return port in self.row_of_port

    def bit(self, element: str) -> np.uint64:
        """The bit of a passage.

        Raises
        ------
        UnknownIdError
            For an element that is not a passage.
        """
        if element not in self.passages:
            raise UnknownIdError("passage", element, self.passages)
        return np.uint64(1) << np.uint64(self.passages.index(element))

    def word(self, elements: Iterable[str]) -> np.uint64:
        """A set of passages as one word.

        Raises
        ------
        UnknownIdError
            For an element that is not a passage.
        """
        word = np.uint64(0)
        for element in elements:
            word |= self.bit(element)
        return word

    def elements(self, word: np.uint64 | int) -> tuple[str, ...]:
        """The passages of a word."""
        return tuple(p for i, p in enumerate(self.passages) if int(word) >> i & 1)

    @cached_property
    def paths(self) -> dict[tuple[int, int], Ints]:
        """(links, 2) nodes of the links under each stretch looked up so far, by its rows.

        Filled by ``corridors.lanes``: where cargo is drawn is asked for far more often than the
        few thousand stretches there are.
        """
        return {}

    @cached_property
    def shut(self) -> np.uint64:
        """Passages shut when no scenario says otherwise, as one word."""
        return self.word(
            p for p, is_open in zip(self.passages, self.open, strict=True) if not is_open
        )


@dataclass(frozen=True)
class Tariff:
    """What one ship class pays for one commodity.

    Attributes
    ----------
    usd_t_km
        Hire, fuel and the cargo's capital cost, USD per tonne and km at sea.
    passage_usd_t, passage_d
        (passages,) toll and the cost of the delay, USD/t; the delay itself, days.
    fits
        (passages,) whether the ship may pass.
    km_d
        Distance a day, km.
    """

    usd_t_km: float
    passage_usd_t: Floats
    passage_d: Floats
    fits: Bools
    km_d: float

    @cached_property
    def too_big(self) -> np.uint64:
        """Passages the ship does not fit, as one word."""
        bits = np.uint64(1) << np.arange(len(self.fits), dtype=np.uint64)
        return np.uint64(np.bitwise_or.reduce(bits[~self.fits], initial=np.uint64(0)))


@dataclass(frozen=True)
class Reach:
    """Least costs between some ports, and through every crossing on the way.

    Attributes
    ----------
    live
        (crossings left,) their positions in ``Network.entry``.
    cost, bits
        (origins, destinations) USD/t, inf where no path exists at any cost; passages used.
    to, to_bits
        (origins, live) least cost from the port to just beyond the crossing.
    on, on_bits
        (live, destinations) least cost from just beyond the crossing to the port.
    """

    live: Ints
    cost: Floats
    bits: Bits
    to: Floats
    to_bits: Bits
    on: Floats
    on_bits: Bits


def crossing_usd_t(network: Network, tariff: Tariff, crossings: Ints) -> Floats:
    """(crossings,) cost of going across, USD/t: its own length and what its passages charge."""
    charge = members(network.bits[crossings], len(network.passages)) @ tariff.passage_usd_t
    return np.asarray(network.km[crossings] * tariff.usd_t_km + charge)


def members(bits: Bits, passages: int) -> Bools:
    """(n, passages) one column a passage: whether it is in the set."""
    shift = np.arange(passages, dtype=np.uint64)
    return np.asarray((bits[..., None] >> shift) & np.uint64(1), dtype=np.bool_)


def _live(network: Network, tariff: Tariff, closed: np.uint64 | int, among: Ints | None) -> Ints:
    """Crossings that are open and that the ship fits, among some or all of them."""
    shut = network.shut | tariff.too_big | np.uint64(closed)
    if among is None:
        return np.flatnonzero((network.bits & shut) == 0)
    return np.asarray(among[(network.bits[among] & shut) == 0])


def reachable(
    network: Network, tariff: Tariff, start: Ints, end: Ints, closed: np.uint64 | int = 0
) -> Bools:
    """(pairs,) whether any path leads from row to row at any cost.

    Pieces of sea and the crossings between them make a graph of a few dozen nodes.
    """
    live = _live(network, tariff, closed, None)
    piece = network.region
    leads = np.eye(piece.max(initial=-1) + 1, dtype=np.bool_)
    leads[piece[network.entry[live]], piece[network.exit[live]]] = True
    for k in np.unique(piece[network.entry[live]]):
        leads |= leads[:, k, None] & leads[k]
    return np.asarray(leads[piece[start], piece[end]])


def least_cost(
    network: Network,
    tariff: Tariff,
    origins: Ints,
    destinations: Ints,
    closed: np.uint64 | int = 0,
) -> Floats:
    """(origins, destinations) least cost, USD/t; inf where no path exists at any cost.

    Parameters
    ----------
    origins, destinations
        Rows of ``Network.leg_km`` (see ``Network.rows``).
    closed
        Word of passages shut besides those shut by default.
    """
    live = _live(network, tariff, closed, None)
    to = _cost_beyond(network, tariff, live, origins)
    direct = _stretch(network, tariff, origins, destinations)
    last = _stretch(network, tariff, network.exit[live], destinations)
    return np.asarray(np.minimum(direct, _min_plus(to, last)))


def pair_cost(
    network: Network,
    tariff: Tariff,
    start: Ints,
    end: Ints,
    closed: np.uint64 | int,
    among: Ints,
) -> Floats:
    """(pairs,) least cost of pairs of rows over chains of the crossings among some, USD/t."""
    live = _live(network, tariff, closed, among)
    rows, place = np.unique(start, return_inverse=True)
    to = _cost_beyond(network, tariff, live, rows)
    last = network.leg_km[network.exit[live][:, None], end].T * tariff.usd_t_km
    direct = network.leg_km[start, end] * tariff.usd_t_km
    return np.asarray(np.minimum(direct, np.min(to[place] + last, axis=1, initial=np.inf)))


def _cost_beyond(network: Network, tariff: Tariff, live: Ints, origins: Ints) -> Floats:
    """(origins, live) least cost from each row to just beyond each crossing."""
    cross = crossing_usd_t(network, tariff, live)
    entry, exit_ = network.entry[live], network.exit[live]
    chain = _stretch(network, tariff, exit_, entry) + cross
    _close(chain)
    to = _stretch(network, tariff, origins, entry) + cross
    return np.asarray(np.minimum(to, _min_plus(to, chain)))


@dataclass(frozen=True)
class Chains:
    """Least costs between crossings for one tariff: what every search of it starts from.

    Attributes
    ----------
    live
        (crossings left,) their positions in ``Network.entry``.
    cost, bits
        (live, live) from just beyond one crossing to just beyond another, USD/t; passages crossed.
    """

    live: Ints
    cost: Floats
    bits: Bits


def chains(
    network: Network,
    tariff: Tariff,
    closed: np.uint64 | int = 0,
    *,
    among: Ints | None = None,
) -> Chains:
    """Least costs between the crossings left, or between those among some."""
    live = _live(network, tariff, closed, among)
    cost = _stretch(network, tariff, network.exit[live], network.entry[live])
    cost += crossing_usd_t(network, tariff, live)
    bits = np.broadcast_to(network.bits[live], cost.shape).copy()
    _close_with_bits(cost, bits)
    return Chains(live, cost, bits)


def pair_bits(
    network: Network,
    tariff: Tariff,
    start: Ints,
    end: Ints,
    closed: np.uint64 | int,
    among: Ints,
) -> Bits:
    """(pairs,) passages of the least-cost chain of pairs of rows over crossings among some."""
    through = chains(network, tariff, closed, among=among)
    rows, place = np.unique(start, return_inverse=True)
    to, to_bits = _to_beyond(network, tariff, through, rows)
    last = network.leg_km[network.exit[through.live][:, None], end].T * tariff.usd_t_km
    by = to[place] + last
    best = np.argmin(by, axis=1)
    direct = network.leg_km[start, end] * tariff.usd_t_km
    over = by[np.arange(len(by)), best] < direct
    return np.where(over, to_bits[place, best], np.uint64(0))


def reach(
    network: Network, tariff: Tariff, through: Chains, origins: Ints, destinations: Ints
) -> Reach:
    """Least cost and passages between rows, with the cost to and on from every crossing."""
    to, to_bits = _to_beyond(network, tariff, through, origins)
    cost, bits = _to_end(network, tariff, through, (to, to_bits), origins, destinations)
    last = _stretch(network, tariff, network.exit[through.live], destinations)
    none = np.zeros(last.shape, dtype=np.uint64)
    on, on_bits = last.copy(), none.copy()
    _improve(on, on_bits, through.cost, through.bits, last, none)
    return Reach(through.live, cost, bits, to, to_bits, on, on_bits)


def _to_beyond(
    network: Network, tariff: Tariff, through: Chains, origins: Ints
) -> tuple[Floats, Bits]:
    """(origins, live) least cost from each row to just beyond each crossing; its passages."""
    live = through.live
    to = _stretch(network, tariff, origins, network.entry[live])
    to += crossing_usd_t(network, tariff, live)
    bits = np.broadcast_to(network.bits[live], to.shape).copy()
    _improve(to, bits, to.copy(), bits.copy(), through.cost, through.bits)
    return to, bits


def _to_end(
    network: Network,
    tariff: Tariff,
    through: Chains,
    to: tuple[Floats, Bits],
    origins: Ints,
    destinations: Ints,
) -> tuple[Floats, Bits]:
    """(origins, destinations) least cost over the crossings reached, or without any."""
    last = _stretch(network, tariff, network.exit[through.live], destinations)
    cost = _stretch(network, tariff, origins, destinations)
    bits = np.zeros(cost.shape, dtype=np.uint64)
    _improve(cost, bits, *to, last, np.zeros(last.shape, dtype=np.uint64))
    return cost, bits


def _stretch(network: Network, tariff: Tariff, rows: Ints, columns: Ints) -> Floats:
    """(rows, columns) cost of sailing gate-free, USD/t."""
    return network.leg_km[np.ix_(rows, columns)] * tariff.usd_t_km


def _close(chain: Floats) -> None:
    """Floyd–Warshall in place: every chain of stretches and crossings at its least cost."""
    through = np.empty_like(chain)
    for k in range(len(chain)):
        np.add(chain[:, k, None], chain[k], out=through)
        np.minimum(chain, through, out=chain)


def _close_with_bits(chain: Floats, bits: Bits) -> None:
    """``_close``, keeping the passages each chain crosses."""
    through, better = np.empty_like(chain), np.empty(chain.shape, dtype=np.bool_)
    crossed = np.empty_like(bits)
    for k in range(len(chain)):
        np.add(chain[:, k, None], chain[k], out=through)
        np.less(through, chain, out=better)
        if better.any():
            np.copyto(chain, through, where=better)
            np.bitwise_or(bits[:, k, None], bits[k], out=crossed)
            np.copyto(bits, crossed, where=better)


def _min_plus(a: Floats, b: Floats) -> Floats:
    """The (min, +) product of two cost matrices."""
    if a.size * b.shape[1] < SMALL:
        return np.asarray((a[:, :, None] + b).min(axis=1, initial=np.inf))
    best = np.full((len(a), b.shape[1]), np.inf)
    through = np.empty_like(best)
    for k in range(len(b)):
        np.add(a[:, k, None], b[k], out=through)
        np.minimum(best, through, out=best)
    return best


def _improve(cost: Floats, bits: Bits, a: Floats, a_bits: Bits, b: Floats, b_bits: Bits) -> None:
    """Lower ``cost`` to the (min, +) product of a and b where that is less, with its passages."""
    least, by = min_plus_by(a, b)
    row, column = np.nonzero(least < cost)
    last = by[row, column]
    cost[row, column] = least[row, column]
    bits[row, column] = a_bits[row, last] | b_bits[last, column]


def min_plus_by(a: Floats, b: Floats) -> tuple[Floats, Ints]:
    """The (min, +) product of two cost matrices, and by which middle each of it is had.

    (rows of a, columns of b) both; of equal middles the first; inf and −1 where there is none.
    """
    least, by = np.full((len(a), b.shape[1]), np.inf), np.full((len(a), b.shape[1]), -1)
    if len(b):
        ends, every = np.ascontiguousarray(b.T), np.arange(b.shape[1])
        for i, row in enumerate(a):
            through = ends + row
            by[i] = through.argmin(axis=1)
            least[i] = through[every, by[i]]
    return least, by
