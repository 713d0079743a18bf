"""Hostile words on their way out: in every export, and by the whole chain to every bulletin."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from corridors.export import FORMATS, NO_TITLE, Sheet, to_bytes
from layers.errors import UnknownIdError
from layers.store import Store
from tests import test_cli_warn
from tests.test_cli_warn import Run
from tests.test_feeds_a import as_csv

history, run = test_cli_warn.history, test_cli_warn.run
WORDS = (
    *("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠x"),
    *("  =1+1", "\u00a0=1", "\ufeff=1", "=cmd|'/C calc'!A0", '=HYPERLINK("http://x","y")'),
    *("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))"),
    *("[bold]x[/nope]", "`|x|`", "]]>&x;", "\x00\x0b\x1b[31m", "\ud800", "\ufffe", "'; DROP TABLE"),
    *("../../../etc/passwd", "a" * 40, "{0}{x}%s", "\u202edesrever"),
)
SIGNS = "=+-@\t\r\n＝＋－＠"
SPACES = " \u00a0\u3000\ufeff"


def is_formula(text: object) -> bool:
    return isinstance(text, str) and text.lstrip(SPACES)[:1] in SIGNS and bool(text.strip(SPACES))


def cells_of_csv(body: bytes) -> list[str]:
    rows = csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    return [cell for row in rows for cell in row]


def check_workbook(body: bytes) -> None:
    """Fail for a formula, a link or anything that would be fetched."""
    book = openpyxl.load_workbook(io.BytesIO(body))
    for page in book:
        for row in page.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None
                assert not is_formula(cell.value), cell.value
    with zipfile.ZipFile(io.BytesIO(body)) as parts:
        assert not [name for name in parts.namelist() if "external" in name or "vba" in name]


@pytest.fixture(scope="module")
def sourced(toys: Any) -> Any:
    """Return a toy world whose sources speak in formulas."""
    return toys({"sources": [{"file": "f.csv", "title": "=1+1", "publisher": "\u00a0+1"}]})


@pytest.mark.parametrize("format", sorted(FORMATS))
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(text=st.text(max_size=30) | st.sampled_from(WORDS))
@example(text="\ud800")
@example(text="\x00\x0b")
@example(text="[bold]x[/nope]")
def test_any_word_in_any_place_of_any_export(sourced: Any, format: str, text: str) -> None:
    # Half a surrogate pair no table can hold; a note can.
    whole = text.encode("utf-8", "replace").decode()
    table = pd.DataFrame({"element": ["chokepoint:north"] * 2, "said": [whole, "x"], "n": [1, 2]})
    heading = text if text.isprintable() and text.strip() else "more"
    more = {"other": pd.DataFrame({heading: [whole]})}
    sheet = Sheet(whole or "t", text, table.assign(**{f"col {heading}": [whole, None]}), more)
    body = to_bytes(sheet, sourced.world, format)
    if format == "csv":
        assert not [cell for cell in cells_of_csv(body) if is_formula(cell)]
    elif format == "xlsx":
        check_workbook(body)
    elif format in ("json", "geojson"):
        assert json.loads(body)["note"] is not None
    elif format == "parquet":
        assert pq.read_table(io.BytesIO(body)).num_rows == 2


@pytest.mark.parametrize("text", WORDS)
def test_a_heading_is_no_formula(sourced: Any, text: str) -> None:
    table = pd.DataFrame({text.encode("utf-8", "replace").decode(): [1]})
    body = to_bytes(Sheet("t", "", table), sourced.world, "csv")
    assert not [cell for cell in cells_of_csv(body) if is_formula(cell)]


def test_a_map_holds_what_it_can(sourced: Any, tmp_path: Path) -> None:
    table = pd.DataFrame({"element": ["chokepoint:north"], "said": ["\x00'; DROP TABLE x"]})
    body = to_bytes(Sheet("海峡 a'; DROP", "n", table), sourced.world, "gpkg")
    path = tmp_path / "a.gpkg"
    path.write_bytes(body)
    assert "海峡_a_DROP" in pyogrio.list_layers(path)[:, 0]


def test_a_name_of_a_sheet_is_one(sourced: Any) -> None:
    for name in ("a/b:c[d]*?\\", "'x'", "''", "=1", "x" * 99):
        body = to_bytes(Sheet(name, "", pd.DataFrame({"a": [1]})), sourced.world, "xlsx")
        (first, *_) = openpyxl.load_workbook(io.BytesIO(body)).sheetnames
        assert 0 < len(first) <= 31
        assert not NO_TITLE.search(first)


# From a report, by way of the store and the monitor, to bulletins and exports


class Tags(HTMLParser):
    """The names of elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(f"{name}={value}" for name, value in attrs if name != "content")}


@pytest.fixture
def reported(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Put hostile reports of a public kind at Hormuz into the store, by the feed itself."""
    rows = [
        {
            "time": "2026-03-09T06:00:00Z",
            "what": text.encode("utf-8", "ignore").decode() or "x",
            "kind": "security_incident",
            "severity": "4",
            "reporter_type": "security_company",
            "visibility": "public",
            "element": "chokepoint:hormuz",
            "place": text.encode("utf-8", "ignore").decode(),
            "id": f"r{n}" + text.encode("utf-8", "ignore").decode().strip(),
        }
        for n, text in enumerate(WORDS)
    ]
    path = tmp_path / "=1+1<b>.csv"
    path.write_bytes(as_csv(rows).encode())
    monkeypatch.setenv("CORRIDORS_REPORTS", str(path))
    assert run("feeds", "refresh", "local_reports").exit_code == 0
    return run


def test_hostile_reports_reach_every_reader_as_text(
    reported: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "log.duckdb")
    assert len(store.events()) == len(WORDS)
    for format in ("csv", "json", "parquet", "xlsx", "geojson", "gpkg"):
        path = tmp_path / f"events.{format}"
        told = reported("events", "--restricted", "-o", str(path))
        assert told.exit_code == 0, told.output
    assert not [c for c in cells_of_csv((tmp_path / "events.csv").read_bytes()) if is_formula(c)]
    check_workbook((tmp_path / "events.xlsx").read_bytes())
    shown = reported("events", "--restricted")
    assert shown.exit_code == 0
    assert "\x1b[31m" not in shown.output

    made = reported("warn", "run", "-i", "IND", "--format", "json")
    assert made.exit_code == 0, made.output
    rows = json.loads(made.stdout)["rows"]
    id = next(row["id"] for row in rows if row["commodity"] == "lng")
    assert reported("warn", "show", id).exit_code == 0
    assert reported("warn", "ack", id, "--who", "=1+1", "--note", "\x1b[31m<b>").exit_code == 0
    assert reported("warn", "list").exit_code == 0
    for format in ("md", "html", "cap"):
        path = tmp_path / f"told.{format}"
        told = reported("bulletin", id, "--format", format, "-o", str(path), "--reader", "embassy")
        assert told.exit_code == 0, told.output
    page = (tmp_path / "told.html").read_text("utf-8")
    names = Tags(page).names
    assert "script" not in names
    assert not [name for name in names if name.startswith(("on", "src", "href"))]
    assert "alert(1)" not in page or "&lt;script" in page
    said = (tmp_path / "told.md").read_text("utf-8")
    assert "](" not in said.replace("\\](", "").replace("]\\(", "")
    assert "<" not in said


def test_an_alert_s_id_is_no_way_out_of_a_folder(reported: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for id in ("../../x", "/etc/passwd", "..", "a\x00b", "C:\\x"):
        with pytest.raises(UnknownIdError):
            reported("bulletin", id, "-o", str(out))
    assert list(out.iterdir()) == []
