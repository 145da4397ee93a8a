"""GeN: a learning rate from the curvature of the retain loss along the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

__all__ = ["AutoLR", "vertex"]

#: Steps from one change of the learning rate to the next.
_EVERY = 10
#: The learning rate stays within this factor of where it started, either way.
_RANGE = 100.0


def vertex(here: Tensor, ahead: Tensor, beyond: Tensor, lr: float) -> Tensor:
    """Minimises the parabola through three losses.

    Args:
        here: Loss at θ.
        ahead: Loss at θ − ηd.
        beyond: Loss at θ − 2ηd.
        lr: η.

    Returns:
        η − b₁/(2a₂) with the central differences a₂ = (L₊ − 2L₀ + L₋)/(2η²) and
        b₁ = (L₊ − L₋)/(2η); η where the curvature a₂ is not above 0.
    """
    curvature = beyond - 2 * ahead + here
    change = lr * (beyond - here) / (2 * curvature)
    return torch.where(curvature > 0, lr - change, lr)


class AutoLR:
    """Moves the learning rate to the minimum of the retain loss along the step.

    Every tenth step, beginning with the first, the retain loss of the step's batch is measured
    at θ − ηd and θ − 2ηd as well (two more forward passes), and η becomes the vertex of the
    parabola through the three, within a factor of 100 of the learning rate that it started from.
    d is the aggregate: momentum and decay are not in the parabola. At a vertex the host waits for
    the device.

    Source: NGDiff, Bu et al. (arXiv 2410.22086), which takes the rule from GeN (Hessian-free); the
    distance δ between the three points is η here, so that the loss at θ, which is known, is one of
    them, where a re-implementation has δ = 1e-5, less than float32 losses resolve.

    Args:
        parameters: What moves; bit-identical after each measurement.
        optimizer: Whose learning rate is changed.
        retain_again: Gives the retain loss of the step's batch for the model as it is.
    """

    def __init__(
        self,
        parameters: Sequence[nn.Parameter],
        optimizer: torch.optim.Optimizer,
        retain_again: Callable[[], Tensor],
    ) -> None:
        self._parameters: list[Tensor] = list(parameters)
        self._optimizer = optimizer
        self._retain_again = retain_again
        self._start = self.lr
        self._steps = 0

    @property
    def lr(self) -> float:
        """η."""
        return float(self._optimizer.param_groups[0]["lr"])

    def update(self, loss: Tensor, step: Sequence[Tensor]) -> None:
        """Called before the optimiser takes a step.

        Args:
            loss: Retain loss of the step.
            step: d, one tensor per parameter.
        """
        self._steps += 1
        if self._steps % _EVERY != 1:
            return
        lr = self.lr
        with torch.no_grad():
            originals = [p.clone() for p in self._parameters]
            ahead, beyond = (self._one_further(step) for _ in range(2))
            torch._foreach_copy_(self._parameters, originals)
            found = vertex(loss.detach(), ahead, beyond, lr)
            found = found.clamp(self._start / _RANGE, self._start * _RANGE)
        for group in self._optimizer.param_groups:
            group["lr"] = found.item()

    def _one_further(self, step: Sequence[Tensor]) -> Tensor:
        """Moves on by −ηd and measures the retain loss there."""
        torch._foreach_add_(self._parameters, list(step), alpha=-self.lr)
        return self._retain_again()
