"""What is fuzzed: each reader with small right bodies, and what must hold whatever they become.

A reader ends in what it promises or in an error of ``layers.errors``; anything else is a finding.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import numpy as np

from corridors.risk.alert import Alert, from_record, to_record
from corridors.ui.data import own
from corridors.ui.whatif import link
from corridors.whatif import scenario_file
from layers import client, memory, portwatch_file
from layers.errors import CorridorsError, DataError, FeedError
from layers.events import EVENT, OBSERVATION
from layers.flows import FORMATS, Codes, Kept, countries_file, import_files, parse_ref, read_codes
from layers.source import Answer, Feed, Request, feeds
from layers.static import data_dir, examine, recorded_hashes
from layers.tables import TABLES
from tests import test_feeds_a, test_feeds_b, test_flows, test_scenario

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
Read = Callable[[bytes], object]


@dataclass(frozen=True)
class Target:
    """A reader: what it takes, and the call that fails when a promise is broken."""

    name: str
    seeds: tuple[bytes, ...]
    read: Read


def targets() -> dict[str, Target]:
    """Return every target by name; feeds, formats and tables as their registries list them."""
    found = [*_feeds(), *_flows(), *_tables(), *_files(), *_texts()]
    return {target.name: target for target in found}


# Feeds


def _bodies(answers: Sequence[Answer]) -> list[bytes]:
    return [answer.body for answer in answers]


@cache
def seeds_of_feeds() -> dict[str, list[bytes]]:
    """Return right bodies of each feed, in the order they are asked for."""
    rows = test_feeds_a
    days = rows.days("chokepoint6", datetime(2026, 7, 1).date(), 5)
    ports = [rows.GOOD_DAY | {"portid": f"port{n}", "portname": "Ras Tanura"} for n in (1, 2)]
    warning = {**rows.GOOD_WARNING, "status": "A", "text": "MINES IN AREA 10-00N 050-00E."}
    stages = {"primaryUnits": "ft", "secondaryUnits": "kcfs", "data": [rows.GOOD_STAGE] * 2}
    lake = "DATE_LOG,GATUN_LAKE_LEVEL(FEET)\n" + "".join(
        f"2026-08-{day:02},{85 - day / 10}\n" for day in range(1, 29)
    )
    ship = rows.entity(15036, "ARTAVIL", '"vessel"', "IRAN", "IMO 9187629.")
    made: dict[str, Sequence[object]] = {
        "portwatch_chokepoints": rows.pages(days),
        "portwatch_ports": rows.pages(ports),
        "portwatch_disruptions": rows.pages([rows.HORMUZ, rows.DISRUPTION]),
        "nga_warnings": [{"broadcast-warn": [warning]}],
        "wsv_kaub": [[{**rows.GOOD_LEVEL, "value": value} for value in (70, 60, 90)]],
        "nws_st_louis": [stages],
        "acp_gatun": [lake, rows.PROJECTION],
        "ucdp_candidate": [rows.as_csv([rows.CLASH, {**rows.CLASH, "id": 2}])],
        "ofac_sdn": [ship + "\r\n\x1a", '15036,"MMSI 572469210."\r\n'],
        "local_reports": [rows.as_csv([rows.REPORT, {**rows.REPORT, "what": "Another"}])],
    }
    written = {id: _bodies([_answer(body) for body in bodies]) for id, bodies in made.items()}
    return written | {id: _bodies(answers) for id, answers in test_feeds_b.VALID.items()}


def _answer(body: object) -> Answer:
    return body if isinstance(body, Answer) else test_feeds_a.answer(body)


OTHER_SHAPES: dict[str, Sequence[object]] = {
    "gdacs_events": [test_feeds_b.GDACS_RSS],
    "georss_url": [test_feeds_b.GEOJSON],
    "cap_url": [test_feeds_b.ATOM],
    "local_reports": [
        {"features": [{"properties": test_feeds_a.REPORT, "geometry": test_feeds_b.BOWTIE}]}
    ],
}
"""Feeds that take a second layout."""


def _feeds() -> Iterator[Target]:
    usual = seeds_of_feeds()
    for id, feed in feeds().items():
        right = usual[id]
        for n, body in enumerate(right):
            name = f"feed:{id}" + f":{n + 1}" * (n > 0)
            yield Target(name, (body,), partial(_fed, feed, right[:n], right[n + 1 :]))
        for body in OTHER_SHAPES.get(id, ()):
            yield Target(f"feed:{id}:other", (_answer(body).body,), partial(_fed, feed, [], []))


def _fed(feed: Feed, before: Sequence[bytes], after: Sequence[bytes], body: bytes) -> None:
    """Fail unless the feed makes sound rows of it or refuses it by its own name."""
    url = test_feeds_b.EIA_AT if feed.source.id == "eia_series" else "https://example.org/list"
    answers = [Answer(url, each, NOW) for each in (*before, body, *after)]
    if feed.source.next_page is not None:
        try:
            following = feed.source.next_page(Request(url, {"page": "1"}), answers[len(before)])
            assert following is None or isinstance(following.url, str)
        except FeedError as error:
            _must_name(error, feed.source.id)
    try:
        parsed = feed.parse(answers)
    except FeedError as error:
        _must_name(error, feed.source.id)
        return
    assert dict(parsed.events.dtypes.astype(str)) == dict(EVENT)
    assert dict(parsed.observations.dtypes.astype(str)) == dict(OBSERVATION)
    assert parsed.events["event_uid"].is_unique
    assert parsed.events["severity"].between(0, 4).all()
    assert not np.isinf(parsed.observations["value"]).any()
    for column in ("title", "summary"):
        assert not parsed.events[column].str.contains(r"[\x00-\x1f<>\ud800-\udfff]").any()
    parsed.events.to_csv().encode()  # what cannot be written would end an export


def _must_name(error: FeedError, id: str) -> None:
    assert error.source == id
    assert str(error).startswith(f"{id}: ")
    assert len(str(error)) < 20_000


# Trade


def _flows() -> Iterator[Target]:
    flows = test_flows
    record = json.dumps({"data": [flows.RECORD, {**flows.RECORD, "partnerCode": 682}]})
    fao = (
        flows.LONG + flows.fao("818", "643", 15, 5610, 6_000) + flows.fao("818", "643", 15, 5622, 2)
    )
    tsv = (
        "freq,reporter,partner,product,flow,indicators\\TIME_PERIOD\t2021 \t2022 \n"
        "A,NL,QA,271111,1,QUANTITY_IN_100KG\t: \t5000 e\n"
    )
    own = "importer,commodity,year,origin,quantity_t,value_usd\nCHN,lng,2022,QAT,15.5,3\n"
    bulk = flows.BULK + flows.comext("NO", "27090090", 5_000, 3_000)
    classic = ",".join(flows.RECORD) + "\n" + ",".join(map(str, flows.RECORD.values())) + ",\n"
    texts = {
        "baci": [flows.BACI_TEXT],
        "comtrade": [record, classic],
        "faostat": [fao],
        "eurostat": [bulk, tsv],
        "own": [own],
    }
    for name in FORMATS:
        plain = [text.encode() for text in texts[name]]
        yield Target(f"flows:{name}", tuple(plain), partial(_imported, name, ""))
        packed = [gzip.compress(body, mtime=0) for body in plain]
        yield Target(f"flows:{name}:gzip", tuple(packed), partial(_imported, name, ".gz"))
        yield Target(f"flows:{name}:in gzip", tuple(plain), partial(_packed, name, gzip.compress))
        zipped = [_zipped(body) for body in plain]
        yield Target(f"flows:{name}:zip", tuple(zipped), partial(_imported, name, ".zip"))
    yield Target("flows:countries", (b"country_code,country_iso3\n156,CHN\n643,RUS\n",), _countries)
    yield Target("flows:parquet", (_parquet(),), _kept)


@cache
def _codes() -> Codes:
    return read_codes()


def _zipped(body: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("country_codes_V1.csv", "country_code,country_iso3\n156,CHN\n")
        for name in ("BACI_HS92_Y2022_V202401b.csv", "full_202252.dat", "table.csv"):
            archive.writestr(name, body)
    return made.getvalue()


def _packed(format: str, pack: Callable[[bytes], bytes], body: bytes) -> None:
    _imported(format, ".gz", pack(body))


def _imported(format: str, ending: str, body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"table{ending or '.csv'}"
        path.write_bytes(body)
        kept = Kept(Path(folder) / "flows")
        with suppress(CorridorsError):
            import_files(kept, [path], FORMATS[format], _codes(), now=NOW)
        for part in kept.parts():
            table = kept.read(part).to_pandas()
            for column in ("tonnes", "usd"):
                assert not (table[column] < 0).any()
                assert not np.isinf(table[column]).any()


def _countries(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "codes.csv"
        path.write_bytes(body)
        with suppress(DataError):
            countries_file(_codes(), path)


@cache
def _parquet() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.csv"
        path.write_text("importer,commodity,year,origin,quantity_t\nCHN,lng,2022,QAT,15.5\n")
        kept = Kept(Path(folder) / "flows")
        import_files(kept, [path], FORMATS["own"], _codes(), now=NOW, vintage="v1")
        return kept.parts()[0].path.read_bytes()


def _kept(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own" / "v1" / "2022.parquet"
        path.parent.mkdir(parents=True)
        path.write_bytes(body)
        kept = Kept(Path(folder))
        with suppress(CorridorsError):
            kept.read(kept.part(parse_ref("own:2022@v1")), commodities=["lng"], importers=["CHN"])


# Tables and files of ours


def _tables() -> Iterator[Target]:
    for name in TABLES:
        path = data_dir() / f"{name}.csv"
        if path.is_file():
            lines = path.read_bytes().splitlines(keepends=True)[:6]
            yield Target(f"table:{name}", (b"".join(lines),), partial(_table, name))


def _table(name: str, body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.csv"
        path.write_bytes(body)
        frame, faults = examine(name, path)
        assert frame is not None or faults
        if name == "sources":
            with suppress(DataError):
                recorded_hashes(Path(folder))


def _files() -> Iterator[Target]:
    columns = ",".join(portwatch_file.COLUMNS)
    cells = ["chokepoint6", "2026", "7", "1", *["3"] * (len(portwatch_file.COLUMNS) - 4)]
    body = f"{columns}\n" + ",".join(cells) + "\n"
    yield Target("portwatch file", (body.encode(),), _portwatch)
    array = io.BytesIO()
    np.savez(array, a=np.arange(5.0), b=np.array(["x"]))
    yield Target("memory", (array.getvalue(),), _remembered)


def _portwatch(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_bytes(body)
        with suppress(DataError):
            portwatch_file.read(path, retrieved_at=NOW)


def _made() -> memory.Arrays:
    return {"a": np.arange(5.0)}


def _remembered(body: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before = os.environ.get("CORRIDORS_CACHE")
        os.environ["CORRIDORS_CACHE"] = folder
        try:
            memory.remember("key", _made)
            for path in Path(folder).iterdir():
                path.write_bytes(body)
            assert isinstance(memory.remember("key", _made), dict)
        finally:
            os.environ.pop("CORRIDORS_CACHE")
            if before is not None:
                os.environ["CORRIDORS_CACHE"] = before


# Texts


def _texts() -> Iterator[Target]:
    yield Target("scenario", (test_scenario.WHOLE.encode(),), _scenario)
    report = test_feeds_a.as_csv([test_feeds_a.REPORT]).encode()
    placed = _answer(OTHER_SHAPES["local_reports"][0]).body
    yield Target("uploaded reports", (report, placed), _uploaded)
    yield Target("address", (QUERY, b"close=chokepoint:hormuz&days=9"), _address)
    yield Target("alert record", (_alert(),), _record)
    dates = (b"Sun, 06 Nov 1994 08:49:37 GMT", b"120", b"Sunday, 06-Nov-94 08:49:37 GMT")
    yield Target("retry-after", dates, _header)


def _scenario(body: bytes) -> None:
    text = body.decode("utf-8", "replace")
    with suppress(DataError):
        made = scenario_file.parse(text, name="a", file="a.toml", known=test_scenario.HERE)
        again = scenario_file.to_toml(made)
        assert scenario_file.parse(again, name="a", file="b", known=test_scenario.HERE) == made


def _alert() -> bytes:
    from tests.conftest import _warning

    alert: Alert = _warning()
    return json.dumps(to_record(alert)).encode()


def _record(body: bytes) -> None:
    try:
        held: Any = json.loads(body)
    except (ValueError, RecursionError):
        return
    with suppress(CorridorsError):
        assert isinstance(from_record(held), Alert)


def _header(body: bytes) -> None:
    waited = client.retry_after_s(body.decode("latin-1"), NOW)
    assert waited is None or 0 <= waited <= client.LONGEST_RETRY_AFTER_S


def _uploaded(body: bytes) -> None:
    """Fail unless a file given to the app becomes a table with its faults told, or is refused."""
    with suppress(CorridorsError):
        table = own.table_of(body)
        own.checked(table, "upload.csv")
        assert own.table_of(own.body_of(table)).equals(table)


def _address(body: bytes) -> None:
    """Fail unless an address of a what-if is read, or refused with the piece at fault."""
    try:
        query = parse_qs(body.decode("utf-8", "replace"), max_num_fields=1000)
    except ValueError:
        return
    with suppress(CorridorsError):
        draft = link.read(query, {}, test_scenario.HERE)
        if draft is not None:
            again = link.read(link.written(draft, {}), {}, test_scenario.HERE)
            assert again is not None
            assert again.made() == draft.made()


QUERY = urlencode(
    {"rule": "chokepoint:hormuz~l0.5~w0.3~svlcc", "days": "90", "start": "2026-03-01"}
    | {"open": "pipeline:espo_1", "set": "malaysia_label~iran", "area": "a~119~24~120~24~119.5~25"}
).encode()
