"""NGA broadcast warnings in force: NAVAREA IV and XII, HYDROLANT, HYDROPAC, HYDROARC.

A warning is a telegram: where it holds, until when and how bad it is are read from its text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from layers.errors import FeedError
from layers.markup import parse_json
from layers.places import areas, circle, country, line, point, together
from layers.source import AT_SEA, Answer, Look, Parsed, Request, Source, conclude
from layers.values import held, number, word

SOURCE = Source(
    id="nga_warnings",
    title="Broadcast warnings in force",
    publisher="US National Geospatial-Intelligence Agency",
    licence="US public domain",
    attribution="NGA Maritime Safety Information (msi.nga.mil)",
    homepage="https://msi.nga.mil/NavWarnings",
    requests=[
        Request(
            "https://msi.nga.mil/api/publications/broadcast-warn",
            {"status": "active", "output": "json"},
        )
    ],
    every=timedelta(hours=1),
    stale_after=timedelta(days=3),
    # 386 in August 2026, 454 in April 2023.
    expected_min=100,
    hosts=("msi.gs.mil",),
    look=Look("security", AT_SEA),
)
AREA = {"4": "NAVAREA IV", "12": "NAVAREA XII", "A": "HYDROLANT", "P": "HYDROPAC", "C": "HYDROARC"}
OLD_D = 180
MAX_POINTS = 60
"""Single positions kept of one warning: lists of drilling rigs hold more."""
MAX_CORNERS = 2000
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
COUNTS = ["ZERO", "ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN"]
UNITS = {"MI": 1.852, "NM": 1.852, "NA": 1.852, "ME": 0.001, "KM": 1.0, "KI": 1.0}
"""Kilometres in a unit of length, by its first two letters; a mile is nautical."""

RULES: Sequence[tuple[str, int, re.Pattern[str]]] = [
    (subtype, severity, re.compile(pattern, re.S))
    for subtype, severity, pattern in [
        ("drifting_mine", 2, r"\b(DRIFTING|FLOATING) MINES?\b|\bMINES? ADRIFT\b"),
        ("mine", 3, r"\bMIN(ES?|ED|ING)\b|\bMINEFIELDS?\b|\bMINE-?LAYING\b"),
        ("missile", 3, r"\bMISSILES?\b"),
        ("attack", 3, r"\bATTACK(S|ED|ING|ERS)?\b|\bFIRED (UP)?ON\b|\bEXPLOSIONS?\b"),
        ("hijack", 3, r"\bHIJACK|\bPIRA(CY|TES?|TICAL)\b|\bSEIZED\b|\bARMED (MEN|ROBBERY)\b"),
        ("closure", 2, r"\b(NAVIGATION|PASSAGE) PROHIBITED\b|\bCLOSED TO (NAVIGATION|SHIPPING)\b"),
        ("interference", 2, r"\bG(PS|NSS)\b.{0,80}(INTERFER|JAM|SPOOF|UNRELIABLE|DISRUPT)"),
        ("interference", 2, r"(INTERFERENCE|JAMMING|SPOOFING).{0,80}\b(G(PS|NSS)|AIS)\b"),
        ("rocket", 2, r"\bROCKETS?\b|\bSPACE (DEBRIS|LAUNCH|VEHICLE)|\bRE-?ENTRY\b"),
        ("firing", 2, r"\b(GUNNERY|FIRING|LIVE.FIRE|BOMBING|ORDNANCE|HAZARDOUS OPERATIONS)\b"),
        ("exercise", 2, r"\b(NAVAL|MILITARY) (EXERCISES?|OPERATIONS)\b|\bEXERCISES\b"),
        ("distress", 1, r"\b(DISTRESS|OVERDUE|OVERBOARD|ADRIFT|DERELICT|CAPSIZED|AGROUND)\b"),
        ("obstruction", 1, r"\b(SANK|SUNK|WRECK|SUBMERGED|OBSTRUCTION|ICEBERGS?|CONTAINERS?)\b"),
        ("volcano", 1, r"\bVOLCAN"),
        ("rig", 0, r"\bDRILLING (UNITS?|RIGS?)\b|\bRIG\b|\bPLATFORM\b"),
        ("works", 1, r"\b(SURVEY|CABLES?|PIPELINE|UNDERWATER|DREDGING|DIVING|DRILLING|SALVAGE)\b"),
        ("aid_to_navigation", 0, r"\b(LIGHT|BUOY|RACON|BEACON|RADIOBEACON|LIGHTED|DGPS)\b"),
    ]
]
ANNOUNCED = re.compile(
    r"\bEXERCISES?\b|\bTRAINING\b|\bGUNNERY\b|\bFIRING\b|\bHAZARDOUS OPERATIONS\b"
)
IN_FORCE = re.compile(r"WARNINGS IN FORCE AS OF")
DTG = r"(\d{2})(\d{2})(\d{2})Z\s+([A-Z]{3})[A-Z]*(?:\s+(\d{4}|\d{2})\b)?"
EXPIRY = re.compile(r"CANCEL\s+THIS\s+MSG\s+" + DTG)
CHART = re.compile(r"\s*(DNC|CHARTS?)[\s\dDNC,.()-]*")
_PART = r"(\d{1,3})-(\d{2}(?:\.\d{1,6})?)(?:-(\d{2}(?:\.\d{1,6})?))?\s?"
TOKEN = re.compile(
    rf"(?P<position>\b{_PART}([NS])[\s,/]{{0,8}}{_PART}([EW])\b(?P<stop>\)?\.(?!\d))?)"
    r"|(?P<area>\bBOUND(?:ED)?\s+BY\b)"
    r"|(?P<line>\bJOINING\b)"
    r"|\bWITHIN\s+(?P<count>[\d.]{1,8}|[A-Z]{3,5})\s+(?P<unit>MILES?|METERS?|NM|NAUT\w*|KM|KILO\w*)"
    r"|^[ \t]*(?P<paragraph>\d{1,2})\.[ \t]|^[ \t]*(?P<label>[A-Z]{1,2})\.[ \t]",
    re.M,
)


@dataclass
class _Group:
    """Positions that belong together: the corners of an area or line, or single points."""

    mode: str = "points"
    radius_km: float = 0.0
    paragraph: int = 0
    places: list[tuple[float, float]] = field(default_factory=list)


def parse(answers: Sequence[Answer]) -> Parsed:
    """The warnings in force; ids such as ``P-2023-1259``."""
    answer = answers[-1]
    body = parse_json(SOURCE.id, answer.body)
    # With a hyphen: two readers of this feed asked for other keys and saw nothing for months.
    records = held(body, "broadcast-warn")
    if not isinstance(records, list):
        names = ", ".join(body)[:200] if isinstance(body, dict) else type(body).__name__
        raise FeedError(SOURCE.id, f"missing_key: no list broadcast-warn, only {names}")
    skipped: Counter[str] = Counter()
    events: dict[str, dict[str, Any]] = {}
    for record in records:
        text = _text(record)
        if not text or _id(record) is None:
            skipped["no number or no text"] += 1
        elif IN_FORCE.search(text):
            skipped["list of the warnings in force"] += 1
        elif _id(record) in events:
            skipped["duplicate"] += 1
        else:
            events[str(_id(record))] = _event(record, text, answer)
    newest = max((e["published_at"] for e in events.values() if e["published_at"]), default=None)
    rows = [{**event, "content_as_of": newest} for event in events.values()]
    return conclude(SOURCE, rows, len(records), skipped)


def _text(record: object) -> str:
    text = held(record, "text")
    return text.upper()[:20_000] if isinstance(text, str) else ""


def _id(record: object) -> str | None:
    """Area, year and number; either set of fields may be null."""
    pairs = [("navArea", "area"), ("msgYear", "year"), ("msgNumber", "number")]
    parts = [word(held(record, a)) or word(held(record, b)) for a, b in pairs]
    return "-".join(parts) if all(parts) else None


def _event(record: object, text: str, answer: Answer) -> dict[str, Any]:
    id = str(_id(record))
    issued = moment(word(held(record, "issueDate")).upper(), None)
    ends, flags = _ends(record, text, issued)
    severity, subtype, basis = severity_of(text, issued, answer.retrieved_at)
    shape = shape_of(text)
    cancelled = word(held(record, "status")).upper() not in {"A", "ACTIVE", ""}
    over = ends is not None and ends <= answer.retrieved_at
    return {
        **SOURCE.stamp(answer),
        **shape,
        "event_uid": f"{SOURCE.id}:{id}",
        "source_id": id,
        "kind": "nav_warning",
        "subtype": subtype,
        "title": _title(id, text),
        "summary": text,
        "status": "cancelled" if cancelled else "ended" if over else "active",
        "msg_type": "cancel" if cancelled else "alert",
        "severity": severity,
        "severity_basis": basis,
        "severity_native": word(held(record, "authority")),
        "onset_at": issued,
        "published_at": issued,
        "ends_at": ends,
        "countries": ";".join(_countries(text)),
        "confidence": 0.8,
        "quality_flags": ";".join([*flags, *shape.get("quality_flags", "").split(";")]).strip(";"),
    }


def moment(text: str, after: datetime | None) -> datetime | None:
    """The moment of a date-time group such as 150429Z APR 2023; one without a year is the next."""
    found = re.search(DTG, text)
    if not found or found[4] not in MONTHS or not (found[5] or after):
        return None
    day, hour, minute = (int(found[n]) for n in (1, 2, 3))
    year = int(found[5]) if found[5] else after.year if after else 0
    try:
        # 24 o'clock occurs; 60 minutes do not.
        told = datetime(year + 2000 * (year < 100), MONTHS.index(found[4]) + 1, day, tzinfo=UTC)
        told += timedelta(hours=hour, minutes=minute)
        if found[5] or after is None or told >= after:
            return told
        return told.replace(year=told.year + 1)
    except (ValueError, OverflowError):
        return None


def _ends(record: object, text: str, issued: datetime | None) -> tuple[datetime | None, list[str]]:
    """When it ends: as told by a field, else by the last line of its text; None while open."""
    told = moment(word(held(record, "cancelDate")).upper(), issued)
    if told:
        return told, []
    ends = [moment(found.group(), issued) for found in EXPIRY.finditer(text)]
    known = [end for end in ends if end]
    return (known[-1], ["inferred_expiry"]) if known else (None, [])


def severity_of(text: str, issued: datetime | None, now: datetime) -> tuple[int, str, str]:
    """Severity, subtype and the rule, by keyword; what is old or announced counts less."""
    flat = " ".join(text.split())
    matches = ((s, n) for s, n, pattern in RULES if pattern.search(flat))
    subtype, severity = next(matches, ("other", 0))
    basis = f"keyword {subtype} = {severity}"
    if severity > 2 and ANNOUNCED.search(flat):
        severity, basis = 2, f"{basis}, announced exercise at most 2"
    age = (now - issued).days if issued else 0
    if severity and age > OLD_D:
        severity, basis = severity - 1, f"{basis}, {age} days old -1"
    return severity, subtype, basis


def shape_of(text: str) -> dict[str, Any]:
    """Where the warning holds, as columns of the event table; nothing when it gives no position."""
    groups = _joined(_groups(text))
    singles = [place for group in groups if group.mode == "points" for place in group.places]
    kept, shapes, flags = set(singles[:MAX_POINTS]), [], []
    for group in groups:
        shapes += _shapes(group, kept)
    if len(singles) > MAX_POINTS:
        flags.append("truncated")
    wkt = together(shapes)
    if not wkt:
        return {"quality_flags": "unplaced"}
    flat = "POLYGON" in wkt
    near = 10.0 if "VICINITY" in text else 1.0
    return {
        "wkt": wkt,
        "geom_role": "warning_area" if flat else "event",
        "geom_precision_km": near,
        "quality_flags": ";".join(flags),
    }


def _groups(text: str) -> list[_Group]:
    """The positions of a text in the groups its words and letters make."""
    groups, corners = [_Group()], 0
    for found in TOKEN.finditer(text):
        last = groups[-1]
        if found["position"]:
            place = _position(found)
            corners += 1
            if place and corners <= MAX_CORNERS:
                last.places.append(place)
            if found["stop"] and last.mode == "area":
                groups.append(_Group(last.mode, last.radius_km, last.paragraph))
        elif found["paragraph"]:
            groups.append(_Group(paragraph=last.paragraph + 1))
        elif found["label"]:
            groups.append(_Group(last.mode, last.radius_km, last.paragraph))
        elif found["count"]:
            groups.append(_Group("points", _radius_km(found), last.paragraph))
        else:
            mode = "area" if found["area"] else "line"
            groups.append(_Group(mode, 0.0, last.paragraph))
    return [group for group in groups if group.places]


def _joined(groups: Iterable[_Group]) -> list[_Group]:
    """Groups, the corners of an area that are lettered one by one being joined to one ring."""
    joined: list[_Group] = []
    for group in groups:
        last = joined[-1] if joined else None
        alone = group.mode == "area" and len(group.places) == 1
        if alone and last and last.mode == "corners" and last.paragraph == group.paragraph:
            last.places += group.places
        else:
            joined.append(_Group("corners", 0.0, group.paragraph, group.places) if alone else group)
    return joined


def _shapes(group: _Group, kept: set[tuple[float, float]]) -> list[str]:
    ring = list(group.places)
    if group.mode in {"area", "corners"} and len(ring) > 2:
        area = areas([ring])
        if area:
            return [area]
    if group.mode != "points" and len(ring) > 1:
        return [line(ring)]
    if group.mode != "points":
        return [point(*place) for place in ring]
    return [circle(*place, group.radius_km) for place in ring if place in kept]


def _position(found: re.Match[str]) -> tuple[float, float] | None:
    """Longitude and latitude of a match; None for what lies on no globe."""
    values = [float(part or 0) for part in found.groups()[1:4] + found.groups()[5:8]]
    if max(values[1], values[2], values[4], values[5]) >= 60:
        return None
    lat, lon = (d + m / 60 + s / 3600 for d, m, s in (values[:3], values[3:]))
    if lat > 90 or lon > 180:
        return None
    south, west = found.groups()[4] == "S", found.groups()[8] == "W"
    return round(-lon if west else lon, 6), round(-lat if south else lat, 6)


def _radius_km(found: re.Match[str]) -> float:
    count = found["count"]
    told = float(COUNTS.index(count)) if count in COUNTS else number(count) or 0.0
    return min(told * UNITS.get(found["unit"][:2], 0.0), 1000.0)


def _heading(text: str) -> list[str]:
    """The lines that say which sea and country, above the message."""
    lines = [row.strip() for row in text.splitlines() if row.strip()]
    ends = (i for i, row in enumerate(lines) if CHART.fullmatch(row) or not row.endswith("."))
    return lines[: next(ends, 0)]


def _countries(text: str) -> list[str]:
    names = [name for row in _heading(text) for name in re.split(r" TO |,| AND ", row[:-1])]
    return list(dict.fromkeys(filter(None, map(country, names))))


def _title(id: str, text: str) -> str:
    area, year, count = id.split("-", 2)
    lines = [row for row in text.splitlines() if not CHART.fullmatch(row)]
    told = re.sub(r"\s1\. ", " ", " ".join(" ".join(lines).split()), count=1)
    return f"{AREA.get(area, area)} {count}/{year}: {told[:150]}"
