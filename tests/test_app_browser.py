"""Every page in a real browser: what must hold whichever page it is."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from corridors.ui.panels import PAGES
from corridors.ui.words import WORDS, word
from layers.source import feeds
from tests.serving import PATIENCE_S, serving, settled

if TYPE_CHECKING:
    import pandas as pd
    from playwright.sync_api import Browser, Page

    from layers.world import World

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parent.parent
NOBODY = "http://127.0.0.1:1"
MOMENT = datetime(2026, 7, 28, 18, tzinfo=UTC)
HOSTILE = "<img src=x onerror=window.hit=1>"
REPORT = """time,what,kind,severity,reporter_type,visibility,element,id
{day},shots,security_incident,4,embassy,public,chokepoint:hormuz,h1
"""
AXE = "4.14.1"
AXE_HASH = (
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
)
GRAVE = {"serious", "critical"}
# Where a link shows most of a page.
BUSY = {
    "map": "element=chokepoint:hormuz",
    "exposure": "row=chokepoint:hormuz&beside=True&show=spread",
}
STATES = (("empty", "zh", "light"), ("hostile", "en", "dark"), ("replayed", "zh", "dark"))
VISITS = [
    pytest.param(
        (name, *how),
        id=f"{name}-{'-'.join(how)}",
        marks=[pytest.mark.reference] if how[0] == "replayed" else [],
    )
    for name in PAGES
    for how in STATES
]


@dataclass(frozen=True)
class Kept:
    """A store, and what the app that shows it takes the time to be."""

    store: Path
    at: datetime | None = None


@dataclass
class Visit:
    """A page that was opened, and all that went wrong on it since."""

    name: str
    store: str
    lang: str
    page: Page
    wrong: list[str] = field(default_factory=list)


def hostile(folder: Path) -> Kept:
    """Return a store with a report whose title is a trap; every other feed is down."""
    import duckdb
    from typer.testing import CliRunner

    from corridors.cli import app
    from layers.client import fetch
    from layers.refresh import refresh
    from layers.store import Store

    ask = partial(fetch, sleep=lambda _: None)
    states = refresh(Store(folder / "hostile.duckdb"), feeds(), base=NOBODY, ask=ask)
    assert {s.state for s in states if not s.facts.consecutive_failures} <= {"never"}
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400))
    (folder / "reports.csv").write_text(REPORT.format(day=day))
    file = folder / "hostile.duckdb"
    asked = ["feeds", "refresh", "local_reports", "--store", str(file)]
    done = CliRunner(env={"CORRIDORS_REPORTS": str(folder / "reports.csv")}).invoke(app, asked)
    assert done.exit_code == 0, done.output
    # What feeds say is cleaned on its way in; the pages must not rely on that.
    with duckdb.connect(file) as store:
        store.execute("UPDATE events SET title = ?, summary = ?", [HOSTILE, HOSTILE])
    return Kept(file)


def replayed(folder: Path, world: World, traffic: pd.DataFrame) -> Kept:
    """Return a store of recorded counts of ships, and a run of the monitor on them."""
    from corridors.risk import desk
    from corridors.whatif.engine import prepare
    from layers.events import event_frame
    from layers.memory import remember
    from layers.source import Answer, Parsed
    from layers.store import State, Store

    source = feeds()[desk.TRAFFIC].source
    newest = traffic["observed_at"].max().to_pydatetime()
    parsed = Parsed(event_frame([]), traffic, len(traffic), {}, newest)
    answered = State(
        source.id,
        last_attempt_at=MOMENT,
        last_success_at=MOMENT,
        content_as_of=newest,
        n_records=len(traffic),
        records_in=len(traffic),
    )
    store = Store(folder / "replayed.duckdb")
    store.commit(source.id, lambda _: answered, [Answer(NOBODY, b"recorded", MOMENT)], parsed)
    impacts = desk.impacts_of(world, lambda: prepare(world, remember=remember), remember)
    told = desk.warn(world, store, impacts, ["CHN", "IND"], now=MOMENT)
    assert told.alerts
    return Kept(store.path, MOMENT)


@pytest.fixture(scope="module")
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], str]]:
    """Yield where the app with a store is served; made and started when first asked for."""
    running: dict[str, str] = {}
    folder = tmp_path_factory.mktemp("stores")
    made: dict[str, Callable[[], Kept]] = {
        "hostile": lambda: hostile(folder),
        "replayed": lambda: replayed(
            folder, request.getfixturevalue("world"), request.getfixturevalue("recorded_traffic")
        ),
    }
    with ExitStack() as stack:

        def address(name: str) -> str:
            if name == "empty":
                running[name] = request.getfixturevalue("streamlit_server")
            if name not in running:
                kept, log = made[name](), folder / f"{name}.log"
                running[name] = stack.enter_context(serving(kept.store, log, at=kept.at))
            return running[name]

        yield address


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium)
        yield opened
        opened.close()


def visited(browser: Browser, address: str, name: str, store: str, lang: str, scheme: str) -> Visit:
    """Return a page opened and at rest, with all that went wrong on the way."""
    own = (address, address.replace("http", "ws"), "data:", "blob:")
    page = browser.new_page(
        viewport={"width": 1300, "height": 900},
        locale="zh-CN" if lang == "zh" else "en-US",
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page.set_default_timeout(PATIENCE_S * 1000)
    visit = Visit(name, store, lang, page)
    page.on("request", lambda r: None if r.url.startswith(own) else visit.wrong.append(r.url))
    page.on("pageerror", lambda error: visit.wrong.append(str(error)))
    page.on("console", lambda said: visit.wrong.extend(_faults(said)))
    path = "" if name == PAGES[0] else name
    page.goto(f"{address}/{path}?lang={lang}&{BUSY.get(name, '')}")
    page.locator(".cx-verdict, [data-testid=stException]").first.wait_for()
    settled(page)
    return visit


def _faults(said: Any) -> list[str]:
    """Return an error the console told; Streamlit's own search for its server is none."""
    probing = "/_stcore/" in (said.location or {}).get("url", "")
    return [said.text] if said.type == "error" and not probing else []


@pytest.fixture(scope="module", params=VISITS)
def visit(
    request: pytest.FixtureRequest, browser: Browser, served: Callable[[str], str]
) -> Iterator[Visit]:
    name, store, lang, scheme = request.param
    found = visited(browser, served(store), name, store, lang, scheme)
    yield found
    found.page.close()


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest) -> str:
    """Return the axe-core script, fetched once from the package registry; or skip."""
    assert request.config.cache is not None
    folder = request.config.cache.mkdir("axe")
    script = folder / f"axe-{AXE}.js"
    if not script.exists():
        _fetch_axe(folder, script)
    return script.read_text("utf-8")


def _fetch_axe(folder: Path, script: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm on this machine to fetch axe-core with")
    asked = [npm, "pack", f"axe-core@{AXE}", "--pack-destination", str(folder), "--silent"]
    try:
        subprocess.run(asked, check=True, capture_output=True, timeout=90)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"axe-core could not be fetched from the package registry: {error}")
    packed = folder / f"axe-core-{AXE}.tgz"
    found = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    assert found == AXE_HASH, f"axe-core {AXE} is not the one known: {found}"
    with tarfile.open(packed) as archive:
        inside = archive.extractfile("package/axe.min.js")
        assert inside is not None
        script.write_bytes(inside.read())


def test_page_opens_without_a_fault(visit: Visit) -> None:
    assert not visit.page.locator("[data-testid=stException]").count()
    assert len(visit.page.locator(".cx-verdict").first.inner_text()) > 10
    assert not visit.wrong


SAID = {
    ("map", "empty"): "no_live",
    ("data", "hostile"): "d_failed",
    ("warnings", "empty"): "w_never",
    ("warnings", "hostile"): "w_never",
    ("map", "replayed"): "reference",
    ("warnings", "replayed"): "reference",
}


def test_page_says_what_state_its_news_is_in(visit: Visit) -> None:
    key = SAID.get((visit.name, visit.store))
    if key is None:
        pytest.skip("its figures don't depend on news")
    assert word(key, visit.lang) in visit.page.locator("[data-testid=stMain]").inner_text()


def test_hostile_title_runs_nowhere(visit: Visit) -> None:
    page = visit.page
    assert page.evaluate("window.hit") is None
    assert not page.locator("img[src=x]").count()
    if (visit.name, visit.store) == ("exposure", "hostile"):
        page.locator("p", has_text=HOSTILE).wait_for()  # as text


def test_axe_finds_no_serious_fault(visit: Visit, axe: str) -> None:
    visit.page.evaluate(axe)
    found = visit.page.evaluate("axe.run({runOnly: ['wcag2a', 'wcag2aa']})")
    grave = [
        f"{v['id']}: {v['help']}: {v['nodes'][0]['html'][:160]}"
        for v in found["violations"]
        if v["impact"] in GRAVE
    ]
    assert not grave


# Units, formats and abbreviations that are the same in every language.
ALLOWED = {"csv", "xlsx", "json", "geojson", "geopackage", "parquet", "html", "pdf", "cap", "atom"}
ALLOWED |= {
    "gpkg",
    "excel",
    "yyyy",
    "mm",
    "dd",
    "mt",
    "kt",
    "usd",
    "km",
    "nm",
    "hhi",
    "mb",
    "gj",
    "utc",
    "english",
}
OTHERS = ".cx-told, [data-testid=stIconMaterial]"
LATIN = re.compile(r"[A-Za-z][A-Za-z'’-]+")


@pytest.fixture(scope="session")
def names(world: World) -> set[str]:
    """Return the words of names: of who publishes, under which licence, and of ids."""
    texts = [WORDS["attribution"][1], *world.sources["publisher"], *world.sources["licence"]]
    texts += [*world.names, *(zh for _, zh in world.names.values())]
    for feed in feeds().values():
        source = feed.source
        texts += [source.id, source.title, source.publisher, source.licence, *source.needs]
    return {word.lower() for text in texts for word in LATIN.findall(re.sub("[_:]", " ", text))}


def written(visit: Visit) -> str:
    """Return what the page says itself: no drawn icons, and no words of others as they came."""
    visit.page.add_style_tag(content=f"{OTHERS} {{display: none !important}}")
    said: str = visit.page.locator("[data-testid=stMain]").inner_text()
    return said


def test_chinese_page_has_no_english_left(visit: Visit, names: set[str]) -> None:
    if visit.lang != "zh":
        pytest.skip("an English page")
    text = written(visit)
    left = {
        f"{word} in: {line.strip()[:80]}"
        for line in text.splitlines()
        for word in LATIN.findall(re.sub("[_:]", " ", line))
        if word.lower() not in names | ALLOWED
    }
    assert not left, "\n".join(sorted(left))


def test_every_english_sentence_has_its_chinese_one_on_the_page(visit: Visit) -> None:
    if visit.lang != "zh":
        pytest.skip("an English page")
    text = written(visit)
    lines = {line.strip() for line in text.splitlines()}
    said = {en for en, zh in WORDS.values() if en != zh and re.search("[A-Za-z]{2}", en)}
    assert not lines & said


def test_exposure_page_works_by_keyboard(browser: Browser, served: Callable[[str], str]) -> None:
    visit = visited(browser, served("empty"), "exposure", "empty", "en", "light")
    page = visit.page
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label') || ''") == "Importer":
            break
    page.keyboard.type("India")
    page.keyboard.press("Enter")
    page.locator(".cx-verdict", has_text="India").wait_for()
    settled(page)
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "checkbox":
            break
    page.keyboard.press("Space")
    page.wait_for_function("location.search.includes('=True')")
    settled(page)
    assert not visit.wrong
    page.close()
