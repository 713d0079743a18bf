"""What-if answers: a world computed by hand, then what must hold whatever is shut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from corridors.assignment import sea_routes
from corridors.network import Network, least_cost, members
from corridors.whatif.answer import OUTCOMES, Answer, Fate, disturb
from corridors.whatif.engine import PARTS, Engine, Market, prepare
from corridors.whatif.losses import Losses, losses
from corridors.whatif.prices import priced
from corridors.whatif.reroute import spread
from corridors.whatif.scenario import Rule, Scenario, make_scenario
from corridors.whatif.summary import by_origin, by_route, groups_of, summary
from corridors.whatif.supply import Group, supply
from layers.world import World

NORTH, SOUTH, BRIDGE = "chokepoint:north", "chokepoint:south", "pipeline:bridge"
DIRECT = "pipeline:direct"
OIL = "crude_oil"
MT = 1e6

# LOD to DIS, USD/t and days: hire 1, fuel 1 and capital 0.5 a day at 500 km a day.
COST = {NORTH: 6.5 + 1.0 + 1.5, SOUTH: 7.5, BRIDGE: 4.0 + 5.0 + 3.0}
DAYS = {NORTH: 3.6, SOUTH: 3.0, BRIDGE: 3.6}
THETA = 0.5

QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # an answer is too dear to shrink long
few = settings(max_examples=10, phases=QUICK)
some = settings(max_examples=15, phases=QUICK)


def shut(*elements: str, lost: float = 1.0, **also: Any) -> Scenario:
    return make_scenario("test", rules=[Rule(e, lost=lost) for e in elements], **also)


def rules(*said: Rule, **also: Any) -> Scenario:
    return make_scenario("test", rules=said, **also)


def logit(cost: Mapping[str, float]) -> dict[str, float]:
    weight = {way: np.exp(-THETA * usd) for way, usd in cost.items()}
    return {way: float(w / sum(weight.values())) for way, w in weight.items()}


# --- by hand -------------------------------------------------------------------------------------

PLAIN = {
    **{"unmet_penalty_usd_t": 1000, "port_surge": 1, "line_surge": 1, "ballast_return": 1},
    **{"speed_up_cap": 99, "fleet_use": 1, "light_load_slope": 1, "queue_ratio": 1.3},
    **{"stock_usable_share": 1, "hire_elasticity": 2},
}


class Toys:
    """Makes engines of toy worlds (see ``tests.conftest.Toy``)."""

    def __init__(self, toys: Any) -> None:
        self._toys = toys

    def __call__(self, *, without: Sequence[str] = (), **tables: Any) -> Engine:
        more = {**PLAIN, **tables.pop("assumptions", {})}
        said = [{"assumption": a, "low": v, "central": v, "high": v} for a, v in more.items()]
        tables["assumptions"] = [*self._toys.tables["assumptions"], *said]
        if without:
            lines = tables.get("pipelines", self._toys.tables["pipelines"])
            tables["pipelines"] = [r for r in lines if f"pipeline:{r['pipeline']}" not in without]
        toy = self._toys(tables)
        return prepare(toy.world, network=toy.network)

    def usual(self, name: str) -> list[dict[str, Any]]:
        """Return a copy of a usual table."""
        return [dict(row) for row in self._toys.tables[name]]


@pytest.fixture(scope="module")
def toys_(toys: Any) -> Toys:
    return Toys(toys)


@pytest.fixture(scope="module")
def toy_engine(toys_: Toys) -> Engine:
    return toys_()


def outcome(answer: Answer, origin: str = "", commodity: str = OIL) -> dict[str, float]:
    """Return Mt a year by outcome, of one origin or of all."""
    fate = answer.fates[commodity]
    origins = answer.engine.sides["origin"][fate.case.calm.flow]
    mine = np.ones(len(origins), dtype=np.bool_) if not origin else origins == origin
    found = fate.outcome[mine].sum(axis=0) / MT
    return dict(zip(OUTCOMES, found.tolist(), strict=True))


def is_all(**expected: float) -> Any:
    return pytest.approx({**dict.fromkeys(OUTCOMES, 0.0), **expected}, abs=1e-6)


def parts(answer: Answer, which: int, commodity: str = OIL) -> dict[str, float]:
    """Return million USD a year added, by part: 0 for the delivered, 1 for the rerouted."""
    usd = answer.fates[commodity].added_usd[:, which].sum(axis=0) / MT
    return dict(zip(PARTS, usd.tolist(), strict=True))


def test_the_cheapest_way_shut(toy_engine: Engine) -> None:
    calm, left = logit(COST), logit({w: COST[w] for w in (NORTH, BRIDGE)})
    answer = disturb(toy_engine, shut(SOUTH))
    moved = 60 * calm[SOUTH]
    assert outcome(answer, "AAA") == is_all(delivered=60 - moved, rerouted=moved)
    assert outcome(answer) == is_all(delivered=100 - moved, rerouted=moved)
    # A day more at sea in the north than it saves; the tolls; what the cargo costs meanwhile.
    expected = {
        "hire": moved * (3.6 - 3.0),
        "fuel": moved * (left[NORTH] * 2.6 + left[BRIDGE] * 1.6 - 3.0),
        "toll": moved * (left[NORTH] * 1.0 + left[BRIDGE] * 5.0),
        "premium": 0.0,
        "capital": moved * 0.5 * (3.6 - 3.0),
        "land": 0.0,
    }
    assert parts(answer, 1) == pytest.approx(expected, abs=1e-6)
    usd = moved * (left[NORTH] * COST[NORTH] + left[BRIDGE] * COST[BRIDGE] - COST[SOUTH])
    assert sum(parts(answer, 1).values()) == pytest.approx(usd)
    assert parts(answer, 0) == pytest.approx(dict.fromkeys(PARTS, 0.0), abs=1e-6)
    assert answer.fates[OIL].added_t_d.sum() / MT == pytest.approx(moved * 0.6)


def test_half_of_a_way_moves_half_of_its_cargo(toy_engine: Engine) -> None:
    answer = disturb(toy_engine, shut(SOUTH, lost=0.5))
    half = 30 * logit(COST)[SOUTH]
    assert outcome(answer, "AAA") == is_all(delivered=60 - half, rerouted=half)


def test_new_cargo_keeps_out_of_what_is_limited(toy_engine: Engine) -> None:
    """The bridge takes all that leaves the two straits, of which each keeps its half."""
    answer = disturb(toy_engine, shut(NORTH, SOUTH, lost=0.5))
    calm = logit(COST)
    moved = 30 * (calm[NORTH] + calm[SOUTH])
    assert outcome(answer, "AAA") == is_all(delivered=60 - moved, rerouted=moved)
    usd = 30 * (calm[NORTH] * (12 - 9) + calm[SOUTH] * (12 - 7.5))
    assert sum(parts(answer, 1).values()) == pytest.approx(usd)


def test_a_dearer_way_shut_saves_nobody_money(toy_engine: Engine) -> None:
    answer = disturb(toy_engine, shut(BRIDGE))
    assert outcome(answer)["rerouted"] == pytest.approx(60 * logit(COST)[BRIDGE])
    assert sum(parts(answer, 1).values()) == pytest.approx(0, abs=1e-9)


def test_with_every_way_shut_there_is_no_path(toy_engine: Engine) -> None:
    answer = disturb(toy_engine, shut(NORTH, SOUTH, BRIDGE))
    assert outcome(answer, "AAA") == is_all(infeasible=60)
    assert outcome(answer, "BBB") == is_all(delivered=30)  # by its own pipeline
    assert outcome(answer, "R_OTH") == is_all(delivered=10)  # no way known, so none is tested
    table = summary(answer, groups_of(toy_engine.world, answer, ["CCC"])).iloc[0]
    assert table["not_routed_t"] == pytest.approx(10 * MT)


def test_lost_supply_is_unmet_before_anything_else_is(toy_engine: Engine) -> None:
    lost = Rule("origin:AAA", lost=0.25)
    answer = disturb(toy_engine, rules(lost))
    assert outcome(answer, "AAA") == is_all(delivered=45, unmet=15)
    assert answer.fates[OIL].lost_supply.sum() == pytest.approx(15 * MT)
    both = disturb(toy_engine, rules(lost, *(Rule(e, lost=1) for e in (NORTH, SOUTH, BRIDGE))))
    assert outcome(both, "AAA") == is_all(unmet=15, infeasible=45)


def line(name: str, length: float, **row: Any) -> dict[str, Any]:
    """Return a pipeline of AAA from its fields."""
    inside = {"from_country": "AAA", "to_country": "AAA", "countries": "AAA"}
    return {"pipeline": name, "length_km": length, **inside, **row}


def room(element: str, t_y: float) -> dict[str, Any]:
    return {"element": element, "capacity_t_y": t_y}


GULF = {
    "ports": [
        {"port": "LOD", "country": "AAA", "lon": 0, "lat": 0, "roles": "crude_export"},
        {"port": "LOB", "country": "BBB", "lon": 0, "lat": 0, "roles": "crude_export"},
        {"port": "OUT", "country": "AAA", "lon": 20, "lat": 0, "roles": "crude_export"},
        {"port": "DIS", "country": "CCC", "lon": 30, "lat": 0, "roles": "crude_import"},
    ],
    "pipelines": [line("line", 1000, to_port="OUT")],
    "capacities": [room("pipeline:line", 26e6), room("port:OUT", 99e6)],
    "gateways": [
        {"country": "AAA", "direction": "export", "gateway": "port:LOD", "share": 1},
        {"country": "BBB", "direction": "export", "gateway": "port:LOB", "share": 1},
        {"country": "CCC", "direction": "import", "gateway": "port:DIS", "share": 1},
    ],
}
"""Two exporters behind two straits; one of them has a line past them, for 26 Mt a year."""


def gulf(toys_: Toys, aaa: float, bbb: float, **tables: Any) -> Engine:
    flows = [
        {"importer": "CCC", "origin": o, "quantity_t": t * MT, "value_usd": 0, "base": 1}
        for o, t in (("AAA", aaa), ("BBB", bbb))
        if t
    ]
    return toys_(**{**GULF, "flows": flows, "corridors": [], **tables})


def test_a_strait_with_forty_left_and_a_line_of_26(toys_: Toys) -> None:
    """METHODS E2 from end to end: 40 delivered, 26 by the line, 34 unmet."""
    answer = disturb(gulf(toys_, 100, 0), shut(NORTH, SOUTH, lost=0.6))
    assert outcome(answer) == is_all(delivered=40, rerouted=26, unmet=34)
    calm = logit({w: COST[w] for w in (NORTH, SOUTH)})
    usual = {
        k: calm[NORTH] * v[NORTH] + calm[SOUTH] * v[SOUTH] for k, v in (("c", COST), ("d", DAYS))
    }
    usd = 1000 * 0.01 + 300 * 0.005 - usual["c"]
    assert sum(parts(answer, 1).values()) == pytest.approx(26 * usd)
    assert parts(answer, 1)["land"] == pytest.approx(26 * 10)
    days = 1000 / 100 + 300 / 500 - usual["d"]
    assert answer.fates[OIL].added_t_d.sum() / MT == pytest.approx(26 * days)
    (bound,) = answer.bindings.to_dict("records")
    assert bound["element"] == "pipeline:line"
    assert bound["spare"] == bound["used"] == pytest.approx(26e6)
    assert answer.plan is not None
    assert answer.plan.gap < 1e-9


@pytest.mark.parametrize("lost", [0.3, 0.6, 1.0])
def test_how_much_was_lost_before_changes_nothing(toys_: Toys, lost: float) -> None:
    one = gulf(toys_, 60, 40)
    for before in (1.0, 0.9, 0.5):
        disturb(one, shut(NORTH, SOUTH, lost=before))
    same(
        disturb(one, shut(NORTH, SOUTH, lost=lost)),
        disturb(gulf(toys_, 60, 40), shut(NORTH, SOUTH, lost=lost)),
    )


def test_a_line_serves_its_own_exporter_alone(toys_: Toys) -> None:
    answer = disturb(gulf(toys_, 60, 40), shut(NORTH, SOUTH))
    assert outcome(answer, "AAA") == is_all(rerouted=26, unmet=34)
    assert outcome(answer, "BBB") == is_all(infeasible=40)


def test_a_capacity_of_nothing_is_not_an_unknown_one(toys_: Toys) -> None:
    none = [room("pipeline:line", 0), room("port:OUT", 99e6)]
    lines = [line("line", 1000, to_port="OUT", capacity_t_y=50e6)]
    answer = disturb(gulf(toys_, 60, 0, capacities=none, pipelines=lines), shut(NORTH, SOUTH))
    assert outcome(answer) == is_all(unmet=60)


def test_a_pipeline_cut_sends_its_cargo_to_the_ports(toys_: Toys) -> None:
    rooms = [room("port:BRE", 12e6), room("port:BRW", 0), room("port:DIS", 99e6)]
    engine = toys_(without=[BRIDGE], capacities=rooms)
    answer = disturb(engine, shut(DIRECT))
    assert outcome(answer, "BBB") == is_all(rerouted=12, unmet=18)
    assert outcome(answer, "AAA") == is_all(delivered=60)
    # 20 USD/t and 20 days by the line, 1.5 and 0.6 by sea: nothing is added, and nothing saved.
    assert sum(parts(answer, 1).values()) == 0
    assert answer.fates[OIL].added_t_d.sum() == 0
    (row,) = answer.elsewhere.to_dict("records")
    assert (row["load"], row["land"], row["ship_class"]) == ("BRE", "DIS", "small")
    assert row["quantity_t"] == pytest.approx(12e6)


def test_flows_above_what_the_tables_allow_stay(toys_: Toys) -> None:
    """A flow that exceeds a capacity in calm times is the data's quarrel, and nobody's loss."""
    tight = [room(e, 1e6) for e in (DIRECT, "port:DIS", "port:LOD", "port:BRE")]
    engine = toys_(capacities=tight)
    assert outcome(disturb(engine, rules())) == is_all(delivered=100)
    moved = 60 * logit(COST)[SOUTH]
    assert outcome(disturb(engine, shut(SOUTH))) == is_all(delivered=100 - moved, rerouted=moved)
    barely = disturb(engine, shut("port:LOD", DIRECT, lost=1e-6))
    lost = outcome(barely)["unmet"] + outcome(barely)["infeasible"]
    assert lost <= 90 * 1e-6 * (1 + 1e-6)


def test_cargo_for_a_port_cut_off_lands_at_another_of_the_country(toys_: Toys) -> None:
    """DIN lies before the straits: what can land there has a path."""
    ports = [
        *GULF["ports"],
        {"port": "DIN", "country": "CCC", "lon": 10, "lat": 4, "roles": "crude_import"},
    ]
    lands = [
        {"country": "CCC", "direction": "import", "gateway": f"port:{p}", "share": 0.5}
        for p in ("DIS", "DIN")
    ]
    gateways = [*GULF["gateways"][:2], *lands]
    enough = [room("port:DIN", 99e6)]
    tables = {"ports": ports, "gateways": gateways, "capacities": enough, "pipelines": []}
    engine = gulf(toys_, 40, 0, **tables)
    assert outcome(disturb(engine, shut(NORTH, SOUTH))) == is_all(delivered=20, rerouted=20)


# Two ships pass the canal `north` in a day and one did in calm times; a ship a day is 18.25 Mt a
# year of 100,000 t each, and back in ballast.
CANAL = {"element": NORTH, "capacity_transits_d": 2, "usual_transits_d": 1}


def test_a_canal_passes_so_many_ships_and_no_more(toys_: Toys) -> None:
    engine = toys_(without=[BRIDGE], capacities=[CANAL])
    wants = 60 * logit({w: COST[w] for w in (NORTH, SOUTH)})[SOUTH]
    answer = disturb(engine, shut(SOUTH))
    expected = is_all(delivered=60 - wants, rerouted=18.25, unmet=wants - 18.25)
    assert outcome(answer, "AAA") == expected
    usd = 18.25 * (COST[NORTH] - COST[SOUTH])
    assert sum(parts(answer, 1).values()) == pytest.approx(usd)
    free = disturb(engine, shut(SOUTH), slots=False)
    assert outcome(free, "AAA") == is_all(delivered=60 - wants, rerouted=wants)


def test_what_a_full_canal_turns_away_takes_the_next_way(toys_: Toys) -> None:
    answer = disturb(toys_(capacities=[CANAL]), shut(SOUTH))
    wants = 60 * logit(COST)[SOUTH]
    assert outcome(answer, "AAA") == is_all(delivered=60 - wants, rerouted=wants)
    usd = 18.25 * COST[NORTH] + (wants - 18.25) * COST[BRIDGE] - wants * COST[SOUTH]
    assert sum(parts(answer, 1).values()) == pytest.approx(usd)


def test_the_seam_at_a_canal_has_no_step(toys_: Toys) -> None:
    """Room for exactly what wants through, then a little less each time."""
    wants = 60 * logit({w: COST[w] for w in (NORTH, SOUTH)})[SOUTH]
    unmet = []
    for room_mt in (wants * (1 + 1e-9), wants, wants - 1e-3, wants - 2e-3):
        canal = {**CANAL, "capacity_transits_d": 1 + room_mt / 18.25}
        answer = disturb(toys_(without=[BRIDGE], capacities=[canal]), shut(SOUTH))
        unmet.append(outcome(answer)["unmet"])
    assert unmet == pytest.approx([0, 0, 1e-3, 2e-3], abs=1e-6)


def test_a_land_bridge_takes_no_more_than_it_can(toys_: Toys) -> None:
    """With both straits shut all want over the bridge, which has room for 20 Mt a year in all."""
    engine = toys_(capacities=[room(BRIDGE, 20e6)])
    answer = disturb(engine, shut(NORTH, SOUTH))
    kept = 60 * logit(COST)[BRIDGE]
    assert outcome(answer, "AAA") == is_all(delivered=kept, rerouted=20 - kept, unmet=40)


def test_war_risk_is_on_the_hull(toy_engine: Engine) -> None:
    # 1 % of 50 m USD over 100,000 t: 5 USD/t.
    calm, dear = logit(COST), logit({**COST, NORTH: COST[NORTH] + 5})
    answer = disturb(toy_engine, rules(Rule(NORTH, war_risk_pct=1)))
    moved = 60 * (calm[NORTH] - dear[NORTH])
    assert outcome(answer, "AAA") == is_all(delivered=60 - moved, rerouted=moved)
    stays = {**dict.fromkeys(PARTS, 0.0), "premium": 60 * dear[NORTH] * 5}
    assert parts(answer, 0) == pytest.approx(stays)
    # What leaves takes the other two ways, dearer and cheaper: they are paid for together.
    others = sum((dear[w] - calm[w]) * COST[w] for w in (SOUTH, BRIDGE)) * 60
    assert sum(parts(answer, 1).values()) == pytest.approx(max(0.0, others - moved * COST[NORTH]))


def test_a_limit_is_of_the_usual_traffic(toy_engine: Engine) -> None:
    """A premium has driven off more than the limit would: the limit takes no second cut."""
    dear = disturb(toy_engine, rules(Rule(NORTH, war_risk_pct=1)))
    both = disturb(toy_engine, rules(Rule(NORTH, war_risk_pct=1, lost=0.5)))
    assert outcome(both) == pytest.approx(outcome(dear))


def test_each_limit_is_of_its_own_traffic(toy_engine: Engine) -> None:
    """What a premium does in the north is nothing to the half that may pass in the south."""
    calm, dear = logit(COST), logit({**COST, NORTH: COST[NORTH] + 5})
    assert dear[NORTH] < calm[NORTH] / 2
    given_way = rules(Rule(NORTH, war_risk_pct=1, lost=0.5), Rule(SOUTH, lost=0.5))
    stays = dear[NORTH] + calm[SOUTH] / 2 + calm[BRIDGE]
    assert outcome(disturb(toy_engine, given_way), "AAA")["delivered"] == pytest.approx(60 * stays)


def test_a_toll_and_a_delay_by_hand(toy_engine: Engine) -> None:
    dear = logit({**COST, SOUTH: COST[SOUTH] + 2 + 4 * 1.5})
    answer = disturb(toy_engine, rules(Rule(SOUTH, toll_usd_t=2, delay_d=4)))
    stays = {"hire": 4 * 1.0, "toll": 2.0, "capital": 4 * 0.5}
    found = parts(answer, 0)
    assert {k: found[k] for k in stays} == pytest.approx(
        {k: 60 * dear[SOUTH] * v for k, v in stays.items()}
    )


def test_less_draft_is_less_cargo(toy_engine: Engine) -> None:
    # 15 m of draft cut to 12: a fifth of the cargo stays behind, so a tonne costs a quarter more.
    calm, dear = logit(COST), logit({**COST, SOUTH: 7.5 * 1.25})
    answer = disturb(toy_engine, rules(Rule(SOUTH, max_draft_m=12)))
    moved = 60 * (calm[SOUTH] - dear[SOUTH])
    assert outcome(answer, "AAA") == is_all(delivered=60 - moved, rerouted=moved)
    assert parts(answer, 0)["toll"] == pytest.approx(60 * dear[SOUTH] * 7.5 * 0.25)


def test_too_little_draft_shuts_a_way(toy_engine: Engine) -> None:
    """At 7 m less than half of the cargo would be left: nobody sails for that."""
    light, closed = (
        disturb(toy_engine, rules(Rule(SOUTH, max_draft_m=7))),
        disturb(toy_engine, shut(SOUTH)),
    )
    assert outcome(light) == pytest.approx(outcome(closed))
    everywhere = rules(*(Rule(e, max_draft_m=1) for e in (NORTH, SOUTH, BRIDGE)))
    assert outcome(disturb(toy_engine, everywhere), "AAA") == is_all(infeasible=60)


def test_rules_that_overlap_do_not_add_up(toys_: Toys) -> None:
    commodity = {**toys_.usual("commodities")[0], "ship_classes": "small;big"}
    engine = toys_(commodities=[commodity])
    at = engine.network.passages.index(SOUTH)
    once = Rule(SOUTH, war_risk_pct=1)
    overlap = [
        Rule(SOUTH, war_risk_pct=1, ships=("big", "small")),
        Rule(SOUTH, war_risk_pct=1, ships=("small",), commodities=(OIL,)),
    ]
    for said in ([once], overlap):
        market = priced(engine, rules(*said)).markets[OIL]
        premium = {s: p[at] for s, p in zip(market.ships, market.premium, strict=True)}
        assert premium == pytest.approx({"small": 5, "big": 0.01 * 9e7 / 2e5})


def test_a_passage_opened_takes_its_share(toys_: Toys, toy_engine: Engine) -> None:
    gates = toys_.usual("chokepoints")
    gates[0]["open"] = "no"
    engine = toys_(chokepoints=gates)
    assert outcome(disturb(engine, rules())) == is_all(delivered=100)
    answer = disturb(engine, rules(opened=[NORTH]))
    share = logit(COST)[NORTH]
    assert outcome(answer, "AAA") == is_all(delivered=60 * (1 - share), rerouted=60 * share)
    assert sum(parts(answer, 0).values()) == pytest.approx(0, abs=1e-6)


def test_a_fleet_asked_for_too_much_leaves_the_longest_voyages(toys_: Toys) -> None:
    # Only the south is left, 1500 km for 1300 and 800: the fleet lifts a hundredth more.
    engine = toys_(assumptions={"speed_up_cap": 1.01})
    answer = disturb(engine, shut(NORTH, BRIDGE))
    calm = logit(COST)
    # The bridge's ships sail 800 km of it.
    km = {NORTH: 1300, SOUTH: 1500, BRIDGE: 800}
    usual = 60 * sum(calm[w] * km[w] for w in km)
    behind = (60 * 1500 - 1.01 * usual) / 1500
    assert 0 < behind < 60 * (1 - calm[SOUTH])
    moved = 60 * (1 - calm[SOUTH]) - behind
    assert outcome(answer, "AAA") == is_all(
        delivered=60 * calm[SOUTH], rerouted=moved, unmet=behind
    )
    table = answer.fleet.table.set_index("ship_class").loc["small"]
    assert table["left_behind_t"] == pytest.approx(behind * MT)
    assert table["fleet_use"] == pytest.approx(60 * 1500 / usual)
    rise = 2 * (1.01 - 1) * sum(calm[w] * DAYS[w] for w in km)
    assert table["hire_rise_usd_t"] == pytest.approx(rise)


def test_day_by_day_the_toy(toy_engine: Engine) -> None:
    """South of the gate 300 km are left, 0.6 days; the detour takes 0.6 days more."""
    answer = disturb(toy_engine, shut(SOUTH, duration_d=20))
    lines = supply(answer, [Group("CCC", frozenset({"CCC"}), OIL)], horizon_d=30).isel(group=0)
    usual, moved = 100 * MT / 365, 60 * logit(COST)[SOUTH] * MT / 365
    came = lines["arrivals_t"].to_numpy()
    assert lines["usual_t"].to_numpy() == pytest.approx(np.full(30, usual))
    assert came[:3] == pytest.approx([usual - 0.4 * moved, usual - 0.2 * moved, usual])
    # The last of the detour comes in beside the first that went the old way again.
    assert came[20:23] == pytest.approx([usual + 0.4 * moved, usual + 0.2 * moved, usual])
    assert came.sum() == pytest.approx(30 * usual)


def test_supply_that_is_lost_does_not_come_later(toys_: Toys) -> None:
    """Laden ships wait for a strait to open; oil that was never lifted waits nowhere."""
    engine = toys_(assumptions={"wait_most_d": 14})
    whole = [Group("CCC", frozenset({"CCC"}), OIL)]
    lost = supply(disturb(engine, shut("origin:AAA", duration_d=10)), whole, horizon_d=60)
    assert lost["lost_t"].sum() == pytest.approx(60 * MT * 10 / 365)
    assert lost["cleared_t"].sum() == 0
    held = supply(disturb(engine, shut(NORTH, SOUTH, BRIDGE, duration_d=10)), whole, horizon_d=200)
    assert held["lost_t"].sum() == 0
    assert held["arrivals_t"].sum() == pytest.approx(float(held["usual_t"].sum()))


def test_tables_by_origin_and_route_add_up(toy_engine: Engine) -> None:
    answer = disturb(toy_engine, shut(SOUTH))
    groups = groups_of(toy_engine.world, answer, ["CCC"])
    origins = by_origin(answer, groups).set_index("origin")
    assert origins["baseline_t"].to_dict() == pytest.approx(
        {"AAA": 60e6, "BBB": 30e6, "R_OTH": 10e6}
    )
    moved = 60e6 * logit(COST)[SOUTH]
    assert origins.loc["AAA", "rerouted_t"] == pytest.approx(moved)
    left = logit({w: COST[w] for w in (NORTH, BRIDGE)})
    added = left[NORTH] * COST[NORTH] + left[BRIDGE] * COST[BRIDGE] - COST[SOUTH]
    assert origins.loc["AAA", "added_cost_usd_t"] == pytest.approx(added)
    assert origins.loc["AAA", "added_days"] == pytest.approx(0.6)
    routes = by_route(answer, groups)
    routes = routes[routes["origin"] == "AAA"].set_index("passages")
    assert routes["calm_t"].to_dict() == pytest.approx(
        {w: 60e6 * s for w, s in logit(COST).items()}
    )
    assert routes["now_t"].sum() == pytest.approx(60e6)
    assert routes.loc[SOUTH, "now_t"] == 0


# --- whatever is shut ----------------------------------------------------------------------------

COMMODITIES = [OIL, "lng"]


@pytest.fixture(scope="module")
def engine(world: World, network: Network) -> Engine:
    return prepare(world, network=network, commodities=COMMODITIES)


def tonnes_of(engine: Engine) -> dict[str, float]:
    """Return t/yr by element: passages by the routes, ports and lines by the legs."""
    found: dict[str, float] = {}
    passages = engine.network.passages
    for market in engine.markets.values():
        r = market.routes
        carried = r.share * market.pair_tonnes[r.pair]
        at_sea = members(r.bits, len(passages)).T @ carried
        for passage, t in zip(passages, at_sea.tolist(), strict=True):
            found[passage] = found.get(passage, 0.0) + t
        for element, legs in market.passing.items():
            found[element] = found.get(element, 0.0) + float(market.tonnes[legs].sum())
    return found


class Real:
    """The engine, its busiest elements by kind, and pairs to ask about; it prints short."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        tonnes = tonnes_of(engine)
        ranked = sorted(tonnes, key=lambda e: (-tonnes[e], e))
        counts = {"chokepoint": 20, "port": 25, "pipeline": 10}
        self.busiest = {k: [e for e in ranked if e.startswith(k)][:n] for k, n in counts.items()}
        every = {OIL: 10, "lng": 3}
        self.asked = {n: np.arange(0, m.pairs, every[n]) for n, m in engine.markets.items()}

    def __repr__(self) -> str:
        return "real"


@pytest.fixture(scope="module")
def real(engine: Engine) -> Real:
    return Real(engine)


LOST = st.sampled_from([1.0, 1.0, 0.9, 0.5, 0.2, 0.01])


def drawn_rules(data: st.DataObject, elements: Sequence[str], most: int = 5) -> list[Rule]:
    """Draw some elements and the share each loses."""
    chosen = data.draw(
        st.lists(st.sampled_from(list(elements)), min_size=1, max_size=most, unique=True)
    )
    return [Rule(element, lost=data.draw(LOST, label=element)) for element in chosen]


def everything(busiest: Mapping[str, Sequence[str]]) -> list[str]:
    return [e for kind in busiest.values() for e in kind]


def delivered_mt(answer: Answer) -> float:
    """Return Mt a year that arrive by any way, had the fleet lifted all it was asked to."""
    behind = answer.fleet.table.drop_duplicates("fleet")["left_behind_t"].sum()
    came = sum(float(fate.outcome[:, :2].sum()) for fate in answer.fates.values())
    return (came + float(behind)) / MT


@few
@given(st.data())
def test_outcomes_add_up_and_none_is_negative(real: Real, data: st.DataObject) -> None:
    supply_lost = Rule("origin:SAU", lost=data.draw(st.sampled_from([0.0, 0.3])))
    answer = disturb(real.engine, rules(supply_lost, *drawn_rules(data, everything(real.busiest))))
    for fate in answer.fates.values():
        np.testing.assert_allclose(fate.outcome.sum(axis=1), fate.case.calm.tonnes, rtol=1e-9)
        assert (fate.outcome >= 0).all()
        assert (fate.lost_supply <= fate.outcome[:, OUTCOMES.index("unmet")] * (1 + 1e-9)).all()
        assert (fate.added_usd.sum(axis=2) >= -1e-6).all()
        assert (fate.added_t_d >= 0).all()


@pytest.fixture(scope="module")
def gas(world: World, network: Network) -> Real:
    return Real(prepare(world, network=network, commodities=["lng"]))


def dear_rule(data: st.DataObject, element: str) -> Rule:
    """Draw a rule that may cut a draft, ask for money, cost days and lose traffic at once."""
    return Rule(
        element,
        lost=data.draw(st.sampled_from([0.0, 0.3, 1.0])),
        ships=data.draw(st.sampled_from([(), ("lng_carrier",), ("vlcc",)])),
        max_draft_m=data.draw(st.sampled_from([None, 11.0, 6.5, 1.0])),
        delay_d=data.draw(st.sampled_from([0.0, 4.0])),
        toll_usd_t=data.draw(st.sampled_from([0.0, 3.0, 80.0])),
        war_risk_pct=data.draw(st.sampled_from([0.0, 0.7])),
    )


@few
@given(st.data())
def test_outcomes_add_up_at_any_price(gas: Real, data: st.DataObject) -> None:
    straits = st.lists(
        st.sampled_from(gas.busiest["chokepoint"]), min_size=1, max_size=4, unique=True
    )
    told = [dear_rule(data, element) for element in data.draw(straits)]
    fate = disturb(gas.engine, rules(*told)).fates["lng"]
    np.testing.assert_allclose(fate.outcome.sum(axis=1), fate.case.calm.tonnes, rtol=1e-9)
    assert (fate.outcome >= 0).all()
    assert (fate.added_usd.sum(axis=2) >= -1e-6).all()


@few
@given(st.data())
def test_nothing_crosses_what_is_shut(real: Real, data: st.DataObject) -> None:
    told = drawn_rules(data, everything(real.busiest))
    answer = disturb(real.engine, rules(*told))
    gone = {r.element for r in told if r.lost == 1}
    word = real.engine.network.word(gone & set(real.engine.network.passages))
    for fate in answer.fates.values():
        s = fate.case.spread
        assert not (s.bits[s.now > 0] & word).any()
        stopped = [fate.case.calm.passing[e] for e in gone if e in fate.case.calm.passing]
        for legs in stopped:
            assert fate.outcome[legs, OUTCOMES.index("delivered")].sum() == 0
    assert not (answer.elsewhere["bits"].to_numpy(dtype=np.uint64) & word).any()
    assert not any(gone & set(passes) for passes in answer.elsewhere["passes"])


def through(answer: Answer) -> dict[tuple[str, str], float]:
    """Return t/yr through every port and line after all is done, by commodity."""
    found: dict[tuple[str, str], float] = {}
    for name, fate in answer.fates.items():
        own = fate.case.own_ports
        for element, legs in fate.case.calm.passing.items():
            found[element, name] = float(own[legs].sum())
    rows = answer.elsewhere
    for passes, name, t in zip(rows["passes"], rows["commodity"], rows["quantity_t"], strict=True):
        for element in dict.fromkeys(passes):
            found[element, name] = found.get((element, name), 0.0) + t
    return found


def at_most(engine: Engine, element: str, commodity: str) -> float:
    """Return what may pass an element: its row, its line's capacity, or a surge; or what did."""
    world = engine.world
    usual = sum(
        float(market.tonnes[market.passing[element]].sum())
        for name, market in engine.markets.items()
        if element in market.passing and (name == commodity or not element.startswith("port:"))
    )
    kind, _, name = element.partition(":")
    table = world.capacities
    row = table[(table["element"] == element) & table["commodity"].isin(["", commodity])]
    most = float(row["capacity_t_y"].iloc[0]) if len(row) else np.nan
    recorded = np.nan
    if kind in ("pipeline", "railway"):
        lines = world.pipelines if kind == "pipeline" else world.railways
        own = lines[lines[kind] == name].iloc[0]
        most = float(own["capacity_t_y"]) if np.isnan(most) else most
        recorded = float(own["throughput_t_y" if kind == "pipeline" else "recent_t_y"])
    if np.isnan(most):
        most = usual * world.assumption("port_surge" if kind == "port" else "line_surge")
    elif recorded > usual:  # others, not in the data, use it too
        most -= recorded - usual
    return max(most, usual)


@few
@given(st.data())
def test_ports_and_lines_take_no_more_than_they_can(real: Real, data: st.DataObject) -> None:
    answer = disturb(real.engine, rules(*drawn_rules(data, everything(real.busiest))))
    if answer.plan is not None:
        assert answer.plan.gap < 1e-9
        assert answer.plan.bound <= answer.plan.objective * (1 + 1e-9) + 1e-6
        assert (answer.bindings["used"] <= answer.bindings["spare"] * (1 + 1e-6) + 10).all()
    newcomers = {
        (e, name)
        for passes, name in zip(
            answer.elsewhere["passes"], answer.elsewhere["commodity"], strict=True
        )
        for e in passes
    }
    passing = through(answer)
    for element, name in newcomers:
        assert passing[element, name] <= at_most(real.engine, element, name) * (1 + 1e-6) + 10, (
            element
        )


@pytest.mark.parametrize(
    "closed",
    [("chokepoint:suez",), ("chokepoint:suez", "chokepoint:cape_good_hope")],
    ids=lambda c: "+".join(e.removeprefix("chokepoint:") for e in c),
)
def test_land_bridges_take_no_more_than_they_can(engine: Engine, closed: tuple[str, ...]) -> None:
    answer = disturb(engine, shut(*closed))
    case = answer.fates[OIL].case
    s = case.spread
    for element in (p for p in engine.network.passages if p.startswith("pipeline:")):
        over = (s.bits & engine.network.bit(element)) != 0
        now = float((s.now * case.pair_tonnes[s.pair])[over].sum())
        name = element.removeprefix("pipeline:")
        lines = engine.world.pipelines
        most = float(lines.loc[lines["pipeline"] == name, "capacity_t_y"].iloc[0])
        assert now <= most * (1 + 1e-6), element


def test_a_bypass_belongs_to_its_exporter(engine: Engine) -> None:
    rows = disturb(engine, shut("chokepoint:hormuz")).elsewhere
    origins = engine.sides["origin"][rows["flow"].to_numpy(dtype=np.int64)]
    for bypass, owner in (("east_west_petroline", "SAU"), ("habshan_fujairah", "ARE")):
        over = [f"pipeline:{bypass}" in passes for passes in rows["passes"]]
        assert set(origins[over]) == {owner}


def test_qatari_gas_has_no_way_out_of_the_gulf(engine: Engine) -> None:
    answer = disturb(engine, shut("chokepoint:hormuz"))
    fate = answer.fates["lng"]
    gas = engine.sides["origin"][fate.case.calm.flow] == "QAT"
    beyond = np.isin(engine.sides["importer"][fate.case.calm.flow], ["ARE", "KWT"], invert=True)
    found = fate.outcome[gas & beyond & fate.case.calm.routed].sum(axis=0)
    assert found[OUTCOMES.index("infeasible")] > 60 * MT
    assert found[:3].sum() == 0


def test_a_ship_that_does_not_fit_never_passes(engine: Engine) -> None:
    """With Suez, its pipelines and the one across Panama shut, no VLCC squeezes through locks."""
    bridges = [p for p in engine.network.passages if p.startswith("pipeline:")]
    answer = disturb(engine, shut("chokepoint:suez", "chokepoint:cape_good_hope", *bridges))
    panama = engine.network.bit("chokepoint:panama")
    for fate in answer.fates.values():
        s, ships = fate.case.spread, fate.case.calm.ships
        for i, ship in enumerate(ships):
            used = s.bits[(s.ship == i) & (s.now > 0)]
            assert not (used & engine.tariffs[ship].too_big).any()
            if ship == "vlcc":
                assert not (used & panama).any()
    assert outcome(answer)["rerouted"] > 100


def full_search(market: Market, pairs: np.ndarray, word: np.uint64) -> np.ndarray:
    """Return the least costs with a word of passages shut, searched for from the start."""
    found = market.sailing.search
    start, end = found.origins[found.o[pairs]], found.destinations[found.d[pairs]]
    rows, o = np.unique(start, return_inverse=True)
    columns, d = np.unique(end, return_inverse=True)
    by_ship = [least_cost(found.network, t, rows, columns, word)[o, d] for t in found.tariffs]
    return np.asarray(np.min(by_ship, axis=0))


@some
@given(st.data())
def test_the_best_way_left_is_the_best_of_a_full_search(real: Real, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(COMMODITIES))
    passages = [p for p in real.engine.network.passages if p.startswith("pipeline:")]
    chosen = st.sets(
        st.sampled_from([*real.busiest["chokepoint"], *passages]), min_size=1, max_size=8
    )
    market, pairs = real.engine.markets[name], real.asked[name]
    word = real.engine.network.word(data.draw(chosen))
    ways = market.detours.best(pairs, np.full(len(market.ships), word))
    expected = full_search(market, pairs, word)
    np.testing.assert_allclose(ways.cost_usd_t, expected, rtol=1e-9)
    left = np.isfinite(ways.cost_usd_t)
    assert not (ways.bits[left] & word).any()
    more = word | real.engine.network.word(data.draw(chosen))
    dearer = market.detours.best(pairs, np.full(len(market.ships), more)).cost_usd_t
    assert (dearer[left] >= ways.cost_usd_t[left] * (1 - 1e-12)).all()
    assert not np.isfinite(dearer[~left]).any()


@few
@given(st.data())
def test_losing_more_at_sea_never_leaves_a_pair_more(real: Real, data: st.DataObject) -> None:
    """A theorem: of each pair what still sails only falls with what is lost."""
    market = real.engine.markets[data.draw(st.sampled_from(COMMODITIES))]
    told = drawn_rules(data, real.busiest["chokepoint"], most=8)
    worse = [Rule(r.element, lost=max(r.lost, data.draw(LOST))) for r in told]
    worse += [
        r
        for r in drawn_rules(data, real.busiest["chokepoint"])
        if r.element not in {x.element for x in told}
    ]

    def sails(these: list[Rule]) -> np.ndarray:
        cut: Losses = losses(real.engine.network, market.commodity, market.ships, these)
        s = spread(market, market, cut, real.engine.choice.theta)
        now = np.bincount(s.pair, s.now, minlength=market.pairs)
        calm = np.bincount(s.pair, s.calm, minlength=market.pairs)
        np.testing.assert_allclose(now + s.stranded, calm, rtol=1e-12, atol=1e-12)
        return now

    assert (sails(worse) <= sails(told) + 1e-12).all()


@few
@given(st.data())
def test_closing_more_straits_never_delivers_more(real: Real, data: st.DataObject) -> None:
    """Of all buyers together, and before the fleet is asked what it can lift.

    Not so of ports and lines: cargo that is stopped leaves room there, and room at a port of
    loading and at one of landing may serve two others. Nor of one buyer, who gains by the loss of
    another's claim to the same bypass.
    """
    told = drawn_rules(data, real.busiest["chokepoint"])
    fewer, whole = rules(*told), shut(*(r.element for r in told))
    more = shut(
        *{r.element for r in told} | {data.draw(st.sampled_from(real.busiest["chokepoint"]))}
    )
    found = [delivered_mt(disturb(real.engine, s, slots=False)) for s in (fewer, whole, more)]
    assert found[1] <= found[0] + 1e-5
    assert found[2] <= found[1] + 1e-5


def same(one: Answer, other: Answer) -> None:
    for name, fate in one.fates.items():
        np.testing.assert_array_equal(fate.outcome, other.fates[name].outcome)
        np.testing.assert_array_equal(fate.added_usd, other.fates[name].added_usd)
        np.testing.assert_array_equal(fate.added_t_d, other.fates[name].added_t_d)
    pd.testing.assert_frame_equal(one.elsewhere, other.elsewhere)
    pd.testing.assert_frame_equal(one.bindings, other.bindings)


@few
@given(st.data())
def test_order_and_history_do_not_matter(real: Real, data: st.DataObject) -> None:
    told = drawn_rules(data, everything(real.busiest))
    told += [Rule("origin:KWT", lost=0.5)]
    first = disturb(real.engine, rules(*told))
    disturb(real.engine, rules(*drawn_rules(data, everything(real.busiest))))
    same(first, disturb(real.engine, rules(*data.draw(st.permutations(told)))))


def test_a_fresh_engine_says_the_same(engine: Engine, world: World, network: Network) -> None:
    dear = Rule("chokepoint:malacca", war_risk_pct=0.1)
    closed = ("chokepoint:hormuz", "chokepoint:bosporus", "port:CNNGB")
    scenario = rules(dear, *(Rule(e, lost=1) for e in closed))
    fresh = prepare(world, network=network, commodities=COMMODITIES)
    same(disturb(fresh, scenario), disturb(engine, scenario))


@pytest.mark.parametrize(
    "nothing",
    [
        rules(),
        shut("chokepoint:hormuz", "port:SARTA", "pipeline:druzhba_north", lost=0.0),
        rules(Rule("chokepoint:bab_el_mandeb", war_risk_pct=0, toll_usd_t=0, delay_d=0)),
        shut("chokepoint:bering", "railway:china_laos"),  # carry neither
    ],
    ids=["no rule", "nothing lost", "a surcharge of 0", "where nothing passes"],
)
def test_nothing_shut_is_the_baseline(engine: Engine, nothing: Scenario) -> None:
    answer = disturb(engine, nothing)
    for fate in answer.fates.values():
        np.testing.assert_allclose(fate.outcome[:, 0], fate.case.calm.tonnes, rtol=1e-12)
        assert (fate.outcome[:, 1:] == 0).all()
        assert (fate.added_usd == 0).all()
        assert (fate.added_t_d == 0).all()
    assert answer.plan is None
    assert answer.elsewhere.empty
    use = answer.fleet.table["fleet_use"].dropna()
    assert use.to_numpy() == pytest.approx(np.ones(len(use)))


@pytest.mark.parametrize(
    "little",
    [
        rules(Rule("chokepoint:malacca", toll_usd_t=1e-7)),
        rules(Rule("chokepoint:suez", delay_d=1e-7)),
        shut("chokepoint:hormuz", "chokepoint:suez", lost=1e-8),
        shut("port:SARTA", "port:CNNGB", "pipeline:espo_1", "port:RUNVS", lost=1e-8),
    ],
    ids=["a toll", "a delay", "straits", "ports and lines"],
)
def test_a_little_changes_little(engine: Engine, little: Scenario) -> None:
    answer = disturb(engine, little)
    for fate in answer.fates.values():
        calm = fate.case.calm.tonnes
        np.testing.assert_allclose(fate.outcome[:, 0], calm, rtol=1e-6)
        assert fate.outcome[:, 2:].sum() <= 1e-8 * calm.sum()


def test_premium_of_a_vlcc_at_bab_el_mandeb(engine: Engine) -> None:
    # 0.7 % of 100 m USD over 270,000 t.
    dear = priced(engine, rules(Rule("chokepoint:bab_el_mandeb", war_risk_pct=0.7))).markets[OIL]
    at, ship = engine.network.passages.index("chokepoint:bab_el_mandeb"), dear.ships.index("vlcc")
    assert dear.premium[ship][at] == pytest.approx(2.5926, abs=1e-4)
    usual = engine.markets[OIL].tariffs[ship]
    rise = dear.tariffs[ship].passage_usd_t - usual.passage_usd_t
    assert rise[at] == pytest.approx(2.5926, abs=1e-4)
    assert np.delete(rise, at) == pytest.approx(0)


def test_a_surcharge_on_one_commodity_is_paid_by_no_other(world: World, network: Network) -> None:
    """Grain and coal sail in the same ships."""
    bulk = prepare(world, network=network, commodities=["sorghum", "barley"])
    answer = disturb(bulk, rules(Rule("chokepoint:panama", toll_usd_t=9, commodities=("sorghum",))))
    assert answer.fates["sorghum"].added_usd.sum() > 0
    assert answer.fates["barley"].added_usd.sum() == 0
    assert answer.fates["barley"].outcome[:, 1:].sum() == 0


def test_a_port_shut_to_gas_carriers_still_loads_oil(engine: Engine) -> None:
    answer = disturb(engine, rules(Rule("port:SARTA", lost=1, ships=("lng_carrier",))))
    assert outcome(answer)["delivered"] == pytest.approx(engine.markets[OIL].tonnes.sum() / MT)


def test_the_arctic_opened_takes_only_ships_that_fit(engine: Engine) -> None:
    arctic = "chokepoint:northern_sea_route"
    answer = disturb(engine, rules(opened=[arctic]))
    bit, at = engine.network.bit(arctic), engine.network.passages.index(arctic)
    uses = set()
    for fate in answer.fates.values():
        s, ships = fate.case.spread, fate.case.calm.ships
        uses |= {ships[i] for i in s.ship[((s.bits & bit) != 0) & (s.now > 0)]}
    assert uses
    assert all(engine.tariffs[ship].fits[at] for ship in uses)
    assert "vlcc" not in uses


# --- tables and days -----------------------------------------------------------------------------


@few
@given(st.data())
def test_the_summary_adds_up(real: Real, data: st.DataObject) -> None:
    days = data.draw(st.sampled_from([1.0, 30.0, 90.5, 365.0]))
    told = drawn_rules(data, everything(real.busiest))
    answer = disturb(
        real.engine,
        rules(*told, duration_d=days, recovery_d=data.draw(st.sampled_from([0.0, 20.0]))),
    )
    table = summary(
        answer, groups_of(real.engine.world, answer, ["CHN", "JPN", "EU27", "IND", "KOR"])
    )
    assert len(table) == 10
    total = table[[f"{name}_t" for name in OUTCOMES]].sum(axis=1)
    np.testing.assert_allclose(total, table["baseline_t"], rtol=1e-9)
    gone = (table["unmet_t"] + table["infeasible_t"]) / table["baseline_t"]
    np.testing.assert_allclose(table["lost_share"], gone, atol=1e-12)
    for name in OUTCOMES:
        assert (table[f"{name}_low_t"] <= table[f"{name}_t"]).all()
        assert (table[f"{name}_t"] <= table[f"{name}_high_t"]).all()
        assert (table[f"{name}_low_t"] >= 0).all()
    for name in ("baseline", *OUTCOMES):
        np.testing.assert_allclose(table[f"{name}_duration_t"], table[f"{name}_t"] * days / 365)
    for cover in ("cover_days", "gap_cover_days"):
        assert not (table[cover] > 365).any()
    parts_ = table[[f"added_{p}_usd_t" for p in PARTS]].sum(axis=1, skipna=False)
    np.testing.assert_allclose(parts_, table["added_cost_usd_t"], rtol=1e-9, atol=1e-9)


def test_two_years_are_twice_one(engine: Engine) -> None:
    answer = disturb(engine, shut("chokepoint:hormuz", duration_d=730))
    row = summary(answer, groups_of(engine.world, answer, ["JPN"])).iloc[0]
    assert row["baseline_duration_t"] == pytest.approx(2 * row["baseline_t"])


def test_a_commodity_that_never_sails_has_tables_too(world: World, network: Network) -> None:
    gas = prepare(world, network=network, commodities=["pipeline_gas"])
    answer = disturb(gas, shut("pipeline:central_asia_china_c"))
    groups = groups_of(world, answer, ["CHN"])
    assert summary(answer, groups)["baseline_t"].iloc[0] > 0
    assert by_route(answer, groups)["now_t"].sum() >= 0
    assert by_origin(answer, groups)["baseline_t"].sum() > 0


@pytest.mark.parametrize("closed", ["chokepoint:malacca", "chokepoint:gibraltar"])
def test_the_routes_carry_what_is_said_to_arrive(engine: Engine, closed: str) -> None:
    answer = disturb(engine, shut(closed))
    groups = [
        g
        for g in groups_of(engine.world, answer, ["CHN", "JPN", "KOR", "IND"])
        if g.commodity == "lng"
    ]
    table, routes = summary(answer, groups), by_route(answer, groups)
    sailed = table["delivered_t"] + table["rerouted_t"] - table["not_routed_t"]
    assert routes["now_t"].sum() == pytest.approx(sailed.sum(), rel=1e-4)
    assert routes["calm_t"].sum() == pytest.approx(
        (table["baseline_t"] - table["not_routed_t"]).sum(), rel=1e-4
    )


def arrives(fate: Fate) -> float:
    return float(fate.outcome[:, :2].sum())


@few
@given(st.data())
def test_day_by_day_no_tonne_is_made_or_lost(real: Real, data: st.DataObject) -> None:
    days = data.draw(st.sampled_from([3.0, 10.0, 45.0, 200.0]))
    answer = disturb(
        real.engine, rules(*drawn_rules(data, everything(real.busiest)), duration_d=days)
    )
    groups = groups_of(real.engine.world, answer, ["WLD"])
    lines = supply(answer, groups, horizon_d=500)
    usual, came, lost = (lines[n].to_numpy() for n in ("usual_t", "arrivals_t", "lost_t"))
    waiting = lines["waiting_t"].to_numpy()[:, -1]
    total = usual.sum(axis=1)
    np.testing.assert_allclose(came.sum(axis=1) + lost.sum(axis=1) + waiting, total, rtol=1e-9)
    np.testing.assert_allclose(
        usual[:, 0] * 365, [answer.fates[g.commodity].case.calm.tonnes.sum() for g in groups]
    )
    assert (came >= -1e-6).all()
    # What arrives by any way is lost at no time, so days × what does not arrive is the most lost.
    gone = [answer.fates[g.commodity].outcome[:, 2:].sum() / 365 for g in groups]
    assert (lost.sum(axis=1) <= np.array(gone) * days * (1 + 1e-9) + 1e-3).all()


def test_cargo_past_the_strait_still_arrives(engine: Engine) -> None:
    """From Hormuz to Japan it is two weeks: for so long nobody there notices."""
    answer = disturb(engine, shut("chokepoint:hormuz", duration_d=100))
    japan = [Group("JPN", frozenset({"JPN"}), c) for c in COMMODITIES]
    lines = supply(answer, japan, horizon_d=300)
    usual, came = lines["usual_t"].to_numpy(), lines["arrivals_t"].to_numpy()
    np.testing.assert_allclose(came[:, :12], usual[:, :12])
    assert (came[:, 30:100] < usual[:, 30:100]).all()
    assert (lines["late_t"].to_numpy()[0] > 0).any()  # oil by Yanbu comes late
    assert (lines["late_t"].to_numpy()[1] == 0).all()  # gas has no other way
    np.testing.assert_allclose(came[:, 250:], usual[:, 250:], rtol=1e-9)


def test_pairs_that_pass_nothing_dearer_are_not_searched_in_vain(engine: Engine) -> None:
    """Searching again only the pairs that use what became dearer gives what searching all gives."""
    dear = priced(engine, rules(Rule("chokepoint:bab_el_mandeb", war_risk_pct=0.7, delay_d=1)))
    for name, market in dear.markets.items():
        if market is engine.markets[name]:
            continue
        whole, part = sea_routes(market.sailing.search, engine.choice), market.routes
        by_way = [
            {
                key: (share, cost)
                for *key_, share, cost in zip(
                    r.pair.tolist(),
                    r.ship.tolist(),
                    r.bits.tolist(),
                    r.share,
                    r.cost_usd_t,
                    strict=True,
                )
                for key in [tuple(key_)]
            }
            for r in (whole, part)
        ]
        assert by_way[0].keys() == by_way[1].keys()
        for way, (share, cost) in by_way[0].items():
            assert by_way[1][way] == pytest.approx((share, cost), rel=1e-12)
