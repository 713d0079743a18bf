"""Commands about scenarios: the library and files of one's own; engines for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corridors.cli.options import Switches, day_of, shipped_world
from corridors.cli.terminal import Output, Shape, emit, progress, switches_of
from layers.errors import UsageError
from layers.memory import remember

if TYPE_CHECKING:
    from corridors.whatif.engine import Engine
    from corridors.whatif.scenario import Known, Scenario
    from layers.world import World


EXERCISE = "exercise, not a forecast (演习推演,非预报)"


scenarios_app = typer.Typer(no_args_is_help=True, help="The scenario library, and files of yours.")


Files = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario", "-s", help="Id of the library, or a .toml file; may be given again."
    ),
]


Close = Annotated[list[str] | None, typer.Option(help="Element to shut; may be given again.")]


Limit = Annotated[
    list[str] | None, typer.Option(help="ELEMENT=share of its traffic that may still pass.")
]


Supply = Annotated[list[str] | None, typer.Option(help="ISO3=share an exporter still sends.")]


WarRisk = Annotated[
    list[str] | None, typer.Option(help="ELEMENT=percent of hull value, a transit.")
]


Toll = Annotated[list[str] | None, typer.Option(help="ELEMENT=USD a tonne more.")]


Delay = Annotated[list[str] | None, typer.Option(help="ELEMENT=days more.")]


Open = Annotated[list[str] | None, typer.Option(help="Element shut or unbuilt today that opens.")]


Ships = Annotated[
    list[str] | None, typer.Option("--ship", help="Only for this ship class; may be given again.")
]


Only = Annotated[
    list[str] | None, typer.Option("--only", help="Only for this commodity; may be given again.")
]


Duration = Annotated[float | None, typer.Option(help="Days it lasts; 365 when nothing says.")]


Recovery = Annotated[float | None, typer.Option(help="Days in which it then fades.")]


Start = Annotated[str | None, typer.Option(help="First day, 2026-03-01: places the harvest.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(scenarios_app, name="scenarios")


@scenarios_app.command("list")
def scenarios_list(format: Shape = None, output: Output = None) -> None:
    """The scenarios of the library."""
    import pandas as pd

    world = shipped_world()
    library = _library(known_to(world))
    table = pd.DataFrame(
        [
            {
                "scenario": s.name,
                "name_en": s.name_en,
                "name_zh": s.name_zh,
                "start": s.start,
                "duration_d": s.duration_d,
                "rules": len(s.rules),
                "opened": len(s.opened),
                "sources": "; ".join(s.sources),
            }
            for s in library.values()
        ]
    )
    emit(world, "scenarios", f"{len(table)} scenarios; {EXERCISE}", table, format, output)


@scenarios_app.command("show")
def scenarios_show(
    scenario: Annotated[str, typer.Argument(help="Id of the library, or a .toml file.")],
) -> None:
    """One scenario as the text of its file: save it, change it, give it to --scenario."""
    from corridors.whatif.scenario_file import to_toml

    typer.echo(to_toml(scenarios_given(known_to(shipped_world()), [scenario])[0]), nl=False)


@scenarios_app.command("new")
def scenarios_new(
    file: Annotated[Path, typer.Argument(help="File to write, .toml.")],
    close: Close = None,
    limit: Limit = None,
    supply: Supply = None,
    war_risk: WarRisk = None,
    toll: Toll = None,
    delay: Delay = None,
    open: Open = None,
    ship: Ships = None,
    only: Only = None,
    set: Switches = None,
    start: Start = None,
    duration: Duration = None,
    recovery: Recovery = None,
    like: Annotated[
        str | None, typer.Option(help="Start from this scenario of the library or file.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
) -> None:
    """Write a scenario file from options, or from another scenario and options."""
    from corridors.whatif.scenario_file import to_toml
    from layers.scenarios import write_scenario

    known = known_to(shipped_world())
    said = (close, limit, supply, war_risk, toll, delay, open, set)
    given = scenarios_given(known, [like] if like else None)
    chosen = chosen_of(known, given, said, (ship, only, start), duration, recovery)
    write_scenario(file, to_toml(chosen), overwrite=overwrite)
    typer.echo(f"{file}: written", err=True)


def known_to(world: World) -> Known:
    """What a scenario may name in this world."""
    from corridors.whatif.scenario import known

    return known(world)


def _library(known: Known) -> Mapping[str, Scenario]:
    from corridors.whatif.scenario_file import parse
    from layers.scenarios import scenario_texts

    return {
        name: parse(text, name=name, file=file, known=known)
        for name, (text, file) in scenario_texts().items()
    }


def scenarios_given(known: Known, places: Sequence[str] | None) -> list[Scenario]:
    """Scenarios by their ids in the library or their files."""
    from corridors.whatif.scenario_file import parse
    from layers.scenarios import read_scenario

    found = []
    for place in places or ():
        name, text, file = read_scenario(place)
        found.append(parse(text, name=name, file=file, known=known))
    return found


def scenario_named(world: World, place: str) -> Scenario:
    """A scenario of the library by its id, or of a file.

    Raises
    ------
    UnknownIdError
        For an id that the library does not have.
    """
    return scenarios_given(known_to(world), [place])[0]


def chosen_of(
    known: Known,
    given: Sequence[Scenario],
    said: Sequence[Sequence[str] | None],
    scope: tuple[Sequence[str] | None, Sequence[str] | None, str | None],
    duration: float | None,
    recovery: float | None,
) -> Scenario:
    """Scenarios given and options said as one; days not said are those of the scenarios given."""
    if not any(said) and given:
        return combined(given, duration, recovery)
    days = max((s.duration_d for s in given), default=365.0) if duration is None else duration
    fades = max((s.recovery_d for s in given), default=0.0) if recovery is None else recovery
    return combined([*given, _of_options(known, said, *scope, days, fades)], duration, recovery)


def _of_options(
    known: Known,
    said: Sequence[Sequence[str] | None],
    ships: Sequence[str] | None,
    only: Sequence[str] | None,
    start: str | None,
    duration: float,
    recovery: float,
) -> Scenario:
    from corridors.whatif.scenario_words import from_options

    close, limit, supply, war_risk, toll, delay, opened, switches = (s or () for s in said)
    if not any(said):
        raise UsageError("nothing is closed: give --close, --limit, --scenario or another option")
    return from_options(
        known,
        close=close,
        limit=limit,
        supply=supply,
        war_risk=war_risk,
        toll=toll,
        delay=delay,
        opened=opened,
        switches=switches_of(switches),
        ships=ships or (),
        commodities=only or (),
        start=day_of(start) if start else None,
        duration_d=duration,
        recovery_d=recovery,
    )


def combined(given: Sequence[Scenario], duration: float | None, recovery: float | None) -> Scenario:
    """All that was given as one scenario, with the days said on the command line."""
    from corridors.whatif.scenario import combine

    name = "_and_".join(s.name for s in given)
    return combine(*given, name=name, duration_d=duration, recovery_d=recovery)


def engine_of(world: World, scenario: Scenario, more: Mapping[str, str] | None = None) -> Engine:
    """The engine of a scenario: its drawn places and relabelled origins counted in."""
    from corridors.whatif.drawn import with_drawn
    from corridors.whatif.engine import prepare

    return prepare(
        with_drawn(world, scenario),
        switches={**dict(scenario.switches), **(more or {})},
        remember=remember,
        progress=progress,
    )
