"""Sea lanes before and after a scenario: which are kept, which are left, which are new.

A way of an answer names the passages it goes through as a set; here they are put in order of
travel, each next the nearest by sea, and the lanes under them are looked up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import shapely
import xarray as xr

from corridors.lanes import lane_loads
from corridors.network import Network
from corridors.ui.answer import COORDINATE_DIGITS, rounded
from layers.geo import split_antimeridian, unwrap

LEAST_WAY = 1e-3
"""Ways under this part of all that sails are not drawn: none would show."""

LEAST_LANE = 0.004
"""Lanes under this part of all that sails, before and after, are not drawn."""

LEAST_CHANGE = 0.1
"""A lane whose flow changes by less than this part of itself counts as kept."""

KINDS = ("kept", "left", "new")

ENDS = ["lon1", "lat1", "lon2", "lat2"]


Orders = dict[tuple[str, str, str], tuple[str, ...]]
"""Passages in order of travel, by port of loading, port of landing and the passages as a set."""


def drawn_lanes(
    network: Network, ways: pd.DataFrame, *, orders: Orders | None = None
) -> pd.DataFrame:
    """Lines to draw: ``kind`` of ``KINDS``, ``path``, ``calm_t`` and ``now_t``, the thin first.

    Parameters
    ----------
    ways
        ``load, land, passages, calm_t, now_t``, t/yr.
    orders
        Those found before; the rest is added.
    """
    orders = {} if orders is None else orders
    at_sea = ways[(ways["load"] != "") & (ways["land"] != "")]
    whole = max(float(at_sea["calm_t"].sum()), float(at_sea["now_t"].sum()))
    if not whole > 0:
        return pd.DataFrame(columns=["kind", "path", "calm_t", "now_t"])
    before, after = (
        _loads(network, at_sea, c, LEAST_WAY * whole, orders) for c in ("calm_t", "now_t")
    )
    links = before.merge(after, on=ENDS, how="outer").fillna(0.0)
    links = links[(links[["calm_t", "now_t"]].max(axis=1) >= LEAST_LANE * whole).to_numpy()]
    if links.empty:
        return pd.DataFrame(columns=["kind", "path", "calm_t", "now_t"])
    return pd.DataFrame(list(_lines(links)), columns=["kind", "path", "calm_t", "now_t"])


def _loads(
    network: Network, ways: pd.DataFrame, column: str, least_t: float, orders: Orders
) -> pd.DataFrame:
    """Tonnes on each link, under the column's name."""
    sums = ways.groupby(["load", "land", "passages"], as_index=False)[column].sum()
    used = sums[sums[column] >= max(least_t, 1.0)]
    if used.empty:
        return pd.DataFrame(columns=[*ENDS, column], dtype=np.float64)
    found = lane_loads(network, _as_trade(network, used, column, orders))
    return found.rename(columns={"quantity_t": column})


def _as_trade(network: Network, ways: pd.DataFrame, column: str, orders: Orders) -> xr.Dataset:
    """The ways as the part of a trade dataset that lanes are drawn from."""
    keys = list(zip(ways["load"], ways["land"], ways["passages"], strict=True))
    for load, land, passages in keys:
        if (load, land, passages) not in orders:
            orders[load, land, passages] = in_order(network, load, land, passages.split())
    place = {passage: i for i, passage in enumerate(network.passages)}
    steps = [
        (route, step, place[passage])
        for route, key in enumerate(keys)
        for step, passage in enumerate(orders[key])
    ]
    route, step, element = (np.array([s[i] for s in steps], dtype=np.int64) for i in range(3))
    return xr.Dataset(
        {
            "route_load": ("route", ways["load"].to_numpy(dtype=object)),
            "route_land": ("route", ways["land"].to_numpy(dtype=object)),
            "route_outcome": ("route", np.array(["sea"] * len(ways), dtype=object)),
            "quantity_t": ("route", ways[column].to_numpy(dtype=np.float64)),
            "passing_route": ("passing", route),
            "passing_step": ("passing", step),
            "passing_element": ("passing", element),
            "element": ("place", np.array(network.passages, dtype=object)),
        }
    )


def in_order(network: Network, load: str, land: str, passages: Sequence[str]) -> tuple[str, ...]:
    """Passages of a way in order of travel: from the port of loading, each next the nearest."""
    if len(passages) < 2:
        return tuple(passages)
    left, found = list(passages), list[str]()
    exits, cost = network.rows([load]), np.zeros(1)
    while left:
        ahead = {p: _crossed(network, exits, cost, p) for p in left}
        nearest = min(ahead, key=lambda p: (float(ahead[p][1].min()), p))
        found.append(nearest)
        left.remove(nearest)
        exits, cost = ahead[nearest]
    return tuple(found)


def _crossed(
    network: Network, exits: np.ndarray, cost: np.ndarray, passage: str
) -> tuple[np.ndarray, np.ndarray]:
    """Rows beyond a passage and the km to each."""
    crossing = np.flatnonzero((network.bits & network.bit(passage)) != 0)
    step = cost[:, None] + network.leg_km[np.ix_(exits, network.entry[crossing])]
    return network.exit[crossing], step.min(axis=0) + network.km[crossing]


def _lines(links: pd.DataFrame) -> Iterator[tuple[str, list[list[float]], float, float]]:
    """Links of one kind and like flows joined to long lines, cut at the 180° meridian."""
    # Two digits of a flow are more than a width can show, and make the lines long.
    flows = np.array([[float(f"{t:.2g}") for t in links[c]] for c in ("calm_t", "now_t")])
    change, wide = np.diff(links[["calm_t", "now_t"]].to_numpy())[:, 0], flows.max(axis=0)
    least = LEAST_CHANGE * wide
    kind = np.where(change > least, "new", np.where(change < -least, "left", "kept"))
    lon = np.apply_along_axis(unwrap, 1, links[["lon1", "lon2"]].to_numpy(dtype=np.float64))
    ends = np.stack([lon, links[["lat1", "lat2"]].to_numpy(dtype=np.float64)], axis=-1)
    pieces = shapely.linestrings(ends)
    groups: dict[tuple[float, str, float, float], list[int]] = {}
    for i, key in enumerate(zip(wide, kind, *flows, strict=True)):
        groups.setdefault(key, []).append(i)
    for key in sorted(groups):
        whole = shapely.line_merge(shapely.multilinestrings(pieces[groups[key]]))
        for line in shapely.get_parts(whole):
            for piece in split_antimeridian(shapely.get_coordinates(line)):
                path = rounded(piece).round(COORDINATE_DIGITS).tolist()
                yield str(key[1]), path, float(key[2]), float(key[3])
