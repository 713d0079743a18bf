"""What is remembered between runs is the same as what is made, and never of something else."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from corridors.assessment import assess
from layers.memory import Arrays, remember
from layers.world import World


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CORRIDORS_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


class Maker:
    """Counts how often it made its arrays."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> Arrays:
        self.times += 1
        return {"a": np.arange(3.0), "b": np.array(["é", "西"])}


def asked(maker: Maker, key: str = "k") -> Arrays:
    def make() -> Arrays:
        return maker()

    return remember(key, make)


def test_made_once_and_the_same_afterwards() -> None:
    maker = Maker()
    first, second = asked(maker), asked(maker)
    assert maker.times == 1
    assert all((first[name] == second[name]).all() for name in first)
    asked(maker, "other")
    assert maker.times == 2


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not a file of arrays"])
def test_a_damaged_file_is_made_again(folder: Path, damage: bytes) -> None:
    maker = Maker()
    asked(maker)
    (kept,) = folder.glob("k-*.npz")
    kept.write_bytes(damage)
    assert asked(maker)["a"].tolist() == [0, 1, 2]
    assert maker.times == 2
    asked(maker)
    assert maker.times == 2


def test_a_folder_that_cannot_be_made_is_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CORRIDORS_CACHE", str(tmp_path / "file" / "kept"))
    assert asked(Maker())["a"].tolist() == [0, 1, 2]


def answer(world: World) -> xr.Dataset:
    return assess(world, importers=["EGY"], commodities=["wheat"], remember=remember)


def test_an_answer_remembered_is_the_answer(world: World, folder: Path) -> None:
    made, kept = answer(world), answer(world)
    assert len(list(folder.glob("trade-*.npz"))) == 1
    xr.testing.assert_identical(made, kept)
    assert {n: v.dtype for n, v in made.variables.items()} == {
        n: v.dtype for n, v in kept.variables.items()
    }


def test_a_table_changed_in_memory_is_asked_anew(world: World) -> None:
    before = answer(world)
    doubled = world.flows.assign(quantity_t=world.flows["quantity_t"] * 2)
    after = answer(dataclasses.replace(world, flows=doubled))
    assert float(after["quantity_t"].sum()) == pytest.approx(2 * float(before["quantity_t"].sum()))
