"""Imported trade on disk: one Parquet file a publisher, vintage and year, read lazily.

``flows/<source>/<vintage>/<year>.parquet`` beside the store of the feeds. Rows are sorted by
commodity and importer and each commodity is a row group of its own, so a question about one reads
little more than it. A file says in its metadata what it was made of: the names, sizes and hashes of
the publisher's files, when, and how many rows were left out and why.

A file is written beside its place and moved there whole. Two writers do not disturb each other: the
last one's file stays. A reader that has opened a file goes on reading what it opened.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pads
import pyarrow.parquet as pq

from layers.errors import CorridorsError, DataError, Fault, UnknownIdError, UsageError
from layers.flows.shape import FLOW, Tally

__all__ = ["Kept", "Origin", "Ref", "default_folder", "parse_ref"]

ABOUT = b"corridors_flows"
VERSION = 1
VINTAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
SOURCE = re.compile(r"[a-z]{1,20}")
REF = re.compile(
    r"(?P<source>[a-z]+):(?P<year>\d{4})(@(?P<vintage>[^/@:]+))?(/(?P<side>importer|exporter))?"
)
UNREAD = (
    *(pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError),
    *(OverflowError, RecursionError, MemoryError),
)
"""What reading a file may end in that is none of ours, or of which bytes were changed."""
PART = ".part-"
OLD_PART_S = 86_400.0


@dataclass(frozen=True)
class Origin:
    """A file of the publisher that rows were made of."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Ref:
    """Which imported trade is meant: ``baci:2022``, ``faostat:2022@2025-11-03/exporter``.

    Attributes
    ----------
    vintage
        Empty: the last by name.
    side
        Whose word counts where both sides told: importer or exporter.
    """

    source: str
    year: int
    vintage: str = ""
    side: str = "importer"

    def __str__(self) -> str:
        at = f"@{self.vintage}" if self.vintage else ""
        return f"{self.source}:{self.year}{at}"


def parse_ref(text: str) -> Ref:
    """What a person means by ``source:year``, with ``@vintage`` and ``/side`` where said.

    Raises
    ------
    UsageError
        For anything else.
    """
    found = REF.fullmatch(text)
    if found is None:
        raise UsageError(f"{text!r} is no imported trade: say source:year, such as baci:2022")
    return Ref(
        found["source"], int(found["year"]), found["vintage"] or "", found["side"] or "importer"
    )


@dataclass(frozen=True)
class Part:
    """One file of the store, by its footer alone.

    Attributes
    ----------
    origins
        What it was made of.
    tally
        What became of the rows of the whole import.
    """

    source: str
    vintage: str
    year: int
    path: Path
    rows: int
    bytes: int
    publisher: str
    licence: str
    imported_at: datetime
    origins: tuple[Origin, ...]
    tally: Tally = field(repr=False)

    @property
    def ref(self) -> Ref:
        """How to name it."""
        return Ref(self.source, self.year, self.vintage)


def default_folder(store: Path | str | None = None) -> Path:
    """``flows/`` beside the store of the feeds, or beside the one named.

    A store on a server has no folder: then it lies in the user's folder of data. The store itself
    is not opened.
    """
    named = str(store) if store is not None else os.environ.get("CORRIDORS_STORE", "").strip()
    if not named or ":/" in named:
        from platformdirs import user_data_path

        return user_data_path("corridors", appauthor=False) / "flows"
    place = Path(named).expanduser()
    return (place if place.is_dir() else place.parent) / "flows"


class Kept:
    """The folder of imported trade.

    Parameters
    ----------
    folder
        `default_folder` when None; made when first written.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else default_folder()

    def parts(self, source: str = "") -> list[Part]:
        """Every file, by source, year and vintage.

        Raises
        ------
        DataError
            When a file is none of ours or damaged.
        """
        found = self._footers(f"{source or '*'}/*/*.parquet")
        return sorted(found, key=lambda p: (p.source, p.year, p.vintage))

    def _footers(self, pattern: str) -> list[Part]:
        found = []
        for path in sorted(self.folder.glob(pattern)):
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                found.append(_footer(path))
        return found

    def part(self, ref: Ref) -> Part:
        """The file a reference names; of several vintages the last by name.

        Raises
        ------
        UnknownIdError
            When there is none.
        DataError
            When it is damaged.
        """
        found = self._footers(self._pattern(ref))
        if not found:
            raise self._unknown(ref)
        return found[-1]

    def _pattern(self, ref: Ref) -> str:
        if ref.vintage and not VINTAGE.fullmatch(ref.vintage):
            raise self._unknown(ref)  # a name no vintage has, and no pattern for all of them
        return f"{ref.source}/{ref.vintage or '*'}/{ref.year}.parquet"

    def _unknown(self, ref: Ref) -> UnknownIdError:
        places = [path.parts[-3:] for path in sorted(self.folder.glob("*/*/*.parquet"))]
        known = [f"{source}:{Path(name).stem}@{at}" for source, at, name in places]
        known += [name.partition("@")[0] for name in known]
        return UnknownIdError("imported trade", str(ref), list(dict.fromkeys(known)))

    def read(
        self, part: Part, *, commodities: Sequence[str] = (), importers: Sequence[str] = ()
    ) -> pa.Table:
        """Rows of a file in the columns of ``FLOW``; only what is asked for is read.

        Raises
        ------
        DataError
            When it is damaged.
        """
        wanted = None
        for column, values in (("commodity", commodities), ("importer", importers)):
            if values:
                test = pc.field(column).isin(list(values))
                wanted = test if wanted is None else wanted & test
        try:
            return pads.dataset(part.path, schema=FLOW).to_table(filter=wanted)
        except UNREAD as error:
            raise _damaged(part.path, error) from None

    def remove(self, ref: Ref) -> list[Ref]:
        """What was deleted: the vintage named, or every vintage; damaged files too.

        Raises
        ------
        UnknownIdError
            When there is none.
        CorridorsError
            When one cannot be deleted.
        """
        paths = sorted(self.folder.glob(self._pattern(ref)))
        if not paths:
            raise self._unknown(ref)
        for path in paths:
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                words = f"cannot delete {path}: {error.strerror or error}"
                raise CorridorsError(words) from error
            for folder in (path.parent, path.parent.parent):
                with contextlib.suppress(OSError):
                    folder.rmdir()
        return [Ref(ref.source, ref.year, path.parent.name) for path in paths]

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder of one's own on the same disk, gone at the end whatever happens.

        Raises
        ------
        CorridorsError
            When the disk is full or the folder cannot be written; the store is as it was.
        """
        place: Path | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._sweep()
            place = Path(tempfile.mkdtemp(prefix=PART, dir=self.folder))
            yield place
        except OSError as error:
            words = f"{self.folder} cannot be written: {error.strerror or error}"
            raise CorridorsError(words) from error
        finally:
            if place is not None:
                shutil.rmtree(place, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what a killed writer left more than a day ago."""
        for left in self.folder.glob(f"{PART}*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > OLD_PART_S:
                    shutil.rmtree(left, ignore_errors=True)

    def place(self, ref: Ref) -> Path:
        """Where the file of a source, vintage and year lies.

        Raises
        ------
        UsageError
            For a vintage that is no plain word.
        """
        if not SOURCE.fullmatch(ref.source) or not VINTAGE.fullmatch(ref.vintage):
            raise UsageError(f"{ref.vintage!r} is no vintage: letters, digits, dots and dashes")
        return self.folder / ref.source / ref.vintage / f"{ref.year}.parquet"

    def settle(self, written: Mapping[Ref, Path]) -> None:
        """Move finished files from `staging` to their places, each at once."""
        for ref, path in written.items():
            target = self.place(ref)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)


def write(path: Path, table: pa.Table, about: Mapping[str, Any]) -> None:
    """Write sorted rows as one Parquet file, a row group a commodity, and wait for the disk.

    Parameters
    ----------
    about
        Provenance, as `_footer` reads it.
    """
    meta = {ABOUT: json.dumps({"version": VERSION, **about}, ensure_ascii=False).encode()}
    schema = FLOW.with_metadata(meta)
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        names = table["commodity"]
        for commodity in pc.unique(names).to_pylist():
            group = table.filter(pc.equal(names, commodity))
            writer.write_table(group.cast(schema), row_group_size=len(group))
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _footer(path: Path) -> Part:
    try:
        found = pq.read_metadata(path)
        schema = found.schema.to_arrow_schema()
        about = json.loads((found.metadata or {})[ABOUT])
        if not schema.equals(FLOW) or about["version"] != VERSION:
            raise ValueError("its columns are not those of imported trade")
        if (path.parent.parent.name, path.parent.name) != (about["source"], about["vintage"]):
            raise ValueError("it lies in the folder of another source or vintage")
        return Part(
            source=about["source"],
            vintage=about["vintage"],
            year=int(about["year"]),
            path=path,
            rows=found.num_rows,
            bytes=path.stat().st_size,
            publisher=about["publisher"],
            licence=about["licence"],
            imported_at=datetime.fromisoformat(about["imported_at"]).astimezone(UTC),
            origins=tuple(Origin(**origin) for origin in about["origins"]),
            tally=_tally(about["tally"]),
        )
    except FileNotFoundError:
        raise
    except UNREAD as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> DataError:
    shown = "/".join(path.parts[-3:])
    return DataError([Fault(shown, 0, "", f"is damaged or none of ours: {str(error)[:200]}")])


def told(tally: Tally) -> dict[str, Any]:
    """The tally as it goes into a footer."""
    unknown = [[*key, count] for key, count in sorted(tally.unknown.items())]
    return {**asdict(tally), "unknown": unknown}


def _tally(kept: Mapping[str, Any]) -> Tally:
    unknown = {(column, code): count for column, code, count in kept["unknown"]}
    return Tally(**{**kept, "unknown": unknown})
