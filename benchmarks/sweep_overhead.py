"""What share of a sweep's slots goes into unlearning and evaluation, against a plain loop.

A slot is one CPU that Ray may use. Its time from the start of the Tune run to the end of the last
trial is either spent in unlearning and evaluation (measured inside the trials) or lost to actor
start, reports and the driver. The plain loop runs the same configurations one after another in
this process.

    python benchmarks/sweep_overhead.py --steps 160 --configurations 8
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

import ray
import torch
from rich.console import Console
from rich.table import Table

from pareto_explorer import run_sweep
from pareto_explorer.sweeps import SweepSpec, TrialPlan
from pareto_explorer.sweeps.progress import Progress
from pareto_explorer.sweeps.replicate import Bench, run_replicate
from pareto_explorer.sweeps.reproduce import local_landmarks
from pareto_explorer.tasks import LandmarkCache, default_cache_dir, make_task

GOAL = 0.75


class Stopwatch(Progress):
    """Notes when the trials begin and when each of them ends."""

    def begin(self, *arguments: object) -> None:
        """Starts the clock."""
        super().begin(*arguments)  # type: ignore[arg-type]
        self.began = perf_counter()

    def ended(self, plan: TrialPlan, status: str) -> None:
        """Takes the time."""
        super().ended(plan, status)
        self.last = perf_counter()


def specification(steps: int, configurations: int) -> SweepSpec:
    return SweepSpec.from_mapping(
        {
            "task": {"name": "digits"},
            "budget": {"steps": steps, "batch_size": 64, "evaluate_every": steps // 3},
            "families": [
                {
                    "method": "jacobian_descent",
                    "aggregator": ["upgrad", "mgda", "mean"],
                    "forget_loss": "kl_uniform",
                    "lr": {"loguniform": [0.001, 0.01]},
                }
            ],
            "search": {"configurations": configurations},
        }
    )


def sweep_seconds(spec: SweepSpec, folder: Path) -> tuple[float, float]:
    """Seconds from the first to the last trial, and those spent inside trials."""
    clock = Stopwatch()
    run = run_sweep(spec, folder / "run", progress=clock)
    last = run.points.groupby(["trial_id", "replicate"])[["seconds", "evaluation_seconds"]].max()
    return clock.last - clock.began, float(last.to_numpy().sum())


def loop_seconds(spec: SweepSpec) -> float:
    """Seconds of the same configurations in a plain loop, landmarks already there."""
    torch.set_num_threads(1)
    task = make_task(spec.task)
    cache = LandmarkCache(default_cache_dir())
    landmarks = {
        seed: local_landmarks(task, seed, cache) for seed in spec.replicates.training_seeds
    }
    bench = Bench(task, landmarks, "cpu")
    started = perf_counter()
    for plan in spec.plan():
        for replicate in spec.replicate_list():
            for _ in run_replicate(bench, plan, replicate, spec.budget):
                pass
    return perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=90, help="gradient steps of a trial")
    parser.add_argument("--configurations", type=int, default=8, help="per family (3 families)")
    parser.add_argument("--slots", type=int, default=2, help="CPUs that Ray may use")
    arguments = parser.parse_args()
    spec = specification(arguments.steps, arguments.configurations)
    loop = loop_seconds(spec)
    ray.init(
        address="local", num_cpus=arguments.slots, include_dashboard=False, log_to_driver=False
    )
    with tempfile.TemporaryDirectory() as folder:
        wall, busy = sweep_seconds(spec, Path(folder))
    ray.shutdown()
    trials = len(spec.plan())
    share = busy / (arguments.slots * wall)
    table = Table(title=f"{trials} trials on {arguments.slots} slots")
    for name in ("", "seconds", "seconds per trial"):
        table.add_column(name, justify="right" if name else "left")
    table.add_row("plain loop, one process", f"{loop:.1f}", f"{loop / trials:.2f}")
    table.add_row("sweep, first to last trial", f"{wall:.1f}", f"{wall / trials:.2f}")
    table.add_row("inside trials, all slots", f"{busy:.1f}", f"{busy / trials:.2f}")
    console = Console()
    console.print(table)
    verdict = "met" if share >= GOAL else "missed"
    console.print(f"share of slot time in unlearning and evaluation: {share:.2f}")
    console.print(f"goal of {GOAL} {verdict}; {loop / wall:.2f} times as fast as the plain loop")


if __name__ == "__main__":
    main()
