"""Checking a table of data/ by what ``layers.tables`` says of it.

`schema` turns a table into a pandera schema, `check` finds every fault of a frame at once, `empty`
builds a frame without rows, and `dtypes` says how to read the file. Nothing here touches a file.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd

from layers.errors import DataError, Fault, UnknownIdError
from layers.tables import TABLES, Field, Table

if TYPE_CHECKING:
    import pandera.pandas as pa

__all__ = ["check", "coerce", "dtypes", "empty", "faults", "schema"]

MOST = 1e18
"""No number of a table is larger; one that is would not fit a whole number."""


def _table(name: str) -> Table:
    if name not in TABLES:
        raise UnknownIdError("table", name, list(TABLES))
    return TABLES[name]


_DTYPE = {"text": "str", "number": "float64", "whole": "int64"}


def dtypes(name: str) -> dict[str, str]:
    """Pandas type of every column of a table, in order.

    Raises
    ------
    UnknownIdError
        When there is no such table.
    """
    return {field.name: _DTYPE[field.kind] for field in _table(name).fields}


def empty(name: str) -> pd.DataFrame:
    """A frame of the table with its columns and types and no rows."""
    return pd.DataFrame({k: pd.Series(dtype=v) for k, v in dtypes(name).items()})


@cache
def schema(name: str) -> pa.DataFrameSchema:
    """The table as a pandera schema: types, bounds, patterns, with unit and meaning per column.

    Raises
    ------
    UnknownIdError
        When there is no such table.
    """
    import pandera.pandas as pa

    table = _table(name)
    columns = {
        field.name: pa.Column(
            _DTYPE[field.kind],
            checks=_checks(field),
            nullable=field.kind == "number",
            title=field.title,
            description=field.title + (f" [{field.unit}]" if field.unit else ""),
            metadata={"unit": field.unit, "kind": field.kind},
        )
        for field in table.fields
    }
    return pa.DataFrameSchema(columns, name=name, title=table.title, strict=True, ordered=False)


def _checks(field: Field) -> list[pa.Check]:
    import pandera.pandas as pa

    found: list[pa.Check] = []
    if field.minimum is not None:
        found.append(pa.Check.ge(field.minimum, error=f"is not >= {field.minimum:g}"))
    if field.maximum is not None:
        found.append(pa.Check.le(field.maximum, error=f"is not <= {field.maximum:g}"))
    if field.above is not None:
        found.append(pa.Check.gt(field.above, error=f"is not > {field.above:g}"))
    if field.kind == "text":
        found.append(pa.Check(_one_line, error="holds a line break"))
    if field.required and field.kind == "text":
        found.append(pa.Check(_filled, error="is empty"))
    if field.required and field.kind == "number":
        found.append(pa.Check(_present, error="is empty", ignore_na=False))
    if field.allowed or field.pattern:
        found.append(_wording(field))
    return found


def _one_line(cells: pd.Series[str]) -> pd.Series[bool]:
    return ~cells.str.contains("\n", regex=False)


def _filled(cells: pd.Series[str]) -> pd.Series[bool]:
    return cells.str.strip() != ""


def _present(cells: pd.Series[float]) -> pd.Series[bool]:
    return cells.notna()


def _wording(field: Field) -> pa.Check:
    """Check of the values allowed, part by part for a list; an empty cell is left to `required`."""
    import re

    import pandera.pandas as pa

    pattern = re.compile(field.pattern or "|".join(map(re.escape, field.allowed)))

    def good(cell: str) -> bool:
        parts = cell.split(";") if field.listed else [cell]
        return not cell or all(pattern.fullmatch(part) for part in parts)

    wanted = (
        f"one of {', '.join(field.allowed)}" if field.allowed else f"of the form {field.pattern}"
    )
    return pa.Check(good, element_wise=True, error=f"is not {wanted}")


def coerce(name: str, frame: pd.DataFrame, path: str) -> tuple[pd.DataFrame, list[Fault]]:
    """A frame of text with its numbers made numbers, and a fault for each that is none.

    Parameters
    ----------
    name
        Table.
    frame
        All columns text, as read from the file.
    path
        File as shown to the reader.
    """
    found: list[Fault] = []
    columns: dict[str, pd.Series] = {}
    for column in frame.columns:
        cells = frame[column]
        kind = next((f.kind for f in _table(name).fields if f.name == column), "text")
        if kind == "text":
            columns[column] = cells
            continue
        values = pd.to_numeric(cells.where(cells != "", None), errors="coerce").astype("float64")
        values = values.where(values.abs() <= MOST)
        bad = values.isna() & ((cells != "") if kind == "number" else True)
        if kind == "whole":
            bad |= values.notna() & (values % 1 != 0)
        word = "number" if kind == "number" else "whole number"
        for row in frame.index[bad]:
            text = cells[row] or "an empty cell"
            found.append(Fault(path, int(row) + 2, str(column), f"{text} is not a {word}"))
        columns[column] = values if kind == "number" else values.fillna(0).astype("int64")
    return pd.DataFrame(columns, index=frame.index), found


def faults(name: str, frame: pd.DataFrame, path: str | None = None) -> list[Fault]:
    """Every fault of a frame: columns, types, values, duplicate keys. Empty when all is well.

    Parameters
    ----------
    name
        Table.
    frame
        Rows in the order of the file, counted from 0.
    path
        File as shown to the reader; ``data/<name>.csv`` by default.
    """
    path = path or f"data/{name}.csv"
    table = _table(name)
    found = _column_faults(table, frame, path)
    names = [field.name for field in table.fields if field.name in frame]
    found += _value_faults(name, frame[names], path)
    if all(column in frame for column in table.key):
        found += _key_faults(table, frame, path)
    return found


def check(name: str, frame: pd.DataFrame, path: str | None = None) -> pd.DataFrame:
    """The frame, unchanged, when it holds what the table promises.

    Raises
    ------
    DataError
        With every fault found.
    """
    found = faults(name, frame, path)
    if found:
        raise DataError(found)
    return frame


def _column_faults(table: Table, frame: pd.DataFrame, path: str) -> list[Fault]:
    names = [field.name for field in table.fields]
    missing = [Fault(path, 1, name, "the column is missing") for name in names if name not in frame]
    extra = [
        Fault(path, 1, str(name), "the column is not known") for name in frame if name not in names
    ]
    return missing + extra


def _value_faults(name: str, frame: pd.DataFrame, path: str) -> list[Fault]:
    import pandera.errors

    rules = schema(name)
    rules = rules.remove_columns([column for column in rules.columns if column not in frame])
    try:
        rules.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
    else:
        return []
    found = set()
    for case in cases.itertuples():
        row = 0 if pd.isna(case.index) else int(case.index) + 2
        shown = _shown(case.failure_case)
        if str(case.check).startswith("dtype"):
            found.add(Fault(path, 0, str(case.column), f"the type is {shown}, not {case.check}"))
        else:
            found.add(Fault(path, row, str(case.column), f"{shown} {case.check}"))
    return sorted(found)


def _shown(value: object) -> str:
    """The value as a message shows it; one that is missing has no looks."""
    if isinstance(value, float):
        return "the cell" if math.isnan(value) else f"{value:g}"
    return str(value) if value not in ("", None) else "the cell"


def _key_faults(table: Table, frame: pd.DataFrame, path: str) -> list[Fault]:
    keys = list(table.key)
    if not frame.duplicated(keys).any():
        return []
    first: dict[tuple[object, ...], int] = {}
    found = []
    for line, key in enumerate(zip(*(frame[k] for k in keys), strict=True), start=2):
        earlier = first.setdefault(key, line)
        if earlier != line:
            shown = ", ".join(str(part) for part in key)
            found.append(Fault(path, line, keys[0], f"{shown} is already in row {earlier}"))
    return found
