from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import streamlit as st

from corridors.ui import amounts, paper
from corridors.ui.panels import PAGES
from corridors.ui.words import word
from tests.serving import PATIENCE_S, settled

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

HOSTILE = "<img src=x onerror=window.hit=1>"
BUSY = {
    "map": "element=chokepoint:hormuz",
    "exposure": "row=chokepoint:hormuz&beside=True",
    "whatif": "close=chokepoint:malacca&importer=JPN",
}
PRESSED = ("CSV", "Parquet", "中文", "Malaysia-labelled", "Find by name", "Charts as tables")
PRESSED += ("Add to the scenario", "Also show", "Colour shows", "also what is not due")
"""Of menus, pickers, buttons and toggles."""


# ---- quantities


@pytest.mark.parametrize(
    ("tonnes", "lang", "table", "name"),
    [
        ([3.4e8, 2e3], "en", False, "Mt"),
        ([3.4e8, 2e3], "zh", False, "亿吨"),
        ([3.4e8, 2e3], "zh", True, "万吨"),
        ([9e5, math.nan], "en", True, "kt"),
        ([9e3], "zh", True, "吨"),
        ([-2e6], "en", True, "Mt"),
        ([], "en", True, "Mt"),
    ],
)
def test_a_unit_fits_the_largest(tonnes: list[float], lang: str, table: bool, name: str) -> None:
    assert amounts.unit(tonnes, lang, table=table).name == name


@pytest.mark.parametrize(
    ("value", "shown"),
    [(33674.2, 33674), (18.04, 18.0), (4.456, 4.46), (-4.456, -4.46), (0.00123, 0.0012), (0, 0)],
)
def test_a_figure_keeps_what_a_reader_takes_in(value: float, shown: float) -> None:
    assert amounts.rounded(value) == shown


def test_a_missing_quantity_stays_missing() -> None:
    found = amounts.in_unit(pd.Series([2e6, math.nan], index=[7, 9]), amounts.unit([2e6], "en"))
    assert found.tolist()[0] == 2.0
    assert math.isnan(found.tolist()[1])


# ---- a table's twin on paper


def test_twin_shows_cells_as_their_columns_do_and_no_markup() -> None:
    table = pd.DataFrame(
        {
            "name": [HOSTILE, "b"],
            "share": [12.345, math.nan],
            "tonnes": [33674.0, 0.31],
            "rows": np.array([2, 1234567]),
            "passed_on": [True, False],
        }
    )
    columns: dict[str, Any] = {
        "name": st.column_config.TextColumn(HOSTILE),
        "share": st.column_config.ProgressColumn("Share", format="%.1f %%"),
        "tonnes": amounts.column("Mt"),
    }
    drawn = paper._twin(table, columns, "en")
    assert "<img" not in drawn
    cells = re.findall("<td[^>]*>(.*?)</td>", drawn)
    assert cells[1:5] == ["12.3 %", "33,674", "2", "✓"]
    assert cells[6:] == ["–", "0.31", "1,234,567", "–"]
    assert "<th>Share</th>" in drawn


def test_twin_says_how_many_rows_it_leaves_out() -> None:
    table = pd.DataFrame({"name": ["x"] * (paper.MOST_ROWS + 3)})
    drawn = paper._twin(table, {}, "en")
    assert drawn.count("<tr>") == paper.MOST_ROWS + 1
    assert word("p_more", "en", n="3") in drawn
    assert "<p>" not in paper._twin(table.head(5), {}, "en")


# ---- every page, printed


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium)
        yield opened
        opened.close()


def plain(text: str) -> str:
    """Return text with all gaps gone: a printer breaks lines where it likes."""
    return re.sub(r"\s+", "", text)


@pytest.mark.browser
@pytest.mark.parametrize("name", PAGES)
def test_a_page_prints_to_a_brief(
    name: str, browser: Browser, streamlit_server: str, tmp_path: Path
) -> None:
    pdfium = pytest.importorskip("pypdfium2")
    page = browser.new_page(
        viewport={"width": 1300, "height": 900}, locale="en-US", color_scheme="dark"
    )
    page.set_default_timeout(PATIENCE_S * 1000)
    path = "" if name == PAGES[0] else name
    page.goto(f"{streamlit_server}/{path}?lang=en&{BUSY.get(name, '')}")
    verdict = page.locator(".cx-verdict").first
    verdict.wait_for()
    if name == "map":
        page.locator(".cx-map[data-ready='1']").wait_for()
    settled(page)
    said, address, tall = verdict.inner_text(), page.url, page.evaluate("innerHeight")
    file = tmp_path / "brief.pdf"
    page.pdf(path=file, prefer_css_page_size=True, print_background=True)
    assert page.evaluate("innerHeight") == tall
    page.close()
    brief = pdfium.PdfDocument(os.fspath(file))
    text = plain(" ".join(sheet.get_textpage().get_text_range() for sheet in brief))
    assert plain(said) in text
    left = [words for words in PRESSED if plain(words) in text]
    assert not left
    menu = [word(f"page_{other}", "en") for other in PAGES]
    assert plain("".join(menu)) not in text
    if name in ("exposure", "whatif", "map"):
        assert "Year2024(base)" in text
    if name == "exposure":
        assert "notcovered" in text or "calm" in text
        assert "MozambiqueChannel" in text  # far below what the screen shows of the table
    if name == "whatif":
        assert "Exercise" in text
        assert "StraitofMalaccaclosed" in text
    if name in ("exposure", "whatif", "data"):
        assert plain(address) in text
    first = np.asarray(brief[0].render(scale=1).to_pil().convert("L"))
    assert (first > 200).mean() > 0.75  # white paper from a dark screen
    if name == "map":
        coloured = brief[0].render(scale=1).to_pil().convert("RGB")
        assert len(coloured.getcolors(1 << 20) or []) > 1000  # the map is drawn
