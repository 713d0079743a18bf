"""No address that a publisher sends or a user gives leads a feed into somebody's own network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from layers.client import FetchError, fetch
from layers.errors import FeedError
from layers.hosts import ALLOWED, is_private, private_address, within_link
from layers.source import Request, Source, feed
from layers.webhook import deliver

PUBLIC = "93.184.215.14"


def source(url: str, *, hosts: tuple[str, ...] = ()) -> Source:
    return Source(
        id="test",
        title="Test",
        publisher="us",
        licence="none",
        attribution="us",
        homepage="https://example.org",
        requests=[Request(url)],
        every=timedelta(hours=1),
        stale_after=timedelta(days=1),
        expected_min=1,
        hosts=hosts,
    )


def reason(asked: Source, **options: Any) -> str:
    with pytest.raises(FetchError) as caught:
        fetch(asked, **{"environment": {}, "sleep": lambda _: None, **options})
    return caught.value.reason


def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Let every name have one address after another, the last one from then on."""
    left = list(answers)
    real: Callable[..., Any] = socket.getaddrinfo

    def found(host: str, port: int | str | None, *more: Any, **rest: Any) -> Any:
        if host != "inner.example":
            return real(host, port, *more, **rest)
        return real(left.pop(0) if len(left) > 1 else left[0], port, *more, **rest)

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.fixture(autouse=True)
def _without_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0", "0.0.0.0", "localhost"),
        *("localhost.", "any.localhost", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1"),
        *("169.254.169.254", "[::1]", "[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]", "[::]"),
        *("[2002:a00:1::1]", "224.0.0.1", "255.255.255.255"),
    ],
)
def test_private_hosts_are_not_asked(host: str) -> None:
    assert reason(source(f"http://{host}/data")) == "private_host"


@pytest.mark.parametrize("host", [PUBLIC, "2606:4700::1111", "198.18.0.7", "feed.example"])
def test_public_hosts_and_the_stand_ins_of_tunnels_are(host: str) -> None:
    assert private_address(host, look_up=False) == ""


def test_nobody_is_asked_before_the_host_is_known(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/data").respond_with_data("inner secret")
    assert reason(source(httpserver.url_for("/data"))) == "private_host"
    assert httpserver.log == []


def test_who_set_it_up_may_name_the_hosts(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/data").respond_with_data("ours")
    url = httpserver.url_for("/data")
    for said in (httpserver.host, f"other.example; {httpserver.host.upper()}", "*"):
        assert fetch(source(url), environment={ALLOWED: said})[0].body == b"ours"
    assert reason(source(url), environment={ALLOWED: "other.example"}) == "private_host"


def test_a_base_given_on_purpose_may_be_anywhere(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/data").respond_with_data("mirror")
    base = httpserver.url_for("").rstrip("/")
    found = fetch(source("https://feed.example/data"), base=base, environment={})
    assert found[0].body == b"mirror"


def test_a_name_that_leads_inside_is_not_asked(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/data").respond_with_data("inner secret")
    names(monkeypatch, "127.0.0.1")
    assert reason(source(f"http://inner.example:{httpserver.port}/data")) == "private_host"
    assert httpserver.log == []


def test_a_name_that_leads_inside_after_it_was_looked_up_is_not_read(
    httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/data").respond_with_data("inner secret")
    names(monkeypatch, PUBLIC, "127.0.0.1")
    assert reason(source(f"http://inner.example:{httpserver.port}/data")) == "private_host"


@pytest.mark.parametrize("inner", ["http://localhost:{0}/inner", "http://[::1]/inner"])
def test_a_redirect_leads_nowhere_private(httpserver: HTTPServer, inner: str) -> None:
    there = inner.format(httpserver.port)
    httpserver.expect_request("/data").respond_with_data(status=302, headers={"Location": there})
    httpserver.expect_request("/inner").respond_with_data("inner secret")
    url = httpserver.url_for("/data").replace("localhost", "127.0.0.1")
    asked = source(url, hosts=("localhost", "::1"))
    told = reason(asked, environment={ALLOWED: "127.0.0.1"})
    assert told in ("private_host", "redirect_refused")
    assert [request.path for request, _ in httpserver.log] == ["/data"]


@pytest.mark.parametrize("id", ["cap_url", "georss_url", "local_reports"])
@pytest.mark.parametrize(
    "url",
    [
        *("https://[::1", "//[x/y", "gopher://feed.example/", "data:text/plain,x", "javascript:x"),
        *("http://①②⑦.⓪.⓪.①/", "http://feed.example:xx/", "/dev/zero", "/", "file:///dev/zero"),
        *("http://169.254.169.254/latest/meta-data", "https://user:word@10.0.0.1/feed"),
    ],
)
def test_whatever_address_a_user_gives_is_asked_or_refused_by_name(
    id: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = feed(id).source
    monkeypatch.setenv(asked.needs[0], url)
    with pytest.raises(FeedError, match=f"^{id}: ") as caught:
        fetch(asked, environment={asked.needs[0]: url}, sleep=lambda _: None)
    assert "word" not in str(caught.value)


def test_a_base_that_is_no_address_is_refused() -> None:
    for base in ("http://[::1", "http://feed.example:port"):
        assert reason(source("https://feed.example/"), base=base) == "bad_url"


@pytest.mark.parametrize("host", ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"])
def test_a_cloud_s_own_services_are_told_nothing(host: str) -> None:
    told = deliver(f"https://{host}/", b"x", media_type="text/plain", secret="s", id="1")
    assert (told.outcome, told.attempts) == ("refused", 0)
    assert told.fault.startswith("private_host")


def test_what_is_no_address_is_neither() -> None:
    for text in ("", "feed.example", "1.2.3.4.5", "::1::", "１２７.0.0.1x"):
        assert not is_private(text)
        assert not within_link(text)
