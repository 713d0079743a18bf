"""The reader's own reports: where they are, read, checked by the rules of the feed, saved whole."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pandas as pd

from corridors.export import write
from corridors.ui.words import word
from layers.errors import CorridorsError, FeedError
from layers.feeds import local_reports
from layers.source import Answer
from layers.store import Store

REPORTS = "CORRIDORS_REPORTS"
REPORT_COLUMNS = (*local_reports.REQUIRED, *local_reports.OPTIONAL)
FAULT = re.compile(r"row (\d+)(?: column ([\w-]+))?: (.*?)(?=; \S+ row \d+|; and \d+ more|$)")


@dataclass(frozen=True)
class Place:
    """Where the reader's own reports are.

    Attributes
    ----------
    kind
        ``unset``, ``address`` (of the web: read only), ``geojson`` (read only here) or ``csv``.
    path
        Of a file; None else.
    text
        As it is set.
    """

    kind: str
    path: Path | None
    text: str


@dataclass(frozen=True)
class Fault:
    """What is wrong in a row of a report file; row 0 and no column where it is the whole file."""

    row: int
    column: str
    text: str


def place(environment: Mapping[str, str] = os.environ) -> Place:
    """Where the reader's own reports are."""
    text = environment.get(REPORTS, "").strip()
    if not text:
        return Place("unset", None, "")
    parts = urlsplit(text)
    if parts.scheme in ("http", "https"):
        return Place("address", None, text)
    path = Path(url2pathname(parts.path) if parts.scheme == "file" else text).expanduser()
    return Place("csv" if path.suffix.lower() == ".csv" else "geojson", path, text)


def table_of(body: bytes) -> pd.DataFrame:
    """A report file as a table of text with every column, empty where it says nothing.

    Raises
    ------
    FeedError
        When it is neither a CSV nor a GeoJSON of points.
    """
    text = body.decode("utf-8-sig", errors="replace")
    if text.lstrip()[:1] in ("{", "["):
        found = list(_features(text))
    else:
        heading, *lines = _lines(text) if text.strip() else [list(REPORT_COLUMNS)]
        names = [name.strip().lower() for name in heading]
        found = [dict(zip(names, line, strict=False)) for line in lines if any(line)]
    unknown = sorted({name for row in found for name in row} - {*REPORT_COLUMNS})
    if unknown:
        raise FeedError(local_reports.SOURCE.id, f"bad_report: row 1 column {unknown[0]}: unknown")
    return tidy(pd.DataFrame(found, columns=list(REPORT_COLUMNS)))


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Reports as text: nothing missing, no row that is all empty."""
    whole = table.reindex(columns=list(REPORT_COLUMNS)).astype(object)
    whole = whole.where(whole.notna(), "").map(lambda cell: str(cell).strip())
    return whole[(whole != "").any(axis=1)].reset_index(drop=True)


def _lines(text: str) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(text)))
    except csv.Error as error:
        raise FeedError(local_reports.SOURCE.id, f"bad_report: {error}") from None


def _features(text: str) -> Iterator[dict[str, str]]:
    try:
        listed = json.loads(text)["features"]
        for feature in listed:
            row = {k: "" if v is None else str(v) for k, v in feature["properties"].items()}
            shape = feature.get("geometry")
            if shape and shape["type"] == "Point":
                row["lon"], row["lat"] = (str(v) for v in shape["coordinates"][:2])
            yield row
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        words = "bad_report: neither a CSV nor a GeoJSON with a list of features"
        raise FeedError(local_reports.SOURCE.id, words) from None


def body_of(table: pd.DataFrame) -> bytes:
    """A table of reports as the bytes of a CSV file."""
    text = tidy(table).to_csv(index=False, lineterminator="\n")
    return text.encode("utf-8")


def checked(table: pd.DataFrame, name: str) -> list[Fault]:
    """What is wrong with a table of reports, by the rules of the feed; empty when all is well."""
    if tidy(table).empty:
        return []
    answer = Answer(f"file:{name}", body_of(table), datetime.now(UTC))
    try:
        local_reports.parse([answer])
    except FeedError as error:
        text = str(error).partition("bad_report: ")[2] or str(error)
        found = [Fault(int(r), c or "", t) for r, c, t in FAULT.findall(text)]
        return found or [Fault(0, "", text)]
    return []


def merged(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Reports with new ones under them; one with an id that is there already takes its place."""
    ids = set(new.loc[new["id"] != "", "id"])
    kept = old[~old["id"].isin(ids)]
    return tidy(pd.concat([kept, new], ignore_index=True).drop_duplicates(ignore_index=True))


def load(path: Path) -> pd.DataFrame:
    """The reports of a file; none while it does not exist.

    Raises
    ------
    CorridorsError
        When it can't be read.
    """
    try:
        return table_of(path.read_bytes()) if path.exists() else tidy(pd.DataFrame())
    except OSError as error:
        raise CorridorsError(f"can't read {path.name}: {error.strerror or error}") from error


def save(path: Path, table: pd.DataFrame) -> None:
    """Put the reports in their file, whole or not at all.

    Raises
    ------
    CorridorsError
        When it can't be written; what was there before stays.
    """
    write(path, body_of(table))


def told(found: Fault, lang: str) -> str:
    """What is wrong in a cell, in words."""
    text = found.text
    if lang == "en":
        return text
    if text.startswith("empty, and so"):
        return word("d_report_noplace", lang)
    if text == "empty":
        return word("d_report_empty", lang)
    _, _, wanted = text.partition(" is not ")
    if wanted.startswith("one of "):
        return word("d_report_oneof", lang, words=wanted.removeprefix("one of "))
    keys = {"a day": "d_report_time", "a number": "d_report_share", "an id": "d_report_element"}
    keys |= {"ISO": "d_report_countries"}
    key = next((k for start, k in keys.items() if wanted.startswith(start)), "d_report_wrong")
    return word(key, lang)


def own_reports(store: Store) -> pd.DataFrame:
    """The reader's own reports that the store holds, the newest first."""
    found = store.events(feeds=[local_reports.SOURCE.id])
    return found.sort_values("onset_at", ascending=False, ignore_index=True)
