"""Where events are: the positions, outlines and areas behind their WKT, without a geometry library.

Points, by far the most, are read in one sweep. Lines and the rims of areas become points no more
than 5 km apart (wider on outlines of over 10,000 km), good to 2.5 km beside lengths of 25 km and
more over which threat falls off. Coordinates are longitude and latitude, degrees.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from layers.geo import Bools, Floats, densify, distance_km, unwrap, wrap

STEP_KM = 5.0
MOST_POINTS = 2000

_NUMBER = r"[-+]?[\d.]+(?:[eE][-+]?\d+)?"
_POINT = rf"^\s*POINT\s*Z?\s*\(\s*({_NUMBER})\s+({_NUMBER})[^,]*\)\s*$"
_PART = re.compile(
    r"(MULTIPOINT|MULTILINESTRING|MULTIPOLYGON|POINT|LINESTRING|POLYGON)\s*Z?\s*(\([^A-Z]*\))"
)
_LIST = re.compile(r"\(([^()]+)\)")


@dataclass(frozen=True)
class Samples:
    """Points that stand for the shapes of some events.

    Attributes
    ----------
    event
        (n,) row of the event each point is of.
    lon, lat
        (n,) degrees.
    areas
        Rings, arrays of shape (k, 2), of each event that covers an area, by its row.
    """

    event: np.ndarray
    lon: Floats
    lat: Floats
    areas: dict[int, list[Floats]]


def samples(wkt: pd.Series[str]) -> Samples:
    """Points and areas of a column of WKT; what is empty or can't be read has none."""
    lon, lat = _points(wkt)
    rows = np.flatnonzero(_on_globe(lon, lat))
    event, lons, lats = [rows], [lon[rows]], [lat[rows]]
    areas: dict[int, list[Floats]] = {}
    for row in np.flatnonzero(np.isnan(lon) & (wkt != "").to_numpy()):
        line, rings = _outline(str(wkt.iloc[row]))
        event.append(np.full(len(line), row))
        lons.append(line[:, 0])
        lats.append(line[:, 1])
        if rings:
            areas[int(row)] = rings
    return Samples(np.concatenate(event), np.concatenate(lons), np.concatenate(lats), areas)


def _points(wkt: pd.Series[str]) -> tuple[Floats, Floats]:
    """Longitude and latitude of what is a single point; NaN for the rest."""
    cells = wkt.to_numpy(object)
    plain = np.array([c[:7] == "POINT (" and c.count(" ") == 2 for c in cells], bool)
    place = np.full((len(cells), 2), np.nan)
    try:
        # One list of numbers for all is three times as fast as a pattern for each.
        numbers = " ".join([c[7:-1] for c in cells[plain]]).split()
        place[plain] = np.array(numbers, float).reshape(-1, 2)
    except ValueError:
        plain[:] = False
    rest = wkt[~plain].str.extract(_POINT)
    place[~plain] = rest.to_numpy(float)
    return place[:, 0], place[:, 1]


def inside(rings: list[Floats], lon: Floats, lat: Floats) -> Bools:
    """Whether each point lies in an area: inside an odd number of its rings."""
    found = np.zeros(len(lon), bool)
    for ring in rings:
        x1, y1 = unwrap(ring[:, 0]), ring[:, 1]
        # The points on the turn of the ring, which may pass 180° or hold a pole of longitudes.
        x = x1.mean() + wrap(lon - x1.mean())
        near = (x >= x1.min()) & (x <= x1.max()) & (lat >= y1.min()) & (lat <= y1.max())
        if near.any():
            found[near] ^= _odd(x1, y1, x[near], lat[near])
    return found


def _odd(x1: Floats, y1: Floats, x: Floats, y: Floats) -> Bools:
    """Whether a line from each point to the east crosses the ring an odd number of times."""
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    across = (y1 > y[:, None]) != (y2 > y[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = x1 + (y[:, None] - y1) / (y2 - y1) * (x2 - x1)
    return np.asarray((across & (x[:, None] < at)).sum(axis=1) % 2 == 1)


def _outline(wkt: str) -> tuple[Floats, list[Floats]]:
    """Points along a shape, and its rings."""
    lines, rings = [np.empty((0, 2))], []
    for kind, body in _PART.findall(wkt):
        for cells in _LIST.findall(body):
            line = _coordinates(cells)
            if kind.endswith("POLYGON") and len(line) > 2:
                rings.append(line)
            lines.append(line if kind.endswith("POINT") else _dense(line))
    return np.concatenate(lines), rings


def _coordinates(cells: str) -> Floats:
    pairs = [cell.split()[:2] for cell in cells.split(",")]
    line = np.array([[float(v) for v in pair] for pair in pairs if len(pair) == 2]).reshape(-1, 2)
    return line[_on_globe(line[:, 0], line[:, 1])]


def _dense(line: Floats) -> Floats:
    if len(line) < 2:
        return line
    lon, lat = line[:, 0], line[:, 1]
    length = float(distance_km(lon[:-1], lat[:-1], lon[1:], lat[1:]).sum())
    return np.column_stack(densify(lon, lat, max(STEP_KM, length / MOST_POINTS)))


def _on_globe(lon: Floats, lat: Floats) -> Bools:
    return np.asarray((np.abs(lon) <= 360) & (np.abs(lat) <= 90))
