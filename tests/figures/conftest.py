from __future__ import annotations

import pytest

from pareto_explorer.results.run import Run, load_run
from tests.synthetic import write_synthetic_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("figures") / "run"
    write_synthetic_run(path)
    return load_run(path)
