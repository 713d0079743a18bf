"""The command line: choose, call, print. Data goes to standard output, talk to standard error.

Exit codes: 0 done, 1 data or model error, 2 usage.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corridors import cli_feeds, cli_flows, cli_warn, cli_whatif
from corridors.terminal import Output, Shape, country_code, emit, progress, switches_of
from layers.errors import CorridorsError, UnknownIdError, UsageError

if TYPE_CHECKING:
    import xarray as xr

    from corridors.network import Remember
    from layers.world import World

app = typer.Typer(
    name="corridors",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="What trade passes: straits, ports, railways and pipelines, for any importer.",
)


cli_feeds.register(app)
cli_flows.register(app)
cli_whatif.register(app)
cli_warn.register(app, cli_whatif.backtest_app)


class Kind(StrEnum):
    """What exposure is counted by."""

    chokepoint = "chokepoint"
    port = "port"
    railway = "railway"
    pipeline = "pipeline"
    origin = "origin"
    corridor = "corridor"


Importer = Annotated[
    str, typer.Option("--importer", "-i", help="ISO3 code, a group (EU27) or WLD for the world.")
]
Commodities = Annotated[
    list[str] | None, typer.Option("--commodity", "-c", help="Commodity id; may be given again.")
]
Year = Annotated[int, typer.Option(help="2024 is the base year.")]
Switches = Annotated[
    list[str] | None, typer.Option("--set", help="Named assumption, as malaysia_label=iran.")
]
Building = Annotated[
    list[str] | None, typer.Option("--open", help="Use a line still being built: railway:ID.")
]
Close = Annotated[list[str] | None, typer.Option(help="Passage to shut; may be given again.")]


@app.command()
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
    flows: cli_flows.Chosen = None,
    store: cli_feeds.Place = None,
    format: Shape = None,
    output: Output = None,
    set: Switches = None,
    open: Building = None,
) -> None:
    """How much of an importer's supply passes each strait, port, railway, pipeline or corridor."""
    from corridors import metrics

    if risk and any_of:
        raise UsageError("--risk is of one element at a time: leave out --any-of")
    world, said = _world(flows, store)
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
        table = cli_feeds.with_risk(world, table, store)
    emit(
        world,
        f"exposure_{importer}_{by.value}",
        _note(trade, importer, year, set) + said,
        table,
        format,
        output,
    )


@app.command()
def routes(
    origin: Annotated[str, typer.Option(help="ISO3 code of the exporter.")],
    commodity: Annotated[str, typer.Option("--commodity", "-c")],
    importer: Importer = "CHN",
    alternatives: Annotated[int, typer.Option(min=1, help="How many to show.")] = 5,
    close: Close = None,
    year: Year = 2024,
    flows: cli_flows.Chosen = None,
    format: Shape = None,
    output: Output = None,
    set: Switches = None,
    open: Building = None,
) -> None:
    """Ways from an exporter to an importer: what they pass, days, cost and share."""
    from corridors import explanation

    world, said = _world(flows)
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


@app.command()
def explain(
    commodity: Annotated[str, typer.Option("--commodity", "-c")],
    element: Annotated[str, typer.Option(help="Element id, such as chokepoint:malacca.")],
    importer: Importer = "CHN",
    year: Year = 2024,
    flows: cli_flows.Chosen = None,
    format: Shape = None,
    output: Output = None,
    set: Switches = None,
) -> None:
    """Every flow, share and source row behind one number."""
    from corridors import explanation

    world, said = _world(flows)
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


@app.command()
def validate(format: Shape = None, output: Output = None) -> None:
    """Our figures beside published ones: within, outside or not applicable, and why."""
    from corridors.validation import validate as compare

    world, _ = _world()
    table = compare(world, remember=_remember(), progress=progress)
    counts = table["verdict"].value_counts()
    note = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    emit(world, "validation", note, table, format, output)


@app.command("app", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def open_app(context: typer.Context) -> None:
    """Open the map in the browser; what follows goes to Streamlit (--server.port 8502)."""
    here = Path(__file__).resolve().parent
    inside = here / "_app.py"
    page = inside if inside.exists() else here.parent / "app.py"
    browser = ["--server.headless", "false"] if _has_screen() else []
    command = [sys.executable, "-m", "corridors.ui", "run", str(page), *browser, *context.args]
    # One heap a thread never gives back what many readers made it hold.
    thrifty = {"MALLOC_ARENA_MAX": "2", **os.environ}
    raise typer.Exit(subprocess.call(command, cwd=page.parent, env=thrifty))


def _has_screen() -> bool:
    """Whether a browser could open here; on a server the address is printed instead."""
    desktop = sys.platform in ("darwin", "win32")
    return desktop or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.disable()  # one answer and out: looking for cycles to free costs a tenth of the time
    try:
        app()
    except (UnknownIdError, UsageError) as error:
        typer.echo(f"corridors: {error}", err=True)
        sys.exit(2)
    except CorridorsError as error:
        typer.echo(f"corridors: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)


def _world(flows: str | None = None, store: Path | str | None = None) -> tuple[World, str]:
    """The world, with imported trade when it is chosen, and what to say of that."""
    from layers.world import load_world

    world = load_world()
    chosen = cli_flows.taken(world, flows, store)
    return (chosen.world, f"; {chosen.note}") if chosen else (world, "")


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
        remember=_remember(),
        progress=progress,
    )


def _known_element(world: World, element: str) -> None:
    from corridors.explanation import element_ids

    known = element_ids(world)
    if element not in known:
        raise UnknownIdError("element", element, known)


def _remember() -> Remember:
    from layers.memory import remember

    return remember


def _note(trade: xr.Dataset, importer: str, year: int, settings: Sequence[str] | None) -> str:
    years = sorted({int(y) for y in trade["data_year"].to_numpy()})
    span = str(years[0]) if len(years) == 1 else f"{years[0]}–{years[-1]}" if years else "none"
    assumed = f"; assumes {', '.join(settings)}" if settings else ""
    return f"{importer}, {year} (data of {span}), routes as in calm times{assumed}"


if __name__ == "__main__":
    main()
