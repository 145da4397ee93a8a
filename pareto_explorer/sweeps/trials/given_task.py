"""Tasks that were built in Python: what a run remembers of them, and how they come back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import torch

from pareto_explorer.errors import InputError
from pareto_explorer.runs import RunDirectory, read_manifest
from pareto_explorer.tasks import UnlearningTask, fingerprint, make_task
from pareto_explorer.tasks.models.fresh import Fresh

__all__ = ["BUILT", "GIVEN", "digest_of", "names_of", "require_no_given", "task_of"]

GIVEN = "task_given"
"""Key in a manifest: the digest of a task that no specification can build."""


BUILT = "task_digest"
"""Key in a manifest: the digest of what a user's function returned."""


def digest_of(task: UnlearningTask) -> str:
    """Names a task by its data, split, forget set, model and recipe.

    Returns:
        A sha256 in hexadecimal; what `fingerprint` takes for the same model is the same here.
    """
    digest = hashlib.sha256()
    for kind in ("original", "retrained"):
        digest.update(fingerprint(task, kind, 0).encode())
    measured = []
    if task.language is not None:
        measured = [samples for _, samples in task.language.sets()]
        digest.update(task.language.settings().encode())
    for samples in (task.forget, task.heldout, task.validation, task.test, *measured):
        for values in (samples.inputs, samples.labels):
            digest.update(f"{values.dtype} {tuple(values.shape)}".encode())
            digest.update(values.cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def names_of(task: UnlearningTask) -> list[str]:
    """What of a task is a user's code that workers must be able to import, as ``module:name``."""
    found = {name for part in (task.model, task.augment, task.loss) for name in _names(part)}
    return sorted(name for name in found if not name.startswith("__main__:"))  # travels by value


def task_of(manifest: Mapping[str, Any], task: UnlearningTask | None) -> UnlearningTask:
    """The task of a run: built from its specification, or the one that it was given.

    Args:
        manifest: The run's.
        task: What the caller gives, if anything.

    Raises:
        InputError: The run needs a task that is not given, or another one than this.
    """
    wanted = manifest.get(GIVEN)
    options = manifest["spec"]["task"]
    if wanted is None:
        task = task or make_task(options)
        if BUILT in manifest and digest_of(task) != manifest[BUILT]:
            raise InputError(
                f"task: what {options['name']!r} returns has changed since the run was made (data, "
                "split, model or recipe); bring the former code back."
            )
        return task
    if task is None:
        raise InputError(
            f"task: {options.get('name')!r} was built in Python and the run cannot build it; call "
            "pareto_explorer.audit, or reproduce or export_model of pareto_explorer.sweeps, from "
            "Python with task=."
        )
    if digest_of(task) != wanted:
        raise InputError(
            f"task: the given {task.name!r} is not the one that the run was made with (its data, "
            "split, model or recipe differ); build it as it was."
        )
    return task


def require_no_given(run: RunDirectory) -> None:
    """Refuses to go on with a run whose task is not there.

    Raises:
        InputError: The run exists and was made with a task that was built in Python.
    """
    if run.sweep_yaml.exists() and GIVEN in read_manifest(run):
        raise InputError(
            f"`out`: {str(run.path)!r} was made with a task that was built in Python; call "
            "run_sweep(spec, out, task=...) from Python with it, or choose another folder."
        )


def _names(part: Any) -> Iterator[str]:
    if isinstance(part, partial):
        for inner in (part.func, *part.args, *part.keywords.values()):
            yield from _names(inner)
        return
    if isinstance(part, Fresh):
        for module in part.template.modules():
            yield from _names(type(module))
    if part is not None:
        code = part if hasattr(part, "__qualname__") else type(part)
        yield f"{code.__module__}:{code.__name__}"
