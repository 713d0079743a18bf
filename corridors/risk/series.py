"""Daily series of ships and tonnes, one vintage each, ready to be judged; what is wrong is said.

A count below zero, of a day to come or told twice in two ways is not known. Nor is a day without a
single ship where ships were many the day before: that is how a day without data looks. A series
whose past was published anew is taken from the newest vintage alone, and never mixed with an older.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from corridors.network import Bools

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["CALLS", "TONNAGE", "Series", "series"]

CALLS, TONNAGE = "calls", "tonnage"
TOTALS = {"n_total": CALLS, "capacity": TONNAGE}
CLASSES = ("container", "dry_bulk", "general_cargo", "roro", "tanker")
METRICS = {
    **{name: (measure, "") for name, measure in TOTALS.items()},
    **{f"n_{c}": (CALLS, c) for c in CLASSES},
    **{f"capacity_{c}": (TONNAGE, c) for c in CLASSES},
}
"""Measure and ship class of each metric that is looked at."""

PROVISIONAL_D = 14
REBASED_SHARE = 0.2
"""More of the days known before must have changed for a series to count as published anew."""
REBASED_D = 90
"""Of at least so many days: a usual week corrects a handful of them, most of them recent."""
FEW = 0.25  # of the usual: after a day of no more, a day without ships may be one
USUAL_D, MANY_D = 60, 10.0
FAULTS = ["element", "fault", "days", "first_at", "last_at"]


@dataclass(frozen=True)
class Series:
    """What is known of traffic, as of one moment.

    Attributes
    ----------
    panel
        Dims ``series, day``, for ``corridors.risk.transits.changes``.
    faults
        ``element, fault, days, first_at, last_at``: ``negative``, ``future``, ``contradicting``,
        ``zero_ambiguous``, ``gap``, ``rebased``, ``provisional``.
    """

    panel: xr.DataArray
    faults: pd.DataFrame

    def of(self, element: str) -> list[str]:
        """Faults of one element, by name."""
        return sorted(set(self.faults.loc[self.faults["element"] == element, "fault"]))


def series(world: World, observations: pd.DataFrame, *, now: datetime) -> Series:
    """The daily series of every element that has one, from what was known by a moment.

    Parameters
    ----------
    observations
        Table of ``layers.events.OBSERVATION``; superseded vintages may be among them. Series
        ``portwatch:<id>`` belong to the chokepoint of that id, others to their ``element``.
    now
        UTC; what was retrieved later is not known yet.
    """
    told = _placed(world, observations, now)
    faults: list[pd.DataFrame] = []
    future = told["day"] > pd.Timestamp(now)
    faults.append(_fault(told[future], "future"))
    told = told[~future]
    negative = told["value"] < 0
    faults.append(_fault(told[negative], "negative"))
    told = told[~negative & told["value"].notna()]
    told, again = _one_vintage(told)
    faults.append(again)
    twice = told.duplicated(["element", "metric", "day"], keep=False)
    apart = twice & (told.groupby(["element", "metric", "day"])["value"].transform("nunique") > 1)
    faults.append(_fault(told[apart], "contradicting"))
    told = told[~apart].drop_duplicates(["element", "metric", "day"])
    panel = _panel(told)
    panel, zeros = _without_empty_days(panel)
    faults += [zeros, *_holes(panel, now)]
    kept = [f for f in faults if len(f)]
    table = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=FAULTS)
    return Series(panel, table)


def _placed(world: World, observations: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """Rows known by now of the metrics looked at, each with its element and its day."""
    table = observations[observations["metric"].isin(list(METRICS))]
    table = table[table["retrieved_at"] <= now]
    own = world.chokepoints[world.chokepoints["portwatch_id"] != ""]
    place = dict(
        zip("portwatch:" + own["portwatch_id"], "chokepoint:" + own["chokepoint"], strict=True)
    )
    element = table["element"].where(table["element"] != "", table["series"].map(place))
    return table.assign(element=element, day=table["observed_at"].dt.floor("D")).dropna(
        subset=["element"]
    )


def _fault(rows: pd.DataFrame, fault: str) -> pd.DataFrame:
    """A row an element with a fault: how many days of it there are, and from when to when."""
    days = rows.groupby("element")["day"].agg(["nunique", "min", "max"]).reset_index()
    days.columns = pd.Index(["element", "days", "first_at", "last_at"])
    return days.assign(fault=fault)[FAULTS]


def _one_vintage(told: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Newest value of each day; of a series published anew only the days of the newest vintage."""
    ordered = told.sort_values(["element", "metric", "day", "retrieved_at"], kind="stable")
    newest = ordered.groupby(["element", "metric", "day"])["retrieved_at"].transform("max")
    kept = ordered[ordered["retrieved_at"] == newest]
    old = ordered[ordered["retrieved_at"] < newest]
    if old.empty:
        return kept, _fault(kept.iloc[:0], "rebased")
    anew: list[str] = []
    for element in old["element"].unique():
        own = ordered[ordered["element"] == element]
        found = [_published_anew(own[own["metric"] == metric]) for metric in TOTALS]
        since = [day for day in found if day is not None]
        if since:
            kept = kept[(kept["element"] != element) | (kept["day"] >= max(since))]
            anew.append(str(element))
    return kept, _fault(kept[kept["element"].isin(anew)], "rebased")


def _published_anew(own: pd.DataFrame) -> pd.Timestamp | None:
    """First day of the newest vintage that changed the past, None when none did.

    The store keeps of a vintage what is new or was changed, so the days before the first change
    are of an older one.
    """
    since = None
    for at in sorted(own["retrieved_at"].unique())[1:]:
        before = own[own["retrieved_at"] < at]
        settled = before["day"] <= before["day"].max() - pd.Timedelta(days=PROVISIONAL_D)
        held = before[settled].drop_duplicates("day", keep="last").set_index("day")["value"]
        later = own[own["retrieved_at"] == at].drop_duplicates("day", keep="last")
        told = later.set_index("day")["value"].reindex(held.index)
        first = _most_changed_from((told.notna() & (told != held)).to_numpy(bool))
        since = held.index[first] if first is not None else since
    return since


def _most_changed_from(changed: Bools) -> int | None:
    """First of the days from which on most were changed; None where too few were.

    A vintage may reach back only so far, and correct a single day long before.
    """
    from_here = np.cumsum(changed[::-1])[::-1]
    days = np.arange(len(changed), 0, -1)
    share = from_here / np.maximum(days, min(REBASED_D, len(changed)))
    if not len(share) or share.max() <= REBASED_SHARE:
        return None
    return int(np.flatnonzero(changed & (share >= share.max() / 2))[0])


def _panel(told: pd.DataFrame) -> xr.DataArray:
    """Series by day without holes in the calendar; all metrics of all elements."""
    if told.empty:
        days = pd.DatetimeIndex([], tz="UTC")
        wide = pd.DataFrame(index=days)
    else:
        wide = told.pivot(index="day", columns=["element", "metric"], values="value")
        wide = wide.reindex(pd.date_range(wide.index[0], wide.index[-1], freq="D"))
    order = {metric: i for i, metric in enumerate(METRICS)}
    columns = [(str(key[0]), str(key[1])) for key in list(wide.columns)]
    keys = sorted(columns, key=lambda k: (k[0], order[k[1]]))
    at = {key: i for i, key in enumerate(keys)}
    calls = [at.get((e, _calls_metric(m)), -1) if m.startswith("cap") else -1 for e, m in keys]
    tonnes = wide[keys].to_numpy(float).T if keys else np.empty((0, len(wide)))
    days = pd.DatetimeIndex(wide.index)
    return xr.DataArray(
        tonnes,
        dims=("series", "day"),
        coords={
            "day": days.tz_localize(None) if days.tz is not None else days,
            **{
                name: ("series", np.array(values, dtype=object))
                for name, values in _named(keys).items()
            },
            "calls_of": ("series", np.array(calls, np.int64)),
        },
    )


def _named(keys: list[tuple[str, str]]) -> dict[str, list[str]]:
    metrics = [m for _, m in keys]
    return {
        "element": [e for e, _ in keys],
        "metric": metrics,
        "measure": [METRICS[m][0] for m in metrics],
        "ship_class": [METRICS[m][1] for m in metrics],
    }


def _calls_metric(metric: str) -> str:
    return "n_total" if metric == "capacity" else metric.replace("capacity", "n")


def _without_empty_days(panel: xr.DataArray) -> tuple[xr.DataArray, pd.DataFrame]:
    """The panel without days that look empty for want of data, and a list of them."""
    values = panel.to_numpy().copy()
    found = []
    for row in np.flatnonzero(panel["metric"].to_numpy() == "n_total"):
        element = str(panel["element"].to_numpy()[row])
        empty = empty_days(values[row])
        same = panel["element"].to_numpy() == element
        values[np.ix_(same, empty)] = np.nan
        days = pd.DatetimeIndex(panel["day"].to_numpy()[empty]).tz_localize("UTC")
        found.append(_fault(pd.DataFrame({"element": element, "day": days}), "zero_ambiguous"))
    calls = panel["calls_of"].to_numpy()
    some = calls >= 0
    # Ships without tonnes: the tonnes are not known.
    values[some] = np.where((values[some] == 0) & (values[calls[some]] > 0), np.nan, values[some])
    none = _fault(pd.DataFrame({"element": [], "day": []}), "zero_ambiguous")
    return panel.copy(data=values), pd.concat(found, ignore_index=True) if found else none


def empty_days(calls: np.ndarray) -> Bools:
    """(days,) whether a day without ships is one without data: ships were many the day before."""
    told = pd.Series(calls)
    some = told.where(told != 0)
    # Kept for as long as nothing but zeros comes: an outage of months is no closure either.
    usual = some.rolling(USUAL_D, min_periods=1).median().shift(1).ffill()
    # A zero once believed stands for the day before the next one.
    believed = np.zeros(len(told), bool)
    last = np.nan
    for t, (value, many) in enumerate(zip(told.to_numpy(), usual.to_numpy(), strict=True)):
        if value == 0:
            believed[t] = not many >= MANY_D or last <= FEW * many
        if value > 0 or believed[t]:
            last = value
    return np.asarray((told == 0).to_numpy() & ~believed)


def _holes(panel: xr.DataArray, now: datetime) -> list[pd.DataFrame]:
    """Days missing between the first and the last of each element, and days that may yet change."""
    days = pd.DatetimeIndex(panel["day"].to_numpy()).tz_localize("UTC")
    found = []
    for row in np.flatnonzero(panel["metric"].to_numpy() == "n_total"):
        known = np.flatnonzero(np.isfinite(panel.to_numpy()[row]))
        if not len(known):
            continue
        element = str(panel["element"].to_numpy()[row])
        inside = np.setdiff1d(np.arange(known[0], known[-1]), known)
        fresh = days[known][days[known] > pd.Timestamp(now) - pd.Timedelta(days=PROVISIONAL_D)]
        for name, some in (("gap", days[inside]), ("provisional", fresh)):
            found.append(_fault(pd.DataFrame({"element": element, "day": some}), name))
    return found
