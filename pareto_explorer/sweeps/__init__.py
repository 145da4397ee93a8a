"""Sweeps on Ray: specification, trials, progress. The only package that imports Ray."""

from pareto_explorer.sweeps.checking import CheckResult, check
from pareto_explorer.sweeps.families import Family, TrialPlan
from pareto_explorer.sweeps.parts import Replicate
from pareto_explorer.sweeps.progress import progress_for
from pareto_explorer.sweeps.reproduce import Reproduction, reproduce
from pareto_explorer.sweeps.run import execute
from pareto_explorer.sweeps.spec import SweepSpec, find_space

__all__ = [
    "CheckResult",
    "Family",
    "Replicate",
    "Reproduction",
    "SweepSpec",
    "TrialPlan",
    "check",
    "execute",
    "find_space",
    "progress_for",
    "reproduce",
]
