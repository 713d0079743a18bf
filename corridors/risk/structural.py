"""The long-run rate: how often each chokepoint is disrupted, and for how many days a year.

    closure days a year   E = Σ λ d s,   Var = Σ λ s² d² (1 + cv²)       compound Poisson
    trade disrupted       Σ V λ (⌊d⌋ / 365) s                            USD a year
    rate after n events   λ ~ Gamma(w N + n, w T₀ + T)                   Gamma–Poisson
    at least one in h     1 − (β / (β + h))^α                            h in years

with λ the rate of a cause, d its mean duration, s the share of traffic lost, V the trade, N events
in T₀ years of old record, n in T recent ones, w the weight of the old record. Rates, durations and
V: Verschuur, Lumma & Hall 2025 (Nat Commun 16:10421); their notebook cuts durations to whole days
for the trade disrupted, and so does `disrupted_trade`. This speaks of calm times: during a crisis
the two other numbers do.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from layers.world import World

YEAR_D = 365.25
MONTH_D = 30


@dataclass(frozen=True)
class Rate:
    """What is known of a rate of events a year: a Gamma distribution.

    Attributes
    ----------
    alpha
        Events, those before them weighted.
    beta
        Years they were counted in, weighted alike.
    """

    alpha: float
    beta: float

    @property
    def mean(self) -> float:
        """Events a year."""
        return self.alpha / self.beta


def updated(
    events: float, years: float, recent_events: int, recent_years: float, *, weight: float
) -> Rate:
    """Rate after a recent record, the old one weighted (power prior of a Gamma–Poisson model).

    Parameters
    ----------
    events, years
        Of the old record.
    weight
        Of an old year beside a recent one, 0–1.
    """
    return Rate(weight * events + recent_events, weight * years + recent_years)


def closure_days(
    rate_y: np.ndarray, duration_d: np.ndarray, severity: np.ndarray, *, cv: float = 1.0
) -> tuple[float, float]:
    """Mean and standard deviation of full-closure days a year (compound Poisson).

    Parameters
    ----------
    rate_y, duration_d, severity
        One value a cause: events a year, mean days, share of traffic lost.
    cv
        Coefficient of variation of durations: E[d²] = (1 + cv²) E[d]².
    """
    days = np.asarray(duration_d, float) * np.asarray(severity, float)
    rate = np.asarray(rate_y, float)
    return float((rate * days).sum()), float(np.sqrt((rate * days**2).sum() * (1 + cv**2)))


def disrupted_trade(world: World) -> pd.DataFrame:
    """Expected trade disrupted: ``chokepoint, cause, disrupted_usd_y``, a row a known hazard."""
    table = world.hazards.merge(world.chokepoint_trade[["chokepoint", "value_usd_y"]])
    days = np.trunc(table["duration_d"])
    lost = table["value_usd_y"] / table["return_period_y"] * days / 365 * table["severity"]
    return table[["chokepoint", "cause"]].assign(disrupted_usd_y=lost)


def rates(world: World) -> pd.DataFrame:
    """Rate of each hazard, updated where the list of recent disruptions speaks of it.

    Only a chokepoint and cause of which that list holds an event is updated, since it does not
    claim to be complete elsewhere. Silence lowers no rate, so on the whole rates lean high.

    Returns
    -------
    DataFrame
        Rows and columns of ``world.hazards``, and ``long_run_y`` (events a year of the record),
        ``alpha``, ``beta`` (missing where not updated), ``rate_y``, ``recent`` (events counted).
    """
    listed = world.disruptions
    window_y = _window_y(listed)
    weight = world.assumption("structural_prior_weight")
    counts = _recent(listed)
    table = world.hazards.assign(long_run_y=1 / world.hazards["return_period_y"])
    keys = zip("chokepoint:" + table["chokepoint"], table["cause"], strict=True)
    table["recent"] = [counts.get(key, 0) for key in keys]
    table["alpha"] = (weight * table["record_y"] * table["long_run_y"] + table["recent"]).where(
        table["recent"] > 0
    )
    table["beta"] = (weight * table["record_y"] + window_y).where(table["recent"] > 0)
    table["rate_y"] = (table["alpha"] / table["beta"]).fillna(table["long_run_y"])
    return table


def structural(world: World) -> pd.DataFrame:
    """The long-run number of each chokepoint whose hazards are known.

    Returns
    -------
    DataFrame
        ``element``; ``disruption_30d`` and ``disruption_12m``, probabilities of at least one event
        that takes no less of the traffic than ``structural_min_severity``; ``closure_d_y`` and
        ``closure_sd_d_y``, full-closure days a year and their standard deviation;
        ``closure_long_run_d_y``, the same by the old record alone; ``disrupted_usd_y``;
        ``recent``, recent events counted in. 0 where the record was searched and holds nothing.
    """
    cv = world.assumption("structural_duration_cv")
    least = world.assumption("structural_min_severity")
    table = rates(world)
    trade = disrupted_trade(world).groupby("chokepoint")["disrupted_usd_y"].sum()
    rows = []
    for chokepoint in world.chokepoint_trade["chokepoint"]:
        own = table[table["chokepoint"] == chokepoint]
        mean, spread = closure_days(own["rate_y"], own["duration_d"], own["severity"], cv=cv)
        before, _ = closure_days(own["long_run_y"], own["duration_d"], own["severity"], cv=cv)
        grave = own[own["severity"] >= least]
        rows.append(
            {
                "element": f"chokepoint:{chokepoint}",
                "disruption_30d": _any_within(grave, MONTH_D / YEAR_D),
                "disruption_12m": _any_within(grave, 1.0),
                "closure_d_y": mean,
                "closure_sd_d_y": spread,
                "closure_long_run_d_y": before,
                "disrupted_usd_y": float(trade.get(chokepoint, 0.0)),
                "recent": int(own["recent"].sum()),
            }
        )
    return pd.DataFrame(rows)


def _any_within(table: pd.DataFrame, years: float) -> float:
    """Probability of at least one event of any cause, the causes independent."""
    none = np.exp(-table["rate_y"] * years)
    posterior = (table["beta"] / (table["beta"] + years)) ** table["alpha"]
    return 1 - float(np.prod(posterior.fillna(none).to_numpy()))


def _window_y(listed: pd.DataFrame) -> float:
    """Years the list of disruptions looks back: from its first year to when it was last seen to."""
    first = listed.loc[listed["start"] != "", "start"].min()
    if pd.isna(first):
        return 0.0
    start = pd.Timestamp(f"{first[:4]}-01-01")
    return float((pd.Timestamp(listed["as_of"].max()) - start).days / YEAR_D)


def _recent(listed: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Dated events by element and cause."""
    dated = listed[(listed["hazard"] != "") & (listed["start"] != "")]
    pairs = dated.assign(element=dated["elements"].str.split(";")).explode("element")
    return dict(Counter(zip(pairs["element"], pairs["hazard"], strict=True)))
