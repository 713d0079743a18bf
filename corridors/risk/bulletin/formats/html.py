"""One HTML page that needs nothing else: printable, in light and dark, never by colour alone.

The page is built as a tree and written out at the end, so text of others can only ever be text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from corridors.risk.alert import Alert
from corridors.risk.bulletin import PIPS, Bulletin
from corridors.risk.bulletin.briefing import Row, Section
from corridors.risk.bulletin.formats.cap import LANGUAGE
from corridors.risk.bulletin.formats.markup import add
from corridors.risk.bulletin.formats.publisher import Publisher
from corridors.risk.bulletin.words import word

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["to_html"]

STYLE = """
:root { color-scheme: light dark; --ink: #16202c; --soft: #55606c; --paper: #fff; --rule: #d5dae0;
  --wash: #f4f6f8; --level: #6b7580; --on: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf3; --soft: #a3afbb; --paper: #10171f;
  --rule: #2c3845; --wash: #18212b } }
.blue { --level: #1c5fa8; --on: #fff }
.yellow { --level: #f4c430; --on: #1d1700 }
.orange { --level: #f08a24; --on: #1f0f00 }
.red { --level: #b3201f; --on: #fff }
* { box-sizing: border-box }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui,
  -apple-system, "Segoe UI", "Noto Sans", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC",
  sans-serif }
article { max-width: 50rem; margin: 0 auto; padding: 1.5rem 1.25rem 2.5rem;
  overflow-wrap: anywhere }
article + article { border-top: 1px solid var(--rule) }
.grade { display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: baseline; margin: 0;
  padding: .6rem .9rem; border-radius: 6px; background: var(--level); color: var(--on);
  font-weight: 650 }
.grade span:first-child { letter-spacing: .15em }
.grade span:last-child { margin-left: auto; font-weight: 500 }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 1rem 0 .3rem; text-wrap: pretty }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; padding-bottom: .2rem;
  border-bottom: 1px solid var(--rule) }
h3 { font-size: .95rem; margin: .9rem 0 .2rem; color: var(--soft) }
p { margin: .35rem 0 }
.soft { color: var(--soft) }
.note { border-left: 4px solid var(--level); background: var(--wash); padding: .5rem .8rem;
  font-weight: 600 }
.mark { border: 3px double currentColor; padding: .4rem .8rem; text-align: center;
  font-weight: 700; letter-spacing: .1em }
ul { margin: .2rem 0; padding-left: 1.2rem }
li { margin: .2rem 0 }
dl { display: grid; grid-template-columns: minmax(8rem, 13rem) 1fr; gap: .3rem 1rem; margin: 0 }
dt { color: var(--soft) }
dd { margin: 0; font-variant-numeric: tabular-nums }
footer { margin-top: 2rem; padding-top: .6rem; border-top: 1px solid var(--rule);
  color: var(--soft); font-size: .875rem }
@media (max-width: 34rem) { dl { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: .4rem } }
@media print { :root { color-scheme: light; --ink: #000; --soft: #444; --paper: #fff;
  --rule: #bbb; --wash: #fff } body { font-size: 10.5pt } article { max-width: none; padding: 0 }
  article + article { break-before: page; border: 0 } h2, h3 { break-after: avoid }
  li, dt, dd { break-inside: avoid } .grade { print-color-adjust: exact;
  -webkit-print-color-adjust: exact } @page { size: A4; margin: 16mm } }
"""


def to_html(
    bulletins: Sequence[Bulletin], alert: Alert, world: World, publisher: Publisher | None = None
) -> bytes:
    """The page, one article a bulletin, in UTF-8."""
    lang = LANGUAGE[bulletins[0].lang] if bulletins else "en-US"
    root = Element("html", lang=lang)
    head = SubElement(root, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    # Nothing may be fetched or run, whatever stands in the text.
    policy = {"http-equiv": "Content-Security-Policy"}
    SubElement(head, "meta", policy, content="default-src 'none'; style-src 'unsafe-inline'")
    add(head, "title", bulletins[0].headline if bulletins else "")
    add(head, "style", STYLE)
    main = SubElement(SubElement(root, "body"), "main")
    for bulletin in bulletins:
        _article(main, bulletin)
    page: bytes = tostring(root, encoding="utf-8", method="html")
    return b"<!DOCTYPE html>\n" + page


def _article(main: Element, bulletin: Bulletin) -> None:
    place = {"lang": LANGUAGE[bulletin.lang], "class": bulletin.level.name, "id": bulletin.id}
    article = SubElement(main, "article", place)
    if bulletin.mark:
        add(article, "p", bulletin.mark, **{"class": "mark"})
    grade = SubElement(article, "p", {"class": "grade"})
    add(grade, "span", PIPS[bulletin.level], **{"aria-hidden": "true"})
    add(grade, "span", bulletin.grade)
    add(grade, "span", bulletin.reference)
    add(article, "h1", bulletin.headline)
    add(article, "p", f"{bulletin.title} · {bulletin.reader_name}", **{"class": "soft"})
    for note in bulletin.notes:
        add(article, "p", note, **{"class": "note"})
    for section in bulletin.sections:
        _section(SubElement(article, "section"), section, bulletin.lang, 2)
    end = " · ".join(filter(None, [bulletin.mark, bulletin.reference, bulletin.alert]))
    add(article, "footer", end)


def _section(parent: Element, section: Section, lang: str, depth: int) -> None:
    add(parent, f"h{depth}", section.heading)
    if section.facts:
        facts = SubElement(parent, "dl")
        for row in section.rows:
            add(facts, "dt", row.name)
            _text(SubElement(facts, "dd"), row)
    else:
        items = SubElement(parent, "ul") if section.rows else parent
        for row in section.rows:
            item = SubElement(items, "li")
            if row.name:
                add(item, "strong", word("named", lang, name=row.name, text="")).tail = " "
                _text(SubElement(item, "span"), row)
            else:
                _text(item, row)
    for part in section.parts:
        _section(parent, part, lang, depth + 1)


def _text(element: Element, row: Row) -> None:
    element.text = row.text
    if row.lang:
        element.set("lang", row.lang)
