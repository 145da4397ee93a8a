"""The data of one run and the endless batches drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.errors import InputError
from pareto_explorer.tasks import Samples
from pareto_explorer.tasks.core.task import Augment, Loss

__all__ = ["Batch", "Batches", "Streams", "UnlearningData", "require_classes"]

Stream = Literal["retain", "forget", "heldout", "labels", "aggregator", "weights"]
STREAMS: tuple[Stream, ...] = ("retain", "forget", "heldout", "labels", "aggregator", "weights")


@dataclass(frozen=True)
class UnlearningData:
    """What a method may look at.

    Attributes:
        retain: The retain set D_r.
        forget: The forget set D_f, with the labels that the original model was trained on.
        heldout: The held-out set D_h; only forget losses with an empirical reference
            distribution read it.
        n_classes: Number of classes C, which is also the number of logits.
        fresh_model: Makes an untrained model, for methods that train from scratch or compare with
            a model that knows nothing.
        adjacent: The part of the retain set that is semantically close to the forget set, where
            the task says which it is.
        remote: The rest of the retain set, where there is an adjacent part.
        augment: What every training batch goes through; ``None``: nothing.
        loss: What retaining means: maps logits (B, C) and labels (B,), or (B, L, C) and (B, L) of
            sequences, to a scalar.
        refusals: A refusal to answer each question of the forget set, row for row, where a task of
            a language model has them.
    """

    retain: Samples
    forget: Samples
    heldout: Samples
    n_classes: int
    fresh_model: Callable[[], nn.Module] | None = None
    adjacent: Samples | None = None
    remote: Samples | None = None
    augment: Augment | None = None
    loss: Loss = functional.cross_entropy
    refusals: Samples | None = None


def require_classes(data: UnlearningData, part: str, name: str, instead: str) -> None:
    """Refuses sequences with a label per token, for a part of a family that is about classes.

    Args:
        data: What the part would work on.
        part: ``method`` or ``forget_loss``.
        name: Its name.
        instead: What to choose in its place, for the message.

    Raises:
        InputError: The labels are tokens.
    """
    if data.forget.tokens:
        raise InputError(
            f"{part}: {name!r} works on classes, and this task has a label per token; choose"
            f" {instead}."
        )


@dataclass(frozen=True, eq=False)
class Batch(Samples):
    """Samples of a set, without the columns that none of them needs.

    Attributes:
        index: Their positions in the set, (B,).
    """

    index: Tensor


class Batches:
    """Endless reshuffled passes over samples that stay on their device.

    Every batch has ``batch_size`` samples: what is missing at the end of a pass is taken from the
    beginning of the next one. A set that is no larger than a batch is given whole each time, in
    its own order and without a shuffle.

    Args:
        samples: The set to draw from.
        batch_size: Samples per batch.
        generator: Source of the shuffles and of the augmentation's draws. On another device than
            the samples, each shuffle is copied over without waiting for it.
        augment: What the inputs of every batch go through; ``None``: nothing, without a draw.
    """

    def __init__(
        self,
        samples: Samples,
        batch_size: int,
        generator: torch.Generator,
        augment: Augment | None = None,
    ) -> None:
        self._samples = samples
        self._batch_size = batch_size
        self._generator = generator
        self._augment = augment
        self._order = samples.labels.new_empty(0)
        everything = torch.arange(len(samples), device=samples.labels.device)
        self._whole = _batch(samples, everything) if len(samples) <= batch_size else None

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        batch = self._next_batch()
        if self._augment is None:
            return batch
        return replace(batch, inputs=self._augment(batch.inputs, self._generator))

    def _next_batch(self) -> Batch:
        if self._whole is not None:
            return self._whole
        while len(self._order) < self._batch_size:
            self._order = torch.cat((self._order, self._shuffle()))
        index, self._order = self._order.tensor_split((self._batch_size,))
        return _batch(self._samples.take(index), index)

    def _shuffle(self) -> Tensor:
        order = torch.randperm(
            len(self._samples), generator=self._generator, device=self._generator.device
        )
        return order.to(self._samples.labels.device, non_blocking=True)


def _batch(samples: Samples, index: Tensor) -> Batch:
    """Samples at these positions of their set as a batch."""
    trimmed = samples.trimmed()
    return Batch(trimmed.inputs, trimmed.labels, index)


class Streams:
    """Independent sources of randomness for one run, all derived from one generator.

    Each purpose has a stream of its own, so two methods that start from equal generators see the
    same retain batches even if only one of them also draws held-out batches or labels.

    Args:
        data: The sets to draw batches from.
        batch_size: Samples per batch.
        generator: The parent; it is advanced once.

    Attributes:
        batch_size: The same.
    """

    def __init__(self, data: UnlearningData, batch_size: int, generator: torch.Generator) -> None:
        seeds = torch.randint(
            2**62, (len(STREAMS),), generator=generator, device=generator.device
        ).tolist()
        self._seeds = dict(zip(STREAMS, seeds, strict=True))
        self._data = data
        self.batch_size = batch_size
        self._device = generator.device

    def generator(self, stream: Stream) -> torch.Generator:
        """Returns the stream's generator, at its beginning."""
        return torch.Generator(self._device).manual_seed(self._seeds[stream])

    def batches(self, stream: Literal["retain", "forget", "heldout"]) -> Batches:
        """Returns the batches of one set, augmented, from the beginning of its stream.

        Raises:
            InputError: The task has no such samples.
        """
        samples: Samples = getattr(self._data, stream)
        if not len(samples):
            raise InputError(
                f"{stream}: the task has no samples there, and the forget loss or the method asks"
                " for some; give them, or choose another."
            )
        return Batches(samples, self.batch_size, self.generator(stream), self._data.augment)
