"""Trials side by side on one card, for benchmarks/gpu.py: a process for each of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any

import torch
from gpu_steps import METHOD, PRECISIONS, make

from pareto_explorer.sweeps.spec.families import TrialPlan, expand_families
from pareto_explorer.sweeps.spec.parts import BudgetSpec, Replicate
from pareto_explorer.sweeps.trials.card_share import limit_memory
from pareto_explorer.sweeps.trials.memory import gibibytes
from pareto_explorer.sweeps.trials.replicate import Bench, Landmarks, run_replicate

__all__ = ["Together", "trials_together"]

PATIENCE = 600  # seconds for the slowest process to begin


@dataclass(frozen=True)
class Together:
    """What some trials side by side came to.

    Attributes:
        trials: Trials at a time.
        per_minute: Trials that ended in a minute, all together.
        memory: The most that PyTorch held for one of them.
        failed: Why they could not run.
    """

    trials: int
    per_minute: float = 0.0
    memory: str = ""
    failed: str = ""


def trials_together(
    trials: int,
    options: Mapping[str, Any],
    device: str,
    budget: BudgetSpec,
    seconds: float,
) -> Together:
    """Runs one trial after the other in each of some processes, all at once.

    A trial unlearns one replicate and evaluates it at the end, as a sweep's worker does; building
    the task and a first trial are not timed.

    Args:
        trials: Processes.
        options: Of the textures task.
        device: Where they compute.
        budget: Steps and batch size of a trial.
        seconds: How long they go on.
    """
    context = get_context("spawn")
    barrier, results = context.Barrier(trials), context.Queue()
    given = (trials, dict(options), device, budget, seconds, barrier, results)
    processes = [context.Process(target=_work, args=given, daemon=True) for _ in range(trials)]
    for process in processes:
        process.start()
    found = [results.get(timeout=PATIENCE + 10 * seconds) for _ in processes]
    for process in processes:
        process.join()
    failed = [result for result in found if isinstance(result, str)]
    if failed:
        return Together(trials, failed=max(failed, key=len))
    return Together(
        trials,
        60 * sum(done / elapsed for done, elapsed, _ in found),
        gibibytes(max(peak for *_, peak in found)),
    )


def _work(
    trials: int,
    options: Mapping[str, Any],
    device: str,
    budget: BudgetSpec,
    seconds: float,
    barrier: Barrier,
    results: Any,
) -> None:
    try:
        results.put(_timed(trials, options, device, budget, seconds, barrier))
    except Exception as error:
        barrier.abort()
        results.put(f"{type(error).__name__}: {error}".splitlines()[0])


def _timed(
    trials: int,
    options: Mapping[str, Any],
    device: str,
    budget: BudgetSpec,
    seconds: float,
    barrier: Barrier,
) -> tuple[int, float, int]:
    """Trials that ended, the seconds that they took, and the bytes that PyTorch held at most."""
    torch.set_num_threads(1)
    if device != "cpu":
        limit_memory(1 / trials)
    task = make(options, PRECISIONS["bfloat16, channels last"], device)
    state = {name: value.cpu() for name, value in task.model().state_dict().items()}
    bench = Bench(task, {0: Landmarks(state, state)}, device)
    (family,) = expand_families([{**METHOD, "lr": 1e-3}])

    def trial(number: int) -> None:
        plan = TrialPlan(f"trial-{number}", family, dict(family.knobs))
        for _ in run_replicate(bench, plan, Replicate(0, 0, number), budget):
            pass

    trial(0)
    barrier.wait(PATIENCE)
    started, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < seconds or not done:
        done += 1
        trial(done)
    elapsed = time.perf_counter() - started
    peak = torch.cuda.max_memory_reserved() if device != "cpu" else 0
    return done, elapsed, peak
