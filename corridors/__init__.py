"""What trade passes: straits, ports, railways and pipelines, for any importer and commodity.

>>> import corridors, layers
>>> world = layers.load_world()
>>> trade = corridors.assess(world, importers=["CHN"], commodities=["crude_oil"])
>>> table = corridors.exposure(trade, world, by="chokepoint")

``assess`` gives one labelled dataset; the other functions read it.
"""

from corridors.assessment import assess, load_network
from corridors.metrics import KINDS, any_of, concentration, explain, exposure, hhi, outcomes, routes
from corridors.views import element_frame, lane_frame

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
]
