"""What the map shows of an answer, as the browser gets it: small, and every text plain.

Colour is risk, size is what the importer has on it. Geometry that never changes is not in here
(``corridors.ui.map.ground``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from corridors.ui import colours, risks, sentences
from corridors.ui.words import word
from layers.world import records

if TYPE_CHECKING:
    import geopandas as gpd

    from corridors.ui.answer import Answer, Question
    from corridors.ui.now import Now

__all__ = ["LATITUDE", "LAYERS", "ZOOM", "View", "furniture", "middle", "picture"]

Row = dict[str, Any]

LAYERS = ("lanes", "ports", "pipelines", "railways", "chokepoints", "events")
LATITUDE, ZOOM = 24.0, 0.95
LABELLED_SHARE = 0.02
TITLE_LETTERS = 110
KEYS = (
    ("hollow", "none"),
    ("line", "lane_thick"),
    ("ring", "port"),
    ("disc", "port"),
    ("thin", "pipeline"),
    ("thin", "railway"),
    ("event", "text"),
)
KEY_WORDS = ("hollow", "lane", "load", "land", "pipeline", "railway", "event")


@dataclass(frozen=True)
class View:
    """How a reader looks at it: layers shown, what colours them, what is chosen."""

    layers: tuple[str, ...] = LAYERS
    number: str = "structural"
    chosen: str | None = None


def picture(
    question: Question,
    found: Answer,
    now: Now,
    view: View,
    places: Mapping[str, pd.DataFrame | gpd.GeoDataFrame],
    lang: str,
    *,
    longitude: float,
    alt: str,
) -> Row:
    """All the browser needs besides geometry that never changes.

    Parameters
    ----------
    places
        ``chokepoint`` and ``port`` with ``element, lon, lat``.
    """
    teller = _Teller(question, found, now, view.number, lang)
    marks = places["chokepoint"]
    return {
        **furniture(lang),
        "alt": alt,
        "centre": [longitude, LATITUDE],
        "zoom": ZOOM,
        "layers": list(view.layers),
        "chosen": view.chosen,
        "title": word(f"colour_{view.number}", lang),
        "steps": risks.legend(view.number, lang),
        "legend": [
            [mark, tint, word(f"legend_{name}", lang)]
            for (mark, tint), name in zip(KEYS, KEY_WORDS, strict=True)
        ],
        "palettes": {"light": asdict(colours.LIGHT), "dark": asdict(colours.DARK)},
        "unused": word("tip_no_flow", lang),
        "lanes": _lanes(found, lang),
        "ports": _ports(places["port"], found, teller),
        "lines": _lines(found, teller),
        "chokepoints": _chokepoints(marks, found, teller),
        "events": _events(now, marks, lang),
    }


def furniture(lang: str) -> Row:
    """What every map says of itself in a language."""
    return {
        "lang": lang,
        "failed": word("map_failed", lang),
        "locale": {
            "NavigationControl.ZoomIn": word("zoom_in", lang),
            "NavigationControl.ZoomOut": word("zoom_out", lang),
            "Map.Title": word("page_map", lang),
        },
    }


def middle(found: Answer) -> float | None:
    """Longitude in the middle of the lanes, by cargo; None when nothing sails."""
    if found.lanes.empty:
        return None
    lon = np.radians([path[len(path) // 2][0] for path in found.lanes["path"]])
    weight = found.lanes["quantity_t"].to_numpy() * found.lanes["path"].map(len).to_numpy()
    x, y = (weight * np.cos(lon)).sum(), (weight * np.sin(lon)).sum()
    return round(float(np.degrees(np.arctan2(y, x))))


@dataclass(frozen=True)
class _Teller:
    """Says of an element what a tooltip says and how it is drawn."""

    question: Question
    found: Answer
    now: Now
    number: str
    lang: str

    def told(self, element: str) -> risks.Told:
        return risks.told(self.now, self.question, element, self.number, self.lang)

    def tip(self, element: str, row: Mapping[str, Any] | None, *, note: str = "") -> list[str]:
        risk = risks.lines(self.now, self.question, element, self.lang)
        if row is None:
            return [word("tip_no_flow", self.lang), *risk]
        spread = word("tip_band", self.lang, band=sentences.band(row, self.lang))
        parts = [note, _flow(row["quantity_t"], row["share"], self.lang), spread]
        return [" · ".join(filter(None, parts)), *risk]


def _lanes(found: Answer, lang: str) -> list[Row]:
    if found.lanes.empty:
        return []
    most = found.lanes["quantity_t"].max()
    return [
        {
            "path": path,
            "part": round(quantity / most, 3),
            "name": word("tip_lane", lang),
            "tip": [_flow(quantity, quantity / found.imports_t, lang)],
        }
        for path, quantity in zip(found.lanes["path"], found.lanes["quantity_t"], strict=True)
    ]


def _ports(places: gpd.GeoDataFrame, found: Answer, teller: _Teller) -> list[Row]:
    """Ports that carry the cargo: rings where it loads, discs where it lands."""
    place = dict(
        zip(places["element"], zip(places["lon"], places["lat"], strict=True), strict=True)
    )
    rows = []
    for row in records(found.tables["port"]):
        element = row["element"]
        if element not in place:
            continue
        lon, lat = place[element]
        bare = element.removeprefix("port:")
        lands, loads = (bare in found.calls[end] for end in ("land", "load"))
        role = "discharge" if lands else "load" if loads else "through"
        rows.append(
            {
                "element": element,
                "lon": round(lon, 3),
                "lat": round(lat, 3),
                "size": round(2.4 + 9.0 * row["share"] ** 0.5, 1),
                "role": role,
                "step": teller.told(element).step,
                "name": row[f"name_{teller.lang}"],
                "tip": teller.tip(element, row, note=word(role, teller.lang)),
            }
        )
    return rows


def _lines(found: Answer, teller: _Teller) -> dict[str, Row]:
    return {
        row["element"]: {
            "element": row["element"],
            "width": round(1.8 + 3.4 * row["share"] ** 0.5, 1),
            "step": teller.told(row["element"]).step,
            "name": row[f"name_{teller.lang}"],
            "tip": teller.tip(row["element"], row),
        }
        for kind in ("pipeline", "railway")
        for row in records(found.tables[kind])
    }


def _chokepoints(marks: pd.DataFrame, found: Answer, teller: _Teller) -> list[Row]:
    passed = {row["element"]: row for row in records(found.tables["chokepoint"])}
    return [_chokepoint(place, passed.get(place["element"]), teller) for place in records(marks)]


def _chokepoint(place: Row, row: Row | None, teller: _Teller) -> Row:
    element, told = place["element"], teller.told(place["element"])
    share = 0.0 if row is None else float(row["share"])
    name = place[f"name_{teller.lang}"]
    figure = sentences.percent(share, teller.lang)
    return {
        "element": element,
        "lon": round(place["lon"], 3),
        "lat": round(place["lat"], 3),
        "share": round(share, 6),
        "size": 13.0 if row is None else round(19.0 + 25.0 * share**0.5, 1),
        "icon": "hollow" if told.step is None else f"{_look(told)}_{told.step}",
        "label": f"{name} {figure}" if share >= LABELLED_SHARE else "",
        "name": name,
        "rank": (-1 if told.step is None else told.step) + share / 2,
        "tip": teller.tip(element, row),
    }


def _look(told: risks.Told) -> str:
    return "stale" if told.state == "stale" else "full"


def _events(now: Now, marks: pd.DataFrame, lang: str) -> list[Row]:
    """Events with a place, and those that only name a chokepoint, to be drawn beside it."""
    place = {mark["element"]: mark for mark in records(marks)}
    rows = []
    for event in records(now.events):
        lon, lat = event["lon"], event["lat"]
        beside = bool(np.isnan(lon))
        if beside:
            named = next((a for a in event["assets"].split(";") if a in place), None)
            if named is None:
                continue
            lon, lat = place[named]["lon"], place[named]["lat"]
        days = f"{(now.at - event['told_at']).days}"
        rows.append(
            {
                "lon": round(float(lon), 2),
                "lat": round(float(lat), 2),
                "beside": beside,
                "embedded": event["embedded"],
                "name": event[f"title_{lang}"][:TITLE_LETTERS],
                "tip": [risks.age(event["source"], days, lang, embedded=event["embedded"])],
            }
        )
    return rows


def _flow(quantity_t: float, share: float, lang: str) -> str:
    return word(
        "tip_flow",
        lang,
        quantity=sentences.tonnes(quantity_t, lang),
        share=sentences.percent(share, lang),
    )
