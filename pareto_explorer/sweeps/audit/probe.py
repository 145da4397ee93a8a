"""A few-shot probe: do the features of a model still tell a class that it forgot?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.tasks import Samples, UnlearningTask
from pareto_explorer.tasks.models.logits import logits_of

__all__ = ["SHOTS", "forgotten_class", "probe_accuracies"]

SHOTS = (5, 20)
"""Forgotten samples that a probe is given; with many, features of any model will do."""

_RETAINED = 2000
_BATCH_SIZE = 1024
_RIDGE = 1e-4
_ITERATIONS = 100


def forgotten_class(task: UnlearningTask) -> int | None:
    """The class that is forgotten as a whole, or None where something else is."""
    labels = torch.unique(task.forget.labels)
    if len(labels) > 1 or bool((task.retain.labels == labels[0]).any()):
        return None
    return int(labels[0])


def probe_accuracies(
    model: nn.Module, task: UnlearningTask, seed: int
) -> NDArray[np.float64] | None:
    """Fits linear probes to what a model's last layer is given, and tests them on the class.

    A probe is a logistic regression on at most 2,000 retained samples and a few forgotten ones,
    which depend on the seed alone.

    Args:
        model: On the task's device, in eval mode.
        task: The task.
        seed: The training seed.

    Returns:
        The accuracy on test samples of the class for each of `SHOTS`; None where no whole class is
        forgotten, the test set lacks it, or the model has no linear layer.
    """
    label = forgotten_class(task)
    last = next((m for m in reversed(list(model.modules())) if isinstance(m, nn.Linear)), None)
    if label is None or last is None or not bool((task.test.labels == label).any()):
        return None
    unseen = task.test.take((task.test.labels == label).nonzero().squeeze(1))
    draws = np.random.default_rng(seed % 2**64)
    retained = task.retain
    some = draws.permutation(len(retained))[:_RETAINED]
    known = retained.take(torch.as_tensor(some, device=retained.labels.device))
    order = draws.permutation(len(task.forget))
    of_known, of_forgotten, of_unseen = (
        _features(model, last, samples, task) for samples in (known, task.forget, unseen)
    )
    found = []
    for shots in SHOTS:
        few = torch.as_tensor(order[:shots], device=retained.labels.device)
        inputs = torch.cat([of_known, of_forgotten[few]])
        labels = torch.cat([known.labels, task.forget.labels[few]])
        said = _fitted(inputs, labels, task.n_classes)(of_unseen).argmax(1)
        found.append(float((said == label).double().mean()))
    return np.array(found)


def _features(model: nn.Module, last: nn.Module, samples: Samples, task: UnlearningTask) -> Tensor:
    """What the last linear layer is given, (n, d)."""
    taken: list[Tensor] = []

    def take(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        taken.append(inputs[0].detach().flatten(1))

    hook = last.register_forward_pre_hook(take)
    try:
        with torch.no_grad():
            for part in torch.split(samples.inputs, _BATCH_SIZE):
                logits_of(model, part, task.n_classes)
    finally:
        hook.remove()
    return torch.cat(taken).double()


def _fitted(inputs: Tensor, labels: Tensor, n_classes: int) -> Callable[[Tensor], Tensor]:
    """A logistic regression on standardised inputs, with a small ridge."""
    centre, spread = inputs.mean(0), inputs.std(0).clamp_min(1e-6)
    probe = nn.Linear(inputs.shape[1], n_classes, dtype=torch.float64, device=inputs.device)
    nn.init.zeros_(probe.weight)
    nn.init.zeros_(probe.bias)
    optimizer: torch.optim.Optimizer = torch.optim.LBFGS(
        probe.parameters(), max_iter=_ITERATIONS, line_search_fn="strong_wolfe"
    )
    scaled = (inputs - centre) / spread

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (
            functional.cross_entropy(probe(scaled), labels) + _RIDGE * probe.weight.square().sum()
        )
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)

    return lambda x: probe((x - centre) / spread)
