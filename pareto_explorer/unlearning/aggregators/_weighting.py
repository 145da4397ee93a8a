"""What an aggregator is that needs no more than one Gramian."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn

__all__ = ["Weighting"]


class Weighting(nn.Module, ABC):
    """Turns the Gramian of two gradients into their weights.

    It is what ``torchjd.aggregation.Weighting`` is, and either stands where the other may. This one
    is a class of its own because whoever imports TorchJD's imports its solvers as well.

    Attributes:
        keeps_state: Whether a step depends on those before. Each run of a method works on a copy.
    """

    keeps_state: ClassVar[bool] = False

    @abstractmethod
    def forward(self, gramian: Tensor, /) -> Tensor:
        """Maps Gramians (..., 2, 2) to weights (w_retain, w_forget), of shape (..., 2)."""

    def __lshift__(self, read: Callable[[Tensor], Tensor]) -> Weighting:
        """Weighs what is read of something else, as TorchJD's aggregators read a Gramian."""
        return _Composition(self, read)


class _Composition(Weighting):
    def __init__(self, weighting: Weighting, read: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._weighting = weighting
        self._read = read

    @property
    def keeps_state(self) -> bool:  # type: ignore[override]
        return self._weighting.keeps_state

    def forward(self, statistic: Tensor, /) -> Tensor:
        return self._weighting(self._read(statistic))
