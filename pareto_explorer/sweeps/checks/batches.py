"""Batches of one sample, over which batch norm has nothing to normalise."""

from __future__ import annotations

import copy

import torch
from torch import nn

from pareto_explorer.sweeps.checks.data import Finding
from pareto_explorer.tasks import UnlearningTask
from pareto_explorer.text import families, plural
from pareto_explorer.unlearning import UnlearningData

__all__ = ["check_training_batches", "has_lone_batches", "is_lone", "lone_families"]

_LONE = "Expected more than 1 value per channel"
"""How PyTorch begins to say it."""


def is_lone(error: object) -> bool:
    """Whether an error, or its text, is that of batch norm over one sample."""
    return _LONE in str(error)


def has_lone_batches(data: UnlearningData, batch_size: int) -> bool:
    """Whether unlearning may pass batches of one sample: a set that is no larger is a batch."""
    return batch_size == 1 or bool(_single(data))


def check_training_batches(task: UnlearningTask, model: nn.Module) -> list[Finding]:
    """Refuses a recipe whose batches have one sample, if the model cannot be trained on these.

    Args:
        task: The task.
        model: Its model, on any device; it is left as it is.
    """
    if min(task.recipe.batch_size, len(task.retain_indices)) > 1:
        return []
    one = task.train.inputs[:1].to(next(model.parameters()).device)
    with torch.no_grad():
        try:
            copy.deepcopy(model).train()(one)
        except Exception as error:
            if is_lone(error):
                text = (
                    "recipe.batch_size: landmarks are trained on batches of one sample, and batch "
                    "norm needs more; give a larger one, or another model."
                )
                return [Finding("error", text)]
    return []


def lone_families(names: list[str], data: UnlearningData, batch_size: int) -> Finding:
    """Says which families pass one sample through batch norm, and what to do.

    Args:
        names: The families.
        data: The sets.
        batch_size: Samples in the budget's batches.
    """
    why = "one of theirs has no more"
    if batch_size == 1:
        why = "budget.batch_size is 1"
    elif single := _single(data):
        why = f"the {single[0]} set has one sample"
    return Finding(
        "error",
        f"{plural(len(names), 'family', 'families')} {families(names)}: batch norm needs more "
        f"than one sample in a batch, and {why}; set batch_norm: frozen, which takes the running "
        "statistics, or give more samples.",
    )


def _single(data: UnlearningData) -> list[str]:
    """The sets that have one sample."""
    sets = {
        "retain": data.retain,
        "forget": data.forget,
        "held-out": data.heldout,
        "adjacent": data.adjacent,
        "remote": data.remote,
    }
    return [name for name, samples in sets.items() if samples is not None and len(samples) == 1]
