"""What all parts of the page of feeds and data share: its subject, headings, heights."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from corridors.ui.words import word

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from layers.store import Store
    from layers.world import World

MOST_SEEN, ROW_PX = 14, 35


@dataclass(frozen=True)
class Page:
    """What every part of the page is about."""

    world: World
    store: Store
    at: datetime
    lang: str

    def say(self, key: str, **parts: str) -> str:
        """A word in the language of the page."""
        return word(key, self.lang, **parts)


def heading(text: str, small: str = "") -> None:
    """A heading of a part, and what it holds in small letters."""
    more = f'<p class="cx-small">{escape(small)}</p>' if small else ""
    st.html(f'<h2 style="font-size:1rem;margin:.6rem 0 .1rem;padding:0">{escape(text)}</h2>{more}')


def height(table: pd.DataFrame) -> int:
    """Height in pixels of a table that shows whole rows, and no more than fit a screen."""
    return ROW_PX * (1 + min(len(table), MOST_SEEN)) + 3
