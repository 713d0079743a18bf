"""The closures that would hurt an importer most: exact, with the runner-up and the proof.

    harm(K) = Σ price · t that does not arrive + Σ USD added to the rest          USD/yr

Sets are not tried one by one. A set that adds a passage no cargo uses, on its own way or by a
bypass, is as bad as the set without it. And a set whose harm with every bypass shut is no more than
the harm already found for others need not be answered at all: with a bypass it can only be less.
What is left is answered in full (min-cost flow over the bypasses, ``corridors.whatif.allocation``).
Full canals and fleets are left out of the search, which would otherwise have no such bound.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from corridors.network import Floats
from corridors.sailings import Progress
from corridors.whatif.answer import disturb
from corridors.whatif.engine import Engine, Market
from corridors.whatif.losses import losses
from corridors.whatif.reroute import spread
from corridors.whatif.scenario import Rule, make_scenario
from corridors.whatif.supply import YEAR_D
from layers.errors import UsageError

__all__ = ["Loss", "Proof", "Values", "candidates", "worst"]

MOST_SETS = 200_000


@dataclass(frozen=True)
class Proof:
    """How the worst set was proved.

    Attributes
    ----------
    sets
        All sets of the size asked for, or smaller.
    equal
        Of them no worse than a smaller set: no cargo there would use what they add.
    bounded
        Of the rest ruled out, since even without any bypass they do less harm.
    answered
        Of the rest answered in full.
    """

    sets: int
    equal: int
    bounded: int
    answered: int


def candidates(engine: Engine, countries: Collection[str], among: str) -> tuple[str, ...]:
    """Elements of a kind that imports of some countries may pass: all chokepoints, ports in use.

    Parameters
    ----------
    among
        ``chokepoint``, ``port``, ``pipeline``, ``railway`` or ``all``.
    """
    passages = set(engine.network.passages)
    used = set[str]()
    for market in engine.markets.values():
        mine = engine.imported_by(market, countries)
        used |= {e for e, legs in market.passing.items() if mine[legs].any()}
    found = {e for e in passages | used if among == "all" or e.partition(":")[0] == among}
    return tuple(sorted(found))


def worst(
    engine: Engine,
    countries: Collection[str],
    *,
    k: int,
    among: Sequence[str],
    keep: int = 10,
    progress: Progress = lambda things, _: things,
) -> tuple[pd.DataFrame, Proof]:
    """The sets of k elements whose closure would hurt the imports of some countries most.

    Parameters
    ----------
    engine
        Of all importers, for the commodities that count.
    among
        Element ids to choose from.
    keep
        How many sets to rank; the first two are proved, and so is each that ``proved`` says.

    Returns
    -------
    DataFrame
        Worst first: ``rank, elements, harm_usd_y, lost_t, added_usd_y, proved``.
    Proof

    Raises
    ------
    UsageError
        For k under 1, or more sets than can be gone through.
    """
    if not 1 <= k <= len(among):
        raise UsageError(f"k is 1 to {len(among)}, the elements to choose from, not {k}")
    count = sum(math.comb(len(among), size) for size in range(1, k + 1))
    if count > MOST_SETS:
        raise UsageError(
            f"{count:,} sets of {k} or fewer among {len(among)} elements; at most {MOST_SETS:,}: "
            "a smaller k, or fewer elements"
        )
    bounds = _Bounds(engine, countries)
    every = [s for size in range(1, k + 1) for s in combinations(sorted(among), size)]
    for chosen, _ in zip(every, progress(_named(every), "closed sets"), strict=True):
        bounds.add(chosen)
    ranked = sorted(bounds.loss, key=lambda s: (-bounds.loss[s].harm_usd, len(s), s))
    exact, used = dict[_Set, Loss](), dict[_Set, frozenset[str]]()
    floor, gone_through = -math.inf, 0
    for chosen, _ in zip(ranked, progress(_named(ranked), "worst closures"), strict=True):
        if bounds.loss[chosen].harm_usd <= floor:
            break
        gone_through += 1
        smaller = _as_bad(chosen, used)
        if smaller is not None:
            used[chosen] = used[smaller]
            continue
        exact[chosen], used[chosen] = _answered(engine, countries, chosen, bounds.price)
        harms = sorted((loss.harm_usd for loss in exact.values()), reverse=True)
        floor = harms[1] if len(harms) > 1 else -math.inf
    best = sorted(exact, key=lambda s: (-exact[s].harm_usd, s))[:keep]
    left = max((bounds.loss[s].harm_usd for s in ranked[gone_through:]), default=-math.inf)
    table = pd.DataFrame(
        {
            "rank": range(1, len(best) + 1),
            "elements": [" ".join(s) for s in best],
            "harm_usd_y": [exact[s].harm_usd for s in best],
            "lost_t": [exact[s].lost_t for s in best],
            "added_usd_y": [exact[s].added_usd for s in best],
            "proved": [exact[s].harm_usd >= left for s in best],
        }
    )
    bounded = len(ranked) - gone_through
    return table, Proof(count, count - bounded - len(exact), bounded, len(exact))


def _as_bad(chosen: _Set, used: Mapping[_Set, frozenset[str]]) -> _Set | None:
    """A smaller set answered already that leaves the rest of this one without use."""
    for i, element in enumerate(chosen):
        fewer = chosen[:i] + chosen[i + 1 :]
        if fewer in used and element not in used[fewer]:
            return fewer
    return None


_Set = tuple[str, ...]


@dataclass(frozen=True)
class Loss:
    """Harm of a closed set, USD/yr; t/yr that do not arrive; USD/yr added to the rest."""

    harm_usd: float
    lost_t: float
    added_usd: float


def _named(sets: Sequence[_Set]) -> list[str]:
    return [" ".join(chosen) for chosen in sets]


class _Bounds:
    """Losses of closed sets with every bypass shut: no less than the true ones.

    Attributes
    ----------
    loss
        Of the sets that do more harm than each set without one of their elements.
    """

    def __init__(self, engine: Engine, countries: Collection[str]) -> None:
        self._engine = engine
        self._part = engine.of_importers(countries, list(engine.markets))
        commodities = engine.world.commodities
        self.price = dict(
            zip(commodities["commodity"], commodities["price_usd_t"].astype(float), strict=True)
        )
        self.loss = dict[_Set, Loss]()
        self._closed = dict[_Set, tuple[Loss, frozenset[str]]]()
        self._used: dict[_Set, frozenset[str]] = {(): self.closed(())[1]}
        self._cut_off: dict[_Set, bool] = {(): False}

    def add(self, chosen: _Set) -> None:
        """The bound of a set; the sets without one of its elements come before it."""
        for i, element in enumerate(chosen):
            fewer = chosen[:i] + chosen[i + 1 :]
            # Where cargo is cut off, a bypass may use what no cargo used before.
            if element not in self._used[fewer] and not self._cut_off[fewer]:
                self._used[chosen], self._cut_off[chosen] = self._used[fewer], False
                return
        self.loss[chosen], self._used[chosen] = self.closed(chosen)
        self._cut_off[chosen] = self.loss[chosen].lost_t > 0

    def closed(self, chosen: _Set) -> tuple[Loss, frozenset[str]]:
        """The bound of a set by itself, and all elements that cargo then passes."""
        if chosen not in self._closed:
            self._closed[chosen] = self._lost(chosen)
        return self._closed[chosen]

    def _lost(self, chosen: _Set) -> tuple[Loss, frozenset[str]]:
        rules = [Rule(element=e, lost=1.0) for e in chosen]
        lost, added, harm = 0.0, 0.0, 0.0
        word, passed = np.uint64(0), set[str]()
        for market in self._part.markets.values():
            tonnes, usd, bits, land = _market_loss(self._engine, market, rules)
            lost, added = lost + tonnes, added + usd
            harm += tonnes * self.price[market.commodity] + usd
            word |= bits
            passed |= land
        used = frozenset(self._engine.network.elements(word)) | passed
        return Loss(harm, lost, added), used


class Values:
    """What a day costs an importer when exactly some elements are shut, for an ensemble.

    Parameters
    ----------
    engine
        Of all importers, for the commodities that count; slots of canals are left out.
    """

    MEASURES = ("lost_t", "added_usd", "harm_usd")

    def __init__(self, engine: Engine, countries: Collection[str]) -> None:
        self._engine, self._countries = engine, countries
        self._bounds = _Bounds(engine, countries)
        self._kept = dict[_Set, Loss]()
        self._met_of = dict[frozenset[str], _Set]()
        self._exact: frozenset[_Set] | None = None

    def focus(self, closures: Sequence[frozenset[str]], weight: Floats, share: float) -> float:
        """Answer in full only the closures that hold most of the weight; how much they hold.

        The rest is valued as if no bypass were there, which is never too little.

        Parameters
        ----------
        weight
            (closures,) days.
        share
            Of the weight to answer in full, 0-1.
        """
        by_set: dict[_Set, float] = {}
        for closed, days in zip(closures, weight.tolist(), strict=True):
            met = self._met(closed)
            by_set[met] = by_set.get(met, 0.0) + days
        whole, held, chosen = sum(by_set.values()), 0.0, set[_Set]()
        for met in sorted(by_set, key=lambda m: (-by_set[m], m)):
            if held >= share * whole:
                break
            chosen.add(met)
            held += by_set[met]
        self._exact = frozenset(chosen)
        return held / whole if whole > 0 else 1.0

    def matter(self, hazards: pd.DataFrame) -> list[str]:
        """Elements with hazards that cargo passes in calm times or with any one of them shut."""
        risky = sorted({f"chokepoint:{c}" for c in hazards["chokepoint"]})
        known = [e for e in risky if e in self._engine.network.passages]
        used = set(self._bounds.closed(())[1])
        for element in known:
            if element in used:
                used |= self._bounds.closed((element,))[1]
        return [element for element in known if element in used]

    def __call__(self, closed: frozenset[str]) -> Floats:
        """(``MEASURES``,) a day: tonnes that do not arrive, USD added, and USD of harm."""
        loss = self._loss(self._met(closed))
        return np.array([loss.lost_t, loss.added_usd, loss.harm_usd]) / YEAR_D

    def _met(self, closed: frozenset[str]) -> _Set:
        """Those of the closed elements that cargo would meet: the others change nothing.

        All of them where cargo is cut off, for a bypass may meet them.
        """
        met: _Set = ()
        while closed not in self._met_of:
            loss, used = self._bounds.closed(met)
            more = tuple(sorted({*met, *(closed & used)}))
            if loss.lost_t > 0:
                self._met_of[closed] = tuple(sorted(closed))
            elif more == met:
                self._met_of[closed] = met
            met = more
        return self._met_of[closed]

    def _loss(self, chosen: _Set) -> Loss:
        if chosen not in self._kept:
            bound = self._bounds.closed(chosen)[0]
            exact = self._exact is None or chosen in self._exact
            self._kept[chosen] = (
                _answered(self._engine, self._countries, chosen, self._bounds.price)[0]
                if bound.lost_t > 0 and exact
                else bound
            )
        return self._kept[chosen]


def _market_loss(
    engine: Engine, market: Market, rules: Sequence[Rule]
) -> tuple[float, float, np.uint64, set[str]]:
    """t/yr lost, USD/yr added, and the passages and land elements that cargo now passes."""
    cut = losses(engine.network, market.commodity, market.ships, rules)
    s = spread(market, market, cut, engine.choice.theta)
    share = np.zeros(len(market.tonnes))
    for element in cut.land:
        share[market.passing.get(element, np.empty(0, np.int64))] = 1.0
    goes = market.tonnes * (1.0 - share)
    stranded = np.append(s.stranded, 0.0)[market.pair]
    at_sea = market.by_pair(goes)
    lost = float(np.sum(market.tonnes * share + goes * stranded))
    usd = float(at_sea @ _added_usd_t(market, s.pair, s.calm, s.now, s.cost_usd_t, s.stranded))
    word = np.bitwise_or.reduce(s.bits[s.now > 0], initial=np.uint64(0))
    land = {e for e, legs in market.passing.items() if (share[legs] < 1).any()}
    return lost, usd, np.uint64(word), land


def _added_usd_t(
    market: Market, pair: np.ndarray, calm: Floats, now: Floats, cost: Floats, stranded: Floats
) -> Floats:
    """(pairs,) USD/t added to what still goes, never less than 0."""
    gone = np.maximum(calm - now, 0.0)
    left = np.bincount(pair, gone, minlength=market.pairs)
    share = np.divide(stranded, left, out=np.zeros(market.pairs), where=left > 0)
    routed = calm - gone * np.minimum(share, 1.0)[pair]
    return np.maximum(np.bincount(pair, (now - routed) * cost, minlength=market.pairs), 0.0)


def _answered(
    engine: Engine, countries: Collection[str], chosen: _Set, price: Mapping[str, float]
) -> tuple[Loss, frozenset[str]]:
    """The loss of a set with bypasses shared out; all elements that any cargo then passes."""
    scenario = make_scenario("worst", rules=[Rule(element=e, lost=1.0) for e in chosen])
    answer = disturb(engine, scenario, slots=False)
    lost, added, harm = 0.0, 0.0, 0.0
    word, passed = np.uint64(0), {e for passes in answer.elsewhere["passes"] for e in passes}
    for name, fate in answer.fates.items():
        mine = engine.imported_by(fate.case.calm, countries)
        tonnes = float(fate.outcome[mine, 2:].sum())
        usd = float(fate.added_usd[mine].sum())
        lost, added = lost + tonnes, added + usd
        harm += tonnes * price[name] + usd
        s = fate.case.spread
        word |= np.bitwise_or.reduce(s.bits[s.now > 0], initial=np.uint64(0))
        own = fate.case.own_ports
        passed |= {e for e, legs in fate.case.calm.passing.items() if (own[legs] > 0).any()}
    ways = answer.elsewhere["bits"].to_numpy(dtype=np.uint64)
    word |= np.bitwise_or.reduce(ways, initial=np.uint64(0))
    return Loss(harm, lost, added), frozenset(engine.network.elements(word)) | passed
