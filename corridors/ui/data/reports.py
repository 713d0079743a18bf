"""Own reports and files brought in by hand: edited, checked, taken in."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from corridors.ui import marks, paper
from corridors.ui.data import model, own
from corridors.ui.data.own import Place
from corridors.ui.data.scene import Page, heading
from corridors.ui.who import may_write, store_to_write
from layers.errors import CorridorsError
from layers.feeds import local_reports

HISTORY_URL = "https://portwatch.imf.org"
EDITED = "d_edited"


def reports(page: Page) -> None:
    """The reports of the reader's own file, to be changed, and those taken in."""
    found = own.place()
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
            st.session_state[EDITED] = own.load(found.path)
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
    kept = not may_write()
    if st.button(page.say("d_save"), icon=":material/save:", key="d_save", disabled=kept):
        _save(page, found, own.tidy(table))


def _report_columns(page: Page) -> dict[str, Any]:
    column, words = st.column_config, local_reports.WORDS
    config: dict[str, Any] = {
        name: column.TextColumn(page.say(f"d_col_{name}"), required=False)
        for name in own.REPORT_COLUMNS
    }
    choices = {**words, "severity": ("0", "1", "2", "3", "4")}
    for name, options in choices.items():
        config[name] = column.SelectboxColumn(
            page.say(f"d_col_{name}"),
            options=list(options),
            format_func=lambda o: model.option(str(o), page.lang),
        )
    config["what"] = column.TextColumn(page.say("d_col_what"), width="large")
    return config


def _save(page: Page, found: Place, table: pd.DataFrame) -> None:
    """Write the reports if they pass the checks, and take them in."""
    assert found.path is not None
    faults = own.checked(table, found.path.name)
    if faults:
        _faults(page, faults)
        return
    try:
        store = store_to_write(page.store.place)
        own.save(found.path, table)
    except CorridorsError as error:
        marks.note("error", page.say("d_not_written"), str(error))
        return
    st.session_state.pop(EDITED, None)
    st.session_state["d_editor_version"] = st.session_state.get("d_editor_version", 0) + 1
    only = [local_reports.SOURCE.id]
    try:
        states = model.ask(store, force=True, told=lambda _: None, only=only)
    except CorridorsError as error:
        st.session_state["d_reported"] = ("warn", page.say("d_saved_only"), str(error))
        st.rerun()
    if states and states[0].fault:
        st.session_state["d_reported"] = ("warn", page.say("d_saved_only"), states[0].fault)
    else:
        st.session_state["d_reported"] = ("good", page.say("d_saved", n=str(len(table))))
    st.rerun()


def _faults(page: Page, faults: Sequence[own.Fault]) -> None:
    marks.note("error", page.say("d_not_saved"))
    heads = [page.say("d_column"), page.say("d_wrong")]
    rows = [
        (
            # Row 1 of the file is its heading.
            str(f.row - 1) if f.row > 1 else page.say("d_whole_file"),
            [escape(_column(page, f.column)), escape(own.told(f, page.lang))],
        )
        for f in faults
    ]
    marks.grid(page.say("d_not_saved"), heads, rows, page.say("d_row"))


def _column(page: Page, name: str) -> str:
    return page.say(f"d_col_{name}") if name in own.REPORT_COLUMNS else name


def _taken(page: Page) -> None:
    heading(page.say("d_reports_taken"))
    try:
        found = own.own_reports(page.store)
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
    shown, alt = found[["onset_at", *names]], page.say("d_reports_taken")
    paper.frame(shown, config, page.lang, alt=alt, key="d_taken")


def bring_in(page: Page) -> None:
    """Reports and the history of traffic out of files."""
    said = st.session_state.pop("d_imported", None)
    if said is not None:
        marks.note(*said)
    left, right = st.columns(2, gap="large")
    with left:
        heading(page.say("d_import_reports"), page.say("d_import_reports_help"))
        _import_reports(page)
    with right:
        help = page.say("d_import_history_help", url=HISTORY_URL)
        heading(page.say("d_import_history"), help)
        _import_history(page)


def _import_reports(page: Page) -> None:
    found = own.place()
    if found.kind != "csv" or found.path is None:
        marks.note("info", page.say("d_import_needs"))
        return
    file = st.file_uploader(page.say("d_import_file"), ["csv", "geojson", "json"], key="d_reports")
    if file is None:
        return
    try:
        new, old = own.table_of(file.getvalue()), own.load(found.path)
    except CorridorsError as error:
        marks.note("error", page.say("d_not_imported"), str(error))
        return
    faults = own.checked(new, file.name)
    if faults:
        _faults(page, faults)
        return
    st.dataframe(new, hide_index=True, column_config=_report_columns(page), key="d_new_reports")
    join = page.say("d_import_join", n=str(len(new)))
    if st.button(join, icon=":material/merge:", key="d_join", disabled=not may_write()):
        _save(page, found, own.merged(old, new))


def _import_history(page: Page) -> None:
    file = st.file_uploader(page.say("d_import_file"), ["csv"], key="d_history")
    today = page.at.date()
    one, two = st.columns(2, vertical_alignment="bottom")
    day = one.date_input(
        page.say("d_import_day"), today, max_value=today, format="YYYY-MM-DD", key="d_day"
    )
    over = two.toggle(page.say("d_import_replace"), key="d_over")
    if file is None or not st.button(
        page.say("d_import_button"),
        icon=":material/upload:",
        key="d_load",
        disabled=not may_write(),
    ):
        return
    try:
        with st.spinner(page.say("computing")):
            store = store_to_write(page.store.place)
            found = model.history(store, file.name, file.getvalue(), day, over)
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
