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

    _shares: Tensor

    def __init__(self, preference: float = 0.5) -> None:
        super().__init__()
        self.register_buffer("_shares", shares(preference), persistent=False)

    @property
    def preference(self) -> float:
        """p_f."""
        return self._shares[0, 1].item()

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1)
        return project(squares, gramian[..., :1, 1], self._shares.to(gramian))

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"preference={self.preference}"


def shares(preference: float) -> Tensor:
    """Returns ((p_r, p_f), (p_f, p_r)) in float64."""
    own = torch.tensor((1 - preference, preference), dtype=torch.float64)
    return torch.stack((own, own.flip(0)))


def project(squares: Tensor, product: Tensor, shares: Tensor) -> Tensor:
    """Combines the projections of both gradients on their dual cone.

    Args:
        squares: (a, c), the squared norms, of shape (..., 2).
        product: b, the inner product, of shape (..., 1).
        shares: As :func:`shares` gives them.

    Returns:
        Weights of shape (..., 2).
    """
    own, other = shares
    # The product with a zero gradient is 0, so this divides 0 by a tiny number at worst.
    shift = product.clamp(max=0) / squares.clamp(min=torch.finfo(squares.dtype).tiny)
    return torch.addcmul(own, other, shift, value=-1)
