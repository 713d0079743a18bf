"""Globe maths in numpy: distances, crossings, great-circle lines and the 180° meridian.

Everything that is measured on the globe is measured here, on a sphere of the mean Earth radius.
Coordinates are longitude and latitude in degrees (EPSG:4326 order); unit vectors are arrays of
shape (..., 3). Against the WGS 84 ellipsoid a distance is at most 0.56 % off, less than the
spread between published sea distances.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

EARTH_RADIUS_KM = 6371.0088
"""Mean radius of the Earth, (2a + b) / 3 of WGS 84."""


def unit(lon: ArrayLike, lat: ArrayLike) -> Floats:
    """Unit vectors, shape (..., 3), of the points at ``lon``, ``lat`` (degrees, broadcast)."""
    lam, phi = np.radians(np.asarray(lon, float)), np.radians(np.asarray(lat, float))
    cos_phi = np.cos(phi)
    x, y, z = np.broadcast_arrays(cos_phi * np.cos(lam), cos_phi * np.sin(lam), np.sin(phi))
    return np.stack([x, y, z], axis=-1)


def lonlat(vector: Floats) -> tuple[Floats, Floats]:
    """Longitude in [-180, 180] and latitude, degrees, of vectors of shape (..., 3)."""
    x, y, z = vector[..., 0], vector[..., 1], vector[..., 2]
    lon = np.degrees(np.arctan2(y, x))
    lat = np.degrees(np.arctan2(z, np.hypot(x, y)))
    return np.asarray(lon, float), np.asarray(lat, float)


def wrap(lon: ArrayLike) -> Floats:
    """``lon`` brought into [-180, 180), so that 180 and -180 become one value."""
    return np.asarray((np.asarray(lon, float) + 180.0) % 360.0 - 180.0, float)


def distance_km(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Floats:
    """Great-circle distance, km, of broadcast point pairs (haversine formula)."""
    phi1, phi2 = np.radians(np.asarray(lat1, float)), np.radians(np.asarray(lat2, float))
    half_lon = np.radians(np.asarray(lon2, float) - np.asarray(lon1, float)) / 2
    half_lat = (phi2 - phi1) / 2
    h = np.sin(half_lat) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin(half_lon) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0))), float)


def angle(a: Floats, b: Floats) -> Floats:
    """Angle, radians, between unit vectors (atan2 of cross and dot: exact when tiny or near π)."""
    return np.asarray(np.arctan2(np.linalg.norm(_cross(a, b), axis=-1), _dot(a, b)), float)


def bearing_deg(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Floats:
    """Initial great-circle course from point 1 to point 2, degrees in [0, 360) from north."""
    phi1, phi2 = np.radians(np.asarray(lat1, float)), np.radians(np.asarray(lat2, float))
    dlam = np.radians(np.asarray(lon2, float) - np.asarray(lon1, float))
    east = np.sin(dlam) * np.cos(phi2)
    north = np.cos(phi1) * np.sin(phi2) - np.sin(phi1) * np.cos(phi2) * np.cos(dlam)
    return np.asarray(np.degrees(np.arctan2(east, north)) % 360.0, float)


def arcs_cross(a1: Floats, a2: Floats, b1: Floats, b2: Floats) -> Bools:
    """Whether the great-circle arc a1-a2 crosses the arc b1-b2, exactly, on unit vectors.

    The four orientation signs of the spherical segment test decide: each arc must have its ends
    on opposite sides of the other's plane, and the two planes must meet between the ends rather
    than at the antipode.

    A point that lies exactly on a plane counts as on its positive side. A path that changes
    sides of a gate b1-b2 at a vertex standing exactly on the gate therefore crosses it in exactly
    one of the two arcs that share the vertex: a closed gate cannot leak. An arc that only touches
    the gate with an end crosses when it comes from the negative side (right of b1→b2 as seen from
    above) and does not when it comes from the positive side.

    Parameters
    ----------
    a1, a2, b1, b2
        Unit vectors of shape (..., 3); the leading dimensions broadcast. Arcs are the short way
        round, so ends must be less than 180° apart.

    Returns
    -------
    Boolean array of the broadcast leading shape. An arc without length crosses nothing.
    """
    normal_a, normal_b = _cross(a1, a2), _cross(b1, b2)
    side_a1, side_a2 = _dot(normal_b, a1) >= 0, _dot(normal_b, a2) >= 0
    side_b1, side_b2 = _dot(normal_a, b1) >= 0, _dot(normal_a, b2) >= 0
    return np.asarray((side_a1 != side_a2) & (side_b1 != side_b2) & (side_a1 != side_b1))


def interpolate(a: Floats, b: Floats, fraction: ArrayLike) -> Floats:
    """Unit vectors ``fraction`` (0-1) of the way from a to b along the great circle (slerp).

    ``a`` and ``b`` have shape (..., 3); ``fraction`` broadcasts against their leading dimensions.
    Ends must be less than 180° apart.
    """
    f = np.asarray(fraction, float)
    omega = angle(a, b)
    sin_omega = np.sin(omega)
    # Below about a centimetre the arc is a chord; dividing by its sine would lose everything.
    short = sin_omega < 1e-9
    safe = np.where(short, 1.0, sin_omega)
    weight_a = np.where(short, 1.0 - f, np.sin((1.0 - f) * omega) / safe)
    weight_b = np.where(short, f, np.sin(f * omega) / safe)
    point = weight_a[..., None] * a + weight_b[..., None] * b
    return np.asarray(point / np.linalg.norm(point, axis=-1, keepdims=True), float)


def densify(lon: ArrayLike, lat: ArrayLike, step_km: float) -> tuple[Floats, Floats]:
    """The line through the points with great-circle points added, none over ``step_km`` apart.

    The given points stay, in order and unchanged; added longitudes lie in [-180, 180].

    Raises
    ------
    ValueError
        ``step_km`` is not positive.
    """
    if not step_km > 0:
        raise ValueError(f"step_km must be positive, not {step_km}")
    lon, lat = np.asarray(lon, float), np.asarray(lat, float)
    if lon.size < 2:
        return lon.copy(), lat.copy()
    length = distance_km(lon[:-1], lat[:-1], lon[1:], lat[1:])
    pieces = np.maximum(np.ceil(length / step_km - 1e-9).astype(int), 1)
    piece = np.repeat(np.arange(len(pieces)), pieces)
    number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    xyz = unit(lon, lat)
    out_lon, out_lat = lonlat(interpolate(xyz[piece], xyz[piece + 1], number / pieces[piece]))
    given = number == 0
    out_lon[given], out_lat[given] = lon[:-1], lat[:-1]
    return np.append(out_lon, lon[-1]), np.append(out_lat, lat[-1])


def nearest_on_arcs(point: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """Distance, km, from each point to each arc a-b, and where on the arc the nearest point is.

    The point is projected onto the plane of the great circle (cross-track distance); where the
    projection falls outside the arc the nearer end is the answer.

    Parameters
    ----------
    point, a, b
        Unit vectors of shape (..., 3); the leading dimensions broadcast.

    Returns
    -------
    distance
        km, of the broadcast leading shape.
    fraction
        0 at a, 1 at b: the share of the arc's length before the nearest point. 0 on an arc
        without length.
    """
    normal = _cross(a, b)
    size = np.linalg.norm(normal, axis=-1)
    flat = size < 1e-12
    normal = normal / np.where(flat, 1.0, size)[..., None]
    along = np.arctan2(_dot(point, _cross(normal, a)), _dot(point, a))
    omega = angle(a, b)
    inside = (along >= 0) & (along <= omega) & ~flat
    across = np.abs(np.arcsin(np.clip(_dot(point, normal), -1.0, 1.0)))
    to_a, to_b = angle(point, a), angle(point, b)
    fraction = np.where(
        inside, along / np.where(flat, 1.0, omega), np.where(flat, 0.0, (to_b < to_a) * 1.0)
    )
    distance = np.where(inside, across, np.minimum(to_a, to_b)) * EARTH_RADIUS_KM
    return np.asarray(distance, float), np.asarray(fraction, float)


def unwrap(lon: ArrayLike) -> Floats:
    """``lon`` of a line with whole turns added so that no step exceeds 180° (may leave ±180)."""
    return np.asarray(np.unwrap(np.asarray(lon, float), period=360.0), float)


def split_antimeridian(coordinates: ArrayLike) -> list[Floats]:
    """The line cut where it crosses the 180° meridian: parts of shape (k, 2), in order.

    Each part lies within [-180, 180] and a cut leaves a point at exactly ±180 on both sides, at
    the latitude where the great circle meets the meridian. A line that does not cross comes
    back as one part; longitudes of any turn are accepted.
    """
    line = np.asarray(coordinates, float).reshape(-1, 2)
    if len(line) < 2:
        return [np.column_stack([wrap(line[:, 0]), line[:, 1]])] if len(line) else []
    lon, lat = _cut_at_meridian(unwrap(line[:, 0]), line[:, 1])
    # The turn of a step is that of its middle, so a vertex standing on the cut is no trouble.
    turn = np.floor(((lon[:-1] + lon[1:]) / 2 + 180.0) / 360.0)
    ends = [0, *(np.flatnonzero(np.diff(turn)) + 1).tolist(), len(turn)]
    return [
        np.column_stack([lon[i : j + 1] - 360.0 * turn[i], lat[i : j + 1]])
        for i, j in pairwise(ends)
    ]


def _cut_at_meridian(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """The unwrapped line with a vertex added wherever it passes an odd multiple of 180°."""
    edge = 360.0 * np.ceil((np.minimum(lon[:-1], lon[1:]) + 180.0) / 360.0) - 180.0
    low, high = np.minimum(lon[:-1], lon[1:]), np.maximum(lon[:-1], lon[1:])
    at = np.flatnonzero((low < edge) & (edge < high))
    cut = [_meridian_latitude(lon[i], lat[i], lon[i + 1], lat[i + 1], edge[i]) for i in at]
    return np.insert(lon, at + 1, edge[at]), np.insert(lat, at + 1, cut)


def _meridian_latitude(lon1: float, lat1: float, lon2: float, lat2: float, lon: float) -> float:
    """Latitude, degrees, at which the great circle through two points meets the meridian lon."""
    phi1, phi2 = np.radians(lat1), np.radians(lat2)
    before, after, whole = np.radians([lon - lon1, lon2 - lon, lon2 - lon1])
    if abs(np.sin(whole)) < 1e-12:
        return float(lat1 + (lat2 - lat1) * (lon - lon1) / (lon2 - lon1))
    tangent = (np.tan(phi1) * np.sin(after) + np.tan(phi2) * np.sin(before)) / np.sin(whole)
    return float(np.degrees(np.arctan(tangent)))


def _dot(a: Floats, b: Floats) -> Floats:
    """Dot product over the last axis, in a fixed order: the same point gives the same bits."""
    return np.asarray(a[..., 0] * b[..., 0] + a[..., 1] * b[..., 1] + a[..., 2] * b[..., 2], float)


def _cross(a: Floats, b: Floats) -> Floats:
    """Cross product over the last axis (numpy's, minus its axis shuffling)."""
    ax, ay, az = a[..., 0], a[..., 1], a[..., 2]
    bx, by, bz = b[..., 0], b[..., 1], b[..., 2]
    return np.stack([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx], axis=-1)
