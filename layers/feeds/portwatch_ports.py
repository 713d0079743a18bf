"""IMF PortWatch: ships that called at each of about 2,000 ports on each day, and their cargo.

Slow and throttled, so only the newest weeks are asked for: the store keeps what came before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from layers.feeds.portwatch_chokepoints import (
    ATTRIBUTION,
    CLASSES,
    LICENCE,
    asked,
    daily,
    next_page,
)
from layers.source import Answer, Parsed, Request, Source

WINDOW_D = 24
"""Days asked for: the publication runs up to 9 days late, and its newest fortnight is revised."""
METRICS: Mapping[str, str] = {
    "portcalls": "calls/d",
    **{f"portcalls_{name}": "calls/d" for name in CLASSES},
    "import": "t",
    "import_dry_bulk": "t",
    "import_tanker": "t",
    "export": "t",
    "export_dry_bulk": "t",
    "export_tanker": "t",
}


def _requests(now: datetime) -> Sequence[Request]:
    # By the integers year, month and day: the date itself changes its type.
    first = now - timedelta(days=WINDOW_D)
    where = f"(year = {first.year} AND month = {first.month} AND day >= {first.day})"
    if (now.year, now.month) != (first.year, first.month):
        where += f" OR (year = {now.year} AND month = {now.month})"
    return asked("Daily_Ports_Data", where)


SOURCE = Source(
    id="portwatch_ports",
    title="Daily port calls and trade volume of about 2,000 ports",
    publisher="International Monetary Fund",
    licence=LICENCE,
    attribution=ATTRIBUTION,
    homepage="https://portwatch.imf.org/pages/data-and-methodology",
    requests=_requests,
    every=timedelta(days=1),
    stale_after=timedelta(days=12),
    expected_min=10_000,
    redistribute=False,
    read_timeout_s=60.0,
    next_page=next_page,
)


def parse(answers: Sequence[Answer]) -> Parsed:
    """Calls, imports and exports of each port and day; series ``portwatch:port1202``."""
    return daily(SOURCE, answers, METRICS, id=re.compile(r"port[1-9]\d{0,4}"))
