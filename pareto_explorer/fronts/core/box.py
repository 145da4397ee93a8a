"""Objectives with a direction each, and the box that a hypervolume is measured in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pareto_explorer.errors import InputError, bare, brief, unknown
from pareto_explorer.fronts.core.values import LARGEST, finite_matrix, finite_number

__all__ = ["Box", "Objective", "require_same_box"]


@dataclass(frozen=True)
class Objective:
    """A metric with a direction and bounds.

    Attributes:
        metric: The metric's column.
        direction: ``"min"`` or ``"max"``.
        ideal: The value that becomes 0.
        nadir: The worse value that becomes 1.

    Raises:
        InputError: An unknown direction, a bound that is not finite, or an ideal that is not
            better than the nadir.
    """

    metric: str
    direction: Literal["min", "max"]
    ideal: float
    nadir: float

    def __post_init__(self) -> None:
        if not isinstance(self.metric, str) or not self.metric:
            raise InputError(
                f"metric: {brief(self.metric)} is no name of a metric; give its column."
            )
        if self.direction not in ("min", "max"):
            raise unknown(f"direction of {bare(self.metric)}", self.direction, ("min", "max"))
        for name in ("ideal", "nadir"):
            object.__setattr__(
                self, name, finite_number(f"{name} of {bare(self.metric)}", getattr(self, name))
            )
        better = self.ideal < self.nadir if self.direction == "min" else self.ideal > self.nadir
        if not better:
            raise InputError(
                f"ideal of {bare(self.metric)}: {self.ideal!r} is not better than the nadir "
                f"{self.nadir!r} where direction is {self.direction!r}; swap them or change the "
                "direction."
            )


@dataclass(frozen=True)
class Box:
    """Declared ideal, nadir and reference point of the objectives.

    A hypervolume means something only together with its box; numbers from different boxes are
    never compared.

    Attributes:
        objectives: Two or three objectives, of different metrics.
        reference: The reference point in normalised units, where each ideal is 0 and each nadir
            is 1; all ones unless given.

    Raises:
        InputError: Not two or three objectives, a metric twice, or a reference point that does
            not fit.
    """

    objectives: tuple[Objective, ...]
    reference: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        objectives = tuple(self.objectives)
        if len(objectives) not in (2, 3):
            raise InputError(f"objectives: {len(objectives)} given; declare two or three.")
        metrics = [objective.metric for objective in objectives]
        if len(set(metrics)) < len(metrics):
            raise InputError(
                f"objectives: {', '.join(map(bare, metrics))} name a metric twice; drop one."
            )
        reference = tuple(self.reference) or (1.0,) * len(objectives)
        if len(reference) != len(objectives):
            raise InputError(
                f"reference: {len(reference)} numbers for {len(objectives)} objectives; give one "
                "for each."
            )
        reference = tuple(
            finite_number(f"reference.{i}", value) for i, value in enumerate(reference)
        )
        if min(reference) <= 0:
            raise InputError(
                f"reference: {list(reference)} is not worse than the ideal, which is 0 in each "
                "objective; give numbers above 0."
            )
        object.__setattr__(self, "objectives", objectives)
        object.__setattr__(self, "reference", reference)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics' columns, in the order of the objectives."""
        return tuple(objective.metric for objective in self.objectives)

    def normalise(self, values: ArrayLike) -> NDArray[np.float64]:
        """Turns metric values into minimised ones: each ideal becomes 0, each nadir 1.

        Values beyond the bounds are not clipped.

        Args:
            values: (n, m) in metric units, one column per objective.

        Returns:
            A new (n, m) array.

        Raises:
            InputError: Another number of columns, NaN or an infinity, or a value so far outside the
                box that nothing can be calculated from it.

        >>> cost, gain = Objective("cost", "min", 0, 8), Objective("gain", "max", 1, 0)
        >>> Box((cost, gain)).normalise([[2.0, 1.0]]).tolist()
        [[0.25, 0.0]]
        """
        matrix = finite_matrix(values, self.metrics)
        units = self._units(matrix)
        far = np.argwhere(~(np.abs(units) <= LARGEST))
        if len(far):
            row, column = far[0].tolist()
            objective = self.objectives[column]
            raise InputError(
                f"values: {objective.metric} of row {row} is {matrix[row, column]:g}, too far "
                f"outside the box from {objective.ideal:g} to {objective.nadir:g} to calculate "
                "with; leave the row out or widen the box."
            )
        return units

    def measurable(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Marks the rows that `normalise` takes.

        Args:
            values: (n, m) in metric units, one column per objective; anything may be in it.

        Returns:
            (n,) mask.
        """
        small = (np.abs(matrix) <= LARGEST for matrix in (values, self._units(values)))
        return np.asarray(np.logical_and(*small).all(axis=1))

    def _units(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        ideal = np.array([objective.ideal for objective in self.objectives])
        nadir = np.array([objective.nadir for objective in self.objectives])
        with np.errstate(over="ignore", invalid="ignore"):  # whoever calls looks at the result
            return np.asarray((matrix - ideal) / (nadir - ideal) + 0.0)  # no negative zeros

    def to_dict(self) -> dict[str, Any]:
        """Plain data for YAML and JSON; ``from_dict`` reads it."""
        return {
            "objectives": [
                {
                    "metric": objective.metric,
                    "direction": objective.direction,
                    "ideal": objective.ideal,
                    "nadir": objective.nadir,
                }
                for objective in self.objectives
            ],
            "reference": list(self.reference),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Box:
        """Reads what ``to_dict`` gives, or the same by hand; ``reference`` may be left out.

        Raises:
            InputError: A key is missing or unknown, or a value does not fit; the message names it.
        """
        _check_keys("box", data, required=("objectives",), optional=("reference",))
        if not isinstance(data["objectives"], Sequence) or isinstance(data["objectives"], str):
            raise InputError("box.objectives: a list is needed, of two or three objectives.")
        objectives = []
        for index, item in enumerate(data["objectives"]):
            field = f"box.objectives.{index}"
            _check_keys(field, item, required=("metric", "direction", "ideal", "nadir"))
            try:
                objectives.append(Objective(**item))
            except InputError as error:
                raise InputError(f"{field}: {error}") from None
        reference = data.get("reference", ())
        if not isinstance(reference, Sequence) or isinstance(reference, str):
            raise InputError("box.reference: a list of numbers is needed, one per objective.")
        return cls(tuple(objectives), tuple(reference))


def require_same_box(first: Box, second: Box) -> None:
    """Refuses to compare numbers that were measured in different boxes.

    Raises:
        InputError: The boxes differ; the message says in what.
    """
    if first == second:
        return
    if first.objectives == second.objectives:
        difference = f"reference points {list(first.reference)} and {list(second.reference)}"
    elif first.metrics != second.metrics:
        difference = f"objectives {', '.join(first.metrics)} and {', '.join(second.metrics)}"
    else:
        index = next(
            i
            for i, pair in enumerate(zip(first.objectives, second.objectives, strict=True))
            if pair[0] != pair[1]
        )
        a, b = first.objectives[index], second.objectives[index]
        difference = (
            f"{a.metric} from {a.ideal!r} to {a.nadir!r} and from {b.ideal!r} to {b.nadir!r}"
        )
    raise InputError(
        f"box: hypervolumes of different boxes cannot be compared ({difference}); recompute both "
        "in one, as `load_runs(box)` does."
    )


def _check_keys(
    field: str, data: object, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> None:
    if not isinstance(data, Mapping):
        raise InputError(f"{field}: {brief(data)} is no mapping; give {', '.join(required)}.")
    for name in data:
        if name not in required + optional:
            raise unknown(field, name, required + optional)
    for name in required:
        if name not in data:
            raise InputError(f"{field}.{name}: missing; give {', '.join(required)}.")
