"""HHI of origins beside HHI of passages, a line a commodity: written as boxes with every figure.

A circle is origins, a diamond passages: the shape tells them apart without colour.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from corridors.ui.words import word
from layers.world import records

if TYPE_CHECKING:
    import pandas as pd

    from corridors.ui.colours import Palette

KEY = """<style>
.cx-key {display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; font-size: .84rem;
  margin: .2rem 0 .5rem}
.cx-key span {display: inline-flex; align-items: center; gap: .4rem}
.cx-key i {display: inline-block; min-width: 11px; height: 11px; border-radius: 2px}
</style>"""
"""The look of a line that says what marks mean."""

STYLE = """<style>
.cx-spread {display: grid; grid-template-columns: minmax(6rem, 11rem) minmax(8rem, 1fr)
  minmax(9rem, 17rem); gap: 0 1rem; align-items: center; font-size: .88rem}
.cx-spread > div {min-height: 30px; display: flex; align-items: center;
  border-top: 1px solid color-mix(in srgb, currentColor 12%, transparent)}
.cx-spread .cx-top {border: 0; font-size: .8rem; opacity: .85; min-height: 22px;
  justify-content: space-between}
.cx-track {position: relative; align-self: stretch}
.cx-track i {position: absolute; display: block; top: 50%}
.cx-track .cx-q {top: 0; width: 1px; height: 100%; background: currentColor; opacity: .1}
@media (max-width: 640px) {
  .cx-spread {grid-template-columns: 5.2rem 1fr; font-size: .82rem}
  .cx-spread .cx-say {grid-column: 1 / -1; border: 0; min-height: 0; padding-bottom: .35rem;
    opacity: .85}
}
</style>"""

PX = 11


def equal(number: float, which: str, lang: str) -> str:
    """How many equal ones a concentration is as if of, in words."""
    if math.isnan(number):
        return word("x_unknown_number", lang)
    if number < 1.05:
        return word(f"x_{which}_one", lang)
    return word(f"x_{which}", lang, n=f"{number:.1f}")


def chart(spread: pd.DataFrame, names: dict[str, str], colour: Palette, lang: str) -> str:
    """The chart as HTML, every text escaped."""
    circle, diamond = colour.port, colour.share[2]
    few, one = (escape(word(f"x_spread_{end}", lang)) for end in ("few", "one"))
    rows = [
        f'<div class="cx-top"></div><div class="cx-top"><span>{few}</span><span>{one}</span></div>'
        '<div class="cx-top cx-say"></div>'
    ]
    for row in records(spread):
        ends = (row["hhi_origins"], row["hhi_corridors"])
        track = "".join(f'<i class="cx-q" style="left:{q}%"></i>' for q in (0, 25, 50, 75, 100))
        for which, tint, height in (("origins", circle, 6), ("corridors", diamond, -6)):
            track += _range(row, which, tint, height)
        track += _dot(ends[0], circle, "border-radius:50%")
        track += _dot(ends[1], diamond, "transform:rotate(45deg)")
        said = word(
            "x_spread_words",
            lang,
            origins=equal(row["equal_origins"], "origins", lang),
            passages=equal(row["equal_corridors"], "corridors", lang),
        )
        title = "; ".join(
            f"{word(f'x_hhi_{w}', lang)} {_figure(row[f'hhi_{w}'])} "
            f"({_figure(row[f'hhi_{w}_low'])}–{_figure(row[f'hhi_{w}_high'])})"
            for w in ("origins", "corridors")
        )
        rows.append(
            f"<div>{escape(names[row['commodity']])}</div>"
            f'<div class="cx-track" title="{escape(title)}">{track}</div>'
            f'<div class="cx-say">{escape(said)}</div>'
        )
    key = "".join(
        f'<span><i style="width:{PX}px;height:{PX}px;background:{tint};{shape}"></i>'
        f"{escape(word(f'x_hhi_{which}', lang))}</span>"
        for which, tint, shape in (
            ("origins", circle, "border-radius:50%"),
            ("corridors", diamond, "transform:rotate(45deg)"),
        )
    )
    return (
        f'{KEY}{STYLE}<div class="cx-key">{key}</div><div class="cx-spread">{"".join(rows)}</div>'
    )


def _range(row: dict[str, float], which: str, tint: str, lift: int) -> str:
    low, high = row[f"hhi_{which}_low"], row[f"hhi_{which}_high"]
    if math.isnan(low) or math.isnan(high):
        return ""
    return (
        f'<i style="left:{100 * low:.1f}%;width:{max(100 * (high - low), 0.3):.1f}%;height:2px;'
        f'margin-top:{-1 - lift}px;background:{tint}"></i>'
    )


def _dot(value: float, tint: str, shape: str) -> str:
    if math.isnan(value):
        return ""
    return (
        f'<i style="left:calc({100 * value:.1f}% - {PX / 2}px);width:{PX}px;height:{PX}px;'
        f'margin-top:-{PX / 2}px;background:{tint};{shape}"></i>'
    )


def _figure(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"
