"""What the world is: typed tables, live feeds and the store. Everything that comes in, checked.

`load_world` is the way in. Names are imported when first used, so that a module that needs only
`layers.errors` or `layers.geo` does not pay for the tables.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from layers.errors import (
        CorridorsError,
        DataError,
        Fault,
        FeedError,
        UnknownIdError,
        UsageError,
    )
    from layers.static import data_dir, read_table
    from layers.world import World, frames, load_world

__all__ = [
    "CorridorsError",
    "DataError",
    "Fault",
    "FeedError",
    "UnknownIdError",
    "UsageError",
    "World",
    "data_dir",
    "frames",
    "load_world",
    "read_table",
]

_HOME = {
    "CorridorsError": "errors",
    "DataError": "errors",
    "Fault": "errors",
    "FeedError": "errors",
    "UnknownIdError": "errors",
    "UsageError": "errors",
    "World": "world",
    "data_dir": "static",
    "frames": "world",
    "load_world": "world",
    "read_table": "static",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
