"""A world with imported trade in the place of ``flows.csv``: every answer then rests on it.

Trade comes in the shape of ``flows.csv``, so nothing after this knows the difference.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from layers.errors import DataError, Fault
from layers.flows.kept import Kept, Ref
from layers.flows.mirror import taken_side
from layers.flows.shape import UNPLACED
from layers.schema import dtypes
from layers.tables import QUALITIES

if TYPE_CHECKING:
    from layers.flows.kept import Part
    from layers.world import World

__all__ = ["Taken", "take"]

WHOLE = 12


@dataclass(frozen=True)
class Taken:
    """A world with imported trade, and what had to be done for it.

    Attributes
    ----------
    world
        As it was but for its flows, all of the base year.
    part
        What was imported.
    left_out_t
        Tonnes to importers that ``countries.csv`` does not have, which are left out.
    importers_left_out
        These importers.
    unplaced_t
        Tonnes from countries it does not have, counted as of origins that are not placed.
    estimated_t
        Tonnes that were told as a value alone, by the median value of a tonne of the commodity.
    months
        Fewest months that any figure covers.
    other_side_t
        Tonnes that only the side whose word does not go first has told.
    """

    world: World
    part: Part
    left_out_t: float
    importers_left_out: tuple[str, ...]
    unplaced_t: float
    estimated_t: float
    months: int
    other_side_t: float

    @property
    def note(self) -> str:
        """What a reader must know of it, in a line."""
        said = [f"flows of {self.part.publisher} {self.part.vintage}, {self.part.year}"]
        if self.months < WHOLE:
            said.append(f"only {self.months} months of some reporters")
        if self.other_side_t:
            said.append(f"{self.other_side_t / 1e6:,.1f} Mt by the other side's word alone")
        if self.estimated_t:
            said.append(f"{self.estimated_t / 1e6:,.1f} Mt estimated from values")
        if self.unplaced_t:
            said.append(f"{self.unplaced_t / 1e6:,.1f} Mt of origins not placed")
        if self.importers_left_out:
            count = len(self.importers_left_out)
            said.append(
                f"{self.left_out_t / 1e6:,.1f} Mt to {count} places without an entry left out"
            )
        return "; ".join(said)


def take(world: World, kept: Kept, ref: Ref) -> Taken:
    """The world with the imported trade a reference names.

    Raises
    ------
    UnknownIdError
        When there is no such import.
    DataError
        When its file is damaged, or nothing of it has a place in this world.
    """
    part = kept.part(ref)
    flows = kept.read(part).to_pandas()
    flows = taken_side(flows, first=ref.side)
    flows = flows[flows["commodity"].isin(set(world.commodities["commodity"]))]
    flows, estimated = _weighed(flows)
    countries = set(world.countries["country"])
    here = flows["importer"].isin(countries)
    outside = flows[~here]
    flows = flows[here]
    strange = ~flows["exporter"].isin(countries)
    if flows.empty:
        raise DataError([Fault(str(ref), 0, "", "holds no trade of a country known here")])
    table = _as_world(flows.assign(exporter=flows["exporter"].where(~strange, UNPLACED)), part)
    # The part's own files and the rule make another world, which nobody may take for the first.
    stamp = f"{world.digest} {[o.sha256 for o in part.origins]} {part.imported_at} {ref}/{ref.side}"
    digest = hashlib.sha256(stamp.encode()).hexdigest()
    other = flows["side"].isin({"importer", "exporter"} - {ref.side})
    return Taken(
        world=replace(world, flows=table, digest=digest),
        part=part,
        left_out_t=float(outside["tonnes"].sum()),
        importers_left_out=tuple(sorted(set(outside["importer"]))),
        unplaced_t=float(flows.loc[strange, "tonnes"].sum()),
        estimated_t=estimated,
        months=int(flows["months"].min()),
        other_side_t=float(flows.loc[other, "tonnes"].sum()),
    )


def _weighed(flows: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """The flows with a weight each, and how many tonnes of them are estimated.

    What has a value alone weighs what the commodity's median tonne costs (of all tonnes, half were
    dearer); where no tonne has a price it stays unknown and is left out.
    """
    priced = flows[(flows["tonnes"] > 0) & (flows["usd"] > 0)]
    priced = priced.assign(price=priced["usd"] / priced["tonnes"]).sort_values("price")
    priced["part"] = priced.groupby("commodity")["tonnes"].cumsum()
    half = priced.groupby("commodity")["tonnes"].transform("sum") / 2
    price = priced[priced["part"] >= half].groupby("commodity")["price"].first()
    guess = flows["usd"] / flows["commodity"].map(price)
    missing = flows["tonnes"].isna()
    filled = flows.assign(
        tonnes=flows["tonnes"].where(~missing, guess),
        quality=flows["quality"].where(~missing, "estimate"),
        estimated=missing,
    )
    filled = filled[filled["tonnes"] > 0]
    return filled, float(filled.loc[filled["estimated"], "tonnes"].sum())


def _as_world(flows: pd.DataFrame, part: Part) -> pd.DataFrame:
    """The flows in the shape of ``flows.csv``; origins without a place are one."""
    worst = {q: i for i, q in enumerate(QUALITIES)}
    ranked = flows.assign(poor=flows["quality"].map(worst))
    keys = ["importer", "commodity", "year", "exporter"]
    sums = ranked.groupby(keys, sort=True).agg(
        quantity_t=("tonnes", "sum"),
        value_usd=("usd", "sum"),
        valued=("usd", "count"),
        poor=("poor", "max"),
        side=("side", "first"),
        source=("source", "first"),
    )
    table = sums.reset_index().rename(columns={"exporter": "origin"})
    said = {"importer": "importer side", "exporter": "exporter side", "reconciled": "reconciled"}
    files = ", ".join(origin.name for origin in part.origins)
    names = np.array(list(worst), dtype=object)
    table = table.assign(
        year=table["year"].astype("int64"),
        value_usd=table["value_usd"].where(table["valued"] > 0),
        base=1,
        basis=table["side"].map(said) + f", imported from {files}",
        quality=names[table["poor"].to_numpy()],
        note="",
    )
    return table[list(dtypes("flows"))].astype(dtypes("flows"))
