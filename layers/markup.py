"""XML and JSON read without trusting them: no document types, no entities, no bombs, no guesses.

What cannot be trusted raises `FeedError` whose message starts with a short reason, such as
``bad_json: ...``, so that the state of a feed can say why.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from layers.errors import FeedError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_DEPTH = 100
"""Deeper nesting than this is an attack or an accident: what feeds hold is flat."""

_HTML = re.compile(rb"\s*(<!--.{0,2000}?-->\s*)*<(!doctype\s+html|html|head|body)\b", re.I | re.S)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["'][^>]*\?>""")
_BEYOND_EXPAT = re.compile(r"gb|big5|euc|shift|iso-2022|hz", re.I)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def looks_like_html(body: bytes) -> bool:
    """Whether a body opens like a web page, which is what a broken or guarded server sends."""
    return _HTML.match(body[:4096].removeprefix(b"\xef\xbb\xbf")) is not None


def parse_json(source: str, body: bytes) -> Any:
    """What a JSON body holds.

    Parameters
    ----------
    source
        Id of the feed, for the error.
    body
        UTF-8 with or without a byte order mark, or UTF-16/32 as JSON allows.

    Raises
    ------
    FeedError
        ``empty_body``, ``html_not_json``, ``bad_encoding``, ``bad_json`` (``NaN`` and ``Infinity``
        are not JSON, neither is a number too big for a float) or ``too_deep``.
    """
    if not body.strip():
        raise FeedError(source, "empty_body: nothing came")
    if looks_like_html(body):
        raise FeedError(source, "html_not_json: a web page came instead of JSON")
    try:
        text = body.decode(json.detect_encoding(body))
    except UnicodeDecodeError as error:
        raise FeedError(source, f"bad_encoding: not text at byte {error.start}") from None
    try:
        held = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise FeedError(source, f"too_deep: nested deeper than {MAX_DEPTH} levels") from None
    except ValueError as error:
        raise FeedError(source, f"bad_json: {error}") from None
    if _may_be_deep(body) and _depth(held) > MAX_DEPTH:
        raise FeedError(source, f"too_deep: nested deeper than {MAX_DEPTH} levels")
    return held


def parse_xml(source: str, body: bytes) -> Element:
    """The root element of an XML body.

    Parameters
    ----------
    source
        Id of the feed, for the error.
    body
        In the encoding it declares; Chinese, Japanese and Korean ones too.

    Raises
    ------
    FeedError
        ``empty_body``, ``html_not_xml``, ``xml_doctype``, ``xml_entity``, ``too_deep``,
        ``bad_encoding`` or ``bad_xml``.
    """
    from defusedxml import ElementTree
    from defusedxml.common import DefusedXmlException, DTDForbidden

    if not body.strip():
        raise FeedError(source, "empty_body: nothing came")
    if looks_like_html(body):
        raise FeedError(source, "html_not_xml: a web page came instead of XML")
    parser = ElementTree.DefusedXMLParser(target=_shallow_builder(source), forbid_dtd=True)
    try:
        parser.feed(_in_utf8(source, body))
        root: Element = parser.close()
    except DTDForbidden:
        raise FeedError(source, "xml_doctype: a document type is not accepted") from None
    except DefusedXmlException:
        raise FeedError(source, "xml_entity: entities are not accepted") from None
    except ElementTree.ParseError as error:
        raise FeedError(source, f"bad_xml: {error}") from None
    except (ValueError, LookupError, AssertionError) as error:
        raise FeedError(source, f"bad_encoding: {error}") from None
    return root


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if abs(number) == float("inf"):
        raise ValueError(f"{text[:20]} is too big for a float")
    return number


def _may_be_deep(body: bytes) -> bool:
    # Brackets within strings are counted too, so this only ever says too much: cheap and safe.
    brackets = np.frombuffer(body.translate(None, _NOT_BRACKETS), dtype=np.uint8)
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    steps = np.where(opening, 1, -1).astype(np.int32)
    return bool(steps.size) and int(np.cumsum(steps).max()) > MAX_DEPTH


def _depth(held: object) -> int:
    depth, level = 0, [held]
    while level := [item for item in level if isinstance(item, dict | list)]:
        depth += 1
        inside = (item.values() if isinstance(item, dict) else item for item in level)
        level = [child for children in inside for child in children]
    return depth


def _in_utf8(source: str, body: bytes) -> bytes:
    """The body, re-encoded when its encoding is one that expat cannot read."""
    declared = _DECLARED.match(body[:400])
    name = declared[1].decode("ascii") if declared else "utf-8"
    if declared is None or not _BEYOND_EXPAT.match(name):
        return body
    # GB 18030 holds all of GB 2312 and GBK, and pages that declare those often use more.
    name = "gb18030" if name.lower().startswith("gb") else name
    try:
        return body[declared.end() :].decode(name).encode()
    except (UnicodeDecodeError, LookupError):
        raise FeedError(source, f"bad_encoding: not the {name} it declares") from None


def _shallow_builder(source: str) -> object:
    """A tree builder that stops at `MAX_DEPTH`."""
    from xml.etree.ElementTree import TreeBuilder

    class Shallow(TreeBuilder):
        level = 0

        def start(self, tag: str, attrs: dict[Any, Any], /) -> Element:
            self.level += 1
            if self.level > MAX_DEPTH:
                raise FeedError(source, f"too_deep: nested deeper than {MAX_DEPTH} levels")
            return super().start(tag, attrs)

        def end(self, tag: str, /) -> Element:
            self.level -= 1
            return super().end(tag)

    return Shallow()
