"""What it is worth to estimate the statistics of batch norm anew for every model.

    python benchmarks/batch_norm_statistics.py [--seeds 3] [--workers 1]

Sweeps families on digits, mislabelled samples and a whole class, with the running statistics that
the steps have left and with those of a pass over the retain set. The steps are the same either
way. The table shows the hypervolume of the models after so many steps, means over training seeds,
the difference that the pass makes, in how many seeds it is above 0, and what the pass adds to the
samples of a trial.
"""

from __future__ import annotations

import argparse
from statistics import fmean
from typing import Any

import pandas as pd
from pools import box_of, pool_of
from rich.console import Console
from rich.table import Table

from pareto_explorer.fronts import Box, hypervolume, objective_values
from pareto_explorer.sweeps import SweepSpec

STEPS = (15, 30, 60)
REQUESTS: dict[str, dict[str, Any]] = {
    "mislabelled": {"kind": "mislabelled", "fraction": 0.1},
    "class": {"kind": "class", "label": 3},
}
_DESCENT = {"method": "jacobian_descent", "lr": {"loguniform": [0.01, 0.3]}}
FAMILIES: list[dict[str, Any]] = [
    {
        **_DESCENT,
        "aggregator": "weighted_sum",
        "forget_loss": ["bounded_cross_entropy", "kl_uniform"],
        "weight": {"uniform": [0.05, 0.95]},
    },
    {**_DESCENT, "aggregator": "upgrad", "forget_loss": "kl_uniform", "preference": "sweep"},
    {"method": "fine_tune", "lr": {"loguniform": [0.01, 0.3]}},
]


def spec_of(request: str, statistics: str, seeds: int) -> SweepSpec:
    return SweepSpec.from_mapping(
        {
            "task": {"name": "digits", "forget": REQUESTS[request]},
            "replicates": {"training_seeds": list(range(seeds))},
            "budget": {
                "steps": max(STEPS),
                "batch_size": 64,
                "evaluate_every": min(STEPS),
                "batch_norm_statistics": statistics,
            },
            "families": FAMILIES,
            "search": {"mode": "compare", "configurations": 8},
        }
    )


def volumes(points: pd.DataFrame, box: Box) -> dict[int, float]:
    """Hypervolume by training seed; models with values that are not finite are left out."""
    usable = points[points["status"] == "ok"]
    return {
        int(seed): hypervolume(objective_values(own, box), box).value
        for seed, own in usable.groupby("training_seed")
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    table = Table(title=f"digits, 8 configurations, {options.seeds} seeds", title_justify="left")
    for heading in ("request", "family", "steps", "keep", "recompute", "gain", "seeds", "samples"):
        table.add_column(heading, justify="left" if heading in ("request", "family") else "right")
    for request in REQUESTS:
        pools = {}
        for statistics in ("keep", "recompute"):
            spec = spec_of(request, statistics, options.seeds)
            pools[statistics] = pool_of(spec, spec.plan(), options.workers)
        box = box_of(spec)
        for family in dict.fromkeys(pools["keep"]["family"]):
            for step in STEPS:
                of = {
                    name: pool[(pool["family"] == family) & (pool["step"] == step)]
                    for name, pool in pools.items()
                }
                kept, anew = (volumes(points, box) for points in of.values())
                gains = [anew[seed] - kept[seed] for seed in kept]
                added = (of["recompute"]["samples"].mean() / of["keep"]["samples"].mean()) - 1
                table.add_row(
                    request,
                    family,
                    str(step),
                    f"{fmean(kept.values()):.3f}",
                    f"{fmean(anew.values()):.3f}",
                    f"{fmean(gains):+.3f}",
                    f"{sum(gain > 0 for gain in gains)} of {len(gains)}",
                    f"{added:+.0%}",
                )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
