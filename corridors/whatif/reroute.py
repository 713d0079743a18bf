"""Where the cargo of each pair of ports goes when ways are shut, limited or dearer.

Cargo on an open way stays. Cargo whose way is shut spreads over the open ways of the pair by the
same logit, the best way with everything shut taken out among them (``corridors.whatif.detours``);
with no way left it is stranded. Nothing shut and nothing dearer gives back the calm shares.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from corridors.network import Bits, Bools, Floats, Ints
from corridors.whatif.detours import Ways
from corridors.whatif.engine import Market
from corridors.whatif.losses import Losses

__all__ = ["Spread", "spread"]


@dataclass(frozen=True, eq=False)
class Spread:
    """Ways of the pairs of a market, before and after; one position a way.

    Attributes
    ----------
    calm, now
        Shares of the pair. ``calm`` sums to 1 over a pair with any way, ``now`` to 1 less
        ``stranded``.
    stranded, unmet
        (pairs,) share with no way left between its own two ports; share with a way that is full.
    """

    pair: Ints
    ship: Ints
    bits: Bits
    cost_usd_t: Floats
    km: Floats
    days: Floats
    calm: Floats
    now: Floats
    stranded: Floats
    unmet: Floats


def spread(calm: Market, priced: Market, losses: Losses, theta: float) -> Spread:
    """The ways of a market under some losses.

    Parameters
    ----------
    calm, priced
        The market in calm times, and at the scenario's prices; the same one where prices hold.
    theta
        Of the logit, 1/(USD/t).
    """
    routes = priced.routes
    lost = _of_usual(calm, priced, losses).of_ways(routes.ship, routes.bits)
    moved = np.bincount(routes.pair, routes.share * lost, minlength=calm.pairs)
    kept = routes.share * (1.0 - lost)
    pairs = np.flatnonzero(moved > 0)
    if not len(pairs) and calm is priced:
        return _unchanged(calm)
    found, weight = _open_ways(priced, losses, pairs, theta)
    total = np.bincount(found.pair, weight, minlength=calm.pairs)
    stranded = np.where(total > 0, 0.0, moved)
    if calm is not priced:  # a pair whose ships fit no way any more, as with a draft cut
        stranded[np.setdiff1d(calm.routes.pair, routes.pair)] = 1.0
    share = np.zeros(len(weight))
    np.divide(moved[found.pair] * weight, total[found.pair], out=share, where=weight > 0)
    now = _Table(
        np.append(routes.pair, found.pair),
        np.append(routes.ship, found.ways.ship),
        np.append(routes.bits, found.ways.bits),
        np.append(routes.cost_usd_t, found.ways.cost_usd_t),
        np.append(routes.km, found.ways.km),
        np.append(routes.days, found.ways.days),
    )
    after = np.append(kept, np.zeros(len(found.pair)))
    np.add.at(
        after, np.where(found.known >= 0, found.known, len(kept) + np.arange(len(share))), share
    )
    if calm is priced:
        before = np.append(routes.share, np.zeros(len(found.pair)))
        used = (before > 0) | (after > 0)
        return now.spread(used, before, after, stranded)
    return _matched(calm, now, after, stranded)


def _of_usual(calm: Market, priced: Market, losses: Losses) -> Losses:
    """The losses as shares of the traffic at present prices.

    A limit lets a share of the usual traffic through. Where a premium has thinned the traffic
    already, that share is a greater part of what is left, and no second cut of it.
    """
    if calm is priced or not losses.passage.any():
        return losses
    passage = losses.passage.copy()
    for i in np.flatnonzero(passage.any(axis=0)).tolist():
        for share in np.unique(passage[passage[:, i] > 0, i]):
            ships = np.flatnonzero(passage[:, i] == share)
            usual, now = (_through(market, i, ships) for market in (calm, priced))
            if now > 0:
                passage[ships, i] = max(0.0, 1.0 - (1.0 - share) * usual / now)
    return replace(losses, passage=passage)


def _through(market: Market, passage: int, ships: Ints) -> float:
    """t/yr that some ship classes carry through a passage."""
    r = market.routes
    here = (r.bits & (np.uint64(1) << np.uint64(passage))) != 0
    here &= np.isin(r.ship, ships)
    return float(np.sum((market.pair_tonnes[r.pair] * r.share)[here]))


@dataclass(frozen=True, eq=False)
class _Table:
    pair: Ints
    ship: Ints
    bits: Bits
    cost_usd_t: Floats
    km: Floats
    days: Floats

    def spread(self, used: Bools, calm: Floats, now: Floats, stranded: Floats) -> Spread:
        return Spread(
            self.pair[used],
            self.ship[used],
            self.bits[used],
            self.cost_usd_t[used],
            self.km[used],
            self.days[used],
            calm[used],
            now[used],
            stranded,
            np.zeros(len(stranded)),
        )

    def frame(self) -> pd.DataFrame:
        return pd.DataFrame({field.name: getattr(self, field.name) for field in fields(self)})


@dataclass(frozen=True, eq=False)
class _Open:
    """Open ways of pairs: those known (position among the routes) and the detours found (−1)."""

    pair: Ints
    known: Ints
    ways: Ways


def _open_ways(market: Market, losses: Losses, pairs: Ints, theta: float) -> tuple[_Open, Floats]:
    """Ways that cargo of some pairs may move to, and the weight of each in the logit."""
    routes, limited = market.routes, losses.limited
    wanted = np.zeros(market.pairs, dtype=np.bool_)
    wanted[pairs] = True
    left = np.flatnonzero(wanted[routes.pair] & ((routes.bits & limited[routes.ship]) == 0))
    best = market.detours.best(pairs, limited)
    least, weight_of_least = _cheapest(
        routes.pair[left], routes.cost_usd_t[left], routes.share[left], market.pairs
    )
    new = np.isfinite(best.cost_usd_t) & (best.cost_usd_t < least[pairs] * (1 - 1e-9))
    at = pairs[new]
    beside = np.isfinite(least[at])
    gain = np.where(beside, least[at], best.cost_usd_t[new]) - best.cost_usd_t[new]
    scale = np.where(beside, weight_of_least[at], 1.0)
    weight = np.append(routes.share[left], scale * np.exp(np.minimum(theta * gain, 700.0)))
    ways = Ways(
        np.append(routes.ship[left], best.ship[new]),
        np.append(routes.bits[left], best.bits[new]),
        np.append(routes.cost_usd_t[left], best.cost_usd_t[new]),
        np.append(routes.km[left], best.km[new]),
        np.append(routes.days[left], best.days[new]),
    )
    known = np.append(left, np.full(len(at), -1))
    return _Open(np.append(routes.pair[left], at), known, ways), weight


def _cheapest(pair: Ints, cost: Floats, share: Floats, pairs: int) -> tuple[Floats, Floats]:
    """(pairs,) least cost of some ways, inf where there is none, and the share of that way."""
    rank = np.lexsort((cost, pair))[::-1]
    least, weight = np.full(pairs, np.inf), np.zeros(pairs)
    least[pair[rank]], weight[pair[rank]] = cost[rank], share[rank]
    return least, weight


def _unchanged(market: Market) -> Spread:
    r = market.routes
    return Spread(
        r.pair,
        r.ship,
        r.bits,
        r.cost_usd_t,
        r.km,
        r.days,
        r.share,
        r.share,
        np.zeros(market.pairs),
        np.zeros(market.pairs),
    )


def _matched(calm: Market, now: _Table, after: Floats, stranded: Floats) -> Spread:
    """The ways after, joined with those before: the same ship class over the same passages."""
    r = calm.routes
    before = _Table(r.pair, r.ship, r.bits, r.cost_usd_t, r.km, r.days).frame()
    before["calm"] = r.share
    later = now.frame().assign(now=after)
    key, figures = ["pair", "ship", "bits"], ["cost_usd_t", "km", "days"]
    first = (
        later[later["now"] > 0]
        .groupby(key, as_index=False)
        .agg({**dict.fromkeys(figures, "first"), "now": "sum"})
    )
    both = before.merge(first, on=key, how="outer", suffixes=("_calm", ""))
    for column in figures:
        both[column] = both[column].fillna(both[f"{column}_calm"])
    both[["calm", "now"]] = both[["calm", "now"]].fillna(0.0)
    joined = _Table(*(both[c].to_numpy() for c in (*key, *figures)))
    every = np.ones(len(both), dtype=np.bool_)
    return joined.spread(every, both["calm"].to_numpy(), both["now"].to_numpy(), stranded)
