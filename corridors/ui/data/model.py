"""What the page of feeds and data tells; asks feeds, draws nothing."""

from __future__ import annotations

import ast
import os
import re
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

import corridors
from corridors.risk import live
from corridors.risk.bulletin.words import word as spoken
from corridors.ui import shared
from corridors.ui.answer import Question
from corridors.ui.words import WORDS, word
from layers import refresh as asking
from layers.client import Step
from layers.memory import remember
from layers.portwatch_file import Imported, import_file
from layers.refresh import Status, missing_needs, status
from layers.source import Source, feeds
from layers.store import Store
from layers.tables import QUALITIES, TABLES
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

STATES = ("failed", "stale", "cached", "live", "empty_ok", "never", "off")
POLL_S = 0.3
LONGEST_NAME = 60  # letters of a file's name that are kept, its end: systems take 255 bytes
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


def history(store: Store, name: str, body: bytes, downloaded: date, over: bool) -> Imported:
    """What a file of the PortWatch portal added to the store.

    Raises
    ------
    CorridorsError
        When it can't be read or written.
    """
    moment = datetime(downloaded.year, downloaded.month, downloaded.day, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("portal-" + re.sub(r"[^\w.-]", "_", name)[-LONGEST_NAME:])
        path.write_bytes(body)
        at = min(moment + timedelta(days=1), now()).timestamp()
        os.utime(path, (at, at))
        return import_file(store, path, now=now(), replace=over)


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
