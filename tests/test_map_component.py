"""The map: its library and lock, what is sent to the browser, and what each state looks like."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import layers
from corridors.network import Network
from corridors.risk.alert import Alert, Level, to_record
from corridors.ui import colours, headline, now, risks
from corridors.ui.answer import Answer, Question, answer
from corridors.ui.map import component, ground, library, picture
from corridors.ui.words import LANGUAGES
from layers.store import Store
from layers.world import World

TODAY = datetime(2026, 4, 23, 6, tzinfo=UTC)
CRUDE = Question("CHN", "crude_oil")
HORMUZ = "chokepoint:hormuz"


@pytest.fixture(scope="module")
def found(world: World, network: Network) -> Answer:
    given = answer(world, network, CRUDE)
    assert given is not None
    return given


@pytest.fixture(scope="module")
def places(world: World) -> dict[str, Any]:
    frames = layers.frames(world)
    return {"chokepoint": ground.marks(frames["chokepoints"]), "port": frames["ports"]}


@pytest.fixture(scope="module")
def silent(world: World, tmp_path_factory: pytest.TempPathFactory) -> now.Now:
    """Return what is known without a store."""
    store = Store(tmp_path_factory.mktemp("silent") / "none.duckdb")
    return now.look(world, store, now=TODAY, stored=False)


def speaking(silent: now.Now, **changes: Any) -> now.Now:
    """Return what is known when the risk of Hormuz has these numbers."""
    risk = silent.risk.copy()
    for column, value in changes.items():
        risk.loc[HORMUZ, column] = value
    return dataclasses.replace(silent, stored=True, risk=risk)


def drawn(
    found: Answer, known: now.Now, places: dict[str, Any], *, lang: str = "en", **view: Any
) -> dict[str, Any]:
    """Return what the browser gets."""
    look = picture.View(**view)
    return picture.picture(CRUDE, found, known, look, places, lang, longitude=80.0, alt="map")


def mark(data: dict[str, Any], element: str) -> dict[str, Any]:
    return next(m for m in data["chokepoints"] if m["element"] == element)


# ---- the library and its lock


def test_lock_of_the_library_names_versions_and_hashes_and_no_address() -> None:
    lock = json.loads(library.LOCK.read_text("utf-8"))
    packages = {name: p for name, p in lock["packages"].items() if name}
    assert packages
    assert "://" not in library.LOCK.read_text("utf-8")
    for name, package in packages.items():
        assert package["version"], name
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
    asked = json.loads(library.ASKED.read_text("utf-8"))["dependencies"]
    assert packages[library.PACKAGE]["version"] == asked["maplibre-gl"]


@pytest.mark.skipif(not component.complete(), reason="npm could not bring the map's library here")
def test_library_is_installed_and_not_installed_twice() -> None:
    assert not library.install()


def test_library_lies_outside_of_git(tracked: list[Path]) -> None:
    own = {"map.js", "map.css"}
    folder = library.FILES.relative_to(Path(__file__).resolve().parent.parent)
    assert {name.name for name in tracked if name.parent == folder} == own


def test_failing_npm_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock = tmp_path / "package-lock.json"
    lock.write_text("{}", "utf-8")
    monkeypatch.setattr(library, "LOCK", lock)
    monkeypatch.setattr(library, "FILES", tmp_path)
    with pytest.raises(RuntimeError, match="npm could not bring MapLibre"):
        library.install()


def test_program_of_the_map_asks_no_other_machine_and_writes_no_markup() -> None:
    text = (component.FILES / "map.js").read_text("utf-8")
    assert "://" not in text
    assert not re.search(r"innerHTML|insertAdjacentHTML|setHTML|document\.write|eval\(", text)
    assert "text-allow-overlap" not in text  # names keep clear of each other


# ---- geometry that never changes


def test_coasts_and_lines_never_jump_across_the_sheet(world: World) -> None:
    still = ground.ground(layers.frames(world), layers.data_dir())
    lines = [p for f in still["lines"]["features"] for p in f["geometry"]["coordinates"]]
    for line in [*still["coast"]["coordinates"], *lines]:
        assert np.abs(np.diff(np.array(line)[:, 0])).max() < 180
    ids = [f["properties"]["id"] for f in still["lines"]["features"]]
    assert len(ids) == len(set(ids)) == len(world.pipelines) + len(world.railways)


def test_edge_of_the_sheet_is_no_coast(world: World) -> None:
    still = ground.ground(layers.frames(world), layers.data_dir())
    for line in still["coast"]["coordinates"]:
        lon = np.array(line)[:, 0]
        edge = np.abs(lon) >= ground.EDGE_LON
        assert not (edge[:-1] & edge[1:]).any()


# ---- what is sent


def test_size_is_the_flow_and_what_carries_nothing_is_small(
    found: Answer, silent: now.Now, places: dict[str, Any]
) -> None:
    marks = drawn(found, silent, places)["chokepoints"]
    by_share = sorted(marks, key=lambda m: m["share"])
    sizes = [m["size"] for m in by_share]
    assert sizes == sorted(sizes)
    assert len(marks) == len(places["chokepoint"])
    assert {m["size"] for m in marks if m["share"] == 0} == {13.0}


def test_without_news_threat_is_hollow_and_the_long_run_is_known(
    found: Answer, silent: now.Now, places: dict[str, Any]
) -> None:
    assert risks.choices(silent, CRUDE) == ["structural", "threat", "observed"]
    assert {m["icon"] for m in drawn(found, silent, places, number="threat")["chokepoints"]} == {
        "hollow"
    }
    assert mark(drawn(found, silent, places), HORMUZ)["icon"].startswith("full_")
    tip = mark(drawn(found, silent, places), HORMUZ)["tip"]
    assert "Threat, by news: not covered by any feed" in tip
    assert "Observed fall of traffic: no daily count to judge" in tip


def test_stale_calm_and_threatened_look_different(
    found: Answer, silent: now.Now, places: dict[str, Any]
) -> None:
    def icon(state: str, threat: float) -> str:
        known = speaking(silent, threat=threat, threat_state=state, threat_age_d=2.0)
        return str(mark(drawn(found, known, places, number="threat"), HORMUZ)["icon"])

    assert icon("calm", 0.0) == "full_0"
    assert icon("active", 0.7) == "full_4"
    assert icon("stale", 0.7) == "stale_4"


def test_old_count_of_ships_is_stale(silent: now.Now) -> None:
    row = {**silent.of[HORMUZ], "observed": 0.5}
    assert risks.tell({**row, "observed_age_d": 3.0}, "observed", "en").state == "known"
    old = risks.tell({**row, "observed_age_d": 90.0}, "observed", "en")
    assert (old.state, old.step) == ("stale", 3)
    assert "stale" in old.note


@pytest.mark.parametrize("value", [0.0, 0.009, 0.01, 0.1, 0.29, 0.3, 0.6, 1.0])
def test_step_of_a_risk_grows_with_it(value: float) -> None:
    step = colours.risk_step(value)
    assert step is not None
    assert colours.RISK_STEPS[step] <= value
    assert step == 4 or value < colours.RISK_STEPS[step + 1]


def test_unknown_risk_has_no_step() -> None:
    assert colours.risk_step(float("nan")) is None


@pytest.mark.parametrize("lang", LANGUAGES)
def test_message_to_the_browser_is_small_and_plain_json(
    found: Answer, silent: now.Now, places: dict[str, Any], lang: str
) -> None:
    text = json.dumps(drawn(found, silent, places, lang=lang), allow_nan=False, ensure_ascii=False)
    assert len(text.encode()) < 250_000


def test_embedded_events_are_drawn_as_such_with_their_age(
    found: Answer, silent: now.Now, places: dict[str, Any]
) -> None:
    events = drawn(found, silent, places)["events"]
    assert events
    assert all(event["embedded"] for event in events)
    assert all("no news" in line and " d ago" in line for e in events for line in e["tip"])


def test_title_of_an_event_stays_text(
    found: Answer, silent: now.Now, places: dict[str, Any]
) -> None:
    row = {"lon": 56.0, "lat": 26.0, "assets": "", "source": "feed", "severity": 3}
    row |= {f"title_{lang}": "<img src=x onerror=alert(1)>" for lang in LANGUAGES}
    told = pd.DataFrame(
        [{**row, "embedded": False, "told_at": pd.Timestamp(TODAY) - pd.Timedelta(days=3)}]
    )
    (event,) = drawn(found, dataclasses.replace(silent, events=told), places)["events"]
    assert event["name"] == "<img src=x onerror=alert(1)>"  # the browser sets it as text
    assert event["tip"] == ["feed, 3 d ago"]


# ---- warnings and the verdict


def test_standing_warning_colours_its_mark_and_says_so_on_top(
    world: World,
    found: Answer,
    silent: now.Now,
    places: dict[str, Any],
    make_warning: Callable[..., Alert],
) -> None:
    known = dataclasses.replace(silent, stored=True, alerts=(make_warning(),))
    assert risks.choices(known, CRUDE)[0] == "level"
    data = drawn(found, known, places, number="level")
    assert mark(data, HORMUZ)["icon"] == f"full_{int(Level.red)}"
    assert mark(data, "chokepoint:malacca")["icon"] == "hollow"  # nobody judged it
    said = headline.headline(world, CRUDE, found, known, "en")
    assert said.level is Level.red
    assert "Strait of Hormuz" in said.text
    assert "ships a day pass the Strait of Hormuz" in said.text
    assert "Data to 2026-04-20" in said.small
    assert "not an official warning" in said.small
    chinese = headline.headline(world, CRUDE, found, known, "zh")
    assert "参考等级,非政府发布预警" in chinese.small


def test_warning_of_another_importer_is_not_ours(
    world: World, found: Answer, silent: now.Now, make_warning: Callable[..., Alert]
) -> None:
    known = dataclasses.replace(silent, stored=True, alerts=(make_warning(importer="JPN"),))
    assert headline.headline(world, CRUDE, found, known, "en").level is None
    assert risks.choices(known, CRUDE)[0] != "level"


def test_judged_and_without_warning_is_no_warning_and_not_hollow(
    world: World, found: Answer, silent: now.Now, places: dict[str, Any]
) -> None:
    known = dataclasses.replace(
        silent, stored=True, judged=frozenset({"CHN", HORMUZ}), judged_at=TODAY
    )
    assert mark(drawn(found, known, places, number="level"), HORMUZ)["icon"] == "full_0"
    said = headline.headline(world, CRUDE, found, known, "en")
    assert said.text == "No warning stands for the crude oil of China."
    assert "Looked at on 2026-04-23" in said.small


def test_fall_of_traffic_is_the_verdict_with_its_date_unless_it_is_old(
    world: World, found: Answer, silent: now.Now
) -> None:
    fall = {"observed": 0.6, "observed_on": pd.Timestamp(TODAY) - pd.Timedelta(days=4)}
    fresh = speaking(silent, **fall, observed_age_d=4.0)
    said = headline.headline(world, CRUDE, found, fresh, "en")
    assert said.text.startswith("Traffic at the Strait of Hormuz is 60 % below its usual week")
    assert "As of 2026-04-19 (4 d ago)" in said.small
    old = speaking(silent, **fall, observed_age_d=200.0)
    assert "passes the" in headline.headline(world, CRUDE, found, old, "en").text


def test_without_live_data_the_verdict_is_exposure_and_says_so(
    world: World, found: Answer, silent: now.Now
) -> None:
    said = headline.headline(world, CRUDE, found, silent, "en")
    assert "crude oil imported by China in 2024" in said.text
    assert said.small.startswith("No live data")


def test_drills_and_lapsed_warnings_do_not_stand(
    world: World, tmp_path: Path, make_warning: Callable[..., Alert]
) -> None:
    store = Store(tmp_path / "log.duckdb")
    entries = [
        make_warning(),
        make_warning(id="D-1", thread="D-1", exercise=True, scenario="drill"),
        make_warning(id="L-1", thread="L-1", expires=TODAY - timedelta(minutes=30)),
    ]
    store.append([("alert", alert.sent, to_record(alert)) for alert in entries])
    known = now.look(world, store, now=TODAY, stored=True)
    assert [alert.id for alert in known.alerts] == ["W-1"]


def test_store_that_cannot_be_read_is_told_and_the_map_goes_on(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.duckdb"
    broken.write_bytes(b"no database at all, and long enough to be looked at" * 100)
    monkeypatch.setenv("CORRIDORS_STORE", str(broken))
    known = now.known(world)
    assert known.fault
    assert not known.covered
    assert known.fault in risks.unread(known, "en")
