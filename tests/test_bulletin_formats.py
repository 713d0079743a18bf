"""Every format of a bulletin: whole, marked, harmless, and read back where we have a reader."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise, product
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pypdfium2
import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html
from shapely import from_wkt
from shapely.geometry import LineString, shape

from corridors.risk.alert import Alert, Evidence, Level, Message
from corridors.risk.bulletin import READERS, Bulletin, Context, Incident, bulletin
from corridors.risk.bulletin.formats import (
    FORMATS,
    MEDIA,
    Publisher,
    to_atom,
    to_geojson,
    to_html,
    to_pdf,
)
from corridors.risk.bulletin.formats.atom import feed
from corridors.risk.bulletin.formats.fonts import chinese_font
from corridors.risk.bulletin.formats.geojson import collection
from corridors.risk.bulletin.formats.pdf import _pieces
from corridors.risk.bulletin.surroundings import line
from corridors.risk.bulletin.words import LANGUAGES
from layers.errors import CorridorsError, UsageError
from layers.feeds import georss_url
from layers.source import Answer

if TYPE_CHECKING:
    from layers.world import World

MAKER = Callable[..., Alert]
NOW = datetime(2026, 4, 23, 6, tzinfo=UTC)
EARLIER = (("W-0", datetime(2026, 4, 22, 5, tzinfo=UTC)),)
OWN = Publisher(sender="duty@example.org")
TEXTS = [name for name in FORMATS if name != "pdf"]
ATOM = "{http://www.w3.org/2005/Atom}"

HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "]]><x/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "&lt;b&gt;",
    "&#0;",
    "%00",
    "{element}",
    "{{7*7}}",
    "[x](javascript:alert(1))",
    "![x](https://evil.example/a.png)",
    "https://evil.example/x",
    "\x00\x07\x1b[31m",
    "\u202edesrever\u202c",
    "\ufffe\uffff",
    "\u2028line",
    "`code` *b* _i_ |",
    "# head",
    "- item",
    "1. one",
    "' onload='x",
    '" onmouseover="x',
]
LONG = "x" * 10_000


@cache
def font() -> str | None:
    """Return a font with Chinese letters; None on a machine without one."""
    try:
        return str(chinese_font())
    except CorridorsError:
        return None


def written(world: World, alert: Alert, reader: str, lang: str, **more: Any) -> Bulletin:
    return bulletin(alert, reader, lang, world, **{"context": Context(), "now": NOW, **more})


def pdf_pages(body: bytes) -> list[str]:
    """Return the text of each page as a reader of PDF sees it."""
    document = pypdfium2.PdfDocument(body)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def pdf_text(body: bytes) -> str:
    return "\n".join(pdf_pages(body))


class Page(HTMLParser):
    """What a page holds: its tags with their attributes, and its text."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self.feed(body.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said.append(data)


# --- all of them ---------------------------------------------------------------------------


def test_every_format_has_a_media_type() -> None:
    assert set(MEDIA) == set(FORMATS)


@pytest.mark.parametrize("message", Message)
@pytest.mark.parametrize("level", Level)
def test_every_reader_language_level_and_message_builds_in_every_format(
    world: World, make_warning: MAKER, message: Message, level: Level
) -> None:
    alert = make_warning(message=message, level=level, references=EARLIER)
    for reader, lang in product(READERS, LANGUAGES):
        found = written(world, alert, reader, lang)
        for name in TEXTS:
            body = FORMATS[name]([found], alert, world, OWN)
            assert found.headline in _unescaped(body), (reader, lang, name)
        if lang == "en":
            assert to_pdf([found], alert, world).startswith(b"%PDF-")


def _unescaped(body: bytes) -> str:
    return re.sub(r"\\([\[\]_])", r"\1", body.decode())


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", FORMATS)
def test_an_exercise_and_the_reference_show_in_every_format(
    world: World, make_warning: MAKER, name: str, lang: str
) -> None:
    if name == "pdf" and lang == "zh" and font() is None:
        pytest.skip("no font with Chinese letters on this machine")
    alert = make_warning(exercise=True)
    found = written(world, alert, "embassy", lang)
    body = FORMATS[name]([found], alert, world, replace(OWN, font=font()))
    said = pdf_text(body) if name == "pdf" else body.decode()
    assert ("演习" if lang == "zh" else "EXERCISE") in said
    assert found.reference in said
    real = make_warning()
    plain = FORMATS[name](
        [written(world, real, "embassy", lang)], real, world, replace(OWN, font=font())
    )
    said = pdf_text(plain) if name == "pdf" else plain.decode()
    assert not re.search(r"EXERCISE|演习|Exercise", said)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_bulletin_is_the_same_file(world: World, make_warning: MAKER, name: str) -> None:
    alert = make_warning()
    found = [written(world, alert, "embassy", "en")]
    once, again = (FORMATS[name](found, alert, world, OWN) for _ in range(2))
    assert once == again


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_leads_outside_unless_told_to(
    world: World, make_warning: MAKER, name: str
) -> None:
    alert = make_warning()
    said = FORMATS[name]([written(world, alert, "embassy", "en")], alert, world, OWN)
    known = {b"http://www.w3.org/2005/Atom", b"http://www.georss.org/georss"}
    if name != "pdf":  # whose metadata names its own schemas
        assert set(re.findall(rb"https?://[^\s\"'<]+", said)) <= known
    assert b"/URI" not in said


# --- text of others stays text ----------------------------------------------------------------


def hostile(make_warning: MAKER, text: str) -> tuple[Alert, Context]:
    """Return a warning and its context with the text wherever text of others may stand."""
    base = make_warning()
    alert = replace(
        base,
        evidence=(Evidence("feeds", text, text, NOW), Evidence(text, text, text)),
        status=replace(base.status, declared=text, declared_by=text),
        **{"vintage": text, "reason": text, "scenario": text, "rules": text, "exercise": True},
    )
    incident = Incident(text, text, NOW, text)
    return alert, Context(
        incidents=(incident,),
        contact=text,
        firms={"port:CNNGB": (text,)},
        landings={"port:CNNGB": 1.0},
    )


@pytest.mark.parametrize("text", [*HOSTILE, LONG], ids=[*map(repr, HOSTILE), "long"])
def test_hostile_text_is_only_text(world: World, make_warning: MAKER, text: str) -> None:
    alert, context = hostile(make_warning, text)
    for reader, lang in product(READERS, LANGUAGES):
        found = written(world, alert, reader, lang, context=context)
        for name in TEXTS:
            body = FORMATS[name]([found], alert, world, OWN)
            said = body.decode()
            assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2028]", said)
            assert len(said) < 60_000
            CHECKS[name](body)
        if lang == "en":
            assert "/JavaScript" not in to_pdf([found], alert, world).decode("latin-1")


def _is_xml(body: bytes) -> None:
    root = fromstring(body)
    spaces = ("{urn:oasis:names:tc:emergency:cap:1.2}", ATOM, "{http://www.georss.org/georss}")
    assert all(element.tag.startswith(spaces) for element in root.iter())
    assert not {e.tag.partition("}")[2] for e in root.iter()} & {"script", "x", "b"}


def _is_json(body: bytes) -> None:
    held = json.loads(body, parse_constant=pytest.fail)
    assert held["features"][0]["properties"]["exercise"] is True


def _is_markdown(body: bytes) -> None:
    said = body.decode()
    assert "<" not in said
    assert not re.search(r"(?<!\\)!?(?<!\\)\[[^\]\\]*\]\(", said)
    assert "://" not in said


def _is_page(body: bytes) -> None:
    page = Page(body)
    allowed = {"html", "head", "meta", "title", "style", "body", "main", "article", "section"}
    allowed |= {"p", "span", "h1", "h2", "h3", "ul", "li", "strong", "dl", "dt", "dd", "footer"}
    assert {tag for tag, _ in page.tags} <= allowed
    assert {name for _, attributes in page.tags for name in attributes} <= {
        *("lang", "class", "id", "charset", "name", "content", "http-equiv", "aria-hidden"),
    }


CHECKS: dict[str, Callable[[bytes], None]] = {
    "cap": _is_xml,
    "atom": _is_xml,
    "geojson": _is_json,
    "md": _is_markdown,
    "html": _is_page,
}


@settings(max_examples=40)
@given(text=st.text(max_size=60))
def test_any_text_is_only_text(world: World, make_warning: MAKER, text: str) -> None:
    alert, context = hostile(make_warning, text)
    found = written(world, alert, "security_company", "en", context=context)
    for name in TEXTS:
        CHECKS[name](FORMATS[name]([found], alert, world, OWN))
    assert to_pdf([found], alert, world).startswith(b"%PDF-")


def test_markup_of_others_is_still_to_be_read(world: World, make_warning: MAKER) -> None:
    alert, context = hostile(make_warning, "<script>alert(1)</script>")
    found = written(world, alert, "embassy", "en", context=context)
    page = "".join(Page(to_html([found], alert, world)).said)
    assert "Fujairah" not in page
    assert "<script>alert(1)</script>" in page
    root = fromstring(to_atom([found], alert, world))
    assert "<script>alert(1)</script>" in (root.findtext(f"{ATOM}entry/{ATOM}content") or "")


# --- Atom --------------------------------------------------------------------------------------


def test_our_own_reader_reads_the_feed_back(world: World, make_warning: MAKER) -> None:
    alert = make_warning()
    body = to_atom([written(world, alert, "embassy", "en")], alert, world, OWN)
    (row,) = _read(body).events.to_dict("records")
    assert row["source_id"] == "tag:example.org,2026-01-01:W-1-embassy-en"
    assert row["severity"] == int(alert.level)
    assert row["title"].startswith("Strait of Hormuz: crude oil imports of China")
    assert row["updated_at"].to_pydatetime() == alert.sent
    assert row["ends_at"].to_pydatetime() == alert.expires
    place = from_wkt(row["wkt"])
    assert place.contains(LineString(line(alert.element, world)))


def _read(body: bytes) -> Any:
    return georss_url.parse([Answer("https://example.org/feed.atom", body, NOW)])


def test_a_feed_of_many_is_newest_first_with_ids_of_their_own(
    world: World, make_warning: MAKER
) -> None:
    alerts = [make_warning(id=f"W-{n}", sent=NOW + timedelta(hours=n)) for n in range(3)]
    told = [(written(world, a, r, lang), a) for a in alerts for r in READERS for lang in LANGUAGES]
    root = fromstring(feed(told, world, OWN))
    entries = root.findall(f"{ATOM}entry")
    ids = [e.findtext(f"{ATOM}id") for e in entries]
    assert len(set(ids)) == len(entries) == 30
    moments = [e.findtext(f"{ATOM}updated") or "" for e in entries]
    assert moments == sorted(moments, reverse=True)
    assert root.findtext(f"{ATOM}updated") == moments[0]
    assert len(_read(feed(told, world, OWN)).events) == 30
    with pytest.raises(UsageError, match="at least one"):
        feed([], world)


def test_a_feed_has_what_atom_demands(world: World, make_warning: MAKER) -> None:
    alert = make_warning()
    link = replace(OWN, link="https://example.org/b", name="Duty desk")
    root = fromstring(to_atom([written(world, alert, "embassy", "zh")], alert, world, link))
    for name in ("id", "title", "updated"):
        assert root.findtext(ATOM + name)
        assert root.findtext(f"{ATOM}entry/{ATOM}{name}")
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "Duty desk"
    assert {e.get("href") for e in root.iter(f"{ATOM}link")} == {"https://example.org/b"}


# --- GeoJSON -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        ("chokepoint:hormuz", "LineString"),
        ("port:SARTA", "Point"),
        ("railway:china_laos", "LineString"),
    ],
)
def test_geojson(world: World, make_warning: MAKER, element: str, kind: str) -> None:
    alert = make_warning(element=element, probability_30d=nan)
    body = json.loads(to_geojson([written(world, alert, "embassy", "zh")], alert, world, OWN))
    (feature,) = body["features"]
    assert feature["geometry"]["type"] == kind
    assert shape(feature["geometry"]).is_valid
    facts = feature["properties"]
    assert not any(isinstance(value, dict | list) for value in facts.values())
    assert facts["probability_14d"] == 0.87
    assert facts["probability_30d"] is None
    assert facts["severity"] == 4
    assert facts["exercise"] is False
    assert "IMF PortWatch" in facts["sources"]
    (row,) = _read(json.dumps(body).encode()).events.to_dict("records")
    assert row["severity"] == 4
    assert row["ends_at"].to_pydatetime() == alert.expires


def test_what_is_not_public_is_not_in_a_public_collection(
    world: World, make_warning: MAKER
) -> None:
    alert = make_warning()
    for name, audience in product(TEXTS, ("public", "organisation")):
        found = written(world, alert, "embassy", "en", audience=audience)
        said = FORMATS[name]([found], alert, world, OWN).decode().replace("&#39;", "'")
        assert ("The firm's own news" in said) == (audience == "organisation")
        assert "whisper" not in said


def test_a_collection_of_none_is_empty(world: World) -> None:
    assert json.loads(collection([], world))["features"] == []


# --- HTML --------------------------------------------------------------------------------------


def test_the_page_is_one_file_with_headings_in_order(world: World, make_warning: MAKER) -> None:
    alert = make_warning()
    found = [written(world, alert, "embassy", lang) for lang in ("zh", "en")]
    body = to_html(found, alert, world)
    page = Page(body)
    tags = [tag for tag, _ in page.tags]
    assert tags.count("h1") == 2
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h\d", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))
    articles = [attributes for tag, attributes in page.tags if tag == "article"]
    assert [a["lang"] for a in articles] == ["zh-CN", "en-US"]
    assert dict(page.tags)["html"]["lang"] == "zh-CN"
    assert not {"script", "link", "img", "iframe", "object"} & set(tags)
    assert b"prefers-color-scheme: dark" in body
    assert b"@media print" in body
    document = lxml_html.document_fromstring(body.decode())
    quoted = document.xpath("//li/span[@lang='en']/text()")
    assert quoted == ["原文：Eight ships a day."]


def test_a_level_is_never_colour_alone(world: World, make_warning: MAKER) -> None:
    for level in list(Level)[1:]:
        alert = make_warning(level=level)
        said = "".join(Page(to_html([written(world, alert, "embassy", "en")], alert, world)).said)
        assert f"Reference level: {level.name} ({int(level)} of 4)" in said
        assert "●" * level + "○" * (4 - level) in said


# --- PDF ---------------------------------------------------------------------------------------


def test_the_brief_in_chinese_shows_chinese(world: World, make_warning: MAKER) -> None:
    if font() is None:
        pytest.skip("no font with Chinese letters on this machine")
    alert = make_warning()
    found = [written(world, alert, "central_agency", lang) for lang in ("zh", "en")]
    body = to_pdf(found, alert, world, Publisher(font=font()))
    pages = pdf_pages(body)
    assert "霍尔木兹海峡通行风险提示" in pages[0]
    assert "可保障102天进口量" in pages[0]
    assert len(pages) <= 4
    assert all(re.search("参考等级,非政府|not an official", page) for page in pages)
    assert body.count(b"/DescendantFonts") == 1  # embedded, not left to the viewer
    assert b"/FontFile" in body
    assert b"/Helvetica" not in body


def test_a_brief_in_english_needs_no_font(world: World, make_warning: MAKER) -> None:
    alert = make_warning()
    context = Context(contact="Øst 中 “quoted” – dash")
    said = pdf_text(to_pdf([written(world, alert, "embassy", "en", context=context)], alert, world))
    assert "Strait of Hormuz: crude oil imports of China" in said
    assert 'Øst ? "quoted" - dash' in said


def test_a_brief_in_chinese_without_a_font_is_refused(world: World, make_warning: MAKER) -> None:
    alert = make_warning()
    with pytest.raises(UsageError, match="font with Chinese letters"):
        to_pdf([written(world, alert, "embassy", "zh")], alert, world)
    with pytest.raises(UsageError, match="at least one"):
        to_pdf([], alert, world)


def test_a_font_that_is_none_is_named(world: World, make_warning: MAKER, tmp_path: Path) -> None:
    alert = make_warning()
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    for place in (broken, tmp_path / "none.ttf", tmp_path / "none.ttc"):
        with pytest.raises(CorridorsError, match=place.name):
            to_pdf(
                [written(world, alert, "embassy", "en")], alert, world, Publisher(font=str(place))
            )


def test_fonts_are_looked_for_and_named_when_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CORRIDORS_FONT", raising=False)
    with pytest.raises(CorridorsError, match="fonts-noto-cjk"):
        chinese_font([str(tmp_path), str(tmp_path / "none")])
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "simsun.ttc").touch()
    (tmp_path / "NotoSansCJK-Regular.ttc").touch()
    assert chinese_font([str(tmp_path)]).name == "NotoSansCJK-Regular.ttc"
    monkeypatch.setenv("CORRIDORS_FONT", str(tmp_path / "deep" / "simsun.ttc"))
    assert chinese_font([]).name == "simsun.ttc"
    monkeypatch.setenv("CORRIDORS_FONT", str(tmp_path / "gone.ttf"))
    with pytest.raises(CorridorsError, match="which is no file"):
        chinese_font()


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("甲，乙（丙）", ["甲，", "乙", "（丙）"]),
        ("to the strait", ["to ", "the ", "strait"]),
        ("日均8艘次", ["日", "均", "8", "艘", "次"]),
        ("“甲”乙", ["“甲”", "乙"]),
        ("", []),
    ],
)
def test_where_a_line_may_break(text: str, pieces: list[str]) -> None:
    assert list(_pieces(text)) == pieces


@given(st.text(max_size=80))
def test_breaking_loses_nothing(text: str) -> None:
    assert "".join(_pieces(text)) == text
