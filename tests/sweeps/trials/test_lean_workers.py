"""What a worker imports costs seconds and memory on every worker of a cluster."""

from __future__ import annotations

import subprocess
import sys

PACKAGES = {
    *("cvxpy", "moocore", "optuna", "plotly", "pymoo", "qpsolvers", "quadprog", "sklearn"),
    *("sqlalchemy", "torchjd", "torchvision", "typer"),
}
OURS = {
    f"pareto_explorer.{name}"
    for name in (
        *("cli", "fronts", "figures", "interchange", "reports", "results"),
        *("sweeps.again", "sweeps.checks", "sweeps.driver", "sweeps.search", "sweeps.stopping"),
        *("sweeps.live.progress", "sweeps.spec.spec"),
    )
}


def loaded_by(*modules: str) -> set[str]:
    """All modules that are there once some have been imported in a new process."""
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_worker_imports_neither_search_nor_driver_nor_what_they_need():
    trials = "pareto_explorer.sweeps.trials"
    found = loaded_by(f"{trials}.trainable", f"{trials}.landmark_training")
    assert {"ray.tune", "torch", "pareto_explorer.unlearning.registry"} <= found
    assert not found & (PACKAGES | OURS)
