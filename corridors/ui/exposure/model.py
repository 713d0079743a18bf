"""What the exposure page works with: trade once computed, tables filtered, compared, joined."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

import corridors
from corridors.demand import select_flows
from corridors.ui import shared
from layers.memory import remember
from layers.tables import QUALITIES

if TYPE_CHECKING:
    import xarray as xr

    from corridors.ui.answer import Question

EVERY = ""
"""In the place of a commodity: all of them."""

ANY_QUALITY = "any"
QUALITY_CHOICES = (ANY_QUALITY, *QUALITIES[:-1])
"""The least quality a row may have; nothing is worse than the last, so it isn't offered."""

LEAST_SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5)

RISK = [
    *("threat", "threat_state", "threat_as_of", "threat_age_d"),
    *("observed", "observed_ratio", "observed_on", "observed_age_d"),
    *("disruption_30d", "closure_d_y"),
]
"""Columns of risk that go into files; titles of reports stay on the page."""
TOP = "top"

SHARES = ("share", "share_low", "share_high")
# What follows the publisher's name: edition, item, who passed it on, address.
EDITION = re.compile(
    r"(?:,|:| \(| via | through | from | residual| Jan| HS ?\d| V\d| (?:FY)?\d{4}\b| Detailed "
    r"| Statistical Review| monthly ).*"
)
ON_WAY = ("chokepoint", "pipeline", "railway")


@dataclass(frozen=True)
class Filters:
    """Which rows are shown: at least this share, at least this quality, with this in the name."""

    least: float = 0.0
    quality: str = ANY_QUALITY
    find: str = ""


def every(question: Question) -> Question:
    """The same question about all commodities."""
    return replace(question, commodity=EVERY)


@st.cache_data(show_spinner=False, max_entries=128)
def imported(digest: str, importer: str, year: int) -> list[str]:
    """Commodities of which the data hold imports, the heaviest first."""
    world, _, _ = shared.load()
    flows = select_flows(world, importers=[importer], commodities=None, year=year)
    tonnes = flows.groupby("commodity")["quantity_t"].sum().sort_values(ascending=False)
    return [str(name) for name in tonnes.index[tonnes > 0]]


@st.cache_resource(show_spinner=False, max_entries=12)
def trade_of(digest: str, question: Question) -> xr.Dataset | None:
    """The routed trade of a question; None when the data hold no such imports.

    Shared by all readers, who only read it.
    """
    world, _, _ = shared.load()
    importers = [question.importer]
    commodities = None if question.commodity == EVERY else [question.commodity]
    flows = select_flows(
        world,
        importers=importers,
        commodities=commodities,
        year=question.year,
        switches=question.switches,
    )
    if flows["quantity_t"].sum() <= 0:
        return None
    return corridors.assess(
        world,
        importers=importers,
        commodities=commodities,
        year=question.year,
        switches=question.switches,
        remember=remember,
    )


@st.cache_data(show_spinner=False, max_entries=128)
def table_of(digest: str, question: Question, by: str) -> pd.DataFrame | None:
    """Exposure by one kind of element; None when the data hold no such imports."""
    trade = trade_of(digest, question)
    if trade is None:
        return None
    world, _, _ = shared.load()
    found = corridors.exposure(trade, world, by=by, importer=question.importer)
    return found.sort_values("share", ascending=False, kind="stable", ignore_index=True)


@st.cache_data(show_spinner=False, max_entries=128)
def spread_of(digest: str, question: Question) -> pd.DataFrame | None:
    """HHI of origins and of corridors, a row a commodity, with how many equal ones that is."""
    trade = trade_of(digest, question)
    if trade is None:
        return None
    world, _, _ = shared.load()
    found = corridors.concentration(trade, world, importer=question.importer)
    tonnes = pd.DataFrame({"commodity": trade["commodity"], "imports_t": trade["flow_t"]})
    found = found.merge(tonnes.groupby("commodity")["imports_t"].sum().reset_index())
    for which in ("origins", "corridors"):
        found[f"equal_{which}"] = 1 / found[f"hhi_{which}"]
    return found.sort_values("imports_t", ascending=False, kind="stable", ignore_index=True)


@st.cache_data(show_spinner=False, max_entries=128)
def proof_of(digest: str, question: Question, element: str) -> pd.DataFrame:
    """Every flow behind one number with its source row (``corridors.explain``)."""
    trade = trade_of(digest, question)
    assert trade is not None
    return corridors.explain(trade, shared.load()[0], element)


@st.cache_data(show_spinner=False, max_entries=128)
def ways_of(digest: str, question: Question) -> pd.DataFrame:
    """``origin, through, quantity_t``: cargo by origin and by the passage that decides its way.

    The passage of a way is the one that most of the importer's cargo passes, as in the HHI of
    corridors; ``through`` is what became of the cargo (``sea``, ``overland`` …) where it passes
    none.
    """
    trade = trade_of(digest, question)
    assert trade is not None
    ways = corridors.routes(trade)
    chains = ways["passes"].str.split(" > ").where(ways["passes"] != "")
    each = ways.assign(through=chains).explode("through")
    load = each.groupby("through")["quantity_t"].sum()
    each = each.assign(load=each["through"].map(load)).sort_values("load", kind="stable")
    last = each["through"].groupby(level=0).last().reindex(ways.index)
    ways = ways.assign(through=last.fillna(ways["outcome"]))
    found = ways.groupby(["origin", "through"], sort=False)["quantity_t"].sum().reset_index()
    return found.sort_values("quantity_t", ascending=False, kind="stable", ignore_index=True)


@st.cache_data(show_spinner=False, max_entries=128)
def once_of(digest: str, question: Question, elements: tuple[str, ...]) -> pd.DataFrame:
    """What passes at least one of several elements, counted once (``corridors.any_of``).

    A row a commodity; ``sum_share`` is what the shares of the elements add up to.
    """
    trade = trade_of(digest, question)
    assert trade is not None
    once = corridors.any_of(trade, elements, importer=question.importer)
    alone = [corridors.any_of(trade, [e], importer=question.importer)["share"] for e in elements]
    added = np.sum(alone, axis=0) if alone else np.full(len(once), np.nan)
    flows = pd.DataFrame({"commodity": trade["commodity"], "sources": trade["source"]})
    cited = flows.groupby("commodity")["sources"].agg(lambda s: " | ".join(sorted(set(s))))
    once = once.assign(sum_share=added, elements=" | ".join(elements))
    once = once.merge(cited.reset_index(), on="commodity")
    return once.sort_values("quantity_t", ascending=False, kind="stable", ignore_index=True)


def with_risk(table: pd.DataFrame, risk: pd.DataFrame) -> pd.DataFrame:
    """The table with three numbers of risk beside it, apart; missing where nothing is known.

    Parameters
    ----------
    risk
        ``corridors.risk.live.risk_now``, by element.
    """
    beside = table.join(risk.reindex(columns=[*RISK, TOP]), on="element")
    beside["threat_state"] = beside["threat_state"].fillna("not_covered")
    beside[TOP] = beside[TOP].fillna("")
    return beside


def filtered(table: pd.DataFrame, filters: Filters) -> pd.DataFrame:
    """The rows that pass the filters, in their order."""
    kept = table["share"] >= filters.least
    if filters.quality != ANY_QUALITY:
        good = QUALITIES[: QUALITIES.index(filters.quality) + 1]
        kept &= table["quality"].isin(good)
    if wanted := filters.find.strip().casefold():
        ids = table["element"].str.partition(":")[2]
        names = table["name_en"] + "\n" + table["name_zh"] + "\n" + ids
        kept &= names.str.casefold().str.contains(wanted, regex=False)
    return table[kept].reset_index(drop=True)


def compared(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Two exposure tables side by side: shares and quantities of both and their difference.

    A row an element and commodity of either. Where one of them is not known to pass an element,
    its figures and the differences are missing, not zero, and ``where`` says so: ``both``,
    ``one`` or ``other``. ``ranges`` is ``apart`` where they leave no common ground, or ``overlap``.
    """
    keys = ["commodity", "element", "name_en", "name_zh"]
    columns = [*keys, *SHARES, "quantity_t", "quality", "data_years", "sources"]
    both = one[columns].merge(
        other[columns], on=keys, how="outer", suffixes=("_a", "_b"), indicator="where"
    )
    both["where"] = both["where"].astype(str)
    both["where"] = both["where"].map({"both": "both", "left_only": "one", "right_only": "other"})
    both["share_difference"] = both["share_b"] - both["share_a"]
    both["quantity_difference_t"] = both["quantity_t_b"] - both["quantity_t_a"]
    clear = (both["share_low_b"] > both["share_high_a"]) | (
        both["share_low_a"] > both["share_high_b"]
    )
    ranges = pd.Series(np.where(clear, "apart", "overlap"), index=both.index)
    both["ranges"] = ranges.where(both["where"] == "both", "")
    largest = both[["share_a", "share_b"]].max(axis=1)
    order = largest.sort_values(ascending=False, kind="stable").index
    return both.loc[order].reset_index(drop=True)


def publishers(sources: str) -> str:
    """Who stands behind a number, each once: the sources without edition, item and address."""
    names = [EDITION.sub("", s).strip() for s in sources.split(" | ")]
    return " · ".join(dict.fromkeys(names))


def years_said(table: pd.DataFrame) -> str:
    """First and last year of the data behind a table."""
    years = sorted({part for cell in table["data_years"] for part in str(cell).split("-")})
    if not years:
        return "–"
    return years[0] if len(years) == 1 else f"{years[0]}–{years[-1]}"
