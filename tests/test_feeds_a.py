from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.errors import FeedError
from layers.events import EVENT, OBSERVATION
from layers.feeds import (
    acp_gatun,
    local_reports,
    nga_warnings,
    nws_st_louis,
    ofac_sdn,
    portwatch_chokepoints,
    portwatch_disruptions,
    portwatch_ports,
    ucdp_candidate,
    wsv_kaub,
)
from layers.source import Answer, Parsed, Request, Walk

FEEDS = [
    acp_gatun,
    local_reports,
    nga_warnings,
    nws_st_louis,
    ofac_sdn,
    portwatch_chokepoints,
    portwatch_disruptions,
    portwatch_ports,
    ucdp_candidate,
    wsv_kaub,
]
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
Row = dict[str, Any]


def answer(body: bytes | str | object, *, at: datetime = NOW, url: str = "https://x/y") -> Answer:
    if not isinstance(body, bytes | str):
        body = json.dumps(body)
    return Answer(url, body.encode() if isinstance(body, str) else body, at)


def pages(rows: Sequence[Row], size: int = 1000) -> list[Answer]:
    """The rows as the ArcGIS server sends them."""
    return [
        answer(
            {
                "features": [{"attributes": row} for row in rows[at : at + size]],
                "exceededTransferLimit": at + size < len(rows),
            }
        )
        for at in range(0, len(rows), size)
    ]


def days(portid: str, first: date, count: int, **values: object) -> list[Row]:
    """Rows of consecutive days, the date a string as since April 2026."""
    made = (first + timedelta(days=n) for n in range(count))
    same = {"portid": portid, "n_total": 50, "n_tanker": 20, "capacity": 1.5e6, **values}
    return [{"date": day.isoformat(), **same} for day in made]


def plain(cell: str) -> object:
    """A cell of a CSV as JSON would hold it."""
    for read in (int, float):
        try:
            return read(cell)
        except ValueError:
            pass
    return cell or None


def table(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as file:
        return [{k: plain(v) for k, v in row.items()} for row in csv.DictReader(file)]


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


# Every recorded answer: counted, or refused with its fault.


@dataclass(frozen=True)
class Sample:
    """One recorded file, how it becomes answers, and what those hold."""

    feed: ModuleType
    file: str
    read: Callable[[Path], Sequence[Answer]]
    records: int = 0
    events: int = 0
    observations: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    fault: str = ""
    as_of: str = ""


def raw(path: Path) -> list[Answer]:
    return [
        answer(
            path.read_bytes(), at=datetime(2023, 4, 21, tzinfo=UTC) if "nga" in str(path) else NOW
        )
    ]


def paged(path: Path) -> list[Answer]:
    return pages(table(path))


def hormuz(path: Path) -> list[Answer]:
    return pages([{**row, "portid": "chokepoint6"} for row in table(path)])


def named(path: Path) -> list[Answer]:
    features = json.loads((path.parent / "hdx_chokepoints.json").read_bytes())["features"]
    ids = {f["properties"]["portname"]: f["properties"]["portid"] for f in features}
    return pages([{**row, "portid": ids[row["portname"]]} for row in table(path)])


def wide(path: Path) -> list[Answer]:
    rows = table(path)
    kept = [
        {
            "date": row["date"],
            "portid": f"chokepoint{n}",
            "n_total": row[f"cp{n}_total"],
            "n_tanker": row[f"cp{n}_tanker"],
        }
        for n in (6, 4, 1, 5, 3, 11, 7)
        for row in rows
    ]
    return pages(kept)


def columns(path: Path) -> list[Answer]:
    held = json.loads(path.read_bytes())
    ids = {
        "suez": 1, "panama": 2, "bosphorus": 3, "bab-el-mandeb": 4, "malacca": 5, "hormuz": 6,
        "good-hope": 7, "gibraltar": 8, "dover": 9, "danish-straits": 10, "taiwan-strait": 11,
        "kerch": 28,
    }  # fmt: skip
    order = {name: n for n, name in enumerate(held["columns"])}
    rows = []
    for key, place in held["chokepoints"].items():
        for row in place["series"]:
            total, tanker = row[order["total"]], row[order["tanker"]]
            day = {"date": row[order["date"]], "portid": f"chokepoint{ids[key]}"}
            rows.append({**day, "n_total": total, "n_tanker": tanker})
    return pages(rows)


def snapshot(path: Path) -> list[Answer]:
    held = json.loads(path.read_bytes())
    ids = {"suez": 1, "bab_el_mandeb": 4, "hormuz_strait": 6, "cape_of_good_hope": 7}
    rows = [
        {
            "date": row["date"],
            "portid": f"chokepoint{ids[key]}",
            "n_total": row["total"],
            **{f"n_{name}": row[k] for name, k in NATIVE},
            **{f"capacity_{name}": row[f"cap{k[0].upper()}{k[1:]}"] for name, k in NATIVE},
        }
        for key, place in held["chokepoints"].items()
        for row in place["history"]
    ]
    return pages(rows)


NATIVE = [
    ("container", "container"),
    ("dry_bulk", "dryBulk"),
    ("general_cargo", "generalCargo"),
    ("roro", "roro"),
    ("tanker", "tanker"),
]
CHOKE, DISRUPT, PORTS = portwatch_chokepoints, portwatch_disruptions, portwatch_ports
KENYA = "portwatch/hdxviz_kenya-daily-port-activity-data-and-shipment-estimates.csv"
DJIBOUTI = "portwatch/hdxviz_djibouti-daily-port-activity-data-and-shipment-estimates.csv"
KERCH_CSV = "portwatch/hdx_daily-chokepoint-transit-calls-and-shipment-volume-estimates.csv"
WORLD = "portwatch/worldmonitor_chokepoint-transit-2026-07.json"
LIGHTHOUSE = "portwatch/lephare_12cp_2024-2026-07.json"
LIGHTHOUSE_OLD = "portwatch/lephare_12cp_vintage_2026-07-16.json"
LISTS = {"list of the warnings in force": 5}
SAMPLES = [
    # As the server sent them.
    Sample(CHOKE, "portwatch/hdx_daily_chokepoints.json", raw, 336, 0, 4032, as_of="2025-11-16"),
    Sample(PORTS, "portwatch/hdx_daily_ports.json", raw, 20, 0, 240, as_of="2025-10-05"),
    Sample(CHOKE, "portwatch/hdx_chokepoints.json", raw, fault="renamed_field: no n_total"),
    Sample(CHOKE, "portwatch/hdx_chokepoints.geojson", raw, fault="renamed_field: no n_total"),
    Sample(CHOKE, "portwatch/hdx_daily_ports.json", raw, fault="renamed_field: no n_total"),
    Sample(PORTS, "portwatch/hdx_daily_chokepoints.json", raw, fault="renamed_field: no portcalls"),
    Sample(DISRUPT, "portwatch/hdx_daily_ports.json", raw, fault="renamed_field: no eventid"),
    Sample(PORTS, "portwatch/hdx_ports.csv", raw, fault="bad_json"),
    Sample(CHOKE, KERCH_CSV, raw, fault="bad_json"),
    Sample(CHOKE, WORLD, raw, fault="no_container: no list of features"),
    Sample(CHOKE, LIGHTHOUSE, raw, fault="no_container: no list of features"),
    # Tables of others, put back into the pages they were made of.
    Sample(CHOKE, KERCH_CSV, paged, 336, 0, 4032, as_of="2025-11-16"),
    Sample(PORTS, KENYA, paged, 5272, 0, 63264, as_of="2026-03-20"),
    Sample(PORTS, DJIBOUTI, paged, 2636, 0, 31632, as_of="2026-03-20"),
    Sample(CHOKE, WORLD, snapshot, 11028, 0, 121308, as_of="2026-07-19"),
    # Eleven places go on to 26 July, Hormuz ends on the 23rd: so old is the whole.
    Sample(CHOKE, LIGHTHOUSE, columns, 11253, 0, 22506, as_of="2026-07-23"),
    Sample(CHOKE, LIGHTHOUSE_OLD, columns, 11088, 0, 22176, as_of="2026-07-12"),
    Sample(CHOKE, "portwatch/hormuz_2019-2026-08.csv", hormuz, 2785, 0, 5570, as_of="2026-08-16"),
    Sample(CHOKE, "portwatch/vintage_hormuz_2026-06-16.csv", hormuz, 2722, 0, 5444),
    Sample(CHOKE, "portwatch/vintage_hormuz_2026-07-07.csv", hormuz, 2743, 0, 5486),
    Sample(CHOKE, "portwatch/vintage_hormuz_2026-07-28.csv", hormuz, 2761, 0, 5522),
    # Exactly 1,000 rows, and a hole of 1,000 days: pages that never came.
    Sample(CHOKE, "portwatch/chokepoints_28cp_36d_2026.csv", named, fault="truncated"),
    Sample(
        CHOKE,
        "portwatch/oilsense_7cp_wide_to2026-05.csv",
        wide,
        fault="missing_pages: chokepoint1 lacks 1000 days after 2021-09-26",
    ),
    Sample(DISRUPT, "portwatch/disruptions_2026-07.csv", paged, 128, 128, as_of="2026-06-26"),
    Sample(DISRUPT, "portwatch/hdx_disruptions.csv", paged, 125, 125, as_of="2025-11-11"),
    Sample(nga_warnings, "nga_msi/navwarnings.json", raw, 454, 449, 0, LISTS, as_of="2023-04-17"),
    Sample(
        nga_warnings,
        "nga_msi/navwarnMockData.json",
        raw,
        *(2, 1, 0),
        {"list of the warnings in force": 1},
    ),
    Sample(nga_warnings, "nga_msi/asams.json", raw, fault="bad_json"),
    Sample(nga_warnings, "nga_msi/asam_subregions.geojson", raw, fault="no list broadcast-warn"),
    Sample(
        acp_gatun, "panama/canaltransit_DATA.csv", raw, fault="missing_key: no heading DATE_LOG"
    ),
    Sample(ofac_sdn, "sanctions_ofac/sdn.csv", raw, 7379, 7379),
    Sample(ofac_sdn, "sanctions_ofac/sdn_invalid.csv", raw, 7380, 7379, 0, {"not 12 columns": 1}),
    Sample(ofac_sdn, "sanctions_ofac/cons_prim.csv", raw, 442, 442),
    Sample(ofac_sdn, "sanctions_ofac/sdn_comments.csv", raw, fault="wrong_columns"),
    Sample(
        ucdp_candidate,
        "ucdp/conflict_data_BGD.csv",
        raw,
        *(602, 601, 0),
        {"no id (a row of tags)": 1},
        as_of="2018-12-30",
    ),
]


@pytest.mark.reference
@pytest.mark.parametrize(
    "sample", SAMPLES, ids=lambda s: f"{s.feed.SOURCE.id}-{s.file}-{s.read.__name__}"
)
def test_recorded_answer(sample: Sample, reference: Path) -> None:
    answers = sample.read(reference / "samples" / sample.file)
    if sample.fault:
        with pytest.raises(FeedError, match=sample.fault):
            sample.feed.parse(answers)
        return
    parsed = sample.feed.parse(answers)
    found = (parsed.records_in, len(parsed.events), len(parsed.observations), parsed.skipped)
    assert found == (sample.records, sample.events, sample.observations, sample.skipped)
    assert not sample.as_of or f"{parsed.content_as_of:%Y-%m-%d}" == sample.as_of


@pytest.mark.reference
def test_every_recorded_file_is_counted_or_refused(reference: Path) -> None:
    folders = {Path(sample.file).parent.name for sample in SAMPLES}
    here = {f"{f}/{p.name}" for f in folders for p in (reference / "samples" / f).iterdir()}
    assert {name for name in here if not name.endswith("SOURCES.md")} == {s.file for s in SAMPLES}


@pytest.mark.reference
def test_recorded_warnings_are_placed_dated_and_graded(reference: Path) -> None:
    events = nga_warnings.parse(raw(reference / "samples/nga_msi/navwarnings.json")).events
    events = events.set_index("source_id")
    assert (events.wkt == "").sum() == 9  # messages without any position
    assert events.ends_at.notna().sum() == 161
    assert events.severity.value_counts().to_dict() == {0: 255, 1: 143, 2: 51}
    # A ring over the 180° meridian is cut there, a rig list capped, a track drawn as a line.
    assert events.wkt["12-2023-191"].startswith("MULTIPOLYGON (((167.65 11.733333")
    assert "-180 " in events.wkt["12-2023-191"]
    assert events.wkt["4-2022-1396"] == "LINESTRING (-17.11 28.092167, -61.766667 17)"
    assert events.quality_flags["4-2023-410"] == "truncated"
    assert events.wkt["4-2023-410"].count("(") == nga_warnings.MAX_POINTS  # two share a place
    assert events.countries["A-2021-1484"] == "MLT"


@pytest.mark.reference
def test_recorded_list_of_sanctions(reference: Path) -> None:
    folder = reference / "samples/sanctions_ofac"
    both = [answer((folder / name).read_bytes()) for name in ("sdn.csv", "sdn_comments.csv")]
    events = ofac_sdn.parse(both).events.set_index("source_id")
    counts = events.groupby(["subtype", "severity"]).size().to_dict()
    assert counts == {
        ("aircraft", 0): 217,
        ("entity", 0): 2706,
        ("entity", 2): 278,
        ("individual", 0): 3845,
        ("port", 3): 10,
        ("vessel", 3): 323,
    }
    assert events.assets["15036"] == "imo:9187629"
    assert (events.assets[events.subtype == "vessel"] != "").sum() == 316  # of 323


@pytest.mark.reference
def test_recorded_conflict_events(reference: Path) -> None:
    events = ucdp_candidate.parse(raw(reference / "samples/ucdp/conflict_data_BGD.csv")).events
    assert events.geom_role.value_counts().to_dict() == {"event": 533, "centroid": 50, "none": 18}
    assert (events.wkt[events.geom_role == "none"] == "").all()
    assert events.severity.value_counts().to_dict() == {1: 333, 2: 190, 0: 54, 3: 21, 4: 3}


# PortWatch, daily tables


GRID = [row for n in range(1, 29) for row in days(f"chokepoint{n}", date(2026, 7, 1), 40)]


def spell_as_milliseconds(row: Row) -> Row:
    day = datetime.fromisoformat(row["date"]).replace(tzinfo=UTC)
    return {**row, "date": int(day.timestamp() * 1000)}


def spell_as_parts(row: Row) -> Row:
    day = date.fromisoformat(row["date"])
    return {**row, "date": None, "year": day.year, "month": day.month, "day": day.day}


def spell_renamed(row: Row) -> Row:
    return {"date_": row["date"], **{k: v for k, v in row.items() if k != "date"}}


@pytest.mark.parametrize("spell", [spell_as_milliseconds, spell_as_parts, spell_renamed])
def test_date_in_every_type_and_name_is_the_same_day(spell: Callable[[Row], Row]) -> None:
    expected = CHOKE.parse(pages(GRID))
    parsed = CHOKE.parse(pages([spell(row) for row in GRID]))
    assert expected.records_in == 1120
    pd.testing.assert_frame_equal(parsed.observations, expected.observations)


def test_date_is_found_by_its_alias() -> None:
    rows = [{"whatever": row.pop("date"), **row} for row in map(dict, GRID[:40])]
    fields = [{"name": "whatever", "type": "esriFieldTypeDateOnly", "alias": "date"}]
    body = {"fields": fields, "features": [{"attributes": row} for row in rows]}
    assert f"{CHOKE.parse([answer(body)]).content_as_of:%Y-%m-%d}" == "2026-08-09"


def test_rows_without_a_date_are_not_an_empty_answer() -> None:
    rows = [{**row, "date": None} for row in GRID[:40]]
    with pytest.raises(FeedError, match=r"no_record: 40 rows, none usable: {'no date': 40}"):
        CHOKE.parse(pages(rows))


def test_observations_of_one_row_by_hand() -> None:
    rows = days("chokepoint6", date(2026, 8, 30), 1, n_total=0, n_tanker=0, capacity=None)
    table = CHOKE.parse(pages(rows)).observations
    assert dict(table.dtypes.astype(str)) == dict(OBSERVATION)
    assert table[["series", "element", "metric", "unit", "value"]].to_numpy().tolist() == [
        ["portwatch:chokepoint6", "", "n_total", "calls/d", 0.0],
        ["portwatch:chokepoint6", "", "n_tanker", "calls/d", 0.0],
    ]
    assert set(table.observed_at) == {pd.Timestamp("2026-08-30", tz="UTC")}
    assert set(table.quality_flags) == {"partial_coverage;provisional;zero_ambiguous"}


def test_all_28_chokepoints_or_a_flag() -> None:
    whole = CHOKE.parse(pages(GRID)).observations
    assert not whole.quality_flags.str.contains("partial_coverage").any()
    part = CHOKE.parse(pages(GRID[40:])).observations
    assert part.quality_flags.str.contains("partial_coverage").all()


def test_holes_of_the_calendar() -> None:
    rows = days("chokepoint1", date(2026, 1, 1), 100)
    marked = CHOKE.parse(pages(rows[:50] + rows[60:])).observations
    holes = marked[marked.quality_flags.str.contains("gap_before")]
    assert set(holes.observed_at.dt.date) == {date(2026, 3, 2)}
    with pytest.raises(
        FeedError, match="missing_pages: chokepoint1 lacks 30 days after 2026-01-30"
    ):
        CHOKE.parse(pages(rows[:30] + rows[60:]))


def test_pages_advance_by_the_rows_that_came() -> None:
    first = Request("https://x/query", {"resultOffset": "0", "resultRecordCount": "2000"})
    full = answer({"features": [{"attributes": {}}] * 1000, "exceededTransferLimit": True})
    short = answer({"features": [{"attributes": {}}] * 400, "exceededTransferLimit": True})
    second = CHOKE.next_page(first, full)
    assert second is not None
    third = CHOKE.next_page(second, short)
    assert third is not None
    assert [r.params["resultOffset"] for r in (second, third)] == ["1000", "1400"]
    ends: list[object] = [{"features": []}, {"features": [{}] * 10}, {"count": 5}, {"error": {}}, 7]
    for last in ends:
        assert CHOKE.next_page(first, answer(last)) is None
    # A full page that says nothing may go on.
    assert CHOKE.next_page(first, answer({"features": [{}] * 1000})) is not None


def test_full_page_without_a_next_one_is_truncated() -> None:
    rows = days("chokepoint1", date(2023, 1, 1), 1000)
    quiet = answer({"features": [{"attributes": row} for row in rows]})
    with pytest.raises(FeedError, match="truncated"):
        CHOKE.parse([quiet])
    assert CHOKE.parse([quiet, answer({"features": []})]).records_in == 1000
    assert CHOKE.parse([answer({"count": 1000}), quiet]).records_in == 1000


def test_missing_and_repeated_pages() -> None:
    first, second = pages(GRID)
    count = answer({"count": 1120})
    assert CHOKE.parse([count, first, second]).records_in == 1120
    with pytest.raises(FeedError, match="missing_pages: 120 rows came of 1120"):
        CHOKE.parse([count, second])
    with pytest.raises(FeedError, match="truncated"):
        CHOKE.parse([first])
    parsed = CHOKE.parse([first, first, second])
    assert (parsed.records_in, parsed.skipped) == (2120, {"duplicate": 1000})


def test_published_anew_while_being_read() -> None:
    rows = days("chokepoint1", date(2026, 7, 1), 40)
    with pytest.raises(FeedError, match="mixed_vintages"):
        CHOKE.parse(pages(rows + [{**row, "n_total": 40} for row in rows]))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            {"error": {"code": 400, "message": "Bad", "details": ["no such field"]}},
            "upstream_error: 400 Bad no such field",
        ),
        ({"error": "busy"}, "upstream_error: busy"),
        ({"features": []}, "empty_answer"),
        ({"features": None}, "no_container"),
        ({"features": {}, "count": 3}, "no_container"),
        ({}, "no_container: no list of features, only nothing"),
        ([], "wrong_type"),
        ("<!DOCTYPE html><html>", "html_not_json"),
        ("", "empty_body"),
        ({"features": [1, None, {"attributes": 3}]}, "renamed_field"),
    ],
)
def test_portwatch_refuses(body: object, fault: str) -> None:
    for feed in (CHOKE, PORTS, DISRUPT):
        with pytest.raises(FeedError, match=fault):
            feed.parse([answer(body)])


def test_empty_page_in_the_middle_is_throttling() -> None:
    first, second = pages(GRID)
    with pytest.raises(FeedError, match="empty_answer: a page without rows"):
        CHOKE.parse([first, answer({"features": []}), second])


def test_single_bad_rows_are_counted() -> None:
    good = days("chokepoint1", date(2026, 7, 1), 10)
    bad = [
        {**good[0], "portid": "gatun"},
        {**good[0], "portid": None},
        {**good[0], "date": "2027-01-01"},
        {**good[0], "date": "1970-01-01"},
        {"date": "2026-07-11", "portid": "chokepoint1", "n_total": None, "n_tanker": -1},
    ]
    assert CHOKE.parse(pages(good + bad)).skipped == {
        "no known portid": 2,
        "date in the future": 1,
        "no date": 1,
        "no value": 1,
    }


def test_what_is_asked_follows_the_date_by_whole_numbers() -> None:
    count, first = CHOKE.SOURCE.asks(NOW)
    assert first.params["where"] == count.params["where"] == "year >= 2024"
    assert "orderByFields" not in first.params
    _, first = PORTS.SOURCE.asks(datetime(2026, 1, 5, tzinfo=UTC))
    expected = "(year = 2025 AND month = 12 AND day >= 12) OR (year = 2026 AND month = 1)"
    assert first.params["where"] == expected


# PortWatch, disruptions


DISRUPTION: Row = {
    "eventid": 1000227,
    "eventtype": "FL",
    "htmlname": "Flood in <b>Mozambique</b>",
    "htmldescription": "Red Flood in Mozambique",
    "alertlevel": "RED",
    "country": "Mozambique",
    "fromdate": 1552089600000,
    "year": 2019,
    "todate": 1553817600000,
    "lat": -15.178,
    "long": 36.432,
    "editdate": 1694310567224,
    "affectedports": "port137; port784; port896",
}
HORMUZ = {
    **DISRUPTION,
    "eventid": 10000004,
    "eventtype": "OT",
    "htmlname": "Trade Disruptions in the Strait of Hormuz",
    "alertlevel": "ORANGE",
    "country": None,
    "fromdate": 1772323200000,
    "todate": None,
    "affectedports": "chokepoint6",
}


def disruption(**values: object) -> pd.Series[Any]:
    return DISRUPT.parse(pages([{**DISRUPTION, **values}])).events.iloc[0]


def test_disruption_by_hand() -> None:
    event = disruption()
    assert event.event_uid == "portwatch_disruptions:1000227"
    assert event.assets == "portwatch:port137;portwatch:port784;portwatch:port896"
    assert (event.kind, event.subtype, event.title) == ("hazard", "FL", "Flood in Mozambique")
    assert (event.severity, event.severity_basis) == (3, "alert level RED = 3")
    assert (event.wkt, event.countries) == ("POINT (36.432 -15.178)", "MOZ")
    assert event.onset_at == pd.Timestamp("2019-03-09", tz="UTC")
    assert (event.status, event.ends_at) == ("ended", pd.Timestamp("2019-03-29", tz="UTC"))
    assert not event.redistribute


def test_hormuz_is_open_severe_and_of_its_true_year() -> None:
    event = disruption(**HORMUZ)
    assert (event.status, event.ends_at) == ("active", pd.NaT)
    assert event.severity_basis == "man-made and touches a chokepoint = 3"
    assert (event.onset_at.year, event.quality_flags) == (2026, "year_contradicts_fromdate")
    assert (event.kind, event.countries) == ("security_incident", "")


def test_end_of_a_man_made_disruption_at_its_beginning_is_no_end() -> None:
    event = disruption(**{**HORMUZ, "todate": HORMUZ["fromdate"], "year": 2026})
    assert (event.status, event.quality_flags) == ("active", "end_not_after_onset")
    quake = disruption(eventtype="EQ", todate=DISRUPTION["fromdate"])
    assert (quake.status, quake.quality_flags) == ("ended", "")


@pytest.mark.parametrize(
    "moment", [1552089600000, 1552089600000.0, "2019-03-09 00:00:00+00:00", "2019-03-09"]
)
def test_disruption_date_in_every_type(moment: object) -> None:
    assert disruption(fromdate=moment).onset_at == pd.Timestamp("2019-03-09", tz="UTC")


@pytest.mark.parametrize("moment", [-62135596800001, 1e300, True, "soon", [], "1e999"])
def test_what_is_no_date_is_none(moment: object) -> None:
    parsed = DISRUPT.parse(pages([DISRUPTION, {**HORMUZ, "fromdate": moment}]))
    assert parsed.skipped == {"no fromdate": 1}


def test_disruptions_that_say_too_little() -> None:
    rows = [DISRUPTION, DISRUPTION, {**DISRUPTION, "eventid": None}, {**HORMUZ, "fromdate": None}]
    rows += [
        {**DISRUPTION, "eventid": 5, "lat": 0, "long": 0},
        {**DISRUPTION, "eventid": 6, "lat": 99},
    ]
    parsed = DISRUPT.parse(pages(rows))
    assert parsed.skipped == {"duplicate": 1, "no eventid": 1, "no fromdate": 1}
    assert parsed.events.wkt.tolist()[1:] == ["", ""]


# Broadcast warnings


def warning(text: str, **values: object) -> pd.Series[Any]:
    record = {"navArea": "P", "msgYear": 2026, "msgNumber": 7, "status": "A", "text": text}
    record |= {"issueDate": "250800Z AUG 2026", **values}
    return nga_warnings.parse([answer({"broadcast-warn": [record]})]).events.iloc[0]


@pytest.mark.parametrize(
    ("text", "wkt"),
    [
        ("BUOY 26-33.00N 051-03.60E UNLIT.", "POINT (51.06 26.55)"),
        ("LIGHT 20-03-36N 072-58-12W UNLIT.", "POINT (-72.97 20.06)"),
        ("MOB IN 19-18N 070-12E AT 080408Z", "POINT (70.2 19.3)"),
        (
            "1. IN AREA BOUND BY\n 10-00N 050-00E, 11-00N 050-00E, 10-00N 051-00E.",
            "POLYGON ((50 10, 50 11, 51 10, 50 10))",
        ),
        (
            "IN AREAS BOUND BY:\nA. 10-00N 050-00E, 11-00N 050-00E, 10-00N 051-00E.\n"
            "B. 20-00S 050-00W, 21-00S 050-00W, 20-00S 051-00W.",
            "MULTIPOLYGON (((50 10, 50 11, 51 10, 50 10)), ((-51 -20, -50 -20, -50 -21, -51 -20)))",
        ),
        (
            "IN AREA BOUND BY:\nA. 10-00N 050-00E.\nB. 11-00N 050-00E.\nC. 10-00N 051-00E.",
            "POLYGON ((50 10, 50 11, 51 10, 50 10))",
        ),
        (
            "IN AREA BOUND BY 10-00N 179-00E, 11-00N 179-00W, 09-00N 179-00W.",
            "MULTIPOLYGON (((180 10.500000, 180 9.5, 179 10, 180 10.500000)))",
        ),
        ("ALONG TRACKLINE JOINING\n10-00N 050-00E, 11-00N 052-00E.", "LINESTRING (50 10, 52 11)"),
        ("IN VICINITY\nA. 10-00N 050-00E.\nB. 11-00N 052-00E.", "MULTIPOINT ((50 10), (52 11))"),
        ("REPORTED IN 95-00N 050-00E AND 10-61N 050-00E.", ""),
        ("NOWHERE IN PARTICULAR.", ""),
    ],
)
def test_where_a_warning_holds(text: str, wkt: str) -> None:
    import shapely

    event = warning(text)
    if not wkt or "179" in wkt:
        assert ("unplaced" in event.quality_flags) == (not wkt)
        assert bool(event.wkt) == bool(wkt)
        assert not wkt or shapely.from_wkt(event.wkt).area == pytest.approx(2, rel=0.01)
        return
    assert shapely.equals(shapely.from_wkt(event.wkt), shapely.from_wkt(wkt))
    assert event.geom_role == ("warning_area" if "POLYGON" in wkt else "event")


def test_circle_of_miles_and_metres() -> None:
    import shapely

    event = warning(
        "1. FIRING IN AREAS WITHIN TWO MILES OF:\n   A. 00-00N 050-00E.\n   B. 00-00N 052-00E."
    )
    shape = shapely.from_wkt(event.wkt)
    assert len(shape.geoms) == 2
    assert shape.geoms[0].bounds[3] == pytest.approx(2 / 60, rel=1e-3)
    assert warning("WITHIN 500 METERS OF 00-00N 050-00E").wkt.startswith("POLYGON")


@pytest.mark.parametrize(
    ("line", "end"),
    [
        ("CANCEL THIS MSG 251516Z SEP 26.", "2026-09-25 15:16"),
        ("CANCEL THIS MSG 010001Z JAN 2027.", "2027-01-01 00:01"),
        ("CANCEL THIS\n   MSG 010001Z JAN.", "2027-01-01 00:01"),
        ("CANCEL THIS MSG 312400Z DEC 26.", "2027-01-01 00:00"),
    ],
)
def test_when_a_warning_ends(line: str, end: str) -> None:
    event = warning(f"1. SURVEY.\n2. CANCEL HYDROPAC 1/26.\n3. {line}")
    assert event.ends_at == pd.Timestamp(end, tz="UTC")
    assert event.quality_flags == "inferred_expiry;unplaced"
    assert event.status == "active"


def test_warning_without_an_end_is_open_and_a_past_end_has_ended() -> None:
    assert warning("CANCEL THIS MSG 311516Z FOO 26.").ends_at is pd.NaT
    past = warning("CANCEL THIS MSG 260000Z AUG 26.")
    assert past.status == "ended"
    assert warning("X", status="C", cancelDate="260000Z AUG 2026").status == "cancelled"


@pytest.mark.parametrize(
    ("text", "issued", "severity", "subtype"),
    [
        ("NAVAL MINES REPORTED", "250800Z AUG 2026", 3, "mine"),
        ("VESSEL DETERMINED TO BE AGROUND", "250800Z AUG 2026", 1, "distress"),
        ("MINES ADRIFT", "250800Z AUG 2026", 2, "drifting_mine"),
        ("M/V ATTACKED BY MISSILE", "250800Z AUG 2026", 3, "missile"),
        ("M/V ATTACKED BY MISSILE", "250800Z JAN 2026", 2, "missile"),
        ("MISSILE FIRING EXERCISES", "250800Z AUG 2026", 2, "missile"),
        ("PIRATES BOARDED TANKER", "250800Z AUG 2026", 3, "hijack"),
        ("GPS INTERFERENCE IN VICINITY", "250800Z AUG 2026", 2, "interference"),
        ("DGPS BEACON OFF AIR", "250800Z AUG 2026", 0, "aid_to_navigation"),
        ("CABLE OPERATIONS", "250800Z AUG 2026", 1, "works"),
        ("CABLE OPERATIONS", "250800Z AUG 2021", 0, "works"),
        ("MOBILE OFFSHORE DRILLING UNITS", "250800Z AUG 2026", 0, "rig"),
    ],
)
def test_how_bad_a_warning_is(text: str, issued: str, severity: int, subtype: str) -> None:
    event = warning(text, issueDate=issued)
    assert (event.severity, event.subtype) == (severity, subtype)
    assert subtype in event.severity_basis


def test_number_of_a_warning_in_either_set_of_fields() -> None:
    other = {
        "navArea": None,
        "area": "12",
        "msgYear": None,
        "year": 2025,
        "msgNumber": None,
        "number": 9,
    }
    assert warning("X", **other).event_uid == "nga_warnings:12-2025-9"


def test_warnings_under_other_keys_or_none_are_no_all_clear() -> None:
    others: list[object] = [{"broadcast_warn": []}, {"warnings": []}, {"broadcast-warn": {}}, []]
    for body in others:
        with pytest.raises(FeedError, match="missing_key"):
            nga_warnings.parse([answer(body)])
    with pytest.raises(FeedError, match="too_few"):
        nga_warnings.parse([answer({"broadcast-warn": []})])
    with pytest.raises(FeedError, match="nothing_understood"):
        nga_warnings.parse([answer({"broadcast-warn": [{"text": None}, 3]})])


# Gauges


def kaub(levels: Sequence[float | None], step: timedelta = timedelta(hours=6)) -> Parsed:
    from datetime import timezone

    summer = timezone(timedelta(hours=2))
    first = (NOW - step * (len(levels) - 1)).astimezone(summer)
    times = [(first + step * n).isoformat() for n in range(len(levels))]
    return wsv_kaub.parse(
        [answer([{"timestamp": t, "value": v} for t, v in zip(times, levels, strict=True)])]
    )


@pytest.mark.parametrize(
    ("level", "severity"),
    [(78, 1), (60.5, 1), (60, 2), (41, 2), (40, 3), (25, 4), (13, 4), (-3, 4)],
)
def test_low_water_at_kaub(level: float, severity: int) -> None:
    parsed = kaub([120, 110, level])
    event = parsed.events.iloc[0]
    assert (event.severity, event.metric_value, event.status) == (severity, level, "active")
    assert event.onset_at == NOW
    assert event.ends_at is pd.NaT
    assert event.event_uid == "wsv_kaub:KAUB"
    assert parsed.observations.value.tolist() == [120, 110, level]


def test_no_low_water_gives_observations_only() -> None:
    parsed = kaub([79, 200, None])
    assert (len(parsed.events), len(parsed.observations)) == (0, 2)
    assert parsed.skipped == {"no time with an offset or no value": 1}
    assert parsed.content_as_of == NOW - timedelta(hours=6)


def test_low_water_that_ended_and_one_that_only_paused() -> None:
    ended = kaub([90, 70, 65, *[90] * 6]).events.iloc[0]
    assert (ended.status, ended.metric_value) == ("ended", 65)
    assert ended.ends_at == NOW - timedelta(hours=36)
    paused = kaub([70, 79, 79, 70]).events.iloc[0]
    assert (paused.onset_at, paused.quality_flags) == (
        NOW - timedelta(hours=18),
        "onset_before_window",
    )


def test_kaub_refuses_and_counts() -> None:
    with pytest.raises(FeedError, match="wrong_type"):
        wsv_kaub.parse([answer({"status": 404, "message": "no such station"})])
    with pytest.raises(FeedError, match="too_few"):
        wsv_kaub.parse([answer([])])
    with pytest.raises(FeedError, match="nothing_understood"):
        wsv_kaub.parse([answer([{"timestamp": "2026-08-01T10:00:00", "value": 80}])])
    rows = [
        {"timestamp": f"2026-08-01T1{n}:00:00+02:00", "value": v} for n, v in enumerate([80, 9999])
    ]
    rows += [rows[0], {"timestamp": "2027-01-01T00:00:00+01:00", "value": 80}]
    parsed = wsv_kaub.parse([answer(rows)])
    assert parsed.skipped == {"value beyond any flood": 1, "duplicate": 1, "time in the future": 1}
    assert parsed.observations.observed_at.tolist() == [pd.Timestamp("2026-08-01T08:00Z")]


def river(*stages: object, **more: object) -> Parsed:
    times = [(NOW - timedelta(hours=len(stages) - n)).isoformat() for n in range(len(stages))]
    data = [
        {"validTime": t, "primary": stage, "secondary": 90.5}
        for t, stage in zip(times, stages, strict=True)
    ]
    return nws_st_louis.parse(
        [answer({"primaryUnits": "ft", "secondaryUnits": "kcfs", "data": data, **more})]
    )


def test_st_louis_below_zero_is_low_and_minus_999_is_missing() -> None:
    parsed = river(2.0, -999, -999.0, None, -3.5)
    assert parsed.skipped == {"no stage (-999 or null)": 3}
    assert parsed.observations.groupby("metric").size().to_dict() == {"flow": 2, "stage": 2}
    event = parsed.events.iloc[0]
    assert (event.severity, event.severity_basis) == (3, "-3.5 ft <= -3.5 ft = 3")
    assert len(river(0.1).events) == 0
    assert river(-6.2).events.severity.tolist() == [4]


def test_st_louis_refuses() -> None:
    with pytest.raises(FeedError, match="missing_key: no list data"):
        nws_st_louis.parse([answer({"message": "gone"})])
    with pytest.raises(FeedError, match="wrong_unit"):
        river(1.0, primaryUnits="m")
    with pytest.raises(FeedError, match="nothing_understood"):
        river(-999, -999)


def lake(newest: float, *, first: date = date(2000, 1, 1), usual: float = 86.0) -> str:
    last = NOW.date() - timedelta(days=1)
    rows = []
    day = first
    while day < last:
        # Half a foot higher or lower from year to year.
        rows.append(f"{day},{0 if day.year == 2002 else usual + (day.year % 2) - 0.5:.2f}")
        day += timedelta(days=1)
    return "DATE_LOG,GATUN_LAKE_LEVEL(FEET)\n" + "\n".join([*rows, f"{last},{newest}"])


PROJECTION = """Disclaimer: estimates only.
Official drafts are set by Advisories to Shipping.
projected_date, projected_gatun_water_level, max_neopanamax_draft_ft, max_panamax_draft_ft
09/02/2026, 85.10, 50.0, 39.5
09/03/2026, 85.20, 50.0, 39.5
"""


@pytest.mark.parametrize(
    ("level", "severity", "limit"),
    [(85.4, 2, "85.5"), (81.0, 3, "81"), (79.5, 4, "79.5"), (86.0, None, "")],
)
def test_gatun_against_its_season_and_fixed_levels(
    level: float, severity: int | None, limit: str
) -> None:
    events = acp_gatun.parse([answer(lake(level))]).events
    low = events[events.onset_at == pd.Timestamp("2026-08-31", tz="UTC")]
    active = events[(events.status == "active") & (events.metric_value == level)]
    assert active.severity.tolist() == ([] if severity is None else [severity])
    assert all(f"<= {limit} ft" in basis for basis in active.severity_basis)
    assert len(low) <= 1


def test_gatun_history_and_projection() -> None:
    parsed = acp_gatun.parse([answer(lake(86.0)), answer(PROJECTION)])
    counts = parsed.observations.groupby("metric").size().to_dict()
    assert counts == {
        "level": 800,
        "level_projected": 2,
        "max_neopanamax_draft_projected": 2,
        "max_panamax_draft_projected": 2,
    }
    assert parsed.skipped["no level (0 stands for missing)"] == 365
    assert parsed.content_as_of == datetime(2026, 8, 31, tzinfo=UTC)
    accept = {request.headers.get("Accept") for request in acp_gatun.SOURCE.asks(NOW)}
    assert accept == {"*/*"}


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<html>406", "html_not_csv"),
        ("a,b\n1,2", "missing_key: no heading DATE_LOG"),
        ("DATE_LOG,LEVEL\n2026-01-01,80", "renamed_field"),
        ("DATE_LOG,GATUN_LAKE_LEVEL(FEET)\n2026-01-01,0", "nothing_understood"),
        (PROJECTION, "nothing_understood"),
        (b"DATE_LOG,GATUN\xff", "bad_encoding"),
    ],
)
def test_gatun_refuses(body: str | bytes, fault: str) -> None:
    with pytest.raises(FeedError, match=fault):
        acp_gatun.parse([answer(body)])


# Conflict


CLASH = {
    "id": 1, "type_of_violence": 1, "dyad_name": "A - B", "country": "Yemen (North Yemen)",
    "country_id": 678, "where_prec": 1, "latitude": 13.0, "longitude": 45.0, "date_prec": 1,
    "date_start": "2026-08-01 00:00:00.000", "date_end": "2026-08-01 00:00:00.000",
    "best": 3, "low": 2, "high": 5,
}  # fmt: skip


def clashes(*changes: Row) -> Parsed:
    return ucdp_candidate.parse([answer("\ufeff" + as_csv([CLASH | change for change in changes]))])


def test_clash_by_hand() -> None:
    event = clashes({}).events.iloc[0]
    assert (event.event_uid, event.wkt) == ("ucdp_candidate:1", "POINT (45 13)")
    assert (event.countries, event.subtype) == ("YEM", "state_based")
    assert event.onset_at == pd.Timestamp("2026-08-01", tz="UTC")
    assert event.ends_at == pd.Timestamp("2026-08-02", tz="UTC")
    assert (event.casualties_low, event.casualties_best, event.casualties_high) == (2, 3, 5)


@pytest.mark.parametrize(
    ("where", "role", "km"),
    [(1, "event", 2), (3, "event", 50), (4, "centroid", 150), (6, "none", None), (7, "none", None)],
)
def test_country_centroids_are_not_drawn(where: int, role: str, km: float | None) -> None:
    event = clashes({"where_prec": where}).events.iloc[0]
    assert (event.geom_role, event.wkt == "") == (role, role == "none")
    assert pd.isna(event.geom_precision_km) if km is None else event.geom_precision_km == km


def test_deaths_add_up_near_and_lately() -> None:
    near = {"id": 2, "date_start": "2026-07-10", "latitude": 13.5, "best": 10}
    far = {"id": 3, "date_start": "2026-07-10", "latitude": 15.5, "best": 500}
    old = {"id": 4, "date_start": "2026-06-01", "best": 500}
    vague = {"id": 5, "date_start": "2026-07-30", "best": 500, "where_prec": 6}
    events = clashes({}, near, far, old, vague).events.set_index("source_id")
    assert events.metric_value["1"] == 13
    assert events.severity["1"] == 2
    assert events.severity_basis["1"] == "13 killed within 100 km in 30 d = 2"


def test_event_of_several_days() -> None:
    event = clashes({"date_end": "2026-08-05", "date_prec": 2}).events.iloc[0]
    assert event.ends_at - event.onset_at == timedelta(days=5)
    assert event.time_precision == "range"


def test_rows_of_tags_and_odd_rows_are_counted() -> None:
    parsed = clashes(
        {}, {}, {"id": ""}, {"id": 2, "date_start": "soon"}, {"id": 3, "best": ""},
        {"id": 4, "date_end": "2026-07-01"},
    )  # fmt: skip
    assert parsed.skipped == {
        "in a newer file too": 1,
        "no id (a row of tags)": 1,
        "no date, or an end before its start": 2,
        "no count of deaths": 1,
    }


INDEX = """<!DOCTYPE html><a href="candidateged/GEDEvent_v26_01_26_03.csv">q</a>
<a href="candidateged/GEDEvent_v26_0_7.csv"></a> <a href="candidateged/GEDEvent_v26_0_2.csv"></a>
<a href="candidateged/GEDEvent_v26_0_8.csv"></a><a href="candidateged/GEDEvent_v26_01_26_06.csv">
<a href="candidateged/GEDEvent_v25_01_25_12.csv"></a><a href="ged/ged261-csv.zip"></a>"""


def test_newest_files_are_read_off_the_page_that_lists_them() -> None:
    request: Request | None = ucdp_candidate.SOURCE.asks(NOW)[0]
    asked, body = [], INDEX
    while request is not None:
        asked.append(request.url.rpartition("/")[2])
        request = ucdp_candidate.next_page(request, answer(body))
        assert request is None or isinstance(request, Walk)
        body = as_csv([CLASH])
    assert asked == [
        "index.html",
        "GEDEvent_v26_0_8.csv",
        "GEDEvent_v26_0_7.csv",
        "GEDEvent_v26_01_26_06.csv",
    ]
    parsed = ucdp_candidate.parse([answer(INDEX), *[answer(as_csv([CLASH]))] * 2])
    assert (parsed.records_in, len(parsed.events)) == (2, 1)


def test_conflict_refuses() -> None:
    with pytest.raises(FeedError, match="missing_link"):
        ucdp_candidate.parse([answer("<html>new page</html>")])
    with pytest.raises(FeedError, match="renamed_field: no best"):
        ucdp_candidate.parse([answer("id,date_start,date_end,latitude,longitude,where_prec\n1")])
    with pytest.raises(FeedError, match="too_few"):
        ucdp_candidate.parse([answer(",".join(CLASH))])


# Sanctions


def entity(
    number: int, name: str, kind: str = "-0- ", programme: str = "CUBA", remarks: str = "-0- "
) -> str:
    cells = [str(number), f'"{name}"', kind, f'"{programme}"', *["-0- "] * 7, f'"{remarks}"']
    return ",".join(cells)


def sanctions(*rows: str, comments: str = "") -> Parsed:
    answers = [answer("\r\n".join(rows) + "\r\n\x1a")]
    return ofac_sdn.parse([*answers, answer(comments)] if comments else answers)


def test_ship_by_hand() -> None:
    row = entity(15036, "ARTAVIL", '"vessel"', "IRAN] [IFSR", "Former Vessel Flag Malta; Vessel Re")
    more = '15036,"gistration Identification IMO 9187629; MMSI 572469210."\r\n\x1a'
    event = sanctions(row, comments=more).events.iloc[0]
    assert (event.event_uid, event.assets) == ("ofac_sdn:15036", "imo:9187629")
    assert (event.severity, event.severity_basis) == (3, "vessel = 3")
    assert (event.severity_native, event.countries) == ("IRAN;IFSR", "IRN")
    assert "-0-" not in event.summary


@pytest.mark.parametrize(
    ("name", "kind", "programme", "severity"),
    [
        ("LATTAKIA PORT GENERAL COMPANY", "-0- ", "SYRIA", 3),
        ("IMPORT EXPORT BANK", "-0- ", "SYRIA", 0),
        ("HATEF SHIPPING COMPANY", "-0- ", "IRAN", 2),
        ("SOME HOLDING", "-0- ", "VENEZUELA-EO13850", 2),
        ("SOME HOLDING", "-0- ", "SDNTK", 0),
        ("PORT, John Oil", '"individual"', "IRAN-EO13902", 0),
    ],
)
def test_how_bad_a_listing_is(name: str, kind: str, programme: str, severity: int) -> None:
    assert sanctions(entity(1, name, kind, programme)).events.severity.tolist() == [severity]


def test_broken_lists_are_counted_or_refused() -> None:
    rows = [entity(n, f"N{n}") for n in range(1, 301)]
    parsed = sanctions(*rows, "||||", rows[0])
    assert (parsed.records_in, len(parsed.events)) == (302, 300)
    assert parsed.skipped == {"not 12 columns": 1, "duplicate": 1}
    with pytest.raises(FeedError, match="malformed"):
        sanctions(*rows[:20], "1,2", "3,4")
    for body, fault in (
        ("<html>", "html_not_csv"),
        ("\x1a", "empty_body"),
        ("a,b", "wrong_columns"),
    ):
        with pytest.raises(FeedError, match=fault):
            ofac_sdn.parse([answer(body)])


# Own reports


REPORT: Row = {
    "time": "2026-08-30T10:00:00+04:00",
    "what": "Drone seen over the anchorage",
    "kind": "security_incident",
    "severity": "2",
    "reporter_type": "embassy",
    "visibility": "public",
    "element": "chokepoint:hormuz",
    "lon": "56.5",
    "lat": "26.5",
    "confidence": "0.8",
}


def reports(*rows: Row) -> Parsed:
    return local_reports.parse([answer(as_csv(rows), url="folder/my reports.csv")])


def test_report_by_hand() -> None:
    event = reports(REPORT).events.iloc[0]
    assert (event.wkt, event.assets) == ("POINT (56.5 26.5)", "chokepoint:hormuz")
    assert (event.severity, event.severity_basis) == (2, "set by the reporter = 2")
    assert event.onset_at == pd.Timestamp("2026-08-30T06:00Z")
    assert (event.status, event.confidence, event.redistribute) == ("active", 0.8, True)


@pytest.mark.parametrize("visibility", ["organisation", "private"])
def test_reports_not_public_stay_here(visibility: str) -> None:
    assert not reports({**REPORT, "visibility": visibility}).events.redistribute.any()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"severity": "7"}, "row 3 column severity: '7' is not one of 0, 1, 2, 3, 4"),
        ({"time": "yesterday"}, "row 3 column time: 'yesterday' is not a day or"),
        ({"time": "2026-08-30T10:00:00"}, "row 3 column time"),
        ({"what": ""}, "row 3 column what: empty"),
        ({"kind": "trouble"}, "row 3 column kind: 'trouble' is not one of security_incident"),
        ({"visibility": "secret"}, "row 3 column visibility"),
        ({"reporter_type": "me"}, "row 3 column reporter_type"),
        ({"confidence": "80"}, "row 3 column confidence: '80' is not a number within 0-1"),
        ({"element": "hormuz"}, "row 3 column element: 'hormuz' is not an id such as"),
        ({"lat": "126.5"}, "row 3 column lon: 56.5, 126.5 is no place on the globe"),
        ({"element": "", "lon": "", "lat": ""}, "row 3 column place: empty, and so are"),
    ],
)
def test_faults_of_a_report_name_file_row_and_column(change: Row, fault: str) -> None:
    with pytest.raises(FeedError, match=f"bad_report: my reports.csv {fault}"):
        reports(REPORT, {**REPORT, **change})


def test_faults_of_the_heading() -> None:
    with pytest.raises(
        FeedError, match="row 1 column severty: no such column; did you mean severity"
    ):
        reports({**REPORT, "severty": "2"})
    with pytest.raises(FeedError, match="row 1: no column visibility"):
        reports({k: v for k, v in REPORT.items() if k != "visibility"})
    with pytest.raises(FeedError, match="row 2: 3 cells, 10 expected"):
        local_reports.parse([answer(",".join(REPORT) + "\n1,2,3")])


def test_rows_are_counted_as_an_editor_does() -> None:
    text = as_csv([REPORT, {**REPORT, "severity": "9"}]).splitlines()
    text.insert(2, "")
    with pytest.raises(FeedError, match="row 4 column severity"):
        local_reports.parse([answer("\n".join(text))])


def test_report_that_comes_again_is_an_update_and_a_heading_alone_is_fine() -> None:
    first, second = {**REPORT, "id": "a1"}, {**REPORT, "id": "a1", "severity": "3"}
    parsed = reports(first, second)
    assert parsed.skipped == {"the same id further down": 1}
    assert parsed.events.severity.tolist() == [3]
    none = local_reports.parse([answer(",".join(REPORT))])
    assert (none.records_in, len(none.events)) == (0, 0)


def test_reports_as_geojson() -> None:
    shape = {"type": "Polygon", "coordinates": [[[56, 26], [57, 26], [57, 27], [56, 26]]]}
    properties = {k: v for k, v in REPORT.items() if k not in {"lon", "lat"}}
    properties |= {"severity": 2, "confidence": 0.8}
    features: list[Row] = [{"properties": properties, "geometry": shape}]
    body = {"features": features}
    event = local_reports.parse([answer(body)]).events.iloc[0]
    assert event.wkt.startswith("POLYGON ((57 27,")
    features.append({"properties": {**properties, "severity": 2.5}, "geometry": None})
    with pytest.raises(FeedError, match=r"row 2 column severity: '2\.5' is not"):
        local_reports.parse([answer(body)])


# All of them, whatever comes


def held_to_the_rule(feed: ModuleType, answers: Sequence[Answer]) -> None:
    """A table or a fault: no other error, nothing lost in silence, every type as promised."""
    try:
        parsed = feed.parse(answers)
    except FeedError:
        return
    assert dict(parsed.events.dtypes.astype(str)) == dict(EVENT)
    assert dict(parsed.observations.dtypes.astype(str)) == dict(OBSERVATION)
    assert parsed.events.event_uid.is_unique
    assert parsed.events.severity.between(0, 4).all()
    assert (parsed.events.severity_basis != "").all()
    if parsed.records_in or feed is not local_reports:
        assert len(parsed.events) + len(parsed.observations)


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 3000),
    st.floats(),
    st.text(max_size=30),
    st.sampled_from(["2026-08-30", "2026-08-30T10:00:00+02:00", "-999", "0", "A", "chokepoint6"]),
    st.sampled_from([1772323200000, 2026, 8, 6, "port1", "port1; chokepoint4", "RED", "OT", 1e400]),
    any_json,
)


def near(good: Row, *more: str) -> st.SearchStrategy[Row]:
    """The good record with up to three of its values, or of some others, replaced by anything."""
    names = st.sampled_from([*good, *more])
    return st.dictionaries(names, scalars, max_size=3).map(lambda change: {**good, **change})


GOOD_DAY = {**GRID[0], "portcalls": 3, "import": 1.5, "year": 2026, "month": 7, "day": 1}
GOOD_WARNING = {"navArea": "P", "msgYear": 2026, "msgNumber": 7, "issueDate": "250800Z AUG 2026"}
GOOD_STAGE = {"validTime": "2026-08-30T10:00:00Z", "primary": -1.5, "secondary": 90}
GOOD_LEVEL = {"timestamp": "2026-08-30T10:00:00+02:00", "value": 70}
telegrams = st.lists(
    st.sampled_from(
        [
            *("IN AREA BOUND BY", "\nA. ", "\n2. ", "10-00N 050-00E", "99-99.9S 999-00W", ", "),
            *("WITHIN TWO MILES OF ", "JOINING ", "MINES", "CANCEL THIS MSG 312459Z FEB 26", "\n"),
            *("00-00N 180-00E", "10-00S 180-00W", "90-00N 000-00E", "WITHIN 9999 KM ", ". "),
        ]
    ),
    max_size=25,
).map(" ".join)
ARCGIS = st.builds(
    lambda rows, fields, more: (
        {"features": [{"attributes": row} for row in rows], "fields": fields} | more
    ),
    st.lists(
        near(GOOD_DAY, "date_") | near(HORMUZ, "Shape__Area") | near({}, *GOOD_DAY, *HORMUZ),
        max_size=4,
    ),
    any_json | st.just([{"alias": "date", "name": "date_"}]),
    st.dictionaries(st.sampled_from(["exceededTransferLimit", "count"]), scalars, max_size=1),
)
WARNINGS = st.builds(
    lambda rows: {"broadcast-warn": rows},
    st.lists(
        any_json
        | st.builds(
            lambda row, text: {"text": text, **row},
            near(GOOD_WARNING, "text", "area", "year", "number", "status", "cancelDate"),
            telegrams | st.text(),
        ),
        max_size=4,
    ),
)
FEATURES = st.builds(
    lambda rows, shapes: {
        "features": [{"properties": r, "geometry": g} for r, g in zip(rows, shapes, strict=False)]
    },
    st.lists(near(REPORT, "id", "ends", "place", "countries"), max_size=3),
    st.lists(
        st.sampled_from([None, {"type": "Point", "coordinates": [1, 2]}]) | any_json,
        min_size=3,
        max_size=3,
    ),
)
SHAPES: Mapping[ModuleType, st.SearchStrategy[Any]] = {
    CHOKE: ARCGIS,
    PORTS: ARCGIS,
    DISRUPT: ARCGIS,
    nga_warnings: WARNINGS,
    wsv_kaub: st.lists(near(GOOD_LEVEL) | any_json, max_size=6),
    nws_st_louis: st.builds(
        lambda rows, more: {"data": rows} | more,
        st.lists(near(GOOD_STAGE) | any_json, max_size=6),
        st.dictionaries(st.sampled_from(["primaryUnits", "secondaryUnits"]), scalars, max_size=1),
    ),
    local_reports: FEATURES,
}
HEADINGS: Mapping[ModuleType, Sequence[str]] = {
    acp_gatun: ["DATE_LOG", "GATUN_LAKE_LEVEL(FEET)"],
    ucdp_candidate: list(CLASH),
    ofac_sdn: [],
    local_reports: list(REPORT),
}
cells = st.one_of(
    st.text(max_size=12),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(
        ["", "-0- ", "1", "85", "2026-08-30", "09/02/2026", "1e309", "vessel", "\x1a", '"']
    ),
)


GOOD_CELLS: Mapping[ModuleType, Sequence[str]] = {
    acp_gatun: ["2026-08-30", "80.5"],
    ucdp_candidate: [str(value) for value in CLASH.values()],
    ofac_sdn: ["15036", "ARTAVIL", "vessel", "IRAN", *["-0- "] * 7, "IMO 9187629"],
    local_reports: [str(value) for value in REPORT.values()],
}


def of_csv(feed: ModuleType) -> st.SearchStrategy[str]:
    heading, good = HEADINGS[feed], GOOD_CELLS[feed]
    changes = st.dictionaries(st.integers(0, len(good) - 1), cells, max_size=3)
    row = changes.map(lambda change: [change.get(at, cell) for at, cell in enumerate(good)])
    rows = st.lists(row | st.lists(cells, max_size=14), max_size=5)
    texts = rows.map(lambda table: "\n".join(",".join(row) for row in [heading, *table] if row))
    return texts | st.text(max_size=200).map(lambda text: ",".join(heading) + "\n" + text)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.SOURCE.id)
@given(body=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(max_examples=100)
def test_any_bytes(feed: ModuleType, body: bytes) -> None:
    held_to_the_rule(feed, [answer(body)])
    if feed.SOURCE.next_page:
        feed.SOURCE.next_page(Request("https://x"), answer(body))


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.SOURCE.id)
@given(body=any_json)
@settings(max_examples=100)
def test_any_json(feed: ModuleType, body: object) -> None:
    held_to_the_rule(feed, [answer(body)])


@pytest.mark.parametrize("feed", SHAPES, ids=lambda feed: feed.SOURCE.id)
@given(data=st.data())
@settings(max_examples=100)
def test_json_of_the_right_shape(feed: ModuleType, data: st.DataObject) -> None:
    body = data.draw(SHAPES[feed])
    held_to_the_rule(feed, [answer(body)])
    if feed.SOURCE.next_page:
        feed.SOURCE.next_page(Request("https://x"), answer(body))


@pytest.mark.parametrize("feed", HEADINGS, ids=lambda feed: feed.SOURCE.id)
@given(data=st.data())
@settings(max_examples=100)
def test_csv_of_the_right_shape(feed: ModuleType, data: st.DataObject) -> None:
    body = data.draw(of_csv(feed))
    held_to_the_rule(feed, [answer(body.encode("utf-8", "replace"))])


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.SOURCE.id)
def test_source_says_who_on_which_terms_and_what_is_asked(feed: ModuleType) -> None:
    source = feed.SOURCE
    assert source.id == feed.__name__.rpartition(".")[2]
    for text in (source.title, source.publisher, source.licence, source.attribution):
        assert text.strip()
    assert source.every < source.stale_after
    for request in source.asks(NOW):
        assert request.url.startswith("https://") or request.url == "{CORRIDORS_REPORTS}"
    assert source.redistribute == (not source.id.startswith(("portwatch", "local")))


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.SOURCE.id)
def test_no_answer_at_all_is_a_fault(feed: ModuleType) -> None:
    for body in ("", "  ", "<!doctype html><title>Sign in</title>"):
        with pytest.raises(FeedError):
            feed.parse([answer(body)])
