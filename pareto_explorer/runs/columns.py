"""The columns of the points table: their names, order and types."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "CONFIG_PREFIX",
    "DIAGNOSTICS",
    "IDENTITY",
    "KEY",
    "MACHINE_TIMES",
    "METRICS",
    "STD_SUFFIX",
    "config_columns",
    "diagnostic_columns",
    "metric_columns",
    "tabulate",
]

KEY = ("trial_id", "replicate", "step")
"""What makes a point: each combination is in the table exactly once."""

MACHINE_TIMES = ("seconds", "evaluation_seconds")
"""Columns that measure the machine: they differ whenever the same point is computed again."""

CONFIG_PREFIX = "config."
STD_SUFFIX = ".std"

STRING = pd.Series(["text"]).dtype  # `str` from pandas 3 on, `object` before

IDENTITY: dict[str, Any] = {
    "trial_id": STRING,
    "family": STRING,
    "method": STRING,
    "aggregator": STRING,
    "forget_loss": STRING,
    "replicate": np.dtype("int64"),
    "training_seed": np.dtype("int64"),
    "unlearning_seed": np.dtype("int64"),
    "step": np.dtype("int64"),
    "samples": np.dtype("int64"),
    "seconds": np.dtype("float64"),
    "status": STRING,
    "trial_status": STRING,
    "error": STRING,
}
"""The columns that every points table has, in this order, and their types."""

METRICS = (
    "forget_gap",
    "retain_gap",
    "forget_accuracy_gap",
    "accuracy_drop",
    "unlearning_accuracy",
    "retain_accuracy",
    "test_accuracy",
    "validation_accuracy",
    "heldout_accuracy",
    "adjacent_accuracy",
    "remote_accuracy",
    "membership_inference",
    "validation_membership_inference",
    "validation_forget_gap",
    "validation_retain_gap",
    "average_gap",
    "tug_of_war",
    "js_divergence",
)
"""The order in which known metrics appear; others follow by name."""

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
    "evaluation_seconds",
)
"""Measures of how a method works rather than of its model; every other measure is a metric."""


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


def tabulate(rows: Sequence[Mapping[str, Any]], identity: Mapping[str, Any]) -> pd.DataFrame:
    """Turns rows into a table whose columns and types do not depend on the order of the rows.

    Identity columns come first and are always there; then the knobs by name, the metrics and the
    diagnostics. Measures are float64. A knob keeps its type, in its nullable form where some rows
    lack the knob; a knob that mixes text with other values becomes text.

    Args:
        rows: Mappings of column to plain value; a missing key is a missing value.
        identity: The leading columns and their types.

    Returns:
        One line per row, in the order given.

    Raises:
        TypeError, ValueError: A value does not fit its column.
    """
    found = {name for row in rows for name in row} - identity.keys()
    columns = {
        name: pd.Series([row.get(name) for row in rows], dtype=dtype)
        for name, dtype in identity.items()
    }
    for name in sorted(found, key=_position):
        values = [row.get(name) for row in rows]
        columns[name] = _knob(values) if name.startswith(CONFIG_PREFIX) else _measure(values)
    return pd.DataFrame(columns)


def _position(name: str) -> tuple[int, int, str]:
    if name.startswith(CONFIG_PREFIX):
        return 0, 0, name
    if name in METRICS:
        return 1, METRICS.index(name), name
    if name in DIAGNOSTICS:
        return 3, DIAGNOSTICS.index(name), name
    return 2, 0, name


def _measure(values: list[Any]) -> pd.Series[Any]:
    text = any(isinstance(value, str) for value in values)
    return pd.Series(values, dtype=STRING if text else "float64")


def _knob(values: list[Any]) -> pd.Series[Any]:
    kind = pd.api.types.infer_dtype(values, skipna=True)
    missing = any(value is None for value in values)
    if kind in ("floating", "mixed-integer-float", "empty"):
        return pd.Series(values, dtype="float64")
    if kind == "integer":
        return pd.Series(values, dtype="Int64" if missing else "int64")
    if kind == "boolean":
        return pd.Series(values, dtype="boolean" if missing else "bool")
    return pd.Series(
        [v if v is None or isinstance(v, str) else json.dumps(v) for v in values], dtype=STRING
    )
