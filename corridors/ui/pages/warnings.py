"""Warnings: levels now, the log behind them, bulletins, the record, replays and drills."""

from __future__ import annotations

from functools import partial

import streamlit as st

from corridors.ui import link, marks, panels, parts, sentences, shared
from corridors.ui.answer import importers_of
from corridors.ui.warnings import (
    bulletin,
    drill,
    entry,
    levels,
    model,
    replay,
    scorecard,
    start,
    timeline,
)
from corridors.ui.warnings.scene import Scene
from corridors.ui.words import word
from layers.errors import CorridorsError
from layers.store import Store
from layers.world import World

OF_ENTRIES = {
    "entry": entry.draw,
    "bulletin": bulletin.draw,
    "timeline": timeline.draw,
}
ALWAYS = {
    "card": scorecard.draw,
    "replay": replay.draw,
    "drill": drill.draw,
}


def main() -> None:
    """Draw the page."""
    lang: str = st.session_state["lang"]
    marks.style()
    with st.spinner(word("loading", lang)):
        world, _, _ = shared.load()
    importer = _importer(world, lang)
    mark, at = model.stamp(Store(None, only_reads=True)), model.now()
    try:
        log = model.read(mark)
    except CorridorsError as error:
        panels.verdict(word("w_fault", lang), word("w_reference", lang))
        marks.note("error", word("w_fault_do", lang), str(error))
        return
    scene = Scene(world, log, mark, importer, at, lang)
    watch = model.watch_of(world, log, importer, at)
    panels.verdict(
        model.verdict(world, log, importer, at, lang),
        model.conditions(log, watch, at, lang),
    )
    start.draw(scene, watch)
    if log.ran or log.alerts:
        levels.draw(scene)
    # A log without entries has none to open, to send or to follow.
    shown = OF_ENTRIES | ALWAYS if log.alerts else ALWAYS
    parts.tabs(
        "w",
        lang,
        {name: (word(f"w_tab_{name}", lang), partial(draw, scene)) for name, draw in shown.items()},
    )
    link.keep(importer=panels.DEFAULTS["importer"], entry=None)


def _importer(world: World, lang: str) -> str:
    options = importers_of(world)
    link.restore("importer", panels.DEFAULTS["importer"], options)
    parts.hold("importer", "commodity", "year", "malaysia")
    st.selectbox(
        word("importer", lang),
        options,
        format_func=lambda i: sentences.place(world, i, lang),
        key="importer",
        width=360,
        persist_state="session",
    )
    chosen: str = st.session_state["importer"]
    return chosen


main()
