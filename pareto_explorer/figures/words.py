"""Plain words for metric columns, in figures and tables."""

from __future__ import annotations

__all__ = ["GOOD_CORNER", "explanation", "inline", "label", "measure", "number"]

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
