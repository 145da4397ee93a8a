"""DualProj: combine the gradients, then project on the dual cone."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.aggregators._preference import PreferenceWeighting, preference_knob
from pareto_explorer.unlearning.core.entries import Entry

__all__ = ["ENTRIES", "DualProj"]


class DualProj(PreferenceWeighting):
    """Projection of the weighted sum on the dual cone, exact for two objectives.

    With a = ‖g_r‖², b = g_r·g_f and c = ‖g_f‖², the weights are
    (max(p_r, −b p_f/a), max(p_f, −b p_r/c)), of which at most one differs from the preference: the
    step is the nearest one to p_r g_r + p_f g_f that raises no loss to first order. Where the
    shorter gradient is outvoted, the step is orthogonal to it.

    A zero gradient forbids nothing.

    Source: Lopez-Paz and Ranzato, *Gradient Episodic Memory for Continual Learning*
    (arXiv 1706.08840, equation 11), as Quinton and Rey name it (arXiv 2406.16232). TorchJD's
    default regularises the Gramian, which loses the promise at unequal norms as it does for
    :class:`~pareto_explorer.unlearning.aggregators.upgrad.UPGradTorchJD`; it is not done here.

    Args:
        preference: p_f, the weight of the forget gradient before the projection, in [0, 1];
            p_r = 1 − p_f.
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1).clamp(min=torch.finfo(gramian.dtype).tiny)
        own, other = self.shares(gramian)
        return torch.maximum(own, -gramian[..., :1, 1] * other / squares)


ENTRIES = (
    Entry.of(
        "dualproj",
        DualProj,
        summary="Projects a weighted sum on the dual cone, exactly; no loss rises to first order.",
        source="Lopez-Paz and Ranzato, arXiv 1706.08840, equation 11",
        knobs={
            "preference": preference_knob(
                "weight of the forget gradient before projection; retain has the rest"
            ),
        },
    ),
)
