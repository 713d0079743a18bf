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

from corridors.ui import colours, sentences, whatif_say
from corridors.ui.words import word
from layers.world import records

if TYPE_CHECKING:
    from collections.abc import Iterable

    from corridors.ui.colours import Palette

Spec = dict[str, Any]
Row = dict[str, Any]

MAP_HEIGHT_PX, BARS_HEIGHT_PX, DAYS_HEIGHT_PX, STOCK_HEIGHT_PX = 470, 300, 260, 170
"""Axes and legends included."""
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


def unit(lang: str) -> tuple[float, str]:
    """Tonnes in the unit a chart counts in, and its name."""
    return (1e4, "万吨") if lang == "zh" else (1e6, "Mt")


def waterfall(steps: Sequence[tuple[str, float, float, float]], colour: Palette, lang: str) -> Spec:
    """Bars from usual imports down to nothing left, each with its word, figure and range."""
    size, name = unit(lang)
    ink, rows, at = tints(colour), list[Row](), 0.0
    whole = max(steps[0][1], 1.0)
    for step, tonnes, low, high in steps:
        start = 0.0 if step == "baseline" else at
        share = tonnes / whole
        told = f"{sentences.tonnes(tonnes, lang)} · {sentences.percent(share, lang)}"
        rows.append(
            {
                "step": word(f"wi_{step}", lang),
                "from": start / size,
                "to": (start + tonnes) / size,
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
        {"field": "label", "title": name},
        {"field": "band", "title": word("band", lang)},
    ]
    bar = {
        "mark": {"type": "bar", "height": {"band": 0.66}, "cornerRadius": 2},
        "encoding": {
            "y": y | {"axis": axis},
            "x": {
                "field": "from",
                "type": "quantitative",
                "title": name,
                "scale": {"domain": [0, whole / size], "nice": False},
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
    size, name = (1e4, "万吨") if lang == "zh" else (1e3, "kt")
    ink = tints(colour)
    words = {c: word(f"wi_{c}", lang) for c in ("usual", "arrivals", "short")}
    lines = [
        {"day": int(day), "what": words[c], "value": round(value / size, 3)}
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
    title = word("wi_per_day", lang, unit=name)
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
                        {"field": "value", "title": title, "format": ",.1f"},
                    ],
                },
            },
        ],
    }


def stock(table: pd.DataFrame, duration_d: float, colour: Palette, lang: str) -> Spec:
    """Usable stock day by day."""
    size, name = unit(lang)
    rows = [
        {"day": int(day), "value": round(value / size, 4)}
        for day, value in zip(table["day"], table["stock_t"], strict=True)
    ]
    title = (
        f"{word('wi_stock', lang)} ({name})"
        if lang == "en"
        else f"{word('wi_stock', lang)}（{name}）"
    )
    mark = {"type": "area", "line": {"strokeWidth": 2}, "fillOpacity": 0.25}
    return {
        "height": STOCK_HEIGHT_PX,
        "layer": [
            _shade(duration_d, table, colour),
            {
                "data": {"values": rows},
                "mark": mark | {"color": tints(colour).rerouted},
                "encoding": {
                    "x": _days_axis(table, lang),
                    "y": {
                        "field": "value",
                        "type": "quantitative",
                        "title": name,
                        "axis": {"tickCount": 3},
                    },
                    "tooltip": [
                        {"field": "day", "title": word("wi_day", lang)},
                        {"field": "value", "title": title, "format": ",.2f"},
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
    projection = {"type": "equalEarth", "rotate": [-longitude, 0, 0]}
    sea = {
        "data": {"sphere": True},
        "mark": {"type": "geoshape", "fill": colour.sea, "stroke": None, "aria": False},
    }
    coast = {
        "data": {"values": list(ground)},
        "mark": {
            "type": "geoshape",
            "aria": False,
            "fill": colour.land,
            "stroke": colour.coast,
            "strokeWidth": 0.5,
            "tooltip": None,
        },
    }
    look = {
        "kept": (colour.lane_thick, [1, 0]),
        "left": (ink.left, [7, 5]),
        "new": (ink.rerouted, [1, 0]),
    }
    names = {kind: word(f"wi_{kind}", lang) for kind in look}
    scale = {"domain": list(names.values()), "range": [tint for tint, _ in look.values()]}
    dash = {"domain": list(names.values()), "range": [d for _, d in look.values()]}
    legend = {
        "orient": "bottom",
        "title": word("wi_map_legend", lang),
        "symbolType": "stroke",
        "symbolSize": 500,
        "symbolStrokeWidth": 3,
        "columns": 3,
    }
    layers = [sea, coast]
    if len(lanes):
        layers.append(
            {
                "data": {"values": [_lane(row, lanes, names, lang) for row in records(lanes)]},
                "mark": {"type": "geoshape", "filled": False, "strokeCap": "butt", "aria": False},
                "encoding": {
                    "stroke": {
                        "field": "kind",
                        "type": "nominal",
                        "scale": scale,
                        "legend": legend,
                    },
                    "strokeDash": {"field": "kind", "type": "nominal", "scale": dash},
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
        "projection": projection,
        "layer": layers,
        "config": {"view": {"stroke": None}},
    }


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
