"""Scenario files: the shipped library, a reader's own, and writing one. What they say is not read.

The text goes to ``corridors.whatif.scenario_file.parse``, which knows what it means.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from layers.errors import CorridorsError, DataError, Fault, UnknownIdError, UsageError
from layers.static import data_dir

__all__ = ["read_scenario", "scenario_texts", "write_scenario"]

FOLDER = "scenarios"
SUFFIX = ".toml"
MOST_BYTES = 1_000_000

_ID = re.compile(r"[A-Za-z0-9_]+")


def scenario_texts() -> dict[str, tuple[str, str]]:
    """Text and shown path of every shipped scenario, by id in alphabetical order.

    Raises
    ------
    DataError
        For a file that can't be read.
    """
    return {id: (_text(path, _shown(id)), _shown(id)) for id, path in _library().items()}


def read_scenario(place: str | Path) -> tuple[str, str, str]:
    """A scenario by the id of a shipped one, or by the path of a file of the reader's own.

    Parameters
    ----------
    place
        Letters, digits and underscores are an id; everything else is a path, and ends in .toml.

    Returns
    -------
    tuple
        Id (for a path: the file's name, every other sign an underscore), text, path to show.

    Raises
    ------
    UnknownIdError
        For an id that no shipped scenario has.
    UsageError
        For a path that does not end in .toml.
    DataError
        For a file that is missing, larger than 1 MB, no UTF-8 text, or can't be read.
    """
    said = str(place)
    if _ID.fullmatch(said):
        library = _library()
        if said not in library:
            raise UnknownIdError("scenario", said, list(library))
        return said, _text(library[said], _shown(said)), _shown(said)
    path = Path(place)
    if path.suffix != SUFFIX:
        raise UsageError(f"{said!r} is neither the id of a scenario nor a file ending in {SUFFIX}")
    return re.sub(r"\W", "_", path.stem), _text(path, said), said


def write_scenario(path: Path, text: str, *, overwrite: bool = False) -> None:
    """Put a scenario's text in a file, whole or not at all.

    Raises
    ------
    UsageError
        When the file is there already and `overwrite` is not said, or it does not end in .toml.
    CorridorsError
        When it can't be written; what was there before stays.
    """
    if path.suffix != SUFFIX:
        raise UsageError(f"{str(path)!r} does not end in {SUFFIX}")
    part: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as stream:
            part = Path(stream.name)
            stream.write(text.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        part.chmod(0o644)
        if overwrite:
            part.replace(path)
        else:
            _name(part, path)
    except FileExistsError:
        raise UsageError(f"{path} is there already") from None
    except OSError as error:
        raise CorridorsError(f"can't write {path}: {error.strerror or error}") from error
    except ValueError:  # a zero byte, or signs that no file system takes
        raise CorridorsError(f"can't write {str(path)!r}: that is no name of a file") from None
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _name(part: Path, path: Path) -> None:
    """Give a file a name that must be free, also of a file made just now."""
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        path.touch(exist_ok=False)
        part.replace(path)


def _library() -> dict[str, Path]:
    """Path of each shipped scenario by id."""
    found = sorted((data_dir() / FOLDER).glob(f"*{SUFFIX}"))
    return {path.stem: path for path in found if _ID.fullmatch(path.stem)}


def _shown(id: str) -> str:
    return f"{data_dir().name}/{FOLDER}/{id}{SUFFIX}"


def _text(path: Path, shown: str) -> str:
    """Text of a file, without the mark some editors put before it."""
    try:
        if not path.is_file():  # a folder, a device or a pipe would be read for ever
            raise _fault(shown, "there is no such file")
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise _fault(shown, f"the file cannot be read: {error.strerror or error}") from error
    if len(content) > MOST_BYTES:
        raise _fault(shown, f"the file has more than {MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise DataError([Fault(shown, row, "", "the text is not UTF-8")]) from None


def _fault(shown: str, message: str) -> DataError:
    return DataError([Fault(shown, 0, "", message)])
