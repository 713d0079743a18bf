"""No key, password or secret address shows: on the screen, in the store, in any file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner
from werkzeug import Request, Response

from corridors.cli import app
from layers.client import fetch
from layers.errors import CorridorsError
from layers.source import feed
from layers.store import Store
from tests.test_feeds_b import ACLED, CAP, NOW, prices

KEY, TOKEN, WORD = "k3y-Of-The-EIA", "t0ken/Of=ACLED", "passw0rd-of-ours"
QUERY, HOOK, SIGN = "qu3ry-of-a-feed", "h00k-in-a-path", "s1gning-secret"
SECRETS = (KEY, TOKEN, "t0ken%2FOf%3DACLED", WORD, QUERY, HOOK, SIGN)
FEEDS = ("eia_series", "acled_events", "cap_url")

Say = Callable[[Request], Response]


def echoed(request: Request) -> str:
    return f"{request.full_path} {dict(request.headers)}"


ANSWERS: dict[str, Say] = {
    "401": lambda r: Response(echoed(r), 401),
    "500": lambda r: Response(echoed(r), 500, headers={"Retry-After": "99999"}),
    "page": lambda r: Response(f"<html>{echoed(r)}</html>", content_type="text/html"),
    "error": lambda r: Response(json.dumps({"error": {"message": f"bad key {echoed(r)}"}})),
    "no json": lambda r: Response("{" + echoed(r)),
    "redirect": lambda r: Response(status=302, headers={"Location": f"https://evil.test/{r.url}"}),
    "cut": lambda r: Response(echoed(r), headers={"Content-Length": "99999"}),
}


@pytest.fixture(autouse=True)
def _set_up(tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set every kind of secret."""
    hook = httpserver.url_for(f"/{HOOK}").replace("http://", "https://")
    for name, value in {
        "EIA_API_KEY": KEY,
        "ACLED_TOKEN": TOKEN,
        "CORRIDORS_CAP_URLS": f"https://reader:{WORD}@feed.test/cap?token={QUERY}",
        "CORRIDORS_WEBHOOK": hook,
        "CORRIDORS_WEBHOOK_SECRET": SIGN,
        "CORRIDORS_STORE": str(tmp_path / "log.duckdb"),
    }.items():
        monkeypatch.setenv(name, value)


def called(*arguments: str) -> str:
    """Return all that a command writes to the screen."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None or isinstance(done.exception, CorridorsError | SystemExit)
    return f"{done.output}\n{done.exception}"


def kept(folder: Path) -> str:
    """Return all that lies in a folder: files as they are, and every cell of the store."""
    parts = [p.read_bytes().decode("latin-1") for p in folder.rglob("*") if p.is_file()]
    for place in folder.glob("*.duckdb"):
        with duckdb.connect(str(place), read_only=True) as store:
            tables = [row[0] for row in store.execute("SHOW TABLES").fetchall()]
            parts += [str(store.execute(f'FROM "{table}"').fetchall()) for table in tables]
    return "\n".join(parts)


def leaks(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("say", ANSWERS)
def test_no_fault_of_a_server_makes_a_secret_show(
    say: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    seen: list[str] = []

    def handle(request: Request) -> Response:
        seen.append(echoed(request))
        return ANSWERS[say](request)

    httpserver.expect_request("").respond_with_handler(handle)
    for pattern in ("/v2/seriesid/PET.RBRTE.D", "/api/acled/read", "/cap"):
        httpserver.expect_request(pattern).respond_with_handler(handle)
    base = httpserver.url_for("").rstrip("/")
    shown = called("feeds", "refresh", *FEEDS, "--force", "--url-base", base)
    shown += called("feeds", "status")
    shown += called("store", "check")
    assert seen, "the server was asked nothing"
    assert leaks(shown) == []
    assert leaks(kept(tmp_path)) == []


def test_an_answer_that_repeats_the_key_is_kept_without_it(httpserver: HTTPServer) -> None:
    def answer(request: Request) -> Response:
        body = prices(*["80"] * 70) | {"request": {"command": request.full_path}}
        return Response(json.dumps(body | {"key": request.args.get("api_key")}))

    def events(request: Request) -> Response:
        return Response(json.dumps(ACLED | {"you": request.headers["Authorization"]}))

    for id, say in (("eia_series", answer), ("acled_events", events)):
        httpserver.clear()
        source = feed(id).source
        for request in source.asks(NOW):
            path = "/" + request.url.split("/", 3)[3].partition("?")[0]
            httpserver.expect_request(path).respond_with_handler(say)
        base = httpserver.url_for("").rstrip("/")
        found = fetch(source, base=base, environment=os.environ)
        assert found
        for one in found:
            json.loads(one.body)
            assert leaks(one.body.decode() + one.url) == []


def test_what_is_understood_and_what_is_told_hold_no_secret(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/cap").respond_with_data(CAP, content_type="text/xml")
    base = httpserver.url_for("").rstrip("/")
    shown = called("feeds", "refresh", "cap_url", "--url-base", base)
    assert len(Store(tmp_path / "log.duckdb").events()) == 1
    for format in ("csv", "json", "xlsx", "geojson"):
        shown += called("events", "--restricted", "-o", str(tmp_path / f"e.{format}"))
    shown += called("store", "copy", str(tmp_path / "copy.duckdb"))
    shown += called("warn", "run", "-i", "IND")
    for group in ("feeds", "warn", "store", "bulletin", "health"):
        shown += called(group, "--help")
    assert leaks(shown) == []
    assert leaks(kept(tmp_path)) == []


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://ours:{WORD}@127.0.0.1:1/db",
        f"postgresql://ours:{WORD}@no.such.host.invalid/db?connect_timeout=2",
        f"postgresql://ours:{WORD}@[::1/db",
        f"mysql://ours:{WORD}@host/db",
        f"host=127.0.0.1 port=1 password={WORD}",
    ],
)
def test_no_address_of_a_store_shows_its_password(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in (("store", "check"), ("feeds", "status"), ("events",)):
        monkeypatch.delenv("CORRIDORS_STORE")
        assert leaks(called(*command, "--store", address)) == []
        monkeypatch.setenv("CORRIDORS_STORE", address)
        assert leaks(called(*command)) == []
