"""ExcessMTL: more weight for the loss that is further from its own optimum."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._rule import Descent, Rule, Step
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero, whole_above_zero

__all__ = ["ENTRIES", "ExcessMTL"]

_EPS = 1e-7


class ExcessMTL(Rule):
    """Weights that grow with estimates of the excess risks.

    What loss i is above its own optimum is estimated by Eᵢ = gᵢᵀ Hᵢ⁻¹ gᵢ with the diagonal
    Hᵢ = √(Σ gᵢ² + 1e-7) of all gradients so far, and compared with its mean over the first steps:

        λᵢ ← λᵢ exp(η Eᵢ/(Ēᵢ + 1e-7)) / Σ λ exp(η E/(Ē + 1e-7)).

    The weights are equal during those steps. The estimate needs room for one more gradient of each
    loss, and costs a pass over both.

    Source: He et al., *Robust Multi-Task Learning with Excess Risks* (arXiv 2402.02009, equations
    6 to 9), as TorchJD's ``ExcessMTLWeighting`` has it. Not carried over: the authors' code takes
    the first estimate alone for Ē, and at that step Eᵢ itself, about the sum of the absolute
    entries of gᵢ, which decides the weights for good in any but small models.

    Args:
        robust_lr: η.
        warm_up: Steps whose estimates are averaged to Ē; the paper takes three epochs.
    """

    def __init__(self, robust_lr: float = 1.0, warm_up: int = 10) -> None:
        super().__init__()
        self.robust_lr = robust_lr
        self.warm_up = warm_up

    def begin(self, descent: Descent) -> None:
        """Forgets all gradients."""
        super().begin(descent)
        self._squares: Tensor | None = None
        self._steps = 0

    def forward(self, step: Step, /) -> Tensor:
        """Weighs the gradients."""
        rows = step.jacobian.rows
        if self._squares is None:
            self._squares = torch.zeros_like(rows)
            self._usual = torch.zeros_like(step.gramian[..., 0])
            self._logits = torch.zeros_like(self._usual)
        self._squares.addcmul_(rows, rows)
        scaled = rows / (self._squares + _EPS).sqrt()
        excess = self.descent.products(step.jacobian, scaled).diagonal(dim1=-2, dim2=-1)
        if self._steps < self.warm_up:
            self._usual += excess / self.warm_up
        else:
            self._logits += self.robust_lr * excess / (self._usual + _EPS)
        self._steps += 1
        return self._logits.softmax(-1)

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"robust_lr={self.robust_lr}, warm_up={self.warm_up}"


ENTRIES = (
    Entry.of(
        "excess_mtl",
        ExcessMTL,
        summary="More weight for the loss that seems further from its own optimum.",
        source="ExcessMTL, He et al., arXiv 2402.02009",
        defects="the first estimate alone as the baseline, which decides the weights for good",
        knobs={
            "robust_lr": KnobSpec({"loguniform": [0.01, 10.0]}, "step of the weights", above_zero),
            "warm_up": KnobSpec(None, "first steps, of equal weights", whole_above_zero),
        },
    ),
)
