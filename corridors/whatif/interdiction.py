"""The closures that would hurt an importer most: exact, with the runner-up and the proof.

    harm(K) = Σ price · t that does not arrive + Σ USD added to the rest          USD/yr

Sets are not tried one by one. A set that adds a passage no cargo uses, on its own way or by a
bypass, is as bad as the set without it. And a set whose harm with every bypass shut is no more than
the harm already found for others need not be answered at all: with a bypass it can only be less.
What is left is answered in full (min-cost flow over the bypasses, ``corridors.whatif.allocation``).
Full canals and fleets are left out of the search, which would otherwise have no such bound.

Of sets of one size none waits for another. Several processes answer some sets in full that one,
knowing more by then, would have ruled out; those are thrown away, so that nothing changes.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
import pandas as pd

from corridors.network import Floats
from corridors.sailings import Progress
from corridors.whatif.answer import disturb
from corridors.whatif.engine import Engine, Market
from corridors.whatif.losses import losses
from corridors.whatif.reroute import spread
from corridors.whatif.scale import Alone, Crew, parts
from corridors.whatif.scenario import Rule, make_scenario
from corridors.whatif.supply import YEAR_D
from layers.errors import UsageError

__all__ = ["Loss", "Proof", "Values", "candidates", "worst"]

MOST_SETS = 200_000
BLOCKS = 8
"""Blocks of sets for each process: a few, so that none waits long for another."""
AHEAD = 2
"""Sets answered at a time for each process, where there are several."""


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
    hands: Crew | None = None,
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
    hands
        Who answers sets; the table and the proof are the same whoever does. None: this process.

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
    hands = hands or Alone()
    bounds = _Bounds(engine, countries)
    for size in range(1, k + 1):
        bounds.add(list(combinations(sorted(among), size)), hands, progress)
    ranked = sorted(bounds.loss, key=lambda s: (-bounds.loss[s].harm_usd, len(s), s))
    exact, used = dict[_Set, Loss](), dict[_Set, frozenset[str]]()
    answers = dict[_Set, tuple[Loss, frozenset[str]]]()
    floor, gone_through = -math.inf, 0
    for chosen, _ in zip(ranked, progress(_named(ranked), "worst closures"), strict=True):
        if bounds.loss[chosen].harm_usd <= floor:
            break
        gone_through += 1
        smaller = _as_bad(chosen, used)
        if smaller is not None:
            used[chosen] = used[smaller]
            continue
        if chosen not in answers:
            ahead = 1 if hands.size == 1 else AHEAD * hands.size
            some = list(islice(_open(ranked[gone_through - 1 :], bounds, floor, used), ahead))
            some = [s for s in some if s not in answers]
            answers |= zip(some, hands.map(_exact, some, shared=(bounds,)), strict=True)
        exact[chosen], used[chosen] = answers[chosen]
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


def _open(
    ranked: Sequence[_Set], bounds: _Bounds, floor: float, used: Mapping[_Set, frozenset[str]]
) -> Iterator[_Set]:
    """The next sets that, by what is known now, will have to be answered in full."""
    for chosen in ranked:
        if bounds.loss[chosen].harm_usd <= floor:
            return
        if _as_bad(chosen, used) is None:
            yield chosen


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
        self.engine, self.countries = engine, countries
        self._part = engine.of_importers(countries, list(engine.markets))
        commodities = engine.world.commodities
        self.price = dict(
            zip(commodities["commodity"], commodities["price_usd_t"].astype(float), strict=True)
        )
        self.loss = dict[_Set, Loss]()
        self._closed = dict[_Set, tuple[Loss, frozenset[str]]]()
        self._used: dict[_Set, frozenset[str]] = {(): self.closed(())[1]}
        self._cut_off: dict[_Set, bool] = {(): False}

    def add(self, sets: Sequence[_Set], hands: Crew, progress: Progress) -> None:
        """The bounds of all sets of one size; those of the sizes below come before them."""
        wanted = []
        for chosen in sets:
            for i, element in enumerate(chosen):
                fewer = chosen[:i] + chosen[i + 1 :]
                # Where cargo is cut off, a bypass may use what no cargo used before.
                if element not in self._used[fewer] and not self._cut_off[fewer]:
                    self._used[chosen], self._cut_off[chosen] = self._used[fewer], False
                    break
            else:
                wanted.append(chosen)
        self.look_up(wanted, hands, progress)
        for chosen in wanted:
            self.loss[chosen], self._used[chosen] = self._closed[chosen]
            self._cut_off[chosen] = self.loss[chosen].lost_t > 0

    def look_up(self, sets: Sequence[_Set], hands: Crew, progress: Progress) -> None:
        """Have the bounds of some sets known, each by itself."""
        sets = [chosen for chosen in dict.fromkeys(sets) if chosen not in self._closed]
        blocks = parts(sets, len(sets) if hands.size == 1 else BLOCKS * hands.size)
        found = hands.map(
            _bounded,
            blocks,
            shared=(self,),
            names=[" ".join(block[0]) for block in blocks],
            progress=lambda names, _: progress(names, "closed sets"),
        )
        for block, answers in zip(blocks, found, strict=True):
            self._closed |= zip(block, answers, strict=True)

    def closed(self, chosen: _Set) -> tuple[Loss, frozenset[str]]:
        """The bound of a set by itself, and all elements that cargo then passes."""
        if chosen not in self._closed:
            self._closed[chosen] = self.lost(chosen)
        return self._closed[chosen]

    def lost(self, chosen: _Set) -> tuple[Loss, frozenset[str]]:
        rules = [Rule(element=e, lost=1.0) for e in chosen]
        lost, added, harm = 0.0, 0.0, 0.0
        word, passed = np.uint64(0), set[str]()
        for market in self._part.markets.values():
            tonnes, usd, bits, land = _market_loss(self.engine, market, rules)
            lost, added = lost + tonnes, added + usd
            harm += tonnes * self.price[market.commodity] + usd
            word |= bits
            passed |= land
        used = frozenset(self.engine.network.elements(word)) | passed
        return Loss(harm, lost, added), used


def _bounded(bounds: _Bounds, sets: Sequence[_Set]) -> list[tuple[Loss, frozenset[str]]]:
    return [bounds.lost(chosen) for chosen in sets]


def _exact(bounds: _Bounds, chosen: _Set) -> tuple[Loss, frozenset[str]]:
    return _answered(bounds.engine, bounds.countries, chosen, bounds.price)


class Values:
    """What a day costs an importer when exactly some elements are shut, for an ensemble.

    Parameters
    ----------
    engine
        Of all importers, for the commodities that count; slots of canals are left out.
    """

    MEASURES = ("lost_t", "added_usd", "harm_usd")

    def __init__(self, engine: Engine, countries: Collection[str]) -> None:
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
        known = [e for e in risky if e in self._bounds.engine.network.passages]
        used = set(self._bounds.closed(())[1])
        for element in known:
            if element in used:
                used |= self._bounds.closed((element,))[1]
        return [element for element in known if element in used]

    def __call__(self, closed: frozenset[str]) -> Floats:
        """(``MEASURES``,) a day: tonnes that do not arrive, USD added, and USD of harm."""
        loss = self._loss(self._met(closed))
        return np.array([loss.lost_t, loss.added_usd, loss.harm_usd]) / YEAR_D

    def meet(
        self,
        closures: Sequence[frozenset[str]],
        hands: Crew,
        progress: Progress = lambda things, _: things,
    ) -> None:
        """Have it known by many hands which of the closed elements cargo would meet.

        The others change nothing. All of them count where cargo is cut off, for a bypass may meet
        them.
        """
        met: dict[frozenset[str], _Set] = {c: () for c in closures if c not in self._met_of}
        while met:
            self._bounds.look_up(list(met.values()), hands, progress)
            for closed, known in list(met.items()):
                loss, used = self._bounds.closed(known)
                more = tuple(sorted({*known, *(closed & used)}))
                if loss.lost_t > 0:
                    self._met_of[closed] = tuple(sorted(closed))
                elif more == known:
                    self._met_of[closed] = known
                met[closed] = more
            met = {closed: known for closed, known in met.items() if closed not in self._met_of}
        self._bounds.look_up([self._met_of[closed] for closed in closures], hands, progress)

    def _met(self, closed: frozenset[str]) -> _Set:
        self.meet([closed], Alone())
        return self._met_of[closed]

    def look_up(
        self,
        closures: Sequence[frozenset[str]],
        hands: Crew,
        progress: Progress = lambda things, _: things,
    ) -> None:
        """Have the values of some closures known, those to be answered in full by many hands."""
        self.meet(closures, hands, progress)
        sets = list(dict.fromkeys(map(self._met, closures)))
        wanted = [met for met in sets if met not in self._kept and self._in_full(met)]
        found = hands.map(
            _exact,
            wanted,
            shared=(self._bounds,),
            names=_named(wanted),
            progress=lambda names, _: progress(names, "closures in full"),
        )
        for met, (loss, _) in zip(wanted, found, strict=True):
            self._kept[met] = loss

    def _loss(self, chosen: _Set) -> Loss:
        if chosen not in self._kept:
            in_full = self._in_full(chosen)
            loss, _ = _exact(self._bounds, chosen) if in_full else self._bounds.closed(chosen)
            self._kept[chosen] = loss
        return self._kept[chosen]

    def _in_full(self, chosen: _Set) -> bool:
        cut_off = self._bounds.closed(chosen)[0].lost_t > 0
        return cut_off and (self._exact is None or chosen in self._exact)


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
