"""The weights of one point as a file of their own; kept ones need neither torch nor Ray."""

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
from pareto_explorer.schema.columns import of_checkpoint, place
from pareto_explorer.schema.statuses import OK

__all__ = ["Exported", "check_destination", "export_kept", "write_weights"]


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


def export_kept(
    run_path: str | Path,
    trial_id: str,
    replicate: int,
    step: int,
    destination: str | Path,
    *,
    position: float = 0.0,
) -> Exported | None:
    """Writes the kept weights of one point as safetensors, whole or not at all.

    Args:
        run_path: The run directory, or the URI of one.
        trial_id: The trial.
        replicate: Number of the replicate.
        step: Step of the checkpoint.
        destination: A path that ends in ``.safetensors``; replaced if it exists.
        position: Where it is among the models that the trial showed at this step.

    Returns:
        What was written; None where the weights were not kept, or are damaged, and the model has
        to be run again.

    Raises:
        InputError: The kept weights are not what they should be, there are none and the model
            cannot be run again, or the destination cannot be written.
    """
    check_destination(destination)
    run = RunDirectory(local_path(run_path).resolve())
    storage = str(run_path) if is_storage(str(run_path)) else ""
    point = trial_id, replicate, step
    kept = find_model(run, *point, position, storage=storage)
    if kept is None:
        _require_repeatable(run, *point, position)
        return None
    check_weights(kept, *point, expected_shapes(run), position=position)
    return write_weights(destination, kept.read_bytes())


def write_weights(
    destination: str | Path, content: bytes, difference: float | None = None
) -> Exported:
    """Writes weights, whole or not at all.

    Args:
        destination: The file; replaced if it exists.
        content: A safetensors file.
        difference: See `Exported`.

    Raises:
        InputError: The file cannot be written.
    """
    path = check_destination(destination)
    try:
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise InputError(
            f"`destination`: {str(path)!r} cannot be written ({error.strerror}); choose "
            "another folder."
        ) from None
    return Exported(path, hashlib.sha256(content).hexdigest(), difference)


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
            f"`destination`: {str(path)!r} does not end in .safetensors; write "
            f"{str(named.with_suffix('.safetensors'))!r}."
        )
    if not path.parent.is_dir():
        raise InputError(
            f"`destination`: {str(path.parent)!r} is not a folder; create it or choose another."
        )
    if path.is_dir():
        raise InputError(f"`destination`: {str(path)!r} is a folder; name a file.")
    return path


def _require_repeatable(
    run: RunDirectory, trial_id: str, replicate: int, step: int, position: float
) -> None:
    if "imported" in read_manifest(run):
        raise InputError(
            "run: it was imported and kept no weights of this model; get them from where the "
            "sweep was made."
        )
    points = read_points(run)
    key = of_checkpoint(points, trial_id, step, position) & (points["replicate"] == replicate)
    status = points.loc[key, "status"]
    if len(status) and status.iloc[0] != OK:
        raise InputError(
            f"`trial_id`: trial {trial_id}, replicate {replicate}, {place(step, position)} is "
            f"{status.iloc[0]}; choose a model whose status is ok."
        )
