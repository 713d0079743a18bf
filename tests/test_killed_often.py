"""Whatever writes files, killed at any moment: what is left is whole, the old or the new.

More rounds with ``CORRIDORS_TEST_KILLS``. The store and its log: `test_store.py`, `test_ledger.py`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from corridors.export import write
from layers.flows import FORMATS, Kept, import_files, read_codes
from layers.scenarios import write_scenario
from layers.store import Store
from layers.store.copy import copy
from tests.processes import Deed, told_when_killed

KILLS = int(os.environ.get("CORRIDORS_TEST_KILLS", "20")) // 4
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def importing(place: str) -> Deed:
    folder, codes = Path(place), read_codes()

    def deed(n: int) -> int:
        # Anew into the same place, and for the first time into one of its own.
        for name in ("flows", f"{os.getpid()}-{n}"):
            kept = Kept(folder / name)
            import_files(
                kept, [folder / "own.csv"], FORMATS["own"], codes,
                now=NOW, vintage="v1", replace=True,
            )  # fmt: skip
        return n + 1

    return deed


def test_an_import_killed_at_any_moment_leaves_whole_files(tmp_path: Path) -> None:
    head = "importer,commodity,year,origin,quantity_t\n"
    years = range(2018, 2023)
    rows = "".join(f"CHN,lng,{year},QAT,15.5\nJPN,wheat,{year},USA,7\n" for year in years)
    (tmp_path / "own.csv").write_text(head + rows)
    for _ in told_when_killed(importing, str(tmp_path), times=KILLS, seed=5):
        assert len(Kept(tmp_path / "flows").parts()) == len(years)
        for folder in filter(Path.is_dir, tmp_path.iterdir()):
            kept = Kept(folder)
            assert all(kept.read(part).num_rows == 2 for part in kept.parts())


def copying(source: str, target: str) -> Deed:
    store = Store(source)
    store.log()  # imports what it needs

    def deed(n: int) -> int:
        copy(store, Store(f"{target}.{os.getpid()}.{n}"))
        return n + 1

    return deed


def test_a_copy_killed_at_any_moment_is_whole_or_nothing(tmp_path: Path) -> None:
    source, target = Store(tmp_path / "log.duckdb"), tmp_path / "copy"
    words = {"element": "chokepoint:suez", "decision": "confirm", "day": "", "who": "x" * 20_000}
    source.append([("review", NOW, {**words, "note": str(n)}) for n in range(50)])
    for _ in told_when_killed(copying, source.place, str(target), times=KILLS, seed=7):
        for path in tmp_path.glob("copy.*"):
            if path.suffix not in (".lock", ".wal"):
                copied = Store(path)
                assert copied.check() == []
                assert len(copied.log()) in (0, 50)
            path.unlink(missing_ok=True)
    assert source.check() == []
    assert len(source.log()) == 50


def exporting(place: str) -> Deed:
    def deed(n: int) -> int:
        write(Path(place), bytes([65 + n % 26]) * 3_000_000)
        return n + 1

    return deed


def keeping_a_scenario(place: str) -> Deed:
    def deed(n: int) -> int:
        write_scenario(Path(place), chr(65 + n % 26) * 900_000, overwrite=True)
        return n + 1

    return deed


@pytest.mark.parametrize(("begin", "size"), [(exporting, 3_000_000), (keeping_a_scenario, 900_000)])
def test_a_file_killed_at_any_moment_is_the_old_or_the_new(
    begin: Callable[[str], Deed], size: int, tmp_path: Path
) -> None:
    place = tmp_path / "a.toml"
    for _ in told_when_killed(begin, str(place), times=KILLS, seed=9):
        content = place.read_text()
        assert len(set(content)) == 1
        assert len(content) == size
