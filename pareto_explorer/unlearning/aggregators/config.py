"""ConFIG: the step with given projections on the unit gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._plane import Plane
from pareto_explorer.unlearning.aggregators._preference import PreferenceWeighting, preference_knob
from pareto_explorer.unlearning.core.entries import Entry

__all__ = ["ENTRIES", "ConFIG"]


class ConFIG(PreferenceWeighting):
    """Conflict-free inverse gradients, exact for two objectives.

    The step makes ĝ_r·d : ĝ_f·d = p_r : p_f, and is as long as the sum of the projections of both
    gradients on it. With φ the angle between them and N = (‖g_r‖p_r + ‖g_f‖p_f) /
    (p_r² − 2 p_r p_f cos φ + p_f²),

        w_r = N (p_r − p_f cos φ) / ‖g_r‖,  w_f = N (p_f − p_r cos φ) / ‖g_f‖.

    At equal preference it is the angle bisector at length (‖g_r‖ + ‖g_f‖) cos(φ/2). No loss rises
    to first order. Without conflict a weight can be negative, as in CUP, whose rays it shares.

    Parallel gradients are treated as at equal preference: the sum of both for equal directions,
    as in TorchJD, and no step for opposite ones. Where one gradient is zero, d is the other one if
    it has a preference above 0.

    Source: Liu et al., *ConFIG: Towards Conflict-free Training of Physics Informed Neural
    Networks* (arXiv 2408.11104, equation 2).

    Args:
        preference: p_f, the projection on the forget gradient that is wanted, in [0, 1];
            p_r = 1 − p_f.
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        plane = Plane.of(gramian)
        norms = plane.squares.sqrt()
        own, other = self.shares(gramian)
        # The denominator as a square and a rest, which does not cancel at equal preference.
        scale = (own - other).square()[..., :1] + 2 * own.prod() * (1 - plane.cosine)
        wanted = (norms * own).sum(-1, keepdim=True) * (own - other * plane.cosine) / scale
        bisector = norms.sum(-1, keepdim=True) / 2
        weights = plane.inverse * torch.where(plane.colinear(), bisector, wanted)
        present = plane.squares > 0
        alone = (present & (own > 0)).to(weights)
        return torch.where(present.all(-1, keepdim=True), weights, alone)


ENTRIES = (
    Entry.of(
        "config",
        ConFIG,
        summary="Step with given projections on the unit gradients; no loss rises to first order.",
        source="ConFIG, Liu et al., arXiv 2408.11104, equation 2",
        knobs={
            "preference": preference_knob(
                "projection wanted on the forget gradient; retain has the rest"
            ),
        },
    ),
)
