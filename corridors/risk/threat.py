"""What the feeds say: a threat of 0–1 to each element, taken apart into events.

    w = p · severity / 4 · share · exp(−distance / L) · 0.5^(age / H)       one report
    threat = 1 − (1 − leak) Π (1 − w)                                       over distinct events

p is the source's confidence times the probability its words mean; L and H go by kind and are
choices, rows of the table of assumptions (no published calibration was found). Of the reports of
one event the one that weighs most counts. Notices do not fade; they hold until taken back or
expired. Reports on a whole country count for what lies on land in it, by a share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from corridors.risk.coverage import coverage, states_of_events
from corridors.risk.merging import NOTICES, happened_at, in_force, same_event
from corridors.risk.nearness import Pairs, Pieces, near, pieces
from corridors.risk.shapes import samples
from layers.geo import Floats

if TYPE_CHECKING:
    from layers.world import World

EMBEDDED = "embedded"
"""Flag of events that come with the project: context, never counted as what feeds say."""

REACH = float(np.log(100))
"""Lengths beyond which less than a hundredth of a weight is left, and an event is out of reach."""

LEAST_WEIGHT = 1e-6
"""Events that weigh less are left out."""

CLASSES: Mapping[str, str] = {
    "security_incident": "attack",
    "conflict": "conflict",
    "infrastructure": "accident",
    "hazard": "hazard",
    "water_level": "water",
    "nav_warning": "warning",
    "advisory": "notice",
    "policy": "notice",
    "sanction": "notice",
}
"""Row of assumptions a kind of event goes by. Traffic and prices are no threat but its traces."""

PIRACY = r"pira|boarding|robber|hijack"
CLOSURE = r"closure|blockade|militari[sz]ed|war between"
CYCLONE = r"^tc$|cyclone|hurricane|typhoon|tropical storm"

CONTRIBUTIONS = [
    "element",
    "event_uid",
    "title",
    "kind",
    "severity",
    "distance_km",
    "age_d",
    "weight",
    "match",
    "merged",
    "sources",
    "happened_at",
    "embedded",
]


@dataclass(frozen=True)
class Threat:
    """What the feeds say of each element.

    Attributes
    ----------
    elements
        A row an element: ``element``; ``threat`` 0–1, missing where not covered;
        ``threat_state``: active, calm, stale (all who look there are, or failed) or not_covered;
        ``covered``; ``current``;
        ``events``, distinct ones that reach it; ``feeds``, ``watched``, ``threat_as_of``,
        ``threat_age_d`` (see `corridors.risk.coverage.coverage`).
    contributions
        A row an element and distinct event, those of feeds before those that are ``embedded``
        and then the heaviest first: the report that weighs most, its ``weight``,
        ``distance_km`` (missing for a whole country), ``age_d``, ``match`` (place, native or
        country), how many reports were ``merged`` and their ``sources``. Rows that are
        ``embedded`` do not count in the number.
    """

    elements: pd.DataFrame
    contributions: pd.DataFrame


def event_weight(
    p: npt.ArrayLike,
    severity: npt.ArrayLike,
    distance_km: npt.ArrayLike,
    age_d: npt.ArrayLike,
    *,
    length_km: npt.ArrayLike,
    half_life_d: npt.ArrayLike,
) -> Floats:
    """Weight of reports, 0–1: p · severity/4 · exp(−distance/L) · 0.5^(age/H), broadcast.

    Parameters
    ----------
    p
        Probability that the report is true.
    severity
        0–4.
    length_km, half_life_d
        L and H; an infinite H does not fade.
    """
    near_by = np.exp(-np.asarray(distance_km, float) / np.asarray(length_km, float))
    fresh = 0.5 ** (np.asarray(age_d, float) / np.asarray(half_life_d, float))
    return np.asarray(np.asarray(p, float) * np.asarray(severity, float) / 4 * near_by * fresh)


def threat(
    events: pd.DataFrame,
    world: World,
    *,
    now: datetime,
    states: pd.DataFrame | None = None,
) -> Threat:
    """What the feeds say of each element.

    Parameters
    ----------
    events
        Table of ``layers.events.EVENT``.
    now
        UTC.
    states
        States of the feeds, as `coverage` takes them; told from the events when not given, so
        that a feed without events does not seem to look.
    """
    elements = pieces(world)
    table = in_force(events, now=now)
    embedded = table["quality_flags"].str.split(";").map(lambda flags: EMBEDDED in flags)
    table = table.assign(embedded=embedded.astype(bool))
    reports = _reports(table, elements, world, now)
    found = _distinct(reports, table, elements)
    seen = states_of_events(table[~table["embedded"]]) if states is None else states
    rows = coverage(elements, seen, now=now)
    live = found[~found["embedded"].astype(bool)]
    left = (1 - live["weight"]).groupby(live["element"]).prod()
    groups = live.groupby("element")
    leak = world.assumption("threat_leak")
    number = 1 - (1 - leak) * rows["element"].map(left).astype(float).fillna(1.0)
    rows["events"] = rows["element"].map(groups.size()).fillna(0).astype("int64")
    rows["covered"] = (rows["feeds"] != "") | (rows["events"] > 0)
    rows.insert(1, "threat", number.clip(0, 1).where(rows["covered"]))
    rows.insert(2, "threat_state", _state(rows))
    return Threat(rows, found)


def _state(rows: pd.DataFrame) -> np.ndarray:
    """(elements,) what a person should think of the number: a 0 of old news is not calm."""
    old = (rows["feeds"] != "") & ~rows["current"]
    chosen = [~rows["covered"], old, rows["events"] > 0]
    return np.select(chosen, ["not_covered", "stale", "active"], "calm")


def _reports(table: pd.DataFrame, elements: Pieces, world: World, now: datetime) -> pd.DataFrame:
    """Every report of every element it reaches, with what each weighs there."""
    kind = threat_class(table)
    shapes = samples(table["wkt"])
    chosen = (kind != "") & (table["severity"] >= world.assumption("threat_min_severity"))
    length = _assumed(world, "threat_length_km_", kind)
    matched = pd.concat(
        [
            _pairs(near(shapes, elements, np.where(chosen, REACH * length, 0.0)), "place"),
            _pairs(named(table, chosen, elements, world), "native"),
            _pairs(_in_country(table, chosen, elements, world), "country"),
        ]
    )
    # Named by the source is nearer than any place it gives; by country is a last resort.
    matched = matched.sort_values("distance_km", kind="stable", na_position="last")
    matched = matched.drop_duplicates(["event", "element"]).reset_index(drop=True)
    row = matched["event"].to_numpy()
    age = age_d(table, now).to_numpy()
    whole = (matched["match"] == "country").to_numpy()
    weight = event_weight(
        belief(table, world)[row],
        table["severity"].to_numpy()[row],
        matched["distance_km"].fillna(0.0),
        age[row],
        length_km=length[row],
        half_life_d=_half_life(world, table, kind)[row],
    )
    weight = weight * np.where(whole, world.assumption("threat_country_share"), 1.0)
    return matched.assign(weight=weight, age_d=age[row], event_label=same_event(table, shapes)[row])


def _distinct(reports: pd.DataFrame, table: pd.DataFrame, elements: Pieces) -> pd.DataFrame:
    """Contributions: of the reports of one event at one element the one that weighs most."""
    row = reports["event"].to_numpy()
    told = reports.assign(embedded=table["embedded"].to_numpy()[row])
    # What came with the project neither stands for a feed's report nor hides behind one.
    told["group"] = told.groupby(["element", "event_label", "embedded"]).ngroup()
    told = told.iloc[np.lexsort([row, -told["weight"].to_numpy(), told["group"].to_numpy()])]
    best = told.drop_duplicates("group")
    best = best.assign(
        merged=np.bincount(told["group"])[best["group"]],
        sources=_sources(told, best, table),
    )
    # And is history, told even when nothing is left of its weight.
    history = best["embedded"].to_numpy(bool) & (best["match"] == "native").to_numpy()
    best = best[(best["weight"] >= LEAST_WEIGHT).to_numpy() | history]
    row, weight = best["event"].to_numpy(), best["weight"].to_numpy()
    order = np.lexsort([row, -weight, best["embedded"].to_numpy(bool), best["element"].to_numpy()])
    best, row = best.iloc[order].reset_index(drop=True), row[order]
    said = table[["event_uid", "title", "kind", "severity"]].iloc[row].reset_index(drop=True)
    best = best.assign(**said, happened_at=happened_at(table).array[row])
    best["element"] = np.array(elements.ids, dtype=object)[best["element"].to_numpy()]
    return best[CONTRIBUTIONS]


def _sources(told: pd.DataFrame, best: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    """All sources of each event at an element, by name, in the order of ``best``."""
    source = table["source"].to_numpy(object)
    found = pd.Series(source[best["event"].to_numpy()], best["group"].to_numpy())
    code = pd.factorize(table["source"])[0][told["event"].to_numpy()]
    each = told[["group"]].assign(code=code).drop_duplicates()
    several = each["group"].duplicated(keep=False)
    if several.any():
        names = each[several].assign(name=source[told.loc[each.index[several], "event"]])
        joined = names.sort_values("name").groupby("group")["name"].agg(";".join)
        found[joined.index] = joined
    return found.to_numpy()


def threat_class(events: pd.DataFrame) -> np.ndarray:
    """(n,) row of assumptions each event goes by; empty for what is no threat."""
    kind, subtype = events["kind"], events["subtype"].str.lower()
    found = kind.astype(object).map(CLASSES).astype(object).fillna("")
    pirates = (kind == "security_incident") & subtype.str.contains(PIRACY)
    closed = kind.isin(["conflict", "policy", "security_incident"]) & subtype.str.contains(CLOSURE)
    storm = (kind == "hazard") & subtype.str.contains(CYCLONE)
    found = found.mask(pirates, "piracy").mask(closed, "closure").mask(storm, "cyclone")
    return found.to_numpy()


def age_d(events: pd.DataFrame, now: datetime) -> pd.Series[float]:
    """Days since an event was last known to go on, no less than 0.

    What has ended ages from its end; what is open ages from when its source last spoke of it.
    """
    last = happened_at(events)
    open_still = events["ends_at"].isna() & (events["status"] == "active")
    for column in ("updated_at", "published_at", "content_as_of"):
        later = events[column].where(open_still)
        last = last.where(~(later > last), later)
    last = last.where(events["ends_at"].isna(), events["ends_at"])
    return ((pd.Timestamp(now) - last) / pd.Timedelta(days=1)).clip(lower=0).fillna(0.0)


def belief(events: pd.DataFrame, world: World) -> Floats:
    """(n,) probability that each report is true: confidence times what its certainty means."""
    words = {w: world.assumption(f"threat_certainty_{w}") for w in _CERTAINTIES}
    meant = events["certainty"].map(words).astype(float).fillna(1.0)
    return np.asarray((events["confidence"].fillna(0.5) * meant).clip(0, 1), float)


_CERTAINTIES = ("likely", "possible", "unlikely")


def _assumed(world: World, prefix: str, kind: np.ndarray) -> Floats:
    """(n,) the assumption of each event's class; infinite where there is none."""
    rows = world.assumptions[world.assumptions["assumption"].str.startswith(prefix).to_numpy()]
    values = dict(zip(rows["assumption"].str.removeprefix(prefix), rows["central"], strict=True))
    return np.asarray(pd.Series(kind).map(values).astype(float).fillna(np.inf), float)


def _half_life(world: World, events: pd.DataFrame, kind: np.ndarray) -> Floats:
    half = _assumed(world, "threat_half_life_d_", kind)
    return np.where(events["kind"].isin(NOTICES), np.inf, half)


def _pairs(found: Pairs, match: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "event": found.event,
            "element": found.element,
            "distance_km": found.distance_km,
            "match": match,
        }
    )


def named(table: pd.DataFrame, chosen: pd.Series[bool], elements: Pieces, world: World) -> Pairs:
    """Pairs of the chosen events with elements their source itself names, at no distance."""
    rows = {id: row for row, id in enumerate(elements.ids)}
    own = world.chokepoints[world.chokepoints["portwatch_id"] != ""]
    for portwatch, chokepoint in zip(own["portwatch_id"], own["chokepoint"], strict=True):
        rows[f"portwatch:{portwatch}"] = rows[f"chokepoint:{chokepoint}"]
    assets = table.loc[chosen & (table["assets"] != ""), "assets"].str.split(";").explode()
    found = assets.str.strip().map(rows).dropna()
    return Pairs(found.index.to_numpy(), np.asarray(found, np.int64), np.zeros(len(found)))


def _in_country(
    table: pd.DataFrame, chosen: pd.Series[bool], elements: Pieces, world: World
) -> Pairs:
    """Ports, railways and pipelines in the countries an advisory without a place is on.

    A strait lies in no country, and other kinds without a place are on nothing in particular.
    """
    loose = chosen & (table["kind"] == "advisory") & (table["wkt"] == "")
    countries = table.loc[loose, "countries"].str.split(";").explode()
    lies = pd.concat(
        [
            pd.Series(world.ports["country"].to_numpy(), "port:" + world.ports["port"]),
            pd.Series(
                world.railways["countries"].to_numpy(), "railway:" + world.railways["railway"]
            ),
            pd.Series(
                world.pipelines["countries"].to_numpy(), "pipeline:" + world.pipelines["pipeline"]
            ),
        ]
    )
    lies = lies.str.split(";").explode()
    rows = {id: row for row, id in enumerate(elements.ids)}
    places = pd.DataFrame({"country": lies.to_numpy(), "element": lies.index.map(rows)})
    told = pd.DataFrame({"event": countries.index, "country": countries.str.strip().to_numpy()})
    both = told.merge(places, on="country").drop_duplicates(["event", "element"])
    nowhere = np.full(len(both), np.nan)
    return Pairs(both["event"].to_numpy(np.int64), both["element"].to_numpy(np.int64), nowhere)
