"""Uncertainty weighting."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.rules.rule import Descent
from pareto_explorer.unlearning.rules.scalariser import Scalariser

__all__ = ["UW"]


class UW(Scalariser):
    """S = Σ (½ exp(−sᵢ) Lᵢ + ½ sᵢ) with log-variances s that descend on S as well.

    The weights are ½ exp(−sᵢ), from ½ at the start towards 1/(2Lᵢ). The log-variances take plain
    gradient steps of their own learning rate; in the paper they are parameters of the model's
    optimiser.

    Source: Kendall, Gal and Cipolla (arXiv 1705.07115), as ``torchjd.scalarization.UW``.

    Args:
        variance_lr: Learning rate of s.
    """

    def __init__(self, variance_lr: float = 0.025) -> None:
        super().__init__()
        self.variance_lr = variance_lr

    def begin(self, descent: Descent) -> None:
        """Starts with equal weights."""
        super().begin(descent)
        self._log_variances: Tensor | None = None

    def weigh(self, losses: Tensor) -> Tensor:
        """Weighs the losses, and moves the log-variances."""
        before = self._log_variances
        if before is None:
            before = torch.zeros_like(losses)
        weights = (-before).exp() / 2
        self._log_variances = before - self.variance_lr * (0.5 - weights * losses)
        return weights

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"variance_lr={self.variance_lr}"
