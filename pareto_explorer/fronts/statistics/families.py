"""Hypervolume per family: of each replicate, and of the replicate means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.hypervolume import HypervolumeResult, hypervolume
from pareto_explorer.fronts.statistics.configurations import configurations
from pareto_explorer.fronts.statistics.cross_fitting import (
    Checkpoints,
    checkpoints,
    chosen_on_validation,
    cross_fitted,
)
from pareto_explorer.fronts.statistics.half_samples import HalfSamples, half_samples
from pareto_explorer.fronts.statistics.resampling import Interval, interval

__all__ = [
    "FamilyHypervolume",
    "family_hypervolumes",
    "pooled_hypervolume",
]


@dataclass(frozen=True)
class FamilyHypervolume:
    """The hypervolume of one family, or of all families together.

    Attributes:
        mean: The mean over the replicates in which the family was run. One in which all its points
            failed or diverged counts as 0; one of which the table has no row of it is missing.
        per_replicate: The hypervolume of the points of each of these replicates.
        interval: Bounds of their mean: a bootstrap interval from five replicates on, below that
            their range. It covers the seeds, with the configurations that were drawn.
        of_means: The hypervolume of the replicate means, with the box. It is the honest one for
            choosing a configuration: averaging comes before picking the best. It counts the
            checkpoints that are usable in every replicate of the table.
        n_points: Usable points over all replicates.
        n_beyond: Those of them at or beyond the reference point in some objective.
        n_excluded: Rows that are no usable point: diverged, failed, or an objective not finite.
        cross_fitted: In each replicate, the hypervolume of the front that the other replicates
            choose; None where the family was run in fewer than two.
        on_validation: In each replicate, the hypervolume of the front that the replicate means of
            the validation metrics choose; None where no objective has a validation twin.
        lost_without_best: What the mean loses without the configuration that costs it the most;
            None with one configuration, and of families that are pooled.
        half_samples: What half of the configurations would have reached, which covers the draw,
            with these seeds; None of families that are pooled.
    """

    mean: float
    per_replicate: dict[int, float]
    interval: Interval
    of_means: HypervolumeResult
    n_points: int
    n_beyond: int
    n_excluded: int
    cross_fitted: dict[int, float] | None = None
    on_validation: dict[int, float] | None = None
    lost_without_best: float | None = None
    half_samples: HalfSamples | None = field(default=None, repr=False, compare=False)

    @property
    def cross_fitted_mean(self) -> float | None:
        """The mean of ``cross_fitted`` over the replicates."""
        return _mean(self.cross_fitted)

    @property
    def on_validation_mean(self) -> float | None:
        """The mean of ``on_validation`` over the replicates."""
        return _mean(self.on_validation)

    @property
    def optimism(self) -> float | None:
        """How far ``mean`` exceeds ``cross_fitted_mean``: the winner's curse, never below 0.

        About that much of the mean comes from picking the best of noisy points after seeing them.
        """
        mean = self.cross_fitted_mean
        return None if mean is None else max(self.mean - mean, 0.0)

    @property
    def box(self) -> Box:
        """The box that all numbers here were measured in."""
        return self.of_means.box

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the box."""
        return {
            "hypervolume": self.mean,
            "per_replicate": _with_text_keys(self.per_replicate),
            "interval": list(self.interval),
            "interval_kind": self.interval.kind,
            "interval_covers": "seeds",
            "points": self.n_points,
            "beyond_box": self.n_beyond,
            "excluded": self.n_excluded,
            "of_means": {
                "hypervolume": self.of_means.value,
                "points": self.of_means.n_points,
                "front_points": self.of_means.n_front,
                "beyond_box": self.of_means.n_beyond,
            },
            "cross_fitted": _part(self.cross_fitted),
            "on_validation": _part(self.on_validation),
            "lost_without_best": self.lost_without_best,
            "half_samples": _half(self.half_samples),
        }


def family_hypervolumes(points: pd.DataFrame, box: Box) -> dict[str, FamilyHypervolume]:
    """Measures each family on its own.

    Args:
        points: A points table.
        box: The objectives.

    Returns:
        One entry per family, sorted by name; a family without a usable point has hypervolume 0.

    Raises:
        InputError: An objective is no column of the table.
    """
    table = checkpoints(points, box)
    rows = points["family"].value_counts()
    trials = points.drop_duplicates("trial_id")
    found = {}
    for family in sorted(points["family"].unique()):
        own = table.of(family)
        drawn = configurations(own.where_run())
        found[str(family)] = replace(
            _measure(own, int(rows[family])),
            lost_without_best=float(drawn.losses().max()) if len(drawn.names) > 1 else None,
            half_samples=half_samples(drawn, trials[trials["family"] == family]),
        )
    return found


def pooled_hypervolume(points: pd.DataFrame, box: Box) -> FamilyHypervolume:
    """Measures all families together: what one gets who may choose among all of them.

    Args:
        points: A points table.
        box: The objectives.

    Raises:
        InputError: An objective is no column of the table.
    """
    return _measure(checkpoints(points, box), len(points))


def _measure(table: Checkpoints, n_rows: int) -> FamilyHypervolume:
    box, run = table.box, table.where_run()
    results = {
        replicate: hypervolume(run.measured(i), box) for i, replicate in enumerate(run.replicates)
    }
    volumes = {replicate: result.value for replicate, result in results.items()}
    n_points = sum(result.n_points for result in results.values())
    return FamilyHypervolume(
        mean=sum(volumes.values()) / max(len(volumes), 1),
        per_replicate=volumes,
        interval=interval(list(volumes.values())) if volumes else Interval(0.0, 0.0, "single"),
        of_means=hypervolume(table.means(), box),
        n_points=n_points,
        n_beyond=sum(result.n_beyond for result in results.values()),
        n_excluded=n_rows - n_points,
        cross_fitted=cross_fitted(run),
        on_validation=chosen_on_validation(run),
    )


def _mean(volumes: Mapping[int, float] | None) -> float | None:
    return sum(volumes.values()) / len(volumes) if volumes else None


def _part(volumes: Mapping[int, float] | None) -> dict[str, Any] | None:
    if not volumes:
        return None
    return {"hypervolume": _mean(volumes), "per_replicate": _with_text_keys(volumes)}


def _half(samples: HalfSamples | None) -> dict[str, Any] | None:
    if samples is None or not samples.varied:
        return None
    mean, low, high = samples.spread()
    return {
        "hypervolume": mean,
        "interval": [low, high],
        "interval_kind": "10 to 90 %",
        "interval_covers": "draws",
    }


def _with_text_keys(volumes: Mapping[int, float]) -> dict[str, float]:
    return {str(replicate): value for replicate, value in volumes.items()}
