"""Where cargo of a pair of countries leaves and enters, and what it passes on land.

A flow names two countries; a ship sails between two ports. The recorded shares of both sides are
joined here into *legs*: ``export port → import port`` by sea, or a pipeline, railway or border
station that serves the pair directly. Recorded land flows come first; the sea carries the rest.

A set recorded for a named counterpart goes before one for a group of countries (``EU27``), that
before the default set. A line in a default set counts only for pairs it can serve.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from corridors.gates import RUNNING
from corridors.network import Network
from layers.tables import QUALITIES
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

Direction = Literal["export", "import"]
Outcome = Literal["sea", "land", "overland", "no_gateway", "unplaced"]
"""How a leg travels: by sea, on a recorded line, over a land border no line of ours covers; or
why it can't be placed: no port or line is known, or the origin is a residual without a place."""

MAX_DEFAULT_PORTS = 3


@dataclass(frozen=True)
class Gateway:
    """One way in or out of a country: the element, its share, and the land elements beyond it."""

    element: str
    share: float
    via: tuple[str, ...]
    quality: str


@dataclass(frozen=True)
class Leg:
    """Part of a flow that travels one way.

    Attributes
    ----------
    share
        Of the flow, 0–1.
    out, into
        Elements passed on land before loading and after landing, in order, the ports among them.
    load, land
        Ports between which the cargo sails; empty when it does not.
    named_land
        Whether the port of landing is recorded for this very origin, not for all imports.
    """

    share: float
    outcome: Outcome
    out: tuple[str, ...]
    into: tuple[str, ...]
    load: str
    land: str
    quality: str
    named_land: bool = False


@dataclass(frozen=True)
class _Set:
    gateways: tuple[Gateway, ...]
    named: bool


@dataclass(frozen=True)
class _Line:
    countries: frozenset[str]
    from_port: str
    to_port: str
    commodity: str  # empty: whatever goes by rail
    first: str
    last: str


@dataclass(frozen=True)
class _Port:
    port: str
    roles: frozenset[str]
    size: float


class GatewayBook:
    """Answers ``legs(origin, importer, commodity)`` from the recorded gateways.

    Parameters
    ----------
    world
        Checked tables.
    network
        Tells which ports lie on the sea.
    building
        Element ids of lines not yet running that may be used all the same.
    """

    def __init__(self, world: World, network: Network, *, building: Iterable[str] = ()) -> None:
        self._world, self._network = world, network
        self._building = frozenset(building)
        self._legs: dict[tuple[str, str, str], tuple[Leg, ...]] = {}

    def legs(self, origin: str, importer: str, commodity: str) -> tuple[Leg, ...]:
        """Legs of a pair; their shares sum to 1."""
        key = (origin, importer, commodity)
        if key not in self._legs:
            self._legs[key] = self._join(*key)
        return self._legs[key]

    def ends(self, country: str, commodity: str, direction: Direction) -> tuple[Gateway, ...]:
        """Every known port by which a commodity may leave or enter a country by sea.

        Those recorded for any counterpart, those at the far end of a line that starts (export) or
        ends (import) in the country, or the ports of the default rule; each once, its line among
        ``via``. Shares mean nothing here.
        """
        found: dict[tuple[str, frozenset[str]], Gateway] = {}
        recorded = self._recorded.get((country, commodity, direction), {})
        for gateway in (g for gateways in recorded.values() for g in gateways):
            end = self._sea_end(gateway, direction)
            if end is not None:
                found.setdefault((end.element, frozenset(end.via)), end)
        for element, line in self._lines.items():
            home = line.first if direction == "export" else line.last
            if home == country and self._takes(line, commodity):
                end = self._sea_end(Gateway(element, 0.0, (), "secondary"), direction)
                if end is not None:
                    found.setdefault((end.element, frozenset(end.via)), end)
        return tuple(found.values()) or tuple(self._default_ports(country, commodity, direction))

    def direct_lines(self, origin: str, importer: str, commodity: str) -> tuple[str, ...]:
        """Element ids of lines that lead from one country into the other."""
        return tuple(
            element
            for element, line in self._lines.items()
            if {origin, importer} <= line.countries
            and line.last == importer
            and self._takes(line, commodity)
        )

    def _takes(self, line: _Line, commodity: str) -> bool:
        return line.commodity == commodity or (not line.commodity and commodity in self._by_rail)

    def _sea_end(self, gateway: Gateway, direction: Direction) -> Gateway | None:
        """The port where a gateway meets the sea, with the line that leads to it."""
        line = self._lines.get(gateway.element)
        if line is None:
            known = gateway.element.startswith("port:")
            port = gateway.element.removeprefix("port:") if known else ""
        else:
            port = line.to_port if direction == "export" else line.from_port
        if not port or not self._network.on_sea(port):
            return None
        via = gateway.via
        if line is not None:
            order = (*via, gateway.element) if direction == "export" else (gateway.element, *via)
            via = tuple(order)
        return Gateway(f"port:{port}", gateway.share, via, gateway.quality)

    def _join(self, origin: str, importer: str, commodity: str) -> tuple[Leg, ...]:
        if origin not in self._countries:
            return (_nowhere("unplaced"),)
        out = self._serving(self._set(origin, commodity, "export", importer), origin, importer)
        into = self._serving(self._set(importer, commodity, "import", origin), importer, origin)
        shared = {g.element for g in out.gateways} & {g.element for g in into.gateways}
        chosen = into if into.named or not out.named else out
        if not into.named and not out.named:
            chosen = (
                out
                if any(self._direct(g, origin, importer, shared) for g in out.gateways)
                else into
            )
        direct = [g for g in chosen.gateways if self._direct(g, origin, importer, shared)]
        by_land = min(sum(g.share for g in direct), 1.0)
        loads = self._sea_ends(out, origin, commodity, "export", origin, importer, shared)
        lands = self._sea_ends(into, importer, commodity, "import", origin, importer, shared)
        other = out if chosen is into else into
        legs = [leg for g in direct for leg in self._land_legs(g, chosen is into, other)]
        rest = 1.0 - by_land
        if rest > 1e-9:
            legs += self._sea_legs(loads, lands, rest, named_land=into.named) or self._no_sea(
                direct, rest, origin, importer, commodity
            )
        return tuple(legs)

    def _set(self, country: str, commodity: str, direction: Direction, other: str) -> _Set:
        sets = self._recorded.get((country, commodity, direction), {})
        for name in (other, *self._groups.get(other, ())):
            if name in sets:
                return _Set(sets[name], named=True)
        return _Set(sets.get("", sets.get("R_SEA", ())), named=False)

    def _serving(self, chosen: _Set, country: str, other: str) -> _Set:
        """The set without the lines that can't serve the pair, shares scaled back to 1."""
        kept = [g for g in chosen.gateways if self._serves(g, country, other, chosen.named)]
        total = sum(g.share for g in kept)
        if total <= 0:
            return _Set((), chosen.named)
        scaled = (Gateway(g.element, g.share / total, g.via, g.quality) for g in kept)
        return _Set(tuple(scaled), chosen.named)

    def _serves(self, gateway: Gateway, country: str, other: str, named: bool) -> bool:
        line = self._lines.get(gateway.element)
        if line is not None:
            return bool(line.from_port or line.to_port) or other in line.countries or named
        if not gateway.element.startswith("port:"):
            return False  # a line that does not run
        if self._network.on_sea(gateway.element.removeprefix("port:")):
            return True
        return named or other in self._neighbours.get(country, frozenset())

    def _direct(self, gateway: Gateway, origin: str, importer: str, shared: set[str]) -> bool:
        """Whether the cargo crosses by this line or border station alone, without a ship."""
        line = self._lines.get(gateway.element)
        if line is None:
            return not self._network.on_sea(gateway.element.removeprefix("port:"))
        if {origin, importer} <= line.countries:
            return True
        if gateway.element in shared:
            return True
        return not (line.from_port or line.to_port)

    def _sea_ends(
        self,
        chosen: _Set,
        country: str,
        commodity: str,
        direction: Direction,
        origin: str,
        importer: str,
        shared: set[str],
    ) -> list[Gateway]:
        """Ports of the sea part, each with what the cargo passes on land, shares summing to 1."""
        if commodity not in self._shipped:
            return []
        ends = []
        for g in chosen.gateways:
            if self._direct(g, origin, importer, shared):
                continue
            end = self._sea_end(g, direction)
            if end is not None:
                ends.append(end)
        ends = ends or self._default_ports(country, commodity, direction)
        total = sum(g.share for g in ends)
        return [Gateway(g.element, g.share / total, g.via, g.quality) for g in ends]

    def _default_ports(self, country: str, commodity: str, direction: Direction) -> list[Gateway]:
        """Largest suitable ports of a country without a recorded set, in equal shares."""
        ports = self._ports_of.get(country, [])
        role = f"{self._roles[commodity]}_{direction}"
        suited = (
            [p for p in ports if role in p.roles]
            or [p for p in ports if _GENERAL & p.roles]
            or ports
        )
        best = sorted(suited, key=lambda p: (-p.size, p.port))[:MAX_DEFAULT_PORTS]
        return [Gateway(f"port:{p.port}", 1 / len(best), (), "estimate") for p in best]

    def _land_legs(self, gateway: Gateway, landing: bool, other: _Set) -> list[Leg]:
        """A line or border station with what lies before and after it, once each way to it."""
        same = [g for g in other.gateways if g.element == gateway.element]
        total = sum(g.share for g in same)
        ways = [(g.via, g.share / total) for g in same] or [((), 1.0)]
        return [
            Leg(
                gateway.share * share,
                "land",
                _chain(via, gateway.element, gateway.via)
                if landing
                else _chain(gateway.via, gateway.element, via),
                (),
                "",
                "",
                gateway.quality,
            )
            for via, share in ways
        ]

    def _sea_legs(
        self, loads: list[Gateway], lands: list[Gateway], rest: float, *, named_land: bool
    ) -> list[Leg]:
        return [self._sea_leg(a, b, rest, named_land) for a in loads for b in lands]

    def _sea_leg(self, load: Gateway, land: Gateway, rest: float, named_land: bool) -> Leg:
        """A voyage; or, when cargo is booked in and out of one port, its way on land there."""
        share, quality = rest * load.share * land.share, _worse(load.quality, land.quality)
        if load.element == land.element:
            chain = _chain(load.via, load.element, land.via)
            return Leg(share, "land", chain, (), "", "", quality)
        out, into = (*load.via, load.element), (land.element, *land.via)
        ports = load.element.removeprefix("port:"), land.element.removeprefix("port:")
        return Leg(share, "sea", out, into, *ports, quality, named_land)

    def _no_sea(
        self, direct: list[Gateway], rest: float, origin: str, importer: str, commodity: str
    ) -> list[Leg]:
        """What to say of a part that has no ports on one side: lines take it, or nobody knows."""
        if direct:
            total = sum(g.share for g in direct)
            scaled = [replace(g, share=rest * g.share / total) for g in direct]
            return [leg for g in scaled for leg in self._land_legs(g, False, _Set((), False))]
        outcome: Outcome = "overland" if self._overland(origin, importer) else "no_gateway"
        return [Leg(rest, outcome, (), (), "", "", "estimate")]

    def _overland(self, origin: str, importer: str) -> bool:
        """Whether the two share a border, or each borders on one country between them."""
        near = self._neighbours.get(origin, frozenset())
        return importer in near or bool(near & self._neighbours.get(importer, frozenset()))

    @cached_property
    def _recorded(self) -> Mapping[tuple[str, str, str], dict[str, tuple[Gateway, ...]]]:
        book: dict[tuple[str, str, str], dict[str, list[Gateway]]] = {}
        for r in records(self._world.gateways.drop(columns=["source", "note"])):
            via = tuple(v for v in r["via"].split(";") if v)
            sets = book.setdefault((r["country"], r["commodity"], r["direction"]), {})
            gateway = Gateway(r["gateway"], r["share"], via, r["quality"])
            sets.setdefault(r["counterpart"], []).append(gateway)
        return {key: {c: tuple(g) for c, g in sets.items()} for key, sets in book.items()}

    @cached_property
    def _lines(self) -> Mapping[str, _Line]:
        lines = {}
        for kind, frame in (("pipeline", self._world.pipelines), ("railway", self._world.railways)):
            for r in records(frame.drop(columns=["wkt", "source", "note"])):
                element = f"{kind}:{r[kind]}"
                if r["status"] in RUNNING or element in self._building:
                    through = r["countries"].split(";")
                    first, last = (
                        r.get("from_country", through[0]),
                        r.get("to_country", through[-1]),
                    )
                    ports, carried = (r["from_port"], r["to_port"]), r.get("commodity", "")
                    lines[element] = _Line(frozenset(through), *ports, carried, first, last)
        return lines

    @cached_property
    def _by_rail(self) -> frozenset[str]:
        table = self._world.commodities
        rail = ["rail" in modes.split(";") for modes in table["modes"]]
        return frozenset(table.loc[rail, "commodity"])

    @cached_property
    def _shipped(self) -> frozenset[str]:
        table = self._world.commodities
        return frozenset(table.loc[(table["ship_classes"] != "").to_numpy(), "commodity"])

    @cached_property
    def _roles(self) -> Mapping[str, str]:
        table = self._world.commodities
        return dict(zip(table["commodity"], table["port_role"], strict=True))

    @cached_property
    def _countries(self) -> frozenset[str]:
        return frozenset(self._world.countries["country"]) | {"EU27"}

    @cached_property
    def _groups(self) -> Mapping[str, tuple[str, ...]]:
        countries = self._world.countries
        cells = zip(countries["country"], countries["groups"], strict=True)
        return {country: tuple(groups.split(";")) for country, groups in cells if groups}

    @cached_property
    def _neighbours(self) -> Mapping[str, frozenset[str]]:
        countries = self._world.countries
        cells = zip(countries["country"], countries["neighbours"], strict=True)
        return {country: frozenset(near.split(";")) for country, near in cells if near}

    @cached_property
    def _ports_of(self) -> Mapping[str, list[_Port]]:
        ports: dict[str, list[_Port]] = {}
        for r in records(self._world.ports[["port", "country", "roles", "annual_t"]]):
            if self._network.on_sea(r["port"]):
                size = r["annual_t"] if r["annual_t"] == r["annual_t"] else 0.0
                port = _Port(r["port"], frozenset(r["roles"].split(";")), size)
                ports.setdefault(r["country"], []).append(port)
        return ports


def _chain(before: tuple[str, ...], element: str, after: tuple[str, ...]) -> tuple[str, ...]:
    """What cargo passes in order, each element once."""
    return tuple(dict.fromkeys((*before, element, *after)))


_GENERAL = frozenset({"multipurpose", "container"})


def _worse(a: str, b: str) -> str:
    return max(a, b, key=QUALITIES.index)


def _nowhere(outcome: Outcome) -> Leg:
    return Leg(1.0, outcome, (), (), "", "", "estimate")
