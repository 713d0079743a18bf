"""What is known now: the store where there is one, the embedded set where there is none."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corridors.risk.embedded import embedded_events
from corridors.risk.merging import newest_versions
from corridors.risk.nearness import near as pairs_near
from corridors.risk.nearness import pieces
from corridors.risk.risk import corridor_risk, risk_table
from corridors.risk.shapes import samples
from corridors.risk.threat import Threat, named, threat
from layers.errors import UnknownIdError
from layers.refresh import status
from layers.source import feeds

if TYPE_CHECKING:
    from layers.store import Store
    from layers.world import World


def known_events(world: World, store: Store) -> pd.DataFrame:
    """Newest version of every event of the store; the embedded set while the store has none."""
    found = newest_versions(store.events())
    return embedded_events(world) if found.empty else found


def recent(events: pd.DataFrame, since: datetime) -> pd.DataFrame:
    """Events that began, or were told or changed, since a moment, and older ones still open."""
    told = events[["onset_at", "published_at", "updated_at"]].max(axis=1) >= since
    still = (events["status"] == "active") & events["ends_at"].isna()
    return events[told | still]


def near(world: World, events: pd.DataFrame, element: str, within_km: float) -> pd.DataFrame:
    """Events no farther from an element than so many km, with ``distance_km``; nearest first.

    One whose publisher names the element is at 0 km, with or without a place.

    Raises
    ------
    UnknownIdError
        For an element that no table has.
    """
    cut = pieces(world)
    if element not in cut.ids:
        raise UnknownIdError("element", element, cut.ids)
    events = events.reset_index(drop=True)
    reach = np.full(len(events), within_km)
    everything = pd.Series(True, events.index)
    distance = np.full(len(events), np.inf)
    for found in (
        pairs_near(samples(events["wkt"]), cut, reach),
        named(events, everything, cut, world),
    ):
        here = found.element == cut.ids.index(element)
        np.minimum.at(distance, found.event[here], found.distance_km[here])
    rows: pd.DataFrame = events.assign(distance_km=distance)[np.isfinite(distance)]
    return rows.sort_values("distance_km", ignore_index=True)


def threat_now(world: World, store: Store, events: pd.DataFrame, *, now: datetime) -> Threat:
    """Threat of every element with the events it is made of (``corridors.risk.threat``)."""
    return threat(events, world, now=now, states=states(store, now))


def risk_now(world: World, store: Store, events: pd.DataFrame, *, now: datetime) -> pd.DataFrame:
    """Risk of every element and corridor from what is known now (``corridors.risk.risk_table``)."""
    observations = store.observations(feeds=["portwatch_chokepoints"], every_vintage=True)
    table = risk_table(world, events, observations, states(store, now), now=now)
    return pd.concat([table, corridor_risk(world, table)], ignore_index=True)


def states(store: Store, now: datetime) -> pd.DataFrame:
    """``feed, state, content_as_of, last_success_at`` of every feed."""
    return pd.DataFrame(
        [
            {
                "feed": s.feed,
                "state": s.state,
                "content_as_of": pd.Timestamp(s.facts.content_as_of)
                if s.facts.content_as_of
                else pd.NaT,
                "last_success_at": pd.Timestamp(s.facts.last_success_at)
                if s.facts.last_success_at
                else pd.NaT,
            }
            for s in status(store, feeds(), now=now)
        ]
    )


def told_age(events: pd.DataFrame, now: datetime) -> str:
    """In words, how old the news is."""
    if events.empty:
        return "nothing known"
    if events["quality_flags"].str.contains("embedded").all():
        newest = events["onset_at"].max()
        return f"embedded set, newest of {newest:%Y-%m-%d}, not live"
    newest = events["retrieved_at"].max()
    return (
        f"last fetched {newest:%Y-%m-%d %H:%MZ}, {(now - newest).total_seconds() / 3600:.0f} h ago"
    )
