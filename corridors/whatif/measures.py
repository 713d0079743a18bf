"""What a backtest can compute, by name: a figure of ours, how it comes about, why it may differ.

A row of data/whatif_results.csv names its measure; `MEASURES` has the function. No parameter was
chosen by looking at a row; where the published figure is an input too, ``how`` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from corridors.network import least_cost
from corridors.whatif.answer import Answer, Fate, disturb
from corridors.whatif.capacity import Plan, Problem, plan
from corridors.whatif.engine import Engine
from corridors.whatif.scenario import Rule, Scenario, known
from corridors.whatif.scenario_file import parse
from corridors.whatif.stocks import (
    UNMET,
    Backlog,
    Closure,
    Cover,
    Parts,
    Stock,
    backlog,
    cover,
    lost_share,
    timeline,
    usable_t,
)
from corridors.whatif.supply import YEAR_D, closure_of
from layers.errors import UnknownIdError, UsageError
from layers.world import records

if TYPE_CHECKING:
    from layers.world import World

__all__ = ["MEASURES", "Bench", "Measure", "left_behind"]
SUEZ, BAB, CAPE = "chokepoint:suez", "chokepoint:bab_el_mandeb", "chokepoint:cape_good_hope"
PANAMA, HORMUZ, ADEN = "chokepoint:panama", "chokepoint:hormuz", "chokepoint:gulf_of_aden"
EAST_WEST, HABSHAN = "pipeline:east_west_petroline", "pipeline:habshan_fujairah"
IRAQ_TURKIYE, GOREH_JASK = "pipeline:iraq_turkiye", "pipeline:goreh_jask"
BYPASSES = (EAST_WEST, HABSHAN, IRAQ_TURKIYE, GOREH_JASK)
RED_SEA_PORTS = ("SAYNB", "SAAMU")

OIL = ("crude_oil", "refined_products")
TANKER_CARGO = (*OIL, "lng", "lpg")
ASIA = ("EASIA", "SEASIA", "SASIA")

OTHERS = "others"

PREMIUMS = {"low": 0.7, "peak": 1.0}
"""War-risk premium of the Red Sea in 2024, % of hull (Lloyd's List LL1147660; the peak)."""
SEEN_BEFORE_SUEZ_D = 56.458
"""Ships a day that came to Suez before it was blocked, IMF PortWatch."""
ROUND_EXPORTS = {
    "SAU": 6.0, "ARE": 3.0, "IRQ": 3.5, "KWT": 2.5, "QAT": 1.5, "IRN": 2.4, OTHERS: 2.0
}  # fmt: skip
"""Round figures of what leaves by Hormuz, mb/d, which add up to the 20.9 of the US EIA."""
ROUND_BYPASS = {"SAU": 1.9, "ARE": 0.7}
"""Spare bypass, mb/d: 2.6 in all (US EIA, June 2025)."""
IEA_BYPASS_MBD = 5.5
CHINA_GAP_MBD = 5.4
"""China's crude oil by way of Hormuz as the rows of its stocks take it."""


@dataclass(frozen=True, eq=False)
class Bench:
    """What measures look at: the world, its engine, the scenarios; each answered once.

    Attributes
    ----------
    texts
        TOML and shown path of each scenario, by id.
    """

    world: World
    engine: Engine
    texts: Mapping[str, tuple[str, str]]
    answers: dict[Scenario, Answer] = field(default_factory=dict, repr=False)

    def scenario(self, name: str) -> Scenario:
        """The scenario of an id.

        Raises
        ------
        UnknownIdError
            For an id that ``texts`` does not hold.
        """
        if name not in self.texts:
            raise UnknownIdError("scenario", name, list(self.texts))
        text, path = self.texts[name]
        return parse(text, name=name, file=path, known=known(self.world))

    def answer(self, scenario: Scenario) -> Answer:
        """The engine's answer to a scenario."""
        if scenario not in self.answers:
            self.answers[scenario] = disturb(self.engine, scenario)
        return self.answers[scenario]

    def native(self, commodity: str) -> float:
        """Tonnes a year in the unit a commodity is traded in (mb/d of oil)."""
        table = self.world.commodities.set_index("commodity")["t_per_native"]
        return float(table[commodity])

    def traded(self, commodities: Iterable[str]) -> list[str]:
        """Those that the engine holds."""
        return [c for c in commodities if c in self.engine.markets]


@dataclass(frozen=True)
class Measure:
    """How a figure of ours is computed.

    Attributes
    ----------
    how, why
        One sentence each: how, and what separates ours from the published figure.
    applies
        Whether ours speaks to the published figure; else it is shown and not judged.
    """

    ours: Callable[[Bench, Scenario], float]
    how: str
    why: str = ""
    applies: bool = True


# Traffic through a passage


@dataclass(frozen=True)
class Traffic:
    """Tonnes and laden voyages a year through a passage, in calm times and now."""

    calm_t: float
    now_t: float
    calm_ships: float
    now_ships: float

    @property
    def tonnes(self) -> float:
        """Tonnes now over those of calm times."""
        return ratio(self.now_t, self.calm_t)

    @property
    def ships(self) -> float:
        """Voyages now over those of calm times."""
        return ratio(self.now_ships, self.calm_ships)


def traffic(
    answer: Answer,
    element: str,
    *,
    ships: Iterable[str] | None = None,
    commodities: Iterable[str] | None = None,
) -> Traffic:
    """What passes an element at sea; ships are tonnes over the full cargo of the class."""
    engine = answer.engine
    wanted = set(engine.tariffs if ships is None else ships)
    bit, found = engine.network.bit(element), np.zeros(4)
    for name in answer.fates if commodities is None else commodities:
        fate = answer.fates[name]
        s, market = fate.case.spread, fate.case.calm
        for i, ship in enumerate(market.ships):
            if ship in wanted:
                way = np.flatnonzero(((s.bits & bit) != 0) & (s.ship == i))
                calm = float(market.pair_tonnes[s.pair[way]] @ s.calm[way])
                now = float(fate.case.pair_tonnes[s.pair[way]] @ s.now[way])
                now += _moved_here(answer, name, ship, bit)
                found += [calm, now, *(np.array([calm, now]) / engine.cargo_t[ship])]
    return Traffic(*found.tolist())


def _moved_here(answer: Answer, commodity: str, ship: str, bit: np.uint64) -> float:
    """Tonnes from other gateways that a ship class takes through a passage."""
    rows = answer.elsewhere
    crosses = (rows["bits"].to_numpy(dtype=np.uint64) & bit) != 0
    mine = (rows["commodity"] == commodity) & (rows["ship_class"] == ship) & crosses
    return float(rows.loc[mine, "quantity_t"].sum())


def _ships_of(world: World, kind: str) -> list[str]:
    """Ship classes of a kind: tankers carry oil or gas, dry bulk carriers everything else."""
    trades = world.commodities.set_index("commodity")["ship_classes"]
    tankers = {ship for c in TANKER_CARGO for ship in str(trades[c]).split(";")}
    classes = world.ship_classes["ship_class"].tolist()
    return [s for s in classes if (s in tankers) == (kind == "tanker")]


def _share(bench: Bench, scenario: Scenario, element: str, kind: str, by: str) -> float:
    """Traffic of a kind of ship through a passage now, over that of calm times."""
    ships = _ships_of(bench.world, kind) if kind else None
    return float(getattr(traffic(bench.answer(scenario), element, ships=ships), by))


def _change_pct(bench: Bench, scenario: Scenario, element: str) -> float:
    return 100.0 * (_share(bench, scenario, element, "", "tonnes") - 1.0)


def _by_premium(
    bench: Bench, scenario: Scenario, element: str, kind: str, premium_pct: float
) -> float:
    """Share left by a premium on the hull at Bab el-Mandeb alone, with nothing limited."""
    alone = replace(scenario, rules=(Rule(BAB, war_risk_pct=premium_pct),))
    return _share(bench, alone, element, kind, "tonnes")


def _tonne_mile_rise(bench: Bench, scenario: Scenario) -> float:
    table = bench.answer(scenario).fleet.table
    return 100.0 * (ratio(table["asked_t_km"].sum(), table["calm_t_km"].sum()) - 1.0)


# Days


def _added_days(
    bench: Bench,
    scenario: Scenario,
    here: Iterable[str],
    there: Iterable[str],
    commodities: Iterable[str] | None = None,
    *,
    both_ways: bool = False,
) -> float:
    """Mean days added to the tonnes rerouted from some groups of countries to others."""
    answer, total = bench.answer(scenario), np.zeros(2)
    a, b = (
        np.array(sorted(set[str]().union(*map(bench.world.members, groups))))
        for groups in (here, there)
    )
    for name in bench.traded(answer.fates if commodities is None else commodities):
        fate = answer.fates[name]
        origin, importer = sides(answer, fate)
        legs = np.isin(origin, a) & np.isin(importer, b)
        if both_ways:
            legs |= np.isin(origin, b) & np.isin(importer, a)
        total += [fate.added_t_d[legs].sum(), fate.outcome[legs, 1].sum()]
    return ratio(*total)


def sides(answer: Answer, fate: Fate) -> tuple[np.ndarray, np.ndarray]:
    """(legs,) origin and importer."""
    flow = fate.case.calm.flow
    origin, importer = (answer.engine.sides[side][flow] for side in ("origin", "importer"))
    return origin.astype(str), importer.astype(str)


def _detour_d(
    bench: Bench, _: Scenario, ship: str, ports: tuple[str, str], shut: Sequence[str]
) -> float:
    """Days that shutting some passages adds to the fastest voyage of a ship class."""
    return _voyage_d(bench.engine, ship, ports, shut) - _voyage_d(bench.engine, ship, ports, ())


def _voyage_d(engine: Engine, ship: str, ports: tuple[str, str], shut: Sequence[str]) -> float:
    """Days of the fastest voyage, waiting included; the ship itself sails, so no land bridge."""
    tariff, net = engine.tariffs[ship], engine.network
    by_time = replace(tariff, usd_t_km=1.0 / tariff.km_d, passage_usd_t=tariff.passage_d)
    bridges = [p for p in net.passages if p.startswith("pipeline:")]
    rows = net.rows(ports)
    days = least_cost(net, by_time, rows[:1], rows[1:], net.word({*shut, *bridges}))
    return float(days[0, 0])


# The canals


def _blockage(bench: Bench, scenario: Scenario, arrivals_d: float | None = None) -> Backlog:
    """The queue at Suez: ships a day as usual in the year of the scenario unless said."""
    slots = bench.world.capacities.set_index("element")["capacity_transits_d"]
    if arrivals_d is None:
        counts = bench.world.transits.set_index(["chokepoint", "period"])["transits_d"]
        arrivals_d = float(counts["suez", str(_start(scenario).year)])
    return backlog(arrivals_d, scenario.duration_d, float(slots[SUEZ]))


def _start(scenario: Scenario) -> date:
    if scenario.start is None:
        raise UsageError(f"scenario {scenario.name} has no start, and its measures need one")
    return scenario.start


def _over_a_year(bench: Bench, scenario: Scenario) -> float:
    """Ships through Panama over the usual, mean of the year after the scenario starts."""
    answer, start = bench.answer(scenario), _start(scenario)
    first, last = date(start.year + 1, 1, 1), date(start.year + 2, 1, 1)
    days = np.arange((first - start).days, (last - start).days, dtype=np.float64)
    in_force = float(lost_share(days, closure_of(bench.world, answer)).mean())
    return 1.0 - in_force * (1.0 - traffic(answer, PANAMA).ships)


def _deepest(bench: Bench, scenario: Scenario) -> float:
    """Greatest draft at which a ship of the answer passes Panama, m."""
    answer = bench.answer(scenario)
    limits = [r.max_draft_m for r in scenario.rules if r.element == PANAMA]
    limit = min((d for d in limits if d is not None), default=np.inf)
    drafts = [
        min(float(ship["draft_m"]), limit)
        for ship in records(bench.world.ship_classes)
        if traffic(answer, PANAMA, ships=[str(ship["ship_class"])]).now_t > 0
    ]
    return max(drafts, default=float("nan"))


# Hormuz


def _on_line(bench: Bench, scenario: Scenario, line: str) -> float:
    """Crude oil on a line, mb/d: what it carries in calm times, recorded or ours, and more."""
    table = bench.world.pipelines.set_index("pipeline")["throughput_t_y"]
    recorded = float(np.nan_to_num(table[line.removeprefix("pipeline:")]))
    fate = bench.answer(scenario).fates["crude_oil"]
    legs = fate.case.calm.passing.get(line, np.empty(0, np.int64))
    usual = float(fate.outcome[legs, 0].sum())
    more = _moved_onto(bench.answer(scenario), line)
    return (max(recorded, usual) + more) / bench.native("crude_oil")


def _moved_onto(answer: Answer, line: str) -> float:
    """Tonnes a year that a line takes on top."""
    rows = answer.elsewhere
    return float(rows.loc[[line in p for p in rows["passes"]], "quantity_t"].sum())


def _bypass_increment(bench: Bench, scenario: Scenario) -> float:
    answer = bench.answer(scenario)
    return sum(_moved_onto(answer, line) for line in BYPASSES) / bench.native("crude_oil")


def _loaded(bench: Bench, scenario: Scenario, commodities: Iterable[str]) -> float:
    """Oil that the Saudi ports on the Red Sea load, mb/d."""
    answer, total = bench.answer(scenario), 0.0
    rows = answer.elsewhere
    for name in bench.traded(commodities):
        fate = answer.fates[name]
        here = fate.case.calm.sailing.legs["load"].isin(RED_SEA_PORTS).to_numpy()
        more = rows.loc[(rows["commodity"] == name) & rows["load"].isin(RED_SEA_PORTS)]
        tonnes = fate.outcome[here, 0].sum() + more["quantity_t"].sum()
        total += float(tonnes) / bench.native(name)
    return total


def _oil_through(bench: Bench, scenario: Scenario, *, now: bool) -> float:
    """Oil through Hormuz, mb/d, now or in calm times."""
    answer, total = bench.answer(scenario), 0.0
    for name in bench.traded(OIL):
        found = traffic(answer, HORMUZ, commodities=[name])
        total += (found.now_t if now else found.calm_t) / bench.native(name)
    return total


def _oil_lost(bench: Bench, scenario: Scenario) -> float:
    """Oil that arrives nowhere, mb/d."""
    fates = bench.answer(scenario).fates
    return sum(float(fates[n].outcome[:, 2:].sum()) / bench.native(n) for n in bench.traded(OIL))


def _rerouted_mt(bench: Bench, scenario: Scenario, commodity: str, origin: str) -> float:
    answer = bench.answer(scenario)
    if commodity not in answer.fates:
        return float("nan")
    fate = answer.fates[commodity]
    return float(fate.outcome[sides(answer, fate)[0] == origin, 1].sum()) / 1e6


# Arithmetic on others' figures, by the planner of the engine


def left_behind(
    exports: Mapping[str, float], bypass: Mapping[str, float], lost: float, *, pooled: bool
) -> Plan:
    """The plan for exports of which a share is lost, and bypasses shared or each its exporter's.

    Parameters
    ----------
    exports, bypass
        By exporter, any one unit.
    lost
        Share, 0–1.
    """
    names, owners = list(exports), list(bypass)
    routes = [
        (i, 0 if pooled else owners.index(name))
        for i, name in enumerate(names)
        if pooled or name in bypass
    ]
    spare = [sum(bypass.values())] if pooled else list(bypass.values())
    problem = Problem(
        tonnes=lost * np.array(list(exports.values())),
        group=np.array([i for i, _ in routes], dtype=np.int64),
        cost_usd_t=np.zeros(len(routes)),
        prior=np.zeros(len(routes)),
        use_column=np.arange(len(routes)),
        use_resource=np.array([r for _, r in routes], dtype=np.int64),
        use=np.ones(len(routes)),
        spare=np.array(spare),
    )
    return plan(problem, penalty_usd_t=1000.0)


def _round_stranded(
    _: Bench, __: Scenario, percent: int, *, pooled: bool, bypass: Mapping[str, float]
) -> float:
    found = left_behind(ROUND_EXPORTS, bypass, percent / 100, pooled=pooled)
    return float(found.unmet.sum())


def _china(bench: Bench, column: str) -> float:
    """A figure of China's stock of crude oil."""
    table = bench.world.stocks.set_index(["country", "commodity"])[column]
    return float(table["CHN", "crude_oil"])


def _import_cover(bench: Bench, _: Scenario) -> float:
    """Days that all of China's stock of crude oil lasts for its imports."""
    market = bench.engine.markets["crude_oil"]
    imports = market.tonnes[bench.engine.imported_by(market, {"CHN"})].sum()
    return ratio(_china(bench, "stock_t"), float(imports) / YEAR_D)


def _china_cover(bench: Bench, scenario: Scenario) -> Cover:
    """Cover of China's stock against the gap of the published figures."""
    gap = CHINA_GAP_MBD * bench.native("crude_oil") / YEAR_D
    share = bench.world.assumption("stock_usable_share")
    usable = usable_t(_china(bench, "stock_t"), share=share)
    parts = Parts(np.array([gap]), np.array([UNMET]), np.zeros(1), np.zeros(1))
    closure = Closure(scenario.duration_d)
    return cover(timeline(parts, Stock(usable, _china(bench, "draw_t_d")), closure, horizon_d=1))


def _gap_cover(bench: Bench, scenario: Scenario) -> float:
    return float(_china_cover(bench, scenario).gap_cover_d or np.nan)


def _unmet_after_draw(bench: Bench, scenario: Scenario) -> float:
    t_d = _china_cover(bench, scenario).unmet_after_draw_t_d
    return float(np.nan if t_d is None else t_d) * YEAR_D / bench.native("crude_oil")


def _nothing(_: Bench, __: Scenario) -> float:
    return float("nan")


def ratio(part: float, whole: float) -> float:
    """Part of a whole; NaN of a whole of nothing."""
    return float(part / whole) if whole != 0 else float("nan")


# The measures

_INPUT = "an input of the scenario or of capacities.csv: shows that the answer keeps to it"
_ARITHMETIC = "by the engine’s own functions, on the published inputs"
_NO_CONTAINERS = "published for all ships; ours carry energy, grain and potash, and no containers"
_EVEN = (
    "slots were booked and auctioned, so ships that seldom book ahead gave way first; "
    "ours take the same share from every ship"
)
_KINDS = ("tanker", "dry")
_PASSAGES = {"bab": BAB, "suez": SUEZ}
_WAY = {
    "bab": "t/yr through Bab el-Mandeb in the answer over calm times: an input of the scenario, "
    "which limits it by class",
    "suez": "t/yr through Suez in the answer over calm times",
}
_LEFT_WHY = {
    "tanker": "the engine ranks ways by cost alone: owners, flags and charterers who saw the risk "
    "differently are not in it",
    "dry": "much of our dry cargo at Suez lands in the Red Sea, north of Bab el-Mandeb, and stays; "
    "the count holds ore, steel and cement too",
}

MEASURES: Mapping[str, Measure] = {
    "backlog_ships": Measure(
        lambda bench, s: _blockage(bench, s).ships,
        "ships a day as usual in 2021 (transits.csv) times the days closed",
        "the canal counts every ship, PortWatch those it sees",
    ),
    "backlog_ships_worked": Measure(
        lambda bench, s: _blockage(bench, s, SEEN_BEFORE_SUEZ_D).ships,
        f"{SEEN_BEFORE_SUEZ_D} ships a day times the days closed, {_ARITHMETIC}",
    ),
    "clearing_days": Measure(
        lambda bench, s: _blockage(bench, s).passed_d,
        "our queue over the ships a day that the canal lets through (capacities.csv), first in, "
        "first out",
    ),
    "back_to_usual_days": Measure(
        lambda bench, s: _blockage(bench, s).normal_d or float("nan"),
        "our queue over the ships a day let through less those that come",
    ),
    **{
        f"share_left_{place}_{kind}": Measure(
            partial(_share, element=element, kind=kind, by="tonnes"), _WAY[place], _LEFT_WHY[kind]
        )
        for place, element in _PASSAGES.items()
        for kind in _KINDS
    },
    **{
        f"share_left_{place}_{kind}_premium_{level}": Measure(
            partial(_by_premium, element=element, kind=kind, premium_pct=premium),
            f"t/yr left by a premium of {premium:g} % of hull at Bab el-Mandeb alone, no limits: "
            "a test of the prices and of the logit",
            f"at {premium:g} % a way round pays for few ships: fear, crews, cargo insurance and "
            "charterers’ bans are no part of a hull premium"
            if level == "low"
            else _LEFT_WHY[kind],
        )
        for level, premium in PREMIUMS.items()
        for place, element in _PASSAGES.items()
        for kind in _KINDS
    },
    **{
        f"cape_rise_{kind}{suffix}": Measure(
            partial(_share, element=CAPE, kind=kind, by=by),
            f"{text} round the Cape in the answer over calm times",
            "ours holds no ore, which is much of what rounds the Cape anyway, and no ships in "
            "ballast",
        )
        for kind in _KINDS
        for suffix, by, text in (("", "ships", "voyages"), ("_dwt", "tonnes", "t/yr"))
    },
    "suez_tonnage_change": Measure(
        partial(_change_pct, element=SUEZ),
        "t/yr of our trade through Suez against calm times",
        _NO_CONTAINERS,
        applies=False,
    ),
    "aden_tonnage_change": Measure(
        partial(_change_pct, element=ADEN),
        "t/yr of our trade through the Gulf of Aden against calm times",
        _NO_CONTAINERS,
        applies=False,
    ),
    "cape_tonnage_change": Measure(
        partial(_change_pct, element=CAPE),
        "t/yr of our trade round the Cape against calm times",
        _NO_CONTAINERS,
        applies=False,
    ),
    "tonne_mile_rise_all": Measure(
        _tonne_mile_rise,
        "tonne-km asked of all ship classes over calm times",
        _NO_CONTAINERS,
        applies=False,
    ),
    "added_days_suez": Measure(
        partial(_added_days, here=ASIA, there=("EUR",), both_ways=True),
        "mean days added to the tonnes rerouted between Asia and Europe",
        "two fifths of our cargo are of the Black Sea and the Mediterranean, for which the Cape "
        "adds 17 to 22 days; the published mean is of all ships, containers among them",
    ),
    "added_days_gulf_europe": Measure(
        partial(_added_days, here=("GULF",), there=("EUR",), commodities=TANKER_CARGO),
        "mean days added to the oil and gas rerouted from the Gulf to Europe",
        "the source names no ports; much of our oil goes to the Mediterranean, part of it by "
        "SUMED, for which the Cape adds more",
    ),
    "voyage_added_days_asia_europe": Measure(
        partial(_detour_d, ship="lr2", ports=("CNSHA", "NLRTM"), shut=(SUEZ, PANAMA)),
        "Shanghai to Rotterdam by LR2 at 13 knots, with Suez and Panama shut and open",
    ),
    "voyage_added_days_gulf_europe": Measure(
        partial(_detour_d, ship="lr2", ports=("SARTA", "NLRTM"), shut=(SUEZ,)),
        "Ras Tanura to Rotterdam by LR2 at 13 knots, with Suez shut and open; the wait at Suez "
        "is saved",
    ),
    "panama_slots_ratio": Measure(
        partial(_share, element=PANAMA, kind="", by="ships"),
        "laden voyages through Panama in the answer over calm times",
        "a limit is a share of tonnes and not of ships: with the draft cut, smaller ships take "
        "over from larger ones",
    ),
    "panama_tonnage_ratio": Measure(
        partial(_share, element=PANAMA, kind="", by="tonnes"),
        "t/yr through Panama in the answer over calm times",
    ),
    **{
        f"panama_{kind}_ratio": Measure(
            partial(_share, element=PANAMA, kind=kind, by="tonnes"),
            "t/yr through Panama of the class in the answer over calm times",
            _EVEN,
        )
        for kind in _KINDS
    },
    "panama_transits_ratio": Measure(
        _over_a_year,
        "laden voyages through Panama, mean of 2024 with the scenario’s recovery, over calm times",
        "see the slots: voyages of smaller ships",
    ),
    "panama_draft_m": Measure(_deepest, f"greatest draft of a class that passes; {_INPUT}"),
    "added_days_us_gulf_asia": Measure(
        partial(
            _detour_d,
            ship="panamax_bulk",
            ports=("USMSY", "CNSHA"),
            shut=(PANAMA, CAPE, "chokepoint:magellan", "chokepoint:drake"),
        ),
        "New Orleans to Shanghai by Kamsarmax at 12.5 knots: by Suez, against Panama",
    ),
    "east_west_total": Measure(
        partial(_on_line, line=EAST_WEST),
        "recorded flow plus what the answer adds",
        "the Red Sea ports bind before the line: the rest of the 7 feeds refineries on the coast, "
        "which buy no import",
    ),
    "yanbu_loading": Measure(
        partial(_loaded, commodities=OIL),
        "crude oil and products that Yanbu and Muajjiz load in the answer",
    ),
    "yanbu_crude_limit": Measure(
        partial(_loaded, commodities=("crude_oil",)),
        f"crude oil that Yanbu and Muajjiz load in the answer; {_INPUT}",
    ),
    "fujairah_flow": Measure(
        partial(_on_line, line=HABSHAN),
        f"usual flow plus what the answer adds; the capacity is {_INPUT}",
    ),
    "iraq_turkiye_flow": Measure(
        partial(_on_line, line=IRAQ_TURKIYE),
        f"recorded flow plus what the answer adds; the capacity is {_INPUT}",
    ),
    "bypass_increment": Measure(
        _bypass_increment, "what the answer adds on the four lines that leave the Gulf by land"
    ),
    "gross_hormuz_oil": Measure(
        partial(_oil_through, now=False),
        "crude oil and products through Hormuz in calm times",
        "the published figure counts all petroleum; ours holds the 200 largest pairs of products "
        "and none of Iran’s crude oil under its own name",
    ),
    "hormuz_oil_left": Measure(
        partial(_oil_through, now=True),
        "crude oil and products through Hormuz in the answer",
        "the scenario keeps the ratio of ships of March for the whole time; tankers of May and "
        "June were more, and the oil in ours is less to begin with",
    ),
    "net_loss": Measure(
        _oil_lost,
        "crude oil and products that arrive nowhere, of the flows that ours holds",
        "our gross flow is smaller, see the oil through Hormuz before",
    ),
    "hormuz_transits_ratio": Measure(
        partial(_share, element=HORMUZ, kind="", by="ships"),
        f"voyages through Hormuz in the answer over calm times; {_INPUT}",
    ),
    "qatar_lng_way_out": Measure(
        partial(_rerouted_mt, commodity="lng", origin="QAT"),
        "LNG of Qatar that finds another way in the answer, Mt a year",
    ),
    **{
        f"{name}_stranded_d{percent}": Measure(
            partial(_round_stranded, percent=percent, pooled=name == "pooled", bypass=ROUND_BYPASS),
            f"the least-cost plan of capacity.plan, {_ARITHMETIC}",
        )
        for name in ("pooled", "exporter")
        for percent in (10, 30, 50, 100)
    },
    "pooled_stranded_d100_wide": Measure(
        partial(_round_stranded, percent=100, pooled=True, bypass={"": IEA_BYPASS_MBD}),
        f"the least-cost plan of capacity.plan, {_ARITHMETIC}",
    ),
    "chn_import_cover": Measure(_import_cover, "stock in stocks.csv over our imports a day"),
    "chn_gap_cover": Measure(
        _gap_cover, "usable part of stocks.csv over a gap of 5.4 mb/d, by the timeline"
    ),
    "chn_unmet_after_draw": Measure(
        _unmet_after_draw, "gap of 5.4 mb/d less the most drawn a day, by the timeline"
    ),
    "price_rise_pct": Measure(
        _nothing,
        "not computed",
        "the engine moves tonnes and prices of transport; it has no market price of oil",
        applies=False,
    ),
}
