"""Ten thousand years drawn by lot, beside the same years marked day by day on a calendar.

Nothing is asserted about time. Both sides draw the same law, find the sets of chokepoints shut
together and how long, and must agree on the mean loss. What a closure costs is asked of the engine
in both and left out here.
"""

from __future__ import annotations

import importlib.util
import time
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from corridors.whatif.ensemble import Chances, Draws, ensemble, simulate
from corridors.whatif.scale import crew
from layers.world import World

YEARS = 10_000
SLICE_Y = 250  # years of calendar held in memory at once
LAW = Chances(severity_spread=1.0, shock_cv=0.7)


def loss(count: Any) -> Any:
    """Return what a day costs by how many chokepoints are shut."""
    return np.sqrt(count)


def test_ten_thousand_years_beside_a_calendar_of_days(
    benchmark: Any, measured: Any, world: World
) -> None:
    draw = partial(simulate, world.hazards, years=YEARS, seed=1, chances=LAW)
    draws = benchmark.pedantic(draw, rounds=3, warmup_rounds=1)
    ours = benchmark.stats.stats.min
    found = ensemble(draws, lambda closed: [loss(len(closed))], ["x"]).summary().iloc[0]

    start = time.perf_counter()
    lots = np.random.default_rng(1)
    years = np.concatenate([_calendar(world.hazards, lots) for _ in range(YEARS // SLICE_Y)])
    theirs = time.perf_counter() - start
    error = np.hypot(found["standard_error"], years.std() / np.sqrt(YEARS))
    assert abs(found["mean"] - years.mean()) < 3 * error + 0.01 * found["mean"]  # whole days

    benchmark.extra_info |= {"theirs_s": theirs, "ours_s": ours, "closures": len(draws.closures)}
    what = f"{YEARS:,} years, {len(world.hazards)} hazards, beside a calendar of days"
    told = (
        f"{ours:.2f} s; {theirs / ours:,.1f} × ({theirs:.1f} s); {len(draws.closures):,} closures"
    )
    measured.say(what, "< 60 s", told)
    few = {f"chokepoint:{name}" for name in ("hormuz", "malacca", "bab_el_mandeb", "suez")}
    measured.say("  of which between four chokepoints", "–", f"{len(draw(among=few).closures)}")


@pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="no dask.distributed: corridors[scale]"
)
def test_ten_thousand_years_on_two_workers(benchmark: Any, measured: Any, world: World) -> None:
    draw = partial(simulate, world.hazards, years=YEARS, seed=1, chances=LAW)

    def on_two() -> Draws:
        with crew(2) as hands:
            return draw(mapper=hands.map)

    here = draw()
    there = benchmark.pedantic(on_two, rounds=2, warmup_rounds=0)
    assert there.lost_d.tobytes() == here.lost_d.tobytes()
    assert there.weight_d.tobytes() == here.weight_d.tobytes()
    told = f"{benchmark.stats.stats.min:.1f} s, their start and end included"
    measured.say(f"{YEARS:,} years on two workers", "< 60 s", told)


def _calendar(hazards: pd.DataFrame, lots: np.random.Generator) -> np.ndarray:
    """Return the loss of each year: every event marked on a calendar of whole days."""
    names = sorted(hazards["chokepoint"].unique())
    passes = np.ones((SLICE_Y * 365, len(names)))
    shock = lots.gamma(1 / LAW.shock_cv**2, LAW.shock_cv**2, SLICE_Y)
    gulf, strife = {"hormuz", "bab_el_mandeb", "suez"}, {"geopolitical", "conflict"}
    strife |= {"terrorist", "piracy"}
    spread = np.sqrt(np.log1p(LAW.duration_cv**2))
    for row in hazards.itertuples():
        common = shock if row.chokepoint in gulf and row.cause in strife else np.ones(SLICE_Y)
        column, s = names.index(row.chokepoint), row.severity
        for year, events in enumerate(lots.poisson(common / row.return_period_y)):
            for _ in range(events):
                first = year * 365 + lots.integers(365)
                days = round(row.duration_d * lots.lognormal(-(spread**2) / 2, spread))
                strength = 1 / (s * (1 - s)) - 1 if s < 1 else 0.0
                lost = lots.beta(s * strength, (1 - s) * strength) if s < 1 else 1.0
                passes[first : first + days, column] *= 1 - lost
    ranked = -np.sort(-(1 - passes), axis=1)
    steps = loss(np.arange(1, len(names) + 1)) - loss(np.arange(len(names)))
    return (ranked @ steps).reshape(SLICE_Y, 365).sum(axis=1)
