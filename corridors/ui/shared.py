"""What all readers share: the world, its network, the ground of the map, answers given before."""

from __future__ import annotations

from typing import Any

import streamlit as st

import corridors
import layers
from corridors.network import Network
from corridors.ui.answer import Answer, Question, answer
from corridors.ui.map import component, ground
from layers.memory import remember
from layers.world import World


@st.cache_resource(show_spinner=False)
def load() -> tuple[World, Network, dict[str, Any]]:
    """Return what all readers share: the world, its network and the ground of the map.

    The ground is ``still``, the file of all geometry that never changes, and the places of every
    ``chokepoint`` and ``port``.
    """
    world = layers.load_world()
    frames = layers.frames(world)
    places = {
        "still": component.publish(ground.ground(frames, layers.data_dir())),
        "chokepoint": ground.marks(frames["chokepoints"]),
        "port": frames["ports"],
    }
    return world, corridors.load_network(world, remember=remember), places


@st.cache_data(show_spinner=False, max_entries=128)
def answered(digest: str, question: Question) -> Answer | None:
    """Return the answer, kept for every reader who asks the same of the same data."""
    world, network, _ = load()
    return answer(world, network, question)
