"""Numbers the model assumes with what their ranges do, and what modules say of their methods."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from corridors.ui import link, marks, panels, paper, sentences, shared
from corridors.ui.data import model
from corridors.ui.data.scene import Page, heading, height
from corridors.ui.warnings import model as warnings
from layers.world import records


def assumptions(page: Page) -> None:
    """One assumption with what its range does, and all of them."""
    st.html(f'<p class="cx-small">{escape(page.say("d_assumptions_intro"))}</p>')
    world, lang = page.world, page.lang
    rows = {str(r["assumption"]): r for r in records(world.assumptions)}
    link.restore("assumption", "logit_theta", list(rows))
    st.selectbox(
        page.say("d_assumption"),
        list(rows),
        format_func=lambda name: model.described(rows[name], lang),
        key="assumption",
        persist_state="session",
    )
    name: str = st.session_state["assumption"]
    link.keep(assumption="logit_theta")
    row = rows[name]
    values = {part: float(row[part]) for part in ("low", "central", "high")}
    figures = " · ".join(f"{page.say(f'd_{p}')} {v:g}" for p, v in values.items())
    body = marks.facts(
        [
            (page.say("d_unit"), str(row["unit"])),
            (page.say("d_used"), page.say(f"d_used_{model.used_in(name)}")),
            (page.say("quality"), sentences.quality(str(row["quality"]), lang)),
            (page.say("d_source"), f"{row['source']} ({row['year']})"),
        ]
    )
    marks.card(str(row[f"name_{lang}"]), figures, body)
    heading(page.say("d_effect"))
    used = model.used_in(name)
    if used == "exposure":
        _exposure_effect(page, name, values)
    elif used == "risk":
        _risk_effect(page, name, values)
    else:
        marks.note("info", page.say(f"d_effect_{used}"))
    heading(page.say("d_tab_assumptions"))
    _all_assumptions(page)


def _exposure_effect(page: Page, name: str, values: Mapping[str, float]) -> None:
    question = panels.question(page.world, page.lang)
    with st.spinner(page.say("computing")):
        if shared.answered(page.world.digest, question) is None:
            panels.nothing(page.world, question, page.lang)
            return
        found = {
            part: model.effect(page.world.digest, question, name, value)
            for part, value in values.items()
        }
    title = {
        "importer": sentences.place(page.world, question.importer, page.lang),
        "commodity": sentences.cargo(page.world, question.commodity, page.lang),
        "year": str(question.year),
    }
    if name.startswith("error_"):
        found = {p: t.assign(share=t["share_high"] - t["share_low"]) for p, t in found.items()}
        caption = page.say("d_effect_range", year=str(question.year))
    else:
        caption = page.say("d_effect_share", **title)
    _compared(page, caption, found, "share", percent=True)
    _compared(page, page.say("d_effect_cost"), found, "added_cost_usd_t", percent=False)


def _risk_effect(page: Page, name: str, values: Mapping[str, float]) -> None:
    stamp = (*warnings.stamp(page.store), f"{page.at:%Y-%m-%dT%H}")
    with st.spinner(page.say("computing")):
        found = {
            part: model.risk_effect(page.world.digest, stamp, name, value)
            for part, value in values.items()
        }
    column = "structural" if name.startswith("structural_") else "threat"
    if column in found["central"]:
        _compared(page, page.say(f"d_effect_{column}"), found, column, percent=False)


def _compared(
    page: Page, caption: str, found: Mapping[str, pd.DataFrame], column: str, *, percent: bool
) -> None:
    table = model.compared(found, column)

    def cell(value: float) -> str:
        if pd.isna(value):
            return "–"
        return sentences.percent(value, page.lang) if percent else f"{value:.2f}"

    rows = [
        (
            page.world.name(str(element), page.lang),
            [escape(cell(float(row[part]))) for part in ("low", "central", "high")],
        )
        for element, row in table.iterrows()
    ]
    heads = [page.say(f"d_{part}") for part in ("low", "central", "high")]
    marks.grid(caption, heads, rows, page.say("d_element"))
    spread = table.max(axis=1) - table.min(axis=1)
    if not (spread > 0.001).any():
        marks.note("info", page.say("d_effect_none"))


def _all_assumptions(page: Page) -> None:
    column = st.column_config
    names = {"name": "d_assumption", "unit": "d_unit", "used": "d_used", "source": "d_source"}
    config: dict[str, Any] = {c: column.TextColumn(page.say(k)) for c, k in names.items()}
    config |= {p: column.NumberColumn(page.say(f"d_{p}")) for p in ("low", "central", "high")}
    config |= {"quality": column.TextColumn(page.say("quality"))}
    config |= {"assumption": column.TextColumn("id")}
    table = model.all_assumptions(page.world, page.lang)
    table["quality"] = [sentences.quality(str(q), page.lang) for q in table["quality"]]
    paper.frame(
        table,
        config,
        page.lang,
        alt=page.say("d_tab_assumptions"),
        height=height(table),
        key="d_all_assumptions",
    )


def methods(page: Page) -> None:
    """What each module says of its method, its formulas first."""
    st.html(f'<p class="cx-small">{escape(page.say("d_methods_intro"))}</p>')
    for found in model.methods():
        title = page.say(f"d_method_{found.module.replace('.', '_')}")
        with st.expander(f"{title} · `{found.module}`"):
            if found.formulas:
                st.code(found.formulas, language=None)
            body = escape(f"{found.title}\n\n{found.text}")
            st.html(
                f"<details><summary>{escape(page.say('d_method_text'))}</summary>"
                f'<div lang="en" style="white-space:pre-wrap;font-size:.88rem">{body}</div>'
                "</details>"
            )
