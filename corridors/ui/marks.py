"""Marks of warning levels and of feeds: a colour, a sign and a word each, never colour alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import streamlit as st

from corridors.risk.alert import Level
from corridors.risk.bulletin import PIPS
from corridors.risk.bulletin.words import word as bulletin_word
from corridors.ui.words import word


@dataclass(frozen=True)
class Mark:
    """How a thing looks on light and on dark: paper, ink, and a sign before its word."""

    paper: str
    ink: str
    sign: str


LEVELS = {
    Level.none: Mark("#6b7580", "#ffffff", PIPS[Level.none]),
    Level.blue: Mark("#1c5fa8", "#ffffff", PIPS[Level.blue]),
    Level.yellow: Mark("#f4c430", "#1d1700", PIPS[Level.yellow]),
    Level.orange: Mark("#f08a24", "#1f0f00", PIPS[Level.orange]),
    Level.red: Mark("#b3201f", "#ffffff", PIPS[Level.red]),
}
"""As bulletins have them."""

STATES = {
    "live": Mark("#00664f", "#ffffff", "●"),
    "cached": Mark("#1c5fa8", "#ffffff", "◐"),
    "stale": Mark("#f4c430", "#1d1700", "◔"),
    "empty_ok": Mark("#dfe6ee", "#15202e", "○"),
    "failed": Mark("#b3201f", "#ffffff", "✕"),
    "never": Mark("#55606c", "#ffffff", "–"),
    "off": Mark("#55606c", "#ffffff", "□"),
}
"""What a feed is in; ``off`` for one that wants a key nobody has set."""

SIGNS = {"info": "ⓘ", "warn": "⚠", "error": "✕", "good": "✓", "exercise": "▲"}

STYLE = """<style>
.cx-chip {display: inline-block; padding: .08rem .5rem; border-radius: 5px; font-size: .82rem;
  font-weight: 600; white-space: nowrap; font-variant-numeric: tabular-nums}
.cx-chip > i {font-style: normal; letter-spacing: .06em; margin-right: .35em}
.cx-chip.cx-hollow {background: transparent !important; color: inherit !important;
  border: 1.5px dashed currentColor}
.cx-note {display: flex; gap: .6rem; padding: .55rem .8rem; border-radius: 8px; margin: .15rem 0;
  border: 1px solid color-mix(in srgb, currentColor 22%, transparent); border-left-width: 5px;
  background: color-mix(in srgb, currentColor 5%, transparent); font-size: .93rem;
  line-height: 1.45; overflow-wrap: anywhere}
.cx-note > i {font-style: normal; font-weight: 700}
.cx-note p {margin: 0} .cx-note p + p {margin-top: .2rem; opacity: .86; font-size: .88rem}
.cx-note.cx-warn {border-left-color: #d08700} .cx-note.cx-error {border-left-color: #c32b2a}
.cx-note.cx-good {border-left-color: #00805f} .cx-note.cx-info {border-left-color: #1f77c0}
.cx-note.cx-exercise {border: 3px double currentColor; font-weight: 600}
.cx-scroll {overflow-x: auto}
.cx-grid {border-collapse: separate; border-spacing: 0; font-size: .88rem; width: 100%}
.cx-grid caption {text-align: left; font-weight: 650; padding: 0 0 .35rem; font-size: .95rem}
.cx-grid th, .cx-grid td {padding: .3rem .55rem; text-align: left; vertical-align: top;
  border: 0; border-bottom: 1px solid color-mix(in srgb, currentColor 14%, transparent)}
.cx-grid thead th {font-weight: 600; vertical-align: bottom; white-space: normal; min-width: 6.2rem}
.cx-grid tbody th {font-weight: 500; min-width: 6rem}
.cx-grid td small {display: block; opacity: .8; font-size: .78rem; margin-top: .1rem}
.cx-quiet {opacity: .66}
ul.cx-key {display: flex; flex-wrap: wrap; gap: .35rem 1.1rem; font-size: .84rem;
  margin: .5rem 0 0; padding: 0; list-style: none}
ul.cx-key li {display: flex; gap: .4rem; align-items: center; margin: 0; padding: 0;
  font-size: inherit}
dl.cx-facts {display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .2rem 1rem;
  font-size: .9rem; margin: 0; padding: 0}
dl.cx-facts dt {opacity: .8; margin: 0; padding: 0}
dl.cx-facts dd {margin: 0; padding: 0; font-variant-numeric: tabular-nums}
.cx-card {border: 1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius: 10px;
  padding: .6rem .85rem .75rem; height: 100%}
.cx-card h3 {font-size: .95rem; font-weight: 650; margin: 0 0 .4rem; padding: 0}
.cx-card .cx-big {font-size: 1.35rem; font-weight: 650; line-height: 1.2; margin: 0 0 .3rem}
</style>"""


def style() -> None:
    """Write the look of marks, notes and grids into the page, once a run."""
    st.html(STYLE)


def level_word(level: Level, lang: str) -> str:
    """A level's name."""
    return bulletin_word(level.name, lang)


def chip(mark: Mark, text: str, *, hollow: bool = False) -> str:
    """A sign and a word on the mark's colour, as HTML; hollow for what holds no longer."""
    kind = "cx-chip cx-hollow" if hollow else "cx-chip"
    return (
        f'<span class="{kind}" style="background:{mark.paper};color:{mark.ink}">'
        f'<i aria-hidden="true">{escape(mark.sign)}</i>{escape(text)}</span>'
    )


def level_chip(level: Level, lang: str, *, hollow: bool = False) -> str:
    """A level as HTML."""
    return chip(LEVELS[level], level_word(level, lang), hollow=hollow)


def state_chip(state: str, lang: str) -> str:
    """A feed's state as HTML."""
    return chip(STATES[state], word(f"d_{state}", lang))


def note(kind: str, text: str, *more: str) -> None:
    """A note that stands out: ``info, warn, error, good`` or ``exercise``; its text is escaped."""
    role = "alert" if kind == "error" else "status"
    said = "".join(f"<p>{escape(part)}</p>" for part in (text, *more) if part)
    sign = escape(SIGNS[kind])
    st.html(
        f'<div class="cx-note cx-{kind}" role="{role}"><i aria-hidden="true">{sign}</i>'
        f"<div>{said}</div></div>"
    )


def grid(
    caption: str, heads: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], corner: str = ""
) -> None:
    """A table people read: caption, column heads and row heads are text, cells are HTML."""
    columns = "".join(f'<th scope="col">{escape(h)}</th>' for h in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(head)}</th>{"".join(f"<td>{c}</td>" for c in cells)}</tr>'
        for head, cells in rows
    )
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    st.html(
        f'<div class="cx-scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="cx-grid">{title}<thead><tr><th scope="col">{escape(corner)}</th>{columns}'
        f"</tr></thead><tbody>{body}</tbody></table></div>"
    )


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values, both text, as HTML."""
    said = "".join(f"<dt>{escape(n)}</dt><dd>{escape(v)}</dd>" for n, v in rows)
    return f'<dl class="cx-facts">{said}</dl>'


def card(title: str, big: str, body: str, *, extra: str = "") -> None:
    """A framed box: title and figure are text, the body HTML."""
    head = f'<p class="cx-big">{escape(big)}</p>' if big else ""
    st.html(f'<div class="cx-card"><h3>{escape(title)}</h3>{extra}{head}{body}</div>')
