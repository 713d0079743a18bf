"""Clocks that jump, zones and languages of a system: the same answers, and a log that stays."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import time_machine

from layers.client import fetch
from layers.errors import FeedError, UsageError
from layers.refresh import refresh, status
from layers.source import Answer, feed
from layers.store import Store
from tests import test_cli_warn
from tests.test_cli_warn import NOW, Run
from tests.test_feeds_b import answer as answered
from tests.test_feeds_b import quake, quakes

history, run = test_cli_warn.history, test_cli_warn.run
ROOT = Path(__file__).resolve().parent.parent
TELLING = ("exposure", "-i", "JPN", "-c", "lng")
PLAIN = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
SYSTEMS: dict[str, dict[str, str]] = {
    "Shanghai": {"TZ": "Asia/Shanghai"},
    "St John's": {"TZ": "America/St_Johns"},
    "Kiritimati": {"TZ": "Pacific/Kiritimati"},
    "no UTF-8": {"LC_ALL": "C", **PLAIN},
    "commas": {"LC_ALL": "de_DE.UTF-8"},
    "dotless": {"LC_ALL": "tr_TR.UTF-8"},
    "Chinese": {"LC_ALL": "zh_CN.GBK", **PLAIN},
}


@pytest.fixture(scope="module")
def languages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the languages named above, as far as this system can make them."""
    folder = tmp_path_factory.mktemp("languages")
    if shutil.which("localedef"):
        for system in SYSTEMS.values():
            name, _, signs = system.get("LC_ALL", "C").partition(".")
            if signs:
                command = ["localedef", "-i", name, "-f", signs, str(folder / f"{name}.{signs}")]
                subprocess.run(command, check=False, capture_output=True)
    return folder


def told(languages: Path, system: dict[str, str], *arguments: str) -> bytes:
    """Return what a command writes to standard output on such a system."""
    left = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "TZ"))}
    locale = system.get("LC_ALL", "")
    if "." in locale:
        if not (languages / locale).exists():
            pytest.skip(f"this system cannot make the locale {locale}")
        left["LOCPATH"] = str(languages)
    done = subprocess.run(
        [sys.executable, "-m", "corridors", *arguments],
        cwd=ROOT,
        env={**left, **system},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode("latin-1")
    return done.stdout


@pytest.fixture(scope="module")
def usual(languages: Path) -> bytes:
    return told(languages, {"TZ": "UTC"}, *TELLING, "--format", "csv")


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_file_is_the_same_on_every_system(system: str, languages: Path, usual: bytes) -> None:
    assert usual.decode("utf-8-sig").count("\n") > 5
    assert told(languages, SYSTEMS[system], *TELLING, "--format", "csv") == usual


@pytest.mark.parametrize("system", ["no UTF-8", "Chinese"])
def test_a_screen_of_another_encoding_shows_what_it_can(system: str, languages: Path) -> None:
    shown = told(languages, SYSTEMS[system], "scenarios", "list")
    assert b"hormuz_full" in shown


JUMPS = (timedelta(hours=-1), timedelta(days=-365), timedelta(days=3650), timedelta())


def test_a_monitor_whose_clock_jumps_keeps_its_log_whole(run: Run, tmp_path: Path) -> None:
    """Set back it refuses; years ahead it holds its levels, so that it goes on once set right."""
    store = Store(tmp_path / "log.duckdb")
    assert run("warn", "run", "-i", "IND").exit_code == 0
    alerts = len(store.log(["alert"]))
    assert alerts
    for jump in JUMPS:
        entries = len(store.log())
        with time_machine.travel(NOW + jump, tick=False):
            if jump < timedelta():
                with pytest.raises(UsageError, match="the log has an alert of 2026-03-10"):
                    run("warn", "run", "-i", "IND")
            else:
                assert run("warn", "run", "-i", "IND").exit_code == 0
        assert store.check() == []
        assert len(store.log(["alert"])) == alerts
        assert len(store.log()) == entries + (jump >= timedelta())  # a run is an entry


@contextmanager
def in_zone(zone: str) -> Iterator[None]:
    """Let this process be in a zone for a while."""
    patch = pytest.MonkeyPatch()
    patch.setenv("TZ", zone)
    time.tzset()
    try:
        yield
    finally:
        patch.undo()
        time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of a process cannot be set")
def test_summer_time_begins_and_ends_unseen(run: Run, tmp_path: Path) -> None:
    """An hour that is left out, and one that comes twice, are hours like others."""
    changes = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
    moments = [at + timedelta(minutes=n) for at in changes for n in (-30, 30)]
    assert run("warn", "run", "-i", "IND").exit_code == 0
    shutil.copy(tmp_path / "log.duckdb", tmp_path / "before.duckdb")
    logs = []
    for zone in ("UTC", "Europe/Berlin"):
        shutil.copy(tmp_path / "before.duckdb", tmp_path / "log.duckdb")
        with in_zone(zone):
            for moment in moments:
                with time_machine.travel(moment, tick=False):
                    assert run("warn", "run", "-i", "IND").exit_code == 0
        store = Store(tmp_path / "log.duckdb")
        assert store.check() == []
        logs.append(store.log())
    pd.testing.assert_frame_equal(*logs)
    assert logs[0]["at"].is_monotonic_increasing
    assert len(logs[0]) >= 1 + len(moments)


def test_a_feed_is_asked_again_after_any_jump(home: str) -> None:
    """A clock that was years ahead once must not keep a feed silent for years."""
    store, source = Store(home), feed("usgs_earthquakes")
    many = [0]

    def ask(*_: object, **__: object) -> list[Answer]:
        many[0] += 1
        at = moments[-1]
        return [answered(quakes(*(quake(f"us{i}") for i in range(20 + many[0]))), at=at)]

    moments: list[datetime] = []
    start = datetime(2026, 9, 1, 12, tzinfo=UTC)
    for jump in (timedelta(), *JUMPS, timedelta(hours=1)):
        moments.append(start + jump)
        refresh(store, {"usgs_earthquakes": source}, now=lambda: moments[-1], ask=ask)
        assert store.check() == []
        assert len(store.events()) == 20 + many[0]  # what was learned stays
        for state in status(store, {"usgs_earthquakes": source}, now=moments[-1]):
            assert state.fault == ""
    # First, back a year (its rhythm is of no use then), ahead ten years, and back from there.
    assert many[0] >= 4


def test_a_clock_that_runs_backwards_ends_no_fetch(tmp_path: Path) -> None:
    path = tmp_path / "reports.csv"
    path.write_text("time,what,kind,severity,reporter_type,visibility\n")
    environment = {"CORRIDORS_REPORTS": str(path)}
    moments = iter(datetime(2026 - n, 1, 1, tzinfo=UTC) for n in range(50))
    timer = iter(range(0, -1000, -1))
    found = fetch(
        feed("local_reports").source,
        environment=environment,
        clock=lambda: next(moments),
        timer=lambda: float(next(timer)),
    )
    assert len(found) == 1


@pytest.mark.parametrize("year", [1, 1969, 1970, 2038, 2106, 9999])
def test_a_clock_of_another_age_is_one_clear_state(year: int, home: str) -> None:
    store, source = Store(home), {"usgs_earthquakes": feed("usgs_earthquakes")}
    now = datetime(year, 1, 2, tzinfo=UTC)

    def ask(*_: object, **__: object) -> list[Answer]:
        return [answered(quakes(*(quake(f"us{i}") for i in range(20))), at=now)]

    try:
        refresh(store, source, now=lambda: now, ask=ask)
    except FeedError:
        pytest.fail("a fault of the clock is a state and no error")
    assert store.check() == []
