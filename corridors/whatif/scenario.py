"""A scenario: what is closed, limited, dearer or opened, from when and for how long.

Text or words in, one frozen value out; nothing here reads a file or a clock. A scenario says each
number of an element, ship class and commodity once: rules that overlap and differ are refused, so
the order of rules can't matter and two scenarios that say the same are equal.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, TypeGuard

from layers.errors import UsageError

if TYPE_CHECKING:
    from layers.world import World

__all__ = [
    "Drawn",
    "Known",
    "Rule",
    "Scenario",
    "combine",
    "diff",
    "known",
    "make_scenario",
    "told",
]


MOST = 200
"""Most rules, and most points drawn, of one scenario."""


DIGITS = 12


@dataclass(frozen=True)
class Rule:
    """What holds at one element, for some ships and commodities.

    Attributes
    ----------
    element
        ``chokepoint:…``, ``port:…``, ``railway:…``, ``pipeline:…``, ``origin:ISO3`` (its supply)
        or ``drawn:NAME``.
    lost
        Share of the usual traffic or supply that is lost, 0–1; 1 is closed.
    ships, commodities
        Those it holds for, sorted; empty: all.
    max_draft_m
        Ships that draw more must load light; None: no limit but the passage's own.
    delay_d, toll_usd_t, war_risk_pct
        Added to each transit: days, USD a tonne, percent of the value of the hull.

    Notes
    -----
    Two rules of a scenario that hold for the same ship and commodity agree in every number both
    say, so the greater of each is what holds; they never add up.
    """

    element: str
    lost: float = 0.0
    ships: tuple[str, ...] = ()
    commodities: tuple[str, ...] = ()
    max_draft_m: float | None = None
    delay_d: float = 0.0
    toll_usd_t: float = 0.0
    war_risk_pct: float = 0.0


@dataclass(frozen=True)
class Drawn:
    """A line drawn on the map, or a polygon when `area`; points are (lon, lat), not closed."""

    name: str
    points: tuple[tuple[float, float], ...]
    area: bool


@dataclass(frozen=True)
class Scenario:
    """What is disrupted, from when, for how long. Made by the functions of this module.

    Attributes
    ----------
    name
        Id; the others are for people.
    rules
        Sorted, each number said once (see `make_scenario`).
    opened
        Elements that are shut or not built in the baseline, and open here.
    switches
        Option of each switch of ``relabels.csv`` that is set.
    start
        First day, None when no date is meant.
    duration_d
        Days the rules hold in full.
    recovery_d
        Days after that in which they fade evenly to nothing.
    sources
        What the numbers rest on, in words.
    """

    name: str
    name_en: str
    name_zh: str
    note: str
    rules: tuple[Rule, ...]
    opened: tuple[str, ...]
    drawn: tuple[Drawn, ...]
    switches: tuple[tuple[str, str], ...]
    start: date | None
    duration_d: float
    recovery_d: float
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """Ids a scenario may name.

    Attributes
    ----------
    carries
        Commodities of each ship class.
    switches
        Options of each switch.
    """

    elements: frozenset[str]
    countries: frozenset[str]
    commodities: frozenset[str]
    carries: Mapping[str, frozenset[str]]
    switches: Mapping[str, frozenset[str]]


def known(world: World) -> Known:
    """Ids of a world that a scenario may name."""
    carriers = dict(
        zip(world.commodities["commodity"], world.commodities["ship_classes"], strict=True)
    )
    options: dict[str, set[str]] = {}
    for switch, option in zip(world.relabels["switch"], world.relabels["option"], strict=True):
        options.setdefault(switch, {"customs"}).add(option)
    return Known(
        elements=frozenset(world.elements()),
        countries=frozenset(world.countries["country"]),
        commodities=frozenset(carriers),
        carries={
            ship: frozenset(c for c, ships in carriers.items() if ship in ships.split(";"))
            for ship in world.ship_classes["ship_class"]
        },
        switches={switch: frozenset(found) for switch, found in options.items()},
    )


@dataclass(frozen=True)
class Range:
    low: float
    high: float
    above: bool = False

    def holds(self, value: object) -> TypeGuard[float]:
        """Whether it is a number of this range; true and false are none, nor is NaN."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return (value > self.low if self.above else value >= self.low) and value <= self.high

    def __str__(self) -> str:
        start = f"above {self.low:g} and up" if self.above else f"from {self.low:g}"
        return f"a number {start} to {self.high:,.15g}"


SHARE, _DAYS = Range(0, 1), Range(0, 3650)


RANGES = {
    "to": SHARE,
    "lost": SHARE,
    "max_draft_m": Range(0, 50, above=True),
    "delay_d": _DAYS,
    "toll_usd_t": Range(0, 1e6),
    "war_risk_pct": Range(0, 100),
    "duration_d": Range(0, 3650, above=True),
    "recovery_d": _DAYS,
}


LON, LAT = Range(-180, 180), Range(-90, 90)


_UNSAID: Mapping[str, float | None] = {
    "lost": 0.0,
    "max_draft_m": None,
    "delay_d": 0.0,
    "toll_usd_t": 0.0,
    "war_risk_pct": 0.0,
}
"""Numbers of a rule, and their values when nothing is said."""


def make_scenario(
    name: str,
    *,
    name_en: str = "",
    name_zh: str = "",
    note: str = "",
    rules: Iterable[Rule] = (),
    opened: Iterable[str] = (),
    drawn: Iterable[Drawn] = (),
    switches: Iterable[tuple[str, str]] = (),
    start: date | None = None,
    duration_d: float = 365.0,
    recovery_d: float = 0.0,
    sources: Iterable[str] = (),
) -> Scenario:
    """A scenario in the one form that all scenarios have that say the same.

    Rules of one element, ships and commodities become one; what a wider rule says as well is left
    out, and so is a rule that says nothing. Shares keep 12 digits. Everything is sorted. Ids are
    not looked up.

    Raises
    ------
    UsageError
        For numbers out of range, rules that overlap and differ, an element both opened and
        closed, a drawing without enough points, more than 200 rules, points or sources.
    """
    rules = [_tidy(rule) for rule in rules]
    shapes = sorted({open_ring(shape) for shape in drawn}, key=lambda shape: shape.name)
    set_to = sorted(set(switches))
    sources = sorted({source for source in sources if source.strip()})
    wrong = [
        *_range_faults({"duration_d": duration_d, "recovery_d": recovery_d}, ""),
        *(fault for rule in rules for fault in _range_faults(numbers_of(rule), rule.element)),
        *_misplaced(rules, shapes),
        *_opened_and_closed(rules, opened := sorted(set(opened))),
        *(f"{a} is set to {x} and to {y}" for (a, x), (b, y) in pairwise(set_to) if a == b),
        *_shape_faults(shapes),
    ]
    said = [(rule, numbers_of(rule)) for rule in rules]
    wrong += [clash_told(said, *clash) for clash in contradictions(said)]
    merged = () if wrong else merged_rules(rules)
    for many, what in ((merged, "rules"), (sources, "sources")):
        if len(many) > MOST:
            wrong.append(f"{len(many)} {what} are more than {MOST}")
    if wrong:
        raise UsageError("; ".join(dict.fromkeys(wrong)))
    return Scenario(
        name=name,
        name_en=name_en or name,
        name_zh=name_zh or name_en or name,
        note=note,
        rules=merged,
        opened=tuple(opened),
        drawn=tuple(shapes),
        switches=tuple(set_to),
        start=start,
        duration_d=float(duration_d),
        recovery_d=float(recovery_d),
        sources=tuple(sources),
    )


Scope = tuple[str, tuple[str, ...], tuple[str, ...]]


Numbers = Mapping[str, float]


def scope_of(rule: Rule) -> Scope:
    return rule.element, rule.ships, rule.commodities


def numbers_of(rule: Rule) -> dict[str, float]:
    """Numbers of a rule that say something."""
    values = {name: getattr(rule, name) for name in _UNSAID}
    return {name: value for name, value in values.items() if value != _UNSAID[name]}


def _tidy(rule: Rule) -> Rule:
    """The rule with names sorted and the share rounded, where it is a number at all."""
    share = round(float(rule.lost), DIGITS) if SHARE.holds(rule.lost) else rule.lost
    ships, commodities = (tuple(sorted(set(n))) for n in (rule.ships, rule.commodities))
    return replace(rule, lost=share, ships=ships, commodities=commodities)


def open_ring(shape: Drawn) -> Drawn:
    """The drawing with an area's first point not said again at its end."""
    points = tuple(shape.points)
    while shape.area and len(points) > 1 and points[0] == points[-1]:
        points = points[:-1]
    return replace(shape, points=points)


def _covers(wide: Scope, narrow: Scope) -> bool:
    """Whether all that the narrow scope holds for is in the wide one."""
    return wide[0] == narrow[0] and all(
        not more or (less and set(less) <= set(more))
        for more, less in zip(wide[1:], narrow[1:], strict=True)
    )


def _overlap(a: Rule, b: Rule) -> bool:
    sides = ((a.ships, b.ships), (a.commodities, b.commodities))
    return a.element == b.element and all(
        not one or not other or not set(one).isdisjoint(other) for one, other in sides
    )


def merged_rules(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """One rule a scope, with the numbers that no wider scope says, sorted."""
    found: dict[Scope, dict[str, float]] = {}
    for name in _UNSAID:
        said = {
            scope_of(rule): numbers_of(rule)[name] for rule in rules if name in numbers_of(rule)
        }
        by_element: dict[str, list[Scope]] = {}
        for scope in said:
            by_element.setdefault(scope[0], []).append(scope)
        for scope, value in said.items():
            others = (other for other in by_element[scope[0]] if other != scope)
            if not any(_covers(other, scope) for other in others):
                found.setdefault(scope, {})[name] = float(value)
    return tuple(
        with_numbers(Rule(element, ships=ships, commodities=commodities), numbers)
        for (element, ships, commodities), numbers in sorted(found.items())
    )


def with_numbers(rule: Rule, numbers: Numbers) -> Rule:
    """The rule that says these numbers and no others."""
    return Rule(
        rule.element,
        lost=numbers.get("lost", 0.0),
        ships=rule.ships,
        commodities=rule.commodities,
        max_draft_m=numbers.get("max_draft_m"),
        delay_d=numbers.get("delay_d", 0.0),
        toll_usd_t=numbers.get("toll_usd_t", 0.0),
        war_risk_pct=numbers.get("war_risk_pct", 0.0),
    )


def contradictions(said: Sequence[tuple[Rule, Numbers]]) -> Iterator[tuple[int, int, str]]:
    """Each rule that contradicts an earlier one: the first such, the rule, and the number."""
    by_element: dict[str, list[int]] = {}
    for j, (rule, numbers) in enumerate(said):
        earlier = by_element.setdefault(rule.element, [])
        for name, value in numbers.items():
            against = (i for i in earlier if said[i][1].get(name, value) != value)
            first = next((i for i in against if _overlap(rule, said[i][0])), None)
            if first is not None:
                yield first, j, name
        earlier.append(j)


def clash_told(
    said: Sequence[tuple[Rule, Numbers]], i: int, j: int, name: str, where: str = ""
) -> str:
    """In words, two rules that differ where they overlap."""
    one, other = (_number_told(name, said[k][1][name]) for k in (i, j))
    scopes = scope_of(said[i][0])[1:], scope_of(said[j][0])[1:]
    whom = "" if scopes[0] == scopes[1] else ", for ships or commodities that overlap"
    return f"{said[j][0].element}: {other}, and {one}{where}{whom}"


def _range_faults(numbers: Mapping[str, object], of: str) -> Iterator[str]:
    for name, value in numbers.items():
        if not RANGES[name].holds(value):
            where = f"{name} of {of}" if of else name
            yield f"{shown_value(value)} is not {RANGES[name]}, in {where}"


def _misplaced(rules: Sequence[Rule], shapes: Sequence[Drawn]) -> Iterator[str]:
    drawn = {f"drawn:{shape.name}" for shape in shapes}
    for rule in rules:
        if rule.element.startswith("drawn:") and rule.element not in drawn:
            yield f"{rule.element} is not drawn"
        if rule.element.startswith("origin:") and (rule.ships or {*numbers_of(rule)} - {"lost"}):
            yield f"{rule.element} can lose supply, by commodity, and nothing else"


def _opened_and_closed(rules: Sequence[Rule], opened: Collection[str]) -> Iterator[str]:
    for rule in rules:
        if is_closure(rule) and rule.element in opened:
            yield f"{rule.element} is both opened and closed"


def is_closure(rule: Rule) -> bool:
    return rule.lost == 1 and not rule.ships and not rule.commodities


def _shape_faults(shapes: Sequence[Drawn]) -> Iterator[str]:
    total = sum(len(shape.points) for shape in shapes)
    if total > MOST:
        yield f"{total} points drawn are more than {MOST}"
    for shape, after in pairwise(shapes):
        if shape.name == after.name:
            yield f"{shape.name!r} is drawn twice"
    for shape in shapes:
        if not shape.name.strip():
            yield "a drawing has no name"
        if fault := shape_fault(shape):
            yield f"drawn:{shape.name}: {fault}"


def shape_fault(shape: Drawn) -> str:
    least, what = (3, "an area") if shape.area else (2, "a line")
    for point in shape.points:
        if not (LON.holds(point[0]) and LAT.holds(point[1])):
            return no_point(list(point))
    if len(set(shape.points)) < least:
        return f"{len(set(shape.points))} different points are too few for {what}"
    return ""


def shown_value(value: object) -> str:
    """A value found where another was due, short enough to print."""
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits has no decimal form
        return "a huge number"
    return text if len(text) <= 60 else f"{text[:59]}…"


def _number_told(name: str, value: float) -> str:
    if name == "lost":
        return "closed" if value == 1 else f"limited to {left_of(value)} of usual"
    words = {
        "max_draft_m": "draft limited to {} m",
        "delay_d": "delay {} d",
        "toll_usd_t": "toll {} USD/t",
        "war_risk_pct": "war risk {} % of hull value",
    }
    return words[name].format(plain_number(value))


def told(rule: Rule) -> str:
    """A rule in one line of plain words."""
    said = ", ".join(_number_told(name, value) for name, value in numbers_of(rule).items())
    return f"{_where(scope_of(rule))}: {said or 'nothing said'}"


def _where(scope: Scope) -> str:
    element, ships, commodities = scope
    whom = f" for {', '.join(ships)}" if ships else ""
    what = f" with {', '.join(commodities)}" if commodities else ""
    return element + whom + what


def not_carried(ships: Iterable[str], commodities: Iterable[str], known: Known) -> Iterator[str]:
    """A fault for each ship class with nothing to carry, else for each commodity with no ship."""
    classes = [ship for ship in dict.fromkeys(ships) if ship in known.carries]
    cargoes = [cargo for cargo in dict.fromkeys(commodities) if cargo in known.commodities]
    if not classes or not cargoes:
        return
    empty = [ship for ship in classes if known.carries[ship].isdisjoint(cargoes)]
    for ship in empty:
        yield f"{ship} carries no {' or '.join(cargoes)}"
    for cargo in [] if empty else cargoes:
        if all(cargo not in known.carries[ship] for ship in classes):
            yield f"{cargo} is carried by none of {', '.join(classes)}"


def no_point(point: object) -> str:
    return f"{shown_value(point)} is no [longitude, latitude] within 180 and 90 degrees"


def left_of(lost: float) -> str:
    return plain_number(round(1 - lost, DIGITS))


def plain_number(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def combine(
    *scenarios: Scenario,
    name: str,
    duration_d: float | None = None,
    recovery_d: float | None = None,
) -> Scenario:
    """All scenarios at once, in any order.

    Rules, openings, drawings, switches and sources are those of all; it starts with the earliest
    and lasts, and takes to recover, as long as the longest, unless said.

    Raises
    ------
    UsageError
        When two of them contradict each other, or there is none.
    """
    if not scenarios:
        raise UsageError("there is no scenario to combine")
    starts = [one.start for one in scenarios if one.start]
    return make_scenario(
        name,
        name_en=" + ".join(sorted({one.name_en for one in scenarios})),
        name_zh=" + ".join(sorted({one.name_zh for one in scenarios})),
        note="\n".join(sorted({one.note for one in scenarios if one.note})),
        rules=[rule for one in scenarios for rule in one.rules],
        opened=[element for one in scenarios for element in one.opened],
        drawn=[shape for one in scenarios for shape in one.drawn],
        switches=[pair for one in scenarios for pair in one.switches],
        start=min(starts) if starts else None,
        duration_d=max(s.duration_d for s in scenarios) if duration_d is None else duration_d,
        recovery_d=max(s.recovery_d for s in scenarios) if recovery_d is None else recovery_d,
        sources=[source for one in scenarios for source in one.sources],
    )


def diff(a: Scenario, b: Scenario) -> list[str]:
    """What differs between two scenarios but their ids, a sentence each; none when all is equal."""
    one, other = (a.name, b.name) if a.name != b.name else ("the first", "the second")
    found = []
    for what, x, y in (
        ("English name", a.name_en, b.name_en),
        ("Chinese name", a.name_zh, b.name_zh),
        ("start", a.start or "no date", b.start or "no date"),
        ("duration", f"{plain_number(a.duration_d)} d", f"{plain_number(b.duration_d)} d"),
        ("recovery", f"{plain_number(a.recovery_d)} d", f"{plain_number(b.recovery_d)} d"),
    ):
        if x != y:
            found.append(f"{what}: {x} in {one}, {y} in {other}")
    if a.note != b.note:
        found.append("the notes differ")
    for all_told, others, where in ((_parts(a), _parts(b), one), (_parts(b), _parts(a), other)):
        found += [f"only in {where}: {part}" for part in all_told if part not in others]
    return found


def _parts(scenario: Scenario) -> list[str]:
    """Everything a scenario says of its elements and sources, a line each."""
    return [
        *(told(rule) for rule in scenario.rules),
        *(f"{element}: opened" for element in scenario.opened),
        *(_shape_told(shape) for shape in scenario.drawn),
        *(f"{switch} set to {option}" for switch, option in scenario.switches),
        *(f"source: {source}" for source in scenario.sources),
    ]


def _shape_told(shape: Drawn) -> str:
    points = ", ".join(f"{plain_number(lon)} {plain_number(lat)}" for lon, lat in shape.points)
    return f"drawn:{shape.name}: {'an area' if shape.area else 'a line'} through {points}"
