"""GRU: rectify the forget gradient against the retain gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._tracked_retain import TrackedRetain
from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, absent_or_above_zero, fraction

__all__ = ["ENTRIES", "GRU"]


class GRU(Weighting):
    """Gradient rectified unlearning: forget only, but never against the retain loss.

    With a = ‖g_r‖², b = g_r·g_f, c = ‖g_f‖² and m = max(0, −b), the weights are (m/a, 1): in
    conflict the forget gradient loses its part along g_r. A cap on the length of the step
    multiplies both weights by min(1, cap/‖d‖). Neither loss rises to first order, but nothing
    repairs the retain loss either: the step has no part of g_r of its own.

    Source: Wang et al., *GRU: Mitigating the Trade-off between Unlearning and Retention for Large
    Language Models* (arXiv 2503.09117). HAMU's code, where GRU is a baseline, rectifies in the
    wrong case (see :class:`~pareto_explorer.unlearning.aggregators.pcgrad.PCGrad`); it is not done
    here.
    The authors' code rectifies against a moving average of the retain gradient, with 0.8 for the
    new one: the knob ``tracking`` of ``gru`` (see
    :class:`~pareto_explorer.unlearning.aggregators.TrackedRetain`), which the preset ``gru`` sets.

    Args:
        cap: Longest step that is taken, above 0; ``None``: any.
    """

    def __init__(self, cap: float | None = None) -> None:
        super().__init__()
        self.cap = cap

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        a, conflict = gramian[..., :1, 0], gramian[..., :1, 1].clamp(max=0)
        share = -conflict / a.clamp(min=torch.finfo(gramian.dtype).tiny)
        weights = torch.cat((share, torch.ones_like(share)), -1)
        if self.cap is None:
            return weights
        length = (gramian[..., 1:, 1] + share * conflict).clamp(min=0).sqrt()
        return weights * (self.cap / length).clamp(max=1)

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"cap={self.cap}"


def _gru(cap: float | None = None, tracking: float = 1.0) -> GRU | TrackedRetain:
    """Builds GRU, on a moving average of the retain gradient if one is asked for."""
    return GRU(cap) if tracking == 1 else TrackedRetain(GRU(cap), tracking)


ENTRIES = (
    Entry.of(
        "gru",
        _gru,
        summary="Forget gradient without its part against the retain gradient.",
        source="GRU, Wang et al., arXiv 2503.09117",
        defects="HAMU's copy projects when there is no conflict",
        knobs={
            "cap": KnobSpec(None, "longest step that is taken; null: any", absent_or_above_zero),
            "tracking": KnobSpec(
                None,
                "share of the new retain gradient in its moving average; 1: there is none",
                fraction,
            ),
        },
    ),
)
