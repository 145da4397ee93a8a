"""The function that computes each metric of `schema.METRICS`, by its name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pareto_explorer.audits.statistics import (
    confusion_error,
    confusion_swaps,
    poison_auc,
    poison_scores,
    squared_excess_auc_by_seed,
    u_lira,
)
from pareto_explorer.metrics.measures import (
    accuracy_drop,
    forget_accuracy_gap,
    js_divergence,
    mean_gap,
    membership_inference,
    tug_of_war,
)
from pareto_explorer.schema.metrics import METRICS
from pareto_explorer.tasks import GaussianNoise, SwappedClasses

__all__ = [
    "ACROSS_SEEDS",
    "OWN",
    "TO_ORIGINAL",
    "TO_RETRAINED",
    "Measured",
    "Predictions",
    "across_seeds",
]


@dataclass(frozen=True)
class Predictions:
    """What a model says of the task's sets, each by its name.

    The sets are ``retain``, ``forget``, ``heldout``, ``validation`` and ``test``, and where the
    task has an adjacent set, ``adjacent`` and ``remote``.

    Attributes:
        logits: Shape (n, C), on the CPU.
        labels: Shape (n,).
        accuracy: The share of samples whose largest logit is the label's.
        confidences: The probability of each sample's label, (n,); of the retain, forget,
            validation and test set.
        planted: What was put into the samples of the forget set.
        slopes: Where that is noise, the gradient of the loss by each forget input without it,
            (f, ...), each of some length.
    """

    logits: Mapping[str, Tensor]
    labels: Mapping[str, Tensor]
    accuracy: Mapping[str, float]
    confidences: Mapping[str, Tensor]
    planted: GaussianNoise | SwappedClasses | None = None
    slopes: Tensor | None = None


@dataclass(frozen=True)
class Measured:
    """What is kept of a model to compare it with another.

    Attributes:
        own: Its metrics of `OWN`.
        forget_logits: Its logits on the forget set, (f, C).
        forget_margins: How much surer it is there of each label than of all others together, (f,).
    """

    own: Mapping[str, float]
    forget_logits: Tensor
    forget_margins: NDArray[np.float64]


Comparison = Callable[[Measured, Measured], float]

OWN: dict[str, Callable[[Predictions], float]] = {
    "unlearning_accuracy": lambda of: 1 - of.accuracy["forget"],
    "retain_accuracy": lambda of: of.accuracy["retain"],
    "test_accuracy": lambda of: of.accuracy["test"],
    "validation_accuracy": lambda of: of.accuracy["validation"],
    "heldout_accuracy": lambda of: of.accuracy["heldout"],
    "adjacent_accuracy": lambda of: of.accuracy["adjacent"],
    "remote_accuracy": lambda of: of.accuracy["remote"],
    "membership_inference": lambda of: _attack(of, "test"),
    "validation_membership_inference": lambda of: _attack(of, "validation"),
    "poison_score": lambda of: float(_alignments(of).mean()),
    "poison_auc": lambda of: poison_auc(_alignments(of)),
    "confusion_error": lambda of: _confusion(of, "test", confusion_error),
    "confusion_swaps": lambda of: _confusion(of, "test", confusion_swaps),
    "validation_confusion_error": lambda of: _confusion(of, "validation", confusion_error),
    "validation_confusion_swaps": lambda of: _confusion(of, "validation", confusion_swaps),
    "retain_confusion_error": lambda of: _confusion(of, "retain", confusion_error),
    "retain_confusion_swaps": lambda of: _confusion(of, "retain", confusion_swaps),
}
"""Metrics that follow from a model's own predictions."""

TO_ORIGINAL: dict[str, Comparison] = {
    "forget_accuracy_gap": lambda model, original: forget_accuracy_gap(model.own, original.own),
    "accuracy_drop": lambda model, original: accuracy_drop(model.own, original.own),
}
"""Metrics that compare a model with the original one."""


def _gap(over: tuple[str, ...]) -> Comparison:
    return lambda model, other: mean_gap(model.own, other.own, over)


TO_RETRAINED: dict[str, Comparison] = {
    **{name: _gap(row.over) for name, row in METRICS.items() if row.over},
    "tug_of_war": lambda model, retrained: tug_of_war(model.own, retrained.own),
    "js_divergence": lambda model, retrained: js_divergence(
        model.forget_logits, retrained.forget_logits
    ),
}
"""Metrics that compare a model with the retrained one, and need one; of a gap, the row says all."""


ACROSS_SEEDS: dict[
    str, Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]
] = {
    "attack_accuracy": lambda unlearned, retrained: u_lira(unlearned, retrained).per_seed,
    "excess_forget": squared_excess_auc_by_seed,
}
"""Metrics that compare the models of N training seeds with the retrained ones of the same seeds.

Each takes the margins of both on the forget set, (N, f), and returns a value per seed, (N,), whose
mean is the statistic.
"""


def across_seeds(
    metrics: Collection[str],
    unlearned: Sequence[NDArray[np.float64]],
    retrained: Sequence[NDArray[np.float64]],
) -> list[dict[str, float]]:
    """Computes metrics of `ACROSS_SEEDS`, NaN where there are fewer seeds than they take.

    Args:
        metrics: Which ones.
        unlearned: The margins of one model per training seed on the forget set, (f,) each.
        retrained: Those of the retrained models of the same seeds, in the same order.

    Returns:
        The metrics of each seed.
    """
    found = {
        name: ACROSS_SEEDS[name](np.stack(unlearned), np.stack(retrained)).tolist()
        if len(unlearned) >= METRICS[name].least_seeds
        else [float("nan")] * len(unlearned)
        for name in metrics
    }
    return [
        {name: values[seed] for name, values in found.items()} for seed in range(len(unlearned))
    ]


def _attack(of: Predictions, non_members: str) -> float:
    sure = of.confidences
    return membership_inference(sure["retain"], sure[non_members], sure["forget"])


def _alignments(of: Predictions) -> NDArray[np.float64]:
    """How well each sample's noise is aligned with the descent of the loss, (f,)."""
    assert isinstance(of.planted, GaussianNoise)  # noqa: S101 - as the metric's row says
    assert of.slopes is not None  # noqa: S101
    return poison_scores(of.planted.values.cpu(), -of.slopes, of.planted.deviation)


def _confusion(
    of: Predictions, name: str, measure: Callable[[Tensor, Tensor, tuple[int, int]], float]
) -> float:
    """What is left of swapped labels in one set; NaN where it has no sample of the two classes."""
    assert isinstance(of.planted, SwappedClasses)  # noqa: S101 - as the metric's row says
    classes, labels = of.planted.classes, of.labels[name]
    if not bool(torch.isin(labels, torch.tensor(classes)).any()):
        return float("nan")
    return float(measure(of.logits[name].argmax(1), labels, classes))
