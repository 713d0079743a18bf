"""The map: choose an importer and a commodity, see what its cargo passes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from corridors.ui import colours, link, panels, sentences, shared, side
from corridors.ui.answer import Answer, Question
from corridors.ui.words import word
from layers.world import World


def main() -> None:
    """Draw the page."""
    lang: str = st.session_state["lang"]
    with st.spinner(word("loading", lang)):
        world, _, ground = shared.load()
    question = panels.question(world, lang)
    with st.spinner(word("computing", lang)):
        found = shared.answered(world.digest, question)
    if found is None:
        panels.nothing(world, question, lang)
    else:
        show(world, question, found, ground, lang)
    link.keep(**panels.DEFAULTS, malaysia=False)


def show(
    world: World, question: Question, found: Answer, ground: dict[str, Any], lang: str
) -> None:
    """Draw an answer: verdict, map and side, table, files, sources."""
    colour = colours.palette(st.context.theme.type)
    panels.verdict(
        sentences.verdict(world, question, found, lang), sentences.conditions(question, found, lang)
    )
    left, right = st.columns([3, 1], gap="medium")
    with left:
        panels.world_map(world, question, found, ground, colour, lang)
    with right:
        side.draw(found, colour, lang)
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        by = panels.kind(lang)
        panels.downloads(world, question, found, by, lang)
    panels.table(found, by, lang)
    panels.sources(world, found, by, lang)


main()
