"""Whether all that a team rests on works: tables, store, whoever asks the feeds, the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from layers.errors import CorridorsError
from layers.refresh import missing_needs
from layers.source import Feed
from layers.store import State, Store
from layers.world import load_world

ANSWERS_WITHIN_S = 10.0


@dataclass(frozen=True)
class Finding:
    """What came of looking at one thing.

    Attributes
    ----------
    of
        What was looked at: ``data``, ``store``, ``feeds`` or ``app``.
    well
        Whether it works.
    told
        How it is, or what is wrong, in a sentence.
    """

    of: str
    well: bool
    told: str


def health(
    store: Store,
    feeds: Mapping[str, Feed],
    *,
    now: datetime,
    late: timedelta | None = None,
    url: str = "",
) -> list[Finding]:
    """What there is to say of the tables, the store, the feeds and the app, in this order.

    Parameters
    ----------
    store
        Is reached, its schema looked at, and the state of every feed read.
    feeds
        Those that somebody should be asking.
    now
        The moment, UTC.
    late
        How long a feed may be due before nobody can be said to ask; None where it is not of
        interest whether anybody does.
    url
        Where an app says that it is up; empty where there is none to ask.
    """
    return [_data(), *_kept(store, feeds, now, late), *([_app(url)] if url else [])]


def _data() -> Finding:
    try:
        world = load_world()
    except (CorridorsError, OSError) as error:
        return Finding("data", False, str(error))
    return Finding("data", True, f"{len(world.elements())} elements")


def _kept(
    store: Store, feeds: Mapping[str, Feed], now: datetime, late: timedelta | None
) -> list[Finding]:
    try:
        states = store.states()
    except CorridorsError as error:
        return [Finding("store", False, str(error))]
    on = [id for id, feed in feeds.items() if not missing_needs(feed.source)]
    asked = [states.get(id, State(id)) for id in on]
    return [Finding("store", True, store.name), _looked(asked, now, late)]


def _looked(asked: list[State], now: datetime, late: timedelta | None) -> Finding:
    """Whether somebody asks the feeds, by the one that has waited longest for it."""
    looks = [state.last_attempt_at for state in asked if state.last_attempt_at is not None]
    if not looks:
        return Finding("feeds", late is None, "never asked")
    told = f"last asked {_ago(now - max(looks))}"
    due = [state.next_due_at for state in asked if state.next_due_at is not None]
    waited = now - min(due) if due else timedelta()
    if late is None or waited <= late:
        return Finding("feeds", True, told)
    return Finding("feeds", False, f"{told}, and one was due {_ago(waited)}")


def _app(url: str) -> Finding:
    opener = build_opener(ProxyHandler({}))  # it is near, whatever lies between here and the world
    try:
        with opener.open(url, timeout=ANSWERS_WITHIN_S):
            return Finding("app", True, "up")
    except HTTPError as error:
        return Finding("app", False, f"{url} answers {error.code}")
    except (OSError, ValueError) as error:
        return Finding("app", False, f"{url} does not answer: {error}")


def _ago(age: timedelta) -> str:
    """An age in whole minutes; a clock that was set back makes none younger than nothing."""
    return f"{max(0, round(age.total_seconds() / 60))} min ago"


__all__ = ["Finding", "health"]
