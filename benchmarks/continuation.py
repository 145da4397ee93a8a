"""One run whose weight moves against sweeps of the weight, at equal and at twice as many samples.

    python benchmarks/continuation.py [--seeds 6] [--lr 0.05] [--statistics keep] [--workers 1]

Weighted sums on digits, mislabelled samples and a whole class. One run of 330 steps has its weight
move in 11 levels, down from .95 or up from .05, or in 33 levels down to .01; its opponents are
sweeps of 3 to 20 even weights that take as many steps in all, or 660. Of each run of a sweep three
models count, after a third and two thirds of its steps and at its end. The table shows
hypervolumes, means over training seeds with their standard deviation, and in how many seeds the run
down in 11 levels is ahead. Below it is whether one run reaches what the best sweep has at twice its
samples.
"""

from __future__ import annotations

import argparse
from statistics import fmean, stdev
from typing import Any

import numpy as np
from batch_norm_statistics import REQUESTS, volumes
from pools import box_of, pool_of
from rich.console import Console
from rich.table import Table

from pareto_explorer.sweeps import SweepSpec

STEPS = 330
LOSSES = ("bounded_cross_entropy", "kl_uniform")
ENDS = (0.95, 0.05)
RUNS = {
    "down": {"from": ENDS[0], "to": ENDS[1]},
    "up": {"from": ENDS[1], "to": ENDS[0]},
    "down to .01 in 33 levels": {"from": ENDS[0], "to": 0.01, "levels": 33},
}
#: Numbers of weights, by how many times the steps of the one run they take together.
SWEEPS = {1: (3, 5, 11), 2: (3, 5, 6, 10, 20)}


def spec_of(
    request: str, loss: str, steps: int, knobs: dict[str, Any], options: argparse.Namespace
) -> SweepSpec:
    family = {"method": "jacobian_descent", "aggregator": "weighted_sum", "forget_loss": loss}
    return SweepSpec.from_mapping(
        {
            "task": {"name": "digits", "forget": REQUESTS[request]},
            "replicates": {"training_seeds": list(range(options.seeds))},
            "budget": {
                "steps": steps,
                "batch_size": 64,
                "evaluate_every": -(-steps // 3),
                "batch_norm_statistics": options.statistics,
            },
            "families": [family | knobs | {"lr": options.lr}],
            "search": {
                "configurations": len(knobs["weight"]["grid_search"]) if "weight" in knobs else 1
            },
        }
    )


def rivals(
    request: str, loss: str, options: argparse.Namespace
) -> dict[tuple[int, str], SweepSpec]:
    """What is compared, by how many times the steps of one run it takes and by its name."""
    found = {
        (1, f"one run {name}, {STEPS} steps"): spec_of(
            request, loss, STEPS, {"path": {"knob": "weight", **ends}}, options
        )
        for name, ends in RUNS.items()
    }
    for times, numbers in SWEEPS.items():
        for number in numbers:
            steps = times * STEPS // number
            weights = np.linspace(*ENDS, number).round(4).tolist()
            found[times, f"{number} runs of {steps} steps"] = spec_of(
                request, loss, steps, {"weight": {"grid_search": weights}}, options
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--statistics", choices=("keep", "recompute"), default="keep")
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    table = Table(
        title=f"digits, weighted sum, lr {options.lr:g}, {options.seeds} seeds, batch norm "
        f"{options.statistics}",
        title_justify="left",
    )
    for heading in ("request", "forget loss", "models of"):
        table.add_column(heading)
    for heading in ("samples", "hypervolume", "one run down ahead in"):
        table.add_column(heading, justify="right")
    verdicts = []
    for request in REQUESTS:
        for loss in LOSSES:
            found: dict[tuple[int, str], dict[int, float]] = {}
            for rival, spec in rivals(request, loss, options).items():
                pool = pool_of(spec, spec.plan(), options.workers)
                found[rival] = own = volumes(pool, box_of(spec))
                down = next(iter(found.values()))
                last = pool.groupby(["trial_id", "replicate"])["samples"].max()
                spread = stdev(own.values()) if len(own) > 1 else float("nan")
                table.add_row(
                    request,
                    loss,
                    rival[1],
                    f"{last.groupby('replicate').sum().mean():,.0f}",
                    f"{fmean(own.values()):.3f} ± {spread:.3f}",
                    f"{sum(down[seed] > own[seed] for seed in own)} of {len(own)}",
                )
            table.add_section()
            best = max(
                (rival for rival in found if rival[0] == 2), key=lambda r: fmean(found[r].values())
            )
            for run in [rival for rival in found if rival[1].startswith("one run down")]:
                ahead = fmean(found[run][seed] - found[best][seed] for seed in found[run])
                verdicts.append(
                    f"{request}, {loss}: {run[1]} is {ahead:+.3f} against {best[1]}, the best "
                    f"sweep of {2 * STEPS} steps: {'reached' if ahead >= 0 else 'NOT reached'}"
                )
    console = Console(width=130)
    console.print(table)
    console.print("\n".join(verdicts))


if __name__ == "__main__":
    main()
