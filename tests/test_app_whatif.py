from __future__ import annotations

import io
import json
import re
import string
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from corridors.network import Network
from corridors.ui import colours, shared
from corridors.ui.answer import Question
from corridors.ui.map import component
from corridors.ui.whatif import builder, charts, closer, files, map, model, say
from corridors.ui.whatif import lanes as whatif_lanes
from corridors.ui.whatif import link as links
from corridors.ui.words.whatif import WHATIF
from corridors.whatif.scenario import Drawn, Known, Rule, Scenario, make_scenario
from corridors.whatif.scenario_file import to_toml
from layers.errors import DataError
from tests.serving import PATIENCE_S, settled, watched

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from layers.world import World

ROOT = Path(__file__).resolve().parent.parent
PAGE = "corridors/ui/pages/whatif.py"
CHINA = Question("CHN", "crude_oil")
HORMUZ = "chokepoint:hormuz"


@pytest.fixture(scope="module")
def ids() -> Known:
    return model.library()[0]


@pytest.fixture(scope="module")
def library() -> dict[str, Scenario]:
    return model.library()[1]


@pytest.fixture(scope="module")
def ask(world: World, library: dict[str, Scenario]) -> model.Asked:
    return model.asked(world.digest, CHINA, library["hormuz_full"])


def opened(**query: str | list[str]) -> AppTest:
    """Return the page as it stands after a first visit with this link."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(PAGE)
    return app.run()


def written(app: AppTest) -> str:
    assert not app.exception
    return "\n".join(element.proto.body for element in app.get("html"))


def verdict(app: AppTest) -> str:
    found = re.search(r'<p class="cx-verdict"[^>]*>(.*?)</p>', written(app))
    assert found is not None
    return found.group(1)


def slider(app: AppTest, key: str) -> Any:
    return app.slider(key=f"wi{app.session_state['wi_gen']}_{key}")


def sent(app: AppTest) -> dict[str, list[str]]:
    """Return the address the page wrote, as a browser would send it."""
    found = {k: app.query_params[k] for k in links.KEYS if k in app.query_params}
    return {k: v if isinstance(v, list) else [v] for k, v in found.items()}


# ---- the scenario as an address


def test_every_scenario_of_the_library_comes_back_from_its_address(
    ids: Known, library: dict[str, Scenario]
) -> None:
    for name, scenario in library.items():
        draft = links.draft_of(scenario)
        query = links.written(draft, library)
        assert query == {"scenario": [name]}
        assert links.read(query, library, ids) == draft


def test_a_changed_scenario_comes_back_with_every_number(
    ids: Known, library: dict[str, Scenario]
) -> None:
    for name, scenario in library.items():
        changed = replace(links.draft_of(scenario), duration_d=33.25, recovery_d=4)
        query = links.written(changed, library)
        back = links.read(query, library, ids)
        assert back is not None
        assert back.made() == changed.made()
        assert back.made().name_en != scenario.name_en or name == "own"


def test_what_is_drawn_and_whom_a_rule_is_for_come_back(ids: Known) -> None:
    shape = Drawn("drill ~ area", ((119.0, 24.0), (120.5, 24.0), (119.5, 25.0)), area=True)
    rules = [
        Rule("drawn:drill   area", lost=0.3),
        Rule("chokepoint:panama", max_draft_m=13.41, ships=("vlcc",)),
        Rule("origin:SAU", lost=1 / 3, commodities=("crude_oil",)),
        Rule(HORMUZ, war_risk_pct=0.3, toll_usd_t=2.0, delay_d=1.5),
    ]
    rules[0] = replace(rules[0], element="drawn:drill   area")
    made = make_scenario(
        "own", rules=rules, drawn=[replace(shape, name="drill   area")], recovery_d=7
    )
    query = links.written(links.draft_of(made), {})
    back = links.read(query, {}, ids)
    assert back is not None
    assert links.core(back.made()) == links.core(made)


def test_nothing_closed_has_an_address_of_its_own(ids: Known, library: dict[str, Scenario]) -> None:
    assert links.written(links.empty(), library) == {"scenario": ["none"]}
    assert links.read({"scenario": ["none"]}, library, ids) == links.empty()
    assert links.read({}, library, ids) is None


@pytest.mark.parametrize(
    "query",
    [
        {"scenario": ["../../etc/passwd"]},
        {"close": ["chokepoint:nope"]},
        {"close": ["<img src=x onerror=alert(1)>"]},
        {"rule": [f"{HORMUZ}~l7"]},
        {"rule": [f"{HORMUZ}~lnan"]},
        {"rule": [f"{HORMUZ}~l1e999"]},
        {"rule": [f"{HORMUZ}~x1"]},
        {"rule": [f"{HORMUZ}~l1~sno_such_ship"]},
        {"rule": [f"{HORMUZ}~l1", f"{HORMUZ}~l0.5"]},
        {"rule": ["drawn:nothing~l1"]},
        {"rule": [f"{HORMUZ}~l1"] * 500},
        {"rule": ["x" * 30_000]},
        {"days": ["-1"]},
        {"days": ["9" * 4000]},
        {"start": ["tomorrow"]},
        {"set": ["no_switch~x"]},
        {"area": ["a~1~2~3"]},
        {"line": ["a~1~2~999~4"]},
        {"open": [HORMUZ], "rule": [f"{HORMUZ}~l1"]},
    ],
)
def test_a_hostile_address_is_refused(
    ids: Known, library: dict[str, Scenario], query: dict[str, list[str]]
) -> None:
    with pytest.raises(links.LinkError) as caught:
        links.read(query, library, ids)
    assert len(caught.value.piece) <= 60


def test_rows_that_contradict_each_other_have_no_scenario() -> None:
    rows = (Rule(HORMUZ, lost=1.0), Rule(HORMUZ, lost=0.5, ships=("vlcc",)))
    with pytest.raises(Exception, match="closed"):
        replace(links.empty(), rows=rows).made()


# ---- a scenario file


def test_a_file_saved_is_taken_back(library: dict[str, Scenario]) -> None:
    for scenario in library.values():
        taken = builder.taken("mine.toml", to_toml(scenario).encode())
        assert replace(taken.made(), name=scenario.name) == scenario


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\x00", b"[[close]]\nelement = 'chokepoint:nope'\n", b"x = ", b"a." * 300 + b"b=1"],
)
def test_a_bad_file_is_one_error(content: bytes) -> None:
    with pytest.raises(DataError) as caught:
        builder.taken("bad.toml", content)
    assert caught.value.faults


def test_a_note_is_read_in_its_language(library: dict[str, Scenario]) -> None:
    note = library["hormuz_full"].note
    assert "20.9 mb/d" in builder.note_in(note, "en")
    assert builder.note_in(note, "zh").startswith("演习")
    assert builder.note_in("only this", "zh") == "only this"


# ---- words


def test_each_sentence_has_the_same_braces_in_both_languages() -> None:
    def braces(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for key, (en, zh) in WHATIF.items():
        assert en, key
        assert zh, key
        assert braces(en) == braces(zh), key


def row(**more: Any) -> dict[str, Any]:
    """Return a row of the summary: 100 Mt that arrive as before, unless said otherwise."""
    nothing = {"rerouted_t": 0.0, "unmet_t": 0.0, "infeasible_t": 0.0, "added_days": np.nan}
    stocks = {"unmet_after_stock_t": 0.0, "first_short_day": None, "first_short": "no gap"}
    late = {"delivered_added_usd_t": 0.0, "delivered_added_days": 0.0}
    cover = {"gap_cover_days": np.nan, "gap_cover": "no gap"}
    return {"baseline_t": 1e8, "delivered_t": 1e8, **nothing, **stocks, **late, **cover, **more}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (row(), "as before."),
        (row(rerouted_t=5e7, added_days=3.4), "50 % of it another way, 3.4 days longer."),
        (row(delivered_added_usd_t=1.5), "1.5 USD/t more."),
        (row(delivered_added_days=2.0), "2.0 days later."),
        (row(unmet_t=2e7, first_short_day=19.0), "20 % of the crude oil"),
        (row(unmet_t=2e7, first_short_day=19.0), "short from day 19 on."),
        (row(unmet_t=2e7, first_short="never within 300 days"), "stocks would make up for it."),
        (
            row(unmet_t=2e7, first_short="never within 300 days (draw limit not known)"),
            "if they can be drawn fast enough.",
        ),
        (row(infeasible_t=2e7, unmet_after_stock_t=np.nan), "its stocks are not known."),
    ],
)
def test_verdict_says_what_the_figures_say(world: World, given: dict[str, Any], said: str) -> None:
    assert said in say.verdict(world, CHINA, given, "en")
    assert not re.search(r"[A-Za-z]", say.verdict(world, CHINA, given, "zh"))


def test_cover_that_is_not_known_is_no_number() -> None:
    assert say.cover(row(gap_cover="not known"), "en") == "not known"
    assert say.cover(row(gap_cover="more than 365 days"), "en") == "over a year"
    assert say.cover(row(), "en") == "no lasting loss"
    assert say.cover(row(gap_cover_days=41.6, gap_cover="41.6 days"), "zh") == "42天"


def test_a_scenario_of_ones_own_is_named_after_what_it_does(world: World) -> None:
    rules = [Rule(HORMUZ, lost=1.0), Rule("chokepoint:suez", lost=0.5), Rule("origin:IRN", lost=1)]
    made = make_scenario("own", rules=rules)
    assert say.title(world, made, "en") == "Strait of Hormuz closed, Suez Canal −50 % and 1 more"
    assert say.title(world, links.empty().made(), "zh") == "未关闭任何通道"


# ---- answers, charts, files


def test_outcomes_add_up_to_usual_imports(ask: model.Asked) -> None:
    found = model.figures(ask)
    assert found is not None
    steps = model.steps(found)
    assert steps[0][0] == "baseline"
    assert sum(t for _, t, _, _ in steps[1:]) == pytest.approx(steps[0][1])
    assert all(low <= t <= high for _, t, low, high in steps[1:])


def test_words_of_a_scenario_change_no_answer(world: World, ask: model.Asked) -> None:
    other = make_scenario("mine", name_en="x", rules=[Rule(HORMUZ, lost=1.0)], duration_d=90)
    assert model.asked(world.digest, CHINA, other) == ask


def test_who_imports_nothing_has_no_figures(world: World, library: dict[str, Scenario]) -> None:
    nobody = Question("BTN", "lng")
    assert model.figures(model.asked(world.digest, nobody, library["hormuz_full"])) is None


def test_passages_in_order_of_travel_give_the_length_of_the_way(
    ask: model.Asked, network: Network
) -> None:
    from corridors.whatif.summary import by_route

    group = model.group_of(ask)
    assert group is not None
    table = by_route(model.answer(ask), [group])
    table = table[(table["load"] != "") & (table["by"] == "")].head(200)
    for way in table.itertuples():
        order = whatif_lanes.in_order(network, way.load, way.land, way.passages.split())
        exits, cost = network.rows([way.load]), np.zeros(1)
        for passage in order:
            exits, cost = whatif_lanes._crossed(network, exits, cost, passage)
        km = (cost + network.leg_km[exits, network.rows([way.land])[0]]).min()
        assert km == pytest.approx(way.km, rel=0.02)


def test_lanes_show_what_is_left_and_what_is_new(
    world: World, library: dict[str, Scenario]
) -> None:
    shut = model.asked(world.digest, CHINA, library["malacca_full"])
    lanes = model.lanes(shut)
    assert set(lanes["kind"]) == set(whatif_lanes.KINDS)
    assert (lanes.loc[lanes["kind"] == "new", "now_t"] > 0).all()
    left = lanes[lanes["kind"] == "left"]
    assert (left["now_t"] < left["calm_t"]).all()
    assert all(-180 <= lon <= 180 for path in lanes["path"] for lon, _ in path)


def test_charts_hold_their_own_data_and_fetch_nothing(ask: model.Asked, world: World) -> None:
    found = model.figures(ask)
    assert found is not None
    table = model.days(ask)
    for colour in (colours.LIGHT, colours.DARK):
        for lang in ("en", "zh"):
            specs = [
                charts.waterfall(model.steps(found), colour, lang),
                charts.daily(table, 90.0, colour, lang),
                charts.stock(table, 90.0, colour, lang),
            ]
            for spec in specs:
                text = json.dumps(spec, allow_nan=False)
                assert "http" not in text
                assert '"url"' not in text


def test_files_say_exercise_and_hold_all_tables(
    world: World, ask: model.Asked, library: dict[str, Scenario]
) -> None:
    from openpyxl import load_workbook

    from corridors.export import to_bytes

    scenario = library["hormuz_full"]
    sheet = files.sheet(ask, scenario, "summary", "whatif_x")
    csv = pd.read_csv(io.BytesIO(to_bytes(sheet, world, "csv")))
    assert csv["exercise"].str.contains("演习").all()
    assert csv["scenario_sources"].str.contains("US EIA").all()
    body = json.loads(to_bytes(sheet, world, "json"))
    assert {"days", "ways", "origins", "elements", "responses", "scenario"} <= set(body)
    assert "exercise" in body["note"]
    assert body["sources"]
    assert tomllib.loads("\n".join(line["toml"] for line in body["scenario"]))
    book = load_workbook(io.BytesIO(to_bytes(sheet, world, "xlsx")), read_only=True)
    assert {"about", "sources", "scenario"} <= set(book.sheetnames)
    for table in files.TABLES:
        one = files.sheet(ask, scenario, table, "whatif_x")
        back = pd.read_parquet(io.BytesIO(to_bytes(one, world, "parquet")))
        assert len(back) == len(one.table) > 0
        assert back["exercise"].str.contains("exercise").all()


# ---- the page


def test_first_visit_shows_an_exercise_with_its_figures() -> None:
    app = opened()
    text = written(app)
    assert "Exercise" in verdict(app)
    assert "would not arrive" in verdict(app)
    assert text.count('class="wi-kpi"') == 6
    assert sent(app) == {"scenario": ["hormuz_full"]}
    assert app.slider(key=slider(app, "0_lost").key).value == 100


def test_a_slider_changes_the_verdict_and_the_link_brings_it_back() -> None:
    app = opened()
    before = verdict(app)
    slider(app, "0_lost").set_value(40).run()
    slider(app, "days").set_value(45).run()
    changed = verdict(app)
    assert changed != before
    query = sent(app)
    assert query["rule"] == [f"{HORMUZ}~l0.4"]
    assert query["days"] == ["45"]
    assert verdict(opened(**query)) == changed


def test_the_map_page_can_send_a_closure() -> None:
    app = opened(close="chokepoint:suez", importer="IND")
    assert "Suez Canal closed" in written(app)
    assert sent(app)["rule"] == ["chokepoint:suez~l1"]
    assert "close" not in app.query_params


def test_a_bad_link_is_a_sentence_and_never_markup() -> None:
    app = opened(close="<img src=x onerror=alert(1)>")
    assert not app.exception
    assert "<img" not in written(app)
    assert "was left out" in app.error[0].value
    assert sent(app) == {"scenario": ["hormuz_full"]}


def test_elements_are_added_and_removed_and_all_is_cleared() -> None:
    app = opened(scenario="none")
    assert "Nothing is closed yet" in verdict(app)
    app.selectbox(key="wi_what_chokepoint").set_value("chokepoint:bab_el_mandeb").run()
    app.button(key="wi_add").click().run()
    assert "Bab el-Mandeb" in written(app)
    app.selectbox(key="wi_kind").set_value("origin").run()
    app.selectbox(key="wi_what_origin").set_value("origin:RUS").run()
    app.button(key="wi_add").click().run()
    assert sent(app)["rule"] == ["chokepoint:bab_el_mandeb~l1", "origin:RUS~l1"]
    gen = app.session_state["wi_gen"]
    app.button(key=f"wi{gen}_0_gone").click().run()
    assert sent(app)["rule"] == ["origin:RUS~l1"]
    app.button(key="wi_clear").click().run()
    assert sent(app) == {"scenario": ["none"]}


def test_an_empty_page_offers_the_library() -> None:
    app = opened(scenario="none")
    app.button(key="wi_offer_malacca_full").click().run()
    assert sent(app) == {"scenario": ["malacca_full"]}
    assert "Nothing is closed yet" not in verdict(app)
    assert not [b for b in app.button if str(b.key).startswith("wi_offer_")]


def test_map_shows_lanes_by_what_became_of_them_and_what_is_shut(
    world: World, ask: model.Asked, library: dict[str, Scenario]
) -> None:
    marks = shared.load()[2]["chokepoint"]
    scenario = make_scenario("x", rules=[Rule(HORMUZ, lost=1.0), Rule("pipeline:espo", lost=1.0)])
    shut = map.places(world, scenario, "en")
    assert shut["element"].tolist() == [HORMUZ]  # a line on land has no point
    data = map.picture(world, CHINA, model.lanes(ask), marks, shut, "en")
    json.dumps(data, allow_nan=False)
    assert {lane["kind"] for lane in data["moved"]} == set(whatif_lanes.KINDS)
    assert all(0 < lane["width"] <= map.THICK_PX for lane in data["moved"])
    struck = [mark for mark in data["chokepoints"] if mark["label"]]
    assert [(m["element"], m["icon"]) for m in struck] == [(HORMUZ, "full_0")]
    assert len(data["chokepoints"]) == len(marks)  # each once
    idle = next(m for m in data["chokepoints"] if m["element"] == "chokepoint:malacca")
    assert idle["tip"] == ["Click to shut it"]
    (west, south), (east, north) = data["bounds"]
    for path in (lane["path"] for lane in data["moved"]):
        for lon, lat in path:
            assert any(west < lon + turn < east for turn in (-360, 0, 360))
            assert south < lat < north
    assert map.bounds(model.lanes(ask).head(0), shut.head(0), 100.0) is None


def test_lanes_across_the_date_line_make_no_map_round_the_world() -> None:
    lanes = pd.DataFrame(
        {"path": [[[170.0, 30.0], [180.0, 35.0]], [[-180.0, 35.0], [-130.0, 40.0]]]}
    )
    none = pd.DataFrame(columns=["lon", "lat"])
    box = map.bounds(lanes, none, 140.0)
    assert box is not None
    assert (box[0][0], box[1][0]) == (170.0 - 4.0, 230.0 + 4.0)


def test_library_is_loaded_and_a_surcharge_counts() -> None:
    app = opened(scenario="suez_2021", importer="DEU")
    assert slider(app, "days").value == 6
    assert sent(app) == {"scenario": ["suez_2021"]}  # 6.31 days, though the slider shows 6
    app.selectbox(key="wi_pick").set_value("turkish_straits_black_sea_grain").run()
    app.button(key="wi_load").click().run()
    assert sent(app) == {"scenario": ["turkish_straits_black_sea_grain"]}


def test_two_readers_do_not_see_each_others_scenario() -> None:
    one, other = opened(), opened(scenario="malacca_full", importer="JPN")
    slider(one, "0_lost").set_value(55).run()
    other.run()
    assert "rule" not in sent(other)
    assert sent(other) == {"scenario": ["malacca_full"]}
    assert sent(one)["rule"] == [f"{HORMUZ}~l0.55"]
    one.run()
    assert slider(one, "0_lost").value == 55


def test_a_scenario_stays_when_the_language_changes_and_no_english_is_left() -> None:
    app = opened()
    slider(app, "0_lost").set_value(60).run()
    app.session_state["lang"] = "zh"
    app.run()
    assert sent(app)["rule"] == [f"{HORMUZ}~l0.6"]
    assert "演习" in verdict(app)
    assert not re.search(r"[A-Za-z]{3,}", re.sub("<[^>]*>", "", verdict(app)))
    shown = [s.label for s in app.slider] + [b.label for b in app.button]
    assert not [label for label in shown if re.search("[A-Za-z]{3,}", label)]


@pytest.mark.parametrize("view", closer.VIEWS)
def test_each_closer_view_is_drawn(view: str) -> None:
    app = opened()
    app.session_state["wi_view"] = view
    app.session_state["wi_tables"] = True
    app.run()
    assert not app.exception
    if view == "worst":
        app.session_state["wi_k"] = 1
        app.button(key="wi_worst").click().run()
        assert not app.exception
        assert "ruled out by their bound" in written(app)
        app.button(key="wi_try").click().run()
        assert "rule" in sent(app) or "scenario" in sent(app)
    if view == "compare":
        app.button(key="wi_keep").click().run()
        slider(app, "0_lost").set_value(50).run()
        assert not app.exception
        assert len(app.table[0].value) == len(closer.COMPARED)


def test_nothing_imported_is_said() -> None:
    app = opened(importer="BTN", commodity="lng")
    assert not app.exception


# ---- the page, in a browser


@pytest.fixture
def page(chromium: str, streamlit_server: str) -> Iterator[Page]:
    """Yield the page in a watched browser."""
    with watched(chromium, streamlit_server, 1280, 900) as view:
        yield view


@pytest.mark.browser
def test_a_what_if_is_built_shared_and_read_in_both_languages(
    page: Page, streamlit_server: str
) -> None:
    page.goto(f"{streamlit_server}/whatif?close=chokepoint:malacca&importer=JPN&lang=en")
    verdict = page.locator(".cx-verdict")
    verdict.wait_for()
    page.locator(".cx-map[data-ready='1']").wait_for()
    knob = page.get_by_role("slider", name="capacity lost").first
    before = verdict.inner_text()
    for _ in range(30):
        knob.press("ArrowLeft")
    page.wait_for_function(
        "old => document.querySelector('.cx-verdict').innerText !== old", arg=before
    )
    page.wait_for_function("() => location.search.includes('l0.7')")
    settled(page)
    said, address = verdict.inner_text(), page.url
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    table = pd.read_csv(download.value.path())
    assert set(table["importer"]) == {"JPN"}
    assert table["exercise"].str.contains("演习").all()
    page.goto(address)
    verdict.wait_for()
    assert verdict.inner_text() == said
    page.goto(address.replace("lang=en", "lang=zh"))
    page.locator(".cx-verdict", has_text="演习").wait_for()
    assert not re.search("[A-Za-z]{3,}", verdict.inner_text())


@pytest.mark.browser
def test_a_click_on_the_map_shuts_a_strait(page: Page, streamlit_server: str) -> None:
    if not component.complete():
        pytest.skip("npm could not bring the map's library here")
    page.goto(f"{streamlit_server}/whatif?scenario=none&importer=CHN&lang=en")
    box = page.locator(".cx-map[data-ready='1']")
    box.wait_for()
    settled(page)
    box.scroll_into_view_if_needed()
    x, y = box.evaluate(
        """host => { const spot = host.map.project([56.4, 26.5]);
        const at = host.map.getCanvas().getBoundingClientRect();
        return [at.x + spot.x, at.y + spot.y]; }"""
    )
    page.mouse.click(x, y)
    page.locator(".cx-verdict", has_text="would not arrive").wait_for()
    page.wait_for_function("location.search.includes('hormuz')")
    moved = "host => host.map.queryRenderedFeatures({layers: ['moved_left']}).length"
    page.wait_for_function(f"(({moved})(document.querySelector('.cx-map'))) > 0")
