"""Charts of a what-if as Vega-Lite, with nothing fetched from outside.

A colour never stands alone: bars carry their words and figures, lanes differ by dash and width,
lines by dash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.polygon import orient

from corridors.ui import amounts, colours, sentences, whatif_say
from corridors.ui.words import word
from layers.world import records

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from corridors.ui.colours import Palette

Spec = dict[str, Any]
Row = dict[str, Any]

BARS_HEIGHT_PX, DAYS_HEIGHT_PX, STOCK_HEIGHT_PX = 400, 250, 160
"""Axes and legends included."""
MAP_HEIGHT_PX = 480
"""Where the page does not say otherwise."""
FIGURE = ",.3~r"
DASHES = {"solid": [1, 0], "dashed": [7, 5]}
WORLD_FRAME = (-2.7, 2.7, -1.05, 1.25)
"""Left, right, bottom and top of the inhabited world in the projection."""
ROOM, LEAST_FRAME = 0.06, 1.0
"""Room round the lanes, part of their extent, and the least extent, about 60 degrees."""
LAND_TOLERANCE_DEG, LEAST_ISLAND_DEG2, SOUTH_DEG = 0.35, 0.8, -58.0
THIN_PX, THICK_PX, OLD_PART = 0.9, 6.5, 0.6


@dataclass(frozen=True)
class Tints:
    """Colours of the outcomes, apart for every kind of colour vision."""

    baseline: str
    delivered: str
    rerouted: str
    unmet: str
    infeasible: str
    left: str


LIGHT = Tints("#8b95a1", "#0f6aa8", "#00806a", "#d2691e", "#7a1f2b", "#a3552a")
DARK = Tints("#76849a", "#4fc3f7", "#3fd6a8", "#f0a050", "#e8788a", "#e09a6a")


def tints(colour: Palette) -> Tints:
    """Colours that go with a palette."""
    return DARK if colour is colours.DARK else LIGHT


def waterfall(steps: Sequence[tuple[str, float, float, float]], colour: Palette, lang: str) -> Spec:
    """Bars from usual imports down to nothing left, each with its word, figure and range."""
    unit = amounts.unit([steps[0][1]], lang)
    ink, rows, at = tints(colour), list[Row](), 0.0
    whole = max(steps[0][1], 1.0)
    for step, tonnes, low, high in steps:
        start = 0.0 if step == "baseline" else at
        share = tonnes / whole
        told = f"{sentences.tonnes(tonnes, lang)} · {sentences.percent(share, lang)}"
        rows.append(
            {
                "step": word(f"wi_{step}", lang),
                "from": start / unit.tonnes,
                "to": (start + tonnes) / unit.tonnes,
                "label": told if step != "baseline" else sentences.tonnes(tonnes, lang),
                "band": "" if np.isnan(low) else whatif_say.band(low, high, lang),
                "tint": getattr(ink, step),
                "side": start + tonnes / 2 > 0.62 * whole and share < 0.55,
                "inside": share >= 0.55,
            }
        )
        at = start + tonnes if step != "baseline" else 0.0
    order = [row["step"] for row in rows]
    y = {"field": "step", "type": "nominal", "sort": order, "title": None}
    axis = {"labelLimit": 140, "ticks": False, "domain": False, "labelFontSize": 13}
    tip = [
        {"field": "step", "title": " "},
        {"field": "label", "title": word("x_imports", lang)},
        {"field": "band", "title": word("band", lang)},
    ]
    bar = {
        "mark": {"type": "bar", "height": {"band": 0.66}, "cornerRadius": 2},
        "encoding": {
            "y": y | {"axis": axis},
            "x": {
                "field": "from",
                "type": "quantitative",
                "title": unit.name,
                "scale": {"domain": [0, whole / unit.tonnes], "nice": False},
                "axis": {"grid": True, "tickCount": 4},
            },
            "x2": {"field": "to"},
            "color": {"field": "tint", "type": "nominal", "scale": None},
            "tooltip": tip,
        },
    }
    texts = [
        _bar_text(y, "to", "left", 6, colour.text, "!datum.inside && !datum.side"),
        _bar_text(y, "from", "right", -6, colour.text, "!datum.inside && datum.side"),
        _bar_text(y, "from", "left", 8, colour.land, "datum.inside"),
    ]
    return {
        "height": BARS_HEIGHT_PX,
        "layer": [{"data": {"values": rows}, **layer} for layer in (bar, *texts)],
    }


def _bar_text(y: Spec, x: str, align: str, dx: int, tint: str, test: str) -> Spec:
    return {
        "transform": [{"filter": test}],
        "mark": {"type": "text", "align": align, "dx": dx, "color": tint, "fontSize": 12.5},
        "encoding": {
            "y": y,
            "x": {"field": x, "type": "quantitative"},
            "text": {"field": "label"},
        },
    }


def daily(table: pd.DataFrame, duration_d: float, colour: Palette, lang: str) -> Spec:
    """Arrivals against the usual and what is short, t a day; the scenario's days shaded."""
    unit = amounts.unit([*table["usual_t"], *table["arrivals_t"]], lang)
    ink = tints(colour)
    words = {c: word(f"wi_{c}", lang) for c in ("usual", "arrivals", "short")}
    lines = [
        {"day": int(day), "what": words[c], "value": round(value / unit.tonnes, 4)}
        for c in ("usual", "arrivals", "short")
        for day, value in zip(table["day"], table[f"{c}_t"], strict=True)
        if not np.isnan(value)
    ]
    look = [
        ("usual", ink.baseline, [4, 3]),
        ("arrivals", ink.delivered, [1, 0]),
        ("short", ink.infeasible, [2, 2]),
    ]
    domain = [words[c] for c, _, _ in look]
    legend = {"orient": "top", "title": None, "symbolType": "stroke", "symbolSize": 300}
    scale = {"domain": domain, "range": [tint for _, tint, _ in look]}
    dash = {"domain": domain, "range": [d for _, _, d in look]}
    title = word("wi_per_day", lang, unit=unit.name)
    return {
        "height": DAYS_HEIGHT_PX,
        "layer": [
            _shade(duration_d, table, colour),
            {
                "data": {"values": lines},
                "mark": {"type": "line", "strokeWidth": 2, "interpolate": "step-after"},
                "encoding": {
                    "x": _days_axis(table, lang),
                    "y": {"field": "value", "type": "quantitative", "title": title},
                    "color": {"field": "what", "type": "nominal", "scale": scale, "legend": legend},
                    "strokeDash": {"field": "what", "type": "nominal", "scale": dash},
                    "tooltip": [
                        {"field": "day", "title": word("wi_day", lang)},
                        {"field": "what", "title": " "},
                        {"field": "value", "title": title, "format": FIGURE},
                    ],
                },
            },
        ],
    }


def stock(table: pd.DataFrame, duration_d: float, colour: Palette, lang: str) -> Spec:
    """Usable stock day by day."""
    unit = amounts.unit(table["stock_t"], lang)
    rows = [
        {"day": int(day), "value": round(value / unit.tonnes, 4)}
        for day, value in zip(table["day"], table["stock_t"], strict=True)
    ]
    title = (
        f"{word('wi_stock', lang)} ({unit.name})"
        if lang == "en"
        else f"{word('wi_stock', lang)}（{unit.name}）"
    )
    tint = tints(colour).rerouted
    line = {"strokeWidth": 2, "color": tint}
    mark = {"type": "area", "line": line, "color": tint, "fillOpacity": 0.25}
    return {
        "height": STOCK_HEIGHT_PX,
        "layer": [
            _shade(duration_d, table, colour),
            {
                "data": {"values": rows},
                "mark": mark,
                "encoding": {
                    "x": _days_axis(table, lang),
                    "y": {
                        "field": "value",
                        "type": "quantitative",
                        "title": unit.name,
                        "axis": {"tickCount": 3},
                    },
                    "tooltip": [
                        {"field": "day", "title": word("wi_day", lang)},
                        {"field": "value", "title": title, "format": FIGURE},
                    ],
                },
            },
        ],
    }


def _days_axis(table: pd.DataFrame, lang: str) -> Spec:
    last = int(table["day"].max())
    scale = {"domain": [0, last], "nice": False}
    return {
        "field": "day",
        "type": "quantitative",
        "title": word("wi_day", lang),
        "scale": scale,
        "axis": {"grid": False},
    }


def _shade(duration_d: float, table: pd.DataFrame, colour: Palette) -> Spec:
    last = min(duration_d, float(table["day"].max()))
    return {
        "data": {"values": [{"a": 0, "b": last}]},
        "mark": {"type": "rect", "color": colour.none, "opacity": 0.14, "tooltip": None},
        "encoding": {"x": {"field": "a", "type": "quantitative"}, "x2": {"field": "b"}},
    }


def land(polygons: Iterable[shapely.Geometry]) -> list[Row]:
    """Land as GeoJSON features, coarse, rings wound as d3 wants them: outer ones clockwise."""
    parts = shapely.get_parts(list(polygons))
    parts = parts[shapely.area(parts) > LEAST_ISLAND_DEG2]
    parts = parts[shapely.bounds(parts)[:, 3] > SOUTH_DEG]
    found = []
    for part in shapely.simplify(parts, LAND_TOLERANCE_DEG):
        if part.is_empty or part.geom_type != "Polygon":
            continue
        rings = [orient(part, sign=-1.0).exterior]
        found.append(
            {
                "type": "Feature",
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [shapely.get_coordinates(r).round(1).tolist() for r in rings],
                },
            }
        )
    return found


def world_map(
    ground: Sequence[Row],
    lanes: pd.DataFrame,
    places: pd.DataFrame,
    colour: Palette,
    lang: str,
    *,
    longitude: float,
) -> Spec:
    """New lanes against old on an equal-area world.

    Parameters
    ----------
    lanes
        From ``corridors.ui.whatif_lanes.lanes``.
    places
        ``lon, lat, name``: what the scenario disrupts.
    longitude
        In the middle of the map.
    """
    ink = tints(colour)
    coast = {
        "data": {"values": list(ground)},
        "mark": {
            "type": "geoshape",
            "aria": False,
            "fill": colour.land,
            "stroke": colour.coast,
            "strokeWidth": 0.5,
            "clip": True,
            "tooltip": None,
        },
    }
    looks = lane_looks(colour)
    names = {kind: word(f"wi_{kind}", lang) for kind, _, _ in looks}
    scale = {"domain": list(names.values()), "range": [tint for _, tint, _ in looks]}
    dash = {"domain": list(names.values()), "range": [DASHES[how] for _, _, how in looks]}
    layers = [coast]
    if len(lanes):
        layers.append(
            {
                "data": {"values": [_lane(row, lanes, names, lang) for row in records(lanes)]},
                "mark": {
                    "type": "geoshape",
                    "filled": False,
                    "strokeCap": "butt",
                    "aria": False,
                    "clip": True,
                },
                "encoding": {
                    "stroke": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": scale,
                        "legend": None,
                    },
                    "strokeDash": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": dash,
                        "legend": None,
                    },
                    "strokeWidth": {"field": "wide", "type": "quantitative", "scale": None},
                    "tooltip": [
                        {"field": "kind", "title": " "},
                        {"field": "before", "title": word("wi_before", lang)},
                        {"field": "after", "title": word("wi_after", lang)},
                    ],
                },
            }
        )
    if len(places):
        at = {
            "longitude": {"field": "lon", "type": "quantitative"},
            "latitude": {"field": "lat", "type": "quantitative"},
        }
        rows = [{k: row[k] for k in ("lon", "lat", "name")} for row in records(places)]
        diamond = {
            "type": "point",
            "shape": "diamond",
            "size": 150,
            "filled": True,
            "fill": ink.infeasible,
            "stroke": colour.halo,
            "strokeWidth": 1.5,
            "opacity": 1,
        }
        text = {"type": "text", "dx": 10, "align": "left", "fontSize": 13, "fontWeight": 600}
        halo = {"stroke": colour.halo, "strokeWidth": 4, "color": colour.halo, "opacity": 0.9}
        named = {**at, "text": {"field": "name"}}
        layers += [
            {
                "data": {"values": rows},
                "mark": diamond,
                "encoding": {
                    **at,
                    "tooltip": [{"field": "name", "title": word("wi_disrupted", lang)}],
                },
            },
            {"data": {"values": rows}, "mark": {**text, **halo}, "encoding": named},
            {"data": {"values": rows}, "mark": {**text, "color": colour.text}, "encoding": named},
        ]
    return {
        "height": MAP_HEIGHT_PX,
        "projection": _projection(lanes, places, longitude),
        "layer": layers,
        "view": {"stroke": None, "fill": colour.sea},
    }


def lane_looks(colour: Palette) -> list[tuple[str, str, str]]:
    """Kind, colour and dash (a word of CSS) of the lanes of the map."""
    ink = tints(colour)
    return [
        ("kept", colour.lane_thick, "solid"),
        ("left", ink.left, "dashed"),
        ("new", ink.rerouted, "solid"),
    ]


def _projection(lanes: pd.DataFrame, places: pd.DataFrame, longitude: float) -> Spec:
    """The world moved and scaled so that lanes and places fill the picture, however wide it is."""
    ends = [at for path in lanes["path"] for at in path]
    ends += [[row["lon"], row["lat"]] for row in records(places)]
    left, right, low, high = _frame(ends, longitude)
    scale = f"min(width / {right - left:.4f}, height / {high - low:.4f})"
    shift = f"{(left + right) / 2:.4f}", f"{(low + high) / 2:.4f}"
    return {
        "type": "equalEarth",
        "rotate": [-longitude, 0, 0],
        "scale": {"expr": scale},
        "translate": {
            "expr": f"[width / 2 - {scale} * {shift[0]}, height / 2 + {scale} * {shift[1]}]"
        },
    }


def _frame(ends: Sequence[Sequence[float]], longitude: float) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of places with room around them, as the projection has them."""
    if not ends:
        return WORLD_FRAME
    lon, lat = np.radians(np.array(ends, dtype=np.float64)).T
    lon = (lon - np.radians(longitude) + np.pi) % (2 * np.pi) - np.pi
    x, y = equal_earth(lon, lat)
    found = []
    for values, (least, most) in ((x, WORLD_FRAME[:2]), (y, WORLD_FRAME[2:])):
        room = max(ROOM * float(np.ptp(values)), (LEAST_FRAME - float(np.ptp(values))) / 2)
        found += [max(float(values.min()) - room, least), min(float(values.max()) + room, most)]
    return found[0], found[1], found[2], found[3]


def equal_earth(
    lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Plane coordinates of radians in the Equal Earth projection (Šavrič et al., 2018)."""
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    t = np.arcsin(np.sqrt(3) / 2 * np.sin(lat))
    slope = a1 + 3 * a2 * t**2 + t**6 * (7 * a3 + 9 * a4 * t**2)
    x = 2 * np.sqrt(3) / 3 * lon * np.cos(t) / slope
    return x, t * (a1 + a2 * t**2 + t**6 * (a3 + a4 * t**2))


def _lane(row: Mapping[str, Any], lanes: pd.DataFrame, names: Mapping[str, str], lang: str) -> Row:
    most = float(lanes[["calm_t", "now_t"]].to_numpy().max())
    part = max(row["calm_t"], row["now_t"]) / most
    wide = THIN_PX + (THICK_PX - THIN_PX) * float(np.sqrt(part))
    # What is new stands out; and a dash as wide as it is long is no dash.
    wide *= 1.0 if row["kind"] == "new" else OLD_PART
    return {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": row["path"]},
        "kind": names[row["kind"]],
        "wide": round(wide, 1),
        "before": sentences.tonnes(row["calm_t"], lang),
        "after": sentences.tonnes(row["now_t"], lang),
    }
