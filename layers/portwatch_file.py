"""The table of chokepoints that the PortWatch portal offers for download, as the feed makes it.

The feed asks for three years; the portal's CSV goes back to 2019. What it holds is loaded under
the feed's own id and series, so that all that reads the feed reads the history too. Nothing is
pretended: the feed was not asked, so its state, its age and when it is due stay as they were.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from layers.errors import DataError, Fault, FeedError
from layers.events import utc
from layers.feeds.portwatch_chokepoints import ID, IDS, METRICS, SOURCE, tabled
from layers.source import Answer, Parsed
from layers.store import Filled, Store
from layers.values import number

CALENDAR = ("year", "month", "day")
COLUMNS = ("portid", *CALENDAR, *METRICS)
"""Columns that must be there; others are left alone."""
MOST_SHOWN = 20

Row = dict[str, str | int]


@dataclass(frozen=True)
class Imported:
    """What came of a file.

    Attributes
    ----------
    rows
        Rows of the file, a chokepoint and day each.
    skipped
        How many of them were left out, by reason.
    first, last
        The days it spans.
    days
        What became of the days in the store.
    """

    rows: int
    skipped: Mapping[str, int]
    first: date
    last: date
    days: Filled


def read(path: Path, *, retrieved_at: datetime) -> Parsed:
    """The observations of a downloaded file, flagged and counted as the feed flags and counts.

    A gap of any length is marked ``gap_before``: rows left out of a file are its reader's choice
    and no page lost on the way. Days are ``provisional`` by the newest the publisher can have had
    when the file was retrieved, so an old stretch of it is not.

    Parameters
    ----------
    path
        CSV in UTF-8 with at least ``COLUMNS``.
    retrieved_at
        When it was downloaded, UTC: the vintage of its values.

    Raises
    ------
    DataError
        With file, row and column of each fault: a file that cannot be read, a missing column, a
        row of another length, a date that is none, a number that is none; or when no row is of a
        chokepoint.
    """
    return _parsed(_body(path), path.name, utc(retrieved_at))


def import_file(store: Store, path: Path, *, now: datetime, replace: bool = False) -> Imported:
    """What a downloaded file added to the store, under the feed's id.

    The rule: only days of a chokepoint that the store does not know yet are added, whole. A
    download is as old as its day, and the publisher revises history wholesale, so the values that
    the feed itself brought stay. With ``replace`` the values of known days are written too, as the
    newest vintage, and hold until the feed says otherwise again. The vintage is the file's time of
    last change, which is when it was downloaded, or later; never later than ``now``.

    Raises
    ------
    DataError
        As `read`; then nothing is written.
    CorridorsError
        When the store cannot be written.
    """
    body = _body(path)
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    at = min(changed, utc(now))
    parsed = _parsed(body, path.name, at)
    # Its name and no more: a path may tell of the reader's own machine.
    answer = Answer(f"file:{path.name}", body, at, media_type="text/csv")
    days = store.fill(SOURCE.id, answer, parsed, now=utc(now), replace=replace)
    moments = parsed.observations["observed_at"]
    span = moments.min().date(), moments.max().date()
    return Imported(parsed.records_in, parsed.skipped, *span, days)


def _parsed(body: bytes, name: str, retrieved_at: datetime) -> Parsed:
    rows = list(_rows(body, name))
    days = [date(*(int(row[part]) for part in CALENDAR)) for row in rows]
    counted = (retrieved_at - SOURCE.stale_after).date()
    known = [day for day in days if day <= retrieved_at.date()]
    try:
        return tabled(
            SOURCE,
            rows,
            METRICS,
            id=ID,
            ids=IDS,
            retrieved_at=retrieved_at,
            published_to=max([*known, counted]),
            whole=False,
        )
    except FeedError as error:
        raise DataError([Fault(name, 0, "", str(error).removeprefix(f"{SOURCE.id}: "))]) from None


def _body(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        words = f"cannot be read: {error.strerror or error}"
        raise DataError([Fault(path.name, 0, "", words)]) from None


def _rows(body: bytes, name: str) -> Iterator[Row]:
    """The rows of the columns wanted, calendar as integers; raises with all faults found."""
    faults: list[Fault] = []
    for at, cells in _cells(body, name):
        found = list(_faults(cells, name, at))
        faults += found
        if len(faults) >= MOST_SHOWN:
            break
        if not found:
            yield {**cells, **{part: int(cells[part]) for part in CALENDAR}}
    if faults:
        raise DataError(faults[:MOST_SHOWN])


def _cells(body: bytes, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells of each row that is not empty."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = body.count(b"\n", 0, error.start) + 1
        raise DataError([Fault(name, at, "", "is no text in UTF-8")]) from None
    table = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [column.strip() for column in next(table, [])]
        _check_names(names, name)
        for row in table:
            if not row:
                continue
            if len(row) != len(names):
                words = f"{len(row)} cells, {len(names)} expected"
                raise DataError([Fault(name, table.line_num, "", words)])
            held = dict(zip(names, row, strict=True))
            yield table.line_num, {column: held[column].strip() for column in COLUMNS}
    except csv.Error as error:
        raise DataError([Fault(name, table.line_num, "", f"is no CSV: {error}")]) from None


def _check_names(names: Sequence[str], file: str) -> None:
    if not names:
        raise DataError([Fault(file, 0, "", "is empty")])
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise DataError([Fault(file, 1, column, "no such column") for column in missing])


def _faults(cells: Mapping[str, str], file: str, at: int) -> Iterator[Fault]:
    try:
        date(*(int(cells[part]) for part in CALENDAR))
    except (ValueError, OverflowError):
        told = "-".join(cells[part] for part in CALENDAR)
        yield Fault(file, at, "year, month, day", f"{told[:50]!r} is no day")
    for column in METRICS:
        if cells[column] and number(cells[column]) is None:
            yield Fault(file, at, column, f"{cells[column][:50]!r} is no number")


__all__ = ["COLUMNS", "Imported", "import_file", "read"]
