"""The landmarks table: the original and the retrained model of each replicate, measured once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pyarrow import ArrowException

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.runs.atomic import atomic_path
from pareto_explorer.runs.columns import STRING, tabulate
from pareto_explorer.runs.manifest import RunDirectory

__all__ = ["LANDMARKS", "read_landmarks", "write_landmarks"]

LANDMARKS = ("original", "retrained")

_IDENTITY: dict[str, Any] = {
    "landmark": STRING,
    "replicate": np.dtype("int64"),
    "training_seed": np.dtype("int64"),
}


def write_landmarks(run: RunDirectory, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes ``landmarks.parquet`` atomically.

    Args:
        run: The run directory; it must exist.
        rows: Mappings with ``landmark`` ("original" or "retrained"), ``replicate``,
            ``training_seed`` and the metrics.

    Raises:
        InputError: A landmark has another name.
    """
    for row in rows:
        if row["landmark"] not in LANDMARKS:
            raise unknown("landmark", row["landmark"], LANDMARKS)
    with atomic_path(run.landmarks) as temporary:
        tabulate(rows, _IDENTITY).to_parquet(temporary, index=False)


def read_landmarks(run: RunDirectory) -> pd.DataFrame:
    """Reads the landmarks table, sorted by landmark and replicate; empty if there is none yet.

    Raises:
        InputError: The file is damaged.
    """
    if not run.landmarks.exists():
        return tabulate([], _IDENTITY)
    try:
        table = pd.read_parquet(run.landmarks).astype(_IDENTITY)
    except (ArrowException, KeyError, OSError, TypeError, ValueError) as error:
        raise InputError(
            f"landmarks: {str(run.landmarks)!r} is damaged; delete it and run the sweep's command "
            "again to measure the landmarks anew."
        ) from error
    return table.sort_values(["landmark", "replicate"], ignore_index=True)
