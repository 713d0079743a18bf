"""A view as an address: ``?importer=JPN&commodity=lng&by=corridor&lang=zh&year=2024``.

The address holds ids, which stay when the language changes. What is as by default is left out,
but for the language, whose default is each reader's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st


def restore(key: str, default: Any, allowed: Sequence[Any]) -> str | None:
    """Take a choice from the address once a session; what it asked for when that can't be had."""
    if key in st.session_state:
        # Set anew in any case: a page that was just opened draws a widget of its own by that key,
        # which would begin with its first option.
        kept = st.session_state[key]
        st.session_state[key] = kept if kept in allowed else default
        return None
    asked = st.query_params.get(key)
    st.session_state[key] = next((a for a in allowed if str(a) == asked), default)
    return None if asked is None or asked == str(st.session_state[key]) else asked


def keep(**defaults: Any) -> None:
    """Write the choices of the session into the address, leaving out what is as by default.

    A choice that was not offered this time stays in the address as it is.
    """
    for key, default in defaults.items():
        chosen = st.session_state.get(key)
        if chosen is None:
            continue
        if chosen == default:
            st.query_params.pop(key, None)
        elif st.query_params.get(key) != str(chosen):
            st.query_params[key] = str(chosen)
