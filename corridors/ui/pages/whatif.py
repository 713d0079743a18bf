"""What if: build a scenario, see in words, figures, charts and a map what would follow.

The body is one fragment: a slider moves it and nothing else. Words and figures are sent first,
then the lanes of the map, then the charts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from corridors.ui import colours, link, panels, shared
from corridors.ui.answer import Question
from corridors.ui.whatif import builder, closer, files, model
from corridors.ui.whatif import panels as whatif_panels
from corridors.ui.whatif.link import Draft
from corridors.ui.words import word
from corridors.whatif.scenario import Scenario
from layers.errors import CorridorsError
from layers.world import World

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator


@dataclass(frozen=True)
class Room:
    """Where the answer is drawn: words and figures, beside the scenario, the map, and below."""

    answer: DeltaGenerator
    beside: DeltaGenerator
    map: DeltaGenerator
    below: DeltaGenerator


def main() -> None:
    """Draw the page."""
    lang: str = st.session_state["lang"]
    with st.spinner(word("loading", lang)):
        world = shared.load()[0]
        builder.arrive()
    question = panels.question(world, lang)
    body(question, lang)
    link.keep(**panels.DEFAULTS, malaysia=False)


@st.fragment
def body(question: Question, lang: str) -> None:
    """All that a slider moves: the answer in words and figures above what it is built from."""
    world = shared.load()[0]
    st.html(whatif_panels.STYLE)
    answer = st.container()
    left, right = st.columns([1, 2.7], gap="medium")
    room = Room(answer, right, st.container(), st.container())
    with left:
        draft = builder.draw(world, lang)
    with answer:
        scenario = settled(draft, lang)
        if not scenario.rules and not scenario.opened and not scenario.drawn:
            panels.verdict(word("wi_empty", lang), word("wi_empty_more", lang))
            with room.beside:
                builder.offers(world, lang)
            with room.map:
                ask = model.asked(world.digest, question, scenario)
                whatif_panels.world_map(world, ask, scenario, question, lang)
        else:
            try:
                show(room, world, question, scenario, lang)
            except CorridorsError as error:
                st.error(word("wi_cannot", lang, why=str(error)))
    builder.leave(draft)


def settled(draft: Draft, lang: str) -> Scenario:
    """The scenario of the draft; the last good one, and why, when the draft contradicts itself."""
    try:
        made = draft.made()
    except CorridorsError as error:
        st.warning(word("wi_clash", lang, why=str(error)))
        last: Scenario = st.session_state.get("wi_good", draft.like)
        return last
    st.session_state["wi_good"] = made
    return made


def show(room: Room, world: World, question: Question, scenario: Scenario, lang: str) -> None:
    """Draw the answer, what is read first at the top and first."""
    colour = colours.palette(st.context.theme.type)
    ask = model.asked(world.digest, question, scenario)
    with st.spinner(word("wi_thinking", lang)):
        row = model.figures(ask)
    if row is None:
        panels.nothing(world, question, lang)
        return
    whatif_panels.headline(world, question, scenario, row, lang)
    with room.map:
        whatif_panels.world_map(world, ask, scenario, question, lang)
    with room.beside:
        with st.container(key="charts"):
            one, two = st.columns(2, gap="medium")
        with one:
            whatif_panels.waterfall(row, colour, lang)
        with two:
            whatif_panels.daily(ask, scenario, colour, lang)
        st.toggle(word("wi_tables", lang), key="wi_tables")
    with room.below:
        closer.closer(world, ask, scenario, question, lang)
        files.downloads(world, ask, scenario, lang)


main()
