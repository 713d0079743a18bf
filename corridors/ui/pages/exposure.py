"""Exposure: the table people export, and four ways to look at what is in it."""

from __future__ import annotations

import streamlit as st

from corridors.ui import colours, link, panels, shared
from corridors.ui.exposure import model, views
from corridors.ui.exposure import panels as pieces
from corridors.ui.exposure.scene import Scene
from corridors.ui.words import word

SHOWN = {
    "ways": views.ways,
    "spread": views.concentration,
    "compare": views.compare,
    "once": views.once,
}


def main() -> None:
    """Draw the page."""
    lang: str = st.session_state["lang"]
    with st.spinner(word("loading", lang)):
        world, _, _ = shared.load()
    question = panels.question(world, lang)
    sentence = st.container()
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        by = panels.kind(lang)
        with st.container(horizontal=True, width="content"):
            every, risk = pieces.every(lang), pieces.beside(lang)
    asked = model.every(question) if every else question
    colour = colours.palette(st.context.theme.type)
    scene = Scene(world, question, asked, by, colour, lang)
    with st.spinner(word("computing", lang)):
        found = model.table_of(world.digest, asked, by)
    if found is None:
        with sentence:
            panels.nothing(world, question, lang)
            pieces.instead(world, question, lang)
    else:
        with sentence:
            pieces.verdict(scene)
        show(scene, risk=risk)
    link.keep(**panels.DEFAULTS, malaysia=False)
    pieces.keep()


def show(scene: Scene, *, risk: bool) -> None:
    """The table, the view chosen below it, the sources."""
    pieces.table(scene, risk=risk)
    view = views.view(scene.lang)
    with st.spinner(word("computing", scene.lang)):
        SHOWN[view](scene)
    pieces.sources(scene)


main()
