"""NegMerge: subtract what several fine-tunings on the forget set agree on."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from pareto_explorer.unlearning.core.budget import Budget
from pareto_explorer.unlearning.core.data import UnlearningData
from pareto_explorer.unlearning.core.entries import Entry
from pareto_explorer.unlearning.core.knobs import KnobSpec, above_zero, whole_above_zero
from pareto_explorer.unlearning.methods._optimiser import optimiser
from pareto_explorer.unlearning.methods.task_vector import ForgetTuning

__all__ = ["ENTRIES", "NegMerge", "agreement"]


@dataclass(frozen=True, kw_only=True)
class NegMerge(ForgetTuning):
    """Subtracts the mean of several task vectors where all of them have the same sign.

    θ = θ0 − scale · τ, with τ = mean_k τ_k where sign τ_1 = … = sign τ_K, and 0 elsewhere. Each
    τ_k = θ_k − θ0 comes from fine-tuning on D_f with batches and a learning rate of its own. As in
    task arithmetic, batch-norm statistics stay those of the original model and D_r is not read.

    Source: Kim, Han and Choe (arXiv 2410.05583). Its candidates differ in whatever was
    searched for, augmentation among others; here learning rates are spread evenly on a log scale,
    from lr / √lr_spread to lr · √lr_spread, and the candidates share the budget's steps. The
    model is yielded once, at the end.

    Attributes:
        scale: How far to go the other way.
        candidates: K, at most as many as there are steps.
        lr_spread: Ratio of the highest learning rate to the lowest.
    """

    lr: float = 0.01
    scale: float = 3.0
    candidates: int = 4
    lr_spread: float = 4.0

    def run(
        self,
        model: nn.Module,
        data: UnlearningData,
        budget: Budget,
        generator: torch.Generator,
    ) -> Iterator[nn.Module]:
        """Runs as ``Method.run`` says, but yields once, whatever the budget's interval."""
        if budget.ledger.step:
            raise ValueError("this budget is spent; dataclasses.replace gives a new one")
        original = [p.detach().clone() for p in model.parameters()]
        vectors = []
        for lr, steps in self._plan(budget.steps):
            tuning = ForgetTuning(
                lr=lr,
                optimizer=self.optimizer,
                momentum=self.momentum,
                weight_decay=self.weight_decay,
                batch_norm=self.batch_norm,
            )
            tuned = copy.deepcopy(model)
            share = Budget(steps, budget.batch_size, steps)
            for _ in tuning.run(tuned, data, share, generator):
                pass
            spent = share.ledger
            budget.ledger.count(forward=spent.forward, backward=spent.backward)
            budget.ledger.step += spent.step
            vectors.append(
                [p.detach() - start for p, start in zip(tuned.parameters(), original, strict=True)]
            )
        with torch.no_grad():
            for parameter, *parts in zip(model.parameters(), *vectors, strict=True):
                parameter.sub_(self.scale * agreement(parts))
        yield model.eval()

    def _plan(self, steps: int) -> Iterator[tuple[float, int]]:
        """Learning rate and steps of each candidate; the first ones take what is left over."""
        count = min(self.candidates, steps)
        for k in range(count):
            position = k / (count - 1) - 0.5 if count > 1 else 0.0
            yield self.lr * self.lr_spread**position, steps // count + (k < steps % count)


def agreement(vectors: Sequence[Tensor]) -> Tensor:
    """Averages tensors of one shape where all have the same sign; 0 elsewhere."""
    stacked = torch.stack(list(vectors))
    agree = stacked.sign().sum(0).abs() == len(stacked)
    return torch.where(agree, stacked.mean(0), 0.0)


def _at_least_one(value: object) -> str | None:
    good = above_zero(value) is None and cast("float", value) >= 1
    return None if good else "a number of at least 1"


ENTRIES = (
    Entry.of(
        "neg_merge",
        NegMerge,
        summary="Negates what several models that learned the forget set on agree on by sign.",
        source="NegMerge, Kim et al., arXiv 2410.05583",
        knobs=optimiser([1e-3, 0.03])
        | {
            "scale": KnobSpec(
                {"loguniform": [0.5, 8]}, "how far to go against the task vector", above_zero
            ),
            "candidates": KnobSpec(
                None, "fine-tuned models, which share the budget", whole_above_zero
            ),
            "lr_spread": KnobSpec(None, "highest learning rate over the lowest", _at_least_one),
        },
    ),
)
