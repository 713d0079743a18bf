"""Other processes: that do what a test file says, writers killed again and again, free ports."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
Deed = Callable[[int], int]
"""Something done again and again: given how often before, says a number once it is done."""


def free_port() -> int:
    """Return a port nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def child(function: Callable[..., object], *words: str, **options: Any) -> subprocess.Popen[str]:
    """Start a process that calls a function of a test file with some words."""
    return _process("{function}(*sys.argv[1:])", function, *words, **options)


def told_when_killed(
    begin: Callable[..., Deed], *words: str, times: int, seed: int
) -> Iterator[int]:
    """Yield, after each kill, the number of the last deed that a writer had told as done.

    A process that has imported everything splits off one writer after the other. The first is
    left alone until it told of one, so that something is written and it is known how long that
    takes here; from then on each lives for up to four times as long.

    Parameters
    ----------
    begin
        Of a test file: called once with the words, imports what is needed and gives the deed.
    times
        How many are killed.
    seed
        Of the moments.
    """
    moments, told, took = random.Random(seed), 0, 0.0
    work = "from tests.processes import split_off; split_off({function}(*sys.argv[1:]))"
    # What a writer dies of by itself is for whoever reads the test's output.
    with _process(work, begin, *words, stdin=subprocess.PIPE, stderr=None) as writers:
        assert writers.stdin is not None
        assert writers.stdout is not None
        for _ in range(times):
            writers.stdin.write("go\n")
            writers.stdin.flush()
            pid = int(writers.stdout.readline())
            if not told:
                began = time.monotonic()
                told = int(writers.stdout.readline())
                took = time.monotonic() - began
            time.sleep(moments.uniform(0, 4 * took))
            os.kill(pid, signal.SIGKILL)
            while (line := writers.stdout.readline()) != "gone\n":
                told = int(line)
            yield told
        writers.stdin.close()
    assert told > 0


def split_off(deed: Deed) -> None:
    """At every line read, have a process of its own do something until it is killed."""
    for _ in sys.stdin:
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
            print("gone", flush=True)
            continue
        print(os.getpid(), flush=True)
        for n in range(10**6):
            print(deed(n), flush=True)


def _process(
    work: str, function: Callable[..., object], *words: str, **options: Any
) -> subprocess.Popen[str]:
    name = function.__name__
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    start += f"from {function.__module__} import {name}\n{work.format(function=name)}"
    return subprocess.Popen(
        [sys.executable, "-c", start, *words],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
    )
