"""The one shape of imported trade, whoever published it, and what a reader makes on the way to it.

A row of ``FLOW`` is what one side says of a commodity that went from one country to another in a
year. ``importer`` and ``exporter`` are the two sides of the same cargo, told by two offices;
``reconciled`` is a publisher's own judgement between them. A weight that nobody gave is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from layers.errors import DataError, Fault

__all__ = ["ENTRY", "FLOW", "KEY", "SIDES", "UNPLACED", "Format", "Tally", "by_heading"]

SIDES = ("importer", "exporter", "reconciled")
"""Who said it."""

UNPLACED = "R_OTH"
"""Origin of cargo whose country is not told."""

KEY = ("year", "commodity", "exporter", "importer", "side")
"""Columns that tell rows of ``FLOW`` apart."""

FLOW = pa.schema(
    [
        pa.field("year", pa.int16(), False, {"title": "Calendar year"}),
        pa.field("commodity", pa.string(), False, {"title": "Commodity id"}),
        pa.field("exporter", pa.string(), False, {"title": "ISO 3166-1 alpha-3, or R_OTH"}),
        pa.field("importer", pa.string(), False, {"title": "ISO 3166-1 alpha-3"}),
        pa.field("side", pa.string(), False, {"title": "Who said it", "of": ",".join(SIDES)}),
        pa.field("tonnes", pa.float64(), True, {"title": "Weight; null: not given", "unit": "t"}),
        pa.field("usd", pa.float64(), True, {"title": "Value; null: not given", "unit": "USD"}),
        pa.field("months", pa.int8(), False, {"title": "Months the figure covers"}),
        pa.field("quality", pa.string(), False, {"title": "As in the tables of data/"}),
        pa.field("source", pa.string(), False, {"title": "Publisher and vintage"}),
    ]
)
"""Columns of imported trade: the schema of every Parquet file of the store."""

ENTRY = pa.schema(
    [
        ("year", pa.int16()),
        ("month", pa.int8()),
        ("exporter", pa.int16()),
        ("importer", pa.int16()),
        ("commodity", pa.int8()),
        ("side", pa.int8()),
        ("rank", pa.int32()),
        ("tonnes", pa.float64()),
        ("usd", pa.float64()),
        ("quality", pa.int8()),
        ("key", pa.int64()),
        ("line", pa.int64()),
        ("file", pa.int16()),
    ]
)
"""One row a figure kept of a file: countries, commodity, side and quality by their place in lists;
month 0 is the whole year; of rows about the same cargo those of the lowest rank count; ``key``
tells rows of the publisher apart."""

MOST_SHOWN = 20


@dataclass
class Tally:
    """What became of the rows of an import: how many were read, left out and why.

    Attributes
    ----------
    rows
        Rows read, of all files.
    left_out
        Rows left out, by reason.
    unknown
        Rows with a country code that nobody knows, by column and code.
    noted
        Rows kept of which something is worth saying, by what.
    """

    rows: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    unknown: dict[tuple[str, str], int] = field(default_factory=dict)
    noted: dict[str, int] = field(default_factory=dict)

    def leave(self, reason: str, count: int) -> None:
        """Count rows left out."""
        if count:
            self.left_out[reason] = self.left_out.get(reason, 0) + count

    def note(self, what: str, count: int) -> None:
        """Count rows kept of which something is worth saying."""
        if count:
            self.noted[what] = self.noted.get(what, 0) + count


@dataclass(frozen=True)
class Format:
    """How one publisher writes trade down.

    Attributes
    ----------
    name
        Id, as in ``--as baci``.
    publisher, licence, url
        Who publishes it and what may be done with it.
    units
        Every conversion made, in words.
    member
        Whether a file of an archive holds rows.
    columns
        From the heading of a file to the columns wanted, by the reader's own names; raises
        `DataError` with those that lack.
    entries
        From rows to ``ENTRY`` rows: ``entries(rows, codes, tally, file)``.
    vintage
        From a file's name to the vintage it names; empty when it names none.
    reconciled
        Whether the publisher has judged between the two sides.
    """

    name: str
    publisher: str
    licence: str
    url: str
    units: str
    member: Callable[[str], bool]
    columns: Callable[[Sequence[str], str], Mapping[str, int]]
    entries: Callable[..., pa.Table]
    vintage: Callable[[str], str] = lambda name: ""
    reconciled: bool = False


def by_heading(
    heading: Sequence[str],
    file: str,
    wanted: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, tuple[str, ...]] | None = None,
) -> dict[str, int]:
    """Place of each wanted column, by the reader's name for it.

    Parameters
    ----------
    heading
        Cells of the first row.
    file
        As shown to the reader.
    wanted, optional
        Headings any of which is the column, in any case; the first that is there counts.

    Raises
    ------
    DataError
        With every wanted column that lacks.
    """
    place = {cell.strip().casefold(): i for i, cell in reversed(list(enumerate(heading)))}
    found, faults = {}, []
    for name, names in {**wanted, **(optional or {})}.items():
        at = next((place[n.casefold()] for n in names if n.casefold() in place), None)
        if at is not None:
            found[name] = at
        elif name in wanted:
            faults.append(Fault(file, 1, names[0], "no such column"))
    if faults:
        raise DataError(faults)
    return found
