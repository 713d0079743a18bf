"""Single values as publishers write them, read into what they mean; None when they mean nothing.

Numbers come as strings, moments in five spellings, flags as the word "false". A value that can't
be read is missing: it is never a zero, an epoch or an empty warning.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from typing import TypeGuard

from layers.events import clean

EARLIEST, LATEST = 1900, 2200  # years: beyond them a date is a mistake or a sentinel

_LINK = re.compile(r"https?://[!-~]{1,1990}", re.I)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def held(record: object, *path: str | int) -> object:
    """What a nested record holds at a path of keys and positions; None where it ends early."""
    for step in path:
        if isinstance(record, dict) and isinstance(step, str):
            record = record.get(step)
        elif isinstance(record, list) and isinstance(step, int) and step < len(record):
            record = record[step]
        else:
            return None
    return record


def word(value: object, *, most: int = 200) -> str:
    """A string or whole number as clean text; empty for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    return clean(value, most=most) if isinstance(value, str) else ""


def link(value: object) -> str:
    """A web address; empty for any other scheme, and for one with spaces, quotes or brackets."""
    text = value.strip() if isinstance(value, str) else ""
    return text if _LINK.fullmatch(text) and not set(text) & set("\"'<>`") else ""


def number(value: object) -> float | None:
    """A finite number, also when it comes as a string."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def flag(value: object) -> bool | None:
    """True or false, also when it comes as the word."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower() if _text(value) else "")


def iso(value: object, *, zone: tzinfo | None = None) -> datetime | None:
    """A moment in ISO 8601, UTC; without an offset it is of ``zone``, or unknown without one."""
    if not _text(value):
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return _sane(found if found.tzinfo or zone is None else found.replace(tzinfo=zone))


def mail(value: object) -> datetime | None:
    """A moment as in an e-mail header or RSS (``Mon, 30 Dec 2019 00:17:00 GMT``), UTC."""
    if not _text(value):
        return None
    try:
        found = parsedate_to_datetime(value.strip())
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _sane(found)


def epoch_ms(value: object) -> datetime | None:
    """A moment in milliseconds since 1970, UTC."""
    count = number(value)
    if count is None or abs(count) > 6e13:
        return None
    return _sane(_EPOCH + timedelta(milliseconds=count))


def _text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _sane(found: datetime) -> datetime | None:
    """The moment in UTC; None without a zone, since nobody knows when that is, or out of range."""
    if found.tzinfo is None or not EARLIEST < found.year < LATEST:
        return None
    return found.astimezone(UTC)
