"""Which feeds look where: the difference between calm and not covered.

A feed looks at an element when it would tell if something happened there; its ``Source`` says
where (`layers.source.Look`). One that does not looks nowhere by itself; an event of it covers the
element it reaches.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.geo import Bools, lonlat
from layers.source import Look, feeds

if TYPE_CHECKING:
    from corridors.risk.nearness import Pieces

CURRENT = ("live", "cached", "empty_ok")
ANSWERED = (*CURRENT, "stale")


def looks() -> dict[str, Look]:
    """What each feed watches that looks anywhere by itself, by feed."""
    return {id: found.source.look for id, found in feeds().items() if found.source.look}


def coverage(pieces: Pieces, states: pd.DataFrame, *, now: datetime) -> pd.DataFrame:
    """Which feeds look at each element, and how old their news is.

    Parameters
    ----------
    states
        ``feed``, ``state`` (live, cached, stale, empty_ok, failed or never) and ``content_as_of``;
        ``last_success_at``, where given, stands in for content without a date.
    now
        UTC.

    Returns
    -------
    DataFrame
        A row an element, in the order of ``pieces.ids``: ``element``; ``feeds`` and ``watched``
        (names and subjects, separated by ``;``); ``threat_as_of``, the newest content of those
        feeds; ``threat_age_d``; ``current``, whether one of them is neither stale nor failed. A
        feed that has never answered does not look; one that failed since does, with the age of
        what it said.
    """
    told, watching = _told(states, now), looks()
    rows = np.zeros((len(watching), len(pieces.ids)), bool)
    for row, (feed, look) in enumerate(watching.items()):
        if feed in told.index:
            rows[row] = _looked_at(look, pieces)
    names, subjects = np.array([*watching]), np.array([look.watches for look in watching.values()])
    moments = told["as_of"].reindex(names).dt.tz_localize(None).to_numpy("datetime64[us]")
    current = np.isin(names, told.index[told["current"]])
    newest = np.fmax.reduce(np.where(rows, moments[:, None], np.datetime64("NaT", "us")), axis=0)
    found = pd.DataFrame(
        {
            "element": list(pieces.ids),
            "feeds": [";".join(names[seen]) for seen in rows.T],
            "watched": [";".join(sorted(set(subjects[seen]))) for seen in rows.T],
            "threat_as_of": pd.DatetimeIndex(newest).tz_localize("UTC"),
            "current": (rows & current[:, None]).any(axis=0),
        }
    )
    age = pd.Timestamp(now) - found["threat_as_of"]
    found["threat_age_d"] = age.dt.total_seconds() / 86400
    return found


def states_of_events(events: pd.DataFrame) -> pd.DataFrame:
    """States as far as events tell them: their sources have answered. For want of better."""
    newest = events.groupby("source")[["content_as_of", "retrieved_at"]].max()
    as_of = newest["content_as_of"].fillna(newest["retrieved_at"])
    return pd.DataFrame({"feed": as_of.index, "state": "cached", "content_as_of": as_of.to_numpy()})


def _told(states: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """Feeds that have answered, by name, with the date of their content."""
    moments = pd.to_datetime(states["content_as_of"], utc=True)
    if "last_success_at" in states:
        moments = moments.fillna(pd.to_datetime(states["last_success_at"], utc=True))
    answered = states["state"].isin(ANSWERED) | ((states["state"] == "failed") & moments.notna())
    # A forecast speaks of tomorrow, but nothing is newer than now.
    as_of = moments.where(~(moments > now), pd.Timestamp(now))
    told = pd.DataFrame({"as_of": as_of, "current": states["state"].isin(CURRENT)})
    return told.set_index(states["feed"].to_numpy())[answered.to_numpy()]


def _looked_at(look: Look, pieces: Pieces) -> Bools:
    """(elements,) whether a feed looks at each."""
    if look.element:
        return np.array([id == look.element for id in pieces.ids])
    lon, lat = lonlat(pieces.middle)
    west, south, east, north = look.box
    within = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    some = np.bincount(pieces.element, within, minlength=len(pieces.ids)) > 0
    of_kind = np.array([id.startswith(look.kinds) for id in pieces.ids])
    return np.asarray(some & of_kind)
