"""Commands about early warning: levels and their log, bulletins, replays, drills, the record.

Levels are an analytical reference and no official warning; a drill says it is an exercise.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from corridors.cli_feeds import Audience, Place
from corridors.terminal import Output, Shape, country_code, emit, progress
from layers.errors import UnknownIdError, UsageError
from layers.schema import READERS

if TYPE_CHECKING:
    import pandas as pd

    from corridors.risk.alert import Alert
    from corridors.risk.bulletin.briefing import Context
    from corridors.risk.bulletin.formats import Publisher
    from corridors.risk.monitor import Impacts, Told
    from corridors.whatif.engine import Engine
    from layers.store import Store
    from layers.world import World

warn_app = typer.Typer(
    no_args_is_help=True, help="Levels: run the monitor, read its log, judge its record."
)

REFERENCE = "参考等级,非政府发布预警 / analytical reference, not an official warning"
EXERCISE = "exercise (演习)"
ALL = "all"

Importers = Annotated[
    list[str] | None,
    typer.Option("--importer", "-i", help="ISO3 code; may be given again; all for every country."),
]
Commodities = Annotated[
    list[str] | None, typer.Option("--commodity", "-c", help="Commodity id; may be given again.")
]


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


Readers = Annotated[Reader, typer.Option("--reader", help="Whom it is for.")]
Who = Annotated[str, typer.Option(help="Your name or post, as it shall stand in the log.")]
Note = Annotated[str, typer.Option(help="A sentence for the log.")]


def register(app: typer.Typer, backtest: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(warn_app, name="warn")
    for command in (bulletin, replay, drill):
        app.command()(command)
    backtest.command("warnings")(backtest_warnings)


@warn_app.command("run")
def warn_run(
    importer: Importers = None,
    commodity: Commodities = None,
    webhook: Annotated[
        str | None, typer.Option(help="Send new CAP messages there; else $CORRIDORS_WEBHOOK.")
    ] = None,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Weigh what the store holds, write what there is to say into the log, and say it."""
    world, kept, now = _world(), _store(store), _now()
    told = _run(world, kept, importer, commodity, now)
    note = f"{len(told.alerts)} new entries; {_known_to(kept)}{_old(told)}; {REFERENCE}"
    emit(world, "warnings", note, _table(told.alerts, now), format, output)
    address = webhook or os.environ.get("CORRIDORS_WEBHOOK", "")
    if address:
        _deliver(world, kept, address, now)


def judge(importers: list[str], store: str | None) -> str:
    """One run of the monitor, delivered where a webhook is configured; what came of it in words."""
    world, kept, now = _world(), _store(store), _now()
    told = _run(world, kept, importers, None, now)
    address = os.environ.get("CORRIDORS_WEBHOOK", "")
    if address:
        _deliver(world, kept, address, now)
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
        _impacts(world),
        _importers(world, importers),
        now=now,
        commodities=_commodities(world, commodities),
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
    world, kept, now = _world(), _store(store), _now()
    log = [a for a in desk.alerts_of(kept) if _may_see(a, audience, format, output)]
    chosen = log[::-1] if every else sorted(current(log, now), key=lambda a: -a.level)
    if importer is not None:
        wanted = _importers(world, importer)
        chosen = [a for a in chosen if a.importer in wanted]
    if commodity is not None:
        named = _commodities(world, commodity) or []
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

    world, kept, now = _world(), _store(store), _now()
    alert = desk.alert_of(kept, warning)
    circle = _circle(audience, format, output)
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
    if format is None and output is None:
        for name, table in more.items():
            if len(table):
                emit(world, name, "", table, None, None)


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
    kept, now = _store(store), _now()
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

    world, kept, now = _world(), _store(store), _now()
    if element not in world.elements():
        raise UnknownIdError("element", element, world.elements())
    from_day = _day(day) if day else now.date()
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

    world, kept, now = _world(), _store(store), _now()
    log = desk.alerts_of(kept)
    if importer is not None:
        wanted = _importers(world, importer)
        log = [a for a in log if a.importer in wanted]
    records = kept.log(["feedback", "acknowledgement", "run"])
    by_kind = {kind: list(own["record"]) for kind, own in records.groupby("kind")}
    days = desk.known(world, kept, now=now).days
    runs = records.loc[records["kind"] == "run", "at"]
    card = scorecard(
        log,
        desk.happened(days),
        feedback=by_kind.get("feedback", []),
        acknowledgements=by_kind.get("acknowledgement", []),
        since=runs.min().to_pydatetime() if len(runs) else None,
    )
    more = {
        name: getattr(card, name)
        for name in ("forecasts", "reliability", "matrix", "feedback", "left_out")
    }
    emit(world, "scorecard", f"{card.note}; {REFERENCE}", card.levels, format, output, more=more)
    _also(world, more, format, output)


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

    world, kept, now = _world(), _store(store), _now()
    alert = desk.alert_of(kept, warning)
    feeds = desk.known(world, kept, now=now).feeds
    around = desk.around(_engine(world), alert, feeds, contact=contact)
    _write_bulletins(
        world,
        [(alert, around)],
        _readers(reader),
        [x.value for x in lang or list(Lang)],
        format,
        audience or "public",
        _publisher(sender, format, lang),
        output,
        now,
    )


def replay(
    first: Annotated[str, typer.Option("--from", help="First day, 2023-11-01.")],
    last: Annotated[str, typer.Option("--to", help="Last day.")],
    importer: Importers = None,
    commodity: Commodities = None,
    changes: Annotated[
        bool, typer.Option("--changes", help="Only the days on which something was said anew.")
    ] = False,
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """What the monitor would have said each day, with what was published by then."""
    from corridors.risk import desk
    from corridors.risk.replay import replay as play

    world, kept = _world(), _store(store)
    begin, end = _day(first), _day(last)
    if end < begin:
        raise UsageError(f"--to {last} is before --from {first}")
    observations = kept.observations(feeds=[desk.TRAFFIC], every_vintage=True)
    if observations.empty:
        raise UsageError(
            "the store holds no traffic to replay: corridors feeds refresh portwatch_chokepoints, "
            "or corridors feeds import FILE (the CSV the PortWatch portal offers)"
        )
    played = play(
        world,
        observations,
        kept.events(every_version=True),
        _impacts(world),
        _importers(world, importer),
        first=begin,
        last=end,
        commodities=_commodities(world, commodity),
        progress=progress,
    )
    table = played.days
    if changes:
        news = {
            (a.sent.date(), a.element, a.importer, a.commodity) for a in played.alerts if _news(a)
        }
        keys = zip(*(table[c] for c in ("day", "element", "importer", "commodity")), strict=True)
        table = table[[key in news for key in keys]].reset_index(drop=True)
    note = f"{first} to {last}, publication lag included; trade of today; {REFERENCE}"
    emit(world, "replay", note, table, format, output)


def drill(
    scenario: Annotated[str, typer.Argument(help="Id of the library, or a .toml file.")],
    importer: Importers = None,
    commodity: Commodities = None,
    start: Annotated[str, typer.Option(help="Day of the break; today by default.")] = "",
    seed: Annotated[int, typer.Option(help="Of the traffic drawn.")] = 1,
    bulletins: Annotated[
        Path | None, typer.Option(help="Folder for the bulletins of every change of level.")
    ] = None,
    paper: Annotated[Paper, typer.Option(help="Their format.")] = Paper.md,
    format: Shape = None,
    output: Output = None,
) -> None:
    """Play a scenario through the whole chain as an exercise, with a timeline of injects."""
    from corridors.cli_whatif import engine_of, scenario_named
    from corridors.risk import desk
    from corridors.risk.drill import drill as play
    from corridors.whatif.answer import disturb

    world, now = _world(), _now()
    played_out = scenario_named(world, scenario)
    engine = engine_of(world, played_out)
    answer = disturb(engine, played_out)
    day = _day(start) if start else now.date()
    begin = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    played = play(
        answer,
        _importers(world, importer),
        start=begin,
        seed=seed,
        commodities=_commodities(world, commodity),
        progress=progress,
    )
    note = f"{EXERCISE}: {scenario}, from {day}; {REFERENCE}"
    emit(world, "drill", note, played.timeline, format, output)
    if bulletins is not None:
        news = [alert for alert in played.alerts if _news(alert)]
        pairs = [(alert, desk.around(engine, alert)) for alert in news]
        readers, langs = list(READERS), [x.value for x in Lang]
        publisher = _publisher("", paper, list(Lang))
        bulletins.mkdir(parents=True, exist_ok=True)
        _write_bulletins(world, pairs, readers, langs, paper, "public", publisher, bulletins, begin)


def backtest_warnings(
    store: Place = None,
    format: Shape = None,
    output: Output = None,
) -> None:
    """How good the warnings would have been, beside the rules of others, on the series held."""
    from corridors.risk import desk
    from corridors.risk.skill import measures, skill

    world, kept = _world(), _store(store)
    days = desk.known(world, kept, now=_now()).days
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
    _also(world, more, format, output)


# --- what the commands share ----------------------------------------------------------------------


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


def _circle(audience: str | None, format: Shape, output: Path | None) -> str:
    """Who will read: whom the caller says, else everybody if it leaves the screen."""
    leaves = output is not None or (format is not None and format.value != "table")
    return audience or ("public" if leaves else "private")


def _may_see(alert: Alert, audience: str | None, format: Shape, output: Path | None) -> bool:
    from layers.events import may_see

    return may_see(_circle(audience, format, output), alert.visibility)


def _news(alert: Alert) -> bool:
    return alert.level is not alert.previous


def _also(
    world: World, more: Mapping[str, pd.DataFrame], format: Shape, output: Path | None
) -> None:
    """Further tables on the screen; files that have room hold them already."""
    if output is None and (format is None or format.value == "table"):
        for name, table in more.items():
            if len(table):
                emit(world, name, "", table, None, None)


def _write_bulletins(
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
    import sys

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


def _publisher(sender: str, paper: Paper, langs: Sequence[Lang] | None) -> Publisher:
    from corridors.risk.bulletin.formats import DRAFT, Publisher
    from corridors.risk.bulletin.formats.fonts import chinese_font

    needs_font = paper is Paper.pdf and (langs is None or Lang.zh in langs)
    return Publisher(
        sender=sender or os.environ.get("CORRIDORS_SENDER", "") or DRAFT,
        font=str(chinese_font()) if needs_font else None,
    )


def _readers(reader: Reader) -> list[str]:
    return list(READERS) if reader is Reader.all else [reader.value]


def _deliver(world: World, kept: Store, address: str, now: datetime) -> None:
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
    publisher = _publisher("", Paper.cap, [])
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
    found = deliver_all(address, letters, secret=secret, now=_now)
    if found:
        pairs = zip(chosen, found, strict=True)
        kept.append([("delivery", now, record_of(a.id, address, d)) for a, d in pairs])
    sent = sum(d.outcome == "delivered" for d in found)
    typer.echo(f"webhook {host_of(address)}: {sent} of {len(found)} delivered", err=True)


KEPT_TRYING = timedelta(days=7)


def _importers(world: World, importers: list[str] | None) -> list[str]:
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


def _commodities(world: World, commodities: list[str] | None) -> list[str] | None:
    known = list(world.commodities["commodity"])
    for wanted in commodities or ():
        if wanted not in known:
            raise UnknownIdError("commodity", wanted, known)
    return commodities


def _impacts(world: World) -> Impacts:
    from corridors.risk import desk
    from layers.memory import remember

    return desk.impacts_of(world, cache(lambda: _engine(world)), remember)


def _engine(world: World) -> Engine:
    from corridors.whatif.engine import prepare
    from layers.memory import remember

    return prepare(world, remember=remember, progress=progress)


def _old(told: Told) -> str:
    """A clause that says where nothing could be raised or lowered, for old traffic."""
    old = len(told.old)
    return f"; traffic of {old} elements is old: nothing raised or lowered there" if old else ""


def _known_to(kept: Store) -> str:
    """How old what the levels rest on is, in words."""
    runs = kept.log(["run"])
    if runs.empty:
        return "the monitor was never run: corridors warn run"
    newest = runs["record"].iloc[-1]
    rests = newest["vintage"] or "no traffic"
    return f"run of {runs['at'].iloc[-1]:%Y-%m-%d %H:%MZ} on {rests}"


def _world() -> World:
    from layers.world import load_world

    return load_world()


def _store(place: str | None) -> Store:
    from layers.store import Store

    return Store(place)


def _now() -> datetime:
    return datetime.now(UTC)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day such as 2026-03-01") from None
