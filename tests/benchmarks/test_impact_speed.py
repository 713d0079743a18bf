"""How fast a warning's impacts are, beside a summary importer by importer, and when kept.

Nothing is asserted about time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from corridors.network import Network
from corridors.risk.impact import break_of, impacts, remembered
from corridors.whatif.answer import disturb
from corridors.whatif.engine import Engine, prepare
from corridors.whatif.summary import groups_of, summary
from layers.memory import remember
from layers.world import World

SOME = ("CHN", "JPN", "DEU", "EGY", "PAK", "BRA")  # importers asked one by one
HORMUZ = "chokepoint:hormuz"


@pytest.fixture(scope="module")
def engine(world: World, network: Network) -> Engine:
    return prepare(world, network=network)


def one_by_one(engine: Engine, importer: str) -> pd.DataFrame:
    answer = disturb(engine, break_of(engine.world, HORMUZ, 0.6))
    return summary(answer, groups_of(engine.world, answer, [importer]))


def test_all_importers_beside_one_by_one(benchmark: Any, measured: Any, engine: Engine) -> None:
    one_by_one(engine, "CHN")  # both sides start with a closure asked before
    table = benchmark.pedantic(lambda: impacts(engine, HORMUZ, lost=0.6), rounds=3, warmup_rounds=1)
    ours = benchmark.stats.stats.min
    start = time.perf_counter()
    for importer in SOME:
        one_by_one(engine, importer)
    importers = table["importer"].nunique()
    theirs = (time.perf_counter() - start) / len(SOME) * importers
    benchmark.extra_info |= {"ratio": round(theirs / ours, 1), "theirs_s": theirs, "ours_s": ours}
    told = f"{theirs / ours:.0f} × ({theirs:.1f} s against {ours:.2f} s, {len(SOME)} timed)"
    what = f"impacts of one element, {importers} importers, {len(table):,} rows"
    measured.say(f"{what}, beside a summary each", "–", told)


def test_impacts_kept(
    benchmark: Any,
    measured: Any,
    engine: Engine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CORRIDORS_CACHE", str(tmp_path))

    def ask() -> pd.DataFrame:
        return remembered(engine.world, HORMUZ, lost=0.6, engine=lambda: engine, remember=remember)

    ask()
    benchmark.pedantic(ask, rounds=10, warmup_rounds=1)
    found = f"{1e3 * benchmark.stats.stats.min:.0f} ms"
    measured.say("the same, kept on disk", "milliseconds", found)
