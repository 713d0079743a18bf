"""The worst closures: a world computed by hand, then beside every set tried one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd
import pytest

from corridors.network import Network
from corridors.whatif.answer import Answer, disturb
from corridors.whatif.engine import Engine, prepare
from corridors.whatif.interdiction import Proof, candidates, worst
from corridors.whatif.scenario import Rule, make_scenario
from layers.errors import UsageError
from layers.world import World

NORTH, SOUTH, BRIDGE = "chokepoint:north", "chokepoint:south", "pipeline:bridge"
DIRECT = "pipeline:direct"
TOY = (NORTH, SOUTH, BRIDGE, DIRECT)
COST = {NORTH: 9.0, SOUTH: 7.5, BRIDGE: 12.0}  # LOD to DIS, USD/t (tests/test_whatif.py)
OIL = "crude_oil"
PRICE = 500.0  # of a tonne of oil in the toy world


def shares() -> dict[str, float]:
    weight = {way: float(np.exp(-0.5 * usd)) for way, usd in COST.items()}
    return {way: w / sum(weight.values()) for way, w in weight.items()}


NUMBERS = [
    {"assumption": name, "low": value, "central": value, "high": value}
    for name, value in {
        **{"unmet_penalty_usd_t": 1000, "port_surge": 1, "line_surge": 1, "ballast_return": 1},
        **{"speed_up_cap": 99, "fleet_use": 1, "light_load_slope": 1, "queue_ratio": 1.3},
    }.items()
]


@pytest.fixture(scope="module")
def toy_engine(toys: Any) -> Engine:
    # The bridge takes all that asks for it; what the pipeline `direct` carries has no port.
    lines = [{"element": BRIDGE, "capacity_t_y": 99e6}, {"element": "port:BRE", "capacity_t_y": 0}]
    tables = {"assumptions": [*toys.tables["assumptions"], *NUMBERS], "capacities": lines}
    toy = toys(tables)
    return prepare(toy.world, network=toy.network)


def ranked(table: pd.DataFrame) -> list[tuple[frozenset[str], float]]:
    pairs = zip(table["elements"], table["harm_usd_y"], strict=True)
    return [(frozenset(names.split()), float(harm)) for names, harm in pairs]


def test_one_element_by_hand(toy_engine: Engine) -> None:
    table, proof = worst(toy_engine, {"CCC"}, k=1, among=TOY)
    s = shares()
    left = s[NORTH] + s[BRIDGE]
    dearer = (s[NORTH] * COST[NORTH] + s[BRIDGE] * COST[BRIDGE]) / left - COST[SOUTH]
    (first, harm), (second, less) = ranked(table)[:2]
    assert [first, second] == [{DIRECT}, {SOUTH}]
    assert harm == pytest.approx(30e6 * PRICE)
    assert less == pytest.approx(60e6 * s[SOUTH] * dearer)
    assert table["lost_t"].tolist()[:2] == pytest.approx([30e6, 0])
    assert table["added_usd_y"].iloc[1] == pytest.approx(less)
    assert proof.sets == 4


def test_three_elements_are_not_the_worst_one_and_two_more(toy_engine: Engine) -> None:
    """The pipeline is the worst by itself, but all three ways by sea together are worse (E6)."""
    table, proof = worst(toy_engine, {"CCC"}, k=3, among=TOY)
    s = shares()
    over = s[NORTH] * (COST[BRIDGE] - COST[NORTH]) + s[SOUTH] * (COST[BRIDGE] - COST[SOUTH])
    (first, harm), (second, less) = ranked(table)[:2]
    assert first == {NORTH, SOUTH, BRIDGE}
    assert harm == pytest.approx(60e6 * PRICE)
    assert second == {NORTH, SOUTH, DIRECT}
    assert less == pytest.approx(30e6 * PRICE + 60e6 * over)
    assert table["proved"].iloc[:2].all()
    assert proof.sets == comb(4, 1) + comb(4, 2) + comb(4, 3)


def test_all_there_is(toy_engine: Engine) -> None:
    table, _ = worst(toy_engine, {"CCC"}, k=4, among=TOY)
    first, harm = ranked(table)[0]
    assert first == set(TOY)
    assert harm == pytest.approx(90e6 * PRICE)


def test_an_idle_bypass_is_worth_closing_too(toys: Any) -> None:
    """Nobody uses the line in calm times: it matters once both straits are shut."""
    inside = {"from_country": "AAA", "to_country": "AAA", "countries": "AAA"}
    out = {"port": "OUT", "country": "AAA", "lon": 20, "lat": 0, "roles": "crude_export"}
    tables = {
        "assumptions": [*toys.tables["assumptions"], *NUMBERS],
        "ports": [*toys.tables["ports"], out],
        "pipelines": [{"pipeline": "line", "length_km": 1000, "to_port": "OUT", **inside}],
        "capacities": [
            {"element": "pipeline:line", "capacity_t_y": 26e6},
            {"element": "port:OUT", "capacity_t_y": 99e6},
        ],
        "flows": [toys.tables["flows"][0]],
        "gateways": toys.tables["gateways"][:2],
        "corridors": [],
    }
    toy = toys(tables)
    engine = prepare(toy.world, network=toy.network)
    among = (NORTH, SOUTH, "pipeline:line")
    table, _ = worst(engine, {"CCC"}, k=3, among=among)
    (first, harm_), (second, less) = ranked(table)[:2]
    assert [first, second] == [set(among), {NORTH, SOUTH}]
    assert harm_ == pytest.approx(60e6 * PRICE)
    calm = {w: np.exp(-0.5 * COST[w]) for w in (NORTH, SOUTH)}
    usual = sum(calm[w] * COST[w] for w in calm) / sum(calm.values())
    added = 1000 * 0.01 + 300 * 0.005 - usual
    assert less == pytest.approx(34e6 * PRICE + 26e6 * added)


@pytest.mark.parametrize("k", [0, -1, 5])
def test_k_is_some_of_the_elements(toy_engine: Engine, k: int) -> None:
    with pytest.raises(UsageError, match=f"not {k}"):
        worst(toy_engine, {"CCC"}, k=k, among=TOY)


def test_too_many_sets_are_refused_before_any_is_tried(toy_engine: Engine) -> None:
    many = [f"chokepoint:c{i}" for i in range(200)]
    with pytest.raises(UsageError, match="at most 200,000"):
        worst(toy_engine, {"CCC"}, k=3, among=many)


def test_candidates_are_what_imports_may_pass(toy_engine: Engine) -> None:
    assert candidates(toy_engine, {"CCC"}, "chokepoint") == (NORTH, SOUTH)
    assert candidates(toy_engine, {"CCC"}, "port") == ("port:DIS", "port:LOD")
    assert candidates(toy_engine, {"CCC"}, "pipeline") == (BRIDGE, DIRECT)
    everything = candidates(toy_engine, {"CCC"}, "all")
    assert everything == tuple(sorted({NORTH, SOUTH, BRIDGE, DIRECT, "port:DIS", "port:LOD"}))
    assert candidates(toy_engine, {"AAA"}, "port") == ()


# --- beside every set tried ----------------------------------------------------------------------

STRAITS = tuple(
    f"chokepoint:{name}"
    for name in (
        *("hormuz", "bab_el_mandeb", "malacca", "suez", "bosporus", "gibraltar", "lombok"),
        "cape_good_hope",
    )
)
GULF = (
    *("chokepoint:hormuz", "pipeline:east_west_petroline", "pipeline:habshan_fujairah"),
    *("port:SAYNB", "port:AEFJR", "chokepoint:malacca"),
)


@pytest.fixture(scope="module")
def engine(world: World, network: Network) -> Engine:
    return prepare(world, network=network, commodities=[OIL])


def sets(among: Sequence[str], k: int) -> list[tuple[str, ...]]:
    return [s for size in range(1, k + 1) for s in combinations(sorted(among), size)]


@pytest.fixture(scope="module")
def answers(engine: Engine) -> dict[tuple[str, ...], Answer]:
    """Return the answer to every one and every two of both lists shut."""
    chosen = dict.fromkeys([*sets(STRAITS, 2), *sets(GULF, 2)])
    made = {s: make_scenario("x", rules=[Rule(e, lost=1.0) for e in s]) for s in chosen}
    return {s: disturb(engine, scenario, slots=False) for s, scenario in made.items()}


def harm(answer: Answer, importer: str) -> float:
    """Return the harm by its formula: Σ price · t that does not arrive + Σ USD added, USD/yr."""
    prices = answer.engine.world.commodities.set_index("commodity")["price_usd_t"]
    total = 0.0
    for name, fate in answer.fates.items():
        mine = answer.engine.imported_by(fate.case.calm, {importer})
        total += float(prices[name]) * float(fate.outcome[mine, 2:].sum())
        total += float(fate.added_usd[mine].sum())
    return total


@pytest.mark.parametrize(("importer", "k"), [("CHN", 1), ("CHN", 2), ("JPN", 2), ("KOR", 2)])
@pytest.mark.parametrize(
    "among",
    [STRAITS, tuple(e for e in STRAITS if not e.endswith("hormuz")), GULF],
    ids=["straits", "straits but Hormuz", "the Gulf and its bypasses"],
)
def test_the_worst_is_the_worst_of_all_sets(
    engine: Engine,
    answers: dict[tuple[str, ...], Answer],
    importer: str,
    k: int,
    among: tuple[str, ...],
) -> None:
    table, proof = worst(engine, {importer}, k=k, among=among)
    every = {frozenset(s): harm(answers[s], importer) for s in sets(among, k)}
    best = sorted(every.values(), reverse=True)
    found = ranked(table)
    assert proof.sets == len(every)
    adds_up(proof)
    for chosen, said in found:
        assert said == pytest.approx(every[chosen], rel=1e-9)
    # Sets that do the same harm may stand in for one another: the harm is what is proved.
    proved = [said for (_, said), sure in zip(found, table["proved"], strict=True) if sure]
    assert proved[:1] == pytest.approx(best[:1], rel=1e-9)
    distinct = [h for h in best if h < best[0] * (1 - 1e-9)]
    if len(proved) > 1 and proved[1] < proved[0] * (1 - 1e-9):
        assert proved[1] == pytest.approx(distinct[0], rel=1e-9)


def adds_up(proof: Proof) -> None:
    assert proof.equal >= 0
    assert proof.bounded >= 0
    assert proof.answered >= 1
    assert proof.equal + proof.bounded + proof.answered == proof.sets


def test_the_order_of_elements_does_not_matter(engine: Engine) -> None:
    one, proof = worst(engine, {"CHN"}, k=2, among=GULF)
    other, again = worst(engine, {"CHN"}, k=2, among=GULF[::-1])
    pd.testing.assert_frame_equal(one, other)
    assert proof == again


def test_the_table_is_ranked(engine: Engine) -> None:
    table, _ = worst(engine, {"JPN"}, k=2, among=STRAITS, keep=3)
    assert len(table) <= 3
    assert table["rank"].tolist() == list(range(1, len(table) + 1))
    assert table["harm_usd_y"].is_monotonic_decreasing
    assert table["proved"].iloc[:2].all()
    assert (table["lost_t"] >= 0).all()
    assert (table["added_usd_y"] >= 0).all()


def test_one_more_element_is_no_less_harm(engine: Engine) -> None:
    tables = [worst(engine, {"IND"}, k=k, among=GULF[:4])[0] for k in (1, 2, 3)]
    harms = [float(table["harm_usd_y"].iloc[0]) for table in tables]
    assert harms == sorted(harms)


def test_what_nobody_would_pass_is_not_tried(engine: Engine) -> None:
    """With the Northwest Passage, shut by default, or Bering beside Hormuz nothing changes."""
    useless = ("chokepoint:northwest_passage", "chokepoint:bering")
    table, proof = worst(engine, {"JPN"}, k=2, among=("chokepoint:hormuz", *useless))
    assert ranked(table)[0][0] == {"chokepoint:hormuz"}
    assert proof.answered == 1
    assert proof.sets == 6
