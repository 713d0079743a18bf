"""Fuzzing for long: ``python -m tests.fuzz --seconds 600 [part of a target's name …]``.

Each target has an equal share of the time; a run's seed is printed, so that it can be had again.
What breaks a promise is written to ``--keep``, one file a finding.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

from tests.fuzz.mutation import mutated
from tests.fuzz.targets import Target, targets

LONGEST_S = 10
MOST_MEMORY_BYTES = 6 << 30


def main() -> int:
    """Run the targets and print how often each was run and what was found."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    asked.add_argument("--keep", type=Path, default=Path(".fuzz"))
    asked.add_argument("names", nargs="*")
    told = asked.parse_args()
    warnings.simplefilter("error")
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    signal.signal(signal.SIGPROF, _too_long)
    chosen = [
        target
        for name, target in targets().items()
        if not told.names or any(part in name for part in told.names)
    ]
    print(f"seed {told.seed}, {len(chosen)} targets, {told.seconds:g} s")
    found = 0
    for target in chosen:
        count, faults, longest = run(target, told.seconds / len(chosen), told.seed, told.keep)
        found += faults
        print(f"{count:9} runs  {longest:6.2f} s longest  {faults:3} findings  {target.name}")
        sys.stdout.flush()
    return min(found, 1)


def run(target: Target, seconds: float, seed: int, keep: Path) -> tuple[int, int, float]:
    """Return how often a target was run, how many different findings, and the longest run in s."""
    chance, end, count = random.Random(f"{seed} {target.name}"), time.monotonic() + seconds, 0
    known: set[str] = set()
    longest = 0.0
    while time.monotonic() < end:
        body = mutated(chance.choice(target.seeds), chance)
        count += 1
        began = time.monotonic()
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)  # of work, not of waiting for a turn
        try:
            target.read(body)
        except Exception as error:
            place = _place(error)
            if place not in known:
                known.add(place)
                _write(keep, target, body, place)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            longest = max(longest, time.monotonic() - began)
    return count, len(known), longest


def _place(error: BaseException) -> str:
    """The kind of an error and where in the project it was raised: one finding, one place."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "/layers/" in f.filename or "/corridors/" in f.filename] or frames
    at = ours[-1]
    return f"{type(error).__name__} {Path(at.filename).name}:{at.lineno} {str(error)[:200]!r}"


def _write(keep: Path, target: Target, body: bytes, place: str) -> None:
    keep.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(body).hexdigest()[:12]
    (keep / name).write_bytes(body)
    print(f"  {target.name}: {place}; kept as {name}", flush=True)


def _too_long(number: int, frame: object) -> None:
    raise TimeoutError(f"longer than {LONGEST_S} s")


if __name__ == "__main__":
    sys.exit(main())
