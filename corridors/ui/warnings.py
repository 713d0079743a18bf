"""What the warnings page tells, found from the warning log and the store; nothing is drawn here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from corridors.demand import members_of
from corridors.risk import desk
from corridors.risk.alert import Alert, Level, Message
from corridors.risk.bulletin import Bulletin, bulletin
from corridors.risk.bulletin.briefing import Context
from corridors.risk.bulletin.words import age_days, day, figure, moment
from corridors.risk.bulletin.words import word as told
from corridors.risk.levels import Reason, current, subject_of
from corridors.risk.monitor import OLD_TRAFFIC, Told
from corridors.risk.replay import Replay, replay
from corridors.risk.scorecard import ALL, FEW, Scorecard, scorecard
from corridors.ui import sentences, shared
from corridors.ui.words import word
from corridors.whatif.engine import Engine, prepare
from layers.errors import CorridorsError
from layers.memory import remember
from layers.store import Store
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

Stamp = tuple[str, int, int]
"""Path of the store, and what changes whenever it is written."""

STATE_WORDS = ("in_force", "held", "expired", "clear", "replaced")
RECENT = timedelta(days=30)
"""How long an expired level or an all-clear is still shown."""
LATE_RUN = timedelta(days=1)
LONGEST_REPLAY_D, BEFORE_D = 40, 5
LATEST = "latest"


@dataclass(frozen=True)
class Log:
    """The warning log as the page needs it.

    Attributes
    ----------
    alerts
        Every entry, oldest first.
    answers
        Acknowledgements and feedback: kind, moment, record.
    run_at, judged
        When the monitor was last run, and what it has judged for each importer: the last day of
        traffic of each element; None and empty when it was never run.
    since
        When it was first run.
    """

    alerts: tuple[Alert, ...] = ()
    answers: tuple[tuple[str, datetime, Mapping[str, Any]], ...] = ()
    run_at: datetime | None = None
    judged: Mapping[str, Mapping[str, date]] = field(default_factory=dict)
    since: datetime | None = None

    def judged_for(self, importers: Iterable[str]) -> dict[str, date]:
        """The newest day of traffic that was judged of each element for any of some importers."""
        found: dict[str, date] = {}
        for importer in importers:
            for element, newest in self.judged.get(importer, {}).items():
                found[element] = max(newest, found.get(element, newest))
        return found


@dataclass(frozen=True)
class Watch:
    """How far the levels of an importer can be believed.

    Attributes
    ----------
    state
        ``never``: the monitor was never run. ``elsewhere``: not for this importer. ``blind``: it
        had no traffic at all. ``old``: its traffic is too old to judge. ``late``: it was last run
        more than a day ago. ``fine``: none of these.
    data_to, age_d
        Last day of traffic and its age in days; None without.
    """

    state: str
    data_to: date | None = None
    age_d: int | None = None


@dataclass(frozen=True)
class Cell:
    """A place of the matrix: the gravest entry there and how it stands; None where there is none.

    Attributes
    ----------
    state
        Of ``STATE_WORDS``; ``quiet`` where the monitor looked and found no level.
    """

    state: str
    alert: Alert | None = None


@dataclass(frozen=True)
class Matrix:
    """Levels by commodity (of one importer) or importer (of many) and element.

    Attributes
    ----------
    by
        ``commodity`` or ``importer``: what a row is.
    rows, columns
        Ids.
    cells
        By row and column.
    absent
        Commodities that the importer has no imports of in the data.
    calm
        Elements whose traffic was judged, and where no row has a level.
    """

    by: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: Mapping[tuple[str, str], Cell]
    absent: tuple[str, ...]
    calm: tuple[str, ...]


# ---- what is kept


def now() -> datetime:
    """The moment by our clock, UTC."""
    return datetime.now(UTC)


def stamp(store: Store) -> Stamp:
    """What is different whenever the store was written."""
    path = Path(store.path)
    files = [f for f in (path, path.with_name(f"{path.name}.wal")) if f.is_file()]
    found = [f.stat() for f in files]
    changed = max((s.st_mtime_ns for s in found), default=0)
    return str(path), changed, sum(s.st_size for s in found)


@st.cache_resource(show_spinner=False, max_entries=4)
def read(mark: Stamp) -> Log:
    """The warning log as it is in the store of that stamp.

    Raises
    ------
    CorridorsError
        When it can't be read.
    """
    table = Store(mark[0]).log(["run", "acknowledgement", "feedback"])
    alerts = tuple(desk.alerts_of(Store(mark[0])))
    rows = [(str(r["kind"]), _moment(r["at"]), dict(r["record"])) for r in records(table)]
    runs = [(at, record) for kind, at, record in rows if kind == "run"]
    answers = tuple(row for row in rows if row[0] != "run")
    if not runs:
        return Log(alerts, answers)
    at, record = runs[-1]
    try:
        judged = {
            str(importer): {str(e): date.fromisoformat(d) for e, d in group["days"].items()}
            for group in record["judged"]
            for importer in group["importers"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise CorridorsError(f"the last run in the warning log can't be read: {error}") from error
    return Log(alerts, answers, at, judged, runs[0][0])


@st.cache_resource(show_spinner=False)
def engine() -> Engine:
    """The calm world ready to be disturbed, made once for all readers."""
    return prepare(shared.load()[0], remember=remember)


@st.cache_resource(show_spinner=False, max_entries=2)
def known(mark: Stamp, hour: str) -> desk.Known:
    """What the store holds that the monitor looks at, looked at once an hour."""
    return desk.known(shared.load()[0], Store(mark[0]), now=now())


def known_now(mark: Stamp) -> desk.Known:
    """What the store holds that the monitor looks at."""
    return known(mark, f"{now():%Y-%m-%dT%H}")


@st.cache_resource(show_spinner=False, max_entries=64)
def around(mark: Stamp, id: str) -> Context:
    """What bulletins tell besides the alert."""
    return desk.around(engine(), desk.alert_of(Store(mark[0]), id), known_now(mark).feeds)


@st.cache_resource(show_spinner=False)
def replays() -> dict[tuple[object, ...], Replay]:
    """Replays played so far, for all readers."""
    return {}


# ---- what stands


def state_of(alert: Alert, at: datetime, *, last: bool = True) -> str:
    """How an entry stands: in force, held on old data, expired, all clear, or replaced."""
    if not last:
        return "replaced"
    if not alert.level or alert.message is Message.cancel:
        return "clear"
    if not alert.current(at):
        return "expired"
    return "held" if alert.held else "in_force"


def heads(alerts: Iterable[Alert]) -> list[Alert]:
    """The last entry of every subject, the gravest first."""
    last = {subject_of(alert): alert for alert in alerts if not alert.exercise}
    return sorted(last.values(), key=lambda a: (-a.level, a.importer, a.element, a.commodity))


def of_importer(world: World, alerts: Iterable[Alert], importer: str) -> list[Alert]:
    """Entries about an importer, or about the members of a group."""
    members = members_of(world, importer)
    return [alert for alert in alerts if alert.importer in members]


def watch_of(world: World, log: Log, importer: str, at: datetime) -> Watch:
    """How far the levels of an importer can be believed."""
    if log.run_at is None:
        return Watch("never")
    members = members_of(world, importer)
    if not members & set(log.judged):
        return Watch("elsewhere")
    days = log.judged_for(members)
    if not days:
        return Watch("blind")
    newest = max(days.values())
    age = at - datetime(newest.year, newest.month, newest.day, tzinfo=UTC)
    state = "late" if at - log.run_at > LATE_RUN else "fine"
    state = "old" if age > OLD_TRAFFIC else state
    return Watch(state, newest, max(0, age.days))


def matrix(world: World, log: Log, importer: str, at: datetime) -> Matrix:
    """Levels by commodity and element, or by importer and element for a group."""
    members = members_of(world, importer)
    by = "commodity" if members == {importer} else "importer"
    own = of_importer(world, log.alerts, importer)
    shown = [a for a in heads(own) if a.current(at) or at - min(a.expires, at) <= RECENT]
    cells: dict[tuple[str, str], Cell] = {}
    order = {state: place for place, state in enumerate(STATE_WORDS)}
    for alert in sorted(shown, key=lambda a: (order[state_of(a, at)], -a.level)):
        row = alert.commodity if by == "commodity" else alert.importer
        cells.setdefault((row, alert.element), Cell(state_of(alert, at), alert))
    struck = {element for _, element in cells}
    columns = tuple(e for e in world.elements() if e in struck)
    if by == "importer":
        graves = {
            r: max(c.alert.level for (x, _), c in cells.items() if x == r and c.alert)
            for r, _ in cells
        }
        rows = tuple(sorted(graves, key=lambda r: (-graves[r], r)))
        absent: tuple[str, ...] = ()
    else:
        flows = world.flows[(world.flows["importer"] == importer) & (world.flows["quantity_t"] > 0)]
        bought = {*flows["commodity"], *(row for row, _ in cells)}
        ids = world.commodities["commodity"].tolist()
        rows = tuple(c for c in ids if c in bought)
        absent = tuple(c for c in ids if c not in bought)
    for row in rows:
        for column in columns:
            cells.setdefault((row, column), Cell("quiet"))
    judged = log.judged_for(members)
    calm = tuple(e for e in world.elements() if e in judged and e not in struck)
    return Matrix(by, rows, columns, cells, absent, calm)


def gravest(world: World, log: Log, importer: str, at: datetime) -> list[Alert]:
    """What is in force for an importer, the gravest first."""
    own = of_importer(world, log.alerts, importer)
    return sorted(
        (a for a in current(own, at) if not a.exercise),
        key=lambda a: (-a.level, a.importer, a.element, a.commodity),
    )


def verdict(world: World, log: Log, importer: str, at: datetime, lang: str) -> str:
    """The page in one sentence."""
    name = sentences.in_sentence(world, importer, lang)
    watch = watch_of(world, log, importer, at)
    standing = gravest(world, log, importer, at)
    if not standing:
        key = {"never": "w_verdict_never", "elsewhere": "w_verdict_elsewhere"}
        key |= {"blind": "w_verdict_blind", "old": "w_verdict_old"}
        return word(key.get(watch.state, "w_verdict_none"), lang, importer=name)
    first = standing[0]
    parts = {
        "importer": sentences.place(world, first.importer, lang),
        "level": told(first.level.name, lang),
        "commodity": sentences.cargo(world, first.commodity, lang),
        "element": world.name(first.element, lang),
    }
    text = word("w_verdict", lang, **parts)
    more = len(standing) - 1
    return text + (word("w_verdict_more", lang, n=str(more)) if more else word("w_stop", lang))


def conditions(log: Log, watch: Watch, at: datetime, lang: str) -> str:
    """What the levels rest on, and that they are no official warning."""
    parts = []
    if log.run_at is not None:
        parts.append(
            word("w_run", lang, at=moment(log.run_at, lang), age=age(log.run_at, at, lang))
        )
    if watch.data_to is not None:
        to = datetime(watch.data_to.year, watch.data_to.month, watch.data_to.day, tzinfo=UTC)
        parts.append(word("w_data_to", lang, day=day(to, lang), days=str(watch.age_d)))
    parts.append(word("w_reference", lang))
    return " ".join(parts) if lang == "en" else "".join(parts)


def age(then: datetime, at: datetime, lang: str) -> str:
    """How long ago in words: minutes, hours or days."""
    seconds = max(0.0, (at - then).total_seconds())
    for size, key in ((86_400, "w_days"), (3_600, "w_hours"), (60, "w_minutes")):
        if seconds >= size:
            return word(key, lang, n=f"{seconds / size:.0f}")
    return word("w_now", lang)


def label(world: World, alert: Alert, at: datetime, lang: str, *, last: bool, group: bool) -> str:
    """An entry as a line to choose it by."""
    whom = [sentences.place(world, alert.importer, lang)] if group else []
    parts = [
        told(alert.level.name, lang),
        *whom,
        world.name(alert.commodity, lang),
        world.name(alert.element, lang),
        word(f"w_{state_of(alert, at, last=last)}", lang),
        f"{alert.sent:%Y-%m-%d %H:%MZ}",
    ]
    return " · ".join(parts)


def reason(alert: Alert, lang: str) -> str:
    """Why an entry was written, in words."""
    name = next((r.name for r in Reason if r.value == alert.reason), "")
    return told(f"reason_{name}", lang) if name else alert.reason


# ---- one entry


def vintage(alert: Alert, lang: str) -> str:
    """Which data an entry rests on, in words."""
    if lang == "en" or not alert.vintage:
        return alert.vintage or told("unknown", lang)
    text = alert.vintage
    for name in ("traffic", "feeds", "open", "restricted", "closed", "declared"):
        text = re.sub(rf"\b{name}\b ?", word(f"w_on_{name}", lang), text)
    return text.replace("; ", "；")


def chance(value: float, lang: str) -> str:
    """A probability in words; what is not known is called that."""
    if isnan(value):
        return told("unknown", lang)
    gap = "" if lang == "zh" else " "
    if value > 0.99:
        return f"> 99{gap}%"
    return sentences.percent(value, lang)


def declared(alert: Alert, lang: str) -> tuple[str, list[tuple[str, str]]]:
    """What is declared, and who said so when."""
    status = alert.status
    if not status.declared:
        return word("w_declared_none", lang), []
    rows = [(word("w_by", lang), status.declared_by or told("unknown", lang))]
    if status.declared_at is not None:
        rows.append((word("w_on", lang), day(status.declared_at, lang)))
    return told(status.declared, lang), rows


def observed(alert: Alert, at: datetime, lang: str) -> tuple[str, list[tuple[str, str]]]:
    """What is seen, beside the season; with the age of the data."""
    status, unknown = alert.status, told("unknown", lang)
    rows = [(word("w_usual", lang), figure(status.usual_d, lang))]
    share = unknown if isnan(status.ratio) else sentences.percent(status.ratio, lang)
    rows.append((word("w_ratio", lang), share))
    if status.alarm:
        text = word(f"w_{status.alarm}", lang)
        if status.since is not None:
            text = word("w_alarm_since", lang, what=text, day=day(status.since, lang))
        rows.append((word("w_alarm", lang), text))
    if status.data_to is not None:
        days = figure(age_days(status.data_to, at), lang)
        rows.append(
            (word("w_to", lang), word("w_day_age", lang, day=day(status.data_to, lang), days=days))
        )
    else:
        rows.append((word("w_to", lang), unknown))
    seen = status.observed_d
    big = unknown if isnan(seen) else word("w_ships", lang, n=figure(seen, lang))
    return big, rows


def impact(alert: Alert, lang: str) -> list[tuple[str, str]]:
    """What the importer would lose, figure by figure; not known is told as such."""
    found, unknown = alert.impact, told("unknown", lang)

    def share(value: float) -> str:
        return unknown if isnan(value) else sentences.percent(value, lang)

    def tonnes(value: float) -> str:
        return unknown if isnan(value) else sentences.tonnes(value, lang)

    def number(value: float, key: str) -> str:
        return unknown if isnan(value) else word(key, lang, n=figure(value, lang))

    tier = word(f"w_tier_{found.tier}", lang)
    return [
        (word("w_tier", lang), tier),
        (word("w_lost", lang), share(found.lost)),
        (word("w_through", lang), tonnes(found.through_t_y)),
        (word("w_short", lang, days=figure(found.days, lang)), tonnes(found.short_t)),
        (word("w_short_share", lang), share(found.short_share)),
        (word("w_gap_share", lang), share(found.gap_share)),
        (word("w_rerouted", lang), tonnes(found.rerouted_t_y)),
        (word("w_unmet", lang), tonnes(found.unmet_t_y)),
        (word("w_infeasible", lang), tonnes(found.infeasible_t_y)),
        (word("w_added_days", lang), number(found.added_days, "w_n_days")),
        (word("w_added_usd", lang), number(found.added_usd_t, "w_n_usd")),
        (word("w_cover", lang), number(found.cover_days, "w_n_days")),
    ]


def evidence(alert: Alert, at: datetime, lang: str) -> pd.DataFrame:
    """The evidence as rows: kind, text, source, day, age in days, circle.

    Reports are quoted; what the monitor itself wrote in English is said in the other language.
    """
    own = {"declared": "declaration", "exercise": "drill"}
    status = alert.status
    figures = (status.observed_d, status.usual_d, status.ratio)
    ours = {}
    if lang != "en" and status.declared:
        ours["declared"] = told("declared", lang, status=told(status.declared, lang))
    if lang != "en" and not any(map(isnan, figures)):
        now_d, usual_d = (figure(v, lang) for v in figures[:2])
        parts = {"now": now_d, "usual": usual_d, "ratio": sentences.percent(status.ratio, lang)}
        ours["traffic"] = word("w_evidence_traffic", lang, **parts)
    kinds = ("traffic", "feeds", "declaration", "structural", "drill")
    rows = []
    for found in alert.evidence:
        key = own.get(found.domain, found.domain)
        rows.append(
            {
                "kind": told(key if key in kinds else "other", lang),
                "text": ours.get(found.domain, found.text),
                "source": found.source,
                "at": found.at,
                "age_d": None if found.at is None else age_days(found.at, at),
                "visibility": told(found.visibility, lang),
            }
        )
    return pd.DataFrame(rows, columns=["kind", "text", "source", "at", "age_d", "visibility"])


def entries(
    world: World, alerts: Sequence[Alert], at: datetime, lang: str, *, group: bool
) -> pd.DataFrame:
    """Entries as rows, the newest first."""
    newest = {subject_of(a): a.id for a in alerts}
    rows = [
        {
            "sent": a.sent,
            "level": told(a.level.name, lang),
            "previous": told(a.previous.name, lang),
            "importer": sentences.place(world, a.importer, lang),
            "commodity": world.name(a.commodity, lang),
            "element": world.name(a.element, lang),
            "state": word(f"w_{state_of(a, at, last=newest[subject_of(a)] == a.id)}", lang),
            "reason": reason(a, lang),
            "expires": a.expires,
            "id": a.id,
        }
        for a in reversed(alerts)
    ]
    columns = ["sent", "level", "previous", "importer", "commodity", "element", "state"]
    columns += ["reason", "expires", "id"]
    table = pd.DataFrame(rows, columns=columns)
    return table if group else table.drop(columns="importer")


def spans(
    world: World, alerts: Sequence[Alert], at: datetime, lang: str, *, group: bool
) -> pd.DataFrame:
    """Stretches of time at a level: ``what, level, from, to``, one an entry that has a level."""
    following: dict[str, datetime] = {}
    rows = []
    for alert in reversed(alerts):
        end = min(alert.expires, following.get(alert.thread, alert.expires))
        following[alert.thread] = alert.sent
        if not alert.level:
            continue
        whom = f"{sentences.place(world, alert.importer, lang)} · " if group else ""
        rows.append(
            {
                "what": f"{whom}{world.name(alert.element, lang)} · "
                f"{world.name(alert.commodity, lang)}",
                "level": told(alert.level.name, lang),
                "from": alert.sent,
                "to": end,
            }
        )
    return pd.DataFrame(rows[::-1], columns=["what", "level", "from", "to"])


def answers(log: Log, id: str, lang: str) -> pd.DataFrame:
    """What readers said of an entry: who acknowledged it, and what it turned out to be."""
    rows = [
        {
            "at": at,
            "reader": told(str(record["reader"]), lang),
            "who": str(record.get("who", "")),
            "said": word("w_acknowledged", lang)
            if kind == "acknowledgement"
            else word(f"w_verdict_{record['verdict']}", lang),
            "note": str(record.get("note", "")),
        }
        for kind, at, record in log.answers
        if record["alert"] == id
    ]
    return pd.DataFrame(rows, columns=["at", "reader", "who", "said", "note"])


def written(
    mark: Stamp, alert: Alert, reader: str, langs: Sequence[str], audience: str
) -> list[Bulletin]:
    """The bulletins of an entry for a reader."""
    world, at = shared.load()[0], now()
    context = around(mark, alert.id)
    return [
        bulletin(alert, reader, lang, world, context=context, now=at, audience=audience)
        for lang in langs
    ]


# ---- deeds


def importers_to_run(world: World, log: Log, importer: str) -> list[str]:
    """Whom a run is for: those it was run for before, and whoever is looked at now."""
    countries = set(world.countries["country"])
    return sorted((members_of(world, importer) & countries) | (set(log.judged) & countries))


def run(mark: Stamp, importers: Sequence[str], said: Callable[[str], None]) -> Told:
    """What a run of the monitor had to say, written into the log; tells how far it is."""
    world = shared.load()[0]
    found = desk.impacts_of(world, engine, remember)

    def impacts(element: str, lost: float) -> pd.DataFrame:
        said(element)
        return found(element, lost)

    return desk.warn(world, Store(mark[0]), impacts, importers, now=now())


def acknowledge(mark: Stamp, alert: Alert, reader: str, who: str, note: str) -> None:
    """Write into the log that a reader has seen an entry."""
    at = now()
    record = {"alert": alert.id, "reader": reader, "who": who, "note": note, "at": at.isoformat()}
    Store(mark[0]).append([("acknowledgement", at, record)])


def judge(mark: Stamp, alert: Alert, reader: str, verdict: str, who: str, note: str) -> None:
    """Write into the log what an entry turned out to be."""
    record = {"alert": alert.id, "reader": reader, "verdict": verdict, "who": who, "note": note}
    Store(mark[0]).append([("feedback", now(), record)])


def card(mark: Stamp, log: Log, alerts: Sequence[Alert]) -> Scorecard:
    """The record of some entries beside what then happened."""
    days = known_now(mark).days
    return scorecard(
        alerts,
        desk.happened(days),
        feedback=[r for kind, _, r in log.answers if kind == "feedback"],
        acknowledgements=[r for kind, _, r in log.answers if kind == "acknowledgement"],
        since=log.since,
    )


def card_note(found: Scorecard, lang: str) -> str:
    """The size of the record in a sentence, with a warning when it is tiny."""
    levels = found.levels
    if levels.empty:
        return word("w_card_empty", lang)
    own = levels[levels["level"] == Level.blue.name]
    years = float(own.loc[own["element"] == ALL, "years"].sum())
    elements = int((own["element"] != ALL).sum())
    text = word(
        "w_card_size", lang, events=str(found.events), elements=str(elements), years=f"{years:.2f}"
    )
    return text + (word("w_card_few", lang) if found.events < FEW else "")


# ---- replay


def crises(world: World, days: pd.DataFrame) -> dict[str, tuple[date, date]]:
    """Days to play of past crises whose traffic the store holds, by id, and of the latest weeks."""
    if days.empty or not days["judged"].any():
        return {}
    judged = days[days["judged"].astype(bool)]
    grouped = judged.groupby("element")["day"]
    firsts = {str(e): pd.Timestamp(d) for e, d in grouped.min().items()}
    lasts = {str(e): pd.Timestamp(d) for e, d in grouped.max().items()}
    last = judged["day"].max().date()
    found = {LATEST: (last - timedelta(days=LONGEST_REPLAY_D - 10), last + timedelta(days=7))}
    for row in records(world.disruptions):
        element = str(row["elements"])
        if element not in firsts or not str(row["start"]):
            continue
        start = pd.Timestamp(str(row["start"]))
        if firsts[element] <= start <= lasts[element]:
            begin = start.date() - timedelta(days=BEFORE_D)
            found[str(row["disruption"])] = (begin, begin + timedelta(days=LONGEST_REPLAY_D))
    return found


def play(
    mark: Stamp,
    importers: Sequence[str],
    first: date,
    last: date,
    progress: Callable[[Sequence[str], str], Iterable[str]],
) -> Replay:
    """What the monitor would have said on those days, kept for all readers."""
    world, kept = shared.load()[0], replays()
    key = (mark, tuple(importers), first, last)
    if key not in kept:
        store = Store(mark[0])
        if len(kept) >= 16:
            kept.clear()
        kept[key] = replay(
            world,
            store.observations(feeds=[desk.TRAFFIC], every_vintage=True),
            store.events(every_version=True),
            desk.impacts_of(world, engine, remember),
            importers,
            first=first,
            last=last,
            progress=progress,
        )
    return kept[key]


def _moment(value: object) -> datetime:
    found: datetime = pd.Timestamp(value).to_pydatetime()  # type: ignore[arg-type]
    return found
