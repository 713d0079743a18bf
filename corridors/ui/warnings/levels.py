"""Which levels stand, where: by commodity and corridor, and by importer and corridor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from corridors.demand import BASE_YEAR, members_of
from corridors.risk.alert import Alert, Level
from corridors.risk.bulletin.words import word as told
from corridors.risk.monitor import OLD_TRAFFIC
from corridors.ui import marks, sentences
from corridors.ui.answer import Question
from corridors.ui.exposure import model as exposure
from corridors.ui.warnings import grid, model
from corridors.ui.warnings.grid import Square
from corridors.ui.warnings.model import STATE_WORDS, Log
from corridors.ui.warnings.scene import Scene, fine_print, open_entry
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

RECENT = timedelta(days=30)
"""How long before the last run an expired level or an all-clear is still shown."""
LEAST_SHARE = 0.01
"""A passage that carries less of every commodity gets no column while it is calm."""
MOST_IMPORTERS = 12
MOST_NAMED = 8

Passing = Mapping[tuple[str, str], float]
"""Share of an importer's cargo that passes an element, by commodity and element."""


@dataclass(frozen=True)
class Cell:
    """A place of the matrix.

    Attributes
    ----------
    state
        Of ``STATE_WORDS`` where there is an entry; ``calm`` where the monitor looked and found no
        level, ``stale`` where what it looked at is too old by now, ``unjudged`` where it did not
        look, ``unused`` where none of the cargo passes.
    alert
        The gravest entry there; None without one.
    others
        How many more entries of the same element are there: commodities of an importer.
    """

    state: str
    alert: Alert | None = None
    others: int = 0


@dataclass(frozen=True)
class Matrix:
    """Levels by commodity (of one importer) or importer (of many) and element.

    Attributes
    ----------
    by
        ``commodity`` or ``importer``: what a row is.
    rows, columns
        Ids; the gravest columns first, then those that carry most.
    cells
        By row and column.
    judged
        The last day of traffic that was judged, by column.
    absent
        Commodities that the importer has no imports of in the data.
    unjudged
        Straits and canals that carry the importer's cargo and that the monitor did not look at,
        the busiest first.
    """

    by: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]
    judged: Mapping[str, pd.Timestamp]
    absent: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()


def passing_of(world: World, importer: str) -> dict[tuple[str, str], float]:
    """Share of each commodity of a country that passes each strait and canal; none: nothing."""
    asked = exposure.every(Question(importer, exposure.EVERY, BASE_YEAR, False))
    found = exposure.table_of(world.digest, asked, "chokepoint")
    if found is None:
        return {}
    return {(r["commodity"], r["element"]): float(r["share"]) for r in records(found)}


def matrix(
    world: World, log: Log, importer: str, at: datetime, passing: Passing | None = None
) -> Matrix:
    """Levels by commodity and element, or by importer and element for a group.

    Parameters
    ----------
    passing
        Of `passing_of`; None: not known, then no cell is ``unused``.
    """
    members = members_of(world, importer)
    by = "commodity" if members == {importer} else "importer"
    own = model.of_importer(world, log.alerts, importer)
    entries = _gravest(own, by, at, log.last.at or at)
    judged = log.judged_for(members)
    columns = _columns(world, entries, judged, passing)
    absent: tuple[str, ...] = ()
    if by == "commodity":
        rows, absent = _commodities(world, importer, entries)
        looked = {(row, e): day for row in rows for e, day in judged.items()}
    else:
        watched = members & set(log.last.judged)
        rows = _importers({row for row, _ in entries} | watched, entries)
        looked = _looked(log, watched)
    cells = dict(entries)
    for row in rows:
        for column in columns:
            cells.setdefault((row, column), _quiet((row, column), looked, passing, at))
    carried = _most(passing or {})
    unjudged = [e for e in sorted(carried, key=lambda e: -carried[e]) if e not in judged]
    kept = [e for e in unjudged if carried[e] >= LEAST_SHARE and e not in columns]
    shown = {e: judged[e] for e in columns if e in judged}
    return Matrix(by, rows, columns, cells, shown, absent, tuple(kept))


def overview(world: World, log: Log, at: datetime) -> Matrix:
    """The gravest level of each importer that was judged, by element, the gravest first."""
    entries = _gravest(log.alerts, "importer", at, log.last.at or at)
    columns = _columns(world, entries, {}, None)
    rows = _importers({row for row, _ in entries} | set(log.last.judged), entries)
    looked = _looked(log, log.last.judged)
    cells = dict(entries)
    for row in rows:
        for column in columns:
            cells.setdefault((row, column), _quiet((row, column), looked, None, at))
    return Matrix("importer", rows, columns, cells, {})


def _gravest(
    alerts: Iterable[Alert], by: str, at: datetime, run_at: datetime
) -> dict[tuple[str, str], Cell]:
    """The entry to show for each row and element: what stands first, the gravest of it first.

    What was said long before the last run is over; what the last run left is the last that is
    known, however long ago that was.
    """
    shown = [
        a
        for a in model.heads(alerts)
        if a.current(at) or min(at, run_at) - min(a.expires, at) <= RECENT
    ]
    order = {state: place for place, state in enumerate(STATE_WORDS)}
    cells: dict[tuple[str, str], Cell] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for alert in sorted(shown, key=lambda a: (order[model.state_of(a, at)], -a.level)):
        row = alert.commodity if by == "commodity" else alert.importer
        cells.setdefault((row, alert.element), Cell(model.state_of(alert, at), alert))
        counts[row, alert.element] += 1
    return {place: replace(cell, others=counts[place] - 1) for place, cell in cells.items()}


def _columns(
    world: World,
    entries: Mapping[tuple[str, str], Cell],
    judged: Mapping[str, pd.Timestamp],
    passing: Passing | None,
) -> tuple[str, ...]:
    worst: dict[str, int] = {}
    for (_, element), cell in entries.items():
        worst[element] = max(worst.get(element, 0), int(cell.alert.level) if cell.alert else 0)
    carried = _most(passing or {})
    calm = [e for e in judged if passing is None or carried.get(e, 0.0) >= LEAST_SHARE]
    place = {e: n for n, e in enumerate(world.elements())}
    wanted = {*worst, *calm} & set(place)
    return tuple(sorted(wanted, key=lambda e: (-worst.get(e, -1), -carried.get(e, 0.0), place[e])))


def _most(passing: Passing) -> dict[str, float]:
    """The largest share of any commodity that passes each element."""
    found: dict[str, float] = {}
    for (_, element), share in passing.items():
        found[element] = max(share, found.get(element, 0.0))
    return found


def _commodities(
    world: World, importer: str, entries: Mapping[tuple[str, str], Cell]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Commodities that the importer buys, and those that it does not."""
    flows = world.flows[(world.flows["importer"] == importer) & (world.flows["quantity_t"] > 0)]
    bought = {*flows["commodity"], *(row for row, _ in entries)}
    ids = world.commodities["commodity"].tolist()
    return tuple(c for c in ids if c in bought), tuple(c for c in ids if c not in bought)


def _importers(
    importers: Iterable[str], entries: Mapping[tuple[str, str], Cell]
) -> tuple[str, ...]:
    worst = {
        i: max((c.alert.level for (r, _), c in entries.items() if r == i and c.alert), default=-1)
        for i in importers
    }
    return tuple(sorted(worst, key=lambda i: (-worst[i], i)))


def _looked(log: Log, importers: Iterable[str]) -> dict[tuple[str, str], pd.Timestamp]:
    return {(i, e): day for i in importers for e, day in log.last.judged[i].items()}


def _quiet(
    place: tuple[str, str],
    looked: Mapping[tuple[str, str], pd.Timestamp],
    passing: Passing | None,
    at: datetime,
) -> Cell:
    """What a place without an entry is."""
    # Only straits and canals are in `passing`: of other elements nobody has said what passes.
    if passing is not None and place[1].startswith("chokepoint:") and not passing.get(place):
        return Cell("unused")
    if place not in looked:
        return Cell("unjudged")
    return Cell("stale" if is_old(looked[place], at) else "calm")


def is_old(day: pd.Timestamp, at: datetime) -> bool:
    """Whether a last day of traffic is too old to judge by."""
    return at - day.tz_localize(UTC) > OLD_TRAFFIC


# ---- drawn


def draw(scene: Scene) -> None:
    """The matrix of the importer, what marks mean, what is left out; then all importers at once."""
    with st.spinner(scene.say("computing")):
        passing = None if scene.group else passing_of(scene.world, scene.importer)
    found = matrix(scene.world, scene.log, scene.importer, scene.at, passing)
    if found.columns and found.rows:
        caption = scene.say("w_matrix", importer=scene.name, rows=scene.say(f"w_in_{found.by}"))
        _grid(scene, found, caption, "w_matrix_grid")
        _key(scene)
    elif scene.log.ran:
        marks.note("info", scene.say("w_no_columns", importer=scene.name))
    _left_out(scene, found)
    if not scene.group:
        _importers_at_once(scene)


def _importers_at_once(scene: Scene) -> None:
    found = overview(scene.world, scene.log, scene.at)
    if len(found.rows) < 2 or not found.columns:
        return
    some = Matrix(found.by, found.rows[:MOST_IMPORTERS], found.columns, found.cells, {})
    _grid(scene, some, scene.say("w_overview"), "w_overview_grid")
    more = len(found.rows) - len(some.rows)
    if more:
        fine_print(scene.say("w_overview_more", n=str(more)))


def _grid(scene: Scene, found: Matrix, caption: str, key: str) -> None:
    lang = scene.lang
    heads = []
    for element in found.columns:
        to = found.judged.get(element)
        more = ""
        if to is not None:
            old = "⚠ " if is_old(to, scene.at) else ""
            short = f"{to:%m-%d}" if to.year == scene.at.year else f"{to:%Y-%m-%d}"
            more = old + scene.say("w_column_to", day=short)
        heads.append((scene.world.name(element, lang), more))
    rows = [
        (
            _row_name(scene, found.by, row),
            [_square(scene, found, row, column) for column in found.columns],
        )
        for row in found.rows
    ]
    by_id = {c.alert.id: c.alert for c in found.cells.values() if c.alert is not None}

    def opened(id: str) -> None:
        if id in by_id:
            alert = by_id[id]
            open_entry(alert, scene.importer if scene.group else alert.importer, lang)

    grid.draw(key, caption, scene.say(f"w_row_{found.by}"), heads, rows, opened)


def _row_name(scene: Scene, by: str, row: str) -> str:
    if by == "importer":
        return sentences.place(scene.world, row, scene.lang)
    return scene.world.name(row, scene.lang)


def _square(scene: Scene, found: Matrix, row: str, column: str) -> Square:
    cell, lang = found.cells[row, column], scene.lang
    if cell.alert is None:
        text = "–" if cell.state == "unused" else scene.say(f"w_{cell.state}")
        return Square(text, label=scene.say("w_unused_help") if cell.state == "unused" else "")
    alert = cell.alert
    level = alert.level or alert.previous
    word, mark = told(level.name, lang), marks.LEVELS[level]
    small = []
    if found.by == "importer":
        more = f" +{cell.others}" if cell.others else ""
        small.append(scene.world.name(alert.commodity, lang) + more)
    if cell.state == "in_force":
        small.append(model.chance(alert.probability_14d, lang))
    elif cell.state != "clear":
        small.append(scene.say(f"w_{cell.state}"))
    parts = [word, _row_name(scene, found.by, row), scene.world.name(column, lang), *small]
    label = scene.say("w_open_cell", what=" · ".join(parts))
    chosen = st.session_state.get("entry") == alert.id
    if cell.state == "clear":
        was = scene.say("w_was", level=told(alert.previous.name, lang))
        text = f"✓ {scene.say('w_clear')}"
        return Square(text, small=(*small, was), label=label, pick=alert.id, chosen=chosen)
    return Square(
        word,
        sign=mark.sign,
        paper=mark.paper,
        ink=mark.ink,
        hollow=cell.state != "in_force",
        small=tuple(small),
        label=label,
        pick=alert.id,
        chosen=chosen,
    )


def _key(scene: Scene) -> None:
    chips = "".join(
        f"<li>{marks.level_chip(level, scene.lang)}"
        f"<span>{escape(scene.say('w_step', n=str(int(level))))}</span></li>"
        for level in sorted(Level, reverse=True)
        if level
    )
    keys = ("w_key_held", "w_key_percent", "w_key_unused", "w_key_press")
    more = "".join(f"<li>{escape(scene.say(key))}</li>" for key in keys)
    st.html(f'<ul class="cx-key" aria-label="{escape(scene.say("w_key"))}">{chips}{more}</ul>')


def _left_out(scene: Scene, found: Matrix) -> None:
    """What has no row or no column, and why."""
    lang, comma = scene.lang, told("and", scene.lang)
    lines = []
    if found.unjudged and scene.log.ran:
        named = [scene.world.name(e, lang) for e in found.unjudged[:MOST_NAMED]]
        more = len(found.unjudged) - len(named)
        rest = scene.say("w_more_names", n=str(more)) if more else ""
        lines.append(scene.say("w_unwatched", names=comma.join(named) + rest))
    if found.absent:
        names = comma.join(scene.world.name(c, lang) for c in found.absent)
        lines.append(scene.say("w_absent", names=names))
    fine_print(*lines)
