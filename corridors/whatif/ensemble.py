"""How bad a year can be: years drawn by lot, each with its closures, and what they cost.

    events of a cause in a year   Poisson(Z λ), begun on any day of the year alike
    Z of a year                   Gamma of mean 1, one for all strife of the Gulf and the Red Sea
    duration                      lognormal of mean d
    severity                      Beta of mean s and standard deviation  spread · s (1 − s)
    full-closure days a year      mean Σ λ d s,   variance Σ λ E[s²] E[d²] + cv² (Σ λ d s)²
    share lost on a day           1 − Π (1 − s)  over the causes at work
    loss of a day                 Σ (sᵢ − sᵢ₊₁) V({1 … i})  with s₁ ≥ s₂ ≥ … the shares lost

with λ events of a cause a year, cv the coefficient of variation of Z (its sum over the causes that
share it) and V what a day costs on which a set of chokepoints is shut. The last line, the Choquet
integral of V, is exact when the ships turned away are the same everywhere: those that stay away
where little is lost stay away where much is lost too. A year has 365.25 days.

The years of a block lie on a circle: what lasts beyond its last year goes on in its first. So no
day is lost at a seam, every year has the same law and nothing has to burn in. Each cause has its
own stream of random numbers in each block, named after both: no number depends on how many
processes draw them, on how many years are asked for, or on which other causes there are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import DataError, UsageError
from layers.units import DAYS_YEAR

if TYPE_CHECKING:
    import numpy.typing as npt

    from corridors.network import Bits, Bools, Floats, Ints
    from corridors.sailings import Progress

BLOCK_Y = 250
SHOCKED = frozenset(f"chokepoint:{name}" for name in ("hormuz", "bab_el_mandeb", "suez"))
STRIFE = frozenset({"geopolitical", "conflict", "terrorist", "piracy"})
LAGS = 3  # years apart at which one long closure still ties two years together
WORD = 64  # chokepoints a word of bits can hold
LEAST = 1e-12  # variance that is none
# Logarithms of what passes are kept in whole 2⁻⁴⁰: sums of whole numbers leave nothing behind when
# an event ends.
WHOLE = 2.0**40
SHUT = 64.0  # e⁻⁶⁴ of the traffic is none

Value = Callable[[frozenset[str]], "npt.ArrayLike"]
"""What a day costs on which exactly these elements are shut: a number a measure."""


@dataclass(frozen=True)
class Chances:
    """How far events vary about the means of their cause.

    Attributes
    ----------
    duration_cv
        Coefficient of variation of durations.
    severity_spread
        Standard deviation of the severity s over s (1 − s), below 2: for slight causes the
        coefficient of variation of what is lost, for grave ones of what still passes. 0: no event
        is graver than another.
    shock_cv
        Coefficient of variation of the factor that all strife at Hormuz, Bab el-Mandeb and Suez
        shares in a year. 0: none.

    Raises
    ------
    UsageError
        When one of them is out of range.
    """

    duration_cv: float = 1.0
    severity_spread: float = 0.0
    shock_cv: float = 0.0

    def __post_init__(self) -> None:
        for name, below in (
            ("duration_cv", np.inf),
            ("severity_spread", 2.0),
            ("shock_cv", np.inf),
        ):
            if not 0 <= (value := getattr(self, name)) < below:
                raise UsageError(f"{name} {value} is not from 0 up to {below}")


@dataclass(frozen=True)
class Block:
    """What some years in a row held; arrays of ``BLOCK_Y`` rows, or of one a year and closure.

    Attributes
    ----------
    compound_d, lost_d
        Years × elements, as in `Draws`.
    year, word, weight_d
        Year within the block, word of the elements shut, days of it.
    """

    compound_d: Floats
    lost_d: Floats
    year: Ints
    word: Bits
    weight_d: Floats


Mapper = Callable[[Callable[[int], Block], Sequence[int]], Iterable[Block]]
"""Calls a function with each of some numbers and gives back what it answers, in their order."""


@dataclass(frozen=True)
class Draws:
    """Years drawn by lot, before anything is known of what they cost.

    Attributes
    ----------
    seed
        Seed they were drawn with.
    elements
        Chokepoints with hazards, in order.
    compound_d
        Full-closure days by the year events began in, causes added up: years × elements.
    lost_d
        Full-closure days by the calendar, causes of a day combined: years × elements.
    closures
        Each set of elements that is ever shut together.
    year, closure, weight_d
        Days a year, weighted with the share of the traffic, on which a set is shut: numbers of the
        year and of the set, and days.
    """

    seed: int
    elements: tuple[str, ...]
    compound_d: Floats
    lost_d: Floats
    closures: tuple[frozenset[str], ...]
    year: Ints
    closure: Ints
    weight_d: Floats

    def days(self) -> pd.DataFrame:
        """Full-closure days a year by the calendar: `summary` with ``element`` for ``measure``."""
        return _described(self.lost_d, self.elements, "element", self.seed)


@dataclass(frozen=True)
class Ensemble:
    """What the years drawn cost.

    Attributes
    ----------
    draws
        The years.
    measures
        What was measured, each with its unit in its name.
    loss
        Loss of each year: years × measures.
    """

    draws: Draws
    measures: tuple[str, ...]
    loss: Floats

    def summary(self) -> pd.DataFrame:
        """Loss of a year: ``measure, mean, sd, p50, p95, cvar95, standard_error, n, seed``.

        ``cvar95`` is the mean of the worst twentieth of the years, ``standard_error`` that of the
        mean, years tied by one long closure allowed for; ``n`` counts years.
        """
        return _described(self.loss, self.measures, "measure", self.draws.seed)


def one_by_one(function: Callable[[int], Block], numbers: Sequence[int]) -> list[Block]:
    """Answers of a function, called in this process."""
    return [function(number) for number in numbers]


def simulate(
    hazards: pd.DataFrame,
    *,
    years: int,
    seed: int,
    chances: Chances | None = None,
    among: Collection[str] | None = None,
    mapper: Mapper = one_by_one,
) -> Draws:
    """Years drawn by lot.

    Parameters
    ----------
    hazards
        A row a ``chokepoint`` and ``cause``: ``return_period_y`` in years, mean ``duration_d`` in
        days, mean ``severity``, share of the traffic lost.
    years
        How many. The first are the same however many follow.
    seed
        Names the lot; the same seed gives the same years.
    chances
        How far events vary; None: as ``Chances()``.
    among
        Elements whose closing matters, 64 at most; others are drawn alike and left out of
        ``closures``. None: all.
    mapper
        Draws blocks of years; numbers are the same whatever does it.

    Raises
    ------
    DataError
        When a row is there twice or a number in it is out of range.
    UsageError
        When there are no years, the seed is negative or too many elements matter.
    """
    if years < 1:
        raise UsageError(f"years {years} is less than 1")
    if seed < 0:
        raise UsageError(f"seed {seed} is negative")
    causes = _causes(hazards)
    matter = np.array([among is None or e in among for e in causes.elements], dtype=np.bool_)
    if matter.sum() > WORD:
        raise UsageError(f"{matter.sum()} chokepoints matter, more than {WORD}: name fewer")
    block = partial(_block, causes=causes, matter=matter, chances=chances or Chances(), seed=seed)
    return _joined(list(mapper(block, range(-(-years // BLOCK_Y)))), causes, matter, years, seed)


def ensemble(
    draws: Draws,
    value: Value,
    measures: Sequence[str],
    *,
    progress: Progress = lambda things, _: things,
) -> Ensemble:
    """What the years drawn cost; ``value`` is asked once for each of their closures.

    Parameters
    ----------
    value
        Loss of a day on which exactly the elements given are shut, a number a measure; that of no
        element is taken to be 0.
    measures
        Names of the measures.
    progress
        Called with things to do and what they are; gives them back one by one.

    Raises
    ------
    UsageError
        When ``value`` does not answer with one number a measure.
    """
    answers = np.zeros((len(draws.closures), len(measures)))
    names = [" ".join(sorted(closure)) for closure in draws.closures]
    for i, _ in enumerate(progress(names, "closures")):
        answer = np.asarray(value(draws.closures[i]), dtype=np.float64)
        if answer.shape != (len(measures),):
            raise UsageError(f"{answer.shape} numbers for {len(measures)} measures: {names[i]}")
        answers[i] = answer
    years = len(draws.lost_d)
    loss = np.empty((years, len(measures)))
    for m, column in enumerate(answers.T):
        loss[:, m] = np.bincount(draws.year, draws.weight_d * column[draws.closure], years)
    return Ensemble(draws, tuple(measures), loss)


def shut_together(lost: Floats, length_d: Floats, year: Ints) -> tuple[Ints, Bits, Floats]:
    """Days on which exactly a set of elements counts as shut, where shares of traffic are lost.

    Of shares 0.5 and 0.2 lost for ten days, 0.2 · 10 days are those of both shut and 0.3 · 10 days
    those of the first alone.

    Parameters
    ----------
    lost
        Shares lost: stretches of time × elements, 64 at most.
    length_d, year
        Days of each stretch, and the year it lies in.

    Returns
    -------
    tuple
        Year, word of elements (bit i for column i) and days: a row each that occurs, by year and
        word.
    """
    some = (length_d > 0) & lost.any(axis=1)
    lost, length_d, year = lost[some], length_d[some], year[some]
    order = np.argsort(-lost, axis=1, kind="stable")
    gap = -np.diff(np.take_along_axis(lost, order, axis=1), axis=1, append=0.0)
    word = np.bitwise_or.accumulate(np.uint64(1) << order.astype(np.uint64), axis=1)
    stretch, rank = np.nonzero(gap)
    return _added_up(year[stretch], word[stretch, rank], gap[stretch, rank] * length_d[stretch])


def moments(hazards: pd.DataFrame, chances: Chances | None = None) -> pd.DataFrame:
    """Full-closure days a year in closed form: ``element, mean_d, sd_d``.

    Those of ``Draws.compound_d``. By the calendar days are fewer, since a strait shut for two
    causes is shut once: without a shock 365.25 (1 − exp(−mean_d / 365.25)).

    Raises
    ------
    DataError
        As in `simulate`.
    """
    chances = chances or Chances()
    causes = _causes(hazards)
    s = causes.severity
    mean = causes.rate_y * causes.duration_d * s
    s_squared = s**2 + (chances.severity_spread * s * (1 - s)) ** 2
    alone = causes.rate_y * s_squared * causes.duration_d**2 * (1 + chances.duration_cv**2)
    size = len(causes.elements)
    common = np.bincount(causes.element, np.where(causes.shocked, mean, 0), size)
    variance = np.bincount(causes.element, alone, size) + (chances.shock_cv * common) ** 2
    return pd.DataFrame(
        {
            "element": causes.elements,
            "mean_d": np.bincount(causes.element, mean, size),
            "sd_d": np.sqrt(variance),
        }
    )


def agreement(draws: Draws, expected: pd.DataFrame) -> pd.DataFrame:
    """The simulation beside the closed form.

    Parameters
    ----------
    expected
        From `moments`, of the same hazards and chances.

    Returns
    -------
    DataFrame
        ``element``; ``mean_d, sd_d`` of ``draws.compound_d``; ``expected_mean_d, expected_sd_d``;
        ``z``, standard errors between the means.
    """
    years = len(draws.compound_d)
    table = pd.DataFrame(
        {
            "element": draws.elements,
            "mean_d": draws.compound_d.mean(axis=0),
            "sd_d": _sd(draws.compound_d),
        }
    )
    names = {"mean_d": "expected_mean_d", "sd_d": "expected_sd_d"}
    table = table.merge(expected.rename(columns=names), on="element", validate="1:1")
    error = table["expected_sd_d"].where(table["expected_sd_d"] > 0) / np.sqrt(years)
    return table.assign(z=(table["mean_d"] - table["expected_mean_d"]) / error)


@dataclass(frozen=True)
class _Causes:
    """Hazards in the order of their names, a row an element and cause."""

    elements: tuple[str, ...]
    names: tuple[str, ...]
    element: Ints
    rate_y: Floats
    duration_d: Floats
    severity: Floats
    shocked: Bools


def _causes(hazards: pd.DataFrame) -> _Causes:
    if hazards.empty:
        raise DataError("there are no hazards to draw from")
    table = hazards.sort_values(["chokepoint", "cause"], kind="stable")
    for column, wrong in (
        ("return_period_y", ~(table["return_period_y"] > 0)),
        ("duration_d", ~table["duration_d"].between(0, np.inf, inclusive="left")),
        ("severity", ~table["severity"].between(0, 1)),
        ("cause", table.duplicated(["chokepoint", "cause"])),
    ):
        if wrong.any():
            row = table[wrong].iloc[0]
            told = "is there twice" if column == "cause" else f"has {column} {row[column]}"
            raise DataError(f"the hazard {row['chokepoint']} {row['cause']} {told}")
    names = "chokepoint:" + table["chokepoint"].astype("str")
    codes, elements = pd.factorize(names)
    return _Causes(
        elements=tuple(map(str, elements)),
        names=tuple(names + " " + table["cause"]),
        element=codes.astype(np.int64),
        rate_y=1 / table["return_period_y"].to_numpy(np.float64),
        duration_d=table["duration_d"].to_numpy(np.float64),
        severity=table["severity"].to_numpy(np.float64),
        shocked=(names.isin(SHOCKED) & table["cause"].isin(STRIFE)).to_numpy(np.bool_),
    )


@dataclass(frozen=True)
class _Events:
    """Events of a block, or what is left of them: days from its start, share lost."""

    element: Ints
    start_d: Floats
    duration_d: Floats
    severity: Floats


def _block(number: int, *, causes: _Causes, matter: Bools, chances: Chances, seed: int) -> Block:
    """Years ``number * BLOCK_Y`` and after, drawn by lot."""
    events = _events(causes, chances, seed, number)
    size = len(causes.elements)
    year = np.minimum(events.start_d // DAYS_YEAR, BLOCK_Y - 1).astype(np.int64)
    days = events.duration_d * events.severity
    compound_d = np.zeros((BLOCK_Y, size))
    np.add.at(compound_d, (year, events.element), days)
    length_d, lost, first = _stretches(events, size)
    lost_d: Floats = np.add.reduceat(lost * length_d[:, None], first, dtype=np.float64)
    year = np.repeat(np.arange(BLOCK_Y), np.diff(first, append=len(lost)))
    weights = shut_together(lost[:, matter], length_d, year)
    return Block(compound_d, lost_d, *weights)


def _lot(seed: int, block: int, name: str) -> np.random.Generator:
    """Stream of random numbers of a name in a block. The kind is named, so that it stays."""
    key = (block, int.from_bytes(name.encode(), "big"))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def _events(causes: _Causes, chances: Chances, seed: int, block: int) -> _Events:
    shock = np.ones(BLOCK_Y)
    if (variance := chances.shock_cv**2) > LEAST:
        shock = _lot(seed, block, "shock").gamma(1 / variance, variance, BLOCK_Y)
    log_sd = np.sqrt(np.log1p(chances.duration_cv**2))
    element, start, duration, severity = [], [], [], []
    for i, name in enumerate(causes.names):
        lot = _lot(seed, block, name)
        counts = lot.poisson(causes.rate_y[i] * (shock if causes.shocked[i] else 1.0), BLOCK_Y)
        year = np.repeat(np.arange(BLOCK_Y), counts)
        element.append(np.full(len(year), causes.element[i]))
        start.append((year + lot.random(len(year))) * DAYS_YEAR)
        lasts = lot.lognormal(-(log_sd**2) / 2, log_sd, len(year))
        duration.append(causes.duration_d[i] * lasts)
        severity.append(_severity(lot, causes.severity[i], chances.severity_spread, len(year)))
    return _Events(*map(np.concatenate, (element, start, duration, severity)))


def _severity(lot: np.random.Generator, mean: float, spread: float, count: int) -> Floats:
    """Shares lost: a Beta of this mean, or the mean itself where nothing varies."""
    relative = spread**2 * mean * (1 - mean)  # variance over the most a share can have
    if relative <= LEAST:
        return np.full(count, mean)
    strength = 1 / relative - 1
    return lot.beta(mean * strength, (1 - mean) * strength, count)


def _stretches(events: _Events, size: int) -> tuple[Floats, Floats, Ints]:
    """Length of each stretch of days alike, shares lost on it by element, first one of each year.

    A stretch ends where an event or a year begins or ends.
    """
    events = _on_a_circle(events)
    marks = np.arange(BLOCK_Y + 1) * DAYS_YEAR
    at = np.concatenate([marks, events.start_d, events.start_d + events.duration_d])
    order = np.argsort(at, kind="stable")  # of what falls together, the mark of the year is first
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    with np.errstate(divide="ignore"):
        passes = np.minimum(-np.log1p(-events.severity), SHUT)
    step = np.rint(passes * WHOLE).astype(np.int64)
    change = np.zeros((len(at), size), np.int64)
    begins, ends = np.split(place[len(marks) :], 2)
    change[begins, events.element] = step
    change[ends, events.element] = -step
    lost = np.abs(np.expm1(-np.cumsum(change, axis=0)[:-1] / WHOLE))
    return np.diff(at[order]), lost, place[:BLOCK_Y]


def _on_a_circle(events: _Events) -> _Events:
    """Events cut at the end of the block; what is left of them begins it."""
    span = BLOCK_Y * DAYS_YEAR
    lasts = np.minimum(events.duration_d, span)
    beyond = events.start_d + lasts - span
    over = beyond > 0
    return _Events(
        np.append(events.element, events.element[over]),
        np.append(events.start_d, np.zeros(over.sum())),
        np.append(lasts - np.maximum(beyond, 0), beyond[over]),
        np.append(events.severity, events.severity[over]),
    )


def _added_up(year: Ints, word: Bits, weight_d: Floats) -> tuple[Ints, Bits, Floats]:
    order = np.lexsort((word, year))
    year, word = year[order], word[order]
    new = np.append(True, (np.diff(year) != 0) | (word[1:] != word[:-1]))[: len(year)]
    first = np.flatnonzero(new)
    if not len(first):
        return year, word, weight_d
    return year[first], word[first], np.add.reduceat(weight_d[order], first)


def _joined(blocks: list[Block], causes: _Causes, matter: Bools, years: int, seed: int) -> Draws:
    """Blocks one after another, cut to so many years."""
    year = np.concatenate([BLOCK_Y * i + block.year for i, block in enumerate(blocks)])
    wanted = year < years
    words = np.concatenate([block.word for block in blocks])[wanted]
    known, closure = np.unique(words, return_inverse=True)
    names = [e for e, matters in zip(causes.elements, matter, strict=True) if matters]
    return Draws(
        seed=seed,
        elements=causes.elements,
        compound_d=np.concatenate([block.compound_d for block in blocks])[:years],
        lost_d=np.concatenate([block.lost_d for block in blocks])[:years],
        closures=tuple(
            frozenset(name for i, name in enumerate(names) if word >> i & 1)
            for word in known.tolist()
        ),
        year=year[wanted],
        closure=closure,
        weight_d=np.concatenate([block.weight_d for block in blocks])[wanted],
    )


def _described(values: Floats, names: Sequence[str], heading: str, seed: int) -> pd.DataFrame:
    """Mean, spread and tail of each column: a row a name."""
    years = len(values)
    worst = -(-years // 20)
    p50, p95 = np.quantile(values, [0.5, 0.95], axis=0)
    return pd.DataFrame(
        {
            heading: list(names),
            "mean": values.mean(axis=0),
            "sd": _sd(values),
            "p50": p50,
            "p95": p95,
            "cvar95": np.sort(values, axis=0)[-worst:].mean(axis=0),
            "standard_error": _standard_error(values),
            "n": years,
            "seed": seed,
        }
    )


def _sd(values: Floats) -> Floats:
    """Standard deviation of years; of a single one it is not known."""
    return pd.DataFrame(values).std().to_numpy(np.float64)


def _standard_error(values: Floats) -> Floats:
    """Standard error of the mean of years in a row; no less than if they were independent."""
    years = len(values)
    about = values - values.mean(axis=0)
    tied = np.zeros(values.shape[1])
    for lag in range(1, min(LAGS, years - 1) + 1):
        tied += 2 * (about[lag:] * about[:-lag]).sum(axis=0) / max(1, years - 1)
    variance = _sd(values) ** 2
    error: Floats = np.sqrt(np.maximum(variance, variance + tied) / years)
    return error
