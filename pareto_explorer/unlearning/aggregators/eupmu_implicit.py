"""EUPMU with the implicit dual update."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._rule import Rule, Step
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero, not_negative

__all__ = ["ENTRIES", "EUPMUImplicit"]


class EUPMUImplicit(Rule):
    """Utility-preserving unlearning whose multiplier learns from what the retain loss really did.

    The step is d = g_f + λ g_r. After it the retain loss of the same batch is measured again, one
    more forward pass without gradient, and

        λ ← max(0, λ − β δ),  δ = (L_r before − L_r after)/η + ε,

    so the multiplier grows when the retain loss rose by more than ηε. The pass does not move
    running statistics.

    Source: *Efficient Utility-Preserving Machine Unlearning with Implicit Gradient Surgery*
    (arXiv 2510.22124). The authors' code does this on logarithms of losses with Adam on the
    multiplier, and with the opposite sign of ε: it subtracts from the fall of the loss what the
    paper adds. The update here is the paper's. Momentum makes δ the change by the whole velocity,
    as it does in their code.

    Args:
        epsilon: ε, the rise of the retain loss that is tolerated, per unit of learning rate.
        dual_lr: β.
        multiplier: λ before the first step.
    """

    _multiplier: Tensor

    def __init__(
        self, epsilon: float = 0.01, dual_lr: float = 0.1, multiplier: float = 1.0
    ) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.dual_lr = dual_lr
        self._first = multiplier
        start = torch.tensor(float(multiplier), dtype=torch.float64)
        self.register_buffer("_multiplier", start, persistent=False)

    @property
    def multiplier(self) -> float:
        """λ before the first step."""
        return self._first

    def forward(self, step: Step, /) -> Tensor:
        """Weighs the gradients."""
        self._before = step.losses[0]
        return torch.stack((self._multiplier, torch.ones_like(self._multiplier)))

    def after(self) -> None:
        """Moves the multiplier by the observed change of the retain loss."""
        fall = (self._before - self.descent.retain_again()).double() / self.descent.lr()
        change = self.dual_lr * (fall + self.epsilon)
        self._multiplier = (self._multiplier - change).clamp(min=0)

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"epsilon={self.epsilon}, dual_lr={self.dual_lr}, multiplier={self.multiplier}"


ENTRIES = (
    Entry.of(
        "eupmu_implicit",
        EUPMUImplicit,
        summary="Forget gradient plus a multiple of the retain gradient that learns from its loss.",
        source="EUPMU, arXiv 2510.22124 (implicit)",
        defects="ε with the opposite sign",
        knobs={
            "epsilon": KnobSpec(
                {"loguniform": [0.001, 1.0]},
                "tolerated rise of the retain loss per unit of learning rate",
                not_negative,
            ),
            "dual_lr": KnobSpec(None, "learning rate of the multiplier", above_zero),
            "multiplier": KnobSpec(None, "weight of the retain gradient at first", not_negative),
        },
    ),
)
