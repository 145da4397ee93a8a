"""From a foreign table and its mapping to points, landmarks and objectives."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pareto_explorer.errors import InputError, brief
from pareto_explorer.fronts.core.values import LARGEST
from pareto_explorer.interchange.cells import (
    joined,
    knob_values,
    number,
    numbered,
    numbers,
    plain,
    statuses,
    whole,
)
from pareto_explorer.interchange.checks import check_points, trial_statuses
from pareto_explorer.interchange.columns import Columns, require_metric, resolve
from pareto_explorer.interchange.foreign import ForeignTable
from pareto_explorer.interchange.mapping import ColumnMapping, LandmarkRows, ObjectiveColumn
from pareto_explorer.schema.columns import CONFIG_PREFIX, IDENTITY, KEY, STRING, tabulate
from pareto_explorer.schema.statuses import DIVERGED, FAILED, OK
from pareto_explorer.text import count

__all__ = [
    "Assembled",
    "assemble",
    "landmark_kinds",
    "landmark_rows",
]


def landmark_kinds(
    rows: pd.DataFrame, chosen: LandmarkRows | None, table: ForeignTable
) -> pd.Series:
    """``"original"`` or ``"retrained"`` for the landmarks' rows, missing for all others.

    Raises:
        InputError: A value that should mark landmarks is nowhere in the column.
    """
    kinds = pd.Series(None, index=rows.index, dtype=object)
    if chosen is None:
        return kinds
    column = rows[chosen.column]
    for kind, value in (("original", chosen.original), ("retrained", chosen.retrained)):
        if value is None:
            continue
        hit = [_is(cell, value, table.decimal) for cell in column.to_list()]
        if not any(hit):
            raise InputError(
                f"landmarks.{kind}: column {chosen.column!r} of {table.source!r} never holds "
                f"{brief(value)}; correct the value or drop the line."
            )
        kinds = kinds.mask(pd.Series(hit, index=rows.index), kind)
    return kinds


def landmark_rows(
    kinds: pd.Series,
    seeds: pd.DataFrame,
    metrics: pd.DataFrame,
    steps: pd.Series | None,
    table: ForeignTable,
) -> list[dict[str, Any]]:
    """One plain row per landmark and replicate; of several steps, the last.

    Args:
        kinds: From ``landmark_kinds``.
        seeds: ``replicate`` and ``training_seed`` of every row.
        metrics: The metrics of every row.
        steps: The source's column of steps, if there is one.
        table: Where they are from, for messages.
    """
    identity = seeds[["replicate", "training_seed"]].assign(landmark=kinds)
    found = pd.concat([identity, metrics], axis=1)[kinds.notna()]
    if steps is not None:
        order = numbers(steps[kinds.notna()], table)
        found = found.loc[order.sort_values(kind="stable", na_position="first").index]
    last = found.drop_duplicates(["landmark", "replicate"], keep="last")
    return plain(last.sort_values(["landmark", "replicate"]))


def _is(cell: object, value: str | int | float, decimal: str) -> bool:
    """Whether a cell is the value, as a text or as a number."""
    return str(cell) == str(value) or (
        not isinstance(value, str) and number(cell, decimal) == value
    )


@dataclass(frozen=True)
class Assembled:
    """A foreign sweep in the terms of a run.

    Attributes:
        rows: Plain rows of the points table, sorted by trial, replicate, step and position.
        landmarks: Plain rows of the landmarks table.
        objectives: The objectives, perhaps with open bounds.
        columns: Which column was read as what.
        replicates: What replicates 0, 1, ... are called in the source; nothing where they have
            their own numbers.
        not_recorded: Costs that the source does not have; their columns hold 0.
    """

    rows: list[dict[str, Any]]
    landmarks: list[dict[str, Any]]
    objectives: tuple[ObjectiveColumn, ...]
    columns: Columns
    replicates: list[str]
    not_recorded: list[str]

    @property
    def points(self) -> pd.DataFrame:
        """The points table as ``runs.read_points`` gives it."""
        return tabulate(self.rows, IDENTITY)

    @property
    def landmark_table(self) -> pd.DataFrame:
        """The landmarks table as ``runs.read_landmarks`` gives it."""
        seeds = {name: IDENTITY[name] for name in ("replicate", "training_seed")}
        return tabulate(self.landmarks, {"landmark": STRING, **seeds})


def assemble(table: ForeignTable, mapping: ColumnMapping) -> Assembled:
    """Reads every column of a foreign table as what the mapping says.

    Args:
        table: What a reader gave.
        mapping: The user's; it wins over what the table knows of itself.

    Raises:
        InputError: Objectives are missing, a column is not there or holds what it cannot hold, a
            trial is not one configuration, or two rows are the same point with different content.
    """
    objectives = _objectives(table, mapping)
    columns = resolve(table, mapping)
    for index, objective in enumerate(objectives):
        require_metric(table, columns, f"objectives.{index}.metric", objective.metric)
    rows = table.rows.reset_index(drop=True)
    sweep = _Sweep(table, mapping, columns, [objective.metric for objective in objectives])
    seeds, replicates = sweep.seeds(rows)
    metrics = sweep.metrics(rows)
    kinds = landmark_kinds(rows, mapping.landmarks, table)
    is_point = kinds.isna()
    if not is_point.any():
        raise InputError(f"{table.source!r}: every row is a landmark, so there is no point.")
    points = sweep.points(rows[is_point], seeds[is_point], metrics[is_point])
    return Assembled(
        rows=plain(points),
        landmarks=landmark_rows(kinds, seeds, metrics, sweep.column(rows, "step"), table),
        objectives=objectives,
        columns=columns,
        replicates=replicates,
        not_recorded=[name for name in ("samples", "seconds") if name not in columns.identity],
    )


@dataclass(frozen=True)
class _Sweep:
    table: ForeignTable
    mapping: ColumnMapping
    columns: Columns
    objectives: list[str]

    @property
    def source(self) -> str:
        return self.table.source

    def column(self, rows: pd.DataFrame, target: str) -> pd.Series | None:
        names = self.columns.identity.get(target)
        return rows[names[0]] if names else None

    def seeds(self, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """The replicate, which the seeds number where nothing else does, and the two seeds.

        And what the replicates stand for, where they are numbered by their names.
        """
        names: list[str] = []
        seeds = pd.DataFrame(index=rows.index)
        for target in ("training_seed", "unlearning_seed"):
            column = self.column(rows, target)
            seeds[target] = 0 if column is None else self.seed(column)
        replicate = self.column(rows, "replicate")
        if replicate is None:
            seeds["replicate"] = seeds.groupby(["training_seed", "unlearning_seed"]).ngroup()
        else:
            seeds["replicate"], names = numbered(replicate, self.table)
            if "training_seed" not in self.columns.identity:
                seeds["training_seed"] = seeds["replicate"]
        return seeds, names

    def seed(self, column: pd.Series) -> pd.Series:
        """A seed as it is, or its place among the others where it is a word."""
        if any(number(cell, self.table.decimal) is None for cell in column.to_list()):
            return numbered(column, self.table)[0]
        return whole(column, self.table)

    def metrics(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Metrics and diagnostics as floats."""
        sources = self.columns.metrics.items()
        found = {name: numbers(rows[source], self.table) for name, source in sources}
        return pd.DataFrame(found, index=rows.index)

    def points(
        self, rows: pd.DataFrame, seeds: pd.DataFrame, metrics: pd.DataFrame
    ) -> pd.DataFrame:
        """The points table but for its types."""
        names = self.names(rows)
        knobs = pd.DataFrame(
            {
                CONFIG_PREFIX + knob: knob_values(rows[source], self.table)
                for knob, source in self.columns.knobs.items()
            },
            index=rows.index,
            dtype=object,
        )
        points = pd.concat([names, seeds], axis=1)
        points["trial_id"] = self.trials(rows, names["family"], knobs)
        points["status"], points["error"] = self.status(rows, metrics)
        points["step"] = self.steps(rows, points)
        points["position"] = self.cost(rows, "position")
        points["samples"] = whole(self.cost(rows, "samples"), self.table)
        points["seconds"] = self.cost(rows, "seconds")
        points = pd.concat([points, knobs, metrics], axis=1)
        if self.table.reports_in_parts:
            points = points[self.measured(points)]
        points = check_points(points, self.columns, self.source)
        points["trial_status"] = trial_statuses(points)
        first_error = points.groupby("trial_id")["error"].transform("first")
        points["error"] = points["error"].where(points["error"].notna(), first_error)
        return points.sort_values(list(KEY), kind="stable")

    def names(self, rows: pd.DataFrame) -> pd.DataFrame:
        names = pd.DataFrame(
            {
                target: joined(rows, self.columns.identity[target])
                if target in self.columns.identity
                else None
                for target in ("family", "method", "aggregator", "forget_loss")
            },
            index=rows.index,
            dtype=object,
        )
        if "family" not in self.columns.identity:
            names["family"] = self.mapping.name or self.table.name
        empty = np.flatnonzero(names["family"].isna())
        if len(empty):
            columns = ", ".join(self.columns.identity["family"])
            raise InputError(
                f"{self.source!r}: row {rows.index[int(empty[0])] + 1} has no family, as {columns} "
                "is empty; fill it in or map the family to another column."
            )
        names["method"] = names["method"].where(names["method"].notna(), names["family"])
        return names

    def trials(self, rows: pd.DataFrame, families: pd.Series, knobs: pd.DataFrame) -> list[str]:
        """The trials' names; without a column for them, one trial for each family and knobs."""
        column = self.column(rows, "trial_id")
        if column is not None:
            if column.isna().any():
                raise InputError(f"{self.source!r}: column {column.name!r} has an empty cell.")
            return [str(value) for value in column.to_list()]
        configurations = pd.concat([families, knobs], axis=1).to_numpy(dtype=object).tolist()
        found: dict[str, str] = {}
        numbering: Counter[str] = Counter()
        for family, *values in configurations:
            key = json.dumps([family, *values], default=str)
            if key not in found:
                stem = re.sub(r"[^\w.+-]+", "-", family)[:80]
                found[key] = f"{stem}-{numbering[stem]:03d}"
                numbering[stem] += 1
        keys = (json.dumps(values, default=str) for values in configurations)
        return [found[key] for key in keys]

    def status(self, rows: pd.DataFrame, metrics: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
        """Whether each model went well, and if not, why; one without its objectives did not."""
        column = self.column(rows, "status")
        words = dict(self.table.statuses) | self.mapping.statuses
        status = (
            pd.Series(OK, index=rows.index)
            if column is None
            else statuses(column, words, self.table)
        )
        text = self.column(rows, "error")
        error = pd.Series(None, index=rows.index, dtype=object)
        if text is not None:
            error = text.astype(object).where(text.notna(), None)
        for metric in self.objectives:
            for verdict, bad in (
                (FAILED, metrics[metric].isna()),
                (DIVERGED, metrics[metric].abs() > LARGEST),
            ):
                hit = bad & (status == OK)
                status = status.mask(hit, verdict)
                reason = "no value" if verdict == FAILED else "no finite value"
                error = error.mask(hit & error.isna(), f"{reason} of {metric}")
        return status, error

    def steps(self, rows: pd.DataFrame, points: pd.DataFrame) -> pd.Series:
        """The steps; a row that only tells of a failure follows the last one."""
        column = self.column(rows, "step")
        if column is None:
            return pd.Series(0, index=rows.index)
        steps = numbers(column, self.table)
        last = steps.groupby([points["trial_id"], points["replicate"]]).transform("max")
        steps = steps.mask(steps.isna() & (points["status"] == FAILED), last.fillna(-1) + 1)
        return whole(steps.rename(str(column.name)), self.table, least=0)

    def cost(self, rows: pd.DataFrame, name: str) -> pd.Series:
        """What a point took, or where it is at its step; 0 where nothing tells."""
        column = self.column(rows, name)
        if column is None:
            return pd.Series(0.0, index=rows.index)
        costs = numbers(column, self.table).fillna(0.0)
        bad = np.flatnonzero(~np.isfinite(costs) | (costs < 0))
        if len(bad):
            cell, row = column.iloc[int(bad[0])], column.index[int(bad[0])] + 1
            raise InputError(
                f"{self.source!r}: column {column.name!r} holds {brief(cell)} in row {row}, where "
                "a number of at least 0 is needed."
            )
        return costs

    def measured(self, points: pd.DataFrame) -> pd.Series:
        """Marks all rows but the reports in which a trial with objectives gave none of them."""
        some = points[self.objectives].notna().any(axis=1)
        trial = some.groupby([points["trial_id"], points["replicate"]]).transform("any")
        column = self.column(self.table.rows.reset_index(drop=True), "status")
        words = dict(self.table.statuses) | self.mapping.statuses
        given = column if column is None else statuses(column, words, self.table)
        bad = False if given is None else given.loc[points.index] != OK
        return some | bad | ~trial


def _objectives(table: ForeignTable, mapping: ColumnMapping) -> tuple[ObjectiveColumn, ...]:
    objectives: Sequence[ObjectiveColumn] = mapping.objectives or table.objectives
    if len(objectives) in (2, 3):
        return tuple(objectives)
    held = "says nothing of its objectives"
    if objectives:
        held = f"has {count(len(objectives), 'objective')}"
    raise InputError(
        f"objectives: {table.source!r} {held}; name two or three in a mapping, such as "
        "objectives: [{metric: loss, direction: min}, {metric: accuracy, direction: max}]."
    )
