"""A task and a method that cost next to nothing, so that what is left is the sweep's own cost."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn

from pareto_explorer.tasks import Samples, UnlearningTask
from pareto_explorer.unlearning import Budget, UnlearningData

CLASSES = 2


def task(seed: int = 0) -> UnlearningTask:
    """Two noisy points on a line; any line between them tells the classes apart."""
    generator = torch.Generator().manual_seed(seed)

    def samples(n: int) -> Samples:
        labels = torch.arange(n) % CLASSES
        noise = torch.rand(n, 2, generator=generator)
        return Samples(labels[:, None].float() + noise, labels)

    return UnlearningTask(
        name="dummy",
        train=samples(24),
        heldout=samples(8),
        validation=samples(8),
        test=samples(8),
        forget_indices=torch.arange(4),
        n_classes=CLASSES,
        model=model,
        facts={"seed": seed},
    )


def model() -> nn.Module:
    """The smallest classifier."""
    return nn.Linear(2, CLASSES)


class Nothing:
    """Leaves the model as it is, for as many evaluations as the budget has.

    Args:
        lr: A knob that changes nothing, so that there is something to draw.
    """

    def __init__(self, lr: float = 0.01) -> None:
        self.lr = lr

    def run(
        self,
        model: nn.Module,
        data: UnlearningData,  # noqa: ARG002 - part of every method's interface
        budget: Budget,
        generator: torch.Generator,  # noqa: ARG002
    ) -> Iterator[nn.Module]:
        """Runs as ``Method.run`` says."""
        while budget.ledger.step < budget.steps:
            budget.ledger.step += budget.evaluate_every
            yield model.eval()
