"""Other ways in and out for cargo whose own ports or lines are cut off, and what they can carry.

A bypass belongs to its exporter: the ends offered to a flow are those of its own origin and its own
importer, never a pool. Each end passes lines and a port, and each of those has a limit: its row in
``capacities.csv``, the capacity of the line, or what it carries now times a surge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from corridors.gateways import Direction
from corridors.whatif.engine import Engine
from corridors.whatif.losses import WHOLE, Losses
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["End", "Loads", "direct_ends", "end_of", "ends", "line_capacities"]


@dataclass(frozen=True)
class End:
    """One way out of or into a country.

    Attributes
    ----------
    port
        Where the sea begins or ends; empty for a line that needs none.
    passes
        Elements passed on land, the port among them.
    km, usd_t, days
        Of the lines.
    """

    port: str
    passes: tuple[str, ...]
    km: float
    usd_t: float
    days: float


def ends(
    engine: Engine, losses: Losses, country: str, commodity: str, direction: Direction
) -> tuple[End, ...]:
    """Ends of a country that the scenario leaves any traffic."""
    found = engine.book.ends(country, commodity, direction)
    made = (
        end_of(
            engine,
            g.element.removeprefix("port:"),
            (*g.via, g.element) if direction == "export" else (g.element, *g.via),
        )
        for g in found
    )
    return tuple(end for end in made if _open(end, losses))


def direct_ends(
    engine: Engine, losses: Losses, origin: str, importer: str, commodity: str
) -> tuple[End, ...]:
    """Lines from one country into the other that the scenario leaves any traffic."""
    lines = engine.book.direct_lines(origin, importer, commodity)
    return tuple(e for e in (end_of(engine, "", (line,)) for line in lines) if _open(e, losses))


def end_of(engine: Engine, port: str, passes: tuple[str, ...]) -> End:
    """The end at a port, or without one, that passes some elements on land."""
    lines = [engine.lines[e] for e in passes if e in engine.lines]
    km, usd_t, days = (sum(line[i] for line in lines) for i in range(3))
    return End(port, passes, float(km), float(usd_t), float(days))


def _open(end: End, losses: Losses) -> bool:
    """Whether an end takes any cargo, and what its lines cost is known."""
    known = np.isfinite(end.usd_t) and np.isfinite(end.days)
    return bool(known) and all(losses.land.get(e, 0.0) < WHOLE for e in end.passes)


@dataclass(frozen=True, eq=False)
class Loads:
    """What each port and line carries and may carry, by (element, commodity; empty: all).

    Attributes
    ----------
    carried
        By commodity, then (legs,): t/yr that goes on as before.
    """

    engine: Engine
    carried: Mapping[str, np.ndarray]
    losses: Mapping[str, Losses]

    def limits(self, passes: Iterable[str], commodity: str) -> tuple[tuple[str, str], ...]:
        """Resources that cargo of a commodity takes up when it passes some elements."""
        found = []
        for element in passes:
            if (element, commodity) in self._rows:
                found.append((element, commodity))
            elif (element, "") in self._rows or not element.startswith("port:"):
                found.append((element, ""))
            else:
                found.append((element, commodity))
        return tuple(found)

    def spare(self, resource: tuple[str, str]) -> float:
        """Free capacity, t/yr, never under 0."""
        element, commodity = resource
        usual, now = self._usual(element, commodity), self._now(element, commodity)
        most = self._rows.get(resource, self._line_capacity.get(element))
        if most is None:
            surge = "port_surge" if element.startswith("port:") else "line_surge"
            most = usual * self.engine.world.assumption(surge)
        else:
            others = max(0.0, self._recorded.get(element, 0.0) - usual)  # use the line too
            most = max(most - others, usual)  # what passes in calm times fits
        lost = max((x.land.get(element, 0.0) for x in self._of(commodity)), default=0.0)
        if lost > 0:  # what is itself limited takes no more than the share it is left
            most = min(most, usual) * (1.0 - lost)
        return max(0.0, most - now)

    def _of(self, commodity: str) -> list[Losses]:
        return [x for name, x in self.losses.items() if commodity in ("", name)]

    def _usual(self, element: str, commodity: str) -> float:
        return sum(
            float(market.tonnes[market.passing[element]].sum())
            for name, market in self.engine.markets.items()
            if commodity in ("", name) and element in market.passing
        )

    def _now(self, element: str, commodity: str) -> float:
        return sum(
            float(self.carried[name][market.passing[element]].sum())
            for name, market in self.engine.markets.items()
            if commodity in ("", name) and element in market.passing
        )

    @cached_property
    def _rows(self) -> Mapping[tuple[str, str], float]:
        return _rated(self.engine.world)

    @cached_property
    def _line_capacity(self) -> Mapping[str, float]:
        return _of_lines(self.engine.world, "capacity_t_y", "capacity_t_y")

    @cached_property
    def _recorded(self) -> Mapping[str, float]:
        return _of_lines(self.engine.world, "throughput_t_y", "recent_t_y")


def line_capacities(world: World) -> dict[str, float]:
    """t/yr that lines can carry, by element id: of ``capacities.csv``, else of their own table."""
    rated = {element: most for (element, _), most in _rated(world).items()}
    return {**_of_lines(world, "capacity_t_y", "capacity_t_y"), **rated}


def _rated(world: World) -> dict[tuple[str, str], float]:
    rows = records(world.capacities[["element", "commodity", "capacity_t_y"]].dropna())
    return {(r["element"], r["commodity"]): float(r["capacity_t_y"]) for r in rows}


def _of_lines(world: World, pipeline: str, railway: str) -> dict[str, float]:
    found = {}
    tables = (("pipeline", world.pipelines, pipeline), ("railway", world.railways, railway))
    for kind, table, column in tables:
        for name, value in zip(table[kind], table[column], strict=True):
            if not np.isnan(value):
                found[f"{kind}:{name}"] = float(value)
    return found
