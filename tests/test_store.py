from __future__ import annotations

import hashlib
import os
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.errors import CorridorsError, UsageError
from layers.events import EVENT, event_frame, observation_frame
from layers.ledger import START
from layers.source import Answer, Parsed
from layers.store import SCHEMA_VERSION, State, Store, default_place, payload_hashes
from layers.store.server import is_address
from tests.postgres import Postgres, behind
from tests.processes import Deed, child, told_when_killed

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KILLS = int(os.environ.get("CORRIDORS_TEST_KILLS", "20"))


@pytest.fixture
def store(home: str) -> Store:
    return Store(home)


def parsed(
    body: bytes,
    events: Sequence[Mapping[str, Any]] = (),
    values: Mapping[datetime, float] | None = None,
    at: datetime = NOW,
) -> Parsed:
    stamp = {"raw_sha256": hashlib.sha256(body).hexdigest(), "retrieved_at": at, "severity": 1}
    observed = [
        {"series": "s", "metric": "m", "unit": "t", "source": "toy", "value": value}
        | {"observed_at": moment, "retrieved_at": at}
        for moment, value in (values or {}).items()
    ]
    rows = [{**stamp, **row} for row in events]
    return Parsed(event_frame(rows), observation_frame(observed), len(rows), {}, at)


def put(
    store: Store,
    body: bytes = b"one",
    events: Sequence[Mapping[str, Any]] = ({"event_uid": "toy:1"},),
    values: Mapping[datetime, float] | None = None,
    *,
    feed: str = "toy",
    at: datetime = NOW,
    **answer: Any,
) -> int:
    def after(before: State) -> State:
        return State(feed, last_attempt_at=at, last_success_at=at, n_records=len(events))

    answers = [Answer(f"https://{feed}.example", body, at, **answer)]
    return store.commit(feed, after, answers, parsed(body, events, values, at))


def put_failure(store: Store, body: bytes = b"<html>", *, at: datetime = NOW) -> int:
    def after(before: State) -> State:
        failures = before.consecutive_failures + 1
        return replace(before, last_attempt_at=at, consecutive_failures=failures, fault="bad_json")

    return store.commit("toy", after, [Answer("https://toy.example", body, at, etag="bad")])


def forget(store: Store) -> None:
    """Make the store as it was before anything was written."""
    if is_address(store.place):
        behind(store, "DROP SCHEMA IF EXISTS corridors CASCADE")
    else:
        store.path.unlink(missing_ok=True)


def versions(store: Store) -> list[tuple[str, int, str]]:
    table = store.events(every_version=True)
    return list(zip(table["event_uid"], table["version"], table["title"], strict=True))


# Reading and writing


def test_a_store_that_is_not_there_reads_as_empty_and_is_not_made(store: Store) -> None:
    assert store.events().empty
    assert store.observations().empty
    assert store.states() == {}
    assert store.state("toy") == State("toy")
    assert store.check() == []
    assert store.changed() == 0


def test_the_place_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Store(tmp_path).path == tmp_path / "feeds.duckdb"
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "mine.duckdb"))
    assert Store().path == tmp_path / "mine.duckdb"
    monkeypatch.delenv("CORRIDORS_STORE")
    assert Path(default_place()).parent.name == "corridors"


def test_events_come_back_as_they_went_in(store: Store) -> None:
    row: dict[str, Any] = {
        "event_uid": "toy:1",
        "title": "撤离 é 🚢",
        "wkt": "POINT (1 2)",
        "countries": "CHN;IRN",
    }
    row |= {"onset_at": NOW, "ends_at": None, "metric_value": 0.1 + 0.2, "redistribute": False}
    put(store, events=[row])
    table = store.events()
    expected = parsed(b"one", [row]).events
    pd.testing.assert_frame_equal(table[list(EVENT)], expected)
    assert {name: str(kind) for name, kind in table[list(EVENT)].dtypes.items()} == dict(EVENT)
    assert table.loc[0, "last_seen_at"] == NOW
    assert (table.loc[0, "feed"], table.loc[0, "version"]) == ("toy", 1)


def test_a_state_comes_back_as_it_went_in(store: Store) -> None:
    state = State(
        "toy", NOW, NOW, NOW - DAY, 304, 7, 9, {"no_place": 2}, "", 0, None, NOW + DAY, "b"
    )
    store.commit("toy", lambda _: state, [Answer("u", b"one", NOW)], parsed(b"one"))
    assert store.state("toy") == state


def test_answers_are_kept_with_time_and_hash(store: Store) -> None:
    put(store, b"one", etag='"a"')
    put_failure(store, b"<html>", at=NOW + DAY)
    table = store.answers("toy")
    assert table["sha256"].tolist() == [hashlib.sha256(b).hexdigest() for b in (b"one", b"<html>")]
    assert table["retrieved_at"].tolist() == [NOW, NOW + DAY]
    assert table["accepted"].tolist() == [True, False]
    assert [a.body for a in store.newest_answers("toy")] == [b"one"]


def test_only_accepted_answers_are_remembered(store: Store) -> None:
    put(store, b"one", etag='"a"')
    put_failure(store)
    remembered = store.remembered("toy")
    assert {url: a.etag for url, a in remembered.items()} == {"https://toy.example": '"a"'}
    assert not store.remembered("toy", base="http://mirror")
    assert not store.remembered("other")
    assert remembered.get("https://other.example") is None


# Versions


def test_a_changed_event_is_a_new_version_and_an_unchanged_one_is_not(store: Store) -> None:
    for n, title in enumerate(["a", "a", "b", "a"]):
        put(store, b"%d" % n, [{"event_uid": "toy:1", "title": title}], at=NOW + n * DAY)
    assert versions(store) == [("toy:1", 1, "a"), ("toy:1", 2, "b"), ("toy:1", 3, "a")]
    assert store.events()["title"].tolist() == ["a"]
    assert store.check() == []


def test_how_we_learned_it_is_no_change(store: Store) -> None:
    put(store, b"one", at=NOW)
    put(store, b"two", [{"event_uid": "toy:1", "content_as_of": NOW, "parser_version": "2"}])
    assert len(versions(store)) == 1


def test_an_event_no_longer_listed_stays_and_shows_when_it_was_last_seen(store: Store) -> None:
    put(store, b"one", [{"event_uid": "toy:1"}, {"event_uid": "toy:2"}])
    put(store, b"two", [{"event_uid": "toy:2"}], at=NOW + DAY)
    assert store.events()["last_seen_at"].tolist() == [NOW, NOW + DAY]


def test_of_an_event_listed_twice_the_last_update_counts(store: Store) -> None:
    new = {"event_uid": "toy:1", "title": "new", "updated_at": NOW}
    old = {"event_uid": "toy:1", "title": "old", "updated_at": NOW - DAY}
    put(store, b"one", [new, old])
    put(store, b"two", [old, new])
    assert versions(store) == [("toy:1", 1, "new")]


def test_events_can_be_asked_by_time_feed_and_severity(store: Store) -> None:
    old = {"event_uid": "toy:1", "onset_at": NOW - 90 * DAY, "severity": 4}
    ended = {"event_uid": "toy:2", "onset_at": NOW - 90 * DAY, "ends_at": NOW - DAY}
    ahead = {"event_uid": "toy:3", "onset_at": NOW - 90 * DAY, "ends_at": NOW + 90 * DAY}
    put(store, b"one", [old, ended, ahead])
    put(store, b"two", [{"event_uid": "two:1", "published_at": NOW}], feed="two")
    assert store.events(since=NOW - 30 * DAY)["event_uid"].tolist() == ["toy:2", "two:1"]
    assert store.events(feeds=["two"])["event_uid"].tolist() == ["two:1"]
    assert store.events(min_severity=2)["event_uid"].tolist() == ["toy:1"]


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.integers(0, 4), max_size=3), max_size=6))
def test_versions_tell_the_whole_story(store: Store, story: list[dict[str, int]]) -> None:
    forget(store)
    told: dict[str, list[int]] = {}
    for n, chapter in enumerate(story):
        put(store, b"%d" % n, [{"event_uid": k, "severity": v} for k, v in chapter.items()])
        for uid, severity in chapter.items():
            if told.setdefault(uid, [])[-1:] != [severity]:
                told[uid].append(severity)
    table = store.events(every_version=True)
    found = {str(uid): list(rows["severity"]) for uid, rows in table.groupby("event_uid")}
    assert found == told
    assert store.check() == []


@given(st.text(), st.floats(allow_nan=True), st.none() | st.datetimes(timezones=st.just(UTC)))
def test_a_hash_depends_on_what_is_said(text: str, number: float, moment: datetime | None) -> None:
    try:
        row = {"event_uid": text, "metric_value": number, "onset_at": moment, "severity": 0}
        table = event_frame([row])
    except (UnicodeEncodeError, pd.errors.OutOfBoundsDatetime):
        return
    (one,) = payload_hashes(table)
    assert payload_hashes(table.copy()) == [one]
    assert payload_hashes(table.assign(severity=1)) != [one]
    assert payload_hashes(table.assign(retrieved_at=NOW)) == [one]


# Vintages


def test_a_revised_value_is_a_new_vintage_and_the_old_one_stays(store: Store) -> None:
    put(store, b"one", [], {NOW: 1.0, NOW + DAY: 2.0}, at=NOW + 2 * DAY)
    put(store, b"two", [], {NOW: 1.0, NOW + DAY: 5.0, NOW + 2 * DAY: 3.0}, at=NOW + 9 * DAY)
    assert store.observations()["value"].tolist() == [1.0, 5.0, 3.0]
    assert store.observations(as_of=NOW + 5 * DAY)["value"].tolist() == [1.0, 2.0]
    assert store.observations(every_vintage=True)["value"].tolist() == [1.0, 2.0, 5.0, 3.0]
    assert store.observations(since=NOW + DAY)["value"].tolist() == [5.0, 3.0]
    assert store.observations(series=["other"]).empty
    assert store.vintages("toy")["points"].tolist() == [2, 3]


def test_a_value_that_is_missing_is_not_zero_and_may_come_later(store: Store) -> None:
    put(store, b"one", [], {NOW: float("nan")})
    put(store, b"two", [], {NOW: float("nan")})
    put(store, b"three", [], {NOW: 0.0})
    assert len(store.observations(every_vintage=True)) == 2
    assert store.observations()["value"].tolist() == [0.0]


def test_newest_means_last_written_when_the_clock_was_set_back(store: Store) -> None:
    put(store, b"one", [], {NOW: 1.0}, at=NOW + 365 * DAY, etag="one")
    put(store, b"two", [], {NOW: 2.0}, at=NOW, etag="two")
    assert store.observations()["value"].tolist() == [2.0]
    assert [a.body for a in store.newest_answers("toy")] == [b"two"]
    assert store.remembered("toy")["https://toy.example"].etag == "two"


def test_an_answer_that_came_before_is_no_vintage(store: Store) -> None:
    for n in range(3):
        put(store, b"one", [], {NOW: 1.0}, at=NOW + n * DAY)
    assert len(store.vintages("toy")) == 1
    assert len(store.answers("toy")) == 3


# Pruning and checking


def test_pruning_keeps_what_is_needed(store: Store) -> None:
    open_, over = {"event_uid": "toy:open"}, {"event_uid": "toy:over", "ends_at": NOW - 200 * DAY}
    bodies = [b"open", b"over", b"newest good", b"newest bad"]
    put(store, bodies[0], [open_], at=NOW - 300 * DAY)
    put(store, bodies[1], [over], at=NOW - 200 * DAY)
    put(store, bodies[2], [], at=NOW - 100 * DAY)
    put_failure(store, bodies[3], at=NOW - 99 * DAY)
    put(store, b"young", [], feed="two", at=NOW - DAY)
    put(store, b"younger", [], feed="two", at=NOW)
    pruned = store.prune(30 * DAY, now=NOW)
    assert (pruned.bodies, pruned.bytes) == (1, len(b"over"))
    assert store.answers()["has_body"].tolist() == [True, False, True, True, True, True]
    assert store.prune(30 * DAY, now=NOW).bodies == 0
    assert store.check() == []
    put(store, b"over", [over])  # it may come again
    assert store.check() == []


DAMAGE = [
    ("UPDATE bodies SET body = 'x'", "is not what came"),
    ("DELETE FROM bodies", "answers have no body"),
    ("UPDATE events SET title = 'forged'", "is not what was written"),
    ("UPDATE events SET visibility = 'private'", "is not what was written"),
    ("UPDATE events SET reporter_type = 'embassy'", "is not what was written"),
    ("DELETE FROM events WHERE version = 1", "missing or double versions"),
    ("INSERT INTO events SELECT * FROM events", "missing or double versions"),
    ("DELETE FROM answers", "come from no answer"),
    ("DELETE FROM states", "feeds have no state"),
    ("UPDATE states SET consecutive_failures = 2", "states do not fit"),
    ("DELETE FROM refreshes WHERE refresh = 1", "refresh numbers are missing"),
    ("DELETE FROM seen", "events were never seen"),
    ("INSERT INTO observations SELECT * FROM observations", "observations are there twice"),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGE)
def test_the_check_finds_damage(store: Store, damage: str, words: str) -> None:
    put(store, b"one", [{"event_uid": "toy:1", "title": "a"}], {NOW: 1.0})
    put(store, b"two", [{"event_uid": "toy:1", "title": "b"}])
    assert store.check() == []
    behind(store, damage)
    assert any(words in fault for fault in store.check())


@pytest.fixture
def file(tmp_path: Path) -> Store:
    return Store(tmp_path / "feeds.duckdb")


def test_a_file_that_is_something_else(file: Store) -> None:
    store = file
    store.path.write_bytes(b"not a database at all" * 1000)
    assert len(store.check()) == 1
    with pytest.raises(CorridorsError, match="cannot be read"):
        store.events()
    with pytest.raises(CorridorsError, match="cannot be written"):
        put(store)


def test_a_database_of_somebody_else(store: Store) -> None:
    if is_address(store.place):
        behind(store, "CREATE SCHEMA corridors")
    behind(store, "CREATE TABLE theirs (a INTEGER)")
    for use in (store.events, lambda: put(store)):
        with pytest.raises(CorridorsError, match="not one of this project"):
            use()


def test_a_store_of_a_newer_release(store: Store) -> None:
    put(store)
    behind(store, "UPDATE meta SET value = '99'")
    for use in (store.events, lambda: put(store)):
        with pytest.raises(CorridorsError, match="schema version 99"):
            use()


# A store of version 1

REPORTS: list[dict[str, Any]] = [
    {"event_uid": f"local_reports:{seen}", "source": "local_reports", "subtype": "embassy"}
    | {"quality_flags": f"visibility_{seen}", "visibility": seen, "reporter_type": "embassy"}
    for seen in ("organisation", "private", "public")
]
NEWS: dict[str, Any] = {"event_uid": "toy:1", "source": "toy", "subtype": "storm"}


def put_back(store: Store) -> None:
    """Take away what version 2 added."""
    behind(store, "DROP TABLE log")
    behind(store, "DELETE FROM meta WHERE key LIKE 'log%'")
    behind(store, "UPDATE meta SET value = '1'")
    behind(store, "ALTER TABLE events DROP COLUMN visibility")
    behind(store, "ALTER TABLE events DROP COLUMN reporter_type")


def schema_version(store: Store) -> int:
    rows = behind(store, "SELECT value FROM meta WHERE key = 'schema_version'")
    return int(rows[0][0])


def circles(store: Store) -> dict[str, tuple[str, str]]:
    held = store.events()
    told = zip(held["visibility"], held["reporter_type"], strict=True)
    return dict(zip(held["event_uid"], told, strict=True))


def test_an_older_file_is_read_as_it_will_be_and_left_as_it_is(file: Store) -> None:
    store = file
    put(store, b"one", [*REPORTS, NEWS])
    now = circles(store)
    assert now["toy:1"] == ("public", "")
    assert now["local_reports:private"] == ("private", "embassy")
    put_back(store)
    assert circles(store) == now
    assert store.log().empty
    assert store.log_head() == START
    assert store.check() == []
    assert schema_version(store) == 1


def test_an_older_store_is_brought_up_when_written(store: Store) -> None:
    put(store, b"one", [*REPORTS, NEWS])
    now = circles(store)
    put_back(store)
    put(store, b"two", [*REPORTS, NEWS])
    assert schema_version(store) == SCHEMA_VERSION == 2
    assert circles(store) == now
    assert set(store.events(every_version=True)["version"]) == {1}  # it says what it said
    store.append([("run", NOW, {"at": "", "vintage": "", "counts": {}})])
    assert len(store.log()) == 1
    assert store.check() == []


def test_a_write_that_fails_leaves_an_older_store_as_it_was(store: Store) -> None:
    put(store)
    put_back(store)
    with pytest.raises(UsageError):
        store.append([("run", NOW, {})])
    assert schema_version(store) == 1


def test_an_older_store_on_a_server_is_read_once_it_is_brought_up(postgres: Postgres) -> None:
    store = Store(postgres.database())
    put(store)
    put_back(store)
    with pytest.raises(CorridorsError, match=r"schema version 1, older .* next write"):
        store.events()
    put(store)
    assert len(store.events()) == 1
    postgres.drop(store.place)


# Two processes, full disks and sudden ends


def put_eight(place: str, feed: str) -> None:
    store = Store(place, wait_s=30)
    for n in range(8):
        put(store, f"{feed} {n}".encode(), [{"event_uid": feed, "title": str(n)}], feed=feed)


def test_two_processes_write_at_once(store: Store) -> None:
    writers = [child(put_eight, store.place, name) for name in ("one", "two")]
    while any(w.poll() is None for w in writers):
        table = store.refreshes()
        assert table["refresh"].tolist() == list(range(1, len(table) + 1))
        time.sleep(0.05)
    assert [w.communicate()[1] for w in writers] == ["", ""]
    assert len(store.refreshes()) == 16
    assert store.events()["version"].tolist() == [8, 8]
    assert store.check() == []


def hold(place: str) -> None:
    with Store(place)._writing():
        print("held", flush=True)
        time.sleep(60)


def test_a_store_in_use_is_waited_for_and_then_named(store: Store) -> None:
    put(store)
    with child(hold, store.place) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        hasty = Store(store.place, wait_s=0.1)
        # Readers of a server see the store as it was and wait for nobody.
        uses: list[Callable[[], object]] = [lambda: put(hasty)]
        if is_address(store.place):
            assert len(hasty.events()) == 1
        else:
            uses.append(hasty.events)
        for use in uses:
            with pytest.raises(CorridorsError, match=rf"in use by .*pid {holder.pid}\b"):
                use()
        holder.kill()
    assert len(put_and_read(store)) == 2


def put_and_read(store: Store) -> pd.DataFrame:
    put(store, b"two", [{"event_uid": "toy:2"}])
    return store.events()


def test_readers_of_a_file_keep_a_writer_waiting_but_not_each_other(file: Store) -> None:
    store = file
    put(store)
    hasty = Store(store.path, wait_s=0.1)
    with store._reading():
        assert len(hasty.events()) == 1
        with pytest.raises(CorridorsError, match="in use"):
            put(hasty)


def test_a_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file" / "feeds.duckdb")
    with pytest.raises(CorridorsError, match="cannot be written"):
        put(store)
    assert store.events().empty


def fill(place: str, limit: str) -> None:
    store = Store(place)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
    for n in range(100):
        try:
            put(store, os.urandom(100_000), [{"event_uid": f"toy:{n}", "title": "full"}])
        except CorridorsError as error:
            print(error)
            break
        print("written", flush=True)


def test_a_full_disk_loses_nothing(file: Store) -> None:
    store = file
    # As full as a disk can be made without one: no file may grow beyond some size.
    put(store)
    limit = store.path.stat().st_size + 300_000
    out, err = child(fill, store.place, str(limit)).communicate(timeout=300)
    *written, fault = out.splitlines()
    assert "cannot be written" in fault, err
    assert err == ""
    assert store.check() == []
    assert len(store.refreshes()) == 1 + len(written)
    put(store, b"room again")
    assert store.check() == []


def putting(place: str) -> Deed:
    store = Store(place, wait_s=30)
    store.events()  # imports what this kind of store needs

    def deed(n: int) -> int:
        events = [{"event_uid": f"toy:{k}", "title": f"{os.getpid()} {n}"} for k in range(50)]
        values = {NOW + k * DAY: float(n) for k in range(50)}
        return put(store, os.urandom(50_000), events, values)

    return deed


def test_a_process_killed_at_any_moment_leaves_whole_refreshes(store: Store) -> None:
    for told in told_when_killed(putting, store.place, times=KILLS, seed=7):
        assert store.check() == []
        assert len(store.refreshes()) >= told
        newest = store.events()
        assert newest["title"].nunique() <= 1  # all of a refresh, or nothing of it
        assert len(newest) in (0, 50)
