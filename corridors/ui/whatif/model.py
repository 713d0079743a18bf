"""Answers to what-ifs for the page: engines shared by all readers, answers kept by what was asked.

A reader's scenario is never kept here under the reader, only under what it says: two who ask the
same get the same answer, and nobody sees what another asked.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from corridors.demand import BASE_YEAR
from corridors.response import respond
from corridors.ui import shared
from corridors.ui.shared import Bench
from corridors.ui.whatif import link
from corridors.ui.whatif.lanes import Orders, drawn_lanes
from corridors.whatif import summary as tables
from corridors.whatif.answer import Answer, disturb
from corridors.whatif.drawn import with_drawn
from corridors.whatif.engine import prepare
from corridors.whatif.interdiction import candidates, worst
from corridors.whatif.scenario import Known, Scenario, known
from corridors.whatif.scenario_file import parse, to_toml
from layers.memory import remember
from layers.scenarios import scenario_texts

if TYPE_CHECKING:
    from corridors.sailings import Progress
    from corridors.ui.answer import Question
    from corridors.whatif.interdiction import Proof
    from corridors.whatif.supply import Group

MOST_SEARCHES = 64
WORST_MOST_K = 3


@dataclass(frozen=True)
class Asked:
    """A what-if in full: the question of the page and the scenario, as text that says no names.

    Attributes
    ----------
    digest
        Of the data.
    text
        TOML of the scenario without its words, so that a name changes no answer.
    """

    digest: str
    text: str
    importer: str
    commodity: str
    year: int
    switches: tuple[tuple[str, str], ...]

    @property
    def world_asked(self) -> tuple[str, str, int, tuple[tuple[str, str], ...]]:
        """What the answer for all importers depends on."""
        return self.digest, self.text, self.year, self.switches


def asked(digest: str, question: Question, scenario: Scenario) -> Asked:
    """What a scenario asks for the importer and commodity of the page."""
    switches = {**question.switches, **dict(scenario.switches)}
    return Asked(
        digest,
        to_toml(link.core(scenario)),
        question.importer,
        question.commodity,
        question.year,
        tuple(sorted(switches.items())),
    )


@st.cache_resource(show_spinner=False)
def library() -> tuple[Known, dict[str, Scenario]]:
    """Ids a scenario may name, and the scenarios that are shipped, by id."""
    world, _, _ = shared.load()
    ids = known(world)
    found = {
        name: parse(text, name=name, file=file, known=ids)
        for name, (text, file) in scenario_texts().items()
    }
    return ids, found


@st.cache_resource(show_spinner=False, max_entries=4)
def bench(
    digest: str,
    year: int,
    switches: tuple[tuple[str, str], ...],
    commodity: str | None,
    drawn: str,
    _scenario: Scenario | None,
) -> Bench:
    """The engine of a year, for all importers and one or all commodities, with what is drawn."""
    if (year, switches, commodity, drawn) == (BASE_YEAR, (), None, ""):
        return shared.engine()
    world, network, _ = shared.load()
    seen = with_drawn(world, _scenario) if _scenario is not None and drawn else world
    return Bench(
        prepare(
            seen,
            commodities=None if commodity is None else [commodity],
            year=year,
            switches=dict(switches),
            network=network if seen is world else None,
            remember=remember,
        )
    )


# An answer for the whole world takes 12 MB; what is shown of it is kept apart, and far longer.
@st.cache_resource(show_spinner=False, max_entries=8)
def _answer(
    digest: str, text: str, year: int, switches: tuple[tuple[str, str], ...]
) -> tuple[Answer, Bench]:
    """The answer to a scenario for the whole world, and the engine's bench."""
    scenario = parse(text, name=link.OWN, file="scenario", known=library()[0])
    drawn = repr(scenario.drawn) if scenario.drawn else ""
    used = bench(digest, year, switches, None, drawn, scenario)
    with used.lock:
        return disturb(used.engine, scenario), used


def answer(ask: Asked) -> Answer:
    """The answer to a scenario for all importers and commodities.

    Raises
    ------
    CorridorsError
        For what is drawn and crosses no sea lane.
    """
    return _answer(*ask.world_asked)[0]


def group_of(ask: Asked) -> Group | None:
    """Whose supply the page is about; None when the data hold no such imports."""
    found = groups_of(ask)
    return next((g for g in found if g.commodity == ask.commodity), None)


def groups_of(ask: Asked) -> list[Group]:
    """The importer's supply of every commodity it imports."""
    return _groups(ask.digest, ask.importer, ask.year, ask.switches, answer(ask))


@st.cache_resource(show_spinner=False, max_entries=256)
def _groups(
    digest: str,
    importer: str,
    year: int,
    switches: tuple[tuple[str, str], ...],
    _answer: Answer,
) -> list[Group]:
    # Who imports what is the same in every scenario, and takes as long to find as the sums.
    return tables.groups_of(shared.load()[0], _answer, [importer])


@st.cache_data(show_spinner=False, max_entries=512)
def figures(ask: Asked) -> dict[str, Any] | None:
    """The row of ``corridors.whatif.summary``; None when the data hold no such imports."""
    found, used = _answer(*ask.world_asked)
    group = group_of(ask)
    if group is None:
        return None
    with used.lock:
        row = tables.summary(found, [group]).iloc[0]
    return {str(name): value for name, value in row.items()}


@st.cache_data(show_spinner=False, max_entries=128)
def every_commodity(ask: Asked) -> pd.DataFrame:
    """A row for each commodity that the importer imports, the most touched first."""
    found, used = _answer(*ask.world_asked)
    groups = groups_of(ask)
    with used.lock:
        return tables.summary(found, groups)


@st.cache_data(show_spinner=False, max_entries=256)
def days(ask: Asked) -> pd.DataFrame:
    """Arrivals, stocks and shortage day by day."""
    return _table(ask, tables.by_day)


@st.cache_data(show_spinner=False, max_entries=256)
def ways(ask: Asked) -> pd.DataFrame:
    """Ways by sea and line before and after, one row for each pair of ports and its passages."""
    whole = _table(ask, tables.by_route)
    keys = ["load", "land", "passages", "by"]
    sums = whole.groupby(keys, as_index=False)[["calm_t", "now_t"]].sum()
    change = (sums["now_t"] - sums["calm_t"]).abs()
    return sums.loc[change.sort_values(ascending=False).index].reset_index(drop=True)


@st.cache_data(show_spinner=False, max_entries=256)
def origins(ask: Asked) -> pd.DataFrame:
    """Outcomes by origin."""
    return _table(ask, tables.by_origin)


@st.cache_data(show_spinner=False, max_entries=256)
def elements(ask: Asked) -> pd.DataFrame:
    """What rides on each passage, port and line before and after, the most changed first."""
    return _table(ask, tables.by_element)


@st.cache_data(show_spinner=False, max_entries=256)
def responses(ask: Asked) -> tuple[pd.DataFrame, float]:
    """Ranked options with what the cheapest portfolio takes of each, and the need, t."""
    found, used = _answer(*ask.world_asked)
    group = group_of(ask)
    if group is None:
        return pd.DataFrame(), 0.0
    with used.lock:
        table, _, need = respond(found, group)
    return table, need


@st.cache_data(show_spinner=False, max_entries=128)
def lanes(ask: Asked) -> pd.DataFrame:
    """Sea lanes before and after, ready to be drawn: see ``corridors.ui.whatif.lanes``."""
    found = answer(ask)
    orders = _orders(ask.digest, repr(found.scenario.drawn))
    return drawn_lanes(found.engine.network, ways(ask), orders=orders)


@st.cache_resource(show_spinner=False, max_entries=4)
def _orders(digest: str, drawn: str) -> Orders:
    """Orders of passages found so far, for every scenario on the same network."""
    return {}


def _table(ask: Asked, make: Any) -> pd.DataFrame:
    found, used = _answer(*ask.world_asked)
    group = group_of(ask)
    if group is None:
        return pd.DataFrame()
    with used.lock:
        table: pd.DataFrame = make(found, [group])
    return table


@dataclass(frozen=True)
class Search:
    """A search for the worst closures: whose imports of what, how many at once, of which kind."""

    digest: str
    importer: str
    commodity: str
    year: int
    switches: tuple[tuple[str, str], ...]
    k: int
    among: str


@st.cache_resource(show_spinner=False)
def _searches() -> tuple[OrderedDict[Search, tuple[pd.DataFrame, Proof]], Lock]:
    return OrderedDict(), Lock()


def worst_known(search: Search) -> tuple[pd.DataFrame, Proof] | None:
    """The worst closures when someone searched for them before."""
    kept, lock = _searches()
    with lock:
        return kept.get(search)


def find_worst(search: Search, progress: Progress) -> tuple[pd.DataFrame, Proof]:
    """The worst closures, searched for: seconds for two at once, and up to minutes for three.

    On an engine of its own, so that nobody's slider waits.

    Raises
    ------
    CorridorsError
        For more sets than can be gone through.
    """
    from corridors.demand import members_of

    world, _, _ = shared.load()
    own = bench(search.digest, search.year, search.switches, search.commodity, "", None)
    countries = members_of(world, search.importer)
    with own.lock:
        among = candidates(own.engine, countries, search.among)
        found = worst(own.engine, countries, k=search.k, among=among, progress=progress)
    kept, lock = _searches()
    with lock:
        kept[search] = found
        while len(kept) > MOST_SEARCHES:
            kept.popitem(last=False)
    return found


def steps(row: Mapping[str, Any]) -> list[tuple[str, float, float, float]]:
    """Baseline and the four outcomes as ``name, tonnes, low, high``, t/yr; the four add up."""
    found = [("baseline", float(row["baseline_t"]), float("nan"), float("nan"))]
    for name in ("delivered", "rerouted", "unmet", "infeasible"):
        found.append(
            (
                name,
                float(row[f"{name}_t"]),
                float(row[f"{name}_low_t"]),
                float(row[f"{name}_high_t"]),
            )
        )
    return found
