"""Costly arrays kept on disk between runs; losing them costs a second, never a wrong answer.

A key holds the hash of everything the arrays were made from, and this module adds that of the
code that makes them, so nothing kept is ever stale.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[np.generic]]

MOST_KEPT_MB = 500  # the files used longest ago go first


def cache_dir() -> Path:
    """``$CORRIDORS_CACHE``, or the platform's folder for caches."""
    chosen = os.environ.get("CORRIDORS_CACHE")
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return Path(user_cache_path("corridors"))


def remember(key: str, make: Callable[[], Arrays]) -> Arrays:
    """The arrays kept under a key, or those made now and kept.

    A file that can't be read is made again; a folder that can't be written is done without.
    """
    path = cache_dir() / f"{key}-{_code(make)}.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            found = {name: kept[name] for name in kept.files}
        with contextlib.suppress(OSError):
            path.touch()
        return found
    except Exception:  # a damaged file may end in anything, such as a claim to hold terabytes
        made = make()
    with contextlib.suppress(OSError):
        _keep(path, made)
    return made


def _code(make: Callable[[], Arrays]) -> str:
    """Hash of the packages that make the arrays: this one and the whole of ``make``'s own."""
    folders = {Path(__file__).parent, _package(Path(make.__code__.co_filename))}
    content = hashlib.blake2b(digest_size=8)
    for file in sorted(file for folder in folders for file in folder.rglob("*.py")):
        content.update(file.read_bytes())
    return content.hexdigest()


def _package(file: Path) -> Path:
    """The folder of the outermost package that a file belongs to, or its own folder."""
    folder = file.parent
    while (folder.parent / "__init__.py").exists():
        folder = folder.parent
    return folder


def _keep(path: Path, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False)  # noqa: SIM115
    place = Path(part.name)
    try:
        with part:
            np.savez(part, allow_pickle=False, **arrays)
        place.replace(path)
    except BaseException:
        place.unlink(missing_ok=True)  # half a file would only take the room that is left
        raise
    files = sorted(path.parent.glob("*.npz"), key=lambda p: p.stat().st_mtime, reverse=True)
    size = 0
    for file in files:
        size += file.stat().st_size
        if size > MOST_KEPT_MB * 1_000_000:
            file.unlink(missing_ok=True)
