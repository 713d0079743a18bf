"""A refresh killed at any moment: the store stays sound and no committed event goes missing."""

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


def uids(store: Store) -> set[str]:
    return set(store.events()["event_uid"])


def test_a_refresh_killed_at_any_moment_loses_nothing(httpserver: HTTPServer, home: str) -> None:
    publisher, store = Publisher(), Store(home)
    httpserver.expect_request(f"{PATH}/4.5_week.geojson").respond_with_handler(publisher.week)
    httpserver.expect_request(f"{PATH}/significant_month.geojson").respond_with_handler(
        publisher.month
    )
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
