"""The exposure page around its table: what is asked, the verdict, the table and who says so."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from corridors.demand import BASE_YEAR
from corridors.export import Sheet
from corridors.ui import amounts, colours, link, now, panels, paper, sentences
from corridors.ui.exposure import model, spread
from corridors.ui.exposure.model import ANY_QUALITY, LEAST_SHARES, QUALITY_CHOICES, Filters
from corridors.ui.exposure.scene import (
    Columns,
    Scene,
    columns,
    downloads,
    fine_print,
    height,
    named,
    notice,
)
from corridors.ui.words import word
from layers.store import Store
from layers.world import records

if TYPE_CHECKING:
    from corridors.ui.amounts import Unit
    from corridors.ui.answer import Question
    from layers.world import World

DEFAULTS: dict[str, Any] = {
    **{"every": False, "beside": None, "least": 0.0, "grade": ANY_QUALITY, "find": ""},
    "show": "ways",
}
MOST_TEXT = 60
UNPRINTED = ("closure_d_y", "added_cost_usd_t", "consumption_share", "data_years", model.TOP)
"""With risk beside, a sheet of paper is too narrow for these."""
TIES = 1e-6
FILES = Path(panels.__file__).parent / "pages"
PROOF_PRINTED = (
    *("origin", "importer", "commodity", "passing", "passing_share", "flow", "data_year"),
    *("flow_quality", "source", "source_row"),
)


def every(lang: str) -> bool:
    """Whether all commodities are wanted."""
    link.restore("every", False, [False, True])
    st.toggle(
        word("x_every", lang), key="every", help=word("x_every_help", lang), persist_state="session"
    )
    return bool(st.session_state["every"])


def beside(lang: str) -> bool:
    """Whether risk is wanted beside; on where there are news to ask."""
    link.restore("beside", Store(None, only_reads=True).changed() != 0, [False, True])
    st.toggle(
        word("x_beside", lang),
        key="beside",
        help=word("x_beside_help", lang),
        persist_state="session",
    )
    return bool(st.session_state["beside"])


def filters(lang: str) -> Filters:
    """Which rows are wanted."""
    _restore_text("find")
    link.restore("least", 0.0, LEAST_SHARES)
    link.restore("grade", ANY_QUALITY, QUALITY_CHOICES)
    with st.container(key="x_filters"):
        one, two, three = st.columns([4, 3, 3], vertical_alignment="bottom")
    one.text_input(
        word("x_find", lang),
        key="find",
        max_chars=MOST_TEXT,
        placeholder=word("x_find_hint", lang),
        persist_state="session",
    )
    two.selectbox(
        word("x_least", lang),
        LEAST_SHARES,
        format_func=lambda s: sentences.percent(s, lang) if s else word("x_any", lang),
        key="least",
        persist_state="session",
    )
    three.selectbox(
        word("x_grade", lang),
        QUALITY_CHOICES,
        format_func=lambda q: (
            word("x_any", lang) if q == ANY_QUALITY else sentences.quality(q, lang)
        ),
        key="grade",
        persist_state="session",
    )
    state = st.session_state
    return Filters(state["least"], state["grade"], state["find"] or "")


def keep() -> None:
    """Write the choices of this page into the address."""
    link.keep(**DEFAULTS)
    if st.session_state.get("show") == "compare":
        link.keep(against=None, against_year=BASE_YEAR)
    else:
        _drop("against", "against_year")
    link.keep(row=None)
    if st.session_state.get("row") is None:
        _drop("row")
    together = st.session_state.get("together") or []
    if st.session_state.get("show") == "once" and together:
        st.query_params["together"] = ",".join(together)
    else:
        _drop("together")


def _drop(*keys: str) -> None:
    for key in keys:
        st.query_params.pop(key, None)


def _restore_text(key: str) -> None:
    if key not in st.session_state:
        st.session_state[key] = st.query_params.get(key, "")[:MOST_TEXT]


def instead(world: World, question: Question, lang: str) -> None:
    """What the importer does import in that year, where the cargo asked for is not in the data."""
    found = model.imported(world.digest, question.importer, question.year)
    if not found:
        return
    names = word("x_comma", lang).join(sentences.cargo(world, c, lang) for c in found)
    importer = sentences.in_sentence(world, question.importer, lang)
    notice(word("x_in_data", lang, importer=importer, year=str(question.year), names=names))


def verdict(scene: Scene) -> None:
    """How concentrated origins and passages are, in one sentence."""
    found = model.spread_of(scene.digest, scene.asked)
    assert found is not None
    lang = scene.lang
    trade = model.trade_of(scene.digest, scene.asked)
    assert trade is not None
    first, last = int(trade["data_year"].min()), int(trade["data_year"].max())
    years = str(first) if first == last else f"{first}–{last}"
    said = _verdict_every(scene, found, years) if scene.every else _verdict(scene, found, years)
    small = word("calm", lang, years=years, mark=colours.QUALITY_MARKS["estimate"])
    panels.verdict(said, small + (word("assumed", lang) if scene.question.malaysia else ""))


def _verdict(scene: Scene, found: pd.DataFrame, years: str) -> str:
    row, lang = found.iloc[0], scene.lang
    parts = {"commodity": scene.cargo(), "importer": scene.importer(), "year": years}
    origins, passages = row["equal_origins"], row["equal_corridors"]
    if math.isnan(origins) or math.isnan(passages):
        return word("x_verdict_unknown", lang, **parts)
    return word(
        "x_verdict_but" if passages < origins else "x_verdict_and",
        lang,
        origins=spread.equal(origins, "origins", lang),
        passages=spread.equal(passages, "corridors", lang),
        **parts,
    )


def _verdict_every(scene: Scene, found: pd.DataFrame, years: str) -> str:
    some = int((found["hhi_corridors"] > found["hhi_origins"]).sum())
    parts = {"some": str(some), "all": str(len(found))}
    return word("x_verdict_every", scene.lang, importer=scene.importer(), year=years, **parts)


def table(scene: Scene, *, risk: bool) -> None:
    """The exposure table, what it leaves out, its files, and who says so."""
    lang = scene.lang
    whole = model.table_of(scene.digest, scene.asked, scene.by)
    assert whole is not None
    if whole.empty:
        name = word(scene.by, lang)
        notice(word("none_of_kind", lang, kind=name.lower()[:-1] if lang == "en" else name))
        return
    wanted = filters(lang)
    rows = model.filtered(whole, wanted)
    if rows.empty:
        told = _filters_said(wanted, lang)
        notice(word("x_none_left", lang, all=str(len(whole)), filters=told))
        st.button(word("x_reset", lang), on_click=_reset_filters)
        return
    risk = risk and scene.by != "origin"
    if risk:
        rows = model.with_risk(rows, now.known(scene.world).risk)
    _grid(scene, rows, wanted, risk=risk)
    _below(scene, rows, whole, wanted)
    if risk:
        _risk_said(scene, rows)
    elif st.session_state["beside"] and scene.by == "origin":
        fine_print(word("x_risk_origin", lang))
    proof(scene, rows)


def _reset_filters() -> None:
    st.session_state.update(least=0.0, grade=ANY_QUALITY, find="")


def _grid(scene: Scene, rows: pd.DataFrame, wanted: Filters, *, risk: bool) -> None:
    lang, asked = scene.lang, scene.asked
    unit = amounts.unit(rows["quantity_t"], lang, table=True)
    shown = _shown(scene, rows, unit)
    if risk:
        beside = _risk_shown(rows, lang)
        at = shown.columns.tolist().index("quantity") + 1
        told = beside.pop(model.TOP)
        shown = pd.concat([shown.iloc[:, :at], beside, shown.iloc[:, at:], told], axis=1)
    key = f"grid_{scene.by}_{asked.importer}_{asked.commodity}_{asked.year}_{wanted}"

    def picked() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        st.session_state["row"] = rows["element"].iloc[chosen[0]] if chosen else None

    alt = word(
        "x_table_alt",
        lang,
        importer=scene.importer(),
        commodity=scene.cargo(),
        kind=word(scene.by, lang),
    )
    paper.frame(
        shown,
        columns(lang, unit),
        lang,
        alt=alt,
        printed=[c for c in shown.columns if c not in (UNPRINTED if risk else ())],
        height=height(len(shown)),
        key=key,
        on_select=picked,
        selection_mode="single-row",
    )


def _shown(scene: Scene, rows: pd.DataFrame, unit: Unit) -> pd.DataFrame:
    lang = scene.lang
    found = pd.DataFrame({"name": rows[f"name_{lang}"]})
    if scene.every:
        found["commodity"] = [scene.world.name(c, lang) for c in rows["commodity"]]
    return found.assign(
        share=100 * rows["share"],
        band=[sentences.band(row, lang) for row in records(rows)],
        quantity=amounts.in_unit(rows["quantity_t"], unit),
        no_alternative_share=100 * rows["no_alternative_share"],
        added_cost_usd_t=rows["added_cost_usd_t"],
        added_days=rows["added_days"],
        consumption_share=100 * rows["consumption_share"],
        quality=[sentences.quality(q, lang) for q in rows["quality"]],
        data_years=rows["data_years"].astype(str),
        sources=[model.publishers(s) for s in rows["sources"]],
    )


def _risk_shown(rows: pd.DataFrame, lang: str) -> pd.DataFrame:
    ages = rows["threat_age_d"] if "threat_age_d" in rows else pd.Series(math.nan, rows.index)
    states = [_state(s, a, lang) for s, a in zip(rows["threat_state"], ages, strict=True)]
    measured = rows["observed"].notna()
    return pd.DataFrame(
        {
            "threat": rows["threat"],
            "threat_state": states,
            "observed": rows["observed"],
            "observed_age": [
                age(a, lang) if known else word("x_not_measured", lang)
                for a, known in zip(rows["observed_age_d"], measured, strict=True)
            ],
            "disruption_30d": 100 * rows["disruption_30d"],
            "closure_d_y": rows["closure_d_y"],
            model.TOP: [t.replace("(embedded)", word("x_embedded", lang)) for t in rows[model.TOP]],
        }
    )


def _state(state: str, days: float, lang: str) -> str:
    said = word(f"x_state_{state}", lang)
    return said if state == "not_covered" else f"{said} · {age(days, lang)}"


def age(days: float, lang: str) -> str:
    """How old something is: hours below two days."""
    if math.isnan(days):
        return word("x_age_unknown", lang)
    if days < 2:
        return word("x_hours", lang, n=f"{24 * days:.0f}")
    return word("x_days", lang, n=f"{days:.0f}")


def _risk_said(scene: Scene, rows: pd.DataFrame) -> None:
    known, lang = now.known(scene.world), scene.lang
    uncovered = int((rows["threat_state"] == "not_covered").sum())
    said = word("x_risk_line", lang, uncovered=str(uncovered), all=str(len(rows)))
    if known.fault:
        notice(word("x_risk_fault", lang, fault=known.fault))
    fine_print(said if known.stored else f"{word('x_risk_empty', lang)} {said}")


def _below(scene: Scene, rows: pd.DataFrame, whole: pd.DataFrame, wanted: Filters) -> None:
    """What the table shows and leaves out, and the table as files."""
    fine_print(_line(scene, rows, whole, wanted, scene.lang))
    note = f"{scene.note} {_line(scene, rows, whole, wanted, 'en')}"
    told = rows.drop(columns=model.TOP, errors="ignore")
    downloads(Sheet(scene.name(scene.by), note, told), scene, "table")


def _line(scene: Scene, rows: pd.DataFrame, whole: pd.DataFrame, wanted: Filters, lang: str) -> str:
    sources = scene.world.sources.set_index("file")["licence"]
    return word(
        "x_line",
        lang,
        shown=str(len(rows)),
        all=str(len(whole)),
        filters=_filters_said(wanted, lang),
        years=model.years_said(rows),
        licence=str(sources.get("flows.csv", "–")),
    )


def _filters_said(wanted: Filters, lang: str) -> str:
    said = []
    if wanted.find.strip():
        said.append(word("x_filter_find", lang, text=wanted.find.strip()))
    if wanted.least:
        said.append(word("x_filter_least", lang, share=sentences.percent(wanted.least, lang)))
    if wanted.quality != ANY_QUALITY:
        said.append(word("x_filter_grade", lang, quality=word(wanted.quality, lang)))
    return word("x_comma", lang).join(said) or word("x_no_filters", lang)


def proof(scene: Scene, rows: pd.DataFrame) -> None:
    """The flows behind one row, each with its source row."""
    lang = scene.lang
    elements = rows["element"].drop_duplicates().tolist()
    link.restore("row", None, [None, *elements])
    st.selectbox(
        f"**{word('x_proof', lang)}** · {word('x_proof_pick', lang)}",
        elements,
        index=None,
        format_func=lambda e: named(scene.world, e, lang),
        key="row",
        placeholder=word("x_proof_none", lang),
        persist_state="session",
    )
    chosen = st.session_state["row"]
    if chosen is None:
        return
    behind = model.proof_of(scene.digest, scene.asked, chosen)
    explained = rows[rows["element"] == chosen]
    for row in records(explained):
        part = behind[behind["commodity"] == row["commodity"]]
        commodity = row["commodity"]
        said = word(
            "x_proof_line",
            lang,
            name=row[f"name_{lang}"],
            quantity=sentences.tonnes(row["quantity_t"], lang),
            share=sentences.percent(row["share"], lang),
            commodity=sentences.cargo(scene.world, commodity, lang),
            band=sentences.band(row, lang),
            n=str(len(part)),
        )
        st.html(f'<p class="cx-said">{escape(said)}</p>')
        total = float(part["quantity_t"].sum())
        if not math.isclose(total, row["quantity_t"], rel_tol=TIES):
            st.warning(word("x_proof_fails", lang, sum=sentences.tonnes(total, lang)))
    _onward(chosen, lang)
    _reports(explained, lang)
    _proof_table(scene, behind[behind["commodity"].isin(explained["commodity"])])


def _onward(element: str, lang: str) -> None:
    """From a row to the same on the map, and to what follows if it closes.

    An origin is no mark on the map, and a corridor has no one place that could close.
    """
    kind = element.partition(":")[0]
    if kind == "origin":
        return
    with st.container(horizontal=True, gap="small", key="onward"):
        if st.button(word("x_on_map", lang), icon=":material/map:", key="to_map"):
            # The map keeps what was last chosen on it, whatever its address says.
            st.session_state["element"] = element
            st.switch_page(FILES / "map.py", query_params={"element": element, "lang": lang})
        if kind != "corridor" and st.button(
            word("x_if_closed", lang), icon=":material/bolt:", key="to_whatif"
        ):
            st.switch_page(FILES / "whatif.py", query_params={"close": element, "lang": lang})


def _reports(explained: pd.DataFrame, lang: str) -> None:
    """Titles behind the threat to the element, as published."""
    told = explained[model.TOP].iloc[0] if model.TOP in explained else ""
    if told:
        titles = told.replace("(embedded)", word("x_embedded", lang))
        st.html(
            f'<p class="cx-small">{escape(word("x_top", lang))}: '
            f'<span class="cx-told">{escape(titles)}</span></p>'
        )


def _proof_table(scene: Scene, behind: pd.DataFrame) -> None:
    lang, world = scene.lang, scene.world
    several = behind["importer"].nunique() > 1
    found = pd.DataFrame({"origin": [world.name(o, lang) for o in behind["origin"]]})
    if several:
        found["importer"] = [sentences.place(world, i, lang) for i in behind["importer"]]
    if scene.every:
        found["commodity"] = [world.name(c, lang) for c in behind["commodity"]]
    behind = behind.reset_index(drop=True)
    unit = amounts.unit(behind["flow_t"], lang, table=True)
    found = found.assign(
        passing=amounts.in_unit(behind["quantity_t"], unit),
        passing_share=100 * behind["passing_share"],
        flow=amounts.in_unit(behind["flow_t"], unit),
        data_year=behind["data_year"],
        flow_quality=[sentences.quality(q, lang) for q in behind["quality"]],
        source=behind["source"],
        source_row=behind["source_row"],
        recorded=behind["label"],
        gate_quality=[sentences.quality(q, lang) for q in behind["gateway_quality"]],
        gateways=behind["gateways"],
    )
    column = st.column_config
    percent: dict[str, Any] = {"min_value": 0.0, "max_value": 100.0, "format": "%.1f %%"}
    whole = ("data_year", "source_row")
    texts = ("origin", "flow_quality", "source", "recorded", "gate_quality", "gateways")
    config: Columns = {c: column.TextColumn(word(f"x_{c}", lang)) for c in texts}
    config |= {c: column.NumberColumn(word(f"x_{c}", lang), format="%d") for c in whole}
    config |= {
        "importer": column.TextColumn(word("importer", lang)),
        "commodity": column.TextColumn(word("x_commodity", lang)),
        "passing": amounts.column(f"{word('x_passing', lang)}, {unit.name}"),
        "flow": amounts.column(f"{word('x_flow', lang)}, {unit.name}"),
        "passing_share": column.ProgressColumn(word("x_passing_share", lang), **percent),
    }
    paper.frame(
        found,
        config,
        lang,
        alt=word("x_proof", lang),
        printed=PROOF_PRINTED,
        height=height(len(found)),
        key="proof",
    )


def sources(scene: Scene) -> None:
    """Where the figures come from and under which terms."""
    found = model.table_of(scene.digest, scene.asked, scene.by)
    assert found is not None
    lang, world = scene.lang, scene.world
    with st.expander(word("sources", lang)):
        names = {"file": "file", "title": "holds", "publisher": "publisher"}
        names |= {"licence": "licence", "url": "url"}
        config: Columns = {c: st.column_config.TextColumn(word(w, lang)) for c, w in names.items()}
        config["url"] = st.column_config.LinkColumn(word("url", lang))
        st.dataframe(
            world.sources[list(names)],
            hide_index=True,
            column_config=config,
            alt=word("sources", lang),
        )
        cited = sorted({s for cell in found["sources"] for s in str(cell).split(" | ")})
        items = "".join(f"<li>{escape(s)}</li>" for s in cited)
        st.html(f'<p><b>{escape(word("cited", lang))}</b></p><ul class="cx-small">{items}</ul>')
