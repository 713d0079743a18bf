"""A downloaded table of chokepoints: read as the feed reads, and put beside what the feed said."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from corridors.cli import app
from layers.errors import DataError
from layers.feeds import portwatch_chokepoints as feed
from layers.portwatch_file import COLUMNS, import_file, read
from layers.source import Answer, Parsed
from layers.store import Filled, State, Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SAMPLE = "samples/portwatch/hdx_daily-chokepoint-transit-calls-and-shipment-volume-estimates.csv"
Row = Mapping[str, object]


def row(day: date, total: object = 9, place: str = "chokepoint6", **more: object) -> Row:
    held = {"date": f"{day} 00:00:00+00:00", "portid": place, "portname": "Strait", "n_cargo": 0}
    held |= {"year": day.year, "month": day.month, "day": day.day}
    values = dict.fromkeys(feed.METRICS, 1) | {"n_total": total}
    return {**held, **values, **more}


def table(rows: Sequence[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row(date(2020, 1, 1))), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


Write = Callable[[Sequence[Row] | str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(rows: Sequence[Row] | str) -> Path:
        place = tmp_path / "transits.csv"
        place.write_text(rows if isinstance(rows, str) else table(rows), "utf-8")
        return place

    return put


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "feeds.duckdb")


def days(first: date, count: int, total: object = 9) -> list[Row]:
    return [row(first + n * DAY, total) for n in range(count)]


def answers(rows: Sequence[Row], at: datetime = NOW) -> list[Answer]:
    """Return what the service would send of some rows."""
    features = [{"attributes": dict(row)} for row in rows]
    bodies = [{"count": len(rows)}, {"features": features}]
    return [Answer(f"u{n}", json.dumps(b).encode(), at) for n, b in enumerate(bodies)]


def put_feed(store: Store, rows: Sequence[Row], at: datetime = NOW) -> State:
    """Write what the feed itself says, and return its state."""
    parsed = feed.parse(answers(rows, at))
    state = State(
        feed.SOURCE.id, at, at, parsed.content_as_of, 200, len(rows), next_due_at=at + DAY
    )
    store.commit(feed.SOURCE.id, lambda _: state, answers(rows, at), parsed)
    return state


def totals(store: Store) -> dict[date, float]:
    held = store.observations(feeds=[feed.SOURCE.id])
    held = held[held["metric"] == "n_total"]
    return {t.date(): v for t, v in zip(held["observed_at"], held["value"], strict=True)}


# Reading


def test_the_columns_and_values_of_one_row(write: Write) -> None:
    place = write([row(date(2020, 2, 29), 12, capacity=1234.5, n_tanker=7)])
    parsed = read(place, retrieved_at=NOW)
    held = parsed.observations.set_index("metric")
    assert list(held.index) == list(feed.METRICS)
    assert held.loc[["n_total", "capacity", "n_tanker"], "value"].tolist() == [12, 1234.5, 7]
    assert held.loc["capacity", "unit"] == "t"
    assert set(held["series"]) == {"portwatch:chokepoint6"}
    assert set(held["observed_at"]) == {pd.Timestamp("2020-02-29", tz="UTC")}
    assert set(held["retrieved_at"]) == {NOW}
    assert (parsed.records_in, dict(parsed.skipped)) == (1, {})


def typed(rows: Sequence[Mapping[str, str]]) -> list[Row]:
    """Return rows of a file with numbers as the service sends them."""
    text = {"date", "portid", "portname"}
    whole = {"year", "month", "day"}
    return [
        {k: v if k in text else int(v) if k in whole else float(v) for k, v in one.items()}
        for one in rows
    ]


def same(one: Parsed, other: Parsed) -> None:
    pd.testing.assert_frame_equal(one.observations, other.observations)
    assert (one.records_in, one.content_as_of) == (other.records_in, other.content_as_of)
    assert dict(one.skipped) == dict(other.skipped)


@pytest.mark.reference
def test_a_recorded_file_gives_what_the_feed_gives_of_its_rows(reference: Path) -> None:
    place = reference / SAMPLE
    at = datetime(2025, 11, 18, tzinfo=UTC)
    with place.open(encoding="utf-8", newline="") as stream:
        rows = typed(list(csv.DictReader(stream)))
    found = read(place, retrieved_at=at)
    same(found, feed.parse(answers(rows, at)))
    assert found.records_in == len(rows) == 336


counts = st.one_of(st.none(), st.integers(-3, 9), st.floats(0, 1e6))
places = st.tuples(st.integers(0, 12), st.integers(5, 7))  # the last three days are yet to come


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(places, counts, max_size=8), counts)
def test_it_reads_as_the_feed_does(
    write: Write, told: dict[tuple[int, int], float | None], capacity: float | None
) -> None:
    first = NOW.date() - 9 * DAY
    rows = [row(first + n * DAY, total, f"chokepoint{p}") for (n, p), total in told.items()]
    rows += [row(first, place="chokepoint1", capacity=capacity), row(first, place="chokepoint1x")]
    place = write([{k: "" if v is None else v for k, v in one.items()} for one in rows])
    same(read(place, retrieved_at=NOW), feed.parse(answers(rows)))


def flags(parsed: Parsed) -> dict[date, set[str]]:
    held = parsed.observations
    return {
        t.date(): set(f.split(";")) - {"partial_coverage"}
        for t, f in zip(held["observed_at"], held["quality_flags"], strict=True)
    }


def test_gaps_zeros_and_new_days_are_marked(write: Write) -> None:
    first = NOW.date() - 20 * DAY
    rows = [row(first, 0), row(first + 2 * DAY), row(NOW.date())]
    assert flags(read(write(rows), retrieved_at=NOW)) == {
        first: {"zero_ambiguous"},
        first + 2 * DAY: {"gap_before"},
        NOW.date(): {"gap_before", "provisional"},
    }


def test_an_old_stretch_is_not_provisional_and_may_have_a_long_gap(write: Write) -> None:
    rows = [row(date(2019, 1, 1)), row(date(2020, 1, 1))]
    marks = flags(read(write(rows), retrieved_at=NOW))
    assert marks == {date(2019, 1, 1): set(), date(2020, 1, 1): {"gap_before"}}


def test_what_is_left_out_is_counted(write: Write) -> None:
    good = row(date(2020, 1, 1))
    rows = [*days(date(2020, 1, 1), 200), good, row(date(2020, 1, 2), 5)]
    rows += [row(NOW.date() + 9 * DAY), row(date(2020, 1, 1), place="port12")]
    parsed = read(write(rows), retrieved_at=NOW)
    assert dict(parsed.skipped) == {
        "duplicate": 1,
        "contradicting duplicate": 1,
        "date in the future": 1,
        "no known portid": 1,
    }
    assert parsed.records_in == 204


def test_a_missing_or_negative_value_is_not_zero(write: Write) -> None:
    place = write([row(date(2020, 1, 1), "", n_tanker=-4)])
    held = set(read(place, retrieved_at=NOW).observations["metric"])
    assert held == set(feed.METRICS) - {"n_total", "n_tanker"}


GOOD = row(date(2020, 1, 1))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "transits.csv: is empty"),
        (table([GOOD]).replace("n_tanker", "tankers"), "row 1 column n_tanker: no such column"),
        (table([GOOD]) + "1,2\n", "row 3: 2 cells, 19 expected"),
        (table([GOOD, {**GOOD, "n_roro": "x"}]), "row 3 column n_roro: 'x' is no number"),
        (table([{**GOOD, "capacity": "nan"}]), "row 2 column capacity: 'nan' is no number"),
        (table([{**GOOD, "day": 32}]), "row 2 column year, month, day: '2020-1-32' is no day"),
        (table([{**GOOD, "year": ""}]), "row 2 column year, month, day"),
        (table([{**GOOD, "portid": "port9"}]), "no_record: 1 rows, none usable"),
        (table([]), "no_record: 0 rows"),
        (table([GOOD]) + '"open', "is no CSV"),
    ],
)
def test_a_broken_file_says_where(write: Write, store: Store, text: str, words: str) -> None:
    place = write(text)
    with pytest.raises(DataError) as found:
        read(place, retrieved_at=NOW)
    assert words in str(found.value)
    assert str(found.value).count("transits.csv") >= 1
    with pytest.raises(DataError):
        import_file(store, place, now=NOW)
    assert not store.path.exists()


def test_a_file_that_says_two_things_of_many_days_is_two_vintages_in_one(write: Write) -> None:
    place = write([*days(date(2020, 1, 1), 9), *days(date(2020, 1, 1), 9, total=8)])
    with pytest.raises(DataError, match="mixed_vintages"):
        read(place, retrieved_at=NOW)


def test_a_file_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    place = tmp_path / "transits.csv"
    with pytest.raises(DataError, match=r"transits\.csv: cannot be read"):
        read(place, retrieved_at=NOW)
    place.write_bytes(b"date,year\n\xff\xfe\n")
    with pytest.raises(DataError, match=r"transits\.csv row 2: is no text in UTF-8"):
        read(place, retrieved_at=NOW)


def test_not_every_fault_of_a_hopeless_file_is_listed(write: Write) -> None:
    with pytest.raises(DataError) as found:
        read(write([{**GOOD, "n_total": "x"}] * 500), retrieved_at=NOW)
    assert len(found.value.faults) == 20


@pytest.mark.reference
def test_all_that_is_asked_for_is_in_the_portal_s_own_table(reference: Path) -> None:
    with (reference / SAMPLE).open(encoding="utf-8", newline="") as stream:
        assert set(COLUMNS) <= set(next(csv.reader(stream)))


# In the store


def test_history_is_added_beside_what_the_feed_said(store: Store, write: Write) -> None:
    state = put_feed(store, days(date(2024, 1, 1), 3, total=5))
    place = write(days(date(2023, 12, 30), 4, total=9))
    found = import_file(store, place, now=NOW + DAY)
    assert found.days == Filled(added=2, known=2, differing=2)
    assert (found.rows, found.first, found.last) == (4, date(2023, 12, 30), date(2024, 1, 2))
    assert totals(store) == {
        date(2023, 12, 30): 9,
        date(2023, 12, 31): 9,
        date(2024, 1, 1): 5,
        date(2024, 1, 2): 5,
        date(2024, 1, 3): 5,
    }
    assert store.state(feed.SOURCE.id) == state
    assert [a.url for a in store.newest_answers(feed.SOURCE.id)] == ["u0", "u1"]
    assert store.check() == []


def test_a_known_day_is_left_whole(store: Store, write: Write) -> None:
    # The feed has no count of tankers on that day; one of another vintage would not belong to it.
    put_feed(store, [row(date(2024, 1, 1), 5, n_tanker=None)])
    found = import_file(store, write([row(date(2024, 1, 1), 5)]), now=NOW)
    assert found.days == Filled(added=0, known=1, differing=0)
    assert "n_tanker" not in set(store.observations()["metric"])
    assert len(store.refreshes()) == 1


def test_replaced_values_hold_until_the_feed_says_otherwise(store: Store, write: Write) -> None:
    put_feed(store, days(date(2024, 1, 1), 3, total=5))
    place = write(days(date(2024, 1, 1), 2, total=9))
    import_file(store, place, now=NOW + DAY, replace=True)
    assert list(totals(store).values()) == [9, 9, 5]
    put_feed(store, days(date(2024, 1, 1), 3, total=6), at=NOW + 2 * DAY)
    assert list(totals(store).values()) == [6, 6, 6]
    assert len(store.observations(series=["portwatch:chokepoint6"], every_vintage=True)) > 36
    assert store.check() == []


def test_a_feed_never_asked_stays_so(store: Store, write: Write) -> None:
    import_file(store, write(days(date(2020, 1, 1), 3)), now=NOW)
    assert store.state(feed.SOURCE.id) == State(feed.SOURCE.id)
    assert len(totals(store)) == 3
    assert store.check() == []
    put_feed(store, days(date(2024, 1, 1), 3), at=NOW + DAY)
    assert len(totals(store)) == 6
    assert store.check() == []


def test_a_failure_of_the_feed_stays_its_state(store: Store, write: Write) -> None:
    def failed(before: State) -> State:
        return State(feed.SOURCE.id, NOW, consecutive_failures=1, fault="timeout")

    store.commit(feed.SOURCE.id, failed)
    import_file(store, write(days(date(2020, 1, 1), 3)), now=NOW + DAY)
    assert store.state(feed.SOURCE.id).consecutive_failures == 1
    assert store.check() == []


def test_the_same_file_twice_adds_nothing(store: Store, write: Write) -> None:
    place = write(days(date(2020, 1, 1), 3))
    assert import_file(store, place, now=NOW).days == Filled(3, 0, 0)
    assert import_file(store, place, now=NOW).days == Filled(0, 3, 0)
    assert import_file(store, place, now=NOW, replace=True).days == Filled(0, 3, 0)
    assert len(store.refreshes()) == 1
    assert store.vintages(feed.SOURCE.id)["points"].tolist() == [3 * len(feed.METRICS)]


def test_the_vintage_is_the_file_s_own_time_and_never_ahead(store: Store, write: Write) -> None:
    place = write(days(date(2020, 1, 1), 1))
    old = NOW - 400 * DAY
    os.utime(place, (old.timestamp(),) * 2)
    import_file(store, place, now=NOW)
    write(days(date(2020, 1, 2), 1))
    ahead = NOW + 400 * DAY
    os.utime(place, (ahead.timestamp(),) * 2)
    import_file(store, place, now=NOW)
    held = store.observations()
    moments = dict(zip(held["observed_at"].dt.day, held["retrieved_at"], strict=True))
    assert moments == {1: old, 2: NOW}
    assert store.refreshes()["attempted_at"].tolist() == [NOW, NOW]
    assert not held["quality_flags"].str.contains("provisional").any()


def test_the_command(tmp_path: Path, write: Write) -> None:
    place = str(tmp_path / "mine.duckdb")

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, [*arguments, "--store", place])

    rows = [*days(date(2020, 1, 1), 3), row(date(2020, 1, 1))]
    result = run("feeds", "import", str(write(rows)))
    assert result.exit_code == 0, result.output
    assert "4 rows, 2020-01-01 to 2020-01-03; 3 days of a chokepoint added" in result.stderr
    assert "skipped: 1 duplicate" in result.stderr
    assert run("store", "check").exit_code == 0
    write(days(date(2020, 1, 1), 2, total=7))
    told = run("feeds", "import", str(tmp_path / "transits.csv"), "--replace").stderr
    assert "0 days of a chokepoint added, 2 known before, of which 2 differ" in told
    assert list(totals(Store(place)).values()) == [7, 7, 9]
    assert isinstance(run("feeds", "import", str(tmp_path / "none.csv")).exception, DataError)
