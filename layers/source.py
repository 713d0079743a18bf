"""What a feed is: who publishes it, under which terms, how often, and what a good answer holds.

A feed is one file in ``layers/feeds``: a ``SOURCE`` and a pure ``parse(answers)``. It is found by
looking and registered nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pandas as pd

from layers.errors import FeedError, UnknownIdError
from layers.events import event_frame, observation_frame


@dataclass(frozen=True)
class Request:
    """One thing to ask for.

    Attributes
    ----------
    url
        Absolute; ``{NAME}`` in it or in a header stands for an environment variable.
    params, headers
        Query and extra headers.
    max_bytes
        The body may not be longer, unpacked.
    """

    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int = 20_000_000


@dataclass(frozen=True)
class Walk(Request):
    """A request that carries those to be asked after it, for a ``next_page`` that reads an index.

    Attributes
    ----------
    rest
        What follows, in order.
    """

    rest: tuple[Request, ...] = ()


def walk(requests: Sequence[Request]) -> Walk | None:
    """The first of some requests, carrying the others; None when there are none."""
    if not requests:
        return None
    first = requests[0]
    return Walk(first.url, first.params, first.headers, first.max_bytes, tuple(requests[1:]))


@dataclass(frozen=True)
class Answer:
    """One answer as it came, its transport encoding undone.

    Attributes
    ----------
    retrieved_at
        Our clock, UTC.
    """

    url: str
    body: bytes
    retrieved_at: datetime
    status: int = 200
    media_type: str = ""
    etag: str = ""
    last_modified: str = ""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the body, taken once: a body may make a row of each of its 20,000 records."""
        return sha256(self.body).hexdigest()


EVERYWHERE = ("chokepoint", "port", "railway", "pipeline")
AT_SEA = ("chokepoint", "port")
ON_LAND = ("port", "railway", "pipeline")


@dataclass(frozen=True)
class Look:
    """What a feed watches for, and where: it would tell if something happened there.

    Attributes
    ----------
    watches
        ``hazard``, ``security``, ``operations``, ``advice`` or ``water``.
    kinds
        Kinds of elements.
    box
        West, south, east, north, degrees: elements with a part in it; the globe by default.
    element
        The one element it looks at; empty for all.
    """

    watches: str
    kinds: tuple[str, ...] = EVERYWHERE
    box: tuple[float, float, float, float] = (-180.0, -90.0, 180.0, 90.0)
    element: str = ""


@dataclass(frozen=True)
class Source:
    """The facts about one feed.

    Attributes
    ----------
    requests
        What to ask first, in order; or a function of the time (UTC) that gives it (see `asks`).
    next_page
        The request that follows an answer; None when there is no more.
    every
        How often it is worth asking.
    stale_after
        Content older than this is stale, however lately it was fetched.
    expected_min
        Fewer records are a fault; 0 where an empty answer can be healthy.
    hosts
        Besides the host asked, those a redirect may lead to.
    redistribute
        Whether rows may leave in an export.
    needs
        Environment variables without which the feed stays off.
    serial
        One request at a time to its host.
    look
        Where its silence means calm; None where it says nothing of what it does not name.
    """

    id: str
    title: str
    publisher: str
    licence: str
    attribution: str
    homepage: str
    requests: Sequence[Request] | Callable[[datetime], Sequence[Request]]
    every: timedelta
    stale_after: timedelta
    expected_min: int
    redistribute: bool = True
    hosts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    serial: bool = True
    read_timeout_s: float = 30.0
    next_page: Callable[[Request, Answer], Request | None] | None = None
    look: Look | None = None

    def asks(self, now: datetime) -> Sequence[Request]:
        """What to ask first when it is ``now`` (UTC)."""
        return self.requests(now) if callable(self.requests) else self.requests

    def stamp(self, answer: Answer) -> dict[str, Any]:
        """The columns of the event table that say where a row came from and under which terms."""
        return {
            "source": self.id,
            "source_url": self.homepage,
            "retrieved_at": answer.retrieved_at,
            "licence": self.licence,
            "attribution": self.attribution,
            "redistribute": self.redistribute,
            "raw_sha256": answer.digest,
        }


@dataclass(frozen=True)
class Parsed:
    """What a feed's answers hold.

    Attributes
    ----------
    events, observations
        Tables of ``layers.events``; either may be empty.
    records_in
        Records found in the answers.
    skipped
        How many of them were left out, by reason.
    content_as_of
        The newest moment the content speaks of, UTC; None when it can't be told.
    """

    events: pd.DataFrame
    observations: pd.DataFrame
    records_in: int
    skipped: Mapping[str, int]
    content_as_of: datetime | None


def conclude(
    source: Source,
    events: Sequence[Mapping[str, Any]],
    records_in: int,
    skipped: Mapping[str, int],
    observations: Sequence[Mapping[str, Any]] = (),
) -> Parsed:
    """What a feed's answers hold, from the rows its parser made.

    Raises
    ------
    FeedError
        ``too_few`` when records were expected and none came, ``nothing_understood`` when records
        came and none was kept: neither may pass for an "all clear".
    """
    if not records_in and source.expected_min:
        raise FeedError(source.id, f"too_few: 0 records, at least {source.expected_min} expected")
    if records_in and not events and not observations:
        why = ", ".join(f"{reason} ({count})" for reason, count in sorted(skipped.items()))
        raise FeedError(source.id, f"nothing_understood: of {records_in} records none kept: {why}")
    moments = [row.get("content_as_of") for row in events]
    moments += [row.get("observed_at") for row in observations]
    as_of = max((moment for moment in moments if isinstance(moment, datetime)), default=None)
    return Parsed(
        event_frame(events), observation_frame(observations), records_in, dict(skipped), as_of
    )


@dataclass(frozen=True)
class Feed:
    """A source and its parser."""

    source: Source
    parse: Callable[[Sequence[Answer]], Parsed]


def feeds() -> dict[str, Feed]:
    """Every feed of ``layers.feeds`` by id."""
    import layers.feeds as package

    found = {}
    for module in iter_modules(package.__path__):
        code = import_module(f"layers.feeds.{module.name}")
        found[code.SOURCE.id] = Feed(code.SOURCE, code.parse)
    return found


def feed(id: str) -> Feed:
    """One feed.

    Raises
    ------
    UnknownIdError
        When there is none of that id.
    """
    found = feeds()
    if id not in found:
        raise UnknownIdError("feed", id, list(found))
    return found[id]
