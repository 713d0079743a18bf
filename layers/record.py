"""``python -m layers.record``: check every table of data/, and write down that it was checked."""

from __future__ import annotations

import sys
from pathlib import Path

from layers.errors import CorridorsError
from layers.geo import arcs_cross, unit
from layers.static import data_dir, file_hash
from layers.world import World, load_world


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


def gates_over_shortcuts(world: World) -> list[str]:
    """Chokepoints whose gate lies across a shortcut, which were built before the gate was laid."""
    sea = world.sea
    xyz = unit(sea.lon, sea.lat)
    start, end = xyz[sea.u[sea.shortcut]], xyz[sea.v[sea.shortcut]]
    gates = world.chokepoints
    first, last = (unit(gates[f"lon{n}"], gates[f"lat{n}"]) for n in (1, 2))
    return [
        name
        for name, a, b in zip(gates["chokepoint"], first, last, strict=True)
        if arcs_cross(start, end, a, b).any()
    ]


def main() -> int:
    """Run the command; 0 when it worked."""
    try:
        for file, digest in record().items():
            print(f"{digest or 'missing':64}  {file}")
        if stale := gates_over_shortcuts(load_world()):
            said = "shortcuts of the sea lie across the gate of"
            todo = "python -m layers.shortcuts builds them anew, then run this again"
            print(f"{said} {', '.join(stale)}: {todo}", file=sys.stderr)
    except CorridorsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
