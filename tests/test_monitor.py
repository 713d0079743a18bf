"""Runs of the monitor: what may raise a level, what may lower it, and what must change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridors.risk.alert import (
    Alert,
    Evidence,
    Level,
    Message,
    Status,
    from_record,
    to_record,
)
from corridors.risk.impact import COLUMNS
from corridors.risk.levels import (
    Reason,
    Standing,
    Subject,
    standing_of,
    standing_record,
)
from corridors.risk.monitor import Feeds, Sight, Told, judged_to, run, sights, steady
from corridors.risk.outlook import traffic_outlook
from corridors.risk.series import Series
from layers.errors import UsageError
from layers.events import event_frame, observation_frame
from layers.world import World

DOVER, SUEZ = "chokepoint:dover", "chokepoint:suez"
START = datetime(2026, 3, 3, 18, tzinfo=UTC)
DAY = timedelta(days=1)
TRAFFIC, FEEDS = frozenset({"traffic"}), frozenset({"feeds"})
BOTH, NONE = TRAFFIC | FEEDS, frozenset[str]()
JAPAN = Subject("JPN", "lng", DOVER)
NAN = float("nan")


def impacts_of(
    tiers: Mapping[tuple[str, str], int], *, short: float = 0.4
) -> Callable[[str, float], pd.DataFrame]:
    """Return what importers would lose: of each importer and commodity its tier, everywhere."""

    def found(element: str, lost: float) -> pd.DataFrame:
        rows = [
            dict.fromkeys(COLUMNS, 1.0)
            | {"importer": importer, "commodity": commodity, "element": element, "lost": lost}
            | {"tier": tier, "short_share": short, "through_t_y": 5e6, "imports_t_y": 7e7}
            for (importer, commodity), tier in tiers.items()
        ]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    return found


ONE = impacts_of({("JPN", "lng"): 4})


def sight(number: int, p: float, domains: frozenset[str] = TRAFFIC, **said: object) -> Sight:
    """Return what is known of Dover by the data of a day."""
    usual: dict[str, object] = {
        **{"element": DOVER, "vintage": f"traffic {number}", "fresh": True, "feeds_old": False},
        **{"p": {14: p, 30: p}, "domains": domains, "status": Status(ratio=1 - p), "evidence": ()},
    }
    return Sight(**{**usual, **said})  # type: ignore[arg-type]


class Watch:
    """Runs of the monitor one after another, each going on from the last."""

    def __init__(
        self,
        world: World,
        impacts: Callable[[str, float], pd.DataFrame] = ONE,
        importers: Sequence[str] = ("JPN",),
        **options: str,
    ) -> None:
        self.world, self.impacts, self.importers, self.options = world, impacts, importers, options
        self.log: list[Alert] = []
        self.standings: dict[Subject, Standing] = {}
        self.now = START

    def see(self, *own: Sight, after: timedelta = DAY) -> Told:
        """Make a run on some sights, a day after the last one."""
        by_element: dict[str, list[Sight]] = {}
        for one in own:
            by_element.setdefault(one.element, []).append(one)
        self.now += after
        told = run(
            self.world, by_element, self.impacts, self.importers, self.log, self.standings,
            now=self.now, **self.options,
        )  # fmt: skip
        self.log += told.alerts
        self.standings = told.standings
        return told

    def level(self, subject: Subject = JAPAN) -> Level:
        return self.standings[subject].level if subject in self.standings else Level.none


@pytest.fixture
def watch(world: World) -> Watch:
    return Watch(world)


@pytest.fixture
def red(world: World) -> Watch:
    """Return a watch under which Japan's LNG at Dover has been red for a day."""
    made = Watch(world)
    made.see(sight(1, 0.97))
    assert made.level() is Level.red
    return made


# --- one run -------------------------------------------------------------------------------------


def test_a_run_says_one_thing_of_a_subject_however_many_days_it_read(watch: Watch) -> None:
    told = watch.see(*(sight(n, p) for n, p in enumerate([0.2, 0.2, 0.2, 0.5, 0.97, 0.5, 0.97])))
    (alert,) = told.alerts
    assert (alert.message, alert.previous, alert.level) == (Message.alert, Level.none, Level.red)
    assert alert.reason == Reason.sure
    assert alert.vintage == "traffic 6"
    assert alert.probability_14d == 0.97


def test_a_level_raised_and_lowered_in_one_run_is_not_told_as_eased(watch: Watch) -> None:
    """Red and back, on a day that is worth yellow, is in all a rise to yellow."""
    days = [sight(0, 0.97), *(sight(n, 0.01) for n in range(1, 5))]
    (alert,) = watch.see(*days).alerts
    assert (alert.message, alert.previous, alert.level) == (
        *(Message.alert, Level.none, Level.yellow),
    )
    assert alert.reason == Reason.sure


def test_no_run_lowers_by_two(red: Watch) -> None:
    (first,) = red.see(*(sight(n, 0.0, NONE) for n in range(2, 9))).alerts
    assert (first.previous, first.level, first.reason) == (Level.red, Level.orange, Reason.eased)
    (second,) = red.see(*(sight(n, 0.0, NONE) for n in range(9, 16))).alerts
    assert (second.previous, second.level) == (Level.orange, Level.yellow)
    for n in (16, 26):
        red.see(*(sight(n + i, 0.0, NONE) for i in range(7)))
    assert red.log[-1].message is Message.cancel
    assert red.level() is Level.none


def test_the_same_data_again_changes_nothing(red: Watch) -> None:
    before = red.standings[JAPAN]
    told = red.see(sight(1, 0.0, NONE), after=timedelta(hours=1))
    assert told.alerts == []
    assert replace(red.standings[JAPAN], at=before.at) == before


def test_old_traffic_raises_nothing_and_lowers_nothing(watch: Watch, red: Watch) -> None:
    for n in range(10):
        watch.see(sight(n, 0.99, BOTH, fresh=False))
        red.see(sight(n, 0.0, NONE, fresh=False))
    assert watch.log == []
    assert red.level() is Level.red
    assert {a.level for a in red.log} == {Level.red}
    assert all(a.held for a in red.log[1:])


def test_old_feeds_lower_nothing_nor_count_towards_it(red: Watch) -> None:
    for n in range(2, 8):
        red.see(sight(n, 0.0, NONE, feeds_old=True))
    assert red.level() is Level.red
    assert red.standings[JAPAN].under == 0
    red.see(sight(8, 0.0, NONE))
    assert red.level() is Level.red  # the first update that lets it ease, not the seventh
    red.see(sight(9, 0.0, NONE), sight(10, 0.0, NONE))
    assert red.level() is Level.orange


def test_old_feeds_do_not_keep_traffic_from_raising(watch: Watch) -> None:
    watch.see(sight(1, 0.97, feeds_old=True))
    assert watch.level() is Level.red


def test_two_days_now_and_one_long_ago_are_no_three_in_a_row(watch: Watch) -> None:
    watch.see(sight(0, 0.0, NONE), sight(1, 0.0, NONE), sight(2, 0.9))
    for n in range(3, 30):
        watch.see(sight(n, 0.0, NONE))
    watch.see(sight(30, 0.9), sight(31, 0.9))
    assert watch.level() is Level.none
    watch.see(sight(32, 0.9))
    assert watch.level() is Level.red


def test_a_level_forgotten_is_not_lowered_step_by_step(red: Watch) -> None:
    """A month without a run: what comes then is news, at its own level."""
    red.impacts = impacts_of({("JPN", "lng"): 2})
    (alert,) = red.see(sight(40, 0.2, BOTH), after=30 * DAY).alerts
    assert (alert.message, alert.previous, alert.level) == (Message.alert, Level.none, Level.blue)
    assert red.level() is Level.blue
    assert alert.references == ()


def test_a_clock_set_back_is_refused(red: Watch) -> None:
    with pytest.raises(UsageError, match="after 2026-03-03"):
        red.see(sight(2, 0.97), after=-DAY)


def test_a_drill_and_the_real_thing_do_not_touch(world: World, red: Watch) -> None:
    drill = Watch(world, exercise="hormuz_closed")
    drill.log, drill.now = list(red.log), START - 30 * DAY  # a drill may play in another time
    (alert,) = drill.see(sight(1, 0.97)).alerts
    assert (alert.exercise, alert.scenario) == (True, "hormuz_closed")
    assert alert.message is Message.alert
    assert red.see(sight(1, 0.97), after=timedelta(0)).alerts == []


def test_two_elements_go_their_own_ways(watch: Watch) -> None:
    watch.see(sight(1, 0.97), sight(1, 0.2, element=SUEZ))
    at_suez = replace(JAPAN, element=SUEZ)
    assert (watch.level(), watch.level(at_suez)) == (Level.red, Level.none)
    watch.see(*(sight(n, 0.0, NONE) for n in (2, 3, 4)), sight(2, 0.97, element=SUEZ))
    assert (watch.level(), watch.level(at_suez)) == (Level.orange, Level.red)


def test_the_same_event_is_red_for_one_and_blue_for_another(world: World) -> None:
    watch = Watch(world, impacts_of({("JPN", "lng"): 4, ("CHN", "soybeans"): 1}), ("JPN", "CHN"))
    told = watch.see(sight(1, 0.97))
    levels = {(a.importer, a.commodity): a.level for a in told.alerts}
    assert levels == {("JPN", "lng"): Level.red, ("CHN", "soybeans"): Level.blue}
    assert [a.level for a in told.alerts] == [Level.red, Level.blue]  # the gravest first


def test_whom_nobody_asked_about_is_not_told(world: World) -> None:
    both = impacts_of({("JPN", "lng"): 4, ("JPN", "wheat"): 4, ("CHN", "lng"): 4})
    watch = Watch(world, both)
    seen = {DOVER: [sight(1, 0.97)]}
    told = run(world, seen, both, ["JPN"], [], {}, now=START, commodities=["lng"])
    assert [(a.importer, a.commodity) for a in told.alerts] == [("JPN", "lng")]
    assert {a.importer for a in watch.see(sight(1, 0.97)).alerts} == {"JPN"}


def test_an_impact_that_is_not_known_raises_nothing_and_holds_what_stands(
    world: World, red: Watch
) -> None:
    unknown = impacts_of({("JPN", "lng"): 0}, short=NAN)
    blind = Watch(world, unknown)
    for n in range(5):
        blind.see(sight(n, 0.99, BOTH))
    assert blind.log == []
    red.impacts = unknown
    for n in range(2, 12):
        red.see(sight(n, 0.0, NONE))
    assert red.level() is Level.red


def test_an_importer_no_longer_concerned_is_let_go_step_by_step(red: Watch) -> None:
    red.impacts = impacts_of({("JPN", "lng"): 0}, short=0.0)
    for n in range(2, 20):
        red.see(sight(n, 0.97))
    levels = [a.level for a in red.log if a.level != a.previous]
    assert levels == [Level.red, Level.orange, Level.yellow, Level.blue, Level.none]


def test_impacts_are_asked_only_where_something_speaks_or_stands(world: World) -> None:
    asked: list[tuple[str, float]] = []

    def counted(element: str, lost: float) -> pd.DataFrame:
        asked.append((element, lost))
        return ONE(element, lost)

    watch = Watch(world, counted)
    watch.see(sight(1, 0.2, NONE), sight(1, 0.9, element=SUEZ, status=Status(declared="closed")))
    assert asked == [(SUEZ, 1.0)]


def test_what_is_old_is_named(watch: Watch) -> None:
    told = watch.see(sight(1, 0.1, NONE, fresh=False), sight(1, 0.1, NONE, element=SUEZ))
    assert told.old == (DOVER,)


# --- many runs -----------------------------------------------------------------------------------

PART = st.builds(
    lambda p, domains, fresh, old: (p, domains, fresh, old),
    st.sampled_from([0.0, 0.05, 0.09, 0.1, 0.26, 0.3, 0.55, 0.59, 0.61, 0.97, NAN]),
    st.sampled_from([NONE, TRAFFIC, FEEDS, BOTH]),
    st.sampled_from([True, True, True, False]),
    st.sampled_from([False, False, False, True]),
)
RUN = st.tuples(st.lists(PART, min_size=1, max_size=8), st.integers(0, 4), st.sampled_from([1, 9]))
RUNS = st.lists(RUN, min_size=1, max_size=8)
Runs = list[tuple[list[tuple[float, frozenset[str], bool, bool]], int, int]]


def played(world: World, runs: Runs, *, restart: bool) -> Watch:
    """Return the watch after some runs; with ``restart`` all it knows goes through JSON between."""
    watch, number = Watch(world), 0
    for parts, tier, days in runs:
        watch.impacts = impacts_of({("JPN", "lng"): tier})
        made = []
        for p, domains, fresh, old in parts:
            number += 1
            made.append(sight(number, p, domains, fresh=fresh, feeds_old=old))
        watch.see(*made, after=days * DAY)
        if restart:
            lines = [json.dumps(to_record(a)) for a in watch.log]
            watch.log = [from_record(json.loads(line)) for line in lines]
            kept = {s: json.dumps(standing_record(v)) for s, v in watch.standings.items()}
            watch.standings = {s: standing_of(json.loads(text)) for s, text in kept.items()}
    return watch


@settings(max_examples=150)
@given(runs=RUNS)
def test_what_is_said_holds_together(world: World, runs: Runs) -> None:
    log = played(world, runs, restart=False).log
    ids: dict[str, Alert] = {}
    stood = Level.none
    for sent, alert in zip((a.sent for a in log), log, strict=True):
        assert alert.id not in ids
        assert alert.level >= alert.previous - 1
        assert alert.expires > sent
        if alert.message is Message.alert:
            assert alert.references == ()
            assert alert.previous is Level.none
        else:
            assert alert.previous is stood
            assert alert.references
            assert all(ids[i].sent == at for i, at in alert.references)
            assert ids[alert.thread].message is Message.alert
        assert (alert.message is Message.cancel) == (alert.level is Level.none)
        ids[alert.id], stood = alert, alert.level
    assert len({a.sent for a in log}) == len(log)  # one a run


@settings(max_examples=100)
@given(runs=RUNS)
def test_a_restart_changes_nothing(world: World, runs: Runs) -> None:
    through, again = played(world, runs, restart=False), played(world, runs, restart=True)
    assert [to_record(a) for a in through.log] == [to_record(a) for a in again.log]
    assert through.standings == again.standings


@settings(max_examples=60)
@given(runs=RUNS, others=RUNS)
def test_one_element_says_the_same_whatever_the_other_does(
    world: World, runs: Runs, others: Runs
) -> None:
    alone = played(world, runs, restart=False)
    watch, number = Watch(world), 0
    for i, (parts, tier, days) in enumerate(runs):
        watch.impacts = impacts_of({("JPN", "lng"): tier})
        made = []
        for p, domains, fresh, old in parts:
            number += 1
            made.append(sight(number, p, domains, fresh=fresh, feeds_old=old))
        beside = others[i][0] if i < len(others) else []
        made += [
            sight(1000 * i + j, part[0], part[1], fresh=part[2], feeds_old=part[3], element=SUEZ)
            for j, part in enumerate(beside)
        ]
        watch.see(*made, after=days * DAY)
    own = [to_record(a) for a in watch.log if a.element == DOVER]
    assert own == [to_record(a) for a in alone.log]


@pytest.mark.parametrize("around", [0.6, 0.3, 0.1])
def test_a_probability_that_flaps_about_a_threshold_does_not_flap_the_level(
    watch: Watch, around: float
) -> None:
    for n in range(60):
        watch.see(sight(n, around + (0.02 if n % 2 else -0.02), BOTH))
    moved = [a for a in watch.log if a.level != a.previous]
    assert len(moved) <= 2
    assert all(a.level > a.previous for a in moved)


def test_a_tier_that_flaps_keeps_the_graver_level(watch: Watch) -> None:
    for n in range(40):
        watch.impacts = impacts_of({("JPN", "lng"): 3 if n % 2 else 2})
        watch.see(sight(n, 0.7, BOTH))
    assert [a.level for a in watch.log if a.level != a.previous] == [Level.orange, Level.red]


# --- from traffic and feeds to sights ------------------------------------------------------------

DAYS = 3 * 365
FIRST = pd.Timestamp("2023-03-06", tz="UTC")
LAST = FIRST + (DAYS - 1) * DAY  # Wednesday, 4 March 2026
FETCHED = (LAST + 2 * DAY).to_pydatetime()


@cache
def drawn(mean: float = 80.0, seed: int = 1) -> tuple[float, ...]:
    rng = np.random.default_rng(seed)
    return tuple(rng.negative_binomial(60, 60 / (60 + mean), DAYS).astype(float))


def told(
    calls: Sequence[float],
    *,
    first: pd.Timestamp = FIRST,
    at: datetime = FETCHED,
    metrics: Sequence[str] = ("n_total", "capacity"),
    number: int = 9,
) -> pd.DataFrame:
    """Return observations of a chokepoint's ships, and 50,000 t each; NaN days are left out."""
    rows = [
        {"series": f"portwatch:chokepoint{number}", "metric": metric, "unit": "1",
         "observed_at": (first + i * DAY).to_pydatetime(), "source": "test", "retrieved_at": at,
         "value": value * (50_000 if metric == "capacity" else 1)}
        for metric in metrics
        for i, value in enumerate(calls)
        if not np.isnan(value)
    ]  # fmt: skip
    return observation_frame(rows)


def chain(
    world: World, observations: pd.DataFrame, *, now: datetime = FETCHED, days: int = 40
) -> tuple[Watch, Series]:
    """Return the watch after the last days of data, judged one by one, and the series."""
    table, found = traffic_outlook(world, observations, now=now)
    watch = Watch(world)
    watch.now = now - DAY
    since = {DOVER: pd.Timestamp(now).tz_localize(None).floor("D") - days * DAY}
    own = sights(world, table, None, event_frame([]), now=now, since=since)
    watch.see(*own.get(DOVER, []))
    return watch, found


def test_usual_traffic_raises_nothing_and_a_closure_does(world: World) -> None:
    quiet, found = chain(world, told(drawn()))
    assert quiet.log == []
    assert found.of(DOVER) == ["provisional"]
    closed = list(drawn())
    closed[-4:] = [40.0, 5.0, 4.0, 5.0]
    watch, _ = chain(world, told(closed))
    assert watch.level() is Level.red
    (alert,) = watch.log
    assert alert.status.alarm == "fall"
    assert alert.status.data_to == LAST
    assert alert.evidence[0].text.endswith("of its season")


def spoilt(what: str) -> pd.DataFrame:
    """Return three usual years with a fault in the last days."""
    calls = np.array(drawn())
    if what == "gap":
        calls[-30:-15] = NAN
    if what == "zero_ambiguous":
        calls[-6:] = 0.0
    if what == "long_outage":
        calls[-200:] = 0.0
    if what == "negative":
        calls[-6:] = -999.0
    made = told(calls)
    if what == "contradicting":
        return pd.concat([made, told(calls[-6:] * 0.1, first=LAST - 5 * DAY)])
    if what == "future":
        return pd.concat([made, told([1.0] * 30, first=pd.Timestamp(FETCHED).ceil("D"))])
    return made


@pytest.mark.parametrize(
    "what",
    ["gap", "zero_ambiguous", "long_outage", "negative", "contradicting", "future"],
)
def test_bad_input_is_flagged_and_alarms_nobody(world: World, what: str) -> None:
    watch, found = chain(world, spoilt(what), days=250)
    assert {"long_outage": "zero_ambiguous"}.get(what, what) in found.of(DOVER)
    assert watch.log == []


def test_rows_told_twice_count_once(world: World) -> None:
    made = told(drawn())
    doubled = pd.concat([made, made], ignore_index=True)
    table, found = traffic_outlook(world, doubled, now=FETCHED)
    pd.testing.assert_frame_equal(table, traffic_outlook(world, made, now=FETCHED)[0])
    assert "contradicting" not in found.of(DOVER)


@pytest.mark.parametrize("scale", [1.3, 0.6])
@pytest.mark.parametrize("again_d", [60, 700, DAYS])
@pytest.mark.parametrize("metrics", [("n_total", "capacity"), ("capacity",)])
def test_a_series_published_anew_alarms_nobody(
    world: World, scale: float, again_d: int, metrics: tuple[str, ...]
) -> None:
    old, new = np.array(drawn()), np.round(np.array(drawn()) * scale)
    week_ago = FETCHED - timedelta(days=7)
    first = told(old[:-7], at=week_ago)
    second = told(new[-again_d:], first=LAST - (again_d - 1) * DAY, metrics=metrics)
    rest = told(old[-7:], first=LAST - 6 * DAY, metrics=("n_total",))
    parts = [first, second] + ([rest] if metrics == ("capacity",) else [])
    watch, found = chain(world, pd.concat(parts))
    assert "rebased" in found.of(DOVER)
    assert watch.log == []


def test_corrections_of_a_usual_week_leave_the_past_alone(world: World) -> None:
    """Twelve of the newest 35 days corrected: no new publication, and nothing goes blind."""
    calls, week_ago = np.array(drawn()), FETCHED - timedelta(days=7)
    corrected = told([81.0] * 12, first=LAST - 33 * DAY)
    newest = told(calls[-7:], first=LAST - 6 * DAY)
    both = pd.concat([told(calls[:-7], at=week_ago), newest, corrected])
    table, found = traffic_outlook(world, both, now=FETCHED)
    assert "rebased" not in found.of(DOVER)
    assert found.panel.sizes["day"] == DAYS
    assert table["judged"].iloc[-1]


def quiet_feeds(now: datetime, *, threat: float = 0.0, state: str = "calm") -> Feeds:
    """Return feeds that look at Dover; their newest content is of this hour."""
    told = {"element": DOVER, "threat": threat, "threat_state": state, "threat_as_of": now}
    return Feeds(pd.DataFrame([told]), reports_of([]))


def reports_of(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    columns = ["element", "title", "sources", "embedded", "happened_at", "visibility"]
    return pd.DataFrame(list(rows), columns=columns)


def looked(
    world: World,
    watch: Watch,
    table: pd.DataFrame,
    feeds: Feeds,
    *,
    since: pd.Timestamp | None = None,
) -> list[Sight]:
    """Make a run on traffic and feeds and return its sights."""
    now = watch.now + DAY
    known = {} if since is None else {DOVER: since}
    own = sights(world, table, feeds, event_frame([]), now=now, since=known)[DOVER]
    watch.see(*own)
    return own


@pytest.fixture(scope="module")
def calm_days(world: World) -> pd.DataFrame:
    return traffic_outlook(world, told(drawn()), now=FETCHED)[0]


@pytest.fixture(scope="module")
def stormy_days(world: World) -> pd.DataFrame:
    """Return days whose very last one makes traffic speak, not all but certain."""
    table = traffic_outlook(world, told(drawn()), now=FETCHED)[0]
    last = table.index[-1]
    table.loc[last, ["speaks", "alarm", "p_14", "p_30"]] = [True, -1, 0.7, 0.7]
    return table


def test_one_day_of_traffic_read_again_daily_is_one_update(
    world: World, stormy_days: pd.DataFrame
) -> None:
    """Feeds go on, quiet; traffic is of one day: three runs are no three updates."""
    watch = Watch(world)
    watch.now = FETCHED
    for _ in range(8):
        looked(world, watch, stormy_days, quiet_feeds(watch.now))
    assert watch.log == []


def test_a_frozen_feed_lowers_nothing(world: World, calm_days: pd.DataFrame) -> None:
    """A calm day is one update on the way down, however often it is read."""
    watch = Watch(world)
    watch.now = FETCHED - DAY
    watch.see(sight(1, 0.97))
    for _ in range(30):
        looked(world, watch, calm_days, quiet_feeds(watch.now))
    assert watch.level() is Level.red
    assert watch.standings[JAPAN].under == 1


def test_a_frozen_feed_changes_no_level(world: World) -> None:
    calls = list(drawn())
    calls[-5:] = [30.0, 5.0, 4.0, 5.0, 6.0]
    table, _ = traffic_outlook(world, told(calls), now=FETCHED)
    watch = Watch(world)
    watch.now = FETCHED
    for _ in range(40):
        looked(world, watch, table, quiet_feeds(watch.now))
    assert {a.level for a in watch.log} == {Level.red}
    assert watch.level() is Level.red
    assert [a.message for a in watch.log].count(Message.alert) == 1
    assert not watch.log[1].held
    assert watch.log[-1].held  # by now too old to say anything anew


def test_less_published_than_before_is_nothing_new(world: World, calm_days: pd.DataFrame) -> None:
    newest = calm_days["day"].iloc[-1]
    watch = Watch(world)
    watch.now = FETCHED
    for back in (1, 2, 3):
        (one,) = looked(world, watch, calm_days.iloc[:-back], quiet_feeds(FETCHED), since=newest)
        assert not one.fresh


def test_no_day_is_judged_twice_when_the_data_come_back(
    world: World, calm_days: pd.DataFrame
) -> None:
    watch, judged = Watch(world), dict[str, pd.Timestamp]()
    watch.now = FETCHED
    for back in (0, 5, 0):
        part = calm_days.iloc[: len(calm_days) - back]
        seen = sights(world, part, None, event_frame([]), now=watch.now, since=judged)
        judged = judged_to(seen, judged)
        assert judged == {DOVER: calm_days["day"].iloc[-1]}
    assert [s.vintage for s in seen[DOVER]] == ["traffic 2026-03-04"]
    assert judged_to({}, judged) == judged


def test_feeds_that_speak_are_not_unsaid_by_days_of_calm_traffic(
    world: World, calm_days: pd.DataFrame
) -> None:
    """A week of calm traffic comes in on a Tuesday: of those days nobody knows what feeds said."""
    watch = Watch(world)
    watch.now = FETCHED
    judged = calm_days["day"].iloc[-8]
    for _ in range(4):
        looked(
            world, watch, calm_days.iloc[:-7], quiet_feeds(watch.now, threat=1.0, state="active")
        )
    level = watch.level()
    assert level >= Level.yellow
    loud = quiet_feeds(watch.now, threat=1.0, state="active")
    seen = looked(world, watch, calm_days, loud, since=judged)
    assert watch.level() is level
    assert [s.domains for s in seen] == [FEEDS]
    # Without them the week's seven days are seven updates, and it eases.
    looked(world, watch, calm_days, quiet_feeds(watch.now), since=judged)
    assert watch.level() < level


@pytest.mark.parametrize("state", ["stale", "not_covered"])
def test_old_news_adds_nothing(world: World, calm_days: pd.DataFrame, state: str) -> None:
    now = FETCHED
    nothing = sights(world, calm_days, None, event_frame([]), now=now)[DOVER][0]
    feeds = quiet_feeds(now, threat=0.9 if state == "stale" else NAN, state=state)
    one = sights(world, calm_days, feeds, event_frame([]), now=now)[DOVER][-1]
    assert one.p == nothing.p
    assert one.domains == nothing.domains
    assert one.feeds_old == (state == "stale")
    loud = quiet_feeds(now, threat=0.9, state="active")
    other = sights(world, calm_days, loud, event_frame([]), now=now)[DOVER][-1]
    assert other.p[14] > nothing.p[14]
    assert other.domains == FEEDS


def test_traffic_of_more_than_twelve_days_ago_is_old(world: World, calm_days: pd.DataFrame) -> None:
    newest = calm_days["day"].iloc[-1].tz_localize("UTC")
    for late, fresh in ((12 * DAY, True), (12 * DAY + timedelta(hours=1), False)):
        now = (newest + late).to_pydatetime()
        one = sights(world, calm_days, None, event_frame([]), now=now)[DOVER][-1]
        assert one.fresh is fresh


def test_each_new_day_is_a_sight_and_the_last_one_is_of_now(
    world: World, calm_days: pd.DataFrame
) -> None:
    days = calm_days["day"]
    found = sights(
        world, calm_days, None, event_frame([]), now=FETCHED, since={DOVER: days.iloc[-4]}
    )[DOVER]
    assert [s.status.data_to for s in found] == list(days.iloc[-3:].dt.tz_localize("UTC"))
    first = sights(world, calm_days, None, event_frame([]), now=FETCHED)[DOVER]
    again = sights(
        world, calm_days, None, event_frame([]), now=FETCHED, since={DOVER: days.iloc[-1]}
    )[DOVER]
    assert [s.vintage for s in first] == [s.vintage for s in again] == [found[-1].vintage]


def test_nothing_known_at_all(world: World) -> None:
    empty, _ = traffic_outlook(world, observation_frame([]), now=FETCHED)
    assert empty.empty
    at = datetime(2019, 1, 1, tzinfo=UTC)
    found = sights(world, empty, None, event_frame([]), now=at)
    assert {s.domains for own in found.values() for s in own} <= {NONE}
    told = run(world, found, ONE, ["JPN"], [], {}, now=at)
    assert (told.alerts, told.standings) == ([], {})


@pytest.mark.parametrize("count", [1, 30])
def test_too_few_days_say_nothing(world: World, count: int) -> None:
    now = (FIRST + count * DAY).to_pydatetime()
    watch, found = chain(world, told(drawn()[:count], at=now), now=now)
    assert watch.log == []
    assert found.panel.sizes["day"] == count


def test_reports_keep_their_circle(world: World, calm_days: pd.DataFrame) -> None:
    loud = quiet_feeds(FETCHED, threat=0.9, state="active")
    rows = [
        {"element": DOVER, "title": circle, "sources": "guards", "embedded": False,
         "happened_at": pd.Timestamp(FETCHED), "visibility": circle}
        for circle in ("public", "organisation", "private")
    ]  # fmt: skip
    feeds = replace(loud, reports=reports_of(rows))
    one = sights(world, calm_days, feeds, event_frame([]), now=FETCHED)[DOVER][-1]
    shown = {e.text: e.visibility for e in one.evidence if e.domain == "feeds"}
    assert shown == {name: name for name in ("public", "organisation", "private")}
    unsaid = replace(loud, reports=reports_of(rows).drop(columns="visibility"))
    one = sights(world, calm_days, unsaid, event_frame([]), now=FETCHED)[DOVER][-1]
    assert {e.visibility for e in one.evidence if e.domain == "feeds"} == {"private"}


@pytest.mark.parametrize("circle", ["public", "private"])
def test_only_what_all_may_see_is_declared_to_all(
    world: World, calm_days: pd.DataFrame, circle: str
) -> None:
    said = {
        "event_uid": "1", "source": "guards", "kind": "policy", "severity": 3, "assets": DOVER,
        "title": "Declared closed by a port captain", "onset_at": FETCHED - DAY,
        "retrieved_at": FETCHED, "visibility": circle,
    }  # fmt: skip
    one = sights(world, calm_days, None, event_frame([said]), now=FETCHED)[DOVER][-1]
    assert (one.status.declared == "closed") == (circle == "public")
    assert ("declared" in one.domains) == (circle == "public")


def test_a_declaration_is_news_on_the_same_traffic(world: World, calm_days: pd.DataFrame) -> None:
    before = sights(world, calm_days, None, event_frame([]), now=FETCHED)[DOVER][-1]
    said = {
        "event_uid": "1", "source": "notice", "kind": "policy", "severity": 3, "assets": DOVER,
        "title": "Declared closed", "onset_at": FETCHED - DAY, "retrieved_at": FETCHED,
    }  # fmt: skip
    after = sights(world, calm_days, None, event_frame([said]), now=FETCHED)[DOVER][-1]
    assert before.vintage != after.vintage
    assert after.p[14] > before.p[14]


@pytest.mark.parametrize(
    ("domains", "circles", "seen_by"),
    [
        (FEEDS, ("organisation", "private"), "organisation"),
        (FEEDS, ("private",), "private"),
        (FEEDS, ("private", "public"), "public"),
        (BOTH, ("private",), "public"),
        (TRAFFIC, (), "public"),
    ],
)
def test_what_only_a_few_have_reported_is_for_these_few(
    watch: Watch, domains: frozenset[str], circles: tuple[str, ...], seen_by: str
) -> None:
    reports = tuple(Evidence("feeds", "said", "local_reports", None, c) for c in circles)
    (alert,) = watch.see(sight(0, 0.97, domains, evidence=reports)).alerts
    assert alert.visibility == seen_by


@pytest.mark.parametrize(
    ("share", "tier", "kept"),
    [(0.145, 2, 3), (0.136, 2, 3), (0.134, 2, 2), (0.16, 3, 3), (0.04, 1, 1), (0.31, 4, 4)],
)
def test_a_share_about_a_bound_does_not_flap(
    watch: Watch, share: float, tier: int, kept: int
) -> None:
    watch.impacts = impacts_of({("JPN", "lng"): 3}, short=0.2)
    (alert,) = watch.see(sight(0, 0.97)).alerts
    assert alert.impact.tier == 3
    assert steady(tier, share, alert) == kept
    assert steady(tier, share, None) == tier
    assert steady(0, share, alert) == 0
