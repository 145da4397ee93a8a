"""Which of the points that were reported so far are worth their weights."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.fronts import Box, non_dominated
from pareto_explorer.runs.agreement import Key, key_of
from pareto_explorer.schema.columns import KEY
from pareto_explorer.schema.statuses import OK, RUNNING

__all__ = ["Checkpoint", "Policy", "Shortlist"]

Policy = Literal["front", "final", "all", "none"]

Place = tuple[int, float]
"""Step and position: where in its trial a model is."""

Checkpoint = tuple[str, int, float]
"""Trial, step and position: one point for each replicate."""

Objectives = tuple[float, ...]
Replicates = dict[int, Objectives | None]
"""Objectives by replicate; None for a row that is not "ok"."""


class Shortlist:
    """Knows of every point whether a policy wants its model.

    A checkpoint is on the front while no other one dominates its mean over the replicates, among
    all checkpoints that have an "ok" row with finite objectives for every replicate: the front of
    the points table. Until a trial has ended, what may become such a checkpoint is wanted as well.

    A row costs time for the front so far, whatever the number of rows before it.

    Args:
        box: The objectives.
        policy: ``front``; ``final``: also the last model of every replicate of every trial, which
            may be several at one step; ``all``: every model whose row is "ok"; ``none``.
        replicates: How many replicates every trial has.
        points: The points table so far.
    """

    def __init__(self, box: Box, policy: Policy, replicates: int, points: pd.DataFrame) -> None:
        self.policy = policy
        self._box, self._n = box, replicates
        self._rows: dict[str, dict[Place, Replicates]] = {}
        self._ended: set[str] = set(points.loc[points["trial_status"] != RUNNING, "trial_id"])
        columns = [*KEY, "status", *box.metrics]
        for row in points.reindex(columns=columns).itertuples(index=False, name=None):
            trial_id, replicate, step, position, status, *values = row
            measured = tuple(map(float, values)) if status == OK else None
            places = self._rows.setdefault(trial_id, {})
            places.setdefault((step, position), {})[replicate] = measured
        self._front: dict[Checkpoint, None] = {}  # in the order of the rows of _values
        self._values = np.empty((0, len(box.metrics)))
        self._rebuild()

    @property
    def front(self) -> set[Checkpoint]:
        """The front of all that is known."""
        return set(self._front)

    def learn(self, row: Mapping[str, Any]) -> set[Checkpoint]:
        """Takes in a row of the points table; of a point that is known, nothing changes.

        Returns:
            The checkpoints of which some point may no longer be wanted.
        """
        trial_id, replicate, step, position = key_of(row)
        places = self._rows.setdefault(trial_id, {})
        known = places.setdefault((step, position), {})
        touched = {(trial_id, step, position)}
        if replicate in known:
            return touched
        measured = known[replicate] = self._measured(row)
        if measured is None:
            touched |= {(trial_id, *other) for other in places}
        elif self.policy == "final":  # what was the last until now
            touched |= {(trial_id, *other) for other in _last(places, replicate, without=step)}
        if self._is_complete(known):
            touched.update(self._advance((trial_id, step, position), self._means([known])))
        return touched

    def end(self, trial_id: str) -> set[Checkpoint]:
        """Takes the end of a trial: nothing more comes of it.

        Returns:
            As for ``learn``.
        """
        self._ended.add(trial_id)
        return {(trial_id, *place) for place in self._rows.get(trial_id, ())}

    def end_all(self) -> None:
        """Takes the end of every trial."""
        self._ended |= self._rows.keys()

    def replicates(self, checkpoint: Checkpoint) -> list[int]:
        """The replicates that have a row there."""
        trial_id, step, position = checkpoint
        return list(self._rows[trial_id][step, position])

    def wanted(self) -> Iterator[Key]:
        """All points that are wanted."""
        for trial_id, places in self._rows.items():
            for place, known in places.items():
                for replicate in known:
                    if self.wants(trial_id, replicate, *place):
                        yield trial_id, replicate, *place

    def wants(self, trial_id: str, replicate: int, step: int, position: float = 0.0) -> bool:
        """Whether a known point is wanted."""
        place = step, position
        known = self._rows[trial_id][place]
        if self.policy == "none" or known[replicate] is None:
            return False
        if self.policy == "all" or (trial_id, *place) in self._front:
            return True
        if trial_id not in self._ended and self._may_complete(trial_id, known):
            return True
        return self.policy == "final" and place in _last(self._rows[trial_id], replicate)

    def _measured(self, row: Mapping[str, Any]) -> Objectives | None:
        """The objectives of an "ok" row, NaN where it lacks one."""
        if row["status"] != OK:
            return None
        values = (row.get(metric) for metric in self._box.metrics)
        return tuple(math.nan if value is None else float(value) for value in values)

    def _is_complete(self, known: Replicates) -> bool:
        return len(known) == self._n and all(map(_is_usable, known.values()))

    def _may_complete(self, trial_id: str, known: Replicates) -> bool:
        """Whether rows that are still to come can bring a checkpoint to the front."""
        if len(known) >= self._n or not all(map(_is_usable, known.values())):
            return False
        places = self._rows[trial_id].values()
        lost = {r for rows in places for r, measured in rows.items() if measured is None}
        return lost <= known.keys()  # a replicate reports nothing after such a row

    def _advance(self, point: Checkpoint, mean: NDArray[np.float64]) -> list[Checkpoint]:
        """Adds a complete checkpoint to the front and gives those that it dominates."""
        front = self._values
        if ((front <= mean).all(axis=1) & (front < mean).any(axis=1)).any():
            return []
        stays = ~((mean <= front).all(axis=1) & (mean < front).any(axis=1))
        members = list(self._front)
        dominated = [members[index] for index in np.flatnonzero(~stays)]
        for known in dominated:
            del self._front[known]
        self._front[point] = None
        self._values = np.concatenate([front[stays], mean])
        return dominated

    def _rebuild(self) -> None:
        complete = {
            (trial_id, *place): known
            for trial_id, places in self._rows.items()
            for place, known in places.items()
            if self._is_complete(known)
        }
        means = self._means(list(complete.values()))
        mask = non_dominated(means)
        self._front = {point: None for point, on in zip(complete, mask, strict=True) if on}
        self._values = means[mask]

    def _means(self, complete: Sequence[Replicates]) -> NDArray[np.float64]:
        """Normalised means (n, m), rounded as those of the points table are."""
        values = np.array([[known[r] for r in sorted(known)] for known in complete], np.float64)
        values = values.reshape(len(complete), self._n, len(self._box.metrics))
        by_objective: NDArray[np.float64] = np.ascontiguousarray(values.transpose(0, 2, 1))
        return self._box.normalise(by_objective.mean(axis=2))


def _is_usable(measured: Objectives | None) -> bool:
    return measured is not None and all(map(math.isfinite, measured))


def _last(
    places: dict[Place, Replicates], replicate: int, without: int | None = None
) -> list[Place]:
    """All places at the last step with an "ok" row of a replicate, if there is one."""
    fine = [place for place, known in places.items() if known.get(replicate) is not None]
    last = max((step for step, _ in fine if step != without), default=None)
    return [place for place in fine if place[0] == last]
