"""Files people open: each is read back with the tool its reader would use."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest

from corridors import metrics
from corridors.export import FORMATS, Sheet, to_bytes, write
from layers.errors import CorridorsError, UnknownIdError, UsageError

NOTE = "toy, 2024, routes as in calm times"
SOURCES = [
    {"file": "flows.csv", "title": "Flows", "publisher": "by hand", "licence": "CC BY 4.0"},
    {"file": "ports.csv", "title": "=SUM(A1)", "publisher": "by hand", "licence": "CC BY 4.0"},
]


@pytest.fixture(scope="module")
def sourced(toys: Any) -> Any:
    """Return the toy world with two sources."""
    return toys({"sources": SOURCES})


@pytest.fixture(scope="module")
def sheet(sourced: Any) -> Sheet:
    """Return the table of exposure of the toy world."""
    return Sheet("exposure_CCC", NOTE, metrics.exposure(sourced.trade(), sourced.world))


def test_csv(sourced: Any, sheet: Sheet) -> None:
    content = to_bytes(sheet, sourced.world, "csv")
    assert content.startswith(b"\xef\xbb\xbf")  # so that a spreadsheet reads the Chinese names
    back = pd.read_csv(io.BytesIO(content), encoding="utf-8-sig")
    assert list(back.columns) == list(sheet.table.columns)
    assert back["quantity_t"].to_numpy() == pytest.approx(sheet.table["quantity_t"].to_numpy())
    assert b"\r" not in content


def test_json(sourced: Any, sheet: Sheet) -> None:
    body = json.loads(to_bytes(sheet, sourced.world, "json"))
    assert body["note"] == NOTE
    assert [s["file"] for s in body["sources"]] == ["flows.csv", "ports.csv"]
    assert len(body["rows"]) == len(sheet.table)
    assert body["rows"][0]["element"] == sheet.table["element"][0]
    assert body["rows"][0]["share"] == pytest.approx(sheet.table["share"][0])


def test_json_keeps_null_apart_from_zero(sourced: Any) -> None:
    table = pd.DataFrame({"a": [0.0, np.nan, np.inf]})
    rows = json.loads(to_bytes(Sheet("t", "", table), sourced.world, "json"))["rows"]
    assert [r["a"] for r in rows[:2]] == [0.0, None]


def test_parquet(sourced: Any, sheet: Sheet) -> None:
    table = pq.read_table(io.BytesIO(to_bytes(sheet, sourced.world, "parquet")))
    pd.testing.assert_frame_equal(table.to_pandas(), sheet.table, check_dtype=False)
    assert table.schema.metadata[b"note"].decode() == NOTE
    assert json.loads(table.schema.metadata[b"sources"])[0]["file"] == "flows.csv"


def test_xlsx(sourced: Any, sheet: Sheet) -> None:
    book = openpyxl.load_workbook(io.BytesIO(to_bytes(sheet, sourced.world, "xlsx")))
    assert book.sheetnames == ["exposure_CCC", "about", "sources"]
    rows = list(book["exposure_CCC"].values)
    assert list(rows[0]) == list(sheet.table.columns)
    assert len(rows) == len(sheet.table) + 1
    assert NOTE in [cell for row in book["about"].values for cell in row]
    assert "flows.csv" in [cell for row in book["sources"].values for cell in row]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", '=HYPERLINK("x")'])
@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_text_is_never_a_formula(sourced: Any, text: str, format: str) -> None:
    table = pd.DataFrame({"name": [text, "plain"], "number": [-1.0, 2.0]})
    content = to_bytes(Sheet("t", "=1+1", table), sourced.world, format)
    if format == "csv":
        back = pd.read_csv(io.BytesIO(content), encoding="utf-8-sig")
        assert back["name"][0] == f"'{text}"
        assert back["number"].tolist() == [-1.0, 2.0]  # a number is no formula
        return
    book = openpyxl.load_workbook(io.BytesIO(content))
    for name in book.sheetnames:
        for row in book[name].iter_rows():
            assert all(cell.data_type != "f" for cell in row), name
    assert book["t"]["A2"].value.startswith("'")
    assert book["t"]["B2"].value == -1.0


def test_gpkg(sourced: Any, sheet: Sheet, tmp_path: Path) -> None:
    place = tmp_path / "table.gpkg"
    place.write_bytes(to_bytes(sheet, sourced.world, "gpkg"))
    layers = dict(pyogrio.list_layers(place).tolist())
    assert {"exposure_CCC", "about", "sources"} <= set(layers)
    frame = gpd.read_file(place, layer="exposure_CCC")
    assert frame.crs.to_epsg() == 4326
    assert set(frame["element"]) == set(sheet.table["element"])
    assert frame.geom_type.isin(["LineString", "MultiLineString"]).all()
    assert frame["share"].to_numpy() == pytest.approx(sheet.table["share"].to_numpy())
    about = pyogrio.read_dataframe(place, layer="about")
    assert about["note"].tolist() == [NOTE]
    assert "flows.csv" in pyogrio.read_dataframe(place, layer="sources")["file"].tolist()


@pytest.mark.parametrize("by", ["port", "pipeline", "corridor"])
def test_geojson(sourced: Any, by: str, tmp_path: Path) -> None:
    table = metrics.exposure(sourced.trade(), sourced.world, by=by)
    content = to_bytes(Sheet("t", NOTE, table), sourced.world, "geojson")
    body = json.loads(content)
    assert body["type"] == "FeatureCollection"
    assert body["note"] == NOTE
    assert body["sources"][0]["file"] == "flows.csv"
    assert len(body["features"]) == len(table)
    assert all(feature["geometry"] for feature in body["features"])
    assert b"NaN" not in content
    assert b"Infinity" not in content
    place = tmp_path / "table.geojson"
    place.write_bytes(content)
    assert set(gpd.read_file(place)["element"]) == set(table["element"])


def test_a_map_needs_places(sourced: Any) -> None:
    table = pd.DataFrame({"a": [1]})
    for format in ("geojson", "gpkg"):
        with pytest.raises(UsageError, match="table of places"):
            to_bytes(Sheet("t", "", table), sourced.world, format)


NEWS = pd.DataFrame(
    {
        "title": ["here", "nowhere"],
        "onset_at": pd.to_datetime(["2026-02-28T06:30Z", None]),
        "wkt": ["POINT (56.5 26.5)", ""],
    }
)


@pytest.mark.parametrize("format", ["csv", "json", "xlsx", "geojson", "gpkg"])
def test_moments_are_text_and_places_are_shapes(sourced: Any, tmp_path: Path, format: str) -> None:
    place = tmp_path / f"news.{format}"
    place.write_bytes(to_bytes(Sheet("news", NOTE, NEWS), sourced.world, format))
    if format in ("geojson", "gpkg"):
        back = gpd.read_file(place, **({"layer": "news"} if format == "gpkg" else {}))
        assert [s and (s.x, s.y) for s in back.geometry] == [(56.5, 26.5), None]
    elif format == "json":
        back = pd.DataFrame(json.loads(place.read_text())["rows"])
    else:
        back = pd.read_excel(place) if format == "xlsx" else pd.read_csv(place)
    told, silent = back["onset_at"]
    assert pd.Timestamp(told) == NEWS["onset_at"][0]
    assert pd.isna(silent)


def test_an_unknown_format_is_refused(sourced: Any, sheet: Sheet) -> None:
    with pytest.raises(UnknownIdError, match="did you mean xlsx"):
        to_bytes(sheet, sourced.world, "xls")


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_an_empty_table_is_a_file_all_the_same(sourced: Any, sheet: Sheet, format: str) -> None:
    empty = Sheet("empty", NOTE, sheet.table.head(0))
    assert to_bytes(empty, sourced.world, format)


# In its place, whole or not at all.


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    place.write_text("old")
    write(place, b"new")
    assert place.read_bytes() == b"new"
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "a.csv"
    place.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("corridors.export.os.fsync", full)
    with pytest.raises(CorridorsError, match="No space left on device"):
        write(place, b"new")
    assert place.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("missing", ["no/such/folder/a.csv", "file/a.csv"])
def test_a_place_that_cannot_be_written_says_so(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CorridorsError, match="can't write"):
        write(tmp_path / missing, b"new")


def test_a_folder_in_the_way_is_left_alone_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(CorridorsError, match="can't write"):
        write(tmp_path / "a.csv", b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
