from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pareto_explorer.reports import write_report
from tests.synthetic import write_synthetic_run

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic run in a folder whose name needs quoting, with its report."""
    path = tmp_path_factory.mktemp("reports") / "it's a <run>"
    write_synthetic_run(path)
    write_report(path)
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser; tests that need one are skipped where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip(f"no browser: none of {', '.join(names)} is in PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=_ARGUMENTS)
        yield browser
        browser.close()
