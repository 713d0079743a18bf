"""Daily series as the monitor sees them: one vintage, and what is wrong with it said."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from corridors.risk.series import Series, empty_days, series
from layers.events import observation_frame
from layers.world import World

NOW = datetime(2026, 6, 1, tzinfo=UTC)
HORMUZ = "chokepoint:hormuz"


def told(
    values: list[float | None],
    *,
    metric: str = "n_total",
    start: str = "2026-01-01",
    at: datetime = NOW,
    series: str = "portwatch:chokepoint6",
) -> pd.DataFrame:
    days = pd.date_range(start, periods=len(values), tz="UTC")
    return observation_frame(
        {
            "series": series,
            "metric": metric,
            "unit": "calls/d",
            "observed_at": day.to_pydatetime(),
            "value": value,
            "source": "test",
            "retrieved_at": at,
        }
        for day, value in zip(days, values, strict=True)
        if value is not None
    )


def values(found: Series, metric: str = "n_total") -> list[float]:
    row = np.flatnonzero(found.panel["metric"].to_numpy() == metric)
    return [float(v) for v in found.panel.to_numpy()[row[0]]]


def test_a_series_is_of_the_chokepoint_that_bears_its_number(world: World) -> None:
    found = series(world, told([80.0, 81.0]), now=NOW)
    assert list(found.panel["element"].to_numpy()) == [HORMUZ]
    assert values(found) == [80.0, 81.0]
    assert found.of(HORMUZ) == []


def test_nothing_known_is_an_empty_panel(world: World) -> None:
    found = series(world, told([]), now=NOW)
    assert found.panel.sizes == {"series": 0, "day": 0}
    assert found.faults.empty


@pytest.mark.parametrize(
    ("given", "fault", "seen"),
    [
        ([80.0, -5.0, 80.0], "negative", [80.0, None, 80.0]),
        ([80.0, None, 80.0], "gap", [80.0, None, 80.0]),
        ([80.0, 0.0, 80.0], "zero_ambiguous", [80.0, None, 80.0]),
    ],
)
def test_what_is_wrong_is_not_known_and_said(
    world: World, given: list[float | None], fault: str, seen: list[float | None]
) -> None:
    found = series(world, told(given), now=NOW)
    assert fault in found.of(HORMUZ)
    np.testing.assert_equal(values(found), [np.nan if v is None else v for v in seen])


def test_a_day_to_come_is_no_day(world: World) -> None:
    ahead = told([80.0] * 3, start="2026-05-31")
    found = series(world, ahead, now=NOW)
    assert values(found) == [80.0, 80.0]
    assert "future" in found.of(HORMUZ)


def test_a_day_told_in_two_ways_at_once_is_not_known(world: World) -> None:
    both = pd.concat([told([80.0, 70.0, 80.0]), told([40.0], start="2026-01-02")])
    found = series(world, both, now=NOW)
    assert np.isnan(values(found)[1])
    assert "contradicting" in found.of(HORMUZ)
    again = pd.concat([told([80.0, 70.0]), told([70.0], start="2026-01-02")])
    assert series(world, again, now=NOW).of(HORMUZ) == []


def test_what_came_later_is_not_known_yet(world: World) -> None:
    early, late = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    both = pd.concat([told([80.0] * 59, at=early), told([79.0], start="2026-01-05", at=late)])
    assert values(series(world, both, now=early))[4] == 80.0
    assert values(series(world, both, now=late))[4] == 79.0


def test_a_small_revision_is_no_new_publication(world: World) -> None:
    early, late = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    both = pd.concat([told([80.0] * 90, at=early), told([82.0] * 20, start="2026-03-25", at=late)])
    found = series(world, both, now=NOW)
    assert "rebased" not in found.of(HORMUZ)
    assert values(found)[0] == 80.0


def test_a_series_published_anew_is_never_mixed_with_the_old_one(world: World) -> None:
    early, late = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    newer = told([104.0] * 70, start="2026-02-01", at=late)
    both = pd.concat([told([80.0] * 90, at=early), newer])
    found = series(world, both, now=NOW)
    assert "rebased" in found.of(HORMUZ)
    assert set(values(found)) == {104.0}
    assert values(series(world, both, now=early)) == [80.0] * 90


def test_classes_are_empty_with_all_ships_and_may_be_empty_alone(world: World) -> None:
    rows = [told([80.0, 0.0, 80.0]), told([5.0, 0.0, 0.0], metric="n_container")]
    rows.append(told([3e6, 0.0, 0.0], metric="capacity"))
    found = series(world, pd.concat(rows), now=NOW)
    np.testing.assert_equal(values(found, "n_container"), [5.0, np.nan, 0.0])
    np.testing.assert_equal(values(found, "capacity"), [3e6, np.nan, np.nan])


def test_no_ship_after_few_is_no_ship() -> None:
    usual = [80.0] * 30
    assert list(np.flatnonzero(empty_days(np.array([*usual, 0, 0, 80])))) == [30, 31]
    assert not empty_days(np.array([*usual, 40, 12, 0, 0, 3])).any()
    assert not empty_days(np.array([3.0, 0, 4, 0, 0, 2])).any()


def test_every_element_has_its_own_faults(world: World) -> None:
    rows = [told([80.0, -1.0, 80.0]), told([50.0] * 3, series="portwatch:chokepoint1")]
    found = series(world, pd.concat(rows), now=NOW)
    assert found.of("chokepoint:suez") == []
    assert found.of(HORMUZ) == ["gap", "negative"]
