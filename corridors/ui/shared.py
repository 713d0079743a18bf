"""What all readers share: the world, its network, the ground of the map, answers given before."""

from __future__ import annotations

from typing import Any

import streamlit as st

import corridors
import layers
from corridors.network import Network
from corridors.ui import deck
from corridors.ui.answer import Answer, Question, answer
from layers.memory import remember
from layers.world import World


@st.cache_resource(show_spinner=False)
def load() -> tuple[World, Network, dict[str, Any]]:
    """Return what all readers share: the world, its network and the ground of the map."""
    world = layers.load_world()
    frames = layers.frames(world)
    ground = {
        "land": deck.land(layers.data_dir()),
        "pipeline": deck.lines(frames["pipelines"]),
        "railway": deck.lines(frames["railways"]),
        "chokepoint": deck.marks(frames["chokepoints"]),
        "port": frames["ports"],
    }
    return world, corridors.load_network(world, remember=remember), ground


@st.cache_data(show_spinner=False, max_entries=128)
def answered(digest: str, question: Question) -> Answer | None:
    """Return the answer, kept for every reader who asks the same of the same data."""
    world, network, _ = load()
    return answer(world, network, question)
