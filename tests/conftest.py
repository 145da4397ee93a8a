"""Settings and fixtures that every test shares."""

from __future__ import annotations

import os
import signal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is first imported

# What a shell starts in the background ignores these, and so would what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

ROOT = Path(__file__).parents[1]

settings.register_profile("pareto_explorer", deadline=None)
settings.load_profile("pareto_explorer")


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landmark cache that all tests share."""
    return tmp_path_factory.mktemp("landmarks")


@cache
def uses_ray(file: str) -> bool:
    """Whether a file of tests has one that uses Ray."""
    return "mark.ray" in (ROOT / file).read_text()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that use Ray come first."""
    items.sort(key=lambda item: not uses_ray(str(item.path)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """One process takes all files that use Ray, so that they share a cluster; another the rest."""
    from xdist.scheduler import LoadScopeScheduling

    class OneForRay(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "ray" if uses_ray(file) else file

    return OneForRay(config, log)
