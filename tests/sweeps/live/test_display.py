"""Which display a sweep gets where, and what a notebook shows."""

from __future__ import annotations

import io
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient
from rich.console import Console

from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.live import notebook as module
from pareto_explorer.sweeps.live.display import display_for, progress_for
from pareto_explorer.sweeps.live.notebook import NotebookProgress
from pareto_explorer.sweeps.live.progress import LiveProgress, PlainProgress, Progress
from tests.sweeps.live.test_progress import BOX, row

TEXT, HTML = "text/plain", "text/html"


@pytest.mark.parametrize(
    ("console", "kind"),
    [
        ({"force_jupyter": True}, NotebookProgress),
        ({"force_terminal": True}, LiveProgress),
        ({"force_terminal": False}, PlainProgress),
    ],
)
def test_the_display_suits_where_the_output_goes(console, kind):
    console = Console(file=io.StringIO(), **console)
    assert type(progress_for(console, quiet=False)) is kind
    assert type(progress_for(console, quiet=True)) is Progress


def test_a_call_from_python_leaves_standard_output_alone(capsys):
    for wanted in (True, False, None):
        display_for(wanted).stage("Ray: starts on this machine")
    assert capsys.readouterr() == ("", "Ray: starts on this machine\n")
    own = Progress()
    assert display_for(own) is own


@pytest.fixture
def plans(space):
    return SweepSpec.from_mapping(space).plan()


@pytest.fixture
def shown(monkeypatch) -> list[list[dict[str, str]]]:
    """The outputs of a cell, each with all that it has shown."""
    outputs: list[list[dict[str, str]]] = []

    class Handle:
        def __init__(self, states: list[dict[str, str]]) -> None:
            self._states = states

        def update(self, data: dict[str, str], *, raw: bool) -> None:
            assert raw
            self._states.append(data)

    def display(data: dict[str, str], *, raw: bool, display_id: bool) -> Handle:
        assert raw
        assert display_id
        outputs.append([data])
        return Handle(outputs[-1])

    monkeypatch.setattr("IPython.display.display", display)
    return outputs


def test_a_notebook_has_one_output_with_stages_above_the_panel(plans, shown, monkeypatch):
    now = 100.0
    monkeypatch.setattr(module, "perf_counter", lambda: now)
    progress = NotebookProgress()
    progress.stage("task: <digits>")
    with progress:
        progress.landmark("original/seed 0", 3, 10, 0.5)
        now += 1
        progress.landmark("original/seed 0", 4, 10, 0.25)
        progress.landmark("original/seed 0", 10, 10, 0.25)
        progress.stage("landmarks: 1 of 1 trained")
        progress.expect(plans, {}, len(plans))
        progress.begin(pd.DataFrame([row(plans[0].family.name, "x-0", 0.5, 0.5)]), BOX)
        now += 1
        progress.refresh(1)
        progress.ended(plans[0], "finished")
    progress.stage("report: being written")
    (states,) = shown
    assert "original/seed 0  epoch 4 of 10, loss 0.25" in states[1][TEXT]
    assert "original/seed 0" not in states[2][TEXT]
    assert "&lt;digits&gt;" in states[0][HTML]
    drawn = states[3][TEXT].splitlines()
    assert set(drawn[3].strip()) <= {"━", "╸", "╺"}
    assert drawn[4].startswith("family ")
    lines = [line.rstrip() for line in states[-1][TEXT].splitlines()]
    assert lines[:3] == ["task: <digits>", "landmarks: 1 of 1 trained", "report: being written"]
    assert lines[3].startswith("1/4 trials, 0 running, 0 failed · ")
    assert lines[3].endswith(f"best hypervolume 0.250 ({plans[0].family.name})")
    assert lines[5].split() == [plans[0].family.name, "1/2", "0.250"]
    assert len(lines) == 7


def test_the_output_of_a_cell_is_redrawn_twice_a_second_at_most(plans, shown, monkeypatch):
    now = 100.0
    monkeypatch.setattr(module, "perf_counter", lambda: now)
    progress = NotebookProgress()
    for done in range(100):
        progress.models(done, 100)
        now += 0.25
    (states,) = shown
    assert len(states) == 50


@pytest.mark.slow
def test_a_kernel_shows_it_below_the_cell() -> None:
    code = """
from pareto_explorer.sweeps.live.display import display_for
with display_for(True) as progress:
    for number in range(30):
        progress.stage(f"stage {number}")
        progress.models(number, 30)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    (cell,) = NotebookClient(notebook, timeout=60).execute().cells
    (output,) = cell.outputs
    data: dict[str, Any] = output.data
    assert "stage 0\nstage 1\n" in data[TEXT]
    assert "<pre" in data[HTML]
