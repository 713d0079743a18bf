"""Today's risk as a scenario: an exercise of what is seen and said now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from math import isnan
from typing import TYPE_CHECKING, Any

import pandas as pd

from corridors.whatif.scenario import MOST, SHARE, Rule, Scenario, make_scenario, shown_value
from layers.errors import UsageError
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["from_risk"]

NORMAL_RATIO = 0.85
"""Observed traffic below this share of the usual week is a loss (METHODS F2)."""


def from_risk(
    world: World,
    risk: pd.DataFrame,
    *,
    least: float = 0.5,
    name: str = "today",
    start: date | None = None,
    duration_d: float = 30.0,
) -> Scenario:
    """Today's risk as a scenario.

    An element whose observed traffic is judged and is below 0.85 of usual is limited to that
    share. One whose traffic nobody judges and whose threat is `least` or more is limited to 1 −
    threat: a threat is no measured loss, so this is an exercise. Traffic that is seen to flow is
    believed before a threat. Of more than 200 elements those that lose most are kept.

    Parameters
    ----------
    risk
        From ``corridors.risk.risk_table``; rows of corridors are left out, being their elements.
    least
        Threat from which an element counts, 0–1.
    duration_d
        Days; no feed says how long, so this is a choice.

    Raises
    ------
    UsageError
        When `least` is no share.
    """
    if not SHARE.holds(least):
        raise UsageError(f"{shown_value(least)} is not {SHARE}, for the least threat")
    own = risk[risk["element"].isin(world.elements())].drop_duplicates("element")
    seen, ratio = own["observed_ratio"].notna(), own["observed_ratio"]
    rows = [
        *(_of_traffic(row) for row in records(own[seen & (ratio < NORMAL_RATIO)])),
        *(_of_threat(row) for row in records(own[~seen & (own["threat"] >= least)])),
    ]
    rows.sort(key=lambda row: (-row[0].lost, row[0].element))
    kept, left = rows[:MOST], len(rows[MOST:])
    lines = [_RISK_NOTE.format(f"{duration_d:g}")]
    lines += [f"{world.name(rule.element)} ({rule.element}): {why}" for rule, why, _ in kept]
    lines += [f"{left} elements that lose less are left out"] if left else []
    return make_scenario(
        name,
        name_en="Today's risk",
        name_zh="当前风险",
        note="\n".join(lines),
        rules=[rule for rule, _, _ in kept],
        start=start,
        duration_d=duration_d,
        sources=[source for _, _, source in kept],
    )


_RISK_NOTE = (
    "Exercise, not a forecast: today's risk as if it stood for {0} d, which is a choice. "
    "演习推演,非预报:假定当前风险持续{0}天。"
)


_SHARE_DIGITS = 3


def _of_traffic(row: Mapping[str, Any]) -> tuple[Rule, str, str]:
    """Rule of an element whose ships were counted, why, and the source."""
    ratio = round(float(row["observed_ratio"]), _SHARE_DIGITS)
    why = f"{100 * ratio:g} % of usual ships seen, counts {_age(row['observed_age_d'])}"
    day = "unknown" if pd.isna(row["observed_on"]) else f"{row['observed_on']:%Y-%m-%d}"
    return Rule(row["element"], lost=1 - ratio), why, f"observed: daily ships, newest day {day}"


def _of_threat(row: Mapping[str, Any]) -> tuple[Rule, str, str]:
    """Rule of an element whose ships nobody judges, why, and the source."""
    threat = round(float(row["threat"]), _SHARE_DIGITS)
    why = (
        f"threat {threat:g} and no traffic judged, news {_age(row['threat_age_d'])}, "
        f"{row['threat_state']}"
    )
    return Rule(row["element"], lost=threat), why, f"threat: feeds {row['feeds'] or 'unknown'}"


def _age(days: float) -> str:
    return "of unknown age" if isnan(days) else f"{days:.0f} d old"
