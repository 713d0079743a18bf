"""The pieces of a page: pickers, verdict, table, downloads, sources."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from corridors.export import Sheet, to_bytes
from corridors.metrics import KINDS
from corridors.ui import link, sentences, style
from corridors.ui.answer import Question, importers_of, relabelled, years_of
from corridors.ui.words import LANGUAGES, word

if TYPE_CHECKING:
    from collections.abc import Callable

    from corridors.ui.answer import Answer
    from layers.world import World

Columns = dict[str, Any]

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
MOST_ROWS_SEEN = 12
ROW_PX = 35
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
    with st.container(horizontal=True, vertical_alignment="center"):
        title, tagline = (escape(word(key, lang)) for key in ("title", "tagline"))
        st.html(
            f'<div class="cx-head"><h1>{title}</h1><span>{tagline}</span></div>', width="stretch"
        )
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


def verdict(text: str, small: str) -> None:
    """The sentence on top."""
    st.html(
        f'<p class="cx-verdict" role="status">{escape(text)}</p>'
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


def table(found: Answer, by: str, lang: str) -> None:
    """The exposure table with bars in its cells."""
    rows = found.tables[by]
    if rows.empty:
        name = word(by, lang)
        st.info(word("none_of_kind", lang, kind=name.lower()[:-1] if lang == "en" else name))
        return
    big, digits = (1e4, 0) if lang == "zh" else (1e6, 2)
    shown = pd.DataFrame(
        {
            "name": rows[f"name_{lang}"],
            "share": 100 * rows["share"],
            "band": [sentences.band(row, lang) for _, row in rows.iterrows()],
            "quantity": (rows["quantity_t"] / big).round(digits),
            "no_alternative_share": 100 * rows["no_alternative_share"],
            "added_cost_usd_t": rows["added_cost_usd_t"],
            "added_days": rows["added_days"],
            "consumption_share": 100 * rows["consumption_share"],
            "quality": [sentences.quality(q, lang) for q in rows["quality"]],
            "data_years": rows["data_years"].astype(str),
        }
    )
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        height=ROW_PX * (1 + min(len(shown), MOST_ROWS_SEEN)) + 3,
        column_config=_columns(lang),
        key=f"table_{by}",
    )


def downloads(world: World, asked: Question, found: Answer, by: str, lang: str) -> None:
    """The table as files, made when asked for."""
    name = f"exposure_{asked.importer}_{asked.commodity}_{asked.year}_{by}"
    sheet = Sheet(name, sentences.conditions(asked, found, "en"), found.tables[by])
    placeless = sheet.table.empty
    with st.container(
        horizontal=True, vertical_alignment="center", key="downloads", gap="xsmall", width="content"
    ):
        for format, mime in FILES.items():
            st.download_button(
                format.upper(),
                _maker(sheet, world, format),
                f"{name}.{format}",
                mime,
                key=f"download_{format}",
                help=f"{word('download', lang)} {format.upper()}",
                on_click="ignore",
                disabled=placeless,
                icon=":material/download:",
                type="tertiary",
            )


def sources(world: World, found: Answer, by: str, lang: str) -> None:
    """Where the figures come from and under which terms."""
    with st.expander(word("sources", lang)):
        names = {
            "file": "file",
            "title": "holds",
            "publisher": "publisher",
            "licence": "licence",
            "url": "url",
        }
        config: Columns = {c: st.column_config.TextColumn(word(w, lang)) for c, w in names.items()}
        config["url"] = st.column_config.LinkColumn(word("url", lang))
        st.dataframe(world.sources[list(names)], hide_index=True, column_config=config)
        cited = sorted({s for cell in found.tables[by]["sources"] for s in str(cell).split(" | ")})
        items = "".join(f"<li>{escape(s)}</li>" for s in cited)
        st.html(f'<p><b>{escape(word("cited", lang))}</b></p><ul class="cx-small">{items}</ul>')


def attribution(lang: str) -> None:
    """Whom the map and the data owe, in one line."""
    st.html(
        f'<p class="cx-small">{escape(word("attribution", lang))} '
        f"{escape(word('share_link', lang))}</p>"
    )


def _restore(key: str, allowed: list[str] | list[int], lang: str) -> None:
    wrong = link.restore(key, DEFAULTS[key], allowed)
    if wrong is not None:
        text = word("unknown_link", lang, what=word(key, lang).lower(), value=wrong[:40])
        st.html(f'<p class="cx-small" role="alert">⚠ {escape(text)}</p>')


def _year(year: int, lang: str) -> str:
    return word("base_year", lang, year=str(year)) if year == DEFAULTS["year"] else str(year)


def _maker(sheet: Sheet, world: World, format: str) -> Callable[[], bytes]:
    return lambda: to_bytes(sheet, world, format)


def _columns(lang: str) -> Columns:
    column = st.column_config
    percent: dict[str, Any] = {"min_value": 0.0, "max_value": 100.0, "format": "%.1f %%"}
    detour = word("added_help", lang)
    return {
        "name": column.TextColumn(word("name", lang), pinned=True, width="medium"),
        "share": column.ProgressColumn(
            word("share", lang), help=word("share_help", lang), **percent
        ),
        "band": column.TextColumn(word("band", lang), help=word("band_help", lang)),
        "quantity": column.NumberColumn(
            "万吨" if lang == "zh" else "Mt", format="localized" if lang == "zh" else "%.2f"
        ),
        "no_alternative_share": column.ProgressColumn(
            word("no_alternative_share", lang), help=word("no_alternative_help", lang), **percent
        ),
        "added_cost_usd_t": column.NumberColumn(
            word("added_cost_usd_t", lang), help=detour, format="%.2f"
        ),
        "added_days": column.NumberColumn(word("added_days", lang), help=detour, format="%.1f"),
        "consumption_share": column.NumberColumn(
            word("consumption_share", lang), help=word("consumption_help", lang), format="%.1f %%"
        ),
        "quality": column.TextColumn(word("quality", lang)),
        "data_years": column.TextColumn(word("data_years", lang)),
    }
