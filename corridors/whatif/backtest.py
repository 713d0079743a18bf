"""What-if answers beside what happened: each row of data/whatif_results.csv computed and judged.

    error      ours − published; of a range − its nearer end, and 0 inside it
    within     |error| ≤ tolerance
    outside    anything else; ``why`` says what separates the two figures

A row is computed by the function that ``MEASURES`` has under the row's ``measure``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from corridors.whatif.engine import Engine, prepare
from corridors.whatif.scale import Alone, Crew
from layers.errors import DataError, Fault
from layers.world import records

if TYPE_CHECKING:
    from corridors.network import Remember
    from corridors.sailings import Progress
    from layers.world import World

from corridors.whatif.measures import MEASURES, Bench, ratio

__all__ = ["backtest", "judged"]

Verdict = Literal["within", "outside", "not applicable"]
NO_REASON = "no reason is known"


def backtest(
    world: World,
    *,
    texts: Mapping[str, tuple[str, str]],
    engine: Engine | None = None,
    remember: Remember | None = None,
    hands: Crew | None = None,
    progress: Progress = lambda things, _: things,
) -> pd.DataFrame:
    """Every published outcome beside ours, one row each, in the order of the table.

    Parameters
    ----------
    texts
        TOML and shown path of each scenario, by id.
    engine
        Of all commodities unless given.
    remember, progress
        See ``corridors.whatif.engine.prepare``; one step a scenario.
    hands
        Who answers scenarios; the figures are the same whoever does. None: this process.

    Returns
    -------
    DataFrame
        ``id, what, scenario, measure, published, published_low, published_high, unit, ours, error,
        error_pct, tolerance, verdict, how, why, source, source_url, year, quality``. ``why`` is
        empty where ours is within. ``ours`` may be there for a row that is not applicable.

    Raises
    ------
    DataError
        For a row whose measure is unknown, and for faults of a scenario.
    UnknownIdError
        For a row whose scenario ``texts`` does not hold.
    """
    rows = records(world.whatif_results)
    _check(rows)
    bench = Bench(world, engine or prepare(world, remember=remember, progress=progress), texts)
    names = list(dict.fromkeys(str(row["scenario"]) for row in rows))
    found = (hands or Alone()).map(
        _ours,
        names,
        shared=(bench,),
        names=names,
        progress=lambda names, _: progress(names, "scenarios"),
    )
    ours = {id: value for some in found for id, value in some.items()}
    return pd.DataFrame([judged(row, ours[str(row["id"])]) for row in rows])


def _ours(bench: Bench, name: str) -> dict[str, float]:
    """Our figure of each row of a scenario, by the row's id."""
    scenario = bench.scenario(name)
    rows = [row for row in records(bench.world.whatif_results) if row["scenario"] == name]
    found = {
        str(row["id"]): float(MEASURES[str(row["measure"])].ours(bench, scenario)) for row in rows
    }
    bench.answers.clear()  # large, and no other scenario asks for them
    return found


def _check(rows: Sequence[Mapping[str, object]]) -> None:
    faults = [
        Fault(
            "data/whatif_results.csv",
            i,
            "measure",
            f"{row['measure']} is not one of {', '.join(sorted(MEASURES))}",
        )
        for i, row in enumerate(rows, start=2)
        if row["measure"] not in MEASURES
    ]
    if faults:
        raise DataError(faults)


def judged(row: Mapping[str, object], ours: float) -> dict[str, object]:
    """A row of the public table, from one of whatif_results.csv and our figure."""
    measure = MEASURES[str(row["measure"])]
    value, low, high, tolerance = (_number(row[c]) for c in ("value", "low", "high", "tolerance"))
    nearest = nearest_published(ours, (value, low, high))
    error = ours - nearest
    verdict = _verdict(error, tolerance) if measure.applies else "not applicable"
    return {
        **{c: row[c] for c in ("id", "what", "scenario", "measure")},
        "published": value,
        "published_low": low,
        "published_high": high,
        "unit": row["unit"],
        "ours": ours,
        "error": error,
        "error_pct": 100.0 * ratio(error, abs(nearest)),
        "tolerance": tolerance,
        "verdict": verdict,
        "how": measure.how,
        "why": "" if verdict == "within" else measure.why or NO_REASON,
        **{c: row[c] for c in ("source", "source_url", "year", "quality")},
    }


def _number(cell: object) -> float:
    return float(str(cell))


def nearest_published(ours: float, published: Sequence[float]) -> float:
    """The published figure nearest to ours: inside a range ours itself; NaN when ours is not known.

    A value with one end is the range between them.
    """
    if np.isnan(ours):
        return float("nan")
    return float(np.clip(ours, np.nanmin(published), np.nanmax(published)))


def _verdict(error: float, tolerance: float) -> Verdict:
    """A figure of ours that is not known is outside."""
    return "within" if abs(error) <= tolerance else "outside"
