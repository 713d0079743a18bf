"""What may not be passed on is on the screen of who asked, and in no file unless asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from corridors.cli import app

Run = Callable[..., Result]
REPORTS = """time,what,kind,severity,reporter_type,visibility,element
2026-11-15,Berth shut,infrastructure,3,embassy,private,port:PKGWD
2026-11-16,Road blocked,infrastructure,3,enterprise,public,port:PKGWD
"""
ASKED = [
    ("events", "--since", "9000d", "--near", "port:PKGWD"),
    ("risk", "--element", "port:PKGWD", "--why"),
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    (tmp_path / "reports.csv").write_text(REPORTS)
    monkeypatch.setenv("CORRIDORS_REPORTS", str(tmp_path / "reports.csv"))
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "news.duckdb"))

    def command(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result

    command("feeds", "refresh", "local_reports")
    return command


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked[0])
def test_a_private_report_stays_on_the_screen(run: Run, asked: tuple[str, ...]) -> None:
    assert "Berth shut" in run(*asked).stdout
    written = run(*asked, "--format", "csv")
    assert "Berth shut" not in written.stdout
    assert "Road blocked" in written.stdout
    assert "left out without --restricted: 1" in written.stderr
    assert "Berth shut" in run(*asked, "--format", "csv", "--restricted").stdout


def test_its_title_is_in_no_file_of_risks(run: Run) -> None:
    asked = ("risk", "--element", "port:PKGWD")
    assert "Berth shut" in run(*asked).stdout
    assert "Berth shut" not in run(*asked, "--format", "json").stdout
    assert "Berth shut" in run(*asked, "--format", "json", "--restricted").stdout
