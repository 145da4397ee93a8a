"""What the weightings read off a Gramian: lengths and the angle in between."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Plane", "resolution"]


def resolution(dtype: torch.dtype) -> float:
    """Returns the sin²φ below which products of a precision no longer determine the plane.

    Computed as 1 − cos²φ, it has lost all but a few digits there.
    """
    return 1e-10 if dtype == torch.float64 else 1e-4


class Plane(NamedTuple):
    """Lengths and angle of two gradients.

    A zero gradient counts as orthogonal to the other one, and the inverse of its length as 0, so
    that a rule which scales with the inverse uses the other gradient alone.

    Attributes:
        squares: (a, c), the squared lengths, of shape (..., 2).
        inverse: (1/‖g_r‖, 1/‖g_f‖), of shape (..., 2).
        cosine: cos φ, in [−1, 1], of shape (..., 1).
        squared_sine: sin²φ, of shape (..., 1).
    """

    squares: Tensor
    inverse: Tensor
    cosine: Tensor
    squared_sine: Tensor

    @classmethod
    def of(cls, gramian: Tensor) -> Plane:
        """Reads Gramians of shape (..., 2, 2)."""
        squares = gramian.diagonal(dim1=-2, dim2=-1)
        inverse = torch.where(squares > 0, squares.rsqrt(), 0.0)
        cosine = (gramian[..., :1, 1] * inverse.prod(-1, keepdim=True)).clamp(-1, 1)
        return cls(squares, inverse, cosine, 1 - cosine.square())

    def colinear(self) -> Tensor:
        """Says where the gradients are parallel as far as their products tell, (..., 1)."""
        return self.squared_sine < resolution(self.squares.dtype)

    def opposite(self) -> Tensor:
        """Says where they are parallel and point in opposite directions, (..., 1)."""
        return self.colinear() & (self.cosine < 0)
