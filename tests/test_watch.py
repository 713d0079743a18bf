"""``corridors watch`` asks until it is told to stop, and then stops clean."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from pytest_httpserver import HTTPServer

from layers.store import Store


def test_it_judges_levels_and_stops_clean_when_told(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.no_handler_status_code = 404  # every publisher answers, none has anything
    store = Store(tmp_path / "news.duckdb")
    command = [sys.executable, "-m", "corridors", "watch", "--store", str(store.path)]
    command += ["--url-base", httpserver.url_for("").rstrip("/"), "--warn", "IND"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stderr is not None
        looked, judged = child.stderr.readline(), child.stderr.readline()
        child.send_signal(signal.SIGTERM)
        rest, _ = child.communicate(timeout=300)
    assert "failed" in looked
    assert "0 new entries of the warning log" in judged
    assert list(store.log()["kind"]) == ["run"]
    assert child.returncode == 0
    assert rest == ""  # talk is on standard error, and there is no data
    assert store.check() == []
    assert all(facts.consecutive_failures for facts in store.states().values())


def test_a_store_that_cannot_be_used_is_told_and_tried_again_later(tmp_path: Path) -> None:
    place = tmp_path / "news.duckdb"
    place.write_bytes(b"no store" * 1000)
    command = [sys.executable, "-m", "corridors", "watch", "--store", str(place)]
    with subprocess.Popen(
        [*command, "--url-base", "http://127.0.0.1:9", "--warn", "IND"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr is not None
        said = [child.stderr.readline() for _ in range(2)]  # of the look, and of the monitor
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=300)
    assert all(line.startswith("corridors: ") and "news.duckdb" in line for line in said)
    assert child.returncode == 0
    assert place.read_bytes() == b"no store" * 1000
