"""One question of the app and its answer: small tables, ready to be kept and drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

import corridors
from corridors.demand import BASE_YEAR, WORLD, members_of, select_flows
from corridors.metrics import exposures
from layers.geo import split_antimeridian

if TYPE_CHECKING:
    import xarray as xr

    from corridors.network import Floats, Ints, Network
    from corridors.trade import Basis
    from layers.world import World

LEAST_WAY = 1e-5
"""Ways under this part of what sails are not drawn: thousands, and none would show."""
LEAST_LANE = 0.003
"""Part of imports below which a lane is not drawn: ways that hardly anyone takes hide the map."""

COORDINATE_DIGITS = 2

OPEN_SEA_DEG = 2.0
"""Links longer than this have no coast to keep clear of."""


@dataclass(frozen=True)
class Question:
    """What a reader asks: who imports what, when, under which named assumption."""

    importer: str
    commodity: str
    year: int = BASE_YEAR
    malaysia: bool = False

    @property
    def switches(self) -> dict[str, str]:
        """Named assumptions, as ``corridors.assess`` takes them."""
        return {"malaysia_label": "iran"} if self.malaysia else {}


@dataclass(frozen=True)
class Answer:
    """What the page shows.

    Attributes
    ----------
    imports_t
        The importer's imports of the commodity, t/yr.
    years
        Years of the data behind it, as text.
    tables
        Exposure by each of ``corridors.KINDS``.
    outcomes
        Tonnes by what became of them, largest first; only what occurs.
    hhi_origins, hhi_corridors
        Concentration, 1/n to 1; NaN when there is nothing to share.
    lanes
        ``path`` (lon, lat pairs) and ``quantity_t`` of each sea lane, the thin ones first.
    calls
        ``load`` and ``land`` ports: the ports where the cargo goes on board and on land.
    """

    imports_t: float
    years: str
    tables: dict[str, pd.DataFrame]
    outcomes: dict[str, float]
    hhi_origins: float
    hhi_corridors: float
    lanes: pd.DataFrame
    calls: dict[str, frozenset[str]]


def years_of(world: World, importer: str) -> list[int]:
    """Years an importer can be asked about, the base year first."""
    flows = world.flows
    years = flows.loc[flows["importer"].isin(members_of(world, importer)), "year"]
    return [BASE_YEAR, *sorted({int(y) for y in years} - {BASE_YEAR}, reverse=True)]


def relabelled(world: World, importer: str, commodity: str) -> bool:
    """Whether a named assumption renames an origin of this importer's cargo."""
    rules = world.relabels[world.relabels["commodity"] == commodity]
    return bool(rules["importer"].isin(members_of(world, importer)).any())


def importers_of(world: World) -> list[str]:
    """The world, the European Union and every country with imports in the data, largest first."""
    base = world.flows[world.flows["base"] == 1]
    tonnes = base.groupby("importer")["quantity_t"].sum().sort_values(ascending=False)
    groups = [WORLD, "EU27"]
    return [*groups, *(i for i in tonnes.index if i not in groups)]


def answer(
    world: World, network: Network, question: Question, *, basis: Basis | None = None
) -> Answer | None:
    """The answer to a question; None when the data hold no such imports.

    Parameters
    ----------
    basis
        From ``corridors.trade.basis_of``, where many questions are asked.
    """
    name, year, switches = question.importer, question.year, question.switches
    importers, commodities = [name], [question.commodity]
    flows = select_flows(
        world, importers=importers, commodities=commodities, year=year, switches=switches
    )
    if flows["quantity_t"].sum() <= 0:
        return None
    trade = corridors.assess(
        world,
        importers=importers,
        commodities=commodities,
        year=year,
        switches=switches,
        network=network,
        basis=basis,
    )
    outcomes = (
        corridors.outcomes(trade, importer=name).iloc[0].drop(["importer", "commodity", "year"])
    )
    spread = corridors.concentration(trade, world, importer=name).iloc[0]
    imports_t = float(trade["flow_t"].sum())
    return Answer(
        imports_t=imports_t,
        years=_span(trade["data_year"].to_numpy()),
        tables=exposures(trade, world, importer=name),
        outcomes={
            str(o): float(t) for o, t in outcomes.sort_values(ascending=False).items() if t > 0
        },
        hhi_origins=float(spread["hhi_origins"]),
        hhi_corridors=float(spread["hhi_corridors"]),
        lanes=_lanes(network, trade, LEAST_LANE * imports_t),
        calls={
            "load": frozenset(trade["route_load"].to_numpy()) - {""},
            "land": frozenset(trade["route_land"].to_numpy()) - {""},
        },
    )


def _lanes(network: Network, trade: xr.Dataset, least_t: float) -> pd.DataFrame:
    """Links of equal flow joined to long lines and cut at the 180° meridian."""
    links = corridors.lane_frame(network, trade, least_share=LEAST_WAY)
    links = links[links["quantity_t"] >= least_t]
    paths, tonnes = [], []
    # Two digits of the flow are more than a width can show, and make the lines long.
    for quantity, part in links.groupby(links["quantity_t"].map(lambda t: float(f"{t:.2g}"))):
        whole = shapely.line_merge(shapely.multilinestrings(part.geometry.to_numpy()))
        for line in shapely.get_parts(whole):
            for piece in split_antimeridian(shapely.get_coordinates(line)):
                paths.append(rounded(piece).round(COORDINATE_DIGITS).tolist())
                tonnes.append(quantity)
    return pd.DataFrame({"path": paths, "quantity_t": tonnes})


def rounded(line: Floats, *, rounds: int = 2) -> Floats:
    """The line with its corners cut (Chaikin) where both sides are long; coasts stay as they are.

    The network turns at open sea in a few sharp steps that no ship sails.
    """
    for _ in range(rounds):
        if len(line) < 3:
            return line
        step = np.diff(line, axis=0)
        length = np.hypot(step[:, 0], step[:, 1])
        cut = np.minimum(length[:-1], length[1:]) > OPEN_SEA_DEG
        before = line[1:-1] - 0.25 * step[:-1]
        after = line[1:-1] + 0.25 * step[1:]
        inner = [
            point
            for i, corner in enumerate(line[1:-1])
            for point in ((before[i], after[i]) if cut[i] else (corner,))
        ]
        line = np.array([line[0], *inner, line[-1]])
    return line


def _span(years: Ints) -> str:
    first, last = int(years.min()), int(years.max())
    return str(first) if first == last else f"{first}–{last}"
