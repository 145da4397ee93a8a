"""One run whose weight moves against sweeps of the weight, at equal numbers of steps.

    python benchmarks/continuation.py [--seeds 3] [--lr 0.05] [--workers 1]

Weighted sums on digits, mislabelled samples and a whole class: a run of 330 steps whose weight
moves in 11 levels, down from .95 or up from .05, and sweeps of 11, 5 and 6 weights with runs of 30,
66 and 60 steps. The table shows hypervolumes, means over training seeds, with the batch-norm
statistics that the steps have left and with recomputed ones, and in how many seeds the run down
is ahead of each.
"""

from __future__ import annotations

import argparse
from statistics import fmean
from typing import Any

import numpy as np
from batch_norm_statistics import REQUESTS, volumes
from pools import box_of, pool_of
from rich.console import Console
from rich.table import Table

from pareto_explorer.sweeps import SweepSpec

LOSSES = ("bounded_cross_entropy", "kl_uniform")
ENDS = (0.95, 0.05)
#: Steps of a run, and the knobs of what is tried.
TRIED: dict[str, tuple[int, dict[str, Any]]] = {
    "down, 330 steps": (330, {"path": {"knob": "weight", "from": ENDS[0], "to": ENDS[1]}}),
    "up, 330 steps": (330, {"path": {"knob": "weight", "from": ENDS[1], "to": ENDS[0]}}),
    **{
        f"{n} runs of {steps} steps": (
            steps,
            {"weight": {"grid_search": np.linspace(*ENDS, n).round(4).tolist()}},
        )
        for n, steps in ((11, 30), (5, 66), (6, 60))
    },
}


def spec_of(
    request: str, loss: str, tried: str, statistics: str, options: argparse.Namespace
) -> SweepSpec:
    steps, knobs = TRIED[tried]
    family = {"method": "jacobian_descent", "aggregator": "weighted_sum", "forget_loss": loss}
    listed = len(knobs["weight"]["grid_search"]) if "weight" in knobs else 1
    return SweepSpec.from_mapping(
        {
            "task": {"name": "digits", "forget": REQUESTS[request]},
            "replicates": {"training_seeds": list(range(options.seeds))},
            "budget": {
                "steps": steps,
                "batch_size": 64,
                "evaluate_every": steps,
                "batch_norm_statistics": statistics,
            },
            "families": [family | knobs | {"lr": options.lr}],
            "search": {"mode": "compare", "configurations": listed},
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    title = f"digits, weighted sum, lr {options.lr:g}, {options.seeds} seeds"
    table = Table(title=title, title_justify="left")
    for heading in ("request", "forget loss", "models of", "keep", "down ahead in"):
        table.add_column(heading)
    for heading in ("recompute", "down ahead in", "samples"):
        table.add_column(heading)
    for request in REQUESTS:
        for loss in LOSSES:
            found: dict[str, dict[str, dict[int, float]]] = {}
            samples = {}
            for tried in TRIED:
                found[tried] = {}
                for statistics in ("keep", "recompute"):
                    spec = spec_of(request, loss, tried, statistics, options)
                    pool = pool_of(spec, spec.plan(), options.workers)
                    found[tried][statistics] = volumes(pool, box_of(spec))
                    last = pool.groupby(["trial_id", "replicate"])["samples"].max()
                    samples[statistics] = last.groupby("replicate").sum().mean()
                down = found["down, 330 steps"]
                cells = []
                for statistics, own in found[tried].items():
                    ahead = sum(down[statistics][seed] > own[seed] for seed in own)
                    cells += [f"{fmean(own.values()):.3f}", f"{ahead} of {len(own)}"]
                spent = " / ".join(f"{samples[name]:,.0f}" for name in ("keep", "recompute"))
                table.add_row(request, loss, tried, *cells, spent)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
