"""What travels: the wheel holds all it needs, the locks name bytes, and no file names a machine."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-build.lock"]
# Taken apart, so that this file does not name what it looks for.
REGISTRIES = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "registry.yarn" + "pkg.com",
    "conda.ana" + "conda.org",
    "index" + "-url",
]
PLACES = "home|root|Users|tmp|opt|work|mnt"
MACHINE = re.compile(
    "|".join([*map(re.escape, REGISTRIES), rf"(?<![\w./~-])/({PLACES})/\w", r"\b[C-Z]:\\\w"])
)


def files_below(folder: Path) -> set[str]:
    """Return the paths below `folder`, from there, without what Python leaves behind."""
    files = (file for file in folder.rglob("*") if file.is_file())
    paths = (file.relative_to(folder) for file in files)
    return {path.as_posix() for path in paths if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel and return the names of its files."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    built = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_wheel_holds_both_packages_and_every_table(wheel: set[str]) -> None:
    expected = {f"layers/data/{name}" for name in files_below(ROOT / "data")}
    for package in ("corridors", "layers"):
        expected |= {f"{package}/{name}" for name in files_below(ROOT / package)}
    assert expected - wheel == set()


def test_wheel_holds_the_app_its_looks_and_the_type_markers(wheel: set[str]) -> None:
    expected = {"corridors/_app.py", "corridors/.streamlit/config.toml"}
    expected |= {"corridors/py.typed", "layers/py.typed"}
    assert expected - wheel == set()


def test_wheel_holds_nothing_else(wheel: set[str]) -> None:
    assert {name.split("/")[0].split("-")[0] for name in wheel} == {"corridors", "layers"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_pins_every_requirement_by_hash_and_names_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    pins = re.split(r"\n(?=\S)", text.strip())
    assert [pin for pin in pins if not re.match(r"[\w.\[\]-]+==\S+", pin)] == []
    assert [pin for pin in pins if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", pin)] == []
    assert "://" not in text


def test_locks_hold_every_dependency_and_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"]
    wanted = [*project["project"]["dependencies"], *groups["build"], *groups["dev"]]
    everything, tools = (lock.read_text("utf-8") for lock in LOCKS)
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", everything, re.MULTILINE))
    assert {re.split(r"[^\w.-]", name)[0] for name in wanted} - set(pinned) == set()
    assert dict(re.findall(r"^([\w.-]+)==(\S+)", tools, re.MULTILINE)).items() <= pinned.items()


def test_no_file_names_a_registry_or_a_path_of_some_machine(tracked: list[Path]) -> None:
    found = []
    for name in tracked:
        try:
            text = (ROOT / name).read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture or a parquet file
        found += [f"{name}: {hit[0]}" for hit in MACHINE.finditer(text)]
    assert found == []
