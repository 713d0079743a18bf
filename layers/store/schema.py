"""Tables of the store and their versions: made, or brought up to date."""

from __future__ import annotations

from collections.abc import Mapping

from layers.errors import CorridorsError
from layers.events import EVENT, OBSERVATION
from layers.ledger import START
from layers.store.sql import Connection

SCHEMA_VERSION = 2
"""1: what the feeds said. 2: the warning log, and who may see an event."""

_SQL_TYPE = {
    "str": "VARCHAR",
    "float64": "DOUBLE PRECISION",
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
    "bodies": {"sha256": "VARCHAR", "body": "BYTEA", "bytes": "BIGINT"},
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
    "visibility": "CASE WHEN position('visibility_private' IN quality_flags) > 0 THEN 'private' "
    "WHEN position('visibility_organisation' IN quality_flags) > 0 THEN 'organisation' "
    "ELSE 'public' END",
    "reporter_type": "CASE WHEN source = 'local_reports' THEN subtype ELSE '' END",
}
"""Columns of the events that came with version 2, and what they are for rows of version 1 in SQL
(the same in Python: `layers.store.rows.payload_hashes`)."""
HEAD: Mapping[str, str] = {"log_count": str(START.count), "log_head": START.sha256}
"""What ``meta`` notes of a log without entries."""


def version_of(con: Connection, name: str) -> int:
    """Version of the tables that are there; 0 when there are none.

    Raises
    ------
    CorridorsError
        When the store of that name is of a newer version, or of somebody else.
    """
    there = con.tables()
    if not there:
        return 0
    if "meta" not in there:
        raise CorridorsError(f"{name} is a database, but not one of this project")
    found = con.rows("SELECT value FROM meta WHERE key = 'schema_version'")
    version = int(found[0][0]) if found and str(found[0][0]).isdigit() else -1
    if not 1 <= version <= SCHEMA_VERSION:
        raise CorridorsError(
            f"the store {name} has schema version {version} and this release knows "
            f"{SCHEMA_VERSION}: it was written by a newer release, or give another --store"
        )
    return version


def bring_up(con: Connection, version: int) -> None:
    """Make the tables, or add to those of an older version what they lack."""
    if version == 0:
        for name, columns in TABLES.items():
            con.make(name, columns)
        con.run("INSERT INTO meta VALUES ('schema_version', ?)", [str(SCHEMA_VERSION)])
    if version == 1:
        con.make("log", TABLES["log"])
        for column, value in ADDED.items():
            con.run(f"ALTER TABLE events ADD COLUMN {column} VARCHAR")
            con.run(f"UPDATE events SET {column} = {value}")
        con.run("UPDATE meta SET value = ? WHERE key = 'schema_version'", [str(SCHEMA_VERSION)])
    if version < 2:
        for pair in HEAD.items():
            con.run("INSERT INTO meta VALUES (?, ?)", list(pair))
