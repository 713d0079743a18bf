"""A table whose cells can be pressed: row and column heads for a screen reader, buttons for keys.

Streamlit's own table is a drawing, and its HTML tells nothing back; so this is a component of a
few lines. What it shows travels as data and is written as text, never as HTML.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import streamlit as st
import streamlit.components.v2

HTML = '<div class="cx-pick cx-scroll" tabindex="0" role="region"></div>'
CSS = """
.cx-pick table {margin: 0}
.cx-pick .cx-grid th:first-child {position: sticky; left: 0; z-index: 1;
  background: var(--st-background-color)}
.cx-pick .cx-grid thead th {min-width: 5.4rem}
.cx-pick .cx-grid thead small, .cx-pick .cx-grid td small {display: block; font-weight: 400;
  opacity: .8; font-size: .78rem; line-height: 1.3}
.cx-pick button {all: unset; box-sizing: border-box; cursor: pointer; display: block;
  padding: .15rem .2rem; margin: -.15rem -.2rem; border-radius: 7px}
.cx-pick button:hover {background: color-mix(in srgb, currentColor 9%, transparent)}
.cx-pick button:focus-visible, .cx-pick:focus-visible {
  outline: 2px solid var(--st-primary-color); outline-offset: 1px}
.cx-pick button[aria-current] {outline: 2px solid var(--st-primary-color); outline-offset: 1px}
"""
SCRIPT = """
const PAUSE_MS = 200, TRIES = 150, STAY = 25;

const make = (tag, parent, text, attributes = {}) => {
  const node = parent.appendChild(document.createElement(tag));
  if (text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value) node.setAttribute(name, value);
  }
  return node;
};

const fill = (cell, square) => {
  const bare = !square.pick;
  const attributes = { type: "button", title: square.label, "aria-label": square.label };
  if (square.chosen) attributes["aria-current"] = "true";
  const place = bare ? cell : make("button", cell, "", attributes);
  if (!bare) place.dataset.pick = square.pick;
  const kind = square.paper ? "cx-chip" + (square.hollow ? " cx-hollow" : "") : "cx-quiet";
  const chip = make("span", place, "", { class: kind });
  if (square.paper && !square.hollow) {
    chip.style.background = square.paper;
    chip.style.color = square.ink;
  }
  if (square.sign) make("i", chip, square.sign, { "aria-hidden": "true" });
  chip.append(square.text);
  if (bare && square.label) {
    chip.setAttribute("aria-label", square.label);
    chip.setAttribute("role", "note");
    chip.setAttribute("title", square.label);
  }
  for (const line of square.small) make("small", place, line);
};

// What a press opens is drawn by the server below: go there once it is, and again if it is drawn
// anew just then, unless the reader went elsewhere meanwhile.
let waiting;
const follow = (pick, left, stay) => {
  const found = [...document.querySelectorAll("[data-opened]")].find(
    (node) => node.dataset.opened === pick,
  );
  const lost = document.activeElement === document.body || document.activeElement === null;
  if (found && document.activeElement !== found && (lost || stay === STAY)) {
    found.scrollIntoView({ block: "start" });
    found.focus({ preventScroll: true });
  }
  const more = found ? stay - 1 : stay;
  if (left > 0 && more > 0) waiting = setTimeout(() => follow(pick, left - 1, more), PAUSE_MS);
};

export default ({ data, parentElement, setTriggerValue }) => {
  const box = parentElement.querySelector(".cx-pick");
  box.onclick = (event) => {
    const pressed = event.target.closest("button");
    if (!pressed) return;
    setTriggerValue("picked", pressed.dataset.pick);
    clearTimeout(waiting);
    follow(pressed.dataset.pick, TRIES, STAY);
  };
  const told = JSON.stringify(data);
  if (box.told === told) return;
  box.told = told;
  box.replaceChildren();
  box.setAttribute("aria-label", data.caption);
  const table = make("table", box, "", { class: "cx-grid" });
  make("caption", table, data.caption);
  const top = make("tr", make("thead", table));
  make("th", top, data.corner, { scope: "col" });
  for (const [name, more] of data.heads) {
    const head = make("th", top, name, { scope: "col" });
    if (more) make("small", head, more);
  }
  const body = make("tbody", table);
  for (const [name, squares] of data.rows) {
    const line = make("tr", body);
    make("th", line, name, { scope: "row" });
    for (const square of squares) fill(make("td", line), square);
  }
};
"""


@dataclass(frozen=True)
class Square:
    """What stands in a cell; all of it is text.

    Attributes
    ----------
    text, sign
        The word, and the sign before it.
    paper, ink, hollow
        Colours of the chip; without them the word is faint.
    small
        Lines below.
    label
        The cell in full, for who cannot see it or points at it.
    pick
        What a press tells; a cell without it is no button.
    chosen
        Whether what it opens is open.
    """

    text: str
    sign: str = ""
    paper: str = ""
    ink: str = ""
    hollow: bool = False
    small: tuple[str, ...] = ()
    label: str = ""
    pick: str = ""
    chosen: bool = False


def draw(
    key: str,
    caption: str,
    corner: str,
    heads: Sequence[tuple[str, str]],
    rows: Sequence[tuple[str, Sequence[Square]]],
    on_pick: Callable[[str], None],
) -> None:
    """Show the table.

    Parameters
    ----------
    heads
        Name of each column, and a line below it.
    rows
        Name of each row, and its cells.
    on_pick
        Called with what the pressed cell tells, before the page is drawn anew.
    """

    def picked() -> None:
        found = (st.session_state.get(key) or {}).get("picked")
        if isinstance(found, str):
            on_pick(found)

    data = {
        "caption": caption,
        "corner": corner,
        "heads": [list(head) for head in heads],
        "rows": [[name, [asdict(square) for square in squares]] for name, squares in rows],
    }
    mount = st.components.v2.component(
        "corridors_grid", html=HTML, css=CSS, js=SCRIPT, isolate_styles=False
    )
    mount(key=key, data=data, on_picked_change=picked)
