"""The weights of one point as a file: the kept ones, or run again and checked against the row."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory, atomic_path, find_model, read_manifest, read_points
from pareto_explorer.runs.files.storage import is_storage
from pareto_explorer.runs.kept_models import expected_shapes
from pareto_explorer.runs.model_checks import check_weights
from pareto_explorer.runs.remote.copies import local_path
from pareto_explorer.sweeps.again.reproduce import reproduce
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.model_store import serialise
from pareto_explorer.tasks import UnlearningTask

__all__ = ["TOLERANCE", "Exported", "NotReproduced", "check_destination", "export_model"]

TOLERANCE = 1e-6
"""Largest difference to its row with which a model that was run again counts as the same."""


class NotReproduced(Exception):  # noqa: N818 - says what happened
    """A model that was run again differs from its row; one sentence."""


@dataclass(frozen=True)
class Exported:
    """Weights that were written.

    Attributes:
        path: The file.
        sha256: The hash of its content.
        difference: Largest difference between the row and the model that was run again; None
            where the weights had been kept by the sweep.
    """

    path: Path
    sha256: str
    difference: float | None


def export_model(
    run_path: str | Path,
    trial_id: str,
    replicate: int,
    step: int,
    destination: str | Path,
    *,
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
    destination = check_destination(destination)
    run = RunDirectory(local_path(run_path).resolve())
    storage = str(run_path) if is_storage(str(run_path)) else ""
    kept, difference = find_model(run, trial_id, replicate, step, storage=storage), None
    if kept is not None:
        check_weights(kept, trial_id, replicate, step, expected_shapes(run))
        content = kept.read_bytes()
    else:
        _require_reproducible(run, trial_id, replicate, step)
        again = reproduce(
            *(run.path, trial_id, replicate, step),
            cache_dir=cache_dir,
            task=task,
            trust=trust,
            spec=spec,
        )
        difference = again.largest_difference
        if not difference <= tolerance:
            raise NotReproduced(
                f"trial {trial_id}, replicate {replicate}, step {step}: run again, the model "
                f"differs from its row by {difference:.2g}, more than {tolerance:g}, so nothing "
                "was written; use the machine type and the package versions of the sweep. "
                f"{again.explanation(tolerance)}"
            )
        content = serialise(again.model, trial_id, replicate, step)
    try:
        with atomic_path(destination) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise _unwritable(destination, error) from None
    return Exported(destination, hashlib.sha256(content).hexdigest(), difference)


def check_destination(destination: str | Path) -> Path:
    """Refuses, before anything is computed, a file that could not be written in the end.

    Raises:
        InputError: Another ending than ``.safetensors``, a missing folder, or a folder in place
            of the file.
    """
    path = Path(destination)
    if path.suffix != ".safetensors":
        named = path if path.name else path / "model"
        raise InputError(
            f"--export: {str(path)!r} does not end in .safetensors; write "
            f"{str(named.with_suffix('.safetensors'))!r}."
        )
    if not path.parent.is_dir():
        raise InputError(
            f"--export: {str(path.parent)!r} is not a folder; create it or choose another."
        )
    if path.is_dir():
        raise InputError(f"--export: {str(path)!r} is a folder; name a file.")
    return path


def _require_reproducible(run: RunDirectory, trial_id: str, replicate: int, step: int) -> None:
    if "imported" in read_manifest(run):
        raise InputError(
            "--export: the run was imported and kept no weights of this model; get them from "
            "where the sweep was made."
        )
    points = read_points(run)
    key = (points["trial_id"] == trial_id) & (points["replicate"] == replicate)
    status = points.loc[key & (points["step"] == step), "status"]
    if len(status) and status.iloc[0] != "ok":
        raise InputError(
            f"--export: trial {trial_id}, replicate {replicate}, step {step} is "
            f"{status.iloc[0]}; choose a model whose status is ok."
        )


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(
        f"--export: {str(path)!r} cannot be written ({error.strerror}); choose another folder."
    )
