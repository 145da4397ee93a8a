"""The mean of the gradients."""

from __future__ import annotations

from torch import Tensor
from torchjd.aggregation import Weighting
from torchjd.linalg import PSDMatrix

__all__ = ["Mean"]


class Mean(Weighting[PSDMatrix]):
    """Equal weights, also known as linear scalarisation (LS) or gradient difference (GDiff)."""

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., m, m) to weights (..., m)."""
        return gramian.new_full(gramian.shape[:-1], 1 / gramian.shape[-1])
