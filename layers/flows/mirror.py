"""The two sides of one cargo: what the importer said beside what the exporter said.

They differ for honest reasons (freight and insurance in the importer's value, cargo at sea at the
turn of the year, cargo sold on at sea, goods booked to the country of shipment) and for others. The
rule here: the importer's word counts, who must pay duty on it; the exporter's where the importer
tells nothing of the pair; or the other way round when asked. A figure that a publisher has
reconciled stands by itself. One side's word is taken whole and the two are never averaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import UsageError
from layers.flows.shape import KEY

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["mirror", "taken_side"]

PAIR = [column for column in KEY if column != "side"]
MEASURES = ("tonnes", "usd")


def mirror(flows: pa.Table, *, first: str = "importer") -> pd.DataFrame:
    """Both sides of every pair that either told of, the widest apart in tonnes first.

    Parameters
    ----------
    flows
        Rows in the columns of ``FLOW``.
    first
        Whose word counts: importer or exporter.

    Returns
    -------
    DataFrame
        The pair, ``importer_said_t``, ``exporter_said_t`` (empty: not told), ``ratio`` of importer
        to exporter, ``apart_t`` their difference, both values (``…_usd``), and ``taken``: whose
        word counts.

    Raises
    ------
    UsageError
        When the publisher has reconciled the sides, so that there are none to compare.
    """
    table = flows.select([*KEY, *MEASURES]).to_pandas()
    if (table["side"] == "reconciled").any():
        raise UsageError("these figures are reconciled: there is one for a pair and no mirror")
    wide = table.pivot(index=PAIR, columns="side", values=list(MEASURES))
    said = {
        (measure, side): _column(wide, measure, side)
        for measure in MEASURES
        for side in ("importer", "exporter")
    }
    bought, sold = said["tonnes", "importer"], said["tonnes", "exporter"]
    preferred = said["tonnes", first]
    other = "exporter" if first == "importer" else "importer"
    found = pd.DataFrame(
        {
            "importer_said_t": bought,
            "exporter_said_t": sold,
            "ratio": bought / sold.where(sold > 0),
            "apart_t": (bought - sold).abs(),
            "importer_said_usd": said["usd", "importer"],
            "exporter_said_usd": said["usd", "exporter"],
            "taken": np.where(preferred.notna(), first, other),
        }
    )
    found = found.sort_values("apart_t", ascending=False, kind="stable")
    return found.reset_index()


def _column(wide: pd.DataFrame, measure: str, side: str) -> pd.Series[float]:
    if (measure, side) in wide:
        return wide[measure, side].astype("float64")
    return pd.Series(np.nan, index=wide.index)


def taken_side(flows: pd.DataFrame, *, first: str = "importer") -> pd.DataFrame:
    """One row a pair: a reconciled figure, else the first side's, else the other's.

    Parameters
    ----------
    flows
        Rows in the columns of ``FLOW``; a side that tells no weight gives way to one that does.
    """
    order = {"reconciled": 0, first: 1}
    rank = flows["side"].map(order).fillna(2) + 10 * flows["tonnes"].isna()
    ranked = flows.assign(_rank=rank).sort_values("_rank", kind="stable")
    return ranked.drop_duplicates(PAIR).drop(columns="_rank").sort_index()
