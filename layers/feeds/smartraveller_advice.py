"""Smartraveller: the advice level of the Australian government for every destination."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from layers.errors import FeedError
from layers.markup import parse_json
from layers.places import country
from layers.source import ON_LAND, Answer, Look, Parsed, Request, Source, conclude
from layers.values import held, iso, link, number, word

ID = "smartraveller_advice"
SOURCE = Source(
    id=ID,
    title="Smartraveller travel advice",
    publisher="Australian Department of Foreign Affairs and Trade",
    licence="CC BY 4.0",
    attribution="Smartraveller, Commonwealth of Australia, CC BY 4.0",
    homepage="https://www.smartraveller.gov.au/destinations",
    requests=(Request("https://www.smartraveller.gov.au/destinations-export"),),
    every=timedelta(hours=6),
    stale_after=timedelta(days=7),
    expected_min=150,
    hosts=("smartraveller.gov.au",),
    read_timeout_s=60.0,  # answers in 30 to 45 s are usual
    look=Look("advice", ON_LAND),
)
SEVERITY = {4: 4, 3: 3, 2: 1, 1: 0}
WORDS = (
    ("do not travel", 4),
    ("reconsider", 3),
    ("high degree of caution", 2),
    ("normal safety precautions", 1),
)
CANBERRA = timezone(timedelta(hours=10))  # an hour late in summer; days are what counts here
_CHANGED = re.compile(r"(?:\w{3}, )?(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}))?.*", re.S)


def parse(answers: Sequence[Answer]) -> Parsed:
    """One row a destination; advice is a government's own and is never merged with another's."""
    skipped: Counter[str] = Counter()
    rows: dict[str, dict[str, Any]] = {}
    count = 0
    for answer in answers:
        for record in _destinations(answer):
            count += 1
            row = _row(record, answer)
            if isinstance(row, str):
                skipped[row] += 1
            else:
                skipped["the same destination again"] += row["event_uid"] in rows
                rows[row["event_uid"]] = row
    return conclude(SOURCE, list(rows.values()), count, +skipped)


def _destinations(answer: Answer) -> list[object]:
    """The destinations: a bare list, or one within an object."""
    body = parse_json(ID, answer.body)
    if isinstance(body, list):
        return body
    for name in ("countries", "destinations", "data"):
        inside = held(body, name)
        if isinstance(inside, list):
            return inside
    raise FeedError(ID, "missing_key: no list of destinations")


def _row(record: object, answer: Answer) -> dict[str, Any] | str:
    """A row of the event table, or why there is none."""
    name = word(held(record, "title")) or word(held(record, "name"))
    level = _level(record)
    updated = _moment(held(record, "changed")) or _moment(held(record, "updated"))
    if not name:
        return "no name"
    if level is None:
        return "no level from 1 to 4"
    if updated is None:
        return "no date"
    code = word(held(record, "iso3"), most=3).upper() or country(name)
    worse = [p for p in _list(held(record, "subRegions")) if (_number(p) or 0) > level]
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{ID}:{code or name}",
        "source_id": code or name,
        "source_url": link(held(record, "field_url"))
        or link(held(record, "url"))
        or SOURCE.homepage,
        "kind": "advisory",
        "subtype": "travel",
        "title": f"{name}: level {level}, {WORDS[4 - level][0]}",
        "summary": _first_text(record, "summary", "field_last_update", "latestUpdate"),
        "msg_type": "update",
        "severity": SEVERITY[level],
        "severity_basis": f"Smartraveller level {level} -> {SEVERITY[level]}",
        "severity_native": _first_text(record, "field_overall_advice_level", "levelLabel")
        or f"level {level}",
        "certainty": "likely",
        "onset_at": updated,
        "updated_at": updated,
        "content_as_of": updated,
        "time_precision": "day",
        "countries": code,
        # The rule is of the whole country; that parts are worse is said, not mixed in.
        "quality_flags": f"higher_level_in_parts:{max(map(_worth, worse))}" if worse else "",
        "parser_version": "1",
    }


def _level(record: object) -> int | None:
    """1 to 4, from a number or from the official wording."""
    found = _number(record)
    if found is not None:
        return found if found in SEVERITY else None
    text = _first_text(record, "field_overall_advice_level", "levelLabel").lower()
    return next((level for phrase, level in WORDS if phrase in text), None)


def _number(record: object) -> int | None:
    found = number(held(record, "level"))
    return int(found) if found is not None and found.is_integer() else None


def _worth(record: object) -> int:
    return _number(record) or 0


def _moment(value: object) -> datetime | None:
    """A date, or a time of Canberra such as `Fri, 2025-11-14 14:22`, or ISO 8601; UTC."""
    exact = iso(value)
    if exact is not None:
        return exact
    match = _CHANGED.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return None
    return iso(f"{match[1]}T{match[2]}", zone=CANBERRA) if match[2] else iso(match[1], zone=UTC)


def _first_text(record: object, *names: str) -> str:
    texts = (held(record, name) for name in names)
    return next((text for text in texts if isinstance(text, str) and text), "")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
