"""Each baseline, at its defaults, unlearns mislabelled digits where doing nothing does not."""

import copy

import pytest
import torch

from pareto_explorer.tasks import digits, train_model
from pareto_explorer.unlearning import Budget, UnlearningData, make_method
from pareto_explorer.unlearning.tables.baselines import BASELINES
from tests.unlearning.toys import draws

SEEDS = (0, 1, 2)


@pytest.fixture(scope="module")
def task():
    return digits()


@pytest.fixture(scope="module")
def originals(task):
    return [train_model(task, task.train, seed) for seed in SEEDS]


def accuracy(model, samples):
    with torch.no_grad():
        return (model(samples.inputs).argmax(1) == samples.labels).float().mean().item()


def measure(name, task, originals):
    """Mean over seeds of the accuracy on the forget, the retain and the test set."""
    data = UnlearningData(
        task.retain, task.forget, task.heldout, task.n_classes, fresh_model=task.model
    )
    found = []
    for seed, original in zip(SEEDS, originals, strict=True):
        model, method = copy.deepcopy(original), make_method({"method": name})
        list(method.run(model, data, Budget(60, 64, 60), draws(seed)))
        found.append([accuracy(model, s) for s in (task.forget, task.retain, task.test)])
    return torch.tensor(found).mean(0).tolist()


@pytest.mark.parametrize("name", BASELINES)
def test_forgets_wrong_labels_and_keeps_the_rest(name, task, originals):
    remembered, retained, correct = measure(name, task, originals)
    unchanged = measure("none", task, originals)
    assert unchanged[0] > 0.95
    assert remembered < unchanged[0] - 0.4
    assert retained > 0.95
    assert correct > unchanged[2] - 0.02
