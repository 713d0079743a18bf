"""How time and memory grow: with flows, events, runs, processes, years of traffic.

``python -m pytest tests/benchmarks/test_growth.py`` prints the table of ``docs/growth.md``;
sessions of the app are in ``test_app_load``. Each figure is of a process of its own, so that memory
is its own too, and of the processor, so that whatever else runs does not count; the least of
``CORRIDORS_GROWTH_ROUNDS`` rounds (1). A slope is that of the logarithms: 1 is ten times the time
for ten times as much. Nothing is asserted about time.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("CORRIDORS_GROWTH_ROUNDS", "1"))
MEMORY_GB = 8.0
FLOWS, EVENTS, RUNS, PORTS = 4_000, 2_000, 100, 20
Told = dict[str, dict[str, float]]


def told(work: str, count: int) -> Told:
    """Return what a work took, step by step; of several rounds the least."""
    rounds = [_round(work, count) for _ in range(ROUNDS)]
    return {
        step: {what: min(r[step][what] for r in rounds) for what in rounds[0][step]}
        for step in rounds[0]
    }


def _round(work: str, count: int) -> Told:
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("growth.py")), work, str(count)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found: Told = json.loads(done.stdout.splitlines()[-1])
    return found


def slopes(counts: Sequence[int], values: Sequence[float]) -> str:
    """Return the slope between one count and the next, in words."""
    pairs = zip(counts, counts[1:], values, values[1:], strict=False)
    found = [math.log(b / a) / math.log(m / n) for n, m, a, b in pairs if a > 0 and b > 0]
    return ", ".join(f"{slope:.2f}" for slope in found)


def say(measured: Any, work: str, counts: Sequence[int], unit: str) -> list[Told]:
    """Measure a work for some counts and put a row a step into the table."""
    rows = [told(work, count) for count in counts]
    for step in rows[0]:
        if step == "facts":
            continue
        seconds = [row[step]["cpu"] for row in rows]
        memory = " ".join(f"{row[step]['gb']:.2f}" for row in rows)
        shown = " ".join(f"{s:.2f}" for s in seconds)
        what = f"{work}, {step}: {' '.join(f'{n:,}' for n in counts)} {unit}"
        measured.say(what, f"slope {slopes(counts, seconds)}", f"{shown} s, {memory} GB")
    for fact in rows[0]["facts"]:
        shown = " ".join(f"{row['facts'][fact]:,.6g}" for row in rows)
        measured.say(f"{work}, {fact}", "", shown)
    return rows


@pytest.mark.parametrize(
    ("work", "one", "times", "unit"),
    [
        ("flows", FLOWS, (1, 10, 100), "flows"),
        ("events", EVENTS, (1, 10, 100), "events"),
        ("runs", RUNS, (1, 10), "runs of the monitor before"),
        ("ports", PORTS, (1, 3, 10), "ports, ten years"),
        ("chokepoints", 365, (1, 10), "days of 28 chokepoints"),
    ],
)
def test_growth(
    benchmark: Any, measured: Any, work: str, one: int, times: tuple[int, ...], unit: str
) -> None:
    counts = [one * n for n in times]
    rows = benchmark.pedantic(lambda: say(measured, work, counts, unit), rounds=1)
    benchmark.extra_info |= {"counts": counts, "rows": rows}
    assert all(step["gb"] < MEMORY_GB for row in rows for step in row.values() if "gb" in step)


@pytest.mark.parametrize("work", ["ensemble", "worst", "sweep", "replay"])
def test_two_processes(benchmark: Any, measured: Any, work: str) -> None:
    pytest.importorskip("distributed", reason="no dask.distributed: corridors[scale]")
    one, two = benchmark.pedantic(lambda: [told(work, 1), told(work, 2)], rounds=1)
    benchmark.extra_info |= {"one": one, "two": two}
    assert one["facts"]["same"] == two["facts"]["same"]
    alone, crew = one["work"], two["facts"]
    longest = two["work"]["cpu"] + crew["busiest_cpu"]
    around = two["start"]["wall"] + two["end"]["wall"]
    measured.say(
        f"{work}: one process, then two (and what they do in all)",
        "same answer",
        f"{alone['cpu']:.1f} s, then {two['work']['cpu']:.1f} s of who asks and "
        f"{crew['busiest_cpu']:.1f} s of the busier ({crew['crew_cpu']:.1f} s): "
        f"{alone['cpu'] / longest:.2f} ×; by the clock {alone['wall']:.1f} s, then "
        f"{two['work']['wall']:.1f} s, start and end {around:.1f} s",
    )
