"""The command line: choose, call, print. Data goes to standard output, talk to standard error.

Exit codes: 0 done, 1 data or model error, 2 usage.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import typer

from corridors.cli import (
    backtests,
    bulletins,
    exposure,
    feeds,
    flows,
    replays,
    scenarios,
    store,
    warn,
    watch,
    whatif,
)
from layers.errors import CorridorsError, UnknownIdError, UsageError

app = typer.Typer(
    name="corridors",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="What trade passes: straits, ports, railways and pipelines, for any importer.",
)


for part in (
    exposure,
    feeds,
    store,
    watch,
    flows,
    whatif,
    scenarios,
    backtests,
    warn,
    bulletins,
    replays,
):
    part.register(app)


@app.command("app", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def open_app(context: typer.Context) -> None:
    """Open the map in the browser; what follows goes to Streamlit (--server.port 8502)."""
    here = Path(__file__).resolve().parent.parent
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
