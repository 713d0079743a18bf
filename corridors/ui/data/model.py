"""What the page of feeds and data tells; asks feeds and writes reports, draws nothing."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pandas as pd
import streamlit as st

import corridors
from corridors.export import write
from corridors.risk import live
from corridors.risk.bulletin.words import word as spoken
from corridors.ui import shared
from corridors.ui.answer import Question
from corridors.ui.words import WORDS, word
from layers import refresh as asking
from layers.client import Step
from layers.errors import CorridorsError, FeedError
from layers.feeds import local_reports
from layers.memory import remember
from layers.portwatch_file import Imported, import_file
from layers.refresh import Status, missing_needs, status
from layers.source import Answer, Source, feeds
from layers.store import Store
from layers.tables import QUALITIES, TABLES
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

STATES = ("failed", "stale", "cached", "live", "empty_ok", "never", "off")
REPORTS = "CORRIDORS_REPORTS"
REPORT_COLUMNS = (*local_reports.REQUIRED, *local_reports.OPTIONAL)
POLL_S = 0.3
FAULT = re.compile(r"row (\d+)(?: column ([\w-]+))?: (.*?)(?=; \S+ row \d+|; and \d+ more|$)")
MODULES = (
    *("corridors.demand", "corridors.gateways", "corridors.gates", "corridors.tariff"),
    *("corridors.assignment", "corridors.metrics", "corridors.risk.threat"),
    *("corridors.risk.structural", "corridors.risk.transits", "corridors.risk.probability"),
    *("corridors.risk.impact", "corridors.risk.levels", "corridors.risk.scorecard"),
    *("corridors.whatif.reroute", "corridors.whatif.supply", "corridors.whatif.capacity"),
)
"""Modules whose first words explain a method, in the order a reader would ask."""
ROUTING = (
    *("logit_theta", "path_size_beta", "value_of_time_pct_day_energy", "bunker_usd_t"),
    *("value_of_time_pct_day_grain", "pipeline_usd_t_km", "railway_usd_t_km", "pipeline_km_d"),
    *("railway_km_d", "border_usd_t", "border_delay_d", "gauge_break_usd_t"),
    *("gauge_break_delay_d", "connector_max_km", "error_official", "error_secondary"),
    *("error_estimate", "error_memory", "pair_detour_usd_t"),
)
"""Assumptions that exposure in calm times rests on."""


@dataclass(frozen=True)
class Row:
    """One feed as the page shows it: its state, with ``off`` for one that wants a key."""

    source: Source
    state: str
    status: Status


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


@dataclass(frozen=True)
class Method:
    """A module's own words: its first line, the rest, and the formulas in it."""

    module: str
    title: str
    text: str
    formulas: str


# ---- feeds


def now() -> datetime:
    """The moment by our clock, UTC."""
    return datetime.now(UTC)


def rows(store: Store, at: datetime) -> list[Row]:
    """Every feed, those that need a look first."""
    found = feeds()
    told = [
        Row(
            found[s.feed].source,
            "off" if missing_needs(found[s.feed].source) else s.state,
            s,
        )
        for s in status(store, found, now=at)
    ]
    return sorted(told, key=lambda row: STATES.index(row.state))


def counts(table: Sequence[Row]) -> dict[str, int]:
    """How many feeds are in each state that occurs."""
    states = [row.state for row in table]
    return {state: states.count(state) for state in STATES if state in states}


def ask(
    store: Store,
    *,
    force: bool,
    told: Callable[[Mapping[str, Step]], None],
    only: Sequence[str] | None = None,
) -> list[Status]:
    """How each feed does after those that are due were asked; tells how far it is.

    Feeds are asked in a thread of their own; leaving the page stops it.

    Raises
    ------
    CorridorsError
        When the store cannot be written.
    """
    steps: dict[str, Step] = {}
    ended = threading.Event()

    def progress(step: Step) -> None:
        steps[step.source] = step

    def run() -> list[Status]:
        return asking.refresh(
            store, feeds(), only=only, force=force, progress=progress, stop=ended.is_set
        )

    with ThreadPoolExecutor(max_workers=1) as pool:
        task = pool.submit(run)
        try:
            while not task.done():
                told(dict(steps))
                wait_for([task], timeout=POLL_S)
        finally:
            ended.set()
        return task.result()


def offline(bad: Sequence[Status]) -> bool:
    """Whether so many feeds failed, all for want of a connection, that there is none."""
    return len(bad) >= 3 and all(s.fault.startswith("connect") for s in bad)


def asked_since(states: Sequence[Status], begun: datetime) -> list[Status]:
    """Feeds that were asked at or after a moment."""
    return [s for s in states if s.facts.last_attempt_at and s.facts.last_attempt_at >= begun]


def aged(span: timedelta | None, lang: str) -> str:
    """An age in words; unknown is called that."""
    if span is None:
        return word("d_unknown", lang)
    seconds = span.total_seconds()
    for size, key in ((86_400, "d_days"), (3_600, "d_hours"), (60, "d_minutes")):
        if seconds >= size:
            return word(key, lang, n=f"{seconds / size:.0f}")
    return word("d_now", lang)


def fault(row: Row, lang: str) -> tuple[str, str]:
    """Why a feed failed or is off, in words, and the fault as it was noted."""
    if row.state == "off":
        return word("d_fault_needs", lang, names=", ".join(missing_needs(row.source))), ""
    text = row.status.fault
    if not text:
        return "", ""
    reason = text.partition(":")[0].strip()
    if reason.startswith("http_"):
        return word("d_fault_http", lang, code=reason.removeprefix("http_")), text
    key = f"d_fault_{reason}"
    return word(key if key in WORDS else "d_fault_other", lang), text


def title(source: Source, lang: str) -> str:
    """A feed's name."""
    key = f"d_feed_{source.id}"
    return word(key, lang) if lang != "en" and key in WORDS else source.title


# ---- tables of data/


def qualities(world: World, lang: str) -> pd.DataFrame:
    """Rows of each table by how well they are known: ``table``, a column a quality, ``rows``."""
    found = []
    for name, table in TABLES.items():
        frame: pd.DataFrame | None = getattr(world, name, None)
        if frame is None or "quality" not in frame:
            continue
        each = frame["quality"].value_counts()
        known = {q: int(each.get(q, 0)) for q in QUALITIES}
        held = word(f"d_table_{name}", lang) if lang != "en" else table.title
        found.append({"file": f"{name}.csv", "holds": held, **known, "rows": len(frame)})
    return pd.DataFrame(found)


def option(name: str, lang: str) -> str:
    """A word that a report may hold: kind, reporter, who may see it, or a severity as it is."""
    if f"d_kind_{name}" in WORDS:
        return word(f"d_kind_{name}", lang)
    return name if name.isdigit() else spoken(name, lang)


def method(module: str) -> Method:
    """What a module says of itself."""
    spec = find_spec(module)
    source = Path(spec.origin).read_text("utf-8") if spec and spec.origin else ""
    text = ast.get_docstring(ast.parse(source)) or ""
    first, _, rest = text.partition("\n")
    indented = [line for line in rest.splitlines() if line.startswith("    ")]
    return Method(module, first, rest.strip("\n"), "\n".join(line[4:] for line in indented))


@st.cache_data(show_spinner=False)
def methods() -> list[Method]:
    """What the modules say of their methods."""
    return [method(module) for module in MODULES if find_spec(module)]


# ---- assumptions


def used_in(name: str) -> str:
    """What an assumption bears on: exposure, risk, warnings or whatif."""
    if name in ROUTING:
        return "exposure"
    if name.startswith(("threat_", "structural_", "observed_")):
        return "risk"
    return "warnings" if name.startswith(("warning_", "transit_")) else "whatif"


def changed(world: World, name: str, value: float) -> World:
    """The world with another central value of one assumption.

    Raises
    ------
    UnknownIdError
        When there is no such assumption.
    """
    world.assumption(name)
    table = world.assumptions.copy()
    table.loc[table["assumption"] == name, "central"] = value
    return replace(world, assumptions=table)


@st.cache_data(show_spinner=False, max_entries=48)
def effect(digest: str, question: Question, name: str, value: float) -> pd.DataFrame:
    """Exposure by chokepoint under another value: ``share, added_cost_usd_t`` by element."""
    world, network, _ = shared.load()
    other = changed(world, name, value)
    if name == "connector_max_km":
        network = corridors.load_network(other, remember=remember)
    trade = corridors.assess(
        other,
        importers=[question.importer],
        commodities=[question.commodity],
        year=question.year,
        switches=question.switches,
        network=network,
        named_corridors=False,
    )
    table = corridors.exposure(trade, other, by="chokepoint", importer=question.importer)
    columns = ["element", "share", "share_low", "share_high", "added_cost_usd_t"]
    return table[columns].set_index("element")


@st.cache_data(show_spinner=False, max_entries=48)
def risk_effect(digest: str, stamp: tuple[object, ...], name: str, value: float) -> pd.DataFrame:
    """Risk of every element under another value: ``threat, structural`` numbers by element."""
    world, store = changed(shared.load()[0], name, value), Store(None, only_reads=True)
    table = live.risk_now(world, store, live.known_events(world, store), now=now())
    numbers = [c for c in ("threat", "structural", "observed") if c in table]
    return table.set_index("element")[numbers]


def compared(parts: Mapping[str, pd.DataFrame], column: str, *, most: int = 12) -> pd.DataFrame:
    """A number of each element at the low, central and high value, largest spread first."""
    table = pd.DataFrame({name: part[column] for name, part in parts.items()})
    spread = table.max(axis=1) - table.min(axis=1)
    size = table["central"].fillna(0)
    order = pd.DataFrame({"spread": spread.fillna(0).round(6), "size": size})
    order = order.sort_values(["spread", "size"], ascending=False)
    return table.loc[order.index].dropna(how="all").head(most)


# ---- reports of the reader's own


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
    answer = Answer(f"file:{name}", body_of(table), now())
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


def history(store: Store, name: str, body: bytes, downloaded: date, over: bool) -> Imported:
    """What a file of the PortWatch portal added to the store.

    Raises
    ------
    CorridorsError
        When it can't be read or written.
    """
    moment = datetime(downloaded.year, downloaded.month, downloaded.day, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("portal-" + re.sub(r"[^\w.-]", "_", name))
        path.write_bytes(body)
        at = min(moment + timedelta(days=1), now()).timestamp()
        os.utime(path, (at, at))
        return import_file(store, path, now=now(), replace=over)


def own_reports(store: Store) -> pd.DataFrame:
    """The reader's own reports that the store holds, the newest first."""
    found = store.events(feeds=[local_reports.SOURCE.id])
    return found.sort_values("onset_at", ascending=False, ignore_index=True)


def licences() -> pd.DataFrame:
    """Under which terms each feed's content may be used."""
    return pd.DataFrame(
        [
            {
                "source": feed.source,
                "publisher": feed.source.publisher,
                "licence": feed.source.licence,
                "redistribute": feed.source.redistribute,
                "url": feed.source.homepage,
            }
            for feed in feeds().values()
        ]
    )


def described(row: Mapping[str, Any], lang: str) -> str:
    """An assumption as a line to choose it by."""
    return f"{row[f'name_{lang}']} ({row['assumption']})"


def all_assumptions(world: World, lang: str) -> pd.DataFrame:
    """Every assumption with its range, where it is used and where it comes from."""
    return pd.DataFrame(
        [
            {
                "name": r[f"name_{lang}"],
                "low": r["low"],
                "central": r["central"],
                "high": r["high"],
                "unit": r["unit"],
                "used": word(f"d_used_{used_in(str(r['assumption']))}", lang),
                "quality": r["quality"],
                "source": r["source"],
                "assumption": r["assumption"],
            }
            for r in records(world.assumptions)
        ]
    )
