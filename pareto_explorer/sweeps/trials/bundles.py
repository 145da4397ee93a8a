"""Which replicates of a trial step together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pareto_explorer.sweeps.spec.families import TrialPlan
from pareto_explorer.sweeps.trials.replicate import Point, ReplicateRun, step_together
from pareto_explorer.unlearning import make_method
from pareto_explorer.unlearning.bundle import reason_alone

__all__ = ["bundles", "points_of", "size_of"]


def bundles(indices: Iterable[int], size: int) -> list[list[int]]:
    """Groups the numbers of the replicates that are left into those that step together.

    >>> bundles([0, 2, 3, 4], 3)
    [[0, 2], [3, 4]]
    """
    groups: dict[int, list[int]] = {}
    for index in indices:
        groups.setdefault(index // size, []).append(index)
    return list(groups.values())


def size_of(plan: TrialPlan, sizes: Mapping[str, int]) -> int:
    """How many replicates of a trial step together, by the size of its family's bundles."""
    size = sizes.get(plan.family.name, 1)
    return 1 if size > 1 and reason_alone(make_method(plan.config)) else size


def points_of(wanted: int, runs: Mapping[int, ReplicateRun]) -> Iterator[Point]:
    """Runs the replicates of one bundle together, and yields the points of one of them.

    Args:
        wanted: Its number.
        runs: All of them by their numbers, not begun.
    """
    left = dict(runs)
    while wanted in left:
        step_together(list(left.values()))
        for index, run in list(left.items()):
            point = next(run, None)
            if point is None:
                del left[index]
            elif index == wanted:
                yield point
