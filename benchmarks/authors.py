"""What forget losses do to a language model at one setting, and what forget quality says of it.

    python benchmarks/authors.py [--seeds 0 1 2] [--steps 60] [--lr 1e-4] [--weights 0.5 0.9]

Landmarks of the task ``authors`` are trained, or taken from the cache, and unlearned by the
weighted sum of each loss with the retain loss: AdamW, batches of 32 and 32. The table has means
over the training seeds: exact matches (EM) and probabilities of forgotten and retained answers, the
AUC of the loss against authors never seen, the exact matches of facts about the world, the distance
D of truth ratios with its p-value (forget quality), model utility and both gaps. The last line
names the model with the smallest D. The exit code is 1 if that model still answers half of the
retained questions: then this script no longer shows that truth ratios alone reward destruction.
"""

from __future__ import annotations

import argparse
import copy
import sys

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from pareto_explorer.metrics import evaluator_of
from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks import (
    LandmarkCache,
    LandmarkKind,
    default_cache_dir,
    make_task,
    restore_model,
)
from pareto_explorer.unlearning import Budget, make_method

BATCH = 32
LOSSES = (
    "simnpo",
    "negative_cross_entropy",
    "kl_uniform",
    "npo",
    "dpo_refusal",
    "undial",
    "cross_entropy_without",
    "weighted_ascent",
)
LANDMARKS: tuple[LandmarkKind, ...] = ("original", "retrained")
COLUMNS = {
    "EM f": lambda m: 1 - m["unlearning_accuracy"],
    "EM r": lambda m: m["retain_accuracy"],
    "p f": lambda m: m["forget_probability"],
    "p r": lambda m: m["retain_probability"],
    "AUC": lambda m: m["membership_inference"],
    "world": lambda m: m["test_accuracy"],
    "D": lambda m: m["truth_distance"],
    "quality": lambda m: m["forget_quality"],
    "utility": lambda m: m["model_utility"],
    "gap f": lambda m: m["forget_gap"],
    "gap r": lambda m: m["retain_gap"],
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--weights", type=float, nargs="+", default=[0.5, 0.9])
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = make_task({"name": "authors"})
    data, cache = unlearning_data(task), LandmarkCache(default_cache_dir())
    found: dict[str, list[dict[str, float]]] = {}
    for seed in options.seeds:
        original, retrained = (
            restore_model(task, cache.obtain(task, kind, seed)) for kind in LANDMARKS
        )
        evaluator = evaluator_of(task, original, retrained)
        found.setdefault("original", []).append(evaluator.original)
        found.setdefault("retrained", []).append(evaluator.retrained or {})
        for weight in options.weights:
            for loss in LOSSES:
                method = make_method(
                    {
                        "method": "jacobian_descent",
                        "aggregator": "weighted_sum",
                        "weight": weight,
                        "forget_loss": loss,
                        "optimizer": "adamw",
                        "weight_decay": 0.01,
                        "lr": options.lr,
                    }
                )
                budget = Budget(options.steps, BATCH, options.steps)
                draws = torch.Generator().manual_seed(seed)
                *_, model = method.run(copy.deepcopy(original), data, budget, draws)
                found.setdefault(f"{loss} {weight:g}", []).append(evaluator(model))
        print(f"seed {seed} done", file=sys.stderr)
    table = Table("model", *COLUMNS)
    best, distance, answered = "", 2.0, {}
    for name, own in found.items():
        means = {
            column: float(np.mean([of(metrics) for metrics in own]))
            for column, of in COLUMNS.items()
        }
        answered[name] = means["EM r"]
        if name not in LANDMARKS and means["D"] < distance:
            best, distance = name, means["D"]
        table.add_row(name, *(f"{mean:.3f}" for mean in means.values()))
    Console(width=140).print(table)
    print(f"smallest D: {best}, which answers {answered[best]:.1%} of the retained questions")
    return int(answered[best] >= 0.5)


if __name__ == "__main__":
    sys.exit(main())
