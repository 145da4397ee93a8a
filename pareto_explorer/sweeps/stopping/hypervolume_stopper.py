"""The end of a sweep whose hypervolume has stopped growing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from ray import tune

from pareto_explorer.errors import InputError
from pareto_explorer.fronts import Box, hypervolume, non_dominated
from pareto_explorer.fronts.core.values import finite_number
from pareto_explorer.schema.statuses import OK, RUNNING

__all__ = ["GrowingHypervolume", "HypervolumeStopper"]


class GrowingHypervolume:
    """The hypervolume of points that arrive one after another, the mean over replicates.

    Only the front of each replicate is kept: new points cost time for themselves and the front,
    whatever the number of points before them. A replicate without a usable point counts as 0.

    Args:
        box: The objectives.
    """

    def __init__(self, box: Box) -> None:
        self._box = box
        self._fronts: dict[int, NDArray[np.float64]] = {}
        self._volumes: dict[int, float] = {}

    @property
    def mean(self) -> float:
        """The hypervolume; 0 before the first point."""
        return sum(self._volumes.values()) / max(len(self._volumes), 1)

    def add(self, rows: Iterable[Mapping[Any, Any]]) -> None:
        """Takes rows of the points table."""
        found: dict[int, list[list[float]]] = {}
        for row in rows:
            values = [row.get(metric, np.nan) for metric in self._box.metrics]
            of_replicate = found.setdefault(int(row["replicate"]), [])
            if row["status"] == OK and self._box.measurable(np.array([values])).all():
                of_replicate.append(values)
        for replicate, new in found.items():
            old = self._fronts.get(replicate, np.empty((0, len(self._box.metrics))))
            points = np.concatenate([old, np.array(new).reshape(-1, old.shape[1])])
            front = points[non_dominated(self._box.normalise(points))]
            self._fronts[replicate] = np.unique(front, axis=0)
            self._volumes[replicate] = hypervolume(self._fronts[replicate], self._box).value


class HypervolumeStopper(tune.Stopper):
    """Ends a sweep once the last trials have added next to nothing to its hypervolume.

    Measured is the pooled hypervolume, the mean over replicates, of all trials that have ended,
    however they ended; it never falls, since the box is fixed. Each ended trial costs time for its
    own points and the front so far, whatever the number of trials before it.

    Ray shows it what trials report, in ``rows`` of the points table; whoever keeps the table says
    with ``trial_ended`` when a trial has ended, since a trial may be several of Ray's.

    Args:
        box: The objectives.
        gain: What counts as an improvement, in hypervolume.
        configurations: How many trials together must gain less than that.

    Raises:
        InputError: A number is out of range.
    """

    def __init__(self, box: Box, gain: float, configurations: int) -> None:
        if finite_number("stop.gain", gain) <= 0:
            raise InputError(f"stop.gain: {gain!r} is not above 0; give for example 0.001.")
        if finite_number("stop.configurations", configurations) < 1:
            raise InputError(
                f"stop.configurations: {configurations!r} is not above 0; give for example 20."
            )
        self.box, self.gain, self.configurations = box, gain, configurations
        self.history: list[float] = [0.0]
        self._reached = GrowingHypervolume(box)
        self._running: dict[str, list[Mapping[str, Any]]] = {}
        self._ended: set[str] = set()

    def __call__(self, trial_id: str, result: Mapping[str, Any]) -> bool:  # noqa: ARG002 - Ray's
        """Takes the rows of a report; no trial is stopped for them."""
        for row in result["rows"]:
            self._running.setdefault(row["trial_id"], []).append(row)
        return False

    def trial_ended(self, trial_id: str) -> None:
        """Counts a trial as ended; saying so again does nothing.

        Args:
            trial_id: The trial, as in its rows.
        """
        if trial_id not in self._ended:
            self._ended.add(trial_id)
            self._count(self._running.pop(trial_id, []))

    def stop_all(self) -> bool:
        """Whether the sweep should end."""
        if len(self.history) <= self.configurations:
            return False
        return self.history[-1] - self.history[-1 - self.configurations] < self.gain

    def seed(self, points: pd.DataFrame, order: Sequence[str] | None = None) -> None:
        """Counts the trials of an earlier run of the sweep, as if they ended one after another.

        Args:
            points: A points table; trials that are still running in it are left out.
            order: Their ids in the order of their ends, as far as known; by default as in the
                table. Only the history depends on it, not the hypervolume reached.
        """
        ended = points[points["trial_status"] != RUNNING]
        by_trial = {str(name): rows for name, rows in ended.groupby("trial_id", sort=False)}
        names = by_trial if order is None else [name for name in order if name in by_trial]
        for name in names:
            self._count([dict(row) for row in by_trial[name].to_dict("records")])

    def _count(self, rows: Iterable[Mapping[Any, Any]]) -> None:
        self._reached.add(rows)
        self.history.append(self._reached.mean)
