"""When workers are made ready before anybody needs them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import ray

from pareto_explorer.sweeps import SweepSpec
from pareto_explorer.sweeps.driver import run_trials as module


@pytest.mark.parametrize(
    ("cpus", "changes", "fills"),
    [
        (4, {}, True),  # four trials
        (5, {}, False),
        (8, {"resources": {"cpu": 1, "replicate_parallelism": "replicate"}}, True),
        (9, {"resources": {"cpu": 1, "replicate_parallelism": "replicate"}}, False),
        (4, {"resources": {"cpu": 0.5}}, True),
        (4, {"resources": {"cpu": 2}}, False),
        (4, {"resources": {"cpu": 1, "gpu": 0.25}}, False),
        (4, {"search": {"mode": "explore", "configurations": 40}}, True),
        (4, {"search": {"mode": "explore", "configurations": 40, "concurrency": 2}}, False),
        (4, {"search": {"mode": "compare", "budget_per_family": {"seconds": 9}}}, True),
    ],
)
def test_workers_import_ahead_where_each_of_them_gets_a_trial(
    space, monkeypatch, cpus, changes, fills
):
    monkeypatch.setattr(module.os, "cpu_count", lambda: cpus)
    spec = SweepSpec.from_mapping(space | changes)
    sweep = SimpleNamespace(spec=spec, ended={}, goes_on=True)
    prepared = SimpleNamespace(sweep=sweep, replicates=spec.replicate_list())
    assert module._fills_this_machine(prepared) is fills
    sweep.goes_on = False
    assert not module._fills_this_machine(prepared)


def test_workers_import_ahead_for_what_is_left_only(space, monkeypatch):
    monkeypatch.setattr(module.os, "cpu_count", lambda: 4)
    spec = SweepSpec.from_mapping(space)
    sweep = SimpleNamespace(spec=spec, ended={spec.plan()[0].trial_id: "finished"}, goes_on=True)
    prepared = SimpleNamespace(sweep=sweep, replicates=spec.replicate_list())
    assert not module._fills_this_machine(prepared)  # three of four trials


def test_ray_has_what_lets_workers_import_ahead():
    worker = Path(ray.__file__).parent / "_private" / "workers" / "default_worker.py"
    assert "--worker-preload-modules" in worker.read_text(encoding="utf-8")
