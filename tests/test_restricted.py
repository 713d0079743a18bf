"""What not everybody may have is on the screen of who asked, and in no file for others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from corridors.cli import app
from layers.errors import UnknownIdError
from layers.events import VISIBILITY, may_see

Run = Callable[..., Result]
REPORTS = """time,what,kind,severity,reporter_type,visibility,element
2026-11-14,Gate shut,infrastructure,3,security_company,organisation,port:PKGWD
2026-11-15,Berth shut,infrastructure,3,embassy,private,port:PKGWD
2026-11-16,Road blocked,infrastructure,3,enterprise,public,port:PKGWD
"""
TITLES = ("Road blocked", "Gate shut", "Berth shut")
"""Of the public, the organisation's and the private report."""
SHOWN = {"public": TITLES[:1], "organisation": TITLES[:2], "private": TITLES}
EVENTS = ("events", "--since", "9000d", "--near", "port:PKGWD")
ASKED = [EVENTS, ("risk", "--element", "port:PKGWD", "--why")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return where the reports and the store with them lie."""
    place = tmp_path_factory.mktemp("restricted")
    (place / "reports.csv").write_text(REPORTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORRIDORS_REPORTS", str(place / "reports.csv"))
        patch.setenv("CORRIDORS_STORE", str(place / "news.duckdb"))
        yield place


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    def command(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result

    command("feeds", "refresh", "local_reports")
    return command


def told(text: str) -> tuple[str, ...]:
    """Return the titles that a text holds."""
    return tuple(title for title in TITLES if title in text)


asked_for = pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked[0])


@asked_for
def test_a_file_is_public_and_the_screen_is_not(run: Run, asked: tuple[str, ...]) -> None:
    assert told(run(*asked).stdout) == TITLES
    written = run(*asked, "--format", "csv")
    assert told(written.stdout) == TITLES[:1]
    assert "not for this audience (public), so left out: 2" in written.stderr


@asked_for
@pytest.mark.parametrize("audience", VISIBILITY)
def test_an_audience_sees_its_own_and_wider_circles(
    run: Run, asked: tuple[str, ...], audience: str
) -> None:
    written = run(*asked, "--format", "csv", "--audience", audience)
    assert told(written.stdout) == SHOWN[audience]
    assert told(run(*asked, "--audience", audience).stdout) == SHOWN[audience]


@pytest.mark.parametrize("format", ["csv", "json", "geojson"])
def test_every_format_honours_it(run: Run, tmp_path: Path, format: str) -> None:
    for audience in VISIBILITY:
        place = tmp_path / f"{audience}.{format}"
        run(*EVENTS, "-o", str(place), "--audience", audience)
        assert told(place.read_text("utf-8")) == SHOWN[audience]


@asked_for
def test_a_licence_lifted_opens_no_report(run: Run, asked: tuple[str, ...]) -> None:
    assert told(run(*asked, "--format", "csv", "--restricted").stdout) == TITLES[:1]


def test_what_a_licence_keeps_back_no_audience_is_given(
    run: Run, folder: Path, tmp_path: Path
) -> None:
    store = shutil.copy(folder / "news.duckdb", tmp_path)
    with duckdb.connect(store) as con:  # as if a publisher had said it
        con.execute("UPDATE events SET reporter_type = '', redistribute = title <> 'Road blocked'")
    asked = (*EVENTS, "--format", "csv", "--audience", "private", "--store", store)
    written = run(*asked)
    assert told(written.stdout) == TITLES[1:]
    assert "left out without --restricted: 1" in written.stderr
    assert told(run(*asked, "--restricted").stdout) == TITLES


def test_a_report_is_shown_as_such(run: Run) -> None:
    rows = json.loads(run(*EVENTS, "--format", "json", "--audience", "private").stdout)["rows"]
    found = {row["title"]: (row["reporter_type"], row["visibility"]) for row in rows}
    assert found == {
        "Road blocked": ("enterprise", "public"),
        "Gate shut": ("security_company", "organisation"),
        "Berth shut": ("embassy", "private"),
    }
    assert {row["confidence"] for row in rows} == {0.5}


def test_titles_in_a_file_of_risks(run: Run) -> None:
    asked = ("risk", "--element", "port:PKGWD")
    assert told(run(*asked).stdout) == TITLES
    written = (*asked, "--format", "json")
    assert told(run(*written).stdout) == ()
    assert told(run(*written, "--audience", "private").stdout) == ()
    # Of an element some of whose events are hidden, no title is told at all.
    assert told(run(*written, "--restricted").stdout) == ()
    assert told(run(*written, "--restricted", "--audience", "private").stdout) == TITLES


def test_an_audience_that_is_none(run: Run) -> None:
    asked = [*EVENTS, "--audience", "organization"]
    result = CliRunner().invoke(app, asked)
    assert isinstance(result.exception, UnknownIdError)
    assert "did you mean organisation" in str(result.exception)


def test_an_unknown_visibility_is_private() -> None:
    assert [may_see(audience, "") for audience in VISIBILITY] == [False, False, True]
