"""The shipped record of the warnings is what the code gives on the recorded series."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from corridors.risk.skill import measures, skill
from layers.world import World

KEYS = ["rule", "measure"]


@pytest.mark.reference
def test_the_shipped_record_is_what_the_code_gives(
    world: World, recorded_days: pd.DataFrame
) -> None:
    ours = measures(skill(world, recorded_days)).set_index(KEYS)["value"]
    shipped = world.warning_results.set_index(KEYS)["value"]
    assert set(ours.index) == set(shipped.index)
    np.testing.assert_allclose(shipped[ours.index], ours, rtol=1e-3)


def test_the_record_names_its_rules_and_leaves_nothing_out(world: World) -> None:
    table = world.warning_results
    alarms = table[table["measure"] == "false_alarms"]
    assert set(alarms["whose"]) == {"ours", "others"}
    assert alarms["value"].notna().all()
    assert (alarms["value"] >= 0).all()
    never = table[table["value"].isna()]
    assert never["measure"].str.startswith("delay_").all()
    assert set(never["note"]) == {"never flagged"}
