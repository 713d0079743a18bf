"""The command line as a person meets it: exit codes, what goes where, what a mistake is told."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from layers.world import World

FIRST = (
    "importer,commodity,year,element,name_en,name_zh,quantity_t,share,share_low,share_high,"
    "no_alternative_share,added_cost_usd_t,added_days,quality"
)
OIL = ("-c", "crude_oil")


class Answer(NamedTuple):
    code: int
    out: bytes
    err: str


Run = Callable[..., Answer]


@pytest.fixture
def run(
    world: World, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Run:
    """Return a way to run the command line in this process, on the world already read."""
    from corridors import cli

    monkeypatch.setattr("layers.world.load_world", lambda: world)

    def answer(*arguments: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["corridors", *arguments])
        capfdbinary.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as left:
            code = left.code
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Answer(code or 0, out, err.decode())

    return answer


@pytest.fixture(autouse=True, scope="module")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Keep what is remembered in a folder of the tests' own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORRIDORS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def table(answer: Answer) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(answer.out), encoding="utf-8-sig")


# Data to standard output, talk to standard error.


def test_exposure_as_csv(run: Run) -> None:
    answer = run("exposure", "--importer", "CHN", *OIL, "--format", "csv")
    assert answer.code == 0
    assert answer.out.decode("utf-8-sig").splitlines()[0].startswith(FIRST)
    found = table(answer)
    assert (found["importer"] == "CHN").all()
    assert (found["year"] == 2024).all()
    hormuz = found.set_index("element").loc["chokepoint:hormuz"]
    assert 0.2 < hormuz["share"] < 0.8
    assert hormuz["name_zh"]
    assert "Traceback" not in answer.err


def test_a_table_for_the_screen(run: Run) -> None:
    answer = run("exposure", "--importer", "CHN", *OIL)
    assert answer.code == 0
    assert "Strait of Hormuz" in answer.out.decode()


def test_routes(run: Run) -> None:
    answer = run("routes", "--origin", "SAU", *OIL, "--alternatives", "3", "-f", "csv")
    assert answer.code == 0
    found = table(answer)
    assert 0 < len(found) <= 3
    assert found["share"].between(0, 1).all()
    assert found["share"].is_monotonic_decreasing
    assert found["passes"].str.contains("hormuz").any()


def test_routes_with_a_passage_shut(run: Run) -> None:
    answer = run("routes", "--origin", "KWT", *OIL, "--close", "chokepoint:hormuz", "-f", "csv")
    assert answer.code == 0
    found = table(answer)
    assert set(found["outcome"]) == {"infeasible"}
    assert found["cost_usd_t"].isna().all()


def test_the_parts_explain_the_number(run: Run) -> None:
    whole = table(run("exposure", *OIL, "-f", "csv")).set_index("element")
    answer = run("explain", *OIL, "--element", "chokepoint:malacca", "-f", "csv")
    assert answer.code == 0
    parts = table(answer)
    wanted = whole.loc["chokepoint:malacca", "quantity_t"]
    assert parts["quantity_t"].sum() == pytest.approx(wanted)
    assert parts["source"].str.len().min() > 0
    assert (parts["source_row"] >= 2).all()


def test_a_named_assumption_changes_the_answer(run: Run) -> None:
    booked = table(run("exposure", *OIL, "-f", "csv")).set_index("element")["share"]
    answer = run("exposure", *OIL, "-f", "csv", "--set", "malaysia_label=iran")
    assert answer.code == 0
    true = table(answer).set_index("element")["share"]
    assert true["chokepoint:hormuz"] > booked["chokepoint:hormuz"] + 0.05
    same = run("exposure", *OIL, "-f", "csv", "--set", "malaysia_label=customs")
    assert table(same).set_index("element")["share"].to_dict() == pytest.approx(booked.to_dict())


def test_elements_counted_together(run: Run) -> None:
    both = ("chokepoint:hormuz", "chokepoint:malacca")
    apart = table(run("exposure", *OIL, "-f", "csv")).set_index("element")["share"]
    answer = run("exposure", *OIL, "-f", "csv", "--any-of", both[0], "--any-of", both[1])
    union = table(answer)["share"].item()
    assert max(apart[e] for e in both) <= union <= sum(apart[e] for e in both)


@pytest.mark.parametrize("group", ["EU27", "WLD"])
def test_a_group_is_one_importer(run: Run, group: str) -> None:
    found = table(run("exposure", "--importer", group, "-c", "lng", "-f", "csv"))
    assert set(found["importer"]) == {group}
    assert found["element"].is_unique


@pytest.mark.parametrize(
    "kind", ["chokepoint", "port", "railway", "pipeline", "origin", "corridor"]
)
def test_every_kind_of_element(run: Run, kind: str) -> None:
    answer = run("exposure", "--by", kind, "-f", "csv")
    assert answer.code == 0, answer.err
    found = table(answer)
    assert len(found)
    assert found["element"].str.startswith(f"{kind}:").all()


# Mistakes: what was meant, exit code 2, one line, nothing on standard output.


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("exposure", "--importer", "CHNN"), "did you mean CHN"),
        (("exposure", "--importer", "wheat"), "unknown importer"),
        (("exposure", "-c", "crude_oli"), "did you mean crude_oil"),
        (("exposure", "--any-of", "chokepoint:malaca"), "did you mean chokepoint:malacca"),
        (("exposure", "--year", "1950"), "unknown year"),
        (("exposure", *OIL, "--set", "malaysia_label"), "name=option"),
        (("exposure", *OIL, "--set", "malaysia_label=irna"), "did you mean iran"),
        (("exposure", *OIL, "--set", "malaysia_lable=iran"), "did you mean malaysia_label"),
        (("exposure", *OIL, "--open", "railway:chna_laos"), "railway:china_laos"),
        (("exposure", *OIL, "-f", "xlsx"), "needs a file"),
        (("routes", "--origin", "SAV", *OIL), "did you mean"),
        (("routes", "--origin", "SAU", *OIL, "--close", "chokepoint:hormz"), "chokepoint:hormuz"),
        (("routes", "--origin", "SAU", *OIL, "-o", "x.gpkg"), "table of places"),
        (("explain", *OIL, "--element", "malacca"), "chokepoint:malacca"),
        (("explain", *OIL, "--element", "CHN"), "unknown element"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    run: Run, arguments: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = run(*arguments)
    assert answer.code == 2
    assert answer.out == b""
    assert told in answer.err
    assert len(answer.err.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments", [("frobnicate",), ("exposure", "--by", "strait"), ("routes",), ("exposure", "--x")]
)
def test_a_command_that_is_none(run: Run, arguments: tuple[str, ...]) -> None:
    answer = run(*arguments)
    assert answer.code == 2
    assert answer.out == b""
    assert "Traceback" not in answer.err


def test_an_importer_without_trade_is_no_crash(run: Run) -> None:
    answer = run("exposure", "--importer", "BTN", "-c", "lng", "-f", "csv")
    assert answer.code in (0, 1, 2)
    if answer.code == 0:
        assert table(answer).empty
    else:
        assert len(answer.err.strip().splitlines()) == 1


# Files.


@pytest.mark.parametrize("suffix", ["csv", "json", "parquet", "xlsx", "geojson", "gpkg"])
def test_the_name_decides_the_format(run: Run, suffix: str, tmp_path: Path) -> None:
    place = tmp_path / f"a.{suffix}"
    answer = run("exposure", *OIL, "-o", str(place))
    assert answer.code == 0
    assert answer.out == b""
    assert "rows" in answer.err
    start = {"parquet": b"PAR1", "xlsx": b"PK", "gpkg": b"SQLite format 3"}
    assert place.read_bytes().startswith(start.get(suffix, b""))
    if suffix == "json":
        assert json.loads(place.read_text())["sources"]


def test_a_place_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    answer = run("exposure", *OIL, "-o", str(tmp_path / "old" / "a.csv"))
    assert answer.code == 1
    assert len(answer.err.strip().splitlines()) == 1
    assert "can't write" in answer.err
    assert (tmp_path / "old").read_text() == "old"


# As a process of its own.


def process(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-m", "corridors", *arguments],
        cwd=Path(__file__).resolve().parent.parent,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_in_a_process_of_its_own() -> None:
    done = process("exposure", "--importer", "JPN", "-c", "lng", "-f", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.removeprefix("\ufeff").startswith(FIRST)
    assert process("exposure", "--importer", "JPM").returncode == 2


def test_broken_data_is_listed_by_file_row_and_column(tmp_path: Path, world: World) -> None:
    folder = tmp_path / "data"
    shutil.copytree(world.folder, folder)
    ports = (folder / "ports.csv").read_text().splitlines(keepends=True)
    cells = ports[4].split(",")
    ports[4] = ",".join([*cells[:4], "east", *cells[5:]])  # a longitude in words
    (folder / "ports.csv").write_text("".join(ports))
    flows = (folder / "flows.csv").read_text().splitlines(keepends=True)
    flows[9] = flows[9].replace(flows[9].split(",")[4], "-5", 1)
    (folder / "flows.csv").write_text("".join(flows))
    done = process("exposure", *OIL, CORRIDORS_DATA=str(folder))
    assert done.returncode == 1
    assert done.stdout == ""
    assert "data/ports.csv row 5 column lon" in done.stderr
    assert "data/flows.csv row 10 column quantity_t" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = process("exposure", *OIL, CORRIDORS_DATA=str(tmp_path / "nowhere"))
    assert done.returncode == 1
    assert "the file is missing" in done.stderr
    assert "Traceback" not in done.stderr
