"""Stocks day by day: numbers a reader can compute by hand, then properties of any supply."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridors.whatif.stocks import (
    DELIVERED,
    INFEASIBLE,
    OUTCOMES,
    REROUTED,
    UNMET,
    VARIABLES,
    Closure,
    Parts,
    Stock,
    arrivals,
    backlog,
    cover,
    covers,
    harvest_t_d,
    lost_share,
    queue,
    timeline,
    timelines,
    usable_t,
)
from layers.errors import UsageError

ALWAYS = Closure(math.inf)


def parts(*rows: tuple[float, int, float, float] | tuple[float, int, float, float, bool]) -> Parts:
    """Return parts of supply from rows of usual, outcome, beyond, added and whether it waits."""
    usual, outcome, beyond, added, waits = zip(*((*row, False)[:5] for row in rows), strict=True)
    return Parts(
        np.array(usual, float),
        np.array(outcome),
        np.array(beyond, float),
        np.array(added, float),
        np.array(waits, bool),
    )


def lost(gap: float, usual: float) -> Parts:
    """Return supply of which so much a day is lost at the importer's door."""
    return parts((gap, INFEASIBLE, 0, 0), (usual - gap, DELIVERED, 0, 0))


def days(*values: float) -> Any:
    return pytest.approx(np.array(values), abs=1e-12)


@pytest.mark.parametrize(
    ("closure", "share"),
    [
        (Closure(0), (0, 0, 0, 0)),
        (Closure(2.5), (1, 1, 0.5, 0)),
        (Closure(1, recovery_d=2), (1, 0.75, 0.25, 0)),
        (Closure(0.5, recovery_d=1), (0.5 + 0.375, 0.125, 0, 0)),
        (ALWAYS, (1, 1, 1, 1)),
    ],
)
def test_rules_are_in_force_then_fade(closure: Closure, share: tuple[float, ...]) -> None:
    assert lost_share(np.arange(4.0), closure) == days(*share)
    assert lost_share(np.array([-5.0, -1.0]), closure) == days(0, 0)


def test_cargo_past_the_break_still_arrives() -> None:
    came = arrivals(parts((2, UNMET, 3, 0)), Closure(2), 7)
    assert came.on_way_t[0] == days(2, 2, 2, 0, 0, 2, 2)
    assert came.lost_t[0] == days(0, 0, 0, 2, 2, 0, 0)


def test_the_last_day_looked_at_counts() -> None:
    assert arrivals(parts((1, UNMET, 2, 0)), ALWAYS, 3).lost_t[0] == days(0, 0, 1)


def test_a_fraction_of_a_day_splits_between_two() -> None:
    came = arrivals(parts((1, INFEASIBLE, 1.25, 0)), Closure(2), 5)
    assert came.lost_t[0] == days(0, 0.75, 1, 0.25, 0)


def test_a_detour_comes_late_and_then_on_top() -> None:
    came = arrivals(parts((1, REROUTED, 1, 2)), Closure(3), 8)
    assert came.on_way_t[0] == days(1, 0, 0, 0, 1, 1, 1, 1)
    assert came.late_t[0] == days(0, 0, 0, 1, 1, 1, 0, 0)
    assert came.waiting_t[0] == days(0, 1, 2, 2, 1, 0, 0, 0)


def test_a_quicker_detour_adds_no_days() -> None:
    came = arrivals(parts((1, REROUTED, 1, -4)), Closure(3), 8)
    assert came.total_t[0] == days(*[1] * 8)


def test_a_queue_clears_first_in_first_out() -> None:
    # Two days' cargo waits; two a day pass, one a day comes: two, then one of two, then none.
    came = arrivals(parts((1, REROUTED, 1, 30, True)), Closure(2, queue_ratio=2), 7)
    assert came.on_way_t[0] == days(1, 0, 0, 0, 1, 1, 1)
    assert came.cleared_t[0] == days(0, 0, 0, 2, 1, 0, 0)
    assert came.late_t.sum() == came.lost_t.sum() == 0


def test_what_waits_is_a_gap_while_it_waits_but_what_is_delivered_never_waits() -> None:
    supply = parts((2, REROUTED, 0, 9, True), (3, DELIVERED, 0, 0, True))
    found = cover(timeline(supply, Stock(10), Closure(4, queue_ratio=2), horizon_d=9))
    assert (found.gap_t_d, found.gap_cover_d, found.recovered_day) == (2, 5, 4)


def test_a_queue_that_only_passes_the_usual_never_shortens() -> None:
    came = arrivals(parts((1, INFEASIBLE, 0, 0, True)), Closure(2), 100)
    assert came.waiting_t[0, 2:] == days(*[2] * 98)


def test_what_waits_for_good_never_comes() -> None:
    came = arrivals(parts((1, INFEASIBLE, 0, 0, True)), ALWAYS, 9)
    assert came.total_t.sum() == 0
    assert came.waiting_t[0, -1] == 9


def test_half_open_places_bear_half() -> None:
    at_once, waited, waiting = queue(np.array([1.0, 0.5, 0.5, 0.0, 0.0]), 2.0)
    assert at_once == days(0, 0, 0, 1, 1)
    assert waited == days(0, 1, 1, 1, 0)
    assert waiting == days(1, 1, 1, 0, 0)


def test_backlog_of_the_ever_given() -> None:
    modelled = backlog(56.458, 6.31, 85)
    assert modelled.ships == pytest.approx(356.25, abs=0.005)
    assert modelled.passed_d == pytest.approx(4.191, abs=0.001)
    counted = backlog(56.458, 6.31, 85, ships=422)
    assert counted.passed_d == pytest.approx(4.965, abs=0.001)
    assert counted.normal_d == pytest.approx(14.79, abs=0.01)
    assert backlog(56.458, 6.31, 56.458).normal_d is None


def test_backlog_and_daily_queue_agree() -> None:
    normal_d = backlog(1, 6, 1.5).normal_d
    assert normal_d == 12
    *_, waiting = queue(lost_share(np.arange(30.0), Closure(6)), 1.5)
    assert waiting[5] == waiting.max() == 6
    assert waiting[16] > 0
    assert not waiting[17:].any()


@pytest.mark.parametrize(
    ("gap", "stock", "draw", "short", "first"),
    [(2.0, 100, 1.3, 80, 0), (1.0, 60, math.inf, 30, 60), (1.0, 60, math.nan, 30, 60)],
)
def test_stock_is_drawn_no_faster_than_it_can_be(
    gap: float, stock: float, draw: float, short: float, first: int
) -> None:
    line = timeline(lost(gap, 4.0), Stock(stock, draw), Closure(90), horizon_d=90)
    found = cover(line)
    assert found.short_t == pytest.approx(short)
    assert found.first_short_day == first
    assert found.first_short.startswith(f"day {first}")
    assert found.draw_known is not math.isnan(draw)
    assert ("draw limit not known" in found.first_short) is math.isnan(draw)
    assert found.depth == pytest.approx(gap / 4)
    assert found.recovered_day is None
    assert found.recovered == "not within 90 days"
    assert line["stock_t"].to_numpy()[-1] == pytest.approx(0)


def test_three_covers_of_china() -> None:
    # Million barrels, and million barrels a day: the formulas do not mind.
    stock = Stock(usable_t(1400), draw_t_d=3.0)
    found = cover(timeline(lost(5.4, 11.5), stock, ALWAYS, horizon_d=365))
    assert found.import_cover_d == pytest.approx(121.739, abs=1e-3)
    assert found.gap_cover_d == pytest.approx(259.259, abs=1e-3)
    assert found.unmet_after_draw_t_d == pytest.approx(2.4)
    assert (found.import_cover, found.gap_cover) == ("121.7 days", "259.3 days")
    assert found.first_short_day == 0
    part = Stock(usable_t(1400, share=0.8))
    assert cover(timeline(lost(5.4, 11.5), part, ALWAYS, horizon_d=9)).gap_cover_d == pytest.approx(
        207.407, abs=1e-3
    )


def test_iea_days() -> None:
    imports = parts((40e6 / 365, DELIVERED, 0, 0))
    line = timeline(imports, Stock(usable_t(12e6, share=0.9)), ALWAYS, horizon_d=1)
    assert cover(line).import_cover_d == pytest.approx(98.55)


def test_working_stock_is_not_usable() -> None:
    assert usable_t(130.0, working_t=40.0) == 90
    assert usable_t(30.0, working_t=40.0) == 0
    assert math.isnan(usable_t(math.nan, working_t=40.0))


def test_late_cargo_refills_what_was_drawn_and_no_more() -> None:
    supply = parts((1, REROUTED, 1, 2))
    full = timeline(supply, Stock(10), Closure(3), horizon_d=8)
    assert full["stock_t"].to_numpy() == days(10, 9, 8, 8, 9, 10, 10, 10)
    assert full["short_t"].sum() == 0
    scant = timeline(supply, Stock(0.5), Closure(3), horizon_d=8)
    assert scant["stock_t"].to_numpy() == days(0.5, 0, 0, 0, 0.5, 0.5, 0.5, 0.5)
    assert scant["short_t"].to_numpy() == days(0, 0.5, 1, 0, 0, 0, 0, 0)
    found = cover(scant)
    assert (found.first_short_day, found.depth, found.recovered_day) == (1, 1.0, 3)
    assert (found.gap_t_d, found.gap_cover) == (0, "no gap")


def test_harvest_fills_and_use_empties_the_stock() -> None:
    # Calm: 4 + 1 − 3 = 2, 0, then + 8 makes 6, 4. Closed: 1, two short, 5, 2.
    grain = Stock(4, math.inf, np.array([0.0, 0, 8, 0]), use_t_d=3)
    line = timeline(lost(1, 1), grain, ALWAYS, horizon_d=4)
    assert line["calm_stock_t"].to_numpy() == days(2, 0, 6, 4)
    assert line["stock_t"].to_numpy() == days(1, 0, 5, 2)
    assert line["short_t"].to_numpy() == days(0, 2, 0, 0)
    assert line["drawn_t"].to_numpy() == days(1, 0, 1, 1)
    found = cover(line)
    assert found.use_cover_d == pytest.approx(4 / 3)
    assert found.first_short_day == 1


def test_calm_years_own_shortage_is_not_the_closures() -> None:
    # One a day short without any closure: the path stands at nothing, the closure adds its gap.
    grain = Stock(0, math.inf, np.zeros(3), use_t_d=2)
    line = timeline(lost(1, 1), grain, Closure(1), horizon_d=3)
    assert line["short_t"].to_numpy() == days(1, 0, 0)


def test_what_is_drawn_in_season_is_missed_out_of_season() -> None:
    # Calm: 3, 2, 1, 0. A day without imports is felt only when the calm path runs out.
    grain = Stock(4, math.inf, np.zeros(5), use_t_d=2)
    line = timeline(lost(1, 1), grain, Closure(1), horizon_d=5)
    assert line["short_t"].to_numpy() == days(0, 0, 0, 1, 0)
    found = cover(line)
    assert (found.first_short_day, found.recovered_day) == (3, 4)


def test_cover_of_use_looks_ahead_to_the_harvest() -> None:
    grain = Stock(6, math.inf, np.array([0.0, 0, 8, 0]), use_t_d=3)
    found = cover(timeline(lost(1, 1), grain, ALWAYS, horizon_d=4))
    assert (found.use_cover_d, found.use_cover) == (None, "more than 4 days")
    later = Stock(6, math.inf, np.array([0.0, 0, 2, 0]), use_t_d=3)
    assert cover(timeline(lost(1, 1), later, ALWAYS, horizon_d=4)).use_cover_d == pytest.approx(2.0)
    bare = Stock(6, use_t_d=3)
    assert cover(timeline(lost(1, 1), bare, ALWAYS, horizon_d=1)).use_cover_d == 2


def test_no_cover_is_a_number_beyond_a_year() -> None:
    edge = cover(timeline(lost(1, 2), Stock(365), ALWAYS, horizon_d=400))
    assert (edge.gap_cover_d, edge.gap_cover) == (365, "365.0 days")
    assert (edge.first_short_day, edge.first_short[:7]) == (365, "day 365")
    found = cover(timeline(lost(1, 1), Stock(366, use_t_d=1), ALWAYS, horizon_d=400))
    numbers = (found.import_cover_d, found.gap_cover_d, found.use_cover_d, found.first_short_day)
    assert numbers == (None,) * 4
    texts = (found.import_cover, found.gap_cover, found.use_cover)
    assert texts == ("more than 365 days",) * 3
    assert found.first_short.startswith("more than 365 days")
    assert found.short_t == pytest.approx(34)


def test_not_known_is_not_zero() -> None:
    line = timeline(lost(1, 2), Stock(), Closure(5), horizon_d=9)
    for name in ("drawn_t", "stock_t", "short_t"):
        assert line[name].isnull().all()
    found = cover(line)
    told = (found.import_cover, found.gap_cover, found.use_cover, found.first_short)
    assert told == ("not known",) * 4
    assert found.unmet_after_draw == "not known"
    numbers = (found.import_cover_d, found.gap_cover_d, found.use_cover_d, found.first_short_day)
    assert (*numbers, found.depth, found.short_t, found.unmet_after_draw_t_d) == (None,) * 7
    assert found.recovered_day == 5  # of imports, which are known
    assert json.loads(json.dumps(asdict(found)))["draw_known"] is False


def test_most_that_can_be_drawn_tells_what_stays_unmet_whatever_the_stock() -> None:
    found = cover(timeline(lost(5, 9), Stock(draw_t_d=3), Closure(5), horizon_d=9))
    assert (found.unmet_after_draw_t_d, found.unmet_after_draw) == (2, "2 t a day")
    assert found.first_short == "not known"


@pytest.mark.parametrize("stock", [Stock(), Stock(10), Stock(10, 1, np.ones(9), 2)])
@pytest.mark.parametrize(
    ("supply", "closure"), [(lost(0, 2), Closure(5)), (lost(1, 2), Closure(0))]
)
def test_no_gap_is_neither_not_known_nor_for_ever(
    stock: Stock, supply: Parts, closure: Closure
) -> None:
    line = timeline(supply, stock, closure, horizon_d=9)
    assert line["arrivals_t"].to_numpy() == days(*[2] * 9)
    found = cover(line)
    assert (found.gap_cover_d, found.gap_cover) == (None, "no gap")
    assert (found.unmet_after_draw_t_d, found.unmet_after_draw) == (0, "no gap")
    assert (found.first_short_day, found.first_short) == (None, "no gap")
    assert (found.short_t, found.depth) == (0, 0)
    assert (found.recovered_day, found.recovered) == (0, "no gap")


def test_rounding_is_no_gap() -> None:
    crumb = cover(timeline(lost(1e-12, 2), Stock(10), ALWAYS, horizon_d=9))
    assert (crumb.gap_t_d, crumb.gap_cover, crumb.recovered) == (0, "no gap", "no gap")
    supply = parts((0.1, INFEASIBLE, 0.3, 0), (0.2, REROUTED, 0.7, 0.1), (0.4, DELIVERED, 0, 0))
    line = timeline(supply, Stock(10), Closure(1.1, 0.3), horizon_d=99)
    assert cover(line).recovered_day == 3
    assert not line["waiting_t"].to_numpy()[3:].any()


def test_no_imports_have_no_cover() -> None:
    found = cover(timeline(lost(0, 0), Stock(10), Closure(5), horizon_d=9))
    assert (found.import_cover_d, found.import_cover) == (None, "no imports")


def test_a_stock_that_lasts_is_never_short() -> None:
    found = cover(timeline(lost(1, 2), Stock(10, 4), Closure(5), horizon_d=20))
    assert (found.first_short_day, found.first_short) == (None, "never within 20 days")
    assert (found.recovered_day, found.recovered) == (5, "day 5")


def test_every_variable_has_a_unit_and_a_name() -> None:
    line = timeline(lost(1, 2), Stock(10), Closure(5), horizon_d=3)
    assert set(line.data_vars) == set(VARIABLES)
    for name, (long_name, unit) in VARIABLES.items():
        assert line[name].attrs == {"long_name": long_name, "units": unit}


@pytest.mark.parametrize(
    ("months", "start", "found"),
    [
        ((10, 2), date(2024, 2, 28), (152, 152, 0)),  # October 2023 to a leap February
        ((10, 2), date(2023, 2, 28), (151, 0, 0)),
        ((10, 2), date(2025, 12, 31), (151, 151, 151)),
        ((9, 10), date(2025, 8, 31), (0, 61, 61)),
        ((8, 8), date(2025, 8, 30), (31, 31, 0)),
        ((1, 12), date(2024, 12, 31), (366, 365, 365)),
        ((3, 2), date(2024, 2, 29), (366, 365, 365)),
    ],
)
def test_harvest_comes_evenly_in_its_months(
    months: tuple[int, int], start: date, found: tuple[float, ...]
) -> None:
    """A harvest of one tonne: each day of a season of n days brings 1/n."""
    expected = [1 / n if n else 0.0 for n in found]
    assert harvest_t_d(1.0, *months, start, 3) == days(*expected)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 9))
def test_each_season_brings_the_whole_harvest(begins: int, ends: int, years: int) -> None:
    length = (date(2020 + years, begins, 1) - date(2020, begins, 1)).days
    total = harvest_t_d(7.0, begins, ends, date(2020, begins, 1), length).sum()
    assert total == pytest.approx(7.0 * years)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Closure(-1),
        lambda: Closure(math.nan),
        lambda: Closure(1, recovery_d=-1),
        lambda: Closure(1, recovery_d=math.inf),
        lambda: Closure(1, queue_ratio=0.9),
        lambda: Stock(-1),
        lambda: Stock(1, -1),
        lambda: Stock(1, 1, np.ones(3)),
        lambda: timeline(lost(1, 1), Stock(1, 1, np.ones(3), 1), ALWAYS, horizon_d=4),
        lambda: timeline(lost(1, 1), Stock(1), ALWAYS, horizon_d=0),
        lambda: parts((-1, UNMET, 0, 0)),
        lambda: parts((math.nan, UNMET, 0, 0)),
        lambda: parts((1, UNMET, -1, 0)),
        lambda: parts((1, REROUTED, 0, math.nan)),
        lambda: parts((1, len(OUTCOMES), 0, 0)),
        lambda: Parts(np.ones(2), np.zeros(2, int), np.zeros(2), np.zeros(1)),
        lambda: arrivals(
            Parts(np.ones(1), np.zeros(1, int), np.zeros(1), np.zeros(1), group=np.ones(1, int)),
            ALWAYS,
            3,
        ),
        lambda: harvest_t_d(1, 0, 3, date(2025, 1, 1), 3),
        lambda: harvest_t_d(-1, 1, 3, date(2025, 1, 1), 3),
        lambda: backlog(1, 1, 0),
        lambda: backlog(1, -1, 1),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(UsageError):
        wrong()


def test_days_of_a_detour_are_read_of_detours_alone() -> None:
    assert arrivals(parts((1, INFEASIBLE, 0, math.nan)), Closure(1), 2).total_t[0] == days(0, 1)


TONNES = st.floats(0, 50)
ROW = st.tuples(
    TONNES, st.sampled_from(range(4)), st.floats(0, 30), st.floats(0, 20), st.booleans()
)
SUPPLY = st.lists(ROW, min_size=1, max_size=5)
CLOSURE = st.builds(Closure, st.floats(0, 40), st.floats(0, 15), st.floats(1, 4))
DRAW = st.one_of(st.just(math.nan), st.just(0.0), TONNES)
DAYS = 120
ROOM = 1e-6
few = settings(max_examples=60)


@few
@given(rows=SUPPLY, closure=CLOSURE)
def test_no_tonne_is_made_or_lost(rows: list[Any], closure: Closure) -> None:
    came = arrivals(parts(*rows), closure, DAYS)
    for stream in (came.on_way_t, came.late_t, came.cleared_t, came.lost_t):
        assert (stream >= -ROOM).all()
    through = np.cumsum(came.total_t + came.lost_t, axis=1)
    assert (through <= np.cumsum(came.usual_t, axis=1) + ROOM).all()
    ends = through[0, -1] + came.waiting_t[0, -1]
    assert ends == pytest.approx(came.usual_t.sum(), abs=ROOM)


@few
@given(rows=SUPPLY, closed=st.floats(0, 20), recovery=st.floats(0, 10), ratio=st.floats(1.5, 4))
def test_in_the_end_all_that_is_not_lost_arrives(
    rows: list[Any], closed: float, recovery: float, ratio: float
) -> None:
    came = arrivals(parts(*rows), Closure(closed, recovery, ratio), 250)
    assert came.waiting_t[0, -1] == pytest.approx(0, abs=ROOM)
    gone = sum(
        usual * (closed + recovery / 2)
        for usual, outcome, _, _, waits in rows
        if outcome in (UNMET, INFEASIBLE) and not waits
    )
    assert came.lost_t.sum() == pytest.approx(gone, abs=ROOM)
    assert came.total_t.sum() + gone == pytest.approx(came.usual_t.sum(), abs=ROOM)


@few
@given(rows=SUPPLY, closure=CLOSURE, opening=st.floats(0, 2000), draw=DRAW)
def test_stock_stays_between_nothing_and_what_it_was(
    rows: list[Any], closure: Closure, opening: float, draw: float
) -> None:
    line = timeline(parts(*rows), Stock(opening, draw), closure, horizon_d=DAYS)
    stock, drawn, gap, short = (
        line[name].to_numpy() for name in ("stock_t", "drawn_t", "gap_t", "short_t")
    )
    assert ((stock >= 0) & (stock <= opening)).all()
    assert (drawn <= np.fmin(gap, draw) + ROOM).all()
    assert drawn + short == pytest.approx(gap, abs=ROOM)
    refilled = np.diff(stock, prepend=opening) + drawn
    surplus = np.maximum(line["arrivals_t"] - line["usual_t"], 0).to_numpy()
    assert ((refilled >= -ROOM) & (refilled <= surplus + ROOM)).all()


@few
@given(
    rows=SUPPLY,
    closure=CLOSURE,
    opening=st.floats(0, 500),
    harvest=st.lists(st.floats(0, 200), min_size=DAYS, max_size=DAYS),
    use=st.floats(0, 200),
)
def test_shortage_is_what_the_closure_adds_to_a_plain_ledger(
    rows: list[Any], closure: Closure, opening: float, harvest: list[float], use: float
) -> None:
    """Kept as two plain ledgers, calm and closed, with what each can't pay."""
    stock = Stock(opening, math.nan, np.array(harvest), use)
    line = timeline(parts(*rows), stock, closure, horizon_d=DAYS)
    calm = closed = opening
    for day in range(DAYS):
        calm += line["usual_t"].values[day] + harvest[day] - use
        closed += line["arrivals_t"].values[day] + harvest[day] - use
        # Late cargo may ease a shortage of the calm path; that is no shortage of the closure.
        unpaid = max(0.0, max(0.0, -closed) - max(0.0, -calm))
        calm = max(calm, 0.0)
        closed = min(max(closed, 0.0), calm)
        assert line["calm_stock_t"].values[day] == pytest.approx(calm, abs=1e-4)
        assert line["stock_t"].values[day] == pytest.approx(closed, abs=1e-4)
        assert line["short_t"].values[day] == pytest.approx(unpaid, abs=1e-4)


@few
@given(rows=SUPPLY, closure=CLOSURE, longer=st.floats(0, 40))
def test_a_longer_closure_never_lets_more_arrive_by_any_day(
    rows: list[Any], closure: Closure, longer: float
) -> None:
    supply = parts(*rows)
    more = Closure(closure.duration_d + longer, closure.recovery_d, closure.queue_ratio)
    before, after = (
        np.cumsum(arrivals(supply, closed, DAYS).total_t) for closed in (closure, more)
    )
    assert (after <= before + ROOM).all()


@few
@given(
    rows=SUPPLY,
    beyond=st.integers(0, 30),
    closed=st.integers(0, 40),
    longer=st.integers(0, 40),
    recovery=st.floats(0, 15),
    opening=st.floats(0, 2000),
    draw=DRAW,
)
def test_a_longer_closure_of_one_place_is_never_less_shortage(
    rows: list[Any],
    beyond: int,
    closed: int,
    longer: int,
    recovery: float,
    opening: float,
    draw: float,
) -> None:
    supply = parts(*((usual, what, beyond, *rest) for usual, what, _, *rest in rows))
    short, more = (
        timeline(supply, Stock(opening, draw), Closure(d, recovery, 1.5), horizon_d=DAYS)["short_t"]
        for d in (closed, closed + longer)
    )
    assert more.sum() >= short.sum() - ROOM


@few
@given(
    rows=st.lists(SUPPLY, min_size=1, max_size=4),
    closure=CLOSURE,
    stock=st.lists(st.tuples(st.one_of(st.just(math.nan), TONNES), DRAW), min_size=4, max_size=4),
)
def test_many_at_once_are_each_by_itself(
    rows: list[list[Any]], closure: Closure, stock: list[tuple[float, float]]
) -> None:
    each = [parts(*group) for group in rows]
    stocks = [Stock(*held) for held in stock[: len(each)]]
    joined = {
        name: np.concatenate([getattr(supply, name) for supply in each])
        for name in ("usual_t_d", "outcome", "beyond_d", "added_d", "waits")
    }
    group = np.repeat(np.arange(len(each)), [len(g) for g in rows])
    lines = timelines(Parts(**joined, group=group), stocks, closure, horizon_d=DAYS)
    assert len(covers(lines)) == len(each)
    for row, (supply, held) in enumerate(zip(each, stocks, strict=True)):
        alone = timeline(supply, held, closure, horizon_d=DAYS)
        for name in VARIABLES:
            together = lines[name].isel(group=row).to_numpy()
            assert together == pytest.approx(alone[name].to_numpy(), abs=ROOM, nan_ok=True)


@few
@given(rows=SUPPLY, closure=CLOSURE, opening=st.floats(0, 1e6), use=TONNES)
def test_a_cover_is_within_a_year_or_no_number(
    rows: list[Any], closure: Closure, opening: float, use: float
) -> None:
    line = timeline(parts(*rows), Stock(opening, use_t_d=use), closure, horizon_d=DAYS)
    found = cover(line)
    for name in ("import_cover", "gap_cover", "use_cover"):
        number, text = getattr(found, f"{name}_d"), getattr(found, name)
        if number is None:
            assert text in ("more than 365 days", "no gap", "no imports", "no use")
        else:
            assert 0 <= number <= 365
            assert text == f"{number:.1f} days"
