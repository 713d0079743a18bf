"""How levels came and went: each stretch of time at a level as a bar, every entry as a row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import altair as alt
import pandas as pd
import streamlit as st

from corridors.risk.alert import Alert, Level
from corridors.risk.bulletin.words import word as told
from corridors.risk.levels import subject_of
from corridors.ui import marks, sentences
from corridors.ui.warnings import model
from corridors.ui.warnings.scene import Scene, entries_table, fine_print, heading
from corridors.ui.words import word

if TYPE_CHECKING:
    from layers.world import World


def draw(scene: Scene) -> None:
    """The bars, and the same as a table."""
    own = scene.own
    if not own:
        marks.note("info", scene.say("w_no_entry", importer=scene.name))
        return
    found = spans(scene.world, own, scene.at, scene.lang, group=scene.group)
    heading(scene.say("w_timeline"))
    if len(found):
        st.altair_chart(
            _bars(scene, found), width="stretch", alt=scene.say("w_timeline_alt"), key="w_spans"
        )
    fine_print(scene.say("w_timeline_alt"))
    table = entries(scene.world, own, scene.at, scene.lang, group=scene.group)
    entries_table(scene, table, "w_entries_table", scene.say("w_timeline"))


def _bars(scene: Scene, spans: pd.DataFrame) -> alt.LayerChart:
    levels = [level for level in sorted(Level) if level]
    colour = alt.Color("level:N", title=scene.say("w_level")).scale(
        domain=[told(level.name, scene.lang) for level in levels],
        range=[marks.LEVELS[level].paper for level in levels],
    )
    chart = alt.Chart(spans).mark_bar(height=14, cornerRadius=3)
    bars = chart.encode(
        x=alt.X("from:T", title=scene.say("w_time")).axis(format="%m-%d %H:%M").scale(type="utc"),
        x2="to:T",
        y=alt.Y("what:N", title=None, sort=None).axis(labelLimit=320),
        color=colour.legend(orient="top"),
        tooltip=[
            alt.Tooltip("what:N", title=scene.say("w_element")),
            alt.Tooltip("level:N", title=scene.say("w_level")),
            alt.Tooltip("from:T", title=scene.say("w_sent"), format="%Y-%m-%d %H:%M"),
            alt.Tooltip("to:T", title=scene.say("w_until"), format="%Y-%m-%d %H:%M"),
        ],
    )
    now = alt.Chart(pd.DataFrame({"at": [scene.at]})).mark_rule(strokeDash=[4, 3], strokeWidth=2)
    rule = now.encode(
        x="at:T",
        color=alt.value("#8a8f98"),
        tooltip=[alt.Tooltip("at:T", title=scene.say("w_moment"), format="%Y-%m-%d %H:%M")],
    )
    drawn: alt.LayerChart = bars + rule
    return drawn


# ---- found, not drawn


def entries(
    world: World, alerts: Sequence[Alert], at: datetime, lang: str, *, group: bool
) -> pd.DataFrame:
    """Entries as rows, the newest first."""
    newest = {subject_of(a): a.id for a in alerts}
    rows = [
        {
            "sent": a.sent,
            "level": told(a.level.name, lang),
            "previous": told(a.previous.name, lang),
            "importer": sentences.place(world, a.importer, lang),
            "commodity": world.name(a.commodity, lang),
            "element": world.name(a.element, lang),
            "state": word(f"w_{model.state_of(a, at, last=newest[subject_of(a)] == a.id)}", lang),
            "reason": model.reason(a, lang),
            "expires": a.expires,
            "id": a.id,
        }
        for a in reversed(alerts)
    ]
    columns = ["sent", "level", "previous", "importer", "commodity", "element", "state"]
    columns += ["reason", "expires", "id"]
    table = pd.DataFrame(rows, columns=columns)
    return table if group else table.drop(columns="importer")


def spans(
    world: World, alerts: Sequence[Alert], at: datetime, lang: str, *, group: bool
) -> pd.DataFrame:
    """Stretches of time at a level: ``what, level, from, to``, one an entry that has a level."""
    following: dict[str, datetime] = {}
    rows = []
    for alert in reversed(alerts):
        end = min(alert.expires, following.get(alert.thread, alert.expires))
        following[alert.thread] = alert.sent
        if not alert.level:
            continue
        whom = f"{sentences.place(world, alert.importer, lang)} · " if group else ""
        rows.append(
            {
                "what": f"{whom}{world.name(alert.element, lang)} · "
                f"{world.name(alert.commodity, lang)}",
                "level": told(alert.level.name, lang),
                "from": alert.sent,
                "to": end,
            }
        )
    return pd.DataFrame(rows[::-1], columns=["what", "level", "from", "to"])
