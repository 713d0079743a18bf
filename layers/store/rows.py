"""Rows of the store: answers, events, measured values and the log, in and out of its tables."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import Any

import pandas as pd

from layers.errors import CorridorsError
from layers.events import EVENT
from layers.ledger import Entry, Head
from layers.source import Answer
from layers.store.schema import ADDED, STATE_SQL, TABLES
from layers.store.sql import Connection, arrow

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
    con: Connection,
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
        known = con.rows("SELECT 1 FROM bodies WHERE sha256 = ?", [digest])
        if not known:
            fresh = True
            packed = zlib.compress(answer.body, 6)
            con.run("INSERT INTO bodies VALUES (?, ?, ?)", [digest, packed, len(answer.body)])
            con.run("DELETE FROM pruned WHERE sha256 = ?", [digest])
        row: list[Any] = [refresh, position, feed, answer.url, naive(answer.retrieved_at)]
        row += [answer.status, answer.media_type, answer.etag, answer.last_modified]
        row += [digest, len(answer.body), base, accepted]
        con.run(f"INSERT INTO answers VALUES ({', '.join('?' * len(row))})", row)
    return fresh


def put_events(con: Connection, refresh: int, feed: str, events: pd.DataFrame) -> None:
    """A version for each event that is new or says something else, and when each was last seen."""
    if events.empty:
        return
    # One event twice in one answer: what the source updated last counts.
    ordered = storable(events).sort_values("updated_at", kind="stable", na_position="first")
    once = ordered.drop_duplicates("event_uid", keep="last").assign(feed=feed, refresh=refresh)
    once["payload_sha256"] = payload_hashes(once)
    columns = [name for name in TABLES["events"] if name != "version"]
    with con.staged("events", arrow(once[columns], TABLES["events"])):
        con.run(
            f"INSERT INTO events (version, {', '.join(columns)}) "
            f"SELECT coalesce(l.version, 0) + 1, {', '.join(f'i.{c}' for c in columns)} "
            "FROM incoming i LEFT JOIN (SELECT event_uid, version, payload_sha256 FROM "
            "(SELECT event_uid, version, payload_sha256, row_number() OVER "
            "(PARTITION BY event_uid ORDER BY version DESC) AS place FROM events "
            "WHERE event_uid IN (SELECT event_uid FROM incoming)) AS placed WHERE place = 1) l "
            "ON l.event_uid = i.event_uid "
            "WHERE i.payload_sha256 IS DISTINCT FROM l.payload_sha256"
        )
        con.run("DELETE FROM seen WHERE event_uid IN (SELECT event_uid FROM incoming)")
        con.run("INSERT INTO seen SELECT event_uid, feed, refresh FROM incoming")


def put_observations(
    con: Connection,
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
    table = storable(observations).assign(feed=feed, refresh=refresh)[columns]
    once = table.drop_duplicates(["series", "metric", "observed_at"], keep="last")
    with con.staged("observations", arrow(once, TABLES["observations"])):
        con.run(
            f"INSERT INTO observations SELECT {', '.join(f'i.{c}' for c in columns)} "
            "FROM incoming i LEFT JOIN (SELECT * FROM (SELECT *, row_number() OVER "
            "(PARTITION BY series, metric, observed_at ORDER BY refresh DESC) AS place "
            "FROM observations WHERE feed = ? "
            "AND observed_at >= (SELECT min(observed_at) FROM incoming)) AS placed "
            "WHERE place = 1) l ON l.series = i.series AND l.metric = i.metric "
            "AND l.observed_at = i.observed_at WHERE l.refresh IS NULL "
            "OR l.value IS DISTINCT FROM i.value "
            "OR l.unit <> i.unit OR l.quality_flags <> i.quality_flags",
            [feed],
        )
        if vintage:
            con.run(
                "INSERT INTO vintages SELECT feed, refresh, series, min(observed_at), "
                "max(observed_at), count(*) FROM incoming GROUP BY feed, refresh, series"
            )


def put_file(
    con: Connection,
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
        con.run("INSERT INTO refreshes VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        put_answers(con, refresh, feed, [answer], accepted=True, base=FROM_FILE)
        put_observations(con, refresh, feed, wanted, vintage=True)
    days = compared.groupby(["series", "observed_at"])[["known", "differs"]].any()
    known, differing = int(days["known"].sum()), int(days["differs"].sum())
    return Filled(len(days) - known, known, differing)


def _compared(con: Connection, feed: str, observations: pd.DataFrame) -> pd.DataFrame:
    """``series`` and ``observed_at`` of each value, and how it compares with what is held.

    ``known``: the day of the series is held in any metric; ``differs``: this value is held and
    its newest is another.
    """
    # Of a value, the newest that is one: a day that came as missing later says nothing else.
    held = con.frame(
        "SELECT series, metric, observed_at, value AS held FROM (SELECT *, row_number() OVER "
        "(PARTITION BY series, metric, observed_at ORDER BY "
        "CASE WHEN value IS NULL THEN 1 ELSE 0 END, refresh DESC) AS place FROM observations "
        "WHERE feed = ?) AS placed WHERE place = 1",
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


def put_state(con: Connection, state: State) -> None:
    """Write the newest state of a feed in place of the one before."""
    held = asdict(state)
    held["skipped"] = json.dumps(held["skipped"], sort_keys=True)
    row = [naive(v) if isinstance(v, datetime) else v for v in (held[c] for c in STATE_SQL)]
    con.run("DELETE FROM states WHERE feed = ?", [state.feed])
    con.run(f"INSERT INTO states VALUES ({', '.join('?' * len(row))})", row)


def put_entries(con: Connection, new: Sequence[Entry]) -> None:
    """Add entries to the log and note its new head."""
    if not new:
        return
    table = pd.DataFrame([astuple(entry) for entry in new], columns=list(TABLES["log"]))
    con.insert("log", arrow(table, TABLES["log"]))
    for key, value in (("log_count", str(new[-1].seq)), ("log_head", new[-1].sha256)):
        con.run("UPDATE meta SET value = ? WHERE key = ?", [value, key])


# Rows away

_PRUNABLE = """
WITH kept AS (
    SELECT sha256 FROM answers WHERE retrieved_at >= ?
    UNION ALL
    SELECT sha256 FROM answers WHERE (feed, refresh) IN (
        SELECT feed, max(refresh) FROM answers GROUP BY feed
        UNION ALL SELECT feed, max(refresh) FROM answers WHERE accepted GROUP BY feed, base)
    UNION ALL
    SELECT raw_sha256 AS sha256 FROM events
    WHERE (event_uid, version) IN (SELECT event_uid, max(version) FROM events GROUP BY event_uid)
    AND status NOT IN ('ended', 'cancelled', 'superseded') AND coalesce(ends_at > ?, true))
SELECT sha256, bytes FROM bodies b
WHERE NOT EXISTS (SELECT 1 FROM kept k WHERE k.sha256 = b.sha256)
"""


def drop_bodies(con: Connection, older_than: timedelta, now: datetime) -> Pruned:
    """Drop the raw bodies that `Store.prune` need not keep."""
    found = con.rows(_PRUNABLE, [naive(now - older_than), naive(now)])
    hashes = [digest for digest, _ in found]
    con.run(
        "INSERT INTO pruned SELECT sha256, (SELECT coalesce(max(refresh), 0) FROM refreshes) "
        "FROM bodies WHERE sha256 = ANY(?)",
        [hashes],
    )
    con.run("DELETE FROM bodies WHERE sha256 = ANY(?)", [hashes])
    return Pruned(len(found), sum(size for _, size in found))


# Rows out


def head(con: Connection) -> Head:
    """Where the log ends, as it was noted when it was last written.

    Raises
    ------
    CorridorsError
        When that is gone.
    """
    noted = "SELECT key, value FROM meta WHERE key IN ('log_count', 'log_head')"
    held: dict[str, str] = dict(con.rows(noted))
    count = str(held.get("log_count"))
    if not (count.isascii() and count.isdigit() and "log_head" in held):
        raise CorridorsError("the head of the warning log is gone")
    return Head(int(count), held["log_head"])


def entries(
    con: Connection, where: str = "true", params: Any = (), *, newest: int | None = None
) -> list[Entry]:
    """The entries of the log by their numbers, or so many of the newest."""
    if newest is not None:
        # By number first: a body is large, and sorting would carry every one of them along.
        last = con.rows(
            f"SELECT seq FROM log WHERE {where} ORDER BY seq DESC LIMIT {newest:d}", list(params)
        )
        where, params = f"({where}) AND seq >= ?", [*params, min(last, default=(0,))[0]]
    query = f"SELECT {', '.join(TABLES['log'])} FROM log WHERE {where} ORDER BY seq"
    rows = con.rows(query, list(params))
    return [Entry(seq, kind, at.replace(tzinfo=UTC), *rest) for seq, kind, at, *rest in rows]


def states_of(con: Connection) -> dict[str, State]:
    """The state of each feed, by id."""
    rows = con.rows(f"SELECT {', '.join(STATE_SQL)} FROM states")
    return {row[0]: _state(dict(zip(STATE_SQL, row, strict=True))) for row in rows}


def _state(row: dict[str, Any]) -> State:
    row["skipped"] = json.loads(row["skipped"] or "{}")
    for name, value in row.items():
        if isinstance(value, datetime):
            row[name] = value.replace(tzinfo=UTC)
    return State(**row)


def answers_where(con: Connection, where: str, params: list[Any]) -> list[Answer]:
    """The answers that meet a condition and still have their bodies, oldest first."""
    query = (
        "SELECT url, body, retrieved_at, status, media_type, etag, last_modified "
        f"FROM answers a JOIN bodies b USING (sha256) WHERE {where} ORDER BY refresh, position"
    )
    rows = con.rows(query, params)
    return [
        Answer(url, zlib.decompress(body), at.replace(tzinfo=UTC), *rest)
        for url, body, at, *rest in rows
    ]


def typed(table: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """The table with some columns of the types named; moments of a store are UTC."""
    for column, kind in kinds.items():
        if kind.startswith("datetime"):
            table[column] = pd.to_datetime(table[column]).dt.tz_localize("UTC").astype(kind)  # type: ignore[call-overload]
        else:
            table[column] = table[column].astype(kind)  # type: ignore[call-overload]
    return table


def storable(table: pd.DataFrame) -> pd.DataFrame:
    """The table without NUL characters, which no text needs and PostgreSQL cannot hold."""
    texts = [str(name) for name, kind in table.dtypes.items() if kind == "str"]
    held = [c for c in texts if table[c].str.contains("\0", regex=False).any()]
    return table.assign(**{c: table[c].str.replace("\0", "", regex=False) for c in held})


def naive(moment: datetime | None) -> datetime | None:
    """The moment in UTC as a store keeps it, without a zone."""
    return moment.astimezone(UTC).replace(tzinfo=None) if moment is not None else None


def number(con: Connection, query: str) -> int:
    """The one whole number that a query gives."""
    return int(con.rows(query)[0][0])
