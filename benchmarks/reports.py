"""CPU seconds and memory that the report of a large run takes.

    python benchmarks/reports.py
    python benchmarks/reports.py --points 40000 100000

The runs are synthetic: 24 families of Jacobian descent with four knobs, of which each aggregator
has one for itself, and all metrics and diagnostics; no two numbers are equal. "many trials" has
three checkpoints of each in three replicates, "long trials" twenty in six. Each report is written
by a fresh process, whose CPU seconds cover all that it does after importing the package, loading
the run and what is imported on the way included; its memory is the most that it ever held. The
exit code is 1 if the goal was missed.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from pareto_explorer.fronts import retrain_gap_box
from pareto_explorer.runs import PointsWriter, RunDirectory, write_landmarks, write_manifest
from pareto_explorer.runs.journal import encode
from pareto_explorer.schema.columns import DIAGNOSTICS
from pareto_explorer.schema.metrics import METRICS

GOAL_POINTS, GOAL_SECONDS = 100_000, 10.0
LOSSES = ("kl_uniform", "bounded_cross_entropy", "negative_cross_entropy")
OWN_KNOBS = {
    "weighted_sum": "weight",
    "upgrad": "preference",
    "cup": "intensity",
    "hamu": "quota",
    "eupmu": "epsilon",
    "cagrad": "c",
    "barrier": "level",
    "gru": "tracking",
}
FAMILIES = tuple((aggregator, loss) for aggregator in OWN_KNOBS for loss in LOSSES)
UNIT, LR = {"uniform": [0.0, 1.0]}, {"loguniform": [0.001, 0.1]}

WRITE = """
import os, resource, sys
from pareto_explorer.reports import write_report
before = os.times()
write_report(*sys.argv[1:])
after = os.times()
kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(after.user + after.system - before.user - before.system, kibibytes / 1024)
"""


class Shape(NamedTuple):
    """How the points of a run are spread: over replicates, and over checkpoints of a trial."""

    replicates: int
    checkpoints: int

    def trials(self, points: int) -> int:
        """The trials of each family, of a run with at least so many points."""
        return math.ceil(points / (self.replicates * self.checkpoints * len(FAMILIES)))


SHAPES = {"many trials": Shape(3, 3), "long trials": Shape(6, 20)}


def measures(forget: float, retain: float, rng: np.random.Generator) -> dict[str, float]:
    """Metrics and diagnostics: the two objectives, and numbers that follow them with noise."""
    names = [*METRICS, *DIAGNOSTICS]
    noise = rng.normal(0.0, 0.02, len(names))
    found = np.clip(0.5 * (forget + retain) + np.linspace(0.0, 0.4, len(names)) + noise, 0.0, 1.0)
    return dict(zip(names, found.tolist(), strict=True)) | {
        "forget_gap": forget,
        "retain_gap": retain,
    }


def records(points: int, shape: Shape) -> Iterator[dict[str, Any]]:
    """The records of a sweep's journal: along a trade-off that its family and knobs set."""
    rng = np.random.default_rng(0)
    for aggregator, loss in FAMILIES:
        floor = rng.uniform(0.02, 0.1)
        for number in range(shape.trials(points)):
            share, skill, momentum = rng.random(3).tolist()
            lr = 0.001 * 100**skill
            trial = f"{aggregator}-{loss}-{number}"
            identity = {
                "trial_id": trial,
                "family": f"{aggregator}/{loss}",
                "method": "jacobian_descent",
                "aggregator": aggregator,
                "forget_loss": loss,
                "status": "ok",
                "config.lr": lr,
                "config.momentum": momentum,
                "config.optimizer": ("sgd", "adamw")[number % 2],
                f"config.{OWN_KNOBS[aggregator]}": share,
            }
            for step in range(1, shape.checkpoints + 1):
                done = 1 - np.exp(-(0.5 + 4 * skill) * step / shape.checkpoints)
                forget = 0.85 * (1 - done * (1 - share) ** 0.5)
                retain = floor + 0.3 * done * (1 - share) ** 2 + 0.2 * skill**2
                rows = [
                    {
                        **identity,
                        "replicate": replicate,
                        "training_seed": replicate,
                        "unlearning_seed": 100 + replicate,
                        "step": 20 * step,
                        "samples": 2560 * step,
                        "seconds": 0.1 * step * (1 + 0.1 * rng.random()),
                        **measures(
                            *np.abs(np.array([forget, retain]) + rng.normal(0, 0.01, 2)), rng
                        ),
                    }
                    for replicate in range(shape.replicates)
                ]
                end = {"trial_id": trial, "trial_status": "finished", "error": None}
                yield {"rows": rows} | ({"end": end} if step == shape.checkpoints else {})


def write_run(folder: Path, points: int, shape: Shape) -> int:
    """Writes a finished run; returns how many points it has."""
    rng, run = np.random.default_rng(1), RunDirectory(folder)
    seeds = range(shape.replicates)
    landmarks = [
        {"landmark": kind, "replicate": seed, "training_seed": seed}
        | measures(forget + 0.01 * rng.random(), 0.01 * rng.random(), rng)
        for kind, forget in (("original", 0.85), ("retrained", 0.0))
        for seed in seeds
    ]
    domains = {
        f"{aggregator}/{loss}": {"lr": LR, "momentum": UNIT, OWN_KNOBS[aggregator]: UNIT}
        for aggregator, loss in FAMILIES
    }
    manifest = {
        "name": "synthetic",
        "written": "2031-05-06T07:08:09+00:00",
        "command": "pareto-explorer sweep synthetic",
        "facts": {"name": "digits", "forget": 108, "retain": 970, "n_classes": 10},
        "spec": {
            "task": {"name": "digits", "forget": {"kind": "mislabelled", "fraction": 0.1}},
            "replicates": {"training_seeds": list(seeds)},
            "objectives": "retrain_gap",
            "search": {"mode": "compare", "configurations": shape.trials(points), "seed": 0},
        },
        "domains": domains,
        "box": retrain_gap_box([row["forget_gap"] for row in landmarks[: len(seeds)]]).to_dict(),
    }
    write_manifest(run, manifest)
    write_landmarks(run, landmarks)
    written = 0
    with run.journal.open("ab") as file:
        for record in records(points, shape):
            file.write(encode(record))
            written += len(record["rows"])
    PointsWriter(run).close()
    return written


def measure(run: Path, out: Path) -> tuple[float, float]:
    """CPU seconds and MiB of one report."""
    command = [sys.executable, "-c", WRITE, str(run), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    seconds, mebibytes = done.stdout.split()
    return float(seconds), float(mebibytes)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--points", type=int, nargs="+", default=[GOAL_POINTS])
    parser.add_argument("--rounds", type=int, default=3, help="the shortest of so many times")
    parser.add_argument("--shape", choices=list(SHAPES), action="append")
    options = parser.parse_args()
    console, slowest = Console(), 0.0
    table = Table(title="One report", title_justify="left")
    for heading in ("", "points", "trials", "CPU seconds", "MiB", "page, MB"):
        table.add_column(heading, justify="right" if heading else "left")
    for points in options.points:
        for name in options.shape or SHAPES:
            with tempfile.TemporaryDirectory() as folder:
                run, out = Path(folder, "run"), Path(folder, "report")
                written = write_run(run, points, SHAPES[name])
                found = [measure(run, out) for _ in range(options.rounds)]
                megabytes = (out / "index.html").stat().st_size / 1e6
            seconds, mebibytes = (min(column) for column in zip(*found, strict=True))
            trials = len(FAMILIES) * SHAPES[name].trials(points)
            numbers = (f"{written:,}", f"{trials:,}", f"{seconds:.1f}")
            table.add_row(name, *numbers, f"{mebibytes:.0f}", f"{megabytes:.1f}")
            if points >= GOAL_POINTS:
                slowest = max(slowest, seconds)
    console.print(table)
    if not slowest:
        return 0
    met = slowest <= GOAL_SECONDS
    console.print(
        f"Goal, a report of {GOAL_POINTS:,} points in {GOAL_SECONDS:g} s of CPU: "
        f"{'met' if met else 'missed'}."
    )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
