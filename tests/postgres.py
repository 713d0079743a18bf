"""A PostgreSQL server for the tests: one of its own that is thrown away, or one that is named."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import duckdb
import pytest

from layers.store import Store
from layers.store.server import is_address
from tests.processes import free_port

NAMED = "CORRIDORS_TEST_POSTGRES"
"""Address of a server to use, by a user who may make databases and users."""
START_S = 60


@dataclass(frozen=True)
class Postgres:
    """A running server.

    Attributes
    ----------
    address
        Of a database that is always there, by a user who may do anything.
    folder, programs
        Where it lies and what starts it; None for one that is not ours to stop.
    """

    address: str
    folder: Path | None = None
    programs: Path | None = None

    def database(self, options: str = "ENCODING 'UTF8' TEMPLATE template0") -> str:
        """Make an empty database and return its address."""
        name = f"t_{secrets.token_hex(6)}"
        self.run(f"CREATE DATABASE {name} {options}")
        return self.to(name)

    def to(self, database: str, user: str = "", password: str = "") -> str:
        """Return the address of a database, as some user, whom the server asks for a password."""
        parts = urlsplit(self.address)._replace(path=f"/{database}")
        if not user:
            return urlunsplit(parts)
        host = parts.netloc.rpartition("@")[2]
        if self.folder is not None:
            host = f"127.0.0.1:{dict(parse_qsl(parts.query))['port']}"
            parts = parts._replace(query="")
        return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))

    def drop(self, address: str) -> None:
        """Drop a database, whoever uses it."""
        self.run(f"DROP DATABASE {urlsplit(address).path[1:]} WITH (FORCE)")

    def run(self, sql: str, address: str = "") -> list[Any]:
        """Do something as the user who may do anything, each statement for itself."""
        import psycopg

        with psycopg.connect(address or self.address, autocommit=True) as con:
            done = con.execute(sql)
            return done.fetchall() if done.description else []

    def stop(self) -> None:
        """Stop it at once, as if the machine had ended it."""
        self._control("stop", "--mode=immediate")

    def start(self) -> None:
        """Start it again."""
        self._control("start", "--wait", f"--timeout={START_S}")

    def _control(self, *words: str) -> None:
        if self.folder is None or self.programs is None:
            pytest.skip(f"the server named by ${NAMED} is not ours to stop")
        data = ["--silent", f"--pgdata={self.folder / 'data'}", f"--log={self.folder / 'log'}"]
        _run([str(self.programs / "pg_ctl"), *words, *data])


def behind(store: Store, sql: str) -> list[Any]:
    """Do something to a store behind its back, and return the rows."""
    if not is_address(store.place):
        with duckdb.connect(store.place) as con:
            return con.execute(sql).fetchall()
    import psycopg

    with psycopg.connect(store.place, options="-c search_path=corridors") as con:
        done = con.execute(sql)
        return done.fetchall() if done.description else []


def programs() -> Path | None:
    """Return the folder with initdb and pg_ctl, the newest; None when there is none."""
    found = shutil.which("initdb")
    if found and shutil.which("pg_ctl"):
        return Path(found).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(debian, key=lambda path: int(path.parts[-3]), default=None)
    return newest.parent if newest else None


@contextmanager
def running() -> Iterator[Postgres]:
    """Run a server for as long as it is needed, or skip where none can be had."""
    pytest.importorskip("psycopg", reason="psycopg is not installed: corridors[postgres]")
    if named := os.environ.get(NAMED):
        yield Postgres(named)
        return
    found = programs()
    if found is None:
        pytest.skip(f"no PostgreSQL server: none is installed and ${NAMED} is not set")
    if os.name != "posix":
        pytest.skip(f"no PostgreSQL server is started on this system; set ${NAMED}")
    # Not below the folder of the tests, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as place:
        folder, port = Path(place), free_port()
        if _other_user():
            shutil.chown(folder, _other_user())
        options = ["--username=postgres", "--auth=trust", "--auth-host=scram-sha-256"]
        options += ["--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
        _run([str(found / "initdb"), f"--pgdata={folder / 'data'}", *options])
        with (folder / "data" / "postgresql.conf").open("a") as settings:
            settings.write(f"port = {port}\nlisten_addresses = '127.0.0.1'\nfsync = off\n")
            settings.write(f"unix_socket_directories = '{folder}'\n")
        address = f"postgresql://postgres@/postgres?host={folder}&port={port}"
        server = Postgres(address, folder, found)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _run(command: list[str]) -> None:
    """Run a program of the server: not as root, which it refuses."""
    done = subprocess.run(
        command,
        user=_other_user(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        timeout=2 * START_S,
        check=False,
    )
    assert done.returncode == 0, f"{Path(command[0]).name} ended with {done.returncode}"


def _other_user() -> str | None:
    """Return who runs the server when we are root: the user Debian's package makes, else nobody."""
    if os.geteuid() != 0:
        return None
    import pwd

    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
