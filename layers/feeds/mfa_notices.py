"""China MFA: consular safety notices (领事安全提醒), graded by the verb they use."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from layers.errors import FeedError
from layers.events import clean
from layers.markup import parse_xml
from layers.places import countries_in
from layers.source import ON_LAND, Answer, Look, Parsed, Request, Source, conclude
from layers.values import iso, link, mail, word

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ID = "mfa_notices"
HOST = "mfa.gov.cn"
PAGE = "https://cs.mfa.gov.cn/gyls/lsgz/lsyj/"
SOURCE = Source(
    id=ID,
    title="领事安全提醒 (consular safety notices)",
    publisher="Ministry of Foreign Affairs of the People's Republic of China",
    licence="no open licence stated: link and cite",
    attribution="中国外交部领事司，中国领事服务网",
    homepage=PAGE,
    requests=(Request(PAGE + "rss_57447.xml"),),
    every=timedelta(hours=3),
    stale_after=timedelta(days=30),
    expected_min=1,
    redistribute=False,
    look=Look("advice", ON_LAND),
)
VERBS = (
    (4, r"撤离|撤出|撤侨|转移至安全|尽快离开|尽快离境"),
    (3, r"(暂|切|请)勿前往|不要前往|避免前往|暂停前往"),
    (2, r"谨慎(前往|赴|出行)|慎重前往|非必要不?前往"),
    (1, r"注意|防范|警惕|小心"),
    (1, r"提醒"),
)
"""What to do, worst first: 撤离 leave, 暂勿前往 do not go, 谨慎 think twice, 注意 take care."""
ORDERS = (
    (4, r"(尽快|立即|抓紧|尽早|务必)(撤离|离境|离开|转移)"),
    (3, r"(暂|切|请)勿前往"),
    (2, r"谨慎前往"),
    (1, r"加强(安全)?防范|注意安全"),
)
BEIJING = timezone(timedelta(hours=8))
_UNTIL = re.compile(r"有效期[^\d。；;]{0,14}(?:(\d{4})年)?(\d{1,2})月(\d{1,2})日")


def parse(answers: Sequence[Answer]) -> Parsed:
    """One row a notice, in Chinese, with the countries its title names."""
    skipped: Counter[str] = Counter()
    rows: dict[str, dict[str, Any]] = {}
    count = 0
    for answer in answers:
        for item in _items(answer):
            count += 1
            row = _row(item, answer)
            if isinstance(row, str):
                skipped[row] += 1
            else:
                skipped["the same notice again"] += row["event_uid"] in rows
                rows.setdefault(row["event_uid"], row)
    return conclude(SOURCE, list(rows.values()), count, +skipped)


def _items(answer: Answer) -> list[Element]:
    root = parse_xml(ID, answer.body)
    if root.tag != "rss" or root.find("channel") is None:
        raise FeedError(ID, f"wrong_container: <{word(root.tag)}> is not an RSS channel")
    return root.findall("channel/item")


def _row(item: Element, answer: Answer) -> dict[str, Any] | str:
    """A row of the event table, or why there is none."""
    title = clean(item.findtext("title") or "")
    text = clean(item.findtext("description") or "", most=5000)
    page = link(_absolute(item.findtext("link") or ""))
    # Times without a zone are of Beijing.
    said = item.findtext("pubDate") or item.findtext("{http://purl.org/dc/elements/1.1/}date")
    at = mail(said) or iso(said, zone=BEIJING)
    if not title:
        return "no title"
    if not (urlsplit(page).hostname or "").endswith(HOST):
        return "no link to the ministry"
    if at is None:
        return "no date"
    until = _until(f"{title} {text}", at)
    over = until is not None and until <= answer.retrieved_at
    severity, basis = _severity(title, text)
    return {
        **SOURCE.stamp(answer),
        "event_uid": f"{ID}:{page.rpartition('/')[2] or page}",
        "source_id": page,
        "source_url": page,
        "kind": "advisory",
        "subtype": "travel",
        "title": title,
        "summary": text,
        "lang": "zh",
        "status": "ended" if over else "active",
        "severity": severity,
        "severity_basis": basis,
        "severity_native": title,
        "certainty": "likely",
        "onset_at": at,
        "ends_at": until,
        "published_at": at,
        "content_as_of": at,
        "countries": ";".join(countries_in(title) or countries_in(text)[:3]),
        "parser_version": "1",
    }


def _absolute(address: str) -> str:
    """The address in full; one that can't be read is none."""
    try:
        full = urljoin(PAGE, address.strip())
        return full if urlsplit(full).hostname else ""
    except ValueError:
        return ""


def _severity(title: str, text: str) -> tuple[int, str]:
    """Severity and the rule that set it: the gravest verb of the title and of the text's orders."""
    said = [(severity, re.search(pattern, title)) for severity, pattern in VERBS]
    # A text says in passing that others left or that one be careful: only its orders count.
    said += [(severity, re.search(pattern, text)) for severity, pattern in ORDERS]
    severity, match = max(said, key=lambda one: one[0] if one[1] else 0)
    if match is None:
        return 0, "MFA no verb of the scale -> 0"
    return severity, f"MFA verb {match.group()} -> {severity}"


def _until(text: str, at: datetime) -> datetime | None:
    """The end of the last day of validity, Beijing time; a year left out is the next to come."""
    match = _UNTIL.search(text)
    if match is None:
        return None
    published = at.astimezone(BEIJING)
    year, month, day = int(match[1] or published.year), int(match[2]), int(match[3])
    if not match[1] and (month, day) < (published.month, published.day):
        year += 1
    midnight = iso(f"{year:04d}-{month:02d}-{day:02d}", zone=BEIJING)
    return None if midnight is None else midnight + timedelta(days=1)
