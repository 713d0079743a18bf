"""Many readers at once: does anything fail, does each see their own scenario, does memory grow?

Nothing is asserted about time, nor about memory. Readers are no browsers, of which two cores could
not run twenty, but speak Streamlit's own protocol over a websocket: each goes through the pages,
chooses importers and commodities and moves the slider of the what-if, with pauses as people make
them. Faults are errors drawn on a page, runs that did not end as they should, answers that did not
come, and connections lost.

Memory is the server's resident set every 5 s. Caches fill in the beginning, up to their bounds;
*grown* compares the last minute with the minute after the first (of a short run: its last fifth
with its second).

``CORRIDORS_LOAD_S=300`` gives the full run of five minutes; by default it takes 40 s, so that
``make bench`` comes to an end. ``CORRIDORS_LOAD_READERS=1,10,50`` tries so many readers one after
another; by default there are 20. ``CORRIDORS_LOAD_APPS=2`` deals them out to so many servers, each
reader to one, as the proxy of compose.yaml does; seconds and memory are of all servers together.
Waits are by the clock, so whatever else runs on the machine is in them; seconds of the servers'
processor a run are not.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import statistics
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from corridors.ui import sentences
from corridors.ui.answer import importers_of
from corridors.ui.words import word
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from layers.world import World

    Servers = Mapping[str, psutil.Process]

SECONDS = float(os.environ.get("CORRIDORS_LOAD_S", "40"))
READERS = [int(n) for n in os.environ.get("CORRIDORS_LOAD_READERS", "20").split(",")]
APPS = int(os.environ.get("CORRIDORS_LOAD_APPS", "1"))
PAUSE_S = (4.0, 16.0)
SAMPLE_S, MINUTE_S, ANSWER_S = 5.0, 60.0, 120.0
PAGES = ("", "exposure", "whatif", "warnings", "data")
LARGEST = 25
GOOD = {
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
    ForwardMsg.FINISHED_EARLY_FOR_RERUN,
}


@dataclass
class Seen:
    """What all readers met."""

    waits_ms: dict[str, list[float]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    bytes: int = 0

    def waited(self, what: str, ms: float) -> None:
        self.waits_ms.setdefault(what, []).append(ms)


class Reader:
    """One session: the widgets on the page, the pages there are, the address."""

    def __init__(self, address: str, seen: Seen) -> None:
        host = urlsplit(address).netloc
        self.address, self.seen = f"ws://{host}/_stcore/stream", seen
        self.widgets: dict[tuple[str, str], Any] = {}
        self.fragments: dict[str, str] = {}
        self.pages: dict[str, str] = {}
        self.page = self.query = ""
        self._kept: dict[str, ForwardMsg] = {}
        self._socket: Any = None

    async def open(self) -> None:
        from websockets.asyncio.client import connect

        self._socket = await connect(
            self.address,
            subprotocols=["streamlit"],
            max_size=None,
            proxy=None,  # type: ignore[list-item]
        )
        await self.run("open")

    async def close(self) -> None:
        await self._socket.close()

    async def go(self, page: str) -> None:
        """Change to another page."""
        self.page, self.query = self.pages[page], ""
        self.widgets.clear()
        await self.run(f"page {page or 'map'}")

    async def choose(self, kind: str, label: str, chosen: str | float, what: str) -> None:
        """Set a widget to what is chosen, as a browser would."""
        widget = self.widgets[kind, label]
        message = BackMsg()
        state = message.rerun_script.widget_states.widgets.add(id=widget.id)
        if isinstance(chosen, str):
            state.string_value = chosen
        else:
            state.double_array_value.data.append(chosen)
        await self.run(what, message, self.fragments.get(widget.id, ""))

    async def run(self, what: str, message: BackMsg | None = None, fragment: str = "") -> None:
        """Ask for a run of the page and take in what it sends, to its end."""
        message = message or BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_script_hash = self.query, self.page
        asked.fragment_id = fragment
        asked.context_info.locale, asked.context_info.timezone = "en-US", "UTC"
        begun = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        while True:
            raw = await asyncio.wait_for(self._socket.recv(), ANSWER_S)
            self.seen.bytes += len(raw)
            if self._take(self._whole(ForwardMsg.FromString(raw)), what):
                break
        self.seen.waited(what, 1e3 * (time.perf_counter() - begun))

    def _whole(self, message: ForwardMsg) -> ForwardMsg:
        """The message itself where only its hash came."""
        if message.WhichOneof("type") == "ref_hash":
            return self._kept[message.ref_hash]
        if message.metadata.cacheable:
            self._kept[message.hash] = message
        return message

    def _take(self, message: ForwardMsg, what: str) -> bool:
        """Whether the run has ended."""
        kind = message.WhichOneof("type")
        if kind == "delta":
            self._drawn(message.delta, what)
        elif kind == "navigation":
            pages = message.navigation.app_pages
            self.pages = {p.url_pathname: p.page_script_hash for p in pages if not p.is_default}
            self.pages |= {"": next(p.page_script_hash for p in pages if p.is_default)}
            self.page = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "page_not_found":
            self.seen.faults.append(f"{what}: page not found")
        elif kind == "script_finished":
            if message.script_finished not in GOOD:
                self.seen.faults.append(f"{what}: ended with {message.script_finished}")
            return message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        return False

    def _drawn(self, delta: Any, what: str) -> None:
        if delta.WhichOneof("type") != "new_element":
            return
        kind = delta.new_element.WhichOneof("type")
        element = getattr(delta.new_element, kind)
        if kind == "exception":
            self.seen.faults.append(f"{what}: {element.type}: {element.message[:200]}")
        elif getattr(element, "id", "") and hasattr(element, "label"):
            self.widgets[kind, element.label] = element
            self.fragments[element.id] = delta.fragment_id


async def read(
    reader: Reader,
    number: int,
    others: int,
    names: Sequence[str],
    goods: Sequence[str],
    until: float,
) -> None:
    """Click until it is time; every slider is moved to a place of this reader's own."""
    dice = random.Random(number)
    importer, commodity = word("importer", "en"), word("commodity", "en")
    try:
        await asyncio.sleep(dice.uniform(0, PAUSE_S[0]))
        await reader.open()
        places = count()
        while time.monotonic() < until:
            await asyncio.sleep(dice.uniform(*PAUSE_S))
            page = dice.choice(PAGES)
            if dice.random() < 0.4 or ("selectbox", importer) not in reader.widgets:
                await reader.go(page)
                continue
            sliders = [label for kind, label in reader.widgets if kind == "slider"]
            if sliders and dice.random() < 0.7:
                await _slide(reader, sliders[0], own_place(number, next(places), others))
            elif dice.random() < 0.5 and ("selectbox", commodity) in reader.widgets:
                await reader.choose("selectbox", commodity, dice.choice(goods), "commodity")
            else:
                await reader.choose("selectbox", importer, dice.choice(names), "importer")
        await reader.close()
    except Exception as error:  # whatever goes wrong for a reader is what is counted here
        reader.seen.faults.append(f"reader {number}: {type(error).__name__}: {error}")


def own_place(number: int, step: int, readers: int) -> int:
    """A place of the slider, %, that in any one round no other reader takes."""
    return 1 + (number + step * readers) % 99


async def _slide(reader: Reader, label: str, place: int) -> None:
    await reader.choose("slider", label, place, "slider")
    rule = parse_qs(reader.query).get("rule", [""])[0]
    lost = re.search(r"~l([0-9.]+)", rule)
    if lost is None or round(100 * float(lost.group(1))) != place:
        reader.seen.faults.append(f"slider set to {place} %, and the scenario is {rule or 'none'}")


async def load(servers: Servers, world: World, seen: Seen, count: int) -> list[float]:
    """Let all readers read; resident set of the servers, MB, every 5 s."""
    addresses = list(servers)
    names = [sentences.place(world, i, "en") for i in importers_of(world)][:LARGEST]
    goods = [world.name(c, "en") for c in world.commodities["commodity"]]
    until, memory = time.monotonic() + SECONDS, list[float]()
    readers = [
        asyncio.create_task(
            read(Reader(addresses[n % len(addresses)], seen), n, count, names, goods, until)
        )
        for n in range(count)
    ]
    while time.monotonic() < until:
        memory.append(sum(server.memory_info().rss for server in servers.values()) / 1e6)
        await asyncio.sleep(SAMPLE_S)
    await asyncio.gather(*readers)
    return memory


def server_at(address: str) -> psutil.Process:
    port = f"--server.port={urlsplit(address).port}"
    found = psutil.Process().children(recursive=True)
    return next(child for child in found if port in child.cmdline())


def busy_s(servers: Servers) -> float:
    """Seconds of the processor that the servers have had."""
    return sum(sum(server.cpu_times()[:2]) for server in servers.values())


@pytest.fixture(scope="module")
def servers(streamlit_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("more")
    with ExitStack() as more:
        addresses = [streamlit_server]
        addresses += [
            more.enter_context(serving(folder / "none.duckdb", folder / f"app{n}.txt"))
            for n in range(1, APPS)
        ]
        yield {address: server_at(address) for address in addresses}


@pytest.mark.parametrize("count", READERS)
def test_many_readers(
    benchmark: Any, measured: Any, servers: Servers, world: World, count: int
) -> None:
    pytest.importorskip("websockets")
    seen, memory, before = Seen(), list[float](), busy_s(servers)

    def run() -> None:
        memory.extend(asyncio.run(load(servers, world, seen, count)))

    benchmark.pedantic(run, rounds=1)
    cpu = busy_s(servers) - before
    part = max(1, round(min(MINUTE_S, SECONDS / 5) / SAMPLE_S))
    first, last = statistics.median(memory[part : 2 * part]), statistics.median(memory[-part:])
    waits = [ms for found in seen.waits_ms.values() for ms in found]
    benchmark.extra_info |= {
        "readers": count,
        "servers": len(servers),
        "server_cpu_s": round(cpu, 1),
        "seconds": SECONDS,
        "runs": len(waits),
        "faults": Counter(seen.faults),
        "memory_MB": [round(mb) for mb in memory],
        "grown_MB": round(last - first, 1),
        "sent_MB": round(seen.bytes / 1e6, 1),
        "median_wait_ms": {k: round(statistics.median(v)) for k, v in seen.waits_ms.items()},
    }
    who = f"{count} readers, {len(servers)} server(s), {SECONDS:.0f} s"
    measured.say(f"{who}: runs of a page, faults", "0 faults", f"{len(waits)}, {len(seen.faults)}")
    found = f"{first:.0f} MB, then {last:.0f} MB"
    measured.say(f"{who}: memory of the server, early and at the end", "flat", found)
    each = f"{cpu:.0f} s, {1e3 * cpu / len(waits):.0f} ms, {seen.bytes / len(waits) / 1e3:.0f} kB"
    measured.say(f"{who}: processor of the server; of it a run, and sent", "–", each)
    middle, slow = statistics.median(waits), sorted(waits)[int(0.95 * len(waits))]
    measured.say(f"{who}: wait, median and 19 in 20", "–", f"{middle:.0f} ms, {slow:.0f} ms")
    assert not seen.faults, "\n".join(seen.faults[:20])
