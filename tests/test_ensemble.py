"""Years drawn by lot agree with the closed forms, and with themselves whoever draws them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridors.risk.structural import closure_days
from corridors.whatif.ensemble import (
    BLOCK_Y,
    Block,
    Chances,
    Draws,
    Ensemble,
    agreement,
    ensemble,
    moments,
    shut_together,
    simulate,
)
from layers.errors import DataError, UsageError
from layers.world import World

YEAR_D = 365.25
NAMES = ("bab_el_mandeb", "hormuz", "panama", "suez")
CAUSES = ("blockage", "conflict", "drought", "piracy")


def hazards(*rows: tuple[str, str, float, float, float]) -> pd.DataFrame:
    """Return hazards: chokepoint, cause, years between events, days, share lost."""
    columns = ["chokepoint", "cause", "return_period_y", "duration_d", "severity"]
    return pd.DataFrame(list(rows), columns=columns)


def bits(draws: Draws) -> tuple[object, ...]:
    """Return all the draws hold, to the last bit."""
    arrays = (draws.compound_d, draws.lost_d, draws.year, draws.closure, draws.weight_d)
    return (*(array.tobytes() for array in arrays), draws.elements, draws.closures)


def is_near(drawn: np.ndarray, mean: float, sd: float, fourth: float) -> None:
    """Assert that mean and sd are within 3 standard errors; `fourth` is the fourth cumulant."""
    n = len(drawn)
    assert abs(drawn.mean() - mean) < 3 * sd / np.sqrt(n)
    error = np.sqrt((fourth + 2 * sd**4) / n) / (2 * sd)
    assert abs(drawn.std(ddof=1) - sd) < 3 * error


rows = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(CAUSES),
    st.floats(0.2, 50),
    st.floats(0, 400),
    st.floats(0, 1),
)
tables = st.lists(rows, min_size=1, max_size=6, unique_by=lambda row: row[:2])
chances = st.builds(Chances, st.floats(0, 2), st.floats(0, 1.9), st.floats(0, 2))


# --- the closed forms


def test_bab_el_mandeb_agrees_with_the_compound_poisson_law(world: World) -> None:
    own = world.hazards[world.hazards["chokepoint"] == "bab_el_mandeb"]
    drawn = simulate(own, years=40_000, seed=1).compound_d[:, 0]
    days = own["duration_d"] * own["severity"]
    # Of a lognormal with coefficient of variation 1, E[d⁴] is 2⁶ times the mean's fourth power.
    is_near(drawn, 11.5936, 16.2686, float((days**4 * 64 / own["return_period_y"]).sum()))


def test_moments_are_those_of_the_structural_risk(world: World) -> None:
    table = moments(world.hazards).set_index("element")
    assert table.loc["chokepoint:bab_el_mandeb"].tolist() == pytest.approx(
        [11.5936, 16.2686], abs=5e-5
    )
    for chokepoint, own in world.hazards.groupby("chokepoint"):
        rate = 1 / own["return_period_y"]
        known = closure_days(rate, own["duration_d"], own["severity"])
        assert table.loc[f"chokepoint:{chokepoint}"].tolist() == pytest.approx(list(known))


def test_every_chokepoint_agrees_with_its_closed_form(world: World) -> None:
    law = Chances(duration_cv=1.0, severity_spread=1.0, shock_cv=0.7)
    draws = simulate(world.hazards, years=10_000, seed=1, chances=law)
    table = agreement(draws, moments(world.hazards, law))
    assert table["element"].tolist() == list(draws.elements)
    assert len(table) == world.hazards["chokepoint"].nunique()
    assert table["z"].abs().max() < 3
    # 22 means of which about a third should miss by more than one standard error
    assert 0.1 < (table["z"].abs() > 1).mean() < 0.7


def test_by_the_calendar_a_strait_shut_twice_is_shut_once() -> None:
    twice = hazards(("suez", "blockage", 1, 60, 1), ("suez", "drought", 2, 200, 0.4))
    draws = simulate(twice, years=40_000, seed=3)
    days = draws.days().iloc[0]
    mean = 60 + 200 * 0.4 / 2
    expected = YEAR_D * (1 - np.exp(-mean / YEAR_D))  # no event at work: Poisson, thinned
    assert abs(days["mean"] - expected) < 3 * days["standard_error"]
    assert expected < mean - 10 < draws.compound_d.mean()


def test_straits_that_know_nothing_of_each_other_are_shut_together_by_chance() -> None:
    two = hazards(("panama", "blockage", 1, 60, 1), ("suez", "blockage", 0.5, 30, 1))
    draws = simulate(two, years=40_000, seed=4)
    both = ensemble(draws, lambda closed: [len(closed) == 2], ["both_d"]).summary().iloc[0]
    shut = 1 - np.exp(-60 / YEAR_D)
    assert abs(both["mean"] - YEAR_D * shut**2) < 3 * both["standard_error"]


@pytest.mark.parametrize("cv", [0.0, 0.5, 1.0])
def test_a_shared_shock_keeps_the_mean_and_adds_its_variance(cv: float) -> None:
    strife = hazards(("hormuz", "piracy", 0.25, 5, 0.5), ("suez", "conflict", 1, 20, 0.2))
    law = Chances(duration_cv=1.0, shock_cv=cv)
    n = 40_000
    drawn = simulate(strife, years=n, seed=5, chances=law).compound_d
    # Hormuz: λ 4, E[d] s 2.5 d; Suez: λ 1, 4 d. Var = λ 2 (E[d] s)² + cv² (λ E[d] s)².
    expected = np.array([[50, 0], [0, 32]]) + cv**2 * np.outer([10, 4], [10, 4])
    table = moments(strife, law)
    assert table["mean_d"].tolist() == pytest.approx([10, 4])
    assert (table["sd_d"] ** 2).tolist() == pytest.approx(expected.diagonal().tolist())
    about = drawn - [10, 4]
    assert (np.abs(about.mean(axis=0)) < 3 * table["sd_d"] / np.sqrt(n)).all()
    for i, j in ((0, 0), (0, 1), (1, 1)):
        product = about[:, i] * about[:, j]
        assert abs(product.mean() - expected[i, j]) < 3 * product.std() / np.sqrt(n)


def test_a_shock_leaves_what_is_not_strife_in_the_gulf_alone() -> None:
    calm = hazards(
        ("panama", "piracy", 1, 9, 0.5), ("suez", "blockage", 1, 9, 1), ("suez", "drought", 1, 9, 1)
    )
    alone = simulate(calm, years=500, seed=1)
    assert bits(simulate(calm, years=500, seed=1, chances=Chances(shock_cv=2))) == bits(alone)


def test_severities_spread_about_their_mean() -> None:
    law = Chances(duration_cv=0.0, severity_spread=1.5)
    one = hazards(("hormuz", "piracy", 1, 10, 0.4))
    drawn = simulate(one, years=40_000, seed=6, chances=law).compound_d[:, 0]
    # E[s²] = 0.4² + (1.5 · 0.4 · 0.6)² = 0.2896, as of a Beta of variance 0.1296.
    strength = 0.24 / 0.1296 - 1
    fourth = np.prod([(0.4 * strength + k) / (strength + k) for k in range(4)])
    assert moments(one, law)[["mean_d", "sd_d"]].iloc[0].tolist() == pytest.approx(
        [4, np.sqrt(28.96)]
    )
    is_near(drawn, 4, np.sqrt(28.96), 1e4 * float(fourth))


@pytest.mark.parametrize("severity", [0.0, 1.0])
def test_what_is_shut_or_open_for_sure_has_no_spread(severity: float) -> None:
    one = hazards(("hormuz", "piracy", 1, 10, severity))
    spread = simulate(one, years=300, seed=1, chances=Chances(severity_spread=1.0))
    assert bits(spread) == bits(simulate(one, years=300, seed=1))
    assert (spread.lost_d.sum() > 0) == (severity > 0)


def test_long_closures_tie_years_together_and_the_standard_error_knows() -> None:
    long = hazards(("panama", "drought", 10, 250, 0.5))
    draws = simulate(long, years=50_000, seed=7)
    days = draws.days().iloc[0]
    blocks = draws.lost_d[:, 0].reshape(-1, BLOCK_Y).mean(axis=1)  # these are independent
    true = blocks.std(ddof=1) / np.sqrt(len(blocks))
    assert days["standard_error"] == pytest.approx(true, rel=0.1)
    assert days["sd"] / np.sqrt(50_000) < 0.8 * true


# --- what must hold of any draw


@given(tables, chances, st.integers(0, 2**40), st.integers(1, 2 * BLOCK_Y))
def test_the_seed_names_the_years(rows: list[Any], law: Chances, seed: int, years: int) -> None:
    table = hazards(*rows)
    draws = simulate(table, years=years, seed=seed, chances=law)
    shuffled = table.sample(frac=1, random_state=0)
    assert bits(simulate(shuffled, years=years, seed=seed, chances=law)) == bits(draws)
    assert draws.lost_d.shape == draws.compound_d.shape == (years, len(draws.elements))
    assert (draws.lost_d >= 0).all()
    assert (draws.lost_d <= YEAR_D * (1 + 1e-12)).all()
    assert (draws.weight_d > 0).all()


def test_another_seed_gives_other_years() -> None:
    one = hazards(("suez", "blockage", 1, 9, 1))
    first, second = (simulate(one, years=99, seed=seed) for seed in (1, 2))
    assert (first.compound_d != second.compound_d).any()


@given(tables, st.integers(1, BLOCK_Y), st.integers(0, 2 * BLOCK_Y))
def test_the_first_years_are_the_same_however_many_follow(
    rows: list[Any], years: int, more: int
) -> None:
    short = simulate(hazards(*rows), years=years, seed=1)
    long = simulate(hazards(*rows), years=years + more, seed=1)
    assert short.lost_d.tobytes() == long.lost_d[:years].tobytes()
    assert short.compound_d.tobytes() == long.compound_d[:years].tobytes()
    count = partial(ensemble, value=lambda closed: [len(closed) ** 2], measures=["x"])
    assert count(short).loss.tobytes() == count(long).loss[:years].tobytes()


@given(tables, rows, chances)
def test_one_hazard_more_never_takes_days_away(rows: list[Any], another: Any, law: Chances) -> None:
    if another[:2] in {row[:2] for row in rows}:
        another = ("torres", *another[1:])
    fewer = simulate(hazards(*rows), years=100, seed=1, chances=law)
    more = simulate(hazards(*rows, another), years=100, seed=1, chances=law)
    same = [more.elements.index(element) for element in fewer.elements]
    assert (more.lost_d[:, same] >= fewer.lost_d - 1e-9).all()
    assert (more.compound_d[:, same] >= fewer.compound_d - 1e-9).all()


@given(tables, chances)
def test_no_day_is_lost_at_a_seam(rows: list[Any], law: Chances) -> None:
    draws = simulate(hazards(*rows), years=BLOCK_Y, seed=1, chances=law)
    begun, by_calendar = draws.compound_d.sum(axis=0), draws.lost_d.sum(axis=0)
    assert (by_calendar <= begun * (1 + 1e-9) + 1e-6).all()


def test_rare_closures_keep_every_day_across_years() -> None:
    rare = hazards(("suez", "blockage", 60, 800, 1))
    draws = simulate(rare, years=BLOCK_Y, seed=1, chances=Chances(duration_cv=0))
    begun = np.flatnonzero(draws.compound_d[:, 0])
    assert begun.tolist() == [168, 243, 248]  # none overlap, and the last goes round
    assert draws.compound_d[begun, 0] == pytest.approx(800)
    assert draws.lost_d.sum() == pytest.approx(3 * 800, rel=1e-12)
    assert draws.lost_d[[169, 244, 249], 0] == pytest.approx(YEAR_D)
    assert draws.lost_d[0, 0] > 0


def test_who_draws_the_blocks_and_when_makes_no_difference(world: World) -> None:
    def backwards(function: Callable[[int], Block], numbers: Sequence[int]) -> list[Block]:
        return [function(number) for number in reversed(numbers)][::-1]

    draw = partial(simulate, world.hazards, years=1100, seed=9)
    assert bits(draw(mapper=backwards)) == bits(draw())


# --- what a day costs


def test_shares_lost_are_split_into_closures() -> None:
    lost = np.array([[0.5, 0.2, 0.0], [0.2, 0.5, 0.5], [0.0, 0.0, 0.0], [0.5, 0.2, 0.0]])
    year, word, days = shut_together(lost, np.array([10.0, 1.0, 9.0, 2.0]), np.array([0, 0, 0, 1]))
    assert year.tolist() == [0, 0, 0, 0, 1, 1]
    assert word.tolist() == [0b001, 0b011, 0b110, 0b111, 0b001, 0b011]
    assert days.tolist() == pytest.approx([3.0, 2.0, 0.3, 0.2, 0.6, 0.4])


def test_a_strait_shut_costs_what_its_days_cost() -> None:
    draws = simulate(hazards(("suez", "blockage", 0.5, 9, 1)), years=300, seed=1)
    found = ensemble(draws, lambda _: [7.0, 0.0], ["usd", "t"])
    assert draws.closures == (frozenset({"chokepoint:suez"}),)
    assert found.loss[:, 0] == pytest.approx(7 * draws.lost_d[:, 0])
    assert found.loss[:, 0].sum() > 0
    assert not found.loss[:, 1].any()


@given(tables, chances)
def test_losses_that_add_up_by_strait_follow_the_days_lost(rows: list[Any], law: Chances) -> None:
    draws = simulate(hazards(*rows), years=80, seed=1, chances=law)
    price = {element: 2.0**i for i, element in enumerate(draws.elements)}
    found = ensemble(draws, lambda closed: [sum(price[e] for e in closed), len(closed) > 0], "ab")
    expected = draws.lost_d @ np.array(list(price.values()))
    assert found.loss[:, 0] == pytest.approx(expected, rel=1e-9, abs=1e-7)
    # Where any closure costs the same, a day costs the greatest share lost, so no more than all.
    assert (found.loss[:, 1] <= draws.lost_d.sum(axis=1) + 1e-7).all()
    assert (found.loss[:, 1] >= draws.lost_d.max(axis=1, initial=0) - 1e-7).all()


def test_elements_that_do_not_matter_make_no_closures(world: World) -> None:
    matter = {"chokepoint:hormuz", "chokepoint:malacca"}
    whole = simulate(world.hazards, years=700, seed=2)
    part = simulate(world.hazards, years=700, seed=2, among=matter)
    assert part.lost_d.tobytes() == whole.lost_d.tobytes()
    assert len(part.closures) == 3 < len(whole.closures)
    value = partial(ensemble, value=lambda closed: [len(closed & matter) ** 2], measures=["x"])
    assert value(part).loss == pytest.approx(value(whole).loss, rel=1e-9, abs=1e-9)
    assert simulate(world.hazards, years=9, seed=2, among=()).closures == ()


def test_each_closure_is_asked_for_once(world: World) -> None:
    draws = simulate(world.hazards, years=500, seed=1)
    asked, told = list[frozenset[str]](), list[str]()

    def value(closed: frozenset[str]) -> list[float]:
        asked.append(closed)
        return [1.0]

    def progress(things: Sequence[str], what: str) -> Iterable[str]:
        told.append(f"{len(things)} {what}")
        return things

    ensemble(draws, value, ["x"], progress=progress)
    assert len(asked) == len(set(asked)) == len(draws.closures)
    assert frozenset() not in asked
    assert set().union(*asked) <= set(draws.elements)
    assert told == [f"{len(asked)} closures"]
    with pytest.raises(UsageError, match=r"\(1,\) numbers for 2 measures"):
        ensemble(draws, value, ["x", "y"])


# --- the summary


def test_summary_of_twenty_years_by_hand() -> None:
    draws = simulate(hazards(("suez", "blockage", 1, 9, 1)), years=40, seed=11)
    loss = np.random.default_rng(0).permutation(np.arange(1.0, 41.0))
    found = Ensemble(draws, ("usd",), loss[:, None]).summary().iloc[0]
    known = {"mean": 20.5, "p50": 20.5, "p95": 38.05, "cvar95": 39.5, "n": 40, "seed": 11}
    assert found[list(known)].to_dict() == pytest.approx(known)
    assert found["sd"] == pytest.approx(np.sqrt(40 * 41 / 12))
    assert found["measure"] == "usd"


@given(tables, st.integers(1, 60))
def test_tails_are_in_order(rows: list[Any], years: int) -> None:
    draws = simulate(hazards(*rows), years=years, seed=1)
    table = ensemble(draws, lambda closed: [len(closed)], ["x"]).summary()
    for found in (table, draws.days()):
        assert (found["cvar95"] >= found["p95"] * (1 - 1e-12)).all()
        assert (found["p95"] >= found["p50"]).all()
        if years > 1:
            assert (found["standard_error"] >= found["sd"] / years**0.5 * (1 - 1e-12)).all()
        else:
            assert found[["sd", "standard_error"]].isna().all(axis=None)
        assert found["n"].eq(years).all()


# --- what makes no sense


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"years": 0}, "years 0 is less than 1"),
        ({"seed": -1}, "seed -1 is negative"),
    ],
)
def test_years_and_seeds_that_are_none(given: dict[str, int], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        simulate(hazards(("suez", "blockage", 1, 9, 1)), **{"years": 9, "seed": 1, **given})


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("suez", "drought", 0, 9, 1), "suez drought has return_period_y 0"),
        (("suez", "drought", 1, -9, 1), "duration_d -9"),
        (("suez", "drought", 1, np.inf, 1), "duration_d inf"),
        (("suez", "drought", 1, np.nan, 1), "duration_d nan"),
        (("suez", "drought", 1, 9, 1.5), "severity 1.5"),
        (("suez", "blockage", 1, 9, 1), "suez blockage is there twice"),
    ],
)
def test_hazards_out_of_range(row: tuple[str, str, float, float, float], told: str) -> None:
    table = hazards(("suez", "blockage", 1, 9, 1), row)
    for ask in (moments, partial(simulate, years=9, seed=1)):
        with pytest.raises(DataError, match=told):
            ask(table)


def test_no_hazards_at_all() -> None:
    with pytest.raises(DataError, match="no hazards"):
        simulate(hazards(), years=9, seed=1)


@pytest.mark.parametrize("name", ["duration_cv", "severity_spread", "shock_cv"])
@pytest.mark.parametrize("value", [-0.1, np.inf, np.nan])
def test_chances_out_of_range(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=f"{name} {value} is not from 0"):
        Chances(**{name: value})


def test_a_share_cannot_spread_without_end() -> None:
    with pytest.raises(UsageError, match=r"severity_spread 2.* up to 2"):
        Chances(severity_spread=2.0)


def test_more_elements_than_a_word_has_bits() -> None:
    many = hazards(*((f"strait{i:02}", "blockage", 1, 9, 1) for i in range(65)))
    with pytest.raises(UsageError, match="65 chokepoints matter, more than 64"):
        simulate(many, years=9, seed=1)
    some = {f"chokepoint:strait{i:02}" for i in range(1, 65)}
    draws = simulate(many, years=9, seed=1, among=some)
    assert set().union(*draws.closures) == some
