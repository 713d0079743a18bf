"""Reading a table of data/ by its schema, and remembering which files were checked.

A file whose SHA-256 is the one written in ``sources.csv`` was checked when that was written, so
reading it again only reads it. ``python -m layers.static record`` checks every table and writes
the hashes anew.
"""

from __future__ import annotations

import csv
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from layers import schema
from layers.errors import CorridorsError, DataError, Fault, UsageError

__all__ = [
    "data_dir",
    "examine",
    "file_hash",
    "read_known",
    "read_table",
    "record",
    "recorded_hashes",
    "shown",
]


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
    """Hash of each file as written in ``sources.csv``; empty when there is no such file."""
    path = folder / "sources.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        return {row.get("file", ""): row.get("sha256", "") for row in csv.DictReader(stream)}


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
        text = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        return None, [Fault(shown(path), 0, "", f"the file cannot be read: {error}")]
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


def record(folder: Path | None = None) -> dict[str, str]:
    """Check every table and write the hash of every file into ``sources.csv``.

    Returns
    -------
    dict[str, str]
        Hash by file name.

    Raises
    ------
    DataError
        When a table has faults; ``sources.csv`` is then left as it was.
    """
    folder = folder or data_dir()
    # The world reads its tables through this module, so it is imported only here.
    from layers.world import load_world

    sources = load_world(folder, force=True).sources.copy()
    hashes = {
        file: file_hash(folder / file) if (folder / file).is_file() else ""
        for file in sources["file"]
    }
    sources["sha256"] = [hashes[file] for file in sources["file"]]
    sources.to_csv(folder / "sources.csv", index=False, lineterminator="\n", encoding="utf-8")
    return hashes


def main(arguments: list[str]) -> int:
    """Run the command; 0 when it worked."""
    try:
        if arguments != ["record"]:
            raise UsageError("usage: python -m layers.static record")
        for file, digest in record().items():
            print(f"{digest or 'missing':64}  {file}")
    except CorridorsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
