"""How long a reader waits for the app in a real Chromium, and how much is sent to them.

Nothing is asserted about time. Software rendering, no cache in the browser; server and browser
share the cores of this machine, as they do on a reader's own.

*First map* is from asking for the address until the map has drawn everything (``data-ready``). A
cold server is a process that answered its first request for health just now: by ``streamlit run``
nothing of the app has run in it yet, by ``python -m corridors.ui run`` the world is being read.
*Rerun* is from the key that chooses an importer until the verdict is another one and no script
runs; *slider* from the key until the figures are others, and until the map below is drawn anew.
*Payload* is what a first map needs, HTTP bodies and websocket frames, each as gzip packs it: a
server of a team compresses, Streamlit alone sends its own programs as they are.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from corridors.ui import sentences
from corridors.ui.answer import importers_of
from corridors.ui.words import word
from tests.serving import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Response

    from layers.world import World

pytestmark = pytest.mark.browser

WAIT_MS, REST_MS = 90_000, 1500
# Whose lanes a step at the chokepoint changes; where none does, there is no new map to wait for.
CHINA = "importer=CHN&commodity=crude_oil"
WHOSE = {"panama": "importer=JPN&commodity=lng"}
WHOSE |= dict.fromkeys(("malacca", "bab_el_mandeb", "hormuz"), CHINA)
READY = '.cx-map[data-ready="1"]'
RESTS = "[data-testid=stApp][data-test-script-state=notRunning]"
CHANGED = """([rests, before]) => document.querySelector(rests)
  && document.querySelector(".cx-verdict").innerText !== before"""
# The map has new lanes once their source is loaded and a frame of them was drawn.
WATCH = """() => {
  const map = document.querySelector(".cx-map").map;
  // With the conditions above them, in the same message: they change even if no figure does.
  const figures = () => document.querySelector(".wi-kpis")?.parentElement.innerText;
  const before = figures();
  const told = window.told = {};
  const now = () => performance.now() - told.key;
  document.addEventListener("keydown", () => { told.key ??= performance.now(); },
    { capture: true, once: true });
  const all = new MutationObserver(() => {
    if (figures() === before) return;
    told.figures ??= now();
    all.disconnect();
  });
  const lanes = (event) => {
    if (event.sourceId !== "chokepoints" && event.sourceId !== "moved") return;
    if (!told.key || !map.isSourceLoaded("moved") || !map.isSourceLoaded("chokepoints")) return;
    map.off("sourcedata", lanes);
    map.once("render", () => { told.map = now(); });
  };
  map.on("sourcedata", lanes);
  all.observe(document.body, { childList: true, subtree: true, characterData: true });
}"""


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium)
        yield opened
        opened.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Yield the maker of a page with an empty cache; the one before is closed."""
    with ExitStack() as stack:

        def make() -> Page:
            stack.close()
            context = browser.new_context(
                viewport={"width": 1300, "height": 900}, locale="en-US", color_scheme="light"
            )
            stack.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(WAIT_MS)
            return page

        yield make


def first_map(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(READY).wait_for()


def said(benchmark: Any, *, scale: float = 1.0) -> str:
    stats = benchmark.stats.stats
    return f"{scale * stats.median:.3g}, best {scale * stats.min:.3g}"


@pytest.mark.parametrize("program", ["streamlit", "corridors.ui"])
def test_first_map_on_a_cold_server(
    benchmark: Any, measured: Any, tmp_path: Path, new_page: Callable[[], Page], program: str
) -> None:
    count = cycle(range(1000))
    with ExitStack() as running:

        def fresh() -> tuple[tuple[Page, str], dict[str, Any]]:
            running.close()
            store = tmp_path / f"{next(count)}.duckdb"
            served = serving(store, store.with_suffix(".log"), program=program)
            return (new_page(), running.enter_context(served)), {}

        benchmark.pedantic(first_map, setup=fresh, rounds=2)
    found = f"{said(benchmark)} s"
    measured.say(f"first map, server just started by python -m {program}", "< 5 s", found)


def test_first_map_on_a_warm_server(
    benchmark: Any, measured: Any, streamlit_server: str, new_page: Callable[[], Page]
) -> None:
    def fresh() -> tuple[tuple[Page, str], dict[str, Any]]:
        return (new_page(), streamlit_server), {}

    benchmark.pedantic(first_map, setup=fresh, rounds=4, warmup_rounds=1)
    measured.say("first map, server used before", "< 5 s", f"{said(benchmark)} s")


def test_payload_of_a_first_map(
    benchmark: Any, measured: Any, streamlit_server: str, new_page: Callable[[], Page]
) -> None:
    page = new_page()
    answers: list[Response] = []
    frames: list[bytes] = []
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")

    def came(answer: Response) -> None:  # Playwright takes no method of a list
        answers.append(answer)

    def framed(event: dict[str, Any]) -> None:
        frame = event["response"]
        data = frame["payloadData"]
        frames.append(base64.b64decode(data) if frame["opcode"] == 2 else data.encode())

    page.on("response", came)
    wire.on("Network.webSocketFrameReceived", framed)
    benchmark.pedantic(first_map, args=(page, streamlit_server), rounds=1)
    page.wait_for_timeout(REST_MS)
    bodies = [answer.body() for answer in answers if answer.ok]
    whole = {"http": bodies, "websocket": frames}
    sizes = {f"{n}_MB": sum(map(len, parts)) / 1e6 for n, parts in whole.items()}
    packed = {
        f"{n}_gzip_MB": sum(len(gzip.compress(p, 6)) for p in parts) / 1e6
        for n, parts in whole.items()
    }
    assert all(size > 0 for size in packed.values())
    benchmark.extra_info |= sizes | packed
    found = f"{sum(packed.values()):.2f} MB, of {sum(sizes.values()):.1f} MB not compressed"
    measured.say("payload of a first map, nothing in the cache", "< 4 MB compressed", found)


@pytest.mark.parametrize("asked", ["never before", "before"])
def test_rerun_after_another_importer(
    benchmark: Any,
    measured: Any,
    streamlit_server: str,
    new_page: Callable[[], Page],
    world: World,
    asked: str,
) -> None:
    page = new_page()
    first_map(page, streamlit_server)
    page.locator(RESTS).wait_for()
    whole = [sentences.place(world, i, "en") for i in importers_of(world)]
    # Large importers, which have most to count, apart from the one the page begins with.
    names = cycle(whole[4:14] if asked == "never before" else whole[14:16])
    box = page.get_by_role("combobox", name=word("importer", "en"))

    def typed() -> tuple[tuple[str], dict[str, Any]]:
        page.wait_for_timeout(REST_MS)
        before = page.locator(".cx-verdict").first.inner_text()
        name = next(names)
        box.click()
        box.fill(name)
        page.get_by_role("option", name=name, exact=True).first.wait_for()
        return (before,), {}

    def choose(before: str) -> None:
        box.press("Enter")
        page.wait_for_function(CHANGED, arg=[RESTS, before], polling=10)

    if asked == "before":
        for _ in range(2):
            choose(*typed()[0])
    benchmark.pedantic(choose, setup=typed, rounds=8)
    measured.say(
        f"rerun after an importer asked for {asked}", "< 300 ms", f"{said(benchmark, scale=1e3)} ms"
    )


@pytest.mark.parametrize("chokepoint", WHOSE)
def test_slider(
    benchmark: Any,
    measured: Any,
    streamlit_server: str,
    new_page: Callable[[], Page],
    chokepoint: str,
) -> None:
    page = new_page()
    page.set_viewport_size({"width": 1300, "height": 2000})  # the map too is on the screen
    page.goto(f"{streamlit_server}/whatif?close=chokepoint:{chokepoint}&{WHOSE[chokepoint]}")
    page.locator(READY).wait_for()
    slider = page.locator("[data-testid=stSlider] input").first
    told: list[dict[str, float]] = []

    def rested() -> None:
        page.locator(RESTS).wait_for()
        page.wait_for_timeout(REST_MS)
        slider.focus()
        page.evaluate(WATCH)

    def step() -> None:
        slider.press("ArrowLeft")
        page.wait_for_function("() => window.told.figures && window.told.map", polling=10)
        told.append(page.evaluate("window.told"))

    benchmark.pedantic(step, setup=rested, rounds=7, warmup_rounds=2)
    for name, aim in (("figures", 150), ("map", 350)):
        found = sorted(t[name] for t in told[2:])
        benchmark.extra_info[f"{name}_ms"] = [round(ms) for ms in found]
        text = f"{found[len(found) // 2]:.0f}, best {found[0]:.0f} ms"
        measured.say(f"slider at {chokepoint} to new {name} in the browser", f"< {aim} ms", text)
