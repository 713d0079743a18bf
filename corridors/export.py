"""Tables to files people open: CSV, JSON, Parquet, Excel, GeoJSON and GeoPackage.

A file is written beside its place and moved there when whole, so a full disk or a killed process
leaves the old file. Text that a spreadsheet would run as a formula is quoted. Sources travel
inside: as columns, and as a sheet, layer or field of their own where the format has room.
"""

from __future__ import annotations

import io
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import CorridorsError, UnknownIdError, UsageError
from layers.world import records

if TYPE_CHECKING:
    import geopandas as gpd

    from layers.world import World

FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Sheet:
    """A table with what a reader must know of it.

    Attributes
    ----------
    name
        File stem and sheet name.
    note
        One sentence: what it is, for whom, with which assumptions.
    table
        The rows.
    more
        Further tables by name: keys of a JSON, sheets of a workbook, layers of a GeoPackage; the
        other formats have no room for them.
    """

    name: str
    note: str
    table: pd.DataFrame
    more: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def to_bytes(sheet: Sheet, world: World, format: str) -> bytes:
    """The file as bytes, ready to save or send.

    Raises
    ------
    UnknownIdError
        For a format that is none of ``FORMATS``.
    UsageError
        For a map format of a table without elements.
    """
    if format not in FORMATS:
        raise UnknownIdError("format", format, list(FORMATS))
    return FORMATS[format](sheet, world)


def write(path: Path, content: bytes) -> None:
    """Put a file in its place, whole or not at all.

    Raises
    ------
    CorridorsError
        When it can't be written; what was there before stays.
    """
    place: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as part:
            place = Path(part.name)
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
        place.chmod(0o644)
        place.replace(path)
    except OSError as error:
        if place is not None:
            place.unlink(missing_ok=True)
        raise CorridorsError(f"can't write {path}: {error.strerror or error}") from error


def _csv(sheet: Sheet, world: World) -> bytes:
    # The byte-order mark tells spreadsheets that the Chinese names are UTF-8.
    return _safe(_plain(sheet.table)).to_csv(index=False, lineterminator="\n").encode("utf-8-sig")


def _json(sheet: Sheet, world: World) -> bytes:
    more = {name: _rows(table) for name, table in sheet.more.items()}
    body = {"name": sheet.name, "note": sheet.note, "rows": _rows(sheet.table), **more}
    body["sources"] = _sources(world)
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


def _rows(table: pd.DataFrame) -> object:
    plain = _plain(table)
    return json.loads(plain.to_json(orient="records", force_ascii=False, double_precision=12))


def _parquet(sheet: Sheet, world: World) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(sheet.table, preserve_index=False)
    about = {"note": sheet.note, "sources": json.dumps(_sources(world), ensure_ascii=False)}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **about})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _xlsx(sheet: Sheet, world: World) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as book:
        _safe(_plain(sheet.table)).replace([np.inf, -np.inf], np.nan).to_excel(
            book, sheet_name=sheet.name[:31], index=False, freeze_panes=(1, 0)
        )
        for name, table in sheet.more.items():
            _safe(_plain(table)).to_excel(book, sheet_name=name[:31], index=False)
        about = _safe(pd.DataFrame({"note": [sheet.note]}))
        about.to_excel(book, sheet_name="about", index=False)
        _safe(pd.DataFrame(_sources(world))).to_excel(book, sheet_name="sources", index=False)
    return buffer.getvalue()


def _geojson(sheet: Sheet, world: World) -> bytes:
    frame = _placed(sheet, world)
    body = json.loads(frame.to_json(drop_id=True, show_bbox=False))
    return json.dumps(
        {**body, "name": sheet.name, "note": sheet.note, "sources": _sources(world)},
        ensure_ascii=False,
    ).encode()


def _gpkg(sheet: Sheet, world: World) -> bytes:
    frame = _placed(sheet, world)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "table.gpkg"
        frame.to_file(place, layer=sheet.name, driver="GPKG")
        import pyogrio

        for name, table in sheet.more.items():
            pyogrio.write_dataframe(_plain(table), place, layer=name, driver="GPKG", append=True)
        about = pd.DataFrame([{"note": sheet.note}])
        pyogrio.write_dataframe(about, place, layer="about", driver="GPKG", append=True)
        sources = pd.DataFrame(_sources(world))
        pyogrio.write_dataframe(sources, place, layer="sources", driver="GPKG", append=True)
        return place.read_bytes()


def _placed(sheet: Sheet, world: World) -> gpd.GeoDataFrame:
    import geopandas as gpd

    from corridors.views import element_frame

    table = _plain(sheet.table).replace([np.inf, -np.inf], np.nan)
    if "wkt" in table:
        places = table.pop("wkt").to_numpy()
        shapes = gpd.GeoSeries.from_wkt(places, crs="EPSG:4326", on_invalid="ignore")
        return gpd.GeoDataFrame(table, geometry=shapes)
    if "element" not in table:
        raise UsageError("a map format needs a table of places; take csv, json, parquet or xlsx")
    return element_frame(table, world)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """The table with moments as ISO 8601 text, which every reader takes; no moment stays null."""
    moments = table.select_dtypes(include=["datetime", "datetimetz"]).columns
    plain = table.copy()
    for column in moments:
        told = [None if pd.isna(t) else t.isoformat() for t in table[column]]
        plain[column] = pd.Series(told, index=table.index, dtype="object")
    return plain


def _safe(table: pd.DataFrame) -> pd.DataFrame:
    """The table with text that a spreadsheet would take for a formula quoted."""
    text = table.select_dtypes(include=["object", "string"]).columns
    safe = table.copy()
    for column in text:
        safe[column] = pd.Series([_quoted(v) for v in table[column]], index=table.index)
    return safe


def _quoted(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _sources(world: World) -> list[dict[str, str]]:
    return records(world.sources[["file", "title", "publisher", "licence", "url"]])


FORMATS: Mapping[str, Callable[[Sheet, World], bytes]] = {
    "csv": _csv,
    "json": _json,
    "parquet": _parquet,
    "xlsx": _xlsx,
    "geojson": _geojson,
    "gpkg": _gpkg,
}
