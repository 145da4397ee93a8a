"""Each method, at its defaults, forgets wrong labels of digits where doing nothing does not."""

import copy

import pytest
import torch

from pareto_explorer.tasks import digits, train_model
from pareto_explorer.unlearning import Budget, UnlearningData, make_method
from pareto_explorer.unlearning.tables.one_shot import ONE_SHOT
from tests.unlearning.toys import draws

SEEDS = (0, 1, 2)

#: At least so much less accurate on the forget set, at most so much on the retain and test set.
MARGINS = {
    "boundary_shrink": (0.9, 0.02, 0.0),
    "boundary_expand": (0.3, 0.02, 0.02),
    "influence_unlearning": (0.5, 0.02, 0.0),
    "fisher_forgetting": (0.1, 0.05, 0.1),
    "ssd": (0.2, 0.15, 0.15),
    "sfron": (0.9, 0.03, 0.02),
    "task_vector": (0.4, 0.03, 0.02),
    "neg_merge": (0.4, 0.03, 0.02),
    "not": (0.9, 0.02, 0.0),
}


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
    data = UnlearningData(task.retain, task.forget, task.heldout, task.n_classes)
    found = []
    for seed, original in zip(SEEDS, originals, strict=True):
        model, method = copy.deepcopy(original), make_method({"method": name})
        list(method.run(model, data, Budget(60, 64, 60), draws(seed)))
        found.append([accuracy(model, s) for s in (task.forget, task.retain, task.test)])
    return torch.tensor(found).mean(0)


def test_every_method_has_its_margins():
    assert list(MARGINS) == list(ONE_SHOT)


@pytest.mark.parametrize("name", MARGINS)
def test_forgets_wrong_labels_and_keeps_most_of_the_rest(name, task, originals):
    forgotten, retain_lost, test_lost = measure("none", task, originals) - measure(
        name, task, originals
    )
    least, most_retain, most_test = MARGINS[name]
    assert forgotten > least
    assert retain_lost < most_retain
    assert test_lost < most_test
