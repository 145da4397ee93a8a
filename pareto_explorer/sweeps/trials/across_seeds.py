"""Metrics that compare the models of all replicates of a trial at one step and position."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from pareto_explorer.metrics import across_seeds
from pareto_explorer.sweeps.trials.replicate import Bench, Point, Row

__all__ = ["AcrossSeeds"]


_Place = tuple[int, float]
_Key = tuple[int, int, float]


class AcrossSeeds:
    """Writes into the rows of a trial what compares its models with those of other training seeds.

    The replicates of a trial move side by side, so the points of a step come together and their
    margins need not be kept. What was found is: a replicate that starts again, alone, gets for the
    points that it repeats the values that it had.

    Args:
        metrics: Those that are wanted; as a rule none.
        bench: Where the retrained models are measured.
    """

    def __init__(self, metrics: Collection[str], bench: Bench) -> None:
        self._metrics = metrics
        self._bench = bench
        self._found: dict[_Key, dict[str, float]] = {}

    def fill(self, points: Sequence[Point]) -> None:
        """Completes rows, with NaN where too few training seeds are at the step of a row.

        Args:
            points: What the replicates, a training seed each, have come to together, and before
                that, what some of them repeat.
        """
        together: dict[_Place, list[tuple[Row, NDArray[np.float64]]]] = defaultdict(list)
        for row, _, _, margins, _ in points:
            if margins is None:
                continue
            if _key(row) in self._found:
                row.update(self._found[_key(row)])
            elif self._metrics:
                together[_key(row)[1:]].append((row, margins))
        for group in together.values():
            rows, unlearned = zip(*group, strict=True)
            retrained = [self._retrained(row["training_seed"]) for row in rows]
            values = across_seeds(self._metrics, unlearned, retrained)
            for row, found in zip(rows, values, strict=True):
                self._found[_key(row)] = found
                row.update(found)

    def state(self) -> list[tuple[int, int, float, dict[str, float]]]:
        """What was found, as JSON has it: replicate, step, position and metrics."""
        return [(*key, found) for key, found in self._found.items()]

    def restore(self, state: Sequence[tuple[int, int, float, dict[str, float]]]) -> None:
        """Takes up what `state` has given."""
        self._found = {(r, step, position): found for r, step, position, found in state}

    def _retrained(self, training_seed: int) -> NDArray[np.float64]:
        _, evaluator = self._bench.prepared(training_seed)
        return evaluator.landmarks["retrained"].forget_margins


def _key(row: Row) -> _Key:
    return row["replicate"], row["step"], row["position"]
