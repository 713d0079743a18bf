"""What the feeds ever said, in one DuckDB file: the only part of the project that opens it.

Everything is added and nothing is changed: an answer with its time and hash, a new version of an
event whose content changed, a new vintage of a measured value that was revised. One refresh of one
feed is one transaction, so a reader sees it whole or not at all, and a process killed at any moment
leaves the file as it was before or after. Newest means latest written (``refresh`` counts up),
never latest by the clock, which may be set back.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from layers.errors import CorridorsError
from layers.events import EVENT, MOMENTS, OBSERVATION
from layers.source import Answer, Parsed

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SCHEMA_VERSION = 1
FILE_NAME = "feeds.duckdb"
OURS = frozenset({"retrieved_at", "content_as_of", "raw_sha256", "parser_version"})
"""Columns of an event that say how we learned it; a change in them alone is no new version."""

_SQL_TYPE = {
    "str": "VARCHAR",
    "float64": "DOUBLE",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "datetime64[us, UTC]": "TIMESTAMP",  # always UTC; with a zone DuckDB would need an extension
}
# Extensions would be fetched over the network; files and addresses in SQL are nobody's business.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
}
_POLL_S = 0.01


@dataclass(frozen=True)
class State:
    """The facts about one feed after its newest attempt.

    Attributes
    ----------
    feed
        Id of the feed.
    last_attempt_at, last_success_at
        When it was last asked, and last understood; UTC.
    content_as_of
        The newest moment that the last good content speaks of.
    http_status
        Of the newest answer; None when none came.
    n_records
        Events and observations in the last good content.
    records_in, skipped
        Records found in it, and how many were left out, by reason.
    fault
        Why the newest attempt failed, starting with a short reason; empty when it did not.
    consecutive_failures
        Failures since the last success.
    breaker_open_until
        Not asked before this; None when the breaker is closed.
    next_due_at
        When it is worth asking again.
    base
        The mirror that the last good content came from; empty for the publisher.
    """

    feed: str
    last_attempt_at: datetime | None = None
    last_success_at: datetime | None = None
    content_as_of: datetime | None = None
    http_status: int | None = None
    n_records: int = 0
    records_in: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""
    consecutive_failures: int = 0
    breaker_open_until: datetime | None = None
    next_due_at: datetime | None = None
    base: str = ""


@dataclass(frozen=True)
class Pruned:
    """How many raw bodies were dropped, and how many bytes they held unpacked."""

    bodies: int
    bytes: int


_STATE_SQL: Mapping[str, str] = {
    "feed": "VARCHAR",
    "last_attempt_at": "TIMESTAMP",
    "last_success_at": "TIMESTAMP",
    "content_as_of": "TIMESTAMP",
    "http_status": "INTEGER",
    "n_records": "BIGINT",
    "records_in": "BIGINT",
    "skipped": "VARCHAR",
    "fault": "VARCHAR",
    "consecutive_failures": "INTEGER",
    "breaker_open_until": "TIMESTAMP",
    "next_due_at": "TIMESTAMP",
    "base": "VARCHAR",
}
_TABLES: Mapping[str, Mapping[str, str]] = {
    "meta": {"key": "VARCHAR", "value": "VARCHAR"},
    "refreshes": {
        "refresh": "BIGINT",
        "feed": "VARCHAR",
        "attempted_at": "TIMESTAMP",
        "base": "VARCHAR",
        "accepted": "BOOLEAN",
        "fault": "VARCHAR",
        "n_records": "BIGINT",
    },
    "bodies": {"sha256": "VARCHAR", "body": "BLOB", "bytes": "BIGINT"},
    "pruned": {"sha256": "VARCHAR", "refresh": "BIGINT"},
    "answers": {
        "refresh": "BIGINT",
        "position": "INTEGER",
        "feed": "VARCHAR",
        "url": "VARCHAR",
        "retrieved_at": "TIMESTAMP",
        "status": "INTEGER",
        "media_type": "VARCHAR",
        "etag": "VARCHAR",
        "last_modified": "VARCHAR",
        "sha256": "VARCHAR",
        "bytes": "BIGINT",
        "base": "VARCHAR",
        "accepted": "BOOLEAN",
    },
    "events": {
        "version": "BIGINT",
        "feed": "VARCHAR",
        "refresh": "BIGINT",
        "payload_sha256": "VARCHAR",
        **{column: _SQL_TYPE[kind] for column, kind in EVENT.items()},
    },
    "seen": {"event_uid": "VARCHAR", "feed": "VARCHAR", "refresh": "BIGINT"},
    "observations": {
        "feed": "VARCHAR",
        "refresh": "BIGINT",
        **{column: _SQL_TYPE[kind] for column, kind in OBSERVATION.items()},
    },
    "vintages": {
        "feed": "VARCHAR",
        "refresh": "BIGINT",
        "series": "VARCHAR",
        "first_at": "TIMESTAMP",
        "last_at": "TIMESTAMP",
        "points": "BIGINT",
    },
    "states": _STATE_SQL,
}


def default_path() -> Path:
    """Where the store is when nobody says: $CORRIDORS_STORE, or the platform's data folder."""
    given = os.environ.get("CORRIDORS_STORE", "").strip()
    if given:
        return Path(given).expanduser()
    from platformdirs import user_data_path

    return user_data_path("corridors", appauthor=False) / FILE_NAME


def payload_hashes(events: pd.DataFrame) -> list[str]:
    """The SHA-256 of what each event says, without how we learned it."""
    columns = []
    for name, kind in EVENT.items():
        if name in OURS:
            continue
        if kind.startswith("datetime"):
            values = events[name].astype("int64").where(events[name].notna(), 0).astype("str")
            columns.append(values.where(events[name].notna(), "").tolist())
        elif kind == "float64":
            columns.append(["" if isnan(v) else repr(v) for v in events[name].tolist()])
        else:
            columns.append([str(v) for v in events[name].tolist()])
    rows = zip(*columns, strict=True)
    return [hashlib.sha256("\x1f".join(row).encode()).hexdigest() for row in rows]


class Store:
    """The file that keeps what the feeds said; opened for each use and closed at once.

    Parameters
    ----------
    path
        The file, or a folder to hold it; None for `default_path`. It is made when first written,
        and reads as empty until then.
    wait_s
        How long to wait for another process that has it.
    """

    def __init__(self, path: Path | str | None = None, *, wait_s: float = 30.0) -> None:
        place = Path(path).expanduser() if path is not None else default_path()
        self.path = place / FILE_NAME if place.is_dir() else place
        self.wait_s = wait_s

    # Writing

    def commit(
        self,
        feed: str,
        after: Callable[[State], State],
        answers: Sequence[Answer] = (),
        parsed: Parsed | None = None,
        *,
        base: str = "",
    ) -> int:
        """Number of the refresh under which an attempt on one feed was written, as a whole.

        Parameters
        ----------
        feed
            Id of the feed.
        after
            Its state after the attempt, from the one before. The state before is the one of this
            moment, whoever wrote it since the attempt began.
        answers
            As they came. Those of an attempt without ``parsed`` are kept as not accepted: their
            content is evidence and no basis for a conditional question.
        parsed
            What they hold; None when they were not understood.
        base
            The mirror that was asked in place of the publisher.

        Raises
        ------
        CorridorsError
            When it cannot be written; then nothing of it is.
        """
        accepted = parsed is not None
        with self._writing() as con:
            refresh = _number(con, "SELECT coalesce(max(refresh), 0) + 1 FROM refreshes")
            state = after(_states(con).get(feed, State(feed)))
            at = _naive(state.last_attempt_at)
            attempt = [refresh, feed, at, base, accepted, state.fault, state.n_records]
            con.execute("INSERT INTO refreshes VALUES (?, ?, ?, ?, ?, ?, ?)", attempt)
            fresh = _put_answers(con, refresh, feed, answers, accepted=accepted, base=base)
            if parsed is not None:
                _put_events(con, refresh, feed, parsed.events)
                _put_observations(con, refresh, feed, parsed.observations, vintage=fresh)
            _put_state(con, state)
        return refresh

    def prune(self, older_than: timedelta, *, now: datetime) -> Pruned:
        """What was dropped of the raw bodies that came longer than ``older_than`` ago.

        Kept are those of each feed's newest refresh and newest accepted one, and those from which
        an event that is still current was read. When each answer came, and its hash, stay.
        """
        with self._writing() as con:
            con.execute(_SELECT_PRUNABLE, [_naive(now - older_than), _naive(now)])
            count = _number(con, "SELECT count(*) FROM prunable")
            size = _number(con, "SELECT coalesce(sum(bytes), 0) FROM prunable")
            con.execute(
                "INSERT INTO pruned SELECT sha256, "
                "(SELECT coalesce(max(refresh), 0) FROM refreshes) FROM prunable"
            )
            con.execute("DELETE FROM bodies WHERE sha256 IN (SELECT sha256 FROM prunable)")
            con.execute("DROP TABLE prunable")
        return Pruned(count, size)

    # Reading

    def states(self) -> dict[str, State]:
        """The state of each feed that was ever asked, by id."""
        with self._reading() as con:
            return _states(con)

    def state(self, feed: str) -> State:
        """The state of one feed."""
        return self.states().get(feed, State(feed))

    def events(
        self,
        *,
        since: datetime | None = None,
        feeds: Iterable[str] | None = None,
        min_severity: int = 0,
        every_version: bool = False,
    ) -> pd.DataFrame:
        """The newest version of each event: the columns of ``EVENT`` and some of the store.

        Parameters
        ----------
        since
            Only events that began, ended, or were published or updated at or after this (UTC).
            An old one that is still open is left out: leave ``since`` out to have all.
        feeds
            Only those of these feeds.
        min_severity
            0 to 4.
        every_version
            Older versions too.

        Returns
        -------
        pandas.DataFrame
            Further columns: ``version`` from 1, ``feed``, ``last_seen_at``: when the source last
            listed it.
        """
        where = ["severity >= ?"]
        params: list[Any] = [min_severity]
        if not every_version:
            where.append(
                "(event_uid, version) IN (SELECT event_uid, max(version) FROM events GROUP BY 1)"
            )
        if feeds is not None:
            where.append("list_contains(?, e.feed)")
            params.append(list(feeds))
        if since is not None:
            # ends_at only as far as it has come: an expiry set for next year is no news.
            where.append(
                "greatest(onset_at, published_at, updated_at, "
                "CASE WHEN ends_at <= retrieved_at THEN ends_at END) >= ?"
            )
            params.append(_naive(since))
        columns = ", ".join(f"e.{name}" for name in [*EVENT, "version", "feed"])
        query = (
            f"SELECT {columns}, r.attempted_at AS last_seen_at FROM events e "
            "LEFT JOIN seen s USING (event_uid) LEFT JOIN refreshes r "
            "ON r.refresh = s.refresh "
            f"WHERE {' AND '.join(where)} ORDER BY event_uid, version"
        )
        with self._reading() as con:
            table = _frame(con, query, params)
        return _typed(table, {**EVENT, "last_seen_at": "datetime64[us, UTC]", "version": "int64"})

    def observations(
        self,
        *,
        feeds: Iterable[str] | None = None,
        series: Iterable[str] | None = None,
        since: datetime | None = None,
        as_of: datetime | None = None,
        every_vintage: bool = False,
    ) -> pd.DataFrame:
        """The newest vintage of each measured value: the columns of ``OBSERVATION`` and more.

        Parameters
        ----------
        feeds, series
            Only those.
        since
            Observed at or after this (UTC).
        as_of
            As it was known then: vintages retrieved later are left out.
        every_vintage
            Superseded values too. A value that came again unchanged is no new vintage; what
            `vintages` lists tells when it was last confirmed.

        Returns
        -------
        pandas.DataFrame
            Further columns: ``feed``; ``refresh``, which counts up with each attempt on a feed.
        """
        where = ["true"]
        params: list[Any] = []
        for rule, wanted in (
            ("list_contains(?, feed)", feeds),
            ("list_contains(?, series)", series),
        ):
            if wanted is not None:
                where.append(rule)
                params.append(list(wanted))
        for rule, moment in (("observed_at >= ?", since), ("retrieved_at <= ?", as_of)):
            if moment is not None:
                where.append(rule)
                params.append(_naive(moment))
        newest = (
            ""
            if every_vintage
            else "QUALIFY row_number() OVER (PARTITION BY feed, series, metric, observed_at "
            "ORDER BY refresh DESC) = 1"
        )
        query = (
            f"SELECT {', '.join(OBSERVATION)}, feed, refresh FROM observations "
            f"WHERE {' AND '.join(where)} {newest} "
            "ORDER BY feed, series, metric, observed_at, refresh"
        )
        with self._reading() as con:
            table = _frame(con, query, params)
        return _typed(table, OBSERVATION)

    def vintages(self, feed: str) -> pd.DataFrame:
        """Which stretch of each series each refresh of a feed read.

        Returns
        -------
        pandas.DataFrame
            Columns ``refresh``, ``retrieved_at``, ``series``, ``first_at``, ``last_at``,
            ``points``; a row for each refresh that brought something new.
        """
        query = (
            "SELECT v.refresh, r.attempted_at AS retrieved_at, series, first_at, last_at, points "
            "FROM vintages v JOIN refreshes r USING (refresh) WHERE v.feed = ? "
            "ORDER BY v.refresh, series"
        )
        with self._reading() as con:
            table = _frame(con, query, [feed])
        moments = ["retrieved_at", "first_at", "last_at"]
        return _typed(table, dict.fromkeys(moments, "datetime64[us, UTC]"))

    def refreshes(self, feed: str | None = None) -> pd.DataFrame:
        """Every attempt on the feeds, or on one, oldest first."""
        query = "SELECT * FROM refreshes WHERE ? IS NULL OR feed = ? ORDER BY refresh"
        with self._reading() as con:
            table = _frame(con, query, [feed, feed])
        return _typed(table, {"attempted_at": "datetime64[us, UTC]"})

    def answers(self, feed: str | None = None) -> pd.DataFrame:
        """Every answer that came, or those of one feed, without their bodies; oldest first."""
        query = (
            "SELECT a.*, b.sha256 IS NOT NULL AS has_body FROM answers a LEFT JOIN bodies b "
            "USING (sha256) WHERE ? IS NULL OR a.feed = ? ORDER BY refresh, position"
        )
        with self._reading() as con:
            table = _frame(con, query, [feed, feed])
        return _typed(table, {"retrieved_at": "datetime64[us, UTC]"})

    def newest_answers(self, feed: str) -> list[Answer]:
        """The answers of a feed's newest accepted refresh, to be parsed again."""
        where = "a.refresh = (SELECT max(refresh) FROM answers WHERE feed = ? AND accepted)"
        with self._reading() as con:
            return _answers(con, where, [feed])

    def remembered(self, feed: str, *, base: str = "") -> Mapping[str, Answer]:
        """The newest accepted answer of each address of a feed that can be asked for changes."""
        return _Remembered(self, feed, base)

    def check(self) -> list[str]:
        """What is wrong with the store, a sentence each; empty when all is well."""
        import duckdb

        if not self.path.exists():
            return []
        try:
            with self._reading() as con:
                faults = [
                    f"{found} {words}" for words, query in _CHECKS if (found := _number(con, query))
                ]
                return faults + _damaged_bodies(con) + _damaged_events(con)
        except (CorridorsError, duckdb.Error) as error:
            return [str(error).splitlines()[0]]

    # Opening

    @contextmanager
    def _writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection in a transaction, committed at the end or not at all."""
        import duckdb

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked(shared=False):
                con = self._connected(read_only=False)
                try:
                    there = _has_schema(con, self.path)
                    con.execute("BEGIN")
                    if not there:
                        _make_schema(con)
                    yield con
                    con.execute("COMMIT")
                finally:
                    with suppress(duckdb.Error):  # what was committed is in the log and stays
                        con.close()
        except (duckdb.Error, OSError) as error:
            reason = str(error).splitlines()[0]
            raise CorridorsError(f"the store {self.path} cannot be written: {reason}") from error

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        try:
            with self._locked(shared=True):
                con = self._connected(read_only=True)
                try:
                    if not _has_schema(con, self.path):
                        con.close()
                        con = duckdb.connect(config=_CONFIG)
                        _make_schema(con)
                    yield con
                finally:
                    con.close()
        except (duckdb.Error, OSError) as error:
            reason = str(error).splitlines()[0]
            raise CorridorsError(f"the store {self.path} cannot be read: {reason}") from error

    def _connected(self, *, read_only: bool) -> duckdb.DuckDBPyConnection:
        import duckdb

        if read_only and not self.path.exists():
            return duckdb.connect(config=_CONFIG)
        deadline = time.monotonic() + self.wait_s
        while True:
            try:
                return duckdb.connect(str(self.path), read_only=read_only, config=_CONFIG)
            except (duckdb.IOException, duckdb.ConnectionException) as error:
                # Somebody who does not know our lock file, such as the DuckDB shell.
                held = "lock" in str(error) or "different configuration" in str(error)
                if not held or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)

    @contextmanager
    def _locked(self, *, shared: bool) -> Iterator[None]:
        """One writer or many readers; the system lets go of the lock when a process dies."""
        place = self.path.with_name(self.path.name + ".lock")
        there = not shared or self.path.exists()
        handle = _opened(place, must=not shared) if there else None
        if handle is None:  # nothing to read yet, or a folder that nobody can write
            yield
            return
        try:
            self._wait(handle, shared=shared)
            if not shared:
                os.ftruncate(handle, 0)
                os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(handle)

    def _wait(self, handle: int, *, shared: bool) -> None:
        deadline = time.monotonic() + self.wait_s
        while not _try_lock(handle, shared=shared):
            if time.monotonic() > deadline:
                pid = os.pread(handle, 20, 0).decode("ascii", "replace") or "unknown"
                who = f"another process (pid {pid}, or one that reads)"
                raise CorridorsError(
                    f"the store {self.path} is in use by {who}; waited {self.wait_s:g} s"
                )
            time.sleep(
                _POLL_S * random.random()
            )  # else a writer may meet the same reader each time


class _Remembered(Mapping[str, Answer]):
    """Answers by address, each read when it is asked for."""

    def __init__(self, store: Store, feed: str, base: str) -> None:
        self._store = store
        query = (
            "SELECT url, max(refresh) FROM answers WHERE feed = ? AND base = ? AND accepted "
            "AND (etag <> '' OR last_modified <> '') "
            "AND sha256 IN (SELECT sha256 FROM bodies) GROUP BY url"
        )
        with store._reading() as con:
            self._newest = dict(con.execute(query, [feed, base]).fetchall())
        self._feed = feed

    def __getitem__(self, url: str) -> Answer:
        with self._store._reading() as con:
            given = [self._newest[url], self._feed, url]
            found = _answers(con, "a.refresh = ? AND a.feed = ? AND a.url = ?", given)
        if not found:
            raise KeyError(url)
        return found[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._newest)

    def __len__(self) -> int:
        return len(self._newest)


def _opened(place: Path, *, must: bool) -> int | None:
    try:
        return os.open(place, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError:
        if must:
            raise
        return None


# The lock of the system. Held by an open file, so it also keeps threads of one process apart.

if sys.platform == "win32":
    import msvcrt

    def _try_lock(handle: int, *, shared: bool) -> bool:
        # Windows has no shared lock here: readers wait for each other too.
        try:
            os.lseek(handle, 1 << 30, os.SEEK_SET)
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(handle: int, *, shared: bool) -> bool:
        try:
            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


# The schema


def _has_schema(con: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Whether the tables are there.

    Raises
    ------
    CorridorsError
        When the file is of a newer version, or of somebody else.
    """
    import duckdb

    try:
        found = con.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall()
    except duckdb.CatalogException:
        if _number(con, "SELECT count(*) FROM duckdb_tables()"):
            raise CorridorsError(f"{path} is a database, but not one of this project") from None
        return False
    version = int(found[0][0]) if found and str(found[0][0]).isdigit() else -1
    if version != SCHEMA_VERSION:
        raise CorridorsError(
            f"the store {path} has schema version {version} and this release knows "
            f"{SCHEMA_VERSION}: it was written by a newer release, or give another --store"
        )
    return True


def _make_schema(con: duckdb.DuckDBPyConnection) -> None:
    for name, columns in _TABLES.items():
        listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        con.execute(f"CREATE TABLE {name} ({listed})")
    con.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])


# Rows in


def _put_answers(
    con: duckdb.DuckDBPyConnection,
    refresh: int,
    feed: str,
    answers: Sequence[Answer],
    *,
    accepted: bool,
    base: str,
) -> bool:
    """Write the answers; whether any body was not there before."""
    fresh = False
    for position, answer in enumerate(answers):
        digest = hashlib.sha256(answer.body).hexdigest()
        known = con.execute("SELECT 1 FROM bodies WHERE sha256 = ?", [digest]).fetchall()
        if not known:
            fresh = True
            packed = zlib.compress(answer.body, 6)
            con.execute("INSERT INTO bodies VALUES (?, ?, ?)", [digest, packed, len(answer.body)])
            con.execute("DELETE FROM pruned WHERE sha256 = ?", [digest])
        row: list[Any] = [refresh, position, feed, answer.url, _naive(answer.retrieved_at)]
        row += [answer.status, answer.media_type, answer.etag, answer.last_modified]
        row += [digest, len(answer.body), base, accepted]
        con.execute(f"INSERT INTO answers VALUES ({', '.join('?' * len(row))})", row)
    return fresh


def _put_events(
    con: duckdb.DuckDBPyConnection, refresh: int, feed: str, events: pd.DataFrame
) -> None:
    """A version for each event that is new or says something else, and when each was last seen."""
    if events.empty:
        return
    # One event twice in one answer: what the source updated last counts.
    ordered = events.sort_values("updated_at", kind="stable", na_position="first")
    once = ordered.drop_duplicates("event_uid", keep="last").assign(feed=feed, refresh=refresh)
    once["payload_sha256"] = payload_hashes(once)
    columns = [name for name in _TABLES["events"] if name != "version"]
    con.register("incoming", _arrow(once[columns]))
    con.execute(
        f"INSERT INTO events (version, {', '.join(columns)}) "
        f"SELECT coalesce(l.version, 0) + 1, {', '.join(f'i.{c}' for c in columns)} "
        "FROM incoming i LEFT JOIN (SELECT event_uid, max(version) AS version, "
        "arg_max(payload_sha256, version) AS payload_sha256 FROM events "
        "WHERE event_uid IN (SELECT event_uid FROM incoming) GROUP BY event_uid) l "
        "USING (event_uid) WHERE i.payload_sha256 IS DISTINCT FROM l.payload_sha256"
    )
    con.execute("DELETE FROM seen WHERE event_uid IN (SELECT event_uid FROM incoming)")
    con.execute("INSERT INTO seen SELECT event_uid, feed, refresh FROM incoming")
    con.unregister("incoming")


def _put_observations(
    con: duckdb.DuckDBPyConnection,
    refresh: int,
    feed: str,
    observations: pd.DataFrame,
    *,
    vintage: bool,
) -> None:
    """A row for each value that is new or was revised, and which stretch was read."""
    if observations.empty:
        return
    columns = list(_TABLES["observations"])
    table = observations.assign(feed=feed, refresh=refresh)[columns]
    con.register("raw_incoming", _arrow(table))
    con.execute(
        "CREATE TEMP TABLE incoming AS SELECT * EXCLUDE (place) FROM "
        "(SELECT *, row_number() OVER () AS place FROM raw_incoming) QUALIFY "
        "row_number() OVER (PARTITION BY series, metric, observed_at ORDER BY place DESC) = 1"
    )
    con.execute(
        f"INSERT INTO observations SELECT {', '.join(f'i.{c}' for c in columns)} "
        "FROM incoming i LEFT JOIN (SELECT series, metric, observed_at, arg_max({'v': value, "
        "'u': unit, 'f': quality_flags}, refresh) AS held FROM observations WHERE feed = ? "
        "AND observed_at >= (SELECT min(observed_at) FROM incoming) "
        "GROUP BY series, metric, observed_at) l USING (series, metric, observed_at) "
        "WHERE l.held IS NULL OR l.held.v IS DISTINCT FROM i.value "
        "OR l.held.u <> i.unit OR l.held.f <> i.quality_flags",
        [feed],
    )
    if vintage:
        con.execute(
            "INSERT INTO vintages SELECT ?, ?, series, min(observed_at), max(observed_at), "
            "count(*) FROM incoming GROUP BY series",
            [feed, refresh],
        )
    con.execute("DROP TABLE incoming")
    con.unregister("raw_incoming")


def _put_state(con: duckdb.DuckDBPyConnection, state: State) -> None:
    held = asdict(state)
    held["skipped"] = json.dumps(held["skipped"], sort_keys=True)
    row = [_naive(v) if isinstance(v, datetime) else v for v in (held[c] for c in _STATE_SQL)]
    con.execute("DELETE FROM states WHERE feed = ?", [state.feed])
    con.execute(f"INSERT INTO states VALUES ({', '.join('?' * len(row))})", row)


# Rows out


def _states(con: duckdb.DuckDBPyConnection) -> dict[str, State]:
    rows = con.execute(f"SELECT {', '.join(_STATE_SQL)} FROM states").fetchall()
    return {row[0]: _state(dict(zip(_STATE_SQL, row, strict=True))) for row in rows}


def _state(row: dict[str, Any]) -> State:
    row["skipped"] = json.loads(row["skipped"] or "{}")
    for name, value in row.items():
        if isinstance(value, datetime):
            row[name] = value.replace(tzinfo=UTC)
    return State(**row)


def _answers(con: duckdb.DuckDBPyConnection, where: str, params: list[Any]) -> list[Answer]:
    query = (
        "SELECT url, body, retrieved_at, status, media_type, etag, last_modified "
        f"FROM answers a JOIN bodies b USING (sha256) WHERE {where} ORDER BY refresh, position"
    )
    rows = con.execute(query, params).fetchall()
    return [
        Answer(url, zlib.decompress(body), at.replace(tzinfo=UTC), *rest)
        for url, body, at, *rest in rows
    ]


def _frame(con: duckdb.DuckDBPyConnection, query: str, params: list[Any]) -> pd.DataFrame:
    table: pd.DataFrame = con.sql(query, params=params).to_arrow_table().to_pandas()
    return table


def _typed(table: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    for column, kind in kinds.items():
        if kind.startswith("datetime"):
            table[column] = pd.to_datetime(table[column]).dt.tz_localize("UTC").astype(kind)  # type: ignore[call-overload]
        else:
            table[column] = table[column].astype(kind)  # type: ignore[call-overload]
    return table


def _arrow(table: pd.DataFrame) -> pa.Table:
    """The table for DuckDB: moments without their zone (always UTC), nothing as null."""
    import pyarrow as pa

    zoned = [c for c in table.columns if isinstance(table[c].dtype, pd.DatetimeTZDtype)]
    bare = table.assign(**{c: table[c].dt.tz_convert("UTC").dt.tz_localize(None) for c in zoned})
    return pa.Table.from_pandas(bare, preserve_index=False)


def _naive(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment is not None else None


def _number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    found = con.execute(query).fetchall()
    return int(found[0][0])


# Rules

_SELECT_PRUNABLE = """
CREATE TEMP TABLE prunable AS
SELECT sha256, bytes FROM bodies WHERE sha256 NOT IN (
    SELECT sha256 FROM answers WHERE retrieved_at >= ?
    UNION ALL
    SELECT sha256 FROM answers WHERE (feed, refresh) IN (
        SELECT (feed, max(refresh)) FROM answers GROUP BY feed
        UNION ALL SELECT (feed, max(refresh)) FROM answers WHERE accepted GROUP BY feed, base)
    UNION ALL
    SELECT raw_sha256 FROM events
    WHERE (event_uid, version) IN (SELECT (event_uid, max(version)) FROM events GROUP BY event_uid)
    AND status NOT IN ('ended', 'cancelled', 'superseded') AND coalesce(ends_at > ?, true))
"""

_CHECKS: Sequence[tuple[str, str]] = (
    (
        "refresh numbers are missing or double",
        "SELECT abs(count(*) - coalesce(max(refresh), 0)) + count(*) - count(DISTINCT refresh) "
        "FROM refreshes",
    ),
    (
        "answers have no body, though none was pruned",
        "SELECT count(*) FROM answers WHERE sha256 NOT IN (SELECT sha256 FROM bodies) "
        "AND sha256 NOT IN (SELECT sha256 FROM pruned)",
    ),
    (
        "bodies belong to no answer, or are there twice",
        "SELECT (SELECT count(*) FROM bodies WHERE sha256 NOT IN (SELECT sha256 FROM answers)) "
        "+ (SELECT count(*) - count(DISTINCT sha256) FROM bodies)",
    ),
    (
        "answers belong to no refresh",
        "SELECT count(*) FROM answers a ANTI JOIN refreshes r USING (refresh, feed)",
    ),
    (
        "events have missing or double versions",
        "SELECT count(*) FROM (SELECT 1 FROM events GROUP BY event_uid "
        "HAVING min(version) <> 1 OR max(version) <> count(*) "
        "OR count(DISTINCT version) <> count(*))",
    ),
    (
        "event versions say the same as the one before",
        "SELECT count(*) FROM (SELECT payload_sha256 = lag(payload_sha256) OVER "
        "(PARTITION BY event_uid ORDER BY version) AS same FROM events) WHERE same",
    ),
    (
        "event versions come from no answer",
        "SELECT count(*) FROM events e ANTI JOIN answers a "
        "ON a.sha256 = e.raw_sha256 AND a.refresh = e.refresh",
    ),
    (
        "events were never seen, or seen twice",
        "SELECT (SELECT count(DISTINCT event_uid) FROM events) - count(DISTINCT event_uid) "
        "+ count(*) - count(DISTINCT event_uid) FROM seen",
    ),
    (
        "observations are there twice",
        "SELECT count(*) FROM (SELECT 1 FROM observations "
        "GROUP BY feed, series, metric, observed_at, refresh HAVING count(*) > 1)",
    ),
    (
        "observations belong to no refresh",
        "SELECT count(*) FROM observations o ANTI JOIN refreshes r USING (refresh, feed)",
    ),
    (
        "feeds have no state, or two",
        "SELECT count(*) FROM (SELECT DISTINCT feed FROM refreshes) r FULL JOIN "
        "(SELECT feed, count(*) AS rows FROM states GROUP BY feed) s USING (feed) "
        "WHERE r.feed IS NULL OR s.rows IS DISTINCT FROM 1",
    ),
    (
        "states do not fit the newest attempt on their feed",
        "SELECT count(*) FROM states s JOIN (SELECT feed, arg_max(accepted, refresh) AS good, "
        "bool_or(accepted) AS ever FROM refreshes GROUP BY feed) r USING (feed) "
        "WHERE (s.consecutive_failures = 0) <> r.good OR (s.last_success_at IS NOT NULL) <> r.ever",
    ),
)


def _damaged_bodies(con: duckdb.DuckDBPyConnection) -> list[str]:
    rows = con.execute("SELECT sha256, body, bytes FROM bodies")
    faults = []
    while some := rows.fetchmany(20):
        for digest, packed, size in some:
            try:
                body = zlib.decompress(packed)
            except zlib.error:
                body = b""
            if hashlib.sha256(body).hexdigest() != digest or len(body) != size:
                faults.append(f"the body {digest[:12]} is not what came")
    return faults


def _damaged_events(con: duckdb.DuckDBPyConnection) -> list[str]:
    columns = ", ".join(EVENT)
    table = _frame(con, f"SELECT {columns}, version, payload_sha256 FROM events", [])
    kinds = {name: EVENT[name] for name in [*MOMENTS, "severity", "redistribute"]}
    wrong = table[pd.Series(payload_hashes(_typed(table, kinds))) != table["payload_sha256"]]
    named = zip(wrong["event_uid"], wrong["version"], strict=True)
    return [f"version {version} of {uid} is not what was written" for uid, version in named]
