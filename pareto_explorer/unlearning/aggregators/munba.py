"""MUNBa: the Nash bargain between retaining and forgetting."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._plane import Plane
from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry

__all__ = ["ENTRIES", "MUNBa"]


class MUNBa(Weighting):
    """Nash bargaining of two gradients, in closed form; also Nash-MTL for two objectives.

    The weights solve Gα = 1/α, element by element, for the Gramian G:

        w_i = 1 / (‖g_i‖ √(1 + cos φ)).

    The step is the angle bisector at length √2, and never raises a loss to first order. Of a zero
    gradient nothing is taken; the other one is taken at length 1. Opposite gradients have no
    bargain, and no step is made.

    Source: Wu and Harandi, *MUNBa: Machine Unlearning via Nash Bargaining* (arXiv 2411.15537).
    The authors' code computes w_f = (1 − a w_r²)/(b w_r + 1e-8), which is ill-conditioned near
    orthogonal gradients, falls back to fixed weights there, and adds noise to opposite gradients;
    none of this is done here. It also clips the step to length 1, which for a length of √2 is a
    change of the learning rate and is left to it.
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        plane = Plane.of(gramian)
        weights = plane.inverse * (1 + plane.cosine).rsqrt()
        return torch.where(plane.opposite(), 0.0, weights)


ENTRIES = (
    Entry.of(
        "munba",
        MUNBa,
        summary="Nash bargain in closed form: the angle bisector at a constant length.",
        source="MUNBa, Wu and Harandi, arXiv 2411.15537",
        defects="ill-conditioned second weight near b = 0; three backward passes",
    ),
)
