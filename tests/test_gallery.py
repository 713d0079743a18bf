"""The notebooks of docs/gallery run from first to last, and hold no answers of their own."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "docs" / "gallery").glob("*.ipynb"))
KNOWN = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
KNOWN |= {"language_info": {"name": "python"}}
THINGS = {"exposure": {"xarray", "geopandas"}, "whatif": {"exercise", "演习"}}
THINGS |= {"replay": {"simulated", "演习", "非政府发布预警"}}


def test_there_are_three() -> None:
    assert {path.stem for path in NOTEBOOKS} == set(THINGS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the kernel starts in an empty folder
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # and finds nothing remembered
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    assert any("vega" in o.get("data", {}).get("text/html", "") for o in outputs)  # a chart
    assert [o for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_kept_without_answers(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    assert dict(notebook.metadata) == KNOWN
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [c for c in code if c.outputs or c.execution_count is not None or c.metadata] == []
    text = "\n".join(cell.source for cell in notebook.cells)
    assert {thing for thing in THINGS[path.stem] if thing not in text} == set()


@pytest.mark.parametrize("name", ["whatif", "replay"])
def test_what_never_was_says_so_wherever_it_is_drawn(name: str) -> None:
    notebook = nbformat.read(ROOT / "docs" / "gallery" / f"{name}.ipynb", as_version=4)
    drawn = [cell.source for cell in notebook.cells if "alt.Chart" in cell.source]
    assert drawn
    assert [source for source in drawn if 'title="Exercise' not in source] == []
