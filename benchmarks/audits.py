"""What an audit takes: its statistics at the size of CIFAR-10, and the whole of it on digits.

    python benchmarks/audits.py [--models 64] [--samples 4500] [--rounds 3] [--seeds 16]

Statistics start from two arrays of normal margins, those of unlearned and retrained models half a
standard deviation apart; the table shows the least CPU time of all rounds. On digits, one
configuration is swept with six seeds and audited with all games by the clock; what the sweep has
trained is cached, all else is trained. The exit code is 1 if a goal was missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from pareto_explorer import SweepSpec, audit, run_sweep
from pareto_explorer.audits.result import Audit
from pareto_explorer.audits.statistics import (
    attack_estimate,
    beside_floor,
    certified_losses,
    energy_distance,
    forgetting_quality,
    klom,
    margins,
    offline_lira,
    over_splits,
    remaining_accuracy,
    remaining_log_probabilities,
    rmia,
    shrunken,
    squared_excess_auc,
    squared_excess_auc_independent,
    swap_advantages,
    threshold_auc,
    u_lira,
    u_lira_accuracy,
    u_lira_by_tercile,
)

GOAL = 2.0  # seconds for one statistic
WHOLE_GOAL = 120.0  # seconds for the audit of one point on digits, on two cores that are quiet
SPACE = {
    "task": {"name": "digits", "forget": {"kind": "mislabelled", "fraction": 0.1}},
    "replicates": {"training_seeds": [0, 1, 2, 3, 4, 5]},
    "budget": {"steps": 60, "batch_size": 64, "evaluate_every": 30},
    "families": [
        {
            "method": "jacobian_descent",
            "aggregator": "weighted_sum",
            "forget_loss": "bounded_cross_entropy",
            "weight": 0.872,
            "lr": 0.0061,
        }
    ],
    "search": {"configurations": 1},
}
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
        "U-LiRA, accuracy with its interval": partial(attack_estimate, u, r),
        "U-LiRA, splits of retrained models": partial(over_splits, u_lira_accuracy, r),
        "U-LiRA, thirds by memorisation": partial(u_lira_by_tercile, r + 2, u, r),
        "remaining classes, 500 samples": partial(
            remaining_accuracy,
            *(remaining_log_probabilities(x[:, :500], 3) for x in (logits, logits + 0.1)),
        ),
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


def whole_audit(seeds: int) -> tuple[float, Audit]:
    """What the audit of one point on digits takes, and what it finds."""
    with TemporaryDirectory() as folder:
        where = {"cache_dir": Path(folder) / "cache"}
        run_sweep(SweepSpec.from_mapping(SPACE), Path(folder) / "run", **where)
        started = perf_counter()
        found = audit(Path(folder) / "run", models=seeds, **where)
        return perf_counter() - started, found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--models", type=int, default=64)
    parser.add_argument("--samples", type=int, default=4500)
    parser.add_argument("--rounds", type=int, default=3, help="the shortest of so many times")
    parser.add_argument("--seeds", type=int, default=16, help="training seeds on digits")
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
    took, found = whole_audit(options.seeds)
    console.print(
        f"Audit of one point on digits, {options.seeds} seeds: {took:.0f} s; the plan said "
        f"{found.plan.seconds:.0f} s. Goal, at most {WHOLE_GOAL:g} s: "
        f"{'met' if took <= WHOLE_GOAL else 'missed'}."
    )
    columns = ["trial_id", "statistic", "set", "n_models", "value", "low", "high", "floor"]
    headlines = found.headlines().query("seeds == 'all'")[columns]
    console.print(headlines.to_string(index=False, float_format="{:.3f}".format), soft_wrap=True)
    return 0 if met and took <= WHOLE_GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
