"""l1-sparse: fine-tuning that prefers small weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction, not_negative
from pareto_explorer.unlearning.methods._descent import GradientMethod, Setting, follow
from pareto_explorer.unlearning.methods._optimiser import optimiser

__all__ = ["ENTRIES", "L1Sparse"]


@dataclass(frozen=True, kw_only=True)
class L1Sparse(GradientMethod):
    """Descends on L(D_r) + α_t‖θ‖₁; the forget set is never read. L is the task's loss.

    α_t = α·(1 − t/T) falls linearly in step t and is 0 from T on, where T is the number of steps
    without the unpenalised ones at the end. The penalty enters through its subgradient α_t·sign(θ).

    Source: Jia et al., *Model Sparsity Can Simplify Machine Unlearning* (arXiv 2304.04934), whose
    code lets α fall by epochs. It penalises all parameters, batch norm included, and so does this.

    Attributes:
        alpha: α, the first weight of the penalty.
        unpenalised: Share of the steps, at the end, that go without the penalty.
    """

    lr: float = 0.1
    alpha: float = 1e-4
    unpenalised: float = 0.0

    def prepare(self, setting: Setting) -> Callable[[], None]:
        """Prepares one run."""
        fine_tune = follow(setting, "retain", setting.data.loss)
        parameters: list[Tensor] = [*setting.parameters]
        penalised = setting.steps * (1 - self.unpenalised)

        def write_gradients() -> None:
            fine_tune()
            left = 1 - setting.ledger.step / penalised if penalised else 0.0
            if left > 0:
                gradients = cast("list[Tensor]", [p.grad for p in parameters])
                with torch.no_grad():
                    signs = torch._foreach_sign(parameters)
                torch._foreach_add_(gradients, signs, alpha=self.alpha * left)

        return write_gradients


ENTRIES = (
    Entry.of(
        "l1_sparse",
        L1Sparse,
        summary="Fine-tunes on the retain set with an l1 penalty that fades out.",
        source="Jia et al., arXiv 2304.04934",
        defects="RAUL's configuration seems to swap lr and alpha",
        knobs=optimiser([0.01, 0.3])
        | {
            "alpha": KnobSpec(
                {"loguniform": [1e-5, 2e-3]},
                "first weight of the l1 penalty, which falls to 0",
                not_negative,
            ),
            "unpenalised": KnobSpec(None, "share of the last steps without the penalty", fraction),
        },
    ),
)
