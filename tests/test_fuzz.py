"""Every reader, whatever comes: what it promises, or one error that says whose fault it is.

Here each reader has a short turn; ``python -m tests.fuzz --seconds 3600`` does the same for as long
as wanted.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from layers.errors import FeedError
from layers.flows import FORMATS
from layers.source import Answer, feeds
from layers.tables import TABLES
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import NOW, seeds_of_feeds, targets
from tests.test_feeds_b import EIA_AT

TARGETS = targets()
# Checks of whole tables take 50 ms each.
MANY = {name: 4 if name.startswith("table:") else 16 for name in TARGETS}


def test_no_reader_is_forgotten() -> None:
    assert set(seeds_of_feeds()) == set(feeds())
    names = {name.split(":")[1] for name in TARGETS if name.startswith("flows:")}
    assert names >= set(FORMATS)
    assert {name.split(":")[1] for name in TARGETS if name.startswith("table:")} <= set(TABLES)


@pytest.mark.parametrize("id", sorted(feeds()))
def test_a_seed_is_a_right_answer(id: str) -> None:
    """Else the fuzzing would only ever see the first check refuse."""
    url = EIA_AT if id == "eia_series" else "https://example.org/list"
    try:
        parsed = feeds()[id].parse([Answer(url, body, NOW) for body in seeds_of_feeds()[id]])
    except FeedError as error:
        pytest.fail(str(error))
    assert len(parsed.events) + len(parsed.observations) > 0


COMTRADE = b'{"data": [{"a": '
HEAD = b"freq,reporter,partner,product,flow,indicators"
FOUND: tuple[tuple[str, bytes], ...] = (
    ("flows:comtrade", COMTRADE + b"[" * 100_000),  # RecursionError
    ("flows:comtrade", COMTRADE + b"9" * 5_000 + b"}]}"),  # ValueError: digits
    ("flows:comtrade", b'{"data": ' + b"[0," * 300_000),  # minutes: every bracket copied the rest
    ("flows:comtrade", TARGETS["flows:comtrade"].seeds[0].replace(b'"2709"', b'"\\ud800"')),
    ("flows:comtrade:zip", b"PK\x03\x04" + b"\0" * 60),
    ("flows:eurostat", HEAD + b",flow\\TIME_PERIOD\t2022\nA,NL,QA,271111,1,VALUE_IN_EUROS,1\t5\n"),
    ("flows:eurostat", HEAD + b",line\\TIME_PERIOD\t2022\nA,NL,QA,271111,1,VALUE_IN_EUROS,1\t5\n"),
    ("flows:countries", b'country_code,country_iso3\n"' + b"x" * 200_000),  # csv.Error
    ("table:exchange_rates", b"currency,year,usd\nEUR,2022,1,2,3\n"),  # cells became names of rows
    ("table:exchange_rates", b"currency,year,usd,source\nEUR,inf,1,x\n"),
    ("table:exchange_rates", b",".join(b"c%d" % n for n in range(5_000)) + b"\n"),  # minutes
    ("table:sources", b"file,sha256\n\xff\xfe,x\n"),
    ("alert record", b'{"message": "Alert", "level": 1, "previous": 0, "impact": 7}'),
    ("retry-after", b"Sun, 06 Nov 99999999999999999999 08:49:37 GMT"),
    ("feed:cap_url:other", TARGETS["feed:cap_url:other"].seeds[0].replace(b"//example", b"//[::1")),
    ("feed:local_reports", TARGETS["feed:local_reports"].seeds[0].replace(b"26.5", b"A" * 60_000)),
    ("memory", b"PK\x05\x06" + b"\xff" * 18),
    ("scenario", b'[[area]]\nname = "a"\npoints = [[0,0],[9,0],[9,9],[0,0],[0,0]]\n'),
)
"""What once ended in another error, took minutes, or was read back as something else."""


@pytest.mark.parametrize(
    ("name", "body"), FOUND, ids=[f"{name}-{n}" for n, (name, _) in enumerate(FOUND)]
)
def test_what_was_found_stays_mended(name: str, body: bytes) -> None:
    TARGETS[name].read(body)


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_what_is_spoiled_is_read_or_refused(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds:
        target.read(seed)

    @settings(max_examples=MANY[name], suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32))
    def property(chance: int) -> None:
        body = random.Random(f"{name} {chance}")
        target.read(mutated(body.choice(target.seeds), body))

    property()
