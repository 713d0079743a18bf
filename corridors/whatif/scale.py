"""Work in blocks, done in this process, in several on this machine, or by a Dask scheduler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from logging import CRITICAL
from typing import TYPE_CHECKING, TypeVar

from layers.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client

    from corridors.sailings import Progress

Answer = TypeVar("Answer")
PATIENCE_S = 10


def map_blocks(
    function: Callable[[int], Answer],
    blocks: Sequence[int],
    *,
    workers: int = 1,
    scheduler: str | None = None,
    progress: Progress = lambda things, _: things,
) -> list[Answer]:
    """What a function answers for each block, in the order of the blocks.

    The function is run elsewhere as it stands, so with the same NumPy on the same kind of
    processor the answers are the same to the last digit. A block whose process ends before it is
    done is done again by another.

    Parameters
    ----------
    function
        Depends on the block alone; with more than one worker it has to survive pickling.
    workers
        Processes on this machine; 1 is this very process, without Dask.
    scheduler
        Address of a Dask scheduler, such as ``tcp://host:8786``; its workers need this package.
        Code and answers go both ways: name none that is not trusted.
    progress
        Called with things to do and what they are; gives them back one by one.

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
        steps = zip(progress(list(map(str, blocks)), "blocks"), blocks, strict=True)
        return [function(block) for _, block in steps]
    with _client(workers, scheduler) as client:
        return _gathered(client, function, blocks, progress)


def _gathered(
    client: Client,
    function: Callable[[int], Answer],
    blocks: Sequence[int],
    progress: Progress,
) -> list[Answer]:
    from distributed import as_completed

    futures = client.map(function, blocks, pure=False)
    done = as_completed(futures)
    for _ in progress(list(map(str, blocks)), "blocks"):
        next(done)
    answers: list[Answer] = client.gather(futures)
    return answers


@contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Client]:
    try:
        import dask.config
        from distributed import Client, LocalCluster
    except ImportError:
        raise UsageError(
            "--workers and --scheduler need Dask: pip install corridors[scale]"
        ) from None
    if not scheduler:
        usual = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": CRITICAL}
        # Dask has workers give memory back at once, at half the speed for many short-lived arrays.
        with (
            dask.config.set({"distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1}}),
            LocalCluster(n_workers=workers, **usual) as cluster,
            Client(cluster) as client,
        ):
            yield client
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
        yield client
