"""Levels: the matrix by hand, the memory of an alarm by examples and by properties."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf, nan
from re import fullmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridors.risk.alert import (
    Alert,
    Evidence,
    Impact,
    Level,
    Message,
    Status,
    from_record,
    to_record,
)
from corridors.risk.levels import (
    CALM,
    Change,
    Reading,
    Reason,
    Rules,
    Standing,
    Subject,
    column,
    current,
    entry,
    judged,
    rules_of,
    standing_from,
    standing_of,
    standing_record,
    step,
    subject_of,
    threshold,
)
from layers.errors import CorridorsError, UnknownIdError, UsageError
from layers.world import World

RULES = Rules()
START = datetime(2026, 3, 1, 6, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TWO = frozenset({"traffic", "feeds"})
ONE = frozenset({"traffic"})
JAPAN = Subject("JPN", "lng", "chokepoint:hormuz")
LOSS = Impact(1, 30, 3e6, 0.4, 0.4, 9e7, 7e7, 7e6, 0, 7e6, 0, nan, nan, 20, 4)


def reading(at: datetime, p: float, **said: object) -> Reading:
    """Return a reading of two domains and of the highest tier; its vintage is its moment."""
    usual = {"vintage": at.isoformat(), "fresh": True, "tier": 4, "domains": TWO}
    return Reading(at=at, p_14=p, p_30=p, **{**usual, **said})  # type: ignore[arg-type]


def run(readings: Iterable[Reading], standing: Standing = CALM) -> tuple[Standing, list[Change]]:
    """Return what stands after all readings, and all that was said."""
    changes = []
    for one in readings:
        standing, change = step(standing, one, RULES)
        changes += [change] if change else []
    return standing, changes


def days(*levels: float, **said: object) -> list[Reading]:
    """Return a reading a day with these probabilities."""
    return [reading(START + n * DAY, p, **said) for n, p in enumerate(levels)]


def logged(readings: Iterable[Reading], subject: Subject = JAPAN) -> tuple[Standing, list[Alert]]:
    """Return what stands after all readings, and all entries written."""
    standing, alerts = CALM, list[Alert]()
    for one in readings:
        standing, change = step(standing, one, RULES)
        if change:
            alerts.append(
                entry(change, standing, one, subject, alerts, impact=LOSS, status=Status())
            )
    return standing, alerts


# The table of METHODS G2, read off by hand: a probability inside each column, tiers 1 to 4.
@pytest.mark.parametrize(
    ("p", "names"),
    [
        (0.005, "none none none none"),
        (0.05, "none none blue yellow"),
        (0.2, "none blue yellow orange"),
        (0.45, "blue yellow orange red"),
        (0.9, "blue orange red red"),
    ],
)
def test_the_matrix_is_as_published(p: float, names: str) -> None:
    assert [judged(p, tier).name for tier in (1, 2, 3, 4)] == names.split()
    assert judged(p, 0) is Level.none


def test_columns_begin_with_their_bound_and_the_last_above_it() -> None:
    bounds = [0.0099, 0.01, 0.0999, 0.1, 0.2999, 0.3, 0.6, 0.6001, 1]
    assert [column(p) for p in bounds] == [None, 0, 0, 1, 1, 2, 2, 3, 3]
    assert column(nan) is None
    assert judged(nan, 4) is Level.none


@pytest.mark.parametrize(("p", "tier"), [(1.2, 4), (-0.1, 4), (0.5, 5), (0.5, -1)])
def test_impossible_probabilities_and_tiers_are_refused(p: float, tier: int) -> None:
    with pytest.raises(UsageError, match="0–1 and 0–4"):
        judged(p, tier)


def test_threshold_is_the_least_probability_of_a_level() -> None:
    assert [threshold(level, 4) for level in sorted(Level)[1:]] == [0.01, 0.01, 0.1, 0.3]
    assert [threshold(level, 2) for level in sorted(Level)[1:]] == [0.1, 0.3, 0.6, inf]
    assert threshold(Level.blue, 0) == inf


def test_two_domains_raise_at_once_and_by_as_many_steps_as_it_takes() -> None:
    standing, (change,) = run(days(0.9))
    assert (standing.level, standing.since, standing.opened) == (Level.red, START, START)
    assert change == Change(
        *(Message.alert, Level.red, Level.none, START, START + 36 * HOUR, False, Reason.agreed)
    )


def test_one_domain_raises_at_its_third_update_to_what_all_support() -> None:
    standing, changes = run(days(0.05, 0.9, domains=ONE))
    assert (standing.level, changes) == (Level.none, [])
    standing, (change,) = run(days(0.05, 0.9, 0.9, domains=ONE))
    assert (change.level, change.reason) == (Level.yellow, Reason.repeated)
    assert run(days(0.05, 0.9, 0.9, 0.9, domains=ONE))[0].level is Level.red


def test_one_domain_raises_at_once_when_it_is_all_but_certain() -> None:
    _, (change,) = run(days(0.95, domains=ONE))
    assert (change.level, change.reason) == (Level.red, Reason.sure)
    assert run(days(0.949, domains=ONE))[1] == []
    assert run(days(1.0, domains=frozenset[str]()))[1] == []


def test_the_long_run_rate_alone_raises_nothing_and_holds_nothing() -> None:
    alone = frozenset[str]()
    assert run(days(*[0.5] * 9, domains=alone))[1] == []
    red, _ = run(days(0.9))
    later = [replace(one, domains=alone) for one in days(*[0.9] * 4)[1:]]
    assert run(later, red)[0].level is Level.orange


def test_a_level_is_lowered_by_one_after_three_updates_under_the_deadband() -> None:
    standing, changes = run(days(0.9, 0.25, 0.25, 0.25))
    assert standing.level is Level.orange  # 25 % is 5 points under the 30 % of red
    assert (changes[-1].message, changes[-1].previous) == (Message.update, Level.red)
    assert changes[-1].reason is Reason.eased
    assert run(days(0.9, *[0.26] * 9))[0].level is Level.red  # inside the deadband
    assert run(days(0.9, 0.2, 0.2, 0.27, 0.2, 0.2))[0].level is Level.red  # counted anew
    assert run(days(0.9, *[0.55] * 3, tier=3))[0].level is Level.orange  # 5 under 60 %


def test_a_level_is_lowered_after_seven_days_when_updates_are_few() -> None:
    rare = [reading(START + n * DAY, 0.9 if n == 0 else 0) for n in (0, 1, 8)]
    held = [replace(one, at=START + 4 * DAY, vintage="held", fresh=False) for one in rare[:1]]
    standing, changes = run([*rare[:2], *held, rare[2]])
    assert [c.level for c in changes if c.level is not c.previous] == [Level.red, Level.orange]
    assert standing.under == 0


def test_all_clear_ends_the_thread_and_the_next_message_is_an_alert() -> None:
    standing, changes = run(days(0.05, 0, 0, 0, 0, 0, 0, 0.9))
    told = [(c.message, c.level) for c in changes if c.reason is not Reason.renewed]
    assert told == [
        (Message.alert, Level.yellow),
        (Message.update, Level.blue),
        (Message.cancel, Level.none),
        (Message.alert, Level.red),
    ]
    assert standing.opened == START + 7 * DAY


def test_a_lower_impact_lowers_a_level_on_the_same_path() -> None:
    red, _ = run(days(0.9))
    lighter = [reading(START + n * DAY, 0.9, tier=1) for n in range(1, 7)]
    assert [run(lighter[:n], red)[0].level.name for n in (2, 3, 6)] == ["red", "orange", "yellow"]
    none = [replace(one, tier=0) for one in lighter]
    assert run(none, red)[0].level is Level.yellow


def test_a_level_is_renewed_when_half_its_life_is_over_and_not_before() -> None:
    every = [reading(START + n * HOUR, 0.9) for n in range(37)]
    _, changes = run(every)
    assert [(c.at - START) // HOUR for c in changes] == [0, 18, 36]
    assert [c.reason for c in changes] == [Reason.agreed, Reason.renewed, Reason.renewed]
    assert {c.expires - c.at for c in changes} == {36 * HOUR}


@pytest.mark.parametrize("said", [{"fresh": False}, {"p_14": nan}])
def test_what_is_stale_or_unknown_holds_a_level(said: dict[str, float]) -> None:
    red, _ = run(days(0.9))
    blind = [replace(reading(START + n * 8 * HOUR, 0), **said) for n in range(1, 30)]
    standing, changes = run(blind, red)
    assert standing.level is Level.red
    assert {(c.held, c.reason, c.level) for c in changes} == {(True, Reason.held, Level.red)}
    assert standing.vintage == START.isoformat()
    assert run(blind) == (replace(CALM, at=blind[-1].at), [])


def test_a_clock_set_back_changes_nothing() -> None:
    red, _ = run(days(0.9))
    assert step(red, reading(START - HOUR, 0), RULES) == (red, None)
    assert step(red, reading(START, 0, vintage="newer"), RULES)[0].under == 1


def test_a_lapsed_level_goes_on_for_a_week_and_is_forgotten_after() -> None:
    red, _ = run(days(0.9))
    over = START + 36 * HOUR
    assert not red.lapsed(over - HOUR)
    assert red.lapsed(over)
    _, change = step(red, reading(over + 6 * DAY, 0.9), RULES)
    assert change is not None
    assert (change.message, change.reason) == (Message.update, Reason.resumed)
    _, change = step(red, reading(over + 7 * DAY, 0.9), RULES)
    assert change is not None
    assert (change.message, change.previous) == (Message.alert, Level.none)
    forgotten, change = step(red, reading(over + 7 * DAY, 0), RULES)
    assert (forgotten.level, change) == (Level.none, None)
    frozen = reading(over + 7 * DAY, 0.9, vintage=red.vintage)
    assert step(red, frozen, RULES) == (Standing(vintage=red.vintage, at=frozen.at), None)


def test_a_thread_asks_for_a_review_when_it_is_old() -> None:
    red, _ = run(days(0.9))
    assert not red.review_due(START + 179 * DAY, RULES)
    assert red.review_due(START + 180 * DAY, RULES)
    assert not CALM.review_due(START, RULES)


def test_the_other_horizon_can_be_judged() -> None:
    one = replace(reading(START, 0.05), p_30=0.9)
    assert step(CALM, one, replace(RULES, horizon_d=30))[0].level is Level.red
    assert step(CALM, one, RULES)[0].level is Level.yellow


def test_rules_come_from_the_assumptions(world: World) -> None:
    assert rules_of(world) == RULES


@pytest.mark.parametrize(
    "wrong", [{"horizon_d": 7}, {"on_delay": 0}, {"off_delay": 0}, {"life": (DAY,) * 4}]
)
def test_rules_under_which_no_level_could_come_or_stay_are_refused(
    wrong: dict[str, object],
) -> None:
    with pytest.raises(UsageError):
        replace(RULES, **wrong)  # type: ignore[arg-type]


def test_a_misspelt_domain_is_no_further_one() -> None:
    with pytest.raises(UnknownIdError, match="did you mean feeds"):
        reading(START, 0.5, domains=frozenset({"feeds", "feed"}))


def test_entries_of_a_thread() -> None:
    _, alerts = logged(days(0.9, 0, 0, 0))
    first = alerts[0]
    assert first.id == "JPN-lng-chokepoint-hormuz-20260301T0600-1"
    assert (first.thread, first.references) == (first.id, ())
    assert [a.id[-1] for a in alerts] == list("1234")
    assert {a.thread for a in alerts} == {first.id}
    assert alerts[1].references == ((first.id, START),)  # expired, and yet the last one
    assert alerts[3].references == ((first.id, START), (alerts[2].id, alerts[2].sent))
    assert (alerts[3].level, alerts[3].reason) == (
        Level.orange,
        "lowered: the danger has eased for long enough",
    )


def test_an_update_replaces_every_entry_that_a_reader_may_still_hold() -> None:
    _, alerts = logged(reading(START + n * HOUR, 0.9) for n in range(0, 73, 18))
    assert [id[-1] for id, _ in alerts[3].references] == ["1", "3"]  # 2 expires as 4 is sent
    assert [id[-1] for id, _ in alerts[1].references] == ["1"]
    worse = (reading(START + n * HOUR, p, tier=3) for n, p in enumerate((0.05, 0.2, 0.4, 0.9)))
    _, alerts = logged(worse)
    assert [id[-1] for id, _ in alerts[3].references] == ["1", "2", "3"]


def test_ids_are_legal_in_cap_and_a_drill_has_its_own() -> None:
    drill = Subject("EU 27", "crude,oil", "chokepoint:bab<el>", exercise=True, scenario="red_sea")
    east = START.astimezone(tz=datetime.fromisoformat("2026-01-01T00:00+08:00").tzinfo)
    _, (alert,) = logged([reading(east, 0.9)], drill)
    assert alert.id == "exercise-EU_27-crude_oil-chokepoint-bab_el_-20260301T0600-1"
    assert fullmatch(r"[A-Za-z0-9._-]+", alert.id)
    assert subject_of(alert) == drill
    assert (alert.exercise, alert.scenario) == (True, "red_sea")


def test_entries_of_another_subject_are_refused() -> None:
    standing, (alert,) = logged(days(0.9))
    standing, change = step(standing, days(0.9, 0.9)[1], RULES)
    assert change is not None
    said = {"impact": LOSS, "status": Status()}
    for earlier, message in [([], "could update or cancel"), ([alert], "another subject")]:
        other = JAPAN if not earlier else replace(JAPAN, importer="CHN")
        with pytest.raises(CorridorsError, match=message):
            entry(change, standing, days(0.9)[0], other, earlier, **said)  # type: ignore[arg-type]
    with pytest.raises(CorridorsError, match="another subject"):
        standing_from([alert, replace(alert, commodity="wheat")])


def test_an_entry_keeps_what_the_next_judgement_needs_as_json() -> None:
    _, alerts = logged(days(0.9, 0, 0))
    evidence = (Evidence("traffic", "8 ships a day against 89.", "portwatch", START),)
    alert = replace(alerts[-1], evidence=evidence)
    assert (alert.under, alert.under_since, alert.recent) == (
        *(2, START + DAY),
        (Level.red, Level.none, Level.none),
    )
    text = json.dumps(to_record(replace(alert, impact=replace(LOSS, added_days=1, added_usd_t=1))))
    again = to_record(from_record(json.loads(text)))
    assert again == json.loads(text)
    assert from_record(json.loads(text)).recent == alert.recent


def test_only_the_last_of_each_thread_is_current() -> None:
    _, alerts = logged(reading(START + n * HOUR, 0.9) for n in (0, 18))
    assert current(alerts, START - HOUR) == []
    assert current(alerts, START + HOUR) == [alerts[0]]
    assert current(alerts, START + 19 * HOUR) == [alerts[1]]
    assert current(alerts, START + 54 * HOUR) == []


def test_a_record_of_something_else_is_refused() -> None:
    with pytest.raises(CorridorsError, match="no record of what stands"):
        standing_of({"level": 9})


PROBABILITY = st.one_of(
    st.sampled_from([0.0, 0.01, 0.1, 0.25, 0.3, 0.6, 1.0, nan]), st.floats(0, 1)
)
READING = st.builds(
    lambda hours, vintage, fresh, p, tier, domains: (
        hours,
        Reading(START, vintage, fresh, p, p, tier, domains),
    ),
    st.sampled_from([-5, 0, 1, 6, 24, 24, 72, 400]),
    st.sampled_from(["", *"abcdefgh"]),
    st.sampled_from([True, True, True, False]),
    PROBABILITY,
    st.integers(0, 4),
    st.frozensets(st.sampled_from(["traffic", "feeds", "declared"])),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Reading]:
    """Draw readings whose clock mostly goes on, and at times back."""
    at, found = START, []
    for hours, one in draw(st.lists(READING, max_size=40)):
        at += hours * HOUR
        found.append(replace(one, at=at))
    return found


@given(histories())
def test_every_step_keeps_the_promises_of_a_good_alarm(history: list[Reading]) -> None:
    standing = CALM
    for one in history:
        before = standing
        standing, change = step(before, one, RULES)
        assert step(before, one, RULES) == (standing, change)  # the same again
        assert step(standing, one, RULES) == (standing, None)  # said twice is said once
        if change is None:
            # Without a word a level only ends where it had long lapsed.
            assert standing.level is before.level or before.lapsed(one.at)
            continue
        assert change.level >= change.previous - 1
        assert change.expires > change.at == one.at
        assert standing.level is change.level
        if not one.fresh or one.vintage == before.vintage:
            assert change.level is change.previous
        if change.level > change.previous:
            assert change.level <= judged(one.p_14, one.tier)
            assert one.domains


@given(histories())
def test_every_update_and_cancel_follows_an_alert_of_its_thread(history: list[Reading]) -> None:
    _, alerts = logged(history)
    open_threads: dict[str, list[str]] = {}
    for place, alert in enumerate(alerts):
        if place and alerts[place - 1].message is Message.cancel:
            assert alert.message is Message.alert
        if alert.message is Message.alert:
            assert alert.references == ()
            open_threads[alert.thread] = []
        else:
            known = open_threads[alert.thread]
            assert {id for id, _ in alert.references} <= set(known)
            assert {known[0], known[-1]} <= {id for id, _ in alert.references}
        open_threads[alert.thread].append(alert.id)
    assert len({alert.id for alert in alerts}) == len(alerts)


@given(histories())
def test_a_run_goes_on_where_the_log_or_the_record_ends(history: list[Reading]) -> None:
    standing, alerts = CALM, list[Alert]()
    for one in history:
        standing, change = step(standing, one, RULES)
        assert standing_of(json.loads(json.dumps(standing_record(standing)))) == standing
        if change:
            alerts.append(entry(change, standing, one, JAPAN, alerts, impact=LOSS, status=Status()))
            assert standing_from(alerts) == standing
            again = [from_record(json.loads(json.dumps(to_record(a)))) for a in alerts]
            assert standing_from(again) == standing
    assert standing_from([]) == CALM


@given(st.integers(1, 4), st.floats(0, 0.005), st.integers(1, 4))
def test_no_danger_reaches_none_however_high_it_stood(tier: int, p: float, gap: int) -> None:
    standing, _ = run(days(1, tier=tier))
    calm = [reading(START + n * gap * DAY, p, tier=tier) for n in range(1, 14)]
    assert run(calm, standing)[0].level is Level.none


@given(histories())
def test_certain_danger_reaches_red_at_once_or_at_the_second_update(
    history: list[Reading],
) -> None:
    standing, _ = run(history)
    late = max([START, *(one.at for one in history)])
    sure = [reading(late + n * HOUR, 1, domains=ONE) for n in (1, 2)]
    assert run(sure, standing)[0].level is Level.red
    assert step(standing, replace(sure[0], domains=TWO), RULES)[0].level is Level.red


@given(histories(), st.integers(0, 1000))
def test_what_has_expired_is_never_current(history: list[Reading], hours: int) -> None:
    _, alerts = logged(history)
    now = START + hours * HOUR
    for alert in current(alerts, now):
        assert alert.sent <= now < alert.expires
        assert alert.message is not Message.cancel
        later = [a for a in alerts if a.thread == alert.thread and alert.sent < a.sent <= now]
        assert later == []
