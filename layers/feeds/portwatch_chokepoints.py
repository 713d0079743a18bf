"""IMF PortWatch: ships that passed each of 28 chokepoints on each day, by class.

The service is an ArcGIS table that has changed the type and the name of its date overnight, caps
every page at 1,000 rows whatever is asked, and answers faults with status 200. What all PortWatch
feeds share is here: asking page by page, trusting a page, and turning rows into observations.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import isnan, nan
from typing import Any

import pandas as pd

from layers.errors import FeedError
from layers.events import OBSERVATION, event_frame
from layers.markup import parse_json
from layers.source import Answer, Parsed, Request, Source
from layers.values import epoch_ms, iso, number

HOST = "https://services9.arcgis.com/weJ1QsnbMYJlCHdG/arcgis/rest/services"
PAGE = 1000
"""Rows the server sends at most, whatever is asked."""
HOLE_D = 21
"""More days than this missing in a row is a page that never came: a page is at least 35 days of
all 28 chokepoints. Shorter holes are marked and kept."""
PROVISIONAL_D = 14
"""The newest days are counted too low at first: by 2 to 6 % in October 2025."""
LICENCE = "IMF terms of use (https://www.imf.org/external/terms.htm), unread: not for republishing"
ATTRIBUTION = "IMF PortWatch (portwatch.imf.org), from AIS data of the UN Global Platform"
FAR_MS = 1e13
"""More milliseconds from 1970 than this (317 years) are no date of an observation."""
CLASSES = ("container", "dry_bulk", "general_cargo", "roro", "tanker")
METRICS: Mapping[str, str] = {
    "n_total": "calls/d",
    **{f"n_{name}": "calls/d" for name in CLASSES},
    "capacity": "t",
    **{f"capacity_{name}": "t" for name in CLASSES},
}
ID = re.compile(r"chokepoint[1-9]\d?")
IDS = frozenset(f"chokepoint{n}" for n in range(1, 29))


def asked(service: str, where: str) -> list[Request]:
    """How many rows there are, and the first page of them."""
    url = f"{HOST}/{service}/FeatureServer/0/query"
    # Fields are not named: a renamed one would be a fault of the whole query. Nor is an order:
    # sorting made a page take 47 s instead of 4.
    page = {"where": where, "outFields": "*", "returnGeometry": "false", "outSR": "4326"}
    page |= {"resultOffset": "0", "resultRecordCount": str(PAGE), "f": "json"}
    return [
        Request(url, {"where": where, "returnCountOnly": "true", "f": "json"}),
        Request(url, page),
    ]


def next_page(request: Request, answer: Answer) -> Request | None:
    """The request after this page, further by the rows that came and not by those asked for."""
    try:
        held = envelope("portwatch", answer)
    except FeedError:
        return None
    came = len(held.get("features", ()))
    if not came or not (came >= PAGE or held.get("exceededTransferLimit")):
        return None
    offset = int(request.params.get("resultOffset", "0")) + came
    return replace(request, params={**request.params, "resultOffset": str(offset)})


def envelope(source: str, answer: Answer) -> dict[str, Any]:
    """An ArcGIS answer that is neither a fault in disguise nor something else.

    Raises
    ------
    FeedError
        ``upstream_error`` for a fault sent with status 200, ``no_container`` without rows.
    """
    held = parse_json(source, answer.body)
    if not isinstance(held, dict):
        raise FeedError(source, f"wrong_type: a {type(held).__name__} came instead of an object")
    if "error" in held:
        fault = held["error"] if isinstance(held["error"], dict) else {"message": held["error"]}
        why = [fault.get("code"), fault.get("message"), *_listed(fault.get("details"))]
        raise FeedError(source, "upstream_error: " + " ".join(str(w)[:200] for w in why if w))
    if not (isinstance(held.get("features"), list) or ("features" not in held and _is_count(held))):
        names = ", ".join(held)[:200] or "nothing"
        raise FeedError(source, f"no_container: no list of features, only {names}")
    return held


def gathered(source: str, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    """The rows of all pages, the date named ``date`` whatever it was called.

    Raises
    ------
    FeedError
        ``empty_answer`` for an empty page where more was due, ``truncated`` or ``missing_pages``
        when rows must be missing.
    """
    rows: list[dict[str, Any]] = []
    due: int | None = None
    goes_on, full = True, False
    for answer in answers:
        held = envelope(source, answer)
        if "features" not in held:
            due = held["count"]
            continue
        features = held["features"]
        if goes_on and not features:
            raise FeedError(source, "empty_answer: a page without rows, which is how it throttles")
        goes_on = held.get("exceededTransferLimit") is True
        full = len(features) >= PAGE
        name = _date_name(held)
        rows += [_attributes(feature, name) for feature in features]
    if not rows:
        raise FeedError(source, "empty_answer: no page came")
    if due is None and (goes_on or full):
        raise FeedError(source, f"truncated: a full page ends the {len(rows)} rows that came")
    if due is not None and len(rows) != due:
        raise FeedError(source, f"missing_pages: {len(rows)} rows came of {due}")
    return rows


def moment(value: object) -> datetime | None:
    """A moment, UTC, of an ISO string or of epoch milliseconds; None for anything else."""
    count = number(value)
    sane = count is not None and abs(count) < FAR_MS
    return iso(value, zone=UTC) or (epoch_ms(count) if sane else None)


def daily(
    source: Source,
    answers: Sequence[Answer],
    metrics: Mapping[str, str],
    *,
    id: re.Pattern[str],
    ids: Collection[str] = (),
) -> Parsed:
    """The observations of a table of places and days.

    Parameters
    ----------
    metrics
        Columns to keep and their units; of a row whose first one is 0, nobody knows whether no
        ship came or none was seen.
    id, ids
        What an id looks like, and those that should all be there.
    """
    found = gathered(source.id, answers)
    total = next(iter(metrics))
    if not any(total in row for row in found):
        raise FeedError(source.id, f"renamed_field: no {total} in any of {len(found)} rows")
    return tabled(source, found, metrics, id=id, ids=ids, retrieved_at=answers[-1].retrieved_at)


def tabled(
    source: Source,
    found: Sequence[Mapping[str, Any]],
    metrics: Mapping[str, str],
    *,
    id: re.Pattern[str],
    retrieved_at: datetime,
    ids: Collection[str] = (),
    published_to: date | None = None,
    whole: bool = True,
) -> Parsed:
    """The observations of rows of a place and a day, wherever they were read (see `daily`).

    Parameters
    ----------
    found
        Rows with ``portid``, the day, and the columns of ``metrics``.
    published_to
        Day up to which the publisher had counted when they were read; None for their newest.
    whole
        Whether a long hole means that rows went missing on the way; else it is marked and kept.
    """
    kept, skipped = _distinct(source.id, found, metrics, id, retrieved_at)
    if not kept:
        raise FeedError(source.id, f"no_record: {len(found)} rows, none usable: {dict(skipped)}")
    days: dict[str, list[date]] = {}
    for place, day in sorted(kept):
        days.setdefault(place, []).append(day)
    after_hole = {(p, d) for p in days for d in _after_holes(source.id, p, days[p], whole=whole)}
    newest = published_to or max(d[-1] for d in days.values())
    missing = ["partial_coverage"] if set(ids) - set(days) else []
    flags = {
        key: ";".join(
            [*missing]
            + ["gap_before"] * (key in after_hole)
            + ["provisional"] * ((newest - key[1]).days < PROVISIONAL_D)
            + ["zero_ambiguous"] * (values[0] == 0)
        )
        for key, values in kept.items()
    }
    # As old as the place that is furthest behind: one fresh place must not hide a stale one.
    behind = min(d[-1] for d in days.values())
    table = _observations(source, retrieved_at, metrics, kept, flags)
    return Parsed(event_frame([]), table, len(found), dict(skipped), _midnight(behind))


def _requests(now: datetime) -> Sequence[Request]:
    # By year, an integer: the date itself changes its type. History is revised wholesale, so two
    # whole years and more are read anew each time and are of one vintage.
    return asked("Daily_Chokepoints_Data", f"year >= {now.year - 2}")


SOURCE = Source(
    id="portwatch_chokepoints",
    title="Daily transit calls and trade volume at 28 chokepoints",
    publisher="International Monetary Fund",
    licence=LICENCE,
    attribution=ATTRIBUTION,
    homepage="https://portwatch.imf.org/pages/chokepoints",
    requests=_requests,
    every=timedelta(hours=12),
    # Published on Tuesdays up to the Sunday before.
    stale_after=timedelta(days=12),
    expected_min=10_000,
    redistribute=False,
    next_page=next_page,
)


def parse(answers: Sequence[Answer]) -> Parsed:
    """Calls and capacity of each chokepoint, class and day; series ``portwatch:chokepoint6``."""
    return daily(SOURCE, answers, METRICS, id=ID, ids=IDS)


def _is_count(held: Mapping[str, Any]) -> bool:
    return type(held.get("count")) is int


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _date_name(held: Mapping[str, Any]) -> str:
    """What the date is called today: the alias stayed when the name changed."""
    for field in _listed(held.get("fields")):
        if isinstance(field, dict) and field.get("alias") == "date":
            return str(field.get("name"))
    return "date"


def _attributes(feature: object, date_name: str) -> dict[str, Any]:
    row = feature.get("attributes") if isinstance(feature, dict) else None
    if not isinstance(row, dict):
        return {}
    return {**row, "date": row.get(date_name, row.get("date", row.get("date_")))}


def _day(row: Mapping[str, Any]) -> date | None:
    """The day of the integers year, month, day, else of the date in whatever type."""
    parts = [row.get(name) for name in ("year", "month", "day")]
    if all(type(part) is int for part in parts):
        try:
            return date(*parts)  # type: ignore[arg-type]
        except (ValueError, OverflowError):
            return None
    told = moment(row.get("date"))
    return told.date() if told else None


def _distinct(
    source: str,
    rows: Sequence[Mapping[str, Any]],
    metrics: Collection[str],
    id: re.Pattern[str],
    now: datetime,
) -> tuple[dict[tuple[str, date], tuple[float, ...]], Counter[str]]:
    kept: dict[tuple[str, date], tuple[float, ...]] = {}
    skipped: Counter[str] = Counter()
    for row in rows:
        place, day = row.get("portid"), _day(row)
        values = tuple(_count(row.get(name)) for name in metrics)
        if not isinstance(place, str) or not id.fullmatch(place):
            skipped["no known portid"] += 1
        elif day is None or day.year < 2015:
            skipped["no date"] += 1
        elif day > now.date() + timedelta(days=1):
            skipped["date in the future"] += 1
        elif all(map(isnan, values)):
            skipped["no value"] += 1
        elif (place, day) in kept:
            same = repr(kept[place, day]) == repr(values)
            skipped["duplicate" if same else "contradicting duplicate"] += 1
        else:
            kept[place, day] = values
    if skipped["contradicting duplicate"] > len(rows) / 100:
        # It was published anew while being read, or two files were put together.
        raise FeedError(source, "mixed_vintages: many rows of one place and day contradict others")
    return kept, skipped


def _after_holes(source: str, place: str, days: Sequence[date], *, whole: bool) -> list[date]:
    """The first day after each hole of the calendar."""
    found = [(a, b) for a, b in pairwise(days) if (b - a).days > 1]
    for a, b in found:
        if whole and (b - a).days > HOLE_D:
            raise FeedError(
                source, f"missing_pages: {place} lacks {(b - a).days - 1} days after {a}"
            )
    return [b for _, b in found]


def _count(value: object) -> float:
    """A count; NaN when missing or negative: null is not zero."""
    found = number(value)
    return nan if found is None or found < 0 else found


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _observations(
    source: Source,
    retrieved_at: datetime,
    metrics: Mapping[str, str],
    kept: Mapping[tuple[str, date], tuple[float, ...]],
    flags: Mapping[tuple[str, date], str],
) -> pd.DataFrame:
    wide = pd.DataFrame(list(kept.values()), columns=list(metrics))
    wide["series"] = [f"portwatch:{place}" for place, _ in kept]
    wide["observed_at"] = pd.to_datetime([_midnight(day) for _, day in kept], utc=True)
    wide["quality_flags"] = [flags[key] for key in kept]
    table = wide.melt(["series", "observed_at", "quality_flags"], var_name="metric").dropna()
    table["unit"] = table["metric"].map(metrics)
    table = table.assign(element="", source=source.id, retrieved_at=retrieved_at)
    return table[list(OBSERVATION)].astype(dict(OBSERVATION)).reset_index(drop=True)
