"""The command that says whether all works, for whoever keeps a server running."""

from __future__ import annotations

from typing import Annotated

import typer

from corridors.cli.options import Place, clock, open_store, span_of


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(health)


def health(
    late: Annotated[
        str | None,
        typer.Option(help="Bad when a feed was due longer ago than this: 1h, 2d. Else not asked."),
    ] = None,
    url: Annotated[
        str, typer.Option(help="Ask there too whether an app is up: http://…/_stcore/health")
    ] = "",
    store: Place = None,
) -> None:
    """Whether tables, store and feeds are fit for use. Exit code 1 when something is not."""
    from layers.health import health as look
    from layers.source import feeds

    span = span_of(late) if late else None
    findings = look(open_store(store), feeds(), now=clock(), late=span, url=url)
    for found in findings:
        typer.echo(f"{found.of}: {'well' if found.well else 'BAD'}, {found.told}", err=True)
    if not all(found.well for found in findings):
        raise typer.Exit(1)
