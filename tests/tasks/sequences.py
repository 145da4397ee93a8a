"""A task of short sequences that a tiny causal model learns by heart in a second.

A sequence is a key of two tokens and an answer of two to four; the key is the prompt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from pareto_explorer.tasks import Recipe, Samples, UnlearningTask
from pareto_explorer.tasks.core.tokens import IGNORED

VOCABULARY = 16
END, PAD = 1, 0
LENGTH = 7


class SmallCausal(nn.Module):
    """Each prediction sees a sum of its past, so padding on the right changes nothing."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.token = nn.Embedding(VOCABULARY, width)
        self.place = nn.Parameter(torch.randn(64, width))
        self.body = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.head = nn.Linear(width, VOCABULARY)

    def forward(self, ids: Tensor) -> Tensor:
        placed = self.token(ids) * self.place[: ids.shape[1]]
        return self.head(self.body(placed.cumsum(1)) + placed)


def sequences(n: int, seed: int) -> Samples:
    draw = torch.Generator().manual_seed(seed)
    ids = torch.full((n, LENGTH), PAD)
    labels = torch.full((n, LENGTH), IGNORED)
    for row in range(n):
        answer = int(torch.randint(2, 5, (), generator=draw))
        ids[row, : 2 + answer] = torch.randint(2, VOCABULARY, (2 + answer,), generator=draw)
        ids[row, 2 + answer] = END
        labels[row, 2 : 3 + answer] = ids[row, 2 : 3 + answer]
    return Samples(ids, labels)


def sequence_task(epochs: int = 60, **changes: Any) -> UnlearningTask:
    task = UnlearningTask(
        name="sequences",
        train=sequences(32, 0),
        heldout=sequences(8, 1),
        validation=sequences(6, 2),
        test=sequences(6, 3),
        forget_indices=torch.arange(8),
        n_classes=VOCABULARY,
        model=SmallCausal,
        recipe=Recipe(epochs=epochs, batch_size=16, lr=0.01, optimizer="adamw"),
    )
    return replace(task, **changes)
