"""What traffic shows: this week's ships beside the usual week of the past year.

    ratio    = mean of the last 7 days / median of the 7-day means of days −392 … −28
    observed = max(0, 1 − ratio)

Counts are revised wholesale, so both sides are taken from what is now known of every day (one
vintage). Below 10 ships a day the ratio is noise and nothing is judged. A year's median knows no
seasons: the winter dip at Hormuz shows as a fall of about a quarter.
"""

from __future__ import annotations

from datetime import datetime
from math import isnan
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from layers.world import World

CALLS, CAPACITY = "n_total", "capacity"
WEEK_D, LEAST_D = 7, 5
BASE_FROM_D, BASE_TO_D, LEAST_WEEKS = 392, 28, 180
PROVISIONAL_D = 14
REBASED_SHARE = 0.2
"""More of the days known before must have changed for a series to count as published anew."""

COLUMNS = {
    "element": "str",
    "observed": "float64",
    "observed_ratio": "float64",
    "capacity_ratio": "float64",
    "week_d": "float64",
    "usual_d": "float64",
    "observed_on": "datetime64[us, UTC]",
    "observed_age_d": "float64",
    "observed_flags": "str",
}


def observed(world: World, observations: pd.DataFrame, *, now: datetime) -> pd.DataFrame:
    """The observed number of each element that has a series of daily ships.

    Parameters
    ----------
    observations
        Table of ``layers.events.OBSERVATION``; superseded vintages may be among them. Series
        ``portwatch:<id>`` belong to the chokepoint of that id, others to their ``element``.
    now
        UTC; what was retrieved or happened later is left out.

    Returns
    -------
    DataFrame
        ``element``; ``observed`` 0–1, missing where nothing can be judged; ``observed_ratio`` and
        ``capacity_ratio`` (of ships and of their deadweight); ``week_d``, ``usual_d`` ships a day;
        ``observed_on`` and ``observed_age_d`` of the newest day; ``observed_flags``.
    """
    told = _placed(world, observations, now)
    least = world.assumption("observed_min_baseline_d")
    rows = [_judged(str(e), own, now, least) for e, own in told.groupby("element", sort=True)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def usual_transits(world: World) -> pd.DataFrame:
    """Mean ships a day that come with the project, of the newest whole year.

    Returns
    -------
    DataFrame
        ``element, embedded_transits_d, embedded_year``.
    """
    whole = world.transits[(world.transits["days"] >= 365).to_numpy()]
    newest = whole.sort_values("period", kind="stable").drop_duplicates("chokepoint", keep="last")
    return pd.DataFrame(
        {
            "element": "chokepoint:" + newest["chokepoint"],
            "embedded_transits_d": newest["transits_d"],
            "embedded_year": newest["year"],
        }
    ).reset_index(drop=True)


def _placed(world: World, observations: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """Rows of ships and deadweight known by now, each with its element and its day."""
    table = observations[observations["metric"].isin([CALLS, CAPACITY])]
    table = table[(table["retrieved_at"] <= now) & (table["observed_at"] <= now)]
    own = world.chokepoints[world.chokepoints["portwatch_id"] != ""]
    series = "portwatch:" + own["portwatch_id"]
    place = dict(zip(series, "chokepoint:" + own["chokepoint"], strict=True))
    element = table["element"].where(table["element"] != "", table["series"].map(place))
    table = table.assign(element=element, day=table["observed_at"].dt.floor("D"))
    return table.dropna(subset=["element", "value"])


def _judged(element: str, own: pd.DataFrame, now: datetime, least: float) -> dict[str, Any]:
    calls = own[own["metric"] == CALLS]
    row: dict[str, Any] = {"element": element, "observed_flags": ""}
    if calls.empty:
        return row
    newest = _newest(calls)
    week, usual, flags = _week_and_usual(newest["value"])
    last = newest.index[-1]
    flags |= _said(newest["quality_flags"].iloc[-WEEK_D:])
    if (now - last).days < PROVISIONAL_D:
        flags.add("provisional")
    if _is_rebased(calls):
        flags.add("rebased")
    row |= {"week_d": week, "usual_d": usual, "observed_on": last}
    if usual < least:
        flags.add("low_count")
    elif not isnan(week) and not isnan(usual):
        loads = own[own["metric"] == CAPACITY]
        row |= {"observed_ratio": week / usual, "observed": max(0.0, 1.0 - week / usual)}
        row |= {"capacity_ratio": _capacity_ratio(loads, last)}
    age = (now - last).total_seconds() / 86400
    return row | {"observed_age_d": age, "observed_flags": ";".join(sorted(flags))}


def _newest(rows: pd.DataFrame) -> pd.DataFrame:
    """The newest vintage of each day, by day."""
    ordered = rows.sort_values(["day", "retrieved_at", "value"], kind="stable")
    return ordered.drop_duplicates("day", keep="last").set_index("day")


def _week_and_usual(daily: pd.Series[float]) -> tuple[float, float, set[str]]:
    """Mean of the last week and median of the usual weeks; NaN, and why, where there is none."""
    flags = set()
    every = daily.reindex(pd.date_range(daily.index[0], daily.index[-1], freq="D"))
    weeks = every.rolling(WEEK_D, min_periods=LEAST_D).mean()
    last = every.index[-1]
    span = weeks[last - pd.Timedelta(days=BASE_FROM_D) : last - pd.Timedelta(days=BASE_TO_D)]
    if every.iloc[-WEEK_D:].count() < WEEK_D:
        flags.add("gap")
    if span.count() < LEAST_WEEKS:
        return float(weeks.iloc[-1]), float("nan"), flags | {"short_history"}
    return float(weeks.iloc[-1]), float(span.median()), flags


def _capacity_ratio(rows: pd.DataFrame, last: pd.Timestamp) -> float | None:
    """Ratio of deadweight, when it is known up to the same day as the ships."""
    if rows.empty:
        return None
    newest = _newest(rows)
    week, usual, _ = _week_and_usual(newest["value"])
    return week / usual if newest.index[-1] == last and usual > 0 else None


def _said(cells: pd.Series[str]) -> set[str]:
    return {flag for cell in cells for flag in cell.split(";") if flag}


def _is_rebased(rows: pd.DataFrame) -> bool:
    """Whether the newest vintage changed over a fifth of the days of the year known before it."""
    year = rows[rows["day"] >= rows["day"].max() - pd.Timedelta(days=BASE_FROM_D)]
    newest = year["retrieved_at"].max()
    before = year[year["retrieved_at"] < newest]
    if before.empty:
        return False
    earlier = _newest(before)["value"]
    later = _newest(year[year["retrieved_at"] == newest])["value"]
    both = earlier.index.intersection(later.index)
    changed = (later[both] != earlier[both]).sum()
    return bool(changed > REBASED_SHARE * len(earlier))
