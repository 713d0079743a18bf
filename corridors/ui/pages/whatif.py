"""What if: build a scenario, see in words, figures, charts and a map what would follow.

The body is one fragment: a slider moves it and nothing else. Words and figures are sent before
the charts, and the map last.
"""

from __future__ import annotations

import streamlit as st

from corridors.ui import colours, link, panels, shared, whatif, whatif_builder, whatif_panels
from corridors.ui.answer import Question
from corridors.ui.whatif_link import Draft
from corridors.ui.words import word
from corridors.whatif.scenario import Scenario
from layers.errors import CorridorsError
from layers.world import World


def main() -> None:
    """Draw the page."""
    lang: str = st.session_state["lang"]
    with st.spinner(word("loading", lang)):
        world = shared.load()[0]
        whatif_builder.arrive()
    question = panels.question(world, lang)
    body(question, lang)
    link.keep(**panels.DEFAULTS, malaysia=False)


@st.fragment
def body(question: Question, lang: str) -> None:
    """All that a slider moves."""
    world = shared.load()[0]
    st.html(whatif_panels.STYLE)
    left, right = st.columns([1, 2.7], gap="medium")
    with left:
        draft = whatif_builder.draw(world, lang)
    with right:
        scenario = settled(draft, lang)
        if not scenario.rules and not scenario.opened and not scenario.drawn:
            panels.verdict(word("wi_empty", lang), word("wi_empty_more", lang))
        else:
            try:
                show(world, question, scenario, lang)
            except CorridorsError as error:
                st.error(word("wi_cannot", lang, why=str(error)))
    whatif_builder.leave(draft)


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


def show(world: World, question: Question, scenario: Scenario, lang: str) -> None:
    """Draw the answer, what is read first at the top and first."""
    colour = colours.palette(st.context.theme.type)
    ask = whatif.asked(world.digest, question, scenario)
    with st.spinner(word("wi_thinking", lang)):
        row = whatif.figures(ask)
    if row is None:
        panels.nothing(world, question, lang)
        return
    whatif_panels.headline(world, question, scenario, row, lang)
    one, two = st.columns(2, gap="medium")
    with one:
        whatif_panels.waterfall(row, colour, lang)
        st.toggle(word("wi_tables", lang), key="wi_tables")
    with two:
        whatif_panels.daily(ask, scenario, colour, lang)
    whatif_panels.world_map(world, ask, scenario, question, colour, lang)
    whatif_panels.closer(world, ask, scenario, question, lang)
    whatif_panels.downloads(world, ask, scenario, lang)


main()
