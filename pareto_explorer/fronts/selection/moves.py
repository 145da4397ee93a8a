"""Where one could move from a model along the front, and what that gains and loses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.tables import objective_values
from pareto_explorer.fronts.selection.constraints import Constraint, feasible
from pareto_explorer.fronts.selection.one_standard_error import replicate_values
from pareto_explorer.schema.columns import POSITION, place

__all__ = ["Move", "moves_from"]


@dataclass(frozen=True)
class Move:
    """A step along the front.

    Attributes:
        trial_id: The trial that one would move to.
        step: Its step.
        position: Its position at that step.
        family: Its family.
        gains: The objectives that get better.
        changes: What each objective's replicate mean changes by, in metric units.
        errors: The standard error of each change, paired over replicates; NaN for one replicate.
        samples: What the samples processed change by.
        keeps_constraints: Whether the model there keeps the constraints of the choice.
    """

    trial_id: str
    step: int
    position: float
    family: str
    gains: tuple[str, ...]
    changes: dict[str, float]
    errors: dict[str, float]
    samples: float
    keeps_constraints: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; an error that does not exist is None."""
        errors = {m: None if math.isnan(error) else error for m, error in self.errors.items()}
        plain = asdict(self) | {"gains": list(self.gains), "errors": errors}
        return plain if self.position else {k: v for k, v in plain.items() if k != POSITION}

    @property
    def place(self) -> str:
        """Step and position in words."""
        return place(self.step, self.position)


def moves_from(
    chosen: pd.Series[Any],
    means: pd.DataFrame,
    points: pd.DataFrame,
    box: Box,
    constraints: Sequence[Constraint] = (),
) -> tuple[Move, ...]:
    """The nearest model of the front that is better, for each objective.

    With two objectives these are the two neighbours along the front. Near is meant by the
    distance in the box.

    Args:
        chosen: A row of ``means``; it need not be on the front.
        means: Replicate means with ``on_front``, as this box has it.
        points: The points table that they were made from.
        box: The objectives.
        constraints: Told whether a model keeps them.

    Returns:
        At most one move per objective, each to another model, in the order of the objectives.
    """
    front = means[means["on_front"]].reset_index(drop=True)
    here = chosen.to_frame().T
    start = box.normalise(objective_values(here, box))[0]
    change = box.normalise(objective_values(front, box)) - start
    distance = np.linalg.norm(change, axis=1)
    targets = []
    for column in change.T:
        better = np.flatnonzero(column < 0)
        if len(better):
            targets.append(int(better[np.argmin(distance[better])]))
    kept = feasible(front, tuple(constraints))
    own = replicate_values(points, here, box.metrics)[0]
    moves = []
    for target in dict.fromkeys(targets):
        row = front.iloc[target]
        paired = replicate_values(points, front.iloc[[target]], box.metrics)[0] - own
        n = len(paired)
        errors = paired.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else [np.nan] * len(box.metrics)
        moves.append(
            Move(
                trial_id=str(row["trial_id"]),
                step=int(row["step"]),
                position=float(row["position"]),
                family=str(row["family"]),
                gains=tuple(np.array(box.metrics)[change[target] < 0].tolist()),
                changes=dict(zip(box.metrics, paired.mean(axis=0).tolist(), strict=True)),
                errors=dict(zip(box.metrics, map(float, errors), strict=True)),
                samples=float(row["samples"] - chosen["samples"]),
                keeps_constraints=bool(kept[target]),
            )
        )
    return tuple(moves)
