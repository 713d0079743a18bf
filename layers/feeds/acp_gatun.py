"""Level of Gatún Lake, which feeds the locks of the Panama Canal, and its projection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import quantiles

from layers.errors import FeedError
from layers.feeds.ofac_sdn import csv_rows
from layers.feeds.wsv_kaub import low_water, readings
from layers.source import Answer, Look, Parsed, Request, Source, conclude
from layers.values import iso, number

FOLDER = "https://evtms-rpts.pancanal.com/eng/h2o"
ANYTHING = {"Accept": "*/*"}
"""Without this header the server answers 406."""
SOURCE = Source(
    id="acp_gatun",
    title="Level of Gatún Lake and its projection",
    publisher="Autoridad del Canal de Panamá",
    licence="published without stated terms",
    attribution="Panama Canal Authority (ACP)",
    homepage=f"{FOLDER}/index.html",
    requests=[
        Request(f"{FOLDER}/Download_Gatun_Lake_Water_Level_History.csv", headers=ANYTHING),
        Request(f"{FOLDER}/Gatun_Water_Level_Projection.csv", headers=ANYTHING),
    ],
    every=timedelta(hours=12),
    stale_after=timedelta(days=5),
    # Daily since 1965.
    expected_min=15_000,
    look=Look("water", element="chokepoint:panama"),
)
DATE, LEVEL = "DATE_LOG", "GATUN_LAKE_LEVEL(FEET)"
PROJECTED_DATE = "PROJECTED_DATE"
PROJECTED = {
    "PROJECTED_GATUN_WATER_LEVEL": "level_projected",
    "MAX_NEOPANAMAX_DRAFT_FT": "max_neopanamax_draft_projected",
    "MAX_PANAMAX_DRAFT_FT": "max_panamax_draft_projected",
}
FIXED = [(81.0, 3), (79.5, 4)]
"""At or below so many feet, so severe, in any season. Ours; 79.5 ft is near the record of 2016."""
KEPT = timedelta(days=800)
"""Older days serve for the season's quantiles only."""
WINDOW = timedelta(days=60)
"""Longer ago the season was another, and so was what counts as low."""
SEASON_D = 7
LEAST_YEARS = 10


def parse(answers: Sequence[Answer]) -> Parsed:
    """Levels in ft above sea level, projections, and the low water of now or of the last weeks."""
    past: dict[datetime, float] = {}
    future: dict[str, dict[datetime, float]] = {name: {} for name in PROJECTED.values()}
    skipped: Counter[str] = Counter()
    count = 0
    for answer in answers:
        for row in _records(answer):
            count += 1
            reason = _take(row, past, future, answer.retrieved_at)
            if reason:
                skipped[reason] += 1
    if not past:
        raise FeedError(SOURCE.id, f"nothing_understood: {count} rows, no level: {dict(skipped)}")
    newest = max(past)
    recent = {at: level for at, level in past.items() if at > newest - KEPT}
    skipped["older than 800 days, used for the season only"] = len(past) - len(recent)
    rows = readings(SOURCE, answers[0], recent, series="acp:gatun", metric="level", unit="ft")
    for metric, found in future.items():
        rows += readings(SOURCE, answers[-1], found, series="acp:gatun", metric=metric, unit="ft")
    place = {
        "source_id": "GATUN",
        "title": "Low water of Gatún Lake",
        "assets": "portwatch:chokepoint2",
        "countries": "PAN",
        "wkt": "POINT (-79.9 9.2)",
        "metric_name": "level",
        "metric_unit": "ft",
        "baseline_window": f"same days of the year since 1965, within {SEASON_D} d",
    }
    window = {at: level for at, level in past.items() if at > newest - WINDOW}
    events = low_water(SOURCE, answers[0], window, _bands(past, newest), place)
    told = conclude(SOURCE, events, count, +skipped, rows)
    # A projection speaks of days to come, but is not newer than the last level measured.
    return Parsed(told.events, told.observations, count, told.skipped, newest)


def _records(answer: Answer) -> Iterator[Mapping[str, str]]:
    """The rows below the heading, wherever that stands: lines of disclaimer may precede it."""
    rows = csv_rows(SOURCE.id, answer.body)
    headings = [[name.strip().upper() for name in row] for row in rows]
    at = next((n for n, names in enumerate(headings) if {DATE, PROJECTED_DATE} & {*names}), None)
    if at is None:
        first = ",".join(rows[0])[:200] if rows else "nothing"
        raise FeedError(SOURCE.id, f"missing_key: no heading {DATE} or {PROJECTED_DATE}: {first}")
    names = headings[at]
    level = LEVEL if DATE in names else next(iter(PROJECTED))
    if level not in names:
        raise FeedError(SOURCE.id, f"renamed_field: no {level} among {','.join(names)[:200]}")
    for row in rows[at + 1 :]:
        yield dict(zip(names, row, strict=False))


def _take(
    row: Mapping[str, str],
    past: dict[datetime, float],
    future: Mapping[str, dict[datetime, float]],
    now: datetime,
) -> str:
    """Put the row where it belongs; or why it does not."""
    at = iso(row.get(DATE), zone=UTC) or american(row.get(PROJECTED_DATE, ""))
    if at is None:
        return "no date"
    if PROJECTED_DATE in row:
        for name, metric in PROJECTED.items():
            value = number(row.get(name))
            if value:
                future[metric][at] = value
        return "" if number(row.get(next(iter(PROJECTED)))) else "no projected level"
    level = number(row.get(LEVEL))
    if not level:
        return "no level (0 stands for missing)"
    if not 60 <= level <= 100 or at > now:
        return "level no lake ever had, or date in the future"
    if at in past:
        return "duplicate"
    past[at] = level
    return ""


def american(text: str) -> datetime | None:
    """A day written 09/30/2026, UTC."""
    try:
        return datetime.strptime(text.strip(), "%m/%d/%Y").replace(tzinfo=UTC)
    except ValueError:
        return None


def _bands(past: Mapping[datetime, float], newest: datetime) -> list[tuple[float, int]]:
    """Level at or below which it is so severe at this time of the year, mildest first."""
    day = newest.timetuple().tm_yday
    same = [
        level
        for at, level in past.items()
        if at.year != newest.year
        and abs((at.timetuple().tm_yday - day + 183) % 366 - 183) <= SEASON_D
    ]
    if len(same) < LEAST_YEARS * (2 * SEASON_D + 1):
        return FIXED
    tenth, quarter = (quantiles(same, n=20)[n] for n in (1, 4))
    return [band for band in [(quarter, 1), (tenth, 2)] if band[0] > FIXED[0][0]] + FIXED
