"""Names and figures as both languages write them: in bulletins, on pages and in files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["cargo", "in_sentence", "percent", "place", "tonnes"]

WORLD = {"en": "World", "zh": "全世界"}
# Importers whose English name takes an article inside a sentence.
ARTICLE = {"ARE", "BHS", "CAF", "COD", "COG", "COM", "CZE", "DOM", "EU27", "GBR", "GMB", "MDV"}
ARTICLE |= {"MHL", "NLD", "PHL", "SLB", "SYC", "USA", "WLD"}


def place(world: World, id: str, lang: str) -> str:
    """Name of an importer: a country, a group or the world."""
    return WORLD[lang] if id == "WLD" else world.name(id, lang)


def in_sentence(world: World, importer: str, lang: str) -> str:
    """An importer's name as it stands in a sentence."""
    name = place(world, importer, lang)
    if lang != "en" or importer not in ARTICLE:
        return name
    return f"the {name.lower() if importer == 'WLD' else name}"


def cargo(world: World, commodity: str, lang: str) -> str:
    """A commodity's name as it stands in a sentence."""
    name = world.name(commodity, lang)
    return name[0].lower() + name[1:]


def percent(share: float, lang: str) -> str:
    """A share in words: ``33 %``, below one in a hundred ``0.4 %`` or ``< 0.1 %``."""
    if math.isnan(share):
        return "–"
    gap = "" if lang == "zh" else " "
    if 0 < share < 0.001:
        return f"< 0.1{gap}%"
    digits = 1 if 0 < share < 0.0095 else 0
    return f"{100 * share:.{digits}f}{gap}%"


def tonnes(quantity_t: float, lang: str) -> str:
    """A quantity in the unit its readers use: Mt and kt, or 亿吨 and 万吨."""
    if math.isnan(quantity_t):
        return "–"
    if lang == "zh":
        for size, unit in ((1e8, "亿吨"), (1e4, "万吨")):
            if quantity_t >= size:
                return f"{_figure(quantity_t / size)}{unit}"
        return f"{quantity_t:,.0f}吨"
    for size, unit in ((1e6, "Mt"), (1e3, "kt")):
        if quantity_t >= size:
            return f"{_figure(quantity_t / size)} {unit}"
    return f"{quantity_t:,.0f} t"


def _figure(value: float) -> str:
    """Three significant digits, no exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
