"""How good the warnings would have been: our charts beside the rules of others, in one run.

Every rule sees the same days of the same series and says of each day whether it flags it. Flagged
days no more than a week apart are one episode. An episode that begins outside every disruption of
the table (``data/disruptions.csv``, from three days before to two weeks after) is a false alarm.
The delay of a crisis counts data days from the day its traffic began to fall to the first flagged.

Rules of others, on the calls of all ships:

- ``drop_half``: mean of 7 days half or less of that of the 30 days before;
- ``three_days``: three days running under 85 % of the 90-day mean;
- ``fixed_window``: 7-day mean 25 % under that of January 2022 to 6 October 2023, which looks ahead;
- ``rolling_z``: a day 3 standard deviations under the 28 days before;
- ``ewma_rolling``: EWMA (.2) 4 of its standard errors under a 90-day baseline that moves along.

Ours: ``calls``, ``tonnage`` and ``containers`` (a fall is on), and ``orange``: the level an
importer would have been shown who loses 5 to 15 % of use (tier 2), by traffic alone.

Probabilities are scored on elements and on crises that their weights were not fitted on, beside the
rate known before (climatology) and the state of the day (persistence).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corridors.network import Bools, Floats
from corridors.risk.alert import Level
from corridors.risk.levels import CALM, Reading, Rules, rules_of, step
from corridors.risk.probability import BELOW, Model, chance, features, fit, models
from corridors.risk.scorecard import scores
from layers.errors import UsageError
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

__all__ = [
    "Crisis",
    "Skill",
    "crises",
    "detection",
    "false_alarms",
    "flags",
    "held_out",
    "measures",
    "skill",
]

APART_D, BEFORE_D, AFTER_D = 7, 3, 14
TIER = 2
FIXED = ("2022-01-01", "2023-10-06")
CLOSED = 0.75
"""A disruption that took traffic below this is one that a warning has to see."""


@dataclass(frozen=True)
class Crisis:
    """A disruption of the table at one element.

    Attributes
    ----------
    name
        Id in ``disruptions.csv``.
    start, end
        When it is no false alarm to flag it: first and last day, the aftermath included.
    fell
        Day its traffic began to fall.
    grave
        Whether it took traffic below 75 %, so that it has to be seen.
    """

    name: str
    element: str
    start: pd.Timestamp
    end: pd.Timestamp
    fell: pd.Timestamp
    grave: bool


def crises(world: World) -> list[Crisis]:
    """The disruptions of the table that struck an element, a row an element."""
    found = []
    for row in records(world.disruptions):
        if row["role"] not in ("disruption", "knock_on") or not row["start"]:
            continue
        start = pd.Timestamp(row["start"])
        end = pd.Timestamp(row["end"]) if row["end"] else pd.Timestamp.max.floor("D")
        last = end + pd.Timedelta(days=AFTER_D) if row["end"] else end
        fell = pd.Timestamp(row["fall_from"] or row["start"])
        grave = bool(row["observed_ratio"] < CLOSED)
        found += [
            Crisis(row["disruption"], e, start - pd.Timedelta(days=BEFORE_D), last, fell, grave)
            for e in str(row["elements"]).split(";")
            if e
        ]
    return found


@dataclass(frozen=True)
class Skill:
    """How good every rule and the probabilities were.

    Attributes
    ----------
    rules
        A row a rule, over all elements: ``rule, ours, corridor_years, false_alarms, per_year,
        worst_per_year`` (the element with the most), ``crises, seen, within_3d, median_delay_d,
        flagged_share`` (of the days of crises that were below 75 %).
    false_alarms, crises
        The same by element (`false_alarms`) and by crisis (`detection`).
    forecasts, reliability
        Of held-out probabilities: scores, and what came of them.
    """

    rules: pd.DataFrame
    false_alarms: pd.DataFrame
    crises: pd.DataFrame
    forecasts: pd.DataFrame
    reliability: pd.DataFrame


def skill(world: World, days: pd.DataFrame) -> Skill:
    """The record of every rule on some series, side by side.

    Parameters
    ----------
    days
        From ``corridors.risk.outlook.traffic_days``.

    Raises
    ------
    UsageError
        When no day of any series can be judged.
    """
    if days.empty or not days["judged"].any():
        raise UsageError("no series is long enough to be judged: a year of daily counts is needed")
    known, rules = crises(world), rules_of(world)
    wrong, seen = [], []
    for _, own in days.groupby("element", sort=False):
        by_rule = flags(own, rules)
        wrong.append(false_alarms(own, by_rule, known))
        seen.append(detection(own, by_rule, known))
    alarms, found = pd.concat(wrong, ignore_index=True), pd.concat(seen, ignore_index=True)
    scored = list(_scored(world, days, known))
    return Skill(
        _by_rule(alarms, found),
        alarms,
        found,
        pd.DataFrame([row for rows, _ in scored for row in rows]),
        pd.concat([table for _, table in scored], ignore_index=True),
    )


def _by_rule(alarms: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for rule, own in alarms.groupby("rule", sort=False):
        years, wrong = own["years"].sum(), own["false_alarms"].sum()
        row = {
            "rule": rule,
            "ours": rule in OURS,
            "corridor_years": years,
            "false_alarms": int(wrong),
            "per_year": wrong / years if years else np.nan,
            "worst_per_year": own["per_year"].max(),
        }
        if len(found):
            hits = found[found["rule"] == rule]
            row |= {
                "crises": len(hits),
                "seen": int(hits["delay_d"].notna().sum()),
                "within_3d": int((hits["delay_d"] <= 3).sum()),
                "median_delay_d": hits["delay_d"].median(),
                "flagged_share": hits["flagged_share"].mean(),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def _scored(
    world: World, days: pd.DataFrame, known: list[Crisis]
) -> Iterator[tuple[list[dict[str, object]], pd.DataFrame]]:
    """Scores and reliability, by horizon and by what was left out of the fit."""
    for horizon, model in models(world).items():
        terms = features(days, days[f"usual_{horizon}"].to_numpy(float))
        names = [str(name) for name in terms]
        table = days[["element", "day", "ratio"]].join(terms)
        table["happened"], table["usual_p"] = days[f"happened_{horizon}"], days[f"usual_{horizon}"]
        table = table[days["judged"] & table.notna().all(axis=1)].reset_index(drop=True)
        for by in ("element", "crisis"):
            if table.empty or table["element"].nunique() < 2:
                continue
            p = held_out(table, names, model, known, by=by)
            rows = [{"held_out": by, **row} for row in forecasts(p, table, horizon)]
            bins = reliability(p, table["happened"].to_numpy(float), horizon)
            yield rows, bins.assign(held_out=by)


def flags(days: pd.DataFrame, rules: Rules) -> dict[str, Bools]:
    """(rows,) of one element by rule: whether each of its days is flagged.

    Parameters
    ----------
    days
        Rows of one element, by day, as ``corridors.risk.probability.element_days`` gives them, with
        ``calls`` (of the day) and ``p_14``, ``p_30``.
    rules
        Of levels.
    """
    calls = days["calls"].astype(float)
    return {
        "drop_half": _under(calls.rolling(7).mean(), calls.shift(7).rolling(30).mean(), 0.5),
        "three_days": _runs(_under(calls, calls.shift(1).rolling(90).mean(), 0.85), 3),
        "fixed_window": _under(calls.rolling(7).mean(), _fixed(days), 0.75),
        "rolling_z": _z(calls, 28) < -3,
        "ewma_rolling": _ewma(calls),
        "calls": days["calls_fall"].to_numpy(bool),
        "tonnage": days["tonnage_fall"].to_numpy(bool),
        "containers": days["container_fall"].to_numpy(bool),
        "orange": _orange(days, rules),
    }


OURS = ("calls", "tonnage", "containers", "orange")


def _under(value: pd.Series[float], usual: pd.Series[float] | float, ratio: float) -> Bools:
    return np.asarray((value <= usual * ratio).to_numpy(bool))


def _runs(flagged: Bools, days: int) -> Bools:
    """Whether a day and those before it, so many in all, are flagged."""
    return np.asarray(pd.Series(flagged).rolling(days).sum().to_numpy() == days)


def _fixed(days: pd.DataFrame) -> float:
    inside = days["day"].between(pd.Timestamp(FIXED[0]), pd.Timestamp(FIXED[1]))
    return float(days.loc[inside, "calls"].mean())


def _z(calls: pd.Series[float], window: int) -> Floats:
    before = calls.shift(1).rolling(window)
    spread = before.std().replace(0.0, np.nan)
    return np.asarray(((calls - before.mean()) / spread).fillna(0.0))


def _ewma(calls: pd.Series[float], weight: float = 0.2, limit: float = 4.0) -> Bools:
    chart = pd.Series(_z(calls, 90)).ewm(alpha=weight, adjust=False).mean()
    return np.asarray(chart < -limit * np.sqrt(weight / (2 - weight)))


def _orange(days: pd.DataFrame, rules: Rules, tier: int = TIER) -> Bools:
    """Whether the level shown on each day is orange or red, by traffic alone."""
    standing, shown = CALM, []
    columns = (days[name] for name in ("day", "p_14", "p_30", "speaks"))
    for at, p14, p30, on in zip(*columns, strict=True):
        moment: datetime = at.to_pydatetime() + timedelta(hours=12)
        domains = frozenset({"traffic"}) if on else frozenset[str]()
        reading = Reading(moment, f"{at:%Y-%m-%d}", True, p14, p30, tier, domains)
        standing, _ = step(standing, reading, rules)
        shown.append(standing.level >= Level.orange)
    return np.array(shown, dtype=bool)


def episodes(days: pd.Series[pd.Timestamp], flagged: Bools) -> list[tuple[pd.Timestamp, ...]]:
    """First and last day of each run of flagged days, those no more than a week apart joined."""
    at = days[flagged].to_list()
    found: list[list[pd.Timestamp]] = []
    for day in at:
        if found and (day - found[-1][1]).days <= APART_D:
            found[-1][1] = day
        else:
            found.append([day, day])
    return [tuple(e) for e in found]


def false_alarms(
    days: pd.DataFrame, by_rule: Mapping[str, Bools], known: list[Crisis]
) -> pd.DataFrame:
    """Of one element a row a rule: ``rule, element, years, false_alarms, per_year, dates``.

    ``years`` are those judged outside crises.
    """
    element = str(days["element"].iloc[0])
    own = [c for c in known if c.element == element]
    calm = ~_inside(days["day"], own) & days["judged"].to_numpy(bool)
    years = float(calm.sum()) / 365.25
    rows = []
    for rule, flagged in by_rule.items():
        judged = flagged & days["judged"].to_numpy(bool)
        begun = [e[0] for e in episodes(days["day"], judged)]
        wrong = [b for b in begun if not any(c.start <= b <= c.end for c in own)]
        rows.append(
            {
                "rule": rule,
                "element": element,
                "years": years,
                "false_alarms": len(wrong),
                "per_year": len(wrong) / years if years else np.nan,
                "dates": ";".join(f"{b:%Y-%m-%d}" for b in wrong),
            }
        )
    return pd.DataFrame(rows)


def _inside(days: pd.Series[pd.Timestamp], own: list[Crisis]) -> Bools:
    inside = np.zeros(len(days), bool)
    for crisis in own:
        inside |= ((days >= crisis.start) & (days <= crisis.end)).to_numpy()
    return inside


def detection(
    days: pd.DataFrame, by_rule: Mapping[str, Bools], known: list[Crisis]
) -> pd.DataFrame:
    """Of one element a row a rule and crisis: ``rule, crisis, element, delay_d, flagged_share``.

    ``delay_d`` is missing where the crisis was never flagged; one under way before the series can
    be judged is left out, and so are those that took less than a quarter of the traffic.
    """
    element = str(days["element"].iloc[0])
    judged = days.loc[days["judged"].to_numpy(bool), "day"]
    rows = []
    for crisis in known:
        if crisis.element != element or not crisis.grave or judged.empty:
            continue
        if not judged.min() <= crisis.fell <= judged.max():
            continue
        during = ((days["day"] >= crisis.fell) & (days["day"] <= crisis.end)).to_numpy()
        below = during & (days["ratio"] < BELOW).to_numpy()
        for rule, flagged in by_rule.items():
            hit = days.loc[during & flagged, "day"]
            rows.append(
                {
                    "rule": rule,
                    "crisis": crisis.name,
                    "element": element,
                    "delay_d": float((hit.min() - crisis.fell).days) if len(hit) else np.nan,
                    "flagged_share": float(flagged[below].mean()) if below.any() else np.nan,
                }
            )
    return pd.DataFrame(rows)


def held_out(
    table: pd.DataFrame, terms: list[str], model: Model, known: list[Crisis], *, by: str
) -> Floats:
    """(rows,) probability by weights fitted without the row's own element, or crisis.

    Parameters
    ----------
    table
        Rows with ``element``, ``day``, ``happened`` and the terms, all known.
    by
        ``element``, or ``crisis``: the days of a crisis at all elements it struck; calm days of an
        element go with their year.
    """
    group = table["element"].to_numpy() if by == "element" else _crisis_of(table, known)
    weight = np.full(len(table), 1 / model.horizon_d)
    happened = table["happened"].to_numpy(float)
    found = np.full(len(table), np.nan)
    for name in dict.fromkeys(group):
        out = group == name
        learnt = fit(table.loc[~out, terms], happened[~out], model, weight[~out])
        found[out] = chance(learnt, table.loc[out, terms])
    return found


CLUSTERS = {
    "bab_2021_ever_given": "suez_2021_ever_given",
    "suez_2023_red_sea": "red_sea_2023",
}
"""Disruptions that are part of another one and left out with it."""


def _crisis_of(table: pd.DataFrame, known: list[Crisis]) -> np.ndarray:
    """(rows,) name of the crisis a row belongs to, else the year."""
    found = table["day"].dt.year.astype(str).to_numpy(dtype=object)
    for crisis in known:
        inside = (table["element"] == crisis.element) & table["day"].between(
            crisis.start, crisis.end
        )
        found[inside.to_numpy()] = CLUSTERS.get(crisis.name, crisis.name)
    return np.asarray(found)


def forecasts(p: Floats, table: pd.DataFrame, horizon_d: int) -> Iterator[dict[str, object]]:
    """Scores of the probabilities, on all days and on those not yet below, beside simple ones."""
    happened, usual = table["happened"].to_numpy(float), table["usual_p"].to_numpy(float)
    below = (table["ratio"] < BELOW).to_numpy()
    state = np.where(below, 0.98, 0.02)
    for name, some in (("all days", np.ones(len(table), bool)), ("not yet below", ~below)):
        ours = scores(p[some], happened[some], usual[some])
        simple = scores(state[some], happened[some])
        yield {
            "horizon_d": horizon_d,
            "days": name,
            "n": ours.n,
            "happened": ours.happened,
            "brier": ours.brier,
            "brier_climatology": ours.brier_reference,
            "brier_persistence": simple.brier,
            "log": ours.log_loss,
            "log_climatology": ours.log_reference,
            "log_persistence": simple.log_loss,
        }


EDGES = (0.0, 0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 1.0)


def reliability(p: Floats, happened: Floats, horizon_d: int) -> pd.DataFrame:
    """What came of probabilities, by bin: ``horizon_d, least, most, n, mean_p, happened_share``."""
    place = np.clip(np.digitize(p, EDGES[1:-1]), 0, len(EDGES) - 2)
    rows = []
    for i, (least, most) in enumerate(pairwise(EDGES)):
        some = place == i
        if some.any():
            rows.append(
                {
                    "horizon_d": horizon_d,
                    "least": least,
                    "most": most,
                    "n": int(some.sum()),
                    "mean_p": float(p[some].mean()),
                    "happened_share": float(happened[some].mean()),
                }
            )
    return pd.DataFrame(rows)


def measures(found: Skill) -> pd.DataFrame:
    """The record in long form, as ``data/warning_results.csv`` holds it.

    Returns
    -------
    DataFrame
        ``rule, whose, measure, value, unit``: a value that is missing was never.
    """
    rows = [*_of_rules(found), *_of_forecasts(found), *_of_bins(found)]
    return pd.DataFrame(rows, columns=["rule", "whose", "measure", "value", "unit"])


def _of_rules(found: Skill) -> Iterator[tuple[str, str, str, float, str]]:
    for row in records(found.rules):
        rule, whose = row["rule"], "ours" if row["ours"] else "others"
        yield rule, whose, "false_alarms", row["false_alarms"], "1"
        yield rule, whose, "false_alarms_per_year", row["per_year"], "1/yr"
        yield rule, whose, "worst_element_per_year", row["worst_per_year"], "1/yr"
        for crisis in records(found.crises[found.crises["rule"] == rule]):
            yield rule, whose, f"delay_{crisis['crisis']}", crisis["delay_d"], "d"
            yield rule, whose, f"flagged_{crisis['crisis']}", crisis["flagged_share"], "1"


def _of_forecasts(found: Skill) -> Iterator[tuple[str, str, str, float, str]]:
    names = {"probability": "", "climatology": "_climatology", "persistence": "_persistence"}
    for row in records(found.forecasts):
        where = f"{row['days'].replace(' ', '_')}_held_out_{row['held_out']}"
        for name, suffix in names.items():
            whose = "others" if suffix else "ours"
            for score in ("brier", "log"):
                rule = f"{name}_{row['horizon_d']}d"
                yield rule, whose, f"{score}_{where}", row[score + suffix], "1"


def _of_bins(found: Skill) -> Iterator[tuple[str, str, str, float, str]]:
    """Of each bin of probabilities the mean said, the share that came true, and its days."""
    for row in records(found.reliability[found.reliability["held_out"] == "element"]):
        rule = f"probability_{row['horizon_d']}d"
        bounds = f"{100 * row['least']:.0f}_to_{100 * row['most']:.0f}_pct"
        where = f"{bounds}_held_out_{row['held_out']}"
        yield rule, "ours", f"said_{where}", row["mean_p"], "1"
        yield rule, "ours", f"came_{where}", row["happened_share"], "1"
        yield rule, "ours", f"days_{where}", row["n"], "1"
