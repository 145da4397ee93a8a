"""MGDA: the shortest convex combination of the gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry

__all__ = ["ENTRIES", "MGDA"]


class MGDA(Weighting):
    """The multiple-gradient descent algorithm, exact for two objectives.

    With a = ‖g_r‖², b = g_r·g_f, c = ‖g_f‖² and D = a − 2b + c, the weights are (c − b)/D and
    (a − b)/D, each clipped to [0, 1]; equal where the gradients are equal (D = 0). The step never
    raises a loss to first order. It is no longer than the shorter gradient, so the method hardly
    moves at a model whose retain loss has converged, and stops where one gradient is zero.

    Source: Désidéri, *Multiple-gradient descent algorithm (MGDA) for multiobjective optimization*
    (C. R. Acad. Sci. Paris 350, 2012); Sener and Koltun (arXiv 1810.04650, section 3.2).
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1)
        # Both quotients, and D from them: 1 − w would lose a weight that is nearly zero.
        parts = squares.flip(-1) - gramian[..., 0, 1, None]
        total = parts.sum(-1, keepdim=True)
        return torch.where(total > 0, (parts / total).clamp(0, 1), 0.5)


ENTRIES = (
    Entry.of(
        "mgda",
        MGDA,
        summary="Shortest convex combination; no loss rises to first order.",
        source="Désidéri 2012; Sener and Koltun, arXiv 1810.04650, section 3.2",
    ),
)
