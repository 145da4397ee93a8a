"""FAMO: weights that learn which loss falls more slowly."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from pareto_explorer.unlearning.rules.rule import Descent
from pareto_explorer.unlearning.rules.scalariser import Scalariser

__all__ = ["FAMO"]

_EPS = 1e-8
_BETAS = 0.9, 0.999


class FAMO(Scalariser):
    """Fast adaptive multitask optimisation: both losses fall at the same relative rate.

    With z = softmax(ω) the weights are (zᵢ/Lᵢ)/Σ(z/L). After the step both losses are measured
    again on the same batches, and ω takes an Adam step against its gradient of
    Σ zᵢ log(Lᵢ before / Lᵢ after), so the loss that fell less gains weight. The second measurement
    costs a forward pass; running statistics do not move, and random labels and held-out means
    stay those of the step. Losses have to be positive; 1e-8 is added to each.

    Source: Liu et al., *FAMO* (arXiv 2306.03792), as ``torchjd.scalarization.FAMO``, which the
    authors' decay of 1e-5 differs from.

    Args:
        weight_lr: Adam's learning rate for ω.
        weight_decay_logits: L2 decay of ω.
    """

    needs_positive_losses: ClassVar[bool] = True

    def __init__(self, weight_lr: float = 0.025, weight_decay_logits: float = 1e-3) -> None:
        super().__init__()
        self.weight_lr = weight_lr
        self.weight_decay_logits = weight_decay_logits

    def begin(self, descent: Descent) -> None:
        """Starts with equal weights."""
        super().begin(descent)
        self._logits: Tensor | None = None
        self._updates = 0

    def weigh(self, losses: Tensor) -> Tensor:
        """Weighs the losses, and notes them."""
        if self._logits is None:
            self._logits, self._mean, self._square = losses.new_zeros(3, 2).unbind(0)
        self._before = losses + _EPS
        parts = self._logits.softmax(0) / self._before
        return parts / parts.sum()

    def after(self) -> None:
        """Measures the losses again and moves the logits."""
        self.update(self.descent.losses_again())

    def update(self, losses: Tensor) -> None:
        """Moves the logits.

        Args:
            losses: After the step, of shape (2,).
        """
        if self._logits is None:
            raise RuntimeError("call weigh with the losses before the step first")
        fall = (self._before / (losses.double() + _EPS)).log()
        shares = self._logits.softmax(0)
        slope = shares * (fall - shares @ fall) + self.weight_decay_logits * self._logits
        self._updates += 1
        first, second = _BETAS
        self._mean = first * self._mean + (1 - first) * slope
        self._square = second * self._square + (1 - second) * slope.square()
        mean = self._mean / (1 - first**self._updates)
        square = self._square / (1 - second**self._updates)
        self._logits = self._logits - self.weight_lr * mean / (square.sqrt() + _EPS)

    def extra_repr(self) -> str:
        """Shows the first knob in ``repr``."""
        return f"weight_lr={self.weight_lr}"
