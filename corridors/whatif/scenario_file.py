"""Scenarios as text: read with every fault at its line, and written so that it reads back the same.

::

    name_en = "Panama drought"          # and name_zh, note
    start = 2023-11-07                  # duration_d, recovery_d: days
    open = ["chokepoint:northern_sea_route"]

    [set]                               # how origins are counted
    malaysia_label = "iran"

    [[close]]                           # ships and commodities: all, when not named
    element = "chokepoint:hormuz"
    ships = ["vlcc"]

    [[limit]]                           # to: share of the usual traffic that may pass
    element = "chokepoint:panama"
    to = 0.667
    max_draft_m = 13.41

    [[surcharge]]                       # war_risk_pct of the hull, toll_usd_t, delay_d a transit
    element = "chokepoint:bab_el_mandeb"
    war_risk_pct = 0.7

    [[supply]]                          # what an origin can still send
    origin = "IRN"
    to = 0.5

    [[area]]                            # or [[line]]: drawn by hand; closed unless `to` is said
    name = "exercise"
    points = [[119.0, 24.0], [120.0, 24.0], [119.5, 25.0]]

    [[source]]                          # what, title, publisher, url, year, quality
    title = "Panama Canal Authority advisories"
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from layers.errors import DataError, Fault, UnknownIdError

if TYPE_CHECKING:
    pass

from corridors.whatif.scenario import (
    DIGITS,
    LAT,
    LON,
    MOST,
    RANGES,
    Drawn,
    Known,
    Numbers,
    Range,
    Rule,
    Scenario,
    clash_told,
    contradictions,
    is_closure,
    left_of,
    make_scenario,
    merged_rules,
    no_point,
    not_carried,
    numbers_of,
    open_ring,
    plain_number,
    scope_of,
    shape_fault,
    shown_value,
    with_numbers,
)

__all__ = ["parse", "to_toml"]

MOST_BYTES = 1_000_000
"""Most bytes of a scenario's text."""


QUALITIES = ("official", "secondary", "estimate", "memory")


# Far fewer than can be read: each costs a search through all names.
_MOST_HINTS = 50


_DEEPEST_KEY = 100


def parse(text: str, *, name: str, file: str, known: Known) -> Scenario:
    """The scenario that a text says.

    Parameters
    ----------
    text
        TOML, as at the head of this module.
    name
        Id of the scenario.
    file
        Path shown in faults.
    known
        Ids the text may name.

    Raises
    ------
    DataError
        With every fault, its line and key, and the nearest names of what is not known.
    """
    page = _read(text, file)
    top = _Table(page, "", 0, page.cells)
    top.only(*_TOP_KEYS)
    shapes, rules = _drawings(page)
    drawn = {f"drawn:{shape.name}" for shape in shapes}
    rules += _rules(page, known, known.elements | drawn)
    opened = top.names("open", "element", known.elements)
    sources = [_source(table) for table in page.tables("source")]
    found = {
        "name_en": top.text("name_en"),
        "name_zh": top.text("name_zh"),
        "note": top.text("note"),
    }
    start, switches = _start(top), _switches(page, known)
    duration_d, recovery_d = top.number("duration_d", 365.0), top.number("recovery_d", 0.0)
    _cross_check(page, rules, opened)
    if not page.faults and (count := len(merged_rules([said.rule for said in rules]))) > MOST:
        page.wrong("", 0, "", f"{count} rules are more than {MOST}")
    if page.faults:
        raise DataError(page.faults)
    return make_scenario(
        name,
        **found,
        rules=[said.rule for said in rules],
        opened=opened,
        drawn=shapes,
        switches=switches,
        start=start,
        duration_d=duration_d,
        recovery_d=recovery_d,
        sources=sources,
    )


_TOP_KEYS = (
    *("name_en", "name_zh", "note", "start", "duration_d", "recovery_d", "open", "set"),
    *("close", "limit", "surcharge", "supply", "line", "area", "source"),
)


@dataclass(frozen=True)
class _Page:
    """A text being read: its cells, the line of each header and key, and the faults so far.

    A place is (table, count of the table from 0, key); headers have no key, and what stands above
    all tables has no table.
    """

    file: str
    cells: Mapping[str, object]
    rows: Mapping[tuple[str, int, str], int]
    faults: list[Fault] = field(default_factory=list)

    def row(self, table: str, n: int, key: str) -> int:
        """Line of a key, or of what holds it; 0 when it can't be told."""
        places = ((table, n, key), (table, n, ""), ("", 0, table), ("", 0, key))
        return next((self.rows[place] for place in places if place in self.rows), 0)

    def wrong(self, table: str, n: int, key: str, message: str) -> None:
        self.faults.append(Fault(self.file, self.row(table, n, key), key, message))

    def unknown(self, kind: str, id: str, known: Iterable[str]) -> str:
        """What to say of an id that is not known."""
        hints = sorted(known) if len(self.faults) < _MOST_HINTS else []
        return str(UnknownIdError(kind, id[:80], hints))

    def tables(self, name: str) -> list[_Table]:
        """Every table of a name, in order; none, and the fault, when there are too many."""
        found = self.cells.get(name, [])
        if not isinstance(found, list) or not all(isinstance(cells, dict) for cells in found):
            self.wrong("", 0, name, f"{name} is no list of tables: write [[{name}]] above each")
            return []
        if len(found) > MOST:
            self.wrong(name, MOST, "", f"{len(found)} tables [[{name}]] are more than {MOST}")
            return []
        return [_Table(self, name, n, cells) for n, cells in enumerate(found)]


@dataclass(frozen=True)
class _Table:
    """One table of a text; each method reads a key and notes what is wrong with it."""

    page: _Page
    name: str
    n: int
    cells: Mapping[str, object]

    def wrong(self, key: str, message: str) -> None:
        self.page.wrong(self.name, self.n, key, message)

    def only(self, *keys: str) -> None:
        """Note every key that is none of these."""
        for key in self.cells:
            if key not in keys:
                self.wrong(key, self.page.unknown("key", key, keys))

    def text(self, key: str, *, needed: bool = False) -> str:
        """A text, empty when it is not said."""
        value = self.cells.get(key, "")
        if not isinstance(value, str):
            self.wrong(key, f"{shown_value(value)} is not a text in quotes")
            return ""
        if needed and not value.strip():
            self.wrong(key, f"[[{self.name}]] has no {key}")
        return value

    def number(self, key: str, default: float) -> float:
        """A number within its range; the default when it is not said or no such number."""
        value = self.cells.get(key, default)
        if not RANGES[key].holds(value):
            self.wrong(key, f"{shown_value(value)} is not {RANGES[key]}")
            return default
        return float(value)

    def id(self, key: str, kind: str, known: Collection[str]) -> str:
        """An id that is known, or the fault and an empty text."""
        value = self.text(key, needed=True)
        if value.strip() and value not in known:
            self.wrong(key, self.page.unknown(kind, value, known))
            return ""
        return value

    def names(self, key: str, kind: str, known: Collection[str]) -> tuple[str, ...]:
        """Ids that are known, of a list that need not be there."""
        value = self.cells.get(key, [])
        if not isinstance(value, list) or not all(isinstance(id, str) for id in value):
            self.wrong(key, f"{shown_value(value)} is not a list of texts")
            return ()
        if self.name and key in self.cells and not value:
            self.wrong(key, f"{key} is empty: leave it out when all are meant")
        for id in dict.fromkeys(value):
            if id not in known:
                self.wrong(key, self.page.unknown(kind, id, known))
        return tuple(value)


def _read(text: str, file: str) -> _Page:
    """The page of a text that is TOML; the first fault of one that is not."""
    if len(text) > MOST_BYTES or len(text.encode(errors="replace")) > MOST_BYTES:
        raise DataError([Fault(file, 0, "", f"the text has more than {MOST_BYTES:,} bytes")])
    if deep := _DEEP.search(text):  # the reader of TOML takes minutes over such a key
        row = text.count("\n", 0, deep.start()) + 1
        raise DataError([Fault(file, row, "", f"the key has more than {_DEEPEST_KEY} parts")])
    try:
        return _Page(file, tomllib.loads(text), _rows(text))
    except tomllib.TOMLDecodeError as error:
        message, line = _toml_fault(str(error), text)
        raise DataError([Fault(file, line, "", message)]) from None
    except (RecursionError, ValueError) as error:
        what = "too deep" if isinstance(error, RecursionError) else "of too many digits"
        raise DataError([Fault(file, 0, "", f"a value is {what}")]) from None


_QUOTED = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)


_PLAIN = re.compile(r"""(["'])[\w-]+\1""")


_DEEP = re.compile(rf"""(?:\.[ \t]*(?:[\w"'-]+[ \t]*)?){{{_DEEPEST_KEY}}}""")


_HEADER = re.compile(r"""\s*(\[\[?)\s*["']?([\w-]+)["']?\s*\]""")


_KEY = re.compile(r"""\s*["']?([\w-]+)["']?\s*[.=]""")


_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def _without_text(piece: re.Match[str]) -> str:
    """Nothing but the line ends of a text or remark; what may be a key in quotes stays."""
    found = piece.group()
    return found if _PLAIN.fullmatch(found) else "\n" * found.count("\n")


def _rows(text: str) -> dict[tuple[str, int, str], int]:
    """Line of each header and key of a text that is sound TOML."""
    found: dict[tuple[str, int, str], int] = {}
    count: dict[str, int] = {}
    table, n, depth = "", 0, 0
    for row, line in enumerate(_QUOTED.sub(_without_text, text).split("\n"), 1):
        header, key = _HEADER.match(line), _KEY.match(line)
        if depth == 0 and header:
            table = header.group(2)
            n = count.get(table, -1) + 1 if header.group(1) == "[[" else 0
            count[table] = n
            found[table, n, ""] = row
            found.setdefault(("", 0, table), row)
        elif depth == 0 and key:
            found.setdefault((table, n, key.group(1)), row)
        depth += sum(line.count(sign) for sign in "[{") - sum(line.count(sign) for sign in "]}")
    return found


def _toml_fault(message: str, text: str) -> tuple[str, int]:
    """What the reader of TOML said, and the line it said it of."""
    place = _TOML_PLACE.search(message)
    if place is None:
        return message, 0
    line = int(place.group(1)) if place.group(1) else text.rstrip().count("\n") + 1
    return message[: place.start()], line


@dataclass(frozen=True)
class _Spoken:
    """A rule as read, the numbers it says outright, and the table and key that say them."""

    rule: Rule
    numbers: Numbers
    table: _Table
    key: str


def _rules(page: _Page, known: Known, elements: Collection[str]) -> list[_Spoken]:
    """Rules of every table that makes one; those with faults are left out."""
    found = []
    for name, read in _RULE_TABLES.items():
        for table in page.tables(name):
            before = len(page.faults)
            spoken = read(table, known, elements)
            if len(page.faults) == before:
                found.append(spoken)
    return found


def _close(table: _Table, known: Known, elements: Collection[str]) -> _Spoken:
    table.only("element", "ships", "commodities")
    rule = replace(_scoped(table, known, elements), lost=1.0)
    return _Spoken(rule, numbers_of(rule), table, "element")


def _limit(table: _Table, known: Known, elements: Collection[str]) -> _Spoken:
    table.only("element", "to", "ships", "commodities", "max_draft_m")
    rule = _scoped(table, known, elements)
    numbers = {}
    if "to" in table.cells:
        numbers["lost"] = _lost(table)
    if "max_draft_m" in table.cells:
        numbers["max_draft_m"] = table.number("max_draft_m", 1.0)
    if not numbers:
        table.wrong("to", "[[limit]] has neither to nor max_draft_m")
    return _Spoken(with_numbers(rule, numbers), numbers, table, "to")


def _surcharge(table: _Table, known: Known, elements: Collection[str]) -> _Spoken:
    parts = ("war_risk_pct", "toll_usd_t", "delay_d")
    table.only("element", *parts, "ships", "commodities")
    rule = _scoped(table, known, elements)
    numbers = {key: table.number(key, 0.0) for key in parts if key in table.cells}
    if not numbers:
        table.wrong("war_risk_pct", f"[[surcharge]] has none of {', '.join(parts)}")
    return _Spoken(with_numbers(rule, numbers), numbers, table, "element")


def _supply(table: _Table, known: Known, elements: Collection[str]) -> _Spoken:
    table.only("origin", "to", "commodities")
    origin = table.id("origin", "country", known.countries)
    commodities = table.names("commodities", "commodity", known.commodities)
    if "to" not in table.cells:
        table.wrong("to", "[[supply]] has no to")
    numbers = {"lost": _lost(table)}
    rule = Rule(f"origin:{origin}", commodities=tuple(sorted(set(commodities))))
    return _Spoken(with_numbers(rule, numbers), numbers, table, "to")


_RULE_TABLES: Mapping[str, Callable[[_Table, Known, Collection[str]], _Spoken]] = {
    "close": _close,
    "limit": _limit,
    "surcharge": _surcharge,
    "supply": _supply,
}


def _scoped(table: _Table, known: Known, elements: Collection[str]) -> Rule:
    """A rule that says nothing yet, of the element, ships and commodities a table names."""
    element = table.id("element", "element", elements)
    ships = table.names("ships", "ship class", known.carries)
    commodities = table.names("commodities", "commodity", known.commodities)
    for fault in not_carried(ships, commodities, known):
        table.wrong("ships", fault)
    return Rule(
        element, ships=tuple(sorted(set(ships))), commodities=tuple(sorted(set(commodities)))
    )


def _lost(table: _Table, default: float = 1.0) -> float:
    """Share lost where `to` may pass, without the noise of the subtraction."""
    return round(1 - table.number("to", default), DIGITS)


def _drawings(page: _Page) -> tuple[list[Drawn], list[_Spoken]]:
    """What is drawn, and the rule of each drawing that holds something back."""
    shapes: dict[str, Drawn] = {}
    rules, points = [], 0
    for table in (t for name in ("line", "area") for t in page.tables(name)):
        table.only("name", "points", "to")
        name = table.text("name", needed=True)
        shape = open_ring(Drawn(name, _points(table), table.name == "area"))
        points += len(shape.points)
        if name in shapes:
            table.wrong("name", f"{shown_value(name)} is drawn twice")
        if points - len(shape.points) <= MOST < points:
            table.wrong("points", f"more than {MOST} points are drawn")
        elif shape.points and (fault := shape_fault(shape)):
            table.wrong("points", fault)
        shapes.setdefault(name, shape)
        rule = Rule(f"drawn:{name}", lost=_lost(table, 0.0))
        rules.append(_Spoken(rule, numbers_of(rule), table, "to"))
    return list(shapes.values()), rules


def _points(table: _Table) -> tuple[tuple[float, float], ...]:
    """Points of a drawing; none, and the fault, when one is no pair of degrees."""
    value = table.cells.get("points")
    if not isinstance(value, list) or not value:
        table.wrong("points", f"[[{table.name}]] has no list of points")
        return ()
    for point in value:
        pair = isinstance(point, list) and len(point) == 2
        if not (pair and LON.holds(point[0]) and LAT.holds(point[1])):
            table.wrong("points", no_point(point))
            return ()
    return tuple((float(lon), float(lat)) for lon, lat in value)


def _start(top: _Table) -> date | None:
    value = top.cells.get("start")
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    top.wrong("start", f"{shown_value(value)} is not a date such as 2026-02-28, without quotes")
    return None


def _switches(page: _Page, known: Known) -> list[tuple[str, str]]:
    """Switches that are set; what is no switch or option is noted."""
    cells = page.cells.get("set", {})
    if not isinstance(cells, dict):
        page.wrong("", 0, "set", "set is no table: write [set] above its lines")
        return []
    table = _Table(page, "set", 0, cells)
    for switch in cells:
        if switch not in known.switches:
            table.wrong(switch, page.unknown("switch", switch, known.switches))
        else:
            table.id(switch, f"option of {switch}", known.switches[switch])
    return [(switch, option) for switch, option in cells.items() if isinstance(option, str)]


def _source(table: _Table) -> str:
    """A source in one line: what it says: title, publisher, year, quality, address."""
    table.only("what", "title", "publisher", "url", "year", "quality")
    title, url, quality = table.text("title", needed=True), table.text("url"), table.text("quality")
    if url and not re.match(r"https?://[^\s/]", url):
        table.wrong("url", f"{shown_value(url)} is no address of the web")
    if quality and quality not in QUALITIES:
        table.wrong("quality", table.page.unknown("quality", quality, QUALITIES))
    year = table.cells.get("year", "")
    if "year" in table.cells and not Range(1000, 9999).holds(year):
        table.wrong("year", f"{shown_value(year)} is not a year")
    what = table.text("what")
    parts = [title, table.text("publisher"), shown_value(year) if year else "", quality, url]
    return (f"{what}: " if what else "") + ", ".join(filter(None, parts))


def _cross_check(page: _Page, spoken: Sequence[_Spoken], opened: Collection[str]) -> None:
    """Note rules that contradict each other or close what is opened."""
    said = [(one.rule, one.numbers) for one in spoken]
    for i, j, name in contradictions(said):
        earlier, later = sorted(
            (spoken[i], spoken[j]), key=lambda one: page.row(one.table.name, one.table.n, one.key)
        )
        row = page.row(earlier.table.name, earlier.table.n, earlier.key)
        pair = [(one.rule, one.numbers) for one in (earlier, later)]
        key = later.key if name == "lost" else name
        later.table.wrong(key, clash_told(pair, 0, 1, name, f" in row {row}" if row else ""))
    for one in spoken:
        if is_closure(one.rule) and one.rule.element in opened:
            one.table.wrong(one.key, f"{one.rule.element} is both opened and closed")


def to_toml(scenario: Scenario) -> str:
    """A scenario as TOML that `parse` reads back as the same; its id is not in it.

    Text is quoted so that nothing in it is taken for TOML, and signs that change how a line looks
    are written as numbers.
    """
    lines = [
        f"name_en = {_quoted(scenario.name_en)}",
        f"name_zh = {_quoted(scenario.name_zh)}",
        f"note = {_quoted(scenario.note)}",
        *([f"start = {scenario.start.isoformat()}"] if scenario.start else []),
        f"duration_d = {plain_number(scenario.duration_d)}",
        f"recovery_d = {plain_number(scenario.recovery_d)}",
        *_list("open", scenario.opened),
    ]
    if scenario.switches:
        lines += ["", "[set]"]
        lines += [f"{_quoted(switch)} = {_quoted(option)}" for switch, option in scenario.switches]
    drawn = {f"drawn:{shape.name}": shape for shape in scenario.drawn}
    limits = {rule.element: rule.lost for rule in scenario.rules if scope_of(rule)[1:] == ((), ())}
    for element, shape in drawn.items():
        lines += _table(
            "area" if shape.area else "line",
            name=_quoted(shape.name),
            points=f"[{', '.join(_point(x, y) for x, y in shape.points)}]",
            to=left_of(limits.get(element, 0.0)),
        )
    for rule in scenario.rules:
        lines += _rule_tables(rule, drawn)
    for source in scenario.sources:
        lines += _table("source", title=_quoted(source))
    return "\n".join(lines) + "\n"


def _rule_tables(rule: Rule, drawn: Collection[str]) -> list[str]:
    """Tables of a rule, without what the table of its drawing says."""
    numbers = numbers_of(rule)
    if rule.element in drawn and not rule.ships and not rule.commodities:
        numbers.pop("lost", None)
    element, ships, commodities = scope_of(rule)
    scope = {"ships": _names(ships), "commodities": _names(commodities)}
    if element.startswith("origin:"):
        origin = _quoted(element.removeprefix("origin:"))
        return _table(
            "supply", origin=origin, to=left_of(rule.lost), commodities=_names(commodities)
        )
    limit = {key: plain_number(value) for key, value in numbers.items() if key == "max_draft_m"}
    if "lost" in numbers and (limit or rule.lost != 1):
        limit = {"to": left_of(rule.lost)} | limit
    extra = {
        key: plain_number(numbers[key]) for key in numbers if key not in ("lost", "max_draft_m")
    }
    found = []
    if "lost" in numbers and not limit:
        found += _table("close", element=_quoted(element), **scope)
    if limit:
        found += _table("limit", element=_quoted(element), **limit, **scope)
    if extra:
        found += _table("surcharge", element=_quoted(element), **extra, **scope)
    return found


def _point(lon: float, lat: float) -> str:
    return f"[{plain_number(lon)}, {plain_number(lat)}]"


def _table(name: str, /, **cells: str) -> list[str]:
    return ["", f"[[{name}]]", *(f"{key} = {value}" for key, value in cells.items() if value)]


def _list(key: str, names: Sequence[str]) -> list[str]:
    return [f"{key} = {_names(names)}"] if names else []


def _names(names: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, names))}]" if names else ""


_UNSEEN = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def _quoted(text: str) -> str:
    """A text as a TOML string on one line."""
    sound = text.encode("utf-8", "replace").decode("utf-8")  # half of a sign pair is no text
    escaped = json.dumps(sound, ensure_ascii=False)
    return _UNSEEN.sub(lambda sign: f"\\u{ord(sign.group()):04x}", escaped)
