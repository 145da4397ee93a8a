"""Distances to a landmark of the same replicate, from the metrics of both."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["accuracy_drop", "average_gap", "forget_accuracy_gap", "mean_gap", "tug_of_war"]


def mean_gap(
    metrics: Mapping[str, float], retrained: Mapping[str, float], names: tuple[str, ...]
) -> float:
    """Returns the mean absolute difference of the metrics called ``names``."""
    return sum(abs(metrics[name] - retrained[name]) for name in names) / len(names)


def average_gap(metrics: Mapping[str, float], retrained: Mapping[str, float]) -> float:
    """Returns the mean gap over UA, RA, TA and MIA.

    Source: Fan et al., "SalUn" (ICLR 2024), table 1.
    """
    return mean_gap(
        metrics,
        retrained,
        ("unlearning_accuracy", "retain_accuracy", "test_accuracy", "membership_inference"),
    )


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
