"""What compares the replicates of a trial, without Ray: a task of clouds with wrong labels."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pareto_explorer.audits.statistics import margins, squared_excess_auc, u_lira
from pareto_explorer.metrics import across_seeds
from pareto_explorer.sweeps.spec.families import Family, TrialPlan
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.landmark_training import landmark_metrics
from pareto_explorer.sweeps.trials.measured_here import measure_landmarks
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.sweeps.trials.trainable import Job, UnlearningTrial
from pareto_explorer.tasks import Mislabelled, restore_model, train_landmark
from pareto_explorer.unlearning.methods.controls import FineTune
from tests.tasks.small import small_task

BOTH = ("attack_accuracy", "excess_forget")
BUDGET = BudgetSpec(steps=6, batch_size=16, evaluate_every=2)
TASK = small_task(Mislabelled(fraction=0.2), epochs=4)


class Locked(FineTune):
    """A user's method with a lock, which cannot be pickled."""

    def run(self, *args: Any) -> Any:
        self.models = super().run(*args)
        self.lock = threading.Lock()
        return self

    def __next__(self) -> nn.Module:
        return next(self.models)


class Fragile(Locked):
    """It diverges with large weights."""

    def __next__(self) -> nn.Module:
        model = super().__next__()
        if model.head.weight.abs().max() > 1e6:
            nn.init.constant_(model.head.bias, math.inf)
        return model


@cache
def landmarks(seed: int) -> Landmarks:
    return Landmarks(*(train_landmark(TASK, kind, seed) for kind in ("original", "retrained")))


def plan(**config: Any) -> TrialPlan:
    method = config.pop("method", "fine_tune")
    family = Family("a", method, None, None, {"lr": 0.05, **config})
    return TrialPlan("trial-0", family, family.knobs)


def replicates(n: int) -> list[Replicate]:
    return [Replicate(seed, seed, 0) for seed in range(n)]


def with_a_large_one(seed: int) -> Landmarks:
    own = landmarks(seed)
    if seed != 1:
        return own
    larger = {**own.original, "head.weight": 1e8 * own.original["head.weight"]}
    return Landmarks(larger, own.retrained)


def start(
    n: int,
    metrics: Sequence[str] = BOTH,
    of: Callable[[int], Landmarks] = landmarks,
    **config: Any,
) -> UnlearningTrial:
    chosen = plan(**config)
    job = Job(
        {"a": chosen.family},
        TASK,
        {seed: of(seed) for seed in range(n)},
        replicates(n),
        BUDGET,
        "cpu",
        1,
        across_seeds=metrics,
    )
    trial = UnlearningTrial.__new__(UnlearningTrial)
    trial.setup(chosen.to_config(), job=job)
    return trial


def to_the_end(trial: UnlearningTrial) -> list[dict[str, Any]]:
    rows = []
    while True:
        result = trial.step()
        rows += result["rows"]
        if result["done"]:
            return rows


def column(rows: Sequence[Mapping[str, Any]], name: str, step: int) -> list[float]:
    return [row[name] for row in rows if row["step"] == step]


def measured(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int], dict[str, Any]]:
    """Rows by point without times; of a point that is reported twice, both must agree."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for row in rows:
        own = {k: v for k, v in row.items() if k not in ("seconds", "evaluation_seconds")}
        assert found.setdefault((row["replicate"], row["step"]), own) == own
    return found


def asked(model: nn.Module) -> np.ndarray[Any, Any]:
    model.eval()
    with torch.no_grad():
        logits = model(TASK.forget.inputs)
    return margins(logits.numpy(), TASK.forget.labels.numpy())


def retrained(seeds: Sequence[int]) -> np.ndarray[Any, Any]:
    return np.stack([asked(restore_model(TASK, landmarks(s).retrained or {})) for s in seeds])


@pytest.mark.parametrize("n", [4, 5])
def test_columns_are_what_the_margins_of_the_models_give(n: int) -> None:
    bench = Bench(TASK, {seed: landmarks(seed) for seed in range(n)}, "cpu")
    said: dict[int, list[np.ndarray[Any, Any]]] = {2: [], 4: [], 6: []}
    for replicate in replicates(n):
        for point in run_replicate(bench, plan(), replicate, BUDGET):
            said[point.row["step"]].append(asked(point.model))
    rows = to_the_end(start(n))
    target = retrained(range(n))
    for step, unlearned in said.items():
        attack = u_lira(np.stack(unlearned), target)
        assert column(rows, "attack_accuracy", step) == attack.per_seed.tolist()
        excess = squared_excess_auc(np.stack(unlearned), target).value
        assert np.mean(column(rows, "excess_forget", step)) == pytest.approx(excess, abs=1e-12)


def test_they_are_computed_where_they_are_asked_for_only() -> None:
    assert not {*BOTH} & {name for row in to_the_end(start(4, ())) for name in row}
    only = {name for row in to_the_end(start(4, BOTH[1:])) for name in row}
    assert {*BOTH} & only == {"excess_forget"}


def test_whoever_watches_the_trial_sees_their_means() -> None:
    result = start(4).step()
    for name in BOTH:
        assert result[name] == pytest.approx(np.mean([row[name] for row in result["rows"]]))


@pytest.mark.parametrize("n", [4, 5])
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("method", ["fine_tune", f"{__name__}:Locked"])
def test_a_trial_that_lost_its_worker_repeats_them(
    tmp_path: Path, n: int, steps: int, method: str
) -> None:
    whole = measured(to_the_end(start(n, method=method)))
    lost = start(n, method=method)
    before = [row for _ in range(steps) for row in lost.step()["rows"]]
    lost.save_checkpoint(str(tmp_path))
    before += lost.step()["rows"]
    after = start(n, method=method)
    after.load_checkpoint(str(tmp_path))
    assert measured([*before, *to_the_end(after)]) == whole


def test_a_replicate_that_starts_again_alone_keeps_step_with_the_others(tmp_path: Path) -> None:
    whole = measured(to_the_end(start(5)))
    lost = start(5)
    before = [row for _ in range(2) for row in lost.step()["rows"]]
    lost.save_checkpoint(str(tmp_path))
    (tmp_path / "replicate-1.pkl").write_bytes(b"torn")
    after = start(5)
    after.load_checkpoint(str(tmp_path))
    first = after.step()["rows"]
    assert [(row["replicate"], row["step"]) for row in first] == [
        *((0, 6), (1, 2), (1, 4), (1, 6), (2, 6), (3, 6), (4, 6))
    ]
    assert measured([*before, *first, *to_the_end(after)]) == whole


def test_without_enough_seeds_at_a_step_they_are_not_measured() -> None:
    config = {"of": with_a_large_one, "method": f"{__name__}:Fragile"}
    few, enough = (to_the_end(start(n, **config)) for n in (4, 5))
    for rows in (few, enough):
        assert [row["status"] for row in rows if row["replicate"] == 1] == ["diverged"]
        assert not any({*BOTH} & row.keys() for row in rows if row["replicate"] == 1)
    left = [row for row in few if row["replicate"] != 1]
    assert len(left) == 9
    assert all(math.isnan(row[name]) for row in left for name in BOTH)
    assert all(math.isfinite(row[n]) for row in enough if row["replicate"] != 1 for n in BOTH)


def test_a_retrained_model_is_at_chance_and_an_original_is_told() -> None:
    found = {s: measure_landmarks(TASK, {s: landmarks(s)}, s, "cpu") for s in range(5)}
    metrics = landmark_metrics(found, BOTH)
    assert [metrics[s]["retrained"][name] for name in BOTH for s in range(5)] == [0.5] * 5 + [0] * 5
    original = np.stack([asked(restore_model(TASK, landmarks(s).original)) for s in range(5)])
    told = u_lira(original, retrained(range(5)))
    assert [metrics[s]["original"]["attack_accuracy"] for s in range(5)] == told.per_seed.tolist()
    assert told.accuracy > 0.7
    plain = landmark_metrics(found)
    assert not {*BOTH} & plain[0]["original"].keys()
    assert list(metrics[0]["original"]) == [*plain[0]["original"], *BOTH]


@pytest.mark.parametrize("n", [4, 6])
def test_equal_models_are_exactly_at_chance(n: int) -> None:
    same = list(np.random.default_rng(0).normal(size=(n, 30)))
    assert across_seeds(BOTH, same, same) == [{"attack_accuracy": 0.5, "excess_forget": 0.0}] * n
    few = across_seeds(BOTH, same[:3], same[:3])
    assert len(few) == 3
    assert all(math.isnan(value) for found in few for value in found.values())
