"""How likely traffic is to fall: that tonnage of seven days drops below 75 % of its season.

    logit p = b · x                        within 14 and within 30 days
    x         how far the week and the last three days are above or below 75 %, alarms, evidence,
              log odds of how often it happens there
    often     (own days before + a year at the long-run rate) / (days + a year)
    b         greatest posterior: a normal prior on each term, days of all elements pooled, each
              weighted 1 / horizon, since the days within one horizon tell of one thing
    with feeds, declarations: log odds + w · threat + w(declared)

The weights of traffic are fitted on the record (``data/warning_model.csv`` says on which) and
judged on crises and elements left out. What feeds add cannot be: no record of past feeds exists.
Those weights are choices, rows of ``data/assumptions.csv``. Where there is no daily traffic, the
long-run rate takes its place; where there is neither, nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import expit, logit

from corridors.network import Bools, Floats
from corridors.risk.structural import YEAR_D, rates
from corridors.risk.transits import FALL, RISE

if TYPE_CHECKING:
    from layers.world import World

__all__ = [
    "BELOW",
    "HORIZONS",
    "Model",
    "chance",
    "element_days",
    "features",
    "fit",
    "long_run",
    "models",
    "often",
    "outcome",
    "with_feeds",
]

HORIZONS = (14, 30)
BELOW = 0.75
RECORD_D = 365.0  # what the long-run rate weighs beside the element's own days
LEAST_RATIO, MOST_RATIO = 0.05, 1.5
POOLED = {14: 0.04, 30: 0.08}
"""Long-run probability where no hazard is on record: of the days of all elements, a rounded mean
without those of the Red Sea and Hormuz crises."""
LEAST_P, MOST_P = 0.001, 0.999
MOST_STEPS = 100
_COLUMNS = (*(f"weight_{h}d" for h in HORIZONS), "prior_mean", "prior_sd")


@dataclass(frozen=True)
class Model:
    """Weights of one horizon.

    Attributes
    ----------
    horizon_d
        Days looked ahead.
    weights, means, spreads
        By term: weight, and mean and standard deviation of its prior.
    """

    horizon_d: int
    weights: Mapping[str, float]
    means: Mapping[str, float]
    spreads: Mapping[str, float]


def models(world: World) -> dict[int, Model]:
    """The model of each horizon, as fitted (``data/warning_model.csv``)."""
    table = world.warning_model.set_index("term")
    held = {c: {str(t): float(v) for t, v in table[c].items()} for c in table if c in _COLUMNS}
    means, spreads = held["prior_mean"], held["prior_sd"]
    return {h: Model(h, held[f"weight_{h}d"], means, spreads) for h in HORIZONS}


def element_days(changed: xr.Dataset) -> pd.DataFrame:
    """One row an element and day: what its series show together.

    Parameters
    ----------
    changed
        From ``corridors.risk.transits.changes``.

    Returns
    -------
    DataFrame
        ``element, day``; ``ratio`` and ``ratio_3d`` of tonnage (of calls where no tonnage is
        known: ``of`` says which); ``calls_ratio``; ``observed_d``, ``usual_d`` ships a day of the
        week; ``evidence`` of a fall; ``alarm`` −1, 0 or 1 of all ships together, a fall before a
        rise; ``tonnage_fall``, ``calls_fall``, ``container_fall``; ``classes`` that fall, ``;``
        between; ``onset`` and ``began`` of the oldest fall, or rise; ``twin``; ``judged``.
    """
    element = changed["element"].to_numpy()
    parts = [
        _together(changed, str(e), np.flatnonzero(element == e)) for e in dict.fromkeys(element)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["element"])


def _together(changed: xr.Dataset, element: str, rows: np.ndarray) -> pd.DataFrame:
    metric = {str(changed["metric"].to_numpy()[r]): r for r in rows}
    calls, tonnes = metric.get("n_total"), metric.get("capacity")
    days = pd.DatetimeIndex(changed["day"].to_numpy())
    held = {str(name): changed[name].to_numpy() for name in changed.data_vars}
    main = tonnes if _is_told(held["ratio"], tonnes) else calls
    if main is None:
        return pd.DataFrame()
    falls = {m: held["alarm"][r] == FALL for m, r in metric.items()}
    total = [m for m in ("n_total", "capacity") if m in metric]
    fall = np.logical_or.reduce([falls[m] for m in total])
    rise = np.logical_or.reduce([held["alarm"][metric[m]] == RISE for m in total])
    containers = [falls[m] for m in ("capacity_container", "n_container") if m in metric]
    contained = containers[0] if containers else np.zeros(len(days), bool)
    sign = np.where(fall | contained, FALL, np.where(rise, RISE, 0))
    # The second chart of a series looks where its first one does: up, while no alarm is on.
    same = {m: held["alarm"][metric[m]] == sign for m in total}
    y, usual = _week(held, calls if calls is not None else main)
    return pd.DataFrame(
        {
            "element": element,
            "day": days,
            "of": "tonnage" if main == tonnes else "calls",
            "ratio": held["ratio"][main],
            "ratio_3d": held["ratio_3d"][main],
            "calls_ratio": held["ratio"][calls] if calls is not None else np.nan,
            "observed_d": y,
            "usual_d": usual,
            "evidence": held["evidence_fall"][main],
            "alarm": sign,
            "tonnage_fall": falls.get("capacity", np.zeros(len(days), bool)),
            "calls_fall": falls.get("n_total", np.zeros(len(days), bool)),
            "container_fall": contained,
            "classes": _classes(falls, len(days)),
            "onset": _first(held["onset"], held["alarm"], rows, sign, days),
            "began": _first(held["began"], held["alarm"], rows, sign, days),
            "twin": np.logical_or.reduce([held["twin"][metric[m]] & same[m] for m in total]),
            "judged": held["judged"][main],
        }
    )


def _is_told(ratio: np.ndarray, row: int | None) -> bool:
    return row is not None and bool(np.isfinite(ratio[row]).any())


def _week(held: Mapping[str, np.ndarray], row: int) -> tuple[Floats, Floats]:
    """Mean usual number of the last seven days, and what it came to: the ratio times it."""
    usual = pd.Series(held["expected"][row]).rolling(7, min_periods=5).mean().to_numpy()
    return held["ratio"][row] * usual, usual


def _classes(falls: Mapping[str, Bools], days: int) -> np.ndarray:
    """(days,) ship classes whose calls or tonnage fall, by name."""
    found = np.full(days, "", dtype=object)
    for name in dict.fromkeys(m.partition("_")[2] for m in falls if m.startswith(("n_", "cap"))):
        own = [falls[m] for m in (f"n_{name}", f"capacity_{name}") if m in falls]
        if name != "total" and own:
            some = np.logical_or.reduce(own)
            found[some] = [f"{f};{name}" if f else name for f in found[some]]
    return found


def _first(
    at: np.ndarray, alarm: np.ndarray, rows: np.ndarray, sign: np.ndarray, days: pd.DatetimeIndex
) -> pd.Series[pd.Timestamp]:
    """(days,) the earliest day of the alarms of the element that are on with this sign."""
    own = np.where((alarm[rows] == sign) & (sign != 0), at[rows], np.iinfo(np.int64).max)
    least = own.min(axis=0)
    known = least < len(days)
    found = pd.Series(pd.NaT, index=range(len(days)), dtype="datetime64[ns]")
    found[known] = days[np.maximum(least[known], 0)]
    return found


def outcome(ratio: Floats, horizon_d: int) -> Floats:
    """(days,) 1 where the ratio falls below 75 % within so many days, 0 where not, NaN not known.

    Below is below, however many days are missing; not below needs four fifths of them.
    """
    ahead = pd.Series(np.where(np.isfinite(ratio), ratio, np.nan))[::-1]
    least = ahead.rolling(horizon_d, min_periods=1).min()[::-1].shift(-1).to_numpy()
    known = ahead.notna().rolling(horizon_d, min_periods=1).sum()[::-1].shift(-1).to_numpy()
    left = len(ratio) - 1 - np.arange(len(ratio))
    whole = (known >= 0.8 * horizon_d) & (left >= horizon_d)
    return np.asarray(np.where(least < BELOW, 1.0, np.where(whole, 0.0, np.nan)))


def often(happened: Floats, horizon_d: int, prior: float) -> Floats:
    """(days,) how often it happened before, a year at the long-run rate counted in.

    Of each day only what was known by then: outcomes of days at least a horizon ago.
    """
    known = np.isfinite(happened)
    hits, days = np.cumsum(np.where(known, happened, 0.0)), np.cumsum(known)
    before = np.concatenate([np.zeros(horizon_d), hits])[: len(hits)]
    count = np.concatenate([np.zeros(horizon_d), days])[: len(hits)]
    return np.asarray((before + prior * RECORD_D) / (count + RECORD_D))


def long_run(world: World, elements: Sequence[str], horizon_d: int) -> dict[str, float]:
    """Probability by the long-run record of an event that takes a quarter of the traffic or more.

    Only of chokepoints whose hazards are on record; the floor is one event in 50 years.
    """
    table = rates(world)
    grave = table[table["severity"] >= 1 - BELOW]
    rate = grave.groupby("chokepoint")["rate_y"].sum()
    known = set(world.chokepoint_trade["chokepoint"])
    found = {}
    for element in elements:
        kind, _, name = element.partition(":")
        if kind == "chokepoint" and name in known:
            per_year = max(float(rate.get(name, 0.0)), 1 / 50)
            found[element] = float(1 - np.exp(-per_year * horizon_d / YEAR_D))
    return found


def features(days: pd.DataFrame, usual: Floats) -> pd.DataFrame:
    """The terms of the model, one column each.

    Parameters
    ----------
    days
        From `element_days`.
    usual
        (rows,) from `often`.
    """
    week = np.log(days["ratio"].clip(LEAST_RATIO, MOST_RATIO) / BELOW)
    three = np.log(days["ratio_3d"].clip(LEAST_RATIO, MOST_RATIO) / BELOW)
    return pd.DataFrame(
        {
            "one": 1.0,
            "week_above": week.clip(lower=0),
            "week_below": (-week).clip(lower=0),
            "three_days": three,
            "tonnage_fall": days["tonnage_fall"].astype(float),
            "calls_fall": days["calls_fall"].astype(float),
            "container_fall": days["container_fall"].astype(float),
            "evidence": np.log1p(days["evidence"].fillna(0.0)),
            "usual": logit(np.clip(usual, LEAST_P, MOST_P)),
        },
        index=days.index,
    )


def chance(model: Model, terms: pd.DataFrame) -> Floats:
    """(rows,) probability within the model's horizon; NaN where a term is not known."""
    weights = np.array([model.weights[str(name)] for name in terms])
    return np.asarray(expit(terms.to_numpy(float) @ weights))


def fit(terms: pd.DataFrame, happened: Floats, model: Model, weight: Floats) -> Model:
    """The model with the weights that the record makes most probable, the priors counted in.

    Parameters
    ----------
    terms, happened
        Rows whose outcome is known.
    model
        Gives horizon and priors.
    weight
        (rows,) what each counts for.
    """
    x, y = terms.to_numpy(float), np.asarray(happened, float)
    mean = np.array([model.means[str(name)] for name in terms])
    sd = np.array([model.spreads[str(name)] for name in terms])

    found = mean
    for _ in range(MOST_STEPS):
        p = expit(x @ found)
        slope = x.T @ (weight * (p - y)) + (found - mean) / sd**2
        bend = (x * (weight * p * (1 - p))[:, None]).T @ x + np.diag(1 / sd**2)
        move = np.linalg.solve(bend, slope)
        # A long step may overshoot where p is near 0 or 1; the prior keeps the rest convex.
        found = found - move / max(1.0, float(np.abs(move).max()))
        if np.abs(move).max() < 1e-8:
            break
    weights = {str(name): float(b) for name, b in zip(terms, found, strict=True)}
    return Model(model.horizon_d, weights, model.means, model.spreads)


def with_feeds(p: Floats, threat: Floats, declared: Sequence[str], world: World) -> Floats:
    """(n,) the probability with what feeds say and authorities declare.

    Parameters
    ----------
    p
        By traffic or long-run rate; NaN stays NaN.
    threat
        0–1, NaN where nobody looks: then nothing is added, and nothing taken away.
    declared
        ``open`` lowers nothing: a passage may be declared open and stay empty.
    """
    added = world.assumption("warning_threat_log_odds") * np.nan_to_num(threat)
    words = {
        "closed": world.assumption("warning_closed_log_odds"),
        "restricted": world.assumption("warning_restricted_log_odds"),
    }
    added = added + np.array([words.get(word, 0.0) for word in declared])
    return np.asarray(expit(logit(np.clip(p, LEAST_P, MOST_P)) + added))
