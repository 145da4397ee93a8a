"""What was planted in a forget set so that its trace can be measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import Tensor

from pareto_explorer.errors import InputError, brief

__all__ = ["GaussianNoise", "Planted", "SwappedClasses", "check_planted", "planted_on"]


@dataclass(frozen=True, eq=False)
class GaussianNoise:
    """Noise on the inputs of the forget set, independent in every coordinate.

    Attributes:
        request: The kind of forget request that plants it.
        values: What was added, in the order of the forget set, (k, ...).
        deviation: Its standard deviation, in units of the inputs.
    """

    request: ClassVar[str] = "gaussian_poison"

    values: Tensor
    deviation: float


@dataclass(frozen=True)
class SwappedClasses:
    """Two classes of which the forget set has samples with each other's label.

    Attributes:
        request: The kind of forget request that plants them.
        classes: The two.
    """

    request: ClassVar[str] = "confused"

    classes: tuple[int, int]


Planted = GaussianNoise | SwappedClasses


def check_planted(planted: Planted, forget_inputs: Tensor, n_classes: int) -> None:
    """Refuses what cannot have been planted in these samples.

    Args:
        planted: What a task brings.
        forget_inputs: The inputs of its forget set, (k, ...).
        n_classes: Its number of classes.

    Raises:
        InputError: The noise has another shape, is not finite or has no deviation, or the classes
            are not two of the task's.
    """
    if isinstance(planted, SwappedClasses):
        a, b = planted.classes
        if a == b or not (0 <= a < n_classes and 0 <= b < n_classes):
            raise InputError(
                f"planted.classes: {brief(planted.classes)} are not two of the classes from 0 to"
                f" {n_classes - 1}."
            )
        return
    if planted.values.shape != forget_inputs.shape:
        raise InputError(
            f"planted.values: noise of shape {tuple(planted.values.shape)} does not fit forget"
            f" inputs of shape {tuple(forget_inputs.shape)}; with another forget set, give"
            " planted=None."
        )
    if not bool(planted.values.isfinite().all()):
        raise InputError("planted.values: some noise is NaN or infinite; give what was added.")
    if not 0 < planted.deviation < float("inf"):
        raise InputError(
            f"planted.deviation: {brief(planted.deviation)} is no standard deviation; give one"
            " above 0."
        )


def planted_on(planted: Planted | None, device: torch.device | str) -> Planted | None:
    """Returns what was planted with its tensors on ``device``."""
    if isinstance(planted, GaussianNoise):
        return replace(planted, values=planted.values.to(device))
    return planted
