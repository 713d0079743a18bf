"""The pieces every page has: title and language, pickers, verdict, whom the data owe."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from corridors.metrics import KINDS
from corridors.ui import link, sentences, style
from corridors.ui.answer import Question, importers_of, relabelled, years_of
from corridors.ui.words import LANGUAGES, word
from layers.errors import CorridorsError

if TYPE_CHECKING:
    from layers.world import World

PAGES = ("map", "exposure", "whatif", "warnings", "data")
"""Files of ``corridors/ui/pages``, in the order of the menu; the first is where readers land."""

TABS = ("chokepoint", "corridor", "port", "pipeline", "railway", "origin")
FILES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
    "geojson": "application/geo+json",
    "gpkg": "application/geopackage+sqlite3",
}
DEFAULTS = {"importer": "CHN", "commodity": "crude_oil", "year": 2024, "by": "chokepoint"}
# Drawn here: Streamlit fetches the icons it knows by name from outside.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><path d="M16 2L30 16L16 30L2 16Z" '
    'fill="#8a48a8"/><path d="M1 19Q9 12 16 16T31 13" stroke="#4fc3f7" stroke-width="4" '
    'fill="none"/></svg>'
)


def browser_language() -> str:
    """The language the reader's browser asks for, English when we have no words in it."""
    asked = (st.context.locale or "").partition("-")[0]
    return asked if asked in LANGUAGES else "en"


def heading() -> str:
    """Title and language; the language chosen."""
    link.restore("lang", browser_language(), list(LANGUAGES))
    lang: str = st.session_state["lang"]
    st.html(style.STYLE)
    with st.container(horizontal=True, vertical_alignment="center", key="frame"):
        title, tagline = (escape(word(key, lang)) for key in ("title", "tagline"))
        st.html(f'<div class="cx-head"><h1>{title}</h1><span>{tagline}</span></div>')
        st.segmented_control(
            word("language", lang),
            list(LANGUAGES),
            format_func=lambda code: LANGUAGES[code],
            key="lang",
            required=True,
            label_visibility="collapsed",
            persist_state="session",
        )
    return lang


def question(world: World, lang: str) -> Question:
    """The pickers; what is asked."""
    importers, commodities = importers_of(world), world.commodities["commodity"].tolist()
    _restore("importer", importers, lang)
    _restore("commodity", commodities, lang)
    years = years_of(world, st.session_state["importer"])
    _restore("year", years, lang)
    link.restore("malaysia", False, [False, True])
    with st.container(key="question"):
        one, two, three, four = st.columns([3, 3, 2, 4], vertical_alignment="bottom")
    one.selectbox(
        word("importer", lang),
        importers,
        format_func=lambda i: sentences.place(world, i, lang),
        key="importer",
        persist_state="session",
    )
    two.selectbox(
        word("commodity", lang),
        commodities,
        format_func=lambda c: world.name(c, lang),
        key="commodity",
        persist_state="session",
    )
    three.selectbox(
        word("year", lang),
        years,
        format_func=lambda y: _year(y, lang),
        key="year",
        persist_state="session",
    )
    state = st.session_state
    open_question = relabelled(world, state["importer"], state["commodity"])
    four.toggle(
        word("malaysia", lang),
        key="malaysia",
        help=word("malaysia_help", lang),
        disabled=not open_question,
        persist_state="session",
    )
    assumed = open_question and state["malaysia"]
    return Question(state["importer"], state["commodity"], state["year"], assumed)


def kind(lang: str) -> str:
    """The kind of element the table is about."""
    _restore("by", list(KINDS), lang)
    st.segmented_control(
        word("by", lang),
        TABS,
        format_func=lambda k: word(k, lang),
        key="by",
        required=True,
        label_visibility="collapsed",
        persist_state="session",
    )
    chosen: str = st.session_state["by"]
    return chosen


def verdict(text: str, small: str, *, mark: str = "") -> None:
    """The sentence on top; ``mark`` is HTML that stands before it."""
    st.html(
        f'<p class="cx-verdict" role="status">{mark}{escape(text)}</p>'
        f'<p class="cx-small">{escape(small)}</p>'
    )


def nothing(world: World, asked: Question, lang: str) -> None:
    """A sentence where the data hold no such imports."""
    text = word(
        "no_flows",
        lang,
        importer=sentences.place(world, asked.importer, lang),
        commodity=sentences.cargo(world, asked.commodity, lang),
        year=str(asked.year),
    )
    verdict(text, word("no_flows_more", lang))


def broken(error: CorridorsError) -> None:
    """What is wrong with the tables or the trade chosen, in place of every page."""
    st.html(f'<pre class="cx-small" role="alert">⚠ {escape(str(error))}</pre>')


def attribution(lang: str, trade: str) -> None:
    """Whom the map and the data owe, and what is to be known of imported trade, in one line."""
    said = f"{word('trade_chosen', lang, trade=trade)} " if trade else ""
    st.html(
        f'<p class="cx-small">{escape(said)}{escape(word("attribution", lang))} '
        f"{escape(word('share_link', lang))}</p>"
    )


def _restore(key: str, allowed: list[str] | list[int], lang: str) -> None:
    wrong = link.restore(key, DEFAULTS[key], allowed)
    if wrong is not None:
        text = word("unknown_link", lang, what=word(key, lang).lower(), value=wrong[:40])
        st.html(f'<p class="cx-small" role="alert">⚠ {escape(text)}</p>')


def _year(year: int, lang: str) -> str:
    return word("base_year", lang, year=str(year)) if year == DEFAULTS["year"] else str(year)
