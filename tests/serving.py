"""The app as a reader gets it: served by a process of its own, and looked at in a browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes import free_port

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parent.parent
STOP_LIMIT_S = 10.0
PATIENCE_S = 180
"""How long the app and its pages are waited for, seconds: enough on a slow, busy machine."""
REST_MS = 500
# Streamlit's own command under a clock that starts at a moment, for pictures of a day in the past.
CLOCKED = """
import sys, time_machine
from datetime import datetime
time_machine.travel(datetime.fromisoformat(sys.argv.pop(1)), tick=True).start()
from streamlit.web.cli import main
main()
"""


@contextmanager
def serving(
    store: Path, log: Path, *, at: datetime | None = None, program: str = "corridors.ui"
) -> Iterator[str]:
    """Serve app.py and yield its address.

    Fails when the app does not come up, and at the end when its log holds a traceback: Streamlit
    shows an error on the page and goes on, so nothing else would notice.

    Parameters
    ----------
    store
        The file of what the feeds said; it need not be there.
    log
        The file the app's own output goes to.
    at
        What the app takes the time to be, UTC; None for the time it is.
    program
        What runs app.py: our own, or ``streamlit``.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    clocked = ["-c", CLOCKED, at.isoformat()] if at else ["-m", program]
    command = [sys.executable, *clocked, "run", "app.py"]
    options = ["--server.address=127.0.0.1", f"--server.port={port}", "--server.headless=true"]
    with (
        log.open("w") as out,
        subprocess.Popen(
            command + options,
            cwd=ROOT,
            env={"MALLOC_ARENA_MAX": "2", **os.environ, "CORRIDORS_STORE": str(store)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, so that nothing outlives the tests
        ) as server,
    ):
        try:
            _wait_until_healthy(server, address, log)
            yield address
        finally:
            _stop(server)
    written = log.read_text()
    assert "Traceback" not in written, f"the app raised while it was used:\n{written[-4000:]}"


@contextmanager
def watched(chromium: str, address: str, width: int, height: int) -> Iterator[Page]:
    """Yield an empty page of a browser; fail on a script's error or a request leaving the server.

    Parameters
    ----------
    chromium
        Path of the browser.
    address
        Of the server.
    width, height
        Of the page, pixels.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    own = (address, address.replace("http", "ws"), "data:", "blob:")
    wrong: list[str] = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": width, "height": height}, locale="en-US")
        page.set_default_timeout(PATIENCE_S * 1000)
        page.on("request", lambda r: None if r.url.startswith(own) else wrong.append(r.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield page
        browser.close()
    assert not wrong


def settled(page: Page, pause_ms: int = REST_MS) -> None:
    """Wait until the app has had nothing to do for a while, however long it takes to get there."""
    page.evaluate("window.restingSince = null")
    page.wait_for_function(
        """pause => {
        const app = document.querySelector('[data-testid=stApp]');
        const rests = app?.dataset.testScriptState === 'notRunning';
        window.restingSince = rests ? window.restingSince ?? performance.now() : null;
        return rests && performance.now() - window.restingSince > pause; }""",
        arg=pause_ms,
    )


def _wait_until_healthy(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    # No proxy: the server is on this machine, whatever the environment says about the world.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the app ended at once:\n{log.read_text()}"
        try:
            with opener.open(f"{address}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the app did not answer in {PATIENCE_S} s:\n{log.read_text()}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        if server.poll() is None:
            os.killpg(server.pid, how)
            try:
                server.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                continue
