"""Every error this project raises on purpose.

::

    CorridorsError              the root: catch this to catch them all
    ├── DataError               tables that do not hold what they promise; lists every fault
    ├── UnknownIdError          an id that no table has; offers the nearest ones
    ├── UsageError              a call or command that makes no sense as asked
    └── FeedError               a live source that could not be read or understood

A feed that fails is a row of the state table and not an exception for its reader; `FeedError`
is what the feed's own code raises so that the row can say why.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "CorridorsError",
    "DataError",
    "Fault",
    "FeedError",
    "UnknownIdError",
    "UsageError",
]


class CorridorsError(Exception):
    """Root of every error raised on purpose by this project; survives pickling as it is."""

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (type(self), self.args), self.__dict__


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with one table, placed where a person can see it.

    Attributes
    ----------
    file
        Path as shown to the reader, such as ``data/flows.csv``; empty when it is of no file.
    row
        Line of the file as a text editor counts it: the heading is row 1. 0 means the whole file.
    column
        Heading of the column; empty when the fault is of the whole row or file.
    message
        What is wrong, starting with the value found.
    """

    file: str
    row: int
    column: str
    message: str

    def __str__(self) -> str:
        place = self.file
        if self.row:
            place += f" row {self.row}"
        if self.column:
            place += f" column {self.column}"
        return f"{place}: {self.message}" if place else self.message


class DataError(CorridorsError):
    """Tables that do not hold what they promise, with every fault found.

    Attributes
    ----------
    faults
        All faults, ordered by file, row and column. A plain sentence given instead of faults
        becomes the only one.
    """

    def __init__(self, faults: Iterable[Fault] | str) -> None:
        if isinstance(faults, str):
            faults = [Fault("", 0, "", faults)]
        self.faults: tuple[Fault, ...] = tuple(sorted(set(faults)))
        count = len(self.faults)
        lines = [str(fault) for fault in self.faults]
        if count > 1:
            lines = [f"{count} faults in the data", *(f"  {line}" for line in lines)]
        super().__init__("\n".join(lines))


class UnknownIdError(CorridorsError):
    """An id that no table has.

    Attributes
    ----------
    kind
        What the id should have named, such as ``country`` or ``element``.
    id
        The id asked for.
    nearest
        Up to three ids of that kind that look alike, best first.
    """

    def __init__(self, kind: str, id: str, known: Sequence[str] = ()) -> None:
        self.kind = kind
        self.id = id
        self.nearest: tuple[str, ...] = tuple(difflib.get_close_matches(id, known, n=3, cutoff=0.5))
        hint = f"; did you mean {' or '.join(self.nearest)}?" if self.nearest else ""
        super().__init__(f"unknown {kind} {id!r}{hint}")


class UsageError(CorridorsError):
    """A call or command that makes no sense as asked."""


class FeedError(CorridorsError):
    """A live source that could not be read or understood.

    Attributes
    ----------
    source
        Id of the source.
    """

    def __init__(self, source: str, message: str) -> None:
        self.source = source
        super().__init__(f"{source}: {message}")


def _again(kind: type[CorridorsError], args: tuple[object, ...]) -> CorridorsError:
    """An error as it was, whatever it is made from: its words are made already."""
    error = kind.__new__(kind)
    error.args = args
    return error
