"""What more a what-if has to show, one view at a time: responses, ways, worst, comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st

from corridors.ui import amounts, paper, sentences
from corridors.ui.exposure.model import publishers
from corridors.ui.whatif import builder, link, model, say
from corridors.ui.whatif.panels import part
from corridors.ui.words import word
from corridors.whatif.scenario import Rule, Scenario, make_scenario
from layers.errors import CorridorsError

if TYPE_CHECKING:
    from corridors.ui.answer import Question
    from corridors.ui.whatif.model import Asked
    from corridors.whatif.interdiction import Proof
    from layers.world import World

VIEWS = ("respond", "ways", "origins", "all", "worst", "compare")
MOST_WAYS = 40
MOST_SEEN, ROW_PX = 16, 35
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


def closer(world: World, ask: Asked, scenario: Scenario, question: Question, lang: str) -> None:
    """One view at a time, so that a slider waits for no more than is seen."""
    part("wi_view", lang, where="cx-screen")
    st.session_state.setdefault("wi_view", VIEWS[0])
    view = st.segmented_control(
        word("wi_view", lang),
        VIEWS,
        format_func=lambda v: word(f"wi_view_{v}", lang),
        key="wi_view",
        required=True,
        label_visibility="collapsed",
    )
    part(f"wi_view_{view}", lang, where="cx-paper")
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
    table, need = model.responses(ask)
    if table.empty or need <= 0:
        st.info(word("wi_respond_none", lang))
        return
    quantity = sentences.tonnes(need, lang)
    st.html(f'<p class="cx-small">{escape(word("wi_respond_need", lang, quantity=quantity))}</p>')
    kinds = {"stock": "wi_stock_draw"}
    unit = amounts.unit(table["most_t"], lang, table=True)
    shown = pd.DataFrame(
        {
            "option": [word(kinds.get(k, f"wi_{k}"), lang) for k in table["option"]],
            "what": [_named(world, what, lang) for what in table["what"]],
            "usd": amounts.figures(table["usd_t"]),
            "ready": table["ready_d"],
            "most": amounts.in_unit(table["most_t"], unit),
            "fair": amounts.in_unit(table["fair_t"], unit),
            "taken": 100 * table["taken_t"] / need,
            "source": [
                _source(source, quality, lang)
                for source, quality in zip(table["source"], table["quality"], strict=True)
            ],
        }
    )
    column = st.column_config
    paper.frame(
        shown,
        {
            "option": column.TextColumn(word("wi_option", lang), pinned=True),
            "what": column.TextColumn(word("wi_by_what", lang), width="large"),
            "usd": amounts.column(word("wi_usd", lang)),
            "ready": column.NumberColumn(word("wi_ready", lang), format="%.0f"),
            "most": amounts.column(f"{word('wi_most', lang)}, {unit.name}"),
            "fair": amounts.column(
                f"{word('wi_fair', lang)}, {unit.name}", word("wi_fair_help", lang)
            ),
            "taken": column.ProgressColumn(
                word("wi_taken", lang), min_value=0.0, max_value=100.0, format="%.1f %%"
            ),
            "source": column.TextColumn(word("wi_source", lang)),
        },
        lang,
        alt=word("wi_view_respond", lang),
        height=_height(shown),
        key="wi_responses",
    )


def _source(source: str, quality: str, lang: str) -> str:
    own = source.startswith(("this model", "assumption"))
    return sentences.quality(quality, lang) + ("" if own else f" · {publishers(source)}")


def _named(world: World, ids: str, lang: str) -> str:
    """Names of several ids written in one cell."""
    return " + ".join(
        say.element(world, f"origin:{id}" if ":" not in id else id, lang) for id in ids.split()
    )


def ways(world: World, ask: Asked, lang: str) -> None:
    """Ways before and after, those that change most first."""
    table = model.ways(ask)
    shown = table.head(MOST_WAYS)
    flows = shown[["calm_t", "now_t"]].to_numpy(dtype=np.float64)
    unit = amounts.unit(flows.ravel(), lang, table=True)
    sea = word("wi_open_sea", lang)
    most = float(flows.max(initial=0.0)) / unit.tonnes or 1.0
    frame = pd.DataFrame(
        {
            "load": [_port(world, port, lang) for port in shown["load"]],
            "land": [_port(world, port, lang) for port in shown["land"]],
            "by": [
                _named(world, f"{p} {b}", lang) or sea
                for p, b in zip(shown["passages"], shown["by"], strict=True)
            ],
            "before": amounts.in_unit(shown["calm_t"], unit),
            "after": amounts.in_unit(shown["now_t"], unit),
            "change": amounts.in_unit(shown["now_t"] - shown["calm_t"], unit),
        }
    )
    column = st.column_config
    bar: dict[str, Any] = {"min_value": 0.0, "max_value": most, "format": "localized"}
    paper.frame(
        frame,
        {
            "load": column.TextColumn(word("wi_load", lang), pinned=True),
            "land": column.TextColumn(word("wi_land_at", lang)),
            "by": column.TextColumn(word("wi_by_way", lang), width="large"),
            "before": column.ProgressColumn(f"{word('wi_before', lang)}, {unit.name}", **bar),
            "after": column.ProgressColumn(f"{word('wi_after', lang)}, {unit.name}", **bar),
            "change": amounts.column(f"{word('wi_change', lang)}, {unit.name}"),
        },
        lang,
        alt=word("wi_view_ways", lang),
        height=_height(frame),
        key="wi_ways",
    )
    foot = word("wi_ways_foot", lang, count=f"{len(shown):,}", all=f"{len(table):,}")
    st.html(f'<p class="cx-small">{escape(foot)}</p>')


def _port(world: World, port: str, lang: str) -> str:
    return say.element(world, f"port:{port}", lang) if port else "–"


def origins(world: World, ask: Asked, lang: str) -> None:
    """What becomes of the cargo of each origin."""
    table = model.origins(ask)
    names = [say.element(world, f"origin:{origin}", lang) for origin in table["origin"]]
    _outcomes(table, pd.Series(names), word("wi_origin", lang), "wi_origins", lang)


def every(world: World, ask: Asked, lang: str) -> None:
    """What becomes of all the importer imports."""
    table = model.every_commodity(ask)
    names = [world.name(commodity, lang) for commodity in table["commodity"]]
    _outcomes(table, pd.Series(names), word("commodity", lang), "wi_every", lang)


def _outcomes(table: pd.DataFrame, names: pd.Series, head: str, key: str, lang: str) -> None:
    """Outcomes as parts of usual imports, a bar each."""
    unit = amounts.unit(table["baseline_t"], lang, table=True)
    whole = table["baseline_t"].where(table["baseline_t"] > 0)
    kinds = ("delivered", "rerouted", "unmet", "infeasible")
    parts = {kind: 100 * table[f"{kind}_t"] / whole for kind in kinds}
    usual = amounts.in_unit(table["baseline_t"], unit)
    shown = pd.DataFrame({"name": names, "usual": usual, **parts})
    shown["days"] = amounts.figures(table["added_days"])
    shown["usd"] = amounts.figures(table["added_cost_usd_t"])
    column = st.column_config
    bars = {
        kind: column.ProgressColumn(
            word(f"wi_{kind}", lang), min_value=0.0, max_value=100.0, format="%.1f %%"
        )
        for kind in kinds
    }
    paper.frame(
        shown,
        {
            "name": column.TextColumn(head, pinned=True),
            "usual": amounts.column(f"{word('wi_usual', lang)}, {unit.name}"),
            **bars,
            "days": amounts.column(word("wi_f_added_days", lang)),
            "usd": amounts.column(word("wi_f_added_cost_usd_t", lang)),
        },
        lang,
        alt=head,
        height=_height(shown),
        key=key,
    )


def _height(shown: pd.DataFrame) -> int:
    """Height in pixels of a table with no rows left empty, and no more than fit a screen."""
    return ROW_PX * (1 + min(len(shown), MOST_SEEN)) + 3


def worst(world: World, ask: Asked, question: Question, lang: str) -> None:
    """The worst closures, searched for when asked to, with progress."""
    st.html(f'<p class="cx-small">{escape(word("wi_worst_more", lang))}</p>')
    st.session_state.setdefault("wi_k", 2)
    st.session_state.setdefault("wi_among", "chokepoint")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        counts = list(range(1, model.WORST_MOST_K + 1))
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
    search = model.Search(ask.digest, ask.importer, ask.commodity, ask.year, switches, k, among)
    found = model.worst_known(search)
    if found is None and pressed:
        found = _searched(search, lang)
    if found is not None:
        _worst_table(world, question, *found, lang)


def _searched(search: model.Search, lang: str) -> tuple[pd.DataFrame, Proof] | None:
    bar = st.progress(0.0, text=word("wi_worst_busy", lang))

    def progress(things: Iterable[Any], _: str) -> Iterator[Any]:
        """Pass things on and show how far it is; a rerun of the page stops it here."""
        every = list(things)
        for i, thing in enumerate(every):
            if i % max(1, len(every) // 50) == 0:
                bar.progress(i / len(every), text=word("wi_worst_busy", lang))
            yield thing

    try:
        return model.find_worst(search, progress)
    except CorridorsError as error:
        st.info(f"{word('wi_worst_none', lang)}")
        st.caption(str(error) if lang == "en" else "")
        return None
    finally:
        bar.empty()


def _worst_table(
    world: World, question: Question, table: pd.DataFrame, proof: Proof, lang: str
) -> None:
    unit = amounts.unit(table["lost_t"], lang, table=True)
    shown = pd.DataFrame(
        {
            "set": [_named(world, ids, lang) for ids in table["elements"]],
            "lost": amounts.in_unit(table["lost_t"], unit),
            "harm": (table["harm_usd_y"] / 1e6).round(0).reset_index(drop=True),
            "proved": [word("wi_yes" if p else "wi_no", lang) for p in table["proved"]],
        }
    )
    column = st.column_config
    paper.frame(
        shown,
        {
            "set": column.TextColumn(word("wi_worst_set", lang), width="large"),
            "lost": amounts.column(f"{word('wi_lost_t', lang)}, {unit.name}"),
            "harm": amounts.column(word("wi_harm", lang)),
            "proved": column.TextColumn(word("wi_proved", lang)),
        },
        lang,
        alt=word("wi_view_worst", lang),
        key="wi_worst_table",
    )
    counts = {n: f"{getattr(proof, n):,}" for n in ("sets", "equal", "bounded", "answered")}
    st.html(f'<p class="cx-small">{escape(word("wi_worst_proof", lang, **counts))}</p>')
    if len(table):
        first = str(table["elements"].iloc[0]).split()
        st.button(word("wi_try", lang), key="wi_try", on_click=_try, args=(first,))


def _try(elements: Sequence[str]) -> None:
    rules = [Rule(element, lost=1.0) for element in elements]
    made = make_scenario(link.OWN, rules=rules, duration_d=link.CLOSED_D)
    builder.put(link.draft_of(made))


def compare(world: World, ask: Asked, scenario: Scenario, question: Question, lang: str) -> None:
    """The scenario beside another: one of the library, or one kept before."""
    _, library = model.library()
    kept: Scenario | None = st.session_state.get("wi_kept_scenario")
    choices = {**({link.OWN: kept} if kept is not None else {}), **library}
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
        beside = model.figures(model.asked(ask.digest, question, other))
    here = model.figures(ask)
    if here is None or beside is None:
        return
    _compared(here, beside, lang)
    for key, a, b in (("wi_only_here", scenario, other), ("wi_only_there", other, scenario)):
        theirs = say.parts(world, b, lang)
        only = [p for p in _with_days(world, a, lang) if p not in theirs]
        only = [p for p in only if p not in _with_days(world, b, lang)]
        if only:
            st.html(f'<p class="cx-small">{escape(word(key, lang, what="; ".join(only)))}</p>')


def _with_days(world: World, scenario: Scenario, lang: str) -> list[str]:
    lasting = word("wi_lasting", lang, days=f"{scenario.duration_d:g}")
    return [*say.parts(world, scenario, lang), lasting]


def _choice(world: World, scenario: Scenario, id: str, lang: str) -> str:
    name = say.title(world, scenario, lang)
    return word("wi_kept_one", lang, name=name) if id == link.OWN else name


def _keep(scenario: Scenario) -> None:
    st.session_state["wi_kept_scenario"] = scenario
    st.session_state["wi_against"] = link.OWN


def _compared(here: Mapping[str, Any], there: Mapping[str, Any], lang: str) -> None:
    rows = []
    for name in COMPARED:
        a, b = (float("nan") if r[name] is None else float(r[name]) for r in (here, there))
        tell: Callable[[float], str] = (
            (lambda t: sentences.tonnes(t, lang))
            if name.endswith("_t") and "usd" not in name
            else say.figure
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
