"""GeoPandas frames of what the map and the GIS formats show; GeoPandas is imported only here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
import xarray as xr

from corridors.lanes import lane_loads
from layers.geo import unwrap
from layers.world import frames

if TYPE_CHECKING:
    from corridors.network import Network
    from layers.world import World

PLACED = {
    "chokepoint": "chokepoints",
    "port": "ports",
    "railway": "railways",
    "pipeline": "pipelines",
}


def element_frame(table: pd.DataFrame, world: World) -> gpd.GeoDataFrame:
    """An exposure table with the place of each element; no geometry for one without a place.

    A corridor has the lines and points of the chain it names; an origin is its country's point.
    """
    place = _geometries(world)
    shapes = [place.get(e) or _chain(world, place, e) for e in table["element"]]
    return gpd.GeoDataFrame(table.copy(), geometry=gpd.GeoSeries(shapes, crs="EPSG:4326"))


def lane_frame(
    network: Network, trade: xr.Dataset, *, least_share: float = 0.0
) -> gpd.GeoDataFrame:
    """Sea lanes under a trade dataset with the tonnes a year on each link, both directions.

    Ways under ``least_share`` of all that sails are left out. Longitudes of a link that crosses
    the 180° meridian run past ±180 and are not cut.
    """
    links = lane_loads(network, trade, least_share=least_share)
    lon = np.stack([links["lon1"], links["lon2"]], axis=1)
    lon = np.apply_along_axis(unwrap, 1, lon) if len(lon) else lon
    lat = np.stack([links["lat1"], links["lat2"]], axis=1)
    lines = shapely.linestrings(np.stack([lon, lat], axis=-1))
    return gpd.GeoDataFrame(links[["quantity_t"]], geometry=lines, crs="EPSG:4326")


def _geometries(world: World) -> dict[str, shapely.Geometry]:
    found: dict[str, shapely.Geometry] = {}
    layers = frames(world)
    for kind, name in PLACED.items():
        frame = layers[name]
        found |= dict(zip(f"{kind}:" + frame[kind], frame.geometry, strict=True))
    countries = layers["countries"]
    return found | dict(zip("origin:" + countries["country"], countries.geometry, strict=True))


def _chain(
    world: World, place: dict[str, shapely.Geometry], element: str
) -> shapely.Geometry | None:
    """The places of a corridor's chain together; None for anything else."""
    kind, _, name = element.partition(":")
    row = world.corridors[(world.corridors["corridor"] == name).to_numpy()]
    if kind != "corridor" or row.empty:
        return None
    links = row["via"].iloc[0].replace("|", ";").split(";")
    return shapely.GeometryCollection([place[e] for e in links if e in place])
