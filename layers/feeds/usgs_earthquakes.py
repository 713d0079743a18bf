"""USGS: earthquakes of magnitude 4.5 and more of the week, with PAGER's estimate of the damage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from layers.errors import FeedError
from layers.markup import parse_json
from layers.places import point
from layers.source import Answer, Look, Parsed, Request, Source, conclude
from layers.values import epoch_ms, held, link, number, word

ID = "usgs_earthquakes"
SUMMARY = "https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/"
SOURCE = Source(
    id=ID,
    title="Earthquakes of the week",
    publisher="United States Geological Survey",
    licence="public domain (work of the United States government)",
    attribution="U.S. Geological Survey, Earthquake Hazards Program",
    homepage="https://earthquake.usgs.gov/earthquakes/map/",
    requests=(
        Request(SUMMARY + "4.5_week.geojson"),
        Request(SUMMARY + "significant_month.geojson"),
    ),
    every=timedelta(minutes=15),
    stale_after=timedelta(days=2),
    # A week without 20 of these has not been: some 130 are usual.
    expected_min=20,
    look=Look("hazard"),
)
PAGER = {"red": 4, "orange": 3, "yellow": 2}
MAGNITUDES = ((7.0, 3), (6.0, 2), (5.0, 1))
MAN_MADE = {
    "quarry blast",
    "mining explosion",
    "chemical explosion",
    "explosion",
    "sonic boom",
    "acoustic noise",
    "experimental explosion",
}
LOCATED_KM = 10.0


def parse(answers: Sequence[Answer]) -> Parsed:
    """One row an earthquake, the last word on it; what the publisher took back is cancelled."""
    skipped: Counter[str] = Counter()
    records = [(feature, answer) for answer in answers for feature in _features(answer)]
    rows = []
    for row in [_row(feature, answer) for feature, answer in records]:
        if isinstance(row, str):
            skipped[row] += 1
        else:
            rows.append(row)
    kept = _merged(rows)
    skipped["the same earthquake under another id or in another list"] += len(rows) - len(kept)
    return conclude(SOURCE, kept, len(records), +skipped)


def _features(answer: Answer) -> list[object]:
    """The features of a list, or the one of an event's own page."""
    body = parse_json(ID, answer.body)
    if held(body, "type") == "Feature":
        return [body]
    features = held(body, "features")
    if held(body, "type") != "FeatureCollection" or not isinstance(features, list):
        raise FeedError(ID, "missing_key: no features")
    return features


def _row(feature: object, answer: Answer) -> dict[str, Any] | str:
    """A row of the event table, or why there is none."""
    said = held(feature, "properties")
    id = word(held(feature, "id"), most=60)
    at, updated = epoch_ms(held(said, "time")), epoch_ms(held(said, "updated"))
    kind = word(held(said, "type"), most=60) or "earthquake"
    deleted = held(said, "status") == "deleted"
    lon, lat, depth = (number(held(feature, "geometry", "coordinates", i)) for i in range(3))
    wkt = point(lon, lat)
    graded = _severity(said)
    if not id:
        return "no id"
    if kind.lower() in MAN_MADE:
        return "made by man: a blast or a boom"
    if at is None:
        return "no time"
    if graded is None and not deleted:
        return "no magnitude and no PAGER alert"
    severity, basis = graded or (0, "taken back by the publisher -> 0")
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{ID}:{id}",
        "source_id": id,
        "source_url": link(held(said, "url")) or SOURCE.homepage,
        "kind": "hazard",
        "subtype": kind,
        "title": word(held(said, "title")) or f"{kind} {id}",
        "summary": " ".join(
            [word(held(said, "place"))] + ([f"Depth {depth:g} km."] if depth is not None else [])
        ),
        "status": "cancelled" if deleted else "active",
        "msg_type": "cancel" if deleted else "alert",
        "severity": severity,
        "severity_basis": basis,
        "severity_native": " ".join(
            f"{name}={word(held(said, name)) or number(held(said, name))}"
            for name in ("mag", "alert", "tsunami", "sig")
            if held(said, name) is not None
        ),
        "certainty": "observed" if held(said, "status") == "reviewed" else "likely",
        "urgency": "Past",
        "onset_at": at,
        "ends_at": at,  # a shock is over when it is known; what it does after decays from here
        "published_at": at,
        "updated_at": updated,
        "content_as_of": updated or at,
        "wkt": wkt,
        "geom_role": "event" if wkt else "none",
        "geom_precision_km": LOCATED_KM if wkt else None,
        "metric_name": "magnitude",
        "metric_value": number(held(said, "mag")),
        "metric_unit": word(held(said, "magType"), most=10) or "magnitude",
        "quality_flags": ";".join(
            [f"alias:{other}" for other in _ids(said) if other != id]
            + ["automatic"] * (held(said, "status") == "automatic")
        ),
        "parser_version": "1",
    }


def _severity(said: object) -> tuple[int, str] | None:
    """Severity and the rule that set it; None when nothing tells it."""
    alert, magnitude = held(said, "alert"), number(held(said, "mag"))
    if isinstance(alert, str) and alert in PAGER:
        severity, basis = PAGER[alert], f"PAGER {alert} -> {PAGER[alert]}"
    elif magnitude is None:
        return None
    else:
        rule = next(((m, s) for m, s in MAGNITUDES if magnitude >= m), None)
        severity = rule[1] if rule else 0
        bound = f"M {magnitude:g} >= {rule[0]:g}" if rule else f"M {magnitude:g} < 5"
        basis = f"{bound} -> {severity}"
    if number(held(said, "tsunami")) == 1:
        severity, basis = min(severity + 1, 4), f"{basis}; tsunami=1 -> +1"
    return severity, basis


def _ids(said: object) -> list[str]:
    """All ids the networks gave it: `,us7000abcd,ci4000,`."""
    return [id for id in word(held(said, "ids"), most=1000).split(",") if id]


def _merged(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for those that share an id: when networks merge, the id of an event changes."""
    newest_first = sorted(rows, key=lambda row: row["content_as_of"], reverse=True)
    kept: list[dict[str, Any]] = []
    known: set[str] = set()
    for row in newest_first:
        flags = row["quality_flags"].split(";")
        ids = {row["source_id"], *(f[6:] for f in flags if f.startswith("alias:"))}
        if not ids & known:
            kept.append(row)
        known |= ids
    return kept
