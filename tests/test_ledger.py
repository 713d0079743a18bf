"""The warning log: a chain in which no edit, gap, swap or addition stays hidden."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.errors import UnknownIdError, UsageError
from layers.ledger import START, Draft, Entry, Head, broken, canonical, chain_of, chained
from layers.store import Store
from tests.postgres import behind
from tests.processes import Deed, child, told_when_killed

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KILLS = int(os.environ.get("CORRIDORS_TEST_KILLS", "20")) // 2

RECORDS: dict[str, dict[str, Any]] = {
    "alert": {"id": "a.1", "thread": "a.1", "message": "Alert", "level": 3, "vintage": "2026-02-27"}
    | {"sent": NOW.isoformat(), "expires": (NOW + DAY).isoformat(), "probability_14d": None},
    "acknowledgement": {"alert": "a.1", "reader": "embassy", "who": "值班 é", "note": "read"}
    | {"at": NOW.isoformat()},
    "feedback": {"alert": "a.1", "reader": "enterprise", "verdict": "late", "note": ""},
    "review": {"element": "chokepoint:hormuz", "decision": "rebase", "day": "2026-03-01"}
    | {"who": "me", "note": ""},
    "delivery": {"alert": "a.1", "host": "hooks.example:8443", "outcome": "failed"}
    | {"status": 503, "attempts": 3},
    "run": {"at": NOW.isoformat(), "vintage": "2026-02-27", "counts": {"red": 1, "blue": 0}},
}
DRAFTS: list[Draft] = [(kind, NOW, record) for kind, record in RECORDS.items()]


def run(n: int) -> Draft:
    return "run", NOW + n * DAY, {"at": NOW.isoformat(), "vintage": str(n), "counts": {}}


def head_of(entries: Sequence[Entry]) -> Head:
    return entries[-1].head if entries else START


@pytest.fixture
def store(home: str) -> Store:
    return Store(home)


# The chain


def test_the_first_hash_can_be_found_by_hand() -> None:
    import hashlib

    entry = chained(START, "run", NOW, {"vintage": "é", "counts": {}, "at": "x"})
    assert entry.body == '{"at":"x","counts":{},"vintage":"é"}'
    text = f"1\nrun\n2026-03-01T12:00:00+00:00\n{'0' * 64}\n{entry.body}"
    assert entry.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert (entry.seq, entry.previous_sha256) == (1, "0" * 64)
    assert chained(entry.head, *run(1)).previous_sha256 == entry.sha256


def test_the_moment_is_hashed_in_utc() -> None:
    from zoneinfo import ZoneInfo

    told = RECORDS["run"]
    there = chained(START, "run", NOW.astimezone(ZoneInfo("Asia/Shanghai")), told)
    assert there == chained(START, "run", NOW, told)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1}, NOW, "\ud800"])
def test_what_is_no_json_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="must be JSON"):
        canonical({"a": value})


@pytest.mark.parametrize(
    ("kind", "change", "words"),
    [
        ("alert", {"id": None}, "alert needs id"),
        ("feedback", {"verdict": "maybe"}, "one of true, false, late, useless, not 'maybe'"),
        ("review", {"decision": "forget"}, "one of confirm, rebase"),
        ("delivery", {"host": "hooks.example/T0/secret"}, "no address"),
        ("delivery", {"host": "hooks.example?key=secret"}, "no address"),
        ("delivery", {"host": "user:secret@hooks.example"}, "no address"),
    ],
)
def test_a_record_that_lacks_something_or_says_too_much(
    kind: str, change: dict[str, Any], words: str
) -> None:
    record = {k: v for k, v in {**RECORDS[kind], **change}.items() if v is not None}
    with pytest.raises(UsageError, match=words):
        chained(START, kind, NOW, record)


def test_an_unknown_kind_and_a_moment_without_a_zone() -> None:
    with pytest.raises(UnknownIdError, match="did you mean alert"):
        chained(START, "alerts", NOW, {})
    with pytest.raises(UsageError, match="no time zone"):
        chained(START, "run", NOW.replace(tzinfo=None), RECORDS["run"])


chains = st.integers(1, 8).map(lambda n: chain_of(START, [run(k) for k in range(n)]))


@given(chains)
def test_a_chain_left_alone_is_whole(chain: list[Entry]) -> None:
    assert broken(chain) == []
    assert broken(chain, head_of(chain)) == []


def test_a_chain_without_entries_is_whole() -> None:
    assert broken([], START) == []


@given(chains, st.data())
def test_an_edit_is_reported(chain: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(chain) - 1))
    was = chain[at]
    edits: list[dict[str, Any]] = [
        {"kind": "alert"},
        {"at": was.at + timedelta(microseconds=1)},
        {"body": was.body + " "},
        {"seq": was.seq + data.draw(st.integers(1, 9))},
        {"previous_sha256": "f" * 64},
        {"sha256": "f" * 64},
    ]
    edited = replace(was, **data.draw(st.sampled_from(edits)))
    found = broken([*chain[:at], edited, *chain[at + 1 :]], head_of(chain))
    assert any(f"entry {edited.seq} " in fault for fault in found)


@given(chains, st.data())
def test_an_edit_hashed_anew_is_reported(chain: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(chain) - 1))
    before = chain[at - 1].head if at else START
    edited = chained(before, *run(99))
    found = broken([*chain[:at], edited, *chain[at + 1 :]], head_of(chain))
    named = at + 2 if at + 1 < len(chain) else at + 1  # the one that does not follow from it
    assert any(f"entry {named} " in fault for fault in found)


@given(chains, st.data())
def test_a_deletion_is_reported(chain: list[Entry], data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(chain) - 1))
    last = data.draw(st.integers(first + 1, len(chain)))
    found = broken([*chain[:first], *chain[last:]], head_of(chain))
    assert f"the log holds {len(chain) - last + first} entries and {len(chain)} were written" in (
        found
    )
    if last < len(chain):
        assert any(f"entry {last + 1} stands after entry {first}" in fault for fault in found)


@given(chains, st.data())
def test_a_swap_is_reported(chain: list[Entry], data: st.DataObject) -> None:
    a, b = data.draw(
        st.tuples(st.integers(0, len(chain) - 1), st.integers(0, len(chain) - 1)).filter(
            lambda pair: pair[0] != pair[1] or len(chain) == 1
        )
    )
    swapped = list(chain)
    swapped[a], swapped[b] = swapped[b], swapped[a]
    assert bool(broken(swapped, head_of(chain))) == (len(chain) > 1)


@given(chains, st.data())
def test_an_insertion_is_reported(chain: list[Entry], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(chain)))
    before = chain[at - 1].head if at else START
    added = data.draw(st.sampled_from([chained(before, *run(99)), *chain]))
    assert broken([*chain[:at], added, *chain[at:]], head_of(chain))


def test_an_end_cut_off_is_found_by_the_head_alone() -> None:
    chain = chain_of(START, DRAFTS)
    assert broken(chain[:-2]) == []
    assert broken(chain[:-2], head_of(chain)) == [
        "the log holds 4 entries and 6 were written",
        "entry 4 ends the log and is not the one written last",
    ]


# In the store


def test_entries_come_back_as_they_went_in(store: Store) -> None:
    assert store.log().empty
    assert store.changed() == 0
    written = store.append(DRAFTS[:2]) + store.append(DRAFTS[2:])
    table = store.log()
    assert table["seq"].tolist() == [entry.seq for entry in written] == [1, 2, 3, 4, 5, 6]
    assert table["record"].tolist() == list(RECORDS.values())
    assert table["kind"].tolist() == list(RECORDS)
    assert set(table["at"]) == {NOW}
    assert store.log_head() == written[-1].head
    assert store.check() == []


def test_the_log_can_be_asked_by_kind_and_time(store: Store) -> None:
    store.append([*DRAFTS, run(1), run(2)])
    assert store.log(["feedback", "review"])["seq"].tolist() == [3, 4]
    assert store.log(since=NOW + DAY)["seq"].tolist() == [7, 8]
    assert store.log(["alert"], since=NOW + DAY).empty
    assert store.log(["alert"]).dtypes.to_dict() == store.log().dtypes.to_dict()


def test_the_newest_entries_of_a_kind_and_when_it_began(store: Store) -> None:
    assert store.log_began("run") is None
    assert store.log(["run"], newest=1).empty
    store.append([run(n) for n in range(5)])
    store.append([("review", NOW, RECORDS["review"])])
    newest = store.log(["run"], newest=2)
    assert newest["seq"].tolist() == [4, 5]
    assert [record["vintage"] for record in newest["record"]] == ["3", "4"]
    assert store.log(newest=9)["seq"].tolist() == [1, 2, 3, 4, 5, 6]
    assert store.log_began("run") == NOW
    assert store.log_began("alert") is None


def test_all_entries_are_written_or_none(store: Store) -> None:
    store.append(DRAFTS[:1])
    with pytest.raises(UsageError):
        store.append([run(1), ("run", NOW, {"at": float("nan"), "vintage": "", "counts": {}})])
    assert len(store.log()) == 1
    assert store.append([]) == []
    assert store.check() == []


DAMAGE = [
    ("UPDATE log SET body = replace(body, 'late', 'true') WHERE seq = 3", "entry 3 is not what"),
    ("UPDATE log SET written_at = written_at + INTERVAL '1 day' WHERE seq = 1", "entry 1 is not"),
    ("UPDATE log SET seq = CASE seq WHEN 2 THEN 3 ELSE 2 END WHERE seq IN (2, 3)", "entry 2 "),
    ("DELETE FROM log WHERE seq = 2", "entry 3 stands after entry 1"),
    ("DELETE FROM log WHERE seq = 6", "holds 5 entries and 6 were written"),
    ("DELETE FROM log", "holds 0 entries"),
    ("INSERT INTO log SELECT * FROM log WHERE seq = 6", "entry 6 stands after entry 6"),
    ("UPDATE meta SET value = '5' WHERE key = 'log_count'", "5 were written"),
    ("DELETE FROM meta WHERE key = 'log_head'", "head of the warning log is gone"),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGE)
def test_the_check_of_the_store_finds_it(store: Store, damage: str, words: str) -> None:
    store.append(DRAFTS)
    behind(store, damage)
    assert any(words in fault for fault in store.check())


def test_what_is_written_after_a_cut_does_not_hide_it(store: Store) -> None:
    store.append(DRAFTS)
    behind(store, "DELETE FROM log WHERE seq > 4")
    assert [entry.seq for entry in store.append([run(1)])] == [7]
    assert any("entry 7 stands after entry 4" in fault for fault in store.check())


# Two processes, and sudden ends


def append_pairs(place: str) -> None:
    store = Store(place, wait_s=30)
    for n in range(8):
        store.append([run(n), run(n)])


def test_two_processes_write_one_chain(store: Store) -> None:
    writers = [child(append_pairs, store.place) for _ in range(2)]
    assert [w.communicate()[1] for w in writers] == ["", ""]
    assert store.log()["seq"].tolist() == list(range(1, 33))
    assert store.check() == []


def appending(place: str) -> Deed:
    store = Store(place, wait_s=30)
    store.log()  # imports what this kind of store needs
    return lambda n: store.append([run(n)] * 5)[-1].seq


def test_a_process_killed_at_any_moment_loses_nothing(store: Store) -> None:
    before = 0
    for told in told_when_killed(appending, store.place, times=KILLS, seed=5):
        assert store.check() == []
        # What was told is there, and so may be, whole, what was written before the word of it.
        kept, before = max(told, before), len(store.log())
        assert before in (kept, kept + 5)
