"""UCDP candidate events: organised violence of the last months, coded by hand.

The interface wants a token; the files do not. Their names hold the month, so the page that lists
them is read first and never guessed: ``GEDEvent_v26_0_8.csv`` is August 2026,
``GEDEvent_v26_01_26_06.csv`` is January to June.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from layers.errors import FeedError
from layers.feeds.ofac_sdn import csv_rows
from layers.geo import distance_km
from layers.markup import looks_like_html
from layers.places import country, point
from layers.source import Answer, Look, Parsed, Request, Source, Walk, conclude, walk
from layers.values import iso, number, word

FOLDER = "https://ucdp.uu.se/downloads"
LINK = re.compile(rb"candidateged/(GEDEvent_v(\d\d)_(\d{1,2})(?:_(\d\d))?_(\d{1,2})\.csv)")
MOST_FILES = 12


def next_page(request: Request, answer: Answer) -> Request | None:
    """The newest file of whole quarters and those of the months after it, newest first."""
    if isinstance(request, Walk):
        return walk(request.rest)
    monthly: dict[tuple[int, int], str] = {}
    quarters: dict[tuple[int, int], str] = {}
    for name, year, first, second, month in LINK.findall(answer.body):
        if second:
            quarters[int(second), int(month)] = name.decode()
        elif int(first) == 0:
            monthly[int(year), int(month)] = name.decode()
    base = max(quarters, default=(0, 0))
    chosen = [monthly[key] for key in sorted(monthly, reverse=True) if key > base][:MOST_FILES]
    chosen += [quarters[base]] if quarters else []
    return walk([Request(f"{FOLDER}/candidateged/{name}") for name in chosen])


SOURCE = Source(
    id="ucdp_candidate",
    title="UCDP Candidate Events",
    publisher="Uppsala Conflict Data Program",
    licence="CC BY 4.0",
    attribution="UCDP Candidate Events Dataset, Hegre et al. (2020); Sundberg and Melander (2013)",
    homepage="https://ucdp.uu.se/downloads/",
    requests=[Request(f"{FOLDER}/index.html")],
    every=timedelta(days=1),
    # A month comes out within the next one.
    stale_after=timedelta(days=70),
    expected_min=200,
    next_page=next_page,
    look=Look("security"),
)
NEEDED = ("id", "date_start", "date_end", "latitude", "longitude", "where_prec", "best")
VIOLENCE = {"1": "state_based", "2": "non_state", "3": "one_sided"}
SPREAD_KM = {1: 2.0, 2: 25.0, 3: 50.0, 4: 150.0, 5: 100.0}
"""How far the point may stand for the event, by precision; 6 and 7, which say no more than the
country or the ocean, give no point."""
BANDS = [(100.0, 4), (25.0, 3), (5.0, 2), (1.0, 1)]
WINDOW_D, NEAR_KM = 30, 100.0
UNKNOWN = datetime(1900, 1, 2, tzinfo=UTC)
PRECISION = {1: "day", 2: "range", 3: "range", 4: "month", 5: "range"}


def parse(answers: Sequence[Answer]) -> Parsed:
    """One row an event; severity counts the deaths near it in the 30 days up to it."""
    found: dict[str, tuple[Mapping[str, str], Answer]] = {}
    skipped: Counter[str] = Counter()
    count = 0
    files = [answer for answer in answers if not _is_page(answer)]
    if not files:
        raise FeedError(SOURCE.id, "missing_link: the page of downloads lists no candidate file")
    for answer in files:
        for row in _records(answer):
            count += 1
            fault = _fault(row)
            if fault or row["id"] in found:
                skipped[fault or "in a newer file too"] += 1
            else:
                found[row["id"]] = (row, answer)
    deaths = _deaths_near([row for row, _ in found.values()])
    newest = max((_day(row["date_end"]) or UNKNOWN for row, _ in found.values()), default=None)
    events = [
        {**_event(row, answer, near), "content_as_of": newest}
        for (row, answer), near in zip(found.values(), deaths, strict=True)
    ]
    return conclude(SOURCE, events, count, skipped)


def _is_page(answer: Answer) -> bool:
    return looks_like_html(answer.body) or LINK.search(answer.body) is not None


def _records(answer: Answer) -> list[dict[str, str]]:
    rows = csv_rows(SOURCE.id, answer.body)
    names = [name.strip().lower() for name in rows[0]] if rows else []
    missing = [name for name in NEEDED if name not in names]
    if missing:
        heading = ",".join(names)[:200]
        raise FeedError(SOURCE.id, f"renamed_field: no {', '.join(missing)} among {heading}")
    return [
        dict(zip(names, row, strict=True)) if len(row) == len(names) else {} for row in rows[1:]
    ]


def _day(text: str) -> datetime | None:
    """The day of ``2026-05-05 00:00:00.000``, UTC."""
    return iso(text[:10], zone=UTC)


def _fault(row: Mapping[str, str]) -> str:
    if not row:
        return "not as many columns as the heading"
    if not row["id"].strip():
        return "no id (a row of tags)"
    start, end = _day(row["date_start"]), _day(row["date_end"])
    if start is None or end is None or end < start:
        return "no date, or an end before its start"
    best = number(row["best"])
    return "no count of deaths" if best is None or best < 0 else ""


def _place(row: Mapping[str, str]) -> tuple[float, float] | None:
    """Longitude and latitude; None for an event placed no better than by country."""
    lon, lat = number(row["longitude"]), number(row["latitude"])
    if lon is None or lat is None or number(row["where_prec"]) not in SPREAD_KM:
        return None
    return (lon, lat) if abs(lon) <= 180 and abs(lat) <= 90 else None


def _deaths_near(rows: Sequence[Mapping[str, str]]) -> list[float]:
    """Deaths within 100 km in the 30 days up to each event; only its own when it has no place."""
    places = [_place(row) for row in rows]
    best = np.array([number(row["best"]) or 0.0 for row in rows])
    day = np.array([(_day(row["date_start"]) or UNKNOWN).toordinal() for row in rows])
    lon, lat = (np.array([p[axis] if p else np.nan for p in places]) for axis in (0, 1))
    order = np.argsort(day, kind="stable")
    sorted_day = day[order]
    total = best.copy()
    for at, place in enumerate(places):
        if place:
            since = np.searchsorted(sorted_day, day[at] - WINDOW_D, side="right")
            near = order[since : np.searchsorted(sorted_day, day[at], side="right")]
            close = distance_km(lon[near], lat[near], *place) <= NEAR_KM
            total[at] = best[near][close].sum()
    return [float(deaths) for deaths in total]


def _event(row: Mapping[str, str], answer: Answer, near: float) -> dict[str, Any]:
    place, best = _place(row), number(row["best"]) or 0.0
    where = int(number(row["where_prec"]) or 0)
    severity = next((s for least, s in BANDS if near >= least), 0)
    start, end = _day(row["date_start"]), _day(row["date_end"])
    who = row.get("dyad_name") or row.get("conflict_name") or "organised violence"
    iso3 = word(row.get("iso3")) or country(row.get("country"))
    said = [row.get(k) for k in ("where_description", "where_coordinates", "source_headline")]
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{SOURCE.id}:{row['id'].strip()}",
        "source_id": row["id"].strip(),
        "source_url": f"https://ucdp.uu.se/event/{row['id'].strip()}",
        "kind": "conflict",
        "subtype": VIOLENCE.get(row.get("type_of_violence", ""), "unknown"),
        "title": f"{row.get('country', '')}: {who}, {best:g} killed",
        "summary": "; ".join(filter(None, said)),
        "status": "ended",
        "severity": severity,
        "severity_basis": f"{near:g} killed within {NEAR_KM:g} km in {WINDOW_D} d = {severity}",
        "certainty": "observed" if row.get("event_clarity", "1") == "1" else "likely",
        "onset_at": start,
        "ends_at": end + timedelta(days=1) if end else None,
        "time_precision": PRECISION.get(int(number(row.get("date_prec")) or 0), "range"),
        "wkt": point(*place) if place else "",
        "geom_precision_km": SPREAD_KM.get(where) if place else None,
        "geom_role": ("event" if where <= 3 else "centroid") if place else "none",
        "countries": iso3,
        "metric_name": "deaths_30d_100km",
        "metric_value": near,
        "metric_unit": "people",
        "casualties_best": best,
        "casualties_low": number(row.get("low")),
        "casualties_high": number(row.get("high")),
        "confidence": 0.8,
        "quality_flags": "" if place else "unplaced",
    }
