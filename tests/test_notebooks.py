"""Every notebook runs from top to bottom on a small run, and is kept with its outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from pareto_explorer.runs import RunDirectory, read_points
from tests.synthetic import write_synthetic_run

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
PLOTLY = "application/vnd.plotly.v1+json"
SMALL = (
    "families.0.aggregator=[upgrad, weighted_sum, cup]",
    "families.2.forget_loss=[kl_uniform]",
    "replicates.training_seeds=[0, 1]",
    "budget={steps: 4, batch_size: 32, evaluate_every: 2}",
    "search.configurations=2",
)


def execute(name: str) -> list[Any]:
    """The code cells of a notebook after it was run."""
    notebook = nbformat.read(NOTEBOOKS / name, as_version=4)
    resources = {"metadata": {"path": str(NOTEBOOKS)}}
    done = NotebookClient(notebook, timeout=300, resources=resources).execute()
    return [cell for cell in done.cells if cell.cell_type == "code"]


def kinds(cell: Any) -> set[str]:
    return {kind for output in cell.outputs for kind in output.get("data", {})}


def text(cell: Any) -> str:
    return "\n".join(
        output.get("text", "") or output.get("data", {}).get("text/plain", "")
        for output in cell.outputs
    )


@pytest.fixture
def run_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "run"
    monkeypatch.setenv("PARETO_EXPLORER_RUN", str(path))
    return path


def test_first_front(run_path: Path) -> None:
    write_synthetic_run(run_path)
    cells = execute("first_front.ipynb")
    assert PLOTLY in kinds(cells[1])
    assert "upgrad/kl_heldout" in text(cells[2])
    assert "application/vnd.jupyter.widget-view+json" in kinds(cells[3])
    assert "forget_gap" in text(cells[4])
    assert "family: upgrad/kl_heldout" in text(cells[5])
    assert "retain_gap" in text(cells[6])


def test_hypervolume_report(run_path: Path) -> None:
    write_synthetic_run(run_path, replicates=5)
    cells = execute("hypervolume_report.ipynb")
    assert [PLOTLY in kinds(cell) for cell in cells[1:4]] == [True] * 3
    assert "igd_plus" in text(cells[4])
    assert "index.html" in text(cells[-1])
    assert (run_path / "report" / "index.html").exists()


@pytest.mark.ray
@pytest.mark.slow
def test_compare_aggregators(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache_dir: Path
) -> None:
    monkeypatch.setenv("PARETO_EXPLORER_SET", ";".join(SMALL))
    monkeypatch.setenv("PARETO_EXPLORER_CACHE", str(cache_dir))
    cells = execute("compare_aggregators.ipynb")
    assert "none" in text(cells[2])
    assert "replicates" in text(cells[2])
    assert sum(PLOTLY in kinds(cell) for cell in cells) == 5


@pytest.mark.ray
@pytest.mark.slow
def test_your_own_model(run_path: Path, monkeypatch: pytest.MonkeyPatch, cache_dir: Path) -> None:
    monkeypatch.setenv("PARETO_EXPLORER_STEPS", "3")
    monkeypatch.setenv("PARETO_EXPLORER_CACHE", str(cache_dir))
    cells = execute("your_own_model.ipynb")
    assert "retrained" in text(cells[1])
    assert "largest difference 0.0e+00" in text(cells[3])
    assert [PLOTLY in kinds(cell) for cell in cells] == [False, False, True, False, True]
    assert len(read_points(RunDirectory(run_path.with_name("run_trained")))) == 3 * 3 * 4 * 3


@pytest.mark.ray
@pytest.mark.slow
def test_language_models(
    run_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cache_dir: Path,
) -> None:
    monkeypatch.setenv("PARETO_EXPLORER_STEPS", "2")
    monkeypatch.setenv("PARETO_EXPLORER_EPOCHS", "2")
    monkeypatch.setenv("PARETO_EXPLORER_AUTHORS", "8")
    monkeypatch.setenv("PARETO_EXPLORER_CACHE", str(cache_dir))
    cells = execute("language_models.ipynb")
    assert "vocabulary" in text(cells[0])
    assert "retrained" in text(cells[1])
    assert PLOTLY in kinds(cells[2])
    assert text(cells[3]).count(" now: ") == 6
    assert "truth_distance" in text(cells[4])


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_kept_with_outputs_that_a_code_host_shows(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.outputs for cell in code), path.name
    found = set().union(*map(kinds, code))
    assert "image/png" in found
    assert PLOTLY not in found
    assert path.stat().st_size < 1.5 * 2**20
    assert not any(output.output_type == "error" for cell in code for output in cell.outputs)
