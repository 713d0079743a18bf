"""Work in blocks, done in this process, in several on this machine, or by a Dask scheduler.

A block is a part of some work that depends on nothing the other parts find, so whoever does it
finds the same: with the same NumPy on the same kind of processor, to the last digit. What all
blocks look at, such as an engine, goes to each process once and stays there.

A process may end at any time. Its block is done again by another, and one that takes its place is
given what the blocks look at before it works. A block that keeps ending its process is named.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from logging import CRITICAL
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from uuid import uuid4

from layers.errors import CorridorsError, UsageError

if TYPE_CHECKING:
    from distributed import Client, Future

    from corridors.sailings import Progress

__all__ = ["Alone", "Crew", "crew", "parts"]

Block = TypeVar("Block")
Answer = TypeVar("Answer")
PATIENCE_S = 10
"""How long a scheduler is waited for, and its first worker."""
LOST_S = 120
"""How long work goes on without any worker, for one that comes back."""
_NO_SCHEDULER = "the Dask scheduler ended before the work was done"
_TICK_S = 0.02
_CREW_S = 1.0


class Crew(Protocol):
    """Those who do blocks.

    Attributes
    ----------
    size
        How many blocks are done at a time, about.
    """

    size: int

    def map(
        self,
        function: Callable[..., Answer],
        blocks: Sequence[Block],
        *,
        shared: tuple[Any, ...] = (),
        names: Sequence[str] | None = None,
        progress: Progress = lambda things, _: things,
    ) -> list[Answer]:
        """What a function answers for each block, in the order of the blocks.

        Parameters
        ----------
        function
            Called as ``function(*shared, block)``. Elsewhere it has to survive pickling, as have
            all that it is given and gives.
        shared
            What every block looks at and none changes; each thing is sent to each process once,
            however often this is called with it.
        names
            Of the blocks, for people; the blocks themselves where not given.
        progress
            Called with names and what they are; gives them back one by one.

        Raises
        ------
        CorridorsError
            When a block ends the process that does it again and again, or nobody is left.
        """


@contextmanager
def crew(workers: int = 1, scheduler: str | None = None) -> Iterator[Crew]:
    """Those who do blocks, until the context ends.

    Parameters
    ----------
    workers
        Processes on this machine; 1 is this very process, without Dask.
    scheduler
        Address of a Dask scheduler, such as ``tcp://host:8786``; its workers need this package.
        Code and answers go both ways: name none that is not trusted.

    Raises
    ------
    UsageError
        When Dask is not installed, both ways are asked for, no scheduler answers or it has no
        workers.
    """
    if workers < 1:
        raise UsageError(f"workers {workers} is less than 1")
    if scheduler and workers > 1:
        raise UsageError("a scheduler has workers of its own: give --scheduler or --workers")
    if not scheduler and workers == 1:
        yield Alone()
        return
    with _client(workers, scheduler) as (client, keep_up):
        found = _Many(client, max(1, len(client.nthreads())), keep_up)
        try:
            yield found
        finally:
            if scheduler:  # processes started for this end with it
                found.forget()


def parts(things: Sequence[Block], count: int) -> list[list[Block]]:
    """The things dealt out like cards to at most ``count`` lists, none of them empty.

    Neighbours are mostly alike in cost, so each list has its share of the dear ones.
    """
    return [list(things[i::count]) for i in range(min(count, len(things)))]


class Alone:
    """The process that asks."""

    size = 1

    def map(
        self,
        function: Callable[..., Answer],
        blocks: Sequence[Block],
        *,
        shared: tuple[Any, ...] = (),
        names: Sequence[str] | None = None,
        progress: Progress = lambda things, _: things,
    ) -> list[Answer]:
        """As in `Crew`."""
        steps = zip(progress(_named(blocks, names), "blocks"), blocks, strict=True)
        return [function(*shared, block) for _, block in steps]


@dataclass
class _Many:
    """Processes that a Dask scheduler knows.

    Attributes
    ----------
    keep_up
        Called about once a second: starts a process anew that could not start by itself.
    """

    client: Client
    size: int
    keep_up: Callable[[], None]
    _sent: dict[int, tuple[str, Any]] = field(default_factory=dict)

    def map(
        self,
        function: Callable[..., Answer],
        blocks: Sequence[Block],
        *,
        shared: tuple[Any, ...] = (),
        names: Sequence[str] | None = None,
        progress: Progress = lambda things, _: things,
    ) -> list[Answer]:
        """As in `Crew`."""
        with self._while_there_is_a_scheduler():
            task = _Task(function, tuple(self._send(thing) for thing in shared))
            return self._answers(task, blocks, _named(blocks, names), progress)

    def _answers(
        self, task: _Task, blocks: Sequence[Any], names: Sequence[str], progress: Progress
    ) -> list[Any]:
        """What a task answers for each block, in their order; names are of the blocks."""
        futures = self.client.map(task, blocks, pure=False)
        place = {future.key: i for i, future in enumerate(futures)}
        answers: dict[int, Any] = {}
        ended = []
        for (future, answer), _ in zip(self._done(futures), progress(names, "blocks"), strict=True):
            i = place[future.key]
            if _ended_its_process(future):
                ended.append(i)
            else:
                answers[i] = pickle.loads(answer)
            futures[i] = None  # its answer is here, so nobody else need keep it
        for i in ended:
            # It may have been beside another one that ended their process: done with none beside.
            future = self.client.submit(task, blocks[i], pure=False)
            for _, answer in self._done([future]):
                if _ended_its_process(future):
                    raise CorridorsError(
                        f"the block {names[i]} ended the process that did it, again and again, "
                        "last with no other beside it: it may need more memory than there is"
                    )
                answers[i] = pickle.loads(answer)
        return [answers[i] for i in range(len(blocks))]

    def _done(self, futures: Sequence[Future]) -> Iterator[tuple[Future, Any]]:
        """The futures as they are done, with pickled answers; those whose process ended too.

        An answer is here before its future is given: asked for later, a process that ended in
        between would have to come back first, and nobody would look whether it does.

        Raises
        ------
        CorridorsError
            When there was no worker for too long, or the scheduler ended.
        Exception
            What a block raised.
        """
        from distributed import as_completed

        done = as_completed(futures, with_results=True, raise_errors=False)
        looked = seen = time.monotonic()
        for _ in futures:
            while not done.has_ready():
                time.sleep(_TICK_S)
                now = time.monotonic()
                if now - looked < _CREW_S:
                    continue
                looked = now
                self.keep_up()
                seen = now if self._workers() else seen
                if now - seen > LOST_S:
                    raise CorridorsError(f"no worker is left, and none came back in {LOST_S} s")
            future, answer = next(done)
            if future.cancelled():  # nobody here does that
                raise CorridorsError(_NO_SCHEDULER)
            if future.status == "error" and not _ended_its_process(future):
                future.result()
            yield future, answer

    def _workers(self) -> int:
        try:
            return len(self.client.nthreads())
        except OSError:
            raise CorridorsError(_NO_SCHEDULER) from None

    @contextmanager
    def _while_there_is_a_scheduler(self) -> Iterator[None]:
        """Whatever fails once it ended fails for that, in many ways of Dask's own."""
        try:
            yield
        except Exception:
            if self.client.status != "running":
                raise CorridorsError(_NO_SCHEDULER) from None
            raise

    def _send(self, thing: object) -> str:
        """The name under which a thing is with every process, those to come too."""
        kept = self._sent.get(id(thing))
        if kept is None:
            kept = f"corridors-{uuid4().hex}", thing
            self._tell(kept[0], _held(thing))
            self._sent[id(thing)] = kept
        return kept[0]

    def _tell(self, name: str, held: Any) -> None:
        """Give every process something to hold, those to come too.

        One that ends while it is told leaves open whether the others know by now, so all are told
        again; who takes its place hears of it from the scheduler.

        Raises
        ------
        CorridorsError
            When processes end for too long.
        """
        began = time.monotonic()
        while True:
            try:
                self.client.register_plugin(held, name=name)
                return
            except OSError as error:
                if self.client.status != "running":
                    raise
                if time.monotonic() - began > LOST_S:
                    raise CorridorsError(f"the workers cannot be told: {error}") from None
                time.sleep(_TICK_S)

    def forget(self) -> None:
        """Let the processes forget what was sent to them; one that just ended has."""
        for name, _ in self._sent.values():
            with suppress(OSError):
                self.client.unregister_worker_plugin(name)


@dataclass(frozen=True)
class _Task:
    """A function to be called where things of some names are held.

    Its answer is pickled here, as one that Dask cannot pickle or read it waits for without end.
    """

    function: Callable[..., Any]
    names: tuple[str, ...]

    def __call__(self, block: object) -> bytes:
        from distributed import get_worker

        held = get_worker().plugins
        answer = self.function(*(held[name].thing for name in self.names), block)
        return pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)


def _held(thing: object) -> Any:
    """A thing as Dask gives it to every worker, and to each that comes later before it works."""
    from distributed import WorkerPlugin

    class Held(WorkerPlugin):  # type: ignore[misc]
        def __init__(self, thing: object) -> None:
            self.thing = thing

    return Held(thing)


def _ended_its_process(future: Future) -> bool:
    from distributed import KilledWorker

    return future.status == "error" and isinstance(future.exception(), KilledWorker)


def _named(blocks: Sequence[object], names: Sequence[str] | None) -> list[str]:
    return list(map(str, blocks)) if names is None else list(names)


@contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[tuple[Client, Callable[[], None]]]:
    """Dask's client, and what starts processes anew that could not start by themselves."""
    try:
        import dask.config
        from distributed import Client, LocalCluster
    except ImportError:
        raise UsageError(
            "--workers and --scheduler need Dask: pip install corridors[scale]"
        ) from None
    if not scheduler:
        usual = {
            "threads_per_worker": 1,
            "dashboard_address": "127.0.0.1:0",
            "silence_logs": CRITICAL,
        }
        with (
            dask.config.set(_CONFIG),
            LocalCluster(n_workers=workers, **usual) as cluster,
            Client(cluster) as client,
        ):
            yield client, lambda: cluster.scale(workers)
        return
    try:
        client = Client(scheduler, timeout=PATIENCE_S)
    except (OSError, ValueError) as error:
        raise UsageError(f"no Dask scheduler answers at {scheduler}: {error}") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=PATIENCE_S)
        except TimeoutError:
            raise UsageError(f"the Dask scheduler at {scheduler} has no workers") from None
        except OSError as error:
            raise UsageError(f"no Dask scheduler answers at {scheduler}: {error}") from None
        yield client, lambda: None


_CONFIG = {
    # Dask has workers give memory back at once, at half the speed for many short-lived arrays.
    "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1},
    "distributed.scheduler.allowed-failures": 2,
    "distributed.worker.profile.enabled": False,  # looks at what runs a hundred times a second
    # A process has one block at a time, so that none is blamed for what another did beside it.
    "distributed.scheduler.worker-saturation": 1.0,
}
