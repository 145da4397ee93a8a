"""Accuracy from logits."""

from __future__ import annotations

from torch import Tensor

__all__ = ["accuracy"]


def accuracy(logits: Tensor, labels: Tensor) -> float:
    """Returns the share of samples whose largest logit is the label's.

    Args:
        logits: Shape (n, C).
        labels: Shape (n,).
    """
    return (logits.argmax(1) == labels).double().mean().item()
