"""Unlearning loops that are written by hand, to time the package's own against."""

from __future__ import annotations

import copy

import torch
from torch import nn

from pareto_explorer.unlearning import Budget, ForgetBatch, References, UnlearningData
from pareto_explorer.unlearning.core.data import Streams
from pareto_explorer.unlearning.core.losses import cross_entropy
from pareto_explorer.unlearning.forget_losses.kl_uniform import kl_uniform

__all__ = ["LR", "Loop", "WeightedSum"]

LR = 1e-3


class Loop:
    """What hand-written loops share: model, optimiser, batches and losses.

    Args:
        model: The original model; a copy is used.
        data: The sets.
        batch: Samples per batch.
        steps: Steps in a round.
        draws: Source of the batches.
    """

    def __init__(
        self,
        model: nn.Module,
        data: UnlearningData,
        batch: int,
        steps: int,
        draws: torch.Generator,
    ) -> None:
        self.steps = steps
        self.model = copy.deepcopy(model).train()
        self.parameters = list(self.model.parameters())
        self.optimizer = torch.optim.SGD(
            self.parameters, lr=LR, momentum=0.9, weight_decay=5e-4, foreach=True
        )
        streams = Streams(data, batch, draws)
        self.retain, self.forget = streams.batches("retain"), streams.batches("forget")
        ledger = Budget(1, batch, 1).ledger
        self.references = References(self.model, data, streams, ledger, kl_uniform)

    def losses(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The retain and the forget loss of the next two batches."""
        retain, forget = next(self.retain), next(self.forget)
        loss_r = cross_entropy(self.model(retain.inputs), retain.labels)
        logits = self.model(forget.inputs)
        return loss_r, kl_uniform(ForgetBatch(logits, forget.labels, self.references))


class WeightedSum(Loop):
    """One backward pass of the weighted sum of both losses, and nothing else."""

    def round(self) -> None:
        """Takes the steps of one round."""
        for _ in range(self.steps):
            loss_r, loss_f = self.losses()
            (0.5 * loss_r + 0.5 * loss_f).backward()  # type: ignore[no-untyped-call]
            self.optimizer.step()
            self.optimizer.zero_grad()
