"""The weighted sum, the scalarisation that every other rule has to beat, and the mean."""

from __future__ import annotations

from torch import Tensor

from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction

__all__ = ["ENTRIES", "Mean", "WeightedSum"]


class WeightedSum(Weighting):
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


class Mean(Weighting):
    """Equal weights, also known as linear scalarisation (LS) or gradient difference (GDiff)."""

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., m, m) to weights (..., m)."""
        return gramian.new_full(gramian.shape[:-1], 1 / gramian.shape[-1])


ENTRIES = (
    Entry.of(
        "weighted_sum",
        WeightedSum,
        summary="Constant weights: plain scalarisation.",
        source="CUP's control WS, Hwang and Lim, arXiv 2510.19226",
        knobs={
            "weight": KnobSpec(
                {"uniform": [0.05, 0.95]}, "share of the forget loss; retain has the rest", fraction
            ),
        },
    ),
    Entry.of(
        "mean",
        Mean,
        summary="Equal weights, also called LS or GDiff.",
        source="Quinton and Rey, arXiv 2406.16232, table 1",
    ),
)
