"""Cargo that scarce capacity decides on: full canals, and what is cut off from its own ports.

The groups and their routes are gathered over all markets and importers into one problem
(``corridors.whatif.capacity``), because they compete for the same slots and lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from corridors.gateways import Direction
from corridors.network import Bits, Floats, Ints, reachable
from corridors.whatif.capacity import Plan, Problem, plan
from corridors.whatif.elsewhere import (
    End,
    Loads,
    direct_ends,
    end_of,
    ends,
    line_capacities,
)
from corridors.whatif.engine import PARTS, Engine, Market
from corridors.whatif.losses import WHOLE, Losses
from corridors.whatif.reroute import Spread
from layers.world import records

__all__ = ["Allocation", "Case", "allocate"]

FIRST_ROUTES = 8  # of a group, the cheapest; others are offered when they would pay
NOTHING = 1e-6  # t/yr, not worth a row


@dataclass(frozen=True, eq=False)
class Case:
    """One market in a scenario.

    Attributes
    ----------
    calm, priced
        The market in calm times and at the scenario's prices.
    at_sea
        (legs,) t/yr that reach their port of loading and could land.
    cut
        (legs,) t/yr that a port or line keeps from doing so.
    """

    calm: Market
    priced: Market
    losses: Losses
    spread: Spread
    at_sea: Floats
    cut: Floats

    @cached_property
    def pair_tonnes(self) -> Floats:
        """(pairs,) t/yr at sea."""
        return self.calm.by_pair(self.at_sea)

    @cached_property
    def own_ports(self) -> Floats:
        """(legs,) t/yr that go on through their own ports."""
        return np.asarray(self.at_sea * (1.0 - self._wayless))

    @cached_property
    def stranded(self) -> Floats:
        """(legs,) t/yr without a way between their own ports, or kept from them."""
        return np.asarray(self.cut + self.at_sea * self._wayless)

    @property
    def _wayless(self) -> Floats:
        """(legs,) share of the cargo at sea with no way between its own ports."""
        return np.asarray(np.append(self.spread.stranded, 0.0)[self.calm.pair])


@dataclass(frozen=True, eq=False)
class Allocation:
    """What became of the cargo that competed for capacity.

    Attributes
    ----------
    cases
        With the spreads after full canals turned cargo away.
    elsewhere
        Routes by other gateways: ``commodity, flow, load, land, ship_class, bits, passes,
        quantity_t, days`` and ``usd_t`` by part.
    groups
        By commodity, (legs,) the group of a cut-off leg, −1 for the rest.
    group_usd_t, group_days
        (groups, ``PARTS``) and (groups,) mean cost and days of what a group carries.
    carried
        By commodity, (legs,) share of the stranded tonnes that found another gateway.
    has_path
        By commodity, (legs,) whether the stranded tonnes had any path, however full.
    bindings
        Resources the plan was short of: ``element, commodity, unit, spare, used, worth_usd``.
    plan
        None when nothing competed.
    """

    cases: Mapping[str, Case]
    elsewhere: pd.DataFrame
    groups: Mapping[str, Ints]
    group_usd_t: Floats
    group_days: Floats
    carried: Mapping[str, Floats]
    has_path: Mapping[str, np.ndarray]
    bindings: pd.DataFrame
    plan: Plan | None


@dataclass
class _Draft:
    """The problem as it is written down."""

    tonnes: list[float] = field(default_factory=list)
    group: list[int] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    prior: list[float] = field(default_factory=list)
    use_column: list[int] = field(default_factory=list)
    use_resource: list[int] = field(default_factory=list)
    use: list[float] = field(default_factory=list)
    resources: dict[tuple[str, str], int] = field(default_factory=dict)

    def add_group(self, tonnes: float) -> int:
        self.tonnes.append(tonnes)
        return len(self.tonnes) - 1

    def add_column(
        self,
        group: int,
        cost: float,
        prior: float,
        uses: Sequence[tuple[tuple[str, str], float]],
    ) -> int:
        column = len(self.group)
        self.group.append(group)
        self.cost.append(cost)
        self.prior.append(prior)
        for resource, amount in uses:
            self.use_column.append(column)
            self.use_resource.append(self.resources.setdefault(resource, len(self.resources)))
            self.use.append(amount)
        return column

    def problem(self, spare: Floats) -> Problem:
        whole = np.int64
        return Problem(
            tonnes=np.array(self.tonnes),
            group=np.array(self.group, dtype=whole),
            cost_usd_t=np.array(self.cost),
            prior=np.array(self.prior),
            use_column=np.array(self.use_column, dtype=whole),
            use_resource=np.array(self.use_resource, dtype=whole),
            use=np.array(self.use),
            spare=spare,
        )


MOST_OFFERED = 48
"""Sets of offers an engine keeps: a commodity of a set of closures each."""
SLOTS, TONNES = "slots", "passage"
"""Stand for the commodity in the id of a passage: counted in ships a day, in tonnes a year."""


def allocate(priced: Engine, cases: dict[str, Case], *, slots: bool = True) -> Allocation:
    """Share out scarce capacity between all cargo that needs it.

    Parameters
    ----------
    priced
        The engine at the scenario's prices; its ``book`` holds the lines opened.
    slots
        Whether canals and land bridges can be full.
    """
    canals = _Room(priced, cases if slots else {})
    draft = _Draft()
    loads = Loads(
        priced,
        {n: c.own_ports for n, c in cases.items()},
        {n: c.losses for n, c in cases.items()},
    )
    turned = {name: _turned_away(case, canals, draft) for name, case in cases.items()}
    cut_off = {name: _cut_off(priced, case, canals, loads, draft) for name, case in cases.items()}
    if not draft.tonnes:
        return _nothing_scarce(cases)
    penalty = priced.world.assumption("unmet_penalty_usd_t")
    spare: dict[tuple[str, str], float] = {}
    while True:
        for element, kind in draft.resources.keys() - spare.keys():
            spare[element, kind] = (
                canals.spare(element, turned)
                if kind in (SLOTS, TONNES)
                else loads.spare((element, kind))
            )
        free = np.array([spare[resource] for resource in draft.resources])
        found = plan(draft.problem(free), penalty_usd_t=penalty)
        if not _priced_in(draft, [c for some in cut_off.values() for c in some], found):
            break
    after = {n: _after_canals(c, turned[n], found) for n, c in cases.items()}
    carried, has_path, groups = {}, {}, {}
    for name, case in cases.items():
        share, path = _after_gateways(priced, case, cut_off[name], found)
        carried[name], has_path[name] = share, path
        groups[name] = _group_of(cut_off[name], len(case.at_sea))
    placed = [_placed(priced, cases[n], cut_off[n], found) for n in cases]
    elsewhere = pd.concat([p for p in placed if len(p)] or [_PLACED], ignore_index=True)
    return Allocation(
        after,
        elsewhere,
        groups,
        *_means(elsewhere, len(found.unmet)),
        carried,
        has_path,
        _bindings(draft, free, found),
        found,
    )


def _group_of(cut_off: Sequence[_CutOff], legs: int) -> Ints:
    group = np.full(legs, -1)
    for c in cut_off:
        group[c.legs] = c.group
    return group


def _means(elsewhere: pd.DataFrame, groups: int) -> tuple[Floats, Floats]:
    """(groups, parts) USD/t and (groups,) days of the routes that each group uses."""
    group = elsewhere["group"].to_numpy(dtype=np.int64)
    tonnes = elsewhere["quantity_t"].to_numpy(dtype=np.float64)
    whole = np.bincount(group, tonnes, minlength=groups)
    whole[whole == 0] = 1.0
    columns = [*(f"{p}_usd_t" for p in PARTS), "days"]
    sums = [
        np.bincount(group, tonnes * elsewhere[c].to_numpy(dtype=np.float64), minlength=groups)
        for c in columns
    ]
    means = np.column_stack(sums) / whole[:, None]
    return means[:, :-1], means[:, -1]


def _nothing_scarce(cases: dict[str, Case]) -> Allocation:
    none = {n: np.zeros(len(c.at_sea)) for n, c in cases.items()}
    outside = {n: np.full(len(c.at_sea), -1) for n, c in cases.items()}
    return Allocation(
        cases,
        _PLACED.copy(),
        outside,
        np.zeros((0, len(PARTS))),
        np.zeros(0),
        none,
        none,
        _BINDINGS.copy(),
        None,
    )


class _Room:
    """Passages with a limit, of ships a day or of tonnes, and how much of it new cargo takes.

    A canal has slots; a land bridge, which is a pipeline between two ports, has a capacity.
    """

    def __init__(self, engine: Engine, cases: Mapping[str, Case]) -> None:
        self._engine, self._cases = engine, cases
        self._free = dict[str, tuple[str, float]]()
        self.bit, self.full = dict[str, np.uint64](), np.uint64(0)
        if not cases:
            return
        # New cargo keeps out of a passage that is itself limited: nothing there to share out.
        limited = np.uint64(0)
        for case in cases.values():
            limited |= np.bitwise_or.reduce(case.losses.limited, initial=np.uint64(0))
        self._ballast = 1.0 + engine.world.assumption("ballast_return")
        bits = {e: engine.network.bit(e) for e in engine.network.passages}
        self.bit = {e: bits[e] for e in self._limits(bits) if not bits[e] & limited}
        for element, bit in self.bit.items():
            most = max(self._free[element][1], 0.0)
            if sum(self._change(c, element) for c in cases.values()) > most * (1 + 1e-9):
                self.full |= bit

    def _limits(self, passages: Collection[str]) -> list[str]:
        """Passages with a limit; what each has free in calm times."""
        world = self._engine.world
        for row in records(world.capacities):
            element, slots = row["element"], row["capacity_transits_d"]
            if element in passages and not np.isnan(slots):
                self._free[element] = (SLOTS, slots - row["usual_transits_d"])
        rated = line_capacities(world)
        for element in passages:
            if element in rated:
                self._free[element] = (TONNES, rated[element] - self._usual(element))
        return list(self._free)

    def _usual(self, element: str) -> float:
        """t/yr over a passage in calm times, at sea or recorded on land."""
        bit = self._engine.network.bit(element)
        total = 0.0
        for case in self._cases.values():
            r = case.calm.routes
            here = np.flatnonzero(r.bits & bit)
            by_land = case.calm.passing.get(element, np.empty(0, dtype=np.int64))
            total += float(case.calm.tonnes[by_land].sum())
            total += float(np.sum(case.calm.pair_tonnes[r.pair[here]] * r.share[here]))
        return total

    def units(self, element: str, ship_class: str) -> float:
        """What a tonne a year takes up: itself, or ships a day, the way back in ballast counted."""
        if self._free[element][0] == TONNES:
            return 1.0
        return self._ballast / self._engine.cargo_t[ship_class] / 365.0

    def uses(self, ship_class: str, bits: int) -> list[tuple[tuple[str, str], float]]:
        return [
            ((element, self._free[element][0]), self.units(element, ship_class))
            for element, bit in self.bit.items()
            if int(bit) & bits
        ]

    def spare(self, element: str, turned: Mapping[str, Sequence[_Turned]]) -> float:
        """Units free for the cargo that competes."""
        usual = sum(
            self._change(case, element, without={t.pair for t in turned[name]})
            for name, case in self._cases.items()
        )
        return float(max(0.0, self._free[element][1]) - usual)

    def _change(self, case: Case, element: str, without: set[int] | None = None) -> float:
        """Units more than usual; of pairs that compete only what they give up."""
        s = case.spread
        rows = np.flatnonzero(s.bits & self.bit[element])
        change = s.now[rows] - s.calm[rows]
        if without:
            competes = np.isin(s.pair[rows], list(without))
            change = np.where(competes, np.minimum(change, 0.0), change)
        per_tonne = np.array([self.units(element, name) for name in case.calm.ships] or [0.0])
        return float(np.sum(change * case.pair_tonnes[s.pair[rows]] * per_tonne[s.ship[rows]]))


@dataclass(frozen=True)
class _Turned:
    """Cargo of one pair that moved to a canal without room: its columns and their rows."""

    pair: int
    group: int
    rows: Ints
    columns: Ints
    detour: tuple[int, int, int, float, float, float] | None  # column, ship, bits, cost, km, days


def _turned_away(case: Case, room: _Room, draft: _Draft) -> list[_Turned]:
    s = case.spread
    gains = s.now - s.calm > 1e-12
    pairs = np.unique(s.pair[gains & ((s.bits & room.full) != 0)])
    if not room.full or not len(pairs):
        return []
    tonnes = case.pair_tonnes
    detours = case.priced.detours.best(pairs, case.losses.limited | room.full)
    found = []
    for i, pair in enumerate(pairs.tolist()):
        rows = np.flatnonzero(gains & (s.pair == pair))
        prior = (s.now[rows] - s.calm[rows]) * tonnes[pair]
        if prior.sum() <= NOTHING:
            continue
        group = draft.add_group(float(prior.sum()))
        columns = [
            draft.add_column(
                group,
                s.cost_usd_t[row],
                amount,
                room.uses(case.calm.ships[s.ship[row]], int(s.bits[row])),
            )
            for row, amount in zip(rows, prior.tolist(), strict=True)
        ]
        detour = None
        if np.isfinite(detours.cost_usd_t[i]):
            ship, bits = int(detours.ship[i]), int(detours.bits[i])
            cost = float(detours.cost_usd_t[i])
            column = draft.add_column(group, cost, 0.0, room.uses(case.calm.ships[ship], bits))
            detour = (column, ship, bits, cost, float(detours.km[i]), float(detours.days[i]))
        found.append(_Turned(pair, group, rows, np.array(columns), detour))
    return found


def _after_canals(case: Case, turned: Sequence[_Turned], found: Plan) -> Case:
    """The case with the ways its cargo has room on."""
    if not turned:
        return case
    s, tonnes = case.spread, case.pair_tonnes
    now, unmet = s.now.copy(), s.unmet.copy()
    more: list[tuple[int, int, int, float, float, float, float]] = []
    for t in turned:
        now[t.rows] = s.calm[t.rows] + found.carried[t.columns] / tonnes[t.pair]
        unmet[t.pair] = found.unmet[t.group] / tonnes[t.pair]
        if t.detour is not None and found.carried[t.detour[0]] > NOTHING:
            column, ship, bits, cost, km, days = t.detour
            share = found.carried[column] / tonnes[t.pair]
            more.append((t.pair, ship, bits, cost, km, days, share))
    add = [np.array([m[i] for m in more]) for i in range(7)]
    spread = Spread(
        pair=np.append(s.pair, add[0].astype(np.int64)),
        ship=np.append(s.ship, add[1].astype(np.int64)),
        bits=np.append(s.bits, np.array([m[2] for m in more], dtype=np.uint64)),
        cost_usd_t=np.append(s.cost_usd_t, add[3]),
        km=np.append(s.km, add[4]),
        days=np.append(s.days, add[5]),
        calm=np.append(s.calm, np.zeros(len(more))),
        now=np.append(now, add[6]),
        stranded=s.stranded,
        unmet=unmet,
    )
    return replace(case, spread=spread)


@dataclass(frozen=True, eq=False)
class _CutOff:
    """Legs of one flow that share their choice of other gateways."""

    group: int
    flow: int
    legs: Ints
    columns: list[_Column]
    waiting: list[_Offer]


@dataclass(frozen=True, eq=False)
class _Offer:
    """A route a group may be offered, and what it uses up."""

    cost: float
    uses: list[tuple[tuple[str, str], float]]
    load: End
    land: End
    way: _Way


@dataclass(frozen=True)
class _Column:
    column: int
    load: End
    land: End
    ship: int  # −1: no sea
    bits: int
    usd_t: float
    km: float
    days: float


def _cut_off(engine: Engine, case: Case, room: _Room, loads: Loads, draft: _Draft) -> list[_CutOff]:
    stranded = case.stranded
    legs = np.flatnonzero((stranded > NOTHING) & case.calm.routed)
    if not len(legs):
        return []
    found = []
    for key, members, offers in _offered(engine, case, room, loads, legs):
        group = draft.add_group(float(stranded[members].sum()))
        columns = [_added(draft, group, offer) for offer in offers[:FIRST_ROUTES]]
        found.append(_CutOff(group, key[0], members, columns, offers[FIRST_ROUTES:]))
    return found


def _offered(
    engine: Engine, case: Case, room: _Room, loads: Loads, legs: Ints
) -> list[tuple[_Key, Ints, list[_Offer]]]:
    """Groups of cut-off legs and the routes each may be offered, kept for the next scenario.

    They hang on what is touched and what is shut, not on how much is lost: a slider leaves them.
    """
    losses = case.losses
    known = (
        case.calm.commodity,
        legs.tobytes(),
        (case.spread.stranded > 0).tobytes(),
        losses.limited.tobytes(),
        frozenset((element, lost >= WHOLE) for element, lost in losses.land.items()),
        tuple(room.bit),
    )
    kept = engine.offered
    if known in kept:
        kept.move_to_end(known)
    else:
        options = _Options(engine, case, loads)
        kept[known] = [
            (key, np.array(members), [_offer(case, options, room, key, r) for r in routes])
            for key, members in options.groups(legs).items()
            for routes in (options.routes(key) or options.wider(key),)
        ]
        if len(kept) > MOST_OFFERED:
            kept.popitem(last=False)
    found: list[tuple[_Key, Ints, list[_Offer]]] = kept[known]
    return found


def _offer(
    case: Case, options: _Options, room: _Room, key: _Key, route: tuple[End, End, _Way]
) -> _Offer:
    load, land, way = route
    # The usual ports too: the room that stranded cargo leaves there is open to others.
    uses = [(limit, 1.0) for end in (load, land) for limit in options.limits(end)]
    if way[0] >= 0:
        uses += room.uses(case.calm.ships[way[0]], way[1])
    cost = way[2] + load.usd_t + land.usd_t + options.switch(key, load, land)
    return _Offer(cost, uses, load, land, way)


def _added(draft: _Draft, group: int, offer: _Offer) -> _Column:
    column = draft.add_column(group, offer.cost, 0.0, offer.uses)
    return _Column(column, offer.load, offer.land, *offer.way)


def _priced_in(draft: _Draft, cut_off: Sequence[_CutOff], found: Plan) -> bool:
    """Offer each group the routes that would pay at the plan's prices; whether there was any.

    When there is none the plan is the best over all routes (column generation).
    """
    worth = {r: found.worth_usd[i] for r, i in draft.resources.items()}
    more = False
    for c in cut_off:
        price = found.price_usd_t[c.group] - 1e-6
        pays = [
            offer
            for offer in c.waiting
            if offer.cost + sum(use * worth.get(r, 0.0) for r, use in offer.uses) < price
        ]
        for offer in pays[:FIRST_ROUTES]:
            c.waiting.remove(offer)
            c.columns.append(_added(draft, c.group, offer))
            more = True
    return more


_Way = Sequence[Any]
"""Ship class, passages, USD/t, km and days."""

_Key = tuple[int, str, str]
"""Flow, port of loading kept and port of landing kept; empty: not kept."""


class _Options:
    """Other gateways for the cut-off legs of a case."""

    def __init__(self, engine: Engine, case: Case, loads: Loads) -> None:
        self._engine, self._case, self._loads = engine, case, loads
        legs = case.calm.sailing.legs
        self._legs = {c: legs[c].to_numpy(dtype=object) for c in ("out", "into", "load", "land")}
        self._kept_ends: dict[tuple[_Key, str], tuple[End, ...]] = {}
        self._switch = engine.world.assumption("gateway_switch_usd_t")
        self._known: dict[tuple[str, str], tuple[End, ...]] = {}
        self._own: dict[_Key, int] = {}
        self._quoted: dict[tuple[str, str], _Way] = {}
        self._asked = set[tuple[str, str]]()

    def groups(self, legs: Ints) -> dict[_Key, list[int]]:
        """Legs by what they keep; every route they may need is quoted in one go."""
        lost = self._case.losses.land
        found: dict[_Key, list[int]] = {}
        columns = zip(
            legs.tolist(),
            *(self._legs[c][legs] for c in ("out", "into", "load", "land")),
            strict=True,
        )
        for leg, out, into, load, land in columns:
            by_sea = bool(load) and self._case.spread.stranded[self._case.calm.pair[leg]] > 0
            keep_load = "" if by_sea or any(e in lost for e in out) else load
            keep_land = "" if any(e in lost for e in into) else land
            key = (int(self._case.calm.flow[leg]), keep_load, keep_land)
            found.setdefault(key, []).append(leg)
            self._own.setdefault(key, leg)
        self._quote([pair for key in found for pair in self._joined(key)])
        alone = [key for key in found if not self.routes(key)]
        wide = ((a.port, b.port) for key in alone for a, b in self._wide(key))
        self._quote([pair for pair in wide if all(pair)])
        return found

    def _joined(self, key: _Key) -> Iterator[tuple[str, str]]:
        """Ports that a route of a group may join: not the two it always joined."""
        for load in self._out(key):
            for land in self._into(key):
                if load.port and land.port and (load.port, land.port) != key[1:]:
                    yield load.port, land.port

    def _quote(self, pairs: Sequence[tuple[str, str]]) -> None:
        asked = [pair for pair in dict.fromkeys(pairs) if pair not in self._asked]
        if not asked or not self._case.calm.ships:
            return
        ways = self._engine.quotes(self._case.priced).best(self._case.losses.limited, asked)
        columns = (ways.ship, ways.bits, ways.cost_usd_t, ways.km, ways.days)
        rows = zip(asked, *(c.tolist() for c in columns), strict=True)
        self._quoted |= {pair: way for pair, *way in rows if way[2] < np.inf}
        self._asked |= set(asked)

    def routes(self, key: _Key) -> list[tuple[End, End, _Way]]:
        """Cheapest routes of a group, by sea between two ends or by a line alone."""
        none = End("", (), 0.0, 0.0, 0.0)
        by_land: _Way = (-1, 0, 0.0, 0.0, 0.0)
        found = [(end, none, by_land) for end in self._direct(key[0])]
        for load in self._out(key):
            for land in self._into(key):
                way = self._quoted.get((load.port, land.port))
                if way is not None and (load.port, land.port) != key[1:]:
                    found.append((load, land, way))
        found.sort(key=lambda r: r[0].usd_t + r[1].usd_t + r[2][2] + self.switch(key, r[0], r[1]))
        return found

    def wider(self, key: _Key) -> list[tuple[End, End, _Way]]:
        """Routes of cargo whose landing no port of loading reaches: by any of both countries."""
        found = [
            (a, b, way)
            for a, b in self._wide(key)
            if (way := self._quoted.get((a.port, b.port))) is not None
        ]
        found.sort(key=lambda r: r[0].usd_t + r[1].usd_t + r[2][2])
        return found

    def _wide(self, key: _Key) -> list[tuple[End, End]]:
        """Any port of loading with any other of landing, for cargo that no other loading helps."""
        leg = self._own[key]
        load, land = (str(self._legs[side][leg]) for side in ("load", "land"))
        if key[1] or key[2] != land or not load:
            return []
        own = end_of(self._engine, load, self._legs["out"][leg])
        open_here = all(e not in self._case.losses.land for e in own.passes)
        out = [*([own] if open_here else []), *self._out(key)]
        return [(a, b) for a in out for b in self._ends(self._country(key, "importer"), "import")]

    def switch(self, key: _Key, load: End, land: End) -> float:
        """What it costs not to use the usual ports, USD/t."""
        return self._switch * ((load.port != key[1]) + (land.port not in (key[2], "")))

    def limits(self, end: End) -> tuple[tuple[str, str], ...]:
        return self._loads.limits(end.passes, self._case.calm.commodity)

    def _out(self, key: _Key) -> tuple[End, ...]:
        own = self._kept(key, key[1], "out")
        return own or self._ends(self._country(key, "origin"), "export")

    def _into(self, key: _Key) -> tuple[End, ...]:
        own = self._kept(key, key[2], "into")
        return own or self._ends(self._country(key, "importer"), "import")

    def _kept(self, key: _Key, port: str, side: str) -> tuple[End, ...]:
        if not port:
            return ()
        at = (key, side)
        if at not in self._kept_ends:
            passes = self._legs[side][self._own[key]]
            self._kept_ends[at] = (end_of(self._engine, port, passes),)
        return self._kept_ends[at]

    def _country(self, key: _Key, side: str) -> str:
        return str(self._engine.sides[side][key[0]])

    def _ends(self, country: str, direction: Direction) -> tuple[End, ...]:
        at = (country, direction)
        if at not in self._known:
            commodity = self._case.calm.commodity
            self._known[at] = ends(self._engine, self._case.losses, country, commodity, direction)
        return self._known[at]

    def _direct(self, flow: int) -> tuple[End, ...]:
        sides = self._engine.sides
        at = (str(sides["origin"][flow]), str(sides["importer"][flow]))
        if at not in self._known:
            commodity = self._case.calm.commodity
            self._known[at] = direct_ends(self._engine, self._case.losses, *at, commodity)
        return self._known[at]


def _after_gateways(
    engine: Engine, case: Case, cut_off: Sequence[_CutOff], found: Plan
) -> tuple[Floats, np.ndarray]:
    """(legs,) share of the stranded tonnes carried elsewhere; whether they had any path."""
    share, stranded = np.zeros(len(case.at_sea)), case.stranded
    path = _own_path(engine, case)
    for c in cut_off:
        columns = [k.column for k in c.columns]
        tonnes = stranded[c.legs].sum()
        share[c.legs] = min(1.0, found.carried[columns].sum() / tonnes)
        path[c.legs] |= bool(columns)
    return share, path


def _own_path(engine: Engine, case: Case) -> np.ndarray:
    """(legs,) whether a path between its own ends is left that is limited, but not closed."""
    market = case.calm
    open_land = np.ones(len(market.pair), dtype=np.bool_)
    for element, lost in case.losses.land.items():
        if lost >= WHOLE and element in market.passing:
            open_land[market.passing[element]] = False
    at_sea = np.zeros(market.pairs + 1, dtype=np.bool_)
    at_sea[-1] = True
    pairs = np.flatnonzero(case.spread.stranded > 0)
    found = case.priced.sailing.search
    closed: Bits = case.losses.closed
    for i, tariff in enumerate(found.tariffs):
        start, end = found.origins[found.o[pairs]], found.destinations[found.d[pairs]]
        at_sea[pairs] |= reachable(engine.network, tariff, start, end, closed[i])
    whole = np.append(case.spread.stranded <= 0, True)
    return np.asarray(open_land & (at_sea | whole)[market.pair])


def _placed(engine: Engine, case: Case, cut_off: Sequence[_CutOff], found: Plan) -> pd.DataFrame:
    used = [(c, k) for c in cut_off for k in c.columns if found.carried[k.column] > NOTHING]
    if not used:
        return _PLACED
    ship = np.array([max(k.ship, 0) for _, k in used])
    bits = np.array([k.bits for _, k in used], dtype=np.uint64)
    sails = np.array([k.ship >= 0 for _, k in used])
    km = np.array([k.km for _, k in used])
    parts = np.zeros((len(used), len(PARTS)))
    if case.calm.ships:
        parts = engine.parts(case.priced, ship, bits, km) * sails[:, None]
    parts[:, PARTS.index("land")] += [k.load.usd_t + k.land.usd_t for _, k in used]
    names = (*case.calm.ships, "")
    return pd.DataFrame(
        {
            "commodity": case.calm.commodity,
            "flow": [c.flow for c, _ in used],
            "group": [c.group for c, _ in used],
            "load": [k.load.port for _, k in used],
            "land": [k.land.port for _, k in used],
            "ship_class": [names[k.ship] for _, k in used],
            "bits": bits,
            "passes": [(*k.load.passes, *k.land.passes) for _, k in used],
            "quantity_t": found.carried[[k.column for _, k in used]],
            "km": km + [k.load.km + k.land.km for _, k in used],
            "sea_km": km,
            "days": [k.days + k.load.days + k.land.days for _, k in used],
            **{f"{p}_usd_t": parts[:, i] for i, p in enumerate(PARTS)},
        }
    )


def _bindings(draft: _Draft, spare: Floats, found: Plan) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "element": [e for e, _ in draft.resources],
            "commodity": ["" if c in (SLOTS, TONNES) else c for _, c in draft.resources],
            "unit": ["1/d" if c == SLOTS else "t/yr" for _, c in draft.resources],
            "spare": spare,
            "used": found.used,
            "worth_usd": found.worth_usd,
        },
        columns=_BINDINGS.columns,
    )
    return table[found.binding].sort_values("worth_usd", ascending=False, ignore_index=True)


_PLACED = pd.DataFrame(
    columns=[
        *("commodity", "flow", "group", "load", "land", "ship_class", "bits", "passes"),
        *("quantity_t", "km", "sea_km", "days"),
        *(f"{p}_usd_t" for p in PARTS),
    ]
)
_BINDINGS = pd.DataFrame(columns=["element", "commodity", "unit", "spare", "used", "worth_usd"])
