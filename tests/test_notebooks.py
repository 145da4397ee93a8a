"""Every notebook runs from top to bottom on a small run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.synthetic import write_synthetic_run

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


def execute(name: str) -> Any:
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    resources = {"metadata": {"path": str(NOTEBOOKS)}}
    return NotebookClient(notebook, timeout=120, resources=resources).execute()


def test_first_front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_synthetic_run(tmp_path / "run")
    monkeypatch.setenv("PARETO_EXPLORER_RUN", str(tmp_path / "run"))
    cells = [cell for cell in execute("first_front.ipynb").cells if cell.cell_type == "code"]
    shown = [{kind for out in cell.outputs for kind in out.get("data", {})} for cell in cells]
    assert "application/vnd.plotly.v1+json" in shown[1]
    assert "text/html" in shown[2]
    table = next(out for out in cells[2].outputs if "data" in out)["data"]["text/plain"]
    assert "upgrad/kl_heldout" in table
    assert "none-0" in cells[3].outputs[0]["data"]["text/plain"]


def test_notebooks_are_kept_without_outputs() -> None:
    for path in NOTEBOOKS.glob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        assert not any(cell.get("outputs") for cell in notebook.cells), path.name
