"""From the text of cells to numbers, years and places in lists, whole columns at a time.

What is wrong is collected with file, line and column and raised as one error; what is of no
interest is left out and counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from layers.errors import DataError, Fault
from layers.flows.codes import Codes
from layers.flows.shape import ENTRY, MOST_SHOWN, UNPLACED, Tally
from layers.tables import QUALITIES

__all__ = [
    "among",
    "amount",
    "called",
    "entered",
    "goods",
    "labelled",
    "numbers",
    "placed",
    "unpadded",
    "years",
]

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
COMMA = re.compile(r"[+-]?[\d.]*,\d+")
MOST_T, MOST_USD = 2e10, 1e14
"""More than the world trades of anything in a year."""
PERIOD = re.compile(r"(?P<year>(19|20)\d\d)(-?M?(?P<month>\d\d))?")
MONTHS = range(1, 13)
WHOLE_YEAR = 52
"""How Eurostat numbers the month of a figure for the whole year."""

Ints = npt.NDArray[np.int64]


def among(rows: pa.Table, keep: pa.Array, reason: str, tally: Tally) -> pa.Table:
    """The rows to keep; the others are counted under the reason."""
    kept = rows.filter(keep)
    tally.leave(reason, rows.num_rows - kept.num_rows)
    return kept


def labelled(
    cells: pa.ChunkedArray, meaning: Callable[[str], object], type: pa.DataType
) -> pa.Array:
    """What each cell means; each different cell is asked about once."""
    coded = pc.dictionary_encode(_whole(cells))
    told = pa.array([meaning(str(cell)) for cell in coded.dictionary.to_pylist()], type)
    return pc.take(told, coded.indices)


def _whole(cells: pa.ChunkedArray | pa.Array) -> pa.Array:
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def unpadded(cells: pa.ChunkedArray) -> pa.Array:
    """Codes without noughts in front; the world, 0, stays."""
    code = _whole(cells)
    plain = pc.ascii_ltrim(code, "0")
    return pc.if_else(pc.and_(pc.equal(plain, ""), pc.not_equal(code, "")), "0", plain)


def refuse(
    rows: pa.Table, wrong: pa.Array, column: str, words: Callable[[str], str], file: str
) -> None:
    """Raise with the first of the wrong cells, if there are any.

    Raises
    ------
    DataError
        With file, line and column of each.
    """
    bad = rows.filter(wrong).slice(0, MOST_SHOWN)
    if bad.num_rows:
        told = zip(bad["line"].to_pylist(), bad[column].to_pylist(), strict=True)
        name = heading(rows, column)
        raise DataError([Fault(file, line, name, words(text[:50])) for line, text in told])


def heading(rows: pa.Table, column: str) -> str:
    """What the file itself calls a column."""
    return str((rows.schema.metadata or {}).get(column.encode(), column.encode()), "utf-8")


def called(rows: pa.Table, column: str, name: str) -> pa.Table:
    """The rows, one column of which the file calls otherwise."""
    return rows.replace_schema_metadata({**(rows.schema.metadata or {}), column: name})


def numbers(
    rows: pa.Table, column: str, file: str, *, absent: Sequence[str] = ("",), most: float = MOST_USD
) -> pa.Array:
    """(rows,) numbers of a column, null where the publisher says that there is none.

    Raises
    ------
    DataError
        For a cell that is no number (NaN and a decimal comma are none), negative, or more than
        the world trades.
    """
    text = _whole(rows[column])
    none = pc.is_in(text, pa.array(absent, pa.string()))
    good = pc.match_substring_regex(text, NUMBER)
    refuse(rows, pc.invert(pc.or_(none, good)), column, _no_number, file)
    values = pc.cast(pc.if_else(none, pa.scalar(None, pa.string()), text), pa.float64())
    refuse(rows, pc.fill_null(pc.less(values, 0), False), column, _negative, file)
    refuse(rows, pc.fill_null(pc.greater(values, most), False), column, _too_much, file)
    return values


def _no_number(text: str) -> str:
    comma = COMMA.fullmatch(text)
    return f"{text!r} is no number" + (": the decimal point must be a point" if comma else "")


def _negative(text: str) -> str:
    return f"{text} is negative"


def _too_much(text: str) -> str:
    return f"{text} is more than the world trades"


def amount(values: pa.Array, times: float | pa.Array) -> pa.Array:
    """The numbers times a conversion factor; null stays null."""
    return pc.multiply(values, times)


def years(rows: pa.Table, column: str, file: str, wanted: frozenset[int], tally: Tally) -> pa.Table:
    """The rows of the years wanted (all when none is), with ``year`` and ``month`` (0: the year).

    Understood are 2022, 202203, 2022-03, 2022M03 and 202252 for a whole year.

    Raises
    ------
    DataError
        For a cell that is none of them.
    """
    wrong = labelled(rows[column], lambda t: _period(t) is None, pa.bool_())
    refuse(rows, wrong, column, lambda t: f"{t!r} is no year or month", file)
    year = labelled(rows[column], lambda t: (_period(t) or (0, 0))[0], pa.int16())
    month = labelled(rows[column], lambda t: (_period(t) or (0, 0))[1], pa.int8())
    found = rows.append_column("_year", year).append_column("_month", month)
    if not wanted:
        return found
    asked = pc.is_in(year, pa.array(sorted(wanted), pa.int16()))
    return among(found, asked, "another year", tally)


def _period(text: str) -> tuple[int, int] | None:
    found = PERIOD.fullmatch(text)
    if found is None:
        return None
    month = int(found["month"] or 0)
    if month == WHOLE_YEAR:
        month = 0
    return (int(found["year"]), month) if month == 0 or month in MONTHS else None


def goods(rows: pa.Table, column: str, scheme: str, codes: Codes, tally: Tally) -> pa.Table:
    """The rows of our commodities, with ``_commodity``, ``_t_per_t`` and ``_rank``."""
    # A file holds all goods there are: most go at a glance, before each code is asked about.
    digits, starts = codes.starts(scheme)
    begins = pc.utf8_slice_codeunits(rows[column], 0, digits)
    likely = pc.is_in(begins, pa.array(sorted(starts), pa.string()))
    rows = among(rows, likely, "another commodity", tally)

    def part(name: str, type: pa.DataType) -> pa.Array:
        return labelled(rows[column], lambda c: getattr(codes.good(scheme, c), name, None), type)

    commodity = part("commodity", pa.int8())
    found = rows.append_column("_commodity", commodity)
    found = found.append_column("_t_per_t", part("t_per_t", pa.float64()))
    found = found.append_column("_rank", part("rank", pa.int32()))
    return among(found, pc.is_valid(commodity), "another commodity", tally)


def placed(
    rows: pa.Table,
    exporter: str,
    importer: str,
    scheme: str,
    codes: Codes,
    tally: Tally,
    said: tuple[str, str],
) -> pa.Table:
    """The rows between two known countries, with the places of both in ``Codes.countries``.

    An exporter that is not told stays, as ``R_OTH``: the importer's total needs it. Groups of
    countries, an importer that is not told and a country's trade with itself are left out; a code
    nobody knows is left out and counted by name.

    Parameters
    ----------
    exporter, importer
        Columns with the codes.
    said
        Columns of the file that hold the same codes, by which unknown ones are counted.
    """
    areas, place = codes.areas[scheme], {c: i for i, c in enumerate(codes.countries)}
    for column in said:
        known = labelled(rows[column], lambda c: c in areas, pa.bool_())
        _count_unknown(rows.filter(pc.invert(known)), column, tally)
        rows = among(rows, known, "an unknown country code", tally)
        single = labelled(rows[column], lambda c: bool(areas[c]), pa.bool_())
        rows = among(rows, single, "a group of countries", tally)

    def number(column: str) -> pa.Array:
        return labelled(rows[column], lambda c: place[areas[c]], pa.int16())

    rows = rows.append_column("_exporter", number(exporter))
    rows = rows.append_column("_importer", number(importer))
    told = pc.not_equal(rows["_importer"], pa.scalar(place[UNPLACED], pa.int16()))
    rows = among(rows, told, "an importer that is not told", tally)
    apart = pc.not_equal(rows["_importer"], rows["_exporter"])
    return among(rows, apart, "a country's trade with itself", tally)


def _count_unknown(rows: pa.Table, column: str, tally: Tally) -> None:
    for count in pc.value_counts(_whole(rows[column])).to_pylist():
        key = heading(rows, column), str(count["values"])[:50]
        if key in tally.unknown or len(tally.unknown) < 1_000:
            tally.unknown[key] = tally.unknown.get(key, 0) + count["counts"]


class Keys:
    """Numbers that tell the rows of a publisher apart, made of small numbers for its codes."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, rows: pa.Table, columns: Sequence[str], file: str) -> pa.Array:
        """(rows,) one number for each row: the same for rows that name the same thing."""
        whole: Ints = np.zeros(len(rows), dtype=np.int64)
        for column in columns:
            part = labelled(rows[column], self._number, pa.int64()).to_numpy(zero_copy_only=False)
            whole = whole * BASE + part
        if len(self._numbers) >= BASE:
            raise DataError([Fault(file, 0, "", f"holds more than {BASE} different codes")])
        return pa.array(whole)

    def _number(self, cell: str) -> int:
        return self._numbers.setdefault(cell, len(self._numbers))


BASE = 1 << 15


def entered(
    rows: pa.Table,
    side: pa.Array | int,
    tonnes: pa.Array,
    usd: pa.Array,
    quality: pa.Array | str,
    key: pa.Array,
) -> pa.Table:
    """``ENTRY`` rows of rows that went through `years`, `goods` and `placed`."""
    count = len(rows)
    told = quality if isinstance(quality, pa.Array) else _same(QUALITIES.index(quality), count)
    columns = {
        "year": rows["_year"],
        "month": rows["_month"],
        "exporter": rows["_exporter"],
        "importer": rows["_importer"],
        "commodity": rows["_commodity"],
        "side": side if isinstance(side, pa.Array) else _same(side, count),
        "rank": rows["_rank"],
        "tonnes": tonnes,
        "usd": usd,
        "quality": told,
        "key": key,
        "line": rows["line"],
        "file": _same(0, count),
    }
    arrays = [pc.cast(_whole(columns[field.name]), field.type) for field in ENTRY]
    return pa.table(arrays, schema=ENTRY)


def _same(value: int, count: int) -> pa.Array:
    return pa.array(np.full(count, value))
