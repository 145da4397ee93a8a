"""Interclass confusion: what is left of labels that were swapped between two classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["confusion_error", "confusion_swaps"]


def confusion_error(predictions: ArrayLike, labels: ArrayLike, classes: tuple[int, int]) -> float:
    """Returns IC-ERR, the share of samples of two classes that are put into a wrong class.

    The aim is the retrained model's value. Source: Goel et al., "Towards adversarial evaluations
    for inexact machine unlearning" (arXiv 2201.06640).

    Args:
        predictions: Classes, (F,).
        labels: The right ones, (F,).
        classes: The two whose labels were swapped; there is a sample of them.
    """
    found, right = np.asarray(predictions), np.asarray(labels)
    return float((found != right)[np.isin(right, classes)].mean())


def confusion_swaps(predictions: ArrayLike, labels: ArrayLike, classes: tuple[int, int]) -> int:
    """Returns FGT-ERR, the number of samples of either of two classes taken for the other.

    Source and args as for `confusion_error`.
    """
    found, right = np.asarray(predictions), np.asarray(labels)
    pairs = (classes, classes[::-1])
    return sum(int(((right == one) & (found == other)).sum()) for one, other in pairs)
