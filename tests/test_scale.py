"""Work in blocks: the same answers from one process and two, whoever is killed on the way."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from corridors.risk.alert import to_record
from corridors.risk.impact import COLUMNS as IMPACT
from corridors.risk.replay import Replay, replay
from corridors.whatif import scale
from corridors.whatif.engine import Engine, prepare
from corridors.whatif.ensemble import Chances, Draws, simulate
from corridors.whatif.interdiction import Values, worst
from corridors.whatif.scale import Alone, Crew, crew, parts
from corridors.whatif.scenario import Rule, make_scenario
from corridors.whatif.sweep import COLUMNS, sweep
from layers.errors import CorridorsError, DataError, Fault, FeedError, UnknownIdError, UsageError
from layers.events import event_frame, observation_frame
from layers.world import World

NORTH, SOUTH, BRIDGE = "chokepoint:north", "chokepoint:south", "pipeline:bridge"
DIRECT = "pipeline:direct"
TOY = (NORTH, SOUTH, BRIDGE, DIRECT)
HORMUZ = "chokepoint:hormuz"
FETCHED = datetime(2025, 3, 4, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def two() -> Iterator[Crew]:
    """Return two processes of this machine, for all tests of this file, or skip."""
    pytest.importorskip("distributed", reason="no dask.distributed: corridors[scale]")
    with crew(2) as hands:
        yield hands


@pytest.fixture
def distributed() -> Any:
    """Return Dask's part for many processes, or skip."""
    return pytest.importorskip("distributed", reason="no dask.distributed: corridors[scale]")


@dataclass
class Deadly:
    """Hands of which one process ends, the first time it does a block of each call."""

    hands: Crew
    folder: Path

    @property
    def size(self) -> int:
        return self.hands.size

    def map(self, function: Callable[..., Any], blocks: Sequence[Any], **said: Any) -> list[Any]:
        once = str(self.folder / f"killed-{len(list(self.folder.iterdir()))}")

        def work(*given: Any) -> Any:
            try:
                os.close(os.open(once, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return function(*given)
            os.kill(os.getpid(), signal.SIGKILL)

        found = self.hands.map(work, blocks, **said)
        assert Path(once).exists() or not blocks
        return found


# --- what is done twice, by one process and by two


def bits(draws: Draws) -> tuple[object, ...]:
    """Return all the draws hold, to the last bit."""
    arrays = (draws.compound_d, draws.lost_d, draws.year, draws.closure, draws.weight_d)
    return (*(array.tobytes() for array in arrays), draws.elements, draws.closures)


@pytest.fixture(scope="module")
def toy_engine(toys: Any) -> Engine:
    numbers = {
        **{"unmet_penalty_usd_t": 1000, "port_surge": 1, "line_surge": 1, "ballast_return": 1},
        **{"speed_up_cap": 99, "fleet_use": 1, "light_load_slope": 1, "queue_ratio": 1.3},
    }
    rows = [{"assumption": n, "low": v, "central": v, "high": v} for n, v in numbers.items()]
    lines = [{"element": BRIDGE, "capacity_t_y": 99e6}, {"element": "port:BRE", "capacity_t_y": 0}]
    tables = {"assumptions": [*toys.tables["assumptions"], *rows], "capacities": lines}
    toy = toys(tables)
    return prepare(toy.world, network=toy.network)


def worst_of(engine: Engine, hands: Crew) -> list[object]:
    table, proof = worst(engine, {"CCC"}, k=3, among=TOY, hands=hands)
    return [table.to_dict("records"), proof]


def swept(engine: Engine, hands: Crew) -> list[object]:
    shut = {e: make_scenario(e[-5:], rules=[Rule(element=e, lost=1.0)]) for e in TOY}
    table = sweep(engine, shut, None, hands=hands)
    assert list(table.columns) == COLUMNS
    return table.fillna(-1.0).to_dict("records")


def valued(engine: Engine, hands: Crew) -> list[object]:
    values = Values(engine, {"CCC"})
    closures = [frozenset(TOY[:n]) for n in range(1, 5)]
    values.look_up(closures, hands)
    return [values(closure).tolist() for closure in closures]


@pytest.mark.parametrize("work", [worst_of, swept, valued])
def test_two_processes_find_what_one_finds(
    toy_engine: Engine, two: Crew, work: Callable[[Engine, Crew], list[object]], tmp_path: Path
) -> None:
    alone = work(toy_engine, Alone())
    assert work(toy_engine, two) == alone
    assert work(toy_engine, Deadly(two, tmp_path)) == alone
    assert len(list(tmp_path.iterdir())) >= 1


def test_each_closure_by_itself_is_what_the_table_of_one_says(toy_engine: Engine) -> None:
    """Of 100 Mt to CCC 30 come by a pipeline and have no other way; those by sea find one."""
    rows = {row["scenario"]: row for row in swept(toy_engine, Alone())}  # type: ignore[index]
    assert set(rows) == {NORTH, SOUTH, BRIDGE, DIRECT}
    cut = rows[DIRECT]
    assert (cut["importer"], cut["commodity"]) == ("CCC", "crude_oil")
    assert cut["unmet_t"] + cut["infeasible_t"] == pytest.approx(30e6)
    assert cut["lost_share"] == pytest.approx(0.3)
    assert rows[SOUTH]["lost_share"] == 0
    assert rows[SOUTH]["rerouted_t"] > 0
    assert rows[SOUTH]["added_cost_usd_t"] > 0


def test_groups_of_countries_are_counted_as_one(toy_engine: Engine) -> None:
    shut = {DIRECT: make_scenario("cut", rules=[Rule(element=DIRECT, lost=1.0)])}
    [ours] = sweep(toy_engine, shut, ["EAST"]).fillna(-1.0).to_dict("records")
    [theirs] = sweep(toy_engine, shut, ["CCC"]).fillna(-1.0).to_dict("records")
    assert {**ours, "importer": "CCC"} == theirs
    assert sweep(toy_engine, shut, ["AAA"]).empty
    assert sweep(toy_engine, {}, None).columns.tolist() == COLUMNS


def test_two_processes_draw_the_same_years(world: World, two: Crew, tmp_path: Path) -> None:
    law = Chances(severity_spread=1.0, shock_cv=0.7)
    draw = partial(simulate, world.hazards, years=2100, seed=9, chances=law)
    assert bits(draw(mapper=two.map)) == bits(draw())
    assert bits(draw(mapper=Deadly(two, tmp_path).map)) == bits(draw())


def falls(element: str, lost: float) -> pd.DataFrame:
    """Return what any loss at an element would mean: one importer and commodity."""
    row = dict.fromkeys(IMPACT, 1.0) | {"importer": "JPN", "commodity": "lng", "element": element}
    row |= {"tier": 4, "short_share": 0.4, "through_t_y": 5e6, "imports_t_y": 7e7, "lost": lost}
    return pd.DataFrame([row], columns=list(IMPACT))


def traffic(fetched: Sequence[datetime]) -> pd.DataFrame:
    """Return two years of three straits in some vintages; two of them lose most of it."""
    lot, first = np.random.default_rng(3), pd.Timestamp("2023-03-06", tz="UTC")
    rows = []
    for number, broken in (("4", 700), ("6", 710), ("9", 10_000)):
        usual, low = lot.negative_binomial(60, 60 / 140, 730), lot.poisson(6, 730)
        ships = np.where(np.arange(730) < broken, usual, low).astype(float)
        rows += [
            {"series": f"portwatch:chokepoint{number}", "metric": metric, "unit": "1",
             "value": n * unit, "observed_at": (first + pd.Timedelta(days=i)).to_pydatetime(),
             "source": "test", "retrieved_at": at}
            for at in fetched
            for metric, unit in (("n_total", 1), ("capacity", 50_000))
            for i, n in enumerate(ships)
            if first + pd.Timedelta(days=i) <= pd.Timestamp(at)
        ]  # fmt: skip
    return observation_frame(rows)


def said(found: Replay) -> tuple[object, ...]:
    days = found.days.astype(object).where(found.days.notna(), None)
    return days.to_dict("records"), [to_record(alert) for alert in found.alerts]


def test_two_processes_replay_the_same_days(world: World, two: Crew, tmp_path: Path) -> None:
    held = traffic([datetime(2025, 2, 18, 15, tzinfo=UTC), FETCHED])
    play = partial(
        replay, world, held, event_frame([]), falls, ["JPN"],
        first=date(2025, 1, 25), last=date(2025, 3, 6),
    )  # fmt: skip
    alone = play()
    assert {a.element for a in alone.alerts} == {HORMUZ, "chokepoint:bab_el_mandeb"}
    assert said(play(hands=two)) == said(alone)
    assert said(play(hands=Deadly(two, tmp_path))) == said(alone)


# --- processes that end


def slowly(numbers: np.ndarray, block: int) -> float:
    time.sleep(0.05)
    return float(numbers[block])


def spawned() -> list[int]:
    """Return the processes of this one that work for it."""
    import psutil

    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):  # it may have ended just now
            found += [child.pid] * ("spawn_main" in " ".join(child.cmdline()))
    return found


def test_processes_killed_from_outside_at_any_moment_change_nothing(two: Crew) -> None:
    numbers, ended = np.arange(120.0) ** 0.5, threading.Event()
    killed: list[int] = []

    def kill() -> None:
        dice = random.Random(5)
        while not ended.wait(dice.uniform(0.2, 1.5)):
            if len(killed) < 3 and (pids := spawned()):
                killed.append(dice.choice(pids))
                with suppress(ProcessLookupError):
                    os.kill(killed[-1], signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        while killer.is_alive() and not killed:
            assert two.map(slowly, range(120), shared=(numbers,)) == numbers.tolist()
    finally:
        ended.set()
        killer.join()
    assert killed


def fatal(block: int) -> int:
    if block == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return -block


def test_a_block_that_always_ends_its_process_is_named(two: Crew) -> None:
    names = [f"block {'abcdefgh'[i]}" for i in range(8)]
    with pytest.raises(CorridorsError, match="block f ended the process that did it"):
        two.map(fatal, range(8), names=names)
    assert two.map(fatal, range(5)) == [0, -1, -2, -3, -4]


@pytest.fixture
def elsewhere(distributed: Any) -> Iterator[Any]:
    """Yield a Dask cluster of one worker."""
    usual = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(n_workers=1, **usual) as cluster:
        yield cluster


def after_the_first(deed: Callable[[], object]) -> Callable[..., Iterator[Any]]:
    """Return progress that does something when a block is done, before its answer is taken."""

    def progress(things: Iterable[Any], _: str) -> Iterator[Any]:
        for number, thing in enumerate(things):
            if not number:
                deed()
            yield thing

    return progress


def dismiss(hands: Any, cluster: Any) -> None:
    """Have all workers of a cluster leave."""
    cluster.scale(0)
    while hands.client.nthreads():
        time.sleep(0.05)


def test_processes_that_leave_with_their_answers_are_made_anew(two: Any) -> None:
    leave = after_the_first(partial(dismiss, two, two.client.cluster))
    numbers = np.arange(40.0)
    assert two.map(slowly, range(40), shared=(numbers,), progress=leave) == numbers.tolist()


def test_no_worker_that_comes_back(elsewhere: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "LOST_S", 2)
    with crew(scheduler=elsewhere.scheduler_address) as hands:
        leave = after_the_first(partial(dismiss, hands, elsewhere))
        with pytest.raises(CorridorsError, match="no worker is left"):
            hands.map(slowly, range(40), shared=(np.arange(40.0),), progress=leave)


def test_a_scheduler_that_ends_is_one_error(
    elsewhere: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scale, "PATIENCE_S", 5)  # it is also how long Dask looks for it again
    ends = after_the_first(elsewhere.close)
    with crew(scheduler=elsewhere.scheduler_address) as hands:
        work = partial(hands.map, slowly, range(40), shared=(np.arange(40.0),), progress=ends)
        with pytest.raises(CorridorsError, match="scheduler ended before the work was done"):
            work()


@pytest.mark.parametrize("shared", [(), (np.arange(40.0),)])
def test_a_scheduler_that_has_ended_is_one_error(
    elsewhere: Any, monkeypatch: pytest.MonkeyPatch, shared: tuple[np.ndarray, ...]
) -> None:
    monkeypatch.setattr(scale, "PATIENCE_S", 5)
    with crew(scheduler=elsewhere.scheduler_address) as hands:
        elsewhere.close()
        with pytest.raises(CorridorsError, match="scheduler ended before the work was done"):
            hands.map(own_pid, [1], shared=shared)


def own_pid(*_: object) -> int:
    return os.getpid()


def test_a_process_that_ends_while_it_is_told_what_to_look_at(two: Crew) -> None:
    numbers = np.arange(10.0)
    [stopped] = two.map(own_pid, [0])
    os.kill(stopped, signal.SIGSTOP)  # it cannot say that it heard
    killer = threading.Timer(1, os.kill, (stopped, signal.SIGKILL))
    killer.start()
    assert two.map(slowly, range(10), shared=(numbers,)) == numbers.tolist()
    killer.join()


# --- what blocks look at, and say


def seen_by(thing: list[int], block: int) -> tuple[int, int, int]:
    return os.getpid(), id(thing), thing[block]


def test_what_is_shared_is_sent_to_each_process_once(two: Crew) -> None:
    thing = list(range(100, 120))
    told = two.map(seen_by, range(20), shared=(thing,)) + two.map(seen_by, [7], shared=(thing,))
    assert [value for _, _, value in told] == [*thing, 107]
    assert os.getpid() not in {pid for pid, _, _ in told}
    assert len({(pid, place) for pid, place, _ in told}) == len({pid for pid, _, _ in told})
    other = two.map(seen_by, [0], shared=([5],))
    assert other[0][2] == 5


def fails(error: CorridorsError) -> None:
    raise error


@pytest.mark.parametrize(
    "error",
    [
        CorridorsError("one"),
        UsageError("two"),
        DataError([Fault("a.csv", 3, "b", "c"), Fault("a.csv", 2, "b", "c")]),
        UnknownIdError("element", "hormus", ["hormuz"]),
        FeedError("toy", "too_few"),
    ],
)
def test_an_error_in_a_block_is_the_error_of_one_process(two: Crew, error: CorridorsError) -> None:
    with pytest.raises(type(error)) as alone:
        Alone().map(fails, [error])
    with pytest.raises(type(error)) as there:
        two.map(fails, [error])
    assert str(there.value) == str(alone.value)
    assert vars(there.value) == vars(alone.value)


class Unreadable:
    """A thing that cannot be pickled, or not be read again."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __reduce__(self) -> tuple[object, ...]:
        if self.where == "there":
            raise ValueError("not from there")
        return int, ("not from here",)


@pytest.mark.parametrize(("where", "message"), [("there", "from there"), ("here", "from here")])
def test_an_answer_that_cannot_be_sent_is_an_error(two: Crew, where: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        two.map(Unreadable, [where])


@pytest.mark.parametrize("count", [1, 3, 40])
def test_things_are_dealt_out_whole_and_once(count: int) -> None:
    dealt = parts(range(10), count)
    assert len(dealt) == min(count, 10)
    assert sorted(n for part in dealt for n in part) == list(range(10))
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
    assert parts([], count) == []


def test_blocks_are_answered_in_their_order(two: Crew) -> None:
    told = list[str]()

    def progress(things: Sequence[str], what: str) -> Iterable[str]:
        told.append(f"{' '.join(things)}: {what}")
        return things

    for hands in (Alone(), two):
        assert hands.map(abs, [-3, 2, -1], progress=progress) == [3, 2, 1]
        assert hands.map(abs, []) == []
    hands.map(abs, [1], names=["x"], progress=progress)
    assert told == ["-3 2 -1: blocks"] * 2 + ["x: blocks"]


# --- who works


def test_workers_that_cannot_be() -> None:
    with pytest.raises(UsageError, match="workers 0 is less than 1"), crew(0):
        pass
    with pytest.raises(UsageError, match="--scheduler or --workers"), crew(2, "tcp://127.0.0.1:1"):
        pass


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with crew() as hands:
        assert hands.map(abs, [-1]) == [1]
    with pytest.raises(UsageError, match=r"pip install corridors\[scale\]"), crew(2):
        pass


def plugins(dask_worker: Any) -> list[str]:
    return [name for name in dask_worker.plugins if name.startswith("corridors-")]


def test_a_scheduler_elsewhere_works_too_and_is_left_as_it_was(
    toy_engine: Engine, elsewhere: Any, distributed: Any
) -> None:
    with crew(scheduler=elsewhere.scheduler_address) as hands:
        assert hands.size == 1
        assert worst_of(toy_engine, hands) == worst_of(toy_engine, Alone())
        assert any(hands.client.run(plugins).values())  # type: ignore[attr-defined]
    with distributed.Client(elsewhere) as client:
        assert not any(client.run(plugins).values())


def test_schedulers_that_are_of_no_use(distributed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "PATIENCE_S", 1)
    for address in ("tcp://127.0.0.1:1", "carrier-pigeon://home"):
        told = f"no Dask scheduler answers at {address}"
        with pytest.raises(UsageError, match=told), crew(scheduler=address):
            pass
    monkeypatch.setattr(scale, "PATIENCE_S", 5)
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster,
        pytest.raises(UsageError, match="has no workers"),
        crew(scheduler=cluster.scheduler_address),
    ):
        pass
