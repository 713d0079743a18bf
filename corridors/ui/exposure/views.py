"""Four views of the exposure page: flow, concentration, comparison, several elements at once."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from corridors.demand import BASE_YEAR
from corridors.export import Sheet
from corridors.ui import amounts, link, paper, sentences
from corridors.ui.answer import Question, importers_of, years_of
from corridors.ui.exposure import model, sankey, spread
from corridors.ui.exposure.scene import (
    Columns,
    Scene,
    columns,
    downloads,
    fine_print,
    heading,
    height,
    named,
    no_flows,
    notice,
    year_said,
)
from corridors.ui.words import word
from layers.world import records

if TYPE_CHECKING:
    from corridors.ui.colours import Palette
    from layers.world import World

VIEWS = ("ways", "spread", "compare", "once")
MOST_TOGETHER = 12
ORIGINS, PASSAGES = 10, 9
TIES = 1e-6


def view(lang: str) -> str:
    """Which further view is wanted."""
    link.restore("show", "ways", VIEWS)
    st.segmented_control(
        word("x_show", lang),
        VIEWS,
        format_func=lambda v: word(f"x_show_{v}", lang),
        key="show",
        required=True,
        persist_state="session",
    )
    return str(st.session_state["show"])


def ways(scene: Scene) -> None:
    """The flow of one commodity as a drawing and as a table."""
    lang, world, question = scene.lang, scene.world, scene.question
    if model.trade_of(scene.digest, question) is None:
        no_flows(scene, question)
        return
    whole = model.ways_of(scene.digest, question)
    kept = sankey.gathered(whole, origins=ORIGINS, passages=PASSAGES)
    names, figures, tints = _written(scene, whole, kept)
    what = sentences.cargo(world, question.commodity, lang)
    head = word("x_ways_head", lang, commodity=what, importer=scene.importer())
    heading(head, word("x_ways_help", lang))
    if scene.every:
        fine_print(word("x_ways_one", lang))
    drawn = sankey.picture(kept, names, figures, tints)
    st.html(f"{spread.KEY}{sankey.STYLE}{_key(tints, scene.colour, lang)}{drawn}")
    table = whole.assign(share=whole["quantity_t"] / whole["quantity_t"].sum())
    with st.expander(word("x_as_table", lang)):
        _ways_table(scene, table)


def _written(
    scene: Scene, whole: pd.DataFrame, kept: pd.DataFrame
) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Names, figures and colours of the drawing."""
    lang, total = scene.lang, float(kept["quantity_t"].sum())
    names, figures, tints = {}, {}, {}
    for column, rest in (("origin", "x_rest_origins"), ("through", "x_rest_passages")):
        tonnes = kept.groupby(column)["quantity_t"].sum()
        hidden = whole[column].nunique() - (len(tonnes) - 1)
        for id, quantity in tonnes.items():
            key = f"{column}:{id}"
            names[key] = (
                word(rest, lang, n=str(hidden))
                if id == sankey.REST
                else named(scene.world, str(id), lang)
            )
            figures[key] = sentences.percent(float(quantity) / total, lang)
            if column == "through":
                figures[key] += f" · {sentences.tonnes(float(quantity), lang)}"
            tints[str(id)] = _tint(str(id), scene.colour)
    for row in records(kept):
        share = sentences.percent(row["quantity_t"] / total, lang)
        figure = f"{sentences.tonnes(row['quantity_t'], lang)}, {share}"
        figures[f"{row['origin']}>{row['through']}"] = figure
    return names, figures, tints


def _tint(passage: str, colour: Palette) -> str:
    kind = passage.partition(":")[0]
    tints = {"chokepoint": colour.share[2], "pipeline": colour.pipeline, "railway": colour.railway}
    return tints.get(kind, colour.none)


def _key(tints: dict[str, str], colour: Palette, lang: str) -> str:
    """What the colours mean; each also stands in words beside its band."""
    kinds = {id.partition(":")[0] for id in tints}
    told = [(k, _tint(f"{k}:", colour)) for k in model.ON_WAY if k in kinds]
    told.append(("none", colour.none))
    items = "".join(
        f'<span><i style="background:{tint}"></i>{escape(word(f"x_key_{kind}", lang))}</span>'
        for kind, tint in told
    )
    return f'<div class="cx-key">{items}</div>'


def _ways_table(scene: Scene, found: pd.DataFrame) -> None:
    lang = scene.lang
    unit = amounts.unit(found["quantity_t"], lang, table=True)
    shown = pd.DataFrame(
        {
            "origin": [named(scene.world, o, lang) for o in found["origin"]],
            "through": [named(scene.world, t, lang) for t in found["through"]],
            "quantity": amounts.in_unit(found["quantity_t"], unit),
            "share": 100 * found["share"],
        }
    )
    config = {c: st.column_config.TextColumn(word(f"x_{c}", lang)) for c in ("origin", "through")}
    st.dataframe(
        shown,
        hide_index=True,
        column_config={**columns(lang, unit), **config},
        key="ways",
        alt=word("x_as_table", lang),
    )


def concentration(scene: Scene) -> None:
    """HHI of origins beside HHI of passages, all commodities, as a chart and as a table."""
    lang = scene.lang
    found = model.spread_of(scene.digest, model.every(scene.question))
    assert found is not None
    head = word("x_spread_head", lang, importer=scene.importer(), year=str(scene.question.year))
    heading(head, word("x_spread_help", lang))
    names = {c: scene.world.name(c, lang) for c in found["commodity"]}
    st.html(spread.chart(found, names, scene.colour, lang))
    with st.expander(word("x_as_table", lang)):
        _spread_table(found, names, lang)


def _spread_table(found: pd.DataFrame, names: dict[str, str], lang: str) -> None:
    column = st.column_config
    shown = pd.DataFrame({"commodity": [names[c] for c in found["commodity"]]})
    config: Columns = {"commodity": column.TextColumn(word("x_commodity", lang))}
    for which in ("origins", "corridors"):
        for name, format in ((f"hhi_{which}", "%.2f"), (f"equal_{which}", "%.1f")):
            shown[name] = found[name]
            config[name] = column.NumberColumn(word(f"x_{name}", lang), format=format)
        shown[f"band_{which}"] = [
            f"{row[f'hhi_{which}_low']:.2f}–{row[f'hhi_{which}_high']:.2f}"
            for row in records(found)
        ]
        config[f"band_{which}"] = column.TextColumn(word("band", lang))
    unit = amounts.unit(found["imports_t"], lang, table=True)
    shown["imports"] = amounts.in_unit(found["imports_t"], unit)
    config["imports"] = amounts.column(f"{word('x_imports', lang)}, {unit.name}")
    st.dataframe(
        shown, hide_index=True, column_config=config, key="spread", alt=word("x_as_table", lang)
    )


def compare(scene: Scene) -> None:
    """Two importers, or two years of one, side by side."""
    lang, world = scene.lang, scene.world
    other = _other(scene)
    if other == scene.asked:
        notice(word("x_same", lang))
        return
    with st.spinner(word("computing", lang)):
        one = model.table_of(scene.digest, scene.asked, scene.by)
        two = model.table_of(scene.digest, other, scene.by)
    assert one is not None
    if two is None:
        no_flows(scene, other)
        return
    both = model.compared(one, two)
    if both.empty:
        notice(word("x_compare_nothing", lang))
        return
    sides = [_side(world, q, lang) for q in (scene.asked, other)]
    said = _largest(scene, both, sides)
    st.html(f'<p class="cx-said">{escape(said)}</p>')
    _compare_table(scene, both, sides)
    fine_print(word("x_compare_note", lang))
    english = [_side(world, q, "en") for q in (scene.asked, other)]
    note = f"{scene.note} Columns _a: {english[0]}; columns _b: {english[1]}."
    part = f"{scene.by}_against_{other.importer}_{other.year}"
    downloads(Sheet(scene.name(part), note, both), scene, "compare")


def _other(scene: Scene) -> Question:
    """What the question is compared with."""
    lang, world, asked = scene.lang, scene.world, scene.asked
    importers = importers_of(world)
    usual = "JPN" if asked.importer != "JPN" else "CHN"
    link.restore("against", usual, importers)
    years = years_of(world, st.session_state["against"])
    link.restore("against_year", BASE_YEAR, years)
    left, right, _ = st.columns([3, 2, 5])
    left.selectbox(
        word("x_against", lang),
        importers,
        format_func=lambda i: sentences.place(world, i, lang),
        key="against",
        persist_state="session",
    )
    right.selectbox(
        word("x_against_year", lang),
        years,
        format_func=lambda y: year_said(y, lang),
        key="against_year",
        persist_state="session",
    )
    state = st.session_state
    # A named assumption holds for its own importer; elsewhere it changes nothing.
    assumed = asked.malaysia and state["against"] == asked.importer
    return Question(state["against"], asked.commodity, state["against_year"], assumed)


def _side(world: World, question: Question, lang: str) -> str:
    importer = sentences.place(world, question.importer, lang)
    return word("x_side", lang, importer=importer, year=str(question.year))


def _largest(scene: Scene, both: pd.DataFrame, sides: list[str]) -> str:
    known = both["share_difference"].abs()
    if known.isna().all():
        return word("x_compare_nothing", scene.lang)
    row, lang = both.iloc[int(known.argmax())], scene.lang
    return word(
        "x_compare_line",
        lang,
        name=row[f"name_{lang}"],
        commodity=sentences.cargo(scene.world, row["commodity"], lang),
        one=sentences.percent(row["share_a"], lang),
        two=sentences.percent(row["share_b"], lang),
        a=sides[0],
        b=sides[1],
    )


def _compare_table(scene: Scene, both: pd.DataFrame, sides: list[str]) -> None:
    lang, column = scene.lang, st.column_config
    unit = amounts.unit([*both["quantity_t_a"], *both["quantity_t_b"]], lang, table=True)
    where = {"both": word("x_where_both", lang)}
    where |= {
        key: word("x_where_one", lang, side=side)
        for key, side in zip(("one", "other"), sides, strict=True)
    }
    ranges = {"apart": word("x_ranges_apart", lang), "overlap": word("x_ranges_overlap", lang)}
    shown = pd.DataFrame({"name": both[f"name_{lang}"]})
    if scene.every:
        shown["commodity"] = [scene.world.name(c, lang) for c in both["commodity"]]
    shown = shown.assign(
        share_a=100 * both["share_a"],
        share_b=100 * both["share_b"],
        difference=100 * both["share_difference"],
        ranges=both["ranges"].map(ranges),
        quantity_a=amounts.in_unit(both["quantity_t_a"], unit),
        quantity_b=amounts.in_unit(both["quantity_t_b"], unit),
        quantity_difference=amounts.in_unit(both["quantity_difference_t"], unit),
        where=both["where"].map(where),
    )
    percent: dict[str, Any] = {"min_value": 0.0, "max_value": 100.0, "format": "%.1f %%"}
    config: Columns = {
        **{c: columns(lang, unit)[c] for c in ("name", "commodity")},
        "difference": column.NumberColumn(word("x_difference", lang), format="%+.1f"),
        "ranges": column.TextColumn(word("x_ranges", lang)),
        "quantity_difference": amounts.column(word("x_quantity_difference", lang, unit=unit.name)),
        "where": column.TextColumn(word("x_where", lang)),
    }
    for end, side in zip("ab", sides, strict=True):
        share, quantity = (
            word("x_share_of", lang, side=side),
            word("x_quantity_of", lang, unit=unit.name, side=side),
        )
        config[f"share_{end}"] = column.ProgressColumn(share, **percent)
        config[f"quantity_{end}"] = amounts.column(quantity)
    paper.frame(
        shown,
        config,
        lang,
        alt=word("x_show_compare", lang),
        height=height(len(shown)),
        key="compare",
    )


def once(scene: Scene) -> None:
    """What passes at least one of several elements, each cargo counted once."""
    lang, world = scene.lang, scene.world
    choices = _elements(scene)
    if not choices:
        notice(word("x_compare_nothing", lang))
        return
    _restore_together(choices)
    st.multiselect(
        word("x_together", lang),
        choices,
        format_func=lambda e: named(world, e, lang),
        key="together",
        max_selections=MOST_TOGETHER,
        placeholder=word("x_together_hint", lang),
        persist_state="session",
    )
    chosen = tuple(st.session_state["together"])
    if not chosen:
        return
    found = model.once_of(scene.digest, scene.asked, chosen)
    for row in records(found[found["quantity_t"] > 0]):
        st.html(f'<p class="cx-said">{escape(_once_said(scene, row, chosen))}</p>')
    downloads(Sheet(scene.name("counted_once"), scene.note, found), scene, "once")


def _elements(scene: Scene) -> list[str]:
    """All that the cargo passes, the largest share first."""
    kinds = ("chokepoint", "pipeline", "railway", "corridor", "port", "origin")
    tables = [model.table_of(scene.digest, scene.asked, kind) for kind in kinds]
    return [e for t in tables if t is not None for e in t["element"].drop_duplicates()]


def _restore_together(choices: list[str]) -> None:
    state = st.session_state
    if "together" not in state:
        asked = st.query_params.get("together", "").split(",")
        state["together"] = [e for e in asked if e in choices][:MOST_TOGETHER] or choices[:2]
    state["together"] = [e for e in state["together"] if e in choices]


def _once_said(scene: Scene, row: dict[str, Any], chosen: tuple[str, ...]) -> str:
    lang = scene.lang
    names = [named(scene.world, e, lang) for e in chosen]
    last = word("x_and", lang).join([word("x_comma", lang).join(names[:-1]), names[-1]])
    more = row["sum_share"] - row["share"]
    return word(
        "x_once_line" if more > TIES else "x_once_line_even",
        lang,
        share=sentences.percent(row["share"], lang),
        commodity=sentences.cargo(scene.world, row["commodity"], lang),
        importer=scene.importer(),
        names=last if len(names) > 1 else names[0],
        sum=sentences.percent(row["sum_share"], lang),
        more=sentences.percent(more, lang),
    )
