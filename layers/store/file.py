"""A store in one DuckDB file: locked, opened, read or written as a whole, and closed at once."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from layers.errors import CorridorsError
from layers.store import schema
from layers.store.sql import Connection, Row, bare

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# Extensions would be fetched over the network; files and addresses in SQL are nobody's business.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
}
_POLL_S = 0.01


NOWHERE = Path(os.devnull) / "nothing"
"""A file that can never be: a store there reads as empty."""


@dataclass(frozen=True)
class File:
    """A store in a file (`layers.store.sql.Home`).

    Attributes
    ----------
    path
        The file; it is made when first written.
    wait_s
        How long to wait for another process that has it.
    """

    path: Path
    wait_s: float

    @property
    def name(self) -> str:
        """The path."""
        return str(self.path)

    @property
    def place(self) -> str:
        """The path."""
        return str(self.path)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection to write by, committed at the end or not at all."""
        import duckdb

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with _locked(self.path, self.wait_s, shared=False):
                con = _connected(self.path, self.wait_s, read_only=False)
                try:
                    link = _Link(con)
                    version = schema.version_of(link, self.name)
                    con.execute("BEGIN")
                    schema.bring_up(link, version)
                    yield link
                    con.execute("COMMIT")
                finally:
                    with suppress(duckdb.Error):  # what was committed is in the log and stays
                        con.close()
        except (duckdb.Error, OSError) as error:
            reason = str(error).splitlines()[0]
            raise CorridorsError(f"the store {self.path} cannot be written: {reason}") from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that only reads; what is not there yet reads as empty."""
        import duckdb

        try:
            with _locked(self.path, self.wait_s, shared=True):
                con = _connected(self.path, self.wait_s, read_only=True)
                try:
                    version = schema.version_of(_Link(con), self.name)
                    if version:
                        _read_as_newest(con, version)
                        yield _Link(con)
                    else:
                        with nothing() as link:
                            yield link
                finally:
                    con.close()
        except (duckdb.Error, OSError) as error:
            reason = str(error).splitlines()[0]
            raise CorridorsError(f"the store {self.path} cannot be read: {reason}") from error

    def changed(self) -> int:
        """A number that is another after every write: of the times and sizes; 0 without a file."""
        told = 0
        for file in (self.path, self.path.with_name(f"{self.path.name}.wal")):
            with suppress(OSError):
                found = file.stat()
                told = max(told, found.st_mtime_ns) + found.st_size
        return told


@contextmanager
def nothing() -> Iterator[Connection]:
    """A connection to a store with nothing in it, made in memory and gone at the end."""
    import duckdb

    with duckdb.connect(config=_CONFIG) as con:
        link = _Link(con)
        schema.bring_up(link, 0)
        yield link


class _Link:
    """A connection to DuckDB (`layers.store.sql.Connection`)."""

    def __init__(self, con: duckdb.DuckDBPyConnection) -> None:
        self._con = con

    def tables(self) -> set[str]:
        return {str(name) for (name,) in self.rows("SELECT table_name FROM duckdb_tables()")}

    def make(self, table: str, columns: Mapping[str, str]) -> None:
        self.run(f"CREATE TABLE {table} ({_listed(columns)})")

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        self._con.execute(sql, bare(params))

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return self._con.execute(sql, bare(params)).fetchall()

    def stream(self, sql: str, size: int) -> Iterator[list[Row]]:
        found = self._con.execute(sql)
        while some := found.fetchmany(size):
            yield some

    def frame(self, sql: str, params: Sequence[Any] = ()) -> pd.DataFrame:
        found = self._con.sql(sql, params=bare(params))
        table: pd.DataFrame = found.to_arrow_table().to_pandas()
        return table

    def insert(self, table: str, rows: pa.Table) -> None:
        columns = ", ".join(rows.column_names)
        with self.staged(table, rows):
            self.run(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM incoming")

    @contextmanager
    def staged(self, table: str, rows: pa.Table) -> Iterator[None]:
        self._con.register("incoming", rows)
        yield
        self._con.unregister("incoming")


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{column} {kind}" for column, kind in columns.items())


def _read_as_newest(con: duckdb.DuckDBPyConnection, version: int) -> None:
    """Let a file that is only read look like one of the newest version; nothing is written."""
    if version != 1:
        return
    found = con.execute("SELECT current_database()").fetchall()
    file = str(found[0][0]).replace('"', '""')
    added = ", ".join(f"{value} AS {column}" for column, value in schema.ADDED.items())
    con.execute(f'CREATE TEMP VIEW events AS SELECT *, {added} FROM "{file}".main.events')
    con.execute(f'CREATE TEMP TABLE meta AS SELECT * FROM "{file}".main.meta')
    for pair in schema.HEAD.items():
        con.execute("INSERT INTO temp.meta VALUES (?, ?)", list(pair))
    con.execute(f"CREATE TEMP TABLE log ({_listed(schema.TABLES['log'])})")


def _connected(path: Path, wait_s: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    import duckdb

    if read_only and not path.exists():
        return duckdb.connect(config=_CONFIG)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            # In full: here `:memory:` and `md:x` name files, not what DuckDB makes of them.
            return duckdb.connect(str(path.absolute()), read_only=read_only, config=_CONFIG)
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            # Somebody who does not know our lock file, such as the DuckDB shell.
            held = "lock" in str(error) or "different configuration" in str(error)
            if not held or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)


@contextmanager
def _locked(path: Path, wait_s: float, *, shared: bool) -> Iterator[None]:
    """One writer or many readers; the system lets go of the lock when a process dies."""
    place = path.with_name(path.name + ".lock")
    there = not shared or path.exists()
    handle = _opened(place, must=not shared) if there else None
    if handle is None:  # nothing to read yet, or a folder that nobody can write
        yield
        return
    try:
        _wait(handle, path, wait_s, shared=shared)
        if not shared:
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _wait(handle: int, path: Path, wait_s: float, *, shared: bool) -> None:
    deadline = time.monotonic() + wait_s
    while not _try_lock(handle, shared=shared):
        if time.monotonic() > deadline:
            pid = os.pread(handle, 20, 0).decode("ascii", "replace") or "unknown"
            who = f"another process (pid {pid}, or one that reads)"
            raise CorridorsError(f"the store {path} is in use by {who}; waited {wait_s:g} s")
        time.sleep(_POLL_S * random.random())  # else a writer may meet the same reader each time


def _opened(place: Path, *, must: bool) -> int | None:
    try:
        # A link would have what it leads to emptied, whoever put it there.
        return os.open(place, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o644)
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
