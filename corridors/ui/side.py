"""Beside the map while nothing is chosen: how the cargo arrives, and what carries most of it.

Written as HTML with every text escaped; marks are styled boxes, since Streamlit strips drawings.
"""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from corridors.ui import panels, sentences
from corridors.ui.words import word

if TYPE_CHECKING:
    from collections.abc import Callable

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


KINDS = ("chokepoint", "pipeline", "railway", "port")
MOST = 6


def most(found: Answer, lang: str, *, on_click: Callable[[str], None]) -> None:
    """The elements that carry most, each to be chosen; and the way to the whole table."""
    columns = ["element", f"name_{lang}", "share"]
    rows = pd.concat([found.tables[kind][columns] for kind in KINDS], ignore_index=True)
    st.html(f'<div class="cx-side"><h2>{escape(word("most", lang))}</h2></div>')
    with st.container(gap=None, key="most"):
        for element, name, share in rows.nlargest(MOST, "share").itertuples(index=False):
            st.button(
                f"{name} · {sentences.percent(share, lang)}",
                key=f"most_{element}",
                type="tertiary",
                on_click=on_click,
                args=(element,),
            )
    st.page_link(
        Path(panels.__file__).parent / "pages" / "exposure.py",
        label=word("all_files", lang),
        query_params={"lang": lang},
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
