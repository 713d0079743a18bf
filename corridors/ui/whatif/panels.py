"""What a what-if shows first: verdict, figures, where imports go, day by day, routes on a map."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from corridors.ui import amounts, marks, paper, sentences, shared
from corridors.ui.map import component
from corridors.ui.whatif import builder, charts, map, model, say
from corridors.ui.whatif import lanes as whatif_lanes
from corridors.ui.words import word

if TYPE_CHECKING:
    from corridors.ui.answer import Question
    from corridors.ui.colours import Palette
    from corridors.ui.whatif.model import Asked
    from corridors.whatif.scenario import Scenario
    from layers.world import World

STYLE = """<style>
.wi-h {font-size: 1rem; font-weight: 650; margin: 0; padding: 0}
.wi-name {font-size: 1.02rem; margin: .2rem 0 0; line-height: 1.35}
.wi-badge {display: inline-block; border: 1.5px solid currentColor; border-radius: 4px;
  padding: 0 .4em; font-size: .82rem; font-weight: 650; letter-spacing: .02em}
.wi-kpis {display: grid; grid-template-columns: repeat(6, 1fr); gap: .5rem}
@media (max-width: 1150px) {.wi-kpis {grid-template-columns: repeat(3, 1fr)}}
@media (max-width: 640px) {.wi-kpis {grid-template-columns: repeat(2, 1fr)}}
@media print {.wi-kpis {grid-template-columns: repeat(3, 1fr)}}
.wi-kpi {border: 1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius: 8px;
  padding: .45rem .65rem; margin: 0}
.wi-kpi dt {font-size: .84rem; opacity: .85; margin: 0}
.wi-kpi dd {margin: 0; font-size: .82rem; opacity: .9; font-variant-numeric: tabular-nums}
.wi-kpi dd.wi-big {font-size: 1.3rem; font-weight: 650; line-height: 1.25; opacity: 1}
.wi-part {font-size: 1rem; font-weight: 650; margin: .7rem 0 .1rem; padding: 0}
</style>"""

MAP = "wi_map"
NOISE = 1e-6
"""Less of imports than this is rounding."""


def headline(
    world: World, question: Question, scenario: Scenario, row: Mapping[str, Any], lang: str
) -> None:
    """The verdict, marked as an exercise, and the figures with their ranges: one message."""
    badge = f'<span class="wi-badge">{escape(word("wi_exercise", lang))}</span>'
    text = say.verdict(world, question, row, lang)
    small = word(
        "wi_conditions",
        lang,
        name=say.title(world, scenario, lang),
        days=word("wi_lasting", lang, days=f"{scenario.duration_d:g}"),
        years=str(question.year),
    )
    cards = "".join(_card(*card) for card in _cards(scenario, row, lang))
    rules = paper.lines(say.parts(world, scenario, lang))
    st.html(
        f'<p class="cx-verdict" role="status">{badge} {escape(text)}</p>'
        f'<p class="cx-small">{escape(small)} {escape(word("wi_exercise_more", lang))}</p>{rules}'
        f'<dl class="wi-kpis" style="margin: .5rem 0 .3rem; padding: 0">{cards}</dl>'
    )


Card = tuple[str, str, Sequence[str]]


def _cards(scenario: Scenario, row: Mapping[str, Any], lang: str) -> Iterator[Card]:
    """Heading, figure and small lines of each figure."""
    whole = row["baseline_t"]
    arrives = row["delivered_t"] + row["rerouted_t"]
    lost = row["unmet_t"] + row["infeasible_t"]
    # Outcomes of one flow share its doubt, so that their ranges add up.
    bands = {
        "arrives": [row[f"delivered_{e}_t"] + row[f"rerouted_{e}_t"] for e in ("low", "high")],
        "lost": [row[f"unmet_{e}_t"] + row[f"infeasible_{e}_t"] for e in ("low", "high")],
        "rerouted": [row[f"rerouted_{e}_t"] for e in ("low", "high")],
    }
    said = {name: say.band(low, high, lang) for name, (low, high) in bands.items()}
    year = word("wi_k_per_year", lang)
    usual = word("wi_k_usual", lang, quantity=sentences.tonnes(whole, lang))
    yield (
        word("wi_k_arrives", lang),
        f"{sentences.tonnes(arrives, lang)}",
        [f"{_delta(arrives - whole, whole, lang)} · {usual}", f"{said['arrives']}{year}"],
    )
    yield (
        word("wi_k_lost", lang),
        sentences.tonnes(lost, lang),
        [_delta(lost, whole, lang), f"{said['lost']}{year}"],
    )
    days = say.figure(float(row["added_days"]))
    moved = row["rerouted_t"] > 0
    longer = word("wi_k_days", lang, days=days) if moved else word("wi_no_one", lang)
    yield (
        word("wi_k_rerouted", lang),
        sentences.tonnes(row["rerouted_t"], lang),
        [f"{_delta(row['rerouted_t'], whole, lang)} · {longer}", f"{said['rerouted']}{year}"],
    )
    cost = say.figure(float(row["added_cost_usd_t"]))
    unit = "美元/吨" if lang == "zh" else " USD/t"
    none = word("wi_no_one", lang)
    yield (
        word("wi_k_cost", lang),
        f"+{cost}{unit}" if cost != "–" else "–",
        [longer if moved else none],
    )
    yield _short_card(scenario, row, lang)
    yield word("wi_k_cover", lang), say.cover(row, lang), []


def _short_card(scenario: Scenario, row: Mapping[str, Any], lang: str) -> Card:
    short = row["unmet_after_stock_t"]
    head, told = word("wi_k_short", lang), str(row["first_short"])
    if short is None or math.isnan(short):
        return head, word("wi_unknown", lang), []
    first = say.first_short(row)
    if first is not None:
        line = word("wi_k_first", lang, day=f"{first:.0f}")
    elif told.startswith("never"):
        days = "".join(sign for sign in told.partition("days")[0] if sign.isdigit())
        line = word("wi_k_never", lang, days=days)
    else:
        line = word("wi_no_gap", lang)
    lines = [line] + ([word("wi_k_least", lang)] if "draw limit not known" in told else [])
    return head, sentences.tonnes(short, lang), lines


def _delta(change: float, whole: float, lang: str) -> str:
    share = change / whole if abs(change) >= NOISE * whole else 0.0
    sign = "+" if share > 0 else "−" if share < 0 else "±"
    return word("wi_k_delta", lang, delta=f"{sign}{sentences.percent(abs(share), lang)}")


def _card(head: str, big: str, lines: Sequence[str]) -> str:
    small = "".join(f"<dd>{escape(line)}</dd>" for line in lines)
    return (
        f'<div class="wi-kpi"><dt>{escape(head)}</dt>'
        f'<dd class="wi-big">{escape(big)}</dd>{small}</div>'
    )


def part(key: str, lang: str, help: str = "", *, where: str = "") -> None:
    """The heading of a part; ``where``: ``cx-screen`` or ``cx-paper`` when on one alone."""
    more = f'<p class="cx-small">{escape(help)}</p>' if help else ""
    st.html(f'<h2 class="wi-part {where}">{escape(word(key, lang))}</h2>{more}')


def waterfall(row: Mapping[str, Any], colour: Palette, lang: str) -> None:
    """Where the imports go, with the same as a table when asked for."""
    part("wi_waterfall", lang, word("wi_waterfall_help", lang))
    steps = model.steps(row)
    said = {name: sentences.tonnes(tonnes, lang) for name, tonnes, _, _ in steps}
    st.vega_lite_chart(
        charts.waterfall(steps, colour, lang),
        key="wi_waterfall",
        alt=word("wi_waterfall_alt", lang, **said),
    )
    if _as_tables():
        unit = amounts.unit([tonnes for _, tonnes, _, _ in steps], lang, table=True)
        shown = pd.DataFrame(
            {
                "step": [word(f"wi_{step}", lang) for step, _, _, _ in steps],
                "tonnes": amounts.in_unit(pd.Series([t for _, t, _, _ in steps]), unit),
                "band": [
                    "–" if np.isnan(low) else say.band(low, high, lang) for _, _, low, high in steps
                ],
            }
        )
        column = st.column_config
        columns = {
            "step": column.TextColumn(word("wi_figure", lang)),
            "tonnes": amounts.column(unit.name),
            "band": column.TextColumn(word("band", lang)),
        }
        alt = word("wi_waterfall", lang)
        paper.frame(shown, columns, lang, alt=alt, key="wi_waterfall_table")


def daily(ask: Asked, scenario: Scenario, colour: Palette, lang: str) -> None:
    """Arrivals, shortage and stock day by day."""
    part("wi_daily", lang)
    table = model.days(ask)
    short = float(table["short_t"].to_numpy().sum())
    if math.isnan(short):
        said = word("wi_alt_stock_unknown", lang)
    elif short > 0:
        said = word("wi_alt_short", lang, quantity=sentences.tonnes(short, lang))
    else:
        said = word("wi_alt_no_short", lang)
    st.vega_lite_chart(
        charts.daily(table, scenario.duration_d, colour, lang),
        key="wi_daily",
        alt=word(
            "wi_days_alt",
            lang,
            days=str(len(table)),
            low=sentences.tonnes(float(table["arrivals_t"].to_numpy().min()), lang),
            usual=sentences.tonnes(float(table["usual_t"].mean()), lang),
            short=said,
        ),
    )
    if table["stock_t"].notna().all():
        st.html(f'<p class="cx-small">{escape(word("wi_stock", lang))}</p>')
        stock = table["stock_t"].to_numpy(dtype=np.float64)
        levels = (float(stock[0]), float(stock.min()))
        first, low = (sentences.tonnes(level, lang) for level in levels)
        st.vega_lite_chart(
            charts.stock(table, scenario.duration_d, colour, lang),
            key="wi_stock",
            alt=word("wi_stock_alt", lang, first=first, low=low),
        )
    else:
        st.info(word("wi_stock_unknown", lang))
    if _as_tables():
        names = {"usual_t": "wi_usual", "arrivals_t": "wi_arrivals"}
        names |= {"short_t": "wi_short", "stock_t": "wi_stock"}
        unit = amounts.unit(table["usual_t"], lang, table=True)
        shown = pd.DataFrame({"day": table["day"].astype(int)})
        columns = {"day": st.column_config.NumberColumn(word("wi_day", lang), format="%d")}
        for name, key in names.items():
            shown[name] = amounts.in_unit(table[name], unit)
            columns[name] = amounts.column(f"{word(key, lang)}, {unit.name}")
        paper.frame(shown, columns, lang, alt=word("wi_daily", lang), key="wi_days_table")


def world_map(world: World, ask: Asked, scenario: Scenario, question: Question, lang: str) -> None:
    """New lanes against old; what can be shut is shut by a click."""
    part("wi_map", lang)
    lanes = model.lanes(ask)
    if lanes.empty:
        st.info(word("wi_map_none", lang))
    least = sentences.percent(whatif_lanes.LEAST_LANE, lang)
    st.html(f'<p class="cx-small">{escape(word("wi_map_foot", lang, share=least))}</p>')
    if not component.complete():
        marks.note("error", word("map_failed", lang))
        return
    ground = shared.load()[2]
    shut = map.places(world, scenario, lang)
    data = map.picture(world, question, lanes, ground["chokepoint"], shut, lang)
    with st.container(key="wi_map_box"):
        component.draw(data, ground["still"], key=MAP, on_click=_clicked)


def _clicked() -> None:
    element = component.clicked(MAP)
    if element:
        builder.add(element)


def _as_tables() -> bool:
    return bool(st.session_state.get("wi_tables"))
