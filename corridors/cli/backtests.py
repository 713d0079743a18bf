"""Commands that hold our answers beside what was published and what happened."""

from __future__ import annotations

import typer

from corridors.cli.options import (
    REFERENCE,
    Place,
    Scheduler,
    Workers,
    clock,
    open_store,
    shipped_world,
)
from corridors.cli.terminal import Output, Shape, emit, emit_more, progress
from layers.memory import remember

backtest_app = typer.Typer(no_args_is_help=True, help="Our answers beside what really happened.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(validate)
    app.add_typer(backtest_app, name="backtest")


def validate(format: Shape = None, output: Output = None) -> None:
    """Our figures beside published ones: within, outside or not applicable, and why."""
    from corridors.validation import validate as compare

    world = shipped_world()
    table = compare(world, remember=remember, progress=progress)
    counts = table["verdict"].value_counts()
    note = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    emit(world, "validation", note, table, format, output)


@backtest_app.command("whatif")
def backtest_whatif(
    workers: Workers = 1,
    scheduler: Scheduler = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Our answers beside the published figures of closures that happened."""
    from corridors.whatif.backtest import backtest
    from corridors.whatif.scale import crew
    from layers.scenarios import scenario_texts

    world = shipped_world()
    texts = scenario_texts()
    with crew(workers, scheduler) as hands:
        table = backtest(world, texts=texts, remember=remember, hands=hands, progress=progress)
    counts = table["verdict"].value_counts()
    note = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    emit(world, "backtest_whatif", note, table, format, output)


@backtest_app.command("warnings")
def backtest_warnings(
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """How good the warnings would have been, beside the rules of others, on the series held."""
    from corridors.risk import desk
    from corridors.risk.skill import measures, skill

    world, kept = shipped_world(), open_store(store)
    days = desk.known(world, kept, now=clock()).days
    if days.empty or not days["judged"].any():
        ours = world.warning_results
        wide = ours.pivot(index="rule", columns="measure", values="value").reset_index()
        note = f"the store holds no year of traffic: our record of 2026-11-22; {REFERENCE}"
        names = [c for c in map(str, wide) if c.startswith(("rule", "false", "worst", "delay"))]
        shown = wide[names]
        shown = shown[shown["false_alarms"].notna()].reset_index(drop=True)
        emit(world, "skill", note, shown, format, output, more={"results": ours})
        return
    found = skill(world, days)
    more = {
        name: getattr(found, name)
        for name in ("crises", "false_alarms", "forecasts", "reliability")
    }
    note = f"{days['element'].nunique()} series to {days['day'].max():%Y-%m-%d}; {REFERENCE}"
    whole = {**more, "measures": measures(found)}
    emit(world, "skill", note, found.rules, format, output, more=whole)
    emit_more(world, more, format, output)
