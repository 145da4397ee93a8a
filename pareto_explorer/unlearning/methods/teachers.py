"""Learning from another model's predictions, or against them."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from pareto_explorer.unlearning.budget import Ledger

__all__ = ["Teacher", "divergence"]


def divergence(teacher: Tensor, student: Tensor, temperature: float = 1.0) -> Tensor:
    """T²·KL(p_teacher‖p_student) of softened predictions, a batch mean in [0, ∞).

    p is the softmax of logits over T. The factor T² keeps the size of the gradient, which is
    T·(p_student − p_teacher) in the student's logits.

    Args:
        teacher: Logits of shape (B, C), without a graph.
        student: Logits of shape (B, C).
        temperature: T.
    """
    log_p = (teacher / temperature).log_softmax(1)
    log_q = (student / temperature).log_softmax(1)
    return temperature**2 * (log_p.exp() * (log_p - log_q)).sum(1).mean()


class Teacher:
    """A frozen copy of a model, in eval mode, whose forward passes are counted.

    Args:
        model: What to copy as it is now.
        ledger: Where the samples are counted.
    """

    def __init__(self, model: nn.Module, ledger: Ledger) -> None:
        self._model = copy.deepcopy(model).eval()
        self._ledger = ledger

    def __call__(self, inputs: Tensor) -> Tensor:
        """Returns logits without a graph."""
        self._ledger.count(forward=len(inputs))
        with torch.no_grad():
            logits: Tensor = self._model(inputs)
        return logits
