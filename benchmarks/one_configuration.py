"""One process for one configuration: what a shell loop over a script launches, without Ray.

    python benchmarks/one_configuration.py '{"task": ..., "config": ..., "seeds": ..., ...}'

It builds the task, loads the landmarks that are cached, unlearns with every training seed, and
prints the metrics and the seconds that went into unlearning and evaluation.
"""

from __future__ import annotations

import copy
import json
import sys
from time import perf_counter

import torch

from pareto_explorer.metrics import evaluator_of
from pareto_explorer.tasks import LandmarkCache, default_cache_dir, make_task, restore_model
from pareto_explorer.unlearning import Budget, UnlearningData, make_method


def main() -> None:
    torch.set_num_threads(1)
    order = json.loads(sys.argv[1])
    task, cache = make_task(order["task"]), LandmarkCache(default_cache_dir())
    data = UnlearningData(
        task.retain,
        task.forget,
        task.heldout,
        task.n_classes,
        fresh_model=task.model,
        adjacent=task.adjacent,
        remote=task.remote,
    )
    metrics, seconds = [], 0.0
    for seed in order["seeds"]:
        original = restore_model(task, cache.obtain(task, "original", seed), "cpu")
        retrained = restore_model(task, cache.obtain(task, "retrained", seed), "cpu")
        evaluate = evaluator_of(task, original, retrained)
        budget = Budget(**order["budget"])
        generator = torch.Generator().manual_seed(seed)
        models = make_method(order["config"]).run(copy.deepcopy(original), data, budget, generator)
        started = perf_counter()
        metrics += [evaluate(model) for model in models]
        seconds += perf_counter() - started
    print(json.dumps({"seconds": seconds, "metrics": metrics}))


if __name__ == "__main__":
    main()
