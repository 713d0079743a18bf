"""What every part of the warnings page is about, and the small pieces the parts share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from corridors.risk.alert import Alert
from corridors.ui import parts, sentences
from corridors.ui.warnings import model
from corridors.ui.warnings.model import Log, Stamp
from corridors.ui.words import word
from layers.world import World

DATA_PAGE = Path(parts.__file__).parent / "pages" / "data.py"


@dataclass(frozen=True)
class Scene:
    """What every part of the page is about: whose warnings, at which moment, in which language."""

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
        return model.of_importer(self.world, self.log.alerts, self.importer)

    @property
    def group(self) -> bool:
        """Whether the importer stands for several."""
        return self.importer not in set(self.world.countries["country"])

    def say(self, key: str, **parts: str) -> str:
        """A word in the language of the page."""
        return word(key, self.lang, **parts)


def open_part(part: str, lang: str) -> None:
    """Open a part of the page: for callbacks, before anything is drawn."""
    st.session_state[parts.KEY] = part
    st.session_state[f"w_tabs_{lang}"] = word(f"w_tab_{part}", lang)


def open_entry(alert: Alert, importer: str, lang: str) -> None:
    """Open an entry, under the importer it is about: for callbacks."""
    st.session_state["importer"] = importer
    st.session_state["entry"] = alert.id
    open_part("entry", lang)


def heading(text: str, small: str = "") -> None:
    """A heading, and a line under it; both are text."""
    more = f'<p class="cx-small">{escape(small)}</p>' if small else ""
    st.html(f'<h2 style="font-size:1rem;margin:.6rem 0 .1rem;padding:0">{escape(text)}</h2>{more}')


def fine_print(*lines: str) -> None:
    """Small lines of text; nothing for none."""
    if lines:
        st.html("".join(f'<p class="cx-small">{escape(line)}</p>' for line in lines))


def data_link(lang: str) -> None:
    """A link to where feeds are refreshed and history is loaded."""
    st.page_link(DATA_PAGE, label=word("page_data", lang), icon=":material/database:")


def time_column(name: str) -> Any:
    """How a column of moments looks."""
    return st.column_config.DatetimeColumn(name, format="YYYY-MM-DD HH:mm", timezone="UTC")


def entries_table(scene: Scene, table: pd.DataFrame, key: str, alt: str) -> None:
    """Entries as `corridors.ui.warnings.timeline.entries` lists them."""
    names = {"level": "w_level", "previous": "w_previous", "importer": "w_row_importer"}
    names |= {"commodity": "w_row_commodity", "element": "w_element", "state": "w_state"}
    names |= {"reason": "w_reason", "id": "w_id"}
    config: dict[str, Any] = {
        c: st.column_config.TextColumn(scene.say(k)) for c, k in names.items()
    }
    config |= {
        "sent": time_column(scene.say("w_sent")),
        "expires": time_column(scene.say("w_until")),
    }
    st.dataframe(table, hide_index=True, placeholder="–", column_config=config, key=key, alt=alt)
