"""The command that stays: asks each feed by its own rhythm, and judges levels."""

from __future__ import annotations

import gc
import signal
import threading
from typing import Annotated

import typer

from corridors.cli.feeds import counts_of
from corridors.cli.options import Base, Place, clock, open_store, span_of
from corridors.cli.warn import judge
from layers.errors import CorridorsError, UsageError


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(watch)


def watch(
    every: Annotated[str, typer.Option(help="Longest pause between looks.")] = "15m",
    warn: Annotated[
        list[str] | None,
        typer.Option(help="Importer whose levels to judge after each look; may be given again."),
    ] = None,
    store: Place = None,
    url_base: Base = None,
) -> None:
    """Ask each feed by its own rhythm until stopped (Ctrl-C or SIGTERM), and judge levels."""
    from layers.refresh import next_due_at, refresh
    from layers.source import feeds

    gc.enable()  # unlike the other commands, this one stays
    kept, found, longest = open_store(store), feeds(), span_of(every)
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    while not ended.is_set():
        states = refresh(kept, found, base=url_base, stop=ended.is_set)
        counts = counts_of(states)
        typer.echo(f"{clock():%Y-%m-%d %H:%M:%SZ} {counts}", err=True)
        if warn and not ended.is_set():
            _judge(warn, store)
        due = next_due_at(kept, found, now=clock()) or clock() + longest
        ended.wait(max(1.0, min(due - clock(), longest).total_seconds()))


def _judge(importers: list[str], store: str | None) -> None:
    """One run of the monitor; what goes wrong is told, and tried again after the next look."""
    try:
        typer.echo(f"{clock():%Y-%m-%d %H:%M:%SZ} {judge(importers, store)}", err=True)
    except UsageError:
        raise
    except CorridorsError as error:
        typer.echo(f"corridors: {error}", err=True)
