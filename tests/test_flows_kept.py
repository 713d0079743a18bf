"""Imported trade on disk, its two sides, and answers that rest on it."""

from __future__ import annotations

import errno
import json
import multiprocessing
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corridors.assessment import assess
from corridors.demand import select_flows
from corridors.metrics import exposure
from corridors.network import Network
from layers import schema
from layers.errors import CorridorsError, DataError, UnknownIdError, UsageError
from layers.flows import (
    FLOW,
    FORMATS,
    Codes,
    Kept,
    Ref,
    import_files,
    mirror,
    parse_ref,
    read_codes,
    take,
)
from layers.flows.kept import default_folder
from layers.flows.mirror import taken_side
from layers.world import World

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
HEAD = "t,i,j,k,v,q\n"
OWN = "year,exporter,importer,commodity,tonnes,usd,side\n"


@pytest.fixture(scope="module")
def codes() -> Codes:
    return read_codes()


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "flows")


@pytest.fixture
def add(tmp_path: Path, kept: Kept, codes: Codes) -> Callable[..., None]:
    """Write a file and import it."""

    def work(source: str, name: str, body: str, **options: Any) -> None:
        path = tmp_path / name
        path.write_text(body)
        import_files(kept, [path], FORMATS[source], codes, now=NOW, **options)

    return work


Add = Callable[..., None]
BACI = "BACI_HS92_Y2022_V202401b.csv"


# --- the folder ------------------------------------------------------------------------------


def test_a_file_says_what_it_was_made_of(add: Add, kept: Kept) -> None:
    body = HEAD + "2022,682,156,270900,1,5\n2022,777,156,270900,1,5\n"
    add("baci", BACI, body)
    (part,) = kept.parts()
    assert part.path == kept.folder / "baci" / "V202401b" / "2022.parquet"
    assert (part.source, part.vintage, part.year, part.rows) == ("baci", "V202401b", 2022, 1)
    assert part.imported_at == NOW
    (origin,) = part.origins
    assert (origin.name, origin.bytes) == (BACI, len(body))
    assert len(origin.sha256) == 64
    assert part.tally.unknown == {("i", "777"): 1}
    assert part.tally.left_out == {"an unknown country code": 1}
    about = json.loads(pq.read_metadata(part.path).metadata[b"corridors_flows"])
    assert about["units"] == FORMATS["baci"].units
    assert about["licence"].startswith("Etalab")


def test_each_commodity_is_a_row_group_and_others_are_not_read(add: Add, kept: Kept) -> None:
    rows = [f"2022,682,{j},{k},1,5\n" for j in (156, 392) for k in ("270900", "271111", "100190")]
    add("baci", BACI, HEAD + "".join(rows))
    part = kept.part(parse_ref("baci:2022"))
    assert pq.read_metadata(part.path).num_row_groups == 3
    table = kept.read(part, commodities=["lng"], importers=["JPN"])
    assert table.schema.equals(FLOW)
    assert table.select(["commodity", "importer"]).to_pylist() == [
        {"commodity": "lng", "importer": "JPN"}
    ]


def test_an_import_again_needs_to_be_meant(add: Add, kept: Kept) -> None:
    add("baci", BACI, HEAD + "2022,682,156,270900,1,5\n")
    with pytest.raises(UsageError, match="kept already, from the same files"):
        add("baci", BACI, HEAD + "2022,682,156,270900,1,5\n")
    with pytest.raises(UsageError, match="kept already, from other files"):
        add("baci", BACI, HEAD + "2022,682,156,270900,1,6\n")
    add("baci", BACI, HEAD + "2022,682,156,270900,1,6\n", replace=True)
    assert kept.read(kept.parts()[0])["tonnes"].to_pylist() == [6.0]


def test_vintages_lie_side_by_side_and_the_last_is_meant(add: Add, kept: Kept) -> None:
    add("baci", "BACI_HS92_Y2022_V202501.csv", HEAD + "2022,682,156,270900,1,7\n")
    add("baci", BACI, HEAD + "2022,682,156,270900,1,5\n")
    assert kept.part(parse_ref("baci:2022")).vintage == "V202501"
    assert kept.part(parse_ref("baci:2022@V202401b")).vintage == "V202401b"
    assert kept.remove(parse_ref("baci:2022@V202501")) == [Ref("baci", 2022, "V202501")]
    assert kept.part(parse_ref("baci:2022")).vintage == "V202401b"
    assert not (kept.folder / "baci" / "V202501").exists()


def test_a_year_more_of_the_same_vintage(add: Add, kept: Kept) -> None:
    add("baci", BACI, HEAD + "2022,682,156,270900,1,7\n")
    add("baci", "BACI_HS92_Y2021_V202401b.csv", HEAD + "2021,682,156,270900,1,5\n")
    assert [str(part.ref) for part in kept.parts()] == [
        "baci:2021@V202401b",
        "baci:2022@V202401b",
    ]


@pytest.mark.parametrize("text", ["baci", "baci:22", "baci:2022/both", "../x:2022", "BACI:2022"])
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(UsageError, match="say source:year"):
        parse_ref(text)


def test_parts_of_a_reference() -> None:
    assert parse_ref("faostat:2022@2025-11-03/exporter") == Ref(
        "faostat", 2022, "2025-11-03", "exporter"
    )


def test_what_was_never_imported(add: Add, kept: Kept) -> None:
    add("baci", BACI, HEAD + "2022,682,156,270900,1,7\n")
    with pytest.raises(UnknownIdError, match=r"did you mean baci:2022"):
        kept.part(parse_ref("baci:2023"))


@pytest.mark.parametrize("vintage", ["../../x", "a/b", ".x", "x" * 41])
def test_a_vintage_is_no_way_out_of_the_folder(add: Add, kept: Kept, vintage: str) -> None:
    with pytest.raises(UsageError, match="is no vintage"):
        add("baci", BACI, HEAD + "2022,682,156,270900,1,7\n", vintage=vintage)
    assert kept.parts() == []


def test_a_full_disk_loses_nothing(add: Add, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    add("baci", BACI, HEAD + "2022,682,156,270900,1,5\n")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    for place in ("os.fsync", "os.replace", "pyarrow.ipc.new_file"):
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            with pytest.raises(CorridorsError, match="No space left on device"):
                add("baci", BACI, HEAD + "2022,682,156,270900,1,9\n", replace=True)
        assert kept.read(kept.parts()[0])["tonnes"].to_pylist() == [5.0]
        assert sorted(path.name for path in kept.folder.iterdir()) == ["baci"]


def test_a_folder_nobody_can_write(tmp_path: Path, codes: Codes) -> None:
    (tmp_path / "flows").write_text("a file in the way")
    path = tmp_path / BACI
    path.write_text(HEAD + "2022,682,156,270900,1,5\n")
    with pytest.raises(CorridorsError, match="cannot be written"):
        import_files(Kept(tmp_path / "flows"), [path], FORMATS["baci"], codes, now=NOW)


def _import(folder: Path, path: Path) -> None:
    for _ in range(5):
        import_files(Kept(folder), [path], FORMATS["baci"], read_codes(), now=NOW, replace=True)


def test_two_writers_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    made = []
    for tonnes in (5, 6):
        folder = tmp_path / str(tonnes)
        folder.mkdir()
        path = folder / BACI
        rows = "".join(f"2022,{i},156,270900,1,{tonnes}\n" for i in (682, 643, 368))
        path.write_text(HEAD + rows)
        made.append(path)
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_import, args=(tmp_path / "flows", p)) for p in made]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    kept = Kept(tmp_path / "flows")
    (part,) = kept.parts()
    assert set(kept.read(part)["tonnes"].to_pylist()) in ({5.0}, {6.0})
    assert sorted(path.name for path in kept.folder.iterdir()) == ["baci"]


def test_a_damaged_file_is_named(add: Add, kept: Kept) -> None:
    add("baci", BACI, HEAD + "2022,682,156,270900,1,5\n")
    path = kept.parts()[0].path
    body = path.read_bytes()
    path.write_bytes(body[: len(body) // 2])
    with pytest.raises(DataError, match=r"baci/V202401b/2022\.parquet: is damaged"):
        kept.parts()
    pq.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(DataError, match="is damaged or none of ours"):
        kept.part(parse_ref("baci:2022"))
    kept.remove(parse_ref("baci:2022"))
    assert kept.parts() == []


def test_a_file_moved_to_another_vintage_is_not_believed(add: Add, kept: Kept) -> None:
    add("baci", BACI, HEAD + "2022,682,156,270900,1,5\n")
    shutil.copytree(kept.folder / "baci" / "V202401b", kept.folder / "baci" / "V202501")
    with pytest.raises(DataError, match="another source or vintage"):
        kept.parts()


@pytest.mark.parametrize(
    ("store", "folder"),
    [
        ("/data/feeds.duckdb", "/data/flows"),
        ("postgresql://someone@host/base", "/srv/of/data/flows"),
        ("", "/srv/of/data/flows"),
    ],
)
def test_where_imports_lie(monkeypatch: pytest.MonkeyPatch, store: str, folder: str) -> None:
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: Path("/srv/of/data"))
    monkeypatch.setenv("CORRIDORS_STORE", store)
    assert default_folder() == Path(folder)
    monkeypatch.delenv("CORRIDORS_STORE")
    assert default_folder(Path(store) if store else None) == Path(folder)


# --- both sides ------------------------------------------------------------------------------

SIDES = OWN + (
    "2022,RUS,CHN,wheat,100,50,importer\n"
    "2022,RUS,CHN,wheat,80,40,exporter\n"
    "2022,RUS,IND,wheat,,30,importer\n"
    "2022,RUS,IND,wheat,20,,exporter\n"
    "2022,USA,CHN,wheat,7,,importer\n"
    "2022,AUS,CHN,wheat,9,,exporter\n"
)


def test_what_each_side_said(add: Add, kept: Kept) -> None:
    add("own", "mine.csv", SIDES)
    table = mirror(kept.read(kept.parts()[0])).set_index(["exporter", "importer"])
    row = table.loc[("RUS", "CHN")]
    assert (row["importer_said_t"], row["exporter_said_t"]) == (100, 80)
    assert (row["ratio"], row["apart_t"], row["taken"]) == (1.25, 20, "importer")
    assert (row["importer_said_usd"], row["exporter_said_usd"]) == (50, 40)
    assert table["taken"].to_dict() == {
        ("RUS", "CHN"): "importer",
        ("RUS", "IND"): "exporter",  # the importer told no weight
        ("USA", "CHN"): "importer",
        ("AUS", "CHN"): "exporter",
    }
    assert np.isnan(table.loc[("USA", "CHN"), "ratio"])
    assert table.index[0] == ("RUS", "CHN")


@pytest.mark.parametrize(
    ("first", "tonnes"),
    [
        ("importer", {"RUSCHN": 100, "RUSIND": 20, "USACHN": 7, "AUSCHN": 9}),
        ("exporter", {"RUSCHN": 80, "RUSIND": 20, "USACHN": 7, "AUSCHN": 9}),
    ],
)
def test_whose_word_is_taken(add: Add, kept: Kept, first: str, tonnes: dict[str, float]) -> None:
    add("own", "mine.csv", SIDES)
    table = taken_side(kept.read(kept.parts()[0]).to_pandas(), first=first)
    assert dict(zip(table["exporter"] + table["importer"], table["tonnes"], strict=True)) == tonnes


def test_reconciled_figures_have_no_mirror(add: Add, kept: Kept) -> None:
    add("baci", BACI, HEAD + "2022,682,156,270900,1,5\n")
    with pytest.raises(UsageError, match="reconciled"):
        mirror(kept.read(kept.parts()[0]))


# --- in a world's place ------------------------------------------------------------------------

MIXED = HEAD + (
    "2022,682,156,270900,300000,1000\n"  # 300 USD/t
    "2022,643,156,270900,60000,NA\n"  # worth 200 t of it
    "2022,533,156,270900,3000,10\n"  # Aruba has no entry
    "2022,899,156,270900,3000,20\n"
    "2022,682,533,270900,3000,40\n"
    "2022,634,392,271111,5,8\n"
)


def test_a_world_with_imported_flows(add: Add, kept: Kept, world: World) -> None:
    add("baci", BACI, MIXED)
    found = take(world, kept, parse_ref("baci:2022"))
    flows = found.world.flows
    assert schema.faults("flows", flows) == []
    rows = flows.set_index(["importer", "commodity", "origin"])["quantity_t"]
    assert rows.to_dict() == {
        ("CHN", "crude_oil", "SAU"): 1_000,
        ("CHN", "crude_oil", "RUS"): 200,
        ("CHN", "crude_oil", "R_OTH"): 30,
        ("JPN", "lng", "QAT"): 8,
    }
    assert (found.estimated_t, found.unplaced_t, found.left_out_t) == (200, 30, 40)
    assert found.importers_left_out == ("ABW",)
    quality = flows.set_index(["importer", "origin"])["quality"]
    assert quality["CHN", "RUS"] == "estimate"
    assert quality["CHN", "SAU"] == "secondary"
    assert found.world.digest != world.digest
    assert found.world.content != world.content
    assert BACI in flows["basis"].iloc[0]
    selected = select_flows(found.world, importers=["CHN"], commodities=["crude_oil"])
    assert set(selected["data_year"]) == {2022}
    assert selected["quantity_t"].sum() == 1_230


def test_the_same_flows_give_the_same_exposure(
    add: Add, kept: Kept, world: World, network: Network
) -> None:
    """Our own table written in the form of one's own and imported answers as it did before."""
    base = world.flows[
        (world.flows["importer"] == "CHN")
        & (world.flows["commodity"] == "soybeans")
        & (world.flows["base"] == 1)
    ]
    base = base[~base["origin"].str.startswith("R_")]
    text = base.rename(columns={"quantity_t": "tonnes"})[
        ["year", "origin", "importer", "commodity", "tonnes", "quality"]
    ]
    add("own", "mine.csv", text.to_csv(index=False))
    (year,) = set(base["year"])
    other = take(world, kept, Ref("own", year)).world
    tables = []
    for one in (_only(world, base), other):
        trade = assess(one, importers=["CHN"], commodities=["soybeans"], network=network)
        tables.append(exposure(trade, one)[["element", "quantity_t", "share", "quality"]])
    pd.testing.assert_frame_equal(*tables)
    assert len(tables[0]) > 3


def _only(world: World, flows: pd.DataFrame) -> World:
    from dataclasses import replace

    return replace(world, flows=flows.reset_index(drop=True))


def test_the_other_sides_word_is_counted(add: Add, kept: Kept, world: World) -> None:
    add("own", "mine.csv", SIDES)
    assert take(world, kept, parse_ref("own:2022")).other_side_t == 20 + 9
    assert take(world, kept, parse_ref("own:2022/exporter")).other_side_t == 7
    one, other = (take(world, kept, parse_ref(f"own:2022{s}")) for s in ("", "/exporter"))
    assert one.world.digest != other.world.digest
    assert "0.0 Mt by the other side's word alone" in one.note


def test_part_of_a_year_is_said(add: Add, kept: Kept, world: World) -> None:
    head = "period,reporterCode,partnerCode,flowCode,cmdCode,netWgt,primaryValue\n"
    rows = "202201,156,682,M,2709,5000,9\n202202,156,682,M,2709,5000,9\n"
    add("comtrade", "months.csv", head + rows)
    found = take(world, kept, parse_ref("comtrade:2022"))
    assert found.months == 2
    assert "only 2 months of some reporters" in found.note


def test_nothing_that_has_a_place_is_an_error(add: Add, kept: Kept, world: World) -> None:
    add("baci", BACI, HEAD + "2022,682,533,270900,3000,40\n")
    with pytest.raises(DataError, match="no trade of a country known here"):
        take(world, kept, parse_ref("baci:2022"))


# --- the command line --------------------------------------------------------------------------


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def run(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Callable[..., Answer]:
    """Return a way to run the command line with a store of its own."""
    from corridors import cli

    monkeypatch.setattr("layers.world.load_world", lambda: world)
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "data" / "feeds.duckdb"))
    monkeypatch.setenv("CORRIDORS_CACHE", str(tmp_path / "cache"))

    def answer(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["corridors", *map(str, arguments)])
        capfd.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as left:
            code = left.code
        sys.stdout.flush()
        return Answer(code or 0, *capfd.readouterr())

    return answer


def test_from_a_file_to_an_exposure_table(run: Callable[..., Answer], tmp_path: Path) -> None:
    path = tmp_path / BACI
    path.write_text(MIXED + "2022,777,156,270900,1,1\n2022,1,2,850110,1,1\n")
    done = run("flows", "import", path, "--as", "baci")
    assert done.code == 0
    assert done.out == ""
    assert "left out: 1 another commodity" in done.err
    assert "unknown country codes, rows in brackets: i 777 (1)" in done.err
    assert "baci:2022@V202401b: 6 flows kept; use --flows baci:2022" in done.err
    assert (tmp_path / "data" / "flows" / "baci" / "V202401b" / "2022.parquet").is_file()

    listed = json.loads(run("flows", "list", "-f", "json").out)["rows"]
    assert [row["flows"] for row in listed] == ["baci:2022@V202401b"]
    shown = json.loads(run("flows", "show", "baci:2022", "-i", "japan", "-f", "json").out)["rows"]
    assert [(row["exporter"], row["quantity_t"]) for row in shown] == [("QAT", 8)]

    asked = ("exposure", "-i", "CHN", "-c", "crude_oil", "--flows", "baci:2022", "-f", "json")
    answer = json.loads(run(*asked).out)
    hormuz = next(row for row in answer["rows"] if row["element"] == "chokepoint:hormuz")
    assert 0 < hormuz["quantity_t"] <= 1_000
    assert "flows of CEPII BACI V202401b, 2022" in answer["note"]

    behind = run(
        *("explain", "-c", "crude_oil", "--element", "chokepoint:hormuz"),
        *("--flows", "baci:2022", "-f", "json"),
    )
    assert "CEPII BACI V202401b" in behind.out
    ways = run("routes", "--origin", "SAU", "-c", "crude_oil", "--flows", "baci:2022", "-f", "json")
    assert "flows of CEPII BACI" in json.loads(ways.out)["note"]

    shut = ("whatif", "--close", "chokepoint:hormuz", "-c", "crude_oil", "-f", "json")
    lost = json.loads(run(*shut, "--flows", "baci:2022").out)
    assert "flows of CEPII BACI V202401b, 2022" in lost["note"]
    assert 0 < sum(row["baseline_t"] for row in lost["rows"]) < 10_000

    assert run("flows", "remove", "baci:2022").err == "removed baci:2022@V202401b\n"
    assert json.loads(run("flows", "list", "-f", "json").out)["rows"] == []
    assert run(*asked).code == 2


def test_the_mirror_on_the_command_line(run: Callable[..., Answer], tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(SIDES)
    assert run("flows", "import", path, "--as", "own").code == 0
    answer = json.loads(run("flows", "mirror", "own:2022", "--least-t", "9", "-f", "json").out)
    assert [row["exporter"] + row["importer"] for row in answer["rows"]] == [
        "RUSCHN",
        "AUSCHN",
        "RUSIND",
    ]
    assert "1 pairs told by both sides" in answer["note"]
    assert run("flows", "mirror", "own:2022", "--first", "nobody").code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("flows", "show", "baci:2022"), 2, "unknown imported trade 'baci:2022'"),
        (("flows", "show", "baci"), 2, "say source:year, such as baci:2022"),
        (("exposure", "--flows", "nonsense"), 2, "say source:year"),
        (("flows", "import", "/nowhere.csv", "--as", "own"), 1, "nowhere.csv: cannot be read"),
        (("flows", "import", "x.csv", "--as", "wto"), 2, "'wto' is not one of"),
    ],
)
def test_mistakes_on_the_command_line(
    run: Callable[..., Answer], arguments: tuple[str, ...], code: int, told: str
) -> None:
    answer = run(*arguments)
    assert answer.code == code
    assert told in answer.err
