"""PCGrad: gradient surgery."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry

__all__ = ["ENTRIES", "PCGrad"]


class PCGrad(Weighting):
    """Projecting conflicting gradients, exact for two objectives.

    With a = ‖g_r‖², b = g_r·g_f, c = ‖g_f‖² and m = max(0, −b), the weights are
    (1 + m/a, 1 + m/c): the sum of both gradients, each without its part along the other where
    they conflict. This is twice UPGrad at equal preference, and the random order of the paper
    does not matter for two objectives. The step never raises a loss to first order.

    A zero gradient conflicts with nothing.

    Source: Yu et al., *Gradient Surgery for Multi-Task Learning* (arXiv 2001.06782, algorithm 1).
    HAMU's code uses it as a baseline with the condition turned around, so that it removes the
    part on which both gradients agree; it is not done so here.
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1).clamp(min=torch.finfo(gramian.dtype).tiny)
        return 1 - gramian[..., :1, 1].clamp(max=0) / squares


ENTRIES = (
    Entry.of(
        "pcgrad",
        PCGrad,
        summary="Sum of both gradients without the parts that conflict; "
        "twice upgrad at equal preference.",
        source="Yu et al., arXiv 2001.06782, algorithm 1",
        defects="HAMU's copy projects when there is no conflict",
    ),
)
