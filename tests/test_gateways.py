"""Where cargo of a pair of countries leaves and enters: the rules one by one, then all pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from corridors.demand import select_flows
from corridors.gateways import GatewayBook, Leg
from corridors.network import Network
from layers.world import World

OIL = "crude_oil"


def gateway(country: str, direction: str, element: str, share: float = 1, **more: object) -> dict:
    return {"country": country, "direction": direction, "gateway": element, "share": share, **more}


OUT, INTO = gateway("AAA", "export", "port:LOD"), gateway("CCC", "import", "port:DIS")


def book(toys: Any, gateways: Sequence[Mapping[str, object]], **more: Any) -> GatewayBook:
    building = more.pop("building", ())
    toy = toys({"gateways": gateways, **more})
    return GatewayBook(toy.world, toy.network, building=building)


def summary(legs: Sequence[Leg]) -> dict[tuple[str, tuple[str, ...], tuple[str, ...]], float]:
    return {(leg.outcome, leg.out, leg.into): round(leg.share, 9) for leg in legs}


def test_ports_of_both_sides_are_joined(toys: Any) -> None:
    both = [
        gateway("AAA", "export", "port:LOD", 0.75),
        gateway("AAA", "export", "port:BRW", 0.25),
        gateway("CCC", "import", "port:DIS", 0.6),
        gateway("CCC", "import", "port:BRE", 0.4),
    ]
    legs = book(toys, both).legs("AAA", "CCC", OIL)
    assert summary(legs) == {
        ("sea", ("port:LOD",), ("port:DIS",)): 0.45,
        ("sea", ("port:LOD",), ("port:BRE",)): 0.3,
        ("sea", ("port:BRW",), ("port:DIS",)): 0.15,
        ("sea", ("port:BRW",), ("port:BRE",)): 0.1,
    }
    assert {(leg.load, leg.land) for leg in legs} == {
        ("LOD", "DIS"), ("LOD", "BRE"), ("BRW", "DIS"), ("BRW", "BRE"),
    }  # fmt: skip


def test_land_on_the_way_keeps_its_order(toys: Any) -> None:
    feeder = {"pipeline": "feeder", "from_country": "AAA", "to_country": "AAA", "countries": "AAA"}
    line = {**feeder, "length_km": 100, "to_port": "LOD", "wkt": "LINESTRING (0 5, 0 0)"}
    legs = book(
        toys,
        [
            gateway("AAA", "export", "pipeline:feeder", via="port:BRW"),
            gateway("CCC", "import", "port:DIS", via="pipeline:direct"),
        ],
        pipelines=[*toys.tables["pipelines"], line],
    ).legs("AAA", "CCC", OIL)
    assert summary(legs) == {
        ("sea", ("port:BRW", "pipeline:feeder", "port:LOD"), ("port:DIS", "pipeline:direct")): 1.0
    }


def test_a_named_partner_goes_before_its_group_and_that_before_the_rest(toys: Any) -> None:
    sets = [
        OUT,
        gateway("BBB", "export", "port:LOD"),
        gateway("CCC", "import", "port:DIS"),
        gateway("CCC", "import", "port:BRE", counterpart="WEST"),
        gateway("CCC", "import", "port:BRW", counterpart="BBB"),
    ]
    found = book(toys, sets)
    assert [leg.land for leg in found.legs("AAA", "CCC", OIL)] == ["BRE"]
    # What is booked in and out of one port does not sail.
    assert {leg.land for leg in found.legs("BBB", "CCC", OIL)} - {""} == {"BRW"}


def test_a_set_for_all_trade_by_sea_is_a_default(toys: Any) -> None:
    found = book(toys, [OUT, gateway("CCC", "import", "port:BRE", counterpart="R_SEA")])
    assert [leg.land for leg in found.legs("AAA", "CCC", OIL)] == ["BRE"]


def test_recorded_land_goes_first_and_the_sea_takes_the_rest(toys: Any) -> None:
    sets = [
        gateway("BBB", "export", "port:BRE"),
        gateway("CCC", "import", "pipeline:direct", 0.7, counterpart="BBB"),
        gateway("CCC", "import", "port:DIS", 0.3, counterpart="BBB"),
    ]
    assert summary(book(toys, sets).legs("BBB", "CCC", OIL)) == {
        ("land", ("pipeline:direct",), ()): 0.7,
        ("sea", ("port:BRE",), ("port:DIS",)): 0.3,
    }


def test_a_line_of_a_default_set_serves_only_its_countries(toys: Any) -> None:
    sets = [
        OUT,
        gateway("BBB", "export", "port:BRE"),
        gateway("CCC", "import", "pipeline:direct", 0.5),
        gateway("CCC", "import", "port:DIS", 0.5),
    ]
    found = book(toys, sets)
    assert summary(found.legs("AAA", "CCC", OIL)) == {("sea", ("port:LOD",), ("port:DIS",)): 1.0}
    assert summary(found.legs("BBB", "CCC", OIL)) == {
        ("land", ("pipeline:direct",), ()): 0.5,
        ("sea", ("port:BRE",), ("port:DIS",)): 0.5,
    }


def test_one_line_reached_two_ways_stays_two_legs(toys: Any) -> None:
    sets = [
        gateway("BBB", "export", "pipeline:direct", 0.6, via="port:BRW"),
        gateway("BBB", "export", "pipeline:direct", 0.4, via="port:BRE"),
    ]
    assert summary(book(toys, sets).legs("BBB", "CCC", OIL)) == {
        ("land", ("port:BRW", "pipeline:direct"), ()): 0.6,
        ("land", ("port:BRE", "pipeline:direct"), ()): 0.4,
    }


@pytest.mark.parametrize("status", ["construction", "planned", "damaged", "idle", "closed"])
def test_a_line_that_does_not_run_carries_nothing(toys: Any, status: str) -> None:
    lines = [
        {**line, "status": status} if line["pipeline"] == "direct" else line
        for line in toys.tables["pipelines"]
    ]
    sets = [
        gateway("BBB", "export", "port:BRE"),
        INTO,
        gateway("CCC", "import", "pipeline:direct", counterpart="BBB"),
    ]
    for leg in book(toys, sets, pipelines=lines).legs("BBB", "CCC", OIL):
        assert "pipeline:direct" not in (*leg.out, *leg.into)
    opened = book(toys, sets, pipelines=lines, building=["pipeline:direct"])
    assert summary(opened.legs("BBB", "CCC", OIL)) == {("land", ("pipeline:direct",), ()): 1.0}


def test_without_a_record_the_largest_suited_ports_share_alike(toys: Any) -> None:
    def port(name: str, lon: float, roles: str, size: float) -> dict[str, object]:
        place = {"port": name, "country": "AAA", "lon": lon, "lat": 0, "roles": roles}
        return {**place, "annual_t": size}

    ports = [
        *(p for p in toys.tables["ports"] if p["port"] != "LOD"),
        port("BIG", 0.0, "crude_export", 9e6),
        port("MID", 0.01, "grain_import;crude_export", 5e6),
        port("SML", 0.02, "crude_export", 1e6),
        port("TNY", 0.03, "crude_export", 1e5),
        port("GRN", 0.04, "grain_export", 9e9),
    ]
    legs = book(toys, [INTO], ports=ports).legs("AAA", "CCC", OIL)
    assert {leg.load: pytest.approx(leg.share) for leg in legs} == {
        name: 1 / 3 for name in ("BIG", "MID", "SML")
    }
    assert {leg.quality for leg in legs} == {"estimate"}


def test_the_worse_side_tells_the_quality(toys: Any) -> None:
    legs = book(toys, [{**OUT, "quality": "memory"}, INTO]).legs("AAA", "CCC", OIL)
    assert [leg.quality for leg in legs] == ["memory"]


def test_what_cannot_be_placed_says_why(toys: Any) -> None:
    inland = {"country": "DDD", "lon": 13, "lat": 10, "neighbours": "CCC"}
    nowhere = {"country": "EEE", "lon": 13, "lat": 12}
    countries = [*toys.tables["countries"], inland, nowhere]
    countries[2] = {**countries[2], "neighbours": "BBB;DDD"}
    found = book(toys, [OUT, INTO], countries=countries)
    assert [leg.outcome for leg in found.legs("R_OTH", "CCC", OIL)] == ["unplaced"]
    assert [leg.outcome for leg in found.legs("DDD", "CCC", OIL)] == ["overland"]
    assert [leg.outcome for leg in found.legs("EEE", "CCC", OIL)] == ["no_gateway"]


def test_what_no_ship_carries_does_not_sail(toys: Any) -> None:
    gas = [{**toys.tables["commodities"][0], "modes": "pipeline", "ship_classes": ""}]
    legs = book(toys, [OUT, INTO], commodities=gas).legs("AAA", "CCC", OIL)
    assert [leg.outcome for leg in legs] == ["no_gateway"]


# All pairs that trade.


@pytest.fixture(scope="module")
def legs(world: World, network: Network) -> dict[tuple[str, str, str], tuple[Leg, ...]]:
    """Return the legs of every pair of countries that trades in the base year."""
    flows = select_flows(world)
    pairs = flows[["origin", "importer", "commodity"]].drop_duplicates()
    whole = GatewayBook(world, network)
    return {key: whole.legs(*key) for key in pairs.itertuples(index=False, name=None)}


def test_shares_of_every_pair_sum_to_one(legs: dict[tuple[str, str, str], tuple[Leg, ...]]) -> None:
    for key, found in legs.items():
        assert sum(leg.share for leg in found) == pytest.approx(1.0), key
        assert all(0 <= leg.share <= 1 + 1e-9 for leg in found), key


def test_every_leg_is_whole(
    world: World, network: Network, legs: dict[tuple[str, str, str], tuple[Leg, ...]]
) -> None:
    known = set(world.elements())
    for key, found in legs.items():
        for leg in found:
            assert known.issuperset((*leg.out, *leg.into)), key
            if leg.outcome == "sea":
                assert network.on_sea(leg.load), key
                assert network.on_sea(leg.land), key
                assert leg.out[-1] == f"port:{leg.load}", key
                assert leg.into[0] == f"port:{leg.land}", key
            else:
                assert (leg.load, leg.land) == ("", ""), key
                assert (leg.outcome == "land") == bool(leg.out), key


def test_no_leg_uses_a_line_that_does_not_run(
    world: World, legs: dict[tuple[str, str, str], tuple[Leg, ...]]
) -> None:
    idle = {
        f"{kind}:{name}"
        for kind, table in (("pipeline", world.pipelines), ("railway", world.railways))
        for name, status in zip(table[kind], table["status"], strict=True)
        if status != "operating"
    }
    wrong = {
        (key, element)
        for key, found in legs.items()
        for leg in found
        for element in (*leg.out, *leg.into)
        if element in idle
    }
    assert not wrong, sorted(wrong)[:5]


def test_no_ship_sails_from_a_port_to_itself(
    legs: dict[tuple[str, str, str], tuple[Leg, ...]],
) -> None:
    wrong = {(k, g.load) for k, found in legs.items() for g in found if g.load == g.land != ""}
    assert not wrong, sorted(wrong)[:5]
