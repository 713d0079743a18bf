"""What to do about a scenario: options with tonnes and USD/t, ranked, and the cheapest portfolio.

Only what can be done is listed. A detour or a bypass is one that the scenario's own answer uses; a
supplier is one whose own way to the importer is open in the same scenario; a stock is drawn no
faster than it can be. All tonnes are of the scenario's days, up to a year.

    need      = rerouted + unmet + infeasible, for those days
    supplier  ≤ spare · days left after it is ready, of which a fair share is spare · the
                importer's lost tonnes / the world's
    stock     ≤ min(usable, draw · days)
    ration    the rest, at the price of unmet tonnes
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from corridors.gateways import Direction
from corridors.network import Floats
from corridors.whatif.allocation import Case
from corridors.whatif.answer import Answer
from corridors.whatif.capacity import Plan, Problem, plan
from corridors.whatif.elsewhere import End, Loads, direct_ends, ends
from corridors.whatif.prices import priced
from corridors.whatif.summary import by_route
from corridors.whatif.supply import YEAR_D, Group, stock_of
from layers.world import records

__all__ = ["Option", "options", "portfolio", "respond"]

LEAST_T = 1_000.0  # over the scenario's days; less is no option


@dataclass(frozen=True)
class Option:
    """One thing that can be done.

    Attributes
    ----------
    kind
        ``reroute``, ``bypass``, ``supplier``, ``stock`` or ``ration``.
    what
        Passages gone through, the line, the supplier's country.
    most_t
        Tonnes it can secure at most, over the scenario's days.
    fair_t
        Of them what is left when every importer that lost cargo asks for its share.
    usd_t
        Added to the usual cost of a tonne.
    ready_d
        Days until the first tonne arrives.
    """

    kind: str
    what: str
    most_t: float
    fair_t: float
    usd_t: float
    ready_d: float
    source: str
    quality: str
    note: str = ""


def respond(answer: Answer, group: Group) -> tuple[pd.DataFrame, Plan, float]:
    """Ranked options of an importer's commodity with what the cheapest portfolio takes of each.

    Returns
    -------
    DataFrame
        Cheapest first: ``rank, option, what, most_t, fair_t, taken_t, usd_t, ready_d, source,
        quality, note``; ``taken_t`` adds up to the need.
    Plan
        The portfolio as solved, with its proof.
    float
        The need, t.
    """
    found = sorted(options(answer, group), key=lambda o: (o.usd_t, o.kind, o.what))
    need = _need(answer, group)
    penalty = answer.engine.world.assumption("unmet_penalty_usd_t")
    chosen = portfolio(
        need, np.array([o.usd_t for o in found]), np.array([o.fair_t for o in found]), penalty
    )
    rest = Option(
        "ration",
        "",
        need,
        need,
        penalty,
        0.0,
        "assumption unmet_penalty_usd_t",
        "estimate",
        "what nothing else secures: use is cut",
    )
    table = pd.DataFrame([vars(o) for o in (*found, rest)]).rename(columns={"kind": "option"})
    table.insert(4, "taken_t", [*chosen.carried.tolist(), float(chosen.unmet.sum())])
    table.insert(0, "rank", range(1, len(table) + 1))
    return table, chosen, need


def portfolio(need_t: float, usd_t: Floats, most_t: Floats, penalty_usd_t: float) -> Plan:
    """The cheapest way to meet a need from options, each with a most; the rest is unmet.

    Parameters
    ----------
    usd_t, most_t
        (options,).
    """
    count = len(usd_t)
    each = np.arange(count)
    return plan(
        Problem(
            tonnes=np.array([need_t]),
            group=np.zeros(count, dtype=np.int64),
            cost_usd_t=usd_t,
            prior=np.zeros(count),
            use_column=each,
            use_resource=each,
            use=np.ones(count),
            spare=most_t,
        ),
        penalty_usd_t=penalty_usd_t,
        steps=1,
    )


def options(answer: Answer, group: Group) -> list[Option]:
    """What can be done, in no order; rationing apart."""
    return [
        *_ways(answer, group),
        *_opened(answer, group),
        *_suppliers(answer, group),
        *_stocks(answer, group),
    ]


def _days(answer: Answer) -> float:
    return min(answer.scenario.duration_d, YEAR_D)


def _need(answer: Answer, group: Group) -> float:
    fate = answer.fates[group.commodity]
    mine = answer.engine.imported_by(fate.case.calm, group.countries)
    return float(fate.outcome[mine, 1:].sum()) * _days(answer) / YEAR_D


def _ways(answer: Answer, group: Group) -> Iterator[Option]:
    """Detours and bypasses that the answer uses."""
    fate = answer.fates[group.commodity]
    mine = answer.engine.imported_by(fate.case.calm, group.countries)
    rerouted = float(fate.outcome[mine, 1].sum())
    if rerouted * _days(answer) / YEAR_D < LEAST_T:
        return
    usd = fate.added_usd[mine, 1].sum()
    late = float(fate.added_t_d[mine].sum()) / rerouted
    years = _days(answer) / YEAR_D
    ways = by_route(answer, [group])
    gained = ways.assign(t=ways["now_t"] - ways["calm_t"])
    gained = gained[gained["t"] > LEAST_T]
    around, past = gained[gained["by"] == ""], gained[gained["by"] != ""]
    source = "this model: the scenario's own answer"
    by_line = past.groupby("by")["t"].sum()
    for line, tonnes in by_line.items():
        rows = past[past["by"] == line]
        share = float(tonnes) * years
        cost = float(np.average(rows["usd_t"], weights=rows["t"])) - _usual(answer, group)
        yield Option(
            "bypass",
            str(line),
            share,
            share,
            max(0.0, cost),
            float(np.average(rows["days"], weights=rows["t"])),
            source,
            "estimate",
        )
    left = rerouted - float(by_line.sum())
    if left > LEAST_T and len(around):
        passed = " ".join(_most_used(around))
        dearer = (past["usd_t"] - _usual(answer, group)).clip(lower=0)
        bypass_usd = float((past["t"] * dearer).sum())
        cost = max(0.0, (float(usd) - bypass_usd) / left)
        yield Option(
            "reroute",
            passed,
            left * years,
            left * years,
            cost,
            late,
            source,
            "estimate",
            "days are those added to the usual voyage",
        )


def _most_used(ways: pd.DataFrame, count: int = 3) -> list[str]:
    """The passages that most of the tonnes gained go through."""
    gained: dict[str, float] = {}
    for cell, tonnes in zip(ways["passages"], ways["t"], strict=True):
        for passage in cell.split():
            gained[passage] = gained.get(passage, 0.0) + tonnes
    return sorted(gained, key=lambda p: (-gained[p], p))[:count]


def _opened(answer: Answer, group: Group) -> Iterator[Option]:
    """Lines the scenario opens into the importer and the answer leaves unused, for what they cost.

    From the ports where the rerouted cargo loads, weighted by its tonnes.
    """
    lines = {e for e in answer.scenario.opened if e not in answer.engine.network.passages}
    if not lines:
        return
    fate = answer.fates[group.commodity]
    roads = _Roads(answer, fate.case, group)
    used = {e for passes in answer.elsewhere["passes"] for e in passes}
    market = fate.case.calm
    mine = answer.engine.imported_by(market, group.countries) & (market.pair >= 0)
    tonnes = pd.Series(fate.outcome[mine, 1]).groupby(
        market.sailing.legs["load"].to_numpy(dtype=object)[mine]
    )
    loads = {str(port): float(t) for port, t in tonnes.sum().items() if t > LEAST_T}
    years = _days(answer) / YEAR_D
    for end in roads.into:
        if not lines & (set(end.passes) - used):
            continue
        usd_t, days, found = roads.from_ports(loads, end)
        if found > LEAST_T:
            most = min(roads.most(end), found) * years
            line = " ".join(e for e in end.passes if not e.startswith("port:"))
            cost = max(0.0, usd_t - _usual(answer, group))
            source = "this model: quoted on the scenario's network"
            yield Option("bypass", line, most, most, cost, days, source, "estimate", "opened here")


def _usual(answer: Answer, group: Group) -> float:
    """Mean cost of the importer's usual ways, USD/t."""
    fate = answer.fates[group.commodity]
    mine = answer.engine.imported_by(fate.case.calm, group.countries) & fate.case.calm.routed
    usd, _ = answer.engine.calm[group.commodity]
    tonnes = fate.case.calm.tonnes[mine]
    return float(tonnes @ usd[mine].sum(axis=1)) / max(float(tonnes.sum()), LEAST_T)


def _suppliers(answer: Answer, group: Group) -> Iterator[Option]:
    """Suppliers with spare capacity whose own way is open in this scenario."""
    world, fate = answer.engine.world, answer.fates[group.commodity]
    table = world.spare_supply
    rows = [
        row
        for row in records(table[(table["commodity"] == group.commodity).to_numpy()])
        if row["country"] not in group.countries
    ]
    if not rows:
        return
    share = _fair_share(answer, group)
    usual, days = _usual(answer, group), _days(answer)
    roads = _Roads(answer, fate.case, group)
    for row in rows:
        lost = fate.case.losses.supply.get(str(row["country"]), 0.0)
        left = days - float(row["ready_d"])
        used = roads.to(str(row["country"]), float(row["spare_t_y"]) * (1.0 - lost), left)
        sent = [(t_y * (left - road.days) / YEAR_D, road) for t_y, road in used]
        tonnes = sum(t for t, _ in sent)
        if tonnes < LEAST_T:
            continue
        added = sum(t * max(0.0, road.usd_t - usual) for t, road in sent) / tonnes
        yield Option(
            "supplier",
            str(row["country"]),
            tonnes,
            tonnes * share,
            float(row["premium_usd_t"]) + added,
            float(row["ready_d"]) + min(road.days for _, road in sent),
            str(row["source"]),
            str(row["quality"]),
            sent[0][1].text,
        )


def _fair_share(answer: Answer, group: Group) -> float:
    """The importer's part of all tonnes of the commodity that do not arrive."""
    fate = answer.fates[group.commodity]
    mine = answer.engine.imported_by(fate.case.calm, group.countries)
    whole = float(fate.outcome[:, 2:].sum())
    return float(fate.outcome[mine, 2:].sum()) / whole if whole > LEAST_T else 1.0


@dataclass(frozen=True)
class _Road:
    end: str  # the port or line it leaves the supplier by
    usd_t: float
    days: float
    most_t_y: float
    text: str


class _Roads:
    """Open ways from any supplier to one importer in a scenario."""

    def __init__(self, answer: Answer, case: Case, group: Group) -> None:
        self._engine = priced(answer.engine, answer.scenario)
        self._case, self._group = case, group
        self.into = tuple(end for c in sorted(group.countries) for end in self._ends(c, "import"))
        own = {n: f.case.own_ports for n, f in answer.fates.items()}
        lost = {n: f.case.losses for n, f in answer.fates.items()}
        self._loads = Loads(self._engine, own, lost)
        self._taken = dict[tuple[str, str], float]()
        for row in records(answer.elsewhere[["commodity", "passes", "quantity_t"]]):
            for limit in self._loads.limits(row["passes"], row["commodity"]):
                self._taken[limit] = self._taken.get(limit, 0.0) + float(row["quantity_t"])

    def _ends(self, country: str, direction: Direction) -> tuple[End, ...]:
        return ends(self._engine, self._case.losses, country, self._group.commodity, direction)

    def to(self, supplier: str, wanted_t_y: float, before_d: float) -> list[tuple[float, _Road]]:
        """The cheapest open ways of a supplier that arrive in time, and t/yr by each.

        Each end takes what it has left, the cheapest way from it.
        """
        found = sorted((*self._by_line(supplier), *self._by_sea(supplier)), key=lambda r: r.usd_t)
        used, left = dict[str, tuple[float, _Road]](), wanted_t_y
        for road in found:
            take = min(left, road.most_t_y)
            if road.end not in used and take > 0 and road.days < before_d:
                used[road.end] = (take, road)
                left -= take
        return list(used.values())

    def from_ports(self, loads: Mapping[str, float], land: End) -> tuple[float, float, float]:
        """Mean USD/t and days from some ports to an end, weighted; tonnes that have a way."""
        quoted = self._quoted(set(loads), {land.port})
        ways = [(loads[a], w[1] + land.usd_t, w[2] + land.days) for (a, _), w in quoted.items()]
        whole = sum(t for t, _, _ in ways)
        if whole <= 0:
            return 0.0, 0.0, 0.0
        usd_t, days = (sum(w[0] * w[i] for w in ways) / whole for i in (1, 2))
        return usd_t, days, whole

    def _quoted(
        self, loads: Collection[str], lands: Collection[str]
    ) -> dict[tuple[str, str], tuple[int, float, float]]:
        """Passages, USD/t and days between ports that an open way joins."""
        pairs = [(a, b) for a in sorted(loads) for b in sorted(lands)]
        if not pairs or not self._case.calm.ships:
            return {}
        ways = self._engine.quotes(self._case.priced).best(self._case.losses.limited, pairs)
        rows = zip(pairs, ways.bits.tolist(), ways.cost_usd_t, ways.days, strict=True)
        return {p: (b, float(c), float(d)) for p, b, c, d in rows if np.isfinite(c)}

    def _by_line(self, supplier: str) -> Iterator[_Road]:
        commodity = self._group.commodity
        for importer in sorted(self._group.countries):
            for end in direct_ends(self._engine, self._case.losses, supplier, importer, commodity):
                most = self.most(end)
                if most > LEAST_T:
                    yield _Road(
                        end.passes[0], end.usd_t, end.days, most, f"by {' '.join(end.passes)}"
                    )

    def _by_sea(self, supplier: str) -> Iterator[_Road]:
        out = self._ends(supplier, "export")
        quoted = self._quoted({e.port for e in out}, {e.port for e in self.into})
        names = self._engine.network
        for load in out:
            most = self.most(load)
            for land in self.into:
                way = quoted.get((load.port, land.port))
                if way is None:
                    continue
                bits, usd_t, days = way
                by = " ".join(names.elements(bits))
                yield _Road(
                    load.port,
                    usd_t + load.usd_t + land.usd_t,
                    days + load.days + land.days,
                    most,
                    f"{load.port} to {land.port} by {by}" if by else f"{load.port} to {land.port}",
                )

    def most(self, end: End) -> float:
        """What an end can still take, t/yr."""
        limits = self._loads.limits(end.passes, self._group.commodity)
        left = (self._loads.spare(limit) - self._taken.get(limit, 0.0) for limit in limits)
        return max(0.0, min(left, default=np.inf))


def _stocks(answer: Answer, group: Group) -> Iterator[Option]:
    world = answer.engine.world
    stock = stock_of(world, group, answer.scenario.start, 1)
    if not stock.usable_t > 0:
        return
    days = _days(answer)
    known = not np.isnan(stock.draw_t_d)
    tonnes = min(stock.usable_t, stock.draw_t_d * days) if known else stock.usable_t
    yield Option(
        "stock",
        group.name,
        float(tonnes),
        float(tonnes),
        world.assumption("stock_draw_usd_t"),
        0.0,
        "data/stocks.csv",
        "estimate",
        "to be bought back later" + ("" if known else "; how fast it can be drawn is not known"),
    )
