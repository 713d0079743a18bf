"""Take a picture of every page in every language and theme: ``make screens``.

Pictures are of a fresh install, with no feed ever asked, unless a store is named; then of what it
holds, at a moment of one's choice.
"""

from __future__ import annotations

import argparse
import io
import itertools
import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright
from tqdm import tqdm

from corridors.ui.panels import PAGES
from corridors.ui.words import LANGUAGES
from tests.serving import ROOT, serving, settled

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = ROOT / "docs" / "screens"
THEMES = ("light", "dark")
SIZE = {"width": 1400, "height": 900}
QUALITY = 82
PATIENCE_MS = 90_000
REST_MS = 2500
"""Charts and the map grow into place after the page is told to be ready."""
SHOWN = {
    "map": "element=chokepoint:hormuz",
    "exposure": "",
    "whatif": "close=chokepoint:hormuz",
    "warnings": "",
    "data": "",
}
"""What the link asks for, a page."""


def main() -> None:
    """Take the pictures asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, help="store of feeds to show; none: a fresh install")
    parser.add_argument("--at", type=datetime.fromisoformat, help="what the app takes the time for")
    parser.add_argument("--pages", nargs="+", choices=PAGES, default=PAGES)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.duckdb"
        if asked.store:
            shutil.copy(asked.store, store)  # the app writes beside what it shows
        with serving(store, Path(folder) / "log.txt", at=asked.at) as address:
            take(address, asked.pages, asked.folder)


def take(address: str, pages: Iterable[str], folder: Path) -> None:
    """Take the pictures, ``<page>-<language>-<theme>.webp``."""
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        for name, lang, theme in tqdm(list(itertools.product(pages, LANGUAGES, THEMES))):
            shot = picture(browser, f"{address}/{_path(name)}?lang={lang}&{SHOWN[name]}", theme)
            Image.open(io.BytesIO(shot)).convert("RGB").save(
                folder / f"{name}-{lang}-{theme}.webp", quality=QUALITY, method=6
            )
        browser.close()


def _path(name: str) -> str:
    return "" if name == PAGES[0] else name


def picture(browser: Browser, address: str, theme: str) -> bytes:
    """Return a page at rest, as PNG."""
    page = browser.new_page(viewport=SIZE, color_scheme=theme)  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    page.locator(".cx-verdict").first.wait_for()
    settled(page)
    if page.locator(".cx-map").count():
        page.locator(".cx-map[data-ready='1']").wait_for()
    settled(page, REST_MS)
    shot = page.screenshot()
    page.close()
    return shot


if __name__ == "__main__":
    main()
