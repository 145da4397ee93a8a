"""Whether there is anything to forget that a distance to the retrained model could show."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from pareto_explorer.fronts.statistics.floor import mean_between_retrained
from pareto_explorer.schema.metrics import METRICS

__all__ = ["NO_RANKING", "far_originals", "forget_nadir", "nothing_to_forget", "original_gaps"]

NO_RANKING = "Nothing is ranked, since these metrics cannot show forgetting here."
"""What is said beside numbers by which families would be ranked elsewhere."""

_ADVICE = (
    "No family is ranked; an audit of the forgotten samples, another forget request (wrong labels, "
    "a whole class) or another objective can show more."
)
_ROUNDING = 1e-12


def original_gaps(landmarks: pd.DataFrame, metric: str) -> list[float]:
    """How far each original model is from the retrained one, before any unlearning.

    Args:
        landmarks: A landmarks table.
        metric: A metric that is a distance to the retrained model.

    Returns:
        One gap per training seed, in the order of the table; those that are missing are left out.
    """
    if metric not in landmarks:
        return []
    originals = landmarks[landmarks["landmark"] == "original"].drop_duplicates("training_seed")
    return [float(gap) for gap in originals[metric].dropna()]


def far_originals(gaps: Sequence[float], floor: float | None) -> list[float]:
    """The gaps of original models that are farther from retraining than retrained models are.

    A single original may be near by chance; there is something to forget if most are not.

    Args:
        gaps: As from ``original_gaps``.
        floor: The mean distance between retrained models of different training seeds, in the same
            metric; with None, where it is not known, only a gap of 0 counts as near.

    Returns:
        The gaps above the floor; none of them unless they are more than half of all.
    """
    far = [gap for gap in gaps if gap > (floor or 0.0) + _ROUNDING]
    return far if 2 * len(far) > len(gaps) else []


def forget_nadir(gaps: Sequence[float], floor: float | None, tolerance: float) -> tuple[float, str]:
    """The nadir of a forget gap, always farther out than retrained models are from each other.

    It is the smallest gap among the original models that are far from retraining, so that doing
    nothing scores 0 wherever there is something to forget: as a rule, the smallest gap of all.
    Where there is nothing to forget it is twice the floor, or the tolerance if no floor is above 0.

    Args:
        gaps: The original models' gaps, one per training seed.
        floor: As in ``far_originals``.
        tolerance: A width above 0.

    Returns:
        The nadir, and where it comes from, in words.
    """
    far = far_originals(gaps, floor)
    if len(far) == len(gaps):
        return min(far), "the smallest forget gap of an original model"
    if far:
        return min(far), f"the smallest forget gap above the retrain floor of {floor or 0.0:.3g}"
    if floor is not None and floor > _ROUNDING:
        return 2 * floor, f"twice the retrain floor of {floor:.3g}, as there is nothing to forget"
    return tolerance, "the tolerance, as original models equal the retrained ones"


def nothing_to_forget(landmarks: pd.DataFrame, metrics: Sequence[str]) -> str:
    """Says where the objectives cannot show forgetting, and what can; empty where they can.

    That is where the original model is no farther from retraining than retrained models of
    different training seeds are from each other (``far_originals``), in every objective that is
    such a distance and covers the forget set: ``forget_gap``, its validation twin and
    ``average_gap``. Objectives that aim elsewhere, as ``unlearning_accuracy`` does, or whose floor
    needs predictions, as that of ``js_divergence`` does, are not judged.

    Args:
        landmarks: A landmarks table.
        metrics: The objectives' metrics.

    Returns:
        Two sentences, or nothing.
    """
    judged = [metric for metric in metrics if _covers_forget(metric)]
    gaps = {metric: original_gaps(landmarks, metric) for metric in judged}
    floors = {metric: mean_between_retrained(landmarks, metric) for metric in judged}
    if not judged or any(
        not gaps[metric] or far_originals(gaps[metric], floors[metric]) for metric in judged
    ):
        return ""
    return f"{_too_near(judged[0], gaps[judged[0]], floors[judged[0]])} {_ADVICE}"


def _covers_forget(metric: str) -> bool:
    return metric in METRICS and "unlearning_accuracy" in METRICS[metric].over


def _too_near(metric: str, gaps: Sequence[float], floor: float | None) -> str:
    low, high = (f"{gap:.3g}" for gap in (min(gaps), max(gaps)))
    found = f"{metric.replace('_', ' ')} {low if low == high else f'{low} to {high}'}"
    said = "These metrics cannot show forgetting here: "
    if floor is None:
        return f"{said}the original model equals the retrained one before unlearning ({found})."
    near = sum(gap <= floor + _ROUNDING for gap in gaps)
    seeds = "every training seed" if near == len(gaps) else f"{near} of {len(gaps)} training seeds"
    return (
        f"{said}in {seeds} the original model is no farther from retraining than two retrained "
        f"models are from each other ({found}, against {floor:.3g})."
    )
