"""Commands about levels: run the monitor, read its log, answer it, judge its record.

Levels are an analytical reference and no official warning.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corridors.cli.bulletins import Reader, Readers, deliver
from corridors.cli.options import (
    REFERENCE,
    Audience,
    Commodities,
    Flows,
    Importers,
    Place,
    circle_of,
    clock,
    day_of,
    impacts_on,
    importer_codes,
    known_commodities,
    open_store,
    open_world,
    shipped_world,
)
from corridors.cli.terminal import Output, Shape, emit, emit_more
from layers.errors import UnknownIdError, UsageError

if TYPE_CHECKING:
    import pandas as pd

    from corridors.risk.alert import Alert
    from corridors.risk.monitor import Told
    from layers.store import Store
    from layers.world import World


warn_app = typer.Typer(
    no_args_is_help=True, help="Levels: run the monitor, read its log, judge its record."
)


class Verdict(StrEnum):
    """What a reader found a warning to be."""

    true = "true"
    false = "false"
    late = "late"
    useless = "useless"


class Decision(StrEnum):
    """What a person decides of an old alarm."""

    confirm = "confirm"
    rebase = "rebase"


Who = Annotated[str, typer.Option(help="Your name or post, as it shall stand in the log.")]


Note = Annotated[str, typer.Option(help="A sentence for the log.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(warn_app, name="warn")


@warn_app.command("run")
def warn_run(
    importer: Importers = None,
    commodity: Commodities = None,
    webhook: Annotated[
        str | None, typer.Option(help="Send new CAP messages there; else $CORRIDORS_WEBHOOK.")
    ] = None,
    flows: Flows = None,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Weigh what the store holds, write what there is to say into the log, and say it."""
    (world, said), kept, now = open_world(flows, store), open_store(store), clock()
    told = _run(world, kept, importer, commodity, now)
    note = f"{len(told.alerts)} new entries; {_known_to(kept)}{_old(told)}; {REFERENCE}{said}"
    emit(world, "warnings", note, _table(told.alerts, now), format, output)
    address = webhook or os.environ.get("CORRIDORS_WEBHOOK", "")
    if address:
        deliver(world, kept, address, now)


def judge(importers: list[str], store: str | None, flows: str | None = None) -> str:
    """One run of the monitor, delivered where a webhook is configured; what came of it in words."""
    (world, _), kept, now = open_world(flows, store), open_store(store), clock()
    told = _run(world, kept, importers, None, now)
    address = os.environ.get("CORRIDORS_WEBHOOK", "")
    if address:
        deliver(world, kept, address, now)
    return f"{len(told.alerts)} new entries of the warning log{_old(told)}"


def _run(
    world: World,
    kept: Store,
    importers: list[str] | None,
    commodities: list[str] | None,
    now: datetime,
) -> Told:
    from corridors.risk import desk

    return desk.warn(
        world,
        kept,
        impacts_on(world),
        importer_codes(world, importers),
        now=now,
        commodities=known_commodities(world, commodities),
    )


@warn_app.command("list")
def warn_list(
    every: Annotated[bool, typer.Option("--all", help="Past entries too.")] = False,
    importer: Importers = None,
    commodity: Commodities = None,
    level: Annotated[str, typer.Option(help="This level or graver.")] = "blue",
    audience: Audience = None,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """The warnings that hold now, the gravest first; or the whole log."""
    from corridors.risk import desk
    from corridors.risk.alert import Level
    from corridors.risk.levels import current

    if level not in Level.__members__:
        raise UnknownIdError("level", level, list(Level.__members__))
    world, kept, now = shipped_world(), open_store(store), clock()
    log = [a for a in desk.alerts_of(kept) if _may_see(a, audience, format, output)]
    chosen = log[::-1] if every else sorted(current(log, now), key=lambda a: -a.level)
    if importer is not None:
        wanted = importer_codes(world, importer)
        chosen = [a for a in chosen if a.importer in wanted]
    if commodity is not None:
        named = known_commodities(world, commodity) or []
        chosen = [a for a in chosen if a.commodity in named]
    least = Level[level]
    chosen = [a for a in chosen if max(a.level, a.previous if every else a.level) >= least]
    note = f"{'all entries' if every else 'in force'}; {_known_to(kept)}; {REFERENCE}"
    emit(world, "warnings", note, _table(chosen, now), format, output)


@warn_app.command("show")
def warn_show(
    warning: Annotated[str, typer.Argument(help="Id of an entry, from list.")],
    audience: Audience = None,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Everything about one entry: figures, evidence, what came before, who has acknowledged it."""
    import pandas as pd

    from corridors.risk import desk

    world, kept, now = shipped_world(), open_store(store), clock()
    alert = desk.alert_of(kept, warning)
    circle = circle_of(audience, format, output)
    if not _may_see(alert, audience, format, output):
        raise UsageError(f"{warning} is {alert.visibility}: it is not for this audience ({circle})")
    thread = [a for a in desk.alerts_of(kept) if a.thread == alert.thread]
    said = kept.log(["acknowledgement", "feedback", "delivery"])["record"]
    evidence = _evidence([alert], circle)
    more = {
        "evidence": evidence,
        "thread": _table(thread, now),
        "answers": pd.DataFrame([r for r in said if r["alert"] == warning]),
    }
    emit(world, "warning", REFERENCE, _facts(alert), format, output, more=more)
    emit_more(world, more, format, output)


@warn_app.command("ack")
def warn_ack(
    warning: Annotated[str, typer.Argument(help="Id of an entry.")],
    reader: Readers = Reader.central_agency,
    who: Who = "",
    note: Note = "",
    verdict: Annotated[
        Verdict | None, typer.Option(help="What it turned out to be: kept as feedback.")
    ] = None,
    store: Place = None,
) -> None:
    """Acknowledge a warning, or say what it turned out to be."""
    from corridors.risk import desk

    if reader is Reader.all:
        raise UsageError("one reader acknowledges at a time: --reader embassy")
    kept, now = open_store(store), clock()
    alert = desk.alert_of(kept, warning)
    if verdict is not None:
        desk.judge(kept, alert, reader.value, verdict.value, now=now, who=who, note=note)
        typer.echo(f"{alert.id}: {verdict.value}, says {reader.value}", err=True)
        return
    desk.acknowledge(kept, alert, reader.value, now=now, who=who, note=note)
    typer.echo(f"{alert.id}: acknowledged by {reader.value}", err=True)


@warn_app.command("review")
def warn_review(
    element: Annotated[str, typer.Argument(help="Element whose alarm is old.")],
    decision: Annotated[Decision, typer.Option(help="Keep the frozen baseline, or start anew.")],
    day: Annotated[str, typer.Option(help="From which day, 2026-03-01; today by default.")] = "",
    who: Who = "",
    note: Note = "",
    store: Place = None,
) -> None:
    """Decide on an alarm that asks for review: its baseline stays frozen, or starts anew."""
    from corridors.risk import desk

    world, kept, now = shipped_world(), open_store(store), clock()
    if element not in world.elements():
        raise UnknownIdError("element", element, world.elements())
    from_day = day_of(day) if day else now.date()
    desk.review(kept, element, decision.value, from_day, now=now, who=who, note=note)
    typer.echo(f"{element}: {decision.value} from {from_day}", err=True)


@warn_app.command("scorecard")
def warn_scorecard(
    importer: Importers = None,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """The public record: hits, misses, false alarms, lead times, scores of what was forecast."""
    from corridors.risk import desk
    from corridors.risk.scorecard import scorecard

    world, kept, now = shipped_world(), open_store(store), clock()
    log = desk.alerts_of(kept)
    if importer is not None:
        wanted = importer_codes(world, importer)
        log = [a for a in log if a.importer in wanted]
    records = kept.log(["feedback", "acknowledgement"])
    by_kind = {kind: list(own["record"]) for kind, own in records.groupby("kind")}
    days = desk.known(world, kept, now=now).days
    card = scorecard(
        log,
        desk.happened(days),
        feedback=by_kind.get("feedback", []),
        acknowledgements=by_kind.get("acknowledgement", []),
        since=kept.log_began("run"),
    )
    more = {
        name: getattr(card, name)
        for name in ("forecasts", "reliability", "matrix", "feedback", "left_out")
    }
    emit(world, "scorecard", f"{card.note}; {REFERENCE}", card.levels, format, output, more=more)
    emit_more(world, more, format, output)


def _table(alerts: Sequence[Alert], now: datetime) -> pd.DataFrame:
    """Entries as rows, the words of a person who looks for what to do first."""
    import pandas as pd

    rows = [
        {
            "level": a.level.name,
            "importer": a.importer,
            "commodity": a.commodity,
            "element": a.element,
            "message": str(a.message),
            "previous": a.previous.name,
            "p_14": a.probability_14d,
            "p_30": a.probability_30d,
            "short_share": a.impact.short_share,
            "gap_share": a.impact.gap_share,
            "declared": a.status.declared,
            "observed_d": a.status.observed_d,
            "usual_d": a.status.usual_d,
            "data_to": a.status.data_to.date() if a.status.data_to else None,
            "state": _state(a, now),
            "reason": a.reason,
            "review_due": a.status.review_due,
            "sent": a.sent,
            "expires": a.expires,
            "visibility": a.visibility,
            "rules": a.rules,
            "vintage": a.vintage,
            "id": a.id,
        }
        for a in alerts
    ]
    return pd.DataFrame(rows, columns=WARNING_COLUMNS)


WARNING_COLUMNS = [
    *("level", "importer", "commodity", "element", "message", "previous", "p_14", "p_30"),
    *("short_share", "gap_share", "declared", "observed_d", "usual_d", "data_to", "state"),
    *("reason", "review_due", "sent", "expires", "visibility", "rules", "vintage", "id"),
]


def _state(alert: Alert, now: datetime) -> str:
    """Whether an entry holds: in force, held on old data, expired or all clear."""
    if not alert.level:
        return "all clear"
    if not alert.current(now):
        return "expired"
    return "held on old data" if alert.held else "in force"


def _facts(alert: Alert) -> pd.DataFrame:
    """Every field of an entry: ``field, value``."""
    import pandas as pd

    from corridors.risk.alert import to_record

    record = to_record(alert)
    rows: list[tuple[str, object]] = []
    for name, value in record.items():
        if isinstance(value, dict):
            rows += [(f"{name}.{part}", v) for part, v in value.items()]
        elif name not in ("evidence", "recent"):
            rows.append((name, value))
    return pd.DataFrame([(n, _shown(v)) for n, v in rows], columns=["field", "value"])


def _shown(value: object) -> str:
    if value is None:
        return "not known"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _evidence(alerts: Iterable[Alert], circle: str) -> pd.DataFrame:
    import pandas as pd

    from layers.events import may_see

    rows = [
        {
            "warning": a.id,
            "domain": e.domain,
            "text": e.text,
            "source": e.source,
            "at": e.at,
            "visibility": e.visibility,
        }
        for a in alerts
        for e in a.evidence
        if may_see(circle, e.visibility)
    ]
    return pd.DataFrame(rows)


def _may_see(alert: Alert, audience: str | None, format: Shape, output: Path | None) -> bool:
    from layers.events import may_see

    return may_see(circle_of(audience, format, output), alert.visibility)


def _old(told: Told) -> str:
    """A clause that says where nothing could be raised or lowered, for old traffic."""
    old = len(told.old)
    return f"; traffic of {old} elements is old: nothing raised or lowered there" if old else ""


def _known_to(kept: Store) -> str:
    """How old what the levels rest on is, in words."""
    runs = kept.log(["run"], newest=1)
    if runs.empty:
        return "the monitor was never run: corridors warn run"
    newest = runs["record"].iloc[-1]
    rests = newest["vintage"] or "no traffic"
    return f"run of {runs['at'].iloc[-1]:%Y-%m-%d %H:%MZ} on {rests}"
