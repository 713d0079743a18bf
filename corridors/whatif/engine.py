"""Everything a what-if starts from, made once: the calm world as arrays, one market a commodity.

A market holds where its cargo goes when nothing is wrong, and finds where it would go instead
(``corridors.whatif.detours``). Capacity is shared by all buyers of a bypass, so a what-if is always
of the whole world of the commodities asked about; an importer is picked out of the answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from corridors.assignment import Choice, Routes, Search, joined, sea_routes, search
from corridors.demand import BASE_YEAR, select_flows
from corridors.gates import build_network
from corridors.gateways import GatewayBook
from corridors.network import (
    Bools,
    Chains,
    Floats,
    Ints,
    Network,
    Remember,
    Tariff,
    chains,
    members,
)
from corridors.sailings import (
    Lines,
    Progress,
    Sailing,
    choice_of,
    legs_of,
    line_costs,
    on_land,
    sailings,
)
from corridors.tariff import DayRates, day_rates, ship_tariffs
from corridors.whatif.detours import Detours, Quotes
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["PARTS", "Engine", "Market", "prepare"]

PARTS = ("hire", "fuel", "toll", "premium", "capital", "land")
"""What a route costs, in parts, USD/t: ``premium`` for war risk, ``capital`` of the cargo, ``land``
for lines."""


@dataclass(frozen=True, eq=False)
class Market:
    """One commodity in calm times; one position a leg, a pair of ports or a way of a pair.

    Attributes
    ----------
    routes
        Alternatives of the pairs of ``sailing``.
    tonnes, flow, pair
        (legs,) t/yr; row of the flow; pair of ports, −1 on land and where no way is known.
    land
        (legs, 3) km, USD/t and days of the lines before and after the sea.
    premium
        (passages,) of each ship class: war-risk premium of a transit, USD/t.
    """

    commodity: str
    sailing: Sailing
    routes: Routes
    detours: Detours
    tonnes: Floats
    flow: Ints
    pair: Ints
    land: Floats
    premium: tuple[Floats, ...]

    @property
    def tariffs(self) -> tuple[Tariff, ...]:
        """What each ship class pays."""
        return self.sailing.search.tariffs

    @property
    def ships(self) -> tuple[str, ...]:
        """Ship classes, in the order of positions."""
        return self.sailing.search.ships

    @property
    def pairs(self) -> int:
        """How many pairs of ports there are."""
        return len(self.sailing.pairs)

    @cached_property
    def pair_tonnes(self) -> Floats:
        """(pairs,) t/yr of all legs of each pair."""
        return self.by_pair(self.tonnes)

    def by_pair(self, tonnes: Floats) -> Floats:
        """(pairs,) sums of the legs at sea of each pair."""
        at_sea = self.pair >= 0
        found = np.bincount(self.pair[at_sea], tonnes[at_sea], minlength=self.pairs)
        return np.asarray(found, dtype=np.float64)

    @cached_property
    def chains(self) -> tuple[tuple[str, ...], ...]:
        """What each leg passes on land: ports and lines, loading and landing."""
        legs = self.sailing.legs
        return tuple(a + b for a, b in zip(legs["out"], legs["into"], strict=True))

    @cached_property
    def passing(self) -> Mapping[str, Ints]:
        """Legs that pass each port or line, by element id."""
        found: dict[str, list[int]] = {}
        for leg, chain in enumerate(self.chains):
            for element in chain:
                found.setdefault(element, []).append(leg)
        return {e: np.array(legs, dtype=np.int64) for e, legs in found.items()}

    @cached_property
    def routed(self) -> np.ndarray:
        """(legs,) whether the data know a way: the rest can't be put to the test."""
        outcome = self.sailing.legs["outcome"].to_numpy()
        has_way = np.zeros(self.pairs + 1, dtype=np.bool_)
        has_way[self.routes.pair] = True
        return np.asarray((outcome == "land") | ((outcome == "sea") & has_way[self.pair]))


@dataclass(frozen=True, eq=False)
class Engine:
    """The calm world, ready to be disturbed.

    Attributes
    ----------
    flows
        From ``corridors.demand.select_flows``; one row a flow.
    tariffs, rates
        Of each ship class in calm times: what it pays, and the cost of a day.
    """

    world: World
    network: Network
    tariffs: dict[str, Tariff]
    rates: dict[str, DayRates]
    choice: Choice
    lines: Lines
    book: GatewayBook
    flows: pd.DataFrame
    markets: dict[str, Market]

    @cached_property
    def cargo_t(self) -> Mapping[str, float]:
        """Tonnes a ship of each class carries."""
        ships = self.world.ship_classes
        return dict(zip(ships["ship_class"], ships["cargo_t"].astype(float), strict=True))

    @cached_property
    def sides(self) -> Mapping[str, npt.NDArray[np.object_]]:
        """(flows,) importers and origins."""
        return {c: self.flows[c].to_numpy(dtype=object) for c in ("importer", "origin")}

    def imported_by(self, market: Market, countries: Collection[str]) -> Bools:
        """(legs,) whether a leg ends in one of some countries."""
        inside = np.isin(self.sides["importer"].astype(str), sorted(countries))
        return np.asarray(inside[market.flow])

    def of_importers(self, countries: Collection[str], commodities: Collection[str]) -> Engine:
        """The engine of some countries' imports alone; flows keep their rows."""
        part = replace(self, markets={})
        for name in commodities:
            market = self.markets[name]
            legs = np.flatnonzero(self.imported_by(market, countries))
            part.markets[name] = _part(self, market, legs)
        return part

    def chains_of(self, tariff: Tariff) -> Chains:
        """Least costs between crossings for a tariff with nothing shut, kept."""
        kept = self._chains.get(id(tariff))
        if kept is None:  # the tariff is kept too, so that its id stays its own
            kept = self._chains[id(tariff)] = (tariff, chains(self.network, tariff))
        return kept[1]

    @cached_property
    def _chains(self) -> dict[int, tuple[Tariff, Chains]]:
        return {}

    def quotes(self, market: Market) -> Quotes:
        """Best ways between gateways that calm trade need not join, kept by market."""
        if market.commodity not in self._quotes:
            tariffs = dict(zip(market.ships, market.tariffs, strict=True))
            closures = {ship: self.chains_of(tariff) for ship, tariff in tariffs.items()}
            self._quotes[market.commodity] = Quotes(self.network, tariffs, closures)
        return self._quotes[market.commodity]

    @cached_property
    def offered(self) -> OrderedDict[tuple[object, ...], Any]:
        """What ``corridors.whatif.allocation`` offers cargo that is cut off, kept there."""
        return OrderedDict()

    @cached_property
    def _quotes(self) -> dict[str, Quotes]:
        return {}

    @cached_property
    def calm(self) -> Mapping[str, tuple[Floats, Floats]]:
        """(legs, ``PARTS``) USD/t and (legs,) days of each commodity's legs, way and lines."""
        return {name: self._usual(market) for name, market in self.markets.items()}

    def _usual(self, market: Market) -> tuple[Floats, Floats]:
        r = market.routes
        parts = self.parts(market, r.ship, r.bits, r.km) * r.share[:, None]
        usd = np.zeros((market.pairs + 1, len(PARTS)))
        np.add.at(usd, r.pair, parts)
        usd = usd[market.pair]
        usd[:, PARTS.index("land")] += market.land[:, 1]
        days = np.append(np.bincount(r.pair, r.days * r.share, minlength=market.pairs), 0.0)
        return usd, days[market.pair] + market.land[:, 2]

    def parts(self, market: Market, ship: Ints, bits: np.ndarray, km: Floats) -> Floats:
        """(ways, ``PARTS``) what ways at sea cost, USD/t; the sum over parts is their cost."""
        crossed = members(bits, len(self.network.passages))
        found = np.zeros((len(ship), len(PARTS)))
        for i, name in enumerate(market.ships):
            mine = np.flatnonzero(ship == i)
            if not len(mine):
                continue
            tariff, rates = market.tariffs[i], self.rates[name]
            wait = crossed[mine] @ tariff.passage_d
            days = km[mine] / tariff.km_d
            premium = crossed[mine] @ market.premium[i]
            charge = crossed[mine] @ tariff.passage_usd_t
            held = wait * (rates.hire + rates.capital)
            found[mine] = np.column_stack(
                [
                    (days + wait) * rates.hire,
                    days * rates.fuel,
                    charge - held - premium,
                    premium,
                    (days + wait) * rates.capital,
                    np.zeros(len(mine)),
                ]
            )
        return found

    def repriced(self, prices: Mapping[str, Prices], network: Network | None = None) -> Engine:
        """The same trade between the same ports, some markets at other prices.

        Parameters
        ----------
        prices
            By commodity, for those whose prices change: tariff and premium of each ship class.
        network
            With passages opened; every market then searches anew.
        """
        priced = replace(self, network=network or self.network, markets={})
        for name, market in self.markets.items():
            calm = (market.tariffs, market.premium)
            if name in prices or network is not None:
                priced.markets[name] = _resailed(priced, market, prices.get(name, calm))
            else:
                priced.markets[name] = market
        return priced


Prices = tuple[tuple[Tariff, ...], tuple[Floats, ...]]
"""Tariff and war-risk premium of each ship class of a market."""


def prepare(
    world: World,
    *,
    commodities: Sequence[str] | None = None,
    year: int = BASE_YEAR,
    switches: Mapping[str, str] | None = None,
    network: Network | None = None,
    remember: Remember | None = None,
    progress: Progress = lambda things, _: things,
) -> Engine:
    """The engine of a world, for all importers of some or all commodities.

    Parameters
    ----------
    commodities, year, switches
        See ``corridors.demand.select_flows``.
    network, remember
        See ``corridors.assess``.

    Raises
    ------
    UnknownIdError
        For a commodity, year or switch that is not in the data.
    """
    net = network or build_network(world, remember=remember)
    flows = select_flows(world, commodities=commodities, year=year, switches=switches)
    book = GatewayBook(world, net)
    tariffs = ship_tariffs(world, net)
    engine = Engine(
        world=world,
        network=net,
        tariffs=tariffs,
        rates={str(s["ship_class"]): day_rates(world, s) for s in records(world.ship_classes)},
        choice=choice_of(world),
        lines=line_costs(world),
        book=book,
        flows=flows,
        markets={},
    )
    if len(flows):
        legs = legs_of(book, flows)
        for sailing in sailings(world, net, tariffs, legs, progress=progress):
            engine.markets[sailing.commodity] = _market(engine, sailing)
    return engine


def _market(engine: Engine, sailing: Sailing) -> Market:
    legs = sailing.legs.reset_index(drop=True)
    sailing = replace(sailing, legs=legs, pairs=sailing.pairs.reset_index(drop=True))
    place = {pair: i for i, pair in enumerate(sailing.pairs.itertuples(index=False, name=None))}
    sails = (legs["outcome"] == "sea").to_numpy()
    pair = np.array(
        [
            place[a, b] if s else -1
            for a, b, s in zip(legs["load"], legs["land"], sails, strict=True)
        ],
        dtype=np.int64,
    )
    land = on_land(engine.lines, legs["out"] + legs["into"])
    return Market(
        commodity=sailing.commodity,
        sailing=sailing,
        routes=sea_routes(sailing.search, engine.choice),
        detours=Detours(sailing.search),
        tonnes=legs["quantity_t"].to_numpy(dtype=np.float64),
        flow=legs["flow"].to_numpy(dtype=np.int64),
        pair=pair,
        land=np.column_stack([land["land_km"], land["land_cost_usd_t"], land["land_days"]]),
        premium=(np.zeros(len(engine.network.passages)),) * len(sailing.search.ships),
    )


def _part(engine: Engine, market: Market, legs: Ints) -> Market:
    """The market of some of its legs."""
    at_sea = market.pair[legs] >= 0
    pairs = np.unique(market.pair[legs][at_sea])
    pair = np.where(at_sea, np.searchsorted(pairs, market.pair[legs]), -1)
    found = market.sailing.search
    found = replace(found, o=found.o[pairs], d=found.d[pairs])
    sailing = replace(
        market.sailing,
        legs=market.sailing.legs.iloc[legs].reset_index(drop=True),
        pairs=market.sailing.pairs.iloc[pairs].reset_index(drop=True),
        search=found,
    )
    return Market(
        commodity=market.commodity,
        sailing=sailing,
        routes=sea_routes(found, engine.choice),
        detours=Detours(found),
        tonnes=market.tonnes[legs],
        flow=market.flow[legs],
        pair=pair,
        land=market.land[legs],
        premium=market.premium,
    )


def _resailed(engine: Engine, market: Market, prices: Prices) -> Market:
    """The market with its pairs searched again at other prices, on the engine's network."""
    tariffs = dict(zip(market.ships, prices[0], strict=True))
    closures = {ship: engine.chains_of(tariff) for ship, tariff in tariffs.items()}
    pairs = list(market.sailing.pairs.itertuples(index=False, name=None))
    found = search(engine.network, tariffs, closures, pairs, market.ships)
    routes = (
        _dearer(engine, market, found)
        if engine.network is market.sailing.search.network
        else sea_routes(found, engine.choice)
    )
    return replace(
        market,
        sailing=replace(market.sailing, search=found),
        routes=routes,
        detours=Detours(found),
        premium=prices[1],
    )


def _dearer(engine: Engine, market: Market, found: Search) -> Routes:
    """Alternatives where passages have become dearer, or narrower, and none cheaper.

    A pair none of whose alternatives passes them keeps them all: what it did not choose has only
    become worse.
    """
    changed = np.zeros(len(engine.network.passages), dtype=np.bool_)
    for now, before in zip(found.tariffs, market.tariffs, strict=True):
        changed |= (now.passage_usd_t != before.passage_usd_t) | (now.fits != before.fits)
        changed |= now.passage_d != before.passage_d
    bits = np.uint64(1) << np.flatnonzero(changed).astype(np.uint64)
    old, word = market.routes, np.bitwise_or.reduce(bits, initial=np.uint64(0))
    touched = np.zeros(market.pairs, dtype=np.bool_)
    touched[old.pair[(old.bits & word) != 0]] = True
    pairs = np.flatnonzero(touched)
    new = sea_routes(replace(found, o=found.o[pairs], d=found.d[pairs]), engine.choice)
    return joined(old, ~touched[old.pair], replace(new, pair=pairs[new.pair]))
