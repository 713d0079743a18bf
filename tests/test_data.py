"""The tables of data/, their schemas, and what a fault looks like."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest

from layers import schema, static
from layers.errors import CorridorsError, DataError, Fault, UnknownIdError, UsageError
from layers.record import main, record
from layers.tables import TABLES
from layers.units import T_MBD_CRUDE, from_native, km_day, to_native
from layers.world import ELEMENT_TABLES, World, frames, load_world

DATA = static.data_dir()
MT = 1e6


@pytest.fixture(scope="module")
def world() -> World:
    return load_world(force=True)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    shutil.copytree(DATA, folder)
    return folder


def edit(folder: Path, table: str, change: Callable[[pd.DataFrame], object]) -> None:
    """Change a table of text in place; `change` edits the frame it is given or returns another."""
    path = folder / f"{table}.csv"
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    changed = change(frame)
    (changed if isinstance(changed, pd.DataFrame) else frame).to_csv(
        path, index=False, lineterminator="\n"
    )


def put(row: int, column: str, value: str) -> Callable[[pd.DataFrame], None]:
    """Write one cell, the row counted as in a text editor."""

    def change(frame: pd.DataFrame) -> None:
        frame.loc[row - 2, column] = value

    return change


def faults_of(folder: Path) -> tuple[Fault, ...]:
    with pytest.raises(DataError) as caught:
        load_world(folder)
    return caught.value.faults


# --- the tables as shipped -----------------------------------------------------------------


def test_the_shipped_data_has_no_fault(world: World) -> None:
    assert len(world.flows) > 4_000
    assert len(world.gateways) > 1_900


def test_every_file_is_as_recorded() -> None:
    recorded = static.recorded_hashes(DATA)
    for name in TABLES:
        if name != "sources":
            assert recorded[f"{name}.csv"] == static.file_hash(DATA / f"{name}.csv"), name


@pytest.mark.parametrize(
    ("commodity", "low", "high"),
    [
        ("crude_oil", 2_286, 2_305),
        ("lng", 395, 403),
        ("coal", 1_529, 1_534),
        ("soybeans", 176, 177.5),
        ("maize", 216, 218),
        ("wheat", 207, 209),
        ("barley", 35, 36.5),
        ("rice", 63, 65),
        ("sorghum", 9, 10.5),
    ],
)
def test_base_year_totals_mt(world: World, commodity: str, low: float, high: float) -> None:
    base = world.flows[world.flows["base"] == 1]
    total = base.loc[base["commodity"] == commodity, "quantity_t"].sum()
    assert low * MT <= total <= high * MT


@pytest.mark.parametrize(
    ("importer", "commodity", "origin", "mt"),
    [
        ("CHN", "crude_oil", "RUS", 108.47),
        ("CHN", "crude_oil", "MYS", 70.38),
        ("CHN", "coal", "IDN", 236.99),
        ("CHN", "coal", "MNG", 82.82),
        ("CHN", "pipeline_gas", "TKM", 23.96),
    ],
)
def test_golden_flows(world: World, importer: str, commodity: str, origin: str, mt: float) -> None:
    flows = world.flows[world.flows["base"] == 1].set_index(["importer", "commodity", "origin"])
    assert flows.loc[(importer, commodity, origin), "quantity_t"] == pytest.approx(
        mt * MT, rel=1e-3
    )


def test_the_base_year_is_one_year_for_each_importer_and_commodity(world: World) -> None:
    base = world.flows[world.flows["base"] == 1]
    assert (base.groupby(["importer", "commodity"])["year"].nunique() == 1).all()


def test_every_name_is_in_both_languages(world: World) -> None:
    for table in ("countries", "corridors", "commodities", "ship_classes", "assumptions"):
        _has_both_names(getattr(world, table))
    for table in ELEMENT_TABLES.values():
        _has_both_names(getattr(world, table))


def _has_both_names(frame: pd.DataFrame) -> None:
    assert (frame["name_en"].str.strip() != "").all()
    assert frame["name_zh"].str.contains(r"[\u4e00-\u9fff]").all()


def test_names_follow_the_usage_of_each_language(world: World) -> None:
    assert world.name("TWN", "zh") == "中国台湾"
    assert world.name("TWN") == "Taiwan"
    assert world.name("HKG", "zh") == "中国香港"
    assert world.name("MAC", "zh") == "中国澳门"
    assert world.name("chokepoint:hormuz", "zh") == "霍尔木兹海峡"
    assert world.name("port:PKGWD") == "Gwadar"


def test_gateway_sets_sum_to_one(world: World) -> None:
    keys = ["country", "commodity", "direction", "counterpart"]
    sums = world.gateways.groupby(keys)["share"].sum()
    assert ((sums - 1).abs() <= 0.02).all()


def test_saudi_crude_reaches_the_red_sea_by_pipeline(world: World) -> None:
    rows = world.gateways.query("country == 'SAU' and commodity == 'crude_oil'")
    red_sea = rows[rows["gateway"].isin(["port:SAYNB", "port:SAAMU"])]
    assert (red_sea["via"] == "pipeline:east_west_petroline").all()


@pytest.mark.parametrize(
    ("passage", "ship_class", "fits"),
    [
        ("suez", "suezmax", True),
        ("suez", "vlcc", False),
        ("panama", "panamax_bulk", True),
        ("panama", "vlcc", False),
        ("malacca", "vlcc", True),
        ("sunda", "vlcc", False),
        ("sunda", "capesize", False),
        ("sunda", "panamax_bulk", True),
        ("great_belt", "aframax", True),
        ("great_belt", "suezmax", False),
        ("oresund", "aframax", False),
        ("bosporus", "suezmax", True),
        ("bosporus", "vlcc", False),
        ("lombok", "vlcc", True),
    ],
)
def test_which_ships_fit(world: World, passage: str, ship_class: str, fits: bool) -> None:
    ship = world.ship_classes.set_index("ship_class").loc[ship_class]
    limits = world.passage_limits[world.passage_limits["passage"] == f"chokepoint:{passage}"]
    beam = limits["max_beam_m"].isna() | (ship["beam_m"] <= limits["max_beam_m"])
    draft = limits["max_draft_m"].isna() | (ship["draft_m"] <= limits["max_draft_m"])
    assert (limits.empty or bool((beam & draft).any())) is fits


def test_the_ports_of_the_belt_are_there(world: World) -> None:
    wanted = {"PKGWD", "GRPIR", "LKHBA", "DJJIB", "DEHAM", "KEMBA"}
    assert wanted <= set(world.ports["port"])


def test_every_coastal_trader_has_a_port(world: World) -> None:
    base = world.flows[world.flows["base"] == 1]
    trade = pd.concat(
        [
            base.rename(columns={"importer": "who"})[["who", "quantity_t"]],
            base.rename(columns={"origin": "who"})[["who", "quantity_t"]],
        ]
    )
    total = trade.groupby("who")["quantity_t"].sum()
    traders = {who for who in total.index[total >= 50_000] if not who.startswith("R_")}
    # Bosnia's few km of coast and Palestine have no port of their own; the Union is no country.
    inland = world.groups["LANDLOCKED"] | {"EU27", "BIH", "PSE"}
    assert traders - inland - set(world.ports["country"]) == set()


def test_lines_end_near_their_ports(world: World) -> None:
    from shapely import from_wkt

    from layers.geo import distance_km

    ports = world.ports.set_index("port")
    for table in ("pipelines", "railways"):
        for row in getattr(world, table).to_dict("records"):
            ends = from_wkt(row["wkt"]).coords
            for port, end in ((row["from_port"], ends[0]), (row["to_port"], ends[-1])):
                if port:
                    at = ports.loc[port]
                    km = distance_km(end[0], end[1], at["lon"], at["lat"])
                    assert float(km) < 65, (row["name_en"], port)


def test_native_units_agree_with_units(world: World) -> None:
    commodities = world.commodities.set_index("commodity")
    assert commodities.loc["crude_oil", "t_per_native"] == T_MBD_CRUDE
    assert to_native(99.6e6, T_MBD_CRUDE) == pytest.approx(2)
    assert from_native(to_native(5e6, T_MBD_CRUDE), T_MBD_CRUDE) == pytest.approx(5e6)
    assert km_day(13) == pytest.approx(577.8, abs=0.1)


def test_assumptions_lie_in_their_range(world: World) -> None:
    table = world.assumptions
    assert ((table["low"] <= table["central"]) & (table["central"] <= table["high"])).all()
    assert world.assumption("error_official") < world.assumption("error_memory")


def test_known_capacities_stay_within_the_nameplate(world: World) -> None:
    lines = world.pipelines.set_index("pipeline")["capacity_t_y"]
    own = world.capacities[world.capacities["element"].str.startswith("pipeline:")]
    nameplate = own["element"].str.removeprefix("pipeline:").map(lines)
    assert len(own) >= 15
    assert (own["capacity_t_y"] <= nameplate).all()


@pytest.mark.parametrize(
    ("element", "owner", "mbd"),
    [
        ("pipeline:east_west_petroline", "SAU", 7.0),
        ("pipeline:habshan_fujairah", "ARE", 1.8),
        ("pipeline:goreh_jask", "IRN", 0.3),
        ("pipeline:iraq_turkiye", "IRQ", 0.25),
        ("pipeline:sumed", "", 2.5),
    ],
)
def test_ways_round_hormuz(world: World, element: str, owner: str, mbd: float) -> None:
    row = world.capacities.set_index("element").loc[element]
    assert row["owner"] == owner
    assert row["capacity_t_y"] / T_MBD_CRUDE == pytest.approx(mbd, abs=0.002)


def test_the_red_sea_ports_bind_before_the_line_to_them(world: World) -> None:
    capacity = world.capacities.set_index("element")["capacity_t_y"]
    ports = capacity["port:SAYNB"] + capacity["port:SAAMU"]
    assert ports / T_MBD_CRUDE == pytest.approx(4.5, abs=0.01)
    assert ports < capacity["pipeline:east_west_petroline"]


@pytest.mark.parametrize(
    ("passage", "year"), [("suez", 2023), ("panama", 2022), ("bosporus", 2024)]
)
def test_usual_transits_are_those_of_the_year_named(world: World, passage: str, year: int) -> None:
    slots = world.capacities.set_index("element").loc[f"chokepoint:{passage}"]
    counted = world.transits.set_index(["chokepoint", "period"]).loc[(passage, str(year))]
    assert slots["usual_transits_d"] == pytest.approx(counted["transits_d"], abs=0.05)
    assert slots["usual_transits_d"] < slots["capacity_transits_d"]


def test_the_stocks_of_china(world: World) -> None:
    row = world.stocks.set_index(["country", "commodity"]).loc[("CHN", "crude_oil")]
    assert row["stock_t"] == pytest.approx(1.4e9 / 7.33, rel=1e-3)
    assert row["draw_t_d"] == pytest.approx(3 * T_MBD_CRUDE / 365, rel=1e-3)
    # 1.4 bn barrels over 11.5 million a day are 121.7 days.
    assert row["stock_t"] / (11.5 * T_MBD_CRUDE / 365) == pytest.approx(121.7, rel=2e-3)


def test_stocks_by_days_follow_from_the_flows(world: World) -> None:
    base = world.flows[world.flows["base"] == 1]
    imports = base.groupby(["importer", "commodity"])["quantity_t"].sum()
    stock = world.stocks.set_index(["country", "commodity"])["stock_t"]
    for country, commodity, days in (
        ("FRA", "crude_oil", 90),
        ("JPN", "lng", 21),
        ("KOR", "lng", 37),
        ("TWN", "coal", 39),
    ):
        key = (country, commodity)
        assert stock[key] == pytest.approx(days * imports[key] / 365, rel=1e-3), key


def test_gas_in_store_in_the_union_is_counted_once(world: World) -> None:
    stock = world.stocks.set_index(["country", "commodity"])["stock_t"]
    members = [key for key in stock.index if key[1] == "lng" and key[0] in world.groups["EU27"]]
    shared_out = stock[("EU27", "pipeline_gas")] + stock[members].sum()
    in_store = 565.62e12 * 3_600 / 1e9 / 54.4  # Wh, J, GJ, t
    assert len(members) >= 5
    assert shared_out == pytest.approx(in_store, rel=2e-3)


def test_grain_stocks_keep_some_to_work_with_and_know_their_harvest(world: World) -> None:
    commodities = world.commodities.set_index("commodity")["group"]
    grain = world.stocks["commodity"].map(commodities) == "grain"
    energy = world.stocks[~grain]
    assert world.stocks.loc[grain, ["working_t", "use_t_y"]].notna().all(axis=None)
    assert energy[["harvest_t_y", "harvest_from", "harvest_to"]].isna().all(axis=None)
    limited = world.stocks[world.stocks["draw_t_d"].notna()]
    assert (limited["draw_basis"] != "").all()


def test_spare_supply_has_a_way_out(world: World) -> None:
    exports = world.gateways[world.gateways["direction"] == "export"]
    sellers = set(zip(exports["country"], exports["commodity"], strict=True))
    spare = set(zip(world.spare_supply["country"], world.spare_supply["commodity"], strict=True))
    assert spare - sellers == set()


def test_spare_supply_is_no_more_than_the_agency_counts(world: World) -> None:
    gulf = world.spare_supply.set_index(["commodity", "country"]).loc["crude_oil"]
    held = gulf.loc[["SAU", "ARE", "IRQ", "KWT"], "spare_t_y"].sum() / T_MBD_CRUDE
    assert held == pytest.approx(3.1 + 1.1 + 0.6 + 0.4, abs=0.01)


def test_hormuz_was_declared_closed_and_open_by_turns(world: World) -> None:
    table = world.declarations[world.declarations["element"] == "chokepoint:hormuz"]
    said = dict(zip(table["at"], table["declared"], strict=True))
    assert said["2026-03-02"] == said["2026-04-18"] == "closed"
    assert said["2026-04-17"] == "open"
    assert table["at"].is_monotonic_increasing


def test_no_declaration_stands_beside_another_of_its_day(world: World) -> None:
    table = world.declarations
    assert not table.duplicated(["element", "at"]).any()
    recalled = table["source"].str.startswith("recalled")
    assert (recalled == (table["quality"] == "memory")).all()


def test_published_outcomes_say_a_value_or_a_range(world: World) -> None:
    table = world.whatif_results
    assert table[["value", "low", "high"]].notna().any(axis=1).all()
    for least, most in (("low", "value"), ("value", "high"), ("low", "high")):
        both = table[[least, most]].dropna()
        assert (both[least] <= both[most]).all()
    assert not table.duplicated(["scenario", "measure"]).any()


@pytest.mark.parametrize("percent", [10, 30, 50, 100])
def test_what_hormuz_leaves_behind_by_hand(world: World, percent: int) -> None:
    published = world.whatif_results.set_index("measure")["value"]
    exports = {"SAU": 6.0, "ARE": 3.0, "IRQ": 3.5, "KWT": 2.5, "QAT": 1.5, "IRN": 2.4, "": 2.0}
    bypass = {"SAU": 1.9, "ARE": 0.7}
    lost = percent / 100
    pooled = max(0.0, lost * 20.9 - 2.6)
    owned = sum(max(0.0, lost * v - bypass.get(k, 0.0)) for k, v in exports.items())
    assert published[f"pooled_stranded_d{percent}"] == pytest.approx(pooled, abs=0.01)
    assert published[f"exporter_stranded_d{percent}"] == pytest.approx(owned, abs=0.01)


def test_frames_are_spatial(world: World) -> None:
    layers = frames(world)
    for table in (*ELEMENT_TABLES.values(), "countries", "sea_links"):
        assert isinstance(layers[table], gpd.GeoDataFrame)
        assert layers[table].crs == "EPSG:4326"
        assert layers[table].geometry.is_valid.all()
    assert set(layers["chokepoints"].geom_type) == {"LineString"}
    assert layers["ports"]["element"].str.startswith("port:").all()


def test_importing_the_package_is_light() -> None:
    probe = (
        "import sys, layers; w = layers.load_world();"
        "sys.exit(any(m in sys.modules for m in ('geopandas', 'pandera', 'httpx')))"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def test_the_same_tables_have_the_same_digest(world: World, copy: Path) -> None:
    assert load_world(copy).digest == world.digest
    edit(copy, "ports", put(2, "note", "changed"))
    assert load_world(copy).digest != world.digest


# --- schemas -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_is_a_good_table(name: str) -> None:
    frame = schema.empty(name)
    assert list(frame.columns) == [field.name for field in TABLES[name].fields]
    assert schema.check(name, frame) is frame


@pytest.mark.parametrize("name", TABLES)
def test_an_empty_table_survives_a_file(name: str, tmp_path: Path) -> None:
    schema.empty(name).to_csv(tmp_path / f"{name}.csv", index=False)
    again = static.read_table(name, folder=tmp_path)
    pd.testing.assert_frame_equal(again, schema.empty(name), check_index_type=False)


@pytest.mark.parametrize("name", TABLES)
def test_reading_fast_and_reading_with_care_agree(name: str) -> None:
    fast = static.read_table(name, folder=DATA)
    pd.testing.assert_frame_equal(fast, static.read_table(name, folder=DATA, force=True))


@pytest.mark.parametrize("name", TABLES)
def test_every_column_says_what_it_means(name: str) -> None:
    rules = schema.schema(name)
    for field in TABLES[name].fields:
        column = rules.columns[field.name]
        assert column.title
        assert (field.kind == "text") == (column.metadata["unit"] == "")


def test_unknown_table_and_column_offer_the_nearest() -> None:
    with pytest.raises(UnknownIdError, match="flows"):
        schema.dtypes("flow")
    with pytest.raises(UnknownIdError) as caught:
        TABLES["flows"].field("quantity")
    assert caught.value.nearest[0] == "quantity_t"


def test_names_and_assumptions_that_are_not_there(world: World) -> None:
    with pytest.raises(UnknownIdError) as caught:
        world.name("chokepoint:hormus")
    assert caught.value.nearest[0] == "chokepoint:hormuz"
    with pytest.raises(UnknownIdError, match="logit_theta"):
        world.assumption("logit_teta")
    with pytest.raises(UnknownIdError, match="language"):
        world.name("CHN", "fr")
    with pytest.raises(UnknownIdError, match="group"):
        world.members("ATLANTIS")
    assert "DEU" in world.members("EU27")
    assert world.members("JPN") == {"JPN"}


# --- faults --------------------------------------------------------------------------------

FAULTS = [
    ("flows", put(17, "quantity_t", "-3"), 17, "quantity_t", "-3 is not >= 0"),
    ("flows", put(18, "quantity_t", "many"), 18, "quantity_t", "many is not a number"),
    ("flows", put(19, "quantity_t", ""), 19, "quantity_t", "the cell is empty"),
    ("flows", put(20, "year", "2024.5"), 20, "year", "2024.5 is not a whole number"),
    ("flows", put(21, "year", ""), 21, "year", "an empty cell is not a whole number"),
    ("flows", put(22, "base", "2"), 22, "base", "2 is not <= 1"),
    ("flows", put(23, "quality", "good"), 23, "quality", "good is not one of official"),
    ("flows", put(24, "source", ""), 24, "source", "the cell is empty"),
    ("flows", put(25, "importer", "China"), 25, "importer", "China is not of the form"),
    ("flows", put(26, "importer", "XXX"), 26, "importer", "XXX is not in countries.csv"),
    ("flows", put(27, "origin", "R_MOON"), 27, "origin", "R_MOON has no country for"),
    ("flows", put(28, "commodity", "gold"), 28, "commodity", "gold is not in commodities.csv"),
    ("gateways", put(12, "gateway", "port:XXXXX"), 12, "gateway", "port:XXXXX names no element"),
    ("gateways", put(13, "gateway", "SARTA"), 13, "gateway", "SARTA is not of the form"),
    ("gateways", put(14, "share", "1.2"), 14, "share", "1.2 is not <= 1"),
    ("gateways", put(15, "via", "pipeline:none"), 15, "via", "pipeline:none names no element"),
    ("gateways", put(16, "counterpart", "MARS"), 16, "counterpart", "MARS is neither"),
    ("gateways", put(2, "share", "0.9"), 2, "share", "is the sum for SAU, crude_oil, export"),
    ("regions", put(3, "country", "XXX"), 3, "country", "XXX is not in countries.csv"),
    ("corridors", put(4, "via", "chokepoint:x;chokepoint:suez"), 4, "via", "chokepoint:x names"),
    ("corridors", put(5, "origins", "NOWHERE"), 5, "origins", "NOWHERE is neither a country"),
    ("corridors", put(6, "mode", "air"), 6, "mode", "air is not one of sea, land, mixed"),
    ("pipelines", put(7, "to_port", "XXXXX"), 7, "to_port", "XXXXX is not in ports.csv"),
    ("pipelines", put(8, "wkt", "POINT (1 2)"), 8, "wkt", "POINT (1 2) is not of the form"),
    ("ports", put(9, "lat", "95"), 9, "lat", "95 is not <= 90"),
    ("ports", put(10, "depth_m", "0"), 10, "depth_m", "0 is not > 0"),
    ("ports", put(11, "name_zh", ""), 11, "name_zh", "the cell is empty"),
    ("commodities", put(2, "ship_classes", "ark"), 2, "ship_classes", "ark is not in ship_classes"),
    ("chokepoints", put(3, "open", "maybe"), 3, "open", "maybe is not one of yes, no"),
    ("sources", put(2, "licence", ""), 2, "licence", "the cell is empty"),
    ("capacities", put(2, "element", "port:XXXXX"), 2, "element", "port:XXXXX names no element"),
    ("capacities", put(3, "owner", "XXX"), 3, "owner", "XXX is not in countries.csv"),
    ("capacities", put(4, "commodity", "gold"), 4, "commodity", "gold is not in commodities.csv"),
    ("capacities", put(5, "capacity_t_y", ""), 5, "capacity_t_y", "one of tonnes and ships"),
    (
        "capacities",
        put(6, "capacity_transits_d", "9"),
        6,
        "capacity_t_y",
        "one of tonnes and ships",
    ),
    ("stocks", put(2, "stock_t", ""), 2, "stock_t", "the cell is empty"),
    ("stocks", put(3, "strategic_t", "9e9"), 3, "strategic_t", "is more than the whole stock"),
    ("stocks", put(4, "working_t", "9e9"), 4, "working_t", "is more than the whole stock"),
    ("stocks", put(5, "harvest_t_y", "8"), 5, "harvest_t_y", "a harvest needs both its months"),
    ("stocks", put(6, "harvest_to", "7"), 6, "harvest_t_y", "a harvest needs both its months"),
    ("stocks", put(7, "harvest_from", "13"), 7, "harvest_from", "13 is not <= 12"),
    ("stocks", put(8, "country", "XXX"), 8, "country", "XXX is not in countries.csv"),
    ("spare_supply", put(2, "country", "XXX"), 2, "country", "XXX is not in countries.csv"),
    ("spare_supply", put(3, "commodity", "gold"), 3, "commodity", "gold is not in commodities"),
    ("spare_supply", put(4, "ready_d", "-1"), 4, "ready_d", "-1 is not >= 0"),
    ("declarations", put(2, "declared", "shut"), 2, "declared", "shut is not one of open"),
    ("declarations", put(3, "element", "port:XXXXX"), 3, "element", "port:XXXXX names no element"),
    ("declarations", put(4, "declared_by", ""), 4, "declared_by", "the cell is empty"),
    ("declarations", put(5, "at", "soon"), 5, "at", "soon is not of the form"),
    (
        "declarations",
        put(6, "until", "2022-11-30"),
        6,
        "until",
        "is before the day it was declared",
    ),
    ("actions", put(2, "reader", "king"), 2, "reader", "king is not one of central_agency"),
    ("actions", put(3, "elements", "strait;sky"), 3, "elements", "strait;sky is not one of"),
    ("actions", put(4, "text_zh", ""), 4, "text_zh", "the cell is empty"),
    ("whatif_results", put(2, "measure", "Backlog"), 2, "measure", "Backlog is not of the form"),
    ("whatif_results", put(3, "tolerance", ""), 3, "tolerance", "the cell is empty"),
]


@pytest.mark.parametrize(("table", "change", "row", "column", "message"), FAULTS)
def test_a_fault_is_placed(
    copy: Path,
    table: str,
    change: Callable[[pd.DataFrame], object],
    row: int,
    column: str,
    message: str,
) -> None:
    edit(copy, table, change)
    if table == "sources":
        edit(copy, "ports", put(2, "note", "changed"))
    found = [f for f in faults_of(copy) if (f.row, f.column) == (row, column)]
    assert [f.file for f in found][:1] == [f"data/{table}.csv"]
    assert any(message in f.message for f in found), found


def test_all_faults_come_at_once(copy: Path) -> None:
    edit(copy, "flows", put(17, "quantity_t", "-3"))
    edit(copy, "ports", put(11, "name_zh", ""))
    edit(copy, "gateways", put(12, "gateway", "port:XXXXX"))
    (copy / "extra.csv").write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_world(copy)
    text = str(caught.value)
    assert "4 faults in the data" in text
    assert "data/flows.csv row 17 column quantity_t: -3 is not >= 0" in text
    assert "data/ports.csv row 11 column name_zh: the cell is empty" in text
    assert "data/gateways.csv row 12 column gateway: port:XXXXX names no element" in text
    assert "data/extra.csv: the file has no row in sources.csv" in text


def test_a_duplicate_key_names_the_earlier_row(copy: Path) -> None:
    edit(copy, "railways", lambda frame: pd.concat([frame, frame.iloc[[3]]]))
    (fault,) = faults_of(copy)
    assert (fault.column, fault.row) == ("railway", len(schema_rows(copy, "railways")) + 1)
    assert fault.message.endswith("is already in row 5")


def schema_rows(folder: Path, table: str) -> pd.DataFrame:
    return pd.read_csv(folder / f"{table}.csv", dtype="str", keep_default_na=False)


def test_missing_and_unknown_columns(copy: Path) -> None:
    edit(copy, "ports", lambda frame: frame.drop(columns="lat").assign(colour="red"))
    found = {(f.column, f.message) for f in faults_of(copy)}
    assert ("lat", "the column is missing") in found
    assert ("colour", "the column is not known") in found


def test_a_missing_file_is_a_fault(copy: Path) -> None:
    (copy / "regions.csv").unlink()
    assert Fault("data/regions.csv", 0, "", "the file is missing") in faults_of(copy)


def test_a_broken_file_is_a_fault(copy: Path) -> None:
    (copy / "regions.csv").write_bytes(b"region,commodity\n\xff\xfe\n")
    assert any("cannot be read" in f.message for f in faults_of(copy))


def test_an_empty_file_is_a_fault(copy: Path) -> None:
    (copy / "regions.csv").write_text("", encoding="utf-8")
    assert any("cannot be read" in f.message for f in faults_of(copy))


def test_a_line_break_in_a_cell_is_a_fault(copy: Path) -> None:
    edit(copy, "relabels", put(2, "note", "two\nlines"))
    assert faults_of(copy)[0].message.endswith("holds a line break")


# --- recording -----------------------------------------------------------------------------


def test_record_writes_the_hash_of_a_changed_file(copy: Path) -> None:
    edit(copy, "ports", put(2, "note", "changed"))
    hashes = record(copy)
    assert hashes["ports.csv"] == static.file_hash(copy / "ports.csv")
    assert static.recorded_hashes(copy) == hashes
    assert load_world(copy).ports["note"].iloc[0] == "changed"


def test_record_refuses_a_fault_and_leaves_the_hashes(copy: Path) -> None:
    before = (copy / "sources.csv").read_bytes()
    edit(copy, "flows", put(17, "quantity_t", "-3"))
    with pytest.raises(DataError):
        record(copy)
    assert (copy / "sources.csv").read_bytes() == before


def test_the_command_records_and_explains_itself(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CORRIDORS_DATA", str(copy))
    assert static.data_dir() == copy
    assert main() == 0
    assert re.search(r"^[0-9a-f]{64}  flows\.csv$", capsys.readouterr().out, re.MULTILINE)
    edit(copy, "flows", put(17, "quantity_t", "-3"))
    assert main() == 1
    assert "flows.csv" in capsys.readouterr().err


def test_one_root_for_every_error() -> None:
    for kind in (DataError, UnknownIdError, UsageError):
        assert issubclass(kind, CorridorsError)
    assert str(DataError("no sea")) == "no sea"
    assert str(Fault("data/a.csv", 2, "b", "is wrong")) == "data/a.csv row 2 column b: is wrong"
