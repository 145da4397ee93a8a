"""One small local cluster for all tests of a process that sweep."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session")
def cluster():
    import ray

    from pareto_explorer.sweeps.cluster.connect import QUIET

    for name, value in QUIET.items():
        os.environ[name] = value
    ray.init(
        address="local",
        num_cpus=1,  # one worker at a time: its start is most of what a small sweep takes
        include_dashboard=False,
        object_store_memory=100 * 2**20,
        logging_level="ERROR",
        log_to_driver=False,
        _system_config={"num_workers_soft_limit": 4},  # keeps those that wait for tasks
    )
    yield
    ray.shutdown()


@pytest.fixture
def space() -> dict:
    """Two families, two configurations, two replicates, two evaluations: 8 + 8 points."""
    return {
        "task": {"name": "digits"},
        "replicates": {"training_seeds": [0, 1]},
        "budget": {"steps": 6, "batch_size": 32, "evaluate_every": 3},
        "families": [
            {
                "method": "jacobian_descent",
                "aggregator": "upgrad",
                "forget_loss": "kl_uniform",
                "lr": {"loguniform": [0.001, 0.01]},
            },
            {"method": "fine_tune", "lr": {"loguniform": [0.001, 0.01]}},
        ],
        "search": {"configurations": 2},
    }
