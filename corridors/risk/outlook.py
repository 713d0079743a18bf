"""What traffic says of every element on every day: ratio, alarms, and how likely a fall is.

The page to read first of the monitor: series → changes → days of elements → probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from corridors.network import Bools, Floats
from corridors.risk import probability
from corridors.risk.probability import HORIZONS, POOLED, chance, element_days, features, models
from corridors.risk.series import Series, series
from corridors.risk.transits import changes, rules_of

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["speaks", "traffic_days", "traffic_outlook"]


def traffic_outlook(
    world: World,
    observations: pd.DataFrame,
    *,
    now: datetime,
    rebased: Mapping[str, pd.Timestamp] | None = None,
) -> tuple[pd.DataFrame, Series]:
    """What was known by a moment of every day of every element that has a daily series.

    Returns
    -------
    DataFrame
        See `traffic_days`.
    Series
        The series they were made from, and what is wrong with them.
    """
    found = series(world, observations, now=now)
    return traffic_days(world, found.panel, rebased=rebased), found


def traffic_days(
    world: World, panel: xr.DataArray, *, rebased: Mapping[str, pd.Timestamp] | None = None
) -> pd.DataFrame:
    """One row an element and day.

    Returns
    -------
    DataFrame
        Columns of ``corridors.risk.probability.element_days``; ``calls`` of the day; for each
        horizon ``happened_14`` (1, 0, missing: not known yet), ``usual_14``, how often it happened
        before, and ``p_14``, the probability by traffic alone; ``speaks`` (see `speaks`).
    """
    days = element_days(changes(panel, rules_of(world), rebased=rebased))
    if days.empty:
        return days
    days["calls"] = _calls(panel, days)
    days["speaks"] = speaks(days, world.assumption("observed_min_baseline_d"))
    for horizon in HORIZONS:
        days = days.join(_forecast(world, days, horizon))
    # What is fitted apart may differ by a hair: more time is never less likely.
    days["p_30"] = days[["p_14", "p_30"]].max(axis=1, skipna=False)
    return days


def speaks(days: pd.DataFrame, least_d: float) -> Bools:
    """(rows,) whether traffic speaks for danger on a day.

    It does while a fall of containers is on (liner companies leave first), or a fall of all tonnage
    (of calls, where no tonnage is known) that both charts see: one chart alone is often a storm.
    Where fewer than ``least_d`` ships a day are usual it never does by itself.
    """
    fall = np.where(days["of"] == "tonnage", days["tonnage_fall"], days["calls_fall"])
    seen = (fall & days["twin"].to_numpy(bool)) | days["container_fall"].to_numpy(bool)
    return np.asarray(seen & (days["usual_d"] >= least_d).to_numpy())


def _calls(panel: xr.DataArray, days: pd.DataFrame) -> Floats:
    """(rows,) ships of each day and element; NaN where not known."""
    rows = {
        str(e): i
        for i, (e, m) in enumerate(
            zip(panel["element"].to_numpy(), panel["metric"].to_numpy(), strict=True)
        )
        if m == "n_total"
    }
    empty = np.full(panel.sizes["day"], np.nan)
    held = panel.to_numpy()
    each = days["element"].drop_duplicates()
    return np.concatenate([held[rows[e]] if e in rows else empty for e in each])


def _forecast(world: World, days: pd.DataFrame, horizon: int) -> pd.DataFrame:
    model = models(world)[horizon]
    prior = probability.long_run(world, list(days["element"].unique()), horizon)
    happened, usual = np.full(len(days), np.nan), np.full(len(days), np.nan)
    for element, rows in days.groupby("element", sort=False).indices.items():
        at = np.asarray(rows)
        happened[at] = probability.outcome(days["ratio"].to_numpy()[at], horizon)
        own = prior.get(str(element), POOLED[horizon])
        usual[at] = probability.often(happened[at], horizon, own)
    p = chance(model, features(days, usual))
    return pd.DataFrame(
        {
            f"happened_{horizon}": happened,
            f"usual_{horizon}": usual,
            f"p_{horizon}": np.where(days["judged"], p, np.nan),
        },
        index=days.index,
    )
