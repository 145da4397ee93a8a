"""FedOSD: the steepest forgetting that leaves the retain loss alone."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._plane import Plane
from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry

__all__ = ["ENTRIES", "FedOSD"]


class FedOSD(Weighting):
    """Orthogonal steepest descent: d = ‖g_f‖ f⊥, where f⊥ is the unit part of g_f beside g_r.

    With φ the angle between the gradients, the weights are
    (−‖g_f‖ cos φ / (‖g_r‖ sin φ), 1 / sin φ). The step is orthogonal to g_r with or without
    conflict, so it also gives up the help of the forget gradient to the retain loss, and as long
    as g_f. Where the gradients are parallel nothing is left of g_f, and no step is made; where
    g_r is zero, d = g_f.

    Source: Pan et al., *Federated Unlearning with Gradient Descent and Conflict Mitigation*
    (arXiv 2412.20200), with the remaining clients' gradients replaced by the retain gradient. Its
    loss is ``bounded_cross_entropy``; its recovery stage is not part of this rule.
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        plane = Plane.of(gramian)
        forget = plane.squared_sine.rsqrt()
        norm_f = plane.squares[..., 1:].sqrt()
        retain = -plane.cosine * norm_f * plane.inverse[..., :1] * forget
        return torch.where(plane.colinear(), 0.0, torch.cat((retain, forget), -1))


ENTRIES = (
    Entry.of(
        "fedosd",
        FedOSD,
        summary="Forget gradient turned to be orthogonal to the retain gradient, "
        "at its own length.",
        source="FedOSD, Pan et al., arXiv 2412.20200; MOLLM, Pan et al., arXiv 2412.20412",
    ),
)
