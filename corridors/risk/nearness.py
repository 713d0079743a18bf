"""Which events lie near which elements, and how near: one join of all with all.

Elements are cut into pieces of great circle no longer than 60 km and put into a tree of their
middles; events come in chunks, each asks the tree for the pieces in reach, and only pieces that
may be the nearest are measured exactly (`layers.geo.nearest_on_arcs`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from corridors.risk.shapes import Samples, inside
from layers.geo import EARTH_RADIUS_KM, Floats, densify, interpolate, lonlat, nearest_on_arcs, unit

if TYPE_CHECKING:
    from layers.world import World

    Ints = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

PIECE_KM = 60.0
CHUNK = 8192
CELL_DEG = 5.0


@dataclass(frozen=True)
class Pieces:
    """Elements cut into short arcs.

    Attributes
    ----------
    ids
        Element ids, in the order of ``World.elements``.
    element
        (p,) row in ``ids`` of each piece.
    a, b
        (p, 3) unit vectors of its ends; equal for a port.
    """

    ids: tuple[str, ...]
    element: Ints
    a: Floats
    b: Floats

    @cached_property
    def middle(self) -> Floats:
        """(p, 3) unit vectors of the middles."""
        return interpolate(self.a, self.b, 0.5)

    @cached_property
    def half_km(self) -> Floats:
        """(p,) half the length of each piece, km."""
        chord = np.linalg.norm(self.a - self.b, axis=-1)
        return np.asarray(EARTH_RADIUS_KM * np.arcsin(np.clip(chord / 2, 0, 1)))

    @cached_property
    def tree(self) -> cKDTree:
        """Tree of the middles."""
        return cKDTree(self.middle)


@dataclass(frozen=True)
class Pairs:
    """Pairs of an event and an element in reach, each once.

    Attributes
    ----------
    event, element
        (n,) rows.
    distance_km
        (n,) great-circle distance.
    """

    event: Ints
    element: Ints
    distance_km: Floats


def pieces(world: World) -> Pieces:
    """Gates, ports, railways and pipelines of a world, cut up."""
    ids = tuple(world.elements())
    gates = world.chokepoints[["lon1", "lat1", "lon2", "lat2"]].to_numpy().reshape(-1, 2, 2)
    ports = world.ports[["lon", "lat"]].to_numpy().reshape(-1, 1, 2)
    drawn = [*world.railways["wkt"], *world.pipelines["wkt"]]
    lines = [*gates, *ports, *(_line(wkt) for wkt in drawn)]
    ends = [_cut(line) for line in lines]
    element = np.repeat(np.arange(len(ids)), [len(a) for a, _ in ends])
    return Pieces(
        ids, element, np.concatenate([a for a, _ in ends]), np.concatenate([b for _, b in ends])
    )


def near(shapes: Samples, elements: Pieces, within_km: Floats) -> Pairs:
    """Pairs of events and elements no farther apart than the reach of the event.

    Parameters
    ----------
    within_km
        Reach of each event, by its row; 0 for an event to leave out.

    Returns
    -------
    Pairs
        The least distance of each pair; 0 where a piece of the element has an end or its middle
        in the area of the event.
    """
    reach = within_km[shapes.event]
    found = [_covered(shapes, elements, within_km)]
    for km in np.unique(reach[reach > 0]):
        rows = np.flatnonzero(reach == km)
        # Neighbours together, so that a chunk asks about few places.
        rows = rows[np.lexsort([shapes.lon[rows] // CELL_DEG, shapes.lat[rows] // CELL_DEG])]
        for chunk in np.array_split(rows, max(1, -(-len(rows) // CHUNK))):
            point = unit(shapes.lon[chunk], shapes.lat[chunk])
            found.append(_in_reach(point, shapes.event[chunk], elements, float(km)))
    return _nearest(
        np.concatenate([f.event for f in found]),
        np.concatenate([f.element for f in found]),
        np.concatenate([f.distance_km for f in found]),
        len(elements.ids),
    )


def _in_reach(point: Floats, event: Ints, elements: Pieces, km: float) -> Pairs:
    """Pairs of one chunk of points that share a reach."""
    far = km + float(elements.half_km.max(initial=0.0))
    chord = 2 * np.sin(min(far / EARTH_RADIUS_KM / 2, np.pi / 2))
    hit = cKDTree(point).sparse_distance_matrix(elements.tree, chord, output_type="ndarray")
    i, j = hit["i"], hit["j"]
    middle = 2 * EARTH_RADIUS_KM * np.arcsin(np.clip(hit["v"] / 2, 0, 1))
    half = elements.half_km[j]
    keep = middle <= km + half
    i, j, middle, half = i[keep], j[keep], middle[keep], half[keep]
    key = i * len(elements.ids) + elements.element[j]
    order = np.argsort(key, kind="stable")
    i, j, middle, half, key = i[order], j[order], middle[order], half[order], key[order]
    if not len(key):
        return Pairs(event[:0], elements.element[:0], middle)
    # A piece whose near side is farther than the far side of another can't be the nearest.
    first = _starts(key)
    count = np.diff(np.append(first, len(key)))
    maybe = middle - half <= np.repeat(np.minimum.reduceat(middle + half, first), count)
    i, j, distance = i[maybe], j[maybe], middle[maybe].copy()
    line = half[maybe] > 0
    distance[line], _ = nearest_on_arcs(point[i[line]], elements.a[j[line]], elements.b[j[line]])
    near_enough = distance <= km
    pair = i[near_enough], elements.element[j[near_enough]], distance[near_enough]
    found = _nearest(*pair, len(elements.ids))
    return Pairs(event[found.event], found.element, found.distance_km)


def _nearest(event: Ints, element: Ints, distance: Floats, width: int) -> Pairs:
    """Each pair once, at its least distance, by event and element."""
    key = event * width + element
    if len(key) and (key[1:] <= key[:-1]).any():
        order = np.argsort(key, kind="stable")
        key, distance = key[order], distance[order]
    first = _starts(key)
    key = key[first]
    least = np.minimum.reduceat(distance, first) if len(first) else distance
    return Pairs(key // width, key % width, least)


def _starts(key: Ints) -> Ints:
    """Where each run of equal keys starts."""
    return np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])


def _covered(shapes: Samples, elements: Pieces, within_km: Floats) -> Pairs:
    """Pairs of an area and an element that has a point in it."""
    points = np.concatenate([elements.a, elements.middle, elements.b])
    element = np.tile(elements.element, 3)
    lon, lat = lonlat(points)
    nothing = np.empty(0, np.int64)
    rows, found = [nothing], [nothing]
    for event, rings in shapes.areas.items():
        if within_km[event] > 0:
            hit = np.unique(element[inside(rings, lon, lat)])
            rows.append(np.full(len(hit), event))
            found.append(hit)
    covered = np.concatenate(found)
    return Pairs(np.concatenate(rows), covered, np.zeros(len(covered)))


def _line(wkt: str) -> Floats:
    """Vertices of a LINESTRING."""
    cells = wkt[wkt.index("(") + 1 : wkt.rindex(")")].split(",")
    return np.array([cell.split()[:2] for cell in cells], float)


def _cut(line: Floats) -> tuple[Floats, Floats]:
    """Ends of the pieces of a line; a point is one piece without length."""
    if len(line) == 1:
        end = unit(line[:, 0], line[:, 1])
        return end, end
    vertex = unit(*densify(line[:, 0], line[:, 1], PIECE_KM))
    return vertex[:-1], vertex[1:]
