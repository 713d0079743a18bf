"""What is declared and what is seen: two things, and nothing known before it was said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridors.risk.alert import Status
from corridors.risk.status import declared, status
from layers.errors import UnknownIdError
from layers.events import event_frame
from layers.world import World

HORMUZ, SUEZ, PANAMA = "chokepoint:hormuz", "chokepoint:suez", "chokepoint:panama"
NOTHING = event_frame([])


def at(day: str, hour: int = 12) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)


def event(title: str, onset: datetime, **more: Any) -> dict[str, Any]:
    """Return an embassy's own report on the Suez Canal."""
    return {
        "event_uid": f"local_reports:{title} {onset}",
        "source": "local_reports",
        "kind": "policy",
        "subtype": "embassy",
        "reporter_type": "embassy",
        "title": title,
        "severity": 3,
        "onset_at": onset,
        "published_at": onset,
        "retrieved_at": onset,
        "assets": SUEZ,
        **more,
    }


def said(world: World, *rows: dict[str, Any], now: datetime, element: str = SUEZ) -> str:
    return declared(world, event_frame(rows), element, now=now)[0]


# --- the table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "day", "word"),
    [
        (HORMUZ, "2026-03-01", ""),
        (HORMUZ, "2026-03-02", ""),  # the day of it, not over yet
        (HORMUZ, "2026-03-03", "closed"),
        (HORMUZ, "2026-04-17", "closed"),
        (HORMUZ, "2026-04-18", "open"),
        (HORMUZ, "2026-04-19", "closed"),
        (HORMUZ, "2026-06-20", "restricted"),
        (HORMUZ, "2026-06-22", "closed"),
        (HORMUZ, "2026-07-19", "restricted"),
        (SUEZ, "2021-03-25", ""),
        (SUEZ, "2021-03-26", "closed"),
        (SUEZ, "2021-03-29", "closed"),
        (SUEZ, "2021-03-30", ""),
        (PANAMA, "2023-07-30", ""),
        (PANAMA, "2023-07-31", "restricted"),
        (PANAMA, "2024-08-31", "restricted"),
        (PANAMA, "2024-09-01", ""),
        ("chokepoint:bosporus", "2022-12-05", "restricted"),
        ("chokepoint:dardanelles", "2022-12-14", ""),
        ("port:UAODS", "2022-03-01", "closed"),
        ("chokepoint:malacca", "2026-03-10", ""),
    ],
)
def test_what_was_declared_then(world: World, element: str, day: str, word: str) -> None:
    assert declared(world, NOTHING, element, now=at(day))[0] == word


def test_who_said_it_and_when(world: World) -> None:
    word, by, when = declared(world, NOTHING, HORMUZ, now=at("2026-03-10"))
    assert (word, when) == ("closed", datetime(2026, 3, 2, tzinfo=UTC))
    assert by == "Islamic Revolutionary Guard Corps of Iran"


def test_nobody_is_made_to_say_anything(world: World) -> None:
    assert declared(world, NOTHING, "port:SARTA", now=at("2026-03-10")) == ("", "", None)
    assert set(world.declarations["declared"]) == {"open", "restricted", "closed"}
    assert (world.declarations["declared_by"] != "").all()


# --- events --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "word"),
    [
        ("Declared closed by the canal authority", "closed"),
        ("declared open from noon", "open"),
        ("DECLARED RESTRICTED: draft 13 m", "restricted"),
        ("宣布关闭:管理局公告", "closed"),
        ("宣布开放", "open"),
        ("宣布限航,吃水13米", "restricted"),
        ("宣布对外开放", "open"),
        ("Not declared closed", ""),
        ("Rumours that it was declared closed", ""),
        ("Declared closedown of an office", ""),
        ("Canal closed", ""),
        ("declared", ""),
    ],
)
def test_the_first_words_declare(world: World, title: str, word: str) -> None:
    start = at("2026-05-01")
    assert said(world, event(title, start), now=start + timedelta(days=1)) == word


def test_an_own_report_says_whose_it_is(world: World) -> None:
    start = at("2026-05-01")
    rows = event_frame([event("declared closed", start)])
    assert declared(world, rows, SUEZ, now=start) == ("closed", "embassy", start)


def test_a_publisher_may_say_it_in_the_subtype(world: World) -> None:
    start = at("2026-05-01")
    told = event("Notice 5", start, subtype="declared closed", reporter_type="", source="sca")
    rows = event_frame([told])
    assert declared(world, rows, SUEZ, now=start)[:2] == ("closed", "sca")
    named = event_frame([{**told, "attribution": "Suez Canal Authority"}])
    assert declared(world, named, SUEZ, now=start)[1] == "Suez Canal Authority"


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "advisory"},
        {"assets": PANAMA},
        {"assets": "chokepoint:suez_canal"},
        {"assets": ""},
        {"status": "cancelled"},
        {"msg_type": "cancel"},
        {"ends_at": at("2026-05-02")},
        {"published_at": at("2026-05-09")},
        {"updated_at": at("2026-05-09")},
        {"onset_at": None},
    ],
)
def test_what_declares_nothing_here_and_now(world: World, more: dict[str, Any]) -> None:
    row = event("declared closed", at("2026-05-01"))
    assert said(world, row, now=at("2026-05-03")) == "closed"
    assert said(world, {**row, **more}, now=at("2026-05-03")) == ""


def test_one_of_several_assets_is_enough(world: World) -> None:
    row = event("declared closed", at("2026-05-01"), assets=f"{PANAMA}; {SUEZ}")
    assert said(world, row, now=at("2026-05-02")) == "closed"


def test_what_is_dated_to_a_day_waits_for_its_end(world: World) -> None:
    row = event("declared closed", at("2026-05-01", 0), time_precision="day", published_at=None)
    assert said(world, row, now=at("2026-05-01", 23)) == ""
    assert said(world, row, now=at("2026-05-02", 0)) == "closed"


def test_the_newest_of_table_and_events_counts(world: World) -> None:
    opened = event("declared open", at("2026-03-05"), assets=HORMUZ)
    assert said(world, opened, now=at("2026-03-04"), element=HORMUZ) == "closed"
    assert said(world, opened, now=at("2026-03-06"), element=HORMUZ) == "open"
    assert said(world, opened, now=at("2026-04-19"), element=HORMUZ) == "closed"


def test_a_newer_version_of_a_report_replaces_it_from_when_it_was_changed(world: World) -> None:
    first = event("declared closed", at("2026-05-01"), event_uid="a")
    later = event("declared open", at("2026-05-01"), event_uid="a")
    later |= {"updated_at": at("2026-05-03"), "retrieved_at": at("2026-05-03")}
    assert said(world, first, later, now=at("2026-05-02")) == "closed"
    assert said(world, first, later, now=at("2026-05-04")) == "open"


@settings(max_examples=40)
@given(days=st.integers(-40, 40), word=st.sampled_from(["open", "closed", "restricted"]))
def test_nothing_said_later_is_known(world: World, days: int, word: str) -> None:
    now = at("2026-05-01")
    row = event(f"declared {word}", now + timedelta(days=days))
    assert said(world, row, now=now) == (word if days <= 0 else "")


@settings(max_examples=40)
@given(st.datetimes(datetime(2019, 1, 1), datetime(2027, 1, 1)))
def test_no_declaration_is_from_the_future(world: World, moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    for element in world.declarations["element"].unique():
        when = declared(world, NOTHING, element, now=now)[2]
        assert when is None or when <= now


# --- both together -------------------------------------------------------------------------------


def test_declared_and_seen_stand_side_by_side(world: World) -> None:
    seen = {
        "observed_d": 8.0,
        "usual_d": 89.0,
        "ratio": 0.07,
        "data_to": pd.Timestamp("2026-04-12", tz="UTC"),
        "alarm": "fall",
        "since": pd.Timestamp("2026-03-01", tz="UTC"),
        "review_due": np.bool_(False),
    }
    found = status(world, HORMUZ, NOTHING, seen, now=at("2026-04-18"))
    assert found == Status(
        declared="open",
        declared_by="Foreign minister of Iran",
        declared_at=datetime(2026, 4, 17, tzinfo=UTC),
        observed_d=8.0,
        usual_d=89.0,
        ratio=0.07,
        data_to=datetime(2026, 4, 12, tzinfo=UTC),
        alarm="fall",
        since=datetime(2026, 3, 1, tzinfo=UTC),
        review_due=False,
    )


@pytest.mark.parametrize(
    "seen", [None, {}, {"ratio": None, "data_to": pd.NaT, "since": None, "usual_d": pd.NA}]
)
def test_what_nobody_counts_is_not_known(world: World, seen: Any) -> None:
    found = status(world, "port:SARTA", NOTHING, seen, now=at("2026-04-18"))
    assert np.isnan([found.observed_d, found.usual_d, found.ratio]).all()
    assert (found.data_to, found.since, found.alarm) == (None, None, "")
    assert (found.declared, found.declared_by, found.declared_at) == ("", "", None)


def test_an_element_that_is_none_is_named(world: World) -> None:
    with pytest.raises(UnknownIdError, match="chokepoint:hormuz"):
        status(world, "chokepoint:hormus", NOTHING, None, now=at("2026-04-18"))
