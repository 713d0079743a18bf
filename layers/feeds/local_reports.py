"""Reports of the user's own: what an embassy, a security company or an enterprise alone knows.

A CSV or GeoJSON at the path or address in ``CORRIDORS_REPORTS``. Any fault in it refuses the whole
file and names row and column: a report must not get lost because of a typing error.

=============  ====================================================================================
column         what it holds
=============  ====================================================================================
time           when it happened: ISO 8601 with offset, or a day
what           what happened
kind           security_incident, infrastructure, policy, conflict, hazard, nav_warning, advisory,
               sanction, water_level, flow_anomaly or price_move
severity       0 info, 1 minor, 2 moderate, 3 severe, 4 extreme
reporter_type  embassy, security_company, enterprise, local_government, central_agency or other
visibility     public, organisation or private: who may be given it in an export
element        such as ``chokepoint:hormuz`` or ``port:SARTA``; several separated by ``;``
lon, lat       degrees; in a GeoJSON the geometry
place          in words; one of element, lon and lat, or place is needed
confidence     0-1; 0.5 when left out
ends           when it ended, or will end; open when left out
id             the reporter's own; a report that comes again with it is an update
countries      ISO 3166 alpha-3 codes separated by ``;``
=============  ====================================================================================
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from layers.errors import FeedError
from layers.feeds.ofac_sdn import csv_rows
from layers.markup import parse_json
from layers.places import geojson, point
from layers.source import Answer, Parsed, Request, Source, conclude
from layers.values import held, iso, number, word

SOURCE = Source(
    id="local_reports",
    title="Reports of your own",
    publisher="you",
    licence="as its reporters set it",
    attribution="own reports",
    homepage="",
    requests=[Request("{CORRIDORS_REPORTS}")],
    every=timedelta(minutes=15),
    # A file without news is no old file.
    stale_after=timedelta(days=3650),
    expected_min=0,
    redistribute=False,
    needs=("CORRIDORS_REPORTS",),
)
REQUIRED = ("time", "what", "kind", "severity", "reporter_type", "visibility")
OPTIONAL = ("element", "lon", "lat", "place", "confidence", "ends", "id", "countries")
WORDS: Mapping[str, Sequence[str]] = {
    "kind": (
        *("security_incident", "infrastructure", "policy", "conflict", "hazard", "nav_warning"),
        *("advisory", "sanction", "water_level", "flow_anomaly", "price_move"),
    ),
    "reporter_type": (
        *("embassy", "security_company", "enterprise", "local_government", "central_agency"),
        "other",
    ),
    "visibility": ("public", "organisation", "private"),
}
ELEMENT = r"(chokepoint|port|pipeline|railway|corridor):\w[\w-]*"
DAY = re.compile(r"\d{4}-\d\d-\d\d")
MOST_SHOWN = 10
UNKNOWN = datetime(1900, 1, 2, tzinfo=UTC)
Row = Mapping[str, Any]


def _moment(text: str) -> datetime | None:
    """A moment with an offset, or the beginning of a day, UTC."""
    return iso(text, zone=UTC if DAY.fullmatch(text) else None)


def _is_moment(text: str) -> bool:
    return _moment(text) is not None


def _is_share(text: str) -> bool:
    share = number(text)
    return share is not None and 0 <= share <= 1


def _each(pattern: str) -> Callable[[str], bool]:
    """Whether every part of a list is of a pattern."""
    return lambda text: all(re.fullmatch(pattern, part.strip()) for part in text.split(";") if part)


CHECKS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    **{c: (allowed.__contains__, f"one of {', '.join(allowed)}") for c, allowed in WORDS.items()},
    "time": (_is_moment, "a day or a time with an offset"),
    "ends": (_is_moment, "a day or a time with an offset"),
    "severity": (("0", "1", "2", "3", "4").__contains__, "one of 0, 1, 2, 3, 4"),
    "confidence": (_is_share, "a number within 0-1"),
    "element": (_each(ELEMENT), "an id such as chokepoint:hormuz"),
    "countries": (_each("[A-Z]{3}"), "ISO 3166 alpha-3 codes"),
}
"""What a cell that is not empty must be."""


def parse(answers: Sequence[Answer]) -> Parsed:
    """The reports of the file; the severity is that of the reporter.

    Raises
    ------
    FeedError
        ``bad_report`` with file, row and column of each fault.
    """
    answer = answers[-1]
    name = _file(answer)
    rows = list(_rows(answer, name))
    faults = [
        f"{name} row {at}{' column ' * bool(column)}{column}: {message}"
        for at, row in rows
        for column, message in _faults(row)
    ]
    if faults:
        rest = f"; and {len(faults) - MOST_SHOWN} more" if len(faults) > MOST_SHOWN else ""
        raise FeedError(SOURCE.id, f"bad_report: {'; '.join(faults[:MOST_SHOWN])}{rest}")
    newest = max((_moment(row["time"]) or UNKNOWN for _, row in rows), default=None)
    events: dict[str, dict[str, Any]] = {}
    for _, row in rows:
        # A report given twice is the same report; the lower line is the newer.
        events[_id(row)] = {**_event(row, answer), "content_as_of": newest}
    again = len(rows) - len(events)
    skipped = Counter({"the same id further down": again}) if again else Counter()
    return conclude(SOURCE, list(events.values()), len(rows), skipped)


def _file(answer: Answer) -> str:
    place = answer.url.partition("?")[0].partition("#")[0]
    return re.split(r"[/\\]", place.rstrip("/"))[-1] or "reports"


def _rows(answer: Answer, name: str) -> Iterator[tuple[int, Row]]:
    """The reports with their rows: of a CSV the line of the table, of a GeoJSON the feature."""
    if answer.body.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        yield from _features(parse_json(SOURCE.id, answer.body), name)
        return
    heading, *rows = csv_rows(SOURCE.id, answer.body, blank=True)
    names = [column.strip().lower() for column in heading]
    _check_names(names, f"{name} row 1")
    for at, row in enumerate(rows, 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(names):
            message = f"{len(row)} cells, {len(names)} expected"
            raise FeedError(SOURCE.id, f"bad_report: {name} row {at}: {message}")
        cells = dict(zip(names, (cell.strip() for cell in row), strict=True))
        lon, lat = number(cells.get("lon")), number(cells.get("lat"))
        yield at, {**cells, "wkt": point(lon, lat)}


def _features(body: object, name: str) -> Iterator[tuple[int, Row]]:
    features = held(body, "features")
    if not isinstance(features, list):
        raise FeedError(SOURCE.id, f"missing_key: {name} has no list of features")
    for at, feature in enumerate(features, 1):
        properties, shape = held(feature, "properties"), held(feature, "geometry")
        if not isinstance(properties, dict):
            raise FeedError(SOURCE.id, f"bad_report: {name} row {at}: no properties")
        cells = {key: _cell(value) for key, value in properties.items()}
        _check_names([*cells, *REQUIRED], f"{name} row {at}")
        wkt = geojson(shape)
        if shape is not None and not wkt:
            raise FeedError(
                SOURCE.id, f"bad_report: {name} row {at} column geometry: no such shape"
            )
        lon, lat = number(cells.get("lon")), number(cells.get("lat"))
        yield at, {**cells, "wkt": wkt or point(lon, lat)}


def _cell(value: object) -> str:
    """A property as a cell would hold it."""
    return str(value) if isinstance(value, float) else word(value, most=20_000)


def _check_names(names: Sequence[str], row: str) -> None:
    known = [*REQUIRED, *OPTIONAL]
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            fault = f"{row} column {word(name)}: no such column{hint}"
            raise FeedError(SOURCE.id, f"bad_report: {fault}")
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        raise FeedError(SOURCE.id, f"bad_report: {row}: no column {', '.join(missing)}")


def _faults(row: Row) -> Iterator[tuple[str, str]]:
    """Column and message of all that is wrong with a report."""
    for column in REQUIRED:
        if not row.get(column):
            yield column, "empty"
    for column, (is_good, wanted) in CHECKS.items():
        text = str(row.get(column) or "")
        if text and not is_good(text):
            yield column, f"{text[:50]!r} is not {wanted}"
    if (row.get("lon") or row.get("lat")) and not row["wkt"]:
        told = f"{row.get('lon')}, {row.get('lat')}"
        yield "lon", f"{told[:50]} is no place on the globe"
    if not (row["wkt"] or row.get("element") or row.get("place")):
        yield "place", "empty, and so are element, lon and lat"


def _listed(row: Row, column: str) -> list[str]:
    return [part.strip() for part in str(row.get(column) or "").split(";") if part.strip()]


def _id(row: Row) -> str:
    """The reporter's id, else one made of what makes it this report."""
    told = [row.get(name) or "" for name in ("reporter_type", "time", "what", "element", "place")]
    return row.get("id") or sha256("\n".join([*told, row["wkt"]]).encode()).hexdigest()[:16]


def _event(row: Row, answer: Answer) -> dict[str, Any]:
    ends = _moment(row["ends"]) if row.get("ends") else None
    severity = int(number(row["severity"]) or 0)
    sure = number(row.get("confidence"))
    told = [row["what"], row.get("place"), f"reported by {row['reporter_type']}"]
    return {
        **SOURCE.stamp(answer),
        "redistribute": row["visibility"] == "public",
        "event_uid": f"{SOURCE.id}:{_id(row)}",
        "source_id": _id(row),
        "kind": row["kind"],
        "subtype": row["reporter_type"],
        "title": row["what"],
        "summary": "; ".join(filter(None, told)),
        "status": "ended" if ends and ends <= answer.retrieved_at else "active",
        "severity": severity,
        "severity_basis": f"set by the reporter = {severity}",
        "certainty": "observed",
        "onset_at": _moment(row["time"]),
        "ends_at": ends,
        "time_precision": "day" if DAY.fullmatch(row["time"]) else "instant",
        "wkt": row["wkt"],
        "geom_role": "event" if row["wkt"] else "none",
        "geom_precision_km": 1.0 if row["wkt"] else None,
        "assets": ";".join(_listed(row, "element")),
        "asset_match": "native" if row.get("element") else "none",
        "countries": ";".join(_listed(row, "countries")),
        "confidence": 0.5 if sure is None else sure,
        "quality_flags": f"visibility_{row['visibility']}",
        "visibility": row["visibility"],
        "reporter_type": row["reporter_type"],
    }
