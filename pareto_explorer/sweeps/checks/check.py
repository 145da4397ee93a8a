"""Everything that can be said about a sweep before anything of it runs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import pandas as pd
import torch
from torch import Tensor, nn

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.checks.batches import check_training_batches
from pareto_explorer.sweeps.checks.data import Finding, SetFacts, check_data
from pareto_explorer.sweeps.checks.estimate import Estimate, LandmarkCost, estimate
from pareto_explorer.sweeps.checks.families import (
    FamilyCheck,
    Pass,
    Scale,
    check_families,
    check_methods,
    seconds_per_sample,
    thinned,
)
from pareto_explorer.sweeps.checks.model import ModelFacts, check_model
from pareto_explorer.sweeps.checks.model_memory import ModelMemory, memory_of_task, too_large
from pareto_explorer.sweeps.checks.objectives import (
    check_landmarks,
    check_objectives,
    check_original,
)
from pareto_explorer.sweeps.cluster.connect import connect
from pareto_explorer.sweeps.cluster.loggers import require_packages
from pareto_explorer.sweeps.cluster.room import fitting, slots, trials_per_card
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.search.trial_source import starts_of
from pareto_explorer.sweeps.spec.families import TrialPlan
from pareto_explorer.sweeps.spec.parts import Replicate, Resources
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.sweeps.trials.bundle_pace import compare_ways, words
from pareto_explorer.sweeps.trials.landmark_training import (
    KINDS,
    landmark_metrics,
    several_seeds,
)
from pareto_explorer.sweeps.trials.measured_here import measure_landmarks
from pareto_explorer.sweeps.trials.memory import card_use, require_room
from pareto_explorer.sweeps.trials.refusals import first_of_each, known_or_any
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks
from pareto_explorer.tasks import (
    LandmarkCache,
    LandmarkKind,
    UnlearningTask,
    default_cache_dir,
    fingerprint,
    given_landmark,
    make_task,
    train_stages,
)

__all__ = ["CheckResult", "check"]

PASS_SECONDS = 2.0
"""How long one pass over the training data may take; larger data are thinned."""

PACE_BATCH = 32
"""Samples whose pass is timed to know the pace of a model."""

SLOW_STEP = 1.0
"""Seconds of a step from which on as few as possible are taken, on a CPU with smaller batches."""

LEAST_BATCH = 16
"""Samples that the batches of a slow model still have."""


@dataclass(frozen=True)
class CheckResult:
    """What a check has found.

    Attributes:
        task: Name of the task.
        device: Where the check has computed.
        weights: What the steps were taken on: ``cached``, ``given`` or ``untrained`` weights.
        sets: Facts of the task's sets.
        model: Facts of its model, if there is one.
        families: What a few steps of every family took; none if the data or the model do not fit.
        shrunk: How many times larger the task is than what the steps were taken on.
        estimate: How long the sweep takes, if all families could be measured.
        findings: What is wrong, and what deserves a look.
        batch_shrunk: How many times larger the sweep's batches are than those of these steps.
        memory: What a step of a language model needs by arithmetic; None for other models.
    """

    task: str
    device: str
    weights: str
    sets: tuple[SetFacts, ...]
    model: ModelFacts | None
    families: tuple[FamilyCheck, ...]
    shrunk: float
    estimate: Estimate | None
    findings: tuple[Finding, ...]
    batch_shrunk: float = 1.0
    memory: ModelMemory | None = None

    @property
    def errors(self) -> list[str]:
        """What keeps the sweep from running as written."""
        return [finding.text for finding in self.findings if finding.level == "error"]

    @property
    def warnings(self) -> list[str]:
        """What deserves a look."""
        return [finding.text for finding in self.findings if finding.level == "warning"]

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors


def check(
    spec: SweepSpec,
    task: UnlearningTask | None = None,
    *,
    address: str | None = None,
    cache_dir: str | Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> CheckResult:
    """Looks at a sweep's data and model, takes a few real steps of every family, and measures.

    Everything is computed in this process, on a GPU if a trial books one and there is one. Nothing
    is trained and nothing is written. Large data are thinned so that a pass takes seconds, and
    where a step would take more than one on a CPU, batches are smaller.

    Args:
        spec: The sweep.
        task: Its task, where it is an object at hand; by default the one that ``spec.task`` names.
        address: Ray cluster whose room is counted; by default this machine's.
        cache_dir: Folder of the landmark cache, whose originals are used where they are there.
        tell: Told what is being done, in a few words.

    Raises:
        InputError: The task cannot be built, or nothing answers at the address.
    """
    found = _loggers(spec)
    tell("task")
    threads = torch.get_num_threads()
    few = min(spec.resources.threads, os.cpu_count() or 1)
    if task is None:
        torch.set_num_threads(few)  # more of them wait for each other on a busy machine
        try:
            task = make_task(spec.task)
        finally:
            torch.set_num_threads(threads)
    tell("data")
    sets, own = check_data(task)
    found += own
    found += _seeds(spec, task)
    found += check_objectives(spec, task)
    device, own = _device(spec.resources)
    found += own
    found += _starts(spec)
    found += check_methods(known_or_any(spec), task)
    room, own = _room(spec.resources, address)
    found += own
    torch.set_num_threads(few)
    try:
        with torch.random.fork_rng():
            measured = _measure(spec, task, device, room, cache_dir, tell)
    finally:
        torch.set_num_threads(threads)
    return replace(
        measured,
        sets=tuple(sets),
        findings=tuple(dict.fromkeys((*found, *measured.findings))),
    )


def _measure(
    spec: SweepSpec,
    task: UnlearningTask,
    device: str,
    room: int,
    cache_dir: str | Path | None,
    tell: Callable[[str], None],
) -> CheckResult:
    """The part of a check that computes."""
    tell("model")
    model, facts, findings = check_model(task, device)
    memory = None if model is None else memory_of_task(task, model, spec.budget.batch_size)
    if memory is not None and device == "cuda":
        findings += too_large(memory, torch.cuda.get_device_properties(0).total_memory)
    nothing = CheckResult(
        task.name, device, "", (), facts, (), 1.0, None, tuple(findings), memory=memory
    )
    if model is None:
        return nothing
    unfit = check_training_batches(task, model)
    findings += unfit
    budget = spec.budget
    pace = seconds_per_sample(task, model, device, min(budget.batch_size, PACE_BATCH))
    slow = pace * 2 * budget.batch_size > SLOW_STEP
    batch = budget.batch_size
    if slow and device == "cpu":  # a card's memory depends on the batch
        batch = min(batch, max(LEAST_BATCH, int(SLOW_STEP / (2 * pace))))
    small = thinned(task, int(PASS_SECONDS / max(pace, 1e-12)), batch)
    scale = Scale.between(task, small, budget.batch_size / batch)
    cache = LandmarkCache(Path(cache_dir) if cache_dir else default_cache_dir())
    missing = _missing(spec, task, cache)
    seed = spec.replicates.training_seeds[0]
    weights, state = _weights(task, model, cache, seed)
    tell("evaluation")
    landmarks = Landmarks(state, state if spec.needs_retrained else None)
    bench = Bench(small, {seed: landmarks}, device)
    try:
        original, evaluator = bench.prepared(seed)
        recompute = budget.batch_norm_statistics == "recompute"
        statistics = Pass.measured(original, bench.data.retain) if recompute else Pass()
    except Exception as error:
        findings.append(Finding("error", f"evaluation: {_words(error)}"))
        return replace(nothing, findings=tuple(findings))
    if weights != "untrained" and small is task:
        findings += check_original(spec, evaluator.original)
    if not missing and small is task:
        findings += check_landmarks(spec, _cached_landmarks(spec, task, cache, device))
    plans = first_of_each(spec)
    checks, own = check_families(
        bench,
        plans,
        Replicate(0, seed, spec.replicates.unlearning_seeds[0]),
        batch,
        scale=scale,
        statistics=statistics.times(scale.trained),
        slow=slow,
        tell=tell,
    )
    findings += own
    if device == "cuda":
        findings += _gpu(spec.resources)
    if not slow:
        sound = {check.name: plans[check.name] for check in checks if not check.failed}
        findings += _bundles(spec, bench, sound, seed, batch)
    tell("landmark training")
    try:
        cost = LandmarkCost() if unfit else _landmark_cost(spec, task, small, missing, device)
    except Exception as error:
        cost = LandmarkCost()
        findings.append(Finding("error", f"landmark training: {_words(error)}"))
    result = replace(
        nothing,
        weights=weights,
        families=tuple(checks),
        shrunk=scale.trained,
        findings=tuple(findings),
        batch_shrunk=scale.batch,
    )
    measured = {own.name: own for own in checks if not own.failed}
    if len(measured) < len(checks) or not result.ok:
        return result
    return replace(result, estimate=estimate(spec, measured, cost, max(room, 1)))


def _seeds(spec: SweepSpec, task: UnlearningTask) -> list[Finding]:
    if not task.given or len(spec.replicates.training_seeds) == 1:
        return []
    return [Finding("error", several_seeds(task))]


def _loggers(spec: SweepSpec) -> list[Finding]:
    """Whether the packages of the loggers are installed."""
    try:
        require_packages(spec.loggers)
    except InputError as error:
        return [Finding("error", str(error))]
    return []


def _starts(spec: SweepSpec) -> list[Finding]:
    """Whether an earlier run that a search starts from is there and fits."""
    try:
        starts_of(spec, Progress())
    except InputError as error:
        return [Finding("error", str(error))]
    return []


def _device(resources: Resources) -> tuple[str, list[Finding]]:
    """Where to compute, and what speaks against the GPUs that were asked for."""
    if resources.gpu == 0:
        return "cpu", []
    findings = []
    if resources.gpu > 1 and resources.gpu % 1:
        findings.append(
            Finding(
                "error",
                f"resources.gpu: {resources.gpu:g} is more than a card but not a number of whole "
                f"ones; book a share of one, or {math.ceil(resources.gpu)}.",
            )
        )
    trials = trials_per_card(resources.gpu)
    unused = 1 - trials * resources.gpu
    if resources.gpu < 1 and unused > 0.05:
        findings.append(
            Finding(
                "warning",
                f"resources.gpu: {trials} trials of {resources.gpu:g} fit a card and leave "
                f"{unused:.0%} of it to nobody; book {math.floor(100 / trials) / 100:g}.",
            )
        )
    if torch.cuda.is_available():
        return "cuda", findings
    findings.append(
        Finding(
            "warning",
            f"resources.gpu: {resources.gpu:g} asked for, but PyTorch finds no GPU here; times and "
            "memory are those of this machine's CPU, and a sweep needs a cluster that has GPUs.",
        )
    )
    return "cpu", findings


def _room(resources: Resources, address: str | None) -> tuple[int, list[Finding]]:
    """Trials at a time, on the cluster or on this machine."""
    if address is not None:
        with connect(address, verbose=False):
            return slots(resources), []
    cpus, gpus = os.cpu_count() or 1, torch.cuda.device_count()
    room = fitting({"CPU": cpus, "GPU": gpus}, resources)
    if room or (resources.gpu and not gpus):  # the latter has been said
        return room, []
    wanted = f"cpu {resources.cpu:g}"
    wanted += f", gpu {resources.gpu:g}" if resources.gpu else ""
    wanted += "".join(f", {name} {amount:g}" for name, amount in resources.custom.items())
    return 0, [
        Finding(
            "warning",
            f"resources: a trial books {wanted}, which this machine ({cpus} CPUs, {gpus} GPUs) "
            "does not have; sweep on a cluster with `address`, or book less.",
        )
    ]


def _missing(spec: SweepSpec, task: UnlearningTask, cache: LandmarkCache) -> list[LandmarkKind]:
    """The kind of every landmark that has to be trained."""
    needed: tuple[LandmarkKind, ...] = KINDS if spec.needs_retrained else ("original",)
    kinds = [kind for kind in needed if kind not in task.given]
    return [
        kind
        for seed in spec.replicates.training_seeds
        for kind in kinds
        if cache.load(fingerprint(task, kind, seed)) is None
    ]


def _cached_landmarks(
    spec: SweepSpec, task: UnlearningTask, cache: LandmarkCache, device: str
) -> pd.DataFrame:
    """The landmarks table of the training seeds whose two models are given or in the cache."""
    measured = {}
    for seed in spec.replicates.training_seeds:
        original, retrained = (
            given_landmark(task, kind) or cache.load(fingerprint(task, kind, seed))
            for kind in KINDS
        )
        if original is None or retrained is None:
            continue
        own = {seed: Landmarks(original, retrained)}
        measured[seed] = measure_landmarks(task, own, seed, device)
    return pd.DataFrame(
        [
            {"landmark": kind, "training_seed": seed, **metrics}
            for seed, kinds in landmark_metrics(measured, spec.across_seeds).items()
            for kind, metrics in kinds.items()
        ]
    )


def _weights(
    task: UnlearningTask, model: nn.Module, cache: LandmarkCache, seed: int
) -> tuple[str, dict[str, Tensor]]:
    """What stands for the original model."""
    if task.original is not None:
        return "given", dict(task.original)
    cached = cache.load(fingerprint(task, "original", seed))
    if cached is not None:
        return "cached", cached
    state = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    return "untrained", state


def _bundles(
    spec: SweepSpec, bench: Bench, plans: Mapping[str, TrialPlan], seed: int, batch: int
) -> list[Finding]:
    """Which families gain nothing from the bundles that a sweep wants, and why."""
    bundle, members = spec.resources.bundle, spec.resources.bundle_of(len(spec.replicate_list()))
    if members < 2:
        return []
    ways = {name: compare_ways(bench, plan, seed, batch, members) for name, plan in plans.items()}
    in_vain = {name: own for name, own in ways.items() if own.reason or own.together >= own.alone}
    return [Finding("warning", text) for text in words(in_vain, bundle)]


def _gpu(resources: Resources) -> list[Finding]:
    """Whether what this process needed for one replicate after the other fits a share."""
    try:
        require_room(card_use(), resources.gpu)
    except InputError as error:
        return [Finding("error", str(error))]
    return []


def _landmark_cost(
    spec: SweepSpec,
    task: UnlearningTask,
    small: UnlearningTask,
    missing: Sequence[LandmarkKind],
    device: str,
) -> LandmarkCost:
    """Times the first epoch on the thinned task, by the task's own recipe."""
    kinds = 2 if spec.needs_retrained else 1
    measured = kinds * len(spec.replicates.training_seeds)
    epoch = {}
    for kind in sorted(set(missing)):
        larger = len(_trained(task, kind)) / len(_trained(small, kind))
        stages = train_stages(small, kind, 0, device)
        started = perf_counter()
        next(stages)
        epoch[kind] = (perf_counter() - started) * larger * task.recipe.epochs
    return LandmarkCost(tuple(epoch[kind] for kind in missing), measured)


def _trained(task: UnlearningTask, kind: LandmarkKind) -> Tensor:
    """Positions of what a landmark is trained on."""
    return task.retain_indices if kind == "retrained" else task.train.labels


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    return text if isinstance(error, InputError) else f"it fails ({type(error).__name__}: {text})."
