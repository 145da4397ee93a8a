"""A real run of a method on digits: means over enough seeds for any processor."""

import copy

import torch

from pareto_explorer.sweeps.trials.replicate import unlearning_data
from pareto_explorer.unlearning import Budget, make_method
from tests.unlearning.toys import draws

SEEDS = tuple(range(8))


def accuracy(model, samples):
    with torch.no_grad():
        return (model(samples.inputs).argmax(1) == samples.labels).double().mean().item()


def measure(name, task, originals):
    """Mean over seeds of the accuracy on the forget, the retain and the test set."""
    found = []
    for seed, original in zip(SEEDS, originals, strict=True):
        model, method = copy.deepcopy(original), make_method({"method": name})
        list(method.run(model, unlearning_data(task), Budget(60, 64, 60), draws(seed)))
        found.append([accuracy(model, s) for s in (task.forget, task.retain, task.test)])
    return torch.tensor(found).mean(0)
