"""Many scenarios, many importers: what each scenario does to each importer, in one table.

One answer of the engine holds every importer, so a scenario is a block and an importer is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corridors.demand import members_of
from corridors.whatif.answer import OUTCOMES, Answer, disturb
from corridors.whatif.engine import Engine
from corridors.whatif.scale import Alone, Crew
from corridors.whatif.scenario import Scenario

if TYPE_CHECKING:
    from corridors.network import Floats
    from corridors.sailings import Progress

__all__ = ["COLUMNS", "sweep"]

LEAST_T = 1.0  # t/yr; less is no row
COLUMNS = [
    *("scenario", "importer", "commodity", "baseline_t", *(f"{name}_t" for name in OUTCOMES)),
    *("lost_share", "added_days", "added_cost_usd_t"),
]


def sweep(
    engine: Engine,
    scenarios: Mapping[str, Scenario],
    importers: Sequence[str] | None,
    *,
    hands: Crew | None = None,
    progress: Progress = lambda things, _: things,
) -> pd.DataFrame:
    """What each scenario does to each importer and commodity, while it lasts.

    Parameters
    ----------
    engine
        Of all importers; it serves every scenario, so they draw no places and set no switches.
    scenarios
        By the name they have in the table.
    importers
        Countries, groups of countries (counted as one) or ``WLD``; every country when not given.
    hands
        Who answers scenarios; the table is the same whoever does. None: this process.

    Returns
    -------
    DataFrame
        ``COLUMNS``: t/yr; days and USD/t added to the rerouted. By scenario, then the most touched
        first. Left out is who loses and reroutes less than a tonne a year.
    """
    hands = hands or Alone()
    tables = hands.map(
        _touched,
        list(scenarios.values()),
        shared=(engine, None if importers is None else tuple(importers)),
        names=list(scenarios),
        progress=lambda names, _: progress(names, "scenarios"),
    )
    named = [t.assign(scenario=name) for name, t in zip(scenarios, tables, strict=True)]
    found = pd.concat(named, ignore_index=True) if named else pd.DataFrame(columns=COLUMNS)
    return found[COLUMNS]


def _touched(engine: Engine, importers: Sequence[str] | None, scenario: Scenario) -> pd.DataFrame:
    """Rows of one scenario, the most touched first."""
    answer = disturb(engine, scenario)
    codes, countries = pd.factorize(engine.sides["importer"])
    named = {str(c): frozenset({str(c)}) for c in countries}
    if importers is not None:
        named = {importer: members_of(engine.world, importer) for importer in importers}
    inside = np.array([[c in members for c in countries] for members in named.values()])
    tables, columns = [], ["baseline_t", *(f"{name}_t" for name in OUTCOMES), "t_d", "usd"]
    for name in answer.fates:
        sums = inside @ _by_country(answer, name, codes, len(countries))
        table = pd.DataFrame(sums, columns=columns)
        tables.append(table.assign(importer=list(named), commodity=name))
    found = pd.concat(tables, ignore_index=True)
    rerouted, baseline = found["rerouted_t"], found["baseline_t"]
    touched = found[["rerouted_t", "unmet_t", "infeasible_t"]].sum(axis=1)
    moved = rerouted.where(rerouted > LEAST_T)
    found["lost_share"] = found[["unmet_t", "infeasible_t"]].sum(axis=1) / baseline
    found["added_days"], found["added_cost_usd_t"] = found["t_d"] / moved, found["usd"] / moved
    order = np.argsort(-touched.to_numpy(), kind="stable")
    return found.iloc[order[touched.to_numpy()[order] >= LEAST_T]]


def _by_country(answer: Answer, commodity: str, codes: np.ndarray, count: int) -> Floats:
    """(countries, 7): t/yr before, the four outcomes; tonne-days and USD added to the rerouted."""
    fate = answer.fates[commodity]
    calm = fate.case.calm
    usd = fate.added_usd[:, OUTCOMES.index("rerouted")].sum(axis=1)
    legs = np.column_stack([calm.tonnes, fate.outcome, fate.added_t_d, usd])
    at = codes[calm.flow]
    return np.column_stack([np.bincount(at, column, minlength=count) for column in legs.T])
