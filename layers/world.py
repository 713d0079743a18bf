"""The world as the data has it: one frozen bundle of checked tables.

`load_world` reads the folder once, checks each table and then the references between tables, and
raises a single `DataError` with every fault. Nothing changes a `World` afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from layers import schema
from layers.errors import DataError, Fault, UnknownIdError
from layers.static import (
    data_dir,
    examine,
    file_hash,
    read_known,
    recorded_hashes,
    shown,
)
from layers.tables import TABLES

if TYPE_CHECKING:
    import geopandas as gpd

    from layers.sea import SeaGraph

__all__ = ["ELEMENT_TABLES", "World", "frames", "load_world", "records"]

ELEMENT_TABLES = {
    "chokepoint": "chokepoints",
    "port": "ports",
    "railway": "railways",
    "pipeline": "pipelines",
}
"""Table of each kind of element; its first column is the id after the colon."""

UNPLACED = {
    "R_OTH": ("Other origins, not placed", "其他来源(未定位)"),
    "R_ROW": ("Rest of the world, not placed", "世界其他地区(未定位)"),
}
"""Origins that stand for the rest of the world, with their names: no place can be given to them."""

SEABORNE = "R_SEA"
"""Counterpart of a gateway set that holds for all trade by sea."""

SHARE_TOLERANCE = 0.02

DATA_SUFFIXES = (".csv", ".geojson", ".parquet")
"""Files of data/ that need a row in ``sources.csv``; others, such as a README, need none."""


@dataclass(frozen=True, eq=False)
class World:
    """Checked tables, one attribute a table of data/ (see `layers.tables.TABLES`).

    Attributes
    ----------
    digest
        SHA-256 over the hashes of all input files: two worlds with the same digest are the same.
    folder
        Folder the tables were read from.
    """

    countries: pd.DataFrame
    chokepoints: pd.DataFrame
    passage_limits: pd.DataFrame
    passage_costs: pd.DataFrame
    sea_links: pd.DataFrame
    ports: pd.DataFrame
    railways: pd.DataFrame
    pipelines: pd.DataFrame
    gateways: pd.DataFrame
    regions: pd.DataFrame
    corridors: pd.DataFrame
    commodities: pd.DataFrame
    ship_classes: pd.DataFrame
    flows: pd.DataFrame
    relabels: pd.DataFrame
    national: pd.DataFrame
    assumptions: pd.DataFrame
    hazards: pd.DataFrame
    chokepoint_trade: pd.DataFrame
    disruptions: pd.DataFrame
    transits: pd.DataFrame
    capacities: pd.DataFrame
    stocks: pd.DataFrame
    spare_supply: pd.DataFrame
    warning_model: pd.DataFrame
    warning_results: pd.DataFrame
    declarations: pd.DataFrame
    actions: pd.DataFrame
    whatif_results: pd.DataFrame
    sources: pd.DataFrame
    digest: str
    folder: Path = field(repr=False)

    @cached_property
    def content(self) -> str:
        """Hash of all tables as they are, also when changed in memory."""
        found = hashlib.blake2b(self.digest.encode(), digest_size=16)
        for name in TABLES:
            table: pd.DataFrame | None = getattr(self, name, None)
            if table is not None:
                rows = pd.util.hash_pandas_object(table, index=False)
                found.update(name.encode() + rows.to_numpy().tobytes())
        return found.hexdigest()

    @cached_property
    def names(self) -> dict[str, tuple[str, str]]:
        """English and Chinese name of everything that has an id, by id."""
        found: dict[str, tuple[str, str]] = dict(UNPLACED)
        for kind, table in ELEMENT_TABLES.items():
            for id, en, zh in _rows(getattr(self, table), kind, "name_en", "name_zh"):
                found[f"{kind}:{id}"] = (en, zh)
        for table, key in _NAMED.items():
            for id, en, zh in _rows(getattr(self, table), key, "name_en", "name_zh"):
                found.setdefault(id, (en, zh))
                found[f"{key}:{id}"] = (en, zh)
        return found

    @cached_property
    def groups(self) -> dict[str, frozenset[str]]:
        """Countries of each group, by the group's name."""
        found: dict[str, set[str]] = {}
        for country, groups in _rows(self.countries, "country", "groups"):
            for group in filter(None, groups.split(";")):
                found.setdefault(group, set()).add(country)
        return {group: frozenset(members) for group, members in found.items()}

    @cached_property
    def importers(self) -> frozenset[str]:
        """Every country, and every importer of the flows that is none (``EU27``)."""
        return frozenset(self.countries["country"]) | frozenset(self.flows["importer"])

    @cached_property
    def _assumed(self) -> dict[str, float]:
        table = self.assumptions
        return dict(zip(table["assumption"], table["central"].astype(float), strict=True))

    @cached_property
    def sea(self) -> SeaGraph:
        """The sea network with the extra links of this world; read when first asked for."""
        from layers.sea import load_sea_graph

        return load_sea_graph(self.sea_links)

    def name(self, id: str, lang: str = "en") -> str:
        """Name of an element, country, commodity, corridor, ship class or assumption.

        Parameters
        ----------
        id
            Element id such as ``chokepoint:hormuz``, or the bare id of another kind (``CHN``).
        lang
            ``en`` or ``zh``.

        Raises
        ------
        UnknownIdError
            When nothing has that id, or there are no names in that language.
        """
        if lang not in ("en", "zh"):
            raise UnknownIdError("language", lang, ["en", "zh"])
        try:
            return self.names[id][0 if lang == "en" else 1]
        except KeyError:
            raise UnknownIdError("id", id, list(self.names)) from None

    def assumption(self, name: str) -> float:
        """Central value of an assumption, in the unit its row states.

        Raises
        ------
        UnknownIdError
            When there is no such assumption.
        """
        try:
            return self._assumed[name]
        except KeyError:
            raise UnknownIdError("assumption", name, list(self._assumed)) from None

    def assumption_range(self, name: str) -> tuple[float, float]:
        """Low and high value of an assumption.

        Raises
        ------
        UnknownIdError
            When there is no such assumption.
        """
        self.assumption(name)
        row = self.assumptions[(self.assumptions["assumption"] == name).to_numpy()].iloc[0]
        return float(row["low"]), float(row["high"])

    def members(self, group: str) -> frozenset[str]:
        """Countries of a group, or the country itself when `group` is one.

        Raises
        ------
        UnknownIdError
            When there is neither a group nor a country of that name.
        """
        if group in self.groups:
            return self.groups[group]
        countries = set(self.countries["country"])
        if group in countries:
            return frozenset({group})
        raise UnknownIdError("country or group", group, [*self.groups, *countries])

    def elements(self) -> list[str]:
        """Every element id, kind by kind in the order of the tables."""
        return list(self._elements)

    @cached_property
    def _elements(self) -> tuple[str, ...]:
        return tuple(
            f"{kind}:{id}"
            for kind, table in ELEMENT_TABLES.items()
            for id in getattr(self, table)[kind]
        )


_NAMED = {
    "countries": "country",
    "commodities": "commodity",
    "corridors": "corridor",
    "ship_classes": "ship_class",
    "assumptions": "assumption",
}


def load_world(folder: Path | str | None = None, *, force: bool = False) -> World:
    """The world of a folder of tables, checked.

    Parameters
    ----------
    folder
        Folder of tables; the project's own by default.
    force
        Check every row even of files that are as recorded in ``sources.csv``.

    Raises
    ------
    DataError
        With every fault of every table and of the references between them.
    """
    place = Path(folder) if folder is not None else data_dir()
    recorded = recorded_hashes(place)
    hashes = _hashes(place)
    as_recorded = {file for file, digest in hashes.items() if recorded.get(file) == digest}
    # sources.csv cannot hold its own hash: it counts as checked when all it vouches for is.
    same = not force and len(as_recorded) == len(hashes)
    tables: dict[str, pd.DataFrame] = {}
    found: list[Fault] = []
    for name in TABLES:
        path = place / f"{name}.csv"
        if path.is_file() and (same or (not force and path.name in as_recorded)):
            tables[name] = read_known(name, path)
            continue
        frame, wrong = examine(name, path)
        found.extend(wrong)
        if frame is not None:
            tables[name] = frame
    known = [attribute.name for attribute in fields(World) if attribute.name in TABLES]
    world = World(
        **{name: tables[name] if name in tables else schema.empty(name) for name in known},
        digest=hashlib.sha256(repr(sorted(hashes.items())).encode()).hexdigest(),
        folder=place,
    )
    if not same or found:
        found.extend(_reference_faults(world, set(tables), sorted(hashes)))
    if found:
        raise DataError(found)
    return world


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of a table as dictionaries, in order."""
    return cast("list[dict[str, Any]]", frame.to_dict("records"))


def _hashes(folder: Path) -> dict[str, str]:
    """Hash of every data file of a folder but ``sources.csv``, by file name."""
    return {
        path.name: file_hash(path)
        for path in sorted(folder.glob("*.*"))
        if path.suffix in DATA_SUFFIXES and path.name != "sources.csv"
    }


def _rows(frame: pd.DataFrame, *columns: str) -> Iterator[tuple[str, ...]]:
    return zip(*(frame[column] for column in columns), strict=True)


def _reference_faults(world: World, read: set[str], files: list[str]) -> list[Fault]:
    """Faults between tables; a table that could not be read is left out."""
    found: list[Fault] = []
    for check in (
        _unlisted_files,
        _unknown_countries,
        _unknown_commodities,
        _unknown_ship_classes,
        _unknown_elements,
        _unknown_chokepoints,
        _unknown_line_ports,
        _unhandled_cargo,
        _unplaced_regions,
        _share_sets,
        _one_limit,
        _parts_of_stock,
        _ended_declarations,
    ):
        found.extend(check(world, read, files))
    return found


def _unlisted_files(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    if "sources" not in read:
        return
    listed = set(world.sources["file"])
    for file in files:
        if file not in listed:
            path = f"{world.folder.name}/{file}"
            yield Fault(path, 0, "", "the file has no row in sources.csv: its source is unknown")


def _references(
    world: World,
    read: set[str],
    places: Iterable[tuple[str, str]],
    good: Callable[[str], bool],
    message: str,
) -> Iterator[Fault]:
    """A fault for each part of each cell of `places` (table, column) that is not good."""
    for table, column in places:
        if table not in read:
            continue
        path = shown(world.folder / f"{table}.csv")
        cells = getattr(world, table)[column]
        bad = {cell for cell in cells.unique() if not all(map(good, _parts(cell)))}
        for row, cell in enumerate(cells):
            if cell in bad:
                for part in _parts(cell):
                    if not good(part):
                        yield Fault(path, row + 2, column, f"{part} {message}")


def _parts(cell: str) -> list[str]:
    return [part for piece in cell.split(";") for part in piece.split("|") if part]


def _unknown_countries(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    if "countries" not in read:
        return
    countries = set(world.countries["country"])
    groups = set(world.groups)
    regions = set(world.regions["region"]) | {*UNPLACED}
    plain = [
        ("countries", "neighbours"),
        ("ports", "country"),
        ("pipelines", "from_country"),
        ("pipelines", "to_country"),
        ("pipelines", "countries"),
        ("railways", "countries"),
        ("gateways", "country"),
        ("regions", "country"),
        ("flows", "importer"),
        ("relabels", "importer"),
        ("national", "country"),
        ("capacities", "owner"),
        ("stocks", "country"),
        ("spare_supply", "country"),
    ]
    yield from _references(world, read, plain, countries.__contains__, "is not in countries.csv")
    grouped = [("corridors", "origins"), ("corridors", "destinations")]
    known = countries | groups
    yield from _references(
        world, read, grouped, known.__contains__, "is neither a country nor a group"
    )
    partners = known | {SEABORNE}
    yield from _references(
        world,
        read,
        [("gateways", "counterpart")],
        partners.__contains__,
        "is neither a country nor a group",
    )
    if "regions" in read:
        origins = countries | regions
        yield from _references(
            world,
            read,
            [("flows", "origin"), ("relabels", "origin"), ("relabels", "new_origin")],
            origins.__contains__,
            "is neither a country nor a region",
        )


def _unknown_commodities(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    if "commodities" not in read:
        return
    commodities = set(world.commodities["commodity"])
    places = [
        ("flows", "commodity"),
        ("gateways", "commodity"),
        ("regions", "commodity"),
        ("relabels", "commodity"),
        ("pipelines", "commodity"),
        ("corridors", "commodities"),
        ("capacities", "commodity"),
        ("stocks", "commodity"),
        ("spare_supply", "commodity"),
    ]
    yield from _references(
        world, read, places, commodities.__contains__, "is not in commodities.csv"
    )


def _unknown_ship_classes(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    if "ship_classes" not in read:
        return
    classes = set(world.ship_classes["ship_class"])
    places = [("commodities", "ship_classes"), ("passage_costs", "ship_class")]
    yield from _references(world, read, places, classes.__contains__, "is not in ship_classes.csv")


def _unknown_elements(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    if not set(ELEMENT_TABLES.values()) <= read:
        return
    elements = set(world.elements())
    places = [
        ("gateways", "gateway"),
        ("gateways", "via"),
        ("corridors", "via"),
        ("passage_limits", "passage"),
        ("passage_costs", "passage"),
        ("sea_links", "passage"),
        ("disruptions", "elements"),
        ("capacities", "element"),
        ("declarations", "element"),
    ]
    yield from _references(world, read, places, elements.__contains__, "names no element")


def _unknown_chokepoints(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    if "chokepoints" not in read:
        return
    known = set(world.chokepoints["chokepoint"])
    places = [(table, "chokepoint") for table in ("hazards", "chokepoint_trade", "transits")]
    yield from _references(world, read, places, known.__contains__, "is not in chokepoints.csv")


def _unknown_line_ports(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    if "ports" not in read:
        return
    ports = set(world.ports["port"])
    places = [(t, c) for t in ("pipelines", "railways") for c in ("from_port", "to_port")]
    yield from _references(world, read, places, ports.__contains__, "is not in ports.csv")


def _unhandled_cargo(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    """A commodity that ships carry and no port is said to handle."""
    if not {"commodities", "ports"} <= read:
        return
    roles = {role for cell in world.ports["roles"] for role in _parts(cell)}
    path = shown(world.folder / "commodities.csv")
    rows = _rows(world.commodities, "ship_classes", "port_role")
    for row, (ships, role) in enumerate(rows):
        if ships and f"{role}_import" not in roles:
            why = f"{role or 'empty'}: no port of ports.csv has {role}_import among its roles"
            yield Fault(path, row + 2, "port_role", why)


def _unplaced_regions(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    """An origin region that no row of regions.csv places for that commodity."""
    if not {"flows", "regions"} <= read:
        return
    placed = set(_rows(world.regions, "region", "commodity"))
    path = shown(world.folder / "flows.csv")
    for row, pair in enumerate(_rows(world.flows, "origin", "commodity")):
        if pair[0].startswith("R_") and pair[0] not in UNPLACED and pair not in placed:
            yield Fault(path, row + 2, "origin", f"{pair[0]} has no country for {pair[1]}")


def _share_sets(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    sets = {
        "gateways": ["country", "commodity", "direction", "counterpart"],
        "regions": ["region", "commodity"],
    }
    for table, keys in sets.items():
        frame: pd.DataFrame = getattr(world, table)
        if table not in read or frame.empty:
            continue
        groups = frame.reset_index().groupby(keys, sort=False)
        sums = groups.agg(row=("index", "first"), total=("share", "sum"))
        wrong = sums[(sums["total"] - 1).abs() > SHARE_TOLERANCE]
        path = shown(world.folder / f"{table}.csv")
        for key, row, total in zip(wrong.index, wrong["row"], wrong["total"], strict=True):
            what = ", ".join(str(part) for part in key if part)
            yield Fault(path, int(row) + 2, "share", f"{total:.4g} is the sum for {what}, not 1")


def _one_limit(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    """A capacity in tonnes and in ships, or in neither: the two would contradict each other."""
    if "capacities" not in read:
        return
    table = world.capacities
    both = table["capacity_t_y"].notna() == table["capacity_transits_d"].notna()
    path = shown(world.folder / "capacities.csv")
    for row in table.index[both]:
        yield Fault(path, int(row) + 2, "capacity_t_y", "one of tonnes and ships must be given")


def _parts_of_stock(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    """A part of a stock greater than the whole, or a harvest with half its months."""
    if "stocks" not in read:
        return
    table = world.stocks
    path = shown(world.folder / "stocks.csv")
    for part in ("strategic_t", "working_t"):
        for row in table.index[table[part] > table["stock_t"]]:
            yield Fault(path, int(row) + 2, part, "is more than the whole stock")
    dated = table[["harvest_from", "harvest_to"]].notna()
    grown = table["harvest_t_y"].notna()
    for row in table.index[(dated["harvest_from"] != grown) | (dated["harvest_to"] != grown)]:
        yield Fault(path, int(row) + 2, "harvest_t_y", "a harvest needs both its months")


def _ended_declarations(world: World, read: set[str], files: list[str]) -> Iterator[Fault]:
    """A declaration that ended before it was made."""
    if "declarations" not in read:
        return
    table = world.declarations
    path = shown(world.folder / "declarations.csv")
    for row in table.index[(table["until"] != "") & (table["until"] < table["at"])]:
        yield Fault(path, int(row) + 2, "until", "is before the day it was declared")


def frames(world: World) -> dict[str, gpd.GeoDataFrame]:
    """Spatial layers as GeoPandas frames in EPSG:4326.

    Returns
    -------
    dict
        ``chokepoints`` (gate lines), ``ports`` (points), ``railways`` and ``pipelines`` (lines),
        ``countries`` (points), ``sea_links`` (lines); columns of the table plus ``element``
        where the rows are elements, and ``geometry``.
    """
    import geopandas as gpd
    import shapely

    def across(frame: pd.DataFrame) -> gpd.GeoSeries:
        ends = frame[["lon1", "lat1", "lon2", "lat2"]].to_numpy().reshape(-1, 2, 2)
        return gpd.GeoSeries(shapely.linestrings(ends), index=frame.index)

    def points(frame: pd.DataFrame) -> gpd.GeoSeries:
        return gpd.GeoSeries(gpd.points_from_xy(frame["lon"], frame["lat"]), index=frame.index)

    def lines(frame: pd.DataFrame) -> gpd.GeoSeries:
        return gpd.GeoSeries(shapely.from_wkt(frame["wkt"]), index=frame.index)

    shapes = {
        "chokepoints": across(world.chokepoints),
        "ports": points(world.ports),
        "railways": lines(world.railways),
        "pipelines": lines(world.pipelines),
        "countries": points(world.countries),
        "sea_links": across(world.sea_links),
    }
    kinds = {table: kind for kind, table in ELEMENT_TABLES.items()}
    found: dict[str, gpd.GeoDataFrame] = {}
    for table, geometry in shapes.items():
        frame = getattr(world, table).drop(columns="wkt", errors="ignore")
        if table in kinds:
            frame = frame.assign(element=kinds[table] + ":" + frame[kinds[table]])
        found[table] = gpd.GeoDataFrame(frame, geometry=geometry, crs="EPSG:4326")
    return found
