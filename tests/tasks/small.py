"""A task of three well separated clouds that trains in milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from pareto_explorer.tasks import (
    ForgetRequest,
    RandomSubset,
    Recipe,
    Samples,
    UnlearningTask,
    parse_forget,
    select_adjacent_set,
    select_forget_set,
)
from pareto_explorer.tasks.forget.planting import trained_samples

N_CLASSES = 3


class SmallNet(nn.Module):
    def __init__(self, hidden: int = 6, dropout: float = 0.1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(2, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout)
        )
        self.head = nn.Linear(hidden, N_CLASSES)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.body(inputs))


def clouds(n: int, seed: int) -> Samples:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % N_CLASSES
    centres = torch.tensor([[0.0, 3.0], [3.0, -3.0], [-3.0, -3.0]])
    return Samples(centres[labels] + torch.randn(n, 2, generator=generator), labels)


def small_task(
    forget: ForgetRequest | dict[str, Any] | None = None, seed: int = 0, epochs: int = 2
) -> UnlearningTask:
    data = clouds(90, seed)
    request = parse_forget(forget or RandomSubset(fraction=0.1))
    chosen = select_forget_set(request, data, N_CLASSES, seed)
    train, planted = trained_samples(request, data, chosen, seed)
    return UnlearningTask(
        name="small",
        train=train,
        heldout=clouds(12, seed + 1),
        validation=clouds(15, seed + 2),
        test=clouds(30, seed + 3),
        forget_indices=chosen.indices,
        n_classes=N_CLASSES,
        model=SmallNet,
        recipe=Recipe(epochs=epochs, batch_size=16),
        adjacent_indices=select_adjacent_set(request, data, chosen.indices),
        planted=planted,
    )


def anything(**given: Any) -> UnlearningTask:
    return replace(small_task(), facts={"given": given})


def no_task() -> str:
    return "nothing"


def needs_size(size: int) -> UnlearningTask:
    return small_task(seed=size)
