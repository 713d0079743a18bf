"""The best way left with any set of passages shut, for every pair of ports: exact, and kept.

Shutting a passage changes only the ways that use it. So the best way with a set K shut is found by
walking: take the best way of calm times; if it meets K, take the best way without the passages met;
and so on until a way meets K nowhere. That way is the best with K shut, because it is the best of a
larger set of ways. Each step is one pruned search (``corridors.assignment.without``) for the pairs
that need it, and is kept under the word of passages met, so that a thousand closures share the few
steps they have in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from corridors.assignment import Search, search, voyage, without
from corridors.network import Bits, Chains, Floats, Ints, Network, Tariff

__all__ = ["Detours", "Quotes", "Ways"]


@dataclass(frozen=True)
class Ways:
    """One way a pair; ``cost_usd_t`` is inf where none is left.

    Attributes
    ----------
    ship
        Position of the ship class in ``Search.ships``.
    bits
        Passages crossed.
    """

    ship: Ints
    bits: Bits
    cost_usd_t: Floats
    km: Floats
    days: Floats


@dataclass(frozen=True, eq=False)
class Detours:
    """Best ways of the pairs of a search, with any passages shut.

    Attributes
    ----------
    kept
        Cost (NaN: not asked yet) and passages of every pair, by ship class and word shut.
    """

    search: Search
    kept: dict[tuple[int, int], tuple[Floats, Bits]] = field(default_factory=dict, repr=False)

    def padded(self, pairs: int) -> dict[tuple[int, int], tuple[Floats, Bits]]:
        """What is kept, with room for pairs added at the end of the search.

        Least costs in calm times are read anew.
        """
        more = pairs - len(self.search.o)
        return {
            key: (
                np.append(cost, np.full(more, np.nan)),
                np.append(bits, np.zeros(more, dtype=np.uint64)),
            )
            for key, (cost, bits) in self.kept.items()
            if key[1]
        }

    def best(self, pairs: Ints, shut: Bits) -> Ways:
        """The best way of some pairs over all ship classes.

        Parameters
        ----------
        pairs
            Positions of pairs.
        shut
            (ships,) word of passages shut to each ship class, besides those shut by default.
        """
        cost, ship = np.full(len(pairs), np.inf), np.zeros(len(pairs), dtype=np.int64)
        bits = np.zeros(len(pairs), dtype=np.uint64)
        for i in range(len(self.search.ships)):
            # Shutting a passage lowers no cost: a class dearer in calm times stays dearer.
            calm = self._calm(i)[0][pairs]
            may = np.flatnonzero(calm < cost)
            if len(may):
                usd_t, crossed = self._without(i, pairs[may], np.uint64(shut[i]))
                better = usd_t < cost[may]
                at = may[better]
                cost[at], bits[at], ship[at] = usd_t[better], crossed[better], i
        finite = np.where(np.isfinite(cost), cost, 0.0)
        km, days = voyage(self.search.network, self.search.tariffs, ship, bits, finite)
        return Ways(ship, bits, cost, km, days)

    def _calm(self, ship: int) -> tuple[Floats, Bits]:
        if (ship, 0) not in self.kept:
            found = self.search
            by = found.reaches[ship]
            self.kept[ship, 0] = (by.cost[found.o, found.d], by.bits[found.o, found.d])
        return self.kept[ship, 0]

    def _without(self, ship: int, pairs: Ints, shut: np.uint64) -> tuple[Floats, Bits]:
        """(pairs,) least cost and passages of one ship class."""
        calm = self._calm(ship)
        cost, bits = calm[0][pairs], calm[1][pairs]
        met = np.zeros(len(pairs), dtype=np.uint64)
        while True:
            blocked = np.flatnonzero(((bits & shut) != 0) & np.isfinite(cost))
            if not len(blocked):
                return cost, bits
            met[blocked] |= bits[blocked] & shut
            for word in np.unique(met[blocked]):
                at = blocked[met[blocked] == word]
                cost[at], bits[at] = self._step(ship, pairs[at], word)

    def _step(self, ship: int, pairs: Ints, word: np.uint64) -> tuple[Floats, Bits]:
        key = (ship, int(word))
        if key not in self.kept:
            count = len(self.search.o)
            self.kept[key] = (np.full(count, np.nan), np.zeros(count, dtype=np.uint64))
        cost, bits = self.kept[key]
        new = pairs[np.isnan(cost[pairs])]
        if len(new):
            cost[new], bits[new] = without(self.search, ship, new, self.search.closed | word)
        return cost[pairs], bits[pairs]


class Quotes:
    """Best ways between any two ports, found when asked for and kept, with any passages shut.

    Parameters
    ----------
    tariffs
        Of each ship class that may carry the cargo.
    closures
        Of each tariff with nothing shut (``corridors.network.chains``).
    """

    def __init__(
        self, network: Network, tariffs: Mapping[str, Tariff], closures: Mapping[str, Chains]
    ) -> None:
        self._network, self._tariffs, self._closures = network, tariffs, closures
        self._place: dict[tuple[str, str], int] = {}
        self._detours: Detours | None = None

    def best(self, shut: Bits, pairs: Sequence[tuple[str, str]]) -> Ways:
        """The best way of each pair of ports, (loading, landing), with passages shut."""
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._place]
        if new or self._detours is None:
            self._detours = self._grown(new)
        where = np.array([self._place[pair] for pair in pairs], dtype=np.int64)
        return self._detours.best(where, shut)

    def _grown(self, new: Sequence[tuple[str, str]]) -> Detours:
        """The detours with more pairs; what was found of the others stays."""
        for pair in new:
            self._place[pair] = len(self._place)
        ships, pairs = list(self._tariffs), list(self._place)
        found = search(self._network, self._tariffs, self._closures, pairs, ships)
        return Detours(found, self._detours.padded(len(pairs)) if self._detours else {})
