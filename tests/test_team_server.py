"""The team server of compose.yaml: what it says, and its parts run as plain processes."""

from __future__ import annotations

import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_httpserver import HTTPServer
from typer.main import get_command
from werkzeug import Request, Response

from layers.errors import CorridorsError
from layers.health import health
from layers.refresh import refresh
from layers.source import feeds
from layers.store import Store
from layers.store.server import PASSWORD_FILE
from tests.name_server import naming
from tests.postgres import Postgres, programs
from tests.processes import free_port
from tests.serving import PATIENCE_S, serving

ROOT = Path(__file__).resolve().parent.parent
SITE = "team.example"
NOW = datetime(2026, 4, 23, 6, tzinfo=UTC)
RUN = (
    "run",
    NOW,
    {"at": NOW.isoformat(), "vintage": "", "counts": {}, "judged": [], "standings": []},
)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """Return compose.yaml, read."""
    yaml = pytest.importorskip("yaml", reason="no PyYAML")
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    return found


def filled(text: str, **variables: str) -> str:
    """Return a text of compose.yaml with its variables filled in, as compose does it."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        given = variables.get(found["name"], "")
        return given or found["default"]

    return re.sub(r"\$\$|\$\{(?P<name>\w+):?-(?P<default>[^}]*)\}", value, text)


# ---- what it says


def test_every_service_is_hardened(compose: Mapping[str, Any]) -> None:
    assert set(compose["services"]) == {"proxy", "app", "watch", "database", "roles"}
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["restart"] == ("no" if name == "roles" else "unless-stopped")
        if name != "roles":
            assert {"cpus", "memory", "pids"} == set(service["deploy"]["resources"]["limits"])
            assert service["healthcheck"]["test"][0] == "CMD"


def test_only_the_proxy_is_reached_and_it_reaches_no_database(compose: Mapping[str, Any]) -> None:
    services = compose["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]
    assert not set(services["proxy"]["networks"]) & set(services["database"]["networks"])
    for name in services["database"]["networks"]:
        assert compose["networks"][name] == {"internal": True}


def test_nothing_secret_stands_in_the_file(compose: Mapping[str, Any]) -> None:
    for secret in compose["secrets"].values():
        assert set(secret) == {"file"}
        assert secret["file"].startswith("${CORRIDORS_SECRETS:-/etc/corridors}/")
    settings = [
        (key, str(value))
        for service in compose["services"].values()
        for key, value in service.get("environment", {}).items()
        if re.search("PASSWORD|SECRET|TOKEN|KEY", key)
    ]
    assert settings
    for key, value in settings:
        assert value.startswith("/run/secrets/") or value == f"${{{key}:-}}", key


def test_every_secret_of_a_service_and_every_volume_is_declared(
    compose: Mapping[str, Any],
) -> None:
    for service in compose["services"].values():
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert {v.split(":")[0] for v in service.get("volumes", [])} <= set(compose["volumes"])
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("depends_on", {})) <= set(compose["services"])


def test_the_secrets_of_streamlit_are_a_file_it_takes(compose: Mapping[str, Any]) -> None:
    app = compose["services"]["app"]
    file = Path(app["environment"]["STREAMLIT_SECRETS_FILES"])
    assert file.parent == Path("/run/secrets")
    assert file.name in app["secrets"]
    assert file.suffix == ".toml"  # by which Streamlit knows it


def test_images_of_others_have_a_major_version(compose: Mapping[str, Any]) -> None:
    for service in compose["services"].values():
        assert "build" in service or re.search(r":\d+$", service["image"])


def test_every_command_of_ours_is_one(compose: Mapping[str, Any]) -> None:
    from corridors.cli import app

    known = get_command(app).commands  # type: ignore[attr-defined]
    text = (ROOT / "compose.yaml").read_text("utf-8")
    named = set(re.findall(r"(?:\bcorridors, |exec corridors )(\w+)", text))
    assert named == {"app", "health", "watch"}
    assert named <= set(known)
    options = {option for name in named for p in known[name].params for option in p.opts}
    assert set(re.findall(r"(--(?:late|url|warn)\b)", text)) == {"--late", "--url", "--warn"}
    assert {"--late", "--url", "--warn"} <= options


def test_the_image_is_made_of_what_the_lock_allows() -> None:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    assert text.count("--require-hashes") == 2
    last = text.split("\nFROM ")[-1]
    assert "pip" not in last
    assert re.search(r"^USER \d+:\d+$", last, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignored[1] == "*"
    for name in re.findall(r"^!/([^*\n]+)$", "\n".join(ignored), re.MULTILINE):
        assert (ROOT / name).exists(), name


# ---- health


@pytest.fixture
def asked(tmp_path: Path, httpserver: HTTPServer, quick: None) -> Store:
    """Return a store of one feed that was asked at a moment, and found nobody there."""
    store = Store(tmp_path / "store.duckdb")
    httpserver.clear()
    found = {"usgs_earthquakes": feeds()["usgs_earthquakes"]}
    base = httpserver.url_for("").rstrip("/")
    refresh(store, found, base=base, now=lambda: NOW)
    return store


def told(store: Store, now: datetime, **options: Any) -> dict[str, tuple[bool, str]]:
    only = {"usgs_earthquakes": feeds()["usgs_earthquakes"]}
    return {f.of: (f.well, f.told) for f in health(store, only, now=now, **options)}


def test_a_feed_long_due_tells_that_nobody_asks(asked: Store) -> None:
    soon, late = NOW + timedelta(minutes=2), NOW + timedelta(days=2)
    hour = timedelta(hours=1)
    assert told(asked, soon, late=hour)["feeds"] == (True, "last asked 2 min ago")
    assert told(asked, late)["feeds"] == (True, "last asked 2880 min ago")
    well, words = told(asked, late, late=hour)["feeds"]
    assert not well
    assert re.fullmatch(r"last asked 2880 min ago, and one was due \d+ min ago", words)


def test_a_store_never_written_is_well_until_somebody_should_have_asked(tmp_path: Path) -> None:
    store = Store(tmp_path / "none.duckdb")
    assert told(store, NOW)["feeds"] == (True, "never asked")
    assert told(store, NOW, late=timedelta(hours=1))["feeds"] == (False, "never asked")


def test_a_store_of_somebody_else_is_bad(tmp_path: Path) -> None:
    import duckdb

    with duckdb.connect(str(tmp_path / "theirs.duckdb")) as con:
        con.execute("CREATE TABLE theirs (x INTEGER)")
    well, words = told(Store(tmp_path / "theirs.duckdb"), NOW)["store"]
    assert not well
    assert "not one of this project" in words


def test_an_app_that_errs_or_is_gone_is_bad(tmp_path: Path, httpserver: HTTPServer) -> None:
    store = Store(tmp_path / "none.duckdb")
    httpserver.expect_request("/well").respond_with_data("ok")
    httpserver.expect_request("/ill").respond_with_data("no", status=503)
    assert told(store, NOW, url=httpserver.url_for("/well"))["app"] == (True, "up")
    assert told(store, NOW, url=httpserver.url_for("/ill"))["app"][1].endswith("answers 503")
    gone = f"http://127.0.0.1:{free_port()}/"
    assert not told(store, NOW, url=gone)["app"][0]
    assert not told(store, NOW, url="nonsense")["app"][0]


def test_tables_that_cannot_be_read_are_bad(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("layers.health.load_world", lambda: (_ for _ in ()).throw(OSError("gone")))
    assert told(Store(tmp_path / "none.duckdb"), NOW)["data"] == (False, "gone")


# ---- the database


@pytest.fixture
def team(
    compose: Mapping[str, Any], postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """Return the store as the service `roles` leaves it to the editor."""
    if shutil.which("psql") is None:
        pytest.skip("no psql")
    address, password = postgres.database(), secrets.token_urlsafe(12) + "'\\ $x"
    (tmp_path / "store_password").write_text(f"{password}\n")
    (tmp_path / "database_password").write_text("never asked for here")
    *shell, script = compose["services"]["roles"]["command"]
    script = filled(script).replace("/run/secrets", str(tmp_path))
    parts = urlsplit(address)
    place = dict(re.findall(r"(\w+)=([^&]+)", parts.query))
    environment = {
        "PGHOST": place.get("host", parts.hostname or ""),
        "PGPORT": place.get("port", str(parts.port or 5432)),
        "PGUSER": parts.username or "postgres",
        "PGDATABASE": parts.path[1:],
        "PATH": f"{programs() or ''}:/usr/local/bin:/usr/bin:/bin",
    }
    for _ in range(2):  # it runs at every start
        done = subprocess.run(
            [*shell, script], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    monkeypatch.setenv(PASSWORD_FILE, str(tmp_path / "store_password"))
    yield Store(postgres.to(parts.path[1:], "editor"), wait_s=30)
    postgres.drop(address)
    postgres.run("DROP ROLE editor")


def test_the_editor_of_the_database_writes_the_store_and_no_more(
    team: Store, postgres: Postgres, tmp_path: Path
) -> None:
    import psycopg

    team.append([RUN])
    assert len(team.log(["run"])) == 1
    assert team.check() == []
    password = (tmp_path / "store_password").read_text().rstrip("\n")
    editor = postgres.to(urlsplit(team.place).path[1:], "editor", password)
    assert postgres.run("SELECT current_user", editor) == [("editor",)]
    for beyond in ("CREATE ROLE another", "CREATE DATABASE another", "SELECT * FROM pg_shadow"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            postgres.run(beyond, editor)


def test_a_password_file_that_is_not_there_is_told(
    team: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PASSWORD_FILE, "/nowhere")
    with pytest.raises(CorridorsError, match="names no file that can be read"):
        team.states()


def test_health_turns_bad_with_the_database_and_well_again(
    team: Store, postgres: Postgres, tmp_path: Path
) -> None:
    team.append([RUN])

    def looked() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "corridors", "health", "--store", team.place]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert looked().returncode == 0
    postgres.stop()
    try:
        bad = looked()
    finally:
        postgres.start()
    assert bad.returncode == 1
    assert "\nstore: BAD, the store postgresql://editor@" in bad.stderr
    assert "data: well" in bad.stderr
    assert looked().returncode == 0


# ---- the proxy


@contextmanager
def proxied(
    compose: Mapping[str, Any],
    app: str,
    folder: Path,
    *,
    hosts: Sequence[str] = ("127.0.0.1",),
    tls: bool = False,
) -> Iterator[int]:
    """Run the proxy of compose.yaml, by its very configuration, before an app; yield its port.

    The app may run on some hosts, on the same port.
    """
    caddy = shutil.which("caddy")
    if caddy is None:
        pytest.skip("no caddy")
    port, file, log = free_port(), folder / "Caddyfile", folder / "caddy.txt"
    more = {"CORRIDORS_TLS": "tls internal"} if tls else {}
    site = f"{'https' if tls else 'http'}://{SITE}:{port}"
    text = compose["services"]["proxy"]["environment"]["CADDYFILE"]
    homes = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with naming(hosts) as names, log.open("w") as out:
        file.write_text(_at_home(filled(text, CORRIDORS_SITE=site, **more), app, names))
        command = [caddy, "run", "--config", str(file)]
        with subprocess.Popen(command, env=homes, stdout=out, stderr=subprocess.STDOUT) as running:
            try:
                _until_open(port, running, log)
                yield port
            finally:
                running.send_signal(signal.SIGTERM)
                running.wait(PATIENCE_S)


def _at_home(text: str, app: str, names: str) -> str:
    """Change in the proxy's configuration what is only for a network of containers."""
    for there, here in (
        ("port 8501\n", f"port {urlsplit(app).port}\nresolvers udp/{names}\n"),
        ("127.0.0.1:8080", f"127.0.0.1:{free_port()}"),
        ("admin off", f"admin off\n  http_port {free_port()}"),
    ):
        assert there in text
        text = text.replace(there, here)
    return text


def _until_open(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert running.poll() is None, log.read_text()
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"the proxy did not come up:\n{log.read_text()}")


def _greeted(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    """Connect by TLS, as soon as the proxy has made itself a certificate."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        try:
            return context.wrap_socket(plain, server_hostname=SITE)
        except ssl.SSLError:
            plain.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def ask(
    port: int, path: str, method: str = "GET", body: bytes = b"", **headers: str
) -> tuple[HTTPResponse, bytes]:
    with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as con:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before all was sent
            con.request(method, path, body or None, {"Host": f"{SITE}:{port}", **headers})
        answer = con.getresponse()
        return answer, answer.read()


@pytest.mark.browser
def test_a_team_works_through_the_proxy_and_outlives_its_database(
    chromium: str,
    compose: Mapping[str, Any],
    team: Store,
    postgres: Postgres,
    tmp_path: Path,
) -> None:
    team.append([RUN])
    playwright = pytest.importorskip("playwright.sync_api")
    with (
        serving(team.place, tmp_path / "app.txt") as app,
        proxied(compose, app, tmp_path) as port,
        playwright.sync_playwright() as driver,
    ):
        # The way to the proxy, and what it adds and keeps back.
        answer, page = ask(port, "/")
        assert answer.status == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
        assert answer.headers["Server"] is None
        assert ask(port, "/health")[1] == b"ok"
        for inside in ("metrics", "script-health-check", "agent/mcp", "agent/openapi.json"):
            assert ask(port, f"/_stcore/{inside}")[0].status == 404
        assert ask(port, "/", **{"Host": "elsewhere.example"})[1] == b""
        script = re.search(rb'src="\./(static/js/index\.[^"]+\.js)"', page)
        assert script
        path = f"/{script[1].decode()}"
        sizes = {}
        for coding in ("identity", "gzip", "zstd"):
            answer, body = ask(port, path, **{"Accept-Encoding": coding})
            assert (answer.headers["Content-Encoding"] or "identity") == coding
            sizes[coding] = len(body)
        assert max(sizes["zstd"], sizes["gzip"]) < sizes["identity"] / 3
        # A page, by its websocket, under the name of the site.
        named = f"--host-resolver-rules=MAP {SITE} 127.0.0.1"
        browser = driver.chromium.launch(executable_path=chromium, args=[named])
        view = browser.new_page(locale="en-US")
        view.set_default_timeout(PATIENCE_S * 1000)
        view.goto(f"http://{SITE}:{port}/data")
        view.locator(".cx-verdict").wait_for()
        # The database goes and comes again: told on the page, and then as before.
        postgres.stop()
        try:
            view.goto(f"http://{SITE}:{port}/data?lang=en")
            view.get_by_text("cannot be read").first.wait_for()
        finally:
            postgres.start()
        view.goto(f"http://{SITE}:{port}/data")
        view.locator(".cx-verdict").wait_for()
        assert view.get_by_text("cannot be read").count() == 0
        browser.close()


def test_a_reader_stays_with_one_process_and_moves_when_it_ends(
    compose: Mapping[str, Any], tmp_path: Path
) -> None:
    hosts = ["127.0.0.1", "127.0.0.2"]
    one = HTTPServer(hosts[0], 0)
    one.start()
    other = HTTPServer(hosts[1], one.port)
    other.start()
    for server in (one, other):
        server.expect_request("/").respond_with_data(server.host)
    try:
        with proxied(compose, one.url_for("/"), tmp_path, hosts=hosts) as port:
            came = [ask(port, "/") for _ in range(30)]
            readers = {body.decode(): answer.headers["Set-Cookie"] for answer, body in came}
            assert set(readers) == set(hosts)
            for host, cookie in readers.items():
                kept = cookie.split(";")[0]
                assert {ask(port, "/", Cookie=kept)[1].decode() for _ in range(5)} == {host}
            other.stop()
            hosts.pop()  # as of a container that ended
            answer, body = ask(port, "/", Cookie=readers[other.host].split(";")[0])
            assert body.decode() == one.host
            assert answer.headers["Set-Cookie"] == readers[one.host]
    finally:
        for server in (one, other):
            if server.is_running():
                server.stop()


def test_an_upload_too_large_is_refused(
    compose: Mapping[str, Any], httpserver: HTTPServer, tmp_path: Path
) -> None:
    taken: list[int] = []

    def take(request: Request) -> Response:
        taken.append(len(request.get_data()))
        return Response("taken")

    httpserver.expect_request("/up", method="PUT").respond_with_handler(take)
    with proxied(compose, httpserver.url_for("/"), tmp_path) as port:
        assert ask(port, "/up", "PUT", b"x" * (60 << 20))[1] == b"taken"
        assert ask(port, "/up", "PUT", b"x" * (70 << 20))[0].status in (413, 502)
    assert taken == [60 << 20]
    httpserver.clear()  # a request cut short is an error there, rightly


def test_by_https_cookies_are_kept_to_https(
    compose: Mapping[str, Any], httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request("/").respond_with_data(
        "hello", headers={"Set-Cookie": "_streamlit_user=x; HttpOnly; SameSite=lax"}
    )
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE  # its own authority
    with proxied(compose, httpserver.url_for("/"), tmp_path, tls=True) as port:
        con = HTTPConnection("127.0.0.1", port)
        con.sock = _greeted(port, trusting)
        con.request("GET", "/", headers={"Host": f"{SITE}:{port}"})
        answer = con.getresponse()
        assert answer.read() == b"hello"
        con.close()
    cookies = answer.headers.get_all("Set-Cookie")
    assert len(cookies) == 2  # the app's, and which app it was
    assert all(cookie.endswith("; Secure") for cookie in cookies)
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
