"""An exercise: a scenario played through the whole chain, its injects and its bulletins.

What is played stays in the reader's own session: nobody else sees it, and nothing is logged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from html import escape

import pandas as pd
import streamlit as st

from corridors.export import Sheet, to_bytes
from corridors.risk import desk
from corridors.risk.alert import Alert, Level
from corridors.risk.bulletin.briefing import Context
from corridors.risk.bulletin.words import day, moment
from corridors.risk.bulletin.words import word as told
from corridors.risk.drill import Drill, drill
from corridors.ui import marks, sentences, shared
from corridors.ui.warnings import bulletin, model
from corridors.ui.warnings.model import Log
from corridors.ui.warnings.scene import Scene, heading
from corridors.whatif.answer import disturb
from corridors.whatif.drawn import with_drawn
from corridors.whatif.engine import Engine, prepare
from corridors.whatif.scenario import Scenario, known
from corridors.whatif.scenario_file import parse
from layers.errors import CorridorsError
from layers.memory import remember
from layers.scenarios import scenario_texts
from layers.world import records

KEPT = "w_drill"
HOUR = 3
"""Of the break, UTC."""


@dataclass(frozen=True)
class Played:
    """A drill, of which scenario and for whom; ``around`` fills as its bulletins are read."""

    scenario: Scenario
    importer: str
    drill: Drill
    around: dict[str, Context]

    @property
    def news(self) -> list[Alert]:
        """Entries that changed a level, oldest first."""
        return [a for a in self.drill.alerts if a.level is not a.previous]


def draw(scene: Scene) -> None:
    """Choose a scenario, play it, read its injects and its bulletins."""
    marks.note("exercise", scene.say("w_exercise"))
    scenarios = _library(scene.world.digest)
    one, two, three = st.columns([4, 2, 1], vertical_alignment="bottom")
    chosen = one.selectbox(
        scene.say("w_scenario"),
        list(scenarios),
        format_func=lambda id: _name(scenarios[id], scene.lang),
        key="w_scenario",
        persist_state="session",
    )
    start = two.date_input(
        scene.say("w_start"), value=scene.at.date(), key="w_start", format="YYYY-MM-DD"
    )
    if three.button(scene.say("w_drill_button"), icon=":material/play_arrow:", key="w_drill_now"):
        found = _play(scene, scenarios[chosen], start)
        if found is not None:
            st.session_state[KEPT] = Played(scenarios[chosen], scene.importer, found, {})
    kept: Played | None = st.session_state.get(KEPT)
    if kept is None:
        marks.note("info", scene.say("w_drill_none"))
        return
    _injects(scene, kept)
    _bulletins(scene, kept)


def _name(scenario: Scenario, lang: str) -> str:
    return scenario.name_zh if lang == "zh" else scenario.name_en


@st.cache_resource(show_spinner=False, max_entries=2)
def _library(digest: str) -> dict[str, Scenario]:
    """The scenarios that strike a passage whose ships are counted, by id: others have no signal."""
    world = shared.load()[0]
    may_name = known(world)
    found = {
        id: parse(text, name=id, file=file, known=may_name)
        for id, (text, file) in scenario_texts().items()
    }
    counted = {f"chokepoint:{c}" for c in world.transits["chokepoint"]}
    return {
        id: scenario
        for id, scenario in found.items()
        if any(r.lost > 0 and r.element in counted for r in scenario.rules)
    }


@contextmanager
def _engine(scene: Scene, scenario: Scenario) -> Iterator[Engine]:
    """The engine of a scenario, its drawn places and relabelled origins counted in.

    One without any shares the engine of all readers, who wait until it is given back.
    """
    if scenario.drawn or scenario.switches:
        world = with_drawn(scene.world, scenario)
        yield prepare(world, switches=dict(scenario.switches), remember=remember)
        return
    with shared.engine().lock:
        yield model.engine()


def _play(scene: Scene, scenario: Scenario, start: date) -> Drill | None:
    bar = st.progress(0.0, scene.say("w_drill_prepare"))
    holding = ExitStack()

    def progress(steps: Sequence[str], _: str) -> Iterator[str]:
        # What would be lost is known by now: the days to come only judge traffic.
        holding.close()
        for place, text in enumerate(steps):
            bar.progress(place / len(steps), scene.say("w_drilling", n=str(int(text) + 1)))
            yield text

    begin = datetime(start.year, start.month, start.day, HOUR, tzinfo=UTC)
    members = model.importers_to_run(scene.world, Log(), scene.importer)
    try:
        engine = holding.enter_context(_engine(scene, scenario))
        answer = disturb(engine, scenario)
        return drill(answer, members, start=begin, progress=progress)
    except CorridorsError as error:
        marks.note("error", scene.say("w_drill_failed"), str(error))
        return None
    finally:
        holding.close()
        bar.empty()


def _injects(scene: Scene, played: Played) -> None:
    """The timeline, what happens to several commodities at once in one row; and as a file."""
    lang, comma, text = scene.lang, told("and", scene.lang), f"text_{scene.lang}"
    heads = [scene.say(k) for k in ("w_inject", "w_text", "w_level", "w_readers")]
    alike = ["at", "day", "inject", "importer", "level", "readers", text]
    rows = []
    for _, group in played.drill.timeline.groupby(alike, sort=False, dropna=False):
        r = records(group)[0]
        level = r["level"] if isinstance(r["level"], str) else ""
        whom = ""
        if level:
            cargo = comma.join(scene.world.name(c, lang) for c in group["commodity"])
            whom = f"{sentences.place(scene.world, r['importer'], lang)} · {cargo} · "
        cells = [
            escape(scene.say(f"w_inject_{r['inject']}")),
            f'<div style="min-width:13rem">{escape(whom + str(r[text]))}</div>',
            marks.level_chip(Level[level], lang) if level else "",
            escape(comma.join(told(x, lang) for x in r["readers"].split(";"))),
        ]
        when = pd.Timestamp(r["at"]).to_pydatetime()
        rows.append((f"{scene.say('w_drill_day', n=str(r['day']))} · {day(when, lang)}", cells))
    whose = sentences.place(scene.world, played.importer, lang)
    title = scene.say("w_drill_title", scenario=_name(played.scenario, lang), importer=whose)
    marks.grid(title, heads, rows, scene.say("w_day"))
    timeline = played.drill.timeline.assign(exercise="exercise / 演习")
    st.download_button(
        "CSV",
        to_bytes(Sheet("drill", title, timeline), scene.world, "csv"),
        f"exercise-{played.scenario.name}.csv",
        "text/csv",
        key="w_drill_csv",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )


def _bulletins(scene: Scene, played: Played) -> None:
    """The bulletin of any change of level, as it would have gone out, marked as an exercise."""
    heading(scene.say("w_drill_bulletins"), scene.say("w_exercise"))
    news = {alert.id: alert for alert in played.news}
    if not news:
        marks.note("info", scene.say("w_drill_no_level", importer=scene.name))
        return
    gravest = max(news.values(), key=lambda a: a.level)
    chosen = st.selectbox(
        scene.say("w_drill_entry"),
        list(news),
        index=list(news).index(gravest.id),
        format_func=lambda id: _label(scene, news[id]),
        key="w_drill_entry",
    )
    alert = news[chosen]
    asked = bulletin.wanted(scene, "x", audience=False)
    if chosen not in played.around:
        try:
            with (
                st.spinner(scene.say("w_preparing")),
                _engine(scene, played.scenario) as engine,
            ):
                played.around[chosen] = desk.around(engine, alert)
        except CorridorsError as error:
            marks.note("error", scene.say("w_no_bulletin"), str(error))
            return
    bulletin.show(scene, alert, played.around[chosen], asked, alert.sent, "x")


def _label(scene: Scene, alert: Alert) -> str:
    lang = scene.lang
    parts = [
        moment(alert.sent, lang),
        f"{told(alert.previous.name, lang)} → {told(alert.level.name, lang)}",
        sentences.place(scene.world, alert.importer, lang),
        scene.world.name(alert.commodity, lang),
        scene.world.name(alert.element, lang),
    ]
    return " · ".join(parts)
