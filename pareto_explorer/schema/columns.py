"""The columns of the points table: their names, order and types."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pareto_explorer.errors import InputError
from pareto_explorer.schema.kinds import (
    STRING,
    Cost,
    Kind,
    Knob,
    Measure,
    Misfit,
    Place,
    Text,
    Whole,
    is_unicode,
)
from pareto_explorer.schema.metrics import METRICS
from pareto_explorer.schema.statuses import POINT_STATUSES

__all__ = [
    "BUNDLE",
    "CHECKPOINT",
    "CONFIG_PREFIX",
    "DIAGNOSTICS",
    "IDENTITY",
    "KEY",
    "LANDMARKS",
    "MACHINE_TIMES",
    "MEMBER",
    "NO_COMPETITORS",
    "PATH",
    "PATH_VALUE",
    "POSITION",
    "STD_SUFFIX",
    "STRING",
    "Checkpoint",
    "checkpoint_of",
    "checkpoints_of",
    "config_columns",
    "diagnostic_columns",
    "kind_of",
    "metric_columns",
    "moved",
    "of_checkpoint",
    "order",
    "place",
    "place_items",
    "plain_position",
    "plain_values",
    "positioned",
    "require_fit",
    "require_names",
    "shown_columns",
    "stack",
    "tabulate",
    "uses_positions",
]

POSITION = "position"

KEY = ("trial_id", "replicate", "step", POSITION)
"""What makes a point: each combination is in the table exactly once."""

Checkpoint = tuple[str, int, float]

CHECKPOINT = ("trial_id", "step", POSITION)
"""What makes a checkpoint, of which every replicate of a trial has one model."""

MACHINE_TIMES = ("seconds", "evaluation_seconds")
"""Columns that measure the machine: they differ whenever the same point is computed again."""

CONFIG_PREFIX = "config."
STD_SUFFIX = ".std"

PATH = f"{CONFIG_PREFIX}path"
"""The knob that moves during a run, where one does."""

PATH_VALUE = "path_value"
"""The value of that knob at a point; every other knob is the same at all points of a trial."""

BUNDLE = "bundle"
"""How many replicates of its trial have stepped together up to a point; missing: it alone."""

MEMBER = ": "
"""Between the name of a run and that of its family or trial, where several runs are together."""

LANDMARKS = ("original", "retrained")

IDENTITY: dict[str, Any] = {
    "trial_id": STRING,
    "family": STRING,
    "method": STRING,
    "aggregator": STRING,
    "forget_loss": STRING,
    "replicate": np.dtype("int64"),
    "training_seed": np.dtype("uint64"),  # PyTorch draws seeds up to 2^64 - 1
    "unlearning_seed": np.dtype("uint64"),
    "step": np.dtype("int64"),
    POSITION: np.dtype("float64"),
    "samples": np.dtype("int64"),
    "seconds": np.dtype("float64"),
    "status": STRING,
    "trial_status": STRING,
    "error": STRING,
}
"""The columns that every points table has, in this order, and their types."""

AXES = ("method", "aggregator", "forget_loss")
"""What makes up a family, each a column of its own."""

NO_COMPETITORS = frozenset({"interpolation"})
"""Methods that show the way between two models: to look along, and not to compare."""

_OPTIONAL = frozenset({"aggregator", "forget_loss", "trial_status", "error"})
_WORDS = {"status": tuple(POINT_STATUSES), "landmark": LANDMARKS}

MOST_COLUMNS = 10_000

DIAGNOSTICS = (
    "cosine",
    "norm_retain",
    "norm_forget",
    "weight_retain",
    "weight_forget",
    "hardness",
    "share_direct",
    "share_rectified",
    "share_infeasible",
    "loss_retain",
    "loss_forget",
    PATH_VALUE,
    BUNDLE,
    "evaluation_seconds",
)
"""Measures of how a method works rather than of its model; every other measure is a metric."""


def place(step: int, position: float) -> str:
    """Where in its trial a model is, in words; position 0, which most have, goes without saying.

    >>> place(100, 0.0), place(100, 0.25), place(100, 1.0)
    ('step 100', 'step 100, position 0.25', 'step 100, position 1')
    """
    return f"step {step}" + (f", position {plain_position(position)}" if position else "")


def place_items(step: int, position: float) -> dict[str, Any]:
    """The same as plain data.

    >>> place_items(100, 0.0), place_items(100, 0.25)
    ({'step': 100}, {'step': 100, 'position': 0.25})
    """
    return {"step": step} | ({POSITION: position} if position else {})


def plain_position(position: float) -> str:
    """The shortest number that is this position exactly.

    >>> plain_position(0.1), plain_position(2.0)
    ('0.1', '2')
    """
    return repr(float(position)).removesuffix(".0")


def of_checkpoint(
    frame: pd.DataFrame, trial_id: str, step: int, position: float = 0.0
) -> pd.Series[bool]:
    """Marks the rows of one checkpoint."""
    there = (frame["trial_id"] == trial_id) & (frame["step"] == step)
    return there & (positioned(frame)[POSITION] == position)


def checkpoint_of(row: Mapping[Any, Any]) -> Checkpoint:
    """The checkpoint that a row is about."""
    return str(row["trial_id"]), int(row["step"]), float(row.get(POSITION, 0.0))


def checkpoints_of(frame: pd.DataFrame) -> list[Checkpoint]:
    """The checkpoints that a table is about, each once, in its order."""
    rows = positioned(frame)[[*CHECKPOINT]].drop_duplicates()
    return list(map(checkpoint_of, rows.to_dict("records")))


def positioned(frame: pd.DataFrame) -> pd.DataFrame:
    """A table whose models all have a position; 0 in one that knows of none."""
    return frame if POSITION in frame.columns else frame.assign(**{POSITION: 0.0})


def shown_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """A table for readers: without the positions, where all are 0."""
    return frame if uses_positions(frame) else frame.drop(columns=POSITION, errors="ignore")


def uses_positions(frame: pd.DataFrame) -> bool:
    """Whether a table has several models at one step of a run, or names where one is."""
    return POSITION in frame.columns and bool((frame[POSITION] != 0).any())


def config_columns(frame: pd.DataFrame) -> list[str]:
    """The ``config.<knob>`` columns of a points table."""
    return [name for name in frame.columns if name.startswith(CONFIG_PREFIX)]


def diagnostic_columns(frame: pd.DataFrame) -> list[str]:
    """The diagnostic columns of a points table."""
    return [name for name in frame.columns if name in DIAGNOSTICS]


def metric_columns(frame: pd.DataFrame) -> list[str]:
    """The metric columns of a points or landmarks table, or of replicate means.

    These are all columns of floats that are no identity, knob, diagnostic or spread.
    """
    return [
        name
        for name in frame.columns
        if name not in IDENTITY
        and name not in DIAGNOSTICS
        and not name.startswith(CONFIG_PREFIX)
        and not name.endswith(STD_SUFFIX)
        and pd.api.types.is_float_dtype(frame[name].dtype)
    ]


def moved(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the knob that moves along a path as a knob, at its value in each row.

    A table of points has it as ``PATH_VALUE``, since the knobs of a trial are the same in all its
    rows.

    Args:
        table: Some rows with knobs and diagnostics.
    """
    if PATH not in table or PATH_VALUE not in table:
        return table
    names, values = table[PATH], table[PATH_VALUE]
    columns = {}
    for name in sorted(names[values.notna()].dropna().unique()):
        column = f"{CONFIG_PREFIX}{name}"
        own = plain_values(table[column]) if column in table else [None] * len(table)
        rows = zip(names.tolist(), values.tolist(), own, strict=True)
        present = [at if here == name and at == at else other for here, at, other in rows]
        columns[column] = Knob().column(present).set_axis(table.index)
    return table.assign(**columns)


def tabulate(rows: Sequence[Mapping[str, Any]], identity: Mapping[str, Any]) -> pd.DataFrame:
    """Turns rows into a table whose columns and types do not depend on the order of the rows.

    Identity columns come first and are always there; then the knobs by name, the metrics and the
    diagnostics. Measures are float64. For the type of a knob see ``kinds.Knob``.

    Args:
        rows: Mappings of column to plain value; a missing key is a missing value.
        identity: The leading columns and their types.

    Returns:
        One line per row, in the order given.

    Raises:
        Misfit: A value does not fit its column, or a column cannot be called so.
        InputError: There are too many columns.
    """
    found = dict.fromkeys(name for row in rows for name in row)
    require_names(found, rows)
    further = sorted(found.keys() - identity.keys(), key=order)
    return pd.DataFrame(
        {
            name: _typed(name, kind_of(name, identity), [row.get(name) for row in rows])
            for name in (*identity, *further)
        }
    )


def require_fit(rows: Sequence[Mapping[str, Any]], identity: Mapping[str, Any]) -> None:
    """Refuses rows that ``tabulate`` does not take.

    Raises:
        Misfit: As for ``tabulate``.
    """
    require_names(dict.fromkeys(name for row in rows for name in row), rows)
    for position, row in enumerate(rows):
        for name in dict.fromkeys((*identity, *row)):
            _require(name, kind_of(name, identity), row.get(name), position)


@functools.cache
def _kind(name: str, dtype: Any) -> Kind:
    if name == POSITION:
        return Place()
    if dtype is None:
        return Knob() if name.startswith(CONFIG_PREFIX) else Measure()
    if dtype == STRING:
        return Text(name in _OPTIONAL, _WORDS.get(name, ()))
    return Cost() if dtype == np.dtype("float64") else Whole(str(dtype))


def kind_of(name: str, identity: Mapping[str, Any]) -> Kind:
    """What a column holds.

    Args:
        name: The column.
        identity: The leading columns and their types, or what they hold as a `Kind`.
    """
    known = identity.get(name)
    return known if isinstance(known, Text | Whole | Measure | Cost) else _kind(name, known)


def stack(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Puts tables with the same identity columns below each other, as ``tabulate`` of all rows.

    Args:
        tables: One or more, each as ``tabulate`` gives it.
    """
    if len(tables) == 1:
        return tables[0]
    names = dict.fromkeys(str(name) for table in tables for name in table)
    require_names(names)
    leading = [name for name in names if name in tables[0] and name in IDENTITY]
    columns = {
        name: _stacked(name, tables)
        for name in [*leading, *sorted(names.keys() - set(leading), key=order)]
    }
    return pd.DataFrame(columns)


def require_names(names: Iterable[str], rows: Sequence[Mapping[str, Any]] = ()) -> None:
    """Refuses what no column can be called, and more columns than any sweep has.

    Args:
        names: The columns' names, each once.
        rows: The rows that have them, if the message is to say which one.

    Raises:
        Misfit: A name is empty, or no text that UTF-8 can hold.
        InputError: There are too many.
    """
    names = list(names)
    for name in names:
        if name in ("", CONFIG_PREFIX) or not is_unicode(name):
            position = next((i for i, row in enumerate(rows) if name in row), 0)
            raise Misfit(position, "a column's name", name, "a text")
    if len(names) > MOST_COLUMNS:
        raise InputError(f"{len(names):,} columns, where at most {MOST_COLUMNS:,} can be read.")


def _typed(name: str, kind: Kind, values: list[Any]) -> Any:
    """The column of some values, if they fit."""
    if not all(map(kind.fits, values)):
        for position, value in enumerate(values):
            _require(name, kind, value, position)
    return kind.column(values)


def _require(name: str, kind: Kind, value: Any, position: int) -> None:
    if not kind.fits(value):
        raise Misfit(position, name, value, kind.wanted)


def _stacked(name: str, tables: Sequence[pd.DataFrame]) -> Any:
    parts = [table.get(name) for table in tables]
    dtypes = {part.dtype for part in parts if part is not None}
    if all(part is not None for part in parts) and len(dtypes) == 1:
        return pd.concat(parts, ignore_index=True)
    if name.startswith(CONFIG_PREFIX):
        values: list[Any] = []
        for part, table in zip(parts, tables, strict=True):
            values += [None] * len(table) if part is None else plain_values(part)
        return Knob().column(values)
    return np.concatenate(
        [
            np.full(len(table), np.nan) if part is None else part.to_numpy(dtype=np.float64)
            for part, table in zip(parts, tables, strict=True)
        ]
    )


def plain_values(column: pd.Series[Any]) -> list[Any]:
    """The values of a column as plain ones; what is missing is None."""
    return column.astype(object).where(column.notna(), None).tolist()


def order(name: str) -> tuple[int, int, str]:
    """Sorts columns after the identity: knobs, those of `METRICS`, further ones, diagnostics."""
    if name.startswith(CONFIG_PREFIX):
        return 0, 0, name
    if name in METRICS:
        return 1, list(METRICS).index(name), name
    if name in DIAGNOSTICS:
        return 3, DIAGNOSTICS.index(name), name
    return 2, 0, name
