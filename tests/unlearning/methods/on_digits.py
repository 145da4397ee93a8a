"""A real run of a method on digits: means over seeds."""

import torch

from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks import LandmarkCache, restore_model
from pareto_explorer.unlearning import Budget
from tests.unlearning.toys import draws


def accuracy(model, samples):
    with torch.no_grad():
        return (model(samples.inputs).argmax(1) == samples.labels).double().mean().item()


def measure(method, task, seeds, cache_dir, parts=("forget", "retain", "test")):
    """Mean accuracies on the parts: of the original models, and of the unlearned ones."""
    data, cache, found = unlearning_data(task), LandmarkCache(cache_dir), []
    for seed in seeds:
        original, model = (
            restore_model(task, cache.obtain(task, "original", seed)) for _ in range(2)
        )
        list(method.run(model, data, Budget(60, 64, 60), draws(seed)))
        found.append([[accuracy(m, getattr(task, p)) for p in parts] for m in (original, model)])
    return torch.tensor(found).mean(0)
