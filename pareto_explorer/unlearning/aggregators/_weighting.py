"""What an aggregator is that needs no more than one Gramian."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor, nn

__all__ = ["Weighting"]


class Weighting(nn.Module, ABC):
    """Turns the Gramian of two gradients into their weights.

    It is what ``torchjd.aggregation.Weighting`` is, and either stands where the other may; this one
    is a class of its own because importing TorchJD's imports its solvers.

    Attributes:
        keeps_state: Whether a step depends on those before. Each run of a method works on a copy.
    """

    keeps_state: ClassVar[bool] = False

    @abstractmethod
    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (w_retain, w_forget), of shape (..., 2)."""
