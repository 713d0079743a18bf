"""``python -m layers.record``: check every table of data/, and write down that it was checked."""

from __future__ import annotations

import sys
from pathlib import Path

from layers.errors import CorridorsError
from layers.static import data_dir, file_hash
from layers.world import load_world


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
    sources = load_world(folder, force=True).sources.copy()
    hashes = {
        file: file_hash(folder / file) if (folder / file).is_file() else ""
        for file in sources["file"]
    }
    sources["sha256"] = [hashes[file] for file in sources["file"]]
    sources.to_csv(folder / "sources.csv", index=False, lineterminator="\n", encoding="utf-8")
    return hashes


def main() -> int:
    """Run the command; 0 when it worked."""
    try:
        for file, digest in record().items():
            print(f"{digest or 'missing':64}  {file}")
    except CorridorsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
