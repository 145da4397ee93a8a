"""Forget sets: what a forget request selects from a training set.

Every draw comes from the seed, so the same request on the same data gives the same forget set.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from pareto_explorer.errors import InputError
from pareto_explorer.tasks.core.groups import Groups
from pareto_explorer.tasks.core.splits import PublishedSplit
from pareto_explorer.tasks.core.task import Samples
from pareto_explorer.tasks.forget.listed_samples import listed_samples
from pareto_explorer.tasks.forget.requests import (
    Authors,
    Confused,
    ForgetRequest,
    GaussianPoison,
    Indices,
    Mislabelled,
    Mixture,
    RandomSubset,
    Subclass,
    WholeClass,
)

__all__ = ["ForgetSet", "select_forget_set"]

_FIELD = "task.forget"


class ForgetSet(NamedTuple):
    """What a request selects from a training set of n samples.

    Attributes:
        labels: Training labels (n,), after corruption where the request corrupts them.
        indices: Ascending positions of the forget set (k,).
    """

    labels: Tensor
    indices: Tensor


def select_forget_set(
    request: ForgetRequest,
    train: Samples,
    n_classes: int,
    seed: int,
    groups: Groups | None = None,
    split: PublishedSplit | None = None,
) -> ForgetSet:
    """Applies a forget request to a training set.

    Args:
        request: What to forget.
        train: Training data with true labels; n samples.
        n_classes: Number of classes.
        seed: Seed of every draw.
        groups: The subclasses, where the task knows them.
        split: Where ``train`` came from, if it is a part of a published training set. A ``random``
            request is drawn as in the literature then, and positions may count in the whole set.

    Returns:
        The labels to train with and the positions to forget.

    Raises:
        InputError: When the request does not fit the data.
    """
    if train.tokens and not isinstance(request, RandomSubset | Indices | Authors):
        raise InputError(
            f"{_FIELD}.kind: '{request.kind}' is about classes, and these samples are sequences"
            " with a label per token; ask for random samples or name their indices."
        )
    rng = np.random.default_rng([seed, 1])
    labels = train.labels
    match request:
        case Mislabelled():
            indices = _draw(_count(request.fraction, len(train)), len(train), rng)
            shift = torch.from_numpy(rng.integers(1, n_classes, len(indices)))
            labels = labels.clone()
            labels[indices] = (labels[indices] + shift) % n_classes
        case RandomSubset() | GaussianPoison():
            count = _count(request.fraction, len(train))
            indices = split.random_subset(count) if split else _draw(count, len(train), rng)
        case WholeClass():
            indices = _of_class(request.label, train, n_classes)
        case Subclass(subclass=None):
            indices = _cluster(request, train, n_classes, seed)
        case Subclass(subclass=int() | str() as wanted):
            indices = (groups or Groups()).subclass(wanted, f"{_FIELD}.subclass")
        case Mixture():
            indices = _mixture(request, train, n_classes, rng)
        case Indices():
            indices = listed_samples(request, labels, split)
        case Confused():
            indices = _of_both(request, train, n_classes, rng)
            labels = labels.clone()
            labels[indices] = sum(request.classes) - labels[indices]
        case Authors():
            raise InputError(
                f"{_FIELD}.kind: 'authors' needs samples about authors, as the task authors has;"
                " ask for another kind, such as random."
            )
    return ForgetSet(labels, indices)


def _count(fraction: float, n: int) -> int:
    count = round(fraction * n)
    if not 0 < count < n:
        raise InputError(
            f"{_FIELD}.fraction: {fraction} of {n} training samples is {count}; at least one sample"
            " must be forgotten and one retained."
        )
    return count


def _draw(count: int, n: int, rng: np.random.Generator) -> Tensor:
    return torch.from_numpy(np.sort(rng.choice(n, count, replace=False)))


def _of_both(request: Confused, train: Samples, n_classes: int, rng: np.random.Generator) -> Tensor:
    drawn = []
    for label in request.classes:
        members = _of_class(label, train, n_classes, "classes")
        if request.count // 2 > len(members):
            raise InputError(
                f"{_FIELD}.count: half of {request.count} is more than the {len(members)} training"
                f" samples of class {label}; swap at most {2 * len(members)}."
            )
        drawn.append(members[_draw(request.count // 2, len(members), rng)])
    indices = torch.cat(drawn).sort().values
    if len(indices) == len(train):
        raise InputError(
            f"{_FIELD}.count: all {len(train)} training samples are named; leave some to retain."
        )
    return indices


def _of_class(label: int, train: Samples, n_classes: int, field: str = "label") -> Tensor:
    if not 0 <= label < n_classes:
        raise InputError(
            f"{_FIELD}.{field}: {label} is no class of this task; choose from 0 to {n_classes - 1}."
        )
    indices = (train.labels == label).nonzero().squeeze(1)
    if len(indices) == 0:
        raise InputError(f"{_FIELD}.{field}: class {label} has no training samples to forget.")
    return indices


def _cluster(request: Subclass, train: Samples, n_classes: int, seed: int) -> Tensor:
    from sklearn.cluster import KMeans  # slow to import, and few need it

    assert request.label is not None  # noqa: S101 - the request is checked already
    members = _of_class(request.label, train, n_classes)
    inputs = train.inputs[members].flatten(1).double().numpy()
    distinct = len(np.unique(inputs, axis=0))
    if distinct < request.parts:
        raise InputError(
            f"{_FIELD}.parts: {request.parts} is more than the {distinct} distinct training samples"
            f" of class {request.label}; ask for fewer parts."
        )
    parts = KMeans(request.parts, n_init=10, random_state=seed).fit_predict(inputs)
    by_size = np.argsort(-np.bincount(parts, minlength=request.parts), kind="stable")
    return members[torch.from_numpy(parts == by_size[request.part])]


def _mixture(request: Mixture, train: Samples, n_classes: int, rng: np.random.Generator) -> Tensor:
    members = rng.permutation(_of_class(request.label, train, n_classes).numpy())
    n_hard = round(request.hard_probability * len(members))
    kept = members[n_hard:]
    rest = np.setdiff1d(np.arange(len(train)), kept)
    hard = rng.choice(rest, n_hard, replace=False)
    return torch.from_numpy(np.sort(np.concatenate([kept, hard])))
