"""Who comes in and who may write, asked of a real provider by a real browser."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from streamlit.testing.v1 import AppTest

from corridors.risk import desk
from corridors.risk.alert import Alert, to_record
from corridors.ui import who
from corridors.ui.data import model as data
from corridors.ui.data import reports
from corridors.ui.warnings import answers, start
from corridors.ui.warnings import model as warnings
from corridors.ui.who import Person, Rules, judged
from corridors.ui.words import word
from layers.errors import CorridorsError, UsageError
from layers.store import Store
from tests.oidc import EDITOR, READER, Provider, providing
from tests.serving import PATIENCE_S, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 4, 23, 6, tzinfo=UTC)
RULES = Rules(editors=("ann@ministry.example", "group:desk"), readers=("*@ministry.example",))
ANN = {"is_logged_in": True, "iat": NOW.timestamp(), **EDITOR}
SETTINGS = '[corridors]\neditors = ["ann@ministry.example"]\nreaders = ["*@ministry.example"]'


def warned(folder: Path, make_warning: Callable[..., Alert]) -> Store:
    """Return a store in a folder, with a warning that holds."""
    found, now = Store(folder / "store.duckdb"), datetime.now(UTC)
    alert = make_warning(sent=now, expires=now + timedelta(days=1))
    days = {"chokepoint:hormuz": f"{now:%Y-%m-%d}"}
    run: dict[str, object] = {"at": now.isoformat(), "vintage": "", "counts": {}, "standings": []}
    run |= {"judged": [{"importers": ["CHN"], "days": days}]}
    found.append([("alert", now, to_record(alert)), ("run", now, run)])
    return found


# ---- by the claims


@pytest.mark.parametrize(
    ("claims", "found"),
    [
        ({}, Person("Ann Editor <ann@ministry.example>", True)),
        ({"email": "ANN@Ministry.Example"}, Person("Ann Editor <ann@ministry.example>", True)),
        ({"email": "bo@ministry.example"}, Person("Ann Editor <bo@ministry.example>", False)),
        ({"email": "bo@ministry.example", "groups": ["desk"]}, "editor"),
        ({"email": "bo@ministry.example", "groups": "desk"}, "editor"),
        ({"email": "bo@ministry.example", "groups": [["desk"]]}, "reader"),
        ({"email": "x@elsewhere.example"}, "who_not_let_in"),
        ({"email": "x@elsewhere.example@ministry.example"}, "who_not_let_in"),
        ({"email": "ann@ministry.example\n@x"}, "who_not_let_in"),
        ({"email_verified": False}, "who_not_let_in"),
        ({"email": None, "groups": ["desk"]}, Person("Ann Editor <u-1>", True)),
        ({"is_logged_in": False}, "who_sign_in"),
        ({"iat": (NOW - timedelta(hours=13)).timestamp()}, "who_too_long"),
        ({"iat": (NOW + timedelta(hours=1)).timestamp()}, "who_too_long"),
        ({"iat": None}, "who_too_long"),
        ({"iat": True}, "who_too_long"),
    ],
)
def test_claims_decide(claims: dict[str, Any], found: Person | str) -> None:
    came = judged({**ANN, **claims}, RULES, NOW)
    if found in ("editor", "reader"):
        assert isinstance(came, Person)
        assert came.may_write == (found == "editor")
    else:
        assert came == found


@pytest.mark.parametrize("name", ["Bo <ann@ministry.example>", "Bo\nAnn", "\u202eBo", "x" * 999])
def test_nobody_signs_with_a_name_alone(name: str) -> None:
    came = judged({**ANN, "name": name, "email": "bo@ministry.example"}, RULES, NOW)
    assert isinstance(came, Person)
    assert came.name.endswith(" <bo@ministry.example>")
    assert came.name.count("@") == 1
    assert came.name.isprintable()
    assert len(came.name) <= who.MOST_NAME


def test_without_a_list_of_readers_whoever_signs_in_reads() -> None:
    stranger = {"is_logged_in": True, "iat": NOW.timestamp(), "sub": "7"}
    assert judged(stranger, Rules(), NOW) == Person("7", may_write=False)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"editor": ["a@b.example"]}, "has no 'editor'"),
        ({"editors": "a@b.example"}, "editors cannot be"),
        ({"editors": [1]}, "editors cannot be"),
        ({"hours": 0}, "hours cannot be"),
        ({"hours": True}, "hours cannot be"),
        ({"groups": ""}, "groups cannot be"),
        ("everybody", "is no table"),
    ],
)
def test_wrong_rules_are_told(table: object, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Rules.of(table)


def test_the_example_of_the_readme_is_in_order() -> None:
    pytest.importorskip("authlib", reason="Authlib is not installed: corridors[team]")
    (text,) = re.findall(
        r"```toml\n(\[auth\].*?)```", (ROOT / "README.md").read_text("utf-8"), re.S
    )
    told = tomllib.loads(text)
    with pytest.raises(UsageError, match="cookie_secret is shorter"):  # a secret is not given away
        who._providers(told["auth"])
    assert who._providers({**told["auth"], "cookie_secret": "x" * who.SHORTEST_SECRET}) == [""]
    rules = Rules.of(told["corridors"])
    person = judged(ANN, rules, NOW)
    assert isinstance(person, Person)
    assert person.may_write


# ---- below the buttons


def as_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(who, "person", lambda: Person("Rolf <rolf@ministry.example>", False))


def as_reader_who_presses_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a reader press what is kept from them, as if a button had been forgotten."""
    as_reader(monkeypatch)
    for module in (who, answers, reports, start):
        monkeypatch.setattr(module, "may_write", lambda: True)


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(f"corridors/ui/pages/{page}.py")
    return app.run()


def said(app: AppTest) -> str:
    assert not app.exception
    return " ".join(element.proto.body for element in app.get("html"))


@pytest.fixture
def own_store(
    tmp_path: Path, make_warning: Callable[..., Alert], monkeypatch: pytest.MonkeyPatch
) -> Store:
    store = warned(tmp_path, make_warning)
    monkeypatch.setenv("CORRIDORS_STORE", store.place)
    return store


@pytest.mark.parametrize("form", ["w_ack_form", "w_feedback_form", "w_review_form"])
def test_a_reader_who_presses_all_the_same_signs_nothing(
    form: str, own_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = own_store.changed()
    as_reader_who_presses_all(monkeypatch)
    app = opened("warnings")
    next(button for button in app.button if form in str(button.key)).click().run()
    assert word("who_reader_only", "en") in said(app)
    assert own_store.changed() == before


def test_a_reader_who_presses_all_the_same_asks_no_feed(
    own_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = own_store.changed()
    monkeypatch.setattr(data, "ask", lambda *_, **__: pytest.fail("a feed was asked"))
    as_reader_who_presses_all(monkeypatch)
    app = opened("data")
    app.button(key="d_refresh").click().run()
    assert word("who_reader_only", "en") in said(app)
    assert own_store.changed() == before


def test_a_reader_who_presses_all_the_same_changes_no_reports(
    own_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "reports.csv"
    monkeypatch.setenv("CORRIDORS_REPORTS", str(file))
    as_reader_who_presses_all(monkeypatch)
    app = opened("data", part="reports")
    app.button(key="d_save").click().run()
    assert word("who_reader_only", "en") in said(app)
    assert not file.exists()


@pytest.mark.parametrize(
    ("page", "keys"),
    [
        ("warnings", ["w_ack_form", "w_feedback_form", "w_review_form", "w_run_now"]),
        ("data", ["d_refresh"]),
    ],
)
@pytest.mark.usefixtures("own_store")
def test_a_reader_is_offered_no_deed(
    page: str, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    as_reader(monkeypatch)
    app = opened(page)
    found = {key: [b.disabled for b in app.button if key in str(b.key)] for key in keys}
    assert found == {key: [True] for key in keys}


def test_a_reader_runs_no_monitor(own_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    as_reader(monkeypatch)
    before = own_store.changed()
    with pytest.raises(CorridorsError, match="only editors may write"):
        warnings.run(warnings.stamp(own_store), ["CHN"], lambda _: None)
    assert own_store.changed() == before


def test_who_signed_in_too_long_ago_is_told_so_at_a_deed(
    own_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(who, "person", lambda: "who_too_long")
    with pytest.raises(CorridorsError, match="too long ago"):
        who.store_to_write(own_store.place)


def test_a_store_opened_to_be_read_refuses_every_write(own_store: Store) -> None:
    reading = Store(own_store.place, only_reads=True)
    (alert,) = desk.alerts_of(reading)
    before = own_store.changed()
    with pytest.raises(CorridorsError, match="opened to be read"):
        desk.acknowledge(reading, alert, "embassy", now=NOW)
    with pytest.raises(CorridorsError, match="opened to be read"):
        reading.prune(timedelta(), now=NOW)
    assert own_store.changed() == before


def test_the_app_opens_the_store_to_write_in_one_place_only() -> None:
    """Who sits there is asked there, so nothing that writes can forget to ask."""
    home = ROOT / "corridors" / "ui" / "who.py"
    calls = [
        (file, node)
        for file in [ROOT / "app.py", *(ROOT / "corridors" / "ui").rglob("*.py")]
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Store"
    ]
    assert [file for file, _ in calls].count(home) == 1
    assert [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file, node in calls
        if file != home and "only_reads=True" not in map(ast.unparse, node.keywords)
    ] == []


# ---- set up wrongly


AUTH = {
    "redirect_uri": "https://corridors.example/oauth2callback",
    "cookie_secret": "x" * who.SHORTEST_SECRET,
    "client_id": "x",
    "client_secret": "x",
    "server_metadata_url": "https://provider.example/.well-known/openid-configuration",
}


@pytest.mark.parametrize(
    ("secrets", "why"),
    [
        ({"auth": {**AUTH, "cookie_secret": ""}}, "[auth] lacks cookie_secret"),
        ({"auth": {**AUTH, "cookie_secret": "short"}}, "cookie_secret is shorter"),
        ({"auth": {**AUTH, "client_id": "", "client_secret": ""}}, "lacks client_id, client_sec"),
        ({"auth": {**AUTH, "entra": {"client_id": "x"}}}, "[auth.entra] lacks client_secret"),
        ({"auth": "yes"}, "[auth] is no table"),
        ({"auth": {}}, "[auth] lacks redirect_uri, cookie_secret"),
    ],
)
@pytest.mark.usefixtures("own_store")
def test_sign_in_set_up_wrongly_lets_nobody_in(secrets: dict[str, Any], why: str) -> None:
    pytest.importorskip("authlib", reason="Authlib is not installed: corridors[team]")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    app.secrets = secrets
    app.run()
    assert word("who_set_up_wrong", "en") in said(app)
    assert why in said(app)
    assert not app.button


@pytest.mark.browser
@pytest.mark.parametrize(("name", "text"), [("x.toml", "[auth"), ("secret", "[auth]")])
@pytest.mark.usefixtures("own_store")
def test_secrets_that_cannot_be_read_let_nobody_in(
    name: str, text: str, tmp_path: Path, chromium: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_text(text)
    monkeypatch.setenv("STREAMLIT_SECRETS_FILES", str(tmp_path / name))
    with (
        serving(tmp_path / "s.duckdb", tmp_path / "log.txt", program="streamlit") as address,
        browsing(chromium) as page,
    ):
        page.goto(address)
        page.get_by_text("or no file whose name ends in .toml").wait_for()
        assert page.get_by_role("link", name="Warnings").count() == 0


@pytest.mark.usefixtures("own_store")
def test_where_sign_in_is_required_its_lack_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(who.REQUIRED, "required")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S).run()
    assert "the secrets have no [auth]" in said(app)


@pytest.mark.usefixtures("own_store")
def test_sign_in_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(who, "find_spec", lambda _: None)
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    app.secrets = {"auth": AUTH}
    assert "corridors[team]" in said(app.run())


# ---- in a browser


APP = "http://127.0.0.1:{port}"  # filled in by Streamlit
PAGES = ("", "exposure", "whatif", "warnings", "data")


@dataclass(frozen=True)
class SignIn:
    """The app for those whom a provider knows, its store with a warning that holds, and its log."""

    address: str
    provider: Provider
    store: Store
    log: Path


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, make_warning: Callable[..., Alert]
) -> Iterator[SignIn]:
    from pytest_httpserver import HTTPServer

    folder = tmp_path_factory.mktemp("sign_in")
    store = warned(folder, make_warning)
    secrets, log = folder / "secrets.toml", folder / "log.txt"
    with (
        HTTPServer(host="127.0.0.1", threaded=True) as server,
        providing(server) as provider,
        pytest.MonkeyPatch.context() as patch,
    ):
        secrets.write_text(provider.secrets(APP, SETTINGS))
        patch.setenv("STREAMLIT_SECRETS_FILES", str(secrets))
        with serving(Path(store.place), log) as address:
            yield SignIn(address, provider, store, log)


@pytest.fixture
def app(served: SignIn) -> SignIn:
    """Return what is served, with a provider that does nothing wrong."""
    told = served.provider
    told.person, told.token, told.forged = dict(EDITOR), {}, False
    return served


@contextmanager
def browsing(chromium: str) -> Iterator[Page]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": 1280, "height": 1400}, locale="en-US")
        page.set_default_timeout(PATIENCE_S * 1000)
        yield page
        browser.close()


def sign_in(page: Page, address: str) -> None:
    """Press the button, and come back from the provider."""
    page.goto(address)
    with page.expect_navigation(url=f"{address}/", wait_until="commit"):
        page.get_by_role("button", name="Sign in with your organisation").click()


def sees_nothing(page: Page, address: str, path: str = "") -> None:
    page.goto(f"{address}/{path}")
    page.get_by_text(word("who_sign_in", "en")).wait_for()
    assert page.get_by_role("link", name="Warnings").count() == 0
    assert page.locator(".cx-verdict").count() == 0


@pytest.mark.browser
def test_who_signs_in_reads_and_an_editor_signs(chromium: str, app: SignIn) -> None:
    with browsing(chromium) as page:
        for path in PAGES:
            sees_nothing(page, app.address, path)
        app.provider.person = READER
        sign_in(page, app.address)
        page.get_by_text("Rolf Reader <rolf@ministry.example> · reader").wait_for()
        page.goto(f"{app.address}/warnings")
        button = page.get_by_role("button", name=word("w_ack_button", "en"))
        button.wait_for()
        assert button.is_disabled()
        page.get_by_role("button", name="Sign out").click()
        page.get_by_text(word("who_sign_in", "en")).wait_for()
    assert app.store.log(["acknowledgement"]).empty
    with browsing(chromium) as page:
        app.provider.person = EDITOR
        sign_in(page, app.address)
        page.goto(f"{app.address}/warnings")
        page.get_by_text("Signed as Ann Editor <ann@ministry.example>").first.wait_for()
        page.get_by_role("button", name=word("w_ack_button", "en")).click()
        page.get_by_text(word("w_written", "en")).wait_for()
        forged = [
            {**cookie, "value": cookie["value"][:-6] + "abcdef"}
            for cookie in page.context.cookies()
            if cookie["name"].startswith("_streamlit_user")
        ]
        assert forged
        page.context.add_cookies(forged)
        sees_nothing(page, app.address, "warnings")
    (record,) = app.store.log(["acknowledgement"])["record"]
    assert record["who"] == "Ann Editor <ann@ministry.example>"


@pytest.mark.browser
def test_a_token_that_is_not_in_order_lets_nobody_in(chromium: str, app: SignIn) -> None:
    wrong: list[dict[str, Any]] = [
        {"aud": "another app"},
        {"exp": int(datetime.now(UTC).timestamp()) - 600},
        {"iss": "https://elsewhere.example"},
        {"nonce": "of another sign-in"},
    ]
    provider = app.provider
    with browsing(chromium) as page:
        for tried, token in enumerate([*wrong, {}], 1):
            provider.token, provider.forged = token, not token
            sign_in(page, app.address)
            sees_nothing(page, app.address)
            assert app.log.read_text().count("OAuth token exchange failed") == tried
        provider.forged = False
        sign_in(page, app.address)
        page.get_by_text("Ann Editor <ann@ministry.example> · editor").wait_for()
        os.truncate(app.log, 0)  # what was refused stands there with a traceback, rightly


@pytest.mark.browser
def test_who_is_on_no_list_sees_nothing(chromium: str, app: SignIn) -> None:
    with browsing(chromium) as page:
        for person, word_key in (
            ({**READER, "email": "x@elsewhere.example"}, "who_not_let_in"),
            ({**EDITOR, "email_verified": False}, "who_not_let_in"),
        ):
            app.provider.person = person
            sign_in(page, app.address)
            page.get_by_text(word(word_key, "en")).wait_for()
            assert page.get_by_role("link", name="Warnings").count() == 0
        app.provider.person = {**EDITOR, "iat": int(datetime.now(UTC).timestamp()) - 13 * 3600}
        sign_in(page, app.address)
        page.get_by_text(word("who_too_long", "en")).wait_for()
