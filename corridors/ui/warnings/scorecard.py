"""How good the warnings were: the own log beside what happened, and the record that ships."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from corridors.risk import desk
from corridors.risk.alert import Alert, Level
from corridors.risk.bulletin.words import word as told
from corridors.risk.scorecard import ALL, FEW, HORIZONS_D, VERDICTS, Scorecard, scorecard
from corridors.ui import marks
from corridors.ui.warnings import model, record
from corridors.ui.warnings.model import Log, Stamp
from corridors.ui.warnings.scene import Scene, heading
from corridors.ui.words import word
from layers.world import records


def draw(scene: Scene) -> None:
    """The own record, then the one that ships."""
    heading(scene.say("w_card_own"))
    _own(scene)
    heading(scene.say("w_record", year=record.year(scene.world)), scene.say("w_record_of"))
    record.rules(scene)
    record.probabilities(scene)
    bins = record.bins(scene.world)
    if len(bins):
        heading(scene.say("w_reliability"), scene.say("w_perfect"))
        reliability(scene, bins, "w_shipped")
    record.source(scene)


def _own(scene: Scene) -> None:
    if not scene.log.ran:
        marks.note("info", scene.say("w_card_empty"), scene.say("w_card_empty_do"))
        return
    with st.spinner(scene.say("computing")):
        found = card(scene.mark, scene.log, scene.own)
    if found.levels.empty:
        marks.note("info", scene.say("w_card_empty"), scene.say("w_card_empty_do"))
        return
    few = found.events < FEW
    marks.note("warn" if few else "info", card_note(found, scene.lang))
    if found.reliability["n"].sum():
        heading(scene.say("w_reliability"), scene.say("w_perfect"))
        reliability(scene, found.reliability, "w_own")
        _forecasts(scene, found.forecasts)
    else:
        marks.note("info", scene.say("w_no_forecasts"))
    _levels(scene, found)


def _levels(scene: Scene, found: Scorecard) -> None:
    """Alarms and falls by level, and what readers said."""
    levels = found.levels[found.levels["element"] == ALL].iloc[::-1]
    columns = ["alarms", "true_alarms", "false_alarms", "unresolved", "events", "hits", "late"]
    columns += ["misses", "lead_d"]
    names = {"late": "w_late_hits", "lead_d": "w_lead"}
    heads = [scene.say(names.get(c, f"w_{c}")) for c in columns]
    rows = [
        (
            told(str(r["level"]), scene.lang)
            if r["level"] == Level.red.name
            else scene.say("w_or_above", level=told(str(r["level"]), scene.lang)),
            [_count(r[c], scene.lang) for c in columns],
        )
        for r in records(levels)
    ]
    marks.grid(scene.say("w_tab_card"), heads, rows, scene.say("w_level"))
    if len(found.feedback):
        heads = [scene.say("w_acknowledged"), *(scene.say(f"w_verdict_{v}") for v in VERDICTS)]
        rows = [
            (told(str(r["reader"]), scene.lang), [str(r[c]) for c in ("acknowledged", *VERDICTS)])
            for r in records(found.feedback)
        ]
        marks.grid(scene.say("w_readers_said"), heads, rows, scene.say("w_reader"))


def reliability(scene: Scene, table: pd.DataFrame, key: str) -> None:
    """What was said beside what happened, drawn and as a table.

    Parameters
    ----------
    table
        ``horizon_d, least, most, n, mean_p, happened_share``.
    """
    days = {h: scene.say(f"w_{h}") for h in HORIZONS_D}
    shown = table.assign(horizon=table["horizon_d"].map(days))
    left, right = st.columns(2)
    full = shown[shown["n"] > 0]
    line = alt.Chart(pd.DataFrame({"x": [0, 1], "y": [0, 1]})).mark_line(strokeDash=[4, 4])
    percent = alt.Axis(format=".0%")
    points = (
        alt.Chart(full)
        .mark_point(filled=True, opacity=0.9)
        .encode(
            x=alt.X("mean_p:Q", title=scene.say("w_said_p"), axis=percent).scale(domain=[0, 1]),
            y=alt.Y("happened_share:Q", title=scene.say("w_came"), axis=percent).scale(
                domain=[0, 1]
            ),
            size=alt.Size("n:Q", legend=None).scale(range=[60, 500]),
            shape=alt.Shape("horizon:N", title=None).legend(orient="top"),
            color=alt.Color("horizon:N", title=None).scale(range=["#1f77c0", "#d08700"]),
            tooltip=[
                alt.Tooltip("horizon:N", title=scene.say("w_horizon")),
                alt.Tooltip("mean_p:Q", title=scene.say("w_said_p"), format=".0%"),
                alt.Tooltip("happened_share:Q", title=scene.say("w_came"), format=".0%"),
                alt.Tooltip("n:Q", title=scene.say("w_n")),
            ],
        )
    )
    chart = line.encode(x="x:Q", y="y:Q") + points
    with left:
        st.altair_chart(
            chart.properties(height=340),
            width="stretch",
            alt=scene.say("w_reliability_alt"),
            key=f"{key}_reliability",
        )
    heads = [scene.say(k) for k in ("w_bin", "w_n", "w_said_p", "w_came")]
    rows = [
        (
            str(r["horizon"]),
            [
                f"{100 * r['least']:.0f}–{100 * r['most']:.0f} %",
                str(r["n"]),
                _share(float(r["mean_p"]), scene.lang),
                _share(float(r["happened_share"]), scene.lang),
            ],
        )
        for r in records(shown)
    ]
    with right:
        marks.grid(scene.say("w_reliability_table"), heads, rows, scene.say("w_horizon"))


def _share(value: float, lang: str) -> str:
    return escape(model.chance(value, lang))


def _forecasts(scene: Scene, table: pd.DataFrame) -> None:
    columns = {"n": "w_n", "happened": "w_came", "brier": "w_brier"}
    columns |= {"brier_climatology": "w_climatology", "brier_persistence": "w_persistence"}
    columns |= {"skill_climatology": "w_skill"}
    rows = [
        (
            scene.say(f"w_{r['horizon_d']}"),
            [_count(r[c], scene.lang, digits=0 if c in ("n", "happened") else 3) for c in columns],
        )
        for r in records(table)
    ]
    marks.grid(
        scene.say("w_brier"), [scene.say(k) for k in columns.values()], rows, scene.say("w_horizon")
    )


def _count(value: Any, lang: str, *, digits: int = 0) -> str:
    return escape(told("unknown", lang)) if pd.isna(value) else f"{float(value):.{digits}f}"


def card(mark: Stamp, log: Log, alerts: Sequence[Alert]) -> Scorecard:
    """The record of some entries beside what then happened."""
    days = model.known_now(mark).days
    return scorecard(
        alerts,
        desk.happened(days),
        feedback=[r for kind, _, r in log.answers if kind == "feedback"],
        acknowledgements=[r for kind, _, r in log.answers if kind == "acknowledgement"],
        since=log.last.since,
    )


def card_note(found: Scorecard, lang: str) -> str:
    """The size of the record in a sentence, with a warning when it is tiny."""
    levels = found.levels
    if levels.empty:
        return word("w_card_empty", lang)
    own = levels[levels["level"] == Level.blue.name]
    years = float(own.loc[own["element"] == ALL, "years"].sum())
    elements = int((own["element"] != ALL).sum())
    text = word(
        "w_card_size", lang, events=str(found.events), elements=str(elements), years=f"{years:.2f}"
    )
    return text + (word("w_card_few", lang) if found.events < FEW else "")
