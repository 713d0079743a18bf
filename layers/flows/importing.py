"""A publisher's files → imported trade: read in chunks, checked, added up, kept.

Rows are reduced to numbers as they are read and parted by year on disk, so that memory holds one
year of our commodities and not the file. Then, year by year: the same row twice is counted once
and two figures for one thing are a fault; of headings that hold the same cargo the one that ranks
first counts, a figure of the year before its months; codes of one commodity are added up.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from layers.errors import DataError, Fault, UsageError
from layers.flows import baci, cells, comtrade, eurostat, faostat, kept, own
from layers.flows.codes import MOST_CODES_BYTES, Codes, with_countries
from layers.flows.kept import Kept, Origin, Ref
from layers.flows.reading import Member, chunks, members, opened, sent_along
from layers.flows.shape import ENTRY, FLOW, MOST_SHOWN, SIDES, Format, Tally
from layers.tables import QUALITIES

__all__ = ["FORMATS", "Imported", "import_files"]

FORMATS: Mapping[str, Format] = {
    f.name: f for f in (baci.FORMAT, comtrade.FORMAT, faostat.FORMAT, eurostat.FORMAT, own.FORMAT)
}
"""Every format that is read, by name."""

COUNTRY_CODES = re.compile(r"country_codes.*\.csv", re.IGNORECASE)
MOST_ROWS = 20_000_000
"""Rows of a year: a hundred times what a year of the busiest publisher holds."""
MONTHLY = 100_000
"""Added to the rank of a figure that is of a month."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = Mapping[str, npt.NDArray[Any]]
Progress = Callable[[Iterable[pa.Table], str], Iterable[pa.Table]]


@dataclass(frozen=True)
class Imported:
    """What came of an import.

    Attributes
    ----------
    rows
        Rows written, by reference: one a year.
    tally
        What became of the rows read.
    """

    rows: Mapping[Ref, int]
    tally: Tally


def import_files(
    folder: Kept,
    paths: Sequence[Path],
    format: Format,
    codes: Codes,
    *,
    now: datetime,
    years: Sequence[int] = (),
    vintage: str = "",
    replace: bool = False,
    progress: Progress = lambda things, _: things,
) -> Imported:
    """What was read of a publisher's files and kept, a file a year.

    Parameters
    ----------
    paths
        Files of one vintage, read as if they were one.
    years
        Years to take; all that the files hold when not given.
    vintage
        Its name; else as the files' names tell, else the day the newest was last changed.
    replace
        Write over what is kept of the same source, vintage and year.
    progress
        Shows how far the reading is: wraps the chunks of a table, with its name.

    Raises
    ------
    DataError
        With file, row and column of what is wrong; then nothing is kept.
    UsageError
        When a year is kept already and ``replace`` is not said, or the files tell two vintages.
    CorridorsError
        When the disk is full; then everything is as it was.
    """
    name = vintage or _vintage(paths, format)
    tally = Tally()
    with folder.staging() as place:
        staged = _staged(place, paths, format, codes, tally, frozenset(years), progress)
        if not staged:
            raise DataError([Fault(paths[0].name, 0, "", _nothing(tally))])
        origins = tuple(_origin(path) for path in paths)
        refs = {year: Ref(format.name, year, name) for year in sorted(staged)}
        _must_be_new(folder, refs.values(), origins, replace=replace)
        files = [path.name for path in paths]
        tables = {}
        for year, ref in refs.items():
            table = _reduced(staged[year], codes, format, ref, files, tally)
            if len(table):
                tables[ref] = table
        if not tables:
            raise DataError([Fault(paths[0].name, 0, "", _nothing(tally))])
        finished = {ref: place / f"{ref.year}.parquet" for ref in tables}
        for ref, path in finished.items():
            about = {**_about(format, ref, origins, now), "tally": kept.told(tally)}
            kept.write(path, tables[ref], about)
        folder.settle(finished)
    return Imported({ref: len(table) for ref, table in tables.items()}, tally)


def _nothing(tally: Tally) -> str:
    why = "; ".join(f"{count} {reason}" for reason, count in sorted(tally.left_out.items()))
    return f"holds no trade of the commodities known here ({tally.rows} rows read: {why or 'none'})"


def _vintage(paths: Sequence[Path], format: Format) -> str:
    told = sorted({format.vintage(path.name) for path in paths})
    if len(told) > 1:
        names = " and ".join(name or "one that tells none" for name in told)
        raise UsageError(f"files of two vintages at once: {names}; import them one after the other")
    if told[0]:
        return told[0]
    try:
        newest = max(path.stat().st_mtime for path in paths)
    except OSError as error:
        words = f"cannot be read: {error.strerror or error}"
        raise DataError([Fault(Path(str(error.filename)).name, 0, "", words)]) from None
    return f"{datetime.fromtimestamp(newest, UTC):%Y-%m-%d}"


def _origin(path: Path) -> Origin:
    with opened(path) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
    return Origin(path.name, path.stat().st_size, digest)


def _must_be_new(
    folder: Kept, refs: Iterable[Ref], origins: Sequence[Origin], *, replace: bool
) -> None:
    if replace:
        return
    known = {part.ref: part for part in folder.parts()}
    for ref in refs:
        if ref in known:
            same = {o.sha256 for o in known[ref].origins} == {o.sha256 for o in origins}
            what = "from the same files" if same else "from other files"
            raise UsageError(f"{ref} is kept already, {what}: --replace writes over it")


def _about(format: Format, ref: Ref, origins: Sequence[Origin], now: datetime) -> dict[str, object]:
    return {
        "source": ref.source,
        "vintage": ref.vintage,
        "year": ref.year,
        "publisher": format.publisher,
        "licence": format.licence,
        "url": format.url,
        "units": format.units,
        "imported_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "origins": [vars(origin) for origin in origins],
    }


# Reading


class _Years:
    """Rows parted by year, in files that are read back one at a time."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._writers: dict[int, pa.ipc.RecordBatchFileWriter] = {}
        self._rows: dict[int, int] = {}

    def add(self, rows: pa.Table, name: str) -> None:
        for year in pc.unique(rows["year"]).to_pylist():
            part = rows.filter(pc.equal(rows["year"], year))
            if year not in self._writers:
                path = self.path(year)
                self._writers[year] = pa.ipc.new_file(str(path), ENTRY)
            self._writers[year].write_table(part)
            self._rows[year] = self._rows.get(year, 0) + len(part)
            if self._rows[year] > MOST_ROWS:
                words = f"holds more than {MOST_ROWS} rows of {year}: that is no trade of a year"
                raise DataError([Fault(name, 0, "", words)])

    def path(self, year: int) -> Path:
        return self._place / f"{year}.arrow"

    def close(self) -> dict[int, Path]:
        for writer in self._writers.values():
            writer.close()
        return {year: self.path(year) for year in self._writers}


def _staged(
    place: Path,
    paths: Sequence[Path],
    format: Format,
    codes: Codes,
    tally: Tally,
    wanted: frozenset[int],
    progress: Progress,
) -> dict[int, Path]:
    """Every row kept of every file, by year."""
    found, keys = _Years(place), cells.Keys()
    try:
        for number, path in enumerate(paths):
            sent = sent_along(path, lambda n: bool(COUNTRY_CODES.fullmatch(n)), MOST_CODES_BYTES)
            known = with_countries(codes, sent, path.name) if sent else codes
            with members(path, format) as tables:
                for member in tables:
                    if format is baci.FORMAT and _other_year(member, wanted):
                        continue
                    for rows in progress(chunks(member, format), member.name):
                        tally.rows += len(rows)
                        entries = format.entries(rows, known, tally, member.name, wanted, keys)
                        if len(entries):
                            of = pa.array(np.full(len(entries), number), pa.int16())
                            at = ENTRY.get_field_index("file")
                            found.add(entries.set_column(at, ENTRY.field(at), of), member.name)
    finally:
        staged = found.close()
    return staged


def _other_year(member: Member, wanted: frozenset[int]) -> bool:
    year = baci.year_of(Path(member.name).name)
    return bool(wanted) and year is not None and year not in wanted


# Adding up


def _reduced(
    path: Path, codes: Codes, format: Format, ref: Ref, files: Sequence[str], tally: Tally
) -> pa.Table:
    """``FLOW`` rows of one year, sorted by commodity, importer, exporter and side."""
    with pa.memory_map(str(path)) as stream:
        table = pa.ipc.open_file(stream).read_all()
        rows = _once({name: _array(table[name]) for name in ENTRY.names}, files, tally)
    count = len(codes.countries)
    pair = rows["importer"].astype(np.int64) * count + rows["exporter"]
    whole = (rows["commodity"] * count * count + pair) * len(SIDES) + rows["side"]
    groups, of = np.unique(whole, return_inverse=True)
    tonnes, usd, poor = _sums(rows, of, len(groups), tally)
    side = groups % len(SIDES)
    rest = groups // len(SIDES)
    exporter, rest = rest % count, rest // count
    importer, commodity = rest % count, rest // count
    quality = np.zeros(len(groups), dtype=np.int64)
    np.maximum.at(quality, of, rows["quality"])
    quality = np.maximum(quality, np.where(poor, QUALITIES.index("estimate"), 0))
    months = _months(rows, of, len(groups), side == SIDES.index("importer"), importer, exporter)
    known = ~(np.isnan(tonnes) & np.isnan(usd))
    tally.leave("neither weight nor value", int((~known).sum()))
    source = f"{format.publisher} {ref.vintage}"
    columns = [
        pa.array(np.full(len(groups), ref.year), pa.int16()),
        _named(codes.commodities, commodity),
        _named(codes.countries, exporter),
        _named(codes.countries, importer),
        _named(SIDES, side),
        pa.array(tonnes, from_pandas=True),
        pa.array(usd, from_pandas=True),
        pa.array(months, pa.int8()),
        _named(QUALITIES, quality),
        pa.array([source] * len(groups), pa.string()),
    ]
    return pa.table(columns, schema=FLOW).filter(pa.array(known))


def _array(column: pa.ChunkedArray) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = column.to_numpy()
    wide = found.dtype.kind == "i"
    return found.astype(np.int64) if wide else found.astype(np.float64)


def _named(names: Sequence[str], places: Ints) -> pa.Array:
    return pa.array(np.array(names, dtype=object)[places], pa.string())


def _once(rows: Columns, files: Sequence[str], tally: Tally) -> Columns:
    """The rows without those that say the same again.

    Raises
    ------
    DataError
        When two rows say different things of the same.
    """
    order = np.lexsort((rows["line"], rows["file"], rows["month"], rows["key"]))
    key, month = rows["key"][order], rows["month"][order]
    again = np.zeros(len(order), dtype=np.bool_)
    again[1:] = (key[1:] == key[:-1]) & (month[1:] == month[:-1])
    if not again.any():
        return rows
    same = np.ones(len(order), dtype=np.bool_)
    for name in ("tonnes", "usd"):
        value = rows[name][order].astype(np.float64)
        alike = (value[1:] == value[:-1]) | (np.isnan(value[1:]) & np.isnan(value[:-1]))
        same[1:] &= alike
    faults = []
    for at in np.flatnonzero(again & ~same)[:MOST_SHOWN]:
        here, before = order[at], order[at - 1]
        line, file = int(rows["line"][here]), files[int(rows["file"][here])]
        earlier, other = int(rows["line"][before]), files[int(rows["file"][before])]
        where = f"row {earlier}" + (f" of {other}" if other != file else "")
        faults.append(Fault(file, line, "", f"says otherwise than {where} of the same trade"))
    if faults:
        raise DataError(faults)
    tally.leave("the same row again", int(again.sum()))
    keep = np.sort(order[~again])
    return {name: column[keep] for name, column in rows.items()}


def _sums(
    rows: Columns, of: Ints, count: int, tally: Tally
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Tonnes and dollars of each group, NaN where nobody tells; and where a weight was filled in.

    Only rows of the lowest rank that tells the measure count. Where some codes of a pair have a
    value and no weight, they are taken to weigh what the others do for their money.
    """
    rank = rows["rank"].astype(np.int64) + np.where(rows["month"] > 0, MONTHLY, 0)
    tonnes, usd = rows["tonnes"].astype(np.float64), rows["usd"].astype(np.float64)
    by_tonnes, heavy = _first(rank, ~np.isnan(tonnes), of, count)
    by_usd, worth = _first(rank, ~np.isnan(usd), of, count)
    part = ~heavy & ~np.isnan(tonnes) | ~worth & ~np.isnan(usd)
    tally.leave("a part of a row that is kept", int((part & ~heavy & ~worth).sum()))
    whole_t: Floats = np.bincount(of[heavy], tonnes[heavy], minlength=count).astype(np.float64)
    whole_usd: Floats = np.bincount(of[worth], usd[worth], minlength=count).astype(np.float64)
    both = heavy & worth
    paid = np.bincount(of[both], usd[both], minlength=count)
    fill = (by_tonnes == by_usd) & (paid > 0) & (whole_usd > paid)
    whole_t = whole_t * np.divide(whole_usd, paid, out=np.ones(count), where=fill)
    whole_t[np.bincount(of[heavy], minlength=count) == 0] = np.nan
    whole_usd[np.bincount(of[worth], minlength=count) == 0] = np.nan
    return whole_t, whole_usd, fill


def _first(
    rank: Ints, told: npt.NDArray[np.bool_], of: Ints, count: int
) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Lowest rank of each group among rows that tell, and the rows that tell at it."""
    least = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(least, of[told], rank[told])
    return least, told & (rank == least[of])


def _months(
    rows: Columns,
    of: Ints,
    count: int,
    bought: npt.NDArray[np.bool_],
    importer: Ints,
    exporter: Ints,
) -> Ints:
    """(groups,) months covered: 12 of a figure of the year, else those its reporter has told."""
    month = rows["month"].astype(np.int64)
    yearly = np.bincount(of[month == 0], minlength=count) > 0
    reporter = np.where(bought, importer, exporter)
    told = np.unique(np.stack([reporter[of][month > 0], month[month > 0]]), axis=1)
    by_reporter = np.bincount(told[0], minlength=int(reporter.max(initial=0)) + 1)
    return np.where(yearly, 12, by_reporter[reporter])
