"""Where the data come from and how well each table is known."""

from __future__ import annotations

from html import escape
from typing import Any

import altair as alt
import streamlit as st

from corridors.ui import amounts, paper
from corridors.ui.colours import QUALITY_MARKS
from corridors.ui.data import model
from corridors.ui.data.scene import Page, heading, height
from corridors.ui.words import WORDS, word
from layers.tables import QUALITIES, TABLES

QUALITY_COLOURS = {
    "official": "#00664f",
    "secondary": "#3a8fd0",
    "estimate": "#e0a526",
    "memory": "#9a4fb0",
}


def sources(page: Page) -> None:
    """Publisher, licence and address of every table and feed."""
    column = st.column_config
    address = column.LinkColumn(page.say("url"))
    names = {"file": "file", "title": "holds", "publisher": "publisher", "licence": "licence"}
    heading(page.say("d_sources_tables"))
    table = page.world.sources[["file", "title", "publisher", "licence", "url", "note"]]
    if page.lang != "en":
        stems = [str(f).rpartition(".")[0] for f in table["file"]]
        known = [f"d_table_{s}" if s in TABLES else "" for s in stems]
        titles = table["title"]
        table = table.assign(
            title=[_known_word(k, str(t), page.lang) for k, t in zip(known, titles, strict=True)]
        )
    config: dict[str, Any] = {c: column.TextColumn(page.say(w)) for c, w in names.items()}
    # Medium, so that the address still fits beside them.
    config |= {c: column.TextColumn(page.say(c), width="medium") for c in ("publisher", "licence")}
    config |= {"url": address, "note": column.TextColumn(page.say("d_note"))}
    paper.frame(
        table,
        config,
        page.lang,
        alt=page.say("d_sources_tables"),
        height=height(table),
        key="d_sources_table",
    )
    heading(page.say("d_sources_feeds"))
    found = model.licences()
    found.insert(0, "feed", [model.title(s, page.lang) for s in found["source"]])
    config = {
        "feed": column.TextColumn(page.say("d_feed")),
        "publisher": column.TextColumn(page.say("publisher"), width="medium"),
        "licence": column.TextColumn(page.say("licence"), width="medium"),
        "redistribute": column.CheckboxColumn(page.say("d_redistribute")),
        "url": address,
    }
    found = found.drop(columns="source")
    paper.frame(
        found,
        config,
        page.lang,
        alt=page.say("d_sources_feeds"),
        height=height(found),
        key="d_licences",
    )


def _known_word(key: str, text: str, lang: str) -> str:
    return word(key, lang) if key and key in WORDS else text


def quality(page: Page) -> None:
    """How well the rows of each table are known, as a chart and as a table."""
    st.html(f'<p class="cx-small">{escape(page.say("d_quality_intro"))}</p>')
    table = model.qualities(page.world, page.lang)
    labels = {q: f"{QUALITY_MARKS[q]} {page.say(q)}" for q in QUALITIES}
    long = table.melt(["file", "rows"], list(labels), "quality", "n")
    long = long.assign(share=long["n"] / long["rows"].clip(lower=1))
    long["place"] = long["quality"].map({q: n for n, q in enumerate(labels)})
    long["quality"] = long["quality"].map(labels)
    chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X(
                "sum(share):Q", title=page.say("d_share"), axis=alt.Axis(format=".0%", tickCount=5)
            ).scale(domain=[0, 1]),
            y=alt.Y("file:N", title=None, sort=None).axis(labelLimit=260),
            order=alt.Order("place:Q"),
            color=alt.Color("quality:N", title=page.say("quality"))
            .scale(domain=list(labels.values()), range=list(QUALITY_COLOURS.values()))
            .legend(orient="top"),
            tooltip=[
                alt.Tooltip("file:N", title=page.say("file")),
                alt.Tooltip("quality:N", title=page.say("quality")),
                alt.Tooltip("n:Q", title=page.say("d_rows")),
            ],
        )
    )
    st.altair_chart(chart, width="stretch", alt=page.say("d_quality_alt"), key="d_quality_chart")
    column = st.column_config
    config: dict[str, Any] = {q: amounts.column(labels[q]) for q in labels}
    config |= {"file": column.TextColumn(page.say("file"))}
    config |= {"holds": column.TextColumn(page.say("holds"))}
    config |= {"rows": amounts.column(page.say("d_rows"))}
    paper.frame(
        table,
        config,
        page.lang,
        alt=page.say("d_tab_quality"),
        height=height(table),
        key="d_quality_table",
    )
