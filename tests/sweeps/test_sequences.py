"""Replicates of language models, without Ray: what is generated when, and runs put away."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pareto_explorer.sweeps.spec.families import Family, TrialPlan
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, ReplicateRun, run_replicate
from tests.tasks.answers import answering_task
from tests.tasks.sequences import SmallCausal, sequences

BUDGET = BudgetSpec(steps=4, batch_size=4, evaluate_every=2)
SECONDS = {"seconds", "evaluation_seconds"}
DESCENT = {"method": "jacobian_descent", "aggregator": "upgrad", "optimizer": "adamw", "lr": 0.01}


def make_bench(generate: str = "never") -> Bench:
    def state(seed: int) -> dict[str, torch.Tensor]:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return SmallCausal().state_dict()

    task = answering_task(generate)
    assert task.language is not None
    language = replace(task.language, refusals=sequences(8, 40))
    landmarks = {0: Landmarks(state(0), state(1))}
    return Bench(replace(task, language=language), landmarks, "cpu")


def make_plan(config: dict) -> TrialPlan:
    knobs = dict(config)
    parts = {key: knobs.pop(key, None) for key in ("method", "aggregator", "forget_loss")}
    return TrialPlan("trial", Family("one", **parts), knobs)


@pytest.mark.parametrize(
    ("generate", "config", "spoken"),
    [
        ("last", {**DESCENT, "forget_loss": "npo"}, [False, True]),
        ("every", {**DESCENT, "forget_loss": "npo"}, [True, True]),
        ("never", {**DESCENT, "forget_loss": "npo"}, [False, False]),
        ("last", {"method": "none"}, [True]),
        (
            "last",
            {"method": "pareto_line", "forget_loss": "simnpo", "points": 3, "lr": 0.001},
            [False] * 3 + [True] * 3,
        ),
    ],
)
def test_answers_are_generated_where_a_run_ends(generate: str, config: dict, spoken: list) -> None:
    points = run_replicate(make_bench(generate), make_plan(config), Replicate(0, 0, 0), BUDGET)
    assert ["rouge_forget" in point.row for point in points] == spoken


@pytest.mark.parametrize("loss", ["npo", "simnpo", "dpo_refusal", "undial", "weighted_ascent"])
@pytest.mark.parametrize("retain_loss", ["task", "kl"])
def test_a_run_that_was_put_away_goes_on_bit_by_bit(loss: str, retain_loss: str) -> None:
    bench, replicate = make_bench(), Replicate(0, 0, 0)
    plan = make_plan({**DESCENT, "forget_loss": loss, "retain_loss": retain_loss})
    whole = [point.row for point in run_replicate(bench, plan, replicate, BUDGET)]
    run = run_replicate(bench, plan, replicate, BUDGET)
    first = next(run).row
    snapshot = run.snapshot()
    assert snapshot is not None
    resumed = ReplicateRun.resumed(make_bench(), plan, replicate, BUDGET, snapshot)
    rows = [first, *(point.row for point in resumed)]
    for own, other in zip(rows, whole, strict=True):
        assert own.keys() == other.keys()
        assert {k: v for k, v in own.items() if k not in SECONDS} == {
            k: v for k, v in other.items() if k not in SECONDS
        }


def test_rmu_goes_on_bit_by_bit() -> None:
    bench, replicate = make_bench(), Replicate(0, 0, 0)
    plan = make_plan({"method": "rmu", "layer": "body", "lr": 0.001})
    *_, last = run_replicate(bench, plan, replicate, BUDGET)
    run = run_replicate(bench, plan, replicate, BUDGET)
    next(run)
    snapshot = run.snapshot()
    assert snapshot is not None
    *_, again = ReplicateRun.resumed(make_bench(), plan, replicate, BUDGET, snapshot)
    assert all(
        torch.equal(value, last.model.state_dict()[name])
        for name, value in again.model.state_dict().items()
    )
