"""UK FCDO: travel advice of the countries along the corridors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from layers.errors import FeedError
from layers.markup import parse_json
from layers.places import country
from layers.source import ON_LAND, Answer, Look, Parsed, Request, Source, Walk, conclude, walk
from layers.values import held, iso, word

ID = "fcdo_advice"
INDEX = "https://www.gov.uk/api/content/foreign-travel-advice"
ALONG = """
afghanistan=AFG algeria=DZA angola=AGO argentina=ARG armenia=ARM australia=AUS azerbaijan=AZE
bahrain=BHR bangladesh=BGD belarus=BLR brazil=BRA brunei=BRN bulgaria=BGR cambodia=KHM
cameroon=CMR canada=CAN china=CHN colombia=COL congo=COG costa-rica=CRI croatia=HRV cuba=CUB
cyprus=CYP denmark=DNK djibouti=DJI ecuador=ECU egypt=EGY equatorial-guinea=GNQ eritrea=ERI
estonia=EST ethiopia=ETH finland=FIN france=FRA gabon=GAB georgia=GEO germany=DEU ghana=GHA
greece=GRC guyana=GUY india=IND indonesia=IDN iran=IRN iraq=IRQ israel=ISR italy=ITA japan=JPN
jordan=JOR kazakhstan=KAZ kenya=KEN kuwait=KWT kyrgyzstan=KGZ laos=LAO latvia=LVA lebanon=LBN
libya=LBY lithuania=LTU madagascar=MDG malaysia=MYS maldives=MDV malta=MLT mauritania=MRT
mauritius=MUS mexico=MEX mongolia=MNG morocco=MAR mozambique=MOZ myanmar=MMR namibia=NAM
netherlands=NLD nicaragua=NIC nigeria=NGA north-korea=PRK norway=NOR oman=OMN pakistan=PAK
palestine=PSE panama=PAN papua-new-guinea=PNG paraguay=PRY peru=PER philippines=PHL poland=POL
portugal=PRT qatar=QAT romania=ROU russia=RUS saudi-arabia=SAU senegal=SEN seychelles=SYC
singapore=SGP somalia=SOM south-africa=ZAF south-korea=KOR spain=ESP sri-lanka=LKA sudan=SDN
sweden=SWE syria=SYR taiwan=TWN tajikistan=TJK tanzania=TZA thailand=THA
the-occupied-palestinian-territories=PSE timor-leste=TLS togo=TGO trinidad-and-tobago=TTO
tunisia=TUN turkey=TUR turkmenistan=TKM ukraine=UKR united-arab-emirates=ARE uruguay=URY usa=USA
uzbekistan=UZB venezuela=VEN vietnam=VNM yemen=YEM
albania=ALB austria=AUT belgium=BEL benin=BEN bolivia=BOL chad=TCD chile=CHL cote-d-ivoire=CIV
czech-republic=CZE democratic-republic-of-the-congo=COD dominican-republic=DOM gibraltar=GIB
guatemala=GTM guinea=GIN haiti=HTI honduras=HND hong-kong=HKG hungary=HUN ireland=IRL jamaica=JAM
liberia=LBR malawi=MWI moldova=MDA montenegro=MNE new-zealand=NZL niger=NER north-macedonia=MKD
serbia=SRB sierra-leone=SLE slovakia=SVK slovenia=SVN south-sudan=SSD suriname=SUR uganda=UGA
zambia=ZMB
"""
COUNTRIES: Mapping[str, str] = dict(pair.split("=") for pair in ALONG.split())
"""The countries asked about, by the name in the address: those on a corridor or its coast."""
STATUS = {
    "avoid_all_travel_to_whole_country": 4,
    "avoid_all_travel_to_parts": 3,
    "avoid_all_but_essential_travel_to_whole_country": 3,
    "avoid_all_but_essential_travel_to_parts": 2,
}
UNKNOWN_STATUS = 2  # a warning in words not known yet is a warning


def next_page(request: Request, answer: Answer) -> Request | None:
    """The page of each country along the corridors that the index has and has not withdrawn."""
    if isinstance(request, Walk):
        return walk(request.rest)
    slugs = [_slug(child) for child in _children(_body(answer)) if not _gone(child)]
    return walk([Request(f"{INDEX}/{slug}") for slug in slugs if slug in COUNTRIES])


SOURCE = Source(
    id=ID,
    title="Foreign travel advice",
    publisher="UK Foreign, Commonwealth & Development Office",
    licence="Open Government Licence v3.0",
    attribution="Contains public sector information licensed under OGL v3.0",
    homepage="https://www.gov.uk/foreign-travel-advice",
    requests=(Request(INDEX),),
    every=timedelta(hours=6),
    stale_after=timedelta(days=7),
    expected_min=50,
    next_page=next_page,
    look=Look("advice", ON_LAND),
)


def parse(answers: Sequence[Answer]) -> Parsed:
    """One row a country: the worst of its alert statuses; none of them is no warning, 0."""
    skipped: Counter[str] = Counter()
    rows: dict[str, dict[str, Any]] = {}
    expected: set[str] = set()
    count = 0
    for answer in answers:
        body = _body(answer)
        if isinstance(held(body, "links", "children"), list):
            children = _children(body)
            slugs = {_slug(child) for child in children if not _gone(child)}
            skipped["withdrawn"] += len(children) - len(slugs)
            skipped["not along a corridor, so not asked"] += len(slugs - set(COUNTRIES))
            count += len(children) - len(slugs & set(COUNTRIES))
            expected |= slugs & set(COUNTRIES)
            continue
        count += 1
        row = _row(body, answer)
        if isinstance(row, str):
            skipped[row] += 1
        else:
            rows[row["event_uid"]] = row
            expected.discard(word(held(body, "details", "country", "slug")))
    if expected:
        few = ", ".join(sorted(expected)[:5])
        raise FeedError(ID, f"partial_coverage: {len(expected)} pages listed, not read: {few}")
    return conclude(SOURCE, list(rows.values()), count, +skipped)


def _body(answer: Answer) -> object:
    body = parse_json(ID, answer.body)
    if not isinstance(held(body, "content_id"), str) or not isinstance(held(body, "links"), dict):
        raise FeedError(ID, "missing_key: no content_id and links, so no page of this publisher")
    return body


def _children(body: object) -> list[object]:
    children = held(body, "links", "children")
    if not isinstance(children, list) or not children:
        raise FeedError(ID, "missing_key: the index lists no countries")
    return children


def _slug(child: object) -> str:
    return (
        word(held(child, "details", "country", "slug"))
        or word(held(child, "base_path")).rpartition("/")[2]
    )


def _gone(child: object) -> bool:
    return held(child, "withdrawn") is True


def _row(body: object, answer: Answer) -> dict[str, Any] | str:
    """A row of the event table, or why there is none."""
    said, id = held(body, "details"), word(held(body, "content_id"), most=60)
    slug, alerts = word(held(said, "country", "slug"), most=60), held(said, "alert_status")
    updated = iso(held(said, "updated_at")) or iso(held(body, "public_updated_at"))
    if not id or not slug:
        return "no id or country"
    if not isinstance(alerts, list) or not all(isinstance(status, str) for status in alerts):
        return "no list alert_status"
    if updated is None:
        return "no date"
    severity, basis = _severity(alerts)
    path = word(held(body, "base_path"))
    withdrawn = bool(held(body, "withdrawn_notice"))
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{ID}:{id}",
        "source_id": id,
        "source_url": f"https://www.gov.uk{path}" if path.startswith("/") else SOURCE.homepage,
        "kind": "advisory",
        "subtype": "travel",
        "title": word(held(body, "title")) or f"{slug} travel advice",
        "summary": held(said, "change_description") or "",
        "lang": word(held(body, "locale"), most=12) or "en",
        "status": "cancelled" if withdrawn else "active",
        "msg_type": "cancel" if withdrawn else "update",
        "severity": severity,
        "severity_basis": basis,
        "severity_native": "; ".join(alerts) or "no warning",
        "certainty": "likely",
        "onset_at": updated,
        "published_at": iso(held(body, "public_updated_at")),
        "updated_at": updated,
        "content_as_of": max(filter(None, [updated, iso(held(said, "reviewed_at"))])),
        "countries": COUNTRIES.get(slug) or country(held(said, "country", "name")),
        "quality_flags": "" if set(alerts) <= set(STATUS) else "unknown_status",
        "parser_version": "1",
    }


def _severity(alerts: Sequence[str]) -> tuple[int, str]:
    """Severity and the rule that set it."""
    if not alerts:
        return 0, "FCDO alert_status [] -> 0: no warning against travel"
    worst = max(alerts, key=lambda status: STATUS.get(status, UNKNOWN_STATUS))
    severity = STATUS.get(worst, UNKNOWN_STATUS)
    known = "" if worst in STATUS else " (not in the table of statuses)"
    return severity, f"FCDO {word(worst)} -> {severity}{known}"
