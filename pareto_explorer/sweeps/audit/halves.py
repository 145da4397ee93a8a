"""Halves of a forget set: each is forgotten while the other was never seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from pareto_explorer.tasks import GaussianNoise, Language, SwappedClasses, UnlearningTask

__all__ = ["first_half", "half_task", "other_half"]

Mask = NDArray[np.bool_]


def first_half(samples: int, seed: int) -> Mask:
    """Which samples of the forget set are in the first half; the same ones for a training seed.

    Args:
        samples: F, the size of the forget set.
        seed: The training seed.

    Returns:
        Shape (F,), ⌊F/2⌋ of them true.
    """
    draws = np.random.default_rng(seed % 2**64)
    return np.asarray(draws.permutation(samples) < samples // 2)


def half_task(task: UnlearningTask, seed: int, half: str) -> UnlearningTask:
    """The task of forgetting one half, whose training data lack the other.

    Its retain set is that of the task, in the same order, and so is its retrained model. Its
    original model is the retrained one of `other_half`.

    Args:
        task: The task.
        seed: The training seed, for `first_half`.
        half: One of `HALVES`.
    """
    mine = _mask(task, seed, half)
    kept = torch.ones(len(task.train), dtype=torch.bool, device=mine.device)
    kept[task.forget_indices[~mine]] = False
    moved = kept.cumsum(0) - 1
    adjacent = task.adjacent_indices
    return replace(
        task,
        train=task.train.take(kept.nonzero().squeeze(1)),
        forget_indices=moved[task.forget_indices[mine]],
        adjacent_indices=None if adjacent is None else moved[adjacent],
        planted=_planted(task, mine),
        language=_language(task, mine, moved),
    )


def other_half(task: UnlearningTask, seed: int, half: str) -> UnlearningTask:
    """The task of forgetting the half that `half_task` never trains on, of the whole data."""
    theirs = ~_mask(task, seed, half)
    return replace(
        task,
        forget_indices=task.forget_indices[theirs],
        planted=_planted(task, theirs),
        language=_language(task, theirs),
    )


def _mask(task: UnlearningTask, seed: int, half: str) -> torch.Tensor:
    first = torch.as_tensor(first_half(len(task.forget_indices), seed))
    return (first if half == "first" else ~first).to(task.forget_indices.device)


def _planted(task: UnlearningTask, some: torch.Tensor) -> GaussianNoise | SwappedClasses | None:
    if isinstance(task.planted, GaussianNoise):
        return replace(task.planted, values=task.planted.values[some])
    return task.planted


def _language(
    task: UnlearningTask, some: torch.Tensor, moved: torch.Tensor | None = None
) -> Language | None:
    """What unlearning some of the forget set needs, and nothing that is only measured.

    Args:
        task: The task.
        some: Which of its forget set, (F,).
        moved: Where each training sample is now; None: where it was.
    """
    language = task.language
    if language is None:
        return None
    sample, refusals = language.retain_sample, language.refusals
    return Language(
        retain_sample=sample if sample is None or moved is None else moved[sample],
        refusals=None if refusals is None else refusals.take(some.nonzero().squeeze(1)),
    )
