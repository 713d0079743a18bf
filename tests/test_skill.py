"""How good the warnings would have been: the rules by hand, and the record beside those of others.

What is asked of the charts on recorded series is asked here, of series nobody tuned a threshold on
too: `transit_evidence` and the gates came with Suez, Bab el-Mandeb, Hormuz and the Cape in view;
Panama, Malacca, Gibraltar, Dover, Øresund, Kerch, the Bosporus and the Taiwan Strait are judged by
the same figures.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from corridors.risk.levels import Rules
from corridors.risk.skill import (
    Crisis,
    Skill,
    crises,
    detection,
    episodes,
    false_alarms,
    flags,
    forecasts,
    held_out,
    reliability,
    skill,
)
from layers.errors import UsageError
from layers.world import World

SUEZ, BAB, HORMUZ, CAPE = (
    f"chokepoint:{name}" for name in ("suez", "bab_el_mandeb", "hormuz", "cape_good_hope")
)
TUNED_ON = {SUEZ, BAB, HORMUZ, CAPE}


def days_of(
    calls: list[float] | np.ndarray,
    *,
    element: str = HORMUZ,
    start: str = "2024-01-01",
    **columns: object,
) -> pd.DataFrame:
    """Return days of an element as `traffic_days` gives them, calm where nothing else is said."""
    count = len(calls)
    usual: dict[str, object] = {
        "element": element,
        "day": pd.date_range(start, periods=count),
        "calls": np.asarray(calls, float),
        "ratio": np.asarray(calls, float) / 100,
        "judged": True,
        "calls_fall": False,
        "tonnage_fall": False,
        "container_fall": False,
        "speaks": False,
        "p_14": 0.01,
        "p_30": 0.02,
    }
    return pd.DataFrame({**usual, **columns}, index=range(count))


def flagged(days: pd.DataFrame, rule: str) -> list[int]:
    return [int(i) for i in np.flatnonzero(flags(days, Rules())[rule])]


def test_half_of_the_month_before_is_flagged_and_a_hair_more_is_not() -> None:
    # Seven days of 50 after 30 of 100: the week's mean is 50, that of the month before 100.
    assert flagged(days_of([100.0] * 40 + [50.0] * 7), "drop_half") == [46]
    assert flagged(days_of([100.0] * 40 + [51.0] * 7), "drop_half") == []


def test_three_days_have_to_be_under_85_of_100_in_a_row() -> None:
    assert flagged(days_of([100.0] * 95 + [84.0] * 3), "three_days") == [97]
    assert flagged(days_of([100.0] * 95 + [84.0, 84.0, 99.0]), "three_days") == []


def test_the_fixed_window_knows_one_usual_for_ever() -> None:
    before = len(pd.date_range("2022-01-01", "2023-10-06"))
    days = days_of([100.0] * before + [75.0] * 30, start="2022-01-01")
    # The first week whose mean is 75 is whole at its seventh day.
    assert flagged(days, "fixed_window") == list(range(before + 6, before + 30))


def test_a_day_three_standard_deviations_down_is_flagged() -> None:
    # 28 days of 90 and 110 in turn: mean 100, standard deviation (n - 1) 10.18.
    swing = [90.0, 110.0] * 14
    assert flagged(days_of([*swing, 69.0]), "rolling_z") == [28]
    assert flagged(days_of([*swing, 70.0]), "rolling_z") == []


def test_a_day_that_varies_by_nothing_is_not_infinitely_far() -> None:
    assert flagged(days_of([100.0] * 60 + [10.0]), "rolling_z") == []


def test_orange_is_the_level_of_tier_2_by_traffic_alone() -> None:
    days = days_of([20.0] * 12, p_14=0.97, p_30=0.97, speaks=True)
    assert flagged(days, "orange") == list(range(12))
    # Not all but certain: three updates.
    assert flagged(days.assign(p_14=0.7), "orange") == list(range(2, 12))
    assert flagged(days.assign(p_14=0.55), "orange") == []
    assert flagged(days.assign(speaks=False), "orange") == []


def test_flagged_days_a_week_apart_are_one_episode() -> None:
    days = pd.Series(pd.date_range("2024-01-01", periods=30))
    on = np.zeros(30, bool)
    on[[0, 7, 15, 16, 29]] = True
    found = [(a.day, b.day) for a, b in episodes(days, on)]
    assert found == [(1, 8), (16, 17), (30, 30)]
    assert episodes(days, np.zeros(30, bool)) == []


def one_crisis(fell: str, end: str, *, grave: bool = True, element: str = HORMUZ) -> Crisis:
    start, last = pd.Timestamp(fell), pd.Timestamp(end)
    before, after = pd.Timedelta(days=3), pd.Timedelta(days=14)
    return Crisis("made_up", element, start - before, last + after, start, grave)


def test_an_episode_that_begins_in_a_crisis_or_its_wake_is_none_false() -> None:
    days = days_of([100.0] * 366)
    on = np.zeros(366, bool)
    on[[50, 97, 98, 134, 135, 300]] = True  # the crisis is days 100 to 120, known from 97 to 134
    known = [one_crisis("2024-04-10", "2024-04-30")]
    table = false_alarms(days, {"rule": on}, known)
    assert table.loc[0, "dates"] == "2024-02-20;2024-10-27"
    assert table.loc[0, "false_alarms"] == 2
    calm = 366 - (134 - 97 + 1)
    assert table.loc[0, "years"] == pytest.approx(calm / 365.25)
    elsewhere = [one_crisis("2024-04-10", "2024-04-30", element=SUEZ)]
    assert false_alarms(days, {"rule": on}, elsewhere).loc[0, "false_alarms"] == 4


def test_days_that_are_not_judged_are_no_record() -> None:
    days = days_of([100.0] * 20, judged=False)
    row = false_alarms(days, {"rule": np.ones(20, bool)}, []).loc[0]
    assert (row["false_alarms"], row["years"]) == (0, 0)
    assert np.isnan(row["per_year"])


def test_the_delay_counts_from_the_day_traffic_fell() -> None:
    calls = [100.0] * 30 + [50.0] * 10 + [100.0] * 30
    days, on = days_of(calls), np.zeros(70, bool)
    on[33:38] = True
    on[5] = True  # before the crisis: no merit
    known = [one_crisis("2024-01-31", "2024-02-09")]
    (row,) = detection(days, {"rule": on}, known).to_dict("records")
    assert row["delay_d"] == 3
    assert row["flagged_share"] == pytest.approx(5 / 10)


def test_a_crisis_never_flagged_has_no_delay_and_a_slight_one_is_not_asked_for() -> None:
    days, off = days_of([50.0] * 40), np.zeros(40, bool)
    (row,) = detection(days, {"rule": off}, [one_crisis("2024-01-10", "2024-01-20")]).to_dict(
        "records"
    )
    assert np.isnan(row["delay_d"])
    assert row["flagged_share"] == 0
    slight = [one_crisis("2024-01-10", "2024-01-20", grave=False)]
    assert detection(days, {"rule": off}, slight).empty
    assert detection(days, {"rule": off}, [one_crisis("2023-01-10", "2023-01-20")]).empty


def test_disruptions_of_the_table_are_crises_and_controls_and_surges_are_not(world: World) -> None:
    known = {(c.name, c.element): c for c in crises(world)}
    given = known["suez_2021_ever_given", SUEZ]
    assert given.grave
    assert given.start == pd.Timestamp("2021-03-20")
    assert given.end == pd.Timestamp("2021-04-12")
    assert known["red_sea_2023", BAB].fell == pd.Timestamp("2023-12-15")
    assert known["red_sea_2023", BAB].end > pd.Timestamp("2100-01-01")
    assert not known["hormuz_2025_war", HORMUZ].grave
    names = {name for name, _ in known}
    assert not names & {"suez_2021_backlog", "hormuz_2019_attacks", "cape_2023_diversion"}


def test_bins_say_what_came_of_probabilities() -> None:
    p, happened = np.array([0.0, 0.02, 0.02, 0.5, 0.9, 1.0]), np.array([0.0, 0, 1, 1, 1, 1])
    table = reliability(p, happened, 14).set_index("least")
    assert table["n"].to_dict() == {0.0: 1, 0.01: 2, 0.3: 1, 0.9: 2}
    assert table.loc[0.01, "happened_share"] == 0.5
    assert table.loc[0.9, "mean_p"] == pytest.approx(0.95)


def test_simple_forecasts_are_scored_beside_ours() -> None:
    table = pd.DataFrame({"happened": [1.0, 0.0], "usual_p": [0.5, 0.5], "ratio": [0.5, 1.0]})
    rows = {row["days"]: row for row in forecasts(np.array([0.9, 0.2]), table, 14)}
    assert rows["all days"]["brier"] == pytest.approx((0.01 + 0.04) / 2)
    assert rows["all days"]["brier_climatology"] == pytest.approx(0.25)
    assert rows["all days"]["brier_persistence"] == pytest.approx(0.02**2)
    assert rows["not yet below"]["n"] == 1


def test_what_is_left_out_is_not_learnt_from(world: World) -> None:
    """In each element the outcome follows the term the other way round: only the other's shows."""
    from corridors.risk.probability import Model

    term = np.tile([1.0, 0.0], 200)
    table = pd.DataFrame(
        {
            "element": ["chokepoint:a"] * 200 + ["chokepoint:b"] * 200,
            "day": list(pd.date_range("2024-01-01", periods=200)) * 2,
            "x": term,
            "one": 1.0,
            "happened": np.where(np.arange(400) < 200, term, 1 - term),
        }
    )
    free = Model(14, {}, {"one": 0, "x": 0}, {"one": 10, "x": 10})
    p = held_out(table, ["one", "x"], free, [], by="element")
    assert (np.abs(p - table["happened"]) > 0.7).all()
    by_crisis = held_out(table, ["one", "x"], free, [], by="crisis")
    assert np.allclose(by_crisis, 0.5)  # one year, left out whole: nothing but the prior is left


def test_too_short_a_series_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="a year of daily counts"):
        skill(world, days_of([100.0] * 30, judged=False))
    with pytest.raises(UsageError, match="a year of daily counts"):
        skill(world, pd.DataFrame())


# --- on the recorded series ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def record(world: World, recorded_days: pd.DataFrame) -> Skill:
    return skill(world, recorded_days)


def wrong(record: Skill, rule: str) -> pd.Series[int]:
    table = record.false_alarms[record.false_alarms["rule"] == rule]
    return table.set_index("element")["false_alarms"]


def seen(record: Skill, rule: str) -> pd.DataFrame:
    return record.crises[record.crises["rule"] == rule].set_index("crisis")


@pytest.mark.reference
def test_no_false_orange_at_suez_bab_el_mandeb_and_the_cape(record: Skill) -> None:
    assert wrong(record, "orange")[[SUEZ, BAB, CAPE]].to_list() == [0, 0, 0]


@pytest.mark.reference
def test_at_most_one_false_orange_a_corridor_year_anywhere(record: Skill) -> None:
    orange = record.false_alarms[record.false_alarms["rule"] == "orange"]
    assert orange["per_year"].max() <= 1
    unseen = orange[~orange["element"].isin(TUNED_ON)]
    assert len(unseen) >= 8
    assert unseen["false_alarms"].sum() / unseen["years"].sum() <= 1


@pytest.mark.reference
def test_containers_tell_of_the_red_sea_in_five_days_and_go_on(record: Skill) -> None:
    red_sea = seen(record, "containers").loc["red_sea_2023"]
    assert red_sea["delay_d"] <= 5
    assert red_sea["flagged_share"] > 0.95
    assert seen(record, "orange").loc["red_sea_2023", "flagged_share"] > 0.95


@pytest.mark.reference
@pytest.mark.parametrize("crisis", ["suez_2021_ever_given", "hormuz_2026_closure"])
@pytest.mark.parametrize("rule", ["calls", "tonnage", "containers", "orange"])
def test_closures_are_seen_within_three_days(record: Skill, rule: str, crisis: str) -> None:
    assert seen(record, rule).loc[crisis, "delay_d"] <= 3


@pytest.mark.reference
def test_the_rules_of_others_have_the_weaknesses_published_of_them(record: Skill) -> None:
    half, z = seen(record, "drop_half"), seen(record, "rolling_z")
    assert half.loc[["red_sea_2023", "suez_2023_red_sea"], "delay_d"].isna().all()
    assert half.loc["hormuz_2026_closure", "delay_d"] == 3
    assert half.loc["suez_2021_ever_given", "delay_d"] == 4
    assert z["flagged_share"].max() < 0.15
    assert np.isnan(z.loc["hormuz_2026_closure", "delay_d"])
    assert z.loc["red_sea_2023", "delay_d"] > 365
    fixed, three = wrong(record, "fixed_window"), wrong(record, "three_days")
    assert fixed[SUEZ] == 16
    assert fixed[BAB] == 11
    assert fixed[HORMUZ] > 20
    assert three[[HORMUZ, CAPE]].min() > 20


@pytest.mark.reference
def test_ours_is_wrong_less_often_than_every_rule_that_sees_as_much(record: Skill) -> None:
    rules = record.rules.set_index("rule")
    as_good = rules[~rules["ours"].astype(bool) & (rules["seen"] >= rules.loc["orange", "seen"])]
    assert len(as_good) >= 2
    assert (as_good["per_year"] > 5 * rules.loc["orange", "per_year"]).all()


@pytest.mark.reference
def test_probabilities_of_elements_and_crises_left_out_beat_simple_forecasts(
    record: Skill,
) -> None:
    table = record.forecasts
    assert set(table["held_out"]) == {"element", "crisis"}
    assert set(table["horizon_d"]) == {14, 30}
    whole = table[table["days"] == "all days"]
    for score in ("brier", "log"):
        assert (whole[score] < whole[f"{score}_climatology"]).all()
        assert (whole[score] < whole[f"{score}_persistence"]).all()
    calm = table[table["days"] == "not yet below"]
    assert (calm["brier"] < calm["brier_climatology"]).all()


@pytest.mark.reference
def test_probabilities_mean_what_they_say(record: Skill) -> None:
    bins = record.reliability[record.reliability["n"] >= 100]
    apart = (bins["mean_p"] - bins["happened_share"]).abs()
    assert apart.max() < 0.15
    assert np.average(apart, weights=bins["n"]) < 0.03
