from __future__ import annotations

import csv
import dataclasses
import io
import re
import string
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from corridors.metrics import KINDS
from corridors.ui import colours, sentences, tour
from corridors.ui.answer import Answer, Question, importers_of, rounded, years_of
from corridors.ui.map import component
from corridors.ui.words import LANGUAGES, WORDS, word
from layers.errors import UnknownIdError
from tests.serving import PATIENCE_S, settled, watched

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from layers.world import World

ROOT = Path(__file__).resolve().parent.parent
PICKERS = ["importer", "commodity", "year"]


@pytest.fixture(autouse=True)
def _no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep whatever the machine's own store says out of the tests."""
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "none.duckdb"))


def opened(**query: str) -> AppTest:
    """Return the app as it stands after a first visit with this link."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
    for key, value in query.items():
        app.query_params[key] = value
    return app.run()


def written(app: AppTest) -> str:
    """Return all that the app wrote as HTML."""
    assert not app.exception
    return "\n".join(element.proto.body for element in app.get("html"))


def headline(app: AppTest) -> str:
    found = re.search(r'<p class="cx-verdict"[^>]*>(.*?)</p>', written(app))
    assert found is not None
    return found.group(1)


def carriers(app: AppTest) -> dict[str, str]:
    """Return the elements listed as carrying most, with their shares as they are written."""
    assert not app.exception
    labels = [b.label for b in app.button if (b.key or "").startswith("most_")]
    return dict(label.split(" · ") for label in labels)


def importer_without(world: World, commodity: str) -> str:
    having = set(world.flows.loc[world.flows["commodity"] == commodity, "importer"])
    return next(i for i in importers_of(world)[2:] if i not in having)


# ---- words and figures


def test_every_word_has_every_language() -> None:
    for key, columns in WORDS.items():
        assert len(columns) == len(LANGUAGES), key
        assert all(text.strip() for text in columns), key


def test_translations_fill_the_same_braces() -> None:
    def braces(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    different = [
        key for key, texts in WORDS.items() if len({frozenset(braces(t)) for t in texts}) > 1
    ]
    assert not different


def test_unknown_word_and_language_are_named() -> None:
    with pytest.raises(UnknownIdError):
        word("no such word", "en")
    with pytest.raises(UnknownIdError):
        word("title", "fr")


@pytest.mark.parametrize(
    ("share", "en", "zh"),
    [
        (0.331, "33 %", "33%"),
        (0.0, "0 %", "0%"),
        (0.004, "0.4 %", "0.4%"),
        (0.0002, "< 0.1 %", "< 0.1%"),
        (float("nan"), "–", "–"),
    ],
)
def test_percent(share: float, en: str, zh: str) -> None:
    assert [sentences.percent(share, lang) for lang in ("en", "zh")] == [en, zh]


@pytest.mark.parametrize(
    ("quantity_t", "en", "zh"),
    [
        (553_600_000.0, "554 Mt", "5.54亿吨"),
        (12_034_140.0, "12 Mt", "1,203万吨"),
        (711_000.0, "711 kt", "71.1万吨"),
        (950.0, "950 t", "950吨"),
        (float("nan"), "–", "–"),
    ],
)
def test_tonnes(quantity_t: float, en: str, zh: str) -> None:
    assert [sentences.tonnes(quantity_t, lang) for lang in ("en", "zh")] == [en, zh]


def answer_of(*rows: tuple[str, float, float]) -> Answer:
    """Return an answer whose chokepoints are (name, share, share without another way)."""
    columns = ["name_en", "share", "no_alternative_share"]
    passed = pd.DataFrame(list(rows), columns=columns).assign(
        name_zh="某海峡", element="chokepoint:x"
    )
    tables = {kind: passed.head(0) for kind in KINDS} | {"chokepoint": passed}
    calls = {"load": frozenset[str](), "land": frozenset[str]()}
    return Answer(1.0, "2024", tables, {"sea": 1.0}, 0.5, 0.5, pd.DataFrame(), calls)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [("Strait of A", 0.64, 0.0), ("Strait of B", 0.33, 1.0)],
            "64 % of the crude oil imported by the United States in 2024 passes the Strait of A; "
            "33 % passes the Strait of B and has no other way.",
        ),
        (
            [("Strait of B", 0.9, 1.0)],
            "90 % of the crude oil imported by the United States in 2024 passes the Strait of B "
            "and has no other way.",
        ),
        (
            [("Strait of B", 0.9, 0.4)],
            "90 % of the crude oil imported by the United States in 2024 passes the Strait of B, "
            "40 % of it with no other way.",
        ),
    ],
)
def test_verdict(world: World, rows: list[tuple[str, float, float]], expected: str) -> None:
    question = Question("USA", "crude_oil")
    assert sentences.verdict(world, question, answer_of(*rows), "en") == expected


def test_verdict_begins_with_what_carries_most_of_whichever_kind(world: World) -> None:
    straits = answer_of(("Strait of A", 0.11, 0.0))
    lines = straits.tables["chokepoint"].assign(name_en="Line B", share=0.48, element="pipeline:b")
    found = dataclasses.replace(straits, tables=straits.tables | {"pipeline": lines})
    said = sentences.verdict(world, Question("USA", "crude_oil"), found, "en")
    assert said.startswith("48 % of the crude oil")
    assert "passes Line B" in said


def test_verdict_names_the_year_of_the_data_not_the_one_asked_for(world: World) -> None:
    found = dataclasses.replace(answer_of(("Strait of A", 0.5, 0.0)), years="2023")
    assert "in 2023 passes" in sentences.verdict(world, Question("CHN", "crude_oil"), found, "en")


def test_verdict_without_any_passage_is_a_sentence(world: World) -> None:
    for lang in LANGUAGES:
        assert sentences.verdict(world, Question("CHN", "coal"), answer_of(), lang)


# ---- the map


def test_corners_are_cut_at_sea_and_kept_at_the_coast() -> None:
    corner = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    soft = rounded(corner)
    assert soft[0].tolist() == [0, 0]
    assert soft[-1].tolist() == [10, 10]
    assert not (soft == [10.0, 0.0]).all(axis=1).any()
    assert rounded(corner / 10).tolist() == (corner / 10).tolist()


def test_ramp_runs_one_way_in_lightness() -> None:
    def lightness(colour: str) -> float:
        red, green, blue, _ = colours.rgb(colour)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light = [lightness(c) for c in colours.LIGHT.share]
    dark = [lightness(c) for c in colours.DARK.share]
    assert light == sorted(light, reverse=True)
    assert dark == sorted(dark)


def test_step_of_a_share() -> None:
    assert [colours.step(s) for s in (0.0, 0.02, 0.3, 0.5, 1.0)] == [0, 1, 3, 4, 4]


# ---- the page, without a browser


def test_default_view() -> None:
    app = opened()
    assert "crude oil imported by China in 2024" in headline(app)
    assert [app.selectbox(key=key).value for key in PICKERS] == ["CHN", "crude_oil", 2024]
    assert len(carriers(app)) == 6
    assert app.get("bidi_component")


def test_link_restores_the_view() -> None:
    app = opened(importer="JPN", commodity="lng", lang="zh", year="2024")
    assert "日本进口的液化天然气" in headline(app)
    assert [app.selectbox(key=key).value for key in PICKERS] == ["JPN", "lng", 2024]
    asked = {key: app.query_params[key] for key in ("importer", "commodity", "lang")}
    assert {k: v if isinstance(v, str) else v[0] for k, v in asked.items()} == {
        "importer": "JPN",
        "commodity": "lng",
        "lang": "zh",
    }


def test_link_with_an_unknown_id_says_so_and_runs_no_markup() -> None:
    app = opened(importer="<img src=x>")
    assert app.selectbox(key="importer").value == "CHN"
    assert "&lt;img src=x&gt;" in written(app)
    assert "<img" not in written(app)


def test_language_changes_words_and_keeps_choices() -> None:
    app = opened(importer="KOR")
    english = headline(app)
    app.session_state["lang"] = "zh"
    app.run()
    assert app.selectbox(key="importer").value == "KOR"
    assert "韩国" in headline(app)
    assert headline(app) != english


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_imports_is_a_sentence_not_an_error(world: World, lang: str) -> None:
    importer = importer_without(world, "pipeline_gas")
    app = opened(importer=importer, commodity="pipeline_gas", lang=lang)
    assert sentences.place(world, importer, lang) in headline(app)
    assert not carriers(app)
    assert len(app.get("bidi_component")) == 1  # the tour; no map


def test_year_that_an_importer_lacks_falls_back(world: World) -> None:
    year = years_of(world, "CHN")[-1]
    lacking = next(i for i in importers_of(world) if year not in years_of(world, i))
    app = opened(year=str(year))
    assert app.selectbox(key="year").value == year
    app.selectbox(key="importer").set_value(lacking).run()
    assert not app.exception
    assert app.selectbox(key="year").value == 2024


def test_named_assumption_moves_crude_to_iran() -> None:
    def share_of_hormuz(app: AppTest) -> float:
        return float(carriers(app)["Strait of Hormuz"].removesuffix(" %"))

    app = opened()
    before = share_of_hormuz(app)
    app.toggle(key="malaysia").set_value(True).run()
    assert share_of_hormuz(app) > before + 5
    assert word("assumed", "en").strip() in written(app)


def test_named_assumption_is_closed_where_it_changes_nothing() -> None:
    assert not opened().toggle(key="malaysia").disabled
    assert opened(importer="JPN", malaysia="True").toggle(key="malaysia").disabled


def test_two_readers_do_not_see_each_other() -> None:
    one, other = opened(importer="IND"), opened()
    other.selectbox(key="commodity").set_value("wheat").run()
    one.run()
    assert [one.selectbox(key=key).value for key in PICKERS] == ["IND", "crude_oil", 2024]


def test_choosing_an_element_opens_its_panel() -> None:
    app = opened(element="chokepoint:hormuz")
    said = written(app)
    assert '<h2 class="cx-name">Strait of Hormuz</h2>' in said
    assert "Saudi Arabia" in said
    assert "Liquefied natural gas" in said  # another commodity that rides on it
    assert "No other way for any of it." in said
    assert "embedded set, no news" in said
    assert "No daily series of ships here." in said
    app.selectbox(key="element").set_value("chokepoint:malacca").run()
    assert '<h2 class="cx-name">Strait of Malacca</h2>' in written(app)
    assert "chokepoint:malacca" in app.query_params["element"]


def test_what_carries_most_can_be_chosen_from_its_list() -> None:
    app = opened()
    app.button(key="most_chokepoint:hormuz").click().run()
    assert '<h2 class="cx-name">Strait of Hormuz</h2>' in written(app)
    assert app.selectbox(key="element").value == "chokepoint:hormuz"
    assert not carriers(app)


def test_reports_that_weigh_most_are_told_once_each_with_their_place() -> None:
    said = re.search(r"Reports that weigh most</h2>(.*?)</div>", written(opened()), re.DOTALL)
    assert said is not None
    titles = re.findall(r'class="cx-told">(.*?)</span><small>(.*?)</small>', said.group(1))
    assert 1 <= len(titles) <= 5
    assert len({title for title, _ in titles}) == len(titles)
    assert all("embedded set, no news" in small for _, small in titles)


def test_panel_says_what_would_carry_more_and_that_it_is_an_exercise() -> None:
    said = written(opened(element="chokepoint:malacca"))
    at = said.index("Exercise: shut for 90 days")
    assert "would still arrive" in said[at:]
    gains = re.findall(r"<span>([^<]+ Strait)</span><b>\+([\d.]+) Mt</b>", said[at:])
    assert gains[0][0] == "Lombok Strait"
    assert float(gains[0][1]) > 100
    none = written(opened(element="chokepoint:malacca", importer="KAZ", commodity="wheat"))
    assert "Carries more then" not in none


def test_every_kind_of_element_can_be_chosen(world: World) -> None:
    app = opened()
    kinds = {e.partition(":")[0]: e for e in world.elements()}
    assert set(kinds) >= {"chokepoint", "pipeline", "port", "railway"}
    for element in kinds.values():  # the last of each kind: most likely one without any cargo
        app.selectbox(key="element").set_value(element).run()
        assert escape(world.name(element, "en")) in written(app)
        assert word("rides", "en") in written(app)


def test_number_is_explained_by_its_flows() -> None:
    app = opened(element="chokepoint:hormuz")
    app.button(key="explain").click().run()
    assert not app.exception
    behind = next(d.value for d in app.dataframe if "passing_share" in d.value.columns)
    assert behind["quantity_t"].sum() > 1e8
    assert behind["source"].str.len().min() > 0


def test_colour_and_layers_are_kept_in_the_link() -> None:
    app = opened(colour="threat", hide="ports,railways")
    assert app.session_state["colour"] == "threat"
    assert app.session_state["layers"] == ["lanes", "pipelines", "chokepoints", "events"]
    assert "ports,railways" in app.query_params["hide"]


def test_without_news_the_page_says_so() -> None:
    assert "No live data" in written(opened())


def test_choices_survive_a_look_at_another_page() -> None:
    app = opened(importer="JPN", commodity="lng", element="chokepoint:hormuz")
    pages = ROOT / "corridors" / "ui" / "pages"
    app.switch_page(str(pages / "exposure.py")).run()
    app.switch_page(str(pages / "map.py")).run()
    assert [app.selectbox(key=key).value for key in PICKERS] == ["JPN", "lng", 2024]
    assert app.selectbox(key="element").value == "chokepoint:hormuz"


# ---- the page, in a browser


@pytest.fixture
def page(chromium: str, streamlit_server: str) -> Iterator[Page]:
    """Yield the page in a watched browser."""
    if not component.complete():
        pytest.skip("npm could not bring the map's library here")
    with watched(chromium, streamlit_server, 1000, 640) as view:
        view.goto(streamlit_server)
        yield view


MAP = ".cx-map[data-ready='1']"


def colours_painted(page: Page) -> int:
    from PIL import Image

    shot = page.locator(".cx-map").screenshot()
    return len(Image.open(io.BytesIO(shot)).convert("RGB").getcolors(1 << 20) or [])


def spot(page: Page, lon: float, lat: float) -> tuple[float, float]:
    """Return where a place of the map is on the screen."""
    x, y = page.locator(".cx-map").evaluate(
        """(host, at) => { const spot = host.map.project(at);
        const box = host.map.getCanvas().getBoundingClientRect();
        return [box.x + spot.x, box.y + spot.y]; }""",
        [lon, lat],
    )
    return x, y


def shown(page: Page, layer: str) -> int:
    """Return how many features of a layer are drawn now."""
    count: int = page.locator(".cx-map").evaluate(
        "(host, layer) => host.map.queryRenderedFeatures({layers: [layer]}).length", layer
    )
    return count


@pytest.mark.browser
def test_tour_leads_a_first_visit_once_and_again_on_demand(page: Page) -> None:
    page.locator(MAP).wait_for()
    card = page.locator(".cx-tour[role=dialog]")
    card.wait_for()
    for name in list(tour.STEPS)[:-1]:
        assert word(f"tour_{name}", "en") in card.inner_text()
        page.keyboard.press("Enter")  # the button to go on has the focus
    assert word("tour_go", "en") in card.inner_text()
    page.keyboard.press("Enter")
    assert not card.count()
    page.reload()
    page.locator(MAP).wait_for()
    settled(page)
    assert not card.count()
    page.get_by_role("button", name=word("tour_open_button", "en")).click()
    assert word("tour_ask", "en") in card.inner_text()
    page.keyboard.press("Escape")
    assert not card.count()


@pytest.mark.browser
def test_tour_leaves_who_came_by_a_link_alone(page: Page) -> None:
    page.evaluate("localStorage.clear()")
    page.goto(page.url.split("?")[0] + "?element=chokepoint:hormuz")
    page.locator(MAP).wait_for()
    settled(page)
    assert not page.locator(".cx-tour").count()


@pytest.mark.browser
def test_link_keeps_the_part_of_the_map_a_reader_moved_to(page: Page) -> None:
    page.locator(MAP).wait_for()
    settled(page)
    page.get_by_label("Zoom in").click()
    page.wait_for_function("location.search.includes('view=')")
    page.get_by_role("button", name="Ports", exact=True).click()
    page.wait_for_function("/hide=ports/.test(location.search) && /view=/.test(location.search)")
    where = "host => [host.map.getCenter().lng, host.map.getCenter().lat, host.map.getZoom()]"
    seen = page.locator(".cx-map").evaluate(where)
    page.goto(page.url)
    page.locator(MAP).wait_for()
    assert page.locator(".cx-map").evaluate(where) == pytest.approx(seen, abs=0.011)


@pytest.mark.browser
def test_map_is_painted_importer_changes_and_table_downloads(page: Page) -> None:
    page.locator(MAP).wait_for()
    settled(page)
    assert colours_painted(page) > 200
    counts = {layer: shown(page, layer) for layer in ("chokepoints", "ports", "lanes", "land")}
    assert counts["chokepoints"] >= 25
    assert counts["ports"] > 40
    assert counts["lanes"] > 20
    assert 5 <= shown(page, "names") < counts["chokepoints"]
    verdict = page.locator(".cx-verdict")
    assert "China" in verdict.inner_text()
    page.get_by_role("combobox").first.click()
    page.keyboard.type("India")
    page.keyboard.press("Enter")
    page.locator(".cx-verdict", has_text="India").wait_for()
    settled(page)
    assert "importer=IND" in page.url
    page.get_by_role("link", name=word("all_files", "en")).click()
    page.locator(".cx-verdict", has_text="equal origins").wait_for()
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) > 10
    assert {row["importer"] for row in rows} == {"IND"}


@pytest.mark.browser
def test_click_on_a_chokepoint_opens_its_panel_and_layers_go(page: Page, world: World) -> None:
    page.set_viewport_size({"width": 1300, "height": 950})
    page.locator(MAP).wait_for()
    settled(page)
    gate = world.chokepoints.set_index("chokepoint").loc["hormuz"]
    at = spot(page, (gate["lon1"] + gate["lon2"]) / 2, (gate["lat1"] + gate["lat2"]) / 2)
    page.mouse.move(*at)
    card = page.locator(".maplibregl-popup-content", has_text="Strait of Hormuz")
    card.wait_for()
    assert "not covered by any feed" in card.inner_text()
    page.mouse.click(*at)
    page.locator(".cx-name", has_text="Strait of Hormuz").wait_for()
    page.locator(".cx-side", has_text="Liquefied natural gas").wait_for()
    settled(page)
    assert "element=chokepoint%3Ahormuz" in page.url or "element=chokepoint:hormuz" in page.url
    page.get_by_role("button", name="Ports", exact=True).click()
    page.wait_for_function("location.search.includes('hide=ports')")
    settled(page)
    page.locator(MAP).wait_for()
    assert shown(page, "ports") == 0
    address = page.url
    page.goto(address)  # the link restores it
    page.locator(".cx-name", has_text="Strait of Hormuz").wait_for()


@pytest.mark.browser
def test_map_speaks_chinese_on_a_narrow_screen(page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(page.url.split("?")[0] + "?lang=zh&element=chokepoint:malacca")
    page.locator(MAP).wait_for()
    page.locator(".cx-name", has_text="马六甲海峡").wait_for()
    settled(page)
    assert colours_painted(page) > 100
    legend = page.locator(".cx-legend").inner_text()
    assert not re.search(r"[A-Za-z]{2,}", legend)
    assert page.locator("body").evaluate("b => b.scrollWidth <= b.clientWidth + 1")
