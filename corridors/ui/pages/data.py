"""Feeds and data: states of feeds, sources, quality, own reports, assumptions, methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape

import streamlit as st

from corridors.risk.bulletin.words import moment
from corridors.risk.bulletin.words import word as told
from corridors.ui import link, marks, panels, parts, shared
from corridors.ui.data import assumptions, model, reports, tables
from corridors.ui.data.model import Row
from corridors.ui.data.scene import Page
from corridors.ui.who import may_write, store_to_write
from corridors.ui.words import word
from layers.client import Step
from layers.errors import CorridorsError
from layers.store import Store

STYLE = """<style>
.cx-of {display: none}
.st-key-d_feeds_grid td:nth-child(n+3):nth-child(-n+5) {font-variant-numeric: tabular-nums}
@media (max-width: 640px) {
  .st-key-d_feeds_grid :is(thead) {position: absolute; clip-path: inset(50%)}
  .st-key-d_feeds_grid :is(table, tbody, caption) {display: block}
  .st-key-d_feeds_grid tr {display: grid; grid-template-columns: 1fr auto; gap: 0 .6rem;
    padding: .4rem 0; align-items: start;
    border-bottom: 1px solid color-mix(in srgb, currentColor 14%, transparent)}
  .st-key-d_feeds_grid :is(th, td) {padding: .05rem 0; border: 0}
  .st-key-d_feeds_grid td:nth-child(n+3) {grid-column: 1 / -1; font-size: .84rem}
  .st-key-d_feeds_grid td:nth-child(n+3):not(:has(.cx-of)) {display: none}
  .st-key-d_feeds_grid .cx-of {display: inline; opacity: .8; margin-right: .5em}
  .st-key-d_feeds_grid td:nth-child(2) .cx-of {display: none}
}
</style>"""


def main() -> None:
    """Draw the page."""
    lang: str = st.session_state["lang"]
    marks.style()
    st.html(STYLE)
    with st.spinner(word("loading", lang)):
        world, _, _ = shared.load()
    page = Page(world, Store(None, only_reads=True), model.now(), lang)
    try:
        table = model.rows(page.store, page.at)
    except CorridorsError as error:
        marks.note("error", word("d_fault_store", lang), str(error))
        table = []
    _verdict(page, table)
    drawn: dict[str, Callable[[Page], None]] = {
        "feeds": partial(_feeds, table=table),
        "sources": tables.sources,
        "quality": tables.quality,
        "reports": reports.reports,
        "import": reports.bring_in,
        "assumptions": assumptions.assumptions,
        "methods": assumptions.methods,
    }
    parts.hold(*panels.DEFAULTS, "malaysia")
    parts.tabs(
        "d",
        lang,
        {name: (page.say(f"d_tab_{name}"), partial(draw, page)) for name, draw in drawn.items()},
    )
    link.keep(**panels.DEFAULTS, malaysia=False)


def _verdict(page: Page, table: Sequence[Row]) -> None:
    asked = [row for row in table if row.status.facts.last_attempt_at is not None]
    moments = [r.status.facts.last_success_at for r in table if r.status.facts.last_success_at]
    if not asked:
        panels.verdict(page.say("d_verdict_never"), page.say("d_small_never"))
        return
    fine = sum(row.state in ("live", "empty_ok", "cached") for row in table)
    counts = {"asked": str(len(asked)), "all": str(len(table)), "fine": str(fine)}
    age = told("unknown", page.lang)
    if moments:
        age = page.say("d_ago", age=model.aged(page.at - max(moments), page.lang))
    panels.verdict(page.say("d_verdict", **counts), page.say("d_small", age=age))


def _feeds(page: Page, table: Sequence[Row]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        asked = st.button(
            page.say("d_refresh"),
            icon=":material/sync:",
            help=page.say("d_refresh_help"),
            key="d_refresh",
            disabled=not may_write(),
        )
        force = st.toggle(page.say("d_force"), key="d_force", persist_state="session")
    if asked:
        _refresh(page, force=force)
    said = st.session_state.pop("d_refreshed", None)
    if said is not None:
        marks.note(*said)
    counts = model.counts(table)
    chips = "".join(
        f"<li>{marks.state_chip(state, page.lang)} {n}<span class='cx-quiet'>"
        f"{escape(page.say(f'd_mean_{state}'))}</span></li>"
        for state, n in counts.items()
    )
    st.html(f'<ul class="cx-key" aria-label="{escape(page.say("d_key"))}">{chips}</ul>')
    heads = [page.say(f"d_{h}") for h in ("state", "content_age", "success", "records", "fault")]
    rows = [(model.title(row.source, page.lang), _feed(page, row)) for row in table]
    named = [(title, _named(cells, heads)) for title, cells in rows]
    with st.container(key="d_feeds_grid"):
        marks.grid(page.say("d_feeds_table"), heads, named, page.say("d_feed"))


def _named(cells: Sequence[str], heads: Sequence[str]) -> list[str]:
    """Cells that say their column themselves where a screen is too narrow for columns."""
    return [
        f'<span class="cx-of" aria-hidden="true">{escape(head)}</span>{cell}'
        if cell not in ("", "–")
        else cell
        for head, cell in zip(heads, cells, strict=True)
    ]


def _feed(page: Page, row: Row) -> list[str]:
    """The cells of a feed, as HTML."""
    facts, lang = row.status.facts, page.lang
    why, noted = model.fault(row, lang)
    small = f'<small lang="en">{escape(noted)}</small>' if noted else ""
    if noted and facts.next_due_at is not None:
        due = f"{page.say('d_next')}: {moment(facts.next_due_at, lang)}"
        small += f"<small>{escape(due)}</small>"
    asked = facts.last_attempt_at is not None
    records_cell = "–"
    if facts.last_success_at is not None:
        records_cell = f"{facts.n_records:,}"
        left_out = sum(facts.skipped.values())
        if left_out:
            left = page.say("d_left_out", n=f"{left_out:,}")
            records_cell += f"<small>{escape(left)}</small>"
    seen = model.aged(row.status.success_age, lang) if facts.last_success_at else "–"
    return [
        marks.state_chip(row.state, lang),
        escape(model.aged(row.status.content_age, lang) if facts.last_success_at else "–"),
        escape(seen if asked else "–"),
        records_cell,
        f"{escape(why)}{small}",
    ]


def _refresh(page: Page, *, force: bool, only: Sequence[str] | None = None) -> None:
    """Ask the feeds, tell how far it is, and draw the page anew."""
    begun = model.now()
    with st.status(page.say("d_refreshing")) as status:

        def say(steps: Mapping[str, Step]) -> None:
            names = told("and", page.lang).join(steps)
            text = page.say("d_receiving", names=names) if names else ""
            status.update(label=f"{page.say('d_refreshing')} {text}")

        try:
            store = store_to_write(page.store.place)
            states = model.ask(store, force=force, told=say, only=only)
        except CorridorsError as error:
            status.update(state="error", label=page.say("d_refresh_failed"))
            marks.note("error", page.say("d_refresh_failed"), str(error))
            return
    asked = model.asked_since(states, begun)
    bad = [s for s in asked if s.state == "failed"]
    told_of = {"asked": str(len(asked)), "good": str(len(asked) - len(bad)), "bad": str(len(bad))}
    said = page.say("d_refreshed", **told_of)
    kept = page.say("d_refreshed_bad") if bad else ""
    if not asked:
        st.session_state["d_refreshed"] = ("info", page.say("d_refreshed_none"))
    elif model.offline(bad):
        alone = page.say("d_refreshed_offline")
        st.session_state["d_refreshed"] = ("error", said, alone, kept)
    else:
        st.session_state["d_refreshed"] = ("warn" if bad else "good", said, kept)
    st.rerun()


main()
