"""Water level of the Rhine at Kaub, the shallowest place between Rotterdam and the upper Rhine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from layers.errors import FeedError
from layers.markup import parse_json
from layers.source import Answer, Parsed, Request, Source, conclude
from layers.values import held, iso, number

SOURCE = Source(
    id="wsv_kaub",
    title="Water level of the Rhine at Kaub",
    publisher="Wasserstraßen- und Schifffahrtsverwaltung des Bundes (PEGELONLINE)",
    licence="DL-DE-Zero-2.0",
    attribution="WSV, PEGELONLINE",
    homepage="https://www.pegelonline.wsv.de/gast/stammdaten?pegelnr=25900700",
    requests=[
        Request(
            "https://www.pegelonline.wsv.de/webservices/rest-api/v2/stations/KAUB/W/measurements.json",
            {"start": "P30D"},
        )
    ],
    every=timedelta(hours=3),
    stale_after=timedelta(hours=12),
    # Every 15 minutes: 2,880 in 30 days.
    expected_min=200,
    hosts=("pegelonline.wsv.de",),
)
BANDS = [(78.0, 1), (60.0, 2), (40.0, 3), (25.0, 4)]
"""At or below so many cm, so severe: equivalent low water is 77 cm, the record of 2018 was 25."""
CALM = timedelta(days=1)
"""Water that was higher for less than this has not yet risen."""


def parse(answers: Sequence[Answer]) -> Parsed:
    """Readings in cm above the gauge's zero, and the low water of now or of the last weeks."""
    answer = answers[-1]
    records = parse_json(SOURCE.id, answer.body)
    if not isinstance(records, list):
        raise FeedError(SOURCE.id, f"wrong_type: {str(records)[:200]} is not a list of readings")
    skipped: Counter[str] = Counter()
    found: dict[datetime, float] = {}
    for record in records:
        # Local time with its offset, +01:00 or +02:00: without one nobody knows when that is.
        at, value = iso(held(record, "timestamp")), number(held(record, "value"))
        if at is None or value is None:
            skipped["no time with an offset or no value"] += 1
        elif at > answer.retrieved_at + timedelta(hours=1):
            skipped["time in the future"] += 1
        elif not -100 <= value <= 1200:
            skipped["value beyond any flood"] += 1
        elif at in found:
            skipped["duplicate"] += 1
        else:
            found[at] = value
    place = {
        "source_id": "KAUB",
        "title": "Low water of the Rhine at Kaub",
        "assets": "river:rhine-kaub",
        "countries": "DEU",
        "wkt": "POINT (7.765 50.085)",
        "metric_name": "water_level",
        "metric_unit": "cm",
    }
    events = low_water(SOURCE, answer, found, BANDS, place)
    rows = readings(SOURCE, answer, found, series="wsv:KAUB", metric="water_level", unit="cm")
    return conclude(SOURCE, events, len(records), skipped, rows)


def readings(
    source: Source,
    answer: Answer,
    found: Mapping[datetime, float],
    *,
    series: str,
    metric: str,
    unit: str,
) -> list[dict[str, Any]]:
    """Rows of the observation table, oldest first."""
    same: dict[str, Any] = {"series": series, "metric": metric, "unit": unit, "source": source.id}
    same["retrieved_at"] = answer.retrieved_at
    return [{**same, "observed_at": at, "value": found[at]} for at in sorted(found)]


def low_water(
    source: Source,
    answer: Answer,
    found: Mapping[datetime, float],
    bands: Sequence[tuple[float, int]],
    place: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """The low water of now, or the last one of the window as ended; none when there was none.

    One event a gauge, whose versions tell its history: an id made of the first low reading would
    change as the window moves on.

    Parameters
    ----------
    found
        Readings.
    bands
        Level at or below which it is so severe, mildest first.
    place
        Columns that name the gauge, among them ``source_id``.
    """
    low = [at for at in sorted(found) if found[at] <= bands[0][0]]
    if not low:
        return []
    starts = [low[0], *(b for a, b in pairwise(low) if b - a > CALM)]
    run = [at for at in low if at >= starts[-1]]
    newest, oldest = max(found), min(found)
    lasts = newest - run[-1] <= CALM
    level = found[run[-1]] if lasts else min(found[at] for at in run)
    severity, limit = max((s, limit) for limit, s in bands if level <= limit)
    unit = place["metric_unit"]
    return [
        {
            **source.stamp(answer),
            **place,
            "event_uid": f"{source.id}:{place['source_id']}",
            "kind": "water_level",
            "subtype": "low_water",
            "summary": f"{level:g} {unit} {'now' if lasts else 'at its lowest'}",
            "status": "active" if lasts else "ended",
            "severity": severity,
            "severity_basis": f"{level:g} {unit} <= {limit:g} {unit} = {severity}",
            "certainty": "observed",
            "geom_role": "event",
            "geom_precision_km": 1.0,
            "asset_match": "native",
            "metric_value": level,
            "baseline_value": bands[0][0],
            "direction": "below",
            "onset_at": run[0],
            "ends_at": None if lasts else run[-1],
            "updated_at": newest,
            "content_as_of": newest,
            "confidence": 0.95,
            "quality_flags": "onset_before_window" if run[0] == oldest else "",
        }
    ]
