"""What an importer would lose: worlds computed by hand, then the shipped one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridors.network import Arrays
from corridors.risk.alert import Impact, Status
from corridors.risk.impact import (
    COLUMNS,
    break_of,
    context,
    given_event,
    impact_of,
    impacts,
    lost_share,
    measured,
    remembered,
    tier_of,
)
from corridors.whatif.answer import disturb
from corridors.whatif.engine import Engine, prepare
from layers.errors import UnknownIdError, UsageError
from layers.memory import remember
from layers.world import World

NORTH, SOUTH, BRIDGE = "chokepoint:north", "chokepoint:south", "pipeline:bridge"
DIRECT, LOAD, LAND = "pipeline:direct", "port:LOD", "port:DIS"
OIL, MT, MONTH = "crude_oil", 1e6, 30 / 365

# LOD to DIS, USD/t and days, as in tests/test_whatif.py.
COST = {NORTH: 6.5 + 1.0 + 1.5, SOUTH: 7.5, BRIDGE: 4.0 + 5.0 + 3.0}
DAYS = {NORTH: 3.6, SOUTH: 3.0, BRIDGE: 3.6}
WEIGHT = {way: float(np.exp(-0.5 * usd)) for way, usd in COST.items()}
CALM = {way: weight / sum(WEIGHT.values()) for way, weight in WEIGHT.items()}

PLAIN = {
    **{"unmet_penalty_usd_t": 1000, "port_surge": 1, "line_surge": 1, "ballast_return": 1},
    **{"speed_up_cap": 99, "fleet_use": 1, "light_load_slope": 1, "queue_ratio": 1.3},
    **{"stock_usable_share": 1, "warning_duration_d": 90, "warning_shortage_d": 30},
}


class Toys:
    """Makes engines of toy worlds (see ``tests.conftest.Toy``)."""

    def __init__(self, toys: Any) -> None:
        self._toys = toys

    def __call__(self, **tables: Sequence[Mapping[str, object]]) -> Engine:
        said = [{"assumption": a, "low": v, "central": v, "high": v} for a, v in PLAIN.items()]
        more = {"assumptions": [*self._toys.tables["assumptions"], *said], **tables}
        toy = self._toys(more)
        return prepare(toy.world, network=toy.network)


@pytest.fixture(scope="module")
def made(toys: Any) -> Toys:
    return Toys(toys)


@pytest.fixture(scope="module")
def small(made: Toys) -> Engine:
    """Return the toy world: 60 Mt by sea, 30 by pipeline, 10 by no known way; 200 used."""
    return made()


def only(engine: Engine, element: str, lost: float = 1.0) -> Impact:
    """Return what CCC would lose of oil."""
    return impact_of(impacts(engine, element, lost=lost, importers=["CCC"]).iloc[0].to_dict())


def used(tonnes: float) -> list[dict[str, object]]:
    row = {"country": "CCC", "commodity": "oil", "metric": "consumption_t_y", "year": "2024"}
    return [{**row, "value": tonnes, "unit": "t/y"}]


def held(stock_t: float, **more: object) -> list[dict[str, object]]:
    return [{"country": "CCC", "stock_t": stock_t, **more}]


def trade(**by_origin: float) -> list[dict[str, object]]:
    usual = {"importer": "CCC", "value_usd": 1e9, "base": 1}
    return [{**usual, "origin": o, "quantity_t": t * MT} for o, t in by_origin.items()]


# --- by hand -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lost", "share", "tier"), [(0.0, 0.0, 1), (0.3, 0.045, 1), (0.5, 0.075, 2), (1.0, 0.15, 3)]
)
def test_a_line_that_breaks_at_the_border(
    small: Engine, lost: float, share: float, tier: int
) -> None:
    """30 of 100 Mt come by it and 200 are used: what is lost is missing from the first day."""
    found = only(small, DIRECT, lost)
    assert found.short_share == pytest.approx(share)
    assert found.short_t == pytest.approx(30 * MT * lost * MONTH)
    assert (found.lost, found.days, found.tier) == (lost, 30, tier)
    assert (found.through_t_y, found.imports_t_y) == pytest.approx((30 * MT, 100 * MT))
    assert found.unmet_t_y + found.infeasible_t_y == pytest.approx(30 * MT * lost)
    assert found.rerouted_t_y == pytest.approx(0)
    assert np.isnan([found.added_days, found.added_usd_t]).all()


def test_without_a_stock_the_whole_gap_is_short_and_told_as_such(small: Engine) -> None:
    found = only(small, DIRECT)
    assert np.isnan(found.cover_days)
    assert found.short_share == found.gap_share


def test_a_stock_gives_what_it_holds(made: Toys) -> None:
    found = only(made(stocks=held(1 * MT)), DIRECT)
    assert found.short_t == pytest.approx(30 * MT * MONTH - 1 * MT)
    assert found.gap_share == pytest.approx(0.15)
    assert found.short_share == pytest.approx(0.15 - 1 / (200 * MONTH))
    assert found.cover_days == pytest.approx(3.65)
    assert found.tier == 2


def test_a_stock_gives_no_faster_than_it_can(made: Toys) -> None:
    found = only(made(stocks=held(50 * MT, draw_t_d=10 * MT / 365)), DIRECT)
    assert found.short_share == pytest.approx(20 / 200)


def test_a_cover_of_more_than_a_year_says_no_more(made: Toys) -> None:
    assert only(made(stocks=held(500 * MT)), DIRECT).cover_days == 365


def test_cargo_past_the_break_still_arrives(small: Engine) -> None:
    """A port of loading breaks a whole voyage away, a port of landing at the door."""
    voyage = sum(CALM[way] * DAYS[way] for way in CALM)
    assert only(small, LAND).short_share == pytest.approx(60 / 200)
    assert only(small, LAND).tier == 4
    assert only(small, LOAD).short_share == pytest.approx(60 / 200 * (30 - voyage) / 30)


def test_a_detour_is_short_of_its_days_alone(small: Engine) -> None:
    found = only(small, SOUTH)
    moved = 60 * MT * CALM[SOUTH]
    assert (found.through_t_y, found.rerouted_t_y) == pytest.approx((moved, moved))
    assert found.added_days == pytest.approx(0.6)
    assert found.short_t == pytest.approx(moved * 0.6 / 365)
    left = WEIGHT[NORTH] + WEIGHT[BRIDGE]
    usd = (WEIGHT[NORTH] * COST[NORTH] + WEIGHT[BRIDGE] * COST[BRIDGE]) / left - COST[SOUTH]
    assert found.added_usd_t == pytest.approx(usd)
    assert found.tier == 1


def test_a_line_between_two_seas_is_passed_like_a_strait(small: Engine) -> None:
    assert only(small, BRIDGE).through_t_y == pytest.approx(60 * MT * CALM[BRIDGE])


def test_not_concerned_is_not_the_same_as_not_known(made: Toys) -> None:
    elsewhere = only(made(flows=trade(BBB=30)), NORTH)
    assert (elsewhere.tier, elsewhere.through_t_y, elsewhere.short_share) == (0, 0, 0)
    nowhere = only(made(flows=trade(R_OTH=30)), NORTH)
    assert nowhere.tier == 0
    assert np.isnan([nowhere.through_t_y, nowhere.short_t, nowhere.short_share]).all()
    assert nowhere.imports_t_y == pytest.approx(30 * MT)


@pytest.mark.parametrize("use", [[], used(50 * MT)], ids=["not known", "less than imports"])
def test_what_is_imported_is_a_need_where_no_greater_use_is_known(made: Toys, use: Any) -> None:
    found = only(made(national=use), DIRECT)
    assert found.short_share == pytest.approx(30 / 100)
    assert found.tier == 4
    assert found.used_t_y == pytest.approx(50 * MT if use else np.nan, nan_ok=True)


def test_use_beside_the_stock_goes_before_the_national_one(made: Toys) -> None:
    found = only(made(stocks=held(0, use_t_y=300 * MT)), DIRECT)
    assert (found.used_t_y, found.short_share) == pytest.approx((300 * MT, 0.1))


def test_a_group_of_one_is_that_one(small: Engine) -> None:
    table = impacts(small, DIRECT, lost=1, importers=["CCC", "EAST"])
    one, other = (impact_of(row) for row in table.to_dict("records"))
    assert one.short_t == other.short_t
    assert other.used_t_y == one.used_t_y  # the sum of its countries


def test_a_row_has_every_field_and_says_whose_it_is(small: Engine) -> None:
    table = impacts(small, SOUTH, lost=0.5)
    assert tuple(table.columns) == COLUMNS
    assert {f.name for f in fields(Impact)} < set(COLUMNS)
    assert table[["importer", "commodity", "element"]].to_numpy().tolist() == [["CCC", OIL, SOUTH]]


def test_days_can_be_asked_for(small: Engine) -> None:
    answer = disturb(small, break_of(small.world, DIRECT, 1))
    (row,) = measured(answer, DIRECT, lost=1, days=60).to_dict("records")
    assert (row["days"], row["short_t"]) == pytest.approx((60, 30 * MT * 60 / 365))


def test_what_makes_no_sense_is_refused(small: Engine) -> None:
    with pytest.raises(UnknownIdError, match="chokepoint:south"):
        impacts(small, "chokepoint:soth", lost=1)
    with pytest.raises(UsageError, match="from 0 to 1"):
        impacts(small, SOUTH, lost=1.5)
    with pytest.raises(UnknownIdError, match="importer"):
        impacts(small, SOUTH, lost=1, importers=["XYZ"])


@settings(max_examples=15)
@given(
    lost=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    element=st.sampled_from([NORTH, SOUTH, BRIDGE, DIRECT, LOAD, LAND]),
)
def test_more_lost_is_never_less_short(
    small: Engine, lost: tuple[float, float], element: str
) -> None:
    less, more = (only(small, element, share) for share in sorted(lost))
    assert less.short_t <= more.short_t + 1e-3
    assert less.tier <= more.tier
    for found in (less, more):
        assert 0 <= found.short_t <= found.through_t_y * found.lost * MONTH + 1e-3
        assert found.short_share <= found.gap_share + 1e-12


@given(st.lists(st.floats(0, 2), min_size=2, max_size=9))
def test_tiers_rise_with_the_share(shares: list[float]) -> None:
    tiers = tier_of(np.sort(np.array(shares)), np.ones(len(shares)))
    assert (np.diff(tiers) >= 0).all()
    assert set(tiers.tolist()) <= {1, 2, 3, 4}


def test_tiers_begin_where_the_matrix_says() -> None:
    shares = np.array([0.0, 0.049, 0.05, 0.149, 0.15, 0.299, 0.3, 1.0, 0.0, np.nan])
    through = np.array([1.0] * 8 + [0.0, 1.0])
    assert tier_of(shares, through).tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 0, 0]


# --- how much is lost ----------------------------------------------------------------------------


def test_past_events_took_this_much(world: World, small: Engine) -> None:
    took = [1 - 0.16, 1 - 0.66, 1 - 0.67, 1 - 0.43, 1 - 0.53, 1 - 0.065]
    assert given_event(world) == pytest.approx(sum(took) / 6)
    assert given_event(small.world) == 0.25  # no event on record: the least one means


@pytest.mark.parametrize(
    ("status", "lost"),
    [
        (Status(), 0.60),
        (Status(ratio=1.1), 0.60),
        (Status(ratio=0.5), 0.60),
        (Status(ratio=0.35), 0.65),
        (Status(ratio=0.065), 0.95),
        (Status(ratio=0.0), 1.0),
        (Status(declared="open", ratio=0.065), 0.95),
        (Status(declared="restricted"), 0.60),
        (Status(declared="closed", ratio=0.9), 1.0),
    ],
)
def test_the_loss_a_warning_assumes(world: World, status: Status, lost: float) -> None:
    assert lost_share(status, world) == lost


@given(st.floats(0, 3))
def test_the_loss_is_no_less_than_what_is_seen(world: World, ratio: float) -> None:
    lost = lost_share(Status(ratio=ratio), world)
    assert max(1 - ratio, given_event(world)) - 1e-6 <= lost <= 1
    assert lost / 0.05 == pytest.approx(round(lost / 0.05))


# --- kept ----------------------------------------------------------------------------------------


def test_what_is_kept_is_what_was_worked_out(
    small: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRIDORS_CACHE", str(tmp_path))
    asked: list[str] = []

    def engine() -> Engine:
        asked.append("engine")
        return small

    def ask(element: str, lost: float) -> pd.DataFrame:
        return remembered(
            small.world, element, lost=lost, engine=engine, remember=remember, importers=["CCC"]
        )

    first, again = ask(SOUTH, 0.5), ask(SOUTH, 0.5)
    assert asked == ["engine"]
    pd.testing.assert_frame_equal(first, again)
    fresh = impacts(small, SOUTH, lost=0.5, importers=["CCC"])
    pd.testing.assert_frame_equal(again, fresh, check_dtype=False)
    ask(SOUTH, 0.55)
    ask(NORTH, 0.5)
    assert len(asked) == 3


def test_another_world_or_question_is_another_key(small: Engine, made: Toys) -> None:
    keys: list[str] = []

    def note(key: str, make: Any) -> Arrays:
        keys.append(key)
        found: Arrays = make()
        return found

    other = made(national=used(50 * MT))
    for engine, importers, asked in (
        (small, None, ""),
        (small, ["CCC"], ""),
        (small, None, "year 2023"),
        (other, None, ""),
    ):
        remembered(
            engine.world,
            SOUTH,
            lost=1,
            engine=lambda engine=engine: engine,  # type: ignore[misc]
            remember=note,
            importers=importers,
            asked=asked,
        )
    assert len(set(keys)) == 4


# --- what bulletins tell besides -----------------------------------------------------------------


def test_where_touched_cargo_comes_from_lands_and_goes_instead(small: Engine) -> None:
    answer = disturb(small, break_of(small.world, SOUTH, 1))
    found = context(answer, SOUTH, "CCC", OIL)
    moved = 60 * MT * CALM[SOUTH]
    assert found.through_t_y == pytest.approx(moved)
    assert found.landings == {LAND: pytest.approx(moved)}
    assert found.origins == {"AAA": pytest.approx(moved)}
    assert found.way == NORTH
    assert found.way_t_y == pytest.approx(moved * WEIGHT[NORTH] / (WEIGHT[NORTH] + WEIGHT[BRIDGE]))
    assert found.added_days == pytest.approx(0.6)
    assert found.added_usd_t == pytest.approx(COST[NORTH] - COST[SOUTH])


def test_what_has_no_other_way_has_no_next_best(small: Engine) -> None:
    found = context(disturb(small, break_of(small.world, DIRECT, 1)), DIRECT, "CCC", OIL)
    assert (found.way, found.way_t_y) == ("", 0)
    assert np.isnan([found.added_days, found.added_usd_t]).all()
    assert found.origins == {"BBB": pytest.approx(30 * MT)}
    assert found.landings == {}  # it comes by land


def test_a_commodity_not_imported_is_named(small: Engine) -> None:
    answer = disturb(small, break_of(small.world, SOUTH, 1))
    with pytest.raises(UnknownIdError, match="crude_oil"):
        context(answer, SOUTH, "CCC", "crude_oll")


# --- the shipped world ---------------------------------------------------------------------------


def row_of(table: pd.DataFrame, importer: str, commodity: str) -> Impact:
    mine = (table["importer"] == importer) & (table["commodity"] == commodity)
    return impact_of(table[mine].iloc[0].to_dict())


ASKED = ["CHN", "JPN", "KOR", "IND", "PAK", "EU27"]


@pytest.fixture(scope="module")
def hormuz(engine: Engine) -> pd.DataFrame:
    return impacts(engine, "chokepoint:hormuz", lost=1, importers=ASKED)


def test_hormuz_shut_takes_gas_first_from_who_is_near_and_holds_little(
    hormuz: pd.DataFrame,
) -> None:
    for importer in ("IND", "PAK"):
        found = row_of(hormuz, importer, "lng")
        assert found.tier >= 3
        assert found.cover_days < 14
        assert found.rerouted_t_y == pytest.approx(0)  # no way past the strait for it
    pakistan = row_of(hormuz, "PAK", "lng")
    assert pakistan.short_t / (pakistan.imports_t_y * MONTH) > 0.6
    japan, china = row_of(hormuz, "JPN", "lng"), row_of(hormuz, "CHN", "crude_oil")
    assert japan.tier == china.tier == 1
    assert japan.cover_days > 14
    assert 0 < japan.gap_share < china.gap_share < 0.15
    assert 0 < china.short_share < china.gap_share  # its stock is large, and drawn slowly


def test_hormuz_is_no_matter_for_soybeans(hormuz: pd.DataFrame) -> None:
    found = row_of(hormuz, "CHN", "soybeans")
    assert (found.tier, found.through_t_y, found.short_t) == (0, 0, 0)


def test_malacca_shut_is_a_short_detour_for_china(engine: Engine) -> None:
    found = row_of(
        impacts(engine, "chokepoint:malacca", lost=1, importers=["CHN"]), "CHN", "crude_oil"
    )
    assert found.through_t_y > 0.5 * found.imports_t_y
    assert found.rerouted_t_y == pytest.approx(found.through_t_y, rel=0.01)
    assert found.added_days < 5
    assert found.tier == 1
    assert found.short_share < 0.02


def test_panama_is_a_long_detour_for_grain(engine: Engine) -> None:
    table = impacts(engine, "chokepoint:panama", lost=0.6, importers=["CHN", "JPN"])
    for importer, commodity in (("JPN", "maize"), ("JPN", "soybeans"), ("CHN", "soybeans")):
        found = row_of(table, importer, commodity)
        assert found.through_t_y > 0
        assert found.added_days > 8
        assert found.unmet_t_y + found.infeasible_t_y < 0.02 * found.through_t_y
    assert row_of(table, "CHN", "crude_oil").tier == 0


@pytest.mark.parametrize(
    ("element", "importer", "commodity"),
    [
        ("port:CNNGB", "CHN", "crude_oil"),
        ("pipeline:skovorodino_daqing_1", "CHN", "crude_oil"),
        ("pipeline:power_of_siberia_1", "CHN", "pipeline_gas"),
    ],
)
def test_ports_and_lines_break_too(
    engine: Engine, element: str, importer: str, commodity: str
) -> None:
    found = row_of(impacts(engine, element, lost=1, importers=[importer]), importer, commodity)
    assert 0 < found.through_t_y < found.imports_t_y
    taken = found.rerouted_t_y + found.unmet_t_y + found.infeasible_t_y
    assert taken == pytest.approx(found.through_t_y, rel=0.01)
    assert found.tier >= 1


def test_a_railway_breaks_too(engine: Engine) -> None:
    railways = [e for e in engine.world.elements() if e.startswith("railway:")]
    used = {e for market in engine.markets.values() for e in market.passing}
    element = next(e for e in railways if e in used)
    table = impacts(engine, element, lost=1)
    hit = table[table["through_t_y"] > 0]
    assert len(hit)
    assert (hit["tier"] >= 1).all()
    assert (table.loc[table["through_t_y"] == 0, "tier"] == 0).all()


def test_more_lost_at_hormuz_is_more_short_everywhere(engine: Engine, hormuz: pd.DataFrame) -> None:
    half = impacts(engine, "chokepoint:hormuz", lost=0.5, importers=ASKED)
    assert (half["short_t"] <= hormuz["short_t"] + 1).all()
    assert half["short_t"].sum() < hormuz["short_t"].sum()


def test_no_number_is_out_of_bounds(engine: Engine, hormuz: pd.DataFrame) -> None:
    known = hormuz[hormuz["short_t"].notna()]
    assert ((known["short_share"] >= 0) & (known["short_share"] <= known["gap_share"])).all()
    assert (known["gap_share"] <= 1 + 1e-9).all()
    assert (known["through_t_y"] <= known["imports_t_y"] * (1 + 1e-9)).all()
    covers = hormuz["cover_days"].dropna()
    assert ((covers >= 0) & (covers <= 365)).all()
