"""ACLED: conflict events, for who has an account; off without one, and never exported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from layers.errors import FeedError
from layers.markup import parse_json
from layers.places import country, point
from layers.source import Answer, Look, Parsed, Request, Source, conclude
from layers.values import held, iso, link, number, word

ID = "acled_events"
READ = "https://acleddata.com/api/acled/read"
TOKEN = "ACLED_TOKEN"  # the name of the variable, from POST acleddata.com/oauth/token; a day long
PAGE = 5000
WINDOW_D = 30
DEATHS = ((100, 4), (25, 3), (5, 2), (1, 1))
SPREAD_KM = {1: 5.0, 2: 25.0, 3: 100.0}
"""Uncertainty of a place, km, by ACLED's geo_precision: place, part of a region, region."""


def requests(now: datetime) -> list[Request]:
    """The last days, again and again, since events are edited and deleted later."""
    window = f"{now.date() - timedelta(days=WINDOW_D)}|{now.date()}"
    query = {"_format": "json", "event_date": window, "event_date_where": "BETWEEN"}
    query |= {"limit": str(PAGE), "page": "1"}
    return [Request(READ, query, {"Authorization": f"Bearer {{{TOKEN}}}"})]


def next_page(request: Request, answer: Answer) -> Request | None:
    """The next page after a full one."""
    if len(_events(answer)) < PAGE:
        return None
    return replace(request, params={**request.params, "page": str(int(request.params["page"]) + 1)})


SOURCE = Source(
    id=ID,
    title="ACLED conflict events",
    publisher="Armed Conflict Location & Event Data",
    licence="ACLED terms of use: for the account holder, events may not be published",
    attribution="ACLED, acleddata.com",
    homepage="https://acleddata.com",
    requests=requests,
    every=timedelta(days=1),
    stale_after=timedelta(days=14),
    expected_min=100,
    redistribute=False,
    needs=(TOKEN,),
    next_page=next_page,
    look=Look("security"),
)


def parse(answers: Sequence[Answer]) -> Parsed:
    """One row an event, the last edit of it."""
    skipped: Counter[str] = Counter()
    rows: dict[str, dict[str, Any]] = {}
    pages = [(_events(answer), answer) for answer in answers]
    if pages and len(pages[-1][0]) >= PAGE:
        raise FeedError(ID, f"truncated: the last page is full, {PAGE} events")
    for events, answer in pages:
        for event in events:
            row = _row(event, answer)
            if isinstance(row, str):
                skipped[row] += 1
                continue
            uid = row["event_uid"]
            skipped["an older or equal edit of the same event"] += uid in rows
            if uid not in rows or row["content_as_of"] > rows[uid]["content_as_of"]:
                rows[uid] = row
    return conclude(SOURCE, list(rows.values()), sum(len(events) for events, _ in pages), +skipped)


def _events(answer: Answer) -> list[object]:
    """The events of a page; a refusal comes with status 200 too."""
    body = parse_json(ID, answer.body)
    if held(body, "success") is False or held(body, "error"):
        why = word(held(body, "message")) or word(held(body, "error")) or "no reason given"
        raise FeedError(ID, f"error_in_200: {why}")
    events = held(body, "data")
    if not isinstance(events, list):
        raise FeedError(ID, "missing_key: no data")
    return events


def _row(event: object, answer: Answer) -> dict[str, Any] | str:
    """A row of the event table, or why there is none; numbers come as strings."""
    id = word(held(event, "event_id_cnty"), most=40)
    day = iso(held(event, "event_date"), zone=UTC)
    deaths = number(held(event, "fatalities"))
    precision = number(held(event, "geo_precision"))
    wkt = point(number(held(event, "longitude")), number(held(event, "latitude")))
    if not id:
        return "no id"
    if day is None:
        return "no date"
    edited = number(held(event, "timestamp"))
    edited_at = iso(_from_seconds(edited)) if edited is not None else None
    bound, severity = next(((n, s) for n, s in DEATHS if (deaths or 0) >= n), (0, 0))
    known = "unknown" if deaths is None else f"{deaths:g}"
    kind = word(held(event, "event_type"), most=60)
    detail = word(held(event, "sub_event_type"), most=60)
    place = word(held(event, "location"), most=80)
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{ID}:{id}",
        "source_id": id,
        "source_url": link(held(event, "source_url")) or SOURCE.homepage,
        "kind": "conflict",
        "subtype": detail or kind,
        "title": f"{kind}: {detail}, {place}",
        "summary": word(held(event, "notes"), most=500),
        "status": "ended",
        "severity": severity,
        "severity_basis": f"fatalities {known} >= {bound} -> {severity}",
        "severity_native": kind,
        "certainty": "likely",
        "urgency": "Past",
        "onset_at": day,
        "ends_at": day + timedelta(days=1),
        "updated_at": edited_at,
        "content_as_of": edited_at or day,
        "time_precision": "day",
        "wkt": wkt if precision != 3 else "",  # a region's centre is no place
        "geom_role": "event" if wkt and precision != 3 else "none",
        "geom_precision_km": SPREAD_KM.get(int(precision)) if precision else None,
        "countries": country(held(event, "country")),
        "casualties_best": deaths,
        "quality_flags": "no_fatalities_given" if deaths is None else "",
        "parser_version": "1",
    }


def _from_seconds(count: float) -> str:
    """ISO 8601 of seconds since 1970; empty when out of range."""
    if not 0 < count < 7e9:
        return ""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=count)).isoformat()
