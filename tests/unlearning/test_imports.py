"""Solvers are slow to import and few runs need them, so nothing imports one before it does."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pareto_explorer.unlearning

ROOT = Path(pareto_explorer.unlearning.__file__).parent
#: ``torchjd`` imports those that are installed.
SOLVERS = {"torchjd", "cvxpy", "ecos", "clarabel", "qpsolvers", "quadprog", "sklearn", "scipy"}
#: Built on a class of TorchJD's; whoever needs it imports it where it is needed.
ON_DEMAND = ROOT / "methods" / "_balanced_projector.py"


def imported_at_once(path: Path) -> Iterator[str]:
    """Full names of what a module imports as soon as it is imported itself."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_module_imports_a_solver_at_once():
    found = {path: set(imported_at_once(path)) for path in ROOT.rglob("*.py")}
    slow = {path for path, names in found.items() if SOLVERS & {n.partition(".")[0] for n in names}}
    assert slow == {ON_DEMAND}
    own = f"pareto_explorer.unlearning.methods.{ON_DEMAND.stem}"
    assert not any(own in names for names in found.values())
