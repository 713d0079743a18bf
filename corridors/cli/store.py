"""Commands about the store of feeds: check it, make it smaller, move it."""

from __future__ import annotations

from typing import Annotated

import typer

from corridors.cli.options import Place, clock, open_store, span_of
from layers.errors import CorridorsError

store_app = typer.Typer(
    no_args_is_help=True, help="What the feeds said: check it, make it smaller, move it."
)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(store_app, name="store")


@store_app.command("check")
def store_check(store: Place = None) -> None:
    """Verify the store: hashes, versions, states. Exit code 1 when something is wrong."""
    kept = open_store(store)
    faults = kept.check()
    if faults:
        raise CorridorsError(f"{kept.name}: " + "; ".join(faults))
    typer.echo(f"{kept.name}: sound", err=True)


@store_app.command("prune")
def store_prune(
    older_than: Annotated[str, typer.Option(help="Age of raw answers to drop.")] = "90d",
    store: Place = None,
) -> None:
    """Drop old raw answers; the newest of each feed and those behind current events stay."""
    kept = open_store(store)
    dropped = kept.prune(span_of(older_than), now=clock())
    typer.echo(f"{kept.name}: {dropped.bodies} answers dropped, {dropped.bytes} bytes", err=True)


@store_app.command("copy")
def store_copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="A file or an address.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Another; it must hold nothing yet.")],
) -> None:
    """Copy a whole store to another place, such as from a file to a server, and compare both."""
    from layers.store.copy import copy

    old, new = open_store(source), open_store(target)
    rows = copy(old, new)
    told = ", ".join(f"{count} {table}" for table, count in rows.items() if count)
    typer.echo(f"{old.name} copied to {new.name}, both sound: {told}", err=True)
