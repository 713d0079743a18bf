"""The user's own table: one row a year, exporter, importer and commodity.

``year,exporter,importer,commodity,tonnes`` and, where known, ``usd``, ``side`` (importer, exporter
or reconciled; importer when not said) and ``quality`` (secondary when not said). Countries by ISO
3166-1 alpha-3, commodities by the ids of ``commodities.csv``. The headings of ``flows.csv``
(``origin``, ``quantity_t``, ``value_usd``) are understood too.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from layers.flows import cells
from layers.flows.codes import Codes
from layers.flows.shape import SIDES, Format, Tally, by_heading
from layers.tables import QUALITIES

COLUMNS = {
    "year": ("year",),
    "exporter": ("exporter", "origin"),
    "importer": ("importer",),
    "commodity": ("commodity",),
    "tonnes": ("tonnes", "quantity_t"),
}
BETWEEN = ("exporter", "importer")
OPTIONAL = {"usd": ("usd", "value_usd"), "side": ("side",), "quality": ("quality",)}


def columns(heading: Sequence[str], file: str) -> Mapping[str, int]:
    """Place of each column; see `by_heading`."""
    return by_heading(heading, file, COLUMNS, OPTIONAL)


def entries(
    rows: pa.Table, codes: Codes, tally: Tally, file: str, wanted: frozenset[int], keys: cells.Keys
) -> pa.Table:
    """``ENTRY`` rows: nothing is converted."""
    for name in OPTIONAL:
        if name not in rows.column_names:
            rows = rows.append_column(name, pa.array([""] * len(rows), pa.string()))
    _check(rows, "commodity", codes.commodities, file)
    _check(rows, "side", ("", *SIDES), file)
    _check(rows, "quality", ("", *QUALITIES), file)
    rows = cells.years(rows, "year", file, wanted, tally)
    rows = cells.placed(rows, "exporter", "importer", "iso3", codes, tally, BETWEEN)
    place = cells.labelled(rows["commodity"], codes.commodities.index, pa.int8())
    rows = rows.append_column("_commodity", place)
    rows = rows.append_column("_rank", pa.array([0] * len(rows), pa.int32()))
    tonnes = cells.numbers(rows, "tonnes", file, most=cells.MOST_T)
    tally.note("no weight given", tonnes.null_count)
    usd = cells.numbers(rows, "usd", file)
    side = cells.labelled(rows["side"], lambda s: SIDES.index(s or "importer"), pa.int8())
    quality = cells.labelled(
        rows["quality"], lambda q: QUALITIES.index(q or "secondary"), pa.int8()
    )
    key = keys.of(rows, ("commodity", "exporter", "importer", "side"), file)
    return cells.entered(rows, side, tonnes, usd, quality, key)


def _check(rows: pa.Table, column: str, allowed: Sequence[str], file: str) -> None:
    def words(text: str) -> str:
        near = difflib.get_close_matches(text, allowed, n=1)
        hint = (
            f"did you mean {near[0]}?" if near else f"known are {', '.join(filter(None, allowed))}"
        )
        return f"{text!r} is not known; {hint}"

    wrong = pc.invert(pc.is_in(rows[column], pa.array(list(allowed), pa.string())))
    cells.refuse(rows, wrong, column, words, file)


FORMAT = Format(
    name="own",
    publisher="own table",
    licence="as its owner says",
    url="",
    units="t and USD as given",
    member=lambda name: name.lower().endswith(".csv"),
    columns=columns,
    entries=entries,
)
