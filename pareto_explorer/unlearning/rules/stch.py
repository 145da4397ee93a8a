"""Smooth Tchebycheff scalarisation."""

from __future__ import annotations

from torch import Tensor

from pareto_explorer.unlearning.rules.scalariser import Scalariser, preferred

__all__ = ["STCH"]


class STCH(Scalariser):
    """S = μ log Σ exp(λᵢ Lᵢ/μ), a smooth maximum of the weighted losses.

    The weights are λᵢ softmax(λL/μ)ᵢ: nearly all weight is on the weighted loss that is larger, the
    more so the smaller μ. Every point of a front, convex or not, is the minimum for some λ. The
    ideal point is the origin.

    Source: Lin et al., *Smooth Tchebycheff Scalarization* (arXiv 2402.19078), as
    ``torchjd.scalarization.STCH``.

    Args:
        mu: μ > 0.
        preference: λ of the forget loss, in [0, 1]; retain has the rest.
    """

    def __init__(self, mu: float = 0.1, preference: float = 0.5) -> None:
        super().__init__()
        self.mu = mu
        self.preference = preference

    def weigh(self, losses: Tensor) -> Tensor:
        """Differentiates S."""
        shares = preferred(losses, self.preference)
        return shares * (shares * losses / self.mu).softmax(0)

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"mu={self.mu}, preference={self.preference}"
