"""The map of a what-if, as the browser gets it: lanes used more and less, and what is disrupted.

The same component as the map of the first page draws it (``corridors.ui.map``): geometry that
never changes is fetched once, so that a step of a slider sends the lanes alone. Whatever can be
shut can be clicked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corridors.ui import colours, sentences
from corridors.ui.map.picture import LATITUDE, ZOOM, furniture
from corridors.ui.whatif import say
from corridors.ui.whatif.charts import DARK, LIGHT
from corridors.ui.words import word
from layers.world import records

if TYPE_CHECKING:
    from corridors.ui.answer import Question
    from corridors.whatif.scenario import Scenario
    from layers.world import World

__all__ = ["bounds", "picture", "places"]

Row = dict[str, Any]
Box = list[list[float]]

LAYERS = ("moved", "pipelines", "railways", "chokepoints")
THIN_PX, THICK_PX, OLD_PART = 0.9, 6.5, 0.6
SHUT_PX, OPEN_PX = 30.0, 13.0
ROOM_DEG, LEAST_DEG = 4.0, 40.0
"""Room round the lanes at first sight, and the least extent."""
KEYS = (("line", "kept"), ("dash", "left"), ("line", "new"))


def picture(
    world: World,
    question: Question,
    lanes: pd.DataFrame,
    marks: pd.DataFrame,
    shut: pd.DataFrame,
    lang: str,
) -> Row:
    """All the browser needs besides geometry that never changes.

    Parameters
    ----------
    lanes
        From ``corridors.ui.whatif.lanes.drawn_lanes``.
    marks
        Every chokepoint: ``element, lon, lat, name_en, name_zh``.
    shut
        What the scenario disrupts, from `places`.
    """
    home = float(world.countries.set_index("country")["lon"].get(question.importer, 20.0))
    alt = word(
        "wi_map_alt",
        lang,
        importer=sentences.in_sentence(world, question.importer, lang),
        commodity=sentences.cargo(world, question.commodity, lang),
    )
    hit = set(shut["element"])
    idle = [_mark(row, row[f"name_{lang}"], lang) for row in records(marks)]
    struck = [{**_mark(row, row["name"], lang), **_STRUCK} for row in records(shut)]
    return {
        **furniture(lang),
        "alt": alt,
        "home": question.importer,
        "centre": [home, LATITUDE],
        "zoom": ZOOM,
        "bounds": bounds(lanes, shut, home),
        "layers": list(LAYERS),
        "chosen": None,
        "title": word("wi_map_legend", lang),
        "steps": [{"sign": "✕", "words": word("wi_disrupted", lang), "tint": LIGHT.infeasible}],
        "legend": [[mark, tint, word(f"wi_{tint}", lang)] for mark, tint in KEYS],
        "palettes": {
            name: asdict(palette) | {"kept": palette.lane_thick, "left": t.left, "new": t.rerouted}
            for name, palette, t in (("light", colours.LIGHT, LIGHT), ("dark", colours.DARK, DARK))
        },
        "unused": word("wi_map_click", lang),
        "moved": _moved(lanes, lang),
        "lanes": [],
        "ports": [],
        "lines": {},
        "chokepoints": [*(row for row in idle if row["element"] not in hit), *struck],
        "events": [],
    }


def places(world: World, scenario: Scenario, lang: str) -> pd.DataFrame:
    """Where what the scenario disrupts lies: ``element, lon, lat, name``; not lines on land."""
    tables = {"chokepoint": world.chokepoints, "port": world.ports, "country": world.countries}
    rows = {}
    for rule in sorted(scenario.rules, key=lambda rule: rule.lost):  # the greatest loss is named
        kind, _, id = rule.element.replace("origin:", "country:").partition(":")
        if kind not in tables:
            continue
        found = tables[kind]
        for at in records(found[(found[kind] == id).to_numpy()]):
            gate = kind == "chokepoint"
            lon = (at["lon1"] + at["lon2"]) / 2 if gate else at["lon"]
            lat = (at["lat1"] + at["lat2"]) / 2 if gate else at["lat"]
            # By name alone: with how much is lost beside it, each step would draw all names anew.
            name = say.element(world, rule.element, lang)
            rows[rule.element] = (rule.element, lon, lat, name)
    return pd.DataFrame(list(rows.values()), columns=["element", "lon", "lat", "name"])


def bounds(lanes: pd.DataFrame, shut: pd.DataFrame, home: float) -> Box | None:
    """South-west and north-east corner of lanes and places, unwrapped about a longitude."""
    ends = [at for path in lanes["path"] for at in path]
    ends += [[row["lon"], row["lat"]] for row in records(shut)]
    if not ends:
        return None
    lon, lat = np.array(ends, dtype=np.float64).T
    lon = (lon - home + 180.0) % 360.0 - 180.0 + home
    (west, east), (south, north) = (_extent(values) for values in (lon, lat))
    return [[west, max(south, -70.0)], [east, min(north, 78.0)]]


def _extent(values: Any) -> tuple[float, float]:
    room = max(ROOM_DEG, (LEAST_DEG - float(np.ptp(values))) / 2)
    return round(float(values.min()) - room, 1), round(float(values.max()) + room, 1)


_STRUCK = {"icon": "full_0", "size": SHUT_PX, "share": 1.0, "rank": 1, "gap": 1}


def _mark(row: Row, name: str, lang: str) -> Row:
    """A passage as a hollow mark; with its name where it is disrupted."""
    struck = "name" in row
    return {
        "element": row["element"],
        "lon": round(float(row["lon"]), 3),
        "lat": round(float(row["lat"]), 3),
        "share": 0.0,
        "size": OPEN_PX,
        "icon": "hollow",
        "label": name if struck else "",
        "name": name,
        "rank": 0,
        "tip": [] if struck else [word("wi_map_click", lang)],
    }


def _moved(lanes: pd.DataFrame, lang: str) -> list[Row]:
    if lanes.empty:
        return []
    most = float(lanes[["calm_t", "now_t"]].to_numpy().max())
    return [_lane(row, most, lang) for row in records(lanes)]


def _lane(row: Row, most: float, lang: str) -> Row:
    wide = THIN_PX + (THICK_PX - THIN_PX) * (max(row["calm_t"], row["now_t"]) / most) ** 0.5
    # What is new stands out; and a dash as wide as it is long is no dash.
    wide *= 1.0 if row["kind"] == "new" else OLD_PART
    told: Sequence[tuple[str, float]] = (("before", row["calm_t"]), ("after", row["now_t"]))
    return {
        "path": row["path"],
        "kind": row["kind"],
        "width": round(wide, 1),
        "name": word(f"wi_{row['kind']}", lang),
        "tip": [f"{word(f'wi_{key}', lang)}: {sentences.tonnes(t, lang)}" for key, t in told],
    }
