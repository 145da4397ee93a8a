"""A run on sequences, as a sweep would have recorded it, without Ray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from pareto_explorer.runs import (
    PointsWriter,
    RunDirectory,
    write_landmarks,
    write_manifest,
)
from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.driver.run_box import new_box
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.tasks import train_landmark
from tests.tasks.answers import answering_task

SPEC: dict[str, Any] = {
    "task": {"name": "digits"},  # not built: the task is given
    "objectives": "tofu",
    "replicates": {"training_seeds": [0, 1]},
    "budget": {"steps": 20, "batch_size": 8, "evaluate_every": 10},
    "families": [
        {
            "method": "jacobian_descent",
            "aggregator": "weighted_sum",
            "forget_loss": "negative_cross_entropy",
            "lr": lr,
            "name": name,
        }
        for name, lr in (("rough", 0.03), ("gentle", 0.001))
    ],
}


def write_token_run(path: Path) -> RunDirectory:
    """Two seeds of a gentle and a destructive configuration."""
    spec = SweepSpec.from_mapping(SPEC)
    task = answering_task("last")
    landmarks, rows = {}, []
    for seed in spec.replicates.training_seeds:
        states = [train_landmark(task, kind, seed) for kind in ("original", "retrained")]
        landmarks[seed] = Landmarks(*states)
    bench = Bench(task, landmarks, "cpu")
    for kind in ("original", "retrained"):
        for seed in landmarks:
            _, evaluator = bench.prepared(seed)
            rows.append(
                {"landmark": kind, "replicate": seed, "training_seed": seed}
                | evaluator.landmarks[kind].metrics
            )
    path.mkdir()
    run = RunDirectory(path)
    box, _ = new_box(spec, pd.DataFrame(rows))
    facts = dict(task.facts)
    write_manifest(
        run, {"name": "tokens", "spec": spec.to_mapping(), "box": box.to_dict(), "facts": facts}
    )
    write_landmarks(run, rows)
    with PointsWriter(run) as writer:
        for plan in spec.plan():
            for replicate in spec.replicate_list():
                points = run_replicate(bench, plan, replicate, plan.family.within(spec.budget))
                writer.append([point.row for point in points])
            writer.finish(plan.trial_id, "finished")
    return run
