"""What a page is on paper: its tables in full, its address, and nothing that can be pressed.

Streamlit draws tables as pictures of what fits the screen, so each has a twin of plain HTML that
only a printer sees. Readers of the screen neither see nor hear it.
"""

from __future__ import annotations

from dataclasses import fields
from html import escape
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from corridors.ui import amounts, colours
from corridors.ui.whatif import charts as whatif_charts
from corridors.ui.words import word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["foot", "frame", "lines"]

MOST_ROWS = 60
# Run at each print, so that what a slider changed since is in the address too.
SAY = """<script>
window.cxAddress ??= addEventListener("beforeprint", () => {
  for (const node of document.querySelectorAll(".cx-address")) node.textContent = location.href;
}) ?? true;
</script>"""


def frame(
    table: pd.DataFrame,
    columns: Mapping[str, Any],
    lang: str,
    *,
    alt: str,
    printed: Sequence[str] | None = None,
    **how: Any,
) -> None:
    """A table to be read and sorted on screen, and its twin on paper.

    Parameters
    ----------
    columns
        By name, from ``st.column_config``: labels and formats of both.
    alt
        What the table holds; the twin's caption is not this, since the page says it.
    printed
        Columns that go to paper, where all don't fit its width; every one when not given.
    how
        Further options of ``st.dataframe``.
    """
    st.dataframe(
        table, hide_index=True, placeholder="–", column_config=dict(columns), alt=alt, **how
    )
    kept = [c for c in (printed or table.columns) if c in table.columns]
    st.html(_twin(table[kept], columns, lang))


def _twin(table: pd.DataFrame, columns: Mapping[str, Any], lang: str) -> str:
    heads = "".join(f"<th>{escape(_label(columns, c))}</th>" for c in table.columns)
    rows = ""
    for row in table.head(MOST_ROWS).itertuples(index=False):
        cells = (
            f"<td{_side(value)}>{escape(_said(value, columns.get(c) or {}))}</td>"
            for c, value in zip(table.columns, row, strict=True)
        )
        rows += f"<tr>{''.join(cells)}</tr>"
    left = len(table) - MOST_ROWS
    more = f"<p>{escape(word('p_more', lang, n=f'{left:,}'))}</p>" if left > 0 else ""
    return (
        f'<div class="cx-paper"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody>'
        f"</table>{more}</div>"
    )


def _label(columns: Mapping[str, Any], name: str) -> str:
    return str((columns.get(name) or {}).get("label") or name)


def _side(value: Any) -> str:
    return ' class="cx-figure"' if isinstance(value, Real) else ""


def _said(value: Any, column: Mapping[str, Any]) -> str:
    """A cell as its column on screen shows it."""
    if isinstance(value, (bool, np.bool_)):
        return "✓" if value else "–"
    if value is None or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return "–"
    if isinstance(value, pd.Timestamp):
        return f"{value:%Y-%m-%d %H:%M}"
    if not isinstance(value, Real):
        return str(value)
    format = str((column.get("type_config") or {}).get("format") or "localized")
    if "%" in format:
        return format % float(value)
    shown = amounts.rounded(float(value))
    return f"{shown:,.0f}" if shown == round(shown) else f"{shown:,}"


def lines(texts: Sequence[str]) -> str:
    """A list that only a printer sees, as HTML: what widgets say on screen."""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<ul class="cx-paper">{items}</ul>'


def foot(lang: str) -> None:
    """The address of the view at the end of the printed page, and light charts from dark ones."""
    style = _light() if st.context.theme.type == "dark" else ""
    st.html(
        f'{style}<p class="cx-paper cx-foot">{escape(word("p_address", lang))} '
        f'<span class="cx-address"></span></p>{SAY}',
        unsafe_allow_javascript=True,
    )


def _light() -> str:
    """A style that turns each colour of dark charts into its fellow on light, on paper alone."""
    pairs = [
        *_pairs(colours.DARK, colours.LIGHT),
        *_pairs(whatif_charts.DARK, whatif_charts.LIGHT),
    ]
    rules = "".join(
        f'svg.marks [fill="{dark}"] {{fill: {light} !important}}'
        f'svg.marks [stroke="{dark}"] {{stroke: {light} !important}}'
        f'.stHtml [style*="background:{dark}"] {{background: {light} !important}}'
        f'.stHtml [style*="{dark}"][style*="border-top:"] {{border-color: {light} !important}}'
        for dark, light in dict(pairs).items()
    )
    return f"<style>@media print {{{rules}}}</style>"


def _pairs(dark: Any, light: Any) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for field in fields(dark):
        one, other = getattr(dark, field.name), getattr(light, field.name)
        several = isinstance(one, tuple)
        found += zip(one, other, strict=True) if several else [(one, other)]
    return found
