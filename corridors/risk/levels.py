"""From probability and impact to a level, with the memory a good alarm has.

::

    tier of impact     from 1 %    from 10 %   from 30 %   above 60 %
    4  (30 % and more) yellow      orange      red         red
    3  (15 to 30 %)    blue        yellow      orange      red
    2  (5 to 15 %)     none        blue        yellow      orange
    1  (below 5 %)     none        none        blue        blue

A level is raised at once, by as many steps as it takes, where two kinds of evidence speak for
danger, or where one does and the probability is 95 % or more; else when it has been judged at
three updates in a row (on-delay): days of traffic are updates, and storms of two days are common.
It is lowered by one step when its probability has stood 5 points under the least that holds it for
three updates or seven days (off-delay, deadband). Below 10 % five points are too much to ask: there
half of that least is enough, or no blue would ever end. Where nothing speaks for danger now, what
is left is the long-run rate, which is no warning: it raises nothing, and a level eases.

An update is a reading of data that was not read before. Data that is old, missing or the same as
last time raises nothing and lowers nothing; it holds what stands and renews it in good time.

A level that nobody renewed has lapsed: it is no longer current, but is remembered for seven days
more, and the next reading goes on with its thread. After that it is forgotten without an
all-clear, and what comes next opens a thread of its own. The on-delay, off-delay, deadband and
renewal are those of industrial alarms (OPC UA Part 9 B.1.5; ISA-18.2-2016); no figure among them
is a finding (``warning_*`` of the assumptions).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from math import inf, isnan
from typing import TYPE_CHECKING, Any

from corridors.risk.alert import Alert, Evidence, Impact, Level, Message, Status
from layers.errors import CorridorsError, UnknownIdError, UsageError

if TYPE_CHECKING:
    from layers.world import World

__all__ = [
    "CALM",
    "DOMAINS",
    "MATRIX",
    "Change",
    "Reading",
    "Reason",
    "Rules",
    "Standing",
    "Subject",
    "column",
    "current",
    "entry",
    "judged",
    "rules_of",
    "standing_from",
    "standing_of",
    "standing_record",
    "step",
    "subject_of",
    "threshold",
]

BOUNDS = (0.01, 0.1, 0.3, 0.6)
"""Where columns of the matrix begin; the last begins just above its bound."""

MATRIX = {
    1: (Level.none, Level.none, Level.blue, Level.blue),
    2: (Level.none, Level.blue, Level.yellow, Level.orange),
    3: (Level.blue, Level.yellow, Level.orange, Level.red),
    4: (Level.yellow, Level.orange, Level.red, Level.red),
}
"""Level of each column, by tier of impact."""

DOMAINS = ("traffic", "feeds", "declared")
"""Kinds of evidence that are independent of each other."""


class Reason(StrEnum):
    """Why an entry was written."""

    agreed = "raised: two kinds of evidence agree"
    sure = "raised: one kind of evidence, and all but certain"
    repeated = "raised: one kind of evidence, confirmed by new data"
    eased = "lowered: the danger has eased for long enough"
    renewed = "renewed: unchanged"
    held = "held: no fresh data"
    resumed = "renewed: it had lapsed before this run"


@dataclass(frozen=True)
class Rules:
    """The delays and lives of levels.

    Attributes
    ----------
    horizon_d
        Which probability is judged: within 14 or 30 days.
    on_delay, off_delay
        Updates in a row before one kind of evidence raises a level, and before a level is lowered.
    sure
        Probability from which one kind of evidence raises a level at once, 0–1.
    off_time
        Time after which it is lowered at the next update, however few there were.
    deadband
        How far under the least probability that holds a level it has to fall, 0–1.
    life
        How long an entry of each level is current, from none to red; an all-clear, current for
        nobody, is shown as long as the least level.
    renewal
        Share of its life after which an unchanged level is renewed.
    memory
        How long a lapsed level is remembered.
    review
        Age at which a thread asks for a person to look at it.
    """

    horizon_d: int = 14
    on_delay: int = 3
    off_delay: int = 3
    sure: float = 0.95
    off_time: timedelta = timedelta(days=7)
    deadband: float = 0.05
    life: tuple[timedelta, ...] = (
        timedelta(days=7),
        timedelta(days=7),
        timedelta(days=3),
        timedelta(days=2),
        timedelta(hours=36),
    )
    renewal: float = 0.5
    memory: timedelta = timedelta(days=7)
    review: timedelta = timedelta(days=180)

    def __post_init__(self) -> None:
        """Refuse rules under which no level could come or stay.

        Raises
        ------
        UsageError
            For a horizon that has no probability, a delay of no update or a life of no time.
        """
        if self.horizon_d not in (14, 30):
            raise UsageError(f"a probability within {self.horizon_d} days: there are 14 and 30")
        if min(self.on_delay, self.off_delay) < 1:
            raise UsageError("a delay needs at least one update")
        if len(self.life) != len(Level) or min(self.life) <= timedelta(0):
            raise UsageError("each level needs a life longer than nothing")


@dataclass(frozen=True)
class Reading:
    """What one run found of an element, for one importer and commodity.

    Attributes
    ----------
    at
        Moment of the run, UTC.
    vintage
        Which data it rests on; a run on the same vintage is no update, and an empty one is no data.
    fresh
        Whether traffic, feeds and impact are known anew: none stale, none failed.
    p_14, p_30
        Probability within so many days, 0–1; NaN: not known, which is not fresh either.
    tier
        Of impact, 1–4; 0 where the importer is not concerned.
    domains
        Which of `DOMAINS` speak for danger now, each by reports of its own.

    Raises
    ------
    UnknownIdError
        For a domain that is none.
    """

    at: datetime
    vintage: str
    fresh: bool
    p_14: float
    p_30: float
    tier: int
    domains: frozenset[str]

    def __post_init__(self) -> None:
        """Refuse a misspelt domain: it would count as one more."""
        for domain in sorted(self.domains.difference(DOMAINS)):
            raise UnknownIdError("domain", domain, DOMAINS)

    def probability(self, horizon_d: int) -> float:
        """The probability within 14 or 30 days."""
        return self.p_14 if horizon_d == 14 else self.p_30


@dataclass(frozen=True)
class Standing:
    """What stands of an element, and what the next step has to remember.

    Attributes
    ----------
    level, since
        And when it came to be the level.
    opened
        When the thread began.
    expires
        Until when it is current.
    recent
        Levels judged at the newest updates, as many as the on-delay asks for, oldest first.
    under, under_since
        How many updates in a row have let the level ease, and since when.
    vintage
        The newest data that was judged.
    at
        The newest moment that was read.
    """

    level: Level = Level.none
    since: datetime | None = None
    opened: datetime | None = None
    expires: datetime | None = None
    recent: tuple[Level, ...] = ()
    under: int = 0
    under_since: datetime | None = None
    vintage: str = ""
    at: datetime | None = None

    def lapsed(self, now: datetime) -> bool:
        """Whether a level stands that is no longer current."""
        return self.expires is not None and now >= self.expires

    def review_due(self, now: datetime, rules: Rules) -> bool:
        """Whether the thread is so old that a person should look at it."""
        return self.opened is not None and now - self.opened >= rules.review


CALM = Standing()
"""Nothing stands and nothing was ever read."""


@dataclass(frozen=True)
class Change:
    """What a step has to say: an entry for the log, without its evidence.

    Attributes
    ----------
    message
        What it is to its thread.
    level, previous
        The same for a renewal.
    at, expires
        Moments, UTC.
    held
        Whether the level only stands for want of fresh data.
    reason
        In fixed words, so that they can be put into another language.
    """

    message: Message
    level: Level
    previous: Level
    at: datetime
    expires: datetime
    held: bool
    reason: Reason


@dataclass(frozen=True)
class Subject:
    """Who is warned of what: all threads of one subject are one story.

    Attributes
    ----------
    exercise, scenario
        Whether it is all a drill, and of which scenario.
    """

    importer: str
    commodity: str
    element: str
    exercise: bool = False
    scenario: str = ""


def rules_of(world: World) -> Rules:
    """The rules that the assumptions ``warning_*`` of a world make.

    Raises
    ------
    UsageError
        When no level could come or stay under them.
    """

    def days(name: str) -> timedelta:
        return timedelta(days=world.assumption(f"warning_{name}_d"))

    return Rules(
        horizon_d=round(world.assumption("warning_horizon_d")),
        on_delay=round(world.assumption("warning_on_delay_updates")),
        off_delay=round(world.assumption("warning_off_delay_updates")),
        sure=world.assumption("warning_sure"),
        off_time=days("off_delay"),
        deadband=world.assumption("warning_deadband"),
        life=tuple(days(f"expiry_{max(level, Level.blue).name}") for level in Level),
        renewal=world.assumption("warning_renewal_share"),
        memory=days("memory"),
        review=days("review"),
    )


def column(p: float) -> int | None:
    """Column of the matrix, 0–3, or None below 1 % and where p is not known.

    A column takes in the bound where it begins, but for the last, whose heading is "above 60 %":
    60 % itself belongs to the third.
    """
    reached = sum(p >= bound for bound in BOUNDS[:-1]) + (p > BOUNDS[-1])
    return reached - 1 if reached else None


def judged(p: float, tier: int) -> Level:
    """Level of a probability and a tier of impact, by the matrix alone.

    Parameters
    ----------
    p
        0–1; NaN, not known, gives none: whoever asks keeps that apart from no danger.
    tier
        1–4; 0, not concerned, gives none.

    Raises
    ------
    UsageError
        For a probability outside 0–1 or a tier outside 0–4.
    """
    if p < 0 or p > 1 or tier not in (0, *MATRIX):
        raise UsageError(f"a probability of {p:g} and a tier of {tier}: 0–1 and 0–4 are possible")
    place = column(p)
    return Level.none if place is None or tier == 0 else MATRIX[tier][place]


def threshold(level: Level, tier: int) -> float:
    """Least probability that gives at least this level; infinite where none does."""
    found = (bound for bound, at in zip(BOUNDS, MATRIX.get(tier, ()), strict=False) if at >= level)
    return next(found, inf)


def step(standing: Standing, reading: Reading, rules: Rules) -> tuple[Standing, Change | None]:
    """What stands after a reading, and what there is to say; None for nothing.

    A reading older than the last one, by a clock set back, changes nothing at all.
    """
    if standing.at is not None and reading.at < standing.at:
        return standing, None
    seen = replace(_remembered(standing, reading.at, rules), at=reading.at)
    blind = not reading.fresh or isnan(reading.probability(rules.horizon_d))
    if blind or reading.vintage == seen.vintage:
        return _renewed(seen, reading.at, rules, held=blind)
    seen = _counted(seen, reading, rules)
    raised = _confirmed(seen, reading, rules)
    if raised > seen.level:
        return _moved(seen, raised, _why(reading, rules), reading.at, rules)
    if _long_enough(seen, reading.at, rules):
        return _moved(seen, Level(seen.level - 1), Reason.eased, reading.at, rules)
    return _renewed(seen, reading.at, rules, held=False)


def entry(
    change: Change,
    standing: Standing,
    reading: Reading,
    subject: Subject,
    earlier: Sequence[Alert],
    *,
    impact: Impact,
    status: Status,
    evidence: tuple[Evidence, ...] = (),
    visibility: str = "public",
) -> Alert:
    """The change as an entry of the warning log.

    The id is ``importer-commodity-kind-name-yyyymmddThhmm-n`` with n counting the entries of the
    subject; a drill's begins with ``exercise-``. CAP 1.2 has an Update or Cancel replace the
    messages it references, so it references all that a reader may still hold for current: those
    that have not expired, the last one, and the alert that opened the thread.

    Parameters
    ----------
    change, standing
        Of `step`.
    earlier
        All entries of the subject, in the order they were written.

    Raises
    ------
    CorridorsError
        When an earlier entry is of another subject, or there is no alert to update or cancel.
    """
    _of_one(earlier, subject)
    id = _id(subject, change.at, len(earlier) + 1)
    opens = change.message is Message.alert
    thread = [] if opens else _last_thread(earlier)
    if not opens and not thread:
        raise CorridorsError(f"{id}: no alert was written that this could update or cancel")
    return Alert(
        id=id,
        thread=id if opens else thread[0].id,
        message=change.message,
        level=change.level,
        previous=change.previous,
        importer=subject.importer,
        commodity=subject.commodity,
        element=subject.element,
        probability_14d=reading.p_14,
        probability_30d=reading.p_30,
        impact=impact,
        status=status,
        sent=change.at,
        expires=change.expires,
        references=_replaced(thread, change.at),
        evidence=evidence,
        vintage=standing.vintage,
        held=change.held,
        exercise=subject.exercise,
        scenario=subject.scenario,
        visibility=visibility,
        reason=change.reason,
        recent=standing.recent,
        under=standing.under,
        under_since=standing.under_since,
    )


def subject_of(alert: Alert) -> Subject:
    """Whom an entry warns of what."""
    return Subject(alert.importer, alert.commodity, alert.element, alert.exercise, alert.scenario)


def standing_from(alerts: Sequence[Alert]) -> Standing:
    """What stood when the last entry of one subject was written.

    Runs that wrote no entry are not in it: `standing_record` keeps what they counted.

    Parameters
    ----------
    alerts
        All entries of the subject, in the order they were written; none gives `CALM`.

    Raises
    ------
    CorridorsError
        When they are not of one subject.
    """
    if not alerts:
        return CALM
    _of_one(alerts, subject_of(alerts[0]))
    last, thread = alerts[-1], _last_thread(alerts)
    if last.message is Message.cancel:
        return Standing(vintage=last.vintage, at=last.sent)
    return Standing(
        level=last.level,
        since=next(a.sent for a in reversed(thread) if a.level is not a.previous),
        opened=thread[0].sent,
        expires=last.expires,
        recent=last.recent,
        under=last.under,
        under_since=last.under_since,
        vintage=last.vintage,
        at=last.sent,
    )


def standing_record(standing: Standing) -> dict[str, Any]:
    """The standing as JSON values, to go on from in a later run."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(standing).items()
    }


def standing_of(record: Mapping[str, Any]) -> Standing:
    """The standing of a record that `standing_record` made.

    Raises
    ------
    CorridorsError
        When the record is none of a standing.
    """
    try:
        moments = ("since", "opened", "expires", "under_since", "at")
        held = dict(record)
        held |= {n: held[n] and datetime.fromisoformat(held[n]) for n in moments}
        held["level"], held["recent"] = Level(held["level"]), tuple(map(Level, held["recent"]))
        return Standing(**held)
    except (KeyError, TypeError, ValueError) as error:
        raise CorridorsError(f"no record of what stands: {error}") from error


def current(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Entries that hold now: the last of each thread by then, unless expired or an all-clear."""
    last = {alert.thread: alert for alert in alerts if alert.sent <= now}
    return [alert for alert in last.values() if alert.current(now)]


def _remembered(standing: Standing, now: datetime, rules: Rules) -> Standing:
    """The standing, or calm when it lapsed so long ago that it is forgotten."""
    if standing.expires is None or now < standing.expires + rules.memory:
        return standing
    return Standing(vintage=standing.vintage)


def _counted(seen: Standing, reading: Reading, rules: Rules) -> Standing:
    """The standing with one more update counted in."""
    p = reading.probability(rules.horizon_d)
    found = judged(p, reading.tier) if reading.domains else Level.none
    counted = replace(
        seen, vintage=reading.vintage, recent=(*seen.recent, found)[-rules.on_delay :]
    )
    if seen.level is Level.none or not _eases(seen.level, reading, p, rules):
        return replace(counted, under=0, under_since=None)
    return replace(counted, under=seen.under + 1, under_since=seen.under_since or reading.at)


def _eases(level: Level, reading: Reading, p: float, rules: Rules) -> bool:
    """Whether the reading speaks for a lower level, deadband and all."""
    least = threshold(level, reading.tier)
    # Rounded: 60 less 5 points is 55 %, which binary fractions miss by a hair.
    return not reading.domains or p <= round(least - min(rules.deadband, least / 2), 9)


def _confirmed(seen: Standing, reading: Reading, rules: Rules) -> Level:
    """Level that the evidence is enough for."""
    if _why(reading, rules) is not Reason.repeated:
        return seen.recent[-1]
    return min(seen.recent) if len(seen.recent) == rules.on_delay else Level.none


def _why(reading: Reading, rules: Rules) -> Reason:
    """What a level is raised for, if it is."""
    if len(reading.domains) > 1:
        return Reason.agreed
    certain = bool(reading.domains) and reading.probability(rules.horizon_d) >= rules.sure
    return Reason.sure if certain else Reason.repeated


def _long_enough(seen: Standing, now: datetime, rules: Rules) -> bool:
    since = seen.under_since
    return since is not None and (seen.under >= rules.off_delay or now - since >= rules.off_time)


def _moved(
    seen: Standing, level: Level, reason: Reason, now: datetime, rules: Rules
) -> tuple[Standing, Change]:
    """The standing at another level, and the entry that says so."""
    expires = now + rules.life[level]
    message = Message.update if seen.level else Message.alert
    if not level:
        change = Change(Message.cancel, level, seen.level, now, expires, False, reason)
        return Standing(vintage=seen.vintage, at=now), change
    moved = replace(
        seen,
        level=level,
        since=now,
        opened=seen.opened or now,
        expires=expires,
        under=0,
        under_since=None,
    )
    return moved, Change(message, level, seen.level, now, expires, False, reason)


def _renewed(
    seen: Standing, now: datetime, rules: Rules, *, held: bool
) -> tuple[Standing, Change | None]:
    """The standing renewed when it is time to, and the entry that says so."""
    level, life = seen.level, rules.life[seen.level]
    if seen.expires is None or now < seen.expires - life * (1 - rules.renewal):
        return seen, None
    reason = Reason.resumed if seen.lapsed(now) else Reason.renewed
    reason = Reason.held if held else reason
    renewed = replace(seen, expires=now + life)
    return renewed, Change(Message.update, level, level, now, now + life, held, reason)


def _id(subject: Subject, at: datetime, number: int) -> str:
    drill = ["exercise"] if subject.exercise else []
    kind, _, name = subject.element.partition(":")
    parts = [
        *drill,
        subject.importer,
        subject.commodity,
        kind,
        name,
        f"{at.astimezone(UTC):%Y%m%dT%H%M}",
    ]
    return "-".join(re.sub(r"[^A-Za-z0-9._-]", "_", part) for part in [*parts, str(number)])


def _last_thread(alerts: Sequence[Alert]) -> list[Alert]:
    return [alert for alert in alerts if alert.thread == alerts[-1].thread]


def _replaced(thread: Sequence[Alert], now: datetime) -> tuple[tuple[str, datetime], ...]:
    """Entries of the thread that a new one replaces."""
    kept = (0, len(thread) - 1)
    return tuple(
        (alert.id, alert.sent)
        for place, alert in enumerate(thread)
        if place in kept or alert.expires > now
    )


def _of_one(alerts: Iterable[Alert], subject: Subject) -> None:
    for alert in alerts:
        if subject_of(alert) != subject:
            raise CorridorsError(f"{alert.id} is of another subject than {subject}")
