"""A brief on A4 as PDF, each bulletin from a page of its own.

Text in Chinese needs the font of the publisher; English does without and then shows ``?`` for
letters beyond Western Europe. Lines are broken here, since Chinese breaks between any two letters
but not before closing and after opening punctuation, and English between words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC
from pathlib import PurePath
from typing import TYPE_CHECKING

from corridors.risk.alert import Alert, Level
from corridors.risk.bulletin import Bulletin
from corridors.risk.bulletin.briefing import Row, Section
from corridors.risk.bulletin.formats.publisher import Publisher
from corridors.risk.bulletin.words import word
from layers.errors import CorridorsError, UsageError

if TYPE_CHECKING:
    from fpdf import FPDF

    from layers.world import World

__all__ = ["to_pdf"]

Ink = tuple[int, int, int]

BAND: dict[Level, tuple[Ink, Ink]] = {
    Level.none: ((107, 117, 128), (255, 255, 255)),
    Level.blue: ((28, 95, 168), (255, 255, 255)),
    Level.yellow: ((244, 196, 48), (29, 23, 0)),
    Level.orange: ((240, 138, 36), (31, 15, 0)),
    Level.red: ((179, 32, 31), (255, 255, 255)),
}
"""Colour of the band and of the words in it, by level."""

INK: Ink = (22, 32, 44)
SOFT: Ink = (85, 96, 108)
RULE: Ink = (205, 211, 218)
MARGIN = 18.0
NAME = 40.0  # width of the column of names
LEADING = 1.42
MM_PT = 25.4 / 72
TEXT = 9.5
CLOSING = "，。；：、！？）】》”’％,.;:!?)]}%…"
OPENING = "（【《“‘([{"
_WIDE = r"[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60“”‘’…—]"
_PIECE = re.compile(rf"{_WIDE}|(?:(?!{_WIDE})\S)+\s*|\s+")
_LATIN = str.maketrans(
    {"–": "-", "—": "-", "−": "-", "’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "•": "-"}
)


def to_pdf(
    bulletins: Sequence[Bulletin], alert: Alert, world: World, publisher: Publisher | None = None
) -> bytes:
    """The brief.

    Raises
    ------
    UsageError
        Without bulletins, or for one in Chinese without a font.
    CorridorsError
        When the font can't be read.
    """
    publisher = publisher or Publisher()
    if not bulletins:
        raise UsageError("a brief needs at least one bulletin")
    if publisher.font is None and any(b.lang == "zh" for b in bulletins):
        raise UsageError("a PDF in Chinese needs a font with Chinese letters")
    pages = _Pages(bulletins[0], alert, publisher.font)
    for bulletin in bulletins:
        pages.bulletin(bulletin)
    return pages.written()


class _Pages:
    """The document while it is written: where the pen is and what it writes with."""

    def __init__(self, first: Bulletin, alert: Alert, font: str | None) -> None:
        self.pdf = _document(font)
        self.plain = font is None
        # The moment the warning was sent, not of writing: the same brief is the same file.
        self.pdf.set_creation_date(alert.sent.astimezone(UTC))
        self.pdf.set_title(self.text(first.headline))
        self.pdf.set_lang({"en": "en-US", "zh": "zh-CN"}[first.lang])

    def written(self) -> bytes:
        return bytes(self.pdf.output())

    def bulletin(self, bulletin: Bulletin) -> None:
        self.foot = " · ".join(filter(None, [bulletin.mark, bulletin.reference, bulletin.alert]))
        self.page()
        self.top(bulletin)
        for section in bulletin.sections:
            self.section(section, bulletin.lang, 11.0)

    def page(self) -> None:
        """A new page, with the line at its foot that says what this is."""
        self.pdf.add_page()
        self.pen(7.5, SOFT)
        self.pdf.set_xy(MARGIN, self.pdf.h - 12)
        self.pdf.cell(self.wide, 4, self.text(f"{self.foot} · {self.pdf.page_no()}"), align="C")
        self.pdf.set_xy(MARGIN, MARGIN)

    @property
    def wide(self) -> float:
        return self.pdf.w - 2 * MARGIN

    def top(self, bulletin: Bulletin) -> None:
        """The mark of an exercise, the band of the level, the headline and the notes."""
        if bulletin.mark:
            self.marked(bulletin.mark)
        self.band(bulletin)
        self.write(bulletin.headline, 15.0, INK, strong=True)
        self.pdf.ln(1)
        self.write(f"{bulletin.title} · {bulletin.reader_name}", 9.0, SOFT)
        for note in bulletin.notes:
            self.pdf.ln(1)
            self.write(note, 10.0, BAND[Level.red][0])

    def marked(self, mark: str) -> None:
        self.pen(12.0, INK)
        self.pdf.set_draw_color(*INK)
        self.pdf.cell(self.wide, 8, self.text(mark), border=1, align="C")
        self.pdf.set_xy(MARGIN, self.pdf.get_y() + 10)

    def band(self, bulletin: Bulletin) -> None:
        """The level by colour, by word and by full circles of four."""
        fill, ink = BAND[bulletin.level]
        pdf, y = self.pdf, self.pdf.get_y()
        pdf.set_fill_color(*fill)
        pdf.rect(MARGIN, y, self.wide, 10, style="F")
        pdf.set_draw_color(*ink)
        pdf.set_fill_color(*ink)
        for step in range(4):
            x = MARGIN + 3 + step * 4.6
            pdf.ellipse(x, y + 3.4, 3.2, 3.2, style="DF" if step < bulletin.level else "D")
        self.pen(11.0, ink)
        pdf.set_xy(MARGIN + 24, y)
        pdf.cell(90, 10, self.text(bulletin.grade))
        self.pen(8.5, ink)
        pdf.set_xy(MARGIN + self.wide - 83, y)
        pdf.cell(80, 10, self.text(bulletin.reference), align="R")
        pdf.set_xy(MARGIN, y + 13)

    def section(self, section: Section, lang: str, size: float) -> None:
        self.room(16)
        self.pdf.ln(2.2 if size > 10 else 0.8)
        self.write(section.heading, size, INK if size > 10 else SOFT, strong=True)
        if size > 10:
            self.rule()
        for row in section.rows:
            self.row(row, facts=section.facts, lang=lang)
        for part in section.parts:
            self.section(part, lang, TEXT)

    def rule(self) -> None:
        y = self.pdf.get_y() + 0.4
        self.pdf.set_draw_color(*RULE)
        self.pdf.line(MARGIN, y, MARGIN + self.wide, y)
        self.pdf.set_xy(MARGIN, y + 1)

    def row(self, row: Row, *, facts: bool, lang: str) -> None:
        """A name with its text beside it, or a point of a list."""
        if not facts:
            text = word("named", lang, name=row.name, text=row.text) if row.name else row.text
            self.write(text, TEXT, INK, indent=4, point=True)
            return
        self.pen(TEXT, SOFT)
        tall = len(list(self.broken(row.name, NAME - 3))) * TEXT * MM_PT * LEADING
        self.room(tall)
        page, y = self.pdf.page_no(), self.pdf.get_y()
        self.write(row.name, TEXT, SOFT, width=NAME - 3)
        self.pdf.set_xy(MARGIN, y)
        self.write(row.text, TEXT, INK, indent=NAME)
        if self.pdf.page_no() == page:
            self.pdf.set_xy(MARGIN, max(y + tall, self.pdf.get_y()))

    def room(self, height: float) -> None:
        """A new page when less than that is left of this one."""
        if self.pdf.get_y() + height > self.pdf.h - MARGIN:
            self.page()

    def pen(self, size: float, ink: Ink) -> None:
        self.pdf.set_font(size=size)
        self.pdf.set_text_color(*ink)

    def write(
        self,
        text: str,
        size: float,
        ink: Ink,
        *,
        indent: float = 0,
        width: float | None = None,
        point: bool = False,
        strong: bool = False,
    ) -> None:
        """Lines of text from the pen on, which then stands below them at the margin."""
        height = size * MM_PT * LEADING
        self.pen(size, ink)
        for count, line in enumerate(self.broken(text, width or self.wide - indent)):
            self.room(height)
            self.pen(size, ink)
            y = self.pdf.get_y()
            if point and not count:
                self.pdf.set_fill_color(*SOFT)
                self.pdf.ellipse(MARGIN + 1, y + height / 2 - 0.5, 1, 1, style="F")
            self.pdf.set_xy(MARGIN + indent, y)
            # A heavier hand for headings: of most fonts with Chinese there is one weight at hand.
            mode = "FILL_STROKE" if strong else "FILL"
            with self.pdf.local_context(text_mode=mode, line_width=0.1, draw_color=ink):
                self.pdf.cell(width or self.wide - indent, height, line)
            self.pdf.set_xy(MARGIN, y + height)

    def broken(self, text: str, width: float) -> Iterator[str]:
        """The text in lines that fit: see the head of this module for where it may break."""
        line = ""
        for piece in _pieces(self.text(text)):
            if line and self.pdf.get_string_width((line + piece).rstrip()) > width - 2:
                yield line.rstrip()
                line = ""
            for part in self.cut(piece, width - 2):
                if line and part is not piece:
                    yield line.rstrip()
                    line = ""
                line += part
        yield line.rstrip()

    def cut(self, piece: str, width: float) -> Iterator[str]:
        """The piece, or parts of it that fit when it is wider than a whole line."""
        while self.pdf.get_string_width(piece.rstrip()) > width and len(piece) > 1:
            most = next(
                n
                for n in range(len(piece) - 1, 0, -1)
                if n == 1 or self.pdf.get_string_width(piece[:n]) <= width
            )
            yield piece[:most]
            piece = piece[most:]
        yield piece

    def text(self, text: str) -> str:
        """The text in letters the font has, where that is one of the fonts every reader has."""
        if not self.plain:
            return text
        return text.translate(_LATIN).encode("latin-1", "replace").decode("latin-1")


def _pieces(text: str) -> Iterator[str]:
    """Parts of a text between which a line may break."""
    held = ""
    for piece in _PIECE.findall(text):
        if held and piece[0] not in CLOSING and held[-1] not in OPENING:
            yield held
            held = ""
        held += piece
    if held:
        yield held


def _document(font: str | None) -> FPDF:
    """An empty document with its font."""
    from fontTools.ttLib import TTLibError
    from fpdf import FPDF
    from fpdf.errors import FPDFException

    pdf = FPDF(format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_margin(MARGIN)
    pdf.c_margin = 0
    if font is None:
        pdf.set_font("helvetica")
        return pdf
    _is_font(font)
    try:
        pdf.add_font("brief", fname=font, collection_font_number=_face(font))
    except (ValueError, KeyError, TTLibError, FPDFException) as error:
        raise CorridorsError(f"can't read the font {font}: {error}") from error
    pdf.set_font("brief")
    return pdf


def _is_font(font: str) -> None:
    """Look at the first bytes, since the library leaves a file that is no font open."""
    try:
        with open(font, "rb") as file:
            start = file.read(4)
    except OSError as error:
        raise CorridorsError(f"can't read the font {font}: {error.strerror}") from error
    if start not in (b"\0\1\0\0", b"OTTO", b"true", b"ttcf"):
        raise CorridorsError(f"{font} is no font")


def _face(font: str) -> int:
    """Which face of a collection has the letters of the mainland; 0 for a single font."""
    from fontTools.ttLib import TTCollection

    if PurePath(font).suffix.lower() not in (".ttc", ".otc"):
        return 0
    with TTCollection(font, lazy=True) as faces:
        names = [face["name"].getDebugName(4) or "" for face in faces]
    return next((i for i, name in enumerate(names) if re.search(r"\bSC\b|GB", name)), 0)
