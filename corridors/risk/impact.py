"""What an importer would lose of a commodity if an element broke: after detours and stocks.

    the break    the element loses a share of its usual traffic for ``warning_duration_d`` days
    short        what, in the first ``warning_shortage_d`` days, neither arrives nor can be drawn
                 from stock (``corridors.whatif.supply``)
    share        short / (need · days / 365),  need = max(home use, imports) a year
    tier         1 below 5 %, 2 to 15 %, 3 to 30 %, 4 more; 0 where nothing passes

Days are counted from the break. Cargo already past it still arrives, so of two importers that lose
alike the farther one is short of less in these days, and of more later. Nobody waits for the
reopening, since no end is in sight. All importers take to detours at once and share what capacity
there is; new suppliers are a response, and are not counted.

What is lost is measured against use, not imports: a country that grows or pumps most of what it
uses is hurt less by the same loss. LNG is measured against all gas used. Imports above home use,
refined to be sold on, are a need too. Three things are not known in places and are told as such:
use (the share is then of imports), stocks (nothing is drawn, so short is the whole gap, and
``cover_days`` is NaN), ways (where the data know none for any of the cargo every number is NaN).
How fast most stocks can be drawn is not known either: they are then drawn as fast as needed, and
the shortage is the least there can be. Harvests are left out, a warning having no season of its
own, so stocks of grain stand at their level of the data all year.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from math import ceil, isnan, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corridors.network import Arrays, Floats, Ints, Remember, members
from corridors.risk.alert import Impact, Status
from corridors.whatif.answer import Answer, Fate, disturb
from corridors.whatif.drawn import passages_of
from corridors.whatif.engine import Engine, Market
from corridors.whatif.scenario import Rule, Scenario, make_scenario
from corridors.whatif.summary import LEAST_T, by_route, groups_of
from corridors.whatif.supply import YEAR_D, Group, stock_of, supply
from layers.errors import UnknownIdError
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

__all__ = [
    "COLUMNS",
    "TIERS",
    "Touched",
    "break_of",
    "context",
    "given_event",
    "impact_of",
    "impacts",
    "lost_share",
    "measured",
    "remembered",
    "tier_of",
]

TIERS = (0.05, 0.15, 0.30)
"""Least share of need lost for tiers 2, 3 and 4; below the first it is tier 1."""

EVENT_RATIO = 0.75
"""What a warning is of: tonnage of seven days below this share of its season."""

STEP = 0.05
ROUNDING = 1e-9  # a share on the border of two tiers is of the graver one, however it was summed
LONGEST_D = 365.0  # a cover of more says nothing but that
COLUMNS = ("importer", "commodity", "element", *(f.name for f in fields(Impact)))
"""Columns of `impacts`."""


# --- how much of an element is lost --------------------------------------------------------------


def given_event(world: World) -> float:
    """Share of traffic lost once an event happens: what past events took on average, 0–1.

    The mean of 1 − ratio over the rows of ``disruptions.csv`` that were disruptions or part of one
    and whose traffic fell below 0.75 of usual. In the shipped data these are six rows of four
    crises (Suez 2021, Panama 2023, Red Sea 2023, Hormuz 2026), from 0.33 to 0.94 lost: few, and
    very unlike each other, so this is a rough middle and no forecast. Without such a row it is a
    quarter, the least that an event means.
    """
    table = world.disruptions
    ratio = table["observed_ratio"]
    struck = table["role"].isin(["disruption", "knock_on"]) & (ratio < EVENT_RATIO)
    return float((1.0 - ratio[struck]).mean()) if struck.any() else 1.0 - EVENT_RATIO


def lost_share(status: Status, world: World) -> float:
    """Share of its traffic that a warned element is taken to lose, 0–1.

    1 where it is declared closed; else the greater of what is seen to be lost now and of what
    events take on average (`given_event`), rounded up to a twentieth, so that few answers serve
    many days.
    """
    if status.declared == "closed":
        return 1.0
    seen = 0.0 if isnan(status.ratio) else 1.0 - status.ratio
    steps = ceil(round(max(seen, given_event(world)) / STEP, 6))
    return min(1.0, round(steps * STEP, 2))


# --- what importers lose -------------------------------------------------------------------------


def break_of(world: World, element: str, lost: float) -> Scenario:
    """The scenario behind a warning: an element loses a share of its traffic, with no end in sight.

    Raises
    ------
    UnknownIdError
        For an element of no table.
    UsageError
        When `lost` is no share.
    """
    known = world.elements()
    if element not in known:
        raise UnknownIdError("element", element, known)
    return make_scenario(
        "warning",
        name_en=f"{world.name(element)}: {lost:.0%} of traffic lost",
        name_zh=f"{world.name(element, 'zh')}:流量损失{lost:.0%}",
        rules=[Rule(element, lost=lost)],
        duration_d=world.assumption("warning_duration_d"),
        sources=["assumptions warning_duration_d, warning_shortage_d"],
    )


def impacts(
    engine: Engine, element: str, *, lost: float, importers: Sequence[str] | None = None
) -> pd.DataFrame:
    """What importers would lose of each commodity they import if an element lost traffic.

    Parameters
    ----------
    lost
        Share of the element's traffic taken away, 0–1.
    importers
        Countries, groups of countries (counted as one) or ``WLD``; every country when not given.

    Returns
    -------
    DataFrame
        ``COLUMNS``: a row an importer and commodity, with the fields of
        ``corridors.risk.alert.Impact``.

    Raises
    ------
    UnknownIdError
        For an element or importer that is not in the data.
    UsageError
        When `lost` is no share.
    """
    answer = disturb(engine, break_of(engine.world, element, lost))
    return measured(answer, element, lost=lost, importers=importers)


def measured(
    answer: Answer,
    element: str,
    *,
    lost: float,
    importers: Sequence[str] | None = None,
    days: int | None = None,
) -> pd.DataFrame:
    """The same from an answer at hand, as of a drill; ``through_t_y`` is of the element named.

    Parameters
    ----------
    days
        Days from the break that are counted; ``warning_shortage_d`` when not given.
    """
    world = answer.engine.world
    horizon = int(world.assumption("warning_shortage_d")) if days is None else days
    groups = groups_of(world, answer, importers)
    passing = {n: _passing(answer.engine, f.case.calm, element) for n, f in answer.fates.items()}
    sums = [
        _sums(answer.fates[group.commodity], legs, passing[group.commodity])
        for group, legs in _with_legs(answer, groups)
    ]
    table = pd.DataFrame(sums, columns=_SUMS)
    short, gap = _shortage(answer, groups, table, horizon)
    usable = np.array([_usable(world, group) for group in groups], dtype=np.float64)
    uses = {name: _uses(world, name) for name in answer.fates}
    used = np.array([_use(uses[group.commodity], group) for group in groups], dtype=np.float64)
    need = np.fmax(used, table["imports_t_y"]) * horizon / YEAR_D
    share = _share(short, need)
    cover = _share(usable, table["imports_t_y"] / YEAR_D)
    found = table.assign(
        importer=[group.name for group in groups],
        commodity=[group.commodity for group in groups],
        element=element,
        lost=lost,
        days=float(horizon),
        short_t=short,
        short_share=share,
        gap_share=_share(gap, need),
        used_t_y=used,
        cover_days=np.minimum(cover, LONGEST_D),
        tier=tier_of(share, table["through_t_y"].to_numpy()),
    )
    return found[list(COLUMNS)]


def tier_of(short_share: Floats, through_t_y: Floats) -> Ints:
    """(n,) tiers: 0 where nothing passes or it is not known, else 1 to 4 by the share lost."""
    tier = 1 + np.searchsorted(TIERS, np.nan_to_num(short_share) + ROUNDING, side="right")
    known = ~np.isnan(short_share) & ~np.isnan(through_t_y)
    return np.where(known & ((through_t_y > 0) | (short_share > 0)), tier, 0).astype(np.int64)


def impact_of(row: Mapping[str, Any]) -> Impact:
    """The `Impact` of a row of `impacts`."""
    values = {f.name: float(row[f.name]) for f in fields(Impact) if f.name != "tier"}
    return Impact(**values, tier=int(row["tier"]))


_SUMS = [
    *("imports_t_y", "through_t_y", "rerouted_t_y", "unmet_t_y", "infeasible_t_y"),
    *("added_days", "added_usd_t"),
]


def _with_legs(answer: Answer, groups: Sequence[Group]) -> Iterator[tuple[Group, Ints]]:
    """Each group with the legs of its commodity's market that end in it."""
    legs_of: dict[str, pd.Series[Any]] = {}
    for name, fate in answer.fates.items():
        market = fate.case.calm
        importer = answer.engine.sides["importer"][market.flow]
        legs_of[name] = pd.Series(np.arange(len(importer))).groupby(importer).agg(list)
    for group in groups:
        mine = legs_of[group.commodity]
        some = [leg for country in sorted(group.countries) for leg in mine.get(country, [])]
        yield group, np.array(some, dtype=np.int64)


def _sums(fate: Fate, legs: Ints, passing: Floats) -> list[float]:
    """Figures of some legs, in the order of ``_SUMS``; `passing` is of all legs."""
    market = fate.case.calm
    tonnes = market.tonnes[legs]
    imports = float(tonnes.sum())
    if imports > LEAST_T and float(tonnes[market.routed[legs]].sum()) <= LEAST_T:
        return [imports, *[nan] * (len(_SUMS) - 1)]  # no way is known: nothing can be said
    through = float(tonnes @ passing[legs])
    _, rerouted, unmet, infeasible = (float(t) for t in fate.outcome[legs].sum(axis=0))
    moved = rerouted if rerouted > LEAST_T else nan
    return [
        imports,
        through if through > LEAST_T else 0.0,
        rerouted,
        unmet,
        infeasible,
        float(fate.added_t_d[legs].sum()) / moved,
        float(fate.added_usd[legs, 1].sum()) / moved,
    ]


def _passing(engine: Engine, market: Market, element: str) -> Floats:
    """(legs,) share of each leg that passes an element in calm times."""
    routes, network = market.routes, engine.network
    share = np.zeros(market.pairs + 1)
    for passage in passages_of(network, element):
        through = members(routes.bits, len(network.passages))[:, passage]
        share[:-1] += np.bincount(routes.pair, routes.share * through, minlength=market.pairs)
    found = np.minimum(share[market.pair], 1.0)
    found[market.passing.get(element, np.empty(0, dtype=np.int64))] = 1.0
    return found


def _shortage(
    answer: Answer, groups: Sequence[Group], table: pd.DataFrame, days: int
) -> tuple[Floats, Floats]:
    """(groups,) tonnes short and tonnes of gap within some days; NaN where no way is known."""
    touched = table[["rerouted_t_y", "unmet_t_y", "infeasible_t_y"]].sum(axis=1, skipna=False)
    gap = np.where(touched.isna(), nan, 0.0)
    short = gap.copy()
    some = np.flatnonzero(touched > 0)
    if len(some):
        lines = supply(answer, [groups[i] for i in some.tolist()], horizon_d=days)
        gap[some] = lines["gap_t"].sum("day").to_numpy()
        left = lines["short_t"].sum("day", skipna=False).to_numpy()
        short[some] = np.where(np.isnan(left), gap[some], left)  # no stock known, none drawn
    return short, gap


def _share(part: Floats, whole: pd.Series[float] | Floats) -> Floats:
    """(n,) part over whole; 0 where there is nothing of it, NaN where it is not known."""
    whole = np.asarray(whole, dtype=np.float64)
    safe = np.where(whole > 0, whole, 1.0)
    return np.where(whole > 0, part / safe, np.where(np.isnan(whole) | np.isnan(part), nan, 0.0))


def _usable(world: World, group: Group) -> float:
    """Usable stock, t; NaN where it is not known."""
    stocks = world.stocks
    held = set(stocks["country"].to_numpy()[(stocks["commodity"] == group.commodity).to_numpy()])
    if group.name not in held and not group.countries <= held:
        return nan  # the same answer as `stock_of`, without reading every row
    return stock_of(world, group, None, 1).usable_t


def _use(known: Mapping[str, float], group: Group) -> float:
    """Home use, t/yr: the group's own figure, or the sum of its countries' if each has one."""
    if group.name in known:
        return known[group.name]
    own = group.countries - {group.name}  # a group counts itself among its importers
    return sum(known.get(country, nan) for country in own) if own else nan


def _uses(world: World, commodity: str) -> dict[str, float]:
    """Home use of each country, t/yr: beside its stocks, else the newest national figure."""
    named = world.commodities.set_index("commodity")["national"].get(commodity, "")
    national = world.national
    national = national[
        (national["metric"] == "consumption_t_y") & (national["commodity"] == named) & (named != "")
    ].sort_values("year", kind="stable")
    found = {str(r["country"]): float(r["value"]) for r in records(national)}
    stocks = world.stocks[
        (world.stocks["commodity"] == commodity) & world.stocks["use_t_y"].notna()
    ]
    return found | {str(r["country"]): float(r["use_t_y"]) for r in records(stocks)}


# --- kept on disk --------------------------------------------------------------------------------


def remembered(
    world: World,
    element: str,
    *,
    lost: float,
    engine: Callable[[], Engine],
    remember: Remember,
    importers: Sequence[str] | None = None,
    asked: str = "",
) -> pd.DataFrame:
    """`impacts`, kept from a run before or worked out now and kept.

    Parameters
    ----------
    engine
        Makes, or gives back, the engine; called only when nothing is kept.
    asked
        What else makes the engine, as text: its commodities, year and switches where they are
        not the usual.
    """
    named = None if importers is None else list(importers)
    question = f"{world.content} {element} {lost!r} {named} {asked}"
    key = hashlib.blake2b(question.encode(), digest_size=16).hexdigest()

    def made() -> Arrays:
        table = impacts(engine(), element, lost=lost, importers=named)
        return {c: _kept(table[c]) for c in COLUMNS if c != "element"}

    kept = remember(f"impact-{key}", made)
    table = pd.DataFrame({c: _given(kept[c]) for c in COLUMNS if c != "element"})
    return table.assign(element=element)[list(COLUMNS)]


def _kept(column: pd.Series[Any]) -> np.ndarray:
    values = column.to_numpy()
    return values if values.dtype.kind in "fi" else values.astype("U")


def _given(values: np.ndarray) -> np.ndarray:
    return values.astype(object) if values.dtype.kind == "U" else values


# --- what bulletins tell besides -----------------------------------------------------------------


@dataclass(frozen=True)
class Touched:
    """Where an importer's cargo that passes an element comes from, lands, and would go instead.

    Attributes
    ----------
    through_t_y
        In calm times, t/yr.
    landings, origins
        The same by port of landing (``port:…``; what comes by land has none) and by country,
        t/yr, most first.
    way
        Elements along the way that gains most, separated by spaces, as in
        ``corridors.whatif.summary.by_route``; empty when it passes none, or nothing is rerouted.
    way_t_y
        What it gains, t/yr; 0 when nothing is rerouted.
    added_days, added_usd_t
        Of that way, over what the same cargo takes in calm times; NaN when nothing is rerouted.
    """

    through_t_y: float
    landings: Mapping[str, float]
    origins: Mapping[str, float]
    way: str
    way_t_y: float
    added_days: float
    added_usd_t: float


def context(answer: Answer, element: str, importer: str, commodity: str) -> Touched:
    """What of an importer's commodity passes an element, and its next best way in an answer.

    Parameters
    ----------
    answer
        Of `break_of`, from ``corridors.whatif.answer.disturb``.

    Raises
    ------
    UnknownIdError
        For an importer that is none, or a commodity that is not in the answer or not imported.
    """
    world = answer.engine.world
    groups = {g.commodity: g for g in groups_of(world, answer, [importer])}
    if commodity not in groups:
        raise UnknownIdError(f"commodity imported by {importer}", commodity, list(groups))
    group = groups[commodity]
    market = answer.fates[commodity].case.calm
    legs = np.flatnonzero(answer.engine.imported_by(market, group.countries))
    through = market.tonnes[legs] * _passing(answer.engine, market, element)[legs]
    lands = market.sailing.legs["land"].to_numpy(dtype=object)[legs]
    at_sea = market.pair[legs] >= 0
    way, gained, days, usd = _next_way(by_route(answer, [group]))
    return Touched(
        through_t_y=float(through.sum()),
        landings=_by(["port:" + str(port) for port in lands[at_sea]], through[at_sea]),
        origins=_by(answer.engine.sides["origin"][market.flow[legs]].tolist(), through),
        way=way,
        way_t_y=gained,
        added_days=days,
        added_usd_t=usd,
    )


def _by(names: Sequence[str], tonnes: Floats) -> dict[str, float]:
    """Tonnes by name, most first; what is less than a tonne is left out."""
    sums: dict[str, float] = {}
    for name, t in zip(names, tonnes.tolist(), strict=True):
        sums[name] = sums.get(name, 0.0) + t
    order = sorted(sums, key=lambda name: (-sums[name], name))
    return {name: sums[name] for name in order if sums[name] > LEAST_T}


def _next_way(ways: pd.DataFrame) -> tuple[str, float, float, float]:
    """The way that gains most: its elements, t/yr gained, days and USD/t added."""
    ways = ways.assign(
        gain=ways["now_t"] - ways["calm_t"],
        way=(ways["passages"] + " " + ways["by"]).str.strip(),
    )
    left, taken = ways[ways["gain"] < -LEAST_T], ways[ways["gain"] > LEAST_T]
    if taken.empty or left.empty:
        return "", 0.0, nan, nan
    sums = taken.groupby("way")["gain"].sum()
    best = str(sums.sort_index().idxmax())
    mine = taken[taken["way"] == best]
    added = [
        float(np.average(mine[c] - _usual(mine, left, c), weights=mine["gain"]))
        for c in ("days", "usd_t")
    ]
    return best, float(sums[best]), added[0], added[1]


def _usual(mine: pd.DataFrame, left: pd.DataFrame, column: str) -> Floats:
    """(rows,) mean of the ways that the same origin's cargo left; of all where it left none."""
    lost = -left["gain"]
    by_origin = (left[column] * lost).groupby(left["origin"]).sum() / lost.groupby(
        left["origin"]
    ).sum()
    overall = float(np.average(left[column], weights=lost))
    return mine["origin"].map(by_origin).fillna(overall).to_numpy(dtype=np.float64)
