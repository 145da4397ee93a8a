"""CPU seconds that the statistics of audits take, on margins of the size of CIFAR-10's.

    python benchmarks/audits.py [--models 64] [--samples 4500] [--rounds 3]

Margins are normal, those of unlearned and retrained models half a standard deviation apart. Each
statistic starts from the two arrays; the table shows the shortest time of all rounds. The exit code
is 1 if one missed the goal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from time import process_time

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from pareto_explorer.audits.statistics import (
    beside_floor,
    certified_losses,
    energy_distance,
    forgetting_quality,
    jackknife,
    klom,
    margins,
    offline_lira,
    rmia,
    shrunken,
    squared_excess_auc,
    squared_excess_auc_independent,
    swap_advantages,
    threshold_auc,
    u_lira,
    u_lira_accuracy,
)

GOAL = 2.0  # seconds for one statistic
CLASSES = 10

Margins = NDArray[np.float64]


def statistics(u: Margins, r: Margins, rng: np.random.Generator) -> dict[str, Callable[[], object]]:
    """What an audit computes of one set, by its name."""
    logits = rng.normal(size=(*u.shape, CLASSES)).astype(np.float32)
    labels = rng.integers(0, CLASSES, u.shape[1])
    first = rng.random(u.shape) < 0.5
    halves = np.stack([np.where(first, u, r), np.where(first, r, u)], axis=1)
    return {
        "margins of one role's logits": partial(margins, logits, labels),
        "D², paired, with standard error": partial(squared_excess_auc, u, r),
        "D², independent": partial(squared_excess_auc_independent, u, r),
        "energy distance": partial(energy_distance, u, r),
        "U-LiRA, pooled": partial(u_lira, u, r),
        "U-LiRA, shrunken": partial(u_lira, u, r, shrunken),
        "U-LiRA, jackknife of the accuracy": partial(jackknife, u_lira_accuracy, u, r),
        "leakage, halves": partial(swap_advantages, halves, first),
        "KLoM and its floor": partial(beside_floor, lambda a, b: float(klom(a, b).mean()), u, r),
        "F, 500 samples": partial(forgetting_quality, u, r),
        "certified ε": partial(certified_losses, u, r),
        "threshold AUC": partial(threshold_auc, u, r),
        "offline LiRA": partial(offline_lira, u[0], r),
        "RMIA": partial(rmia, u[0], r, u[1], r, a=0.3),
    }


def seconds(work: Callable[[], object], rounds: int) -> float:
    """The shortest of several CPU times."""
    spent = []
    for _ in range(rounds):
        started = process_time()
        work()
        spent.append(process_time() - started)
    return min(spent)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--samples", type=int, default=4500)
    parser.add_argument("--rounds", type=int, default=3, help="the shortest of so many times")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    u, r = rng.normal(size=(2, options.models, options.samples))
    table = Table(title=f"{options.models} models a side, {options.samples:,} samples")
    table.add_column("statistic")
    table.add_column("CPU seconds", justify="right")
    met = True
    for name, work in statistics(u + 0.5, r, rng).items():
        spent = seconds(work, options.rounds)
        met &= spent <= GOAL
        table.add_row(name, f"{spent:.3f}")
    console = Console()
    console.print(table)
    console.print(f"Goal, at most {GOAL:g} s for each: {'met' if met else 'missed'}.")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
