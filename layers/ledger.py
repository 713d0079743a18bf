"""The warning log as a chain: each entry holds the hash of the one before, so no edit stays hidden.

An entry is hashed with its number, kind, moment and the hash before it. Whoever changes, moves,
removes or puts in one breaks the chain at that place; how many entries there are and the hash of
the last one (the `Head`) are kept apart from them, so that an end cut off is found as well. Who
can write the file can still write a whole new chain: to rule that out, note the head elsewhere,
such as in a bulletin that was sent.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from layers.errors import UnknownIdError, UsageError
from layers.events import utc

FIELDS: Mapping[str, tuple[str, ...]] = {
    "alert": ("id", "thread", "message", "level", "sent", "expires"),
    "acknowledgement": ("alert", "reader", "who", "at", "note"),
    "feedback": ("alert", "reader", "verdict", "note"),
    "review": ("element", "decision", "day", "who", "note"),
    "delivery": ("alert", "host", "outcome", "status", "attempts"),
    "run": ("at", "vintage", "counts"),
}
"""Kinds of entries and what the record of each must hold; it may hold more. An alert is a record
of ``corridors.risk.alert.to_record``; ``delivery`` names a host and never an address, since the
address of a webhook may be its secret."""

WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("feedback", "verdict"): ("true", "false", "late", "useless"),
    ("review", "decision"): ("confirm", "rebase"),
}
_HOST = re.compile(r"[\w.:\[\]-]+")

Draft = tuple[str, datetime, Mapping[str, Any]]
"""Kind, moment and record of an entry to be."""


@dataclass(frozen=True)
class Head:
    """Where a chain ends: how many entries it has, and the hash of the last one."""

    count: int
    sha256: str


START = Head(0, "0" * 64)
"""The head of a chain without entries."""


@dataclass(frozen=True)
class Entry:
    """An entry of the log.

    Attributes
    ----------
    seq
        Its number, from 1.
    kind
        One of ``FIELDS``.
    at
        When it was written, UTC.
    body
        Its record as JSON with sorted keys and no spaces.
    previous_sha256
        Hash of the entry before; 64 zeros for the first.
    sha256
        Hash of all of the above.
    """

    seq: int
    kind: str
    at: datetime
    body: str
    previous_sha256: str
    sha256: str

    @property
    def head(self) -> Head:
        """The head of a chain that ends with this entry."""
        return Head(self.seq, self.sha256)


def chained(previous: Head, kind: str, at: datetime, record: Mapping[str, Any]) -> Entry:
    """The entry that follows a head.

    Raises
    ------
    UnknownIdError
        For a kind that is none of ``FIELDS``.
    UsageError
        When the record lacks a field, holds a word that is not allowed, or is no JSON.
    """
    _check(kind, record)
    try:
        moment = utc(at)
    except ValueError as error:
        raise UsageError(f"the moment of an entry of the log: {error}") from None
    seq, body = previous.count + 1, canonical(record)
    digest = _digest(seq, kind, moment, body, previous.sha256)
    return Entry(seq, kind, moment, body, previous.sha256, digest)


def chain_of(previous: Head, drafts: Iterable[Draft]) -> list[Entry]:
    """The entries that follow a head, each chained to the one before."""
    entries: list[Entry] = []
    for kind, at, record in drafts:
        entries.append(chained(entries[-1].head if entries else previous, kind, at, record))
    return entries


def canonical(record: Mapping[str, Any]) -> str:
    """The record as JSON in the one way it is hashed.

    Raises
    ------
    UsageError
        When it holds what JSON has no word for, such as NaN.
    """
    try:
        text = json.dumps(
            record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        text.encode()
    except (TypeError, ValueError) as error:
        raise UsageError(f"a record of the log must be JSON: {error}") from None
    return text


def broken(entries: Sequence[Entry], head: Head | None = None) -> list[str]:
    """What is wrong with a chain, a sentence each that names the entry; empty when it is whole.

    Parameters
    ----------
    entries
        In the order they are kept in, from the first one.
    head
        As it was noted when the last one was written; None skips what needs it: an end that was
        cut off, or put on.
    """
    faults: list[str] = []
    before = START
    for entry in entries:
        faults += _faults(before, entry)
        before = entry.head
    if head is not None and len(entries) != head.count:
        faults.append(f"the log holds {len(entries)} entries and {head.count} were written")
    if head is not None and before.sha256 != head.sha256:
        faults.append(f"entry {before.count} ends the log and is not the one written last")
    return faults


def _faults(before: Head, entry: Entry) -> Iterable[str]:
    if entry.seq != before.count + 1:
        place = f"entry {entry.seq} stands after entry {before.count}"
        yield f"{place}: one was moved, put in or taken out"
    if entry.previous_sha256 != before.sha256:
        yield f"entry {entry.seq} was not written after entry {before.count} as that is now"
    held = (entry.seq, entry.kind, entry.at, entry.body, entry.previous_sha256)
    if entry.sha256 != _digest(*held):
        yield f"entry {entry.seq} is not what was written"


def _digest(seq: int, kind: str, at: datetime, body: str, previous: str) -> str:
    # No part but the last can hold a line end that was not there: JSON escapes them.
    text = "\n".join([str(seq), kind, utc(at).isoformat(), previous, body])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _check(kind: str, record: Mapping[str, Any]) -> None:
    if kind not in FIELDS:
        raise UnknownIdError("kind of entry", kind, list(FIELDS))
    missing = [name for name in FIELDS[kind] if name not in record]
    if missing:
        raise UsageError(f"an entry of kind {kind} needs {', '.join(missing)}")
    for (of, name), words in WORDS.items():
        if of == kind and record[name] not in words:
            raise UsageError(f"{name} is one of {', '.join(words)}, not {record[name]!r}")
    if kind == "delivery" and not _HOST.fullmatch(str(record["host"])):
        raise UsageError("the host of a delivery is a name and no address")


__all__ = [
    "FIELDS",
    "START",
    "WORDS",
    "Draft",
    "Entry",
    "Head",
    "broken",
    "canonical",
    "chain_of",
    "chained",
]
