"""Cargo from origin to the passage that decides its way, as bands whose width is the tonnage.

Drawn with boxes cut to shape, since Streamlit strips drawings from HTML: so it takes the colours
of either theme, shrinks with the page, and its names are text.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REST = "rest"

STYLE = """<style>
.cx-flow {position: relative; width: 100%; font-size: .84rem; line-height: 16px}
.cx-flow > i {position: absolute; display: block}
.cx-flow > span {position: absolute; height: 16px; white-space: nowrap; overflow: hidden;
  text-overflow: ellipsis}
.cx-flow > span b {font-weight: 650; font-variant-numeric: tabular-nums}
.cx-flow > span small {font-size: inherit; opacity: .8}
.cx-flow .cx-from {left: 0; width: 23.2%; text-align: right}
.cx-flow .cx-by {left: 66.2%; width: 33.8%}
.cx-flow .cx-end {background: currentColor; opacity: .82}
.cx-flow i:hover {filter: brightness(1.25)}
@media (max-width: 640px) {
  .cx-flow {font-size: .74rem}
  .cx-flow > span small {display: none}
}
</style>"""

HEIGHT_PX = 380.0
GAP_PX = 4.0
LABEL_PX = 16.0
STEPS = np.linspace(0.0, 1.0, 15)
BEND = 3 * STEPS**2 - 2 * STEPS**3
FROM, BY = 24.0, 64.4
BAR = 1.1
"""Where the two columns of bars stand and how wide they are, per cent of the width."""


@dataclass(frozen=True)
class Box:
    """One bar: its top and thickness in pixels."""

    top: float
    thick: float


def gathered(ways: pd.DataFrame, *, origins: int, passages: int) -> pd.DataFrame:
    """The largest origins and passages by themselves, all others together as ``REST``."""
    table = ways.copy()
    for column, most in (("origin", origins), ("through", passages)):
        order = table.groupby(column)["quantity_t"].sum().sort_values(ascending=False)
        # One left over keeps its name: "the rest" would take as much room and say less.
        kept = order.index if len(order) <= most + 1 else order.index[:most]
        table[column] = table[column].where(table[column].isin(kept), REST)
    found = table.groupby(["origin", "through"], sort=False)["quantity_t"].sum().reset_index()
    return found.sort_values("quantity_t", ascending=False, kind="stable", ignore_index=True)


def ordered(ways: pd.DataFrame, column: str) -> list[str]:
    """Names of a column, the largest first and the rest last."""
    order = ways.groupby(column)["quantity_t"].sum().sort_values(ascending=False, kind="stable")
    names = [str(name) for name in order.index]
    return [n for n in names if n != REST] + [n for n in names if n == REST]


def picture(
    ways: pd.DataFrame,
    names: Mapping[str, str],
    figures: Mapping[str, str],
    tints: Mapping[str, str],
) -> str:
    """The drawing as HTML, every text escaped.

    Parameters
    ----------
    ways
        From `gathered`.
    names, figures
        What to write for each origin and passage; keys as in ``ways``, ``REST`` told apart as
        ``origin:rest`` and ``through:rest``, likewise all others.
    tints
        Colour of each passage.
    """
    total = float(ways["quantity_t"].sum())
    starts, turns = ordered(ways, "origin"), ordered(ways, "through")
    left, height_a = _stack([_part(ways, "origin", n) / total for n in starts])
    right, height_b = _stack([_part(ways, "through", n) / total for n in turns])
    height = max(height_a, height_b)
    left, right = _centred(left, height - height_a), _centred(right, height - height_b)
    pieces = [*_bands(ways, starts, turns, left, right, names, figures, tints)]
    for name, box in zip(starts, left, strict=True):
        pieces.append(_bar(FROM, box, ""))
        pieces.append(_label("cx-from", box, names, figures, f"origin:{name}"))
    for name, box in zip(turns, right, strict=True):
        pieces.append(_bar(BY, box, tints[name]))
        pieces.append(_label("cx-by", box, names, figures, f"through:{name}"))
    return f'<div class="cx-flow" style="height:{height:.0f}px">{"".join(pieces)}</div>'


def _part(ways: pd.DataFrame, column: str, name: str) -> float:
    return float(ways.loc[ways[column] == name, "quantity_t"].sum())


def _stack(parts: Sequence[float]) -> tuple[list[Box], float]:
    """Bars below each other, far enough apart for their names; and the height they take."""
    boxes, top = [], 0.0
    for part in parts:
        thick = HEIGHT_PX * part
        slot = max(thick + GAP_PX, LABEL_PX + 1)
        boxes.append(Box(top + (slot - thick) / 2, thick))
        top += slot
    return boxes, top


def _centred(boxes: Sequence[Box], room: float) -> list[Box]:
    return [Box(b.top + room / 2, b.thick) for b in boxes]


def _bands(
    ways: pd.DataFrame,
    starts: Sequence[str],
    turns: Sequence[str],
    left: Sequence[Box],
    middle: Sequence[Box],
    names: Mapping[str, str],
    figures: Mapping[str, str],
    tints: Mapping[str, str],
) -> list[str]:
    """Bands from origins to passages, each in its place on both sides."""
    total = float(ways["quantity_t"].sum())
    quantity = ways.set_index(["origin", "through"])["quantity_t"].to_dict()
    down_a = [b.top for b in left]
    down_b = [b.top for b in middle]
    bands = []
    for i, start in enumerate(starts):
        for j, turn in enumerate(turns):
            tonnes = quantity.get((start, turn), 0.0)
            if tonnes <= 0:
                continue
            thick = HEIGHT_PX * tonnes / total
            figure = figures.get(f"{start}>{turn}", "")
            label = f"{names[f'origin:{start}']} → {names[f'through:{turn}']}: {figure}"
            one, two = Box(down_a[i], thick), Box(down_b[j], thick)
            bands.append(_band(FROM + BAR, BY, one, two, tints[turn], label))
            down_a[i] += thick
            down_b[j] += thick
    return bands


def _band(x0: float, x1: float, one: Box, two: Box, tint: str, label: str) -> str:
    top = min(one.top, two.top)
    height = max(one.top + one.thick, two.top + two.thick) - top
    thick = max(one.thick, 0.6)  # the thinnest still shows as a hair
    upper = one.top + (two.top - one.top) * BEND - top
    across = 100 * STEPS
    # Two bends in x and y make the usual S; x runs evenly, which is as smooth to the eye.
    points = [f"{x:.1f}% {y:.1f}px" for x, y in zip(across, upper, strict=True)]
    points += [
        f"{x:.1f}% {y + thick:.1f}px" for x, y in zip(across[::-1], upper[::-1], strict=True)
    ]
    return (
        f'<i title="{escape(label)}" style="left:{x0}%;width:{x1 - x0:.2f}%;top:{top:.1f}px;'
        f"height:{max(height, 1):.1f}px;background:{tint};opacity:.42;"
        f'clip-path:polygon({",".join(points)})"></i>'
    )


def _bar(x: float, box: Box, tint: str) -> str:
    """A bar in a colour, or in that of the page's text."""
    look = f";background:{tint}" if tint else '" class="cx-end'
    return (
        f'<i style="left:{x}%;width:{BAR}%;top:{box.top:.1f}px;height:{max(box.thick, 1):.1f}px'
        f'{look}"></i>'
    )


def _label(
    style: str, box: Box, names: Mapping[str, str], figures: Mapping[str, str], key: str
) -> str:
    top = box.top + box.thick / 2 - LABEL_PX / 2
    share, _, tonnes = figures[key].partition(" · ")
    text = f"{escape(names[key])} <b>{escape(share)}</b> <small>{escape(tonnes)}</small>"
    whole = escape(f"{names[key]} {figures[key]}")
    return f'<span class="{style}" style="top:{top:.0f}px" title="{whole}">{text}</span>'
