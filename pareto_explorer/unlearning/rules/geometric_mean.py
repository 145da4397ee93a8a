"""The geometric mean of the losses."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from pareto_explorer.unlearning.rules.scalariser import Scalariser

__all__ = ["GeometricMean"]


class GeometricMean(Scalariser):
    """S = √(L_r L_f), also called geometric loss strategy (GLS).

    The weights are S/(2Lᵢ), so both losses contribute alike on a logarithmic scale. Both have to
    be positive.

    Source: Chennupati et al., *MultiNet++* (CVPR workshops 2019), as
    ``torchjd.scalarization.GeometricMean``.
    """

    needs_positive_losses: ClassVar[bool] = True

    def weigh(self, losses: Tensor) -> Tensor:
        """Differentiates S."""
        return (losses.flip(0) / losses).sqrt() / 2
