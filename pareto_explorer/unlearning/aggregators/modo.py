"""MoDo: min-norm weights from two independent batches."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._rule import Descent, Rule, Step
from pareto_explorer.unlearning.aggregators.moco import on_simplex
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero, not_negative

__all__ = ["ENTRIES", "MoDo"]


class MoDo(Rule):
    """Multi-objective gradient descent with double sampling.

    Each step draws two independent pairs of batches, whose gradients J₁ and J₂ give

        λ ← P(λ − γ (J₁J₂ᵀ + ρI) λ),  d = ½ (J₁ + J₂)ᵀ λ,

    with the projection P on the simplex and equal weights at first. J₁J₂ᵀ is the Gramian of the
    expected gradients without the bias of squared noise, so the weights follow MGDA's without
    gradients that are tracked over the steps as MoCo's are.

    Source: Chen et al., *Three-Way Trade-Off in Multi-Objective Learning* (arXiv 2305.20057; JMLR
    2024, equations 2.9), whose weights are those of TorchJD's ``MoDoWeighting``. LibMTL and an
    option of the authors' code take the step on a third pair of batches instead.

    Args:
        dual_lr: γ.
        ridge: ρ.
    """

    def __init__(self, dual_lr: float = 0.1, ridge: float = 0.1) -> None:
        super().__init__()
        self.dual_lr = dual_lr
        self.ridge = ridge

    def begin(self, descent: Descent) -> None:
        """Forgets the weights."""
        super().begin(descent)
        self._weights: Tensor | None = None

    def forward(self, step: Step, /) -> Tensor:
        """Draws a second pair of batches, and weighs the means of the gradients of both."""
        first, products = self.descent.resample(step.jacobian)
        step.jacobian.rows.lerp_(first, 0.5)
        return self.weigh(products)

    def weigh(self, products: Tensor) -> Tensor:
        """Updates the weights.

        Args:
            products: J₁J₂ᵀ, of shape (..., 2, 2); not symmetric.

        Returns:
            Shape (..., 2).
        """
        weights = self._weights
        if weights is None:
            weights = torch.full_like(products[..., 0], 0.5)
        pull = (products @ weights[..., None])[..., 0] + self.ridge * weights
        self._weights = on_simplex(weights - self.dual_lr * pull)
        return self._weights

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"dual_lr={self.dual_lr}, ridge={self.ridge}"


ENTRIES = (
    Entry.of(
        "modo",
        MoDo,
        summary="Min-norm weights without bias: two batches of each set a step.",
        source="MoDo, Chen et al., arXiv 2305.20057",
        knobs={
            "dual_lr": KnobSpec({"loguniform": [0.001, 1.0]}, "step of the weights", above_zero),
            "ridge": KnobSpec(None, "pull of the weights towards equality", not_negative),
        },
    ),
)
