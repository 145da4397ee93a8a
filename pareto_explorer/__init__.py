"""Sweep machine-unlearning methods and see the forget-versus-retain front.

>>> from pareto_explorer import SweepSpec, run_sweep, load_run    # doctest: +SKIP
>>> run = run_sweep(SweepSpec.load("digits"), "runs/digits")      # doctest: +SKIP
>>> load_run("runs/digits").figure()                              # doctest: +SKIP

``load_run`` and what it returns need neither torch nor Ray.
"""

from __future__ import annotations

import sys

if sys.argv[:1] == ["-m"]:  # `python -m pareto_explorer`, with the working directory still first
    from pareto_explorer.trust.search_path import demote_working_directory

    demote_working_directory()

import importlib
from typing import TYPE_CHECKING, Any

from pareto_explorer._version import __version__
from pareto_explorer.errors import InputError

if TYPE_CHECKING:
    from pareto_explorer.api import run_sweep
    from pareto_explorer.loading import Run, load_run
    from pareto_explorer.notebook import explore
    from pareto_explorer.results import combine_runs
    from pareto_explorer.sweeps import SweepSpec

__all__ = [
    "InputError",
    "Run",
    "SweepSpec",
    "__version__",
    "combine_runs",
    "explore",
    "load_run",
    "run_sweep",
]

_HOMES = {
    "Run": "pareto_explorer.loading",
    "load_run": "pareto_explorer.loading",
    "SweepSpec": "pareto_explorer.sweeps",
    "run_sweep": "pareto_explorer.api",
    "combine_runs": "pareto_explorer.results",
    "explore": "pareto_explorer.notebook",
}


if not TYPE_CHECKING:  # or a name that does not exist would be taken for anything

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)
