"""Sweeps on Ray: specification, trials, progress. The only package that imports Ray."""

from pareto_explorer.sweeps.again.export import export_model
from pareto_explorer.sweeps.again.reproduce import Reproduction, reproduce
from pareto_explorer.sweeps.check.check import CheckResult, check
from pareto_explorer.sweeps.driver.execute import execute
from pareto_explorer.sweeps.live.progress import progress_for
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
