"""What many commands take and open: places, importers, the world, the store, a day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corridors.cli.terminal import Format, Shape, country_code, progress
from layers.errors import UnknownIdError, UsageError
from layers.memory import remember

if TYPE_CHECKING:
    from corridors.risk.monitor import Impacts
    from corridors.whatif.engine import Engine
    from layers.flows import Kept, Taken
    from layers.store import Store
    from layers.world import World


Place = Annotated[
    str | None,
    typer.Option(
        "--store", help="File of the store or postgresql://user@host/db; else $CORRIDORS_STORE."
    ),
]


Base = Annotated[
    str | None, typer.Option("--url-base", help="Ask this address in place of every publisher.")
]


Audience = Annotated[
    str | None,
    typer.Option(
        "--audience",
        help="Who will read it: public, organisation or private. A file is public, the screen is "
        "private.",
    ),
]


Flows = Annotated[
    str | None,
    typer.Option(
        "--flows",
        envvar="CORRIDORS_FLOWS",
        help="Imported trade to rest on: baci:2022, faostat:2022/exporter.",
    ),
]


Importer = Annotated[
    str, typer.Option("--importer", "-i", help="ISO3 code, a group (EU27) or WLD for the world.")
]


Commodities = Annotated[
    list[str] | None, typer.Option("--commodity", "-c", help="Commodity id; may be given again.")
]


Year = Annotated[int, typer.Option(help="2024 is the base year.")]


Switches = Annotated[
    list[str] | None, typer.Option("--set", help="Named assumption, as malaysia_label=iran.")
]


Workers = Annotated[
    int,
    typer.Option("--workers", min=1, help="Processes that work; the answer stays the same."),
]


Scheduler = Annotated[
    str | None,
    typer.Option("--scheduler", help="Address of a Dask scheduler that works, tcp://host:8786."),
]


def shipped_world() -> World:
    """The world of the tables that come with the project."""
    from layers.world import load_world

    return load_world()


def open_world(flows: str | None = None, store: Path | str | None = None) -> tuple[World, str]:
    """The world, with imported trade when it is chosen, and what to say of that."""
    world = shipped_world()
    chosen = taken(world, flows, store)
    return (chosen.world, f"; {chosen.note}") if chosen else (world, "")


def taken(world: World, chosen: str | None, store: Path | str | None = None) -> Taken | None:
    """The world with imported trade; None when none is chosen.

    Raises
    ------
    UsageError
        For a choice that is no ``source:year``.
    UnknownIdError
        For one that was not imported.
    """
    if chosen is None:
        return None
    from layers.flows import parse_ref, take

    return take(world, kept_flows(store), parse_ref(chosen))


def kept_flows(store: Path | str | None) -> Kept:
    """Imported trade, beside the store."""
    from layers.flows import Kept
    from layers.flows.kept import default_folder

    return Kept(default_folder(store))


def open_store(place: str | None) -> Store:
    """The store of feeds at a place, else where it usually is."""
    from layers.store import Store

    return Store(place)


def clock() -> datetime:
    """The moment a command is given, in UTC."""
    return datetime.now(UTC)


def day_of(text: str) -> date:
    """A day as it is written.

    Raises
    ------
    UsageError
        For anything but ``2026-03-01``.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day such as 2026-03-01") from None


def leaves_screen(format: Shape, output: Path | None) -> bool:
    """Whether a table goes anywhere but to the screen of who asked."""
    return output is not None or format not in (None, Format.table)


def circle_of(audience: str | None, format: Shape, output: Path | None) -> str:
    """Who will read a table: whom the caller says, else everybody if it leaves the screen."""
    return audience or ("public" if leaves_screen(format, output) else "private")


def known_commodities(world: World, commodities: Sequence[str] | None) -> list[str] | None:
    """The commodities asked for; None for all.

    Raises
    ------
    UnknownIdError
        For one that the tables do not have.
    """
    known = list(world.commodities["commodity"])
    for wanted in commodities or ():
        if wanted not in known:
            raise UnknownIdError("commodity", wanted, known)
    return list(commodities) if commodities else None


ALL = "all"
REFERENCE = "参考等级,非政府发布预警 / analytical reference, not an official warning"


Importers = Annotated[
    list[str] | None,
    typer.Option("--importer", "-i", help="ISO3 code; may be given again; all for every country."),
]


def importer_codes(world: World, importers: list[str] | None) -> list[str]:
    """ISO3 codes of the importers asked for; China by default.

    Raises
    ------
    UnknownIdError
        For one that is no country.
    """
    if importers is None:
        return ["CHN"]
    if ALL in importers:
        return sorted(world.countries["country"])
    found = [country_code(world, text) for text in importers]
    known = list(world.countries["country"])
    for code in found:
        if code not in known:
            raise UnknownIdError("importer", code, known)
    return found


def calm_engine(world: World, commodities: Sequence[str] | None = None) -> Engine:
    """The engine of what-ifs for the world as it is, of some commodities or of all."""
    from corridors.whatif.engine import prepare

    return prepare(world, commodities=commodities, remember=remember, progress=progress)


def impacts_on(world: World) -> Impacts:
    """What a warning would mean for an importer, worked out when first asked for."""
    from corridors.risk import desk
    from corridors.whatif.engine import prepare

    # No bar: where several processes work, each makes the engine.
    return desk.impacts_of(world, partial(prepare, world, remember=remember), remember)


def span_of(text: str) -> timedelta:
    """A stretch of time from ``15m``, ``12h``, ``30d`` or ``6w``.

    Raises
    ------
    UsageError
        For anything else.
    """
    found = re.fullmatch(r"(\d+)([mhdw])", text)
    if not found:
        raise UsageError(f"a stretch of time is 15m, 12h, 30d or 6w, not {text!r}")
    units = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    return timedelta(**{units[found[2]]: int(found[1])})
