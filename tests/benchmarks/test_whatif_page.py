"""How long a reader waits after a slider, beside making the whole world ready again each time.

Nothing is asserted about time. *New numbers* is what the page does before it sends the verdict and
the row of figures: the answer for the whole world, then the sums of one importer and commodity.
Each step is a share nobody asked before, so that no answer is found in the cache; the engine is
warm, as after the first answer. What a browser adds (sending, drawing) is not in it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from corridors.network import Network
from corridors.ui.answer import Question
from corridors.ui.whatif import model as whatif
from corridors.whatif import summary
from corridors.whatif.answer import disturb
from corridors.whatif.engine import prepare
from corridors.whatif.scenario import Rule, Scenario, make_scenario
from layers.world import World

CHINA = Question("CHN", "crude_oil")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def drags(chokepoint: str) -> Iterator[Scenario]:
    """Yield scenarios with a share lost that no one asked for before."""
    for step in range(1, 400):
        yield make_scenario(
            "own", rules=[Rule(f"chokepoint:{chokepoint}", lost=1 - step / 1000)], duration_d=90
        )


@pytest.mark.parametrize("chokepoint", ["panama", "malacca", "bab_el_mandeb", "hormuz"])
def test_a_slider_to_new_numbers(
    benchmark: Any, measured: Any, world: World, network: Network, chokepoint: str
) -> None:
    steps = drags(chokepoint)

    def ask() -> tuple[tuple[whatif.Asked], dict[str, Any]]:
        return (whatif.asked(world.digest, CHINA, next(steps)),), {}

    for _ in range(2):
        whatif.figures(ask()[0][0])
    row = benchmark.pedantic(whatif.figures, setup=ask, rounds=9)
    assert row["baseline_t"] > 0
    ours, median = (getattr(benchmark.stats.stats, n) for n in ("min", "median"))

    def everything() -> None:
        scenario = next(steps)
        answer = disturb(prepare(world, network=network), scenario)
        summary.summary(answer, summary.groups_of(world, answer, ["CHN"]))

    theirs = seconds(everything)
    benchmark.extra_info |= {"ratio": round(theirs / ours, 1), "theirs_s": theirs, "ours_s": ours}
    told = f"{1e3 * ours:.0f} ms, median {1e3 * median:.0f}; everything anew {theirs / ours:.0f} ×"
    measured.say(f"slider at {chokepoint} to new numbers, China's crude", "< 150 ms", told)


@pytest.mark.parametrize("part", ["days", "ways", "lanes", "responses"])
def test_the_rest_of_the_page(benchmark: Any, measured: Any, world: World, part: str) -> None:
    """What comes after the numbers, each on an answer that is there but was not looked at."""
    steps = drags("malacca")

    def ask() -> tuple[tuple[whatif.Asked], dict[str, Any]]:
        asked = whatif.asked(world.digest, CHINA, next(steps))
        whatif.answer(asked)
        if part == "lanes":
            whatif.ways(asked)
        return (asked,), {}

    benchmark.pedantic(getattr(whatif, part), setup=ask, rounds=5, warmup_rounds=1)
    found = f"{1e3 * benchmark.stats.stats.min:.0f} ms"
    measured.say(f"{part} of one importer and commodity, after the numbers", "–", found)


def test_asked_before(benchmark: Any, measured: Any, world: World) -> None:
    asked = whatif.asked(world.digest, CHINA, next(drags("malacca")))
    whatif.figures(asked)
    benchmark(lambda: whatif.figures(asked))
    found = f"{1e3 * benchmark.stats.stats.median:.1f} ms"
    measured.say("numbers that a reader asked for before", "–", found)
