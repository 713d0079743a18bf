"""Building a scenario: from the library, from sliders, from a link or a file of the reader's.

The scenario lives in the reader's session and nowhere else. Keys of widgets carry a number that
goes up whenever the rows change, so that no slider keeps the value of another row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from corridors.ui.whatif import link, model, say
from corridors.ui.whatif.link import Draft
from corridors.ui.words import word
from corridors.whatif.scenario import Rule, Scenario, numbers_of, with_numbers
from corridors.whatif.scenario_file import parse, to_toml
from layers.errors import CorridorsError, DataError

if TYPE_CHECKING:
    from layers.world import World

FIRST = "hormuz_full"
"""What a first visit shows: an example says more than an empty page."""

KINDS = ("chokepoint", "port", "pipeline", "railway", "origin")
MOST_DAYS = 730
MOST_FILE_MB = 1
SURCHARGES = {
    "war_risk_pct": ("wi_war", 100.0, 0.1),
    "toll_usd_t": ("wi_toll", 1000.0, 0.5),
    "delay_d": ("wi_delay", 365.0, 1.0),
}


def arrive() -> None:
    """Take the scenario of the address, once for each address; else the one of the session."""
    state = st.session_state
    ids, library = model.library()
    state.setdefault("wi_seen", set())
    state.setdefault("wi_gen", 0)
    query = {k: st.query_params.get_all(k) for k in link.KEYS if k in st.query_params}
    mark = repr(sorted(query.items()))
    if query and ("close" in query or mark not in state["wi_seen"]):
        state["wi_seen"].add(mark)
        try:
            found = link.read(query, library, ids)
        except link.LinkError as error:
            state["wi_fault"] = ("wi_bad_link", {"piece": error.piece})
        else:
            put(found or link.empty())
    if "wi_draft" not in state:
        put(link.draft_of(library[FIRST]))


def leave(draft: Draft) -> None:
    """Write the scenario into the address."""
    try:
        query = link.written(draft, model.library()[1])
    except CorridorsError:
        return  # a draft that contradicts itself has no address; the last good one stays
    for key in link.KEYS:
        now = st.query_params.get_all(key) if key in st.query_params else []
        if key in query and now != query[key]:
            st.query_params[key] = query[key]
        elif key not in query and now:
            del st.query_params[key]
    st.session_state["wi_seen"].add(repr(sorted(query.items())))


def draw(world: World, lang: str) -> Draft:
    """The panel on the left; the scenario as it now stands."""
    draft: Draft = st.session_state["wi_draft"]
    _faults(lang)
    name = escape(say.title(world, _shown(draft), lang))
    st.html(
        f'<h2 class="wi-h">{escape(word("wi_build", lang))} '
        f'<span class="wi-badge">{escape(word("wi_exercise", lang))}</span></h2>'
        f'<p class="wi-name">{name}</p>'
    )
    rows = tuple(_row(world, i, rule, lang) for i, rule in enumerate(draft.rows))
    fixed = [*draft.like.opened, *(f"drawn:{s.name}" for s in draft.like.drawn)]
    if draft.like.opened:
        st.html(f'<p class="cx-small">{escape(_opened(world, draft, lang))}</p>')
    draft = _time(replace(draft, rows=rows), lang)
    st.session_state["wi_draft"] = draft
    _more(world, draft, lang, empty=not rows and not fixed)
    return draft


def _shown(draft: Draft) -> Scenario:
    try:
        return draft.made()
    except CorridorsError:
        return draft.like


def _opened(world: World, draft: Draft, lang: str) -> str:
    names = say.elements(world, draft.like.opened, lang)
    return (
        f"{word('wi_opened', lang)}: {names}"
        if lang == "en"
        else f"{word('wi_opened', lang)}：{names}"
    )


def _faults(lang: str) -> None:
    fault = st.session_state.pop("wi_fault", None)
    if fault is not None:
        key, said = fault
        st.error(word(key, lang, **{k: v(lang) if callable(v) else v for k, v in said.items()}))


def _row(world: World, i: int, rule: Rule, lang: str) -> Rule:
    """One rule with its slider, what it costs more, and its removal; the rule as set."""
    name = say.element(world, rule.element, lang)
    supply = rule.element.startswith("origin:")
    key = f"wi{st.session_state['wi_gen']}_{i}"
    with st.container(border=True, gap="xxsmall", key=f"{key}_box"):
        about = [say.scope(world, rule, lang)]
        if rule.max_draft_m is not None:
            about.append(word("wi_draft", lang, m=f"{rule.max_draft_m:g}"))
        small = escape(" · ".join(filter(None, about)))
        label = word("wi_supply_at" if supply else "wi_lost_at", lang, name=name)
        lost = _slider(label, f"{key}_lost", 100 * rule.lost, 100, "%d %%")
        if small:
            st.html(f'<p class="cx-small">{small}</p>')
        rule = rule if lost is None else replace(rule, lost=lost / 100)
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="xsmall"):
            if not supply:
                rule = _surcharges(rule, key, name, lang)
            st.button(
                word("wi_remove", lang, name=name) if supply else "✕",
                key=f"{key}_gone",
                help=word("wi_remove", lang, name=name),
                type="tertiary",
                on_click=_remove,
                args=(i,),
            )
    return rule


def _surcharges(rule: Rule, key: str, name: str, lang: str) -> Rule:
    numbers = [getattr(rule, field) for field in SURCHARGES]
    said = " · ".join(f"{n:g}" for n in numbers) if any(numbers) else ""
    label = word("wi_more", lang) + (f" ({said})" if said else "")
    with st.popover(label, help=word("wi_more_at", lang, name=name), type="tertiary"):
        for field, (text, most, step) in SURCHARGES.items():
            at = f"{key}_{field}"
            st.session_state.setdefault(at, float(getattr(rule, field)))
            value = st.number_input(word(text, lang), 0.0, most, step=step, key=at)
            rule = with_numbers(rule, numbers_of(rule) | {field: float(value)})
        st.caption(word("wi_slow", lang))
    return rule


def _slider(
    label: str, key: str, value: float, most: int, format: str, least: int = 0
) -> float | None:
    """A slider of whole numbers; None while it stands where the value would be rounded to."""
    whole = min(max(round(value), least), most)
    st.session_state.setdefault(key, whole)
    chosen: int = st.slider(label, least, most, step=1, format=format, key=key)
    return None if chosen == whole else float(chosen)


def _time(draft: Draft, lang: str) -> Draft:
    gen = st.session_state["wi_gen"]
    most = max(MOST_DAYS, math.ceil(draft.duration_d))
    days = _slider(word("wi_days", lang), f"wi{gen}_days", draft.duration_d, most, "%d", 1)
    most = max(MOST_DAYS // 2, math.ceil(draft.recovery_d))
    fade = _slider(word("wi_fade", lang), f"wi{gen}_fade", draft.recovery_d, most, "%d")
    st.session_state.setdefault(f"wi{gen}_start", draft.start)
    start: date | None = st.date_input(
        word("wi_start", lang),
        min_value=date(1990, 1, 1),
        max_value=date(2099, 12, 31),
        key=f"wi{gen}_start",
        help=word("wi_start_help", lang),
        format="YYYY-MM-DD",
    )
    return replace(
        draft,
        duration_d=draft.duration_d if days is None else days,
        recovery_d=draft.recovery_d if fade is None else fade,
        start=start,
    )


def _more(world: World, draft: Draft, lang: str, *, empty: bool) -> None:
    """Adding, the library, files and the note."""
    with st.expander(word("wi_add_kind", lang), expanded=empty):
        _adding(world, draft, lang)
    with st.expander(word("wi_library", lang), expanded=empty):
        _, library = model.library()
        chosen = st.selectbox(
            word("wi_library_pick", lang),
            list(library),
            format_func=lambda id: say.title(world, library[id], lang),
            key="wi_pick",
        )
        st.button(word("wi_library_load", lang), key="wi_load", on_click=_load, args=(chosen,))
        st.button(word("wi_clear", lang), key="wi_clear", on_click=_clear, type="tertiary")
    with st.expander(word("wi_file", lang)):
        _files(draft, lang)
    note = _shown(draft).note
    if note:
        with st.expander(word("wi_note", lang)):
            _note(_shown(draft), lang)


def offers(world: World, lang: str) -> None:
    """Scenarios of the library to begin with, where nothing is closed yet."""
    st.html(f'<h2 class="wi-part">{escape(word("wi_library", lang))}</h2>')
    for id, scenario in model.library()[1].items():
        st.button(
            say.title(world, scenario, lang),
            key=f"wi_offer_{id}",
            on_click=_load,
            args=(id,),
            width="stretch",
        )


def _note(made: Scenario, lang: str) -> None:
    lines = "".join(
        f"<p>{escape(line)}</p>" for line in note_in(made.note, lang).splitlines() if line
    )
    items = "".join(f"<li>{escape(source)}</li>" for source in made.sources)
    st.html(f'<div class="cx-small">{lines}<ul>{items}</ul></div>')


def note_in(note: str, lang: str) -> str:
    """The lines of a note in a language: those of the library have one part in each."""
    lines = [line for line in note.splitlines() if line.strip()]
    chinese = [line for line in lines if any("一" <= sign <= "鿿" for sign in line)]
    english = [line for line in lines if line not in chinese]
    return "\n".join((chinese if lang == "zh" else english) or lines)


def _adding(world: World, draft: Draft, lang: str) -> None:
    kind = st.selectbox(
        word("wi_add_kind", lang),
        KINDS,
        format_func=lambda k: word(f"wi_one_{k}", lang),
        key="wi_kind",
        label_visibility="collapsed",
    )
    there = {rule.element for rule in draft.rows} | set(draft.like.opened)
    names = {e: say.element(world, e, lang) for e in _of_kind(world, kind) if e not in there}
    chosen = st.selectbox(
        word("wi_add_what", lang),
        sorted(names, key=lambda e: names[e]) if kind != "chokepoint" else list(names),
        format_func=lambda e: names.get(e, e),
        key=f"wi_what_{kind}",
        label_visibility="collapsed",
    )
    st.button(word("wi_add", lang), key="wi_add", on_click=add, args=(chosen,), disabled=not names)


def _of_kind(world: World, kind: str) -> list[str]:
    if kind == "origin":
        origins = set(world.flows["origin"]) & set(world.countries["country"])
        return [f"origin:{country}" for country in sorted(origins)]
    return [e for e in world.elements() if e.startswith(f"{kind}:")]


def _files(draft: Draft, lang: str) -> None:
    made = _shown(draft)
    st.download_button(
        word("wi_save", lang),
        _text_of(made),
        f"{made.name}.toml",
        "application/toml",
        key="wi_save",
        on_click="ignore",
    )
    st.file_uploader(
        word("wi_open_file", lang),
        type="toml",
        key="wi_file",
        help=word("wi_open_help", lang),
        on_change=_take_file,
        max_upload_size=MOST_FILE_MB,
    )


def _text_of(made: Scenario) -> Callable[[], bytes]:
    return lambda: to_toml(made).encode()


def taken(name: str, content: bytes) -> Draft:
    """The draft of a file's bytes.

    Raises
    ------
    DataError
        With every fault of a file that is no scenario.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{name}: the text is not UTF-8") from None
    ids, _ = model.library()
    found = parse(text, name=link.OWN, file=name, known=ids)
    return link.draft_of(found)


def _take_file() -> None:
    file: Any = st.session_state.get("wi_file")
    if file is None:
        return
    try:
        put(taken(file.name, file.getvalue()))
    except DataError as error:
        first = error.faults[0]

        def told(lang: str) -> str:
            if not first.row:
                return first.message
            return word("wi_fault_at", lang, row=str(first.row), message=first.message)

        said = {"count": str(len(error.faults)), "fault": told}
        st.session_state["wi_fault"] = ("wi_bad_file", said)
    except CorridorsError as error:
        st.session_state["wi_fault"] = ("wi_bad_file", {"count": "1", "fault": str(error)})


def put(draft: Draft) -> None:
    """Make a draft the reader's scenario; every widget starts from it."""
    st.session_state["wi_draft"] = draft
    st.session_state["wi_gen"] = st.session_state.get("wi_gen", 0) + 1


def _load(id: str) -> None:
    put(link.draft_of(model.library()[1][id]))


def _clear() -> None:
    put(link.empty())


def add(element: str | None) -> None:
    """Shut one more element; what is in the scenario already stays as it is."""
    draft: Draft = st.session_state["wi_draft"]
    if element and element not in {rule.element for rule in draft.rows} | set(draft.like.opened):
        put(replace(draft, rows=(*draft.rows, Rule(element, lost=1.0))))


def _remove(i: int) -> None:
    draft: Draft = st.session_state["wi_draft"]
    put(replace(draft, rows=draft.rows[:i] + draft.rows[i + 1 :]))
