"""How likely a fall is: golden values by hand, what is learnt from data, and what stays unknown."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from corridors.risk.outlook import speaks, traffic_days
from corridors.risk.probability import (
    HORIZONS,
    Model,
    chance,
    element_days,
    features,
    fit,
    long_run,
    models,
    often,
    outcome,
    with_feeds,
)
from corridors.risk.series import METRICS
from corridors.risk.transits import changes
from layers.world import World

NAN = float("nan")
WIDE = {"one": 10.0, "x": 10.0}
HORMUZ = "chokepoint:hormuz"


# --- what happened, and how often ----------------------------------------------------------------


def test_outcome_is_of_the_days_after_and_not_of_the_day() -> None:
    ratio = np.array([0.5, 1, 1, 0.7, 1, 1, 1])
    # Two days ahead: of day 1 the days 2 and 3. The last two days have no two days after them.
    assert outcome(ratio, 2).tolist()[:5] == [0, 1, 1, 0, 0]
    assert np.isnan(outcome(ratio, 2)[5:]).all()


def test_a_ratio_of_75_hundredths_is_not_below() -> None:
    assert outcome(np.array([1.0, 0.75, 1.0]), 1)[0] == 0
    assert outcome(np.array([1.0, 0.7499, 1.0]), 1)[0] == 1


def test_below_is_below_however_much_is_missing_and_not_below_needs_four_fifths() -> None:
    assert outcome(np.array([1, NAN, NAN, NAN, NAN, 0.6]), 5)[0] == 1
    assert outcome(np.array([1, 1, 1, 1, 1, NAN]), 5)[0] == 0
    assert np.isnan(outcome(np.array([1, 1, 1, 1, NAN, NAN]), 5)[0])
    assert outcome(np.array([1.0, 1, 1, 0.6]), 14)[0] == 1  # it fell, though the end is not known


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_short_series_has_no_outcome(count: int) -> None:
    assert np.isnan(outcome(np.ones(count), 14)).all()
    assert len(outcome(np.ones(count), 14)) == count


def test_how_often_starts_at_the_long_run_rate_and_counts_what_is_known_by_then() -> None:
    # Prior .1 of 365 days is 36.5 days. Of day 2 only the outcome of day 0 is known by then.
    found = often(np.array([1.0, 1.0, 0.0, NAN, 1.0]), 2, 0.1)
    expected = [0.1, 0.1, 37.5 / 366, 38.5 / 367, 38.5 / 368]
    assert found == pytest.approx(expected)


def test_how_often_of_a_series_shorter_than_the_horizon_is_the_long_run_rate() -> None:
    assert often(np.ones(5), 14, 0.2) == pytest.approx([0.2] * 5)
    assert len(often(np.empty(0), 14, 0.2)) == 0


@settings(max_examples=50)
@given(
    ratio=st.lists(st.floats(0.3, 1.3) | st.just(NAN), min_size=40, max_size=80),
    cut=st.integers(20, 39),
    horizon=st.sampled_from([3, 14]),
)
def test_how_often_knows_nothing_of_later_days(ratio: list[float], cut: int, horizon: int) -> None:
    whole, part = np.array(ratio), np.array(ratio[:cut])
    known = often(outcome(whole, horizon), horizon, 0.1)[:cut]
    np.testing.assert_allclose(often(outcome(part, horizon), horizon, 0.1), known)


def test_long_run_is_one_less_the_chance_of_no_grave_event(toys: Any) -> None:
    hazards = [
        {"chokepoint": "north", "cause": "war", "return_period_y": 10, "severity": 1},
        {"chokepoint": "north", "cause": "storm", "return_period_y": 40, "severity": 0.25},
        {"chokepoint": "north", "cause": "fog", "return_period_y": 0.1, "severity": 0.24},
    ]
    trade = [{"chokepoint": "north"}, {"chokepoint": "south"}]
    small = toys({**toys.tables, "hazards": hazards, "chokepoint_trade": trade}).world
    for days in HORIZONS:
        found = long_run(small, ["chokepoint:north", "chokepoint:south", "port:LOD"], days)
        # One war in 10 years and one storm in 40; where nothing is on record, one in 50 years.
        assert found == pytest.approx(
            {
                "chokepoint:north": 1 - exp(-(1 / 10 + 1 / 40) * days / 365.25),
                "chokepoint:south": 1 - exp(-(1 / 50) * days / 365.25),
            }
        )


def test_more_days_are_more_likely_to_bring_it(world: World) -> None:
    short, long = (long_run(world, world.elements(), horizon) for horizon in HORIZONS)
    assert short
    assert all(0 < short[e] < long[e] < 1 for e in short)


# --- terms and weights ---------------------------------------------------------------------------


def one_day(**said: object) -> pd.DataFrame:
    usual: dict[str, object] = {"ratio": 0.75, "ratio_3d": 0.75, "evidence": 0.0}
    usual |= dict.fromkeys(("tonnage_fall", "calls_fall", "container_fall"), False)
    return pd.DataFrame([{**usual, **said}])


def test_terms_by_hand() -> None:
    day = one_day(ratio=1.5, ratio_3d=0.375, evidence=exp(2) - 1, tonnage_fall=True)
    (row,) = features(day, np.array([0.5])).to_dict("records")
    assert row["one"] == 1
    assert row["week_above"] == pytest.approx(log(2))
    assert row["week_below"] == 0
    assert row["three_days"] == pytest.approx(log(0.5))
    assert (row["tonnage_fall"], row["calls_fall"], row["container_fall"]) == (1, 0, 0)
    assert row["evidence"] == pytest.approx(2)
    assert row["usual"] == 0


def test_a_week_of_no_ships_or_of_many_is_bounded() -> None:
    days = pd.concat([one_day(ratio=0.0, ratio_3d=0.0), one_day(ratio=9.0)])
    table = features(days, np.array([0.0, 1.0]))
    assert table["week_below"].tolist() == pytest.approx([log(15), 0])
    assert table["week_above"].tolist() == pytest.approx([0, log(2)])
    assert np.isfinite(table.to_numpy()).all()


def test_chance_is_the_logistic_of_the_weighted_terms() -> None:
    model = Model(14, {"one": -1.0, "x": 2.0}, {}, {})
    terms = pd.DataFrame({"one": [1.0, 1.0, 1.0], "x": [0.5, 1.5, NAN]})
    found = chance(model, terms)
    assert found[:2] == pytest.approx([0.5, 1 / (1 + exp(-2))])
    assert np.isnan(found[2])
    # Columns go by name.
    assert chance(model, terms[["x", "one"]])[:2] == pytest.approx(found[:2])


def simulated(count: int, weights: tuple[float, float], seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, count)
    p = 1 / (1 + np.exp(-(weights[0] + weights[1] * x)))
    return pd.DataFrame({"one": 1.0, "x": x, "y": (rng.random(count) < p).astype(float)})


def test_weights_that_made_the_data_are_found_again() -> None:
    table = simulated(40_000, (-1.0, 0.7))
    empty = Model(14, {}, {"one": 0.0, "x": 0.0}, WIDE)
    found = fit(table[["one", "x"]], table["y"].to_numpy(), empty, np.ones(len(table)))
    assert found.weights["one"] == pytest.approx(-1.0, abs=0.05)
    assert found.weights["x"] == pytest.approx(0.7, abs=0.05)


def test_without_data_the_prior_is_all_there_is() -> None:
    none = pd.DataFrame({"one": [], "x": []}, dtype=float)
    prior = Model(14, {}, {"one": -2.0, "x": 0.5}, {"one": 1.0, "x": 0.1})
    assert fit(none, np.empty(0), prior, np.empty(0)).weights == {"one": -2.0, "x": 0.5}


def test_one_day_moves_a_strong_prior_by_what_bayes_says() -> None:
    # Greatest posterior of one constant: b / .1² = weight · (1 − logistic b), so b is near .0025.
    one = pd.DataFrame({"one": [1.0]})
    found = fit(one, np.ones(1), Model(14, {}, {"one": 0.0}, {"one": 0.1}), np.array([0.5]))
    b = found.weights["one"]
    assert b / 0.01 == pytest.approx(0.5 * (1 - 1 / (1 + exp(-b))), rel=1e-6)
    assert b == pytest.approx(0.0025, rel=0.01)


def test_days_count_by_their_weight() -> None:
    table = simulated(400, (0.0, 1.0))
    empty = Model(14, {}, {"one": 0.0, "x": 0.0}, WIDE)
    terms, y = table[["one", "x"]], table["y"].to_numpy()
    twice = fit(pd.concat([terms] * 2), np.tile(y, 2), empty, np.full(800, 0.5))
    once = fit(terms, y, empty, np.ones(400))
    assert twice.weights == pytest.approx(once.weights)


def test_data_that_a_line_parts_do_not_run_away() -> None:
    terms = pd.DataFrame({"one": 1.0, "x": np.repeat([-1.0, 1.0], 500)})
    y = np.repeat([0.0, 1.0], 500)
    found = fit(terms, y, Model(14, {}, {"one": 0.0, "x": 0.0}, WIDE), np.ones(1000))
    assert 3 < found.weights["x"] < 100
    p = chance(found, terms)
    # At the greatest posterior the pull of the data is that of the prior.
    assert float(terms["x"] @ (y - p)) == pytest.approx(found.weights["x"] / 100, rel=1e-4)


def test_weights_of_the_data_are_of_every_term_and_point_the_right_way(world: World) -> None:
    names = list(features(one_day(), np.array([0.5])))
    for horizon, model in models(world).items():
        assert model.horizon_d == horizon
        assert list(model.weights) == names == list(model.means) == list(model.spreads)
        assert model.weights["week_above"] < 0 < model.weights["week_below"]
        assert model.weights["three_days"] < 0
        assert all(model.weights[n] > 0 for n in ("tonnage_fall", "calls_fall", "container_fall"))
        assert 0 < model.weights["usual"] < 1


@settings(max_examples=40)
@given(a=st.floats(0.05, 1.4), less=st.floats(0.01, 0.5), usual=st.floats(0.01, 0.9))
def test_less_traffic_is_never_less_likely_to_fall(
    world: World, a: float, less: float, usual: float
) -> None:
    days = pd.concat([one_day(ratio=r, ratio_3d=r) for r in (a, a * (1 - less))])
    terms = features(days, np.full(2, usual))
    for model in models(world).values():
        more, lower = chance(model, terms)
        assert lower >= more


@pytest.mark.reference
def test_the_weights_of_the_data_are_those_the_record_gives(
    world: World, recorded_days: pd.DataFrame
) -> None:
    for horizon, model in models(world).items():
        terms = features(recorded_days, recorded_days[f"usual_{horizon}"].to_numpy(float))
        happened = recorded_days[f"happened_{horizon}"].to_numpy(float)
        known = recorded_days["judged"].to_numpy(bool) & np.isfinite(happened)
        known &= terms.notna().all(axis=1).to_numpy()
        assert known.sum() == {14: 16_257, 30: 16_108}[horizon]
        weight = np.full(known.sum(), 1 / horizon)
        found = fit(terms[known], happened[known], model, weight)
        assert found.weights == pytest.approx(dict(model.weights), abs=0.005)


# --- feeds and declarations ----------------------------------------------------------------------


def test_feeds_add_log_odds(world: World) -> None:
    full = world.assumption("warning_threat_log_odds")
    closed = world.assumption("warning_closed_log_odds")
    found = with_feeds(
        np.array([0.5] * 3), np.array([0.0, 1.0, NAN]), ["", "closed", "open"], world
    )
    assert found[0] == pytest.approx(0.5)
    assert found[1] == pytest.approx(1 / (1 + exp(-full - closed)))
    assert found[2] == pytest.approx(0.5)  # nobody looks: nothing added, nothing taken away


@given(
    p=st.floats(0.0, 1.0),
    threat=st.floats(0.0, 1.0),
    more=st.floats(0.0, 1.0),
    word=st.sampled_from(["", "open", "restricted", "closed"]),
)
def test_more_threat_never_lowers(
    world: World, p: float, threat: float, more: float, word: str
) -> None:
    low, high = sorted((threat, more))
    a, b = with_feeds(np.array([p, p]), np.array([low, high]), [word, word], world)
    assert 0 < a <= b < 1
    calm, restricted, closed = with_feeds(
        np.array([p] * 3), np.array([threat] * 3), ["open", "restricted", "closed"], world
    )
    assert calm <= restricted <= closed


def test_what_is_not_known_stays_so(world: World) -> None:
    assert np.isnan(with_feeds(np.array([NAN]), np.array([0.9]), ["closed"], world)).all()


# --- from charts to days of elements -------------------------------------------------------------

DAYS = 500


def traffic(metrics: dict[str, np.ndarray], *, element: str = HORMUZ) -> xr.DataArray:
    """Return the panel of one element."""
    names = [m for m in METRICS if m in metrics]
    at = {m: i for i, m in enumerate(names)}
    calls = [at.get(m.replace("capacity", "n") if "_" in m else "n_total", -1) for m in names]
    is_tonnage = [m.startswith("capacity") for m in names]
    return xr.DataArray(
        np.array([metrics[m] for m in names], float),
        dims=("series", "day"),
        coords={
            "day": pd.date_range("2024-01-01", periods=DAYS),
            "element": ("series", np.array([element] * len(names), object)),
            "metric": ("series", np.array(names, object)),
            "calls_of": (
                "series",
                np.array([c if t else -1 for c, t in zip(calls, is_tonnage, strict=True)]),
            ),
        },
    )


def steady(mean: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean, DAYS).astype(float)


def test_tonnage_is_judged_and_ships_are_told() -> None:
    calls = steady(60)
    calls[450:] = 15.0
    days = element_days(changes(traffic({"n_total": calls, "capacity": calls * 5e4})))
    assert set(days["of"]) == {"tonnage"}
    last = days.iloc[-1]
    assert last["observed_d"] == pytest.approx(15, rel=0.02)
    assert last["usual_d"] == pytest.approx(60, rel=0.1)
    assert last["ratio"] == pytest.approx(0.25, rel=0.1)
    assert bool(last["tonnage_fall"])
    assert (
        pd.Timestamp("2025-03-20") <= last["onset"] <= last["began"] <= pd.Timestamp("2025-03-30")
    )


def test_an_element_of_calls_alone_is_judged_by_them(world: World) -> None:
    calls = steady(60)
    calls[450:] = 10.0
    days = traffic_days(world, traffic({"n_total": calls}))
    assert set(days["of"]) == {"calls"}
    assert days["p_14"].iloc[-1] > 0.9
    assert bool(days["speaks"].iloc[-1])
    assert not days["tonnage_fall"].any()


def test_a_fall_of_one_class_is_named(world: World) -> None:
    liners = steady(20, seed=2)
    liners[450:] = 1.0
    days = element_days(changes(traffic({"n_total": steady(80), "n_container": liners})))
    assert days["classes"].iloc[-1] == "container"
    assert bool(days["container_fall"].iloc[-1])
    assert days["alarm"].iloc[-1] == -1
    assert (days["classes"].iloc[:450] == "").all()


def test_a_surge_of_ships_does_not_bear_out_a_fall_of_tonnage() -> None:
    """The second chart of the calls sees a rise: it is no second witness of the fall."""
    calls, tonnes = steady(60), steady(60, seed=3) * 5e4
    calls[480:], tonnes[480:] = 100.0, 5e5
    found = changes(traffic({"n_total": calls, "capacity": tonnes}))
    quiet = found.copy(deep=True)
    row = list(found["metric"].to_numpy()).index("capacity")
    quiet["twin"].to_numpy()[row] = False
    assert quiet["twin"].to_numpy()[0].any()
    days = element_days(quiet)
    fell = days["tonnage_fall"].to_numpy(bool)
    assert fell.any()
    assert not days["twin"].to_numpy(bool)[fell].any()
    assert not speaks(days, 10.0).any()


def test_few_ships_never_speak_by_themselves(world: World) -> None:
    few = steady(6)
    few[430:] = 0.0
    days = traffic_days(world, traffic({"n_total": few}))
    assert not days["speaks"].any()


@pytest.mark.parametrize("metrics", [{}, {"n_tanker": steady(20)}])
def test_without_all_ships_there_is_nothing_to_say(
    world: World, metrics: dict[str, np.ndarray]
) -> None:
    panel = (
        traffic(metrics) if metrics else traffic({"n_total": steady(5)}).isel(series=slice(0, 0))
    )
    assert traffic_days(world, panel).empty


def test_days_that_are_not_known_have_no_probability(world: World) -> None:
    calls = steady(60)
    calls[470:485] = NAN
    days = traffic_days(world, traffic({"n_total": calls}))
    assert days["p_14"].iloc[470:485].isna().all()
    assert days["p_14"].iloc[:360].isna().all()
    assert days["p_14"].iloc[[450, 499]].notna().all()
    nothing = traffic_days(world, traffic({"n_total": np.full(DAYS, NAN)}))
    assert nothing["p_14"].isna().all()
    assert not nothing["judged"].any()


@settings(max_examples=5)
@given(cut=st.integers(380, 480), drop=st.floats(0.05, 1.3))
def test_a_day_is_judged_by_nothing_later(world: World, cut: int, drop: float) -> None:
    calls = steady(60)
    calls[cut - 10 :] = np.round(calls[cut - 10 :] * drop)
    panel = traffic({"n_total": calls, "capacity": calls * 5e4})
    whole, part = traffic_days(world, panel), traffic_days(world, panel.isel(day=slice(0, cut)))
    told = [c for c in part if not str(c).startswith("happened")]
    pd.testing.assert_frame_equal(whole[told].iloc[:cut], part[told])


def test_elements_do_not_touch_each_other(world: World) -> None:
    a = traffic({"n_total": steady(60)})
    b = traffic({"n_total": steady(30, seed=5)}, element="chokepoint:suez")
    both = traffic_days(world, xr.concat([b, a], dim="series"))
    alone = traffic_days(world, a)
    own = both[both["element"] == HORMUZ].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, alone)
