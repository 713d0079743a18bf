"""Answers and files spoiled the way broken and hostile publishers spoil them."""

from __future__ import annotations

import copy
import csv
import io
import json
import random
from typing import Any
from xml.etree import ElementTree

WORDS: tuple[str, ...] = (
    *("", " ", "0", "-1", "9" * 400, "1e400", "NaN", "inf", "-0", "1,5", "١٢", "1_000", "0x10"),
    *("\ud800", "\u202e\u0000\x1b[31m", "<script>alert(1)</script>", "=1+1", "{{7*7}}", "%s%n"),
    *("2026-13-45", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-23:59", "2026-W01-1"),
    *("Mon, 99 Foo 99999 25:61:61 +9999", "https://[::1", "javascript:x", "../../etc/passwd"),
    *("POLYGON ((0 0", "90-00N 180-00E", "A" * 70_000, "有效期至13月99日", '"', "\n", "'; DROP"),
)
OTHERS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 10**30, -(10**400), 1e308, -1e-308, float("nan"), float("inf")),
    *([], {}, [[]], {"": {}}, [None] * 50, [[1e308, -1e308]], {"type": "Polygon"}),
    {"type": "Point", "coordinates": ["a", None]},
)
MOST_BYTES = 300_000
BYTES = (
    b"",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\x1f\x8b",
    b"\x1a",
    b"\r",
    b"]]>",
    b"&x;",
    b'"',
)


def mutated(body: bytes, chance: random.Random) -> bytes:
    """The body after one to three changes that fit what it is, or that fit nothing."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        body = chance.choice((_by_shape, _by_shape, _by_shape, _by_bytes))(body, chance)
    return body[:1_000_000]


def _by_shape(body: bytes, chance: random.Random) -> bytes:
    start = body.lstrip()[:1]
    try:
        if start in (b"{", b"["):
            return _json(body, chance)
        if start == b"<":
            return _xml(body, chance)
        return _csv(body, chance)
    except (ValueError, RecursionError, ElementTree.ParseError, csv.Error):
        return _by_bytes(body, chance)


def _by_bytes(body: bytes, chance: random.Random) -> bytes:
    """Bytes flipped, cut out, doubled or put in."""
    at = chance.randrange(len(body) + 1)
    to = min(len(body), at + chance.choice((1, 2, 8, 64, 4096)))
    how = chance.randrange(5)
    if how == 0:
        flipped = bytes(byte ^ (1 << chance.randrange(8)) for byte in body[at:to])
        return body[:at] + flipped + body[to:]
    if how == 1:
        return body[:at] + body[to:]
    if how == 2:
        return body[:to] + body[at:to] * chance.choice((1, 2, 200)) + body[to:]
    if how == 3:
        return body[:at]
    return body[:at] + chance.choice(BYTES) * chance.choice((1, 1, 3000)) + body[at:]


def _json(body: bytes, chance: random.Random) -> bytes:
    """One value of a JSON text, anywhere in it, replaced, renamed, doubled, buried or dropped."""
    whole = json.loads(body)
    places = list(_places(whole))
    if not places:
        return json.dumps(_odd(chance)).encode()
    inside, key = chance.choice(places)
    how = chance.randrange(8)
    if how == 0:
        del inside[key]
    elif how == 1 and isinstance(inside, list):
        inside.extend(copy.deepcopy(inside[key]) for _ in range(chance.choice((1, 1, 50))))
    elif how == 1:
        inside[chance.choice(WORDS)] = inside.pop(key)
    elif how == 2:
        for _ in range(chance.choice((1, 2, 60))):
            inside[key] = chance.choice(([inside[key]], {"a": inside[key]}))
    elif how == 3:  # too deep to be built as a value
        inside[key] = "DEEP"
        deep = b"[" * chance.choice((120, 5_000, 100_000))
        return json.dumps(whole).encode().replace(b'"DEEP"', deep)
    elif how == 4:
        other, name = chance.choice(places)
        inside[key] = copy.deepcopy(other[name]) if name in _keys(other) else None
    else:
        inside[key] = _odd(chance)
    return json.dumps(whole, ensure_ascii=chance.random() < 0.9).encode("utf-8", "surrogatepass")


def _odd(chance: random.Random) -> Any:
    return copy.deepcopy(chance.choice(chance.choice((WORDS, OTHERS))))


def _places(held: Any) -> Any:
    for key in _keys(held):
        yield held, key
        yield from _places(held[key])


def _keys(held: Any) -> list[Any]:
    if isinstance(held, dict):
        return list(held)
    return list(range(len(held))) if isinstance(held, list) else []


def _xml(body: bytes, chance: random.Random) -> bytes:
    """One element reworded, renamed, doubled, buried or dropped; or a hostile head put before."""
    how = chance.randrange(7)
    if how == 0:
        bomb = b'<!DOCTYPE a [<!ENTITY x "y"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
        head, mark, rest = body.partition(b"?>")
        return head + mark + bomb + rest if mark else bomb + body
    root = ElementTree.fromstring(body.decode())
    parents = [element for element in root.iter() if len(element)]
    if not parents:
        return _by_bytes(body, chance)
    parent = chance.choice(parents)
    element = chance.choice(list(parent))
    if how == 1:
        parent.remove(element)
    elif how == 2:
        parent.extend(copy.deepcopy(element) for _ in range(chance.choice((1, 1, 50))))
    elif how == 3:
        element.tag = chance.choice([other.tag for other in root.iter()])
    elif how == 4:
        for _ in range(chance.choice((1, 150))):
            parent.remove(element)
            buried = ElementTree.Element(element.tag)
            buried.append(element)
            parent.append(buried)
            element = buried
    elif how == 5 and element.attrib:
        element.set(chance.choice(list(element.attrib)), _writable(chance))
    else:
        element.text = _writable(chance)
    return bytes(ElementTree.tostring(root, encoding="utf-8"))


def _writable(chance: random.Random) -> str:
    return chance.choice(WORDS).encode("utf-8", "ignore").decode()


def _csv(body: bytes, chance: random.Random) -> bytes:
    """One cell, row or column of a table reworded, doubled, moved or dropped."""
    text = body.decode("utf-8")
    mark = max((",", ";", "\t"), key=text.partition("\n")[0].count)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark) if row]
    if not rows:
        return _by_bytes(body, chance)
    row, how = chance.choice(rows), chance.randrange(7)
    at = chance.randrange(len(row))
    if how == 0:
        del row[at]
    elif how == 1:
        rows.extend(list(row) for _ in range(chance.choice((1, 1, 50))))
    elif how == 2:
        rows.remove(row)
    elif how == 3:
        row.extend(row * chance.choice((1, 300)))
    elif how == 4:
        other = chance.choice(rows)
        row[at] = chance.choice(other) if other else ""
    else:
        row[at] = chance.choice(WORDS)
    written = io.StringIO()
    csv.writer(written, delimiter=mark, lineterminator=chance.choice(("\n", "\r\n"))).writerows(
        rows
    )
    return written.getvalue().encode("utf-8", "surrogatepass")
