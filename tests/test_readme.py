"""The README's commands run as written, and its table of columns is the real one."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for language, text in BLOCKS
    if language == "sh"
    for line in text.splitlines()
    if line.startswith("corridors ")
]


pytestmark = pytest.mark.usefixtures("engines_kept")


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] != "validate"], ids=" ".join)
def test_command_runs(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from corridors.cli import app

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CORRIDORS_STORE", str(tmp_path / "news.duckdb"))
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0
    if command == ["store", "check"]:
        assert "sound" in result.stderr
    elif "-o" in command:
        assert (tmp_path / command[command.index("-o") + 1]).stat().st_size > 1000
    else:
        assert len(result.stdout.splitlines()) > 2


def test_python_block_runs() -> None:
    names: dict[str, object] = {}
    for language, text in BLOCKS:
        if language == "python":
            exec(text, names)
    assert len(names["where"]) == len(names["table"]) > 20  # type: ignore[arg-type]


def test_named_columns_exist() -> None:
    from corridors.metrics import exposure

    named = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \|", README, re.MULTILINE)
    columns = [c for cell in named for c in re.findall(r"\w+", cell)]
    source = Path(exposure.__code__.co_filename).read_text("utf-8")
    assert columns
    assert [c for c in columns if f'"{c}"' not in source] == []


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^make (\w+)", README, re.MULTILINE)
    assert {"app", "test"} <= set(targets)
    assert all(re.search(rf"^{t}:", makefile, re.MULTILINE) for t in targets)
