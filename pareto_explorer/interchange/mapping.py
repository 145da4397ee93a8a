"""The mapping file: how the columns of a sweep made elsewhere are to be read."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    field_validator,
)

from pareto_explorer.errors import InputError, bare, brief, unknown
from pareto_explorer.fronts import Box, Objective
from pareto_explorer.schema.columns import CONFIG_PREFIX, IDENTITY
from pareto_explorer.schema.statuses import OK
from pareto_explorer.trust.files import read_yaml

__all__ = [
    "FROM_DATA",
    "GIVEN",
    "TARGETS",
    "ColumnMapping",
    "LandmarkRows",
    "ObjectiveColumn",
    "frozen_box",
    "load_mapping",
]

TARGETS = tuple(name for name in IDENTITY if name != "trial_status")
"""What a column can be mapped to, besides ``config.<knob>``."""

Name = Annotated[str, Field(min_length=1)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ObjectiveColumn(_Part):
    """One axis of the front; a bound that is left out is taken from the range of the data."""

    metric: Name
    direction: Literal["min", "max"]
    ideal: Number | None = None
    nadir: Number | None = None


class LandmarkRows(_Part):
    """Which rows are landmarks: those with one of two values in a column."""

    column: Name
    original: StrictStr | StrictInt | StrictFloat | None = None
    retrained: StrictStr | StrictInt | StrictFloat | None = None


class ColumnMapping(_Part):
    """How to read a sweep that was made elsewhere.

    Attributes:
        name: What the report calls the sweep; by default the source's name.
        columns: From ``trial_id``, ``family``, ``replicate``, ``training_seed``, ``step``,
            ``samples``, ``seconds``, ``status``, ... and ``config.<knob>`` to the source's column.
            ``family`` may be a list of columns, whose texts are joined by ``/``.
        metrics: From a metric's name here to the source's column. Every numeric column that is
            mapped to nothing else becomes a metric under its own name.
        ignore: Columns that are neither.
        statuses: From the source's words for a row's status to ``ok``, ``diverged`` or ``failed``.
        objectives: Two or three metrics with their directions and, if they are known, bounds.
        reference: Reference point in normalised units; all ones unless given.
        landmarks: The rows of the original and of the retrained models.
        separator: What stands between two cells of a CSV file.
        decimal: What stands between the whole and the rest of a number in a text file.
    """

    name: str = ""
    columns: dict[str, Name | list[Name]] = {}
    metrics: dict[Name, Name] = {}
    ignore: list[Name] = []
    statuses: dict[str, Literal["ok", "diverged", "failed"]] = {}
    objectives: list[ObjectiveColumn] = []
    reference: list[Number] = []
    landmarks: LandmarkRows | None = None
    separator: Annotated[str, Field(min_length=1, max_length=1)] = ","
    decimal: Literal[".", ","] = "."

    @field_validator("columns")
    @classmethod
    def _targets(cls, columns: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for target, source in columns.items():
            knob = target.startswith(CONFIG_PREFIX) and target != CONFIG_PREFIX
            if target not in TARGETS and not knob:
                raise unknown("columns", target, [*TARGETS, f"{CONFIG_PREFIX}<knob>"])
            if isinstance(source, list) and target != "family":
                raise InputError(
                    f"columns.{bare(target)}: {brief(source)} are several columns; only family may "
                    "have them."
                )
            if source == []:
                raise InputError("columns.family: the list is empty; name a column or drop it.")
        return columns

    @field_validator("objectives")
    @classmethod
    def _two_or_three(cls, objectives: list[ObjectiveColumn]) -> list[ObjectiveColumn]:
        if objectives and len(objectives) not in (2, 3):
            raise InputError(f"objectives: {len(objectives)} given; declare two or three.")
        return objectives

    def sources(self, target: str) -> list[str]:
        """The source's columns for a target; empty if the mapping says nothing of it."""
        found = self.columns.get(target, [])
        return [found] if isinstance(found, str) else list(found)

    @classmethod
    def from_dict(cls, data: object, source: str = "mapping") -> ColumnMapping:
        """Validates plain data.

        Args:
            data: What a mapping file holds.
            source: Put before messages.

        Raises:
            InputError: Something is unknown or does not fit.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InputError(f"{source}: {_sentence(error)}") from None


def load_mapping(mapping: ColumnMapping | str | PathLike[str] | None) -> ColumnMapping:
    """Reads a mapping file (YAML); a mapping is given back, ``None`` is an empty one.

    Raises:
        InputError: The file cannot be read, is no YAML, or something in it does not fit.
    """
    if mapping is None:
        return ColumnMapping()
    if isinstance(mapping, ColumnMapping):
        return mapping
    path = Path(mapping)
    data = read_yaml(path, "mapping")
    return ColumnMapping.from_dict({} if data is None else data, f"mapping {str(path)!r}")


def _sentence(error: ValidationError) -> str:
    """The first problem of a pydantic error in the project's own wording."""
    problem = error.errors()[0]
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, InputError):
        return str(cause)
    *parents, last = problem["loc"] or [""]
    path: list[Any] = [part for part in parents if not str(part).startswith("list[")]
    if problem["type"] == "extra_forbidden" or not str(last).startswith(_FORMS):
        path.append(last)
    where = ".".join(bare(str(part)) for part in path) or "the file"
    if problem["type"] == "extra_forbidden":
        return str(unknown(where, path[-1], _model(path).model_fields))
    if problem["type"] == "missing":
        return f"{where}: missing; give it."
    reason = problem["msg"][0].lower() + problem["msg"][1:]
    return f"{where}: {reason}, found {brief(problem['input'])}."


_FORMS = ("list[", "constrained-", "function-")  # of a union, as pydantic names them


def _model(path: Sequence[Any]) -> type[_Part]:
    parts: dict[Any, type[_Part]] = {"objectives": ObjectiveColumn, "landmarks": LandmarkRows}
    return parts.get(path[0], ColumnMapping) if len(path) > 1 else ColumnMapping


GIVEN, FROM_DATA = "given", "from the data"


def frozen_box(
    points: pd.DataFrame, objectives: Sequence[ObjectiveColumn], reference: Sequence[float]
) -> tuple[Box, dict[str, dict[str, str]]]:
    """Closes the open bounds by the best and the worst value among the points that went well.

    Bounds from the data make hypervolumes comparable within this import only; that is why they are
    told apart.

    Args:
        points: Points table.
        objectives: With bounds, or with ``None`` for those to take from the data.
        reference: Reference point in normalised units, or nothing for all ones.

    Returns:
        The box, and for each metric whether its ``ideal`` and ``nadir`` are ``"given"`` or
        ``"from the data"``.

    Raises:
        InputError: No point went well, a metric has one value only, or bounds do not fit.
    """
    well = points[points["status"] == OK]
    bounds = {}
    closed = []
    for objective in objectives:
        low, high = well[objective.metric].min(), well[objective.metric].max()
        best, worst = (low, high) if objective.direction == "min" else (high, low)
        ideal = best if objective.ideal is None else objective.ideal
        nadir = worst if objective.nadir is None else objective.nadir
        origins = {
            "ideal": FROM_DATA if objective.ideal is None else GIVEN,
            "nadir": FROM_DATA if objective.nadir is None else GIVEN,
        }
        if FROM_DATA in origins.values():
            _check_range(objective, ideal, nadir, n=len(well))
        closed.append(Objective(objective.metric, objective.direction, float(ideal), float(nadir)))
        bounds[objective.metric] = origins
    return Box(tuple(closed), tuple(reference)), bounds


def _check_range(objective: ObjectiveColumn, ideal: float, nadir: float, *, n: int) -> None:
    field = f"objectives: {bare(objective.metric)}"
    if not n:
        raise InputError(f"{field}: no point went well, so give its ideal and nadir.")
    better = ideal < nadir if objective.direction == "min" else ideal > nadir
    if not better:
        raise InputError(
            f"{field}: the data give no range with an ideal of {ideal:g} that is better than a "
            f"nadir of {nadir:g}; give both, ideal and nadir."
        )
