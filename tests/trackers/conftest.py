from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from pareto_explorer.loading import Run, load_run
from pareto_explorer.runs import RunDirectory, keep_model
from tests.synthetic import write_synthetic_run

KEPT = ("upgrad-kl_heldout-0", 60)
"""A checkpoint of the front."""

BEATEN = ("cup-negative_cross_entropy-1", 0, 20)
"""A point that is not on it."""


def keep(directory: RunDirectory, trial_id: str, replicate: int, step: int) -> bytes:
    said = {"trial_id": trial_id, "replicate": str(replicate), "step": str(step)}
    weights = save({"w": np.full(3, replicate, dtype="float32")}, said)
    keep_model(directory, trial_id, replicate, step, weights)
    return weights


def write_run(path: Path) -> Run:
    """A run with files of a report, two kept models of a point of the front, and one of another."""
    directory = write_synthetic_run(path, replicates=2, configurations=2)
    directory.report.mkdir()
    for name in ("index.html", "summary.md", "front.csv", "hypervolume.json"):
        (directory.report / name).write_text(f"what {name} holds")
    for replicate in (0, 1):
        keep(directory, KEPT[0], replicate, KEPT[1])
    keep(directory, *BEATEN)
    return load_run(path)


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return write_run(tmp_path_factory.mktemp("trackers") / "run")
