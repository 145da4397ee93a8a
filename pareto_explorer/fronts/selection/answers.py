"""The decision rules on a table of candidates: which row, why, and by what score."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.errors import InputError
from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.dominance import non_dominated
from pareto_explorer.fronts.core.tables import objective_values
from pareto_explorer.fronts.core.values import finite_number
from pareto_explorer.fronts.selection.constraints import Constraint
from pareto_explorer.fronts.selection.decision_rules import (
    achievement,
    closest,
    knee,
    pseudo_weight,
)
from pareto_explorer.fronts.selection.one_standard_error import replicate_values

__all__ = ["ANSWERS", "Answer", "Question"]


@dataclass(frozen=True)
class Question:
    """What a rule may look at."""

    points: pd.DataFrame
    considered: pd.DataFrame
    box: Box
    constraints: tuple[Constraint, ...]
    weights: Sequence[float] | None

    def values(self) -> NDArray[np.float64]:
        """The normalised objectives of every row: (n, m)."""
        return self.box.normalise(objective_values(self.considered, self.box))

    def front(self) -> tuple[NDArray[np.int64], NDArray[np.float64], str]:
        """Positions and values of the front, equal points once, and words for it."""
        values = self.values()
        positions = np.flatnonzero(non_dominated(values))
        _, first = np.unique(values[positions], axis=0, return_index=True)
        positions = positions[np.sort(first)]  # the preferred of equal points comes first
        kept = f" with {_and(self.constraints)}" if self.constraints else ""
        words = f"the validation front of {len(positions):,} models{kept}"
        if len(positions) == 1:
            words = f"the validation front{' of the models' if kept else ''}{kept}"
        return positions, values[positions], words

    def scores(self) -> NDArray[np.float64]:
        """The normalised objectives of every replicate: (n, replicates, m)."""
        found = replicate_values(self.points, self.considered, self.box.metrics)
        return self.box.normalise(found.reshape(-1, found.shape[2])).reshape(found.shape)


Scores = Callable[[], NDArray[np.float64]]
Answer = tuple[int, str, Scores]


def _knee(question: Question) -> Answer:
    positions, values, front = question.front()
    if len(positions) == 1:
        return int(positions[0]), f"the only model on {front}", question.scores
    found = knee(values)
    if found is None:
        best, _, scores = _closest(question)
        return best, f"no knee stands out on {front}; this is the closest to the ideal", scores
    reason = (
        f"the highest trade-off on {front}: moving to a neighbour loses at least "
        f"{found.trade_off:.3g} times what it gains, in shares of the box"
    )
    return int(positions[found.position]), reason, question.scores


def _closest(question: Question) -> Answer:
    positions, values, front = question.front()
    index = closest(values)
    reason = (
        f"the closest to the ideal on {front}: no objective is further from it than "
        f"{values[index].max():.3g} of the box"
    )

    def scores() -> NDArray[np.float64]:
        found = question.scores()
        flat = achievement(found.reshape(-1, found.shape[2]))
        return flat.reshape(*found.shape[:2], 1)

    return int(positions[index]), reason, scores


def _weights(question: Question) -> Answer:
    positions, values, front = question.front()
    wanted = _checked_weights(question.weights, len(question.box.metrics))
    if len(positions) == 1:
        return int(positions[0]), f"the only model on {front}", question.scores
    index, own = pseudo_weight(values, wanted)
    have, want = (", ".join(f"{w:.2f}" for w in each) for each in (own, wanted))
    reason = f"its pseudo-weights ({have}) are the nearest to ({want}) on {front}"
    return int(positions[index]), reason, question.scores


def _tolerance(question: Question) -> Answer:
    bounded = {constraint.column for constraint in question.constraints}
    free = [i for i, metric in enumerate(question.box.metrics) if metric not in bounded]
    target = free[0] if free else 0
    values = question.values()
    rest = [column for i, column in enumerate(values.T) if i != target]
    best = int(np.lexsort([*reversed(rest), values[:, target]])[0])
    objective = question.box.objectives[target]
    word = "smallest" if objective.direction == "min" else "largest"
    reason = f"the {word} {objective.metric} with {_and(question.constraints)}"
    return best, reason, lambda: question.scores()[:, :, [target]]


ANSWERS: Mapping[str, Callable[[Question], Answer]] = {
    "knee": _knee,
    "closest": _closest,
    "weights": _weights,
    "tolerance": _tolerance,
}
"""The rules by name."""


def _checked_weights(weights: Sequence[float] | None, m: int) -> NDArray[np.float64]:
    given = [finite_number(f"`weights` {i}", w) for i, w in enumerate(weights or ())]
    if len(given) != m or min(given) < 0 or sum(given) <= 0:
        raise InputError(
            f"`weights`: {', '.join(f'{w:g}' for w in given) or 'nothing'} given; give {m} numbers "
            "that are not negative and not all 0, one per objective in the box's order."
        )
    return np.array(given) / np.sum(given)  # `sum` rounds otherwise from Python 3.12 on


def _and(constraints: Sequence[Constraint]) -> str:
    return " and ".join(map(str, constraints))
