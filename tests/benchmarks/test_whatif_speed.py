"""How fast a what-if is, and the worst closures, beside the same asked one route or set at a time.

Nothing is asserted about time. An answer is *warm* when its engine has been made and has answered
the same closure before, as when a slider is dragged; *first* is the first time that closure is
asked. searoute answers one pair of ports a call and gives a distance: what is timed of it is a
sample of the pairs of ports that the closure touches, with the same strait shut, scaled to all of
them. It does not price, share out, or know ships and capacities; the engine does in the same time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from corridors.network import Network
from corridors.whatif.answer import Answer, disturb
from corridors.whatif.engine import Engine, prepare
from corridors.whatif.interdiction import candidates, worst
from corridors.whatif.scenario import Rule, Scenario, make_scenario
from layers.world import World

OTHERS = 40  # pairs asked of a router that answers one at a time
SETS = 25  # sets answered one by one
THEIR_NAME = {"bab_el_mandeb": "babalmandab", "malacca": "malacca", "hormuz": "ormuz"}


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def shut(*chokepoints: str) -> Scenario:
    return make_scenario("x", rules=[Rule(f"chokepoint:{c}", lost=1.0) for c in chokepoints])


@pytest.fixture(scope="module")
def engine(world: World, network: Network) -> Engine:
    """Return the engine of the whole world: all importers, all commodities."""
    return prepare(world, network=network)


def test_an_engine_is_made(benchmark: Any, measured: Any, world: World, network: Network) -> None:
    made = benchmark.pedantic(lambda: prepare(world, network=network), rounds=2)
    legs = sum(len(market.tonnes) for market in made.markets.values())
    found = f"{benchmark.stats.stats.min:.2f} s for {legs:,} legs, once"
    measured.say("the world made ready for what-ifs", "–", found)


@pytest.mark.parametrize(
    ("chokepoint", "binds", "aim"),
    [
        ("panama", False, "< 100 ms"),
        ("bab_el_mandeb", False, "< 100 ms"),
        ("malacca", False, "< 100 ms"),
        ("hormuz", True, "< 1 s"),
        ("bosporus", True, "< 1 s"),
    ],
)
def test_one_closure_for_all_importers_and_commodities(
    benchmark: Any, measured: Any, engine: Engine, chokepoint: str, binds: bool, aim: str
) -> None:
    scenario = shut(chokepoint)
    first = seconds(lambda: disturb(engine, scenario))
    answer = benchmark.pedantic(lambda: disturb(engine, scenario), rounds=7, warmup_rounds=1)
    assert (answer.plan is not None) == binds
    ours = benchmark.stats.stats.min
    benchmark.extra_info |= {"warm_s": ours, "first_s": first}
    what = f"{chokepoint} shut, {'scarce capacity shared out' if binds else 'nothing binding'}"
    measured.say(what, aim, f"{1e3 * ours:.0f} ms warm, {1e3 * first:.0f} ms the first time")


@pytest.mark.parametrize("chokepoint", ["bab_el_mandeb", "malacca"])
def test_one_closure_beside_searoute(
    benchmark: Any, measured: Any, world: World, engine: Engine, chokepoint: str
) -> None:
    import searoute

    scenario = shut(chokepoint)
    answer = benchmark.pedantic(lambda: disturb(engine, scenario), rounds=7, warmup_rounds=1)
    ours = benchmark.stats.stats.min
    pairs = touched(answer)
    lot = np.random.default_rng(61)
    sample = [pairs[i] for i in lot.choice(len(pairs), OTHERS, replace=False)]
    place = world.ports.set_index("port")[["lon", "lat"]]
    closed = [THEIR_NAME[chokepoint], "northwest"]

    def ask() -> None:
        for a, b in sample:
            searoute.searoute(place.loc[a].tolist(), place.loc[b].tolist(), restrictions=closed)

    ask()  # its network is read on the first call, and its caches are warm
    theirs = min(seconds(ask) for _ in range(2)) / OTHERS * len(pairs)
    benchmark.extra_info |= {"ratio": round(theirs / ours), "theirs_s": theirs, "ours_s": ours}
    told = f"{theirs / ours:,.0f} × ({theirs:.1f} s against {1e3 * ours:.0f} ms)"
    what = f"{chokepoint} shut, beside searoute for {len(pairs):,} pairs of ports"
    measured.say(f"{what}, {OTHERS} timed", "–", told)


def touched(answer: Answer) -> list[tuple[str, str]]:
    """Return the pairs of ports, each once, of which a way is shut."""
    found = set()
    for fate in answer.fates.values():
        s, table = fate.case.spread, fate.case.calm.sailing.pairs
        hit = np.unique(s.pair[(s.calm > 0) & (s.now < s.calm)])
        found |= set(table.iloc[hit].itertuples(index=False, name=None))
    return sorted(found)


def test_a_surcharge_for_all_importers_and_commodities(
    benchmark: Any, measured: Any, engine: Engine
) -> None:
    dear = make_scenario("x", rules=[Rule("chokepoint:bab_el_mandeb", war_risk_pct=0.7)])
    benchmark.pedantic(lambda: disturb(engine, dear), rounds=3, warmup_rounds=1)
    found = f"{benchmark.stats.stats.min:.2f} s: least costs are searched anew"
    measured.say("0.7 % of the hull at bab_el_mandeb", "–", found)


def test_the_worst_two_beside_every_two(
    benchmark: Any, measured: Any, world: World, network: Network
) -> None:
    """Each round starts with a fresh engine, so nothing is known of any closure."""

    def fresh() -> tuple[tuple[Engine], dict[str, Any]]:
        return (prepare(world, network=network, commodities=["crude_oil"]),), {}

    def find(made: Engine) -> Any:
        return worst(made, {"CHN"}, k=2, among=candidates(made, {"CHN"}, "chokepoint"))

    table, proof = benchmark.pedantic(find, setup=fresh, rounds=2)
    ours = benchmark.stats.stats.min
    ((made,), _) = fresh()
    among = candidates(made, {"CHN"}, "chokepoint")
    assert len(among) >= 40
    assert proof.sets == len(among) + len(among) * (len(among) - 1) // 2

    every = list(combinations(among, 2))
    lot = np.random.default_rng(62)
    some = [every[i] for i in lot.choice(len(every), SETS, replace=False)]
    scenarios = [make_scenario("x", rules=[Rule(e, lost=1.0) for e in chosen]) for chosen in some]
    each = seconds(lambda: [disturb(made, s, slots=False) for s in scenarios]) / SETS
    theirs = each * proof.sets
    benchmark.extra_info |= {"ratio": round(theirs / ours, 1), "theirs_s": theirs, "ours_s": ours}
    told = f"{ours:.1f} s; {theirs / ours:.1f} × answering all ({theirs:.0f} s, {SETS} timed)"
    sets = f"{proof.sets} sets: {proof.answered} answered, {proof.bounded} bounded"
    measured.say(f"worst 2 of {len(among)} chokepoints, China's crude", "< 10 s", told)
    measured.say("  of which", "–", f"{sets}, {proof.equal} equal to a smaller one")
    assert table["proved"].iloc[0]
