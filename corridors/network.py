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

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from layers.errors import DataError, Fault, UnknownIdError
from layers.geo import arcs_cross, unit
from layers.sea import SeaGraph, port_links
from layers.world import records

if TYPE_CHECKING:
    import pandas as pd

    from layers.world import World

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
Arrays = dict[str, npt.NDArray[np.generic]]
Remember = Callable[[str, Callable[[], Arrays]], Arrays]
"""Give back the arrays kept under a key, or make and keep them."""

RUNNING = ("operating",)
MAX_PASSAGES = 64  # a set of passages is one 64-bit word


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
    free: csr_array
    lanes: csr_array
    _row_of_port: Mapping[str, int] = field(repr=False)

    def rows(self, ports: Iterable[str]) -> Ints:
        """Rows of ``leg_km`` of some ports.

        Raises
        ------
        UnknownIdError
            For a port that is not on the sea network.
        """
        try:
            return np.array([self._row_of_port[p] for p in ports], dtype=np.int64)
        except KeyError as missing:
            raise UnknownIdError("port", str(missing.args[0]), self.ports) from None

    def on_sea(self, port: str) -> bool:
        """Whether a port has a way to the sea."""
        return port in self._row_of_port

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

    def usable(self, closed: np.uint64 | int = 0) -> Bools:
        """(crossings,) crossings left when some passages are shut besides those shut by default."""
        shut = np.uint64(closed)
        for i in np.flatnonzero(~self.open):
            shut |= np.uint64(1) << np.uint64(i)
        return np.asarray((self.bits & shut) == 0)


def build_network(world: World, sea: SeaGraph, *, remember: Remember | None = None) -> Network:
    """Lay the gates across the sea graph and measure the gate-free stretches.

    Parameters
    ----------
    world
        Checked tables; chokepoints, ports and pipelines are used.
    sea
        The sea graph.
    remember
        Keeps the (rows, rows) distances between runs; they cost a second or two.

    Raises
    ------
    DataError
        For a gate that crosses no link, and for more than 64 passages.
    """
    gates = world.chokepoints
    crossed = _crossed_gates(sea, gates)
    passages = [f"chokepoint:{c}" for c in gates["chokepoint"]]
    bridges = _land_bridges(world)
    passages += sorted({b[0] for b in bridges})
    if len(passages) > MAX_PASSAGES:
        many = f"{len(passages)} passages; at most {MAX_PASSAGES}"
        raise DataError([Fault("data/chokepoints.csv", 0, "chokepoint", many)])
    links = np.flatnonzero((crossed != 0) & ~sea.shortcut)
    ties = _port_ties(world, sea)
    at_sea = np.unique(ties[0])
    ports = world.ports["port"].to_numpy()[at_sea].tolist()
    free = _free_graph(sea, crossed == 0, ties)
    lanes = _free_graph(sea, (crossed == 0) & ~sea.shortcut, ties)
    node_of_port = {p: len(sea.lon) + i for i, p in enumerate(ports)}

    entry = np.concatenate([sea.u[links], sea.v[links]]).astype(np.int64)
    exit_ = np.concatenate([sea.v[links], sea.u[links]]).astype(np.int64)
    km = np.concatenate([sea.km[links], sea.km[links]])
    bits = np.concatenate([crossed[links], crossed[links]])
    bridge_rows = [b for b in bridges if b[1] in node_of_port and b[2] in node_of_port]
    entry = np.append(entry, [node_of_port[b[1]] for b in bridge_rows]).astype(np.int64)
    exit_ = np.append(exit_, [node_of_port[b[2]] for b in bridge_rows]).astype(np.int64)
    km = np.append(km, np.zeros(len(bridge_rows)))
    bits = np.append(
        bits, [np.uint64(1) << np.uint64(passages.index(b[0])) for b in bridge_rows]
    ).astype(np.uint64)

    row_node = np.unique(
        np.concatenate([entry, exit_, list(node_of_port.values())]).astype(np.int64)
    )
    legs = _leg_km(free, row_node) if remember is None else _remembered(remember, free, row_node)
    row = {int(n): i for i, n in enumerate(row_node)}
    port_row = np.array([row[node_of_port[p]] for p in ports], dtype=np.int64)
    return Network(
        passages=tuple(passages),
        open=np.array([o == "yes" for o in gates["open"]] + [True] * (len(passages) - len(gates))),
        entry=np.array([row[int(n)] for n in entry]),
        exit=np.array([row[int(n)] for n in exit_]),
        km=km,
        bits=bits,
        ports=tuple(ports),
        port_row=port_row,
        leg_km=legs,
        row_node=row_node,
        region=connected_components(free, directed=False)[1][row_node].astype(np.int64),
        lon=np.append(sea.lon, world.ports["lon"].to_numpy()[at_sea]),
        lat=np.append(sea.lat, world.ports["lat"].to_numpy()[at_sea]),
        free=free,
        lanes=lanes,
        _row_of_port=dict(zip(ports, port_row.tolist(), strict=True)),
    )


def _crossed_gates(sea: SeaGraph, gates: pd.DataFrame) -> Bits:
    """(links,) the gates each link crosses, one bit a gate; shortcuts that cross one count too."""
    point = unit(sea.lon, sea.lat)
    start = unit(gates["lon1"].to_numpy(), gates["lat1"].to_numpy())
    end = unit(gates["lon2"].to_numpy(), gates["lat2"].to_numpy())
    crossed = np.zeros(len(sea.u), dtype=np.uint64)
    base = ~sea.shortcut
    faults = []
    for i, name in enumerate(gates["chokepoint"]):
        height = point @ np.cross(start[i], end[i])
        near = np.flatnonzero(height[sea.u] * height[sea.v] <= 0)
        hit = near[arcs_cross(point[sea.u[near]], point[sea.v[near]], start[i], end[i])]
        crossed[hit] |= np.uint64(1) << np.uint64(i)
        if not base[hit].any():
            why = f"the gate of {name!r} crosses no sea link"
            faults.append(Fault("data/chokepoints.csv", i + 2, "lon1", why))
    if faults:
        raise DataError(faults)
    return crossed


def _land_bridges(world: World) -> list[tuple[str, str, str]]:
    """(element, port in, port out) of every line that runs from sea to sea, each way it may run."""
    bridges = []
    lines = world.pipelines
    both = lines[
        (lines["from_port"] != "") & (lines["to_port"] != "") & lines["status"].isin(RUNNING)
    ]
    for row in records(both):
        element = f"pipeline:{row['pipeline']}"
        bridges.append((element, row["from_port"], row["to_port"]))
        if row["direction"] == "reversible":
            bridges.append((element, row["to_port"], row["from_port"]))
    return bridges


def _port_ties(world: World, sea: SeaGraph) -> tuple[Ints, Ints, Floats]:
    """Port, sea node and km of every tie of a port to the sea that is not too long."""
    gates = world.chokepoints
    arcs = (
        unit(gates["lon1"].to_numpy(), gates["lat1"].to_numpy()),
        unit(gates["lon2"].to_numpy(), gates["lat2"].to_numpy()),
    )
    lon, lat = world.ports["lon"].to_numpy(), world.ports["lat"].to_numpy()
    port, node, km = port_links(sea, lon, lat, gates=arcs)
    near = km <= world.assumption("connector_max_km")
    return port[near], node[near], km[near]


def _free_graph(sea: SeaGraph, keep: Bools, ties: tuple[Ints, Ints, Floats]) -> csr_array:
    """The graph of some links and the ports tied to it; ports follow the nodes of the sea."""
    at_sea, place = np.unique(ties[0], return_inverse=True)
    return _least_links(
        np.concatenate([sea.u[keep], len(sea.lon) + place]),
        np.concatenate([sea.v[keep], ties[1]]),
        np.concatenate([sea.km[keep], ties[2]]),
        len(sea.lon) + len(at_sea),
    )


def _least_links(u: Ints, v: Ints, km: Floats, nodes: int) -> csr_array:
    """Both directions of every link, the shortest where two nodes are linked twice."""
    low, high = np.minimum(u, v), np.maximum(u, v)
    order = np.lexsort((km, high, low))
    low, high, km = low[order], high[order], np.maximum(km[order], 1e-9)
    first = np.append(True, (np.diff(low) != 0) | (np.diff(high) != 0))
    low, high, km = low[first], high[first], km[first]
    pair = (np.append(low, high), np.append(high, low))
    return coo_array((np.append(km, km), pair), shape=(nodes, nodes)).tocsr()


def _leg_km(free: csr_array, row_node: Ints, *, chunk: int = 64) -> Floats:
    """(rows, rows) shortest gate-free distances, km."""
    parts = [
        dijkstra(free, indices=row_node[i : i + chunk])[:, row_node]
        for i in range(0, len(row_node), chunk)
    ]
    return np.vstack(parts)


def _remembered(remember: Remember, free: csr_array, row_node: Ints) -> Floats:
    """``_leg_km`` kept under the hash of everything it depends on."""
    content = hashlib.blake2b(digest_size=16)
    for array in (free.data, free.indices, free.indptr, row_node):
        content.update(np.ascontiguousarray(array).tobytes())
    kept = remember(f"legs-{content.hexdigest()}", lambda: {"leg_km": _leg_km(free, row_node)})
    return np.asarray(kept["leg_km"], dtype=np.float64)


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


def crossing_usd_t(network: Network, tariff: Tariff) -> Floats:
    """(crossings,) cost of going across, USD/t: its own length and what its passages charge."""
    charge = np.where(np.isfinite(tariff.passage_usd_t), tariff.passage_usd_t, 0.0)
    return network.km * tariff.usd_t_km + members(network.bits, len(network.passages)) @ charge


def members(bits: Bits, passages: int) -> Bools:
    """(n, passages) one column a passage: whether it is in the set."""
    shift = np.arange(passages, dtype=np.uint64)
    return np.asarray((bits[..., None] >> shift) & np.uint64(1), dtype=np.bool_)


def _live(network: Network, tariff: Tariff, closed: np.uint64 | int, among: Ints | None) -> Ints:
    """Crossings that are open and that the ship fits, among some or all of them."""
    too_big = (p for p, fits in zip(network.passages, tariff.fits, strict=True) if not fits)
    live = np.flatnonzero(network.usable(np.uint64(closed) | network.word(too_big)))
    return live if among is None else live[np.isin(live, among)]


def reachable(
    network: Network, tariff: Tariff, start: Ints, end: Ints, closed: np.uint64 | int = 0
) -> Bools:
    """(pairs,) whether any path leads from row to row at any cost.

    Pieces of sea and the crossings between them make a graph of a few dozen nodes.
    """
    live = _live(network, tariff, closed, None)
    names, piece = np.unique(network.region, return_inverse=True)
    leads = np.eye(len(names), dtype=np.bool_)
    leads[piece[network.entry[live]], piece[network.exit[live]]] = True
    for k in range(len(names)):
        leads |= leads[:, k, None] & leads[k]
    return np.asarray(leads[piece[start], piece[end]])


def least_cost(
    network: Network,
    tariff: Tariff,
    origins: Ints,
    destinations: Ints,
    closed: np.uint64 | int = 0,
    *,
    among: Ints | None = None,
) -> Floats:
    """(origins, destinations) least cost, USD/t; inf where no path exists at any cost.

    Parameters
    ----------
    origins, destinations
        Rows of ``Network.leg_km`` (see ``Network.rows``).
    closed
        Word of passages shut besides those shut by default.
    among
        Crossings to look among; all of them when not given.
    """
    live = _live(network, tariff, closed, among)
    cross = crossing_usd_t(network, tariff)[live]
    entry, exit_ = network.entry[live], network.exit[live]
    chain = _stretch(network, tariff, exit_, entry) + cross
    _close(chain)
    to = _stretch(network, tariff, origins, entry) + cross
    np.minimum(to, _min_plus(to, chain), out=to)
    direct = _stretch(network, tariff, origins, destinations)
    return np.minimum(direct, _min_plus(to, _stretch(network, tariff, exit_, destinations)))


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
    cost += crossing_usd_t(network, tariff)[live]
    bits = np.broadcast_to(network.bits[live], cost.shape).copy()
    _close_with_bits(cost, bits)
    return Chains(live, cost, bits)


def reach(
    network: Network, tariff: Tariff, through: Chains, origins: Ints, destinations: Ints
) -> Reach:
    """Least costs as in ``least_cost``, with the passages used and the cost by each crossing."""
    live = through.live
    entry, exit_, bits = network.entry[live], network.exit[live], network.bits[live]
    to = _stretch(network, tariff, origins, entry) + crossing_usd_t(network, tariff)[live]
    to_bits = np.broadcast_to(bits, to.shape).copy()
    _improve(to, to_bits, to.copy(), to_bits.copy(), through.cost, through.bits)

    last = _stretch(network, tariff, exit_, destinations)
    none = np.zeros(last.shape, dtype=np.uint64)
    on, on_bits = last.copy(), none.copy()
    _improve(on, on_bits, through.cost, through.bits, last, none)

    cost = _stretch(network, tariff, origins, destinations)
    cost_bits = np.zeros(cost.shape, dtype=np.uint64)
    _improve(cost, cost_bits, to, to_bits, last, none)
    return Reach(live, cost, cost_bits, to, to_bits, on, on_bits)


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
    for k in range(len(chain)):
        through = chain[:, k, None] + chain[k]
        better = through < chain
        np.copyto(chain, through, where=better)
        np.copyto(bits, bits[:, k, None] | bits[k], where=better)


def _min_plus(a: Floats, b: Floats) -> Floats:
    """The (min, +) product of two cost matrices."""
    best = np.full((len(a), b.shape[1]), np.inf)
    through = np.empty_like(best)
    for k in range(len(b)):
        np.add(a[:, k, None], b[k], out=through)
        np.minimum(best, through, out=best)
    return best


def _improve(cost: Floats, bits: Bits, a: Floats, a_bits: Bits, b: Floats, b_bits: Bits) -> None:
    """Lower ``cost`` to the (min, +) product of a and b where that is less, with its passages."""
    for k in range(len(b)):
        through = a[:, k, None] + b[k]
        better = through < cost
        np.copyto(cost, through, where=better)
        np.copyto(bits, a_bits[:, k, None] | b_bits[k], where=better)
