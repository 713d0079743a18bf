"""The commands of early warning, on simulated traffic in a store of their own."""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import time_machine
from defusedxml import ElementTree
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner, Result
from werkzeug import Request, Response

from corridors.cli import app, bulletins, options
from corridors.risk.desk import alerts_of
from corridors.whatif.engine import Engine
from layers.errors import CorridorsError
from layers.store import Store
from layers.tables import READERS

Run = Callable[..., Result]
FIRST, BREAK, NOW = date(2023, 1, 1), date(2026, 3, 1), datetime(2026, 3, 10, 18, tzinfo=UTC)
USUAL = {"chokepoint6": (90, 40_000), "chokepoint1": (60, 45_000)}
REFERENCE = "analytical reference, not an official warning"


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three usual years of two passages, then Hormuz shut for nine days, as a portal file."""
    random = np.random.default_rng(3)
    days = (date(2026, 3, 8) - FIRST).days + 1
    rows = []
    for place, (mean, tonnes) in USUAL.items():
        for n in range(days):
            day = FIRST + timedelta(days=n)
            shut = place == "chokepoint6" and day >= BREAK
            ships = 3 if shut else int(random.negative_binomial(60, 60 / (60 + mean)))
            row: dict[str, Any] = {"date": f"{day} 00:00:00+00:00", "portid": place}
            row |= {"year": day.year, "month": day.month, "day": day.day, "portname": place}
            row |= {"n_total": ships, "n_tanker": ships, "capacity": ships * tonnes}
            rows.append(row | {"capacity_tanker": ships * tonnes})
    classes = ("container", "dry_bulk", "general_cargo", "roro", "cargo")
    names = [*rows[0], *(f"n_{c}" for c in classes), *(f"capacity_{c}" for c in classes)]
    place = tmp_path_factory.mktemp("history") / "portal.csv"
    with place.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    at = datetime(2026, 3, 10, 15, tzinfo=UTC).timestamp()
    os.utime(place, (at, at))  # when it was downloaded
    return place


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, history: Path, engine: Engine
) -> Iterator[Run]:
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "log.duckdb"))
    for module in (options, bulletins):
        monkeypatch.setattr(module, "calm_engine", lambda _: engine)
    for name in ("CORRIDORS_WEBHOOK", "CORRIDORS_WEBHOOK_SECRET", "CORRIDORS_SENDER"):
        monkeypatch.delenv(name, raising=False)

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), catch_exceptions=False)

    with time_machine.travel(NOW, tick=False):
        assert command("feeds", "import", str(history)).exit_code == 0
        yield command


@pytest.fixture
def warned(run: Run) -> str:
    """Id of India's warning on LNG by Hormuz."""
    found = run("warn", "run", "-i", "IND", "-i", "CHN", "--format", "json")
    assert found.exit_code == 0
    rows = json.loads(found.stdout)["rows"]
    (id,) = [r["id"] for r in rows if (r["importer"], r["commodity"]) == ("IND", "lng")]
    return str(id)


def rows_of(result: Result) -> list[dict[str, str]]:
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout.removeprefix("\ufeff"))))


def test_one_strait_is_red_for_one_importer_and_blue_for_another(run: Run) -> None:
    rows = rows_of(run("warn", "run", "-i", "IND", "-i", "CHN", "--format", "csv"))
    by = {(r["importer"], r["commodity"], r["element"]): r for r in rows}
    assert by["IND", "lng", "chokepoint:hormuz"]["level"] == "red"
    assert by["CHN", "crude_oil", "chokepoint:hormuz"]["level"] == "blue"
    assert ("CHN", "soybeans", "chokepoint:hormuz") not in by
    assert not [key for key in by if key[2] == "chokepoint:suez"]
    assert {r["message"] for r in rows} == {"Alert"}
    assert rows[0]["level"] == "red"  # the gravest first


def test_a_run_on_the_same_data_says_nothing_new(run: Run, warned: str) -> None:
    again = run("warn", "run", "-i", "IND", "-i", "CHN", "--format", "csv")
    assert rows_of(again) == []
    assert "run of 2026-03-10 18:00Z on traffic 2026-03-08" in run("warn", "list").stdout


def test_old_traffic_raises_nothing_and_says_so(run: Run) -> None:
    with time_machine.travel(NOW + timedelta(days=60), tick=False):
        found = run("warn", "run", "-i", "IND")
    assert "0 new entries" in found.stdout
    assert "is old: nothing raised or lowered there" in found.stdout


def test_list_show_ack_and_feedback(run: Run, warned: str) -> None:
    assert [r["id"] for r in rows_of(run("warn", "list", "--level", "red", "-f", "csv"))] == [
        warned
    ]
    assert rows_of(run("warn", "list", "-i", "JPN", "-f", "csv")) == []
    shown = json.loads(run("warn", "show", warned, "-f", "json").stdout)
    fields = {r["field"]: r["value"] for r in shown["rows"]}
    assert fields["level"] == "4"
    assert float(fields["impact.short_share"]) > 0.15
    assert any("3.0 ships a day in the week" in e["text"] for e in shown["evidence"])
    done = run("warn", "ack", warned, "--reader", "embassy", "--who", "duty officer")
    assert (done.exit_code, "acknowledged by embassy" in done.stderr) == (0, True)
    run("warn", "ack", warned, "--reader", "enterprise", "--verdict", "true")
    answers = json.loads(run("warn", "show", warned, "-f", "json").stdout)["answers"]
    assert [a["reader"] for a in answers] == ["embassy", "enterprise"]
    card = json.loads(run("warn", "scorecard", "-f", "json").stdout)
    assert {f["reader"]: f["true"] for f in card["feedback"]}["enterprise"] == 1


def test_what_does_not_exist_is_a_usage_error(
    run: Run, warned: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, said in (
        (("warn", "show", warned[:-1] + "9"), warned),
        (("warn", "run", "-i", "CHX"), "CHN"),
        (("warn", "list", "--level", "purple"), "purple"),
        (("warn", "review", "chokepoint:hormus", "--decision", "confirm"), "chokepoint:hormuz"),
        (("replay", "--from", "2026-03-05", "--to", "2026-03-01"), "before"),
        (("replay", "--from", "yesterday", "--to", "2026-03-01"), "no day"),
        (("bulletin", warned, "--reader", "all"), "need a place"),
        (("bulletin", warned, "--format", "pdf"), "need a place"),
    ):
        with pytest.raises(CorridorsError, match=said):
            run(*arguments)


@pytest.mark.parametrize("paper", ["cap", "atom", "geojson", "md", "html"])
def test_a_bulletin_goes_to_standard_output(run: Run, warned: str, paper: str) -> None:
    found = run("bulletin", warned, "--reader", "embassy", "--format", paper)
    assert found.exit_code == 0
    text = found.stdout
    assert REFERENCE in text
    assert "参考等级" in text
    if paper in ("cap", "atom"):
        ElementTree.fromstring(text.encode())
    if paper == "geojson":
        assert json.loads(text)["type"] == "FeatureCollection"


def test_five_readers_have_a_file_each(run: Run, warned: str, tmp_path: Path) -> None:
    run("bulletin", warned, "--reader", "all", "--lang", "en", "-f", "pdf", "-o", str(tmp_path))
    made = sorted(tmp_path.glob("*.pdf"))
    assert [p.stem.rpartition("-")[2] for p in made] == sorted(READERS)
    assert all(p.read_bytes().startswith(b"%PDF") for p in made)


def test_a_sender_makes_a_message_actual(run: Run, warned: str) -> None:
    draft = run("bulletin", warned, "-f", "cap").stdout
    actual = run("bulletin", warned, "-f", "cap", "--sender", "desk.example.org").stdout
    assert "<status>Draft</status>" in draft
    assert "<status>Actual</status>" in actual


def test_a_baseline_started_anew_ends_the_alarm(run: Run, warned: str) -> None:
    run("warn", "review", "chokepoint:hormuz", "--decision", "rebase", "--day", "2026-03-05")
    card = run("replay", "--from", "2026-03-10", "--to", "2026-03-10", "-i", "IND", "-f", "csv")
    assert card.exit_code == 0
    assert run("store", "check").exit_code == 0


@pytest.mark.usefixtures("quick")
def test_a_webhook_gets_each_message_once_signed(
    run: Run, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[Request] = []
    answers = iter([503, 503, 503])

    def take(request: Request) -> Response:
        got.append(request)
        return Response(status=next(answers, 200))

    httpserver.expect_request("/warnings", method="POST").respond_with_handler(take)
    monkeypatch.setenv("CORRIDORS_WEBHOOK", httpserver.url_for("/warnings"))
    monkeypatch.setenv("CORRIDORS_WEBHOOK_SECRET", "of our own")
    first = run("warn", "run", "-i", "IND", "-c", "lng")
    assert first.exit_code == 0
    assert "0 of 1 delivered" in first.stderr
    second = run("warn", "run", "-i", "IND", "-c", "lng")
    assert "1 of 1 delivered" in second.stderr
    assert "0 of 0 delivered" in run("warn", "run", "-i", "IND", "-c", "lng").stderr
    sent = got[-1]
    body, at = sent.get_data(), sent.headers["X-Corridors-Timestamp"]
    signed = hmac.new(b"of our own", at.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert sent.headers["X-Corridors-Signature"] == f"sha256={signed}"
    assert b"<identifier>" in body
    assert "of our own" not in first.output + second.output


def test_replay_knows_no_more_than_was_published(run: Run) -> None:
    asked = ("--from", "2026-02-27", "--to", "2026-03-10", "-i", "IND", "-c", "lng", "-f", "csv")
    rows = rows_of(run("replay", *asked))
    at_hormuz = [r for r in rows if r["element"] == "chokepoint:hormuz" and r["level"]]
    first = at_hormuz[0]
    # Declared closed on 2 March; Tuesday the 3rd publishes up to the 1st.
    assert first["day"] >= "2026-03-03"
    assert all(r["data_to"] <= r["day"] for r in rows if r["data_to"])
    assert at_hormuz[-1]["level"] == "red"
    # The file came on the 10th; for the days before, it stands in for what was published then.
    assert {r["day"] for r in rows if r["revised"] == "False"} == {"2026-03-10"}


def test_a_drill_is_an_exercise_everywhere(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "papers"
    asked = ("drill", "suez_2021", "-i", "EGY", "-i", "JOR", "-c", "wheat", "-f", "json")
    found = run(*asked, "--start", "2026-12-01", "--bulletins", str(place), "--paper", "cap")
    assert found.exit_code == 0
    body = json.loads(found.stdout)
    assert "exercise" in body["note"]
    assert {r["inject"] for r in body["rows"]} >= {"report", "declaration", "traffic", "level"}
    papers = list(place.glob("*.xml"))
    assert papers
    for paper in papers:
        assert "<status>Exercise</status>" in paper.read_text("utf-8")
        assert paper.name.startswith("exercise-")
    assert alerts_of(Store()) == []  # a drill is not in the log


def test_a_drill_where_no_ship_is_counted_rests_on_reports(run: Run) -> None:
    found = run("drill", "central_asia_gas_cut", "-i", "CHN", "-f", "json")
    rows = json.loads(found.stdout)["rows"]
    assert {r["inject"] for r in rows} >= {"report", "declaration"}
    assert not [r for r in rows if r["inject"] == "traffic"]


def test_the_record_is_of_the_series_held_or_of_ours(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = json.loads(run("backtest", "warnings", "-f", "json").stdout)
    assert {r["rule"] for r in held["rows"]} >= {"orange", "drop_half", "rolling_z"}
    assert {c["crisis"] for c in held["crises"]} == {"hormuz_2026_closure"}
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "none.duckdb"))
    ours = run("backtest", "warnings")
    assert "the store holds no year of traffic" in ours.stdout
    with pytest.raises(CorridorsError, match="holds no traffic to replay"):
        run("replay", "--from", "2026-03-01", "--to", "2026-03-02")
