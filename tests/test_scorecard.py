"""The scorecard: scores computed by hand, and a small record whose every count is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import isnan, log, nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridors.risk.alert import Alert, Impact, Level, Message, Status
from corridors.risk.scorecard import Scorecard, elementary, reliability, scorecard, scores
from layers.errors import UsageError

SAID, WAS = (0.1, 0.4, 0.8, 0.9), (0, 0, 1, 1)
FIRST = date(2026, 1, 1)
LOSS = Impact(1, 30, 3e6, 0.4, 0.4, 9e7, 7e7, 7e6, 0, 7e6, 0, nan, nan, 20, 4)
HORMUZ, SUEZ = "chokepoint:hormuz", "chokepoint:suez"


def moment(day: int) -> datetime:
    """Return noon of a day; 0 is the first of the record."""
    return datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=day)


def alert(day: int, level: Level, p: float = 0.5, **said: object) -> Alert:
    """Return an entry that opens a thread of its own on a day and is current for a day."""
    id = f"{said.get('importer', 'JPN')}-{day}"
    usual: dict[str, object] = {
        **{"id": id, "thread": id, "message": Message.alert, "level": level},
        **{"previous": Level.none, "importer": "JPN", "commodity": "lng", "element": HORMUZ},
        **{"probability_14d": p, "probability_30d": p, "impact": LOSS, "status": Status()},
        **{"sent": moment(day), "expires": moment(day + 1)},
    }
    return Alert(**{**usual, **said})  # type: ignore[arg-type]


def outcomes(days: int, *below: int, element: str = HORMUZ) -> pd.DataFrame:
    """Return a record of so many days, below on these."""
    return pd.DataFrame(
        {
            "element": element,
            "day": pd.date_range(FIRST, periods=days),
            "below": pd.array([day in below for day in range(days)], dtype="boolean"),
        }
    )


def row(card: Scorecard, level: str, element: str = "all") -> Mapping[str, float]:
    """Return one row of the levels."""
    table = card.levels.set_index(["level", "element"])
    return {str(name): value for name, value in table.loc[(level, element)].items()}


def test_scores_are_those_worked_out_by_hand() -> None:
    found = scores(SAID, WAS)
    assert (found.n, found.happened) == (4, 2)
    assert found.brier == pytest.approx(0.055)
    assert found.brier_reference == pytest.approx(0.25)
    assert found.skill == pytest.approx(0.78)
    assert found.log_loss == pytest.approx(0.23617, abs=5e-6)
    assert found.log_reference == pytest.approx(log(2))
    assert found.log_skill == pytest.approx(1 - 0.23617 / log(2), abs=1e-5)


def test_scores_leave_out_what_is_not_known_of_either() -> None:
    gaps = scores((*SAID, nan, 0.5), (*WAS, 1, nan))
    assert gaps == scores(SAID, WAS)
    beside = scores(SAID, WAS, (0, 0, nan, 1))
    assert (beside.n, beside.brier_reference) == (3, 0)
    assert isnan(beside.skill)  # nothing is better than a perfect reference
    assert isnan(scores([], []).brier)


def test_a_sure_forecast_that_fails_costs_much_and_not_all() -> None:
    assert scores([0, 1], [1, 1]).log_loss == pytest.approx((log(1000) - log(0.999)) / 2)


def test_impossible_probabilities_are_not_scored() -> None:
    with pytest.raises(UsageError, match="outside 0–1"):
        scores([1.2], [1])


def test_reliability_has_the_columns_of_the_matrix() -> None:
    table = reliability((0.6, 0.1, 0.4, 0.8, 0.9, nan), (1, 0, 0, 1, 1, 1))
    assert table["n"].tolist() == [0, 0, 1, 2, 2]
    assert table["least"].tolist() == [0, 0.01, 0.1, 0.3, 0.6]
    assert table["mean_p"].tolist()[2:] == pytest.approx([0.1, 0.5, 0.85])
    assert table["happened_share"].tolist()[2:] == [0, 0.5, 1]
    assert table["happened_share"].isna().tolist() == [True, True, False, False, False]


def test_elementary_score_charges_alpha_for_a_false_alarm_and_the_rest_for_a_miss() -> None:
    assert elementary(SAID, WAS, 0.3) == pytest.approx(0.3 / 4)  # 40 % and nothing happened
    assert elementary(SAID, WAS, 0.85) == pytest.approx(0.15 / 4)  # 80 % and it happened
    assert elementary([0.3], [0], 0.3) == 0.3  # the threshold itself warns
    assert isnan(elementary([], [], 0.3))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.floats(0.01, 0.99))
def test_scores_are_bounded_and_the_truth_is_best(
    said: list[tuple[float, bool]], alpha: float
) -> None:
    p, was = np.array([one for one, _ in said]), np.array([float(came) for _, came in said])
    found, truth = scores(p, was), scores(was, was)
    assert 0 == truth.brier <= found.brier <= 1
    assert 0 < truth.log_loss <= found.log_loss <= log(1000) + 1e-9
    assert 0 == elementary(was, was, alpha) <= elementary(p, was, alpha) <= 1
    assert reliability(p, was)["n"].sum() == len(said)


def test_a_hit_a_false_alarm_and_a_miss() -> None:
    # Below on days 40–45 (warned of at orange on day 35) and on 90–92 (at yellow only).
    record = outcomes(200, *range(40, 46), *range(90, 93))
    alerts = [alert(35, Level.orange), alert(70, Level.red), alert(88, Level.yellow)]
    card = scorecard(alerts, record)
    orange = row(card, "orange")
    assert orange["years"] == pytest.approx(200 / 365.25)
    assert {name: orange[name] for name in ("alarms", "true_alarms", "false_alarms")} == {
        "alarms": 2,
        "true_alarms": 1,
        "false_alarms": 1,
    }
    assert (orange["events"], orange["hits"], orange["late"], orange["misses"]) == (2, 1, 0, 1)
    assert orange["false_alarms_y"] == pytest.approx(365.25 / 200)
    assert orange["lead_d"] == 5
    yellow = row(card, "yellow")
    assert (yellow["hits"], yellow["misses"], yellow["lead_d"]) == (2, 0, 3.5)
    red = row(card, "red")
    assert (red["alarms"], red["hits"], red["misses"]) == (1, 0, 2)
    assert isnan(red["lead_d"])
    assert (card.events, card.levels["level"].unique().tolist()) == (
        *(2,),
        ["blue", "yellow", "orange", "red"],
    )
    assert "too few" in card.note


@pytest.mark.parametrize(
    ("day", "hits", "late", "lead"), [(43, 1, 0, -3), (44, 0, 1, -4), (26, 1, 0, 14)]
)
def test_a_warning_is_late_more_than_three_days_after(
    day: int, hits: int, late: int, lead: int
) -> None:
    orange = row(scorecard([alert(day, Level.orange)], outcomes(99, *range(40, 60))), "orange")
    assert (orange["hits"], orange["late"], orange["lead_d"]) == (hits, late, lead)


def test_a_warning_too_early_is_false_and_the_event_a_miss() -> None:
    orange = row(scorecard([alert(25, Level.orange)], outcomes(99, 40, 41)), "orange")
    assert (orange["false_alarms"], orange["misses"]) == (1, 1)


def test_an_alarm_lasts_until_its_thread_falls_under_the_level() -> None:
    first = alert(10, Level.orange)
    held = {"thread": first.id, "message": Message.update}
    later = [
        alert(20, Level.orange, **held),  # it had lapsed in between: the same alarm
        alert(45, Level.yellow, **held),
        alert(60, Level.none, **{**held, "message": Message.cancel}),
    ]
    card = scorecard([first, *later], outcomes(99, 44, 45))
    orange, yellow = row(card, "orange"), row(card, "yellow")
    assert (orange["alarms"], orange["true_alarms"], orange["lead_d"]) == (1, 1, 34)
    assert (yellow["alarms"], yellow["true_alarms"]) == (1, 1)


def test_one_closure_is_not_many_because_many_were_warned() -> None:
    alerts = [alert(35, Level.red, importer=i) for i in ("JPN", "KOR", "CHN")]
    card = scorecard(alerts, outcomes(99, *range(40, 50)))
    assert (row(card, "red")["alarms"], row(card, "red")["hits"]) == (1, 1)
    touching = scorecard([*alerts, alert(36, Level.red, importer="IND")], outcomes(99))
    assert row(touching, "red")["false_alarms"] == 1
    assert card.forecasts["n"].tolist() == [1, 1]


def test_what_cannot_be_told_yet_is_left_out_and_counted() -> None:
    gap = outcomes(60, *range(5))
    gap.loc[gap.index == 30, "below"] = pd.NA
    alerts = [
        alert(25, Level.orange),  # a day of its fortnight is unknown
        alert(50, Level.orange),  # its fortnight is not over
        alert(10, Level.orange, p=nan),
        alert(12, Level.red, exercise=True, id="exercise-1"),
        alert(20, Level.orange, element="chokepoint:nowhere"),
    ]
    card = scorecard(
        alerts, gap, feedback=[{"alert": "exercise-1", "reader": "a", "verdict": "late"}]
    )
    orange = row(card, "orange")
    assert (orange["alarms"], orange["unresolved"], orange["false_alarms"]) == (4, 3, 1)
    assert row(card, "orange", "chokepoint:nowhere")["years"] == 0
    assert isnan(row(card, "orange", "chokepoint:nowhere")["false_alarms_y"])
    assert row(card, "red")["alarms"] == 0
    assert dict(card.left_out.itertuples(index=False)) == {
        "entries of exercises": 1,
        "events begun before the first known day": 1,
        "forecasts not known": 2,
        "forecasts not resolved": 6,
        "answers to other entries": 1,
    }
    assert card.events == 0


def test_a_gap_of_unknown_days_does_not_make_two_events_of_one() -> None:
    record = outcomes(90, 20, 21, 60, 61)
    assert scorecard([], record).events == 2
    record.loc[record.index.isin(range(25, 58)), "below"] = pd.NA
    assert scorecard([], record).events == 1
    assert scorecard([], outcomes(90, 20, 34)).events == 1  # 13 known days between
    assert scorecard([], outcomes(90, 20, 35)).events == 2


def test_an_event_that_has_just_begun_is_no_miss_yet() -> None:
    assert row(scorecard([], outcomes(40, 37, 38, 39)), "red")["misses"] == 0
    assert row(scorecard([], outcomes(41, 37, 38, 39, 40)), "red")["misses"] == 1


def test_events_before_the_watch_began_are_not_missed() -> None:
    record = outcomes(99, 20, 21, 70, 71)
    card = scorecard([], record, since=FIRST + timedelta(days=50))
    assert (card.events, row(card, "blue")["misses"]) == (1, 1)
    assert row(card, "blue")["years"] == pytest.approx(49 / 365.25)


def test_forecasts_beside_climatology_and_persistence() -> None:
    # Of the 86 windows of 14 days in 99 days, those that begin on days 27–40 hold day 40.
    card = scorecard([alert(30, Level.red, 0.8), alert(60, Level.blue, 0.2)], outcomes(99, 40))
    fortnight = card.forecasts.iloc[0]
    share = 14 / 86
    assert (fortnight["n"], fortnight["happened"]) == (2, 1)
    assert fortnight["brier"] == pytest.approx(0.04)
    assert fortnight["brier_climatology"] == pytest.approx(((1 - share) ** 2 + share**2) / 2)
    assert fortnight["brier_persistence"] == pytest.approx(0.5)
    assert fortnight["skill_persistence"] == pytest.approx(0.92)
    assert card.reliability.query("horizon_d == 14")["n"].tolist() == [0, 0, 1, 0, 1]
    assert card.matrix["score"].tolist() == pytest.approx([0.005, 0.05, 0, 0] * 2)


def test_a_forecast_is_of_the_days_after_it_and_scored_when_they_are_over() -> None:
    card = scorecard([alert(30, Level.red)], outcomes(45, 30))
    assert card.forecasts[["n", "happened"]].to_numpy().tolist() == [[1, 0], [0, 0]]
    assert scorecard([alert(30, Level.red)], outcomes(44, 40)).forecasts["n"].tolist() == [0, 0]


def test_of_a_day_given_twice_the_last_counts() -> None:
    assert scorecard([], pd.concat([outcomes(90), outcomes(90, 40)])).events == 1


def test_persistence_knows_no_more_than_the_entry_did() -> None:
    seen = alert(41, Level.red, 0.8)
    blind = replace(seen, status=Status(data_to=moment(39)))
    record = outcomes(99, *range(40, 50))
    told = [scorecard([one], record).forecasts["brier_persistence"][0] for one in (seen, blind)]
    assert told == [0, 1]


def test_feedback_is_counted_by_reader() -> None:
    entries = [alert(35, Level.red), alert(70, Level.red)]
    said = [("embassy", "true", 35), ("embassy", "useless", 70), ("enterprise", "late", 35)]
    feedback = [{"alert": f"JPN-{d}", "reader": r, "verdict": v} for r, v, d in said]
    seen = [{"alert": "JPN-35", "reader": "agency"}, {"alert": "JPN-1", "reader": "agency"}]
    card = scorecard(entries, outcomes(99), feedback=feedback, acknowledgements=seen)
    assert list(card.feedback.itertuples(index=False, name=None)) == [
        ("agency", 1, 0, 0, 0, 0),
        ("embassy", 0, 1, 0, 0, 1),
        ("enterprise", 0, 0, 0, 1, 0),
    ]
    assert card.left_out["n"].tolist()[-1] == 1


def test_an_empty_log_has_a_card_of_noughts() -> None:
    card = scorecard([], outcomes(0))
    assert card.levels["alarms"].tolist() == [0] * 4
    assert card.levels["false_alarms_y"].isna().all()
    assert card.forecasts["n"].tolist() == [0, 0]
    assert card.feedback.empty


def test_elements_have_rows_of_their_own() -> None:
    both = pd.concat([outcomes(99, 40, 41), outcomes(50, element=SUEZ)])
    card = scorecard([alert(30, Level.blue), alert(20, Level.blue, element=SUEZ)], both)
    assert card.levels["element"].unique().tolist() == ["all", HORMUZ, SUEZ]
    assert [row(card, "blue", e)["false_alarms"] for e in ("all", HORMUZ, SUEZ)] == [1, 0, 1]
    assert row(card, "blue")["false_alarms_y"] == pytest.approx(365.25 / 149)
