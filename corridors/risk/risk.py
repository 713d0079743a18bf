"""Three numbers side by side for every element: threat, observed, structural. Never one.

A corridor is its legs in series: 1 − Π (1 − threat of a leg); of elements that stand for each
other (``a|b``) the safer one counts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corridors.risk.observed import observed, usual_transits
from corridors.risk.structural import structural
from corridors.risk.threat import threat

if TYPE_CHECKING:
    from layers.world import World

TOP = 3
YEAR_D = 365


def risk_table(
    world: World,
    events: pd.DataFrame,
    observations: pd.DataFrame,
    states: pd.DataFrame | None = None,
    *,
    now: datetime,
) -> pd.DataFrame:
    """Three numbers of every chokepoint, port, railway and pipeline.

    Parameters
    ----------
    events, observations
        Tables of ``layers.events``.
    states
        ``feed, state, content_as_of`` of the feeds, and ``last_success_at`` where known.
    now
        UTC.

    Returns
    -------
    DataFrame
        A row an element: ``element, kind, name_en, name_zh``; **threat** 0–1 with
        ``threat_state`` (active, calm, stale or not_covered), ``covered``, ``current``,
        ``watched``, ``feeds``, ``threat_as_of``, ``threat_age_d``, ``events`` and ``top``, the
        titles of the three that weigh most; **observed** 0–1 with ``observed_ratio``,
        ``capacity_ratio``, ``week_d``, ``usual_d``, ``observed_on``, ``observed_age_d``,
        ``observed_flags`` and, for context, ``embedded_transits_d`` of ``embedded_year``;
        **structural**: ``disruption_30d``, ``disruption_12m``, ``closure_d_y``,
        ``closure_sd_d_y``, ``closure_long_run_d_y``, ``disrupted_usd_y``, ``recent``. Missing is
        not zero: not covered, not measured, not known.
    """
    found = threat(events, world, now=now, states=states)
    table = found.elements
    table = table.assign(
        kind=table["element"].str.partition(":")[0],
        name_en=[world.name(e, "en") for e in table["element"]],
        name_zh=[world.name(e, "zh") for e in table["element"]],
        top=table["element"].map(_top(found.contributions)).astype(object).fillna("").astype("str"),
    )
    for part in (observed(world, observations, now=now), usual_transits(world), structural(world)):
        table = table.merge(part, on="element", how="left")
    table["observed_flags"] = table["observed_flags"].fillna("")
    first = ["element", "kind", "name_en", "name_zh", "threat", "threat_state", "observed"]
    first += ["disruption_30d", "closure_d_y"]
    return table[[*first, *table.columns.difference(first, False)]]


def corridor_risk(world: World, risk: pd.DataFrame) -> pd.DataFrame:
    """Risk of every named corridor from that of its elements.

    Returns
    -------
    DataFrame
        ``element`` (``corridor:<id>``), ``kind``, ``name_en``, ``name_zh``; ``threat`` of the legs
        in series, a lower bound while ``uncovered`` legs are left (their elements), missing when
        no leg is covered; ``threat_state``, stale where a leg is; ``covered``: all legs are;
        ``observed``, the worst leg;
        ``disruption_30d``, any leg, of the chokepoints whose rate is known; ``worst``, the leg of
        the greatest threat, empty when there is none.
    """
    known = risk.set_index("element")
    rows = []
    for corridor, via in zip(world.corridors["corridor"], world.corridors["via"], strict=True):
        legs = [leg.split("|") for leg in via.split(";") if leg]
        threats = [_safer(known["threat"], leg) for leg in legs]
        chance = [_safer(known["disruption_30d"], leg) for leg in legs]
        id = f"corridor:{corridor}"
        rows.append(
            {
                "element": id,
                "kind": "corridor",
                "name_en": world.name(id, "en"),
                "name_zh": world.name(id, "zh"),
                "threat": in_series(threats),
                "threat_state": _state(known.loc[[e for leg in legs for e in leg], "threat_state"]),
                "observed": _of_known(np.nanmax, [_safer(known["observed"], leg) for leg in legs]),
                "disruption_30d": in_series(chance),
                "covered": bool(legs) and not np.isnan(threats).any(),
                "uncovered": ";".join(
                    "|".join(leg) for leg, t in zip(legs, threats, strict=True) if np.isnan(t)
                ),
                "worst": _worst(legs, threats),
            }
        )
    return pd.DataFrame(rows)


def _state(legs: pd.Series[str]) -> str:
    """The state of the leg that most needs saying: nobody calls a way calm for its calm legs."""
    return next((s for s in ("stale", "active", "calm") if s in set(legs)), "not_covered")


def in_series(probabilities: list[float]) -> float:
    """Probability that at least one leg fails: 1 − Π (1 − p) over those known; NaN if none is."""
    return _of_known(lambda p: 1 - np.prod(1 - p), probabilities)


def risk_weighted(exposure: pd.DataFrame, risk: pd.DataFrame) -> pd.DataFrame:
    """The exposure table with quantities times probabilities.

    Parameters
    ----------
    exposure
        From ``corridors.exposure``: ``element``, ``quantity_t`` (t/yr) and more.
    risk
        From `risk_table` or `corridor_risk`.

    Returns
    -------
    DataFrame
        Further columns: ``threat``, ``threat_state``, ``observed``, ``disruption_30d`` as in
        ``risk``;
        ``threat_weighted_t``, ``observed_weighted_t``, ``disruption_weighted_t``, each times the
        quantity of a year; ``disrupted_t_y``, the quantity times ``closure_d_y`` / 365 where that
        is known. Missing where the probability is.
    """
    numbers = ["threat", "observed", "disruption_30d"]
    beside = ["threat_state", "closure_d_y"]
    have = [name for name in [*numbers, *beside] if name in risk]
    found = exposure.drop(columns=have, errors="ignore")
    found = found.merge(risk[["element", *have]], on="element", how="left")
    for name in numbers:
        found[f"{name.removesuffix('_30d')}_weighted_t"] = found["quantity_t"] * found[name]
    if "closure_d_y" in have:
        found["disrupted_t_y"] = (
            found["quantity_t"] * found["closure_d_y"].clip(upper=YEAR_D) / YEAR_D
        )
    return found


def _top(contributions: pd.DataFrame) -> pd.Series[str]:
    """Titles of the events that weigh most, by element; those of no feed say so."""
    said = contributions["title"].where(
        ~contributions["embedded"].astype(bool), contributions["title"] + " (embedded)"
    )
    heaviest = contributions.assign(said=said).groupby("element").head(TOP)
    return heaviest.groupby("element")["said"].agg(" | ".join)


def _safer(numbers: pd.Series[float], leg: list[str]) -> float:
    """Least number of the elements that can stand for each other; NaN when none is known."""
    return _of_known(np.nanmin, [float(numbers.get(element, np.nan)) for element in leg])


def _worst(legs: list[list[str]], threats: list[float]) -> str:
    if not np.nan_to_num(threats).any():
        return ""
    return "|".join(legs[int(np.nanargmax(threats))])


def _of_known(rule: Callable[[Any], Any], numbers: list[float]) -> float:
    values = np.array([n for n in numbers if not np.isnan(n)], float)
    return float(rule(values)) if len(values) else float("nan")
