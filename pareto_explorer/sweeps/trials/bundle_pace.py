"""Whether the steps of a family can be taken in a bundle, and whether that pays."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from pareto_explorer.sweeps.cluster.workers import outcomes
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.spec.families import TrialPlan
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.refusals import first_of_each
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks
from pareto_explorer.tasks import UnlearningTask
from pareto_explorer.tasks.landmarks.training import repeatable
from pareto_explorer.text import families, plural
from pareto_explorer.unlearning import Budget, Ledger, make_method
from pareto_explorer.unlearning.bundle import descend_together, reason_alone

__all__ = ["Ways", "compare_ways", "measure_bundles", "words"]

_STEPS = 3
"""Steps that are timed, after one that is not."""

_DIFFERENCE = 0.05
"""How far from each other both ways may end after a step, in its lengths; bfloat16 needs that."""


@dataclass(frozen=True)
class Ways:
    """What a few steps took of replicates one by one, and of the same in a bundle.

    Attributes:
        members: How many replicates.
        alone: Seconds of the former.
        together: Seconds of the latter.
        reason: Why there can be no bundle; empty if there can.
    """

    members: int
    alone: float = 0.0
    together: float = 0.0
    reason: str = ""

    def size(self, bundle: str | int) -> int:
        """How many replicates step together, by ``resources.bundle``; 1: each steps alone."""
        slower = bundle == "auto" and self.together >= self.alone
        return 1 if self.reason or slower else self.members


def compare_ways(
    bench: Bench, plan: TrialPlan, training_seed: int, batch_size: int, members: int
) -> Ways:
    """Takes a few steps of a trial in both ways: whether they lead to the same, and how fast.

    All members begin at one original model and draw batches of their own. Nothing is evaluated.

    Args:
        bench: Task, landmarks and device.
        plan: The trial.
        training_seed: Seed of the original.
        batch_size: Samples per batch.
        members: How many replicates; two at least.
    """
    method = make_method(plan.config)
    reason = reason_alone(method)
    if bench.task.tokens:
        reason = "batches of sequences differ in length"
    if reason:
        return Ways(members, reason=reason)
    original, _ = bench.prepared(training_seed)

    def walk(descend: _Descend, steps: int) -> tuple[list[nn.Module], float]:
        models = [copy.deepcopy(original) for _ in range(members)]
        budgets = [Budget(steps, batch_size, steps) for _ in models]
        runs = [
            method.run(model, bench.data, budget, torch.Generator(bench.device).manual_seed(seed))
            for seed, (model, budget) in enumerate(zip(models, budgets, strict=True))
        ]
        spent = Ledger()
        with repeatable(), spent.clock():
            while budgets[0].ledger.step < steps:  # a path shows models before
                descend(runs)
                for run in runs:
                    next(run)
        return models, spent.seconds

    try:
        before = _global_draws(bench.device)
        first = [walk(descend, 1)[0] for descend in (_one_by_one, descend_together)]
        if not torch.equal(before, _global_draws(bench.device)):
            return Ways(members, reason="it draws from PyTorch's global generators")
        if not all(_agree(original, *pair) for pair in zip(*first, strict=True)):
            return Ways(members, reason="its steps differ from those of one model")
        rounds = [
            [walk(each, _STEPS)[1] for each in (_one_by_one, descend_together)] for _ in range(2)
        ]
        alone, together = map(min, zip(*rounds, strict=True))
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return Ways(members, reason=f"a step in a bundle fails ({told})")
    return Ways(members, alone, together)


def _global_draws(device: str) -> Tensor:
    """The states of the generators that a step may draw from beside its run's own."""
    state = torch.get_rng_state()
    return torch.cat([state, torch.cuda.get_rng_state()]) if device == "cuda" else state


def measure_bundles(
    spec: SweepSpec, task_ref: Any, landmarks: Mapping[int, Landmarks], progress: Progress
) -> dict[str, int]:
    """Lets one worker compare both ways for every family, where the sweep wants bundles.

    Args:
        spec: The sweep.
        task_ref: The task, in Ray's object store.
        landmarks: Landmarks by training seed.
        progress: Told what was found.

    Returns:
        The size of its bundles by the name of each family that has some.
    """
    members = spec.resources.bundle_of(len(spec.replicate_list()))
    if members < 2:
        return {}
    seed = spec.replicates.training_seeds[0]
    plans = first_of_each(spec)
    progress.stage("bundles: to be tried, a few steps of every family")
    measured = outcomes(
        _compare_all,
        {0: (task_ref, {seed: landmarks[seed]}, spec, plans, members)},
        spec.resources,
        "resources.bundle: steps in a bundle cannot be tried",
        progress.stage,
    )[0]
    for text in words(measured, spec.resources.bundle):
        progress.stage(text)
    sizes = {name: ways.size(spec.resources.bundle) for name, ways in measured.items()}
    return {name: size for name, size in sizes.items() if size > 1}


def words(measured: Mapping[str, Ways], bundle: str | int) -> list[str]:
    """Says how the families step: a sentence for those in bundles, and one for each reason not."""
    said: dict[str, list[str]] = {}
    for name, ways in measured.items():
        said.setdefault(_way(ways, bundle), []).append(name)
    return [
        f"resources.bundle: {plural(len(names), 'family', 'families')} {families(names)}: {way}"
        + _paces([measured[name] for name in names])
        for way, names in said.items()
    ]


def _way(ways: Ways, bundle: str | int) -> str:
    if ways.reason:
        return f"one replicate at a time, as {ways.reason}"
    size = ways.size(bundle)
    return f"{size} replicates in one step" if size > 1 else "one replicate at a time"


def _paces(measured: Sequence[Ways]) -> str:
    """How much faster bundles were, where they could be."""
    factors = sorted(ways.alone / ways.together for ways in measured if not ways.reason)
    if not factors:
        return ""
    low, high = (f"{factor:.2g}" for factor in (factors[0], factors[-1]))
    span = low if low == high else f"{low} to {high}"
    return f"; a bundle took its steps {span} times as fast here"


def _compare_all(
    task: UnlearningTask,
    landmarks: Mapping[int, Landmarks],
    spec: SweepSpec,
    plans: Mapping[str, TrialPlan],
    members: int,
) -> dict[str, Ways]:
    torch.set_num_threads(spec.resources.threads)
    bench = Bench(task, landmarks, spec.resources.device)
    (seed,) = landmarks
    batch = spec.budget.batch_size
    return {name: compare_ways(bench, plan, seed, batch, members) for name, plan in plans.items()}


_Descend = Callable[[Sequence[Iterator[nn.Module]]], None]


def _one_by_one(runs: Sequence[Iterator[nn.Module]]) -> None:
    """Leaves the steps to the runs themselves."""


def _agree(original: nn.Module, one: nn.Module, other: nn.Module) -> bool:
    """Whether two models that have taken a step from an original are the same but for rounding."""
    start, here, there = (_flat(model) for model in (original, one, other))
    rounding = torch.finfo(torch.float32).eps * start.norm()
    return bool((here - there).norm() <= _DIFFERENCE * (here - start).norm() + 10 * rounding)


def _flat(model: nn.Module) -> Tensor:
    """All numbers of a model's state, running statistics included, as one vector."""
    return torch.cat([value.detach().double().flatten() for value in model.state_dict().values()])
