"""The place of an alert in the words of each format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corridors.risk.bulletin.surroundings import area, line, middle
from layers.geo import split_antimeridian

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["geojson", "pairs", "point"]


def pairs(element: str, world: World) -> list[tuple[float, float]]:
    """Corners of the area as (latitude, longitude), the first again at the end, to 1 m or so."""
    return [(round(lat, 5), round(lon, 5)) for lon, lat in area(element, world).tolist()]


def point(element: str, world: World) -> tuple[float, float]:
    """Latitude and longitude of the middle."""
    lon, lat = middle(element, world)
    return round(lat, 5), round(lon, 5)


def geojson(element: str, world: World) -> dict[str, Any]:
    """Geometry of RFC 7946: a point, a line, or several where it crosses the 180° meridian."""
    place = line(element, world)
    if len(place) == 1:
        return {"type": "Point", "coordinates": place[0].tolist()}
    parts = [part.tolist() for part in split_antimeridian(place)]
    if len(parts) == 1:
        return {"type": "LineString", "coordinates": parts[0]}
    return {"type": "MultiLineString", "coordinates": parts}
