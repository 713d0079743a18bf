"""Names of files that lead elsewhere, or are none: one clear error, and nothing touched outside."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from corridors.export import write
from layers import memory
from layers.errors import CorridorsError, UnknownIdError, UsageError
from layers.flows import FORMATS, Kept, import_files, parse_ref, read_codes
from layers.scenarios import read_scenario, write_scenario
from layers.store import Store
from layers.world import load_world

NOW = datetime(2026, 9, 1, tzinfo=UTC)
NAMES = ("a\0b", "x" * 300, "\ud800")
ENTRY = {"element": "chokepoint:suez", "decision": "confirm", "day": "", "who": "", "note": ""}
OWN = "importer,commodity,year,origin,quantity_t\nCHN,lng,2022,QAT,15.5\n"


def writes(store: Store) -> None:
    store.append([("review", NOW, ENTRY)])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "work",
    [
        lambda path: Store(str(path)).events(),
        lambda path: writes(Store(str(path))),
        lambda path: write(path.with_suffix(".csv"), b"x"),
        lambda path: write_scenario(path.with_suffix(".toml"), "x = 1"),
        lambda path: read_scenario(f"{path}.toml"),
    ],
    ids=["read a store", "write a store", "export", "write a scenario", "read a scenario"],
)
def test_what_is_no_name_of_a_file(
    name: str, work: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises(CorridorsError):
        work(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    for place in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/full")):
        with pytest.raises(UsageError, match="cannot be the place of a store"):
            Store(place)
    with pytest.raises(CorridorsError):
        writes(Store(tmp_path / "loop"))
    with pytest.raises(UsageError):
        Store("~nobody-of-that-name/x")


@pytest.mark.parametrize("name", [":memory:", ":memory:x", "md:x", "'; DROP TABLE.duckdb"])
def test_what_was_acknowledged_lies_in_the_file_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    writes(Store(name))
    assert (tmp_path / name).is_file()
    assert len(Store(name).log()) == 1
    assert Store(name).check() == []


def test_a_link_in_place_of_the_lock_empties_nothing(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("all there is")
    (tmp_path / "log.duckdb.lock").symlink_to(precious)
    with pytest.raises(CorridorsError, match="cannot be written"):
        writes(Store(tmp_path / "log.duckdb"))
    assert precious.read_text() == "all there is"


@pytest.mark.parametrize("vintage", ["..", "../..", "*", "v?", "[a-z]*", "v 1", "a\0b", "."])
def test_a_vintage_that_is_none_names_no_other(vintage: str, tmp_path: Path) -> None:
    """Deleting what is not there must not delete all that is."""
    path = tmp_path / "own.csv"
    path.write_text(OWN)
    kept = Kept(tmp_path / "flows")
    import_files(kept, [path], FORMATS["own"], read_codes(), now=NOW, vintage="v1")
    for work in (kept.part, kept.remove):
        with pytest.raises((UnknownIdError, UsageError)):
            work(parse_ref(f"own:2022@{vintage}"))
    assert len(kept.parts()) == 1


def test_a_table_in_an_archive_is_read_where_it_is(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in ("../../out.csv", "/abs/out2.csv", "a/../../../out3.csv", "C:\\x\\out4.csv"):
            archive.writestr(name, OWN)
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, OWN)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    path = inner / "own.zip"
    path.write_bytes(made.getvalue())
    kept = Kept(inner / "flows")
    import_files(kept, [path], FORMATS["own"], read_codes(), now=NOW, vintage="v1")
    files = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert files == ["a/b/flows/own/v1/2022.parquet", "a/b/own.zip"]


def test_links_among_imports_and_scenarios_are_never_written_through(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("all there is")
    (tmp_path / "mine.toml").symlink_to(precious)
    write_scenario(tmp_path / "mine.toml", "x = 1", overwrite=True)
    (tmp_path / "table.csv").symlink_to(precious)
    write(tmp_path / "table.csv", b"new")
    place = tmp_path / "flows" / "own" / "v1" / "2022.parquet"
    place.parent.mkdir(parents=True)
    place.symlink_to(precious)
    (tmp_path / "own.csv").write_text(OWN)
    kept = Kept(tmp_path / "flows")
    with pytest.raises(CorridorsError):
        kept.parts()
    place.unlink()
    place.symlink_to(tmp_path / "missing")
    import_files(
        kept,
        [tmp_path / "own.csv"],
        FORMATS["own"],
        read_codes(),
        now=NOW,
        vintage="v1",
        replace=True,
    )
    assert precious.read_text() == "all there is"
    assert not place.is_symlink()


@pytest.mark.parametrize("place", ["/dev", "/proc/self", "/nowhere/at/all", "/dev/null", "a\0b"])
def test_tables_in_odd_places(place: str, tmp_path: Path) -> None:
    with pytest.raises(CorridorsError):
        load_world(Path(place))


def test_a_cache_that_cannot_be_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("/dev/null", "/proc/nowhere", str(tmp_path / ("x" * 300))):
        monkeypatch.setenv("CORRIDORS_CACHE", place)
        made = memory.remember("key", lambda: {"a": pd.Series([1.0]).to_numpy()})
        assert made["a"].tolist() == [1.0]
