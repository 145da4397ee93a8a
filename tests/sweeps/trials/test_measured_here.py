"""What this process measures of landmarks is what a worker measures."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.cluster.workers import WorkerError, here
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.parts import Replicate, Resources
from pareto_explorer.sweeps.trials import landmark_training
from pareto_explorer.sweeps.trials import measured_here as module
from pareto_explorer.sweeps.trials.landmark_training import landmark_rows
from pareto_explorer.sweeps.trials.measured_here import measure_landmarks, measured_here
from pareto_explorer.sweeps.trials.replicate import Landmarks
from pareto_explorer.tasks import train_landmark
from tests.tasks.small import small_task

TASK = small_task()
LANDMARKS = {
    seed: Landmarks(*(train_landmark(TASK, kind, seed) for kind in ("original", "retrained")))
    for seed in (0, 3)
}
REPLICATES = [Replicate(0, 0, 0), Replicate(1, 3, 0)]


def test_each_training_seed_is_measured_and_nothing_else_changes():
    threads, drawn = torch.get_num_threads(), torch.get_rng_state()
    found = measured_here(TASK, LANDMARKS, 1)
    assert {
        (seed, kind): each.metrics for seed, kinds in found.items() for kind, each in kinds.items()
    } == {
        (seed, kind): each.metrics
        for seed in LANDMARKS
        for kind, each in measure_landmarks(TASK, LANDMARKS, seed, "cpu").items()
    }
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), drawn)


def test_what_takes_longer_is_left_to_the_workers(monkeypatch):
    monkeypatch.setattr(module, "HERE_SECONDS", 0.0)
    assert measured_here(TASK, LANDMARKS, 1) is None


@pytest.mark.parametrize("quick", [True, False])
def test_rows_come_from_here_or_from_workers(monkeypatch, quick):
    asked = []

    def outcomes(function, arguments, *_):
        asked.extend(arguments)
        return {seed: function(TASK, *rest) for seed, (_, *rest) in arguments.items()}

    monkeypatch.setattr(landmark_training, "outcomes", outcomes)
    monkeypatch.setattr(module, "HERE_SECONDS", 60.0 if quick else 0.0)
    rows = landmark_rows(None, LANDMARKS, REPLICATES, Resources(), Progress(), task=TASK)
    elsewhere = landmark_rows(None, LANDMARKS, REPLICATES, Resources(), Progress())
    assert asked == ([] if quick else [0, 3]) + [0, 3]
    assert rows == elsewhere
    assert [(row["landmark"], row["training_seed"]) for row in rows] == [
        *(("original", 0), ("original", 3), ("retrained", 0), ("retrained", 3)),
    ]


class Broken(nn.Module):
    def forward(self, _: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no such layer")


def test_what_a_model_raises_here_is_told_as_if_it_were_a_worker():
    own = {0: Landmarks({})}
    with pytest.raises(WorkerError, match=r"model: fails \(RuntimeError: no such layer\)") as told:
        here(measured_here, replace(TASK, model=Broken), own, 1, what="model: fails")
    assert "in forward" in told.value.text
    with pytest.raises(InputError, match=r"^loud and clear$") as plain:
        here(loud, what="model: fails")
    assert not isinstance(plain.value, WorkerError)


def loud() -> None:
    raise InputError("loud and clear")
