"""Feeds of hazards, advice and alerts: what is kept, what is refused, and never a silent empty."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.errors import FeedError
from layers.events import EVENT, OBSERVATION
from layers.feeds import (
    acled_events,
    cap_url,
    eia_series,
    fcdo_advice,
    gdacs_events,
    georss_url,
    mfa_notices,
    nhc_storms,
    smartraveller_advice,
    usgs_earthquakes,
)
from layers.places import (
    areas,
    box,
    circle,
    countries_in,
    country,
    geojson,
    line,
    point,
    together,
)
from layers.source import Answer, Parsed, Request, Source, Walk
from layers.values import epoch_ms, flag, iso, link, mail, number, word

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def answer(body: object, url: str = "https://example.org/feed", at: datetime = NOW) -> Answer:
    """Return an answer with a body given as JSON, text or bytes."""
    if isinstance(body, str):
        body = body.encode()
    return Answer(url, body if isinstance(body, bytes) else json.dumps(body).encode(), at)


def rows(parsed: Parsed) -> list[dict[str, Any]]:
    """Return the events as plain records."""
    return parsed.events.to_dict("records")  # type: ignore[return-value]


def only(parsed: Parsed) -> dict[str, Any]:
    """Return the one event."""
    (row,) = rows(parsed)
    return row


def module(feed: str) -> Any:
    return import_module(f"layers.feeds.{feed}")


# Bodies small enough to read, right in every part

GDACS: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [-53.8, -24.2]},
            "properties": {
                "eventtype": "DR",
                "eventid": 1016449,
                "episodeid": 5,
                "name": "Drought in Argentina, Brazil",
                "alertlevel": "Green",
                "episodealertlevel": "Orange",
                "istemporary": "false",
                "iscurrent": "true",
                "country": "Argentina, Brazil, ,",
                "iso3": "ARG",
                "affectedcountries": [{"iso3": "ARG"}],
                "fromdate": "2023-06-11T00:00:00",
                "todate": "2026-05-10T00:00:00",
                "datemodified": "2026-06-03T13:07:01",
                "severitydata": {"severity": 320952.0, "severityunit": "km2"},
                "url": {"report": "https://www.gdacs.org/report.aspx?eventid=1016449&episodeid=5"},
            },
        }
    ],
}
GDACS_RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:gdacs="http://www.gdacs.org"
 xmlns:georss="http://www.georss.org/georss"><channel><title>t</title><item>
<title>Cyclone in Fiji</title><link>https://www.gdacs.org/report.aspx?eventid=7</link>
<pubDate>Sun, 29 Dec 2019 12:00:00 GMT</pubDate><guid>TC1000642</guid><dc:subject>TC2</dc:subject>
<gdacs:fromdate>Sun, 29 Dec 2019 12:00:00 GMT</gdacs:fromdate>
<gdacs:todate>Sun, 29 Dec 2019 18:00:00 GMT</gdacs:todate>
<gdacs:iscurrent>true</gdacs:iscurrent><gdacs:temporary>true</gdacs:temporary>
<gdacs:bbox>170 -176 -22 -14</gdacs:bbox></item></channel></rss>"""


def quake(id: str = "us1", **said: object) -> dict[str, Any]:
    """Return a feature of the USGS."""
    usual = {"mag": 5.4, "place": "Here", "time": 1787000000000, "updated": 1787000500000}
    usual |= {"status": "reviewed", "tsunami": 0, "type": "earthquake", "title": "M 5.4 - Here"}
    usual |= {"alert": None, "ids": f",{id},", "magType": "mww"}
    return {
        "type": "Feature",
        "id": id,
        "properties": {**usual, **said},
        "geometry": {"type": "Point", "coordinates": [29.1, 41.2, 10.0]},
    }


def quakes(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


STORM: dict[str, Any] = {
    "id": "al092026",
    "binNumber": "AT4",
    "name": "Helene",
    "classification": "HU",
    "intensity": "100",
    "pressure": "950",
    "latitudeNumeric": 20.0,
    "longitudeNumeric": -60.0,
    "movementDir": 270,
    "movementSpeed": 12,
    "lastUpdate": "2026-08-31T12:00:00.000Z",
    "publicAdvisory": {"url": "https://www.nhc.noaa.gov/text/MIATCPAT4.shtml"},
}
CONE: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"STORMNAME": "Helene", "BASIN": "al", "STORMNUM": 9},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[-60, 19], [-70, 18], [-70, 24], [-60, 21], [-60, 19]]],
            },
        }
    ],
}


def child(slug: str, **said: object) -> dict[str, Any]:
    """Return an entry of the FCDO's index."""
    return {"base_path": f"/foreign-travel-advice/{slug}", "withdrawn": False} | {
        "details": {"country": {"slug": slug, "name": slug.title()}},
        **said,
    }


def index(*children: dict[str, Any]) -> dict[str, Any]:
    return {"content_id": "index", "links": {"children": list(children)}}


def advice(slug: str, *alerts: str, **said: object) -> dict[str, Any]:
    """Return a country page of the FCDO."""
    details = {"country": {"slug": slug, "name": slug.title()}, "alert_status": list(alerts)}
    details |= {"updated_at": "2026-08-01T10:00:00+01:00", "change_description": "<p>News</p>"}
    page = {"content_id": f"id-{slug}", "base_path": f"/foreign-travel-advice/{slug}"}
    return {**page, "title": slug, "locale": "en", "links": {}, "details": details, **said}


SMARTRAVELLER: list[dict[str, Any]] = [
    {
        "title": "Yemen",
        "field_overall_advice_level": "Do not travel",
        "field_last_update": "<p>Do not travel to Yemen.</p>",
        "field_url": "https://www.smartraveller.gov.au/destinations/middle-east/yemen",
        "changed": "Fri, 2026-08-14 14:22",
    }
]


def notices(*items: tuple[str, str, str]) -> str:
    """Return the ministry's RSS with (title, description, date) items."""
    inside = "".join(
        f"<item><title>{title}</title><link>./202608/t{n}.html</link>"
        f"<description>{text}</description><pubDate>{date}</pubDate></item>"
        for n, (title, text, date) in enumerate(items)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?><rss><channel>{inside}</channel></rss>'


MFA = notices(("提醒中国公民暂勿前往伊朗", "有效期至2026年10月31日。", "2026-08-20 10:00:00"))
CAP = """<?xml version="1.0"?><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
<identifier>one</identifier><sender>us@example.org</sender><sent>2026-08-31T10:00:00+02:00</sent>
<status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
<info><language>fr-FR</language><category>Met</category><event>orage</event>
<urgency>Expected</urgency><severity>Extreme</severity><certainty>Likely</certainty></info>
<info><language>en-GB</language><category>Met</category><event>storm</event>
<urgency>Expected</urgency><severity>Severe</severity><certainty>Likely</certainty>
<onset>2026-08-31T12:00:00-00:00</onset><expires>2026-09-02T00:00:00-00:00</expires>
<headline>Storm &lt;b&gt;warning&lt;/b&gt;</headline><web>javascript:alert(1)</web>
<area><areaDesc>Here</areaDesc><polygon>10,20 10,22 12,22 12,20 10,20</polygon></area>
</info></alert>"""
ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"
 xmlns:georss="http://www.georss.org/georss" xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2">
<entry><id>urn:1</id><title>Mine seen</title><updated>2026-08-30T06:00:00Z</updated>
<link href="https://example.org/1"/><cap:severity>Severe</cap:severity>
<georss:point>26.5 56.5</georss:point></entry></feed>"""
GEOJSON: dict[str, Any] = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "id": 7,
            "properties": {"name": "Drifting mine", "time": 1787000000000, "severity": 3},
            "geometry": {"type": "Point", "coordinates": [56.5, 26.5]},
        }
    ],
}
ACLED: dict[str, Any] = {
    "success": True,
    "data": [
        {
            "event_id_cnty": "YEM1",
            "event_date": "2026-08-20",
            "event_type": "Explosions/Remote violence",
            "sub_event_type": "Shelling",
            "location": "Al Hudaydah",
            "country": "Yemen",
            "latitude": "14.79",
            "longitude": "42.95",
            "geo_precision": "1",
            "fatalities": "7",
            "timestamp": "1787400000",
        }
    ],
}
EIA_AT = "https://api.eia.gov/v2/seriesid/PET.RBRTE.D?api_key=EIA_API_KEY&num=400"


def prices(*values: object) -> dict[str, Any]:
    """Return the EIA's answer with one value a day, the newest first, as it sends them."""
    days = [datetime(2026, 1, 1) + timedelta(days=n) for n in range(len(values))]
    held = [{"period": f"{d:%Y-%m-%d}", "value": v} for d, v in zip(days, values, strict=True)]
    return {"response": {"total": str(len(values)), "data": held[::-1]}}


WOBBLE = [str(80 + n % 3) for n in range(80)]
VALID: Mapping[str, list[Answer]] = {
    "gdacs_events": [answer(GDACS)],
    "usgs_earthquakes": [answer(quakes(quake("us1"), quake("us2", mag=6.1)))],
    "nhc_storms": [answer({"activeStorms": [STORM]}), answer(CONE)],
    "fcdo_advice": [
        answer(index(child("iran"))),
        answer(advice("iran", "avoid_all_travel_to_parts")),
    ],
    "smartraveller_advice": [answer(SMARTRAVELLER)],
    "mfa_notices": [answer(MFA)],
    "cap_url": [answer(CAP)],
    "georss_url": [answer(ATOM)],
    "acled_events": [answer(ACLED)],
    "eia_series": [answer(prices(*WOBBLE), EIA_AT)],
}
"""Right answers of each feed: what holds for every feed is tried on them."""
FEEDS = tuple(VALID)


# What holds for every feed


@pytest.mark.parametrize("feed", FEEDS)
def test_source_says_who_under_which_terms_and_how_often(feed: str) -> None:
    source: Source = module(feed).SOURCE
    assert source.id == feed
    assert all([source.title, source.publisher, source.licence, source.attribution])
    assert timedelta() < source.every < source.stale_after
    assert source.homepage.startswith("https://")
    for request in source.asks(NOW):
        assert request.url.startswith("https://")


@pytest.mark.parametrize("feed", FEEDS)
def test_a_right_body_is_kept_whole_and_says_where_it_is_from(feed: str) -> None:
    parsed = module(feed).parse(VALID[feed])
    check(parsed)
    assert parsed.records_in > 0
    assert not parsed.skipped
    assert parsed.content_as_of is not None
    for row in rows(parsed):
        assert (
            row["severity_basis"].endswith(f"-> {row['severity']}") or "->" in row["severity_basis"]
        )
        assert re.search(r"\d", row["severity_basis"])
        assert row["raw_sha256"]
        assert row["licence"]
        assert row["title"]


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"<!doctype html><html><body>Please limit requests</body></html>",
        b"{}",
        b"[]",
        b"null",
        b'"ok"',
        b'{"error": {"code": 400, "message": "no", "details": ["why"]}}',
        b"<rss/>",
        b"<a><b></a>",
        b"\x1f\x8b\x08\x00",
        b"[" * 5000,
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><rss><channel>&x;</channel></rss>',
    ],
    ids=repr,
)
def test_what_is_no_answer_is_refused(feed: str, body: bytes) -> None:
    if feed in ("cap_url", "georss_url") and body == b"<rss/>":
        assert module(feed).parse([answer(body)]).records_in == 0  # a list of nothing is one
        return
    with pytest.raises(FeedError):
        module(feed).parse([answer(body)])


def check(parsed: Parsed) -> None:
    """Fail for a result that is not of the tables' shape, or an "all clear" nobody gave."""
    events, observations = parsed.events, parsed.observations
    assert dict(events.dtypes.astype(str)) == dict(EVENT)
    assert dict(observations.dtypes.astype(str)) == dict(OBSERVATION)
    assert parsed.records_in == 0 or len(events) + len(observations) > 0
    assert events["severity"].between(0, 4).all()
    assert (events["severity_basis"] != "").all()
    assert events["event_uid"].is_unique
    assert (events["source_url"].str.match(r"https?://|$")).all()
    assert events["status"].isin(["active", "ended", "cancelled", "superseded"]).all()
    for text in [*events["title"], *events["summary"]]:
        assert "<" not in text
    for text in filter(None, events["wkt"]):
        shape = shapely.from_wkt(text)
        west, south, east, north = shape.bounds
        assert -180 <= west <= east <= 180
        assert -90 <= south <= north <= 90
        assert shape.is_valid


# GDACS


def test_gdacs_takes_the_higher_of_event_and_episode() -> None:
    row = only(gdacs_events.parse([answer(GDACS)]))
    assert row["severity"] == 2
    assert row["severity_basis"].startswith("GDACS episodealertlevel orange -> 2")
    assert row["status"] == "active"
    assert str(row["ends_at"]) == "NaT"  # current: todate is that of the last report
    assert row["countries"] == "ARG;BRA"
    assert row["updated_at"] == datetime(2026, 6, 3, 13, 7, 1, tzinfo=UTC)
    assert row["geom_role"] == "centroid"


def test_gdacs_flags_are_words_and_an_event_past_has_an_end() -> None:
    body = copy.deepcopy(GDACS)
    body["features"][0]["properties"] |= {"iscurrent": "false", "istemporary": "true"}
    row = only(gdacs_events.parse([answer(body)]))
    assert (row["status"], row["certainty"]) == ("ended", "possible")
    assert row["ends_at"] == datetime(2026, 5, 10, tzinfo=UTC)
    assert row["quality_flags"] == "temporary"


def test_gdacs_rss_box_is_lon_lon_lat_lat_and_crosses_the_antimeridian() -> None:
    row = only(gdacs_events.parse([answer(GDACS_RSS)]))
    assert row["wkt"] == "POINT (177 -18)"
    assert (row["quality_flags"], row["geom_role"]) == ("temporary;bbox_only", "centroid")
    assert (row["severity"], row["severity_native"]) == (2, "orange")  # of dc:subject TC2
    assert str(row["published_at"]) == "NaT"  # pubDate is the start


def test_gdacs_point_is_lat_lon_and_goes_before_the_box() -> None:
    placed = GDACS_RSS.replace("</item>", "<georss:point>-18.5 178.25</georss:point></item>")
    assert only(gdacs_events.parse([answer(placed)]))["wkt"] == "POINT (178.25 -18.5)"


def test_gdacs_keeps_the_newest_episode_of_an_event() -> None:
    older = copy.deepcopy(GDACS)
    older["features"][0]["properties"] |= {"episodeid": 4, "episodealertlevel": "Red"}
    parsed = gdacs_events.parse([answer(GDACS), answer(older)])
    assert only(parsed)["severity"] == 2
    assert parsed.records_in == 2
    assert sum(parsed.skipped.values()) == 1


def gdacs_list(count: int, request: Request) -> Answer:
    feature = GDACS["features"][0]
    features = [
        {**feature, "properties": {**feature["properties"], "eventid": n}} for n in range(count)
    ]
    query = "&".join(f"{name}={value}" for name, value in request.params.items())
    return answer({"type": "FeatureCollection", "features": features}, f"{request.url}?{query}")


def test_gdacs_asks_a_full_window_again_in_halves_until_it_fits() -> None:
    asked = gdacs_events.SOURCE.asks(NOW)
    assert [request.params.get("eventlist") for request in asked[1:]] == list(gdacs_events.TYPES)
    first = asked[1]
    full = gdacs_list(100, first)
    with pytest.raises(FeedError, match="truncated"):
        gdacs_events.parse([full])
    answers, request = [full], gdacs_events.next_page(first, full)
    while request is not None:
        answers.append(gdacs_list(40, request))
        request = gdacs_events.next_page(request, answers[-1])
    assert len(answers) == 3
    assert len(gdacs_events.parse(answers).events) == 100
    assert gdacs_events.next_page(first, gdacs_list(99, first)) is None


def test_gdacs_gives_up_on_a_day_that_is_full() -> None:
    request = Request(gdacs_events.SEARCH, {"eventlist": "EQ", "fromdate": "2026-08-01"})
    day = Request(request.url, {**request.params, "todate": "2026-08-02"})
    assert gdacs_events.next_page(day, gdacs_list(100, day)) is None
    with pytest.raises(FeedError, match="truncated"):
        gdacs_events.parse([gdacs_list(100, day)])


# USGS


@pytest.mark.parametrize(
    ("said", "severity", "basis"),
    [
        ({"alert": "red", "mag": 5.0}, 4, "PAGER red -> 4"),
        ({"alert": "orange", "mag": 7.5}, 3, "PAGER orange -> 3"),
        ({"alert": "yellow"}, 2, "PAGER yellow -> 2"),
        ({"alert": "green", "mag": 7.0}, 3, "M 7 >= 7 -> 3"),
        ({"mag": 6.0}, 2, "M 6 >= 6 -> 2"),
        ({"mag": 5.0}, 1, "M 5 >= 5 -> 1"),
        ({"mag": 4.9}, 0, "M 4.9 < 5 -> 0"),
        ({"mag": 6.5, "tsunami": 1}, 3, "M 6.5 >= 6 -> 2; tsunami=1 -> +1"),
        ({"alert": "red", "tsunami": 1}, 4, "PAGER red -> 4; tsunami=1 -> +1"),
        ({"alert": "red", "mag": None}, 4, "PAGER red -> 4"),
    ],
)
def test_usgs_severity(said: dict[str, Any], severity: int, basis: str) -> None:
    row = only(usgs_earthquakes.parse([answer(quakes(quake(**said)))]))
    assert (row["severity"], row["severity_basis"]) == (severity, basis)


def test_usgs_null_magnitude_tells_nothing_and_null_depth_no_depth() -> None:
    deep = quake("us2")
    deep["geometry"]["coordinates"] = [29.1, 41.2, None]
    parsed = usgs_earthquakes.parse([answer(quakes(quake("us1", mag=None), deep))])
    assert parsed.skipped == {"no magnitude and no PAGER alert": 1}
    assert "Depth" not in only(parsed)["summary"]


def test_usgs_one_row_for_all_ids_of_an_earthquake_the_last_word() -> None:
    older = quake("ci9", ids=",ci9,us1,", mag=6.9, updated=1787000100000)
    newer = quake("us1", ids=",ci9,us1,", mag=5.4)
    parsed = usgs_earthquakes.parse([answer(quakes(older)), answer(quakes(newer))])
    row = only(parsed)
    assert (row["source_id"], row["metric_value"]) == ("us1", 5.4)
    assert row["quality_flags"] == "alias:ci9"
    assert sum(parsed.skipped.values()) == 1


def test_usgs_taken_back_is_cancelled_and_a_blast_is_none() -> None:
    body = quakes(quake("us1", status="deleted", mag=None), quake("us2", type="quarry blast"))
    parsed = usgs_earthquakes.parse([answer(body)])
    row = only(parsed)
    assert (row["status"], row["msg_type"], row["severity"]) == ("cancelled", "cancel", 0)
    assert parsed.skipped == {"made by man: a blast or a boom": 1}


def test_usgs_week_without_earthquakes_is_a_fault() -> None:
    with pytest.raises(FeedError, match="too_few"):
        usgs_earthquakes.parse([answer(quakes())])


# NHC


def test_nhc_quiet_seas_are_empty_and_a_missing_list_is_a_fault() -> None:
    parsed = nhc_storms.parse([answer({"activeStorms": []})])
    assert (parsed.records_in, len(parsed.events), parsed.content_as_of) == (0, 0, None)
    assert nhc_storms.SOURCE.expected_min == 0
    bodies: list[object] = [{}, {"activeStorms": None}, {"active_storms": []}, []]
    for body in bodies:
        with pytest.raises(FeedError, match="missing_key"):
            nhc_storms.parse([answer(body)])


@pytest.mark.parametrize(
    ("wind", "severity"), [("96", 4), ("95", 3), ("64", 3), ("63", 2), ("34", 2), ("33", 1)]
)
def test_nhc_severity_by_knots_given_as_words(wind: str, severity: int) -> None:
    row = only(nhc_storms.parse([answer({"activeStorms": [{**STORM, "intensity": wind}]})]))
    assert row["severity"] == severity
    assert f"wind {wind} kt" in row["severity_basis"]


def test_nhc_cone_joins_by_storm_not_by_slot() -> None:
    other = {**STORM, "id": "al102026", "name": "Isaac"}
    parsed = nhc_storms.parse([answer({"activeStorms": [STORM, other]}), answer(CONE)])
    helene, isaac = rows(parsed)
    assert helene["geom_role"] == "affected_area"
    assert helene["wkt"].startswith("POLYGON")
    assert (isaac["wkt"], isaac["quality_flags"]) == ("POINT (-60 20)", "no_cone")


def test_nhc_asks_for_the_cone_of_each_storm() -> None:
    first = nhc_storms.SOURCE.asks(NOW)[0]
    listed = answer({"activeStorms": [STORM, {**STORM, "binNumber": "EP1"}, {"binNumber": "??"}]})
    second = nhc_storms.next_page(first, listed)
    assert isinstance(second, Walk)
    assert second.url.endswith("/MapServer/86/query")  # 4 + 26 * 3 + 4
    third = nhc_storms.next_page(second, answer(CONE))
    assert third is not None
    assert third.url.endswith("/MapServer/138/query")  # 134 + 4
    assert nhc_storms.next_page(third, answer(CONE)) is None
    assert nhc_storms.next_page(first, answer({"activeStorms": []})) is None


def test_nhc_storm_no_more_tropical_has_ended() -> None:
    row = only(nhc_storms.parse([answer({"activeStorms": [{**STORM, "classification": "PT"}]})]))
    assert row["status"] == "ended"
    assert row["ends_at"] == row["updated_at"]


def test_nhc_cone_over_the_antimeridian_is_split_and_its_fault_is_one() -> None:
    cone = copy.deepcopy(CONE)
    cone["features"][0]["geometry"]["coordinates"] = [
        [[170, 10], [-170, 10], [-170, 20], [170, 20]]
    ]
    row = only(nhc_storms.parse([answer({"activeStorms": [STORM]}), answer(cone)]))
    assert row["wkt"].startswith("MULTIPOLYGON")
    fault = answer({"error": {"code": 500, "message": "Error performing query"}})
    with pytest.raises(FeedError, match="error_in_200"):
        nhc_storms.parse([answer({"activeStorms": [STORM]}), fault])


# FCDO


@pytest.mark.parametrize(
    ("alerts", "severity"),
    [
        ((), 0),
        (("avoid_all_but_essential_travel_to_parts",), 2),
        (("avoid_all_but_essential_travel_to_whole_country",), 3),
        (("avoid_all_travel_to_parts",), 3),
        (("avoid_all_but_essential_travel_to_parts", "avoid_all_travel_to_whole_country"), 4),
        (("see_our_new_words",), 2),
    ],
)
def test_fcdo_severity_is_that_of_the_worst_status(alerts: tuple[str, ...], severity: int) -> None:
    row = only(fcdo_advice.parse([answer(advice("iran", *alerts))]))
    assert row["severity"] == severity
    assert row["countries"] == "IRN"
    assert row["updated_at"] == datetime(2026, 8, 1, 9, tzinfo=UTC)
    assert row["summary"] == "News"
    assert ("unknown_status" in row["quality_flags"]) == ("see_our_new_words" in alerts)


def test_fcdo_walks_the_index_along_the_corridors() -> None:
    listed = index(child("iran"), child("andorra"), child("yemen"), child("oman", withdrawn=True))
    first = fcdo_advice.SOURCE.asks(NOW)[0]
    second = fcdo_advice.next_page(first, answer(listed))
    assert second is not None
    third = fcdo_advice.next_page(second, answer(advice("iran")))
    assert third is not None
    assert [second.url.rpartition("/")[2], third.url.rpartition("/")[2]] == ["iran", "yemen"]
    assert fcdo_advice.next_page(third, answer(advice("yemen"))) is None
    parsed = fcdo_advice.parse([answer(b) for b in (listed, advice("iran"), advice("yemen"))])
    assert parsed.records_in == 4
    assert parsed.skipped == {"withdrawn": 1, "not along a corridor, so not asked": 1}
    with pytest.raises(FeedError, match="partial_coverage"):
        fcdo_advice.parse([answer(listed), answer(advice("iran"))])


def test_fcdo_withdrawn_is_cancelled_and_a_renamed_field_no_all_clear() -> None:
    gone = advice("iran", withdrawn_notice={"explanation": "merged"})
    assert only(fcdo_advice.parse([answer(gone)]))["status"] == "cancelled"
    renamed = advice("iran")
    renamed["details"]["alertStatus"] = renamed["details"].pop("alert_status")
    with pytest.raises(FeedError, match="no list alert_status"):
        fcdo_advice.parse([answer(renamed)])


# Smartraveller


@pytest.mark.parametrize(("level", "severity"), [(4, 4), (3, 3), (2, 1), (1, 0)])
def test_smartraveller_levels(level: int, severity: int) -> None:
    record = {"name": "Oman", "iso3": "OMN", "level": level, "updated": "2026-08-01"}
    row = only(smartraveller_advice.parse([answer({"countries": [record]})]))
    assert row["severity"] == severity
    assert row["severity_basis"] == f"Smartraveller level {level} -> {severity}"


def test_smartraveller_export_has_words_for_levels_and_canberra_time() -> None:
    row = only(smartraveller_advice.parse([answer(SMARTRAVELLER)]))
    assert (row["severity"], row["countries"]) == (4, "YEM")
    assert row["updated_at"] == datetime(2026, 8, 14, 4, 22, tzinfo=UTC)
    assert row["summary"] == "Do not travel to Yemen."


def test_smartraveller_worse_parts_are_said_and_a_strange_level_is_skipped() -> None:
    record = {"name": "Jordan", "level": 2, "updated": "2026-08-01", "subRegions": [{"level": 3}]}
    parsed = smartraveller_advice.parse([answer([record, {**record, "name": "Mars", "level": 5}])])
    assert only(parsed)["quality_flags"] == "higher_level_in_parts:3"
    assert parsed.skipped == {"no level from 1 to 4": 1}


# China MFA


@pytest.mark.parametrize(
    ("title", "severity", "verb"),
    [
        ("提醒在伊朗中国公民尽快撤离", 4, "撤离"),
        ("提醒中国公民暂勿前往也门", 3, "暂勿前往"),
        ("提醒中国公民谨慎前往黎巴嫩", 2, "谨慎前往"),
        ("提醒在阿联酋中国公民注意安全", 1, "注意"),
        ("领事服务信息", 0, "no verb"),
    ],
)
def test_mfa_severity_by_verb(title: str, severity: int, verb: str) -> None:
    row = only(mfa_notices.parse([answer(notices((title, "", "2026-08-20 10:00:00")))]))
    assert (row["severity"], row["lang"]) == (severity, "zh")
    assert verb in row["severity_basis"]


def test_mfa_an_order_in_the_text_counts_a_remark_does_not() -> None:
    title, date = "提醒中国公民暂勿前往南苏丹和索马里", "Thu, 20 Aug 2026 02:00:00 GMT"
    order = only(mfa_notices.parse([answer(notices((title, "已在当地的请尽快撤离。", date)))]))
    remark = only(mfa_notices.parse([answer(notices((title, "使馆已协助部分人员撤离。", date)))]))
    assert (order["severity"], remark["severity"]) == (4, 3)
    assert order["countries"] == "SSD;SOM"  # neither Sudan nor Mali
    assert order["onset_at"] == datetime(2026, 8, 20, 2, tzinfo=UTC)


def test_mfa_validity_ends_with_its_last_day_in_beijing() -> None:
    row = only(mfa_notices.parse([answer(MFA)]))
    assert row["onset_at"] == datetime(2026, 8, 20, 2, tzinfo=UTC)
    assert row["ends_at"] == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert row["status"] == "active"
    over = notices(("提醒注意安全", "（有效期自即日起至8月31日）", "2026-08-20 10:00:00"))
    assert only(mfa_notices.parse([answer(over)]))["status"] == "ended"
    next_year = notices(("提醒注意安全", "有效期至1月31日", "2026-08-20 10:00:00"))
    assert only(mfa_notices.parse([answer(next_year)]))["ends_at"].year == 2027


def test_mfa_a_list_without_notices_or_of_another_publisher_is_a_fault() -> None:
    with pytest.raises(FeedError, match="too_few"):
        mfa_notices.parse([answer(notices())])
    with pytest.raises(FeedError, match="no link to the ministry"):
        mfa_notices.parse([answer(MFA.replace("./202608", "https://example.org"))])


# CAP


def test_cap_several_informations_are_languages_and_polygons_lat_lon() -> None:
    row = only(cap_url.parse([answer(CAP)]))
    assert (row["lang"], row["severity"], row["severity_native"]) == ("en-GB", 3, "Severe")
    assert row["severity_basis"] == "CAP severity Severe -> 3"
    assert shapely.from_wkt(row["wkt"]).equals(shapely.box(20, 10, 22, 12))
    assert row["published_at"] == datetime(2026, 8, 31, 8, tzinfo=UTC)
    assert row["ends_at"] == datetime(2026, 9, 2, tzinfo=UTC)
    assert (row["title"], row["source_url"], row["status"]) == ("Storm warning", "", "active")


def test_cap_circle_has_a_radius_in_km_and_none_makes_a_point() -> None:
    polygon = "<polygon>10,20 10,22 12,22 12,20 10,20</polygon>"
    wide = only(cap_url.parse([answer(CAP.replace(polygon, "<circle>0,179.9 50</circle>"))]))
    tiny = only(cap_url.parse([answer(CAP.replace(polygon, "<circle>-16.05,-173.2 0.0</circle>"))]))
    assert wide["wkt"].startswith("MULTIPOLYGON")
    assert (tiny["wkt"], tiny["geom_role"]) == ("POINT (-173.2 -16.05)", "event")


@pytest.mark.parametrize(("kind", "status"), [("Update", "superseded"), ("Cancel", "cancelled")])
def test_cap_updates_and_cancellations_reach_what_they_refer_to(kind: str, status: str) -> None:
    said = "<references>us@example.org,one,2026-08-31T10:00:00+02:00</references><scope>"
    later = CAP.replace("<identifier>one", "<identifier>two").replace("<scope>", said)
    later = later.replace("<msgType>Alert", f"<msgType>{kind}").replace(
        "T10:00:00+02", "T11:00:00+02"
    )
    for order in ([answer(CAP), answer(later)], [answer(later), answer(CAP)]):
        found = {row["source_id"]: row for row in rows(cap_url.parse(order))}
        assert found["one"]["status"] == status
        assert found["one"]["event_uid"] == "cap_url:us@example.org,one"
        assert ("two" in found) == (kind == "Update")


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("+02:00</sent>", "</sent>", "sent is no time with an offset"),
        ("<identifier>one</identifier>", "", "no identifier"),
        ("<msgType>Alert", "<references/><msgType>Update", "references are empty"),
        ("<msgType>Alert", "<msgType>Cancel", "references are empty"),
        ("<msgType>Alert", "<msgType>Ack", "message of type Ack"),
    ],
)
def test_cap_wrong_alerts_are_faults(old: str, new: str, why: str) -> None:
    assert old in CAP
    with pytest.raises(FeedError, match=why):
        cap_url.parse([answer(CAP.replace(old, new))])


def test_cap_expiry_all_clear_and_exercises() -> None:
    assert only(cap_url.parse([answer(CAP, at=NOW + timedelta(days=1))]))["status"] == "ended"
    clear = CAP.replace("<urgency>", "<responseType>AllClear</responseType><urgency>")
    assert only(cap_url.parse([answer(clear)]))["quality_flags"] == "all_clear"
    drill = cap_url.parse([answer(CAP.replace("Actual", "Exercise"))])
    assert (len(drill.events), drill.skipped) == (0, {"exercise, test or draft": 1})


def test_cap_follows_a_list_to_alerts_on_its_own_host_only() -> None:
    feed = """<feed xmlns="http://www.w3.org/2005/Atom"><entry><link href="/page"/>
    <link type="application/cap+xml" href="/one.xml"/></entry>
    <entry><link href="https://elsewhere.example/two.xml"/></entry></feed>"""
    request = Request("https://example.org/list")
    followed = cap_url.next_page(request, answer(feed))
    assert isinstance(followed, Walk)
    assert (followed.url, followed.rest) == ("https://example.org/one.xml", ())
    assert cap_url.next_page(followed, answer(CAP)) is None
    assert cap_url.next_page(request, answer(CAP)) is None
    assert len(cap_url.parse([answer(feed), answer(CAP)]).events) == 1
    with pytest.raises(FeedError, match="partial_coverage"):
        cap_url.parse([answer(feed)])


def test_addresses_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for feed in (cap_url, georss_url):
        monkeypatch.delenv(feed.ADDRESSES, raising=False)
        assert feed.SOURCE.asks(NOW) == []
        assert feed.SOURCE.needs == (feed.ADDRESSES,)
        monkeypatch.setenv(feed.ADDRESSES, "https://a.example/x ; https://b.example/y;")
        urls = [request.url for request in feed.SOURCE.asks(NOW)]
        assert urls == ["https://a.example/x", "https://b.example/y"]


# GeoRSS and GeoJSON


def test_georss_point_is_lat_lon_and_severity_only_as_stated() -> None:
    row = only(georss_url.parse([answer(ATOM)]))
    assert (row["wkt"], row["severity"]) == ("POINT (56.5 26.5)", 3)
    silent = ATOM.replace("<cap:severity>Severe</cap:severity>", "")
    assert only(georss_url.parse([answer(silent)]))["severity_basis"] == "no severity stated -> 0"


@pytest.mark.parametrize(
    ("shape", "wkt"),
    [
        ("<georss:line>0 10 0 20</georss:line>", "LINESTRING (10 0, 20 0)"),
        ("<georss:box>-5 175 5 -175</georss:box>", "MULTIPOLYGON"),
        ("<georss:polygon>0 10 0 12 2 12 0 10</georss:polygon>", "POLYGON (("),
        ("<georss:circle>0 10 20000</georss:circle>", "POLYGON"),
        ("<georss:point>91 10</georss:point>", ""),
        ("<georss:point>here</georss:point>", ""),
    ],
)
def test_georss_shapes(shape: str, wkt: str) -> None:
    body = ATOM.replace("<georss:point>26.5 56.5</georss:point>", shape)
    row = only(georss_url.parse([answer(body)]))
    assert row["wkt"].startswith(wkt) if wkt else row["wkt"] == ""
    assert ("not_placed" in row["quality_flags"]) == (wkt == "")


def test_georss_w3c_and_gml_points_in_rss_items() -> None:
    rss = """<rss xmlns:geo="http://www.w3.org/2003/01/geo/wgs84_pos#"
    xmlns:gml="http://www.opengis.net/gml"><channel><item><title>a</title><guid>1</guid>
    <pubDate>Mon, 31 Aug 2026 00:00:00 GMT</pubDate><geo:lat>1.5</geo:lat><geo:long>2.5</geo:long>
    </item><item><title>b</title><guid>2</guid><pubDate>Mon, 31 Aug 2026 00:00:00 GMT</pubDate>
    <where><gml:Point><gml:pos>3 4</gml:pos></gml:Point></where></item><item><title>c</title>
    <guid>3</guid><pubDate>Mon, 31 Aug 2026 00:00:00 GMT</pubDate><geo:Point><geo:lat>5</geo:lat>
    <geo:long>6</geo:long></geo:Point></item></channel></rss>"""
    places = [row["wkt"] for row in rows(georss_url.parse([answer(rss)]))]
    assert places == ["POINT (2.5 1.5)", "POINT (4 3)", "POINT (6 5)"]


def test_geojson_is_lon_lat_and_an_id_is_made_where_none_is() -> None:
    row = only(georss_url.parse([answer(GEOJSON)]))
    assert (row["source_id"], row["wkt"], row["severity"]) == ("7", "POINT (56.5 26.5)", 3)
    nameless = copy.deepcopy(GEOJSON)
    del nameless["features"][0]["id"]
    first, second = (only(georss_url.parse([answer(nameless)])) for _ in range(2))
    assert first["quality_flags"] == "derived_id"
    assert first["event_uid"] == second["event_uid"]


def test_georss_newest_entry_of_an_id_wins_and_times_need_a_zone() -> None:
    entry = ATOM[ATOM.index("<entry>") : ATOM.index("</feed>")]
    newer = entry.replace("2026-08-30", "2026-08-31").replace("Mine seen", "Mine gone")
    undated = entry.replace("06:00:00Z", "06:00:00")
    parsed = georss_url.parse([answer(ATOM.replace(entry, newer + entry + undated))])
    assert only(parsed)["title"] == "Mine gone"
    assert parsed.skipped == {
        "an older or equal entry of the same id": 1,
        "no date with a zone": 1,
    }


# ACLED and EIA


def test_acled_is_dark_without_a_token_and_never_leaves() -> None:
    assert acled_events.SOURCE.needs == ("ACLED_TOKEN",)
    assert not acled_events.SOURCE.redistribute
    (request,) = acled_events.SOURCE.asks(NOW)
    assert request.headers == {"Authorization": "Bearer {ACLED_TOKEN}"}
    assert request.params["event_date"] == "2026-08-02|2026-09-01"
    row = only(acled_events.parse([answer(ACLED)]))
    assert (row["severity"], row["severity_basis"]) == (2, "fatalities 7 >= 5 -> 2")
    assert (row["countries"], row["wkt"]) == ("YEM", "POINT (42.95 14.79)")
    assert not row["redistribute"]


def test_acled_pages_until_one_is_not_full_and_centroids_are_no_places() -> None:
    (request,) = acled_events.SOURCE.asks(NOW)
    full = answer({"success": True, "data": ACLED["data"] * acled_events.PAGE})
    following = acled_events.next_page(request, full)
    assert following is not None
    assert following.params["page"] == "2"
    assert acled_events.next_page(following, answer(ACLED)) is None
    with pytest.raises(FeedError, match="truncated"):
        acled_events.parse([full])
    vague = {**ACLED["data"][0], "geo_precision": "3", "fatalities": None}
    row = only(acled_events.parse([answer({"data": [vague]})]))
    assert (row["wkt"], row["quality_flags"]) == ("", "no_fatalities_given")
    with pytest.raises(FeedError, match="error_in_200"):
        acled_events.parse([answer({"success": False, "message": "Access denied", "data": []})])


def test_eia_values_are_words_missing_ones_are_none_and_calm_prices_no_event() -> None:
    parsed = eia_series.parse([answer(prices(*WOBBLE, None, "", "."), EIA_AT)])
    assert len(parsed.observations) == len(WOBBLE)
    assert parsed.skipped == {"no value": 3}
    assert len(parsed.events) == 0
    row = parsed.observations.iloc[-1]
    assert (row["series"], row["metric"]) == ("eia_series:PET.RBRTE.D", "price_brent")
    assert (row["value"], row["unit"]) == (80.0, "USD/bbl")


def test_eia_an_unusual_move_of_a_price_is_an_event() -> None:
    row = only(eia_series.parse([answer(prices(*WOBBLE, "120"), EIA_AT)]))
    assert (row["kind"], row["severity"], row["direction"]) == ("price_move", 3, "above")
    assert re.match(r"\|z\| [\d.]+ of 5-day move vs 1 y > 4 -> 3", row["severity_basis"])
    stocks = EIA_AT.replace("PET.RBRTE.D", "PET.WCESTUS1.W")
    assert len(eia_series.parse([answer(prices(*WOBBLE, "120"), stocks)]).events) == 0


def test_eia_needs_a_key_and_a_series_it_knows() -> None:
    assert eia_series.SOURCE.needs == ("EIA_API_KEY",)
    assert all(r.params["api_key"] == "{EIA_API_KEY}" for r in eia_series.SOURCE.asks(NOW))
    with pytest.raises(FeedError, match="nothing_understood"):
        eia_series.parse([answer(prices(*WOBBLE), "https://api.eia.gov/v2/seriesid/OTHER.X")])
    with pytest.raises(FeedError, match="error_in_200"):
        eia_series.parse([answer({"error": "API_KEY_INVALID"}, EIA_AT)])


# Values and places


def test_values_mean_what_they_say_or_nothing() -> None:
    assert iso("2026-05-10T00:00:00") is None
    assert iso("2026-05-10T00:00:00", zone=UTC) == datetime(2026, 5, 10, tzinfo=UTC)
    assert iso("2026-05-10T02:00:00-00:00") == datetime(2026, 5, 10, 2, tzinfo=UTC)
    assert iso("0001-01-01T00:00:00+14:00") is None
    assert mail("Mon, 30 Dec 2019 00:17:00 GMT") == datetime(2019, 12, 30, 0, 17, tzinfo=UTC)
    assert mail("someday") is None
    assert epoch_ms(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert epoch_ms(10**300) is None
    assert (number("1.5"), number("nan"), number(True), number(10**400)) == (1.5, None, None, None)
    assert (flag("false"), flag("TRUE"), flag("no"), flag(None)) == (False, True, None, None)
    assert (link("javascript:alert(1)"), link('https://a"b'), link("//a")) == ("", "", "")
    assert (word(12), word(True), word(None), word("<b>a</b>")) == ("12", "", "", "a")


def test_places_cross_the_antimeridian_in_parts() -> None:
    ring = [(170.0, -10.0), (-170.0, -10.0), (-170.0, 10.0), (170.0, 10.0)]
    shape = shapely.from_wkt(areas([ring]))
    assert shape.area == pytest.approx(400)
    assert shape.geom_type == "MultiPolygon"
    assert shapely.from_wkt(box(170, -10, -170, 10)).equals(shape)
    assert line(ring[:2]).startswith("MULTILINESTRING")
    assert shapely.from_wkt(circle(179.9, 0, 50)).area == pytest.approx(0.635, rel=0.01)
    whole = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]
    assert shapely.from_wkt(geojson({"type": "Polygon", "coordinates": [whole]})).area == 64800


def test_places_that_are_none_are_empty() -> None:
    assert point(None, 3) == point(0, 91) == point(400, 0) == ""
    assert areas([]) == areas([[(0, 0), (1, 1)]]) == areas([[(0, 0), (1, 1), (2, 2)]]) == ""
    assert geojson(None) == geojson({"type": "Point", "coordinates": ["a", 1]}) == ""
    assert geojson({"type": "Polygon", "coordinates": [[[0, 0], None, [1, 1]]]}) == ""
    assert geojson({"type": ["Point"], "coordinates": [0, 0]}) == ""
    assert together([]) == together(["", ""]) == ""
    assert point(190, 5) == "POINT (-170 5)"


def test_countries_by_the_names_publishers_use() -> None:
    assert country("Bosnia & Herzegovina") == "BIH"
    assert country("The Republic of North Macedonia") == "MKD"
    assert country("Côte d'Ivoire (Ivory Coast)") == "CIV"
    assert country("Russia") == country("Russian Federation") == "RUS"
    assert country(" ") == country(None) == country("Atlantis") == ""
    assert countries_in("提醒在日中国公民") == ["JPN"]
    assert countries_in("刚果（金）、赤道几内亚、巴布亚新几内亚") == ["COD", "GNQ", "PNG"]
    assert countries_in("印度尼西亚和印度") == ["IDN", "IND"]
    assert countries_in("中国公民注意安全") == []


# Recorded answers

RECORDED: Mapping[tuple[str, str], tuple[int, int, Mapping[str, int]] | str] = {
    ("gdacs_events", "gdacs/1102983-1-geteventdata-source.json"): (1, 1, {}),
    ("gdacs_events", "gdacs/dr-1016449-ep1-event.json"): (1, 1, {}),
    ("gdacs_events", "gdacs/dr-1016449-ep1-geometry.json"): (
        2,
        1,
        {"outline of an event, not its point": 1},
    ),
    ("gdacs_events", "gdacs/dr-1016449-ep4-event.json"): (1, 1, {}),
    ("gdacs_events", "gdacs/dr-1016449-ep5-event.json"): (1, 1, {}),
    ("gdacs_events", "gdacs/dr-1016449-ep7-event.json"): (1, 1, {}),
    ("gdacs_events", "gdacs/dr-1016449-event.json"): (1, 1, {}),
    ("gdacs_events", "gdacs/gdacs-2.xml"): (1, 1, {}),
    ("gdacs_events", "gdacs/gdacs-rss-24h.xml"): (21, 21, {}),
    ("gdacs_events", "gdacs/mto_gdacs_2026-08-03.json"): "missing_key",
    ("gdacs_events", "gdacs/mto_gdacs_2026-08-13.json"): "missing_key",
    ("gdacs_events", "gdacs/tc-1001253-ep1-event.json"): (1, 1, {}),
    ("gdacs_events", "gdacs/tc-1001253-ep1-geometry.json"): (
        23,
        1,
        {"outline of an event, not its point": 22},
    ),
    ("gdacs_events", "gdacs/tc-1001253-event.json"): (1, 1, {}),
    ("gdacs_events", "gdacs/wf-1028649-event.json"): (1, 1, {}),
    ("usgs_earthquakes", "usgs_quakes/earthquakes-1.json"): (
        3,
        2,
        {"no magnitude and no PAGER alert": 1},
    ),
    ("usgs_earthquakes", "usgs_quakes/earthquakes-2.json"): "too_few",
    ("usgs_earthquakes", "usgs_quakes/usgs_event_details.json"): (1, 1, {}),
    ("fcdo_advice", "fcdo_travel_advice/full-country.json"): (1, 1, {}),
    ("fcdo_advice", "fcdo_travel_advice/full-country-without-summary.json"): (1, 1, {}),
    ("fcdo_advice", "fcdo_travel_advice/no-parts.json"): (1, 1, {}),
    ("fcdo_advice", "fcdo_travel_advice/index.json"): "partial_coverage",
    ("fcdo_advice", "fcdo_travel_advice/travel_advice.schema.json"): "missing_key",
    ("smartraveller_advice", "smartraveller/advisories.json"): (179, 179, {}),
    ("smartraveller_advice", "smartraveller/history.json"): "missing_key",
    ("cap_url", "cap/alberta-emergency-alert-ended-tornado.cap.xml"): (1, 1, {}),
    ("cap_url", "cap/alberta-emergency-alert.atom"): "partial_coverage",
    ("cap_url", "cap/canada.cap"): (1, 3, {}),  # and the two it supersedes
    ("cap_url", "cap/canada_errors.cap"): "references are empty",
    ("cap_url", "cap/CAP-v1.2.xsd"): "wrong_container",
    ("cap_url", "cap/cap12.xsd"): "wrong_container",
    ("cap_url", "cap/earthquake.cap"): (1, 1, {}),
    ("cap_url", "cap/no_id.atom"): "no_alerts",
    ("cap_url", "cap/weather.cap"): (1, 1, {}),
    ("cap_url", "cap/xee.cap"): "xml_doctype",
    ("georss_url", "cap/alberta-emergency-alert.atom"): (1, 1, {}),
    ("georss_url", "cap/no_id.atom"): (1, 1, {}),
    ("georss_url", "cap/xee.cap"): "xml_doctype",
    ("georss_url", "gdacs/gdacs-rss-24h.xml"): (21, 21, {}),
    ("georss_url", "usgs_quakes/earthquakes-1.json"): (3, 3, {}),
    ("nhc_storms", "tropical/ibtracs_global_intp-None_1992230N11325.csv"): "bad_json",
}
FOREIGN = (
    "eonet/mto_eonet_2026-08-22.json",
    "reliefweb/reliefweb_v1_410_gone.json",
    "tropical/ibtracs_global_intp-None_1992230N11325.csv",
)


@pytest.mark.reference
@pytest.mark.parametrize(("feed", "sample"), RECORDED, ids=str)
def test_recorded_answer(feed: str, sample: str, reference: Path) -> None:
    body = (reference / "samples" / sample).read_bytes()
    expected = RECORDED[feed, sample]
    if isinstance(expected, str):
        with pytest.raises(FeedError, match=expected):
            module(feed).parse([answer(body)])
        return
    parsed = module(feed).parse([answer(body)])
    check(parsed)
    assert (parsed.records_in, len(parsed.events), parsed.skipped) == expected


@pytest.mark.reference
@pytest.mark.parametrize("sample", FOREIGN)
@pytest.mark.parametrize("feed", FEEDS)
def test_foreign_body_is_refused(feed: str, sample: str, reference: Path) -> None:
    with pytest.raises(FeedError):
        module(feed).parse([answer((reference / "samples" / sample).read_bytes())])


@pytest.mark.reference
def test_no_recorded_answer_of_these_feeds_is_forgotten(reference: Path) -> None:
    folders = ("gdacs", "usgs_quakes", "fcdo_travel_advice", "smartraveller", "cap", "tropical")
    files = [file for name in folders for file in (reference / "samples" / name).iterdir()]
    found = {f"{file.parent.name}/{file.name}" for file in files if file.suffix != ".md"}
    assert found - {sample for _, sample in RECORDED} == set()


@pytest.mark.reference
def test_recorded_drought_is_orange_in_its_episodes_and_green_at_first(reference: Path) -> None:
    folder = reference / "samples/gdacs"
    severities = {
        n: only(
            gdacs_events.parse([answer((folder / f"dr-1016449-ep{n}-event.json").read_bytes())])
        )
        for n in (1, 4, 5, 7)
    }
    assert {n: row["severity"] for n, row in severities.items()} == {1: 1, 4: 1, 5: 2, 7: 2}
    assert {row["event_uid"] for row in severities.values()} == {"gdacs_events:DR1016449"}
    assert severities[5]["countries"] == "ARG;BOL;BRA;PRY"


@pytest.mark.reference
def test_recorded_alerts_have_the_lifecycle_they_say(reference: Path) -> None:
    folder = reference / "samples/cap"
    ended = "alberta-emergency-alert-ended-tornado.cap.xml"
    assert only(cap_url.parse([answer((folder / ended).read_bytes())]))["status"] == "ended"
    found = rows(cap_url.parse([answer((folder / "canada.cap").read_bytes())]))
    assert [row["status"] for row in found] == ["ended", "superseded", "superseded"]
    assert found[0]["lang"] == "en-CA"
    page = json.loads((reference / "samples/smartraveller/advisories.json").read_bytes())
    levels = [smartraveller_advice.SEVERITY[c["level"]] for c in page["countries"]]
    parsed = smartraveller_advice.parse([answer(page)])
    assert list(parsed.events["severity"]) == levels


# Anything at all

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inside: (
        st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=8), inside, max_size=4)
    ),
    max_leaves=12,
)
ODD_WORDS: tuple[str, ...] = (
    *("", "0", "9" * 400, "\ud800", "<b>", "NaN", "2026-13-45", "0001-01-01T00:00:00+14:00"),
    *("Mon, 99 Foo 2026", "Fri, 2026-99-99 99:99", "https://[::1", "javascript:x"),
    *("999 999", "有效期至13月99日", "１２"),
)
BOWTIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]]]}
ODD_OTHER: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**400,
    1e300,
    [],
    {},
    [[]],
    BOWTIE,
    [[1e308, -1e308]],
)
ODD: st.SearchStrategy[Any] = st.sampled_from([*ODD_WORDS, *ODD_OTHER])


def mutated(held: Any, data: st.DataObject) -> Any:
    """Return a copy with one part replaced, doubled or taken away."""
    whole = copy.deepcopy(held)
    part = whole
    for _ in range(data.draw(st.integers(0, 6))):
        keys = list(part) if isinstance(part, dict) else list(range(len(part)))
        nested = [key for key in keys if isinstance(part[key], dict | list) and part[key]]
        if not nested:
            break
        part = part[data.draw(st.sampled_from(nested))]
    keys = list(part) if isinstance(part, dict) else list(range(len(part)))
    key = data.draw(st.sampled_from(keys))
    how = data.draw(st.sampled_from(["drop", "odd", "any", "double"]))
    if how == "drop":
        del part[key]
    elif how == "double" and isinstance(part, list):
        part.append(copy.deepcopy(part[key]))
    else:
        part[key] = data.draw(ODD if how == "odd" else JSON)
    return whole


def mutated_xml(text: str, data: st.DataObject) -> bytes:
    """Return XML with one element reworded, renamed, doubled or taken away."""
    root = ElementTree.fromstring(text)
    parents = [element for element in root.iter() if len(element)]
    parent = data.draw(st.sampled_from(parents))
    element = data.draw(st.sampled_from(list(parent)))
    how = data.draw(st.sampled_from(["drop", "reword", "rename", "double", "attribute"]))
    if how == "drop":
        parent.remove(element)
    elif how == "double":
        parent.append(copy.deepcopy(element))
    elif how == "rename":
        names = [other.tag for other in root.iter()]
        element.tag = data.draw(st.sampled_from(names))
    else:
        words = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=20)
        odd = st.sampled_from([word for word in ODD_WORDS if "\ud800" not in word])
        written = data.draw(words | odd)
        element.set("href", written) if how == "attribute" else setattr(element, "text", written)
    return bytes(ElementTree.tostring(root, encoding="utf-8"))


def survives(feed: str, answers: list[Answer]) -> None:
    """Fail unless the parser, and what asks for the next page, give a right result or refuse."""
    with suppress(FeedError):
        parsed = module(feed).parse(answers)
        if set(parsed.skipped) != {cap_url.EXERCISE}:
            check(parsed)
    follow: Callable[[Request, Answer], Request | None] | None = module(feed).SOURCE.next_page
    if follow is not None:
        with suppress(FeedError):
            follow(Request("https://example.org/list", {"page": "1"}), answers[0])


FUZZED = settings(max_examples=60)


@pytest.mark.parametrize("feed", FEEDS)
@FUZZED
@given(
    body=st.binary(max_size=200) | st.text(max_size=60).map(lambda t: t.encode("utf-8", "replace"))
)
def test_any_bytes(feed: str, body: bytes) -> None:
    survives(feed, [answer(body)])


@pytest.mark.parametrize("feed", FEEDS)
@FUZZED
@given(
    held=JSON, name=st.sampled_from(["features", "activeStorms", "data", "response", "countries"])
)
def test_any_json(feed: str, held: Any, name: str) -> None:
    survives(feed, [answer(held)])
    survives(feed, [answer({name: held, "type": "FeatureCollection"})])
    survives(feed, [answer({name: [held], "content_id": "x", "links": {"children": [held]}})])


@pytest.mark.parametrize("feed", FEEDS)
@FUZZED
@given(data=st.data())
def test_any_body_of_nearly_the_right_shape(feed: str, data: st.DataObject) -> None:
    good = data.draw(st.sampled_from([VALID[feed], [answer(GEOJSON)], [answer(GDACS_RSS)]]))
    at = data.draw(st.integers(0, len(good) - 1))
    if good[at].body.lstrip().startswith(b"<"):
        body: object = mutated_xml(good[at].body.decode(), data)
    else:
        body = mutated(json.loads(good[at].body), data)
    survives(feed, [*good[:at], answer(body, good[at].url), *good[at + 1 :]])


@FUZZED
@given(
    st.lists(
        st.tuples(st.floats(-540, 540), st.floats(-90, 90)) | st.just((180.0, 0.0)), max_size=9
    )
)
def test_any_ring_stays_on_the_globe(ring: list[tuple[float, float]]) -> None:
    for text in filter(None, [areas([ring]), line(ring), areas([ring], crossing=False)]):
        west, south, east, north = shapely.from_wkt(text).bounds
        assert -180 <= west <= east <= 180
        assert -90 <= south <= north <= 90
