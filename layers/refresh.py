"""Asking the feeds that are due, and what state each of them is in.

A feed that fails is a row that says so, never an exception: what it said before stays, with its
true age, and the other feeds go on. Only a store that cannot be written ends a refresh.
"""

from __future__ import annotations

import os
import random
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Literal

import pandas as pd

from layers import client
from layers.client import FetchError, Progress
from layers.errors import FeedError, UnknownIdError
from layers.events import EVENT, OBSERVATION, utc
from layers.source import Answer, Feed, Parsed, Source
from layers.store import State, Store

StateName = Literal["live", "cached", "stale", "empty_ok", "failed", "never"]

Ask = Callable[..., list[Answer]]
"""What gets the answers of a source: `layers.client.fetch`, or a stand-in with its options."""

BREAKER_FAILURES = 3
BREAKER_FIRST = timedelta(minutes=5)
BREAKER_LONGEST = timedelta(hours=6)
CLOCK_TOLERANCE = timedelta(minutes=5)
"""A stored moment that lies further ahead than this was written by a clock that was wrong."""
SPREAD = 0.1
"""Share by which a rhythm is varied, so that feeds do not fall due all at once."""
WORKERS = 4


@dataclass(frozen=True)
class Status:
    """How one feed does.

    Attributes
    ----------
    state
        ``live``: asked in time and its content is fresh. ``cached``: its content is fresh, but it
        was not asked when it should have been. ``stale``: its content is older than it may be, or
        of unknown age. ``empty_ok``: it answered and has nothing to say. ``failed``: the newest
        attempt failed; what it said before stays. ``never``: not asked yet.
    fault
        Why it failed or stays off, starting with a short reason; empty when nothing is wrong.
    content_age, success_age
        Since what the content speaks of, and since it was last understood; None when unknown.
    facts
        What the state was found from.
    """

    feed: str
    state: StateName
    fault: str
    content_age: timedelta | None
    success_age: timedelta | None
    facts: State


@dataclass(frozen=True)
class _Attempt:
    """What came of asking one feed: ``parsed``, or the ``fault``."""

    source: Source
    at: datetime
    answers: Sequence[Answer] = ()
    parsed: Parsed | None = None
    fault: FeedError | None = None


def state_of(facts: State, source: Source, now: datetime) -> StateName:
    """State of a feed, from the facts of the store and nothing else (see `Status`)."""
    if facts.last_attempt_at is None:
        return "never"
    if facts.consecutive_failures or facts.last_success_at is None:
        return "failed"
    if _is_stale(facts, facts.last_success_at, source, now):
        return "stale"
    if now > (facts.next_due_at or facts.last_success_at) + source.every:
        return "cached"
    return "live" if facts.n_records else "empty_ok"


def _is_stale(facts: State, good: datetime, source: Source, now: datetime) -> bool:
    if good > now + CLOCK_TOLERANCE or now - good > source.stale_after:
        return True
    if facts.content_as_of is None:
        return facts.n_records > 0  # undatable: nobody can say that it is fresh
    return now - facts.content_as_of > source.stale_after


def is_due(facts: State, source: Source, now: datetime, *, base: str = "") -> bool:
    """Whether a feed is worth asking now: its rhythm, its breaker, and whom it was asked of."""
    if facts.last_attempt_at is not None and facts.last_attempt_at > now + CLOCK_TOLERANCE:
        return True  # what is stored about time is of no use
    if facts.breaker_open_until is not None and now < facts.breaker_open_until:
        return False
    if facts.last_success_at is not None and facts.base != base:
        return True
    return facts.next_due_at is None or now >= facts.next_due_at


def missing_needs(source: Source, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Environment variables without which a feed stays off, of those not set."""
    return [name for name in source.needs if not environment.get(name)]


def status(
    store: Store,
    feeds: Mapping[str, Feed],
    *,
    now: datetime,
    environment: Mapping[str, str] = os.environ,
) -> list[Status]:
    """How each feed does, in the order of ``feeds``."""
    states = store.states()
    return [
        _status(feed.source, states.get(id, State(id)), now, environment)
        for id, feed in feeds.items()
    ]


def next_due_at(
    store: Store,
    feeds: Mapping[str, Feed],
    *,
    now: datetime,
    environment: Mapping[str, str] = os.environ,
) -> datetime | None:
    """When the first of some feeds falls due, not before ``now``; None when all are off."""
    states = store.states()
    on = [feed.source for feed in feeds.values() if not missing_needs(feed.source, environment)]
    known = [(states.get(source.id, State(source.id)), source) for source in on]
    moments = [now if is_due(f, s, now, base=f.base) else _due_at(f, now) for f, s in known]
    return max(now, min(moments)) if moments else None


def refresh(
    store: Store,
    feeds: Mapping[str, Feed],
    *,
    now: Callable[[], datetime] = client.now,
    base: str | None = None,
    only: Iterable[str] | None = None,
    force: bool = False,
    progress: Progress | None = None,
    stop: Callable[[], bool] = lambda: False,
    environment: Mapping[str, str] = os.environ,
    ask: Ask = client.fetch,
    workers: int = WORKERS,
) -> list[Status]:
    """How each feed does after those that are due were asked, in the order of ``feeds``.

    Parameters
    ----------
    store
        Where answers go. One feed is one transaction.
    feeds
        By id.
    now
        The clock, UTC.
    base
        Scheme, host and port asked in place of every publisher's.
    only
        Ids of the feeds to look at; all others are left alone and left out of the result.
    force
        Ask even what is not due, or whose breaker is open.
    progress
        Called from several threads, one at a time.
    stop
        When it turns true, feeds not yet answered are left as they were.
    environment
        Where keys come from.
    ask
        Gets the answers.
    workers
        Feeds asked at a time.

    Raises
    ------
    UnknownIdError
        When ``only`` names a feed that is not there.
    CorridorsError
        When the store cannot be read or written. Feeds written before stay written.
    """
    wanted = _wanted(feeds, only)
    states = store.states()
    due = [
        feed
        for id, feed in wanted.items()
        if not missing_needs(feed.source, environment)
        and (force or is_due(states.get(id, State(id)), feed.source, now(), base=base or ""))
    ]
    ended = threading.Event()
    options = {
        "base": base,
        "clock": now,
        "progress": _one_at_a_time(progress) if progress else None,
        "stop": lambda: ended.is_set() or stop(),
        "environment": environment,
    }
    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        try:
            tasks = [pool.submit(_attempted, feed, store, ask, options) for feed in due]
            _write(store, tasks, base or "")
        except BaseException:
            ended.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return status(store, wanted, now=now(), environment=environment)


def _wanted(feeds: Mapping[str, Feed], only: Iterable[str] | None) -> Mapping[str, Feed]:
    if only is None:
        return feeds
    ids = list(only)
    for id in ids:
        if id not in feeds:
            raise UnknownIdError("feed", id, list(feeds))
    return {id: feed for id, feed in feeds.items() if id in ids}


def _one_at_a_time(progress: Progress) -> Progress:
    guard = threading.Lock()

    def call(step: client.Step) -> None:
        with guard:
            progress(step)

    return call


def _write(store: Store, tasks: Sequence[Future[_Attempt | None]], base: str) -> None:
    for task in as_completed(tasks):
        attempt = task.result()
        if attempt is None:
            continue
        store.commit(
            attempt.source.id,
            lambda before, attempt=attempt: _after(before, attempt, base),  # type: ignore[misc]
            attempt.answers,
            attempt.parsed,
            base=base,
        )


def _attempted(feed: Feed, store: Store, ask: Ask, options: Mapping[str, Any]) -> _Attempt | None:
    """What came of asking a feed; None when it was stopped."""
    source, clock, stop = feed.source, options["clock"], options["stop"]
    if stop():
        return None
    answers: Sequence[Answer] = ()
    try:
        known = store.remembered(source.id, base=options["base"] or "")
        answers = ask(source, remembered=known, **options)
        parsed = _parsed(feed, answers)
    except FeedError as fault:
        if isinstance(fault, FetchError) and fault.reason == "stopped":
            return None
        return _Attempt(source, clock(), answers, fault=fault)
    return _Attempt(source, answers[-1].retrieved_at, answers, parsed)


def _parsed(feed: Feed, answers: Sequence[Answer]) -> Parsed:
    if not answers:
        raise FeedError(feed.source.id, "no_answer: nothing was asked")
    try:
        return checked(feed.source, feed.parse(answers), answers)
    except FeedError:
        raise
    except Exception as error:
        # A parser that breaks is a fault of one feed and no reason to lose the others.
        words = f"parser_crashed: {type(error).__name__}: {error}"
        raise FeedError(feed.source.id, " ".join(words.split())[:300]) from error


def checked(source: Source, parsed: Parsed, answers: Sequence[Answer]) -> Parsed:
    """What was parsed, fit to be kept: its content never dated after it was retrieved.

    Raises
    ------
    FeedError
        ``too_few``, ``bad_table``, ``bad_severity`` or ``no_provenance``.
    """
    found = parsed.records_in
    kept = len(parsed.events) + len(parsed.observations)
    if found < source.expected_min or (source.expected_min and not kept):
        words = f"{found} records of which {kept} rows were kept"
        raise FeedError(source.id, f"too_few: {words}, at least {source.expected_min} expected")
    _check_columns(source, parsed.events, EVENT)
    _check_columns(source, parsed.observations, OBSERVATION)
    _check_events(source, parsed.events, answers)
    if parsed.content_as_of is None or pd.isna(parsed.content_as_of):
        return replace(parsed, content_as_of=None)
    try:
        as_of = utc(pd.Timestamp(parsed.content_as_of).floor("us").to_pydatetime())
    except ValueError as error:
        raise FeedError(source.id, f"bad_table: {error}") from None
    # A date in the future, such as that of a forecast, must not keep a feed fresh for ever.
    return replace(parsed, content_as_of=min(as_of, answers[-1].retrieved_at))


def _check_columns(source: Source, table: pd.DataFrame, columns: Mapping[str, str]) -> None:
    wrong = [c for c, kind in columns.items() if c not in table or str(table[c].dtype) != kind]
    wrong += [c for c in table.columns if c not in columns]
    if wrong:
        raise FeedError(source.id, f"bad_table: columns {', '.join(map(str, wrong))}")


def _check_events(source: Source, events: pd.DataFrame, answers: Sequence[Answer]) -> None:
    if (events["event_uid"] == "").any():
        raise FeedError(source.id, "bad_table: an event without an id")
    if not events["severity"].between(0, 4).all():
        raise FeedError(source.id, "bad_severity: outside 0 to 4")
    came = {sha256(answer.body).hexdigest() for answer in answers}
    if not events["raw_sha256"].isin(came).all():
        raise FeedError(source.id, "no_provenance: an event that no answer is named for")


# States


def _after(before: State, attempt: _Attempt, base: str) -> State:
    """The state after an attempt."""
    parsed = attempt.parsed
    if parsed is None:
        return _after_failure(before, attempt)
    return State(
        feed=before.feed,
        last_attempt_at=attempt.at,
        last_success_at=attempt.at,
        content_as_of=parsed.content_as_of,
        http_status=attempt.answers[-1].status,
        n_records=len(parsed.events) + len(parsed.observations),
        records_in=parsed.records_in,
        skipped=dict(parsed.skipped),
        next_due_at=attempt.at + _spread(attempt.source.every),
        base=base,
    )


def _after_failure(before: State, attempt: _Attempt) -> State:
    failures = before.consecutive_failures + 1
    pause = min(attempt.source.every, _pause(failures))
    asked_s = getattr(attempt.fault, "retry_after_s", None)
    if asked_s is not None:
        pause = max(pause, timedelta(seconds=asked_s))
    open_until = None
    if failures >= BREAKER_FAILURES:
        open_until = attempt.at + _spread(_pause(failures - BREAKER_FAILURES + 1))
    due = attempt.at + _spread(pause)
    if asked_s is not None:
        due = max(due, attempt.at + timedelta(seconds=asked_s))
    message = str(attempt.fault).removeprefix(f"{attempt.source.id}: ")
    return replace(
        before,
        last_attempt_at=attempt.at,
        http_status=_http_status(message, attempt.answers),
        fault=message,
        consecutive_failures=failures,
        breaker_open_until=open_until,
        next_due_at=max(due, open_until) if open_until else due,
    )


def _pause(failures: int) -> timedelta:
    """Five minutes after the first failure, doubled with each further one up to six hours."""
    doublings: int = 2 ** min(failures - 1, 20)
    return min(BREAKER_FIRST * doublings, BREAKER_LONGEST)


def _spread(pause: timedelta) -> timedelta:
    share: float = random.uniform(1 - SPREAD, 1 + SPREAD)
    return pause * share


def _http_status(message: str, answers: Sequence[Answer]) -> int | None:
    named = re.match(r"http_(\d{3})\b", message)
    if named:
        return int(named[1])
    return answers[-1].status if answers else None


def _due_at(facts: State, now: datetime) -> datetime:
    moments = [m for m in (facts.next_due_at, facts.breaker_open_until) if m is not None]
    return max(moments, default=now)


def _status(source: Source, facts: State, now: datetime, environment: Mapping[str, str]) -> Status:
    off = missing_needs(source, environment)
    fault = f"needs: {', '.join(off)} not set" if off else facts.fault
    name = state_of(facts, source, now)
    if not fault and facts.last_success_at and facts.last_success_at > now + CLOCK_TOLERANCE:
        fault = "clock_skew: it was last asked at a time that is yet to come"
    ages = [_age(moment, now) for moment in (facts.content_as_of, facts.last_success_at)]
    return Status(source.id, name, fault, ages[0], ages[1], facts)


def _age(moment: datetime | None, now: datetime) -> timedelta | None:
    if moment is None or moment > now + CLOCK_TOLERANCE:
        return None
    return max(now - moment, timedelta())
