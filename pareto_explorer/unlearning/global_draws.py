"""PyTorch's global generators, lent to one run after the other."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["GlobalDraws"]


class GlobalDraws:
    """The states of the global generators as one run leaves and finds them.

    Runs that take turns in one process then draw as if each were alone in it.

    Args:
        seed: Where the draws begin.
        device: Where the run computes; the CPU's generator is always lent too.
    """

    def __init__(self, seed: int, device: torch.device | str) -> None:
        self._seed = seed
        self._device = torch.device(device)
        self._states: dict[str, bytes] = {}

    def give(self) -> None:
        """Puts the global generators where the run left them, or at the seed."""
        if "cpu" not in self._states or self._device.type not in self._states:
            torch.manual_seed(self._seed)
        if "cpu" in self._states:
            torch.set_rng_state(_tensor(self._states["cpu"]))
        if "cuda" in self._states and self._device.type == "cuda":
            torch.cuda.set_rng_state(_tensor(self._states["cuda"]), self._device)

    def take_back(self) -> None:
        """Notes where the run leaves them."""
        self._states["cpu"] = torch.get_rng_state().numpy().tobytes()
        if self._device.type == "cuda":
            self._states["cuda"] = torch.cuda.get_rng_state(self._device).numpy().tobytes()


def _tensor(state: bytes) -> Tensor:
    return torch.frombuffer(bytearray(state), dtype=torch.uint8)
