"""The tour of a first visit: four steps over the page, kept by the reader's own browser."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
import streamlit.components.v2

from corridors.ui.words import word

__all__ = ["STEPS", "draw"]

FOLDER = Path(__file__).parent
STEPS = {
    "ask": ".st-key-question",
    "read": ".cx-verdict",
    "look": ".cx-map",
    "go": "[data-testid=stHeader]",
}
"""What each step is about, and where that is on the page."""
WORDS = ("open", "next", "back", "skip", "done")


def draw(lang: str) -> None:
    """Open the tour on a first visit, and put a button that opens it again here."""
    mount = st.components.v2.component(
        "corridors_tour",
        html='<button class="cx-tour-open" type="button"></button>',
        css=(FOLDER / "tour.css").read_text("utf-8"),
        js=(FOLDER / "tour.js").read_text("utf-8"),
        isolate_styles=False,
    )
    steps = [
        {"at": at, "title": word(f"tour_{name}", lang), "text": word(f"tour_{name}_text", lang)}
        for name, at in STEPS.items()
    ]
    words = {name: word(f"tour_{name}_button", lang) for name in WORDS}
    mount(key="tour", data={"steps": steps, "words": words})
