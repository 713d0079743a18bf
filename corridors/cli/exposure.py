"""Commands about calm times: exposure, routes, what is behind a number, published figures."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from corridors.cli.feeds import with_risk
from corridors.cli.options import (
    Commodities,
    Flows,
    Importer,
    Place,
    Switches,
    Year,
    open_world,
)
from corridors.cli.terminal import Output, Shape, country_code, emit, progress, switches_of
from layers.errors import UnknownIdError, UsageError
from layers.memory import remember

if TYPE_CHECKING:
    import xarray as xr

    from layers.world import World


class Kind(StrEnum):
    """What exposure is counted by."""

    chokepoint = "chokepoint"
    port = "port"
    railway = "railway"
    pipeline = "pipeline"
    origin = "origin"
    corridor = "corridor"


Building = Annotated[
    list[str] | None, typer.Option("--open", help="Use a line still being built: railway:ID.")
]


Close = Annotated[list[str] | None, typer.Option(help="Passage to shut; may be given again.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (exposure, routes, explain):
        app.command()(command)


def exposure(
    importer: Importer = "CHN",
    commodity: Commodities = None,
    by: Annotated[Kind, typer.Option(help="Kind of element.")] = Kind.chokepoint,
    year: Year = 2024,
    any_of: Annotated[
        list[str] | None,
        typer.Option("--any-of", help="Elements counted together, once; may be given again."),
    ] = None,
    risk: Annotated[
        bool, typer.Option("--risk", help="With the risk of each now, and tonnes times it.")
    ] = False,
    flows: Flows = None,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
    set: Switches = None,
    open: Building = None,
) -> None:
    """How much of an importer's supply passes each strait, port, railway, pipeline or corridor."""
    from corridors import metrics

    if risk and any_of:
        raise UsageError("--risk is of one element at a time: leave out --any-of")
    world, said = open_world(flows, store)
    importer = country_code(world, importer)
    group = importer if importer == "WLD" or importer in world.groups else None
    wanted = by is Kind.corridor or bool(any_of)
    trade = _trade(
        world, importer, commodity, year, set, building=open or (), named_corridors=wanted
    )
    if any_of:
        for element in any_of:
            _known_element(world, element)
        table = metrics.any_of(trade, any_of, importer=group)
        table["any_of"] = " ".join(any_of)
    else:
        table = metrics.exposure(trade, world, by=by.value, importer=group)
    if risk:
        table = with_risk(world, table, store)
    emit(
        world,
        f"exposure_{importer}_{by.value}",
        _note(trade, importer, year, set) + said,
        table,
        format,
        output,
    )


def routes(
    origin: Annotated[str, typer.Option(help="ISO3 code of the exporter.")],
    commodity: Annotated[str, typer.Option("--commodity", "-c")],
    importer: Importer = "CHN",
    alternatives: Annotated[int, typer.Option(min=1, help="How many to show.")] = 5,
    close: Close = None,
    year: Year = 2024,
    flows: Flows = None,
    format: Shape = None,
    output: Output = None,
    set: Switches = None,
    open: Building = None,
) -> None:
    """Ways from an exporter to an importer: what they pass, days, cost and share."""
    from corridors import explanation

    world, said = open_world(flows)
    trade = _trade(
        world,
        importer,
        [commodity],
        year,
        set,
        origin=origin,
        closed=close or (),
        building=open or (),
    )
    table = explanation.routes(trade, alternatives=alternatives)
    note = _note(trade, importer, year, set) + said
    note += f"; shut: {', '.join(close)} (exercise)" if close else ""
    emit(world, f"routes_{origin}_{importer}", note, table, format, output)


def explain(
    commodity: Annotated[str, typer.Option("--commodity", "-c")],
    element: Annotated[str, typer.Option(help="Element id, such as chokepoint:malacca.")],
    importer: Importer = "CHN",
    year: Year = 2024,
    flows: Flows = None,
    format: Shape = None,
    output: Output = None,
    set: Switches = None,
) -> None:
    """Every flow, share and source row behind one number."""
    from corridors import explanation

    world, said = open_world(flows)
    trade = _trade(world, importer, [commodity], year, set)
    table = explanation.explain(trade, world, element)
    name = element.replace(":", "_")
    emit(
        world,
        f"explain_{importer}_{name}",
        _note(trade, importer, year, set) + said,
        table,
        format,
        output,
    )


def _trade(
    world: World,
    importer: str,
    commodities: Sequence[str] | None,
    year: int,
    settings: Sequence[str] | None,
    *,
    origin: str | None = None,
    closed: Sequence[str] = (),
    building: Sequence[str] = (),
    named_corridors: bool = True,
) -> xr.Dataset:
    from corridors.assessment import assess

    return assess(
        world,
        importers=[country_code(world, importer)],
        commodities=list(commodities) if commodities else None,
        year=year,
        switches=switches_of(settings),
        origins=[country_code(world, origin)] if origin else None,
        closed=closed,
        building=building,
        named_corridors=named_corridors,
        remember=remember,
        progress=progress,
    )


def _known_element(world: World, element: str) -> None:
    from corridors.explanation import element_ids

    known = element_ids(world)
    if element not in known:
        raise UnknownIdError("element", element, known)


def _note(trade: xr.Dataset, importer: str, year: int, settings: Sequence[str] | None) -> str:
    years = sorted({int(y) for y in trade["data_year"].to_numpy()})
    span = str(years[0]) if len(years) == 1 else f"{years[0]}–{years[-1]}" if years else "none"
    assumed = f"; assumes {', '.join(settings)}" if settings else ""
    return f"{importer}, {year} (data of {span}), routes as in calm times{assumed}"
