"""Recorded answers replayed under the publishers' own paths, from the client to the risk table."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner, Result
from werkzeug import Request, Response

from corridors.cli import app

pytestmark = pytest.mark.reference

FILES = {
    "/api/publications/broadcast-warn": "nga_msi/navwarnings.json",
    "/xml/rss.xml": "gdacs/gdacs-rss-24h.xml",
    "/destinations-export": "smartraveller/advisories.json",
    "/api/PublicationPreview/exports/SDN.CSV": "sanctions_ofac/sdn.csv",
    "/api/PublicationPreview/exports/SDN_COMMENTS.CSV": "sanctions_ofac/sdn_comments.csv",
}
TRANSITS = "portwatch/worldmonitor_chokepoint-transit-2026-07.json"
IDS = {"suez": 1, "bab_el_mandeb": 4, "hormuz_strait": 6, "cape_of_good_hope": 7}
HEALTHY = {"nga_warnings", "ofac_sdn", "portwatch_chokepoints", "smartraveller_advice"}
Run = Callable[..., Result]


def transit_rows(path: Path) -> list[dict[str, Any]]:
    held = json.loads(path.read_bytes())["chokepoints"]
    return [
        {
            "date": row["date"],
            "portid": f"chokepoint{IDS[key]}",
            "n_total": row["total"],
            "n_tanker": row["tanker"],
            "n_container": row["container"],
            "capacity": row["capTanker"] + row["capContainer"] + row["capDryBulk"],
        }
        for key, place in held.items()
        for row in place["history"]
    ]


class Publishers:
    """Every publisher at once: recorded bodies by path, and a paging server for the transits."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.rows = folder, transit_rows(folder / TRANSITS)
        self.broken: dict[str, Response] = {}

    def __call__(self, request: Request) -> Response:
        if request.path in self.broken:
            return self.broken[request.path]
        if "Daily_Chokepoints_Data" in request.path:
            return self.page(request)
        if request.path in FILES:
            return Response((self.folder / FILES[request.path]).read_bytes())
        return Response("not here", status=404)

    def page(self, request: Request) -> Response:
        if request.args.get("returnCountOnly") == "true":
            return Response(json.dumps({"count": len(self.rows)}))
        at = int(request.args.get("resultOffset", 0))
        part = self.rows[at : at + 1000]
        body = {
            "features": [{"attributes": row} for row in part],
            "exceededTransferLimit": at + 1000 < len(self.rows),
        }
        return Response(json.dumps(body))


@pytest.fixture
def publishers(
    httpserver: HTTPServer, reference: Path, monkeypatch: pytest.MonkeyPatch
) -> Publishers:
    found = Publishers(reference / "samples")
    # The server lives for the whole session: what is put into it must be taken out again.
    monkeypatch.setattr(httpserver, "dispatch", found)
    return found


@pytest.fixture
def run(tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "news.duckdb"))

    def command(*arguments: str) -> Result:
        base = ["--url-base", httpserver.url_for("").rstrip("/")]
        asked = [*arguments, *(base if "refresh" in arguments else [])]
        return CliRunner().invoke(app, asked, catch_exceptions=False)

    return command


def rows_of(result: Result) -> dict[str, dict[str, Any]]:
    assert result.exit_code == 0, result.output
    return {row["feed"]: row for row in json.loads(result.stdout)["rows"]}


def test_recorded_answers_become_states_events_and_a_sound_store(
    publishers: Publishers, run: Run
) -> None:
    states = rows_of(run("feeds", "refresh", *sorted(HEALTHY), "nhc_storms", "--format", "json"))
    # The recordings are old and say so; what has no recording failed, and stopped nothing.
    assert {f for f, s in states.items() if s["state"] in ("live", "stale")} == HEALTHY
    assert states["nhc_storms"]["state"] == "failed"
    assert "404" in states["nhc_storms"]["fault"]
    assert states["nga_warnings"]["records"] == 449
    assert "5 " in states["nga_warnings"]["skipped"]
    assert states["portwatch_chokepoints"]["records_in"] == len(publishers.rows)
    assert run("store", "check").exit_code == 0
    news = run("events", "--since", "5000d", "--min-severity", "3", "--format", "json")
    assert len(json.loads(news.stdout)["rows"]) > 10


@pytest.mark.parametrize(
    ("body", "status", "fault"),
    [
        (b"<html>sign in</html>", 200, "json"),
        (b"", 200, ""),
        (b'{"broadcast_warn": []}', 200, "key"),
        (b'{"broadcast-warn": [', 200, "json"),
        (b"gone", 410, "410"),
        (b"no", 403, "403"),
    ],
)
def test_a_bad_answer_leaves_the_good_ones_where_they_were(
    publishers: Publishers, run: Run, body: bytes, status: int, fault: str
) -> None:
    path, feed = "/api/publications/broadcast-warn", "nga_warnings"
    before = rows_of(run("feeds", "refresh", feed, "--format", "json"))[feed]
    publishers.broken[path] = Response(body, status=status)
    after = rows_of(run("feeds", "refresh", feed, "--force", "--format", "json"))[feed]
    assert after["state"] == "failed"
    assert fault in after["fault"]
    for same in ("records", "content_as_of", "last_success_at"):
        assert after[same] == before[same]
    assert run("store", "check").exit_code == 0
    news = run("events", "--since", "5000d", "--format", "csv").stdout
    assert news.count("nga_warnings") >= before["records"] - 5


def test_the_threat_is_taken_apart_and_carried_to_the_exposure(
    publishers: Publishers, run: Run
) -> None:
    run("feeds", "refresh", *sorted(HEALTHY), "--format", "json")
    weights = [
        row["weight"]
        for row in json.loads(
            run("risk", "--element", "chokepoint:hormuz", "--why", "--format", "json").stdout
        )["rows"]
    ]
    [row] = json.loads(run("risk", "--element", "chokepoint:hormuz", "--format", "json").stdout)[
        "rows"
    ]
    assert row["covered"]
    assert row["events"] == len(weights)
    assert row["threat"] == pytest.approx(1 - math.prod(1 - w for w in weights))
    command = ("exposure", "-c", "lng", "--risk", "--format", "json")
    exposed = {row["element"]: row for row in json.loads(run(*command).stdout)["rows"]}
    hormuz = exposed["chokepoint:hormuz"]
    assert hormuz["threat_weighted_t"] == pytest.approx(hormuz["quantity_t"] * row["threat"])
