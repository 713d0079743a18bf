"""The reference is written without a warning, and what a docstring names is there."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FunctionType, ModuleType

import pytest
from typer.testing import CliRunner

import corridors
import layers
from corridors.cli import app
from docs.reference import modules

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = re.compile(r"`((?:corridors|layers)\.[A-Za-z_.]+)`")
SECTION = re.compile(
    r"^(?:Parameters|Attributes)\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}|\Z)", re.MULTILINE | re.DOTALL
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    command = [sys.executable, "-m", "docs.reference", str(folder)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("package", [corridors, layers], ids=lambda package: package.__name__)
def test_every_public_name_is_on_the_first_page(package: ModuleType, pages: Path) -> None:
    text = (pages / f"{package.__name__}.html").read_text("utf-8")
    assert [name for name in package.__all__ if f'id="{name}"' not in text] == []
    assert set(package.__all__) <= set(dir(package))


def test_sections_are_drawn_as_such(pages: Path) -> None:
    text = (pages / "corridors" / "metrics.html").read_text("utf-8")
    for heading in ("Parameters", "Returns", "Raises"):
        assert re.search(rf"<h6[^>]*>{heading}</h6>", text)
    assert "----" not in text


def test_what_faces_a_person_is_left_out(pages: Path) -> None:
    names = {path.relative_to(pages).as_posix() for path in pages.rglob("*.html")}
    assert {"corridors/whatif/stocks.html", "layers/tables.html"} <= names
    assert [name for name in names if name.startswith(("corridors/ui", "corridors/cli"))] == []


def test_what_a_docstring_refers_to_is_there() -> None:
    found = [(where, name) for where, thing in things() for name in REFERENCE.findall(said(thing))]
    assert len(found) > 50
    assert [pair for pair in found if not is_there(pair[1])] == []


def test_what_a_docstring_describes_is_there() -> None:
    found = [(where, name, thing) for where, thing in things() for name in described(thing)]
    assert len(found) > 500
    assert [(where, name) for where, name, thing in found if name not in held(thing)] == []


def things() -> Iterator[tuple[str, object]]:
    """Yield modules, classes, functions and methods by name."""
    for module in modules():
        yield module.__name__, module
        for name, thing in vars(module).items():
            if getattr(thing, "__module__", "") == module.__name__:
                yield f"{module.__name__}.{name}", thing
                for part, own in vars(thing).items() if inspect.isclass(thing) else ():
                    method = getattr(own, "func", None) or getattr(own, "fget", None) or own
                    if isinstance(method, FunctionType):
                        yield f"{module.__name__}.{name}.{part}", method


def said(thing: object) -> str:
    own = inspect.ismodule(thing) or inspect.isclass(thing) or isinstance(thing, FunctionType)
    return (inspect.getdoc(thing) or "") if own else ""


def described(thing: object) -> Iterator[str]:
    """Yield each name under Parameters and Attributes."""
    for section in SECTION.findall("" if inspect.ismodule(thing) else said(thing)):
        for line in re.findall(r"^(\S.*)$", section, re.MULTILINE):
            yield from (name.strip().lstrip("*") for name in line.partition(":")[0].split(","))


def held(thing: object) -> set[str]:
    """Return the parameters of a function, or what a class is made with and holds."""
    assert callable(thing)
    names = set(inspect.signature(thing).parameters)
    for kind in inspect.getmro(thing) if inspect.isclass(thing) else ():
        names |= set(vars(kind)) | set(getattr(kind, "__annotations__", ()))
    if inspect.isclass(thing):
        names |= set(re.findall(r"self\.(\w+)\b[^=\n]*=", inspect.getsource(thing)))
    return names


def is_there(name: str) -> bool:
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        try:
            thing: object = import_module(".".join(parts[:count]))
        except ImportError:
            continue
        for part in parts[count:]:
            if not hasattr(thing, part) and part not in getattr(thing, "__annotations__", ()):
                return False
            thing = getattr(thing, part, None)
        return True
    return False


def test_the_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    said = CliRunner().invoke(app, ["--version"], catch_exceptions=False)
    try:
        installed = version("corridors")
    except PackageNotFoundError:
        assert "not installed" in said.stdout
    else:
        assert said.stdout == f"corridors {installed}\n"
        assert installed == project["version"]
    newest = re.search(r"^## (\d[\d.]+) ", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == project["version"]


def test_links_between_the_documents_lead_somewhere() -> None:
    for name in ("README", "CONTRIBUTING", "CHANGELOG"):
        links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / f"{name}.md").read_text("utf-8"))
        assert [link for link in links if not (ROOT / link).exists()] == [], name
