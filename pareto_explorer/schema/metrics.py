"""Plain words for metric columns, in figures and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "GOOD_CORNER",
    "METRICS",
    "MetricEntry",
    "explanation",
    "inline",
    "label",
    "measure",
    "number",
]

_WORDS: dict[str, tuple[str, str]] = {
    "unlearning_accuracy": ("Unlearning accuracy", "share of the forget set no longer predicted"),
    "retain_accuracy": ("Retain accuracy", "accuracy on the retain set"),
    "test_accuracy": ("Test accuracy", "accuracy on the test set"),
    "validation_accuracy": ("Validation accuracy", "accuracy on the validation set"),
    "heldout_accuracy": ("Held-out accuracy", "accuracy on the held-out set"),
    "membership_inference": ("Membership inference", "forget samples judged not trained on"),
    "validation_membership_inference": (
        "Membership inference (validation)",
        "forget samples judged not trained on",
    ),
    "forget_gap": ("Forget gap", "distance to retraining on the forget set"),
    "retain_gap": ("Retain gap", "distance to retraining on everything else"),
    "forget_accuracy_gap": (
        "Forget accuracy gap",
        "distance of forget-set accuracy to the original's validation accuracy",
    ),
    "accuracy_drop": ("Accuracy drop", "loss of retain and validation accuracy to the original"),
    "validation_forget_gap": (
        "Forget gap (validation)",
        "distance to retraining on the forget set",
    ),
    "validation_retain_gap": (
        "Retain gap (validation)",
        "distance to retraining on everything else",
    ),
    "average_gap": ("Average gap", "mean distance to retraining over four metrics"),
    "tug_of_war": ("Tug of war", "closeness to retraining, all sets multiplied"),
    "js_divergence": ("JS divergence", "distance of predictions to the retrained model's"),
}

GOOD_CORNER = {
    ("min", "min"): "lower left",
    ("min", "max"): "upper left",
    ("max", "min"): "lower right",
    ("max", "max"): "upper right",
}


def label(column: str) -> str:
    """The column's name as a reader would write it: ``"Forget gap"`` for ``forget_gap``."""
    known = _WORDS.get(column)
    return known[0] if known else column.replace("_", " ").capitalize()


def inline(column: str) -> str:
    """The label inside a sentence: only a capitalised word loses its capital."""
    name = label(column)
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def explanation(column: str) -> str:
    """What the column measures, in a few words; empty for a column of the user's own."""
    return _WORDS.get(column, ("", ""))[1]


def number(value: object) -> str:
    """A value as text: four significant digits for floats, everything else as it is."""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    return "not measured" if value != value else f"{value:.4g}"


def measure(value: float) -> str:
    """A metric as text: four decimals, or two significant digits where these would say nothing."""
    readable = value == 0 or 5e-5 <= abs(value) < 1e4
    return f"{value:.4f}" if readable else f"{value:.2g}"


_SALUN = "Fan et al., SalUn (ICLR 2024)"
_ATTACK = "Jia et al., Model sparsity can simplify machine unlearning (NeurIPS 2023)"
_ORACLE_FREE = "Zhou et al., EUPMU (NeurIPS 2025, arXiv 2510.22124), oracle-free tuning rule"
_ENTANGLEMENT = "Cheng et al., Machine unlearning under retain-forget entanglement (ICLR 2026)"


@dataclass(frozen=True)
class MetricEntry:
    """A metric column.

    Attributes:
        name: The column's name.
        direction: Which way is better; "none" where equality with the retrained model is the aim.
        summary: One sentence.
        source: Where it comes from.
        needs_retrained: Whether it is there only where a model was retrained.
    """

    name: str
    direction: Literal["min", "max", "none"]
    summary: str
    source: str
    needs_retrained: bool = False


METRICS: dict[str, MetricEntry] = {
    entry.name: entry
    for entry in (
        MetricEntry(
            "unlearning_accuracy",
            "none",
            "UA: 1 - accuracy on the forget set with the labels that were trained on.",
            _SALUN,
        ),
        MetricEntry("retain_accuracy", "max", "RA: accuracy on the retain set.", _SALUN),
        MetricEntry("test_accuracy", "max", "TA: accuracy on the test set.", _SALUN),
        MetricEntry(
            "validation_accuracy", "max", "VA: accuracy on the validation set.", "standard"
        ),
        MetricEntry("heldout_accuracy", "max", "Accuracy on the held-out set.", "standard"),
        MetricEntry(
            "adjacent_accuracy",
            "max",
            "Accuracy on the part of the retain set that is close to the forget set; only where"
            " the task has one.",
            _ENTANGLEMENT,
        ),
        MetricEntry(
            "remote_accuracy",
            "max",
            "Accuracy on the rest of the retain set; only where the task has an adjacent part.",
            _ENTANGLEMENT,
        ),
        MetricEntry(
            "membership_inference",
            "none",
            "MIA: share of the forget set that a confidence attack, fitted on as many retain"
            " samples as test samples, takes for never trained on.",
            _ATTACK,
        ),
        MetricEntry(
            "validation_membership_inference",
            "none",
            "MIA with the validation set as the samples that were never trained on.",
            _ATTACK,
        ),
        MetricEntry(
            "forget_accuracy_gap",
            "min",
            "Distance of the accuracy on the forget set to the original model's VA; needs no"
            " retrained model, and fits forget sets drawn at random with their right labels.",
            _ORACLE_FREE,
        ),
        MetricEntry(
            "accuracy_drop",
            "min",
            "Mean drop of RA and VA below the original model's, a rise counting 0; needs no"
            " retrained model.",
            _ORACLE_FREE,
        ),
        MetricEntry(
            "forget_gap",
            "min",
            "Mean distance of UA and MIA to the retrained model's.",
            _SALUN,
            needs_retrained=True,
        ),
        MetricEntry(
            "retain_gap",
            "min",
            "Mean distance of RA and TA to the retrained model's.",
            _SALUN,
            needs_retrained=True,
        ),
        MetricEntry(
            "validation_forget_gap",
            "min",
            "forget_gap with the validation set's MIA: picks models without the test set.",
            _SALUN,
            needs_retrained=True,
        ),
        MetricEntry(
            "validation_retain_gap",
            "min",
            "retain_gap with VA in place of TA: picks models without the test set.",
            _SALUN,
            needs_retrained=True,
        ),
        MetricEntry(
            "average_gap",
            "min",
            "Mean distance of UA, RA, TA and MIA to the retrained model's.",
            _SALUN,
            needs_retrained=True,
        ),
        MetricEntry(
            "tug_of_war",
            "max",
            "Product of 1 - distance to the retrained model's over UA, RA and TA.",
            "Zhao et al., What makes unlearning hard and what to do about it (NeurIPS 2024)",
            needs_retrained=True,
        ),
        MetricEntry(
            "js_divergence",
            "min",
            "Mean Jensen-Shannon divergence (nats, at most log 2) of the predictions on the"
            " forget set to the retrained model's.",
            "Huang et al., Unified gradient-based machine unlearning with remain geometry"
            " enhancement (NeurIPS 2024)",
            needs_retrained=True,
        ),
    )
}
