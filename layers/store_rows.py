"""Rows of the store: answers, events, measured values and the log, in and out of its tables."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import TYPE_CHECKING, Any

import pandas as pd

from layers.errors import CorridorsError
from layers.events import EVENT
from layers.ledger import Entry, Head
from layers.source import Answer
from layers.store_schema import ADDED, STATE_SQL, TABLES

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

OURS = frozenset({"retrieved_at", "content_as_of", "raw_sha256", "parser_version"})
"""Columns of an event that say how we learned it; a change in them alone is no new version."""
FROM_FILE = "file:"
"""The ``base`` of values that came from a file and not by asking: no attempt on their feed."""


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


@dataclass(frozen=True)
class Filled:
    """What became of a file's days, each counted once for each series.

    Attributes
    ----------
    added
        Not known before.
    known
        Known before; of these ``differing`` say something else than the store.
    """

    added: int
    known: int
    differing: int


def payload_hashes(events: pd.DataFrame) -> list[str]:
    """The SHA-256 of what each event says, without how we learned it.

    A column that came with version 2 counts where it is not what a row of version 1 was given
    (``ADDED``), so that the hash of such a row is still the one written with it.
    """
    columns = []
    for name, kind in EVENT.items():
        if name in OURS or name in ADDED:
            continue
        if kind.startswith("datetime"):
            values = events[name].astype("int64").where(events[name].notna(), 0).astype("str")
            columns.append(values.where(events[name].notna(), "").tolist())
        elif kind == "float64":
            columns.append(["" if isnan(v) else repr(v) for v in events[name].tolist()])
        else:
            columns.append([str(v) for v in events[name].tolist()])
    rows = zip(*columns, _told_by_added(events), strict=True)
    return [hashlib.sha256(("\x1f".join(row) + more).encode()).hexdigest() for *row, more in rows]


def _told_by_added(events: pd.DataFrame) -> list[str]:
    """What the columns of ``ADDED`` say beyond what follows from the other columns."""
    flags, owns = events["quality_flags"], events["source"] == "local_reports"
    rest = ("private", "organisation")
    usual = {
        "visibility": [
            next((w for w in rest if f"visibility_{w}" in str(f)), "public") for f in flags
        ],
        "reporter_type": events["subtype"].where(owns, "").tolist(),
    }
    more = [""] * len(events)
    for name, expected in usual.items():
        held = zip(more, events[name], expected, strict=True)
        more = [m if v == e else f"{m}\x1f{name}={v}" for m, v, e in held]
    return more


# Rows in


def put_answers(
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
        row: list[Any] = [refresh, position, feed, answer.url, naive(answer.retrieved_at)]
        row += [answer.status, answer.media_type, answer.etag, answer.last_modified]
        row += [digest, len(answer.body), base, accepted]
        con.execute(f"INSERT INTO answers VALUES ({', '.join('?' * len(row))})", row)
    return fresh


def put_events(
    con: duckdb.DuckDBPyConnection, refresh: int, feed: str, events: pd.DataFrame
) -> None:
    """A version for each event that is new or says something else, and when each was last seen."""
    if events.empty:
        return
    # One event twice in one answer: what the source updated last counts.
    ordered = events.sort_values("updated_at", kind="stable", na_position="first")
    once = ordered.drop_duplicates("event_uid", keep="last").assign(feed=feed, refresh=refresh)
    once["payload_sha256"] = payload_hashes(once)
    columns = [name for name in TABLES["events"] if name != "version"]
    con.register("incoming", arrow(once[columns]))
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


def put_observations(
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
    columns = list(TABLES["observations"])
    table = observations.assign(feed=feed, refresh=refresh)[columns]
    con.register("raw_incoming", arrow(table))
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


def put_file(
    con: duckdb.DuckDBPyConnection,
    feed: str,
    answer: Answer,
    observations: pd.DataFrame,
    *,
    now: datetime,
    replace: bool,
) -> Filled:
    """Write of a file's values those of days not known yet; with ``replace`` those that differ."""
    compared = _compared(con, feed, observations)
    wanted = observations[(~compared["known"] | (compared["differs"] & replace)).to_numpy()]
    if len(wanted):
        refresh = number(con, "SELECT coalesce(max(refresh), 0) + 1 FROM refreshes")
        row = [refresh, feed, naive(now), FROM_FILE, True, "", len(wanted)]
        con.execute("INSERT INTO refreshes VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        put_answers(con, refresh, feed, [answer], accepted=True, base=FROM_FILE)
        put_observations(con, refresh, feed, wanted, vintage=True)
    days = compared.groupby(["series", "observed_at"])[["known", "differs"]].any()
    known, differing = int(days["known"].sum()), int(days["differs"].sum())
    return Filled(len(days) - known, known, differing)


def _compared(
    con: duckdb.DuckDBPyConnection, feed: str, observations: pd.DataFrame
) -> pd.DataFrame:
    """``series`` and ``observed_at`` of each value, and how it compares with what is held.

    ``known``: the day of the series is held in any metric; ``differs``: this value is held and
    its newest is another.
    """
    held = frame(
        con,
        "SELECT series, metric, observed_at, arg_max(value, refresh) AS held FROM observations "
        "WHERE feed = ? GROUP BY series, metric, observed_at",
        [feed],
    )
    held = typed(held, {"observed_at": "datetime64[us, UTC]"})
    day = ["series", "observed_at"]
    found = observations.merge(held, on=[*day, "metric"], how="left")
    found = found.merge(held[day].drop_duplicates(), on=day, how="left", indicator="both")
    return found[day].assign(
        known=found["both"] == "both",
        differs=found["held"].notna() & (found["held"] != found["value"]),
    )


def put_state(con: duckdb.DuckDBPyConnection, state: State) -> None:
    """Write the newest state of a feed in place of the one before."""
    held = asdict(state)
    held["skipped"] = json.dumps(held["skipped"], sort_keys=True)
    row = [naive(v) if isinstance(v, datetime) else v for v in (held[c] for c in STATE_SQL)]
    con.execute("DELETE FROM states WHERE feed = ?", [state.feed])
    con.execute(f"INSERT INTO states VALUES ({', '.join('?' * len(row))})", row)


def put_entries(con: duckdb.DuckDBPyConnection, new: Sequence[Entry]) -> None:
    """Add entries to the log and note its new head."""
    if not new:
        return
    table = pd.DataFrame([astuple(entry) for entry in new], columns=list(TABLES["log"]))
    con.register("incoming", arrow(table))
    con.execute("INSERT INTO log SELECT * FROM incoming")
    con.unregister("incoming")
    for key, value in (("log_count", str(new[-1].seq)), ("log_head", new[-1].sha256)):
        con.execute("UPDATE meta SET value = ? WHERE key = ?", [value, key])


# Rows away

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


def drop_bodies(con: duckdb.DuckDBPyConnection, older_than: timedelta, now: datetime) -> Pruned:
    """Drop the raw bodies that `Store.prune` need not keep."""
    con.execute(_SELECT_PRUNABLE, [naive(now - older_than), naive(now)])
    count = number(con, "SELECT count(*) FROM prunable")
    size = number(con, "SELECT coalesce(sum(bytes), 0) FROM prunable")
    con.execute(
        "INSERT INTO pruned SELECT sha256, "
        "(SELECT coalesce(max(refresh), 0) FROM refreshes) FROM prunable"
    )
    con.execute("DELETE FROM bodies WHERE sha256 IN (SELECT sha256 FROM prunable)")
    con.execute("DROP TABLE prunable")
    return Pruned(count, size)


# Rows out


def head(con: duckdb.DuckDBPyConnection) -> Head:
    """Where the log ends, as it was noted when it was last written.

    Raises
    ------
    CorridorsError
        When that is gone.
    """
    held = dict(con.execute("SELECT key, value FROM meta WHERE key LIKE 'log_%'").fetchall())
    count = str(held.get("log_count"))
    if not (count.isascii() and count.isdigit() and "log_head" in held):
        raise CorridorsError("the head of the warning log is gone")
    return Head(int(count), held["log_head"])


def entries(con: duckdb.DuckDBPyConnection, where: str = "true", params: Any = ()) -> list[Entry]:
    """The entries of the log by their numbers."""
    query = f"SELECT {', '.join(TABLES['log'])} FROM log WHERE {where} ORDER BY seq"
    rows = con.execute(query, list(params)).fetchall()
    return [Entry(seq, kind, at.replace(tzinfo=UTC), *rest) for seq, kind, at, *rest in rows]


def states_of(con: duckdb.DuckDBPyConnection) -> dict[str, State]:
    """The state of each feed, by id."""
    rows = con.execute(f"SELECT {', '.join(STATE_SQL)} FROM states").fetchall()
    return {row[0]: _state(dict(zip(STATE_SQL, row, strict=True))) for row in rows}


def _state(row: dict[str, Any]) -> State:
    row["skipped"] = json.loads(row["skipped"] or "{}")
    for name, value in row.items():
        if isinstance(value, datetime):
            row[name] = value.replace(tzinfo=UTC)
    return State(**row)


def answers_where(con: duckdb.DuckDBPyConnection, where: str, params: list[Any]) -> list[Answer]:
    """The answers that meet a condition and still have their bodies, oldest first."""
    query = (
        "SELECT url, body, retrieved_at, status, media_type, etag, last_modified "
        f"FROM answers a JOIN bodies b USING (sha256) WHERE {where} ORDER BY refresh, position"
    )
    rows = con.execute(query, params).fetchall()
    return [
        Answer(url, zlib.decompress(body), at.replace(tzinfo=UTC), *rest)
        for url, body, at, *rest in rows
    ]


def frame(con: duckdb.DuckDBPyConnection, query: str, params: list[Any]) -> pd.DataFrame:
    """The rows of a query as DuckDB types them."""
    table: pd.DataFrame = con.sql(query, params=params).to_arrow_table().to_pandas()
    return table


def typed(table: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """The table with some columns of the types named; moments of DuckDB are UTC."""
    for column, kind in kinds.items():
        if kind.startswith("datetime"):
            table[column] = pd.to_datetime(table[column]).dt.tz_localize("UTC").astype(kind)  # type: ignore[call-overload]
        else:
            table[column] = table[column].astype(kind)  # type: ignore[call-overload]
    return table


def arrow(table: pd.DataFrame) -> pa.Table:
    """The table for DuckDB: moments without their zone (always UTC), nothing as null."""
    import pyarrow as pa

    zoned = [c for c in table.columns if isinstance(table[c].dtype, pd.DatetimeTZDtype)]
    bare = table.assign(**{c: table[c].dt.tz_convert("UTC").dt.tz_localize(None) for c in zoned})
    return pa.Table.from_pandas(bare, preserve_index=False)


def naive(moment: datetime | None) -> datetime | None:
    """The moment in UTC as DuckDB keeps it, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment is not None else None


def number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    """The one whole number that a query gives."""
    found = con.execute(query).fetchall()
    return int(found[0][0])
