"""A store on a server: its address and secrets, its roles and faults, and that it equals a file."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.errors import CorridorsError, UsageError
from layers.events import MOMENTS, NUMBERS, TEXT
from layers.source import Answer
from layers.store import State, Store
from layers.store.copy import copy
from tests.postgres import Postgres, behind
from tests.processes import child
from tests.test_store import DAY, NOW, forget, parsed, put, put_back, put_eight, put_failure

SECRET = "hunter2"
RUN = ("run", NOW, {"at": NOW.isoformat(), "vintage": "é", "counts": {}})


@pytest.fixture
def role(postgres: Postgres) -> Iterator[Callable[[], str]]:
    """Yield what makes a user with the password ``right``, gone after the databases are."""
    made: list[str] = []

    def make() -> str:
        made.append(f"t_{secrets.token_hex(6)}")
        postgres.run(f"CREATE ROLE {made[-1]} LOGIN PASSWORD 'right'")
        return made[-1]

    yield make
    for name in made:
        postgres.run(f"DROP ROLE {name}")


@pytest.fixture
def server(postgres: Postgres, role: Callable[[], str]) -> Iterator[Store]:
    address = postgres.database()
    yield Store(address)
    postgres.drop(address)


@pytest.fixture
def file(tmp_path: Path) -> Store:
    return Store(tmp_path / "feeds.duckdb")


def fault_of(use: Any) -> CorridorsError:
    """Return the error of some use, after making sure that nothing of it tells the secret."""
    with pytest.raises(CorridorsError) as caught:
        use()
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    return caught.value


def database_of(store: Store) -> str:
    return store.place.partition("?")[0].rpartition("/")[2]


# Addresses


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("postgresql://ann:hunter2@db.example:5433/news", "postgresql://ann@db.example:5433/news"),
        ("postgres://ann@db.example/news", "postgresql://ann@db.example/news"),
        ("postgresql:///news?host=/run/Pg&user=ann&password=hunter2", "postgresql://ann@/news?host=/run/Pg"),
        ("postgresql://ann:hunter2@[::1]:5433/news?sslmode=require", "postgresql://ann@[::1]:5433/news"),
        ("postgresql://ann:hunter2%40%2F%23@h/%E6%96%B0", "postgresql://ann@h/%E6%96%B0"),
    ],
)  # fmt: skip
def test_an_address_is_shown_without_its_password(address: str, name: str) -> None:
    store = Store(address)
    assert store.name == name
    assert SECRET not in f"{store!r} {store} {store._home!r}"
    assert store.place == address
    with pytest.raises(UsageError, match="is no file"):
        _ = store.path


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:hunter2@x@h/news",
        "postgresql://ann:x/hunter2@h/news",
        "postgresql://ann:1/hunter2@h/news",
        "postgresql://ann:x#hunter2@h/news",
        "postgresql://ann:1#hunter2@h/news",
        "postgresql://ann:1?hunter2@h/news",
        "postgresql://ann:1?a=hunter2@h/news",
        "postgresql://ann:[hunter2@h/news",
        "postgresql://ann:hunter2 @h/news",
        "postgresql://h/news?hunter2=1",
        "postgresql://h:port/news",
        "postgresql:/ann:hunter2@h/news",
        "mysql://ann:hunter2@h/news",
    ],
)
def test_an_address_that_cannot_be_read_is_not_repeated(address: str) -> None:
    assert isinstance(fault_of(lambda: Store(address)), UsageError)


@given(st.text(st.characters(codec="utf-8", min_codepoint=33), max_size=8))
def test_no_letter_of_a_password_makes_it_show(around: str) -> None:
    address = f"postgresql://ann:{around}{SECRET}{around[::-1]}@db.example/news"
    try:
        told = repr(Store(address))
    except UsageError as error:
        told = str(error)
    assert SECRET not in told


def test_without_psycopg_a_server_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError, match=r"corridors\[postgres\]"):
        Store("postgresql://h/news").events()


# A server that is not there, or does not let in


def test_who_is_not_let_in_is_told_once_in_time_and_without_the_secret(
    server: Store,
    postgres: Postgres,
    role: Callable[[], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as silent, socket.socket() as free:
        for one in (silent, free):
            one.bind(("127.0.0.1", 0))
        silent.listen()  # and never answer
        there = f"postgresql://ann:{SECRET}@127.0.0.1"
        addresses = {
            "refused": f"{there}:{free.getsockname()[1]}/news",
            "resolve": f"postgresql://ann:{SECRET}@nowhere.invalid/news",
            "timeout": f"{there}:{silent.getsockname()[1]}/news?connect_timeout=2",
            "does not exist": postgres.to("no_such", role(), "right"),
        }
        if postgres.folder is not None:  # one that is named may trust whoever comes
            there = postgres.to(database_of(server), role(), SECRET)
            addresses["password authentication failed"] = there
        for words, address in addresses.items():
            store = Store(address)
            assert words in str(fault_of(store.events))
            assert str(fault_of(lambda s=store: put(s))).startswith(f"the store {store.name} ")
            (told,) = store.check()
            assert SECRET not in told
            assert store.changed() == -1
    assert SECRET not in caplog.text


def test_the_command_line_tells_no_secret(postgres: Postgres) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"postgresql://ann:{SECRET}@127.0.0.1:{free.getsockname()[1]}/news"
    command = [sys.executable, "-m", "corridors", "feeds", "status"]
    given = {**os.environ, "CORRIDORS_STORE": address}
    done = subprocess.run(command, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "postgresql://ann@127.0.0.1" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1


# Roles


def test_a_reader_sees_everything_and_writes_nothing(
    server: Store, postgres: Postgres, role: Callable[[], str]
) -> None:
    one, other = role(), role()
    editor, reader = (
        Store(postgres.to(database_of(server), name, "right")) for name in (one, other)
    )
    assert "permission denied" in str(fault_of(lambda: put(editor)))
    behind(server, f"CREATE SCHEMA corridors AUTHORIZATION {one}")
    assert editor.events().empty  # nothing is there yet
    put(editor, b"one", values={NOW: 1.0})
    editor.append([RUN])
    assert "no right to the schema corridors" in str(fault_of(reader.events))
    behind(server, f"GRANT USAGE ON SCHEMA corridors TO {other}")
    assert "permission denied for table" in str(fault_of(reader.events))
    behind(server, f"GRANT SELECT ON ALL TABLES IN SCHEMA corridors TO {other}")

    assert reader.check() == []
    pd.testing.assert_frame_equal(reader.events(), editor.events())
    pd.testing.assert_frame_equal(reader.observations(), editor.observations())
    pd.testing.assert_frame_equal(reader.log(), editor.log())
    assert reader.states() == editor.states()
    assert reader.changed() == editor.changed() > 0
    before = editor.changed()
    for use in (
        lambda: put(reader),
        lambda: reader.append([RUN]),
        lambda: reader.prune(DAY, now=NOW),
    ):
        told = str(fault_of(use))
        assert told.startswith(f"the store {reader.name} cannot be written: permission denied")
        assert told.endswith("(this user may only read)")
    assert editor.changed() == before
    assert editor.check() == []


# Faults


def test_a_writer_sees_what_the_one_before_wrote_whatever_the_default(
    server: Store, postgres: Postgres
) -> None:
    name = database_of(server)
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
    put(server)
    writers = [child(put_eight, server.place, "one") for _ in range(2)]
    assert [w.communicate()[1] for w in writers] == ["", ""]
    assert server.refreshes()["refresh"].tolist() == list(range(1, 18))
    assert server.check() == []


def stay_in_the_middle(place: str) -> None:
    with Store(place)._writing() as con:
        con.run("DELETE FROM events")
        con.run("UPDATE meta SET value = '9' WHERE key = 'log_count'")
        print("in the middle", flush=True)
        time.sleep(60)


def test_a_writer_killed_in_the_middle_leaves_nothing(server: Store) -> None:
    put(server)
    before = server.changed()
    with child(stay_in_the_middle, server.place) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "in the middle\n"
        assert len(server.events()) == 1  # a reader waits for nobody and sees what was there
        os.kill(writer.pid, signal.SIGKILL)
    assert server.check() == []
    assert server.changed() == before
    put(server, b"two", [{"event_uid": "toy:2"}])
    assert len(server.events()) == 2


def test_a_server_stopped_in_the_middle_of_a_write_keeps_nothing_of_it(
    server: Store, postgres: Postgres
) -> None:
    put(server, values={NOW: 1.0})
    before = server.changed()

    def after(state: State) -> State:
        postgres.stop()
        return state

    try:
        told = fault_of(lambda: server.commit("toy", after, [Answer("u", b"two", NOW)]))
        assert "cannot be written" in str(told)
        assert "cannot be read" in str(fault_of(server.events))
        assert server.changed() == -1
    finally:
        postgres.start()
    assert server.changed() == before
    assert server.check() == []
    assert len(server.refreshes()) == 1


def test_a_server_lost_while_it_commits_is_told_as_unknown(
    server: Store, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psycopg

    put(server)
    commit = psycopg.Connection.commit

    def lost(con: psycopg.Connection[Any]) -> None:
        postgres.stop()
        commit(con)

    monkeypatch.setattr(psycopg.Connection, "commit", lost)
    try:
        told = fault_of(lambda: server.append([RUN]))
    finally:
        monkeypatch.undo()
        postgres.start()
    assert "may hold it or not" in str(told)
    assert server.check() == []


def test_a_session_ended_by_the_server_is_one_clear_error(
    server: Store, postgres: Postgres
) -> None:
    put(server)

    def after(state: State) -> State:
        postgres.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE application_name = 'corridors, pid {os.getpid()}'"
        )
        return state

    told = fault_of(lambda: server.commit("toy", after))
    assert "terminating connection" in str(told)
    assert server.check() == []
    assert len(server.refreshes()) == 1


# What a database may be set to


ODD = {
    "TimeZone": "'Asia/Shanghai'",
    "DateStyle": "'German, DMY'",
    "IntervalStyle": "sql_standard",
    "extra_float_digits": "-5",
    "bytea_output": "escape",
    "standard_conforming_strings": "off",
    "search_path": "public",
    "synchronous_commit": "off",
    "default_transaction_isolation": "serializable",
}


def test_a_database_of_odd_settings_and_order_gives_the_same(
    postgres: Postgres, file: Store
) -> None:
    if int(postgres.run("SHOW server_version_num")[0][0]) < 150_000:
        pytest.skip("a database sorted by ICU needs PostgreSQL 15")
    # ICU sorts a before B; DuckDB sorts by bytes.
    icu = "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' TEMPLATE template0"
    server = Store(postgres.database(icu))
    for key, value in ODD.items():
        postgres.run(f"ALTER DATABASE {database_of(server)} SET {key} = {value}")
    for store in (server, file):
        uids = ["B", "a", "b", "A", "é", "船", "_"]
        rows = [{"event_uid": uid, "metric_value": 0.1 + 0.2, "onset_at": NOW} for uid in uids]
        put(store, b"\\x00\xff'", rows, {NOW: 1e-300, NOW + DAY: 0.1 + 0.2})
        put(store, b"two", [{"event_uid": "a", "title": "\\ '' \" %s ?"}])
        assert store.check() == []
        assert [a.body for a in store.newest_answers("toy")] == [b"two"]
    pd.testing.assert_frame_equal(
        server.events(every_version=True), file.events(every_version=True)
    )
    pd.testing.assert_frame_equal(server.observations(), file.observations())
    pd.testing.assert_frame_equal(server.answers(), file.answers())
    postgres.drop(server.place)


def test_a_database_of_another_encoding_is_refused(postgres: Postgres) -> None:
    latin = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    store = Store(postgres.database(latin))
    for use in (store.events, lambda: put(store)):
        assert "kept in LATIN1" in str(fault_of(use))
    postgres.drop(store.place)


# The same as in a file

hard = [
    "",
    "\0",
    "a\0b",
    "\\.",
    "a\n\\.\nb",
    "NaN",
    "NULL",
    "\\N",
    '"',
    "'",
    "\r\n",
    "%s ?",
    "霍尔木兹 🚢",
]
texts = st.text(max_size=12) | st.sampled_from(hard)
whole = st.text(st.characters(codec="utf-8"), min_size=1, max_size=4)
moments = st.none() | st.datetimes(
    datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)
)
floats = st.floats() | st.sampled_from([float("nan"), float("inf"), -float("inf"), -0.0, 5e-324])
events = st.fixed_dictionaries(
    {"event_uid": whole, "severity": st.integers(0, 4), "redistribute": st.booleans()},
    optional=dict.fromkeys([t for t in TEXT if t not in ("event_uid", "raw_sha256")], texts)
    | dict.fromkeys([m for m in MOMENTS if m != "retrieved_at"], moments)
    | dict.fromkeys(NUMBERS, floats),
)
values = st.dictionaries(
    st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)), floats
)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.lists(events, max_size=4), values, texts), max_size=3))
def test_whatever_is_written_both_kinds_give_the_same(
    server: Store, file: Store, story: list[tuple[list[dict[str, Any]], dict[datetime, float], str]]
) -> None:
    for store in (server, file):
        forget(store)
        for n, (told, measured, said) in enumerate(story):
            body = b"%d \x00\xff" % n
            answer = Answer(f"u{said}", body, NOW + n * DAY, media_type=said, etag=said)
            state = State("toy", NOW, NOW, fault=said, skipped={said: n})
            try:
                read = parsed(body, told, measured, NOW + n * DAY)
            except UnicodeEncodeError:
                return  # no feed can say it either
            store.commit("toy", lambda _, s=state: s, [answer], read)
            store.append([("run", NOW, {"at": "", "vintage": said, "counts": {}})])
        assert store.check() == []
    for ask in (
        lambda s: s.events(every_version=True),
        lambda s: s.events(feeds=["toy"], since=NOW - 900 * DAY, min_severity=1),
        lambda s: s.observations(every_vintage=True),
        lambda s: s.observations(feeds=["toy"], series=["s", "'"], as_of=NOW + DAY),
        lambda s: s.vintages("toy"),
        lambda s: s.refreshes(),
        lambda s: s.answers("toy"),
        lambda s: s.log(),
    ):
        pd.testing.assert_frame_equal(ask(server), ask(file), check_exact=True)
    assert server.states() == file.states()
    assert server.log_head() == file.log_head()
    assert server.newest_answers("toy") == file.newest_answers("toy")
    assert dict(server.remembered("toy")) == dict(file.remembered("toy"))


def test_no_text_holds_a_nul_and_none_ends_a_refresh(home: str) -> None:
    store = Store(home)
    row = {"event_uid": "toy:\x001", "source_id": "a\0b", "wkt": "\0"}
    put(store, b"one", [row])
    put(store, b"two", [{**row, "event_uid": "toy:1"}])
    state = State("toy", NOW, fault="bad \0\ud800", consecutive_failures=1)
    store.commit("toy", lambda _: state)
    table = store.events(every_version=True)
    assert table[["event_uid", "source_id", "wkt"]].to_numpy().tolist() == [["toy:1", "ab", ""]]
    assert store.state("toy").fault == "bad ?"


def test_a_file_fills_both_kinds_alike(server: Store, file: Store) -> None:
    known = {NOW: 1.0, NOW + DAY: 2.0, NOW + 2 * DAY: float("nan"), NOW + 3 * DAY: 4.0}
    told = {NOW: 1.0, NOW + DAY: 9.0, NOW + 2 * DAY: 3.0, NOW + 4 * DAY: 5.0}
    found = []
    for store in (server, file):
        put(store, b"one", [], known)
        put(store, b"two", [], {NOW + 3 * DAY: float("nan")}, at=NOW + DAY)
        for replace in (False, True):
            body = b"file %d" % replace
            read, answer = parsed(body, [], {**told, NOW + 3 * DAY: 7.0}), Answer("f", body, NOW)
            found.append(store.fill("toy", answer, read, now=NOW + 9 * DAY, replace=replace))
        assert store.check() == []
    assert found[:2] == found[2:]
    assert (found[0].added, found[0].known, found[0].differing) == (1, 4, 2)
    same(server, file)


# Whether it changed, and copies


def test_a_number_tells_whether_a_store_changed(home: str) -> None:
    store, seen = Store(home), []
    put(store, b"old", [], at=NOW - 99 * DAY)
    for write in (
        lambda: put(store, b"one"),
        lambda: put_failure(store),
        lambda: store.append([RUN]),
        lambda: store.prune(30 * DAY, now=NOW),
    ):
        write()
        seen.append(store.changed())
        store.events()
        store.check()
        assert Store(home).changed() == seen[-1]
    assert len(set(seen)) == len(seen)
    assert 0 not in seen


def filled(store: Store) -> Store:
    rows = [{"event_uid": "toy:1", "title": "霍尔木兹"}, {"event_uid": "toy:2", "severity": 3}]
    put(store, b"old", [], at=NOW - 99 * DAY)
    put(
        store,
        b"one \x00\xff",
        rows,
        {NOW: 1.0, NOW + DAY: float("inf"), NOW + 2 * DAY: float("nan")},
    )
    put_failure(store)
    put(store, b"two", [{**rows[0], "title": "b"}], {NOW: 2.0}, at=NOW + DAY)
    store.prune(30 * DAY, now=NOW)
    store.append([RUN, RUN])
    return store


def same(one: Store, other: Store) -> None:
    """Fail unless two stores say the same."""
    for ask in (
        lambda s: s.events(every_version=True),
        lambda s: s.observations(every_vintage=True),
        lambda s: s.vintages("toy"),
        lambda s: s.refreshes(),
        lambda s: s.answers(),
        lambda s: s.log(),
    ):
        pd.testing.assert_frame_equal(ask(one), ask(other), check_exact=True)
    assert one.states() == other.states()
    assert one.log_head() == other.log_head()
    assert one.newest_answers("toy") == other.newest_answers("toy")


def test_a_store_is_copied_to_a_server_and_back(file: Store, server: Store, tmp_path: Path) -> None:
    back = Store(tmp_path / "back.duckdb")
    assert copy(filled(file), server) == copy(server, back)
    for store in (server, back):
        assert store.check() == []
        same(file, store)
    put(server, b"three", [{"event_uid": "toy:3"}])  # and it goes on from there
    server.append([RUN])
    assert server.check() == []


def test_a_file_of_an_older_version_is_copied_as_it_will_be(file: Store, server: Store) -> None:
    flagged = {"quality_flags": "visibility_private", "visibility": "private"}
    put(file, b"one", [{"event_uid": "toy:1", **flagged}])
    put_back(file)
    copy(file, server)
    assert server.events()["visibility"].tolist() == ["private"]
    assert server.check() == []


def test_what_is_not_copied(file: Store, tmp_path: Path, home: str) -> None:
    target = Store(home if "://" in home else tmp_path / "target.duckdb")
    with pytest.raises(UsageError, match="nothing to copy"):
        copy(file, target)
    filled(file)
    with pytest.raises(UsageError, match="to itself"):
        copy(file, Store(file.place))
    put(target)
    with pytest.raises(UsageError, match="holds something already"):
        copy(file, target)
    assert len(target.refreshes()) == 1
    behind(file, "UPDATE events SET title = 'forged'")
    forget(target)
    with pytest.raises(CorridorsError, match="is not sound"):
        copy(file, target)
    assert target.refreshes().empty


def test_a_copy_that_breaks_leaves_nothing(file: Store, server: Store, postgres: Postgres) -> None:
    filled(file)
    # Text that only an older release let in; PostgreSQL cannot hold it.
    behind(file, "UPDATE states SET fault = 'a' || chr(0)")
    assert "cannot be written" in str(fault_of(lambda: copy(file, server)))
    assert server.changed() == 0
    assert server.check() == []
