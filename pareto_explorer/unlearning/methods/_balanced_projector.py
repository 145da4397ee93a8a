"""Projection on the dual cone of any number of gradients, of whatever lengths."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor
from torchjd.linalg import DualConeProjector, PSDMatrix, QuadprogProjector

__all__ = ["BalancedProjector"]


class BalancedProjector(DualConeProjector):
    """TorchJD's quadratic program on gradients that are brought to unit length first.

    With D = diag(1/‖gᵢ‖), min vᵀGv subject to v ≥ u is min v'ᵀ(DGD)v' subject to v' ≥ D⁻¹u, where
    v = Dv'. The solution is the same, but the regularisation that the solver needs is then
    relative to every gradient rather than to the longest, and can be tiny. TorchJD's default
    adds 1e-4 of the trace, which gives up the promise that no loss rises as soon as one gradient
    is a hundred times shorter than another.

    The solver runs on the CPU, so the host waits for the device.

    Args:
        regularisation: Added to the diagonal of DGD / m.
    """

    def __init__(self, regularisation: float = 1e-10) -> None:
        # The trace is a whole number: below a half, all gradients are zero.
        self._solver = QuadprogProjector(norm_eps=0.5, reg_eps=regularisation)

    def __call__(self, U: Tensor, G: PSDMatrix) -> Tensor:  # noqa: N803 - as TorchJD names them
        """Maps weights (..., m) and a Gramian (m, m) to the weights (..., m) of the projections.

        A zero gradient keeps its weight.
        """
        norms = G.diagonal().sqrt()
        scale = torch.where(norms > 0, 1 / norms, 1.0)
        unit = cast("PSDMatrix", G * scale * scale[:, None])
        return self._solver(U / scale, unit) * scale
