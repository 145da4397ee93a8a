"""Aligned-MTL: make the gradients orthogonal and equally long, then combine."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from pareto_explorer.errors import unknown
from pareto_explorer.unlearning.aggregators._preference import PreferenceWeighting, preference_knob
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, one_of

__all__ = ["ENTRIES", "SCALES", "AlignedMTL"]

SCALES = ("min", "rmse")


class AlignedMTL(PreferenceWeighting):
    """Independent component alignment, exact for two objectives.

    The weights are σ G^(−½) p for the Gramian G and the preference p: the gradients are replaced
    by the orthogonal pair of one length σ that is nearest to them. With a, b, c the entries of G,
    S² = ac − b² and T² = a + c + 2S,

        w_r = σ [(c + S) p_r − b p_f] / (S T),  w_f = σ [(a + S) p_f − b p_r] / (S T),

    and ‖d‖ = σ‖p‖. σ² is the smaller eigenvalue of G, or the mean of both. For two objectives
    TorchJD's ``median`` is ``min``.

    Where G has rank 1 or 0 up to rounding, d = p_r g_r + p_f g_f, as in TorchJD: for parallel
    gradients, a zero one, or one that is more than about 1e8 times as long as the other. Close to
    rank 1 with the scale ``min``, σ and the step vanish.

    A step can raise a loss: at equal preference the retain loss rises if b < −(a + S), the forget
    loss if b < −(c + S).

    Source: Senushkin et al., *Independent Component Alignment for Multi-Task Learning* (CVPR 2023,
    algorithm 1; arXiv 2305.19000).

    Args:
        preference: p_f, in [0, 1]; p_r = 1 − p_f.
        scale: ``min`` or ``rmse``.

    Raises:
        InputError: When the scale has no such name.
    """

    def __init__(self, preference: float = 0.5, scale: Literal["min", "rmse"] = "min") -> None:
        super().__init__(preference)
        if scale not in SCALES:
            raise unknown("scale", scale, SCALES)
        self.scale = scale

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares, product = gramian.diagonal(dim1=-2, dim2=-1), gramian[..., :1, 1]
        trace = squares.sum(-1, keepdim=True)
        area = (squares.prod(-1, keepdim=True) - product.square()).clamp(min=0).sqrt()
        skew = squares.diff(dim=-1)
        largest = (trace + torch.hypot(skew, 2 * product)) / 2
        # σ/S: for the smaller eigenvalue, S²/largest, no division by S is needed.
        scale = largest.rsqrt() if self.scale == "min" else (trace / 2).sqrt() / area

        own, other = self.shares(gramian)
        balanced = (squares.flip(-1) + area) * own - product * other
        weights = scale * (trace + 2 * area).rsqrt() * balanced
        ranked = area.square() > 2 * torch.finfo(gramian.dtype).eps * largest.square()
        return torch.where(ranked, weights, own)

    def extra_repr(self) -> str:
        """Shows the knobs in ``repr``."""
        return f"{super().extra_repr()}, scale={self.scale}"


ENTRIES = (
    Entry.of(
        "aligned_mtl",
        AlignedMTL,
        summary="Combines the nearest orthogonal gradients of one length.",
        source="Aligned-MTL, Senushkin et al., arXiv 2305.19000, algorithm 1",
        knobs={
            "preference": preference_knob(
                "weight of the aligned forget gradient; retain has the rest"
            ),
            "scale": KnobSpec(None, "length of the aligned gradients", one_of(SCALES)),
        },
    ),
)
