"""Colours of the map on light and on dark, apart for every kind of colour vision.

A colour never stands alone: share is also size, kind is also shape, quality is also a word.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = list[int]

SHARE_STEPS = (0.0, 0.02, 0.10, 0.25, 0.50)
"""Where each colour of the ramp begins, share of imports."""

RISK_STEPS = (0.0, 0.01, 0.1, 0.3, 0.6)
"""Where each colour of risk begins, probability or part of traffic: the columns of the levels."""

QUALITY_MARKS = {"official": "●", "secondary": "◕", "estimate": "◑", "memory": "○"}


@dataclass(frozen=True)
class Palette:
    """Colours as hexadecimal; ``share`` and ``risk`` run from little to much."""

    sea: str
    land: str
    coast: str
    text: str
    halo: str
    lane_thin: str
    lane_thick: str
    share: tuple[str, str, str, str, str]
    risk: tuple[str, str, str, str, str]
    rim: str
    none: str
    port: str
    pipeline: str
    railway: str


LIGHT = Palette(
    sea="#dce8f2",
    land="#fdfcf9",
    coast="#b3c1ce",
    text="#1a2433",
    halo="#ffffff",
    lane_thin="#8fb9da",
    lane_thick="#0f6aa8",
    share=("#c3a5d3", "#a678c0", "#8a48a8", "#6a1f86", "#430654"),
    risk=("#3b6fb6", "#6aaed6", "#e0a800", "#e8662d", "#b5161f"),
    rim="#1a2433",
    none="#8b95a1",
    port="#00715a",
    pipeline="#a8660b",
    railway="#4d5560",
)

DARK = Palette(
    sea="#0c1523",
    land="#1d2a3c",
    coast="#33445c",
    text="#eef3fa",
    halo="#0a111c",
    lane_thin="#1f4a68",
    lane_thick="#4fc3f7",
    share=("#7d5c9c", "#a478c8", "#c996ea", "#e4bafa", "#fbe6ff"),
    risk=("#4575b4", "#91bfdb", "#fee090", "#fc8d59", "#d73027"),
    rim="#eef3fa",
    none="#76849a",
    port="#3fd6a8",
    pipeline="#e2a33c",
    railway="#a9b4c4",
)


def palette(theme: str | None) -> Palette:
    """Colours of a Streamlit theme; light when it is not known."""
    return DARK if theme == "dark" else LIGHT


def rgb(colour: str, alpha: float = 1.0) -> Colour:
    """``[red, green, blue, alpha]``, 0–255, of a hexadecimal colour."""
    return [*bytes.fromhex(colour.removeprefix("#")), round(255 * alpha)]


def step(share: float) -> int:
    """Place of a share in the ramp, 0–4."""
    return int(np.searchsorted(SHARE_STEPS, share, side="right")) - 1


def risk_step(value: float) -> int | None:
    """Place of a risk in its colours, 0–4; None for what is not known, which is never a zero."""
    if np.isnan(value):
        return None
    return int(np.searchsorted(RISK_STEPS, value, side="right")) - 1
