from __future__ import annotations

import csv
import dataclasses
import io
import re
import string
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from corridors.metrics import KINDS
from corridors.ui import colours, labels, sentences
from corridors.ui.answer import Answer, Question, importers_of, rounded, years_of
from corridors.ui.words import LANGUAGES, WORDS, word
from layers.errors import UnknownIdError
from layers.world import records

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from layers.world import World

ROOT = Path(__file__).resolve().parent.parent
PICKERS = ["importer", "commodity", "year"]


def opened(**query: str) -> AppTest:
    """Return the app as it stands after a first visit with this link."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
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


def test_verdict_names_the_year_of_the_data_not_the_one_asked_for(world: World) -> None:
    found = dataclasses.replace(answer_of(("Strait of A", 0.5, 0.0)), years="2023")
    assert "in 2023 passes" in sentences.verdict(world, Question("CHN", "crude_oil"), found, "en")


def test_verdict_without_any_passage_is_a_sentence(world: World) -> None:
    for lang in LANGUAGES:
        assert sentences.verdict(world, Question("CHN", "coal"), answer_of(), lang)


# ---- the map


def test_names_on_the_map_never_overlap() -> None:
    crowd = pd.DataFrame(
        {
            "lon": [100 + 1.5 * (i % 6) for i in range(30)],
            "lat": [1 + 1.5 * (i // 6) for i in range(30)],
            "text": [f"Strait {i} 10 %" for i in range(30)],
            "radius": 6.0,
        }
    )
    spots = labels.placed(crowd, zoom=3.0)
    assert 3 <= len(spots) < 30
    assert spots["text"].iloc[0] == "Strait 0 10 %"  # the first to choose
    boxes = [
        labels.box(
            labels.pixels(s["lon"], s["lat"], 3.0),
            s["offset"],
            s["anchor"],
            s["baseline"],
            s["text"],
            12.0,
        )
        for s in records(spots)
    ]
    assert not any(labels.overlap(a, b) for a, b in combinations(boxes, 2))


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
    assert len(app.dataframe[0].value) > 10
    assert app.get("deck_gl_json_chart")


def test_link_restores_the_view() -> None:
    app = opened(importer="JPN", commodity="lng", by="corridor", lang="zh", year="2024")
    assert "日本进口的液化天然气" in headline(app)
    assert [app.selectbox(key=key).value for key in PICKERS] == ["JPN", "lng", 2024]
    assert app.session_state["by"] == "corridor"
    asked = {key: app.query_params[key] for key in ("importer", "commodity", "by", "lang")}
    assert {k: v if isinstance(v, str) else v[0] for k, v in asked.items()} == {
        "importer": "JPN",
        "commodity": "lng",
        "by": "corridor",
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
    assert not app.dataframe
    assert not app.get("deck_gl_json_chart")


def test_every_kind_of_element_has_a_table_or_a_sentence() -> None:
    app = opened(commodity="soybeans")
    for kind in KINDS:
        app.session_state["by"] = kind
        app.run()
        assert not app.exception
        assert app.info or not app.dataframe[0].value.empty


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
        assert not app.exception
        table = app.dataframe[0].value.set_index("name")
        return float(table["share"].to_dict()["Strait of Hormuz"])

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


# ---- the page, in a browser


@pytest.fixture
def page(chromium: str, streamlit_server: str) -> Iterator[Page]:
    """Yield the app in a browser; fail on any error of a script or request leaving the server."""
    playwright = pytest.importorskip("playwright.sync_api")
    own = (streamlit_server, streamlit_server.replace("http", "ws"), "data:", "blob:")
    wrong: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        view = browser.new_page(viewport={"width": 1000, "height": 640}, locale="en-US")
        view.set_default_timeout(45_000)
        view.on("request", lambda r: None if r.url.startswith(own) else wrong.append(r.url))
        view.on("pageerror", lambda error: wrong.append(str(error)))
        view.goto(streamlit_server)
        yield view
        browser.close()
    assert not wrong


def settled(page: Page) -> None:
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()


def colours_painted(page: Page) -> int:
    from PIL import Image

    shot = page.locator("[data-testid=stDeckGlJsonChart]").screenshot()
    return len(Image.open(io.BytesIO(shot)).convert("RGB").getcolors(1 << 20) or [])


@pytest.mark.browser
def test_map_is_painted_importer_changes_and_table_downloads(page: Page) -> None:
    page.locator("[data-testid=stDeckGlJsonChart] canvas").first.wait_for()
    settled(page)
    assert colours_painted(page) > 200
    verdict = page.locator(".cx-verdict")
    assert "China" in verdict.inner_text()
    page.get_by_role("combobox").first.click()
    page.keyboard.type("India")
    page.keyboard.press("Enter")
    page.locator(".cx-verdict", has_text="India").wait_for()
    settled(page)
    assert "importer=IND" in page.url
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) > 10
    assert {row["importer"] for row in rows} == {"IND"}
