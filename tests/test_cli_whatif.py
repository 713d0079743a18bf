"""The what-if commands as a person gives them: answers that add up, files, and clear refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from corridors import cli
from layers.errors import CorridorsError, DataError, UnknownIdError, UsageError
from layers.world import World

KEYS = {
    *("baseline_t", "delivered_t", "rerouted_t", "unmet_t", "infeasible_t", "added_days"),
    *("added_cost_usd_t", "first_short_day", "cover_days", "unmet_after_stock_t"),
}
OUTCOMES = ["delivered_t", "rerouted_t", "unmet_t", "infeasible_t"]
ISLAND = """
name_en = "A line off Ceylon"
duration_d = 60
[[line]]
name = "Dondra = a line"
points = [[80.6, 6.0], [80.6, -45.0]]
"""


@pytest.fixture(autouse=True, scope="module")
def _one_engine_for_all(world: World, engines_kept: None) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("layers.world.load_world", lambda: world)
        yield


def run(*words: str) -> Result:
    return CliRunner().invoke(cli.app, list(words), catch_exceptions=False)


def answered(*words: str) -> dict[str, Any]:
    result = run(*words, "--format", "json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module")
def hormuz() -> dict[str, Any]:
    return answered(
        *("whatif", "--close", "chokepoint:hormuz", "--duration", "90"),
        *("-i", "CHN", "-i", "JPN", "-i", "IND", "-i", "KOR"),
    )


def test_json_holds_what_was_promised(hormuz: dict[str, Any]) -> None:
    rows = hormuz["rows"]
    assert all(set(row) >= KEYS for row in rows)
    assert "exercise" in hormuz["note"]
    assert "演习推演" in hormuz["note"]
    assert {b["element"] for b in hormuz["bindings"]} >= {"port:SAYNB", "port:SAAMU"}
    assert {row["importer"] for row in rows} == {"CHN", "JPN", "IND", "KOR"}


def test_outcomes_add_up_to_the_baseline(hormuz: dict[str, Any]) -> None:
    for row in hormuz["rows"]:
        assert sum(row[o] for o in OUTCOMES) == pytest.approx(row["baseline_t"], rel=1e-9)
        for name in ("baseline", "unmet"):
            part = row[f"{name}_t"] * 90 / 365
            assert row[f"{name}_duration_t"] == pytest.approx(part, rel=1e-9)
        assert row["unmet_low_t"] <= row["unmet_t"] <= row["unmet_high_t"]
        assert row["cover_days"] is None or row["cover_days"] <= 365


def test_a_closed_hormuz_is_what_geography_says(hormuz: dict[str, Any]) -> None:
    by = {(row["importer"], row["commodity"]): row for row in hormuz["rows"]}
    lng = by["CHN", "lng"]
    assert lng["rerouted_t"] == lng["unmet_t"] == 0  # Qatar has no other way
    assert lng["infeasible_t"] == pytest.approx(19.19e6, rel=0.01)
    crude = by["JPN", "crude_oil"]
    assert crude["rerouted_t"] > 20e6  # by the East-West line
    assert crude["added_cost_usd_t"] > 5
    assert (crude["unmet_t"] + crude["infeasible_t"]) / crude["baseline_t"] > 0.4


def test_nothing_lost_is_the_baseline() -> None:
    rows = answered("whatif", "--limit", "chokepoint:hormuz=1", "-i", "CHN")["rows"]
    assert all(row["delivered_t"] == pytest.approx(row["baseline_t"]) for row in rows)
    assert sum(row["rerouted_t"] + row["unmet_t"] + row["infeasible_t"] for row in rows) == 0


@pytest.mark.parametrize("by", ["origin", "route", "element", "day"])
def test_an_answer_can_be_taken_apart(by: str, tmp_path: Path) -> None:
    file = tmp_path / "answer.csv"
    words = ("whatif", "-s", "panama_2023_24", "-c", "soybeans", "--by", by, "-o", str(file))
    assert run(*words).exit_code == 0
    table = pd.read_csv(file)
    assert set(table["importer"]) == {"CHN"}
    if by == "origin":
        assert table["baseline_t"].sum() == pytest.approx(table[OUTCOMES].sum().sum())
        assert table["source"].notna().all()
    if by == "day":
        assert table["day"].is_monotonic_increasing
        assert (table["arrivals_t"] <= table["usual_t"] * 3).all()
    if by == "element":
        panama = table.set_index("element").loc["chokepoint:panama"]
        assert panama["now_t"] < panama["calm_t"]


def test_a_line_drawn_by_hand_turns_ships_away(tmp_path: Path) -> None:
    file = tmp_path / "ceylon.toml"
    file.write_text(ISLAND, "utf-8")
    words = ("whatif", "-s", str(file), "-c", "crude_oil", "--by", "route")
    rows = answered(*words)["rows"]
    drawn = [r for r in rows if "chokepoint:drawn_" in r["passages"]]
    assert sum(r["calm_t"] for r in drawn) > 150e6
    assert sum(r["now_t"] for r in drawn) == pytest.approx(0, abs=1)


def test_a_scenario_file_goes_round(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    new = ("scenarios", "new", str(file), "--close", "chokepoint:suez", "--duration", "14")
    assert run(*new).exit_code == 0
    assert "chokepoint:suez" in run("scenarios", "show", str(file)).stdout
    with pytest.raises(UsageError, match="there already"):
        run(*new)
    assert run(*new, "--overwrite").exit_code == 0


def test_the_library_is_listed() -> None:
    rows = answered("scenarios", "list")["rows"]
    assert len(rows) >= 14
    assert all(row["sources"] and row["name_zh"] for row in rows)


def test_scenarios_side_by_side() -> None:
    found = answered("compare", "hormuz_full", "hormuz_and_bab", "-c", "crude_oil")["rows"]
    (row,) = found
    assert row["hormuz_full delivered_t"] >= row["hormuz_and_bab delivered_t"]


def test_each_closure_by_itself_is_what_it_is_alone() -> None:
    each = answered("whatif", "--each", "chokepoint:hormuz", "--each", "port:CNSHA", "-i", "all")
    alone = answered("whatif", "--close", "chokepoint:hormuz", "-i", "JPN", "-c", "lng")["rows"][0]
    assert "演习推演" in each["note"]
    rows = {(r["element"], r["importer"], r["commodity"]): r for r in each["rows"]}
    assert {element for element, _, _ in rows} == {"chokepoint:hormuz", "port:CNSHA"}
    assert len({importer for _, importer, _ in rows}) > 20
    found = rows["chokepoint:hormuz", "JPN", "lng"]
    shown = ["baseline_t", *OUTCOMES, "lost_share", "added_days", "added_cost_usd_t"]
    assert {c: found[c] for c in shown} == pytest.approx({c: alone[c] for c in shown})
    assert all(r["rerouted_t"] + r["unmet_t"] + r["infeasible_t"] >= 1 for r in rows.values())


def test_each_closure_is_beside_what_else_is_said() -> None:
    words = ("--limit", "chokepoint:suez=0.5", "-i", "JPN", "-c", "lng")
    both = answered("whatif", "--each", "chokepoint:hormuz", *words)["rows"][0]
    alone = answered("whatif", "--close", "chokepoint:hormuz", *words)["rows"][0]
    assert {c: both[c] for c in OUTCOMES} == pytest.approx({c: alone[c] for c in OUTCOMES})


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """Yield the address of a Dask scheduler with two workers, or skip."""
    dask = pytest.importorskip("distributed", reason="no dask.distributed: corridors[scale]")
    usual = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with dask.LocalCluster(n_workers=2, **usual) as cluster:
        yield cluster.scheduler_address


def test_two_workers_say_the_same() -> None:
    pytest.importorskip("distributed", reason="no dask.distributed: corridors[scale]")
    words = ("worst", "-c", "lng", "-i", "JPN", "--k", "1")
    assert answered(*words, "--workers", "2") == answered(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("whatif", "--each", "chokepoint:hormuz", "--each", "chokepoint:suez", "-i", "all"),
        ("compare", "hormuz_full", "hormuz_and_bab", "-c", "crude_oil"),
        ("ensemble", "--years", "300", "--seed", "7", "-c", "lng", "-i", "JPN"),
        ("backtest", "whatif"),
    ],
)
def test_workers_elsewhere_say_the_same(words: tuple[str, ...], scheduler: str) -> None:
    assert answered(*words, "--scheduler", scheduler) == answered(*words)


def test_worst_closures_are_told_with_their_proof() -> None:
    found = answered("worst", "-c", "lng", "-i", "JPN", "--k", "1")
    first, second = found["rows"][:2]
    assert first["elements"] == "chokepoint:hormuz"
    assert first["harm_usd_y"] >= second["harm_usd_y"]
    assert first["proved"]
    assert second["proved"]
    assert "ruled out by their bound" in found["note"]


def test_a_response_names_only_what_is_open() -> None:
    found = answered("respond", "-s", "hormuz_full", "-i", "JPN", "-c", "crude_oil")
    options = pd.DataFrame(found["rows"])
    assert not options["note"].str.contains("chokepoint:hormuz").any()
    assert {"bypass", "stock", "ration"} <= set(options["option"])
    assert options["usd_t"].is_monotonic_increasing
    taken = options["taken_t"].sum()
    assert f"{taken / 1e6:,.1f} Mt" in found["note"]


def test_an_ensemble_is_the_same_for_the_same_seed() -> None:
    words = ("ensemble", "--years", "300", "--seed", "7", "-c", "lng", "-i", "JPN")
    first, again = answered(*words), answered(*words)
    assert first["rows"] == again["rows"]
    assert {r["measure"] for r in first["rows"]} == {"lost_t", "added_usd", "harm_usd"}
    assert all(r["p50"] <= r["p95"] <= r["cvar95"] for r in first["rows"])
    assert first["closed_form"]


def test_a_workbook_has_the_bindings_too(tmp_path: Path) -> None:
    file = tmp_path / "answer.xlsx"
    run("whatif", "-s", "hormuz_full", "-i", "KOR", "-o", str(file))
    sheets = pd.read_excel(file, sheet_name=None)
    assert {"bindings", "fleet", "about", "sources"} < set(sheets)


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (("whatif", "--close", "chokepoint:hormus"), UnknownIdError, "chokepoint:hormuz"),
        (("whatif", "--limit", "chokepoint:panama=1.5"), UsageError, "from 0 to 1"),
        (("whatif", "--limit", "chokepoint:panama"), UsageError, "chokepoint:panama"),
        (("whatif",), UsageError, "nothing is closed"),
        (("whatif", "--close", "port:CNSHA", "--duration", "-3"), UsageError, "duration_d"),
        (("whatif", "--close", "port:CNSHA", "--start", "soon"), UsageError, "2026-03-01"),
        (("whatif", "-s", "hormuz_ful"), UnknownIdError, "hormuz_full"),
        (("whatif", "-s", "none.toml"), DataError, "none.toml"),
        (("whatif", "-s", "malacca_full", "-i", "XXX"), UnknownIdError, "XXX"),
        (("whatif", "-s", "malacca_full", "-c", "lpgas"), UnknownIdError, "lpgas"),
        (("compare", "hormuz_full"), UsageError, "two scenarios"),
        (("whatif", "--each", "strait"), UnknownIdError, "strait"),
        (("whatif", "--each", "port:CNSHA", "--by", "day"), UsageError, "leave out --by day"),
        (("whatif", "--close", "port:CNSHA", "--workers", "2"), UsageError, "goes with --each"),
        (("worst", "--among", "strait"), UnknownIdError, "strait"),
        (
            ("worst", "-c", "lng", "-i", "WLD", "--k", "4", "--among", "all"),
            UsageError,
            "smaller k",
        ),
    ],
)
def test_a_mistake_is_told(words: tuple[str, ...], error: type[CorridorsError], says: str) -> None:
    with pytest.raises(error, match=says):
        run(*words)


def test_a_typo_in_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "typo.toml"
    file.write_text('name_en = "x"\n[[close]]\nelemnt = "chokepoint:hormuz"\n', "utf-8")
    with pytest.raises(DataError, match=r"typo\.toml row 3.*element"):
        run("whatif", "-s", str(file))


def test_a_line_whose_length_nobody_knows_is_no_way_out() -> None:
    words = ("--close", "port:PKKHI", "--open", "railway:gwadar_link", "-i", "PAK")
    rows = answered("whatif", *words)["rows"]
    for row in rows:
        assert sum(row[o] for o in OUTCOMES) == pytest.approx(row["baseline_t"], rel=1e-9)


def test_a_delay_makes_what_arrives_as_before_late() -> None:
    words = ("whatif", "--delay", "chokepoint:hormuz=5", "-i", "CHN", "-c", "lng")
    (row,) = answered(*words)["rows"]
    assert row["delivered_t"] == pytest.approx(row["baseline_t"])
    share = 19.19 / 76.79  # Qatar and the Emirates, of China's LNG
    assert row["delivered_added_days"] == pytest.approx(5 * share, rel=0.01)
    days = pd.DataFrame(answered(*words, "--by", "day")["rows"])
    assert days["gap_t"].max() == pytest.approx(share * days["usual_t"][0], rel=0.02)
    assert days["arrivals_t"].iloc[60] == pytest.approx(days["usual_t"].iloc[60], rel=1e-6)


def test_options_beside_a_scenario_last_as_long_as_it() -> None:
    """A blockage of six days with a limit on top is no year of either."""
    words = ("whatif", "-s", "suez_2021", "--limit", "chokepoint:panama=0.9", "-i", "NLD")
    found = answered(*words, "-c", "crude_oil")
    assert "6.31 d" in found["note"]
    assert "8 d" in answered(*words, "-c", "crude_oil", "--duration", "8")["note"]
