"""The recipes of CONTRIBUTING.md, followed: what is added answers, and nothing else was touched."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import corridors
import layers.feeds
from corridors import metrics
from corridors.cli import app
from corridors.risk.coverage import looks
from corridors.ui.words import WORDS
from layers.errors import DataError
from layers.events import event_frame
from layers.record import gates_over_shortcuts, record
from layers.source import feeds
from layers.static import data_dir
from layers.world import World, load_world
from tests import test_feeds_a, test_feeds_b

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
RECIPES = dict(re.findall(r"^## Add a (\w+)\n(.*?)(?=^## )", GUIDE, re.MULTILINE | re.DOTALL))
FEED = '''
from datetime import timedelta
from layers.markup import parse_json
from layers.source import Look, Request, Source, conclude

SOURCE = Source(
    id="ferries",
    title="Ferries", publisher="by hand", licence="CC0", attribution="by hand",
    homepage="https://example.org", requests=(Request("https://example.org/ferries.json"),),
    every=timedelta(hours=1), stale_after=timedelta(days=1), expected_min=1,
    look=Look("operations", element="chokepoint:dover"),
)


def parse(answers):
    """One row a line."""
    rows = [
        {**SOURCE.stamp(answer), "event_uid": f"ferries:{name}", "title": name, "severity": 1}
        for answer in answers
        for name in parse_json(SOURCE.id, answer.body)
    ]
    return conclude(SOURCE, rows, len(rows), {})
'''


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Yield a copy of data/ that may be written to."""
    return Path(shutil.copytree(data_dir(), tmp_path / "data"))


def follow(recipe: str, data: Path) -> None:
    """Add the rows a recipe shows to the tables it names before each."""
    steps = re.findall(r"`data/(\w+)\.csv`.*?```csv\n(.*?)```", RECIPES[recipe], re.DOTALL)
    assert steps
    for table, rows in steps:
        with (data / f"{table}.csv").open("a", encoding="utf-8", newline="") as file:
            file.writelines(f"{row.strip()}\n" for row in rows.splitlines() if row.strip())


def asked(world: World, importer: str, commodity: str) -> pd.DataFrame:
    trade = corridors.assess(world, importers=[importer], commodities=[commodity])
    return corridors.exposure(trade, world).set_index("element")


def test_a_chokepoint_is_a_row(data: Path) -> None:
    follow("chokepoint", data)
    record(data)
    world = load_world(data)
    row = asked(world, "JOR", "wheat").loc["chokepoint:tiran"]
    assert row["name_zh"] == "蒂朗海峡"
    assert row["share"] == pytest.approx(1)  # all of it lands at Aqaba
    assert row["no_alternative_share"] == pytest.approx(1)
    assert gates_over_shortcuts(world) == ["tiran"]
    assert "layers.shortcuts" in RECIPES["chokepoint"]


def test_the_shipped_shortcuts_know_every_gate(world: World) -> None:
    assert gates_over_shortcuts(world) == []


def test_a_commodity_is_a_row_and_its_flows(data: Path) -> None:
    follow("commodity", data)
    record(data)
    world = load_world(data)
    found = asked(world, "CHN", "oats")
    assert found["imports_t"].unique().tolist() == [400_000]
    assert found.loc["chokepoint:makassar", "share"] > 0.5
    engine = corridors.prepare(world, commodities=["oats"])
    shut = corridors.make_scenario("x", rules=[corridors.Rule("chokepoint:makassar", lost=1.0)])
    answer = corridors.disturb(engine, shut)
    told = corridors.summary(answer, corridors.groups_of(world, answer, ["CHN"])).iloc[0]
    assert told["rerouted_t"] == pytest.approx(found.loc["chokepoint:makassar", "quantity_t"])
    assert world.name("oats", "zh") == "燕麦"


def test_a_commodity_that_no_port_handles_is_refused(data: Path) -> None:
    path = data / "commodities.csv"
    path.write_text(path.read_text("utf-8").replace("vlgc,products", "vlgc,gas"), "utf-8")
    with pytest.raises(DataError, match=r"row 7 column port_role: gas: .* gas_import"):
        load_world(data)


@pytest.fixture
def ferries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put a file beside the feeds, for as long as the test runs."""
    (tmp_path / "ferries.py").write_text(FEED, "utf-8")
    monkeypatch.setattr(layers.feeds, "__path__", [*layers.feeds.__path__, str(tmp_path)])
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "news.duckdb"))
    yield
    sys.modules.pop("layers.feeds.ferries")
    del layers.feeds.ferries


@pytest.mark.usefixtures("ferries")
def test_a_feed_is_a_file() -> None:
    found = feeds()["ferries"]
    assert found.parse([test_feeds_b.answer(["Dover–Calais"])]).events["title"][0] == "Dover–Calais"
    assert looks()["ferries"].element == "chokepoint:dover"
    told = CliRunner().invoke(app, ["feeds", "status", "--format", "csv"], catch_exceptions=False)
    assert re.search("^ferries,never", told.stdout, re.MULTILINE)


def test_a_row_without_severity_is_told_so() -> None:
    with pytest.raises(KeyError, match="needs its severity"):
        event_frame([{"event_uid": "ferries:1"}])


def test_every_feed_has_its_name_and_a_right_answer_to_be_tried_on() -> None:
    tried = {feed.SOURCE.id for feed in test_feeds_a.FEEDS} | set(test_feeds_b.VALID)
    assert set(feeds()) - tried == set(), "add a right answer to VALID of tests/test_feeds_b.py"
    assert {f"d_feed_{id}" for id in feeds()} - set(WORDS) == set(), "add its name to words/data.py"


def test_a_column_of_exposure_is_in_every_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = metrics._finished
    monkeypatch.setattr(metrics, "_finished", lambda *a: usual(*a).assign(ships_y=lambda t: 1.5))
    ask = ["exposure", "-i", "JOR", "-c", "wheat"]
    shown = CliRunner().invoke(app, ask, catch_exceptions=False)
    assert "ships_y" in shown.stdout
    file = tmp_path / "jor.parquet"
    CliRunner().invoke(app, [*ask, "-o", str(file)], catch_exceptions=False)
    assert (pd.read_parquet(file)["ships_y"] == 1.5).all()


def test_the_guide_names_what_there_is() -> None:
    files = {name for name in re.findall(r"`([\w./]+\.(?:py|csv|md))`", GUIDE) if "<" not in name}
    homes = ["", "data/", "layers/feeds/", "corridors/ui/exposure/"]
    assert {f for f in files if not any((ROOT / home / f).exists() for home in homes)} == set()
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^make (\w+)", GUIDE, re.MULTILINE)
    assert len(targets) == 4
    assert [t for t in targets if not re.search(rf"^{t}:", makefile, re.MULTILINE)] == []
