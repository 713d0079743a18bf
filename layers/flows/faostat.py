"""FAOSTAT detailed trade matrix: food trade by reporter, partner, item and element.

Two layouts of the bulk download: *normalized* (one row a year: ``Year``, ``Unit``, ``Value``,
``Flag``) and *wide* (``Y2022``, ``Y2022F`` …). Countries by their M49 number, written with an
apostrophe in front. Weight and value are rows of their own. Item 30, rice in milled equivalent,
goes before the four kinds of rice it is the sum of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from layers.errors import DataError, Fault
from layers.flows import cells
from layers.flows.codes import Codes
from layers.flows.comtrade import BETWEEN, directed
from layers.flows.shape import ENTRY, SIDES, Format, Tally, by_heading
from layers.tables import QUALITIES

COLUMNS = {
    "reporter": ("Reporter Country Code (M49)",),
    "partner": ("Partner Country Code (M49)",),
    "item": ("Item Code",),
    "element": ("Element Code",),
    "unit": ("Unit",),
}
LONG = {"year": ("Year",), "value": ("Value",)}
FLAG = {"flag": ("Flag",)}
YEAR = re.compile(r"Y(?P<year>\d{4})(?P<flag>F?)")
ELEMENTS = {
    "5610": ("importer", "tonnes"),
    "5910": ("exporter", "tonnes"),
    "5622": ("importer", "usd"),
    "5922": ("exporter", "usd"),
}
UNITS = {"t": ("tonnes", 1.0), "tonnes": ("tonnes", 1.0)}
UNITS |= {name: ("usd", 1e3) for name in ("1000 USD", "1000 US$")}
QUALITY = {"": "official", "A": "official", "B": "official", "E": "estimate", "I": "estimate"}
QUALITY |= {"F": "estimate", "R": "estimate", "Im": "estimate"}
"""Flags of origin: official, break in the series, estimated, imputed; others are secondary."""
MISSING = ("M", "O", "L")


def columns(heading: Sequence[str], file: str) -> Mapping[str, int]:
    """Place of each column; of the wide layout also of each year and its flag."""
    wide = {cell.strip(): i for i, cell in enumerate(heading) if YEAR.fullmatch(cell.strip())}
    wanted = COLUMNS if wide else {**COLUMNS, **LONG}
    return {**by_heading(heading, file, wanted, {} if wide else FLAG), **wide}


def entries(
    rows: pa.Table, codes: Codes, tally: Tally, file: str, wanted: frozenset[int], keys: cells.Keys
) -> pa.Table:
    """``ENTRY`` rows: weight in t, value in thousand USD → USD."""
    rows = cells.goods(rows, "item", "fao", codes, tally)
    known = pc.is_in(rows["element"], pa.array(list(ELEMENTS)))
    rows = cells.among(rows, known, "another element", tally)
    for column in BETWEEN:
        plain = pc.ascii_ltrim(rows[column], "'")
        rows = rows.set_column(rows.schema.get_field_index(column), column, plain)
    if "value" in rows.column_names:
        if "flag" not in rows.column_names:
            rows = rows.append_column("flag", pa.array([""] * len(rows), pa.string()))
        return _entered(rows, codes, tally, file, wanted, keys)
    parts = [
        _entered(year, codes, tally, file, wanted, keys) for year in _by_year(rows, tally, wanted)
    ]
    return pa.concat_tables(parts) if parts else ENTRY.empty_table()


def _by_year(rows: pa.Table, tally: Tally, wanted: frozenset[int]) -> list[pa.Table]:
    """Rows of the normalized layout for each year of the wide one; an empty cell is no row."""
    shared = [c for c in rows.column_names if not YEAR.fullmatch(c)]
    found = []
    for column in rows.column_names:
        match = YEAR.fullmatch(column)
        if match is None or match["flag"] or (wanted and int(match["year"]) not in wanted):
            continue
        flag = f"{column}F"
        year = rows.select(shared).append_column("value", rows[column])
        flags = rows[flag] if flag in rows.column_names else pa.array([""] * len(rows))
        year = year.append_column("flag", flags)
        year = year.append_column("year", pa.array([match["year"]] * len(rows), pa.string()))
        year = cells.called(year, "value", column)
        found.append(year.filter(pc.not_equal(year["value"], "")))
    return found


def _entered(
    rows: pa.Table, codes: Codes, tally: Tally, file: str, wanted: frozenset[int], keys: cells.Keys
) -> pa.Table:
    rows = cells.years(rows, "year", file, wanted, tally)
    there = pc.invert(pc.is_in(rows["flag"], pa.array(MISSING)))
    rows = cells.among(rows, there, "missing, says the publisher", tally)
    _check_units(rows, file)
    side = _sides(rows)
    rows = directed(rows, side)
    rows = cells.placed(rows, "_from", "_to", "m49", codes, tally, BETWEEN)
    value = cells.numbers(rows, "value", file)
    rows, value = rows.filter(pc.is_valid(value)), value.drop_null()
    times = cells.labelled(rows["unit"], lambda u: UNITS[u][1], pa.float64())
    value = cells.amount(value, times)
    heavy = cells.labelled(rows["unit"], lambda u: UNITS[u][0] == "tonnes", pa.bool_())
    none = pa.scalar(None, pa.float64())
    tonnes = cells.amount(pc.if_else(heavy, value, none), rows["_t_per_t"].combine_chunks())
    usd = pc.if_else(heavy, none, value)
    quality = cells.labelled(
        rows["flag"], lambda f: QUALITIES.index(QUALITY.get(f, "secondary")), pa.int8()
    )
    key = keys.of(rows, ("item", "reporter", "partner", "element"), file)
    return cells.entered(rows, _sides(rows), tonnes, usd, quality, key)


def _sides(rows: pa.Table) -> pa.Array:
    return cells.labelled(rows["element"], lambda e: SIDES.index(ELEMENTS[e][0]), pa.int8())


def _check_units(rows: pa.Table, file: str) -> None:
    """Raise when a unit is not the element's, rather than guess."""
    pairs = pc.binary_join_element_wise(
        rows["element"].combine_chunks(), rows["unit"].combine_chunks(), "|"
    )

    def fits(pair: str) -> bool:
        element, _, unit = pair.partition("|")
        return UNITS.get(unit, ("", 0))[0] == ELEMENTS[element][1]

    wrong = pc.invert(cells.labelled(pairs, fits, pa.bool_()))
    bad = rows.filter(wrong).slice(0, 20)
    faults = [
        Fault(file, line, "Unit", f"{unit[:50]!r} is no unit of this element")
        for line, unit in zip(bad["line"].to_pylist(), bad["unit"].to_pylist(), strict=True)
    ]
    if faults:
        raise DataError(faults)


FORMAT = Format(
    name="faostat",
    publisher="FAOSTAT detailed trade matrix",
    licence="CC BY 4.0; attribute FAO",
    url="https://www.fao.org/faostat/en/#data/TM",
    units="t; 1000 USD × 1000 → USD; paddy × 0.667, husked rice × 0.875 → milled",
    member=lambda name: (
        name.lower().endswith(".csv")
        and not name.lower().endswith(("codes.csv", "flags.csv", "elements.csv", "symbols.csv"))
    ),
    columns=columns,
    entries=entries,
)
