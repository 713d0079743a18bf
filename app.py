"""The map: choose an importer and a commodity, see what its cargo passes. Choose, call, draw."""

from __future__ import annotations

from typing import Any

import streamlit as st

import corridors
import layers
from corridors.network import Network
from corridors.ui import colours, deck, link, panels, sentences, side
from corridors.ui.answer import Answer, Question, answer
from corridors.ui.words import word
from layers.memory import remember
from layers.world import World


@st.cache_resource(show_spinner=False)
def load() -> tuple[World, Network, dict[str, Any]]:
    """Return what all readers share: the world, its network and the ground of the map."""
    world = layers.load_world()
    frames = layers.frames(world)
    ground = {
        "land": deck.land(layers.data_dir()),
        "pipeline": deck.lines(frames["pipelines"]),
        "railway": deck.lines(frames["railways"]),
        "chokepoint": deck.marks(frames["chokepoints"]),
        "port": frames["ports"],
    }
    return world, corridors.load_network(world, remember=remember), ground


@st.cache_data(show_spinner=False, max_entries=128)
def answered(digest: str, question: Question) -> Answer | None:
    """Return the answer, kept for every reader who asks the same of the same data."""
    world, network, _ = load()
    return answer(world, network, question)


def main() -> None:
    """Draw the page."""
    st.set_page_config("Corridor Exposure", panels.ICON, layout="wide")
    lang = panels.heading()
    with st.spinner(word("loading", lang)):
        world, _, ground = load()
    question = panels.question(world, lang)
    with st.spinner(word("computing", lang)):
        found = answered(world.digest, question)
    if found is None:
        panels.nothing(world, question, lang)
    else:
        show(world, question, found, ground, lang)
    panels.attribution(lang)
    link.keep(**panels.DEFAULTS, lang=None, malaysia=False)


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
