"""How good the warnings were when the project was made: what ships in ``warning_results.csv``."""

from __future__ import annotations

import re
from html import escape
from math import isnan
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd
import streamlit as st

from corridors.risk.bulletin.words import word as told
from corridors.risk.scorecard import HORIZONS_D
from corridors.ui import marks, sentences
from corridors.ui.warnings.scene import Scene
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

FORECASTS = ("probability", "persistence", "climatology")
"""Ours, and the two simple ones that it is set beside."""
COLOURS = ("#1f77c0", "#d08700", "#8a8f98")
SCORED = {"all_days": "w_all_days", "not_yet_below": "w_not_yet"}
HELD_OUT = "held_out_element"
BIN = re.compile(rf"(said|came|days)_(\d+)_to_(\d+)_pct_{HELD_OUT}")
"""Measures of the bins of probabilities: what was said, what came of it, on how many days."""


def year(world: World) -> str:
    """When the record was made."""
    return str(world.warning_results["year"].max())


def rules(scene: Scene) -> None:
    """False alarms and delays of every rule, ours and others', side by side."""
    table, lang = scene.world.warning_results, scene.lang
    by = {(r["rule"], r["measure"]): float(r["value"]) for r in records(table)}
    whose = dict(zip(table["rule"], table["whose"], strict=True))
    measures = dict.fromkeys(table["measure"])
    delays = [m for m in measures if m.startswith("delay_")]
    flagged = [m for m in measures if m.startswith("flagged_")]
    names = scene.world.disruptions.set_index("disruption")[f"name_{lang}"]
    heads = [scene.say("w_whose"), scene.say("w_false_n"), scene.say("w_false_worst")]
    heads += [scene.say("w_delay", crisis=names.get(m[6:], m[6:])) for m in delays]
    heads.append(scene.say("w_flagged"))
    rows = []
    for rule in [r for r in whose if (r, "false_alarms") in by]:
        cells = [scene.say(f"w_{whose[rule]}")]
        cells.append(_figure(by.get((rule, "false_alarms")), "{:.0f}", lang))
        cells.append(_figure(by.get((rule, "worst_element_per_year")), "{:.1f}", lang))
        cells += [_delay(by.get((rule, m)), scene) for m in delays]
        shares = [by[rule, m] for m in flagged if (rule, m) in by]
        share = sentences.percent(sum(shares) / len(shares), lang) if shares else _unknown(lang)
        name = scene.say(f"w_rule_{rule}")
        rows.append((name, [_strong(c, whose[rule] == "ours") for c in [*cells, share]]))
    marks.grid(scene.say("w_record_rules", years=_years(by)), heads, rows, scene.say("w_rule"))


def _years(by: dict[tuple[str, str], float]) -> str:
    """Corridor-years outside crises: alarms over alarms a year, of the rule with the most."""
    wrong = {rule: n for (rule, measure), n in by.items() if measure == "false_alarms"}
    most = max(wrong, key=lambda rule: wrong[rule])
    return f"{wrong[most] / by[most, 'false_alarms_per_year']:.0f}"


def _figure(value: float | None, form: str, lang: str) -> str:
    return _unknown(lang) if value is None or isnan(value) else form.format(value)


def _delay(value: float | None, scene: Scene) -> str:
    if value is None:
        return _unknown(scene.lang)
    return scene.say("w_never_flagged") if isnan(value) else f"{value:.0f}"


def _strong(text: str, ours: bool) -> str:
    return f"<b>{escape(text)}</b>" if ours else escape(text)


def _unknown(lang: str) -> str:
    return told("unknown", lang)


def probabilities(scene: Scene) -> None:
    """Brier scores of the probabilities beside two simple ones, drawn and as a table."""
    found = briers(scene.world)
    if found.empty:
        return
    names = {f: scene.say(f"w_forecast_{f}") for f in FORECASTS}
    shown = found.assign(
        forecast=found["forecast"].map(names),
        what=[
            f"{scene.say('w_' + str(r['horizon_d']))} · {scene.say(SCORED[r['days']])}"
            for r in records(found)
        ],
    )
    left, right = st.columns(2)
    with left:
        st.altair_chart(
            _bars(scene, shown, list(names.values())),
            width="stretch",
            alt=scene.say("w_brier_alt"),
            key="w_brier_bars",
        )
    wide = shown.pivot(index="what", columns="forecast", values="brier")
    rows = [
        (
            what,
            [
                _strong(f"{wide.loc[what, n]:.3f}", n == names["probability"])
                for n in names.values()
            ],
        )
        for what in dict.fromkeys(shown["what"])
    ]
    with right:
        marks.grid(scene.say("w_brier_table"), list(names.values()), rows, scene.say("w_horizon"))


def _bars(scene: Scene, shown: pd.DataFrame, names: list[str]) -> alt.Chart:
    chart = alt.Chart(shown).mark_bar()
    drawn: alt.Chart = chart.encode(
        y=alt.Y("what:N", title=None, sort=None).axis(
            labelExpr="split(datum.label, ' · ')", labelOverlap=False, labelLimit=0
        ),
        yOffset=alt.YOffset("forecast:N", sort=names),
        x=alt.X("brier:Q", title=scene.say("w_brier")),
        color=alt.Color("forecast:N", title=None, sort=names)
        .scale(domain=names, range=list(COLOURS))
        .legend(orient="top", columns=2),
        tooltip=[
            alt.Tooltip("what:N", title=scene.say("w_horizon")),
            alt.Tooltip("forecast:N", title=scene.say("w_forecast")),
            alt.Tooltip("brier:Q", title=scene.say("w_brier"), format=".3f"),
        ],
    )
    return drawn.properties(height=280)


def source(scene: Scene) -> None:
    """Where the record comes from, and how little it can tell."""
    said = escape(str(scene.world.warning_results["source"].iloc[0]))
    note = escape(scene.say("w_record_note"))
    st.html(f'<p class="cx-small">{note} <span class="cx-told">{said}</span></p>')


# ---- found, not drawn


def briers(world: World) -> pd.DataFrame:
    """``horizon_d, days, forecast, brier``, each element judged by weights fitted on the others."""
    by = {(r["rule"], r["measure"]): float(r["value"]) for r in records(world.warning_results)}
    rows = [
        {
            "horizon_d": horizon,
            "days": days,
            "forecast": forecast,
            "brier": by[f"{forecast}_{horizon}d", f"brier_{days}_{HELD_OUT}"],
        }
        for horizon in HORIZONS_D
        for days in SCORED
        for forecast in FORECASTS
        if (f"{forecast}_{horizon}d", f"brier_{days}_{HELD_OUT}") in by
    ]
    return pd.DataFrame(rows, columns=["horizon_d", "days", "forecast", "brier"])


def bins(world: World) -> pd.DataFrame:
    """What came of probabilities, as the scorecard has it; no rows where the record has none."""
    found: dict[tuple[int, float, float], dict[str, Any]] = {}
    for row in records(world.warning_results):
        part = BIN.fullmatch(str(row["measure"]))
        if part is None:
            continue
        horizon = int(str(row["rule"]).removeprefix("probability_").removesuffix("d"))
        key = horizon, int(part[2]) / 100, int(part[3]) / 100
        found.setdefault(key, {})[part[1]] = float(row["value"])
    rows = [(*key, int(v["days"]), v["said"], v["came"]) for key, v in sorted(found.items())]
    columns = ["horizon_d", "least", "most", "n", "mean_p", "happened_share"]
    return pd.DataFrame(rows, columns=columns)
