"""The store itself: what is written to it and what is read back, wherever it is kept."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from layers.errors import CorridorsError, UsageError
from layers.events import EVENT, OBSERVATION
from layers.ledger import Draft, Entry, Head, chain_of
from layers.source import Answer, Parsed
from layers.store import checks, server
from layers.store.file import NOWHERE, File
from layers.store.rows import (
    Filled,
    Pruned,
    State,
    answers_where,
    drop_bodies,
    entries,
    head,
    naive,
    number,
    put_answers,
    put_entries,
    put_events,
    put_file,
    put_observations,
    put_state,
    states_of,
    typed,
)
from layers.store.sql import Connection, Home

FILE_NAME = "feeds.duckdb"


def default_place() -> str:
    """Where the store is when nobody says: $CORRIDORS_STORE, or the platform's data folder."""
    given = os.environ.get("CORRIDORS_STORE", "").strip()
    if given:
        return given
    from platformdirs import user_data_path

    return str(user_data_path("corridors", appauthor=False) / FILE_NAME)


def _home(place: Path | str, wait_s: float) -> Home:
    if server.is_address(place):
        return server.Server.at(str(place), wait_s)
    if re.match(
        r"\w{2,}:/|(.*\s)?password\s*=", str(place), re.DOTALL
    ):  # not repeated, as it may hold a password
        raise UsageError("a store is a file or at an address that starts with postgresql://")
    return File(_file(Path(place)), wait_s)


def _file(place: Path) -> Path:
    """The file of a store, in a folder where that is what was named."""
    try:
        os.fsencode(place)
        path = place.expanduser()
        if "\0" not in str(path) and not path.exists():
            return path
        if path.is_dir():
            return _file(path / FILE_NAME)
        if path.is_file():
            return path
        words = "it is no file"
    except (OSError, ValueError, RuntimeError) as error:
        words = getattr(error, "strerror", None) or "that is no name of a file"
    raise UsageError(f"{str(place)!r} cannot be the place of a store: {words}")


class Store:
    """The place that keeps what the feeds said; opened for each use and closed at once.

    Parameters
    ----------
    place
        A file, a folder to hold it, or the address of a PostgreSQL database as
        ``postgresql://user@host/database``; None for `default_place`. It is made when first
        written, and reads as empty until then.
    wait_s
        How long to wait for another process that has it.
    only_reads
        Refuse every write, whoever asks for it.

    Attributes
    ----------
    name
        Where it is, as it may be shown to anybody.
    place
        What opens it again; never to be shown, since an address may hold a password.

    Raises
    ------
    UsageError
        For an address that cannot be read.
    """

    def __init__(
        self, place: Path | str | None = None, *, wait_s: float = 30.0, only_reads: bool = False
    ) -> None:
        self._only_reads = only_reads
        self._home = _home(default_place() if place is None else place, wait_s)
        self.name = self._home.name
        self.place = self._home.place

    def __repr__(self) -> str:
        return f"Store({self.name!r})"

    @classmethod
    def nothing(cls) -> Store:
        """A store that reads as empty and cannot be written."""
        return cls(NOWHERE)

    @property
    def path(self) -> Path:
        """The file.

        Raises
        ------
        UsageError
            For a store on a server.
        """
        if not isinstance(self._home, File):
            raise UsageError(f"the store {self.name} is no file")
        return self._home.path

    def changed(self) -> int:
        """A number that is another after every write; 0 without a store, -1 when nobody can tell.

        Reading tells what is wrong with one that gives -1, such as a server that is not reached.
        """
        return self._home.changed()

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
            refresh = number(con, "SELECT coalesce(max(refresh), 0) + 1 FROM refreshes")
            state = after(states_of(con).get(feed, State(feed)))
            at = naive(state.last_attempt_at)
            attempt = [refresh, feed, at, base, accepted, state.fault, state.n_records]
            con.run("INSERT INTO refreshes VALUES (?, ?, ?, ?, ?, ?, ?)", attempt)
            fresh = put_answers(con, refresh, feed, answers, accepted=accepted, base=base)
            if parsed is not None:
                put_events(con, refresh, feed, parsed.events)
                put_observations(con, refresh, feed, parsed.observations, vintage=fresh)
            put_state(con, state)
        return refresh

    def fill(
        self, feed: str, answer: Answer, parsed: Parsed, *, now: datetime, replace: bool = False
    ) -> Filled:
        """How much of a file's measured values was added beside what the feed itself said.

        The feed was not asked, so its state stays as it is: neither its age nor when it is due
        changes. A day of a series that is known already is left as it is, since a file is as old
        as its download; one that brings no new day leaves the store alone.

        Parameters
        ----------
        feed
            Id of the feed whose series these are.
        answer, parsed
            The file as it is, and what it holds; its ``retrieved_at`` is the moment of the vintage.
        now
            The moment of the import, UTC.
        replace
            Write known days too where they differ, as their newest vintage, until the feed says
            otherwise again.

        Raises
        ------
        CorridorsError
            When it cannot be written; then nothing of it is.
        """
        with self._writing() as con:
            return put_file(con, feed, answer, parsed.observations, now=now, replace=replace)

    def append(self, drafts: Sequence[Draft]) -> list[Entry]:
        """The entries added to the warning log, in order: all of them, or none.

        Parameters
        ----------
        drafts
            Kind, moment and record of each (`layers.ledger`).

        Raises
        ------
        UsageError, UnknownIdError
            For a draft that is no entry.
        CorridorsError
            When it cannot be written, or the log has lost its head.
        """
        with self._writing() as con:
            # After the head as it was noted, not after the last row: were that one cut off, the
            # next would else hide it.
            new = chain_of(head(con), drafts)
            put_entries(con, new)
        return new

    def prune(self, older_than: timedelta, *, now: datetime) -> Pruned:
        """What was dropped of the raw bodies that came longer than ``older_than`` ago.

        Kept are those of each feed's newest refresh and newest accepted one, and those from which
        an event that is still current was read. When each answer came, and its hash, stay.
        """
        with self._writing() as con:
            return drop_bodies(con, older_than, now)

    # Reading

    def states(self) -> dict[str, State]:
        """The state of each feed that was ever asked, by id."""
        with self._reading() as con:
            return states_of(con)

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
            where.append("e.feed = ANY(?)")
            params.append(list(feeds))
        if since is not None:
            # ends_at only as far as it has come: an expiry set for next year is no news.
            where.append(
                "greatest(onset_at, published_at, updated_at, "
                "CASE WHEN ends_at <= retrieved_at THEN ends_at END) >= ?"
            )
            params.append(naive(since))
        columns = ", ".join(f"e.{name}" for name in [*EVENT, "version", "feed"])
        query = (
            f"SELECT {columns}, r.attempted_at AS last_seen_at FROM events e "
            "LEFT JOIN seen s USING (event_uid) LEFT JOIN refreshes r "
            "ON r.refresh = s.refresh "
            f"WHERE {' AND '.join(where)} ORDER BY event_uid, version"
        )
        with self._reading() as con:
            table = con.frame(query, params)
        return typed(table, {**EVENT, "last_seen_at": "datetime64[us, UTC]", "version": "int64"})

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
            ("feed = ANY(?)", feeds),
            ("series = ANY(?)", series),
        ):
            if wanted is not None:
                where.append(rule)
                params.append(list(wanted))
        for rule, moment in (("observed_at >= ?", since), ("retrieved_at <= ?", as_of)):
            if moment is not None:
                where.append(rule)
                params.append(naive(moment))
        columns = ", ".join([*OBSERVATION, "feed", "refresh"])
        query = f"SELECT {columns} FROM observations WHERE {' AND '.join(where)}"
        if not every_vintage:
            query = (
                f"SELECT {columns} FROM (SELECT *, row_number() OVER (PARTITION BY "
                "feed, series, metric, observed_at ORDER BY refresh DESC) AS place "
                f"FROM ({query}) AS found) AS placed WHERE place = 1"
            )
        query += " ORDER BY feed, series, metric, observed_at, refresh"
        with self._reading() as con:
            table = con.frame(query, params)
        return typed(table, OBSERVATION)

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
            table = con.frame(query, [feed])
        moments = ["retrieved_at", "first_at", "last_at"]
        return typed(table, dict.fromkeys(moments, "datetime64[us, UTC]"))

    def refreshes(self, feed: str | None = None) -> pd.DataFrame:
        """Every attempt on the feeds, or on one, oldest first."""
        query = "SELECT * FROM refreshes WHERE feed = coalesce(?, feed) ORDER BY refresh"
        with self._reading() as con:
            table = con.frame(query, [feed])
        return typed(table, {"attempted_at": "datetime64[us, UTC]"})

    def answers(self, feed: str | None = None) -> pd.DataFrame:
        """Every answer that came, or those of one feed, without their bodies; oldest first."""
        query = (
            "SELECT a.*, b.sha256 IS NOT NULL AS has_body FROM answers a LEFT JOIN bodies b "
            "USING (sha256) WHERE a.feed = coalesce(?, a.feed) ORDER BY refresh, position"
        )
        with self._reading() as con:
            table = con.frame(query, [feed])
        return typed(table, {"retrieved_at": "datetime64[us, UTC]"})

    def log(
        self,
        kinds: Iterable[str] | None = None,
        since: datetime | None = None,
        *,
        newest: int | None = None,
    ) -> pd.DataFrame:
        """The warning log, oldest first.

        Parameters
        ----------
        kinds
            Only those (``layers.ledger.FIELDS``).
        since
            Written at or after this (UTC).
        newest
            Only so many of them, the last written; all when not given.

        Returns
        -------
        pandas.DataFrame
            Columns ``seq`` from 1, ``kind``, ``at``, ``record`` (a dict).
        """
        where = ["true"]
        params: list[Any] = []
        if kinds is not None:
            where.append("kind = ANY(?)")
            params.append(list(kinds))
        if since is not None:
            where.append("written_at >= ?")
            params.append(naive(since))
        with self._reading() as con:
            found = entries(con, " AND ".join(where), params, newest=newest)
        rows = [(e.seq, e.kind, naive(e.at), json.loads(e.body)) for e in found]
        table = pd.DataFrame(rows, columns=["seq", "kind", "at", "record"], dtype="object")
        return typed(table, {"seq": "int64", "kind": "str", "at": "datetime64[us, UTC]"})

    def log_began(self, kind: str) -> datetime | None:
        """The moment (UTC) of the first entry of a kind; None where there is none."""
        with self._reading() as con:
            [(first,)] = con.rows("SELECT min(written_at) FROM log WHERE kind = ?", [kind])
        return None if first is None else first.replace(tzinfo=UTC)

    def log_head(self) -> Head:
        """Count and last hash of the warning log, to be noted where nobody can change it."""
        with self._reading() as con:
            return head(con)

    def newest_answers(self, feed: str) -> list[Answer]:
        """The answers of a feed's newest accepted refresh, to be parsed again."""
        where = (
            "a.refresh = (SELECT max(refresh) FROM answers WHERE feed = ? AND accepted "
            "AND base <> 'file:')"
        )
        with self._reading() as con:
            return answers_where(con, where, [feed])

    def remembered(self, feed: str, *, base: str = "") -> Mapping[str, Answer]:
        """The newest accepted answer of each address of a feed that can be asked for changes."""
        return _Remembered(self, feed, base)

    def check(self) -> list[str]:
        """What is wrong with the store, a sentence each; empty when all is well."""
        try:
            with self._reading() as con:
                return checks.faults(con)
        except CorridorsError as error:
            return [str(error).splitlines()[0]]

    # Opening

    def _writing(self) -> AbstractContextManager[Connection]:
        """A connection in a transaction, committed at the end or not at all."""
        if self._only_reads:
            raise CorridorsError(f"the store {self.name} was opened to be read, not to be written")
        return self._home.writing()

    def _reading(self) -> AbstractContextManager[Connection]:
        return self._home.reading()


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
            self._newest = {str(url): int(at) for url, at in con.rows(query, [feed, base])}
        self._feed = feed

    def __getitem__(self, url: str) -> Answer:
        with self._store._reading() as con:
            given = [self._newest[url], self._feed, url]
            found = answers_where(con, "a.refresh = ? AND a.feed = ? AND a.url = ?", given)
        if not found:
            raise KeyError(url)
        return found[0]

    def __iter__(self) -> Iterator[str]:
        return iter(self._newest)

    def __len__(self) -> int:
        return len(self._newest)
