"""What trade passes: straits, ports, railways and pipelines, for any importer and commodity.

>>> import corridors, layers
>>> world = layers.load_world()
>>> trade = corridors.assess(world, importers=["CHN"], commodities=["crude_oil"])
>>> table = corridors.exposure(trade, world, by="chokepoint")

``assess`` gives one labelled dataset; the other functions read it.

>>> engine = corridors.prepare(world)
>>> shut = corridors.make_scenario("x", rules=[corridors.Rule("chokepoint:hormuz", lost=1.0)])
>>> answer = corridors.disturb(engine, shut)
>>> table = corridors.summary(answer, corridors.groups_of(world, answer, ["CHN"]))
"""

from typing import TYPE_CHECKING, Any

from corridors.assessment import assess, load_network
from corridors.explanation import explain, routes
from corridors.metrics import KINDS, any_of, concentration, exposure, hhi, outcomes

__all__ = [
    "KINDS",
    "Rule",
    "Scenario",
    "any_of",
    "assess",
    "concentration",
    "disturb",
    "element_frame",
    "explain",
    "exposure",
    "groups_of",
    "hhi",
    "lane_frame",
    "load_network",
    "make_scenario",
    "outcomes",
    "prepare",
    "respond",
    "routes",
    "summary",
    "supply",
    "validate",
    "worst",
]

if TYPE_CHECKING:
    from corridors.response import respond
    from corridors.validation import validate
    from corridors.views import element_frame, lane_frame
    from corridors.whatif.answer import disturb
    from corridors.whatif.engine import prepare
    from corridors.whatif.interdiction import worst
    from corridors.whatif.scenario import Rule, Scenario, make_scenario
    from corridors.whatif.summary import groups_of, summary
    from corridors.whatif.supply import supply

_LATER = {
    "element_frame": "views",
    "lane_frame": "views",
    "validate": "validation",
    "disturb": "whatif.answer",
    "groups_of": "whatif.summary",
    "make_scenario": "whatif.scenario",
    "prepare": "whatif.engine",
    "respond": "response",
    "Rule": "whatif.scenario",
    "Scenario": "whatif.scenario",
    "summary": "whatif.summary",
    "supply": "whatif.supply",
    "worst": "whatif.interdiction",
}


def __getattr__(name: str) -> Any:
    """Import what needs GeoPandas, or is seldom asked for, only when it is asked for."""
    if name not in _LATER:
        raise AttributeError(f"module 'corridors' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"corridors.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
