"""The page in one sentence: what is wrong now for an importer, else what its cargo rides on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from corridors.ui import risks, sentences
from corridors.ui.marks import level_word
from corridors.ui.words import word
from layers.world import records

if TYPE_CHECKING:
    from corridors.risk.alert import Alert, Level
    from corridors.ui.answer import Answer, Question
    from corridors.ui.now import Now
    from layers.world import World

__all__ = ["Headline", "headline"]

LEAST_SHARE = 0.05
"""Passages that carry less are not what is wrong for an importer."""
LEAST_FALL, LEAST_THREAT = 0.25, 0.10
FALLEN = 0.75
"""Of the ships usual for the season; fewer are there to be seen, and need no probability."""


@dataclass(frozen=True)
class Headline:
    """The verdict, its date and conditions, and the level where a warning stands."""

    text: str
    small: str
    level: Level | None = None


def headline(world: World, question: Question, found: Answer, now: Now, lang: str) -> Headline:
    """What is wrong now, the gravest first: a warning, a fall of traffic, news; else exposure."""
    calm = sentences.conditions(question, found, lang)
    own = [a for a in now.alerts if a.importer == question.importer]
    asked = [a for a in own if a.commodity == question.commodity]
    if own:
        worst = max(asked or own, key=lambda a: (a.level, a.impact.short_share, a.sent))
        return _warned(world, worst, len(asked or own) - 1, lang)
    exposure = sentences.verdict(world, question, found, lang)
    if question.importer in now.judged and now.judged_at is not None:
        small = word("now_judged", lang, day=f"{now.judged_at:%Y-%m-%d}") + word("reference", lang)
        return Headline(
            word("now_calm", lang, **_who(world, question, lang)), f"{small} {exposure}"
        )
    for number in ("observed", "threat"):
        row = _worst(found, now, number)
        if row is not None:
            return _seen(world, question, now, number, row, f"{exposure} {calm}", lang)
    return Headline(exposure, " ".join(filter(None, [risks.unread(now, lang), calm])))


def _who(world: World, question: Question, lang: str) -> dict[str, str]:
    return {
        "importer": sentences.in_sentence(world, question.importer, lang),
        "commodity": sentences.cargo(world, question.commodity, lang),
    }


def _warned(world: World, alert: Alert, others: int, lang: str) -> Headline:
    impact = alert.impact
    share = impact.through_t_y / impact.imports_t_y if impact.imports_t_y > 0 else float("nan")
    seen = alert.status.observed_d < FALLEN * alert.status.usual_d
    text = word(
        "now_level_seen" if seen else "now_level",
        lang,
        level=level_word(alert.level, lang),
        commodity=sentences.cargo(world, alert.commodity, lang),
        importer=sentences.in_sentence(world, alert.importer, lang),
        name=world.name(alert.element, lang),
        chance=sentences.percent(alert.probability_14d, lang),
        seen=f"{alert.status.observed_d:.0f}",
        usual=f"{alert.status.usual_d:.0f}",
        share=sentences.percent(share, lang),
    )
    day = f"{alert.status.data_to:%Y-%m-%d}" if alert.status.data_to else "–"
    small = word("now_data", lang, day=day, sent=f"{alert.sent:%Y-%m-%d %H:%MZ}")
    more = word("now_more", lang, count=str(others)) if others > 0 else ""
    return Headline(text + more, small + word("reference", lang), alert.level)


def _worst(found: Answer, now: Now, number: str) -> dict[str, Any] | None:
    """The passage that matters most where a number that is not stale speaks for danger."""
    least = {"observed": LEAST_FALL, "threat": LEAST_THREAT}[number]
    passed = found.tables["chokepoint"]
    passed = passed[passed["share"] >= LEAST_SHARE]
    wrong = []
    for row in records(passed.merge(now.risk, left_on="element", right_index=True)):
        old = (
            row["observed_age_d"] > risks.OLD_D
            if number == "observed"
            else row["threat_state"] != "active"
        )
        if row[number] >= least and not old:
            wrong.append(row)
    return max(wrong, key=lambda r: r[number] * r["share"], default=None)


def _seen(
    world: World,
    question: Question,
    now: Now,
    number: str,
    row: dict[str, Any],
    small: str,
    lang: str,
) -> Headline:
    name = world.name(row["element"], lang)
    text = word(
        f"now_{number}",
        lang,
        name=f"the {name}" if lang == "en" else name,
        share=sentences.percent(row["share"], lang),
        **{"fall" if number == "observed" else "threat": sentences.percent(row[number], lang)},
        **_who(world, question, lang),
    )
    told = row["observed_on"] if number == "observed" else row["threat_as_of"]
    if pd.isna(told):  # an own report has no date of its feed
        return Headline(text, small)
    dated = word("now_as_of", lang, day=f"{told:%Y-%m-%d}", days=str((now.at - told).days))
    return Headline(text, dated + small)
