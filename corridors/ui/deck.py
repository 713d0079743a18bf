"""The map: an answer and the world's frames → deck.gl layers, with nothing fetched from outside.

Drawn from the bottom: land, lines this cargo does not use, sea lanes, lines it uses, ports,
chokepoints, names. Text in a tooltip is stripped of markup before it gets here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pydeck as pdk
import shapely
from shapely.geometry import shape

from corridors.ui import colours, labels, sentences
from corridors.ui.words import word
from layers.geo import distance_km, split_antimeridian
from layers.world import records

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd

    from corridors.ui.answer import Answer
    from corridors.ui.colours import Palette

Row = dict[str, Any]

HEIGHT_PX, HALF_WIDTH_PX = 490, 480
VIEW = {"latitude": 21.0, "zoom": 0.98, "min_zoom": 0.4, "max_zoom": 8.0}
LINE_DIGITS, LAND_DIGITS = 3, 2
LAND_TOLERANCE_DEG, LEAST_ISLAND_DEG2 = 0.12, 0.05
OPEN_GATE_KM, OFF_SHORE_KM = 1000.0, 160.0
LABELLED_SHARE, LABEL_PX = 0.02, 14
FONT = pdk.types.String("Source Sans, PingFang SC, Microsoft YaHei, Noto Sans CJK SC, sans-serif")
MARK_FONT = pdk.types.String(
    "DejaVu Sans, Segoe UI Symbol, Apple Symbols, Noto Sans Symbols, sans-serif"
)
BUILT = ("operating", "damaged")
TOOLTIP = "<b>{name}</b><br>{flow}<br>{more}"


class CompactDeck(pdk.Deck):  # type: ignore[misc]
    """A deck whose JSON has no blanks: pydeck indents it, and it travels on every rerun."""

    def to_json(self) -> str:
        """The deck as Streamlit sends it."""
        return json.dumps(json.loads(super().to_json()), separators=(",", ":"))


def land(folder: Path) -> list[Row]:
    """Rings of the land, simplified to what a world map can show."""
    body = json.loads((folder / "land.geojson").read_text("utf-8"))
    parts = shapely.get_parts([shape(feature["geometry"]) for feature in body["features"]])
    parts = parts[shapely.area(parts) > LEAST_ISLAND_DEG2]
    parts = shapely.simplify(parts, LAND_TOLERANCE_DEG)
    return [{"rings": [_pairs(ring, LAND_DIGITS) for ring in _rings(part)]} for part in parts]


def lines(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Railways or pipelines as ``element, name_en, name_zh, built, path``, cut at 180°."""
    rows = []
    for row in frame.itertuples():
        for part in shapely.get_parts(row.geometry):
            for piece in split_antimeridian(shapely.get_coordinates(part)):
                path = piece.round(LINE_DIGITS).tolist()
                rows.append((row.element, row.name_en, row.name_zh, row.status in BUILT, path))
    return pd.DataFrame(rows, columns=["element", "name_en", "name_zh", "built", "path"])


def marks(frame: gpd.GeoDataFrame) -> pd.DataFrame:
    """Chokepoints with ``lon, lat``: the middle of the gate, or off the shore of an open one."""
    lon1, lat1, lon2, lat2 = (frame[c].to_numpy() for c in ("lon1", "lat1", "lon2", "lat2"))
    length = distance_km(lon1, lat1, lon2, lat2)
    part = np.where(length > OPEN_GATE_KM, OFF_SHORE_KM / length, 0.5)
    place = {"lon": lon1 + part * (lon2 - lon1), "lat": lat1 + part * (lat2 - lat1)}
    return pd.DataFrame(frame[["element", "name_en", "name_zh"]]).assign(**place)


def world_map(
    ground: Mapping[str, Any], found: Answer, colour: Palette, lang: str, *, longitude: float
) -> pdk.Deck:
    """The whole map.

    Parameters
    ----------
    ground
        ``land``, ``pipeline``, ``railway``, ``chokepoint`` and ``port``, as the functions above
        make them.
    """
    pieces = [
        *_ground(ground["land"], colour),
        *_line_layers(ground, found, colour, lang, used=False),
        *_lane_layers(found, colour, lang),
        *_line_layers(ground, found, colour, lang, used=True),
        *_port_layers(ground["port"], found, colour, lang),
        *_chokepoint_layers(ground["chokepoint"], found, colour, lang, longitude),
    ]
    return CompactDeck(
        layers=pieces,
        views=[pdk.View(type="MapView", controller=True, repeat=True)],
        initial_view_state=pdk.ViewState(longitude=longitude, **VIEW),
        # A style of None, unlike none at all, makes Streamlit fetch a base map from outside.
        map_provider=None,
        tooltip={"html": TOOLTIP, "style": _tooltip_style(colour)},
    )


def middle(found: Answer) -> float | None:
    """Longitude in the middle of the lanes, by cargo; None when nothing sails."""
    if found.lanes.empty:
        return None
    lon = np.radians([path[len(path) // 2][0] for path in found.lanes["path"]])
    weight = found.lanes["quantity_t"].to_numpy() * found.lanes["path"].map(len).to_numpy()
    x, y = (weight * np.cos(lon)).sum(), (weight * np.sin(lon)).sum()
    return round(float(np.degrees(np.arctan2(y, x))))


def _ground(rings: Sequence[Row], colour: Palette) -> list[pdk.Layer]:
    sea = [{"rings": [[[-180, -85.05], [180, -85.05], [180, 85.05], [-180, 85.05]]]}]
    shared = {"get_polygon": "rings", "pickable": False}
    return [
        pdk.Layer(
            "PolygonLayer",
            sea,
            id="sea",
            stroked=False,
            get_fill_color=colours.rgb(colour.sea),
            **shared,
        ),
        pdk.Layer(
            "PolygonLayer",
            list(rings),
            id="land",
            get_fill_color=colours.rgb(colour.land),
            get_line_color=colours.rgb(colour.coast),
            line_width_min_pixels=0.6,
            line_width_max_pixels=0.8,
            **shared,
        ),
    ]


def _lane_layers(found: Answer, colour: Palette, lang: str) -> list[pdk.Layer]:
    lanes = found.lanes
    if lanes.empty:
        return []
    part = lanes["quantity_t"] / lanes["quantity_t"].max()
    rows = [
        {"path": path, "color": tint, "width": 0.7 + 7.0 * p, **_lane_tip(found, quantity, lang)}
        for path, quantity, p, tint in zip(
            lanes["path"],
            lanes["quantity_t"],
            part,
            colours.blend(colour.lane_thin, colour.lane_thick, np.sqrt(part).tolist()),
            strict=True,
        )
    ]
    return [_path_layer("lanes", rows)]


def _lane_tip(found: Answer, quantity: float, lang: str) -> Row:
    flow = _flow(quantity, quantity / found.imports_t, lang)
    return {"name": word("tip_lane", lang), "flow": flow, "more": ""}


def _line_layers(
    ground: Mapping[str, Any], found: Answer, colour: Palette, lang: str, *, used: bool
) -> list[pdk.Layer]:
    pieces = []
    for kind, tint in (("railway", colour.railway), ("pipeline", colour.pipeline)):
        table = found.tables[kind].set_index("element")
        rows = []
        for line in records(ground[kind]):
            if (line["element"] in table.index) != used:
                continue
            row = table.loc[line["element"]] if used else None
            rows.append(
                {
                    "path": line["path"],
                    "color": colours.rgb(tint, 1.0 if used else 0.34),
                    "width": 1.6 + 3.0 * np.sqrt(row["share"]) if row is not None else 0.9,
                    "dash": [0, 0] if line["built"] else [4, 3],
                    **_tip(line, row, kind, lang),
                }
            )
        name = f"{kind}s_{'used' if used else 'other'}"
        for built, dash in ((True, False), (False, True)):
            part = [r for r in rows if (r["dash"] == [0, 0]) is built]
            pieces += [
                _path_layer(f"{name}_{'dashed' if dash else 'solid'}", part, dashed=dash)
            ] * bool(part)
    return pieces


def _path_layer(name: str, rows: list[Row], *, dashed: bool = False) -> pdk.Layer:
    dashes = {
        "extensions": [{"@@type": "PathStyleExtension", "dash": True}],
        "get_dash_array": "dash",
        "dash_justified": True,
    }
    return pdk.Layer(
        "PathLayer",
        rows,
        id=name,
        get_path="path",
        get_color="color",
        get_width="width",
        width_units=pdk.types.String("pixels"),
        cap_rounded=True,
        joint_rounded=True,
        pickable=True,
        **(dashes if dashed else {}),
    )


def _port_layers(
    ports: gpd.GeoDataFrame, found: Answer, colour: Palette, lang: str
) -> list[pdk.Layer]:
    """Ports that carry the cargo: rings where it loads, discs where it lands."""
    table = found.tables["port"]
    place = ports.set_index("element")
    rows = []
    for row in records(table):
        if row["element"] not in place.index:
            continue
        at = place.loc[row["element"]]
        bare = row["element"].removeprefix("port:")
        lands = bare in found.calls["land"]
        role = "discharge" if lands else "load" if bare in found.calls["load"] else "through"
        rows.append(
            {
                "position": [round(at["lon"], 3), round(at["lat"], 3)],
                "radius": 2.2 + 9.0 * np.sqrt(row["share"]),
                "fill": colours.rgb(colour.port if lands else colour.land, 0.85),
                "line": colours.rgb(colour.halo if lands else colour.port),
                **_tip(row, row, "port", lang, note=word(role, lang)),
            }
        )
    return [
        pdk.Layer(
            "ScatterplotLayer",
            rows,
            id="ports",
            get_position="position",
            get_radius="radius",
            radius_units=pdk.types.String("pixels"),
            get_fill_color="fill",
            get_line_color="line",
            stroked=True,
            line_width_units=pdk.types.String("pixels"),
            get_line_width=1.4,
            pickable=True,
        )
    ]


def _chokepoint_layers(
    points: pd.DataFrame, found: Answer, colour: Palette, lang: str, centre: float
) -> list[pdk.Layer]:
    table = found.tables["chokepoint"].set_index("element")
    passed = points["element"].isin(table.index)
    idle = [
        _mark(p, 11.0, "◇", colours.rgb(colour.none, 0.8)) | _tip(p, None, "chokepoint", lang)
        for p in records(points[~passed])
    ]
    rows = []
    for point in records(points[passed]):
        row = table.loc[point["element"]]
        size = 15.0 + 26.0 * float(np.sqrt(row["share"]))
        tint = colours.rgb(colour.share[colours.step(row["share"])])
        rows.append(
            _mark(point, size, "◆", tint)
            | {"share": row["share"], "radius": 0.36 * size, "text": _label(row, lang)}
            | _tip(point, row, "chokepoint", lang)
        )
    rows.sort(key=lambda r: r["share"])
    rims = [r | {"size": r["size"] + 5.0, "color": colours.rgb(colour.halo)} for r in rows]
    return [
        _mark_layer("chokepoints_idle", idle, "◇"),
        _mark_layer("chokepoints_rim", rims, "◆", pickable=False),
        _mark_layer("chokepoints", rows, "◆"),
        *_label_layers(rows, colour, centre),
    ]


def _mark(point: Mapping[str, Any], size: float, text: str, tint: colours.Colour) -> Row:
    return {
        "position": [round(point["lon"], 3), round(point["lat"], 3)],
        "size": size,
        "mark": text,
        "color": tint,
    }


def _mark_layer(name: str, rows: list[Row], glyph: str, *, pickable: bool = True) -> pdk.Layer:
    return pdk.Layer(
        "TextLayer",
        rows,
        id=name,
        get_position="position",
        get_text="mark",
        get_size="size",
        get_color="color",
        character_set=pdk.types.String(glyph),
        font_family=MARK_FONT,
        pickable=pickable,
    )


def _label_layers(rows: list[Row], colour: Palette, centre: float) -> list[pdk.Layer]:
    """Names of the chokepoints that matter, where there is room at the first zoom."""
    points = pd.DataFrame(
        [
            {
                "lon": r["position"][0],
                "lat": r["position"][1],
                **{c: r[c] for c in ("text", "radius", "share")},
            }
            for r in reversed(rows)
            if r["share"] >= LABELLED_SHARE
        ],
        columns=["lon", "lat", "text", "radius", "share"],
    )
    spots = labels.placed(
        points, zoom=VIEW["zoom"], font_px=LABEL_PX, centre=centre, half_px=HALF_WIDTH_PX
    )
    data = [
        {
            "position": [s["lon"], s["lat"]],
            **{c: s[c] for c in ("text", "anchor", "baseline", "offset")},
        }
        for s in records(spots)
    ]
    return [
        pdk.Layer(
            "TextLayer",
            data,
            id="names",
            get_position="position",
            get_text="text",
            get_size=LABEL_PX,
            get_color=colours.rgb(colour.text),
            get_text_anchor="anchor",
            get_alignment_baseline="baseline",
            get_pixel_offset="offset",
            font_family=FONT,
            font_weight=600,
            character_set=pdk.types.String("auto"),
            font_settings={
                "sdf": True,
                "fontSize": 48,
                "buffer": 6,
                "radius": 12,
                "smoothing": 0.12,
            },
            outline_width=5,
            outline_color=colours.rgb(colour.halo),
            pickable=False,
        )
    ]


def _label(row: pd.Series, lang: str) -> str:
    return f"{row[f'name_{lang}']} {sentences.percent(row['share'], lang)}"


def _tip(
    named: Mapping[str, Any],
    row: pd.Series | Mapping[str, Any] | None,
    kind: str,
    lang: str,
    *,
    note: str = "",
) -> Row:
    """``name, flow, more``: the three lines of a tooltip."""
    name = _plain(named[f"name_{lang}"])
    if row is None:
        return {"name": name, "flow": word("tip_no_flow", lang), "more": ""}
    quality = word(
        "tip_quality",
        lang,
        quality=sentences.quality(row["quality"], lang),
        years=str(row["data_years"]),
    )
    flow = _flow(row["quantity_t"], row["share"], lang)
    spread = word("tip_band", lang, band=sentences.band(row, lang))
    more = " · ".join(filter(None, [spread, note, quality]))
    return {"name": name, "flow": flow, "more": _plain(more)}


def _flow(quantity_t: float, share: float, lang: str) -> str:
    return word(
        "tip_flow",
        lang,
        quantity=sentences.tonnes(quantity_t, lang),
        share=sentences.percent(share, lang),
    )


def _plain(text: str) -> str:
    """Text that no browser takes for markup and no tooltip for one of its fields."""
    return text.translate(str.maketrans("<>{}", "‹›()"))


def _tooltip_style(colour: Palette) -> dict[str, str]:
    return {
        "backgroundColor": colour.halo,
        "color": colour.text,
        "border": f"1px solid {colour.coast}",
        "borderRadius": "6px",
        "fontSize": "13px",
        "padding": "8px 10px",
        "maxWidth": "320px",
    }


def _rings(polygon: shapely.Polygon) -> Iterable[shapely.LinearRing]:
    return [polygon.exterior, *polygon.interiors]


def _pairs(line: shapely.Geometry, digits: int) -> list[list[float]]:
    pairs: list[list[float]] = shapely.get_coordinates(line).round(digits).tolist()
    return pairs
