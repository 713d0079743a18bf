"""A what-if in words: what a scenario is, the verdict, and figures that may be not known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from corridors.ui import sentences
from corridors.ui.whatif.link import OWN
from corridors.ui.words import word
from layers.errors import UnknownIdError

if TYPE_CHECKING:
    from corridors.ui.answer import Question
    from corridors.whatif.scenario import Rule, Scenario
    from layers.world import World

NAMED = 2
"""Rules that the name of a scenario of the reader's own spells out."""

LEAST_SHARE, LEAST_USD_T, LEAST_DAYS = 0.0005, 0.005, 0.05
"""Less of imports, of cost and of days is no word in the verdict."""


def element(world: World, id: str, lang: str) -> str:
    """Name of what a rule is about; a drawing has the name its drawer gave it."""
    kind, _, bare = id.partition(":")
    if kind == "drawn":
        return (
            f"{bare} ({word('wi_drawn', lang)})"
            if lang == "en"
            else f"{bare}（{word('wi_drawn', lang)}）"
        )
    try:
        return world.name(bare if kind == "origin" else id, lang)
    except UnknownIdError:
        return id


def elements(world: World, ids: Sequence[str], lang: str) -> str:
    """Names of several elements in one line."""
    return ("、" if lang == "zh" else ", ").join(element(world, id, lang) for id in ids)


def scope(world: World, rule: Rule, lang: str) -> str:
    """Ships and commodities a rule is for; nothing when it is for all."""
    names = elements(world, (*rule.ships, *rule.commodities), lang)
    return word("wi_for", lang, what=names) if names else ""


def told(world: World, rule: Rule, lang: str) -> str:
    """A rule in a few words."""
    name = element(world, rule.element, lang)
    if rule.lost >= 1:
        text = word("wi_closed", lang, name=name)
    elif rule.lost > 0:
        text = word("wi_limited", lang, name=name, share=sentences.percent(rule.lost, lang))
    else:
        text = word("wi_dearer", lang, name=name)
    return text


def parts(world: World, scenario: Scenario, lang: str) -> list[str]:
    """Everything a scenario does, a few words each, with whom it is for."""
    rules = [
        " ".join(
            filter(None, [told(world, rule, lang), _numbers(rule, lang), scope(world, rule, lang)])
        )
        for rule in scenario.rules
    ]
    opened = [word("wi_opens", lang, name=element(world, e, lang)) for e in scenario.opened]
    return [*rules, *opened]


def _numbers(rule: Rule, lang: str) -> str:
    said = (("wi_war", rule.war_risk_pct), ("wi_toll", rule.toll_usd_t), ("wi_delay", rule.delay_d))
    return "; ".join(f"{word(key, lang)} {value:g}" for key, value in said if value)


def title(world: World, scenario: Scenario, lang: str) -> str:
    """Name of a scenario: its own, or what it does."""
    if scenario.name_en != OWN:
        return scenario.name_zh if lang == "zh" else scenario.name_en
    said = [told(world, rule, lang) for rule in scenario.rules]
    said += [word("wi_opens", lang, name=element(world, e, lang)) for e in scenario.opened]
    if not said:
        return word("wi_nothing", lang)
    text = ("、" if lang == "zh" else ", ").join(said[:NAMED])
    if len(said) > NAMED:
        text += word(
            "wi_and_more", lang, count=str(len(said) if lang == "zh" else len(said) - NAMED)
        )
    return text


def verdict(world: World, question: Question, row: Mapping[str, Any], lang: str) -> str:
    """The answer in one sentence: what does not arrive, what takes longer, when it is short."""
    baseline = row["baseline_t"]
    lost = (row["unmet_t"] + row["infeasible_t"]) / baseline
    moved = row["rerouted_t"] / baseline
    said = {
        "importer": sentences.in_sentence(world, question.importer, lang),
        "commodity": sentences.cargo(world, question.commodity, lang),
    }
    days = {"days": figure(row["added_days"])}
    if lost >= LEAST_SHARE:
        text = word("wi_v_lost", lang, share=sentences.percent(lost, lang), **said)
        if moved >= LEAST_SHARE:
            text += word("wi_v_lost_and", lang, share=sentences.percent(moved, lang), **days)
        return text + _stocks(row, lang)
    if moved >= LEAST_SHARE:
        text = word("wi_v_moved", lang, share=sentences.percent(moved, lang), **said, **days)
        return text + word("wi_v_end", lang)
    usd, late = row["delivered_added_usd_t"], row["delivered_added_days"]
    if late >= LEAST_DAYS:
        text = word("wi_v_later", lang, days=figure(late), **said)
    elif usd >= LEAST_USD_T:
        text = word("wi_v_dearer", lang, usd=figure(usd), **said)
    else:
        text = word("wi_v_none", lang, **said)
    return text[0].upper() + text[1:] + word("wi_v_end", lang)


def _stocks(row: Mapping[str, Any], lang: str) -> str:
    """What stocks do about the loss, as the end of the verdict."""
    first = first_short(row)
    if first is not None:
        return word("wi_v_short", lang, day=f"{first:.0f}")
    if math.isnan(_number(row["unmet_after_stock_t"])):
        return word("wi_v_unknown", lang)
    least = "not known" in str(row["first_short"])
    return word("wi_v_covered_least" if least else "wi_v_covered", lang)


def first_short(row: Mapping[str, Any]) -> float | None:
    """First day on which something is short; None when none is, or it is not known."""
    day = _number(row["first_short_day"])
    return None if math.isnan(day) else day


def cover(row: Mapping[str, Any], lang: str) -> str:
    """How long the stock makes up for the gap."""
    days, text = _number(row["gap_cover_days"]), str(row["gap_cover"])
    if not math.isnan(days):
        return word("wi_day_count", lang, days=f"{days:.0f}")
    if text.startswith("more"):
        return word("wi_over_year", lang)
    return word("wi_no_lasting" if text == "no gap" else "wi_unknown", lang)


def figure(value: float) -> str:
    """A number as a reader takes it in: two or three digits, a dash for what is not known."""
    if math.isnan(value):
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def band(low: float, high: float, lang: str) -> str:
    """A range of tonnes; one figure where both ends read the same."""
    a, b = sentences.tonnes(low, lang), sentences.tonnes(high, lang)
    return a if a == b else f"{a} – {b}"


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)
