"""UN Comtrade: what a country's customs say, by partner, product and flow.

Three layouts with the same content: the answer of the API (JSON, ``{"data": [...]}``), the CSV of
today's site (the API's names as headings, and rows that end in a comma) and the classic CSV
(``Trade Flow Code``, ``Netweight (kg)``). Only totals over second partners, customs procedures and
modes of transport are taken: the rows beside them are parts of the same cargo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from layers.flows import cells
from layers.flows.codes import Codes
from layers.flows.shape import SIDES, Format, Tally, by_heading
from layers.tables import QUALITIES

COLUMNS = {
    "period": ("period",),
    "reporter": ("reporterCode", "Reporter Code"),
    "partner": ("partnerCode", "Partner Code"),
    "flow": ("flowCode", "Trade Flow Code", "TradeFlow Code"),
    "product": ("cmdCode", "Commodity Code"),
    "weight": ("netWgt", "Netweight (kg)", "Netweightkg"),
    "value": ("primaryValue", "Trade Value (US$)", "TradeValueUS"),
}
OPTIONAL = {
    "scheme": ("classificationCode", "Classification"),
    "partner2": ("partner2Code", "2nd Partner Code"),
    "customs": ("customsCode", "Customs Proc. Code"),
    "mode": ("motCode", "Mode of Transport Code"),
    "supply": ("mosCode",),
    "unit": ("qtyUnitCode", "Qty Unit Code"),
    "quantity": ("qty", "Qty"),
    "guessed": ("isNetWgtEstimated",),
    "flag": ("Flag",),
}
TOTAL = {"partner2": ("", "0"), "customs": ("", "C00"), "mode": ("", "0"), "supply": ("", "0")}
BETWEEN = ("reporter", "partner")
FLOWS = {"M": "importer", "1": "importer", "X": "exporter", "2": "exporter"}
ABSENT = ("", "NULL", "N/A", "None", "null")
KILOGRAMS = "8"
"""Unit of quantity (WCO) that is a weight; litres, pieces and cubic metres are not converted."""
KG_T = 1e-3
GUESSED = ("True", "true", "1")
GUESSED_FLAGS = ("4", "6")


def columns(heading: Sequence[str], file: str) -> Mapping[str, int]:
    """Place of each column; see `by_heading`."""
    return by_heading(heading, file, COLUMNS, OPTIONAL)


def entries(
    rows: pa.Table, codes: Codes, tally: Tally, file: str, wanted: frozenset[int], keys: cells.Keys
) -> pa.Table:
    """``ENTRY`` rows: kg → t, value in USD; importers CIF and exporters FOB, as they say it."""
    rows = _full(rows)
    rows = cells.goods(rows, "product", "hs", codes, tally)
    harmonized = cells.labelled(rows["scheme"], lambda c: not c or c[0] == "H", pa.bool_())
    rows = cells.among(rows, harmonized, "not in the Harmonized System", tally)
    rows = cells.years(rows, "period", file, wanted, tally)
    rows = cells.among(rows, _one_of(rows["flow"], FLOWS), "re-export or another flow", tally)
    for column, totals in TOTAL.items():
        whole = _one_of(rows[column], totals)
        rows = cells.among(rows, whole, "a part: by mode, procedure or second partner", tally)
    side = cells.labelled(rows["flow"], lambda c: SIDES.index(FLOWS[c]), pa.int8())
    rows = directed(rows, side)
    rows = cells.placed(rows, "_from", "_to", "m49", codes, tally, BETWEEN)
    side = cells.labelled(rows["flow"], lambda c: SIDES.index(FLOWS[c]), pa.int8())
    usd = cells.numbers(rows, "value", file, absent=ABSENT)
    tonnes, guessed = _weighed(rows, usd, file)
    tally.note("no weight given", tonnes.null_count)
    tally.note("weight estimated by the publisher", pc.sum(guessed).as_py() or 0)
    tonnes = cells.amount(tonnes, rows["_t_per_t"].combine_chunks())
    good, poor = (pa.scalar(QUALITIES.index(q), pa.int8()) for q in ("official", "estimate"))
    quality = pc.if_else(guessed, poor, good)
    key = keys.of(rows, ("product", "reporter", "partner", "flow"), file)
    return cells.entered(rows, side, tonnes, usd, quality, key)


def directed(rows: pa.Table, side: pa.Array) -> pa.Table:
    """The rows with ``_from`` and ``_to``, the codes of exporter and importer without noughts."""
    bought = pc.equal(side, SIDES.index("importer"))
    reporter, partner = (cells.unpadded(rows[c]) for c in BETWEEN)
    for name, plain in zip(BETWEEN, (reporter, partner), strict=True):
        rows = rows.set_column(rows.schema.get_field_index(name), name, plain)
    rows = rows.append_column("_from", pc.if_else(bought, partner, reporter))
    return rows.append_column("_to", pc.if_else(bought, reporter, partner))


def _full(rows: pa.Table) -> pa.Table:
    """The rows with an empty cell in each optional column that the file lacks."""
    for name in OPTIONAL:
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.array([""] * len(rows), pa.string()))
    return rows


def _one_of(found: pa.ChunkedArray, wanted: Sequence[str] | Mapping[str, str]) -> pa.Array:
    return pc.is_in(found.combine_chunks(), pa.array(list(wanted), pa.string()))


def _weighed(rows: pa.Table, usd: pa.Array, file: str) -> tuple[pa.Array, pa.Array]:
    """Tonnes and whether the publisher estimated them.

    The net weight, else a quantity in kilograms; nought beside a value means not weighed.
    """
    worth = pc.fill_null(pc.greater(usd, 0), False)
    net = _positive(cells.numbers(rows, "weight", file, absent=ABSENT), worth)
    counted = _positive(cells.numbers(rows, "quantity", file, absent=ABSENT), worth)
    in_kg = pc.equal(rows["unit"].combine_chunks(), KILOGRAMS)
    counted = pc.if_else(in_kg, counted, pa.scalar(None, pa.float64()))
    flagged = pc.or_(_one_of(rows["guessed"], GUESSED), _one_of(rows["flag"], GUESSED_FLAGS))
    tonnes = cells.amount(pc.coalesce(net, counted), KG_T)
    return tonnes, pc.and_(flagged, pc.is_valid(net))


def _positive(values: pa.Array, worth: pa.Array) -> pa.Array:
    nothing = pc.and_(pc.fill_null(pc.equal(values, 0), False), worth)
    return pc.if_else(nothing, pa.scalar(None, pa.float64()), values)


FORMAT = Format(
    name="comtrade",
    publisher="UN Comtrade",
    licence="UN Comtrade terms: own use; passing on large parts needs the UN's leave",
    url="https://comtradeplus.un.org",
    units="net weight, else quantity in kg: kg × 0.001 → t; value in USD; husked rice → milled",
    member=lambda name: name.lower().endswith((".csv", ".json", ".txt")),
    columns=columns,
    entries=entries,
)
