"""MoCo: the min-norm point of tracked gradients."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._rule import Descent, Rule, Step
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero, fraction, not_negative

__all__ = ["ENTRIES", "MoCo", "on_simplex"]


def on_simplex(weights: Tensor) -> Tensor:
    """Projects pairs (..., 2) on the simplex of nonnegative pairs that add up to 1."""
    first = ((1 + weights[..., 0] - weights[..., 1]) / 2).clamp(0, 1)
    return torch.stack((first, 1 - first), -1)


class MoCo(Rule):
    """Multi-objective descent with gradients and weights that are tracked over the steps.

    The rows are Y ← Y − β (Y − [g_r; g_f]), the weights λ ← P(λ − γ (Y Yᵀ + ρI) λ) with the
    projection P on the simplex, and the step is Yᵀλ. Averaging removes the bias that the min-norm
    point of noisy gradients has. Y starts as the first gradients, λ as equal weights; MGDA is the
    limit β = 1, γ → 0 with many updates per step.

    Source: Fernando et al., *Mitigating Gradient Bias in Multi-objective Learning* (MoCo,
    arXiv 2210.12624), a solver that was not made for unlearning; its update as summarised there.
    LibMTL's MoCo normalises the gradients and takes a softmax in place of the projection.

    Args:
        tracking: β, in [0, 1].
        dual_lr: γ.
        ridge: ρ.
    """

    def __init__(self, tracking: float = 0.5, dual_lr: float = 0.01, ridge: float = 0.0) -> None:
        super().__init__()
        self.tracking = tracking
        self.dual_lr = dual_lr
        self.ridge = ridge

    def begin(self, descent: Descent) -> None:
        """Forgets what was tracked."""
        super().begin(descent)
        self._tracked: Tensor | None = None
        self._weights: Tensor | None = None

    def forward(self, step: Step, /) -> Tensor:
        """Replaces the rows by the tracked gradients and weighs them."""
        rows = step.jacobian.rows
        if self._tracked is None or self._weights is None:
            self._tracked = rows.clone()
            self._weights = torch.full_like(step.gramian[..., 0], 0.5)
        self._tracked.lerp_(rows, self.tracking)
        rows.copy_(self._tracked)
        products = self.descent.products(step.jacobian, None)
        pull = (products @ self._weights[..., None])[..., 0] + self.ridge * self._weights
        self._weights = on_simplex(self._weights - self.dual_lr * pull)
        return self._weights

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"tracking={self.tracking}, dual_lr={self.dual_lr}, ridge={self.ridge}"


ENTRIES = (
    Entry.of(
        "moco",
        MoCo,
        summary="Min-norm point of gradients and weights that are tracked over the steps.",
        source="MoCo, Fernando et al., arXiv 2210.12624",
        knobs={
            "tracking": KnobSpec(None, "share of the new gradients in the mean", fraction),
            "dual_lr": KnobSpec({"loguniform": [0.001, 1.0]}, "step of the weights", above_zero),
            "ridge": KnobSpec(None, "pull of the weights towards equality", not_negative),
        },
    ),
)
