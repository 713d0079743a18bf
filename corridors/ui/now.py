"""What is known now, for the map: risk, news, warnings and traffic of the store, kept a while.

Without a store everything goes on with the long-run rates and the embedded set, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
import streamlit as st

from corridors.risk import desk, live
from corridors.risk.embedded import SOURCE
from corridors.risk.levels import current
from corridors.risk.outlook import traffic_outlook
from corridors.ui.words import LANGUAGES
from layers.errors import CorridorsError
from layers.store import Store
from layers.world import records

if TYPE_CHECKING:
    from corridors.risk.alert import Alert
    from layers.world import World

__all__ = ["Now", "known", "moment", "traffic"]

KEPT_S = 150
"""Until it is looked up anew in the background; twice as long until a reader has to wait for it."""
LEAST_SEVERITY, NEWS_D, MOST_EVENTS = 2, 60, 150
EMBEDDED_D = 365
"""The embedded set is looked at now and then, so a year of it is what there is to show."""
SEEN_D = 365
TRAFFIC_COLUMNS = ["element", "day", "calls", "observed_d", "usual_d", "ratio", "alarm"]


@dataclass(frozen=True)
class Now:
    """What is known at a moment.

    Attributes
    ----------
    at
        When it was looked up.
    stored
        Whether there is a store at all.
    fault
        Why the store could not be read; empty when it could.
    risk
        ``corridors.risk.live.risk_now``, by element.
    reasons
        Reports behind the threat of each element (``corridors.risk.threat.Threat``).
    events
        What is drawn as small marks: ``lon, lat`` (missing without a place), ``assets, title_en,
        title_zh, source, told_at, embedded, severity``.
    titles
        What is told in both languages, the embedded set, by event and language.
    alerts
        Warnings that stand, drills left out.
    judged
        Elements and importers the last run of early warning looked at; none ran: empty.
    judged_at
        When it ran.
    """

    at: datetime
    stored: bool
    fault: str
    risk: pd.DataFrame
    reasons: pd.DataFrame
    events: pd.DataFrame
    titles: dict[str, dict[str, str]]
    alerts: tuple[Alert, ...]
    judged: frozenset[str]
    judged_at: datetime | None

    @cached_property
    def of(self) -> dict[str, dict[str, Any]]:
        """The row of risk of each element."""
        return {row["element"]: row for row in records(self.risk.reset_index())}

    @property
    def covered(self) -> bool:
        """Whether any feed looks at anything."""
        return bool((self.risk["threat_state"] != "not_covered").any())


def moment() -> datetime:
    """The time now, UTC."""
    return datetime.now(UTC)


def known(world: World) -> Now:
    """What is known now, at most five minutes old and never older than the store."""
    store = Store(None, only_reads=True)
    return _known(world.digest, store.place, store.changed(), world)


def traffic(world: World) -> pd.DataFrame:
    """The last year of every daily series: ``element, day, calls, observed_d, usual_d, …``."""
    store = Store(None, only_reads=True)
    return _traffic(world.digest, store.place, store.changed(), world)


@st.cache_resource(show_spinner=False, max_entries=4, ttl=KEPT_S, refresh_mode="background")
def _known(digest: str, place: str, changed: int, _world: World) -> Now:
    world, now = _world, moment()
    try:
        return look(world, Store(place, only_reads=True), now=now, stored=changed != 0)
    except CorridorsError as error:
        return look(world, Store.nothing(), now=now, stored=True, fault=str(error))


@st.cache_resource(show_spinner=False, max_entries=4, ttl=KEPT_S, refresh_mode="background")
def _traffic(digest: str, place: str, changed: int, _world: World) -> pd.DataFrame:
    store, world, now = Store(place, only_reads=True), _world, moment()
    try:
        told = store.observations(feeds=[desk.TRAFFIC], every_vintage=True)
        days, _ = traffic_outlook(world, told, now=now, rebased=desk.rebased(store))
    except CorridorsError:
        days = pd.DataFrame()
    if days.empty:
        return pd.DataFrame(columns=TRAFFIC_COLUMNS)
    recent = days["day"] > days["day"].max() - pd.Timedelta(days=SEEN_D)
    kept: pd.DataFrame = days.loc[recent, TRAFFIC_COLUMNS].reset_index(drop=True)
    return kept


def look(world: World, store: Store, *, now: datetime, stored: bool, fault: str = "") -> Now:
    """What a store says at a moment.

    Raises
    ------
    CorridorsError
        When the store cannot be read.
    """
    events, titles = live.known_events(world, store), _titles(world)
    last = desk.last_run(store)
    return Now(
        at=now,
        stored=stored,
        fault=fault,
        risk=live.risk_now(world, store, events, now=now).set_index("element"),
        reasons=live.threat_now(world, store, events, now=now).contributions,
        events=_marked(events, titles, now),
        titles=titles,
        alerts=tuple(a for a in current(desk.alerts_of(store), now) if not a.exercise and a.level),
        judged=frozenset([*last.judged, *(e for own in last.judged.values() for e in own)]),
        judged_at=last.at,
    )


def _titles(world: World) -> dict[str, dict[str, str]]:
    return {
        f"{SOURCE}:{row['disruption']}": {"en": row["name_en"], "zh": row["name_zh"]}
        for row in records(world.disruptions)
    }


def _marked(
    events: pd.DataFrame, titles: Mapping[str, Mapping[str, str]], now: datetime
) -> pd.DataFrame:
    """The gravest and newest events that matter now and have a place or name a chokepoint."""
    told = events[["onset_at", "published_at", "updated_at"]].max(axis=1)
    embedded = events["quality_flags"].str.contains("embedded")
    days = pd.to_timedelta(np.where(embedded, EMBEDDED_D, NEWS_D), unit="D")
    still = (events["status"] == "active") & events["ends_at"].isna()
    held = events.assign(told_at=told, embedded=embedded)[still | (told >= now - days)]
    somewhere = (held["wkt"] != "") | held["assets"].str.contains("chokepoint:")
    held = held[(held["severity"] >= LEAST_SEVERITY) & somewhere]
    held = held.sort_values(["severity", "told_at"], ascending=False).head(MOST_EVENTS)
    drawn = held["wkt"].astype(object).where(held["wkt"] != "", None)
    place = shapely.centroid(shapely.from_wkt(drawn.to_numpy()))
    return pd.DataFrame(
        {
            "lon": shapely.get_x(place),
            "lat": shapely.get_y(place),
            **{c: held[c].to_numpy() for c in ("assets", "source", "severity")},
            **{
                f"title_{lang}": [
                    titles.get(uid, {}).get(lang, title)
                    for uid, title in zip(held["event_uid"], held["title"], strict=True)
                ]
                for lang in LANGUAGES
            },
            "told_at": held["told_at"].reset_index(drop=True),
            "embedded": held["embedded"].to_numpy(bool),
        }
    )
