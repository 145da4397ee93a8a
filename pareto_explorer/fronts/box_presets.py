"""Named choices of objectives, and the boxes they stand for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.core.box import Box, Objective
from pareto_explorer.fronts.core.values import finite_number
from pareto_explorer.fronts.statistics.to_forget import forget_nadir
from pareto_explorer.schema.metrics import tokens_in

__all__ = [
    "OBJECTIVES",
    "Preset",
    "efficacy_fidelity_box",
    "indistinguishable_box",
    "oracle_free_box",
    "oracle_free_doubt",
    "original_excess",
    "retrain_gap_box",
    "tofu_box",
]


@dataclass(frozen=True)
class Preset:
    """A named choice of objectives.

    Attributes:
        name: What a search space writes under ``objectives``.
        summary: One sentence.
        source: Where the choice comes from.
        metrics: The objectives' metrics, that of forgetting first.
        needs_retrained: Whether a model is retrained for it.
    """

    name: str
    summary: str
    source: str
    metrics: tuple[str, ...]
    needs_retrained: bool = True


_CHANCE = 0.5
_LEAST_EXCESS = 0.05
"""Of four attacks on retrained digits models in place of unlearned ones, even the worst is right by
0.033 more often than half the time in one of a hundred draws of seeds."""

_FORGET = "forget_accuracy_gap"
_OTHER_AIMS = {
    "mislabelled": "samples with wrong labels",
    "class": "a whole class",
    "subclass": "a part of a class",
    "mixture": "samples of a whole class",
    "confused": "samples with swapped labels",
    "gaussian_poison": "samples with noise",
}
"""Forget requests whose samples are no random draw of the data with its right labels."""

OBJECTIVES: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="retrain_gap",
            summary="Minimise the distance to the retrained model, on the forget set and on the "
            "retained data; needs the retrained landmark.",
            source="SalUn (Fan et al., arXiv:2310.12508), average gap to Retrain, split in two",
            metrics=("forget_gap", "retain_gap"),
        ),
        Preset(
            name="efficacy_fidelity",
            summary="Maximise unlearning accuracy and retain accuracy; for class-wise forgetting.",
            source="CUP (Hwang and Lim, arXiv:2510.19226), efficacy and fidelity",
            metrics=("unlearning_accuracy", "retain_accuracy"),
        ),
        Preset(
            name="indistinguishable",
            summary="Minimise how often an attacker who knows the procedure tells the unlearned "
            "model from a retrained one, and the distance to retraining on the retained data; "
            "takes four training seeds or more.",
            source="Hayes et al. (arXiv:2403.01218), U-LiRA, beside the retain gap of SalUn (Fan "
            "et al., arXiv:2310.12508)",
            metrics=("attack_accuracy", "retain_gap"),
        ),
        Preset(
            name="oracle_free",
            summary="Where retraining is out of reach: minimise the distance of the accuracy on "
            "the forget set to the original model's validation accuracy (of language models: on "
            "the held-out set), and the drop of retain and validation accuracy; nothing is "
            "retrained.",
            source="EUPMU (Zhou et al., arXiv:2510.22124), oracle-free tuning rule, split in two",
            metrics=("forget_accuracy_gap", "accuracy_drop"),
            needs_retrained=False,
        ),
        Preset(
            name="tofu",
            summary="Of language models: minimise the distance of truth ratios on the forget set "
            "to the retrained model's, and maximise model utility; needs wrong answers to the "
            "questions, and the retrained landmark.",
            source="TOFU (Maini et al., arXiv:2401.06121), forget quality as the Kolmogorov-"
            "Smirnov distance, and model utility",
            metrics=("truth_distance", "model_utility"),
        ),
    )
}
"""The presets that a search space can name under ``objectives``."""


def retrain_gap_box(
    original_forget_gaps: Sequence[float], tolerance: float = 0.1, floor: float | None = None
) -> Box:
    """The box of ``retrain_gap``: (0, 0) is the retrained model.

    The nadir of ``forget_gap`` is the smallest forget gap among the original models, so that doing
    nothing scores 0 in every replicate; ``forget_nadir`` says what it is where original models are
    no farther from retraining than the floor. The nadir of ``retain_gap`` is the tolerance.

    Args:
        original_forget_gaps: The original model's ``forget_gap``, one per training seed.
        tolerance: The largest ``retain_gap`` that one would accept.
        floor: The mean ``forget_gap`` between retrained models of different training seeds, which
            is always smaller than the nadir; None where it is not known.

    Raises:
        InputError: No gaps, one that is not finite, or a tolerance that is not above 0.
    """
    gaps = _finite("forget_gap", original_forget_gaps)
    if not gaps:
        raise InputError(
            "objectives: retrain_gap needs the forget gap of an original model; give one per "
            "training seed, or declare other objectives."
        )
    return _box("retrain_gap", forget_nadir(gaps, floor, tolerance)[0], tolerance)


def efficacy_fidelity_box() -> Box:
    """The box of ``efficacy_fidelity``: both accuracies from 0 (nadir) to 1 (ideal)."""
    return Box(
        (
            Objective("unlearning_accuracy", "max", ideal=1.0, nadir=0.0),
            Objective("retain_accuracy", "max", ideal=1.0, nadir=0.0),
        )
    )


def indistinguishable_box(
    original_attack_accuracies: Sequence[float], tolerance: float = 0.1
) -> Box:
    """The box of ``indistinguishable``: at (1/2, 0) no model is told from retrained ones.

    The nadir of ``attack_accuracy`` is the smallest one among the original models, so that doing
    nothing scores 0 in every replicate; the nadir of ``retain_gap`` is the tolerance.

    Args:
        original_attack_accuracies: How often the attacker tells the original model from the
            retrained one, one per training seed.
        tolerance: The largest ``retain_gap`` that one would accept.

    Raises:
        InputError: No numbers, one so near 1/2 that chance would fill the box, or a tolerance that
            is not above 0.
    """
    found = _finite("attack_accuracy", original_attack_accuracies)
    if not found or min(found) < _CHANCE + _LEAST_EXCESS:
        raise InputError(
            "objectives: indistinguishable needs original models that are told from retrained ones "
            f"with an accuracy of {_CHANCE + _LEAST_EXCESS:g} or more in every training seed, but "
            f"theirs are {[round(accuracy, 4) for accuracy in found]}; forget something else or "
            "declare other objectives."
        )
    return _box("indistinguishable", min(found), tolerance, ideal=_CHANCE)


def oracle_free_box(original_excess: Sequence[float], tolerance: float = 0.1) -> Box:
    """The box of ``oracle_free``: (0, 0) forgets as much as unseen samples, and costs nothing.

    The nadir of ``forget_accuracy_gap`` is the smallest one among the original models, so that
    doing nothing scores 0 in every replicate; the nadir of ``accuracy_drop`` is the tolerance.

    Args:
        original_excess: By how much the original model's accuracy on the forget set exceeds that
            on the validation set, one per replicate.
        tolerance: The largest ``accuracy_drop`` that one would accept.

    Raises:
        InputError: No numbers, one that is not above 0 (the original model knows the forget set no
            better than the validation set), or a tolerance that is not.
    """
    gaps = _finite("forget_accuracy_gap", original_excess)
    if not gaps or min(gaps) <= 0:
        found = [round(gap, 4) for gap in gaps]
        raise InputError(
            "objectives: oracle_free needs original models that get more of the forget set right "
            f"than of the validation set, but their accuracies differ by {found}; forget something "
            "else or declare other objectives."
        )
    return _box("oracle_free", min(gaps), tolerance)


def original_excess(original: Mapping[Any, Any]) -> float:
    """By how much an original model gets more of the forget set right than of unseen samples.

    Args:
        original: Its metrics. Of classes, the unseen samples are those of the validation set, of
            language models those of the held-out set.
    """
    unseen = "heldout_accuracy" if tokens_in(original) else "validation_accuracy"
    return float(1 - original["unlearning_accuracy"] - original[unseen])


def tofu_box(
    retrained_utilities: Sequence[float],
    original_distances: Sequence[float],
    tolerance: float = 0.1,
) -> Box:
    """The box of ``tofu``: from the original's truth ratios to the retrained model's utility.

    The nadir of ``truth_distance`` is the smallest one among the original models, so that doing
    nothing scores 0 in every replicate. The ideal of ``model_utility`` is the largest one among the
    retrained models; its nadir lies below the smallest one by the tolerance.

    Args:
        retrained_utilities: The retrained model's ``model_utility``, one per training seed.
        original_distances: The original model's ``truth_distance``, likewise.
        tolerance: The largest loss of ``model_utility`` that one would accept.

    Raises:
        InputError: No numbers, a distance that is not above 0 (the original's truth ratios are the
            retrained model's), or a tolerance that is not.
    """
    gaps = _finite("truth_distance", original_distances)
    utilities = _finite("model_utility", retrained_utilities)
    if not gaps or not utilities or min(gaps) <= 0:
        raise InputError(
            "objectives: tofu needs original models whose truth ratios differ from the retrained "
            f"ones', but their distances are {[round(gap, 4) for gap in gaps]}; forget something "
            "else or declare other objectives."
        )
    return Box(
        (
            Objective("truth_distance", "min", ideal=0.0, nadir=min(gaps)),
            Objective(
                "model_utility",
                "max",
                ideal=max(utilities),
                nadir=min(utilities) - _width(tolerance),
            ),
        )
    )


def oracle_free_doubt(metrics: Collection[str], facts: Mapping[str, Any]) -> str:
    """Says why unseen samples are the wrong aim for a forget set, in a sentence; empty if not.

    Args:
        metrics: The objectives' metrics.
        facts: What the task says of itself; its ``forget`` has the ``kind`` of the request.
    """
    request = facts.get("forget")
    kind = request.get("kind") if isinstance(request, Mapping) else None
    if _FORGET not in metrics or kind not in _OTHER_AIMS:
        return ""
    return (
        "the forget accuracy gap aims at what the original model gets right of unseen samples, but "
        f"this task forgets {_OTHER_AIMS[kind]}, and a retrained model gets less of those right; "
        "read the gap with care, or retrain and take retrain_gap."
    )


def _finite(metric: str, values: Sequence[float]) -> list[float]:
    return [finite_number(f"{metric} of original model {i}", v) for i, v in enumerate(values)]


def _box(preset: str, nadir: float, tolerance: float, ideal: float = 0.0) -> Box:
    """Both metrics of a preset minimised, from the original model's value and a tolerance."""
    forget, retain = OBJECTIVES[preset].metrics
    return Box(
        (
            Objective(forget, "min", ideal=ideal, nadir=nadir),
            Objective(retain, "min", ideal=0.0, nadir=_width(tolerance)),
        )
    )


def _width(tolerance: float) -> float:
    if finite_number("tolerance", tolerance) <= 0:
        raise InputError(f"tolerance: {tolerance!r} is not above 0; give for example 0.1.")
    return tolerance
