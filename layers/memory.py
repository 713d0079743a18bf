"""Costly arrays kept on disk between runs; losing them costs a second, never a wrong answer.

A key holds the hash of everything the arrays were made from, and this module adds that of the
code that makes them, so nothing kept is ever stale.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[np.generic]]

MOST_KEPT = 8  # files; the oldest go first


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
        with np.load(path, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        made = make()
    with contextlib.suppress(OSError):
        _keep(path, made)
    return made


def _code(make: Callable[[], Arrays]) -> str:
    """Hash of the module that makes the arrays and of this package, which it builds on."""
    files = [Path(make.__code__.co_filename), *sorted(Path(__file__).parent.glob("*.py"))]
    content = hashlib.blake2b(digest_size=8)
    for file in files:
        content.update(file.read_bytes())
    return content.hexdigest()


def _keep(path: Path, arrays: Arrays) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        np.savez(part, allow_pickle=False, **arrays)
    Path(part.name).replace(path)
    old = sorted(path.parent.glob("*.npz"), key=lambda p: p.stat().st_mtime, reverse=True)
    for stale in old[MOST_KEPT:]:
        stale.unlink(missing_ok=True)
