"""Many reports, one event: which reports are in force, and which of them tell of the same thing.

Two reports tell of the same event when they are of one kind, no more than 50 km and no more than
48 hours apart. Events are found in order of time: the earliest report opens one, later ones in
reach of it join. Nothing is chained, so a front of many attacks does not become one event.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from corridors.risk.shapes import Samples, samples
from layers.geo import EARTH_RADIUS_KM, Bools, Floats, unit

SAME_KM = 50.0
SAME_TIME = timedelta(hours=48)
BLOCK = 20_000
MOST_PAIRS = 2_000_000

NOTICES = ("advisory", "nav_warning", "policy", "sanction")
"""Kinds that hold until they are taken back or expire; all others fade from when they ended."""

FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("eq", "earthquake"), "earthquake"),
    **dict.fromkeys(("tc", "hurricane", "tropical storm", "typhoon", "cyclone"), "cyclone"),
    **dict.fromkeys(("fl", "flood"), "flood"),
    **dict.fromkeys(("dr", "drought"), "drought"),
    **dict.fromkeys(("vo", "volcano"), "volcano"),
    **dict.fromkeys(("wf", "wildfire", "wild fire"), "wildfire"),
}
"""Kind of hazard behind the word a publisher has for it."""

_GONE = ("cancelled", "superseded")


def newest_versions(events: pd.DataFrame) -> pd.DataFrame:
    """Each event once, in its newest version, in the order of the table."""
    if not events["event_uid"].duplicated().any():
        return events
    table = events.reset_index(drop=True)
    by = [c for c in ("event_uid", "version", "retrieved_at", "updated_at") if c in table]
    last = table.sort_values(by, kind="stable").drop_duplicates("event_uid", keep="last")
    return last.sort_index()


def in_force(events: pd.DataFrame, *, now: datetime) -> pd.DataFrame:
    """Newest versions of what was not cancelled, superseded or, if a notice, expired by ``now``."""
    table = newest_versions(events.reset_index(drop=True))
    gone = table["status"].isin(_GONE) | (table["msg_type"] == "cancel")
    over = (table["status"] == "ended") | (table["ends_at"] <= now)
    return table[~(gone | (over & table["kind"].isin(NOTICES)))].reset_index(drop=True)


def distinct_events(events: pd.DataFrame, *, now: datetime | None = None) -> pd.DataFrame:
    """Events with the reports of each merged into one row.

    Parameters
    ----------
    events
        Table of ``layers.events.EVENT``.
    now
        Leave out what is no longer in force (`in_force`).

    Returns
    -------
    DataFrame
        Of each event the report with the greatest certainty × confidence × severity, with further
        columns ``merged``, the number of reports, and ``sources``, all of them, by name.
    """
    table = events.reset_index(drop=True) if now is None else in_force(events, now=now)
    label = same_event(table)
    weight = table["severity"] * table["confidence"].fillna(0.5)
    weight *= np.where(table["certainty"] == "observed", 1.0, 0.9)
    best = table.assign(_label=label, _weight=weight, _at=happened_at(table))
    best = best.sort_values(["_label", "_weight", "_at", "event_uid"], kind="stable")
    best = best.drop_duplicates("_label", keep="last").set_index("_label")
    groups = table.groupby(label)["source"]
    best["merged"] = groups.size()
    best["sources"] = groups.agg(lambda names: ";".join(sorted(set(names))))
    return best.drop(columns=["_weight", "_at"]).reset_index(drop=True)


def happened_at(events: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """When each event began, as far as is known."""
    return events["onset_at"].fillna(events["published_at"]).fillna(events["retrieved_at"])


def same_event(events: pd.DataFrame, shapes: Samples | None = None) -> np.ndarray:
    """(n,) for each report the row of the report that opened its event.

    An unplaced advisory is of the same event as any other on the same countries: they all speak
    of how things stand there. Any other report without a place or time stands alone.

    Parameters
    ----------
    events
        Table with rows counted from 0.
    shapes
        Samples of its WKT, when the caller has them.
    """
    shapes = samples(events["wkt"]) if shapes is None else shapes
    label = np.arange(len(events))
    place = _centres(shapes, len(events))
    at = happened_at(events)
    placed = np.flatnonzero(~np.isnan(place[:, 0]) & at.notna().to_numpy())
    order = _in_time(events, at, place, placed)
    label[order] = order[_opened(_scaled(events, at, place, order))]
    unplaced = (events["kind"] == "advisory") & (events["wkt"] == "") & (events["countries"] != "")
    rows = np.flatnonzero(unplaced.to_numpy())
    if len(rows):
        ranked = rows[np.argsort(events["event_uid"].to_numpy()[rows], kind="stable")]
        first = pd.Series(ranked).groupby(events["countries"].to_numpy()[ranked]).transform("first")
        label[ranked] = first.to_numpy()
    return label


def _centres(shapes: Samples, count: int) -> Floats:
    """(n, 3) unit vector of the middle of each event; NaN without a place."""
    vector = unit(shapes.lon, shapes.lat)
    total = np.zeros((count, 3))
    np.add.at(total, shapes.event, vector)
    size = np.linalg.norm(total, axis=1, keepdims=True)
    unknown = np.full_like(total, np.nan)
    return np.asarray(np.divide(total, size, out=unknown, where=size > 0))


def _families(events: pd.DataFrame) -> np.ndarray:
    """(n,) number of the kind of each event, hazards told apart by what they are."""
    subtype = events["subtype"].str.lower()
    hazard = events["kind"] == "hazard"
    family = subtype.map(FAMILIES).fillna(subtype).where(hazard, "")
    return pd.factorize(events["kind"] + "/" + family)[0]


def _in_time(
    events: pd.DataFrame, at: pd.Series[pd.Timestamp], place: Floats, rows: np.ndarray
) -> np.ndarray:
    """Rows by time; ties by what was said, so that neither order nor names change the events."""
    said = np.column_stack([place[rows], events["severity"].to_numpy()[rows]])
    when = at.iloc[rows].astype("int64").to_numpy()
    tied = pd.DataFrame(said).assign(when=when).duplicated(keep=False).to_numpy()
    name = np.zeros(len(rows), np.int64)
    name[tied] = pd.factorize(events["event_uid"].iloc[rows[tied]], sort=True)[0]
    return rows[np.lexsort([name, *said.T, when])]


def _scaled(
    events: pd.DataFrame, at: pd.Series[pd.Timestamp], place: Floats, rows: np.ndarray
) -> Floats:
    """(k, 5) place, time and kind, so that no two of one event differ by over 1 in any of them."""
    chord = 2 * np.sin(SAME_KM / EARTH_RADIUS_KM / 2)
    moments = at.iloc[rows]
    hours = (moments - moments.min()) / SAME_TIME if len(rows) else np.empty(0)
    return np.column_stack([place[rows] / chord, hours, 2.0 * _families(events)[rows]])


def _opened(points: Floats) -> np.ndarray:
    """(k,) for each point, in order of time, the one that opened its event: itself or an earlier.

    Points come in blocks; each block first joins the events open before it, then finds its own.
    """
    leader = np.arange(len(points))
    blocks = [(i, min(i + BLOCK, len(points))) for i in range(0, len(points), BLOCK)][::-1]
    open_rows = np.empty(0, np.int64)
    while blocks:
        first, last = blocks.pop()
        own = np.arange(first, last)
        tree = cKDTree(points[own])
        dense = len(own) > 1000 and tree.count_neighbors(tree, 1.0, p=np.inf) > MOST_PAIRS
        if dense:
            middle = (first + last) // 2
            blocks += [(middle, last), (first, middle)]
            continue
        open_rows = open_rows[points[open_rows, 3] >= points[first, 3] - 1.0]
        _join(points, leader, own, open_rows)
        rest = own[leader[own] == own]
        _settle(points, leader, rest)
        open_rows = np.append(open_rows, rest[leader[rest] == rest])
    return leader


def _join(points: Floats, leader: np.ndarray, own: np.ndarray, open_rows: np.ndarray) -> None:
    """Let points join the earliest open event in reach; only events apart are open, so few."""
    if not len(open_rows):
        return
    found = cKDTree(points[own]).sparse_distance_matrix(
        cKDTree(points[open_rows]), 1.0, p=np.inf, output_type="ndarray"
    )
    i, j = own[found["i"]], open_rows[found["j"]]
    near = _together(points, i, j)
    np.minimum.at(leader, i[near], j[near])


def _settle(points: Floats, leader: np.ndarray, rows: np.ndarray) -> None:
    """Find the events of a block: a point with no earlier one in reach that is free opens one."""
    pairs = cKDTree(points[rows]).query_pairs(1.0, p=np.inf, output_type="ndarray")
    i, j = rows[pairs.min(axis=1)], rows[pairs.max(axis=1)]
    near = _together(points, i, j)
    i, j = i[near], j[near]
    free, opened = np.zeros(len(points), bool), np.zeros(len(points), bool)
    free[rows] = True
    first, second = i, j
    while len(first):
        opens = free.copy()
        opens[second] = False
        opened |= opens
        free[second[opens[first]]] = False
        free &= ~opens
        left = free[first] & free[second]
        first, second = first[left], second[left]
    opened |= free
    joins = opened[i] & ~opened[j]
    leader[j[joins]] = len(points)
    np.minimum.at(leader, j[joins], i[joins])


def _together(points: Floats, i: np.ndarray, j: np.ndarray) -> Bools:
    """Whether two points are of one kind, within 50 km and 48 hours."""
    apart = np.abs(points[i] - points[j])
    near = (apart[:, :3] ** 2).sum(axis=1) <= 1 + 1e-9
    return np.asarray(near & (apart[:, 3] <= 1) & (apart[:, 4] < 1))
