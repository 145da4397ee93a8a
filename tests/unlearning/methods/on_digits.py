"""A real run of a method on digits: means over seeds."""

import pytest
import torch

from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.tasks import LandmarkCache, restore_model
from pareto_explorer.unlearning import Budget
from tests.unlearning.toys import draws


def over(few, enough):
    """Runs a test over a few seeds, and in the slow set over enough for any processor."""
    slow = pytest.param(tuple(range(enough)), id=f"{enough} seeds", marks=pytest.mark.slow)
    return pytest.mark.parametrize("seeds", [pytest.param(tuple(range(few)), id="few"), slow])


def each(names, few, enough, scattered):
    """Runs a test of every name as ``over``; names that scatter much, over enough seeds only."""
    return pytest.mark.parametrize(
        ("name", "seeds"),
        [
            *(pytest.param(n, tuple(range(few)), id=n) for n in names if n not in scattered),
            *(
                pytest.param(n, tuple(range(enough)), id=f"{n}-{enough}", marks=pytest.mark.slow)
                for n in names
            ),
        ],
    )


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
