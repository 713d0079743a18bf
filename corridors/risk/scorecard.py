"""How often the warnings were right: the public record, kept by element and by level.

What counts as having happened is a day on which the tonnage of seven days is below 75 % of its
season. Days without data are neither. Levels are counted as "this or above".

alarm
    From the entry that raises a thread to a level until it falls under it, is cancelled or
    expires. Alarms of an element that overlap are one, whomever they were for: one closed strait
    is not ten closures because ten importers were warned.
true, false
    An alarm is true when such a day falls within 14 days of its beginning or before its end, and
    false when all those days are known and none is.
event
    Such days that lie together, with fewer than 14 known days without between them. Begun before
    the first known day, it is not scored: nobody can say how early a warning would have been.
hit, late, miss
    An event is a hit when an alarm that it makes true began before it or no more than 3 days
    after, late when it began later, and a miss when there is none and those 3 days are over.
    ``lead_d`` is the median of the days from the beginning of the alarm to that of the event,
    below 0 when it came after.

Probabilities are scored once an element and day: they are the same for all importers. Climatology
is the element's long-run share of windows in which it happened; persistence says that it will when
it was so on the newest day the entry had data of. Entries are written when something is wrong, so
that climatology is easily beaten, and persistence is not.

Exercises are left out, and so is what cannot be told yet; both are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corridors.risk.alert import Alert, Level
from corridors.risk.levels import BOUNDS, column
from layers.errors import UsageError
from layers.units import DAYS_YEAR

if TYPE_CHECKING:
    import numpy.typing as npt

    from corridors.network import Floats

__all__ = ["Scorecard", "Scores", "elementary", "reliability", "scorecard", "scores"]

HORIZONS_D = (14, 30)
ALARM_D = HORIZONS_D[0]
QUIET_D = 14
LATE_D = 3
FEW = 10
"""Fewer events than this tell no skill from luck."""

FLOOR = 0.001
"""No forecast is taken for surer than this in a log score: a sure one that fails costs all."""

VERDICTS = ("true", "false", "late", "useless")
ALL = "all"
COUNTS = (
    *("years", "alarms", "true_alarms", "false_alarms", "unresolved"),
    *("events", "hits", "late", "misses"),
)

Span = tuple[int, int]
"""First and last day, as ordinals."""


@dataclass(frozen=True)
class Scores:
    """Of a set of forecasts beside a reference; NaN where there is nothing to score.

    Attributes
    ----------
    n, happened
        Forecasts, and how many came true.
    brier, log_loss
        Means, 0 is perfect; ``*_reference`` those of the reference.
    skill, log_skill
        1 − score / score of the reference: 1 is perfect, 0 no better; NaN beside a perfect one.
    """

    n: int
    happened: int
    brier: float
    brier_reference: float
    skill: float
    log_loss: float
    log_reference: float
    log_skill: float


@dataclass(frozen=True)
class Scorecard:
    """The record of a set of alerts.

    Attributes
    ----------
    levels
        ``level, element`` (``all`` first), ``years`` of known days, ``alarms, true_alarms,
        false_alarms, unresolved, false_alarms_y, events, hits, late, misses, lead_d``.
    forecasts
        ``horizon_d, n, happened``, then ``brier`` and ``log_loss`` of what was said, of
        ``climatology`` and of ``persistence``, and the skill beside each.
    reliability
        ``horizon_d, least, most, n, mean_p, happened_share``, by columns of the matrix.
    matrix
        ``horizon_d, alpha, n, score``: `elementary` at each bound of the matrix.
    feedback
        ``reader, acknowledged, true, false, late, useless``: entries.
    left_out
        ``what, n``.
    events
        How many events there were to warn of.
    note
        The size of it all in a sentence, with a warning when it is tiny.
    """

    levels: pd.DataFrame
    forecasts: pd.DataFrame
    reliability: pd.DataFrame
    matrix: pd.DataFrame
    feedback: pd.DataFrame
    left_out: pd.DataFrame
    events: int
    note: str


def scores(
    p: npt.ArrayLike, outcome: npt.ArrayLike, reference: npt.ArrayLike | None = None
) -> Scores:
    """Brier and log score of forecasts, and their skill beside a reference.

    Parameters
    ----------
    p, outcome
        Probabilities, and 1 or 0 for what happened; a pair with a NaN is left out.
    reference
        Probabilities of the other forecaster; the share that happened by default, which nobody
        knew beforehand.

    Raises
    ------
    UsageError
        For a probability outside 0–1.
    """
    said, was = np.asarray(p, float), np.asarray(outcome, float)
    known = ~(np.isnan(said) | np.isnan(was))
    other = np.full(len(was), was[known].mean() if known.any() else np.nan)
    if reference is not None:
        other = np.asarray(reference, float)
        known &= ~np.isnan(other)
    said, was, other = said[known], was[known], other[known]
    if ((said < 0) | (said > 1) | (other < 0) | (other > 1)).any():
        raise UsageError("a probability to be scored lies outside 0–1")
    brier, brier_of = _mean((said - was) ** 2), _mean((other - was) ** 2)
    log, log_of = _mean(_surprise(said, was)), _mean(_surprise(other, was))
    return Scores(
        n=len(was),
        happened=int(was.sum()),
        brier=brier,
        brier_reference=brier_of,
        skill=_skill(brier, brier_of),
        log_loss=log,
        log_reference=log_of,
        log_skill=_skill(log, log_of),
    )


def reliability(p: npt.ArrayLike, outcome: npt.ArrayLike) -> pd.DataFrame:
    """What was said beside what happened, by columns of the warning matrix.

    Returns
    -------
    DataFrame
        ``least, most`` probability of the bin, ``n`` forecasts, ``mean_p`` and
        ``happened_share`` (NaN for an empty bin). Pairs with a NaN are left out.
    """
    table = pd.DataFrame({"p": np.asarray(p, float), "was": np.asarray(outcome, float)}).dropna()
    reached = [column(value) for value in table["p"]]
    place = np.array([0 if found is None else found + 1 for found in reached], dtype=int)
    edges = (0.0, *BOUNDS, 1.0)
    rows = []
    for bin, (least, most) in enumerate(pairwise(edges)):
        own = table[place == bin]
        rows.append((least, most, len(own), own["p"].mean(), own["was"].mean()))
    return pd.DataFrame(rows, columns=["least", "most", "n", "mean_p", "happened_share"])


def elementary(p: npt.ArrayLike, outcome: npt.ArrayLike, alpha: float) -> float:
    """Mean elementary score at one threshold: 0 is perfect, NaN without forecasts.

    A false alarm, p ≥ α and nothing happened, costs α; a miss, p < α and it happened, 1 − α. The
    risk-matrix score of Taggart & Wilke 2025 (NHESS 25:2657) is a weighted sum of such scores over
    thresholds of probability and of impact. This is the elementary form only: what the impact
    really was is not observed, and no weights are set.
    """
    said, was = np.asarray(p, float), np.asarray(outcome, float)
    known = ~(np.isnan(said) | np.isnan(was))
    warned, happened = said[known] >= alpha, was[known] == 1
    return _mean(alpha * (warned & ~happened) + (1 - alpha) * (~warned & happened))


def scorecard(
    alerts: Iterable[Alert],
    outcomes: pd.DataFrame,
    *,
    feedback: Iterable[Mapping[str, Any]] = (),
    acknowledgements: Iterable[Mapping[str, Any]] = (),
    since: date | None = None,
) -> Scorecard:
    """How right a set of alerts was.

    Parameters
    ----------
    alerts
        Entries of the log in the order they were written. Those of one importer give its own
        record.
    outcomes
        ``element``, ``day`` and ``below``: whether the tonnage of seven days was below 75 % of its
        season; missing where that is not known. Of a day given twice the last counts.
    feedback, acknowledgements
        Records of the log: ``alert`` (an id), ``reader``, and ``verdict`` for feedback.
    since
        Day the watch began: events before it are none that could have been warned of.
    """
    given = list(alerts)
    real = [alert for alert in given if not alert.exercise]
    records = _records(outcomes, since)
    levels = _levels(real, records)
    said = _said(real, records)
    heard = [_of(real, rows) for rows in (feedback, acknowledgements)]
    events = sum(len(record.events) for record in records.values())
    left_out = {
        "entries of exercises": len(given) - len(real),
        "events begun before the first known day": sum(r.begun for r in records.values()),
        "forecasts not known": int(said["p"].isna().sum()),
        "forecasts not resolved": int((said["p"].notna() & said["was"].isna()).sum()),
        "answers to other entries": sum(unplaced for _, unplaced in heard),
    }
    scored = said.dropna(subset=["p", "was"])
    return Scorecard(
        levels=levels,
        forecasts=_per_horizon(scored, _forecasts),
        reliability=_per_horizon(scored, lambda own: reliability(own["p"], own["was"])),
        matrix=_per_horizon(scored, _matrix),
        feedback=_feedback(*(rows for rows, _ in heard)),
        left_out=pd.DataFrame(list(left_out.items()), columns=["what", "n"]),
        events=events,
        note=_note(records, events),
    )


@dataclass(frozen=True)
class _Record:
    """What happened at an element: 1, 0 or NaN for each day from the first."""

    first: int
    below: Floats

    @property
    def years(self) -> float:
        return float((~np.isnan(self.below)).sum()) / DAYS_YEAR

    @property
    def last(self) -> int:
        return self.first + len(self.below) - 1

    @cached_property
    def runs(self) -> list[Span]:
        """Days below that lie together, first to last, also those begun before the record."""
        days = np.flatnonzero(self.below == 1)
        calm = np.cumsum(self.below == 0)[days]
        parts = np.split(days, np.flatnonzero(np.diff(calm) >= QUIET_D) + 1)
        return [(self.first + int(p[0]), self.first + int(p[-1])) for p in parts if p.size]

    @property
    def begun(self) -> bool:
        """Whether it was below on the first known day."""
        known = self.below[~np.isnan(self.below)]
        return bool(known.size and known[0] == 1)

    @cached_property
    def events(self) -> list[Span]:
        return self.runs[self.begun :]

    def happened(self, first: int, last: int) -> float:
        """1 when a day from first to last was below, 0 when none was, NaN when it is not known."""
        start, stop = first - self.first, last - self.first + 1
        days = self.below[max(start, 0) : max(stop, 0)]
        if (days == 1).any():
            return 1.0
        return 0.0 if days.size == stop - start and not np.isnan(days).any() else np.nan

    def latest(self, day: int) -> float:
        """Whether it was below on the newest known day up to this one; NaN without one."""
        days = self.below[: max(day - self.first + 1, 0)]
        known = days[~np.isnan(days)]
        return float(known[-1]) if known.size else np.nan

    def share(self, horizon_d: int) -> float:
        """Long-run share of windows of so many days in which it happened, of those all known."""
        if len(self.below) < horizon_d:
            return np.nan
        windows = np.lib.stride_tricks.sliding_window_view(self.below, horizon_d)
        return _mean(windows[~np.isnan(windows).any(axis=1)].any(axis=1))


NOTHING_KNOWN = _Record(0, np.array([]))


def _records(outcomes: pd.DataFrame, since: date | None) -> dict[str, _Record]:
    """The record of each element with at least one known day."""
    table = outcomes.dropna(subset=["below"])
    days = [stamp.toordinal() for stamp in pd.to_datetime(table["day"], utc=True)]
    table = table.assign(day=days, below=table["below"].astype(float))
    if since is not None:
        table = table[table["day"] >= since.toordinal()]
    found = {}
    for element, own in table.groupby("element", sort=True):
        series = own.drop_duplicates("day", keep="last").set_index("day")["below"]
        first, last = int(series.index.min()), int(series.index.max())
        found[str(element)] = _Record(first, series.reindex(range(first, last + 1)).to_numpy(float))
    return found


def _levels(alerts: Sequence[Alert], records: Mapping[str, _Record]) -> pd.DataFrame:
    elements = sorted({*records, *(alert.element for alert in alerts)})
    rows = []
    for level in sorted(Level)[1:]:
        own = [_element_row(e, alerts, records.get(e, NOTHING_KNOWN), level) for e in elements]
        for row in [_all_row(own), *own]:
            years, leads = row["years"], row.pop("leads")
            row["false_alarms_y"] = row["false_alarms"] / years if years else np.nan
            row["lead_d"] = float(np.median(leads)) if leads else np.nan
            rows.append({"level": level.name, **row})
    return pd.DataFrame(rows)


def _element_row(
    element: str, alerts: Sequence[Alert], record: _Record, level: Level
) -> dict[str, Any]:
    """Counts of one element at one level, and the days of lead of each event warned of."""
    alarms = _alarms([alert for alert in alerts if alert.element == element], level)
    ends = [max(last, first + ALARM_D) for first, last in alarms]
    came = [record.happened(first, end) for (first, _), end in zip(alarms, ends, strict=True)]
    leads: list[int] = []
    misses = 0
    for begin, finish in record.events:
        windows = zip(alarms, ends, strict=True)
        met = [first for (first, _), end in windows if first <= finish and end >= begin]
        leads += [begin - min(met)] if met else []
        misses += not met and begin + LATE_D <= record.last
    late = sum(lead < -LATE_D for lead in leads)
    return {
        "element": element,
        "years": record.years,
        "alarms": len(alarms),
        "true_alarms": came.count(1.0),
        "false_alarms": came.count(0.0),
        "unresolved": len(came) - came.count(1.0) - came.count(0.0),
        "events": len(record.events),
        "hits": len(leads) - late,
        "late": late,
        "misses": misses,
        "leads": leads,
    }


def _all_row(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    sums = {name: sum(row[name] for row in rows) for name in COUNTS}
    return {"element": ALL, **sums, "leads": [lead for row in rows for lead in row["leads"]]}


def _alarms(alerts: Sequence[Alert], level: Level) -> list[Span]:
    """Days on which some thread stands at the level or above; those that overlap are one."""
    threads: dict[str, list[Alert]] = {}
    for alert in alerts:
        threads.setdefault(alert.thread, []).append(alert)
    merged: list[Span] = []
    for first, last in sorted(s for t in threads.values() for s in _stretches(t, level)):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _stretches(thread: Sequence[Alert], level: Level) -> list[Span]:
    """First and last day of each stretch of a thread at the level or above."""
    found: list[Span] = []
    begun: int | None = None
    for alert in thread:
        if begun is None and alert.level >= level:
            begun = _day(alert.sent)
        elif begun is not None and alert.level < level:
            found.append((begun, _day(alert.sent)))
            begun = None
    return found if begun is None else [*found, (begun, _day(thread[-1].expires))]


def _said(alerts: Iterable[Alert], records: Mapping[str, _Record]) -> pd.DataFrame:
    """What was said of each element on each day, what happened, and what others would have said."""
    newest = {(alert.element, _day(alert.sent)): alert for alert in alerts}
    shares = {e: {h: r.share(h) for h in HORIZONS_D} for e, r in records.items()}
    rows = []
    for (element, day), alert in newest.items():
        record = records.get(element, NOTHING_KNOWN)
        seen = min(day, _day(alert.status.data_to)) if alert.status.data_to else day
        said = (alert.probability_14d, alert.probability_30d)
        for horizon, p in zip(HORIZONS_D, said, strict=True):
            over = day + horizon <= record.last
            was = record.happened(day + 1, day + horizon) if over else np.nan
            usual = shares.get(element, {}).get(horizon, np.nan)
            rows.append((horizon, p, was, usual, record.latest(seen)))
    columns = ["horizon_d", "p", "was", "climatology", "persistence"]
    return pd.DataFrame(rows, columns=columns).astype(float)


def _per_horizon(said: pd.DataFrame, made: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    parts = []
    for horizon in HORIZONS_D:
        part = made(said[said["horizon_d"] == horizon])
        part.insert(0, "horizon_d", horizon)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _forecasts(said: pd.DataFrame) -> pd.DataFrame:
    own = scores(said["p"], said["was"])
    row: dict[str, float] = {"n": own.n, "happened": own.happened}
    row |= {"brier": own.brier, "log_loss": own.log_loss}
    for name in ("climatology", "persistence"):
        beside = scores(said["p"], said["was"], said[name])
        row |= {f"brier_{name}": beside.brier_reference, f"skill_{name}": beside.skill}
        row |= {f"log_loss_{name}": beside.log_reference, f"log_skill_{name}": beside.log_skill}
    return pd.DataFrame([row])


def _matrix(said: pd.DataFrame) -> pd.DataFrame:
    rows = [(alpha, len(said), elementary(said["p"], said["was"], alpha)) for alpha in BOUNDS]
    return pd.DataFrame(rows, columns=["alpha", "n", "score"])


def _of(
    alerts: Iterable[Alert], rows: Iterable[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], int]:
    """Answers to these alerts, and how many are to others."""
    ids, given = {alert.id for alert in alerts}, list(rows)
    kept = [row for row in given if row["alert"] in ids]
    return kept, len(given) - len(kept)


def _feedback(
    feedback: Sequence[Mapping[str, Any]], acknowledgements: Sequence[Mapping[str, Any]]
) -> pd.DataFrame:
    readers = sorted({str(row["reader"]) for row in [*feedback, *acknowledgements]})
    judged = Counter((str(row["reader"]), str(row["verdict"])) for row in feedback)
    seen = Counter(str(row["reader"]) for row in acknowledgements)
    rows = [(r, seen[r], *(judged[r, verdict] for verdict in VERDICTS)) for r in readers]
    return pd.DataFrame(rows, columns=["reader", "acknowledged", *VERDICTS])


def _note(records: Mapping[str, _Record], events: int) -> str:
    years = sum(record.years for record in records.values())
    told = f"{events} events at {len(records)} elements in {years:.1f} corridor-years"
    return told if events >= FEW else f"{told}: too few to tell skill from luck"


def _day(at: datetime) -> int:
    return at.astimezone(UTC).toordinal()


def _mean(values: npt.ArrayLike) -> float:
    found = np.asarray(values, float)
    return float(found.mean()) if found.size else np.nan


def _surprise(p: Floats, was: Floats) -> Floats:
    """Minus the logarithm of the probability given to what happened."""
    held = np.clip(p, FLOOR, 1 - FLOOR)
    found: Floats = -np.log(np.where(was == 1, held, 1 - held))
    return found


def _skill(score: float, reference: float) -> float:
    return 1 - score / reference if reference else np.nan
