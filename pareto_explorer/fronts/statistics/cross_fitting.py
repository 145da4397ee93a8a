"""Fronts that are chosen on some measurements and measured on others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.hypervolume import hypervolume
from pareto_explorer.fronts.core.tables import objective_values, usable
from pareto_explorer.fronts.core.validation_twins import validation_box
from pareto_explorer.schema.columns import CHECKPOINT, positioned

__all__ = [
    "Checkpoints",
    "checkpoints",
    "chosen_on_validation",
    "cross_fitted",
    "replicates_run",
]


@dataclass(frozen=True, eq=False)
class Checkpoints:
    """Every (trial, step, position) with its objectives in each replicate.

    Attributes:
        box: The objectives.
        trial: (n,), the trial of each.
        family: (n,), the family of each.
        replicates: The r replicates of the table, sorted.
        values: (n, r, m) in metric units; NaN in all objectives where the checkpoint is not usable
            in that replicate.
        twins: The same with the validation twins of the objectives; None where no objective has
            one.
        ran: (n, r), whether the table has a row of the checkpoint in that replicate, usable or not.
    """

    box: Box
    trial: NDArray[np.object_]
    family: NDArray[np.object_]
    replicates: tuple[int, ...]
    values: NDArray[np.float64]
    twins: NDArray[np.float64] | None
    ran: NDArray[np.bool_]

    def of(self, family: str) -> Checkpoints:
        """Those of one family."""
        own = self.family == family
        return replace(
            self,
            trial=self.trial[own],
            family=self.family[own],
            values=self.values[own],
            twins=None if self.twins is None else self.twins[own],
            ran=self.ran[own],
        )

    def where_run(self) -> Checkpoints:
        """The same without the replicates in which none of them has a row."""
        kept = np.flatnonzero(self.ran.any(axis=0))
        return replace(
            self,
            replicates=tuple(self.replicates[i] for i in kept),
            values=self.values[:, kept],
            twins=None if self.twins is None else self.twins[:, kept],
            ran=self.ran[:, kept],
        )

    def measured(self, replicate: int) -> NDArray[np.float64]:
        """The objectives in the replicate at this position, of those usable there: (k, m)."""
        return _finite(self.values[:, replicate])

    def means(self) -> NDArray[np.float64]:
        """The replicate means of those usable in every replicate: (k, m)."""
        return _finite(_mean(self.values))


def checkpoints(points: pd.DataFrame, box: Box) -> Checkpoints:
    """Arranges a points table by checkpoint and replicate.

    Args:
        points: A points table.
        box: The objectives.

    Raises:
        InputError: An objective is no column of the table.
    """
    points = positioned(points)
    groups = points.groupby([*CHECKPOINT])
    pair = groups.ngroup().to_numpy()
    column, replicates = pd.factorize(points["replicate"], sort=True)
    first = np.unique(pair, return_index=True)[1]
    shape = (len(first), len(replicates), len(box.metrics))

    def spread(box: Box) -> NDArray[np.float64]:
        marks = usable(points, box).to_numpy(dtype=np.bool_)
        values = np.full(shape, np.nan)
        values[pair[marks], column[marks]] = objective_values(points[marks], box)
        return values

    ran = np.zeros(shape[:2], dtype=np.bool_)
    ran[pair, column] = True
    validation = validation_box(points, box)
    return Checkpoints(
        box,
        points["trial_id"].to_numpy(dtype=object)[first],
        points["family"].to_numpy(dtype=object)[first],
        tuple(int(replicate) for replicate in replicates),
        spread(box),
        spread(validation) if validation != box else None,
        ran,
    )


def replicates_run(points: pd.DataFrame) -> dict[str, list[int]]:
    """The replicates in which each family was run: those with a row of it, whatever its status.

    Args:
        points: A points table.

    Returns:
        The replicates, sorted, by family, sorted by name.
    """
    pairs = points[["family", "replicate"]].drop_duplicates().sort_values(["family", "replicate"])
    return {
        str(family): [int(replicate) for replicate in own]
        for family, own in pairs.groupby("family")["replicate"]
    }


def cross_fitted(table: Checkpoints) -> dict[int, float] | None:
    """Measures, in each replicate, the front that the other replicates choose.

    The checkpoints that are non-dominated by their means over the other replicates (usable in all
    of them) are measured in the one left out; there, one that is not usable adds nothing. Whatever
    made them look good by chance has to repeat itself, so this hypervolume is free of the winner's
    curse; choosing on one replicate less than there are makes it slightly pessimistic.

    Args:
        table: All checkpoints, or those of one family.

    Returns:
        The hypervolume in each replicate, never above that of all its points; None if there are
        fewer than two.
    """
    if len(table.replicates) < 2:
        return None
    return {
        replicate: _volume(
            table.values[_front(np.delete(table.values, i, axis=1), table.box), i], table.box
        )
        for i, replicate in enumerate(table.replicates)
    }


def chosen_on_validation(table: Checkpoints) -> dict[int, float] | None:
    """Measures, in each replicate, the front that the validation metrics choose.

    The checkpoints that are non-dominated by the replicate means of the validation twins are
    measured on the objectives themselves.

    Args:
        table: All checkpoints, or those of one family.

    Returns:
        The hypervolume in each replicate; None if no objective has a validation twin.
    """
    if table.twins is None:
        return None
    chosen = _front(table.twins, table.box)
    return {
        replicate: _volume(table.values[chosen, i], table.box)
        for i, replicate in enumerate(table.replicates)
    }


def _front(values: NDArray[np.float64], box: Box) -> NDArray[np.intp]:
    """Positions of the checkpoints that are non-dominated by their means over axis 1."""
    means = _mean(values)
    complete = np.flatnonzero(~np.isnan(means).any(axis=1))
    return complete[non_dominated(box.normalise(means[complete]))]


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.mean(axis=1) if values.shape[1] else np.empty((0, values.shape[2]))


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values).any(axis=1)]


def _volume(values: NDArray[np.float64], box: Box) -> float:
    return hypervolume(_finite(values), box).value
