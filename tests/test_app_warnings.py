"""The warnings page: what it says of the log, of an empty one, and what it writes into it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from corridors.risk.alert import Alert, Impact, Level, Message, to_record
from corridors.risk.bulletin import surrounded
from corridors.risk.desk import LastRun
from corridors.risk.drill import Drill
from corridors.risk.levels import Reason
from corridors.risk.monitor import Told
from corridors.ui.warnings import answers, drill, entry, model, replay, start, timeline
from corridors.ui.warnings import levels as warnings_levels
from corridors.ui.warnings import record as warnings_record
from corridors.ui.warnings.levels import Cell
from corridors.ui.warnings.model import Log
from corridors.ui.words import word
from layers.errors import CorridorsError
from layers.store import Store
from layers.world import World, records
from tests.serving import PATIENCE_S, serving, watched

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
    monkeypatch.setattr(model, "now", lambda: NOW)
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
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
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
    text = re.sub(r"<[^>]+>", " ", text)
    return " ".join(f"{text} {' '.join(told(grids(app)))}".split())


def grids(app: AppTest) -> list[Any]:
    """Return what the tables whose cells can be pressed show."""
    return [json.loads(element.proto.json) for element in app.get("bidi_component")]


def told(data: Any) -> Iterator[str]:
    """Yield every text of such a table but for its colours and the names of its parts."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        for part in data:
            yield from told(part)
    elif isinstance(data, dict):
        for name, part in data.items():
            if name not in ("paper", "ink", "pick"):
                yield from told(part)


def log_of(*alerts: Alert, at: datetime | None = NOW, **judged: datetime) -> Log:
    """Return a log whose last run judged one element for each importer, up to a day."""
    days = {i: {"x": day_of(day)} for i, day in judged.items()}
    return Log(alerts, last=LastRun({}, days, at))


def day_of(at: datetime) -> pd.Timestamp:
    return pd.Timestamp(at.date())


def button(app: AppTest, key: str) -> Any:
    """Return the button of that key, or of a form that begins with it."""
    return next(b for b in app.button if str(b.key).find(key) >= 0)


# ---- what stands


def test_states_are_told_apart(make_warning: MakeWarning) -> None:
    alert = make_warning()
    clear = make_warning(level=Level.none, previous=Level.red, message=Message.cancel)
    held = make_warning(held=True)
    late = NOW + timedelta(days=2)
    assert model.state_of(alert, NOW) == "in_force"
    assert model.state_of(held, NOW) == "held"
    assert model.state_of(alert, late) == "expired"
    assert model.state_of(clear, NOW) == "clear"
    assert model.state_of(alert, NOW, last=False) == "replaced"


def test_matrix_of_a_country_has_commodities_and_of_a_group_importers(
    world: World, make_warning: MakeWarning
) -> None:
    alerts = (
        make_warning(),
        make_warning(id="W-2", thread="W-2", commodity="lng", level=Level.blue),
        make_warning(id="W-3", thread="W-3", importer="IND", level=Level.orange),
    )
    days = {"chokepoint:hormuz": day_of(NOW), "chokepoint:suez": day_of(NOW)}
    log = Log(alerts, last=LastRun({}, {"CHN": days, "IND": days}, NOW))
    china = warnings_levels.matrix(world, log, "CHN", NOW)
    assert china.by == "commodity"
    assert china.columns == ("chokepoint:hormuz", "chokepoint:suez")
    assert china.cells["crude_oil", "chokepoint:hormuz"].alert == alerts[0]
    assert china.cells["wheat", "chokepoint:hormuz"] == Cell("calm")
    assert not set(china.absent) & set(china.rows)
    whole = warnings_levels.matrix(world, log, "WLD", NOW)
    assert (whole.by, whole.rows) == ("importer", ("CHN", "IND"))


def test_calm_old_unused_and_not_judged_are_four_things(
    world: World, make_warning: MakeWarning
) -> None:
    days = {"chokepoint:suez": day_of(NOW), "chokepoint:panama": day_of(NOW - timedelta(days=60))}
    log = Log((make_warning(),), last=LastRun({}, {"CHN": days}, NOW))
    passing = {
        ("wheat", "chokepoint:suez"): 0.3,
        ("wheat", "chokepoint:panama"): 0.2,
        ("crude_oil", "chokepoint:hormuz"): 0.4,
        ("wheat", "chokepoint:hormuz"): 0.1,
        ("wheat", "chokepoint:sunda"): 0.5,
    }
    found = warnings_levels.matrix(world, log, "CHN", NOW, passing)
    assert found.columns == ("chokepoint:hormuz", "chokepoint:suez", "chokepoint:panama")
    state = {place: cell.state for place, cell in found.cells.items()}
    assert state["crude_oil", "chokepoint:hormuz"] == "in_force"
    assert state["wheat", "chokepoint:suez"] == "calm"
    assert state["wheat", "chokepoint:panama"] == "stale"
    assert state["crude_oil", "chokepoint:suez"] == "unused"
    assert state["wheat", "chokepoint:hormuz"] == "unjudged"
    assert found.unjudged == ("chokepoint:sunda",)


def test_overview_has_every_importer_judged_the_gravest_first(
    world: World, make_warning: MakeWarning
) -> None:
    alerts = (
        make_warning(level=Level.blue),
        make_warning(id="W-3", thread="W-3", importer="IND", level=Level.red),
        make_warning(id="W-4", thread="W-4", importer="IND", commodity="lng", level=Level.blue),
    )
    days = {"chokepoint:hormuz": day_of(NOW), "chokepoint:suez": day_of(NOW)}
    log = Log(alerts, last=LastRun({}, {"CHN": days, "IND": days, "JPN": days}, NOW))
    found = warnings_levels.overview(world, log, NOW)
    assert found.rows == ("IND", "CHN", "JPN")
    assert found.cells["IND", "chokepoint:hormuz"] == Cell("in_force", alerts[1], others=1)
    assert found.columns == ("chokepoint:hormuz",)
    assert found.cells["JPN", "chokepoint:hormuz"] == Cell("calm")


def test_what_was_long_ago_leaves_the_matrix(world: World, make_warning: MakeWarning) -> None:
    log = log_of(make_warning(), CHN=NOW)
    soon = warnings_levels.matrix(world, log, "CHN", NOW + timedelta(days=3))
    assert soon.cells["crude_oil", "chokepoint:hormuz"].state == "expired"
    late = NOW + timedelta(days=40)
    last_known = warnings_levels.matrix(world, log, "CHN", late)
    assert last_known.cells["crude_oil", "chokepoint:hormuz"].state == "expired"
    run_since = log_of(make_warning(), at=late, CHN=late)
    assert warnings_levels.matrix(world, run_since, "CHN", late).columns == ()


@pytest.mark.parametrize(
    ("log", "state"),
    [
        (Log(), "never"),
        (log_of(IND=NOW), "elsewhere"),
        (Log(last=LastRun({}, {"CHN": {}}, NOW)), "blind"),
        (log_of(CHN=NOW), "fine"),
        (log_of(at=NOW - timedelta(days=3), CHN=NOW), "late"),
        (log_of(CHN=NOW - timedelta(days=20)), "old"),
    ],
)
def test_how_far_levels_can_be_believed(world: World, log: Log, state: str) -> None:
    assert model.watch_of(world, log, "CHN", NOW).state == state


def test_not_known_is_no_zero(make_warning: MakeWarning) -> None:
    alert = make_warning()
    nothing = Impact(**{**vars(alert.impact), "cover_days": float("nan"), "short_t": 0.0})
    rows = dict(entry.impact(replace(alert, impact=nothing), "en"))
    assert rows["Stocks cover"] == "not known"
    assert rows["Short in 30 days"] == "0 t"
    assert model.chance(float("nan"), "zh") == "不详"
    assert model.chance(0.9998, "en") == "> 99 %"


def test_a_stretch_at_a_level_ends_with_the_next_entry(
    world: World, make_warning: MakeWarning
) -> None:
    first = make_warning()
    later = first.sent + timedelta(hours=6)
    second = make_warning(
        id="W-2", sent=later, level=Level.orange, previous=Level.red, message=Message.update
    )
    found = timeline.spans(world, [first, second], NOW, "en", group=False)
    assert list(found["level"]) == ["red", "orange"]
    assert found["to"].iloc[0] == later


def test_evidence_is_put_into_chinese_but_for_reports(make_warning: MakeWarning) -> None:
    found = entry.evidence(make_warning(), NOW, "zh")
    assert "同期常值89艘次" in found["text"].iloc[0]
    assert found["text"].iloc[1] == "The firm's own news."
    assert list(found["visibility"])[1:] == ["仅限本单位内部", "仅限指定收件人"]


def test_vintage_and_reason_have_words(make_warning: MakeWarning) -> None:
    alert = make_warning(
        vintage="traffic 2026-04-20; declared closed 2026-04-01", reason=Reason.agreed
    )
    assert entry.vintage(alert, "zh") == "通行数据2026-04-20；对外宣布关闭2026-04-01"
    assert "two kinds of evidence" in model.reason(alert, "en")


def test_a_run_goes_on_with_those_it_was_for(world: World) -> None:
    log = Log(last=LastRun({}, {"IND": {}}, NOW))
    assert model.importers_to_run(world, log, "CHN") == ["CHN", "IND"]
    assert len(model.importers_to_run(world, Log(), "EU27")) > 20


def test_crises_need_their_traffic(world: World) -> None:
    assert replay.crises(world, pd.DataFrame({"element": [], "day": [], "judged": []})) == {}
    days = pd.date_range("2021-01-01", "2021-06-30")
    held = pd.DataFrame({"element": "chokepoint:suez", "day": days, "judged": True})
    found = replay.crises(world, held)
    assert "suez_2021_ever_given" in found
    assert "hormuz_2026_closure" not in found
    assert replay.LATEST in found


# ---- the page


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_never_run_is_no_all_clear(lang: str) -> None:
    app = opened(lang=lang)
    text = plain(app)
    assert word("w_never", lang) in text
    assert word("w_never_do", lang) in text
    assert word("w_reference", lang) in text
    assert button(app, "w_run_now")


def test_an_empty_store_has_steps_to_take_and_what_can_be_had_meanwhile(world: World) -> None:
    app = opened()
    text = plain(app)
    assert [word(f"w_step_{n}", "en") in text for n in ("fill", "run", "read")] == [True] * 3
    (link,) = app.get("page_link")
    assert link.proto.page.endswith("data")
    assert [tab.label for tab in app.tabs] == ["Scorecard", "Replay", "Drill"]
    # The record that ships is there before anything was ever warned of.
    assert "our level orange or above" in text
    assert "Closure of the Strait of Hormuz" in text
    assert len(warnings_record.briers(world)) == 12
    button(app, "w_step_drill").click().run()
    assert "Exercise. Made up for training" in plain(app)


def test_a_store_with_traffic_is_told_from_an_empty_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert start.traffic_to(model.stamp(Store(None))) is None
    held = pd.Timestamp("2026-04-20", tz=UTC)
    monkeypatch.setattr(start, "traffic_to", lambda _: held)
    text = plain(opened())
    assert "The store holds daily traffic to 2026-04-20" in text
    assert "without traffic only declarations" not in text


def test_reliability_of_the_record_is_read_back_from_its_rows(world: World) -> None:
    rows = {"said": 0.05, "came": 0.1, "days": 12}
    table = pd.DataFrame(
        [
            {"rule": "probability_14d", "measure": f"{part}_3_to_10_pct_held_out_element"}
            | {"value": value}
            for part, value in rows.items()
        ]
    )
    (row,) = records(warnings_record.bins(replace(world, warning_results=table)))
    assert row == {
        **{"horizon_d": 14, "least": 0.03, "most": 0.1, "n": 12},
        **{"mean_p": 0.05, "happened_share": 0.1},
    }


def test_levels_stand_in_words_and_signs(
    logged: Callable[..., Store], make_warning: MakeWarning
) -> None:
    logged(make_warning(), make_warning(id="W-2", thread="W-2", commodity="lng", held=True))
    app = opened()
    text = plain(app)
    assert "China: reference level red for crude oil through Strait of Hormuz; 1 more" in text
    assert "●●●● red" in text
    assert "held on old data" in text
    heads = [name for name, _ in grids(app)[0]["heads"]]
    assert heads[:2] == ["Strait of Hormuz", "Suez Canal"]
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
    app = opened(lang="zh")
    # What others wrote is quoted as they wrote it.
    others = r'<span class="cx-told">.*?</span>|<style>.*?</style>'
    html = re.sub(others, " ", written(app), flags=re.DOTALL)
    own = " ".join([re.sub(r"<[^>]+>", " ", html).split("陆地：")[0], *told(grids(app))])
    found = set(re.findall(r"[A-Za-z]{2,}", own))
    assert found <= {"HHI", "PortWatch", "IMF"}


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


def test_a_review_is_written_and_told(
    logged: Callable[..., Store], make_warning: MakeWarning
) -> None:
    store = logged(make_warning())
    app = opened()
    app.selectbox(key="w_review_decision").set_value("rebase")
    app.text_input(key="w_review_who").set_value("analyst")
    button(app, "w_review_form").click().run()
    (record,) = store.log(["review"])["record"]
    assert (record["element"], record["decision"]) == ("chokepoint:hormuz", "rebase")
    assert (record["day"], record["who"]) == ("2026-04-23", "analyst")
    log = model.read(model.stamp(store))
    (said,) = answers.answers(log, make_warning(), "en")["said"]
    assert said == "reviewed: baseline begun anew from 2026-04-23"


def test_there_is_nothing_to_review_without_an_alarm(
    logged: Callable[..., Store], make_warning: MakeWarning
) -> None:
    logged(make_warning(status=replace(make_warning().status, alarm="")))
    app = opened()
    assert "Review the baseline" not in plain(app)
    assert button(app, "w_ack_form")


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
    monkeypatch.setattr(model, "around", lambda mark, id: around)
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
    monkeypatch.setattr(model, "around", lambda mark, id: around)
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

    monkeypatch.setattr(model, "engine", lambda: None)
    monkeypatch.setattr(model, "run", run)
    logged()
    app = opened(importer="JPN")
    button(app, "w_run_now").click().run()
    assert asked == [["CHN", "IND", "JPN"]]
    assert "The monitor ran: 0 new entries." in plain(app)
    assert "Traffic of 1 elements is old" in plain(app)


def test_a_run_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object) -> Told:
        raise CorridorsError(f"the log is locked {HOSTILE}")

    monkeypatch.setattr(model, "engine", lambda: None)
    monkeypatch.setattr(model, "run", run)
    app = opened()
    button(app, "w_run_now").click().run()
    assert "the log is locked &lt;img" in written(app)


def test_scorecard_of_nothing_and_of_little(
    logged: Callable[..., Store], make_warning: MakeWarning
) -> None:
    assert "Nothing of our own to score yet" in plain(opened("card"))
    logged(make_warning())
    assert "too few to tell skill from luck" in plain(opened("card"))


def test_replay_without_traffic_says_what_to_load(logged: Callable[..., Store]) -> None:
    logged()
    text = plain(opened("replay"))
    assert "The store holds no year of traffic" in text
    assert "under “Scorecard”" in text


def test_timeline_has_a_table(logged: Callable[..., Store], make_warning: MakeWarning) -> None:
    logged(make_warning())
    app = opened("timeline")
    assert not app.exception
    assert len(app.dataframe) == 1
    assert len(app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")) == 1


@pytest.fixture
def played(make_warning: MakeWarning, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every drill be played at once: two commodities go red together."""
    columns = ["at", "day", "inject", "element", "importer", "commodity", "level"]
    columns += ["text_en", "text_zh", "readers"]
    rows = [
        (NOW, 1, "level", "chokepoint:hormuz", "CHN", c, "red", "up", "上调", "embassy")
        for c in ("crude_oil", "lng")
    ]
    alert = make_warning(exercise=True, scenario="test")
    found = Drill(pd.DataFrame(rows, columns=columns), [alert, replace(alert, previous=Level.red)])
    around = surrounded("chokepoint:hormuz", world)
    monkeypatch.setattr(drill, "_engine", lambda *_: nullcontext())
    monkeypatch.setattr(drill, "disturb", lambda *_: None)
    monkeypatch.setattr(drill, "drill", lambda *_, **__: found)
    monkeypatch.setattr(drill.desk, "around", lambda *_: around)


@pytest.mark.usefixtures("played")
def test_a_drill_is_marked_and_tells_alike_things_once() -> None:
    app = opened("drill")
    assert "Exercise. Made up for training" in plain(app)
    button(app, "w_drill_now").click().run()
    text = plain(app)
    assert "Day 1 · 2026-04-23" in text
    assert re.search(r"China · Crude oil[,;]? Liquefied natural gas · up", text)


@pytest.mark.usefixtures("played")
@pytest.mark.parametrize(("lang", "mark"), [("en", "EXERCISE"), ("zh", "演习")])
def test_a_drill_has_bulletins_marked_as_an_exercise(lang: str, mark: str) -> None:
    app = opened("drill", lang=lang)
    button(app, "w_drill_now").click().run()
    assert not app.exception
    assert len(app.selectbox(key="w_drill_entry").options) == 1
    (frame,) = app.get("iframe")
    assert mark in str(frame.proto.srcdoc)
    assert not Store(None).path.exists()


# ---- in a browser


@pytest.fixture
def page(chromium: str, streamlit_server: str) -> Iterator[Page]:
    """Yield the page in a watched browser."""
    with watched(chromium, streamlit_server, 1100, 700) as view:
        view.goto(f"{streamlit_server}/warnings")
        yield view


@pytest.mark.browser
def test_page_opens_in_both_languages_and_its_parts_open(page: Page) -> None:
    page.locator(".cx-verdict", has_text="China").wait_for()
    page.get_by_role("tab", name="Drill").click()
    page.locator(".cx-exercise", has_text="Exercise").wait_for()
    page.get_by_text("中文", exact=True).click()
    page.locator(".cx-verdict", has_text="中国").wait_for()
    page.locator(".cx-exercise", has_text="演习").wait_for()
    page.wait_for_function("location.search.includes('part=drill')")


@pytest.mark.browser
def test_a_level_opens_its_entry_by_mouse_and_by_key(
    chromium: str, tmp_path: Path, logged: Callable[..., Store], make_warning: MakeWarning
) -> None:
    store = logged(
        make_warning(),
        make_warning(id="W-2", thread="W-2", commodity="lng", level=Level.blue),
        make_warning(id="W-3", thread="W-3", importer="IND", level=Level.orange),
    )
    playwright = pytest.importorskip("playwright.sync_api")
    with (
        serving(store.path, tmp_path / "app.log", at=NOW) as address,
        playwright.sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium)
        view = browser.new_page(viewport={"width": 1100, "height": 700}, locale="en-US")
        view.set_default_timeout(PATIENCE_S * 1000)
        view.goto(f"{address}/warnings?part=timeline")
        levels = view.get_by_role("region", name="Levels of China")
        levels.get_by_role("button", name="blue · Liquefied natural gas").click()
        view.locator("[data-opened='W-2']").wait_for()
        view.wait_for_function("document.activeElement.dataset.opened === 'W-2'")
        view.wait_for_function("location.search.includes('entry=W-2')")
        levels.get_by_role("button", name="red · Crude oil").focus()
        view.keyboard.press("Enter")
        view.wait_for_function("document.activeElement.dataset.opened === 'W-1'")
        # Another importer's level opens its entry under that importer.
        everyone = view.get_by_role("region", name="All importers")
        everyone.get_by_role("button", name="orange · India").click()
        view.wait_for_function("document.activeElement.dataset.opened === 'W-3'")
        view.locator(".cx-verdict", has_text="India").wait_for()
        browser.close()
