"""CAGrad: the best worst case in a ball around the mean."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._plane import resolution
from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, not_negative

__all__ = ["ENTRIES", "CAGrad"]


class CAGrad(Weighting):
    """Conflict-averse gradient descent, exact for two objectives.

    Among the steps d with ‖d − g₀‖ ≤ ρ‖g₀‖, where g₀ is the mean gradient, it takes the one with
    the largest min(g_r·d, g_f·d). That is d = g₀ + ρ‖g₀‖ g_x/‖g_x‖ for the convex combination
    g_x = x g_r + (1 − x) g_f with the least g₀·g_x + ρ‖g₀‖‖g_x‖. With a, b, c the entries of the
    Gramian, A = a − 2b + c, S² = ac − b² and
    Δ = ρ²‖g₀‖²A − ¼(a − c)² = (ρ² − 1)‖g₀‖²A + S²: for Δ ≤ 0, g_x is the
    shorter gradient; otherwise

        x = [(c − b) − ½(a − c) S/√Δ] / A, clipped to [0, 1].

    ρ = 0 is the mean; the promise that no loss rises to first order holds from ρ = 1 on, where the
    rule approaches MGDA's direction as ρ grows. Where g_x is zero, so that no step can lower both
    losses, no step is made, as in TorchJD.

    TorchJD has the same rule with a solver on the host, and also stops where ‖g_x‖ falls below
    1e-4 √(a + c), that is, when one gradient is that much shorter; it is not done here.

    Source: Liu et al., *Conflict-Averse Gradient Descent for Multi-task Learning*
    (arXiv 2110.14048, algorithm 1).

    Args:
        rho: ρ, radius of the ball in units of ‖g₀‖, at least 0; the paper's c.
    """

    def __init__(self, rho: float = 0.4) -> None:
        super().__init__()
        self.rho = rho

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares, product = gramian.diagonal(dim1=-2, dim2=-1), gramian[..., :1, 1]
        opposing = squares.flip(-1) - product  # (c − b, a − b): from them, no weight is lost
        spread = opposing.sum(-1, keepdim=True)
        mean = gramian.sum((-2, -1)).clamp(min=0)[..., None] / 4
        area = (squares.prod(-1, keepdim=True) - product.square()).clamp(min=0)
        tilt = (squares.flip(-1) - squares) / 2  # positive for the shorter gradient
        # Δ, written so that it is free of cancellation from ρ = 1 on and for small ρ.
        if self.rho >= 1:
            slack = (self.rho**2 - 1) * mean * spread + area
        else:
            slack = self.rho**2 * mean * spread - tilt[..., :1].square()

        ratio = (area / slack).clamp(max=torch.finfo(gramian.dtype).max)  # of a ρ whose square is 0
        inside = ((opposing + tilt * ratio.sqrt()) / spread).clamp(0, 1)
        corner = torch.heaviside(tilt, tilt.new_full((), 0.5))
        shares = torch.where((slack > 0) & (spread > 0), inside, corner)

        terms = (shares.square() * squares).sum(-1, keepdim=True)
        length = terms + 2 * shares.prod(-1, keepdim=True) * product
        weights = 0.5 + self.rho * (mean / length).sqrt() * shares
        return torch.where(length > resolution(gramian.dtype) * terms, weights, 0.0)

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"rho={self.rho}"


ENTRIES = (
    Entry.of(
        "cagrad",
        CAGrad,
        summary="Best worst case in a ball around the mean gradient.",
        source="CAGrad, Liu et al., arXiv 2110.14048, algorithm 1",
        knobs={
            "rho": KnobSpec(
                {"uniform": [0.0, 2.0]},
                "radius of the ball around the mean; no loss rises from 1 on",
                not_negative,
            ),
        },
    ),
)
