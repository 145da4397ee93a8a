"""How long a sweep takes, from what its parts were measured to take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pareto_explorer.sweeps.checks.families import FamilyCheck
from pareto_explorer.sweeps.cluster.room import trials_per_card
from pareto_explorer.sweeps.spec.parts import BudgetSpec, SecondsBudget
from pareto_explorer.sweeps.spec.plan import DrawnWhileRunning
from pareto_explorer.sweeps.spec.spec import SweepSpec
from pareto_explorer.unlearning import Budget

__all__ = ["Estimate", "LandmarkCost", "Line", "estimate"]


@dataclass(frozen=True)
class LandmarkCost:
    """What landmarks take.

    Attributes:
        training: Seconds of each one that is not in the cache.
        measured: How many landmarks are evaluated.
    """

    training: tuple[float, ...] = ()
    measured: int = 0


@dataclass(frozen=True)
class Line:
    """A part of the work.

    Attributes:
        what: What it is.
        count: How many times.
        seconds: All of them one after the other.
    """

    what: str
    count: int
    seconds: float


@dataclass(frozen=True)
class Estimate:
    """How long a sweep takes, in seconds, where nothing else runs on the machine.

    Attributes:
        lines: Its parts, as if one trial ran after the other.
        slots: Trials at a time.
        low: The whole sweep, if trials side by side do not slow each other down.
        high: The same, if trials that share a card only take turns; ``low`` without GPUs.
        at_most: Whether the sweep may end earlier by rules of its own.
    """

    lines: tuple[Line, ...]
    slots: int
    low: float
    high: float
    at_most: bool


def estimate(
    spec: SweepSpec,
    families: Mapping[str, FamilyCheck],
    landmarks: LandmarkCost,
    slots: int,
) -> Estimate:
    """Adds up a sweep.

    Args:
        spec: The sweep.
        families: What was measured of each family.
        landmarks: What its landmarks take.
        slots: Trials at a time; at least 1.
    """
    replicates = len(spec.replicate_list())
    budgets = {family.name: family.within(spec.budget) for family in spec.family_list()}
    levels = {family.name: max(family.levels, default=0) for family in spec.family_list()}
    own = {
        name: (budgets[name].steps, levels[name] or _evaluations(budgets[name]))
        for name in families
    }
    trial = {name: replicates * check.seconds(*own[name]) for name, check in families.items()}
    unlearning = {
        name: replicates * check.unlearning(*own[name]) for name, check in families.items()
    }
    samples = {name: check.samples(*own[name]) for name, check in families.items()}
    jobs = _jobs(spec, trial, unlearning, samples)
    one_evaluation = max((check.evaluation_seconds for check in families.values()), default=0.0)
    measuring = landmarks.measured * one_evaluation
    lines = [
        Line("train landmarks", len(landmarks.training), sum(landmarks.training)),
        Line("measure landmarks", landmarks.measured, measuring),
        Line("trials", len(jobs), sum(jobs)),
    ]

    def length(at_a_time: int) -> float:
        parts = (
            _side_by_side(landmarks.training, at_a_time),
            measuring / min(at_a_time, max(landmarks.measured, 1)),
            _side_by_side(jobs, at_a_time),
        )
        return sum(parts)

    cards = max(1, slots // trials_per_card(spec.resources.gpu)) if spec.resources.gpu else slots
    at_most = spec.early_stopping is not None or spec.stop is not None
    return Estimate(tuple(lines), slots, length(slots), length(cards), at_most)


def _jobs(
    spec: SweepSpec,
    trial: Mapping[str, float],
    unlearning: Mapping[str, float],
    samples: Mapping[str, float],
) -> list[float]:
    """Seconds of every piece of work that has a slot of its own."""
    plan = spec.plan()
    replicates = len(spec.replicate_list())
    if not isinstance(plan, DrawnWhileRunning):
        jobs = [trial[known.family.name] for known in plan]
    elif isinstance(plan.per_family, SecondsBudget):
        jobs = []
        for whole, counted in zip(trial.values(), unlearning.values(), strict=True):
            spent = plan.per_family.seconds * whole / max(counted, 1e-9)
            number = max(1, round(spent / max(whole, 1e-9)))
            jobs += [spent / number] * number
    elif plan.per_family is not None:
        jobs = []
        for family in spec.family_list():
            one = samples[family.name]
            fitting = int(plan.per_family.samples // one) if one and family.domains else 1
            jobs += [trial[family.name]] * max(1, fitting)
    else:
        jobs = [sum(trial.values()) / len(trial)] * (plan.trials or 0)
    if spec.resources.replicate_parallelism == "replicate":
        jobs = [seconds / replicates for seconds in jobs for _ in range(replicates)]
    return jobs


def _evaluations(budget: BudgetSpec) -> int:
    return len(Budget(budget.steps, budget.batch_size, budget.evaluate_every).evaluation_steps())


def _side_by_side(jobs: Sequence[float], slots: int) -> float:
    """Work in equal shares, but never shorter than its longest piece."""
    return max(sum(jobs) / slots, max(jobs)) if jobs else 0.0
