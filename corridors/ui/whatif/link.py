"""A scenario as it is being built, and as an address that restores it exactly.

``?scenario=hormuz_full`` is one of the library as it stands; ``?close=chokepoint:hormuz`` shuts
elements. Everything else is said in ids and numbers::

    rule=chokepoint:hormuz~l0.5~w0.3~svlcc.suezmax     a rule, as often as there are rules
    days=90 fade=30 start=2026-03-01                   when
    open=chokepoint:northern_sea_route set=malacca~x   opened, and how origins are counted
    area=name~119~24~120~24~119.5~25                   drawn; or line=

An address is hostile until it is read: what it says goes through the same checks as a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from corridors.whatif.scenario import (
    Drawn,
    Known,
    Rule,
    Scenario,
    make_scenario,
    numbers_of,
    with_numbers,
)
from corridors.whatif.scenario_file import parse, to_toml
from layers.errors import CorridorsError, UsageError

Query = Mapping[str, Sequence[str]]

OWN = "own"
"""Id of a scenario that is none of the library."""

NONE = "none"
"""In an address: nothing is closed."""

CLOSED_D = 90.0
"""Days for which an element closed by a click stays closed, until said otherwise."""

KEYS = ("scenario", "close", "rule", "open", "set", "area", "line", "days", "fade", "start")
MOST_SIGNS, MOST_VALUES = 20_000, 400

LETTERS = {
    "l": "lost",
    "m": "max_draft_m",
    "d": "delay_d",
    "t": "toll_usd_t",
    "w": "war_risk_pct",
}


class LinkError(CorridorsError):
    """An address that says no scenario; ``piece`` is the part of it that is at fault."""

    def __init__(self, piece: str, why: str) -> None:
        self.piece = piece if len(piece) <= 60 else f"{piece[:59]}…"
        super().__init__(f"{self.piece}: {why}")


@dataclass(frozen=True)
class Draft:
    """A scenario being built: rows that may still say nothing, and the rest as it came.

    Attributes
    ----------
    like
        The scenario it began as: its names, note, sources, openings, drawings and switches.
    rows
        A rule each, in the order in which they are shown.
    """

    like: Scenario
    rows: tuple[Rule, ...]
    duration_d: float
    recovery_d: float
    start: date | None

    def made(self) -> Scenario:
        """The scenario as it stands: the one it began as, or a changed one of the reader's own.

        Raises
        ------
        UsageError
            For rules that contradict each other.
        """
        found = make_scenario(
            OWN,
            rules=self.rows,
            opened=self.like.opened,
            drawn=self.like.drawn,
            switches=self.like.switches,
            start=self.start,
            duration_d=self.duration_d,
            recovery_d=self.recovery_d,
        )
        if core(found) == core(self.like):
            return self.like
        before, was = self.like.name_en, self.like.name_zh
        if self.like.name == OWN or not self.like.sources:
            return found
        note = f"Exercise: changed from “{before}”. 演习推演：在“{was}”基础上修改。"
        return replace(
            found,
            name_en=f"{before}, changed",
            name_zh=f"{was}（已修改）",
            note=note,
            sources=self.like.sources,
        )


def core(scenario: Scenario) -> Scenario:
    """The scenario without its words: two with the same core have the same answer."""
    return replace(scenario, name=OWN, name_en=OWN, name_zh=OWN, note="", sources=())


def empty() -> Draft:
    """Nothing closed yet."""
    return draft_of(make_scenario(OWN, duration_d=CLOSED_D))


def draft_of(scenario: Scenario) -> Draft:
    """A scenario laid open for change."""
    return Draft(scenario, scenario.rules, scenario.duration_d, scenario.recovery_d, scenario.start)


def written(draft: Draft, library: Mapping[str, Scenario]) -> dict[str, list[str]]:
    """The draft as an address: what `read` makes the same scenario of."""
    made = draft.made()
    shipped = library.get(draft.like.name)
    known = {"scenario": [draft.like.name]} if shipped is not None else {}
    if shipped is not None and core(made) == core(shipped):
        return known
    if core(made) == core(empty().like):
        return {"scenario": [NONE]}
    said = {
        "rule": [_rule_text(rule) for rule in made.rules],
        "open": list(made.opened),
        "set": [f"{switch}~{option}" for switch, option in made.switches],
        "area": [_shape_text(shape) for shape in made.drawn if shape.area],
        "line": [_shape_text(shape) for shape in made.drawn if not shape.area],
        "days": [_number(made.duration_d)],
        "fade": [_number(made.recovery_d)],
        "start": [made.start.isoformat()] if made.start else [],
    }
    return known | {key: values for key, values in said.items() if values}


def shut(elements: Sequence[str]) -> Scenario:
    """Some elements closed to everything for `CLOSED_D` days."""
    rules = [Rule(element, lost=1.0) for element in elements]
    return make_scenario(OWN, rules=rules, duration_d=CLOSED_D)


def read(query: Query, library: Mapping[str, Scenario], known: Known) -> Draft | None:
    """The draft an address asks for; None when it asks for none.

    Raises
    ------
    LinkError
        For an address that can't be read, with the part at fault.
    """
    said = {key: list(query[key]) for key in KEYS if query.get(key)}
    if not said:
        return None
    values = [value for found in said.values() for value in found]
    if len(values) > MOST_VALUES or sum(map(len, values)) > MOST_SIGNS:
        raise LinkError("…", "the address is too long")
    if "close" in said:
        return _checked(shut(said["close"]), known, said["close"])
    name = said.pop("scenario", [""])[0]
    if name not in ("", NONE) and name not in library:
        raise LinkError(name, "the library has no such scenario")
    like = library.get(name, empty().like)
    if not said:
        return draft_of(like)
    return replace(_spoken(said, known), like=like) if name in library else _spoken(said, known)


def _spoken(said: Query, known: Known) -> Draft:
    """The draft of an address that says its rules."""
    shapes = [
        _shape(text, area=key == "area") for key in ("area", "line") for text in _of(said, key)
    ]
    rules = [_rule(text) for text in _of(said, "rule")]
    pairs = [_pair(text) for text in _of(said, "set")]
    days, fade = (_said_number(said, key) for key in ("days", "fade"))
    try:
        made = make_scenario(
            OWN,
            rules=rules,
            opened=_of(said, "open"),
            drawn=shapes,
            switches=pairs,
            start=_day(said),
            duration_d=CLOSED_D if days is None else days,
            recovery_d=fade or 0.0,
        )
    except UsageError as error:
        raise LinkError(" ".join(_of(said, "rule")), str(error)) from None
    return _checked(made, known, [*_of(said, "rule"), *_of(said, "open"), *_of(said, "set")])


def _checked(scenario: Scenario, known: Known, pieces: Sequence[str]) -> Draft:
    """The draft of a scenario whose ids are all known, as those of a file would have to be."""
    try:
        return draft_of(parse(to_toml(scenario), name=OWN, file="link", known=known))
    except CorridorsError as error:
        why = str(error).splitlines()[0]
        piece = next((p for p in pieces if p.partition("~")[0] in str(error)), " ".join(pieces))
        raise LinkError(piece, why) from None


def _of(said: Query, key: str) -> Sequence[str]:
    return said.get(key, ())


def _rule_text(rule: Rule) -> str:
    numbers = numbers_of(rule)
    parts = [f"{letter}{_number(numbers[k])}" for letter, k in LETTERS.items() if k in numbers]
    parts += [f"s{'.'.join(rule.ships)}"] if rule.ships else []
    parts += [f"c{'.'.join(rule.commodities)}"] if rule.commodities else []
    return "~".join([rule.element, *parts])


def _rule(text: str) -> Rule:
    element, *parts = text.split("~")
    rule = Rule(element)
    for part in parts:
        letter, value = part[:1], part[1:]
        if letter in LETTERS:
            rule = with_numbers(rule, numbers_of(rule) | {LETTERS[letter]: _float(value, text)})
        elif letter == "s" and value:
            rule = replace(rule, ships=tuple(value.split(".")))
        elif letter == "c" and value:
            rule = replace(rule, commodities=tuple(value.split(".")))
        else:
            raise LinkError(text, f"{part!r} is no part of a rule")
    return rule


def _shape_text(shape: Drawn) -> str:
    numbers = [_number(value) for point in shape.points for value in point]
    return "~".join([shape.name.replace("~", " "), *numbers])


def _shape(text: str, *, area: bool) -> Drawn:
    name, *rest = text.split("~")
    numbers = [_float(value, text) for value in rest]
    if len(numbers) % 2:
        raise LinkError(text, "a point has a longitude and a latitude")
    return Drawn(name, tuple(zip(numbers[::2], numbers[1::2], strict=True)), area)


def _pair(text: str) -> tuple[str, str]:
    switch, _, option = text.partition("~")
    return switch, option


def _said_number(said: Query, key: str) -> float | None:
    return _float(said[key][0], f"{key}={said[key][0]}") if key in said else None


def _float(text: str, where: str) -> float:
    try:
        if len(text) <= 32:
            return float(text)
    except ValueError:
        pass
    raise LinkError(where, f"{text[:32]!r} is not a number")


def _day(said: Query) -> date | None:
    if "start" not in said:
        return None
    try:
        return date.fromisoformat(said["start"][0])
    except ValueError:
        raise LinkError(f"start={said['start'][0]}", "no day such as 2026-03-01") from None


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
