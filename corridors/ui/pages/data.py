"""Feeds and data: states of feeds, sources, quality, own reports, assumptions, methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import escape
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from corridors.risk.bulletin.words import moment
from corridors.risk.bulletin.words import word as told
from corridors.ui import data, link, marks, panels, parts, sentences, shared, warnings
from corridors.ui.colours import QUALITY_MARKS
from corridors.ui.data import Place, Row
from corridors.ui.words import WORDS, word
from layers import schema
from layers.client import Step
from layers.errors import CorridorsError
from layers.feeds import local_reports
from layers.store import Store
from layers.world import World, records

QUALITY_COLOURS = {
    "official": "#00664f",
    "secondary": "#3a8fd0",
    "estimate": "#e0a526",
    "memory": "#9a4fb0",
}
HISTORY_URL = "https://portwatch.imf.org"
EDITED = "d_edited"


@dataclass(frozen=True)
class Page:
    """What every part of the page is about."""

    world: World
    store: Store
    at: datetime
    lang: str

    def say(self, key: str, **parts: str) -> str:
        """A word in the language of the page."""
        return word(key, self.lang, **parts)


def main() -> None:
    """Draw the page."""
    lang: str = st.session_state["lang"]
    marks.style()
    with st.spinner(word("loading", lang)):
        world, _, _ = shared.load()
    page = Page(world, Store(None), data.now(), lang)
    try:
        table = data.rows(page.store, page.at)
    except CorridorsError as error:
        marks.note("error", word("d_fault_store", lang), str(error))
        table = []
    _verdict(page, table)
    drawn: dict[str, Callable[[Page], None]] = {
        "feeds": partial(_feeds, table=table),
        "sources": _sources,
        "quality": _quality,
        "reports": _reports,
        "import": _import,
        "assumptions": _assumptions,
        "methods": _methods,
    }
    parts.hold(*panels.DEFAULTS, "malaysia")
    parts.tabs(
        "d",
        lang,
        {name: (page.say(f"d_tab_{name}"), partial(draw, page)) for name, draw in drawn.items()},
    )
    link.keep(**panels.DEFAULTS, malaysia=False)


def _verdict(page: Page, table: Sequence[Row]) -> None:
    asked = [row for row in table if row.status.facts.last_attempt_at is not None]
    moments = [r.status.facts.last_success_at for r in table if r.status.facts.last_success_at]
    if not asked:
        panels.verdict(page.say("d_verdict_never"), page.say("d_small_never"))
        return
    fine = sum(row.state in ("live", "empty_ok", "cached") for row in table)
    counts = {"asked": str(len(asked)), "all": str(len(table)), "fine": str(fine)}
    age = told("unknown", page.lang)
    if moments:
        age = page.say("d_ago", age=data.aged(page.at - max(moments), page.lang))
    panels.verdict(page.say("d_verdict", **counts), page.say("d_small", age=age))


# ---- feeds


def _feeds(page: Page, table: Sequence[Row]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        asked = st.button(
            page.say("d_refresh"),
            icon=":material/sync:",
            help=page.say("d_refresh_help"),
            key="d_refresh",
        )
        force = st.toggle(page.say("d_force"), key="d_force", persist_state="session")
    if asked:
        _refresh(page, force=force)
    said = st.session_state.pop("d_refreshed", None)
    if said is not None:
        marks.note(*said)
    counts = data.counts(table)
    chips = "".join(
        f"<li>{marks.state_chip(state, page.lang)} {n}<span class='cx-quiet'>"
        f"{escape(page.say(f'd_mean_{state}'))}</span></li>"
        for state, n in counts.items()
    )
    st.html(f'<ul class="cx-key" aria-label="{escape(page.say("d_key"))}">{chips}</ul>')
    heads = [page.say(f"d_{h}") for h in ("state", "content_age", "success", "records", "fault")]
    marks.grid(
        page.say("d_feeds_table"),
        heads,
        [(data.title(row.source, page.lang), _feed(page, row)) for row in table],
        page.say("d_feed"),
    )


def _feed(page: Page, row: Row) -> list[str]:
    """The cells of a feed, as HTML."""
    facts, lang = row.status.facts, page.lang
    why, noted = data.fault(row, lang)
    small = f'<small lang="en">{escape(noted)}</small>' if noted else ""
    if noted and facts.next_due_at is not None:
        due = f"{page.say('d_next')}: {moment(facts.next_due_at, lang)}"
        small += f"<small>{escape(due)}</small>"
    asked = facts.last_attempt_at is not None
    records_cell = "–"
    if facts.last_success_at is not None:
        records_cell = f"{facts.n_records:,}"
        left_out = sum(facts.skipped.values())
        if left_out:
            left = page.say("d_left_out", n=f"{left_out:,}")
            records_cell += f"<small>{escape(left)}</small>"
    seen = data.aged(row.status.success_age, lang) if facts.last_success_at else "–"
    return [
        marks.state_chip(row.state, lang),
        escape(data.aged(row.status.content_age, lang) if facts.last_success_at else "–"),
        escape(seen if asked else "–"),
        records_cell,
        f"{escape(why)}{small}",
    ]


def _refresh(page: Page, *, force: bool, only: Sequence[str] | None = None) -> None:
    """Ask the feeds, tell how far it is, and draw the page anew."""
    begun = data.now()
    with st.status(page.say("d_refreshing")) as status:

        def say(steps: Mapping[str, Step]) -> None:
            names = told("and", page.lang).join(steps)
            text = page.say("d_receiving", names=names) if names else ""
            status.update(label=f"{page.say('d_refreshing')} {text}")

        try:
            states = data.ask(page.store, force=force, told=say, only=only)
        except CorridorsError as error:
            status.update(state="error", label=page.say("d_refresh_failed"))
            marks.note("error", page.say("d_refresh_failed"), str(error))
            return
    asked = data.asked_since(states, begun)
    bad = [s for s in asked if s.state == "failed"]
    told_of = {"asked": str(len(asked)), "good": str(len(asked) - len(bad)), "bad": str(len(bad))}
    said = page.say("d_refreshed", **told_of)
    kept = page.say("d_refreshed_bad") if bad else ""
    if not asked:
        st.session_state["d_refreshed"] = ("info", page.say("d_refreshed_none"))
    elif data.offline(bad):
        alone = page.say("d_refreshed_offline")
        st.session_state["d_refreshed"] = ("error", said, alone, kept)
    else:
        st.session_state["d_refreshed"] = ("warn" if bad else "good", said, kept)
    st.rerun()


# ---- sources and quality


def _sources(page: Page) -> None:
    column = st.column_config
    address = column.LinkColumn(page.say("url"))
    names = {"file": "file", "title": "holds", "publisher": "publisher", "licence": "licence"}
    _heading(page.say("d_sources_tables"))
    table = page.world.sources[["file", "title", "publisher", "licence", "url", "note"]]
    if page.lang != "en":
        stems = [str(f).rpartition(".")[0] for f in table["file"]]
        known = [f"d_table_{s}" if s in schema.TABLES else "" for s in stems]
        titles = table["title"]
        table = table.assign(
            title=[_known_word(k, str(t), page.lang) for k, t in zip(known, titles, strict=True)]
        )
    config: dict[str, Any] = {c: column.TextColumn(page.say(w)) for c, w in names.items()}
    config |= {"url": address, "note": column.TextColumn(page.say("d_note"))}
    st.dataframe(table, hide_index=True, column_config=config, key="d_sources_table")
    _heading(page.say("d_sources_feeds"))
    found = data.licences()
    found.insert(0, "feed", [data.title(s, page.lang) for s in found["source"]])
    config = {
        "feed": column.TextColumn(page.say("d_feed")),
        "publisher": column.TextColumn(page.say("publisher")),
        "licence": column.TextColumn(page.say("licence")),
        "redistribute": column.CheckboxColumn(page.say("d_redistribute")),
        "url": address,
    }
    st.dataframe(
        found.drop(columns="source"), hide_index=True, column_config=config, key="d_licences"
    )


def _known_word(key: str, text: str, lang: str) -> str:
    return word(key, lang) if key and key in WORDS else text


def _quality(page: Page) -> None:
    st.html(f'<p class="cx-small">{escape(page.say("d_quality_intro"))}</p>')
    table = data.qualities(page.world, page.lang)
    labels = {q: f"{QUALITY_MARKS[q]} {page.say(q)}" for q in schema.QUALITIES}
    long = table.melt(["file", "rows"], list(labels), "quality", "n")
    long = long.assign(share=long["n"] / long["rows"].clip(lower=1))
    long["place"] = long["quality"].map({q: n for n, q in enumerate(labels)})
    long["quality"] = long["quality"].map(labels)
    chart = (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X("sum(share):Q", title=page.say("d_share"), axis=alt.Axis(format=".0%")).scale(
                domain=[0, 1]
            ),
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
    config: dict[str, Any] = {q: column.NumberColumn(labels[q]) for q in labels}
    config |= {"file": column.TextColumn(page.say("file"))}
    config |= {"holds": column.TextColumn(page.say("holds"), width="large")}
    config |= {"rows": column.NumberColumn(page.say("d_rows"))}
    st.dataframe(table, hide_index=True, column_config=config, key="d_quality_table")


# ---- own reports


def _reports(page: Page) -> None:
    found = data.place()
    if found.kind == "unset":
        marks.note("info", page.say("d_reports_unset"), page.say("d_reports_unset_do"))
    elif found.kind in ("address", "geojson"):
        marks.note("info", page.say(f"d_reports_{found.kind}"))
    else:
        _editor(page, found)
    said = st.session_state.pop("d_reported", None)
    if said is not None:
        marks.note(*said)
    _taken(page)


def _editor(page: Page, found: Place) -> None:
    """The reports of the file as a table to be changed, with the checks of the feed."""
    assert found.path is not None
    if EDITED not in st.session_state:
        try:
            st.session_state[EDITED] = data.load(found.path)
        except CorridorsError as error:
            marks.note("error", page.say("d_fault_no_file"), str(error))
            return
    edit = page.say("d_reports_edit", file=found.path.name)
    st.html(
        f'<p class="cx-small">{escape(edit)}</p>'
        f'<p class="cx-small">{escape(page.say("d_reports_open"))}</p>'
    )
    version = st.session_state.setdefault("d_editor_version", 0)
    table = st.data_editor(
        st.session_state[EDITED],
        num_rows="dynamic",
        hide_index=True,
        column_config=_report_columns(page),
        key=f"d_editor_{version}",
        alt=page.say("d_tab_reports"),
    )
    if st.button(page.say("d_save"), icon=":material/save:", key="d_save"):
        _save(page, found, data.tidy(table))


def _report_columns(page: Page) -> dict[str, Any]:
    column, words = st.column_config, local_reports.WORDS
    config: dict[str, Any] = {
        name: column.TextColumn(page.say(f"d_col_{name}"), required=False)
        for name in data.REPORT_COLUMNS
    }
    choices = {**words, "severity": ("0", "1", "2", "3", "4")}
    for name, options in choices.items():
        config[name] = column.SelectboxColumn(
            page.say(f"d_col_{name}"),
            options=list(options),
            format_func=lambda o: data.option(str(o), page.lang),
        )
    config["what"] = column.TextColumn(page.say("d_col_what"), width="large")
    return config


def _save(page: Page, found: Place, table: pd.DataFrame) -> None:
    """Write the reports if they pass the checks, and take them in."""
    assert found.path is not None
    faults = data.checked(table, found.path.name)
    if faults:
        _faults(page, faults)
        return
    try:
        data.save(found.path, table)
    except CorridorsError as error:
        marks.note("error", page.say("d_not_written"), str(error))
        return
    st.session_state.pop(EDITED, None)
    st.session_state["d_editor_version"] = st.session_state.get("d_editor_version", 0) + 1
    only = [local_reports.SOURCE.id]
    try:
        states = data.ask(page.store, force=True, told=lambda _: None, only=only)
    except CorridorsError as error:
        st.session_state["d_reported"] = ("warn", page.say("d_saved_only"), str(error))
        st.rerun()
    if states and states[0].fault:
        st.session_state["d_reported"] = ("warn", page.say("d_saved_only"), states[0].fault)
    else:
        st.session_state["d_reported"] = ("good", page.say("d_saved", n=str(len(table))))
    st.rerun()


def _faults(page: Page, faults: Sequence[data.Fault]) -> None:
    marks.note("error", page.say("d_not_saved"))
    heads = [page.say("d_column"), page.say("d_wrong")]
    rows = [
        (
            # Row 1 of the file is its heading.
            str(f.row - 1) if f.row > 1 else page.say("d_whole_file"),
            [escape(_column(page, f.column)), escape(data.told(f, page.lang))],
        )
        for f in faults
    ]
    marks.grid(page.say("d_not_saved"), heads, rows, page.say("d_row"))


def _column(page: Page, name: str) -> str:
    return page.say(f"d_col_{name}") if name in data.REPORT_COLUMNS else name


def _taken(page: Page) -> None:
    _heading(page.say("d_reports_taken"))
    try:
        found = data.own_reports(page.store)
    except CorridorsError as error:
        marks.note("error", page.say("d_fault_store"), str(error))
        return
    if found.empty:
        st.html(f'<p class="cx-small">{escape(page.say("d_reports_none"))}</p>')
        return
    column = st.column_config
    names = {"title": "d_col_what", "kind": "d_col_kind", "severity": "d_col_severity"}
    names |= {"reporter_type": "d_col_reporter_type", "visibility": "d_col_visibility"}
    names |= {"assets": "d_col_element"}
    config: dict[str, Any] = {c: column.TextColumn(page.say(k)) for c, k in names.items()}
    config["severity"] = column.NumberColumn(page.say("d_col_severity"))
    config["onset_at"] = column.DatetimeColumn(
        page.say("d_col_time"), format="YYYY-MM-DD HH:mm", timezone="UTC"
    )
    st.dataframe(found[["onset_at", *names]], hide_index=True, column_config=config, key="d_taken")


# ---- import


def _import(page: Page) -> None:
    said = st.session_state.pop("d_imported", None)
    if said is not None:
        marks.note(*said)
    left, right = st.columns(2, gap="large")
    with left:
        _heading(page.say("d_import_reports"), page.say("d_import_reports_help"))
        _import_reports(page)
    with right:
        help = page.say("d_import_history_help", url=HISTORY_URL)
        _heading(page.say("d_import_history"), help)
        _import_history(page)


def _import_reports(page: Page) -> None:
    found = data.place()
    if found.kind != "csv" or found.path is None:
        marks.note("info", page.say("d_import_needs"))
        return
    file = st.file_uploader(page.say("d_import_file"), ["csv", "geojson", "json"], key="d_reports")
    if file is None:
        return
    try:
        new, old = data.table_of(file.getvalue()), data.load(found.path)
    except CorridorsError as error:
        marks.note("error", page.say("d_not_imported"), str(error))
        return
    faults = data.checked(new, file.name)
    if faults:
        _faults(page, faults)
        return
    st.dataframe(new, hide_index=True, column_config=_report_columns(page), key="d_new_reports")
    join = page.say("d_import_join", n=str(len(new)))
    if st.button(join, icon=":material/merge:", key="d_join"):
        _save(page, found, data.merged(old, new))


def _import_history(page: Page) -> None:
    file = st.file_uploader(page.say("d_import_file"), ["csv"], key="d_history")
    today = page.at.date()
    one, two = st.columns(2, vertical_alignment="bottom")
    day = one.date_input(
        page.say("d_import_day"), today, max_value=today, format="YYYY-MM-DD", key="d_day"
    )
    over = two.toggle(page.say("d_import_replace"), key="d_over")
    if file is None or not st.button(
        page.say("d_import_button"), icon=":material/upload:", key="d_load"
    ):
        return
    try:
        with st.spinner(page.say("computing")):
            found = data.history(page.store, file.name, file.getvalue(), day, over)
    except CorridorsError as error:
        marks.note("error", page.say("d_not_imported"), str(error)[:2000])
        return
    text = page.say(
        "d_imported",
        rows=f"{found.rows:,}",
        first=f"{found.first}",
        last=f"{found.last}",
        added=f"{found.days.added:,}",
        known=f"{found.days.known:,}",
    )
    st.session_state["d_imported"] = ("good", text)
    st.rerun()


# ---- assumptions


def _assumptions(page: Page) -> None:
    st.html(f'<p class="cx-small">{escape(page.say("d_assumptions_intro"))}</p>')
    world, lang = page.world, page.lang
    rows = {str(r["assumption"]): r for r in records(world.assumptions)}
    link.restore("assumption", "logit_theta", list(rows))
    st.selectbox(
        page.say("d_assumption"),
        list(rows),
        format_func=lambda name: data.described(rows[name], lang),
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
            (page.say("d_used"), page.say(f"d_used_{data.used_in(name)}")),
            (page.say("quality"), sentences.quality(str(row["quality"]), lang)),
            (page.say("d_source"), f"{row['source']} ({row['year']})"),
        ]
    )
    marks.card(str(row[f"name_{lang}"]), figures, body)
    _heading(page.say("d_effect"))
    used = data.used_in(name)
    if used == "exposure":
        _exposure_effect(page, name, values)
    elif used == "risk":
        _risk_effect(page, name, values)
    else:
        marks.note("info", page.say(f"d_effect_{used}"))
    _heading(page.say("d_tab_assumptions"))
    _all_assumptions(page)


def _exposure_effect(page: Page, name: str, values: Mapping[str, float]) -> None:
    question = panels.question(page.world, page.lang)
    with st.spinner(page.say("computing")):
        if shared.answered(page.world.digest, question) is None:
            panels.nothing(page.world, question, page.lang)
            return
        found = {
            part: data.effect(page.world.digest, question, name, value)
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
            part: data.risk_effect(page.world.digest, stamp, name, value)
            for part, value in values.items()
        }
    column = "structural" if name.startswith("structural_") else "threat"
    if column in found["central"]:
        _compared(page, page.say(f"d_effect_{column}"), found, column, percent=False)


def _compared(
    page: Page, caption: str, found: Mapping[str, pd.DataFrame], column: str, *, percent: bool
) -> None:
    table = data.compared(found, column)

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
    table = data.all_assumptions(page.world, page.lang)
    table["quality"] = [sentences.quality(str(q), page.lang) for q in table["quality"]]
    st.dataframe(table, hide_index=True, column_config=config, key="d_all_assumptions")


# ---- methods


def _methods(page: Page) -> None:
    st.html(f'<p class="cx-small">{escape(page.say("d_methods_intro"))}</p>')
    for found in data.methods():
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


def _heading(text: str, small: str = "") -> None:
    more = f'<p class="cx-small">{escape(small)}</p>' if small else ""
    st.html(f'<h2 style="font-size:1rem;margin:.6rem 0 .1rem;padding:0">{escape(text)}</h2>{more}')


main()
