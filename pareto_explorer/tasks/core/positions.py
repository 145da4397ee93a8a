"""Whole numbers: counts, and positions of samples in a training set.

All functions raise an `InputError` that begins with the name of the field.
"""

from __future__ import annotations

import operator

import torch
from torch import Tensor

from pareto_explorer.errors import InputError, brief

__all__ = ["check_adjacent", "check_forget", "check_seed", "count", "integers"]


def count(name: str, value: object) -> int:
    """Returns a whole number above 0 as Python has it; refuses everything else."""
    try:
        number = 0 if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = 0
    if number < 1:
        raise InputError(f"{name}: {value!r} must be a whole number above 0.")
    return number


def check_seed(name: str, value: object) -> None:
    """Refuses what is no seed."""
    if type(value) is not int or not 0 <= value < 2**63:
        raise InputError(f"{name}: {brief(value)} is no seed; give one from 0 to 2**63 - 1.")


def integers(name: str, values: Tensor) -> Tensor:
    """Returns a vector of integers as int64; refuses everything else."""
    values = torch.as_tensor(values)
    if values.ndim != 1 or values.dtype == torch.bool or values.is_floating_point():
        raise InputError(
            f"{name}: {values.dtype} of shape {tuple(values.shape)} is not a vector of integers."
        )
    return values.long()


def _check_indices(name: str, index: Tensor, n_train: int) -> None:
    if len(index) == 0:
        what = name.removesuffix("_indices")
        raise InputError(f"{name}: the {what} set is empty; name at least one sample.")
    low, high = int(index.min()), int(index.max())
    if low < 0 or high >= n_train:
        raise InputError(
            f"{name}: {low if low < 0 else high} is no training sample;"
            f" choose from 0 to {n_train - 1}."
        )
    if len(torch.unique(index)) < len(index):
        raise InputError(f"{name}: some samples occur twice; name each of them once.")


def check_forget(index: Tensor, n_train: int) -> None:
    """Checks the forget set of ``n_train`` training samples."""
    _check_indices("forget_indices", index, n_train)
    if len(index) == n_train:
        raise InputError("forget_indices: the retain set is empty; leave some training samples.")


def check_adjacent(index: Tensor, forget: Tensor, n_train: int) -> None:
    """Checks the adjacent set beside the forget set."""
    _check_indices("adjacent_indices", index, n_train)
    both = index[torch.isin(index, forget)]
    if len(both):
        raise InputError(
            f"adjacent_indices: {int(both[0])} is in the forget set; name retained samples only."
        )
    if len(index) + len(forget) == n_train:
        raise InputError(
            "adjacent_indices: no retained sample is left for the remote part; name fewer."
        )
