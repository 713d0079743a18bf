"""Warnings: levels now, the log behind them, bulletins, the record, replays and drills."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from corridors.demand import members_of
from corridors.risk.alert import Alert, Level
from corridors.risk.bulletin.formats import DRAFT, FORMATS, MEDIA, Publisher
from corridors.risk.bulletin.formats.fonts import chinese_font
from corridors.risk.bulletin.words import day, moment
from corridors.risk.bulletin.words import word as told
from corridors.risk.drill import Drill, drill
from corridors.risk.scorecard import ALL, FEW, HORIZONS_D
from corridors.ui import link, marks, panels, parts, sentences, shared, warnings
from corridors.ui.answer import importers_of
from corridors.ui.warnings import Log, Matrix, Stamp, Watch
from corridors.ui.words import LANGUAGES, word
from corridors.whatif.answer import disturb
from corridors.whatif.drawn import with_drawn
from corridors.whatif.engine import prepare
from corridors.whatif.scenario import Scenario, known
from corridors.whatif.scenario_file import parse
from layers.errors import CorridorsError
from layers.events import VISIBILITY
from layers.memory import remember
from layers.scenarios import scenario_texts
from layers.schema import READERS
from layers.store import Store
from layers.world import World, records

VERDICTS = ("true", "false", "late", "useless")
MOST_ENTRIES = 300
PREVIEW_PX = 640


@dataclass(frozen=True)
class Page:
    """What every part of the page is about."""

    world: World
    log: Log
    mark: Stamp
    importer: str
    at: datetime
    lang: str

    @property
    def name(self) -> str:
        """The importer as it stands in a sentence."""
        return sentences.in_sentence(self.world, self.importer, self.lang)

    @property
    def own(self) -> list[Alert]:
        """Entries about the importer, oldest first."""
        return warnings.of_importer(self.world, self.log.alerts, self.importer)

    @property
    def group(self) -> bool:
        """Whether the importer stands for several."""
        return self.importer not in set(self.world.countries["country"])

    def say(self, key: str, **parts: str) -> str:
        """A word in the language of the page."""
        return word(key, self.lang, **parts)


def main() -> None:
    """Draw the page."""
    lang: str = st.session_state["lang"]
    marks.style()
    with st.spinner(word("loading", lang)):
        world, _, _ = shared.load()
    importer = _importer(world, lang)
    store = Store(None)
    mark, at = warnings.stamp(store), warnings.now()
    try:
        log = warnings.read(mark)
    except CorridorsError as error:
        marks.note("error", word("w_fault", lang), str(error))
        return
    page = Page(world, log, mark, importer, at, lang)
    watch = warnings.watch_of(world, log, importer, at)
    panels.verdict(
        warnings.verdict(world, log, importer, at, lang),
        warnings.conditions(log, watch, at, lang),
    )
    _what_to_do(page, watch)
    _run(page)
    _levels(page, warnings.matrix(world, log, importer, at))
    _parts(page)
    link.keep(importer=panels.DEFAULTS["importer"], entry=None)


def _importer(world: World, lang: str) -> str:
    options = importers_of(world)
    link.restore("importer", panels.DEFAULTS["importer"], options)
    parts.hold("importer", "commodity", "year", "malaysia")
    st.selectbox(
        word("importer", lang),
        options,
        format_func=lambda i: sentences.place(world, i, lang),
        key="importer",
        width=360,
        persist_state="session",
    )
    chosen: str = st.session_state["importer"]
    return chosen


# ---- on top: how far it can be believed, the run, the matrix


def _what_to_do(page: Page, watch: Watch) -> None:
    said = {"importer": page.name, "days": str(watch.age_d)}
    if page.log.run_at is not None:
        said["age"] = warnings.age(page.log.run_at, page.at, page.lang)
    kinds = {"never": "info", "elsewhere": "info", "blind": "warn", "old": "warn", "late": "warn"}
    if watch.state in kinds:
        key = f"w_{watch.state}"
        marks.note(kinds[watch.state], page.say(key, **said), page.say(f"{key}_do", **said))


def _run(page: Page) -> None:
    importers = warnings.importers_to_run(page.world, page.log, page.importer)
    asked = st.button(
        page.say("w_run_button"),
        help=page.say("w_run_help", n=str(len(importers))),
        icon=":material/radar:",
        key="w_run_now",
    )
    if asked:
        _ran(page, importers)
    said = st.session_state.pop("w_ran", None)
    if said is not None:
        marks.note(*said)


def _ran(page: Page, importers: Sequence[str]) -> None:
    """Run the monitor, tell how far it is, and draw the page anew."""
    with st.status(page.say("w_running")) as status:

        def say(element: str) -> None:
            name = page.world.name(element, page.lang)
            text = page.say("w_run_element", element=name)
            status.update(label=f"{page.say('w_running')} {text}")

        try:
            status.update(label=f"{page.say('w_running')} {page.say('w_run_network')}")
            warnings.engine()
            found = warnings.run(page.mark, importers, say)
        except CorridorsError as error:
            status.update(state="error", label=page.say("w_ran_failed"))
            marks.note("error", page.say("w_ran_failed"), str(error))
            return
    old = page.say("w_ran_old", n=str(len(found.old))) if found.old else ""
    st.session_state["w_ran"] = ("good", page.say("w_ran", n=str(len(found.alerts))), old)
    st.rerun()


def _levels(page: Page, found: Matrix) -> None:
    """The matrix, what is calm, what is not known, and what the marks mean."""
    world, lang = page.world, page.lang
    if found.columns:
        heads = [world.name(e, lang) for e in found.columns]
        rows = [
            (
                world.name(row, lang),
                [_cell(page, found.cells[row, e]) for e in found.columns],
            )
            for row in found.rows
        ]
        caption = page.say("w_matrix", importer=page.name, rows=page.say(f"w_in_{found.by}"))
        marks.grid(caption, heads, rows, page.say(f"w_row_{found.by}"))
        _key(page)
    elif page.log.run_at is not None:
        marks.note("info", page.say("w_no_columns", importer=page.name))
    lines = []
    comma = told("and", lang)
    if found.calm:
        lines.append(page.say("w_calm", names=comma.join(world.name(e, lang) for e in found.calm)))
    judged = page.log.judged_for(members_of(world, page.importer))
    passages = [e for e in world.elements() if e.startswith("chokepoint:")]
    missing = sum(e not in judged for e in passages)
    if judged and missing:
        lines.append(page.say("w_unwatched", n=str(missing)))
    if found.absent:
        names = comma.join(world.name(c, lang) for c in found.absent)
        lines.append(page.say("w_absent", names=names))
    st.html("".join(f'<p class="cx-small">{escape(line)}</p>' for line in lines) or "<p></p>")


def _cell(page: Page, cell: warnings.Cell) -> str:
    if cell.alert is None:
        return f'<span class="cx-quiet">{escape(page.say("w_quiet"))}</span>'
    alert, lang = cell.alert, page.lang
    level = alert.level or alert.previous
    hollow = cell.state != "in_force"
    chip = marks.level_chip(level, lang, hollow=hollow)
    if cell.state == "clear":
        was = page.say("w_was", level=told(alert.previous.name, lang))
        return f"<span>✓ {escape(page.say('w_clear'))}</span><small>{escape(was)}</small>"
    more = warnings.chance(alert.probability_14d, lang)
    commodity = f"{page.world.name(alert.commodity, lang)} · " if page.group else ""
    if cell.state == "in_force":
        return f"{chip}<small>{escape(commodity + more)}</small>"
    return f"{chip}<small>{escape(commodity + page.say(f'w_{cell.state}'))}</small>"


def _key(page: Page) -> None:
    chips = "".join(
        f"<li>{marks.level_chip(level, page.lang)}"
        f"<span>{escape(page.say('w_step', n=str(int(level))))}</span></li>"
        for level in sorted(Level, reverse=True)
        if level
    )
    more = f"<li>{escape(page.say('w_key_held'))}</li>"
    percent = f"<li>% {escape(page.say('w_probability_help'))}</li>"
    st.html(
        f'<ul class="cx-key" aria-label="{escape(page.say("w_key"))}">{chips}{more}{percent}</ul>'
    )


# ---- below: one entry, its bulletins, the log, the record, replay and drill


def _parts(page: Page) -> None:
    drawn = {
        "entry": _entry_part,
        "bulletin": _bulletin_part,
        "timeline": _timeline,
        "card": _card,
        "replay": _replay,
        "drill": _drill,
    }
    parts.tabs(
        "w",
        page.lang,
        {name: (page.say(f"w_tab_{name}"), partial(draw, page)) for name, draw in drawn.items()},
    )


def _chosen(page: Page) -> Alert | None:
    """The entry that is opened; a note where there is none."""
    own = page.own
    if not own:
        marks.note("info", page.say("w_no_entry", importer=page.name), page.say("w_no_entry_do"))
        return None
    newest = warnings.heads(own)
    newest.sort(key=lambda a: not a.current(page.at))
    last = {alert.id for alert in newest}
    earlier = [a for a in reversed(own) if a.id not in last]
    by_id = {a.id: a for a in [*newest, *earlier][:MOST_ENTRIES]}
    asked = st.query_params.get("entry")
    if asked in {a.id for a in own} and asked not in by_id:
        by_id[asked] = next(a for a in own if a.id == asked)
    link.restore("entry", next(iter(by_id)), list(by_id))
    st.selectbox(
        page.say("w_entry"),
        list(by_id),
        format_func=lambda id: warnings.label(
            page.world, by_id[id], page.at, page.lang, last=id in last, group=page.group
        ),
        key="entry",
        help=page.say("w_entry_help"),
        persist_state="session",
    )
    return by_id[st.session_state["entry"]]


def _entry_part(page: Page) -> None:
    alert = _chosen(page)
    if alert is not None:
        _entry(page, alert)


def _entry(page: Page, alert: Alert) -> None:
    world, lang, at = page.world, page.lang, page.at
    last = warnings.heads(page.own)
    state = warnings.state_of(alert, at, last=alert.id in {a.id for a in last})
    title = " · ".join(
        [
            sentences.place(world, alert.importer, lang),
            world.name(alert.commodity, lang),
            world.name(alert.element, lang),
        ]
    )
    chip = marks.level_chip(alert.level, lang, hollow=state != "in_force")
    st.html(
        f'<p style="margin:.2rem 0">{chip} <b>{escape(title)}</b> · '
        f"{escape(page.say(f'w_{state}'))}</p>"
    )
    if alert.status.review_due:
        marks.note("warn", page.say("w_review"))
    one, two, three = st.columns(3)
    with one:
        p14, p30 = (
            warnings.chance(p, lang) for p in (alert.probability_14d, alert.probability_30d)
        )
        rows = [(page.say("w_30"), p30)]
        small = f'<p class="cx-small">{escape(page.say("w_probability_help"))}</p>'
        big = page.say("w_big_chance", p=p14)
        marks.card(page.say("w_probability"), big, marks.facts(rows) + small)
    with two:
        big, rows = warnings.declared(alert, lang)
        marks.card(page.say("w_declared"), big, marks.facts(rows))
    with three:
        big, rows = warnings.observed(alert, at, lang)
        marks.card(page.say("w_observed"), big, marks.facts(rows))
    left, right = st.columns(2)
    with left:
        marks.card(page.say("w_impact"), "", marks.facts(warnings.impact(alert, lang)))
    with right:
        rows = [
            (page.say("w_sent"), moment(alert.sent, lang)),
            (page.say("w_until"), moment(alert.expires, lang)),
            (page.say("w_reason"), warnings.reason(alert, lang)),
            (page.say("w_vintage"), warnings.vintage(alert, lang)),
            (page.say("w_visibility"), told(alert.visibility, lang)),
            (page.say("w_id"), alert.id),
        ]
        marks.card(page.say("w_validity"), "", marks.facts(rows))
    _evidence(page, alert)
    thread = [a for a in page.log.alerts if a.thread == alert.thread]
    _heading(page.say("w_thread"))
    _table(page, warnings.entries(world, thread, at, lang, group=page.group), "w_thread_table")
    _answers(page, alert)


def _evidence(page: Page, alert: Alert) -> None:
    _heading(page.say("w_evidence"), page.say("w_evidence_quoted"))
    column = st.column_config
    found = warnings.evidence(alert, page.at, page.lang)
    st.dataframe(
        found,
        hide_index=True,
        placeholder="–",
        column_config={
            "kind": column.TextColumn(page.say("w_kind")),
            "text": column.TextColumn(page.say("w_text"), width="large"),
            "source": column.TextColumn(page.say("w_source")),
            "at": column.DatetimeColumn(page.say("w_at"), format="YYYY-MM-DD", timezone="UTC"),
            "age_d": column.NumberColumn(page.say("w_age_d"), format="%d"),
            "visibility": column.TextColumn(page.say("w_visibility")),
        },
        key="w_evidence_table",
    )


def _answers(page: Page, alert: Alert) -> None:
    """What readers said, and the two forms to say something."""
    _heading(page.say("w_answers"))
    found = warnings.answers(page.log, alert.id, page.lang)
    if found.empty:
        st.html(f'<p class="cx-small">{escape(page.say("w_no_answers"))}</p>')
    else:
        names = {c: page.say(f"w_{c}") for c in ("reader", "who", "said", "note")}
        config: dict[str, Any] = {c: st.column_config.TextColumn(n) for c, n in names.items()}
        config["at"] = _time(page.say("w_time"))
        st.dataframe(found, hide_index=True, column_config=config, key="w_answers_table")
    said = st.session_state.pop("w_answered", None)
    if said is not None:
        marks.note(*said)
    left, right = st.columns(2)
    with left, st.form("w_ack_form", clear_on_submit=True):
        reader, who, note = _fields(page, "w_ack")
        if st.form_submit_button(page.say("w_ack_button"), icon=":material/done_all:"):
            _say(page, lambda: warnings.acknowledge(page.mark, alert, reader, who, note))
    with right, st.form("w_feedback_form", clear_on_submit=True):
        verdict = st.selectbox(
            f"{page.say('w_feedback')}: {page.say('w_judgement')}",
            VERDICTS,
            format_func=lambda v: page.say(f"w_verdict_{v}"),
            key="w_feedback_verdict",
        )
        reader, who, note = _fields(page, "w_feedback")
        if st.form_submit_button(page.say("w_feedback_button"), icon=":material/rate_review:"):
            _say(page, lambda: warnings.judge(page.mark, alert, reader, verdict, who, note))


def _fields(page: Page, key: str) -> tuple[str, str, str]:
    reader = st.selectbox(
        page.say("w_reader"), READERS, format_func=lambda r: told(r, page.lang), key=f"{key}_reader"
    )
    who = st.text_input(page.say("w_who"), max_chars=80, key=f"{key}_who")
    note = st.text_input(page.say("w_note"), max_chars=300, key=f"{key}_note")
    return reader, who.strip(), note.strip()


def _say(page: Page, write: Any) -> None:
    try:
        write()
    except CorridorsError as error:
        marks.note("error", page.say("w_not_written"), str(error))
        return
    st.session_state["w_answered"] = ("good", page.say("w_written"))
    st.rerun()


def _bulletin_part(page: Page) -> None:
    alert = _chosen(page)
    if alert is None:
        return
    lang = page.lang
    one, two, three = st.columns([3, 2, 2], vertical_alignment="bottom")
    reader = one.selectbox(
        page.say("w_reader"),
        READERS,
        format_func=lambda r: told(r, lang),
        key="w_reader_of",
        persist_state="session",
    )
    chosen = two.segmented_control(
        page.say("w_language"),
        [*LANGUAGES, "both"],
        format_func=lambda code: LANGUAGES.get(code, page.say("w_both")),
        default=lang,
        required=True,
        key="w_lang_of",
        persist_state="session",
    )
    audience = three.selectbox(
        page.say("w_audience"),
        VISIBILITY,
        format_func=lambda a: told(a, lang),
        key="w_audience_of",
        persist_state="session",
    )
    langs = list(LANGUAGES) if chosen == "both" else [str(chosen)]
    try:
        with st.spinner(page.say("w_preparing")):
            texts = warnings.written(page.mark, alert, reader, langs, audience)
    except CorridorsError as error:
        marks.note("warn", page.say("w_not_for"), str(error))
        return
    publisher, fontless = _publisher(langs)
    with st.container(horizontal=True, gap="xsmall", key="downloads", width="content"):
        for name, made in FORMATS.items():
            suffix = "xml" if name in ("cap", "atom") else name
            st.download_button(
                name.upper(),
                partial(made, texts, alert, page.world, publisher),
                f"{alert.id}-{reader}.{suffix}",
                MEDIA[name],
                key=f"w_download_{name}",
                help=f"{page.say('download')} {name.upper()}",
                on_click="ignore",
                disabled=name == "pdf" and fontless,
                icon=":material/download:",
                type="tertiary",
            )
    if fontless:
        marks.note("info", page.say("w_no_font"))
    if publisher.draft:
        st.html(f'<p class="cx-small">{escape(page.say("w_draft"))}</p>')
    # The page is our own: built as a tree, every text escaped, and its policy forbids scripts.
    html = FORMATS["html"](texts, alert, page.world, publisher).decode()
    st.iframe(html, height=PREVIEW_PX, alt=page.say("w_preview"))


def _publisher(langs: Sequence[str]) -> tuple[Publisher, bool]:
    """Who sends, and whether a Chinese PDF lacks its font."""
    sender = os.environ.get("CORRIDORS_SENDER", "") or DRAFT
    if "zh" not in langs:
        return Publisher(sender), False
    try:
        return Publisher(sender, font=str(chinese_font())), False
    except CorridorsError:
        return Publisher(sender), True


def _timeline(page: Page) -> None:
    own = page.own
    if not own:
        marks.note("info", page.say("w_no_entry", importer=page.name))
        return
    spans = warnings.spans(page.world, own, page.at, page.lang, group=page.group)
    _heading(page.say("w_timeline"))
    if len(spans):
        st.altair_chart(
            _bars(page, spans), width="stretch", alt=page.say("w_timeline_alt"), key="w_spans"
        )
    st.html(f'<p class="cx-small">{escape(page.say("w_timeline_alt"))}</p>')
    table = warnings.entries(page.world, own, page.at, page.lang, group=page.group)
    _table(page, table, "w_entries_table")


def _bars(page: Page, spans: pd.DataFrame) -> alt.Chart:
    levels = [level for level in sorted(Level) if level]
    colour = alt.Color("level:N", title=page.say("w_level")).scale(
        domain=[told(level.name, page.lang) for level in levels],
        range=[marks.LEVELS[level].paper for level in levels],
    )
    chart = alt.Chart(spans).mark_bar(height=14, cornerRadius=3)
    drawn: alt.Chart = chart.encode(
        x=alt.X("from:T", title=page.say("w_time")).axis(format="%m-%d %H:%M").scale(type="utc"),
        x2="to:T",
        y=alt.Y("what:N", title=None, sort=None).axis(labelLimit=320),
        color=colour.legend(orient="top"),
        tooltip=[
            alt.Tooltip("what:N", title=page.say("w_element")),
            alt.Tooltip("level:N", title=page.say("w_level")),
            alt.Tooltip("from:T", title=page.say("w_sent"), format="%Y-%m-%d %H:%M"),
            alt.Tooltip("to:T", title=page.say("w_until"), format="%Y-%m-%d %H:%M"),
        ],
    )
    return drawn


# ---- the record


def _card(page: Page) -> None:
    own = page.own
    if page.log.run_at is None:
        marks.note("info", page.say("w_card_empty"), page.say("w_card_empty_do"))
        return
    with st.spinner(page.say("computing")):
        found = warnings.card(page.mark, page.log, own)
    if found.levels.empty:
        marks.note("info", page.say("w_card_empty"), page.say("w_card_empty_do"))
        return
    few = found.events < FEW
    marks.note("warn" if few else "info", warnings.card_note(found, page.lang))
    _heading(page.say("w_reliability"), page.say("w_perfect"))
    scored = found.reliability[found.reliability["n"] > 0]
    if scored.empty:
        marks.note("info", page.say("w_no_forecasts"))
    else:
        _reliability(page, found.reliability)
    _forecasts(page, found.forecasts)
    levels = found.levels[found.levels["element"] == ALL].iloc[::-1]
    columns = ["alarms", "true_alarms", "false_alarms", "unresolved", "events", "hits", "late"]
    columns += ["misses", "lead_d"]
    names = {"late": "w_late_hits", "lead_d": "w_lead"}
    heads = [page.say(names.get(c, f"w_{c}")) for c in columns]
    rows = [
        (
            told(str(r["level"]), page.lang)
            if r["level"] == Level.red.name
            else page.say("w_or_above", level=told(str(r["level"]), page.lang)),
            [_count(r[c], page.lang) for c in columns],
        )
        for r in records(levels)
    ]
    marks.grid(page.say("w_tab_card"), heads, rows, page.say("w_level"))
    if len(found.feedback):
        heads = [page.say("w_acknowledged"), *(page.say(f"w_verdict_{v}") for v in VERDICTS)]
        rows = [
            (told(str(r["reader"]), page.lang), [str(r[c]) for c in ("acknowledged", *VERDICTS)])
            for r in records(found.feedback)
        ]
        marks.grid(page.say("w_readers_said"), heads, rows, page.say("w_reader"))


def _reliability(page: Page, table: pd.DataFrame) -> None:
    """What was said beside what happened, drawn and as a table."""
    days = {h: page.say(f"w_{h}") for h in HORIZONS_D}
    shown = table.assign(horizon=table["horizon_d"].map(days))
    left, right = st.columns(2)
    full = shown[shown["n"] > 0]
    line = alt.Chart(pd.DataFrame({"x": [0, 1], "y": [0, 1]})).mark_line(strokeDash=[4, 4])
    percent = alt.Axis(format=".0%")
    points = (
        alt.Chart(full)
        .mark_point(filled=True, opacity=0.9)
        .encode(
            x=alt.X("mean_p:Q", title=page.say("w_said_p"), axis=percent).scale(domain=[0, 1]),
            y=alt.Y("happened_share:Q", title=page.say("w_came"), axis=percent).scale(
                domain=[0, 1]
            ),
            size=alt.Size("n:Q", title=page.say("w_n")).scale(range=[60, 500]),
            shape=alt.Shape("horizon:N", title=page.say("w_horizon")),
            color=alt.Color("horizon:N", title=page.say("w_horizon")).scale(
                range=["#1f77c0", "#d08700"]
            ),
            tooltip=[
                alt.Tooltip("horizon:N", title=page.say("w_horizon")),
                alt.Tooltip("mean_p:Q", title=page.say("w_said_p"), format=".0%"),
                alt.Tooltip("happened_share:Q", title=page.say("w_came"), format=".0%"),
                alt.Tooltip("n:Q", title=page.say("w_n")),
            ],
        )
    )
    chart = line.encode(x="x:Q", y="y:Q") + points
    with left:
        st.altair_chart(
            chart.properties(height=340),
            width="stretch",
            alt=page.say("w_reliability_alt"),
            key="w_reliability",
        )
    heads = [page.say(k) for k in ("w_bin", "w_n", "w_said_p", "w_came")]
    rows = [
        (
            str(r["horizon"]),
            [
                f"{100 * r['least']:.0f}–{100 * r['most']:.0f} %",
                str(r["n"]),
                sentences.percent(float(r["mean_p"]), page.lang),
                sentences.percent(float(r["happened_share"]), page.lang),
            ],
        )
        for r in records(shown)
    ]
    with right:
        marks.grid(page.say("w_reliability_alt"), heads, rows, page.say("w_horizon"))


def _forecasts(page: Page, table: pd.DataFrame) -> None:
    columns = {"n": "w_n", "happened": "w_came", "brier": "w_brier"}
    columns |= {"brier_climatology": "w_climatology", "brier_persistence": "w_persistence"}
    columns |= {"skill_climatology": "w_skill"}
    rows = [
        (
            page.say(f"w_{r['horizon_d']}"),
            [_count(r[c], page.lang, digits=0 if c in ("n", "happened") else 3) for c in columns],
        )
        for r in records(table)
    ]
    marks.grid(
        page.say("w_brier"), [page.say(k) for k in columns.values()], rows, page.say("w_horizon")
    )


def _count(value: Any, lang: str, *, digits: int = 0) -> str:
    return escape(told("unknown", lang)) if pd.isna(value) else f"{float(value):.{digits}f}"


# ---- replay


def _replay(page: Page) -> None:
    st.html(f'<p class="cx-small">{escape(page.say("w_replay_intro"))}</p>')
    with st.spinner(page.say("computing")):
        days = warnings.known_now(page.mark).days
    crises = warnings.crises(page.world, days)
    if not crises:
        year = str(page.world.warning_results["year"].max())
        marks.note("info", page.say("w_no_series"), page.say("w_no_series_do", year=year))
        _record(page)
        return
    names = page.world.disruptions.set_index("disruption")[f"name_{page.lang}"]
    one, two = st.columns([4, 1], vertical_alignment="bottom")
    chosen = one.selectbox(
        page.say("w_crisis"),
        list(crises),
        format_func=lambda id: (
            page.say("w_latest")
            if id == warnings.LATEST
            else f"{names[id]} · {crises[id][0]:%Y-%m-%d}"
        ),
        key="w_crisis",
        persist_state="session",
    )
    asked = two.button(page.say("w_play"), icon=":material/play_arrow:", key="w_play")
    members = warnings.importers_to_run(page.world, Log(), page.importer)
    key = (page.mark, tuple(members), *crises[chosen])
    if asked:
        bar = st.progress(0.0)

        def progress(steps: Sequence[str], _: str) -> Iterator[str]:
            for place, text in enumerate(steps):
                bar.progress(place / len(steps), page.say("w_playing", day=text))
                yield text

        try:
            warnings.engine()
            warnings.play(page.mark, members, *crises[chosen], progress)
        except CorridorsError as error:
            marks.note("error", page.say("w_ran_failed"), str(error))
        bar.empty()
    found = warnings.replays().get(key)
    if found is not None:
        _played(page, found.days, crises[chosen])
    else:
        _record(page)


def _played(page: Page, table: pd.DataFrame, window: tuple[Any, Any]) -> None:
    """A slider over the days, and what would have been said on the one chosen."""
    first, last = window
    at = st.slider(
        page.say("w_replay_day"),
        min_value=first,
        max_value=last,
        value=min(last, max(first, first + (last - first) // 2)),
        format="YYYY-MM-DD",
        key=f"w_replay_day_{first}_{last}",
    )
    today = table[table["day"] == at]
    if today.empty:
        marks.note("info", page.say("w_replay_none"))
    world, lang = page.world, page.lang
    heads = [page.say(k) for k in ("w_level", "w_element", "w_observed", "w_ratio", "w_14")]
    rows = []
    for r in records(today.sort_values("level", key=lambda c: c.map(_rank), ascending=False)):
        whom = [sentences.place(world, str(r["importer"]), lang)] if r["importer"] else []
        what = [world.name(str(r["commodity"]), lang)] if r["commodity"] else []
        said = " · ".join([*(whom if page.group else []), *what]) or "–"
        seen = f"{r['observed_d']:.0f} / {r['usual_d']:.0f}" if r["usual_d"] > 0 else "–"
        level = str(r["level"])
        chip = marks.level_chip(Level[level], lang) if level else escape(page.say("w_quiet"))
        cells = [chip, escape(world.name(str(r["element"]), lang)), escape(seen)]
        cells += [escape(sentences.percent(float(r["ratio"]), lang))]
        cells += [escape(warnings.chance(float(r["p_14"]), lang))]
        rows.append((said, cells))
    if rows:
        marks.grid(f"{at:%Y-%m-%d}", heads, rows, page.say("w_row_commodity"))
    drawn = table.drop_duplicates(["day", "element"])[["day", "element", "ratio"]].dropna()
    if drawn.empty:
        return
    drawn = drawn.assign(
        day=pd.to_datetime(drawn["day"]), name=[world.name(e, lang) for e in drawn["element"]]
    )
    lines = alt.Chart(drawn).encode(
        x=alt.X("day:T", title=page.say("w_replay_day"), axis=alt.Axis(format="%m-%d")),
        y=alt.Y("ratio:Q", title=page.say("w_replay_chart"), axis=alt.Axis(format=".0%")),
        color=alt.Color("name:N", title=page.say("w_element")).legend(orient="top"),
        strokeDash=alt.StrokeDash("name:N", title=page.say("w_element")),
    )
    rule = alt.Chart(pd.DataFrame({"day": [pd.Timestamp(at)]})).mark_rule().encode(x="day:T")
    st.altair_chart(
        (lines.mark_line(strokeWidth=2.5) + rule).properties(height=260),
        width="stretch",
        alt=page.say("w_replay_alt"),
        key="w_replay_chart",
    )


def _rank(level: str) -> int:
    return int(Level[level]) if level else -1


def _record(page: Page) -> None:
    """How rules did on past crises when the project was made."""
    table = page.world.warning_results
    delays = [m for m in dict.fromkeys(table["measure"]) if m.startswith("delay_")]
    if not delays:
        return
    names = page.world.disruptions.set_index("disruption")[f"name_{page.lang}"]
    year = str(table["year"].max())
    heads = [page.say("w_whose"), page.say("w_false_y")]
    heads += [page.say("w_delay", crisis=names.get(m[6:], m[6:])) for m in delays]
    by = {(r["rule"], r["measure"]): r for r in records(table)}
    rules = [r for r in dict.fromkeys(table["rule"]) if (r, delays[0]) in by]
    rows = []
    for rule in rules:
        cells = [escape(page.say(f"w_{by[rule, delays[0]]['whose']}"))]
        often = by.get((rule, "false_alarms_per_year"))
        cells.append(escape(told("unknown", page.lang)) if often is None else _number(often))
        for m in delays:
            value = by[rule, m]["value"]
            cells.append(escape(page.say("w_never_flagged")) if pd.isna(value) else f"{value:.0f}")
        rows.append((page.say(f"w_rule_{rule}"), cells))
    marks.grid(page.say("w_record", year=year), heads, rows, page.say("w_rule"))
    source = str(table["source"].iloc[0])
    st.html(f'<p class="cx-small">{escape(page.say("w_record_note", source=source))}</p>')


def _number(row: dict[str, Any]) -> str:
    return "–" if pd.isna(row["value"]) else f"{row['value']:.2f}"


# ---- drill


def _drill(page: Page) -> None:
    marks.note("exercise", page.say("w_exercise"))
    scenarios = _library(page.world.digest)
    one, two, three = st.columns([4, 2, 1], vertical_alignment="bottom")
    chosen = one.selectbox(
        page.say("w_scenario"),
        list(scenarios),
        format_func=lambda id: (
            scenarios[id].name_zh if page.lang == "zh" else scenarios[id].name_en
        ),
        key="w_scenario",
        persist_state="session",
    )
    start = two.date_input(
        page.say("w_start"), value=page.at.date(), key="w_start", format="YYYY-MM-DD"
    )
    if three.button(page.say("w_drill_button"), icon=":material/play_arrow:", key="w_drill_now"):
        played = _play_drill(page, scenarios[chosen], start)
        if played is not None:
            st.session_state["w_drill"] = (chosen, played)
    kept: tuple[str, Drill] | None = st.session_state.get("w_drill")
    if kept is None:
        marks.note("info", page.say("w_drill_none"))
    else:
        _injects(page, scenarios[kept[0]], kept[1])


@st.cache_resource(show_spinner=False, max_entries=2)
def _library(digest: str) -> dict[str, Scenario]:
    """The scenarios that strike a passage whose ships are counted, by id: others have no signal."""
    world = shared.load()[0]
    may_name = known(world)
    found = {
        id: parse(text, name=id, file=file, known=may_name)
        for id, (text, file) in scenario_texts().items()
    }
    counted = {f"chokepoint:{c}" for c in world.transits["chokepoint"]}
    return {
        id: scenario
        for id, scenario in found.items()
        if any(r.lost > 0 and r.element in counted for r in scenario.rules)
    }


def _play_drill(page: Page, scenario: Scenario, start: Any) -> Drill | None:
    bar = st.progress(0.0, page.say("w_drill_prepare"))

    def progress(steps: Sequence[str], _: str) -> Iterator[str]:
        for place, text in enumerate(steps):
            bar.progress(place / len(steps), page.say("w_drilling", n=str(int(text) + 1)))
            yield text

    begin = datetime(start.year, start.month, start.day, 3, tzinfo=UTC)
    members = warnings.importers_to_run(page.world, Log(), page.importer)
    try:
        engine = warnings.engine()
        if scenario.drawn or scenario.switches:
            world = with_drawn(page.world, scenario)
            engine = prepare(world, switches=dict(scenario.switches), remember=remember)
        answer = disturb(engine, scenario)
        return drill(answer, members, start=begin, progress=progress)
    except CorridorsError as error:
        marks.note("error", page.say("w_drill_failed"), str(error))
        return None
    finally:
        bar.empty()


def _injects(page: Page, scenario: Scenario, played: Drill) -> None:
    name = scenario.name_zh if page.lang == "zh" else scenario.name_en
    comma = told("and", page.lang)
    heads = [page.say(k) for k in ("w_inject", "w_text", "w_level", "w_readers")]
    rows = []
    for r in records(played.timeline):
        level = r["level"] if isinstance(r["level"], str) else ""
        whom = ""
        if level:
            whom = (
                f"{sentences.place(page.world, r['importer'], page.lang)} · "
                f"{page.world.name(r['commodity'], page.lang)} · "
            )
        cells = [
            escape(page.say(f"w_inject_{r['inject']}")),
            escape(whom + str(r[f"text_{page.lang}"])),
            marks.level_chip(Level[level], page.lang) if level else "",
            escape(comma.join(told(x, page.lang) for x in r["readers"].split(";"))),
        ]
        when = pd.Timestamp(r["at"]).to_pydatetime()
        title = f"{page.say('w_drill_day', n=str(r['day']))} · {day(when, page.lang)}"
        rows.append((title, cells))
    marks.grid(page.say("w_drill_title", scenario=name), heads, rows, page.say("w_day"))
    st.download_button(
        "CSV",
        played.timeline.assign(exercise="exercise / 演习").to_csv(index=False).encode("utf-8-sig"),
        f"exercise-{scenario.name}.csv",
        "text/csv",
        key="w_drill_csv",
        on_click="ignore",
        icon=":material/download:",
        type="tertiary",
    )


# ---- small pieces


def _heading(text: str, small: str = "") -> None:
    more = f'<p class="cx-small">{escape(small)}</p>' if small else ""
    st.html(f'<h2 style="font-size:1rem;margin:.6rem 0 .1rem;padding:0">{escape(text)}</h2>{more}')


def _time(name: str) -> Any:
    return st.column_config.DatetimeColumn(name, format="YYYY-MM-DD HH:mm", timezone="UTC")


def _table(page: Page, table: pd.DataFrame, key: str) -> None:
    names = {"level": "w_level", "previous": "w_previous", "importer": "w_row_importer"}
    names |= {"commodity": "w_row_commodity", "element": "w_element", "state": "w_state"}
    names |= {"reason": "w_reason", "id": "w_id"}
    config: dict[str, Any] = {c: st.column_config.TextColumn(page.say(k)) for c, k in names.items()}
    config |= {"sent": _time(page.say("w_sent")), "expires": _time(page.say("w_until"))}
    st.dataframe(table, hide_index=True, placeholder="–", column_config=config, key=key)


main()
