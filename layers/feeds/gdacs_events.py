"""GDACS: earthquakes, cyclones, floods, volcanoes, fires and droughts with their alert levels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from layers.errors import FeedError
from layers.markup import parse_json, parse_xml
from layers.places import country, point
from layers.source import Answer, Look, Parsed, Request, Source, Walk, conclude, walk
from layers.values import flag, held, iso, link, mail, number, word

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ID = "gdacs_events"
TYPES = ("EQ", "TC", "FL", "VO", "WF", "DR")
SEARCH = "https://www.gdacs.org/gdacsapi/api/events/geteventlist/SEARCH"
CAP = 100  # the list never holds more, whatever the window
WINDOW_D = 10
LEVELS = {"green": 1, "orange": 2, "red": 4}
SUBJECT = {"1": "Green", "2": "Orange", "3": "Red"}  # dc:subject "DR2" is a drought of level Orange
SPREAD_KM = {"EQ": 10.0, "VO": 5.0, "TC": 50.0, "WF": 25.0, "FL": 100.0, "DR": 500.0}
"""How far the one point may stand for the event: estimates, by type."""
NAMESPACE = "{http://www.gdacs.org}"


def requests(now: datetime) -> list[Request]:
    """The current list, and each type's last days: dated windows, since lists are capped."""
    end = now.date() + timedelta(days=1)
    windows = [_search(kind, end - timedelta(days=WINDOW_D + 1), end) for kind in TYPES]
    return [Request("https://www.gdacs.org/xml/rss.xml"), *windows]


def next_page(request: Request, answer: Answer) -> Request | None:
    """The halves of a window whose list came full, then what is left to ask."""
    rest = request.rest if isinstance(request, Walk) else ()
    window = _window(request.params)
    halves: list[Request] = []
    if window and _is_full(answer):
        kind, start, end = window
        middle = start + (end - start) // 2
        if start < middle < end:
            halves = [_search(kind, start, middle), _search(kind, middle, end)]
    return walk([*halves, *rest])


SOURCE = Source(
    id=ID,
    title="GDACS disaster alerts",
    publisher="European Commission, Joint Research Centre, and the United Nations (GDACS)",
    licence="reuse allowed with acknowledgement of the source",
    attribution="Global Disaster Alert and Coordination System, GDACS",
    homepage="https://www.gdacs.org",
    requests=requests,
    every=timedelta(minutes=30),
    stale_after=timedelta(hours=18),
    expected_min=5,
    hosts=("gdacs.org", "www.gdacs.org"),
    next_page=next_page,
    look=Look("hazard"),
)


def parse(answers: Sequence[Answer]) -> Parsed:
    """Events of the lists (GeoJSON or RSS), one row an event, its newest episode."""
    skipped: Counter[str] = Counter()
    newest: dict[str, tuple[tuple[float, float], dict[str, Any]]] = {}
    count = 0
    _refuse_truncated(answers)
    for answer in answers:
        for record in _records(answer):
            count += 1
            row = _row(record, answer)
            if isinstance(row, str):
                skipped[row] += 1
                continue
            age = (number(record.get("episodeid")) or 0.0, _seconds(row["updated_at"]))
            uid = row["event_uid"]
            skipped["an older or equal report of an event that is kept"] += uid in newest
            if uid not in newest or age > newest[uid][0]:
                newest[uid] = (age, row)
    return conclude(SOURCE, [row for _, row in newest.values()], count, +skipped)


def _records(answer: Answer) -> list[dict[str, Any]]:
    """The events of an answer, each with the names the GeoJSON has for its properties."""
    if answer.body.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] == b"<":
        root = parse_xml(ID, answer.body)
        if root.tag != "rss" or root.find("channel") is None:
            raise FeedError(ID, f"wrong_container: <{word(root.tag)}> is not an RSS channel")
        return [_from_item(item) for item in root.iterfind("channel/item")]
    body = parse_json(ID, answer.body)
    features = [body] if held(body, "type") == "Feature" else held(body, "features")
    if not isinstance(features, list):
        raise FeedError(ID, "missing_key: no features")
    return [_from_feature(feature) for feature in features]


def _from_feature(feature: object) -> dict[str, Any]:
    properties = held(feature, "properties")
    place = held(feature, "geometry")
    known = dict(properties) if isinstance(properties, dict) else {}
    known |= {"geometry_type": held(place, "type"), "place": held(place, "coordinates")}
    known["page"] = held(properties, "url", "report")
    # Times have no zone and are UTC.
    for name in ("fromdate", "todate", "datemodified"):
        known[name] = iso(known.get(name), zone=UTC)
    return known


def _from_item(item: Element) -> dict[str, Any]:
    known: dict[str, Any] = {
        child.tag.removeprefix(NAMESPACE): (child.text or "").strip()
        for child in item
        if child.tag.startswith(NAMESPACE)
    }
    guid, subject = (item.findtext("guid") or "").strip(), ""
    for child in item:
        if child.tag.endswith("}subject"):
            subject = (child.text or "").strip()
    known.setdefault("eventtype", guid[:2])
    known.setdefault("eventid", guid[2:])
    known.setdefault("alertlevel", SUBJECT.get(subject[2:], ""))
    known |= {"name": item.findtext("title"), "description": item.findtext("description")}
    known |= {"istemporary": known.get("temporary"), "page": item.findtext("link")}
    for name in ("fromdate", "todate", "datemodified"):
        known[name] = mail(known.get(name))
    severity = item.find(f"{NAMESPACE}severity")
    if severity is not None:
        known["severitydata"] = {
            "severity": severity.get("value"),
            "severityunit": severity.get("unit"),
            "severitytext": severity.text,
        }
    latlon = (item.findtext("{http://www.georss.org/georss}point") or "").split()
    known["place"] = [number(text) for text in reversed(latlon)]
    known["geometry_type"] = "Point" if latlon else "bbox"
    return known


def _row(record: Mapping[str, Any], answer: Answer) -> dict[str, Any] | str:
    """A row of the event table, or why there is none."""
    kind, number_of = word(record.get("eventtype"), most=8), word(record.get("eventid"), most=20)
    levels = {
        name: word(record.get(name), most=20).lower()
        for name in ("alertlevel", "episodealertlevel")
    }
    # The event may say Green while its newest episodes are Orange: the higher one counts.
    name, level = max(levels.items(), key=lambda item: LEVELS.get(item[1], 0))
    if record["geometry_type"] not in ("Point", "bbox"):
        return "outline of an event, not its point"
    if kind not in TYPES or not number_of:
        return "no type or number"
    if level not in LEVELS:
        return "no alert level"
    if record["fromdate"] is None:
        return "no date"
    temporary, ended = flag(record.get("istemporary")), flag(record.get("iscurrent")) is False
    wkt, precision = _place(record, kind)
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{ID}:{kind}{number_of}",
        "source_id": f"{kind}{number_of}",
        "source_url": link(record.get("page")),
        "kind": "hazard",
        "subtype": kind,
        "title": word(record.get("name")) or f"{kind} {word(record.get('eventname'))}",
        "summary": _text(record.get("description")),
        "status": "ended" if ended else "active",
        "severity": LEVELS[level],
        "severity_basis": f"GDACS {name} {level} -> {LEVELS[level]}; max of event and episode",
        "severity_native": " / ".join(filter(None, levels.values())),
        "certainty": "possible" if temporary else "observed",
        "quality_flags": ";".join(
            ["temporary"] * bool(temporary) + ["bbox_only"] * (record["geometry_type"] == "bbox")
        ),
        "onset_at": record["fromdate"],
        # While an event is current its todate is only that of the last report.
        "ends_at": record["todate"] if ended else None,
        # An RSS pubDate is the start of the event, so it dates nothing here.
        "updated_at": record["datemodified"],
        "content_as_of": record["datemodified"] or record["todate"] or record["fromdate"],
        "time_precision": "instant" if kind in ("EQ", "VO") else "day",
        "wkt": wkt,
        "geom_role": _role(record, kind) if wkt else "none",
        "geom_precision_km": precision,
        "countries": ";".join(_countries(record)),
        "metric_name": "severity",
        "metric_value": number(held(record.get("severitydata"), "severity")),
        "metric_unit": word(held(record.get("severitydata"), "severityunit"), most=20),
        "parser_version": "1",
    }


def _place(record: Mapping[str, Any], kind: str) -> tuple[str, float | None]:
    """WKT and uncertainty, km; a box is lonmin lonmax latmin latmax, only good for its middle."""
    if record["geometry_type"] == "Point":
        wkt = point(number(held(record["place"], 0)), number(held(record["place"], 1)))
        return wkt, SPREAD_KM[kind] if wkt else None
    corners = [number(text) for text in word(record.get("bbox")).split()]
    if len(corners) != 4 or None in corners:
        return "", None
    west, east, south, north = (corner or 0.0 for corner in corners)
    east = east + 360 if east < west else east
    # About 111 km a degree; a box is drawn around the point with room to spare.
    return point((west + east) / 2, (south + north) / 2), 111.0 * max(
        east - west, north - south
    ) / 2


def _role(record: Mapping[str, Any], kind: str) -> str:
    exact = kind in ("EQ", "VO", "TC") and record["geometry_type"] == "Point"
    return "event" if exact else "centroid"


def _countries(record: Mapping[str, Any]) -> list[str]:
    """ISO codes: the list of affected ones, the one given, and names (commas may trail)."""
    affected = record.get("affectedcountries")
    codes = (
        [word(held(item, "iso3"), most=3) for item in affected or () if item]
        if isinstance(affected, list)
        else []
    )
    codes.append(word(record.get("iso3"), most=3))
    names = word(record.get("country"), most=2000).split(",")
    codes += [country(name.strip()) for name in names]
    return [c for c in dict.fromkeys(c.upper() for c in codes) if len(c) == 3 and c.isalpha()]


def _search(kind: str, start: date, end: date) -> Request:
    window = {"fromdate": start.isoformat(), "todate": end.isoformat()}
    return Request(SEARCH, {"eventlist": kind, "alertlevel": "green;orange;red", **window})


def _window(query: Mapping[str, str]) -> tuple[str, date, date] | None:
    try:
        start, end = (date.fromisoformat(query[name]) for name in ("fromdate", "todate"))
    except (KeyError, ValueError):
        return None
    return query.get("eventlist", ""), start, end


def _refuse_truncated(answers: Sequence[Answer]) -> None:
    """Raise for a full list whose window was not asked again in two halves."""
    queries = [{k: v[0] for k, v in parse_qs(urlsplit(a.url).query).items()} for a in answers]
    windows = {window for window in map(_window, queries) if window}
    for answer, query in zip(answers, queries, strict=True):
        window = _window(query)
        if not _is_full(answer):
            continue
        starts = {w[2] for w in windows if window and w[:2] == window[:2] and w != window}
        ends = {w[1] for w in windows if window and w[0] == window[0] and w[2] == window[2]}
        if not starts & ends:
            raise FeedError(ID, f"truncated: a list of {CAP} and no narrower one after it")


def _is_full(answer: Answer) -> bool:
    # Counted in the bytes: the answer is read once, later, by parse.
    return answer.body.count(b'"eventtype"') >= CAP


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
