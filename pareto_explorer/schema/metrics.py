"""The metrics, one row each, and plain words for metric columns in figures and tables."""

from __future__ import annotations

from collections.abc import Collection

from pareto_explorer.schema.metric_entry import PARTS, MetricEntry, OnTokens
from pareto_explorer.schema.token_metrics import TOKEN_METRICS

__all__ = [
    "BETTER",
    "GOOD_CORNER",
    "METRICS",
    "PARTS",
    "SAID_EXACTLY",
    "MetricEntry",
    "OnTokens",
    "as_measured",
    "caption",
    "inline",
    "label",
    "measure",
    "number",
    "tokens_in",
]


_SALUN = "Fan et al., SalUn (ICLR 2024), table 1"
_ATTACK = "Jia et al., Model sparsity can simplify machine unlearning (NeurIPS 2023)"
_ORACLE_FREE = "Zhou et al., EUPMU (NeurIPS 2025, arXiv 2510.22124), oracle-free tuning rule"
_ENTANGLEMENT = "Cheng et al., Machine unlearning under retain-forget entanglement (ICLR 2026)"
_POISON = (
    "Pawelczyk et al., Machine unlearning fails to remove data poisoning attacks (arXiv 2406.17216)"
)
_ATTACKER = (
    "Hayes et al., Inexact unlearning needs more careful evaluations to avoid a false sense of"
    " privacy (arXiv 2403.01218); leaving out one seed is ours"
)
_CONFUSION = (
    "Goel et al., Towards adversarial evaluations for inexact machine unlearning (arXiv 2201.06640)"
)

_OURS = "ours, after the gaps of SalUn (Fan et al., ICLR 2024)"
_LOSS_ATTACK = "Yeom et al., Privacy risk in machine learning (CSF 2018), loss attack"

METRICS: dict[str, MetricEntry] = {
    row.name: row
    for row in (
        MetricEntry(
            "forget_gap",
            "min",
            "Forget gap",
            "distance to retraining on the forget set",
            "Mean distance of unlearning accuracy (UA) and membership inference (MIA) to the"
            " retrained model's.",
            _SALUN,
            reads_test=True,
            twin="validation_forget_gap",
            over=("unlearning_accuracy", "membership_inference"),
            needs_retrained=True,
            on_tokens=OnTokens(
                "distance to retraining on the forget set",
                "Mean distance to the retrained model's of UA (1 - share of forgotten answers said"
                " exactly), of the forgotten answers' probability and of membership inference.",
                over=("unlearning_accuracy", "forget_probability", "membership_inference"),
                needs=("non_members",),
                source=_OURS,
            ),
        ),
        MetricEntry(
            "retain_gap",
            "min",
            "Retain gap",
            "distance to retraining on everything else",
            "Mean distance of retain accuracy (RA) and test accuracy (TA) to the retrained"
            " model's.",
            _SALUN,
            reads_test=True,
            twin="validation_retain_gap",
            over=("retain_accuracy", "test_accuracy"),
            needs_retrained=True,
            on_tokens=OnTokens(
                "distance to retraining on everything else",
                "Mean distance to the retrained model's of RA and TA (shares of answers said"
                " exactly) and of the retained answers' probability.",
                over=("retain_accuracy", "retain_probability", "test_accuracy"),
                source=_OURS,
            ),
        ),
        MetricEntry(
            "forget_accuracy_gap",
            "min",
            "Forget accuracy gap",
            "distance of forget-set accuracy to the original's validation accuracy",
            "Distance of the accuracy on the forget set to the original model's validation accuracy"
            " (VA); needs no retrained model, and fits forget sets drawn at random with their"
            " right labels.",
            _ORACLE_FREE,
            on_tokens=OnTokens(
                "distance of forgotten answers said exactly to the original's never seen",
                "Distance of the share of forgotten answers said exactly to what the original model"
                " says exactly of the held-out set; needs no retrained model.",
                needs=("non_members",),
            ),
        ),
        MetricEntry(
            "accuracy_drop",
            "min",
            "Accuracy drop",
            "loss of retain and validation accuracy to the original",
            "Mean drop of RA and VA below the original model's, a rise counting 0; needs no"
            " retrained model.",
            _ORACLE_FREE,
            on_tokens=OnTokens(
                "loss of exact answers to the original",
                "Mean drop of RA and VA (shares of answers said exactly) below the original"
                " model's, a rise counting 0; needs no retrained model.",
            ),
        ),
        MetricEntry(
            "unlearning_accuracy",
            "none",
            "Unlearning accuracy",
            "share of the forget set no longer predicted",
            "UA: 1 - accuracy on the forget set with the labels that were trained on.",
            _SALUN,
            on_tokens=OnTokens(
                "share of the forgotten answers no longer said exactly",
                "UA: 1 - share of forgotten answers of which every token is the most probable one.",
            ),
        ),
        MetricEntry(
            "retain_accuracy",
            "max",
            "Retain accuracy",
            "accuracy on the retain set",
            "RA: accuracy on the retain set.",
            _SALUN,
            on_tokens=OnTokens(
                "share of retained answers said exactly",
                "RA: share of retained answers of which every token is the most probable one.",
            ),
        ),
        MetricEntry(
            "test_accuracy",
            "max",
            "Test accuracy",
            "accuracy on the test set",
            "TA: accuracy on the test set.",
            _SALUN,
            reads_test=True,
            twin="validation_accuracy",
            on_tokens=OnTokens(
                "share of test answers said exactly",
                "TA: share of test answers of which every token is the most probable one.",
            ),
        ),
        MetricEntry(
            "validation_accuracy",
            "max",
            "Validation accuracy",
            "accuracy on the validation set",
            "VA: accuracy on the validation set.",
            "standard",
            on_tokens=OnTokens(
                "share of validation answers said exactly",
                "VA: share of validation answers of which every token is the most probable one.",
            ),
        ),
        MetricEntry(
            "heldout_accuracy",
            "max",
            "Held-out accuracy",
            "accuracy on the held-out set",
            "Accuracy on the held-out set.",
            "standard",
            on_tokens=OnTokens(
                "share of held-out answers said exactly",
                "Share of held-out answers of which every token is the most probable one.",
                needs=("non_members",),
            ),
        ),
        MetricEntry(
            "adjacent_accuracy",
            "max",
            "Adjacent accuracy",
            "accuracy on retain samples close to the forget set",
            "Accuracy on the part of the retain set that is close to the forget set; only where"
            " the task has one.",
            _ENTANGLEMENT,
            needs_adjacent=True,
            on_tokens=OnTokens(
                "share of retained answers close to the forget set said exactly",
                "Share of the retained answers close to the forget set of which every token is the"
                " most probable one; only where the task has such a part.",
            ),
        ),
        MetricEntry(
            "remote_accuracy",
            "max",
            "Remote accuracy",
            "accuracy on retain samples far from the forget set",
            "Accuracy on the rest of the retain set; only where the task has an adjacent part.",
            _ENTANGLEMENT,
            needs_adjacent=True,
            on_tokens=OnTokens(
                "share of retained answers far from the forget set said exactly",
                "Share of the other retained answers of which every token is the most probable one;"
                " only where the task has an adjacent part.",
            ),
        ),
        MetricEntry(
            "membership_inference",
            "none",
            "Membership inference",
            "forget samples judged not trained on",
            "MIA: share of the forget set that a confidence attack, fitted on as many retain"
            " samples as test samples, takes for never trained on.",
            _ATTACK,
            reads_test=True,
            twin="validation_membership_inference",
            on_tokens=OnTokens(
                "forgotten answers told from answers never seen",
                "MIA: AUC of the loss per token, forget set against a random half of the held-out"
                " set: 1 where the forget set looks trained on, near 1/2 where it does not.",
                needs=("non_members",),
                source=_LOSS_ATTACK,
            ),
        ),
        MetricEntry(
            "validation_membership_inference",
            "none",
            "Membership inference (validation)",
            "forget samples judged not trained on",
            "MIA with the validation set as the samples that were never trained on.",
            _ATTACK,
            on_tokens=OnTokens(
                "forgotten answers told from answers never seen",
                "MIA with the other half of the held-out set, which no reported number reads.",
                needs=("non_members",),
                source=_LOSS_ATTACK,
            ),
        ),
        MetricEntry(
            "validation_forget_gap",
            "min",
            "Forget gap (validation)",
            "distance to retraining on the forget set",
            "forget_gap with the validation set's MIA: picks models without the test set.",
            _SALUN,
            over=("unlearning_accuracy", "validation_membership_inference"),
            needs_retrained=True,
            on_tokens=OnTokens(
                "distance to retraining on the forget set",
                "forget_gap with the MIA of the other half of the held-out set: picks models"
                " without what reports on them.",
                over=(
                    "unlearning_accuracy",
                    "forget_probability",
                    "validation_membership_inference",
                ),
                needs=("non_members",),
                source=_OURS,
            ),
        ),
        MetricEntry(
            "validation_retain_gap",
            "min",
            "Retain gap (validation)",
            "distance to retraining on everything else",
            "retain_gap with VA in place of TA: picks models without the test set.",
            _SALUN,
            over=("retain_accuracy", "validation_accuracy"),
            needs_retrained=True,
            on_tokens=OnTokens(
                "distance to retraining on everything else",
                "retain_gap with VA in place of TA: picks models without the test set.",
                over=("retain_accuracy", "retain_probability", "validation_accuracy"),
                source=_OURS,
            ),
        ),
        MetricEntry(
            "average_gap",
            "min",
            "Average gap",
            "mean distance to retraining over four metrics",
            "Mean distance of UA, RA, TA and MIA to the retrained model's.",
            _SALUN,
            reads_test=True,
            over=(
                "unlearning_accuracy",
                "retain_accuracy",
                "test_accuracy",
                "membership_inference",
            ),
            needs_retrained=True,
            on_tokens=OnTokens(
                "mean distance to retraining over four metrics",
                "Mean distance of UA, RA and TA (by answers said exactly) and of MIA to the"
                " retrained model's.",
                over=(
                    "unlearning_accuracy",
                    "retain_accuracy",
                    "test_accuracy",
                    "membership_inference",
                ),
                needs=("non_members",),
            ),
        ),
        MetricEntry(
            "tug_of_war",
            "max",
            "Tug of war",
            "closeness to retraining, all sets multiplied",
            "Product of 1 - distance to the retrained model's over UA, RA and TA.",
            "Zhao et al., What makes unlearning hard and what to do about it (NeurIPS 2024)",
            reads_test=True,
            needs_retrained=True,
            on_tokens=OnTokens(
                "closeness to retraining, all sets multiplied",
                "Product of 1 - distance to the retrained model's over UA, RA and TA, by answers"
                " said exactly.",
            ),
        ),
        MetricEntry(
            "js_divergence",
            "min",
            "JS divergence",
            "distance of predictions to the retrained model's",
            "Mean Jensen-Shannon divergence (nats, at most log 2) of the predictions on the"
            " forget set to the retrained model's.",
            "Huang et al., Unified gradient-based machine unlearning with remain geometry"
            " enhancement (NeurIPS 2024)",
            needs_retrained=True,
        ),
        MetricEntry(
            "attack_accuracy",
            "min",
            "Attack accuracy",
            "how often it is told from a retrained model",
            "U-LiRA: how often an attacker is right who sees the margin of one forget sample, has"
            " the unlearned and retrained models of all other training seeds, and must say which"
            " of the two this is; 1/2 is chance.",
            _ATTACKER,
            needs_retrained=True,
            least_seeds=4,
            on_tokens=OnTokens(
                "how often it is told from a retrained model",
                "U-LiRA: how often an attacker is right who sees the log-odds of one forgotten"
                " answer's probability, has the unlearned and retrained models of all other"
                " training seeds, and must say which of the two this is; 1/2 is chance.",
            ),
        ),
        MetricEntry(
            "excess_forget",
            "min",
            "D² (forget)",
            "how well single forget samples tell it from retraining",
            "D²: the mean over forget samples of the squared excess over 1/2 of the AUC with which"
            " a sample's margin tells unlearned from retrained models, without a bias: 0 where none"
            " tells, 1/4 where all do. Each replicate has its jackknife pseudo-value, so that their"
            " mean is D².",
            "ours: audits.statistics.squared_excess_auc",
            needs_retrained=True,
            least_seeds=4,
            on_tokens=OnTokens(
                "how well single forgotten answers tell it from retraining",
                "D²: the mean over forgotten answers of the squared excess over 1/2 of the AUC with"
                " which the log-odds of an answer's probability tell unlearned from retrained"
                " models, without a bias: 0 where none tells, 1/4 where all do.",
            ),
        ),
        MetricEntry(
            "poison_score",
            "none",
            "Poison score",
            "how far the noise is still known",
            "Mean alignment of each forget sample's noise with the descent of the loss at its input"
            " without noise: without memory it is exactly 0 in expectation, with a standard error"
            " of 1/√F over F samples.",
            _POISON,
            request="gaussian_poison",
        ),
        MetricEntry(
            "poison_auc",
            "none",
            "Poison AUC",
            "noise told from fresh noise",
            "AUC of those alignments against those of fresh noise: without memory it is exactly 1/2"
            " in expectation, with a standard error of 1/√(12 F).",
            _POISON,
            request="gaussian_poison",
        ),
        MetricEntry(
            "confusion_error",
            "none",
            "Confusion error",
            "share of two classes put into a wrong one, test set",
            "IC-ERR: share of the test samples of the two confused classes put into a wrong"
            " class; near the retrained model's without memory of the swapped labels.",
            _CONFUSION,
            reads_test=True,
            twin="validation_confusion_error",
            request="confused",
        ),
        MetricEntry(
            "confusion_swaps",
            "none",
            "Confusion swaps",
            "samples of either class taken for the other, test set",
            "FGT-ERR: number of test samples of either confused class that are taken for the"
            " other; near the retrained model's without memory of the swapped labels.",
            _CONFUSION,
            reads_test=True,
            twin="validation_confusion_swaps",
            request="confused",
        ),
        MetricEntry(
            "validation_confusion_error",
            "none",
            "Confusion error (validation)",
            "share of two classes put into a wrong one, validation set",
            "IC-ERR: share of the validation samples of the two confused classes put into a wrong"
            " class; near the retrained model's without memory of the swapped labels.",
            _CONFUSION,
            request="confused",
        ),
        MetricEntry(
            "validation_confusion_swaps",
            "none",
            "Confusion swaps (validation)",
            "samples of either class taken for the other, validation set",
            "FGT-ERR: number of validation samples of either confused class that are taken for the"
            " other; near the retrained model's without memory of the swapped labels.",
            _CONFUSION,
            request="confused",
        ),
        MetricEntry(
            "retain_confusion_error",
            "none",
            "Confusion error (retain)",
            "share of two classes put into a wrong one, retain set",
            "IC-ERR: share of the retain samples of the two confused classes put into a wrong"
            " class; near the retrained model's without memory of the swapped labels.",
            _CONFUSION,
            request="confused",
        ),
        MetricEntry(
            "retain_confusion_swaps",
            "none",
            "Confusion swaps (retain)",
            "samples of either class taken for the other, retain set",
            "FGT-ERR: number of retain samples of either confused class that are taken for the"
            " other; near the retrained model's without memory of the swapped labels.",
            _CONFUSION,
            request="confused",
        ),
        *TOKEN_METRICS,
    )
}
"""Every metric by name, in the order in which tables have their columns.

A metric is its row here and the function in ``metrics.functions`` that computes it; the evaluator,
the columns, labels, validation twins and lists read this table.
"""

BETTER = {"min": "lower is better", "max": "higher is better"}
"""The directions in words."""

GOOD_CORNER = {
    ("min", "min"): "lower left",
    ("min", "max"): "upper left",
    ("max", "min"): "lower right",
    ("max", "max"): "upper right",
}


SAID_EXACTLY = (
    "Accuracies are shares of answers said exactly: every token is the most probable one after "
    "those before it."
)
"""What readers of a run on sequences are told of all of them at once."""


def label(column: str) -> str:
    """The column's name as a reader would write it: ``"Forget gap"`` for ``forget_gap``."""
    known = METRICS.get(column)
    return known.label if known else column.replace("_", " ").capitalize()


def inline(column: str) -> str:
    """The label inside a sentence: only a capitalised word loses its capital."""
    name = label(column)
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def caption(column: str, tokens: bool = False) -> str:
    """What the column measures, in a few words; empty for a column of the user's own.

    Args:
        column: Its name.
        tokens: Whether it was measured on sequences with a label per token.
    """
    known = as_measured(column, tokens)
    return known.caption if known else ""


def as_measured(column: str, tokens: bool) -> MetricEntry | None:
    """A metric's row as it reads on a kind of task.

    Args:
        column: The metric's name.
        tokens: Whether samples are sequences with a label per token, or have one class each.

    Returns:
        None for a column of the user's own, and for a metric that is not measured there.
    """
    known = METRICS.get(column)
    if known is None:
        return None
    if tokens:
        return known.read_on_tokens()
    return None if known.tokens_only else known


def tokens_in(columns: Collection[str]) -> bool:
    """Whether a table with these columns was measured on sequences with a label per token."""
    return any(name in METRICS and METRICS[name].tokens_only for name in columns)


def number(value: object) -> str:
    """A value as text: four significant digits for floats, everything else as it is."""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    return "not measured" if value != value else f"{value:.4g}"


def measure(value: float) -> str:
    """A metric as text: four decimals, or two significant digits where these would say nothing."""
    readable = value == 0 or 5e-5 <= abs(value) < 1e4
    return f"{value:.4f}" if readable else f"{value:.2g}"
