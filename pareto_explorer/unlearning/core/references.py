"""What forget losses compare predictions with: reference distributions and random labels."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.data import Batches, Streams, UnlearningData

__all__ = ["ClassMeans", "References", "class_means", "reads_original"]

_EVALUATION_BATCH = 1024
_Loss = TypeVar("_Loss", bound=Callable[..., Tensor])


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


class References:
    """Gives a forget loss what it asks for, and costs nothing where it asks for nothing.

    Args:
        model: The model that is being unlearned, not yet changed.
        data: The sets; only the held-out set is read.
        streams: Sources of the held-out batches and of the random labels.
        ledger: Where the samples that are passed through a model are counted.
        loss: The forget loss. A copy of the model is kept only if it is marked
            with :func:`reads_original`.
    """

    def __init__(
        self,
        model: nn.Module,
        data: UnlearningData,
        streams: Streams,
        ledger: Ledger,
        loss: Callable[..., Any],
    ) -> None:
        self._model = model
        self._data = data
        self._streams = streams
        self._ledger = ledger
        function = loss.func if isinstance(loss, partial) else loss
        wanted = getattr(function, "reads_original", False)
        self._original = copy.deepcopy(model).eval() if wanted else None

    @cached_property
    def original_heldout(self) -> ClassMeans:
        """Class means of the original model, in eval mode, over the whole held-out set."""
        if self._original is None:
            raise RuntimeError("mark the forget loss with @reads_original to use the original")
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

    def random_labels(self, labels: Tensor) -> Tensor:
        """Draws a uniform label out of all classes for each of ``labels``, on their device."""
        generator = self._label_generator
        drawn = torch.randint(
            self._data.n_classes, labels.shape, generator=generator, device=generator.device
        )
        return drawn.to(labels.device, non_blocking=True)

    @cached_property
    def _heldout_batches(self) -> Batches:
        return self._streams.batches("heldout")

    @cached_property
    def _label_generator(self) -> torch.Generator:
        return self._streams.generator("labels")
