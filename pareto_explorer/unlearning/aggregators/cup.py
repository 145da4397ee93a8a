"""CUP: pivot the step between the extreme rays of the dual cone."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._plane import resolution
from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction

__all__ = ["CUP", "ENTRIES"]


class CUP(Weighting):
    """Controllable unlearning by pivoting gradient.

    Let φ be the angle between the gradients, ω = π − φ the opening of their dual cone, r⊥ the
    unit vector in their plane that is orthogonal to g_f and ascends with g_r, and
    L = ‖g_r + g_f‖/2. The step is d = L (sin(γω) ĝ_f + cos(γω) r⊥), so

        w_r = L cos(γω) / (‖g_r‖ sin φ),  w_f = L cos((1 − γ)ω) / (‖g_f‖ sin φ).

    γ = 0 leaves the forget loss alone, γ = 1 the retain loss, γ = ½ is the angle bisector, and no
    loss rises to first order for any γ in [0, 1]. ‖d‖ = L. Without conflict a weight can be
    negative: the rule then also removes the help that one gradient is to the other.

    Where sin²φ vanishes next to rounding the plane is lost, and d = L (ĝ_r + ĝ_f)/2: the common
    direction at length L for equal directions, no step for opposite ones. Where one gradient is
    zero, d is half of the other, which has length L too.

    Source: Hwang and Lim, *Controllable Machine Unlearning by Pivoting Gradient*
    (arXiv 2510.19226). The authors' code adds 1e-6 in three places, to ‖g_r‖² (not to the norm),
    to ‖g_f‖ and to the norms of both projections, and steps twice per gradient; neither is done
    here.

    Args:
        intensity: γ, in [0, 1].
    """

    _shares: Tensor

    def __init__(self, intensity: float = 0.5) -> None:
        super().__init__()
        self.register_buffer("_shares", _both(intensity), persistent=False)

    @property
    def intensity(self) -> float:
        """γ."""
        return self._shares[0].item()

    @intensity.setter
    def intensity(self, value: float) -> None:
        self._shares = _both(value).to(self._shares)

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1)
        inverse = squares.rsqrt()  # of the norms; infinite for a zero gradient
        length = gramian.sum((-2, -1)).clamp(min=0).sqrt()[..., None] / 2

        cos = gramian[..., :1, 1] * inverse.prod(-1, keepdim=True)
        squared_sin = 1 - cos.square()
        pivot = (torch.acos(-cos) * self._shares.to(gramian)).cos() * squared_sin.rsqrt()
        present = squares > 0
        bisector = torch.where(present.all(-1, keepdim=True), 0.5, 1.0)
        # A zero gradient makes the sine NaN, which is in no order.
        parts = torch.where(squared_sin >= resolution(gramian.dtype), pivot, bisector)
        return torch.where(present, length * inverse * parts, 0.0)

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"intensity={self.intensity}"


def _both(intensity: float) -> Tensor:
    """(γ, 1 − γ), in float64."""
    return torch.tensor((intensity, 1 - intensity), dtype=torch.float64)


ENTRIES = (
    Entry.of(
        "cup",
        CUP,
        summary="Pivots between the extreme rays of the dual cone; no loss rises to first order.",
        source="CUP, Hwang and Lim, arXiv 2510.19226",
        defects=(
            "two optimiser steps per gradient; 1e-6 added in three places, to ‖g_r‖², ‖g_f‖ "
            "and both projections"
        ),
        knobs={
            "intensity": KnobSpec(
                {"uniform": [0.01, 0.99]},
                "pivot in the dual cone: 0 retains only, 1 forgets only",
                fraction,
            ),
        },
    ),
)
