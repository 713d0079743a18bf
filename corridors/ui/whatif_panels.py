"""What a what-if shows: verdict, figures, charts, map, responses, worst closures, comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

import layers
from corridors.export import Sheet, to_bytes
from corridors.ui import (
    panels,
    sentences,
    whatif,
    whatif_builder,
    whatif_charts,
    whatif_lanes,
    whatif_link,
    whatif_say,
)
from corridors.ui.words import word
from corridors.whatif.scenario import Rule, Scenario, make_scenario
from corridors.whatif.scenario_file import to_toml
from layers.errors import CorridorsError
from layers.world import records

if TYPE_CHECKING:
    from corridors.ui.answer import Question
    from corridors.ui.colours import Palette
    from corridors.ui.whatif import Asked
    from corridors.whatif.interdiction import Proof
    from layers.world import World

STYLE = """<style>
.wi-h {font-size: 1rem; font-weight: 650; margin: 0; padding: 0}
.wi-name {font-size: 1.02rem; margin: .2rem 0 0; line-height: 1.35}
.wi-badge {display: inline-block; border: 1.5px solid currentColor; border-radius: 4px;
  padding: 0 .4em; font-size: .82rem; font-weight: 650; letter-spacing: .02em}
.wi-kpis {display: grid; grid-template-columns: repeat(auto-fit, minmax(8.6rem, 1fr)); gap: .5rem}
.wi-kpi {border: 1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius: 8px;
  padding: .45rem .65rem; margin: 0}
.wi-kpi dt {font-size: .84rem; opacity: .85; margin: 0}
.wi-kpi dd {margin: 0; font-size: .82rem; opacity: .9; font-variant-numeric: tabular-nums}
.wi-kpi dd.wi-big {font-size: 1.3rem; font-weight: 650; line-height: 1.25; opacity: 1}
.wi-part {font-size: 1rem; font-weight: 650; margin: .7rem 0 .1rem; padding: 0}
</style>"""

VIEWS = ("respond", "ways", "origins", "all", "worst", "compare")
TABLES = ("summary", "days", "ways", "origins", "elements", "responses")
FORMATS = ("csv", "xlsx", "parquet", "json")
MIME = {**panels.FILES, "json": "application/json"}
MOST_WAYS = 40
NOISE = 1e-6
"""Less of imports than this is rounding."""
COMPARED = (
    "delivered_t",
    "rerouted_t",
    "unmet_t",
    "infeasible_t",
    "added_days",
    "added_cost_usd_t",
    "unmet_after_stock_t",
    "first_short_day",
)


def headline(
    world: World, question: Question, scenario: Scenario, row: Mapping[str, Any], lang: str
) -> None:
    """The verdict, marked as an exercise, and the figures with their ranges: one message."""
    badge = f'<span class="wi-badge">{escape(word("wi_exercise", lang))}</span>'
    text = whatif_say.verdict(world, question, row, lang)
    small = word(
        "wi_conditions",
        lang,
        name=whatif_say.title(world, scenario, lang),
        days=word("wi_lasting", lang, days=f"{scenario.duration_d:g}"),
        years=str(question.year),
    )
    cards = "".join(_card(*card) for card in _cards(scenario, row, lang))
    st.html(
        f'<p class="cx-verdict" role="status">{badge} {escape(text)}</p>'
        f'<p class="cx-small">{escape(small)} {escape(word("wi_exercise_more", lang))}</p>'
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
    said = {name: whatif_say.band(low, high, lang) for name, (low, high) in bands.items()}
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
    days = whatif_say.figure(float(row["added_days"]))
    moved = row["rerouted_t"] > 0
    longer = word("wi_k_days", lang, days=days) if moved else word("wi_no_one", lang)
    yield (
        word("wi_k_rerouted", lang),
        sentences.tonnes(row["rerouted_t"], lang),
        [f"{_delta(row['rerouted_t'], whole, lang)} · {longer}", f"{said['rerouted']}{year}"],
    )
    cost = whatif_say.figure(float(row["added_cost_usd_t"]))
    unit = "美元/吨" if lang == "zh" else " USD/t"
    none = word("wi_no_one", lang)
    yield (
        word("wi_k_cost", lang),
        f"+{cost}{unit}" if cost != "–" else "–",
        [longer if moved else none],
    )
    yield _short_card(scenario, row, lang)
    yield word("wi_k_cover", lang), whatif_say.cover(row, lang), []


def _short_card(scenario: Scenario, row: Mapping[str, Any], lang: str) -> Card:
    short = row["unmet_after_stock_t"]
    head, told = word("wi_k_short", lang), str(row["first_short"])
    if short is None or math.isnan(short):
        return head, word("wi_unknown", lang), []
    first = whatif_say.first_short(row)
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


def part(key: str, lang: str, help: str = "") -> None:
    """The heading of a part of the page."""
    more = f'<p class="cx-small">{escape(help)}</p>' if help else ""
    st.html(f'<h2 class="wi-part">{escape(word(key, lang))}</h2>{more}')


def waterfall(row: Mapping[str, Any], colour: Palette, lang: str) -> None:
    """Where the imports go, with the same as a table when asked for."""
    part("wi_waterfall", lang, word("wi_waterfall_help", lang))
    steps = whatif.steps(row)
    said = {name: sentences.tonnes(tonnes, lang) for name, tonnes, _, _ in steps}
    st.vega_lite_chart(
        whatif_charts.waterfall(steps, colour, lang),
        key="wi_waterfall",
        alt=word("wi_waterfall_alt", lang, **said),
    )
    if _as_tables():
        size, name = whatif_charts.unit(lang)
        shown = pd.DataFrame(
            [
                {
                    word("wi_figure", lang): word(f"wi_{step}", lang),
                    name: tonnes / size,
                    word("band", lang): "–" if np.isnan(low) else whatif_say.band(low, high, lang),
                }
                for step, tonnes, low, high in steps
            ]
        )
        st.dataframe(shown.round(2), hide_index=True)


def daily(ask: Asked, scenario: Scenario, colour: Palette, lang: str) -> None:
    """Arrivals, shortage and stock day by day."""
    part("wi_daily", lang)
    table = whatif.days(ask)
    short = float(table["short_t"].to_numpy().sum())
    if math.isnan(short):
        said = word("wi_alt_stock_unknown", lang)
    elif short > 0:
        said = word("wi_alt_short", lang, quantity=sentences.tonnes(short, lang))
    else:
        said = word("wi_alt_no_short", lang)
    st.vega_lite_chart(
        whatif_charts.daily(table, scenario.duration_d, colour, lang),
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
            whatif_charts.stock(table, scenario.duration_d, colour, lang),
            key="wi_stock",
            alt=word("wi_stock_alt", lang, first=first, low=low),
        )
    else:
        st.info(word("wi_stock_unknown", lang))
    if _as_tables():
        names = {"day": "wi_day", "usual_t": "wi_usual", "arrivals_t": "wi_arrivals"}
        names |= {"short_t": "wi_short", "stock_t": "wi_stock"}
        unit = "吨" if lang == "zh" else "t"
        heads = {c: word(w, lang) + ("" if c == "day" else f", {unit}") for c, w in names.items()}
        st.dataframe(
            table[list(names)].round(0).rename(columns=heads), hide_index=True, placeholder="–"
        )


def world_map(
    world: World, ask: Asked, scenario: Scenario, question: Question, colour: Palette, lang: str
) -> None:
    """New lanes against old."""
    part("wi_map", lang)
    lanes = whatif.lanes(ask)
    places = _places(world, scenario, lang)
    said = {
        "importer": sentences.in_sentence(world, question.importer, lang),
        "commodity": sentences.cargo(world, question.commodity, lang),
    }
    if lanes.empty:
        st.info(word("wi_map_none", lang))
    st.vega_lite_chart(
        whatif_charts.world_map(
            _land(), lanes, places, colour, lang, longitude=_middle(world, lanes, question)
        ),
        key="wi_map",
        alt=word("wi_map_alt", lang, **said),
    )
    least = sentences.percent(whatif_lanes.LEAST_LANE, lang)
    st.html(f'<p class="cx-small">{escape(word("wi_map_foot", lang, share=least))}</p>')


@st.cache_resource(show_spinner=False)
def _land() -> list[dict[str, Any]]:
    import json

    from shapely.geometry import shape

    body = json.loads((layers.data_dir() / "land.geojson").read_text("utf-8"))
    return whatif_charts.land([shape(feature["geometry"]) for feature in body["features"]])


def _middle(world: World, lanes: pd.DataFrame, question: Question) -> float:
    """Longitude in the middle of the lanes, by cargo; the importer's own when nothing sails."""
    if lanes.empty:
        home = world.countries.set_index("country")["lon"].get(question.importer, 20.0)
        return float(home)
    lon = np.radians([path[len(path) // 2][0] for path in lanes["path"]])
    wide = lanes[["calm_t", "now_t"]].max(axis=1).to_numpy() * lanes["path"].map(len).to_numpy()
    return round(float(np.degrees(np.arctan2(wide @ np.sin(lon), wide @ np.cos(lon)))) / 10) * 10.0


def _places(world: World, scenario: Scenario, lang: str) -> pd.DataFrame:
    """Where what the scenario disrupts lies: ``lon, lat, name``; lines on land are left out."""
    tables = {"chokepoint": world.chokepoints, "port": world.ports, "country": world.countries}
    rows = {}
    for rule in sorted(scenario.rules, key=lambda rule: rule.lost):  # the greatest loss is named
        kind, _, id = rule.element.replace("origin:", "country:").partition(":")
        if kind not in tables:
            continue
        found = tables[kind]
        for at in records(found[(found[kind] == id).to_numpy()]):
            gate = kind == "chokepoint"
            lon = (at["lon1"] + at["lon2"]) / 2 if gate else at["lon"]
            lat = (at["lat1"] + at["lat2"]) / 2 if gate else at["lat"]
            lost = f" −{rule.lost:.0%}" if rule.lost else ""
            rows[rule.element] = (lon, lat, whatif_say.element(world, rule.element, lang) + lost)
    return pd.DataFrame(list(rows.values()), columns=["lon", "lat", "name"])


def _as_tables() -> bool:
    return bool(st.session_state.get("wi_tables"))


def closer(world: World, ask: Asked, scenario: Scenario, question: Question, lang: str) -> None:
    """One view at a time, so that a slider waits for no more than is seen."""
    part("wi_view", lang)
    st.session_state.setdefault("wi_view", VIEWS[0])
    view = st.segmented_control(
        word("wi_view", lang),
        VIEWS,
        format_func=lambda v: word(f"wi_view_{v}", lang),
        key="wi_view",
        required=True,
        label_visibility="collapsed",
    )
    if view == "respond":
        responses(world, ask, lang)
    elif view == "ways":
        ways(world, ask, lang)
    elif view == "origins":
        origins(world, ask, lang)
    elif view == "all":
        every(world, ask, lang)
    elif view == "worst":
        worst(world, ask, question, lang)
    else:
        compare(world, ask, scenario, question, lang)


def responses(world: World, ask: Asked, lang: str) -> None:
    """What can be done, the cheapest first."""
    table, need = whatif.responses(ask)
    if table.empty or need <= 0:
        st.info(word("wi_respond_none", lang))
        return
    quantity = sentences.tonnes(need, lang)
    st.html(f'<p class="cx-small">{escape(word("wi_respond_need", lang, quantity=quantity))}</p>')
    kinds = {"stock": "wi_stock_draw"}
    size, unit = whatif_charts.unit(lang)
    shown = pd.DataFrame(
        {
            "option": [word(kinds.get(k, f"wi_{k}"), lang) for k in table["option"]],
            "what": [_named(world, what, lang) for what in table["what"]],
            "usd": table["usd_t"],
            "ready": table["ready_d"],
            "most": table["most_t"] / size,
            "fair": table["fair_t"] / size,
            "taken": 100 * table["taken_t"] / need,
            "source": [
                _source(source, quality, lang)
                for source, quality in zip(table["source"], table["quality"], strict=True)
            ],
        }
    )
    column = st.column_config
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        key="wi_responses",
        column_config={
            "option": column.TextColumn(word("wi_option", lang), pinned=True),
            "what": column.TextColumn(word("wi_by_what", lang), width="medium"),
            "usd": column.NumberColumn(word("wi_usd", lang), format="%.1f"),
            "ready": column.NumberColumn(word("wi_ready", lang), format="%.0f"),
            "most": column.NumberColumn(f"{word('wi_most', lang)}, {unit}", format="%.2f"),
            "fair": column.NumberColumn(
                f"{word('wi_fair', lang)}, {unit}", help=word("wi_fair_help", lang), format="%.2f"
            ),
            "taken": column.ProgressColumn(
                word("wi_taken", lang), min_value=0.0, max_value=100.0, format="%.1f %%"
            ),
            "source": column.TextColumn(word("wi_source", lang), width="medium"),
        },
    )


def _source(source: str, quality: str, lang: str) -> str:
    own = source.startswith(("this model", "assumption"))
    return sentences.quality(quality, lang) + ("" if own else f" · {source}")


def _named(world: World, ids: str, lang: str) -> str:
    """Names of several ids written in one cell."""
    return " + ".join(
        whatif_say.element(world, f"origin:{id}" if ":" not in id else id, lang)
        for id in ids.split()
    )


def ways(world: World, ask: Asked, lang: str) -> None:
    """Ways before and after, those that change most first."""
    table = whatif.ways(ask)
    shown = table.head(MOST_WAYS)
    size, unit = whatif_charts.unit(lang)
    sea = word("wi_open_sea", lang)
    most = float(shown[["calm_t", "now_t"]].to_numpy().max(initial=0.0)) / size or 1.0
    frame = pd.DataFrame(
        {
            "load": [_port(world, port, lang) for port in shown["load"]],
            "land": [_port(world, port, lang) for port in shown["land"]],
            "by": [
                _named(world, f"{p} {b}", lang) or sea
                for p, b in zip(shown["passages"], shown["by"], strict=True)
            ],
            "before": shown["calm_t"] / size,
            "after": shown["now_t"] / size,
            "change": (shown["now_t"] - shown["calm_t"]) / size,
        }
    )
    column = st.column_config
    bar: dict[str, Any] = {"min_value": 0.0, "max_value": most, "format": "%.2f"}
    st.dataframe(
        frame,
        hide_index=True,
        key="wi_ways",
        column_config={
            "load": column.TextColumn(word("wi_load", lang), pinned=True),
            "land": column.TextColumn(word("wi_land_at", lang)),
            "by": column.TextColumn(word("wi_by_way", lang), width="large"),
            "before": column.ProgressColumn(f"{word('wi_before', lang)}, {unit}", **bar),
            "after": column.ProgressColumn(f"{word('wi_after', lang)}, {unit}", **bar),
            "change": column.NumberColumn(f"{word('wi_change', lang)}, {unit}", format="%+.2f"),
        },
    )
    foot = word("wi_ways_foot", lang, count=f"{len(shown):,}", all=f"{len(table):,}")
    st.html(f'<p class="cx-small">{escape(foot)}</p>')


def _port(world: World, port: str, lang: str) -> str:
    return whatif_say.element(world, f"port:{port}", lang) if port else "–"


def origins(world: World, ask: Asked, lang: str) -> None:
    """What becomes of the cargo of each origin."""
    table = whatif.origins(ask)
    names = [whatif_say.element(world, f"origin:{origin}", lang) for origin in table["origin"]]
    _outcomes(table, pd.Series(names), word("wi_origin", lang), "wi_origins", lang)


def every(world: World, ask: Asked, lang: str) -> None:
    """What becomes of all the importer imports."""
    table = whatif.every_commodity(ask)
    names = [world.name(commodity, lang) for commodity in table["commodity"]]
    _outcomes(table, pd.Series(names), word("commodity", lang), "wi_every", lang)


def _outcomes(table: pd.DataFrame, names: pd.Series, head: str, key: str, lang: str) -> None:
    """Outcomes as parts of usual imports, a bar each."""
    size, unit = whatif_charts.unit(lang)
    whole = table["baseline_t"].where(table["baseline_t"] > 0)
    kinds = ("delivered", "rerouted", "unmet", "infeasible")
    parts = {kind: 100 * table[f"{kind}_t"] / whole for kind in kinds}
    shown = pd.DataFrame({"name": names, "usual": table["baseline_t"] / size, **parts})
    shown["days"], shown["usd"] = table["added_days"], table["added_cost_usd_t"]
    column = st.column_config
    bars = {
        kind: column.ProgressColumn(
            word(f"wi_{kind}", lang), min_value=0.0, max_value=100.0, format="%.1f %%"
        )
        for kind in kinds
    }
    st.dataframe(
        shown,
        hide_index=True,
        placeholder="–",
        key=key,
        column_config={
            "name": column.TextColumn(head, pinned=True),
            "usual": column.NumberColumn(f"{word('wi_usual', lang)}, {unit}", format="%.2f"),
            **bars,
            "days": column.NumberColumn(word("wi_f_added_days", lang), format="%.1f"),
            "usd": column.NumberColumn(word("wi_f_added_cost_usd_t", lang), format="%.1f"),
        },
    )


def worst(world: World, ask: Asked, question: Question, lang: str) -> None:
    """The worst closures, searched for when asked to, with progress."""
    st.html(f'<p class="cx-small">{escape(word("wi_worst_more", lang))}</p>')
    st.session_state.setdefault("wi_k", 2)
    st.session_state.setdefault("wi_among", "chokepoint")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        counts = list(range(1, whatif.WORST_MOST_K + 1))
        k = st.selectbox(word("wi_worst_k", lang), counts, key="wi_k", width=160)
        kinds = ("chokepoint", "port", "pipeline", "railway")
        among = st.selectbox(
            word("wi_worst_among", lang),
            kinds,
            format_func=lambda kind: word(kind, lang),
            key="wi_among",
            width=200,
        )
        pressed = st.button(word("wi_worst_go", lang), key="wi_worst")
    switches = tuple(sorted(question.switches.items()))
    search = whatif.Search(ask.digest, ask.importer, ask.commodity, ask.year, switches, k, among)
    found = whatif.worst_known(search)
    if found is None and pressed:
        found = _searched(search, lang)
    if found is not None:
        _worst_table(world, question, *found, lang)


def _searched(search: whatif.Search, lang: str) -> tuple[pd.DataFrame, Proof] | None:
    bar = st.progress(0.0, text=word("wi_worst_busy", lang))

    def progress(things: Iterable[Any], _: str) -> Iterator[Any]:
        """Pass things on and show how far it is; a rerun of the page stops it here."""
        every = list(things)
        for i, thing in enumerate(every):
            if i % max(1, len(every) // 50) == 0:
                bar.progress(i / len(every), text=word("wi_worst_busy", lang))
            yield thing

    try:
        return whatif.find_worst(search, progress)
    except CorridorsError as error:
        st.info(f"{word('wi_worst_none', lang)}")
        st.caption(str(error) if lang == "en" else "")
        return None
    finally:
        bar.empty()


def _worst_table(
    world: World, question: Question, table: pd.DataFrame, proof: Proof, lang: str
) -> None:
    size, unit = whatif_charts.unit(lang)
    shown = pd.DataFrame(
        {
            "set": [_named(world, ids, lang) for ids in table["elements"]],
            "lost": table["lost_t"] / size,
            "harm": table["harm_usd_y"] / 1e6,
            "proved": [word("wi_yes" if p else "wi_no", lang) for p in table["proved"]],
        }
    )
    column = st.column_config
    st.dataframe(
        shown,
        hide_index=True,
        key="wi_worst_table",
        column_config={
            "set": column.TextColumn(word("wi_worst_set", lang), width="large"),
            "lost": column.NumberColumn(f"{word('wi_lost_t', lang)}, {unit}", format="%.2f"),
            "harm": column.NumberColumn(word("wi_harm", lang), format="%.0f"),
            "proved": column.TextColumn(word("wi_proved", lang)),
        },
    )
    counts = {n: f"{getattr(proof, n):,}" for n in ("sets", "equal", "bounded", "answered")}
    st.html(f'<p class="cx-small">{escape(word("wi_worst_proof", lang, **counts))}</p>')
    if len(table):
        first = str(table["elements"].iloc[0]).split()
        st.button(word("wi_try", lang), key="wi_try", on_click=_try, args=(first,))


def _try(elements: Sequence[str]) -> None:
    rules = [Rule(element, lost=1.0) for element in elements]
    made = make_scenario(whatif_link.OWN, rules=rules, duration_d=whatif_link.CLOSED_D)
    whatif_builder.put(whatif_link.draft_of(made))


def compare(world: World, ask: Asked, scenario: Scenario, question: Question, lang: str) -> None:
    """The scenario beside another: one of the library, or one kept before."""
    _, library = whatif.library()
    kept: Scenario | None = st.session_state.get("wi_kept_scenario")
    choices = {**({whatif_link.OWN: kept} if kept is not None else {}), **library}
    others = [id for id, one in choices.items() if one != scenario]
    if st.session_state.get("wi_against") not in others:
        st.session_state["wi_against"] = others[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            word("wi_against", lang),
            others,
            format_func=lambda id: _choice(world, choices[id], id, lang),
            key="wi_against",
        )
        st.button(word("wi_keep", lang), key="wi_keep", on_click=_keep, args=(scenario,))
    other = choices[chosen]
    with st.spinner(word("wi_thinking", lang)):
        beside = whatif.figures(whatif.asked(ask.digest, question, other))
    here = whatif.figures(ask)
    if here is None or beside is None:
        return
    _compared(here, beside, lang)
    for key, a, b in (("wi_only_here", scenario, other), ("wi_only_there", other, scenario)):
        theirs = whatif_say.parts(world, b, lang)
        only = [p for p in _with_days(world, a, lang) if p not in theirs]
        only = [p for p in only if p not in _with_days(world, b, lang)]
        if only:
            st.html(f'<p class="cx-small">{escape(word(key, lang, what="; ".join(only)))}</p>')


def _with_days(world: World, scenario: Scenario, lang: str) -> list[str]:
    lasting = word("wi_lasting", lang, days=f"{scenario.duration_d:g}")
    return [*whatif_say.parts(world, scenario, lang), lasting]


def _choice(world: World, scenario: Scenario, id: str, lang: str) -> str:
    name = whatif_say.title(world, scenario, lang)
    return word("wi_kept_one", lang, name=name) if id == whatif_link.OWN else name


def _keep(scenario: Scenario) -> None:
    st.session_state["wi_kept_scenario"] = scenario
    st.session_state["wi_against"] = whatif_link.OWN


def _compared(here: Mapping[str, Any], there: Mapping[str, Any], lang: str) -> None:
    rows = []
    for name in COMPARED:
        a, b = (float("nan") if r[name] is None else float(r[name]) for r in (here, there))
        tell: Callable[[float], str] = (
            (lambda t: sentences.tonnes(t, lang))
            if name.endswith("_t") and "usd" not in name
            else whatif_say.figure
        )
        change = a - b
        sign = "" if math.isnan(change) else "+" if change > 0 else "−" if change < 0 else "±"
        rows.append(
            {
                word("wi_figure", lang): word(f"wi_f_{name}", lang),
                word("wi_this", lang): tell(a),
                word("wi_other", lang): tell(b),
                word("wi_difference", lang): f"{sign}{tell(abs(change))}",
            }
        )
    st.table(pd.DataFrame(rows).set_index(word("wi_figure", lang)))


def downloads(world: World, ask: Asked, scenario: Scenario, lang: str) -> None:
    """The answer as files, made when asked for."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.session_state.setdefault("wi_table", TABLES[0])
        table = st.selectbox(
            word("wi_save_answer", lang),
            TABLES,
            format_func=lambda t: word(f"wi_table_{t}", lang),
            key="wi_table",
            width=220,
        )
        name = f"whatif_{scenario.name}_{ask.importer}_{ask.commodity}_{table}"
        for format in FORMATS:
            st.download_button(
                format.upper(),
                _maker(world, ask, scenario, table, name, format),
                f"{name}.{format}",
                MIME[format],
                key=f"wi_get_{format}",
                help=f"{word('download', lang)} {format.upper()}",
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )
    st.html(f'<p class="cx-small">{escape(word("wi_files_more", lang))}</p>')


def _maker(
    world: World, ask: Asked, scenario: Scenario, table: str, name: str, format: str
) -> Callable[[], bytes]:
    return lambda: to_bytes(sheet(ask, scenario, table, name), world, format)


def sheet(ask: Asked, scenario: Scenario, table: str, name: str) -> Sheet:
    """A table of the answer with all others, the scenario and what it rests on.

    Every row says that it is an exercise, of which scenario, and where that comes from.
    """
    marks = {
        "exercise": "exercise, not a forecast (演习推演,非预报)",
        "scenario": scenario.name_en if scenario.name_en != whatif_link.OWN else "own",
        "scenario_sources": " | ".join(scenario.sources),
    }
    made = {key: _table(ask, key).assign(**marks) for key in TABLES if key == table}
    others = {key: _table(ask, key) for key in TABLES if key != table}
    others["bindings"] = whatif.answer(ask).bindings
    others["scenario"] = pd.DataFrame({"toml": to_toml(scenario).splitlines()})
    note = (
        f"{marks['exercise']}; {marks['scenario']}, {scenario.duration_d:g} d; "
        f"{ask.importer}, {ask.commodity}, {ask.year}"
    )
    return Sheet(name, note, made[table], others)


def _table(ask: Asked, key: str) -> pd.DataFrame:
    if key == "summary":
        row = whatif.figures(ask)
        return pd.DataFrame([row] if row is not None else [])
    if key == "responses":
        return whatif.responses(ask)[0]
    made: Mapping[str, Callable[[Asked], pd.DataFrame]] = {
        "days": whatif.days,
        "ways": whatif.ways,
        "origins": whatif.origins,
        "elements": whatif.elements,
    }
    return made[key](ask)
