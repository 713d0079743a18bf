"""CAP 1.0 to 1.2 alerts from any address: one alert, or an Atom or RSS list that leads to them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from layers.errors import FeedError
from layers.markup import parse_xml
from layers.places import areas, circle, together
from layers.source import Answer, Parsed, Request, Source, Walk, conclude, walk
from layers.values import iso, link, number, word

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ID = "cap_url"
ADDRESSES = "CORRIDORS_CAP_URLS"
MAX_ALERTS = 100  # of one list, the first ones
SEVERITY = {"Extreme": 4, "Severe": 3, "Moderate": 2, "Minor": 1, "Unknown": 0}
CERTAINTY = {"Observed", "Likely", "Possible", "Unlikely"}
KINDS = {"Security": "security_incident", "CBRNE": "security_incident"}
LISTS = {"feed", "rss", "RDF"}
EXERCISE = "exercise, test or draft"
REQUIRED = ("identifier", "sender", "sent", "status", "msgType", "scope")


def requests(now: datetime) -> list[Request]:
    """One request an address of the environment, separated by ``;``."""
    addresses = os.environ.get(ADDRESSES, "").split(";")
    return [Request(text.strip()) for text in addresses if text.strip()]


def next_page(request: Request, answer: Answer) -> Request | None:
    """The alerts a list leads to, on its own host only."""
    if isinstance(request, Walk):
        return walk(request.rest)
    root = parse_xml(ID, answer.body)
    if _name(root) not in LISTS:
        return None
    found = dict.fromkeys(_joined(request.url, a) for item in _entries(root) for a in _links(item))
    host = urlsplit(request.url).netloc
    near = [address for address in found if link(address) and urlsplit(address).netloc == host]
    return walk([Request(address) for address in near[:MAX_ALERTS]])


def _joined(base: str, address: str) -> str:
    """The address seen from where it was read; empty when it is none."""
    try:
        whole = urljoin(base, address)
        urlsplit(whole)
    except ValueError:
        return ""
    return whole


SOURCE = Source(
    id=ID,
    title="Alerts in the Common Alerting Protocol",
    publisher="of the addresses given",
    licence="of the publisher of each alert",
    attribution="the sender of each alert",
    homepage="https://docs.oasis-open.org/emergency/cap/v1.2/",
    requests=requests,
    every=timedelta(minutes=10),
    stale_after=timedelta(days=2),
    expected_min=0,
    redistribute=False,
    needs=(ADDRESSES,),
    next_page=next_page,
)


def parse(answers: Sequence[Answer]) -> Parsed:
    """One row an alert, and one for each alert that another supersedes or cancels."""
    skipped: Counter[str] = Counter()
    rows: dict[str, dict[str, Any]] = {}
    past: dict[str, dict[str, Any]] = {}
    found = [(alert, answer) for answer in answers for alert in _alerts(answer)]
    if not found and any(_leads(answer) for answer in answers):
        raise FeedError(ID, "partial_coverage: a list leads to alerts, none of them read")
    for alert, answer in found:
        fault = _fault(alert)
        if fault:
            skipped[fault] += 1
            continue
        made = _rows(alert, answer)
        past |= {
            row["event_uid"]: row for row in made if row["status"] in ("superseded", "cancelled")
        }
        rows |= {row["event_uid"]: row for row in made}
    # Whatever their order, an alert taken back stays so.
    rows |= {uid: {**rows[uid], **_verdict(row)} for uid, row in past.items()}
    if found and not rows and set(skipped) == {EXERCISE}:
        return conclude(SOURCE, [], 0, skipped)
    return conclude(SOURCE, list(rows.values()), len(found), skipped)


def _alerts(answer: Answer) -> list[Element]:
    """The alerts of an answer; none in a list, which only leads to them."""
    root = parse_xml(ID, answer.body)
    found = [element for element in root.iter() if _name(element) == "alert"]
    if not found and _name(root) not in LISTS:
        raise FeedError(ID, f"wrong_container: <{word(_name(root))}> holds no alert")
    if not found and _entries(root) and not _leads(answer):
        raise FeedError(ID, "no_alerts: a list that neither holds alerts nor leads to any")
    return found


def _leads(answer: Answer) -> bool:
    return any(_links(item) for item in _entries(parse_xml(ID, answer.body)))


def _fault(alert: Element) -> str:
    """Why an alert is not taken; empty when it is."""
    missing = next((name for name in REQUIRED if not _text(alert, name)), "")
    kind, references = _text(alert, "msgType"), _references(alert)
    # An update need not say what it updates, but if it opens the list it must fill it.
    emptied = not references and (kind == "Cancel" or _child(alert, "references") is not None)
    faults = {
        f"no {missing}": bool(missing),
        "sent is no time with an offset": iso(_text(alert, "sent")) is None,
        EXERCISE: _text(alert, "status") != "Actual",
        f"message of type {word(kind, most=20)}": kind not in ("Alert", "Update", "Cancel"),
        "an update or cancellation whose references are empty": emptied and kind != "Alert",
        "no info": kind != "Cancel" and _child(alert, "info") is None,
    }
    return next((fault for fault, found in faults.items() if found), "")


def _rows(alert: Element, answer: Answer) -> list[dict[str, Any]]:
    """The alert's own row, unless it only cancels, and one for each alert it refers to."""
    own = _row(alert, answer)
    cancels = _text(alert, "msgType") == "Cancel"
    done = "cancelled" if cancels else "superseded"
    others = [
        {**own, "event_uid": f"{ID}:{sender},{id}", "source_id": id, "status": done, "severity": 0}
        | {"severity_basis": f"{done} by {own['source_id']} -> 0", "ends_at": own["published_at"]}
        | {"msg_type": "cancel" if cancels else "update", "onset_at": at, "published_at": at}
        | {"quality_flags": ""}
        for sender, id, at in _references(alert)
        if id != own["source_id"]
    ]
    return others if cancels else [own, *others]


def _verdict(row: dict[str, Any]) -> dict[str, Any]:
    names = ("status", "msg_type", "severity", "severity_basis", "ends_at", "updated_at")
    return {name: row[name] for name in (*names, "content_as_of")}


def _row(alert: Element, answer: Answer) -> dict[str, Any]:
    """One row of all information in one language: English if there is, else the first."""
    infos = _infos(alert)
    sent, id = iso(_text(alert, "sent")), word(_text(alert, "identifier"))
    severity, native = max(
        ((SEVERITY.get(_text(info, "severity"), 0), _text(info, "severity")) for info in infos),
        default=(0, ""),
    )
    ends = [iso(_text(info, "expires")) for info in infos]
    until = max((end for end in ends if end), default=None) if all(ends) else None
    clear = bool(infos) and all("AllClear" in _texts(info, "responseType") for info in infos)
    over = clear or (until is not None and until <= answer.retrieved_at)
    starts = [iso(_text(info, "onset")) or iso(_text(info, "effective")) for info in infos]
    wkt, precision = _shape(infos)
    first = infos[0] if infos else alert
    sender = word(_text(alert, "sender"))
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{ID}:{sender},{id}",
        "source_id": id,
        "source_url": link(_text(first, "web")),
        "attribution": word(_text(first, "senderName")) or sender,
        "kind": KINDS.get(_text(first, "category"), "hazard"),
        "subtype": word(_text(first, "event"), most=80),
        "title": _text(first, "headline") or _text(first, "event"),
        "summary": _text(first, "description"),
        "lang": word(_text(first, "language"), most=20) or "en-US",
        "status": "ended" if over else "active",
        "msg_type": _text(alert, "msgType").lower(),
        "severity": severity,
        "severity_basis": f"CAP severity {word(native) or 'missing'} -> {severity}",
        "severity_native": native,
        "certainty": _text(first, "certainty").lower()
        if _text(first, "certainty") in CERTAINTY
        else "unknown",
        "urgency": word(_text(first, "urgency"), most=20) or "unknown",
        "onset_at": min(filter(None, starts), default=sent),
        "ends_at": sent if clear else until,
        "published_at": sent,
        "updated_at": sent,
        "content_as_of": sent,
        "wkt": wkt,
        "geom_role": "warning_area" if "POLYGON" in wkt else "event" if wkt else "none",
        "geom_precision_km": precision,
        "quality_flags": "all_clear" if clear else "",
        "parser_version": "1",
    }


def _infos(alert: Element) -> list[Element]:
    infos = [element for element in alert if _name(element) == "info"]
    languages = [_text(info, "language") or "en-US" for info in infos]
    chosen = next((lang for lang in languages if lang.lower().startswith("en")), None)
    chosen = chosen or (languages[0] if languages else "")
    return [info for info, lang in zip(infos, languages, strict=True) if lang == chosen]


def _shape(infos: Sequence[Element]) -> tuple[str, float | None]:
    """WKT of all areas, and its uncertainty, km: polygons are lat,lon pairs, circles add km."""
    rings, shapes = [], []
    for area in [area for info in infos for area in info if _name(area) == "area"]:
        rings += [_pairs(text) for text in _texts(area, "polygon")]
        for text in _texts(area, "circle"):
            centre, radius = _pairs(text.split(" ")[0]), number(text.rpartition(" ")[2])
            if len(centre) == 1 and radius is not None and radius >= 0:
                shapes.append(circle(*centre[0], radius))
    wkt = together([areas(rings), *shapes])
    return wkt, None if not wkt else 1.0 if "POLYGON" in wkt else 10.0


def _pairs(text: str) -> list[tuple[float, float]]:
    """(lon, lat) of ``lat,lon lat,lon``; none when one can't be read."""
    numbers = [[number(part) for part in pair.split(",")] for pair in text.split()]
    good = [(p[1], p[0]) for p in numbers if len(p) == 2 and p[0] is not None and p[1] is not None]
    return good if len(good) == len(numbers) else []


def _references(alert: Element) -> list[tuple[str, str, datetime | None]]:
    """Sender, identifier and time of the alerts referred to: ``sender,identifier,sent ...``."""
    triples = [text.split(",") for text in _text(alert, "references").split()]
    return [(word(t[0]), word(t[1]), iso(t[2])) for t in triples if len(t) == 3 and t[1]]


def _entries(root: Element) -> list[Element]:
    return [element for element in root.iter() if _name(element) in ("entry", "item")]


def _links(item: Element) -> list[str]:
    """Where an entry of a list leads: the address of CAP's own media type, else its link."""
    found = [element for element in item if _name(element) == "link"]
    typed = [
        e.get("href", "")
        for e in found
        if "cap+xml" in e.get("type", "") or "common-alerting" in e.get("type", "")
    ]
    plain = [element.get("href") or element.text or "" for element in found]
    return [text.strip() for text in (typed or plain)[:1] if text.strip()]


def _name(element: Element) -> str:
    """Name without namespace: versions differ only there."""
    return element.tag.rpartition("}")[2]


def _child(element: Element, name: str) -> Element | None:
    return next((child for child in element if _name(child) == name), None)


def _texts(element: Element, name: str) -> list[str]:
    return [(child.text or "").strip() for child in element if _name(child) == name]


def _text(element: Element, name: str) -> str:
    return next(iter(_texts(element, name)), "")
