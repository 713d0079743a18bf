"""A store moved to another place: every row of it, the raw answers and the log with its hashes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from layers.errors import CorridorsError, UsageError
from layers.store import Store
from layers.store.checks import faults
from layers.store.rows import head, number
from layers.store.schema import HEAD, TABLES
from layers.store.sql import Connection, Row, arrow_type

if TYPE_CHECKING:
    import pyarrow as pa

_AT_ONCE = 5_000
_BODIES_AT_ONCE = 50  # each may be 20 MB


def copy(source: Store, target: Store) -> dict[str, int]:
    """How many rows of each table were copied from one store to another that is still empty.

    It is one read and one write: what the source holds at one moment, in the target as a whole
    or not at all. Before it is committed, the rows of both are compared by hash and the target
    is checked.

    Raises
    ------
    UsageError
        When the source holds nothing, or the target something.
    CorridorsError
        When the source is not sound, or either fails.
    """
    if source.place == target.place:
        raise UsageError(f"{source.name} cannot be copied to itself")
    with source._reading() as old:
        if not _filled(old):
            raise UsageError(f"the store {source.name} holds nothing to copy")
        if wrong := faults(old):
            raise CorridorsError(f"the store {source.name} is not sound: " + "; ".join(wrong))
        with target._writing() as new:
            if _filled(new):
                raise UsageError(f"the store {target.name} holds something already")
            sums = {table: _copied(old, new, table) for table in TABLES if table != "meta"}
            for key, value in zip(HEAD, _noted(old), strict=True):
                new.run("UPDATE meta SET value = ? WHERE key = ?", [value, key])
            found = {table: _sum(new, table) for table in sums}
            lost = [table for table in sums if found[table] != sums[table]]
            if lost:
                raise CorridorsError(
                    f"the store {target.name} did not keep what it was given in: {', '.join(lost)}"
                )
            if wrong := faults(new):
                raise CorridorsError(f"the copy {target.name} is not sound: " + "; ".join(wrong))
    return {table: sum(rows.values()) for table, rows in sums.items()}


def _filled(con: Connection) -> bool:
    return any(number(con, f"SELECT count(*) FROM {table}") for table in ("refreshes", "log"))


def _noted(con: Connection) -> Sequence[str]:
    """The head of the log as ``meta`` notes it, in the order of `HEAD`."""
    end = head(con)
    return [str(end.count), end.sha256]


Sum = Mapping[bytes, int]
"""How often each row is there, by its hash: tables have no order."""


def _copied(old: Connection, new: Connection, table: str) -> Sum:
    found: Counter[bytes] = Counter()
    for rows in old.stream(_selected(table), _size(table)):
        new.insert(table, _arrow(table, rows))
        found.update(map(_digest, rows))
    return found


def _sum(con: Connection, table: str) -> Sum:
    found: Counter[bytes] = Counter()
    for rows in con.stream(_selected(table), _size(table)):
        found.update(map(_digest, rows))
    return found


def _selected(table: str) -> str:
    return f"SELECT {', '.join(TABLES[table])} FROM {table}"


def _size(table: str) -> int:
    return _BODIES_AT_ONCE if table == "bodies" else _AT_ONCE


def _digest(row: Row) -> bytes:
    return hashlib.blake2b(repr(row).encode(), digest_size=16).digest()


def _arrow(table: str, rows: Sequence[Row]) -> pa.Table:
    import pyarrow as pa

    columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
    kinds = {name: arrow_type(kind) for name, kind in TABLES[table].items()}
    arrays = [pa.array(c, kind) for c, kind in zip(columns, kinds.values(), strict=True)]
    return pa.Table.from_arrays(arrays, names=list(kinds))


__all__ = ["copy"]
