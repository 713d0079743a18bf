"""The file of the store: locked, opened, read or written as a whole, and closed at once."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from layers import store_schema as schema
from layers.errors import CorridorsError

if TYPE_CHECKING:
    import duckdb

# Extensions would be fetched over the network; files and addresses in SQL are nobody's business.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
}
_POLL_S = 0.01


@contextmanager
def writing(path: Path, wait_s: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in a transaction, committed at the end or not at all."""
    import duckdb

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path, wait_s, shared=False):
            con = _connected(path, wait_s, read_only=False)
            try:
                version = schema.version_of(con, path)
                con.execute("BEGIN")
                schema.bring_up(con, version)
                yield con
                con.execute("COMMIT")
            finally:
                with suppress(duckdb.Error):  # what was committed is in the log and stays
                    con.close()
    except (duckdb.Error, OSError) as error:
        reason = str(error).splitlines()[0]
        raise CorridorsError(f"the store {path} cannot be written: {reason}") from error


@contextmanager
def reading(path: Path, wait_s: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that only reads; what is not there yet reads as empty."""
    import duckdb

    try:
        with _locked(path, wait_s, shared=True):
            con = _connected(path, wait_s, read_only=True)
            try:
                version = schema.version_of(con, path)
                if version == 0:
                    con.close()
                    con = duckdb.connect(config=_CONFIG)
                    schema.bring_up(con, version)
                schema.read_as_newest(con, version)
                yield con
            finally:
                con.close()
    except (duckdb.Error, OSError) as error:
        reason = str(error).splitlines()[0]
        raise CorridorsError(f"the store {path} cannot be read: {reason}") from error


def _connected(path: Path, wait_s: float, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    import duckdb

    if read_only and not path.exists():
        return duckdb.connect(config=_CONFIG)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config=_CONFIG)
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
