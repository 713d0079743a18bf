"""Stage of the Mississippi at St. Louis, the gauge that sets how deep grain barges may load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from layers.errors import FeedError
from layers.feeds.wsv_kaub import low_water, readings
from layers.markup import parse_json
from layers.source import Answer, Parsed, Request, Source, conclude
from layers.values import held, iso, number

SOURCE = Source(
    id="nws_st_louis",
    title="Stage of the Mississippi at St. Louis",
    publisher="US National Weather Service (National Water Prediction Service, gauge EADM7)",
    licence="US public domain",
    attribution="NOAA National Water Prediction Service",
    homepage="https://water.noaa.gov/gauges/eadm7",
    requests=[Request("https://api.water.noaa.gov/nwps/v1/gauges/eadm7/stageflow/observed")],
    every=timedelta(hours=3),
    stale_after=timedelta(hours=24),
    expected_min=100,
)
BANDS = [(0.0, 1), (-2.0, 2), (-3.5, 3), (-5.0, 4)]
"""At or below so many feet, so severe. At -3.5 ft loading drafts are restricted; only six years
since the 1860s fell below -5 ft, the lowest to -6.2 ft in January 1940. The others are ours."""
MISSING = -999.0
"""Stands for no value; a stage below zero is a true one."""


def parse(answers: Sequence[Answer]) -> Parsed:
    """Stage in ft and flow in kcfs, and the low water of now or of the last weeks."""
    answer = answers[-1]
    body = parse_json(SOURCE.id, answer.body)
    records = held(body, "data")
    if not isinstance(records, list):
        raise FeedError(SOURCE.id, f"missing_key: no list data in {str(body)[:200]}")
    units = [held(body, name) for name in ("primaryUnits", "secondaryUnits")]
    if units[0] not in (None, "ft"):
        raise FeedError(SOURCE.id, f"wrong_unit: the stage comes in {str(units[0])[:20]}")
    skipped: Counter[str] = Counter()
    stage: dict[datetime, float] = {}
    flow: dict[datetime, float] = {}
    for record in records:
        at = iso(held(record, "validTime"))
        values = [number(held(record, name)) for name in ("primary", "secondary")]
        feet, kcfs = (None if v is None or v <= MISSING else v for v in values)
        if at is None or at > answer.retrieved_at + timedelta(hours=1):
            skipped["no time, or one in the future"] += 1
        elif feet is None:
            skipped["no stage (-999 or null)"] += 1
        elif at in stage:
            skipped["duplicate"] += 1
        else:
            stage[at] = feet
            if kcfs is not None and units[1] in (None, "kcfs"):
                flow[at] = kcfs
    place = {
        "source_id": "EADM7",
        "title": "Low water of the Mississippi at St. Louis",
        "assets": "river:mississippi-st-louis",
        "countries": "USA",
        "commodities": "grain",
        "wkt": "POINT (-90.1798 38.629)",
        "metric_name": "stage",
        "metric_unit": "ft",
    }
    rows = readings(SOURCE, answer, stage, series="nws:EADM7", metric="stage", unit="ft")
    rows += readings(SOURCE, answer, flow, series="nws:EADM7", metric="flow", unit="kcfs")
    events = low_water(SOURCE, answer, stage, BANDS, place)
    return conclude(SOURCE, events, len(records), skipped, rows)
