"""Beside the map: how the cargo arrives, how concentrated it is, what the marks mean.

Written as HTML with every text escaped; marks are styled boxes, since Streamlit strips drawings.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from corridors.ui import colours, sentences
from corridors.ui.words import word

if TYPE_CHECKING:
    from corridors.ui.answer import Answer
    from corridors.ui.colours import Palette


def draw(found: Answer, colour: Palette, lang: str) -> None:
    """What became of the cargo, how concentrated it is, and what the marks of the map mean."""
    quantity = sentences.tonnes(found.imports_t, lang)
    head = f"{word('placed', lang)} · {word('imports', lang, quantity=quantity)}"
    st.html(
        f'<div class="cx-side"><h2>{escape(head)}</h2>{_outcomes(found, colour, lang)}'
        f'<h2 title="{escape(word("hhi_help", lang))}">{escape(word("hhi", lang))}</h2>'
        f'<div class="cx-pair">{_hhi("origins", found.hhi_origins, lang)}'
        f"{_hhi('corridors', found.hhi_corridors, lang)}</div>{_legend(colour, lang)}</div>"
    )


def _outcomes(found: Answer, colour: Palette, lang: str) -> str:
    tints = {"sea": colour.lane_thick, "land": colour.pipeline, "overland": colour.railway}
    total = sum(found.outcomes.values())
    bar, items = "", ""
    for outcome, quantity in found.outcomes.items():
        tint, share = tints.get(outcome, colour.none), quantity / total
        bar += f'<i style="width:{100 * share:.2f}%;background:{tint}"></i>'
        figure = f"{sentences.percent(share, lang)} · {sentences.tonnes(quantity, lang)}"
        items += f"<li>{_swatch(tint)}{escape(word(outcome, lang))}<b>{escape(figure)}</b></li>"
    return f'<div class="cx-bar" aria-hidden="true">{bar}</div><ul>{items}</ul>'


def _hhi(which: str, value: float, lang: str) -> str:
    figure = word("hhi_missing", lang) if math.isnan(value) else f"{value:.2f}"
    return f"<span><b>{escape(figure)}</b>{escape(word(f'hhi_{which}', lang))}</span>"


def _legend(colour: Palette, lang: str) -> str:
    steps = [f"{100 * s:.0f}" for s in colours.SHARE_STEPS]
    spans = [f"{a}–{b}" for a, b in zip(steps, [*steps[1:], "100"], strict=True)]
    marks = "".join(
        f"<span>{_diamond(tint, 6 + 1.6 * i)}{span}</span>"
        for i, (tint, span) in enumerate(zip(colour.share, spans, strict=True))
    )
    rows = [
        (_stroke(colour.lane_thick, 4), "legend_lane"),
        (_circle(colour.port, filled=False), "legend_load"),
        (_circle(colour.port, filled=True), "legend_land"),
        (_stroke(colour.pipeline, 2), "legend_pipeline"),
        (_stroke(colour.railway, 2), "legend_railway"),
        (_stroke(colour.pipeline, 2, "dashed"), "legend_planned"),
    ]
    items = "".join(f"<li>{mark}{escape(word(key, lang))}</li>" for mark, key in rows)
    pale = escape(word("legend_unused", lang))
    return (
        f"<h2>{escape(word('legend_share', lang))}, %</h2>"
        f'<div class="cx-steps">{marks}</div><ul>{items}</ul><p class="cx-small">{pale}</p>'
    )


def _swatch(tint: str) -> str:
    return f'<i class="cx-swatch" style="background:{tint}"></i>'


def _diamond(tint: str, size: float) -> str:
    return f'<i class="cx-diamond" style="background:{tint};width:{size}px;height:{size}px"></i>'


def _stroke(tint: str, wide: float, style: str = "solid") -> str:
    return f'<i class="cx-stroke" style="border-top:{wide}px {style} {tint}"></i>'


def _circle(tint: str, *, filled: bool) -> str:
    fill = tint if filled else "transparent"
    return f'<i class="cx-circle" style="border-color:{tint};background:{fill}"></i>'
