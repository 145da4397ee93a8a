"""What a sweep refuses of a model before anything is trained."""

from __future__ import annotations

import torch
from torch import nn

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.checks.batches import (
    check_training_batches,
    has_lone_batches,
    is_lone,
    lone_families,
)
from pareto_explorer.sweeps.checks.data import Finding
from pareto_explorer.sweeps.checks.families import check_families, thinned
from pareto_explorer.sweeps.checks.model import check_model
from pareto_explorer.sweeps.spec.parts import Replicate
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.refusals import first_of_each
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, unlearning_data
from pareto_explorer.tasks import UnlearningTask

__all__ = ["refuse_model"]

_FEW = 256
"""Samples that steps are tried on."""


def refuse_model(spec: SweepSpec, task: UnlearningTask) -> None:
    """Builds the model on the CPU and passes a few samples through it, as `check` does.

    Args:
        spec: The sweep.
        task: Its task.

    Raises:
        InputError: The first thing that is wrong with the model. What its own code raises counts
            only where the sweep computes on CPUs too.
    """
    with torch.random.fork_rng(devices=[]):
        model, _, findings = check_model(task, "cpu")
        if model is not None:
            findings += check_training_batches(task, model)
            findings += _lone_batches(spec, task, model)
    for finding in findings:
        if finding.level == "error" and not (finding.raised and spec.resources.gpu):
            raise InputError(finding.text)


def _lone_batches(spec: SweepSpec, task: UnlearningTask, model: nn.Module) -> list[Finding]:
    """Tries the families where batches of one sample may occur."""
    data, batch_size = unlearning_data(task), spec.budget.batch_size
    if not has_lone_batches(data, batch_size):
        return []
    state = {name: value.detach().clone() for name, value in model.state_dict().items()}
    replicate = spec.replicate_list()[0]
    landmarks = Landmarks(state, state if spec.needs_retrained else None)
    bench = Bench(thinned(task, _FEW, batch_size), {replicate.training_seed: landmarks}, "cpu")
    first = Replicate(0, replicate.training_seed, replicate.unlearning_seed)
    checks, _ = check_families(bench, first_of_each(spec), first, batch_size, slow=True)
    lone = [check.name for check in checks if is_lone(check.failed)]
    return [lone_families(lone, data, batch_size)] if lone else []
