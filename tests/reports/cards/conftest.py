from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from pareto_explorer.fronts import Box, Objective
from pareto_explorer.reports.shared.material import Material
from pareto_explorer.results.run import load_run
from tests.synthetic import write_oracle_free_run, write_synthetic_run


@pytest.fixture(scope="session")
def material_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Material]:
    """Material of a synthetic run with this many replicates and configurations per family."""

    @cache
    def make(replicates: int = 3, configurations: int = 3, *, objectives: int = 2) -> Material:
        path: Path = tmp_path_factory.mktemp("cards") / "run"
        write_synthetic_run(path, replicates=replicates, configurations=configurations)
        run = load_run(path)
        if objectives == 3:
            third = Objective("test_accuracy", "max", 1.0, 0.5)
            run = replace(run, box=Box((*run.box.objectives, third)))
        return Material(run)

    return make


@pytest.fixture(scope="session")
def material(material_of: Callable[..., Material]) -> Material:
    return material_of()


@pytest.fixture(scope="session")
def many(material_of: Callable[..., Material]) -> Material:
    """Enough replicates for statistics."""
    return material_of(8)


@pytest.fixture(scope="session")
def empty(material: Material) -> Material:
    """A run in which nothing has ended well yet."""
    points = material.run.points
    return Material(replace(material.run, points=points.assign(status="failed")))


@pytest.fixture(scope="session")
def oracle_free(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """A run that retrained nothing."""
    return Material(load_run(write_oracle_free_run(tmp_path_factory.mktemp("free") / "run").path))
