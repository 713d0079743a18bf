"""Charts of daily traffic: golden values, what they must see, and what they must not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from corridors.risk.transits import FALL, RISE, Rules, changes, evidence, size

YEARS = 3 * 365


def panel(*series: np.ndarray, calls_of: tuple[int, ...] = ()) -> xr.DataArray:
    count = len(series)
    return xr.DataArray(
        np.array(series, float),
        dims=("series", "day"),
        coords={
            "day": pd.date_range("2023-01-01", periods=len(series[0])),
            "element": ("series", np.array([f"chokepoint:{i}" for i in range(count)], object)),
            "metric": ("series", np.array(["n_total"] * count, object)),
            "calls_of": ("series", np.array(calls_of or (-1,) * count)),
        },
    )


def ships(mean: float, days: int, *, phi: float = 60.0, seed: int = 1) -> np.ndarray:
    """Counts of a negative binomial of this mean and size."""
    drawn = np.random.default_rng(seed).negative_binomial(phi, phi / (phi + mean), days)
    return drawn.astype(float)


def alarms(found: xr.Dataset, row: int = 0) -> np.ndarray:
    return np.asarray(found["alarm"].to_numpy()[row])


@pytest.mark.parametrize(
    ("y", "rho", "worth"), [(80, 0.5, -7.647553), (40, 0.5, 5.369343), (5, 0.25, 27.115685)]
)
def test_evidence_of_a_day(y: float, rho: float, worth: float) -> None:
    mu, phi = np.array([80.0]), np.array([50.0])
    assert evidence(np.array([float(y)]), mu, phi, rho)[0] == pytest.approx(worth, abs=1e-6)


def test_evidence_adds_up_from_zero() -> None:
    worth, sums = 0.0, []
    for y in (78, 82, 75, 45, 38, 40, 35, 41):
        one = evidence(np.array([float(y)]), np.array([80.0]), np.array([50.0]), 0.5)[0]
        worth = max(0.0, worth + float(one))
        sums.append(worth)
    assert sums == pytest.approx([0, 0, 0, 3.7422, 9.7624, 15.1318, 22.1282, 27.1721], abs=1e-4)


def test_size_of_the_negative_binomial() -> None:
    # m 80, v 208: 6400 / 128 = 50; less spread than Poisson is hardly more than Poisson.
    assert size(np.array([80.0, 80.0, 80.0]), np.array([208.0, 40.0, 1e6])).tolist() == [50, 200, 5]


def test_a_calm_series_raises_nothing() -> None:
    found = changes(panel(*(ships(60, YEARS, seed=s) for s in range(8))))
    assert not found["alarm"].any()
    assert found["judged"].to_numpy()[:, 400:].all()
    ratio = found["ratio"].to_numpy()[:, 400:]
    assert np.nanmean(ratio) == pytest.approx(1.0, abs=0.02)


def test_a_closure_is_seen_at_once_and_kept_on() -> None:
    y = ships(80, YEARS)
    y[800:] = ships(5, YEARS - 800)
    found = changes(panel(y))
    on = np.flatnonzero(alarms(found) == FALL)
    assert 800 <= on[0] <= 802
    assert (alarms(found)[on[0] :] == FALL).all()
    # Frozen: the usual is still what it was, a year on.
    assert found["expected"].to_numpy()[0, -1] == pytest.approx(80, rel=0.15)


def test_an_alarm_ends_when_traffic_is_back() -> None:
    y = ships(80, YEARS)
    y[800:830] *= 0.3
    found = alarms(changes(panel(y)))
    assert found[805] == FALL
    assert not found[845:].any()


def test_a_slow_fall_to_half_is_seen() -> None:
    y = ships(60, YEARS)
    y[800:] = np.round(y[800:] * np.linspace(1, 0.5, YEARS - 800).clip(0.5))
    y[860:] = ships(30, YEARS - 860, seed=3)
    found = alarms(changes(panel(y)))
    assert (found[900:] == FALL).all()


def test_a_day_of_storm_is_no_alarm() -> None:
    y = ships(60, YEARS)
    y[800] = 20.0
    assert not changes(panel(y))["alarm"].any()


def test_a_season_is_learnt() -> None:
    rng, days = np.random.default_rng(2), np.arange(5 * 365)
    wave = 1 + 0.22 * np.cos(2 * np.pi * days / 365)
    y = rng.poisson(90 * wave).astype(float)
    found = changes(panel(y))
    late = found["ratio"].to_numpy()[0, 4 * 365 :]
    assert np.abs(late - 1).max() < 0.2
    assert not alarms(found)[3 * 365 :].any()


def test_a_surge_is_told_taken_for_usual_and_its_end_is_no_fall() -> None:
    y = ships(40, YEARS)
    y[700:850] = ships(80, 150, seed=4)
    found = changes(panel(y))
    said = alarms(found)
    assert (said[710:755] == RISE).all()
    assert found["expected"].to_numpy()[0, 840] == pytest.approx(80, rel=0.15)
    assert not (said == FALL).any()


def test_a_fall_below_the_old_level_after_a_surge_is_one() -> None:
    y = ships(40, YEARS)
    y[700:850], y[850:] = ships(80, 150, seed=4), ships(8, YEARS - 850, seed=5)
    assert (alarms(changes(panel(y)))[860:900] == FALL).all()


def test_nothing_is_judged_before_a_year_is_known() -> None:
    y = ships(60, YEARS)
    y[300:] = 3.0
    found = changes(panel(y))
    assert not found["judged"].to_numpy()[0, :364].any()
    assert not alarms(found)[:364].any()


def test_few_ships_are_judged_by_the_week_and_next_to_none_not_at_all() -> None:
    few, none = ships(4, YEARS), ships(0.3, YEARS)
    few[800:], none[800:] = 0.0, 0.0
    found = changes(panel(few, none))
    first = int(np.flatnonzero(alarms(found) == FALL)[0])
    assert 805 <= first <= 830
    assert not alarms(found, 1).any()
    assert not found["judged"].to_numpy()[1].any()


def test_tonnage_is_counted_in_usual_ships() -> None:
    calls = ships(60, YEARS)
    calls[800:] = ships(12, YEARS - 800)
    found = changes(panel(calls, calls * 50_000, calls_of=(-1, 0)))
    assert alarms(found, 1).tolist() == alarms(found, 0).tolist()


def test_days_without_data_add_nothing() -> None:
    y = ships(60, YEARS)
    holed = y.copy()
    holed[500:520], holed[700:710] = np.nan, np.nan
    found = changes(panel(holed))
    assert not found["alarm"].any()
    assert not found["judged"].to_numpy()[0, 505]


def test_a_person_can_start_the_baseline_anew() -> None:
    y = ships(60, YEARS)
    y[600:] = ships(25, YEARS - 600, seed=6)
    held = changes(panel(y))
    assert (alarms(held)[610:] == FALL).all()
    anew = changes(panel(y), rebased={"chokepoint:0": pd.Timestamp("2025-03-01")})
    after = (pd.Timestamp("2025-03-01") - pd.Timestamp("2023-01-01")).days
    assert not alarms(anew)[after:].any()
    assert anew["expected"].to_numpy()[0, -1] == pytest.approx(25, rel=0.15)


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), cut=st.integers(400, 800), drop=st.floats(0.05, 1.5))
def test_no_day_knows_of_a_later_one(seed: int, cut: int, drop: float) -> None:
    y = ships(50, 820, seed=seed)
    y[cut - 20 :] = np.round(y[cut - 20 :] * drop)
    whole, part = changes(panel(y)), changes(panel(y[:cut]))
    for name in part.data_vars:
        np.testing.assert_array_equal(whole[name].to_numpy()[:, :cut], part[name].to_numpy())


@settings(max_examples=4)
@given(seed=st.integers(0, 10_000))
def test_series_do_not_touch_each_other(seed: int) -> None:
    a, b = ships(50, 700, seed=seed), ships(20, 700, seed=seed + 1)
    a[600:] = 4.0
    both = changes(panel(a, b))
    for row, alone in enumerate((a, b)):
        own = changes(panel(alone))
        for name in own.data_vars:
            np.testing.assert_array_equal(both[name].to_numpy()[row], own[name].to_numpy()[0])


def test_a_higher_bar_sees_later() -> None:
    y = ships(80, YEARS)
    y[800:] = ships(45, YEARS - 800)
    low, high = (changes(panel(y), Rules(evidence=h)) for h in (10.0, 40.0))
    first = [int(np.flatnonzero(alarms(found) == FALL)[0]) for found in (low, high)]
    assert first[0] < first[1]
