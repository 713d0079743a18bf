"""OFAC: ships, companies and persons under US sanctions (specially designated nationals).

An entity keeps its number, so that what is new, changed or gone comes from comparing versions.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from io import StringIO
from typing import Any

from layers.errors import FeedError
from layers.markup import looks_like_html
from layers.source import Answer, Parsed, Request, Source, conclude
from layers.values import mail

LISTS = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports"
SOURCE = Source(
    id="ofac_sdn",
    title="Specially designated nationals and blocked persons",
    publisher="US Treasury, Office of Foreign Assets Control",
    licence="US public domain",
    attribution="US Treasury, OFAC",
    homepage="https://sanctionssearch.ofac.treas.gov",
    requests=[
        Request(f"{LISTS}/SDN.CSV", max_bytes=40_000_000),
        Request(f"{LISTS}/SDN_COMMENTS.CSV", max_bytes=40_000_000),
    ],
    every=timedelta(hours=12),
    # Changed several times a week.
    stale_after=timedelta(days=21),
    # 7,379 in January 2019, 19,254 in July 2026.
    expected_min=7_000,
    # It answers with a redirect to a signed address of its store.
    hosts=("wc2h-sls-prod-public-published.s3.us-gov-west-1.amazonaws.com",),
    read_timeout_s=60.0,
)
COLUMNS = 12
NOTHING = "-0-"
SHORT = 0.01
"""A larger share of rows that are no rows is a broken file."""
TRADE = re.compile(
    r"IFCA|ISA|PEESA.*|LIBYA3|IRAN-EO13(846|902)|VENEZUELA-EO13850|UKRAINE-EO13662|RUSSIA-EO14024"
)
"""Programmes that name energy or shipping, or hit them most."""
WORDS = re.compile(
    r"\b(SHIP(PING|S|MANAGEMENT)?|TANKERS?|MARITIME|MARINE|NAVIGATION|PETROL\w*|OIL|GAS|LNG|LPG"
    r"|ENERGY|REFIN\w+|PETROCHEMICALS?|PIPELINES?|RAILWAYS?|FERTILI[SZ]ERS?|GRAIN)\b"
)
HARBOUR = re.compile(r"\b(SEA)?PORTS?\b|\bTERMINALS?\b|\bHARBOU?RS?\b")
IMO = re.compile(r"\bIMO (\d{7})\b")
STATES = {
    "CUBA": "CUB",
    "DPRK": "PRK",
    "IFCA": "IRN",
    "IFSR": "IRN",
    "IRAN": "IRN",
    "IRGC": "IRN",
    "RUSSIA": "RUS",
    "SYRIA": "SYR",
    "VENEZUELA": "VEN",
    "BELARUS": "BLR",
    "LIBYA": "LBY",
    "YEMEN": "YEM",
}
"""Country of the programmes whose names begin so."""


def csv_rows(source: str, body: bytes, *, blank: bool = False) -> list[list[str]]:
    """The rows of a CSV body, without the Ctrl-Z some end in and, unless asked for, blank ones.

    Raises
    ------
    FeedError
        ``empty_body``, ``html_not_csv``, ``bad_encoding`` (other than UTF-8) or ``bad_csv``.
    """
    if not body.strip(b"\x1a\xef\xbb\xbf \r\n\t"):
        raise FeedError(source, "empty_body: nothing came")
    if looks_like_html(body):
        raise FeedError(source, "html_not_csv: a web page came instead of CSV")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeedError(source, f"bad_encoding: not UTF-8 at byte {error.start}") from None
    try:
        rows = list(csv.reader(StringIO(text.replace("\x1a", ""), newline="")))
    except csv.Error as error:
        raise FeedError(source, f"bad_csv: {error}") from None
    return [row for row in rows if blank or any(cell.strip() for cell in row)]


def parse(answers: Sequence[Answer]) -> Parsed:
    """Every entity; uid ``ofac_sdn:<number>``, a ship's asset ``imo:9187629``."""
    tables = [(answer, csv_rows(SOURCE.id, answer.body)) for answer in answers]
    entities = [(a, row) for a, rows in tables if _width(rows) == COLUMNS for row in rows]
    more = dict(row for _, rows in tables if _width(rows) == 2 for row in rows if len(row) == 2)
    if not entities:
        widths = ", ".join(str(_width(rows)) for _, rows in tables)
        raise FeedError(
            SOURCE.id, f"wrong_columns: {COLUMNS} expected, found {widths or 'nothing'}"
        )
    skipped: Counter[str] = Counter()
    events: dict[str, dict[str, Any]] = {}
    for answer, row in entities:
        cells = ["" if cell.strip() == NOTHING else cell.strip() for cell in row]
        if len(cells) != COLUMNS:
            skipped[f"not {COLUMNS} columns"] += 1
        elif not cells[0].isdigit() or not cells[1]:
            skipped["no number or no name"] += 1
        elif cells[0] in events:
            skipped["duplicate"] += 1
        else:
            events[cells[0]] = _event(cells, more, answer)
    if skipped.total() > len(entities) * SHORT:
        raise FeedError(SOURCE.id, f"malformed: {dict(skipped)} of {len(entities)} rows")
    return conclude(SOURCE, list(events.values()), len(entities), skipped)


def _width(rows: Sequence[Sequence[str]]) -> int:
    """Columns most rows have; 0 without rows."""
    return next((width for width, _ in Counter(map(len, rows)).most_common(1)), 0)


def _event(cells: Sequence[str], more: Mapping[str, str], answer: Answer) -> dict[str, Any]:
    number, name, kind, programmes = cells[:4]
    # What does not fit into 1,000 characters goes on in the other file.
    remarks = cells[11] + more.get(number, "").replace(NOTHING, "")
    listed = [part.strip(" []") for part in re.split(r";|\]\s*\[", programmes) if part.strip(" []")]
    subtype, severity, basis = _severity(name, kind, listed)
    ship = IMO.search(remarks)
    facts = [cells[4], cells[6], cells[9] and f"flag {cells[9]}", cells[10], remarks]
    published = mail(answer.last_modified)
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{SOURCE.id}:{number}",
        "source_id": number,
        "source_url": f"https://sanctionssearch.ofac.treas.gov/Details.aspx?id={number}",
        "kind": "sanction",
        "subtype": subtype,
        "title": name,
        "summary": "; ".join(filter(None, facts)),
        "severity": severity,
        "severity_basis": basis,
        "severity_native": ";".join(listed),
        "certainty": "observed",
        "time_precision": "day",
        "countries": ";".join(dict.fromkeys(filter(None, map(_state, listed)))),
        "assets": f"imo:{ship[1]}" if ship else "",
        "asset_match": "native" if ship else "none",
        "confidence": 1.0,
        # The list says what is in force, not since when.
        "quality_flags": "undated",
        "updated_at": published,
        "content_as_of": published,
    }


def _severity(name: str, kind: str, programmes: Sequence[str]) -> tuple[str, int, str]:
    kind = kind.lower()
    if kind == "vessel":
        return "vessel", 3, "vessel = 3"
    if kind in {"individual", "aircraft"}:
        return kind, 0, f"{kind} = 0"
    if HARBOUR.search(name.upper()):
        return "port", 3, "port or terminal = 3"
    named = [programme for programme in programmes if TRADE.fullmatch(programme)]
    words = WORDS.search(name.upper())
    if named or words:
        why = f"programme {named[0]}" if named else f"name holds {words[0] if words else ''}"
        return "entity", 2, f"energy or shipping ({why}) = 2"
    return "entity", 0, "neither energy nor shipping = 0"


def _state(programme: str) -> str:
    return next((code for start, code in STATES.items() if programme.startswith(start)), "")
