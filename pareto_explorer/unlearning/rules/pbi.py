"""Penalty-based boundary intersection."""

from __future__ import annotations

from torch import Tensor

from pareto_explorer.unlearning.rules.scalariser import Scalariser, preferred

__all__ = ["PBI"]

_EPS = 1e-12


class PBI(Scalariser):
    """S = d₁ + θ d₂: the way along a direction ŵ, and θ times the distance from it.

    With d₁ = L·ŵ and the rest e = L − d₁ŵ the weights are ŵ + θ e/√(‖e‖² + 1e-12). Once a loss
    lies below the ray its weight can be negative: the loss is raised to return to the ray. The
    ideal point is the origin.

    Source: Zhang and Li, *MOEA/D* (IEEE TEVC 11(6), 2007), as ``torchjd.scalarization.PBI``.

    Args:
        theta: θ ≥ 0.
        preference: Component of the direction (1 − p, p) for the forget loss, in [0, 1].
    """

    def __init__(self, theta: float = 1.0, preference: float = 0.5) -> None:
        super().__init__()
        self.theta = theta
        self.preference = preference

    def weigh(self, losses: Tensor) -> Tensor:
        """Differentiates S."""
        direction = preferred(losses, self.preference)
        direction = direction / direction.norm()
        rest = losses - (losses @ direction) * direction
        return direction + self.theta * rest / (rest @ rest + _EPS).sqrt()

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"theta={self.theta}, preference={self.preference}"
