"""Commands that play the monitor: over the past, in a drill, beside the rules of others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corridors.cli.bulletins import Lang, Paper, publisher_of, write_bulletins
from corridors.cli.options import (
    REFERENCE,
    Commodities,
    Flows,
    Importers,
    Place,
    Scheduler,
    Workers,
    clock,
    day_of,
    impacts_on,
    importer_codes,
    known_commodities,
    open_store,
    open_world,
)
from corridors.cli.scenarios import engine_of, scenario_named
from corridors.cli.terminal import Output, Shape, emit, progress
from layers.errors import UsageError
from layers.tables import READERS

if TYPE_CHECKING:
    from corridors.risk.alert import Alert


EXERCISE = "exercise (演习)"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (replay, drill):
        app.command()(command)


def replay(
    first: Annotated[str, typer.Option("--from", help="First day, 2023-11-01.")],
    last: Annotated[str, typer.Option("--to", help="Last day.")],
    importer: Importers = None,
    commodity: Commodities = None,
    changes: Annotated[
        bool, typer.Option("--changes", help="Only the days on which something was said anew.")
    ] = False,
    workers: Workers = 1,
    scheduler: Scheduler = None,
    flows: Flows = None,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """What the monitor would have said each day, with what was published by then."""
    from corridors.risk import desk
    from corridors.risk.replay import replay as play
    from corridors.whatif.scale import crew

    (world, said), kept = open_world(flows, store), open_store(store)
    begin, end = day_of(first), day_of(last)
    if end < begin:
        raise UsageError(f"--to {last} is before --from {first}")
    observations = kept.observations(feeds=[desk.TRAFFIC], every_vintage=True)
    if observations.empty:
        raise UsageError(
            "the store holds no traffic to replay: corridors feeds refresh portwatch_chokepoints, "
            "or corridors feeds import FILE (the CSV the PortWatch portal offers)"
        )
    with crew(workers, scheduler) as hands:
        played = play(
            world,
            observations,
            kept.events(every_version=True),
            impacts_on(world),
            importer_codes(world, importer),
            first=begin,
            last=end,
            commodities=known_commodities(world, commodity),
            hands=hands,
            progress=progress,
        )
    table = played.days
    if changes:
        news = {
            (a.sent.date(), a.element, a.importer, a.commodity) for a in played.alerts if _news(a)
        }
        keys = zip(*(table[c] for c in ("day", "element", "importer", "commodity")), strict=True)
        table = table[[key in news for key in keys]].reset_index(drop=True)
    note = f"{first} to {last}, publication lag included; trade of today; {REFERENCE}{said}"
    emit(world, "replay", note, table, format, output)


def drill(
    scenario: Annotated[str, typer.Argument(help="Id of the library, or a .toml file.")],
    importer: Importers = None,
    commodity: Commodities = None,
    start: Annotated[str, typer.Option(help="Day of the break; today by default.")] = "",
    seed: Annotated[int, typer.Option(help="Of the traffic drawn.")] = 1,
    bulletins: Annotated[
        Path | None, typer.Option(help="Folder for the bulletins of every change of level.")
    ] = None,
    paper: Annotated[Paper, typer.Option(help="Their format.")] = Paper.md,
    flows: Flows = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Play a scenario through the whole chain as an exercise, with a timeline of injects."""
    from corridors.risk import desk
    from corridors.risk.drill import drill as play
    from corridors.whatif.answer import disturb

    (world, said), now = open_world(flows), clock()
    played_out = scenario_named(world, scenario)
    engine = engine_of(world, played_out)
    answer = disturb(engine, played_out)
    day = day_of(start) if start else now.date()
    begin = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    played = play(
        answer,
        importer_codes(world, importer),
        start=begin,
        seed=seed,
        commodities=known_commodities(world, commodity),
        progress=progress,
    )
    note = f"{EXERCISE}: {scenario}, from {day}; {REFERENCE}{said}"
    emit(world, "drill", note, played.timeline, format, output)
    if bulletins is not None:
        news = [alert for alert in played.alerts if _news(alert)]
        pairs = [(alert, desk.around(engine, alert)) for alert in news]
        readers, langs = list(READERS), [x.value for x in Lang]
        publisher = publisher_of("", paper, list(Lang))
        bulletins.mkdir(parents=True, exist_ok=True)
        write_bulletins(world, pairs, readers, langs, paper, "public", publisher, bulletins, begin)


def _news(alert: Alert) -> bool:
    return alert.level is not alert.previous
