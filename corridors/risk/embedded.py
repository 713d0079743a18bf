"""The events that come with the project: dated, sourced and flagged, for when no feed has spoken.

Each is stamped with the day it was last looked at, so nothing about it can pass for news.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from layers.events import event_frame, observation_frame
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

SOURCE = "embedded"
CONFIDENCE = {"official": 0.95, "secondary": 0.9, "estimate": 0.7, "memory": 0.5}
"""Confidence in a row by its quality: a choice."""


def embedded_events(world: World) -> pd.DataFrame:
    """The dated disruptions of ``disruptions.csv`` as events, each flagged ``embedded``.

    One without an end was open when last looked at, on the day of ``content_as_of``; nobody can
    say whether it still is. Surges of traffic and seasons have severity 0.
    """
    rows = [_event(row) for row in records(world.disruptions) if row["start"]]
    return event_frame(rows)


def embedded_observations(world: World) -> pd.DataFrame:
    """The yearly and monthly mean transits of ``transits.csv``, each flagged ``embedded``.

    Their metric is ``mean_transits``: a mean of a year is no daily count and is never judged as
    one. The moment is the last day of the period.
    """
    seen = _day(world.disruptions["as_of"].max())
    return observation_frame(
        {
            "series": f"embedded:{row['chokepoint']}:{row['period']}",
            "element": f"chokepoint:{row['chokepoint']}",
            "metric": "mean_transits",
            "unit": "calls/d",
            "observed_at": _last_day(row["period"], row["days"]),
            "value": row["transits_d"],
            "source": SOURCE,
            "retrieved_at": seen,
            "quality_flags": "embedded",
        }
        for row in records(world.transits)
    )


def _event(row: dict[str, Any]) -> dict[str, Any]:
    seen, ends = _day(row["as_of"]), _day(row["end"]) if row["end"] else None
    placed = not pd.isna(row["lon"])
    return {
        "event_uid": f"{SOURCE}:{row['disruption']}",
        "source": SOURCE,
        "source_id": row["disruption"],
        "kind": row["kind"],
        "subtype": row["subtype"],
        "title": row["name_en"],
        "summary": row["note"],
        "status": "ended" if ends else "active",
        "severity": row["severity"],
        "severity_basis": row["severity_basis"],
        "certainty": "observed",
        "onset_at": _day(row["start"]),
        "ends_at": ends,
        "published_at": _day(row["start"]),
        "retrieved_at": seen,
        "content_as_of": seen,
        "time_precision": "day",
        "wkt": f"POINT ({row['lon']:g} {row['lat']:g})" if placed else "",
        "geom_role": "event" if placed else "none",
        "assets": row["elements"],
        "asset_match": "native" if row["elements"] else "none",
        "metric_name": "" if pd.isna(row["observed_ratio"]) else "traffic_ratio",
        "metric_value": row["observed_ratio"],
        "metric_unit": "" if pd.isna(row["observed_ratio"]) else "ratio",
        "baseline_window": row["ratio_basis"],
        "direction": {"surge": "above"}.get(row["role"], "below"),
        "confidence": CONFIDENCE[row["quality"]],
        "quality_flags": f"embedded;{row['role']}",
        "attribution": row["source"],
    }


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _last_day(period: str, days: float) -> datetime:
    first = pd.Timestamp(f"{period}-01" if len(period) > 4 else f"{period}-01-01", tz="UTC")
    moment: datetime = (first + pd.Timedelta(days=days - 1)).to_pydatetime()
    return moment
