"""A network that kills its process, for the tests of lost landmark trainings."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from torch import Tensor

from tests.tasks.small import SmallNet


class DyingNet(SmallNet):
    """Notes its forward passes in ``calls``; dies at one of them, which waits for ``go`` first.

    Args:
        notes: A folder with the FIFO ``go``.
        at: The pass of a process at which it dies.
        times: How many processes die.
    """

    def __init__(self, notes: str, at: int, times: int) -> None:
        super().__init__()
        self._notes = Path(notes)
        self._at = at
        self._times = times
        self._calls = 0

    def forward(self, inputs: Tensor) -> Tensor:
        self._calls += 1
        with (self._notes / "calls").open("a") as file:
            file.write(".")
        if self._calls == self._at and any(self._first(f"died-{k}") for k in range(self._times)):
            with (self._notes / "go").open("rb", buffering=0) as go:
                go.read(1)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(inputs)

    def _first(self, name: str) -> bool:
        try:
            (self._notes / name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True
