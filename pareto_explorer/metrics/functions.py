"""The function that computes each metric of `schema.METRICS`, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from pareto_explorer.metrics.measures import (
    accuracy_drop,
    forget_accuracy_gap,
    js_divergence,
    mean_gap,
    membership_inference,
    tug_of_war,
)
from pareto_explorer.schema.metrics import METRICS

__all__ = ["OWN", "TO_ORIGINAL", "TO_RETRAINED", "Measured", "Predictions"]


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
    """

    logits: Mapping[str, Tensor]
    labels: Mapping[str, Tensor]
    accuracy: Mapping[str, float]
    confidences: Mapping[str, Tensor]


@dataclass(frozen=True)
class Measured:
    """What is kept of a model to compare it with another.

    Attributes:
        own: Its metrics of `OWN`.
        forget_logits: Its logits on the forget set, (f, C).
    """

    own: Mapping[str, float]
    forget_logits: Tensor


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


def _attack(of: Predictions, non_members: str) -> float:
    sure = of.confidences
    return membership_inference(sure["retain"], sure[non_members], sure["forget"])
