"""UPGrad: project each gradient on the dual cone, then combine."""

from __future__ import annotations

import torch
from torch import Tensor
from torchjd.aggregation import Weighting
from torchjd.linalg import PSDMatrix

__all__ = ["UPGrad", "project"]


class UPGrad(Weighting[PSDMatrix]):
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

    def __init__(self, preference: float = 0.5) -> None:
        super().__init__()
        self.preference = preference

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        return project(gramian.diagonal(dim1=-2, dim2=-1), gramian[..., 0, 1], self.preference)

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"preference={self.preference}"


def project(squares: Tensor, product: Tensor, preference: float) -> Tensor:
    """Combines the projections of both gradients on their dual cone.

    Args:
        squares: (a, c), the squared norms, of shape (..., 2).
        product: b, the inner product, of shape (...).
        preference: p_f.

    Returns:
        Weights of shape (..., 2).
    """
    conflict = (-product).clamp(min=0)[..., None]
    shift_r, shift_f = torch.where(squares > 0, conflict / squares, 0.0).unbind(-1)
    p_f, p_r = preference, 1 - preference
    return torch.stack((p_r + p_f * shift_r, p_f + p_r * shift_f), dim=-1)
