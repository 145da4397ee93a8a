"""Gradient ascent: forget by unlearning the labels, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pareto_explorer.unlearning.losses import cross_entropy
from pareto_explorer.unlearning.methods.descent import GradientMethod, Setting, follow

__all__ = ["GradientAscent"]


@dataclass(frozen=True, kw_only=True)
class GradientAscent(GradientMethod):
    """Ascends on the cross-entropy of the forget set; the retain set is never read.

    Nothing bounds the loss, so a model that has forgotten is soon destroyed.

    Source: the GA baseline of *Model Sparsity Can Simplify Machine Unlearning*
    (arXiv 2304.04934).
    """

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        return follow(setting, "forget", _negative_cross_entropy)


def _negative_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return -cross_entropy(logits, labels)
