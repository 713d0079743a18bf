from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request as Asked
from werkzeug import Response

from layers.client import Step, fetch
from layers.errors import CorridorsError, FeedError, UnknownIdError
from layers.events import event_frame, observation_frame
from layers.markup import parse_json, parse_xml
from layers.refresh import (
    BREAKER_LONGEST,
    Status,
    checked,
    is_due,
    next_due_at,
    refresh,
    state_of,
    status,
)
from layers.source import Answer, Feed, Parsed, Request, Source, conclude
from layers.store import State, Store

pytestmark = pytest.mark.usefixtures("quick")

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Answers = list[Response | Callable[[Asked], Response]]


def toy_source(id: str = "toy", **changes: Any) -> Source:
    plain = Source(
        id=id,
        title=id,
        publisher="Nobody",
        licence="none",
        attribution="nobody",
        homepage="https://feed.example",
        requests=[Request(f"https://{id}.example/{id}", max_bytes=100_000)],
        every=HOUR,
        stale_after=2 * DAY,
        expected_min=1,
        read_timeout_s=30.0,
    )
    return replace(plain, **changes)


def toy_feed(source: Source) -> Feed:
    """Return a feed of JSON such as ``{"rows": [{"id": 1, "severity": 2, "at": "…"}]}``."""

    def parse(answers: Sequence[Answer]) -> Parsed:
        rows, events, observed = [], [], []
        for answer in answers:
            held = parse_json(source.id, answer.body)
            if not isinstance(held, dict) or not isinstance(held.get("rows"), list):
                raise FeedError(source.id, "no_container: no list of rows")
            for row in held["rows"]:
                rows.append(row)
                at = datetime.fromisoformat(row["at"])
                uid = f"{source.id}:{row['id']}"
                events.append(
                    {**source.stamp(answer), "event_uid": uid, "severity": row["severity"]}
                    | {"content_as_of": at}
                )
                observed.append(
                    {"series": uid, "metric": "severity", "value": row["severity"]}
                    | {"observed_at": at, "source": source.id, "retrieved_at": answer.retrieved_at}
                )
        return conclude(source, events, len(rows), {}, observed)

    return Feed(source, parse)


def body(*severities: int, at: datetime = NOW - HOUR, **more: Any) -> bytes:
    rows = [{"id": n, "severity": s, "at": at.isoformat()} for n, s in enumerate(severities)]
    return json.dumps({"rows": rows, **more}).encode()


@dataclass
class World:
    """Two feeds, their server, their store and a clock that is moved by hand."""

    server: HTTPServer
    store: Store
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.feeds = {id: toy_feed(toy_source(id)) for id in ("toy", "other")}
        self.answers: dict[str, Answers] = {
            "toy": [Response(body(1))],
            "other": [Response(body(3))],
        }
        self.asked: list[Asked] = []
        self.server.expect_request("/toy").respond_with_handler(partial(self.answer, "toy"))
        self.server.expect_request("/other").respond_with_handler(partial(self.answer, "other"))

    def answer(self, id: str, request: Asked) -> Response:
        self.asked.append(request)
        answers = self.answers[id]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Response) else answer(request)

    def refresh(self, **options: Any) -> dict[str, Status]:
        options = {"base": self.server.url_for(""), "now": lambda: self.now, **options}
        quickly = partial(fetch, sleep=lambda _: None)
        found = refresh(self.store, self.feeds, **{"ask": quickly, **options})
        assert self.store.check() == []
        return {s.feed: s for s in found}

    def severities(self, feed: str = "toy") -> list[int]:
        return self.store.events(feeds=[feed])["severity"].tolist()


@pytest.fixture
def world(httpserver: HTTPServer, tmp_path: Path) -> World:
    return World(httpserver, Store(tmp_path / "feeds.duckdb"))


# The way it goes when all is well


def test_a_first_refresh(world: World) -> None:
    found = world.refresh()
    assert [s.state for s in found.values()] == ["live", "live"]
    toy = found["toy"]
    assert (toy.fault, toy.content_age, toy.success_age) == ("", HOUR, timedelta())
    assert (toy.facts.n_records, toy.facts.records_in, toy.facts.http_status) == (2, 1, 200)
    assert world.severities() == [1]
    assert world.store.observations(feeds=["toy"])["value"].tolist() == [1.0]


def test_what_is_not_due_is_not_asked(world: World) -> None:
    world.refresh()
    world.now += HOUR / 2
    assert world.refresh()["toy"].state == "live"
    assert len(world.asked) == 2
    world.refresh(force=True, only=["toy"])
    assert len(world.asked) == 3
    world.now += 2 * HOUR
    world.refresh()
    assert len(world.asked) == 5


def test_only_the_feeds_asked_for(world: World) -> None:
    assert list(world.refresh(only=["other"])) == ["other"]
    assert list(world.store.states()) == ["other"]
    with pytest.raises(UnknownIdError, match="did you mean toy"):
        world.refresh(only=["tyo"])


def test_a_changed_answer_is_a_new_version(world: World) -> None:
    for severity in (1, 1, 4):
        world.answers["toy"] = [Response(body(severity))]
        world.refresh(force=True)
    assert world.store.events(feeds=["toy"], every_version=True)["version"].tolist() == [1, 2]
    assert world.severities() == [4]


def test_nothing_new_is_a_success_and_read_again(world: World) -> None:
    seen = []

    def tagged(request: Asked) -> Response:
        seen.append(request.headers.get("if-none-match"))
        if seen[-1] == '"a"':
            return Response(status=304)
        return Response(body(1), headers={"ETag": '"a"'})

    world.answers["toy"] = [tagged]
    world.refresh()
    world.now += 3 * HOUR
    toy = world.refresh()["toy"]
    assert seen == [None, '"a"']
    assert (toy.state, toy.content_age, toy.success_age) == ("live", 4 * HOUR, timedelta())
    assert toy.facts.http_status == 304
    assert world.store.answers("toy")["status"].tolist() == [200, 304]
    assert world.severities() == [1]


def test_an_answer_that_was_not_understood_is_no_basis_for_a_conditional_question(
    world: World,
) -> None:
    world.answers["toy"] = [Response(b"<html>", headers={"ETag": '"a"'})]
    world.refresh()
    world.refresh(force=True)
    assert all("if-none-match" not in request.headers for request in world.asked)


def test_a_mirror_is_not_mistaken_for_the_publisher(world: World) -> None:
    world.refresh()
    assert world.store.state("toy").base == world.server.url_for("")
    assert is_due(world.store.state("toy"), world.feeds["toy"].source, NOW, base="")
    assert not world.store.remembered("toy", base="")


def test_a_feed_without_its_key_stays_off(world: World) -> None:
    world.feeds["toy"] = toy_feed(toy_source(needs=("TOY_KEY",)))
    toy = world.refresh(environment={})["toy"]
    assert (toy.state, toy.fault) == ("never", "needs: TOY_KEY not set")
    assert world.refresh(environment={"TOY_KEY": "k"})["toy"].state == "live"


def test_progress_comes_one_at_a_time(world: World) -> None:
    busy = threading.Lock()
    steps: list[Step] = []

    def progress(step: Step) -> None:
        assert busy.acquire(blocking=False)
        time.sleep(0.001)
        steps.append(step)
        busy.release()

    world.refresh(progress=progress)
    assert {step.source for step in steps} == {"toy", "other"}


def test_a_stopped_refresh_changes_nothing(world: World) -> None:
    found = world.refresh(stop=lambda: True)
    assert [s.state for s in found.values()] == ["never", "never"]
    assert world.store.states() == {}


# Faults


def drip() -> Iterator[bytes]:
    while True:
        yield b" "
        time.sleep(0.02)


def silent(request: Asked) -> Response:
    time.sleep(0.5)
    return Response(body(9))


HASTY = {"slow drip": {"read_timeout_s": 0.4}, "silence": {"read_timeout_s": 0.1}}
LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;">]><l>&b;</l>'
PACKED = {"Content-Encoding": "gzip"}
FAULTS: Mapping[str, tuple[str, Callable[[], Response | Callable[[Asked], Response]]]] = {
    "500 always": ("http_500", lambda: Response(status=500)),
    "404": ("http_404", lambda: Response(status=404)),
    "429 and wait": ("http_429", lambda: Response(status=429, headers={"Retry-After": "7200"})),
    "slow drip": ("too_slow", lambda: Response(drip())),
    "silence": ("timeout", lambda: silent),
    "cut body": ("cut_body", lambda: Response(iter([b"{"]), headers={"Content-Length": "99"})),
    "cut JSON": ("bad_json", lambda: Response(body(1)[:-5])),
    "empty 200": ("empty_body", lambda: Response(b"")),
    "empty list": ("too_few", lambda: Response(b'{"rows": []}')),
    "HTML instead of JSON": ("html_not_json", lambda: Response(b"<!doctype html><p>Hello")),
    "wrong type": ("no_container", lambda: Response(b"[]")),
    "renamed container": ("no_container", lambda: Response(b'{"lines": []}')),
    "renamed field": ("parser_crashed", lambda: Response(body(1).replace(b'"at"', b'"when"'))),
    "no number": ("bad_json", lambda: Response(b'{"rows": [NaN]}')),
    "severity 9": ("bad_severity", lambda: Response(body(9))),
    "gzip bomb": (
        "too_large",
        lambda: Response(gzip.compress(b"0" * 50_000_000), headers=PACKED),
    ),
    "not packed": ("bad_encoding", lambda: Response(body(1), headers=PACKED)),
    "302 elsewhere": (
        "redirect_refused",
        lambda: Response(status=302, headers={"Location": "https://evil.example/toy"}),
    ),
    "302 to http": (
        "redirect_refused",
        lambda: Response(status=302, headers={"Location": "http://toy.example/toy"}),
    ),
    "deep JSON": ("too_deep", lambda: Response(b"[" * 50_000)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_keeps_what_was_there_with_its_true_age(world: World, fault: str) -> None:
    why, make = FAULTS[fault]
    world.answers["toy"] = [Response(body(2))]
    before = world.refresh()["toy"].facts
    world.now += 6 * HOUR
    world.answers |= {"toy": [make()], "other": [Response(body(4))]}
    patient = world.feeds["toy"]
    world.feeds["toy"] = toy_feed(toy_source(**HASTY.get(fault, {})))
    found = world.refresh()
    world.feeds["toy"] = patient
    toy, other = found["toy"], found["other"]
    assert (toy.state, toy.fault.split(":")[0]) == ("failed", why)
    assert (toy.content_age, toy.success_age) == (7 * HOUR, 6 * HOUR)
    assert (toy.facts.content_as_of, toy.facts.n_records) == (before.content_as_of, 2)
    assert toy.facts.consecutive_failures == 1
    assert world.severities() == [2]
    assert other.state == "live"
    assert world.severities("other") == [4]
    world.answers["toy"] = [Response(body(3, at=world.now))]
    again = world.refresh(force=True)["toy"]
    assert (again.state, again.fault, again.facts.consecutive_failures) == ("live", "", 0)
    assert world.severities() == [3]


def test_a_passing_fault_is_not_seen(world: World) -> None:
    world.answers["toy"] = [Response(status=500), Response(b""), Response(body(2))]
    assert world.refresh()["toy"].state == "live"


def test_a_feed_that_never_answered_has_no_age(world: World) -> None:
    world.answers["toy"] = [Response(status=500)]
    toy = world.refresh()["toy"]
    assert (toy.state, toy.content_age, toy.success_age) == ("failed", None, None)


@pytest.mark.parametrize("bomb", [LAUGHS, b"<a>" * 30_000], ids=["billion laughs", "depth"])
def test_an_xml_bomb(world: World, bomb: bytes) -> None:
    def parse(answers: Sequence[Answer]) -> Parsed:
        parse_xml("toy", answers[0].body)
        raise AssertionError("it was read")

    world.feeds["toy"] = Feed(toy_source(), parse)
    world.answers["toy"] = [Response(bomb)]
    assert world.refresh()["toy"].fault.split(":")[0] in ("xml_doctype", "too_deep")


def test_a_short_page_count_and_a_page_that_fails_late_leave_all_as_it_was(world: World) -> None:
    def after(request: Request, answer: Answer) -> Request | None:
        n = json.loads(answer.body).get("next")
        return replace(request, params={"page": str(n)}) if n else None

    world.feeds["toy"] = toy_feed(toy_source(next_page=after))
    world.answers["toy"] = [Response(body(2, next=1)), Response(body(1))]
    world.refresh()
    before = world.severities()
    world.answers["toy"] = [Response(body(4, next=1)), Response(body(4, 4, next=2))]
    world.answers["toy"] += [Response(status=500)]
    toy = world.refresh(force=True)["toy"]
    assert (toy.state, toy.facts.http_status) == ("failed", 500)
    assert world.severities() == before
    n = iter(range(1, 10**6))
    world.answers["toy"] = [lambda _: Response(body(4, next=next(n)))]
    few = partial(fetch, sleep=lambda _: None, max_pages=5)
    assert world.refresh(force=True, ask=few)["toy"].fault.startswith("too_many_pages")
    assert world.severities() == before


def test_fewer_records_than_ever_come_are_a_fault(world: World) -> None:
    world.feeds["toy"] = toy_feed(toy_source(expected_min=3))
    world.answers["toy"] = [Response(body(1, 2, 3))]
    world.refresh()
    world.answers["toy"] = [Response(body(4))]
    toy = world.refresh(force=True)["toy"]
    assert toy.state == "failed"
    assert toy.fault == "too_few: 1 records of which 2 rows were kept, at least 3 expected"
    assert world.severities() == [1, 2, 3]
    assert world.store.answers("toy")["accepted"].tolist() == [True, False]


def test_a_healthy_silence(world: World) -> None:
    world.feeds["toy"] = toy_feed(toy_source(expected_min=0))
    world.answers["toy"] = [Response(b'{"rows": []}')]
    toy = world.refresh()["toy"]
    assert (toy.state, toy.fault, toy.facts.n_records) == ("empty_ok", "", 0)


def test_a_frozen_publisher_goes_stale_though_it_answers(world: World) -> None:
    for _ in range(4):
        found = world.refresh()
        world.now += DAY
    assert found["toy"].state == "stale"
    assert found["toy"].content_age == 3 * DAY + HOUR
    assert found["toy"].success_age == timedelta()


def test_content_of_the_future_does_not_stay_fresh_for_ever(world: World) -> None:
    world.answers["toy"] = [Response(body(1, at=NOW + 400 * DAY))]
    assert world.refresh()["toy"].content_age == timedelta()
    (later,) = status(world.store, {"toy": world.feeds["toy"]}, now=NOW + 3 * DAY)
    assert later.state == "stale"


def test_a_clock_set_back(world: World) -> None:
    world.now = NOW + 400 * DAY
    world.answers["toy"] = [Response(body(1))]
    world.refresh()
    world.now = NOW
    (toy,) = status(world.store, {"toy": world.feeds["toy"]}, now=NOW)
    assert (toy.state, toy.success_age) == ("stale", None)
    assert toy.fault.startswith("clock_skew")
    world.answers["toy"] = [Response(body(4))]
    again = world.refresh()["toy"]
    assert (again.state, again.success_age) == ("live", timedelta())
    assert world.severities() == [4]
    assert world.store.observations(feeds=["toy"])["value"].tolist() == [4.0]


# Checks of what a parser hands over


def parsed(**changes: Any) -> Parsed:
    answer = Answer("u", b"x", NOW)
    row = {**toy_source().stamp(answer), "event_uid": "toy:1", "severity": 1}
    held = Parsed(event_frame([row]), observation_frame([]), 1, {}, NOW)
    return replace(held, **changes)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (parsed(events=parsed().events.assign(raw_sha256="0")), "no_provenance"),
        (parsed(events=parsed().events.assign(event_uid="")), "bad_table"),
        (parsed(events=parsed().events.assign(severity=5)), "bad_severity"),
        (parsed(events=parsed().events.assign(severity=1.0)), "bad_table"),
        (parsed(events=parsed().events.assign(more=1)), "bad_table"),
        (parsed(events=parsed().events.drop(columns="wkt")), "bad_table"),
        (parsed(content_as_of=datetime(2026, 1, 1)), "bad_table"),
        (parsed(events=event_frame([])), "too_few"),
    ],
)
def test_what_a_parser_may_not_hand_over(wrong: Parsed, why: str) -> None:
    with pytest.raises(FeedError, match=f"^toy: {why}: "):
        checked(toy_source(), wrong, [Answer("u", b"x", NOW)])


@pytest.mark.parametrize("result", [None, 7, ValueError("no"), RecursionError()])
def test_a_broken_parser_is_a_fault_of_its_feed(world: World, result: object) -> None:
    def parse(answers: Sequence[Answer]) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    world.feeds["toy"] = Feed(toy_source(), parse)
    found = world.refresh()
    assert found["toy"].fault.startswith("parser_crashed: ")
    assert found["other"].state == "live"


# When it is asked again


def test_the_breaker_opens_doubles_is_kept_and_closes(world: World) -> None:
    world.answers["toy"] = [Response(status=500)]
    pauses = []
    for n in range(1, 14):
        toy = world.refresh(only=["toy"])["toy"]
        assert toy.facts.consecutive_failures == n
        assert (toy.facts.breaker_open_until is not None) == (n >= 3)
        open_until = toy.facts.breaker_open_until or toy.facts.next_due_at
        assert open_until is not None
        asked = len(world.asked)
        world.store = Store(world.store.path)  # as after a restart
        world.now = open_until - timedelta(seconds=1)
        world.refresh(only=["toy"])
        assert len(world.asked) == asked
        pauses.append(open_until - toy.facts.last_attempt_at if toy.facts.last_attempt_at else HOUR)
        world.now = max(open_until, toy.facts.next_due_at or open_until)
    minutes = [round(p.total_seconds() / 60) for p in pauses[2:]]
    for found, wanted in zip(minutes, [5, 10, 20, 40, 80, 160, 320, 360, 360], strict=False):
        assert abs(found - wanted) <= wanted * 0.1 + 1
    assert max(pauses) <= BREAKER_LONGEST * 1.1
    world.answers["toy"] = [Response(body(1, at=world.now))]
    toy = world.refresh(only=["toy"])["toy"]
    assert (toy.state, toy.facts.breaker_open_until) == ("live", None)


def test_a_server_that_asks_for_a_pause_gets_it(world: World) -> None:
    world.answers["toy"] = [Response(status=429, headers={"Retry-After": "7200"})]
    due = world.refresh()["toy"].facts.next_due_at
    assert due is not None
    assert due >= NOW + 2 * HOUR


def test_when_the_next_feed_falls_due(world: World) -> None:
    assert next_due_at(world.store, world.feeds, now=NOW) == NOW
    world.refresh()
    due = next_due_at(world.store, world.feeds, now=NOW)
    assert due is not None
    assert NOW + 0.9 * HOUR <= due <= NOW + 1.1 * HOUR
    off = {"toy": toy_feed(toy_source(needs=("NO_SUCH_KEY_IS_SET",)))}
    assert next_due_at(world.store, off, now=NOW) is None


def test_a_store_that_cannot_be_written_is_one_clear_error(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    world.store = Store(tmp_path / "file" / "feeds.duckdb")
    with pytest.raises(CorridorsError, match="cannot be written"):
        world.refresh()


def test_two_refreshes_at_once(world: World) -> None:
    threads = [threading.Thread(target=world.refresh, kwargs={"force": True}) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.store.check() == []
    assert len(world.store.refreshes()) == 6
    assert world.store.events()["version"].tolist() == [1, 1]


# States


MOMENTS = st.none() | st.integers(-1000, 1000).map(lambda hours: NOW + hours * HOUR)


@given(
    facts=st.builds(
        State,
        feed=st.just("toy"),
        last_attempt_at=MOMENTS,
        last_success_at=MOMENTS,
        content_as_of=MOMENTS,
        n_records=st.integers(0, 3),
        consecutive_failures=st.integers(0, 5),
        next_due_at=MOMENTS,
        breaker_open_until=MOMENTS,
    )
)
def test_a_state_never_looks_better_than_its_facts(facts: State) -> None:
    source = toy_source()
    state = state_of(facts, source, NOW)
    if state in ("live", "cached"):
        assert facts.content_as_of is None or NOW - facts.content_as_of <= source.stale_after
    if state in ("live", "cached", "stale", "empty_ok"):
        assert facts.last_success_at is not None
        assert facts.consecutive_failures == 0
    if state in ("live", "empty_ok"):
        assert facts.last_success_at is not None
        assert NOW - facts.last_success_at <= source.stale_after
        assert (state == "live") == (facts.n_records > 0)
    assert (state == "never") == (facts.last_attempt_at is None)


@pytest.mark.parametrize(
    ("after_hours", "state"),
    [(0, "live"), (1.5, "live"), (2.5, "cached"), (47, "cached"), (48, "stale")],
)
def test_a_feed_left_alone_ages(world: World, after_hours: float, state: str) -> None:
    world.refresh()
    (toy,) = status(world.store, {"toy": world.feeds["toy"]}, now=NOW + after_hours * HOUR)
    assert toy.state == state
