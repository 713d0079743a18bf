"""The app: one page of each kind, one language for all. Choose, call, draw."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from corridors.ui import link, panels, paper, shared, who
from corridors.ui.words import word
from layers.errors import CorridorsError

# A file a page: only such pages can be switched to from a test. (A bare string would be drawn.)
PAGES = Path(panels.__file__).parent / "pages"


def main() -> None:
    """Draw the frame and the page asked for."""
    st.set_page_config("Corridor Exposure", panels.ICON, layout="wide")
    lang = panels.heading()
    if not who.admitted(lang):
        return
    try:
        _, trade = shared.trade()
    except CorridorsError as error:
        panels.broken(error)
        return
    first, *others = (
        st.Page(PAGES / f"{name}.py", title=word(f"page_{name}", lang), default=name == "map")
        for name in panels.PAGES
    )
    st.navigation([first, *others], position="top").run()
    panels.attribution(lang, trade)
    paper.foot(lang)
    link.keep(lang=None)


main()
