"""EIA: prices and stocks of oil and gas, for who has a (free) key; events are unusual moves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import log, sqrt
from typing import Any

from layers.errors import FeedError
from layers.markup import parse_json
from layers.source import Answer, Parsed, Request, Source, conclude
from layers.values import held, iso, number, word

ID = "eia_series"


@dataclass(frozen=True)
class Series:
    """What one series measures."""

    metric: str
    unit: str
    commodity: str
    is_price: bool


SERIES = {
    "PET.RBRTE.D": Series("price_brent", "USD/bbl", "crude_oil", True),
    "NG.RNGWHHD.D": Series("price_henry_hub", "USD/MMBtu", "lng", True),
    "PET.EER_EPD2F_PF4_Y35NY_DPG.D": Series("price_heating_oil", "USD/gal", "products", True),
    "PET.WCESTUS1.W": Series("stocks_crude_us", "thousand bbl", "crude_oil", False),
    "NG.NW2_EPG0_SWO_R48_BCF.W": Series("stocks_gas_us", "Bcf", "lng", False),
}
ROWS = 400
PAGE = 5000
MOVE, YEAR, FEWEST = 5, 250, 60  # in observations
DEVIATIONS = ((4.0, 3), (3.0, 2), (2.0, 1))
_IN_ADDRESS = re.compile(r"/seriesid/([A-Z0-9_.-]{3,60})", re.I)

SOURCE = Source(
    id=ID,
    title="Oil and gas prices and stocks",
    publisher="U.S. Energy Information Administration",
    licence="public domain (work of the United States government)",
    attribution="U.S. Energy Information Administration",
    homepage="https://www.eia.gov/opendata/",
    requests=tuple(
        Request(
            f"https://api.eia.gov/v2/seriesid/{id}",
            {"api_key": "{EIA_API_KEY}", "num": str(ROWS), "length": str(ROWS)},
        )
        for id in SERIES
    ),
    every=timedelta(hours=12),
    stale_after=timedelta(days=10),
    expected_min=100,
    needs=("EIA_API_KEY",),
)


def parse(answers: Sequence[Answer]) -> Parsed:
    """Observations of every series, and an event where a price's last five-day move is unusual."""
    skipped: Counter[str] = Counter()
    observations: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    count = 0
    for answer in answers:
        id, records = _series_id(answer), _records(answer)
        count += len(records)
        if id not in SERIES:
            skipped[f"series {word(id)} is not one asked for"] += len(records)
            continue
        values: dict[datetime, float] = {}
        for record in records:
            at, value = iso(held(record, "period"), zone=UTC), number(held(record, "value"))
            if at is None or value is None:  # a missing value is null or blank, never zero
                skipped["no day" if at is None else "no value"] += 1
                continue
            skipped["the same day again"] += at in values
            values[at] = value
        observations += [_observation(id, at, value, answer) for at, value in values.items()]
        events += _move(id, sorted(values.items()), answer)
    return conclude(SOURCE, events, count, +skipped, observations)


def _series_id(answer: Answer) -> str:
    """The series an answer is of: by its address, or by the command it repeats."""
    command = word(held(parse_json(ID, answer.body), "request", "command"))
    match = _IN_ADDRESS.search(answer.url) or _IN_ADDRESS.search(command)
    return match[1].upper() if match else ""


def _records(answer: Answer) -> list[object]:
    body = parse_json(ID, answer.body)
    if isinstance(body, dict) and "error" in body:
        said = held(body, "error", "message") or held(body, "error")
        raise FeedError(ID, f"error_in_200: {word(said) or 'no reason given'}")
    records = held(body, "response", "data")
    if not isinstance(records, list):
        raise FeedError(ID, "missing_key: no response.data")
    total = number(held(body, "response", "total"))
    if len(records) >= PAGE and total is not None and total > len(records):
        raise FeedError(ID, f"truncated: {len(records)} of {total:g} rows")
    return records


def _observation(id: str, at: datetime, value: float, answer: Answer) -> dict[str, Any]:
    return {
        "series": f"{ID}:{id}",
        "element": "",
        "metric": SERIES[id].metric,
        "unit": SERIES[id].unit,
        "observed_at": at,
        "value": value,
        "source": ID,
        "retrieved_at": answer.retrieved_at,
        "quality_flags": "",
    }


def _move(
    id: str, values: Sequence[tuple[datetime, float]], answer: Answer
) -> list[dict[str, Any]]:
    """The event of an unusual last move of a price, against the moves of the year before it."""
    recent = values[-(YEAR + MOVE) :]
    if not SERIES[id].is_price or len(recent) < FEWEST or any(value <= 0 for _, value in recent):
        return []
    moves = [log(b[1]) - log(a[1]) for a, b in zip(recent, recent[MOVE:], strict=False)]
    before = moves[:-1]
    mean = sum(before) / len(before)
    spread = sqrt(sum((move - mean) ** 2 for move in before) / (len(before) - 1))
    z = (moves[-1] - mean) / spread if spread > 1e-9 else 0.0
    rule = next(((bound, s) for bound, s in DEVIATIONS if abs(z) > bound), None)
    if rule is None:
        return []
    at, series = recent[-1][0], SERIES[id]
    change = 100 * (recent[-1][1] / recent[-1 - MOVE][1] - 1)
    return [
        {
            **SOURCE.stamp(answer),
            "event_uid": f"{ID}:{id}:{at:%Y-%m-%d}",
            "source_id": f"{id}:{at:%Y-%m-%d}",
            "kind": "price_move",
            "subtype": series.metric,
            "title": f"{series.metric}: {change:+.1f} % in five days",
            "summary": f"From {recent[-1 - MOVE][1]:g} to {recent[-1][1]:g} {series.unit}.",
            "severity": rule[1],
            "severity_basis": f"|z| {abs(z):.2f} of 5-day move vs 1 y > {rule[0]:g} -> {rule[1]}",
            "severity_native": f"{change:+.1f} %",
            "certainty": "observed",
            "onset_at": recent[-1 - MOVE][0],
            "ends_at": at + timedelta(days=1),
            "content_as_of": at,
            "time_precision": "range",
            "commodities": series.commodity,
            "metric_name": "z_5d",
            "metric_value": z,
            "metric_unit": "standard deviations",
            "baseline_value": mean,
            "baseline_window": f"{len(before)} moves before",
            "direction": "above" if z > 0 else "below",
            "parser_version": "1",
        }
    ]
