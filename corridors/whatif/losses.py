"""What a scenario takes away from one commodity: lost shares of passages, land elements, supply.

A limit is of the usual traffic and is full with it: new cargo keeps out of a passage that loses
anything, be it little. Where one cargo meets several limits at sea, the same ships lose first at
each of them: a way loses the greatest share along it, not the product. Losses on land and of supply
strike apart from those at sea.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from corridors.network import Bits, Floats, Ints, Network
from corridors.whatif.drawn import passages_of
from corridors.whatif.scenario import Rule

__all__ = ["Losses", "losses"]

WHOLE = 1.0 - 1e-9  # a share lost from which nothing is left


@dataclass(frozen=True, eq=False)
class Losses:
    """Lost shares, 0–1, for one commodity.

    Attributes
    ----------
    passage
        (ships, passages).
    land, supply
        Of ports and lines by element id; of origins by country.
    """

    passage: Floats
    land: Mapping[str, float]
    supply: Mapping[str, float]

    @property
    def any(self) -> bool:
        """Whether anything is lost at all."""
        return bool(self.passage.any() or self.land or self.supply)

    @property
    def limited(self) -> Bits:
        """(ships,) word of passages that lose any traffic: new cargo keeps out of them."""
        return _words(self.passage > 0)

    @property
    def closed(self) -> Bits:
        """(ships,) word of passages that lose all of it."""
        return _words(self.passage >= WHOLE)

    def of_ways(self, ship: Ints, bits: Bits) -> Floats:
        """(ways,) share lost: the greatest along each way."""
        lost = np.zeros(len(ship))
        for passage in np.flatnonzero(self.passage.any(axis=0)):
            crosses = np.flatnonzero(bits & (np.uint64(1) << np.uint64(passage)))
            lost[crosses] = np.maximum(lost[crosses], self.passage[ship[crosses], passage])
        return lost


def losses(
    network: Network, commodity: str, ships: tuple[str, ...], rules: Iterable[Rule]
) -> Losses:
    """What some rules take away from a commodity carried by some ship classes.

    A port or line shut to some ship classes loses nothing while others may carry the cargo there.
    The rules' elements are known ones (``corridors.whatif.scenario`` has seen to it); of two rules
    for one element the greater loss holds.
    """
    passage = np.zeros((len(ships), len(network.passages)))
    land, supply = dict[str, float](), dict[str, float]()
    for rule in rules:
        if rule.lost <= 0 or (rule.commodities and commodity not in rule.commodities):
            continue
        kind, _, name = rule.element.partition(":")
        if kind == "origin":
            supply[name] = max(supply.get(name, 0.0), rule.lost)
            continue
        holds = np.array([not rule.ships or ship in rule.ships for ship in ships], dtype=np.bool_)
        for i in passages_of(network, rule.element):
            passage[holds, i] = np.maximum(passage[holds, i], rule.lost)
        if kind not in ("chokepoint", "drawn") and (holds.all() or not rule.ships):
            land[rule.element] = max(land.get(rule.element, 0.0), rule.lost)
    return Losses(passage, land, supply)


def _words(shut: np.ndarray) -> Bits:
    bits = np.uint64(1) << np.arange(shut.shape[1], dtype=np.uint64)
    words: Bits = np.bitwise_or.reduce(np.where(shut, bits, np.uint64(0)), axis=1)
    return words
