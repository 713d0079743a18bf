"""What of the map never changes: land, coasts, pipelines and railways, as a browser reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import shape

from layers.geo import distance_km, split_antimeridian

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd

    from corridors.network import Floats

Json = dict[str, Any]

LAND_TOLERANCE_DEG, LEAST_ISLAND_DEG2 = 0.05, 0.01
LAND_DIGITS, LINE_DIGITS = 2, 3
OPEN_GATE_KM, OFF_SHORE_KM = 1000.0, 160.0
EDGE_LON, EDGE_LAT = 179.99, -84.0
"""Beyond these the outline of the land is the edge of the sheet and no coast."""
BUILT = ("operating", "damaged")


def ground(frames: dict[str, gpd.GeoDataFrame], folder: Path) -> Json:
    """``land``, ``coast`` and ``lines`` as GeoJSON.

    Parameters
    ----------
    frames
        Of ``layers.frames``.
    folder
        Where ``land.geojson`` lies.
    """
    shores = _land(folder)
    lines = [line for kind in ("pipeline", "railway") for line in _lines(frames[f"{kind}s"], kind)]
    return {
        "land": {"type": "MultiPolygon", "coordinates": shores},
        "coast": {"type": "MultiLineString", "coordinates": list(_coasts(shores))},
        "lines": {"type": "FeatureCollection", "features": lines},
    }


def marks(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Chokepoints with ``lon, lat``: the middle of the gate, or off the shore of an open one."""
    lon1, lat1, lon2, lat2 = (frame[c].to_numpy() for c in ("lon1", "lat1", "lon2", "lat2"))
    length = distance_km(lon1, lat1, lon2, lat2)
    part = np.where(length > OPEN_GATE_KM, OFF_SHORE_KM / length, 0.5)
    place = {"lon": lon1 + part * (lon2 - lon1), "lat": lat1 + part * (lat2 - lat1)}
    return pd.DataFrame(frame[["element", "name_en", "name_zh"]]).assign(**place)


def _land(folder: Path) -> list[list[Any]]:
    """Rings of each piece of land, simplified to what a world map can show."""
    body = json.loads((folder / "land.geojson").read_text("utf-8"))
    parts = shapely.get_parts([shape(feature["geometry"]) for feature in body["features"]])
    parts = shapely.simplify(parts[shapely.area(parts) > LEAST_ISLAND_DEG2], LAND_TOLERANCE_DEG)
    return [
        [shapely.get_coordinates(r).round(LAND_DIGITS).tolist() for r in (p.exterior, *p.interiors)]
        for p in parts
    ]


def _coasts(shores: list[list[Any]]) -> Iterator[list[list[float]]]:
    """Rings without the straight pieces where the sheet ends, which are no coast."""
    for rings in shores:
        for ring in rings:
            line = np.array(ring)
            edge = (np.abs(line[:, 0]) >= EDGE_LON) | (line[:, 1] <= EDGE_LAT)
            cuts = np.flatnonzero(edge[:-1] & edge[1:]) + 1
            yield from (part.tolist() for part in np.split(line, cuts) if len(part) > 1)


def _lines(frame: gpd.GeoDataFrame, kind: str) -> list[Json]:
    """A feature a line, in pieces where it crosses the 180° meridian."""
    return [
        {
            "type": "Feature",
            "geometry": {"type": "MultiLineString", "coordinates": list(_pieces(row.geometry))},
            "properties": {
                "id": row.element,
                "kind": kind,
                "built": row.status in BUILT,
                "en": row.name_en,
                "zh": row.name_zh,
            },
        }
        for row in frame.itertuples()
    ]


def _pieces(geometry: shapely.Geometry) -> Iterator[list[list[float]]]:
    for part in shapely.get_parts(geometry):
        for piece in split_antimeridian(shapely.get_coordinates(part)):
            rounded: Floats = piece.round(LINE_DIGITS)
            yield rounded.tolist()
