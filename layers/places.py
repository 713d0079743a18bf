"""Where things are: shapes as WKT in lon lat, and names of countries as ISO 3166 codes.

Publishers write latitude first, longitude first, corners in an order of their own, and rings that
cross the 180° meridian; here all become EPSG:4326 WKT within [-180, 180]. What makes no shape
becomes an empty string: not placed.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from layers.geo import EARTH_RADIUS_KM, split_antimeridian, unwrap
from layers.values import held, number

Ring = Sequence[tuple[float, float]]

MAX_POINTS = 200_000
"""A shape with more points than this is refused whole: no warning area needs them."""

SMALL_KM = 0.5
"""A circle below this radius is a point."""

ENGLISH = {
    "bosnia and herzegovina": "BIH",
    "brunei darussalam": "BRN",
    "burma": "MMR",
    "cabo verde": "CPV",
    "cape verde": "CPV",
    "congo": "COG",
    "congo (brazzaville)": "COG",
    "republic of the congo": "COG",
    "congo (kinshasa)": "COD",
    "democratic republic of congo": "COD",
    "democratic republic of the congo": "COD",
    "cote d'ivoire": "CIV",
    "ivory coast": "CIV",
    "czech republic": "CZE",
    "east timor": "TLS",
    "eswatini": "SWZ",
    "swaziland": "SWZ",
    "federated states of micronesia": "FSM",
    "macedonia": "MKD",
    "the republic of north macedonia": "MKD",
    "north korea (democratic people's republic of korea)": "PRK",
    "south korea (republic of korea)": "KOR",
    "republic of korea": "KOR",
    "iran (islamic republic of)": "IRN",
    "kosovo": "XKX",
    "occupied palestinian territories": "PSE",
    "israel and the occupied palestinian territories": "ISR",
    "palestine": "PSE",
    "palestinian territory": "PSE",
    "russian federation": "RUS",
    "st vincent and the grenadines": "VCT",
    "syrian arab republic": "SYR",
    "dr congo": "COD",
    "hong kong": "HKG",
    "kyrgyz republic": "KGZ",
    "macao": "MAC",
    "macau": "MAC",
    "myanmar": "MMR",
    "the gambia": "GMB",
    "the bahamas": "BHS",
    "timor-leste": "TLS",
    "turkey": "TUR",
    "united republic of tanzania": "TZA",
    "united states of america": "USA",
    "usa": "USA",
    "vatican city": "VAT",
    "viet nam": "VNM",
}
"""English names in use that CLDR spells otherwise."""

CHINESE = {
    "阿联酋": "ARE",
    "埃塞": "ETH",
    "巴新": "PNG",
    "波黑": "BIH",
    "刚果金": "COD",
    "刚果民主共和国": "COD",
    "刚果布": "COG",
    "吉尔吉斯": "KGZ",
    "加沙": "PSE",
    "巴勒斯坦": "PSE",
    "缅北": "MMR",
    "南苏丹": "SSD",
    "沙特": "SAU",
    "叙利亚": "SYR",
    "也门": "YEM",
    "印尼": "IDN",
    "中非": "CAF",
    "苏丹": "SDN",
}
"""Chinese names in use that CLDR spells otherwise; the longest name that fits goes first."""

CHINESE_SHORT = {
    "日": "JPN",
    "美": "USA",
    "韩": "KOR",
    "俄": "RUS",
    "英": "GBR",
    "法": "FRA",
    "德": "DEU",
    "泰": "THA",
    "缅": "MMR",
    "菲": "PHL",
    "以": "ISR",
    "黎": "LBN",
    "加": "CAN",
    "澳": "AUS",
}
"""One-character names as in 在日中国公民; ambiguous ones (巴, 印, 伊, 马, 乌) are left out."""

_SHORT = re.compile(
    rf"[在赴驻访旅]([{''.join(CHINESE_SHORT)}])(?=中国|中资|华|留学|旅|游|务工|人员)"
)
_NO_COUNTRY = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ"}


def point(lon: float | None, lat: float | None) -> str:
    """WKT of a point; empty when it is not on the globe. 180-360° east is taken for west."""
    if lon is None or lat is None or not (abs(lat) <= 90 and abs(lon) <= 360):
        return ""
    return f"POINT ({_trim((lon + 180) % 360 - 180 if abs(lon) > 180 else lon)} {_trim(lat)})"


def circle(lon: float, lat: float, radius_km: float) -> str:
    """WKT of the area within a distance, by 64 corners; of the point when it is tiny."""
    if radius_km < SMALL_KM:
        return point(lon, lat)
    if not (abs(lat) <= 90 and abs(lon) <= 360 and radius_km < EARTH_RADIUS_KM * math.pi / 2):
        return ""
    reach, phi = radius_km / EARTH_RADIUS_KM, math.radians(lat)
    course = np.linspace(0, 2 * np.pi, 65)
    north = np.sin(phi) * np.cos(reach) + np.cos(phi) * np.sin(reach) * np.cos(course)
    lats = np.arcsin(np.clip(north, -1, 1))
    east = np.arctan2(
        np.sin(course) * np.sin(reach) * np.cos(phi), np.cos(reach) - np.sin(phi) * north
    )
    lons = lon + np.degrees(east)
    ring = [(float(x), float(y)) for x, y in zip(lons, np.degrees(lats), strict=True)]
    return areas([ring])


def box(west: float, south: float, east: float, north: float) -> str:
    """WKT of a box; one whose west lies east of its east crosses the 180° meridian."""
    east = east + 360 if east < west else east
    return areas([[(west, south), (east, south), (east, north), (west, north)]], crossing=False)


def line(positions: Ring) -> str:
    """WKT of a line, cut where it crosses the 180° meridian."""
    if len(positions) < 2 or not _on_globe(positions):
        return ""
    parts = [part for part in split_antimeridian(positions) if len(part) > 1]
    texts = ["(" + ", ".join(f"{_trim(x)} {_trim(y)}" for x, y in part) + ")" for part in parts]
    if not texts:
        return ""
    return f"LINESTRING {texts[0]}" if len(texts) == 1 else f"MULTILINESTRING ({', '.join(texts)})"


def areas(rings: Iterable[Ring], *, crossing: bool = True) -> str:
    """WKT of the area of some outer rings, given as (lon, lat), cut along the 180° meridian.

    A ring with a step of more than half a turn is taken to cross the meridian, the short way
    round, unless ``crossing`` is off. Rings need not be closed; a ring that crosses itself becomes
    what it encloses; one without an area is left out.
    """
    import shapely

    parts = [part for ring in rings for part in _pieces(ring, crossing=crossing)]
    return _written(shapely.union_all(parts)) if parts else ""


def geojson(shape: object) -> str:
    """WKT of a GeoJSON geometry (RFC 7946, lon lat); empty when it is none or not on the globe."""
    kind, inside = held(shape, "type"), held(shape, "coordinates")
    if kind == "GeometryCollection":
        return _collected([geojson(part) for part in _list(held(shape, "geometries"))])
    readers: Mapping[object, Callable[[], str]] = {
        "Point": lambda: point(*(_position(inside) or (None, None))),
        "MultiPoint": lambda: _collected([point(*place) for place in _positions(inside)]),
        "LineString": lambda: line(_positions(inside)),
        "MultiLineString": lambda: _collected([line(_positions(part)) for part in _list(inside)]),
        "Polygon": lambda: areas([_positions(held(inside, 0))]),
        "MultiPolygon": lambda: areas([_positions(held(part, 0)) for part in _list(inside)]),
    }
    return readers[kind]() if isinstance(kind, str) and kind in readers else ""


def together(shapes: Iterable[str]) -> str:
    """WKT of several shapes as one; of areas only, where there are areas."""
    import shapely

    parts = [shapely.from_wkt(shape) for shape in dict.fromkeys(shapes) if shape]
    flat = [part for part in parts if part.area > 0]
    return _written(shapely.union_all(flat or parts)) if parts else ""


def country(name: object) -> str:
    """ISO 3166 alpha-3 code of a country by its English name; empty when there is none such."""
    key = _key(name) if isinstance(name, str) else ""
    short = key.split(" (")[0]
    found = (table.get(k) for k in (key, short) for table in (ENGLISH, _names("en")))
    return next(filter(None, found), "")


def countries_in(text: str) -> list[str]:
    """ISO 3166 alpha-3 codes of the countries a Chinese text names, in its order, without China."""
    plain = re.sub(r"[（(]([金布])[)）]", r"\1", text)
    table = {**{name.replace("（", "").replace("）", ""): c for name, c in _names("zh").items()}}
    table |= CHINESE
    longest_first = sorted(table, key=len, reverse=True)
    found = [(at.start(), table[at.group()]) for at in _any(tuple(longest_first)).finditer(plain)]
    found += [(at.start(), CHINESE_SHORT[at.group(1)]) for at in _SHORT.finditer(plain)]
    return [code for code in dict.fromkeys(code for _, code in sorted(found)) if code != "CHN"]


@cache
def _any(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, names)))


@cache
def _names(lang: str) -> Mapping[str, str]:
    """Alpha-3 code by the name CLDR has for a country in a language."""
    from babel import Locale
    from babel.core import get_global

    aliases: Mapping[str, Sequence[str]] = get_global("territory_aliases")
    known = Locale(lang).territories
    codes = {two[0]: three for three, two in aliases.items() if len(three) == 3 and three.isalpha()}
    # Aliases also hold former states: the present one is that whose name CLDR still has.
    codes |= {"RU": "RUS", "DE": "DEU", "RS": "SRB", "FI": "FIN", "FR": "FRA", "YE": "YEM"}
    codes |= {"MM": "MMR", "TL": "TLS", "CD": "COD", "BF": "BFA", "BY": "BLR", "XK": "XKX"}
    usable = {two: three for two, three in codes.items() if two in known and two not in _NO_COUNTRY}
    return {_key(known[two]) if lang == "en" else known[two]: c for two, c in usable.items()}


def _key(name: str) -> str:
    """A name without case, accents and the spellings of "and"."""
    plain = unicodedata.normalize("NFKD", name.casefold().replace("&", "and"))
    plain = "".join(c for c in plain if not unicodedata.combining(c)).replace("’", "'")
    return re.sub(r"\bst\.", "st", re.sub(r"\bsaint\b", "st", " ".join(plain.split())))


def _pieces(ring: Ring, *, crossing: bool) -> list[Any]:
    """Polygons within [-180, 180] that a ring encloses."""
    import shapely

    if len(ring) < 3 or not _on_globe(ring):
        return []
    # Rounded to a centimetre: differences far below it are noise that upsets the cutting.
    lons, lats = np.round(np.array(ring, float), 7).T
    straight = unwrap(lons) if crossing else lons
    whole = shapely.make_valid(shapely.Polygon(np.column_stack([straight, lats])))
    if not whole.area > 0:  # a box round the whole globe vanishes when its steps are unwrapped
        whole = shapely.make_valid(shapely.Polygon(np.column_stack([lons, lats])))
    if not whole.area > 0:
        return []
    west, _, east, _ = whole.bounds
    turns = range(math.floor((west + 180) / 360), math.floor((east + 180) / 360) + 1)
    cut = [
        shapely.transform(
            whole.intersection(shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90)),
            lambda xy, turn=turn: xy - np.array([360.0 * turn, 0.0]),
        )
        for turn in turns
    ]
    return [piece for piece in cut if piece.area > 0]


def _written(shape: Any) -> str:
    """WKT of what a shape covers, to 6 decimals (0.1 m); its lines and points only without area."""
    import shapely

    members = list(getattr(shape, "geoms", [shape]))
    flat = [part for part in members if part.area > 0]
    if flat and len(flat) < len(members):
        shape = shapely.union_all(flat)
    text: str = shapely.to_wkt(shape, rounding_precision=6, trim=True)
    return "" if shape.is_empty else text


def _collected(shapes: Sequence[str]) -> str:
    return together(shapes) if all(shapes) else ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _position(value: object) -> tuple[float, float] | None:
    lon, lat = number(held(value, 0)), number(held(value, 1))
    return None if lon is None or lat is None else (lon, lat)


def _positions(value: object) -> list[tuple[float, float]]:
    """The positions of a line or ring; none at all when one of them can't be read."""
    if not isinstance(value, list) or len(value) > MAX_POINTS:
        return []
    places = [_position(place) for place in value]
    good = [place for place in places if place is not None]
    return good if len(good) == len(places) else []


def _on_globe(places: Ring) -> bool:
    return len(places) <= MAX_POINTS and all(abs(x) <= 540 and abs(y) <= 90 for x, y in places)


def _trim(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".") if value else "0"
