"""Tables to files people open: CSV, JSON, Parquet, Excel, GeoJSON and GeoPackage.

A file is written beside its place and moved there when whole, so a full disk or a killed process
leaves the old file. Text that a spreadsheet would run as a formula is quoted. Sources travel
inside: as columns, and as a sheet, layer or field of their own where the format has room.
"""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import CorridorsError, UnknownIdError, UsageError
from layers.world import records

if TYPE_CHECKING:
    import geopandas as gpd

    from layers.world import World

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the start of a formula; East Asian ones take the wide signs."""

SPACES = " \u00a0\u3000\ufeff"
NO_TITLE = re.compile(r"[\[\]:*?/\\]")
"""What no name of a sheet may hold."""

UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Signs that one format or another can't hold at all: controls and halves of surrogate pairs."""


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
    more = {name: _writable(table) for name, table in sheet.more.items()}
    name, note = (UNWRITABLE.sub(" ", text) for text in (sheet.name, sheet.note))
    clean = replace(sheet, name=name, note=note, table=_writable(sheet.table), more=more)
    return FORMATS[format](clean, world)


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
    except ValueError:  # a zero byte, or signs that no file system takes
        raise CorridorsError(f"can't write {str(path)!r}: that is no name of a file") from None


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
            book, sheet_name=_title(sheet.name), index=False, freeze_panes=(1, 0)
        )
        for name, table in sheet.more.items():
            _safe(_plain(table)).to_excel(book, sheet_name=_title(name), index=False)
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
        frame.to_file(place, layer=_layer(sheet.name), driver="GPKG")
        import pyogrio

        for name, table in sheet.more.items():
            pyogrio.write_dataframe(
                _plain(table), place, layer=_layer(name), driver="GPKG", append=True
            )
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
    return safe.rename(columns=_quoted)


def _quoted(value: object) -> object:
    if not isinstance(value, str):
        return value
    # A lone carriage return is written bare, and a reader begins a new row after it.
    text = value.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.lstrip(SPACES).startswith(FORMULA) else text


def _writable(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the signs that some format can't hold; a space where one was."""
    text = table.select_dtypes(include=["object", "string"]).columns
    if not any(_unwritable(value) for column in text for value in table[column]):
        return table
    clean = table.copy()
    for column in text:
        cells = [UNWRITABLE.sub(" ", v) if _unwritable(v) else v for v in table[column]]
        clean[column] = pd.Series(cells, index=table.index, dtype=table[column].dtype)
    return clean


def _unwritable(value: object) -> bool:
    return isinstance(value, str) and UNWRITABLE.search(value) is not None


def _layer(name: str) -> str:
    """The name as that of a layer, which holds no signs and no spaces."""
    return re.sub(r"\W+", "_", name) or "table"


def _title(name: str) -> str:
    """The name as that of a sheet."""
    return NO_TITLE.sub("_", name).strip("'")[:31] or "table"


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
