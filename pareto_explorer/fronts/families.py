"""Hypervolume per family: of each replicate, and of the replicate means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pareto_explorer.fronts.hypervolume import HypervolumeResult, hypervolume
from pareto_explorer.fronts.objectives import Box
from pareto_explorer.fronts.tables import objective_values, replicate_means, usable

__all__ = [
    "FamilyHypervolume",
    "family_hypervolumes",
    "hypervolume_json",
    "pooled_hypervolume",
]


@dataclass(frozen=True)
class FamilyHypervolume:
    """The hypervolume of one family, or of all families together.

    Attributes:
        mean: The mean over the replicates of the table; a replicate in which the family has no
            usable point counts as 0.
        per_replicate: The hypervolume of each replicate's own points.
        interval: The smallest and the largest of them; a range, not a confidence interval.
        of_means: The hypervolume of the replicate means, with the box. It is the honest one for
            choosing a configuration: averaging comes before picking the best.
        n_points: Usable points over all replicates.
        n_beyond: Those of them at or beyond the reference point in some objective.
        n_excluded: Rows that are no usable point: diverged, failed, or an objective not finite.
    """

    mean: float
    per_replicate: dict[int, float]
    interval: tuple[float, float]
    of_means: HypervolumeResult
    n_points: int
    n_beyond: int
    n_excluded: int

    @property
    def box(self) -> Box:
        """The box that all numbers here were measured in."""
        return self.of_means.box

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the box."""
        return {
            "hypervolume": self.mean,
            "per_replicate": {str(key): value for key, value in self.per_replicate.items()},
            "interval": list(self.interval),
            "points": self.n_points,
            "beyond_box": self.n_beyond,
            "excluded": self.n_excluded,
            "of_means": {
                "hypervolume": self.of_means.value,
                "points": self.of_means.n_points,
                "front_points": self.of_means.n_front,
                "beyond_box": self.of_means.n_beyond,
            },
        }


def family_hypervolumes(points: pd.DataFrame, box: Box) -> dict[str, FamilyHypervolume]:
    """Measures each family on its own.

    Args:
        points: A points table; its replicates are those that any family has.
        box: The objectives.

    Returns:
        One entry per family, sorted by name; a family without a usable point has hypervolume 0.

    Raises:
        InputError: An objective is no column of the table.
    """
    candidates, means = points[usable(points, box)], replicate_means(points, box)
    replicates = _replicates(points)
    families = {}
    for family in sorted(points["family"].unique()):
        of_family = candidates[candidates["family"] == family]
        families[str(family)] = _measure(
            of_family,
            means[means["family"] == family],
            replicates,
            box,
            n_excluded=int((points["family"] == family).sum()) - len(of_family),
        )
    return families


def pooled_hypervolume(points: pd.DataFrame, box: Box) -> FamilyHypervolume:
    """Measures all families together: what one gets who may choose among all of them.

    Args:
        points: A points table.
        box: The objectives.

    Raises:
        InputError: An objective is no column of the table.
    """
    candidates = points[usable(points, box)]
    return _measure(
        candidates,
        replicate_means(points, box),
        _replicates(points),
        box,
        n_excluded=len(points) - len(candidates),
    )


def hypervolume_json(points: pd.DataFrame, box: Box) -> dict[str, Any]:
    """The content of ``report/hypervolume.json``.

    Args:
        points: A points table.
        box: The objectives.

    Returns:
        ``{"box": ..., "families": {name: ...}, "pooled": ...}``; each entry has ``hypervolume``
        (the mean over replicates), ``per_replicate``, ``interval``, ``points``, ``beyond_box``,
        ``excluded``, and ``of_means`` with its own counts.

    Raises:
        InputError: An objective is no column of the table.
    """
    families = family_hypervolumes(points, box)
    return {
        "box": box.to_dict(),
        "families": {name: family.to_dict() for name, family in families.items()},
        "pooled": pooled_hypervolume(points, box).to_dict(),
    }


def _replicates(points: pd.DataFrame) -> list[int]:
    return sorted(int(replicate) for replicate in points["replicate"].unique())


def _measure(
    candidates: pd.DataFrame,
    means: pd.DataFrame,
    replicates: Sequence[int],
    box: Box,
    n_excluded: int,
) -> FamilyHypervolume:
    results = {
        replicate: hypervolume(
            objective_values(candidates[candidates["replicate"] == replicate], box), box
        )
        for replicate in replicates
    }
    volumes = {replicate: result.value for replicate, result in results.items()}
    return FamilyHypervolume(
        mean=sum(volumes.values()) / max(len(volumes), 1),
        per_replicate=volumes,
        interval=(min(volumes.values(), default=0.0), max(volumes.values(), default=0.0)),
        of_means=hypervolume(objective_values(means, box), box),
        n_points=sum(result.n_points for result in results.values()),
        n_beyond=sum(result.n_beyond for result in results.values()),
        n_excluded=n_excluded,
    )
