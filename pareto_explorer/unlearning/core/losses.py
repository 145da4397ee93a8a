"""Losses: the cross-entropy, and what a forget loss sees of a batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from torch import Tensor
from torch.nn import functional

from pareto_explorer.tasks.core.tokens import asked, cross_entropy, in_float32, per_sample
from pareto_explorer.unlearning.core.data import Batch, UnlearningData
from pareto_explorer.unlearning.core.references import References, function_of

__all__ = [
    "ForgetBatch",
    "ForgetLoss",
    "cross_entropy",
    "demands",
    "falls_below_zero",
    "per_sample",
    "require_met",
]

_Loss = TypeVar("_Loss", bound=Callable[..., Tensor])


@dataclass(frozen=True)
class ForgetBatch:
    """What a forget loss sees of one batch of D_f.

    Of sequences it sees the labelled tokens, one after another, so that a loss on predictions and
    labels works on tokens as it does on classes: B is their number T then, and the mean over the
    batch that over its tokens. Losses on whole sequences add up by ``row``. A loss that says what
    retaining means sees the same of a batch of D_r.

    Attributes:
        logits: Tensor of shape (B, C), with a graph.
        labels: Integer tensor of shape (B,): the labels to be forgotten.
        references: Gives reference distributions and random labels to the losses that ask.
        row: The sample that each prediction belongs to, (B,), ascending; ``None``: each is one.
        samples: The batch itself, with its positions in the forget set, where it is known.
    """

    logits: Tensor
    labels: Tensor
    references: References
    row: Tensor | None = None
    samples: Batch | None = None

    @classmethod
    def of(cls, logits: Tensor, samples: Batch, references: References) -> ForgetBatch:
        """Makes what a loss sees of samples and of their logits, (B, C) or (B, L, C)."""
        found = asked(logits, samples.labels)
        row = found.row if samples.tokens else None
        return cls(found.logits, found.labels, references, row, samples)

    @property
    def drawn(self) -> Batch:
        """The batch itself, for losses that compare with what is known of its samples.

        Raises:
            ValueError: It is not known.
        """
        if self.samples is None:
            raise ValueError("this forget loss needs the samples; make the batch by ForgetBatch.of")
        return self.samples

    def nll(self) -> Tensor:
        """The cross-entropy of each prediction, (B,), in float32 at least."""
        return functional.cross_entropy(in_float32(self.logits), self.labels, reduction="none")

    def per_sample(self, values: Tensor) -> Tensor:
        """Adds up what belongs to one sample: values of shape (B,), one per prediction.

        Returns:
            The sums, one per sample; the values themselves where each is a sample.
        """
        if self.row is None:
            return values
        count = len(self.samples) if self.samples is not None else int(self.row[-1]) + 1
        return values.new_zeros(count).index_add(0, self.row, values)


#: Maps a batch to the mean over it, which is minimised; its knobs are bound.
ForgetLoss = Callable[[ForgetBatch], Tensor]


def demands(require: Callable[..., None]) -> Callable[[_Loss], _Loss]:
    """Marks a forget loss that asks something of the data, checked before a sweep starts.

    Args:
        require: Takes the data, and by keyword the knobs that are set; raises an `InputError`
            where the loss cannot work on them.
    """

    def marked(loss: _Loss) -> _Loss:
        loss.require = require  # type: ignore[attr-defined]
        return loss

    return marked


def require_met(loss: ForgetLoss, data: UnlearningData) -> None:
    """Lets a forget loss refuse the data.

    Raises:
        InputError: In one sentence: what is missing.
    """
    require = getattr(function_of(loss), "require", None)
    if require is not None:
        require(data, **(loss.keywords if isinstance(loss, partial) else {}))


def falls_below_zero(loss: _Loss) -> _Loss:
    """Marks a forget loss that aggregators which need positive losses cannot take."""
    loss.falls_below_zero = True  # type: ignore[attr-defined]
    return loss
