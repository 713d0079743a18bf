"""Beside the map while nothing is chosen: how the cargo arrives and how concentrated it is.

Written as HTML with every text escaped; marks are styled boxes, since Streamlit strips drawings.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from corridors.ui import sentences
from corridors.ui.words import word

if TYPE_CHECKING:
    from corridors.ui.answer import Answer
    from corridors.ui.colours import Palette


def draw(found: Answer, colour: Palette, lang: str) -> None:
    """What became of the cargo and how concentrated it is."""
    quantity = sentences.tonnes(found.imports_t, lang)
    head = f"{word('placed', lang)} · {word('imports', lang, quantity=quantity)}"
    st.html(
        f'<div class="cx-side"><h2>{escape(head)}</h2>{_outcomes(found, colour, lang)}'
        f'<h2 title="{escape(word("hhi_help", lang))}">{escape(word("hhi", lang))}</h2>'
        f'<div class="cx-pair">{_hhi("origins", found.hhi_origins, lang)}'
        f"{_hhi('corridors', found.hhi_corridors, lang)}</div></div>"
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


def _swatch(tint: str) -> str:
    return f'<i class="cx-swatch" style="background:{tint}"></i>'
