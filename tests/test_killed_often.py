"""Whatever writes, killed at any moment: what was acknowledged stays, what is left is whole.

A process that has imported everything splits off one writer after the other, and each is killed
at a random moment. More rounds with ``CORRIDORS_TEST_KILLS``.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from layers.flows import Kept
from layers.store import Store

KILLS = int(os.environ.get("CORRIDORS_TEST_KILLS", "20")) // 4
NOW = datetime(2026, 9, 1, tzinfo=UTC)

HEAD = """
import os, random, sys
from datetime import UTC, datetime
from pathlib import Path
from layers.store import Store
NOW = datetime(2026, 9, 1, tzinfo=UTC)
"""
LOOP = """
for line in sys.stdin:
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        print("gone", flush=True)
        continue
    print(os.getpid(), flush=True)
    n = 0
    while True:
        n += 1
        work(n)
        print("done", n, flush=True)
"""


@contextmanager
def writers(code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", HEAD + code + LOOP, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def killed(process: subprocess.Popen[str], after_s: float) -> int:
    """How many deeds a writer had told as done when it was killed."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    pid = int(process.stdout.readline())
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    done = 0
    while (line := process.stdout.readline().strip()) != "gone":
        assert line, "the writers ended by themselves"
        done = int(line.split()[1]) if line.startswith("done ") and len(line.split()) > 1 else done
    return done


APPEND = """
store = Store(sys.argv[1])
store.log()
def work(n):
    words = {"element": "chokepoint:suez", "decision": "confirm", "day": "", "who": "x" * 2000}
    store.append([("review", NOW, {**words, "note": f"{os.getpid()} {n}"})])
"""


def test_a_log_killed_at_any_moment_keeps_what_was_acknowledged(home: str) -> None:
    store, moments, told = Store(home), random.Random(3), 0
    with writers(APPEND, home) as process:
        for _ in range(KILLS):
            done = killed(process, moments.uniform(0, 0.4))
            told += done
            found = len(store.log())
            # One more than told may lie there: written, and killed before the word of it.
            assert told <= found <= told + 1
            assert store.check() == []
            told = found


IMPORT = """
from layers.flows import FORMATS, Kept, import_files, read_codes
folder, codes = Path(sys.argv[1]), read_codes()
path = folder / "own.csv"
def work(n):
    kept = Kept(folder / "flows")
    import_files(kept, [path], FORMATS["own"], codes, now=NOW, vintage="v1", replace=True)
"""


def test_an_import_killed_at_any_moment_leaves_whole_files(tmp_path: Path) -> None:
    head = "importer,commodity,year,origin,quantity_t\n"
    years = range(2018, 2023)
    rows = "".join(f"CHN,lng,{year},QAT,15.5\nJPN,wheat,{year},USA,7\n" for year in years)
    (tmp_path / "own.csv").write_text(head + rows)
    kept, moments, before = Kept(tmp_path / "flows"), random.Random(5), 0
    with writers(IMPORT, str(tmp_path)) as process:
        for _ in range(KILLS):
            done = killed(process, moments.uniform(0, 0.3))
            parts = kept.parts()
            assert len(parts) in ((len(years),) if done or before else range(len(years) + 1))
            assert all(kept.read(part).num_rows == 2 for part in parts)
            before = max(before, len(parts) * (len(parts) == len(years)))


COPY = """
from layers.store.copy import copy
source = Store(sys.argv[1])
source.log()
def work(n):
    target = f"{sys.argv[2]}.{os.getpid()}.{n}"
    copy(source, Store(target))
"""


def test_a_copy_killed_at_any_moment_is_whole_or_nothing(tmp_path: Path) -> None:
    source = Store(tmp_path / "log.duckdb")
    words = {"element": "chokepoint:suez", "decision": "confirm", "day": "", "who": "x" * 20_000}
    source.append([("review", NOW, {**words, "note": str(n)}) for n in range(50)])
    moments = random.Random(7)
    with writers(COPY, str(source.path), str(tmp_path / "copy")) as process:
        for _ in range(KILLS):
            killed(process, moments.uniform(0, 0.5))
            for path in tmp_path.glob("copy.*"):
                if path.suffix not in (".lock", ".wal"):
                    copied = Store(path)
                    assert copied.check() == []
                    assert len(copied.log()) in (0, 50)
                path.unlink(missing_ok=True)
    assert source.check() == []
    assert len(source.log()) == 50


@pytest.mark.parametrize("what", ["export", "scenario"])
def test_a_file_killed_at_any_moment_is_the_old_or_the_new(what: str, tmp_path: Path) -> None:
    code = {
        "export": """
from corridors.export import write
def work(n):
    write(Path(sys.argv[1]), bytes([65 + n % 26]) * 3_000_000)
""",
        "scenario": """
from layers.scenarios import write_scenario
def work(n):
    write_scenario(Path(sys.argv[1]), chr(65 + n % 26) * 900_000, overwrite=True)
""",
    }[what]
    place, moments = tmp_path / "a.toml", random.Random(9)
    place.write_text("A" * 10)
    with writers(code, str(place)) as process:
        for _ in range(KILLS):
            killed(process, moments.uniform(0, 0.1))
            content = place.read_text()
            assert len(set(content)) == 1
            assert len(content) in (10, 900_000, 3_000_000)
