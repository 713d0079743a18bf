"""Opening what people have: plain, gzipped or zipped text, and answers in JSON; bounded, in chunks.

Nothing is unpacked to disk and no file is held whole. A row keeps the line it has in the file, or
in JSON its number among the records, so that a fault can name it.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from layers.errors import DataError, Fault
from layers.flows.shape import Format

__all__ = ["Member", "chunks", "members", "opened"]

BLOCK_BYTES = 8 << 20
HEAD_BYTES = 1 << 20
MOST_TIMES = 250
"""A table that shrinks to less than this part is none: real ones reach about 40."""
FREE_BYTES = 64 << 20
"""Whatever unpacks to less is not held against it."""
MOST_MEMBERS = 5_000
MOST_HEADING_CHARS = 100_000
MOST_RECORD_CHARS = 1 << 20
RECORDS_A_CHUNK = 50_000
DELIMITERS = (",", ";", "\t")

DAMAGED = (
    *(EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, zipfile.BadZipFile, struct.error),
    *(NotImplementedError, RuntimeError, LookupError, ValueError, OverflowError, OSError),
)
"""What the readers of archives raise over bytes that are none, a damaged index among them."""

SHORT_ROW = re.compile(r"Row #(?P<row>\d+): Expected (?P<wanted>\d+) columns, got (?P<found>\d+)")

OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "is a 7-Zip archive: unpack it first",
    b"Rar!": "is a RAR archive: unpack it first",
    b"PAR1": "is Parquet, not the publisher's text",
    b"\xff\xfe": "is text in UTF-16: save it as CSV in UTF-8",
    b"\xfe\xff": "is text in UTF-16: save it as CSV in UTF-8",
    b"%PDF": "is a PDF",
}


@dataclass(frozen=True)
class Member:
    """One table in a file: the file itself, or a file of an archive.

    Attributes
    ----------
    name
        As shown to the reader: ``BACI.zip/BACI_HS92_Y2022_V202401b.csv``.
    open
        Opens it, unpacked and bounded.
    """

    name: str
    open: Callable[[], Bounded]


class Bounded(io.RawIOBase):
    """A stream that stops with a fault when it unpacks to more than a table can.

    ``head`` looks at the first bytes without taking them.
    """

    def __init__(self, inner: BinaryIO, name: str, packed_bytes: int | None) -> None:
        self.name = name
        self._inner = inner
        self._head = b""
        self._taken = 0
        # Bytes unpacked and bytes packed: None where nothing is packed.
        self._most = None if packed_bytes is None else max(FREE_BYTES, MOST_TIMES * packed_bytes)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer with what comes next."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        if self._head:
            taken, self._head = self._head[: len(view)], self._head[len(view) :]
        else:
            taken = self._unpacked(len(view))
        view[: len(taken)] = taken
        return len(taken)

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """The first bytes, which stay to be read."""
        while len(self._head) < size:
            more = self._unpacked(size - len(self._head))
            if not more:
                break
            self._head += more
        return self._head

    def close(self) -> None:
        """Close what was opened too."""
        if not self.closed:
            self._inner.close()
        super().close()

    def _unpacked(self, size: int) -> bytes:
        try:
            found = self._inner.read(size)
        except DAMAGED:
            raise DataError([Fault(self.name, 0, "", "is cut off or damaged")]) from None
        self._taken += len(found)
        if self._most is not None and self._taken > self._most:
            words = f"unpacks to more than {MOST_TIMES} times its size: that is no table"
            raise DataError([Fault(self.name, 0, "", words)])
        return found


def opened(path: Path) -> BinaryIO:
    """The file, open for reading.

    Raises
    ------
    DataError
        When it cannot be read.
    """
    try:
        return path.open("rb")
    except OSError as error:
        words = f"cannot be read: {error.strerror or error}"
        raise DataError([Fault(path.name, 0, "", words)]) from None


@contextmanager
def members(path: Path, format: Format) -> Iterator[list[Member]]:
    """The tables of a file that hold rows of a format, each to be opened when its turn comes.

    Raises
    ------
    DataError
        When the file cannot be read, is of a kind that is not read here, or holds no such table.
    """
    with opened(path) as stream:
        start = stream.read(8)
        stream.seek(0)
        size = path.stat().st_size
        if start.startswith(b"PK\x03\x04"):
            with _archive(stream, path.name) as archive:
                yield _of_archive(archive, path.name, format)
        elif start.startswith(b"\x1f\x8b"):
            unpacked = gzip.GzipFile(fileobj=stream)
            yield [Member(path.name, lambda: Bounded(unpacked, path.name, size))]  # type: ignore[arg-type]
        else:
            yield [Member(path.name, lambda: Bounded(stream, path.name, None))]


@contextmanager
def _archive(stream: BinaryIO, name: str) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(stream) as archive:
            yield archive
    except DAMAGED:
        raise DataError([Fault(name, 0, "", "is cut off or damaged")]) from None


def _of_archive(archive: zipfile.ZipFile, name: str, format: Format) -> list[Member]:
    inside = archive.infolist()
    if len(inside) > MOST_MEMBERS:
        raise DataError([Fault(name, 0, "", f"holds more than {MOST_MEMBERS} files")])
    chosen = [i for i in inside if not i.is_dir() and format.member(Path(i.filename).name)]
    if not chosen:
        words = f"holds no table of {format.name}; a workbook must be saved as CSV"
        raise DataError([Fault(name, 0, "", words)])
    return [Member(f"{name}/{Path(i.filename).name}", _opener(archive, i, name)) for i in chosen]


def _opener(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Callable[[], Bounded]:
    shown = f"{name}/{Path(info.filename).name}"

    def unpack() -> Bounded:
        try:
            return Bounded(archive.open(info), shown, info.compress_size)  # type: ignore[arg-type]
        except DAMAGED as error:
            words = f"cannot be unpacked: {error}"
            raise DataError([Fault(shown, 0, "", words)]) from None

    return unpack


def sent_along(path: Path, wanted: Callable[[str], bool], most_bytes: int) -> str:
    """Text of the first file of an archive whose name is wanted; empty without one."""
    with opened(path) as stream:
        if stream.read(4) != b"PK\x03\x04":
            return ""
        stream.seek(0)
        with _archive(stream, path.name) as archive:
            for info in archive.infolist():
                if wanted(Path(info.filename).name) and info.file_size <= most_bytes:
                    with _opener(archive, info, path.name)() as inside:
                        return inside.read(most_bytes).decode("utf-8", "replace")
    return ""


def chunks(member: Member, format: Format) -> Iterator[pa.Table]:
    """Rows of a table in chunks: the columns of the format as text, and ``line``.

    The schema's metadata holds what the file itself calls each column.

    Raises
    ------
    DataError
        With file, row and column of what is wrong.
    """
    with member.open() as stream:
        start = stream.head(16)
        for magic, words in OTHERS.items():
            if start.startswith(magic):
                raise DataError([Fault(member.name, 0, "", words)])
        if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
            yield from _records(stream, member.name, format)
        else:
            yield from _table(stream, member.name, format)


# Text in columns


def _table(stream: Bounded, name: str, format: Format) -> Iterator[pa.Table]:
    rows, delimiter = _heading(stream, name)
    places = format.columns(rows[0], name)
    count = len(rows[0])
    # UN Comtrade ends each row but the heading with a comma.
    if len(rows) > 1 and len(rows[1]) == count + 1 and not rows[1][-1]:
        count += 1
    names = {column: f"c{place}" for column, place in places.items()}
    try:
        found = pacsv.open_csv(
            stream,
            read_options=pacsv.ReadOptions(
                column_names=[f"c{i}" for i in range(count)],
                skip_rows=1,
                block_size=BLOCK_BYTES,
                use_threads=False,  # else a row has no number
            ),
            # No handler of invalid rows: one that is not UTF-8 would go unseen by it.
            parse_options=pacsv.ParseOptions(delimiter=delimiter, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(
                # Only these are looked at: names may be in any encoding, codes and numbers not.
                include_columns=sorted(set(names.values())),
                column_types={c: pa.string() for c in names.values()},
            ),
        )
        headings = {column: rows[0][place].strip() for column, place in places.items()}
        yield from _numbered(found, names, headings)
    except pa.ArrowInvalid as error:
        raise DataError([_unread(error, name)]) from None


def _numbered(
    batches: Iterable[pa.RecordBatch], names: Mapping[str, str], headings: Mapping[str, str]
) -> Iterator[pa.Table]:
    line = 2
    for batch in batches:
        columns = {n: pc.ascii_trim_whitespace(batch.column(c)) for n, c in names.items()}
        columns["line"] = pa.array(np.arange(line, line + batch.num_rows))
        line += batch.num_rows
        table = pa.table(columns).replace_schema_metadata(headings)
        empty = None
        for name in names:
            blank = pc.equal(table[name], "")
            empty = blank if empty is None else pc.and_(empty, blank)
        yield table.filter(pc.invert(empty))


def _unread(error: pa.ArrowInvalid, name: str) -> Fault:
    told = str(error)
    row = SHORT_ROW.search(told)
    if row is not None:
        words = f"{row['found']} cells, {row['wanted']} expected"
        return Fault(name, int(row["row"]), "", words)
    if "straddling" in told:
        return Fault(name, 0, "", f"holds a line longer than {BLOCK_BYTES >> 20} MB")
    if "UTF8" in told:
        words = "holds bytes that are no UTF-8 among its codes and numbers"
        return Fault(name, 0, "", words)
    return Fault(name, 0, "", "is empty" if "Empty CSV" in told else f"is no CSV: {told[:200]}")


def _heading(stream: Bounded, name: str) -> tuple[list[list[str]], str]:
    """First rows of the file and the delimiter that parts them best."""
    head = stream.head()
    if b"\0" in head:
        raise DataError([Fault(name, 0, "", "holds zero bytes: it is no text")])
    text = head.decode("utf-8-sig", "replace")
    lines = re.split(r"\r\n|\n|\r", text, maxsplit=2)[:2]
    if not lines[0].strip():
        words = "is empty" if not text.strip() else "begins with an empty line"
        raise DataError([Fault(name, 0, "", words)])
    if len(lines[0]) > MOST_HEADING_CHARS:
        raise DataError([Fault(name, 1, "", "is too long for a row of headings")])
    if len(lines[-1]) > MOST_HEADING_CHARS:
        lines.pop()  # whether it is a row at all shows when it is read
    delimiter = max(DELIMITERS, key=lines[0].count)
    if "\t" in lines[0] and "," in lines[0].split("\t")[0]:
        delimiter = "\t"  # Eurostat: dimensions parted by commas, periods by tabs
    return list(csv.reader(lines, delimiter=delimiter)), delimiter


# Answers in JSON


def _records(stream: Bounded, name: str, format: Format) -> Iterator[pa.Table]:
    """Records of an answer, whatever wraps them: ``[{…}]`` or ``{"data": [{…}]}``."""
    rows: list[Mapping[str, object]] = []
    places: dict[str, str] = {}
    first = 1
    for record in _decoded(stream, name):
        if not places:
            heading = list(record)
            places = {n: heading[at] for n, at in format.columns(heading, name).items()}
        rows.append(record)
        if len(rows) == RECORDS_A_CHUNK:
            yield _as_text(rows, places, first)
            first, rows = first + len(rows), []
    if rows:
        yield _as_text(rows, places, first)
    elif first == 1:
        raise DataError([Fault(name, 0, "", "holds no records")])


def _as_text(rows: Sequence[Mapping[str, object]], places: Mapping[str, str], at: int) -> pa.Table:
    columns = {n: [_plain(row.get(key)) for row in rows] for n, key in places.items()}
    found = {n: pa.array(cells, pa.string()) for n, cells in columns.items()}
    table = pa.table({**found, "line": pa.array(np.arange(at, at + len(rows)))})
    return table.replace_schema_metadata(places)


def _plain(value: object) -> str:
    # Half a surrogate pair, which JSON can spell, is no text that could be kept.
    return "" if value is None else str(value).strip().encode("utf-8", "replace").decode()


def _decoded(stream: Bounded, name: str) -> Iterator[dict[str, object]]:
    """Each object of the first array of objects, decoded by itself."""
    text = io.TextIOWrapper(io.BufferedReader(stream, 1 << 20), "utf-8-sig", errors="replace")
    decoder, buffer, count = json.JSONDecoder(), "", 0
    more, begun = True, False
    while more:
        added = text.read(1 << 20)
        more = bool(added)
        buffer += added
        at = 0 if count else _first(buffer)
        begun = begun or at >= 0
        while at >= 0:
            at = _after(buffer, at)
            if buffer[at : at + 1] == "]":
                return
            try:
                record, end = decoder.raw_decode(buffer, at)
            except json.JSONDecodeError:
                break
            except (RecursionError, ValueError) as error:
                deep = isinstance(error, RecursionError)
                words = "is nested too deep" if deep else "holds a number of too many digits"
                raise DataError([Fault(name, count + 1, "", words)]) from None
            if not isinstance(record, dict):
                raise DataError([Fault(name, count + 1, "", "is no record")])
            count, at = count + 1, end
            yield record
        buffer = buffer[max(at, 0) :]
        if len(buffer) > MOST_RECORD_CHARS * 2:
            raise DataError([Fault(name, count + 1, "", "is no record of JSON")])
    if begun:
        raise DataError([Fault(name, count + 1, "", "is cut off, or no record of JSON")])


def _first(buffer: str) -> int:
    """Where the first array of objects begins to hold them; −1 while there is none."""
    at = buffer.find("[")
    while at >= 0:
        inside = _after(buffer, at + 1)
        if buffer[inside : inside + 1] == "{":
            return at + 1
        at = buffer.find("[", at + 1)
    return -1


def _after(buffer: str, at: int) -> int:
    """The place of what comes next after white space and a comma."""
    while at < len(buffer) and buffer[at] in " \t\r\n,":
        at += 1
    return at
