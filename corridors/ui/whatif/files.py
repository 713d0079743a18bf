"""The answer to a what-if as files, every row of them marked as an exercise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from corridors.export import Sheet, to_bytes
from corridors.ui import panels
from corridors.ui.whatif import link, model
from corridors.ui.words import word
from corridors.whatif.scenario_file import to_toml

if TYPE_CHECKING:
    from corridors.ui.whatif.model import Asked
    from corridors.whatif.scenario import Scenario
    from layers.world import World

TABLES = ("summary", "days", "ways", "origins", "elements", "responses")
FORMATS = ("csv", "xlsx", "parquet", "json")
NAMES = {"parquet": "Parquet"}
MIME = {**panels.FILES, "json": "application/json"}


def downloads(world: World, ask: Asked, scenario: Scenario, lang: str) -> None:
    """The answer as files, made when asked for."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.session_state.setdefault("wi_table", TABLES[0])
        table = st.selectbox(
            word("wi_save_answer", lang),
            TABLES,
            format_func=lambda t: word(f"wi_table_{t}", lang),
            key="wi_table",
            width=220,
        )
        name = f"whatif_{scenario.name}_{ask.importer}_{ask.commodity}_{table}"
        for format in FORMATS:
            st.download_button(
                NAMES.get(format, format.upper()),
                _maker(world, ask, scenario, table, name, format),
                f"{name}.{format}",
                MIME[format],
                key=f"wi_get_{format}",
                help=f"{word('download', lang)} {NAMES.get(format, format.upper())}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )
    st.html(f'<p class="cx-small cx-screen">{escape(word("wi_files_more", lang))}</p>')


def _maker(
    world: World, ask: Asked, scenario: Scenario, table: str, name: str, format: str
) -> Callable[[], bytes]:
    return lambda: to_bytes(sheet(ask, scenario, table, name), world, format)


def sheet(ask: Asked, scenario: Scenario, table: str, name: str) -> Sheet:
    """A table of the answer with all others, the scenario and what it rests on.

    Every row says that it is an exercise, of which scenario, and where that comes from.
    """
    marks = {
        "exercise": "exercise, not a forecast (演习推演,非预报)",
        "scenario": scenario.name_en if scenario.name_en != link.OWN else "own",
        "scenario_sources": " | ".join(scenario.sources),
    }
    made = {key: _table(ask, key).assign(**marks) for key in TABLES if key == table}
    others = {key: _table(ask, key) for key in TABLES if key != table}
    others["bindings"] = model.answer(ask).bindings
    others["scenario"] = pd.DataFrame({"toml": to_toml(scenario).splitlines()})
    note = (
        f"{marks['exercise']}; {marks['scenario']}, {scenario.duration_d:g} d; "
        f"{ask.importer}, {ask.commodity}, {ask.year}"
    )
    return Sheet(name, note, made[table], others)


def _table(ask: Asked, key: str) -> pd.DataFrame:
    if key == "summary":
        row = model.figures(ask)
        return pd.DataFrame([row] if row is not None else [])
    if key == "responses":
        return model.responses(ask)[0]
    made: Mapping[str, Callable[[Asked], pd.DataFrame]] = {
        "days": model.days,
        "ways": model.ways,
        "origins": model.origins,
        "elements": model.elements,
    }
    return made[key](ask)
