from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request as Asked
from werkzeug import Response

from layers import client
from layers.client import FetchError, Step, fetch, retry_after_s
from layers.errors import FeedError
from layers.markup import parse_json, parse_xml
from layers.source import Answer, Request, Source, walk

pytestmark = pytest.mark.usefixtures("quick")

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://feed.example/data"
GOOD = b'{"rows": [1, 2, 3]}'
MAX_BYTES = 100_000


def source(**changes: Any) -> Source:
    plain = Source(
        id="toy",
        title="Toy",
        publisher="Nobody",
        licence="none",
        attribution="none",
        homepage="https://feed.example",
        requests=[Request(URL, max_bytes=MAX_BYTES)],
        every=timedelta(hours=1),
        stale_after=timedelta(days=1),
        expected_min=1,
        read_timeout_s=5.0,
    )
    return replace(plain, **changes)


class Pauses(list[float]):
    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def get(server: HTTPServer, feed: Source | None = None, **options: Any) -> list[Answer]:
    options = {"clock": lambda: NOW, "sleep": Pauses(), **options}
    return fetch(feed or source(), base=server.url_for(""), **options)


def reason(server: HTTPServer, feed: Source | None = None, **options: Any) -> str:
    with pytest.raises(FetchError) as caught:
        get(server, feed, **options)
    assert str(caught.value).startswith(f"toy: {caught.value.reason}: ")
    return caught.value.reason


def serve(server: HTTPServer, *answers: Response | Callable[[Asked], Response]) -> list[Asked]:
    """Let the server give these answers in turn, the last one for ever; return what was asked."""
    asked: list[Asked] = []

    def handle(request: Asked) -> Response:
        asked.append(request)
        answer = answers[min(len(asked), len(answers)) - 1]
        return answer if isinstance(answer, Response) else answer(request)

    server.expect_request("/data").respond_with_handler(handle)
    return asked


def drip(piece: bytes, pause_s: float) -> Iterator[bytes]:
    while True:
        yield piece
        time.sleep(pause_s)


def test_an_answer_as_it_came(httpserver: HTTPServer) -> None:
    headers = {"ETag": '"a"', "Last-Modified": "Sun, 01 Mar 2026 10:00:00 GMT"}
    asked = serve(httpserver, Response(GOOD, headers=headers, mimetype="application/json"))
    steps: list[Step] = []
    (answer,) = get(httpserver, progress=steps.append)
    assert answer == Answer(
        URL, GOOD, NOW, 200, "application/json", '"a"', headers["Last-Modified"]
    )
    assert asked[0].headers["accept"] == "*/*"
    assert asked[0].headers["user-agent"].startswith("corridors/")
    assert steps[0] == Step("toy", 0, len(GOOD), len(GOOD))
    assert steps[-1] == Step("toy", 1)


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(GOOD), gzip.compress(GOOD[:5]) + gzip.compress(GOOD[5:])],
    ids=["one", "two"],  # the bytes hold the time, and each process that tests has its own
)
def test_a_packed_body_is_unpacked(httpserver: HTTPServer, packed: bytes) -> None:
    serve(httpserver, Response(packed, headers={"Content-Encoding": "gzip"}))
    assert get(httpserver)[0].body == GOOD


def test_nothing_new_gives_what_was_remembered(httpserver: HTTPServer) -> None:
    kept = Answer(URL, GOOD, NOW - timedelta(days=2), 200, "text/plain", '"a"', "then")
    asked = serve(httpserver, Response(status=304))
    (answer,) = get(httpserver, remembered={URL: kept})
    assert asked[0].headers["if-none-match"] == '"a"'
    assert asked[0].headers["if-modified-since"] == "then"
    assert answer == replace(kept, status=304, retrieved_at=NOW)


def test_nothing_new_when_nothing_was_remembered_is_a_fault(httpserver: HTTPServer) -> None:
    serve(httpserver, Response(status=304))
    assert reason(httpserver) == "http_304"


# Trying again


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_passing_fault_is_tried_again(httpserver: HTTPServer, status: int) -> None:
    asked = serve(httpserver, Response(status=status), Response(status=status), Response(GOOD))
    assert get(httpserver)[0].body == GOOD
    assert len(asked) == 3


def test_a_lasting_fault_is_given_up(httpserver: HTTPServer) -> None:
    asked = serve(httpserver, Response(status=500))
    assert reason(httpserver) == "http_500"
    assert len(asked) == client.TRIES


@pytest.mark.parametrize("status", [204, 206, 400, 401, 403, 404, 406, 410])
def test_a_refusal_is_not_tried_again(httpserver: HTTPServer, status: int) -> None:
    asked = serve(httpserver, Response(status=status))
    assert reason(httpserver) == f"http_{status}"
    assert len(asked) == 1


def test_a_short_retry_after_is_waited_for(httpserver: HTTPServer) -> None:
    stamina.set_testing(False)
    serve(httpserver, Response(status=429, headers={"Retry-After": "1"}), Response(GOOD))
    began = time.monotonic()
    assert get(httpserver)[0].body == GOOD
    assert time.monotonic() - began >= 1


def test_a_long_retry_after_is_handed_on(httpserver: HTTPServer) -> None:
    asked = serve(httpserver, Response(status=429, headers={"Retry-After": "900"}))
    with pytest.raises(FetchError, match="http_429") as caught:
        get(httpserver)
    assert caught.value.retry_after_s == 900
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("999999999", client.LONGEST_RETRY_AFTER_S),
        ("-5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


def test_a_date_to_wait_for_is_read_by_the_clock_of_the_server() -> None:
    headers = {"Retry-After": "Wed, 01 Jan 2031 03:00:00 GMT"}
    headers["Date"] = "Wed, 01 Jan 2031 00:00:00 GMT"
    transport = httpx.MockTransport(lambda _: httpx.Response(503, headers=headers))
    with pytest.raises(FetchError) as caught:
        fetch(source(), transport=transport, clock=lambda: NOW)
    assert caught.value.retry_after_s == 3 * 3600


@given(st.text())
def test_retry_after_is_bounded_whatever_is_sent(value: str) -> None:
    seconds = retry_after_s(value, NOW)
    assert seconds is None or 0 <= seconds <= client.LONGEST_RETRY_AFTER_S


def test_a_silent_server_is_a_timeout(httpserver: HTTPServer) -> None:
    def late(request: Asked) -> Response:
        time.sleep(0.3)
        return Response(GOOD)

    asked = serve(httpserver, late)
    assert reason(httpserver, source(read_timeout_s=0.05)) == "timeout"
    assert len(asked) == client.TRIES


def test_a_closed_port_is_no_connection() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(FetchError) as caught:
        fetch(source(), base=f"http://127.0.0.1:{port}")
    assert caught.value.reason == "connect"


# Bodies


def test_a_body_that_drips_is_given_up(httpserver: HTTPServer) -> None:
    serve(httpserver, Response(drip(b"x", 0.02)))
    began = time.monotonic()
    assert reason(httpserver, source(read_timeout_s=0.4)) == "too_slow"
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_cut_short_is_tried_again_and_given_up(httpserver: HTTPServer, packed: bool) -> None:
    if packed:
        response = Response(gzip.compress(GOOD * 50)[:-9], headers={"Content-Encoding": "gzip"})
    else:
        response = Response(iter([GOOD]), headers={"Content-Length": "1000"})
    asked = serve(httpserver, response)
    assert reason(httpserver) == "cut_body"
    assert len(asked) == client.TRIES


def test_an_empty_answer_is_asked_once_more_after_a_pause(httpserver: HTTPServer) -> None:
    serve(httpserver, Response(b" \n"), Response(GOOD))
    pauses = Pauses()
    assert get(httpserver, sleep=pauses)[0].body == GOOD
    assert pauses == [client.EMPTY_PAUSE_S]


def test_two_empty_answers_are_a_fault(httpserver: HTTPServer) -> None:
    asked = serve(httpserver, Response(b""))
    assert reason(httpserver) == "empty_body"
    assert len(asked) == 2


def test_an_announced_length_beyond_the_cap_is_refused_at_once(httpserver: HTTPServer) -> None:
    serve(httpserver, Response(b"x" * (MAX_BYTES + 1)))
    assert reason(httpserver) == "too_large"


def test_an_endless_body_is_refused_while_it_comes(httpserver: HTTPServer) -> None:
    serve(httpserver, Response(drip(b"x" * 60_000, 0.0)))
    steps: list[Step] = []
    assert reason(httpserver, progress=steps.append) == "too_large"
    assert max(step.received_bytes for step in steps) <= MAX_BYTES


def bomb(layers: int = 1) -> bytes:
    body = b"0" * 200_000_000
    for _ in range(layers):
        body = gzip.compress(body, 9)
    return body


def test_a_gzip_bomb_is_refused_without_being_held(httpserver: HTTPServer) -> None:
    import tracemalloc

    packed = bomb()
    serve(httpserver, Response(packed, headers={"Content-Encoding": "gzip"}))
    feed = source(requests=[Request(URL, max_bytes=1_000_000)])
    assert len(packed) < 1_000_000
    tracemalloc.start()
    assert reason(httpserver, feed) == "too_large"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_many_packed_parts_count_together(httpserver: HTTPServer) -> None:
    parts = gzip.compress(b"0" * 10_000) * 30
    serve(httpserver, Response(parts, headers={"Content-Encoding": "gzip"}))
    assert reason(httpserver) == "too_large"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(GOOD, "gzip"), (zlib.compress(GOOD)[:4] + b"!!!!", "deflate"), (GOOD, "br")],
)
def test_a_wrongly_packed_body_is_refused(
    httpserver: HTTPServer, body: bytes, encoding: str
) -> None:
    serve(httpserver, Response(body, headers={"Content-Encoding": encoding}))
    assert reason(httpserver) == "bad_encoding"


# Redirects


def to(place: str, status: int = 302) -> Response:
    return Response(status=status, headers={"Location": place})


@pytest.mark.parametrize("place", ["/other?signature=s3cret", f"{URL[:-5]}/other?signature=s3cret"])
def test_a_redirect_on_the_same_host_is_followed_and_not_shown(
    httpserver: HTTPServer, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    serve(httpserver, to(place))
    httpserver.expect_request("/other", query_string="signature=s3cret").respond_with_data(GOOD)
    (answer,) = get(httpserver)
    assert (answer.url, answer.body) == (URL, GOOD)
    told = [r for r in caplog.records if r.name.startswith(("httpx", "httpcore", "layers"))]
    assert not told


def test_a_redirect_to_a_named_host_is_followed(httpserver: HTTPServer) -> None:
    serve(httpserver, to("https://files.example/other"))
    httpserver.expect_request("/other").respond_with_data(GOOD)
    assert get(httpserver, source(hosts=("files.example",)))[0].body == GOOD


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example/data",
        "https://feed.example.evil.example/data",
        "https://feed.example:8443/data",
        "https://user:word@feed.example/data",
        "http://feed.example/data",
        "//evil.example/data",
        "file:///etc/passwd",
        "https://127.0.0.1/data",
    ],
)
def test_a_redirect_elsewhere_is_refused(httpserver: HTTPServer, place: str) -> None:
    asked = serve(httpserver, to(place))
    assert reason(httpserver) == "redirect_refused"
    assert len(asked) == 1


def test_a_circle_of_redirects_ends(httpserver: HTTPServer) -> None:
    asked = serve(httpserver, to("/data"))
    assert reason(httpserver) == "too_many_redirects"
    assert len(asked) == client.MAX_REDIRECTS + 1


def test_a_key_is_not_sent_to_the_host_redirected_to() -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.url.host == "feed.example":
            return httpx.Response(302, headers={"Location": "https://files.example/x"})
        return httpx.Response(200, content=iter([GOOD]))

    feed = source(
        requests=[Request(URL, headers={"X-Key": "{TOY_KEY}"})],
        hosts=("files.example",),
        needs=("TOY_KEY",),
    )
    fetch(feed, transport=httpx.MockTransport(answer), environment={"TOY_KEY": "k"})
    assert [request.headers.get("x-key") for request in sent] == ["k", None]


# Addresses


def asked_of(feed: Source, environment: Mapping[str, str]) -> tuple[str, str]:
    """Return the address asked, and the one told."""
    sent: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(str(request.url))
        return httpx.Response(200, content=iter([GOOD]))

    transport = httpx.MockTransport(answer)
    (told,) = fetch(feed, transport=transport, environment=environment)
    return sent[0], told.url


def test_a_key_goes_into_the_address_and_not_into_the_answer() -> None:
    feed = source(requests=[Request(URL + "?key={TOY_KEY}", {"n": "1"})], needs=("TOY_KEY",))
    asked, told = asked_of(feed, {"TOY_KEY": "a&b"})
    assert asked == "https://feed.example/data?key=a%26b&n=1"
    assert told == "https://feed.example/data?key={TOY_KEY}&n=1"


def test_braces_of_a_query_stay_unless_the_source_needs_them() -> None:
    params = {"box": "{BOX}", "key": "{TOY_KEY}"}
    asked, _ = asked_of(
        source(requests=[Request(URL, params)], needs=("TOY_KEY",)), {"TOY_KEY": "k"}
    )
    assert httpx.URL(asked).params["box"] == "{BOX}"
    assert httpx.URL(asked).params["key"] == "k"


def test_the_query_of_a_users_own_address_is_hidden() -> None:
    feed = source(requests=[Request("{TOY_URL}")], needs=("TOY_URL",))
    asked, told = asked_of(feed, {"TOY_URL": "https://u:p@own.example/cap?token=s3cret"})
    assert asked.endswith("own.example/cap?token=s3cret")
    assert told.startswith("https://own.example/cap?hidden=")
    assert "s3cret" not in told


def test_the_query_of_one_of_several_own_addresses_is_hidden() -> None:
    own = "https://own.example/cap?token=s3cret"
    feed = source(requests=lambda now: [Request(own)], needs=("TOY_URLS",))
    asked, told = asked_of(feed, {"TOY_URLS": f"{own};https://feed.example"})
    assert asked == own
    assert "s3cret" not in told


def test_a_missing_key_is_said() -> None:
    with pytest.raises(FetchError, match="TOY_KEY is not set"):
        fetch(source(needs=("TOY_KEY",)), environment={})


@pytest.mark.parametrize("url", ["ftp://feed.example/data", "https://", "https://feed.example:x/"])
def test_what_is_no_address_is_a_fault(url: str) -> None:
    with pytest.raises(FetchError) as caught:
        fetch(source(requests=[Request(url)]))
    assert caught.value.reason == "bad_url"


def test_a_file_of_the_user(tmp_path: Path) -> None:
    file = tmp_path / "own reports.csv"
    file.write_bytes(GOOD)
    feed = source(requests=[Request("{TOY_FILE}", max_bytes=MAX_BYTES)], needs=("TOY_FILE",))
    for given_as in (str(file), file.as_uri()):
        (answer,) = fetch(feed, environment={"TOY_FILE": given_as}, clock=lambda: NOW)
        assert (answer.body, answer.retrieved_at) == (GOOD, NOW)
    file.write_bytes(b"x" * (MAX_BYTES + 1))
    for place, why in ((str(file), "too_large"), (str(tmp_path / "none"), "no_file")):
        with pytest.raises(FetchError) as caught:
            fetch(feed, environment={"TOY_FILE": place})
        assert caught.value.reason == why


# Pages


def after(request: Request, answer: Answer) -> Request | None:
    held = json.loads(answer.body)
    if not held["more"]:
        return None
    return replace(request, params={"offset": str(held["next"])})


def pages(server: HTTPServer, last: int, *, stuck: bool = False) -> list[int]:
    asked: list[int] = []

    def page(request: Asked) -> Response:
        n = int(request.args.get("offset", 0))
        asked.append(n)
        held = {"page": 0 if stuck else n, "more": n < last, "next": 1 if stuck else n + 1}
        return Response(json.dumps(held))

    serve(server, page)
    return asked


def test_pages_are_followed_to_the_last(httpserver: HTTPServer) -> None:
    asked = pages(httpserver, 3)
    answers = get(httpserver, source(next_page=after))
    assert asked == [0, 1, 2, 3]
    assert [a.url for a in answers] == [URL, *(f"{URL}?offset={n}" for n in (1, 2, 3))]


def test_too_many_pages_are_a_fault(httpserver: HTTPServer) -> None:
    asked = pages(httpserver, 10**9)
    assert reason(httpserver, source(next_page=after), max_pages=5) == "too_many_pages"
    assert len(asked) == 5


def test_a_server_that_ignores_the_offset_is_noticed(httpserver: HTTPServer) -> None:
    pages(httpserver, 10**9, stuck=True)
    assert reason(httpserver, source(next_page=after)) == "repeated_page"


def test_pages_in_a_circle_are_noticed(httpserver: HTTPServer) -> None:
    n = iter(range(100))
    serve(httpserver, lambda _: Response(json.dumps({"page": next(n), "more": 1, "next": 7})))
    assert reason(httpserver, source(next_page=after)) == "page_loop"


def test_a_page_that_says_nothing_of_the_next_is_a_fault(httpserver: HTTPServer) -> None:
    serve(httpserver, Response(b"<html>"))
    assert reason(httpserver, source(next_page=after)) == "bad_next_page"


def test_addresses_of_an_index_may_answer_alike(httpserver: HTTPServer) -> None:
    serve(httpserver, Response(GOOD))
    rest = [Request(f"{URL}?n={n}") for n in range(3)]

    def index(request: Request, answer: Answer) -> Request | None:
        return walk(rest) if request.url == URL else walk(getattr(request, "rest", ()))

    assert len(get(httpserver, source(next_page=index))) == 4


@pytest.mark.parametrize(
    "place",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "https://evil.example/x",
        "http://feed.example/x",
        "ftp://x",
    ],
)
def test_an_answer_leads_to_no_file_and_no_other_host(httpserver: HTTPServer, place: str) -> None:
    asked = serve(httpserver, Response(GOOD))
    feed = source(next_page=lambda request, answer: Request(place))
    assert reason(httpserver, feed) == "page_refused"
    assert len(asked) == 1


def test_requests_may_depend_on_the_time(httpserver: HTTPServer) -> None:
    asked = serve(httpserver, Response(GOOD))
    get(httpserver, source(requests=lambda now: [Request(URL, {"year": str(now.year)})]))
    assert asked[0].args["year"] == "2026"


def test_remembered_pages_lead_on_to_the_next(httpserver: HTTPServer) -> None:
    kept = Answer(URL, b'{"more": 1, "next": 1}', NOW, etag='"a"')
    last = Response(b'{"more": 0}')
    serve(httpserver, lambda r: Response(status=304) if "if-none-match" in r.headers else last)
    answers = get(httpserver, source(next_page=after), remembered={URL: kept})
    assert [a.status for a in answers] == [304, 200]


# Together


@pytest.mark.parametrize(("serial", "most"), [(True, 1), (False, 4)])
def test_one_request_at_a_time_to_a_host(httpserver: HTTPServer, serial: bool, most: int) -> None:
    guard, now_open, peak = threading.Lock(), 0, 0
    together = threading.Event()

    def slow(request: Asked) -> Response:
        nonlocal now_open, peak
        with guard:
            now_open += 1
            peak = max(peak, now_open)
            if now_open > 1:
                together.set()
        together.wait(0.1 if serial else 30)
        with guard:
            now_open -= 1
        return Response(GOOD)

    serve(httpserver, slow)
    threads = [
        threading.Thread(target=get, args=(httpserver, source(serial=serial))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert peak <= most
    assert serial or peak > 1


def test_a_fetch_stops_when_told(httpserver: HTTPServer) -> None:
    serve(httpserver, Response(drip(b"x", 0.01)))
    began = time.monotonic()
    assert reason(httpserver, stop=lambda: time.monotonic() - began > 0.1) == "stopped"
    assert time.monotonic() - began < 30


# Markup


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]><lolz>&c;</lolz>"""
OUTSIDE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (LAUGHS, "xml_doctype"),
        (OUTSIDE, "xml_doctype"),
        (b"<a>" * 200_000, "too_deep"),
        (b"<a>" * 101 + b"</a>" * 101, "too_deep"),
        (b"<a><b></a>", "bad_xml"),
        (b"<a>&nbsp;</a>", "bad_xml"),
        (b"<a>\xff</a>", "bad_xml"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "bad_encoding"),
        (b'<?xml version="1.0" encoding="gbk"?><a>\xff\xff</a>', "bad_encoding"),
        (b"<!-- guard --><!DOCTYPE html><p>", "html_not_xml"),
        (b"\xef\xbb\xbf <HTML>", "html_not_xml"),
        (b"  ", "empty_body"),
    ],
)
def test_xml_that_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(FeedError, match=f"^toy: {why}: "):
        parse_xml("toy", body)


@pytest.mark.parametrize("encoding", ["utf-8", "gb2312", "GBK", "gb18030", "big5", "iso-8859-1"])
def test_xml_in_its_declared_encoding(encoding: str) -> None:
    text = "é" if encoding == "iso-8859-1" else "注意"
    body = f'<?xml version="1.0" encoding="{encoding}"?><a>{text}</a>'.encode(encoding)
    assert parse_xml("toy", body).text == text


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty_body"),
        (b"\n<!doctype html><html>", "html_not_json"),
        (b'{"a": NaN}', "bad_json"),
        (b'{"a": -Infinity}', "bad_json"),
        (b'{"a": 1e999}', "bad_json"),
        (b'{"a": 1,}', "bad_json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "bad_json"),
        (b"\xff\x00\x01", "bad_encoding"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "too_deep"),
    ],
)
def test_json_that_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(FeedError, match=f"^toy: {why}: "):
        parse_json("toy", body)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_json_with_and_without_a_byte_order_mark(encoding: str) -> None:
    assert parse_json("toy", '{"a": "é[[{"}'.encode(encoding)) == {"a": "é[[{"}


def test_brackets_in_text_are_not_depth() -> None:
    assert parse_json("toy", json.dumps(["[" * 500]).encode()) == ["[" * 500]


@given(st.binary() | st.text().map(str.encode))
def test_markup_of_any_bytes_is_a_result_or_a_fault(body: bytes) -> None:
    for read in (parse_json, parse_xml):
        with suppress(FeedError):
            read("toy", body)
