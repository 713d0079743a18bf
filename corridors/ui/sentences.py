"""Figures in words: quantities, shares and the verdict on top of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from corridors.ui.colours import QUALITY_MARKS
from corridors.ui.words import word
from corridors.wording import cargo, in_sentence, percent, place, tonnes

if TYPE_CHECKING:
    from corridors.ui.answer import Answer, Question
    from layers.world import World

__all__ = [
    "band",
    "cargo",
    "conditions",
    "in_sentence",
    "percent",
    "place",
    "quality",
    "tonnes",
    "verdict",
]

ALL, SOME = 0.995, 0.10
"""From here on cargo counts as having no other way at all, and as worth a word."""


def quality(level: str, lang: str) -> str:
    """A level of quality with its mark, so that it shows without colour."""
    return f"{QUALITY_MARKS[level]} {word(level, lang)}"


def verdict(world: World, question: Question, found: Answer, lang: str) -> str:
    """The page in one sentence: what most of the cargo passes, and what it can't do without."""
    parts = {
        "importer": in_sentence(world, question.importer, lang),
        "commodity": cargo(world, question.commodity, lang),
        "year": found.years,
    }
    table = pd.concat([found.tables[kind] for kind in ("chokepoint", "pipeline", "railway")])
    if table.empty:
        return word("verdict_none", lang, **parts)
    table = table.sort_values("share", ascending=False, kind="stable")
    first = table.iloc[0]
    opening = word("verdict", lang, **parts, **_passing(first, lang))
    bound = first["no_alternative_share"]
    if bound >= ALL:
        return opening + word("verdict_only", lang)
    if bound >= SOME:
        return opening + word("verdict_part", lang, part=percent(bound, lang))
    tied = table[(table["no_alternative_share"] >= ALL) & (table["share"] >= SOME / 2)]
    if tied.empty:
        return opening + word("verdict_end", lang)
    return opening + word("verdict_next", lang, **_passing(tied.iloc[0], lang))


def conditions(question: Question, found: Answer, lang: str) -> str:
    """What the verdict rests on: data years, calm times, marks, the assumption made."""
    text = word("calm", lang, years=found.years, mark=QUALITY_MARKS["estimate"])
    return text + (word("assumed", lang) if question.malaysia else "")


def band(row: pd.Series | Mapping[str, Any], lang: str) -> str:
    """The range of a share."""
    low, high = (percent(row[c], lang) for c in ("share_low", "share_high"))
    unit = "%" if lang == "zh" else " %"
    return f"{low.removesuffix(unit)}–{high}"


def _passing(row: pd.Series, lang: str) -> dict[str, str]:
    name = row[f"name_{lang}"]
    article = "the " if lang == "en" and row["element"].startswith("chokepoint:") else ""
    return {"share": percent(row["share"], lang), "name": article + name}
