"""CR-MOGM: any weighting, with its weights averaged over the steps."""

from __future__ import annotations

from torch import Tensor
from torchjd.aggregation import Weighting
from torchjd.linalg import PSDMatrix

__all__ = ["CRMOGM"]


class CRMOGM(Weighting[PSDMatrix]):
    """Smooths the weights of another weighting, λ ← α λ + (1 − α) λ̂, from its first weights on.

    The promises of the weighting inside hold for the gradients of its own step only, so the
    smoothed step has none. It keeps a state: each run of a method has a copy.

    Source: Zhou et al., *On the Convergence of Stochastic Multi-Objective Gradient Manipulation
    and Beyond* (NeurIPS 2022), as TorchJD's ``CRMOGMWeighting`` has it, for stacks of Gramians
    too.

    Args:
        weighting: What gives λ̂.
        alpha: α, in [0, 1].
    """

    def __init__(self, weighting: Weighting[PSDMatrix], alpha: float = 0.9) -> None:
        super().__init__()
        self.weighting = weighting
        self.alpha = alpha
        self._weights: Tensor | None = None

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        weights = self.weighting(gramian)
        if self._weights is not None:
            weights = self.alpha * self._weights + (1 - self.alpha) * weights
        self._weights = weights
        return weights

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"alpha={self.alpha}"
