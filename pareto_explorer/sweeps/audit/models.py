"""What one model is asked in an audit, without Ray."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pareto_explorer.audits.records import SETS, TOKENS, Arrays
from pareto_explorer.audits.statistics import (
    calibration_error,
    margins,
    zero_retrain_forgetting,
)
from pareto_explorer.metrics import Diverged, log_odds, score
from pareto_explorer.schema.metrics import METRICS
from pareto_explorer.schema.statuses import OK
from pareto_explorer.sweeps.audit.halves import first_half, half_task
from pareto_explorer.sweeps.audit.probe import SHOTS, probe_accuracies
from pareto_explorer.sweeps.audit.relearning import CHECKPOINTS, relearning_curve
from pareto_explorer.sweeps.spec.families import TrialPlan
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, Row, run_replicate
from pareto_explorer.tasks import (
    IGNORED,
    LandmarkKind,
    Samples,
    UnlearningTask,
    restore_model,
    untrained_model,
)
from pareto_explorer.tasks.landmarks.training import repeatable
from pareto_explorer.tasks.models.logits import logits_of

__all__ = [
    "How",
    "UnlearnedPoint",
    "ask",
    "ask_half",
    "ask_landmarks",
    "ask_unlearned",
    "questions",
]

CONTROLS = 2000
"""Most samples of the retain and the test set."""

WITH_LOGITS = 500
"""Most forgotten samples whose logits are kept."""

_BATCH_SIZE = 1024


class How(NamedTuple):
    """Budget and device of all models of an audit.

    Attributes:
        budget: That of the sweep.
        device: Where to compute.
        threads: For PyTorch.
    """

    budget: BudgetSpec
    device: str
    threads: int


class UnlearnedPoint(NamedTuple):
    """A point with one training seed.

    Attributes:
        plan: The configuration.
        replicate: The seeds.
        step: Where to stop.
        position: Which of the models there.
        recorded: The metrics of its row, where the sweep has one.
    """

    plan: TrialPlan
    replicate: Replicate
    step: int
    recorded: Mapping[str, float] = {}
    position: float = 0.0


def questions(task: UnlearningTask) -> Arrays:
    """The samples that all models of an audit are asked, by set: positions and labels.

    Those are the whole forget set and at most 2,000 samples of each of the others, evenly spread.
    Positions of the first two count in the training data. Of sequences, the labels are how many
    tokens each is asked for.
    """
    retain = _spread(task.retain_indices.cpu().numpy())
    test = _spread(np.arange(len(task.test)))
    positions = {"forget": task.forget_indices.cpu().numpy(), "retain": retain, "test": test}
    labels = {
        f"{name}_labels": _labels(_samples(task, name, index)) for name, index in positions.items()
    }
    kind = {TOKENS: np.array(True)} if task.tokens else {}
    when = {"relearn_at": np.array(CHECKPOINTS), "probe_at": np.array(SHOTS)}
    return positions | labels | when | kind


def ask(model: nn.Module, task: UnlearningTask, data: Arrays) -> Arrays:
    """Asks a model what it says of all samples.

    Args:
        model: On the task's device; it stays in eval mode.
        task: The task.
        data: `questions` of the task.

    Returns:
        Margins in single precision under the name of each set; of classes also those that it
        predicts under ``<set>_class``, and ``forget_logits``, ``ece`` and ``zrf``.

    Raises:
        Diverged: A logit is not finite.
    """
    if task.tokens:
        return {name: _margins(model, task, name, data) for name in SETS}
    logits = {name: _logits(model, task, name, data[name]) for name in SETS}
    fresh_model = untrained_model(task).to(task.train.inputs.device)
    fresh = _logits(fresh_model, task, "forget", data["forget"])
    found: Arrays = {}
    for name, values in logits.items():
        found[name] = margins(values, data[f"{name}_labels"]).astype(np.float32)
        found[f"{name}_class"] = values.argmax(1).astype(np.int32)
    found["forget_logits"] = logits["forget"][:WITH_LOGITS].astype(np.float32)
    found["ece"] = np.array(calibration_error(logits["test"], data["test_labels"]))
    found["zrf"] = np.array(zero_retrain_forgetting(logits["forget"], fresh))
    return found


def ask_landmarks(
    task: UnlearningTask,
    landmarks: Mapping[int, Landmarks],
    data: Arrays,
    how: How,
    *,
    recover: bool,
) -> dict[LandmarkKind, Arrays]:
    """Asks the original and the retrained model of one training seed, in this process.

    Args:
        task: The task.
        landmarks: Those of the one seed.
        data: `questions` of the task.
        how: Budget and device.
        recover: Whether they are trained further and probed, too.
    """
    torch.set_num_threads(how.threads)
    task = task.to(how.device)
    ((seed, states),) = landmarks.items()
    both: dict[LandmarkKind, dict[str, Tensor]] = {
        "original": states.original,
        "retrained": states.retrained or {},
    }
    found: dict[LandmarkKind, Arrays] = {}
    for kind, state in both.items():
        model = restore_model(task, state, how.device)
        try:
            found[kind] = ask(model, task, data)
        except Diverged:
            found[kind] = {}
        if recover and found[kind]:
            found[kind] |= _recovered(model, task, data, how, seed)
    return found


def ask_unlearned(
    task: UnlearningTask,
    landmarks: Mapping[int, Landmarks],
    data: Arrays,
    how: How,
    point: UnlearnedPoint,
    *,
    recover: bool,
) -> Arrays:
    """Unlearns with one configuration and asks the model, in this process.

    Args:
        task: The task.
        landmarks: Those of the replicate's training seed.
        data: `questions` of the task.
        how: Budget and device.
        point: What is unlearned.
        recover: Whether the model is trained further and probed, too.

    Returns:
        What it says, and as ``difference`` the largest distance of a metric to the recorded row,
        where there is one; nothing where it has diverged.
    """
    torch.set_num_threads(how.threads)
    bench = Bench(task, landmarks, how.device)
    try:
        found = _unlearned(bench, point, how)
        if found is None:
            return {}
        row, model = found
        said = ask(model, bench.task, data)
    except Diverged:
        return {}
    shared = [name for name in METRICS if name in row and name in point.recorded]
    if shared:
        said["difference"] = np.array(max(abs(row[n] - point.recorded[n]) for n in shared))
    if recover:
        seed = point.replicate.training_seed
        said |= _recovered(model, bench.task, data, how, seed)
    return said


def ask_half(
    task: UnlearningTask,
    landmarks: Mapping[int, Landmarks],
    half: str,
    data: Arrays,
    how: How,
    point: UnlearnedPoint | None,
) -> Arrays:
    """Asks a model that was trained on half of the forget set, in this process.

    Args:
        task: The whole task.
        landmarks: Of the one training seed, the original of the half and the retrained model.
        half: Which half.
        data: `questions` of the whole task.
        how: Budget and device.
        point: What is unlearned from the original; None asks the original itself.

    Returns:
        The margins on the whole forget set, and the first half as ``mask``; nothing where the
        model has diverged.
    """
    torch.set_num_threads(how.threads)
    ((seed, states),) = landmarks.items()
    whole = task.to(how.device)
    if point is None:
        model = restore_model(whole, states.original, how.device)
    try:
        if point is not None:
            bench = Bench(half_task(task, seed, half), landmarks, how.device)
            found = _unlearned(bench, point, how)
            if found is None:
                return {}
            _, model = found
        said = _margins(model, whole, "forget", data)
    except Diverged:
        return {}
    return {"forget": said, "mask": first_half(len(said), seed)}


def _unlearned(bench: Bench, point: UnlearnedPoint, how: How) -> tuple[Row, nn.Module] | None:
    """The row and the model of a point, where a method that ends before by itself has ended."""
    budget = point.plan.family.within(how.budget)
    for row, model, stopped, *_ in run_replicate(bench, point.plan, point.replicate, budget):
        if row["status"] != OK:
            return None
        if (row["step"] >= point.step or stopped) and row["position"] == point.position:
            return row, model
    return None


def _recovered(model: nn.Module, task: UnlearningTask, data: Arrays, how: How, seed: int) -> Arrays:
    """What comes back of what was forgotten when the model is trained further, or probed."""
    found = {"relearn": relearning_curve(model, task, data, how.budget.batch_size, seed)}
    probed = probe_accuracies(model, task, seed)
    return found if probed is None else found | {"probe": probed}


def _margins(
    model: nn.Module, task: UnlearningTask, name: str, data: Arrays
) -> np.ndarray[Any, Any]:
    """The margins of a set in single precision: of sequences, log-odds of their probabilities."""
    if task.tokens:
        model.eval()
        with torch.no_grad(), repeatable():
            found = score(model, _samples(task, name, data[name]), task, name)
        return log_odds(found.probability).astype(np.float32)
    logits = _logits(model, task, name, data[name])
    return margins(logits, data[f"{name}_labels"]).astype(np.float32)


def _labels(samples: Samples) -> np.ndarray[Any, Any]:
    asked = (samples.labels != IGNORED).sum(1) if samples.tokens else samples.labels
    return asked.cpu().numpy()


def _spread(positions: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if len(positions) <= CONTROLS:
        return positions
    return positions[np.linspace(0, len(positions) - 1, CONTROLS).astype(np.int64)]


def _samples(task: UnlearningTask, name: str, positions: np.ndarray[Any, Any]) -> Samples:
    whole = task.test if name == "test" else task.train
    # copied, since what comes from Ray's object store cannot be written to
    return whole.take(torch.tensor(positions, device=whole.labels.device))


def _logits(
    model: nn.Module, task: UnlearningTask, name: str, positions: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    inputs = _samples(task, name, positions).inputs
    model.eval()
    with torch.no_grad(), repeatable():
        parts: list[Tensor] = [
            logits_of(model, part, task) for part in torch.split(inputs, _BATCH_SIZE)
        ]
    found = torch.cat(parts).double().cpu().numpy()
    if not np.isfinite(found).all():
        raise Diverged(f"The model's logits on the {name} set are not finite.")
    return np.asarray(found)
