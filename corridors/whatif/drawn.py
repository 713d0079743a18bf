"""Lines and areas drawn by hand: gates across the sea like any other, for one scenario.

Each stretch of a line, or of the edge of an area, becomes a gate. Cargo that starts and ends on one
side never notices.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from corridors.gates import MAX_PASSAGES, crossed_links, land_bridges
from corridors.network import Network
from corridors.whatif.scenario import Drawn, Scenario
from layers.errors import UsageError

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["passages_of", "with_drawn"]

PREFIX = "drawn_"


def with_drawn(world: World, scenario: Scenario) -> World:
    """The world with a gate for every stretch drawn that lies across a sea lane.

    Raises
    ------
    UsageError
        For a drawing that crosses no lane, and for more stretches than there is room for.
    """
    if not scenario.drawn:
        return world
    table = pd.concat([_gates(world, shape) for shape in scenario.drawn], ignore_index=True)
    free = MAX_PASSAGES - len(world.chokepoints) - len(land_bridges(world))
    if len(table) > free:
        raise UsageError(f"{len(table)} stretches drawn cross sea lanes; there is room for {free}")
    gates = pd.concat([world.chokepoints, table], ignore_index=True)
    return replace(world, chokepoints=gates.astype(world.chokepoints.dtypes.to_dict()))


def passages_of(network: Network, element: str) -> list[int]:
    """Positions of the passages an element of a rule stands for; none for what is no passage."""
    kind, _, name = element.partition(":")
    if kind == "drawn":
        start = f"chokepoint:{_id(name)}_"
        return [i for i, p in enumerate(network.passages) if p.startswith(start)]
    return [i for i, p in enumerate(network.passages) if p == element]


def _id(name: str) -> str:
    """An id for a name that may hold anything."""
    return PREFIX + hashlib.blake2b(name.encode(), digest_size=4).hexdigest()


def _gates(world: World, shape: Drawn) -> pd.DataFrame:
    """A row of chokepoints for each stretch of a drawing that crosses a lane."""
    ends = [*shape.points, shape.points[0]] if shape.area else list(shape.points)
    rows = [
        {
            "chokepoint": f"{_id(shape.name)}_{i}",
            "name_en": f"{shape.name} (drawn)",
            "name_zh": f"{shape.name}(手绘)",
            "kind": "risk_area",
            "portwatch_id": "",
            "lon1": a[0],
            "lat1": a[1],
            "lon2": b[0],
            "lat2": b[1],
            "open": "yes",
            "source": "drawn by hand for a scenario",
            "year": 2024,
            "quality": "estimate",
            "note": "",
        }
        for i, (a, b) in enumerate(pairwise(ends))
        if a != b
    ]
    table = pd.DataFrame(rows)
    hits = [np.any(~world.sea.shortcut[links]) for links in crossed_links(world.sea, table)]
    if not any(hits):
        raise UsageError(f"drawn:{shape.name} crosses no sea lane")
    return table[np.array(hits)]
