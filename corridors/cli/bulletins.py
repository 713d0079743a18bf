"""The command for bulletins, and their way out: files, folders, a webhook."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corridors.cli.options import (
    REFERENCE,
    Audience,
    Place,
    calm_engine,
    clock,
    open_store,
    shipped_world,
)
from layers.errors import UsageError
from layers.tables import READERS

if TYPE_CHECKING:
    from corridors.risk.alert import Alert
    from corridors.risk.bulletin.briefing import Context
    from corridors.risk.bulletin.formats import Publisher
    from layers.store import Store
    from layers.world import World


KEPT_TRYING = timedelta(days=7)


class Reader(StrEnum):
    """Whom a bulletin is for."""

    central_agency = "central_agency"
    local_government = "local_government"
    embassy = "embassy"
    security_company = "security_company"
    enterprise = "enterprise"
    all = "all"


class Lang(StrEnum):
    """Languages of bulletins."""

    en = "en"
    zh = "zh"


class Paper(StrEnum):
    """Formats of bulletins."""

    cap = "cap"
    atom = "atom"
    geojson = "geojson"
    md = "md"
    html = "html"
    pdf = "pdf"


Readers = Annotated[Reader, typer.Option("--reader", help="Whom it is for.")]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(bulletin)


def bulletin(
    warning: Annotated[str, typer.Argument(help="Id of an entry, from warn list.")],
    reader: Readers = Reader.central_agency,
    lang: Annotated[
        list[Lang] | None, typer.Option(help="en or zh; may be given again; both by default.")
    ] = None,
    format: Annotated[Paper, typer.Option("--format", "-f", help="Format.")] = Paper.md,
    audience: Audience = None,
    sender: Annotated[
        str, typer.Option(help="Host name you send under; without one CAP is a draft.")
    ] = "",
    contact: Annotated[str, typer.Option(help="Whom to call; else a placeholder.")] = "",
    store: Place = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File, or a folder for many.")
    ] = None,
) -> None:
    """One warning as a bulletin for a reader, in English and Chinese."""
    from corridors.risk import desk

    world, kept, now = shipped_world(), open_store(store), clock()
    alert = desk.alert_of(kept, warning)
    feeds = desk.known(world, kept, now=now).feeds
    around = desk.around(calm_engine(world), alert, feeds, contact=contact)
    write_bulletins(
        world,
        [(alert, around)],
        _readers(reader),
        [x.value for x in lang or list(Lang)],
        format,
        audience or "public",
        publisher_of(sender, format, lang),
        output,
        now,
    )


def write_bulletins(
    world: World,
    pairs: Sequence[tuple[Alert, Context]],
    readers: Sequence[str],
    langs: Sequence[str],
    paper: Paper,
    audience: str,
    publisher: Publisher,
    output: Path | None,
    now: datetime,
) -> None:
    """Each alert for each reader: to standard output, a file, or a folder of them.

    Raises
    ------
    UsageError
        When more than one bulletin, or a PDF, has no place to go.
    """
    from corridors.export import write
    from corridors.risk.bulletin import bulletin as made
    from corridors.risk.bulletin.formats import FORMATS

    many = len(pairs) * len(readers) > 1
    if output is None and (many or paper is Paper.pdf):
        raise UsageError("several bulletins, or a PDF, need a place: -o FOLDER or -o FILE")
    if many and output is not None:
        output.mkdir(parents=True, exist_ok=True)
    for alert, around in pairs:
        for reader in readers:
            texts = [
                made(alert, reader, lang, world, context=around, now=now, audience=audience)
                for lang in langs
            ]
            content = FORMATS[paper.value](texts, alert, world, publisher)
            if output is None:
                sys.stdout.buffer.write(content)
                continue
            suffix = "xml" if paper in (Paper.cap, Paper.atom) else paper.value
            inside = output / f"{alert.id}-{reader}.{suffix}"
            place = inside if output.is_dir() else output
            write(place, content)
            typer.echo(f"{place}: {alert.level.name}, {reader}. {REFERENCE}", err=True)


def publisher_of(sender: str, paper: Paper, langs: Sequence[Lang] | None) -> Publisher:
    """Under whose name bulletins go out, with a Chinese font where one is needed."""
    from corridors.risk.bulletin.formats import DRAFT, Publisher
    from corridors.risk.bulletin.formats.fonts import chinese_font

    needs_font = paper is Paper.pdf and (langs is None or Lang.zh in langs)
    return Publisher(
        sender=sender or os.environ.get("CORRIDORS_SENDER", "") or DRAFT,
        font=str(chinese_font()) if needs_font else None,
    )


def _readers(reader: Reader) -> list[str]:
    return list(READERS) if reader is Reader.all else [reader.value]


def deliver(world: World, kept: Store, address: str, now: datetime) -> None:
    """Send what is in force and was not delivered yet; what fails is tried at the next run."""
    from corridors.risk import desk
    from corridors.risk.bulletin import bulletin as made
    from corridors.risk.bulletin.briefing import surrounded
    from corridors.risk.bulletin.formats import FORMATS, MEDIA
    from corridors.risk.levels import current
    from layers.webhook import Letter, deliver_all, host_of, record_of, undelivered

    log = kept.log(["alert", "delivery"], since=now - KEPT_TRYING)
    waiting = set(undelivered(log, host_of(address)))
    public = [a for a in current(desk.alerts_of(kept), now) if a.visibility == "public"]
    chosen = [a for a in public if a.id in waiting]
    publisher = publisher_of("", Paper.cap, [])
    letters = []
    for alert in chosen:
        around = surrounded(alert.element, world)
        texts = [
            made(alert, "central_agency", lang.value, world, context=around, now=now)
            for lang in Lang
        ]
        letters.append(
            Letter(alert.id, FORMATS["cap"](texts, alert, world, publisher), MEDIA["cap"])
        )
    secret = os.environ.get("CORRIDORS_WEBHOOK_SECRET", "")
    found = deliver_all(address, letters, secret=secret, now=clock)
    if found:
        pairs = zip(chosen, found, strict=True)
        kept.append([("delivery", now, record_of(a.id, address, d)) for a, d in pairs])
    sent = sum(d.outcome == "delivered" for d in found)
    typer.echo(f"webhook {host_of(address)}: {sent} of {len(found)} delivered", err=True)
