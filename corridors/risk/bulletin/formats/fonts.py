"""A font with Chinese letters, where this machine has one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from layers.errors import CorridorsError

__all__ = ["CHOSEN", "chinese_font"]

CHOSEN = "CORRIDORS_FONT"
"""Variable of the environment that names the font file to take."""

FOLDERS = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    *("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts", "C:/Windows/Fonts"),
)
# By how well they suit; several names of one font by platform.
NAMES = (
    *("NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf", "NotoSansSC-Regular.ttf"),
    *("NotoSansCJK-Regular.ttc", "SourceHanSansSC-Regular.otf", "SourceHanSansCN-Regular.otf"),
    *("wqy-microhei.ttc", "wqy-zenhei.ttc", "uming.ttc", "DroidSansFallbackFull.ttf"),
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "STHeiti Light.ttc", "Songti.ttc"),
    *("msyh.ttc", "simhei.ttf", "simsun.ttc"),
)


def chinese_font(folders: Iterable[str] = FOLDERS) -> Path:
    """The file ``$CORRIDORS_FONT`` names, or else the first font found that has Chinese letters.

    Raises
    ------
    CorridorsError
        When there is none; says what to install.
    """
    chosen = os.environ.get(CHOSEN)
    if chosen:
        if Path(chosen).is_file():
            return Path(chosen)
        raise CorridorsError(f"${CHOSEN} names {chosen}, which is no file")
    found = {path.name: path for path in _files(folders)}
    for name in NAMES:
        if name in found:
            return found[name]
    raise CorridorsError(
        "a PDF in Chinese needs a font with Chinese letters, and none was found: install Noto "
        "Sans CJK (Debian and Ubuntu: apt install fonts-noto-cjk; Fedora: dnf install "
        f"google-noto-sans-cjk-fonts; macOS: brew install font-noto-sans-cjk-sc), or name a font "
        f"file in ${CHOSEN}"
    )


def _files(folders: Iterable[str]) -> Iterator[Path]:
    for folder in folders:
        place = Path(folder).expanduser()
        if place.is_dir():
            yield from (path for path in sorted(place.rglob("*")) if path.name in NAMES)
