"""What is known of a sweep's trials before any of them runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pareto_explorer.errors import InputError
from pareto_explorer.sweeps.spec.families import Family, TrialPlan, plan_trials
from pareto_explorer.sweeps.spec.parts import (
    MAX_TRIALS,
    CompareSearch,
    ExploreSearch,
    SamplesBudget,
    SecondsBudget,
)

__all__ = ["DrawnWhileRunning", "Plan", "left_to_do", "number_of_trials", "plan_of_search", "total"]


@dataclass(frozen=True)
class DrawnWhileRunning:
    """The plan of a sweep whose trials are drawn as it goes: by a search, or within a budget.

    Attributes:
        trials: How many there will be; None where what a family may spend ends them.
        per_family: That budget, where there is one.
    """

    trials: int | None = None
    per_family: SecondsBudget | SamplesBudget | None = None


Plan = Sequence[TrialPlan] | DrawnWhileRunning
"""Every trial, or what is known of trials that are drawn while the sweep runs."""


def plan_of_search(families: Sequence[Family], search: CompareSearch | ExploreSearch) -> Plan:
    """Plans a sweep, first configurations of all families first.

    Raises:
        InputError: There are too many trials to keep in memory.
    """
    if isinstance(search, ExploreSearch):
        return DrawnWhileRunning(trials=number_of_trials(search, families))
    if search.configurations is None:
        return DrawnWhileRunning(per_family=search.compute_per_family)
    trials = len(families) * search.configurations
    if trials > MAX_TRIALS:
        raise InputError(
            f"search.configurations: {search.configurations:,} for each of "
            f"{len(families):,} families are {trials:,} trials, and {MAX_TRIALS:,} are the "
            "most; lower it."
        )
    return tuple(plan_trials(families, search.configurations, search.seed))


def number_of_trials(search: ExploreSearch, families: Sequence[Family]) -> int:
    """How many trials a search comes to; a grid ends with its last combination."""
    wanted = search.configurations
    if search.sampler != "grid":
        return wanted
    return min(wanted, sum(family.cells for family in families))


def total(plan: Plan) -> int | None:
    """How many trials there will be, where that is known beforehand."""
    return plan.trials if isinstance(plan, DrawnWhileRunning) else len(plan)


def left_to_do(plan: Plan, ended: Mapping[str, str]) -> bool:
    """Whether there may be a trial to run.

    Args:
        plan: The plan of the sweep.
        ended: How its trials ended that have, by their names.
    """
    if isinstance(plan, DrawnWhileRunning):
        return plan.trials is None or len(ended) < plan.trials
    return any(trial.trial_id not in ended for trial in plan)
