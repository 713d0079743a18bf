"""Where names stand on the map so that none covers another: the largest flow chooses first."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import pandas as pd

from layers.world import records

TILE = 512
"""Pixels of the world's width at zoom 0."""

SIDES = {
    "right": ("start", "center", 1.0, 0.0),
    "left": ("end", "center", -1.0, 0.0),
    "top": ("middle", "bottom", 0.0, -1.0),
    "bottom": ("middle", "top", 0.0, 1.0),
    "top_right": ("start", "bottom", 0.8, -0.6),
    "bottom_right": ("start", "top", 0.8, 0.6),
    "top_left": ("end", "bottom", -0.8, -0.6),
    "bottom_left": ("end", "top", -0.8, 0.6),
}
"""Anchor, baseline and direction of each place beside a point."""

Box = tuple[float, float, float, float]


def pixels(lon: float, lat: float, zoom: float) -> tuple[float, float]:
    """Web Mercator position in pixels, y downwards."""
    size = TILE * 2.0**zoom
    y = np.log(np.tan(np.pi / 4 + np.radians(lat) / 2))
    return size * (lon + 180.0) / 360.0, float(size * (0.5 - y / (2 * np.pi)))


def placed(
    points: pd.DataFrame,
    *,
    zoom: float,
    font_px: float = 12.0,
    centre: float = 0.0,
    half_px: float = np.inf,
) -> pd.DataFrame:
    """Labels that fit, with their side: ``anchor, baseline, offset`` beside the columns given.

    Parameters
    ----------
    points
        ``lon, lat, text, radius`` (px), the most important first. Every point keeps its own room
        free of text; a label that fits on no side is left out.
    zoom
        Zoom at which nothing overlaps; closer in there is only more room.
    centre, half_px
        Longitude in the middle of the map and px from there to its edges, which no label crosses.
    """
    near = (points["lon"] - centre + 180.0) % 360.0 - 180.0
    at = [pixels(*p, zoom) for p in zip(near, points["lat"], strict=True)]
    middle = pixels(0.0, 0.0, zoom)[0]
    taken = [
        (x - r / 2, y - r / 2, x + r / 2, y + r / 2)
        for (x, y), r in zip(at, points["radius"], strict=True)
    ]
    rows = []
    for i, point in enumerate(records(points)):
        others = taken[:i] + taken[i + 1 :]
        for anchor, baseline, dx, dy in SIDES.values():
            gap = point["radius"] + 3.0
            offset = (dx * gap, dy * gap)
            room = box(at[i], offset, anchor, baseline, point["text"], font_px)
            inside = middle - half_px <= room[0] and room[2] <= middle + half_px
            if inside and not any(overlap(room, other) for other in others):
                taken.append(room)
                spot = {"anchor": anchor, "baseline": baseline, "offset": list(offset)}
                rows.append(point | spot)
                break
    return pd.DataFrame(rows, columns=[*points.columns, "anchor", "baseline", "offset"])


def width(text: str, font_px: float) -> float:
    """Rough width of a text in px: Chinese letters are square, others half as wide."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return font_px * (1.02 * wide + 0.56 * (len(text) - wide))


def box(
    at: tuple[float, float],
    offset: Sequence[float],
    anchor: str,
    baseline: str,
    text: str,
    font_px: float,
) -> Box:
    """Room a label takes, px: left, top, right, bottom."""
    x, y = at[0] + offset[0], at[1] + offset[1]
    wide, high = width(text, font_px), 1.25 * font_px
    left = x - wide * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
    top = y - high * {"top": 0.0, "center": 0.5, "bottom": 1.0}[baseline]
    return left - 2, top - 1, left + wide + 2, top + high + 1


def overlap(a: Box, b: Box) -> bool:
    """Whether two boxes share room."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
