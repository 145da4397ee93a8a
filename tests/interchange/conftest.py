"""A loaded run, and the mapping that reads its objectives back."""

from __future__ import annotations

import pytest

from pareto_explorer.results.run import Run, load_run
from tests.synthetic import write_synthetic_run


@pytest.fixture(scope="session")
def run(tmp_path_factory) -> Run:
    return load_run(write_synthetic_run(tmp_path_factory.mktemp("interchange") / "run").path)
