"""NHC: tropical cyclones of the Atlantic and the eastern and central Pacific, with their cones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from layers.errors import FeedError
from layers.markup import parse_json
from layers.places import geojson, point, together
from layers.source import Answer, Look, Parsed, Request, Source, Walk, conclude, walk
from layers.values import held, iso, link, number, word

ID = "nhc_storms"
CURRENT = "https://www.nhc.noaa.gov/CurrentStorms.json"
MAPS = "https://mapservices.weather.noaa.gov/tropical/rest/services/tropical/NHC_tropical_weather"
BASINS = {"AT": 4, "EP": 134, "CP": 264}
SLOTS, STEP, CONE = 5, 26, 4
"""Each basin has five slots of 26 layers; the fifth layer of a slot is its cone."""
WINDS_KT = ((96.0, 4), (64.0, 3), (34.0, 2))
ENDED = {"EX", "PT"}  # extratropical, post-tropical: no cyclone any more


def next_page(request: Request, answer: Answer) -> Request | None:
    """The cone of each storm listed, one layer after the other."""
    if isinstance(request, Walk):
        return walk(request.rest)
    bins = {word(held(storm, "binNumber"), most=8) for storm in _storms(answer) or ()}
    asked = {"where": "1=1", "outFields": "*", "outSR": "4326", "f": "geojson"}
    layers = sorted(layer for layer in map(_layer, bins) if layer is not None)
    return walk([Request(f"{MAPS}/MapServer/{layer}/query", asked) for layer in layers])


SOURCE = Source(
    id=ID,
    title="Active tropical cyclones",
    publisher="National Hurricane Center and Central Pacific Hurricane Center, NOAA",
    licence="public domain (work of the United States government)",
    attribution="NOAA National Hurricane Center",
    homepage="https://www.nhc.noaa.gov",
    requests=(Request(CURRENT),),
    hosts=("mapservices.weather.noaa.gov",),
    every=timedelta(hours=1),
    stale_after=timedelta(hours=12),
    expected_min=0,  # quiet seas are healthy; they still are no "all clear", see the outlook
    next_page=next_page,
    # The basins of the Center: the Atlantic and the Pacific east of 140° W.
    look=Look("hazard", box=(-140.0, 0.0, -5.0, 60.0)),
)


def parse(answers: Sequence[Answer]) -> Parsed:
    """One row a storm: its cone where there is one, else its centre."""
    skipped: Counter[str] = Counter()
    listed = [(storms, a) for a in answers if (storms := _storms(a)) is not None]
    if not listed:
        raise FeedError(ID, "missing_key: no activeStorms in any answer")
    cones = [f for a in answers if _storms(a) is None for f in _cones(a)]
    rows: dict[str, dict[str, Any]] = {}
    for storms, answer in listed:
        for storm in storms:
            row = _row(storm, cones, answer)
            if isinstance(row, str):
                skipped[row] += 1
            else:
                skipped["the same storm again"] += row["event_uid"] in rows
                rows[row["event_uid"]] = row
    return conclude(SOURCE, list(rows.values()), sum(len(s) for s, _ in listed), +skipped)


def _storms(answer: Answer) -> list[object] | None:
    """The storms listed; None when the answer is a map layer and no list."""
    body = parse_json(ID, answer.body)
    if held(body, "type") == "FeatureCollection":
        return None
    if isinstance(body, dict) and "error" in body:
        raise FeedError(ID, f"error_in_200: {word(held(body, 'error', 'message'))}")
    storms = held(body, "activeStorms")
    if not isinstance(storms, list):
        raise FeedError(ID, "missing_key: no activeStorms")
    return storms


def _cones(answer: Answer) -> list[tuple[Mapping[str, object], str]]:
    """What the layer says of each polygon, by lower-case name, and its WKT."""
    features = held(parse_json(ID, answer.body), "features")
    if not isinstance(features, list):
        raise FeedError(ID, "missing_key: no features")
    found: list[tuple[Mapping[str, object], str]] = []
    for feature in features:
        said, wkt = held(feature, "properties"), geojson(held(feature, "geometry"))
        if isinstance(said, dict) and "POLYGON" in wkt:
            found.append(({str(name).lower(): value for name, value in said.items()}, wkt))
    return found


def _row(
    storm: object, cones: Sequence[tuple[Mapping[str, object], str]], answer: Answer
) -> dict[str, Any] | str:
    """A row of the event table, or why there is none."""
    id = word(held(storm, "id"), most=20).lower()
    wind = number(held(storm, "intensity"))  # knots over one minute, as a string
    lon, lat = (number(held(storm, name)) for name in ("longitudeNumeric", "latitudeNumeric"))
    at = iso(held(storm, "lastUpdate"))
    if not id:
        return "no id"
    if wind is None or wind < 0:
        return "no wind speed"
    if at is None:
        return "no time"
    cone = together(wkt for said, wkt in cones if _is_of(said, id, word(held(storm, "name"))))
    kind = word(held(storm, "classification"), most=8).upper()
    bound, severity = next(((kt, s) for kt, s in WINDS_KT if wind >= kt), (0.0, 1))
    name = word(held(storm, "name"), most=40)
    wkt = cone or point(lon, lat)
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{ID}:{id}",
        "source_id": id,
        "source_url": link(held(storm, "publicAdvisory", "url")) or SOURCE.homepage,
        "kind": "hazard",
        "subtype": "TC",
        "title": f"{kind} {name}, {wind:g} kt",
        "summary": f"Centre at {word(held(storm, 'latitude')) or lat} "
        f"{word(held(storm, 'longitude')) or lon}, {word(held(storm, 'pressure'))} mb, moving "
        f"towards {number(held(storm, 'movementDir'))} degrees at "
        f"{number(held(storm, 'movementSpeed'))} kt.",
        "status": "ended" if kind in ENDED else "active",
        "severity": severity,
        "severity_basis": f"wind {wind:g} kt >= {bound:g} -> {severity}",
        "severity_native": f"{kind} {wind:g} kt",
        "certainty": "likely" if cone else "observed",
        # When it formed is not said; the season's number is all the list has.
        "onset_at": at,
        "ends_at": at if kind in ENDED else None,
        "published_at": iso(held(storm, "publicAdvisory", "issuance")),
        "updated_at": at,
        "content_as_of": at,
        "time_precision": "hour",
        "wkt": wkt,
        "geom_role": "affected_area" if cone else "event" if wkt else "none",
        "geom_precision_km": 0.0 if cone else 50.0 if wkt else None,
        "metric_name": "wind_1min",
        "metric_value": wind,
        "metric_unit": "kt",
        "quality_flags": "" if cone else "no_cone",
        "parser_version": "1",
    }


def _is_of(said: Mapping[str, object], id: str, name: str) -> bool:
    """Whether a cone is that storm's: by basin and number as in ``al092026``, else by name."""
    basin, count = word(said.get("basin")).lower(), number(said.get("stormnum"))
    if basin and count is not None and 0 <= count < 100:
        return id.startswith(f"{basin}{int(count):02d}")
    return bool(name) and word(said.get("stormname")).casefold() == name.casefold()


def _layer(slot: str) -> int | None:
    """Number of the map layer with the cone of a slot such as ``AT4``."""
    basin, place = slot[:2].upper(), slot[2:]
    if basin not in BASINS or place not in map(str, range(1, SLOTS + 1)):
        return None
    return BASINS[basin] + STEP * (int(place) - 1) + CONE
