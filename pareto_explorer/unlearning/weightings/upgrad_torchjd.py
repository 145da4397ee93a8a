"""UPGrad as TorchJD computes it by default."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.weightings.preference import PreferenceWeighting
from pareto_explorer.unlearning.weightings.upgrad import project

__all__ = ["UPGradTorchJD"]

_NORM_EPS = 1e-4
_REG_EPS = 1e-4


class UPGradTorchJD(PreferenceWeighting):
    """The closed form of ``torchjd.aggregation.UPGrad`` with its default projector.

    The library divides the Gramian by its trace t and adds 1e-4 to the diagonal, which is
    :class:`UPGrad` with a + 1e-4·t and c + 1e-4·t in place of a and c; below t = 1e-4 the weights
    are (p_r, p_f). Once one gradient is much shorter than the other, as ‖g_r‖ is at a converged
    model, the correction of the shorter one is damped and the promise that no loss rises is lost:
    at ‖g_r‖/‖g_f‖ = 1e-3 and an angle of 120°, cos(d, g_r) = −0.496.

    Published results that were computed with the library's defaults need this form.

    Source: torchjd 0.18, ``QuadprogProjector(norm_eps=1e-4, reg_eps=1e-4)``.

    Args:
        preference: p_f, in [0, 1]; p_r = 1 − p_f.
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1)
        trace = squares.sum(-1, keepdim=True)
        product = torch.where(trace < _NORM_EPS, 0.0, gramian[..., :1, 1])
        return project(squares + _REG_EPS * trace, product, self.shares(gramian))
