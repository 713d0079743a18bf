"""IMF PortWatch: disruptions of maritime trade, natural and man-made, with the ports they touch."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import cos, pi, radians, sqrt
from typing import Any

from layers.errors import FeedError
from layers.events import event_frame, observation_frame
from layers.feeds.portwatch_chokepoints import (
    ATTRIBUTION,
    LICENCE,
    asked,
    gathered,
    moment,
    next_page,
)
from layers.places import country, point
from layers.source import AT_SEA, Answer, Look, Parsed, Source
from layers.values import mail, number, word

SOURCE = Source(
    id="portwatch_disruptions",
    title="Disruptions of maritime trade",
    publisher="International Monetary Fund",
    licence=LICENCE,
    attribution=ATTRIBUTION,
    homepage="https://portwatch.imf.org/pages/disruptions",
    # All of it, without the outlines, which weigh 8 MB.
    requests=asked("portwatch_disruptions_database", "1=1"),
    every=timedelta(hours=3),
    # Weeks pass without a new one.
    stale_after=timedelta(days=60),
    expected_min=60,
    redistribute=False,
    next_page=next_page,
    look=Look("operations", AT_SEA),
)
MAN_MADE = "OT"
ALERT = {"RED": 3, "ORANGE": 2, "GREEN": 1}
VIOLENT = re.compile(r"attack|tension|war\b|conflict|missile|hormuz|hostil|military|seiz", re.I)
AFFECTED = re.compile(r"(?:port|chokepoint)[1-9]\d{0,4}")


def parse(answers: Sequence[Answer]) -> Parsed:
    """The disruptions; assets are PortWatch ids such as ``portwatch:chokepoint6``."""
    rows = gathered(SOURCE.id, answers)
    if not any("eventid" in row and "fromdate" in row for row in rows):
        raise FeedError(SOURCE.id, f"renamed_field: no eventid and fromdate in {len(rows)} rows")
    skipped: Counter[str] = Counter()
    events: dict[str, dict[str, Any]] = {}
    for row in rows:
        fault = _fault(row, events)
        if fault:
            skipped[fault] += 1
        else:
            events[_id(row)] = _event(row, answers[-1])
    if not events:
        raise FeedError(SOURCE.id, f"no_record: {len(rows)} rows, none usable: {dict(skipped)}")
    content = _newest(rows, answers[-1])
    table = event_frame({**event, "content_as_of": content} for event in events.values())
    return Parsed(table, observation_frame([]), len(rows), dict(skipped), content)


def _id(row: Mapping[str, Any]) -> str:
    value = number(row.get("eventid"))
    return "" if value is None else f"{value:.0f}"


def _fault(row: Mapping[str, Any], known: Iterable[str]) -> str:
    if not _id(row):
        return "no eventid"
    if moment(row.get("fromdate")) is None:
        return "no fromdate"
    return "duplicate" if _id(row) in known else ""


def _event(row: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
    onset = moment(row["fromdate"])
    assert onset is not None
    ends, flags = _end(row, onset)
    assets = [f"portwatch:{place}" for place in _affected(row)]
    kind = word(row.get("eventtype")).upper()
    severity, basis = _severity(row, kind, assets)
    title = word(row.get("htmlname")) or word(row.get("eventname"))
    told = [word(row.get(name)) for name in ("htmldescription", "severitytext", "country")]
    by_man = "security_incident" if VIOLENT.search(f"{title} {told[0]}") else "infrastructure"
    return {
        **SOURCE.stamp(answer),
        **_place(row),
        "event_uid": f"{SOURCE.id}:{_id(row)}",
        "source_id": _id(row),
        "kind": by_man if kind == MAN_MADE else "hazard",
        "subtype": kind,
        "title": title,
        "summary": " | ".join(filter(None, told)),
        "countries": ";".join(_countries(row)),
        "status": "ended" if ends and ends < answer.retrieved_at else "active",
        "severity": severity,
        "severity_basis": basis,
        "severity_native": f"{word(row.get('alertlevel'))} {told[1]}",
        "certainty": "observed",
        "onset_at": onset,
        "ends_at": ends,
        "updated_at": moment(row.get("editdate")),
        "time_precision": "day",
        "assets": ";".join(assets),
        "asset_match": "native" if assets else "none",
        "confidence": 0.9,
        "quality_flags": ";".join(flags),
    }


def _affected(row: Mapping[str, Any]) -> list[str]:
    """The ids of ports and chokepoints: "port137; port784; port896"."""
    listed = row.get("affectedports")
    parts = listed.split(";") if isinstance(listed, str) else []
    return [part.strip() for part in parts if AFFECTED.fullmatch(part.strip())]


def _countries(row: Mapping[str, Any]) -> list[str]:
    # Separated by "; ", in one row of 2026 by ", ".
    names = re.split("[;,]", row["country"]) if isinstance(row.get("country"), str) else []
    return list(dict.fromkeys(filter(None, map(country, names))))


def _end(row: Mapping[str, Any], onset: datetime) -> tuple[datetime | None, list[str]]:
    """When it ended, None while it lasts, and what is odd about its times."""
    ends, flags = moment(row.get("todate")), []
    # HORMUZ-26 of March 2026 carries the year 2019.
    if number(row.get("year")) not in (None, onset.year):
        flags.append("year_contradicts_fromdate")
    # An earthquake is over at once; a man-made disruption that ends as it begins has no end yet.
    if ends and (ends < onset or (ends == onset and word(row.get("eventtype")) == MAN_MADE)):
        return None, [*flags, "end_not_after_onset"]
    return ends, flags


def _severity(row: Mapping[str, Any], kind: str, assets: Sequence[str]) -> tuple[int, str]:
    alert = word(row.get("alertlevel")).upper()
    severity = ALERT.get(alert, 1)
    if kind == MAN_MADE and any("chokepoint" in asset for asset in assets) and severity < 3:
        return 3, "man-made and touches a chokepoint = 3"
    return severity, f"alert level {alert or 'missing'} = {severity}"


def _place(row: Mapping[str, Any]) -> dict[str, Any]:
    """The middle of the event, and the radius, km, of a disc as large as its outline."""
    lon, lat = number(row.get("long")), number(row.get("lat"))
    shape = point(lon, lat)
    if lat is None or lon == lat == 0 or not shape:
        return {}
    # The area is in square metres of Web Mercator, which swells with latitude.
    area = number(row.get("Shape__Area"))
    radius = None if area is None else sqrt(abs(area) / pi) * cos(radians(lat)) / 1000
    return {"wkt": shape, "geom_role": "centroid", "geom_precision_km": radius}


def _newest(rows: Iterable[Mapping[str, Any]], answer: Answer) -> datetime | None:
    """The last edit, or the publication as told by the server when that is later."""
    told = [moment(row.get(name)) for row in rows for name in ("editdate", "fromdate")]
    told.append(mail(answer.last_modified))
    return max((edit for edit in told if edit and edit <= answer.retrieved_at), default=None)
