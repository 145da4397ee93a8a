"""What can be said about a sweep's objectives before its landmarks are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import pandas as pd

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import (
    Box,
    indistinguishable_box,
    nothing_to_forget,
    oracle_free_box,
    oracle_free_doubt,
    original_excess,
    tofu_box,
)
from pareto_explorer.fronts.statistics.to_forget import original_gaps
from pareto_explorer.schema.metrics import as_measured
from pareto_explorer.sweeps.checks.data import Finding
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.refusals import refused_metrics
from pareto_explorer.tasks import UnlearningTask

__all__ = ["check_landmarks", "check_objectives", "check_original"]


def check_objectives(spec: SweepSpec, task: UnlearningTask) -> list[Finding]:
    """Lets the objectives be refused that a sweep would refuse once its landmarks are trained.

    Args:
        spec: The sweep.
        task: Its task.

    Returns:
        Metrics that the task does not have, and an aim that does not fit the forget request.
    """
    lacking = (Finding("error", str(error)) for error in refused_metrics(spec, task))
    return [*lacking, *_doubt(spec, task), *_spoken_last(spec, task)]


def check_original(spec: SweepSpec, original: Mapping[str, float]) -> list[Finding]:
    """Whether a trained original model leaves something to forget where nothing is retrained.

    Args:
        spec: The sweep.
        original: The original model's metrics.
    """
    if _preset(spec) != "oracle_free":
        return []
    return _refused(oracle_free_box, [original_excess(original)], spec.preset.tolerance)


def check_landmarks(spec: SweepSpec, landmarks: pd.DataFrame) -> list[Finding]:
    """Whether trained landmarks leave something to forget that the objectives can show.

    Args:
        spec: The sweep.
        landmarks: A landmarks table, of the training seeds that have been trained.
    """
    if _preset(spec) == "indistinguishable":
        accuracies = original_gaps(landmarks, "attack_accuracy")
        return _refused(indistinguishable_box, accuracies, spec.preset.tolerance)
    if _preset(spec) == "tofu":
        if "truth_distance" not in landmarks:  # the task lacks what it needs, as is told already
            return []
        retrained = landmarks[landmarks["landmark"] == "retrained"]
        box = partial(tofu_box, retrained["model_utility"].tolist())
        return _refused(box, original_gaps(landmarks, "truth_distance"), spec.preset.tolerance)
    nothing = nothing_to_forget(landmarks, spec.metrics)
    return [Finding("warning", nothing)] if nothing else []


def _preset(spec: SweepSpec) -> str:
    """The objectives by their name; empty where they are listed."""
    return "" if isinstance(spec.objectives, list) else spec.preset.preset


def _refused(
    box: Callable[[Sequence[float], float], Box], originals: Sequence[float], tolerance: float
) -> list[Finding]:
    """What speaks against a box from what original models have."""
    try:
        box(originals, tolerance)
    except InputError as error:
        return [Finding("error", str(error))]
    return []


def _doubt(spec: SweepSpec, task: UnlearningTask) -> Iterator[Finding]:
    doubt = oracle_free_doubt(spec.metrics, task.facts)
    if doubt:
        yield Finding("warning", f"objectives: {doubt}")


def _spoken_last(spec: SweepSpec, task: UnlearningTask) -> Iterator[Finding]:
    """Objectives that only the last model of a run has."""
    speech = task.language.speech if task.language else None
    if speech is None or speech.generate != "last":
        return
    for metric in spec.metrics:
        row = as_measured(metric, task.tokens)
        if row is not None and "speech" in row.needs:
            yield Finding(
                "warning",
                f"objectives: {metric} is measured of the last model of each run, so no checkpoint"
                " before it counts; set task.generate to every for all of them.",
            )
