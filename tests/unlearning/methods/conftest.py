"""Original models of mislabelled digits, trained once for all methods."""

import pytest

from pareto_explorer.tasks import digits, train_model
from tests.unlearning.methods.on_digits import SEEDS


@pytest.fixture(scope="session")
def task():
    return digits()


@pytest.fixture(scope="session")
def originals(task):
    return [train_model(task, task.train, seed) for seed in SEEDS]
