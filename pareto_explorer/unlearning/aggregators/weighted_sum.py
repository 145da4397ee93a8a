"""The mean of the gradients."""

from __future__ import annotations

from torch import Tensor
from torchjd.aggregation import Weighting
from torchjd.linalg import PSDMatrix

__all__ = [
    "Mean",
    "WeightedSum",
]


class Mean(Weighting[PSDMatrix]):
    """Equal weights, also known as linear scalarisation (LS) or gradient difference (GDiff)."""

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., m, m) to weights (..., m)."""
        return gramian.new_full(gramian.shape[:-1], 1 / gramian.shape[-1])


class WeightedSum(Weighting[PSDMatrix]):
    """Constant weights (1 − λ, λ): gradient descent on (1 − λ) L_r + λ L_f.

    Args:
        weight: λ, the share of the forget loss, in [0, 1].
    """

    def __init__(self, weight: float = 0.5) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        weights = gramian.new_full(gramian.shape[:-1], 1 - self.weight)
        weights[..., 1] = self.weight
        return weights

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"weight={self.weight}"
