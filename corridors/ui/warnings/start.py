"""What to do first: three steps where nothing is known, a line where something is old."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pandas as pd
import streamlit as st

from corridors.risk import desk
from corridors.ui import marks
from corridors.ui.warnings import model
from corridors.ui.warnings.model import Stamp, Watch
from corridors.ui.warnings.scene import Scene, data_link, open_part
from corridors.ui.who import may_write
from layers.errors import CorridorsError
from layers.store import Store

KINDS = {"elsewhere": "info", "blind": "warn", "old": "warn", "late": "warn"}
STYLE = """<style>
.cx-step-head {display: flex; gap: .6rem; align-items: center; margin: 0}
.cx-step-head b {flex: none; width: 1.7rem; height: 1.7rem; line-height: 1.7rem; border-radius: 50%;
  text-align: center; font-size: .95rem; border: 1.5px solid currentColor}
.cx-step-head.cx-done b {background: #00664f; border-color: #00664f; color: #fff}
.cx-step-head span {font-weight: 650; font-size: 1rem}
.cx-step-text {margin: .35rem 0 0; font-size: .9rem; line-height: 1.45}
</style>"""


def draw(scene: Scene, watch: Watch) -> None:
    """What there is to do before levels can be believed, and the button that runs the monitor."""
    if watch.state == "never":
        _steps(scene)
    else:
        _line(scene, watch)
    said = st.session_state.pop("w_ran", None)
    if said is not None:
        marks.note(*said)


def _line(scene: Scene, watch: Watch) -> None:
    said = {"importer": scene.name, "days": str(watch.age_d)}
    if scene.log.last.at is not None:
        said["age"] = model.age(scene.log.last.at, scene.at, scene.lang)
    if watch.state in KINDS:
        key = f"w_{watch.state}"
        marks.note(KINDS[watch.state], scene.say(key, **said), scene.say(f"{key}_do", **said))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        asked = _button(scene)
        if watch.state in ("blind", "old"):
            data_link(scene.lang)
    if asked:
        _ran(scene)


def _steps(scene: Scene) -> None:
    """Nothing is known: the three steps that end that, and what can be had meanwhile."""
    st.html(STYLE)
    newest = traffic_to(scene.mark)
    marks.note("info", scene.say("w_never"), scene.say("w_never_do"))
    asked = False
    one, two, three = st.columns(3, gap="small")
    with one, st.container(border=True, height="stretch"):
        text = scene.say("w_step_fill_do")
        if newest is not None:
            text = scene.say("w_step_filled", day=f"{newest:%Y-%m-%d}")
        _head("1", scene.say("w_step_fill"), text, done=newest is not None)
        data_link(scene.lang)
    with two, st.container(border=True, height="stretch"):
        key = "w_step_run_do" if newest is not None else "w_step_run_blind"
        _head("2", scene.say("w_step_run"), scene.say(key, importer=scene.name))
        asked = _button(scene)
    with three, st.container(border=True, height="stretch"):
        _head("3", scene.say("w_step_read"), scene.say("w_step_read_do"))
        st.html(f'<p class="cx-small">{escape(scene.say("w_step_meanwhile"))}</p>')
        with st.container(horizontal=True, gap="small"):
            for part, icon in (("drill", "exercise"), ("card", "analytics"), ("replay", "replay")):
                st.button(
                    scene.say(f"w_tab_{part}"),
                    icon=f":material/{icon}:",
                    key=f"w_step_{part}",
                    type="tertiary",
                    on_click=open_part,
                    args=(part, scene.lang),
                )
    if asked:
        _ran(scene)


def _head(number: str, title: str, text: str, *, done: bool = False) -> None:
    kind, sign = ("cx-step-head cx-done", "✓") if done else ("cx-step-head", number)
    st.html(
        f'<p class="{kind}"><b>{sign}</b><span>{escape(title)}</span></p>'
        f'<p class="cx-step-text">{escape(text)}</p>'
    )


def _button(scene: Scene) -> bool:
    importers = model.importers_to_run(scene.world, scene.log, scene.importer)
    return st.button(
        scene.say("w_run_button"),
        help=scene.say("w_run_help", n=str(len(importers))),
        icon=":material/radar:",
        key="w_run_now",
        disabled=not may_write(),
    )


def _ran(scene: Scene) -> None:
    """Run the monitor, tell how far it is, and draw the page anew."""
    importers: Sequence[str] = model.importers_to_run(scene.world, scene.log, scene.importer)
    with st.status(scene.say("w_running")) as status:

        def say(element: str) -> None:
            name = scene.world.name(element, scene.lang)
            text = scene.say("w_run_element", element=name)
            status.update(label=f"{scene.say('w_running')} {text}")

        try:
            status.update(label=f"{scene.say('w_running')} {scene.say('w_run_network')}")
            model.engine()
            found = model.run(scene.mark, importers, say)
        except CorridorsError as error:
            status.update(state="error", label=scene.say("w_ran_failed"))
            marks.note("error", scene.say("w_ran_failed"), str(error))
            return
    old = scene.say("w_ran_old", n=str(len(found.old))) if found.old else ""
    st.session_state["w_ran"] = ("good", scene.say("w_ran", n=str(len(found.alerts))), old)
    st.rerun()


@st.cache_data(show_spinner=False, max_entries=4)
def traffic_to(mark: Stamp) -> pd.Timestamp | None:
    """The newest day of traffic that the store holds; None without any."""
    if not mark[1]:
        return None
    held = Store(mark[0], only_reads=True).observations(feeds=[desk.TRAFFIC])
    return None if held.empty else pd.Timestamp(held["observed_at"].max())
