"""The map: what is wrong now for an importer, what its cargo passes, and all behind each mark."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from corridors.ui import (
    chosen,
    colours,
    headline,
    link,
    marks,
    now,
    panels,
    risks,
    sentences,
    shared,
    side,
    tour,
)
from corridors.ui.answer import Answer, Question
from corridors.ui.map import component, picture
from corridors.ui.words import word
from layers.world import World

MAP = "map"
SHOWN = "layers"


def main() -> None:
    """Draw the page."""
    lang: str = st.session_state["lang"]
    marks.style()
    with st.spinner(word("loading", lang)):
        world, _, ground = shared.load()
    question = panels.question(world, lang)
    with st.spinner(word("computing", lang)):
        found = shared.answered(world.digest, question)
    if found is None:
        panels.nothing(world, question, lang)
    else:
        show(world, question, found, ground, lang)
    tour.draw(lang)
    keep()


def show(
    world: World, question: Question, found: Answer, ground: dict[str, Any], lang: str
) -> None:
    """Draw an answer: verdict, map, what is chosen on it or carries most, what was reported."""
    known = now.known(world)
    colour = colours.palette(st.context.theme.type)
    said = headline.headline(world, question, found, known, lang)
    panels.verdict(
        said.text, said.small, mark=marks.level_chip(said.level, lang) if said.level else ""
    )
    if known.fault:
        marks.note("error", risks.unread(known, lang))
    left, right = st.columns([3, 1.15], gap="medium")
    with right:
        element = pick(world, found, lang)
        beside = st.container()
    with left:
        view = replace(switches(known, question, lang), chosen=element or None)
        draw(world, question, found, known, view, ground, lang)
        if element:
            chosen.below(world, known, element, colour, lang)
        else:
            chosen.reports(world, known, found, lang)
    keep()
    with beside:
        if element:
            room, other = chosen.draw(world, question, found, known, element, colour, lang)
        else:
            side.draw(found, colour, lang)
            side.most(found, lang, on_click=choose)
    if element:
        with room:
            chosen.goods(world, question, element, lang)
        with other:
            chosen.instead(world, question, element, lang)


def keep() -> None:
    """Write what was chosen into the address."""
    link.keep(**panels.DEFAULTS, malaysia=False, element="", hide="")


def pick(world: World, found: Answer, lang: str) -> str:
    """The element chosen, by the list or by a click on the map; empty for none."""
    offered = ["", *chosen.elements(world, found)]
    link.restore("element", "", offered)
    st.selectbox(
        word("element", lang),
        offered,
        format_func=lambda e: world.name(e, lang) if e else word("element_none", lang),
        key="element",
        persist_state="session",
    )
    element: str = st.session_state["element"]
    return element


def switches(known: now.Now, question: Question, lang: str) -> picture.View:
    """What is drawn, and which number colours it."""
    offered = risks.choices(known, question)
    if st.session_state.get("colour") not in offered:
        link.restore("colour", offered[0], offered)
    if SHOWN not in st.session_state:
        hidden = st.query_params.get("hide", "").split(",")
        st.session_state[SHOWN] = [name for name in picture.LAYERS if name not in hidden]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control(
            word("colour_by", lang),
            offered,
            format_func=lambda n: word(f"by_{n}", lang),
            key="colour",
            required=True,
            help=word("colour_help", lang),
            persist_state="session",
        )
        st.pills(
            word("layers", lang),
            picture.LAYERS,
            selection_mode="multi",
            format_func=lambda name: word(f"layer_{name}", lang),
            key=SHOWN,
            persist_state="session",
        )
    shown = tuple(st.session_state[SHOWN])
    hidden = [name for name in picture.LAYERS if name not in shown]
    st.session_state["hide"] = ",".join(hidden)
    link.keep(colour=offered[0])
    return picture.View(shown, st.session_state["colour"])


def draw(
    world: World,
    question: Question,
    found: Answer,
    known: now.Now,
    view: picture.View,
    ground: dict[str, Any],
    lang: str,
) -> None:
    """The map, or a sentence when its library is not there."""
    if not component.complete():
        marks.note("error", word("map_failed", lang))
        return
    home = world.countries.set_index("country")["lon"].get(question.importer, 20.0)
    centre = picture.middle(found)
    alt = word(
        "map_alt",
        lang,
        importer=sentences.in_sentence(world, question.importer, lang),
        commodity=sentences.cargo(world, question.commodity, lang),
    )
    data = picture.picture(
        question,
        found,
        known,
        view,
        ground,
        lang,
        longitude=home if centre is None else centre,
        alt=alt,
    )
    component.draw(data, ground["still"], key=MAP, on_click=clicked)
    st.html(f'<p class="cx-small">{word("legend_more", lang)}</p>')


def clicked() -> None:
    """Choose what was clicked on the map."""
    element = component.clicked(MAP)
    if element:
        choose(element)


def choose(element: str) -> None:
    """Take an element as chosen."""
    st.session_state["element"] = element


main()
