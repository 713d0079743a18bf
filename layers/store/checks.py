"""What must hold in a sound store, and what of it does not."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence

import pandas as pd

from layers import ledger
from layers.events import EVENT, MOMENTS
from layers.store.rows import entries, head, number, payload_hashes, typed
from layers.store.sql import Connection

_CHECKS: Sequence[tuple[str, str]] = (
    (
        "refresh numbers are missing or double",
        "SELECT abs(count(*) - coalesce(max(refresh), 0)) + count(*) - count(DISTINCT refresh) "
        "FROM refreshes",
    ),
    (
        "answers have no body, though none was pruned",
        "SELECT count(*) FROM answers a "
        "WHERE NOT EXISTS (SELECT 1 FROM bodies b WHERE b.sha256 = a.sha256) "
        "AND NOT EXISTS (SELECT 1 FROM pruned p WHERE p.sha256 = a.sha256)",
    ),
    (
        "bodies belong to no answer, or are there twice",
        "SELECT (SELECT count(*) FROM bodies b WHERE NOT EXISTS "
        "(SELECT 1 FROM answers a WHERE a.sha256 = b.sha256)) "
        "+ (SELECT count(*) - count(DISTINCT sha256) FROM bodies)",
    ),
    (
        "answers belong to no refresh",
        "SELECT count(*) FROM answers a WHERE NOT EXISTS "
        "(SELECT 1 FROM refreshes r WHERE r.refresh = a.refresh AND r.feed = a.feed)",
    ),
    (
        "events have missing or double versions",
        "SELECT count(*) FROM (SELECT 1 FROM events GROUP BY event_uid "
        "HAVING min(version) <> 1 OR max(version) <> count(*) "
        "OR count(DISTINCT version) <> count(*)) AS wrong",
    ),
    (
        "event versions say the same as the one before",
        "SELECT count(*) FROM (SELECT payload_sha256 = lag(payload_sha256) OVER "
        "(PARTITION BY event_uid ORDER BY version) AS same FROM events) AS told WHERE same",
    ),
    (
        "event versions come from no answer",
        "SELECT count(*) FROM events e WHERE NOT EXISTS "
        "(SELECT 1 FROM answers a WHERE a.sha256 = e.raw_sha256 AND a.refresh = e.refresh)",
    ),
    (
        "events were never seen, or seen twice",
        "SELECT (SELECT count(DISTINCT event_uid) FROM events) - count(DISTINCT event_uid) "
        "+ count(*) - count(DISTINCT event_uid) FROM seen",
    ),
    (
        "observations are there twice",
        "SELECT count(*) FROM (SELECT 1 FROM observations "
        "GROUP BY feed, series, metric, observed_at, refresh HAVING count(*) > 1) AS twice",
    ),
    (
        "observations belong to no refresh",
        "SELECT count(*) FROM observations o WHERE NOT EXISTS "
        "(SELECT 1 FROM refreshes r WHERE r.refresh = o.refresh AND r.feed = o.feed)",
    ),
    (
        "feeds have no state, or two",
        "SELECT count(*) FROM (SELECT DISTINCT feed FROM refreshes WHERE base <> 'file:') r "
        "FULL JOIN (SELECT feed, count(*) AS held FROM states GROUP BY feed) s USING (feed) "
        "WHERE r.feed IS NULL OR s.held IS DISTINCT FROM 1",
    ),
    (
        "states do not fit the newest attempt on their feed",
        "SELECT count(*) FROM states s JOIN (SELECT feed, bool_or(accepted) AS ever, "
        "coalesce(max(CASE WHEN accepted THEN refresh END), 0) = max(refresh) AS good "
        "FROM refreshes WHERE base <> 'file:' GROUP BY feed) r "
        "USING (feed) WHERE (s.consecutive_failures = 0) <> r.good "
        "OR (s.last_success_at IS NOT NULL) <> r.ever",
    ),
)


def faults(con: Connection) -> list[str]:
    """What is wrong with the store, a sentence each; empty when all is well."""
    counted = [f"{found} {words}" for words, query in _CHECKS if (found := number(con, query))]
    return counted + _damaged_bodies(con) + _damaged_events(con) + _damaged_log(con)


def _damaged_log(con: Connection) -> list[str]:
    return [f"warning log: {fault}" for fault in ledger.broken(entries(con), head(con))]


def _damaged_bodies(con: Connection) -> list[str]:
    wrong = []
    for some in con.stream("SELECT sha256, body, bytes FROM bodies", 20):
        for digest, packed, size in some:
            try:
                body = zlib.decompress(packed)
            except zlib.error:
                body = b""
            if hashlib.sha256(body).hexdigest() != digest or len(body) != size:
                wrong.append(f"the body {digest[:12]} is not what came")
    return wrong


def _damaged_events(con: Connection) -> list[str]:
    columns = ", ".join(EVENT)
    table = con.frame(f"SELECT {columns}, version, payload_sha256 FROM events")
    kinds = {name: EVENT[name] for name in [*MOMENTS, "severity", "redistribute"]}
    wrong = table[pd.Series(payload_hashes(typed(table, kinds))) != table["payload_sha256"]]
    named = zip(wrong["event_uid"], wrong["version"], strict=True)
    return [f"version {version} of {uid} is not what was written" for uid, version in named]
