"""``python -m docs.reference FOLDER``: the reference of both packages, from their docstrings."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType

import pdoc

import corridors
import layers

FACES = ("corridors.ui", "corridors.cli", "corridors.__main__")
"""What a person faces is described by itself."""


def modules() -> Iterator[ModuleType]:
    """Yield the modules described, each package before what is in it."""
    for package in (corridors, layers):
        yield package
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.startswith(FACES):
                yield import_module(found.name)


def write(folder: Path) -> None:
    """Write the pages; a warning of the tool, of a name that is not there, ends it."""
    described = list(modules())
    for package in (corridors, layers):
        for name in package.__all__:  # those imported when first used, so that they are seen
            setattr(package, name, getattr(package, name))
    pdoc.render.configure(docformat="numpy", show_source=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # pd.Series[float]: known to the stubs of pandas, not to pandas.
        warnings.filterwarnings("ignore", r"Error parsing type annotation .* is not subscriptable")
        pdoc.pdoc(*(m.__name__ for m in described if not _taken_along(m)), output_directory=folder)


def _taken_along(module: ModuleType) -> bool:
    """Whether the tool comes to a module by itself, as its package says nothing against it."""
    package, _, name = module.__name__.rpartition(".")
    return bool(package) and name in getattr(sys.modules[package], "__all__", [name])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
