"""Charts of a what-if as Vega-Lite, with nothing fetched from outside.

A colour never stands alone: bars carry their words and figures, lines differ by dash. What changes
with a scenario is in named datasets: a browser that has the rest then draws nothing else anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corridors.ui import amounts, colours, sentences
from corridors.ui.whatif import say
from corridors.ui.words import word

if TYPE_CHECKING:
    from corridors.ui.colours import Palette

Spec = dict[str, Any]
Row = dict[str, Any]

BARS_HEIGHT_PX, DAYS_HEIGHT_PX, STOCK_HEIGHT_PX = 400, 250, 160
"""Axes and legends included."""
FIGURE = ",.3~r"


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
                "band": "" if np.isnan(low) else say.band(low, high, lang),
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
        "datasets": {"bars": rows},
        "layer": [{"data": {"name": "bars"}, **layer} for layer in (bar, *texts)],
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
        "datasets": {"lines": lines, "shade": _shaded(duration_d, table)},
        "layer": [
            _shade(colour),
            {
                "data": {"name": "lines"},
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
        "datasets": {"stock": rows, "shade": _shaded(duration_d, table)},
        "layer": [
            _shade(colour),
            {
                "data": {"name": "stock"},
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


def _shaded(duration_d: float, table: pd.DataFrame) -> list[Row]:
    return [{"a": 0.0, "b": min(duration_d, float(table["day"].max()))}]


def _shade(colour: Palette) -> Spec:
    """The scenario's days."""
    return {
        "data": {"name": "shade"},
        "mark": {"type": "rect", "color": colour.none, "opacity": 0.14, "tooltip": None},
        "encoding": {"x": {"field": "a", "type": "quantitative"}, "x2": {"field": "b"}},
    }
