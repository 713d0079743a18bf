"""Risk of elements: numbers a reader can compute by hand, properties, and events made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp, isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridors.risk import (
    corridor_risk,
    disrupted_trade,
    distinct_events,
    embedded_events,
    embedded_observations,
    live,
    observed,
    risk_table,
    risk_weighted,
    structural,
    threat,
)
from corridors.risk.merging import in_force, same_event
from corridors.risk.nearness import near, pieces
from corridors.risk.risk import in_series
from corridors.risk.shapes import inside, samples
from corridors.risk.structural import closure_days, rates, updated
from corridors.risk.threat import Threat, event_weight
from layers.errors import UnknownIdError
from layers.events import EVENT, OBSERVATION, event_frame, observation_frame
from layers.geo import distance_km
from layers.world import World

NOW = datetime(2026, 7, 20, tzinfo=UTC)
HORMUZ, GWADAR, MALACCA = "chokepoint:hormuz", "port:PKGWD", "chokepoint:malacca"
AT_HORMUZ, AT_GWADAR = "POINT (56.4 26.5)", "POINT (62.3 25.1333)"


def event(uid: str = "nga_warnings:1", **said: Any) -> dict[str, Any]:
    """Return an attack at Hormuz, now, certain and extreme, but for what is said."""
    at = said.get("onset_at", NOW)
    row: dict[str, Any] = {
        "event_uid": uid,
        "source": uid.partition(":")[0],
        "kind": "security_incident",
        "title": uid,
        "severity": 4,
        "certainty": "observed",
        "confidence": 0.8,
        "onset_at": at,
        "ends_at": at,
        "retrieved_at": NOW,
        "content_as_of": NOW,
        "status": "ended",
        "wkt": AT_HORMUZ,
    }
    return {**row, **said}


def test_near_takes_what_is_close_and_what_the_source_names(world: World) -> None:
    far = {"wkt": "POINT (0 0)", "assets": "portwatch:chokepoint6"}
    rows = [
        event("a:close", wkt="POINT (56.4 27.5)"),
        event("a:named", **far),
        event("a:nameless", wkt="", assets="chokepoint:hormuz;port:PKGWD"),
        event("a:elsewhere", wkt="POINT (0 0)"),
    ]
    found = live.near(world, event_frame(rows), HORMUZ, 300)
    distance = dict(zip(found["event_uid"], found["distance_km"], strict=True))
    assert 0 < distance.pop("a:close") < 150
    assert distance == {"a:named": 0, "a:nameless": 0}
    with pytest.raises(UnknownIdError, match="did you mean"):
        live.near(world, event_frame(rows), "chokepoint:hormus", 300)


@pytest.mark.parametrize(
    ("state", "rows", "word"),
    [
        ("never", [], "not_covered"),
        ("live", [], "calm"),
        ("cached", [{}], "active"),
        ("stale", [], "stale"),
        ("stale", [{}], "stale"),
        ("failed", [], "stale"),
    ],
)
def test_old_news_is_neither_calm_nor_current(
    world: World, state: str, rows: list[dict[str, Any]], word: str
) -> None:
    as_of = pd.NaT if state == "never" else pd.Timestamp(NOW)
    states = pd.DataFrame({"feed": ["nga_warnings"], "state": [state], "content_as_of": [as_of]})
    table = told(world, *(event(**row) for row in rows), states=states).elements
    assert table.set_index("element")["threat_state"][HORMUZ] == word


STANDING = {"ends_at": None, "status": "active"}


def told(world: World, *rows: dict[str, Any], states: pd.DataFrame | None = None) -> Threat:
    return threat(event_frame(rows), world, now=NOW, states=states)


def number(found: Threat, element: str) -> float:
    return float(found.elements.set_index("element")["threat"][element])


def feed_states(**states: str) -> pd.DataFrame:
    rows = [
        {"feed": f, "state": s, "content_as_of": pd.NaT if s == "never" else pd.Timestamp(NOW)}
        for f, s in states.items()
    ]
    return pd.DataFrame(rows, columns=["feed", "state", "content_as_of"])


# Golden numbers


@pytest.mark.parametrize(
    ("p", "distance", "age", "length", "half", "wanted"),
    [
        (1, 100, 0, 50, 14, 0.13534),
        (1, 0, 10, 50, 14, 0.60951),
        (0.8, 30, 10, 50, 14, 0.26760),
        (0.8, 0, 1000, 50, np.inf, 0.8),
    ],
)
def test_weight_of_a_report(
    p: float, distance: float, age: float, length: float, half: float, wanted: float
) -> None:
    found = event_weight(p, 4, distance, age, length_km=length, half_life_d=half)
    assert float(found) == pytest.approx(wanted, abs=5e-6)


def test_events_and_a_leak_are_pooled_as_independent_causes(world: World) -> None:
    told_of = world.assumptions.copy()
    told_of.loc[told_of["assumption"] == "threat_leak", "central"] = 0.02
    leaking = replace(world, assumptions=told_of)
    near = {"wkt": "", "assets": "railway:china_laos"}
    two = (event("local_reports:1", **near), event("nga_warnings:1", kind="conflict", **near))
    found = told(leaking, *two)
    assert number(found, "railway:china_laos") == pytest.approx(1 - 0.98 * 0.2 * 0.2)
    assert number(told(leaking, *two[:1]), "railway:china_laos") == pytest.approx(1 - 0.98 * 0.2)
    assert number(found, MALACCA) == pytest.approx(0.02)


def test_trade_disrupted_as_published(world: World) -> None:
    table = disrupted_trade(world).set_index(["chokepoint", "cause"])["disrupted_usd_y"] / 1e9
    assert table["taiwan_strait", "geopolitical"] == pytest.approx(13.1659, abs=5e-5)
    assert table["bab_el_mandeb", "conflict"] == pytest.approx(15.1300, abs=5e-5)
    assert table["panama", "drought"] == pytest.approx(4.2923, abs=5e-5)
    assert table.sum() == pytest.approx(191.468, abs=5e-4)


def test_closure_days_of_bab_el_mandeb(world: World) -> None:
    own = world.hazards[world.hazards["chokepoint"] == "bab_el_mandeb"]
    mean, spread = closure_days(1 / own["return_period_y"], own["duration_d"], own["severity"])
    assert (mean, spread) == pytest.approx((11.5936, 16.2686), abs=5e-5)
    table = structural(world).set_index("element")
    assert table.loc["chokepoint:bab_el_mandeb", "closure_d_y"] == pytest.approx(11.5936, abs=5e-5)


def test_closure_days_agree_with_a_simulation(world: World) -> None:
    own = world.hazards[world.hazards["chokepoint"] == "bab_el_mandeb"]
    mean, spread = closure_days(1 / own["return_period_y"], own["duration_d"], own["severity"])
    lot, years = np.random.default_rng(7), 40_000
    total = np.zeros(years)
    for rp, d, s in own[["return_period_y", "duration_d", "severity"]].to_numpy():
        events = lot.poisson(1 / rp, years)
        # A sum of k exponentials of mean d is a Gamma of shape k.
        total += s * d * np.where(events > 0, lot.gamma(np.maximum(events, 1)), 0.0)
    assert abs(total.mean() - mean) < 3 * spread / np.sqrt(years)


def test_rate_of_hormuz_is_updated_with_recent_events(world: World) -> None:
    rate = updated(8.2, 41, 3, 7.55, weight=0.25)
    assert rate.mean == pytest.approx(0.28371, abs=5e-6)
    table = rates(world).set_index(["chokepoint", "cause"])
    row = table.loc[("hormuz", "geopolitical")]
    assert row["recent"] == 3
    assert row["rate_y"] == pytest.approx(0.28371, rel=1e-3)
    assert table.loc[("malacca", "piracy"), "rate_y"] == pytest.approx(1 / 0.096033)


def test_no_known_hazard_is_zero_and_no_search_is_missing(world: World) -> None:
    table = structural(world).set_index("element")
    assert table.loc["chokepoint:oresund", "closure_d_y"] == 0
    assert "chokepoint:kerch" not in table.index
    assert table["disruption_30d"].between(0, 1).all()
    assert (table["disruption_12m"] >= table["disruption_30d"]).all()


# The data


def test_disruptions_all_have_a_source_and_become_events(world: World) -> None:
    assert len(world.disruptions) == 23
    events = embedded_events(world)
    assert list(events.columns) == list(EVENT)
    assert len(events) == 22  # all but the storms without dates
    assert events["quality_flags"].str.split(";").map(lambda f: "embedded" in f).all()
    assert (events["retrieved_at"] == pd.Timestamp("2026-07-19", tz="UTC")).all()
    means = embedded_observations(world)
    assert list(means.columns) == list(OBSERVATION)
    assert not means.duplicated(["series", "metric", "observed_at"]).any()


def test_without_feeds_the_embedded_events_are_context_and_no_number(world: World) -> None:
    table = risk_table(world, embedded_events(world), embedded_observations(world), now=NOW)
    row = table.set_index("element").loc[HORMUZ]
    assert isnan(row["threat"])
    assert not row["covered"]
    assert isnan(row["observed"])
    assert row["embedded_transits_d"] == pytest.approx(93.71)
    assert row["embedded_year"] == 2025
    assert row["top"].startswith("Closure of the Strait of Hormuz (embedded)")
    assert row["disruption_30d"] == pytest.approx(0.0238, abs=1e-3)


def test_nothing_at_all_still_gives_a_table(world: World) -> None:
    table = risk_table(world, event_frame([]), observation_frame([]), now=NOW)
    assert list(table["element"]) == world.elements()
    assert table["threat"].isna().all()
    assert table["observed"].isna().all()


# Events made by hand


def test_an_attack_at_hormuz(world: World) -> None:
    found = told(world, event(onset_at=NOW - timedelta(days=10)))
    first = found.contributions[found.contributions["element"] == HORMUZ].iloc[0]
    assert first["distance_km"] < 2
    assert first["age_d"] == 10
    assert number(found, HORMUZ) == pytest.approx(
        0.8 * exp(-first["distance_km"] / 50) * 0.5 ** (10 / 14)
    )
    assert number(found, MALACCA) == 0
    assert not found.contributions["element"].isin([MALACCA, GWADAR]).any()


def test_gwadar_takes_a_storm_by_its_area_and_advice_by_its_country(world: World) -> None:
    area = "POLYGON ((61 24, 64 24, 64 26, 61 26, 61 24))"
    found = told(
        world,
        event("nhc_storms:1", kind="hazard", subtype="TC", wkt=area, **STANDING),
        event("fcdo_advice:1", kind="advisory", wkt="", countries="PAK;IND", **STANDING),
    )
    own = found.contributions.set_index(["element", "event_uid"])
    assert own.loc[(GWADAR, "nhc_storms:1"), "distance_km"] == 0
    assert own.loc[(GWADAR, "nhc_storms:1"), "weight"] == pytest.approx(0.8)
    advice = own.loc[(GWADAR, "fcdo_advice:1")]
    assert advice["match"] == "country"
    assert advice["weight"] == pytest.approx(0.8 * 0.25)
    assert number(found, GWADAR) == pytest.approx(1 - 0.2 * 0.8)
    assert ("railway:cpec_ml1", "fcdo_advice:1") in own.index
    assert not any(e.startswith("chokepoint:") for e, uid in own.index if uid == "fcdo_advice:1")


def test_an_event_named_by_the_source_needs_no_place(world: World) -> None:
    found = told(
        world,
        event("portwatch_disruptions:1", wkt="", assets="portwatch:chokepoint6;portwatch:port1"),
        event("local_reports:1", wkt="", assets="railway:china_laos"),
    )
    assert number(found, HORMUZ) == pytest.approx(0.8)
    assert number(found, "railway:china_laos") == pytest.approx(0.8)


def test_an_attack_on_the_middle_of_a_pipeline(world: World) -> None:
    line = world.pipelines.set_index("pipeline")["wkt"]["sumed"]
    lon, lat = np.array([p.split() for p in line[12:-1].split(",")], float).mean(axis=0)
    found = told(world, event(wkt=f"POINT ({lon} {lat})"))
    assert number(found, "pipeline:sumed") > 0.3


def test_a_notice_does_not_fade_but_expires(world: World) -> None:
    old = NOW - timedelta(days=400)
    notice = event(kind="nav_warning", onset_at=old, content_as_of=old, **STANDING)
    lasting = number(told(world, notice), HORMUZ)
    assert lasting == pytest.approx(0.8, rel=0.05)
    states = feed_states(nga_warnings="live")
    over = {**notice, "ends_at": NOW - timedelta(hours=1)}
    assert number(told(world, over, states=states), HORMUZ) == 0


@pytest.mark.parametrize("change", [{"status": "cancelled"}, {"msg_type": "cancel"}])
def test_what_was_cancelled_gives_nothing(world: World, change: dict[str, str]) -> None:
    found = told(world, event(**change), states=feed_states(nga_warnings="live"))
    assert number(found, HORMUZ) == 0
    assert found.contributions.empty


def test_only_the_newest_version_counts(world: World) -> None:
    rows = event_frame([event(), event(severity=2, retrieved_at=NOW + timedelta(hours=1))])
    found = threat(rows.iloc[::-1], world, now=NOW)
    assert list(found.contributions["severity"].unique()) == [2]


@pytest.mark.parametrize("kind", ["flow_anomaly", "price_move"])
def test_traffic_and_prices_are_no_threat(world: World, kind: str) -> None:
    assert told(world, event(kind=kind)).contributions.empty


def test_an_open_closure_ages_from_when_it_was_last_spoken_of(world: World) -> None:
    at = NOW - timedelta(days=140)
    row = event(kind="conflict", subtype="closure", onset_at=at, **STANDING)
    row |= {"content_as_of": NOW - timedelta(days=30)}
    assert number(told(world, row), HORMUZ) == pytest.approx(0.4, rel=0.02)


# Covered or not


def test_not_covered_is_not_calm(world: World) -> None:
    nowhere = told(world, states=feed_states(gdacs_events="never"))
    assert nowhere.elements["threat"].isna().all()
    calm = told(world, states=feed_states(nga_warnings="empty_ok")).elements.set_index("element")
    assert calm.loc[HORMUZ, "threat"] == 0
    assert calm.loc[HORMUZ, "watched"] == "security"
    assert isnan(calm.loc["railway:china_laos", "threat"])


def test_a_feed_that_failed_keeps_the_age_of_what_it_said(world: World) -> None:
    states = feed_states(gdacs_events="failed")
    states["content_as_of"] = pd.Timestamp(NOW - timedelta(days=9))
    table = told(world, states=states).elements
    assert table["covered"].all()
    assert (table["threat_age_d"] == 9).all()


def test_storms_of_the_hurricane_center_are_of_its_basins(world: World) -> None:
    table = told(world, states=feed_states(nhc_storms="live")).elements.set_index("element")
    assert table.loc["chokepoint:yucatan", "covered"]
    assert not table.loc["chokepoint:luzon_strait", "covered"]


# One event, many reports


def test_reports_of_one_event_count_once(world: World) -> None:
    near_by = event("gdacs_events:1", wkt="POINT (56.4 26.6)", confidence=0.5)
    later = event("ucdp_candidate:1", onset_at=NOW - timedelta(hours=47), confidence=0.5)
    found = told(world, event(), near_by, later)
    own = found.contributions.set_index("element").loc[HORMUZ]
    assert own["merged"] == 3
    assert own["sources"] == "gdacs_events;nga_warnings;ucdp_candidate"
    assert number(found, HORMUZ) == pytest.approx(number(told(world, event()), HORMUZ))


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "infrastructure"},
        {"wkt": "POINT (56.4 27.1)"},  # 67 km
        {"onset_at": NOW - timedelta(hours=49)},
    ],
)
def test_other_kinds_places_and_times_are_other_events(other: dict[str, Any]) -> None:
    rows = event_frame([event(), event("gdacs_events:1", **other)])
    assert len(distinct_events(rows)) == 2


def test_a_merged_event_keeps_its_sources_and_its_gravest_sure_report() -> None:
    rows = event_frame(
        [event("a:1", severity=2, confidence=0.9), event("b:1", confidence=0.8), event("b:2")]
    )
    table = distinct_events(rows, now=NOW)
    assert len(table) == 1
    assert table.loc[0, "merged"] == 3
    assert table.loc[0, "sources"] == "a;b"
    assert table.loc[0, "severity"] == 4


def test_an_earthquake_is_no_flood_but_an_earthquake_by_any_name() -> None:
    quake = event("usgs_earthquakes:1", kind="hazard", subtype="earthquake")
    same = event("gdacs_events:1", kind="hazard", subtype="EQ")
    flood = event("gdacs_events:2", kind="hazard", subtype="FL")
    assert len(distinct_events(event_frame([quake, same, flood]))) == 2


def test_a_front_is_not_chained_into_one_event() -> None:
    rows = [event(f"u:{i}", wkt=f"POINT ({30 + 0.5 * i} 0)") for i in range(40)]
    assert len(distinct_events(event_frame(rows))) > 10


def test_one_event_by_blocks_as_by_brute_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corridors.risk.merging.BLOCK", 64)
    lot = np.random.default_rng(5)
    rows = event_frame(
        event(
            f"u:{i}",
            wkt=f"POINT ({lot.normal(40, 1):.3f} {lot.normal(10, 1):.3f})",
            onset_at=NOW - timedelta(hours=float(lot.uniform(0, 400))),
            kind=("conflict", "hazard")[i % 2],
        )
        for i in range(300)
    )
    found = same_event(rows)
    place = rows["wkt"].str.extract(r"\((\S+) (\S+)\)").astype(float).to_numpy()
    hours = (rows["onset_at"] - rows["onset_at"].min()).dt.total_seconds().to_numpy() / 3600
    wanted, opened = np.arange(300), []
    for i in np.argsort(hours, kind="stable"):
        for j in opened:
            apart = distance_km(*place[i], *place[j])
            alike = rows["kind"][i] == rows["kind"][j] and abs(hours[i] - hours[j]) <= 48
            if alike and apart <= 50:
                wanted[i] = j
                break
        else:
            opened.append(i)
    np.testing.assert_array_equal(found, wanted)


# Properties

PLACES = st.tuples(st.floats(50, 64), st.floats(20, 30))


@st.composite
def reports(draw: st.DrawFn, most: int = 8) -> list[dict[str, Any]]:
    count = draw(st.integers(1, most))
    rows = []
    for i in range(count):
        lon, lat = draw(PLACES)
        rows.append(
            event(
                f"nga_warnings:{i}",
                wkt=f"POINT ({lon:.4f} {lat:.4f})",
                severity=draw(st.integers(0, 4)),
                confidence=draw(st.floats(0, 1)),
                kind=draw(st.sampled_from(["conflict", "hazard", "nav_warning", "policy"])),
                onset_at=NOW - timedelta(hours=draw(st.integers(0, 2000))),
                **draw(st.sampled_from([STANDING, {}])),
            )
        )
    return rows


@settings(max_examples=12)
@given(rows=reports())
def test_threat_is_a_probability_whatever_the_order_and_the_names(
    world: World, rows: list[dict[str, Any]]
) -> None:
    table = event_frame(rows)
    found = threat(table, world, now=NOW).elements.set_index("element")
    assert found["threat"].dropna().between(0, 1).all()
    assert (found["threat"].notna() == found["covered"]).all()
    other = table.iloc[::-1].assign(event_uid=[f"z:{i}" for i in range(len(table))])
    again = threat(other, world, now=NOW).elements.set_index("element")
    np.testing.assert_allclose(found["threat"], again["threat"], rtol=1e-9, atol=1e-12)


@settings(max_examples=12)
@given(rows=reports())
def test_news_as_it_comes_never_lowers_a_threat(world: World, rows: list[dict[str, Any]]) -> None:
    states = feed_states(nga_warnings="live", gdacs_events="live")
    rows = sorted(rows, key=lambda row: row["onset_at"])
    before = threat(event_frame(rows[:-1]), world, now=NOW, states=states).elements["threat"]
    after = threat(event_frame(rows), world, now=NOW, states=states).elements["threat"]
    assert (after >= before - 1e-12).all()
    twice = event_frame([*rows, {**rows[-1], "event_uid": "gdacs_events:copy"}])
    copied = threat(twice, world, now=NOW, states=states).elements["threat"]
    np.testing.assert_allclose(copied, after, atol=1e-12)


# Geometry


def test_distances_of_the_join_are_those_of_every_pair(world: World) -> None:
    lot = np.random.default_rng(3)
    lon, lat = lot.uniform(-180, 180, 60), lot.uniform(-60, 75, 60)
    cut = pieces(world)
    wkt = pd.Series([f"POINT ({x} {y})" for x, y in zip(lon, lat, strict=True)], dtype="str")
    found = near(samples(wkt), cut, np.full(60, 400.0))
    ports = world.ports.reset_index(drop=True)
    first = cut.ids.index(f"port:{ports['port'][0]}")
    km = distance_km(lon[:, None], lat[:, None], ports["lon"], ports["lat"])
    is_port = (found.element >= first) & (found.element < first + len(ports))
    np.testing.assert_allclose(
        found.distance_km[is_port],
        km[found.event[is_port], found.element[is_port] - first],
        rtol=1e-6,
        atol=1e-6,
    )
    assert is_port.sum() == (km <= 400).sum()
    assert (found.distance_km <= 400).all()


def test_an_area_across_the_180th_meridian() -> None:
    ring = np.array([[170.0, -10], [-170, -10], [-170, 10], [170, 10], [170, -10]])
    lon, lat = np.array([179.0, -179, 160, 0]), np.array([0.0, 5, 0, 0])
    assert inside([ring], lon, lat).tolist() == [True, True, False, False]


def test_a_hole_in_an_area_is_outside_it() -> None:
    wkt = "MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0), (3 3, 6 3, 6 6, 3 6, 3 3)))"
    rings = samples(pd.Series([wkt], dtype="str")).areas[0]
    assert inside(rings, np.array([1.0, 4.5]), np.array([1.0, 4.5])).tolist() == [True, False]


@pytest.mark.parametrize(
    ("wkt", "points"),
    [
        ("POINT (1 2)", 1),
        ("POINT Z (1 2 3)", 1),
        ("MULTIPOINT ((1 2), (3 4))", 2),
        ("MULTIPOINT (1 2, 3 4)", 2),
        ("GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (1 2, 1.01 2))", 3),
        ("", 0),
        ("POINT EMPTY", 0),
        ("nonsense", 0),
    ],
)
def test_shapes_are_read_or_have_no_place(wkt: str, points: int) -> None:
    assert len(samples(pd.Series([wkt], dtype="str")).lon) == points


# Observed

Days = Callable[..., pd.DataFrame]


def ships(
    *, week: float, usual: float = 80, days: int = 420, retrieved: datetime = NOW, **more: Any
) -> pd.DataFrame:
    """Return daily counts through Hormuz up to 5 days ago: usual, then a week of others."""
    last = NOW - timedelta(days=5)
    rows = [
        {
            "series": "portwatch:chokepoint6",
            "metric": "n_total",
            "observed_at": last - timedelta(days=i),
            "value": week if i < 7 else usual,
            "source": "portwatch_chokepoints",
            "retrieved_at": retrieved,
            **more,
        }
        for i in range(days)
    ]
    return observation_frame(rows)


def at_hormuz(world: World, table: pd.DataFrame) -> pd.Series[Any]:
    return observed(world, table, now=NOW).set_index("element").loc[HORMUZ]


@pytest.mark.parametrize(("week", "wanted"), [(8, 0.9), (80, 0), (120, 0), (0, 1)])
def test_observed_is_the_lost_share_of_the_usual_week(
    world: World, week: float, wanted: float
) -> None:
    row = at_hormuz(world, ships(week=week))
    assert row["observed"] == pytest.approx(wanted)
    assert row["observed_ratio"] == pytest.approx(week / 80)
    assert row["observed_on"] == pd.Timestamp(NOW - timedelta(days=5))
    assert row["observed_age_d"] == 5
    assert "provisional" in row["observed_flags"]


def test_few_ships_and_short_histories_are_not_judged(world: World) -> None:
    few = at_hormuz(world, ships(week=1, usual=4))
    assert isnan(few["observed"])
    assert "low_count" in few["observed_flags"]
    short = at_hormuz(world, ships(week=1, days=100))
    assert isnan(short["observed"])
    assert "short_history" in short["observed_flags"]


def test_the_newest_vintage_counts_and_a_rebase_is_told(world: World) -> None:
    earlier = ships(week=80, retrieved=NOW - timedelta(days=7))
    both = pd.concat([ships(week=35, usual=70), earlier])
    row = at_hormuz(world, both)
    assert row["observed_ratio"] == pytest.approx(0.5)
    assert "rebased" in row["observed_flags"]
    few = pd.concat([earlier, ships(week=40, days=7)])
    assert "rebased" not in at_hormuz(world, few)["observed_flags"]


def test_what_was_learned_later_is_left_out(world: World) -> None:
    later = ships(week=0, retrieved=NOW + timedelta(days=1))
    table = pd.concat([ships(week=80, retrieved=NOW - timedelta(days=1)), later])
    assert at_hormuz(world, table)["observed"] == 0


@pytest.mark.reference
@pytest.mark.parametrize(
    ("element", "day", "low", "high"),
    [
        (HORMUZ, "2026-03-20", 0.88, 1.0),
        ("chokepoint:suez", "2021-03-30", 0.5, 0.9),
        ("chokepoint:bab_el_mandeb", "2024-02-10", 0.35, 0.7),
        ("chokepoint:suez", "2022-08-31", 0.0, 0.15),  # aground for five hours
        (HORMUZ, "2021-12-31", 0.0, 0.3),  # the dip of every winter
    ],
)
def test_known_days_show_as_they_were(
    world: World, reference: Path, element: str, day: str, low: float, high: float
) -> None:
    table = _recorded(reference / "samples/portwatch/worldmonitor_chokepoint-transit-2026-07.json")
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    table = table.assign(retrieved_at=pd.Timestamp(at)).astype(dict(OBSERVATION))
    row = observed(world, table, now=at).set_index("element").loc[element]
    assert low <= row["observed"] <= high


ELSEWHERE = {"cape_of_good_hope": "cape_good_hope", "hormuz_strait": "hormuz"}


def _recorded(path: Path) -> pd.DataFrame:
    """Return the daily counts of a recorded file as observations."""
    held = json.loads(path.read_text("utf-8"))["chokepoints"]
    return observation_frame(
        {
            "element": f"chokepoint:{ELSEWHERE.get(id, id)}",
            "series": id,
            "metric": "n_total",
            "observed_at": f"{day['date']}T00:00:00+00:00",
            "value": day["total"],
            "retrieved_at": NOW,
        }
        for id, own in held.items()
        for day in own["history"]
    )


# Corridors and exposure


def test_a_corridor_is_its_legs_in_series(world: World) -> None:
    assert in_series([0.5, 0.2]) == pytest.approx(0.6)
    assert isnan(in_series([float("nan")]))
    states = feed_states(nga_warnings="live", gdacs_events="live")
    rows = [event(), event("nga_warnings:2", wkt="POINT (100.9 2.9)", confidence=0.5)]
    table = risk_table(world, event_frame(rows), observation_frame([]), states, now=NOW)
    known = table.set_index("element")["threat"]
    found = corridor_risk(world, table).set_index("element").loc["corridor:gulf_east_asia_oil"]
    legs = [known[HORMUZ], known[MALACCA], known["chokepoint:singapore_strait"]]
    assert found["threat"] == pytest.approx(1 - np.prod([1 - p for p in legs]))
    assert found["covered"]
    assert found["worst"] == HORMUZ


def test_an_uncovered_leg_is_named(world: World) -> None:
    states = feed_states(nga_warnings="live")
    table = risk_table(world, event_frame([]), observation_frame([]), states, now=NOW)
    found = corridor_risk(world, table).set_index("element").loc["corridor:yanbu_red_sea_bypass"]
    assert not found["covered"]
    assert "pipeline:east_west_petroline" in found["uncovered"]


def test_where_one_of_two_elements_will_do_the_safer_counts(world: World) -> None:
    corridor = "corridor:gulf_europe_suez"
    states = feed_states(gdacs_events="live")
    rows = event_frame([event(wkt="", assets="chokepoint:suez")])
    table = risk_table(world, rows, observation_frame([]), states, now=NOW)
    assert corridor_risk(world, table).set_index("element").loc[corridor, "threat"] == 0


def test_exposure_times_probability(world: World) -> None:
    states = feed_states(nga_warnings="live")
    table = risk_table(world, event_frame([event()]), observation_frame([]), states, now=NOW)
    exposure = pd.DataFrame({"element": [HORMUZ, "railway:china_laos"], "quantity_t": [100.0, 10]})
    found = risk_weighted(exposure, table).set_index("element")
    threatened = found.loc[HORMUZ]
    assert threatened["threat_weighted_t"] == pytest.approx(100 * threatened["threat"])
    assert threatened["disruption_weighted_t"] == pytest.approx(100 * threatened["disruption_30d"])
    assert isnan(found.loc["railway:china_laos", "threat_weighted_t"])


def test_in_force_leaves_the_table_given_as_it_was() -> None:
    rows = event_frame([event(), event("b:1", status="cancelled")])
    copy = rows.copy()
    assert len(in_force(rows, now=NOW)) == 1
    pd.testing.assert_frame_equal(rows, copy)
