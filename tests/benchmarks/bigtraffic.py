"""Daily traffic of PortWatch's size drawn by lot, for tests of scale. Nobody's statistic.

Ships of a day are negative-binomial about a usual number with a week and a year in it; on some
stretches a strait loses most of its ships, so that warnings have something to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from layers.events import observation_frame
from layers.feeds.portwatch_chokepoints import METRICS

FIRST = pd.Timestamp("2016-07-01", tz="UTC")
BREAKS = 6
"""Stretches of lost traffic in ten years, each for one series in four."""


def calls(number: int, days: int, *, seed: int = 1) -> np.ndarray:
    """(days,) ships of a series; a large one has 90 a day, the hundredth none on most days."""
    lot = np.random.default_rng([seed, number])
    usual = 90.0 / (1 + number % 100)
    at = np.arange(days)
    mean = usual * (1 + 0.08 * np.cos(2 * np.pi * at / 7) + 0.1 * np.cos(2 * np.pi * at / 365.25))
    for _ in range(BREAKS):
        if lot.random() < 0.25:
            start = int(lot.integers(days))
            mean[start : start + int(lot.integers(20, 120))] *= 0.1
    return lot.negative_binomial(60, 60 / (60 + mean)).astype(float)


def values(number: int, days: int, *, seed: int = 1) -> Mapping[str, np.ndarray]:
    """(days,) of each metric of a series: classes are parts of the whole."""
    total = calls(number, days, seed=seed)
    lot = np.random.default_rng([seed, number, 1])
    classes = [name for name in METRICS if name.startswith("n_") and name != "n_total"]
    parts = lot.multinomial(total.astype(int), np.full(len(classes), 1 / len(classes))).T
    found = {"n_total": total} | dict(zip(classes, parts.astype(float), strict=True))
    sizes = {name: np.round(held * 50_000) for name, held in found.items()}
    return found | {
        ("capacity" if name == "n_total" else f"capacity_{name[2:]}"): held
        for name, held in sizes.items()
    }


def tables(series: int, days: int, *, seed: int = 1) -> Iterator[pd.DataFrame]:
    """Rows as the portal's CSV has them, a table a series."""
    at = pd.date_range(FIRST, periods=days)
    calendar = {"year": at.year, "month": at.month, "day": at.day}
    for number in range(1, series + 1):
        held = values(number, days, seed=seed)
        yield pd.DataFrame({"portid": f"chokepoint{number}", **calendar, **held})


def write_csv(path: Path, series: int, days: int, *, seed: int = 1) -> int:
    """Rows written to a file of the portal's shape."""
    rows = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        for table in tables(series, days, seed=seed):
            table.to_csv(stream, index=False, header=rows == 0)
            rows += len(table)
    return rows


def observations(series: int, days: int, *, retrieved_at: datetime, seed: int = 1) -> pd.DataFrame:
    """The same in the shape of the store, of all series: ``portwatch:chokepoint1`` and on."""
    at = pd.date_range(FIRST, periods=days)
    empty = observation_frame([])
    parts = []
    for number in range(1, series + 1):
        for metric, held in values(number, days, seed=seed).items():
            part = pd.DataFrame({"observed_at": at, "value": held})
            parts.append(part.assign(series=f"portwatch:chokepoint{number}", metric=metric))
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(
        element="", unit="1", source="drawn by lot", retrieved_at=retrieved_at, quality_flags=""
    )
    return table[list(empty.columns)].astype(empty.dtypes.to_dict())
