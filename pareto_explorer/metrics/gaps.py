"""Distances to the retrained model of the same replicate, from the metrics of both."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["average_gap", "mean_gap", "tug_of_war"]


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
