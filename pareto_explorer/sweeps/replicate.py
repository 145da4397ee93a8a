"""One replicate of one trial, without Ray: from a configuration to rows of the points table."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import torch
from torch import nn

from pareto_explorer.metrics import Diverged, Evaluator
from pareto_explorer.sweeps.families import TrialPlan
from pareto_explorer.sweeps.spec import BudgetSpec, Replicate
from pareto_explorer.tasks import UnlearningTask, restore_model
from pareto_explorer.unlearning import Budget, UnlearningData, make_method

__all__ = ["Bench", "Landmarks", "Point", "Row", "describe", "run_replicate", "unlearning_data"]

Row = dict[str, Any]


@dataclass(frozen=True)
class Landmarks:
    """Weights of the original and the retrained model of one training seed, on the CPU."""

    original: dict[str, torch.Tensor]
    retrained: dict[str, torch.Tensor]


class Point(NamedTuple):
    """One evaluated checkpoint.

    Attributes:
        row: Its row of the points table.
        model: The model that it describes; live, the next step changes it.
        stopped: Why the method ended here, before its budget did; empty if it did not.
    """

    row: Row
    model: nn.Module
    stopped: str


def unlearning_data(task: UnlearningTask) -> UnlearningData:
    """What a method may look at of a task."""
    return UnlearningData(
        task.retain,
        task.forget,
        task.heldout,
        task.n_classes,
        fresh_model=task.model,
        adjacent=task.adjacent,
        remote=task.remote,
    )


class Bench:
    """What all trials of a process share: the task on its device, originals, evaluators.

    Args:
        task: The unlearning task.
        landmarks: Landmarks by training seed.
        device: Where unlearning and evaluation run.
    """

    def __init__(
        self, task: UnlearningTask, landmarks: Mapping[int, Landmarks], device: str
    ) -> None:
        self.task = task.to(device)
        self.device = device
        self.data = unlearning_data(self.task)
        self._landmarks = landmarks
        self._prepared: dict[int, tuple[nn.Module, Evaluator]] = {}

    def prepared(self, training_seed: int) -> tuple[nn.Module, Evaluator]:
        """The original model of a training seed and the evaluator against its landmarks."""
        if training_seed not in self._prepared:
            landmarks = self._landmarks[training_seed]
            original = restore_model(self.task, landmarks.original, self.device)
            retrained = restore_model(self.task, landmarks.retrained, self.device)
            evaluator = Evaluator(self.task, original, retrained)
            self._prepared[training_seed] = original, evaluator
        return self._prepared[training_seed]


def run_replicate(
    bench: Bench, plan: TrialPlan, replicate: Replicate, budget: BudgetSpec
) -> Iterator[Point]:
    """Unlearns one replicate and evaluates it at each interval.

    The random numbers depend on the replicate alone, so that every family sees the same batches.

    Args:
        bench: Task, landmarks and device.
        plan: The trial.
        replicate: Its seeds.
        budget: Steps, batch size and evaluation interval.

    Yields:
        Its points. A diverged model ends the iteration with a row whose ``status`` says so.
    """
    original, evaluator = bench.prepared(replicate.training_seed)
    model = copy.deepcopy(original)
    spent = Budget(budget.steps, budget.batch_size, budget.evaluate_every)
    ledger = spent.ledger
    generator = torch.Generator(bench.device).manual_seed(_seed(replicate))
    torch.manual_seed(_seed(replicate))
    snapshots = make_method(plan.config).run(model, bench.data, spent, generator)
    evaluation_seconds = 0.0
    while True:
        with ledger.clock():
            snapshot = next(snapshots, None)
        if snapshot is None:
            return
        row = describe(plan, replicate) | {
            "step": ledger.step,
            "samples": ledger.samples,
            "seconds": ledger.seconds,
        }
        started = perf_counter()
        row |= ledger.drain()
        try:
            _check_finite(snapshot)
            row |= evaluator(snapshot)
        except Diverged as error:
            row |= {"status": "diverged", "error": str(error)}
        evaluation_seconds += perf_counter() - started
        row["evaluation_seconds"] = evaluation_seconds
        yield Point(row, snapshot, ledger.stopped)
        if row["status"] == "diverged":
            return


def describe(plan: TrialPlan, replicate: Replicate) -> Row:
    """The columns that say which point a row is about; nothing measured yet."""
    return {
        "trial_id": plan.trial_id,
        "family": plan.family.name,
        "method": plan.family.method,
        "aggregator": plan.family.aggregator or "",
        "forget_loss": plan.family.forget_loss or "",
        "replicate": replicate.index,
        "training_seed": replicate.training_seed,
        "unlearning_seed": replicate.unlearning_seed,
        "step": 0,
        "samples": 0,
        "seconds": 0.0,
        "status": "ok",
        "error": "",
    } | {f"config.{name}": value for name, value in plan.knobs.items()}


def _check_finite(model: nn.Module) -> None:
    for name, parameter in model.named_parameters():
        if not bool(torch.isfinite(parameter).all()):
            raise Diverged(f"parameter {name} is not finite")


def _seed(replicate: Replicate) -> int:
    key = f"{replicate.training_seed}/{replicate.unlearning_seed}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big")
