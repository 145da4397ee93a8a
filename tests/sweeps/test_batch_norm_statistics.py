"""Replicates whose models are shown with statistics of their own."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch

from pareto_explorer.sweeps.trials.replicate import ReplicateRun, run_replicate
from pareto_explorer.tasks import Samples
from tests.sweeps.test_replicate_resume import (
    BUDGET,
    PAIR,
    REPLICATES,
    make_bench,
    make_plan,
    make_task,
)

RECOMPUTED = BUDGET.model_copy(update={"batch_norm_statistics": "recompute"})
LEVELS = {"path": "lr", "path_from": 0.1, "path_to": 0.01, "path_levels": 3}
CONFIGS = [PAIR, PAIR | LEVELS, {"method": "fine_tune"}, {"method": "task_vector"}]
each_config = pytest.mark.parametrize("config", CONFIGS, ids=["famo", "path", "tune", "vector"])


def points_of(config, budget):
    """Rows and states of a whole run."""
    run = run_replicate(make_bench(), make_plan(config), REPLICATES[0], budget)
    return [(point.row, copy.deepcopy(point.model.state_dict())) for point in run]


def parameters(state):
    return {name: value for name, value in state.items() if "running" not in name}


@each_config
def test_the_steps_are_those_of_a_run_that_keeps_its_statistics(config):
    kept, anew = points_of(config, BUDGET), points_of(config, RECOMPUTED)
    assert len(kept) == len(anew)
    passes = len(make_task().retain)
    for number, ((row, state), (other, shown)) in enumerate(zip(kept, anew, strict=True), 1):
        assert all(
            torch.equal(value, shown[name])
            for name, value in parameters(state).items()
            if name != "1.num_batches_tracked"
        )
        assert not torch.equal(state["1.running_mean"], shown["1.running_mean"])
        assert other["samples"] == row["samples"] + number * passes
        assert {row["status"], other["status"]} == {"ok"}


def test_what_was_forgotten_is_never_read():
    """Fine-tuning reads the retain set alone; with NaN in all others its models are the same."""
    benches = [make_bench(), make_bench()]
    data = benches[1].data
    poison = Samples(torch.full_like(data.forget.inputs, float("nan")), data.forget.labels)
    benches[1].data = dataclasses.replace(data, forget=poison, heldout=poison)
    plan = make_plan({"method": "fine_tune"})
    found = []
    for bench in benches:
        run = run_replicate(bench, plan, REPLICATES[0], RECOMPUTED)
        progress = run._begin()
        torch.manual_seed(0)  # of dropout
        shown = [run._next_model(progress) for _ in range(3)]
        found.append(copy.deepcopy(shown[-1].state_dict()))
    clean, blind = found
    assert all(torch.equal(value, blind[name]) for name, value in clean.items())
    assert all(torch.isfinite(value).all() for value in blind.values())


@each_config
@pytest.mark.parametrize("evaluations", [1, 2])
def test_a_run_is_taken_up_between_two_models(config, evaluations):
    expected = points_of(config, RECOMPUTED)
    first = run_replicate(make_bench(), make_plan(config), REPLICATES[0], RECOMPUTED)
    for _ in range(evaluations):
        next(first)
    start = (make_bench(), make_plan(config), REPLICATES[0], RECOMPUTED)
    resumed = ReplicateRun.resumed(*start, first.snapshot())
    found = [(point.row, copy.deepcopy(point.model.state_dict())) for point in resumed]
    assert len(found) == len(expected) - evaluations
    for (row, state), (other, shown) in zip(found, expected[evaluations:], strict=True):
        assert all(torch.equal(value, shown[name]) for name, value in state.items())
        clocks = {"seconds", "evaluation_seconds"}
        assert all(row[name] == other[name] for name in row.keys() - clocks)
