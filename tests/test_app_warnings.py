"""The warnings page: what it says of the log, of an empty one, and what it writes into it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from corridors.risk.alert import Alert, Impact, Level, Message, to_record
from corridors.risk.bulletin import surrounded
from corridors.risk.drill import Drill
from corridors.risk.levels import Reason
from corridors.risk.monitor import Told
from corridors.ui import warnings
from corridors.ui.warnings import Log
from corridors.ui.words import word
from layers.errors import CorridorsError
from layers.store import Store
from layers.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
PAGE = "corridors/ui/pages/warnings.py"
NOW = datetime(2026, 4, 23, 6, tzinfo=UTC)
MakeWarning = Callable[..., Alert]
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Return a store of this test's own, at a moment of its own."""
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "log.duckdb"))
    monkeypatch.setattr(warnings, "now", lambda: NOW)
    return Store(None)


@pytest.fixture
def logged(store: Store) -> Callable[..., Store]:
    """Return what writes entries and one run of the monitor into the store."""

    def write(*alerts: Alert, judged: str = "2026-04-20") -> Store:
        run: dict[str, object] = {
            "at": NOW.isoformat(),
            "vintage": "traffic 2026-04-20",
            "counts": {},
        }
        days = {"chokepoint:hormuz": judged, "chokepoint:suez": judged}
        run |= {"judged": [{"importers": ["CHN", "IND"], "days": days}], "standings": []}
        entries = [("alert", alert.sent, to_record(alert)) for alert in alerts]
        store.append([*entries, ("run", NOW, run)])
        return store

    return write


def opened(tab: str = "", **query: str) -> AppTest:
    """Return the page as it stands for a reader who follows a link to it."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for key, value in query.items():
        app.query_params[key] = value
    if tab:
        app.query_params["part"] = tab
    # The first page is the map; it is not asked about here.
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


def button(app: AppTest, key: str) -> Any:
    """Return the button of that key, or of a form that begins with it."""
    return next(b for b in app.button if str(b.key).find(key) >= 0)


# ---- what stands


def test_states_are_told_apart(make_warning: MakeWarning) -> None:
    alert = make_warning()
    clear = make_warning(level=Level.none, previous=Level.red, message=Message.cancel)
    held = make_warning(held=True)
    late = NOW + timedelta(days=2)
    assert warnings.state_of(alert, NOW) == "in_force"
    assert warnings.state_of(held, NOW) == "held"
    assert warnings.state_of(alert, late) == "expired"
    assert warnings.state_of(clear, NOW) == "clear"
    assert warnings.state_of(alert, NOW, last=False) == "replaced"


def test_matrix_of_a_country_has_commodities_and_of_a_group_importers(
    world: World, make_warning: MakeWarning
) -> None:
    alerts = (
        make_warning(),
        make_warning(id="W-2", thread="W-2", commodity="lng", level=Level.blue),
        make_warning(id="W-3", thread="W-3", importer="IND", level=Level.orange),
    )
    days = {"chokepoint:hormuz": NOW.date(), "chokepoint:suez": NOW.date()}
    log = Log(alerts, run_at=NOW, judged={"CHN": days, "IND": days})
    china = warnings.matrix(world, log, "CHN", NOW)
    assert china.by == "commodity"
    assert china.columns == ("chokepoint:hormuz",)
    assert china.cells["crude_oil", "chokepoint:hormuz"].alert == alerts[0]
    assert china.cells["wheat", "chokepoint:hormuz"] == warnings.Cell("quiet")
    assert china.calm == ("chokepoint:suez",)
    assert not set(china.absent) & set(china.rows)
    whole = warnings.matrix(world, log, "WLD", NOW)
    assert (whole.by, whole.rows) == ("importer", ("CHN", "IND"))


def test_what_was_long_ago_leaves_the_matrix(world: World, make_warning: MakeWarning) -> None:
    log = Log((make_warning(),), run_at=NOW, judged={"CHN": {}})
    soon = warnings.matrix(world, log, "CHN", NOW + timedelta(days=3))
    assert soon.cells["crude_oil", "chokepoint:hormuz"].state == "expired"
    assert warnings.matrix(world, log, "CHN", NOW + timedelta(days=40)).columns == ()


@pytest.mark.parametrize(
    ("log", "state"),
    [
        (Log(), "never"),
        (Log(run_at=NOW, judged={"IND": {"x": NOW.date()}}), "elsewhere"),
        (Log(run_at=NOW, judged={"CHN": {}}), "blind"),
        (Log(run_at=NOW, judged={"CHN": {"x": NOW.date()}}), "fine"),
        (Log(run_at=NOW - timedelta(days=3), judged={"CHN": {"x": NOW.date()}}), "late"),
        (Log(run_at=NOW, judged={"CHN": {"x": NOW.date() - timedelta(days=20)}}), "old"),
    ],
)
def test_how_far_levels_can_be_believed(world: World, log: Log, state: str) -> None:
    assert warnings.watch_of(world, log, "CHN", NOW).state == state


def test_not_known_is_no_zero(make_warning: MakeWarning) -> None:
    alert = make_warning()
    nothing = Impact(**{**vars(alert.impact), "cover_days": float("nan"), "short_t": 0.0})
    rows = dict(warnings.impact(replace(alert, impact=nothing), "en"))
    assert rows["Stocks cover"] == "not known"
    assert rows["Short in 30 days"] == "0 t"
    assert warnings.chance(float("nan"), "zh") == "不详"
    assert warnings.chance(0.9998, "en") == "> 99 %"


def test_a_stretch_at_a_level_ends_with_the_next_entry(
    world: World, make_warning: MakeWarning
) -> None:
    first = make_warning()
    later = first.sent + timedelta(hours=6)
    second = make_warning(
        id="W-2", sent=later, level=Level.orange, previous=Level.red, message=Message.update
    )
    found = warnings.spans(world, [first, second], NOW, "en", group=False)
    assert list(found["level"]) == ["red", "orange"]
    assert found["to"].iloc[0] == later


def test_evidence_is_put_into_chinese_but_for_reports(make_warning: MakeWarning) -> None:
    found = warnings.evidence(make_warning(), NOW, "zh")
    assert "同期常值89艘次" in found["text"].iloc[0]
    assert found["text"].iloc[1] == "The firm's own news."
    assert list(found["visibility"])[1:] == ["仅限本单位内部", "仅限指定收件人"]


def test_vintage_and_reason_have_words(make_warning: MakeWarning) -> None:
    alert = make_warning(
        vintage="traffic 2026-04-20; declared closed 2026-04-01", reason=Reason.agreed
    )
    assert warnings.vintage(alert, "zh") == "通行数据2026-04-20；对外宣布关闭2026-04-01"
    assert "two kinds of evidence" in warnings.reason(alert, "en")


def test_a_run_goes_on_with_those_it_was_for(world: World) -> None:
    log = Log(run_at=NOW, judged={"IND": {}})
    assert warnings.importers_to_run(world, log, "CHN") == ["CHN", "IND"]
    assert len(warnings.importers_to_run(world, Log(), "EU27")) > 20


def test_crises_need_their_traffic(world: World) -> None:
    assert warnings.crises(world, pd.DataFrame({"element": [], "day": [], "judged": []})) == {}
    days = pd.date_range("2021-01-01", "2021-06-30")
    held = pd.DataFrame({"element": "chokepoint:suez", "day": days, "judged": True})
    found = warnings.crises(world, held)
    assert "suez_2021_ever_given" in found
    assert "hormuz_2026_closure" not in found
    assert warnings.LATEST in found


# ---- the page


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_never_run_is_no_all_clear(lang: str) -> None:
    app = opened(lang=lang)
    text = plain(app)
    assert word("w_never", lang) in text
    assert word("w_never_do", lang) in text
    assert word("w_reference", lang) in text
    assert button(app, "w_run_now")


def test_levels_stand_in_words_and_signs(
    logged: Callable[..., Store], make_warning: MakeWarning
) -> None:
    logged(make_warning(), make_warning(id="W-2", thread="W-2", commodity="lng", held=True))
    app = opened()
    text = plain(app)
    assert "China: reference level red for crude oil through Strait of Hormuz; 1 more" in text
    assert "●●●● red" in text
    assert "held on old data" in text
    assert "Watched and without a level: Suez Canal" in text
    assert "8 ships a day" in text
    assert "coast state" in text


def test_another_importer_was_not_watched(
    logged: Callable[..., Store], make_warning: MakeWarning
) -> None:
    logged(make_warning())
    text = plain(opened(importer="JPN"))
    assert "The last run did not look at Japan" in text
    assert "red for" not in text


def test_old_traffic_says_so(logged: Callable[..., Store], make_warning: MakeWarning) -> None:
    logged(make_warning(), judged="2026-03-20")
    assert "Traffic is 34 days old" in plain(opened())


def test_a_log_that_cannot_be_read_says_so(store: Store) -> None:
    store.append([("run", NOW, {"at": NOW.isoformat(), "vintage": "", "counts": {}})])
    assert "The warning log can't be read." in plain(opened()).replace("&#x27;", "'")


def test_text_of_others_is_text(logged: Callable[..., Store], make_warning: MakeWarning) -> None:
    alert = make_warning()
    status = replace(alert.status, declared_by=HOSTILE)
    logged(make_warning(status=status, vintage=HOSTILE, reason=HOSTILE))
    html = written(opened())
    assert "<img" not in html
    assert "&lt;img src=x" in html


def test_chinese_page_has_no_english(
    logged: Callable[..., Store], make_warning: MakeWarning
) -> None:
    logged(
        make_warning(reason=Reason.agreed, status=replace(make_warning().status, declared_by=""))
    )
    text = plain(opened(lang="zh"))
    own = text.split("陆地：")[0].split("运输走廊风险敞口")[1]
    assert set(re.findall(r"[A-Za-z]{2,}", own)) <= {"HHI", "PortWatch", "IMF"}


def test_an_acknowledgement_is_written(
    logged: Callable[..., Store], make_warning: MakeWarning
) -> None:
    store = logged(make_warning())
    app = opened()
    app.text_input(key="w_ack_who").set_value("duty officer")
    button(app, "w_ack_form").click().run()
    (record,) = store.log(["acknowledgement"])["record"]
    assert (record["alert"], record["who"]) == ("W-1", "duty officer")
    assert "Written into the log." in plain(app)


def test_feedback_is_written(logged: Callable[..., Store], make_warning: MakeWarning) -> None:
    store = logged(make_warning())
    app = opened()
    app.selectbox(key="w_feedback_verdict").set_value("late")
    button(app, "w_feedback_form").click().run()
    (record,) = store.log(["feedback"])["record"]
    assert record["verdict"] == "late"


def test_a_link_opens_an_entry(logged: Callable[..., Store], make_warning: MakeWarning) -> None:
    logged(make_warning(), make_warning(id="W-2", thread="W-2", commodity="lng"))
    app = opened(entry="W-2")
    assert app.selectbox(key="entry").value == "W-2"
    assert not opened(entry="none such").exception


def test_bulletin_is_shown_and_can_be_had_in_six_formats(
    logged: Callable[..., Store],
    make_warning: MakeWarning,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged(make_warning())
    around = surrounded("chokepoint:hormuz", world)
    monkeypatch.setattr(warnings, "around", lambda mark, id: around)
    app = opened("bulletin")
    assert not app.exception
    (frame,) = app.get("iframe")
    assert "analytical reference, not an official warning" in str(frame.proto)
    assert "A guard" not in str(frame.proto)
    assert len([d for d in app.get("download_button")]) == 6


def test_bulletin_is_not_for_every_audience(
    logged: Callable[..., Store],
    make_warning: MakeWarning,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged(make_warning(visibility="private"))
    around = surrounded("chokepoint:hormuz", world)
    monkeypatch.setattr(warnings, "around", lambda mark, id: around)
    app = opened("bulletin")
    assert "not for that audience" in plain(app)
    assert not app.get("iframe")


def test_a_run_tells_what_came_of_it(
    logged: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def run(mark: object, importers: list[str], said: Callable[[str], None]) -> Told:
        said("chokepoint:hormuz")
        asked.append(importers)
        return Told([], {}, ("chokepoint:hormuz",))

    monkeypatch.setattr(warnings, "engine", lambda: None)
    monkeypatch.setattr(warnings, "run", run)
    logged()
    app = opened(importer="JPN")
    button(app, "w_run_now").click().run()
    assert asked == [["CHN", "IND", "JPN"]]
    assert "The monitor ran: 0 new entries." in plain(app)
    assert "Traffic of 1 elements is old" in plain(app)


def test_a_run_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> Told:
        raise CorridorsError(f"the log is locked {HOSTILE}")

    monkeypatch.setattr(warnings, "engine", lambda: None)
    monkeypatch.setattr(warnings, "run", run)
    app = opened()
    button(app, "w_run_now").click().run()
    assert "the log is locked &lt;img" in written(app)


def test_scorecard_of_nothing_and_of_little(
    logged: Callable[..., Store], make_warning: MakeWarning
) -> None:
    assert "Nothing to score yet" in plain(opened("card"))
    logged(make_warning())
    assert "too few to tell skill from luck" in plain(opened("card"))


def test_replay_without_traffic_shows_the_record(logged: Callable[..., Store]) -> None:
    logged()
    text = plain(opened("replay"))
    assert "The store holds no year of traffic" in text
    assert "our level orange or above" in text
    assert "Closure of the Strait of Hormuz" in text


def test_timeline_has_a_table(logged: Callable[..., Store], make_warning: MakeWarning) -> None:
    logged(make_warning())
    app = opened("timeline")
    assert not app.exception
    assert len(app.dataframe) == 1
    assert len(app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")) == 1


def test_a_drill_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = ["at", "day", "inject", "element", "importer", "commodity", "level"]
    columns += ["text_en", "text_zh", "readers"]
    row = (NOW, 1, "level", "chokepoint:hormuz", "CHN", "crude_oil", "red", "up", "上调", "embassy")
    played = Drill(pd.DataFrame([row], columns=columns), [])
    monkeypatch.setattr(warnings, "engine", lambda: None)
    monkeypatch.setattr("corridors.whatif.answer.disturb", lambda engine, scenario: None)
    monkeypatch.setattr("corridors.risk.drill.drill", lambda *_, **__: played)
    app = opened("drill")
    assert "Exercise. Made up for training" in plain(app)
    button(app, "w_drill_now").click().run()
    assert "Day 1 · 2026-04-23" in plain(app)
    assert "China · Crude oil · up" in plain(app)


# ---- in a browser


@pytest.fixture
def page(chromium: str, streamlit_server: str) -> Iterator[Page]:
    """Yield the page in a browser; fail on any error of a script or request leaving the server."""
    playwright = pytest.importorskip("playwright.sync_api")
    own = (streamlit_server, streamlit_server.replace("http", "ws"), "data:", "blob:")
    wrong: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        view = browser.new_page(viewport={"width": 1100, "height": 700}, locale="en-US")
        view.set_default_timeout(45_000)
        view.on("request", lambda r: None if r.url.startswith(own) else wrong.append(r.url))
        view.on("pageerror", lambda error: wrong.append(str(error)))
        view.goto(f"{streamlit_server}/warnings")
        yield view
        browser.close()
    assert not wrong


@pytest.mark.browser
def test_page_opens_in_both_languages_and_its_parts_open(page: Page) -> None:
    page.locator(".cx-verdict", has_text="China").wait_for()
    page.get_by_role("tab", name="Drill").click()
    page.locator(".cx-exercise", has_text="Exercise").wait_for()
    page.get_by_text("中文", exact=True).click()
    page.locator(".cx-verdict", has_text="中国").wait_for()
    page.locator(".cx-exercise", has_text="演习").wait_for()
    assert "part=drill" in page.url
