"""Which flows a question is about: the year, the relabelled cargo, the regions put on the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from layers.errors import UnknownIdError
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

BASE_YEAR = 2024
WORLD = "WLD"


def select_flows(
    world: World,
    *,
    importers: Sequence[str] | None = None,
    commodities: Sequence[str] | None = None,
    year: int = BASE_YEAR,
    switches: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Flows asked for, one row an importer, commodity and country of origin.

    Parameters
    ----------
    importers
        ISO 3166-1 alpha-3 codes or groups of countries (``EU27``); every importer when not given.
    commodities
        Commodity ids; every commodity when not given.
    year
        The base year stands for each series' own base row, whose real year is in ``data_year``.
    switches
        Named assumptions, such as ``{"malaysia_label": "iran"}``.

    Returns
    -------
    DataFrame
        ``importer, commodity, year, data_year, label, origin, quantity_t, value_usd, quality,
        source, row``: ``label`` is the origin as recorded, ``origin`` the country it stands for,
        ``row`` the line of flows.csv.

    Raises
    ------
    UnknownIdError
        For an importer, commodity, year, switch or option that is not in the data.
    """
    flows = world.flows.assign(row=range(2, len(world.flows) + 2))
    flows = flows[flows["base"] == 1] if year == BASE_YEAR else flows[flows["year"] == year]
    if flows.empty:
        raise UnknownIdError("year", str(year), sorted({str(y) for y in world.flows["year"]}))
    if importers is not None:
        wanted = set().union(*(members_of(world, i) for i in importers))
        flows = flows[flows["importer"].isin(wanted)]
    if commodities is not None:
        known = world.commodities["commodity"].tolist()
        for commodity in commodities:
            if commodity not in known:
                raise UnknownIdError("commodity", commodity, known)
        flows = flows[flows["commodity"].isin(list(commodities))]
    flows = flows.rename(columns={"year": "data_year", "origin": "label"})
    flows = flows.assign(year=year, origin=flows["label"])
    flows = _relabelled(world, flows, switches or {})
    flows = _placed(world, flows)
    columns = (
        "importer commodity year data_year label origin quantity_t value_usd quality source row"
    )
    return flows[columns.split()].reset_index(drop=True)


def from_origins(
    world: World,
    flows: pd.DataFrame,
    origins: Sequence[str],
    importers: Sequence[str],
    commodities: Sequence[str],
    year: int,
) -> pd.DataFrame:
    """The flows of some exporters; a pair without trade in the data gets one tonne to route.

    Raises
    ------
    UnknownIdError
        For an exporter that is no country.
    """
    countries = world.countries["country"].tolist()
    for origin in origins:
        if origin not in countries:
            raise UnknownIdError("origin", origin, countries)
    traded = flows[flows["origin"].isin(list(origins))]
    if len(traded):
        return traded.reset_index(drop=True)
    asked = [(i, c, o) for i in importers for c in commodities for o in origins]
    return pd.DataFrame(
        {
            "importer": [i for i, _, _ in asked],
            "commodity": [c for _, c, _ in asked],
            "year": year,
            "data_year": year,
            "label": [o for _, _, o in asked],
            "origin": [o for _, _, o in asked],
            "quantity_t": 1.0,
            "value_usd": float("nan"),
            "quality": "estimate",
            "source": "no trade of this pair in the data; one tonne, to see the routes",
            "row": 0,
        }
    )


def members_of(world: World, importer: str) -> frozenset[str]:
    """Importers an id stands for: itself, or the countries of a group and the group's own rows.

    Raises
    ------
    UnknownIdError
        For an id that is neither a country nor a group.
    """
    if importer == WORLD:
        return frozenset(world.flows["importer"])
    if importer in world.groups:
        return world.groups[importer] | {importer}
    if importer not in world.importers:
        known = sorted({*world.importers, *world.groups, WORLD})
        raise UnknownIdError("importer", importer, known)
    return frozenset({importer})


def _relabelled(world: World, flows: pd.DataFrame, switches: Mapping[str, str]) -> pd.DataFrame:
    """Flows with part of a label's cargo given to the country it is believed to come from."""
    rules = world.relabels
    for switch, option in switches.items():
        options = rules.loc[rules["switch"] == switch, "option"]
        if options.empty:
            raise UnknownIdError("assumption", switch, sorted(set(rules["switch"])))
        if option not in {*options, "customs"}:
            raise UnknownIdError(f"option of {switch}", option, sorted({*options, "customs"}))
        for rule in records(rules[(rules["switch"] == switch) & (rules["option"] == option)]):
            hit = (
                (flows["importer"] == rule["importer"])
                & (flows["commodity"] == rule["commodity"])
                & (flows["origin"] == rule["origin"])
            )
            part = float(rule["share"])
            moved = flows[hit].assign(origin=rule["new_origin"], quality="estimate")
            moved = moved.assign(
                quantity_t=moved["quantity_t"] * part,
                value_usd=moved["value_usd"] * part,
                source=moved["source"] + f"; relabelled: {rule['source']}",
            )
            flows = flows.assign(
                quantity_t=flows["quantity_t"].where(~hit, flows["quantity_t"] * (1 - part)),
                value_usd=flows["value_usd"].where(~hit, flows["value_usd"] * (1 - part)),
            )
            flows = pd.concat([flows[flows["quantity_t"] > 0], moved], ignore_index=True)
    return flows


def _placed(world: World, flows: pd.DataFrame) -> pd.DataFrame:
    """Flows with each region of origin split into its countries; a residual stays unplaced."""
    regions = world.regions.rename(columns={"region": "origin", "country": "member"})
    whole = regions.groupby(["origin", "commodity"])["share"].transform("sum")
    regions = regions.assign(part=regions["share"] / whole)
    columns = ["origin", "commodity", "member", "part"]
    split = flows.merge(regions[columns], on=["origin", "commodity"], how="left")
    inside = split["member"].notna()
    part = split["part"].fillna(1.0)
    return split.assign(
        origin=split["origin"].where(~inside, split["member"]),
        quantity_t=split["quantity_t"] * part,
        value_usd=split["value_usd"] * part,
        quality=split["quality"].where(~inside, "estimate"),
    )
