"""GradDrop: gradient sign dropout."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._rule import Rule, Step
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction

__all__ = ["ENTRIES", "GradDrop"]


class GradDrop(Rule):
    """Keeps, in each coordinate, only the gradients of one sign, which is drawn.

    With the purity P = ½(1 + Σᵢ gᵢ / Σᵢ |gᵢ|) of a coordinate and U uniform in [0, 1), the positive
    entries stay if P > U, the negative ones if P < U; the step is the sum of what stays, plus the
    share ``leak`` of what does not. No weights of whole gradients can express it. Where both
    gradients are zero the step is zero (the published purity is 0/0 there).

    Source: Chen et al., *Just Pick a Sign* (arXiv 2010.06808, algorithm 1, lines 10 to 15), as
    TorchJD's ``GradDrop`` has it.

    Args:
        leak: Share of the dropped entries that passes nevertheless, in [0, 1].
    """

    def __init__(self, leak: float = 0.0) -> None:
        super().__init__()
        self.leak = leak

    def forward(self, step: Step, /) -> Tensor:
        """Drops entries of the rows, whose weights are then 1."""
        rows = step.jacobian.rows
        drawn = torch.rand(
            rows.shape[1], generator=self.descent.generator, dtype=rows.dtype, device=rows.device
        )
        rows.copy_(drop(rows, drawn, self.leak))
        return torch.ones_like(step.gramian[..., 0])

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"leak={self.leak}"


def drop(rows: Tensor, drawn: Tensor, leak: float) -> Tensor:
    """Drops the entries of the sign that lost.

    Args:
        rows: Gradients of shape (m, n).
        drawn: U, of shape (n,).
        leak: Share that passes nevertheless.
    """
    purity = (1 + rows.sum(0) / rows.abs().sum(0)) / 2
    kept = torch.where(rows > 0, purity > drawn, purity < drawn)
    factor = kept.to(rows.dtype).lerp(torch.ones_like(rows), leak)
    return torch.where(rows == 0, 0.0, factor * rows)


ENTRIES = (
    Entry.of(
        "graddrop",
        GradDrop,
        summary="Keeps the gradients of one drawn sign in each coordinate.",
        source="GradDrop, Chen et al., arXiv 2010.06808, algorithm 1",
        knobs={
            "leak": KnobSpec(None, "share of dropped entries that passes", fraction),
        },
    ),
)
