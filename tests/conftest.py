from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from corridors.network import Network, Tariff
    from layers.sea import SeaGraph
    from layers.world import World

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT_S = 60.0
STOP_LIMIT_S = 10.0


def reference_folder() -> Path:
    """Return where material to compare with lies: $CORRIDORS_REFERENCE, or beside the checkout."""
    return Path(os.environ.get("CORRIDORS_REFERENCE", ROOT.parent / "shared"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what is marked `reference` on a machine that holds nothing to compare with."""
    if reference_folder().is_dir():
        return
    skip = pytest.mark.skip(reason=f"no reference material at {reference_folder()}")
    for item in items:
        if item.get_closest_marker("reference"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """Return the files git holds, and new ones it would take, from ROOT; or skip without git."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git or no git checkout, so it is unknown which files belong to it")
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    command += ["--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    names = (Path(name) for name in listed.stdout.split("\0") if name)
    return [name for name in names if (ROOT / name).is_file()]


@pytest.fixture(scope="session")
def reference() -> Path:
    """Return the folder with the reference material, or skip."""
    if not reference_folder().is_dir():
        pytest.skip(f"no reference material at {reference_folder()}")
    return reference_folder()


@pytest.fixture(scope="session")
def world() -> World:
    """Return the world of data/, read and checked once for all tests."""
    import layers

    return layers.load_world()


@pytest.fixture(scope="session")
def sea(world: World) -> SeaGraph:
    """Return the sea graph of the world of data/."""
    from layers.sea import load_sea_graph

    return load_sea_graph(world.sea_links)


@pytest.fixture(scope="session")
def network(world: World, sea: SeaGraph) -> Network:
    """Return the gate graph of the world of data/, measured anew."""
    from corridors.network import build_network

    return build_network(world, sea)


@pytest.fixture(scope="session")
def tariffs(world: World, network: Network) -> dict[str, Tariff]:
    """Return what every ship class of the world of data/ pays."""
    from corridors.tariff import ship_tariffs

    return ship_tariffs(world, network)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium ($CHROMIUM goes first), or skip."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, filter(None, names))), None)
    if found is None:
        pytest.skip("no Chromium on this machine: install chromium, or set CHROMIUM to its path")
    return found


@pytest.fixture(scope="session")
def streamlit_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve app.py as a reader would get it and yield its address.

    Fails when the app does not come up, and at the end when its log holds a traceback: Streamlit
    shows an error on the page and goes on, so nothing else would notice.
    """
    log = tmp_path_factory.mktemp("streamlit") / "log.txt"
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    options = ["--server.address=127.0.0.1", f"--server.port={port}", "--server.headless=true"]
    with (
        log.open("w") as out,
        subprocess.Popen(
            command + options,
            cwd=ROOT,
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_healthy(server: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    # No proxy: the server is on this machine, whatever the environment says about the world.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"the app ended at once:\n{log.read_text()}")
        try:
            with opener.open(f"{address}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the app did not answer within {START_LIMIT_S:.0f} s:\n{log.read_text()}")


def _stop(server: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        if server.poll() is None:
            os.killpg(server.pid, how)
            try:
                server.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                continue
