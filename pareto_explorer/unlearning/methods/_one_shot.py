"""What all methods that edit the weights once have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from pareto_explorer.unlearning.core.budget import Budget, Ledger
from pareto_explorer.unlearning.core.data import Streams, UnlearningData

__all__ = ["Edit", "OneShot"]


@dataclass(frozen=True)
class Edit:
    """One run of a one-shot method.

    Attributes:
        model: The original model, in eval mode.
        parameters: Its trainable parameters.
        data: The sets.
        streams: Sources of all draws.
        ledger: Where samples go.
        batch_size: Samples in one batch of the budget.
    """

    model: nn.Module
    parameters: Sequence[nn.Parameter]
    data: UnlearningData
    streams: Streams
    ledger: Ledger
    batch_size: int


@dataclass(frozen=True, kw_only=True)
class OneShot(ABC):
    """Edits the weights once, without an optimiser, and yields the model once.

    The ledger stays at step 0, since no gradient step is taken; it counts the samples that were
    read. Gradients are taken in eval mode, and batch-norm statistics stay as they are.
    """

    @abstractmethod
    def edit(self, run: Edit) -> None:
        """Changes the parameters in place and counts the samples that this took."""

    def run(
        self,
        model: nn.Module,
        data: UnlearningData,
        budget: Budget,
        generator: torch.Generator,
    ) -> Iterator[nn.Module]:
        """Runs as ``Method.run`` says, but yields once, whatever the budget's interval."""
        if budget.ledger.samples:
            raise ValueError("this budget is spent; dataclasses.replace gives a new one")
        streams = Streams(data, budget.batch_size, generator)
        parameters = [p for p in model.parameters() if p.requires_grad]
        self.edit(Edit(model.eval(), parameters, data, streams, budget.ledger, budget.batch_size))
        yield model.eval()
