"""CUP: pivot the step between the extreme rays of the dual cone."""

from __future__ import annotations

import torch
from torch import Tensor
from torchjd.aggregation import Weighting
from torchjd.linalg import PSDMatrix

__all__ = ["CUP"]


class CUP(Weighting[PSDMatrix]):
    """Controllable unlearning by pivoting gradient.

    Let φ be the angle between the gradients, ω = π − φ the opening of their dual cone, r⊥ the
    unit vector in their plane that is orthogonal to g_f and ascends with g_r, and
    L = ‖g_r + g_f‖/2. The step is d = L (sin(γω) ĝ_f + cos(γω) r⊥), so

        w_r = L cos(γω) / (‖g_r‖ sin φ),  w_f = L cos((1 − γ)ω) / (‖g_f‖ sin φ).

    γ = 0 leaves the forget loss alone, γ = 1 the retain loss, γ = ½ is the angle bisector, and no
    loss rises to first order for any γ in [0, 1]. ‖d‖ = L. Without conflict a weight can be
    negative: the rule then also removes the help that one gradient is to the other.

    Where sin²φ vanishes next to rounding, the plane is lost and d = L (ĝ_r + ĝ_f)/2: the common
    direction at length L for equal directions, no step for opposite ones. Where one gradient is
    zero, d is half of the other, which has length L too.

    Source: Hwang and Lim, *Controllable Machine Unlearning by Pivoting Gradient*
    (arXiv 2510.19226). The authors' code adds 1e-6 to ‖g_r‖² and steps twice per gradient; neither
    is done here.

    Args:
        intensity: γ, in [0, 1].
    """

    def __init__(self, intensity: float = 0.5) -> None:
        super().__init__()
        self.intensity = intensity

    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (..., 2)."""
        product = gramian[..., 0, 1]
        squares = gramian.diagonal(dim1=-2, dim2=-1)
        norms = squares.clamp(min=0).sqrt()
        length = (squares.sum(-1) + 2 * product).clamp(min=0).sqrt()[..., None] / 2

        cos = (product / norms.prod(-1)).clamp(-1, 1)
        squared_sin = (1 - cos) * (1 + cos)
        sin = squared_sin.sqrt()
        opening = torch.atan2(sin, -cos)
        pivot = torch.stack((self.intensity * opening, (1 - self.intensity) * opening), -1).cos()

        inverse = torch.where(norms > 0, 1 / norms, 0.0)
        bisector = inverse / (norms > 0).sum(-1, keepdim=True).clamp(min=1)
        # Below these, float64 and float32 products no longer determine the plane.
        smallest = 1e-10 if gramian.dtype == torch.float64 else 1e-4
        plane = (squared_sin >= smallest)[..., None]
        return length * torch.where(plane, pivot * inverse / sin[..., None], bisector)

    def extra_repr(self) -> str:
        """Shows the knob in ``repr``."""
        return f"intensity={self.intensity}"
