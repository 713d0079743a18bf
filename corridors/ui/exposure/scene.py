"""What all pieces of the exposure page share: its subject, columns, files and small words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from corridors.demand import BASE_YEAR
from corridors.export import Sheet, to_bytes
from corridors.ui import amounts, panels, sentences
from corridors.ui.answer import Question
from corridors.ui.exposure import model
from corridors.ui.exposure.model import EVERY
from corridors.ui.words import word

if TYPE_CHECKING:
    from corridors.ui.amounts import Unit
    from corridors.ui.colours import Palette
    from layers.world import World

Columns = dict[str, Any]

FILES = {**panels.FILES, "json": "application/json"}
NAMES = {"gpkg": "GeoPackage", "geojson": "GeoJSON", "parquet": "Parquet"}
MAPS = ("geojson", "gpkg")
MOST_ROWS, ROW_PX = 14, 35


@dataclass(frozen=True)
class Scene:
    """What all pieces of the page are about.

    Attributes
    ----------
    question
        As picked: one importer, commodity and year.
    asked
        The same about all commodities where those are wanted, else the question itself.
    by
        Kind of element of the table.
    """

    world: World
    question: Question
    asked: Question
    by: str
    colour: Palette
    lang: str

    @property
    def digest(self) -> str:
        """Of the world."""
        return self.world.digest

    @property
    def every(self) -> bool:
        """Whether all commodities are wanted."""
        return self.asked.commodity == EVERY

    def importer(self, lang: str | None = None) -> str:
        """The importer as it stands in a sentence."""
        return sentences.in_sentence(self.world, self.question.importer, lang or self.lang)

    def cargo(self, lang: str | None = None) -> str:
        """The commodity, or that it is all of them, as it stands in a sentence."""
        return cargo(self.world, self.asked.commodity, lang or self.lang)

    def name(self, part: str) -> str:
        """Stem of a file's name."""
        what = self.asked.commodity or "all"
        return f"exposure_{self.question.importer}_{what}_{self.question.year}_{part}"

    @property
    def note(self) -> str:
        """What a file holds, of whom, when and under which assumption; in English."""
        importer, what = self.importer("en"), self.cargo("en")
        assumed = word("assumed", "en") if self.question.malaysia else ""
        return (
            f"Exposure of {importer}, {what}, asked for {self.question.year}; routes as in calm "
            f"times.{assumed} Shares are 0-1 of imports and overlap; an empty cell is not a zero."
        )


def cargo(world: World, commodity: str, lang: str) -> str:
    """A commodity, or all of them, as it stands in a sentence."""
    return (
        word("x_every_name", lang)
        if commodity == EVERY
        else (sentences.cargo(world, commodity, lang))
    )


def downloads(sheet: Sheet, scene: Scene, part: str) -> None:
    """A table as files, made when asked for."""
    placed = "element" in sheet.table
    with st.container(
        horizontal=True, vertical_alignment="center", key=f"downloads_{part}", gap="xsmall"
    ):
        for format, mime in FILES.items():
            label = NAMES.get(format, format.upper())
            st.download_button(
                label,
                _maker(sheet, scene.world, format),
                f"{sheet.name}.{format}",
                mime,
                key=f"{part}_{format}",
                help=f"{word('download', scene.lang)} {label}",
                on_click="ignore",
                disabled=sheet.table.empty or (format in MAPS and not placed),
                icon=":material/download:",
                type="tertiary",
            )


def _maker(sheet: Sheet, world: World, format: str) -> Callable[[], bytes]:
    return lambda: to_bytes(sheet, world, format)


def named(world: World, id: str, lang: str) -> str:
    """Name of an element, a country, or of what became of cargo that passes nothing."""
    if id == "sea":
        return word("x_sea", lang)
    if id in ("land", "overland", "no_gateway", "unplaced", "infeasible"):
        return word(id, lang)
    return world.name(id.removeprefix("origin:"), lang)


def no_flows(scene: Scene, question: Question) -> None:
    """A sentence where the data hold no such imports."""
    notice(
        word(
            "x_against_none",
            scene.lang,
            importer=sentences.place(scene.world, question.importer, scene.lang),
            commodity=cargo(scene.world, question.commodity, scene.lang),
            year=str(question.year),
        )
    )


def heading(text: str, small: str) -> None:
    """A heading of a view, and what it shows in small letters."""
    st.html(
        f'<div class="cx-side"><h2>{escape(text)}</h2><p class="cx-small">{escape(small)}</p></div>'
    )


def notice(text: str) -> None:
    """A sentence in a frame; plain text, whatever a link or a feed put into it."""
    with st.container(border=True):
        st.html(f'<p role="status" style="margin:0">{escape(text)}</p>')


def fine_print(text: str) -> None:
    """A line in small letters."""
    st.html(f'<p class="cx-small">{escape(text)}</p>')


def year_said(year: int, lang: str) -> str:
    """A year; the base year says that it is."""
    return word("base_year", lang, year=str(year)) if year == BASE_YEAR else str(year)


def columns(lang: str, unit: Unit) -> Columns:
    """How each column of an exposure table looks whose quantities are in a unit."""
    column = st.column_config
    percent: dict[str, Any] = {"min_value": 0.0, "max_value": 100.0, "format": "%.1f %%"}
    detour = word("added_help", lang)
    return {
        "name": column.TextColumn(word("name", lang), pinned=True),
        "commodity": column.TextColumn(word("x_commodity", lang), width=150),
        "share": column.ProgressColumn(
            word("share", lang), help=word("share_help", lang), **percent
        ),
        "band": column.TextColumn(word("band", lang), help=word("band_help", lang)),
        "quantity": amounts.column(unit.name),
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
        "sources": column.TextColumn(word("x_source", lang)),
        "threat": column.NumberColumn(
            word("x_threat", lang), help=word("x_threat_help", lang), format="%.2f"
        ),
        "threat_state": column.TextColumn(word("x_threat_state", lang)),
        "observed": column.NumberColumn(
            word("x_observed", lang), help=word("x_observed_help", lang), format="%.2f"
        ),
        "observed_age": column.TextColumn(word("x_observed_age", lang)),
        "disruption_30d": column.NumberColumn(
            word("x_structural", lang), help=word("x_structural_help", lang), format="%.1f %%"
        ),
        model.TOP: column.TextColumn(
            word("x_top", lang), help=word("x_top_help", lang), width="large"
        ),
        "closure_d_y": column.NumberColumn(
            word("x_closure", lang), help=word("x_structural_help", lang), format="%.1f"
        ),
    }


def height(rows: int) -> int:
    """Height in pixels of a table that shows this many rows, or the most that fit."""
    return ROW_PX * (1 + min(rows, MOST_ROWS)) + 3
