"""A disk that is full or read-only: one clear error, nothing lost, and on it goes with room again.

The disk is a real one of a few megabytes in memory; where none may be mounted, that is skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from corridors.cli import app
from corridors.export import write
from layers import memory
from layers.errors import CorridorsError
from layers.flows import FORMATS, Kept, import_files, read_codes
from layers.scenarios import write_scenario
from layers.static import data_dir
from layers.store import Store
from layers.world import load_world

NOW = datetime(2026, 9, 1, tzinfo=UTC)
MB = 1 << 20
OWN = "importer,commodity,year,origin,quantity_t\nCHN,lng,{},QAT,15.5\n"


class Disk:
    """A small disk, mounted at ``at``."""

    def __init__(self, at: Path) -> None:
        self.at, self._filling = at, at / "filling"

    def fill(self, *, leave: int = 0) -> None:
        """Take all room there is, but for some bytes."""
        with self._filling.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                file.truncate(max(0, file.tell() - leave))

    def empty(self) -> None:
        """Give the room back."""
        self._filling.unlink()

    def lock(self, how: str) -> None:
        """Make it read-only (``ro``), or writable again (``rw``)."""
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.at)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    at = tmp_path / "disk"
    at.mkdir()
    if not shutil.which("mount") or os.name != "posix":
        pytest.skip("no disk can be mounted here")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(at)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("no disk may be mounted here")
    yield Disk(at)
    subprocess.run(["umount", "-l", str(at)], check=True)


def entry(n: int) -> tuple[str, datetime, dict[str, str]]:
    words = {"decision": "confirm", "day": "", "who": "x" * 50_000, "note": str(n)}
    return ("review", NOW, {"element": "chokepoint:suez", **words})


def import_year(folder: Path, year: int) -> None:
    path = folder.parent / f"own{year}.csv"
    if not path.exists():
        path.write_text(OWN.format(year))
    import_files(Kept(folder), [path], FORMATS["own"], read_codes(), now=NOW, vintage="v1")


def test_a_store_on_a_full_disk(disk: Disk) -> None:
    store, known = Store(disk.at / "log.duckdb"), 0
    store.append([entry(0)])
    disk.fill(leave=256 * 1024)
    with pytest.raises(CorridorsError, match="cannot be written"):  # noqa: PT012
        for n in range(1, 2000):
            store.append([entry(n)])
            known = n
    disk.empty()
    assert store.check() == []
    assert len(store.log()) == known + 1
    store.append([entry(known + 1)])
    assert store.check() == []


def test_a_store_copied_to_a_full_disk(disk: Disk, tmp_path: Path) -> None:
    source = Store(tmp_path / "log.duckdb")
    source.append([entry(n) for n in range(10)])
    disk.fill(leave=64 * 1024)
    arguments = ["store", "copy", str(source.path), str(disk.at / "copy.duckdb")]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, CorridorsError), done.output
    disk.empty()
    assert source.check() == []
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 0, again.output
    assert len(Store(disk.at / "copy.duckdb").log()) == 10


WRITES: dict[str, Callable[[Path], None]] = {
    "export": lambda at: write(at / "table.csv", b"x" * MB),
    "scenario": lambda at: write_scenario(at / "mine.toml", "#" * MB, overwrite=True),
}


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_file_on_such_a_disk_stays_as_it_was(name: str, how: str, disk: Disk) -> None:
    WRITES[name](disk.at)
    (before,) = list(disk.at.iterdir())
    old = before.read_bytes()[:-1]
    before.write_bytes(old)
    if how == "full":
        disk.fill(leave=8192)
    else:
        disk.lock("ro")
    with pytest.raises(CorridorsError, match="can't write"):
        WRITES[name](disk.at)
    assert before.read_bytes() == old
    if how == "full":
        disk.empty()
    else:
        disk.lock("rw")
    assert list(disk.at.iterdir()) == [before]  # and nothing half written beside it
    WRITES[name](disk.at)
    assert len(before.read_bytes()) == MB


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_imports_on_such_a_disk(how: str, disk: Disk, tmp_path: Path) -> None:
    folder = disk.at / "flows"
    import_year(folder, 2021)
    (disk.at / "own2022.csv").write_text(OWN.format(2022))
    if how == "full":
        disk.fill()
    else:
        disk.lock("ro")
    with pytest.raises(CorridorsError, match="cannot be written"):
        import_year(folder, 2022)
    assert [part.year for part in Kept(folder).parts()] == [2021]
    assert Kept(folder).read(Kept(folder).parts()[0]).num_rows == 1
    if how == "full":
        disk.empty()
    else:
        disk.lock("rw")
    import_year(folder, 2022)
    assert [part.year for part in Kept(folder).parts()] == [2021, 2022]
    assert not list(folder.glob(".part-*"))


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_what_is_remembered_on_such_a_disk_is_made_again(
    how: str, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRIDORS_CACHE", str(disk.at))
    made = 0

    def make() -> memory.Arrays:
        nonlocal made
        made += 1
        return {"a": np.arange(100_000.0)}

    if how == "full":
        disk.fill(leave=4096)
    else:
        disk.lock("ro")
    for _ in range(2):
        assert len(memory.remember("key", make)["a"]) == 100_000
    assert made == 2
    if how == "full":
        disk.empty()
    else:
        disk.lock("rw")
    assert list(disk.at.iterdir()) == []  # no half of a file takes the room that is left
    for _ in range(2):
        assert len(memory.remember("key", make)["a"]) == 100_000
    assert made == 3


def test_a_store_in_a_read_only_folder_is_read_and_refuses_to_be_written(disk: Disk) -> None:
    store = Store(disk.at / "log.duckdb")
    store.append([entry(0)])
    disk.lock("ro")
    assert len(store.log()) == 1
    assert store.check() == []
    with pytest.raises(CorridorsError, match="cannot be written"):
        store.append([entry(1)])
    disk.lock("rw")
    store.append([entry(1)])
    assert len(store.log()) == 2


def test_read_only_tables_are_enough(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installed package may lie where nobody can write, and so may the home of who runs it."""
    tables = disk.at / "data"
    shutil.copytree(data_dir(), tables)
    (disk.at / "home").mkdir()
    disk.lock("ro")
    monkeypatch.setenv("HOME", str(disk.at / "home"))
    monkeypatch.delenv("CORRIDORS_CACHE", raising=False)
    monkeypatch.delenv("CORRIDORS_STORE", raising=False)
    for name in ("XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert load_world(tables).digest == load_world(data_dir()).digest
    done = CliRunner().invoke(app, ["exposure", "-i", "JPN", "-c", "lng", "-f", "csv"])
    assert done.exit_code == 0, done.exception
    assert done.output.count("\n") > 5
