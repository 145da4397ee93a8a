"""A few-shot probe: do the features of a model still tell a class that it forgot?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pareto_explorer.tasks import Samples, UnlearningTask
from pareto_explorer.tasks.models.logits import logits_of

__all__ = ["SHOTS", "forgotten_label", "probe_accuracies"]

SHOTS = (5, 20)
"""Forgotten samples that a probe is given; with many, features of any model will do."""

_RETAINED = 2000
_BATCH_SIZE = 1024
_RIDGE = 1e-4
_ITERATIONS = 100


def forgotten_label(task: UnlearningTask) -> int | None:
    """The label that all forgotten samples have, or None where they have several, or sequences."""
    if task.tokens:
        return None
    labels = torch.unique(task.forget.labels)
    return int(labels[0]) if len(labels) == 1 else None


def probe_accuracies(
    model: nn.Module, task: UnlearningTask, seed: int
) -> NDArray[np.float64] | None:
    """Fits linear probes to what a model's last layer is given, and tests them on the class.

    A probe is a logistic regression on at most 2,000 retained samples and a few forgotten ones,
    which depend on the seed alone. It is tested on the test samples of the class; where there are
    none, or only a part of the class is forgotten, on the forgotten samples that no probe is given.

    Args:
        model: On the task's device, in eval mode.
        task: The task.
        seed: The training seed.

    Returns:
        The accuracy for each of `SHOTS`; None where samples of several classes are forgotten,
        nothing is left to test on, or no linear layer makes the logits.
    """
    label = forgotten_label(task)
    head = None if label is None else _head(model, task)
    if label is None or head is None:
        return None
    draws = np.random.default_rng(seed % 2**64)
    retained = task.retain
    device = retained.labels.device
    some = torch.as_tensor(draws.permutation(len(retained))[:_RETAINED], device=device)
    order = torch.as_tensor(draws.permutation(len(task.forget)), device=device)
    unseen = _unseen(task, label, order)
    if not len(unseen):
        return None
    known = retained.take(some)
    of_known, of_forgotten, of_unseen = (
        _features(model, head, samples, task) for samples in (known, task.forget, unseen)
    )
    found = []
    for shots in SHOTS:
        few = order[:shots]
        inputs = torch.cat([of_known, of_forgotten[few]])
        labels = torch.cat([known.labels, task.forget.labels[few]])
        said = _fitted(inputs, labels, task.n_classes)(of_unseen).argmax(1)
        found.append(float((said == label).double().mean()))
    return np.array(found)


def _unseen(task: UnlearningTask, label: int, order: Tensor) -> Samples:
    """What a probe of a class is tested on; ``order`` is that in which samples are given to it."""
    in_test = task.test.labels == label
    if bool((task.retain.labels == label).any()) or not bool(in_test.any()):
        return task.forget.take(order[max(SHOTS) :])
    return task.test.take(in_test.nonzero().squeeze(1))


def _head(model: nn.Module, task: UnlearningTask) -> nn.Linear | None:
    """The linear layer that makes the logits: the last to be called, with as many outputs."""
    called: list[nn.Linear] = []

    def note(layer: nn.Module, _: Any) -> None:
        called.append(cast("nn.Linear", layer))

    layers = [module for module in model.modules() if isinstance(module, nn.Linear)]
    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        with torch.no_grad():
            logits_of(model, task.retain.inputs[:1], task)
    finally:
        for hook in hooks:
            hook.remove()
    last = called[-1] if called else None
    fits = last is not None and last.out_features == task.n_classes and called.count(last) == 1
    return last if fits else None


def _features(model: nn.Module, head: nn.Linear, samples: Samples, task: UnlearningTask) -> Tensor:
    """What the head is given, (n, d)."""
    taken: list[Tensor] = []

    def take(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        taken.append(inputs[0].detach().flatten(1))

    hook = head.register_forward_pre_hook(take)
    try:
        with torch.no_grad():
            for part in torch.split(samples.inputs, _BATCH_SIZE):
                logits_of(model, part, task)
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
