"""CEPII BACI: reconciled trade by six-digit Harmonized System code, one file a year.

``t,i,j,k,v,q``: year, exporter, importer (UN Comtrade's numbers of countries), product, value in
thousand dollars, quantity in metric tons, ``NA`` where none is known. The archive of a revision
holds its ``country_codes_V….csv``; both sides' declarations are already weighed by their
reliability, so there is one figure a pair and no mirror (Gaulier & Zignago 2010, CEPII 2010-23).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from layers.flows import cells
from layers.flows.codes import Codes
from layers.flows.shape import SIDES, Format, Tally, by_heading

NAME = re.compile(r"BACI_HS\d\d_Y(?P<year>\d{4})_V(?P<vintage>\w+)\.csv", re.IGNORECASE)
VINTAGE = re.compile(r"_V(\d{6}[a-z]?)", re.IGNORECASE)
COLUMNS = {c: (c,) for c in "tijkvq"}
ABSENT = ("", "NA")


def columns(heading: Sequence[str], file: str) -> Mapping[str, int]:
    """Place of each column; see `by_heading`."""
    return by_heading(heading, file, COLUMNS)


def entries(
    rows: pa.Table, codes: Codes, tally: Tally, file: str, wanted: frozenset[int], keys: cells.Keys
) -> pa.Table:
    """``ENTRY`` rows: v in thousand USD → USD, q in t."""
    # Some programs read codes as numbers and lose the nought in front.
    whole = pc.utf8_lpad(rows["k"], 6, "0")
    rows = rows.set_column(rows.schema.get_field_index("k"), "k", whole)
    rows = cells.goods(rows, "k", "hs", codes, tally)
    rows = cells.years(rows, "t", file, wanted, tally)
    for column in "ij":
        plain = cells.unpadded(rows[column])
        rows = rows.set_column(rows.schema.get_field_index(column), column, plain)
    rows = cells.placed(rows, "i", "j", "m49", codes, tally, ("i", "j"))
    usd = cells.amount(cells.numbers(rows, "v", file, absent=ABSENT), 1_000.0)
    tonnes = cells.numbers(rows, "q", file, absent=ABSENT, most=cells.MOST_T)
    tally.note("no weight given", tonnes.null_count)
    tonnes = cells.amount(tonnes, rows["_t_per_t"].combine_chunks())
    key = keys.of(rows, ("k", "i", "j"), file)
    return cells.entered(rows, SIDES.index("reconciled"), tonnes, usd, "secondary", key)


def vintage(name: str) -> str:
    """``V202401b`` of ``BACI_HS92_Y2022_V202401b.csv``; empty when the name tells none."""
    found = VINTAGE.search(name)
    return f"V{found[1]}" if found else ""


def member(name: str) -> bool:
    """Whether a file of the archive holds trade, not codes or remarks."""
    return bool(NAME.fullmatch(name))


def year_of(name: str) -> int | None:
    """The year of a file by its name, so that others need not be read."""
    found = NAME.fullmatch(name)
    return int(found["year"]) if found else None


FORMAT = Format(
    name="baci",
    publisher="CEPII BACI",
    licence="Etalab 2.0; cite CEPII",
    url="https://www.cepii.fr/CEPII/en/bdd_modele/bdd_modele_item.asp?id=37",
    units="v: thousand USD × 1000 → USD; q: metric tons → t; rice in the husk and husked → milled",
    member=member,
    columns=columns,
    entries=entries,
    vintage=vintage,
    reconciled=True,
)
