"""Second moments of gradients: which weights the predictions on a set depend on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from pareto_explorer.tasks import Samples
from pareto_explorer.tasks.core.task import Loss
from pareto_explorer.unlearning.core.budget import Ledger
from pareto_explorer.unlearning.core.gradients import gradient
from pareto_explorer.unlearning.core.losses import cross_entropy

__all__ = ["batch_gradients", "mean_gradient", "shuffled", "squared_gradients"]


def shuffled(samples: Samples, generator: torch.Generator, at_most: int | None = None) -> Samples:
    """Copies the samples in random order, or only as many of them as asked for."""
    order = torch.randperm(len(samples), generator=generator, device=generator.device)
    return samples.take(order[:at_most].to(samples.labels.device))


def batch_gradients(
    model: nn.Module,
    parameters: Sequence[nn.Parameter],
    samples: Samples,
    batch_size: int,
    ledger: Ledger,
    loss: Loss = cross_entropy,
) -> Iterator[tuple[int, tuple[Tensor, ...]]]:
    """Differentiates the loss of one batch after the other, in the given order.

    Args:
        model: In the mode that it should be differentiated in.
        parameters: What to differentiate by.
        samples: The set; its last batch may be smaller.
        batch_size: Samples per batch.
        ledger: Where the samples are counted.
        loss: Batch mean of logits (B, C) and labels (B,); Fisher information, for one, is about
            the cross-entropy, whatever a model was trained with.

    Yields:
        The number of samples in the batch and one gradient per parameter.
    """
    inputs_of = torch.split(samples.inputs, batch_size)
    labels_of = torch.split(samples.labels, batch_size)
    for inputs, labels in zip(inputs_of, labels_of, strict=True):
        ledger.count(forward=len(labels), backward=len(labels))
        yield len(labels), gradient(loss(model(inputs), labels), parameters)


def mean_gradient(
    model: nn.Module,
    parameters: Sequence[nn.Parameter],
    samples: Samples,
    batch_size: int,
    ledger: Ledger,
    loss: Loss,
) -> list[Tensor]:
    """Averages the gradients of a loss over a set; see :func:`batch_gradients`."""
    total = [torch.zeros_like(p) for p in parameters]
    for count, parts in batch_gradients(model, parameters, samples, batch_size, ledger, loss):
        torch._foreach_add_(total, parts, alpha=count / len(samples))
    return total


def squared_gradients(
    model: nn.Module,
    parameters: Sequence[nn.Parameter],
    samples: Samples,
    batch_size: int,
    ledger: Ledger,
) -> list[Tensor]:
    """Averages the squares of the cross-entropy gradients of batches; see :func:`batch_gradients`.

    With batches of one sample this is the diagonal of the empirical Fisher information matrix.
    In larger batches gradients cancel before they are squared. A smaller last batch counts for
    as many samples as it has.
    """
    total = [torch.zeros_like(p) for p in parameters]
    for count, parts in batch_gradients(model, parameters, samples, batch_size, ledger):
        torch._foreach_addcmul_(total, parts, parts, value=count / len(samples))
    return total
