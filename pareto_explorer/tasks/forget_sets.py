"""Forget sets: what a forget request selects from a training set.

Every draw comes from the seed, so the same request on the same data gives the same forget set.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.tasks.forget_requests import (
    ForgetRequest,
    Indices,
    Mislabelled,
    RandomSubset,
    Subclass,
    WholeClass,
)
from pareto_explorer.tasks.task import Samples

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
    request: ForgetRequest, train: Samples, n_classes: int, seed: int
) -> ForgetSet:
    """Applies a forget request to a training set.

    Args:
        request: What to forget.
        train: Training data with true labels; n samples.
        n_classes: Number of classes.
        seed: Seed of every draw.

    Returns:
        The labels to train with and the positions to forget.

    Raises:
        InputError: When the request does not fit the data.
    """
    rng = np.random.default_rng([seed, 1])
    labels = train.labels
    match request:
        case Mislabelled():
            indices = _draw(request.fraction, len(train), rng)
            shift = torch.from_numpy(rng.integers(1, n_classes, len(indices)))
            labels = labels.clone()
            labels[indices] = (labels[indices] + shift) % n_classes
        case RandomSubset():
            indices = _draw(request.fraction, len(train), rng)
        case WholeClass():
            indices = _of_class(request.label, train, n_classes)
        case Subclass():
            indices = _cluster(request, train, n_classes, seed)
        case Indices():
            indices = _listed(request.indices, len(train))
    return ForgetSet(labels, indices)


def _draw(fraction: float, n: int, rng: np.random.Generator) -> Tensor:
    count = round(fraction * n)
    if not 0 < count < n:
        raise InputError(
            f"{_FIELD}.fraction: {fraction} of {n} training samples is {count}; at least one sample"
            " must be forgotten and one retained."
        )
    return torch.from_numpy(np.sort(rng.choice(n, count, replace=False)))


def _of_class(label: int, train: Samples, n_classes: int) -> Tensor:
    if not 0 <= label < n_classes:
        raise InputError(
            f"{_FIELD}.label: {label} is no class of this task; choose from 0 to {n_classes - 1}."
        )
    indices = (train.labels == label).nonzero().squeeze(1)
    if len(indices) == 0:
        raise InputError(f"{_FIELD}.label: class {label} has no training samples to forget.")
    return indices


def _cluster(request: Subclass, train: Samples, n_classes: int, seed: int) -> Tensor:
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


def _listed(source: tuple[int, ...] | Path, n: int) -> Tensor:
    where = f"{_FIELD}.indices"
    values = _read(source, where) if isinstance(source, Path) else list(source)
    if not values:
        raise InputError(f"{where}: {source} names no sample; name at least one.")
    outside = next((i for i in values if not 0 <= i < n), None)
    if outside is not None:
        raise InputError(
            f"{where}: {outside} is no training sample; choose positions from 0 to {n - 1}."
        )
    if len(set(values)) < len(values):
        twice = Counter(values).most_common(1)[0][0]
        raise InputError(f"{where}: {twice} occurs more than once; name each sample once.")
    if len(values) == n:
        raise InputError(f"{where}: all {n} training samples are named; leave some to retain.")
    return torch.tensor(sorted(values))


def _read(path: Path, where: str) -> list[int]:
    readers = {".txt": _from_text, ".csv": _from_text, ".json": _from_json, ".npy": _from_npy}
    if path.suffix not in readers:
        raise unknown(f"{where}: file type", path.suffix, readers)
    try:
        values = readers[path.suffix](path)
    except OSError as error:
        raise InputError(f"{where}: {path} cannot be read ({error.strerror}).") from None
    except (ValueError, EOFError):
        values = None
    if not isinstance(values, list) or not all(type(i) is int for i in values):
        raise InputError(f"{where}: {path} does not hold a plain list of integers.")
    return values


def _from_text(path: Path) -> Any:
    return [int(word) for word in path.read_text(encoding="utf-8").replace(",", " ").split()]


def _from_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _from_npy(path: Path) -> Any:
    return np.load(path, allow_pickle=False).tolist()
