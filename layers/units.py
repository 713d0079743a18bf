"""Canonical units, and the few conversions into them.

Inside the project: km, d (days), t, USD, GJ, share 0–1. Tables name the unit in the heading
(``quantity_t``, ``length_km``); trade is in tonnes a year.
"""

from __future__ import annotations

__all__ = [
    "DAYS_YEAR",
    "KM_NM",
    "MT",
    "T_BBL_CRUDE",
    "T_BCM",
    "T_MBD_CRUDE",
    "T_MBD_PRODUCTS",
    "from_native",
    "km_day",
    "to_native",
]

DAYS_YEAR = 365.25
"""Days in a year."""

KM_NM = 1.852
"""Kilometres in a nautical mile (exact)."""

MT = 1e6
"""Tonnes in a million tonnes."""

T_MBD_CRUDE = 49.8e6
"""Tonnes a year in one million barrels a day of crude (Energy Institute)."""

T_MBD_PRODUCTS = 46.8e6
"""Tonnes a year in one million barrels a day of mixed products (about 7.8 barrels a tonne)."""

T_BBL_CRUDE = 1 / 7.33
"""Tonnes in a barrel of average crude (Energy Institute)."""

T_BCM = 735_300.0
"""Tonnes in a billion cubic metres of gas at 40 MJ a cubic metre (Energy Institute)."""


def km_day(speed_kn: float) -> float:
    """Kilometres a day at a speed in knots."""
    return speed_kn * KM_NM * 24


def to_native(quantity_t: float, t_per_native: float) -> float:
    """Quantity in the unit the trade speaks.

    Parameters
    ----------
    quantity_t
        Tonnes a year.
    t_per_native
        Tonnes a year in one native unit: the column of that name in the table of commodities.
    """
    return quantity_t / t_per_native


def from_native(quantity: float, t_per_native: float) -> float:
    """Tonnes a year of a quantity in the unit the trade speaks (the inverse of `to_native`)."""
    return quantity * t_per_native
