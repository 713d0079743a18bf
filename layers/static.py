"""Reading a table of data/ by its schema, and remembering which files were checked.

A file whose SHA-256 is the one written in ``sources.csv`` was checked when that was written, so
reading it again only reads it. ``python -m layers.record`` checks every table and writes the
hashes anew.
"""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from layers import schema
from layers.errors import DataError, Fault

__all__ = [
    "data_dir",
    "examine",
    "file_hash",
    "read_known",
    "read_table",
    "recorded_hashes",
    "shown",
]


MOST_COLUMNS = 200


def data_dir() -> Path:
    """The folder of tables.

    ``$CORRIDORS_DATA`` when set, else ``data/`` beside the package (a checkout), else ``data/``
    inside the package (an installed wheel).
    """
    chosen = os.environ.get("CORRIDORS_DATA")
    if chosen:
        return Path(chosen)
    package = Path(__file__).resolve().parent
    checkout = package.parent / "data"
    return checkout if checkout.is_dir() else package / "data"


def shown(path: Path) -> str:
    """Path as a reader should see it: the folder's name and the file's."""
    return f"{path.parent.name}/{path.name}"


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def recorded_hashes(folder: Path) -> dict[str, str]:
    """Hash of each file as written in ``sources.csv``; empty when there is no such file.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    path = folder / "sources.csv"
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, ValueError, csv.Error) as error:
        raise DataError([Fault(shown(path), 0, "", f"the file cannot be read: {error}")]) from None
    return {row.get("file") or "": row.get("sha256") or "" for row in rows}


def read_table(
    name: str,
    *,
    folder: Path | None = None,
    force: bool = False,
    recorded: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """One table of the folder, typed and checked.

    Parameters
    ----------
    name
        File stem, such as ``flows``.
    folder
        Folder of tables; `data_dir` by default.
    force
        Check every row even when the file is as recorded.
    recorded
        Hashes by file name, when the caller has read them already.

    Returns
    -------
    pd.DataFrame
        Columns and types of the schema, rows in the order of the file. In text columns an empty
        cell is ``""``, in columns of numbers it is missing.

    Raises
    ------
    DataError
        When the file is missing or has faults; all of them are listed.
    """
    folder = folder or data_dir()
    recorded = recorded_hashes(folder) if recorded is None else recorded
    path = folder / f"{name}.csv"
    if not force and path.is_file() and recorded.get(path.name) == file_hash(path):
        return read_known(name, path)
    frame, found = examine(name, path)
    if found or frame is None:
        raise DataError(found)
    return frame


def examine(name: str, path: Path) -> tuple[pd.DataFrame | None, list[Fault]]:
    """One table read with care, and every fault in it.

    Returns
    -------
    tuple
        The frame, None when the file or a column is missing, and the faults.
    """
    if not path.is_file():
        return None, [Fault(shown(path), 0, "", "the file is missing")]
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            heading = next(csv.reader(stream), [])
        if len(heading) > MOST_COLUMNS:  # each of them would be a fault of its own
            return None, [Fault(shown(path), 1, "", f"more than {MOST_COLUMNS} columns")]
        text = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
    except (OSError, ValueError, csv.Error) as error:  # among them those of pandas
        return None, [Fault(shown(path), 0, "", f"the file cannot be read: {error}")]
    if not isinstance(text.index, pd.RangeIndex):  # pandas takes cells too many for names of rows
        return None, [Fault(shown(path), 2, "", f"more cells than the {len(heading)} headings")]
    frame, found = schema.coerce(name, text, shown(path))
    known = {(fault.row, fault.column) for fault in found}
    found += [
        fault
        for fault in schema.faults(name, frame, shown(path))
        if (fault.row, fault.column) not in known
    ]
    columns = list(schema.dtypes(name))
    return (frame[columns] if set(columns) <= set(frame) else None), found


def read_known(name: str, path: Path) -> pd.DataFrame:
    """One table typed but not checked, for a file known to be good."""
    types = schema.dtypes(name)
    missing = {column: [""] for column, kind in types.items() if kind == "float64"}
    return pd.read_csv(
        path, dtype=types, keep_default_na=False, na_values=missing, encoding="utf-8"
    )
