"""Forget losses and methods that misbehave, for the tests of failure."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

calls = 0


def raises_at_second_call(batch) -> Tensor:
    global calls
    calls += 1
    if calls % 2 == 0:
        raise RuntimeError("broken on purpose")
    return batch.logits.square().mean()


def kills_its_process(batch) -> Tensor:
    os.kill(os.getpid(), signal.SIGKILL)
    return batch.logits.mean()


@dataclass(frozen=True)
class Yields:
    """A method that scales the last layer and yields at the steps given."""

    steps: tuple[int, ...] = (3, 3)

    def run(self, model, _data, budget, _generator) -> Iterator[nn.Module]:
        for step in self.steps:
            with torch.no_grad():
                list(model.parameters())[-2].mul_(0.5)
            budget.ledger.step = step
            yield model


class YieldsTwiceAtTheStart(Yields):
    def __init__(self) -> None:
        super().__init__((0, 0))


@dataclass(frozen=True)
class DiffersAfterALoss:
    """A method that loses its process once, and gives another model when it starts again."""

    notes: str = ""

    def run(self, model, _data, budget, _generator) -> Iterator[nn.Module]:
        again = Path(self.notes).exists()
        Path(self.notes).touch()
        with torch.no_grad():
            list(model.parameters())[-2].mul_(-1 if again else 1)
        budget.ledger.step = 3
        yield model
        if not again:
            os.kill(os.getpid(), signal.SIGKILL)
        budget.ledger.step = 6
        yield model
