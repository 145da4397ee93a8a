"""IMTL-G: the step with equal projections on both gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry

__all__ = ["ENTRIES", "IMTLG"]


class IMTLG(Weighting):
    """Impartial multi-task learning by gradients, exact for two objectives.

    The weights add up to 1 and give a step with equal projections on both unit gradients:
    (‖g_f‖, ‖g_r‖) / (‖g_r‖ + ‖g_f‖), ½ each where both are zero. The step is the angle bisector
    and never raises a loss to first order. Its length has the scale of the shorter gradient, so
    the rule stops where one gradient is zero.

    For parallel gradients TorchJD's pseudo-inverse gives other weights, which move along the longer
    of two opposite gradients, and it steps along the other gradient where one is zero; this is
    the limit from the case of two directions, without a jump.

    Source: Liu et al., *Towards Impartial Multi-task Learning* (ICLR 2021, section 3.1).
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        norms = gramian.diagonal(dim1=-2, dim2=-1).sqrt()
        total = norms.sum(-1, keepdim=True)
        return torch.where(total > 0, norms.flip(-1) / total, 0.5)


ENTRIES = (
    Entry.of(
        "imtl_g",
        IMTLG,
        summary="Equal projections on both gradients: the angle bisector, "
        "as short as the shorter one.",
        source="IMTL-G, Liu et al., ICLR 2021, section 3.1",
        defects="TorchJD's pseudo-inverse jumps on colinear gradients",
    ),
)
