"""Losses: the cross-entropy, and what a forget loss sees of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor
from torch.nn import functional

from pareto_explorer.unlearning.core.references import References

__all__ = ["ForgetBatch", "ForgetLoss", "cross_entropy", "falls_below_zero"]

_Loss = TypeVar("_Loss", bound=Callable[..., Tensor])


@dataclass(frozen=True)
class ForgetBatch:
    """What a forget loss sees of one batch of D_f.

    Attributes:
        logits: Tensor of shape (B, C), with a graph.
        labels: Integer tensor of shape (B,): the labels to be forgotten.
        references: Gives reference distributions and random labels to the losses that ask.
    """

    logits: Tensor
    labels: Tensor
    references: References


#: Maps a batch to the mean over it, which is minimised; its knobs are bound.
ForgetLoss = Callable[[ForgetBatch], Tensor]


def falls_below_zero(loss: _Loss) -> _Loss:
    """Marks a forget loss that aggregators which need positive losses cannot take."""
    loss.falls_below_zero = True  # type: ignore[attr-defined]
    return loss


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The retain loss: mean cross-entropy of logits (B, C) to labels (B,)."""
    return functional.cross_entropy(logits, labels)
