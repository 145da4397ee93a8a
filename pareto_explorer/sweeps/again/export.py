"""The weights of one point as a file: the kept ones, or run again and checked against the row."""

from __future__ import annotations

from pathlib import Path

from pareto_explorer.results.exporting import Exported, export_kept, write_weights
from pareto_explorer.schema.columns import place
from pareto_explorer.sweeps.again.reproduce import reproduce
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.model_store import serialise
from pareto_explorer.tasks import UnlearningTask

__all__ = ["TOLERANCE", "NotReproduced", "export_model"]

TOLERANCE = 1e-6
"""Largest difference to its row with which a model that was run again counts as the same."""


class NotReproduced(Exception):  # noqa: N818 - says what happened
    """A model that was run again differs from its row; one sentence."""


def export_model(
    run_path: str | Path,
    trial_id: str,
    replicate: int,
    step: int,
    destination: str | Path,
    *,
    position: float = 0.0,
    cache_dir: str | Path | None = None,
    tolerance: float = TOLERANCE,
    task: UnlearningTask | None = None,
    trust: bool = False,
    spec: SweepSpec | None = None,
) -> Exported:
    """Writes the weights of one point as safetensors, whole or not at all.

    Args:
        run_path: The run directory, or the URI of one.
        trial_id: The trial.
        replicate: Number of the replicate.
        step: Step of the checkpoint.
        destination: A path that ends in ``.safetensors``; replaced if it exists.
        position: Where it is among the models that the trial showed at this step.
        cache_dir: Folder of the landmark cache, for a model that must be run again.
        tolerance: Largest difference that still counts as the same.
        task: The task, for a model that must be run again and whose task was built in Python.
        trust: See `reproduce`, for a model that must be run again.
        spec: Likewise.

    Raises:
        InputError: The run has no such point, its kept weights are not what they should be, or the
            destination cannot be written.
        NotReproduced: The model was run again and differs from its row; nothing is written.
    """
    point = (run_path, trial_id, replicate, step)
    kept = export_kept(*point, destination, position=position)
    if kept is not None:
        return kept
    again = reproduce(*point, position, cache_dir=cache_dir, task=task, trust=trust, spec=spec)
    difference = again.largest_difference
    if not difference <= tolerance:
        raise NotReproduced(
            f"trial {trial_id}, replicate {replicate}, {place(step, position)}: run again, the "
            f"model differs from its row by {difference:.2g}, more than {tolerance:g}, so nothing "
            "was written; use the machine type and the package versions of the sweep. "
            f"{again.explanation(tolerance)}"
        )
    return write_weights(destination, serialise(again.model, *point[1:], position), difference)
