"""Trade dataset → tables of exposure. Each function is one number of the field.

    share        S_e  = Σ_{r∋e} f_r / Σ f                     of imports
    any of       S_N  = Σ_{r∩N≠∅} f_r / Σ f                   never the sum of the S_e
    no way else  A_e  = Σ_{r∋e, no route without e} f_r / Σ_{r∋e} f_r
    added        weighted mean over the rest of max(0, next best − now)
    HHI          H    = Σ s²                                   1/n … 1

The band of a share joins two doubts. Route choice: the least and greatest share over the range
of θ. Data: standard errors by quality of each flow and gateway share, through the share to first
order (delta method; flows and legs independent),

    var S = [Σ_f (Q_f σ_f)² (R_f − S)² + Σ_l (q_l σ_l)² (r_l − R_f)²] / F²

with R_f and r_l the parts of flow f and leg l that pass e; the band adds 1.645 standard errors to
either side (nine in ten, were the errors normal).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from layers.errors import UnknownIdError
from layers.tables import QUALITIES

if TYPE_CHECKING:
    from corridors.network import Floats, Ints
    from layers.world import World

KINDS = ("chokepoint", "port", "railway", "pipeline", "origin", "corridor")
NINE_IN_TEN = 1.645


def exposure(
    trade: xr.Dataset, world: World, *, by: str = "chokepoint", importer: str | None = None
) -> pd.DataFrame:
    """What rides on each element: one row an importer, commodity and element.

    Parameters
    ----------
    trade
        From ``corridors.assess``.
    by
        One of ``KINDS``.
    importer
        Count everything under this one name: a group of countries, or ``WLD``. Each importer by
        itself when not given.

    Returns
    -------
    DataFrame
        Largest first. Shares are 0–1 of the importer's imports of the commodity, unplaced origins
        included. ``no_alternative_share`` and ``added_…`` are empty where the question has no
        meaning (an origin) and ``added_…`` where nothing has an alternative.

    Raises
    ------
    UnknownIdError
        For a kind that is none of ``KINDS``.
    """
    if by not in KINDS:
        raise UnknownIdError("kind of element", by, KINDS)
    return _exposed(trade, world, f"{by}:", importer)


def exposures(
    trade: xr.Dataset, world: World, *, importer: str | None = None
) -> dict[str, pd.DataFrame]:
    """`exposure` by each of ``KINDS``, in little more time than by one."""
    whole = _exposed(trade, world, tuple(f"{kind}:" for kind in KINDS), importer)
    kind_of = whole["element"].str.partition(":")[0].to_numpy()
    return {kind: whole[kind_of == kind].reset_index(drop=True) for kind in KINDS}


def _exposed(
    trade: xr.Dataset, world: World, prefix: str | tuple[str, ...], importer: str | None
) -> pd.DataFrame:
    groups, group = _groups(trade, importer)
    table = _sums(trade, group, prefix)
    total = np.bincount(group, trade["flow_t"], minlength=len(groups))
    table["imports_t"] = total[table["group"]]
    with np.errstate(invalid="ignore", divide="ignore"):
        for column in ("share", "share_a", "share_b"):
            table[column] = table[column] / table["imports_t"]
    spread = NINE_IN_TEN * _data_error(trade, world, group, table)
    band = table[["share", "share_a", "share_b"]]
    table = table.join(groups, on="group")
    table = table.merge(_provenance(trade, group, table), on=["group", "element"])
    table["share_low"] = (band.min(axis=1) - spread).clip(0, 1)
    table["share_high"] = (band.max(axis=1) + spread).clip(0, 1)
    even = concentration(trade, world, importer=importer)
    keys = list(groups.columns)
    table = table.merge(even[[*keys, "hhi_origins", "hhi_corridors"]], on=keys)
    return _finished(trade, world, table)


def any_of(
    trade: xr.Dataset, elements: Sequence[str], *, importer: str | None = None
) -> pd.DataFrame:
    """``importer, commodity, quantity_t, share`` of cargo that passes at least one element."""
    groups, group = _groups(trade, importer)
    chosen = np.flatnonzero(np.isin(trade["element"].to_numpy(), list(elements)))
    passing = np.isin(trade["passing_element"].to_numpy(), chosen)
    routes = np.unique(trade["passing_route"].to_numpy()[passing])
    flow = trade["route_flow"].to_numpy()[routes]
    tonnes = np.bincount(group[flow], trade["quantity_t"].to_numpy()[routes], minlength=len(groups))
    total = np.bincount(group, trade["flow_t"].to_numpy(), minlength=len(groups))
    share = np.divide(tonnes, total, out=np.full(len(total), np.nan), where=total > 0)
    return groups.assign(quantity_t=tonnes, share=share)


def hhi(shares: Iterable[float]) -> float:
    """Herfindahl–Hirschman index: the sum of squared shares, 1/n (even) to 1 (one holds all).

    Shares are scaled to sum to 1; NaN when there is nothing to share.
    """
    part = np.asarray(list(shares), dtype=np.float64)
    total = part.sum()
    return float(np.sum((part / total) ** 2)) if total > 0 else float("nan")


def concentration(trade: xr.Dataset, world: World, *, importer: str | None = None) -> pd.DataFrame:
    """HHI of origins beside HHI of corridors, one row an importer and commodity.

    A route's corridor is its bottleneck: of all it passes on the way (chokepoints, pipelines,
    railways), the element that most of the importer's cargo passes; a route that passes none
    counts by itself. Three suppliers behind one strait are diverse by origin, not by corridor.

    Returns
    -------
    DataFrame
        ``importer, commodity, year`` and ``hhi_origins``, ``hhi_corridors`` with ``…_low`` and
        ``…_high``: 1.645 standard errors to either side, from the quality of the flows,
        var H = Σ (2 (s_i − H) · error_i / F)².
    """
    groups, group = _groups(trade, importer)
    flow = trade["route_flow"].to_numpy()
    tonnes = trade["quantity_t"].to_numpy()
    error = tonnes * _sigma(world, trade["quality"].to_numpy())[flow]
    cuts = {
        "hhi_origins": pd.factorize(trade["origin"].to_numpy())[0][flow],
        "hhi_corridors": _bottleneck(trade, group),
    }
    found = groups
    for name, part in cuts.items():
        table = pd.DataFrame({"group": group[flow], "part": part, "t": tonnes, "error": error})
        table = table.groupby(["group", "part"])[["t", "error"]].sum().reset_index()
        bands = [_hhi_band(rows) for _, rows in table.groupby("group")]
        found = found.assign(
            **{
                name: [b[1] for b in bands],
                f"{name}_low": [b[0] for b in bands],
                f"{name}_high": [b[2] for b in bands],
            }
        )
    return found


def _hhi_band(parts: pd.DataFrame) -> tuple[float, float, float]:
    """Low, central and high HHI of parts with tonnes ``t`` and their standard errors ``error``."""
    tonnes, error = parts["t"].to_numpy(), parts["error"].to_numpy()
    total, central = tonnes.sum(), hhi(tonnes)
    if not total > 0:
        return central, central, central
    spread = NINE_IN_TEN * float(
        np.sqrt(np.sum((2 * (tonnes / total - central) * error / total) ** 2))
    )
    return max(central - spread, 0.0), central, min(central + spread, 1.0)


def outcomes(trade: xr.Dataset, *, importer: str | None = None) -> pd.DataFrame:
    """Tonnes by what became of them, one row an importer and commodity; they add up to imports."""
    groups, group = _groups(trade, importer)
    frame = pd.DataFrame(
        {
            "group": group[trade["route_flow"].to_numpy()],
            "outcome": trade["route_outcome"].to_numpy(),
            "quantity_t": trade["quantity_t"].to_numpy(),
        }
    )
    wide = frame.pivot_table(
        index="group", columns="outcome", values="quantity_t", aggfunc="sum", fill_value=0.0
    )
    return groups.join(wide).rename_axis(None, axis=1)


def _groups(trade: xr.Dataset, importer: str | None) -> tuple[pd.DataFrame, Ints]:
    """The rows a table is summed to (importer, commodity, year), and each flow's row."""
    names = (
        trade["importer"].to_numpy()
        if importer is None
        else np.full(trade.sizes["flow"], importer, dtype=object)
    )
    keys = pd.DataFrame(
        {
            "importer": names,
            "commodity": trade["commodity"].to_numpy(),
            "year": trade["year"].to_numpy(),
        }
    )
    grouped = keys.groupby(list(keys.columns), sort=True)
    rows = grouped.size().reset_index()[list(keys.columns)]
    return rows, grouped.ngroup().to_numpy().astype(np.int64)


def _sums(trade: xr.Dataset, group: Ints, prefix: str | tuple[str, ...]) -> pd.DataFrame:
    """Sums by group and element over the routes that pass elements of some kinds."""
    element, ids = trade["passing_element"].to_numpy(), trade["element"].to_numpy()
    of_kind = np.array([e.startswith(prefix) for e in ids], dtype=np.bool_)
    origin = np.array([e.startswith("origin:") for e in ids], dtype=np.bool_)
    chosen = np.flatnonzero(of_kind[element]) if len(of_kind) else np.empty(0, dtype=np.int64)
    route = trade["passing_route"].to_numpy()[chosen]
    flow = trade["route_flow"].to_numpy()[route]
    tonnes = trade["quantity_t"].to_numpy()[route]
    share = trade["route_share"].to_numpy()[route]
    added = trade["added_usd_t"].to_numpy()[chosen]
    longer = trade["added_d"].to_numpy()[chosen]
    whole = np.divide(tonnes, share, out=np.zeros_like(tonnes), where=share > 0)
    other_way = np.isfinite(added)
    frame = pd.DataFrame(
        {
            "group": group[flow],
            "element": element[chosen],
            "quantity_t": tonnes,
            "share": tonnes,
            "share_a": whole * trade["route_share_low"].to_numpy()[route],
            "share_b": whole * trade["route_share_high"].to_numpy()[route],
            "stranded_t": np.where(np.isinf(added), tonnes, 0.0),
            "asked_t": np.where(origin[element[chosen]], 0.0, tonnes),
            "moved_t": np.where(other_way, tonnes, 0.0),
            "added_usd": tonnes * np.where(other_way, added, 0.0),
            "added_t_d": tonnes * np.where(np.isfinite(longer), longer, 0.0),
            "value_usd": np.nan_to_num(_value_per_tonne(trade)[flow]) * tonnes,
            "unvalued_t": np.where(np.isnan(_value_per_tonne(trade)[flow]), tonnes, 0.0),
        }
    )
    return frame.groupby(["group", "element"]).sum().reset_index()


def _value_per_tonne(trade: xr.Dataset) -> Floats:
    tonnes = trade["flow_t"].to_numpy()
    unknown = np.full_like(tonnes, np.nan)
    found = np.divide(trade["value_usd"].to_numpy(), tonnes, out=unknown, where=tonnes > 0)
    return np.asarray(found)


def _data_error(trade: xr.Dataset, world: World, group: Ints, table: pd.DataFrame) -> Floats:
    """(rows of table,) standard error of the share from the quality of flows and gateways."""
    tonnes, flow = trade["quantity_t"].to_numpy(), trade["route_flow"].to_numpy()
    leg = trade["route_leg"].to_numpy()
    flow_t = trade["flow_t"].to_numpy()
    flow_var = (flow_t * _sigma(world, trade["quality"].to_numpy())) ** 2
    leg_t = np.bincount(leg, tonnes)
    leg_sigma = np.zeros(len(leg_t))
    leg_sigma[leg] = _sigma(world, trade["route_leg_quality"].to_numpy())
    leg_var = (leg_t * leg_sigma) ** 2
    leg_flow = np.zeros(len(leg_t), dtype=np.int64)
    leg_flow[leg] = flow
    all_leg_var = np.bincount(leg_flow, leg_var, minlength=len(flow_t))
    whole = np.bincount(group, flow_var)

    keep = np.isin(trade["passing_element"].to_numpy(), table["element"].unique())
    route, element = (
        trade["passing_route"].to_numpy()[keep],
        trade["passing_element"].to_numpy()[keep],
    )
    by_leg = pd.DataFrame({"leg": leg[route], "element": element, "t": tonnes[route]})
    by_leg = by_leg.groupby(["leg", "element"])["t"].sum().reset_index()
    by_leg["flow"] = leg_flow[by_leg["leg"]]
    by_leg["r"] = _ratio(by_leg["t"].to_numpy(), leg_t[by_leg["leg"]])
    by_flow = by_leg.groupby(["flow", "element"])["t"].sum().reset_index()
    by_flow["R"] = _ratio(by_flow["t"].to_numpy(), flow_t[by_flow["flow"]])
    by_flow["group"] = group[by_flow["flow"]]
    by_flow = by_flow.merge(table[["group", "element", "share"]], on=["group", "element"])
    by_leg = by_leg.merge(by_flow[["flow", "element", "R", "group"]], on=["flow", "element"])

    part, share = by_flow["R"], by_flow["share"]
    by_flow["var"] = (
        flow_var[by_flow["flow"]] * ((part - share) ** 2 - share**2)
        + all_leg_var[by_flow["flow"]] * part**2
    )
    by_leg["var"] = leg_var[by_leg["leg"]] * ((by_leg["r"] - by_leg["R"]) ** 2 - by_leg["R"] ** 2)
    key = ["group", "element"]
    variance = by_flow.groupby(key)["var"].sum() + by_leg.groupby(key)["var"].sum()
    found = variance.reindex(pd.MultiIndex.from_frame(table[key])).to_numpy()
    found = found + whole[table["group"]] * table["share"].to_numpy() ** 2
    return np.asarray(_ratio(np.sqrt(np.maximum(found, 0.0)), table["imports_t"].to_numpy()))


def _sigma(world: World, quality: np.ndarray) -> Floats:
    """Relative standard error of each figure from its quality."""
    errors = {q: world.assumption(f"error_{q}") for q in QUALITIES}
    return np.array([errors[q] for q in quality])


def _ratio(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """A / b, and 0 where b is 0."""
    above, below = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return np.asarray(np.divide(above, below, out=np.zeros_like(above), where=below > 0))


def _bottleneck(trade: xr.Dataset, group: Ints) -> Ints:
    """(routes,) the element of each route that most cargo of its importer passes; −1 for none."""
    elements = trade["element"].to_numpy()
    on_way = np.array(
        [e.startswith(("chokepoint:", "pipeline:", "railway:")) for e in elements], dtype=np.bool_
    )
    element, route = trade["passing_element"].to_numpy(), trade["passing_route"].to_numpy()
    keep = on_way[element]
    frame = pd.DataFrame({"route": route[keep], "element": element[keep]})
    frame["group"] = group[trade["route_flow"].to_numpy()[frame["route"]]]
    frame["t"] = trade["quantity_t"].to_numpy()[frame["route"]]
    frame["load"] = frame.groupby(["group", "element"])["t"].transform("sum")
    frame = frame.sort_values(["load", "element"], kind="stable").drop_duplicates(
        "route", keep="last"
    )
    found = np.full(trade.sizes["route"], -1)
    found[frame["route"]] = frame["element"]
    alone = found < 0
    found[alone] = -1 - trade["route_leg"].to_numpy()[alone]
    return found


def _finished(trade: xr.Dataset, world: World, table: pd.DataFrame) -> pd.DataFrame:
    """The public table: names, units per tonne, shares of consumption, the order of the columns."""
    ids = trade["element"].to_numpy()[table["element"]]
    moved, quantity = table["moved_t"].where(table["moved_t"] > 0), table["quantity_t"]
    commodity = world.commodities.set_index("commodity").loc[table["commodity"]]
    found = pd.DataFrame(
        {
            "importer": table["importer"],
            "commodity": table["commodity"],
            "year": table["year"],
            "element": ids,
            "name_en": [_name(world, e, "en") for e in ids],
            "name_zh": [_name(world, e, "zh") for e in ids],
            "quantity_t": quantity,
            "share": table["share"],
            "share_low": table["share_low"],
            "share_high": table["share_high"],
            "no_alternative_share": table["stranded_t"]
            / table["asked_t"].where(table["asked_t"] > 0),
            "added_cost_usd_t": table["added_usd"] / moved,
            "added_days": table["added_t_d"] / moved,
            "quality": table["quality"],
            "no_alternative_why": _why(table, ids),
            "quantity_low_t": table["share_low"] * table["imports_t"],
            "quantity_high_t": table["share_high"] * table["imports_t"],
            "imports_t": table["imports_t"],
            "consumption_share": quantity / _consumption(world, table),
            "value_usd": table["value_usd"].where(table["unvalued_t"] == 0),
            **_content("energy", "gj", table, commodity["energy_gj_t"].to_numpy()),
            **_content("food", "kcal", table, commodity["food_kcal_kg"].to_numpy() * 1000),
            "hhi_origins": table["hhi_origins"],
            "hhi_corridors": table["hhi_corridors"],
            "data_years": table["data_years"],
            "sources": table["sources"],
        }
    )
    return found.sort_values(
        ["importer", "commodity", "quantity_t", "element"],
        ascending=[True, True, False, True],
        ignore_index=True,
    )


def _content(name: str, unit: str, table: pd.DataFrame, per_tonne: Floats) -> dict[str, pd.Series]:
    """What the cargo holds, with its band; empty for what holds none of it."""
    low, high = (table[f"share_{end}"] * table["imports_t"] for end in ("low", "high"))
    return {
        f"{name}_{unit}": table["quantity_t"] * per_tonne,
        f"{name}_low_{unit}": low * per_tonne,
        f"{name}_high_{unit}": high * per_tonne,
    }


def _name(world: World, element: str, lang: str) -> str:
    """Name of an element, origin country or corridor."""
    return world.name(element.removeprefix("origin:"), lang)


def _why(table: pd.DataFrame, ids: np.ndarray) -> list[str]:
    """In words, why part of the cargo has no other way."""
    words = []
    for element, stranded in zip(ids, table["stranded_t"], strict=True):
        kind = element.partition(":")[0]
        words.append(_NO_WAY.get(kind, "") if stranded > 0 else "")
    return words


_NO_WAY = {
    "chokepoint": "no open passage is left between the ports for any ship class of the cargo",
    "port": "the only gateway recorded for the flow",
    "pipeline": "the only gateway recorded for the flow, or its only outlet",
    "railway": "the only gateway recorded for the flow, or its only outlet",
    "corridor": "an element of the chain has no way round",
}


def _consumption(world: World, table: pd.DataFrame) -> Floats:
    """(rows,) the importer's yearly consumption, t; NaN where it is not known."""
    name = world.commodities.set_index("commodity")["national"]
    known = world.national[world.national["metric"] == "consumption_t_y"]
    known = known.sort_values("year").drop_duplicates(["country", "commodity"], keep="last")
    value = known.set_index(["country", "commodity"])["value"]
    keys = zip(table["importer"], name.loc[table["commodity"]], strict=True)
    return np.array([value.get(key, np.nan) for key in keys], dtype=np.float64)


def _provenance(trade: xr.Dataset, group: Ints, table: pd.DataFrame) -> pd.DataFrame:
    """``quality, data_years, sources`` of each row: the worst, the span and the list."""
    keep = np.isin(trade["passing_element"].to_numpy(), table["element"].unique())
    route, element = (
        trade["passing_route"].to_numpy()[keep],
        trade["passing_element"].to_numpy()[keep],
    )
    flow = trade["route_flow"].to_numpy()[route]
    used = pd.DataFrame({"flow": flow, "element": element})
    used["leg_rank"] = quality_rank(trade["route_leg_quality"].to_numpy())[route]
    used["tonnes"] = trade["quantity_t"].to_numpy()[route]
    used["flow_rank"] = quality_rank(trade["quality"].to_numpy())[flow]
    used["group"] = group[flow]
    used["rank"] = used[["leg_rank", "flow_rank"]].max(axis=1)
    by_rank = used.groupby(["group", "element", "rank"])["tonnes"].sum().reset_index()
    by_rank = by_rank.sort_values("tonnes", kind="stable").drop_duplicates(
        ["group", "element"], keep="last"
    )
    quality = by_rank.set_index(["group", "element"])["rank"].map(dict(enumerate(QUALITIES)))
    flows = used[["group", "element", "flow"]].drop_duplicates()
    flows["source"] = trade["source"].to_numpy()[flows["flow"]]
    flows["data_year"] = trade["data_year"].to_numpy()[flows["flow"]]
    by = flows.groupby(["group", "element"])
    return pd.DataFrame(
        {
            "quality": quality,
            "data_years": by["data_year"].agg(_span),
            "sources": by["source"].agg(lambda names: " | ".join(sorted(set(names)))),
        }
    ).reset_index()


def quality_rank(quality: np.ndarray) -> Ints:
    """Position of each quality among ``QUALITIES``: the higher, the less is known."""
    place = {q: i for i, q in enumerate(QUALITIES)}
    return np.array([place[q] for q in quality], dtype=np.int64)


def _span(years: pd.Series) -> str:
    first, last = int(years.min()), int(years.max())
    return str(first) if first == last else f"{first}-{last}"
