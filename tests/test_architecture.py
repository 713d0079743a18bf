"""The shape of the house: what may import what, and what lies at the top."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOUSE = {"corridors", "layers", "app.py", "data", "docs", "tests", "pyproject.toml", "README.md"}
DEMANDED = re.compile(r"LICENSE|Makefile|[\w-]+\.lock|\..+")  # by law, make, pip, tools with dots
LAYERS, CORRIDORS = (sorted((ROOT / name).rglob("*.py")) for name in ("layers", "corridors"))
# What faces a person or a file; everything else in corridors/ computes.
FACING = {
    "__init__",
    "__main__",
    "cli",
    "cli_feeds",
    "cli_flows",
    "cli_warn",
    "desk",
    "cli_whatif",
    "export",
    "live",
    "terminal",
    "ui",
}
FACING |= {"fonts", "pdf", "scale", "validation", "views"}
COMPUTING = [f for f in CORRIDORS if FACING.isdisjoint(f.relative_to(ROOT).with_suffix("").parts)]
QUIET = {
    f"layers.{name}" for name in ("errors", "events", "geo", "schema", "sea", "units", "world")
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
        ("duckdb", r"layers/store_file\.py"),
        ("psycopg", r"layers/store_server\.py"),
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


def test_nothing_rests_on_the_app() -> None:
    inside = [file for file in CORRIDORS if "ui" not in file.relative_to(ROOT).parts]
    assert len(inside) > 50
    users = {f.name for f in inside if any(n.startswith("corridors.ui") for n in imported(f))}
    assert users == set()


def test_top_level_holds_the_house_and_what_tools_demand(tracked: list[Path]) -> None:
    top = {name.parts[0] for name in tracked}
    assert {name for name in top - HOUSE if not DEMANDED.fullmatch(name)} == set()
