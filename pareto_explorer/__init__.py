"""Sweep machine-unlearning methods and see the forget-versus-retain front.

A ``SweepSpec`` says what is unlearned and by which families of methods; ``run_sweep`` runs it on
Ray and leaves a run directory with a report. ``load_run`` brings it back, and needs neither torch
nor Ray.

>>> from pareto_explorer import SweepSpec, load_run, run_sweep
>>> run = run_sweep(SweepSpec.load("digits"), "runs/digits")    # doctest: +SKIP
>>> run = load_run("runs/digits")
>>> run.box.metrics
('forget_gap', 'retain_gap')
>>> chosen = run.select(maximum={"retain_gap": 0.02})
>>> bool(chosen.chosen["validation_retain_gap"] <= 0.02)
True

| to | there is |
|---|---|
| say what is swept | ``SweepSpec`` |
| sweep, and continue | ``run_sweep`` |
| load a run | ``load_run``, ``Run`` |
| put runs side by side | ``combine_runs`` |
| ask what a strong attacker would notice | ``audit`` |
| look at one in a notebook | ``explore`` |
| catch bad input | ``InputError`` |
| know the version | ``__version__`` |

| package | what it holds |
|---|---|
| ``tasks``, ``unlearning``, ``metrics`` | what is unlearned, how, and how good the models are |
| ``sweeps`` | trials on Ray |
| ``schema``, ``runs`` | what a run directory holds |
| ``audits`` | what a strong attacker would notice |
| ``fronts``, ``figures`` | the mathematics and the pictures |
| ``results``, ``reports``, ``notebook`` | runs in Python, as pages and as a widget |
| ``interchange`` | other tools' sweeps, and runs for other tools |
| ``trackers`` | runs for MLflow, TensorBoard and W&B |

What a package's ``__all__`` names is public; everything else may change without notice.
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
    from pareto_explorer.api import audit, run_sweep
    from pareto_explorer.loading import Run, load_run
    from pareto_explorer.notebook import explore
    from pareto_explorer.results import combine_runs
    from pareto_explorer.sweeps import SweepSpec

__all__ = [
    "InputError",
    "Run",
    "SweepSpec",
    "__version__",
    "audit",
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
    "audit": "pareto_explorer.api",
    "combine_runs": "pareto_explorer.results",
    "explore": "pareto_explorer.notebook",
}


if not TYPE_CHECKING:  # or a name that does not exist would be taken for anything

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)
