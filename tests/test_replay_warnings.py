"""What would have been said on each day of the past, by what was published then and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corridors.risk.alert import Level, Message, to_record
from corridors.risk.impact import COLUMNS as IMPACT
from corridors.risk.impact import impacts
from corridors.risk.replay import COLUMNS, Replay, published_to, replay
from corridors.whatif.engine import Engine
from layers.events import event_frame, observation_frame
from layers.world import World

DOVER, HORMUZ, BAB = "chokepoint:dover", "chokepoint:hormuz", "chokepoint:bab_el_mandeb"
NOTHING = event_frame([])
FIRST = pd.Timestamp("2023-03-06", tz="UTC")
DAYS = 2 * 365
BROKE = DAYS - 30
FETCHED = datetime(2025, 3, 4, 15, tzinfo=UTC)
"""Tuesday; the last day that is drawn is 4 March 2025, and 2 March is the last published."""


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-03-03T13:59", "2026-02-22"),  # Tuesday, a minute before the week comes out
        ("2026-03-03T14:00", "2026-03-01"),
        ("2026-03-04T00:00", "2026-03-01"),
        ("2026-03-09T23:59", "2026-03-01"),  # Monday: the newest day is eight days old
        ("2026-03-10T18:00", "2026-03-08"),
        ("2024-03-05T18:00", "2024-03-03"),  # two days after a 29 February
        ("2025-12-30T18:00", "2025-12-28"),
        ("2026-01-05T18:00", "2025-12-28"),
    ],
)
def test_traffic_is_published_on_tuesdays_to_the_sunday_before(now: str, day: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert published_to(moment) == date.fromisoformat(day)


@given(
    st.datetimes(datetime(2019, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.timedeltas(timedelta(0), timedelta(days=30)),
)
def test_what_is_published_is_a_sunday_two_to_nine_days_ago_and_never_less_later(
    now: datetime, later: timedelta
) -> None:
    day = published_to(now)
    assert day.weekday() == 6
    end = datetime.combine(day, datetime.min.time(), UTC) + timedelta(days=1)
    assert timedelta(days=1, hours=14) <= now - end < timedelta(days=8, hours=14)
    assert published_to(now + later) >= day


@cache
def ships(broken: bool = True) -> np.ndarray:
    """Two years of about 80 ships a day; in the last 30 days, if broken, 6."""
    rng = np.random.default_rng(3)
    drawn = rng.negative_binomial(60, 60 / 140, DAYS).astype(float)
    if broken:
        drawn[BROKE:] = rng.poisson(6, DAYS - BROKE)
    return drawn


def told(
    calls: Iterable[float], *, first: pd.Timestamp = FIRST, at: datetime = FETCHED
) -> pd.DataFrame:
    return observation_frame(
        {"series": "portwatch:chokepoint9", "metric": metric, "unit": "1", "value": value * unit,
         "observed_at": (first + pd.Timedelta(days=i)).to_pydatetime(), "source": "test",
         "retrieved_at": at}
        for metric, unit in (("n_total", 1), ("capacity", 50_000))
        for i, value in enumerate(calls)
    )  # fmt: skip


def lng_of_japan(element: str, lost: float) -> pd.DataFrame:
    row = dict.fromkeys(IMPACT, 1.0) | {"importer": "JPN", "commodity": "lng", "element": element}
    row |= {"tier": 4, "short_share": 0.4, "through_t_y": 5e6, "imports_t_y": 7e7, "lost": lost}
    return pd.DataFrame([row], columns=list(IMPACT))


def played(
    world: World,
    observations: pd.DataFrame,
    first: str,
    last: str,
    events: pd.DataFrame = NOTHING,
) -> Replay:
    return replay(
        world, observations, events, lng_of_japan, ["JPN"],
        first=date.fromisoformat(first), last=date.fromisoformat(last),
    )  # fmt: skip


def levels(found: Replay) -> dict[str, str]:
    table = found.days[found.days["commodity"] == "lng"]
    return {f"{row.day:%m-%d}": row.level for row in table.itertuples()}


BREAK = (FIRST + pd.Timedelta(days=BROKE)).date()
"""Monday, 3 February 2025: known on Tuesday 11 February, from the week to Sunday the 9th."""


def test_a_break_is_known_when_it_was_published_and_not_before(world: World) -> None:
    assert f"{BREAK:%A %d %B}" == "Monday 03 February"
    found = played(world, told(ships()), "2025-01-20", "2025-02-20")
    assert list(found.days.columns) == COLUMNS
    first = found.alerts[0]
    assert first.message is Message.alert
    assert first.sent == datetime(2025, 2, 11, 18, tzinfo=UTC)
    assert first.level is Level.red
    assert first.status.data_to == pd.Timestamp("2025-02-09", tz="UTC")
    assert set(found.days["element"]) == {DOVER}
    assert min(found.days["day"]) == date(2025, 2, 11)
    assert levels(found) == {f"02-{d}": "red" for d in range(11, 21)}
    assert found.days["revised"].all()  # the only vintage was fetched in March


def test_usual_traffic_is_an_empty_table(world: World) -> None:
    found = played(world, told(ships(broken=False)), "2025-01-20", "2025-02-20")
    assert found.alerts == []
    assert found.days.empty
    assert list(found.days.columns) == COLUMNS


def test_an_empty_store_says_nothing(world: World) -> None:
    found = played(world, observation_frame([]), "2018-01-01", "2018-01-10")
    assert (found.alerts, len(found.days)) == ([], 0)


@settings(max_examples=2)
@example(days=22, more=1)
@example(days=28, more=7)
@given(days=st.integers(1, 35), more=st.integers(1, 10))
def test_nothing_of_a_later_day_leaks_in(world: World, days: int, more: int) -> None:
    start = date(2025, 1, 22)
    observations = told(ships())
    short, long = (
        played(world, observations, f"{start}", f"{start + timedelta(days=n)}")
        for n in (days, days + more)
    )
    part = long.days[long.days["day"] <= start + timedelta(days=days)]
    pd.testing.assert_frame_equal(part, short.days, check_dtype=False)
    same = long.alerts[: len(short.alerts)]
    assert [to_record(a) for a in same] == [to_record(a) for a in short.alerts]


@settings(max_examples=3)
@given(factor=st.sampled_from([0.5, 5.0, 13.0]), shown=st.integers(0, 2))
def test_what_traffic_does_after_publication_is_not_known(
    world: World, factor: float, shown: int
) -> None:
    """The days after the last one published by then are another story, and no other words."""
    last = date(2025, 2, 11) + timedelta(days=shown)
    other = ships().copy()
    from_here = BROKE + 7  # Monday, 10 February, published on the 18th
    other[from_here:] = np.round(other[from_here:] * factor)
    one, two = (played(world, told(c), "2025-02-03", f"{last}") for c in (ships(), other))
    pd.testing.assert_frame_equal(one.days, two.days)
    assert [to_record(a) for a in one.alerts] == [to_record(a) for a in two.alerts]


def test_each_day_goes_by_the_vintage_fetched_by_then(world: World) -> None:
    """A first vintage says all is well; a second, of 20 February, says it never was."""
    calm, broken = ships(broken=False), ships()
    early, late = (datetime(2025, 2, d, 15, tzinfo=UTC) for d in (12, 20))
    through = (pd.Timestamp(early.date()) - FIRST.tz_localize(None)).days - 2
    first = told(calm[:through], at=early)
    second = told(broken[BROKE : through + 7], first=FIRST + pd.Timedelta(days=BROKE), at=late)
    found = played(world, pd.concat([first, second]), "2025-02-10", "2025-02-24")
    assert found.alerts[0].sent == datetime(2025, 2, 20, 18, tzinfo=UTC)
    assert set(levels(found)) == {f"02-{d}" for d in range(20, 25)}
    assert not found.days["revised"].any()


def test_before_the_first_vintage_it_stands_in_and_the_table_says_so(world: World) -> None:
    first = datetime(2025, 2, 14, 15, tzinfo=UTC)
    through = (pd.Timestamp(first.date()) - FIRST.tz_localize(None)).days - 5
    found = played(world, told(ships()[: through + 1], at=first), "2025-02-11", "2025-02-16")
    revised = found.days.groupby("day")["revised"].all()
    assert revised.to_dict() == {date(2025, 2, d): d < 14 for d in range(11, 17)}


def test_measurements_of_other_things_are_no_vintages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from corridors.risk import replay as module

    asked: list[datetime] = []
    whole = module.traffic_outlook

    def counted(world: World, observations: pd.DataFrame, *, now: datetime) -> object:
        asked.append(now)
        return whole(world, observations, now=now)

    monkeypatch.setattr(module, "traffic_outlook", counted)
    levels = observation_frame(
        {"series": "gatun", "metric": "level_m", "unit": "m", "value": 26.0, "source": "test",
         "observed_at": datetime(2025, 2, d, tzinfo=UTC),
         "retrieved_at": datetime(2025, 2, d, 1, tzinfo=UTC)}
        for d in range(1, 20)
    )  # fmt: skip
    both = pd.concat([told(ships()), levels])
    played(world, both, "2025-02-05", "2025-02-12")
    assert asked == [FETCHED]


def test_a_declaration_counts_when_its_day_is_over(world: World) -> None:
    said = {
        "event_uid": "1", "source": "port", "kind": "policy", "severity": 3, "assets": DOVER,
        "title": "Declared closed", "onset_at": datetime(2025, 1, 28, tzinfo=UTC),
        "time_precision": "day", "retrieved_at": datetime(2025, 1, 28, tzinfo=UTC),
    }  # fmt: skip
    calm = told(ships(broken=False))
    found = played(world, calm, "2025-01-25", "2025-01-31", event_frame([said]))
    assert set(found.days["declared"]) == {"closed"}
    assert min(found.days["day"]) == date(2025, 1, 29)
    assert not found.days["alarm"].any()


# --- on the recorded series ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def lost(engine: Engine) -> Callable[[Sequence[str]], Callable[..., pd.DataFrame]]:
    """Return what would be lost, by the engine itself, of some importers."""

    def of(importers: Sequence[str]) -> Callable[[str, float], pd.DataFrame]:
        @cache
        def found(element: str, share: float) -> pd.DataFrame:
            return impacts(engine, element, lost=share, importers=importers)

        return found

    return of


@pytest.mark.reference
def test_march_2026_was_told_to_india_of_lng_and_to_nobody_of_soybeans(
    world: World, recorded_traffic: pd.DataFrame, lost: Callable[..., Callable[..., pd.DataFrame]]
) -> None:
    who = ["IND", "CHN"]
    found = replay(
        world, recorded_traffic, NOTHING, lost(who), who,
        first=date(2026, 2, 25), last=date(2026, 3, 12), commodities=["lng", "soybeans"],
    )  # fmt: skip
    at_hormuz = found.days[found.days["element"] == HORMUZ]
    india = at_hormuz[(at_hormuz["importer"] == "IND") & (at_hormuz["commodity"] == "lng")]
    by_day = dict(zip(india["day"], india["level"], strict=True))
    assert by_day[date(2026, 3, 4)] in ("orange", "red")
    assert min(by_day) >= date(2026, 3, 3)  # on 2 March nothing of it was published
    assert set(by_day.values()) <= {"orange", "red"}
    assert not (at_hormuz["commodity"] == "soybeans").any()
    declared = at_hormuz.drop_duplicates("day").set_index("day")["declared"]
    assert declared[date(2026, 3, 3)] == "closed"  # declared on the 2nd: known when it was over


@pytest.mark.reference
def test_december_2023_was_told_on_the_tuesday_after_christmas(
    world: World, recorded_traffic: pd.DataFrame, lost: Callable[..., Callable[..., pd.DataFrame]]
) -> None:
    found = replay(
        world, recorded_traffic, NOTHING, lost(["JOR"]), ["JOR"],
        first=date(2023, 12, 1), last=date(2024, 1, 12),
    )  # fmt: skip
    at_bab = [a for a in found.alerts if a.element == BAB]
    assert at_bab
    assert {a.sent.date() for a in at_bab if a.message is Message.alert} == {date(2023, 12, 26)}
    assert max(a.level for a in at_bab) is Level.red
    assert {a.status.data_to for a in at_bab if a.sent.date() == date(2023, 12, 26)} == {
        pd.Timestamp("2023-12-24", tz="UTC")
    }
    last = found.days[(found.days["element"] == BAB) & (found.days["day"] == date(2024, 1, 12))]
    assert "red" in set(last["level"])
    assert {a.element for a in found.alerts} == {BAB, "chokepoint:suez"}
