"""Dated places from any address: Atom or RSS with GeoRSS, or GeoJSON."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any

from layers.errors import FeedError
from layers.markup import parse_json, parse_xml
from layers.places import areas, box, circle, geojson, line, point, together
from layers.source import Answer, Parsed, Request, Source, conclude
from layers.values import epoch_ms, held, iso, link, mail, number, word

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ID = "georss_url"
ADDRESSES = "CORRIDORS_GEORSS_URLS"
SEVERITY = {"extreme": 4, "severe": 3, "moderate": 2, "minor": 1, "unknown": 0}
TIMES = ("updated", "published", "pubDate", "date", "sent", "time", "timestamp", "dateTime")
ENDS = ("expires", "ends", "end", "todate")


def requests(now: datetime) -> list[Request]:
    """One request an address of the environment, separated by ``;``."""
    addresses = os.environ.get(ADDRESSES, "").split(";")
    return [Request(text.strip()) for text in addresses if text.strip()]


SOURCE = Source(
    id=ID,
    title="GeoRSS, Atom and GeoJSON of your own choice",
    publisher="of the addresses given",
    licence="of each publisher",
    attribution="the publisher of each address",
    homepage="https://www.georss.org",
    requests=requests,
    every=timedelta(minutes=15),
    stale_after=timedelta(days=7),
    expected_min=0,
    redistribute=False,
    needs=(ADDRESSES,),
)


def parse(answers: Sequence[Answer]) -> Parsed:
    """One row an entry, the newest of those with one id; severity only where it is stated."""
    skipped: Counter[str] = Counter()
    rows: dict[str, dict[str, Any]] = {}
    count = 0
    for answer in answers:
        for said, wkt in _entries(answer):
            count += 1
            row = _row(said, wkt, answer)
            if isinstance(row, str):
                skipped[row] += 1
                continue
            uid = row["event_uid"]
            skipped["an older or equal entry of the same id"] += uid in rows
            if uid not in rows or row["content_as_of"] > rows[uid]["content_as_of"]:
                rows[uid] = row
    return conclude(SOURCE, list(rows.values()), count, +skipped)


def _entries(answer: Answer) -> list[tuple[dict[str, Any], str]]:
    """What each entry says, by plain name, and where, as WKT."""
    if answer.body.lstrip(b"\xef\xbb\xbf \r\n\t")[:1] in (b"{", b"["):
        body = parse_json(ID, answer.body)
        features = [body] if held(body, "type") == "Feature" else held(body, "features")
        if not isinstance(features, list):
            raise FeedError(ID, "missing_key: no features, so no GeoJSON")
        return [_from_feature(feature) for feature in features]
    root = parse_xml(ID, answer.body)
    if _name(root) not in ("feed", "rss", "RDF"):
        raise FeedError(ID, f"wrong_container: <{word(_name(root))}> is no Atom or RSS")
    return [_from_element(e) for e in root.iter() if _name(e) in ("entry", "item")]


def _from_feature(feature: object) -> tuple[dict[str, Any], str]:
    properties = held(feature, "properties")
    said = dict(properties) if isinstance(properties, dict) else {}
    said["id"] = word(held(feature, "id")) or word(said.get("id"))
    said["title"] = next(
        (said[k] for k in ("title", "name", "headline", "event") if word(said.get(k))), ""
    )
    said["summary"] = next((said[k] for k in ("summary", "description") if word(said.get(k))), "")
    said["link"] = next((said[k] for k in ("link", "url", "web") if link(said.get(k))), "")
    return said, geojson(held(feature, "geometry"))


def _from_element(item: Element) -> tuple[dict[str, Any], str]:
    said: dict[str, Any] = {}
    for child in item:
        said.setdefault(_name(child), (child.text or child.get("href") or "").strip())
    said["id"] = said.get("id") or said.get("guid") or said.get("link") or ""
    said["summary"] = said.get("summary") or said.get("description") or said.get("content") or ""
    shapes = [shape for element in item.iter() if (shape := _shape(element))]
    lon, lat = number(said.get("long") or said.get("lon")), number(said.get("lat"))
    for element in item.iter():  # geo:Point holds geo:lat and geo:long
        if _name(element) == "Point" and len(element):
            named = {_name(part): number(part.text) for part in element}
            lon, lat = named.get("long", lon), named.get("lat", lat)
    return said, together(shapes) or point(lon, lat)


def _shape(element: Element) -> str:
    """WKT of a GeoRSS element: everything there is latitude first."""
    numbers = [number(text) for text in (element.text or "").replace(",", " ").split()]
    name, count = _name(element), len(numbers)
    if None in numbers or count < 2:
        return ""
    n = [value or 0.0 for value in numbers]
    pairs = list(zip(n[1::2], n[0::2], strict=False))
    if name in ("point", "pos") and count == 2:
        return point(n[1], n[0])
    if name == "box" and count == 4:
        return box(n[1], n[0], n[3], n[2])
    if name == "circle" and count == 3:
        return circle(n[1], n[0], n[2] / 1000) if n[2] >= 0 else ""  # metres
    if name == "line" and not count % 2:
        return line(pairs)
    return areas([pairs]) if name in ("polygon", "posList") and not count % 2 else ""


def _row(said: dict[str, Any], wkt: str, answer: Answer) -> dict[str, Any] | str:
    """A row of the event table, or why there is none."""
    title, id = word(said.get("title")), word(said.get("id"), most=300)
    at, until = _moment(said, TIMES), _moment(said, ENDS)
    if not title:
        return "no title"
    if at is None:
        return "no date with a zone"
    # Without an id its own words are one: a changed title then makes another event.
    made = id or sha256(f"{title}|{at.isoformat()}".encode(errors="replace")).hexdigest()[:16]
    severity, basis = _severity(said.get("severity"))
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{ID}:{made}",
        "source_id": made,
        "source_url": link(said.get("link")) or link(said.get("id")),
        "kind": "hazard",
        "subtype": word(said.get("event") or said.get("category"), most=80),
        "title": title,
        "summary": said["summary"] if isinstance(said.get("summary"), str) else "",
        "lang": "und",
        "status": "ended" if until and until <= answer.retrieved_at else "active",
        "severity": severity,
        "severity_basis": basis,
        "severity_native": word(said.get("severity")),
        "onset_at": at,
        "ends_at": until,
        "updated_at": at,
        "content_as_of": at,
        "wkt": wkt,
        "geom_role": "warning_area" if "POLYGON" in wkt else "event" if wkt else "none",
        "geom_precision_km": 1.0 if wkt else None,
        "confidence": 0.4,
        "quality_flags": ";".join(["derived_id"] * (not id) + ["not_placed"] * (not wkt)),
        "parser_version": "1",
    }


def _severity(stated: object) -> tuple[int, str]:
    """Severity and the rule that set it."""
    text, count = word(stated, most=20).lower(), number(stated)
    if text in SEVERITY:
        return SEVERITY[text], f"severity {text} stated -> {SEVERITY[text]}"
    if count is not None and count in range(5):
        return int(count), f"severity {count:g} of 0-4 stated -> {count:g}"
    return 0, "no severity stated -> 0"


def _moment(said: dict[str, Any], names: Sequence[str]) -> datetime | None:
    values = [said.get(name) for name in names]
    readings = chain.from_iterable((iso(v), mail(v), _since_1970(v)) for v in values)
    return next((moment for moment in readings if moment), None)


def _since_1970(value: object) -> datetime | None:
    return epoch_ms(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2]
