"""Tables of the store and their versions: made, brought up to date, or read as if they were."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from layers.errors import CorridorsError
from layers.events import EVENT, OBSERVATION
from layers.ledger import START

if TYPE_CHECKING:
    import duckdb

SCHEMA_VERSION = 2
"""1: what the feeds said. 2: the warning log, and who may see an event."""

_SQL_TYPE = {
    "str": "VARCHAR",
    "float64": "DOUBLE",
    "int64": "BIGINT",
    "bool": "BOOLEAN",
    "datetime64[us, UTC]": "TIMESTAMP",  # always UTC; with a zone DuckDB would need an extension
}
STATE_SQL: Mapping[str, str] = {
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
TABLES: Mapping[str, Mapping[str, str]] = {
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
    "states": STATE_SQL,
    "log": {
        "seq": "BIGINT",
        "kind": "VARCHAR",
        "written_at": "TIMESTAMP",
        "body": "VARCHAR",
        "previous_sha256": "VARCHAR",
        "sha256": "VARCHAR",
    },
}

ADDED: Mapping[str, str] = {
    "visibility": "CASE WHEN contains(quality_flags, 'visibility_private') THEN 'private' "
    "WHEN contains(quality_flags, 'visibility_organisation') THEN 'organisation' "
    "ELSE 'public' END",
    "reporter_type": "CASE WHEN source = 'local_reports' THEN subtype ELSE '' END",
}
"""Columns of the events that came with version 2, and what they are for rows of version 1 in SQL
(the same in Python: `layers.store_rows.payload_hashes`)."""
_HEAD = {"log_count": str(START.count), "log_head": START.sha256}


def version_of(con: duckdb.DuckDBPyConnection, path: Path) -> int:
    """Version of the tables that are there; 0 when there are none.

    Raises
    ------
    CorridorsError
        When the file is of a newer version, or of somebody else.
    """
    import duckdb

    try:
        found = con.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall()
    except duckdb.CatalogException:
        if con.execute("SELECT 1 FROM duckdb_tables()").fetchall():
            raise CorridorsError(f"{path} is a database, but not one of this project") from None
        return 0
    version = int(found[0][0]) if found and str(found[0][0]).isdigit() else -1
    if not 1 <= version <= SCHEMA_VERSION:
        raise CorridorsError(
            f"the store {path} has schema version {version} and this release knows "
            f"{SCHEMA_VERSION}: it was written by a newer release, or give another --store"
        )
    return version


def bring_up(con: duckdb.DuckDBPyConnection, version: int) -> None:
    """Make the tables, or add to those of an older version what they lack."""
    if version == 0:
        for name in TABLES:
            _make(con, name)
        con.execute("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
    if version == 1:
        _make(con, "log")
        for column, value in ADDED.items():
            con.execute(f"ALTER TABLE events ADD COLUMN {column} VARCHAR")
            con.execute(f"UPDATE events SET {column} = {value}")
        con.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(SCHEMA_VERSION)])
    if version < 2:
        for pair in _HEAD.items():
            con.execute("INSERT INTO meta VALUES (?, ?)", list(pair))


def read_as_newest(con: duckdb.DuckDBPyConnection, version: int) -> None:
    """Let a file that is only read look like one of the newest version; nothing is written."""
    if version != 1:
        return
    found = con.execute("SELECT current_database()").fetchall()
    file = str(found[0][0]).replace('"', '""')
    added = ", ".join(f"{value} AS {column}" for column, value in ADDED.items())
    con.execute(f'CREATE TEMP VIEW events AS SELECT *, {added} FROM "{file}".main.events')
    con.execute(f'CREATE TEMP TABLE meta AS SELECT * FROM "{file}".main.meta')
    for pair in _HEAD.items():
        con.execute("INSERT INTO temp.meta VALUES (?, ?)", list(pair))
    _make(con, "log", "TEMP TABLE")


def _make(con: duckdb.DuckDBPyConnection, name: str, what: str = "TABLE") -> None:
    listed = ", ".join(f"{column} {kind}" for column, kind in TABLES[name].items())
    con.execute(f"CREATE {what} {name} ({listed})")
