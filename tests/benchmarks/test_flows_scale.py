"""Imports of BACI's size: seconds and memory.

Each measurement runs in a process of its own, so that memory is its own too. Seconds are of the
processor, so that whatever else runs does not count. Nothing is asserted about them; the table at
the end says what came out beside the aim.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from layers.world import World

sys.path.insert(0, str(Path(__file__).parent))
import bigworld

ROOT = Path(__file__).resolve().parents[2]
OTHERS = 11_000_000
"""Rows of a year of BACI that are of other goods, about."""
YEARS = range(2013, 2023)

IMPORT = """
import json, resource, sys, time
from datetime import UTC, datetime
from pathlib import Path
from layers.flows import FORMATS, Kept, import_files, read_codes
kept, codes, start = Kept(Path(sys.argv[1])), read_codes(), time.process_time()
paths = [Path(p) for p in sys.argv[2:]]
found = import_files(kept, paths, FORMATS["baci"], codes, now=datetime.now(UTC))
told = {"s": time.process_time() - start, "rows": found.tally.rows}
told["kept"] = sum(found.rows.values())
told["bytes"] = sum(part.bytes for part in kept.parts())
told["gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(json.dumps(told))
"""

READ = """
import json, sys, time
from pathlib import Path
from layers.flows import Kept, parse_ref
kept = Kept(Path(sys.argv[1]))
part = kept.part(parse_ref("baci:2022"))
kept.read(part, commodities=["lng"])
start = time.process_time()
one = kept.read(part, commodities=["lng"], importers=["JPN"])
middle = time.process_time()
table = kept.read(part)
end = time.process_time()
print(json.dumps({"one": middle - start, "all": end - middle, "rows": len(table)}))
"""


def told(script: str, *arguments: object) -> dict[str, Any]:
    """Return what a script of its own process says at its end."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "benchmarks")])
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_year_of_bacis_full_size(world: World, tmp_path: Path, measured: Any) -> None:
    (path,) = bigworld.write_baci(world, tmp_path, [2022], others=OTHERS)
    found = told(IMPORT, tmp_path / "flows", path)
    assert found["rows"] > OTHERS
    size = path.stat().st_size / 1e6
    measured.say(
        "import of one full year of BACI",
        "memory apart from size",
        f"{found['rows']:,} rows, {size:,.0f} MB: {found['s']:.1f} s, {found['gb']:.2f} GB",
    )
    measured.say("  kept of it", "", f"{found['kept']:,} flows, {found['bytes'] / 1e6:.2f} MB")


def test_ten_years_of_our_commodities(world: World, tmp_path: Path, measured: Any) -> None:
    paths = bigworld.write_baci(world, tmp_path, YEARS)
    found = told(IMPORT, tmp_path / "flows", *paths)
    assert found["kept"] > 10 * 30_000
    measured.say(
        "import of ten years, our codes alone",
        "",
        f"{found['rows']:,} rows: {found['s']:.1f} s, {found['gb']:.2f} GB, "
        f"{found['kept']:,} flows in {found['bytes'] / 1e6:.1f} MB",
    )
    read = told(READ, tmp_path / "flows")
    measured.say(
        "reading a year: one commodity and importer; all",
        "",
        f"{read['one'] * 1e3:.1f} ms; {read['all'] * 1e3:.1f} ms ({read['rows']:,} rows)",
    )
