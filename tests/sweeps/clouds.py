"""A small task of clouds of points, a class each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from pareto_explorer.tasks import Samples, UnlearningTask


def clouds(
    model: Callable[[], nn.Module],
    *,
    classes: int,
    features: int,
    train: int,
    heldout: int,
    forget_every: int,
    **more: Any,
) -> UnlearningTask:
    """Samples around a centre of each class; those at even distances are to be forgotten."""
    draws = torch.Generator().manual_seed(0)
    centres = 2 * torch.randn(classes, features, generator=draws)

    def samples(n: int) -> Samples:
        labels = torch.arange(n) % classes
        return Samples(centres[labels] + torch.randn(n, features, generator=draws), labels)

    return UnlearningTask(
        name="clouds",
        train=samples(train),
        heldout=samples(heldout),
        validation=samples(40),
        test=samples(40),
        forget_indices=torch.arange(0, train, forget_every),
        n_classes=classes,
        model=model,
        **more,
    )
