"""Telling a webhook, through a real server on this machine."""

from __future__ import annotations

import hashlib
import hmac
import logging
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from layers.ledger import START, chained
from layers.webhook import (
    Delivery,
    Letter,
    deliver,
    deliver_all,
    host_of,
    record_of,
    undelivered,
)

pytestmark = pytest.mark.usefixtures("quick")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "only you and I"
BODY = "预警 <alert/>".encode()


class Receiver:
    """Answers with the statuses it is given, the last one for ever, and keeps what came."""

    def __init__(self) -> None:
        self.statuses: list[int] = [200]
        self.headers: dict[str, str] = {}
        self.came: list[tuple[dict[str, str], bytes]] = []

    def __call__(self, request: Request) -> Response:
        self.came.append(({k.lower(): v for k, v in request.headers.items()}, request.get_data()))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return Response("thanks", status=status, headers=self.headers)


@pytest.fixture
def receiver(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    found = Receiver()
    monkeypatch.setattr(httpserver, "dispatch", found)
    return found


@pytest.fixture
def url(httpserver: HTTPServer) -> str:
    return httpserver.url_for("/hook") + "?key=hidden"


def tell(url: str, *, secret: str = SECRET, id: str = "a.1", total_s: float = 20.0) -> Delivery:
    return deliver(
        url,
        BODY,
        media_type="application/cap+xml",
        secret=secret,
        id=id,
        now=lambda: NOW,
        total_s=total_s,
    )


def test_what_is_told_is_signed(receiver: Receiver, url: str) -> None:
    assert tell(url) == Delivery("delivered", 200, 1, "")
    ((headers, body),) = receiver.came
    assert body == BODY
    assert headers["x-corridors-timestamp"] == "1772366400"  # 2026-03-01T12:00:00Z
    assert headers["x-corridors-id"] == "a.1"
    assert headers["content-type"] == "application/cap+xml"
    expected = hmac.new(SECRET.encode(), b"1772366400." + BODY, hashlib.sha256).hexdigest()
    assert headers["x-corridors-signature"] == f"sha256={expected}"


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([500, 500, 200], Delivery("delivered", 200, 3)),
        ([429, 204], Delivery("delivered", 204, 2)),
        ([503], Delivery("failed", 503, 3, "http_503: the answer")),
        ([404], Delivery("refused", 404, 1, "http_404: the answer")),
        ([401, 200], Delivery("refused", 401, 1, "http_401: the answer")),
    ],
    ids=str,
)
def test_what_is_tried_again(
    receiver: Receiver, url: str, statuses: list[int], expected: Delivery
) -> None:
    receiver.statuses = statuses
    assert tell(url) == expected
    assert len(receiver.came) == expected.attempts
    assert {headers["x-corridors-id"] for headers, _ in receiver.came} == {"a.1"}


def test_a_long_pause_asked_for_is_left_to_the_next_run(receiver: Receiver, url: str) -> None:
    receiver.statuses, receiver.headers = [429], {"Retry-After": "3600"}
    assert tell(url) == Delivery("failed", 429, 1, "http_429: the answer")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(
    receiver: Receiver, url: str, httpserver: HTTPServer, status: int
) -> None:
    receiver.statuses = [status]
    receiver.headers = {"Location": httpserver.url_for("/elsewhere")}
    found = tell(url)
    assert (found.outcome, found.status, found.attempts) == ("refused", status, 1)
    assert found.fault.startswith("redirect_refused")
    assert len(receiver.came) == 1


@pytest.fixture
def hanging() -> Iterator[str]:
    """Take connections and what is sent, and answer nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"


@pytest.fixture
def trickling() -> Iterator[str]:
    """Answer a byte of a heading now and then, without end, so that no single wait is long."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            there, _ = server.accept()
            with there:
                there.sendall(b"HTTP/1.1 200 OK\r\n")
                while not ended.wait(0.02):
                    try:
                        there.sendall(b"X")
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
        ended.set()
        thread.join()


def test_a_server_that_hangs_is_given_up(hanging: str) -> None:
    found = tell(hanging, total_s=0.3)
    assert (found.outcome, found.status) == ("failed", None)
    assert found.fault.startswith("timeout")


def test_a_server_that_trickles_is_given_up(trickling: str) -> None:
    assert tell(trickling, total_s=0.3) == Delivery(
        "failed", None, 1, "timeout: no good answer in time"
    )


def test_a_server_that_is_not_there_is_tried_thrice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert tell(f"http://127.0.0.1:{port}/") == Delivery(
        "failed", None, 3, "connection: ConnectError"
    )


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("http://hooks.example/T0", "not_https"),
        ("http://10.0.0.1/T0", "not_https"),
        ("http://localhost.example/", "not_https"),
        ("ftp://hooks.example/", "bad_url"),
        ("hooks.example", "bad_url"),
        ("https://", "bad_url"),
        ("https://hooks.example:port/", "bad_url"),
        ("http://[::1", "bad_url"),
        ("", "bad_url"),
    ],
)
def test_an_address_that_will_not_do_is_refused_before_any_connection(
    address: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: pytest.fail("a name was looked up"))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a connection was made"))
    found = tell(address)
    assert (found.outcome, found.attempts) == ("refused", 0)
    assert found.fault.startswith(fault)


def test_nothing_is_sent_unsigned_or_under_an_id_that_is_no_header(
    receiver: Receiver, url: str
) -> None:
    assert tell(url, secret="").fault.startswith("no_secret")
    assert tell(url, id="a\r\nX-Evil: 1").fault.startswith("bad_letter")
    assert receiver.came == []


def test_nothing_secret_is_told(
    receiver: Receiver,
    url: str,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    receiver.statuses = [500]
    with caplog.at_level(logging.DEBUG):
        found = tell(url)
    logged = [vars(record) for record in caplog.records if record.name != "werkzeug"]
    said = f"{found!r} {logged} {''.join(capfd.readouterr())} {record_of('a', url, found)}"
    assert logged
    assert SECRET not in said
    assert "hidden" not in said
    assert "/hook" not in said


def test_many_are_told_and_a_bad_one_stops_no_other(receiver: Receiver, url: str) -> None:
    letters = [Letter(f"a.{n}", b"%d" % n, "text/plain") for n in range(9)]
    letters[4] = Letter("", b"", "text/plain")
    found = deliver_all(url, letters, secret=SECRET)
    assert [one.outcome for one in found].count("delivered") == 8
    assert found[4].outcome == "refused"
    assert {body for _, body in receiver.came} == {b"%d" % n for n in range(9) if n != 4}


def test_all_letters_share_a_deadline(hanging: str) -> None:
    letters = [Letter(f"a.{n}", b"", "text/plain") for n in range(9)]
    found = deliver_all(hanging, letters, secret=SECRET, deadline_s=3)
    assert {one.outcome for one in found} == {"failed"}
    assert {one.attempts for one in found} == {0, 1}  # some were still waiting for their turn


def test_it_can_be_called_where_a_loop_runs(receiver: Receiver, url: str) -> None:
    import asyncio

    async def inside() -> Delivery:
        return tell(url)

    assert asyncio.run(inside()).outcome == "delivered"


# What is written down


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://user:pw@Hooks.Example:8443/T0/secret?key=x#y", "hooks.example:8443"),
        ("https://hooks.example/T0", "hooks.example"),
        ("http://[::1]:80/", "::1:80"),
        ("https://ho st/", "unknown"),
        ("https://hooks.example:port/", "unknown"),
        ("", "unknown"),
    ],
)
def test_only_the_host_is_written_down(address: str, host: str) -> None:
    assert host_of(address) == host
    record = record_of("a.1", address, Delivery("failed", 503, 3, "http_503: the answer"))
    assert record == {"alert": "a.1", "host": host, "outcome": "failed", "status": 503} | {
        "attempts": 3,
        "fault": "http_503: the answer",
    }
    assert chained(START, "delivery", NOW, record).kind == "delivery"


def test_what_is_not_delivered_yet() -> None:
    def delivery(alert: str, outcome: str, host: str = "h") -> tuple[str, dict[str, object]]:
        return "delivery", {"alert": alert, "host": host, "outcome": outcome}

    rows = [("alert", {"id": id}) for id in ("new", "good", "later", "other", "never")]
    rows += [delivery("good", "delivered"), delivery("later", "failed")]
    rows += [delivery("later", "delivered"), delivery("other", "delivered", "elsewhere")]
    rows += [delivery("never", "failed"), ("run", {"at": ""})]
    log = pd.DataFrame(rows, columns=["kind", "record"])
    assert undelivered(log, "h") == ["new", "other", "never"]
    assert undelivered(log[:0], "h") == []
