"""Where an element lies and what lies around it: its line, the area of a warning, its neighbours.

area    convex hull, in longitude and latitude, of circles around the vertices of the element
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import ConvexHull

from layers.errors import UnknownIdError
from layers.geo import EARTH_RADIUS_KM, Floats, distance_km, lonlat, unit, unwrap, wrap
from layers.world import ELEMENT_TABLES, records

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["Nearby", "area", "countries_near", "line", "middle", "neighbours", "site"]

RADIUS_KM = 25.0
CORNERS = 16
NEAR_KM = 500.0
COAST_KM = 300.0
SITE_OF = {"canal": "canal", "port": "port", "railway": "railway", "pipeline": "pipeline"}


@dataclass(frozen=True)
class Nearby:
    """An element not far from another; ``km`` from the middle of that to the nearer end of this."""

    element: str
    km: float


def line(element: str, world: World) -> Floats:
    """(n, 2) longitude and latitude, degrees: one point for a port, the gate for a passage.

    Raises
    ------
    UnknownIdError
        For what is no element of the world.
    """
    kind, row = _row(element, world)
    if kind == "chokepoint":
        return np.array([[row["lon1"], row["lat1"]], [row["lon2"], row["lat2"]]], float)
    if kind == "port":
        return np.array([[row["lon"], row["lat"]]], float)
    return _vertices(str(row["wkt"]))


def middle(element: str, world: World) -> tuple[float, float]:
    """Longitude and latitude of the middle: of its vertices, on the globe, degrees."""
    place = line(element, world)
    lon, lat = lonlat(unit(place[:, 0], place[:, 1]).mean(axis=0))
    return float(lon), float(lat)


def site(element: str, world: World) -> str:
    """What asks for deeds of its own there: strait, canal, port, railway or pipeline."""
    kind, row = _row(element, world)
    return SITE_OF.get(str(row.get("kind", kind)) if kind == "chokepoint" else kind, "strait")


def area(element: str, world: World, *, radius_km: float = RADIUS_KM) -> Floats:
    """(n, 2) closed ring around the element, counter-clockwise, degrees: the area of a warning.

    No vertex of the element lies nearer than about ``radius_km`` to the rim. A ring over the 180°
    meridian runs past it, so that it stays in one piece.
    """
    place = line(element, world)
    rims = np.concatenate([_circle(lon, lat, radius_km) for lon, lat in place])
    points = np.column_stack([unwrap(rims[:, 0]), rims[:, 1]])
    ring = points[ConvexHull(points).vertices]
    return np.concatenate([ring, ring[:1]])


def neighbours(element: str, world: World, *, within_km: float = NEAR_KM) -> tuple[Nearby, ...]:
    """Other passages, railways and pipelines and ports around, the nearest first."""
    ids, ends = world.elements(), _ends(world)
    lon, lat = middle(element, world)
    away = distance_km(lon, lat, ends[:, :, 0], ends[:, :, 1]).min(axis=1)
    order = np.argsort(away, kind="stable")
    near = [i for i in order if away[i] <= within_km and ids[i] != element]
    return tuple(Nearby(ids[i], float(away[i])) for i in near)


def countries_near(element: str, world: World, *, within_km: float = COAST_KM) -> tuple[str, ...]:
    """Countries it runs through, or with a port around a passage, by nearness; may be none."""
    kind, row = _row(element, world)
    if kind == "port":
        return (str(row["country"]),)
    if kind != "chokepoint":
        return tuple(filter(None, str(row["countries"]).split(";")))
    lon, lat = middle(element, world)
    away = distance_km(lon, lat, world.ports["lon"], world.ports["lat"])
    order = np.argsort(away, kind="stable")
    near = world.ports["country"].to_numpy()[order][away[order] <= within_km]
    return tuple(dict.fromkeys(map(str, near)))


def _row(element: str, world: World) -> tuple[str, dict[str, object]]:
    kind, _, id = element.partition(":")
    if kind in ELEMENT_TABLES:
        table = getattr(world, ELEMENT_TABLES[kind])
        found = records(table[(table[kind] == id).to_numpy()])
        if found:
            return kind, found[0]
    raise UnknownIdError("element", element, world.elements())


def _ends(world: World) -> Floats:
    """(n, 2, 2) both ends of every element, in the order of ``World.elements``."""
    gates = world.chokepoints[["lon1", "lat1", "lon2", "lat2"]].to_numpy(float)
    ports = world.ports[["lon", "lat", "lon", "lat"]].to_numpy(float)
    drawn = [
        _vertices(wkt)[[0, -1]].ravel() for wkt in [*world.railways["wkt"], *world.pipelines["wkt"]]
    ]
    return np.concatenate([gates, ports, np.array(drawn).reshape(-1, 4)]).reshape(-1, 2, 2)


def _vertices(wkt: str) -> Floats:
    """(n, 2) vertices of a LINESTRING."""
    cells = wkt.partition("(")[2].rpartition(")")[0].split(",")
    return np.array([cell.split()[:2] for cell in cells], float)


def _circle(lon: float, lat: float, radius_km: float) -> Floats:
    """(n, 2) corners of a circle on the globe."""
    centre = unit(lon, lat)
    east = np.array([-np.sin(np.radians(lon)), np.cos(np.radians(lon)), 0.0])
    north = np.cross(centre, east)
    turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)[:, None]
    far = radius_km / EARTH_RADIUS_KM
    rim = centre * np.cos(far) + (east * np.cos(turn) + north * np.sin(turn)) * np.sin(far)
    around, up = lonlat(rim)
    return np.column_stack([lon + wrap(around - lon), up])
