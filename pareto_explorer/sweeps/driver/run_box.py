"""The box of a run: fixed before its first trial, and read by whoever goes on with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pareto_explorer.fronts import (
    Box,
    efficacy_fidelity_box,
    forget_nadir,
    indistinguishable_box,
    oracle_free_box,
    original_excess,
    retrain_gap_box,
    tofu_box,
)
from pareto_explorer.fronts.statistics.floor import mean_between_retrained
from pareto_explorer.fronts.statistics.to_forget import original_gaps
from pareto_explorer.runs import RunDirectory, recorded_entry
from pareto_explorer.sweeps.spec.spec import SweepSpec

__all__ = ["fixed_box", "new_box"]


def fixed_box(run: RunDirectory, manifest: Mapping[str, Any]) -> tuple[Box, str]:
    """The box that was fixed before the first trial of a run, and its rule if that is told."""
    return Box.from_dict(recorded_entry(run, manifest, "box")), manifest.get("box_rule", "")


def new_box(spec: SweepSpec, landmarks: pd.DataFrame) -> tuple[Box, str]:
    """The box of a new run, and where its nadir comes from if original models decide.

    Args:
        spec: The specification.
        landmarks: The measured landmarks of the run.
    """
    declared = spec.declared_box
    if declared is not None:
        return declared, ""
    if spec.preset.preset == "efficacy_fidelity":
        return efficacy_fidelity_box(), ""
    tolerance = spec.preset.tolerance
    if spec.preset.preset == "oracle_free":
        originals = landmarks[landmarks["landmark"] == "original"]
        excess = [original_excess(row) for row in originals.to_dict("records")]
        return oracle_free_box(excess, tolerance), ""
    if spec.preset.preset == "tofu":
        box = _tofu(landmarks, tolerance)
        return box, "nadir of truth_distance: the smallest one of an original model"
    if spec.preset.preset == "indistinguishable":
        accuracies = original_gaps(landmarks, "attack_accuracy")
        box = indistinguishable_box(accuracies, tolerance)
        return box, "nadir of attack_accuracy: the smallest one of an original model"
    gaps = original_gaps(landmarks, "forget_gap")
    floor = mean_between_retrained(landmarks, "forget_gap")
    box = retrain_gap_box(gaps, tolerance, floor)
    return box, f"nadir of forget_gap: {forget_nadir(gaps, floor, tolerance)[1]}"


def _tofu(landmarks: pd.DataFrame, tolerance: float) -> Box:
    retrained = landmarks[landmarks["landmark"] == "retrained"].drop_duplicates("training_seed")
    distances = original_gaps(landmarks, "truth_distance")
    return tofu_box(retrained["model_utility"].tolist(), distances, tolerance)
