"""Named choices of objectives, and the boxes they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.objectives import Box, Objective
from pareto_explorer.fronts.values import finite_number

__all__ = ["OBJECTIVES", "Preset", "efficacy_fidelity_box", "retrain_gap_box"]


@dataclass(frozen=True)
class Preset:
    """A named choice of objectives.

    Attributes:
        name: What a search space writes under ``objectives``.
        summary: One sentence.
        source: Where the choice comes from.
        metrics: The objectives' metrics.
    """

    name: str
    summary: str
    source: str
    metrics: tuple[str, ...]


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
    )
}
"""The presets that a search space can name under ``objectives``."""


def retrain_gap_box(original_forget_gaps: Sequence[float], tolerance: float = 0.1) -> Box:
    """The box of ``retrain_gap``: (0, 0) is the retrained model.

    The nadir of ``forget_gap`` is the smallest forget gap among the original models, so that doing
    nothing scores 0 in every replicate; the nadir of ``retain_gap`` is the tolerance.

    Args:
        original_forget_gaps: The original model's ``forget_gap``, one per replicate.
        tolerance: The largest ``retain_gap`` that one would accept.

    Raises:
        InputError: No gaps, a gap that is not above 0 (the original model already behaves like
            the retrained one, so there is nothing to measure), or a tolerance that is not.
    """
    gaps = [
        finite_number(f"forget_gap of original model {i}", gap)
        for i, gap in enumerate(original_forget_gaps)
    ]
    if not gaps or min(gaps) <= 0:
        raise InputError(
            f"objectives: retrain_gap needs original models that differ from the retrained ones, "
            f"but their forget gaps are {gaps}; forget something else or declare other objectives."
        )
    if finite_number("tolerance", tolerance) <= 0:
        raise InputError(f"tolerance: {tolerance!r} is not above 0; give for example 0.1.")
    return Box(
        (
            Objective("forget_gap", "min", ideal=0.0, nadir=min(gaps)),
            Objective("retain_gap", "min", ideal=0.0, nadir=tolerance),
        )
    )


def efficacy_fidelity_box() -> Box:
    """The box of ``efficacy_fidelity``: both accuracies from 0 (nadir) to 1 (ideal)."""
    return Box(
        (
            Objective("unlearning_accuracy", "max", ideal=1.0, nadir=0.0),
            Objective("retain_accuracy", "max", ideal=1.0, nadir=0.0),
        )
    )
