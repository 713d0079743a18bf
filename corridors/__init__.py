"""What trade passes: straits, ports, railways and pipelines, for any importer and commodity.

>>> import corridors, layers
>>> world = layers.load_world()
>>> trade = corridors.assess(world, importers=["CHN"], commodities=["crude_oil"])
>>> table = corridors.exposure(trade, world, by="chokepoint")

``assess`` gives one labelled dataset; the other functions read it.
"""

from typing import TYPE_CHECKING, Any

from corridors.assessment import assess, load_network
from corridors.explanation import explain, routes
from corridors.metrics import KINDS, any_of, concentration, exposure, hhi, outcomes

__all__ = [
    "KINDS",
    "any_of",
    "assess",
    "concentration",
    "element_frame",
    "explain",
    "exposure",
    "hhi",
    "lane_frame",
    "load_network",
    "outcomes",
    "routes",
    "validate",
]

if TYPE_CHECKING:
    from corridors.validation import validate
    from corridors.views import element_frame, lane_frame

_LATER = {"element_frame": "views", "lane_frame": "views", "validate": "validation"}


def __getattr__(name: str) -> Any:
    """Import what needs GeoPandas, or is seldom asked for, only when it is asked for."""
    if name not in _LATER:
        raise AttributeError(f"module 'corridors' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"corridors.{_LATER[name]}"), name)
