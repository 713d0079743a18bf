"""Day by day: what still arrives, what stocks give, what is short, and for how long they last.

    rules in force     L(t) = 1 while closed, then falls in a line to 0 over the recovery
    on the old way     q (1 − L(t − b))              b days of voyage beyond the place that breaks
    late by a detour   q L(t − b − a)                a days that the detour adds
    after a queue      B(t) = max(0, B(t−1) + q − r q (1 − L(t)))    first in, first out, b later
    owed to stocks     E(t) = E(t−1) + min(gap, most a day, S(t) − E(t−1)) − surplus, 0 ≤ E ≤ S
    short              what neither arrives nor can be drawn

q tonnes a day in calm times, r the flow a reopened place bears over the usual one, S(t) the stock
as it would stand had nothing closed, S − E as it stands. Everything is counted against that calm
path, so a shortage is what the closure adds, and never one that was there without it. Stocks are
drawn as soon as imports fall short: nobody here foresees, or rations.

A day's delay moves a day's tonnes by a day; a fraction splits them between two days, so that no
tonne is made or lost. All parts with one delay move together: a sum of tonnes by group and delay,
times the shares in force moved by each delay, one matrix product for all groups.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from corridors.network import Bools, Floats, Ints
from layers.errors import UsageError

OUTCOMES = ("delivered", "rerouted", "unmet", "infeasible")
DELIVERED, REROUTED, UNMET, INFEASIBLE = range(len(OUTCOMES))
LONGEST_D = 365  # a cover beyond a year says nothing but that
NOISE = 1e-9  # of usual imports: less than this is rounding

NOT_KNOWN, NO_GAP = "not known", "no gap"

VARIABLES = {
    "usual_t": ("imports in calm times", "t"),
    "on_way_t": ("arrives as before", "t"),
    "late_t": ("arrives by a detour", "t"),
    "cleared_t": ("arrives after a wait at the closed place", "t"),
    "arrivals_t": ("all that arrives", "t"),
    "lost_t": ("would have arrived and never will", "t"),
    "waiting_t": ("held up at the end of the day: in a queue or on a longer way", "t"),
    "harvest_t": ("home harvest into stock; none where it is not counted", "t"),
    "gap_t": ("usual imports less arrivals", "t"),
    "drawn_t": ("drawn from stock for the gap", "t"),
    "calm_stock_t": ("usable stock at the end of the day had nothing closed", "t"),
    "stock_t": ("usable stock at the end of the day", "t"),
    "short_t": ("shortage the closure adds", "t"),
    "usual_t_d": ("imports in calm times", "t/d"),
    "gap_t_d": ("gap while the closure lasts, detours come in", "t/d"),
    "usable_t": ("usable stock at the start", "t"),
    "draw_t_d": ("most that can be drawn a day", "t/d"),
    "use_t_d": ("home use", "t/d"),
}


@dataclass(frozen=True)
class Closure:
    """How long the rules of a scenario are in force.

    Attributes
    ----------
    duration_d
        Days in full force; infinite for good.
    recovery_d
        Days over which they then fade, in a line.
    queue_ratio
        Most that a reopened place lets through, over its usual flow: 85 / 56.5 ships a day at
        Suez in 2021. At 1 a queue never shortens.

    Raises
    ------
    UsageError
        For less than no days, a recovery without end, or a queue let through at less than 1.
    """

    duration_d: float
    recovery_d: float = 0.0
    queue_ratio: float = 1.0

    def __post_init__(self) -> None:
        if not self.duration_d >= 0:
            raise UsageError(f"a closure lasts 0 days or more, not {self.duration_d:g}")
        if not 0 <= self.recovery_d < math.inf:
            raise UsageError(f"a recovery takes 0 days or more, with an end: {self.recovery_d:g}")
        if not 1 <= self.queue_ratio < math.inf:
            raise UsageError(f"a queue clears at 1 or more of the usual: {self.queue_ratio:g}")


@dataclass(frozen=True)
class Parts:
    """Parts of supply and what becomes of each while a closure lasts; one position a part.

    Attributes
    ----------
    usual_t_d
        Tonnes a day in calm times.
    outcome
        Position in ``OUTCOMES``.
    beyond_d
        Days of voyage from the place that breaks to the importer; 0 when it breaks there.
    added_d
        Days the detour adds; read of what is rerouted alone. A detour quicker than the old way
        counts as adding none.
    waits
        Whether ships wait for the reopening: instead of the detour, or instead of being lost.
        None does unless said. What is delivered as before never waits.
    group
        Which importer and commodity, from 0 up; one and the same unless said.

    Raises
    ------
    UsageError
        For arrays of several lengths, no such outcome, or tonnes or days that are negative or
        not known.
    """

    usual_t_d: Floats
    outcome: Ints
    beyond_d: Floats
    added_d: Floats
    waits: Bools | None = None
    group: Ints | None = None

    def __post_init__(self) -> None:
        given = (getattr(self, field.name) for field in fields(self))
        if len({np.shape(values) for values in given if values is not None}) > 1:
            raise UsageError("parts of supply need arrays of one length")
        if not np.isin(self.outcome, range(len(OUTCOMES))).all():
            raise UsageError(f"an outcome is a position in {', '.join(OUTCOMES)}")
        for name, values in (
            ("usual_t_d", self.usual_t_d),
            ("beyond_d", self.beyond_d),
            ("added_d", np.maximum(self.added_d[self.outcome == REROUTED], 0.0)),
        ):
            if not ((values >= 0) & (values < math.inf)).all():
                raise UsageError(f"{name} of parts of supply is 0 or more, and known")

    @property
    def waiting(self) -> Bools:
        """(parts,) whether it waits for the reopening."""
        touched = np.asarray(self.outcome != DELIVERED)
        return touched & (False if self.waits is None else self.waits)

    @property
    def stranded(self) -> Bools:
        """(parts,) whether it has no other way, or no room on it."""
        return np.asarray((self.outcome == UNMET) | (self.outcome == INFEASIBLE))

    @property
    def groups(self) -> Ints:
        """(parts,) group of each."""
        return np.zeros(len(self.usual_t_d), np.int64) if self.group is None else self.group

    def total_t_d(self, chosen: Bools, groups: int) -> Floats:
        """(groups,) usual tonnes a day of the parts chosen."""
        group, usual = self.groups[chosen], self.usual_t_d[chosen]
        return np.asarray(np.bincount(group, usual, minlength=groups), dtype=np.float64)


@dataclass(frozen=True)
class Stock:
    """Stock of one importer and commodity at the start; NaN is not known, and never 0.

    Attributes
    ----------
    usable_t
        Tonnes that may be drawn: see ``usable_t``. While it is not known, neither is a shortage.
    draw_t_d
        Most that can be drawn a day. While it is not known, stock is drawn as fast as needed:
        the shortage found is then the least there can be.
    harvest_t_d
        (days,) home harvest reaching the stock, from ``harvest_t_d``. The gap is of imports alone
        and is owed to the calm path, which then rises in season and falls outside: + usual imports
        + harvest − use. What the closure took early is short later, when the calm path would
        need it, though imports be back; what a calm year is short of by itself is not counted.
        Without a harvest imports and home production are taken to meet use each day, and the
        calm path is flat.
    use_t_d
        Home use a day; empties the stock only where a harvest fills it.

    Raises
    ------
    UsageError
        For less than nothing, or a harvest into a stock whose use is not known.
    """

    usable_t: float = math.nan
    draw_t_d: float = math.nan
    harvest_t_d: Floats | None = None
    use_t_d: float = math.nan

    def __post_init__(self) -> None:
        for name in ("usable_t", "draw_t_d", "use_t_d"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} of a stock is 0 or more, not {getattr(self, name):g}")
        if self.harvest_t_d is not None and math.isnan(self.use_t_d):
            raise UsageError("a harvest goes into a stock only where home use is known")


@dataclass(frozen=True)
class Arrivals:
    """(groups, days) tonnes each; late and cleared are what the closure held up.

    Attributes
    ----------
    usual_t
        In calm times.
    on_way_t
        Without detour or wait; cargo already past the break among it.
    late_t
        By a detour.
    cleared_t
        After a wait at the closed place.
    lost_t
        What would have arrived and never will.
    """

    usual_t: Floats
    on_way_t: Floats
    late_t: Floats
    cleared_t: Floats
    lost_t: Floats

    @property
    def total_t(self) -> Floats:
        """(groups, days) all that arrives."""
        return self.on_way_t + self.late_t + self.cleared_t

    @property
    def waiting_t(self) -> Floats:
        """(groups, days) held up at the end of the day, in a queue or on a longer way."""
        owed = np.cumsum(self.usual_t - self.total_t - self.lost_t, axis=1)
        # Sums of many days carry rounding: it is no cargo.
        return np.where(owed > NOISE * self.usual_t, owed, 0.0)


@dataclass(frozen=True)
class Cover:
    """How long one importer's stock of one commodity lasts.

    Days are never a number above 365, unknown is never 0: the number is then None and the text
    beside it says ``more than 365 days``, ``not known`` or ``no gap``.

    Attributes
    ----------
    usual_t_d
        Imports a day in calm times.
    gap_t_d
        Imports a day that nothing replaces while the closure lasts, once detours have come in.
    import_cover_d
        Usable stock over usual imports.
    gap_cover_d
        Usable stock over the gap, were it drawn as fast as needed.
    use_cover_d
        Days the usable stock and the harvests meet home use with no imports at all.
    unmet_after_draw_t_d
        max(0, gap − most that can be drawn a day): short from the first day of the gap on.
    draw_known
        Whether that most is known. If not, shortages are the least there can be.
    first_short_day
        0 is the day of the closure.
    depth
        Largest shortage of a day over usual imports, 0–1 unless the harvest's stock fails too.
    short_t
        Shortage over all days.
    recovered_day
        From which on imports are no less than usual and nothing is short. Stocks may still be
        low: only late and queued cargo refills them.
    """

    usual_t_d: float
    gap_t_d: float
    import_cover_d: float | None
    import_cover: str
    gap_cover_d: float | None
    gap_cover: str
    use_cover_d: float | None
    use_cover: str
    unmet_after_draw_t_d: float | None
    unmet_after_draw: str
    draw_known: bool
    first_short_day: int | None
    first_short: str
    depth: float | None
    short_t: float | None
    recovered_day: int | None
    recovered: str


@dataclass(frozen=True)
class Backlog:
    """A queue at a closed place.

    Attributes
    ----------
    ships
        Waiting when it reopens.
    passed_d
        Days until the last of them is through (first in, first out).
    normal_d
        Days until nobody waits any more; None for never.
    """

    ships: float
    passed_d: float
    normal_d: float | None


def lost_share(day: Floats, closure: Closure) -> Floats:
    """Mean share of the rules in force over [day, day + 1), same shape as `day`, 0–1.

    1 while closed, then in a line to 0; the sum over all days is exactly duration + recovery / 2.
    Days may be fractions, and negative (0) before the closure.
    """
    spent = _spent(day + 1.0, closure) - _spent(day, closure)
    return np.asarray(np.clip(spent, 0.0, 1.0))


def _spent(time_d: Floats, closure: Closure) -> Floats:
    """Full-closure days from 0 to a time: the integral of the share of the rules in force."""
    closed = np.clip(time_d, 0.0, closure.duration_d)
    if closure.recovery_d == 0:
        return np.asarray(closed)
    fading = np.clip(time_d - closure.duration_d, 0.0, closure.recovery_d)
    return np.asarray(closed + fading * (1.0 - fading / (2.0 * closure.recovery_d)))


def queue(lost: Floats, queue_ratio: float) -> tuple[Floats, Floats, Floats]:
    """(days,) each: usual flow that passes at once, that passes after a wait, and the queue.

    Per unit of usual flow. First in, first out; while rules are in force to a share L the place
    bears queue_ratio · (1 − L). The queue is at the end of the day, in days of usual flow.
    """
    excess = np.cumsum(1.0 - queue_ratio * (1.0 - lost))
    # A queue that may not go below nothing (Lindley): what came in excess since its last low.
    waiting = excess - np.minimum(np.minimum.accumulate(excess), 0.0)
    before = np.concatenate([[0.0], waiting[:-1]])
    passing = 1.0 + before - waiting
    waited = np.minimum(passing, before)
    return passing - waited, waited, waiting


def arrivals(parts: Parts, closure: Closure, days: int, *, groups: int = 1) -> Arrivals:
    """What arrives on each day from the day of the closure on; nothing is made, nothing vanishes.

    Cargo past the break when it breaks arrives as usual. What is rerouted arrives so much later.
    What has no way, or no room, is lost, or where it waits is let through after the reopening,
    first in, first out, at ``queue_ratio`` of the usual flow at most. Late and queued cargo
    arrives on top of the usual once the old way is open again.

    Parameters
    ----------
    days
        Days looked at.
    groups
        How many groups the parts are of.

    Raises
    ------
    UsageError
        For no days, or a part of a group that is not among them.
    """
    if days < 1:
        raise UsageError(f"a timeline needs a day at least, not {days}")
    if len(parts.groups) and not 0 <= parts.groups.min() <= parts.groups.max() < groups:
        raise UsageError(f"a part of supply is of no group from 0 to {groups - 1}")
    lost = lost_share(np.arange(days, dtype=np.float64), closure)
    at_once, waited, _ = queue(lost, closure.queue_ratio)
    waits = parts.waiting
    turns = (parts.outcome == REROUTED) & ~waits
    added_d = np.where(turns, np.maximum(parts.added_d, 0.0), 0.0)
    gone = _moved(parts, parts.stranded & ~waits, parts.beyond_d, lost, groups)
    turned = _moved(parts, turns, parts.beyond_d, lost, groups)
    held = _moved(parts, waits, parts.beyond_d, 1.0 - at_once, groups)
    usual = parts.total_t_d(np.ones(len(waits), np.bool_), groups)[:, None]
    return Arrivals(
        usual_t=np.repeat(usual, days, axis=1),
        on_way_t=np.maximum(usual - gone - turned - held, 0.0),
        late_t=_moved(parts, turns, parts.beyond_d + added_d, lost, groups),
        cleared_t=_moved(parts, waits, parts.beyond_d, waited, groups),
        lost_t=gone,
    )


def _moved(parts: Parts, chosen: Bools, delay_d: Floats, share: Floats, groups: int) -> Floats:
    """(groups, days) tonnes: Σ over the parts chosen of usual · share, each so many days later.

    Parameters
    ----------
    share
        (days,) from day 0 on; 0 before it.
    """
    days = len(share)
    whole = np.floor(np.minimum(delay_d[chosen], days))
    split = np.minimum(delay_d[chosen], days) - whole
    lag = np.concatenate([whole, whole + 1.0]).astype(np.int64)
    tonnes = np.tile(parts.usual_t_d[chosen], 2) * np.concatenate([1.0 - split, split])
    seen = lag < days
    lags, column = np.unique(lag[seen], return_inverse=True)
    place = np.tile(parts.groups[chosen], 2)[seen] * len(lags) + column
    weight = np.bincount(place, tonnes[seen], minlength=groups * len(lags))
    padded = np.concatenate([np.zeros(days), share])
    later = np.lib.stride_tricks.sliding_window_view(padded, days)[days - lags]
    return np.asarray(weight.reshape(groups, len(lags)) @ later)


def timeline(parts: Parts, stock: Stock, closure: Closure, *, horizon_d: int) -> xr.Dataset:
    """One importer's supply of one commodity day by day: dim ``day``, 0 the day of the closure.

    The variables are those of ``timelines``. ``.to_dataframe()`` makes a table of them.
    """
    return timelines(parts, [stock], closure, horizon_d=horizon_d).isel(group=0, drop=True)


def timelines(
    parts: Parts, stocks: Sequence[Stock], closure: Closure, *, horizon_d: int
) -> xr.Dataset:
    """Many importers and commodities day by day: dims ``group, day``; one group a stock.

    Parameters
    ----------
    parts
        With the position in `stocks` as their group.
    horizon_d
        Days looked at.

    Returns
    -------
    Dataset
        Tonnes a day in ``VARIABLES``. ``gap_t`` is of imports, before any draw, never negative: a
        surplus refills what the closure took from the stock and never more, so late cargo that
        finds stocks full is of no use. (A longer closure never lets more arrive by any day. Of
        places at several distances it may, though, move late cargo onto another gap, and leave
        less shortage.) Where the stock is not known, neither are ``drawn_t``, ``stock_t`` and
        ``short_t`` (NaN), unless there is no gap.

    Raises
    ------
    UsageError
        For a group with no stock, a harvest of other days than the horizon, or no days.
    """
    came = arrivals(parts, closure, horizon_d, groups=len(stocks))
    missing = came.usual_t - came.total_t
    missing[np.abs(missing) <= NOISE * came.usual_t] = 0.0
    harvest = _harvests(stocks, horizon_d)
    usable, draw, use = (
        np.array([getattr(stock, name) for stock in stocks], dtype=np.float64)
        for name in ("usable_t", "draw_t_d", "use_t_d")
    )
    calm = _calm_stock(usable, use, came.usual_t, harvest)
    drawn, left, short = _drawn(missing, calm, draw)
    of_days = {
        **{field.name: getattr(came, field.name) for field in fields(came)},
        "arrivals_t": came.total_t,
        "waiting_t": came.waiting_t,
        "harvest_t": harvest,
        "gap_t": np.maximum(missing, 0.0),
        "drawn_t": drawn,
        "calm_stock_t": calm,
        "stock_t": left,
        "short_t": short,
    }
    gap = _lasting_gap(parts, closure, len(stocks))
    of_groups = {"usual_t_d": came.usual_t[:, 0], "gap_t_d": gap, "usable_t": usable}
    of_groups |= {"draw_t_d": draw, "use_t_d": use}
    return _dataset(of_days, of_groups)


def _dataset(of_days: dict[str, Floats], of_groups: dict[str, Floats]) -> xr.Dataset:
    """Dims ``group, day``, every variable with its unit and name."""
    shaped = {name: (("group", "day"), values) for name, values in of_days.items()}
    found: dict[str, Any] = {**shaped, **{name: ("group", v) for name, v in of_groups.items()}}
    groups, days = of_days["usual_t"].shape
    data = xr.Dataset(found, coords={"group": np.arange(groups), "day": np.arange(days)})
    for name in found:
        long_name, unit = VARIABLES[name]
        data[name].attrs = {"long_name": long_name, "units": unit}
    data["day"].attrs = {"long_name": "days since the closure", "units": "d"}
    return data


def _harvests(stocks: Sequence[Stock], days: int) -> Floats:
    """(groups, days) home harvest into stock; NaN where none is counted."""
    found = np.full((len(stocks), days), math.nan)
    for row, stock in zip(found, stocks, strict=True):
        if stock.harvest_t_d is None:
            continue
        if len(stock.harvest_t_d) != days:
            raise UsageError(f"a harvest of {len(stock.harvest_t_d)} days in a timeline of {days}")
        row[:] = stock.harvest_t_d
    return found


def _calm_stock(usable: Floats, use: Floats, usual: Floats, harvest: Floats) -> Floats:
    """(groups, days) usable stock at the end of each day had nothing closed, NaN not known.

    Flat without a harvest. With one: + usual imports + harvest − use, and never below nothing.
    """
    change = np.where(np.isnan(harvest), 0.0, usual + harvest - use[:, None])
    path = usable[:, None] + np.cumsum(change, axis=1)
    return np.asarray(path - np.minimum(np.minimum.accumulate(path, axis=1), 0.0))


def _drawn(missing: Floats, calm: Floats, draw_t_d: Floats) -> tuple[Floats, Floats, Floats]:
    """(groups, days) each: drawn for the gap, usable stock left at the end of the day, shortage.

    Parameters
    ----------
    missing
        (groups, days) usual imports less arrivals; negative is a surplus.
    calm
        (groups, days) stock had nothing closed.
    draw_t_d
        (groups,) most a day; NaN for as fast as needed.
    """
    gap, surplus, level = (
        np.ascontiguousarray(rows.T)
        for rows in (np.maximum(missing, 0.0), np.maximum(-missing, 0.0), calm)
    )
    wanted = np.fmin(gap, draw_t_d)
    drawn, left, short = np.empty_like(gap), np.empty_like(gap), np.empty_like(gap)
    owed = np.zeros(len(draw_t_d))
    for day, stock in enumerate(level):
        drawn[day] = np.minimum(wanted[day], np.maximum(stock - owed, 0.0))
        owed = np.maximum(owed + drawn[day] - surplus[day], 0.0)
        # Out of season the calm path itself needs the stock that the closure has used up.
        lacking = np.maximum(owed - stock, 0.0)
        owed = np.minimum(owed, stock)
        left[day] = stock - owed
        short[day] = gap[day] - drawn[day] + lacking
    calm_times = ~gap.any(axis=0)
    drawn[:, calm_times] = short[:, calm_times] = 0.0
    return drawn.T, left.T, short.T


def _lasting_gap(parts: Parts, closure: Closure, groups: int) -> Floats:
    """(groups,) tonnes a day that nothing replaces while a closure lasts."""
    if closure.duration_d + closure.recovery_d == 0:
        return np.zeros(groups)
    gap = parts.total_t_d(parts.waiting | parts.stranded, groups)
    usual = parts.total_t_d(np.ones(len(parts.groups), np.bool_), groups)
    return np.where(gap > NOISE * usual, gap, 0.0)


def cover(line: xr.Dataset) -> Cover:
    """How long the stock of one ``timeline`` lasts: its covers, its shortage, its recovery."""
    row = covers(line.expand_dims("group")).iloc[0].to_dict()
    found: dict[str, Any] = {str(n): None if pd.isna(v) else v for n, v in row.items()}
    for name in ("first_short_day", "recovered_day"):
        found[name] = None if found[name] is None else int(found[name])
    return Cover(**found)


def covers(lines: xr.Dataset) -> pd.DataFrame:
    """``Cover`` of each group of ``timelines``: one row a group, NaN for None."""
    usual, gap, usable, draw, use = (
        lines[name].to_numpy()
        for name in ("usual_t_d", "gap_t_d", "usable_t", "draw_t_d", "use_t_d")
    )
    year = np.full(len(gap), LONGEST_D)
    use_d, seen_d = _use_cover(lines)
    unmet = np.where(gap == 0, 0.0, np.maximum(gap - draw, 0.0))
    found = {"usual_t_d": usual, "gap_t_d": gap}
    return pd.DataFrame(
        {
            **found,
            **_told("import_cover", _over(usable, usual), usual, year, "no imports"),
            **_told("gap_cover", _over(usable, gap), gap, year, NO_GAP),
            **_told("use_cover", use_d, use, seen_d, "no use"),
            "unmet_after_draw_t_d": unmet,
            "unmet_after_draw": [
                _said(not lacks, NO_GAP, t, f"{t:,.0f} t a day")
                for lacks, t in zip(gap, unmet, strict=True)
            ],
            "draw_known": ~np.isnan(draw),
            **_shortage(lines),
            **_recovery(lines),
        },
        index=lines["group"].to_index(),
    )


def _said(none: bool, instead: str, value: float, text: str) -> str:
    """Text of a value, or what stands for it where there is none or it is not known."""
    if none:
        return instead
    return NOT_KNOWN if math.isnan(value) else text


def _over(stock: Floats, need: Floats) -> Floats:
    """(groups,) days a stock lasts: infinite where nothing is needed, NaN where not known."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(need == 0, math.inf, stock / need)


def _told(name: str, days: Floats, need: Floats, longest: Ints, instead: str) -> dict[str, Any]:
    """Columns of a cover: the number, NaN where there is none to show, and the text."""
    long = days > longest
    rows = zip(days, need == 0, long, longest, strict=True)
    return {
        f"{name}_d": np.where(long | (need == 0), math.nan, days),
        name: [
            _said(none, instead, d, f"more than {end} days" if beyond else f"{d:.1f} days")
            for d, none, beyond, end in rows
        ],
    }


def _use_cover(lines: xr.Dataset) -> tuple[Floats, Ints]:
    """(groups,) each: days stock and harvests meet home use alone, and how far that was looked at.

    A stock without a harvest needs no timeline; one with is followed as far as the timeline goes.
    """
    usable, use, harvest = (lines[n].to_numpy() for n in ("usable_t", "use_t_d", "harvest_t"))
    days = harvest.shape[1]
    flat = np.isnan(harvest).all(axis=1)
    left = usable[:, None] + np.cumsum(harvest - use[:, None], axis=1)
    gone = left < 0
    last, row = gone.argmax(axis=1), np.arange(len(use))
    # What was left in the morning of the day it gives out, over what that day takes.
    takes = use - harvest[row, last]
    morning = left[row, last] + takes
    lasts = np.where(gone.any(axis=1), last + _over(morning, takes), math.inf)
    lasts[np.isnan(usable)] = math.nan
    seen = np.where(flat, LONGEST_D, min(days, LONGEST_D))
    return np.where(flat, _over(usable, use), lasts), seen


def _shortage(lines: xr.Dataset) -> dict[str, Any]:
    """Columns of the shortage of each group: when it begins, how deep, how much."""
    short, gap, usual = (lines[n].to_numpy() for n in ("short_t", "gap_t", "usual_t_d"))
    days, total = short.shape[1], short.sum(axis=1)
    lacks = short > NOISE * usual[:, None]
    first = np.where(lacks.any(axis=1), lacks.argmax(axis=1).astype(np.float64), math.inf)
    loose = np.isnan(lines["draw_t_d"].to_numpy())
    texts = []
    for at, amount, calm, guess in zip(first, total, np.all(gap == 0, axis=1), loose, strict=True):
        when = f"day {at:.0f}" if at <= LONGEST_D else f"more than {LONGEST_D} days"
        text = when if at < days else f"never within {days} days"
        known = f"{text} (draw limit {NOT_KNOWN})" if guess else text
        texts.append(_said(calm and amount == 0, NO_GAP, amount, known))
    with np.errstate(invalid="ignore"):
        depth = np.where(usual > 0, short.max(axis=1) / usual, 0.0)
    return {
        "first_short_day": np.where(first <= LONGEST_D, first, math.nan),
        "first_short": texts,
        "depth": depth,
        "short_t": total,
    }


def _recovery(lines: xr.Dataset) -> dict[str, Any]:
    """Columns of when imports are as usual and nothing is short, for good as far as looked."""
    short, gap, usual = (lines[n].to_numpy() for n in ("short_t", "gap_t", "usual_t_d"))
    days = gap.shape[1]
    hurt = (gap > 0) | (short > NOISE * usual[:, None])
    back = np.where(hurt.any(axis=1), days - hurt[:, ::-1].argmax(axis=1), 0).astype(np.float64)
    back[back == days] = math.nan
    texts = [
        NO_GAP if day == 0 else f"not within {days} days" if math.isnan(day) else f"day {day:.0f}"
        for day in back
    ]
    return {"recovered_day": back, "recovered": texts}


def usable_t(held_t: float, *, share: float = 1.0, working_t: float = 0.0) -> float:
    """Tonnes of a stock that may be drawn: max(0, held · share − working stock).

    The IEA counts 0.9 of emergency stocks; grain keeps its working stock, without which mills and
    stores can't run. NaN (not known) stays NaN.
    """
    found = held_t * share - working_t
    return found if math.isnan(found) else max(0.0, found)


def harvest_t_d(
    harvest_t_y: float, from_month: int, to_month: int, start: date, days: int
) -> Floats:
    """(days,) tonnes of harvest on each day from `start`, even over the months of harvest.

    A season from October to February (10, 2) goes over New Year; each brings the whole harvest.

    Raises
    ------
    UsageError
        For a month that is none, or a harvest below nothing.
    """
    if not (1 <= from_month <= 12 and 1 <= to_month <= 12):
        raise UsageError(f"months of harvest are 1 to 12, not {from_month} to {to_month}")
    if not harvest_t_y >= 0:
        raise UsageError(f"a harvest is 0 t a year or more, not {harvest_t_y:g}")
    found = np.zeros(days)
    over_new_year = int(to_month < from_month)
    for year in range(start.year - 1, (start + timedelta(days)).year + 1):
        begins = date(year, from_month, 1)
        last = year + over_new_year
        ends = date(last + to_month // 12, to_month % 12 + 1, 1)
        season = slice(max(0, (begins - start).days), max(0, (ends - start).days))
        found[season] += harvest_t_y / (ends - begins).days
    return found


def backlog(
    rate_d: float, closed_d: float, through_d: float, *, ships: float | None = None
) -> Backlog:
    """Queue that a closure leaves, and how long it takes to pass.

        queue = rate · days closed,  last one through = queue / μ,  normal = queue / (μ − rate)

    with μ what the reopened place lets through. Ever Given: 56.458 a day for 6.31 d leave 356; of
    the 422 the canal authority counted the last is through after 4.965 d at 85 a day, and traffic
    normal after 14.79 d.

    Parameters
    ----------
    rate_d
        Ships that come in a day.
    closed_d
        Days.
    through_d
        Ships a day after reopening.
    ships
        Queue as counted, where it was; as modelled if not.

    Raises
    ------
    UsageError
        For less than nothing, or a place that lets nothing through.
    """
    if not (rate_d >= 0 and closed_d >= 0 and through_d > 0 and (ships is None or ships >= 0)):
        raise UsageError("a queue needs ships and days of 0 or more, and some let through")
    waiting = rate_d * closed_d if ships is None else ships
    spare = through_d - rate_d
    return Backlog(waiting, waiting / through_d, waiting / spare if spare > 0 else None)
