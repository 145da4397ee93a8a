from __future__ import annotations

import io

import pandas as pd
import pytest
from rich.console import Console

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, Objective, family_hypervolumes
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.live import progress as module
from pareto_explorer.sweeps.live.progress import LiveProgress, PlainProgress, Progress

BOX = Box((Objective("a", "min", ideal=0, nadir=1), Objective("b", "min", ideal=0, nadir=1)))


def row(family: str, trial: str, a: float, b: float) -> dict:
    return {
        "trial_id": trial,
        "family": family,
        "replicate": 0,
        "step": 3,
        "status": "ok",
        "a": a,
        "b": b,
    }


@pytest.fixture
def plans(space):
    return SweepSpec.from_mapping(space).plan()


def test_hypervolumes_are_those_of_the_table(plans):
    earlier = [row("x", "x-0", 0.5, 0.5)]
    new = [row("x", "x-1", 0.2, 0.9), row("y", "y-0", 0.9, 0.1), row("x", "x-2", 0.6, 0.6)]
    progress = Progress()
    progress.expect(plans, {"x-0": "finished"})
    progress.begin(pd.DataFrame(earlier), BOX)
    progress.refresh(1)
    assert progress.hypervolumes == {"x": 0.25}
    for one in new:
        progress.rows([one])
        progress.refresh(1)
    table = family_hypervolumes(pd.DataFrame(earlier + new), BOX)
    assert progress.hypervolumes == pytest.approx({name: f.mean for name, f in table.items()})


def test_the_panel_is_drawn_at_most_a_tenth_of_the_time(plans, monkeypatch):
    now = 100.0
    monkeypatch.setattr(module, "perf_counter", lambda: now)
    progress = LiveProgress(Console(file=io.StringIO(), force_terminal=True))
    drawn = []

    def draw(*arguments: object, **options: object) -> None:
        nonlocal now
        now += 0.02
        drawn.append(now)

    monkeypatch.setattr(progress._live, "update", draw)
    progress.expect(plans, {})
    progress.begin(pd.DataFrame([row("x", "x-0", 0.5, 0.5)]), BOX)
    progress.refresh(1)
    progress.refresh(2)
    assert len(drawn) == 1
    assert progress.running == 2
    now += 0.19
    progress.refresh(2)
    assert len(drawn) == 1
    now += 0.02
    progress.refresh(2)
    assert len(drawn) == 2


@pytest.mark.parametrize("display", [PlainProgress, LiveProgress, lambda _: Progress()])
def test_what_fails_before_the_first_trial_is_what_is_told(display):
    file = io.StringIO()

    def fail():
        with display(Console(file=file)) as progress:
            progress.expect([], {}, 7)
            progress.stage("landmarks: 0 from the cache, 1 to train")
            raise InputError("recipe.lr: training diverged.")

    with pytest.raises(InputError, match="recipe"):
        fail()
    assert "trials" not in file.getvalue()
