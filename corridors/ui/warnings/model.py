"""What the warnings page knows: the log, how it stands, how far it can be believed, its deeds.

Nothing is drawn here; each ``warnings_*`` module beside draws the answer to one question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isnan
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from corridors.demand import members_of
from corridors.risk import desk
from corridors.risk.alert import Alert, Message
from corridors.risk.bulletin.briefing import Context
from corridors.risk.bulletin.words import day, moment
from corridors.risk.bulletin.words import word as told
from corridors.risk.levels import Reason, current, subject_of
from corridors.risk.monitor import OLD_TRAFFIC, Impacts, Told
from corridors.ui import sentences, shared
from corridors.ui.who import store_to_write
from corridors.ui.words import word
from layers.memory import remember
from layers.store import Store
from layers.world import records

if TYPE_CHECKING:
    from corridors.whatif.engine import Engine
    from layers.world import World

Stamp = tuple[str, int]
"""What opens the store, and what changes whenever it is written."""

STATE_WORDS = ("in_force", "held", "expired", "clear", "replaced")
LATE_RUN = timedelta(days=1)
NEVER = desk.LastRun({}, {})


@dataclass(frozen=True)
class Log:
    """The warning log as the page needs it.

    Attributes
    ----------
    alerts
        Every entry, oldest first.
    answers
        Acknowledgements, feedback and reviews: kind, moment, record.
    last
        What the last run of the monitor left.
    """

    alerts: tuple[Alert, ...] = ()
    answers: tuple[tuple[str, datetime, Mapping[str, Any]], ...] = ()
    last: desk.LastRun = NEVER

    @property
    def ran(self) -> bool:
        """Whether the monitor was ever run."""
        return self.last.at is not None

    def judged_for(self, importers: Iterable[str]) -> dict[str, pd.Timestamp]:
        """The newest day of traffic that was judged of each element for any of some importers."""
        found: dict[str, pd.Timestamp] = {}
        for importer in importers:
            for element, newest in self.last.judged.get(importer, {}).items():
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
        Newest day of traffic and its age in days; None without.
    oldest
        Last day of traffic where it ends first.
    """

    state: str
    data_to: pd.Timestamp | None = None
    age_d: int | None = None
    oldest: pd.Timestamp | None = None


# ---- what is kept


def now() -> datetime:
    """The moment by our clock, UTC."""
    return datetime.now(UTC)


def stamp(store: Store) -> Stamp:
    """What is different whenever the store was written."""
    return store.place, store.changed()


@st.cache_resource(show_spinner=False, max_entries=4)
def read(mark: Stamp) -> Log:
    """The warning log as it is in the store of that stamp.

    Raises
    ------
    CorridorsError
        When it can't be read.
    """
    store = Store(mark[0], only_reads=True)
    said = store.log(["acknowledgement", "feedback", "review"])
    answers = tuple(
        (str(r["kind"]), r["at"].to_pydatetime(), dict(r["record"])) for r in records(said)
    )
    return Log(tuple(desk.alerts_of(store)), answers, desk.last_run(store))


def engine() -> Engine:
    """The one engine all readers share, to be used under ``shared.engine().lock``."""
    return shared.engine().engine


@st.cache_resource(show_spinner=False, max_entries=2)
def known(mark: Stamp, hour: str) -> desk.Known:
    """What the store holds that the monitor looks at, looked at once an hour."""
    return desk.known(shared.load()[0], Store(mark[0], only_reads=True), now=now())


def known_now(mark: Stamp) -> desk.Known:
    """What the store holds that the monitor looks at."""
    return known(mark, f"{now():%Y-%m-%dT%H}")


@st.cache_resource(show_spinner=False, max_entries=64)
def around(mark: Stamp, id: str) -> Context:
    """What bulletins tell besides the alert."""
    alert, feeds = desk.alert_of(Store(mark[0], only_reads=True), id), known_now(mark).feeds
    with shared.engine().lock:
        return desk.around(engine(), alert, feeds)


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
    if log.last.at is None:
        return Watch("never")
    members = members_of(world, importer)
    if not members & set(log.last.judged):
        return Watch("elsewhere")
    days = log.judged_for(members)
    if not days:
        return Watch("blind")
    newest = max(days.values())
    age = at - newest.tz_localize(UTC)
    state = "late" if at - log.last.at > LATE_RUN else "fine"
    state = "old" if age > OLD_TRAFFIC else state
    return Watch(state, newest, max(0, age.days), min(days.values()))


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
    ran = log.last.at
    if ran is not None:
        parts.append(word("w_run", lang, at=moment(ran, lang), age=age(ran, at, lang)))
    if watch.data_to is not None:
        to = _day(watch.data_to, lang)
        parts.append(word("w_data_to", lang, day=to, days=str(watch.age_d)))
    if watch.oldest is not None and watch.oldest != watch.data_to:
        parts.append(word("w_data_oldest", lang, day=_day(watch.oldest, lang)))
    parts.append(word("w_reference", lang))
    return " ".join(parts) if lang == "en" else "".join(parts)


def _day(at: pd.Timestamp, lang: str) -> str:
    return day(at.tz_localize(UTC).to_pydatetime(), lang)


def age(then: datetime, at: datetime, lang: str) -> str:
    """How long ago in words: minutes, hours or days."""
    seconds = max(0.0, (at - then).total_seconds())
    for size, key in ((86_400, "w_days"), (3_600, "w_hours"), (60, "w_minutes")):
        if seconds >= size:
            return word(key, lang, n=f"{seconds / size:.0f}")
    return word("w_now", lang)


def chance(value: float, lang: str) -> str:
    """A probability in words; what is not known is called that."""
    if isnan(value):
        return told("unknown", lang)
    gap = "" if lang == "zh" else " "
    if value > 0.99:
        return f"> 99{gap}%"
    return sentences.percent(value, lang)


def reason(alert: Alert, lang: str) -> str:
    """Why an entry was written, in words."""
    name = next((r.name for r in Reason if r.value == alert.reason), "")
    return told(f"reason_{name}", lang) if name else alert.reason


# ---- deeds


def impacts() -> Impacts:
    """What importers would lose, asked of the shared engine by one reader at a time."""
    found = desk.impacts_of(shared.load()[0], engine, remember)

    def asked(element: str, lost: float) -> pd.DataFrame:
        with shared.engine().lock:
            return found(element, lost)

    return asked


def importers_to_run(world: World, log: Log, importer: str) -> list[str]:
    """Whom a run is for: those it was run for before, and whoever is looked at now."""
    countries = set(world.countries["country"])
    return sorted((members_of(world, importer) & countries) | (set(log.last.judged) & countries))


def run(mark: Stamp, importers: Sequence[str], said: Callable[[str], None]) -> Told:
    """What a run of the monitor had to say, written into the log; tells how far it is.

    Raises
    ------
    CorridorsError
        When the log cannot be written, or not by who sits there.
    """
    store, found = store_to_write(mark[0]), impacts()

    def telling(element: str, lost: float) -> pd.DataFrame:
        said(element)
        return found(element, lost)

    return desk.warn(shared.load()[0], store, telling, importers, now=now())
