"""The app on other tables than its own: imported trade, and tables with a fault."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from corridors.cli import app as cli
from layers.static import data_dir

ROOT = Path(__file__).resolve().parent.parent
OWN = """year,importer,exporter,commodity,quantity_t,source
2022,CHN,SAU,crude_oil,9000000,the desk
2022,CHN,KAZ,crude_oil,1000000,the desk
"""
# In a process of its own: what readers share is read once in each.
VISIT = """
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=180)
app.query_params["importer"] = "CHN"
app.query_params["commodity"] = "crude_oil"
app.run()
assert not app.exception, app.exception
print("".join(element.proto.body for element in app.get("html")))
"""
VERDICT = '<p class="cx-verdict"'


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Return what gives all that the app writes as HTML on a first visit."""
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "feeds.duckdb"))

    def visit() -> str:
        command = [sys.executable, "-c", VISIT]
        done = subprocess.run(
            command,
            check=False,
            cwd=ROOT,
            env={**os.environ},
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return visit


def test_imported_trade_is_what_the_app_answers_from(
    written: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(OWN)
    done = CliRunner().invoke(cli, ["flows", "import", str(file), "--as", "own"])
    assert done.exit_code == 0, done.stderr
    monkeypatch.setenv("CORRIDORS_FLOWS", "own:2022")
    page = written()
    assert "Imported trade: flows of " in page
    assert "imported by China in 2022" in page[page.index(VERDICT) :]


def test_trade_that_was_never_imported_is_one_clear_line(
    written: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRIDORS_FLOWS", "baci:2022")
    page = written()
    assert "baci:2022" in page
    assert VERDICT not in page


def test_a_fault_in_a_table_is_one_clear_line(
    written: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "data"
    shutil.copytree(data_dir(), copy)
    with (copy / "ports.csv").open("a", encoding="utf-8") as file:
        file.write("<img src=x onerror=alert(1)>,only,three\n")
    monkeypatch.setenv("CORRIDORS_DATA", str(copy))
    page = written()
    assert "data/ports.csv" in page
    assert "<img" not in page
    assert VERDICT not in page
