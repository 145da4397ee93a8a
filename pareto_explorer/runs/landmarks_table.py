"""The landmarks table: the original and the retrained model of each replicate, measured once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pyarrow import ArrowException

from pareto_explorer.errors import InputError, unknown
from pareto_explorer.runs.journal import as_plain
from pareto_explorer.runs.manifest import RunDirectory
from pareto_explorer.runs.parquet import read_table, write_table
from pareto_explorer.schema.columns import IDENTITY, LANDMARKS, STRING, tabulate
from pareto_explorer.trust.files import require_ordinary

__all__ = ["LANDMARKS", "read_landmarks", "write_landmarks"]

_IDENTITY: dict[str, Any] = {
    "landmark": STRING,
    **{name: IDENTITY[name] for name in ("replicate", "training_seed")},
}


def write_landmarks(run: RunDirectory, rows: Sequence[Mapping[str, Any]]) -> None:
    """Writes ``landmarks.parquet`` atomically.

    Args:
        run: The run directory; it must exist.
        rows: Mappings with ``landmark`` ("original" or "retrained"), ``replicate``,
            ``training_seed`` and the metrics.

    Raises:
        InputError: A landmark has another name, or a value does not fit its column.
    """
    for row in rows:
        if row["landmark"] not in LANDMARKS:
            raise unknown("landmark", row["landmark"], LANDMARKS)
    write_table(run.landmarks, tabulate([as_plain(row) for row in rows], _IDENTITY))


def read_landmarks(run: RunDirectory) -> pd.DataFrame:
    """Reads the landmarks table, sorted by landmark and replicate; empty if there is none yet.

    Raises:
        InputError: The file is damaged, or has a landmark of a replicate twice.
    """
    require_ordinary(run.landmarks, f"landmarks: {str(run.landmarks)!r}")
    try:
        table = read_table(run.landmarks, _IDENTITY)
    except FileNotFoundError:
        return tabulate([], _IDENTITY)
    except InputError as error:
        raise _damaged(run, str(error)) from None
    except (ArrowException, MemoryError, OSError) as error:
        raise _damaged(run, type(error).__name__) from error
    twice = np.flatnonzero(table.duplicated(["landmark", "replicate"]))
    if len(twice):
        kind, replicate = table.loc[twice[0], ["landmark", "replicate"]]
        raise _damaged(run, f"row {twice[0] + 1}: a second {kind} model of replicate {replicate}")
    return table.sort_values(["landmark", "replicate"], ignore_index=True)


def _damaged(run: RunDirectory, reason: str) -> InputError:
    return InputError(
        f"landmarks: {str(run.landmarks)!r} is damaged ({reason.rstrip('.')}); delete it and run "
        "the sweep's command again to measure the landmarks anew."
    )
