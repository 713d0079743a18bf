"""A store on a PostgreSQL server, for a team: many readers, one writer at a time.

Each use is one connection and one transaction. A reader sees one moment of the store and waits for
nobody. A writer takes a lock that the server lets go of when the writer ends or dies, and what it
wrote is there as a whole or not at all. Everything lies in the schema ``corridors``. All settings
hold for the transaction only, so that a pool of connections may stand between.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

import pandas as pd

from layers.errors import CorridorsError, UsageError
from layers.store import file, schema
from layers.store.sql import Connection, Row, arrow_type, bare

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

NAMESPACE = "corridors"
CHANGES = "changes"
"""Key in ``meta`` of how often the store was written."""

PASSWORD_FILE = "CORRIDORS_STORE_PASSWORD_FILE"
"""Variable of the environment that names the file of the password, unless the address has one."""

_ADDRESS = re.compile(r"postgres(ql)?://")
_SPELT = (
    "postgresql://user@host:5432/database; a password in it has %40 for @ and the like, and is "
    "better in PGPASSWORD or ~/.pgpass"
)
_OPTIONS = {
    "connect_timeout", "gssencmode", "host", "passfile", "password", "port", "service", "sslcert",
    "sslcrl", "sslkey", "sslmode", "sslpassword", "sslrootcert", "target_session_attrs", "user",
}  # fmt: skip
"""What an address may say after its question mark; libpq knows them."""

_CONNECT_S = 10
_IN_TIME = "SET LOCAL statement_timeout = '600s'"
_IDLE_S = 300  # a writer that hangs while it holds the lock is ended after this
_LOCK = int.from_bytes(b"corridor", "big")
_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
_INDEXES = (
    "bodies (sha256)",
    "answers (sha256)",
    "events (event_uid, version)",
    "observations (feed, series, metric, observed_at, refresh)",
)


def is_address(place: Path | str) -> bool:
    """Whether a place is an address of a server and no path."""
    return isinstance(place, str) and _ADDRESS.match(place) is not None


@dataclass(frozen=True)
class Server:
    """A store on a server (`layers.store.sql.Home`); its repr holds no password.

    Attributes
    ----------
    name
        The address without its password.
    place
        The address as it was given.
    wait_s
        How long to wait for another writer.
    options
        What to connect by, in the words of libpq.
    """

    name: str
    place: str = field(repr=False)
    wait_s: float
    options: Mapping[str, str] = field(repr=False)

    @classmethod
    def at(cls, address: str, wait_s: float) -> Server:
        """The server at an address.

        Raises
        ------
        UsageError
            When the address cannot be read; nothing of it is repeated, as it may hold a password.
        """
        options = _options(address)
        return cls(_name(options), address, wait_s, options)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection to write by, committed at the end or not at all."""
        with self._told("written"), self._connected() as con:
            import psycopg

            # Whatever the database does by default: what the writer before did has to be seen.
            con.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
            self._begin(con, f"SET LOCAL lock_timeout = {max(1, round(self.wait_s * 1000))}")
            self._lock(con)
            link = _Link(con, self.name)
            version = schema.version_of(link, self.name)
            _raise(con, link, version)
            yield link
            link.run(f"UPDATE meta SET value = CAST(value AS BIGINT) + 1 WHERE key = '{CHANGES}'")
            try:
                con.commit()
            except psycopg.OperationalError as error:
                raise CorridorsError(
                    f"the store {self.name} was lost while a write was being committed, so it may "
                    f"hold it or not; look before writing it again: {_reason(error)}"
                ) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that only reads, all of one moment; what is not there reads as empty."""
        with self._told("read"), self._connected() as con:
            import psycopg

            con.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            con.read_only = True
            self._begin(con, _IN_TIME)
            link = _Link(con, self.name)
            version = schema.version_of(link, self.name)
            if 0 < version < schema.SCHEMA_VERSION:
                raise CorridorsError(
                    f"the store {self.name} has schema version {version}, older than this release "
                    "reads: the next write by somebody who may write it brings it up to date"
                )
            if version:
                yield link
            else:
                with file.nothing() as empty:
                    yield empty

    def changed(self) -> int:
        """How often it was written; 0 when nothing is there, -1 when it cannot be asked."""
        try:
            with self._told("read"), self._connected() as con:
                self._begin(con, _IN_TIME)
                if "meta" not in _Link(con, self.name).tables():
                    return 0
                found = con.execute(f"SELECT value FROM meta WHERE key = '{CHANGES}'").fetchone()
        except CorridorsError:
            return -1
        return int(found[0]) if found and str(found[0]).isdigit() else -1

    @contextmanager
    def _told(self, deed: str) -> Iterator[None]:
        """Tell every fault of the server as one sentence that names the store."""
        try:
            import psycopg
        except ImportError:
            raise UsageError(
                "a store on PostgreSQL needs psycopg: pip install 'corridors[postgres]'"
            ) from None
        try:
            yield
        except (psycopg.Error, OSError) as error:
            why = _reason(error)
            if isinstance(error, psycopg.errors.InsufficientPrivilege) and deed == "written":
                why += " (this user may only read)"
            raise CorridorsError(f"the store {self.name} cannot be {deed}: {why}") from error

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        import psycopg

        usual: dict[str, Any] = {"connect_timeout": _CONNECT_S, **_ALIVE, **_password()}
        usual |= self.options
        con = psycopg.connect(
            **usual,
            client_encoding="UTF8",
            application_name=f"corridors, pid {os.getpid()}",
            prepare_threshold=None,  # a pool may give each transaction another server process
        )
        try:
            yield con
        finally:
            with suppress(psycopg.Error):
                con.close()  # what was not committed is gone

    def _begin(self, con: psycopg.Connection[Any], more: str) -> None:
        encoding = con.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise CorridorsError(
                f"the store {self.name} is kept in {encoding}; make its database with "
                "ENCODING 'UTF8', since news come in every script"
            )
        # The keepalives: when the network falls silent, both ends find out within a minute.
        con.execute(
            f"SET LOCAL search_path = {NAMESPACE}, pg_temp; SET LOCAL TimeZone = 'UTC'; "
            "SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL extra_float_digits = 1; "
            f"SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_S}s'; "
            "SET LOCAL tcp_keepalives_idle = 30; SET LOCAL tcp_keepalives_interval = 10; "
            f"SET LOCAL tcp_keepalives_count = 3; {more}"
        )

    def _lock(self, con: psycopg.Connection[Any]) -> None:
        """Wait until no other writer is there, and keep others out until the transaction ends."""
        import psycopg

        try:
            con.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        except psycopg.errors.LockNotAvailable:
            con.rollback()
            who = con.execute(
                "SELECT coalesce(application_name, ''), usename FROM pg_stat_activity "
                "JOIN pg_locks USING (pid) WHERE locktype = 'advisory' AND granted "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
                "AND classid::bigint = %s AND objid::bigint = %s",
                [_LOCK >> 32, _LOCK & 0xFFFFFFFF],
            ).fetchone()
            pid = re.search(r"pid \d+", who[0]) if who else None
            told = f" ({pid[0] if pid else 'pid unknown'}, user {who[1]})" if who else ""
            raise CorridorsError(
                f"the store {self.name} is in use by another process{told}; "
                f"waited {self.wait_s:g} s"
            ) from None
        # What is said to be written is on the disk, whatever this database does elsewhere.
        con.execute(
            f"{_IN_TIME}; SELECT set_config('synchronous_commit', 'on', true) "
            "WHERE current_setting('synchronous_commit') = 'off'"
        )


class _Link:
    """A connection to PostgreSQL (`layers.store.sql.Connection`)."""

    def __init__(self, con: psycopg.Connection[Any], name: str) -> None:
        self._con, self._name = con, name

    def tables(self) -> set[str]:
        usable = "SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = ?"
        if self.rows(usable, [NAMESPACE]) == [(False,)]:
            raise CorridorsError(
                f"the store {self._name} cannot be read: this user has no right to the schema "
                f"{NAMESPACE} (GRANT USAGE ON SCHEMA {NAMESPACE})"
            )
        named = "SELECT tablename FROM pg_tables WHERE schemaname = ?"
        return {str(name) for (name,) in self.rows(named, [NAMESPACE])}

    def make(self, table: str, columns: Mapping[str, str]) -> None:
        self.run(f"CREATE TABLE {table} ({_listed(columns)})")

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        self._con.execute(_marked(sql), bare(params))

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        return self._con.execute(_marked(sql), bare(params)).fetchall()

    def stream(self, sql: str, size: int) -> Iterator[list[Row]]:
        with self._con.cursor("stream") as cursor:
            cursor.execute(_marked(sql), [])
            while some := cursor.fetchmany(size):
                yield some

    def frame(self, sql: str, params: Sequence[Any] = ()) -> pd.DataFrame:
        # As text in bulk: a third of the time that objects of each cell would take.
        import psycopg
        import pyarrow as pa
        from pyarrow import csv

        plain = psycopg.ClientCursor(self._con).mogrify(_marked(sql), bare(params))
        with self._con.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({plain}) AS found LIMIT 0")
            kinds = {column.name: _arrow_of(column) for column in cursor.description or ()}
            text = io.BytesIO()
            with cursor.copy(f"COPY ({plain}) TO STDOUT (FORMAT csv)") as rows:
                for some in rows:
                    text.write(some)
        if not text.tell():
            empty: pd.DataFrame = pa.schema(kinds.items()).empty_table().to_pandas()
            return empty
        text.seek(0)
        options = csv.ConvertOptions(
            column_types=kinds,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        )
        table: pd.DataFrame = csv.read_csv(
            text,
            csv.ReadOptions(column_names=list(kinds)),
            csv.ParseOptions(newlines_in_values=True),
            options,
        ).to_pandas()
        return table

    def insert(self, table: str, rows: pa.Table) -> None:
        kinds = [schema.TABLES[table][name] for name in rows.column_names]
        columns = ", ".join(rows.column_names)
        with self._con.cursor() as cursor:
            self._fill(cursor, f"{table} ({columns})", kinds, rows)

    @contextmanager
    def staged(self, table: str, rows: pa.Table) -> Iterator[None]:
        columns = {name: schema.TABLES[table][name] for name in rows.column_names}
        self.run(f"CREATE TEMP TABLE incoming ({_listed(columns)}) ON COMMIT DROP")
        with self._con.cursor() as cursor:
            self._fill(cursor, "incoming", list(columns.values()), rows)
        self.run("ANALYZE incoming")
        yield
        self.run("DROP TABLE incoming")

    @staticmethod
    def _fill(cursor: psycopg.Cursor[Any], into: str, kinds: Sequence[str], rows: pa.Table) -> None:
        # In binary: no text of a publisher can look like an end of the data.
        with cursor.copy(f"COPY {into} FROM STDIN (FORMAT binary)") as copy:
            copy.set_types([_COPIED[kind] for kind in kinds])
            for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
                copy.write_row(row)


_COPIED = {
    "VARCHAR": "varchar",
    "DOUBLE PRECISION": "float8",
    "BIGINT": "int8",
    "INTEGER": "int4",
    "BOOLEAN": "bool",
    "TIMESTAMP": "timestamp",
    "BYTEA": "bytea",
}
_KINDS = {name: kind for kind, name in _COPIED.items()}


def _arrow_of(column: psycopg.Column) -> pa.DataType:
    """The type in Arrow of a column of an answer."""
    return arrow_type(_KINDS[column.type_display.split("(")[0]])


def _raise(con: psycopg.Connection[Any], link: _Link, version: int) -> None:
    """Bring the tables up to date; those that are not there are made, with their indexes."""
    if version:
        schema.bring_up(link, version)
        return
    # A schema only where it is not made for us already: to make one asks for more rights.
    if not link.rows("SELECT 1 FROM pg_namespace WHERE nspname = ?", [NAMESPACE]):
        con.execute(f"CREATE SCHEMA {NAMESPACE}")
    schema.bring_up(link, version)
    for columns in _INDEXES:
        con.execute(f"CREATE INDEX ON {columns}")
    link.run("INSERT INTO meta VALUES (?, '0')", [CHANGES])


def _listed(columns: Mapping[str, str]) -> str:
    """Columns as they are made: text in the order of its bytes, whatever the database sorts by."""
    ordered = {"VARCHAR": 'VARCHAR COLLATE "C"'}
    return ", ".join(f"{column} {ordered.get(kind, kind)}" for column, kind in columns.items())


def _marked(sql: str) -> str:
    """The statement with the marks of psycopg where values go."""
    return sql.replace("%", "%%").replace("?", "%s")


def _options(address: str) -> dict[str, str]:
    """What to connect by, of an address; see `Server.at`."""
    try:
        parts = urlsplit(address)
        found = _spelt(parts)
    except ValueError:
        found = None
    if found is None:
        raise UsageError(f"the address of the store cannot be read: it is spelt {_SPELT}") from None
    unknown = [key for key in dict(parse_qsl(parts.query)) if key not in _OPTIONS]
    if unknown:
        raise UsageError(
            "the address of the store says something unknown after its question mark; known are "
            + ", ".join(sorted(_OPTIONS))
        )
    return found


def _spelt(parts: SplitResult) -> dict[str, str] | None:
    """The options of an address; None when a letter stands where it cannot.

    A password with such a letter in it would else be taken for a host, and shown.
    """
    database = parts.path.removeprefix("/")
    bad = parts.fragment or "@" in database or "/" in database
    if bad or parts.netloc.count("@") > 1 or any(c.isspace() for c in parts.netloc + database):
        return None
    host = re.sub(r":\d*$", "", parts.netloc.rpartition("@")[2]).strip("[]")
    held = {
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "host": unquote(host),
        "port": str(parts.port or ""),
        "dbname": unquote(database),
    }
    more = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    return {key: value for key, value in {**held, **more}.items() if value}


def _password() -> dict[str, str]:
    """The password as an option, where a file of it is named: containers are given secrets so.

    Raises
    ------
    CorridorsError
        When that file cannot be read.
    """
    named = os.environ.get(PASSWORD_FILE, "")
    if not named:
        return {}
    try:
        return {"password": Path(named).read_text("utf-8").strip("\r\n")}
    except (OSError, UnicodeDecodeError) as error:
        raise CorridorsError(f"${PASSWORD_FILE} names no file that can be read: {error}") from None


def _name(options: Mapping[str, str]) -> str:
    """The address of some options as it may be shown."""
    user = quote(options["user"], safe="") + "@" if "user" in options else ""
    host = options.get("host", "")
    port = f":{options['port']}" if "port" in options else ""
    database = quote(options.get("dbname", ""), safe="")
    if host.startswith("/"):  # a folder with a socket
        return f"postgresql://{user}{port}/{database}?host={host}"
    host = f"[{host}]" if ":" in host else host
    return f"postgresql://{user}{host}{port}/{database}"


def _reason(error: BaseException) -> str:
    """The first line of what the server or the library says, without what the lines begin with."""
    lines = [line.strip(" -") for line in str(error).splitlines() if line.strip()]
    if len(lines) > 1 and "Multiple connection attempts" in lines[0]:
        lines = lines[1:]
    return lines[0] if lines else type(error).__name__


__all__ = ["CHANGES", "NAMESPACE", "Server", "is_address"]
