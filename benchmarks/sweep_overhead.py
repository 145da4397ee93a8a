"""What a sweep costs beside unlearning and evaluation.

    python benchmarks/sweep_overhead.py --space digits                    # goal 1.2
    python benchmarks/sweep_overhead.py --trial-seconds 2 --trials 60     # goal 0.90
    python benchmarks/sweep_overhead.py --trial-seconds 20 --trials 12    # goal 0.97
    python benchmarks/sweep_overhead.py --curve                           # up to 2,000 trials
    python benchmarks/sweep_overhead.py --launches 6                      # CUP's own grid

Space: the command `pareto-explorer sweep` on a search space whose landmarks are in the cache, from
its start to its end, report included. Its wall time is divided by what it would take if all slots
did nothing but unlearn, evaluate and measure landmarks. The lines that it prints say what the time
went into. Where others use the machine, unlearning and evaluation are slower too, so the ratio says
the less about a quiet machine the higher the load is.

Share: a slot is a CPU that Ray may use. Its time, from the start of the Tune run to the end of the
last trial, is either spent in unlearning and evaluation (as the points table says) or lost. The
steps of a trial are chosen so that it takes the seconds that were asked for in a plain loop in
this process. What was lost is shown by where: until a worker is there, inside trials (copies of
models, landmarks, model files), between two reports of a trial and between two trials (the driver
and Ray), and at the end, where a slot has no trial left. With few slots, the end and the start
weigh as much as the number of trials is small.

Curve: trials of a dummy task, in one sweep. Memory of the driver and its seconds of CPU per report
should stay as they are.

Launches: the grid of search_spaces/digits_cup_grid.yaml (99 intensities, 2 learning rates, 5
seeds) against one process per configuration, as in CUP's published workflow. Both are run on a
sample of the configurations, on as many slots, and extrapolated to the whole grid.

Other work on the machine makes every number worse: the load is printed. Compare within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from unittest.mock import patch

import ray
import torch
from rich.console import Console
from rich.table import Table

from pareto_explorer.runs import RunDirectory, read_points
from pareto_explorer.sweeps import SweepSpec, execute
from pareto_explorer.sweeps.again.reproduce import local_landmarks
from pareto_explorer.sweeps.cluster.connect import QUIET
from pareto_explorer.sweeps.cluster.room import fitting
from pareto_explorer.sweeps.driver.callbacks import SweepCallback
from pareto_explorer.sweeps.live.progress import Progress
from pareto_explorer.sweeps.trials.replicate import Bench, run_replicate
from pareto_explorer.tasks import LandmarkCache, default_cache_dir, make_task

COUNTS = (250, 500, 1000, 2000)
GRID = "digits_cup_grid"
HERE = Path(__file__).parent
console = Console()


@dataclass(frozen=True)
class Report:
    """One report of a trial, as the driver sees it.

    Attributes:
        arrived: When, by this process's clock.
        worker: The process that made it.
        seconds: How long the worker took.
        last: Whether the trial ended with it.
        memory: Of the driver, in bytes.
        cpu: Seconds of CPU of the driver so far.
    """

    arrived: float
    worker: int
    seconds: float
    last: bool
    memory: int
    cpu: float


class Clock(Progress):
    """Notes when the trials begin."""

    def begin(self, *arguments: Any) -> None:
        """Starts the clock."""
        super().begin(*arguments)
        self.began = perf_counter()


@contextmanager
def watched() -> Iterator[list[Report]]:
    """Collects the reports of the sweeps in the block."""
    reports: list[Report] = []
    handle = SweepCallback.on_trial_result

    def on_trial_result(self: SweepCallback, **information: Any) -> None:
        result = information["result"]
        reports.append(
            Report(
                perf_counter(),
                result["pid"],
                result["time_this_iter_s"],
                result["done"],
                memory(),
                process_time(),
            )
        )
        handle(self, **information)

    with patch.object(SweepCallback, "on_trial_result", on_trial_result):
        yield reports


def memory() -> int:
    """Bytes of this process that are in memory; Linux only."""
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize()


def start_ray(slots: int) -> None:
    os.environ.update(QUIET)
    ray.init(address="local", num_cpus=slots, include_dashboard=False, log_to_driver=False)


# space


def whole(space: str) -> None:
    spec = SweepSpec.load(space)
    slots = fitting({"CPU": os.cpu_count() or 1}, spec.resources)
    measuring = measuring_seconds(spec)  # and what is not in the cache is trained
    console.print(f"{space}: load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as folder:
        run = RunDirectory(Path(folder) / "run")
        lines = told(space, run)
        busy = seconds_of_trials(run)
    table = Table(title="from the start of the command")
    table.add_column("s", justify="right")
    table.add_column("it says")
    for seconds, line in lines:
        if re.match(r"[\w ]+: |\d+/", line):
            table.add_row(f"{seconds:.1f}", line)
    console.print(table)
    wall = lines[-1][0]
    ratio = wall / ((busy + measuring) / slots)
    console.print(
        f"{wall:.1f} s ÷ (({busy:.1f} s of trials + {measuring:.1f} s of landmarks) ÷ {slots} "
        f"slots) = {ratio:.2f}, goal of 1.2 {'met' if ratio <= 1.2 else 'missed'}; "
        f"load {os.getloadavg()[0]:.1f}"
    )


def told(space: str, run: RunDirectory) -> list[tuple[float, str]]:
    """Sweeps a search space by the command: the lines that it prints, with their seconds."""
    command = [sys.executable, "-m", "pareto_explorer", "sweep", space, "--out", str(run.path)]
    started = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        lines = [(perf_counter() - started, line.strip()) for line in process.stdout or ()]
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return [*lines, (perf_counter() - started, "the command: has ended")]


def measuring_seconds(spec: SweepSpec) -> float:
    """Seconds in which one process measures all landmarks."""
    bench, started = bench_of(spec), perf_counter()
    for seed in spec.replicates.training_seeds:
        bench.prepared(seed)
    return perf_counter() - started


def seconds_of_trials(run: RunDirectory) -> float:
    """Seconds of unlearning and evaluation, as the points table says."""
    last = read_points(run).groupby(["trial_id", "replicate"])
    return float(last[["seconds", "evaluation_seconds"]].max().to_numpy().sum())


# share


def specification(steps: int, trials: int) -> SweepSpec:
    return SweepSpec.from_mapping(
        {
            "task": {"name": "digits"},
            "budget": {"steps": steps, "batch_size": 64, "evaluate_every": max(steps // 3, 1)},
            "families": [
                {
                    "method": "jacobian_descent",
                    "aggregator": "upgrad",
                    "forget_loss": "kl_uniform",
                    "lr": {"loguniform": [0.001, 0.01]},
                }
            ],
            "search": {"configurations": trials},
        }
    )


def bench_of(spec: SweepSpec) -> Bench:
    """Everything that a plain loop in this process needs."""
    torch.set_num_threads(1)
    task, cache = make_task(spec.task), LandmarkCache(default_cache_dir())
    seeds = spec.replicates.training_seeds
    return Bench(task, {seed: local_landmarks(task, seed, cache) for seed in seeds}, "cpu")


def loop_seconds(spec: SweepSpec, bench: Bench, trials: int) -> float:
    """Seconds of a trial in a plain loop, landmarks already there."""
    for replicate in spec.replicate_list():
        bench.prepared(replicate.training_seed)
    started = perf_counter()
    for plan in spec.plan()[:trials]:
        for replicate in spec.replicate_list():
            for _ in run_replicate(bench, plan, replicate, spec.budget):
                pass
    return (perf_counter() - started) / trials


def steps_for(seconds: float) -> int:
    """Steps of a trial that takes so long; evaluations count as well."""
    bench = bench_of(specification(3, 1))
    loop_seconds(specification(3, 1), bench, 1)  # what the first steps of a process cost extra
    short, long = (loop_seconds(specification(n, 2), bench, 2) for n in (6, 36))
    return max(3, round((seconds - short) / max(long - short, 1e-9) * 30) + 6)


def share(seconds: float, trials: int, slots: int) -> None:
    goal = 0.97 if seconds >= 20 else 0.9
    steps = steps_for(seconds)
    spec = specification(steps, trials)
    console.print(f"{trials} trials of {steps} steps, load {os.getloadavg()[0]:.1f}")
    start_ray(slots)
    clock, started = Clock(), perf_counter()
    with tempfile.TemporaryDirectory() as folder, watched() as reports:
        run = execute(spec, Path(folder) / "run", progress=clock)
        command = perf_counter() - started
        busy = seconds_of_trials(run)
    ray.shutdown()
    wall = max(report.arrived for report in reports) - clock.began
    table = Table(title=f"{trials} trials on {slots} slots")
    for name in ("", "seconds of slots", "per trial", "share"):
        table.add_column(name, justify="right" if name else "left")

    def row(name: str, value: float) -> None:
        table.add_row(
            name, f"{value:.1f}", f"{value / trials:.3f}", f"{value / (slots * wall):.3f}"
        )

    row("all", slots * wall)
    row("unlearning and evaluation", busy)
    for name, value in losses(reports, clock.began, slots, wall, busy).items():
        row(name, value)
    console.print(table)
    found = busy / (slots * wall)
    console.print(
        f"share of slot time in unlearning and evaluation: {found:.3f}, "
        f"goal of {goal} {'met' if found >= goal else 'missed'}; "
        f"first to last trial {wall:.1f} s, with landmarks and start {command:.1f} s; "
        f"load {os.getloadavg()[0]:.1f}"
    )


def losses(
    reports: Sequence[Report], began: float, slots: int, wall: float, busy: float
) -> dict[str, float]:
    """Where the slots' time went that is not in the points table."""
    by_worker: dict[int, list[Report]] = defaultdict(list)
    for report in reports:
        by_worker[report.worker].append(report)
    found = dict.fromkeys(("until a worker is there", "inside trials"), 0.0)
    found |= dict.fromkeys(("between reports", "between trials", "at the end"), 0.0)
    found["inside trials"] = sum(report.seconds for report in reports) - busy
    for own in by_worker.values():
        found["until a worker is there"] += own[0].arrived - own[0].seconds - began
        for before, after in pairwise(own):
            where = "between trials" if before.last else "between reports"
            found[where] += after.arrived - before.arrived - after.seconds
        found["at the end"] += began + wall - own[-1].arrived
    found["until a worker is there"] += (slots - len(by_worker)) * wall
    return found


# curve


def dummies(trials: int) -> SweepSpec:
    return SweepSpec.from_mapping(
        {
            "task": {"name": "dummy:task"},
            "replicates": {"training_seeds": [0]},
            "budget": {"steps": 3, "batch_size": 4, "evaluate_every": 1},
            "objectives": "efficacy_fidelity",
            "families": [{"method": "dummy:Nothing", "lr": {"loguniform": [0.001, 0.01]}}],
            "search": {"configurations": trials},
        }
    )


def curve(counts: Sequence[int], slots: int) -> None:
    start_ray(slots)
    with tempfile.TemporaryDirectory() as folder, watched() as reports:
        execute(dummies(max(counts)), Path(folder) / "run", cache_dir=Path(folder) / "cache")
    ray.shutdown()
    table = Table(title=f"the driver's own cost, dummy trials on {slots} slots")
    for name in ("trials", "memory, MiB", "CPU, ms per report", "reports per second"):
        table.add_column(name, justify="right")
    ends = [index for index, report in enumerate(reports) if report.last]
    lines: list[tuple[int, float, float]] = []
    for count in counts:  # the last fifth before each count
        first, last = ends[int(0.8 * count)], ends[count - 1]
        a, b, n = reports[first], reports[last], last - first
        lines.append((count, b.memory / 2**20, 1000 * (b.cpu - a.cpu) / n))
        rate = n / (b.arrived - a.arrived)
        table.add_row(str(count), f"{lines[-1][1]:.0f}", f"{lines[-1][2]:.1f}", f"{rate:.0f}")
    console.print(table)
    per_trial = (lines[-1][1] - lines[0][1]) / (lines[-1][0] - lines[0][0]) * 1024
    console.print(
        f"memory grows by {per_trial:.1f} KiB per trial; a report costs "
        f"{lines[-1][2] / lines[0][2]:.2f} times as much after {lines[-1][0]} trials as after "
        f"{lines[0][0]}; load {os.getloadavg()[0]:.1f}"
    )


# launches


def launches(sample: int, slots: int) -> None:
    spec = SweepSpec.load(GRID)
    plans = spec.plan()
    step = len(plans) // sample
    chosen = plans[::step][:sample]
    bench_of(spec)  # trains and caches the landmarks before anything is timed
    console.print(f"load {os.getloadavg()[0]:.1f}")
    orders = [
        json.dumps(
            {
                "task": spec.task,
                "config": plan.config,
                "seeds": spec.replicates.training_seeds,
                "budget": spec.budget.model_dump(),
            }
        )
        for plan in chosen
    ]
    started = perf_counter()
    with ThreadPoolExecutor(slots) as pool:
        inside = sum(pool.map(launch, orders))
    launched = (perf_counter() - started) / sample
    start_ray(slots)
    mapping = spec.to_mapping()
    mapping["stop"] = {"gain": 1e9, "configurations": sample}  # the grid, ended after the sample
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, watched() as reports:
        execute(SweepSpec.from_mapping(mapping), Path(folder) / "run", progress=clock)
    ray.shutdown()
    workers = {report.worker for report in reports}
    first = max(min(r.arrived for r in reports if r.worker == worker) for worker in workers)
    rest = [report for report in reports if report.arrived > first]
    swept = (rest[-1].arrived - first) / len(rest)
    head = first - clock.began
    whole = {"one process each": launched * len(plans), "one sweep": head + swept * len(plans)}
    table = Table(title=f"CUP's grid: {len(plans)} configurations x 5 seeds, {slots} slots")
    for name in ("", "measured", "s per configuration", "whole grid, s"):
        table.add_column(name, justify="right" if name else "left")
    per = {"one process each": launched, "one sweep": swept}
    numbers = {"one process each": sample, "one sweep": len(rest)}
    for name, value in whole.items():
        table.add_row(name, str(numbers[name]), f"{per[name]:.2f}", f"{value:.0f} (extrapolated)")
    console.print(table)
    console.print(
        f"the sweep is {whole['one process each'] / whole['one sweep']:.2f} times as fast; of a "
        f"process's time {inside / sample / (launched * slots):.2f} is unlearning and evaluation; "
        f"load {os.getloadavg()[0]:.1f}"
    )


def launch(order: str) -> float:
    """Runs one process and gives its seconds of unlearning and evaluation."""
    command = [sys.executable, str(HERE / "one_configuration.py"), order]
    found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    return float(json.loads(found.stdout)["seconds"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", help="a search space, swept by the command")
    parser.add_argument("--trial-seconds", type=float, default=2, help="of a trial in a plain loop")
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--slots", type=int, default=2, help="CPUs that Ray may use")
    parser.add_argument("--curve", type=int, nargs="*", help="numbers of dummy trials")
    parser.add_argument("--launches", type=int, help="processes of CUP's grid to launch")
    arguments = parser.parse_args()
    if arguments.space:
        whole(arguments.space)
    elif arguments.curve is not None:
        curve(arguments.curve or COUNTS, arguments.slots)
    elif arguments.launches:
        launches(arguments.launches, arguments.slots)
    else:
        share(arguments.trial_seconds, arguments.trials, arguments.slots)


if __name__ == "__main__":
    main()
