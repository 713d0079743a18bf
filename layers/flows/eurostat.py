"""Eurostat trade in goods: the bulk files of COMEXT, and DS- tables as SDMX-CSV or TSV.

Bulk (``full_202352.dat``, commas; month 52 is the whole year): ``REPORTER,PARTNER,…,PRODUCT_NC,…,
FLOW,STAT_PROCEDURE,…,PERIOD,VALUE_EUR,…,QUANTITY_KG``, before 2024 ``DECLARANT_ISO``,
``PARTNER_ISO``, ``STAT_REGIME``, ``VALUE_IN_EUROS``, ``QUANTITY_IN_KG``. Tables: one row a figure,
with ``indicators`` ``VALUE_IN_EUROS`` and ``QUANTITY_IN_100KG``; TSV has a column a period and a
flag behind the number. Broader headings go before the eight-digit codes inside them. Euros
become dollars at the mean rate of the year.
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
from layers.flows.shape import ENTRY, MOST_SHOWN, SIDES, Format, Tally, by_heading
from layers.tables import QUALITIES

SHARED = {
    "reporter": ("DECLARANT_ISO", "REPORTER"),
    "partner": ("PARTNER_ISO", "PARTNER"),
    "product": ("PRODUCT_NC", "PRODUCT"),
    "flow": ("FLOW",),
}
BULK = {
    **SHARED,
    "period": ("PERIOD",),
    "value": ("VALUE_EUR", "VALUE_IN_EUROS"),
    "weight": ("QUANTITY_KG", "QUANTITY_IN_KG"),
}
TABLE = {
    **SHARED,
    "indicator": ("INDICATORS",),
    "period": ("TIME_PERIOD",),
    "figure": ("OBS_VALUE",),
}
PROCEDURE = {"procedure": ("STAT_PROCEDURE", "STAT_REGIME")}
FLAG = {"flag": ("OBS_FLAG",)}
DIMENSIONS = ("reporter", "partner", "product", "flow", "indicators")
FLOWS = {"1": "importer", "2": "exporter"}
INDICATORS = {
    "VALUE_IN_EUROS": ("usd", 1.0),
    "VALUE_EUR": ("usd", 1.0),
    "QUANTITY_IN_100KG": ("tonnes", 0.1),
    "QUANTITY_IN_KG": ("tonnes", 1e-3),
    "QUANTITY_KG": ("tonnes", 1e-3),
}
KG_T = 1e-3
ABSENT = ("", ":")
ALL_PROCEDURES = "4"
"""Statistical procedure that is the sum of the others."""
FIGURE = re.compile(r"(?P<number>:|[^\s]*)\s*(?P<flag>[a-z]*)")


def columns(heading: Sequence[str], file: str) -> Mapping[str, int]:
    """Place of each column, whichever the layout; see `by_heading`."""
    first = heading[0].strip() if heading else ""
    if "\\" in first:
        return _wide(heading, file)
    names = {cell.strip().casefold() for cell in heading}
    if "obs_value" in names:
        return by_heading(heading, file, TABLE, FLAG)
    return by_heading(heading, file, BULK, PROCEDURE)


def _wide(heading: Sequence[str], file: str) -> Mapping[str, int]:
    names = heading[0].strip().partition("\\")[0].split(",")
    missing = [name for name in DIMENSIONS if name not in names]
    if missing:
        raise DataError([Fault(file, 1, name, "no such dimension") for name in missing])
    labels = [*names, *(cell.strip() for cell in heading[1:])]
    again = sorted({label for label in labels if labels.count(label) > 1})[:MOST_SHOWN]
    if again:
        raise DataError([Fault(file, 1, label, "is there twice") for label in again])
    # The order of the dimensions travels in the column's own name.
    periods = {f"at {cell.strip()}": i for i, cell in enumerate(heading) if i}
    return {f"of {','.join(names)}": 0, **periods}


def entries(
    rows: pa.Table, codes: Codes, tally: Tally, file: str, wanted: frozenset[int], keys: cells.Keys
) -> pa.Table:
    """``ENTRY`` rows: kg or 100 kg → t, EUR → USD."""
    dimensions = next((c for c in rows.column_names if c.startswith("of ")), "")
    if not dimensions:
        return _entered(rows, codes, tally, file, wanted, keys)
    rows = _parted(rows, dimensions, file)
    rows = _goods(rows, codes, tally)
    rows = rows.drop_columns(["_commodity", "_t_per_t", "_rank"])
    parts = []
    for column in [c for c in rows.column_names if c.startswith("at ")]:
        period = rows.select([*SHARED, "indicator", "line"])
        told = rows[column]
        period = period.append_column("figure", cells.labelled(told, _number, pa.string()))
        period = period.append_column("flag", cells.labelled(told, _flag, pa.string()))
        at = pa.array([column.removeprefix("at ")] * len(rows), pa.string())
        period = period.append_column("period", at)
        period = cells.called(period, "figure", column.removeprefix("at "))
        period = period.filter(pc.invert(pc.is_in(period["figure"], pa.array(ABSENT))))
        if len(period):
            parts.append(_entered(period, codes, tally, file, wanted, keys))
    return pa.concat_tables(parts) if parts else ENTRY.empty_table()


def _number(text: str) -> str:
    found = FIGURE.fullmatch(text)
    return found["number"] if found else text


def _flag(text: str) -> str:
    found = FIGURE.fullmatch(text)
    return found["flag"] if found else ""


def _parted(rows: pa.Table, column: str, file: str) -> pa.Table:
    """The rows with the dimensions of their first column each in one of its own."""
    names = column.removeprefix("of ").split(",")
    parts = pc.split_pattern(rows[column].combine_chunks(), ",")
    wrong = pc.not_equal(pc.list_value_length(parts), len(names))
    cells.refuse(rows, wrong, column, lambda t: f"{t!r} has not {len(names)} dimensions", file)
    for place, name in enumerate(names):
        if name not in DIMENSIONS:
            continue  # whatever a file calls it, it takes no column's place
        label = "indicator" if name == "indicators" else name
        rows = rows.append_column(label, pc.list_element(parts, place))
    return rows


def _goods(rows: pa.Table, codes: Codes, tally: Tally) -> pa.Table:
    return cells.goods(rows, "product", "hs", codes, tally)


def _entered(
    rows: pa.Table, codes: Codes, tally: Tally, file: str, wanted: frozenset[int], keys: cells.Keys
) -> pa.Table:
    for name in ("indicator", "procedure", "flag"):
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.array([""] * len(rows), pa.string()))
    rows = _goods(rows, codes, tally)
    rows = cells.years(rows, "period", file, wanted, tally)
    rows = cells.among(rows, _known(rows["flow"], FLOWS), "another flow", tally)
    measured = _known(rows["indicator"], {"": 0, **INDICATORS})
    rows = cells.among(rows, measured, "another indicator", tally)
    rows = directed(rows, _sides(rows))
    rows = cells.placed(rows, "_from", "_to", "iso2", codes, tally, BETWEEN)
    rows = _ranked(rows)
    tonnes, euros = _measured(rows, file)
    rates = cells.labelled(
        pc.cast(rows["_year"], pa.string()), lambda y: codes.usd("EUR", int(y)), pa.float64()
    )
    lost = pc.and_(pc.is_valid(euros), pc.is_null(rates))
    tally.note("value left out: no exchange rate of its year", pc.sum(lost).as_py() or 0)
    tonnes = cells.amount(tonnes, rows["_t_per_t"].combine_chunks())
    quality = cells.labelled(
        rows["flag"], lambda f: QUALITIES.index("estimate" if "e" in f else "official"), pa.int8()
    )
    told = [rows[c].combine_chunks() for c in ("flow", "indicator", "procedure")]
    rows = rows.append_column("_what", pc.binary_join_element_wise(*told, "|"))
    key = keys.of(rows, ("product", "reporter", "partner", "_what"), file)
    return cells.entered(rows, _sides(rows), tonnes, cells.amount(euros, rates), quality, key)


def _known(found: pa.ChunkedArray, wanted: Mapping[str, object]) -> pa.Array:
    return pc.is_in(found.combine_chunks(), pa.array(list(wanted), pa.string()))


def _sides(rows: pa.Table) -> pa.Array:
    return cells.labelled(rows["flow"], lambda f: SIDES.index(FLOWS[f]), pa.int8())


def _ranked(rows: pa.Table) -> pa.Table:
    """The rows with procedures behind their sum, where a file gives both."""
    part = cells.labelled(
        rows["procedure"], lambda p: 0 if p in ("", ALL_PROCEDURES) else 10_000, pa.int32()
    )
    rank = pc.add(rows["_rank"].combine_chunks(), part)
    return rows.set_column(rows.schema.get_field_index("_rank"), "_rank", rank)


def _measured(rows: pa.Table, file: str) -> tuple[pa.Array, pa.Array]:
    """Tonnes and euros of each row; a weight of nought beside a value was not weighed."""
    none = pa.scalar(None, pa.float64())
    if "figure" in rows.column_names:
        figure = cells.numbers(rows, "figure", file, absent=ABSENT)
        kind = cells.labelled(rows["indicator"], lambda i: INDICATORS[i][0], pa.string())
        times = cells.labelled(rows["indicator"], lambda i: INDICATORS[i][1], pa.float64())
        scaled, heavy = cells.amount(figure, times), pc.equal(kind, "tonnes")
        return pc.if_else(heavy, scaled, none), pc.if_else(heavy, none, scaled)
    euros = cells.numbers(rows, "value", file, absent=ABSENT)
    weight = cells.numbers(rows, "weight", file, absent=ABSENT)
    unweighed = pc.and_(
        pc.fill_null(pc.equal(weight, 0), False), pc.fill_null(pc.greater(euros, 0), False)
    )
    return cells.amount(pc.if_else(unweighed, none, weight), KG_T), euros


FORMAT = Format(
    name="eurostat",
    publisher="Eurostat COMEXT",
    licence="Eurostat: reuse with the source named",
    url="https://ec.europa.eu/eurostat/web/international-trade-in-goods",
    units="kg × 0.001, 100 kg × 0.1 → t; EUR × mean rate of the year → USD; husked rice → milled",
    member=lambda name: name.lower().endswith((".dat", ".csv", ".tsv", ".txt")),
    columns=columns,
    entries=entries,
)
