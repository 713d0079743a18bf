"""The page of feeds and data: states, refreshing, own reports, imports, assumptions, methods."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from corridors.ui.answer import Question
from corridors.ui.data import model, own
from corridors.ui.words import word
from layers import refresh as asking
from layers.client import FetchError
from layers.errors import CorridorsError, FeedError, UnknownIdError
from layers.refresh import Status
from layers.source import Answer, feeds
from layers.store import State, Store
from layers.tables import QUALITIES, TABLES
from layers.world import World
from tests.serving import PATIENCE_S, watched

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
PAGE = "corridors/ui/pages/data.py"
NOW = datetime(2026, 4, 23, 6, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)>"
REPORT = {
    "time": "2026-04-20",
    "what": "Two tankers turned back",
    "kind": "security_incident",
    "severity": "3",
    "reporter_type": "embassy",
    "visibility": "private",
    "element": "chokepoint:hormuz",
}


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a store of this test's own, with no key set and no network to ask."""
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "feeds.duckdb"))
    for feed in feeds().values():
        for name in feed.source.needs:
            monkeypatch.delenv(name, raising=False)
    real = asking.refresh

    def refresh(*arguments: Any, **options: Any) -> list[Status]:
        return real(*arguments, **{**options, "ask": unreachable, "workers": 1})

    monkeypatch.setattr(asking, "refresh", refresh)
    return Store(None)


def unreachable(source: Any, **options: Any) -> list[Answer]:
    """Answer for files of this machine alone."""
    if source.id != "local_reports":
        raise FetchError(source.id, "connect", f"no connection {HOSTILE}")
    path = Path(options["environment"]["CORRIDORS_REPORTS"])
    return [Answer(f"file:{path.name}", path.read_bytes(), model.now())]


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of the reader's own reports, which does not exist yet."""
    path = tmp_path / "reports.csv"
    monkeypatch.setenv("CORRIDORS_REPORTS", str(path))
    return path


def opened(tab: str = "", **query: str) -> AppTest:
    """Return the page as it stands for a reader who follows a link to it."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        app.query_params[key] = value
    if tab:
        app.query_params["part"] = tab
    app.switch_page(PAGE)
    return app.run()


def written(app: AppTest) -> str:
    """Return all that the page wrote as HTML."""
    assert not app.exception
    return "\n".join(element.proto.body for element in app.get("html"))


def plain(app: AppTest) -> str:
    """Return the words of the page, without marks and styles."""
    text = re.sub(r"<style>.*?</style>", " ", written(app), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def committed(store: Store, feed: str, **facts: object) -> None:
    """Note an attempt on a feed."""
    usual: dict[str, object] = {"last_attempt_at": NOW, "last_success_at": NOW, "n_records": 3}
    usual |= {"content_as_of": NOW, "next_due_at": NOW + timedelta(days=1)}
    store.commit(feed, lambda _: State(feed, **{**usual, **facts}))  # type: ignore[arg-type]


# ---- feeds


def test_each_state_has_a_word_a_sign_and_a_colour() -> None:
    from corridors.ui.marks import STATES

    assert set(STATES) == set(model.STATES)
    assert len({mark.sign for mark in STATES.values()}) == len(STATES)
    for state in model.STATES:
        assert word(f"d_mean_{state}", "zh")


def test_every_feed_and_table_has_a_chinese_name(world: World) -> None:
    for feed in feeds().values():
        assert model.title(feed.source, "zh") == word(f"d_feed_{feed.source.id}", "zh")
    assert set(model.qualities(world, "zh")["file"]) <= {f"{t}.csv" for t in TABLES}


def test_rows_put_what_needs_a_look_first(store: Store) -> None:
    committed(store, "usgs_earthquakes")
    committed(store, "gdacs_events", last_success_at=None, fault="http_503", consecutive_failures=1)
    found = model.rows(store, NOW + timedelta(hours=1))
    assert (found[0].source.id, found[0].state) == ("gdacs_events", "failed")
    assert model.fault(found[0], "zh") == ("服务器返回503", "http_503")
    assert {row.state for row in found} == {"failed", "live", "never", "off"}
    off = next(row for row in found if row.source.id == "acled_events")
    assert model.fault(off, "en") == ("needs ACLED_TOKEN, which is not set", "")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_nothing_asked_yet(lang: str) -> None:
    text = plain(opened(lang=lang))
    assert word("d_verdict_never", lang) in text
    assert word("d_mean_never", lang) in text


def test_a_refresh_without_a_network_is_told_row_by_row() -> None:
    app = opened()
    app.button(key="d_refresh").click().run()
    text = plain(app)
    assert "15 feeds asked: 0 understood, 15 failed." in text
    assert "this computer is probably offline" in text
    assert text.count("no connection: are you online?") == 15
    assert "<img" not in written(app)


def test_an_old_copy_stays_when_a_refresh_fails(store: Store) -> None:
    committed(store, "usgs_earthquakes", next_due_at=NOW)
    app = opened()
    app.button(key="d_refresh").click().run()
    assert store.state("usgs_earthquakes").n_records == 3
    assert store.state("usgs_earthquakes").last_success_at == NOW


def test_a_refresh_that_cannot_write_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def refresh(*_: object, **__: object) -> list[Status]:
        raise CorridorsError("the disk is full")

    monkeypatch.setattr(asking, "refresh", refresh)
    app = opened()
    app.button(key="d_refresh").click().run()
    assert "the disk is full" in plain(app)


def test_chinese_page_of_feeds_has_no_english(store: Store) -> None:
    committed(store, "gdacs_events", last_success_at=None, fault="http_503", consecutive_failures=1)
    html = re.sub(r'<small lang="en">.*?</small>', "", written(opened(lang="zh")))
    html = re.sub(r"<(style|script)>.*?</\1>", " ", html, flags=re.DOTALL)
    own = re.sub(r"<[^>]+>", " ", html).split("陆地：")[0]
    left = set(re.findall(r"[A-Za-z]{2,}", own))
    names = {
        "GDACS",
        "ACLED",
        "CAP",
        "EIA",
        "GeoRSS",
        "GEORSS",
        "Atom",
        "GeoJSON",
        "NGA",
        "NHC",
        "OFAC",
    }
    names |= {"PortWatch", "UCDP", "USGS", "API", "KEY", "TOKEN", "CORRIDORS", "URLS", "REPORTS"}
    assert left <= names | {"UTC"}


# ---- own reports


def test_where_reports_are() -> None:
    assert own.place({}).kind == "unset"
    assert own.place({"CORRIDORS_REPORTS": "https://x.example/r.csv"}).kind == "address"
    assert own.place({"CORRIDORS_REPORTS": "/somewhere/r.geojson"}).kind == "geojson"
    assert own.place({"CORRIDORS_REPORTS": "/somewhere/r.csv"}).path == Path("/somewhere/r.csv")


def test_faults_name_row_and_column() -> None:
    wrong = pd.DataFrame([REPORT, {**REPORT, "kind": "gossip", "time": ""}])
    found = own.checked(wrong, "r.csv")
    assert {(f.row, f.column) for f in found} == {(3, "time"), (3, "kind")}
    assert {own.told(f, "zh") for f in found} >= {"必填，不能为空"}
    assert any("security_incident" in own.told(f, "zh") for f in found)
    assert own.checked(pd.DataFrame([REPORT]), "r.csv") == []


def test_a_report_file_is_read_and_joined_by_id() -> None:
    old = own.tidy(pd.DataFrame([{**REPORT, "id": "1"}, REPORT]))
    new = own.table_of(own.body_of(pd.DataFrame([{**REPORT, "id": "1", "what": "newer"}])))
    found = own.merged(old, new)
    assert sorted(found["what"]) == ["Two tankers turned back", "newer"]


def test_a_geojson_of_points_is_read() -> None:
    body = b"""{"type": "FeatureCollection", "features": [{"type": "Feature",
        "geometry": {"type": "Point", "coordinates": [56.5, 26.5]},
        "properties": {"what": "a mine", "severity": 4}}]}"""
    (row,) = own.table_of(body).to_dict("records")
    assert (row["lon"], row["lat"], row["severity"]) == ("56.5", "26.5", "4")
    with pytest.raises(FeedError, match="neither a CSV nor"):
        own.table_of(b"{}")


def test_unset_reports_say_how_to_set_them() -> None:
    assert "Set CORRIDORS_REPORTS to the path of a CSV" in plain(opened("reports"))


def test_reports_are_saved_and_taken_in(reports: Path, store: Store) -> None:
    reports.write_bytes(own.body_of(pd.DataFrame([{**REPORT, "what": HOSTILE + " seen"}])))
    app = opened("reports")
    app.button(key="d_save").click().run()
    assert "Saved, and taken in: 1 reports." in plain(app)
    assert "<img" not in written(app)
    assert len(own.own_reports(store)) == 1
    assert own.load(reports)["kind"].tolist() == ["security_incident"]


def test_reports_with_faults_are_not_saved(reports: Path, store: Store) -> None:
    before = own.body_of(pd.DataFrame([{**REPORT, "severity": "9"}]))
    reports.write_bytes(before)
    app = opened("reports")
    app.button(key="d_save").click().run()
    text = plain(app)
    assert "Not saved: mend these cells first." in text
    assert "Severity 0–4" in text
    assert reports.read_bytes() == before
    assert own.own_reports(store).empty


def test_a_file_that_cannot_be_written_stays(
    reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(path: Path, content: bytes) -> None:
        raise CorridorsError(f"can't write {path.name}: disk full")

    reports.write_bytes(own.body_of(pd.DataFrame([REPORT])))
    monkeypatch.setattr(own, "write", write)
    app = opened("reports")
    app.button(key="d_save").click().run()
    assert "disk full" in plain(app)


def portal_file() -> bytes:
    """Return a file of the portal with one row."""
    from layers.portwatch_file import COLUMNS

    row = dict.fromkeys(COLUMNS, "1") | {"portid": "chokepoint6", "year": "2026"}
    return (",".join(COLUMNS) + "\n" + ",".join(row[c] for c in COLUMNS) + "\n").encode()


@pytest.mark.parametrize(
    "name", ["..", "../../etc/passwd", "", "\0", "\ud800", "数" * 300, "a" * 300 + ".csv", "con:"]
)
def test_no_name_of_a_file_leads_anywhere(name: str, store: Store) -> None:
    assert model.history(store, name, portal_file(), NOW.date(), False).rows == 1
    (url,) = store.answers()["url"]
    assert url.startswith("file:portal-")
    assert not set("/\\\0") & set(url)


def test_history_is_loaded_with_the_day_of_its_download(store: Store) -> None:
    found = model.history(store, "portal.csv", portal_file(), NOW.date(), False)
    assert (found.rows, found.days.added) == (1, 1)
    assert store.observations()["retrieved_at"].dt.date.unique().tolist() == [
        (NOW + timedelta(days=1)).date()
    ]
    with pytest.raises(CorridorsError):
        model.history(store, "portal.csv", b"nothing\n", NOW.date(), False)


# ---- assumptions, quality, methods


def test_every_assumption_bears_on_something(world: World) -> None:
    names = set(world.assumptions["assumption"])
    assert set(model.ROUTING) <= names
    assert {model.used_in(n) for n in names} == {"exposure", "risk", "warnings", "whatif"}


def test_a_changed_world_leaves_the_first_alone(world: World) -> None:
    other = model.changed(world, "logit_theta", 1.0)
    assert (other.assumption("logit_theta"), world.assumption("logit_theta")) == (1.0, 3.0)
    with pytest.raises(UnknownIdError):
        model.changed(world, "no_such", 1.0)


def test_an_assumption_moves_exposure(world: World) -> None:
    question = Question("CHN", "crude_oil")
    low, high = world.assumption_range("logit_theta")
    parts = {
        "low": model.effect(world.digest, question, "logit_theta", low),
        "central": model.effect(world.digest, question, "logit_theta", 3.0),
        "high": model.effect(world.digest, question, "logit_theta", high),
    }
    found = model.compared(parts, "share")
    assert found.loc["chokepoint:malacca", "low"] < found.loc["chokepoint:malacca", "high"]
    spread = found.max(axis=1) - found.min(axis=1)
    assert spread.iloc[0] == spread.max()


@pytest.mark.parametrize("name", ["threat_half_life_d_conflict", "unmet_penalty_usd_t"])
def test_assumptions_say_what_they_do(name: str) -> None:
    app = opened("assumptions", assumption=name)
    assert app.selectbox(key="assumption").value == name
    text = plain(app)
    assert "What it does" in text
    assert "Threat now" in text if name.startswith("threat") else "what-ifs alone" in text


def test_quality_counts_every_row(world: World) -> None:
    found = model.qualities(world, "en").set_index("file")
    assert found.loc["flows.csv", "rows"] == len(world.flows)
    assert (found[list(QUALITIES)].sum(axis=1) == found["rows"]).all()
    app = opened("quality")
    assert not app.exception
    assert len(app.dataframe) == 1


def test_sources_of_tables_and_feeds() -> None:
    app = opened("sources", lang="zh")
    assert not app.exception
    assert len(app.dataframe) == 2


def test_methods_come_from_the_modules() -> None:
    found = {m.module: m for m in model.methods()}
    assert "P_r = exp" in found["corridors.assignment"].formulas
    assert set(found) == set(model.MODULES)
    for module in model.MODULES:
        assert word(f"d_method_{module.replace('.', '_')}", "zh")
    assert len(opened("methods").expander) == len(found)


def test_choices_of_other_pages_are_held() -> None:
    app = opened(importer="IND", commodity="lng")
    app.switch_page("corridors/ui/pages/exposure.py").run()
    app.selectbox(key="importer").set_value("JPN").run()
    app.switch_page(PAGE).run()
    app.switch_page("corridors/ui/pages/exposure.py").run()
    assert app.selectbox(key="importer").value == "JPN"


# ---- in a browser


@pytest.fixture
def page(chromium: str, streamlit_server: str) -> Iterator[Page]:
    """Yield the page in a watched browser."""
    with watched(chromium, streamlit_server, 1100, 700) as view:
        view.goto(f"{streamlit_server}/data")
        yield view


@pytest.mark.browser
def test_page_opens_in_both_languages_and_an_assumption_shows_its_effect(page: Page) -> None:
    page.locator(".cx-grid", has_text="Earthquakes of the week").wait_for()
    page.get_by_role("tab", name="Assumptions").click()
    page.locator(".cx-grid", has_text="Strait of Malacca").first.wait_for()
    page.get_by_text("中文", exact=True).click()
    page.locator(".cx-grid", has_text="马六甲海峡").first.wait_for()
    page.get_by_role("tab", name="质量").click()
    page.locator("[data-testid=stVegaLiteChart]").wait_for()
