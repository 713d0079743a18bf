"""Commands about what if: close anything, compare, find the worst, respond, draw years by lot.

Every answer is an exercise and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from corridors.cli.feeds import risk_today
from corridors.cli.options import (
    ALL,
    Flows,
    Scheduler,
    Switches,
    Workers,
    calm_engine,
    known_commodities,
    open_world,
)
from corridors.cli.scenarios import (
    EXERCISE,
    Close,
    Delay,
    Duration,
    Files,
    Limit,
    Only,
    Open,
    Recovery,
    Ships,
    Start,
    Supply,
    Toll,
    WarRisk,
    chosen_of,
    combined,
    engine_of,
    known_to,
    scenarios_given,
)
from corridors.cli.terminal import Output, Shape, country_code, emit, progress, switches_of
from layers.errors import CorridorsError, UnknownIdError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from corridors.whatif.answer import Answer
    from corridors.whatif.engine import Engine
    from corridors.whatif.ensemble import Chances
    from corridors.whatif.scenario import Scenario
    from corridors.whatif.supply import Group
    from layers.world import World


ANSWERED = 0.995  # of the days shut in an ensemble: the rest are rare sets of many closures


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


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (whatif, compare, worst, respond, ensemble):
        app.command()(command)


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
    each: Annotated[
        list[str] | None,
        typer.Option(
            help="Shut these one after another, each beside whatever else is said of others: "
            "chokepoint, port, pipeline, railway, all, or element ids. --importer all for every "
            "country."
        ),
    ] = None,
    by: Annotated[By, typer.Option(help="What a row is.")] = By.importer,
    set: Switches = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    flows: Flows = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Close, limit or make dearer anything: what arrives, what does not, and when it is short."""
    world, trade = open_world(flows, store)
    known = known_to(world)
    given = scenarios_given(known, scenario)
    if from_risk:
        given.append(_todays(world, store))
    if each:
        if by is not By.importer:
            raise UsageError(f"--each has a row an importer and commodity: leave out --by {by}")

        def beside(*element: str) -> Scenario:
            """What is said otherwise, and an element shut."""
            said = ([*(close or ()), *element], limit, supply, war_risk, toll, delay, open, set)
            return chosen_of(known, given, said, (ship, only, start), duration, recovery)

        others = (close, limit, supply, war_risk, toll, delay, open, set, given)
        rest = beside() if any(others) else None
        table, note = _swept(world, each, rest, beside, importer, commodity, workers, scheduler)
        emit(world, "whatif_each", note + trade, table, format, output)
        return
    if workers > 1 or scheduler:
        raise UsageError("one scenario is one piece of work: --workers goes with --each")
    said = (close, limit, supply, war_risk, toll, delay, open, set)
    chosen = chosen_of(known, given, said, (ship, only, start), duration, recovery)
    engine = engine_of(world, chosen)
    answer = _answered(engine, chosen)
    groups = _groups(world, answer, importer or ["CHN"], commodity)
    more = {"bindings": answer.bindings, "fleet": answer.fleet.table}
    table = _table(answer, groups, by)
    name = f"whatif_{chosen.name}_{by.value}"
    emit(world, name, _note(chosen, answer) + trade, table, format, output, more=more)


def compare(
    scenarios: Annotated[
        list[str], typer.Argument(help="Two or more: ids of the library or .toml files.")
    ],
    importer: Importers = None,
    commodity: Commodities = None,
    duration: Duration = None,
    set: Switches = None,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    flows: Flows = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Scenarios side by side, for the same importers."""
    from corridors.whatif.scale import crew
    from corridors.whatif.scenario import diff

    world, trade = open_world(flows)
    known = known_to(world)
    if len(scenarios) < 2:
        raise UsageError("compare takes two scenarios or more; against today's routes use whatif")
    given = [combined([s], duration, None) for s in scenarios_given(known, scenarios)]
    asked = (tuple(importer or ["CHN"]), commodity)
    tables: dict[int, pd.DataFrame] = {}
    with crew(workers, scheduler) as hands:
        for alike in _of_one_engine(given):
            engine = engine_of(world, given[alike[0]], switches_of(set))
            ours = [given[i] for i in alike]
            names = [one.name for one in ours]
            found = hands.map(
                _compared, ours, shared=(engine, asked), names=names, progress=progress
            )
            tables |= zip(alike, found, strict=True)
    table = _side_by_side([tables[i] for i in range(len(given))])
    for one in given[1:]:
        for line in diff(given[0], one):
            typer.echo(line, err=True)
    note = f"{EXERCISE}; {', '.join(s.name for s in given)}{trade}"
    emit(world, "compare", note, table, format, output)


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
    workers: Workers = 1,
    scheduler: Scheduler = None,
    flows: Flows = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """The k closures that would hurt an importer most: exact, with runner-up and proof."""
    from corridors.demand import members_of
    from corridors.whatif.interdiction import worst as search
    from corridors.whatif.scale import crew

    world, trade = open_world(flows)
    importer = country_code(world, importer)
    countries = members_of(world, importer)
    engine = calm_engine(world, commodity or ["crude_oil"])
    chosen = _among(world, engine, countries, among or ["chokepoint"], without or [])
    with crew(workers, scheduler) as hands:
        table, proof = search(
            engine, countries, k=k, among=chosen, keep=keep, hands=hands, progress=progress
        )
    note = (
        f"{EXERCISE}; {importer}, {', '.join(commodity or ['crude_oil'])}: up to {k} of "
        f"{len(chosen)} elements, {proof.sets:,} sets: {proof.equal:,} no worse than a smaller "
        f"set, {proof.bounded:,} ruled out by their bound, {proof.answered:,} answered in full"
    )
    emit(world, f"worst_{importer}_{k}", note + trade, table, format, output)


def respond(
    scenario: Files = None,
    close: Close = None,
    limit: Limit = None,
    duration: Duration = None,
    importer: Annotated[str, typer.Option("--importer", "-i")] = "CHN",
    commodity: Commodities = None,
    flows: Flows = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """What to do: options with tonnes and USD/t, ranked, and the cheapest portfolio of them."""
    import pandas as pd

    from corridors.response import respond as answered

    world, trade = open_world(flows)
    known = known_to(world)
    said = (close, limit, None, None, None, None, None, None)
    chosen = chosen_of(
        known, scenarios_given(known, scenario), said, (None, None, None), duration, None
    )
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
    emit(world, f"respond_{importer}_{chosen.name}", note + trade, table, format, output)


def ensemble(
    years: Annotated[int, typer.Option(min=1, help="Years drawn by lot.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    importer: Annotated[str, typer.Option("--importer", "-i")] = "CHN",
    commodity: Commodities = None,
    flows: Flows = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Years of closures drawn from the long records: mean, P50, P95 and CVaR of what is lost."""
    import numpy as np

    from corridors.demand import members_of
    from corridors.whatif.ensemble import agreement, moments, simulate
    from corridors.whatif.ensemble import ensemble as valued
    from corridors.whatif.interdiction import Values
    from corridors.whatif.scale import crew

    world, trade = open_world(flows)
    importer = country_code(world, importer)
    engine = calm_engine(world, commodity or ["crude_oil"])
    values = Values(engine, members_of(world, importer))
    chances = _chances(world)
    with crew(workers, scheduler) as hands:
        draws = simulate(
            world.hazards,
            years=years,
            seed=seed,
            chances=chances,
            among=values.matter(world.hazards),
            mapper=hands.map,
        )
        weight = np.zeros(len(draws.closures))
        np.add.at(weight, draws.closure, draws.weight_d)
        values.meet(draws.closures, hands, progress)
        held = values.focus(draws.closures, weight, ANSWERED)
        values.look_up(draws.closures, hands, progress)
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
    emit(world, name, note + trade, table, format, output, more={"closed_form": check})


def _of_one_engine(given: Sequence[Scenario]) -> list[list[int]]:
    """Positions of the scenarios, those together that draw and switch the same."""
    alike: dict[object, list[int]] = {}
    for i, one in enumerate(given):
        alike.setdefault((one.drawn, one.switches), []).append(i)
    return list(alike.values())


def _compared(
    engine: Engine, asked: tuple[Sequence[str], Sequence[str] | None], scenario: Scenario
) -> pd.DataFrame:
    """The table of one scenario for the importers and commodities asked for."""
    importers, commodities = asked
    answer = _answered(engine, scenario)
    groups = _groups(engine.world, answer, importers, commodities)
    return _table(answer, groups, By.importer).assign(scenario=scenario.name)


def _swept(
    world: World,
    each: Sequence[str],
    rest: Scenario | None,
    beside: Callable[[str], Scenario],
    importers: Sequence[str] | None,
    commodities: Sequence[str] | None,
    workers: int,
    scheduler: str | None,
) -> tuple[pd.DataFrame, str]:
    """What closing each of some elements does to each importer, and what to say of it."""
    from corridors.demand import members_of
    from corridors.whatif.scale import crew
    from corridors.whatif.sweep import sweep

    engine = engine_of(world, rest) if rest else calm_engine(world)
    known_commodities(world, commodities)
    everyone = ALL in (importers or ())
    named = None if everyone else [country_code(world, i) for i in importers or ["CHN"]]
    countries = world.importers
    if named is not None:
        countries = frozenset().union(*(members_of(world, name) for name in named))
    ruled = {rule.element for rule in rest.rules} if rest else frozenset()
    elements = [e for e in _among(world, engine, countries, each, []) if e not in ruled]
    with crew(workers, scheduler) as hands:
        table = sweep(
            engine, {e: beside(e) for e in elements}, named, hands=hands, progress=progress
        )
    if commodities:
        table = table[table["commodity"].isin(list(commodities))].reset_index(drop=True)
    note = f"{EXERCISE}; {len(elements)} elements, each shut by itself; who is untouched has no row"
    return table.rename(columns={"scenario": "element"}), note


def _todays(world: World, store: str | None) -> Scenario:
    from corridors.whatif.scenario_risk import from_risk

    return from_risk(world, risk_today(world, store))


def _answered(engine: Engine, scenario: Scenario) -> Answer:
    from corridors.whatif.answer import disturb

    return disturb(engine, scenario)


def _groups(
    world: World, answer: Answer, importers: Sequence[str], commodities: Sequence[str] | None
) -> list[Group]:
    from corridors.whatif.summary import groups_of

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
