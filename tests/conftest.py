"""Settings and fixtures that every test shares."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_worker_niceness", "0")  # else workers give way to the tests beside them
os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is first imported

# What a shell starts in the background ignores these, and so would what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

settings.register_profile("pareto_explorer", deadline=None)
settings.load_profile("pareto_explorer")

_CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landmark cache that all tests share, in whichever process they run."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return shared / "landmarks"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser; tests that need one are skipped where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is in PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_CHROMIUM)
        yield browser
        browser.close()


@cache
def uses_ray(file: Path) -> bool:
    """Whether a file of tests has one that uses Ray."""
    return "mark.ray" in file.read_text()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that use Ray come first: they are the long ones."""
    items.sort(key=lambda item: not uses_ray(item.path))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI no test passes by being skipped, unless it needs a GPU."""
    report = yield
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr)
        if "needs a GPU" not in reason:
            report.outcome, report.longrepr = "failed", f"skipped in CI: {reason}"
    return report
