"""What all readers share: the world, its network, the calm world's engine, answers given before.

Each is made once, by whoever asks first: under ``python -m corridors.ui`` before any reader does.
"""

from __future__ import annotations

import atexit
import gc
import os
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any

import streamlit as st

import corridors
import layers
from corridors.network import Network
from corridors.trade import Basis, basis_of
from corridors.ui.answer import Answer, Question, answer
from corridors.ui.map import component, ground
from layers.memory import remember
from layers.world import World

if TYPE_CHECKING:
    from corridors.whatif.engine import Engine

__all__ = ["Bench", "answered", "basis", "engine", "load", "settle", "trade"]


@dataclass(frozen=True, eq=False)
class Bench:
    """An engine and the lock under which it is used: it keeps what it finds as it goes."""

    engine: Engine
    lock: RLock = field(default_factory=RLock)


@st.cache_resource(show_spinner=False)
def trade() -> tuple[World, str]:
    """Return the world, and what a reader must know of the imported trade it rests on.

    Imported trade is chosen by ``$CORRIDORS_FLOWS``, as by ``--flows`` of the commands; without
    it the trade is that of ``flows.csv``, and there is nothing to know.
    """
    world = layers.load_world()
    chosen = os.environ.get("CORRIDORS_FLOWS", "")
    if not chosen:
        return world, ""
    from layers.flows import Kept, parse_ref, take

    taken = take(world, Kept(), parse_ref(chosen))
    return taken.world, taken.note


@st.cache_resource(show_spinner=False)
def load() -> tuple[World, Network, dict[str, Any]]:
    """Return what all readers share: the world, its network and the ground of the map.

    The ground is ``still``, the file of all geometry that never changes, and the places of every
    ``chokepoint`` and ``port``.
    """
    world, _ = trade()
    frames = layers.frames(world)
    places = {
        "still": component.publish(ground.ground(frames, layers.data_dir())),
        "chokepoint": ground.marks(frames["chokepoints"]),
        "port": frames["ports"],
    }
    made = world, corridors.load_network(world, remember=remember), places
    settle()
    return made


@st.cache_resource(show_spinner=False)
def basis() -> Basis:
    """Return what every question about the world starts from."""
    world, network, _ = load()
    return basis_of(world, network)


@st.cache_data(show_spinner=False, max_entries=128)
def answered(digest: str, question: Question) -> Answer | None:
    """Return the answer, kept for every reader who asks the same of the same data."""
    world, network, _ = load()
    return answer(world, network, question, basis=basis())


@st.cache_resource(show_spinner=False)
def engine() -> Bench:
    """Return the calm world of the base year ready to be disturbed: the only one of its kind.

    The what-if page and the warnings use the same, each under its lock.
    """
    from corridors.whatif.engine import prepare

    world, network, _ = load()
    made = Bench(prepare(world, network=network, remember=remember))
    settle()
    return made


def settle() -> None:
    """Tell the collector that what is there now is there to stay.

    Streamlit looks for garbage after every run of a page, while everyone waits: through the world
    and the engine that takes 0.1 to 0.2 s, and there is none.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)  # some libraries complain of what is there when all ends
