"""The command that stays: asks each feed by its own rhythm, and judges levels."""

from __future__ import annotations

import gc
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from corridors.cli.feeds import counts_of
from corridors.cli.options import Base, Flows, Place, clock, open_store, span_of
from corridors.cli.warn import judge
from layers.errors import CorridorsError, UsageError

if TYPE_CHECKING:
    from layers.source import Feed
    from layers.store import Store


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(watch)


def watch(
    every: Annotated[str, typer.Option(help="Longest pause between looks.")] = "15m",
    warn: Annotated[
        list[str] | None,
        typer.Option(help="Importer whose levels to judge after each look; may be given again."),
    ] = None,
    flows: Flows = None,
    store: Place = None,
    url_base: Base = None,
) -> None:
    """Ask each feed by its own rhythm until stopped (Ctrl-C or SIGTERM), and judge levels."""
    from layers.source import feeds

    gc.enable()  # unlike the other commands, this one stays
    kept, found, longest = open_store(store), feeds(), span_of(every)
    ended = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: ended.set())
    while not ended.is_set():
        due = clock() + longest
        with _told():
            due = min(due, _look(kept, found, url_base, ended) or due)
        if warn and not ended.is_set():
            with _told():
                typer.echo(f"{clock():%Y-%m-%d %H:%M:%SZ} {judge(warn, store, flows)}", err=True)
        ended.wait(max(1.0, (due - clock()).total_seconds()))


def _look(
    kept: Store, found: Mapping[str, Feed], url_base: str | None, ended: threading.Event
) -> datetime | None:
    """Ask what is due and say how the feeds do; when the next is due."""
    from layers.refresh import next_due_at, refresh

    states = refresh(kept, found, base=url_base, stop=ended.is_set)
    typer.echo(f"{clock():%Y-%m-%d %H:%M:%SZ} {counts_of(states)}", err=True)
    return next_due_at(kept, found, now=clock())


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong, as a store that is away for a while, is told and tried again later."""
    try:
        yield
    except UsageError:
        raise
    except CorridorsError as error:
        typer.echo(f"corridors: {error}", err=True)
