"""The shape of the house: what may import what, and what lies at the top."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOUSE = {"corridors", "layers", "app.py", "data", "docs", "tests", "pyproject.toml", "README.md"}
# By law, make, pip, containers, code hosts, tools with dots.
DEMANDED = re.compile(r"LICENSE|Makefile|[\w-]+\.lock|Dockerfile|compose\.yaml|[A-Z]+\.md|\..+")
LAYERS, CORRIDORS = (sorted((ROOT / name).rglob("*.py")) for name in ("layers", "corridors"))
# What faces a person or a file; everything else in corridors/ computes.
FACING = {
    "__init__",
    "__main__",
    "cli",
    "desk",
    "export",
    "live",
    "ui",
}
FACING |= {"fonts", "pdf", "scale", "validation", "views"}
COMPUTING = [f for f in CORRIDORS if FACING.isdisjoint(f.relative_to(ROOT).with_suffix("").parts)]
QUIET = {
    f"layers.{name}"
    for name in ("errors", "events", "geo", "schema", "sea", "source", "tables", "units", "world")
}
OUTWARD = {"asyncio", "glob", "http", "io", "os", "pathlib", "shutil", "socket", "sqlite3"}
OUTWARD |= {"subprocess", "tempfile", "time", "urllib", "webbrowser"}
CALCULUS = {"corridors", "numpy", "pandas", "scipy", "xarray"} | sys.stdlib_module_names - OUTWARD
FORMATS = "csv|excel|feather|file|json|netcdf|parquet|pickle|sql|zarr"
OUTWARD_CALL = re.compile(rf"now|utcnow|today|open|input|(read|to)_({FORMATS})")


def imported(file: Path) -> Iterator[str]:
    """Yield the full name of all that `file` imports; `from a import b` yields `a.b`."""
    folder = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def called(file: Path) -> Iterator[str]:
    """Yield the last name of each call in `file`: `open` for `open()` and for `path.open()`."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            yield getattr(node.func, "attr", getattr(node.func, "id", ""))


def test_imports_point_one_way() -> None:
    back = {"layers": {"corridors", "app"}, "corridors": {"app"}}
    wrong = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in [*LAYERS, *CORRIDORS]
        for name in imported(file)
        if name.split(".")[0] in back[file.relative_to(ROOT).parts[0]]
    ]
    assert not wrong


@pytest.mark.parametrize("file", COMPUTING, ids=lambda file: str(file.relative_to(ROOT)))
def test_computing_touches_no_file_clock_or_network(file: Path) -> None:
    names = set(imported(file))
    quiet = {name for name in names if {name, name.rpartition(".")[0]} & QUIET}
    assert {name for name in names - quiet if name.split(".")[0] not in CALCULUS} == set()
    assert set(filter(OUTWARD_CALL.fullmatch, called(file))) == set()


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("httpx", r"layers/(client|webhook)\.py"),
        ("duckdb", r"layers/store/file\.py"),
        ("psycopg", r"layers/store/server\.py"),
    ],
)
def test_the_network_and_the_store_have_their_homes(library: str, homes: str) -> None:
    users = {
        file.relative_to(ROOT).as_posix()
        for file in [*LAYERS, *CORRIDORS]
        if any(name.split(".")[0] == library for name in imported(file))
    }
    assert users
    assert {name for name in users if not re.fullmatch(homes, name)} == set()


def test_tables_are_written_where_formulas_are_disarmed() -> None:
    """Any other file that makes a CSV of a table would send what feeds say past the exporter."""
    homes = {"corridors/export.py", "corridors/ui/data/own.py", "layers/record.py"}
    writers = {
        file.relative_to(ROOT).as_posix()
        for file in [*LAYERS, *CORRIDORS]
        if re.search(r"\.to_(csv|excel|html|json|markdown)\(", file.read_text("utf-8"))
    }
    assert writers <= homes
    assert "corridors/export.py" in writers


@pytest.mark.parametrize("face", ["cli", "ui"])
def test_nothing_rests_on_what_faces_a_person(face: str) -> None:
    inside = [file for file in CORRIDORS if face not in file.relative_to(ROOT).parts]
    assert len(inside) > 50
    users = {f.name for f in inside if any(n.startswith(f"corridors.{face}") for n in imported(f))}
    assert users - {"__main__.py"} == set()


@pytest.mark.parametrize("package", ["corridors", "layers"])
def test_no_module_rests_on_itself(package: str) -> None:
    rests = resting(package)
    circles = [name for name in rests if name in above(rests, name)]
    assert circles == []


def resting(package: str) -> dict[str, set[str]]:
    """What each module of a package imports when it is itself imported, as modules."""
    files = {"corridors": CORRIDORS, "layers": LAYERS}[package]
    named = {module_name(file): file for file in files}
    return {
        name: {module for module in map(partial(nearest, named), imported(file)) if module} - {name}
        for name, file in named.items()
    }


def above(rests: dict[str, set[str]], name: str) -> set[str]:
    """All modules that a module rests on, however far."""
    found, ahead = set[str](), list(rests[name])
    while ahead:
        if (module := ahead.pop()) not in found:
            found.add(module)
            ahead += rests[module]
    return found


def nearest(named: dict[str, Path], name: str) -> str | None:
    """The module that a full name belongs to; None for one of another package."""
    while name and name not in named:
        name = name.rpartition(".")[0]
    return name or None


def module_name(file: Path) -> str:
    """Its full name, a package's for its ``__init__``."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def test_top_level_holds_the_house_and_what_tools_demand(tracked: list[Path]) -> None:
    top = {name.parts[0] for name in tracked}
    assert {name for name in top - HOUSE if not DEMANDED.fullmatch(name)} == set()
