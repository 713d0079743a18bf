"""A table on the terminal: the columns a person compares, numbers rounded to be read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from corridors.export import Sheet

MOST_ROWS = 60
ASIDE = re.compile(
    r"name_zh|year|km|imports_t|value_usd|hhi_.*|.*_(low|high)_.*|energy_gj|food_kcal"
)
PROVENANCE = re.compile(r"sources?|source_.*|data_years|no_alternative_why|why_source")
"""Columns a screen has no room for; every file format has them."""


def print_table(sheet: Sheet) -> None:
    """Print the sheet to standard output, its note above and what was left out below."""
    console = Console(highlight=False, width=None if Console().is_terminal else 200)
    console.print(f"[bold]{sheet.name}[/bold]  {sheet.note}", soft_wrap=True)
    aside = [c for c in sheet.table.columns if ASIDE.fullmatch(c) or PROVENANCE.fullmatch(c)]
    columns = [c for c in sheet.table.columns if c not in aside]
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        number = sheet.table[column].dtype.kind in "if"
        shown.add_column(column, justify="right" if number else "left", overflow="fold")
    for row in sheet.table.head(MOST_ROWS)[columns].itertuples(index=False):
        shown.add_row(*(_text(c, v) for c, v in zip(columns, row, strict=True)))
    console.print(shown)
    rest = len(sheet.table) - MOST_ROWS
    if rest > 0:
        console.print(f"… {rest} more rows", style="dim")
    if aside:
        console.print(f"more columns with --format csv: {', '.join(aside)}", style="dim")


def _text(column: str, value: object) -> str:
    if not isinstance(value, float):
        return str(value).replace("[", "\\[")
    if math.isnan(value):
        return "–"
    for ends, show in _SHOW:
        if column.endswith(ends):
            return show(value)
    return f"{value:,.4g}"


_SHOW: tuple[tuple[tuple[str, ...], Callable[[float], str]], ...] = (
    (("share", "share_low", "share_high"), lambda v: f"{v:.1%}"),
    (("_t",), lambda v: f"{v / 1e6:,.3f} Mt" if abs(v) >= 1e3 else f"{v:,.2f}"),
    (("nm",), lambda v: f"{v:,.0f}"),
    (("days",), lambda v: f"{v:,.1f}"),
)
