"""Risk in words and steps: three numbers side by side, and the level of a warning that stands.

Not covered, not measured, stale, calm and known are different words and different looks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from corridors.risk.alert import Level
from corridors.ui import sentences
from corridors.ui.colours import RISK_STEPS, risk_step
from corridors.ui.marks import LEVELS, level_word
from corridors.ui.words import word

if TYPE_CHECKING:
    from corridors.risk.alert import Alert
    from corridors.ui.answer import Question
    from corridors.ui.now import Now

__all__ = [
    "NUMBERS",
    "Told",
    "age",
    "choices",
    "legend",
    "lines",
    "standing",
    "tell",
    "told",
    "unread",
]

NUMBERS = ("threat", "observed", "structural")
COLUMN = {"threat": "threat", "observed": "observed", "structural": "disruption_30d"}
OLD_D = 30
"""Days after which a count of ships says nothing of today."""
LEVEL = "level"


@dataclass(frozen=True)
class Told:
    """One number of one element, ready to be drawn.

    Attributes
    ----------
    step
        Place in the colours, 0–4; None when there is no number.
    state
        ``known``, ``stale`` or ``hollow``.
    figure, note
        The number in words, and its age or why there is none.
    """

    step: int | None
    state: str
    figure: str
    note: str


def choices(now: Now, question: Question) -> list[str]:
    """What may colour the map, the most telling that has anything to say first."""
    levels = [LEVEL] * bool(standing(now, question) or _looked_at(now, question))
    risk = now.risk
    fresh = {
        "threat": bool(risk["threat_state"].isin(["active", "calm"]).any()),
        "observed": bool((risk["observed_age_d"] <= OLD_D).any()),
        "structural": True,
    }
    return [*levels, *sorted(NUMBERS, key=lambda number: not fresh[number])]


def standing(now: Now, question: Question) -> dict[str, Alert]:
    """The warning that stands of each element for this importer and commodity, by element."""
    own = [
        a
        for a in now.alerts
        if a.importer == question.importer and a.commodity == question.commodity
    ]
    return {a.element: a for a in sorted(own, key=lambda a: (a.level, a.sent))}


def told(now: Now, question: Question, element: str, number: str, lang: str) -> Told:
    """One number of one element; the level for ``number`` "level"."""
    if number == LEVEL:
        return _level(now, question, element, lang)
    if element not in now.of:
        return Told(None, "hollow", "–", word("risk_not_covered", lang))
    return tell(now.of[element], number, lang)


def tell(row: Mapping[str, Any], number: str, lang: str) -> Told:
    """One number of a row of ``corridors.risk.risk_table``."""
    value = float(row[COLUMN[number]])
    step = risk_step(value)
    if number == "structural":
        why = word("risk_not_known", lang)
        note = why if step is None else word("risk_structural_note", lang)
        return Told(step, "hollow" if step is None else "known", _figure(value, lang), note)
    if number == "observed":
        if step is None:
            return Told(None, "hollow", "–", word("risk_no_series", lang))
        return _aged(step, value, row["observed_age_d"], row["observed_age_d"] > OLD_D, lang)
    if row["threat_state"] == "not_covered" or step is None:
        return Told(None, "hollow", "–", word("risk_not_covered", lang))
    return _aged(step, value, row["threat_age_d"], row["threat_state"] == "stale", lang)


def legend(number: str, lang: str) -> list[dict[str, str]]:
    """``sign`` and ``words`` of each colour, with its ``tint`` where that is no colour of risk."""
    if number == LEVEL:
        return [
            {
                "sign": word(f"sign_{level.name}", lang),
                "words": level_word(level, lang),
                "tint": LEVELS[level].paper,
            }
            for level in Level
        ]
    bounds = [*(f"{100 * b:.0f}" for b in RISK_STEPS), "100"]
    return [
        {"sign": str(i + 1), "words": f"{low}–{high} %" if i else f"< {high} %"}
        for i, (low, high) in enumerate(pairwise(bounds))
    ]


def unread(now: Now, lang: str) -> str:
    """In a sentence, what can't be said for want of news; empty when all is well."""
    if now.fault:
        return word("store_fault", lang, fault=now.fault)
    if not now.stored or not now.covered:
        return word("no_live", lang)
    states = set(now.risk["threat_state"])
    if states <= {"stale", "not_covered"}:
        newest = now.risk["threat_as_of"].max()
        return word("all_stale", lang, day=f"{newest:%Y-%m-%d}")
    return ""


def age(source: str, days: str, lang: str, *, embedded: bool) -> str:
    """Who said a thing and how long ago; what is of the embedded set is no news."""
    if embedded:
        return word("report_embedded", lang, days=days)
    return word("report_age", lang, source=source, days=days)


def _looked_at(now: Now, question: Question) -> bool:
    return question.importer in now.judged


def _level(now: Now, question: Question, element: str, lang: str) -> Told:
    alert = standing(now, question).get(element)
    if alert is not None:
        words = level_word(alert.level, lang)
        state = "stale" if alert.held else "known"
        return Told(int(alert.level), state, words, f"{alert.sent:%Y-%m-%d}")
    if element in now.judged and _looked_at(now, question):
        at = f"{now.judged_at:%Y-%m-%d}" if now.judged_at else ""
        return Told(0, "known", level_word(Level.none, lang), at)
    return Told(None, "hollow", "–", word("not_judged", lang))


def _aged(step: int, value: float, age_d: float, old: bool, lang: str) -> Told:
    days = "–" if math.isnan(age_d) else f"{age_d:.0f}"
    note = word("risk_stale" if old else "risk_age", lang, days=days)
    return Told(step, "stale" if old else "known", _figure(value, lang), note)


def _figure(value: float, lang: str) -> str:
    return sentences.percent(value, lang)


def lines(now: Now, question: Question, element: str, lang: str) -> Sequence[str]:
    """The three numbers as lines of a tooltip, and the level where one stands."""
    found = []
    if element in standing(now, question):
        level = _level(now, question, element, lang)
        found.append(f"{word('colour_level', lang)}: {level.figure} ({level.note})")
    for number in NUMBERS:
        one = told(now, question, element, number, lang)
        figure = "" if one.figure == "–" else f"{one.figure} · "
        found.append(f"{word(f'colour_{number}', lang)}: {figure}{one.note}")
    return found
