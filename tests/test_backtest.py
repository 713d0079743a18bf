"""The what-if answers beside what happened: measures, verdicts, and the bypasses by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridors.network import Floats
from corridors.whatif.answer import Answer, disturb
from corridors.whatif.backtest import backtest, judged, nearest_published
from corridors.whatif.capacity import Problem, plan
from corridors.whatif.engine import Engine, prepare
from corridors.whatif.measures import (
    HORMUZ,
    MEASURES,
    OIL,
    OTHERS,
    PREMIUMS,
    ROUND_BYPASS,
    ROUND_EXPORTS,
    SUEZ,
    Bench,
    left_behind,
    sides,
    traffic,
)
from corridors.whatif.scenario import Rule, make_scenario
from layers.errors import DataError, UnknownIdError
from layers.scenarios import scenario_texts
from layers.world import World

# Rows that only check our arithmetic, by any engine.
LOST_SHARES = (0.1, 0.3, 0.5, 1.0)
ARITHMETIC = ("W002", "W060", "W061", "W062", "W063", "W064", "W065", "W066", "W067", "W068")
ARITHMETIC += ("W071", "W072")
NOT_JUDGED = {"W016", "W017", "W018", "W019", "W073"}

number = st.floats(-1e6, 1e6)


def by_exporter(engine: Engine) -> pd.DataFrame:
    """What a loss of Hormuz costs each exporter of the Gulf, from the engine's own flows.

    Crude oil and products of the engine; nothing else is disturbed.

    Returns
    -------
    DataFrame
        ``exporter, lost_share, exports_mbd, affected_mbd, bypassed_mbd, stranded_mbd`` and
        ``round_stranded_mbd``, from the round figures of the rows of hormuz_full (NaN where they
        name no such exporter). For each lost share the exporters, the most affected first, then
        ``others`` and ``all``. Affected is bypassed and stranded together.
    """
    oil = {name: engine.markets[name] for name in OIL if name in engine.markets}
    part = replace(engine, markets=oil)
    return pd.concat([_exporters(part, lost) for lost in LOST_SHARES], ignore_index=True)


def _exporters(engine: Engine, lost: float) -> pd.DataFrame:
    answer = disturb(engine, make_scenario("hormuz", rules=[Rule(HORMUZ, lost=lost)]))
    table = pd.concat([_of_origins(answer, name) for name in engine.markets])
    gulf = table["exporter"].isin(engine.world.members("GULF"))
    table["exporter"] = table["exporter"].where(gulf, OTHERS)
    table["exports_mbd"] = table["exports_mbd"].where(gulf)  # of others most never sees the Gulf
    table = table.groupby("exporter").sum(min_count=1)
    table = table.sort_values("affected_mbd", ascending=False)
    table = table.loc[[*table.index.drop(OTHERS, errors="ignore"), OTHERS]]
    table.loc["all"] = table.sum(skipna=False)
    found = left_behind(ROUND_EXPORTS, ROUND_BYPASS, lost, pooled=False).unmet
    rounded = dict(zip(ROUND_EXPORTS, found.tolist(), strict=True)) | {"all": float(found.sum())}
    table["round_stranded_mbd"] = table.index.map(rounded)
    table.insert(0, "lost_share", lost)
    return table.reset_index()


def _of_origins(answer: Answer, commodity: str) -> pd.DataFrame:
    """Oil of one commodity by leg, mb/d."""
    unit = answer.engine.world.commodities.set_index("commodity")["t_per_native"]
    fate = answer.fates[commodity]
    outcome: Floats = fate.outcome / float(unit[commodity])
    return pd.DataFrame(
        {
            "exporter": sides(answer, fate)[0],
            "exports_mbd": outcome.sum(axis=1),
            "affected_mbd": outcome[:, 1:].sum(axis=1),
            "bypassed_mbd": outcome[:, 1],
            "stranded_mbd": outcome[:, 2:].sum(axis=1),
        }
    )


@pytest.fixture(scope="module")
def engine(world: World) -> Engine:
    """Return the engine of crude oil and LNG, enough for every measure to find something."""
    return prepare(world, commodities=["crude_oil", "lng"])


@pytest.fixture(scope="module")
def bench(world: World, engine: Engine) -> Bench:
    return Bench(world, engine, scenario_texts())


@pytest.fixture(scope="module")
def table(world: World, engine: Engine) -> pd.DataFrame:
    return backtest(world, texts=scenario_texts(), engine=engine).set_index("id")


@pytest.fixture(scope="module")
def exporters(engine: Engine) -> pd.DataFrame:
    return by_exporter(engine).set_index(["lost_share", "exporter"])


# The table


def test_every_row_has_a_measure_and_every_measure_a_row(world: World) -> None:
    assert set(world.whatif_results["measure"]) == set(MEASURES)


def test_the_rows_are_those_of_the_data(world: World, table: pd.DataFrame) -> None:
    assert list(table.index) == list(world.whatif_results["id"])
    assert set(table["verdict"]) == {"within", "outside", "not applicable"}
    assert (table["how"] != "").all()
    assert ((table["why"] == "") == (table["verdict"] == "within")).all()


def test_what_is_not_judged_says_why(table: pd.DataFrame) -> None:
    skipped = table[table["verdict"] == "not applicable"]
    assert set(skipped.index) == NOT_JUDGED
    assert skipped["why"].str.contains("containers|market price").all()


def test_arithmetic_is_within(table: pd.DataFrame) -> None:
    assert set(table.loc[list(ARITHMETIC), "verdict"]) == {"within"}


def test_no_verdict_is_kinder_than_the_error(table: pd.DataFrame) -> None:
    far = ~(table["error"].abs() <= table["tolerance"])
    assert not (far & (table["verdict"] == "within")).any()


def test_a_figure_that_the_engine_cannot_give_is_a_miss(table: pd.DataFrame) -> None:
    # Neither commodity sails dry: no share of dry bulk is known.
    assert np.isnan(table.loc["W011", "ours"])
    assert table.loc["W011", "verdict"] == "outside"


@given(
    ours=number,
    value=st.none() | number,
    ends=st.none() | st.tuples(number, number),
    tolerance=st.floats(0, 1e5),
)
def test_within_is_within_the_tolerance_of_the_range(
    ours: float, value: float | None, ends: tuple[float, float] | None, tolerance: float
) -> None:
    low, high = sorted(ends) if ends else (np.nan, np.nan)
    points = [x for x in (value, low, high) if x is not None and not np.isnan(x)]
    if not points:
        return
    texts = ("id", "what", "scenario", "unit", "source", "source_url", "year", "quality")
    row: dict[str, object] = {**dict.fromkeys(texts, ""), "measure": "backlog_ships"}
    row |= {"value": np.nan if value is None else value, "low": low, "high": high}
    found = judged({**row, "tolerance": tolerance}, ours)
    away = max(min(points) - ours, ours - max(points), 0.0)
    assert abs(float(str(found["error"]))) == away
    assert found["verdict"] == ("within" if away <= tolerance else "outside")


def test_the_nearest_end_of_a_range_counts() -> None:
    nan = float("nan")
    assert nearest_published(9.0, (nan, 10.0, 14.0)) == 10.0
    assert nearest_published(11.0, (nan, 10.0, 14.0)) == 11.0
    assert nearest_published(200.0, (121.7, nan, 125.0)) == 125.0
    assert nearest_published(3.0, (5.0, nan, nan)) == 5.0
    assert np.isnan(nearest_published(nan, (5.0, nan, nan)))


def test_a_measure_nobody_knows_is_a_fault_of_the_file(world: World, engine: Engine) -> None:
    wrong = world.whatif_results.assign(measure="backlog_ship")
    with pytest.raises(DataError) as caught:
        backtest(replace(world, whatif_results=wrong), texts={}, engine=engine)
    first = caught.value.faults[0]
    assert (first.file, first.row, first.column) == ("data/whatif_results.csv", 2, "measure")
    assert "backlog_ship is not one of" in first.message


def test_a_scenario_without_a_file_is_named(world: World, engine: Engine) -> None:
    texts = {"suez_2022": scenario_texts()["suez_2021"]}
    with pytest.raises(UnknownIdError, match="did you mean suez_2022"):
        backtest(world, texts=texts, engine=engine)


def test_each_scenario_is_one_step(world: World, engine: Engine) -> None:
    seen: list[str] = []

    def show(things: Sequence[str], _: str) -> list[str]:
        seen.extend(things)
        return []

    with pytest.raises(ValueError, match="zip"):  # no step taken, no figure found
        backtest(world, texts=scenario_texts(), engine=engine, progress=show)
    assert seen == list(dict.fromkeys(world.whatif_results["scenario"]))


# Suez and Panama


def test_the_queue_at_suez_by_hand(table: pd.DataFrame) -> None:
    # 57.32 ships a day in 2021 for 6.31 days; 85 a day pass when it opens.
    queue = 57.32 * 6.31
    assert table.loc["W001", "ours"] == pytest.approx(queue)
    assert table.loc["W002", "ours"] == pytest.approx(356.25, abs=0.01)
    assert table.loc["W003", "ours"] == pytest.approx(queue / 85)
    assert table.loc["W004", "ours"] == pytest.approx(queue / (85 - 57.32))
    assert set(table.loc[["W001", "W003", "W004"], "verdict"]) == {"within"}


def test_a_voyage_round_the_cape_by_hand(bench: Bench) -> None:
    # 11,221 less 6,466 nm at 13 knots, less the 0.6 days that Suez takes.
    scenario = make_scenario("any")
    days = MEASURES["voyage_added_days_gulf_europe"].ours(bench, scenario)
    assert days == pytest.approx((11_221 - 6_466) / (24 * 13) - 0.6, abs=0.02)


def test_ships_load_light_at_panama(table: pd.DataFrame) -> None:
    assert table.loc["W032", "ours"] <= 13.41
    assert 0 < table.loc["W034", "ours"] <= 0.667 + 1e-9


# The Red Sea


def test_nothing_disturbed_leaves_all_traffic(bench: Bench) -> None:
    calm = traffic(bench.answer(make_scenario("calm")), SUEZ)
    assert calm.calm_t > 1e8
    assert (calm.tonnes, calm.ships) == (1.0, 1.0)


def test_a_limit_leaves_its_share(bench: Bench) -> None:
    some = bench.answer(make_scenario("some", rules=[Rule(HORMUZ, lost=0.3)]))
    assert traffic(some, HORMUZ).tonnes == pytest.approx(0.7)
    assert traffic(some, HORMUZ, ships=["lng_carrier"]).ships == pytest.approx(0.7)
    assert np.isnan(traffic(some, HORMUZ, ships=["capesize"]).tonnes)


def test_limits_are_kept_and_the_rest_goes_round_the_cape(table: pd.DataFrame) -> None:
    assert table.loc["W010", "ours"] == pytest.approx(0.43)
    # Ships that keep to Suez north of Bab el-Mandeb stay.
    assert table.loc["W012", "ours"] > table.loc["W010", "ours"]
    assert table.loc["W022", "ours"] > 1.1


def test_a_dearer_premium_leaves_fewer_ships(table: pd.DataFrame) -> None:
    by_measure = table.set_index("measure")["ours"]
    assert PREMIUMS["low"] < PREMIUMS["peak"]
    for place in ("bab", "suez"):
        low, peak = (by_measure[f"share_left_{place}_tanker_premium_{x}"] for x in PREMIUMS)
        assert 0 < peak < low < 1


# Hormuz


def test_the_ways_round_hormuz_keep_to_their_capacity(table: pd.DataFrame) -> None:
    ours = table["ours"]
    assert ours["W042"] <= 4.5 + 1e-3  # what the ports on the Red Sea load
    assert ours["W040"] <= 7.0
    assert ours["W043"] <= 1.8 + 1e-3
    assert 0 < ours["W045"] <= ours["W046"] - ours["W047"]
    assert ours["W050"] == 0.0  # no LNG of Qatar has another way out
    assert ours["W047"] == pytest.approx(0.065 * ours["W046"], rel=1e-6)


@pytest.mark.parametrize(
    ("percent", "pooled", "owned"), [(100, 18.3, 18.3), (50, 7.85, 7.85), (30, 3.67, 3.77)]
)
def test_a_bypass_belongs_to_its_exporter(percent: int, pooled: float, owned: float) -> None:
    shared = left_behind(ROUND_EXPORTS, ROUND_BYPASS, percent / 100, pooled=True)
    own = left_behind(ROUND_EXPORTS, ROUND_BYPASS, percent / 100, pooled=False)
    assert shared.unmet.sum() == pytest.approx(pooled)
    assert own.unmet.sum() == pytest.approx(owned)
    assert max(shared.gap, own.gap) < 1e-9


def test_pooling_hides_a_tenth_lost() -> None:
    shared = left_behind(ROUND_EXPORTS, ROUND_BYPASS, 0.1, pooled=True)
    own = left_behind(ROUND_EXPORTS, ROUND_BYPASS, 0.1, pooled=False)
    assert shared.unmet.sum() == pytest.approx(0.0, abs=1e-9)
    assert own.unmet.sum() == pytest.approx(1.19)
    assert own.unmet.tolist() == pytest.approx([0, 0, 0.35, 0.25, 0.15, 0.24, 0.2], abs=1e-9)


@given(
    st.dictionaries(st.sampled_from("ABCDE"), st.floats(0.1, 10), min_size=1),
    st.dictionaries(st.sampled_from("ABCDE"), st.floats(0.1, 10), min_size=1),
    st.floats(0.01, 1),
)
def test_each_exporter_keeps_what_its_bypass_takes(
    exports: dict[str, float], bypass: dict[str, float], lost: float
) -> None:
    bypass = {name: bypass[name] for name in bypass if name in exports}
    if not bypass:
        return
    own = left_behind(exports, bypass, lost, pooled=False).unmet
    by_hand = [max(0.0, lost * t - bypass.get(name, 0.0)) for name, t in exports.items()]
    assert own.tolist() == pytest.approx(by_hand, abs=1e-6)
    shared = left_behind(exports, bypass, lost, pooled=True).unmet.sum()
    assert shared == pytest.approx(
        max(0.0, lost * sum(exports.values()) - sum(bypass.values())), abs=1e-6
    )


def test_the_strait_then_the_line_then_nothing() -> None:
    # 100 to carry: 40 by the strait at 20 USD/t, 26 by the line at 34, a tonne unmet is 1,000.
    problem = Problem(
        tonnes=np.array([100.0]),
        group=np.array([0, 0]),
        cost_usd_t=np.array([20.0, 34.0]),
        prior=np.zeros(2),
        use_column=np.array([0, 1]),
        use_resource=np.array([0, 1]),
        use=np.ones(2),
        spare=np.array([40.0, 26.0]),
    )
    found = plan(problem, penalty_usd_t=1000.0, steps=1)
    assert found.carried.tolist() == pytest.approx([40, 26])
    assert found.unmet.tolist() == pytest.approx([34])
    assert found.cost_usd + 1000 * found.unmet.sum() == pytest.approx(35_684)
    assert found.binding.all()


def test_what_is_affected_goes_round_or_stays(exporters: pd.DataFrame) -> None:
    parts = exporters["bypassed_mbd"] + exporters["stranded_mbd"]
    assert exporters["affected_mbd"].to_numpy() == pytest.approx(parts.to_numpy())
    for lost, found in exporters.groupby(level="lost_share"):
        one = found.droplevel("lost_share")
        named = one.drop("all")[["affected_mbd", "bypassed_mbd", "stranded_mbd"]].sum()
        assert one.loc["all", named.index].tolist() == pytest.approx(named.tolist())
        assert lost in LOST_SHARES


def test_who_has_a_way_round_hormuz(exporters: pd.DataFrame) -> None:
    tenth, whole = exporters.loc[0.1], exporters.loc[1.0]
    assert tenth.loc["SAU", "stranded_mbd"] == pytest.approx(0.0, abs=1e-6)
    assert tenth.loc["ARE", "stranded_mbd"] == pytest.approx(0.0, abs=1e-6)
    for country in ("KWT", "QAT"):
        assert (exporters.xs(country, level="exporter")["bypassed_mbd"] == 0).all()
    assert whole.loc["SAU", "bypassed_mbd"] > tenth.loc["SAU", "bypassed_mbd"]
    assert whole.loc["SAU", "bypassed_mbd"] <= 4.5
    assert tenth.loc["all", "round_stranded_mbd"] == pytest.approx(1.19)
    assert whole.loc["all", "round_stranded_mbd"] == pytest.approx(18.3)


def test_more_lost_strands_no_less(exporters: pd.DataFrame) -> None:
    by_share = exporters["stranded_mbd"].unstack("lost_share")
    assert list(by_share.columns) == list(LOST_SHARES)
    assert (by_share.diff(axis=1).iloc[:, 1:] >= -1e-9).all(axis=None)
    affected = exporters["affected_mbd"].unstack("lost_share").loc["all"]
    assert (affected / affected.index).tolist() == pytest.approx([affected[1.0]] * 4)
