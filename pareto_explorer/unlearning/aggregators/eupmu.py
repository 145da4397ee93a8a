"""EUPMU: forget at a bounded price in the retain loss."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, not_negative

__all__ = ["ENTRIES", "EUPMU"]


class EUPMU(Weighting):
    """Unilateral gradient surgery with a tolerance, the explicit form of EUPMU.

    With a = ‖g_r‖² and b = g_r·g_f, the weights are (max(0, (−b − ε)/a), 1): the nearest step to
    g_f along which the retain loss rises at a rate of at most ε, so by no more than ε times the
    learning rate to first order. ε = 0 is GRU. The forget loss never rises to first order.

    A zero retain gradient forbids nothing.

    Source: Zhou et al., arXiv 2510.22124 (explicit variant). The authors' experiments use the
    implicit variant, which replaces ε by the observed change of the retain loss.

    Args:
        epsilon: ε, at least 0, in units of loss per learning rate.
    """

    def __init__(self, epsilon: float = 0.01) -> None:
        super().__init__()
        self.epsilon = epsilon

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        excess = (-gramian[..., :1, 1] - self.epsilon).clamp(min=0)
        share = excess / gramian[..., :1, 0].clamp(min=torch.finfo(gramian.dtype).tiny)
        return torch.cat((share, torch.ones_like(share)), -1)

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"epsilon={self.epsilon}"


ENTRIES = (
    Entry.of(
        "eupmu",
        EUPMU,
        summary="Forget gradient, rectified as far as the retain loss rises faster than allowed.",
        source="EUPMU (explicit), Zhou et al., arXiv 2510.22124",
        knobs={
            "epsilon": KnobSpec(
                {"loguniform": [0.001, 1.0]},
                "rate at which the retain loss may rise, per unit of learning rate",
                not_negative,
            ),
        },
    ),
)
