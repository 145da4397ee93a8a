"""What forget losses compare predictions with: reference distributions and random labels."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import Samples
from pareto_explorer.tasks.core.tokens import asked, in_float32, negative_log_likelihood
from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.data import Batch, Batches, Streams, UnlearningData

__all__ = [
    "NO_REFUSALS",
    "ClassMeans",
    "References",
    "class_means",
    "function_of",
    "reads_original",
]

_EVALUATION_BATCH = 1024
_Loss = TypeVar("_Loss", bound=Callable[..., Tensor])


NO_REFUSALS = (
    "forget_loss: it prefers refusals, and this task has none; give it language.refusals, or choose"
    " npo."
)
"""What a loss that asks for refusals is told where there are none."""


class ClassMeans(NamedTuple):
    """Mean predictions per class.

    Attributes:
        probabilities: Tensor of shape (C, C): row k is the mean softmax output over the samples
            with label k, and 0 where there is none.
        counts: Tensor of shape (C,): samples with each label.
    """

    probabilities: Tensor
    counts: Tensor


def class_means(logits: Tensor, labels: Tensor) -> ClassMeans:
    """Averages softmax outputs over the samples of each class.

    Args:
        logits: Tensor of shape (B, C).
        labels: Integer tensor of shape (B,).
    """
    classes = torch.arange(logits.shape[1], device=labels.device)
    members = (labels == classes[:, None]).to(logits.dtype)
    counts = members.sum(1)
    sums = members @ logits.softmax(1)
    return ClassMeans(sums / counts.clamp(min=1)[:, None], counts)


def reads_original(loss: _Loss) -> _Loss:
    """Marks a forget loss that needs the original model; :class:`References` then keeps a copy."""
    loss.reads_original = True  # type: ignore[attr-defined]
    return loss


def function_of(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The function behind a loss whose knobs are bound."""
    return loss.func if isinstance(loss, partial) else loss


class References:
    """Gives a forget loss what it asks for, and costs nothing where it asks for nothing.

    Args:
        model: The model that is being unlearned, not yet changed.
        data: The sets; the retain set is not read.
        streams: Sources of the held-out batches and of the random labels.
        ledger: Where the samples that are passed through a model are counted.
        losses: Those that ask: the forget loss, and what retaining means where that asks too. A
            copy of the model is kept only if one is marked with :func:`reads_original`.
    """

    def __init__(
        self,
        model: nn.Module,
        data: UnlearningData,
        streams: Streams,
        ledger: Ledger,
        *losses: Callable[..., Any],
    ) -> None:
        self._model = model
        self._data = data
        self._streams = streams
        self._ledger = ledger
        wanted = any(getattr(function_of(loss), "reads_original", False) for loss in losses)
        self._kept = copy.deepcopy(model).eval() if wanted else None

    @cached_property
    def original_heldout(self) -> ClassMeans:
        """Class means of the original model, in eval mode, over the whole held-out set."""
        inputs = torch.split(self._data.heldout.inputs, _EVALUATION_BATCH)
        with torch.no_grad():
            logits = torch.cat([self._original(part) for part in inputs])
        self._ledger.count(forward=len(logits))
        return class_means(logits, self._data.heldout.labels)

    def current_heldout(self, *, gradient: bool) -> ClassMeans:
        """Class means of the current model, as it is, over the next held-out batch.

        Args:
            gradient: Whether the means carry a graph to the model's parameters.
        """
        batch = next(self._heldout_batches)
        with torch.set_grad_enabled(gradient):
            means = class_means(self._model(batch.inputs), batch.labels)
        self._ledger.count(forward=len(batch), backward=len(batch) if gradient else 0)
        return means

    def original_nll(self, batch: Batch) -> Tensor:
        """Negative log-likelihood of each sample under the original model, in eval mode, (B,).

        Of a sequence it is the sum over its labelled tokens. That of the whole forget set is
        computed once, and counted then; where training batches are augmented it is computed of
        each batch as it is.

        Args:
            batch: A batch of the forget set.
        """
        if self._data.augment is None:
            return self._original_forget[batch.index]
        return self._original_nll_of(batch, len(batch))

    def original_logits(self, batch: Samples) -> Tensor:
        """Logits of the original model, in eval mode, at the labels of a batch of any set, (T, C).

        Each call passes the batch forward.
        """
        with torch.no_grad():
            logits = self._original(batch.inputs)
        self._ledger.count(forward=len(batch))
        return asked(logits, batch.labels).logits

    def refusal(self, batch: Batch) -> Samples:
        """A refusal to answer each question of a batch of the forget set, row for row.

        Raises:
            InputError: The task has none.
        """
        return self._refusals.take(batch.index).trimmed()

    def original_refusal_nll(self, batch: Batch) -> Tensor:
        """As :meth:`original_nll`, of the refusals of a batch of the forget set."""
        return self._original_refusals[batch.index]

    def current_refusal_nll(self, batch: Batch) -> Tensor:
        """Negative log-likelihood of each refusal under the current model, as it is, (B,).

        It carries a graph to the model's parameters where gradients are enabled.
        """
        refusal = self.refusal(batch)
        backward = len(refusal) if torch.is_grad_enabled() else 0
        self._ledger.count(forward=len(refusal), backward=backward)
        return _nll(self._model(refusal.inputs), refusal.labels)

    def random_labels(self, labels: Tensor) -> Tensor:
        """Draws a uniform label out of all classes for each of ``labels``, on their device."""
        generator = self._label_generator
        drawn = torch.randint(
            self._data.n_classes, labels.shape, generator=generator, device=generator.device
        )
        return drawn.to(labels.device, non_blocking=True)

    @property
    def _original(self) -> nn.Module:
        if self._kept is None:
            raise RuntimeError("mark the forget loss with @reads_original to use the original")
        return self._kept

    @property
    def _refusals(self) -> Samples:
        if self._data.refusals is None:
            raise InputError(NO_REFUSALS)
        return self._data.refusals

    @cached_property
    def _original_forget(self) -> Tensor:
        return self._original_nll_of(self._data.forget, self._streams.batch_size)

    @cached_property
    def _original_refusals(self) -> Tensor:
        return self._original_nll_of(self._refusals, self._streams.batch_size)

    def _original_nll_of(self, samples: Samples, batch_size: int) -> Tensor:
        """Passes samples forward in batches of the run's own size: a step has room for these."""
        pairs = (torch.split(part, batch_size) for part in (samples.inputs, samples.labels))
        with torch.no_grad():
            found = [_nll(self._original(x), labels) for x, labels in zip(*pairs, strict=True)]
        self._ledger.count(forward=len(samples))
        return torch.cat(found)

    @cached_property
    def _heldout_batches(self) -> Batches:
        return self._streams.batches("heldout")

    @cached_property
    def _label_generator(self) -> torch.Generator:
        return self._streams.generator("labels")


def _nll(logits: Tensor, labels: Tensor) -> Tensor:
    """Negative log-likelihood of each sample, (B,), in float32 at least."""
    return negative_log_likelihood(in_float32(logits), labels)
