"""How an entry reads as a bulletin: for each of five readers, in two languages, in six formats."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import streamlit as st

from corridors.risk.alert import Alert
from corridors.risk.bulletin import bulletin
from corridors.risk.bulletin.briefing import Context
from corridors.risk.bulletin.formats import DRAFT, FORMATS, MEDIA, Publisher
from corridors.risk.bulletin.formats.fonts import chinese_font
from corridors.risk.bulletin.words import word as told
from corridors.ui import marks
from corridors.ui.warnings import entry, model
from corridors.ui.warnings.scene import Scene, fine_print
from corridors.ui.words import LANGUAGES
from layers.errors import CorridorsError
from layers.events import VISIBILITY
from layers.tables import READERS

PREVIEW_PX = 640


@dataclass(frozen=True)
class Wanted:
    """Which bulletin: for whom, in which languages, who will see it."""

    reader: str
    langs: tuple[str, ...]
    audience: str


def draw(scene: Scene) -> None:
    """The bulletin of the entry that is opened."""
    alert = entry.choose(scene)
    if alert is None:
        return
    asked = wanted(scene, "w")
    try:
        with st.spinner(scene.say("w_preparing")):
            context = model.around(scene.mark, alert.id)
    except CorridorsError as error:
        marks.note("error", scene.say("w_no_bulletin"), str(error))
        return
    show(scene, alert, context, asked, scene.at, "w")


def wanted(scene: Scene, key: str, *, audience: bool = True) -> Wanted:
    """Choose reader and languages, and who will see it; the public where that is no question."""
    lang = scene.lang
    places = st.columns([3, 2, 2] if audience else [3, 2], vertical_alignment="bottom")
    reader = places[0].selectbox(
        scene.say("w_reader"),
        READERS,
        format_func=lambda r: told(r, lang),
        key=f"{key}_reader_of",
        persist_state="session",
    )
    chosen = places[1].segmented_control(
        scene.say("w_language"),
        [*LANGUAGES, "both"],
        format_func=lambda code: LANGUAGES.get(code, scene.say("w_both")),
        default=lang,
        required=True,
        key=f"{key}_lang_of",
        persist_state="session",
    )
    seen_by = VISIBILITY[0]
    if audience:
        seen_by = places[2].selectbox(
            scene.say("w_audience"),
            VISIBILITY,
            format_func=lambda a: told(a, lang),
            key=f"{key}_audience_of",
            persist_state="session",
        )
    langs = tuple(LANGUAGES) if chosen == "both" else (str(chosen),)
    return Wanted(reader, langs, seen_by)


def show(
    scene: Scene, alert: Alert, context: Context, asked: Wanted, at: datetime, key: str
) -> None:
    """The bulletin as a page, and as files; a note where it is not for that audience."""
    try:
        texts = [
            bulletin(
                alert,
                asked.reader,
                lang,
                scene.world,
                context=context,
                now=at,
                audience=asked.audience,
            )
            for lang in asked.langs
        ]
    except CorridorsError as error:
        marks.note("warn", scene.say("w_not_for"), str(error))
        return
    publisher, fontless = _publisher(asked.langs)
    stem = f"{'exercise-' if alert.exercise else ''}{alert.id}-{asked.reader}"
    with st.container(horizontal=True, gap="xsmall", key=f"downloads_{key}", width="content"):
        for name, made in FORMATS.items():
            suffix = "xml" if name in ("cap", "atom") else name
            st.download_button(
                name.upper(),
                partial(made, texts, alert, scene.world, publisher),
                f"{stem}.{suffix}",
                MEDIA[name],
                key=f"{key}_download_{name}",
                help=f"{scene.say('download')} {name.upper()}",
                on_click="ignore",
                disabled=name == "pdf" and fontless,
                icon=":material/download:",
                type="tertiary",
            )
    if fontless:
        marks.note("info", scene.say("w_no_font"))
    if publisher.draft:
        fine_print(scene.say("w_draft"))
    # The page is our own: built as a tree, every text escaped, and its policy forbids scripts.
    html = FORMATS["html"](texts, alert, scene.world, publisher).decode()
    st.iframe(html, height=PREVIEW_PX, alt=scene.say("w_preview"))


def _publisher(langs: Sequence[str]) -> tuple[Publisher, bool]:
    """Who sends, and whether a Chinese PDF lacks its font."""
    sender = os.environ.get("CORRIDORS_SENDER", "") or DRAFT
    if "zh" not in langs:
        return Publisher(sender), False
    try:
        return Publisher(sender, font=str(chinese_font())), False
    except CorridorsError:
        return Publisher(sender), True
