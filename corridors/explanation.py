"""What is behind a number: the ways cargo travels, and every flow, share and source row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from corridors.metrics import quality_rank
from layers.errors import UnknownIdError
from layers.tables import QUALITIES
from layers.units import KM_NM
from layers.world import UNPLACED

if TYPE_CHECKING:
    from layers.world import World

TRADED = ["importer", "commodity", "origin"]
ROUTE_COLUMNS = ["outcome", "ship_class", "km", "days", "cost_usd_t", "load", "land"]
WAY_COLUMNS = [
    "outcome",
    "passes",
    "share",
    "quantity_t",
    "nm",
    "km",
    "days",
    "cost_usd_t",
    "ship_class",
    "load",
    "land",
]


def routes(trade: xr.Dataset, *, alternatives: int | None = None) -> pd.DataFrame:
    """Ways the cargo travels, the largest share first: one row a chain of passages and lines.

    Parameters
    ----------
    alternatives
        How many ways to keep for each importer, commodity and origin; all when not given.

    Returns
    -------
    DataFrame
        ``importer, commodity, origin, outcome, passes, share, quantity_t, nm, km, days,
        cost_usd_t, ship_class, load, land``. ``share`` is of the origin's cargo to the importer,
        ``passes`` the chain in order of travel; distance, days and cost are means by tonnage over
        the pairs of ports, ship class and ports those of the largest part. ``infeasible`` (no way
        at any cost) is an outcome, never a zero.
    """
    flow = trade["route_flow"].to_numpy()
    table = pd.DataFrame({c: trade[c].to_numpy()[flow] for c in TRADED})
    table["passes"] = pd.Series(_chains(trade), dtype=object).reindex(table.index, fill_value="")
    for column in ROUTE_COLUMNS:
        table[column] = trade[f"route_{column}"].to_numpy()
    table["quantity_t"] = trade["quantity_t"].to_numpy()
    for column in ("km", "days", "cost_usd_t"):
        table[column] *= table["quantity_t"]
    table = table.sort_values("quantity_t", ascending=False, kind="stable")
    ways = table.groupby([*TRADED, "outcome", "passes"], sort=False).agg(
        quantity_t=("quantity_t", "sum"),
        **{c: (c, _sum_if_known) for c in ("km", "days", "cost_usd_t")},
        **{c: (c, "first") for c in ("ship_class", "load", "land")},
    )
    for column in ("km", "days", "cost_usd_t"):
        ways[column] /= ways["quantity_t"]
    ways["share"] = ways["quantity_t"] / ways.groupby(TRADED)["quantity_t"].transform("sum")
    ways["nm"] = ways["km"] / KM_NM
    ways = ways.reset_index().sort_values("share", ascending=False, kind="stable")
    if alternatives is not None:
        ways = ways.groupby(TRADED, sort=False).head(alternatives)
    return ways[[*TRADED, *WAY_COLUMNS]].reset_index(drop=True)


def _sum_if_known(values: pd.Series) -> float:
    return float(values.sum(skipna=False))


def explain(trade: xr.Dataset, world: World, element: str) -> pd.DataFrame:
    """Every flow behind one number of exposure, with its source row; the parts add up to it.

    Returns
    -------
    DataFrame
        ``importer, commodity, year, data_year, label, origin, flow_t, passing_share,
        quantity_t, gateways, quality, gateway_quality, source, source_row``, largest first.

    Raises
    ------
    UnknownIdError
        For an element that no table has.
    """
    known = element_ids(world)
    if element not in known:
        raise UnknownIdError("element", element, known)
    here = np.flatnonzero(trade["element"].to_numpy() == element)
    passing = np.isin(trade["passing_element"].to_numpy(), here)
    route = trade["passing_route"].to_numpy()[passing]
    flow = trade["route_flow"].to_numpy()[route]
    used = pd.DataFrame(
        {
            "flow": flow,
            "quantity_t": trade["quantity_t"].to_numpy()[route],
            "pair": _gateway_pair(trade)[route],
            "rank": quality_rank(trade["route_leg_quality"].to_numpy())[route],
        }
    )
    table = used.groupby("flow").agg(
        quantity_t=("quantity_t", "sum"), gateways=("pair", _listed), rank=("rank", "max")
    )
    columns = [
        "importer",
        "commodity",
        "year",
        "data_year",
        "label",
        "origin",
        "flow_t",
        "quality",
        "source",
        "row",
    ]
    table = table.join(pd.DataFrame({c: trade[c].to_numpy() for c in columns}))
    table["passing_share"] = table["quantity_t"] / table["flow_t"]
    table["gateway_quality"] = table["rank"].map(dict(enumerate(QUALITIES)))
    table = table.rename(columns={"row": "source_row"}).sort_values("quantity_t", ascending=False)
    names = [
        "importer",
        "commodity",
        "year",
        "data_year",
        "label",
        "origin",
        "flow_t",
        "passing_share",
        "quantity_t",
        "gateways",
        "quality",
        "gateway_quality",
        "source",
        "source_row",
    ]
    return table[names].reset_index(drop=True)


def _chains(trade: xr.Dataset) -> pd.Series:
    """Passages and lines of each route in order of travel, as text."""
    table = pd.DataFrame(
        {
            "route": trade["passing_route"].to_numpy(),
            "step": trade["passing_step"].to_numpy(),
            "element": trade["element"].to_numpy()[trade["passing_element"].to_numpy()],
        }
    )
    on_way = (table["step"] >= 0) & ~table["element"].str.startswith("port:")
    ordered = table[on_way].sort_values(["route", "step"], kind="stable")
    return ordered.groupby("route")["element"].agg(" > ".join)


def _gateway_pair(trade: xr.Dataset) -> np.ndarray:
    """(routes,) port of loading and of landing, as text; empty for what does not sail."""
    load, land = trade["route_load"].to_numpy(), trade["route_land"].to_numpy()
    return np.array(
        [f"{a}→{b}" if a else "" for a, b in zip(load, land, strict=True)], dtype=object
    )


def _listed(names: pd.Series, *, most: int = 12) -> str:
    found = sorted(set(names) - {""})
    more = f" and {len(found) - most} more" if len(found) > most else ""
    return " ".join(found[:most]) + more


def element_ids(world: World) -> list[str]:
    """Every id an exposure table may hold: elements, corridors and origins."""
    corridors = [f"corridor:{c}" for c in world.corridors["corridor"]]
    origins = [f"origin:{c}" for c in [*world.countries["country"], *UNPLACED]]
    return [*world.elements(), *corridors, *origins]
