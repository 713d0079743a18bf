"""Writers killed again and again, at moments that fit the machine."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator


def told_when_killed(writers: subprocess.Popen[str], times: int, seed: int) -> Iterator[int]:
    """Yield, after each kill, the number of the last deed that a writer had told as done.

    The first writer is left alone until it told of one, so that something is written and it is
    known how long that takes here; from then on each lives for up to four times as long.

    Parameters
    ----------
    writers
        Splits off a writer at every line it reads. Says its pid, ``wrote N`` after each deed, and
        ``gone`` once it ended.
    times
        How many are killed.
    seed
        Of the moments.
    """
    assert writers.stdin is not None
    assert writers.stdout is not None
    moments, told, took = random.Random(seed), 0, 0.0
    for _ in range(times):
        writers.stdin.write("go\n")
        writers.stdin.flush()
        pid = int(writers.stdout.readline())
        if not told:
            began = time.monotonic()
            told = _number(writers.stdout.readline())
            took = time.monotonic() - began
        time.sleep(moments.uniform(0, 4 * took))
        os.kill(pid, signal.SIGKILL)
        while (line := writers.stdout.readline()) != "gone\n":
            told = _number(line)
        yield told
    writers.stdin.close()
    assert told > 0


def _number(line: str) -> int:
    return int(line.removeprefix("wrote "))
