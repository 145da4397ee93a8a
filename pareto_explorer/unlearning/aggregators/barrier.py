"""Dynamic barrier: descend on one loss while the other is brought to a level."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._rule import Rule, Step
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, finite, not_negative

__all__ = ["ENTRIES", "BarrierForget", "BarrierRetain"]


class _Barrier(Rule):
    """Descends on one loss and holds the other, whose row is ``_constrained``, to a level."""

    _constrained: int

    def __init__(self, level: float, rate: float = 1.0, cap: float = 1.0) -> None:
        super().__init__()
        self.level = level
        self.rate = rate
        self.cap = cap

    def forward(self, step: Step, /) -> Tensor:
        """Weighs the gradients."""
        squares = step.gramian[..., self._constrained, self._constrained]
        whole = squares.sum()
        violation = self.rate * (step.losses[self._constrained].double() - self.level)
        # ψ of the whole gradient, of which each tensor has the share of its squared norm.
        psi = torch.minimum(violation, self.cap * whole) * squares / whole
        multiplier = ((psi - step.gramian[..., 0, 1]) / squares).clamp(min=0)
        multiplier = torch.where(squares > 0, multiplier, torch.where(squares == 0, 0.0, squares))
        weights = torch.ones_like(step.gramian[..., 0])
        weights[..., self._constrained] = multiplier
        return weights

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"level={self.level}, rate={self.rate}, cap={self.cap}"


class BarrierForget(_Barrier):
    """Descends on the retain loss and brings the forget loss to a level ε.

    With b = g_r·g_f, c = ‖g_f‖² and ψ = min(α (L_f − ε), β c), the step is

        d = g_r + max(0, (ψ − b)/c) g_f,

    so g_f·d ≥ ψ: above the level the forget loss falls at a rate that is proportional to what is
    left, and below it the loss may rise, but not faster than ψ allows. ε between the two
    single-objective solutions traces a front. A zero forget gradient leaves d = g_r. With a pair
    of weights for each parameter tensor, tensor i has to bring ψ ‖g_fⁱ‖²/‖g_f‖².

    A reconstruction: the ε-constrained unlearning of arXiv 2408.01689 (ICLR 2025) has no public
    code and does not state its control function ψ; this is dynamic-barrier gradient descent of Gong
    and Liu (*Automatic and Harmless Regularization with Constrained and Lexicographic
    Optimization: A Dynamic Barrier Approach*, NeurIPS 2021), on which it builds.

    Args:
        level: ε, in units of the forget loss.
        rate: α, at least 0.
        cap: β, in [0, ∞); at 1 the constraint never asks for more than g_f itself would bring.
    """

    _constrained = 1

    def __init__(self, level: float = 0.5, rate: float = 1.0, cap: float = 1.0) -> None:
        super().__init__(level, rate, cap)


class BarrierRetain(_Barrier):
    """Descends on the forget loss and brings the retain loss to a level ε.

    With a = ‖g_r‖² and ψ = min(α (L_r − ε), β a), the step is d = g_f + max(0, (ψ − b)/a) g_r,
    so g_r·d ≥ ψ. See :class:`BarrierForget`, of which it is the mirror image.

    Args:
        level: ε, in units of the retain cross-entropy.
        rate: α, at least 0.
        cap: β.
    """

    _constrained = 0

    def __init__(self, level: float = 0.1, rate: float = 1.0, cap: float = 1.0) -> None:
        super().__init__(level, rate, cap)


def _knobs(levels: Mapping[str, list[float]], summary: str) -> dict[str, KnobSpec]:
    return {
        "level": KnobSpec(levels, summary, finite),
        "rate": KnobSpec(None, "how fast what is above the level has to fall", not_negative),
        "cap": KnobSpec(None, "most that is asked, in squared gradient norms", not_negative),
    }


ENTRIES = (
    Entry.of(
        "barrier_forget",
        BarrierForget,
        summary="Retain gradient, plus what brings the forget loss to a level (reconstruction).",
        source="arXiv 2408.01689 as reconstructed by dynamic barriers, Gong and Liu, NeurIPS 2021",
        knobs=_knobs({"uniform": [0.0, 2.0]}, "forget loss to reach"),
    ),
    Entry.of(
        "barrier_retain",
        BarrierRetain,
        summary="Forget gradient, plus what keeps the retain loss to a level (reconstruction).",
        source="arXiv 2408.01689 as reconstructed by dynamic barriers, Gong and Liu, NeurIPS 2021",
        knobs=_knobs({"loguniform": [0.01, 1.0]}, "retain loss to keep to"),
    ),
)
