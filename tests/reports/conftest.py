from __future__ import annotations

from pathlib import Path

import pytest

from pareto_explorer.reports import write_report
from tests.synthetic import write_synthetic_run


@pytest.fixture(scope="session")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic run in a folder whose name needs quoting, with its report."""
    path = tmp_path_factory.mktemp("reports") / "it's a <run>"
    write_synthetic_run(path)
    write_report(path)
    return path
