"""Beside and below the map: all that is known of the element a reader chose.

Written as HTML with every text escaped: titles of reports come from outside.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

import corridors
from corridors.metrics import exposures
from corridors.ui import now as today
from corridors.ui import panels, risks, sentences, shared
from corridors.ui.answer import Question
from corridors.ui.marks import level_chip
from corridors.ui.whatif import link as whatif_link
from corridors.ui.whatif import model as whatif
from corridors.ui.whatif import say as whatif_say
from corridors.ui.words import word
from layers.world import records

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from corridors.ui.answer import Answer
    from corridors.ui.colours import Palette
    from corridors.ui.now import Now
    from layers.world import World

__all__ = ["below", "draw", "elements", "explained", "goods", "instead", "reports", "riding"]

KINDS = ("chokepoint", "corridor", "pipeline", "railway", "port")
MOST = 5
ALL = 0.995
LEAST_GAIN = 0.001
"""Of imports; what gains less is no other way."""


def elements(world: World, found: Answer) -> list[str]:
    """Everything that can be chosen: what carries the cargo by kind and share, then the rest."""
    used = [e for kind in KINDS for e in found.tables[kind]["element"]]
    idle = [e for e in world.elements() if e.split(":")[0] in KINDS]
    return list(dict.fromkeys([*used, *idle]))


def draw(
    world: World,
    question: Question,
    found: Answer,
    now: Now,
    element: str,
    colour: Palette,
    lang: str,
) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Risk, cargo and other ways of one element; the rooms left for `goods` and `instead`."""
    kind = element.partition(":")[0]
    row = next((r for r in records(found.tables[kind]) if r["element"] == element), None)
    _head(world, question, now, element, colour, lang)
    st.html(f'<div class="cx-side">{_cargo(world, question, row, lang)}</div>')
    room = st.container()
    st.html(f'<div class="cx-side">{_ways(row, lang)}</div>')
    other = st.container()
    _onward(world, question, element, row is not None, lang)
    return room, other


def below(world: World, now: Now, element: str, colour: Palette, lang: str) -> None:
    """Ships a day of one element, and the reports behind its threat."""
    chart, told = st.columns(2, gap="medium")
    with chart:
        _traffic(world, element, colour, lang)
    with told:
        st.html(f'<div class="cx-side">{_reports(now, element, lang)}</div>')


def reports(world: World, now: Now, found: Answer, lang: str) -> None:
    """The reports that weigh most on what this cargo passes, each with the element it is about."""
    carrying = {e for kind in KINDS for e in found.tables[kind]["element"]}
    own = now.reasons[now.reasons["element"].isin(carrying)]
    heavy = own.sort_values(["embedded", "weight"], ascending=[True, False], kind="stable")
    told = records(heavy.drop_duplicates("event_uid").head(MOST))
    said = "".join(_report(now, row, world.name(row["element"], lang), lang) for row in told)
    head = escape(word("reports_all", lang))
    none = f"<p>{escape(word('reports_all_none', lang))}</p>"
    items = f'<ul class="cx-reports">{said}</ul>' if said else none
    st.html(f'<div class="cx-side"><h2>{head}</h2>{items}</div>')


@st.cache_data(show_spinner=False, max_entries=32)
def riding(digest: str, importer: str, year: int, malaysia: bool) -> pd.DataFrame:
    """All an importer has on every element: ``element, commodity, quantity_t, share``."""
    world = shared.load()[0]
    switches = Question(importer, "", year, malaysia).switches
    trade = corridors.assess(
        world, importers=[importer], year=year, switches=switches, basis=shared.basis()
    )
    tables = exposures(trade, world, importer=importer)
    columns = ["element", "commodity", "quantity_t", "share"]
    return pd.concat([tables[kind][columns] for kind in KINDS], ignore_index=True)


@st.cache_data(show_spinner=False, max_entries=64)
def explained(digest: str, question: Question, element: str) -> pd.DataFrame:
    """Every flow behind the number of one element (``corridors.explain``)."""
    world = shared.load()[0]
    trade = corridors.assess(
        world,
        importers=[question.importer],
        commodities=[question.commodity],
        year=question.year,
        switches=question.switches,
        basis=shared.basis(),
    )
    return corridors.explain(trade, world, element)


def _head(
    world: World, question: Question, now: Now, element: str, colour: Palette, lang: str
) -> None:
    alert = risks.standing(now, question).get(element)
    chip = "" if alert is None else f"<p>{level_chip(alert.level, lang, hollow=alert.held)}</p>"
    rows = ""
    for number in risks.NUMBERS:
        told = risks.told(now, question, element, number, lang)
        label = word(f"colour_{number}", lang)
        rows += (
            f"<li>{_swatch(told, colour)}<span>{escape(label)}"
            f"<small>{escape(told.note)}</small></span><b>{escape(told.figure)}</b></li>"
        )
    st.html(
        f'<div class="cx-side"><h2 class="cx-name">{escape(world.name(element, lang))}</h2>'
        f'{chip}<ul class="cx-risks">{rows}</ul></div>'
    )


def _swatch(told: risks.Told, colour: Palette) -> str:
    if told.step is None:
        return f'<i class="cx-step cx-no" style="border-color:{colour.none}"></i>'
    tint = colour.risk[told.step]
    faint = " cx-faint" if told.state == "stale" else ""
    ink = "#10151d" if told.step in (1, 2, 3) else "#ffffff"
    style = f"background:{tint};color:{ink}"
    return f'<i class="cx-step{faint}" style="{style}">{told.step + 1}</i>'


def _cargo(world: World, question: Question, row: Mapping[str, Any] | None, lang: str) -> str:
    head = f"<h2>{escape(word('rides', lang))}</h2>"
    if row is None:
        return f"{head}<p>{escape(word('rides_none', lang))}</p>"
    said = word(
        "rides_share",
        lang,
        share=sentences.percent(row["share"], lang),
        commodity=sentences.cargo(world, question.commodity, lang),
        quantity=sentences.tonnes(row["quantity_t"], lang),
        band=sentences.band(row, lang),
    )
    return f"{head}<p>{escape(said)} {escape(sentences.quality(row['quality'], lang))}</p>"


def goods(world: World, question: Question, element: str, lang: str) -> None:
    """Origins of this cargo, and all commodities: to be drawn last, since it takes seconds once."""
    with st.spinner(word("rides_counting", lang)):
        flows = explained(world.digest, question, element)
        everything = riding(world.digest, question.importer, question.year, question.malaysia)
    origins = flows.groupby("origin")["quantity_t"].sum().sort_values(ascending=False)
    here = everything[everything["element"] == element].sort_values("quantity_t", ascending=False)
    lists = ""
    if len(origins):
        whole = origins.sum()
        rows = [
            (world.name(str(o), lang), t / whole, sentences.percent(t / whole, lang))
            for o, t in origins.head(MOST).items()
        ]
        lists += _bars(word("rides_origins", lang), rows)
    if len(here):
        most = here["quantity_t"].max()
        rows = [
            (
                world.name(r["commodity"], lang),
                r["quantity_t"] / most,
                f"{sentences.tonnes(r['quantity_t'], lang)} · "
                f"{sentences.percent(r['share'], lang)}",
            )
            for r in records(here.head(MOST))
        ]
        who = sentences.in_sentence(world, question.importer, lang)
        lists += _bars(word("rides_commodities", lang, importer=who), rows)
    if lists:
        st.html(f'<div class="cx-side">{lists}</div>')


def instead(world: World, question: Question, element: str, lang: str) -> None:
    """The element shut, as an exercise: what would follow, and what would carry more then."""
    if element.startswith("corridor:"):
        return
    ask = whatif.asked(world.digest, question, whatif_link.shut([element]))
    with st.spinner(word("wi_thinking", lang)):
        row = whatif.figures(ask)
        moved = whatif.elements(ask)
    if row is None or moved.empty:
        return
    said = escape(whatif_say.verdict(world, question, row, lang))
    gains = moved[moved["change_t"] > LEAST_GAIN * row["baseline_t"]].nlargest(MOST, "change_t")
    most = gains["change_t"].max()
    rows = [
        (world.name(e, lang), gain / most, f"+{sentences.tonnes(gain, lang)}")
        for e, gain in zip(gains["element"], gains["change_t"], strict=True)
    ]
    head = word("instead", lang, days=f"{whatif_link.CLOSED_D:g}")
    lists = _bars(word("instead_more", lang), rows) if rows else ""
    st.html(f'<div class="cx-side"><h3>{escape(head)}</h3><p>{said}</p>{lists}</div>')


def _bars(head: str, rows: Iterable[tuple[str, float, str]]) -> str:
    items = "".join(
        f'<li style="--part:{100 * part:.0f}%"><span>{escape(name)}</span>'
        f"<b>{escape(said)}</b></li>"
        for name, part, said in rows
    )
    return f'<h3>{escape(head)}</h3><ul class="cx-parts">{items}</ul>'


def _ways(row: Mapping[str, Any] | None, lang: str) -> str:
    head = f"<h2>{escape(word('ways', lang))}</h2>"
    if row is None:
        return ""
    bound, days, cost = (
        float(row[c]) for c in ("no_alternative_share", "added_days", "added_cost_usd_t")
    )
    figures = {"days": f"{days:.1f}", "cost": f"{cost:.1f}"}
    if math.isnan(bound):
        said = word("ways_unknown", lang)
    elif bound >= ALL or math.isnan(days):
        said = word("ways_all", lang)
    elif bound > 1 - ALL:
        said = word("ways_part", lang, part=sentences.percent(bound, lang), **figures)
    else:
        said = word("ways_rest", lang, **figures)
    return f"{head}<p>{escape(said)}</p>"


def _reports(now: Now, element: str, lang: str) -> str:
    own = now.reasons[now.reasons["element"] == element].head(MOST)
    head = f"<h2>{escape(word('reports', lang))}</h2>"
    if own.empty:
        hollow = _unwatched(now, element)
        key = "reports_hollow" if hollow else "reports_none"
        return f"{head}<p>{escape(word(key, lang))}</p>"
    items = "".join(_report(now, row, "", lang) for row in records(own))
    return f'{head}<ul class="cx-reports">{items}</ul>'


def _report(now: Now, row: Mapping[str, Any], about: str, lang: str) -> str:
    aged = risks.age(
        str(row["sources"]), f"{row['age_d']:.0f}", lang, embedded=bool(row["embedded"])
    )
    title = now.titles.get(row["event_uid"], {}).get(lang, str(row["title"]))
    small = " · ".join(filter(None, [about, aged]))
    return f'<li><span class="cx-told">{escape(title)}</span><small>{escape(small)}</small></li>'


def _unwatched(now: Now, element: str) -> bool:
    """Whether no feed looks at an element."""
    known = now.of.get(element)
    return known is None or known["threat_state"] == "not_covered"


def _traffic(world: World, element: str, colour: Palette, lang: str) -> None:
    days = today.traffic(world)
    days = days[days["element"] == element]
    st.html(f'<div class="cx-side"><h2>{escape(word("traffic", lang))}</h2></div>')
    if days.empty:
        st.html(f'<p class="cx-small">{escape(word("traffic_none", lang))}</p>')
        return
    last = days.dropna(subset=["ratio"]).tail(1)
    said = word("traffic", lang)
    if len(last):
        day, ratio = last["day"].iloc[0], float(last["ratio"].iloc[0])
        percent = sentences.percent(ratio, lang)
        said = word("traffic_to", lang, ratio=percent, day=f"{day:%Y-%m-%d}")
        st.html(f'<p class="cx-small">{escape(said)}</p>')
    st.vega_lite_chart(
        _long(days, lang), _spark(colour, lang), height=210, key="traffic_chart", alt=said
    )


def _long(days: pd.DataFrame, lang: str) -> pd.DataFrame:
    names = {c: word(f"traffic_{k}", lang) for c, k in SERIES.items()}
    return days.rename(columns=names).melt("day", list(names.values()), "what", "ships")


SERIES = {"observed_d": "seen", "usual_d": "usual"}


def _spark(colour: Palette, lang: str) -> dict[str, Any]:
    names = [word(f"traffic_{k}", lang) for k in SERIES.values()]
    axis = {"title": None, "grid": False, "tickCount": 3}
    return {
        "mark": {"type": "line", "strokeWidth": 1.8},
        "encoding": {
            "x": {"field": "day", "type": "temporal", "axis": axis | {"format": "%Y-%m"}},
            "y": {"field": "ships", "type": "quantitative", "axis": axis},
            "color": {
                "field": "what",
                "scale": {"domain": names, "range": [colour.lane_thick, colour.none]},
                "legend": {"title": None, "orient": "top"},
            },
            "strokeDash": {
                "field": "what",
                "scale": {"domain": names, "range": [[1, 0], [4, 3]]},
            },
        },
    }


def _onward(world: World, question: Question, element: str, carried: bool, lang: str) -> None:
    with st.container(horizontal=True, gap="small"):
        if "whatif" in panels.PAGES and not element.startswith("corridor:"):
            st.page_link(
                Path(panels.__file__).parent / "pages" / "whatif.py",
                label=word("what_if", lang),
                icon="⚡",
                query_params={"close": element, "importer": question.importer, "lang": lang},
            )
        if carried and st.button(word("explain", lang), key="explain", type="tertiary"):
            _explain(world, question, element, lang)


def _explain(world: World, question: Question, element: str, lang: str) -> None:
    st.dialog(f"{word('explain', lang)}: {world.name(element, lang)}", width="large")(_behind)(
        world, question, element, lang
    )


def _behind(world: World, question: Question, element: str, lang: str) -> None:
    table = explained(world.digest, question, element)
    shown = pd.DataFrame(
        {
            "origin": [world.name(str(o), lang) for o in table["origin"]],
            "flow_t": table["flow_t"],
            "passing_share": 100 * table["passing_share"],
            "quantity_t": table["quantity_t"],
            "quality": [sentences.quality(q, lang) for q in table["quality"]],
            "data_year": table["data_year"].astype(str),
            "source": table["source"],
        }
    )
    column = st.column_config
    st.write(word("explain_text", lang))
    st.dataframe(
        shown,
        hide_index=True,
        column_config={
            "origin": column.TextColumn(word("origin_name", lang), pinned=True),
            "flow_t": column.NumberColumn(word("flow_t", lang), format="localized"),
            "passing_share": column.NumberColumn(word("passing_share", lang), format="%.1f %%"),
            "quantity_t": column.NumberColumn(word("quantity_t", lang), format="localized"),
            "quality": column.TextColumn(word("quality", lang)),
            "data_year": column.TextColumn(word("data_years", lang)),
            "source": column.TextColumn(word("source", lang)),
        },
        key="explained",
    )
