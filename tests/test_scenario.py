"""Scenarios: text in, one frozen value out; every fault with its line; the shipped library."""

from __future__ import annotations

import contextlib
import os
import re
import textwrap
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import permutations, product
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from corridors.risk import corridor_risk, risk_table
from corridors.whatif import scenario_file
from corridors.whatif.scenario import (
    MOST,
    Drawn,
    Known,
    Rule,
    Scenario,
    combine,
    diff,
    known,
    make_scenario,
    told,
)
from corridors.whatif.scenario_file import parse, to_toml
from corridors.whatif.scenario_risk import from_risk
from corridors.whatif.scenario_words import from_options
from layers.errors import CorridorsError, DataError, Fault, UnknownIdError, UsageError
from layers.events import event_frame, observation_frame
from layers.scenarios import read_scenario, scenario_texts, write_scenario

if TYPE_CHECKING:
    from layers.world import World

LIBRARY = (
    *("central_asia_gas_cut", "china_laos_cut", "gwadar_cpec_alternative", "hormuz_2026"),
    *("hormuz_and_bab", "hormuz_full", "malacca_full", "malacca_sunda_lombok", "nsr_summer"),
    *("panama_2023_24", "red_sea_2023_24", "suez_2021", "taiwan_strait"),
    *("turkish_straits_black_sea_grain", "us_gulf_low_water"),
)
HERE = Known(
    elements=frozenset(
        {"chokepoint:hormuz", "chokepoint:panama", "pipeline:espo_1", "port:CNSHA"}
        | {f"port:P{n}" for n in range(MOST + 1)}
    ),
    countries=frozenset({"IRN", "IRQ", "SAU"}),
    commodities=frozenset({"crude_oil", "lng", "wheat"}),
    carries={
        "vlcc": frozenset({"crude_oil"}),
        "suezmax": frozenset({"crude_oil"}),
        "lng_carrier": frozenset({"lng"}),
        "supramax": frozenset({"wheat"}),
    },
    switches={"malaysia_label": frozenset({"customs", "iran"})},
)


def read(text: str) -> Scenario:
    return parse(text, name="mine", file="mine.toml", known=HERE)


def faults_of(text: str) -> tuple[Fault, ...]:
    with pytest.raises(DataError) as caught:
        read(text)
    return caught.value.faults


# What a text says


WHOLE = """\
name_en = "Both"
name_zh = "两处"
note = '''
Not a table:
[[close]]
element = "chokepoint:suez" '''
start = 2026-02-28
duration_d = 90
recovery_d = 30.5
open = [
    "pipeline:espo_1",  # [[limit]] of no table
]

[set]
malaysia_label = "iran"

[[close]]
element = "chokepoint:hormuz"
ships = ["vlcc", "suezmax"]

[[limit]]
element = "chokepoint:panama"
to = 0.9
max_draft_m = 13.41

[[surcharge]]
element = "chokepoint:panama"
toll_usd_t = 2
delay_d = 1.5

[[supply]]
origin = "IRN"
to = 0
commodities = ["crude_oil"]

[[area]]
name = "box"
points = [[0, 0], [10, 0], [10, 10], [0, 0]]
to = 0.25

[[surcharge]]
element = "drawn:box"
war_risk_pct = 0.7

[[source]]
what = "slots"
title = "Advisory 12"
publisher = "Canal"
url = "https://example.org/a"
year = 2023
quality = "official"
"""


def test_a_whole_file() -> None:
    assert read(WHOLE) == Scenario(
        name="mine",
        name_en="Both",
        name_zh="两处",
        note='Not a table:\n[[close]]\nelement = "chokepoint:suez" ',
        rules=(
            Rule("chokepoint:hormuz", lost=1.0, ships=("suezmax", "vlcc")),
            Rule(
                "chokepoint:panama", lost=0.1, max_draft_m=13.41, toll_usd_t=2.0, delay_d=1.5
            ),  # said in two tables, with no noise from 1 - 0.9
            Rule("drawn:box", lost=0.75, war_risk_pct=0.7),
            Rule("origin:IRN", lost=1.0, commodities=("crude_oil",)),
        ),
        opened=("pipeline:espo_1",),
        drawn=(Drawn("box", ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0)), True),),
        switches=(("malaysia_label", "iran"),),
        start=date(2026, 2, 28),
        duration_d=90.0,
        recovery_d=30.5,
        sources=("slots: Advisory 12, Canal, 2023, official, https://example.org/a",),
    )


def test_the_example_of_the_manual_is_read(world: World) -> None:
    example = textwrap.dedent((scenario_file.__doc__ or "").partition("::\n")[2])
    found = parse(example, name="manual", file="manual.toml", known=known(world))
    assert len(found.rules) == 5
    assert found.opened == ("chokepoint:northern_sea_route",)


def test_an_empty_text_disrupts_nothing() -> None:
    assert read("open = []") == read("")
    nothing = read("")
    assert nothing == make_scenario("mine")
    assert (nothing.name_en, nothing.duration_d, nothing.recovery_d) == ("mine", 365.0, 0.0)
    assert nothing.rules == ()


def test_a_limit_to_all_of_it_is_no_rule() -> None:
    assert read('[[limit]]\nelement = "chokepoint:hormuz"\nto = 1').rules == ()
    line = read('[[line]]\nname = "a"\npoints = [[0, 0], [1, 1]]\nto = 1')
    assert (line.rules, len(line.drawn)) == ((), 1)


def test_tables_in_any_order_say_the_same() -> None:
    head, *tables = re.split(r"\n(?=\[)", WHOLE[WHOLE.index("start") :])
    forms = {read("\n".join([head, *order])) for order in permutations(tables[1:5])}
    assert len(forms) == 1


# Faults: each with its line, its key and the nearest name


@pytest.mark.parametrize(
    ("text", "row", "column", "message"),
    [
        ('nam_en = "a"', 1, "nam_en", "unknown key 'nam_en'; did you mean name_en"),
        ("[[clos]]\n", 1, "clos", "unknown key 'clos'; did you mean close"),
        (
            '[[close]]\nelement = "port:CNSHA"\n\n"ship" = ["vlcc"]',
            *(4, "ship", "unknown key 'ship'; did you mean ships?"),
        ),
        ('[[close]]\nelement = "port:CNSHA"\nto = 0', 3, "to", "unknown key 'to'"),
        ("[[close]]\nships = ['vlcc']", 1, "element", "[[close]] has no element"),
        (
            '[[close]]\nelement = "chokepoint:hormus"',
            *(2, "element", "unknown element 'chokepoint:hormus'; did you mean chokepoint:hormuz"),
        ),
        ('[[close]]\nelement = "drawn:a"', 2, "element", "unknown element 'drawn:a'"),
        ("[[close]]\nelement = 5", 2, "element", "5 is not a text in quotes"),
        (
            '[[close]]\nelement = "port:CNSHA"\nships = [\n"vlc"]',
            *(3, "ships", "unknown ship class 'vlc'; did you mean vlcc?"),
        ),
        (
            '[[close]]\nelement = "port:CNSHA"\nships = "vlcc"',
            *(3, "ships", "'vlcc' is not a list of texts"),
        ),
        ('[[close]]\nelement = "port:CNSHA"\nships = []', 3, "ships", "ships is empty"),
        (
            '[[close]]\nelement = "port:CNSHA"\ncommodities = ["wheet"]',
            *(3, "commodities", "unknown commodity 'wheet'; did you mean wheat?"),
        ),
        (
            '[[close]]\nelement = "port:CNSHA"\ncommodities = ["lng"]\nships = ["vlcc"]',
            *(4, "ships", "vlcc carries no lng"),
        ),
        (
            '[[close]]\nelement = "port:CNSHA"\nships = ["vlcc"]\ncommodities = ["crude_oil", '
            '"lng"]',
            *(3, "ships", "lng is carried by none of vlcc"),
        ),
        ('[[limit]]\nelement = "port:CNSHA"', 1, "to", "neither to nor max_draft_m"),
        *(
            (f'[[limit]]\nelement = "port:CNSHA"\nto = {to}', 3, "to", f"{said} is not a number")
            for to, said in [
                *(("-0.1", "-0.1"), ("1.01", "1.01"), ("nan", "nan"), ("inf", "inf")),
                *(("true", "True"), ('"0.5"', "'0.5'"), ("[0.5]", "[0.5]"), ("-inf", "-inf")),
                ("1" * 60, "1" * 50),
            ]
        ),
        *(
            (f'[[limit]]\nelement = "port:CNSHA"\nmax_draft_m = {m}', 3, "max_draft_m", "above 0")
            for m in (0, -5, "nan", "true")
        ),
        ('[[surcharge]]\nelement = "port:CNSHA"', 1, "war_risk_pct", "[[surcharge]] has none of"),
        *(
            (
                f'[[surcharge]]\nelement = "port:CNSHA"\n{key} = {value}',
                *(3, key, f"{value} is not a number from 0"),
            )
            for key in ("war_risk_pct", "toll_usd_t", "delay_d")
            for value in (-1, "nan", "inf")
        ),
        ('[[supply]]\norigin = "IRM"\nto = 1', 2, "origin", "unknown country 'IRM'; did you mean"),
        ('[[supply]]\norigin = "IRN"', 1, "to", "[[supply]] has no to"),
        ("duration_d = 0", 1, "duration_d", "0 is not a number above 0 and up to 3,650"),
        ("duration_d = -90", 1, "duration_d", "-90 is not a number above 0"),
        ("duration_d = inf", 1, "duration_d", "inf is not a number"),
        ("recovery_d = -1", 1, "recovery_d", "-1 is not a number from 0"),
        ('start = "2026-02-28"', 1, "start", "is not a date such as 2026-02-28, without quotes"),
        ("start = 2026-02-28T00:00:00", 1, "start", "is not a date"),
        ('open = ["pipeline:espo"]', 1, "open", "did you mean pipeline:espo_1"),
        ('[set]\nmalasia_label = "iran"', 2, "malasia_label", "did you mean malaysia_label?"),
        ('[set]\nmalaysia_label = "irn"', 2, "malaysia_label", "did you mean iran?"),
        ('set.malaysia_label = "irn"', 1, "malaysia_label", "did you mean iran?"),
        ("set = 1", 1, "set", "set is no table"),
        ("[close]\nelement = 'port:CNSHA'", 1, "close", "write [[close]] above each"),
        ('close = [{element = "port:X"}]', 1, "element", "unknown element 'port:X'"),
        ("[[line]]\npoints = [[0, 0], [1, 1]]", 1, "name", "[[line]] has no name"),
        ('[[line]]\nname = "a"', 1, "points", "[[line]] has no list of points"),
        ('[[line]]\nname = "a"\npoints = [[0, 0]]', 3, "points", "1 different points are too few"),
        (
            '[[area]]\nname = "a"\npoints = [[0, 0], [1, 1], [0, 0]]',
            *(3, "points", "2 different points are too few for an area"),
        ),
        *(
            (f'[[line]]\nname = "a"\npoints = [[0, 0], {p}]', 3, "points", f"{p} is no [longitude")
            for p in ("[181, 0]", "[0, -90.5]", "[0]", "[0, nan]", "[True, 0]".lower())
            if p != "[true, 0]"
        ),
        (
            '[[line]]\nname = "a"\npoints = [[0, 0], [true, 0]]',
            *(3, "points", "[True, 0] is no [longitude"),
        ),
        (
            '[[line]]\nname = "a"\npoints = [[0, 0], [1, 1]]\n'
            '[[area]]\nname = "a"\npoints = [[0, 0], [1, 1], [1, 0]]',
            *(5, "name", "'a' is drawn twice"),
        ),
        ("[[source]]\nyear = 2024", 1, "title", "[[source]] has no title"),
        ('[[source]]\ntitle = "a"\nyear = "now"', 3, "year", "'now' is not a year"),
        ('[[source]]\ntitle = "a"\nquality = "memry"', 3, "quality", "did you mean memory?"),
        ('[[source]]\ntitle = "a"\nurl = "javascript:x"', 3, "url", "is no address of the web"),
        (
            'open = ["port:CNSHA"]\n[[close]]\nelement = "port:CNSHA"',
            *(3, "element", "port:CNSHA is both opened and closed"),
        ),
        ("a = 1\nb =", 2, "", "Invalid value"),
        ("a = 1\na = 2", 2, "", "Cannot overwrite a value"),
        ("[[close]]\nelement = 'x\n", 2, "", "Expected"),
        ("x = " + "[" * 5000, 0, "", "a value is too deep"),
        ("\nx = " + "1" * 5000, 0, "", "a value is of too many digits"),
        ("\n" + ".".join("a" * 250) + " = 1", 2, "", "the key has more than 100 parts"),
    ],
)
def test_a_fault_has_its_line_key_and_nearest_name(
    text: str, row: int, column: str, message: str
) -> None:
    (fault,) = faults_of(text)
    assert (fault.file, fault.row, fault.column) == ("mine.toml", row, column)
    assert message in fault.message


def test_all_faults_are_told_at_once() -> None:
    text = """\
duration_d = -1

[[limit]]
element = "chokepoint:panama"
to = 2

[[limit]]
elements = "chokepoint:hormuz"
to = 0.5
"""
    found = [(fault.row, fault.column) for fault in faults_of(text)]
    assert found == [(1, "duration_d"), (5, "to"), (7, "element"), (8, "elements")]


def test_a_text_of_a_thousand_faults_is_told_whole_and_soon() -> None:
    text = "\n".join(f'k{n}_{"x" * 50} = "{"y" * 50}"' for n in range(8000))
    found = faults_of(text)
    assert len(found) == 8000
    assert found[-1].row == 8000


def limits(*values: tuple[str, str]) -> str:
    return "\n".join(f'[[limit]]\nelement = "{e}"\n{rest}' for e, rest in values)


def test_limits_that_contradict_are_refused_with_both_lines() -> None:
    text = limits(
        ("chokepoint:hormuz", 'to = 0.5\nships = ["vlcc", "suezmax"]'),
        ("chokepoint:hormuz", 'to = 0.2\ncommodities = ["crude_oil"]'),
    )
    (fault,) = faults_of(text)
    assert (fault.row, fault.column) == (7, "to")
    assert fault.message == (
        "chokepoint:hormuz: limited to 0.2 of usual, and limited to 0.5 of usual in row 3, "
        "for ships or commodities that overlap"
    )


def test_a_closure_and_a_limit_contradict_whichever_comes_first() -> None:
    limit = '[[limit]]\nelement = "chokepoint:hormuz"\nto = 1\n'
    close = '[[close]]\nelement = "chokepoint:hormuz"\n'
    for text, row, column in ((limit + close, 5, "element"), (close + limit, 5, "to")):
        (fault,) = faults_of(text)
        assert (fault.row, fault.column) == (row, column)
        assert "closed" in fault.message
        assert "limited to 1 of usual" in fault.message


def test_surcharges_that_contradict_are_refused() -> None:
    tables = (f'[[surcharge]]\nelement = "chokepoint:hormuz"\nwar_risk_pct = {w}\n' for w in (1, 2))
    (fault,) = faults_of("".join(tables))
    assert (fault.row, fault.column) == (6, "war_risk_pct")


@pytest.mark.parametrize(
    ("one", "other", "rules"),
    [
        ("to = 0.5", "to = 0.5", [Rule("chokepoint:hormuz", lost=0.5)]),
        ("to = 0.5", "max_draft_m = 9", [Rule("chokepoint:hormuz", lost=0.5, max_draft_m=9)]),
        ('to = 0.5\nships = ["vlcc"]', "to = 0.5", [Rule("chokepoint:hormuz", lost=0.5)]),
        (
            'to = 0.5\nships = ["vlcc"]',
            'to = 0.2\nships = ["suezmax"]',
            [
                Rule("chokepoint:hormuz", lost=0.8, ships=("suezmax",)),
                Rule("chokepoint:hormuz", lost=0.5, ships=("vlcc",)),
            ],
        ),
    ],
)
def test_rules_that_agree_are_merged(one: str, other: str, rules: list[Rule]) -> None:
    text = limits(("chokepoint:hormuz", one), ("chokepoint:hormuz", other))
    assert list(read(text).rules) == rules


def test_too_much_is_refused() -> None:
    closures = [f'[[close]]\nelement = "port:P{n}"\n' for n in range(MOST + 1)]
    assert len(read("".join(closures[:MOST])).rules) == MOST
    (fault,) = faults_of("".join(closures))
    assert (fault.row, fault.message) == (401, "201 tables [[close]] are more than 200")

    points = [[n / 10, 0] for n in range(MOST)]
    assert len(read(f'[[line]]\nname = "a"\npoints = {points}').drawn[0].points) == MOST
    (fault,) = faults_of(f'[[line]]\nname = "a"\npoints = {[*points, [0, 1]]}')
    assert (fault.row, fault.message) == (3, "more than 200 points are drawn")

    assert read("#" * 1_000_000) == read("")
    (fault,) = faults_of("#" * 1_000_001)
    assert fault.message == "the text has more than 1,000,000 bytes"
    assert faults_of("#" + "中" * 333_334)[0].message == fault.message


@given(st.text(max_size=200))
def test_any_text_is_a_scenario_or_faults(text: str) -> None:
    with contextlib.suppress(DataError):
        assert read(text) == read(text)


@given(st.data())
def test_any_spoilt_file_is_a_scenario_or_faults(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(WHOLE)))
    end = data.draw(st.integers(start, min(len(WHOLE), start + 40)))
    new = data.draw(st.text(alphabet='[]{}"=.,#\n \\alne0123-', max_size=10))
    text = WHOLE[:start] + new + WHOLE[end:]
    faults: tuple[Fault, ...] = ()
    try:
        read(text)
    except DataError as error:
        faults = error.faults
    assert all(0 <= fault.row <= text.count("\n") + 1 for fault in faults)


# Written and read back


SHARES = st.one_of(st.sampled_from([0.0, 0.1, 0.5, 0.935, 1.0]), st.floats(0, 1))
AMOUNTS = st.one_of(st.just(0.0), st.floats(0, 100))
SHIPS = st.sampled_from([(), ("vlcc",), ("suezmax", "vlcc"), ("lng_carrier",)])
POINTS = st.tuples(st.floats(-180, 180), st.floats(-90, 90))
RULES = st.builds(
    Rule,
    st.sampled_from(sorted(HERE.elements - {"pipeline:espo_1"})[:6]),
    lost=SHARES,
    ships=SHIPS,
    max_draft_m=st.none() | st.floats(0.1, 50),
    delay_d=AMOUNTS,
    toll_usd_t=AMOUNTS,
    war_risk_pct=AMOUNTS,
)
SUPPLIES = st.builds(
    Rule,
    st.sampled_from(["origin:IRN", "origin:SAU"]),
    lost=SHARES,
    commodities=st.sampled_from([(), ("crude_oil",), ("lng", "wheat")]),
)
SHAPES = st.builds(
    Drawn,
    st.text(min_size=1).filter(str.strip),
    st.lists(POINTS, min_size=3, max_size=5, unique=True).map(tuple),
    st.booleans(),
)


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    drawn = draw(st.lists(SHAPES, max_size=3, unique_by=lambda shape: shape.name))
    rules = draw(st.lists(RULES | SUPPLIES, max_size=5))
    for shape in drawn:
        rules.append(replace(draw(RULES), element=f"drawn:{shape.name}"))
    try:
        return make_scenario(
            "mine",
            name_en=draw(st.text()),
            name_zh=draw(st.text()),
            note=draw(st.text()),
            rules=rules,
            opened=draw(st.sampled_from([(), ("pipeline:espo_1",)])),
            drawn=drawn,
            switches=draw(st.sampled_from([(), (("malaysia_label", "iran"),)])),
            start=draw(st.none() | st.dates()),
            duration_d=draw(st.floats(0.01, 3650)),
            recovery_d=draw(st.floats(0, 3650)),
            sources=draw(st.lists(st.text(), max_size=3)),
        )
    except UsageError:  # two of the rules contradict each other
        reject()


@given(scenarios())
def test_what_is_written_is_read_back_the_same(scenario: Scenario) -> None:
    assert read(to_toml(scenario)) == scenario


@pytest.mark.parametrize(
    "text",
    [
        '"\n[[close]]\nelement = "chokepoint:hormuz"\n#',
        "'''\n[[close]]\n",
        '"""\\',
        "\\u0022\\",
        "\0\b\t\n\r\x1b[31m\x7f\x85",
        "left\u202eright\u2066\ufeff\u2028",
        "\N{PILE OF POO}霍尔木兹",
    ],
)
def test_hostile_text_stays_text(text: str) -> None:
    scenario = make_scenario(
        "mine",
        name_en=text,
        name_zh=text,
        note=text,
        drawn=[Drawn(text, ((0, 0), (1, 1)), False)],
        rules=[Rule(f"drawn:{text}", lost=1.0)],
        sources=[text],
    )
    written = to_toml(scenario)
    assert read(written) == scenario
    assert re.findall("[\0-\t\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]", written) == []
    assert written.count("[[close]]\n") == 0


def test_half_of_a_sign_pair_can_be_written() -> None:
    assert read(to_toml(make_scenario("mine", note="a\ud800b"))).note == "a?b"


# Made from rules


def holding(rules: tuple[Rule, ...] | list[Rule]) -> dict[tuple[str, str, str], float]:
    """Return the share lost at each element by each ship class with each commodity."""
    found: dict[tuple[str, str, str], float] = {}
    for rule in rules:
        ships, cargoes = rule.ships or tuple(HERE.carries), rule.commodities or HERE.commodities
        for key in product([rule.element], ships, cargoes):
            found[key] = max(found.get(key, 0.0), rule.lost)
    return {key: lost for key, lost in found.items() if lost}


AGREEING = st.lists(
    st.builds(
        lambda element, ships, cargoes: Rule(
            element, {"port:P1": 0.25, "port:P2": 1.0}[element], ships, cargoes
        ),
        st.sampled_from(["port:P1", "port:P2"]),
        SHIPS,
        st.sampled_from([(), ("crude_oil",), ("lng",), ("crude_oil", "lng")]),
    ),
    max_size=6,
)


@given(AGREEING, st.randoms())
def test_merging_and_order_change_nothing_that_holds(rules: list[Rule], random: object) -> None:
    once = make_scenario("mine", rules=rules)
    assert holding(once.rules) == holding(rules)
    assert make_scenario("mine", rules=once.rules) == once
    shuffled = rules[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert make_scenario("mine", rules=shuffled) == once


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rules": [Rule("a", lost=1.5)]}, "1.5 is not a number from 0 to 1, in lost of a"),
        ({"rules": [Rule("a", delay_d=float("nan"))]}, "nan is not a number"),
        ({"rules": [Rule("a", lost=0.5), Rule("a", lost=0.2)]}, "a: limited to 0.8 of usual, and"),
        ({"rules": [Rule("drawn:x", lost=1)]}, "drawn:x is not drawn"),
        ({"rules": [Rule("origin:IRN", delay_d=1)]}, "origin:IRN can lose supply"),
        ({"rules": [Rule("a", lost=1)], "opened": ["a"]}, "a is both opened and closed"),
        ({"rules": [Rule(f"a{n}", lost=1) for n in range(201)]}, "201 rules are more than 200"),
        ({"sources": map(str, range(201))}, "201 sources are more than 200"),
        ({"duration_d": 0}, "0 is not a number above 0"),
        ({"switches": [("m", "a"), ("m", "b")]}, "m is set to a and to b"),
        ({"drawn": [Drawn("x", ((0, 0),), False)]}, "drawn:x: 1 different points are too few"),
        ({"drawn": [Drawn(" ", ((0, 0), (1, 1)), False)]}, "a drawing has no name"),
        ({"drawn": [Drawn("x", ((0, 0), (n, 1)), False) for n in (1, 2)]}, "'x' is drawn twice"),
        (
            {"drawn": [Drawn("x", tuple((n / 2, 0) for n in range(201)), False)]},
            "201 points drawn are more than 200",
        ),
    ],
)
def test_what_python_asks_is_checked_too(asked: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        make_scenario("mine", **asked)  # type: ignore[arg-type]


# From the command line


def test_options_of_a_command() -> None:
    found = from_options(
        HERE,
        close=["chokepoint:hormuz"],
        limit=["chokepoint:panama=0.67"],
        supply=["IRN=0.5"],
        war_risk=["port:CNSHA=2"],
        toll=["chokepoint:panama=3"],
        delay=["port:CNSHA=1.5"],
        opened=["pipeline:espo_1"],
        switches={"malaysia_label": "iran"},
        commodities=["crude_oil"],
        duration_d=90,
        recovery_d=30,
    )
    oil = ("crude_oil",)
    assert found == make_scenario(
        "command_line",
        rules=[
            Rule("chokepoint:hormuz", lost=1, commodities=oil),
            Rule("chokepoint:panama", lost=0.33, toll_usd_t=3, commodities=oil),
            Rule("origin:IRN", lost=0.5, commodities=oil),
            Rule("port:CNSHA", war_risk_pct=2, delay_d=1.5, commodities=oil),
        ],
        opened=["pipeline:espo_1"],
        switches=[("malaysia_label", "iran")],
        duration_d=90,
        recovery_d=30,
    )


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        ({"close": ["chokepoint:hormus"]}, UnknownIdError, "did you mean chokepoint:hormuz"),
        ({"limit": ["chokepoint:panma=0.5"]}, UnknownIdError, "did you mean chokepoint:panama"),
        ({"limit": ["chokepoint:panama"]}, UsageError, "is not element=number"),
        ({"limit": ["chokepoint:panama=67%"]}, UsageError, "'67%' is not a number from 0 to 1"),
        ({"limit": ["chokepoint:panama=1.2"]}, UsageError, "'1.2' is not a number from 0 to 1"),
        ({"limit": ["chokepoint:panama=nan"]}, UsageError, "'nan' is not a number from 0 to 1"),
        ({"supply": ["IRM=0.5"]}, UnknownIdError, "unknown country 'IRM'; did you mean IR"),
        ({"war_risk": ["port:CNSHA=-1"]}, UsageError, "'-1' is not a number from 0 to 100"),
        ({"ships": ["vlc"]}, UnknownIdError, "unknown ship class 'vlc'"),
        ({"ships": ["vlcc"], "commodities": ["lng"]}, UsageError, "vlcc carries no lng"),
        ({"switches": {"malaysia_label": "x"}}, UnknownIdError, "option of malaysia_label"),
        ({"switches": {"x": "iran"}}, UnknownIdError, "unknown switch 'x'"),
        ({"duration_d": -1.0}, UsageError, "-1.0 is not a number above 0"),
        (
            {"close": ["port:CNSHA"], "limit": ["port:CNSHA=0.5"]},
            *(UsageError, "port:CNSHA: limited to 0.5 of usual, and closed"),
        ),
        (
            {"close": ["port:CNSHA"], "opened": ["port:CNSHA"]},
            *(UsageError, "port:CNSHA is both opened and closed"),
        ),
    ],
)
def test_options_that_make_no_sense(
    ask: dict[str, object], error: type[CorridorsError], message: str
) -> None:
    with pytest.raises(error, match=re.escape(message)):
        from_options(HERE, **ask)  # type: ignore[arg-type]


# Several at once, and side by side


@given(scenarios(), scenarios())
def test_combining_commutes_and_repeats_nothing(a: Scenario, b: Scenario) -> None:
    try:
        both = combine(a, b, name="both")
    except UsageError:
        with pytest.raises(UsageError):
            combine(b, a, name="both")
        return
    assert both == combine(b, a, name="both")
    again = combine(a, both, b, name="both")
    assert replace(again, name_en=both.name_en, name_zh=both.name_zh, note=both.note) == both


def test_a_combined_scenario() -> None:
    a = make_scenario(
        "a", rules=[Rule("x", lost=1)], start=date(2026, 3, 1), duration_d=90, sources=["s"]
    )
    b = make_scenario(
        "b", rules=[Rule("y", lost=0.5)], start=date(2026, 2, 1), duration_d=6.31, recovery_d=9
    )
    both = combine(a, b, name="ab")
    assert both.rules == (Rule("x", lost=1), Rule("y", lost=0.5))
    assert (both.start, both.duration_d, both.recovery_d) == (date(2026, 2, 1), 90, 9)
    assert (both.name_en, both.sources) == ("a + b", ("s",))
    assert combine(a, b, name="ab", duration_d=1, recovery_d=0) == replace(
        both, duration_d=1, recovery_d=0
    )


def test_scenarios_that_contradict_each_other_are_not_combined() -> None:
    a, b = (make_scenario(n, rules=[Rule("x", lost=lost)]) for n, lost in (("a", 1), ("b", 0.5)))
    with pytest.raises(UsageError, match=r"x: limited to 0\.5 of usual, and closed"):
        combine(a, b, name="ab")
    with pytest.raises(UsageError, match="no scenario"):
        combine(name="none")


def test_differences_in_words() -> None:
    a = make_scenario("a", name_en="N", rules=[Rule("x", lost=1), Rule("z", lost=1)])
    b = make_scenario(
        "b",
        name_en="N",
        name_zh="乙",
        note="n",
        rules=[Rule("z", lost=1), Rule("x", lost=0.5, ships=("vlcc",), toll_usd_t=2)],
        opened=["y"],
        start=date(2026, 1, 1),
        duration_d=90,
    )
    assert diff(a, b) == [
        "Chinese name: N in a, 乙 in b",
        "start: no date in a, 2026-01-01 in b",
        "duration: 365 d in a, 90 d in b",
        "the notes differ",
        "only in a: x: closed",
        "only in b: x for vlcc: limited to 0.5 of usual, toll 2 USD/t",
        "only in b: y: opened",
    ]


@given(scenarios(), scenarios())
def test_no_difference_is_equality(a: Scenario, b: Scenario) -> None:
    assert diff(a, a) == []
    assert (diff(a, b) == []) == (a == b)


def test_a_rule_in_words() -> None:
    rule = Rule("port:CNSHA", 0.5, ("vlcc",), ("crude_oil",), 12.5, 1, 2, 0.7)
    assert told(rule) == (
        "port:CNSHA for vlcc with crude_oil: limited to 0.5 of usual, draft limited to 12.5 m, "
        "delay 1 d, toll 2 USD/t, war risk 0.7 % of hull value"
    )


# From today's risk


def risk_row(
    element: str, ratio: float | None = None, threat: float | None = None
) -> dict[str, object]:
    seen = ratio is not None
    return {
        "element": element,
        "observed_ratio": float("nan") if ratio is None else ratio,
        "observed_on": pd.Timestamp("2026-07-19", tz="UTC") if seen else pd.NaT,
        "observed_age_d": 4.0 if seen else float("nan"),
        "threat": float("nan") if threat is None else threat,
        "threat_state": "not_covered" if threat is None else "stale",
        "threat_age_d": 2.2 if threat is not None else float("nan"),
        "feeds": "" if threat is None else "nga_warnings",
    }


def test_todays_risk_as_a_scenario(world: World) -> None:
    rows = [
        risk_row("chokepoint:hormuz", ratio=0.0654, threat=0.9),  # traffic before threat
        risk_row("chokepoint:suez", ratio=0.85, threat=0.99),  # seen to flow
        risk_row("chokepoint:bab_el_mandeb", threat=0.8),
        risk_row("chokepoint:malacca", threat=0.49),
        risk_row("port:CNSHA"),
        risk_row("corridor:gulf_east_asia_oil", threat=0.95),
    ]
    found = from_risk(world, pd.DataFrame(rows))
    assert found.rules == (
        Rule("chokepoint:bab_el_mandeb", lost=0.8),
        Rule("chokepoint:hormuz", lost=0.935),
    )
    head, *lines = found.note.splitlines()
    assert "exercise, not a forecast" in head.lower()
    assert "演习推演,非预报" in head
    assert lines == [
        "Strait of Hormuz (chokepoint:hormuz): 6.5 % of usual ships seen, counts 4 d old",
        "Bab el-Mandeb Strait (chokepoint:bab_el_mandeb): threat 0.8 and no traffic judged, "
        "news 2 d old, stale",
    ]
    assert found.sources == (
        "observed: daily ships, newest day 2026-07-19",
        "threat: feeds nga_warnings",
    )
    assert found.duration_d == 30
    text = to_toml(found)
    assert parse(text, name="today", file="today.toml", known=known(world)) == found
    assert from_risk(world, pd.DataFrame(rows), least=0.81).rules == found.rules[1:]
    with pytest.raises(UsageError, match="least"):
        from_risk(world, pd.DataFrame(rows), least=2)


def test_of_too_many_elements_at_risk_the_worst_are_kept(world: World) -> None:
    elements = world.elements()[: MOST + 3]
    rows = [risk_row(e, threat=0.6 + n / 1000) for n, e in enumerate(elements)]
    found = from_risk(world, pd.DataFrame(rows))
    assert {rule.element for rule in found.rules} == set(elements[3:])
    assert "3 elements that lose less are left out" in found.note


def test_a_risk_table_of_the_risk_engine_is_read(world: World) -> None:
    now = datetime(2026, 7, 20, tzinfo=UTC)
    last = now - timedelta(days=5)
    counts = [  # 20 ships a day in the last week, 80 as usual
        {"series": "portwatch:chokepoint6", "metric": "n_total", "value": 20 if day < 7 else 80}
        | {"observed_at": last - timedelta(days=day), "retrieved_at": now}
        | {"source": "portwatch_chokepoints"}
        for day in range(420)
    ]
    attack: dict[str, object] = {
        "event_uid": "nga_warnings:1",
        "source": "nga_warnings",
        "status": "ended",
    }
    attack |= {"kind": "security_incident", "severity": 4, "certainty": "observed"}
    attack |= {"confidence": 0.8, "title": "x", "wkt": "POINT (43.3 12.6)"}
    attack |= {key: now for key in ("onset_at", "ends_at", "retrieved_at", "content_as_of")}
    events, observations = event_frame([attack]), observation_frame(counts)
    state = {"feed": "nga_warnings", "state": "live", "content_as_of": pd.Timestamp(now)}
    states = pd.DataFrame([state])
    table = risk_table(world, events, observations, states, now=now)
    whole = pd.concat([table, corridor_risk(world, table)], ignore_index=True)
    found = from_risk(world, whole, least=0.6)
    lost = {rule.element: rule.lost for rule in found.rules}
    threat = float(table.set_index("element")["threat"]["chokepoint:bab_el_mandeb"])
    assert 0.6 < threat < 0.8
    assert lost["chokepoint:hormuz"] == 0.75
    assert lost["chokepoint:bab_el_mandeb"] == round(threat, 3)
    assert "25 % of usual ships seen, counts 5 d old" in found.note
    assert "and no traffic judged, news 0 d old, active" in found.note
    assert not any(element.startswith("corridor:") for element in lost)


# The shipped library


def test_the_library_is_whole() -> None:
    assert tuple(scenario_texts()) == LIBRARY


@pytest.mark.parametrize("id", LIBRARY)
def test_a_shipped_scenario_has_no_fault(id: str, world: World) -> None:
    text, shown = scenario_texts()[id]
    assert shown == f"data/scenarios/{id}.toml"
    found = parse(text, name=id, file=shown, known=known(world))
    assert found.rules or found.opened
    assert found.sources
    assert id not in (found.name_en, found.name_zh)
    assert re.search("[\u4e00-\u9fff]", found.name_zh)
    assert not re.search("[\u4e00-\u9fff]", found.name_en)
    assert found.note.startswith("Exercise, not a forecast.")
    assert "演习推演,非预报。" in found.note
    assert "Known: " in found.note
    assert "Chosen: " in found.note
    assert parse(to_toml(found), name=id, file=shown, known=known(world)) == found
    for table in text.split("[[source]]")[1:]:
        assert re.search(r"^quality = ", table, re.M)
        assert re.search(r"^year = ", table, re.M)


def test_shipped_numbers_are_those_of_their_sources(world: World) -> None:
    texts = scenario_texts()
    found = {id: parse(t, name=id, file=f, known=known(world)) for id, (t, f) in texts.items()}
    assert found["hormuz_2026"].rules == (Rule("chokepoint:hormuz", lost=0.935, war_risk_pct=2.0),)
    assert found["suez_2021"].duration_d == 6.31
    (panama,) = found["panama_2023_24"].rules
    assert panama.lost == pytest.approx(1 - 24 / 36, abs=5e-4)
    assert panama.max_draft_m == pytest.approx(44 * 0.3048, abs=5e-3)
    recorded = world.disruptions.set_index("disruption")
    for id, row in {
        "hormuz_2026": "hormuz_2026_closure",
        "suez_2021": "suez_2021_ever_given",
    }.items():
        assert str(found[id].start) == recorded.loc[row, "start"]
    everything = combine(*(found[id] for id in ("hormuz_full", "malacca_sunda_lombok")), name="x")
    assert len(everything.rules) == 4


def test_red_sea_shares_name_every_ship_class_once(world: World) -> None:
    text, shown = scenario_texts()["red_sea_2023_24"]
    found = parse(text, name="r", file=shown, known=known(world))
    assert {r.element for r in found.rules} == {"chokepoint:bab_el_mandeb"}
    ships = [s for r in found.rules if r.lost for s in r.ships]
    assert sorted(ships) == sorted(world.ship_classes["ship_class"])


# Files


def test_a_scenario_by_its_id_or_path(tmp_path: Path) -> None:
    id, text, shown = read_scenario("hormuz_full")
    assert (id, shown) == ("hormuz_full", "data/scenarios/hormuz_full.toml")
    path = tmp_path / "my plan-2.toml"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_scenario(path) == ("my_plan_2", text, str(path))
    assert read_scenario(str(path))[1] == text


@pytest.mark.parametrize(
    ("place", "error", "message"),
    [
        ("hormuz_ful", UnknownIdError, "unknown scenario 'hormuz_ful'; did you mean hormuz_full"),
        ("../scenarios/hormuz_full", UsageError, "neither the id of a scenario nor a file"),
        ("", UsageError, "neither the id of a scenario nor a file"),
        ("nowhere/a.toml", DataError, "nowhere/a.toml: there is no such file"),
        ("a\0b.toml", DataError, "there is no such file"),
        ("a" * 5000 + ".toml", DataError, "aaa"),
    ],
)
def test_what_is_no_scenario(place: str, error: type[CorridorsError], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        read_scenario(place)


def make_folder(path: Path) -> None:
    path.mkdir()


def make_large(path: Path) -> None:
    path.write_bytes(b"#" * 1_000_001)


def make_latin(path: Path) -> None:
    path.write_bytes(b'name_en = "a"\nnote = "\xe9"\n')


@pytest.mark.parametrize(
    ("make", "row", "message"),
    [
        (make_folder, 0, "there is no such file"),
        (os.mkfifo, 0, "there is no such file"),
        (make_large, 0, "the file has more than 1,000,000 bytes"),
        (make_latin, 2, "the text is not UTF-8"),
    ],
)
def test_a_file_that_can_not_be_read(
    make: Callable[[Path], None], row: int, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.toml"
    make(path)
    with pytest.raises(DataError) as caught:
        read_scenario(path)
    assert caught.value.faults == (Fault(str(path), row, "", message),)


def test_a_folder_without_scenarios_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORRIDORS_DATA", str(tmp_path))
    assert scenario_texts() == {}
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "no id.toml").write_text("")
    (tmp_path / "scenarios" / "mine.toml").write_text("duration_d = 1", encoding="utf-8")
    shown = f"{tmp_path.name}/scenarios/mine.toml"
    assert scenario_texts() == {"mine": ("duration_d = 1", shown)}


def test_writing_takes_no_name_that_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    write_scenario(path, "note = '一'\n")
    with pytest.raises(UsageError, match="is there already"):
        write_scenario(path, "note = '二'\n")
    assert read_scenario(path)[1] == "note = '一'\n"
    write_scenario(path, "note = '二'\n", overwrite=True)
    assert read_scenario(path)[1] == "note = '二'\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.toml"]


def test_writing_where_links_are_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "a.toml"
    write_scenario(path, "a")
    with pytest.raises(UsageError, match="is there already"):
        write_scenario(path, "b")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a.toml", "a")]


def test_writing_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not end in"):
        write_scenario(tmp_path / "a.csv", "")
    with pytest.raises(CorridorsError, match="can't write"):
        write_scenario(tmp_path / "no" / "a.toml", "")
    (tmp_path / "b.toml").mkdir()
    with pytest.raises(CorridorsError, match="can't write"):
        write_scenario(tmp_path / "b.toml", "", overwrite=True)
    assert [file.name for file in tmp_path.iterdir()] == ["b.toml"]
