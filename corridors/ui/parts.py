"""Parts of a page as tabs: only the open one is drawn, and the link remembers which it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import streamlit as st

from corridors.ui import link

KEY = "part"


def tabs(page: str, lang: str, parts: Mapping[str, tuple[str, Callable[[], None]]]) -> None:
    """Draw the open part.

    Parameters
    ----------
    page
        Of which page, since its tabs are its own.
    parts
        By id, which stays when the language changes: what its tab says, and what draws it.
    """
    names, labels = list(parts), [label for label, _ in parts.values()]
    link.restore(KEY, names[0], names)
    drawn = st.tabs(
        labels,
        key=f"{page}_tabs_{lang}",
        default=parts[st.session_state[KEY]][0],
        on_change="rerun",
    )
    for name, tab in zip(names, drawn, strict=True):
        if tab.open:
            st.session_state[KEY] = name
            with tab:
                parts[name][1]()
    link.keep(**{KEY: names[0]})


def hold(*keys: str) -> None:
    """Take choices over from other pages: a widget's value goes when it is not drawn."""
    for key in keys:
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
