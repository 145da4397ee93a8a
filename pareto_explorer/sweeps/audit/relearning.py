"""Relearning: a model is trained on the retain set and a few of the samples that it forgot."""

from __future__ import annotations

import copy

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pareto_explorer.audits.records import Arrays
from pareto_explorer.metrics import Diverged, score
from pareto_explorer.tasks import UnlearningTask
from pareto_explorer.tasks.landmarks.training import repeatable
from pareto_explorer.tasks.models.logits import logits_of

__all__ = ["CHECKPOINTS", "given_back", "relearning_curve"]

CHECKPOINTS = (0, 20, 40, 60)
"""Steps after which the held-back samples are looked at."""

_BATCH_SIZE = 1024
_LR, _MOMENTUM = 0.01, 0.9


def given_back(samples: int) -> NDArray[np.bool_]:
    """Which forgotten samples are trained on: a tenth of them, the same for all models.

    Args:
        samples: F, the size of the forget set.
    """
    order = np.random.default_rng(0).permutation(samples)
    return np.asarray(order < max(1, round(samples / 10)))


def relearning_curve(
    model: nn.Module, task: UnlearningTask, data: Arrays, batch_size: int, seed: int
) -> NDArray[np.float64]:
    """Trains a copy of a model and follows its accuracy on forgotten samples that are held back.

    Of sequences, that is the share of which every labelled token is the most probable one; none
    once the copy has diverged.

    A step takes a batch of retained samples and as many of those that are given back, at most all.
    Batches depend on the seed alone, so that original, retrained and unlearned model see the same.
    Source of the protocol: Siddiqui et al. (arXiv 2505.22310); the steps are ours.

    Args:
        model: On the task's device; it is left as it is.
        task: The task.
        data: See `questions`.
        batch_size: Retained samples of a step.
        seed: The training seed.

    Returns:
        The accuracy at each of `CHECKPOINTS`.
    """
    device = task.train.inputs.device
    chosen = torch.as_tensor(given_back(len(data["forget"])), device=device)
    held_back = task.train.take(task.forget_indices[~chosen])
    pools = task.retain_indices, task.forget_indices[chosen]
    draws = torch.Generator().manual_seed(seed % 2**63)
    learner = copy.deepcopy(model)
    optimizer = torch.optim.SGD(learner.parameters(), lr=_LR, momentum=_MOMENTUM)

    def accuracy() -> float:
        learner.eval()
        with torch.no_grad():
            if task.tokens:
                try:
                    return score(learner, held_back, task, "held-back").exact
                except Diverged:
                    return 0.0
            parts = torch.split(held_back.inputs, _BATCH_SIZE)
            said = [logits_of(learner, part, task).argmax(1) for part in parts]
        return float((torch.cat(said) == held_back.labels).double().mean())

    found = [accuracy()]
    with repeatable(), torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed % 2**63)
        for step in range(1, CHECKPOINTS[-1] + 1):
            learner.train()
            drawn = [pool[_some(len(pool), batch_size, draws).to(device)] for pool in pools]
            batch = task.train.take(torch.cat(drawn)).trimmed()
            inputs = batch.inputs if task.augment is None else task.augment(batch.inputs, draws)
            optimizer.zero_grad()
            loss = task.loss(logits_of(learner, inputs, task), batch.labels)
            torch.autograd.backward(loss)
            optimizer.step()
            if step in CHECKPOINTS:
                found.append(accuracy())
    return np.array(found)


def _some(samples: int, most: int, draws: torch.Generator) -> torch.Tensor:
    return torch.randperm(samples, generator=draws)[:most]
