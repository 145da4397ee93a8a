"""What one model is asked in an audit, without Ray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pareto_explorer.audits.records import Arrays
from pareto_explorer.audits.statistics import (
    calibration_error,
    margins,
    zero_retrain_forgetting,
)
from pareto_explorer.metrics import Diverged
from pareto_explorer.schema.metrics import METRICS
from pareto_explorer.schema.statuses import OK
from pareto_explorer.sweeps.spec.families import TrialPlan
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate
from pareto_explorer.tasks import LandmarkKind, Samples, UnlearningTask, restore_model
from pareto_explorer.tasks.landmarks.training import repeatable
from pareto_explorer.tasks.models.logits import logits_of

__all__ = ["Asked", "ask", "ask_landmarks", "ask_unlearned", "questions"]

CONTROLS = 2000
"""Most samples of the retain and the test set."""

WITH_LOGITS = 500
"""Most forgotten samples whose logits are kept."""

_BATCH_SIZE = 1024


class Asked(NamedTuple):
    """What an unlearned model has said.

    Attributes:
        arrays: See `Arrays`.
        difference: The largest distance of a metric to the recorded row; 0 without one.
    """

    arrays: Arrays
    difference: float = 0.0


def questions(task: UnlearningTask) -> Arrays:
    """The samples that all models of an audit are asked, by set: positions and labels.

    Those are the whole forget set and at most 2,000 samples of each of the others, evenly spread.
    Positions of the first two count in the training data.
    """
    retain = _spread(task.retain_indices.cpu().numpy())
    test = _spread(np.arange(len(task.test)))
    positions = {"forget": task.forget_indices.cpu().numpy(), "retain": retain, "test": test}
    labels = {
        f"{name}_labels": _samples(task, name, index).labels.cpu().numpy()
        for name, index in positions.items()
    }
    return positions | labels


def ask(model: nn.Module, task: UnlearningTask, data: Arrays) -> Arrays:
    """Asks a model what it says of all samples.

    Args:
        model: On the task's device; it stays in eval mode.
        task: The task.
        data: `questions` of the task.

    Returns:
        Margins in single precision under the name of each set, the classes that it predicts under
        ``<set>_class``, and ``forget_logits``, ``ece`` and ``zrf``.

    Raises:
        Diverged: A logit is not finite.
    """
    logits = {name: _logits(model, task, name, data[name]) for name in ("forget", "retain", "test")}
    fresh = _logits(_fresh(task), task, "forget", data["forget"])
    found: Arrays = {}
    for name, values in logits.items():
        found[name] = margins(values, data[f"{name}_labels"]).astype(np.float32)
        found[f"{name}_class"] = values.argmax(1).astype(np.int32)
    found["forget_logits"] = logits["forget"][:WITH_LOGITS].astype(np.float32)
    found["ece"] = np.array(calibration_error(logits["test"], data["test_labels"]))
    found["zrf"] = np.array(zero_retrain_forgetting(logits["forget"], fresh))
    return found


def ask_landmarks(
    task: UnlearningTask, landmarks: Landmarks, data: Arrays, device: str, threads: int
) -> dict[LandmarkKind, Arrays]:
    """Asks the original and the retrained model of one training seed, in this process."""
    torch.set_num_threads(threads)
    task = task.to(device)
    states: dict[LandmarkKind, Any] = {
        "original": landmarks.original,
        "retrained": landmarks.retrained,
    }
    return {
        kind: ask(restore_model(task, state, device), task, data) for kind, state in states.items()
    }


def ask_unlearned(
    task: UnlearningTask,
    landmarks: Mapping[int, Landmarks],
    data: Arrays,
    plan: TrialPlan,
    replicate: Replicate,
    budget: BudgetSpec,
    step: int,
    recorded: Mapping[str, float],
    device: str,
    threads: int,
) -> Asked:
    """Unlearns with one configuration and asks the model, in this process.

    Args:
        task: The task.
        landmarks: Those of the replicate's training seed.
        data: `questions` of the task.
        plan: The configuration.
        replicate: The seeds.
        budget: That of the sweep.
        step: Where to stop; a method that ends before by itself is asked there.
        recorded: The metrics of the recorded row, if there is one, to compare with.
        device: Where to compute.
        threads: For PyTorch.

    Returns:
        What it says; nothing where it has diverged.
    """
    torch.set_num_threads(threads)
    bench = Bench(task, landmarks, device)
    for row, model, stopped in run_replicate(bench, plan, replicate, budget):
        if row["status"] != OK:
            break
        if row["step"] >= step or stopped:
            shared = [name for name in METRICS if name in row and name in recorded]
            apart = max((abs(row[name] - recorded[name]) for name in shared), default=0.0)
            try:
                return Asked(ask(model, bench.task, data), apart)
            except Diverged:
                break
    return Asked({})


def _spread(positions: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if len(positions) <= CONTROLS:
        return positions
    return positions[np.linspace(0, len(positions) - 1, CONTROLS).astype(np.int64)]


def _samples(task: UnlearningTask, name: str, positions: np.ndarray[Any, Any]) -> Samples:
    whole = task.test if name == "test" else task.train
    return whole.take(torch.as_tensor(positions, device=whole.labels.device))


def _logits(
    model: nn.Module, task: UnlearningTask, name: str, positions: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    inputs = _samples(task, name, positions).inputs
    model.eval()
    with torch.no_grad(), repeatable():
        parts: list[Tensor] = [
            logits_of(model, part, task.n_classes) for part in torch.split(inputs, _BATCH_SIZE)
        ]
    found = torch.cat(parts).double().cpu().numpy()
    if not np.isfinite(found).all():
        raise Diverged(f"The model's logits on the {name} set are not finite.")
    return np.asarray(found)


def _fresh(task: UnlearningTask) -> nn.Module:
    """A model with random weights, the same one each time."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        model = task.model()
    return model.to(task.train.inputs.device)
