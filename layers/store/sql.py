"""What the store asks of a database, so that one SQL serves DuckDB and PostgreSQL alike.

The SQL of the store is what both understand: ``= ANY(?)`` for a list, ``row_number()`` in a
subquery for the newest of many, ``NOT EXISTS``, ``DOUBLE PRECISION``, ``BYTEA``; a ``?`` stands
for each value. Moments are in UTC and without a zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

if TYPE_CHECKING:
    import pyarrow as pa

Row = tuple[Any, ...]


class Connection(Protocol):
    """An open store in one transaction: what a reader sees, or what a writer does, as a whole."""

    def tables(self) -> set[str]:
        """Names of the tables that are there."""

    def make(self, table: str, columns: Mapping[str, str]) -> None:
        """Make a table with columns of some SQL types."""

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        """Do what a statement says."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query."""

    def stream(self, sql: str, size: int) -> Iterator[list[Row]]:
        """The rows of a query, so many at a time, for what does not fit into memory."""

    def frame(self, sql: str, params: Sequence[Any] = ()) -> pd.DataFrame:
        """The rows of a query with the types of its columns; nothing as NaN, NaT or None."""

    def insert(self, table: str, rows: pa.Table) -> None:
        """Add many rows to a table; the columns are found by name."""

    def staged(self, table: str, rows: pa.Table) -> AbstractContextManager[None]:
        """Some rows under the name ``incoming``, with the columns' types of a table."""


class Home(Protocol):
    """Where a store lies and how it is opened."""

    @property
    def name(self) -> str:
        """As it may be shown to anybody."""

    @property
    def place(self) -> str:
        """What opens it again; it may hold a password and is not to be shown."""

    def writing(self) -> AbstractContextManager[Connection]:
        """A connection to write by, committed at the end or not at all.

        Raises
        ------
        CorridorsError
            When it cannot be written, is of somebody else, or another writer has it for too long.
        """

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection that only reads; what is not there yet reads as empty.

        Raises
        ------
        CorridorsError
            When it cannot be read.
        """

    def changed(self) -> int:
        """A number that is another after every write; 0: nothing there, -1: nobody can tell."""


def bare(params: Sequence[Any]) -> list[Any]:
    """The values as every database takes them: text without NUL characters and lone surrogates."""
    return [_bare(value) for value in params]


def _bare(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    return [_bare(one) for one in value] if isinstance(value, list) else value


def arrow(table: pd.DataFrame, columns: Mapping[str, str]) -> pa.Table:
    """The table for a database, its columns of some SQL types; nothing is null, NaN too."""
    import pyarrow as pa

    zoned = [c for c in table.columns if isinstance(table[c].dtype, pd.DatetimeTZDtype)]
    naive = table.assign(**{c: table[c].dt.tz_convert("UTC").dt.tz_localize(None) for c in zoned})
    kinds = pa.schema([(name, arrow_type(columns[name])) for name in table.columns])
    return pa.Table.from_pandas(naive, schema=kinds, preserve_index=False)


def arrow_type(kind: str) -> pa.DataType:
    """The type in Arrow of a SQL type."""
    import pyarrow as pa

    types = {
        "VARCHAR": pa.string(),
        "DOUBLE PRECISION": pa.float64(),
        "BIGINT": pa.int64(),
        "INTEGER": pa.int32(),
        "BOOLEAN": pa.bool_(),
        "TIMESTAMP": pa.timestamp("us"),
        "BYTEA": pa.binary(),
    }
    return types[kind]


__all__ = ["Connection", "Home", "Row", "arrow", "arrow_type", "bare"]
