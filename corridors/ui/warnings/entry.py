"""What one entry of the log says: how likely, what is seen, what is lost, on what evidence."""

from __future__ import annotations

import re
from datetime import datetime
from html import escape
from math import isnan
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from corridors.risk.alert import Alert
from corridors.risk.bulletin.words import age_days, authority, day, figure, moment
from corridors.risk.bulletin.words import word as told
from corridors.ui import link, marks, sentences
from corridors.ui.warnings import answers, model, timeline
from corridors.ui.warnings.scene import Scene, entries_table, fine_print, heading
from corridors.ui.words import word
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

MOST_ENTRIES = 300


def draw(scene: Scene) -> None:
    """The entry that is opened, and what readers say of it."""
    alert = choose(scene)
    if alert is None:
        return
    _title(scene, alert)
    if alert.status.review_due:
        marks.note("warn", scene.say("w_review"), scene.say("w_review_do"))
    _cards(scene, alert)
    _evidence(scene, alert)
    thread = [a for a in scene.log.alerts if a.thread == alert.thread]
    heading(scene.say("w_thread"))
    table = timeline.entries(scene.world, thread, scene.at, scene.lang, group=scene.group)
    entries_table(scene, table, "w_thread_table", scene.say("w_thread"))
    answers.draw(scene, alert)


def choose(scene: Scene) -> Alert | None:
    """The entry that is opened; a note where there is none."""
    own = scene.own
    if not own:
        marks.note("info", scene.say("w_no_entry", importer=scene.name), scene.say("w_no_entry_do"))
        return None
    newest = model.heads(own)
    newest.sort(key=lambda a: not a.current(scene.at))
    last = {alert.id for alert in newest}
    earlier = [a for a in reversed(own) if a.id not in last]
    by_id = {a.id: a for a in [*newest, *earlier][:MOST_ENTRIES]}
    asked = st.query_params.get("entry")
    if asked in {a.id for a in own} and asked not in by_id:
        by_id[asked] = next(a for a in own if a.id == asked)
    link.restore("entry", next(iter(by_id)), list(by_id))
    st.selectbox(
        scene.say("w_entry"),
        list(by_id),
        format_func=lambda id: label(
            scene.world, by_id[id], scene.at, scene.lang, last=id in last, group=scene.group
        ),
        key="entry",
        help=scene.say("w_entry_help"),
        persist_state="session",
    )
    return by_id[st.session_state["entry"]]


def _title(scene: Scene, alert: Alert) -> None:
    world, lang = scene.world, scene.lang
    last = {a.id for a in model.heads(scene.own)}
    state = model.state_of(alert, scene.at, last=alert.id in last)
    names = [
        sentences.place(world, alert.importer, lang),
        world.name(alert.commodity, lang),
        world.name(alert.element, lang),
    ]
    chip = marks.level_chip(alert.level, lang, hollow=state != "in_force")
    # Where the levels are pressed, the page goes to what is opened.
    st.html(
        f'<p class="cx-opened" style="scroll-margin-top:5rem" tabindex="-1" '
        f'data-opened="{escape(alert.id)}">{chip} '
        f"<b>{escape(' · '.join(names))}</b> · {escape(scene.say(f'w_{state}'))}</p>"
    )


def _cards(scene: Scene, alert: Alert) -> None:
    lang = scene.lang
    one, two, three = st.columns(3)
    with one:
        p14, p30 = (model.chance(p, lang) for p in (alert.probability_14d, alert.probability_30d))
        rows = [(scene.say("w_30"), p30)]
        small = f'<p class="cx-small">{escape(scene.say("w_probability_help"))}</p>'
        big = scene.say("w_big_chance", p=p14)
        marks.card(scene.say("w_probability"), big, marks.facts(rows) + small)
    with two:
        big, rows = declared(alert, lang)
        marks.card(scene.say("w_declared"), big, marks.facts(rows))
    with three:
        big, rows = observed(alert, scene.at, lang)
        marks.card(scene.say("w_observed"), big, marks.facts(rows))
    left, right = st.columns(2)
    with left:
        marks.card(scene.say("w_impact"), "", marks.facts(impact(alert, lang)))
    with right:
        rows = [
            (scene.say("w_sent"), moment(alert.sent, lang)),
            (scene.say("w_until"), moment(alert.expires, lang)),
            (scene.say("w_reason"), model.reason(alert, lang)),
            (scene.say("w_vintage"), vintage(alert, lang)),
            (scene.say("w_visibility"), told(alert.visibility, lang)),
        ]
        number = (
            f'<p class="cx-small" style="overflow-wrap:anywhere">{escape(scene.say("w_id"))} '
            f'<span class="cx-told">{escape(alert.id)}</span></p>'
        )
        marks.card(scene.say("w_validity"), "", marks.facts(rows) + number)


def _evidence(scene: Scene, alert: Alert) -> None:
    heads = ("w_text", "w_source", "w_at", "w_age_d", "w_visibility")
    rows = []
    for r in records(evidence(alert, scene.at, scene.lang)):
        when = "–" if pd.isna(r["at"]) else f"{r['at']:%Y-%m-%d}"
        age = "–" if pd.isna(r["age_d"]) else f"{r['age_d']:.0f}"
        said = [f'<span class="cx-told">{escape(str(r[c]))}</span>' for c in ("text", "source")]
        rows.append((str(r["kind"]), [*said, when, age, escape(str(r["visibility"]))]))
    if rows:
        named = [scene.say(h) for h in heads]
        marks.grid(scene.say("w_evidence"), named, rows, scene.say("w_kind"))
    fine_print(scene.say("w_evidence_quoted" if rows else "w_no_evidence"))


# ---- found, not drawn


def label(world: World, alert: Alert, at: datetime, lang: str, *, last: bool, group: bool) -> str:
    """An entry as a line to choose it by."""
    whom = [sentences.place(world, alert.importer, lang)] if group else []
    parts = [
        told(alert.level.name, lang),
        *whom,
        world.name(alert.commodity, lang),
        world.name(alert.element, lang),
        word(f"w_{model.state_of(alert, at, last=last)}", lang),
        f"{alert.sent:%Y-%m-%d %H:%MZ}",
    ]
    return " · ".join(parts)


def vintage(alert: Alert, lang: str) -> str:
    """Which data an entry rests on, in words."""
    if lang == "en" or not alert.vintage:
        return alert.vintage or told("unknown", lang)
    text = alert.vintage
    for name in ("traffic", "feeds", "open", "restricted", "closed", "declared"):
        text = re.sub(rf"\b{name}\b ?", word(f"w_on_{name}", lang), text)
    return text.replace("; ", "；")


def declared(alert: Alert, lang: str) -> tuple[str, list[tuple[str, str]]]:
    """What is declared, and who said so when."""
    status = alert.status
    if not status.declared:
        return word("w_declared_none", lang), []
    rows = [(word("w_by", lang), authority(status.declared_by, lang) or told("unknown", lang))]
    if status.declared_at is not None:
        rows.append((word("w_on", lang), day(status.declared_at, lang)))
    return told(status.declared, lang), rows


def observed(alert: Alert, at: datetime, lang: str) -> tuple[str, list[tuple[str, str]]]:
    """What is seen, beside the season; with the age of the data."""
    status, unknown = alert.status, told("unknown", lang)
    rows = [(word("w_usual", lang), figure(status.usual_d, lang))]
    share = unknown if isnan(status.ratio) else sentences.percent(status.ratio, lang)
    rows.append((word("w_ratio", lang), share))
    if status.alarm:
        text = word(f"w_{status.alarm}", lang)
        if status.since is not None:
            text = word("w_alarm_since", lang, what=text, day=day(status.since, lang))
        rows.append((word("w_alarm", lang), text))
    if status.data_to is not None:
        days = figure(age_days(status.data_to, at), lang)
        rows.append(
            (word("w_to", lang), word("w_day_age", lang, day=day(status.data_to, lang), days=days))
        )
    else:
        rows.append((word("w_to", lang), unknown))
    seen = status.observed_d
    big = unknown if isnan(seen) else word("w_ships", lang, n=figure(seen, lang))
    return big, rows


def impact(alert: Alert, lang: str) -> list[tuple[str, str]]:
    """What the importer would lose, figure by figure; not known is told as such."""
    found, unknown = alert.impact, told("unknown", lang)

    def share(value: float) -> str:
        return unknown if isnan(value) else sentences.percent(value, lang)

    def tonnes(value: float) -> str:
        return unknown if isnan(value) else sentences.tonnes(value, lang)

    def number(value: float, key: str) -> str:
        return unknown if isnan(value) else word(key, lang, n=figure(value, lang))

    tier = word(f"w_tier_{found.tier}", lang)
    return [
        (word("w_tier", lang), tier),
        (word("w_lost", lang), share(found.lost)),
        (word("w_through", lang), tonnes(found.through_t_y)),
        (word("w_short", lang, days=figure(found.days, lang)), tonnes(found.short_t)),
        (word("w_short_share", lang), share(found.short_share)),
        (word("w_gap_share", lang), share(found.gap_share)),
        (word("w_rerouted", lang), tonnes(found.rerouted_t_y)),
        (word("w_unmet", lang), tonnes(found.unmet_t_y)),
        (word("w_infeasible", lang), tonnes(found.infeasible_t_y)),
        (word("w_added_days", lang), number(found.added_days, "w_n_days")),
        (word("w_added_usd", lang), number(found.added_usd_t, "w_n_usd")),
        (word("w_cover", lang), number(found.cover_days, "w_n_days")),
    ]


def evidence(alert: Alert, at: datetime, lang: str) -> pd.DataFrame:
    """The evidence as rows: kind, text, source, day, age in days, circle.

    Reports are quoted; what the monitor itself wrote in English is said in the other language.
    """
    own = {"declared": "declaration", "exercise": "drill"}
    status = alert.status
    figures = (status.observed_d, status.usual_d, status.ratio)
    ours = {}
    if lang != "en" and status.declared:
        ours["declared"] = told("declared", lang, status=told(status.declared, lang))
    if lang != "en" and not any(map(isnan, figures)):
        now_d, usual_d = (figure(v, lang) for v in figures[:2])
        parts = {"now": now_d, "usual": usual_d, "ratio": sentences.percent(status.ratio, lang)}
        ours["traffic"] = word("w_evidence_traffic", lang, **parts)
    kinds = ("traffic", "feeds", "declaration", "structural", "drill")
    rows = []
    for found in alert.evidence:
        key = own.get(found.domain, found.domain)
        rows.append(
            {
                "kind": told(key if key in kinds else "other", lang),
                "text": ours.get(found.domain, found.text),
                "source": found.source,
                "at": found.at,
                "age_d": None if found.at is None else age_days(found.at, at),
                "visibility": told(found.visibility, lang),
            }
        )
    return pd.DataFrame(rows, columns=["kind", "text", "source", "at", "age_d", "visibility"])
