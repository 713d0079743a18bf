"""Quantities in tables and charts: one unit each, chosen by language and by the largest of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Unit", "column", "figures", "in_unit", "rounded", "unit"]

ENTIRE, TENTHS, TINY = 100.0, 10.0, 0.01
"""From here on a figure needs no decimals, one, or as many as show that it is not zero."""


@dataclass(frozen=True)
class Unit:
    """How many tonnes a unit is, and its name."""

    tonnes: float
    name: str


TENS_OF_THOUSANDS = Unit(1e4, "万吨")
UNITS = {
    "en": (Unit(1e6, "Mt"), Unit(1e3, "kt"), Unit(1.0, "t")),
    "zh": (Unit(1e8, "亿吨"), TENS_OF_THOUSANDS, Unit(1.0, "吨")),
}


def unit(tonnes: Iterable[float], lang: str, *, table: bool = False) -> Unit:
    """The largest unit of which the largest quantity is at least one.

    Parameters
    ----------
    tonnes
        All quantities that are to be in this unit; missing ones count for nothing.
    table
        Whether small quantities stand beside large ones as figures: then 亿吨 is never used, of
        which a port has a few hundredths.
    """
    known = [abs(t) for t in tonnes if not math.isnan(t)]
    most = max(known, default=0.0)
    units = UNITS[lang][1:] if table and lang == "zh" else UNITS[lang]
    return next((u for u in units if most >= u.tonnes), units[-1] if known else units[0])


def rounded(value: float) -> float:
    """A figure as a table shows it: fewer decimals the larger it is, two digits of a tiny one."""
    if math.isnan(value) or value == 0:
        return value
    size = abs(value)
    if size < TINY:
        return float(f"{value:.2g}")
    return round(value, 0 if size >= ENTIRE else 1 if size >= TENTHS else 2)


def figures(values: pd.Series) -> pd.Series:
    """Figures rounded for a table; a missing one stays missing."""
    return pd.Series([rounded(float(v)) for v in values], dtype=np.float64)


def in_unit(tonnes: pd.Series, found: Unit) -> pd.Series:
    """Quantities in a unit, rounded for a table; a missing one stays missing."""
    return figures(tonnes / found.tonnes)


def column(label: str, help: str | None = None) -> Any:
    """A table's column of quantities or figures, thousands apart."""
    return st.column_config.NumberColumn(label, help=help, format="localized")
