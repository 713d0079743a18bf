"""A scenario from the words of a command line."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from corridors.whatif.scenario import (
    RANGES,
    Known,
    Rule,
    Scenario,
    make_scenario,
    not_carried,
    with_numbers,
)
from layers.errors import UnknownIdError, UsageError

__all__ = ["from_options"]


def from_options(
    known: Known,
    *,
    name: str = "command_line",
    close: Sequence[str] = (),
    limit: Sequence[str] = (),
    supply: Sequence[str] = (),
    war_risk: Sequence[str] = (),
    toll: Sequence[str] = (),
    delay: Sequence[str] = (),
    opened: Sequence[str] = (),
    switches: Mapping[str, str] | None = None,
    ships: Sequence[str] = (),
    commodities: Sequence[str] = (),
    start: date | None = None,
    duration_d: float = 365.0,
    recovery_d: float = 0.0,
) -> Scenario:
    """The scenario of a command line.

    Parameters
    ----------
    close, opened
        Ids of elements.
    limit
        ``element=share`` that may pass.
    supply
        ``ISO3=share`` an origin still sends.
    war_risk, toll, delay
        ``element=number``: percent of hull value, USD a tonne, days.
    ships, commodities
        Those all rules hold for (supply: commodities only); empty: all.

    Raises
    ------
    UnknownIdError
        For an element, country, ship class, commodity, switch or option that is not known.
    UsageError
        For what is no ``name=number``, a number out of range, or a contradiction.
    """
    for kind, ids, all_known in (
        ("element", (*close, *opened), known.elements),
        ("ship class", ships, known.carries),
        ("commodity", commodities, known.commodities),
        ("switch", tuple(switches or ()), known.switches),
    ):
        for id in ids:
            _must_know(kind, id, all_known)
    for switch, option in (switches or {}).items():
        _must_know(f"option of {switch}", option, known.switches[switch])
    for fault in not_carried(ships, commodities, known):
        raise UsageError(fault)
    parts = {"war_risk_pct": war_risk, "toll_usd_t": toll, "delay_d": delay}
    rules = [
        *(Rule(element, lost=1.0) for element in close),
        *(
            Rule(element, lost=1 - to)
            for element, to in _told_numbers(limit, "to", "element", known.elements)
        ),
        *(
            with_numbers(Rule(element), {key: number})
            for key, words in parts.items()
            for element, number in _told_numbers(words, key, "element", known.elements)
        ),
    ]
    supplied = [
        Rule(f"origin:{country}", lost=1 - to, commodities=tuple(commodities))
        for country, to in _told_numbers(supply, "to", "country", known.countries)
    ]
    whom, what = tuple(ships), tuple(commodities)
    return make_scenario(
        name,
        rules=[*(replace(rule, ships=whom, commodities=what) for rule in rules), *supplied],
        opened=opened,
        switches=(switches or {}).items(),
        start=start,
        duration_d=duration_d,
        recovery_d=recovery_d,
    )


def _must_know(kind: str, id: str, known: Collection[str]) -> None:
    if id not in known:
        raise UnknownIdError(kind, id, sorted(known))


def _told_numbers(
    words: Iterable[str], key: str, kind: str, known: Collection[str]
) -> Iterator[tuple[str, float]]:
    """Id and number of each ``id=number``."""
    for word in words:
        id, sign, number = word.rpartition("=")
        if not sign:
            raise UsageError(f"{word!r} is not {kind}=number")
        _must_know(kind, id, known)
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not RANGES[key].holds(value):
            raise UsageError(f"{number!r} is not {RANGES[key]}, in {word}")
        yield id, value
