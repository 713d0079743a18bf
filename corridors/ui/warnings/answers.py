"""What readers say of an entry: that they have seen it, what it turned out to be, a review."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from corridors.risk import desk
from corridors.risk.alert import Alert
from corridors.risk.bulletin.words import word as told
from corridors.risk.scorecard import VERDICTS
from corridors.ui import marks
from corridors.ui.warnings import model
from corridors.ui.warnings.model import Log
from corridors.ui.warnings.scene import Scene, fine_print, heading, time_column
from corridors.ui.who import may_write, signed_name, store_to_write
from corridors.ui.words import word
from layers.errors import CorridorsError
from layers.store import Store
from layers.tables import READERS

DECISIONS = ("confirm", "rebase")
MOST_NAME, MOST_NOTE = 80, 300


def draw(scene: Scene, alert: Alert) -> None:
    """What was said so far, and a form for each thing to say."""
    heading(scene.say("w_answers"))
    found = answers(scene.log, alert, scene.lang)
    if found.empty:
        fine_print(scene.say("w_no_answers"))
    else:
        names = {c: scene.say(f"w_{c}") for c in ("reader", "who", "said", "note")}
        config: dict[str, Any] = {c: st.column_config.TextColumn(n) for c, n in names.items()}
        config["at"] = time_column(scene.say("w_time"))
        st.dataframe(
            found,
            hide_index=True,
            placeholder="–",
            column_config=config,
            key="w_answers_table",
            alt=scene.say("w_answers"),
        )
    said = st.session_state.pop("w_answered", None)
    if said is not None:
        marks.note(*said)
    forms = [_acknowledge, _judge]
    if alert.status.alarm or alert.status.review_due:
        forms.append(_review)
    for place, form in zip(st.columns(len(forms)), forms, strict=True):
        with place:
            form(scene, alert)


def answers(log: Log, alert: Alert, lang: str) -> pd.DataFrame:
    """What was said of an entry or its element, oldest first: ``at, reader, who, said, note``."""
    rows = [
        {
            "at": at,
            "reader": told(str(record["reader"]), lang) if "reader" in record else None,
            "who": str(record.get("who", "")),
            "said": _said(kind, record, lang),
            "note": str(record.get("note", "")),
        }
        for kind, at, record in log.answers
        if record.get("alert") == alert.id or record.get("element") == alert.element
    ]
    return pd.DataFrame(rows, columns=["at", "reader", "who", "said", "note"])


def _said(kind: str, record: Any, lang: str) -> str:
    if kind == "acknowledgement":
        return word("w_acknowledged", lang)
    if kind == "feedback":
        return word(f"w_verdict_{record['verdict']}", lang)
    return word(f"w_reviewed_{record['decision']}", lang, day=str(record["day"]))


def _acknowledge(scene: Scene, alert: Alert) -> None:
    with st.form("w_ack_form", clear_on_submit=True):
        _form_title(scene.say("w_ack"), scene.say("w_ack_help"))
        reader = _reader(scene, "w_ack")
        who, note = _signed(scene, "w_ack")
        if _button(scene.say("w_ack_button"), "done_all"):
            _write(
                scene,
                lambda store: desk.acknowledge(
                    store, alert, reader, now=model.now(), who=who, note=note
                ),
            )


def _judge(scene: Scene, alert: Alert) -> None:
    with st.form("w_feedback_form", clear_on_submit=True):
        _form_title(scene.say("w_feedback"), scene.say("w_feedback_help"))
        verdict = st.selectbox(
            scene.say("w_judgement"),
            VERDICTS,
            format_func=lambda v: scene.say(f"w_verdict_{v}"),
            key="w_feedback_verdict",
        )
        reader = _reader(scene, "w_feedback")
        who, note = _signed(scene, "w_feedback")
        if _button(scene.say("w_feedback_button"), "rate_review"):
            _write(
                scene,
                lambda store: desk.judge(
                    store, alert, reader, verdict, now=model.now(), who=who, note=note
                ),
            )


def _review(scene: Scene, alert: Alert) -> None:
    element = scene.world.name(alert.element, scene.lang)
    with st.form("w_review_form", clear_on_submit=True):
        _form_title(scene.say("w_review_form"), scene.say("w_review_help", element=element))
        decision = st.selectbox(
            scene.say("w_decision"),
            DECISIONS,
            format_func=lambda d: scene.say(f"w_decision_{d}"),
            key="w_review_decision",
        )
        day = st.date_input(
            scene.say("w_review_day"),
            value=scene.at.date(),
            max_value=scene.at.date(),
            format="YYYY-MM-DD",
            key="w_review_day",
        )
        who, note = _signed(scene, "w_review")
        if _button(scene.say("w_review_button"), "gavel"):
            _write(
                scene,
                lambda store: desk.review(
                    store, alert.element, decision, day, now=model.now(), who=who, note=note
                ),
            )


def _form_title(title: str, more: str) -> None:
    st.html(
        f'<h3 style="font-size:.95rem;margin:0;padding:0">{escape(title)}</h3>'
        f'<p class="cx-small">{escape(more)}</p>'
    )


def _reader(scene: Scene, key: str) -> str:
    chosen: str = st.selectbox(
        scene.say("w_reader"),
        READERS,
        format_func=lambda r: told(r, scene.lang),
        key=f"{key}_reader",
    )
    return chosen


def _signed(scene: Scene, key: str) -> tuple[str, str]:
    who = signed_name()
    if who:
        fine_print(scene.say("who_signed_as", name=who))
    else:
        who = st.text_input(scene.say("w_who"), max_chars=MOST_NAME, key=f"{key}_who")
    note = st.text_input(scene.say("w_note"), max_chars=MOST_NOTE, key=f"{key}_note")
    return who.strip(), note.strip()


def _button(name: str, icon: str) -> bool:
    pressed: bool = st.form_submit_button(name, icon=f":material/{icon}:", disabled=not may_write())
    return pressed


def _write(scene: Scene, deed: Callable[[Store], None]) -> None:
    try:
        deed(store_to_write(scene.mark[0]))
    except CorridorsError as error:
        marks.note("error", scene.say("w_not_written"), str(error))
        return
    st.session_state["w_answered"] = ("good", scene.say("w_written"))
    st.rerun()
