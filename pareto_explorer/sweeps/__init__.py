"""Sweeps on Ray: a specification, and everything that is run for it.

A specification says what to forget, which families to compare and how to search. From it follow the
families and their knobs, before anything is trained:

>>> from pareto_explorer.sweeps import SweepSpec
>>> lr = {"loguniform": [0.001, 0.1]}
>>> spec = SweepSpec(
...     task={"name": "digits"},
...     families=[
...         {"preset": "cup"},
...         {"method": "fine_tune", "lr": lr},
...     ],
...     search={"configurations": 4},
... )
>>> [family.name for family in spec.family_list()]
['cup', 'fine_tune']

``pareto_explorer.run_sweep`` runs it and writes its report.

| name | what it is |
|---|---|
| ``SweepSpec``, ``find_space`` | a search space, and where its file is |
| ``Family``, ``TrialPlan``, ``Replicate`` | what a sweep compares, runs, and repeats |
| ``check``, ``CheckResult`` | what can be said before anything runs |
| ``execute``, ``progress_for`` | a sweep without its report, and what it shows meanwhile |
| ``reproduce``, ``Reproduction`` | one point run again, beside its row |
| ``export_model`` | the weights of one point, as a file |

Rooms, bottom first: ``spec``, ``stopping``, ``live``, ``cluster``, ``search``, ``trials``,
``checks``, ``driver``, ``again``, ``audit``. This is the only package that imports Ray.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pareto_explorer.sweeps.again.export import export_model
    from pareto_explorer.sweeps.again.reproduce import Reproduction, reproduce
    from pareto_explorer.sweeps.checks.check import CheckResult, check
    from pareto_explorer.sweeps.driver.execute import execute
    from pareto_explorer.sweeps.live.display import progress_for
    from pareto_explorer.sweeps.spec.families import Family, TrialPlan
    from pareto_explorer.sweeps.spec.parts import Replicate
    from pareto_explorer.sweeps.spec.spec import SweepSpec, find_space

__all__ = [
    "CheckResult",
    "Family",
    "Replicate",
    "Reproduction",
    "SweepSpec",
    "TrialPlan",
    "check",
    "execute",
    "export_model",
    "find_space",
    "progress_for",
    "reproduce",
]

_HOMES = {
    "CheckResult": "checks.check",
    "Family": "spec.families",
    "Replicate": "spec.parts",
    "Reproduction": "again.reproduce",
    "SweepSpec": "spec.spec",
    "TrialPlan": "spec.families",
    "check": "checks.check",
    "execute": "driver.execute",
    "export_model": "again.export",
    "find_space": "spec.spec",
    "progress_for": "live.display",
    "reproduce": "again.reproduce",
}
"""Where each name is: a worker imports its own room, and neither search nor driver."""


if not TYPE_CHECKING:  # or a name that does not exist would be taken for anything

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
