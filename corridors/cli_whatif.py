"""Commands about what if: close anything, compare, find the worst, respond, draw years by lot.

Every answer is an exercise and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corridors.terminal import Output, Shape, country_code, emit, progress, switches_of
from layers.errors import CorridorsError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from corridors.whatif.answer import Answer
    from corridors.whatif.engine import Engine
    from corridors.whatif.ensemble import Chances
    from corridors.whatif.scenario import Known, Scenario
    from corridors.whatif.supply import Group
    from layers.world import World

scenarios_app = typer.Typer(no_args_is_help=True, help="The scenario library, and files of yours.")
backtest_app = typer.Typer(no_args_is_help=True, help="Our answers beside what really happened.")

ANSWERED = 0.995  # of the days shut in an ensemble: the rest are rare sets of many closures
EXERCISE = "exercise, not a forecast (演习推演,非预报)"


class By(StrEnum):
    """What a row of an answer is."""

    importer = "importer"
    origin = "origin"
    route = "route"
    element = "element"
    day = "day"


class Kind(StrEnum):
    """What kind of element."""

    chokepoint = "chokepoint"
    port = "port"
    pipeline = "pipeline"
    railway = "railway"
    all = "all"


Importers = Annotated[
    list[str] | None,
    typer.Option("--importer", "-i", help="ISO3 code, group (EU27) or WLD; may be given again."),
]
Commodities = Annotated[
    list[str] | None, typer.Option("--commodity", "-c", help="Shown; may be given again.")
]
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
Switches = Annotated[
    list[str] | None, typer.Option("--set", help="Named assumption, as malaysia_label=iran.")
]
Duration = Annotated[float | None, typer.Option(help="Days it lasts; 365 when nothing says.")]
Recovery = Annotated[float | None, typer.Option(help="Days in which it then fades.")]
Start = Annotated[str | None, typer.Option(help="First day, 2026-03-01: places the harvest.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (whatif, compare, worst, respond, ensemble):
        app.command()(command)
    app.add_typer(scenarios_app, name="scenarios")
    app.add_typer(backtest_app, name="backtest")


def whatif(
    close: Close = None,
    limit: Limit = None,
    supply: Supply = None,
    war_risk: WarRisk = None,
    toll: Toll = None,
    delay: Delay = None,
    open: Open = None,
    ship: Ships = None,
    only: Only = None,
    scenario: Files = None,
    from_risk: Annotated[
        bool, typer.Option("--from-risk", help="Today's risk as it stands in the store.")
    ] = False,
    store: Annotated[str | None, typer.Option(help="File or address of the store.")] = None,
    start: Start = None,
    duration: Duration = None,
    recovery: Recovery = None,
    importer: Importers = None,
    commodity: Commodities = None,
    by: Annotated[By, typer.Option(help="What a row is.")] = By.importer,
    set: Switches = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Close, limit or make dearer anything: what arrives, what does not, and when it is short."""
    world = _world()
    known = _known(world)
    given = _given(known, scenario)
    if from_risk:
        given.append(_todays(world, store))
    said = (close, limit, supply, war_risk, toll, delay, open, set)
    chosen = _chosen(known, given, said, (ship, only, start), duration, recovery)
    engine = engine_of(world, chosen)
    answer = _answered(engine, chosen)
    groups = _groups(world, answer, importer or ["CHN"], commodity)
    more = {"bindings": answer.bindings, "fleet": answer.fleet.table}
    table = _table(answer, groups, by)
    name = f"whatif_{chosen.name}_{by.value}"
    emit(world, name, _note(chosen, answer), table, format, output, more=more)


def compare(
    scenarios: Annotated[
        list[str], typer.Argument(help="Two or more: ids of the library or .toml files.")
    ],
    importer: Importers = None,
    commodity: Commodities = None,
    duration: Duration = None,
    set: Switches = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Scenarios side by side, for the same importers."""
    from corridors.whatif.scenario import diff

    world = _world()
    known = _known(world)
    if len(scenarios) < 2:
        raise UsageError("compare takes two scenarios or more; against today's routes use whatif")
    given = [_one([s], duration, None) for s in _given(known, scenarios)]
    tables = []
    for one in given:
        answer = _answered(engine_of(world, one, switches_of(set)), one)
        groups = _groups(world, answer, importer or ["CHN"], commodity)
        tables.append(_table(answer, groups, By.importer).assign(scenario=one.name))
    table = _side_by_side(tables)
    for one in given[1:]:
        for line in diff(given[0], one):
            typer.echo(line, err=True)
    emit(world, "compare", f"{EXERCISE}; {', '.join(s.name for s in given)}", table, format, output)


def worst(
    importer: Annotated[str, typer.Option("--importer", "-i")] = "CHN",
    commodity: Commodities = None,
    k: Annotated[int, typer.Option("--k", "-k", min=1, help="Elements closed at once.")] = 2,
    among: Annotated[
        list[str] | None,
        typer.Option(help="chokepoint (default), port, pipeline, railway, all, or element ids."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="Element left out; may be given again.")
    ] = None,
    keep: Annotated[int, typer.Option(min=1, help="Sets to show.")] = 10,
    format: Shape = None,
    output: Output = None,
) -> None:
    """The k closures that would hurt an importer most: exact, with runner-up and proof."""
    from corridors.demand import members_of
    from corridors.whatif.engine import prepare
    from corridors.whatif.interdiction import worst as search
    from layers.memory import remember

    world = _world()
    importer = country_code(world, importer)
    countries = members_of(world, importer)
    engine = prepare(
        world, commodities=commodity or ["crude_oil"], remember=remember, progress=progress
    )
    chosen = _among(world, engine, countries, among or ["chokepoint"], without or [])
    table, proof = search(engine, countries, k=k, among=chosen, keep=keep, progress=progress)
    note = (
        f"{EXERCISE}; {importer}, {', '.join(commodity or ['crude_oil'])}: up to {k} of "
        f"{len(chosen)} elements, {proof.sets:,} sets: {proof.equal:,} no worse than a smaller "
        f"set, {proof.bounded:,} ruled out by their bound, {proof.answered:,} answered in full"
    )
    emit(world, f"worst_{importer}_{k}", note, table, format, output)


def respond(
    scenario: Files = None,
    close: Close = None,
    limit: Limit = None,
    duration: Duration = None,
    importer: Annotated[str, typer.Option("--importer", "-i")] = "CHN",
    commodity: Commodities = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """What to do: options with tonnes and USD/t, ranked, and the cheapest portfolio of them."""
    import pandas as pd

    from corridors.response import respond as answered

    world = _world()
    known = _known(world)
    said = (close, limit, None, None, None, None, None, None)
    chosen = _chosen(known, _given(known, scenario), said, (None, None, None), duration, None)
    answer = _answered(engine_of(world, chosen), chosen)
    tables, needs = [], []
    for group in _groups(world, answer, [importer], commodity):
        table, _, need = answered(answer, group)
        if need > 0:
            tables.append(table.assign(importer=group.name, commodity=group.commodity))
            needs.append(f"{group.commodity} {need / 1e6:,.1f} Mt")
    if not tables:
        typer.echo("nothing of this importer and commodity loses its way", err=True)
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    note = f"{_note(chosen, answer)}; to be met: {', '.join(needs) or 'nothing'}"
    emit(world, f"respond_{importer}_{chosen.name}", note, table, format, output)


def ensemble(
    years: Annotated[int, typer.Option(min=1, help="Years drawn by lot.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Processes; the numbers stay the same.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Address of a Dask scheduler, tcp://…")
    ] = None,
    importer: Annotated[str, typer.Option("--importer", "-i")] = "CHN",
    commodity: Commodities = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Years of closures drawn from the long records: mean, P50, P95 and CVaR of what is lost."""
    import numpy as np

    from corridors.demand import members_of
    from corridors.whatif.engine import prepare
    from corridors.whatif.ensemble import agreement, moments, simulate
    from corridors.whatif.ensemble import ensemble as valued
    from corridors.whatif.interdiction import Values
    from corridors.whatif.scale import map_blocks
    from layers.memory import remember

    world = _world()
    importer = country_code(world, importer)
    engine = prepare(
        world, commodities=commodity or ["crude_oil"], remember=remember, progress=progress
    )
    values = Values(engine, members_of(world, importer))
    chances = _chances(world)
    draws = simulate(
        world.hazards,
        years=years,
        seed=seed,
        chances=chances,
        among=values.matter(world.hazards),
        mapper=partial(map_blocks, workers=workers, scheduler=scheduler),
    )
    weight = np.zeros(len(draws.closures))
    np.add.at(weight, draws.closure, draws.weight_d)
    held = values.focus(draws.closures, weight, ANSWERED)
    found = valued(draws, values, Values.MEASURES, progress=progress)
    check = agreement(draws, moments(world.hazards, chances))
    table = found.summary()
    worst_z = float(check["z"].abs().max())
    note = (
        f"{EXERCISE}; {importer}, {', '.join(commodity or ['crude_oil'])}, a year of closures "
        f"from the long records, {years:,} drawn, seed {seed}; stocks not counted; closures with "
        f"{held:.1%} of the days answered in full, the rest as if without bypasses; days shut "
        f"against the closed form: largest |z| {worst_z:.2f} over {len(check)} chokepoints"
    )
    name = f"ensemble_{importer}"
    emit(world, name, note, table, format, output, more={"closed_form": check})


@scenarios_app.command("list")
def scenarios_list(format: Shape = None, output: Output = None) -> None:
    """The scenarios of the library."""
    import pandas as pd

    world = _world()
    library = _library(_known(world))
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

    typer.echo(to_toml(_given(_known(_world()), [scenario])[0]), nl=False)


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

    known = _known(_world())
    said = (close, limit, supply, war_risk, toll, delay, open, set)
    given = _given(known, [like] if like else None)
    chosen = _chosen(known, given, said, (ship, only, start), duration, recovery)
    write_scenario(file, to_toml(chosen), overwrite=overwrite)
    typer.echo(f"{file}: written", err=True)


@backtest_app.command("whatif")
def backtest_whatif(format: Shape = None, output: Output = None) -> None:
    """Our answers beside the published figures of closures that happened."""
    from corridors.whatif.backtest import backtest
    from layers.memory import remember
    from layers.scenarios import scenario_texts

    world = _world()
    table = backtest(world, texts=scenario_texts(), remember=remember, progress=progress)
    counts = table["verdict"].value_counts()
    note = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    emit(world, "backtest_whatif", note, table, format, output)


def _world() -> World:
    from layers.world import load_world

    return load_world()


def _known(world: World) -> Known:
    from corridors.whatif.scenario import known

    return known(world)


def _library(known: Known) -> Mapping[str, Scenario]:
    from corridors.whatif.scenario_file import parse
    from layers.scenarios import scenario_texts

    return {
        name: parse(text, name=name, file=file, known=known)
        for name, (text, file) in scenario_texts().items()
    }


def _given(known: Known, places: Sequence[str] | None) -> list[Scenario]:
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
    return _given(_known(world), [place])[0]


def _todays(world: World, store: str | None) -> Scenario:
    from corridors.cli_feeds import risk_today
    from corridors.whatif.scenario import from_risk

    return from_risk(world, risk_today(world, store))


def _chosen(
    known: Known,
    given: Sequence[Scenario],
    said: Sequence[Sequence[str] | None],
    scope: tuple[Sequence[str] | None, Sequence[str] | None, str | None],
    duration: float | None,
    recovery: float | None,
) -> Scenario:
    """Scenarios given and options said as one; days not said are those of the scenarios given."""
    if not any(said) and given:
        return _one(given, duration, recovery)
    days = max((s.duration_d for s in given), default=365.0) if duration is None else duration
    fades = max((s.recovery_d for s in given), default=0.0) if recovery is None else recovery
    return _one([*given, _of_options(known, said, *scope, days, fades)], duration, recovery)


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
        start=_day(start),
        duration_d=duration,
        recovery_d=recovery,
    )


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"{text!r} is no day such as 2026-03-01") from None


def _one(given: Sequence[Scenario], duration: float | None, recovery: float | None) -> Scenario:
    """All that was given as one scenario, with the days said on the command line."""
    from corridors.whatif.scenario import combine

    name = "_and_".join(s.name for s in given)
    return combine(*given, name=name, duration_d=duration, recovery_d=recovery)


def engine_of(world: World, scenario: Scenario, more: Mapping[str, str] | None = None) -> Engine:
    """The engine of a scenario: its drawn places and relabelled origins counted in."""
    from corridors.whatif.drawn import with_drawn
    from corridors.whatif.engine import prepare
    from layers.memory import remember

    return prepare(
        with_drawn(world, scenario),
        switches={**dict(scenario.switches), **(more or {})},
        remember=remember,
        progress=progress,
    )


def _answered(engine: Engine, scenario: Scenario) -> Answer:
    from corridors.whatif.answer import disturb

    return disturb(engine, scenario)


def _groups(
    world: World, answer: Answer, importers: Sequence[str], commodities: Sequence[str] | None
) -> list[Group]:
    from corridors.whatif.summary import groups_of
    from layers.errors import UnknownIdError

    for commodity in commodities or ():
        if commodity not in answer.fates:
            raise UnknownIdError("commodity", commodity, sorted(answer.fates))
    found = groups_of(world, answer, [country_code(world, i) for i in importers])
    kept = [g for g in found if not commodities or g.commodity in commodities]
    if not kept:
        raise CorridorsError(f"no imports of {', '.join(importers)} in the data")
    return kept


def _table(answer: Answer, groups: Sequence[Group], by: By) -> pd.DataFrame:
    from corridors.whatif import summary as tables

    made: Mapping[By, Callable[[Answer, Sequence[Group]], pd.DataFrame]] = {
        By.importer: tables.summary,
        By.origin: tables.by_origin,
        By.route: tables.by_route,
        By.element: tables.by_element,
        By.day: tables.by_day,
    }
    return made[by](answer, groups)


def _note(scenario: Scenario, answer: Answer) -> str:
    told = f"{EXERCISE}; {scenario.name_en}, {scenario.duration_d:g} d"
    if answer.plan is not None:
        short = ", ".join(answer.bindings["element"].drop_duplicates().head(6))
        told += f"; short of: {short or 'nothing'}; optimal to {answer.plan.gap:.1e}"
    return told


def _side_by_side(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One row an importer and commodity, one column a figure and scenario."""
    import pandas as pd

    shown = ["delivered_t", "rerouted_t", "unmet_t", "infeasible_t", "added_cost_usd_t"]
    shown += ["unmet_after_stock_t", "first_short"]
    joined = pd.concat(tables, ignore_index=True)
    wide = joined.pivot(index=["importer", "commodity"], columns="scenario", values=shown)
    wide = wide.reorder_levels([1, 0], axis=1)
    order = [(t["scenario"].iat[0], c) for c in shown for t in tables]
    wide = wide[order]
    wide.columns = pd.Index([f"{name} {figure}" for name, figure in order])
    return wide.reset_index()


def _among(
    world: World,
    engine: Engine,
    countries: Iterable[str],
    among: Sequence[str],
    without: Sequence[str],
) -> list[str]:
    from corridors.whatif.interdiction import candidates
    from layers.errors import UnknownIdError

    found = set[str]()
    for choice in among:
        if choice in {kind.value for kind in Kind}:
            found |= set(candidates(engine, frozenset(countries), choice))
        elif choice in world.elements():
            found.add(choice)
        else:
            known = [*(kind.value for kind in Kind), *world.elements()]
            raise UnknownIdError("element or kind", choice, known)
    for element in without:
        if element not in world.elements():
            raise UnknownIdError("element", element, list(world.elements()))
    return sorted(found - set(without))


def _chances(world: World) -> Chances:
    from corridors.whatif.ensemble import Chances

    return Chances(
        duration_cv=world.assumption("structural_duration_cv"),
        severity_spread=world.assumption("severity_spread"),
        shock_cv=world.assumption("gulf_red_sea_shock_cv"),
    )
