"""Any weighting, with the retain gradient averaged over the steps."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._rule import Descent, Rule, Step
from pareto_explorer.unlearning.aggregators._weighting import Weighting

__all__ = ["TrackedRetain"]


class TrackedRetain(Rule):
    """Weighs the forget gradient and a moving average of the retain gradient.

    The retain gradient becomes ḡ ← (1 − β) ḡ + β g_r, from ḡ = 0, before a weighting looks at the
    pair. What the weighting promises of g_r then holds for ḡ, a retain gradient of more batches
    than one. The diagnostics are those of the gradients of the step.

    Source: the authors' code of GRU (arXiv 2503.09117), where β is ``moving_avg``.

    Args:
        weighting: What weighs the pair.
        tracking: β, in [0, 1].
    """

    def __init__(self, weighting: Weighting, tracking: float = 0.8) -> None:
        super().__init__()
        self.weighting = weighting
        self.tracking = tracking

    def begin(self, descent: Descent) -> None:
        """Forgets what was tracked."""
        super().begin(descent)
        self._tracked: Tensor | None = None

    def forward(self, step: Step, /) -> Tensor:
        """Replaces the retain gradient by its average and weighs the rows."""
        row = step.jacobian.rows[0]
        if self._tracked is None:
            self._tracked = torch.zeros_like(row)
        row.copy_(self._tracked.lerp_(row, self.tracking))
        return self.weighting(self.descent.products(step.jacobian, None))

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"tracking={self.tracking}"
