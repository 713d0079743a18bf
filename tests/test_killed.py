"""A refresh and a watch killed at any moment: the store stays sound, what was told stays in it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from typing import Any

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from layers.store import Store

KILLS = int(os.environ.get("CORRIDORS_TEST_KILLS", "20")) // 4
FEED, PATH = "usgs_earthquakes", "/earthquakes/feed/v1.0/summary"
LONGEST_S = 0.3  # from the first question past the commit, as seen


def earthquakes(n: int) -> str:
    """Return a list of the USGS with so many earthquakes."""
    said = {"mag": 5.4, "place": "Here", "time": 1787000000000, "updated": 1787000500000}
    said |= {"status": "reviewed", "tsunami": 0, "type": "earthquake", "alert": None}
    features = [
        {
            "type": "Feature",
            "id": f"us{i}",
            "properties": {**said, "ids": f",us{i},", "title": f"M 5.4 - {i}"},
            "geometry": {"type": "Point", "coordinates": [29.1, 41.2, 10.0]},
        }
        for i in range(n)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


class Publisher:
    """Tells as many earthquakes as it is set to, and when it was first asked."""

    def __init__(self) -> None:
        self.many, self.asked = 20, threading.Event()

    def week(self, _: Request) -> Response:
        self.asked.set()
        return Response(earthquakes(self.many))

    def month(self, _: Request) -> Response:
        return Response(earthquakes(0))


def publishing(httpserver: HTTPServer) -> Publisher:
    publisher = Publisher()
    for name, answer in (("4.5_week", publisher.week), ("significant_month", publisher.month)):
        httpserver.expect_request(f"{PATH}/{name}.geojson").respond_with_handler(answer)
    return publisher


def uids(store: Store) -> set[str]:
    return set(store.events()["event_uid"])


def test_a_refresh_killed_at_any_moment_loses_nothing(httpserver: HTTPServer, home: str) -> None:
    publisher, store = publishing(httpserver), Store(home)
    command = [sys.executable, "-m", "corridors", "feeds", "refresh", FEED, "--force"]
    command += ["--store", store.place, "--url-base", httpserver.url_for("").rstrip("/")]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, check=True, **quiet)
    committed = uids(store)
    assert len(committed) == publisher.many
    moments, before, after = random.Random(11), 0, 0
    for _ in range(KILLS):
        publisher.many += 10
        publisher.asked.clear()
        with subprocess.Popen(command, **quiet) as child:
            assert publisher.asked.wait(30)
            time.sleep(moments.uniform(0, LONGEST_S))
            child.kill()
        assert store.check() == []
        found = uids(store)
        assert found in (committed, {f"{FEED}:us{i}" for i in range(publisher.many)})
        before, after = before + (found == committed), after + (found != committed)
        committed = found
    subprocess.run(command, check=True, **quiet)
    assert len(uids(store)) == publisher.many
    print(f"{before} killed before the commit, {after} after it")


def test_a_watch_killed_at_any_moment_keeps_what_it_told(httpserver: HTTPServer, home: str) -> None:
    """It asks and judges about once a second, so it is killed in its first look and later ones."""
    publisher, store = publishing(httpserver), Store(home)
    httpserver.no_handler_status_code = 404  # every other publisher answers, and has nothing
    command = [sys.executable, "-m", "corridors", "watch", "--every", "0m", "--warn", "IND"]
    command += ["--store", store.place, "--url-base", httpserver.url_for("").rstrip("/")]
    moments, took, judged = random.Random(13), 0.0, 0
    for _ in range(1 + KILLS // 2):
        began = time.monotonic()
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as child:
            assert child.stderr is not None
            told = 0
            while not took:  # the first one is left alone until it has judged
                line = child.stderr.readline()
                assert line, "it ended by itself"
                told += "warning log" in line
                took = told * (time.monotonic() - began)
            killer = threading.Timer(moments.uniform(0, 2 * took), child.kill)
            killer.start()
            told += sum("warning log" in line for line in child.stderr)
            killer.join()
        assert store.check() == []
        runs = list(store.log()["kind"]).count("run")
        # One more than told may lie there: written, and killed before the word of it.
        assert judged + told <= runs <= judged + told + 1
        judged = runs
        assert uids(store) == {f"{FEED}:us{i}" for i in range(publisher.many)}
    assert judged
