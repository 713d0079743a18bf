"""What the duty desk keeps of runs, and what it writes down for readers and reviewers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from corridors.risk import desk
from corridors.risk.alert import Alert
from layers.errors import CorridorsError
from layers.store import Store

NOW = datetime(2026, 4, 23, 6, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "log.duckdb")


def run_of(at: datetime, *importers: str) -> tuple[str, datetime, dict[str, object]]:
    """Return a run as the log has it."""
    judged = [{"importers": list(importers), "days": {"chokepoint:suez": "2026-04-20"}}]
    record = {"at": at.isoformat(), "vintage": "", "counts": {}, "judged": judged, "standings": []}
    return "run", at, record


def test_the_last_run_counts_and_the_first_is_when_the_watch_began(store: Store) -> None:
    assert desk.last_run(store) == desk.LastRun({}, {})
    store.append([run_of(NOW, "CHN"), run_of(NOW + timedelta(days=2), "CHN", "IND")])
    last = desk.last_run(store)
    assert (last.since, last.at) == (NOW, NOW + timedelta(days=2))
    assert last.judged["IND"] == {"chokepoint:suez": pd.Timestamp("2026-04-20")}


def test_a_run_without_a_moment_cannot_be_read(store: Store) -> None:
    kind, at, record = run_of(NOW, "CHN")
    store.append([(kind, at, {**record, "at": "yesterday"})])
    with pytest.raises(CorridorsError, match="last run"):
        desk.last_run(store)


def test_readers_acknowledge_and_judge(store: Store, make_warning: Callable[..., Alert]) -> None:
    alert = make_warning()
    desk.acknowledge(store, alert, "embassy", now=NOW, who="duty officer")
    desk.judge(store, alert, "enterprise", "late", now=NOW, note="a day late")
    seen, judged = store.log(["acknowledgement", "feedback"])["record"]
    assert (seen["alert"], seen["who"], seen["at"]) == ("W-1", "duty officer", NOW.isoformat())
    assert (judged["reader"], judged["verdict"]) == ("enterprise", "late")


def test_a_review_starts_a_baseline_anew_and_a_confirmation_does_not(store: Store) -> None:
    desk.review(store, "chokepoint:suez", "confirm", date(2026, 4, 1), now=NOW)
    assert desk.rebased(store) == {}
    desk.review(store, "chokepoint:suez", "rebase", date(2026, 4, 2), now=NOW, who="analyst")
    assert desk.rebased(store) == {"chokepoint:suez": pd.Timestamp("2026-04-02")}


def test_an_unknown_decision_is_refused(store: Store) -> None:
    with pytest.raises(CorridorsError):
        desk.review(store, "chokepoint:suez", "forget", date(2026, 4, 1), now=NOW)
    assert store.log(["review"]).empty
