"""Our figures beside published ones: each row of data/published_results.csv run and judged.

A check is a row of the table and needs no code: ``measure`` names one of the functions below, the
other columns say for whom, of what, through what, in which year's flows. Nothing here is an input
of the model, and no parameter was chosen by looking at a row.

    within          low − tolerance ≤ ours ≤ high + tolerance    (low = high = value when single)
    outside         anything else; ``why`` says what separates the two figures
    not_applicable  the bundled flows do not hold what the figure is about, ``why`` says what lacks
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from corridors.assessment import assess, load_network
from corridors.demand import BASE_YEAR, WORLD
from corridors.gates import build_network
from corridors.network import Network, Remember, Tariff, least_cost
from corridors.tariff import ship_tariffs
from layers.errors import DataError, Fault, UnknownIdError
from layers.static import read_table
from layers.units import KM_NM
from layers.world import records

if TYPE_CHECKING:
    import xarray as xr

    from layers.world import World

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Verdict = Literal["within", "outside", "not_applicable"]
Progress = Callable[[Sequence[str], str], Iterable[str]]

LONG_NM = 3000.0
"""A leg longer than this is a long one: the way to the port no longer counts."""

KM_PER = {"nm": KM_NM, "mi": 1.609344, "km": 1.0}
PERCENT = 100.0


@dataclass(frozen=True)
class Case:
    """One published figure and how to compute ours.

    Attributes
    ----------
    id, what
        The row's id, and in words what is compared.
    measure
        Name of a function of ``MEASURES``; empty when ours cannot be computed.
    importers
        Whose imports are meant: countries, groups or ``WLD``.
    commodities
        Counted together: by native unit in a volume, else by tonne (``energy_…``: by heat).
    elements
        Element ids, any of which a route has to pass; passages shut in measures of a voyage.
    origins
        Exporters, countries or groups: part of the question in ``share_from`` and such, a limit
        of the trade looked at elsewhere.
    excluded
        Exporters left out of the trade looked at (trade inside the European Union).
    destinations
        Importers the share of a passage or an exporter goes to.
    ports
        Ports of loading and of landing of a voyage.
    flow_year, switch
        Which flows: 2024 is the base year; ``name=option`` of a relabelling.
    world_total
        Published size of the whole trade, in the row's unit, that a share is applied to.
    """

    id: str
    what: str
    measure: str
    importers: tuple[str, ...]
    commodities: tuple[str, ...]
    elements: tuple[str, ...]
    origins: tuple[str, ...]
    excluded: tuple[str, ...]
    destinations: tuple[str, ...]
    ports: tuple[str, ...]
    ship_class: str
    flow_year: int
    switch: str
    world_total: float
    unit: str


@dataclass(frozen=True)
class Traded:
    """Routes of one assessment as plain columns, with quick answers to what passes where."""

    world: World
    flows: pd.DataFrame
    flow: Ints
    tonnes: Floats
    at_sea: Bools
    element: npt.NDArray[np.object_]
    passing_route: Ints
    passing_element: Ints
    added_d: Floats

    @cached_property
    def native(self) -> Floats:
        """(routes,) native units a year (mb/d, bcf/d, Mt)."""
        per = self.world.commodities.set_index("commodity")["t_per_native"]
        unit = self.flows["commodity"].map(per).to_numpy(dtype=np.float64)
        return np.asarray(self.tonnes / unit[self.flow])

    @cached_property
    def heat(self) -> Floats:
        """(routes,) heat, GJ a year."""
        per = self.world.commodities.set_index("commodity")["energy_gj_t"]
        heat = self.flows["commodity"].map(per).to_numpy(dtype=np.float64)
        return np.asarray(self.tonnes * heat[self.flow])

    @cached_property
    def value(self) -> Floats:
        """(routes,) value, USD; a flow without one counts as nothing."""
        per = np.nan_to_num((self.flows["value_usd"] / self.flows["quantity_t"]).to_numpy())
        return np.asarray(self.tonnes * per[self.flow])

    @cached_property
    def _begin(self) -> tuple[Ints, Ints]:
        """Passing rows sorted by element, and where each element's begin."""
        order = np.argsort(self.passing_element, kind="stable")
        edges = np.arange(len(self.element) + 1)
        return order, np.searchsorted(self.passing_element[order], edges)

    def rows_of(self, element: str) -> Ints:
        """Passing rows of an element; none when nothing passes it.

        Raises
        ------
        UnknownIdError
            For an element that no table has.
        """
        if element not in self.world.names:
            raise UnknownIdError("element", element, list(self.world.names))
        at = np.flatnonzero(self.element == element)
        if not len(at):
            return np.empty(0, dtype=np.int64)
        order, begin = self._begin
        return np.asarray(order[begin[at[0]] : begin[at[0] + 1]])

    def through(self, elements: Iterable[str]) -> Bools:
        """(routes,) whether the route passes at least one of the elements."""
        passes = np.zeros(len(self.tonnes), dtype=np.bool_)
        for element in elements:
            passes[self.passing_route[self.rows_of(element)]] = True
        return passes

    def of(self, column: str, names: Iterable[str]) -> Bools:
        """(routes,) whether the flow's importer or origin is one of some countries or groups."""
        wanted: set[str] = set()
        for name in names:
            if name == WORLD:
                return np.ones(len(self.flow), dtype=np.bool_)
            wanted |= self.world.members(name)
            wanted.add(name)
        hit = self.flows[column].isin(wanted).to_numpy(dtype=np.bool_)
        return np.asarray(hit[self.flow])

    def scope(self, case: Case, *, limit_origins: bool) -> Bools:
        """(routes,) the trade a case looks at."""
        commodity = self.flows["commodity"].isin(case.commodities).to_numpy(dtype=np.bool_)
        chosen = self.of("importer", case.importers) & commodity[self.flow]
        if case.excluded:
            chosen &= ~self.of("origin", case.excluded)
        if limit_origins and case.origins:
            chosen &= self.of("origin", case.origins)
        return np.asarray(chosen)

    def weight(self, case: Case) -> Floats:
        """(routes,) what shares are taken of: tonnes, or native units for oil of several kinds."""
        return self.native if len(case.commodities) > 1 else self.tonnes


def share_through(trade: Traded, case: Case) -> float:
    """Percent of the trade that passes any of the elements: 100 · Σ_{r∩N≠∅} f_r / Σ f."""
    scope = trade.scope(case, limit_origins=True)
    return _percent(trade.weight(case), scope, trade.through(case.elements))


def seaborne_share_through(trade: Traded, case: Case) -> float:
    """Percent of the part that sails: 100 · Σ_{r∩N≠∅} f_r / Σ_{r at sea} f_r.

    What passes an element counts as sailing, so that cargo of a land bridge is not lost.
    """
    passes = trade.through(case.elements)
    scope = trade.scope(case, limit_origins=True) & (trade.at_sea | passes)
    return _percent(trade.weight(case), scope, passes)


def energy_share_through(trade: Traded, case: Case) -> float:
    """Percent of the heat imported that passes any of the elements, commodities added by GJ."""
    scope = trade.scope(case, limit_origins=True)
    return _percent(trade.heat, scope, trade.through(case.elements))


def volume_through(trade: Traded, case: Case) -> float:
    """Σ_{r∩N≠∅} f_r in the native unit (mb/d of crude, bcf/d of LNG, Mt a year)."""
    chosen = trade.scope(case, limit_origins=True) & trade.through(case.elements)
    return float(trade.native[chosen].sum())


def megatonnes_through(trade: Traded, case: Case) -> float:
    """Σ_{r∩N≠∅} f_r in Mt a year, whatever the native unit."""
    chosen = trade.scope(case, limit_origins=True) & trade.through(case.elements)
    return float(trade.tonnes[chosen].sum() / 1e6)


def scaled_volume_through(trade: Traded, case: Case) -> float:
    """Share of the bundled seaborne trade that passes, times the published size of that trade.

    W · Σ_{r∩N≠∅} f_r / Σ_{r at sea} f_r: what the passage would carry, were the trade not in the
    bundled flows to sail as the trade in them does.
    """
    return case.world_total * seaborne_share_through(trade, case) / PERCENT


def coverage(trade: Traded, case: Case) -> float:
    """Percent of a published seaborne trade W that the bundled flows hold: 100 · Σ_{at sea} f / W.

    ``world_total`` is in the native unit of each commodity, so oil of several kinds adds up.
    """
    sails = trade.scope(case, limit_origins=True) & trade.at_sea
    return float(PERCENT * trade.native[sails].sum() / case.world_total)


def share_from(trade: Traded, case: Case) -> float:
    """Percent of the imports that come from the origins: 100 · Σ_{o∈O} f / Σ f."""
    scope = trade.scope(case, limit_origins=False)
    return _percent(trade.weight(case), scope, trade.of("origin", case.origins))


def value_share_from(trade: Traded, case: Case) -> float:
    """Percent of the import value that comes from the origins; flows without a value left out."""
    scope = trade.scope(case, limit_origins=False)
    return _percent(trade.value, scope, trade.of("origin", case.origins))


def volume_from(trade: Traded, case: Case) -> float:
    """Imports from the origins, all of them when none is named, in the native unit."""
    return float(trade.native[trade.scope(case, limit_origins=True)].sum())


def passage_share_from(trade: Traded, case: Case) -> float:
    """Of what passes any of the elements, percent that comes from the origins."""
    scope = trade.scope(case, limit_origins=False) & trade.through(case.elements)
    return _percent(trade.weight(case), scope, trade.of("origin", case.origins))


def passage_share_to(trade: Traded, case: Case) -> float:
    """Of what passes any of the elements, percent that goes to the destinations."""
    scope = trade.scope(case, limit_origins=True) & trade.through(case.elements)
    return _percent(trade.weight(case), scope, trade.of("importer", case.destinations))


def share_to(trade: Traded, case: Case) -> float:
    """Percent of the origins' exports, of all exports when none is named, to the destinations."""
    scope = trade.scope(case, limit_origins=True)
    return _percent(trade.weight(case), scope, trade.of("importer", case.destinations))


def mean_added_days(trade: Traded, case: Case) -> float:
    """Days the next best way adds, mean over the tonnes that pass the elements and have one.

    Σ f_r · (t_next − t_r) / Σ f_r; cargo without another way is left out.
    """
    scope = trade.scope(case, limit_origins=True)
    rows = np.concatenate([trade.rows_of(e) for e in case.elements])
    rows = rows[scope[trade.passing_route[rows]] & np.isfinite(trade.added_d[rows])]
    tonnes = trade.tonnes[trade.passing_route[rows]]
    return _mean(trade.added_d[rows], tonnes)


@dataclass(frozen=True)
class Seas:
    """The gate graph and the ships, for measures of a voyage; and the published distances."""

    network: Network
    tariffs: Mapping[str, Tariff]
    distances: pd.DataFrame


def voyage_days(seas: Seas, case: Case) -> float:
    """Days of the fastest voyage between the ports with the elements shut, waiting included."""
    return _fastest(seas, case, case.elements)


def voyage_added_days(seas: Seas, case: Case) -> float:
    """Days that shutting the elements adds to the fastest voyage between the ports."""
    return _fastest(seas, case, case.elements) - _fastest(seas, case, ())


def voyage_added_distance(seas: Seas, case: Case) -> float:
    """Length, in the row's unit, that shutting the elements adds to the shortest voyage."""
    return _shortest(seas, case, case.elements) - _shortest(seas, case, ())


def distance_error(seas: Seas, case: Case) -> float:
    """Median over the published legs of 100 · |ours − published| / published."""
    return float(seas.distances["error_pct"].median())


def distance_error_long(seas: Seas, case: Case) -> float:
    """``distance_error`` of legs over 3,000 nm."""
    legs = seas.distances
    return float(legs.loc[legs["distance_nm"] > LONG_NM, "error_pct"].median())


def distance_found(seas: Seas, case: Case) -> float:
    """Percent of the published legs for which the network has a way at all."""
    return float(PERCENT * np.isfinite(seas.distances["ours_nm"]).mean())


MEASURES: Mapping[str, Callable[[Traded, Case], float]] = {
    f.__name__: f
    for f in (
        share_through,
        seaborne_share_through,
        energy_share_through,
        volume_through,
        megatonnes_through,
        scaled_volume_through,
        coverage,
        share_from,
        value_share_from,
        volume_from,
        passage_share_from,
        passage_share_to,
        share_to,
        mean_added_days,
    )
}
"""Measures of the trade of an assessment."""

SEA_MEASURES: Mapping[str, Callable[[Seas, Case], float]] = {
    f.__name__: f
    for f in (
        voyage_days,
        voyage_added_days,
        voyage_added_distance,
        distance_error,
        distance_error_long,
        distance_found,
    )
}
"""Measures of the sea alone; no flows needed."""


def validate(
    world: World,
    *,
    remember: Remember | None = None,
    progress: Progress = lambda things, _: things,
) -> pd.DataFrame:
    """Every published result beside ours, one row each, in the order of the table.

    Parameters
    ----------
    world
        From ``layers.load_world``.
    remember
        Keeps the distances of the gate graph between runs.
    progress
        Shows how far the work is, one step an assessment.

    Returns
    -------
    DataFrame
        ``id, published, ours, tolerance, unit, verdict, why, importer, commodity, year, measure,
        what, source`` and the rest of where the figure comes from. ``published`` is empty where
        a range was published: ``published_low`` and ``published_high`` hold it. ``ours`` may be
        there for a row that is not applicable: then it is shown and not judged.

    Raises
    ------
    DataError
        For a row whose measure is unknown, and for faults of the tables.
    UnknownIdError
        For a row that names an element, country, commodity or ship class that is not in the data.
    """
    table = read_table("published_results", folder=world.folder)
    cases = [_case(row) for row in records(table)]
    _check_measures(cases)
    network = load_network(world, remember=remember)
    ours = np.full(len(cases), np.nan)
    batches: dict[tuple[int, str], list[int]] = {}
    for i, case in enumerate(cases):
        if case.measure in MEASURES:
            batches.setdefault((case.flow_year, case.switch), []).append(i)
    steps = {f"{year} {switch}".strip(): (year, switch) for year, switch in batches}
    for step in progress(list(steps), "assessments"):
        mine = batches[steps[step]]
        trade = _traded(world, network, [cases[i] for i in mine])
        for i in mine:
            ours[i] = MEASURES[cases[i].measure](trade, cases[i])
    at_sea = [i for i, case in enumerate(cases) if case.measure in SEA_MEASURES]
    if at_sea:
        seas = Seas(network, ship_tariffs(world, network), sea_distances(world))
        for i in at_sea:
            ours[i] = SEA_MEASURES[cases[i].measure](seas, cases[i])
    return _judged(table, ours)


def sea_distances(world: World) -> pd.DataFrame:
    """Published port-to-port distances beside the shortest way on the gate graph.

    Any ship, passages open as in calm times, those shut by default shut; the way from the port to
    the lanes counts.

    Returns
    -------
    DataFrame
        The table of distances with ``ours_nm`` (inf: no way) and ``error_pct``, the absolute
        error as percent of the published distance.
    """
    table = read_table("distances", folder=world.folder)
    ends = pd.concat(
        [
            table[[f"{end}_port", f"{end}_lon", f"{end}_lat"]].set_axis(
                ["name", "lon", "lat"], axis=1
            )
            for end in ("from", "to")
        ],
        ignore_index=True,
    )
    number = ends.groupby(["lon", "lat"], sort=False).ngroup().to_numpy()
    ends = ends.assign(port=[f"place_{n}" for n in number])
    places = ends.drop_duplicates("port")
    start, end = ends["port"].to_numpy()[: len(table)], ends["port"].to_numpy()[len(table) :]
    nm = _between(world, places, start, end)
    published = table["distance_nm"].to_numpy(dtype=np.float64)
    return table.assign(ours_nm=nm, error_pct=PERCENT * np.abs(nm - published) / published)


def _between(
    world: World,
    places: pd.DataFrame,
    start: npt.NDArray[np.object_],
    end: npt.NDArray[np.object_],
) -> Floats:
    """(pairs,) shortest way between places by sea, nm; inf where there is none.

    The places take the ports' part in a gate graph of their own.
    """
    places = places.assign(roles="")
    elsewhere = replace(world, ports=places, pipelines=world.pipelines.iloc[:0])
    network = build_network(elsewhere, world.sea)
    found = np.array(
        [network.on_sea(a) and network.on_sea(b) for a, b in zip(start, end, strict=True)]
    )
    names = sorted({*start[found], *end[found]})
    rows = network.rows(names)
    nm = least_cost(network, _by_length(network, KM_NM), rows, rows)
    at = {name: i for i, name in enumerate(names)}
    length = np.full(len(start), np.inf)
    length[found] = nm[[at[p] for p in start[found]], [at[p] for p in end[found]]]
    return length


def _by_length(network: Network, km_per_unit: float) -> Tariff:
    """A tariff under which the least cost is the shortest way, any ship."""
    none = np.zeros(len(network.passages))
    everywhere = np.ones(len(network.passages), dtype=np.bool_)
    return Tariff(1.0 / km_per_unit, none, none, everywhere, 1.0)


def _fastest(seas: Seas, case: Case, shut: Iterable[str]) -> float:
    """Days of the fastest voyage of a case's ship between its ports."""
    ship = _ship(seas, case)
    tariff = replace(ship, usd_t_km=1.0 / ship.km_d, passage_usd_t=ship.passage_d)
    return _least(seas.network, tariff, case, shut)


def _shortest(seas: Seas, case: Case, shut: Iterable[str]) -> float:
    """Length of the shortest voyage of a case's ship between its ports, in the row's unit."""
    ship = _ship(seas, case)
    none = np.zeros(len(seas.network.passages))
    tariff = replace(ship, usd_t_km=1.0 / KM_PER[case.unit], passage_usd_t=none)
    return _least(seas.network, tariff, case, shut)


def _ship(seas: Seas, case: Case) -> Tariff:
    if case.ship_class not in seas.tariffs:
        raise UnknownIdError("ship class", case.ship_class, list(seas.tariffs))
    return seas.tariffs[case.ship_class]


def _least(network: Network, tariff: Tariff, case: Case, shut: Iterable[str]) -> float:
    """Least cost of a voyage: the ship itself sails, so no land bridge is open to it."""
    rows = network.rows(p.removeprefix("port:") for p in case.ports)
    bridges = [p for p in network.passages if p.startswith("pipeline:")]
    closed = network.word({*shut, *bridges})
    return float(least_cost(network, tariff, rows[:1], rows[1:], closed)[0, 0])


def _case(row: Mapping[str, object]) -> Case:
    def listed(column: str) -> tuple[str, ...]:
        return tuple(filter(None, str(row[column]).split(";")))

    return Case(
        id=str(row["id"]),
        what=str(row["what"]),
        measure=str(row["measure"]),
        importers=listed("importer"),
        commodities=listed("commodity"),
        elements=listed("elements"),
        origins=listed("origins"),
        excluded=listed("excluded"),
        destinations=listed("destinations"),
        ports=listed("ports"),
        ship_class=str(row["ship_class"]),
        flow_year=int(str(row["flow_year"])),
        switch=str(row["switch"]),
        world_total=float(str(row["world_total"])),
        unit=str(row["unit"]),
    )


def _check_measures(cases: Sequence[Case]) -> None:
    known = {*MEASURES, *SEA_MEASURES, ""}
    path = "data/published_results.csv"
    faults = [
        Fault(path, i, "measure", f"{case.measure} is not one of {', '.join(sorted(known - {''}))}")
        for i, case in enumerate(cases, start=2)
        if case.measure not in known
    ]
    if faults:
        raise DataError(faults)


def _traded(world: World, network: Network, cases: Sequence[Case]) -> Traded:
    """The one assessment that some cases of a year and switch share."""
    year, switch = cases[0].flow_year, cases[0].switch
    name, _, option = switch.partition("=")
    importers = sorted({i for case in cases for i in case.importers})
    asked = None if WORLD in importers else importers
    if year == BASE_YEAR and not switch:
        asked = None
    data = assess(
        world,
        importers=asked,
        commodities=sorted({c for case in cases for c in case.commodities}),
        year=year,
        switches={name: option} if switch else None,
        network=network,
    )
    return traded(world, data)


def traded(world: World, data: xr.Dataset) -> Traded:
    """The columns of a trade dataset that the measures read."""
    columns = ["importer", "commodity", "origin", "label", "value_usd"]
    flows = pd.DataFrame({c: data[c].to_numpy() for c in columns})
    return Traded(
        world=world,
        flows=flows.assign(quantity_t=data["flow_t"].to_numpy()),
        flow=data["route_flow"].to_numpy(),
        tonnes=data["quantity_t"].to_numpy(),
        at_sea=np.isin(data["route_outcome"].to_numpy(), ["sea", "infeasible"]),
        element=data["element"].to_numpy(),
        passing_route=data["passing_route"].to_numpy(),
        passing_element=data["passing_element"].to_numpy(),
        added_d=data["added_d"].to_numpy(),
    )


def _percent(weight: Floats, scope: Bools, part: Bools) -> float:
    """100 · Σ weight in scope and part / Σ weight in scope; NaN when there is nothing in scope."""
    whole = float(weight[scope].sum())
    return float(PERCENT * weight[scope & part].sum() / whole) if whole > 0 else float("nan")


def _mean(values: Floats, weight: Floats) -> float:
    total = float(weight.sum())
    return float(values @ weight / total) if total > 0 else float("nan")


def verdict(ours: float, low: float, high: float, tolerance: float) -> Verdict:
    """``within`` when ours lies between the bounds, each moved out by the tolerance.

    A bound that is not known (NaN) does not bind. A figure of ours that is not known is outside.
    """
    floor = -np.inf if np.isnan(low) else low - tolerance
    ceiling = np.inf if np.isnan(high) else high + tolerance
    return "within" if floor <= ours <= ceiling else "outside"


def _judged(table: pd.DataFrame, ours: Floats) -> pd.DataFrame:
    """The public table."""
    value, tolerance = table["value"], table["tolerance"].fillna(0.0)
    single = value.notna() & table["low"].isna() & table["high"].isna()
    low, high = table["low"].where(~single, value), table["high"].where(~single, value)
    words = [
        verdict(*numbers) if applies == "yes" else "not_applicable"
        for applies, *numbers in zip(table["applies"], ours, low, high, tolerance, strict=True)
    ]
    return pd.DataFrame(
        {
            "id": table["id"],
            "what": table["what"],
            "published": value,
            "published_low": table["low"],
            "published_high": table["high"],
            "ours": ours,
            "tolerance": table["tolerance"],
            "unit": table["unit"],
            "verdict": words,
            "why": table["why"],
            "importer": table["importer"],
            "commodity": table["commodity"],
            "year": table["figure_year"],
            "flow_year": table["flow_year"],
            "switch": table["switch"],
            "measure": table["measure"],
            "tolerance_source": table["tolerance_source"],
            "source": table["source"],
            "source_url": table["source_url"],
            "quality": table["quality"],
            "note": table["note"],
        }
    )
