from __future__ import annotations

import math
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from corridors import validation
from corridors.validation import Case, Seas, Traded, traded, validate, verdict
from layers.errors import DataError, UnknownIdError
from layers.static import data_dir, read_table

if TYPE_CHECKING:
    from conftest import Toy

    from layers.world import World

ROWS = read_table("published_results")
TOY = ("AAA", "BBB", "CCC")
APPLICABLE = 0.8  # of the rows judged; the aim is 0.8, what is left is named in each row's `why`


@dataclass(frozen=True)
class Run:
    """One run over the whole table, the steps it showed and the assessments it asked for."""

    table: pd.DataFrame
    steps: list[str]
    asked: list[tuple[object, str]]


@pytest.fixture(scope="module")
def run(world: World) -> Run:
    asked: list[tuple[object, str]] = []
    steps: list[str] = []
    usual = validation.assess

    def counted(*args: Any, **options: Any) -> Any:
        asked.append((options["year"], str(options["switches"])))
        return usual(*args, **options)

    def watch(things: Sequence[str], what: str) -> Iterable[str]:
        steps.extend(things)
        return things

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "assess", counted)
        return Run(validate(world, progress=watch), steps, asked)


@pytest.fixture(scope="module")
def table(run: Run) -> pd.DataFrame:
    return run.table


@pytest.fixture(scope="module")
def trade(toy: Toy) -> Traded:
    return traded(toy.world, toy.trade())


def case(measure: str, **fields: object) -> Case:
    """A question about the oil of the toy world's only importer."""
    usual = Case(
        id="T",
        what="a test",
        measure=measure,
        importers=("CCC",),
        commodities=("crude_oil",),
        elements=(),
        origins=(),
        excluded=(),
        destinations=(),
        ports=("port:LOD", "port:DIS"),
        ship_class="small",
        flow_year=2024,
        switch="",
        world_total=math.nan,
        unit="%",
    )
    return replace(usual, **fields)  # type: ignore[arg-type]


def ask(trade: Traded, measure: str, **fields: object) -> float:
    return validation.MEASURES[measure](trade, case(measure, **fields))


# --- the verdict -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "low", "high", "tolerance", "said"),
    [
        (20.9, 20.9, 20.9, 0.0, "within"),
        (20.4, 20.9, 20.9, 0.5, "within"),
        (20.3, 20.9, 20.9, 0.5, "outside"),
        (84.9, 70.0, 85.0, 0.0, "within"),
        (85.1, 70.0, 85.0, 0.0, "outside"),
        (99.0, 80.0, math.nan, 0.0, "within"),  # "more than 80 %" has no upper end
        (79.0, 80.0, math.nan, 0.5, "outside"),
        (math.nan, 0.0, 100.0, 5.0, "outside"),  # a figure of ours that is missing is no success
        (math.inf, 0.0, math.nan, 0.0, "within"),
    ],
)
def test_verdict(ours: float, low: float, high: float, tolerance: float, said: str) -> None:
    assert verdict(ours, low, high, tolerance) == said


# --- the measures, by hand: 60 Mt sail from AAA, 30 Mt come by pipe, 10 Mt from nobody knows where


def test_shares_and_volumes_of_origins(trade: Traded) -> None:
    assert ask(trade, "share_from", origins=("AAA",)) == pytest.approx(60)
    assert ask(trade, "share_from", origins=("WEST",)) == pytest.approx(90)
    assert ask(trade, "share_from", origins=("AAA",), excluded=("BBB",)) == pytest.approx(600 / 7)
    assert ask(trade, "value_share_from", origins=("BBB",)) == pytest.approx(30)
    assert ask(trade, "volume_from") == pytest.approx(100e6 / 5e7)
    assert ask(trade, "volume_from", origins=("BBB",)) == pytest.approx(30e6 / 5e7)
    assert ask(trade, "share_to", importers=("WLD",), destinations=("EAST",)) == pytest.approx(100)


def test_any_of_counts_cargo_once(trade: Traded) -> None:
    gates = ("chokepoint:north", "chokepoint:south")
    alone = [ask(trade, "share_through", elements=(gate,)) for gate in gates]
    both = ask(trade, "share_through", elements=gates)
    assert ask(trade, "share_through", elements=(*gates, "port:LOD")) == pytest.approx(60)
    assert both == pytest.approx(sum(alone))
    assert ask(trade, "share_through", elements=(*gates, *gates)) == pytest.approx(both)
    assert ask(trade, "share_through", elements=gates, origins=("BBB",)) == 0


def test_volumes_through(trade: Traded) -> None:
    direct = ("pipeline:direct",)
    assert ask(trade, "volume_through", elements=direct) == pytest.approx(0.6)
    assert ask(trade, "megatonnes_through", elements=direct) == pytest.approx(30)
    assert ask(trade, "energy_share_through", elements=direct) == pytest.approx(30)


def test_seaborne_share_leaves_out_what_never_sails(trade: Traded) -> None:
    assert ask(trade, "seaborne_share_through", elements=("port:LOD",)) == pytest.approx(100)
    assert ask(trade, "coverage", world_total=2.4) == pytest.approx(50)
    scaled = ask(trade, "scaled_volume_through", elements=("port:DIS",), world_total=2.4)
    assert scaled == pytest.approx(2.4)


def test_who_a_passage_serves(trade: Traded) -> None:
    gate = ("chokepoint:north",)
    assert ask(trade, "passage_share_from", elements=gate, origins=("AAA",)) == pytest.approx(100)
    assert ask(trade, "passage_share_to", elements=gate, destinations=("CCC",)) == pytest.approx(
        100
    )
    assert ask(trade, "passage_share_to", elements=gate, destinations=("BBB",)) == 0


def test_nothing_in_scope_is_not_a_zero(trade: Traded) -> None:
    assert math.isnan(ask(trade, "share_from", importers=("BBB",), origins=("AAA",)))
    assert math.isnan(ask(trade, "mean_added_days", elements=("pipeline:direct",)))


def test_added_days_are_weighted_by_tonnes(trade: Traded) -> None:
    # Without `south`, 3 days, `north` takes 2.6 and one of waiting.
    south = ("chokepoint:south",)
    assert ask(trade, "mean_added_days", elements=south) == pytest.approx(0.6)


def test_unknown_ids_are_refused(trade: Traded) -> None:
    with pytest.raises(UnknownIdError, match="chokepoint:north"):
        ask(trade, "share_through", elements=("chokepoint:nort",))
    with pytest.raises(UnknownIdError):
        ask(trade, "share_from", origins=("NOWHERE",))


# --- voyages, by hand: 1,300 km and a day at north, 1,500 km by south, 500 km a day ------------


@pytest.fixture(scope="module")
def seas(toy: Toy) -> Seas:
    from corridors.tariff import ship_tariffs

    tariffs = ship_tariffs(toy.world, toy.network)
    distances = pd.DataFrame(
        {
            "distance_nm": [100.0, 4000.0, 5000.0],
            "ours_nm": [90.0, 4040.0, np.inf],
            "error_pct": [10.0, 1.0, np.inf],
        }
    )
    return Seas(toy.network, tariffs, distances)


@pytest.mark.parametrize(
    ("measure", "fields", "value"),
    [
        ("voyage_days", {}, 1500 / 500),
        ("voyage_days", {"elements": ("chokepoint:south",)}, 1300 / 500 + 1),
        ("voyage_added_days", {"elements": ("chokepoint:south",)}, 0.6),
        ("voyage_added_distance", {"elements": ("chokepoint:north",), "unit": "km"}, 200),
        ("voyage_added_distance", {"elements": ("chokepoint:north",), "unit": "nm"}, 200 / 1.852),
        ("distance_error", {}, 10),
        ("distance_error_long", {}, math.inf),
        ("distance_found", {}, 200 / 3),
    ],
)
def test_measures_of_the_sea(
    seas: Seas, measure: str, fields: dict[str, object], value: float
) -> None:
    found = validation.SEA_MEASURES[measure](seas, case(measure, **fields))
    assert found == pytest.approx(value)


def test_a_ship_does_not_sail_through_a_pipeline(seas: Seas) -> None:
    both = ("chokepoint:north", "chokepoint:south")
    assert math.isinf(validation.SEA_MEASURES["voyage_days"](seas, case("", elements=both)))


def test_unknown_ship_class_is_refused(seas: Seas) -> None:
    with pytest.raises(UnknownIdError, match="ship class"):
        validation.SEA_MEASURES["voyage_days"](seas, case("voyage_days", ship_class="smal"))


# --- the table as shipped --------------------------------------------------------------------


def test_every_row_names_a_known_measure() -> None:
    known = {*validation.MEASURES, *validation.SEA_MEASURES, ""}
    assert set(ROWS["measure"]) <= known


def test_a_row_that_does_not_apply_says_why() -> None:
    silent = ROWS[(ROWS["applies"] == "no") & (ROWS["why"] == "")]
    assert silent["id"].tolist() == []
    unmeasured = ROWS[(ROWS["applies"] == "yes") & (ROWS["measure"] == "")]
    assert unmeasured["id"].tolist() == []


def test_a_judged_row_has_a_figure_and_says_who_set_its_tolerance() -> None:
    judged = ROWS[ROWS["applies"] == "yes"]
    figures = judged[["low", "value", "high"]].notna().any(axis=1)
    assert judged.loc[~figures, "id"].tolist() == []
    assert judged.loc[judged["tolerance_source"] == "", "id"].tolist() == []
    single = judged["low"].isna() & judged["high"].isna()
    assert judged.loc[single & judged["tolerance"].isna(), "id"].tolist() == []


def test_all_rows_answer(table: pd.DataFrame) -> None:
    assert table["id"].tolist() == ROWS["id"].tolist()
    assert set(table["verdict"]) == {"within", "outside", "not_applicable"}
    judged = table[table["verdict"] != "not_applicable"]
    assert judged.loc[~np.isfinite(judged["ours"]), "id"].tolist() == []


def test_most_published_results_are_met(table: pd.DataFrame) -> None:
    judged = table[table["verdict"] != "not_applicable"]
    assert (judged["verdict"] == "within").mean() >= APPLICABLE


def test_every_miss_is_explained(table: pd.DataFrame) -> None:
    missed = table[table["verdict"] == "outside"]
    assert missed.loc[missed["why"] == "", "id"].tolist() == []


@pytest.mark.parametrize("id", ["C01", "C02", "V010", "C22", "C31", "D01", "D02"])
def test_results_that_have_to_be_met(table: pd.DataFrame, id: str) -> None:
    row = table.set_index("id").loc[id]
    assert row["verdict"] == "within", row["ours"]


def test_one_assessment_serves_all_rows_of_a_year_and_switch(run: Run) -> None:
    assert len(run.asked) == len(set(run.asked)) == len(run.steps)


def test_a_new_row_is_a_new_check(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data_dir(), folder)
    one = ROWS[ROWS["id"] == "V072"].assign(id="X1", value=1.0)
    one.to_csv(folder / "published_results.csv", index=False, lineterminator="\n")
    found = validate(replace(world, folder=folder))
    assert found[["id", "verdict"]].to_numpy().tolist() == [["X1", "outside"]]
    one.assign(measure="share_trough").to_csv(folder / "published_results.csv", index=False)
    with pytest.raises(DataError, match=re.escape("published_results.csv row 2 column measure")):
        validate(replace(world, folder=folder))


def test_distances_of_points_are_those_of_the_sea(toy: Toy) -> None:
    places = pd.DataFrame({"port": ["a", "b"], "lon": [0.0, 30.0], "lat": [0.0, 0.0]})
    world = replace(toy.world)
    object.__setattr__(world, "sea", toy.sea)
    start, end = np.array(["a"], dtype=object), np.array(["b"], dtype=object)
    nm = validation._between(world, places, start, end)
    assert nm.tolist() == pytest.approx([1300 / 1.852])
