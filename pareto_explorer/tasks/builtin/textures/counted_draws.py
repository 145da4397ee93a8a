"""Random numbers that are counted, not streamed: draw j of sample i is a function of (i, j)."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

__all__ = ["CountedDraws", "scramble"]

_MASK = 0xFFFFFFFF
_STRIDE = 0x9E3779B9  # odd, so that no two counts below 2³² give one sample the same state
_STREAM = 1 << 10  # draws that a stream has room for


def scramble(values: Tensor) -> Tensor:
    """Permutes the integers below 2³² so that neighbours come far apart.

    Both multipliers are below 2³¹, so no product overflows int64 and the result is the same on
    every device.

    Args:
        values: int64 in [0, 2³²), any shape.
    """
    values = values ^ (values >> 16)
    values = (values * 0x21F0AAAD) & _MASK
    values = values ^ (values >> 15)
    values = (values * 0x735A2D97) & _MASK
    return values ^ (values >> 15)


class CountedDraws:
    """Uniform draws for a batch of samples, the same whatever else is in the batch.

    Args:
        seed: Seed of all samples; any integer.
        index: Numbers of the samples, int64 (B,), from 0; distinct numbers below 2³² have states
            of their own. The draws lie on its device.
        stream: Which of the samples' independent streams to begin.
    """

    def __init__(self, seed: int, index: Tensor, stream: int = 0) -> None:
        key = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:4], "big")
        self._states = scramble(index ^ key)
        self._count = stream * _STREAM

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """The next draw of every sample: float32, shaped (B, 1, 1) to go with images."""
        return low + (high - low) * _unit(self._next())[:, None, None]

    def per_cell(self) -> PerCell:
        """The next draw of every sample as one for each cell of an endless lattice."""
        return PerCell(self._next())

    def _next(self) -> Tensor:
        self._count += 1
        return scramble((self._states + self._count * _STRIDE) & _MASK)


class PerCell:
    """Draws that belong to the cells of a lattice.

    Args:
        states: One state per sample, (B,).
    """

    def __init__(self, states: Tensor) -> None:
        self._states = states[:, None, None]

    def __call__(self, cells: Tensor) -> Tensor:
        """Draws in [0, 1), float32, for cells numbered by int64 (B, H, W)."""
        return _unit(scramble(scramble(cells & _MASK) ^ self._states))


def _unit(bits: Tensor) -> Tensor:
    return (bits >> 8).to(torch.float32) * 2.0**-24
