"""Settings and fixtures that every test shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is first imported

settings.register_profile("pareto_explorer", deadline=None)
settings.load_profile("pareto_explorer")


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landmark cache that all tests share."""
    return tmp_path_factory.mktemp("landmarks")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process takes all tests that use Ray, first; the other takes the rest file by file.

    What shares a group shares a process, and so the fixtures of a session.
    """
    items.sort(key=lambda item: item.get_closest_marker("ray") is None)
    for item in items:
        group = "ray" if item.get_closest_marker("ray") else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
