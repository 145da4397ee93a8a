"""SDMGrad: direction-oriented weights from two independent batches."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._preference import preference_knob
from pareto_explorer.unlearning.aggregators._rule import Descent, Rule, Step
from pareto_explorer.unlearning.aggregators.moco import on_simplex
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import (
    KnobSpec,
    above_zero,
    below_one,
    not_negative,
    whole_above_zero,
)

__all__ = ["ENTRIES", "SDMGrad"]


class SDMGrad(Rule):
    """Stochastic direction-oriented multi-objective gradient descent.

    Each step draws three independent pairs of batches. The products A = J₁J₂ᵀ of the first two,
    divided by the square of the mean of √max(Aᵢᵢ, 0), are an estimate of the Gramian without the
    bias of squared noise; the weights are

        (w + λp)/(1 + λ),  w ← P(w − ζ v),  v ← μ v + A (w + λp),

    after some rounds that start from the weights of the step before, v from 0; P projects on the
    simplex. They combine the gradients of the third pair, to which the ledger's samples add up.

    Source: Xiao, Ban and Ji (arXiv 2305.18409), as TorchJD's ``SDMGradWeighting`` has it.

    Args:
        direction: λ ≥ 0, how strongly the preferred direction pulls.
        preference: p_f, the forget gradient's share in it; retain has the rest.
        inner_lr: ζ.
        inner_momentum: μ.
        rounds: Updates of w per step.
    """

    def __init__(
        self,
        direction: float = 0.3,
        preference: float = 0.5,
        inner_lr: float = 10.0,
        inner_momentum: float = 0.5,
        rounds: int = 20,
    ) -> None:
        super().__init__()
        self.direction = direction
        self.preference = preference
        self.inner_lr = inner_lr
        self.inner_momentum = inner_momentum
        self.rounds = rounds

    def begin(self, descent: Descent) -> None:
        """Forgets the weights."""
        super().begin(descent)
        self._weights: Tensor | None = None

    def forward(self, step: Step, /) -> Tensor:
        """Draws two more pairs of batches and weighs the gradients of the last."""
        jacobian = step.jacobian
        _, products = self.descent.resample(jacobian)
        jacobian.differentiate(self.descent.draw())
        return self.weigh(products)

    def weigh(self, products: Tensor) -> Tensor:
        """Updates the weights.

        Args:
            products: J₁J₂ᵀ, of shape (..., 2, 2); not symmetric.

        Returns:
            Shape (..., 2).
        """
        preferred = products.new_tensor((1 - self.preference, self.preference))
        weights = self._weights
        if weights is None:
            weights = torch.full_like(products[..., 0], 0.5)
        scale = products.diagonal(dim1=-2, dim2=-1).clamp(min=0).sqrt().mean(-1)
        scaled = products / (scale.square() + 1e-8)[..., None, None]
        velocity = torch.zeros_like(weights)
        for _ in range(self.rounds):
            pull = (scaled @ (weights + self.direction * preferred)[..., None])[..., 0]
            velocity = self.inner_momentum * velocity + pull
            weights = on_simplex(weights - self.inner_lr * velocity)
        self._weights = weights
        return (weights + self.direction * preferred) / (1 + self.direction)

    def extra_repr(self) -> str:
        """Shows the first knobs in ``repr``."""
        return f"direction={self.direction}, preference={self.preference}"


ENTRIES = (
    Entry.of(
        "sdmgrad",
        SDMGrad,
        summary="Preferred min-norm point, without bias: three batches of each set a step.",
        source="SDMGrad, Xiao et al., arXiv 2305.18409",
        knobs={
            "direction": KnobSpec(
                {"loguniform": [0.01, 10.0]},
                "how strongly the preferred direction pulls",
                not_negative,
            ),
            "preference": preference_knob(
                "share of the forget gradient in it; retain has the rest"
            ),
            "inner_lr": KnobSpec(None, "step of the weights", above_zero),
            "inner_momentum": KnobSpec(None, "momentum of the weights", below_one),
            "rounds": KnobSpec(None, "updates of the weights per step", whole_above_zero),
        },
    ),
)
