"""The command line: choose, call, print. Data goes to standard output, talk to standard error.

Exit codes: 0 done, 1 data or model error, 2 usage.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from corridors.cli import (
    backtests,
    bulletins,
    exposure,
    feeds,
    flows,
    health,
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
)


for part in (
    exposure,
    feeds,
    store,
    watch,
    health,
    flows,
    whatif,
    scenarios,
    backtests,
    warn,
    bulletins,
    replays,
):
    part.register(app)


def _say_version(asked: bool) -> None:
    """Say which version this is, and stop."""
    from importlib.metadata import PackageNotFoundError, version

    if asked:
        try:
            typer.echo(f"corridors {version('corridors')}")
        except PackageNotFoundError:
            typer.echo("corridors, from a folder that is not installed")
        raise typer.Exit


@app.callback()
def before(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Which one.")
    ] = False,
) -> None:
    """What trade passes: straits, ports, railways and pipelines, for any importer."""


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
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a console of another encoding lacks our signs
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except (UnknownIdError, UsageError) as error:
        typer.echo(f"corridors: {error}", err=True)
        sys.exit(2)
    except CorridorsError as error:
        typer.echo(f"corridors: {error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS):
            raise
        typer.echo(f"corridors: cannot be written: {error.strerror}", err=True)
        with contextlib.suppress(OSError):
            sys.stdout.close()  # else Python tries to write the rest, and says so
        sys.exit(1)
