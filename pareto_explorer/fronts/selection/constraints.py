"""Bounds that a chosen model must keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.fronts.core.box import Box
from pareto_explorer.fronts.core.validation_twins import twin, validation_box
from pareto_explorer.fronts.core.values import finite_number
from pareto_explorer.schema.audited import AUDITED
from pareto_explorer.schema.columns import metric_columns, place

__all__ = ["SPENT", "Constraint", "constraints_on", "feasible", "not_audited", "require_feasible"]

SPENT = ("samples", "seconds")
"""What a model cost; can be bounded like a metric."""

_ARGUMENT = {"max": "`maximum`", "min": "`minimum`"}


@dataclass(frozen=True)
class Constraint:
    """A bound on the replicate mean of a metric.

    Attributes:
        metric: The metric as it was named.
        column: The column that is looked at: its validation twin, if there is one.
        bound: Whether ``value`` is the largest (``"max"``) or the smallest (``"min"``) allowed.
        value: The bound, in metric units.
    """

    metric: str
    column: str
    bound: Literal["max", "min"]
    value: float

    def __str__(self) -> str:
        return f"{self.column} at {'most' if self.bound == 'max' else 'least'} {self.value:g}"

    def excess(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """How far each row is beyond the bound, in metric units; 0 within, infinite for NaN."""
        sign = 1 if self.bound == "max" else -1
        beyond = sign * (table[self.column].to_numpy(dtype=np.float64) - self.value)
        return np.where(np.isnan(beyond), np.inf, np.maximum(beyond, 0.0))


def constraints_on(
    points: pd.DataFrame,
    box: Box,
    maximum: Mapping[str, float] | None = None,
    minimum: Mapping[str, float] | None = None,
) -> tuple[Constraint, ...]:
    """Reads bounds by metric; each is on the metric's validation twin where the table has one.

    Args:
        points: A points table.
        box: The objectives; a bound on one is on what ``validation_box`` puts in its place.
        maximum: Largest values by metric; ``samples`` and ``seconds`` can be bounded too.
        minimum: Smallest values by metric.

    Raises:
        InputError: An unknown metric or a value that is no finite number.
    """
    measured = [name for name in metric_columns(points) if points[name].notna().any()]
    names = [*measured, *SPENT]
    twins = dict(zip(box.metrics, validation_box(points, box).metrics, strict=True))
    found = []
    bounds: tuple[tuple[Literal["max", "min"], Mapping[str, float]], ...] = (
        ("max", maximum or {}),
        ("min", minimum or {}),
    )
    for bound, values in bounds:
        for metric, value in values.items():
            if metric not in names:
                raise unknown(_ARGUMENT[bound], metric, names)
            number = finite_number(f"{_ARGUMENT[bound]} {metric}", value)
            column = twins.get(metric) or twin(metric, measured)
            found.append(Constraint(metric, column, bound, number))
    return tuple(found)


def feasible(means: pd.DataFrame, constraints: tuple[Constraint, ...]) -> NDArray[np.bool_]:
    """Marks the rows that keep every constraint."""
    kept = np.ones(len(means), dtype=np.bool_)
    for constraint in constraints:
        kept &= constraint.excess(means) == 0
    return kept


def not_audited(means: pd.DataFrame, constraints: tuple[Constraint, ...]) -> int:
    """Counts the rows that lack the value of an audit which a constraint is on."""
    bounded = [constraint.column for constraint in constraints if constraint.column in AUDITED]
    return int(means[bounded].isna().any(axis=1).sum())


def require_feasible(means: pd.DataFrame, constraints: tuple[Constraint, ...], box: Box) -> None:
    """Refuses constraints that no row keeps, and says how near the nearest row comes.

    Near is meant by the largest excess, in shares of the box for objectives and of the metric's
    range over the rows for everything else.

    Args:
        means: Replicate means, at least one row.
        constraints: What to keep.
        box: The objectives as the choice sees them.

    Raises:
        InputError: No row keeps all constraints.
    """
    if feasible(means, constraints).any():
        return
    excess = np.column_stack([constraint.excess(means) for constraint in constraints])
    scales = [_scale(constraint.column, means, box) for constraint in constraints]
    nearest = int(np.argmin((excess / scales).max(axis=1)))
    row = means.iloc[nearest]
    missed = ", ".join(
        f"{constraint.column} {row[constraint.column]:.4g} ({beyond:.2g} too "
        f"{'much' if constraint.bound == 'max' else 'little'})"
        for constraint, beyond in zip(constraints, excess[nearest], strict=True)
        if beyond > 0
    )
    bounds = ", ".join(f"{_ARGUMENT[c.bound]} {c.metric}={c.value:g}" for c in constraints)
    unknown = not_audited(means, constraints)
    audited = f" ({unknown} of them were not audited)" if unknown else ""
    raise InputError(
        f"{bounds}: none of {len(means)} models{audited} keeps this; the nearest, "
        f"{row['trial_id']} at {place(row['step'], row.get('position', 0.0))}, has {missed}: "
        "relax the bound or sweep further."
    )


def _scale(column: str, means: pd.DataFrame, box: Box) -> float:
    for objective in box.objectives:
        if objective.metric == column:
            return abs(objective.nadir - objective.ideal)
    values = means[column].to_numpy(dtype=np.float64)
    finite = values[np.isfinite(values)]
    spread = float(np.ptp(finite)) if len(finite) else 0.0
    return spread or 1.0
