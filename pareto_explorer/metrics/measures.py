"""What metrics are computed with: accuracies, distances and an attack."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pareto_explorer.metrics.confidence_svm import BOUNDARY, decision_values

__all__ = [
    "accuracy",
    "accuracy_drop",
    "confidences",
    "forget_accuracy_gap",
    "js_divergence",
    "mean_gap",
    "membership_inference",
    "tug_of_war",
]


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Returns the share of samples whose largest logit is the label's.

    Args:
        logits: Shape (n, C).
        labels: Shape (n,).
    """
    return (logits.argmax(1) == labels).double().mean().item()


def js_divergence(logits: Tensor, other: Tensor) -> float:
    """Returns the mean Jensen-Shannon divergence of two models' predictions, in nats.

    JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2; symmetric, 0 for equal
    predictions and log 2 for disjoint ones. Source: Huang et al., "Unified gradient-based machine
    unlearning with remain geometry enhancement" (NeurIPS 2024).

    Args:
        logits: One model's logits, (n, C).
        other: The other model's logits on the same samples, (n, C).
    """
    p, q = logits.double().softmax(1), other.double().softmax(1)
    m = (p + q) / 2
    terms = torch.xlogy(p, p) + torch.xlogy(q, q) - 2 * torch.xlogy(m, m)
    return terms.sum(1).mean().clamp(min=0).item() / 2


def mean_gap(
    metrics: Mapping[str, float], retrained: Mapping[str, float], names: tuple[str, ...]
) -> float:
    """Returns the mean absolute difference of the metrics called ``names``.

    Source: over UA, RA, TA and MIA the average gap of Fan et al., "SalUn" (ICLR 2024), table 1.
    """
    return sum(abs(metrics[name] - retrained[name]) for name in names) / len(names)


def tug_of_war(metrics: Mapping[str, float], retrained: Mapping[str, float]) -> float:
    """Returns the product of 1 - |difference| over forget, retain and test accuracy; 1 is best.

    Source: Zhao et al., "What makes unlearning hard and what to do about it" (NeurIPS 2024).
    """
    product = 1.0
    for name in ("unlearning_accuracy", "retain_accuracy", "test_accuracy"):
        product *= 1 - abs(metrics[name] - retrained[name])
    return product


def forget_accuracy_gap(metrics: Mapping[str, float], original: Mapping[str, float]) -> float:
    """Returns the distance of the forget set's accuracy to the original's validation accuracy.

    What a model gets right of samples that it has never seen, the original model shows on the
    validation set. That is the aim where the forget set was drawn at random with its right labels;
    a retrained model knows less of a whole class, and does not give wrong labels back.

    Source: the oracle-free tuning rule of Zhou et al., "EUPMU" (NeurIPS 2025, arXiv 2510.22124).
    """
    return abs(1 - metrics["unlearning_accuracy"] - original["validation_accuracy"])


def accuracy_drop(metrics: Mapping[str, float], original: Mapping[str, float]) -> float:
    """Returns the mean drop of RA and VA below the original model's; a rise counts 0.

    Source: as `forget_accuracy_gap`, which takes the absolute change. A rise is no loss: forgetting
    wrong labels brings one.
    """
    names = ("retain_accuracy", "validation_accuracy")
    return sum(max(0.0, original[name] - metrics[name]) for name in names) / len(names)


def confidences(logits: Tensor, labels: Tensor) -> Tensor:
    """Returns the probability of each sample's label, in double precision.

    Args:
        logits: Shape (n, C).
        labels: Shape (n,).

    Returns:
        Shape (n,).
    """
    return logits.double().softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)


def membership_inference(retain: Tensor, non_members: Tensor, forget: Tensor) -> float:
    """Returns the share of the forget set that looks as if it was never trained on.

    A support-vector classifier learns to tell members (retain samples) from non-members (samples
    never trained on) by the model's confidence in their label; the result is the share of the
    forget set that it takes for non-members. Higher is not better: the retrained model's value
    is the aim. The two classes are balanced by taking the first n of each, n being the size of
    the smaller set, since on a small data set an unbalanced fit calls everything a member.

    The fit is exact: it agrees with libsvm's where that is given a tolerance of 1e-8. A forget
    sample on the boundary counts as a member.

    Source: the confidence attack of Jia et al., "Model sparsity can simplify machine unlearning"
    (NeurIPS 2023), and Fan et al., "SalUn" (ICLR 2024): C=3, gamma="auto", RBF kernel.

    Args:
        retain: Confidences on the retain set in its order, (r,).
        non_members: Confidences on samples never trained on, (m,).
        forget: Confidences on the forget set, (f,).
    """
    n = min(len(retain), len(non_members))
    members, others, asked = (
        sure.double().cpu().numpy() for sure in (retain[:n], non_members[:n], forget)
    )
    return float((decision_values(members, others, asked, cost=3.0) < -BOUNDARY).mean())
