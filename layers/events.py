"""The event table and the observation table: what every feed's answers are turned into.

An event is something dated and placed that may hurt; an observation is one value of a measured
series, with the moment we learned it (its vintage). Text from outside is cleaned here, once: no
markup, no control characters, bounded length.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from layers.errors import UnknownIdError

MAX_TITLE, MAX_SUMMARY = 200, 500

TEXT = [
    "event_uid",
    "source",
    "source_id",
    "source_url",
    "kind",
    "subtype",
    "title",
    "summary",
    "lang",
    "status",
    "msg_type",
    "severity_basis",
    "severity_native",
    "certainty",
    "urgency",
    "time_precision",
    "wkt",
    "geom_role",
    "countries",
    "assets",
    "asset_match",
    "commodities",
    "metric_name",
    "metric_unit",
    "baseline_window",
    "direction",
    "quality_flags",
    "reporter_type",
    "visibility",
    "licence",
    "attribution",
    "raw_sha256",
    "parser_version",
]
MOMENTS = ["onset_at", "ends_at", "published_at", "updated_at", "retrieved_at", "content_as_of"]
NUMBERS = [
    "geom_precision_km",
    "metric_value",
    "baseline_value",
    "casualties_best",
    "casualties_low",
    "casualties_high",
    "confidence",
]
EVENT: Mapping[str, str] = {
    **dict.fromkeys(TEXT, "str"),
    **dict.fromkeys(MOMENTS, "datetime64[us, UTC]"),
    **dict.fromkeys(NUMBERS, "float64"),
    "severity": "int64",
    "redistribute": "bool",
}
"""Columns of the event table and their types. Lists in a cell are separated by ``;``. ``severity``
is 0 info, 1 minor, 2 moderate, 3 severe, 4 extreme; a missing ``ends_at`` means open, never ended;
an empty ``wkt`` means not placed. ``visibility`` says who may see it (``VISIBILITY``) and
``redistribute`` whether its publisher lets it be passed on; ``reporter_type`` is empty for what a
publisher says and names the reader whose own report it is."""

VISIBILITY = ("public", "organisation", "private")
"""Who may see a row, the widest circle first; one of a narrow circle sees the wider ones too."""

OBSERVATION: Mapping[str, str] = {
    "series": "str",
    "element": "str",
    "metric": "str",
    "unit": "str",
    "observed_at": "datetime64[us, UTC]",
    "value": "float64",
    "source": "str",
    "retrieved_at": "datetime64[us, UTC]",
    "quality_flags": "str",
}
"""Columns of the observation table; (series, metric, observed_at, retrieved_at) is the key."""

DEFAULTS: Mapping[str, Any] = {
    "lang": "en",
    "status": "active",
    "msg_type": "alert",
    "certainty": "unknown",
    "urgency": "unknown",
    "time_precision": "instant",
    "geom_role": "none",
    "asset_match": "none",
    "direction": "none",
    "redistribute": True,
    "visibility": "public",
    "confidence": 0.5,
}

_TAG = re.compile(r"<[^>]{0,2000}>")
_SPACE = re.compile(r"\s+")


def event_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The event table of some rows; a column a row does not give has its default or is missing."""
    return _frame([{**DEFAULTS, **_cleaned(row)} for row in rows], EVENT)


def observation_frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The observation table of some rows."""
    return _frame([dict(row) for row in rows], OBSERVATION)


def clean(text: object, *, most: int = MAX_SUMMARY) -> str:
    """Text without markup, entities, control characters and runs of space, cut at ``most``."""
    plain = _TAG.sub(" ", html.unescape(_TAG.sub(" ", str(text or "")[: most * 20])))
    plain = plain.replace("<", " ").replace(">", " ")
    plain = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in plain)
    plain = _SPACE.sub(" ", plain).strip()
    return plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"


def may_see(audience: str, visibility: str) -> bool:
    """Whether an audience may see what is of some visibility; an unknown one is private.

    Raises
    ------
    UnknownIdError
        For an audience that is none of ``VISIBILITY``.
    """
    if audience not in VISIBILITY:
        raise UnknownIdError("audience", audience, VISIBILITY)
    kept = visibility if visibility in VISIBILITY else VISIBILITY[-1]
    return VISIBILITY.index(kept) <= VISIBILITY.index(audience)


def _cleaned(row: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(row) - set(EVENT)
    if unknown:
        raise KeyError(f"no such column of the event table: {', '.join(sorted(unknown))}")
    if "severity" not in row:  # the one number that has no default and is never missing
        raise KeyError("a row of the event table needs its severity, 0 to 4")
    limits = {"title": MAX_TITLE, "summary": MAX_SUMMARY, "severity_native": MAX_TITLE}
    return {k: clean(v, most=limits[k]) if k in limits else v for k, v in row.items()}


def _frame(rows: list[dict[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    # Of objects, since a column that no row fills would be of floats and take no text.
    table = pd.DataFrame(rows, columns=list(columns), dtype="object")
    kind: Any
    for column, kind in columns.items():
        if kind == "str":
            table[column] = table[column].fillna("").astype("str")
        elif kind.startswith("datetime"):
            table[column] = pd.to_datetime(table[column], utc=True).astype(kind)
        else:
            table[column] = table[column].astype(kind)
    return table


def utc(moment: datetime) -> datetime:
    """The moment in UTC.

    Raises
    ------
    ValueError
        For a moment without a time zone: nobody knows when that is.
    """
    from datetime import UTC

    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)
