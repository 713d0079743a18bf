"""What is declared of an element and what is seen there: two things, told side by side.

Hormuz was declared open on 17 April 2026, and eight ships a day of 89 passed. A declaration is an
authority's word at a moment. It comes from the table of declarations, or from an event that says
so in its first words; where nobody has said anything there is none, and none is made up from
traffic. Nothing said after the moment asked about is known, so a replay learns it when the world
did: what is dated to a day counts from the end of that day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corridors.risk.alert import Status
from corridors.risk.merging import newest_versions
from layers.errors import UnknownIdError
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["declared", "status"]

SAID = re.compile(
    r"\s*(?:declared\s+(open|restricted|closed)\b|宣布(?:对外)?(开放|限航|关闭))", re.IGNORECASE
)
"""First words of a title, or of a subtype, that make an event a declaration."""

WORDS: Mapping[str, str] = {"开放": "open", "限航": "restricted", "关闭": "closed"}
DAY = timedelta(days=1)
_TAKEN_BACK = ("cancelled", "superseded")

Declaration = tuple[str, str, datetime | None]


def declared(world: World, events: pd.DataFrame, element: str, *, now: datetime) -> Declaration:
    """The newest declaration of an element in force and known by a moment.

    A row of ``declarations.csv``, or an event of kind ``policy`` that names the element among its
    assets and whose title or subtype begins with ``declared open``, ``declared restricted`` or
    ``declared closed``, or 宣布开放, 宣布限航 or 宣布关闭. A newer one replaces an older one; one
    that has ended leaves none, but for an older one that still holds. Of two of the same moment
    the event counts.

    Parameters
    ----------
    events
        Table of ``layers.events.EVENT``, of what the reader may see (``visibility``).
    now
        UTC.

    Returns
    -------
    tuple
        The word, ``open``, ``restricted`` or ``closed``; who said it; and when. Empty, empty and
        None where nobody did.

    Raises
    ------
    UnknownIdError
        For an element of no table.
    """
    known = world.elements()
    if element not in known:
        raise UnknownIdError("element", element, known)
    found = [*_of_table(world, element, now), *_of_events(events, element, now)]
    return sorted(found, key=lambda told: told[2])[-1] if found else ("", "", None)


def status(
    world: World,
    element: str,
    events: pd.DataFrame,
    traffic: Mapping[str, Any] | None,
    *,
    now: datetime,
) -> Status:
    """What is declared of an element, and what is seen there, as of a moment.

    Parameters
    ----------
    events
        As `declared` takes them.
    traffic
        What is seen, under the names of ``Status``: ``observed_d``, ``usual_d``, ``ratio``,
        ``data_to``, ``alarm``, ``since``, ``review_due``. What it lacks is not known; None where
        nobody counts.

    Raises
    ------
    UnknownIdError
        For an element of no table.
    """
    word, by, at = declared(world, events, element, now=now)
    seen = traffic or {}
    return Status(
        declared=word,
        declared_by=by,
        declared_at=at,
        observed_d=_number(seen.get("observed_d")),
        usual_d=_number(seen.get("usual_d")),
        ratio=_number(seen.get("ratio")),
        data_to=_moment(seen.get("data_to")),
        alarm=str(seen.get("alarm") or ""),
        since=_moment(seen.get("since")),
        review_due=bool(seen.get("review_due", False)),
    )


def _of_table(world: World, element: str, now: datetime) -> Iterator[tuple[str, str, datetime]]:
    """Declarations of the table in force and known by now, the earlier rows first."""
    table = world.declarations
    if element not in table["element"].array:
        return
    for row in records(table[table["element"] == element]):
        at = _day(row["at"])
        over = bool(row["until"]) and _day(row["until"]) + DAY <= now
        # A declaration of one day is known when the day is over, and holds to the end of its last.
        if at + DAY <= now and not over:
            yield row["declared"], row["declared_by"], at


def _of_events(
    events: pd.DataFrame, element: str, now: datetime
) -> Iterator[tuple[str, str, datetime]]:
    """Events known and in force by now that declare something of the element, oldest first."""
    table = events[events["kind"] == "policy"]
    names_it = [element in _listed(assets) for assets in table["assets"]]
    if not any(names_it):
        return
    table = table[np.array(names_it, dtype=np.bool_)]
    table = newest_versions(table[_known(table) <= pd.Timestamp(now)])
    gone = table["status"].isin(_TAKEN_BACK) | (table["msg_type"] == "cancel")
    table = table[~(gone | (table["ends_at"] <= now))]
    for row in records(table.sort_values("onset_at", kind="stable")):
        word = _said(row["title"]) or _said(row["subtype"])
        if word:
            by = row["reporter_type"] or row["attribution"] or row["source"]
            yield word, str(by), row["onset_at"].to_pydatetime()


def _known(table: pd.DataFrame) -> pd.Series[pd.Timestamp]:
    """(n,) when each version was there to be known: begun, published and last changed.

    The day of one dated to a day has to be over. An event without a beginning is known never.
    """
    of_day = pd.to_timedelta((table["time_precision"] == "day").astype(int), unit="D")
    known = table["onset_at"] + of_day
    for column in ("published_at", "updated_at"):
        known = known.where(~(table[column] > known), table[column])
    return known


def _said(text: str) -> str:
    """The status that a text's first words declare; empty when they declare none."""
    found = SAID.match(text)
    word = (found.group(1) or found.group(2)) if found else ""
    return WORDS.get(word, word.lower())


def _listed(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";")]


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _number(value: object) -> float:
    return float("nan") if value is None or pd.isna(value) else float(value)  # type: ignore[arg-type, call-overload]


def _moment(value: object) -> datetime | None:
    if value is None or pd.isna(value):  # type: ignore[call-overload]
        return None
    return pd.Timestamp(value).to_pydatetime()  # type: ignore[arg-type]
