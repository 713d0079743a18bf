from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

_SAID: list[str] = []


@dataclass
class Table:
    """Rows to print when all is measured: what, its aim, and what came out."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def say(self, what: str, aim: str, found: str) -> None:
        self.rows.append((what, aim, found))


@pytest.fixture(scope="session")
def measured() -> Iterator[Table]:
    """Collect what the benchmarks measured and print it as one table at the end."""
    table = Table()
    yield table
    wide = [max(len(row[i]) for row in table.rows) for i in range(3)] if table.rows else []
    for row in table.rows:
        _SAID.append("  ".join(cell.ljust(w) for cell, w in zip(row, wide, strict=True)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table under the tests."""
    if _SAID:
        terminalreporter.section("measured side by side in this run")
        for line in _SAID:
            terminalreporter.write_line(line)
