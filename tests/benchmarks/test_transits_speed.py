"""How fast the charts of traffic are, beside the same charts one series after another.

The other side is the simplest program a user would write: a loop over series and days in NumPy,
with one chart of falls and its frozen seasonal baseline, and nothing of what `changes` does besides
(rises, the second chart, tonnage in usual ships, surges, few ships, days without data): the ratio
flatters the loop. Libraries that find change points look at a whole series at once, which answers
another question, so none stands here.

Nothing is asserted about time.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from corridors.risk.series import CLASSES, METRICS
from corridors.risk.transits import FALL, changes

ELEMENTS, DAYS = 28, 2757
SOME = 12  # series that the loop is timed on
LEVEL_D, GAP_D, YEAR_D, BAR, GATE = 120, 7, 365, 15.0, 0.75


@pytest.fixture(scope="module")
def panel() -> xr.DataArray:
    """Return 28 elements of 12 metrics on 7.5 years; traffic of five ends in a closure."""
    lot, names = np.random.default_rng(1), list(METRICS)
    mean = np.array([60 if "_" not in m or m == "n_total" else 12 for m in names], float)
    season = 1 + 0.15 * np.cos(2 * np.pi * np.arange(DAYS) / 365.25)
    usual = mean[None, :, None] * season
    drawn = lot.negative_binomial(60, 60 / (60 + np.broadcast_to(usual, (ELEMENTS, 12, DAYS))))
    counts = drawn.astype(float)
    counts[:5, :, -60:] = np.round(counts[:5, :, -60:] * 0.1)
    tonnage = np.array([m.startswith("capacity") for m in names])
    counts[:, tonnage] *= 5e4
    calls = ["n_total", *(f"n_{c}" for c in CLASSES)]
    own = [names.index(c) for c in calls]
    at = np.full(12, -1)
    at[[names.index(m) for m in ("capacity", *(f"capacity_{c}" for c in CLASSES))]] = own
    calls_of, shift = np.tile(at, ELEMENTS), 12 * np.repeat(np.arange(ELEMENTS), 12)
    return xr.DataArray(
        counts.reshape(ELEMENTS * 12, DAYS),
        dims=("series", "day"),
        coords={
            "day": pd.date_range("2019-01-01", periods=DAYS),
            "element": ("series", np.repeat([f"chokepoint:{i}" for i in range(ELEMENTS)], 12)),
            "metric": ("series", np.tile(names, ELEMENTS)),
            "calls_of": ("series", np.where(calls_of < 0, -1, shift + calls_of)),
        },
    )


def one_by_one(y: np.ndarray) -> np.ndarray:
    """Return the falls of one series: seasonal frozen baseline, count chart, 3-day gate."""
    alarm, on = np.zeros(len(y), bool), False
    usual, level, back = np.full(len(y), np.nan), np.nan, 0
    index, season, clean = np.full(len(y), np.nan), np.ones(len(y)), np.ones(len(y), bool)
    sums = dict.fromkeys((0.75, 0.5, 0.25), 0.0)
    for t in range(YEAR_D, len(y)):
        centre = t - YEAR_D // 2
        index[centre] = (
            y[max(0, centre - 15) : centre + 16].mean() / y[t - YEAR_D + 1 : t + 1].mean()
        )
        past = index[t - YEAR_D :: -YEAR_D]
        past = past[np.isfinite(past)]
        season[t] = 1 + len(past) / (len(past) + 1) * (np.median(past) - 1) if len(past) else 1.0
        if not on:
            days = np.flatnonzero(clean[: t - GAP_D])[-LEVEL_D:]
            free = y[days] / season[days]
            level, variance = np.median(free), free.var()
            size = np.clip(level**2 / max(variance - level, level / 200), 5, 200)
        usual[t] = mu = level * season[t]
        for rho in sums:
            worth = y[t] * np.log(rho) + (y[t] + size) * np.log((size + mu) / (size + rho * mu))
            sums[rho] = max(0.0, sums[rho] + worth)
        week = np.nanmean(y[t - 6 : t + 1] / usual[t - 6 : t + 1])
        three = np.nanmean(y[t - 2 : t + 1] / usual[t - 2 : t + 1])
        on = on or (max(sums.values()) > BAR and three < GATE)
        back = back + 1 if on and week >= 0.85 else 0
        if back >= 7:
            on, sums = False, dict.fromkeys(sums, 0.0)
        clean[t], alarm[t] = not on, on
    return alarm


def test_charts_beside_a_loop_over_series(
    benchmark: Any, measured: Any, panel: xr.DataArray
) -> None:
    found = benchmark.pedantic(lambda: changes(panel), rounds=2)
    ours = benchmark.stats.stats.min
    calls = [i for i, m in enumerate(panel["metric"].to_numpy()) if m == "n_total"][:SOME]
    start = time.perf_counter()
    falls = np.array([one_by_one(panel.to_numpy()[i]) for i in calls])
    theirs = (time.perf_counter() - start) / SOME * len(panel)
    # Both see the five closures and none elsewhere, or the times would tell of nothing.
    alarms = found["alarm"].to_numpy()[calls] == FALL
    assert falls[:, -1].tolist() == alarms[:, -1].tolist() == [i < 5 for i in range(SOME)]
    benchmark.extra_info |= {"ratio": round(theirs / ours, 1), "theirs_s": theirs, "ours_s": ours}
    told = f"{theirs / ours:.0f} × ({theirs:.0f} s against {ours:.1f} s, {SOME} timed)"
    what = f"charts of {len(panel)} daily series of 7.5 years, beside a loop that does less"
    measured.say(what, "–", told)
