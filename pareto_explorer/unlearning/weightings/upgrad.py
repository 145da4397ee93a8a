"""UPGrad: project each gradient on the dual cone, then combine."""

from __future__ import annotations

import torch
from torch import Tensor

from pareto_explorer.unlearning.weightings.preference import PreferenceWeighting

__all__ = ["UPGrad", "project"]


class UPGrad(PreferenceWeighting):
    """Unconflicting projection of gradients, exact for two objectives.

    With a = ‖g_r‖², b = g_r·g_f, c = ‖g_f‖² and m = max(0, −b), the weights are
    (p_r + p_f m/a, p_f + p_r m/c): where the gradients conflict, each is replaced by its
    projection on the plane orthogonal to the other. The step never raises a loss to first order.

    A zero gradient conflicts with nothing, so the weights are then (p_r, p_f).

    Source: Quinton and Rey, *Jacobian Descent for Multi-Objective Optimization*
    (arXiv 2406.16232, section 3).

    Args:
        preference: p_f, the weight of the projected forget gradient, in [0, 1]; p_r = 1 − p_f.
    """

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1)
        return project(squares, gramian[..., :1, 1], self.shares(gramian))


def project(squares: Tensor, product: Tensor, shares: Tensor) -> Tensor:
    """Combines the projections of both gradients on their dual cone.

    Args:
        squares: (a, c), the squared norms, of shape (..., 2).
        product: b, the inner product, of shape (..., 1).
        shares: ((p_r, p_f), (p_f, p_r)).

    Returns:
        Weights of shape (..., 2).
    """
    own, other = shares
    # The product with a zero gradient is 0, so this divides 0 by a tiny number at worst.
    shift = product.clamp(max=0) / squares.clamp(min=torch.finfo(squares.dtype).tiny)
    return torch.addcmul(own, other, shift, value=-1)
