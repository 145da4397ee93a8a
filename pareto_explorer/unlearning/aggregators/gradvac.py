"""GradVac: gradients are pulled towards the angle that they usually have."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._weighting import Weighting
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, fraction

__all__ = ["ENTRIES", "GradVac"]


class GradVac(Weighting):
    """Gradient vaccine for two objectives.

    φ̂ is the running mean of the cosine φ, φ̂ ← (1 − β) φ̂ + β φ after each step, and starts at 0.
    Where φ < φ̂, each gradient is changed along the other until their cosine would be φ̂:

        w_r = 1 + ‖g_f‖ K/‖g_r‖,  w_f = 1 + ‖g_r‖ K/‖g_f‖,
        K = (φ̂ √(1 − φ²) − φ √(1 − φ̂²)) / √(1 − φ̂²),

    and the step is the sum of both. With φ̂ = 0 this is PCGrad. A zero gradient has the cosine 0
    and changes nothing. It keeps a state: each run of a method has a copy.

    Source: Wang et al., *Gradient Vaccine* (arXiv 2010.05874); the closed form of TorchJD's
    ``GradVac``, whose order of visits does not matter for two objectives.

    Args:
        beta: β, in [0, 1].
    """

    keeps_state: ClassVar[bool] = True

    def __init__(self, beta: float = 0.5) -> None:
        super().__init__()
        self.beta = beta
        self._usual: Tensor | None = None

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        norms = gramian.diagonal(dim1=-2, dim2=-1).sqrt()
        product, size = gramian[..., 0, 1], norms.prod(-1)
        cosine = torch.where(size == 0, 0.0, product / size).clamp(-1, 1)
        usual = torch.zeros_like(cosine) if self._usual is None else self._usual
        self._usual = (1 - self.beta) * usual + self.beta * cosine

        sine, usual_sine = ((1 - x) * (1 + x) for x in (cosine, usual))
        tiny = torch.finfo(gramian.dtype).tiny
        pull = usual * (sine / usual_sine.clamp(min=tiny)).sqrt() - cosine
        pull = torch.where(cosine < usual, pull, 0.0)[..., None]
        # A mean of 1 cannot be reached from another angle; and next to a zero gradient there is
        # no angle.
        reachable = (usual_sine > 0) & (size > 0)
        ratio = torch.where(reachable[..., None], norms.flip(-1) / norms, 0.0)
        return torch.where(torch.isnan(size)[..., None], size[..., None], 1 + ratio * pull)

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"beta={self.beta}"


ENTRIES = (
    Entry.of(
        "gradvac",
        GradVac,
        summary="Pulls the gradients towards the angle that they usually have.",
        source="GradVac, Wang et al., arXiv 2010.05874",
        knobs={
            "beta": KnobSpec(None, "share of the new cosine in the mean", fraction),
        },
    ),
)
